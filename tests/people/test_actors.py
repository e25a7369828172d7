"""Actors: the same seed gives the same person, who stands out from the room; the camera and the renderer."""

import dataclasses
import pickle
from collections import Counter

import matplotlib.colors
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgcourse.people import actors
from vgcourse.people.skeleton import forward_kinematics

ACTORS = [actors.random_actor(k) for k in range(80)]


def standing(actor, *, yaw=0.0, lift=0.0, size=96, **colours):
    """One frame of a person standing straight; some colours may be replaced."""
    actor = dataclasses.replace(actor, colours={**actor.colours, **colours})
    root = np.array([[0, 0.53 * actor.stature + lift, 0]])
    points = forward_kinematics({}, root=root, stature=actor.stature)
    return actors.render_figure(points, actor, centre=np.zeros((1, 3)), yaw=yaw, size=size)[0]


def figure_mask(actor, **kwargs):
    """Pixels that change when everything that the person wears and is changes colour."""
    parts = ("skin", "hair", "long_hair", "shirt", "sleeve", "trousers", "shoes")
    one = dict.fromkeys(parts, (1, 1, 1))
    other = dict.fromkeys(parts, (0, 0, 0))
    frames = [standing(actor, **kwargs, **colours).astype(int) for colours in (one, other)]
    return np.abs(frames[0] - frames[1]).max(-1) > 20


def test_same_seed_same_actor():
    first = actors.random_actor(5)
    actors.random_actor.cache_clear()
    assert actors.random_actor(5) == first
    assert actors.random_actor(6) != first


def test_actor_survives_a_trip_to_another_process():
    assert pickle.loads(pickle.dumps(ACTORS[3])) == ACTORS[3]


def test_skin_tones_are_balanced():
    assert Counter(actor.skin_tone for actor in ACTORS) == dict.fromkeys(range(1, 11), 8)
    for actor in ACTORS:
        assert matplotlib.colors.to_hex(actor.colours["skin"])[1:] == actors.SKIN_TONES[actor.skin_tone - 1]


def test_builds_and_colours_vary():
    statures = [actor.stature for actor in ACTORS]
    girths = [actor.girth for actor in ACTORS]
    assert min(statures) >= 1.60
    assert max(statures) <= 1.80
    assert max(statures) - min(statures) > 0.18
    assert min(girths) >= 0.88
    assert max(girths) <= 1.15
    assert max(girths) - min(girths) > 0.24
    assert len({actor.colours["shirt"] for actor in ACTORS}) == 80
    assert 15 < sum(actor.colours["long_hair"] is not None for actor in ACTORS) < 50
    assert 20 < sum(actor.colours["sleeve"] == actor.colours["skin"] for actor in ACTORS) < 60


@pytest.mark.parametrize(
    ("rgb", "lab"),  # published values of the sRGB primaries, D65
    [
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 1, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
    ],
)
def test_lab_of_the_primaries(rgb, lab):
    np.testing.assert_allclose(actors.to_lab(rgb), lab, atol=0.1)


@pytest.mark.parametrize("actor", ACTORS[::16], ids=lambda actor: actor.id)
def test_drawn_body_still_stands_out_at_32_pixels(actor):
    mask = figure_mask(actor, size=32, yaw=-np.pi / 2)
    empty = standing(actor, lift=50.0, size=32, yaw=-np.pi / 2)  # the person is far above the frame
    difference = actors.to_lab(standing(actor, size=32, yaw=-np.pi / 2) / 255) - actors.to_lab(empty / 255)
    assert mask.sum() > 60
    assert np.median(np.linalg.norm(difference[mask], axis=-1)) > 20


def test_bodies_stand_out_from_their_rooms():
    """By thresholds of their own, lower than those that draw the outfits: what the eye tells apart anyhow."""
    for actor in ACTORS:
        lab = {name: actors.to_lab(colour) for name, colour in actor.colours.items() if colour is not None}
        for part in ("skin", "shirt", "trousers"):
            for room in ("wall", "floor"):
                assert np.linalg.norm(lab[part] - lab[room]) > 30, (actor.id, part, room)
        assert abs(lab["trousers"][0] - lab["floor"][0]) > 25, actor.id
        assert abs(lab["skin"][0] - lab["wall"][0]) > 20, actor.id
        assert abs(lab["skin"][0] - lab["hair"][0]) > 10 or lab["hair"][0] < 10, actor.id


