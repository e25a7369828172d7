"""Pipeline: a folder of videos becomes labelled clips of one size and length.

Axes: clips `(num_clips, num_frames, height, width, 3)`, channels last, RGB; square frames.
Range: uint8 [0, 255] throughout.
"""

import itertools
import os
import statistics
import tempfile
import threading
from collections import deque
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vgcourse import arguments, preprocess, video
from vgcourse.datasets.clips import Clips, concatenate, label_fault
from vgcourse.files import NotWrittenError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mpe")
VIDEO_SUFFIXES += (".vob", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".ogv", ".gif", ".webp")
FRAMES_AT_ONCE = 256  # frames of one video, scaled, in which cuts are looked for together
AROUND_A_CUT = 9  # frames on either side that `preprocess.find_cuts` compares it with
BYTES_AT_ONCE = 8 * 2**20  # clips of one video that wait in memory; those of a longer one wait on disk
MOST_NUM_FRAMES = 2**31 - 1
PATIENCE = 1.0  # seconds after Ctrl-C until threads are left behind


class FileReport(NamedTuple):
    """What became of one video, or of a subfolder that cannot be read.

    Attributes:
        file: path below the folder.
        status: "read" or "skipped".
        reason: why it was skipped, or empty.
        clips: how many clips it gave.
        still: how many were left out, because all frames of each are equal.
    """

    file: str
    status: str
    reason: str
    clips: int
    still: int = 0


def clips_from_folder(folder, *, size, num_frames, fps=None, keep_damaged=False):
    """Turn a folder of videos into labelled clips; a video that cannot be used is skipped and reported.

    The name of a subfolder is the label of all videos in it, at any depth; videos right in `folder` are
    labelled with its name. Hidden files, and files without a usual video suffix, are left out. Long videos
    give many clips, one after the other; no clip runs across a cut. Clips in which nothing moves, all their
    frames being equal, are left out and counted. Frames are scaled to cover the square and cropped at its
    centre.

    Args:
        folder: the folder.
        size: height and width of the clips in pixels.
        num_frames: frames per clip.
        fps: frames per second; None keeps every video's own frames.
        keep_damaged: use damaged videos, and those that are cut short, too: all that the decoder makes of
            them, which may be grey or garbage. Otherwise they are skipped.

    Returns:
        `(Clips, report)`: uint8 `(num_clips, num_frames, size, size, 3)` in the order of the file names, and
        a list of `FileReport`, one a video. With `fps=None`, `Clips.fps` is the median of the videos' rates.
        A label without a usable video is no action.

    Raises:
        ValueError: there is no such folder, or not one usable video in it (the reasons are listed).
    """
    report, rates = [], {}

    def parts():
        settings = {"size": size, "num_frames": num_frames, "fps": fps, "keep_damaged": keep_damaged}
        for part in iter_folder(folder, **settings, report=report):
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


def iter_folder(folder, *, size, num_frames, fps=None, report, keep_damaged=False):
    """Yield the `Clips` of `clips_from_folder` piece by piece, for sets larger than memory.

    A damaged video is skipped as a whole, even if it begins well. So the clips of a video that is too long to
    wait in memory until it has been read wait in a temporary file, as large as what it adds to a store.

    Args:
        folder, size, num_frames, fps, keep_damaged: see `clips_from_folder`.
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
    videos = find_videos(folder, report)
    labels = [label for _, label in videos]
    settings = {"size": size, "num_frames": num_frames, "fps": fps, "keep_damaged": keep_damaged}
    names = labels_with_clips(
        videos, lambda path, reading: next(iter_clips(path, **settings, reading=reading))
    )
    results = _in_parallel(lambda item, stop: _read_video(item[0], settings, Reading(stop)), videos)
    for (path, label), read in zip(videos, results, strict=True):
        file, status = printable(path.relative_to(folder)), "read" if read.count else "skipped"
        report.append(FileReport(file, status, read.reason, read.count, read.still))
        for clips in _pieces(read, (num_frames, size, size, 3)):
            actions, actors = np.full(len(clips), names.index(label)), np.full(len(clips), -1)
            yield Clips(clips, actions, actors, names, read.fps, (file,) * len(clips))
    report_empty_labels(report, labels, names)
    if not any(row.clips for row in report):
        raise ValueError(f"{folder}: expected a usable video, received {len(report)} unusable ones")


def check_clip_settings(size, num_frames, fps):
    """Raises ValueError unless `size` and `num_frames` are whole numbers over 0; `fps` may also be None."""
    arguments.whole_number("size", size, 1)
    arguments.whole_number("num_frames", num_frames, 1, MOST_NUM_FRAMES)
    if fps is not None:
        arguments.real_number("fps", fps, arguments.LEAST_FPS, video.MOST_FPS, meaning="frames per second")


# ---- which videos ----------------------------------------------------------------------------------------


def find_videos(folder, report):
    """Find the videos of a folder; links are followed.

    Args:
        folder: a `Path`.
        report: a list; a `FileReport` is appended for every subfolder that cannot be read, and for every
            video whose label cannot be used.

    Returns:
        `(path, label)` of every other video below it, in the order of their names.

    Raises:
        ValueError: there is no such folder, it cannot be read, or there is no video in it.
    """
    if not folder.is_dir():
        received = "a file" if folder.exists() else "no such folder"
        raise ValueError(f"{folder}: expected a folder of videos, received {received}")
    found, waiting = [], [(folder, None, frozenset())]
    while waiting:
        entry, label, above = waiting.pop()
        file = printable(entry.relative_to(folder))
        if above and entry.suffix.lower() in VIDEO_SUFFIXES:
            label = printable(label or folder.resolve().name)
            if is_usable_label(label, file, report):
                found.append((entry, label))
            continue
        try:
            entries, real = _entries(entry)
        except (OSError, RuntimeError) as error:  # not ours, or gone meanwhile
            if not above:
                raise ValueError(f"{folder}: cannot be read: {printable(error)}") from error
            report.append(FileReport(file, "skipped", f"{entry}: cannot be read: {printable(error)}", 0))
            continue
        if real not in above:  # a link back to a folder above would never end
            label = label or (entry.name if above else None)
            waiting += [(name, label, above | {real}) for name in reversed(entries)]
    if not found:
        unusable = ", ".join(row.file for row in report[:3])
        received = f"none that can be used ({unusable})" if report else "none"
        raise ValueError(f"{folder}: expected videos ({' '.join(VIDEO_SUFFIXES)}), received {received}")
    return found


def _entries(place):
    """The entries of a folder, sorted, without hidden ones; and the folder's own path. A file has none."""
    if not place.is_dir():
        return [], None
    return sorted(entry for entry in place.iterdir() if not entry.name.startswith(".")), place.resolve()


