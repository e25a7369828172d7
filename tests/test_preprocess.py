"""vgcourse.preprocess against closed forms, Pillow, and the three camera clips."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_videos import moving_clip
from PIL import Image
from scipy.ndimage import gaussian_filter

from vgcourse import preprocess, video

REAL = Path(__file__).parents[1] / "data" / "real"
sizes = st.integers(1, 40)


def noise(num_frames=2, height=24, width=36, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)


# ---- crop ------------------------------------------------------------------------------------------------


@given(data=st.data(), height=sizes, width=sizes)
def test_crop_takes_the_box(data, height, width):
    clip = noise(2, height, width)
    new_height, new_width = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    top, left = data.draw(st.integers(0, height - new_height)), data.draw(st.integers(0, width - new_width))
    box = preprocess.crop(clip, top, left, new_height, new_width)
    assert box.shape == (2, new_height, new_width, 3)
    y, x = data.draw(st.integers(0, new_height - 1)), data.draw(st.integers(0, new_width - 1))
    np.testing.assert_array_equal(box[:, y, x], clip[:, top + y, left + x])


@given(data=st.data(), height=sizes, width=sizes)
def test_center_crop_leaves_equal_margins(data, height, width):
    new_height, new_width = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    rows = np.broadcast_to(np.arange(height)[:, None, None], (1, height, width, 1)).astype(np.uint8)
    box = preprocess.center_crop(rows, new_height, new_width)[0, :, 0, 0]
    above, below = int(box[0]), height - 1 - int(box[-1])
    assert below - above in (0, 1)
    assert preprocess.center_crop(rows, new_height, new_width).shape == (1, new_height, new_width, 1)


def test_random_crop_is_the_same_box_for_all_frames_and_the_same_for_a_seed():
    clip = np.repeat(noise(1), 6, axis=0)
    boxes = [preprocess.random_crop(clip, 10, 12, seed=seed) for seed in range(20)]
    for seed, box in enumerate(boxes):
        assert box.shape == (6, 10, 12, 3)
        assert (box == box[:1]).all()
        np.testing.assert_array_equal(box, preprocess.random_crop(clip, 10, 12, seed=seed))
    assert len({box.tobytes() for box in boxes}) > 15


def test_random_crop_reaches_every_place():
    places = np.arange(12, dtype=np.uint8).reshape(1, 3, 4, 1)
    found = {int(preprocess.random_crop(places, 1, 1, seed=seed)[0, 0, 0, 0]) for seed in range(300)}
    assert found == set(range(12))


@pytest.mark.parametrize(
    "function", [preprocess.center_crop, lambda c, h, w: preprocess.random_crop(c, h, w, seed=0)]
)
def test_crop_larger_than_the_frame(function):
    with pytest.raises(ValueError, match="expected a box within 24x36 .*received 25x10"):
        function(noise(), 25, 10)
    with pytest.raises(ValueError, match="width: expected a whole number from 1 on, received 0"):
        function(noise(), 5, 0)


def test_crop_outside_the_frame():
    for top, left in [(15, 0), (0, 27)]:
        with pytest.raises(ValueError, match="crop: expected a box within 24x36 .*received 10x10 at row"):
            preprocess.crop(noise(), top, left, 10, 10)
    for top, left in [(-1, 0), (0, -1)]:
        with pytest.raises(
            ValueError, match="crop: (top|left): expected a whole number from 0 on, received -1"
        ):
            preprocess.crop(noise(), top, left, 10, 10)
    assert preprocess.crop(noise(), 14, 26, 10, 10).shape == (2, 10, 10, 3)  # the last place there is


# ---- resize ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(24, 36), (12, 18), (7, 5), (60, 90), (1, 1), (23, 37)])
def test_resize_equals_pillow(size):
    clip = noise(3)
    expected = [Image.fromarray(f).resize(size[::-1], Image.Resampling.BILINEAR) for f in clip]
    ours = preprocess.resize(clip, *size)
    assert ours.dtype == np.uint8
    assert np.abs(ours.astype(int) - np.stack([np.asarray(e) for e in expected])).max() <= 1


@settings(max_examples=50)
@given(height=sizes, width=sizes, new_height=sizes, new_width=sizes, grey=st.integers(0, 255))
def test_resize_keeps_plain_frames_plain(height, width, new_height, new_width, grey):
    clip = np.full((2, height, width, 3), grey, np.uint8)
    resized = preprocess.resize(clip, new_height, new_width)
    assert resized.shape == (2, new_height, new_width, 3)
    assert (resized == grey).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 99), factor=st.integers(2, 4))
def test_resize_keeps_the_mean_and_never_leaves_the_range(seed, factor):
    # Away from the border, where the triangle is cut off, every old pixel counts the same.
    clip = np.zeros((1, 48, 48, 1), np.float32)
    clip[:, 12:36, 12:36] = np.random.default_rng(seed).uniform(-1, 1, (1, 24, 24, 1))
    small = preprocess.resize(clip, 48 // factor, 48 // factor)
    assert small.dtype == np.float32
    assert small.mean() == pytest.approx(clip.mean(), abs=1e-5)
    assert np.abs(small).max() <= 1


def test_resize_to_the_same_size_is_exact():
    np.testing.assert_array_equal(preprocess.resize(noise(), 24, 36), noise())


def test_resize_is_antialiased():
    """A 1-pixel chessboard, shrunk by 4, is plain grey; picking pixels would make it black or white."""
    chess = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)[None, :, :, None]
    inner = preprocess.resize(chess, 16, 16)[0, 1:-1, 1:-1, 0]
    np.testing.assert_allclose(inner, 127.5, atol=1)


# ---- rotate ----------------------------------------------------------------------------------------------


def test_rotate_is_counter_clockwise():
    clip = np.zeros((1, 2, 2, 1), np.uint8)
    clip[0, 0, 1] = 9  # top right
    assert preprocess.rotate(clip, 90)[0, 0, 0] == 9  # top left
    assert preprocess.rotate(clip, -90)[0, 1, 1] == 9  # bottom right


@given(turns=st.integers(-9, 9))
def test_rotate_by_multiples_of_90_is_exact(turns):
    clip = noise()
    np.testing.assert_array_equal(preprocess.rotate(clip, 90 * turns), np.rot90(clip, turns, axes=(1, 2)))
    back = preprocess.rotate(preprocess.rotate(clip, 90 * turns), -90 * turns)
    np.testing.assert_array_equal(back, clip)


@pytest.mark.parametrize("degrees", [10, 45, 137.5, -30])
def test_rotate_equals_pillow_away_from_the_corners(degrees):
    clip = moving_clip(2, 48, 64)
    expected = np.stack(
        [np.asarray(Image.fromarray(f).rotate(degrees, Image.Resampling.BILINEAR)) for f in clip]
    )
    ours = preprocess.rotate(clip, degrees)
    assert ours.shape == clip.shape
    y, x = np.mgrid[:48, :64] - np.array([23.5, 31.5])[:, None, None]
    inside = np.hypot(y, x) < 22
    assert np.abs(ours[:, inside].astype(int) - expected[:, inside]).max() <= 2


@given(degrees=st.floats(-720, 720))
def test_rotate_keeps_plain_frames_plain(degrees):
    clip = np.full((2, 9, 9, 3), 77, np.uint8)
    assert (preprocess.rotate(clip, degrees) == 77).all()


def test_rotate_turns_all_frames_alike():
    clip = np.repeat(noise(1), 3, axis=0)
    turned = preprocess.rotate(clip, 33)
    assert (turned == turned[:1]).all()


def test_rotate_refuses_angles_that_are_none():
    for angle in (float("nan"), np.inf, "90", None, True):
        with pytest.raises(
            ValueError, match=f"rotate: degrees: expected a finite number, received .*{angle}"
        ):
            preprocess.rotate(noise(), angle)


@pytest.mark.parametrize(
    "function",
    [
        lambda clip, n: preprocess.crop(clip, n, 0, 2, 2),
        lambda clip, n: preprocess.crop(clip, 0, n, 2, 2),
        lambda clip, n: preprocess.crop(clip, 0, 0, 2, n),
        lambda clip, n: preprocess.center_crop(clip, n, 2),
        lambda clip, n: preprocess.random_crop(clip, 2, n, seed=0),
        lambda clip, n: preprocess.resize(clip, n, 2),
        lambda clip, n: preprocess.sample_frames(clip, n),
        lambda clip, n: preprocess.sample_frames(clip, 1, step=n),
        lambda clip, n: preprocess.sample_frames(clip, 1, start=n),
        lambda clip, n: preprocess.quality_report(clip, min_frames=n),
    ],
)
def test_sizes_that_are_no_whole_numbers_are_refused(function):
    for number in (1.0, "1", None, True, -1):
        with pytest.raises(ValueError, match=f"expected a whole number.*received .*{number!r}"):
            function(noise(), number)


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (1, 5, 3, 3), (2, 3, 5, 1), (1, 1000, 10, 3)])
def test_odd_and_tiny_clips_pass_through(shape):
    clip = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    for turned, height, width in ((clip, *shape[1:3]), (clip[::-1, :, ::-1], *shape[1:3])):
        np.testing.assert_array_equal(preprocess.rotate(turned, 90), np.rot90(turned, 1, axes=(1, 2)))
        np.testing.assert_array_equal(preprocess.resize(turned, height, width), turned)
        assert preprocess.resize(turned, 4, 6).shape == (shape[0], 4, 6, shape[3])
        assert preprocess.rotate(turned, 33).shape == shape
        assert all(0 < cut < len(turned) for cut in preprocess.find_cuts(turned))
        assert set(preprocess.quality_report(turned)) == {"black", "frozen", "blurred", "too_short", "cuts"}


# ---- sample_frames ---------------------------------------------------------------------------------------


@given(data=st.data(), length=st.integers(1, 50))
def test_sample_frames_takes_every_step(data, length):
    start, step = data.draw(st.integers(0, length - 1)), data.draw(st.integers(1, length))
    num_frames = data.draw(st.integers(1, (length - 1 - start) // step + 1))
    clip = np.arange(length, dtype=np.uint8).reshape(-1, 1, 1, 1)
    sampled = preprocess.sample_frames(clip, num_frames, step=step, start=start)
    assert sampled[:, 0, 0, 0].tolist() == [start + k * step for k in range(num_frames)]


def test_sample_frames_says_how_many_it_needs():
    clip = noise(10)
    assert len(preprocess.sample_frames(clip, 4, step=3)) == 4
    with pytest.raises(ValueError, match="expected a clip of 11 frames or more .*received 10"):
        preprocess.sample_frames(clip, 4, step=3, start=1)
    for arguments in ({"num_frames": 0}, {"num_frames": 2, "step": 0}, {"num_frames": 2, "start": -1}):
        with pytest.raises(ValueError, match="sample_frames: .*expected a whole number from"):
            preprocess.sample_frames(clip, **arguments)


# ---- value ranges ----------------------------------------------------------------------------------------


def test_the_round_trip_of_all_values_is_exact():
    values = np.arange(256, dtype=np.uint8)
    model = preprocess.to_model_range(values)
    assert model.dtype == np.float32
    assert (model[0], model[255]) == (-1, 1)
    assert (np.diff(model) > 0).all()
    np.testing.assert_array_equal(preprocess.to_uint8(model), values)
    np.testing.assert_array_equal(preprocess.to_uint8(model.astype(np.float64)), values)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_to_uint8_rounds_to_the_nearest(dtype):
    values = np.linspace(-1, 1, 1001).astype(dtype)
    expected = np.floor((values.astype(np.float64) + 1) * 127.5 + 0.5)
    assert np.abs(preprocess.to_uint8(values) - expected).max() <= (values == 0).any()
    np.testing.assert_array_equal(preprocess.to_uint8(np.array([-1.0005, 1.0005], dtype)), [0, 255])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.01, -2.0, 255.0])
def test_to_uint8_refuses_values_outside_the_range(bad):
    with pytest.raises(ValueError, match=r"to_uint8: expected values in \[-1, 1\], received"):
        preprocess.to_uint8(np.array([0.0, bad]))


def test_the_wrong_dtype_is_refused():
    with pytest.raises(ValueError, match="to_model_range: expected uint8 .*received float32"):
        preprocess.to_model_range(np.zeros((2, 4, 4, 3), np.float32))
    with pytest.raises(ValueError, match="to_uint8: expected floats .*received uint8"):
        preprocess.to_uint8(np.zeros((2, 4, 4, 3), np.uint8))


FUNCTIONS = {
    "crop": lambda clip: preprocess.crop(clip, 0, 0, 2, 2),
    "center_crop": lambda clip: preprocess.center_crop(clip, 2, 2),
    "random_crop": lambda clip: preprocess.random_crop(clip, 2, 2, seed=0),
    "resize": lambda clip: preprocess.resize(clip, 2, 2),
    "rotate": lambda clip: preprocess.rotate(clip, 30),
    "sample_frames": lambda clip: preprocess.sample_frames(clip, 1),
    "find_cuts": preprocess.find_cuts,
    "quality_report": preprocess.quality_report,
}


NO_CLIPS = [
    (np.zeros((4, 4, 3), np.uint8), r"shape \(4, 4, 3\)"),
    (np.zeros((2, 2, 4, 4, 3), np.uint8), r"shape \(2, 2, 4, 4, 3\)"),
    (np.zeros((0, 4, 4, 3), np.uint8), r"shape \(0, 4, 4, 3\)"),
    (np.full((2, 4, 4, 3), "x"), "<U1"),
    (np.full((2, 4, 4, 3), None), "object"),
]
NOTHING_TO_COMPUTE_WITH = [
    (np.zeros((2, 4, 4, 3), np.int64), "int64"),
    (np.zeros((2, 4, 4, 3), bool), "bool"),
    (np.full((2, 4, 4, 3), np.nan, np.float32), "nan|float32"),
    (np.full((2, 4, 4, 3), 1.01, np.float32), r"1\.0.*\]|float32"),
    (np.full((2, 4, 4, 3), -np.inf), r"\[-inf|float64"),
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_no_clip_is_refused(name):
    computes = name in ("resize", "rotate", "find_cuts", "quality_report")  # the others only pick pixels
    for clip, received in NO_CLIPS + NOTHING_TO_COMPUTE_WITH * computes:
        with pytest.raises(ValueError, match=f"^{name}: .*expected .*received .*({received})"):
            FUNCTIONS[name](clip)


@pytest.mark.parametrize("dtype", ["int64", "uint16", "bool", "float16", "float64"])
def test_any_numbers_are_cropped_turned_and_sampled(dtype):
    clip = (1000 * np.random.default_rng(0).normal(size=(3, 5, 7, 2))).astype(dtype)
    for received, expected in (
        (preprocess.crop(clip, 1, 2, 3, 4), clip[:, 1:4, 2:6]),
        (preprocess.center_crop(clip, 3, 3), clip[:, 1:4, 2:5]),
        (preprocess.random_crop(clip, 5, 7, seed=0), clip),
        (preprocess.rotate(clip, 90), np.rot90(clip, axes=(1, 2))),
        (preprocess.rotate(clip, -180), clip[:, ::-1, ::-1]),
        (preprocess.sample_frames(clip, 2, step=2), clip[::2]),
    ):
        np.testing.assert_array_equal(received, expected)
        assert received.dtype == dtype


def test_crops_and_samples_are_views_as_they_say():
    clip = noise()
    for name in ("crop", "center_crop", "random_crop", "sample_frames"):
        assert np.shares_memory(FUNCTIONS[name](clip), clip)
        assert "(a view)" in getattr(preprocess, name).__doc__
    assert not np.shares_memory(preprocess.rotate(clip, 0), clip)


@pytest.mark.parametrize("seed", ["a", -1, 1.5])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(ValueError, match="random_crop: seed: expected an integer, 0 or more, received"):
        preprocess.random_crop(noise(), 2, 2, seed=seed)


@pytest.mark.parametrize("name", ["crop", "center_crop", "random_crop", "resize", "rotate", "sample_frames"])
def test_model_range_stays_model_range(name):
    stored = noise()
    model = FUNCTIONS[name](preprocess.to_model_range(stored))
    assert model.dtype == np.float32
    off = np.abs(preprocess.to_uint8(model).astype(int) - FUNCTIONS[name](stored))
    assert off.max() <= 1


# ---- cuts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "cuts"), [("city", [116]), ("cup", []), ("plant", [])])
def test_cuts_of_the_camera_clips(name, cuts):
    clip = video.read_clip(REAL / f"{name}.mp4")
    assert preprocess.find_cuts(clip) == cuts
    assert preprocess.find_cuts(video.read_clip(REAL / f"{name}.mp4", size=64)) == cuts
    # Every fifth frame: motion is five times as fast.
    assert preprocess.find_cuts(clip[::5]) == [-(-cut // 5) for cut in cuts]


def _shots():
    city = video.read_clip(REAL / "city.mp4", size=(60, 80))
    cup = video.read_clip(REAL / "cup.mp4", size=(60, 80))
    return [city[:60], city[120:180], cup[:60], video.read_clip(REAL / "plant.mp4", size=(60, 80))]


@settings(max_examples=30)
@given(order=st.permutations(range(4)), lengths=st.lists(st.integers(3, 30), min_size=4, max_size=4))
def test_cuts_between_any_two_shots(shots, order, lengths):
    parts = [shots[i][:length] for i, length in zip(order, lengths, strict=True)]
    assert preprocess.find_cuts(np.concatenate(parts)) == np.cumsum(lengths)[:-1].tolist()


@pytest.fixture(scope="module")
def shots():
    return _shots()


def test_a_flash_a_jolt_and_a_fade_are_no_cuts(shots):
    flash = shots[2][:30].copy()
    flash[12] = 255
    assert preprocess.find_cuts(flash) == []
    wide = video.read_clip(REAL / "city.mp4", num_frames=1, size=(60, 200))
    pan = np.concatenate([wide[:, :, 4 * k : 4 * k + 60] for k in range(30)])  # fast: 4 of 60 pixels a frame
    assert preprocess.find_cuts(pan) == []
    weights = np.linspace(0, 1, 30)[:, None, None, None]
    fade = ((1 - weights) * shots[0][:30] + weights * shots[1][:30]).astype(np.uint8)
    assert preprocess.find_cuts(fade) == []


def test_frames_shown_twice_do_not_look_like_cuts(shots):
    assert preprocess.find_cuts(np.repeat(shots[2][:20:4], 2, axis=0)) == []


def test_cuts_of_the_shortest_clips(shots):
    assert preprocess.find_cuts(shots[0][:1]) == []
    assert preprocess.find_cuts(np.stack([shots[0][0], shots[2][0]])) == [1]
    assert preprocess.find_cuts(np.zeros((5, 1, 1, 3), np.uint8)) == []


# ---- quality ---------------------------------------------------------------------------------------------


def _faults(clip, **options):
    return {name for name, finding in preprocess.quality_report(clip, **options).items() if finding["fault"]}


def test_good_clips_have_no_fault():
    for name in ("cup", "plant"):
        assert _faults(video.read_clip(REAL / f"{name}.mp4", num_frames=30)) == set()


def test_each_fault_is_found_and_measured():
    clip = video.read_clip(REAL / "plant.mp4")
    assert _faults(clip[:15]) == {"too_short"}
    assert _faults(clip[:8], min_frames=8) == set()
    assert _faults(np.repeat(clip[:1], 20, axis=0)) == {"frozen"}
    assert _faults(gaussian_filter(clip, (0, 4, 4, 0))) == {"blurred"}
    dark = clip.copy()
    dark[:9] //= 16  # lens cap, with a little noise
    assert "black" in _faults(dark)
    assert preprocess.quality_report(dark)["black"]["measured"] == 9 / 36
    city = video.read_clip(REAL / "city.mp4", size=120)
    assert preprocess.quality_report(city)["cuts"] == {"fault": True, "measured": [116], "limit": 0}
    report = preprocess.quality_report(np.repeat(clip[:5], 2, axis=0))
    assert report["frozen"]["measured"] == pytest.approx(5 / 9)
    assert report["too_short"] == {"fault": True, "measured": 10, "limit": 16}


def test_blur_grows_with_the_filter():
    clip = video.read_clip(REAL / "cup.mp4", num_frames=8)
    blur = [
        preprocess.quality_report(gaussian_filter(clip, (0, s, s, 0)))["blurred"]["measured"]
        for s in (0, 1, 2, 4)
    ]
    assert blur == sorted(blur)
    assert 0 < blur[0] < 0.5 < blur[-1] < 1


def test_blur_of_one_axis_or_of_the_end_alone_is_found():
    """A shaken camera blurs along one axis; a lens may lose its focus after a sharp start."""
    clip = video.read_clip(REAL / "plant.mp4")
    for sigmas in ((0, 4, 0, 0), (0, 0, 4, 0)):
        assert _faults(gaussian_filter(clip, sigmas)) == {"blurred"}
    late = clip.copy()
    late[8:] = gaussian_filter(clip[8:], (0, 4, 4, 0))
    assert preprocess.quality_report(late)["blurred"]["fault"]
    assert not preprocess.quality_report(late[:9])["blurred"]["fault"]


def test_report_of_one_plain_frame():
    report = preprocess.quality_report(np.zeros((1, 8, 8, 3), np.uint8))
    assert {k for k, v in report.items() if v["fault"]} == {"black", "blurred", "too_short"}
