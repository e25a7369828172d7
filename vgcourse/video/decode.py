"""Load, under the surface: from a file to upright RGB frames at chosen times.

Axes: a frame is (height, width, 3), RGB, uint8 [0, 255]. Times are ticks of the file's own clock, exact
fractions: seconds in floats would put a frame on the wrong side of its own timestamp.
"""

import contextlib
import heapq
import itertools
import math
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

from vgcourse.video.containers import VideoError, check_file, checked_path, reason

REORDER_WINDOW = 8  # frames held back so that unordered timestamps come out sorted
LONGEST_GAP = 3600  # seconds that a frame can stay; a longer jump is a clock that was set anew
LARGE_FRAME = 320 * 240  # pixels; below this, starting threads costs more time than they save
COVER = 1024  # AV_DISPOSITION_ATTACHED_PIC of FFmpeg
NO_VIDEOS = {"concat": "a list of files", "tty": "text"}  # FFmpeg would open them, and draw the text
# Titles that are not UTF-8 must not keep a video from being read; PyAV 19 reads them unasked.
ANY_METADATA = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


def frames(path, *, fps=None, start=0.0, size=None):
    """Yields the frames of a video; `video.iter_frames` without its check of the arguments.

    Args:
        path: the video file.
        fps: frames per second to resample to, or None for the file's frames.
        start: seconds from the beginning.
        size: `(height, width)` to scale and crop to, or None.

    Yields:
        uint8 arrays, all of one shape `(height, width, 3)`.

    Raises:
        VideoError: the file cannot be read.
    """
    with open_video(path) as (container, stream):
        clock = stream.time_base
        frame_ticks, second = _whole(1 / (frame_rate(stream) * clock)), _whole(1 / clock)
        reformatter, origin, target, previous, array = VideoReformatter(), None, None, None, None
        if start > 1 and stream.start_time is not None:
            # Jump to a key frame well before `start` (decoding runs ahead of showing); the rest is dropped.
            origin = stream.start_time
            # Some formats cannot jump, and no file is that long: decode from the beginning.
            with contextlib.suppress(av.FFmpegError, OverflowError):
                container.seek(origin + int((start - 1) / clock), stream=stream)
        ordered = _in_order(_steady(decoded(container, stream, path), frame_ticks, second))
        # A clock finer than the frame rate still rounds: 1/30 s may be stored as 0.033.
        slack = Fraction(1, 2) if frame_ticks >= 2 else 0
        step = fps and 1 / (fraction(fps) * clock)
        for frame in _choose(ordered, origin, fraction(start) / clock, step, slack):
            if frame is previous:  # shown again: a copy keeps the yielded arrays independent
                yield array.copy()
                continue
            target = target or displayed_size(frame, stream)  # a picture that changes size keeps its first
            array, previous = _to_rgb(frame, target, size, reformatter), frame
            yield array
        if array is None and start == 0:
            raise VideoError(f"{path}: expected a video with frames, received one with 0 frames")


@contextlib.contextmanager
def open_video(path):
    """Opens a file and its picture stream: the largest one, but for the cover that sound files carry.

    Args:
        path: the video file.

    Yields:
        `(av.container.InputContainer, av.video.stream.VideoStream)`.

    Raises:
        VideoError: `path` is none, there is no such file, or it is cut short, or no video.
    """
    path = checked_path(path)
    check_file(path)
    try:
        # "file:" and the whitelist: a name with a colon is no protocol, and a playlist opens nothing else.
        container = av.open(f"file:{path}", container_options={"protocol_whitelist": "file"}, **ANY_METADATA)
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: expected a video, received something else ({reason(error)})") from None
    with container:
        if container.format.name in NO_VIDEOS:
            raise VideoError(f"{path}: expected a video, received {NO_VIDEOS[container.format.name]}")
        streams = [stream for stream in container.streams.video if stream.codec_context]
        streams = [stream for stream in streams if not _is_cover(stream)]
        if not streams:
            kind = "sound only" if container.streams.audio else "no picture stream"
            raise VideoError(f"{path}: expected a video, received a file with {kind}")
        try:
            yield container, max(streams, key=lambda s: s.codec_context.width * s.codec_context.height)
        except av.FFmpegError as error:
            raise VideoError(f"{path}: cannot be read ({reason(error)})") from None


