"""The demo as a newcomer runs it."""

import csv
import json
import types

import numpy as np
import pytest

from vgcourse import datasets, demo, generate, video


def make_clips():
    clips = np.zeros((2, 16, 32, 32, 3), np.uint8)
    return datasets.Clips(clips, np.zeros(2, int), np.zeros(2, int), ("walk",), 10.0)


WANTED = {"samples.gif", "samples.png", "samples.mp4", "metrics.json", "history.csv", "generator.keras"}


@pytest.mark.slow
def test_demo_writes_all_it_promises(tmp_path, capsys):
    scores = demo.run_demo(tmp_path / "demo", minutes=0.15, precision="float32")
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


def test_a_demo_that_cannot_start_leaves_the_last_one_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(demo.datasets, "load_actions", lambda split, **settings: make_clips())
    (tmp_path / "metrics.json").write_text("kept")
    with pytest.raises(ValueError, match="bfloat16"):
        demo.run_demo(tmp_path, precision="float8")
    assert (tmp_path / "metrics.json").read_text() == "kept"
    assert len(list(tmp_path.iterdir())) == 1


def test_demo_finds_out_at_once_that_it_cannot_write(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(demo, "make_gan", lambda *_, **__: pytest.fail("trained before it tried to write"))
    with pytest.raises(ValueError, match="file"):
        demo.run_demo(tmp_path / "file" / "demo")


def test_the_demo_scores_before_and_after_training_against_people_never_trained_on(
    tmp_path, monkeypatch, capsys
):
    """The stages are stand-ins here: what is handed from one to the next is what counts."""
    game, compared = types.SimpleNamespace(ema_generator="generator", steps=0), []
    frames = {"train": 3, "validation": 1, "test": 2}  # each split's clips have its number as colour

    def load(split, *, size, num_frames=16, fps=10.0):
        clips = np.full((2, num_frames, 32, 32, 3), frames[split], np.uint8)
        return datasets.Clips(clips, np.zeros(2, int), np.zeros(2, int), ("walk",), fps)

    def score(generator, real, *, seed):
        compared.append(np.unique(real.clips).tolist())
        return {"steps": game.steps, "seed": seed}

    def score_clips(clips, actions, real, *, action_names, fps):
        compared.append([clips.shape, np.unique(clips).tolist(), np.unique(real).tolist(), fps])
        return {"steps": -1}

    def train(gan, clips, *, steps):
        compared.append(np.unique(clips.clips).tolist())
        gan.steps = steps
        return [{"step": steps, "d_loss": 1.0}]

    monkeypatch.setattr(demo.datasets, "load_actions", load)
    monkeypatch.setattr(demo, "make_gan", lambda size, names, *, precision, seed: game)
    monkeypatch.setattr(demo.training, "pick_precision", lambda size: "bfloat16")
    monkeypatch.setattr(demo.training, "steps_for", lambda gan, clips, minutes: round(10 * minutes))
    monkeypatch.setattr(demo.training, "train", train)
    monkeypatch.setattr(demo.training, "save_generator", lambda gan, folder: None)
    monkeypatch.setattr(demo.generate, "write_samples", lambda generator, folder, *, seed: None)
    monkeypatch.setattr(demo.evaluate, "score_generator", score)
    monkeypatch.setattr(demo.evaluate, "score_clips", score_clips)
    monkeypatch.setattr(demo.evaluate, "score_table", lambda scores: " ".join(scores))
    scores = demo.run_demo(tmp_path, minutes=3.0, seed=4)
    expected = {
        "untrained": {"steps": 0, "seed": 4},
        "trained": {"steps": 30, "seed": 4},
        "real": {"steps": -1},
    }
    assert scores == expected
    assert compared == [[1, 2], [3], [1, 2], [(2, 16, 32, 32, 3), [3], [1, 2], 10.0]]
    settings = {"size": 32, "steps": 30, "precision": "bfloat16", "seed": 4}
    assert json.loads((tmp_path / "metrics.json").read_text()) == {**settings, **expected}
    assert (tmp_path / "history.csv").read_text().split() == ["step,d_loss", "30,1.0"]
    assert "untrained trained real" in capsys.readouterr().out
