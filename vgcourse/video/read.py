"""Load, from a file to frames: what a video is, one clip of it, or all its frames one by one."""

import itertools
from dataclasses import dataclass

import numpy as np

from vgcourse import arguments
from vgcourse.video import decode, timeline
from vgcourse.video.containers import VideoError

LEAST_FPS = 1e-6  # less is nothing, to `timeline.fraction`
MOST_FPS = 1000  # of cameras for slow motion; what is faster repeats frames without end


@dataclass(frozen=True)
class VideoInfo:
    """What `probe` tells about a video file.

    Attributes:
        width, height: picture size in pixels as displayed (after rotation, with square pixels).
        fps: average frames per second.
        num_frames: number of frames that `iter_frames` yields.
        duration: seconds that they are shown.
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


def probe(path, *, keep_damaged=False):
    """Describes a video file.

    MP4, MOV, MKV and WebM with the usual codecs list their frames: there, one frame is decoded. Other files
    are decoded to the end to be counted.

    Args:
        path: the video file.
        keep_damaged: describe a damaged file, too, with the frames that can be shown.

    Returns:
        A `VideoInfo`.

    Raises:
        VideoError: the file is missing, is not a video, is cut short, damaged, too large or has no frames.
    """
    with decode.open_video(path, keep_damaged=keep_damaged) as (container, stream):
        first = next(decode.decoded(container, stream, path, keep_damaged=keep_damaged), None)
        if first is None:
            raise VideoError(f"{path}: expected a video with frames, received 0 frames; it may be cut short")
        height, width = decode.displayed_size(first, stream, path)
        fps, has_audio = decode.frame_rate(stream), bool(container.streams.audio)
        codec, rotation = decode.codec_name(stream), decode.orientation(first)[0]
    num_frames, seconds = timeline.extent(path, keep_damaged=keep_damaged)
    if first.interlaced_frame and fps * seconds > 1.5 * num_frames:
        fps /= 2  # the file's rate is that of its fields
    return VideoInfo(
        width, height, float(fps), num_frames, float(seconds or num_frames / fps), rotation, codec, has_audio
    )


def read_clip(path, *, num_frames=None, fps=None, start=0.0, size=None, keep_damaged=False):
    """Reads a clip: decodes, turns upright, resamples in time and scales.

    Args:
        path: the video file.
        num_frames: number of frames to return; None reads to the end.
        fps: frames per second of the clip. Frame k is what a player shows `start + k / fps` seconds into the
            video: the newest frame whose timestamp is not later. This evens out variable frame rates, and
            drops or repeats frames as needed. None keeps the file's frames from `start` on, in the order in
            which the decoder shows them. From 0.000001 to 1000.
        start: seconds from the beginning of the video. The frames are those of a read from 0 there.
        size: None keeps the size; `(height, width)` scales (antialiased) to cover this size and crops the
            centre; an int is a square. It equals `preprocess.resize` and `center_crop` up to the blur of
            colours that the file stores at half size.
        keep_damaged: True yields what the decoder makes of damaged frames and of files that are cut short.
            Damage is what the decoders notice: in H.264, VP9 and MPEG-4 nearly all, in AV1 half, in HEVC the
            frames that are lost but few of those with faults, in VP8 little.

    Returns:
        uint8 array, shape `(num_frames, height, width, 3)`, RGB, range [0, 255].

    Raises:
        VideoError: the file cannot be read, is damaged or encrypted, its frames are larger than 8192 x 8192
            pixels, it has fewer of them than asked, or they take more memory than there is.
        ValueError: an argument is out of its range.
    """
    if num_frames is not None:
        arguments.whole_number("num_frames", num_frames, 1)
    try:
        frames = iter_frames(path, fps=fps, start=start, size=size, keep_damaged=keep_damaged)
        frames = list(itertools.islice(frames, num_frames))
        clip = np.stack(frames) if frames else None
    except MemoryError:
        raise VideoError(
            f"{path}: takes more memory than there is; ask for fewer or smaller frames"
        ) from None
    if len(frames) < (num_frames or 1):
        rate = "" if fps is None else f" at {fps} fps"
        raise VideoError(
            f"{path}: expected {num_frames or 'some'} frames from {start} s on{rate}, received "
            f"{len(frames)}; ask for fewer frames, start earlier or leave this file out"
        )
    return clip


def iter_frames(path, *, fps=None, start=0.0, size=None, keep_damaged=False):
    """Yields the frames of a video one by one, in constant memory however long it is.

    Args:
        path, fps, start, size, keep_damaged: as in `read_clip`.

    Yields:
        uint8 arrays, shape `(height, width, 3)`, RGB, range [0, 255].

    Raises:
        VideoError: the file cannot be read, or (after the last good frame) is damaged.
        ValueError: an argument is out of its range.
    """
    return _repeated(iter_shown(path, fps=fps, start=start, size=size, keep_damaged=keep_damaged))


def _repeated(shown):
    for array, times in shown:
        for _ in range(times - 1):
            yield array.copy()  # the arrays are independent, whatever is done to them
        yield array


def iter_shown(path, *, fps=None, start=0.0, size=None, keep_damaged=False):
    """Yields the frames of a video, each with how often it is shown: a slow clock repeats some for hours.

    Args:
        path, fps, start, size, keep_damaged: as in `read_clip`.

    Yields:
        `(frame, times)`: uint8 `(height, width, 3)`, RGB, range [0, 255], which `iter_frames` yields `times`
        times in a row; once each without `fps`.

    Raises:
        VideoError, ValueError: as `iter_frames`.
    """
    if fps is not None:
        check_rate(fps, "fps")
    arguments.real_number("start", start, 0, meaning="seconds")
    return timeline.shown_frames(
        path, fps=fps, start=start, size=_checked_size(size), keep_damaged=keep_damaged
    )


# ---- arguments -------------------------------------------------------------------------------------------


def _checked_size(size):
    """(height, width) or None out of an int, a pair or None."""
    if size is None:
        return None
    pair = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) != 2:
        raise ValueError(f"size: expected a whole number or (height, width), received {size!r}")
    height, width = (arguments.whole_number("size", number, 1) for number in pair)
    if height * width > decode.MOST_PIXELS:
        raise ValueError(f"size: expected at most {decode.MOST_PIXELS} pixels, received {size!r}")
    return height, width


def check_rate(fps, name):
    """Raises ValueError unless `fps` is a rate that `timeline` counts with.

    Args:
        fps: frames a second.
        name: what the message calls it.
    """
    arguments.real_number(name, fps, LEAST_FPS, MOST_FPS, meaning="frames a second")
