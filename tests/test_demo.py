"""The demo: what it trains on, what it scores with, and what it leaves behind."""

import csv
import json
import re

import numpy as np
import pytest

from vgcourse import datasets, demo, evaluate, generate, people, structure, training, video
from vgcourse.training import lock

OF_GAN = {"samples.gif", "samples.png", "samples.mp4", "metrics.json", "history.csv", "generator.keras"}
WANTED = OF_GAN | {"two_stage.keras", "comparison.gif", "comparison.png"}
SCORES = dict.fromkeys(evaluate.scores.HEADINGS, 0.25)


def names(folder):
    """Of the files there, but for the lock that is left over."""
    return {path.name for path in folder.iterdir()} - {".lock"}


def some_clips(split, *, size=64, num_frames=16, fps=10.0):
    """Three clips of a split; their first frame tells the split, the others the frame's number."""
    place = ("train", "validation", "test").index(split)
    clips = np.zeros((3, num_frames, size, size, 3), np.uint8)
    clips += np.arange(num_frames, dtype=np.uint8)[:, None, None, None]
    clips[:, 0] = 100 + place
    return datasets.Clips(clips, [0, 1, 2], [7, 8, 9], people.ACTIONS, fps)


@pytest.fixture
def seen(monkeypatch):
    """Small data, a training that only changes the weights, and what its stages were given."""
    seen = {"scored": []}

    def train(gan, clips, *, steps):
        seen.update(trained_on=clips, steps=steps, precision=gan.generator.dtype_policy.name)
        gan.ema_generator.set_weights([0.9 * weight for weight in gan.ema_generator.get_weights()])
        return [{"step": steps, "g_loss": 0.5, "d_loss": 1.5}]

    def score_generator(generator, real, *, seed):
        seen["scored"].append(
            (sum(np.abs(w).sum() for w in generator.get_weights()), real.clips[:, 0, 0, 0, 0], seed)
        )
        return SCORES

    def score_clips(clips, actions, real, **options):
        seen["real"] = clips, actions, real, options
        return SCORES

    monkeypatch.setattr(datasets, "load_actions", some_clips)
    monkeypatch.setattr(training, "pick_precision", lambda size: "bfloat16")
    monkeypatch.setattr(training, "steps_for", lambda gan, clips, minutes: round(100 * minutes))
    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(evaluate, "score_generator", score_generator)
    monkeypatch.setattr(evaluate, "score_clips", score_clips)
    return seen


def test_the_whole_path_on_small_data(seen, tmp_path, capsys):
    scores = demo.run_demo(tmp_path, minutes=0.5, only="gan", precision="float32", seed=5)

    # Trained on training people, 20 frames of each, for the steps that fit.
    assert seen["trained_on"].clip_shape == (20, 32, 32, 3)
    assert set(seen["trained_on"].clips[:, 0].flat) == {100}
    assert (seen["steps"], seen["precision"]) == (50, "float32")

    # Scored before and after, against people it never saw; real ones alike, by their first 16 frames.
    (before, held_out, _), (after, again, _) = seen["scored"]
    assert after == pytest.approx(0.9 * before, rel=1e-4)
    assert list(held_out) == list(again) == [101] * 3 + [102] * 3
    assert [seed for *_, seed in seen["scored"]] == [5, 5]
    clips, actions, real, options = seen["real"]
    assert clips[0, :, 0, 0, 0].tolist() == [100, *range(1, 16)]
    assert sorted(actions) == [0, 1, 2]
    assert list(real[:, 0, 0, 0, 0]) == list(held_out)
    real_people, training_people = options.pop("people")
    assert real_people.tolist() == [7, 8, 9] * 2
    assert sorted(training_people) == [7, 8, 9]
    assert options == {"action_names": people.ACTIONS, "fps": 10.0}

    # What it leaves and says.
    kept = json.loads((tmp_path / "metrics.json").read_text())
    settings = {"made_by": "vgcourse demo", "size": 32, "steps": 50, "precision": "float32", "seed": 5}
    assert kept == {**settings, **scores}
    assert list(scores) == ["untrained GAN", "GAN", "real, 32x32"]
    with (tmp_path / "history.csv").open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["50"]
    assert names(tmp_path) == OF_GAN
    assert video.probe(tmp_path / "samples.gif").fps == 10
    said = capsys.readouterr().out
    assert re.search("untrained GAN +GAN +real, 32x32\n", said)
    assert str(tmp_path) in said


@pytest.fixture
def stages(seen, monkeypatch):
    """What structure first was given, its training a stand-in."""

    def train_stages(clips, *, minutes, seed):
        seen.update(stages_on=clips, minutes=minutes, stages_seed=seed)
        motion = structure.MotionGenerator(people.ACTIONS, width=8, depth=1)
        return motion, structure.Painter(64, channels=4)

    monkeypatch.setattr(training, "train_stages", train_stages)
    return seen


def test_both_ways_share_the_minutes_and_are_shown_beside_real_clips(stages, tmp_path, capsys):
    scores = demo.run_demo(tmp_path, minutes=3.0, precision="float32", seed=2)
    assert stages["steps"] == 100  # a third of three minutes
    assert (stages["minutes"], stages["stages_seed"]) == (pytest.approx(2.0), 2)
    assert stages["stages_on"].clip_shape == (20, 64, 64, 3)
    assert set(stages["stages_on"].clips[:, 0].flat) == {100}
    assert list(scores) == ["untrained GAN", "GAN", "real, 32x32", "structure first", "real, 64x64"]
    assert names(tmp_path) == WANTED
    generate.load_generator(tmp_path / "two_stage.keras")
    # Three rows: the second is the GAN's, whose 32 pixels are shown as large as the others' 64.
    size = video.probe(tmp_path / "comparison.gif")
    rows = video.probe(tmp_path / "comparison.png")
    assert (size.width, size.height) == (rows.width, rows.height)
    assert "comparison.gif" in capsys.readouterr().out


