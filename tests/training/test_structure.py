"""Structure first, a run: what the folder holds; resumed it ends as an unbroken one does; wrong folders."""

import imageio.v3 as imageio
import keras
import numpy as np
import pytest
import tensorflow as tf
from small_game import differing, values

from vgcourse import datasets, people, structure, training
from vgcourse.structure import PeopleFrames
from vgcourse.training import run
from vgcourse.training import structure as stage

SIZE = 32


def small_set(seed, num_people=2, num_frames=4):
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (num_people, num_frames, SIZE, SIZE, 3)).astype(np.uint8)
    joints = rng.uniform(0, SIZE, (num_people, num_frames, 25, 3)).astype(np.float32)
    return PeopleFrames(frames, joints, np.arange(num_people))


@pytest.fixture
def few_people(monkeypatch):
    """Noise instead of the clips in `data/`: known without decoding them."""
    monkeypatch.setattr(stage, "_people", lambda split, size, poses=0: small_set(len(split)))
    motion = structure.MotionGenerator(people.ACTIONS, width=8, depth=1)
    monkeypatch.setattr(stage, "train_motion", lambda clips, *, seed: motion)


def test_a_resumed_training_goes_on_with_the_next_batch(monkeypatch):
    known, gan = small_set(0), structure.make_painter_gan(SIZE, steps=20, seed=4)
    monkeypatch.setattr(stage, "iter_training", lambda gan, batches, *, steps: batches)
    whole = stage._rows(gan, known, 20, {"batch_size": 1})
    expected = [next(whole) for _ in range(8)][-1]
    monkeypatch.setattr(stage, "current_step", lambda gan: 7)
    found = next(stage._rows(gan, known, 20, {"batch_size": 1}))
    assert all(map(np.array_equal, tf.nest.flatten(found), tf.nest.flatten(expected)))


