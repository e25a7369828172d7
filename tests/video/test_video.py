"""vgcourse.video: what people's files really contain is read right, or refused in one clear line."""

import math
import os
import subprocess
import sys
import textwrap
import tracemalloc
import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import odd_videos
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_videos import encode, frame_numbers, moving_clip, numbered_clip
from PIL import Image

from vgcourse import preprocess, video

REAL = Path(__file__).parents[2] / "data" / "real"


def difference(clip, reference):
    """Mean absolute difference in grey levels; shapes must be equal."""
    assert clip.shape == reference.shape
    assert clip.dtype == np.uint8
    return np.abs(clip.astype(int) - reference).mean()


# ---- read correctly --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matrix", "rotation", "mirrored"),
    [
        ((0, 1, -1, 0), 90, False),
        ((-1, 0, 0, -1), 180, False),
        ((0, -1, 1, 0), 270, False),
        ((-1, 0, 0, 1), 0, True),
        ((0, 1, 1, 0), 270, True),
    ],
)
def test_rotation_metadata_is_applied(tmp_path, matrix, rotation, mirrored):
    clip = moving_clip()
    path = odd_videos.with_display_matrix(tmp_path / "phone.mp4", clip, matrix)
    # The matrix by hand: stored pixel (x, y) goes to (a x + c y, b x + d y), shifted to start at 0.
    a, b, c, d = matrix
    height, width = (clip.shape[1], clip.shape[2]) if a else (clip.shape[2], clip.shape[1])
    upright = np.zeros((len(clip), height, width, 3), np.uint8)
    y, x = np.mgrid[: clip.shape[1], : clip.shape[2]]
    new_x, new_y = a * x + c * y, b * x + d * y
    upright[:, new_y - new_y.min(), new_x - new_x.min()] = clip
    assert difference(video.read_clip(path), upright) < 2
    info = video.probe(path)
    assert (info.height, info.width) == (height, width)
    assert info.rotation == rotation
    assert mirrored == (a * d - b * c < 0)


def test_rotation_and_size_together(tmp_path):
    path = odd_videos.with_display_matrix(tmp_path / "phone.mp4", moving_clip(), (0, 1, -1, 0))
    small = video.read_clip(path, size=(32, 24))  # 64 x 48 as displayed
    assert difference(small, preprocess.resize(video.read_clip(path), 32, 24)) < 2


def test_variable_frame_rate_is_resampled_by_timestamps(tmp_path):
    path = tmp_path / "vfr.mkv"
    encode(path, numbered_clip(6), codec="ffv1", times=[0, 100, 200, 600, 700, 1500])
    assert frame_numbers(video.read_clip(path)) == [0, 1, 2, 3, 4, 5]
    at_10 = frame_numbers(video.read_clip(path, fps=10))
    assert at_10[:16] == [0, 1, 2, 2, 2, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5]
    assert frame_numbers(video.read_clip(path, fps=4, num_frames=7)) == [0, 2, 2, 4, 4, 4, 5]
    assert frame_numbers(video.read_clip(path, fps=10, start=0.6, num_frames=3)) == [3, 4, 4]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "avi", "webm", "ts", "gif"])
@pytest.mark.parametrize("rate", [24, 25, 30])
def test_resampling_to_the_own_rate_changes_nothing(tmp_path, suffix, rate):
    codecs = {"webm": "libvpx-vp9", "avi": "mpeg4", "ts": "mpeg2video", "gif": "gif"}
    if suffix == "ts" and rate == 24:
        rate = 50
    path = tmp_path / f"clip.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codecs.get(suffix, "libx264"), rate=rate)
        stream.height = stream.width = 32
        stream.pix_fmt = "rgb8" if suffix == "gif" else "yuv420p"
        for array in numbered_clip(20, 32, 32):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        container.mux(stream.encode())
    own = video.read_clip(path)
    assert len(own) == 20
    np.testing.assert_array_equal(video.read_clip(path, fps=rate), own)
    half = video.read_clip(path, fps=rate / 2)
    np.testing.assert_array_equal(half, own[::2])
    np.testing.assert_array_equal(video.read_clip(path, fps=2 * rate), np.repeat(own, 2, axis=0))


