"""The game: each half moves its own side only, by the formulas, and the same seed plays the same game."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from vgcourse import gan, training
from vgcourse.datasets import Clips
from vgcourse.gan import losses, models
from vgcourse.training.checkpoints import state_of

NAMES = ("walk", "run")
FRAMES, BATCH = 8, 4


def make(*, seed=3, dtype="float32", loss="non_saturating", optimizers=(None, None), **kwargs):
    keras.utils.set_random_seed(3)
    generator = models.VideoGenerator(
        32, NAMES, num_frames=FRAMES, channels=4, latent_dims=(6, 4), dtype=dtype
    )
    discriminator = models.build_discriminator(32, len(NAMES), channels=4, dtype=dtype)
    made = gan.VideoGAN(generator, discriminator, seed=seed, **kwargs)
    made.compile(*optimizers, loss=loss)
    return made


def batch(seed=0):
    rng = np.random.default_rng(seed)
    clips = rng.uniform(-1, 1, (BATCH, FRAMES, 32, 32, 3)).astype(np.float32)
    return tf.constant(clips), tf.constant(np.arange(BATCH) % len(NAMES), tf.int32)


def values(variables):
    return [np.array(variable.numpy()) for variable in variables]


def same(first, second):
    return [np.array_equal(a, b) for a, b in zip(first, second, strict=True)]


def parts(made):
    """Everything that a step could change, in groups."""
    return {
        "discriminator": values(made.discriminator.weights),
        "d_optimizer": values(made.d_optimizer.variables),
        "generator": values(made.generator.trainable_variables),
        "statistics": values(made.generator.non_trainable_variables),
        "g_optimizer": values(made.g_optimizer.variables),
        "ema": values(made.ema_generator.weights),
        "step": values([made.step]),
    }


def changed(before, after):
    return {name for name in before if not all(same(before[name], after[name]))}


# ---- who moves -------------------------------------------------------------------------------------------


def test_the_discriminator_step_moves_the_discriminator_only():
    made = make()
    before = parts(made)
    logs = made.discriminator_step(*batch())
    # The fakes are drawn in training mode, so the generator's batch norms count them too.
    assert changed(before, parts(made)) - {"statistics"} == {"discriminator", "d_optimizer"}
    assert set(logs) == {"d_loss", "real_logits", "fake_logits"}


def test_the_generator_step_moves_the_generator_and_its_average_only():
    made = make()
    before = parts(made)
    logs = made.generator_step(batch()[1])
    assert changed(before, parts(made)) - {"statistics"} == {"generator", "g_optimizer", "ema"}
    assert set(logs) == {"g_loss"}


def test_a_train_step_is_both_halves_and_counts():
    whole, halves = make(), make()
    logs = whole.train_step(batch())
    expected = {**halves.discriminator_step(*batch()), **halves.generator_step(batch()[1])}
    assert {name: float(value) for name, value in logs.items()} == {k: float(v) for k, v in expected.items()}
    assert changed(parts(whole), parts(halves)) == {"step"}
    assert int(whole.step) == 1


def test_logs_are_the_loss_of_the_logits():
    """With one clip the mean logits are the logits: the loss must follow from them."""
    made = make()
    clips, actions = batch()
    logs = made.discriminator_step(clips[:1], actions[:1])
    expected = np.logaddexp(0, -float(logs["real_logits"])) + np.logaddexp(0, float(logs["fake_logits"]))
    assert float(logs["d_loss"]) == pytest.approx(expected, rel=1e-5)


# ---- averaged generator ----------------------------------------------------------------------------------


def test_the_average_starts_as_the_generator():
    made = make()
    assert all(same(values(made.ema_generator.weights), values(made.generator.weights)))


@pytest.mark.parametrize(
    ("ema_decay", "step", "decay"),
    [(0.0, 5, 0.0), (0.999, 0, 1 / 10), (0.999, 8, 1 / 2), (0.3, 8, 0.3), (0.999, 10**6, 0.999)],
)
def test_the_average_follows_its_formula(ema_decay, step, decay):
    """Its memory is short at first: at most (1 + step) / (10 + step) of the old is kept."""
    made = make(ema_decay=ema_decay)
    made.generator_step(batch()[1])
    made.step.assign(step)
    old = values(made.ema_generator.weights)
    made.generator_step(batch()[1])
    new, live = values(made.ema_generator.weights), values(made.generator.weights)
    for average, before, now in zip(new, old, live, strict=True):
        np.testing.assert_allclose(average, decay * before + (1 - decay) * now, rtol=1e-5, atol=1e-6)
    assert not all(same(new, old))


# ---- lazy R1 ---------------------------------------------------------------------------------------------


def test_r1_comes_every_few_steps_and_at_no_other():
    plain, penalised = (make(r1_gamma=gamma, r1_every=3) for gamma in (0.0, 5.0))
    start = values(plain.discriminator.weights)
    with_penalty = []
    for step in range(7):
        for made in (plain, penalised):
            made.discriminator.set_weights(start)
            made.step.assign(step)
            made.discriminator_step(*batch())
        if not all(same(values(plain.discriminator.weights), values(penalised.discriminator.weights))):
            with_penalty.append(step)
        # Optimizer slots remember the penalty: start the next step with equal ones.
        for target, source in zip(penalised.d_optimizer.variables, plain.d_optimizer.variables, strict=True):
            target.assign(source)
    assert with_penalty == [0, 3, 6]


def test_r1_has_its_weight_times_the_steps_between():
    """With plain gradient descent the two weights differ by the penalty's gradient, computed here anew."""
    sgd = [(keras.optimizers.SGD(1e-3), keras.optimizers.SGD(1e-2)) for _ in range(2)]
    plain, penalised = (
        make(r1_gamma=gamma, r1_every=4, optimizers=pair) for gamma, pair in zip((0, 2), sgd, strict=True)
    )
    clips, actions = batch()
    clips = tf.repeat(clips[:, :1], FRAMES, axis=1)  # whichever frames are drawn, they are these
    variables = plain.discriminator.trainable_variables
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(clips)
            total = tf.reduce_sum(plain.discriminator([clips[:, :4], actions]))
        slope = inner.gradient(total, clips)
        penalty = 4 * 2 / 2 * tf.reduce_sum(slope**2) / BATCH
    gradients = outer.gradient(penalty, variables)
    expected = [tf.zeros(v.shape) if g is None else g for g, v in zip(gradients, variables, strict=True)]
    for made in (plain, penalised):
        made.discriminator_step(clips, actions)
    largest = max(float(tf.reduce_max(abs(gradient))) for gradient in expected)
    assert largest > 1e-3
    for a, b, gradient in zip(
        plain.discriminator.trainable_variables,
        penalised.discriminator.trainable_variables,
        expected,
        strict=True,
    ):
        np.testing.assert_allclose((a - b) / 1e-2, gradient, rtol=0.02, atol=1e-2 * largest)