def _is_cover(stream):
    """Whether the stream is the still picture that sound files carry; PyAV 14.0 does not tell."""
    flags = getattr(stream, "disposition", 0)
    return bool(getattr(flags, "value", flags) & COVER)


def decoded(container, stream, path):
    """Yields `av.VideoFrame`s of a `stream` of `container` in the decoder's order.

    Damage becomes a VideoError that names `path`.
    """
    if stream.codec_context.width * stream.codec_context.height < LARGE_FRAME:
        stream.codec_context.thread_count = 1
    else:
        stream.thread_type = "AUTO"
    count = 0
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise VideoError(f"{path}: damaged: could decode {count} frames, then: incomplete packet")
            for frame in packet.decode():
                count += 1
                yield frame
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: damaged: could decode {count} frames, then: {reason(error)}") from None


# ---- time, in ticks of the stream's clock ----------------------------------------------------------------


def listed_extent(stream):
    """Reads off how much `decoded` would give, where a file lists its frames: MP4, MOV, AVI.

    Args:
        stream: as `open_video` gave it.

    Returns:
        (number of frames, seconds or None where the file does not tell); None where there is no list.
    """
    if not (stream.frames and getattr(stream, "index_entries", None)):  # PyAV 14.0 has no list
        return None
    seconds = stream.duration and stream.duration * stream.time_base
    return sum(1 for _ in _shown(stream.index_entries)), seconds


def counted_extent(container, stream):
    """As `listed_extent` for any file: reads it to the end, but decodes nothing.

    Args:
        container, stream: as `open_video` gave them, nothing read yet.

    Returns:
        (number of frames, seconds or None where the file tells no times).
    """
    num_frames, first, last = 0, math.inf, -math.inf
    ticks = _whole(1 / (frame_rate(stream) * stream.time_base))
    for time, end, packet in _steady(_shown(container.demux(stream)), ticks, 1 / stream.time_base):
        num_frames, last = num_frames + 1, max(last, end)
        first = first if packet.pts is None else min(first, time)
    return num_frames, (last - first) * stream.time_base if first < math.inf else None


def _shown(packets):
    """Packets (or entries of the table) that are pictures, not skipped by an edit, from a key frame on."""
    started = itertools.dropwhile(lambda packet: not packet.is_keyframe, packets)
    return (packet for packet in started if packet.size and not packet.is_discard)


def _steady(frames, frame_ticks, second):
    """Yields (time, end, frame); where the clock jumps, as in joined recordings, it goes on a frame later."""
    time, shift, backwards, longest = None, 0, max(second, REORDER_WINDOW * frame_ticks), LONGEST_GAP * second
    for frame in frames:
        previous, time = time, None if frame.pts is None else frame.pts + shift
        if time is None or (previous is not None and not -backwards <= time - previous <= longest):
            due = 0 if previous is None else previous + frame_ticks
            shift, time = shift + due - (due if time is None else time), due
        yield time, time + min(getattr(frame, "duration", None) or frame_ticks, longest), frame


def _in_order(timed):
    """Sorts (time, end, frame) by time, as far as a small window can."""
    waiting = []
    for count, (time, end, frame) in enumerate(timed):
        heapq.heappush(waiting, (time, count, end, frame))
        if len(waiting) > REORDER_WINDOW:
            time, _, end, frame = heapq.heappop(waiting)
            yield time, end, frame
    while waiting:
        time, _, end, frame = heapq.heappop(waiting)
        yield time, end, frame


