"""Load, under the surface: from a file to the frames that its decoder gives, and from those to upright RGB.

Axes: a frame is (height, width, 3), RGB, uint8 [0, 255]. The order of frames is the decoder's, always: it
puts B-frames where they are shown by what the stream itself says. A container's times do not: those of AVI
and ASF are of decoding, not of showing, and FFmpeg can only guess the others, for all that is remuxed, too.
"""

import contextlib
import itertools
import math
from fractions import Fraction

import av
import numpy as np
from av.sidedata import sidedata
from av.video.reformatter import Colorspace, VideoReformatter

from vgcourse.video.containers import VideoError, check_file, checked_path, is_scrambled, reason

MOST_PIXELS = 8192 * 8192  # of a frame: 200 MB as RGB; a GIF of 600 bytes can ask for more
FASTEST = 1000  # frames a second that a camera takes; what is above is a clock's ticks
LARGE_FRAME = 320 * 240  # pixels; below this, starting threads costs more time than they save
DATED_FORMATS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv"}  # say of each frame when it is shown
COVER = 1024  # AV_DISPOSITION_ATTACHED_PIC of FFmpeg
NO_VIDEOS = {"concat": "a list of files", "tty": "text"}  # FFmpeg would open them, and draw the text
# Titles that are not UTF-8 must not keep a video from being read; PyAV 19 reads them unasked.
ANY_METADATA = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


@contextlib.contextmanager
def open_video(path, *, keep_damaged=False):
    """Opens a file and its picture stream: the largest one, but for the cover that sound files carry.

    Args:
        path: the video file.
        keep_damaged: open a file that is cut short, too.

    Yields:
        `(av.container.InputContainer, av.video.stream.VideoStream)`.

    Raises:
        VideoError: `path` is none, there is no such file, it is cut short, no video, or its frames are too
            large; memory ran out in between.
    """
    path = checked_path(path)
    whole = check_file(path)
    try:
        # "file:" and the whitelist: a name with a colon is no protocol, and a playlist opens nothing else.
        container = av.open(f"file:{path}", container_options={"protocol_whitelist": "file"}, **ANY_METADATA)
    except MemoryError:
        raise _too_large(path) from None
    except (av.FFmpegError, OSError) as error:
        if whole:
            raise VideoError(f"{path}: cut short, expected {whole} bytes; copy it again") from None
        raise VideoError(
            f"{path}: expected a video, received something else, or one that is cut short ({reason(error)})"
        ) from None
    with container:
        stream = _picture_stream(container, path)
        if not keep_damaged:
            _check_end(container, stream, path, whole)
        try:
            yield container, stream
        except MemoryError:
            raise _too_large(path) from None
        except av.FFmpegError as error:
            raise VideoError(f"{path}: cannot be read ({reason(error)})") from None


def _too_large(path):
    return VideoError(f"{path}: takes more memory than there is; scale it down, or leave it out")


def _picture_stream(container, path):
    if container.format.name in NO_VIDEOS:
        raise VideoError(f"{path}: expected a video, received {NO_VIDEOS[container.format.name]}")
    streams = [stream for stream in container.streams.video if stream.codec_context]
    streams = [stream for stream in streams if not _is_cover(stream)]
    if not streams:
        kind = "sound only" if container.streams.audio else "no picture stream"
        raise VideoError(f"{path}: expected a video, received a file with {kind}")
    largest = max(streams, key=lambda s: s.codec_context.width * s.codec_context.height)
    _check_size(path, largest.codec_context.height, largest.codec_context.width)
    return largest


def _check_end(container, stream, path, whole):
    """Raises VideoError if the file is cut short, with about how many frames are there.

    Of half a file FFmpeg would give the frames that are there. MP4 and MOV list where each of them lies; of
    other formats it is known how many bytes make the `whole` file, or 0 is given.
    """
    entries = getattr(stream, "index_entries", None)  # PyAV 14.0 has none
    if whole:
        expected, there = f"{whole} bytes", _num_packets(container, stream)
    elif entries and container.format.name.startswith("mov"):
        ends = [entry.pos + entry.size for entry in entries]
        expected, there = f"{ends[-1]} bytes or more", sum(end <= container.size for end in ends)
        whole = ends[-1]
    if container.size < whole:
        raise VideoError(
            f"{path}: cut short, expected {expected}, received {container.size}; copy it again "
            f"(about {there} frames are there)"
        )


