"""Load: video files to uint8 RGB frames and back.

Axes: a frame is (height, width, 3), a clip (num_frames, height, width, 3); RGB order.
Range: uint8 [0, 255], always. Sizes are as displayed: turned by the file's rotation, with square pixels.
"""

import contextlib
import io
import math
import os
import struct
import uuid
import warnings
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio.v3 as iio
import numpy as np
from PIL import Image, PngImagePlugin

from vgcourse import decode
from vgcourse.containers import VideoError, checked_path

# What encoders say of a clip that a format cannot hold, or of a full disk: Pillow alone has three ways.
WRITING_ERRORS = (av.FFmpegError, OSError, OverflowError, RuntimeError, ValueError, struct.error)


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
        _check_fps(fps, "fps")
    if not (_is_number(start) and start >= 0):
        raise ValueError(f"start: expected seconds, 0 or more, received {start!r}")
    return decode.frames(path, fps=fps, start=start, size=_checked_size(size))


def write_video(path, clip, *, fps, comment=None, crf=18):
    """Writes a clip as `.mp4`, `.gif`, `.webp` or as a `.png` contact sheet, chosen by the suffix.

    MP4 is H.264 in yuv420p, which plays everywhere but needs even sizes: an odd height or width is padded by
    repeating the last row or column, with a warning. GIF and WebP loop for ever. The PNG shows the frames row
    by row, as near to a square as they allow. Missing parent folders are made. The file appears only once it
    is complete.

    Args:
        path: the file to write; an existing file is replaced.
        clip: uint8 array, shape `(num_frames, height, width, 3)`, RGB, range [0, 255].
        fps: frames per second. GIF counts in 1/100 s: the rate is kept on average, up to 50 fps. Of like
            frames in a row a GIF keeps one, shown longer: read it back with `fps=` to have them all.
        comment: text for the file's metadata, for example "generated by vgcourse".
        crf: constant rate factor of H.264, 0 (largest) to 51 (worst).

    Raises:
        ValueError: the clip has another shape or dtype, the suffix is unknown, or `fps` or `crf` is out of
            its range.
        VideoError: the file cannot be written, or the format holds no such size or rate.
    """
    path = Path(checked_path(path))
    try:
        clip = np.asarray(clip)
    except ValueError as error:
        raise ValueError(f"{path}: expected frames of one size, received different ones") from error
    encoders = {".mp4": _mp4, ".gif": _gif, ".webp": _webp, ".png": _contact_sheet}
    encode = encoders.get(path.suffix.lower())
    if encode is None:
        raise ValueError(f"{path}: expected a name ending in {', '.join(encoders)}, received {path.suffix!r}")
    _check_fps(fps, f"{path}: fps")
    if not (_is_number(crf) and 0 <= crf <= 51):
        raise ValueError(f"{path}: crf: expected a number from 0 to 51, received {crf!r}")
    if clip.ndim != 4 or clip.shape[-1] != 3 or 0 in clip.shape or clip.dtype != np.uint8:
        raise ValueError(
            f"{path}: expected a uint8 clip of shape (num_frames, height, width, 3), received {clip.dtype} "
            f"of shape {clip.shape}; preprocess.to_uint8 converts floats"
        )
    options = {"crf": str(crf)} if encode is _mp4 else {}
    if path.exists() and not path.is_file():
        raise VideoError(f"{path}: cannot be written: there is a folder or a device of this name")
    partial = path.with_name(f".{uuid.uuid4().hex}")  # short: the name itself may be as long as names can be
    try:
        data = encode(clip, decode.fraction(fps), "" if comment is None else str(comment), **options)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        os.replace(partial, path)
    except WRITING_ERRORS as error:
        raise VideoError(f"{path}: cannot be written ({decode.reason(error)})") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


# ---- from a clip to the bytes of a file ------------------------------------------------------------------


def _mp4(clip, fps, comment, *, crf):
    _, height, width, _ = clip.shape
    if height % 2 or width % 2:
        clip = np.pad(clip, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        padded = f"{clip.shape[2]}x{clip.shape[1]}"
        warnings.warn(f"H.264 needs even sizes: padded {width}x{height} to {padded}", stacklevel=3)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        container.metadata["comment"] = comment
        stream = container.add_stream("libx264", rate=fps, options={"crf": crf})
        stream.height, stream.width, stream.pix_fmt = clip.shape[1], clip.shape[2], "yuv420p"
        stream.codec_context.colorspace = 6  # BT.601, what FFmpeg converts to; players guess from the size
        for frame in clip:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def _gif(clip, fps, comment):
    # One palette for the whole clip, without dither: else parts that stand still flicker. imageio cannot.
    palette = Image.fromarray(np.concatenate(clip[:: max(1, len(clip) // 16)])).quantize(
        256, method=Image.Quantize.FASTOCTREE
    )
    images = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in clip]
    options = {"duration": _durations(len(clip), fps, tick=10, least=20), "comment": comment.encode()}
    file = io.BytesIO()
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], loop=0, **options)
    return file.getvalue()


def _webp(clip, fps, comment):
    exif = Image.Exif()
    exif[0x010E] = comment  # ImageDescription
    options = {"duration": _durations(len(clip), fps, tick=1, least=1), "quality": 90, "exif": exif}
    return iio.imwrite("<bytes>", clip, extension=".webp", plugin="pillow", is_batch=True, loop=0, **options)


def _durations(num_frames, fps, *, tick, least):
    """Milliseconds each frame is shown: whole ticks, rounded so that the clip keeps its length."""
    ends = [round(1000 * k / fps / tick) * tick for k in range(num_frames + 1)]
    return [max(least, end - begin) for begin, end in zip(ends[:-1], ends[1:], strict=True)]


def _contact_sheet(clip, fps, comment):
    num_frames, height, width, _ = clip.shape
    columns = min(num_frames, max(1, round(math.sqrt(num_frames * height / width))))
    rows = -(-num_frames // columns)
    sheet = np.full((rows * columns, height, width, 3), 255, np.uint8)
    sheet[:num_frames] = clip
    sheet = sheet.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    sheet, text = sheet.reshape(rows * height, columns * width, 3), PngImagePlugin.PngInfo()
    text.add_itxt("Comment", comment)
    return iio.imwrite("<bytes>", sheet, extension=".png", plugin="pillow", is_batch=False, pnginfo=text)


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


def _check_fps(fps, name):
    if not (_is_number(fps) and fps >= 1e-6):  # less is nothing, to `decode.fraction`
        raise ValueError(f"{name}: expected frames a second, 0.000001 or more, received {fps!r}")


def _is_integer(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_number(value):
    is_real = isinstance(value, (int, float, Fraction, np.integer, np.floating))
    return is_real and not isinstance(value, bool) and math.isfinite(value)
