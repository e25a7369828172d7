"""Pipeline: the store, labelled clips on disk, a folder of TFRecord shards.

Axes: clips `(num_clips, num_frames, height, width, 3)`, channels last, RGB. Range: uint8 [0, 255] throughout.

A store is a folder with
    index.json                   clip shape, action names, fps, for every shard its size and sha256, and the
                                 sha256 of all this
    shard-00000.tfrecord ...     one `tf.train.Example` a clip: `clip` (the raw uint8 bytes, C order),
                                 `action`, `actor` (int64) and `file` (UTF-8, the video it came from)
Raw bytes rather than a codec: what is read back is what was saved, bit for bit, and nothing is decoded twice.
"""

import hashlib
import itertools
import json
import math
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from vgcourse import arguments
from vgcourse.datasets.clips import Clips, check_same_kind, checked_names
from vgcourse.files import local

INDEX_NAME = "index.json"
STORE_FORMAT = "vgcourse clips 1"
SHARD_BYTES = 64 * 2**20  # about, of a shard
RECORD = {"clip": "bytes", "action": "int64", "actor": "int64", "file": "bytes"}  # of each one value
MOST_BESIDE_A_CLIP = 2**16  # bytes of a record: its labels, and the name of a file, at most a few thousand


def save_clips(folder, clips, *, overwrite=False, shard_bytes=SHARD_BYTES):
    """Save clips as a store of TFRecord shards with an index and checksums.

    The store is written beside `folder` and renamed at the end: a run that dies leaves no half store.

    Args:
        folder: the store to make.
        clips: `Clips`, or an iterable of `Clips` of one kind, which is written as it comes, so that a
            store may be larger than memory (`datasets.iter_folder` is such an iterable).
        overwrite: whether a store that is already there is replaced.
        shard_bytes: about how many bytes a shard holds (64 MiB).

    Returns:
        The folder as a `Path`.

    Raises:
        ValueError: the folder holds something already (with `overwrite`: something else than a store), there
            are no clips, the parts differ in shape or actions, or the folder cannot be written, or is an
            address.
    """
    folder = Path(os.path.abspath(local(folder)))
    check_vacant(folder, overwrite)
    parts = [clips] if isinstance(clips, Clips) else clips
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            store = Path(scratch) / "store"
            store.mkdir()
            index = _write_shards(store, parts, shard_bytes)
            (store / INDEX_NAME).write_text(json.dumps(index, indent=1), encoding="utf-8")
            check_vacant(folder, overwrite)  # again: another process may have been faster
            put_in_place(store, folder, Path(scratch) / "replaced")
    except (OSError, tf.errors.OpError) as error:
        raise ValueError(f"{folder}: expected to write a store here, received: {error}") from error
    finally:
        if hasattr(parts, "close"):  # a generator's threads end now, also after Ctrl-C
            parts.close()
    return folder


def check_vacant(folder, overwrite):
    """Raises ValueError if something would be lost: only a store, and nothing beside it, may be replaced.

    Args:
        folder: the `Path` where a store shall be.
        overwrite: whether a store that is already there may be replaced.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        own = {INDEX_NAME, *(shard["file"] for shard in _read_index(folder)["shards"])}
    except (OSError, ValueError, KeyError, TypeError):
        own = set()
    foreign = sorted(set(os.listdir(folder)) - own) if folder.is_dir() else [folder.name]
    if foreign:
        raise ValueError(
            f"{folder}: expected a new or empty folder, or a store alone; received one that holds other files"
            f" ({', '.join(foreign[:3])})"
        )
    if not overwrite:
        advice = "choose another folder, or pass overwrite=True (--overwrite)"
        raise ValueError(f"{folder}: there is a store already; {advice}")


def put_in_place(store, folder, replaced):
    """Renames `store` to `folder`; what was there goes to `replaced`, and comes back if that fails."""
    if folder.exists():
        os.replace(folder, replaced)
    try:
        os.replace(store, folder)
    except BaseException:
        if replaced.exists():
            os.replace(replaced, folder)
        raise


def _write_shards(store, parts, shard_bytes):
    """Write every clip of every part; returns the index."""
    parts = (part for part in parts if len(part))
    first = next(parts, None)
    if first is None:
        raise ValueError("expected at least one clip to save, received none")
    check_same_kind(first, first)
    records, shards = _records(first, itertools.chain([first], parts)), []
    per_shard = clips_per_shard(first.clip_shape, shard_bytes)
    while some := list(itertools.islice(records, per_shard)):
        path = store / shard_name(len(shards))
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in some:
                writer.write(record)
        shard = {"num_clips": len(some), "num_bytes": path.stat().st_size, "sha256": _sha256(path)}
        shards.append({"file": path.name, **shard})
    return make_index(first.clip_shape, first.action_names, first.fps, shards)


def shard_name(number):
    """Returns the file name of a store's shard `number`, from 0."""
    return f"shard-{number:05d}.tfrecord"


