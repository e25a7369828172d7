"""Pipeline: the actions set that comes with the course, decoded once and cached.

Axes: clips `(num_clips, num_frames, height, width, 3)`, channels last, RGB. Range: uint8 [0, 255].
"""

import csv
import hashlib
import os
import sys
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from vgcourse import people, video
from vgcourse.datasets.clips import Clips, check_fps
from vgcourse.datasets.folders import check_settings
from vgcourse.files import NotWrittenError, data_folder, new_file

SPLITS = ("train", "validation", "test")


def load_actions(split, *, size=64, num_frames=16, fps=10):
    """Load a split of the actions set, from its videos the first time and from the cache after that.

    Every clip starts with its video, so that the same call gives the same clips. For training, load more
    frames than the model sees (the videos last 2 s: 20 frames at 10 fps) and let `make_dataset(...,
    num_frames=16)` draw a new start in time for every clip of every epoch.

    Args:
        split: "train" (64 actors), "validation" (8) or "test" (8); no actor is in two.
        size: height and width in pixels.
        num_frames: frames per clip.
        fps: frames per second.

    Returns:
        `Clips`: uint8 `(num_clips, num_frames, size, size, 3)`, in the order of `labels.csv`.

    Raises:
        ValueError: the split is unknown, a video is missing, damaged, not the one in `labels.csv` or shorter
            than `num_frames`.
    """
    check_settings(size, num_frames, fps)
    check_fps(fps)
    if split not in SPLITS:
        raise ValueError(f"unknown split: expected one of {SPLITS}, received {split!r}")
    table = data_folder() / "actions" / "labels.csv"
    if not table.is_file():
        raise ValueError(f"{table}: no such file; make the set by `python -m vgcourse render`")
    rows, action_names = _read_labels(table, split)
    settings = f"{_sha256(table.read_bytes())} {split} {size} {num_frames} {float(fps)}"
    cache = _cache_folder() / f"actions-{split}-{_sha256(settings.encode())[:16]}.npz"
    clips = _read_cache(cache, (len(rows), num_frames, size, size, 3))
    if clips is None:
        clips = _decode_actions(table.parent, rows, {"size": size, "num_frames": num_frames, "fps": fps})
        _write_cache(cache, clips)
    return Clips(
        clips,
        np.array([action_names.index(row["action"]) for row in rows]),
        np.array([int(row["actor"]) for row in rows]),
        action_names,
        float(fps),
        tuple(row["file"] for row in rows),
    )


def _read_labels(table, split):
    """The rows of a split, and the names of all actions in the table, in the order of `people.ACTIONS`."""
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {row["action"] for row in rows}
    if not found <= set(people.ACTIONS):
        raise ValueError(f"{table}: unknown action: expected {people.ACTIONS}, received {sorted(found)}")
    names = tuple(name for name in people.ACTIONS if name in found)
    return [row for row in rows if row["split"] == split], names


def _decode_actions(folder, rows, settings):
    def decode(row):
        path = folder / row["file"]
        received = _sha256(path.read_bytes()) if path.is_file() else "no such file"
        if received != row["sha256"]:
            raise ValueError(f"{path}: expected sha256 {row['sha256']}, received {received}; fetch it again")
        return video.read_clip(path, **settings)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.stack(list(pool.map(decode, rows)))


def _cache_folder():
    if "VGCOURSE_CACHE" in os.environ:
        return Path(os.environ["VGCOURSE_CACHE"])
    if "XDG_CACHE_HOME" in os.environ:
        return Path(os.environ["XDG_CACHE_HOME"], "vgcourse")
    home = {"win32": "AppData/Local", "darwin": "Library/Caches"}.get(sys.platform, ".cache")
    return Path.home() / home / "vgcourse"


def _read_cache(path, shape):
    """The cached clips, or None if there are none or they are damaged (npz carries a CRC)."""
    try:
        with np.load(path, allow_pickle=False) as file:
            clips = file["clips"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return clips if clips.shape == shape and clips.dtype == np.uint8 else None


def _write_cache(path, clips):
    try:
        with new_file(path) as part:
            np.savez(part, clips=clips)
    except NotWrittenError as error:  # slower next time, nothing worse
        message = f"{path}: clips cannot be cached ({error}); VGCOURSE_CACHE names another folder"
        warnings.warn(message, stacklevel=3)


def _sha256(data):
    return hashlib.sha256(data).hexdigest()
