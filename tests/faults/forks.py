"""Runs of pytest, each in a process of its own that is forked from one with the slow libraries loaded."""

import contextlib
import multiprocessing
import os
import signal
import sys

# What a run of tests imports first and takes longest: loaded once, in a process whose forks run the tests.
SLOW_LIBRARIES = ["tensorflow", "keras", "scipy.stats", "scipy.optimize", "matplotlib.pyplot", "av"]
FORKING = "forkserver" in multiprocessing.get_all_start_methods()  # not on Windows
PROCESSES = multiprocessing.get_context("forkserver" if FORKING else "spawn")


def pytest_in(command, folder, variables, log):
    """In a process of its own: run pytest in a folder, and end with its exit code.

    Args:
        command: list of strings, the arguments of pytest.
        folder: Path of the copy, where modules are looked for first.
        variables: dict of strings, the whole environment.
        log: Path; what the tests print.
    """
    if hasattr(os, "setsid"):
        os.setsid()  # so that what the tests have started can be stopped with them
    os.environ.clear()
    os.environ.update(variables)
    with log.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "vgcourse")]:
        del sys.modules[name]  # those of the copy are meant
    import pytest

    code = pytest.main(command)
    sys.stdout.flush()
    os._exit(code)


def stop_group(process):
    """End a process and what it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
    process.join()
