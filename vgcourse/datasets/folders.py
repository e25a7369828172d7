"""Pipeline: a folder of videos becomes labelled clips of one size and length.

Axes: clips `(num_clips, num_frames, height, width, 3)`, channels last, RGB; square frames.
Range: uint8 [0, 255] throughout.
"""

import itertools
import os
import statistics
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vgcourse import preprocess, video
from vgcourse.datasets.clips import Clips, check_fps, concatenate

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mpe")
VIDEO_SUFFIXES += (".vob", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".ogv", ".gif", ".webp")
FRAMES_AT_ONCE = 1024  # frames of one video, scaled, that wait in memory; a longer one is read in pieces


class FileReport(NamedTuple):
    """What became of one video.

    Attributes:
        file: path below the folder.
        status: "read" or "skipped".
        reason: why it was skipped, or empty.
        clips: how many clips it gave.
    """

    file: str
    status: str
    reason: str
    clips: int


def clips_from_folder(folder, *, size, num_frames, fps=None):
    """Turn a folder of videos into labelled clips; a video that cannot be used is skipped and reported.

    The name of a subfolder is the label of all videos in it, at any depth; videos right in `folder` are
    labelled with its name. Hidden files, and files without a usual video suffix, are left out. Long videos
    give many clips, one after the other; no clip runs across a cut. Frames are scaled to cover the square
    and cropped at its centre.

    Args:
        folder: the folder.
        size: height and width of the clips in pixels.
        num_frames: frames per clip.
        fps: frames per second; None keeps every video's own frames.

    Returns:
        `(Clips, report)`: uint8 `(num_clips, num_frames, size, size, 3)` in the order of the file names, and
        a list of `FileReport`, one a video. With `fps=None`, `Clips.fps` is the median of the videos' rates.
        A label without a usable video is no action.

    Raises:
        ValueError: there is no such folder, or not one usable video in it (the reasons are listed).
    """
    report = []
    try:
        parts = list(iter_folder(folder, size=size, num_frames=num_frames, fps=fps, report=report))
    except ValueError as error:
        reasons = "".join(f"\n  {row.file}: {row.reason}" for row in report[:20])
        raise ValueError(f"{error}{reasons}") from None
    clips = concatenate(parts)
    present, actions = np.unique(clips.actions, return_inverse=True)
    names, rate = [clips.action_names[i] for i in present], statistics.median(part.fps for part in parts)
    return replace(clips, actions=actions, action_names=names, fps=rate), report


def iter_folder(folder, *, size, num_frames, fps=None, report):
    """Yield the `Clips` of `clips_from_folder` video by video, for sets larger than memory.

    Args:
        folder, size, num_frames, fps: see `clips_from_folder`.
        report: a list; a `FileReport` is appended for every video once it is read.

    Yields:
        `Clips` of one video; an unusable one yields nothing. All labels are actions from the first video on:
        where one turns out to have no usable video, the last reason in its reports says so.

    Raises:
        ValueError: there is no such folder, no usable video in it, or a setting is out of its range.
    """
    check_settings(size, num_frames, fps)
    if not video.checked_path(folder):
        raise ValueError("expected a folder of videos, received an empty name")
    folder = Path(video.checked_path(folder))
    videos = find_videos(folder)
    names = tuple(sorted({label for _, label in videos}))
    pieces = _in_parallel(lambda item: _read_video(item[0], size, num_frames, fps), videos)
    for (path, label), (clips, rate, reason) in zip(videos, pieces, strict=True):
        file = printable(path.relative_to(folder))
        report.append(FileReport(file, "read" if len(clips) else "skipped", reason, len(clips)))
        if len(clips):
            actions, actors = np.full(len(clips), names.index(label)), np.full(len(clips), -1)
            yield Clips(clips, actions, actors, names, rate, (file,) * len(clips))
    report_empty_labels(report, [label for _, label in videos])
    if not any(row.clips for row in report):
        raise ValueError(f"{folder}: expected a usable video, received {len(report)} unusable ones")


