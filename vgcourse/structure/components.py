"""Structure first, compress: a whole motion of a person becomes a few numbers, and back.

Axes: joints `(num_motions, time, joint, 3)`, x, y and depth in pixels of frames of `size`, see
`people.JOINT_NAMES`; coefficients `(num_motions, num_components)`, without a unit. A motion is a closed loop:
behind its last frame comes its first, so it may start at any frame.
"""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

LARGEST_VARIANCE = 3.0  # of the first coefficient; the others have less


@keras.saving.register_keras_serializable("vgcourse")
class MotionComponents(keras.layers.Layer):
    """Principal components of closed motions: `fit`, then `encode` and `decode`.

    A motion of 20 frames and 25 joints is 1,500 numbers, nearly all of them redundant: joints move smoothly
    and together. What is kept are the directions in which real motions differ most.

    Why decoded motions repeat without a seam: `fit` looks at every motion from every start. A set that stays
    the same when time is turned round has components that are sines and cosines, each of a whole number of
    waves a loop, and a sum of them repeats as they do: the step from the last frame to the first is one like
    any other.

    Lengths are kept as parts of the frame's height: components that were fitted at 64x64 serve any size.

    Args:
        num_frames: frames of a loop.
        num_joints: joints per frame.
        num_components: numbers that a motion becomes.
        **kwargs: `name` and `dtype` for `keras.layers.Layer`.

    Source: Pearson 1901, https://doi.org/10.1080/14786440109462720
    """

    def __init__(self, num_frames=20, num_joints=25, num_components=48, **kwargs):
        super().__init__(trainable=False, **{"name": "motion_components", **kwargs})
        self.num_frames, self.num_joints, self.num_components = num_frames, num_joints, num_components
        numbers = num_frames * num_joints * 3
        if not 1 <= num_components <= numbers:
            raise ValueError(f"num_components: expected 1 to {numbers}, received {num_components!r}")
        self.mean = self.add_weight(shape=(numbers,), initializer="zeros", trainable=False, name="mean")
        self.directions = self.add_weight(
            shape=(num_components, numbers), initializer="zeros", trainable=False, name="directions"
        )
        self.scales = self.add_weight(
            shape=(num_components,), initializer="ones", trainable=False, name="scales"
        )
        # How each coefficient turns with time: waves a loop (below 0: a sine), and its partner's place.
        self.waves, self.partners = (
            self.add_weight(shape=(num_components,), initializer="zeros", trainable=False, name=name)
            for name in ("waves", "partners")
        )
        self.built = True

    def fit(self, joints, *, size):
        """Find the mean motion and the directions in which motions differ most.

        Args:
            joints: float `(num_motions, num_frames, num_joints, 3)` in pixels, 2 motions or more.
            size: height of the frames in pixels.

        Returns:
            float64 `(num_components,)`: the standard deviation of the motions along each direction, in parts
            of the frame's height, largest first.

        Raises:
            ValueError: joints of another shape, under 2 motions, or not finite.
        """
        joints = self._checked(joints, least=2).astype(np.float64) / size
        mean = joints.mean(axis=(0, 1)).ravel()  # over all starts every frame's mean is the same
        found = closed_components(joints.reshape(*joints.shape[:2], -1) - mean)
        deviations, directions, waves = (part[: self.num_components] for part in found)
        self._note_waves(waves)
        self.mean.assign(np.tile(mean, self.num_frames))
        self.directions.assign(directions.reshape(self.num_components, -1))
        # Half way to equal spreads: small coefficients are seen, and an error of theirs still costs less.
        largest = deviations[0] or 1.0
        self.scales.assign(np.sqrt(deviations.clip(1e-6 * largest) * largest / LARGEST_VARIANCE))
        return deviations

    def encode(self, joints, *, size):
        """Motions as coefficients.

        Args:
            joints: float `(num_motions, num_frames, num_joints, 3)` in pixels.
            size: height of the frames in pixels.

        Returns:
            float32 tensor `(num_motions, num_components)`.
        """
        numbers = ops.reshape(ops.cast(joints, "float32"), (-1, self.mean.shape[0]))
        return ops.matmul(numbers / size - self.mean, ops.transpose(self.directions)) / self.scales

    def decode(self, coefficients, *, size):
        """Motions that the coefficients stand for.

        Args:
            coefficients: float `(num_motions, num_components)`.
            size: height of the frames in pixels.

        Returns:
            float32 tensor `(num_motions, num_frames, num_joints, 3)` in pixels.
        """
        numbers = ops.matmul(ops.cast(coefficients, "float32") * self.scales, self.directions) + self.mean
        return ops.reshape(numbers * size, (-1, self.num_frames, self.num_joints, 3))

    def turn(self, coefficients, turns):
        """The same motions, started later; any part of a loop, not whole frames only.

        Args:
            coefficients: float `(num_motions, num_components)`.
            turns: float `(num_motions, 1)`, parts of a loop: 0.5 starts half a loop later.

        Returns:
            float32 tensor `(num_motions, num_components)`.
        """
        coefficients, turns = (ops.cast(x, "float32") for x in (coefficients, turns))
        angles = 2 * math.pi * turns * self.waves
        others = ops.take(coefficients, ops.cast(self.partners, "int32"), axis=1)
        return ops.cos(angles) * coefficients + ops.sin(angles) * others

    def _note_waves(self, waves):
        """Pairs of cosine and sine turn into each other; what has no partner among those kept stays."""
        places = np.arange(self.num_components)
        paired = np.append(waves[1:] == -waves[:-1], False) & (waves > 0)
        partners = np.where(paired, places + 1, places)
        partners[1:] = np.where(paired[:-1], places[:-1], partners[1:])
        self.waves.assign(np.where(partners == places, 0, waves))
        self.partners.assign(partners)

    def encode_all_starts(self, joints, *, size):
        """Motions as coefficients, once for every frame that they may start with.

        Args:
            joints, size: as in `encode`.

        Returns:
            float32 `(num_motions, num_frames, num_components)`; place k starts k frames later.
        """
        joints = self._checked(joints, least=1)
        turned = [np.roll(joints, -start, axis=1) for start in range(self.num_frames)]
        return np.stack([self.encode(motions, size=size) for motions in turned], axis=1)

    def _checked(self, joints, *, least):
        joints = np.asarray(joints)
        shape = (self.num_frames, self.num_joints, 3)
        if joints.ndim != 4 or joints.shape[1:] != shape or len(joints) < least:
            raise ValueError(
                f"joints: expected {least} or more motions of shape {shape}, received {joints.shape}"
            )
        if not np.isfinite(joints).all():
            raise ValueError("joints: expected finite numbers, received NaN or infinity")
        return joints

    def get_config(self):
        return {
            **super().get_config(),
            "num_frames": self.num_frames,
            "num_joints": self.num_joints,
            "num_components": self.num_components,
        }


