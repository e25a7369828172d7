"""The demo as a newcomer runs it, and runs that do not fit their store."""

import csv
import json

import keras
import numpy as np
import pytest

from vgcourse import datasets, generate, video
from vgcourse.training import run

WANTED = {"samples.gif", "samples.png", "samples.mp4", "metrics.json", "history.csv", "generator.keras"}


@pytest.mark.slow
def test_demo_writes_all_it_promises(tmp_path, capsys):
    scores = run.run_demo(tmp_path / "demo", minutes=0.15, precision="float32")
    assert {path.name for path in (tmp_path / "demo").iterdir()} == WANTED
    printed = capsys.readouterr().out
    assert all(row in printed for row in ("untrained", "trained", "real", "jupyter lab"))
    metrics = json.loads((tmp_path / "demo" / "metrics.json").read_text())
    assert metrics["trained"] == scores["trained"]
    assert metrics["real"]["motion_control_score"] > 0.95
    with open(tmp_path / "demo" / "history.csv", newline="") as file:
        assert int(list(csv.DictReader(file))[-1]["step"]) == metrics["steps"]
    info = video.probe(tmp_path / "demo" / "samples.gif")
    assert info.duration == pytest.approx(2.0)  # two like frames may be stored as one
    generator = generate.load_generator(tmp_path / "demo" / "generator.keras")
    assert generator.action_names == datasets.load_actions("test").action_names


def test_a_demo_that_cannot_start_leaves_the_last_one_as_it_was(tmp_path):
    (tmp_path / "metrics.json").write_text("kept")
    with pytest.raises(ValueError, match="bfloat16"):
        run.run_demo(tmp_path, precision="float8")
    assert (tmp_path / "metrics.json").read_text() == "kept"
    assert len(list(tmp_path.iterdir())) == 1


def test_demo_finds_out_at_once_that_it_cannot_write(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(run, "make_gan", lambda *_, **__: pytest.fail("trained before it tried to write"))
    with pytest.raises(ValueError, match="file"):
        run.run_demo(tmp_path / "file" / "demo")


@pytest.fixture
def store(tmp_path):
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 256, (8, 16, 32, 32, 3), np.uint8)
    names = ("left", "right")
    made = datasets.Clips(clips, np.arange(8) % 2, np.full(8, -1), names, 10.0)
    return datasets.save_clips(tmp_path / "store", made)


def test_a_run_remembers_what_it_was_started_with(store, tmp_path):
    config = run.start_run(store, tmp_path / "run", precision="float32", batch_size=4, seed=5)
    assert config["action_names"] == ["left", "right"]
    assert (config["size"], config["batch_size"], config["seed"]) == (32, 4, 5)
    path = run.continue_run(store, tmp_path / "run", steps=10)
    generator = keras.saving.load_model(path, safe_mode=True)
    assert generator.action_names == ("left", "right")
    assert generator.fps == 10.0


def test_other_clips_of_the_same_kind_are_refused(store, tmp_path):
    run.start_run(store, tmp_path / "run", precision="float32", batch_size=4)
    clips = datasets.load_clips(store)
    changed = datasets.Clips(255 - clips.clips, clips.actions, clips.actors, clips.action_names, clips.fps)
    other = datasets.save_clips(tmp_path / "other", changed)
    with pytest.raises(ValueError, match="other: these are other clips"):
        run.continue_run(other, tmp_path / "run", steps=10)


def test_clips_too_short_to_train_on_are_refused_at_once(store, tmp_path):
    clips = datasets.load_clips(store)
    short = datasets.Clips(clips.clips[:, :3], clips.actions, clips.actors, clips.action_names, clips.fps)
    datasets.save_clips(tmp_path / "short", short)
    with pytest.raises(ValueError, match="short: expected clips of 4 frames or more, received 3"):
        run.start_run(tmp_path / "short", tmp_path / "run")


def test_another_store_is_refused(store, tmp_path):
    run.start_run(store, tmp_path / "run", precision="float32", batch_size=4)
    clips = datasets.load_clips(store)
    other = datasets.Clips(clips.clips, clips.actions, clips.actors, ("up", "down"), 10.0)
    datasets.save_clips(tmp_path / "other", other)
    with pytest.raises(ValueError, match="left.*up"):
        run.continue_run(tmp_path / "other", tmp_path / "run", steps=10)


def test_resume_in_a_folder_without_a_run(store, tmp_path):
    with pytest.raises(ValueError, match="config.json"):
        run.continue_run(store, tmp_path / "nothing", steps=10)


@pytest.mark.parametrize("batch_size", [0, 9])
def test_more_clips_a_step_than_there_are_is_said_before_anything_is_measured(store, tmp_path, batch_size):
    with pytest.raises(ValueError, match=f"store: batch_size: expected 1 to 8.*received {batch_size}"):
        run.start_run(store, tmp_path / "run", batch_size=batch_size)
    assert not (tmp_path / "run").exists()
