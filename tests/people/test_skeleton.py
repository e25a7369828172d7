"""Skeleton: closed forms of standing poses, rigid segments, planted feet, curves, and travel."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation

from vgcourse.people import skeleton
from vgcourse.people.skeleton import forward_kinematics, plant_foot, set_joint

STANDING = np.array([[0, 0.53, 0]])  # .039 + .246 + .245: the height of the hips in the table
LENGTHS = {  # fractions of stature, literal from the table
    ("right_hip", "right_knee"): 0.245, ("left_knee", "left_ankle"): 0.285 - 0.039,
    ("right_shoulder", "right_elbow"): 0.186, ("left_elbow", "left_wrist"): 0.146,
}  # fmt: skip
angle = st.floats(-3, 3)
poses = st.dictionaries(
    st.sampled_from(sorted(skeleton.JOINTS)), st.lists(angle, min_size=3, max_size=3).map(np.array)
)


def pose_of(joint, **angles):
    """A pose with one joint moved, in degrees."""
    pose = {}
    set_joint(pose, joint, **angles)
    return pose


def test_straight_figure_has_the_heights_of_the_table():
    points = forward_kinematics({}, root=2 * STANDING, stature=2.0)
    heights = {"right_knee": 0.285, "left_ankle": 0.039, "right_hip": 0.53, "left_shoulder": 0.818}
    for name, height in heights.items():
        np.testing.assert_allclose(points[name][0, 1], 2 * height, atol=1e-12)
    for end, radius in (("heel", skeleton.HEEL_RADIUS), ("toe", skeleton.TOE_RADIUS)):
        np.testing.assert_allclose(points[f"right_{end}"][0, 1], 2 * radius, atol=1e-12)
    assert points["head"][0, 1] < points["hair"][0, 1] < 2.0
    assert points["nose"][0, 0] > points["head"][0, 0] > points["hair"][0, 0]  # it faces +x


def test_foot_is_as_long_as_in_the_table():
    points = forward_kinematics({}, root=STANDING)
    length = points["left_toe"][0, 0] - points["left_heel"][0, 0] + skeleton.HEEL_RADIUS + skeleton.TOE_RADIUS
    assert length == pytest.approx(0.152)


@given(angles=st.lists(angle, min_size=3, max_size=3))
def test_rotation_is_scipys(angles):
    expected = Rotation.from_euler("ZXY", angles).as_matrix()
    np.testing.assert_allclose(skeleton.rotation(np.array(angles)), expected, atol=1e-12)


@given(pose=poses, stature=st.floats(1.4, 2.1))
def test_segments_keep_their_length_in_any_pose(pose, stature):
    points = forward_kinematics(pose, root=STANDING, stature=stature)
    for (start, end), length in LENGTHS.items():
        np.testing.assert_allclose(np.linalg.norm(points[end] - points[start]), length * stature, atol=1e-9)


@given(pose=poses)
def test_swapping_sides_mirrors_the_figure(pose):
    swap = {"right": "left", "left": "right"}

    def swapped(name):
        side, _, rest = name.partition("_")
        return f"{swap[side]}_{rest}" if rest else name

    mirrored = {
        swapped(name): angles * ((1, 1, 1) if "_" in name else (1, -1, -1)) for name, angles in pose.items()
    }
    points = forward_kinematics(pose, root=STANDING)
    other = forward_kinematics(mirrored, root=STANDING)
    for name, point in points.items():
        np.testing.assert_allclose(other[swapped(name)], point * (1, 1, -1), atol=1e-9)


@pytest.mark.parametrize(
    ("joint", "angles", "moved", "expected"),
    [
        ("right_shoulder", {"flexion": 90}, "right_wrist", (0.332, 0.818)),
        ("left_hip", {"flexion": 90}, "left_knee", (0.245, 0.53)),
        ("right_knee", {"flexion": 90}, "right_ankle", (-0.246, 0.285)),
        ("left_elbow", {"flexion": 90}, "left_wrist", (0.146, 0.818 - 0.186)),
        ("pelvis", {"flexion": 90}, "neck", (0.30, 0.53)),
    ],
)
def test_flexion_bends_as_in_the_body(joint, angles, moved, expected):
    points = forward_kinematics(pose_of(joint, **angles), root=STANDING)
    np.testing.assert_allclose(points[moved][0, :2], expected, atol=1e-9)


@pytest.mark.parametrize(("side", "k"), [("right", 1), ("left", -1)])
def test_abduction_and_external_rotation_go_outwards(side, k):
    raised = forward_kinematics(pose_of(f"{side}_shoulder", abduction=90), root=STANDING)
    assert k * raised[f"{side}_wrist"][0, 2] == pytest.approx(skeleton.SHOULDER_SIDE + 0.332)
    turned = forward_kinematics(pose_of(f"{side}_hip", turn=40), root=STANDING)
    assert k * (turned[f"{side}_toe"] - turned[f"{side}_heel"])[0, 2] > 0.05


def test_unknown_joint_is_named():
    with pytest.raises(ValueError, match=r"\['tail'\].*left_ankle"):
        forward_kinematics({"tail": np.zeros((1, 3))}, root=STANDING)


@given(
    place=st.tuples(st.floats(-0.12, 0.12), st.floats(0, 0.05), st.floats(-0.05, 0.08)),
    height=st.floats(0.36, 0.5),
    tilt=st.tuples(st.floats(-0.5, 0.5), *[st.floats(-0.15, 0.15)] * 2),
    turnout=st.floats(-30, 40),
    heel_up=st.floats(0, 50),
)
def test_planted_foot_stands_where_it_should(place, height, tilt, turnout, heel_up):
    pose, root = {"pelvis": np.array(tilt)}, np.array([[0, height, 0]])
    foot = np.array([place]) + [0, 0, skeleton.HIP_SIDE]
    plant_foot(pose, root, "right", foot, turnout=turnout, heel_up=heel_up)
    points = forward_kinematics(pose, root=root)
    yaw, pitch = np.radians(turnout), np.radians(heel_up)
    toe = foot[0] + [skeleton.TOE_FRONT * np.cos(yaw), skeleton.TOE_RADIUS, skeleton.TOE_FRONT * np.sin(yaw)]
    reach = np.linalg.norm(points["right_hip"] - points["right_ankle"])
    if reach < 0.999 * skeleton.LEG:
        np.testing.assert_allclose(points["right_toe"][0], toe, atol=1e-6)
    sole = (points["right_heel"] - points["right_toe"])[0]
    flat = np.array([-skeleton.HEEL_BACK - skeleton.TOE_FRONT, skeleton.HEEL_RADIUS - skeleton.TOE_RADIUS])
    rise = flat @ [-np.sin(pitch), np.cos(pitch)]
    assert sole[1] == pytest.approx(rise, abs=1e-6)
    assert pose["right_knee"][0, 0] >= 0  # knees bend backwards only


def test_planted_feet_are_symmetric():
    pose, root = {"pelvis": np.zeros(3)}, np.array([[0, 0.45, 0]])
    for side, k in (("right", 1), ("left", -1)):
        plant_foot(pose, root, side, np.array([[0.03, 0, 0.1 * k]]), turnout=15)
    for joint in ("hip", "knee", "ankle"):
        np.testing.assert_allclose(pose[f"right_{joint}"], pose[f"left_{joint}"], atol=1e-12)


@given(
    values=st.lists(st.floats(-100, 100), min_size=3, max_size=6),
    phases=st.lists(st.floats(0, 0.999), min_size=1, max_size=9),
    shift=st.integers(-3, 3),
)
@example(values=[0.0, 5e-324, 1.0], phases=[0.1, 0.5], shift=0)
def test_curve_is_scipys_monotone_cubic_round_the_cycle(values, phases, shift):
    x = np.arange(len(values)) / len(values)
    wrapped = np.concatenate([x - 1, x, x + 1])
    with np.errstate(over="ignore"):  # SciPy divides by the rise between two knots, however small
        expected = PchipInterpolator(wrapped, np.tile(values, 3))(phases)
    received = skeleton.curve(np.array(phases) + shift, *zip(x, values, strict=True))
    np.testing.assert_allclose(received, expected, atol=1e-6)


def test_curve_goes_through_uneven_knots():
    knots = ((0.1, 3.0), (0.25, -2.0), (0.9, 5.0))
    np.testing.assert_allclose(skeleton.curve(np.array([0.1, 1.25, -0.1]), *knots), [3, -2, 5], atol=1e-9)


def test_travel_of_a_stiff_leg_is_its_swing():
    """One leg sweeps from 20 degrees before the body to 20 behind while the other is lifted, and back."""

    def curves(phase):
        pose = {}
        for side, u in (("right", phase), ("left", phase + 0.5)):
            swing = 20 * np.cos(2 * np.pi * u)
            lifted = 35 * np.maximum(0, -np.sin(2 * np.pi * u))
            set_joint(pose, f"{side}_hip", swing + lifted)
            set_joint(pose, f"{side}_knee", 2 * lifted)
            set_joint(pose, f"{side}_ankle", lifted - swing)  # flat feet: only the ankle moves under the hip
        return pose

    root, stride = skeleton.travel(curves, np.array([0, 0.25, 1.0, 2.0]))
    swept = 2 * 2 * np.sin(np.radians(20)) * skeleton.LEG
    assert stride[0] == pytest.approx(swept, rel=0.01)
    np.testing.assert_allclose(root[2:, 0] - root[0, 0], stride[0] * np.array([1, 2]), atol=1e-9)
    assert root[1, 1] == pytest.approx(skeleton.FOOT_HEIGHT + skeleton.LEG, abs=1e-4)  # the leg is upright
