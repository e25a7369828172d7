"""Motions: whole bodies in frame, seamless loops, feet that stand still, and ten actions that differ."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vgcourse.people import actors, motions
from vgcourse.people.skeleton import HEEL_RADIUS, TOE_RADIUS

TALL = dataclasses.replace(actors.random_actor(3), stature=1.8, girth=1.15, amplitude=1.06, pitch=0.2)
SMALL = dataclasses.replace(actors.random_actor(8), stature=1.6, girth=0.88, amplitude=0.94, pitch=0.26)
STEEP = dataclasses.replace(TALL, pitch=0.26, amplitude=0.94)
RADII = {}
for _start, _end, _r0, _r1, _ in actors.PARTS:
    RADII[_start], RADII[_end] = max(RADII.get(_start, 0), _r0), max(RADII.get(_end, 0), _r1)
SOLES = {"right_heel": HEEL_RADIUS, "right_toe": TOE_RADIUS, "left_heel": HEEL_RADIUS, "left_toe": TOE_RADIUS}


def relative(action, actor, **kwargs):
    """Points of an action relative to the camera's spot on the floor, stacked to (points, T, 3)."""
    points, view = motions.pose_action(action, actor, **kwargs)
    return np.stack([point - view["centre"] for point in points.values()])


def test_the_ten_actions():
    expected = ["walk", "run", "hop", "jack", "side", "wave1", "wave2", "bend", "squat", "dance"]
    assert list(motions.ACTIONS) == expected


@pytest.mark.parametrize("action", motions.ACTIONS)
def test_whole_body_stays_in_frame(action):
    for person in (TALL, STEEP, SMALL, actors.random_actor(0), actors.random_actor(41)):
        for seed in range(4):
            points, view = motions.pose_action(action, person, seed=seed)
            camera = actors.camera_matrix(view["yaw"], person.pitch)
            seen = actors.project({name: points[name] for name in RADII}, view["centre"], camera)
            for name, radius in RADII.items():
                edge = np.abs(seen[name][:, :2]) + radius * person.stature * person.girth
                assert edge.max() < actors.FRAME_HEIGHT / 2, (person.id, seed, name)


@pytest.mark.parametrize("action", motions.ACTIONS)
def test_no_drawn_pixel_of_the_body_touches_the_border(action):
    skin = dict.fromkeys(("skin", "hair", "shirt", "sleeve", "trousers", "shoes"), (1.0, 1.0, 1.0))
    dark = {**TALL.colours, **skin, "wall": (0, 0, 0), "floor": (0, 0, 0)}
    clip = motions.render_action(action, dataclasses.replace(TALL, colours=dark), size=48)
    border = np.concatenate([clip[:, 0], clip[:, -1], clip[:, :, 0], clip[:, :, -1]], axis=1)
    assert border.max() == 0
    assert (clip.max(-1) > 128).sum((1, 2)).min() > 100  # and the body is there, in every frame


@pytest.mark.parametrize("action", motions.ACTIONS)
def test_two_seconds_later_everything_is_where_it_was(action):
    poses = relative(action, 7, num_frames=101)
    np.testing.assert_allclose(poses[:, 50], poses[:, 0], atol=1e-9)
    np.testing.assert_allclose(poses[:, 100], poses[:, 0], atol=1e-9)
    clip = motions.render_action(action, 7, size=32, num_frames=51).astype(int)
    assert np.abs(clip[50] - clip[0]).max() <= 1  # the floor as well
    assert np.abs(clip[25:50] - clip[:25]).max() > 60 or action in ("walk", "jack", "wave2", "dance")


