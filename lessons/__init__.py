"""Sources of the notebooks, a file a lesson, and the commands that build them: `python -m lessons --help`."""
