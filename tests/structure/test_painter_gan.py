"""The painter's training step: losses in closed form, halves that change only their own network."""

import math

import numpy as np
import pytest
import tensorflow as tf

from vgcourse.structure import NUM_LIMBS, PeopleFrames, make_painter_gan, painter_batches

SIZE = 32


def people_frames():
    rng = np.random.default_rng(5)
    frames = rng.integers(0, 256, (2, 3, SIZE, SIZE, 3)).astype(np.uint8)
    return PeopleFrames(frames, rng.uniform(0, SIZE, (2, 3, 25, 3)).astype(np.float32), np.arange(2))


def batch():
    return next(painter_batches(people_frames(), batch_size=2, num_targets=2))


def values(variables):
    return [np.array(variable) for variable in variables]


def same(before, variables):
    return all(np.array_equal(a, b.numpy()) for a, b in zip(before, variables, strict=True))


@pytest.fixture
def gan():
    return make_painter_gan(SIZE, steps=100, seed=3)


def test_losses_of_a_discriminator_that_knows_nothing(gan):
    # All logits are 0, so that softplus is ln 2 everywhere.
    gan.discriminator.set_weights([0 * weight for weight in gan.discriminator.get_weights()])
    gan.step.assign(30)  # a tenth of the way to the discriminator's full weight
    joints, frames, reference_joints, references = batch()
    painted = gan.painter.paint_joints(joints, references, reference_joints).numpy()
    logs = {name: float(value) for name, value in gan.train_step(batch()).items()}
    l1 = np.abs(np.clip(painted, -1, 1) - frames).mean()
    assert logs["l1"] == pytest.approx(127.5 * l1, rel=1e-3)
    assert logs["g_loss"] == pytest.approx(l1 + 0.02 * 0.1 * math.log(2), rel=1e-3)
    assert logs["d_loss"] == pytest.approx(2 * math.log(2), rel=1e-5)
    assert int(gan.step) == 31


def test_each_half_trains_its_own_network(gan):
    painter, discriminator = values(gan.painter.weights), values(gan.discriminator.weights)
    frames = tf.zeros((2, SIZE, SIZE, 3))
    gan.discriminator_step(frames, frames + 0.1, tf.zeros((2, SIZE, SIZE, NUM_LIMBS)))
    assert same(painter, gan.painter.weights)
    assert not same(discriminator, gan.discriminator.weights)


def test_without_a_discriminator_none_is_trained():
    gan = make_painter_gan(SIZE, steps=100, gan_weight=0.0)
    discriminator, painter = values(gan.discriminator.weights), values(gan.painter.weights)
    logs = gan.train_step(batch())
    assert same(discriminator, gan.discriminator.weights)
    assert not same(painter, gan.painter.weights)
    assert float(logs["g_loss"]) == pytest.approx(float(logs["l1"]) / 127.5)
    alone = make_painter_gan(SIZE, steps=100, l1_weight=0.0)
    logs = alone.train_step(batch())
    assert float(logs["g_loss"]) == 0  # at step 0 the discriminator has no weight yet


def test_real_frames_are_to_score_high(gan):
    real, maps = tf.ones((4, SIZE, SIZE, 3)), tf.zeros((4, SIZE, SIZE, NUM_LIMBS))
    for _ in range(10):
        logs = gan.discriminator_step(real, -real, maps)
    assert float(logs["real_logits"]) > float(logs["fake_logits"]) + 0.5


def test_lazy_r1_counts_for_the_steps_between(gan):
    frames, maps = tf.constant(batch()[1][:, 0]), tf.zeros((2, SIZE, SIZE, NUM_LIMBS))
    lazy = values(gan.r1_gradients(frames, maps))
    gan.r1_every = 1
    every_step = values(gan.r1_gradients(frames, maps))
    assert np.abs(every_step[0]).max() > 0
    for rare, often in zip(lazy, every_step, strict=True):
        np.testing.assert_allclose(rare, 8 * often, rtol=1e-4, atol=1e-7)


def test_the_rate_falls_to_nothing(gan):
    rate = gan.g_optimizer._learning_rate
    assert float(rate(0)) == pytest.approx(2e-3)
    assert float(rate(50)) == pytest.approx(1e-3)
    assert float(rate(100)) == pytest.approx(0, abs=1e-9)


def test_unknown_sizes_are_named():
    with pytest.raises(ValueError, match="size: expected one of 32, 64, 128, received 96"):
        make_painter_gan(96, steps=10)
    with pytest.raises(ValueError, match="steps: expected a whole number from 1 on"):
        make_painter_gan(32, steps=0)
