"""Run one notebook in a fresh kernel: a process group of its own, ended at the limit whatever it does."""

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from vgcourse.classroom import budget
from vgcourse.classroom.grade import kernel

MAX_OUTPUT = 50_000_000  # bytes that a notebook may print or show
START_SECONDS = 120  # for the kernel; the machine may be busy
MAX_SOCKET = 90  # letters of a socket's name; systems allow a little over a hundred
# What a kernel is told of the machine; the rest, which may hold passwords, is not.
KNOWN = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
KNOWN += ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "NUMBER_OF_PROCESSORS")
KNOWN += ("CUDA_VISIBLE_DEVICES", "TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")
# An own network, own numbers of processes that all end with the first, and no name for the outside.
UNSHARE = (
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--",
)


@dataclass
class Outcome:
    """What a notebook's run gave."""

    verdicts: dict[str, str] = field(default_factory=dict)  # exercise -> the last line of its check
    errors: dict[int, str] = field(default_factory=dict)  # number of a cell -> with what it stopped
    stopped: str = ""  # why the run ended before its last cell


def run_notebook(sources, *, seconds, cache):
    """Run code cells one after the other; one that fails does not keep the next from running.

    Args:
        sources: texts of the cells.
        seconds: for all of them together.
        cache: Path of a folder for the course's decoded clips, shared by the runs.

    Returns:
        An `Outcome`.
    """
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="vg-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        home, report = folder / "home", folder / "report"
        home.mkdir()
        client = _client(sources, folder, outcome)
        with report.open("w+", encoding="utf-8", errors="replace") as lines:
            try:
                _run_cells(client, outcome, seconds, _environment(home, report, cache))
            finally:
                _end(client)
            outcome.verdicts = _verdicts(lines)
        shutil.rmtree(home, ignore_errors=True)
    return outcome


@functools.cache
def shield():
    """The command that gives a process an empty network and ends all that it starts.

    Returns:
        A tuple of words, empty where the system has no such command or does not allow it.
    """
    if sys.platform != "linux" or not shutil.which(UNSHARE[0]):
        return ()
    trial = subprocess.run([*UNSHARE, "true"], capture_output=True, check=False)
    return UNSHARE if trial.returncode == 0 else ()


def _client(sources, folder, outcome):
    """nbclient with a kernel that has not started, and with outputs that are counted, not kept."""
    nbclient, kernels = _libraries()

    class Client(nbclient.NotebookClient):
        printed = 0

        def process_message(self, message, cell, cell_index):
            if message["msg_type"] in ("status", "execute_input"):
                return super().process_message(message, cell, cell_index)
            self.printed += len(str(message["content"])) + sum(map(len, message["buffers"]))
            if self.printed > MAX_OUTPUT and not outcome.stopped:
                outcome.stopped = f"cell {cell_index} printed more than {MAX_OUTPUT // 1_000_000} MB"
                _kill(self)
            return None

    class Specs(kernels.kernelspec.KernelSpecManager):
        def get_kernel_spec(self, kernel_name):
            start = f"from {kernel.__name__} import main; main()"
            command = [*wrap, sys.executable, "-c", start, "-f", "{connection_file}"]
            return kernels.kernelspec.KernelSpec(argv=command, language="python", display_name="graded")

    connection = folder / "kernel.json"
    wrap = shield() if len(str(connection)) < MAX_SOCKET else ()
    manager = kernels.manager.AsyncKernelManager(
        kernel_name="graded",
        kernel_spec_manager=Specs(),
        connection_file=str(connection),
        transport="ipc" if wrap else "tcp",  # a file reaches into another network
    )
    cells = [
        nbclient.client.NotebookNode(cell_type="code", source=s, metadata={}, outputs=[]) for s in sources
    ]
    notebook = nbclient.client.NotebookNode(cells=cells, metadata={})
    return Client(notebook, km=manager, allow_errors=True, startup_timeout=START_SECONDS, record_timing=False)


def _libraries():
    try:
        import ipykernel  # noqa: F401, used by the other process
        import jupyter_client.kernelspec
        import nbclient
    except ImportError as error:
        raise ValueError(f"grading needs {error.name}: pip install 'vgcourse[grade]'") from None
    return nbclient, jupyter_client


def _run_cells(client, outcome, seconds, environment):
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    def note(cell, cell_index, execute_reply):
        content = execute_reply["content"]
        outcome.errors[cell_index] = f"{content.get('ename')}: {content.get('evalue')}"

    client.on_cell_error = note
    client.log.setLevel("CRITICAL")  # it repeats on stderr what we report
    number = 0
    try:
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        client.start_new_kernel(env=environment, cwd=environment["HOME"], **silent)
        client.start_new_kernel_client()
        deadline = time.monotonic() + seconds
        client.timeout_func = lambda _: max(0.01, deadline - time.monotonic())
        for number, cell in enumerate(client.nb.cells):
            client.execute_cell(cell, number)
    except CellTimeoutError:
        outcome.stopped = outcome.stopped or f"cell {number} was still running after {seconds:.0f} s"
    except DeadKernelError:
        outcome.stopped = outcome.stopped or f"cell {number} ended the kernel"
    except Exception as error:  # whatever happens with one notebook, the next ones are run
        outcome.stopped = (
            outcome.stopped or f"cell {number} could not be run: {type(error).__name__}: {error}"
        )


def _environment(home, report, cache):
    kept = {key: os.environ[key] for key in KNOWN if key in os.environ}
    places = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), str(home))
    own = {
        "VGCOURSE_CACHE": str(cache),
        budget.VARIABLE: "small",
        kernel.REPORT: str(report),
        "PIP_NO_INDEX": "1",
        "PYTHONIOENCODING": "utf-8",
        "MPLBACKEND": "agg",
        "PYTEST_CURRENT_TEST": "graded",  # ipykernel then leaves file descriptor 2 alone
    }
    return {**kept, **places, **own}


def _kill(client):
    """End the kernel and all processes of its group, now."""
    process = getattr(client.km.provisioner, "process", None) if client.km and client.km.provisioner else None
    if process is None:
        return
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # its own group: so jupyter_client starts it
        else:
            subprocess.run(
                ["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False
            )


def _end(client):
    _kill(client)
    with contextlib.suppress(Exception):
        client._cleanup_kernel()


def _verdicts(lines):
    """The last verdict on each exercise; a line may be cut short by the end of its process."""
    found = {}
    lines.seek(0)
    for line in lines:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            entry = json.loads(line)
            found[entry["exercise"]] = str(entry["verdict"])
    return found
