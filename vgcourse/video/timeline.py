"""Load, between decoding and reading: when each frame is shown, and which frames a reader asked for.

Times are ticks of the file's own clock, exact fractions: seconds in floats would put a frame on the wrong
side of its own timestamp.
"""

import heapq
import itertools
import math
from collections import deque
from fractions import Fraction

import av
from av.video.reformatter import VideoReformatter

from vgcourse.video import decode
from vgcourse.video.containers import VideoError

REORDER_WINDOW = 16  # frames that a decoder can hold back (H.264, HEVC), so that far times can be misplaced
LONGEST_GAP = 3600  # seconds that a frame can stay; a longer jump is a clock that was set anew
# Codecs that say of each key frame that it is one.
KEYED_CODECS = {"h264", "hevc", "av1", "libdav1d", "vp9", "libvpx-vp9", "mjpeg", "prores"}
PROGRESSIVE = 1  # AV_FIELD_PROGRESSIVE of FFmpeg


class _CannotSkip(Exception):
    """Decoding from a key frame in the middle did not begin as it must."""


def shown_frames(path, *, fps=None, start=0.0, size=None, keep_damaged=False):
    """Yields the frames of a video; `video.iter_shown` without its check of the arguments.

    Args:
        path: the video file.
        fps: frames per second to resample to, or None for the file's frames.
        start: seconds from the beginning.
        size: `(height, width)` to scale and crop to, or None.
        keep_damaged: keep frames that are damaged.

    Yields:
        (uint8 array, how often it is shown), the arrays all of one shape `(height, width, 3)`.

    Raises:
        VideoError: the file cannot be read.
    """
    options, begun = {"size": size, "keep_damaged": keep_damaged}, False
    entry = _entry(path, start) if start > 1 and not keep_damaged else None
    if entry is not None:
        try:
            for pair in _shown(path, fps, start, entry=entry, **options):
                begun = True
                yield pair
            return
        except (_CannotSkip, VideoError):
            if begun:
                raise
    yield from _shown(path, fps, start, **options)


def _shown(path, fps, start, *, size, keep_damaged, entry=None):
    skip, key_time, origin = entry or (0, None, None)
    with decode.open_video(path, keep_damaged=keep_damaged) as (container, stream):
        clock, target = stream.time_base, None
        pictures = decode.decoded(container, stream, path, skip=skip, keep_damaged=keep_damaged)
        begin = fraction(start) / clock
        if entry is not None:
            pictures = _begins_well(pictures, key_time, origin + begin)
        if fps is not None or start > 0:
            # A clock finer than the frame rate still rounds: 1/30 s may be stored as 0.033.
            slack = Fraction(1, 2) if _frame_ticks(stream) >= 2 else 0
            step = fps and 1 / (fraction(fps) * clock)
            pictures = _choose(_timed(pictures, stream), origin, begin, step, slack)
        else:
            pictures = ((frame, 1) for frame in pictures)
        reformatter = VideoReformatter()
        for frame, times in pictures:
            # The first one's, if they change.
            target = target or decode.displayed_size(frame, stream, path, size)
            yield decode.to_rgb(frame, target, size, reformatter), times
        if target is None and start == 0:
            raise VideoError(f"{path}: expected a video with frames, received 0 frames; it may be cut short")


# ---- when a frame is shown -------------------------------------------------------------------------------


def _timed(frames, stream):
    """Yields (time, end, frame) in the decoder's order.

    Where presentation times come out of the decoder in another order, they are guessed ones (AVI, ASF and
    what was remuxed from them): the frames keep their order, and the times are sorted.
    """
    window = REORDER_WINDOW if getattr(stream.codec_context, "has_b_frames", True) else 0
    times, waiting, latest = [], deque(), -math.inf

    def first():
        nonlocal latest
        time, (length, frame) = heapq.heappop(times), waiting.popleft()
        is_guess = window and not waiting and time == latest  # for the last one FFmpeg has nothing to go by
        latest = latest + _frame_ticks(stream) if is_guess else max(time, latest)
        return latest, latest + length, frame

    for time, length, frame in _steady(frames, stream):
        heapq.heappush(times, time)
        waiting.append((length, frame))
        if len(waiting) > window:
            yield first()
    while waiting:
        yield first()


