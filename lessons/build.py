"""Build the notebooks: convert a source, run it in a fresh kernel, write what does not change by itself."""

import csv
import os
import re
import time

import nbformat

from lessons.convert import NOTEBOOKS, ROOT, LessonError, convert, inputs, target
from vgcourse.classroom import budget
from vgcourse.files import new_file

MAX_BYTES = 1_500_000  # of a notebook with its outputs
TIMEOUT = 1800  # seconds a cell; the machine may be busy
SECONDS = ROOT / "lessons" / "seconds.csv"  # how long the last full build of each lesson took
IGNORED = "nbval-ignore-output"
WIDGET = "application/vnd.jupyter.widget-view+json"


def build_lesson(path, *, execute=True, prose=False, out=NOTEBOOKS, small=False):
    """Write the student's notebook and the solutions of a lesson.

    Args:
        path: of the source.
        execute: whether to run them; without, they have no outputs.
        prose: whether only text changed: then nothing runs and the outputs of the last build stay.
        out: folder of the student's notebook.
        small: whether the student's trainings are short. Those of the solutions always are: they differ in
            the exercises only.

    Raises:
        LessonError: the environment asks for other trainings than the student's notebook must show, a cell
            fails, prints what differs from machine to machine, or the file is too large.
    """
    asked = budget.asked()
    if execute and not prose and not small and asked != "full":
        raise LessonError(
            f"{path.stem}: the students' notebooks show full trainings, but {budget.VARIABLE}={asked}: "
            "unset it, or build to another folder with --trial DIR"
        )
    for solutions in (False, True):
        notebook = convert(path, solutions=solutions)
        file = target(path, solutions=solutions, out=out)
        name = f"{path.stem} (solutions)" if solutions else path.stem
        note = "not run"
        if prose:
            keep_outputs(notebook, file, name)
        elif execute:
            # Beside its final place, so that relative paths mean what they will mean to the student.
            folder = target(path, solutions=solutions).parent
            short = small or solutions
            seconds = run(notebook, name, folder=folder, length="small" if short else "full")
            slowest = max(seconds, key=seconds.get)
            if not short and out == NOTEBOOKS:
                record_seconds(path.stem, seconds)
            note = f"{sum(seconds.values()):.0f} s, slowest cell {slowest} with {seconds[slowest]:.0f} s"
        written = write(normalise(notebook, name), file, name)
        size, what = file.stat().st_size / 1000, "written" if written else "unchanged"
        print(f"{name}: {len(notebook.cells)} cells, {note}, {size:.0f} kB, {what}", flush=True)


def record_seconds(name, seconds, *, file=SECONDS):
    """Keep how long a lesson took, for the minutes that it promises and for the limits that tests check.

    Args:
        name: of the lesson.
        seconds: per cell, as `run` returns them.
        file: Path of the table.
    """
    header, rows = ("lesson", "seconds", "slowest_cell", "slowest_seconds"), {}
    if file.is_file():
        with file.open(newline="", encoding="utf-8") as table:
            rows = {row[0]: row for row in csv.reader(table)}
    slowest = max(seconds, key=seconds.get)
    rows[name] = (name, round(sum(seconds.values())), slowest, round(seconds[slowest]))
    rows.pop("lesson", None)
    with new_file(file) as part, part.open("w", newline="", encoding="utf-8") as table:
        csv.writer(table, lineterminator="\n").writerows([header, *(rows[key] for key in sorted(rows))])


def keep_outputs(notebook, file, name):
    """Take over the outputs of the last build, whose code must be the same.

    Args:
        notebook: a `NotebookNode` without outputs, changed in place.
        file: Path of the notebook built last.
        name: of the lesson, for errors.

    Raises:
        LessonError: there is no such file, or a code cell differs.
    """
    if not file.is_file():
        raise LessonError(
            f"{name}: no outputs to keep, {file.name} was never built: build it without --prose"
        )
    cells, built = (
        [cell for cell in book.cells if cell.cell_type == "code"]
        for book in (notebook, nbformat.read(file, as_version=4))
    )
    sources = [cell.source for cell in cells]
    if sources != [cell.source for cell in built]:
        raise LessonError(
            f"{name}: code changed since the last build, not only prose: build it without --prose"
        )
    for cell, old in zip(cells, built, strict=True):
        cell.outputs, cell.execution_count = old.outputs, old.execution_count