def clips_per_shard(clip_shape, shard_bytes):
    """Returns how many clips of `clip_shape` make a shard hold `shard_bytes` bytes of clips, or just more."""
    return -(-shard_bytes // math.prod(clip_shape))


def make_index(clip_shape, action_names, fps, shards):
    """What a store's index says, for `json.dumps`.

    Args:
        clip_shape: `(num_frames, height, width, 3)`.
        action_names: names of the actions.
        fps: frames per second.
        shards: a dict a shard, in order: `file`, `num_clips`, `num_bytes` and `sha256`.

    Returns:
        A dict of all this, with the format, `num_clips` in all, and the sha256 of the rest.
    """
    index = {
        "format": STORE_FORMAT,
        "clip_shape": list(clip_shape),
        "num_clips": sum(shard["num_clips"] for shard in shards),
        "action_names": list(action_names),
        "fps": float(fps),
        "shards": shards,
    }
    return {**index, "sha256": _index_sha256(index)}


def _records(first, parts):
    """Yield a serialised example for every clip; all parts must be of the kind of the first."""
    for part in parts:
        check_same_kind(part, first)
        rows = zip(part.clips, part.actions, part.actors, part.files or ("",) * len(part), strict=True)
        for row in rows:
            yield serialise(*row)


def serialise(clip, action, actor, file):
    """Turn a clip into the bytes of a record, the same bytes in every process.

    Args:
        clip: uint8 `(num_frames, height, width, 3)`.
        action, actor: integers.
        file: the video it came from, or empty.

    Returns:
        A serialised `tf.train.Example`.
    """
    feature = {
        "clip": tf.train.Feature(bytes_list=tf.train.BytesList(value=[clip.tobytes()])),
        "action": tf.train.Feature(int64_list=tf.train.Int64List(value=[action])),
        "actor": tf.train.Feature(int64_list=tf.train.Int64List(value=[actor])),
        "file": tf.train.Feature(bytes_list=tf.train.BytesList(value=[str(file).encode()])),
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def load_clips(folder):
    """Load a whole store into memory, bit for bit what `save_clips` was given.

    Args:
        folder: a folder that `save_clips` wrote.

    Returns:
        `Clips`. For a store larger than memory, hand the folder to `datasets.make_dataset` instead.

    Raises:
        ValueError: no store there, a shard that is missing or differs from its checksum (it is named), or
            records that do not fit the index.
    """
    store = open_store(folder)
    try:
        return _load_records(store)
    except (tf.errors.OpError, ValueError) as error:
        raise ValueError(f"{folder}: expected the clips of its index, received: {error}") from error


def _load_records(store):
    clips = np.empty((store.num_clips, *store.clip_shape), np.uint8)
    actions, actors, files, done = [], [], [], 0
    for records in read_records(store, tf.range(len(store.paths))).batch(64):
        some = parse_records(records, store)
        clips[done : done + len(some["clip"])] = some["clip"].numpy()
        done += len(some["clip"])
        actions.extend(some["action"].numpy())
        actors.extend(some["actor"].numpy())
        files.extend(file.decode() for file in some["file"].numpy())
    files = files if any(files) else ()
    return Clips(clips, np.array(actions), np.array(actors), store.action_names, store.fps, files)


def parse_records(records, store):
    """Parse a batch of serialised clips, in TensorFlow.

    Args:
        records: string tensor, shape `(batch,)`.
        store: the `Store` that they belong to.

    Returns:
        Dict of tensors: `clip` uint8 `(batch, *clip_shape)`; `action`, `actor` int64 and `file` `(batch,)`.
    """
    kinds = {name: tf.string if kind == "bytes" else tf.int64 for name, kind in RECORD.items()}
    parsed = tf.io.parse_example(records, {name: tf.io.FixedLenFeature([], kinds[name]) for name in kinds})
    parsed["clip"] = tf.reshape(tf.io.decode_raw(parsed["clip"], tf.uint8), [-1, *store.clip_shape])
    return parsed


def read_records(store, order):
    """Read the records of a store that are its own, shard by shard, in TensorFlow.

    Args:
        store: a `Store`.
        order: integer tensor, places in `store.paths`.

    Returns:
        `tf.data.Dataset` of string scalars, as `parse_records` takes a batch of.
    """
    paths = tf.constant(store.paths)
    first, last = (tf.constant(column) for column in np.array(store.records, np.int64).T)

    def read(shard):
        return tf.data.TFRecordDataset(paths[shard]).skip(first[shard]).take(last[shard] - first[shard])

    return tf.data.Dataset.from_tensor_slices(order).flat_map(read)


@dataclass(frozen=True)
class Store:
    """A store, or one worker's part of it, whose shards were found whole.

    Attributes:
        num_clips: the clips in it.
        clip_shape: shape of one clip, `(num_frames, height, width, 3)`.
        action_names: names of the actions.
        fps: frames per second.
        paths: its shards.
        records: for every shard `(first, last)`: records `first` to `last - 1` of it are its own.
        is_part: whether other workers have further clips.
    """

    num_clips: int
    clip_shape: tuple[int, ...]
    action_names: tuple[str, ...]
    fps: float
    paths: tuple[str, ...]
    records: tuple[tuple[int, int], ...]
    is_part: bool = False


def open_store(folder, *, worker=0, num_workers=1):
    """Read a store's index, compare every shard with its checksum and look at every record of it.

    That takes about two seconds a gigabyte.

    Args:
        folder: a folder that `save_clips` wrote.
        worker: number of the worker that asks, from 0.
        num_workers: several share the clips out, in order and as evenly as can be: their numbers of clips
            differ by one at most. Every worker opens, checks and reads the shards of its own clips alone.
            Where there are fewer shards than workers, each reads them all.

    Returns:
        A `Store`.

    Raises:
        ValueError: see `load_clips`.
    """
    try:
        folder = Path(folder)
        index = _read_index(folder)
        is_part = 1 < num_workers <= len(index["shards"])
        own = _share(index["shards"], *((worker, num_workers) if is_part else (0, 1)))
        shards = [shard for shard, _ in own]
        store = Store(
            num_clips=sum(last - first for _, (first, last) in own),
            clip_shape=tuple(index["clip_shape"]),
            action_names=checked_names(index["action_names"]),
            fps=arguments.frames_per_second("fps", index["fps"]),
            paths=tuple(str(folder / shard["file"]) for shard in shards),
            records=tuple(records for _, records in own),
            is_part=is_part,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        expected = "expected a store's index (`vgcourse prepare FOLDER STORE` makes a store out of videos)"
        raise ValueError(f"{Path(str(folder), INDEX_NAME)}: {expected}, received {error!r}") from error
    with ThreadPoolExecutor() as pool:  # hashlib lets other threads run
        list(pool.map(lambda path, shard: _check_shard(path, shard, store), store.paths, shards))
    return store


def _share(shards, worker, num_workers):
    """`(shard, (first, last))` for every shard with clips of this worker; all clips in order, cut evenly."""
    num_clips = sum(shard["num_clips"] for shard in shards)
    begin, end = (num_clips * place // num_workers for place in (worker, worker + 1))
    own, before = [], 0
    for shard in shards:
        first, last = max(begin - before, 0), min(end - before, shard["num_clips"])
        if first < last:
            own.append((shard, (first, last)))
        before += shard["num_clips"]
    return own


def _read_index(folder):
    """The index, a dict; a ValueError if it is of another kind or not as it was written."""
    try:
        index = json.loads((folder / INDEX_NAME).read_text("utf-8"))
    except RecursionError:
        raise ValueError("brackets within brackets, thousands of them") from None
    if index["format"] != STORE_FORMAT:
        raise ValueError(f"format {index['format']!r}")
    rest = {name: index[name] for name in index if name != "sha256"}
    if index.get("sha256", _index_sha256(rest)) != _index_sha256(rest):  # older stores have none
        raise ValueError("other fields than were written: they differ from their checksum")
    _check_shape(index["clip_shape"])
    for shard in index["shards"]:
        arguments.whole_number("num_clips", shard["num_clips"], 1)
        least = shard["num_clips"] * math.prod(index["clip_shape"])
        most = least + shard["num_clips"] * MOST_BESIDE_A_CLIP
        arguments.whole_number("num_bytes", shard["num_bytes"], least, most, meaning="its clips")
        if not {"file", "sha256"} <= set(shard):
            raise ValueError(f"shard {shard}")
    if index["num_clips"] != sum(shard["num_clips"] for shard in index["shards"]) or not index["shards"]:
        raise ValueError(f"{index['num_clips']} clips in all, but others in {len(index['shards'])} shards")
    return index


def _index_sha256(index):
    return hashlib.sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()


def _check_shape(shape):
    if len(shape) != 4 or shape[-1] != 3:
        raise ValueError(f"clip_shape {shape}")
    for number in shape:
        arguments.whole_number("clip_shape", number, 1)


def _check_shard(path, shard, store):
    """Raises ValueError unless the shard is the one that was written, and all its records fit the index."""
    if not os.path.isfile(path):
        raise ValueError(f"{path}: expected a shard of {shard['num_bytes']} bytes, received no such file")
    received = _sha256(path)
    if received != shard["sha256"]:
        raise ValueError(
            f"{path}: corrupted shard: expected {shard['num_bytes']} bytes with sha256 {shard['sha256']}, "
            f"received {os.path.getsize(path)} bytes with {received}; make the store again"
        )
    _check_records(path, shard["num_clips"], store)


def _check_records(path, num_clips, store):
    """Raises ValueError, with file and record, unless each record is a labelled clip as the index says.

    TensorFlow believes checksums: it would reserve as much memory as a forged number says, and of a wrong
    record it names neither the file nor the number.
    """
    number = 0
    try:
        for record in _records_of(path):
            _check_record(tf.train.Example.FromString(record).features.feature, store)
            number += 1
    except (ValueError, DecodeError) as error:
        raise ValueError(f"{path}: record {number}: expected a labelled clip; {error}") from error
    try:  # the checksum of each
        received = int(tf.data.TFRecordDataset(path).reduce(np.int64(0), lambda count, _: count + 1))
    except tf.errors.OpError as error:
        raise ValueError(f"{path}: expected {num_clips} records; {str(error).splitlines()[0]}") from error
    if received != num_clips:
        raise ValueError(f"{path}: expected {num_clips} records, received {received}")


def _records_of(path):
    """Yields the records of a TFRecord file: before each stand its length and the length's checksum."""
    left = os.path.getsize(path)
    with open(path, "rb") as file:
        while left:
            length = int.from_bytes(file.read(12)[:8], "little")
            left -= length + 16
            if left < 0:
                raise ValueError(f"its {length} bytes are more than there are")
            yield file.read(length)
            file.seek(4, os.SEEK_CUR)


def _check_record(features, store):
    """Raises ValueError unless the features of a record are one clip of the store and its labels."""
    values = {name: getattr(features[name], f"{kind}_list").value for name, kind in RECORD.items()}
    for name, found in values.items():
        if len(found) != 1:
            raise ValueError(f"{name}: expected one value ({RECORD[name]}), received {len(found)}")
    num_bytes, action, actor = len(values["clip"][0]), values["action"][0], values["actor"][0]
    if num_bytes != math.prod(store.clip_shape):
        raise ValueError(f"clip: {INDEX_NAME} says {store.clip_shape}, received {num_bytes} bytes a clip")
    if not 0 <= action < len(store.action_names):
        raise ValueError(f"action: {INDEX_NAME} has {len(store.action_names)} names, received {action}")
    if not -(2**31) <= actor < 2**31:
        raise ValueError(f"actor: expected a number of 32 bits, received {actor}")
    values["file"][0].decode()  # its error is a ValueError that says enough


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
