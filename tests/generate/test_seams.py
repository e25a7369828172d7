"""Seams: loops are cut where the picture and its direction go on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vgcourse.generate import seams


def spot(angles):
    """A bright spot on a circle: the angle is the pose."""
    rows, columns = np.mgrid[:24, :24]
    y, x = 11.5 + 7 * np.sin(angles)[:, None, None], 11.5 + 7 * np.cos(angles)[:, None, None]
    clip = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 8)
    return np.repeat((clip * 255).round().astype(np.uint8)[..., None], 3, axis=-1)


def steps(clip):
    """Angles between the spots of neighbouring frames, the last and the first included."""
    rows, columns = np.mgrid[:24, :24] - 11.5
    angles = np.arctan2((clip[..., 0] * rows).sum((1, 2)), (clip[..., 0] * columns).sum((1, 2)))
    return np.mod(np.diff(angles, append=angles[0]) + np.pi, 2 * np.pi) - np.pi


def mean_square(a, b):
    return ((a.astype(float) - b) ** 2).mean()


@pytest.mark.parametrize("num_frames", [3, 4, 9])
def test_seams_are_what_the_description_says(num_frames):
    """Frame by frame in plain loops: the jump, a quarter of the neighbours', over the variety within."""
    clip = np.random.default_rng(num_frames).integers(0, 256, (num_frames, 4, 5, 3), np.uint8)
    found = seams.loop_seams(clip)
    for start in range(num_frames):
        for stop in range(num_frames):
            if stop <= start:
                assert found[start, stop] == np.inf
                continue
            around = [mean_square(clip[start + d], clip[stop + d]) for d in (-1, 1)
                      if start + d >= 0 and stop + d < num_frames]  # fmt: skip
            loop = clip[start:stop]
            variety = np.mean([[mean_square(a, b) for b in loop] for a in loop])
            if not around:  # neither frame has a neighbour to compare
                assert found[start, stop] == np.inf
                continue
            expected = (mean_square(clip[start], clip[stop]) + min(around) / 4) / (variety + 1e-9)
            assert found[start, stop] == pytest.approx(expected, rel=1e-6)


def test_the_smoothest_loop_of_all_that_are_long_enough():
    for seed in range(8):
        clip = np.random.default_rng(seed).integers(0, 256, (10, 3, 3, 3), np.uint8)
        found = seams.loop_seams(clip)
        for shortest in (1, 4, 8):
            cuts = [(a, b) for a in range(10) for b in range(a + shortest, 10) if b - a <= 8]
            start, stop = seams.best_loop(clip, min_frames=shortest)
            assert (start, stop) in cuts
            assert found[start, stop] == min(found[a, b] for a, b in cuts)
        assert seams.best_loop(clip) == seams.best_loop(clip, min_frames=5)


@pytest.mark.parametrize(("period", "num_frames"), [(9, 16), (10, 16), (12, 16), (20, 32)])
def test_best_loop_is_the_period(period, num_frames):
    clip = spot(2 * np.pi * np.arange(num_frames) / period + 0.3)
    start, stop = seams.best_loop(clip)
    assert stop - start == period
    # The first frame of the next turn comes after the last one: nothing is shown twice.
    np.testing.assert_array_equal(clip[start], clip[stop])


def test_best_loop_tells_up_from_down():
    # A swing passes the middle twice in a period, there and back: only the whole period loops.
    swing = spot(1.2 * np.sin(2 * np.pi * np.arange(16) / 10 + 0.2))
    start, stop = seams.best_loop(swing, min_frames=3)
    assert stop - start == 10


def test_best_loop_moves_though_standing_still_is_smoother():
    turn = 2 * np.pi * np.arange(10) / 8
    start, stop = seams.best_loop(spot(np.concatenate([np.zeros(6), turn])), min_frames=4)
    assert stop - start >= 8


def test_best_loop_of_a_still_clip_is_the_longest():
    start, stop = seams.best_loop(np.full((10, 4, 4, 3), 77, np.uint8))
    assert stop - start == 8


@given(st.integers(4, 20), st.integers(0, 1000))
@settings(max_examples=30)
def test_best_loop_lies_within_the_clip(num_frames, seed):
    clip = np.random.default_rng(seed).integers(0, 256, (num_frames, 3, 3, 3), np.uint8)
    start, stop = seams.best_loop(clip)
    assert 0 <= start < stop < num_frames
    assert stop - start >= num_frames // 2


@pytest.mark.parametrize("min_frames", [0, 15, 2.5])
def test_best_loop_refuses_lengths_that_do_not_fit(min_frames):
    with pytest.raises(
        ValueError,
        match=rf"min_frames: expected a whole number from 1 to 14 \(of 16 frames.*received {min_frames}",
    ):
        seams.best_loop(spot(np.arange(16)), min_frames=min_frames)


def test_loops_refuse_what_is_not_a_clip():
    with pytest.raises(ValueError, match="clip: expected 3 or more frames"):
        seams.best_loop(np.zeros((2, 4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="expected clips"):
        seams.loop_together(np.zeros((16, 4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="num_frames=1"):
        seams.loop_together(np.zeros((1, 16, 4, 4, 3), np.uint8), num_frames=1)


def test_loop_together_ends_all_loops_at_once():
    # 10 and 20 / 3 frames a turn: both divide 20, the second by playing 7 frames in the time of 6.67.
    clips = np.stack([spot(2 * np.pi * np.arange(16) / period) for period in (10, 20 / 3)])
    looped = seams.loop_together(clips)
    assert looped.shape == (2, 20, 24, 24, 3)
    assert looped.dtype == np.uint8
    for clip, loop in zip(clips, looped, strict=True):  # each made of its own clip's frames
        assert all((frame == clip).all(axis=(1, 2, 3)).any() for frame in loop)
    np.testing.assert_array_equal(looped[0, :10], looped[0, 10:])
    for loop, turns, usual in zip(looped, (2, 3), (2 * np.pi / 10, 6 * np.pi / 20), strict=True):
        np.testing.assert_allclose(steps(loop).sum(), turns * 2 * np.pi, rtol=0.01)
        assert abs(steps(loop) - usual).max() < 0.7 * usual


def test_loop_together_repeats_the_smoothest_loop_that_fits():
    """Of 7 to 14 frames: 3 turns of 7 and 2 of 9, 10 or 11 are 20 frames, give or take one a turn."""
    clip = np.random.default_rng(5).integers(0, 256, (16, 3, 3, 3), np.uint8)
    found = seams.loop_seams(clip)
    fitting = {7: 3, 9: 2, 10: 2, 11: 2}
    start, n = min(((a, n) for n in fitting for a in range(16 - n)), key=lambda cut: found[cut[0], sum(cut)])
    [looped] = seams.loop_together(clip[None])
    places = [int((frame == clip).all(axis=(1, 2, 3)).argmax()) for frame in looped]
    assert places == [start + int(t * fitting[n] * n / 20) % n for t in range(20)]
    assert len(seams.loop_together(clip[None], num_frames=33)[0]) == 33
