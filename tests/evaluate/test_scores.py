"""Scores of generators: real clips score like real ones at any speed, noise does not, the table says so."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from vgcourse import datasets, features, generate
from vgcourse.evaluate import metrics, scores, visible
from vgcourse.gan.models import VideoGenerator


@pytest.fixture(scope="module")
def real():
    return datasets.load_actions("test", size=32)


def score(clips, real, **changes):
    """Scores of `Clips` against others."""
    settings = {"action_names": clips.action_names, "fps": clips.fps, **changes}
    return scores.score_clips(clips.clips, clips.actions, real.clips, **settings)


def test_real_clips_score_like_real_ones(real):
    other = datasets.load_actions("validation", size=32)
    good = score(other, real)
    noise = np.random.default_rng(0).integers(0, 256, real.clips.shape, np.uint8)
    worse = scores.score_clips(noise, real.actions, real.clips, action_names=real.action_names, fps=10)
    assert good["motion_control_score"] > 0.95
    assert worse["motion_control_score"] < 0.3
    assert good["limbs_found"] > 0.9
    assert worse["limbs_found"] < 0.1
    assert worse["laplacian_auc"] == worse["logistic_auc"] == 1.0
    assert good["laplacian_auc"] < 0.7
    assert 0.6 < good["wall_detail"] < 1.6  # eight people's walls against eight others'
    assert worse["wall_detail"] > 100
    assert good["frechet_distance"] < worse["frechet_distance"] / 5
    vectors = [features.clip_features(clips) for clips in (real.clips, other.clips)]
    assert good["frechet_distance"] == pytest.approx(metrics.frechet_distance(*vectors))
    assert good["motion_energy"] == metrics.motion_energy(other.clips) != metrics.motion_energy(real.clips)


def test_actions_are_matched_by_name_not_by_place(motion_alone, real):
    some = real.only("dance", "wave1")  # 9 and 5 in the classifier's order
    assert score(some, real)["motion_control_score"] > 0.9
    assert score(some, real, action_names=("wave1", "dance"))["motion_control_score"] < 0.1


def test_unknown_actions_make_motion_control_and_limbs_not_applicable(real):
    some = real.select(slice(None, None, 5))
    found = score(some, some, action_names=("juggle", *real.action_names[1:]))
    assert found["motion_control_score"] is found["limbs_found"] is None
    assert found["laplacian_auc"] == 0.5
    assert found["wall_detail"] == 1.0


def test_limbs_of_people_that_the_finder_does_not_know_are_not_counted(real):
    """Somebody may call a folder of films "walk": no limbs are found in the real clips either."""
    upside_down = real.select(slice(0, 80, 8))
    upside_down = replace(upside_down, clips=upside_down.clips[:, :, ::-1])
    assert score(real.select(slice(0, 80, 8)), upside_down)["limbs_found"] is None


def test_what_a_few_clips_cannot_tell_is_left_out(real):
    found = score(real.select(range(9)), real.select(range(9)))
    assert found["laplacian_auc"] is found["logistic_auc"] is None
    assert found["limbs_found"] > 0.8


def test_people_are_passed_on(monkeypatch, real):
    seen = []
    monkeypatch.setattr(visible, "two_sample_auc", lambda *_, people: seen.append(people) or (0.6, 0.7))
    some = real.select(slice(None, None, 5))
    found = score(some, some, people=(some.actors, some.actions))
    assert [who.tolist() for who in seen[0]] == [some.actors.tolist(), some.actions.tolist()]
    assert (found["laplacian_auc"], found["logistic_auc"]) == (0.6, 0.7)


# --- speed and length: the classifier knows 16 frames, 10 a second ----------------------------------------


@pytest.fixture
def motion_alone(monkeypatch):
    """What the eye sees is another matter, and takes ten times as long to measure."""
    monkeypatch.setattr(scores, "_limbs_found", lambda *_: None)
    monkeypatch.setattr(scores, "_told_apart", lambda *_: {})


@pytest.mark.parametrize(("fps", "num_frames"), [(25, 40), (12.5, 20), (5, 10)])
def test_real_clips_of_another_speed_are_recognised(motion_alone, fps, num_frames, real):
    """Judged at the classifier's rate; the first 16 frames of 40 are 0.6 s, and another action to it."""
    faster = datasets.load_actions("test", size=32, num_frames=num_frames, fps=fps)
    assert score(faster, faster)["motion_control_score"] == score(real, real)["motion_control_score"] > 0.97


