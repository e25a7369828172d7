"""Exported files: named by number and action, and only for what the generator knows."""

import numpy as np
import pytest

from vgcourse import generate, video
from vgcourse.gan.models import VideoGenerator
from vgcourse.generate import export


@pytest.fixture(scope="module")
def generator():
    return VideoGenerator(32, ("walk", "run"), num_frames=4, channels=2, latent_dims=(6, 5))


@pytest.mark.parametrize("suffix", ["mp4", ".mp4"])
def test_clips_show_one_person_after_the_other_and_all_actions_in_turn(generator, tmp_path, suffix):
    paths = export.write_clips(generator, tmp_path, num_clips=3, suffix=suffix, seed=5)
    assert [path.name for path in paths] == ["000-walk.mp4", "001-run.mp4", "002-walk.mp4"]
    codes = generate.content_codes(generator, [5, 6, 7]), generate.motion_noise(generator, [5, 6, 7])
    clips = generate.make_clips(generator, *codes, ["walk", "run", "walk"])
    for path, clip in zip(paths, clips, strict=True):
        assert np.abs(video.read_clip(path).astype(int) - clip).mean() < 8
    [path] = export.write_clips(generator, tmp_path, num_clips=1, actions="run")
    assert path.name == "000-run.gif"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"actions": "fly"}, "unknown action: expected one of walk, run, received 'fly'"),
        ({"actions": ["walk", "run"]}, "unknown action"),
        ({"suffix": "avi"}, "expected a name ending in"),
        ({"num_clips": 0}, "at least one"),
    ],
)
def test_what_cannot_be_written_is_said(generator, tmp_path, wrong, words):
    with pytest.raises(ValueError, match=words):
        export.write_clips(generator, tmp_path, **{"num_clips": 2, **wrong})
    assert not any(tmp_path.iterdir())