# ---- frames that are seen --------------------------------------------------------------------------------


@given(st.integers(0, 2**31), st.integers(0, 2**31), st.integers(1, 70), st.data())
@settings(max_examples=60, deadline=None)
def test_drawn_times_lie_within_the_clip_at_distances_that_never_change(seed, step, num_frames, data):
    num_seen = data.draw(st.integers(1, num_frames))
    times = gan.draw_times(tf.constant([seed, step]), num_frames, num_seen).numpy()
    assert times.shape == (num_seen,)
    assert times.dtype == np.int32
    assert times.min() >= 0
    assert times.max() < num_frames
    assert np.all(np.diff(times) > 0)
    again = gan.draw_times(tf.constant([seed, step + 1]), num_frames, num_seen).numpy()
    np.testing.assert_array_equal(np.diff(times), np.diff(again))


def test_any_two_of_four_frames_are_another_distance_apart():
    times = gan.draw_times(tf.constant([0, 0]), 16, 4).numpy()
    assert sorted(b - a for a, b in itertools.combinations(times, 2)) == [1, 3, 4, 5, 8, 9]


def test_a_short_clip_is_seen_from_end_to_end():
    for num_frames, expected in {4: [0, 1, 2, 3], 5: [0, 1, 2, 4], 9: [0, 2, 5, 8], 10: [0, 1, 4, 9]}.items():
        assert gan.draw_times(tf.constant([0, 0]), num_frames, 4).numpy().tolist() == expected


def test_every_start_and_every_frame_is_drawn():
    draws = [gan.draw_times(tf.constant([1, step]), 16, 4).numpy() for step in range(300)]
    assert {int(times[0]) for times in draws} == set(range(7))
    assert set(np.concatenate(draws)) == set(range(16))


# ---- seeds -----------------------------------------------------------------------------------------------