@pytest.mark.parametrize("stature", [1.6, 1.8])
def test_standing_figure_is_as_tall_in_the_frame_as_it_should_be(stature):
    actor = dataclasses.replace(ACTORS[0], stature=stature, girth=1.0, pitch=0.2)
    rows = np.flatnonzero(figure_mask(actor, size=192).any(1))
    height = (rows[-1] - rows[0] + 1) * actors.FRAME_HEIGHT / 192
    assert height == pytest.approx(stature * np.cos(0.2), abs=0.06)  # the soles add a little


@given(yaw=st.floats(-4, 4), pitch=st.floats(0, 1.5))
def test_camera_is_a_rotation(yaw, pitch):
    camera = actors.camera_matrix(yaw, pitch)
    np.testing.assert_allclose(camera @ camera.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera) == pytest.approx(1)


def test_camera_from_the_front_sees_the_right_hand_on_the_left():
    camera = actors.camera_matrix(-np.pi / 2, 0.0)
    seen = actors.project(
        {"right": np.array([[0, 0, 1.0]]), "nose": np.array([[1.0, 0, 0]])}, np.zeros(3), camera
    )
    assert seen["right"][0, 0] == pytest.approx(-1)
    assert seen["nose"][0, 2] == pytest.approx(1)


@pytest.mark.parametrize("size", [16, 33, 256])
def test_frames_have_the_size_asked_for(size):
    frame = standing(ACTORS[1], size=size)
    assert frame.shape == (size, size, 3)
    assert frame.dtype == np.uint8


def test_shadow_lies_under_the_feet_and_fades_in_the_air():
    actor = ACTORS[5]
    mask = figure_mask(actor)
    empty, stands = (standing(actor, lift=lift).astype(int).sum(-1) for lift in (50.0, 0.0))
    jumps = standing(actor, lift=0.3).astype(int).sum(-1)
    row = np.flatnonzero(mask.any(1))[-1] - 3
    beside = ~mask[row] & ~figure_mask(actor, lift=0.3)[row]
    darker = (empty - stands)[row][beside]
    assert darker.max() > 50
    assert darker.max() > 1.2 * (empty - jumps)[row][beside].max()
    np.testing.assert_array_equal(empty[:20], stands[:20] * ~mask[:20] + empty[:20] * mask[:20])


def test_what_is_nearer_covers_what_is_farther():
    """From the front the face covers the hair behind it, but for a rim."""
    paint = dict.fromkeys(("shirt", "sleeve", "trousers", "shoes", "wall", "floor"), (0, 1, 0))
    paint |= {"skin": (1, 0, 0), "hair": (0, 0, 1), "long_hair": None}
    head = standing(ACTORS[0], yaw=-np.pi / 2, **paint)[:40].astype(int)
    skin, hair = ((head[..., channel] == head.max(-1)).sum() for channel in (0, 2))
    assert skin > hair > 0


def test_the_shadow_goes_with_the_figure():
    actor = ACTORS[5]
    root = np.array([[0.5, 0.53 * actor.stature, 0]])  # half a metre to the right of the picture's middle
    figures = [root, root + [0, 50.0, 0]]  # and far above the frame
    points = [forward_kinematics({}, root=place, stature=actor.stature) for place in figures]
    stands, empty = (
        actors.render_figure(p, actor, centre=np.zeros((1, 3)), yaw=0.0)[0].astype(int).sum(-1)
        for p in points
    )
    darker = (empty - stands)[-8:].clip(0, None)  # the floor before the feet
    middle = (darker.sum(0) @ np.arange(96)) / darker.sum()
    assert middle == pytest.approx(48 + 0.5 * 96 / actors.FRAME_HEIGHT, abs=5)


def test_stout_people_are_wider():
    slim, stout = (dataclasses.replace(ACTORS[0], girth=girth) for girth in (0.88, 1.15))
    assert figure_mask(stout).sum() > 1.15 * figure_mask(slim).sum()
