"""The baseline: the paper's layers, two players that both learn, the same numbers every time."""

import keras
import mocogan
import numpy as np
import pytest
import tensorflow as tf
import tiny_game
from keras import layers
from tiny_game import moved, slopes, softplus

from vgcourse import gan, generate, training
from vgcourse.datasets import Clips
from vgcourse.gan import models
from vgcourse.training import checkpoints

NAMES = ("walk", "wave1")
FRAMES = 13  # the least at 32x32


def tiny(seed=0, width=2):
    """A MoCoGAN at 32x32 with `width` channels instead of 32: the paper's layers at a toy's cost."""
    keras.utils.set_random_seed(seed)
    game = mocogan.MoCoGAN(
        mocogan.MoCoGANGenerator(32, NAMES, num_frames=FRAMES, width=width),
        mocogan.build_frame_discriminator(32, width=width),
        models.build_clip_discriminator(32, FRAMES, len(NAMES), width=width),
        seed=seed,
    )
    game.compile()
    return game


@pytest.fixture(scope="module")
def built():
    """One for tests that only look."""
    return tiny()


def toy_clips(num_clips=8):
    """Dark clips are action 0 and bright ones action 1."""
    actions = np.arange(num_clips) % 2
    noise = np.random.default_rng(0).integers(0, 60, (num_clips, FRAMES, 32, 32, 3))
    clips = (noise + 190 * actions[:, None, None, None, None]).astype(np.uint8)
    return Clips(clips, actions, np.arange(num_clips), NAMES, 10.0)


def batch(num_clips=4):
    toy = toy_clips(num_clips)
    return tf.cast(toy.clips, tf.float32) / 127.5 - 1, tf.cast(toy.actions, tf.int32)


def arrays(variables):
    return [variable.numpy() for variable in variables]


def convolutions(network):
    kinds = (layers.Conv2D, layers.Conv2DTranspose, layers.Conv3D)
    return [tuple(layer.kernel.shape) for layer in network.layers if isinstance(layer, kinds)]


def count(network, kind):
    return sum(isinstance(layer, kind) for layer in network.layers)


# ---- the paper's networks --------------------------------------------------------------------------------


def test_frame_generator_has_the_papers_layers():
    network = mocogan.build_image_generator(64, width=64)
    # A transposed convolution's kernel is (height, width, out, in).
    assert convolutions(network) == [
        (4, 4, 512, 60),
        (4, 4, 256, 512),
        (4, 4, 128, 256),
        (4, 4, 64, 128),
        (4, 4, 3, 64),
    ]
    assert count(network, layers.BatchNormalization) == count(network, layers.ReLU) == 4
    assert network.output_shape == (None, 64, 64, 3)
    # Kernels 4 * 4 * (60 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64 * 3), scales and shifts 2 * 960.
    assert sum(int(np.prod(v.shape)) for v in network.trainable_variables) == 3_249_024


def test_frame_discriminator_has_the_papers_layers():
    network = mocogan.build_frame_discriminator(64, width=64)
    assert convolutions(network) == [(4, 4, 3, 64), (4, 4, 64, 128), (4, 4, 128, 256), (4, 4, 256, 1)]
    assert count(network, layers.BatchNormalization) == 2
    assert network.output_shape == (None, 4, 4, 1)


def test_clip_discriminator_has_the_papers_layers():
    network = models.build_clip_discriminator(64, 16, 10, width=64)
    widths = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1), (512, 10)]
    assert sorted(convolutions(network)) == sorted((4, 4, 4, *width) for width in widths)
    assert count(network, layers.BatchNormalization) == 3
    assert {layer.strides for layer in network.layers if isinstance(layer, layers.Conv3D)} == {(1, 2, 2)}
    assert network.output_shape == [(None, 1, 2, 2, 1), (None, 10)]


def test_at_32_pixels_every_network_has_one_level_fewer():
    width = {"width": 32}
    assert len(convolutions(mocogan.build_image_generator(32, **width))) == 4
    assert convolutions(mocogan.build_frame_discriminator(32, **width))[-1] == (4, 4, 64, 1)
    network = models.build_clip_discriminator(32, FRAMES, 10, **width)
    assert network.output_shape == [(None, 1, 2, 2, 1), (None, 10)]