@pytest.mark.parametrize(
    ("fps", "num_frames", "seen"),
    [
        (10, 16, range(16)),
        (10, 24, range(16)),  # the first 1.6 s of longer clips
        (9.99, 16, range(16)),  # rates are measured
        (10.01, 16, range(16)),
        (20, 31, range(0, 31, 2)),
        (25, 38, [0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 30, 32, 35, 37]),  # as players show them
        (5, 8, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]),
        (25, 37, None),  # ends before 1.6 s
        (20, 30, None),
        (25, 16, None),
        (10, 15, None),
        (30, 16, None),
    ],
)
def test_motion_is_judged_at_the_classifiers_rate(monkeypatch, fps, num_frames, seen):
    clips = np.zeros((2, num_frames, 32, 32, 3), np.uint8) + np.arange(num_frames, dtype=np.uint8).reshape(
        1, -1, 1, 1, 1
    )
    shown = []

    def classify(clips):
        shown.append(clips[:, :, 0, 0, 0].tolist())
        return np.eye(10)[[3, 3]]

    monkeypatch.setattr(metrics, "classify", classify)
    monkeypatch.setattr(features, "clip_features", lambda clips: np.eye(2))
    found = scores.score_clips(clips, [0, 1], clips, action_names=("jack", "run"), fps=fps)
    assert found["motion_control_score"] == (None if seen is None else 0.5)
    assert shown == ([] if seen is None else [[list(seen)] * 2])


@pytest.mark.parametrize("num_frames", [8, 24])
def test_clips_of_another_length_are_compared_with_their_like(motion_alone, num_frames):
    """The Frechet distance looks at 16 frames spread over the whole clip, of real and made ones alike."""
    seconds = datasets.load_actions("test", size=32, num_frames=num_frames, fps=num_frames / 2)
    assert score(seconds, seconds)["frechet_distance"] < 1e-6
    frozen = np.repeat(seconds.clips[:, :1], num_frames, axis=1)
    worse = scores.score_clips(
        frozen, seconds.actions, seconds.clips, action_names=seconds.action_names, fps=seconds.fps
    )
    assert worse["frechet_distance"] > 1


@pytest.mark.parametrize(
    ("num_frames", "spread"),
    [
        (16, range(16)),
        (32, range(0, 32, 2)),
        (24, [0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22]),
        (8, [k // 2 for k in range(16)]),
    ],
)
def test_the_distance_looks_at_the_whole_clip(monkeypatch, num_frames, spread):
    numbers = np.arange(num_frames, dtype=np.uint8).reshape(1, -1, 1, 1, 1)
    clips = np.zeros((3, num_frames, 32, 32, 3), np.uint8) + numbers
    seen = []
    monkeypatch.setattr(features, "clip_features", lambda c: seen.append(c[0, :, 0, 0, 0]) or np.eye(3))
    scores.score_clips(clips, [0, 0, 0], clips, action_names=("juggle",), fps=10)
    assert [list(frames) for frames in seen] == [list(spread)] * 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fps": 0}, "fps: expected"),
        ({"fps": float("nan")}, "fps: expected"),
        ({"fps": None}, "fps: expected"),
        ({"action_names": ("walk",)}, "actions: expected places in"),
    ],
)
def test_what_cannot_be_scored_is_refused(real, changes, message):
    with pytest.raises(ValueError, match=message):
        score(real, real, **changes)


# --- generators --------------------------------------------------------------------------------------------


def tiny_generator(names, **settings):
    keras.utils.set_random_seed(0)
    return VideoGenerator(32, names, channels=2, **settings)