def test_the_same_seed_plays_the_same_game():
    first, second = make(), make()
    for made in (first, second):
        made.train_step(batch())
        made.train_step(batch(1))
    assert changed(parts(first), parts(second)) == set()


def test_another_seed_draws_other_noise():
    first, second = make(seed=3), make(seed=4)
    assert changed(parts(first), parts(second)) == set()
    for made in (first, second):
        made.train_step(batch())
    assert {"generator", "discriminator"} <= changed(parts(first), parts(second))


def test_another_step_draws_other_noise():
    made = make()
    fakes = []
    for step in (0, 0, 1):
        made.step.assign(step)
        fakes.append(made.fake_frames(tf.constant([0]), [0], made.seeds(0)[1]).numpy())
    np.testing.assert_array_equal(fakes[0], fakes[1])
    assert not np.array_equal(fakes[0], fakes[2])


def test_the_recipe_makes_a_compiled_gan_from_a_seed():
    first, second, other = (gan.make_gan(32, NAMES, num_frames=4, seed=seed) for seed in (1, 1, 2))
    assert changed(parts(first), parts(second)) == set()
    assert {"generator", "discriminator"} <= changed(parts(first), parts(other))
    assert (first.generator.size, first.generator.action_names, first.generator.num_frames) == (32, NAMES, 4)
    assert first.seed == 1


def test_an_unknown_loss_precision_or_size_is_named():
    with pytest.raises(ValueError, match=r"hinge.*Received: 'hinges'"):
        make(loss="hinges")
    with pytest.raises(ValueError, match=r"bfloat16.*received 'float8'"):
        gan.make_gan(32, NAMES, precision="float8")
    with pytest.raises(ValueError, match=r"32, 64, 128.*received.*48"):
        gan.make_gan(48, NAMES)


# ---- training --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_every_loss_trains_both_sides(loss, monkeypatch):
    made = make(loss=loss)
    before = parts(made)
    logs = made.train_step(batch())
    assert all(np.isfinite(float(value)) for value in logs.values())
    after = parts(made)
    assert {"generator", "discriminator", "ema"} <= changed(before, after)
    assert all(np.isfinite(array).all() for arrays in after.values() for array in arrays)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_trains_finite_float32_weights(precision):
    optimizers = [keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.99) for _ in range(2)]
    if precision == "float16":
        optimizers = [keras.optimizers.LossScaleOptimizer(optimizer) for optimizer in optimizers]
    made = make(dtype=gan.PRECISIONS[precision], optimizers=optimizers, r1_every=2)
    before = parts(made)
    for seed in range(4):
        logs = made.train_step(batch(seed))
        assert all(np.isfinite(float(value)) for value in logs.values())
    assert all(np.isfinite(array).all() for array in values(made.weights))
    assert {"generator", "discriminator", "ema"} <= changed(before, parts(made))
    assert {str(v.dtype) for v in made.trainable_variables} == {"float32"}
    assert str(made.ema_generator.compute_dtype) == "float32"


def test_loss_scaling_leaves_the_step_as_it_is():
    """In float32 a scaled loss and its rescaled gradients give the plain step, but for rounding."""

    def adam():
        return keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.99, epsilon=1e-3)

    plain = make(optimizers=(adam(), adam()))
    scaled = make(optimizers=[keras.optimizers.LossScaleOptimizer(adam()) for _ in range(2)])
    start = values(plain.trainable_variables)
    for made in (plain, scaled):
        made.train_step(batch())
    moved = 0
    for old, a, b in zip(start, plain.trainable_variables, scaled.trainable_variables, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
        moved = max(moved, abs(old - a).max())
    assert moved > 2e-4


def test_fit_and_the_training_loop_give_the_same_weights():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (6, FRAMES + 2, 32, 32, 3), dtype=np.uint8)
    clips = Clips(frames, np.arange(6) % 2, np.arange(6), NAMES, 10.0)
    fitted, trained = make(), make()
    fitted.fit(training.batches_for(fitted, clips, BATCH, 0), steps_per_epoch=6, epochs=2, verbose=0)
    training.train(trained, clips, steps=12, batch_size=BATCH)
    expected, received = ({k: np.array(v) for k, v in state_of(m).items()} for m in (fitted, trained))
    assert expected.keys() == received.keys()
    assert [name for name in expected if not np.array_equal(expected[name], received[name])] == []
    assert int(trained.step) == 12
