"""Load, before anything is decoded: is there a file, and is all of it there?

Of half a file FFmpeg plays the half, as if the video had ended there. Where it says so by itself (MP4, MOV,
AVI), `decode` looks; Matroska, WebM and GIF are looked at here, as their first bytes tell where they end.
MPEG streams and FLV do not tell: there, a cut goes unseen.
"""

import os

import numpy as np


class VideoError(ValueError):
    """A video file cannot be read or written as asked; the message names the file."""


def checked_path(path):
    """Returns `path`, a str, bytes or path-like, as a str; raises VideoError for anything else."""
    try:
        return os.fsdecode(path)
    except TypeError:
        raise VideoError(f"expected a path (text), received {path!r}") from None


def check_file(path):
    """Looks at a file from outside.

    Args:
        path: the video file, a str.

    Returns:
        How many bytes it is to have if it is cut short, else 0.

    Raises:
        VideoError: there is no such file, or it is empty or of a kind that nothing here decodes.
    """
    if not os.path.exists(path):
        raise VideoError(f"{path}: expected a video file, but there is none of this name")
    if not os.path.isfile(path):
        kind = "folder" if os.path.isdir(path) else "device"
        raise VideoError(f"{path}: expected a video file, received a {kind}")
    try:
        received = os.path.getsize(path)
        with open(path, "rb") as file:
            start = file.read(256)
            expected = _expected_size(file, start, received)
    except OSError as error:
        raise VideoError(f"{path}: cannot be read ({reason(error)})") from None
    if received == 0:
        raise VideoError(f"{path}: expected a video file, received an empty one (0 bytes)")
    if start[8:16] == b"WEBPVP8X" and int.from_bytes(start[20:21], "big") & 2:
        raise VideoError(f"{path}: an animated WebP can be written but not read; save it as .mp4 or .gif")
    return expected if received < expected else 0


def is_scrambled(path, stream):
    """Whether packets of an MPEG transport stream (ISO/IEC 13818-1) are encrypted; FFmpeg passes over them.

    Args:
        path: the file; its packets are of 188 bytes, with four more before each in M2TS, or 16 after it.
        stream: the number of the picture stream (PID).

    Returns:
        A bool; False for any other kind of file.
    """
    with open(path, "rb") as file:
        start = np.frombuffer(file.read(8 * 204), np.uint8)
        places = [(at, size) for size in (188, 192, 204) for at in range(size)]
        at, size = next(((at, size) for at, size in places if (start[at::size] == 0x47).all()), (0, 0))
        if not size:
            return False
        file.seek(at)
        while data := file.read(size * 10_000):
            packets = np.frombuffer(data[: len(data) // size * size], np.uint8).reshape(-1, size)[:, :4]
            numbers = (packets[:, 1] & 0x1F).astype(int) * 256 + packets[:, 2]
            if ((packets[:, 0] == 0x47) & (numbers == stream) & (packets[:, 3] >= 0x80)).any():
                return True
    return False


def reason(error):
    """Returns one line out of an `error` of FFmpeg or of the operating system."""
    return str(getattr(error, "strerror", None) or error).split("\n")[0]


def _expected_size(file, start, size):
    """How many bytes the file is to have at least, by its own word; 0 if it does not tell."""
    if start[:4] == b"\x1a\x45\xdf\xa3":
        return _end_of_segment(start)
    if start[:4] == b"GIF8":
        return _end_of_gif(file, size)
    return 0


def _end_of_segment(start):
    """Matroska and WebM: a header and one segment, each with its length (RFC 8794, RFC 9559)."""
    header_length, at = _ebml_length(start, 4)
    at += header_length or 0
    if start[at : at + 4] != b"\x18\x53\x80\x67":
        return 0
    length, at = _ebml_length(start, at + 4)
    return 0 if length is None else at + length


def _ebml_length(data, at):
    """(the length that stands at a place, or None for "unknown", as in a live recording; where it ends)."""
    width = 9 - data[at].bit_length() if data[at : at + 1] else 9
    if width > 8 or at + width > len(data):
        return None, at
    bits = 7 * width
    length = int.from_bytes(data[at : at + width], "big") & ((1 << bits) - 1)
    return None if length == (1 << bits) - 1 else length, at + width


def _end_of_gif(file, size):
    """GIF: block after block (GIF89a specification, sections 15 to 27), each of which must be whole.

    Behind the last one stands a semicolon; some programs forget it, and every viewer does without.
    """

    def skip_colours(flags):
        file.seek(3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0, os.SEEK_CUR)

    file.seek(10)
    skip_colours(file.read(3)[0] if size > 12 else 0)
    pictures = 0
    while kind := file.read(1):
        if kind == b",":
            pictures += 1
            skip_colours((file.read(9) or b"\0")[-1])
        elif kind != b"!":
            return 0  # the semicolon; anything else is for the decoder to judge
        file.seek(1, os.SEEK_CUR)  # the kind of an extension, or the width of a picture's codes
        while length := file.read(1):
            if length == b"\0":
                break
            file.seek(length[0], os.SEEK_CUR)
        else:
            return size + 1  # ends within a block
    return 0 if pictures and file.tell() == size else size + 1
