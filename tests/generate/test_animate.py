"""A person is lent a motion: whose looks, whose joints, what is refused."""

import shutil

import imageio.v3 as imageio
import keras
import numpy as np
import pytest

from vgcourse import datasets, generate, people, preprocess, structure, video

SIZE = 32


@pytest.fixture(scope="module")
def untaught():
    """A painter whose masks are the limbs themselves: what it paints is known without training."""
    keras.utils.set_random_seed(1)
    painter = structure.Painter(SIZE)
    last = painter.mask_net.layers[-1]
    last.set_weights([0 * weight for weight in last.get_weights()])
    return painter


@pytest.fixture(scope="module")
def saved(untaught, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "painter.keras"
    structure.save_rounded(untaught, path)
    return path


def shipped(action, actor):
    return datasets.data_folder() / "actions" / people.clip_name(action, actor)


def error(made, action, actor, motion_of=None):
    """Mean difference from what the renderer draws, grey levels."""
    truth = people.render_action(action, actor, size=SIZE, num_frames=20, fps=10.0)
    return np.abs(made.astype(float) - truth).mean()


def test_a_number_is_a_person_who_moves_in_their_own_way(untaught):
    made = generate.animate(untaught, 12345, "jack")
    assert made.shape == (20, SIZE, SIZE, 3)
    right = error(made, "jack", 12345)
    assert right < 14
    assert right < 0.6 * error(made, "jack", 12346)  # not somebody else
    assert right < 0.9 * error(made, "squat", 12345)  # not something else


def test_a_shipped_clip_is_a_person_and_a_motion(untaught):
    made = generate.animate(untaught, shipped("walk", 3), shipped("dance", 40))
    seen = preprocess.resize(video.read_clip(shipped("walk", 3))[:1], SIZE, SIZE)
    dancing = people.action_joints("dance", 40, size=SIZE, num_frames=20, fps=10.0)
    expected = structure.paint_frames(untaught, dancing, seen, people.action_joints("walk", 3, size=SIZE)[:1])
    assert np.abs(made.astype(int) - expected).max() <= 1


def test_a_person_of_a_clip_does_an_action_in_their_own_way(untaught):
    of_clip = generate.animate(untaught, shipped("wave1", 3), "wave2")
    of_number = generate.animate(untaught, 3, "wave2")
    assert np.abs(of_clip.astype(float) - of_number).mean() < 4


def test_a_file_says_that_it_was_generated_and_takes_no_others_place(saved, tmp_path):
    painter = generate.load_painter(saved)
    path = generate.write_animation(painter, "7", "hop", tmp_path / "hop.gif")
    assert imageio.imread(path, index=None).shape == (20, SIZE, SIZE, 3)
    assert generate.COMMENT.encode() in path.read_bytes()
    mine = tmp_path / "mine.gif"
    video.write_video(mine, np.zeros((2, 16, 16, 3), np.uint8), fps=5)
    with pytest.raises(ValueError, match="not generated"):
        generate.write_animation(painter, "7", "hop", mine)
    with pytest.raises(ValueError, match="ends in .gif, .mp4 or .webp"):
        generate.write_animation(painter, "7", "hop", tmp_path / "hop.png")


def test_a_run_is_named_by_its_folder(saved):
    assert generate.load_painter(saved.parent).size == SIZE


def test_who_and_what_are_not_known_is_said(untaught, tmp_path):
    for person, motion, message in (
        (7, "fly", "motion: expected one of walk, run.*received 'fly'"),
        (7, "fly.mp4", "motion: expected a number of a person.*fly.mp4"),
        (
            "me.jpg",
            "walk",
            "person: expected a number of a person.*of other pictures the joints are not known",
        ),
        ("-1", "walk", "person: expected a number of a person"),
        ("nobody/walk_007.mp4", "walk", "walk_007.mp4"),
    ):
        with pytest.raises(ValueError, match=message):
            generate.animate(untaught, person, motion)
    other = shutil.copy(shipped("walk", 3), tmp_path / "walk_004.mp4")
    with pytest.raises(ValueError, match="is called like one, but shows something else"):
        generate.animate(untaught, other, "walk")
    video.write_video(tmp_path / "run_003.mp4", np.zeros((5, 96, 96, 3), np.uint8), fps=25)
    with pytest.raises(ValueError, match="shows something else"):
        generate.animate(untaught, 3, tmp_path / "run_003.mp4")


def test_what_is_no_painter_is_said(tmp_path):
    with pytest.raises(ValueError, match="no such file.*train-structure"):
        generate.load_painter(tmp_path / "none.keras")
    (tmp_path / "torn.keras").write_bytes(b"PK")
    with pytest.raises(ValueError, match="damaged"):
        generate.load_painter(tmp_path / "torn.keras")
    with pytest.raises(ValueError, match="expected a Painter, found a VideoGenerator"):
        generate.load_painter(datasets.data_folder() / "checkpoints" / "generator.keras")