def closed_components(loops):
    """Principal components of loops that may start anywhere.

    Turning time round changes nothing about the set of all loops at all starts. So waves of different length
    do not go together in it, and each number of waves a loop can be looked at alone: patterns that say how
    far and when each joint swings, and for each of them a sine and a cosine.

    Args:
        loops: float `(num_loops, num_frames, numbers)`, with a mean of 0 over the first two axes.

    Returns:
        The standard deviations along the directions, largest first; the directions
        `(num_frames * numbers, num_frames, numbers)`, orthogonal and of length 1; and their numbers of waves,
        below 0 for a sine, whose cosine stands before it. The same as those of all loops at all starts, in a
        hundredth of the time.
    """
    num_frames = loops.shape[1]
    spectrum = np.fft.rfft(loops, axis=1, norm="ortho")
    found = []
    for waves in range(spectrum.shape[1]):
        there = spectrum[:, waves]
        variances, patterns = np.linalg.eigh(there.T @ there.conj() / len(loops))
        turns = np.exp(2j * np.pi * waves * np.arange(num_frames) / num_frames)
        for variance, pattern in zip(variances, patterns.T, strict=True):
            # When a wave starts is arbitrary: it is at its height at first, where it is largest.
            pattern = pattern * np.exp(-1j * np.angle(pattern[np.abs(pattern).argmax()]))
            wave = turns[:, None] * pattern
            pair = [(wave.real, waves), (wave.imag, -waves)]
            for direction, signed in pair if 0 < 2 * waves < num_frames else pair[:1]:
                found.append((math.sqrt(max(variance, 0.0)), direction / np.linalg.norm(direction), signed))
    found.sort(key=lambda one: -one[0])
    return tuple(np.stack(part) for part in zip(*found, strict=True))


def iter_motion_batches(coefficients, actions, *, batch_size=128, seed=0, first_step=0):
    """Endless batches of random motions from random starts; the GAN and the flow learn from the same.

    A batch depends on the seed and on its step alone: a training that goes on at `first_step` sees what an
    unbroken one would have seen.

    Args:
        coefficients: float32 `(num_motions, num_frames, num_components)`, from `encode_all_starts`.
        actions: ints `(num_motions,)`, labels.
        batch_size: motions per batch; one may come twice.
        seed: of the choice.
        first_step: batches that were seen already.

    Yields:
        `(coefficients, actions)`: tensors, float32 `(batch_size, num_components)` and int32 `(batch_size,)`.

    Raises:
        ValueError: not one action for each motion.
    """
    if len(actions) != len(coefficients) or not len(actions):
        raise ValueError(f"expected an action for each motion, received {len(actions)}, {len(coefficients)}")
    actions, step = np.asarray(actions, np.int32), first_step
    while True:
        rng = np.random.default_rng([seed, step])
        motions = rng.integers(len(actions), size=batch_size)
        starts = rng.integers(coefficients.shape[1], size=batch_size)
        yield tf.constant(coefficients[motions, starts]), tf.constant(actions[motions])
        step += 1