def _steady(frames, stream):
    """Yields (time, length, frame) in ticks; the file's own times, as far as they can be believed.

    Frames without a time are a frame apart, and so are all frames of an MPEG program stream: it dates one in
    several, and what FFmpeg guesses of the others goes back and forth. Where the clock jumps, as in joined
    recordings, or begins only after frames without a time, it goes on a frame after the last one.
    """
    ticks, (backwards, forwards) = _frame_ticks(stream), _usual_steps(stream)
    previous, shift, is_dated = None, None, stream.container.format.name != "mpeg"
    for frame in frames:
        due = 0 if previous is None else previous + ticks
        time, length = due, ticks
        if frame.pts is not None and is_dated:
            begins_late = shift is None and previous is not None
            time = due if begins_late else frame.pts + (shift or 0)
            if previous is not None and not -backwards <= time - previous <= forwards:
                time = due
            shift = time - frame.pts
            length = _length(frame, ticks, previous, time)
        yield time, min(length, forwards), frame
        previous = time


def _length(frame, ticks, previous, time):
    """How long a frame (or packet) is shown, if none follows it."""
    length = getattr(frame, "duration", None) or ticks
    # Of a frame in two fields, each a packet of its own (AVCHD), the length is that of one field.
    in_fields = getattr(frame, "interlaced_frame", False) and time - (previous or 0) >= 2 * length
    return 2 * length if in_fields else length


def _usual_steps(stream):
    """How far from one frame to the next a clock can go (backwards, forwards) without being set anew."""
    second = _whole(1 / stream.time_base)
    return max(second, REORDER_WINDOW * _frame_ticks(stream)), LONGEST_GAP * second


def _frame_ticks(stream):
    return _whole(1 / (decode.frame_rate(stream) * stream.time_base))


def _choose(timed, origin, start, step, slack):
    """Yields (frame, how often): what is on show `start + k * step` ticks after the origin, k from 0 on.

    Without step, all frames from `start` on, once each. How often is computed, not counted: a slow clock
    keeps a frame on show for an hour.
    """
    k, shown, end = 0, None, 0
    first = math.floor(start + slack) if slack else math.ceil(start)
    for time, frame_end, frame in timed:
        origin = time if origin is None else origin
        if step is None:
            if time - origin >= first:
                yield frame, 1
            continue
        # The first k that is not over before this frame: floor(start + k * step + slack) >= time - origin.
        due = math.ceil((math.ceil(time - origin) - start - slack) / step)
        if shown is not None and due > k:
            yield shown, due - k
            k = due
        shown, end = frame, frame_end - origin
    # The end is rounded twice, where it begins and how long it lasts: what is left must be more than that.
    margin = 0 if step is None else min(2 * slack, step / 2)
    if shown is not None and start + k * step + margin < end:
        yield shown, math.ceil((end - start - margin) / step) - k


# ---- a start in the middle -------------------------------------------------------------------------------


def _entry(path, start):
    """Where decoding can begin, so that `start` seconds is shown as if all had been decoded.

    A jump of FFmpeg lands where a format's index points, which is not always a key frame, and tells not
    whether the clock was set anew on the way. So all packets are read, which is fast, and few are decoded.

    Returns:
        (number of packets to skip, time of the key frame behind them, time of the file's first frame), or
        None where decoding must begin with the first packet.
    """
    with decode.open_video(path) as (container, stream):
        codec, second = stream.codec_context.name, 1 / stream.time_base
        if container.format.name not in decode.DATED_FORMATS or codec not in KEYED_CODECS:
            return None
        (backwards, forwards), entry = _usual_steps(stream), None
        try:
            packets = container.demux(stream)
            origin, latest, begun = _first_frame(packets)
            for number, packet in enumerate(packets, begun):
                time = packet.pts
                if not packet.size:  # the end
                    return entry
                if time is None or packet.is_corrupt or not -backwards <= time - latest <= forwards:
                    return None
                if time < origin and not packet.is_discard:  # guessed, or of a frame that cannot be shown
                    return None
                if packet.is_keyframe and latest < time <= origin + (start - 1) * second:
                    entry = number, time, origin
                latest = max(latest, time)
                if latest > origin + (start + 1) * second:
                    return entry
        except (av.FFmpegError, OSError, TypeError, EOFError):  # damaged, without times, without frames
            return None


