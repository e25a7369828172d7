"""Features, the small CNNs: two action classifiers, built differently, a content embedding, a joint finder.

Axes and ranges: all take values in [0, 255], float or uint8, at a fixed frame size (`resize_frames`), and
scale them inside. Logits and features are float32 whatever the global precision policy says: a judge must
not change with the precision of what it judges.
"""

import keras
import tensorflow as tf
from keras import layers

NUM_FRAMES, FPS = 16, 10.0  # what the classifiers look at: 1.6 s


def build_action_classifier(num_actions, *, num_frames=NUM_FRAMES, size=32):
    """CNN on every frame, then convolutions over time: pixels to pose, poses to action.

    It looks at what moves and is blind to a background that stands still; `content_features` is not.

    Args:
        num_actions: number of classes.
        num_frames: frames per clip.
        size: height and width of the frames in pixels, a multiple of 16.

    Returns:
        keras.Model, clips `(B, num_frames, size, size, 3)` in [0, 255] -> logits `(B, num_actions)`.
        Layer `frame_features` gives `(B, num_frames, 64)`, layer `features` `(B, 64)`.
    """
    clips = layers.Input((num_frames, size, size, 3), name="clips")
    x = layers.Rescaling(1 / 64, dtype="float32")(clips)
    # Only what moves: the clip without its mean frame. Of walls, floors and frozen clips nothing is left.
    x = x - keras.ops.mean(x, axis=1, keepdims=True)
    x = keras.ops.reshape(x, (-1, size, size, 3))  # time folded into the batch: one 2-D CNN for all frames
    for channels in (16, 32, 48, 48):
        x = _conv(x, channels)
    x = layers.Flatten(dtype="float32")(x)  # no pooling: where a limb is matters
    x = layers.Dense(64, activation="relu", dtype="float32")(x)
    x = keras.ops.reshape(x, (-1, num_frames * 64))
    x = layers.Reshape((num_frames, 64), dtype="float32", name="frame_features")(x)
    for _ in range(2):
        x = _conv(x, 96, kernel=5, layer=layers.Conv1D)
    x = layers.Flatten(dtype="float32")(x)
    return keras.Model(clips, _head(x, num_actions), name="action_classifier")


def build_second_classifier(num_actions, *, num_frames=NUM_FRAMES, size=64):
    """A different judge: sees only what changes from frame to frame, at 64x64, and reads it with a GRU.

    Args:
        num_actions: number of classes.
        num_frames: frames per clip.
        size: height and width of the frames in pixels, a multiple of 16.

    Returns:
        keras.Model, clips `(B, num_frames, size, size, 3)` in [0, 255] -> logits `(B, num_actions)`;
        layer `features` gives `(B, 64)`.
    """
    clips = layers.Input((num_frames, size, size, 3), name="clips")
    x = layers.Rescaling(1 / 64, dtype="float32")(clips)
    x = keras.ops.reshape(x[:, 1:] - x[:, :-1], (-1, size, size, 3))
    x = _conv(x, 24, kernel=5, strides=4)
    for channels in (32, 48):
        x = _conv(x, channels)
    x = layers.Flatten(dtype="float32")(x)
    x = layers.Dense(48, activation="relu", dtype="float32")(x)
    x = keras.ops.reshape(x, (-1, num_frames - 1, 48))
    x = layers.GRU(64, dtype="float32")(x)
    return keras.Model(clips, _head(x, num_actions), name="second_classifier")


def build_content_embedding(num_actors, *, size=32):
    """CNN on single frames, trained to name the actor whatever the action: it must look at colours and build.

    Args:
        num_actors: number of training actors, the classes.
        size: height and width of the frames in pixels, a multiple of 8.

    Returns:
        keras.Model, frames `(B, size, size, 3)` in [0, 255] -> logits `(B, num_actors)`;
        layer `features` gives unit vectors `(B, 32)`.
    """
    frames = layers.Input((size, size, 3), name="frames")
    x = layers.Rescaling(1 / 127.5, -1.0, dtype="float32")(frames)
    for channels in (24, 32, 48):
        x = _conv(x, channels)
    # Mean and maximum over space: a shirt is the same shirt wherever the arms are.
    mean, most = layers.GlobalAveragePooling2D(dtype="float32"), layers.GlobalMaxPooling2D(dtype="float32")
    x = layers.Concatenate(dtype="float32")([mean(x), most(x)])
    x = layers.Dense(32, dtype="float32")(x)
    x = layers.UnitNormalization(dtype="float32", name="features")(x)
    x = layers.Rescaling(12.0, dtype="float32")(x)  # unit vectors need a steeper softmax
    logits = layers.Dense(num_actors, use_bias=False, dtype="float32", name="logits")(x)
    return keras.Model(frames, logits, name="content_embedding")


def build_joint_finder(num_joints, *, size=64):
    """U-Net on single frames: coarse maps know the pose, fine ones the place; one heat map for each joint.

    Args:
        num_joints: number of joints.
        size: height and width of the frames in pixels, a multiple of 16.

    Returns:
        keras.Model, frames `(B, size, size, 3)` in [0, 255] -> logits `(B, num_joints, (size / 2)^2)`: for
        each joint, over the cells of a grid of half the frame's size, row by row.

    Source: Ronneberger et al. 2015 (U-Net), https://arxiv.org/abs/1505.04597
    """
    frames = layers.Input((size, size, 3), name="frames")
    x = layers.Rescaling(1 / 127.5, -1.0, dtype="float32")(frames)
    finer = []
    for channels in (24, 40, 56, 64):
        x = _conv(x, channels)
        finer.append(x)
    x = _conv(x, 64, strides=1)
    for channels, skip in zip((56, 40, 32), finer[-2::-1], strict=True):
        x = layers.UpSampling2D(interpolation="bilinear", dtype="float32")(x)
        x = _conv(layers.Concatenate(dtype="float32")([x, skip]), channels, strides=1)
    x = layers.Conv2D(num_joints, 1, dtype="float32")(x)
    x = layers.Reshape(((size // 2) ** 2, num_joints), dtype="float32")(x)
    logits = layers.Permute((2, 1), dtype="float32", name="logits")(x)
    return keras.Model(frames, logits, name="joint_finder")


def resize_frames(clips, size):
    """Frames of all clips at the size that a network looks at, antialiased.

    Args:
        clips: uint8 or float `(B, T, H, W, 3)`.
        size: height and width wanted.

    Returns:
        float32 tensor `(B, T, size, size, 3)`, in the range of `clips`.
    """
    height, width = clips.shape[2:4]
    frames = tf.cast(tf.reshape(clips, (-1, height, width, 3)), tf.float32)
    if (height, width) != (size, size):
        frames = tf.image.resize(frames, (size, size), method="bilinear", antialias=True)
    return tf.reshape(frames, (-1, clips.shape[1], size, size, 3))


def _conv(x, channels, *, kernel=3, strides=2, layer=layers.Conv2D):
    """Convolution that halves (or quarters) height and width, or the time; batch norm, ReLU."""
    x = layer(channels, kernel, strides, "same", use_bias=False, dtype="float32")(x)
    x = layers.BatchNormalization(momentum=0.9, dtype="float32")(x)
    return layers.ReLU(dtype="float32")(x)


def _head(x, num_actions):
    """Summary of the clip -> 64 linear features of bounded scale, none of which can die -> logits."""
    x = layers.Dense(64, dtype="float32")(x)
    x = layers.LayerNormalization(dtype="float32", name="features")(x)
    x = layers.Dropout(0.3, dtype="float32")(x)
    return layers.Dense(num_actions, dtype="float32", name="logits")(x)
