"""From a source to two notebooks without outputs: the student's, with stubs for answers, and the solutions.

A source is a Python file in jupytext's percent format. In it stand for the build to fill in:

- `{badge}`: the badge that opens the notebook in Colab;
- `{repository}` and `{version}`: what the set-up cell installs there, from `pyproject.toml` and the package;
- the lines between `# BEGIN SOLUTION` and `# END SOLUTION`: students get `...` in their place;
- cells tagged `solution`: only in the solutions.

Code that is not the point is folded: see `is_aside`.
"""

import ast
import functools
import re
from pathlib import Path

import jupytext
import nbformat

import vgcourse
from lessons import repository

ROOT = Path(__file__).resolve().parents[1]
SOURCES, NOTEBOOKS = ROOT / "lessons", ROOT / "notebooks"
SOLUTIONS = "solutions"  # folder in NOTEBOOKS
# How JupyterLab, Colab and the web book fold the code of a cell; its outputs stay in view.
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form", "tags": ["hide-input"]}
BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"


class LessonError(Exception):
    """A lesson cannot be built; the message names the lesson, the cell, and what to do."""


def find_lessons(numbers=None):
    """Sources of lessons.

    Args:
        numbers: numbers such as "03", or names such as "03_gan_minimax"; None or empty means all.

    Returns:
        Sorted paths.

    Raises:
        LessonError: there is no such lesson.
    """
    paths = sorted(SOURCES.glob("[0-9][0-9]_*.py"))
    if not numbers:
        return paths
    found = [path for path in paths if {path.stem, path.name, path.stem[:2]} & set(numbers)]
    known = {key for path in paths for key in (path.stem, path.name, path.stem[:2])}
    unknown = sorted(set(numbers) - known)
    if unknown:
        names = ", ".join(path.stem for path in paths)
        raise LessonError(f"there is no lesson {', '.join(unknown)}; there are: {names}")
    return found


def convert(path, *, solutions):
    """Make a notebook of a source.

    Args:
        path: of the source.
        solutions: whether it shows the answers of the exercises.

    Returns:
        A `NotebookNode` without outputs, the same for the same source.

    Raises:
        LessonError: a solution does not begin or end.
    """
    source = _parsed(path.read_text(encoding="utf-8"))
    fill = _fields(path.stem, solutions)
    cells = []
    for number, cell in enumerate(source.cells):
        tags = cell.metadata.get("tags", [])
        if "solution" in tags and not solutions:
            continue
        text = cell.source
        for field, value in fill.items():
            text = text.replace(field, value)
        metadata = {"tags": tags} if tags else {}
        if cell.cell_type == "code":
            text = answer(text, solutions=solutions, where=f"{path.name}, cell {number}")
            if is_aside(text):
                metadata = {**FOLDED, "tags": [*tags, *FOLDED["tags"]]}
            made = nbformat.v4.new_code_cell(text, metadata=metadata)
        else:
            if solutions:
                text = re.sub(r"\]\(\.\./", "](../../", text)  # one folder deeper
            made = nbformat.v4.new_markdown_cell(text, metadata=metadata)
        made.id = f"cell-{number:03d}"
        cells.append(made)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    notebook.nbformat_minor = 5
    return notebook


def is_aside(code):
    """Whether a cell only imports, or draws with Matplotlib at once or in a function: seldom worth reading.

    Args:
        code: text of a code cell.

    Returns:
        A bool.
    """
    try:
        body = ast.parse(re.sub(r"(?m)^(\s*)%.*", r"\1pass", code)).body  # %pip and the like
    except SyntaxError:  # an exercise that the student completes
        return False
    ours = (ast.Import, ast.ImportFrom)
    if any(isinstance(part, ours) for part in body):
        calls = (part for part in body if not isinstance(part, ours))
        return all(ast.unparse(part).startswith(("quiet(", "if not find_spec(")) for part in calls)
    *texts, last = map(ast.unparse, body)
    if not any("= Figure(" in text for text in (*texts, last)):
        return False
    functions = [part.name for part in body if isinstance(part, ast.FunctionDef)]
    if not last.startswith(tuple(f"{name}(" for name in functions)):
        texts.append(last)
    return last.startswith("show.figure(") or all("= Figure(" in text for text in texts)


@functools.cache
def _parsed(text):
    """The cells of a source, read once for both notebooks."""
    return jupytext.reads(text, fmt="py:percent")


def answer(text, *, solutions, where):
    """The code of a cell with its solution, or with `...` in its place.

    A solution that is not indented gives the value to a name: the line `name = ...` before it stays with the
    student, and goes from the solutions.

    Args:
        text: code of the cell.
        solutions: whether to keep the solution.
        where: name of the cell for errors.

    Returns:
        The code without the two marks.

    Raises:
        LessonError: a mark is missing.
    """
    lines, inside = [], False
    for line in text.splitlines():
        mark = line.strip()
        if mark not in (BEGIN, END):
            if solutions or not inside:
                lines.append(line)
            continue
        if inside == (mark == BEGIN):
            raise LessonError(f"{where}: {mark!r} without its counterpart")
        inside = mark == BEGIN
        if inside:
            indent = line[: len(line) - len(line.lstrip())]
            if not solutions and indent:
                lines.append(f"{indent}...")
            while solutions and not indent and lines and re.match(r"\w+ = \.\.\.", lines[-1]):
                lines.pop()
    if inside:
        raise LessonError(f"{where}: {BEGIN!r} without {END!r}")
    return "\n".join(lines).strip("\n")


def target(path, *, solutions, out=NOTEBOOKS):
    """Where the notebook of a source is written; returns a Path."""
    return (out / SOLUTIONS if solutions else out) / f"{path.stem}.ipynb"


def inputs(notebook):
    """What a person wrote in a notebook: a list of (id, type, tags, text)."""
    return [(c.id, c.cell_type, tuple(c.metadata.get("tags", ())), c.source) for c in notebook.cells]


def badge(name, *, solutions):
    """Markdown of the badge that opens a notebook in Colab.

    Args:
        name: of the lesson.
        solutions: whether it is the notebook with the answers.

    Returns:
        One line.
    """
    colab = "https://colab.research.google.com"
    folder = f"notebooks/{SOLUTIONS}" if solutions else "notebooks"
    page = repository().removeprefix("https://github.com/")
    link = f"{colab}/github/{page}/blob/main/{folder}/{name}.ipynb"
    return f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({link})"


def _fields(name, solutions):
    return {
        "{badge}": badge(name, solutions=solutions),
        "{repository}": repository(),
        "{version}": vgcourse.__version__,
    }
