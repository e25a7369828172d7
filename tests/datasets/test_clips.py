"""Clips in memory: what is refused, and that labels stay with their clips."""

import numpy as np
import pytest
from samples import assert_same, some_clips

from vgcourse import datasets
from vgcourse.datasets import Clips


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"clips": np.zeros((2, 3, 4, 4, 3), np.float32)}, "float32"),
        ({"clips": np.full((2, 3, 4, 4, 3), np.nan)}, "float64"),
        ({"clips": np.zeros((2, 4, 4, 3), np.uint8)}, r"\(2, 4, 4, 3\)"),
        ({"clips": np.zeros((2, 3, 4, 4, 1), np.uint8)}, r"\(2, 3, 4, 4, 1\)"),
        ({"clips": np.zeros((2, 0, 4, 4, 3), np.uint8)}, r"\(2, 0, 4, 4, 3\)"),
        ({"clips": [[1, 2]]}, "list"),
        ({"actions": [0, 2]}, "received 0 to 2"),
        ({"actions": [-1, 0]}, "received -1 to 0"),
        ({"actions": [0, 1, 0]}, r"\(3,\)"),
        ({"actions": [0.0, 1.0]}, "float64"),
        ({"actors": [1]}, r"actors .* \(1,\)"),
        ({"files": ["one.mp4"]}, "received 1"),
        ({"fps": float("nan")}, "fps: expected .* received nan"),
        ({"fps": -1}, "fps: expected .* received -1"),
        ({"fps": "10"}, "fps: expected .* received '10'"),
        ({"action_names": ("walk", "walk")}, "different from each other.*'walk', 'walk'"),
        ({"action_names": "walk"}, "tuple of texts; received 'walk'"),
        ({"action_names": (1, 2)}, r"tuple of texts; received \(1, 2\)"),
    ],
)
def test_clips_say_what_is_wrong_with_arrays(change, words):
    good = {"clips": np.zeros((2, 3, 4, 4, 3), np.uint8), "actions": [0, 1], "actors": [-1, -1]}
    assert len(Clips(**good, action_names=("walk", "run"), fps=10.0)) == 2
    with pytest.raises(ValueError, match=words):
        Clips(**{**good, "action_names": ("walk", "run"), "fps": 10.0, **change})


def test_select_and_only_keep_labels_with_clips():
    clips = some_clips()
    chosen = clips.only("hop", "walk")
    assert chosen.action_names == ("hop", "walk")
    assert chosen.actors.tolist() == [0, 2, 3, 5, 6, 8, 9]
    assert chosen.actions.tolist() == [1, 0, 1, 0, 1, 0, 1]
    np.testing.assert_array_equal(chosen.clips, clips.clips[chosen.actors])
    assert clips.select([4, 1]).files == ("4.mp4", "1.mp4")
    with pytest.raises(ValueError, match="unknown action.*'fly'"):
        clips.only("fly")
    with pytest.raises(ValueError, match="indices: expected places of 11 clips, received.*99"):
        clips.select([99])


def test_concatenate_is_the_inverse_of_select():
    clips = some_clips()
    parts = [clips.select(slice(0, 4)), clips.select(slice(4, None))]
    assert_same(datasets.concatenate(parts), clips)
    assert_same(datasets.concatenate(iter(parts)), clips)
    assert len(parts) == 2  # the caller's list is left alone
    with pytest.raises(ValueError, match="expected .*6, 3, 3, 3.* received .*6, 2, 2, 3"):
        datasets.concatenate([clips, some_clips(size=2)])
    with pytest.raises(ValueError, match="at least one part to join, received none"):
        datasets.concatenate([])
    with pytest.raises(ValueError, match="expected Clips.* received a ndarray"):
        datasets.concatenate([clips, clips.clips])
