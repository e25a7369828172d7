"""Outgrow, files on many machines: whole or not there at all, by path or by address (`gs://bucket/name`).

Paths are the file system's own. Addresses are opened by Apache Beam, which knows Google Cloud Storage, S3,
Azure and HDFS (their packages come with `apache-beam[gcp]`, `[aws]`, `[azure]`, `[hadoop]`).
"""

import contextlib
import logging
import os
import shutil
import tempfile
import uuid
from pathlib import Path

from vgcourse import files

MISSING = "Apache Beam is needed for this and is missing: pip install 'vgcourse[beam]'"
COPY_BYTES = 2**20  # at once


def import_beam():
    """Return the package `apache_beam`; raises ValueError, saying how to install it, where it is missing."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it warns of every cloud whose packages are missing
    try:
        import apache_beam
    except ImportError as error:
        raise ValueError(MISSING) from error
    finally:
        logging.disable(disabled)
    return apache_beam


def is_address(place):
    """Returns whether `place` (text) is an address, `scheme://...`, rather than a path."""
    return "://" in str(place)


def join(folder, *names):
    """Return the place (text) of `names` below `folder`, a path or an address."""
    return "/".join([folder.rstrip("/"), *names]) if is_address(folder) else os.path.join(folder, *names)


def exists(place):
    """Returns whether there is a file, or a folder of a file system, at `place`."""
    return _file_systems().exists(place) if is_address(place) else os.path.exists(place)


def size(place):
    """Return the size of the file at `place` in bytes; 0 if there is none."""
    if not is_address(place):
        return os.path.getsize(place) if os.path.isfile(place) else 0
    (found,) = _file_systems().match([place])
    return sum(file.size_in_bytes for file in found.metadata_list)


def open_file(place):
    """Return the file at `place`, open for reading bytes; raises OSError if it cannot be opened."""
    if not is_address(place):
        return open(place, "rb")
    try:
        return _file_systems().open(place, compression_type="uncompressed")
    except Exception as error:  # every file system has its own
        raise OSError(f"{place}: cannot be opened: {error}") from error


@contextlib.contextmanager
def new_file(place):
    """Make a file that appears at `place` once it is whole: written under another name, then renamed.

    Args:
        place: path or address; what is there is replaced, missing folders are made.

    Yields:
        A local `Path` to write to. If the block raises, nothing appears at `place`.

    Raises:
        files.NotWrittenError: the file cannot be written.
    """
    if is_address(place):
        with tempfile.TemporaryDirectory() as scratch:
            partial = Path(scratch, "file")
            yield partial
            _upload(partial, place)
        return
    with files.new_file(place) as partial:
        yield partial


@contextlib.contextmanager
def local_file(place):
    """Make the file at `place` readable by those who want a path.

    Args:
        place: path or address.

    Yields:
        `place` itself if it is a path; of an address, the path of a copy that goes away with the block.

    Raises:
        OSError: an address cannot be read.
    """
    if not is_address(place):
        yield place
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, place.rsplit("/", 1)[-1])
        with open_file(place) as source, open(copy, "wb") as target:
            shutil.copyfileobj(source, target, COPY_BYTES)
        yield str(copy)


def list_files(address):
    """Return all files below an address, as `(address, size in bytes, time of change)`, in any order."""
    (found,) = _file_systems().match([join(address, "**")])
    return [(file.path, file.size_in_bytes, file.last_updated_in_seconds) for file in found.metadata_list]


def move(source, target):
    """Rename a file at one address (`source`) to another (`target`)."""
    _file_systems().rename([source], [target])


def remove_folder(place):
    """Delete the folder at `place` with all in it, as far as it is there and can be deleted."""
    if not is_address(place):
        shutil.rmtree(place, ignore_errors=True)
        return
    with contextlib.suppress(Exception):  # every file system has its own
        _file_systems().delete([file for file, *_ in list_files(place)])


def _upload(path, address):
    """Copies a local file to an address, by way of another name: not every store of objects is atomic."""
    file_systems = _file_systems()
    folder, name = address.rsplit("/", 1)
    partial = f"{folder}/.{uuid.uuid4().hex}-{name}"
    with open(path, "rb") as source, file_systems.create(partial, compression_type="uncompressed") as target:
        shutil.copyfileobj(source, target, COPY_BYTES)
    file_systems.rename([partial], [address])


def _file_systems():
    import_beam()
    from apache_beam.io.filesystems import FileSystems

    return FileSystems