def test_structure_first_alone_gets_all_the_time(stages, tmp_path):
    scores = demo.run_demo(tmp_path, minutes=1.5, only="structure")
    assert stages["minutes"] == 1.5
    assert "trained_on" not in stages
    assert list(scores) == ["structure first", "real, 64x64"]
    assert names(tmp_path) == {
        *generate.SAMPLES,
        "metrics.json",
        "two_stage.keras",
    }


def test_another_generator_is_refused(seen, tmp_path):
    with pytest.raises(ValueError, match="only.*gan.*structure.*flow"):
        demo.run_demo(tmp_path, only="flow")


def test_seed_size_and_precision_reach_the_gan(seen, tmp_path, monkeypatch):
    made = []

    class Stop(Exception):
        pass

    def make_gan(*arguments, **options):
        made.append((arguments, options))
        raise Stop

    monkeypatch.setattr(demo, "make_gan", make_gan)
    for options in ({}, {"size": 64, "precision": "float16", "seed": 3}):
        with pytest.raises(Stop):
            demo.run_demo(tmp_path, only="gan", **options)
    assert made == [
        ((32, people.ACTIONS), {"precision": "bfloat16", "seed": 0}),
        ((64, people.ACTIONS), {"precision": "float16", "seed": 3}),
    ]


def test_a_folder_that_cannot_be_written_is_told_before_any_work(seen, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="cannot be written"):
        demo.run_demo(tmp_path / "file" / "demo")
    assert seen == {"scored": []}
    (tmp_path / "samples.gif").write_bytes(b"of an earlier demo")
    demo._try_to_write(tmp_path)
    assert names(tmp_path) == {"file", "samples.gif"}


def test_two_demos_in_one_folder(seen, tmp_path, monkeypatch):
    """The second is started while the first trains; a process can hold a lock against itself, too."""

    def second(*args, **kwargs):
        monkeypatch.setattr(lock, "_held", set())  # as another process would see it
        with pytest.raises(ValueError, match=f"{tmp_path.name}: another training is writing here"):
            demo.run_demo(tmp_path, only="gan")
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "_demo_gan", second)
    with pytest.raises(KeyboardInterrupt):
        demo.run_demo(tmp_path, only="gan")
    assert names(tmp_path) == set()


@pytest.mark.slow
def test_demo_writes_all_it_promises(tmp_path, capsys):
    scores = demo.run_demo(tmp_path / "demo", minutes=0.6, precision="float32")
    assert names(tmp_path / "demo") == WANTED
    printed = capsys.readouterr().out
    assert all(row in printed for row in ("untrained GAN", "structure first", "real, 64x64", "jupyter lab"))
    metrics = json.loads((tmp_path / "demo" / "metrics.json").read_text())
    assert metrics["GAN"] == scores["GAN"]
    for real in ("real, 32x32", "real, 64x64"):
        assert metrics[real]["motion_control_score"] > 0.95
        assert metrics[real]["limbs_found"] > 0.9
    assert metrics["GAN"]["limbs_found"] < 0.5 < metrics["structure first"]["limbs_found"]
    assert metrics["structure first"]["motion_control_score"] > 0.8
    with open(tmp_path / "demo" / "history.csv", newline="") as file:
        assert int(list(csv.DictReader(file))[-1]["step"]) == metrics["steps"]
    info = video.probe(tmp_path / "demo" / "samples.gif")
    assert info.duration == pytest.approx(2.0)  # two like frames may be stored as one
    generator = generate.load_generator(tmp_path / "demo" / "generator.keras")
    assert generator.action_names == datasets.load_actions("test").action_names


OURS = json.dumps({"size": 32, "steps": 9, "precision": "float32", "seed": 0, "untrained": SCORES})


def test_a_demo_that_cannot_start_leaves_the_last_one_as_it_was(seen, tmp_path):
    (tmp_path / "metrics.json").write_text(OURS)
    with pytest.raises(ValueError, match="bfloat16"):
        demo.run_demo(tmp_path, precision="float8")
    assert (tmp_path / "metrics.json").read_text() == OURS
    assert names(tmp_path) == {"metrics.json"}
    (tmp_path / "samples.gif").write_bytes(b"somebody's own, beside what a demo left")
    with pytest.raises(ValueError, match=r"samples\.gif: there is a file"):
        demo.run_demo(tmp_path, precision="float32")
    assert seen == {"scored": []}


@pytest.mark.parametrize("name", sorted(WANTED))
def test_files_of_somebody_elses_are_not_written_over(seen, tmp_path, name):
    for content in ("", "[" * 100_000, "[1]", '{"size": 32}'):
        (tmp_path / name).write_text(content)
        with pytest.raises(ValueError, match=f"{tmp_path.name}: holds {name}, not of an earlier demo"):
            demo.run_demo(tmp_path)
        assert (tmp_path / name).read_text() == content
    assert names(tmp_path) == {name}
    assert seen == {"scored": []}


def test_a_demo_that_was_stopped_can_be_given_again(seen, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(generate, "write_samples", lambda *_, **__: 1 / 0)  # the generator is kept by then
        with pytest.raises(ZeroDivisionError):
            demo.run_demo(tmp_path)
    assert (tmp_path / "generator.keras").exists()
    for _ in range(2):
        demo.run_demo(tmp_path, only="gan")
    assert names(tmp_path) == OF_GAN
