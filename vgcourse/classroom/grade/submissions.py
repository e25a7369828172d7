"""What was handed in: notebooks, each with a person and a lesson, or with what is wrong with it."""

import ast
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from vgcourse.classroom.check import EXERCISES

MAX_BYTES = 50_000_000  # of a notebook; those of the course have under 2
NOT_HANDED_IN = {".ipynb_checkpoints", "__MACOSX"}  # copies that Jupyter and macOS make


@dataclass(frozen=True)
class Submission:
    """A file that was handed in.

    `lesson` is a number such as "03" and `sources` the text of its code cells; a file that cannot be run has
    neither, and a `problem`.
    """

    person: str
    file: str  # within the folder
    lesson: str = ""
    sources: tuple[str, ...] = ()
    problem: str = ""


def exercises_of(lesson):
    """Names of a lesson's exercises, in their order; `lesson` is its number, returns a list."""
    module = f"lesson_{lesson}"
    return [name for name, exercise in EXERCISES.items() if exercise.check.__module__.endswith(module)]


def find_submissions(folder):
    """All that was handed in.

    Args:
        folder: with a folder for each person, `<name>/03_gan_minimax.ipynb`, or with files named after them.

    Returns:
        A list of `Submission`s by name of the file. Somebody whose folder has no notebook is one, too.

    Raises:
        ValueError: there is no such folder, or nothing in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder of submissions, received no such folder")
    found = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name in NOT_HANDED_IN:
            continue
        person = _plain(entry.name if entry.is_dir() else entry.stem)
        files = _notebooks(entry)
        found += [_read(path, person, _plain(path.relative_to(folder).as_posix())) for path in files]
        if not files:
            found.append(
                Submission(person, _plain(entry.name), problem="no notebook: expected a file *.ipynb")
            )
    if not found:
        raise ValueError(f"{folder}: expected <name>/<lesson>.ipynb, received an empty folder")
    return found


def _notebooks(entry):
    """Notebooks at or below a path; a link is none: it may lead out of the folder."""
    paths = sorted(entry.rglob("*")) if entry.is_dir() and not entry.is_symlink() else [entry]
    return [
        path
        for path in paths
        if path.suffix.lower() == ".ipynb"
        and not path.name.startswith(".")
        and NOT_HANDED_IN.isdisjoint(path.parts)
        and not path.is_symlink()
    ]


def _read(path, person, file):
    try:
        sources = _code(path)
        return Submission(person, file, lesson_of(path.name, sources), tuple(sources))
    except (ValueError, OSError) as error:
        return Submission(person, file, problem=str(error) or "cannot be read")


def _code(path):
    """The texts of a notebook's code cells; ValueError says why there are none."""
    import nbformat

    if not path.is_file():
        raise ValueError("not a file")
    if path.stat().st_size > MAX_BYTES:
        size = path.stat().st_size // 1_000_000
        raise ValueError(
            f"too large: expected at most {MAX_BYTES // 1_000_000} MB, received {size}; clear its outputs"
        )
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
        language = notebook.metadata.get("kernelspec", {}).get("language", "python")
        sources = [str(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    except Exception as error:  # of damaged files nbformat raises whatever comes
        text = path.read_bytes().strip()
        what = "empty file" if not text else f"not a notebook, or damaged ({type(error).__name__})"
        raise ValueError(what) from None
    if language.lower() != "python":
        raise ValueError(f"expected a notebook in Python, received one in {_plain(language)[:40]}")
    return sources


def lesson_of(name, sources):
    """Which lesson a notebook is: whose checks it calls, or else whose number begins its file's name.

    Args:
        name: of the file.
        sources: of its code cells.

    Returns:
        A number such as "03".

    Raises:
        ValueError: neither says so.
    """
    called = set(re.findall(r"\bcheck\.(\w+)\(", "\n".join(sources))) & EXERCISES.keys()
    lessons = [re.findall(r"lesson_(\d+)$", EXERCISES[name].check.__module__) for name in sorted(called)]
    votes = Counter(number for found in lessons for number in found)
    if votes:
        return votes.most_common(1)[0][0]
    number = re.match(r"\d\d", name)
    if number and exercises_of(number.group()):
        return number.group()
    raise ValueError(
        "unknown lesson: it calls no check of the course, and its name begins with no lesson's number"
    )


def is_untouched(sources, name):
    """Whether the answer to an exercise is still `...`.

    Args:
        sources: texts of the code cells.
        name: of the exercise, which its function or variable has.

    Returns:
        A bool: of the last cell that defines it; None where no cell does.
    """
    stub = None
    for source in sources:
        for node in _statements(source):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                stub = all(_is_blank(line) for line in body)
            elif isinstance(node, ast.Assign) and name in {
                getattr(target, "id", "") for target in node.targets
            }:
                stub = isinstance(node.value, ast.Constant) and node.value.value in (None, ...)
    return stub


def _statements(source):
    """Statements of a cell, without lines for IPython; those of a cell that is not Python are none."""
    lines = re.sub(r"^(\s*)[%!?].*$", r"\1pass", source, flags=re.MULTILINE)
    try:
        return ast.parse(lines).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _is_blank(line):
    if isinstance(line, ast.Return):
        return line.value is None or (
            isinstance(line.value, ast.Constant) and line.value.value in (None, ...)
        )
    is_dots = isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and line.value.value is ...
    return isinstance(line, ast.Pass) or is_dots


def _plain(text):
    """A name as one line of letters: macOS writes "é" as two, and a name may hold anything."""
    text = unicodedata.normalize("NFC", text).encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in text)
