"""The painter's parts in pictures made by hand: whose colour, which room, who is in front; files, errors."""

import keras
import numpy as np
import pytest

from vgcourse import structure
from vgcourse.people import JOINT_NAMES, action_joints, render_action
from vgcourse.structure import (
    LIMBS,
    Painter,
    draw_skeleton,
    limb_colours,
    limb_maps,
    paint_frames,
    room_behind,
)
from vgcourse.structure.drawings import MIRROR

SIZE = 32


def limb_of(start, end):
    return next(k for k, limb in enumerate(LIMBS) if limb[:2] == (start, end))


RIGHT, LEFT = limb_of("right_hip", "right_knee"), limb_of("left_hip", "left_knee")
RED, BLUE = np.float32([0.9, -0.8, -0.7]), np.float32([-0.9, -0.7, 0.8])
WALL, FLOOR = np.float32([0.2, 0.3, 0.1]), np.float32([-0.3, -0.2, -0.1])


def skeleton(**places):
    """Joints (joint, 3), all far outside but those that are named."""
    joints = np.full((len(JOINT_NAMES), 3), -1000.0, np.float32)
    for name, place in places.items():
        joints[JOINT_NAMES.index(name)] = place
    return joints


def room(size=SIZE):
    picture = np.empty((size, size, 3), np.float32)
    picture[: 3 * size // 4], picture[3 * size // 4 :] = WALL, FLOOR
    return picture


def painted_by_hand(joints, colours, size=SIZE):
    """A picture of limbs in flat colours before the room; later ones in front."""
    picture, maps = room(size), limb_maps(joints, size=size)
    for limb, colour in colours.items():
        picture += maps[..., limb, None] * (colour - picture)
    return picture


def seen(joints, size=SIZE):
    return draw_skeleton(np.asarray(joints)[None], size=size)


RIGHT_THIGH = skeleton(right_hip=(8, 6, 0), right_knee=(8, 18, 0))
CROSSED = skeleton(right_hip=(6, 16, 3), right_knee=(26, 16, 3), left_hip=(16, 6, -3), left_knee=(16, 26, -3))


# ---- colours and rooms -----------------------------------------------------------------------------------


def test_a_limbs_colour_is_the_one_under_it():
    colours = limb_colours(
        painted_by_hand(RIGHT_THIGH, {RIGHT: RED})[None, None], seen(RIGHT_THIGH[None])
    ).numpy()
    np.testing.assert_allclose(colours[0, RIGHT], RED, atol=0.1)


def test_what_is_hidden_does_not_give_its_colour():
    # The right foot covers half of the left one, which is blue where it is seen.
    size, right, left = 128, limb_of("right_heel", "right_toe"), limb_of("left_heel", "left_toe")
    joints = skeleton(right_heel=(64, 60, 9), right_toe=(64, 100, 9), left_heel=(64, 20, -9))
    joints[JOINT_NAMES.index("left_toe")] = (64, 100, -9)
    picture = painted_by_hand(joints, {left: BLUE, right: RED}, size)
    colours = limb_colours(picture[None, None], seen(joints[None], size)).numpy()
    np.testing.assert_allclose(colours[0, right], RED, atol=0.25)
    np.testing.assert_allclose(colours[0, left], BLUE, atol=0.45)  # a tenth is of the other side


def test_a_limb_out_of_sight_has_the_colour_of_the_other_side():
    assert MIRROR[LEFT] == RIGHT
    colours = limb_colours(
        painted_by_hand(RIGHT_THIGH, {RIGHT: RED})[None, None], seen(RIGHT_THIGH[None])
    ).numpy()
    np.testing.assert_allclose(colours[0, LEFT], RED, atol=0.1)
    assert not colours[0, 0].any()  # the hair is nowhere: grey


def test_one_of_several_references_that_shows_a_limb_is_enough():
    nothing = skeleton(hair=(24, 24, 0))
    joints = np.stack([nothing, RIGHT_THIGH])
    pictures = np.stack([painted_by_hand(nothing, {0: BLUE}), painted_by_hand(RIGHT_THIGH, {RIGHT: RED})])
    colours = limb_colours(pictures[None], seen(joints)).numpy()
    np.testing.assert_allclose(colours[0, [RIGHT, 0]], [RED, BLUE], atol=0.15)


@pytest.mark.parametrize("size", [32, 64])
def test_the_room_is_what_is_beside_the_person_in_each_row(size):
    joints = CROSSED * size / SIZE
    picture = painted_by_hand(joints, {RIGHT: RED, LEFT: BLUE}, size)
    behind = room_behind(picture[None, None], limb_maps(joints, size=size)[None, None]).numpy()
    np.testing.assert_allclose(behind[0], room(size), atol=0.02)


def test_the_room_keeps_light_that_changes_slowly_along_a_row():
    size = 64
    light = 0.3 * np.cos(np.linspace(-1.2, 1.2, size))[None, :, None].astype(np.float32)
    joints = CROSSED * 2
    picture = painted_by_hand(joints, {}, size) + light
    behind = room_behind(picture[None, None], limb_maps(joints, size=size)[None, None]).numpy()[0]
    rows_alone = np.abs(picture.mean(1, keepdims=True) - picture)
    assert np.abs(behind - picture)[:, 8:-8].mean() < 0.5 * rows_alone[:, 8:-8].mean()
    assert np.abs(behind - picture)[24:40].mean() < 0.8 * rows_alone.mean()  # rows that a limb lies along


# ---- masks that begin as limbs ---------------------------------------------------------------------------


def silent(**options):
    """A painter whose mask net says nothing yet: the masks are their beginning, the shading is none."""
    keras.utils.set_random_seed(1)
    painter = Painter(SIZE, **options)
    last = painter.mask_net.layers[-1]
    last.set_weights([0 * weight for weight in last.get_weights()])
    return painter


@pytest.fixture(scope="module")
def untaught():
    return silent()


def paint(painter, target, reference_joints, reference):
    drawings, known = seen(target[None]), seen(reference_joints[None])
    return painter([drawings, reference[None, None], known]).numpy()[0, 0]


def test_an_untaught_painter_moves_a_limb_and_fills_the_room_behind(untaught):
    reference = painted_by_hand(RIGHT_THIGH, {RIGHT: RED})
    moved = skeleton(right_hip=(24, 6, 0), right_knee=(24, 18, 0))
    made = paint(untaught, moved, RIGHT_THIGH, reference)
    truth = painted_by_hand(moved, {RIGHT: RED})
    assert np.abs(made - truth).mean() < 0.05
    np.testing.assert_allclose(made[12, 24], RED, atol=0.2)
    np.testing.assert_allclose(made[12, 8], WALL, atol=0.2)


def test_the_nearer_limb_is_painted_over_the_farther(untaught):
    reference = painted_by_hand(CROSSED, {LEFT: BLUE, RIGHT: RED})
    for sign, colour in ((1, RED), (-1, BLUE)):
        made = paint(untaught, CROSSED * [1, 1, sign], CROSSED, reference)
        np.testing.assert_allclose(made[16, 16], colour, atol=0.4)


def test_the_options_take_away_what_they_say():
    reference = painted_by_hand(RIGHT_THIGH, {RIGHT: RED})
    no_prior = paint(silent(starts_from_limbs=False), RIGHT_THIGH, RIGHT_THIGH, reference)
    assert np.ptp(no_prior[:16], axis=(0, 1)).max() < 0.05  # every pixel the same mixture
    made_up = silent(pools_colours=False)
    made_up.palette.set_weights([0 * weight for weight in made_up.palette.get_weights()])
    np.testing.assert_allclose(paint(made_up, RIGHT_THIGH, RIGHT_THIGH, reference)[12, 8], 0 * RED, atol=0.1)
    assert made_up.num_colours == Painter(SIZE).num_colours  # as many masks: only the colours differ


# ---- clips, files, errors --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def person():
    """Frames and joints of one person walking."""
    settings = {"size": SIZE, "num_frames": 18, "fps": 9.0}
    return render_action("walk", 3, **settings), action_joints("walk", 3, **settings)


def test_a_frame_does_not_depend_on_the_others(untaught, person):
    frames, joints = person
    made = paint_frames(untaught, joints, frames[:1], joints[:1])
    assert made.shape == frames.shape
    assert made.dtype == np.uint8
    alone = paint_frames(untaught, joints[17:], frames[:1], joints[:1])
    assert np.abs(made[17].astype(int) - alone[0]).max() <= 1


def test_one_reference_and_then_several_of_the_same_frame_paint_alike(untaught, person):
    frames, joints = person
    one, three = (
        paint_frames(untaught, joints[:2], np.repeat(frames[:1], k, 0), np.repeat(joints[:1], k, 0))
        for k in (1, 3)
    )
    assert np.abs(one.astype(int) - three).max() <= 2


def test_a_saved_painter_paints_the_same(untaught, person, tmp_path):
    frames, joints = person
    structure.save_rounded(untaught, tmp_path / "painter.keras")
    loaded = keras.saving.load_model(tmp_path / "painter.keras", safe_mode=True)
    made, again = (paint_frames(p, joints[:4], frames[:1], joints[:1]) for p in (untaught, loaded))
    assert np.abs(made.astype(int) - again).max() <= 1
    assert (tmp_path / "painter.keras").stat().st_size < 2.6 * untaught.count_params()
    restored = Painter.from_config(silent(pools_colours=False, starts_from_limbs=False).get_config())
    assert not restored.pools_colours
    assert not restored.starts_from_limbs


def test_what_does_not_fit_is_named(untaught, person):
    frames, joints = person
    for wrong, message in (
        ((joints, frames[:1, :16], joints[:1]), r"references: expected 32x32"),
        ((joints, frames[:2], joints[:1]), r"one set for each reference"),
        ((joints[:, :9], frames[:1], joints[:1]), r"joints: expected finite joints"),
        (
            (joints * 4, frames[:1], joints[:1]),
            r"joints: expected joints in a frame of 32x32 pixels.*outside",
        ),
        ((joints, frames[:1], joints[:1] * 4), r"reference_joints: expected joints in a frame"),
        ((joints, frames[:1] / 255, joints[:1]), r"references: expected uint8"),
    ):
        with pytest.raises(ValueError, match=message):
            paint_frames(untaught, *wrong)
    with pytest.raises(ValueError, match="size: expected one of 32, 64, 128, received 48"):
        Painter(48)
