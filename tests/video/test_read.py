"""vgcourse.video.read: probe, read_clip and iter_frames: what they tell, and their arguments."""

from pathlib import Path

import av
import numpy as np
import odd_videos
import pytest
from odd_videos import difference, encode, moving_clip

from vgcourse import preprocess, video

REAL = Path(__file__).parents[2] / "data" / "real"


def test_probe_names_the_format_not_the_decoder(tmp_path):
    path = encode(tmp_path / "av1.mp4", moving_clip(2, 64, 64), codec="libsvtav1", pix_fmt="yuv420p")
    assert video.probe(path).codec in ("av1", "libdav1d")  # PyAV 14 knows the decoder's name alone


def test_empty_places_do_not_count_as_frames_a_second(tmp_path):
    """AVI with a clock of 1/1000 s: 39 of 40 places are empty."""
    path = encode(tmp_path / "sparse.avi", moving_clip(10), codec="rawvideo", pix_fmt="bgr24")
    assert video.probe(path).fps == 25


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


@pytest.mark.parametrize(
    "arguments",
    [
        {"num_frames": 0},
        {"num_frames": 2.5},
        {"num_frames": True},
        {"fps": 0},
        {"fps": float("nan")},
        {"fps": 1e-7},
        {"fps": 1001},
        {"fps": 1e308},
        {"fps": True},
        {"fps": "25"},
        {"start": -1},
        {"start": float("inf")},
        {"size": 0},
        {"size": (8, 8, 3)},
        {"size": "64"},
        {"size": (8193, 8192)},
    ],
)
def test_bad_arguments(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=rf"{name}: expected .* received"):
        video.read_clip(REAL / "plant.mp4", **arguments)


def test_fewer_frames_than_asked():
    path = REAL / "plant.mp4"
    with pytest.raises(video.VideoError, match=r"plant\.mp4: expected 37 frames .*received 36"):
        video.read_clip(path, num_frames=37)
    with pytest.raises(video.VideoError, match=r"expected 13 frames .* at 10 fps, received 12"):
        video.read_clip(path, num_frames=13, fps=10)
    for start in (60, 1e18, 1e300):
        with pytest.raises(video.VideoError, match=r"expected some frames from .* s on, received 0"):
            video.read_clip(path, start=start)
