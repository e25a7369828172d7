"""Load, from a file to frames: what a video is, one clip of it, or all its frames one by one."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from vgcourse.video import decode
from vgcourse.video.containers import VideoError


@dataclass(frozen=True)
class VideoInfo:
    """What `probe` tells about a video file.

    Attributes:
        width, height: picture size in pixels as displayed (after rotation, with square pixels).
        fps: average frames per second.
        num_frames: number of frames stored in the file.
        duration: seconds.
        rotation: 0, 90, 180 or 270 degrees clockwise; reading applies it.
        codec: FFmpeg's name of the video codec, for example "h264".
        has_audio: whether there is sound beside the picture.
    """

    width: int
    height: int
    fps: float
    num_frames: int
    duration: float
    rotation: int
    codec: str
    has_audio: bool


def probe(path):
    """Describes a video file; decodes its first frame only.

    Args:
        path: the video file.

    Returns:
        A `VideoInfo`.

    Raises:
        VideoError: the file is missing, is not a video, is cut short or has no frames.
    """
    with decode.open_video(path) as (container, stream):
        extent = decode.listed_extent(stream)
        first = next(decode.decoded(container, stream, path), None)
        if first is None:
            raise VideoError(f"{path}: expected a video with frames, received one with 0 frames")
        height, width = decode.displayed_size(first, stream)
        fps, has_audio = decode.frame_rate(stream), bool(container.streams.audio)
        codec, rotation = decode.codec_name(stream), decode.orientation(first)[0]
    if extent is None:
        with decode.open_video(path) as (container, stream):  # from the beginning
            extent = decode.counted_extent(container, stream)
    num_frames, seconds = max(1, extent[0]), extent[1]  # a damaged picture may be decoded, but not counted
    return VideoInfo(
        width, height, float(fps), num_frames, float(seconds or num_frames / fps), rotation, codec, has_audio
    )


def read_clip(path, *, num_frames=None, fps=None, start=0.0, size=None):
    """Reads a clip: decodes, turns upright, resamples in time and scales.

    Args:
        path: the video file.
        num_frames: number of frames to return; None reads to the end.
        fps: frames per second of the clip. Frame k is what a player shows `start + k / fps` seconds into the
            video: the newest frame whose timestamp is not later. This evens out variable frame rates, and
            drops or repeats frames as needed. None keeps the file's frames from `start` on, in the order of
            their timestamps.
        start: seconds from the beginning of the video.
        size: None keeps the size; `(height, width)` scales (antialiased) to cover this size and crops the
            centre; an int is a square. It equals `preprocess.resize` and `center_crop` up to the blur of
            colours that the file stores at half size.

    Returns:
        uint8 array, shape `(num_frames, height, width, 3)`, RGB, range [0, 255].

    Raises:
        VideoError: the file cannot be read, or has fewer frames than asked.
        ValueError: an argument is out of its range.
    """
    if num_frames is not None and not (_is_integer(num_frames) and num_frames >= 1):
        raise ValueError(f"num_frames: expected a whole number over 0 or None, received {num_frames!r}")
    frames = []
    for frame in iter_frames(path, fps=fps, start=start, size=size):
        frames.append(frame)
        if len(frames) == num_frames:
            break
    if len(frames) < (num_frames or 1):
        rate = "" if fps is None else f" at {fps} fps"
        raise VideoError(
            f"{path}: expected {num_frames or 'some'} frames from {start} s on{rate}, received "
            f"{len(frames)}; ask for fewer frames, start earlier or leave this file out"
        )
    return np.stack(frames)


def iter_frames(path, *, fps=None, start=0.0, size=None):
    """Yields the frames of a video one by one, in constant memory however long the file is.

    Args:
        path, fps, start, size: as in `read_clip`.

    Yields:
        uint8 arrays, shape `(height, width, 3)`, RGB, range [0, 255].

    Raises:
        VideoError: the file cannot be read, or (after the last good frame) is damaged.
        ValueError: an argument is out of its range.
    """
    if fps is not None:
        check_fps(fps, "fps")
    if not (is_number(start) and start >= 0):
        raise ValueError(f"start: expected seconds, 0 or more, received {start!r}")
    return decode.frames(path, fps=fps, start=start, size=_checked_size(size))


# ---- arguments -------------------------------------------------------------------------------------------


def _checked_size(size):
    """(height, width) or None out of an int, a pair or None."""
    if size is None:
        return None
    pair = (size, size) if _is_integer(size) else size
    is_pair = isinstance(pair, (tuple, list)) and len(pair) == 2
    if not (is_pair and all(_is_integer(number) and number > 0 for number in pair)):
        raise ValueError(f"size: expected a whole number or (height, width), over 0, received {size!r}")
    return int(pair[0]), int(pair[1])


def check_fps(fps, name):
    if not (is_number(fps) and fps >= 1e-6):  # less is nothing, to `decode.fraction`
        raise ValueError(f"{name}: expected frames a second, 0.000001 or more, received {fps!r}")


def _is_integer(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_number(value):
    is_real = isinstance(value, (int, float, Fraction, np.integer, np.floating))
    return is_real and not isinstance(value, bool) and math.isfinite(value)
