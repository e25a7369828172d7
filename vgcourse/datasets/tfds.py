"""Pipeline: a video set of TensorFlow Datasets becomes labelled clips of one size and length.

Axes: clips `(num_clips, num_frames, height, width, 3)`, channels last, RGB; square frames.
Range: uint8 [0, 255] throughout.
"""

import numpy as np

from vgcourse import preprocess
from vgcourse.datasets.clips import Clips, concatenate, label_fault
from vgcourse.datasets.folders import Reading, check_clip_settings, split_into_clips
from vgcourse.video import reason


def clips_from_tfds(name, *, size, num_frames, split="train"):
    """Load a video set of TensorFlow Datasets (needs `pip install vgcourse[tfds]` and, once, a network).

    Args:
        name: for example "ucf101" or "moving_mnist".
        size: height and width of the clips in pixels.
        num_frames: frames per clip; videos are split into clips as in `clips_from_folder`.
        split: a split of the set, for example "train" or "test[:10%]".

    Returns:
        `Clips`: uint8 `(num_clips, num_frames, size, size, 3)`. Grey becomes RGB. The sets do not tell their
        frame rate: `fps` is 25.

    Raises:
        ValueError: the package is missing, the set is unknown, has no videos as long as asked or cannot be
            fetched.
    """
    return concatenate(iter_tfds(name, size=size, num_frames=num_frames, split=split))


def iter_tfds(name, *, size, num_frames, split="train"):
    """Yield the `Clips` of `clips_from_tfds` video by video, for sets larger than memory.

    Args:
        name, size, num_frames, split: see `clips_from_tfds`.

    Yields:
        `Clips` of one video; one that is too short, or in which nothing moves, yields nothing.

    Raises:
        ValueError: see `clips_from_tfds`.
    """
    check_clip_settings(size, num_frames, None)
    examples, key, names = _open_tfds(name, split)
    empty = True
    for example in examples:
        frames = example[key].numpy()[..., :3]  # alpha is dropped
        frames = np.broadcast_to(frames, (*frames.shape[:3], 3))
        side = min(frames.shape[1:3])
        frames = preprocess.resize(preprocess.center_crop(frames, side, side), size, size)
        clips = list(split_into_clips(((frame, 1) for frame in frames), num_frames, Reading()))
        if clips:
            action = int(example["label"]) if "label" in example else 0
            yield Clips(np.stack(clips), [action] * len(clips), [-1] * len(clips), names, 25.0)
            empty = False
    if empty:
        raise ValueError(f"{name}: expected videos of {num_frames} frames in {split!r}, received none")


def _open_tfds(name, split):
    """`(tf.data.Dataset of examples, the key of their video, names of the labels)`."""
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ValueError(
            f"{name}: TensorFlow Datasets is needed for this and is missing: pip install vgcourse[tfds]"
        ) from error
    try:
        examples, info = tfds.load(name, split=split, with_info=True)
    except Exception as error:  # many kinds: unknown set or split, no network, a checksum
        raise ValueError(
            f"{name}: TensorFlow Datasets cannot load split {split!r}: {reason(error)}"
        ) from error
    features = dict(info.features)
    key = next((key for key, feature in features.items() if len(feature.shape or ()) == 4), None)
    if key is None:
        raise ValueError(f"{name}: expected a set of videos, received features {sorted(features)}")
    names = tuple(getattr(features.get("label"), "names", None) or (name,))
    for label in names:
        if fault := label_fault(label):
            raise ValueError(f"{name}: {fault}")
    return examples, key, names
