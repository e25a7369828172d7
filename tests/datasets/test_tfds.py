"""Video sets of TensorFlow Datasets: a stand-in of the package, and the package itself with mock data."""

import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from vgcourse import datasets


def fake_tfds(videos, names):
    """The part of TensorFlow Datasets that is used, over videos in memory."""
    features = {"video": types.SimpleNamespace(shape=(None, *videos[0].shape[1:]))}
    if names:
        features["label"] = types.SimpleNamespace(shape=(), names=names)

    def load(name, *, split, with_info):
        if name != "ucf101":
            raise KeyError(f"{name} not found")
        examples = [
            {"video": tf.constant(clip), **({"label": tf.constant(i % 2, tf.int64)} if names else {})}
            for i, clip in enumerate(videos)
        ]
        return examples, types.SimpleNamespace(features=features)

    return types.SimpleNamespace(load=load)


def growing(first, length, *shape):
    """A video that gets brighter by 1 a frame."""
    greys = first + np.arange(length, dtype=np.uint8)
    return np.broadcast_to(greys[:, None, None, None], (length, *shape))


def test_a_public_set_becomes_clips(monkeypatch):
    videos = [growing(50 * i, length, 20, 30, 1) for i, length in enumerate([9, 4, 3])]
    videos.append(np.full((8, 20, 30, 1), 200, np.uint8))  # nothing moves
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", fake_tfds(videos, ["jump", "sit"]))
    clips = datasets.clips_from_tfds("ucf101", size=10, num_frames=4)
    assert clips.clips.shape == (3, 4, 10, 10, 3)
    assert clips.clips[:, 0, 0, 0, 0].tolist() == [0, 4, 50]
    assert (clips.actions.tolist(), clips.action_names) == ([0, 0, 1], ("jump", "sit"))
    with pytest.raises(ValueError, match="no_such_set.*not found"):
        datasets.clips_from_tfds("no_such_set", size=10, num_frames=4)
    with pytest.raises(ValueError, match="10 frames.*received none"):
        datasets.clips_from_tfds("ucf101", size=10, num_frames=10)


def test_a_public_set_without_labels_is_one_action(monkeypatch):
    package = fake_tfds([growing(0, 8, 6, 6, 3)], None)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", package)
    assert datasets.clips_from_tfds("ucf101", size=6, num_frames=8).action_names == ("ucf101",)


@pytest.mark.parametrize("label", ["cut/chop", "", "  ", "a" * 201, "nul\0"])
def test_a_label_that_no_file_can_have_in_its_name_refuses_the_set(monkeypatch, label):
    package = fake_tfds([growing(0, 8, 6, 6, 3)], ["jump", label])
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", package)
    with pytest.raises(ValueError, match="^ucf101: expected a label of at most 200 bytes, fit for the name"):
        datasets.clips_from_tfds("ucf101", size=6, num_frames=8)


def test_a_long_complaint_of_the_package_becomes_one_line(monkeypatch):
    def load(name, **options):
        raise RuntimeError(f"Dataset {name} not found.\nThese are known:\n  - a\n  - b")

    monkeypatch.setitem(sys.modules, "tensorflow_datasets", types.SimpleNamespace(load=load))
    with pytest.raises(ValueError, match=r"^dances: .*'train': Dataset dances not found\.$"):
        datasets.clips_from_tfds("dances", size=8, num_frames=4)


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ValueError, match=r"pip install vgcourse\[tfds\]"):
        datasets.clips_from_tfds("ucf101", size=8, num_frames=4)


def test_the_real_package_with_mock_data(tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    with tfds.testing.mock_data(num_examples=3):
        clips = datasets.clips_from_tfds("moving_mnist", size=32, num_frames=10, split="test")
    assert clips.clips.shape[1:] == (10, 32, 32, 3)
    assert clips.action_names == ("moving_mnist",)
