"""Build the notebooks: convert a source, run it in a fresh kernel, write what does not change by itself."""

import csv
import os
import re
import time

import nbclient
import nbformat
from ipykernel import kernelspec
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from lessons.convert import NOTEBOOKS, ROOT, LessonError, convert, inputs, target
from vgcourse.classroom import budget

MAX_BYTES = 1_500_000  # of a notebook with its outputs
MAX_TRACE = 3000  # characters of a traceback that an error shows
TIMEOUT = 1800  # seconds a cell; the machine may be busy
SECONDS = ROOT / "lessons" / "seconds.csv"  # how long the last full build of each lesson took
IGNORED = "nbval-ignore-output"
WIDGET = "application/vnd.jupyter.widget-view+json"


class OwnKernel(KernelSpecManager):
    """Gives the Python that runs the build, whatever kernels the user has installed under its name."""

    def get_kernel_spec(self, kernel_name):
        """The kernel of this environment for every `kernel_name`; returns a KernelSpec."""
        return self.kernel_spec_class(resource_dir=kernelspec.RESOURCES, **kernelspec.get_kernel_dict())


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
    rows = {}
    if file.is_file():
        with file.open(newline="", encoding="utf-8") as table:
            rows = {row["lesson"]: row for row in csv.DictReader(table)}
    slowest = max(seconds, key=seconds.get)
    rows[name] = {
        "lesson": name,
        "seconds": round(sum(seconds.values())),
        "slowest_cell": slowest,
        "slowest_seconds": round(seconds[slowest]),
    }
    with file.open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, rows[name], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[key] for key in sorted(rows))


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
    folder.mkdir(parents=True, exist_ok=True)
    # ipykernel then leaves file descriptor 2 alone, as it does for nbval: messages of C++ are no outputs.
    env = {**os.environ, budget.VARIABLE: length, "PYTEST_CURRENT_TEST": name}
    started, seconds, current = {}, {}, [0]

    def start(cell, cell_index):
        current[0] = cell_index
        started[cell_index] = time.perf_counter()

    def done(cell, cell_index, **_):
        seconds[cell_index] = time.perf_counter() - started[cell_index]

    client = nbclient.NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=OwnKernel()),
        timeout=TIMEOUT,
        startup_timeout=300,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=start,
        on_cell_executed=done,
    )
    try:
        client.execute(env=env, cleanup_kc=True)  # ends the kernel, although its manager is ours
    except (nbclient.exceptions.CellControlSignal, nbclient.exceptions.DeadKernelError) as error:
        cell = notebook.cells[current[0]]
        failed = [output for output in cell.outputs if output.output_type == "error"]
        reason = str(error)
        if failed:
            trace = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(failed[0].traceback))
            reason = f"{failed[0].ename}: {failed[0].evalue}\n\n{trace[-MAX_TRACE:]}"
        text = "\n".join(f"    {line}" for line in cell.source.splitlines())
        raise LessonError(f"{name}, cell {current[0]}:\n{text}\n{reason}") from None
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
    notebook.metadata = nbformat.from_dict(
        {key: notebook.metadata[key] for key in ("kernelspec", "language_info") if key in notebook.metadata}
    )
    notebook.metadata.language_info = nbformat.from_dict({"name": "python"})
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type != "code":
            continue
        errors = "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr")
        if errors and IGNORED not in tags:
            raise LessonError(f"{name}, cell {number} writes to stderr: {errors[:400]}")
        cell.outputs = _merged(cell.outputs)
        for text in filter(None, map(output_text, cell.outputs)):
            found = machine_text(text)
            if found:
                raise LessonError(f"{name}, cell {number} shows {found!r}, which only this machine says")
    return notebook


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
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_bytes(content)
    os.replace(part, file)
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
            elif inputs(nbformat.read(file, as_version=4)) != inputs(convert(path, solutions=solutions)):
                stale.append(f"{place} is stale: run `python -m lessons build {path.stem[:2]}`")
    return stale


def _merged(outputs):
    """One stream per cell, as a terminal would show it; no stderr, no view of a widget without its kernel."""
    merged, stream = [], None
    for output in outputs:
        if output.output_type == "stream":
            if output.name != "stdout":
                continue
            if stream is None:
                stream = output
                merged.append(output)
            else:
                stream.text += output.text
        else:
            if "data" in output:
                text = output.data.get("text/plain", "")
                if output.data.pop(WIDGET, None) and re.match(r".*\d+%\|", text):
                    continue  # a bar of tqdm as it looked at the start
                output.metadata = nbformat.from_dict({})
            merged.append(output)
    if stream is not None:
        stream.text = re.sub(r"^[^\n]*\r(?=[^\n])", "", stream.text, flags=re.MULTILINE)
    return merged
