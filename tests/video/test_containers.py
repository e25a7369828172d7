"""vgcourse.containers: half a file is not taken for a whole one, and a whole one not for half."""

import os
import stat

import av
import numpy as np
import pytest
from odd_videos import encode, moving_clip
from PIL import Image

from vgcourse import video
from vgcourse.video import containers

CODECS = {"avi": ("mpeg4", "yuv420p"), "gif": ("gif", "rgb8"), "webm": ("libvpx", "yuv420p")}
COMPLETE = ["mp4", "mov", "mkv", "webm", "avi", "gif"]


def make_video(path):
    """12 frames of noise, so that the pictures are most of the file."""
    codec, pix_fmt = CODECS.get(path.suffix[1:], ("libx264", "yuv420p"))
    clip = np.random.default_rng(0).integers(0, 256, (12, 64, 96, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 96, pix_fmt
        for array in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", COMPLETE)
def test_a_file_cut_anywhere_is_never_read_as_a_whole_one(tmp_path, suffix):
    path = make_video(tmp_path / f"video.{suffix}")
    whole = path.read_bytes()
    assert len(video.read_clip(path)) == 12
    for share in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(video.VideoError, match=rf"video\.{suffix}: (cut short|expected a video|damaged)"):
            video.read_clip(path)


def test_half_a_jpeg_at_the_end_of_an_avi_is_damage(tmp_path):
    """Its decoder fills up what is missing and says nothing; the container knows."""
    path = encode(tmp_path / "video.avi", moving_clip(12), codec="mjpeg", pix_fmt="yuvj420p")
    data = path.read_bytes()
    last = data.rindex(b"\xff\xd8")
    path.write_bytes(data[: (last + data.index(b"\xff\xd9", last)) // 2])
    with pytest.raises(video.VideoError, match=r"could decode 11 frames, then: incomplete packet"):
        video.read_clip(path)
    assert len(video.read_clip(path, keep_damaged=True)) in (11, 12)


@pytest.mark.parametrize("suffix", ["mkv", "webm"])
def test_the_last_byte_of_matroska_counts(tmp_path, suffix):
    path = make_video(tmp_path / f"video.{suffix}")
    path.write_bytes(path.read_bytes()[:-1])
    for read in (video.probe, video.read_clip):
        with pytest.raises(video.VideoError, match=r"expected \d+ bytes, received \d+; .*about 1[12] frames"):
            read(path)
    assert len(video.read_clip(path, keep_damaged=True)) in (11, 12)


@pytest.mark.parametrize("end", [b"", b"!\xfe\x05hello\0;", b"!\xfe\x05hello\0", b"\0\0", b";;"])
def test_a_gif_without_its_semicolon_or_with_a_comment_is_whole(tmp_path, end):
    path = make_video(tmp_path / "video.gif")
    data = path.read_bytes()
    assert data.endswith(b"\0;")
    path.write_bytes(data[:-1] + end)
    assert len(video.read_clip(path)) == video.probe(path).num_frames == 12
    path.write_bytes(data[:-2])  # the end of the last picture's data
    with pytest.raises(video.VideoError, match=r"cut short.*about 1[12] frames are there"):
        video.read_clip(path)
    path.write_bytes(data[:20])
    with pytest.raises(video.VideoError, match=r"video.gif: cut short, expected 21 bytes"):
        video.read_clip(path)


@pytest.mark.parametrize("length", ["size", "size + 999", "0", "99"])
def test_an_avi_that_is_wrong_about_its_length_is_whole(tmp_path, length):
    path = make_video(tmp_path / "video.avi")
    data = path.read_bytes()
    path.write_bytes(data[:4] + eval(length, {"size": len(data)}).to_bytes(4, "little") + data[8:])
    assert len(video.read_clip(path)) == video.probe(path).num_frames == 12


@pytest.mark.parametrize("suffix", COMPLETE)
@pytest.mark.parametrize(
    "more", [b"TAG" + b"x" * 125, b"notes of an editor", b"\0" * 100, b"\xff\xd8\xff\xe0" * 9]
)
def test_what_stands_behind_the_end_does_no_harm(tmp_path, suffix, more):
    path = make_video(tmp_path / f"video.{suffix}")
    path.write_bytes(path.read_bytes() + more)
    assert len(video.read_clip(path)) == 12


def fill(container, stream, pix_fmt, *, num_frames):
    """Encode a moving clip to the end."""
    stream.height, stream.width, stream.pix_fmt = 48, 64, pix_fmt
    for array in moving_clip(num_frames):
        container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
    container.mux(stream.encode())


def test_an_old_quicktime_file_without_a_type(tmp_path):
    path = tmp_path / "old.mov"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=25)
        fill(container, stream, "yuv420p", num_frames=12)
    data = path.read_bytes().replace(b"ftyp", b"wide", 1)
    path.write_bytes(data)
    assert len(video.read_clip(path)) == 12
    path.write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(video.VideoError, match="cut short|damaged"):
        video.read_clip(path)


def test_a_recording_of_unknown_length_is_read(tmp_path):
    path = tmp_path / "live.mkv"
    with av.open(str(path), "w", options={"live": "1"}) as container:
        stream = container.add_stream("mjpeg", rate=25)
        fill(container, stream, "yuvj444p", num_frames=5)
    assert b"\x18\x53\x80\x67\x01" + b"\xff" * 7 in path.read_bytes()
    assert len(video.read_clip(path)) == 5
    avi = encode(tmp_path / "unfinished.avi", moving_clip(5), codec="rawvideo", pix_fmt="bgr24")
    data = avi.read_bytes()
    avi.write_bytes(data[:4] + b"\0" * 4 + data[8:])
    assert len(video.read_clip(avi)) == 5


@pytest.mark.parametrize("path", [None, 5, 2.5, ["a.mp4"]])
def test_a_path_is_a_name(path):
    with pytest.raises(video.VideoError, match=r"expected a path \(text\), received"):
        containers.checked_path(path)
    for use in (video.probe, video.read_clip, lambda p: video.write_video(p, moving_clip(), fps=25)):
        with pytest.raises(video.VideoError, match=r"expected a path \(text\), received"):
            use(path)


def test_an_animated_webp_says_that_it_cannot_be_read(tmp_path):
    video.write_video(tmp_path / "clip.webp", moving_clip(), fps=10)
    with pytest.raises(video.VideoError, match=r"clip\.webp: an animated WebP .* not read; save it as \.mp4"):
        video.read_clip(tmp_path / "clip.webp")
    Image.fromarray(moving_clip(1)[0]).save(tmp_path / "still.webp")
    assert video.read_clip(tmp_path / "still.webp").shape == (1, 48, 64, 3)


@pytest.mark.parametrize("name", ["notes.txt", "film.nfo"])
def test_text_is_not_drawn(tmp_path, name):
    (tmp_path / name).write_text("hello world\n" * 100)
    with pytest.raises(video.VideoError, match="expected a video, received text"):
        video.probe(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a pipe with a name")
def test_a_pipe_is_neither_read_nor_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(video.VideoError, match="received a device"):
        video.probe(tmp_path / "pipe.mp4")
    with pytest.raises(video.VideoError, match="cannot be written: there is a folder or a device"):
        video.write_video(tmp_path / "pipe.mp4", moving_clip(), fps=10)
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe.mp4").st_mode)


# ---- encrypted transport streams -------------------------------------------------------------------------


def scramble(path, pid, first=0, *, size=188):
    """Encrypts, so to speak, the packets of a stream from one on: random bytes, and the bits that say so."""
    data, random = bytearray(path.read_bytes()), np.random.default_rng(0)
    for number, begin in enumerate(range(size - 188, len(data), size)):
        if number >= first and int.from_bytes(data[begin + 1 : begin + 3], "big") & 0x1FFF == pid:
            data[begin + 3] |= 0x80
            data[begin + 12 : begin + 188] = random.bytes(176)
    path.write_bytes(data)


@pytest.mark.parametrize(("suffix", "size", "pid"), [("ts", 188, 0x100), ("m2ts", 192, 0x1011)])
def test_a_transport_stream_encrypted_from_a_packet_on_does_not_end_there(tmp_path, suffix, size, pid):
    path = make_video(tmp_path / f"video.{suffix}")
    assert (path.stat().st_size // size) > 2 * 70
    assert len(video.read_clip(path)) == 12
    scramble(path, pid, 70, size=size)
    for read in (video.probe, video.read_clip):
        with pytest.raises(video.VideoError, match=rf"video\.{suffix}: encrypted: could decode (\d+) frames"):
            read(path)
    assert 0 < len(video.read_clip(path, keep_damaged=True)) < 12
    scramble(path, pid, size=size)
    with pytest.raises(video.VideoError, match=rf"video\.{suffix}: (encrypted|expected a video)"):
        video.read_clip(path)


def test_other_streams_of_a_transport_stream_may_be_encrypted(tmp_path):
    path = make_video(tmp_path / "video.ts")
    scramble(path, 0)  # the list of programs; FFmpeg finds the pictures without
    assert containers.is_scrambled(str(path), 0)
    assert not containers.is_scrambled(str(path), 0x100)
    for other in (b"", b"short", bytes(5000)):
        path.write_bytes(other)
        assert not containers.is_scrambled(str(path), 0)
