"""Command line of the lessons: `uv run python -m lessons build` after every change of a lesson.

uv run python -m lessons build               all lessons: convert, run, write to notebooks/
uv run python -m lessons build 03 06         only these
uv run python -m lessons build --prose 03    only text changed: nothing runs, outputs stay
uv run python -m lessons build --no-execute  convert only, a second a lesson; outputs are lost
uv run python -m lessons build --check       only say which notebooks are not what lessons/ builds
uv run python -m lessons slides 05           one file of slides for a browser, of what the last build shows
uv run python -m lessons warm 04_first_gan   train half the steps and save the state for short runs
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lessons import build as stage
from lessons import convert
from lessons import slides as deck
from lessons import warm as warming

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Build the notebooks from the sources in lessons/.",
)
Numbers = Annotated[
    list[str] | None, typer.Argument(metavar="[NN ...]", help="Numbers or names; none means all.")
]


@app.command()
def build(
    numbers: Numbers = None,
    execute: Annotated[bool, typer.Option(help="Run the notebooks and keep their outputs.")] = True,
    prose: Annotated[bool, typer.Option("--prose", help="Only text changed: keep the outputs.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if one is stale.")] = False,
    trial: Annotated[Path | None, typer.Option(help="Write to this folder, with the small budget.")] = None,
):
    """Build notebooks/ (for students) and notebooks/solutions/ from lessons/."""
    paths = convert.find_lessons(numbers)
    if check:
        stale = stage.stale_notebooks(paths)
        for line in stale:
            print(line)
        raise typer.Exit(1 if stale else 0)
    for path in paths:
        settings = {"execute": execute, "prose": prose, "out": trial or convert.NOTEBOOKS}
        stage.build_lesson(path, **settings, small=trial is not None)


@app.command()
def warm(lesson: Annotated[str, typer.Argument(metavar="NN", help="Number or name of a lesson.")]):
    """Train half of a lesson's steps and save the states from which short runs start."""
    for path in convert.find_lessons([lesson]):
        for state in warming.warm_lesson(path):
            print(f"{state}: {state.stat().st_size / 1e6:.2f} MB")


@app.command()
def slides(
    numbers: Numbers = None,
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = deck.OUT,
):
    """Write slides with reveal.js, of the notebooks' headings and pictures; S shows the speaker's notes."""
    for path in convert.find_lessons(numbers):
        file, count = deck.write_slides(path, out)
        print(f"{file}: {count} slides, {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    try:
        app()
    except convert.LessonError as error:
        sys.exit(f"error: {error}")