def report_empty_labels(report, labels):
    """Adds to the last row of every label without clips that it stays an action all the same.

    Args:
        report: a list whose last `FileReport`s are those of the videos.
        labels: the label of every video.
    """
    first = len(report) - len(labels)
    last_rows = {label: index for index, label in enumerate(labels, first)}
    shown = {label for label, row in zip(labels, report[first:], strict=True) if row.clips}
    for label in last_rows.keys() - shown:
        row = report[last_rows[label]]
        report[last_rows[label]] = row._replace(reason=f"{row.reason}; no clip shows {label!r}")


def check_settings(size, num_frames, fps):
    """Raises ValueError unless `size` and `num_frames` are whole numbers over 0; `fps` may also be None."""
    for name, value in (("size", size), ("num_frames", num_frames)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1; received {value!r}")
    if fps is not None:
        check_fps(fps)


def find_videos(folder):
    """Find the videos of a folder; links are followed.

    Args:
        folder: a `Path`.

    Returns:
        `(path, label)` of every video below it, in the order of their names.

    Raises:
        ValueError: there is no such folder, or no video in it.
    """
    if not folder.is_dir():
        received = "a file" if folder.exists() else "no such folder"
        raise ValueError(f"{folder}: expected a folder of videos, received {received}")
    found, root = [], folder.resolve()

    def walk(place, label, above):
        for entry in sorted(place.iterdir()):
            is_video = entry.suffix.lower() in VIDEO_SUFFIXES
            if is_video and not entry.name.startswith("."):
                found.append((entry, printable(label or root.name)))
            elif entry.is_dir() and not entry.name.startswith("."):
                real = entry.resolve()
                if real not in above:  # a link back to a folder above would never end
                    walk(entry, label or entry.name, above | {real})

    walk(folder, None, {root})
    if not found:
        raise ValueError(f"{folder}: expected videos ({' '.join(VIDEO_SUFFIXES)}), received none")
    return found


def printable(name):
    """Returns `name` as text; letters of a file name that are no UTF-8 become "?": they cannot be saved."""
    return str(name).encode(errors="replace").decode()


def _read_video(path, size, num_frames, fps):
    """`(clips (n, num_frames, size, size, 3), fps, reason if n is 0)`."""
    try:
        clips = list(iter_clips(path, size=size, num_frames=num_frames, fps=fps))
        return np.stack(clips), float(fps or video.probe(path).fps), ""
    except (ValueError, OSError) as error:
        return [], 0.0, printable(error)


def iter_clips(path, *, size, num_frames, fps=None):
    """Yield the clips of one video, one after the other, in constant memory however long it is.

    Args:
        path: the video file.
        size, num_frames, fps: see `clips_from_folder`.

    Yields:
        uint8 `(num_frames, size, size, 3)`; no clip runs across a cut.

    Raises:
        ValueError, OSError: the file cannot be read (perhaps after some clips), or is too short for one clip.
    """
    shots = [0]
    clips = split_into_clips(video.iter_frames(path, fps=fps, size=size), num_frames, shots)
    first = next(clips, None)
    if first is None:
        raise ValueError(
            f"{path}: expected {num_frames} frames without a cut, received {max(shots)} at most; ask "
            "for fewer frames, or leave this file out"
        )
    yield first
    yield from clips


def split_into_clips(frames, num_frames, shots):
    """Yield clips `(num_frames, H, W, 3)`, none across a cut; `shots` gets how long each shot is."""
    frames, rest = iter(frames), []
    while piece := list(itertools.islice(frames, FRAMES_AT_ONCE)):
        piece = np.stack(rest + piece)
        for shot in np.split(piece, preprocess.find_cuts(piece)):
            shots.append(len(shot))
            whole = len(shot) - len(shot) % num_frames
            yield from shot[:whole].reshape(-1, num_frames, *shot.shape[1:])
        rest = list(shot[whole:])  # the last shot may go on in the next piece


def _in_parallel(function, items):
    """`map` over threads (decoding lets other threads run), in order, with few results waiting."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