def test_motion_gru_state_is_the_motion_code():
    network = mocogan.build_motion_gru(5, 3)
    gru = next(layer for layer in network.layers if isinstance(layer, layers.GRU))
    assert gru.units == 10
    assert gru.cell.kernel.shape == (10 + 3, 30)  # noise and category in
    assert network.output_shape == (None, 5, 10)
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    weights = {w.path.split("/")[-1]: w.numpy().astype(float) for w in network.weights}
    weights = [weights[name] for name in ("kernel", "recurrent_kernel", "bias")]
    noise, actions = rng.normal(size=(2, 5, 10)), np.array([2, 0])
    steps = np.concatenate([noise, np.repeat(np.eye(3)[actions][:, None], 5, axis=1)], axis=2)
    expected = tiny_game.gru(weights, steps, noise[:, 0])
    np.testing.assert_allclose(network([noise, actions]), expected, rtol=1e-4, atol=1e-5)


def test_clip_discriminator_refuses_clips_shorter_than_its_receptive_field():
    for size, least in ((32, 13), (64, 16)):
        models.build_clip_discriminator(size, least, 2, width=1)
        with pytest.raises(ValueError, match=rf"{least} frames or more; received num_frames={least - 1}"):
            models.build_clip_discriminator(size, least - 1, 2, width=1)


def test_generator_makes_clips_in_the_model_range_from_the_asked_action(built):
    generator = built.generator
    rng = np.random.default_rng(0)
    content, noise = rng.normal(size=(2, 50)), rng.normal(size=(2, FRAMES, 10))
    walk = np.array(generator([content, noise, np.array([0, 0])]))
    wave = np.array(generator([content, noise, np.array([1, 1])]))
    assert walk.shape == (2, FRAMES, 32, 32, 3)
    assert np.abs(walk).max() <= 1
    assert np.abs(walk - wave).max() > 1e-6
    assert np.abs(walk[:, 0] - walk[:, 1]).max() > 1e-6  # frames differ: fresh noise for each


def test_generator_is_saved_and_read_back(built, tmp_path):
    generator = built.ema_generator
    generator.save(tmp_path / "generator.keras")
    again = keras.saving.load_model(tmp_path / "generator.keras", safe_mode=True)
    shown = generate.sample(generator, num_clips=3, seed=1)
    np.testing.assert_array_equal(generate.sample(again, num_clips=3, seed=1), shown)
    assert again.action_names == NAMES
    assert shown.shape == (3, FRAMES, 32, 32, 3)


# ---- the game --------------------------------------------------------------------------------------------


def test_each_step_changes_its_own_player_alone():
    game = tiny()
    clips, actions = batch()
    players = {"g": game.generator.trainable_variables, "d": game.discriminator_variables}

    def changed(step, *inputs):
        before = {name: arrays(variables) for name, variables in players.items()}
        logs = step(*inputs)
        assert all(np.isfinite(float(value)) for value in logs.values())
        after = {name: arrays(variables) for name, variables in players.items()}
        return {
            name: [bool((a != b).any()) for a, b in zip(before[name], after[name], strict=True)]
            for name in players
        }

    by_discriminator = changed(game.discriminator_step, clips, actions)
    assert all(by_discriminator["d"])
    assert not any(by_discriminator["g"])
    by_generator = changed(game.generator_step, actions)
    assert all(by_generator["g"])
    assert not any(by_generator["d"])


RATES = (0.3, 0.7)  # of the discriminators and of the generator
TIMES = [[3, 0, 4, 1], [2, 4, 0, 3]]  # the frame of each clip that is judged, in both halves
DECAY = 0.05  # a weight decay that shows


def one_layer(shape, outputs):
    x = frames = layers.Input(shape)
    x = layers.Dense(2, activation="tanh", name="hidden")(layers.Flatten()(x))
    return keras.Model(frames, [layers.Dense(n, name=name)(x) for name, n in outputs.items()])


class LiteralDraws(mocogan.MoCoGAN):
    """Takes noise and times from literal numbers."""

    def draw(self, half, actions):
        return [*map(tf.constant, literal_noise(half)), actions], tf.constant(TIMES[half])


def literal_noise(half):
    rng = np.random.default_rng(7 + half)
    return [rng.standard_normal(shape).astype(np.float32) for shape in ((4, 2), (4, 5, 2))]


def in_order(network, *names):
    """Kernels and biases by the names of their layers."""
    return [w.numpy().astype(float) for name in names for w in network.get_layer(name).trainable_variables]


