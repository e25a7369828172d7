"""The toy game: a GAN on points of a line or a plane, small enough to play in seconds.

Axes: points `(batch, dim)`, noise `(batch, latent_dim)`, float32, any range. Nothing is hidden: the weights
are plain arrays, the random numbers are handed in, and one step is a function from a game to the next game.
So the same step can be taken by other software, such as a web page, and compared number by number.
"""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from vgcourse.gan.losses import get_loss, r1_penalty

MEMORY, TINY = 0.99, 1e-7  # Adam's beta_2 and epsilon; its beta_1 is 0
CHUNK = 50  # steps of one compiled loop
RING_RADIUS, RING_SPREAD = 2.0, 0.1


class ToyGAN(NamedTuple):
    """All that a game consists of: two networks, what their optimizers remember, and a count.

    Attributes:
        generator: weights of an `mlp`: `(latent_dim, width)`, `(width,)`, and so on up to `(dim,)`.
        discriminator: the same from `dim` down to 1.
        g_squares: running means of the generator's squared gradients, of the weights' shapes.
        d_squares: those of the discriminator.
        step: how many steps were taken, float32 scalar.
        g_step: how many of them the generator took, float32 scalar.
    """

    generator: list
    discriminator: list
    g_squares: list
    d_squares: list
    step: float
    g_step: float


class Recipe(NamedTuple):
    """How a toy game is played.

    Attributes:
        g_rate: learning rate of the generator.
        d_rate: learning rate of the discriminator.
        r1_gamma: weight of the R1 penalty; 0 leaves it out.
        g_steps: steps of the generator for each one of the discriminator.
        batch_size: points per step.
        loss: what both minimise, a key of `losses.LOSSES`.
    """

    g_rate: float = 2e-3
    d_rate: float = 2e-3
    r1_gamma: float = 0.0
    g_steps: int = 1
    batch_size: int = 128
    loss: str = "non_saturating"


# --- networks and one step -------------------------------------------------------------------------------


def mlp(weights, points):
    """A small network: two hidden layers of tanh, say, and a linear one.

    Args:
        weights: list of a matrix and a bias for each layer.
        points: float32 `(batch, inputs)`.

    Returns:
        float32 tensor `(batch, outputs)`.
    """
    *hidden, matrix, bias = weights
    for w, b in zip(hidden[::2], hidden[1::2], strict=True):
        points = tf.tanh(points @ w + b)
    return points @ matrix + bias


def make_toy(dim, *, latent_dim=2, width=64, seed=0):
    """A game before its first step.

    Args:
        dim: 1 for points of a line, 2 for points of a plane.
        latent_dim: numbers per noise vector.
        width: units of each of the two hidden layers.
        seed: of the weights.

    Returns:
        A `ToyGAN` of numpy arrays.
    """
    rng = np.random.default_rng(seed)
    networks = _weights(rng, [latent_dim, width, width, dim]), _weights(rng, [dim, width, width, 1])
    squares = [[np.zeros_like(array) for array in network] for network in networks]
    return ToyGAN(*networks, *squares, np.float32(0), np.float32(0))


def toy_step(game, real, noise, *, recipe):
    """One step of the discriminator, then `recipe.g_steps` of the generator.

    Args:
        game: a `ToyGAN`; it is not changed.
        real: points of the data, float32 `(batch, dim)`.
        noise: float32 `(1 + g_steps, batch, latent_dim)`: the first for the discriminator's step.
        recipe: a `Recipe`.

    Returns:
        The next `ToyGAN`, and the losses `(d_loss, g_loss)`, each taken before its update.

    Raises:
        ValueError: there is no such loss.
    """
    generator_loss, discriminator_loss = get_loss(recipe.loss)
    tensors = tf.nest.map_structure(tf.convert_to_tensor, tuple(game))
    generator, discriminator, g_squares, d_squares, step, g_step = tensors
    fake = mlp(generator, noise[0])
    with tf.GradientTape() as tape:
        tape.watch(discriminator)
        d_loss = discriminator_loss(mlp(discriminator, real), mlp(discriminator, fake))
        total = d_loss
        if recipe.r1_gamma:
            total += r1_penalty(lambda points: mlp(discriminator, points), real, gamma=recipe.r1_gamma)
    gradients = tape.gradient(total, discriminator)
    discriminator, d_squares = _adam(discriminator, gradients, d_squares, step + 1, recipe.d_rate)
    for turn in range(recipe.g_steps):
        with tf.GradientTape() as tape:
            tape.watch(generator)
            fake_logits = mlp(discriminator, mlp(generator, noise[1 + turn]))
            # Only the relativistic loss looks at the real ones; compiled, nobody else computes them.
            g_loss = generator_loss(mlp(discriminator, real), fake_logits)
        g_step = g_step + 1
        gradients = tape.gradient(g_loss, generator)
        generator, g_squares = _adam(generator, gradients, g_squares, g_step, recipe.g_rate)
    return ToyGAN(generator, discriminator, g_squares, d_squares, step + 1, g_step), (d_loss, g_loss)


