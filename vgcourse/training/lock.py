"""Train, whose folder it is: one training at a time writes there, and never over other people's files."""

import contextlib
import errno
import json
import os
import warnings
from pathlib import Path

from vgcourse.files import NotWrittenError, local
from vgcourse.training.settings import is_run_settings

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

LOCK_NAME = ".lock"
WRITTEN = ("config.json", "history.csv", "changes.patch", "checkpoint-*.npz")  # by a run
WRITTEN += ("generator.keras", "painter.keras", "motion.keras", "painted.png")
TAKEN = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES)  # what systems say of a lock that another one holds
_held = set()  # folders that this process has locked


@contextlib.contextmanager
def own_folder(folder, *, work="training"):
    """Keep other trainings out of a run folder while the block runs; missing folders are made.

    The system holds the lock for this process and lets go of it when the process ends, however it ends: a
    file `.lock` that is left over locks nobody out. Where the file system knows no locks, a warning says so.
    A block within a block of the same process, on the same folder, is let in. A folder that was made for the
    block and is empty at its end is removed.

    Args:
        folder: run folder.
        work: what the error calls the other one.

    Yields:
        Nothing.

    Raises:
        ValueError: another training is writing there, or it is an address.
        files.NotWrittenError: the folder cannot be written.
    """
    path, real = Path(local(folder)) / LOCK_NAME, os.path.realpath(folder)
    if real in _held:
        yield
        return
    is_new = not path.parent.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise NotWrittenError(f"{path}: cannot be written: {error.strerror or error}") from error
    try:
        with file:
            _take(file, folder, work)
            _held.add(real)
            yield
    finally:
        _held.discard(real)
        with contextlib.suppress(OSError):
            if is_new and os.listdir(path.parent) == [LOCK_NAME]:  # nothing came of it
                path.unlink()
                path.parent.rmdir()


def _take(file, folder, work):
    try:
        _lock(file.fileno())
    except OSError as error:
        if error.errno in TAKEN:
            raise ValueError(
                f"{folder}: another {work} is writing here; wait until it has ended, end it, or name "
                "another folder"
            ) from None
        warnings.warn(
            f"{folder}: cannot be locked here ({error.strerror or error}): see to it that no other {work} "
            "writes to it",
            stacklevel=4,
        )


def _lock(descriptor):
    """Lock an open file until it is closed, or raise OSError at once."""
    if "fcntl" in globals():
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)


def check_run_folder(folder):
    """Refuse a folder in which a new run would write over files that are not a run's.

    Args:
        folder: run folder; it need not exist.

    Raises:
        ValueError: it is a file, or holds files of the names that a run writes, and no settings of a run.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder for the run, received a file; choose another folder")
    found = sorted(path.name for pattern in WRITTEN for path in folder.glob(pattern))
    if found and not _holds_run(folder):
        raise ValueError(
            f"{folder}: holds {', '.join(found[:3])} and no run of this course, which would write over that; "
            "choose another folder"
        )


def _holds_run(folder):
    try:
        return is_run_settings(json.loads((folder / "config.json").read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, RecursionError):
        return False
