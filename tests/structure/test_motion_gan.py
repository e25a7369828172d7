"""The motion GAN: one step of a game small enough to be computed by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from small_motions import NUM_FRAMES, NUM_JOINTS, small_components

from vgcourse.structure import MotionGAN, MotionGenerator, build_motion_discriminator

NAMES = ["sit", "stand"]


def small_generator(**options):
    settings = {"num_frames": NUM_FRAMES, "num_joints": NUM_JOINTS, "num_components": 5, "width": 16}
    keras.utils.set_random_seed(0)
    generator = MotionGenerator(NAMES, **{**settings, "depth": 1, **options})
    generator.components.set_weights(small_components().get_weights())
    return generator


def small_gan(**options):
    generator = small_generator()
    gan = MotionGAN(generator, build_motion_discriminator(5, 2, width=16, depth=1), **options)
    gan.compile()
    return gan


def batch(size=8):
    rng = np.random.default_rng(0)
    coefficients = tf.constant(rng.normal(size=(size, 5)), tf.float32)
    return coefficients, tf.constant(np.arange(size) % 2, tf.int32)


def linear_discriminator(gan):
    """D(x) = w.x instead of a network: its gradients can be written down."""
    coefficients, actions = layers.Input((5,)), layers.Input((), dtype="int32")
    dense = layers.Dense(1, use_bias=False)
    gan.discriminator = keras.Model([coefficients, actions], dense(coefficients))
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    return dense


def test_the_discriminators_step_by_hand():
    gan = small_gan(r1_gamma=3.0)
    dense = linear_discriminator(gan)
    real, actions = batch()
    w = np.asarray(dense.kernel)[:, 0]
    fake = np.asarray(gan.generator([gan.noise(actions, half=0), actions]))
    x = np.asarray(real)
    real_logits, fake_logits = x @ w, fake @ w
    loss = np.mean(np.log1p(np.exp(-real_logits))) + np.mean(np.log1p(np.exp(fake_logits)))
    # d softplus(-l)/dl = -sigmoid(-l); the penalty of a linear D is gamma/2 |w|^2.
    pull = -(x / (1 + np.exp(real_logits))[:, None]).mean(axis=0)
    push = (fake / (1 + np.exp(-fake_logits))[:, None]).mean(axis=0)
    generator_before = gan.generator.get_weights()
    logs = gan.discriminator_step(real, actions)
    assert float(logs["d_loss"]) == pytest.approx(loss, rel=1e-4)
    np.testing.assert_allclose(np.asarray(dense.kernel)[:, 0], w - 0.1 * (pull + push + 3.0 * w), atol=1e-5)
    for before, after in zip(generator_before, gan.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_generators_step_by_hand():
    """The last bias moves every coefficient of every fake: its gradient is that of the logits times w.

    (Nothing turns here: all coefficients count as without waves.)
    """
    gan = small_gan()
    gan.generator.components.waves.assign(np.zeros(5))
    dense = linear_discriminator(gan)
    _, actions = batch()
    w = np.asarray(dense.kernel)[:, 0]
    fake = np.asarray(gan.generator([gan.noise(actions, half=1), actions]))
    loss = np.mean(np.log1p(np.exp(-(fake @ w))))
    last = gan.generator.network.layers[-1]
    before = np.asarray(last.bias)
    logs = gan.generator_step(actions)
    assert float(logs["g_loss"]) == pytest.approx(loss, rel=1e-4)
    slope = -np.mean(1 / (1 + np.exp(fake @ w)))
    np.testing.assert_allclose(np.asarray(last.bias), before - 0.1 * slope * w, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(dense.kernel)[:, 0], w)


def test_both_halves_and_every_step_draw_their_own_noise():
    gan, actions = small_gan(), batch()[1]
    drawn = [np.asarray(gan.noise(actions, half=half)) for half in (0, 1)]
    gan.train_step(batch())
    drawn += [np.asarray(gan.noise(actions, half=half)) for half in (0, 1)]
    assert len({noise.tobytes() for noise in drawn}) == 4


def test_a_seed_trains_the_same():
    one, same, other = small_gan(seed=1), small_gan(seed=1), small_gan(seed=2)
    for gan in (one, same, other):
        for _ in range(2):
            gan.step_function(batch())
    for a, b in zip(one.weights, same.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a, b) for a, b in zip(one.weights, other.weights, strict=True))
    assert int(one.step) == 2


def test_the_first_two_numbers_say_where_a_motion_starts():
    """A quarter of a loop further, whatever their length; and nothing else of the motion changes."""
    generator = small_generator()
    rest = np.random.default_rng(0).normal(size=(1, 3))
    start, later = (
        np.asarray(generator([np.append(first, rest[0])[None].astype(np.float32), np.array([1])]))
        for first in ([0.0, 2.0], [0.5, 0.0])
    )
    np.testing.assert_allclose(generator.components.turn(start, [[0.25]]), later, atol=1e-4)
    assert np.abs(start - later).max() > 0.01


def test_the_action_is_told_to_both():
    gan = small_gan()
    noise = np.ones((1, 5), np.float32)
    for network in (gan.generator, gan.discriminator):
        sit, stand = (np.asarray(network([noise, np.array([action])])) for action in (0, 1))
        assert np.abs(sit - stand).max() > 1e-3


def test_samples_come_from_the_average_and_save(tmp_path):
    gan = small_gan()
    before = gan.ema_generator.get_weights()
    gan.step_function(batch())
    moved = [not np.array_equal(a, b) for a, b in zip(before, gan.ema_generator.get_weights(), strict=True)]
    assert any(moved)
    gan.ema_generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras", compile=False, safe_mode=True)
    noise, actions = np.ones((2, 5), np.float32), np.array([1, 0])
    joints = gan.ema_generator.make_joints(noise, actions, size=32)
    assert joints.shape == (2, NUM_FRAMES, NUM_JOINTS, 3)
    np.testing.assert_array_equal(loaded.make_joints(noise, actions, size=32), joints)
    np.testing.assert_allclose(
        joints, gan.ema_generator.components.decode(gan.ema_generator([noise, actions]), size=32)
    )
