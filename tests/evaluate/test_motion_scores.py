"""Scores of motions: against sums written out, and hand-made motions whose scores are known."""

import numpy as np
import pytest

from vgcourse import people
from vgcourse.evaluate import motions
from vgcourse.structure import MotionComponents

WALK, WAVE = 0, 1


@pytest.fixture(scope="module")
def real():
    """Walks, which have a direction, and waves of a hand, which have none: of six people each."""
    joints = [
        people.action_joints(name, actor, size=64, num_frames=20, fps=10)
        for name in ("walk", "wave1")
        for actor in range(6)
    ]
    return np.stack(joints), np.repeat([WALK, WAVE], 6)


def literal_distance(one, other):
    """Root of the mean square, at the start where it is least."""
    starts = range(len(other))
    return min(np.sqrt(np.mean((one - np.roll(other, k, axis=0)) ** 2)) for k in starts)


def test_nearest_is_the_least_distance_at_any_start_of_the_action(real):
    joints, actions = np.random.default_rng(0).normal(40, 9, (4, 20, 25, 3)), np.array([0, 1, 1, 0])
    expected = [
        min(literal_distance(j, r) for r in real[0][real[1] == a])
        for j, a in zip(joints, actions, strict=True)
    ]
    np.testing.assert_allclose(motions.nearest_motions(joints, actions, *real), expected, rtol=1e-6)


def test_a_shifted_start_costs_nothing_and_a_moved_joint_its_pixels(real):
    joints, actions = real[0][:1].astype(np.float64), real[1][:1]
    turned = np.roll(joints, 7, axis=1)
    assert motions.nearest_motions(turned, actions, joints, actions) == pytest.approx([0], abs=1e-4)
    turned[..., 0] += 3  # all joints three pixels to the right: of three coordinates one
    assert motions.nearest_motions(turned, actions, joints, actions) == pytest.approx([3 / np.sqrt(3)])


def test_spread_is_the_mean_distance_of_pairs_of_one_action(real):
    joints, actions = real[0][[0, 1, 2, 6, 7]], np.array([0, 0, 0, 1, 1])
    walks = [literal_distance(joints[i], joints[k]) for i, k in ((0, 1), (0, 2), (1, 2))]
    expected = (np.mean(walks) + literal_distance(joints[3], joints[4])) / 2
    assert motions.motion_spread(joints, actions) == pytest.approx(expected, rel=1e-6)


def test_spread_of_starts_is_none_of_ways_to_move(real):
    turned = np.stack([np.roll(real[0][0], k, axis=0) for k in range(20)])
    actions = np.zeros(20, int)
    assert motions.motion_spread(turned, actions) == pytest.approx(0, abs=1e-3)
    pairs = [np.sqrt(np.mean((turned[i] - turned[k]) ** 2)) for i in range(20) for k in range(i)]
    assert motions.motion_spread(turned, actions, turned=False) == pytest.approx(np.mean(pairs), rel=1e-5)


def test_a_walk_played_backwards_is_seen_and_a_wave_has_no_direction(real):
    joints, actions = real
    assert motions.directed_actions(joints, actions) == [WALK]
    others = np.stack(
        [people.action_joints(name, 30, size=64, num_frames=20, fps=10) for name in ("walk", "wave1")]
    )
    both = np.array([WALK, WAVE])
    assert motions.backwards_share(others, both, joints, actions) == 0
    assert motions.backwards_share(others[:, ::-1], both, joints, actions) == 1
    half = np.concatenate([others, others[:, ::-1]])
    assert motions.backwards_share(half, np.tile(both, 2), joints, actions) == 0.5
    assert np.isnan(motions.backwards_share(others[1:], both[1:], joints[6:], actions[6:]))


def test_scores_of_real_motions_are_good_and_of_moved_ones_bad(real):
    joints, actions = real
    components = MotionComponents(num_components=8)
    components.fit(joints, size=64)
    scores = motions.score_motions(joints, actions, joints, actions, components=components)
    assert scores["nearest"] == pytest.approx(0, abs=1e-3)
    assert scores["frechet_distance"] == pytest.approx(0, abs=1e-6)
    assert scores["backwards"] == 0
    assert scores["spread"] == motions.motion_spread(joints, actions)
    moved = motions.score_motions(joints + 0.2, actions, joints, actions, components=components)
    assert moved["nearest"] == pytest.approx(0.2, abs=1e-3)
    # Means that moved, spreads that did not: the distance is the square of the way.
    way = np.asarray(components.encode(joints[:1] + 0.2, size=64) - components.encode(joints[:1], size=64))
    assert moved["frechet_distance"] == pytest.approx(np.sum(way**2), rel=1e-3)
    turned = motions.score_motions(
        np.roll(joints, 3, axis=1), actions, joints, actions, components=components
    )
    assert turned["frechet_distance"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("joints", "actions", "message"),
    [
        (np.zeros((2, 20, 25, 2)), [0, 1], r"finite numbers \(num_motions, time, joint, 3\)"),
        (np.zeros((2, 20, 25, 3)), [0], r"actions: expected integers of shape \(2,\)"),
        (np.zeros((2, 20, 25, 3)), [0, 5], r"received none of \[5\]"),
        (np.zeros((2, 10, 25, 3)), [0, 1], "motions of one shape"),
    ],
)
def test_what_cannot_be_compared_is_refused(real, joints, actions, message):
    with pytest.raises(ValueError, match=message):
        motions.nearest_motions(joints, np.array(actions), *real)


def test_a_single_motion_has_no_spread(real):
    with pytest.raises(ValueError, match="two motions of every action, received one of 1"):
        motions.motion_spread(real[0][4:7], real[1][4:7])
