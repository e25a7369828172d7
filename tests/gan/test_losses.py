"""Losses on literal logits, in closed form, and against finite differences."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from vgcourse.gan import losses

REAL, FAKE = np.array([2.0, -1.0], np.float32), np.array([0.5, -3.0], np.float32)


def softplus(x):
    return math.log(1 + math.exp(x))


# Worked out by hand for REAL and FAKE above: (discriminator loss, generator loss).
BY_HAND = {
    "minimax": (
        (softplus(-2) + softplus(1)) / 2 + (softplus(0.5) + softplus(-3)) / 2,
        -(softplus(0.5) + softplus(-3)) / 2,
    ),
    "non_saturating": (
        (softplus(-2) + softplus(1)) / 2 + (softplus(0.5) + softplus(-3)) / 2,
        (softplus(-0.5) + softplus(3)) / 2,
    ),
    "hinge": ((0 + 2) / 2 + (1.5 + 0) / 2, 1.25),
    "wasserstein": (-1.25 - 0.5, 1.25),
    "least_squares": ((1 + 4) / 4 + (0.25 + 9) / 4, (0.25 + 16) / 4),
    "relativistic": ((softplus(-1.5) + softplus(-2)) / 2, (softplus(1.5) + softplus(2)) / 2),
}
NAMES = list(BY_HAND)
logits = st.lists(st.tuples(*[st.floats(-20, 20, width=32)] * 2), min_size=1, max_size=9).map(
    lambda pairs: np.array(pairs, np.float32).T
)


@pytest.mark.parametrize("name", NAMES)
def test_values_worked_out_by_hand(name):
    generator_loss, discriminator_loss = losses.get_loss(name)
    expected_d, expected_g = BY_HAND[name]
    assert float(discriminator_loss(REAL, FAKE)) == pytest.approx(expected_d, rel=1e-6)
    assert float(generator_loss(REAL, FAKE)) == pytest.approx(expected_g, rel=1e-6)


def test_lookup_gives_the_functions_of_that_name():
    assert list(losses.LOSSES) == NAMES
    for name in NAMES:
        g, d = losses.get_loss(name)
        assert g is getattr(losses, f"{name}_generator_loss")
        assert d is getattr(losses, f"{name}_discriminator_loss")
    assert losses.non_saturating_discriminator_loss is losses.minimax_discriminator_loss


def test_unknown_name_lists_the_known_ones():
    for name in ("hing", None):
        with pytest.raises(
            ValueError, match=f"loss: expected one of minimax, .*relativistic, received {name!r}"
        ):
            losses.get_loss(name)


@settings(max_examples=15)
@given(pair=logits)
def test_gradients_match_finite_differences_of_a_float64_formula(pair):
    def sp(x):
        return np.logaddexp(0, x)

    # The formulas of the papers again, in NumPy float64: (d_loss, g_loss) of real r and fake f.
    formulas = {
        "minimax": (lambda r, f: sp(-r).mean() + sp(f).mean(), lambda r, f: -sp(f).mean()),
        "non_saturating": (lambda r, f: sp(-r).mean() + sp(f).mean(), lambda r, f: sp(-f).mean()),
        "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
        "least_squares": (
            lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2,
            lambda r, f: ((f - 1) ** 2).mean() / 2,
        ),
        "relativistic": (lambda r, f: sp(f - r).mean(), lambda r, f: sp(r - f).mean()),
    }
    exact = pair.astype(np.float64)
    for name, (d_formula, g_formula) in formulas.items():
        g_loss, d_loss = losses.get_loss(name)
        for loss, formula in ((d_loss, d_formula), (g_loss, g_formula)):
            expected = differences(formula, exact)
            np.testing.assert_allclose(gradients(loss, pair), expected, rtol=1e-4, atol=1e-6)


def gradients(loss, pair):
    """d loss / d logits, shape (2, batch)."""
    pair = tf.constant(pair)
    with tf.GradientTape() as tape:
        tape.watch(pair)
        value = loss(pair[0], pair[1])
    return tape.gradient(value, pair).numpy()


def differences(formula, pair, step=1e-5):
    result = np.zeros_like(pair)
    for index in np.ndindex(pair.shape):
        up, down = pair.copy(), pair.copy()
        up[index] += step
        down[index] -= step
        result[index] = (formula(*up) - formula(*down)) / (2 * step)
    return result


def test_hinge_gradient_stops_beyond_the_margins():
    got = gradients(losses.hinge_discriminator_loss, np.float32([[0.5, 1.5], [-0.5, -1.5]]))
    np.testing.assert_array_equal(got, [[-0.5, 0], [0.5, 0]])


@pytest.mark.parametrize(("p", "q"), [((0.5, 0.3, 0.2), (0.1, 0.1, 0.8)), ((0.2, 0.8, 0), (0.2, 0.5, 0.3))])
def test_minimax_at_the_optimal_discriminator_is_log4_minus_twice_jsd(p, q):
    p, q = np.array(p), np.array(q)
    with np.errstate(divide="ignore"):
        best = np.clip(np.log(p) - np.log(q), -50, 50)  # logit of p / (p + q)
    draws = np.repeat(best, (p * 100).round().astype(int)), np.repeat(best, (q * 100).round().astype(int))
    loss = float(losses.minimax_discriminator_loss(*draws))
    assert -loss == pytest.approx(-math.log(4) + 2 * jensenshannon(p, q) ** 2, abs=1e-5)
    for other in (best + 0.3, best * 0.9, best * 1.1):  # any other discriminator does worse
        real = np.repeat(other, (p * 100).round().astype(int))
        fake = np.repeat(other, (q * 100).round().astype(int))
        assert float(losses.minimax_discriminator_loss(real, fake)) > loss


def test_saturating_gradient_vanishes_where_the_other_does_not():
    sure_fake = np.float32([[0.0], [-12.0]])
    assert abs(gradients(losses.minimax_generator_loss, sure_fake)[1, 0]) < 1e-5
    assert gradients(losses.non_saturating_generator_loss, sure_fake)[1, 0] == pytest.approx(-1, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_huge_logits_of_any_precision_give_finite_float32(name):
    for dtype, size in itertools.product(("float16", "bfloat16", "float32", "float64"), (1e4, -1e4)):
        pair = tf.cast([[size, 0.0], [-size, 1.0]], dtype)
        with tf.GradientTape() as tape:
            tape.watch(pair)
            g_loss, d_loss = (loss(pair[0], pair[1]) for loss in losses.get_loss(name))
            total = g_loss + d_loss
        assert g_loss.dtype == d_loss.dtype == tf.float32
        assert g_loss.shape == d_loss.shape == ()
        assert np.isfinite([g_loss, d_loss]).all()
        assert np.isfinite(tf.cast(tape.gradient(total, pair), tf.float32)).all()


@pytest.mark.parametrize("name", NAMES)
def test_in_a_graph_as_in_eager_mode(name):
    signature = [tf.TensorSpec((None, 1)), tf.TensorSpec((None, 1))]
    for loss in losses.get_loss(name):
        traced = tf.function(loss, input_signature=signature)(REAL[:, None], FAKE[:, None])
        assert float(traced) == pytest.approx(float(loss(REAL, FAKE)), rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_that_would_broadcast_are_refused(name):
    discriminator_loss = losses.get_loss(name)[1]
    with pytest.raises(ValueError, match=r"\(2,\) and \(2, 1\)"):
        discriminator_loss(REAL, FAKE[:, None])
    with pytest.raises(ValueError, match="one shape"):  # static shapes are known in a graph too
        tf.function(discriminator_loss)(REAL, FAKE[:, None])


def test_pairs_need_equal_batches_and_means_do_not():
    with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
        losses.relativistic_generator_loss(REAL, FAKE[:1])
    assert float(losses.wasserstein_discriminator_loss(REAL, FAKE[:1])) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_bad_logits_are_named(name):
    g_loss, d_loss = losses.get_loss(name)
    for bad, message in (([np.nan, 0.0], "NaN"), (np.zeros(0), "empty"), (1.0, "batch")):
        for loss in (g_loss, d_loss):
            with pytest.raises(ValueError, match=f"fake_logits.*{message}"):
                loss(REAL, bad)
        with pytest.raises(ValueError, match=f"real_logits.*{message}"):
            d_loss(bad, FAKE)


# --- Penalties -------------------------------------------------------------------------------------------

WEIGHTS = np.random.default_rng(0).normal(size=2 * 4 * 4 * 3).astype(np.float32)
CLIPS = np.random.default_rng(1).uniform(-1, 1, (3, 2, 4, 4, 3)).astype(np.float32)  # (B, T, H, W, C)
FAKES = np.random.default_rng(2).uniform(-1, 1, CLIPS.shape).astype(np.float32)


def linear(clips):
    """D(x) = w.x: its gradient is w everywhere."""
    return tf.linalg.matvec(tf.reshape(clips, (-1, len(WEIGHTS))), WEIGHTS)


def test_r1_of_a_linear_discriminator():
    expected = 3.0 / 2 * np.sum(WEIGHTS.astype(float) ** 2)
    assert float(losses.r1_penalty(linear, CLIPS, gamma=3.0)) == pytest.approx(expected, rel=1e-6)


def test_r1_of_a_quadratic_discriminator():
    # D(x) = |x|^2 has the gradient 2x, so the penalty is gamma/2 * mean of 4 |x|^2.
    got = losses.r1_penalty(lambda x: tf.reduce_sum(x**2, axis=(1, 2, 3, 4)), CLIPS, gamma=0.5)
    assert float(got) == pytest.approx(np.mean(np.sum(CLIPS.astype(float) ** 2, axis=(1, 2, 3, 4))), rel=1e-6)


def test_r1_sums_the_patches_of_a_clip():
    got = losses.r1_penalty(lambda x: tf.stack([linear(x), linear(x)], axis=-1), CLIPS, gamma=1.0)
    assert float(got) == pytest.approx(4 * float(losses.r1_penalty(linear, CLIPS, gamma=1.0)), rel=1e-5)


def test_gradient_penalty_of_a_linear_discriminator():
    expected = 10.0 * (np.linalg.norm(WEIGHTS.astype(float)) - 1) ** 2
    got = losses.gradient_penalty(linear, CLIPS, FAKES, weight=10.0, seed=1)
    assert float(got) == pytest.approx(expected, rel=1e-5)


def test_gradient_penalty_mixes_each_clip_uniformly():
    seen = []

    def discriminator(x):
        seen.append(x.numpy())
        return tf.reduce_sum(x, axis=1)

    real, fake = np.ones((4000, 2), np.float32), -np.ones((4000, 2), np.float32)
    losses.gradient_penalty(discriminator, real, fake, weight=1.0, seed=3)
    mix = (seen[0] + 1) / 2
    np.testing.assert_array_equal(mix[:, 0], mix[:, 1])  # one u for the whole clip
    counts, _ = np.histogram(mix[:, 0], bins=10, range=(0, 1))
    assert counts.sum() == 4000
    assert np.abs(counts - 400).max() < 5 * np.sqrt(400)


def test_gradient_penalty_depends_on_its_seed_alone():
    def penalty(seed):
        cubic = lambda x: tf.reduce_sum(x**3, axis=(1, 2, 3, 4))  # noqa: E731
        return float(losses.gradient_penalty(cubic, CLIPS, FAKES, weight=1.0, seed=seed))

    assert penalty(7) == penalty(7) == penalty(np.int64(7)) == penalty((7, 0)) == penalty(tf.constant(7))
    assert len({penalty(7), penalty(8), penalty((7, 1)), penalty(2**40 + 7)}) == 4


def test_flat_discriminator_has_a_finite_gradient():
    weights = tf.Variable(tf.zeros(len(WEIGHTS)))
    with tf.GradientTape() as tape:
        flat = lambda x: tf.linalg.matvec(tf.reshape(x, (3, -1)), weights)  # noqa: E731
        penalty = losses.gradient_penalty(flat, CLIPS, FAKES, weight=10.0, seed=0)
    assert float(penalty) == pytest.approx(10, rel=1e-4)
    assert np.isfinite(tape.gradient(penalty, weights)).all()


@pytest.fixture(scope="module")
def small_discriminator():
    keras.utils.set_random_seed(0)
    inputs = keras.Input(CLIPS.shape[1:])
    x = keras.layers.Reshape((8, 4, 3))(inputs)
    x = keras.layers.Conv2D(4, 3, 2, "same", activation="tanh")(x)
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(x)))


PENALTIES = {
    "r1": lambda d: losses.r1_penalty(d, CLIPS, gamma=1.0),
    "gradient_penalty": lambda d: losses.gradient_penalty(d, CLIPS, FAKES, weight=10.0, seed=5),
}


@pytest.mark.parametrize("name", PENALTIES)
def test_second_order_gradients_in_a_graph_match_finite_differences(name, small_discriminator):
    d = small_discriminator
    kernel = d.trainable_variables[0]

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            penalty = PENALTIES[name](d)
        return penalty, tape.gradient(penalty, kernel)

    value, gradient = step()
    assert float(value) == pytest.approx(float(PENALTIES[name](d)), rel=1e-5)  # eager = graph
    start, direction = kernel.numpy(), np.random.default_rng(0).normal(size=kernel.shape).astype(np.float32)
    ends = []
    for sign in (1, -1):
        kernel.assign(start + sign * 1e-2 * direction)
        ends.append(float(step()[0]))
    kernel.assign(start)
    assert np.abs(gradient).max() > 1e-4
    assert np.sum(gradient * direction) == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=2e-2)


def test_half_precision_discriminator_gives_a_float32_penalty():
    def half(clips):
        return tf.cast(linear(tf.cast(tf.cast(clips, tf.bfloat16), tf.float32)), tf.bfloat16)

    got = losses.r1_penalty(half, tf.cast(CLIPS, tf.bfloat16), gamma=2.0)
    assert got.dtype == tf.float32
    assert float(got) == pytest.approx(np.sum(WEIGHTS**2), rel=2e-2)


def test_penalties_refuse_what_they_cannot_use():
    with pytest.raises(ValueError, match=r"float clips in \[-1, 1\].*uint8"):
        losses.r1_penalty(linear, CLIPS.astype(np.uint8), gamma=1.0)
    with pytest.raises(ValueError, match=r"one shape.*\(3, 2, 4, 4, 3\) and \(2, 2, 4, 4, 3\)"):
        losses.gradient_penalty(linear, CLIPS, FAKES[:2], weight=1.0, seed=0)
    with pytest.raises(ValueError, match="fake_clips.*NaN"):
        losses.gradient_penalty(linear, CLIPS, np.full_like(FAKES, np.nan), weight=1.0, seed=0)
    for number in (-1, None, "1", float("nan"), float("inf")):
        with pytest.raises(ValueError, match="gamma: expected a finite number, at least 0. Received"):
            losses.r1_penalty(linear, CLIPS, gamma=number)
        with pytest.raises(ValueError, match="weight: expected a finite number, at least 0. Received"):
            losses.gradient_penalty(linear, CLIPS, FAKES, weight=number, seed=0)
    with pytest.raises(ValueError, match="depend on the clips"):
        losses.r1_penalty(lambda clips: tf.ones(3), CLIPS, gamma=1.0)


def test_feature_matching():
    # Means (1, 2) and (4, -2): 3^2 + 4^2. Batch sizes may differ.
    real, fake = [[0.0, 2.0], [2.0, 2.0]], [[4.0, -2.0]]
    assert float(losses.feature_matching_loss(real, fake)) == 25.0
    assert float(losses.feature_matching_loss(real, real[::-1])) == 0.0
    assert losses.feature_matching_loss(tf.cast(real, tf.float16), fake).dtype == tf.float32
    with pytest.raises(ValueError, match=r"one shape.*\(2, 2\) and \(1, 3\)"):
        losses.feature_matching_loss(real, [[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="fake_features.*NaN"):
        losses.feature_matching_loss(real, [[np.nan, 0.0]])


def test_feature_matching_gradient():
    fake = tf.constant([[4.0, -2.0], [4.0, -2.0]])
    with tf.GradientTape() as tape:
        tape.watch(fake)
        loss = losses.feature_matching_loss([[0.0, 2.0], [2.0, 2.0]], fake)
    np.testing.assert_allclose(tape.gradient(loss, fake), [[3, -4], [3, -4]])  # 2 (mean_f - mean_r) / batch
