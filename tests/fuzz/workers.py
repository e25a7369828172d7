"""Fuzzing, workers: every input is tried in a child process, which may crash, hang or eat all memory.

A worker imports once and then tries one input after the other; after a crash it is started anew.
"""

import contextlib
import faulthandler
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.fuzz import targets

PACKAGE = Path(__file__).resolve().parents[2] / "vgcourse"
START_SECONDS = 300  # TensorFlow, on a busy machine
BACKSTOP = 4 * 2**30  # bytes; beyond it the system refuses memory, should the watch below be late
GOOD = ("result", "refused")
PATIENCE = 5  # times the limit on seconds, after which a worker hangs that does nothing


class Limits(NamedTuple):
    """What one input may take: seconds, and bytes of memory above what its worker held before.

    The seconds are both of the clock and of the processor, as on a busy machine a worker waits for its turn.
    """

    seconds: float = 20.0
    memory: int = 500 * 2**20


class Verdict(NamedTuple):
    """What came of an input.

    Attributes:
        sort: "result" and "refused" are as they should be; a finding is "foreign" (an exception that is not
            the package's), "unnamed" (the file is not named), "misbehaved" (exit code, lines), "other result"
            (a checksum that was not looked at), "hang", "memory" or "died" (by a signal).
        what: the digest of a result, or the message.
        place: file and line in the package, where known.
    """

    sort: str
    what: str
    place: str = ""

    @property
    def key(self):
        """Findings of one key are one finding: numbers and names in the message do not tell them apart."""
        return self.sort, re.split(r"[^\w ]", self.what)[0][:40], self.place


# ---- in the child ----------------------------------------------------------------------------------------


def serve(pipe, kind, folder, seconds):
    """Prepare a kind in `folder`, send its seeds, then judge every path that comes through the pipe."""
    log = open(folder / "log", "a")  # noqa: SIM115  it has to stay open
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    sys.stdout = sys.stderr = log
    faulthandler.enable(log)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, log)
    try:
        seeds = kind.seeds(folder)
        attempt = kind.prepare(folder)
    except Exception:
        pipe.send(traceback.format_exc())
        raise
    _set_backstop()
    pipe.send(seeds)
    while path := pipe.recv():
        os.chdir(path.parent)
        faulthandler.dump_traceback_later(0.9 * seconds, file=log)
        verdict = judge(attempt, path, kind.named)
        faulthandler.cancel_dump_traceback_later()
        os.chdir(folder)
        pipe.send(verdict)


def _set_backstop():
    with contextlib.suppress(ImportError, AttributeError, ValueError):  # Windows and macOS have no such limit
        import resource

        held = psutil.Process().memory_info().data
        resource.setrlimit(resource.RLIMIT_DATA, (held + BACKSTOP, held + BACKSTOP))


def judge(attempt, path, named):
    """Try one input.

    Args:
        attempt: a function of the path.
        path: the input.
        named: see `targets.Kind`.

    Returns:
        A `Verdict`.
    """
    try:
        return Verdict("result", str(attempt(path)))
    except targets.Misbehaved as error:
        return Verdict("misbehaved", str(error))
    except BaseException as error:  # MemoryError, KeyboardInterrupt, SystemExit: all of it is to be known
        text = "".join(c if c.isprintable() else "?" for c in str(error))
        own = type(error) is ValueError or type(error).__module__.startswith("vgcourse")
        if not (isinstance(error, targets.Refused) or (own and isinstance(error, ValueError))):
            return Verdict("foreign", f"{type(error).__name__}: {text[:300]}", _place(error))
        if named is not None and not any(name in text for name in (path.name, *named)):
            return Verdict("unnamed", f"{type(error).__name__}: {text[:300]}", _place(error))
        return Verdict("refused", text[:300])


def _place(error):
    """Where the package was when `error` was raised: the deepest of its lines."""
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename)]
    return f"vgcourse/{Path(lines[-1].filename).relative_to(PACKAGE)}:{lines[-1].lineno}" if lines else ""


def _is_own(filename):
    return Path(filename).is_relative_to(PACKAGE)


# ---- in the parent ---------------------------------------------------------------------------------------


class Worker:
    """A child process for one kind, which is started anew whenever it was lost; `close` it at the end."""

    def __init__(self, kind, limits=None):
        self.kind, self.limits = kind, limits or Limits()
        self.folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self._start()

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self.pipe, end = context.Pipe()
        arguments = (end, self.kind, self.folder, self.limits.seconds)
        self.process = context.Process(target=serve, args=arguments, daemon=False)
        self.process.start()
        end.close()
        answer = self._answer(START_SECONDS, sys.maxsize)
        if not isinstance(answer, dict):
            self.close()
            raise RuntimeError(f"the worker could not be prepared: {answer}")
        self.seeds, self.held = answer, self._held()

    def _held(self):
        """Bytes of memory that the child holds."""
        return psutil.Process(self.process.pid).memory_info().rss

    def _worked(self):
        """Seconds of processor time that the child has taken."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def attempt(self, name, data):
        """Try one input.

        Args:
            name: of the file.
            data: bytes.

        Returns:
            A `Verdict`.
        """
        if (
            self.process is not None
            and self.process.is_alive()
            and self._held() > self.held + 2 * self.limits.memory
        ):
            self._stop()  # libraries keep something of every input: rather a new process than a full machine
        if self.process is None:
            self._start()
        place = self.folder / "attempts" / "of" / "one" / "input"  # deep, so that ../.. leads nowhere
        shutil.rmtree(self.folder / "attempts", ignore_errors=True)
        place.mkdir(parents=True)
        (place / name).write_bytes(data)
        os.truncate(self.folder / "log", 0)
        with contextlib.suppress(OSError):  # it died while it waited: the next line says so
            self.pipe.send(place / name)
        verdict = self._answer(self.limits.seconds, self.limits.memory)
        if verdict.sort in ("hang", "memory", "died"):
            self._stop()
            verdict = verdict._replace(place=self._place())
        return verdict

    def _answer(self, seconds, memory):
        """What the child sends, or why it does not."""
        try:
            held, worked, begun = self._held(), self._worked(), time.monotonic()
            while not self.pipe.poll(0.02):
                if self._held() - held > memory:
                    self._ask_where()
                    return Verdict("memory", f"over {memory >> 20} MB")
                waited = time.monotonic() - begun
                if waited > PATIENCE * seconds or min(waited, self._worked() - worked) > seconds:
                    self._ask_where()
                    return Verdict("hang", f"over {seconds:g} s")
            return self.pipe.recv()
        except (EOFError, OSError, psutil.NoSuchProcess):
            self.process.join()
            code = self.process.exitcode
            return Verdict("died", signal.Signals(-code).name if code < 0 else f"exit code {code}")

    def _ask_where(self):
        if hasattr(faulthandler, "register"):
            os.kill(self.process.pid, signal.SIGUSR1)
            time.sleep(0.2)

    def _place(self):
        """The first line of the package in the trace that `faulthandler` left, most recent call first."""
        text = (self.folder / "log").read_text("utf-8", "replace")
        for filename, line in re.findall(r'File "(.+?)", line (\d+)', text):
            if _is_own(filename):
                return f"vgcourse/{Path(filename).relative_to(PACKAGE)}:{line}"
        return ""

    def _stop(self):
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid)
            for process in [*family.children(recursive=True), family]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.join()
        self.pipe.close()
        self.process = None

    def close(self):
        """End the process and remove what it wrote."""
        if self.process is not None:
            self._stop()
        shutil.rmtree(self.folder, ignore_errors=True)
