"""Files: where the course's data lies, and how a file is written: whole, or not there at all."""

import contextlib
import os
import re
import uuid
from pathlib import Path

PART = ".part-"  # begins the name of a file that is being written


ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]")  # one letter is a drive of Windows


class NotWrittenError(ValueError):
    """A file cannot be written: the disk is full, or the folder is not ours."""


def data_folder():
    """The folder of the course's data: in a wheel `vgcourse/_data`, else the repository's `data`."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_data", package.parent / "data"):
        if folder.is_dir():
            return folder
    raise ValueError(f"{package.parent / 'data'}: expected the course's data, received no such folder")


def local(path):
    """Refuse an address, such as gs://bucket/clips: taken for a path it is a folder "gs:" of this machine.

    Args:
        path: text or path-like, or None.

    Returns:
        `path`.

    Raises:
        ValueError: it is an address.
    """
    if path is not None and ADDRESS.match(os.fspath(path)):
        raise ValueError(
            f"{path}: expected a path on this machine, received an address; only `vgcourse prepare` takes "
            "those, with --runner"
        )
    return path


@contextlib.contextmanager
def new_file(path):
    """Make a file that appears once it is whole: written under another name, flushed to disk, then renamed.

    Args:
        path: where it ends up; what is there is replaced, missing folders are made.

    Yields:
        The `Path` to write to, with the same ending. If the block raises, what was at `path` stays.

    Raises:
        NotWrittenError: the folder cannot be written, or the disk is full; names the file.
        ValueError: `path` is an address.
    """
    path = Path(local(path))
    # Not the name with something added: that may be as long as can be.
    part = path.with_name(f"{PART}{uuid.uuid4().hex}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
    except OSError as error:
        raise NotWrittenError(f"{path}: cannot be written: {error.strerror or error}") from error