@pytest.mark.parametrize("order", [[1, 0, 3, 2, 5, 4], [3, 0, 1, 2, 5, 4], [5, 4, 3, 2, 1, 0]])
def test_unordered_timestamps_come_out_in_order(tmp_path, order):
    path = odd_videos.with_shuffled_timestamps(tmp_path / "unordered.mkv", numbered_clip(6), order)
    expected = np.argsort(order).tolist()
    assert frame_numbers(video.read_clip(path)) == expected
    assert frame_numbers(video.read_clip(path, fps=25)) == expected


def test_recordings_put_together_start_their_clock_anew(tmp_path):
    order = [*range(100, 110), *range(10)]  # in units of 40 ms
    path = odd_videos.with_shuffled_timestamps(tmp_path / "both.mkv", numbered_clip(20), order)
    assert frame_numbers(video.read_clip(path)) == list(range(20))
    assert frame_numbers(video.read_clip(path, fps=25)) == list(range(20))


def test_a_timestamp_far_off_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "jump.mkv"
    times = [0, 40, 80, 2**31, 2**31 + 40]  # 24 days later
    encode(path, numbered_clip(5), codec="ffv1", times=times)
    assert frame_numbers(video.read_clip(path, fps=25)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("suffix", ["mov", "mp4"])
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_hevc_with_rotation_as_phones_write_it(tmp_path, suffix, rotation):
    clip = moving_clip()
    matrix = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[rotation]
    path = odd_videos.with_display_matrix(tmp_path / f"phone.{suffix}", clip, matrix, codec="libx265")
    assert video.probe(path).codec == "hevc"
    assert video.probe(path).rotation == rotation
    assert difference(video.read_clip(path), np.rot90(clip, -rotation // 90, axes=(1, 2))) < 3


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("10 bit HEVC", "libx265", "yuv420p10le"),
        ("10 bit", "ffv1", "yuv422p10le"),
        ("HEVC", "libx265", "yuv420p"),
        ("H.264", "libx264", "yuv420p"),
        ("yuv444p", "libx264", "yuv444p"),
        ("full range", "mjpeg", "yuvj444p"),
        ("RGB", "ffv1", "bgr0"),
        ("ProRes", "prores_ks", "yuv422p10le"),
        ("AV1", "libsvtav1", "yuv420p"),
    ],
)
def test_pixel_formats_and_codecs(tmp_path, name, codec, pix_fmt):
    clip = moving_clip()
    # Sharp colours suffer where a format stores them at half size: compare away from edges by the mean.
    path = encode(
        tmp_path / "clip.mov" if "Pro" in name else tmp_path / "clip.mkv", clip, codec=codec, pix_fmt=pix_fmt
    )
    assert difference(video.read_clip(path), clip) < 4
    red, blue = video.read_clip(path)[0, 5, 5], video.read_clip(path)[0, -5, 3]
    np.testing.assert_allclose(red, (220, 40, 40), atol=12)
    np.testing.assert_allclose(blue, (40, 60, 210), atol=12)


@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le"])
def test_grey_becomes_three_equal_channels(tmp_path, pix_fmt):
    clip = numbered_clip(4)
    path = encode(tmp_path / "grey.mkv", clip, codec="ffv1", pix_fmt=pix_fmt)
    assert difference(video.read_clip(path), clip) <= 1


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt"),
    [
        ("mov", "qtrle", "argb"),
        ("mkv", "ffv1", "bgra"),
        ("mov", "png", "rgba"),
        ("mov", "prores_ks", "yuva444p10le"),
        ("webm", "libvpx-vp9", "yuva420p"),
    ],
)
def test_alpha_is_dropped(tmp_path, suffix, codec, pix_fmt):
    clip = moving_clip()
    alpha = np.full((*clip.shape[:3], 1), 128, np.uint8)
    alpha[:, :10] = 0
    path = encode(
        tmp_path / f"alpha.{suffix}", np.concatenate([clip, alpha], axis=-1), codec=codec, pix_fmt=pix_fmt
    )
    # VP9 alone loses something: its colours are stored at half size.
    assert difference(video.read_clip(path), clip) <= (3 if suffix == "webm" else 0.01)


