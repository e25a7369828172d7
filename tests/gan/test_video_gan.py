"""The game: whole steps against NumPy, noise that never repeats, frames and labels that belong together."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_game
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_game import NAMES, tiny_batch, tiny_gan

from vgcourse import gan
from vgcourse.gan import losses

HALVES = (0, 1)  # of a step: the discriminator's, the generator's


def values(variables):
    return [np.array(variable.numpy()) for variable in variables]


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
    return {
        name
        for name in before
        if not all(np.array_equal(a, b) for a, b in zip(before[name], after[name], strict=True))
    }


# ---- whole steps, number by number -----------------------------------------------------------------------

RATES = (0.3, 0.7)  # of the discriminator and of the generator
RULES = {"r1_gamma": 0.8, "r1_every": 2, "ema_decay": 0.25}


def literal_noise(half):
    """Content and motion noise of one half, for four clips of five frames."""
    rng = np.random.default_rng(7 + half)
    return [rng.standard_normal(shape).astype(np.float32) for shape in ((4, 2), (4, 5, 2))]


class LiteralNoise(gan.VideoGAN):
    """Takes its noise from `literal_noise`, in the order in which a step asks for it."""

    def noise(self, shape, seed):
        if not getattr(self, "prepared", None):
            self.prepared = [*literal_noise(0), *literal_noise(1)]
        noise = self.prepared.pop(0)
        assert noise.shape == tuple(shape)
        return tf.constant(noise)


def sgd(rate, scaled):
    optimizer = keras.optimizers.SGD(rate)
    return keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer


def game_and_oracle(loss, *, scaled=False):
    # Five frames, and three are seen: 0, 1, 4 is the only draw.
    optimizers = [sgd(rate, scaled) for rate in reversed(RATES)]
    made = tiny_gan(model=LiteralNoise, loss=loss, optimizers=optimizers, **RULES)
    rng = np.random.default_rng(5)  # weights of which none is 0 or 1
    for network in (made.generator, made.discriminator):
        network.set_weights([rng.uniform(0.2, 1.2, w.shape) for w in network.get_weights()])
    made.ema_generator.set_weights([rng.uniform(0.2, 1.2, w.shape) for w in made.generator.get_weights()])
    oracle = tiny_game.Oracle(
        tiny_game.weights_of(made),
        [[noise.astype(np.float64) for noise in literal_noise(half)] for half in HALVES],
        times=[0, 1, 4],
        loss=loss,
        gamma=0.8,
        every=2,
        decay=0.25,
        rates=RATES,
    )
    return made, oracle


def assert_same_game(made, oracle):
    for name, weights in tiny_game.weights_of(made).items():
        for ours, expected in zip(weights, oracle.weights[name], strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5, err_msg=name)


def assert_same_logs(logs, expected):
    assert {name: float(value) for name, value in logs.items()} == pytest.approx(expected, rel=1e-4, abs=1e-5)


def exact(clips, actions):
    return np.array(clips, np.float64), np.array(actions)


@pytest.mark.parametrize("loss", ["non_saturating", "relativistic"])
@pytest.mark.parametrize("step", [0, 1])
def test_a_discriminator_step_is_that_of_numpy(loss, step):
    """With the penalty in step 0, without it in step 1; the generator's weights and average stay."""
    made, oracle = game_and_oracle(loss)
    made.step.assign(step)
    logs = made.discriminator_step(*tiny_batch())
    assert_same_logs(logs, oracle.discriminator_step(*exact(*tiny_batch()), step))
    assert_same_game(made, oracle)
    assert int(made.step) == step


@pytest.mark.parametrize("loss", ["non_saturating", "relativistic"])
@pytest.mark.parametrize("step", [0, 5])
def test_a_generator_step_is_that_of_numpy(loss, step):
    """The average keeps (1 + step) / (10 + step) of the old: a tenth at first, at most a quarter here."""
    made, oracle = game_and_oracle(loss)
    made.step.assign(step)
    made.noise((4, 2), None), made.noise((4, 5, 2), None)  # those of the other half
    clips, actions = tiny_batch()
    logs = made.generator_step(actions, clips)
    assert_same_logs(logs, oracle.generator_step(*exact(clips, actions), step))
    assert_same_game(made, oracle)
    assert int(made.step) == step


