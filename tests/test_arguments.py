"""vgcourse.arguments: what is let through, what is refused, and what the error says."""

import math
from fractions import Fraction

import numpy as np
import pytest

from vgcourse import arguments

CLIPS = "uint8 of shape (num_clips, num_frames, height, width, 3)"


@pytest.mark.parametrize("value", [0, 7, np.uint8(3), np.int64(7)])
def test_a_whole_number_comes_back_as_an_int(value):
    number = arguments.whole_number("steps", value, 0, 7)
    assert number == value
    assert type(number) is int


@pytest.mark.parametrize(
    "value", [-1, 8, True, 3.0, np.float32(3), "3", None, [3], np.array([3]), np.bool_(1)]
)
def test_other_values_are_no_whole_numbers(value):
    with pytest.raises(ValueError, match="^steps: ") as error:
        arguments.whole_number("steps", value, 0, 7)
    assert str(error.value) == f"steps: expected a whole number from 0 to 7, received {value!r}"


def test_an_error_says_which_limits_there_are():
    with pytest.raises(ValueError, match=r"^seed: expected a whole number from 0 on, received -1$"):
        arguments.whole_number("seed", -1, 0)
    with pytest.raises(
        ValueError, match=r"^size: expected a whole number from 1 to 9 \(all clips\), received 0$"
    ):
        arguments.whole_number("size", 0, 1, 9, meaning="all clips")
    with pytest.raises(ValueError, match=r"^tilt: expected a finite number, received nan$"):
        arguments.real_number("tilt", math.nan)
    with pytest.raises(ValueError, match=r"^tilt: expected a finite number up to 2, received 3$"):
        arguments.real_number("tilt", 3, most=2)
    with pytest.raises(ValueError, match=r"^crf: expected a finite number from 0 to 51, received 51.5$"):
        arguments.real_number("crf", 51.5, 0, 51)


@pytest.mark.parametrize("value", [0, 1.5, 3, -2, Fraction(1, 3), np.float32(0.5), np.int8(-2)])
def test_a_real_number_comes_back_as_it_is(value):
    assert arguments.real_number("x", value, -2, 3) is value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", None, 1j, np.array([1.0])])
def test_other_values_are_no_real_numbers(value):
    with pytest.raises(ValueError, match="^x: expected a finite number, received"):
        arguments.real_number("x", value)


def test_frame_rates():
    for fps in (25, 30000 / 1001, Fraction(30000, 1001), 1e-6, np.float32(12.5)):
        assert arguments.frames_per_second("fps", fps) is fps
    for fps in (0, -25, 1e-7, math.inf, math.nan, True, "25", None):
        with pytest.raises(
            ValueError, match=r"^a\.mp4: fps: .* from 1e-06 on \(frames per second\), received"
        ):
            arguments.frames_per_second("a.mp4: fps", fps)


def test_choices():
    assert arguments.one_of("size", 64, (32, 64)) == 64
    for wrong in (65, "64", None, [64], np.array([32, 64])):
        with pytest.raises(ValueError, match=r"^size: expected one of 32, 64, received"):
            arguments.one_of("size", wrong, (32, 64))


def test_clips_come_back_as_they_are():
    clips = np.zeros((2, 3, 4, 5, 3), np.uint8)
    assert arguments.uint8_clips("clips", clips) is clips
    assert arguments.uint8_clips("clip", clips[0], 4).shape == (3, 4, 5, 3)
    assert arguments.uint8_clips("clips", list(clips), min_clips=2, min_frames=3).shape == clips.shape
    assert arguments.uint8_clips("clips", clips[..., :1], channels=None).shape[-1] == 1
    assert len(arguments.uint8_clips("clips", clips[:0], min_clips=0)) == 0


@pytest.mark.parametrize(
    ("shape", "dtype", "options", "expected", "received"),
    [
        ((2, 3, 4, 5, 3), np.float32, {}, CLIPS, "float32 of shape (2, 3, 4, 5, 3); preprocess.to_uint8"),
        ((2, 3, 4, 5, 3), np.int64, {}, CLIPS, "int64 of shape (2, 3, 4, 5, 3)"),
        (
            (3, 4, 5, 3),
            np.uint8,
            {},
            CLIPS,
            "uint8 of shape (3, 4, 5, 3); one clip among clips is clip[None]",
        ),
        ((2, 3, 4, 5, 4), np.uint8, {}, CLIPS, "uint8 of shape (2, 3, 4, 5, 4)"),
        ((0, 3, 4, 5, 3), np.uint8, {}, CLIPS, "uint8 of shape (0, 3, 4, 5, 3)"),
        ((2, 3, 0, 5, 3), np.uint8, {}, CLIPS, "uint8 of shape (2, 3, 0, 5, 3)"),
        ((2, 3, 4, 5, 0), np.uint8, {"channels": None}, "channels)", "uint8 of shape (2, 3, 4, 5, 0)"),
        ((2, 1, 4, 5, 3), np.uint8, {"min_frames": 2}, f"{CLIPS}, num_frames at least 2", "uint8"),
        ((1, 3, 4, 5, 3), np.uint8, {"min_clips": 2}, f"{CLIPS}, num_clips at least 2", "uint8"),
        ((), np.uint8, {"ndim": 4}, "uint8 of shape (num_frames, height, width, 3)", "uint8 of shape ()"),
        ((1, 4, 5, 3), np.uint8, {"ndim": 4, "min_frames": 2}, "3), num_frames at least 2", "uint8"),
    ],
)
def test_what_is_no_clip_is_refused(shape, dtype, options, expected, received):
    with pytest.raises(ValueError, match="^x: expected uint8 of shape") as error:
        arguments.uint8_clips("x", np.zeros(shape, dtype), **options)
    assert f"{expected}, received {received}" in str(error.value)


def test_frames_of_several_sizes_and_no_arrays_are_refused():
    with pytest.raises(ValueError, match="^clip: expected uint8 .*, received frames of several sizes$"):
        arguments.uint8_clips("clip", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)], 4)
    with pytest.raises(ValueError, match="received object of shape ()"):
        arguments.uint8_clips("clip", None, 4)