@pytest.mark.parametrize(
    ("tag", "red", "blue"),
    [(1, 0.2126, 0.0722), (5, 0.299, 0.114), (6, 0.299, 0.114), (9, 0.2627, 0.0593)],
    ids=["BT.709", "BT.470BG", "SMPTE 170M", "BT.2020"],
)
def test_the_file_says_which_colours_it_means(tmp_path, tag, red, blue):
    if tag == 9 and int(av.__version__.split(".")[0]) < 18:
        pytest.skip("older PyAV does not know BT.2020")
    r, g, b = 200, 40, 30
    luma = red * r + (1 - red - blue) * g + blue * b  # ITU-R BT.601, 709, 2020: full range to 16 - 235
    planes = [16 + luma * 219 / 255]
    planes += [
        128 + (b - luma) / (2 * (1 - blue)) * 224 / 255,
        128 + (r - luma) / (2 * (1 - red)) * 224 / 255,
    ]
    yuv = np.rint(np.broadcast_to(np.reshape(planes, (3, 1, 1)), (3, 32, 32))).astype(np.uint8)
    path = tmp_path / "tagged.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.height = stream.width = 32
        stream.pix_fmt, stream.codec_context.colorspace = "yuv444p", tag
        container.mux(stream.encode(av.VideoFrame.from_ndarray(yuv, format="yuv444p")))
        container.mux(stream.encode())
    np.testing.assert_allclose(video.read_clip(path)[0, 16, 16], (r, g, b), atol=4)


def test_probe_names_the_format_not_the_decoder(tmp_path):
    path = encode(tmp_path / "av1.mp4", moving_clip(2, 64, 64), codec="libsvtav1", pix_fmt="yuv420p")
    assert video.probe(path).codec in ("av1", "libdav1d")  # PyAV 14 knows the decoder's name alone


def test_empty_places_do_not_count_as_frames_a_second(tmp_path):
    """AVI with a clock of 1/1000 s: 39 of 40 places are empty."""
    path = encode(tmp_path / "sparse.avi", moving_clip(10), codec="rawvideo", pix_fmt="bgr24")
    assert video.probe(path).fps == 25


@pytest.mark.parametrize(("height", "width"), [(5, 3), (3, 5), (10, 8000), (1, 1), (33, 41)])
def test_odd_sizes_are_read(tmp_path, height, width):
    clip = moving_clip(3, height, width)
    path = encode(tmp_path / "odd.mkv", clip, codec="ffv1", pix_fmt="bgr0")
    np.testing.assert_array_equal(video.read_clip(path), clip)
    info = video.probe(path)
    assert (info.height, info.width, info.num_frames) == (height, width, 3)
    assert video.read_clip(path, size=8).shape == (3, 8, 8, 3)


def test_one_frame_where_one_is_asked(tmp_path):
    clip = moving_clip(1)
    path = encode(tmp_path / "one.mp4", clip)
    assert difference(video.read_clip(path, num_frames=1), clip) < 2
    assert difference(video.read_clip(path, num_frames=1, fps=10), clip) < 2
    assert len(list(video.iter_frames(path))) == 1


def test_sound_beside_the_picture(tmp_path):
    clip = moving_clip()
    path = odd_videos.with_sound(tmp_path / "sound.mp4", clip)
    assert video.probe(path).has_audio
    assert difference(video.read_clip(path), clip) < 2


@pytest.mark.parametrize("name", ["Größe 视频 🎬.mp4", "http: is not %03d here.mp4", "-dash.mp4"])
def test_names_with_spaces_and_other_letters(tmp_path, name):
    path = tmp_path / "my videos" / name
    video.write_video(path, moving_clip(), fps=25)
    assert difference(video.read_clip(path), moving_clip()) < 4
    assert difference(video.read_clip(str(path)), moving_clip()) < 4
    assert difference(video.read_clip(os.fsencode(path)), moving_clip()) < 4


def test_a_title_in_another_encoding_does_not_matter(tmp_path):
    path = tmp_path / "title.mp4"
    video.write_video(path, moving_clip(), fps=25, comment="cafe at night")
    path.write_bytes(path.read_bytes().replace(b"cafe", b"caf\xe9"))  # Latin-1
    assert video.probe(path).num_frames == len(moving_clip())
    assert difference(video.read_clip(path), moving_clip()) < 4


def test_pixels_that_are_not_square(tmp_path):
    clip = moving_clip(2, 48, 48)
    path = encode(tmp_path / "wide.mp4", clip, settings={"sample_aspect_ratio": Fraction(4, 3)})
    info = video.probe(path)
    assert (info.height, info.width) == (48, 64)
    assert difference(video.read_clip(path), preprocess.resize(clip, 48, 64)) < 3


