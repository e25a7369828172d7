"""Outgrow, files on many machines: by path or by address (`gs://bucket/name`), whole or not there at all.

Apache Beam opens both; it knows Google Cloud Storage, S3, Azure and HDFS (their packages come with
`apache-beam[gcp]`, `[aws]`, `[azure]`, `[hadoop]`). Importing this raises ValueError where Beam is missing.
"""

import contextlib
import json
import logging
import shutil
import tempfile
import uuid
from pathlib import Path

from vgcourse import files

_disabled = logging.root.manager.disable
logging.disable(logging.WARNING)  # it warns of every cloud whose packages are missing
try:
    from apache_beam.io.filesystems import FileSystems
except ImportError as error:
    raise ValueError("Apache Beam is needed for this and is missing: pip install 'vgcourse[beam]'") from error
finally:
    logging.disable(_disabled)


def is_address(place):
    """Returns whether `place` (text) is an address, `scheme://...`, rather than a path."""
    return "://" in place


def size(place):
    """Return the size of the file at `place` in bytes; 0 if there is none."""
    return FileSystems.get_filesystem(place).size(place) if FileSystems.exists(place) else 0


@contextlib.contextmanager
def new_place(place):
    """Make a file that appears at `place` once it is whole: written under another name, then renamed.

    Args:
        place: path or address; what is there is replaced, missing folders are made.

    Yields:
        A local `Path` to write to. If the block raises, nothing appears at `place`.

    Raises:
        files.NotWrittenError: the file at a path cannot be written.
    """
    if not is_address(place):
        with files.new_file(place) as partial:
            yield partial
        return
    folder, name = place.rsplit("/", 1)
    partial = FileSystems.join(folder, f".{uuid.uuid4().hex}-{name}")
    with tempfile.TemporaryDirectory() as scratch:
        yield Path(scratch, "file")
        with Path(scratch, "file").open("rb") as source, FileSystems.create(partial) as target:
            shutil.copyfileobj(source, target)
    if FileSystems.exists(place):  # not every file system replaces
        FileSystems.delete([place])
    FileSystems.rename([partial], [place])


@contextlib.contextmanager
def local_file(place):
    """Make the file at `place` readable by those who want a path.

    Args:
        place: path or address.

    Yields:
        `place` itself if it is a path; of an address, the path of a copy that goes away with the block.
    """
    if not is_address(place):
        yield place
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, place.rsplit("/", 1)[-1])
        with FileSystems.open(place) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target)
        yield str(copy)


def read_json(place):
    """Return what `write_json` wrote to the file at `place`."""
    with FileSystems.open(place) as file:
        return json.loads(file.read())


def write_json(place, content):
    """Write `content` to a file at `place`, as JSON."""
    with new_place(place) as path:
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def list_files(address):
    """Return all files below an address, in any order: objects with `path`, `size_in_bytes` and
    `last_updated_in_seconds`."""
    (found,) = FileSystems.match([FileSystems.join(address, "**")])
    return found.metadata_list


def remove_folder(place):
    """Delete the folder at `place` with all in it, as far as it is there and can be deleted."""
    if is_address(place):
        with contextlib.suppress(Exception):  # every file system has its own
            FileSystems.delete([file.path for file in list_files(place)])
    else:
        shutil.rmtree(place, ignore_errors=True)
