"""Plant small faults in a copy of the project, one at a time, and see whether the default tests notice.

uv run python -m tests.faults                         all of them
uv run python -m tests.faults gan "one noise seed"    those of gan.toml, or with such words in their name
uv run python -m tests.faults --sample 4 --seed 7     four of them, chosen by the seed
uv run python -m tests.faults --list                  their names; nothing runs

A fault is a table of a `.toml` file in this folder: its `name`, the `file`, the text `before` (exactly once
in that file) and `after`, and `tests`, a file or folder of default tests that notices. Exit code 1: a fault
was not noticed, or its tests fail without it; 2: one cannot be planted. The working tree is never touched.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

from tests.faults.forks import FORKING, PROCESSES, SLOW_LIBRARIES, pytest_in, stop_group

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PATIENCE = 3600  # seconds for one run of tests; a fault may make them hang
FIRST_FAILURE = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
NOT_NOTICED = "NOT NOTICED"
# Every fault meets the same examples; no notebook is among the default tests; one process does for a file.
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:nbval", "--hypothesis-seed=0", "-n", "0")


class Fault(NamedTuple):
    """One planted fault; `stage` is the name of its file."""

    stage: str
    name: str
    file: str
    before: str
    after: str
    tests: str

    def __str__(self):
        return f"{self.stage}: {self.name}"


class Result(NamedTuple):
    """What a run of tests said: nothing failed (""), or the first test that did; and its seconds."""

    failed: str
    seconds: float


class CannotPlantError(ValueError):
    """The fault does not fit the project: its text is not there, or its tests are not."""


def read_faults(folder=HERE):
    """All faults of a folder, in the order of its files.

    Args:
        folder: Path with `.toml` files.

    Returns:
        A list of `Fault`.
    """
    faults = []
    for path in sorted(folder.glob("*.toml")):
        for table in tomllib.loads(path.read_text(encoding="utf-8")).get("fault", []):
            if set(table) != set(Fault._fields) - {"stage"}:
                raise CannotPlantError(
                    f"{path.name}: expected name, file, before, after, tests; received {table}"
                )
            faults.append(Fault(path.stem, **table))
    return faults


def choose(faults, names=(), *, sample=None, seed=0):
    """Those faults that are asked for.

    Args:
        faults: list of `Fault`.
        names: stages, or parts of faults' names; none means all.
        sample: how many of them at most, chosen at random.
        seed: of that choice.

    Returns:
        A list of `Fault`, in the order of `faults`.

    Raises:
        CannotPlantError: no fault goes by one of the names.
    """
    for name in names:
        if not any(name == fault.stage or name in fault.name for fault in faults):
            raise CannotPlantError(
                f"{name!r}: expected a stage or words of a fault's name; --list shows them"
            )
    chosen = [f for f in faults if not names or f.stage in names or any(name in f.name for name in names)]
    if sample is not None and sample < len(chosen):
        places = random.Random(seed).sample(range(len(chosen)), sample)
        chosen = [chosen[place] for place in sorted(places)]
    return chosen


def planted(fault, folder):
    """The text of a fault's file with the fault in it.

    Args:
        fault: a `Fault`.
        folder: Path of the project.

    Raises:
        CannotPlantError: the file or its tests are missing, the text is not there exactly once, or what comes
            out is no Python.
    """
    path = folder / fault.file
    if not path.is_file() or not (folder / fault.tests.split("::")[0]).exists():
        raise CannotPlantError(f"{fault}: expected {fault.file} and {fault.tests} to exist")
    text = path.read_text(encoding="utf-8")
    if text.count(fault.before) != 1 or fault.before == fault.after:
        count = text.count(fault.before)
        raise CannotPlantError(
            f"{fault}: expected a change of text that is in {fault.file} once, found {count}"
        )
    text = text.replace(fault.before, fault.after)
    if path.suffix == ".py":
        try:
            compile(text, fault.file, "exec")
        except SyntaxError as error:
            raise CannotPlantError(
                f"{fault}: {error}; tests would notice anything that does not run"
            ) from error
    return text


def copy_project(folder):
    """Copy what git knows of the working tree, committed or not, to an empty folder."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def environment(folder, cache):
    """Variables under which every Python, the tests' own ones too, imports the package from the copy.

    PYTHONPATH goes before an editable install. No bytecode is kept: it would be taken for that of the next
    fault, planted within the same second. Nor are decoded clips, which a fault may spoil.
    """
    own = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "VGCOURSE_CACHE": str(cache)}
    return {**os.environ, **own}