@pytest.mark.parametrize("scaled", [False, True])
def test_three_compiled_steps_are_those_of_numpy(scaled):
    """Loss scaling (float16) must leave the step as it is: what is scaled is scaled back."""
    made, oracle = game_and_oracle("relativistic", scaled=scaled)
    for step in range(3):
        clips, actions = tiny_batch(seed=step)
        logs = made.step_function((clips, actions))
        expected = oracle.discriminator_step(*exact(clips, actions), step)
        assert_same_logs(logs, expected | oracle.generator_step(*exact(clips, actions), step))
        assert_same_game(made, oracle)
    assert int(made.step) == 3
    if scaled:
        assert [float(o.dynamic_scale) for o in (made.g_optimizer, made.d_optimizer)] == [2.0**15] * 2


def test_the_penalty_of_the_oracle_is_a_finite_difference_of_its_logits():
    """So that formula and package cannot share a mistake."""
    weights = [np.random.default_rng(1).normal(size=s) for s in ((9, 2), (2,), (3, 2), (2, 1), (1,))]
    frames, actions = np.random.default_rng(2).uniform(-1, 1, (4, 3, 3)), np.array([2, 0, 1, 0])
    slope = tiny_game.slopes(lambda x: tiny_game.score(weights, x[0], actions).sum(), [frames])[0]
    expected = 0.8 / 2 * np.mean(np.sum(slope**2, axis=(1, 2)))
    assert tiny_game.r1(weights, frames, actions, 0.8) == pytest.approx(expected, rel=1e-8)


# ---- who moves -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_each_half_moves_its_own_side_only_and_is_finite(loss):
    made, (clips, actions) = tiny_gan(loss=loss), tiny_batch()
    before = parts(made)
    logs = made.discriminator_step(clips, actions)
    between = parts(made)
    # The fakes are drawn in training mode, so the generator's batch norm counts them too.
    assert changed(before, between) == {"discriminator", "d_optimizer", "statistics"}
    logs |= made.generator_step(actions, clips)
    assert changed(between, parts(made)) == {"generator", "g_optimizer", "ema", "statistics"}
    assert list(logs) == ["d_loss", "real_logits", "fake_logits", "g_loss"]
    assert all(np.isfinite(float(value)) for value in logs.values())


@pytest.mark.parametrize(
    ("step", "kept"), [(0, 1 / 10), (8, 1 / 2), (10**6, 0.999)], ids=["first", "early", "late"]
)
def test_the_average_of_the_course_forgets_the_start(step, kept):
    made = tiny_gan()
    made.ema_generator.set_weights([np.full(w.shape, 2.0) for w in made.ema_generator.get_weights()])
    made.step.assign(step)
    made.update_average()
    for average, live in zip(made.ema_generator.weights, made.generator.weights, strict=True):
        np.testing.assert_allclose(average, kept * 2.0 + (1 - kept) * live.numpy(), rtol=1e-5, atol=1e-6)


# ---- noise -----------------------------------------------------------------------------------------------


class Recorder(gan.VideoGAN):
    """Writes down the noise that it draws."""

    def noise(self, shape, seed):
        noise = super().noise(shape, seed)
        self.drawn.append(noise.numpy())
        return noise


def drawn_noise(made, seed, step):
    """`[content, motion]` of the discriminator's half and of the generator's."""
    made.drawn, made.seed = [], seed
    made.step.assign(step)
    made.train_step(tiny_batch())
    return made.drawn


def test_noise_differs_between_halves_streams_steps_and_seeds_and_is_the_same_again():
    made, runs = tiny_gan(model=Recorder), list(itertools.product((0, 1, 10**6), (0, 1, 2)))
    drawn = {run: drawn_noise(made, *run) for run in runs}
    for run in runs:
        assert [noise.shape for noise in drawn[run]] == [(4, 2), (4, 5, 2)] * 2
    numbers = np.concatenate([noise.ravel() for noises in drawn.values() for noise in noises])
    assert len(np.unique(numbers)) == len(numbers) == 9 * 2 * (8 + 40)
    for again, first in zip(drawn_noise(made, 1, 2), drawn[1, 2], strict=True):
        np.testing.assert_array_equal(again, first)
    # Standard normal: 864 numbers, five standard errors.
    assert abs(numbers.mean()) < 5 / np.sqrt(len(numbers))
    assert abs(numbers.var() - 1) < 5 * np.sqrt(2 / len(numbers))