def test_a_picture_that_changes_its_size_and_has_no_timestamps(tmp_path):
    for name, width in (("a", 32), ("b", 64)):
        encode(tmp_path / f"{name}.h264", numbered_clip(4, 32, width), pix_fmt="yuv420p")
    path = tmp_path / "both.h264"
    path.write_bytes((tmp_path / "a.h264").read_bytes() + (tmp_path / "b.h264").read_bytes())
    clip = video.read_clip(path)
    assert clip.shape == (8, 32, 32, 3)
    assert frame_numbers(clip) == [0, 1, 2, 3, 0, 1, 2, 3]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cup", video.VideoInfo(640, 480, 26.777, 217, 8.104, 0, "h264", False)),
        ("city", video.VideoInfo(640, 360, 25.0, 190, 7.6, 0, "h264", False)),
        ("plant", video.VideoInfo(320, 240, 30.02, 36, 1.2, 0, "h264", True)),
    ],
)
def test_probe_of_the_camera_clips(name, expected):
    info = video.probe(REAL / f"{name}.mp4")
    assert info.fps == pytest.approx(expected.fps, abs=0.01)
    assert info.duration == pytest.approx(expected.duration, abs=0.01)
    for key in ("width", "height", "num_frames", "rotation", "codec", "has_audio"):
        assert getattr(info, key) == getattr(expected, key)


def test_frames_equal_those_of_pyav_and_of_iter_frames():
    path = REAL / "plant.mp4"
    with av.open(str(path)) as container:
        expected = np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    np.testing.assert_array_equal(video.read_clip(path), expected)
    np.testing.assert_array_equal(np.stack(list(video.iter_frames(path))), expected)


tells_covers = pytest.mark.skipif(not hasattr(av.stream, "Disposition"), reason="PyAV 14.0 tells no covers")


@tells_covers
@pytest.mark.parametrize("name", ["song.mp3", "song.mp4", "song.m4a"])
def test_the_cover_of_a_song_is_no_video(tmp_path, name):
    if name == "song.m4a":
        path = odd_videos.add_cover(odd_videos.with_sound(tmp_path / name))
    else:
        path = odd_videos.mp3_with_cover(tmp_path / name)
    with pytest.raises(video.VideoError, match="received a file with sound only"):
        video.probe(path)


@tells_covers
def test_the_cover_of_a_video_is_not_the_video(tmp_path):
    path = odd_videos.add_cover(odd_videos.with_sound(tmp_path / "film.mp4", moving_clip()))
    assert difference(video.read_clip(path), moving_clip()) < 2
    assert video.probe(path).codec == "h264"


def test_of_several_picture_streams_the_largest_is_read(tmp_path):
    small, large = numbered_clip(3), moving_clip(8)
    for name, clips in (("before", [small, large]), ("behind", [large, small])):
        path = odd_videos.with_streams(tmp_path / f"{name}.mkv", clips)
        assert (video.probe(path).width, video.probe(path).num_frames) == (64, 8)
        assert difference(video.read_clip(path), large) < 4


def _hard_to_measure(kind, folder):
    """(a video of 25 frames a second, how many of its frames a player shows)."""
    clip = numbered_clip(25, 32, 48)
    if kind == "edit list":
        return odd_videos.with_edit(folder / "cut.mp4", clip, 5, 20), 15
    if kind == "sound goes on":
        return odd_videos.with_streams(folder / "sound.mkv", [clip], seconds_of_sound=4), 25
    if kind == "starts late":
        return encode(folder / "late.mkv", clip, times=[5000 + 40 * k for k in range(25)]), 25
    if kind == "fine clock":
        return encode(folder / "fine.avi", clip, codec="mpeg4", pix_fmt="yuv420p"), 25
    if kind == "joined":
        order = [*range(100, 110), *range(15)]
        return odd_videos.with_shuffled_timestamps(folder / "joined.mkv", clip, order), 25
    suffix, codec = {"MPEG-PS": ("mpg", "mpeg2video"), "MPEG-TS": ("ts", "libx264")}.get(
        kind, ("mkv", "libx264")
    )
    path = folder / f"whole.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": "10", "bf": "2", "sc_threshold": "0"})
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for array in np.concatenate([clip, clip, clip, clip]):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        container.mux(stream.encode())
    if kind != "starts without a key frame":
        return path, 100
    return odd_videos.without_its_first_packets(folder / "copy.mkv", path, 3), 90