def _choose(ordered, origin, start, step, slack):
    """Yields what is on show `start + k * step` ticks after the origin; without step, all from `start`."""
    k, shown, end = 0, None, 0
    for time, frame_end, frame in ordered:
        origin = time if origin is None else origin
        if step is None:
            if time - origin >= math.floor(start + slack):
                yield frame
            continue
        while shown is not None and math.floor(start + k * step + slack) < time - origin:
            yield shown
            k += 1
        shown, end = frame, frame_end - origin
    # The end is rounded twice, where it begins and how long it lasts: what is left must be more than that.
    margin = 0 if step is None else min(2 * slack, step / 2)
    while shown is not None and start + k * step + margin < end:
        yield shown
        k += 1


# ---- picture ---------------------------------------------------------------------------------------------

# Newer PyAV scales with a thread per core unless told otherwise: that costs more than it saves.
ONE_THREAD = {"threads": 1} if "threads" in (VideoReformatter.reformat.__doc__ or "") else {}
# Older PyAV takes every video for BT.601 unless told what the frame says.
COLORSPACES = {space.value: space.name for space in Colorspace}


def _to_rgb(frame, displayed, size, reformatter):
    """uint8 (height, width, 3): scaled, converted and turned upright."""
    rotation, mirrored = orientation(frame)
    height, width = displayed
    if size is not None:  # cover the target; its centre is cropped below
        scale = max(size[0] / height, size[1] / width)
        height, width = max(size[0], round(height * scale)), max(size[1], round(width * scale))
    stored = (width, height) if rotation % 180 else (height, width)
    colorspace = COLORSPACES.get(frame.colorspace)
    # FFmpeg's "bilinear" widens its triangle when it shrinks, so it is antialiased as preprocess.resize is.
    rgb = reformatter.reformat(
        frame,
        width=stored[1],
        height=stored[0],
        format="rgb24",
        interpolation="BILINEAR",
        src_colorspace=colorspace,
        dst_colorspace=colorspace and "ITU601",  # RGB has none, but older PyAV wants two that differ
        **ONE_THREAD,
    )
    array = rgb.to_ndarray()
    if mirrored:
        array = array[:, ::-1]
    if rotation:
        array = np.rot90(array, k=-rotation // 90)
    if size is not None and array.shape[:2] != size:
        top, left = (height - size[0]) // 2, (width - size[1]) // 2
        array = array[top : top + size[0], left : left + size[1]]
    return np.ascontiguousarray(array)


def orientation(frame):
    """How a `frame` is to be shown.

    Returns:
        (degrees clockwise to turn the stored picture, whether to mirror it left to right before that).
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0, False
    # A stored point (x, y), y downwards, is displayed at (a x + c y, b x + d y).
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].astype(float)
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360, mirrored


def displayed_size(frame, stream):
    """Returns (height, width) of a `frame` of `stream` after rotation, with square pixels."""
    width = max(1, round(frame.width * (stream.sample_aspect_ratio or 1)))
    return (width, frame.height) if orientation(frame)[0] % 180 else (frame.height, width)


def frame_rate(stream):
    """Returns the average frames per second of `stream` as a Fraction; 25 if the file does not say."""
    # The average counts empty places too, where the file has some; the guess is never too low.
    return min(filter(None, (stream.average_rate, stream.guessed_rate)), default=Fraction(25))


def codec_name(stream):
    """Returns FFmpeg's name of the format that `stream` is coded in, not of the program that decodes it."""
    codec = stream.codec_context.codec
    return getattr(codec, "canonical_name", codec.name)  # older PyAV knows the decoder's name alone


# ---- numbers and words -----------------------------------------------------------------------------------


def _whole(number):
    """The int that a Fraction is, if it is one: much faster to count with."""
    return number.numerator if number.denominator == 1 else number


def fraction(number):
    """Returns the simple Fraction that `number` means: 29.97002997 is 30000/1001, 0.3 is 3/10."""
    return Fraction(float(number)).limit_denominator(1_000_000)