def _num_packets(container, stream):
    count = 0
    with contextlib.suppress(av.FFmpegError, OSError):
        for packet in container.demux(stream):
            count += packet.size > 0
    return count


def _is_cover(stream):
    """Whether the stream is the still picture that sound files carry; PyAV 14.0 does not tell."""
    flags = getattr(stream, "disposition", 0)
    return bool(getattr(flags, "value", flags) & COVER)


def _check_size(path, height, width):
    if height * width > MOST_PIXELS:
        raise VideoError(
            f"{path}: expected frames of at most {MOST_PIXELS} pixels (8192 x 8192), received {width} x "
            f"{height}; scale it down first"
        )


def decoded(container, stream, path, *, skip=0, keep_damaged=False):
    """Yields the `av.VideoFrame`s of a `stream` of `container`, in the order in which they are shown.

    FFmpeg leaves out by itself what cannot be shown at the beginning: frames before the first key frame, and
    those after it that lean on an earlier one.

    Args:
        container, stream, path: as `open_video` gave them and received it.
        skip: number of packets at the beginning that are not decoded.
        keep_damaged: yield what the decoder makes of damaged frames, too, instead of raising.

    Raises:
        VideoError: the file is damaged or encrypted; names `path`.
    """
    if stream.codec_context.width * stream.codec_context.height < LARGE_FRAME:
        stream.codec_context.thread_count = 1
    else:
        stream.thread_type = "AUTO"
    count, notices_damage = 0, (lambda _: False) if keep_damaged else _second_opinion(stream)
    census = _Census(stream)
    try:
        for packet in itertools.islice(container.demux(stream), skip, None):
            if _is_encrypted(packet):
                raise VideoError(f"{path}: encrypted: expected a video that can be played without a key")
            if packet.is_corrupt and not keep_damaged:
                raise _damaged(path, count, "incomplete packet")
            if notices_damage(packet):
                raise _damaged(path, count, "a frame that libvpx refuses")
            census.send(packet)
            for frame in _frames_of(packet, keep_damaged):
                if frame.is_corrupt and not keep_damaged:
                    raise _damaged(path, count, "a frame with faults")
                count += 1
                census.receive(frame)
                yield frame
        if census.lost and not keep_damaged:
            raise _damaged(path, count, f"the end, without {census.lost} others")
        if not keep_damaged and container.format.name == "mpegts" and is_scrambled(path, stream.id):
            raise VideoError(f"{path}: encrypted: could decode {count} frames; the rest needs a key")
    except MemoryError:
        raise
    except (av.FFmpegError, OSError) as error:
        if not keep_damaged:
            raise _damaged(path, count, reason(error)) from None


class _Census:
    """Counts the frames of HEVC that its decoder is sent and loses; it says nothing of those with faults.

    Only of those shown after the first: what leans on frames before that cannot be shown. And only in formats
    that say of each packet, which is one frame, when it is shown.
    """

    def __init__(self, stream):
        self._counts = stream.codec_context.name == "hevc" and stream.container.format.name in DATED_FORMATS
        self._early, self._first, self.lost = [], None, 0

    def send(self, packet):
        if not (self._counts and packet.size) or packet.is_discard or packet.pts is None:
            return
        if self._first is None:
            self._early.append(packet.pts)
        else:
            self.lost += packet.pts > self._first

    def receive(self, frame):
        if not self._counts or frame.pts is None:
            self._counts, self.lost = False, 0
        elif self._first is None:
            self._first, self.lost = frame.pts, sum(pts > frame.pts for pts in self._early)
            self._early.clear()
        else:
            self.lost -= frame.pts > self._first


def _second_opinion(stream):
    """Returns a function that tells of the packets of a `stream`, one after the other, which are damaged.

    FFmpeg's own decoder of VP9 shows garbage for what is no picture at all; libvpx, by the format's authors,
    notices nearly all of it. Until it has decoded something it may be that it cannot: some builds know
    8 bits only, and a stream may begin in the middle.
    """
    if stream.codec_context.name != "vp9" or "libvpx-vp9" not in av.codecs_available:
        return lambda packet: False
    decoder, has_begun = av.CodecContext.create("libvpx-vp9", "r"), False
    decoder.thread_count = 1

    def notices_damage(packet):
        nonlocal has_begun
        try:
            has_begun = bool(packet.size and decoder.decode(packet)) or has_begun
            return False
        except av.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            return has_begun

    return notices_damage