def test_the_same_seed_plays_the_same_game_and_another_does_not():
    first, same, other = (tiny_gan(seed=seed) for seed in (3, 3, 4))
    assert changed(parts(first), parts(other)) == set()  # the seed of the weights is another one
    for made in (first, same, other):
        made.train_step(tiny_batch())
        made.train_step(tiny_batch(seed=1))
    assert changed(parts(first), parts(same)) == set()
    assert {"generator", "discriminator"} <= changed(parts(first), parts(other))


def test_a_train_step_is_the_discriminators_half_then_the_generators():
    whole, halves, (clips, actions) = tiny_gan(), tiny_gan(), tiny_batch()
    whole.train_step((clips, actions))
    halves.discriminator_step(clips, actions)
    halves.generator_step(actions, clips)
    assert changed(parts(whole), parts(halves)) == {"step"}
    assert int(whole.step) == 1


# ---- frames and labels that belong together --------------------------------------------------------------


class Judge:
    """A discriminator that writes down what it is shown."""

    def __init__(self, network):
        self.network, self.input_shape, self.shown = network, network.input_shape, []
        self.trainable_variables = network.trainable_variables

    def __call__(self, inputs, training):
        self.shown.append([np.array(tensor) for tensor in inputs])
        return self.network(inputs, training=training)


def shown_frames(step):
    """What the judge sees in a step, where every frame, real or fake, has its number as its colour."""
    num_frames = 12
    made = tiny_gan(num_frames=num_frames, loss="relativistic", r1_every=10**6)
    judge = made.discriminator = Judge(made.discriminator)
    numbers = np.arange(num_frames, dtype=np.float32)
    made.generator.motion_rnn = lambda inputs: tf.tile(
        tf.constant(numbers)[None, :, None], (len(inputs[1]), 1, 1)
    )
    made.generator.render = lambda content, codes, training: tf.tile(codes[..., None, None], (1, 1, 1, 1, 3))
    made.apply_gradients = lambda optimizer, gradients, variables: None  # these fakes have none
    made.step.assign(step)
    clips = tf.constant(np.broadcast_to(numbers[:, None, None, None], (4, num_frames, 1, 1, 3)))
    actions = tf.constant([2, 0, 1, 0])
    made.discriminator_step(clips, actions)
    made.generator_step(actions, clips)
    return judge.shown


