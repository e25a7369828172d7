"""Writes the odd video files that people really have: each function makes one file and returns its path.

Made with PyAV alone, so that the tests of `vgcourse.video` do not lean on its own writer.
"""

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

OLD_PYAV = int(av.__version__.split(".")[0]) < 15  # copies no stream that can be read again


def moving_clip(num_frames=6, height=48, width=64):
    """uint8 (num_frames, height, width, 3) with no symmetry: red top left, a blue bar that moves right."""
    y, x = np.mgrid[:height, :width]
    background = np.stack([60 + 60 * x / width, 60 + 90 * y / height, np.full((height, width), 90)], axis=-1)
    clip = np.repeat(background[None], num_frames, axis=0)
    clip[:, : height // 3, : width // 4] = (220, 40, 40)
    for k, frame in enumerate(clip):
        left = width * k // (num_frames + 1)
        frame[height // 2 :, left : left + max(1, width // 6)] = (40, 60, 210)
    return np.rint(clip).astype(np.uint8)


def numbered_clip(num_frames, height=16, width=16):
    """Plain grey frames; `frame_numbers` reads off which is which."""
    grey = (20 + 8 * np.arange(num_frames)).astype(np.uint8)
    return np.broadcast_to(grey[:, None, None, None], (num_frames, height, width, 3)).copy()


def frame_numbers(clip):
    """The inverse of `numbered_clip`, whatever a codec did to the last grey level."""
    return np.rint((np.mean(clip, axis=(1, 2, 3)) - 20) / 8).astype(int).tolist()


def difference(clip, reference):
    """Mean absolute difference in grey levels; shapes must be equal."""
    assert clip.shape == reference.shape
    assert clip.dtype == np.uint8
    return np.abs(clip.astype(int) - reference).mean()


def encode(path, clip, *, codec="libx264", pix_fmt="yuv444p", times=None, settings=None, options=None):
    """Encodes frames with any codec of FFmpeg; `times` in 1/1000 s, else 25 fps.

    `settings` are attributes of the codec context (such as `sample_aspect_ratio`), and as "options" the
    codec's own; `options` are the container's.
    """
    settings = dict(settings or {})
    own = settings.pop("options", {"crf": "4"} if codec.startswith("libx26") else {})
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=25, options=own)
        stream.height, stream.width, stream.pix_fmt = clip.shape[1], clip.shape[2], pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000)
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        source = "rgb24" if clip.shape[-1] == 3 else "rgba"
        for k, array in enumerate(clip):
            frame = av.VideoFrame.from_ndarray(array, format=source)
            frame.pts = 40 * k if times is None else times[k]
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def with_shuffled_timestamps(path, clip, order):
    """Matroska whose k-th stored frame is shown at position `order[k]` (40 ms each)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = clip.shape[1], clip.shape[2], "yuvj444p"
        packets = []
        for array in clip:
            packets += stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24"))
        packets += stream.encode()
        for k, packet in enumerate(packets):
            packet.time_base = Fraction(1, 1000)
            packet.dts, packet.pts = 40 * k - 1000, 40 * order[k]
            container.mux(packet)
    return path


def with_display_matrix(path, clip, matrix, codec="libx264"):
    """MP4 or MOV whose header tells the player to turn the picture: (a, b, c, d) of the linear part."""
    encode(path, clip, codec=codec, pix_fmt="yuv444p" if codec == "libx264" else "yuv420p")
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40  # a version 0 track header: the matrix comes after 40 bytes
    a, b, c, d = (value * 65536 for value in matrix)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def with_sound(path, clip=None):
    """MP4 (or M4A, without a clip) with half a second of AAC."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25) if clip is not None else None
        sound = container.add_stream("aac", rate=44100)
        if video is not None:
            video.height, video.width, video.pix_fmt = clip.shape[1], clip.shape[2], "yuv444p"
            for array in clip:
                container.mux(video.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
            container.mux(video.encode())
        for k in range(20):
            tone = np.sin(np.arange(1024 * k, 1024 * (k + 1)) / 20).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, 1024 * k
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    return path


def cover():
    """A JPEG, larger than any clip here."""
    file = io.BytesIO()
    Image.fromarray(moving_clip(1, 200, 240)[0]).save(file, "JPEG")
    return file.getvalue()


def _box(name, content):
    return struct.pack(">I", len(content) + 8) + name + content


def add_cover(path):
    """Puts a cover picture into an MP4 or M4A whose index stands last, before the tracks."""
    data = bytearray(path.read_bytes())
    start = data.rindex(b"moov") - 4
    picture = _box(b"ilst", _box(b"covr", _box(b"data", struct.pack(">II", 13, 0) + cover())))
    handler = _box(b"hdlr", b"\0" * 8 + b"mdirappl" + b"\0" * 9)
    tags = _box(b"udta", _box(b"meta", b"\0" * 4 + handler + picture))
    length, header = (struct.unpack(">I", data[k : k + 4])[0] for k in (start, start + 8))
    data[start : start + 4] = struct.pack(">I", length + len(tags))
    data[start + 8 + header : start + 8 + header] = tags
    path.write_bytes(data)
    return path


def mp3_with_cover(path):
    """An MP3 as music shops sell it: an ID3 tag with a picture, then the sound."""
    with av.open(str(path), "w", format="mp3", options={"id3v2_version": "0"}) as container:
        sound = container.add_stream("libmp3lame", rate=44100)
        for k in range(40):
            silence = np.zeros((1, 1152), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, 1152 * k
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    picture = b"\0image/jpeg\0\x03\0" + cover()
    tag = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
    length = bytes(len(tag) >> shift & 127 for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\0\0" + length + tag + path.read_bytes())
    return path


def with_edit(path, clip, first, last):
    """MP4 whose edit list shows frames `first` to `last` only, as after a cut on the phone; no B frames."""
    encode(path, clip, settings={"options": {"crf": "4", "bf": "0"}})
    with av.open(str(path)) as container:
        tick = container.streams.video[0].time_base
    data = bytearray(path.read_bytes())
    place = data.index(b"elst") + 12  # version, number of edits, then the first: length, place in the media
    begin = struct.unpack(">i", data[place + 4 : place + 8])[0]
    begin += int(Fraction(40 * first, 1000) / tick)
    data[place : place + 8] = struct.pack(">Ii", 40 * (last - first), begin)
    path.write_bytes(data)
    return path


def with_streams(path, clips, *, seconds_of_sound=0, rate=25):
    """Matroska with several picture streams, and sound that may go on after they end."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mjpeg", rate=rate) for _ in clips]
        for stream, clip in zip(streams, clips, strict=True):
            stream.height, stream.width, stream.pix_fmt = clip.shape[1], clip.shape[2], "yuvj444p"
        sound = container.add_stream("aac", rate=44100) if seconds_of_sound else None
        for stream, clip in zip(streams, clips, strict=True):
            for array in clip:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
            container.mux(stream.encode())
        for k in range(seconds_of_sound * 43):
            silence = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, 1024 * k
            container.mux(sound.encode(frame))
        if sound:
            container.mux(sound.encode())
    return path


def without_its_first_packets(path, source, number):
    """A copy of a video, not decoded, that begins in the middle: nothing can be shown up to a key frame."""
    with av.open(str(source)) as container, av.open(str(path), "w") as copy:
        stream = container.streams.video[0]
        new = copy.add_stream_from_template(stream)
        for k, packet in enumerate(container.demux(stream)):
            if packet.dts is not None and k >= number:
                packet.stream = new
                copy.mux(packet)
    return path


def without_frames(path):
    """A file that announces a picture stream and ends there."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 16, 16, "yuv420p"
        container.start_encoding()
    return path


def long_video(path, num_frames):
    """MPEG-4, 64x64, fast to make: the memory it would take decoded is 12 kB a frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p"
        frames = [av.VideoFrame.from_ndarray(f, format="rgb24") for f in moving_clip(5, 64, 64)]
        for k in range(num_frames):
            frame = frames[k % 5]
            frame.pts = k
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def remux(source, path, are_keys=False):
    """Copies a video into another container with the times that FFmpeg's reader gives, invented ones, too.

    With `are_keys`, every frame claims to be a key frame, as some recorders have it.
    """
    if OLD_PYAV:
        pytest.skip("older PyAV copies no stream that can be read again")
    with av.open(str(source)) as container, av.open(str(path), "w") as copy:
        stream = container.streams.video[0]
        new = copy.add_stream_from_template(stream)
        for packet in container.demux(stream):
            if packet.size:
                packet.is_keyframe |= are_keys
                packet.stream = new
                copy.mux(packet)
    return path


def from_annex_b(path, source, rate):
    """Puts bare H.264 into a container, `rate` packets a second."""
    with av.open(str(source)) as container, av.open(str(path), "w") as copy:
        new = copy.add_stream_from_template(container.streams.video[0])
        for k, packet in enumerate(container.demux(container.streams.video[0])):
            if packet.size:
                packet.pts = packet.dts = k
                packet.duration, packet.time_base, packet.stream = 1, Fraction(1, rate), new
                copy.mux(packet)
    return path


def field_coded_h264(greys):
    """bytes of H.264 (Annex B), 16x32, each frame two field pictures of plain grey, uncoded: as in AVCHD.

    No encoder at hand writes these. ITU-T H.264, sections 7.3.2.1 (sequence), 7.3.2.2, 7.3.3 (slice), 7.3.5.
    """
    sequence = [(77, 8), (0, 8), (30, 8), 0, 0, 0, 4, 1, (0, 1), 0, 0, (0, 1), (0, 1), (1, 1), (0, 1), (0, 1)]
    picture = [0, 0, (0, 1), (0, 1), 0, 0, 0, (0, 1), (0, 2), 0, 0, 0, (1, 1), (0, 1), (0, 1)]
    stream = b""
    for k, grey in enumerate(greys):
        for bottom in (0, 1):
            is_first = k == bottom == 0
            marking = [(0, 1), (0, 1)] if is_first else [(0, 1)] if k == 0 else []
            slice_header = [0, 7, 0, (min(k, 1), 4), (1, 1), (bottom, 1), *([0] if is_first else [])]
            slice_header += [(2 * k + bottom, 8), *marking, 0, 1, 25]  # 25: I_PCM, one macroblock
            stream += _nal(0x09, [(7, 3)])
            if is_first:
                stream += _nal(0x67, sequence) + _nal(0x68, picture)
            kind = 0x65 if is_first else 0x21 if k == 0 else 0x01
            stream += _nal(kind, slice_header, bytes([grey]) * 256 + bytes([128]) * 128)
    return stream


def _nal(kind, fields, samples=b""):
    """A NAL unit: fields are (value, bits) or a number in Exp-Golomb code; no run of zeros is left inside."""
    bits = "".join(
        f"{f[0]:0{f[1]}b}" if isinstance(f, tuple) else "0" * ((f + 1).bit_length() - 1) + f"{f + 1:b}"
        for f in fields
    )
    bits += "" if samples else "1"
    bits += "0" * (-len(bits) % 8)
    data = (
        bytes(int(bits[k : k + 8], 2) for k in range(0, len(bits), 8))
        + samples
        + (b"\x80" if samples else b"")
    )
    escaped = bytearray()
    for byte in data:
        if byte <= 3 and escaped[-2:] == b"\0\0":
            escaped.append(3)
        escaped.append(byte)
    return b"\0\0\0\1" + bytes([kind]) + bytes(escaped)


def packets(path):
    """The packets of the first picture stream, but for the empty one at the end."""
    with av.open(str(path)) as container:
        return [packet for packet in container.demux(container.streams.video[0]) if packet.size]


def with_scrambled_packets(path, source, numbers):
    """A copy whose packets of these numbers are random behind their headers, as in encrypted files."""
    if OLD_PYAV:
        pytest.skip("older PyAV copies no stream that can be read again")
    random = np.random.default_rng(0)
    with av.open(str(source)) as container, av.open(str(path), "w") as copy:
        stream = container.streams.video[0]
        new = copy.add_stream_from_template(stream)
        for k, packet in enumerate(container.demux(stream)):
            if not packet.size:
                continue
            data = bytes(packet)
            if k in numbers:
                data = data[: len(data) // 3] + random.bytes(len(data) - len(data) // 3)
            changed = av.Packet(data)
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.is_keyframe, changed.stream = packet.is_keyframe, new
            copy.mux(changed)
    return path


def exif_jpeg(path, frame, orientation=1):
    """A JPEG as cameras write it."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "A camera", orientation
    Image.fromarray(frame).save(path, quality=95, subsampling=0, exif=exif)
    return path


def with_exif(path, clip, orientation=1):
    """A time-lapse: a camera's JPEGs joined without encoding them again."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = clip.shape[1], clip.shape[2], "yuvj444p"
        for k, frame in enumerate(clip):
            packet = av.Packet(exif_jpeg(path.with_suffix(".jpg"), frame, orientation).read_bytes())
            packet.pts = packet.dts = k
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 25), stream, True
            container.mux(packet)
    return path
