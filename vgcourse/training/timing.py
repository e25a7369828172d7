"""Train, how fast: the precision that suits this machine, and how many steps fit into some minutes."""

import time

import numpy as np
import tensorflow as tf

from vgcourse.gan import PRECISIONS
from vgcourse.gan.models import build_discriminator
from vgcourse.training.checkpoints import assign_state, state_of
from vgcourse.training.loop import batches_for


def pick_precision(size, *, batch_size=8, rounds=5):
    """The faster of float32 and bfloat16 on this machine, by timing the discriminator's gradient.

    Few CPUs multiply bfloat16 in hardware; the others emulate it, many times slower.

    Args:
        size: height and width of a frame in pixels.
        batch_size: clips per step.
        rounds: timed repetitions, taken in turn.

    Returns:
        "float32" or "bfloat16"; bfloat16 only if it is at least a tenth faster.
    """
    frames = tf.random.stateless_uniform((batch_size, 4, size, size, 3), (0, 0), -1.0, 1.0)
    actions = tf.zeros((batch_size,), tf.int32)
    passes = {}
    for name in ("float32", "bfloat16"):
        network = build_discriminator(size, 1, dtype=PRECISIONS[name])
        passes[name] = tf.function(lambda network=network: _gradient_norm(network, frames, actions))
        float(passes[name]())  # builds the graph
    seconds = {name: [] for name in passes}
    for _ in range(rounds):
        for name, run in passes.items():
            seconds[name].append(seconds_of(run))
    return faster_precision(seconds)


def faster_precision(seconds):
    """The choice of `pick_precision`, given the times that it took.

    Args:
        seconds: dict with "float32" and "bfloat16" -> list of seconds.

    Returns:
        "bfloat16" if its median is under nine tenths of float32's, else "float32".
    """
    medians = {name: np.median(values) for name, values in seconds.items()}
    return "bfloat16" if medians["bfloat16"] < 0.9 * medians["float32"] else "float32"


def seconds_of(run):
    """Seconds that work on a device takes: a call returns at once on a GPU, so its result is waited for.

    Args:
        run: function that returns a scalar tensor.

    Returns:
        Seconds as a float.
    """
    start = time.perf_counter()
    float(run())
    return time.perf_counter() - start


def _gradient_norm(network, frames, actions):
    """A scalar that needs the whole gradient of the mean logit: as dear as a step, and quick to build."""
    with tf.GradientTape() as tape:
        score = tf.reduce_mean(network([frames, actions]))
    return tf.linalg.global_norm(tape.gradient(score, network.trainable_variables))


def time_step(gan, clips, *, batch_size=8, num_steps=24, batches=None):
    """Seconds that a training step takes here; the model is left as it was.

    Args:
        gan: a compiled GAN.
        clips: as for `training.train`.
        batch_size: clips per step.
        num_steps: steps to time, 3 or more; by default three rounds of lazy R1.
        batches: an iterable of batches to use in place of the clips'.

    Returns:
        Seconds a step as a float: the median over three parts of the probe.
    """
    state = {name: np.array(variable.numpy()) for name, variable in state_of(gan).items()}
    batches = iter(batches_for(gan, clips, batch_size=batch_size) if batches is None else batches)
    float(gan.step_function(next(batches))["d_loss"])  # builds the graph
    rounds, length = [], num_steps // 3
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(length):
            log = gan.step_function(next(batches))
        float(log["d_loss"])
        rounds.append((time.perf_counter() - start) / length)
    assign_state(gan, state, "memory")
    return float(np.median(rounds))


def steps_for(gan, clips, minutes, *, batch_size=8, batches=None):
    """How many steps fit into `minutes`, by a short timing probe; at least 10.

    Args:
        gan, clips, batch_size, batches: as for `time_step`.
        minutes: of training.

    Returns:
        An int.
    """
    return max(10, round(60 * minutes / time_step(gan, clips, batch_size=batch_size, batches=batches)))
