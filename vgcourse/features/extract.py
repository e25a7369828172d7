"""Features: which action a clip shows, who is in it, and how far two sets differ, by the shipped networks.

Axes and ranges: clips are uint8 `(N, T, H, W, 3)` in [0, 255], any frame size from 32x32 up; one judge serves
all sizes. The networks are trained apart and judge every GAN from outside: no GAN is trained with them.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

from vgcourse.arguments import one_of, uint8_clips
from vgcourse.features.cnns import NUM_FRAMES, resize_frames
from vgcourse.files import data_folder

MIN_SIZE = 32
CLASSIFIERS = ("first", "second")
CHUNK = 64  # clips per forward pass: a thousand clips need little memory
FILES = {
    "first": "action_classifier.keras",
    "second": "second_classifier.keras",
    "content": "content_embedding.keras",
    "joints": "joint_finder.keras",
}


# --- shipped networks -----------------------------------------------------------------------------------


def load_action_classifier(which="first"):
    """The shipped action classifier, frozen; read from disk once and kept.

    Args:
        which: "first" (frames of 32x32, convolutions over time) or "second" (64x64, differences, GRU).

    Returns:
        keras.Model as built by `build_action_classifier` or `build_second_classifier`.

    Raises:
        ValueError: unknown name; the file in `data/checkpoints/` is missing or cannot be read.
    """
    return load(one_of("which", which, CLASSIFIERS))


def load(which):
    """The shipped network `which`, a key of `FILES`, frozen; returns a keras.Model, raises ValueError."""
    return _load(checkpoint_path(which))


def checkpoint_path(which):
    """Where the shipped network `which` lies, a key of `FILES`; returns a Path."""
    return data_folder() / "checkpoints" / FILES[which]


@functools.lru_cache
def _load(path):
    advice = "restore the file from the repository or run `python -m vgcourse train-features`"
    if not path.is_file():
        raise ValueError(f"{path}: no such checkpoint; {advice}")
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # zipfile, h5py, json and keras each raise their own kinds
        raise ValueError(f"{path}: cannot be read as .keras ({error}); {advice}") from error
    model.trainable = False
    return model


@functools.lru_cache
def _part(path, layer):
    return up_to(_load(path), layer)


def up_to(model, layer):
    """A network that ends early.

    Args:
        model: a keras.Model.
        layer: name of the layer whose output is wanted.

    Returns:
        keras.Model with the same inputs and weights.
    """
    return keras.Model(model.inputs, model.get_layer(layer).output)


# --- features of clips ----------------------------------------------------------------------------------


def classify(clips, *, which="first"):
    """Probability of every action for every clip.

    Args:
        clips: uint8 `(N, 16, H, W, 3)` at 10 fps, H and W at least 32.
        which: "first" or "second" classifier.

    Returns:
        float32 `(N, num_actions)`, rows sum to 1; columns in the order of `load_actions(...).action_names`.

    Raises:
        ValueError: wrong rank, dtype, number of frames or size.
    """
    logits = apply_network(load_action_classifier(which), checked_clips(clips, NUM_FRAMES))
    return tf.nn.softmax(logits).numpy()


def clip_features(clips, *, which="first"):
    """One vector per clip, what happens beside who is seen: what the Frechet distance compares.

    The first 64 numbers are the classifier's layer before the logits, which is blind to colours and to what
    stands still; the last 32 are the mean content features, which see little else. Neither is rescaled.

    Args:
        clips: uint8 `(N, 16, H, W, 3)` at 10 fps, H and W at least 32.
        which: "first" or "second" classifier for the first part.

    Returns:
        float32 `(N, 96)`.

    Raises:
        ValueError: wrong rank, dtype, number of frames or size.
    """
    path = checkpoint_path(one_of("which", which, CLASSIFIERS))
    clips = checked_clips(clips, NUM_FRAMES)
    motion = apply_network(_part(path, "features"), clips)
    return np.concatenate([motion, content_features(clips).mean(axis=1)], axis=1)


def frame_features(clips):
    """One vector per frame from the action classifier's CNN: the pose, before time is looked at.

    Args:
        clips: uint8 `(N, 16, H, W, 3)`, H and W at least 32.

    Returns:
        float32 `(N, 16, 64)`.

    Raises:
        ValueError: wrong rank, dtype, number of frames or size.
    """
    return apply_network(_part(checkpoint_path("first"), "frame_features"), checked_clips(clips, NUM_FRAMES))


def content_features(clips):
    """One unit vector per frame that says who is in it, whatever they do: what ACD compares.

    Args:
        clips: uint8 `(N, T, H, W, 3)`, any T, H and W at least 32.

    Returns:
        float32 `(N, T, 32)`, of length 1.

    Raises:
        ValueError: wrong rank, dtype or size.
    """
    return apply_network(_part(checkpoint_path("content"), "features"), checked_clips(clips))


def imagenet_features(clips):
    """Per-frame features of MobileNetV3Small trained on ImageNet; the first call downloads them (4 MB).

    Args:
        clips: uint8 `(N, T, H, W, 3)`, any T, H and W at least 32. Frames are resized to 224x224.

    Returns:
        float32 `(N, T, 576)`.

    Raises:
        ValueError: wrong rank, dtype or size; the weights are not on disk and cannot be downloaded.

    Source: Howard et al. 2019, https://arxiv.org/abs/1905.02244
    """
    return apply_network(_imagenet(), checked_clips(clips))


@functools.lru_cache
def _imagenet():
    try:
        return keras.applications.MobileNetV3Small(
            input_shape=(224, 224, 3), include_top=False, pooling="avg", weights="imagenet"
        )
    except Exception as error:  # keras raises a bare Exception when a download fails
        raise ValueError(
            "the ImageNet weights of MobileNetV3Small cannot be downloaded: connect to the network once "
            f"(they stay in ~/.keras/models), or use frame_features, which needs none ({error})"
        ) from error


def checked_clips(clips, num_frames=None):
    """Check clips for a network.

    Args:
        clips: what was received.
        num_frames: how many frames there must be; None allows any number.

    Returns:
        NumPy array, uint8 `(N, T, H, W, 3)`, H and W at least 32.

    Raises:
        ValueError: anything else.
    """
    clips = uint8_clips("clips", clips)
    if num_frames and clips.shape[1] != num_frames:
        advice = "take them with preprocess.sample_frames"
        raise ValueError(f"clips: expected {num_frames} frames, received {clips.shape[1]}; {advice}")
    if min(clips.shape[2:4]) < MIN_SIZE:
        advice = "see preprocess.resize"
        raise ValueError(
            f"clips: expected frames of {MIN_SIZE}x{MIN_SIZE} or more, received {clips.shape}; {advice}"
        )
    return clips


def apply_network(model, clips):
    """Apply a network for clips, or for single frames, a few clips at a time.

    Args:
        model: takes `(B, T, size, size, 3)` or `(B, size, size, 3)`, and gives one vector for each.
        clips: uint8 `(N, T, H, W, 3)`, frames of any size.

    Returns:
        float32 `(N, d)`, or `(N, T, d)` for a network of single frames.
    """
    size, outputs = model.input_shape[-2], []
    step = CHUNK if size < 128 else 4
    for start in range(0, len(clips), step):
        inputs = resize_frames(clips[start : start + step], size)
        if len(model.input_shape) == 4:
            vectors = model(tf.reshape(inputs, (-1, size, size, 3)), training=False)
            vectors = tf.reshape(vectors, (*inputs.shape[:2], -1))
        else:
            vectors = model(inputs, training=False)
        outputs.append(vectors)
    return np.concatenate(outputs)


def forget_networks():
    """Read the shipped networks from disk again at the next call: their files have changed."""
    _load.cache_clear()
    _part.cache_clear()
