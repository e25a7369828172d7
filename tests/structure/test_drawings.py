"""Limb maps: closed forms in hand-made cases, NumPy and TensorFlow alike, the drawn people of the MP4s."""

import numpy as np
import pytest

from vgcourse.datasets import data_folder
from vgcourse.people import ACTIONS, JOINT_NAMES, action_joints, clip_name
from vgcourse.structure import LIMBS, NUM_LIMBS, draw_skeleton, limb_maps
from vgcourse.structure.drawings import MIRROR
from vgcourse.video import read_clip

FOREARM = next(k for k, limb in enumerate(LIMBS) if limb[:2] == ("right_elbow", "right_wrist"))


def skeleton(**places):
    """Joints (joint, 3), all far outside but those that are named."""
    joints = np.full((len(JOINT_NAMES), 3), -1000.0, np.float32)
    for name, place in places.items():
        joints[JOINT_NAMES.index(name)] = place
    return joints


def random_joints(*shape, size):
    return np.random.default_rng(3).uniform(0, size, (*shape, len(JOINT_NAMES), 3)).astype(np.float32)


def test_a_limb_is_1_on_its_axis_half_way_at_its_radius_and_0_beyond():
    # A forearm along a row of pixel middles. Its radius at the elbow is 0.033 of a stature of 1.7 m, in a
    # frame 2.3 m high; 0.026 at the wrist.
    size = 256
    joints = skeleton(right_elbow=(60.5, 128.5, 0), right_wrist=(180.5, 128.5, 0))
    limb = limb_maps(joints, size=size)[..., FOREARM]
    assert (limb[128, 60:181] == 1).all()
    for column, fraction in ((60, 0.033), (120, (0.033 + 0.026) / 2), (180, 0.026)):
        radius = fraction * 1.7 / 2.3 * size
        whole = int(radius)
        above, below = limb[128 - whole, column], limb[128 - whole - 1, column]
        np.testing.assert_allclose(above, min(radius - whole + 0.5, 1), atol=0.02)
        np.testing.assert_allclose(below, max(radius - whole - 0.5, 0), atol=0.02)
    assert limb[128, 180 + int(0.026 * 1.7 / 2.3 * size) + 2] == 0  # the end is round and not longer
    assert limb[100].max() == limb[:, 20].max() == 0


def test_a_pixel_at_the_radius_is_half_covered():
    size = 200
    radius = 0.062 * 1.7 / 2.3 * size  # of the hair, a ball
    joints = skeleton(hair=(100.5 + radius, 100.5, 0))
    np.testing.assert_allclose(limb_maps(joints, size=size)[100, 100, 0], 0.5, atol=1e-3)


def test_limbs_scale_with_the_frame():
    # The mean of four pixels of the larger drawing is a pixel of the smaller, but for the soft edge.
    joints = action_joints("dance", 3, size=64, num_frames=3, fps=5)
    small, large = limb_maps(joints, size=64), limb_maps(2 * joints, size=128)
    mean = large.reshape(3, 64, 2, 64, 2, NUM_LIMBS).mean((2, 4))
    assert np.abs(mean - small).max() < 0.3
    np.testing.assert_allclose(small.sum((1, 2)), mean.sum((1, 2)), rtol=0.03, atol=1.0)


@pytest.mark.parametrize("size", [32, 64])
def test_numpy_and_tensorflow_draw_alike(size):
    joints = random_joints(2, 3, size=size)
    drawn = draw_skeleton(joints, size=size).numpy()
    assert drawn.shape == (2, 3, size, size, 2 * NUM_LIMBS)
    np.testing.assert_allclose(drawn[..., :NUM_LIMBS], limb_maps(joints, size=size), atol=1e-4)


def test_depth_is_drawn_where_the_limb_is():
    # Depth is the mean of both ends, 1 where it is 0.16 of the frame nearer than the pelvis.
    size = 100
    joints = skeleton(right_elbow=(30.5, 50.5, 4.0), right_wrist=(70.5, 50.5, 8.0))
    drawn = draw_skeleton(joints, size=size).numpy()
    np.testing.assert_allclose(drawn[50, 50, NUM_LIMBS + FOREARM], 6 / 16, rtol=1e-4)
    assert drawn[20, 50, NUM_LIMBS + FOREARM] == 0
    near = draw_skeleton(joints + np.float32([0, 0, 100]), size=size).numpy()
    assert near[50, 50, NUM_LIMBS + FOREARM] == 1


def test_the_mirror_swaps_the_sides_and_keeps_the_middle():
    assert sorted(MIRROR) == list(range(NUM_LIMBS))
    for k, other in enumerate(MIRROR):
        swapped = [name.replace("right", "R").replace("left", "right").replace("R", "left")
                   for name in LIMBS[k][:2]]  # fmt: skip
        assert {*LIMBS[other][:2]} == {*swapped}
        assert LIMBS[other][2:] == LIMBS[k][2:]


@pytest.mark.parametrize("action", ACTIONS)
def test_limb_maps_cover_the_drawn_person_in_the_shipped_files(action):
    # What differs from the wall beside it is the person; the floor with its shadows is left out.
    actor, some, above = 5, slice(None, None, 5), slice(0, 66)
    clip = read_clip(data_folder() / "actions" / clip_name(action, actor))[some, above].astype(float)
    cover = limb_maps(action_joints(action, actor)[some], size=96).max(-1)[:, above]
    wall = np.median(np.concatenate([clip[:, :, :8], clip[:, :, -8:]], axis=2), axis=(0, 2))[:, None]
    person = np.abs(clip - wall).max(-1) > 60
    assert person.sum() > 1000
    assert cover[person].mean() > 0.9
    assert (cover[~person] > 0.5).mean() < 0.02


def test_what_is_not_joints_is_named():
    with pytest.raises(ValueError, match=r"joints: expected finite joints .* received shape \(24, 3\)"):
        limb_maps(np.zeros((24, 3)), size=64)
    with pytest.raises(ValueError, match="joints: expected finite"):
        limb_maps(np.full((len(JOINT_NAMES), 3), np.nan), size=64)
    with pytest.raises(ValueError, match="size.*8 to 1024"):
        limb_maps(np.zeros((len(JOINT_NAMES), 3)), size=0)