@pytest.mark.parametrize(
    "kind",
    [
        "edit list",
        "sound goes on",
        "starts late",
        "fine clock",
        "joined",
        "MPEG-PS",
        "MPEG-TS",
        "starts without a key frame",
    ],
)
def test_probe_and_read_clip_agree(tmp_path, kind):
    if kind == "starts without a key frame" and int(av.__version__.split(".")[0]) < 15:
        pytest.skip("older PyAV copies no stream that can be read again")
    path, shown = _hard_to_measure(kind, tmp_path)
    info = video.probe(path)
    assert (info.num_frames, info.fps) == (shown, 25)
    assert info.duration == pytest.approx(shown / 25, abs=0.002)
    assert len(video.read_clip(path)) == shown
    assert len(video.read_clip(path, fps=25)) == shown


# ---- size, start, number of frames -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cup", "city", "plant"])
@pytest.mark.parametrize("size", [32, 64, (48, 96)])
def test_size_agrees_with_preprocess(name, size):
    path = REAL / f"{name}.mp4"
    height, width = (size, size) if isinstance(size, int) else size
    small, full = video.read_clip(path, num_frames=3, size=size), video.read_clip(path, num_frames=3)
    scale = max(height / full.shape[1], width / full.shape[2])
    covering = preprocess.resize(full, *(round(n * scale) for n in full.shape[1:3]))
    expected = preprocess.center_crop(covering, height, width)
    assert difference(small, expected) < 2.5  # colours, stored at half size, are spread differently
    off = (small.astype(float) - expected) @ np.array([0.299, 0.587, 0.114])
    assert abs(off.mean()) < 1.7  # FFmpeg rounds colours down where it does not scale
    assert np.abs(off - off.mean()).mean() < 1


def test_size_agrees_exactly_where_colours_are_stored_in_full(tmp_path):
    clip = moving_clip(3, 96, 96)
    path = encode(tmp_path / "rgb.mkv", clip, codec="ffv1", pix_fmt="bgr0")
    for size in (32, 64, 128):
        ours = preprocess.resize(clip, size, size)
        assert np.abs(video.read_clip(path, size=size).astype(int) - ours).max() <= 3


@pytest.mark.parametrize("options", [{}, {"bf": "3", "g": "250"}, {"bf": "0", "g": "5"}])
def test_start_jumps_to_the_right_frame(tmp_path, options):
    clip = np.concatenate([numbered_clip(25)] * 4)
    path = encode(tmp_path / "long.mp4", clip, settings={"options": {"crf": "1", **options}})
    for start in (0.04, 0.5, 1.0, 1.04, 2.0, 2.48, 3.0, 3.96):
        at_or_after, on_show = math.ceil(round(start * 25, 6)), math.floor(round(start * 25, 6))
        received = frame_numbers(video.read_clip(path, start=start))
        assert received == [k % 25 for k in range(at_or_after, 100)]
        received = frame_numbers(video.read_clip(path, start=start, fps=25, num_frames=1))
        assert received == [on_show % 25]


@settings(max_examples=40, deadline=None)
@given(
    gaps=st.lists(st.integers(5, 400), min_size=2, max_size=12),
    fps=st.sampled_from([1, 7.5, 10, 24, 29.97, 60]),
    start=st.sampled_from([0, 0.1, 0.3]),
)
def test_resampling_is_what_a_player_shows(tmp_path_factory, gaps, fps, start):
    times = np.concatenate([[0], np.cumsum(gaps)])
    path = tmp_path_factory.mktemp("vfr") / "vfr.mkv"
    encode(path, numbered_clip(len(times)), codec="ffv1", times=times.tolist())
    try:
        received = frame_numbers(video.read_clip(path, fps=fps, start=start))
    except video.VideoError:
        assert start * 1000 >= times[-1]
        return
    wanted = 1000 * (start + np.arange(len(received)) / fps)
    expected = np.searchsorted(times, wanted + 0.5, side="right") - 1  # the file counts in whole ms
    close = np.abs(times[:, None] - wanted - 0.5).min(axis=0) < 0.01  # on the edge of rounding: either
    np.testing.assert_array_equal(np.array(received)[~close], expected[~close])
    assert wanted[-1] + 1000 / fps >= times[-1]  # the last frame is reached


@pytest.mark.parametrize(
    "arguments",
    [
        {"num_frames": 0},
        {"num_frames": 2.5},
        {"num_frames": True},
        {"fps": 0},
        {"fps": float("nan")},
        {"fps": 1e-7},
        {"fps": True},
        {"fps": "25"},
        {"start": -1},
        {"start": float("inf")},
        {"size": 0},
        {"size": (8, 8, 3)},
        {"size": "64"},
    ],
)
def test_bad_arguments(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=rf"{name}: expected .* received"):
        video.read_clip(REAL / "plant.mp4", **arguments)