@pytest.mark.slow  # graphs of three painters with second derivatives are built
def test_a_resumed_run_ends_bit_for_bit_as_an_unbroken_one(few_people, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "SAVE_EVERY", -1)  # a checkpoint at every row
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        training.start_structure_run(folder, size=SIZE, batch_size=1, seed=5)
    # Names as in a new process: TensorFlow optimises graphs by them, and sums are rounded accordingly.
    keras.utils.clear_session()
    training.continue_structure_run(whole, steps=20)
    written, finish = [], stage.write_painted

    def stop(*arguments):
        written.append(finish(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "write_painted", stop)
    keras.utils.clear_session()
    with pytest.raises(KeyboardInterrupt):
        training.continue_structure_run(broken, steps=20)
    assert [path.name for path in training.list_checkpoints(broken)] == ["checkpoint-00000010.npz"]
    monkeypatch.setattr(stage, "write_painted", finish)
    keras.utils.clear_session()
    path = training.continue_structure_run(broken)
    gans = []
    for folder in (whole, broken):
        gans.append(stage._painter_gan(training.read_config(folder)))
        training.restore_checkpoint(gans[-1], folder)
    assert differing(values(gans[0]), values(gans[1])) == []
    assert [row["step"] for row in training.read_history(broken)] == [10, 20]
    assert path == broken
    assert keras.saving.load_model(path / "painter.keras", safe_mode=True).size == SIZE
    assert keras.saving.load_model(path / "motion.keras", safe_mode=True).action_names == people.ACTIONS
    assert imageio.imread(broken / "painted.png").ndim == 3
    config = training.read_config(broken)
    expected = ["train-structure", str(broken), "--size 32", "--steps 20", "--batch-size 1", "--seed 5"]
    assert all(words in config["command"] for words in expected)
    with pytest.raises(ValueError, match="at step 20 already, received --steps 10"):
        training.continue_structure_run(broken, steps=10)
    with pytest.raises(ValueError, match="there is a run here already"):
        training.start_structure_run(broken, size=SIZE)


def test_minutes_become_steps_once(few_people, tmp_path, monkeypatch):
    training.start_structure_run(tmp_path, size=SIZE, batch_size=1)
    asked = []
    monkeypatch.setattr(stage, "steps_for", lambda gan, clips, minutes, batches: asked.append(minutes) or 10)
    training.continue_structure_run(tmp_path, minutes=3.0)
    training.continue_structure_run(tmp_path, minutes=3.0)
    assert asked == [3.0]
    assert training.read_config(tmp_path)["steps"] == 10


def test_a_run_of_the_other_kind_is_named(tmp_path):
    settings = {"num_frames": 16, "fps": 10, "action_names": ["walk"], "precision": "float32"}
    settings |= {"size": SIZE, "batch_size": 4, "seed": 0}
    run.write_config(tmp_path / "gan", settings)
    run.write_config(tmp_path / "structure", {**settings, "kind": "structure"})
    with pytest.raises(ValueError, match="expected a run of `vgcourse train-structure`, received one of"):
        training.continue_structure_run(tmp_path / "gan")
    with pytest.raises(ValueError, match="expected a run of `vgcourse train`, received one of"):
        training.continue_run(tmp_path / "store", tmp_path / "structure")
    run.write_config(tmp_path / "odd", {**settings, "kind": "song"})
    with pytest.raises(ValueError, match="kind: expected gan or structure, received 'song'"):
        run.read_config(tmp_path / "odd")


def test_a_folder_of_other_files_is_left_alone(tmp_path):
    (tmp_path / "painter.keras").write_text("mine")
    with pytest.raises(ValueError, match="holds painter.keras and no run of this course"):
        training.start_structure_run(tmp_path, size=SIZE)
    with pytest.raises(ValueError, match="size: expected one of 32, 64, 128, received 48"):
        training.start_structure_run(tmp_path / "new", size=48)


def test_frames_of_another_size_are_refused():
    gan = structure.make_painter_gan(64, steps=10)
    with pytest.raises(ValueError, match=r"expected frames \(64, 64, 3\), received \(32, 32, 3\)"):
        training.train_painter(gan, small_set(0), steps=10)


@pytest.mark.slow
def test_a_minute_of_training_paints_people_it_has_never_seen():
    from vgcourse import datasets

    clips = datasets.load_actions("train", size=SIZE, num_frames=20)
    known = structure.frames_by_person(clips)
    unseen = structure.frames_by_person(datasets.load_actions("validation", size=SIZE, num_frames=20))
    gan = structure.make_painter_gan(SIZE, steps=300)
    training.train_painter(gan, known, steps=300)
    errors = []
    for frames, joints in zip(unseen.frames, unseen.joints, strict=True):
        made = structure.paint_frames(gan.painter, joints[::5], frames[100:101], joints[100:101])
        errors.append(np.abs(made.astype(float) - frames[::5]).mean())
    assert np.mean(errors) < 6  # untrained: about 13


def test_motions_are_learnt_from_the_joints_of_the_clips_and_the_seed_counts():
    clips = datasets.load_actions("test", size=32, num_frames=20, fps=10)
    first, other = (training.train_motion(clips, steps=2, seed=seed) for seed in (3, 4))
    assert first.action_names == clips.action_names
    joints = datasets.load_action_joints(clips)
    there_and_back = first.components.decode(first.components.encode(joints, size=32), size=32)
    assert np.abs(there_and_back - joints).mean() < 0.5  # pixels: fitted to these motions
    assert not all(map(np.array_equal, first.get_weights(), other.get_weights()))


def test_both_stages_share_the_minutes(monkeypatch):
    clips = datasets.load_actions("test", size=32, num_frames=20, fps=10)
    asked = []
    monkeypatch.setattr(stage, "train_motion", lambda clips, *, steps, seed: asked.append(steps))
    monkeypatch.setattr(stage, "_painter_steps", lambda known, config, minutes: asked.append(minutes) or 10)
    monkeypatch.setattr(stage, "train_painter", lambda gan, known, *, steps: asked.append(steps))
    for minutes in (2.0, 0.5):
        training.train_stages(clips, minutes=minutes, seed=1)
    assert asked == [2400, 1.5, 10, 1200, 0.25, 10]
