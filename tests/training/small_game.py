"""What the tests of training share: the tiny game, clips of noise, and a clock that only work moves."""

import itertools

import numpy as np
import tensorflow as tf
from tiny_game import NAMES, tiny_gan

from vgcourse.datasets import Clips
from vgcourse.training.checkpoints import state_of

FRAMES, BATCH = 6, 4


def make_clips(*, num_clips=6, num_frames=FRAMES + 2, size=1, names=NAMES):
    frames = np.random.default_rng(0).integers(0, 256, (num_clips, num_frames, size, size, 3), np.uint8)
    return Clips(frames, np.arange(num_clips) % 2, np.arange(num_clips), names, 10.0)


def make_gan(*, units=400, **kwargs):
    """So many units that a checkpoint is much larger than what else a run writes."""
    return tiny_gan(num_frames=FRAMES, units=units, **kwargs)


def values(gan):
    """Every variable of a game by name, as arrays."""
    return {name: np.array(variable.numpy()) for name, variable in state_of(gan).items()}


def differing(first, second):
    assert first.keys() == second.keys()
    return [name for name in first if not np.array_equal(first[name], second[name])]


class Clockwork:
    """A game that trains nothing, and its clock: a batch takes 3 seconds, a step that is waited for 1."""

    seed, step = 0, 0

    def __init__(self):
        self.now, self.trained, self.running = 0.0, [], 0

    def perf_counter(self):
        return self.now

    monotonic = perf_counter

    def batches(self, gan=None, clips=None, *, batch_size=8, first_step=0):
        for number in itertools.count(first_step):
            self.now += 3
            yield number

    def step_function(self, number):
        """Returns at once, as a GPU does."""
        self.trained.append(number)
        self.running += 1
        return {"d_loss": Lazy(self), "g_loss": Lazy(self)}


class Lazy:
    """The scalar of a step that still runs: whoever reads it waits."""

    def __init__(self, clock):
        self.clock = clock

    def __float__(self):
        self.clock.now += self.clock.running
        self.clock.running = 0
        return 1.0


def nan_after(gan, bad_step):
    """The step function, after which a weight of the discriminator is NaN from `bad_step` on."""
    step = gan.step_function

    def broken(batch):
        logs = step(batch)
        if int(gan.step) == bad_step:
            weight = gan.discriminator.trainable_variables[0]
            weight.assign(tf.fill(weight.shape, np.nan))
        return logs

    return broken