# ---- one clear error -------------------------------------------------------------------------------------


def _bad_file(kind, folder):
    good = encode(folder / "good.mp4", moving_clip(12), settings={"options": {"crf": "18", "g": "4"}})
    path = folder / f"{kind}.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("#EXTM3U\nhttp://127.0.0.1:1/video.mp4\nThis was never a video.\n" * 20)
    elif kind == "list of files":
        path.write_text(f"ffconcat version 1.0\nfile {good.name}\n")
    elif kind == "link to itself":
        path.symlink_to(path)
    elif kind == "truncated":
        path.write_bytes(good.read_bytes()[:-200])
    elif kind == "truncated early":
        path.write_bytes(good.read_bytes()[:20])
    elif kind == "sound":
        odd_videos.with_sound(path)
    elif kind == "zero frames":
        path = odd_videos.without_frames(folder / f"{kind}.avi")
    elif kind == "scrambled":
        data = bytearray(good.read_bytes())
        start = data.index(b"mdat") + 4
        data[start + 900 : start + 1100] = b"\xff" * 200
        path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "there is none"),
        ("folder", "received a folder"),
        ("empty", "0 bytes"),
        ("text", "expected a video, received something else"),
        ("list of files", "expected a video, received a list of files"),
        ("link to itself", "there is none"),
        ("truncated", r"cut short, expected \d+ bytes, received \d+"),
        ("truncated early", "expected a video|cut short"),
        ("sound", "expected a video, received a file with sound only"),
        ("zero frames", "0 frames"),
        ("scrambled", "damaged"),
    ],
)
def test_bad_files_give_one_line_that_names_the_file(tmp_path, kind, message):
    path = _bad_file(kind, tmp_path)
    for read in (video.probe, video.read_clip, lambda p: list(video.iter_frames(p))):
        with pytest.raises(video.VideoError, match=message) as error:
            read(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)
    assert issubclass(video.VideoError, ValueError)


def test_truncated_in_the_middle_of_the_pictures(tmp_path):
    """The index stands first ("fast start"), so FFmpeg alone would play the half that is there."""
    source, path = REAL / "city.mp4", tmp_path / "half.mp4"
    data = source.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(
        video.VideoError, match=f"cut short, expected {len(data)} bytes, received {len(data) // 2}"
    ):
        video.read_clip(path, num_frames=5)


def test_fewer_frames_than_asked():
    path = REAL / "plant.mp4"
    with pytest.raises(video.VideoError, match=r"plant\.mp4: expected 37 frames .*received 36"):
        video.read_clip(path, num_frames=37)
    with pytest.raises(video.VideoError, match=r"expected 13 frames .* at 10 fps, received 12"):
        video.read_clip(path, num_frames=13, fps=10)
    for start in (60, 1e18, 1e300):
        with pytest.raises(video.VideoError, match=r"expected some frames from .* s on, received 0"):
            video.read_clip(path, start=start)


# ---- constant memory -------------------------------------------------------------------------------------


def test_iter_frames_needs_constant_memory(tmp_path):
    resource = pytest.importorskip("resource")
    path = odd_videos.long_video(tmp_path / "long.mp4", 6000)  # four minutes; 74 MB decoded
    tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = sum(1 for _ in video.iter_frames(path))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # kB; the whole process
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 6000
    assert peak < 2e6
    assert grown < 20_000
    with av.open(str(path)) as container:  # and a jump lands on the very frame that decoding all meets
        expected = next(f for f in container.decode(video=0) if f.time >= 200).to_ndarray(format="rgb24")
    np.testing.assert_array_equal(video.read_clip(path, start=200, num_frames=1)[0], expected)


# ---- writing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [10, 12.5, 30000 / 1001, 26.777])
def test_mp4_round_trip(tmp_path, rate):
    clip = moving_clip(10)
    path = tmp_path / "clip.mp4"
    video.write_video(path, clip, fps=rate, comment="generated by a test")
    info = video.probe(path)
    assert (info.width, info.height, info.num_frames, info.codec) == (64, 48, 10, "h264")
    assert info.fps == pytest.approx(rate, rel=1e-6)
    assert difference(video.read_clip(path), clip) < 4
    with av.open(str(path)) as container:
        assert container.metadata["comment"] == "generated by a test"
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


