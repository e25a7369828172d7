"""Pipeline, the store: labelled clips in memory (`Clips`) and on disk (a folder of TFRecord shards).

Axes: clips `(num_clips, num_frames, height, width, 3)`, channels last, RGB. Range: uint8 [0, 255] throughout.

A store is a folder with
    index.json                   clip shape, action names, fps, and for every shard its size and sha256
    shard-00000.tfrecord ...     one `tf.train.Example` a clip: `clip` (the raw uint8 bytes, C order),
                                 `action`, `actor` (int64) and `file` (UTF-8, the video it came from)
Raw bytes rather than a codec: what is read back is what was saved, bit for bit, and nothing is decoded twice.
"""

import hashlib
import itertools
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf

INDEX_NAME = "index.json"
STORE_FORMAT = "vgcourse clips 1"


@dataclass(frozen=True, eq=False)
class Clips:
    """Clips with their labels; checked when made, so that later stages can rely on it.

    Attributes:
        clips: uint8 array, shape `(num_clips, num_frames, height, width, 3)`, values in [0, 255].
        actions: int32 array, shape `(num_clips,)`: places in `action_names`.
        actors: int32 array, shape `(num_clips,)`: who moves, or -1 where unknown.
        action_names: names of the actions.
        fps: frames per second.
        files: the video of each clip, or empty.
    """

    clips: np.ndarray
    actions: np.ndarray
    actors: np.ndarray
    action_names: tuple[str, ...]
    fps: float
    files: tuple[str, ...] = ()

    def __post_init__(self):
        _check_frames(self.clips)
        num_clips = len(self.clips)
        for name in ("actions", "actors"):
            object.__setattr__(self, name, _as_labels(getattr(self, name), name, num_clips))
        object.__setattr__(self, "action_names", tuple(self.action_names))
        object.__setattr__(self, "files", tuple(self.files))
        if num_clips and not 0 <= self.actions.min() <= self.actions.max() < len(self.action_names):
            received = f"{self.actions.min()} to {self.actions.max()}"
            raise ValueError(f"actions must be places in {self.action_names}; received {received}")
        if len(self.files) not in (0, num_clips):
            raise ValueError(f"files must be empty or {num_clips}, one a clip; received {len(self.files)}")

    def __len__(self):
        return len(self.clips)

    num_clips = property(__len__)

    @property
    def clip_shape(self):
        return self.clips.shape[1:]

    def select(self, indices):
        """The clips at `indices` (integers, a slice or a boolean mask), in that order, as new `Clips`."""
        indices = np.arange(len(self))[indices]
        files = tuple(self.files[i] for i in indices) if self.files else ()
        arrays = {name: getattr(self, name)[indices] for name in ("clips", "actions", "actors")}
        return replace(self, files=files, **arrays)

    def only(self, *names):
        """The clips of the named actions alone, labelled by their places in `names`."""
        if not names or not set(names) <= set(self.action_names):
            raise ValueError(f"unknown action: expected some of {self.action_names}, received {names}")
        places = [self.action_names.index(name) for name in names]
        chosen = self.select(np.isin(self.actions, places))
        actions = np.array([places.index(action) for action in chosen.actions], np.int32)
        return replace(chosen, actions=actions, action_names=names)


def concatenate(parts):
    """Join several `Clips` of one clip shape and with the same action names.

    Args:
        parts: an iterable of at least one `Clips`.

    Returns:
        `Clips`; `fps` is that of the first part.

    Raises:
        ValueError: the parts differ in shape or action names.
    """
    parts = list(parts)
    for part in parts:
        _check_same_kind(part, parts[0])
    names = ("clips", "actions", "actors")
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    files = tuple(itertools.chain.from_iterable(map(_files, parts)))
    return replace(parts[0], files=files if any(files) else (), **arrays)