def _frames_of(packet, keep_damaged):
    try:
        return packet.decode()
    except av.FFmpegError as error:
        if keep_damaged and not isinstance(error, MemoryError):
            return []
        raise


def _damaged(path, count, what):
    return VideoError(f"{path}: damaged or encrypted: could decode {count} frames, then: {what}")


def _is_encrypted(packet):
    """Common Encryption (ISO/IEC 23001-7) in MP4 and WebM; older PyAV does not tell, but cannot decode it."""
    return hasattr(packet, "has_sidedata") and packet.has_sidedata("encryption_info")


# ---- picture ---------------------------------------------------------------------------------------------

# Newer PyAV scales with a thread per core unless told otherwise: that costs more than it saves.
ONE_THREAD = {"threads": 1} if "threads" in (VideoReformatter.reformat.__doc__ or "") else {}
# Older PyAV takes every video for BT.601 unless told what the frame says.
COLORSPACES = {space.value: space.name for space in Colorspace}


def _unknown_side_data(cls, value):
    """A name for what newer FFmpeg hangs on a frame (EXIF of a camera's JPEGs, views of spatial video).

    Without, PyAV raises ValueError as soon as it looks for anything else there, such as the rotation.
    """
    member = object.__new__(cls)
    member._name_, member._value_ = f"UNKNOWN_{value}", value
    return member


sidedata.Type._missing_ = classmethod(_unknown_side_data)


def to_rgb(frame, displayed, size, reformatter):
    """Converts a decoded frame.

    Args:
        frame: an `av.VideoFrame`.
        displayed: `(height, width)` of the whole frame when upright, as `displayed_size` gives it.
        size: `(height, width)` to scale and crop to, or None.
        reformatter: an `av.video.reformatter.VideoReformatter`, to be used again for the next frame.

    Returns:
        uint8 array `(height, width, 3)`: scaled, converted and turned upright.
    """
    rotation, mirrored = orientation(frame)
    height, width = displayed
    if size is not None:  # its centre is cropped below
        height, width = _covering(displayed, size)
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


def _covering(displayed, size):
    """(height, width) of a picture scaled so that it just covers `size`."""
    scale = max(size[0] / displayed[0], size[1] / displayed[1])
    return max(size[0], round(displayed[0] * scale)), max(size[1], round(displayed[1] * scale))


def orientation(frame):
    """How a `frame` is to be shown.

    Returns:
        (degrees clockwise to turn the stored picture, whether to mirror it left to right before that).
    """
    degrees, mirrored = _turn(frame)
    return round(degrees / 90) * 90 % 360, mirrored


def _turn(frame):
    """As `orientation`, but the degrees as the file says them."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0.0, False
    # A stored point (x, y), y downwards, is displayed at (a x + c y, b x + d y).
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].astype(float)
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return math.degrees(math.atan2(b, a)), mirrored


def displayed_size(frame, stream, path, size=None):
    """Returns (height, width) of a `frame` of `stream` after rotation, with square pixels.

    Raises:
        VideoError: that is too large, or becomes so when it is scaled to cover `size`; or the frame is to be
            shown askew; names `path`.
    """
    width = max(1, round(frame.width * (stream.sample_aspect_ratio or 1)))
    _check_size(path, frame.height, width)
    degrees, (rotation, _) = _turn(frame)[0], orientation(frame)
    if abs(degrees - 90 * round(degrees / 90)) >= 1:
        raise VideoError(f"{path}: expected a turn by a multiple of 90 degrees, received {degrees:.0f}")
    displayed = (width, frame.height) if rotation % 180 else (frame.height, width)
    if size is not None:
        _check_size(path, *_covering(displayed, size))
    return displayed


def frame_rate(stream):
    """Returns the average frames per second of `stream` as a Fraction; 25 if the file does not say."""
    average, guess = stream.average_rate, stream.guessed_rate
    if average and guess and (stream.container.format.name == "avi" or average > FASTEST):
        return min(average, guess)  # the average counts empty places, too, and AVI can have many of them
    return average or guess or Fraction(25)


def codec_name(stream):
    """Returns FFmpeg's name of the format that `stream` is coded in, not of the program that decodes it."""
    codec = stream.codec_context.codec
    return getattr(codec, "canonical_name", codec.name)  # older PyAV knows the decoder's name alone
