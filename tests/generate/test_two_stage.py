"""The two-stage generator: pixel by pixel what its stages make, behind the face of the other generators."""

import keras
import numpy as np
import pytest

from vgcourse import evaluate, generate, people, video
from vgcourse.classroom import widgets
from vgcourse.datasets import Clips
from vgcourse.structure import MotionGenerator, Painter, paint_frames

NAMES = ("walk", "jack", "wave2")


@pytest.fixture(scope="module")
def joints():
    """Motions of two people in three actions, 32 pixels high."""
    return np.stack(
        [
            people.action_joints(name, actor, size=32, num_frames=20, fps=10)
            for name in NAMES
            for actor in (0, 1)
        ]
    )


@pytest.fixture(scope="module")
def generator(joints):
    """Untrained stages; only the motions' components are fitted, so that skeletons look like people."""
    keras.utils.set_random_seed(5)
    motion = MotionGenerator(NAMES, num_components=6, width=8, depth=1)
    motion.components.fit(joints, size=32)
    return generate.TwoStageGenerator(motion, Painter(32, channels=4))


@pytest.fixture(scope="module")
def clips(generator):
    return generate.sample(generator, num_clips=3, seed=7)


def test_a_clip_is_what_the_painter_makes_of_the_motion(generator, clips):
    """Person 7, motion 7, the first action: through the painter's own function, frame by frame."""
    reference, known = generate.reference_of(7, size=32)
    noise = np.random.default_rng([7, 1]).standard_normal((3, 6), np.float32)
    joints = np.asarray(generator.motion.make_joints(noise, np.arange(3), size=32))
    expected = paint_frames(generator.painter, joints[0], reference[None], known[None])
    assert clips.shape == (3, 20, 32, 32, 3)
    assert np.abs(clips[0].astype(int) - expected).max() <= 1  # sums of another batch are rounded differently
    assert np.abs(clips[1].astype(int) - expected).max() > 10


def test_a_reference_is_a_frame_of_the_actor():
    frame, joints = generate.reference_of(3, size=32)
    settings = {"size": 32, "num_frames": 20, "fps": 10}
    np.testing.assert_array_equal(frame, people.render_action("wave1", 10_003, **settings)[5])
    np.testing.assert_allclose(joints, people.action_joints("wave1", 10_003, **settings)[5])


def test_seeds_mean_people_and_ways_of_moving(generator, clips):
    content, motion = generate.content_codes(generator, [7, 4]), generate.motion_noise(generator, [7, 4])
    assert content.shape == (2, generator.content_dim)
    assert motion.shape == (2, 6)
    again = generate.make_clips(generator, content[:1], motion[:1], ["walk"])
    assert np.abs(again[0].astype(int) - clips[0]).max() <= 1
    more = generate.sample(generator, num_clips=4, seed=7)
    assert np.abs(more[:3].astype(int) - clips).max() <= 1


def test_people_are_mixed_by_their_looks(generator):
    steps = generate.interpolate(generator, action="jack", seeds=[1, 2], num_steps=3, motion_seed=0)
    content, motion = generate.content_codes(generator, [1, 2]), generate.motion_noise(generator, [0])
    ends = generate.make_clips(generator, content, np.repeat(motion, 2, axis=0), ["jack"] * 2)
    assert np.abs(steps[[0, 2]].astype(int) - ends).max() <= 1
    halfway = np.abs(steps[1].astype(int) - ends).mean(axis=(1, 2, 3, 4))
    whole = np.abs(ends[0].astype(int) - ends[1]).mean()
    assert (halfway > 0.2 * whole).all()
    assert (halfway < 0.8 * whole).all()


def test_halfway_is_the_mean_of_two_looks(generator):
    """Codes of two stages lie on no sphere: the arc between them would leave the first person too late."""
    start, end = generate.content_codes(generator, [1, 2])
    path = generate.content_path(generator, start, end, 3)
    np.testing.assert_allclose(path, [start, (start + end) / 2, end], atol=1e-6)


def test_motion_is_swapped_exactly(generator):
    """The same skeletons under both people: only the looks differ."""
    matrix = generate.swap_motion(generator, content_seeds=[1, 2], actions=["walk", "jack"], motion_seed=3)
    one = generate.make_clips(
        generator, generate.content_codes(generator, [2]), generate.motion_noise(generator, [3]), ["jack"]
    )
    assert matrix.shape == (2, 2, 20, 32, 32, 3)
    assert np.abs(matrix[1, 1].astype(int) - one[0]).max() <= 1


def test_a_saved_generator_is_the_same(generator, clips, tmp_path):
    path = tmp_path / "generator.keras"
    generator.save(path)
    loaded = generate.load_generator(path)
    assert isinstance(loaded, generate.TwoStageGenerator)
    assert (loaded.size, loaded.num_frames, loaded.fps, loaded.action_names) == (32, 20, 10.0, NAMES)
    np.testing.assert_array_equal(generate.sample(loaded, num_clips=3, seed=7), clips)


def test_stages_are_joined_from_their_files(generator, clips, tmp_path):
    motion, painter = tmp_path / "motion.keras", tmp_path / "painter.keras"
    generator.motion.save(motion)
    generator.painter.save(painter)
    joined = generate.join_stages(motion, painter)
    np.testing.assert_array_equal(generate.sample(joined, num_clips=3, seed=7), clips)
    with pytest.raises(ValueError, match=r"painter\.keras: expected a MotionModel, found a Painter"):
        generate.join_stages(painter, motion)
    with pytest.raises(ValueError, match=r"none\.keras: expected a motion model .*, found no such file"):
        generate.join_stages(tmp_path / "none.keras", painter)


def test_stages_that_do_not_fit_are_refused(generator):
    with pytest.raises(ValueError, match="painter: expected a Painter, received a MotionGenerator"):
        generate.TwoStageGenerator(generator.motion, generator.motion)
    with pytest.raises(ValueError, match="motion: expected 25 joints, received 2"):
        generate.TwoStageGenerator(MotionGenerator(NAMES, num_joints=2, num_components=3), generator.painter)


def test_looks_differ_most_along_the_first_direction(generator):
    directions = generate.look_directions(generator, 2, num_people=8)
    codes = generate.content_codes(generator, range(8))
    centred = codes - codes.mean(axis=0)
    spreads = [(centred @ direction / np.linalg.norm(direction)).std() for direction in directions]
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), spreads, rtol=1e-3)
    assert spreads[0] > spreads[1] > 0
    assert directions[0] @ directions[1] == pytest.approx(0, abs=1e-2)
    with pytest.raises(ValueError, match="num_directions: expected a whole number from 0 to 7"):
        generate.look_directions(generator, 8, num_people=8)


# ---- what takes any generator ----------------------------------------------------------------------------


def test_samples_are_written_as_whole_loops(generator, tmp_path):
    gif, *_ = generate.write_samples(generator, tmp_path, people=1)
    assert video.probe(gif).num_frames == 20
    paths = generate.write_clips(generator, tmp_path, num_clips=2, suffix="gif")
    assert [path.name for path in paths] == ["000-walk.gif", "001-jack.gif"]


def test_the_control_panel_draws_it(generator):
    panel = widgets.control_panel(generator, num_looks=2)
    before = panel.picture.value
    panel.set(action="jack", person=5, look_1=2.0)
    assert panel.message.value == ""
    assert panel.picture.value != before


def test_it_is_scored_as_the_others(generator, clips):
    actions = np.arange(3)
    real = Clips(clips, actions, actions, NAMES, 10.0)
    scores = evaluate.score_generator(generator, real, seed=7)
    assert set(scores) == set(evaluate.scores.HEADINGS)