@pytest.mark.parametrize("action", motions.ACTIONS)
def test_the_body_moves_as_a_body_does(action):
    poses = relative(action, TALL, num_frames=200, fps=100.0)
    assert np.linalg.norm(np.diff(poses, axis=1), axis=-1).max() < 0.12  # under 12 m/s: no limb pops
    for actor in (TALL, SMALL):  # nothing sinks into the floor
        points, _ = motions.pose_action(action, actor, num_frames=100, fps=50.0)
        for name, radius in SOLES.items():
            assert (points[name][:, 1] - radius * actor.stature).min() > -0.002
        for name in ("right_hand", "left_hand", "hair"):
            assert (points[name][:, 1] - RADII[name] * actor.stature * actor.girth).min() > 0
    pose, _, _ = getattr(motions, action)(np.linspace(0, 1, 100), 1.0)
    for joint in ("right_knee", "left_knee", "right_elbow", "left_elbow"):  # which bend one way
        assert pose[joint][..., 0].min() > -0.01
        assert pose[joint][..., 0].max() < np.radians(160)


@pytest.mark.parametrize("action", ["walk", "wave1", "wave2", "bend", "squat", "dance"])
def test_someone_always_stands_on_the_floor(action):
    points, _ = motions.pose_action(action, TALL, num_frames=100, fps=50.0)
    lowest = np.min([points[name][:, 1] - r * TALL.stature for name, r in SOLES.items()], axis=0)
    np.testing.assert_allclose(lowest, 0, atol=0.002)


@pytest.mark.parametrize("action", ["run", "hop", "jack", "side"])
def test_jumping_actions_leave_the_floor_and_come_back(action):
    points, _ = motions.pose_action(action, TALL, num_frames=200, fps=100.0)
    lowest = np.min([points[name][:, 1] - r * TALL.stature for name, r in SOLES.items()], axis=0)
    assert lowest.max() > 0.008
    assert lowest.min() == pytest.approx(0, abs=0.002)


@pytest.mark.parametrize(("action", "axis"), [("walk", 0), ("run", 0), ("hop", 0), ("side", 2)])
def test_supporting_foot_does_not_slide(action, axis):
    points, view = motions.pose_action(action, 12, num_frames=400, fps=200.0)
    stature = actors.random_actor(12).stature
    travelled = np.ptp(view["centre"][:, axis])
    assert travelled > 1.0
    soles = np.stack([points[name][:, 1] - r * stature for name, r in SOLES.items()])
    ways = np.stack([points[name][:, axis] for name in SOLES])
    lowest = soles.argmin(0)
    held = (lowest[1:] == lowest[:-1]) & (soles.min(0)[1:] < 0.001) & (soles.min(0)[:-1] < 0.001)
    slid = np.abs(np.diff(ways, axis=1))[lowest[1:], np.arange(399)][held]
    assert held.mean() > 0.3
    assert slid.sum() < 0.02 * travelled


def test_walk_has_the_signs_of_a_human_gait():
    points, view = motions.pose_action("walk", TALL, num_frames=200, fps=100.0, seed=2)
    x = {name: point[:, 0] - view["centre"][:, 0] for name, point in points.items()}
    assert np.corrcoef(x["right_wrist"], x["right_ankle"])[0, 1] < -0.8  # arms against legs
    assert np.corrcoef(x["right_ankle"], x["left_ankle"])[0, 1] < -0.5
    soles = {name: points[name][:, 1] - radius * TALL.stature for name, radius in SOLES.items()}
    both = [np.minimum(soles[f"{side}_heel"], soles[f"{side}_toe"]) for side in ("right", "left")]
    assert 0.1 < (np.max(both, axis=0) < 0.01).mean() < 0.5  # double support, unlike in a run


@pytest.mark.parametrize(("action", "bobs"), [("walk", 4), ("run", 6), ("hop", 3), ("squat", 1), ("bend", 1)])
def test_actions_have_their_pace(action, bobs):
    """How often the pelvis goes up and down in two seconds: with every step, hop or squat."""
    points, _ = motions.pose_action(action, TALL, num_frames=200, fps=100.0)
    assert np.abs(np.fft.rfft(points["pelvis"][:, 1]))[1:].argmax() + 1 == bobs


def test_some_people_move_more_widely_than_others():
    calm, lively = (dataclasses.replace(TALL, amplitude=amplitude) for amplitude in (0.94, 1.06))
    for action, point in (
        ("walk", "right_wrist"),
        ("wave1", "right_wrist"),
        ("dance", "pelvis"),
        ("side", "left_toe"),
    ):
        spread = [relative_point(action, actor, point) for actor in (calm, lively)]
        assert spread[1] > 1.03 * spread[0], action