def _weights(rng, sizes):
    """Matrices that keep the size of what passes through them, and biases of 0."""
    weights = []
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        weights.append((rng.normal(size=(inputs, outputs)) * np.sqrt(1.5 / inputs)).astype(np.float32))
        weights.append(np.zeros(outputs, np.float32))
    return weights


def _adam(weights, gradients, squares, step, rate):
    """Adam with beta_1 = 0: each gradient is divided by its own running size."""
    squares = [MEMORY * s + (1 - MEMORY) * g**2 for s, g in zip(squares, gradients, strict=True)]
    bias = 1 - MEMORY**step
    moved = [
        w - rate * g / (tf.sqrt(s / bias) + TINY) for w, g, s in zip(weights, gradients, squares, strict=True)
    ]
    return moved, squares


# --- many steps ------------------------------------------------------------------------------------------


def train_toy(game, draw_real, rng, *, recipe, num_steps):
    """Play on, with fresh random numbers.

    Args:
        game: a `ToyGAN`; it is not changed.
        draw_real: `draw_real(rng, num_points)` gives float32 `(num_points, dim)`, as `draw_ring` does.
        rng: a `numpy.random.Generator`.
        recipe: a `Recipe`.
        num_steps: steps of the discriminator.

    Returns:
        The `ToyGAN` after `num_steps`, as numpy arrays, and its last `(d_loss, g_loss)` as floats.

    Raises:
        ValueError: `num_steps` is under 1.
    """
    if num_steps < 1:
        raise ValueError(f"num_steps: expected 1 or more, received {num_steps}")
    game = tf.nest.map_structure(tf.convert_to_tensor, game)
    latent_dim, dim = game.generator[0].shape[0], game.discriminator[0].shape[0]
    for start in range(0, num_steps, CHUNK):
        steps = min(CHUNK, num_steps - start)
        real = draw_real(rng, steps * recipe.batch_size).reshape(steps, recipe.batch_size, dim)
        noise = draw_noise(rng, (steps, 1 + recipe.g_steps, recipe.batch_size, latent_dim))
        game, losses = _compiled(recipe)(game, tf.constant(real), tf.constant(noise))
    return tf.nest.map_structure(lambda tensor: tensor.numpy(), game), tuple(map(float, losses))


@functools.cache
def _compiled(recipe):
    """A compiled loop of `toy_step` over the first axis."""

    @tf.function(reduce_retracing=True)
    def play(game, real, noise):
        losses = (tf.constant(0.0), tf.constant(0.0))
        for place in tf.range(tf.shape(real)[0]):
            game, losses = toy_step(game, real[place], noise[place], recipe=recipe)
        return game, losses

    return play


def draw_noise(rng, shape):
    """Noise for the generator.

    Args:
        rng: a `numpy.random.Generator`.
        shape: of the array, the last axis is `latent_dim`.

    Returns:
        float32 array of independent standard normal numbers.
    """
    return rng.normal(size=shape).astype(np.float32)


# --- eight heaps on a ring -------------------------------------------------------------------------------


def ring_centres(num_modes=8):
    """Centres of the heaps, evenly spaced on a circle; `num_modes` of them.

    Returns:
        float64 `(num_modes, 2)`.
    """
    angles = 2 * np.pi * np.arange(num_modes) / num_modes
    return RING_RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def draw_ring(rng, num_points):
    """Points of a mixture of eight narrow Gaussians on a ring.

    Args:
        rng: a `numpy.random.Generator`.
        num_points: how many.

    Returns:
        float32 `(num_points, 2)`.
    """
    centres = ring_centres()[rng.integers(8, size=num_points)]
    return (centres + RING_SPREAD * rng.normal(size=(num_points, 2))).astype(np.float32)


def count_modes(points, centres, *, radius=3 * RING_SPREAD, share=0.02):
    """How many modes (heaps) of the data a generator reaches.

    Args:
        points: float `(num_points, dim)`.
        centres: float `(num_modes, dim)`.
        radius: a point nearer than this to a centre belongs to its heap.
        share: a heap counts if at least this share of all points belongs to it.

    Returns:
        An int from 0 to num_modes.
    """
    distances = np.linalg.norm(np.asarray(points)[:, None] - np.asarray(centres), axis=2)
    return int(((distances < radius).mean(axis=0) >= share).sum())
