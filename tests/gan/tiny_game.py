"""A game with so few numbers that NumPy can play it: frames of one pixel, a generator of 25 weights.

`TinyGenerator` and `tiny_discriminator` have the interface of the real networks. `Oracle` plays the same game
in NumPy float64: forward passes written out, every gradient a central difference, weights a plain list. It
shares no line with the package.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from vgcourse.gan import VideoGAN

NAMES = ("walk", "run", "hop")
CONTENT, MOTION, SEEN = 2, 2, 3
UNITS = 2  # of the discriminator's hidden layer


@keras.saving.register_keras_serializable("tests")
class TinyGenerator(keras.Model):
    """One pixel a frame: tanh of the batch norm of a mix of the content code and the frame's motion code."""

    def __init__(self, *, num_frames=5, action_names=NAMES, **kwargs):
        super().__init__(autocast=False, **{"name": "tiny_generator", **kwargs})
        self.size, self.num_frames, self.fps, self.action_names = 1, num_frames, 10.0, tuple(action_names)
        self.content_dim, self.motion_dim = CONTENT, MOTION
        noise, actions = layers.Input((num_frames, MOTION)), layers.Input((), dtype="int32")
        of_action = layers.Dense(MOTION, use_bias=False)(ops.one_hot(actions, len(self.action_names)))
        codes = layers.Add()([noise, layers.RepeatVector(num_frames)(of_action)])
        self.motion_rnn = keras.Model([noise, actions], codes, name="motion_rnn")
        self.mix = layers.Dense(3, use_bias=False, name="mix")
        self.norm = layers.BatchNormalization(momentum=0.9)
        self.mix.build((None, CONTENT + MOTION))
        self.norm.build((None, 3))
        self.built = True

    def render(self, content_code, motion_codes, *, training=False):
        frames = motion_codes.shape[1]
        content = ops.repeat(content_code[:, None], frames, axis=1)
        x = self.mix(ops.reshape(ops.concatenate([content, motion_codes], axis=-1), (-1, CONTENT + MOTION)))
        return ops.reshape(ops.tanh(self.norm(x, training=training)), (-1, frames, 1, 1, 3))

    def call(self, inputs, training=False):
        content_code, motion_noise, actions = inputs
        return self.render(content_code, self.motion_rnn([motion_noise, actions]), training=training)

    def get_config(self):
        own = {"num_frames": self.num_frames, "action_names": list(self.action_names)}
        return {**super().get_config(), **own}


def tiny_discriminator(*, units=UNITS, num_seen=SEEN):
    """A logit: tanh units that see all numbers of the frames and the action."""
    frames, actions = layers.Input((num_seen, 1, 1, 3)), layers.Input((), dtype="int32")
    x = layers.Dense(units, name="pixels")(layers.Flatten()(frames))
    x = layers.Add()([x, layers.Dense(units, use_bias=False)(ops.one_hot(actions, len(NAMES)))])
    return keras.Model([frames, actions], layers.Dense(1)(ops.tanh(x)), name="discriminator")


def tiny_gan(
    *, model=VideoGAN, num_frames=5, num_seen=SEEN, units=UNITS, optimizers=(None, None), loss=None, **kwargs
):
    """A compiled game of the tiny networks; the same weights every time."""
    keras.utils.set_random_seed(3)
    generator = TinyGenerator(num_frames=num_frames)
    gan = model(generator, tiny_discriminator(units=units, num_seen=num_seen), **kwargs)
    gan.compile(*optimizers, **({"loss": loss} if loss else {}))
    return gan


def tiny_batch(num_frames=5, num_clips=4, seed=0):
    """Clips in the model range and actions that differ, in no order."""
    clips = np.random.default_rng(seed).uniform(-1, 1, (num_clips, num_frames, 1, 1, 3)).astype(np.float32)
    return tf.constant(clips), tf.constant(np.array([2, 0, 1, 0])[np.arange(num_clips) % 4], tf.int32)


# ---- the same game in NumPy ------------------------------------------------------------------------------


def softplus(x):
    return np.logaddexp(0, x)


def slopes(value, weights, step=1e-5):
    """Central differences of a function of a list of arrays."""
    found = []
    for place, array in enumerate(weights):
        slope = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            up, down = ([a.copy() for a in weights] for _ in range(2))
            up[place][index] += step
            down[place][index] -= step
            slope[index] = (value(up) - value(down)) / (2 * step)
        found.append(slope)
    return found


def moved(weights, gradients, rate):
    """One step of plain gradient descent."""
    return [w - rate * g for w, g in zip(weights, gradients, strict=True)]


def batch_norm(x, scale, shift):
    """Batch normalisation in training: the result, and the moments of the batch."""
    mean, variance = x.mean(axis=0), x.var(axis=0)
    return scale * (x - mean) / np.sqrt(variance + 1e-3) + shift, [mean, variance]


def generate(weights, content, noise, actions, times):
    """Frames `(batch, len(times), 3)`, and the moments of the batch norm."""
    table, mix, scale, shift = weights
    codes = (noise + table[actions][:, None])[:, times]
    latents = np.concatenate([np.repeat(content[:, None], len(times), axis=1), codes], axis=2)
    x, moments = batch_norm(latents.reshape(-1, CONTENT + MOTION) @ mix, scale, shift)
    return np.tanh(x).reshape(len(actions), len(times), 3), moments