@pytest.mark.parametrize(("height", "width"), [(5, 3), (33, 41), (10, 8000), (48, 63), (1, 1)])
def test_mp4_pads_odd_sizes_and_says_so(tmp_path, height, width):
    clip = moving_clip(2, height, width)
    path = tmp_path / "odd.mp4"
    if height % 2 or width % 2:
        with pytest.warns(UserWarning, match=f"padded {width}x{height} to"):
            video.write_video(path, clip, fps=25, crf=1)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            video.write_video(path, clip, fps=25, crf=1)
    padded = np.pad(clip, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    assert difference(video.read_clip(path), padded) < (30 if height * width < 20 else 7)


def test_gif_loops_keeps_its_length_and_carries_the_comment(tmp_path):
    clip = moving_clip(9)
    path = tmp_path / "clip.gif"
    video.write_video(path, clip, fps=30, comment="generated")
    with Image.open(path) as image:
        assert image.n_frames == 9
        assert image.info["loop"] == 0
        assert image.info["comment"] == b"generated"
        frames, durations = [], []
        for k in range(9):
            image.seek(k)
            frames.append(np.asarray(image.convert("RGB")))
            durations.append(image.info["duration"])
    assert sum(durations) == 300
    assert set(durations) <= {30, 40}
    assert difference(np.stack(frames), clip) < 4
    assert difference(video.read_clip(path), clip) < 4


def test_gif_of_frames_that_stand_still_comes_back_whole_by_its_rate(tmp_path):
    clip = np.zeros((6, 16, 16, 3), np.uint8)
    clip[3:] = 200
    video.write_video(tmp_path / "still.gif", clip, fps=10)
    assert np.array_equal(video.read_clip(tmp_path / "still.gif", fps=10), clip)
    assert video.probe(tmp_path / "still.gif").duration == pytest.approx(0.6)


def test_frames_of_different_sizes_are_refused_with_the_name(tmp_path):
    frames = [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 6, 3), np.uint8)]
    with pytest.raises(ValueError, match=r"mixed\.mp4: expected frames of one size"):
        video.write_video(tmp_path / "mixed.mp4", frames, fps=10)


def test_gif_palette_is_the_same_in_all_frames(tmp_path):
    clip = moving_clip(4)
    clip[:, :16, 40:] = (200, 180, 160)  # a part that stands still must not flicker
    video.write_video(tmp_path / "clip.gif", clip, fps=10)
    still = video.read_clip(tmp_path / "clip.gif")[:, :16, 40:]
    assert (still == still[:1]).all()


def test_webp_is_animated_and_carries_the_comment(tmp_path):
    clip = moving_clip(7)
    path = tmp_path / "clip.webp"
    video.write_video(path, clip, fps=10, comment="generated")
    with Image.open(path) as image:
        assert image.n_frames == 7
        assert image.info["loop"] == 0
        assert image.getexif()[0x010E] == "generated"
        image.seek(3)
        assert difference(np.asarray(image.convert("RGB"))[None], clip[3:4]) < 5


def test_png_contact_sheet(tmp_path):
    clip = moving_clip(5, 20, 30)
    path = tmp_path / "sheet.png"
    video.write_video(path, clip, fps=10, comment="generated")
    with Image.open(path) as image:
        assert image.text["Comment"] == "generated"
        sheet = np.asarray(image)
    assert sheet.shape == (3 * 20, 2 * 30, 3)
    for k, frame in enumerate(clip):
        row, column = divmod(k, 2)
        np.testing.assert_array_equal(sheet[20 * row :, 30 * column :][:20, :30], frame)
    assert (sheet[40:, 30:] == 255).all()


def test_equal_clips_give_equal_files(tmp_path):
    for suffix in ("mp4", "gif", "webp", "png"):
        for name in "ab":
            video.write_video(tmp_path / f"{name}.{suffix}", moving_clip(), fps=25)
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("clip", "received"),
    [
        (moving_clip()[0], r"\(48, 64, 3\)"),
        (moving_clip()[..., :1], r"\(6, 48, 64, 1\)"),
        (moving_clip()[None], r"\(1, 6, 48, 64, 3\)"),
        (moving_clip()[:0], r"\(0, 48, 64, 3\)"),
        (moving_clip() / 127.5 - 1, "float64"),
        (np.full((2, 8, 8, 3), np.nan), "float64"),
        (moving_clip().astype(np.int64), "int64"),
    ],
)
def test_write_refuses_other_arrays(tmp_path, clip, received):
    with pytest.raises(ValueError, match=rf"clip\.mp4: expected a uint8 clip .*{received}"):
        video.write_video(tmp_path / "clip.mp4", clip, fps=25)
    assert not any(tmp_path.iterdir())