def is_usable_label(label, file, report):
    """Check that clips of a label can be written: `generate` makes it part of their names.

    Args:
        label: text.
        file: the video that has it, as `report` calls it.
        report: a list; if the label cannot be used, a `FileReport` is appended.

    Returns:
        True or False.
    """
    if fault := label_fault(label):
        report.append(FileReport(file, "skipped", f"{file}: {fault}; rename its folder", 0))
    return not fault


def printable(name):
    """Returns `name` as text; letters of a file name that are no UTF-8 become "?": they cannot be saved."""
    return str(name).encode(errors="replace").decode()


def labels_with_clips(videos, first_clip):
    """Find the labels that become actions: those of which a video gives a clip. Few videos are read for it.

    An action is a class that a model is trained for and generates; one without a clip would only show noise.

    Args:
        videos: pairs (video, label).
        first_clip: function of a video and a `Reading`; a ValueError, OSError or MemoryError says that there
            is none.

    Returns:
        A tuple of labels, sorted.
    """
    by_label = {}
    for item, label in videos:
        by_label.setdefault(label, []).append(item)

    def gives_a_clip(item, stop):
        if stop.is_set():  # after Ctrl-C, even where no video has a frame
            raise CancelledError
        try:
            first_clip(item, Reading(stop))
        except (ValueError, OSError, MemoryError):
            return False
        return True

    labels = sorted(by_label)
    if len(labels) == 1:  # it has a clip, or there is none at all
        return tuple(labels)
    shown = _in_parallel(lambda label, stop: any(gives_a_clip(it, stop) for it in by_label[label]), labels)
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
    if not shown:  # then there is no store, and no action
        return
    for label in last_rows.keys() - shown:
        row = report[last_rows[label]]
        kept = ", which stays an action" if label in names else ", which becomes no action"
        report[last_rows[label]] = row._replace(reason=f"{row.reason}; no clip shows {label!r}{kept}")


# ---- from a video to its clips ---------------------------------------------------------------------------