def test_a_generator_makes_one_clip_for_every_real_one(monkeypatch, real):
    """The real clips' actions in their order, a person and a motion per seed, its speed."""
    some = real.select([70, 3, 42])
    generator = tiny_generator(real.action_names, fps=9.99)
    got = {}

    def record(clips, actions, real, **settings):
        got.update(clips=clips, actions=actions, real=real, **settings)
        return "the scores"

    monkeypatch.setattr(scores, "score_clips", record)
    assert scores.score_generator(generator, some, seed=5) == "the scores"
    codes = generate.content_codes(generator, [5, 6, 7]), generate.motion_noise(generator, [5, 6, 7])
    np.testing.assert_array_equal(got["clips"], generate.make_clips(generator, *codes, some.actions))
    np.testing.assert_array_equal(got["actions"], some.actions)
    np.testing.assert_array_equal(got["real"], some.clips)
    assert (got["fps"], got["action_names"]) == (9.99, real.action_names)
    real_people, made_people = got["people"]
    assert real_people.tolist() == some.actors.tolist()
    assert made_people is None  # all different


def test_a_generator_of_fast_clips_is_judged_at_its_speed(motion_alone, monkeypatch):
    """40 frames at 25 a second are 1.6 s: what the classifier sees is every 2.5th frame of them."""
    fast = datasets.load_actions("test", size=32, num_frames=40, fps=25)
    monkeypatch.setattr(generate, "make_clips", lambda *_: fast.clips)  # as good as can be
    generator = tiny_generator(fast.action_names, num_frames=40, fps=25)
    assert scores.score_generator(generator, fast)["motion_control_score"] > 0.97


def test_a_generator_of_short_clips_can_be_scored(tmp_path):
    names = ("walk", "run")
    generator = tiny_generator(names, num_frames=8)
    clips = datasets.load_actions("test", size=32, num_frames=10).only(*names)
    datasets.save_clips(tmp_path / "store", clips)
    found = scores.score_against_store(generator, tmp_path / "store")
    assert np.isfinite(found["frechet_distance"])
    assert found["motion_control_score"] is None
    datasets.save_clips(tmp_path / "one", clips.select([0]))
    short = datasets.load_actions("test", size=32, num_frames=8).only(*names)
    with pytest.raises(ValueError, match="one: expected 2 clips or more to compare with, received 1$"):
        scores.score_against_store(generator, tmp_path / "one")
    with pytest.raises(ValueError, match=r"store: expected clips like .*\(9, 32, .*received \(8, 32, "):
        scores.score_against_store(
            tiny_generator(names, num_frames=9),
            datasets.save_clips(tmp_path / "store", short, overwrite=True),
        )


def test_real_clips_unlike_the_generators_are_refused(real):
    with pytest.raises(ValueError, match=r"\(16, 64, 64, 3\).*received \(16, 32, 32, 3\)"):
        scores.score_generator(VideoGenerator(64, real.action_names, channels=2), real)
    with pytest.raises(ValueError, match="of walk, run at.*received .* of run, walk at"):
        scores.score_generator(tiny_generator(("walk", "run")), real.only("run", "walk"))
    with pytest.raises(ValueError, match="at 25 fps; received .* at 10 fps"):
        scores.score_generator(tiny_generator(real.action_names, fps=25), real)


def test_table_has_a_column_for_each_set_and_says_what_does_not_apply():
    keys = list(scores.HEADINGS)
    mine = {key: 10 * k + 0.126 for k, key in enumerate(keys)}
    heading, *lines = scores.score_table({"untrained": {**mine, keys[1]: None}, "mine": mine}).splitlines()
    assert heading.split() == ["untrained", "mine"]
    assert [line[-5:].strip() for line in lines] == [f"{10 * k + 0.13:.2f}" for k in range(len(keys))]
    assert "not applicable" in lines[1]
    words = ("both hands", "Laplacian", "logistic", "walls", "Frechet", "motion control", "motion energy")
    assert all(word in line for word, line in zip(words, lines, strict=True))
    assert len({len(line) for line in (heading, *lines)}) == 1
