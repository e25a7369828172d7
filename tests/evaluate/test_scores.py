"""Scores of whole generators: real clips score like real ones, noise does not, the table says so."""

import numpy as np
import pytest

from vgcourse import datasets
from vgcourse.evaluate import scores
from vgcourse.gan.models import VideoGenerator


@pytest.fixture(scope="module")
def real():
    return datasets.load_actions("test", size=32)


def test_real_clips_score_like_real_ones(real):
    other = datasets.load_actions("validation", size=32)
    scores = scores.score_clips(other.clips, other.actions, real.clips, action_names=other.action_names)
    noise = np.random.default_rng(0).integers(0, 256, real.clips.shape, np.uint8)
    worse = scores.score_clips(noise, real.actions, real.clips, action_names=real.action_names)
    assert scores["motion_control_score"] > 0.95
    assert worse["motion_control_score"] < 0.3
    assert scores["frechet_distance"] < worse["frechet_distance"] / 5


def test_actions_are_matched_by_name_not_by_place(real):
    chosen = np.isin(real.actions, [5, 9])  # wave1 and dance
    clips, actions = real.clips[chosen], (real.actions[chosen] == 5).astype(int)
    names = ("dance", "wave1")
    scores = scores.score_clips(clips, actions, real.clips, action_names=names)
    swapped = scores.score_clips(clips, 1 - actions, real.clips, action_names=names)
    assert scores["motion_control_score"] > 0.9
    assert swapped["motion_control_score"] < 0.1


def test_unknown_actions_make_motion_control_not_applicable(real):
    scores = scores.score_clips(real.clips, np.zeros(len(real), int), real.clips, action_names=("juggle",))
    assert scores["motion_control_score"] is None
    assert "not applicable" in scores.score_table({"mine": scores})


@pytest.mark.parametrize("num_frames", [8, 24])
def test_clips_of_another_length_are_compared_with_their_like(num_frames):
    """The classifier sees 16 frames; what it has learnt about speed does not hold, so no action is judged."""
    split = datasets.load_actions("test", size=32, num_frames=8)
    clips = np.repeat(split.clips, num_frames // 8, axis=1)
    scores = scores.score_clips(clips, split.actions, clips, action_names=split.action_names)
    assert scores["frechet_distance"] < 1e-6
    assert scores["motion_control_score"] is None
    frozen = np.repeat(clips[:, :1], num_frames, axis=1)
    worse = scores.score_clips(frozen, split.actions, clips, action_names=split.action_names)
    assert worse["frechet_distance"] > 1


def test_a_generator_of_short_clips_can_be_scored(tmp_path):
    names = ("walk", "run")
    generator = VideoGenerator(32, names, num_frames=8, channels=2)
    clips = datasets.load_actions("test", size=32, num_frames=10).only(*names)
    datasets.save_clips(tmp_path / "store", clips)
    scores = scores.score_against_store(generator, tmp_path / "store")
    assert np.isfinite(scores["frechet_distance"])
    assert scores["motion_control_score"] is None


def test_generator_of_another_size_is_refused(real):
    generator = VideoGenerator(64, real.action_names, channels=2)
    with pytest.raises(ValueError, match=r"\(16, 64, 64, 3\).*\(16, 32, 32, 3\)"):
        scores.score_generator(generator, real)


def test_table_has_a_line_for_each_row():
    scores = {"frechet_distance": 1.234, "motion_control_score": 0.5, "motion_energy": 2.0}
    lines = scores.score_table({"untrained": scores, "trained": scores}).splitlines()
    assert len(lines) == 3
    assert lines[1].split() == ["untrained", "1.23", "0.50", "2.00"]