def relative_point(action, actor, name):
    """How widely a point of the body moves about the camera's spot on the floor, in metres."""
    points, view = motions.pose_action(action, actor, num_frames=100, fps=50.0)
    return np.linalg.norm(np.ptp(points[name] - view["centre"], axis=0))


def test_squat_keeps_the_heels_down_and_the_hips_back():
    points, _ = motions.pose_action("squat", TALL, num_frames=100, fps=50.0)
    np.testing.assert_allclose(points["right_heel"][:, 1], HEEL_RADIUS * TALL.stature, atol=1e-6)
    deepest = points["pelvis"][:, 1].argmin()
    assert points["pelvis"][deepest, 0] < points["right_heel"][deepest, 0] - 0.05
    assert points["right_knee"][deepest, 1] + 0.05 > points["right_hip"][deepest, 1]  # thighs level
    assert points["right_wrist"][deepest, 0] > points["right_toe"][deepest, 0] + 0.2


def test_bend_reaches_for_the_toes_and_balances():
    points, _ = motions.pose_action("bend", TALL, num_frames=100, fps=50.0)
    assert points["right_hand"][:, 1].min() < 0.2
    lowest = points["neck"][:, 1].argmin()
    assert points["pelvis"][lowest, 0] < -0.1


def test_actions_differ_in_pose_over_time():
    # mean and spread over two seconds of where the body is: no two actions alike
    signs = {a: relative(a, TALL, num_frames=50) / TALL.stature for a in motions.ACTIONS}
    signs = {a: np.concatenate([p.mean(1), p.std(1)]) for a, p in signs.items()}
    for i, one in enumerate(motions.ACTIONS):
        for other in motions.ACTIONS[i + 1 :]:
            assert np.abs(signs[one] - signs[other]).max() > 0.08, (one, other)


def test_an_actor_looks_the_same_in_every_action():
    for action in motions.ACTIONS:
        points, _ = motions.pose_action(action, 21, num_frames=3)
        thigh = np.linalg.norm(points["right_hip"] - points["right_knee"], axis=-1)
        np.testing.assert_allclose(thigh, 0.245 * actors.random_actor(21).stature)
    walls = [motions.render_action(a, 21, size=32, num_frames=1)[0, 0, :3] for a in motions.ACTIONS]
    for wall in walls:
        np.testing.assert_array_equal(wall, walls[0])


@settings(max_examples=10)
@given(
    action=st.sampled_from(motions.ACTIONS),
    actor=st.integers(0, 10**6),
    size=st.integers(16, 40),
    seed=st.integers(0, 10**6),
)
def test_same_seed_same_clip(action, actor, size, seed):
    first = motions.render_action(action, actor, size=size, num_frames=2, seed=seed)
    again = motions.render_action(action, actors.random_actor(actor), size=size, num_frames=2, seed=seed)
    assert first.shape == (2, size, size, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != motions.render_action(action, actor, size=size, num_frames=2, seed=seed + 1)).any()


def test_long_clips_go_on():
    assert motions.render_action("dance", 1, size=16, num_frames=160).shape == (160, 16, 16, 3)


def test_arguments_out_of_range_are_named():
    for function in (motions.pose_action, motions.render_action):
        with pytest.raises(
            ValueError, match="action: expected one of walk, run, hop, .*dance, received 'fly'"
        ):
            function("fly", 0)
        with pytest.raises(ValueError, match="fps: expected .* received 0"):
            function("walk", 0, fps=0)
        with pytest.raises(ValueError, match="num_frames: expected .* received 0"):
            function("walk", 0, num_frames=0)
    for size in (15, 257, 32.0):
        with pytest.raises(
            ValueError, match=f"size: expected a whole number from 16 to 256.* received {size}"
        ):
            motions.render_action("walk", 0, size=size)
    with pytest.raises(ValueError, match="seed: expected a whole number from 0 on, received -1"):
        actors.random_actor(-1)