@dataclass
class Reading:
    """What is known of a video while it is read.

    Attributes:
        stop: ends it before the next frame, by a CancelledError, once it is set.
        longest: frames of the longest shot so far.
        still: clips left out so far, because all frames of each are equal.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    longest: int = 0
    still: int = 0


class _Read(NamedTuple):
    """A video that was read: its clips one after the other in a file, how many, and why if there is none."""

    file: tempfile.SpooledTemporaryFile
    count: int
    still: int
    fps: float
    reason: str


def _read_video(path, settings, reading):
    """All clips of a video, as `_Read`; of one that breaks off there is none."""
    file, count = tempfile.SpooledTemporaryFile(BYTES_AT_ONCE), 0  # noqa: SIM115, who reads it closes it
    try:
        for clip in iter_clips(path, **settings, reading=reading):
            _append(file, clip)
            count += 1
        rate = settings["fps"] or video.probe(path, keep_damaged=settings["keep_damaged"]).fps
        rate = arguments.frames_per_second(f"{path}: fps", float(rate))
        return _Read(file, count, reading.still, rate, "")
    except (NotWrittenError, CancelledError):
        file.close()
        raise
    except (ValueError, OSError, MemoryError) as error:
        return _Read(file, 0, reading.still, 0.0, fault(error, path))


def fault(error, path):
    """Returns, as text, what `error` says of the video at `path`; a MemoryError says nothing itself."""
    no_memory = f"{path}: takes more memory than there is; scale it down, or leave it out"
    return printable(no_memory if isinstance(error, MemoryError) else error)


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


def iter_clips(path, *, size, num_frames, fps=None, keep_damaged=False, reading=None):
    """Yield the clips of one video, one after the other, in constant memory however long it is.

    Args:
        path: the video file.
        size, num_frames, fps, keep_damaged: see `clips_from_folder`.
        reading: a `Reading`, which counts and can end it, or None.

    Yields:
        uint8 `(num_frames, size, size, 3)`; no clip runs across a cut, and something changes in each.

    Raises:
        ValueError, OSError: the file cannot be read (perhaps after some clips), or gives no clip.
        CancelledError: `reading.stop` was set.
    """
    reading = Reading() if reading is None else reading
    shown = video.iter_shown(path, fps=fps, size=size, keep_damaged=keep_damaged)
    clips = split_into_clips(shown, num_frames, reading)
    first = next(clips, None)
    if first is None and reading.still:
        raise ValueError(f"{path}: expected frames that change, received {reading.still} clips of equal ones")
    if first is None:
        raise ValueError(
            f"{path}: expected {num_frames} frames without a cut, received {reading.longest} at most; ask "
            "for fewer frames, or leave this file out"
        )
    yield first
    yield from clips


def split_into_clips(shown, num_frames, reading):
    """Cut a video into clips that follow each other, none across a cut, none of equal frames.

    Args:
        shown: an iterable of frames, each with how often it is shown in a row: uint8 `(H, W, 3)`, integer.
        num_frames: frames per clip; what is left over at the end of a shot is dropped.
        reading: a `Reading`, which counts and can end it.

    Yields:
        uint8 `(num_frames, H, W, 3)`.
    """
    frames, rest = _shorten_repeats(shown, num_frames, reading), []
    while piece := list(itertools.islice(frames, max(FRAMES_AT_ONCE, num_frames))):
        piece = np.stack(rest + piece)
        for shot in np.split(piece, preprocess.find_cuts(piece)):
            reading.longest = max(reading.longest, len(shot))
            whole = len(shot) - len(shot) % num_frames
            for clip in shot[:whole].reshape(-1, num_frames, *shot.shape[1:]):
                if num_frames > 1 and all(np.array_equal(clip[0], frame) for frame in clip[:0:-1]):
                    reading.still += 1
                else:
                    yield clip
        rest = list(shot[whole:].copy())  # the last shot may go on in the next piece
        del piece, shot  # not kept while the next piece is read


def _shorten_repeats(shown, num_frames, reading):
    """Yield frames as often as they are shown, but of a long row of equal ones a short one.

    What is left out are whole clips, counted as still, so that all other clips stay as they are. Single
    frames are clips, too, equal or not, but for those that a slow clock repeats for hours.
    """
    enough = 2 * (num_frames + AROUND_A_CUT)
    last, previous, repeats, held = None, None, 0, 0
    for frame, times in shown:
        if reading.stop.is_set():
            raise CancelledError
        content = frame.tobytes()
        if content != previous or num_frames == 1:
            yield from itertools.repeat(last, held)
            previous, repeats, held = content, 0, 0
        some = min(times, max(0, enough - repeats))
        yield from itertools.repeat(frame, some)
        last, repeats = frame, repeats + some
        clips, held = divmod(held + times - some, num_frames)
        reading.still += clips
    yield from itertools.repeat(last, held)


def _in_parallel(function, items):
    """`map` over threads (decoding lets other threads run), in order, with few results waiting.

    `function` also takes an Event, which is set where nobody waits for results any more (after Ctrl-C).
    """
    workers, stop, waiting = os.cpu_count() or 1, threading.Event(), deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            waiting.append(pool.submit(function, item, stop))
            if len(waiting) > 4 * workers:
                yield _result_of_first(waiting)
        while waiting:
            yield _result_of_first(waiting)
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        unfinished = wait([future for future in waiting if not future.cancelled()], PATIENCE).not_done
        pool.shutdown(wait=not unfinished)  # a decoder may be long within one frame


def _result_of_first(waiting):
    """What the first of several futures gives, which then waits no more: not before, should Ctrl-C come."""
    result = waiting[0].result()
    waiting.popleft()
    return result
