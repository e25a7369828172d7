"""Sources of the notebooks, a file a lesson, and the commands that build them: `python -m lessons --help`."""

import tomllib
from pathlib import Path


def repository():
    """Address of the repository, from pyproject.toml, the one place where it stands; a str."""
    text = Path(__file__).resolve().parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]["urls"]["Repository"]
