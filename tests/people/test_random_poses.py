"""Poses at random: within a human's reach, on the floor, and joints where the renderer draws them."""

from dataclasses import replace

import numpy as np
import pytest

from vgcourse.people import JOINT_NAMES, pose_at_random, random_actor, render_random_poses

SIZE = 96


def bend(points, first, middle, last):
    """Degrees by which a joint is bent: 0 is straight."""
    upper, lower = points[middle] - points[first], points[last] - points[middle]
    cosine = (upper * lower).sum(-1) / np.linalg.norm(upper, axis=-1) / np.linalg.norm(lower, axis=-1)
    return np.degrees(np.arccos(cosine.clip(-1, 1)))


def test_elbows_and_knees_bend_as_far_as_they_do():
    elbows, knees = [], []
    for points, _ in pose_at_random(4, num_poses=200, seed=0):
        for side in ("right", "left"):
            elbows += [*bend(points, f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")]
            knees += [*bend(points, f"{side}_hip", f"{side}_knee", f"{side}_ankle")]
    assert 120 < max(elbows) <= 135.1
    assert 90 < max(knees) <= 110.1
    assert min(elbows) < 10


def test_the_lowest_foot_stands_on_the_floor():
    actor = random_actor(4)
    for points, view in pose_at_random(actor, num_poses=50, seed=1):
        soles = [
            points[f"{side}_{end}"][0, 1] - radius * actor.stature
            for side in ("right", "left")
            for end, radius in (("heel", 0.023), ("toe", 0.017))
        ]
        assert min(soles) == pytest.approx(0, abs=1e-9)
        assert -np.pi / 2 - 0.2 <= view["yaw"] <= 0.2


def test_poses_differ_and_a_seed_gives_them_again():
    frames, joints = render_random_poses(7, num_poses=3, size=SIZE, seed=2)
    again, _ = render_random_poses(random_actor(7), num_poses=3, size=SIZE, seed=2)
    np.testing.assert_array_equal(frames, again)
    assert frames.shape == (3, SIZE, SIZE, 3)
    assert joints.shape == (3, len(JOINT_NAMES), 3)
    assert np.abs(joints[0] - joints[1]).max() > 5
    other, _ = render_random_poses(7, num_poses=3, size=SIZE, seed=3)
    assert not np.array_equal(frames, other)


def test_joints_lie_on_what_is_drawn():
    # All but the trousers is without green: the knees are in the green.
    colours = dict.fromkeys(random_actor(2).colours, (0.4, 0.0, 0.4))
    actor = replace(random_actor(2), colours=colours | {"long_hair": None, "trousers": (0.0, 1.0, 0.0)})
    frames, joints = render_random_poses(actor, num_poses=30, size=SIZE, seed=0)
    green = frames[..., 1] > 60
    found = []
    for side in ("right", "left"):
        x, y = joints[:, JOINT_NAMES.index(f"{side}_knee"), :2].astype(int).T
        found.append(green[np.arange(30), y, x])
    assert np.mean(found) > 0.85  # an arm may be before one


def test_wrong_numbers_are_named():
    with pytest.raises(ValueError, match="num_poses"):
        pose_at_random(1, num_poses=0, seed=0)
    with pytest.raises(ValueError, match="seed"):
        pose_at_random(1, num_poses=1, seed=-1)
    with pytest.raises(ValueError, match="size.*16"):
        render_random_poses(1, num_poses=1, size=8, seed=0)