def _first_frame(packets):
    """(time of the first frame that is shown, newest time of the packets read for it, number of those)."""
    times = []
    for packet in packets:
        times.append(packet.pts)
        for frame in packet.decode():
            return frame.pts, max(times), len(times)
    raise EOFError


def _begins_well(frames, key_time, until):
    """Yields `frames`; raises _CannotSkip unless, up to a time, they follow a key frame in order."""
    previous = None
    for frame in frames:
        if previous is None and not (frame.key_frame and frame.pts == key_time):
            raise _CannotSkip
        if previous is not None and (frame.pts is None or frame.pts <= previous):
            raise _CannotSkip
        yield frame
        previous = frame.pts
        if previous > until:
            break
    if previous is None:
        raise _CannotSkip
    yield from frames


# ---- how many frames there are ---------------------------------------------------------------------------


def extent(path, *, keep_damaged=False):
    """Counts the frames of a video, without decoding them where each packet is one for sure.

    Args:
        path: the video file.
        keep_damaged: count damaged frames, too.

    Returns:
        (number of frames that `shown` yields without `fps`, seconds that they are shown).

    Raises:
        VideoError: the file cannot be read.
    """
    with decode.open_video(path, keep_damaged=keep_damaged) as (container, stream):
        is_listed = _packets_are_frames(container, stream)
        if is_listed and stream.frames and stream.duration and getattr(stream, "index_entries", None):
            return sum(1 for _ in _pictures(stream.index_entries)), stream.duration * stream.time_base
    with decode.open_video(path, keep_damaged=keep_damaged) as (container, stream):  # from the beginning
        if is_listed:
            pictures = _pictures(container.demux(stream))
        else:
            pictures = decode.decoded(container, stream, path, keep_damaged=keep_damaged)
        num_frames, first, last, end = 0, math.inf, -math.inf, 0
        for time, frame_end, _ in _timed(pictures, stream):
            num_frames, first = num_frames + 1, min(first, time)
            if time >= last:  # the end of the frame shown last, which packets are not in order of
                last, end = time, frame_end
        return num_frames, (end - first) * stream.time_base if num_frames else 0


def _packets_are_frames(container, stream):
    """Whether each packet is a frame that is shown: none is a field, hidden, empty or without its key frame.

    Fields are two packets in what was copied from AVCHD; VP8 has hidden frames, MPEG-4 empty ones.
    """
    codec = stream.codec_context
    if container.format.name not in decode.DATED_FORMATS or codec.name not in KEYED_CODECS:
        return False
    if codec.name == "h264" and getattr(codec, "field_order", None) != PROGRESSIVE:
        return False
    first, *others = itertools.islice(container.demux(stream), 2 * REORDER_WINDOW)
    times = [packet.pts for packet in others if packet.size and not packet.is_discard]
    return first.is_keyframe and all(time is not None and time > first.pts for time in times)


def _pictures(packets):
    """Packets (or entries of the table) that are pictures and not skipped by an edit."""
    return (packet for packet in packets if packet.size and not packet.is_discard)


# ---- numbers ---------------------------------------------------------------------------------------------


def _whole(number):
    """The int that a Fraction is, if it is one: much faster to count with."""
    return number.numerator if number.denominator == 1 else number


def fraction(number):
    """Returns the simple Fraction that `number` means: 29.97002997 is 30000/1001, 0.3 is 3/10."""
    return Fraction(float(number)).limit_denominator(1_000_000)
