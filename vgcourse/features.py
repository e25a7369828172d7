"""Features: small CNNs that say which action a clip shows, who is in it, and how far two sets differ.

Axes and ranges: clips are uint8 `(N, T, H, W, 3)` in [0, 255], any frame size from 32x32 up; one judge serves
all sizes. The networks are trained apart and judge every GAN from outside: no GAN is trained with them.
"""

import contextlib
import functools
import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from vgcourse import datasets
from vgcourse.fitting import fit_classifier, fit_embedding
from vgcourse.networks import (
    NUM_FRAMES,
    build_action_classifier,
    build_content_embedding,
    build_second_classifier,
    resize_frames,
)

__all__ = [
    "build_action_classifier",
    "build_content_embedding",
    "build_second_classifier",
    "classify",
    "clip_features",
    "content_features",
    "frame_features",
    "imagenet_features",
    "load_action_classifier",
    "train_features",
]

MIN_SIZE = 32
CHUNK = 64  # clips per forward pass: a thousand clips need little memory
FILES = {
    "first": "action_classifier.keras",
    "second": "second_classifier.keras",
    "content": "content_embedding.keras",
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
    if which not in ("first", "second"):
        raise ValueError(f"which: expected 'first' or 'second', received {which!r}")
    return _load(_checkpoint(which))


def _checkpoint(which):
    return Path(datasets.data_folder()) / "checkpoints" / FILES[which]


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
    """A shipped network up to the layer of this name."""
    model = _load(path)
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
    logits = _run(load_action_classifier(which), _check(clips, num_frames=NUM_FRAMES))
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
    clips = _check(clips, num_frames=NUM_FRAMES)
    load_action_classifier(which)
    motion = _run(_part(_checkpoint(which), "features"), clips)
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
    return _run(_part(_checkpoint("first"), "frame_features"), _check(clips, num_frames=NUM_FRAMES))


def content_features(clips):
    """One unit vector per frame that says who is in it, whatever they do: what ACD compares.

    Args:
        clips: uint8 `(N, T, H, W, 3)`, any T, H and W at least 32.

    Returns:
        float32 `(N, T, 32)`, of length 1.

    Raises:
        ValueError: wrong rank, dtype or size.
    """
    return _run(_part(_checkpoint("content"), "features"), _check(clips))


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
    return _run(_imagenet(), _check(clips))


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


def _check(clips, *, num_frames=None):
    clips = np.asarray(clips)
    if clips.ndim != 5 or clips.shape[-1] != 3:
        shape = f"(N, {num_frames or 'T'}, H, W, 3)"
        raise ValueError(f"clips: expected shape {shape}, received {clips.shape}; one clip is clip[None]")
    if clips.dtype != np.uint8:
        advice = "convert with preprocess.to_uint8"
        raise ValueError(f"clips: expected uint8 in [0, 255], received {clips.dtype}; {advice}")
    if num_frames and clips.shape[1] != num_frames:
        advice = "take them with preprocess.sample_frames"
        raise ValueError(f"clips: expected {num_frames} frames, received {clips.shape[1]}; {advice}")
    if 0 in clips.shape or min(clips.shape[2:4]) < MIN_SIZE:
        least = f"at least one clip with frames of {MIN_SIZE}x{MIN_SIZE} or more"
        raise ValueError(f"clips: expected {least}, received {clips.shape}; see preprocess.resize")
    return clips


def _run(model, clips):
    """Apply a network for clips, or for single frames, to uint8 clips of any size, a few at a time."""
    size, per_frame, outputs = model.input_shape[-2], len(model.input_shape) == 4, []
    step = CHUNK if size < 128 else 4
    for start in range(0, len(clips), step):
        inputs = resize_frames(clips[start : start + step], size)
        if per_frame:
            vectors = model(tf.reshape(inputs, (-1, size, size, 3)), training=False)
            outputs.append(vectors.numpy().reshape(*inputs.shape[:2], -1))
        else:
            outputs.append(model(inputs, training=False).numpy())
    return np.concatenate(outputs)


# --- training -------------------------------------------------------------------------------------------


def train_features(*, folder=None, epochs=30, seed=0, report=print):
    """Train both action classifiers and the content embedding on the actions set, and write them.

    Args:
        folder: where the .keras files go; `data/checkpoints/` if None.
        epochs: passes over the training clips for each network; 30 take a few minutes on two cores.
        seed: of weights, order and augmentation.
        report: called with one line of text after each network.

    Returns:
        dict: "first", "second", "content" -> {"validation": accuracy, "test": accuracy} on actors never
        trained on. For "content" it is the share of clips whose nearest clip among the other actions shows
        the same actor.

    Raises:
        ValueError: the clips cannot be read, or the folder cannot be written.
    """
    folder = Path(folder) if folder else _checkpoint("first").parent
    train = datasets.load_actions("train", size=64, num_frames=20)
    num_actions, actors = len(train.action_names), np.unique(train.actors, return_inverse=True)[1]
    plan = {
        "first": (build_action_classifier, num_actions, fit_classifier, train.actions),
        "second": (build_second_classifier, num_actions, fit_classifier, train.actions),
        "content": (build_content_embedding, actors.max() + 1, fit_embedding, actors),
    }
    table = {}
    for position, (name, (build, num_classes, fit, labels)) in enumerate(plan.items()):
        keras.utils.set_random_seed(seed + position)
        model = build(int(num_classes))
        fit(model, train.clips, labels, epochs=epochs, seed=seed + position)
        _save(model, folder / FILES[name])
        table[name] = {split: _held_out(model, split) for split in ("validation", "test")}
        report(f"{FILES[name]}: " + ", ".join(f"{split} {value:.3f}" for split, value in table[name].items()))
    return table


def _held_out(model, split):
    """Accuracy on actors that the network never saw."""
    real = datasets.load_actions(split, size=64, num_frames=NUM_FRAMES)
    if len(model.input_shape) == 5:
        return float(np.mean(_run(model, real.clips).argmax(axis=1) == real.actions))
    vectors = _run(keras.Model(model.inputs, model.get_layer("features").output), real.clips).mean(axis=1)
    distances = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    distances[real.actions[:, None] == real.actions] = np.inf
    return float(np.mean(real.actors[distances.argmin(axis=1)] == real.actors))


def _save(model, path):
    """Write the network without its optimizer, under another name first."""
    partial = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        keras.Model(model.inputs, model.outputs, name=model.name).save(partial)
        os.replace(partial, path)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error}); choose another folder") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    _load.cache_clear()
    _part.cache_clear()
