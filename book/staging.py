"""Notebooks and Markdown files of the repository as pages of the book."""

import re
from pathlib import Path

import nbformat

from book import frames, players
from lessons import repository

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
# What a notebook links to, seen from its folder -> page of the book, seen from the page of the notebook.
PAGES = {
    "../README.md": "../index.md",
    "../data/README.md": "../datasheet.md",
    "INSTRUCTORS.md": "../instructors.md",
}
BADGE = re.compile(r"\[!\[([^\]]*)\]\([^)]*\)\]\(([^)]*)\)")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
# Lesson and what draws its panel -> the live page that has something alike.
PLAY = "[The play page](../play.md) does it live, in your browser."
PUPPET = "On [the puppet page](../puppet.md) you drag the figure, and the painter paints, in your browser."
MINIMAX = "[The minimax page](../minimax.md) plays on, live in your browser."
LIVE = {
    ("00", "draw"): PLAY,
    ("03", "draw_game"): MINIMAX,
    ("03", "draw_moment"): MINIMAX,
    ("05", "own_clip"): PLAY,
    ("06", "control_panel"): PLAY,
    ("09", "draw_pose"): PUPPET,
    ("10", "draw_guided"): PUPPET,
    ("11", "control_panel"): PLAY,
}
KERNEL = "In the notebook there are sliders here, which need a running kernel."
UPLOAD = (
    "In the notebook there is a button here that takes videos from your machine; it needs a running kernel."
)
SOLUTIONS = """\
---
orphan: true
---
# Solutions: {title}

One answer to each exercise of {lesson}; others are as good. `check` tells you whether yours is.\
"""


def lessons():
    """Paths of the lessons' notebooks, in order."""
    return sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))


def solutions():
    """Paths of the notebooks with solutions, in order."""
    return sorted((NOTEBOOKS / "solutions").glob("[0-9]*.ipynb"))


def stage_notebook(path, static):
    """A lesson as a page.

    Pictures are files that carry their alt text, links stay inside the book, and a panel of sliders becomes
    sliders over pictures drawn beforehand, or a link to a live page.

    Args:
        path: of a built notebook.
        static: Path of the folder for pictures; on the page it is `../_static`.

    Returns:
        A `NotebookNode`.
    """
    notebook = nbformat.read(path, as_version=4)
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            cell.source = relink(cell.source, path.parent)
            continue
        for output in cell.outputs:
            stage_output(cell, output, static)
        if any(is_panel(output) for output in cell.outputs):
            cell.outputs = [output for output in cell.outputs if not is_panel(output)]
            text = panel_text(notebook, cell, path, static)
            cells.append(nbformat.v4.new_markdown_cell(text, id=f"{cell.id}-panel"))
    solutions = path.parent / "solutions" / path.name
    if solutions.is_file():
        text = f"[Solutions of the exercises](../solutions/{path.stem}.md)"
        cells.append(nbformat.v4.new_markdown_cell(text, id="solutions"))
    notebook.cells = cells
    return notebook


def stage_output(cell, output, static):
    """Put the alt text of a picture where the book looks for it, and its data into files."""
    data = output.get("data", {})
    if "image/png" in data:
        cell.metadata["mystnb"] = {"image": {"alt": " ".join(data["text/plain"].split())}}
    if "text/html" in data:
        data["text/html"] = players.to_files(data["text/html"], static / "pictures", "../_static/pictures/")


def is_panel(output):
    """Whether an output is a widget, which needs a running kernel; of it the notebook keeps its name."""
    return re.match(r"A panel of controls|\w*Box\(", output.get("data", {}).get("text/plain", "")) is not None


def panel_text(notebook, cell, path, static):
    """What stands in the book where the notebook has a panel; Markdown."""
    lesson, panel = path.name[:2], frames.find_panel(cell.source)
    if panel is None:
        return f":::{{note}}\n{UPLOAD}\n:::"
    key = lesson, frames.drawn_by(panel)
    live, counts = LIVE.get(key, "The picture above is one of theirs."), frames.DRAWN.get(key)
    if counts is None:
        return f":::{{note}}\n{KERNEL} {live}\n:::"
    place = f"frames/{lesson}_{frames.drawn_by(panel)}"
    code = frames.panel_code(notebook.cells, cell)
    figure = frames.write_figure(code, counts, static / place, f"../_static/{place}/")
    return f"```{{raw}} html\n{figure}```\n\n{LIVE.get(key, '')}"


def solutions_page(path):
    """The exercises of a lesson with their solutions; Markdown of a page one folder below the book's root.

    Args:
        path: of the notebook in `notebooks/solutions`.
    """
    cells = nbformat.read(path, as_version=4).cells
    title = cells[0].source.splitlines()[0].removeprefix("# ")
    lesson = f"[the lesson](../notebooks/{path.name})"
    parts = [SOLUTIONS.format(title=title, lesson=lesson)]
    for before, cell in zip(cells, cells[1:], strict=False):
        if "exercise" in cell.metadata.get("tags", []):
            task = before.source[before.source.index("### Exercise") :].replace("### ", "## ", 1)
            parts.append(f"{relink(task, NOTEBOOKS)}\n\n```python\n{cell.source}\n```")
    return "\n\n".join(parts) + "\n"


def relink(text, folder):
    """Markdown whose badges are plain links and whose links stay inside the book, or go to the repository.

    Args:
        text: Markdown.
        folder: Path of the folder it was written for.

    Returns:
        Markdown for a page one folder below the book's root.
    """
    text = BADGE.sub(r"[\1](\2)", text)  # the badge's picture would come from another site

    def replaced(match):
        label, address = match.groups()
        file, mark, anchor = address.partition("#")
        if re.match(r"[a-z]+:|#", address) or re.fullmatch(r"\d\d_\w+\.ipynb", file):
            return match.group()
        if file in PAGES:
            return f"[{label}]({PAGES[file]}{mark}{anchor})"
        place = (folder / file).resolve().relative_to(ROOT).as_posix()
        return f"[{label}]({repository()}/blob/main/{place}{mark}{anchor})"

    return LINK.sub(replaced, text)


def stage_markdown(path):
    """A Markdown file of the repository as a page at the book's root; its text.

    Args:
        path: of the file.
    """
    text = relink(path.read_text(encoding="utf-8"), path.parent)
    return text.replace("](../", "](")
