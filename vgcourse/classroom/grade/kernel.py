"""The kernel in which one notebook runs; `run` starts it with the file that says how to reach it.

Before the first cell it goes offline, loads the installed course's checks, and has each verdict written to a
file that was opened for it. What a notebook prints says nothing.
"""

import contextlib
import json
import os
import socket
import sys

REPORT = "VGCOURSE_GRADE_REPORT"  # names the file for the verdicts
MAX_TEXT = 1000  # characters of a verdict
MAX_REPORTS = 10_000  # of one notebook: a check may stand in an endless loop
MAX_FILE = 1 << 30  # bytes of a file that it writes
OFFLINE = "the grader runs notebooks without a network"


def watch_checks(report):
    """Write each verdict as a line of JSON.

    Args:
        report: file descriptor, open for appending.
    """
    from vgcourse.classroom.check import core

    left = iter(range(MAX_REPORTS))

    def watch(name, verdict):
        if next(left, None) is not None:
            line = json.dumps({"exercise": name, "verdict": str(verdict)[:MAX_TEXT]})
            os.write(report, f"{line}\n".encode())

    core.WATCHERS.append(watch)


def stay_offline():
    """Let Python's own sockets reach this machine only; a hook cannot be taken away again.

    A program that the notebook starts is not bound by it: there the process's own network, empty, is, where
    the system can make one (see `run.shield`).
    """

    def refuse(event, arguments):
        if event == "socket.getaddrinfo" or event == "socket.gethostbyname":
            host = arguments[0]
        elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(
            arguments[1], tuple
        ):
            host = arguments[1][0]
        else:
            return
        if host and not _is_here(host):
            raise OSError(OFFLINE)

    sys.addaudithook(refuse)


def _is_here(host):
    host = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    return host in ("localhost", "::1", "::", "0.0.0.0") or host.startswith("127.")


def start_loopback():
    """Let processes within an own, empty network reach each other: lesson 12 starts several."""
    import fcntl

    up, set_flags = 1, 0x8914  # IFF_UP and SIOCSIFFLAGS of Linux
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket, contextlib.suppress(OSError):
        fcntl.ioctl(any_socket, set_flags, b"lo".ljust(16, b"\0") + up.to_bytes(2, sys.byteorder) + bytes(22))


def bound_files():
    """No core dumps, and no file that fills the disk; Windows has no such limits."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE, MAX_FILE))


def main():
    """Start the kernel that the command line describes."""
    path = os.environ.pop(REPORT)
    report = os.open(path, os.O_WRONLY | os.O_APPEND)
    with contextlib.suppress(OSError):  # Windows keeps the name of an open file
        os.unlink(path)  # nothing to write to for the notebook; `run` has it open
    if sys.platform == "linux":
        start_loopback()
    bound_files()
    watch_checks(report)
    from ipykernel import kernelapp

    stay_offline()
    kernelapp.launch_new_instance()