@pytest.fixture
def game_of_few_numbers(monkeypatch):
    monkeypatch.setattr(mocogan, "WEIGHT_DECAY", DECAY)
    frame_judge = one_layer((1, 1, 3), {"logit": 1})
    frame_judge = keras.Model(frame_judge.inputs, frame_judge.outputs[0])
    clip_judge = one_layer((5, 1, 1, 3), {"logit": 1, "category": 3})
    game = LiteralDraws(tiny_game.TinyGenerator(), frame_judge, clip_judge)
    game.compile(*(keras.optimizers.SGD(rate) for rate in reversed(RATES)))
    rng = np.random.default_rng(5)
    for network in (game.generator, frame_judge, clip_judge):
        network.set_weights([rng.uniform(0.2, 1.2, w.shape) for w in network.get_weights()])
    game.ema_generator.set_weights([rng.uniform(0.2, 1.2, w.shape) for w in game.generator.get_weights()])
    return game


def judged(weights, clips, times):
    """In NumPy: the frames' logits, the clips' logits, and the categories' log probabilities."""
    frame_hidden, frame_bias, frame_out, frame_shift, hidden, bias, out, shift, name, name_shift = weights
    frames = clips[np.arange(len(clips)), times]
    of_frames = np.tanh(frames @ frame_hidden + frame_bias) @ frame_out + frame_shift
    seen = np.tanh(clips.reshape(len(clips), -1) @ hidden + bias)
    logits = seen @ name + name_shift
    return of_frames, seen @ out + shift, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def both_judges(game):
    of_frame = in_order(game.frame_discriminator, "hidden", "logit")
    return of_frame + in_order(game.clip_discriminator, "hidden", "logit", "category")


def numpy_generator(game):
    network = game.generator
    trained = [
        network.motion_rnn.trainable_variables[0],
        network.mix.kernel,
        network.norm.gamma,
        network.norm.beta,
    ]
    return [w.numpy().astype(float) for w in trained]


def fakes(weights, half, actions):
    content, noise = (array.astype(float) for array in literal_noise(half))
    return tiny_game.generate(weights, content, noise, actions, list(range(5)))[0]


def assert_close(ours, expected):
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_discriminator_step_is_that_of_numpy(game_of_few_numbers):
    game = game_of_few_numbers
    clips, actions = tiny_game.tiny_batch()
    labels, real = np.array(actions), np.array(clips, np.float64).reshape(4, 5, 3)
    fake = fakes(numpy_generator(game), 0, labels)

    def named_wrongly(weights):
        return -judged(weights, real, TIMES[0])[2][np.arange(4), labels].mean()

    def loss(weights):
        pairs = zip(judged(weights, real, TIMES[0])[:2], judged(weights, fake, TIMES[0])[:2], strict=True)
        return named_wrongly(weights) + sum(softplus(-r).mean() + softplus(f).mean() for r, f in pairs)

    weights, generator = both_judges(game), numpy_generator(game)
    gradients = [g + DECAY * w for g, w in zip(slopes(loss, weights), weights, strict=True)]
    logs = game.discriminator_step(clips, actions)
    expected = {"d_loss": loss(weights), "real_category_loss": named_wrongly(weights)}
    assert {name: float(value) for name, value in logs.items()} == pytest.approx(expected, rel=1e-4)
    assert_close(both_judges(game), moved(weights, gradients, RATES[0]))
    assert_close(numpy_generator(game), generator)


@pytest.mark.parametrize(("step", "kept"), [(0, 0.1), (10**4, 0.99)])
def test_a_generator_step_is_that_of_numpy(game_of_few_numbers, step, kept):
    game = game_of_few_numbers
    game.step.assign(step)
    actions = tiny_game.tiny_batch()[1]
    labels, judges = np.array(actions), both_judges(game)

    def terms(weights):
        of_frames, of_clips, names = judged(judges, fakes(weights, 1, labels), TIMES[1])
        return softplus(-of_frames).mean() + softplus(-of_clips).mean(), -names[np.arange(4), labels].mean()

    weights, average = numpy_generator(game), game.ema_generator.get_weights()
    slope = slopes(lambda changed: sum(terms(changed)), weights)
    gradients = [g + DECAY * w for g, w in zip(slope, weights, strict=True)]
    logs = game.generator_step(actions)
    expected = {"g_loss": sum(terms(weights)), "fake_category_loss": terms(weights)[1]}
    assert {name: float(value) for name, value in logs.items()} == pytest.approx(expected, rel=1e-4)
    assert_close(numpy_generator(game), moved(weights, gradients, RATES[1]))
    assert_close(both_judges(game), judges)
    live = game.generator.get_weights()
    mixed = [kept * old + (1 - kept) * new for old, new in zip(average, live, strict=True)]
    assert_close(game.ema_generator.get_weights(), mixed)


