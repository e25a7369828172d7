"""Pipeline: a folder of videos becomes labelled clips of one size and length.

Axes: clips `(num_clips, num_frames, height, width, 3)`, channels last, RGB; square frames.
Range: uint8 [0, 255] throughout.
"""

import itertools
import os
import statistics
import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vgcourse import arguments, preprocess, video
from vgcourse.datasets.clips import Clips, concatenate
from vgcourse.files import NotWrittenError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mpe")
VIDEO_SUFFIXES += (".vob", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".ogv", ".gif", ".webp")
FRAMES_AT_ONCE = 1024  # frames of one video, scaled, in which cuts are looked for together
BYTES_AT_ONCE = 8 * 2**20  # clips of one video that wait in memory; those of a longer one wait on disk


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
    report, rates = [], {}

    def parts():
        for part in iter_folder(folder, size=size, num_frames=num_frames, fps=fps, report=report):
            rates[part.files[0]] = part.fps
            yield part

    try:
        clips = concatenate(parts())
    except ValueError as error:
        reasons = "".join(f"\n  {row.file}: {row.reason}" for row in report[:20])
        raise ValueError(f"{error}{reasons}") from None
    present, actions = np.unique(clips.actions, return_inverse=True)
    names, rate = [clips.action_names[i] for i in present], statistics.median(rates.values())
    return replace(clips, actions=actions, action_names=names, fps=rate), report


def iter_folder(folder, *, size, num_frames, fps=None, report):
    """Yield the `Clips` of `clips_from_folder` piece by piece, for sets larger than memory.

    A damaged video is skipped as a whole, even if it begins well. So the clips of a video that is too long to
    wait in memory until it has been read wait in a temporary file, as large as what it adds to a store.

    Args:
        folder, size, num_frames, fps: see `clips_from_folder`.
        report: a list; a `FileReport` is appended for every video once it is read.

    Yields:
        `Clips` of one video, several times if it is long; an unusable one yields nothing.

    Raises:
        NotWrittenError: the folder of temporary files is full.
        ValueError: there is no such folder, no usable video in it, or a setting is out of its range.
    """
    check_clip_settings(size, num_frames, fps)
    if not video.checked_path(folder):
        raise ValueError("expected a folder of videos, received an empty name")
    folder = Path(video.checked_path(folder))
    videos = find_videos(folder)
    labels = [label for _, label in videos]
    names = labels_with_clips(
        videos, lambda path: next(iter_clips(path, size=size, num_frames=num_frames, fps=fps))
    )
    results = _in_parallel(lambda item: _read_video(item[0], size, num_frames, fps), videos)
    for (path, label), read in zip(videos, results, strict=True):
        file = printable(path.relative_to(folder))
        report.append(FileReport(file, "read" if read.count else "skipped", read.reason, read.count))
        for clips in _pieces(read, (num_frames, size, size, 3)):
            actions, actors = np.full(len(clips), names.index(label)), np.full(len(clips), -1)
            yield Clips(clips, actions, actors, names, read.fps, (file,) * len(clips))
    report_empty_labels(report, labels, names)
    if not any(row.clips for row in report):
        raise ValueError(f"{folder}: expected a usable video, received {len(report)} unusable ones")


def check_clip_settings(size, num_frames, fps):
    """Raises ValueError unless `size` and `num_frames` are whole numbers over 0; `fps` may also be None."""
    arguments.whole_number("size", size, 1)
    arguments.whole_number("num_frames", num_frames, 1)
    if fps is not None:
        arguments.frames_per_second("fps", fps)


# ---- which videos ----------------------------------------------------------------------------------------


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


def labels_with_clips(videos, first_clip):
    """Find the labels that become actions: those of which a video gives a clip. Few videos are read for it.

    An action is a class that a model is trained for and generates; one without a clip would only show noise.

    Args:
        videos: pairs (video, label).
        first_clip: function of a video; a ValueError or OSError says that there is none.

    Returns:
        A tuple of labels, sorted.
    """
    by_label = {}
    for item, label in videos:
        by_label.setdefault(label, []).append(item)

    def gives_a_clip(item):
        try:
            first_clip(item)
        except (ValueError, OSError):
            return False
        return True

    labels = sorted(by_label)
    if len(labels) == 1:  # it has a clip, or there is none at all
        return tuple(labels)
    shown = _in_parallel(lambda label: any(map(gives_a_clip, by_label[label])), labels)
    return tuple(label for label, found in zip(labels, shown, strict=True) if found)


def report_empty_labels(report, labels, names):
    """Adds to the last row of every label without clips what becomes of it.

    Args:
        report: a list whose last `FileReport`s are those of the videos.
        labels: the label of every video.
        names: the labels that became actions; one of them may have no clip if its videos are damaged late.
    """
    first = len(report) - len(labels)
    last_rows = {label: index for index, label in enumerate(labels, first)}
    shown = {label for label, row in zip(labels, report[first:], strict=True) if row.clips}
    for label in last_rows.keys() - shown:
        row = report[last_rows[label]]
        kept = ", which stays an action" if label in names else ", which becomes no action"
        report[last_rows[label]] = row._replace(reason=f"{row.reason}; no clip shows {label!r}{kept}")


# ---- from a video to its clips ---------------------------------------------------------------------------


class _Read(NamedTuple):
    """A video that was read: its clips one after the other in a file, how many, and why if there is none."""

    file: tempfile.SpooledTemporaryFile
    count: int
    fps: float
    reason: str


def _read_video(path, size, num_frames, fps):
    """All clips of a video, as `_Read`; of one that breaks off there is none."""
    file, count = tempfile.SpooledTemporaryFile(BYTES_AT_ONCE), 0  # noqa: SIM115, who reads it closes it
    try:
        for clip in iter_clips(path, size=size, num_frames=num_frames, fps=fps):
            _append(file, clip)
            count += 1
        rate = arguments.frames_per_second(f"{path}: fps", float(fps or video.probe(path).fps))
        return _Read(file, count, rate, "")
    except NotWrittenError:
        raise
    except (ValueError, OSError) as error:
        return _Read(file, 0, 0.0, printable(error))


def _append(file, clip):
    try:
        file.write(clip.tobytes())
    except OSError as error:  # no fault of the video
        place = tempfile.gettempdir()
        raise NotWrittenError(f"{place}: cannot be written: {error}; TMPDIR names another folder") from error


def _pieces(read, shape):
    """Yield the clips of a video, `(n, *shape)`, a bounded number at once; then close its file."""
    with read.file as file:
        file.seek(0)
        at_once, left = max(1, BYTES_AT_ONCE // int(np.prod(shape))), read.count
        while left:
            clips = np.empty((min(at_once, left), *shape), np.uint8)
            file.readinto(clips.reshape(-1))
            left -= len(clips)
            yield clips


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
    """Cut a video into clips that follow each other, none across a cut.

    Args:
        frames: an iterable of frames `(H, W, 3)`, uint8.
        num_frames: frames per clip; what is left over at the end of a shot is dropped.
        shots: a list; the length of every shot is appended.

    Yields:
        uint8 `(num_frames, H, W, 3)`.
    """
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