def _check_frames(clips):
    wanted = "clips must be a uint8 array of shape (num_clips, num_frames, height, width, 3)"
    if not isinstance(clips, np.ndarray):
        raise ValueError(f"{wanted}; received {type(clips).__name__}")
    if clips.dtype != np.uint8 or clips.ndim != 5 or clips.shape[-1] != 3 or 0 in clips.shape[1:]:
        hint = " (preprocess.to_uint8 converts [-1, 1])" if clips.dtype.kind == "f" else ""
        raise ValueError(f"{wanted}; received {clips.dtype} of shape {clips.shape}{hint}")


def _as_labels(labels, name, num_clips):
    labels = np.asarray(labels)
    if labels.shape != (num_clips,) or (num_clips and labels.dtype.kind not in "iu"):
        received = f"{labels.dtype} of shape {labels.shape}"
        raise ValueError(f"{name} must be integers of shape ({num_clips},), one a clip; received {received}")
    return labels.astype(np.int32)


def _files(part):
    return part.files or ("",) * len(part)


def _check_same_kind(part, first):
    expected, received = [(clips.clip_shape, clips.action_names) for clips in (first, part)]
    if received != expected:
        raise ValueError(f"clips of one kind must go together: expected {expected}, received {received}")


def save_clips(folder, clips, *, overwrite=False, shard_bytes=64 * 2**20):
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
        ValueError: the folder holds something already, there are no clips, the parts differ in shape or
            actions, or the folder cannot be written.
    """
    folder = Path(os.path.abspath(folder))
    _check_vacant(folder, overwrite)
    parts = [clips] if isinstance(clips, Clips) else clips
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            store = Path(scratch) / "store"
            store.mkdir()
            index = _write_shards(store, parts, shard_bytes)
            (store / INDEX_NAME).write_text(json.dumps(index, indent=1), encoding="utf-8")
            if folder.exists():
                os.replace(folder, Path(scratch) / "replaced")
            os.replace(store, folder)
    except (OSError, tf.errors.OpError) as error:
        raise ValueError(f"{folder}: expected to write a store here, received: {error}") from error
    return folder


def _check_vacant(folder, overwrite):
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / INDEX_NAME).is_file():
        raise ValueError(f"{folder}: expected a new or empty folder, received one that holds other files")
    if not overwrite:
        raise ValueError(
            f"{folder}: there is a store already; choose another folder, or pass overwrite=True (--overwrite)"
        )


def _write_shards(store, parts, shard_bytes):
    """Write every clip of every part; returns the index."""
    parts = (part for part in parts if len(part))
    first = next(parts, None)
    if first is None:
        raise ValueError("expected at least one clip to save, received none")
    records, shards = _records(first, itertools.chain([first], parts)), []
    per_shard = -(-shard_bytes // first.clips[0].nbytes)
    while some := list(itertools.islice(records, per_shard)):
        path = store / f"shard-{len(shards):05d}.tfrecord"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in some:
                writer.write(record)
        shard = {"num_clips": len(some), "num_bytes": path.stat().st_size, "sha256": _sha256(path)}
        shards.append({"file": path.name, **shard})
    return {
        "format": STORE_FORMAT,
        "clip_shape": list(first.clip_shape),
        "num_clips": sum(shard["num_clips"] for shard in shards),
        "action_names": list(first.action_names),
        "fps": float(first.fps),
        "shards": shards,
    }


def _records(first, parts):
    """Yield a serialised example for every clip; all parts must be of the kind of the first."""
    for part in parts:
        _check_same_kind(part, first)
        rows = zip(part.clips, part.actions, part.actors, _files(part), strict=True)
        for clip, action, actor, file in rows:
            feature = {
                "clip": tf.train.Feature(bytes_list=tf.train.BytesList(value=[clip.tobytes()])),
                "action": tf.train.Feature(int64_list=tf.train.Int64List(value=[action])),
                "actor": tf.train.Feature(int64_list=tf.train.Int64List(value=[actor])),
                "file": tf.train.Feature(bytes_list=tf.train.BytesList(value=[str(file).encode()])),
            }
            yield tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def load_clips(folder):
    """Load a whole store into memory, bit for bit what `save_clips` was given.

    Args:
        folder: a folder that `save_clips` wrote.

    Returns:
        `Clips`. For a store larger than memory, hand the folder to `datasets.make_dataset` instead.

    Raises:
        ValueError: no store there, or a shard that is missing or differs from its checksum (it is named).
    """
    store = open_store(folder)
    clips = np.empty((store.num_clips, *store.clip_shape), np.uint8)
    actions, actors, files, done = [], [], [], 0
    for records in tf.data.TFRecordDataset(store.paths).batch(64):
        some = parse_records(records, store.clip_shape)
        clips[done : done + len(some["clip"])] = some["clip"].numpy()
        done += len(some["clip"])
        actions.extend(some["action"].numpy())
        actors.extend(some["actor"].numpy())
        files.extend(file.decode() for file in some["file"].numpy())
    files = files if any(files) else ()
    return Clips(clips, np.array(actions), np.array(actors), store.action_names, store.fps, files)


def parse_records(records, clip_shape):
    """Parse a batch of serialised clips, in TensorFlow.

    Args:
        records: string tensor, shape `(batch,)`.
        clip_shape: `(num_frames, height, width, 3)`.

    Returns:
        Dict of tensors: `clip` uint8 `(batch, *clip_shape)`; `action`, `actor` int64 and `file` `(batch,)`.
    """
    kinds = {"clip": tf.string, "action": tf.int64, "actor": tf.int64, "file": tf.string}
    parsed = tf.io.parse_example(records, {name: tf.io.FixedLenFeature([], kinds[name]) for name in kinds})
    parsed["clip"] = tf.reshape(tf.io.decode_raw(parsed["clip"], tf.uint8), [-1, *clip_shape])
    return parsed


@dataclass(frozen=True)
class Store:
    """A store whose shards were found whole: `clip_shape` is that of one clip, `paths` are its shards."""

    num_clips: int
    clip_shape: tuple[int, ...]
    action_names: tuple[str, ...]
    fps: float
    paths: tuple[str, ...]


def open_store(folder):
    """Read a store's index and compare every shard with its checksum (about a second a gigabyte).

    Args:
        folder: a folder that `save_clips` wrote.

    Returns:
        A `Store`.

    Raises:
        ValueError: see `load_clips`.
    """
    folder = Path(folder)
    try:
        index = json.loads((folder / INDEX_NAME).read_text("utf-8"))
        shards = index["shards"]
        paths = tuple(str(folder / shard["file"]) for shard in shards)
        shape, names = tuple(index["clip_shape"]), tuple(index["action_names"])
        store = Store(sum(shard["num_clips"] for shard in shards), shape, names, index["fps"], paths)
        if (index["format"], index["num_clips"]) != (STORE_FORMAT, store.num_clips):
            raise ValueError(f"format {index['format']!r}, {index['num_clips']} clips in all")
    except (OSError, ValueError, KeyError, TypeError) as error:
        expected = "expected a store's index (`vgcourse prepare FOLDER STORE` makes a store out of videos)"
        raise ValueError(f"{folder / INDEX_NAME}: {expected}, received {error!r}") from error
    with ThreadPoolExecutor() as pool:  # hashlib lets other threads run
        list(pool.map(_check_shard, paths, shards))
    return store


def _check_shard(path, shard):
    if not os.path.isfile(path):
        raise ValueError(f"{path}: expected a shard of {shard['num_bytes']} bytes, received no such file")
    received = _sha256(path)
    if received != shard["sha256"]:
        raise ValueError(
            f"{path}: corrupted shard: expected {shard['num_bytes']} bytes with sha256 {shard['sha256']}, "
            f"received {os.path.getsize(path)} bytes with {received}; make the store again"
        )


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