def hidden(weights, frames, actions):
    pixels, bias, table, _, _ = weights
    return np.tanh(frames.reshape(len(frames), -1) @ pixels + bias + table[actions])


def score(weights, frames, actions):
    """Logits `(batch,)`."""
    return hidden(weights, frames, actions) @ weights[3][:, 0] + weights[4][0]


def r1(weights, frames, actions, gamma):
    """gamma/2 times the mean squared slope of a logit by its frames, by the chain rule."""
    by_frames = (weights[3][:, 0] * (1 - hidden(weights, frames, actions) ** 2)) @ weights[0].T
    return gamma / 2 * np.mean(np.sum(by_frames**2, axis=1))


def gru(weights, steps, state):
    """States `(batch, time, units)` of a gated recurrent unit: Cho et al. 2014, as cuDNN has it."""
    kernel, recurrent, (bias, recurrent_bias) = weights
    states = []
    for step in np.moveaxis(steps, 1, 0):
        of_input = np.split(step @ kernel + bias, 3, axis=1)
        of_state = np.split(state @ recurrent + recurrent_bias, 3, axis=1)
        update, reset = (1 / (1 + np.exp(-(a + b))) for a, b in zip(of_input[:2], of_state[:2], strict=True))
        proposed = np.tanh(of_input[2] + reset * of_state[2])
        state = update * state + (1 - update) * proposed
        states.append(state)
    return np.stack(states, axis=1)


LOSSES = {  # discriminator's and generator's, of real logits r and fake logits f
    "non_saturating": (
        lambda r, f: softplus(-r).mean() + softplus(f).mean(),
        lambda r, f: softplus(-f).mean(),
    ),
    "relativistic": (lambda r, f: softplus(f - r).mean(), lambda r, f: softplus(r - f).mean()),
}


def weights_of(gan):
    """The weights of a game in the oracle's order, float64, by name of the network."""
    found = {}
    for name, network in {"generator": gan.generator, "average": gan.ema_generator}.items():
        norm = network.norm
        table = network.motion_rnn.trainable_variables[0]
        found[name] = [
            table,
            network.mix.kernel,
            norm.gamma,
            norm.beta,
            norm.moving_mean,
            norm.moving_variance,
        ]
    by_shape = {tuple(v.shape): v for v in gan.discriminator.trainable_variables}
    shapes = [(3 * SEEN, UNITS), (UNITS,), (len(NAMES), UNITS), (UNITS, 1), (1,)]
    found["discriminator"] = [by_shape[shape] for shape in shapes]
    return {name: [v.numpy().astype(np.float64) for v in variables] for name, variables in found.items()}


class Oracle:
    """The game after some steps: its `weights`, as of `weights_of`, change with each half.

    Args:
        weights: where it begins.
        noise: for each half its `(content, motion)`.
        times: the frames that are seen.
        loss, gamma, every, decay, rates: the rules; `rates` are those of discriminator and generator.
    """

    def __init__(self, weights, noise, *, times, loss, gamma, every, decay, rates):
        self.weights, self.noise, self.times = weights, noise, times
        self.losses, self.gamma, self.every, self.decay, self.rates = LOSSES[loss], gamma, every, decay, rates

    def fakes(self, half, actions, trained=None):
        generator = self.weights["generator"]
        return generate(trained or generator[:4], *self.noise[half], actions, self.times)

    def remember(self, moments):
        """Running moments of the batch norm: nine tenths of the old, one tenth of this batch."""
        generator = self.weights["generator"]
        generator[4:] = [0.9 * old + 0.1 * new for old, new in zip(generator[4:], moments, strict=True)]

    def discriminator_step(self, clips, actions, step):
        real, (fake, moments) = clips[:, self.times].reshape(len(clips), -1, 3), self.fakes(0, actions)
        due = step % self.every == 0

        def loss(weights):
            return self.losses[0](score(weights, real, actions), score(weights, fake, actions))

        def total(weights):
            return loss(weights) + due * self.every * r1(weights, real, actions, self.gamma)

        weights = self.weights["discriminator"]
        logits = {"real_logits": score(weights, real, actions), "fake_logits": score(weights, fake, actions)}
        logs = {"d_loss": loss(weights), **{name: values.mean() for name, values in logits.items()}}
        self.weights["discriminator"] = moved(weights, slopes(total, weights), self.rates[0])
        self.remember(moments)
        return logs

    def generator_step(self, clips, actions, step):
        real, judge = clips[:, self.times].reshape(len(clips), -1, 3), self.weights["discriminator"]

        def loss(weights):
            fake, _ = self.fakes(1, actions, weights)
            return self.losses[1](score(judge, real, actions), score(judge, fake, actions))

        generator, (_, moments) = self.weights["generator"], self.fakes(1, actions)
        g_loss = loss(generator[:4])
        generator[:4] = moved(generator[:4], slopes(loss, generator[:4]), self.rates[1])
        self.remember(moments)
        kept = min(self.decay, (1 + step) / (10 + step))
        average = self.weights["average"]
        self.weights["average"] = [kept * a + (1 - kept) * g for a, g in zip(average, generator, strict=True)]
        return {"g_loss": g_loss}