def check_import(folder):
    """Stop if a Python started anywhere would not import the package from the copy."""
    code = "import vgcourse; print(vgcourse.__file__)"
    with tempfile.TemporaryDirectory() as elsewhere:
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=elsewhere, env=environment(folder, elsewhere),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    if not Path(ran.stdout.strip()).resolve().is_relative_to(folder.resolve()):
        raise CannotPlantError(f"expected vgcourse from the copy in {folder}, received {ran.stdout.strip()}")


def run_tests(tests, folder):
    """Run default tests of a copy up to the first that fails.

    Args:
        tests: file or folder, as in `Fault`.
        folder: Path of the copy.

    Returns:
        A `Result`.

    Raises:
        CannotPlantError: pytest found no test, or could not start.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as own:
        log = Path(own, "log")
        arguments = ([*OPTIONS, tests], folder, environment(folder, Path(own, "cache")), log)
        process = PROCESSES.Process(target=pytest_in, args=arguments)
        process.start()
        process.join(PATIENCE)
        if process.exitcode is None:
            stop_group(process)
            return Result(f"no end within {PATIENCE} s", time.monotonic() - start)
        code = process.exitcode
        output = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    failed = FIRST_FAILURE.search(output)
    if code < 0:  # a signal: the fault brought Python down
        return Result(f"ended by signal {-code}", time.monotonic() - start)
    if code and not failed:
        raise CannotPlantError(f"{tests}: pytest ended with {code}\n{output[-2000:]}")
    return Result(failed.group(1) if code else "", time.monotonic() - start)


def try_faults(faults, folder, report=print):
    """Plant faults in a copy, one at a time, and run their tests; each test path runs once without any.

    Args:
        faults: list of `Fault`.
        folder: Path of the copy; as it was when this is done.
        report: called with every line of the table.

    Returns:
        Exit code: 0, 1 or 2, as at the top of this file.
    """
    clean, worst = {}, 0
    for fault in faults:
        try:
            text = planted(fault, folder)
            if fault.tests not in clean:
                clean[fault.tests] = run_tests(fault.tests, folder)
                report(
                    row(
                        f"(no fault) {fault.tests}", clean[fault.tests].failed or "passes", clean[fault.tests]
                    )
                )
            result = with_fault(fault, text, folder) if not clean[fault.tests].failed else None
        except CannotPlantError as error:
            report(row(fault, "CANNOT BE PLANTED"))
            report(f"    {error}")
            worst = 2
            continue
        if result is None:
            report(row(fault, f"{NOT_NOTICED}: its tests fail without it"))
        else:
            report(row(fault, result.failed or NOT_NOTICED, result))
        worst = max(worst, 0 if result and result.failed else 1)
    return worst


def with_fault(fault, text, folder):
    """Run a fault's tests with it in place, then take it out; a `Result`."""
    path = folder / fault.file
    before = path.read_bytes()
    path.write_text(text, encoding="utf-8")
    try:
        return run_tests(fault.tests, folder)
    finally:
        path.write_bytes(before)


def row(name, noticed, result=None):
    """One line of the table."""
    seconds = f"{result.seconds:5.0f} s" if result else ""
    return f"{seconds:8}{name!s:76} {noticed}"


def main():
    """Exit code as at the top of this file."""
    summary, usage = __doc__.split("\n\n", 1)
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=summary, epilog=usage,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help="a stage, or words of a fault's name")
    parser.add_argument("--sample", type=int, metavar="N", help="only so many of them")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which ones")
    parser.add_argument("--list", action="store_true", help="name them; nothing runs")
    options = parser.parse_args()
    try:
        faults = choose(read_faults(), options.names, sample=options.sample, seed=options.seed)
        if options.list:
            print(*(f"{fault}  ({fault.file}; {fault.tests})" for fault in faults), sep="\n")
            return 0
        with tempfile.TemporaryDirectory() as folder:
            copy_project(Path(folder))
            check_import(Path(folder))
            if FORKING:
                os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # nothing between the lines of the table
                PROCESSES.set_forkserver_preload(SLOW_LIBRARIES)
            print(row("fault", "noticed by"))
            return try_faults(faults, Path(folder), lambda line: print(line, flush=True))
    except CannotPlantError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
