"""Joints in the picture lie where the figure is drawn: in single limbs, and in the shipped MP4 files."""

from dataclasses import replace

import numpy as np
import pytest

from vgcourse.datasets import data_folder
from vgcourse.people import ACTIONS, JOINT_NAMES, action_joints, clip_name, project_joints, random_actor
from vgcourse.people.actors import render_figure
from vgcourse.people.motions import pose_action
from vgcourse.video import read_clip

PART_OF = {
    "hand": "skin",
    "knee": "trousers",
    "ankle": "trousers",
    "toe": "shoes",
    "shoulder": "shirt",
    "elbow": "sleeve",
}


def painted(actor, part):
    """The actor with one part in pure green and all else, and the room, without green."""
    green, other = (0.0, 1.0, 0.0), (0.4, 0.0, 0.4)
    colours = dict.fromkeys(actor.colours, other) | {"long_hair": None, part: green}
    if part == "sleeve":
        colours["shirt"] = green  # upper and lower arm overlap at the elbow
    return replace(actor, colours=colours)


@pytest.mark.parametrize("joint", PART_OF)
@pytest.mark.parametrize("action", ["jack", "wave2", "walk"])
def test_a_joint_lies_on_the_limb_drawn_there(action, joint):
    # In front of the trunk and with legs apart the nearer limb may hide the farther: one side must be seen.
    size, actor = 96, random_actor(2)
    points, view = pose_action(action, actor, num_frames=8, fps=4.0)
    frames = render_figure(points, painted(actor, PART_OF[joint]), **view, size=size).astype(float)
    joints = project_joints(points, actor, **view, size=size)
    green = frames[..., 1] > 60
    seen = np.zeros(len(frames), bool)
    for side in ("right", "left"):
        x, y = joints[:, JOINT_NAMES.index(f"{side}_{joint}"), :2].astype(int).T
        seen |= green[np.arange(len(frames)), y, x]
    assert seen.mean() >= 7 / 8


def test_the_middle_of_a_drawn_hand_is_the_joint():
    # An oracle by pixels: the hand alone is green, so the mean place of green is the hand.
    actor, size = random_actor(2), 192
    points, view = pose_action("wave2", actor, num_frames=4, fps=8.0)
    points = {name: p if "right_" in name else p.copy() for name, p in points.items()}
    hand = points["right_hand"]
    others = {name: np.zeros_like(hand) - [0, 9, 0] for name in points}  # far under the frame
    alone = others | {"right_wrist": hand, "right_hand": hand, "pelvis": points["pelvis"]}
    frames = render_figure(alone, painted(actor, "skin"), **view, size=size).astype(float)
    weight = frames[..., 1]
    yy, xx = np.mgrid[:size, :size] + 0.5
    found = [(weight * axis).sum((1, 2)) / weight.sum((1, 2)) for axis in (xx, yy)]
    joints = project_joints(points, actor, **view, size=size)[:, JOINT_NAMES.index("right_hand")]
    np.testing.assert_allclose(found, joints[:, :2].T, atol=0.6)


def test_depth_grows_towards_the_viewer_and_scales_with_the_frame():
    small = action_joints("walk", 3, size=32, num_frames=4)
    large = action_joints("walk", 3, size=128, num_frames=4)
    np.testing.assert_allclose(small * 4, large, rtol=1e-5, atol=1e-3)
    # A walker is seen from the right: the right shoulder is nearer.
    right, left = (large[:, JOINT_NAMES.index(f"{side}_shoulder"), 2] for side in ("right", "left"))
    assert (right > left + 4).all()
    assert not large[:, JOINT_NAMES.index("pelvis"), 2].any()


@pytest.mark.parametrize("action", ACTIONS)
def test_the_joints_of_a_shipped_file_are_those_of_its_pixels(action):
    # Head and hair move in the file as the joints say: the file's differences lie around joints that move.
    clip = read_clip(data_folder() / "actions" / clip_name(action, 5))
    joints = action_joints(action, 5)
    assert joints.shape == (len(clip), len(JOINT_NAMES), 3)
    points, view = pose_action(action, random_actor(5))
    rendered = render_figure(points, random_actor(5), **view, size=96)
    error = np.abs(clip.astype(float) - rendered).mean()
    shifted = np.abs(clip.astype(float) - np.roll(rendered, 1, axis=0)).mean()
    assert error < 3
    assert error < shifted
    moved = np.abs(np.diff(clip.astype(float), axis=0)).sum(-1)
    yy, xx = np.mgrid[:96, :96] + 0.5
    for t in (5, 20, 35):
        strong = moved[t] > max(60, 0.5 * moved[t].max())
        near = np.full((96, 96), np.inf)
        for x, y, _ in np.concatenate([joints[t], joints[t + 1]]):
            near = np.minimum(near, np.hypot(xx - x, yy - y))
        assert not strong.any() or (near[strong] < 12).mean() > 0.95


def test_a_size_out_of_range_is_named():
    with pytest.raises(ValueError, match="size.*16"):
        action_joints("walk", 1, size=8)