def run(notebook, name, *, folder, length="full"):
    """Run all cells of a notebook in a fresh kernel; it gets its outputs.

    Args:
        notebook: a `NotebookNode`, changed in place.
        name: of the lesson, for errors.
        folder: in which it runs.
        length: of the trainings, one of `budget.BUDGETS`.

    Returns:
        Seconds per cell: a dict from the number of a code cell.

    Raises:
        LessonError: a cell fails, takes too long, or ends the kernel.
    """
    import nbclient  # here, since most of what the build is asked runs nothing
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    folder.mkdir(parents=True, exist_ok=True)
    # ipykernel then leaves file descriptor 2 alone, as it does for nbval: messages of C++ are no outputs.
    env = {**os.environ, budget.VARIABLE: length, "PYTEST_CURRENT_TEST": name}
    started, seconds = {}, {}
    client = nbclient.NotebookClient(
        notebook,
        # No folder of kernels: the Python that runs the build, whatever the user installed as "python3".
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[])),
        timeout=TIMEOUT,
        startup_timeout=300,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=lambda cell, cell_index: started.update({cell_index: time.perf_counter()}),
        on_cell_executed=lambda cell, cell_index, **_: seconds.update(
            {cell_index: time.perf_counter() - started[cell_index]}
        ),
    )
    try:
        client.execute(env=env, cleanup_kc=True)  # ends the kernel, although its manager is ours
    except (nbclient.exceptions.CellControlSignal, nbclient.exceptions.DeadKernelError) as error:
        # The error shows the cell's code and the traceback, in colours of a terminal.
        reason = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
        raise LessonError(f"{name}, cell {max(started, default=0)}: {reason}") from None
    return seconds


def normalise(notebook, name):
    """Take out of a notebook all that changes from one run to the next.

    Args:
        notebook: a `NotebookNode`, changed in place.
        name: of the lesson, for errors.

    Returns:
        The notebook.

    Raises:
        LessonError: a compared cell writes to stderr, or an output names an address in memory or a folder
            of this machine.
    """
    kernel, language = notebook.metadata.kernelspec, {"name": "python"}  # a run adds versions, and widgets
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": language})
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        errors = "".join(output.text for output in cell.outputs if output.get("name") == "stderr")
        if errors and IGNORED not in cell.metadata.get("tags", []):
            raise LessonError(f"{name}, cell {number} writes to stderr: {errors[:400]}")
        cell.outputs = [o for o in cell.outputs if not (o.get("name") == "stderr" or _is_progress_bar(o))]
        for output in cell.outputs:
            if "data" in output:
                output.data.pop(WIDGET, None)  # the view of a widget without its kernel
                output.metadata = nbformat.from_dict({})
            if found := machine_text(output_text(output)):
                raise LessonError(f"{name}, cell {number} shows {found!r}, which only this machine says")
    return notebook


def _is_progress_bar(output):
    """Whether an output is a bar of tqdm, which a file keeps as it looked at the start."""
    return WIDGET in output.get("data", {}) and bool(re.match(r".*\d+%\|", output_text(output)))


def output_text(output):
    """The readable text of an output: of a stream, or the `text/plain` of a picture or value; returns it."""
    if output.output_type == "stream":
        return output.text
    return output.get("data", {}).get("text/plain", "")


def machine_text(text):
    """The first thing in a text that only this machine or this run would say; returns a str, "" for none."""
    folders = r"/(?:tmp|home|root|Users|var/folders)/\S*|[A-Z]:\\+Users\S*"
    found = re.search(rf"\bat 0x[0-9a-f]{{6,}}|{folders}|{re.escape(str(ROOT))}", text)
    return found.group() if found else ""


def write(notebook, file, name):
    """Write a notebook if it is not there already, whole or not at all.

    Args:
        notebook: a normalised `NotebookNode`.
        file: its Path.
        name: of the lesson, for errors.

    Returns:
        Whether the file was written.

    Raises:
        LessonError: it would be too large.
    """
    nbformat.validate(notebook)
    content = (nbformat.writes(notebook).rstrip("\n") + "\n").encode()
    if len(content) > MAX_BYTES:
        sizes = {n: len(str(cell.get("outputs", ""))) for n, cell in enumerate(notebook.cells)}
        largest = ", ".join(f"{n} ({sizes[n] // 1000} kB)" for n in sorted(sizes, key=sizes.get)[:-4:-1])
        raise LessonError(f"{name} has {len(content)} bytes, allowed {MAX_BYTES}; largest cells: {largest}")
    if file.is_file() and file.read_bytes() == content:
        return False
    with new_file(file) as part:
        part.write_bytes(content)
    return True


def stale_notebooks(paths):
    """Notebooks whose inputs are not those that their sources give.

    Args:
        paths: of the sources.

    Returns:
        A list of texts, one a stale or missing notebook; outputs are not compared.
    """
    stale = []
    for path in paths:
        for solutions in (False, True):
            file = target(path, solutions=solutions)
            place = file.relative_to(ROOT).as_posix()
            if not file.is_file():
                stale.append(f"{place} is missing: run `python -m lessons build {path.stem[:2]}`")
                continue
            built = nbformat.v4.reads(file.read_text(encoding="utf-8"))  # unchecked: checking takes seconds
            if inputs(built) != inputs(convert(path, solutions=solutions)):
                stale.append(f"{place} is stale: run `python -m lessons build {path.stem[:2]}`")
    return stale
