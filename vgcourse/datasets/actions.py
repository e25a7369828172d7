"""Pipeline: the actions set that comes with the course, decoded once and cached.

Axes: clips `(num_clips, num_frames, height, width, 3)`, channels last, RGB. Range: uint8 [0, 255].
"""

import csv
import functools
import hashlib
import os
import sys
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np

from vgcourse import arguments, people, video
from vgcourse.datasets.clips import Clips
from vgcourse.files import NotWrittenError, data_folder, new_file

SPLITS = ("train", "validation", "test")
COLUMNS = ("file", "action", "actor", "split", "sha256")  # of labels.csv
MAX_ACTOR = 2**31 - 1
VIDEO_FRAMES, VIDEO_FPS = 50, 25.0  # of every file


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
            than `num_frames`, or `labels.csv` is not such a table.
    """
    arguments.one_of("split", split, SPLITS)
    size = arguments.whole_number("size", size, 1)
    num_frames = arguments.whole_number("num_frames", num_frames, 1)
    fps = float(arguments.frames_per_second("fps", fps))
    table = data_folder() / "actions" / "labels.csv"
    if not table.is_file():
        raise ValueError(f"{table}: no such file; make the set by `python -m vgcourse render`")
    labels = _read_labels(table)
    rows = [row for row in labels if row["split"] == split]
    action_names = tuple(name for name in people.ACTIONS if name in {row["action"] for row in labels})
    settings = f"{_sha256(table.read_bytes())} {split} {size} {num_frames} {fps} {_decoder()}"
    name = f"actions-{split}-{_sha256(settings.encode())[:16]}.npz"
    clips = _read_cache(name, (len(rows), num_frames, size, size, 3))
    if clips is None:
        clips = _decode_actions(table.parent, rows, {"size": size, "num_frames": num_frames, "fps": fps})
        _write_cache(name, clips)
    return Clips(
        clips,
        np.array([action_names.index(row["action"]) for row in rows]),
        np.array([int(row["actor"]) for row in rows]),
        action_names,
        fps,
        tuple(row["file"] for row in rows),
    )


def load_action_joints(clips):
    """Where the joints are in every frame of clips of the actions set.

    The people are drawn by the course, so their joints need no finding: they are computed again.

    Args:
        clips: `Clips` from `load_actions` (or some of them: `select` and `concatenate` keep what is needed).

    Returns:
        float32 `(num_clips, num_frames, len(people.JOINT_NAMES), 3)`: x, y and depth in pixels of these
        frames, see `people.action_joints`.

    Raises:
        ValueError: clips of other actions, or longer than their videos.
    """
    num_frames, size = clips.clip_shape[:2]
    # As `video.read_clip` chooses: the newest frame that is not later.
    shown = np.floor(np.arange(num_frames) * VIDEO_FPS / clips.fps + 1e-6).astype(int)
    if shown[-1] >= VIDEO_FRAMES:
        longest = VIDEO_FRAMES / VIDEO_FPS
        raise ValueError(f"clips: expected up to {longest:g} s, received {num_frames} frames")
    names = [clips.action_names[action] for action in clips.actions]
    pairs = zip(names, clips.actors.tolist(), strict=True)
    return np.stack([people.action_joints(name, actor, size=size)[shown] for name, actor in pairs])


def _read_labels(table):
    """The rows of `labels.csv`, dicts of texts, all good; a spreadsheet's byte order mark and `;` will do."""
    try:
        with open(table, newline="", encoding="utf-8-sig") as file:
            separator = max(",;\t", key=file.readline().count)
            file.seek(0)
            lines = list(csv.reader(file, delimiter=separator))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table}: expected a table in UTF-8, received: {error}") from error
    if not lines or tuple(lines[0]) != COLUMNS:
        received = ",".join(lines[0]) if lines else "an empty file"
        raise ValueError(f"{table}: row 1: expected {','.join(COLUMNS)}, received {received}")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        try:
            if line:  # an empty one is no row
                rows.append(_checked_label(line))
        except ValueError as error:
            raise ValueError(f"{table}: row {number}: {error}") from None
    return rows


def _checked_label(line):
    if len(line) != len(COLUMNS):
        raise ValueError(f"expected {len(COLUMNS)} fields, {','.join(COLUMNS)}; received {','.join(line)!r}")
    row = dict(zip(COLUMNS, line, strict=True))
    arguments.one_of("action", row["action"], people.ACTIONS)
    arguments.one_of("split", row["split"], SPLITS)
    if not (row["actor"].isdecimal() and int(row["actor"]) <= MAX_ACTOR):
        raise ValueError(f"actor: expected a whole number, received {row['actor']!r}")
    if not row["file"].strip() or "\0" in row["file"]:
        raise ValueError(f"file: expected the name of a clip, received {row['file']!r}")
    return row


def _decode_actions(folder, rows, settings):
    size, num_frames = settings["size"], settings["num_frames"]
    clips = np.empty((len(rows), num_frames, size, size, 3), np.uint8)

    def decode(place):
        row = rows[place]
        path = folder / row["file"]
        try:
            received = _sha256(path.read_bytes()) if path.is_file() else "no such file"
        except OSError as error:  # the name is too long, or the file is somebody else's
            raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from error
        if received != row["sha256"]:
            raise ValueError(f"{path}: expected sha256 {row['sha256']}, received {received}; fetch it again")
        clips[place] = video.read_clip(path, **settings)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode, range(len(rows))))
    return clips


# ---- the cache -------------------------------------------------------------------------------------------


@functools.cache
def _decoder():
    """What decodes: FFmpeg's libraries, and the text of the package's own modules for it."""
    texts = [path.read_bytes() for path in sorted(Path(video.__file__).parent.glob("*.py"))]
    return f"{av.__version__} {sorted(av.library_versions.items())} {_sha256(b''.join(texts))}"


def _cache_folder():
    """Where decoded clips are kept; None for a user without a home. Empty variables count as not set."""
    if folder := os.environ.get("VGCOURSE_CACHE"):
        return Path(folder)
    if os.path.isabs(folder := os.environ.get("XDG_CACHE_HOME", "")):  # others do not count, it is agreed
        return Path(folder, "vgcourse")
    home = {"win32": "AppData/Local", "darwin": "Library/Caches"}.get(sys.platform, ".cache")
    try:
        return Path.home() / home / "vgcourse"
    except RuntimeError:  # no variable says it, and the system does not know the user (in containers)
        return None


def _read_cache(name, shape):
    """The cached clips, or None if there are none or they are damaged (npz carries a CRC)."""
    folder = _cache_folder()
    if folder is None:
        return None
    try:
        with np.load(folder / name, allow_pickle=False) as file:
            clips = file["clips"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return clips if clips.shape == shape and clips.dtype == np.uint8 else None


def _write_cache(name, clips):
    folder = _cache_folder()
    try:
        if folder is None:
            raise NotWrittenError("this user has no home folder")
        with new_file(folder / name) as part:
            np.savez(part, clips=clips)
    except NotWrittenError as error:  # slower next time, nothing worse
        message = f"the decoded clips cannot be cached: {error}; VGCOURSE_CACHE names a folder for them"
        warnings.warn(message, stacklevel=3)


def _sha256(data):
    return hashlib.sha256(data).hexdigest()