def test_write_refuses_other_names_and_rates(tmp_path):
    with pytest.raises(ValueError, match=r"clip\.xyz: expected a name ending in \.mp4.*received '\.xyz'"):
        video.write_video(tmp_path / "clip.xyz", moving_clip(), fps=25)
    with pytest.raises(ValueError, match=r"clip\.mp4: fps: expected .* received 0"):
        video.write_video(tmp_path / "clip.mp4", moving_clip(), fps=0)
    for suffix in ("gif", "webp", "mp4"):
        with pytest.raises(ValueError, match=r"fps: expected .* received 1e-07"):
            video.write_video(tmp_path / f"clip.{suffix}", moving_clip(), fps=1e-7)
    for crf in (-1, 52, "18", None):
        with pytest.raises(ValueError, match=r"clip\.mp4: crf: expected a number from 0 to 51, received"):
            video.write_video(tmp_path / "clip.mp4", moving_clip(), fps=25, crf=crf)


@pytest.mark.skipif(sys.platform == "win32", reason="counts a name's letters, and the path's")
def test_a_name_as_long_as_names_can_be_and_a_name_in_bytes(tmp_path):
    path = tmp_path / ("x" * 251 + ".mp4")
    video.write_video(path, moving_clip(), fps=25)
    video.write_video(os.fsencode(tmp_path / "bytes.gif"), moving_clip(), fps=25)
    assert sorted(os.listdir(tmp_path)) == ["bytes.gif", path.name]


@pytest.mark.parametrize(
    ("suffix", "width", "fps"),
    [("mp4", 20_000, 10), ("gif", 70_000, 10), ("gif", 8, 1e-6), ("webp", 20_000, 10), ("webp", 8, 1e-6)],
)
def test_what_a_format_cannot_hold_is_one_clear_error(tmp_path, suffix, width, fps):
    with pytest.raises(video.VideoError, match=rf"clip\.{suffix}: cannot be written"):
        video.write_video(tmp_path / f"clip.{suffix}", moving_clip(2, 2, width), fps=fps)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["mp4", "gif", "webp", "png"])
@pytest.mark.parametrize("shape", [(1, 48, 64), (1, 2, 2), (3, 1, 4)])
def test_one_frame_and_tiny_frames_are_written(tmp_path, suffix, shape):
    """Shapes that a library may take for one grey picture, or for colours."""
    clip, path = moving_clip(*shape), tmp_path / f"clip.{suffix}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # padded
        video.write_video(path, clip, fps=10)
    if suffix == "mp4":
        assert len(video.read_clip(path)) == shape[0]
        return
    with Image.open(path) as image:
        pictures = shape[0] if suffix != "png" else 1
        assert getattr(image, "n_frames", 1) == pictures
        if pictures == shape[0]:
            assert image.size == shape[:0:-1]


def test_arrays_that_are_views_are_written_as_seen(tmp_path):
    view = moving_clip(4, 48, 128)[::-1, :, ::-2]
    view.flags.writeable = False
    for suffix in ("mp4", "gif"):
        video.write_video(tmp_path / f"clip.{suffix}", view, fps=10)
        assert difference(video.read_clip(tmp_path / f"clip.{suffix}"), view) < 4


def test_output_folder_is_made_or_the_error_names_the_file(tmp_path):
    video.write_video(tmp_path / "new" / "folder" / "clip.gif", moving_clip(), fps=25)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(video.VideoError, match=r"clip\.mp4: cannot be written"):
        video.write_video(tmp_path / "file" / "clip.mp4", moving_clip(), fps=25)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a read-only place that stops root, too")
def test_read_only_output_folder():
    with pytest.raises(video.VideoError, match=r"/proc/self/clip\.mp4: cannot be written"):
        video.write_video("/proc/self/clip.mp4", moving_clip(), fps=25)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_full_output_folder_leaves_the_old_file(tmp_path, suffix):
    path = tmp_path / f"clip.{suffix}"
    path.write_text("old")
    script = f"""
        import resource, signal, numpy as np
        from vgcourse import video
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            noise = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3), dtype=np.uint8)
            video.write_video({str(path)!r}, noise, fps=10)
        except video.VideoError as error:
            print("refused:", error)
    """
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert f"refused: {path}: cannot be written" in result.stdout, result.stderr
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "old"