def test_the_papers_weight_decay():
    assert mocogan.WEIGHT_DECAY == 1e-5


def test_draws_differ_between_clips_halves_streams_steps_and_seeds_and_come_again(built, monkeypatch):
    game, actions = built, tf.zeros(3, tf.int32)

    def draw(seed, step, half):
        monkeypatch.setattr(game, "seed", seed)
        game.step.assign(step)
        (content, noise, _), times = game.draw(half, actions)
        assert (content.shape, noise.shape, times.shape) == ((3, 50), (3, FRAMES, 10), (3,))
        return np.concatenate([np.ravel(content)[:20], np.ravel(noise)[:20]]), np.array(times)

    cases = [(seed, step, half) for seed in (0, 1) for step in (0, 1, 2) for half in (0, 1)]
    drawn = [draw(*case) for case in cases]
    numbers = np.concatenate([noise for noise, _ in drawn])
    assert len(np.unique(numbers)) == len(numbers)
    times = np.array([times for _, times in drawn])
    assert set(times.ravel()) <= set(range(FRAMES))
    assert len(np.unique(times)) > 6
    assert len(np.unique(times, axis=0)) > 6
    np.testing.assert_array_equal(draw(*cases[3])[0], drawn[3][0])


def test_frame_discriminator_sees_the_drawn_frame_of_each_clip(built, monkeypatch):
    """Where every frame has its number as its colour, it sees the numbers that were drawn."""
    shown = []
    numbers = tf.range(FRAMES, dtype=tf.float32)[None, :, None, None, None]
    record = lambda frames, training: shown.append(frames.numpy())  # noqa: E731
    monkeypatch.setattr(built, "frame_discriminator", record)
    for times in ([3, 0, 12, 5], [1, 1, 2, 7]):
        built.judge(tf.broadcast_to(numbers, (4, FRAMES, 32, 32, 3)), tf.constant(times))
        assert shown[-1].shape == (4, 32, 32, 3)
        np.testing.assert_array_equal(shown[-1].mean(axis=(1, 2, 3)), times)


def test_optimizers_are_the_papers(built):
    for optimizer in (built.g_optimizer, built.d_optimizer):
        assert (float(optimizer.learning_rate), optimizer.beta_1, optimizer.beta_2) == (
            pytest.approx(2e-4),
            0.5,
            0.999,
        )


# ---- with the rest of the package ------------------------------------------------------------------------


@pytest.mark.slow
def test_the_common_loop_trains_keeps_and_resumes_it(tmp_path):
    whole, resumed = tiny(), tiny(seed=0)
    training.train_in_folder(whole, toy_clips(), tmp_path, steps=2, batch_size=4)
    history = training.train(whole, toy_clips(), steps=4, batch_size=4)
    assert history[-1]["step"] == 4
    assert {"d_loss", "g_loss", "real_category_loss", "fake_category_loss"} < set(history[-1])
    assert checkpoints.restore_checkpoint(resumed, tmp_path) == 2
    training.train(resumed, toy_clips(), steps=4, batch_size=4)
    states = [arrays(checkpoints.state_of(game).values()) for game in (whole, resumed)]
    for ours, theirs in zip(*states, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_make_mocogan_gives_the_papers_width_and_the_interface_of_the_video_gan():
    game = mocogan.make_mocogan(32, NAMES, num_frames=FRAMES, precision="bfloat16", seed=3)
    assert game.generator.width == 32
    assert game.seed == 3
    keras.utils.set_random_seed(3)  # of the weights, too: the generator's are the first that are drawn
    same = mocogan.MoCoGANGenerator(32, NAMES, num_frames=FRAMES, width=32, dtype="mixed_bfloat16")
    for ours, theirs in zip(game.generator.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert game.generator.frame_generator.layers[2].compute_dtype == "bfloat16"
    assert game.ema_generator.frame_generator.layers[2].compute_dtype == "float32"
    other = gan.make_gan(32, NAMES)
    for name in ("generator", "ema_generator", "step", "seed", "g_optimizer", "d_optimizer", "step_function"):
        assert hasattr(game, name)
        assert hasattr(other, name)


@pytest.mark.parametrize("wrong", [{"size": 48}, {"precision": "float8"}, {"num_frames": 12}])
def test_make_mocogan_says_what_it_cannot_build(wrong):
    settings = {"size": 32, "num_frames": FRAMES, **wrong}
    with pytest.raises(ValueError, match=f"received .*{next(iter(wrong.values()))}"):
        mocogan.make_mocogan(settings.pop("size"), NAMES, **settings)