def test_real_frames_are_those_at_the_times_of_the_fakes_under_the_same_actions():
    starts = []
    for step in range(1, 9):
        d_half, fake_half, real_half = shown_frames(step)
        for frames, actions in (d_half, fake_half, real_half):
            for frame_numbers in frames[:, :, 0, 0, 0]:
                np.testing.assert_array_equal(np.diff(frame_numbers), [1, 3])
                assert frame_numbers[0] == frames[0, 0, 0, 0, 0]
            np.testing.assert_array_equal(actions, [2, 0, 1, 0] * (len(frames) // 4))
        assert len(d_half[0]) == 8  # four real ones, four fakes
        np.testing.assert_array_equal(fake_half[0], real_half[0])
        starts.append((d_half[0][0, 0, 0, 0, 0], fake_half[0][0, 0, 0, 0, 0]))
    assert len({start for start, _ in starts}) > 2
    assert len({start for _, start in starts}) > 2
    assert any(first != second for first, second in starts)  # each half draws its own


def test_the_fakes_have_the_actions_of_the_batch_each_clip_its_own():
    made = tiny_gan()
    table = made.generator.motion_rnn.trainable_variables[0]
    table.assign([[1.0, 1.0], [20.0, 20.0], [300.0, 300.0]])
    seen = []
    made.generator.render = lambda content, codes, training: seen.append(codes.numpy())
    actions = np.array([2, 0, 1, 0])
    made.fake_frames(tf.constant(actions), [0, 4], tf.constant([1, 2]))
    expected = np.array([1.0, 20.0, 300.0])[actions]
    assert seen[0].shape == (4, 2, 2)
    np.testing.assert_allclose(seen[0].mean(axis=(1, 2)), expected, atol=3)  # but for the noise


# ---- frames that are seen --------------------------------------------------------------------------------


@given(st.integers(0, 2**31), st.integers(0, 2**31), st.integers(1, 70), st.data())
@settings(max_examples=25)
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


def test_every_start_is_drawn_equally_often():
    starts = [int(gan.draw_times(tf.constant([1, step]), 16, 4)[0]) for step in range(350)]
    counts = np.bincount(starts, minlength=7)
    assert len(counts) == 7
    assert abs(counts - 50).max() < 5 * np.sqrt(50)


# ---- the recipe ------------------------------------------------------------------------------------------

SMALL = gan.Recipe(g_channels=1, d_channels=1, r1_gamma=0.25)


def test_the_recipe_in_numbers():
    made = gan.make_gan(32, NAMES, seed=7)
    assert (made.seed, made.r1_gamma, made.r1_every, made.ema_decay, made.num_seen) == (7, 1.0, 8, 0.999, 4)
    generator = made.generator
    assert (generator.size, generator.num_frames, generator.fps, generator.channels) == (32, 16, 10.0, 24)
    assert (generator.content_dim, generator.motion_dim, generator.num_colours) == (32, 16, 8)
    assert made.discriminator.trainable_variables[0].shape == (4, 4, 21, 48)
    assert made.generator_loss is losses.non_saturating_generator_loss
    assert made.discriminator_loss is losses.non_saturating_discriminator_loss
    assert gan.RECIPES == {32: (24, 48, 1.0), 64: (24, 32, 1.0), 128: (16, 32, 1.0)}
    assert gan.PRECISIONS == {
        "float32": "float32",
        "bfloat16": "mixed_bfloat16",
        "float16": "mixed_float16",
    }


def assert_adam(optimizer):
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.99)


def test_adam_has_no_momentum_and_a_rate_that_halves_by_step_10_000():
    made = gan.make_gan(32, NAMES, num_frames=4, recipe=SMALL)
    assert made.g_optimizer is not made.d_optimizer
    for optimizer in (made.g_optimizer, made.d_optimizer):
        assert_adam(optimizer)
        for step, rate in {0: 1e-3, 10_000: 1e-3 / 2, 30_000: 1e-3 / 4}.items():
            optimizer.iterations.assign(step)
            assert float(optimizer.learning_rate) == pytest.approx(rate, rel=1e-6)
    for optimizer in (tiny_gan().g_optimizer, tiny_gan().d_optimizer):  # without a recipe
        assert_adam(optimizer)
        assert float(optimizer.learning_rate) == pytest.approx(1e-3)


def test_the_recipe_makes_a_gan_from_a_seed_and_with_what_it_is_given():
    settings = {"num_frames": 4, "fps": 12.5, "recipe": SMALL, "model": Recorder}
    first, second, other = (gan.make_gan(32, NAMES, seed=seed, **settings) for seed in (1, 1, 2))
    assert changed(parts(first), parts(second)) == set()
    assert {"generator", "discriminator"} <= changed(parts(first), parts(other))
    assert (first.generator.num_frames, first.generator.fps, first.generator.action_names) == (4, 12.5, NAMES)
    assert (first.seed, other.seed, first.r1_gamma) == (1, 2, 0.25)
    assert isinstance(first, Recorder)


@pytest.mark.parametrize("precision", gan.PRECISIONS)
def test_every_precision_trains_finite_float32_weights(precision):
    made = gan.make_gan(32, NAMES, num_frames=4, precision=precision, recipe=SMALL)
    scaled = [
        isinstance(o, keras.optimizers.LossScaleOptimizer) for o in (made.g_optimizer, made.d_optimizer)
    ]
    assert scaled == [precision == "float16"] * 2
    for network in (made.generator.frame_generator, made.discriminator):
        assert precision in {layer.compute_dtype for layer in network.layers}
    assert {layer.compute_dtype for layer in made.ema_generator.frame_generator.layers} == {"float32"}
    before = parts(made)
    for average, live in zip(made.ema_generator.weights, made.generator.weights, strict=True):
        np.testing.assert_array_equal(average, live)
    clips = np.random.default_rng(0).uniform(-1, 1, (2, 4, 32, 32, 3)).astype(np.float32)
    logs = made.train_step((tf.constant(clips), tf.constant([2, 0])))
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert set(parts(made)) == changed(before, parts(made))
    assert all(np.isfinite(array).all() for array in values(made.weights))
    assert {str(v.dtype) for v in made.trainable_variables} == {"float32"}


def test_what_cannot_be_built_is_named():
    with pytest.raises(ValueError, match=r"hinge.*received 'hinges'"):
        tiny_gan(loss="hinges")
    with pytest.raises(ValueError, match=r"bfloat16.*received 'float8'"):
        gan.make_gan(32, NAMES, precision="float8")
    with pytest.raises(ValueError, match=r"32, 64, 128.*received.*48"):
        gan.make_gan(48, NAMES)
    with pytest.raises(ValueError, match="looks at 3 frames.*received a generator of 2"):
        tiny_gan(num_frames=2)
