"""The baseline: the paper's layers, two players that both learn, the same numbers every time."""

import keras
import mocogan
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from vgcourse import gan, generate, training
from vgcourse.datasets.store import Clips
from vgcourse.training import checkpoints

NAMES = ("walk", "wave1")
FRAMES = 13  # the least at 32x32


def tiny(seed=0, width=2):
    """A MoCoGAN at 32x32 with `width` channels instead of 32: the paper's layers at a toy's cost."""
    keras.utils.set_random_seed(seed)
    game = mocogan.MoCoGAN(
        mocogan.MoCoGANGenerator(32, NAMES, num_frames=FRAMES, width=width),
        mocogan.build_frame_discriminator(32, width=width),
        mocogan.build_clip_discriminator(32, FRAMES, len(NAMES), width=width),
        seed=seed,
    )
    game.compile()
    return game


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
    network = mocogan.build_frame_generator(64, width=64)
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
    network = mocogan.build_clip_discriminator(64, 16, 10, width=64)
    widths = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1), (512, 10)]
    assert sorted(convolutions(network)) == sorted((4, 4, 4, *width) for width in widths)
    assert count(network, layers.BatchNormalization) == 3
    assert {layer.strides for layer in network.layers if isinstance(layer, layers.Conv3D)} == {(1, 2, 2)}
    assert network.output_shape == [(None, 1, 2, 2, 1), (None, 10)]


def test_at_32_pixels_every_network_has_one_level_fewer():
    width = {"width": 32}
    assert len(convolutions(mocogan.build_frame_generator(32, **width))) == 4
    assert convolutions(mocogan.build_frame_discriminator(32, **width))[-1] == (4, 4, 64, 1)
    network = mocogan.build_clip_discriminator(32, FRAMES, 10, **width)
    assert network.output_shape == [(None, 1, 2, 2, 1), (None, 10)]


def test_motion_gru_state_is_the_motion_code():
    network = mocogan.build_motion_gru(5, 3)
    gru = next(layer for layer in network.layers if isinstance(layer, layers.GRU))
    assert gru.units == 10
    assert gru.cell.kernel.shape == (10 + 3, 30)  # noise and category in
    assert network.output_shape == (None, 5, 10)


@pytest.mark.parametrize(("size", "least"), [(32, 13), (64, 16)])
def test_clip_discriminator_refuses_clips_shorter_than_its_receptive_field(size, least):
    mocogan.build_clip_discriminator(size, least, 2, width=1)
    with pytest.raises(ValueError, match=rf"{least} frames or more; received num_frames={least - 1}"):
        mocogan.build_clip_discriminator(size, least - 1, 2, width=1)


def test_generator_makes_clips_in_the_model_range_from_the_asked_action():
    generator = tiny().generator
    rng = np.random.default_rng(0)
    content, noise = rng.normal(size=(2, 50)), rng.normal(size=(2, FRAMES, 10))
    walk = np.array(generator([content, noise, np.array([0, 0])]))
    wave = np.array(generator([content, noise, np.array([1, 1])]))
    assert walk.shape == (2, FRAMES, 32, 32, 3)
    assert np.abs(walk).max() <= 1
    assert np.abs(walk - wave).max() > 1e-6
    assert np.abs(walk[:, 0] - walk[:, 1]).max() > 1e-6  # frames differ: fresh noise for each


def test_generator_is_saved_and_read_back(tmp_path):
    generator = tiny().ema_generator
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


def test_losses_are_the_papers_terms():
    game = tiny()
    clips, actions = batch()
    inputs, times = game.draw(0, actions)
    real, fake = game.judge(clips, times), game.judge(game.generator(inputs, training=True), times)
    logs = game.discriminator_step(clips, actions)

    def bce(logits, target):
        return float(
            keras.ops.mean(
                keras.losses.binary_crossentropy(np.full(logits.shape, target), logits, from_logits=True)
            )
        )

    named = np.exp(np.array(real["categories"], np.float64))
    named /= named.sum(axis=1, keepdims=True)
    category = -np.log(named[np.arange(4), actions]).mean()
    game_terms = sum(bce(real[of], 1.0) + bce(fake[of], 0.0) for of in ("frame", "clip"))
    assert float(logs["real_category_loss"]) == pytest.approx(category, rel=1e-4)
    assert float(logs["d_loss"]) == pytest.approx(game_terms + category, rel=1e-4)


def test_frame_discriminator_sees_one_random_frame_of_each_clip():
    game = tiny()
    actions = tf.zeros(64, tf.int32)
    _, times = game.draw(0, actions)
    assert set(np.unique(times)) <= set(range(FRAMES))
    assert len(np.unique(times)) > 6
    game.step.assign_add(1)
    assert (np.array(times) != np.array(game.draw(0, actions)[1])).any()


def test_optimizers_are_the_papers():
    for optimizer in (tiny().g_optimizer, tiny().d_optimizer):
        assert (float(optimizer.learning_rate), optimizer.beta_1, optimizer.beta_2) == (
            pytest.approx(2e-4),
            0.5,
            0.999,
        )


def test_weight_decay_is_an_l2_penalty():
    variable = tf.Variable([2.0, -3.0])
    with tf.GradientTape() as tape:
        penalty = 1e-5 / 2 * tf.reduce_sum(variable**2)
    expected = np.array([0.5, 0.25]) + np.array(tape.gradient(penalty, variable))
    np.testing.assert_allclose(mocogan._decayed([tf.constant([0.5, 0.25])], [variable])[0], expected)


def test_same_seed_gives_the_same_weights_and_another_seed_does_not():
    def trained(seed):
        game = tiny(seed)
        game.train_step(batch())
        return np.concatenate([array.ravel() for array in arrays(checkpoints.state_of(game).values())])

    first = trained(1)
    np.testing.assert_array_equal(first, trained(1))
    assert (first != trained(2)).any()


def test_category_term_is_learned():
    game = tiny(width=4)
    game.d_optimizer.learning_rate.assign(2e-3)
    step = tf.function(game.discriminator_step)
    history = []
    for _ in range(12):
        history.append(float(step(*batch())["real_category_loss"]))
        game.step.assign_add(1)
    assert np.mean(history[-3:]) < 0.5 * np.mean(history[:3])


def test_average_forgets_the_random_start():
    game = tiny()
    start = game.ema_generator.trainable_variables[0].numpy()
    game.generator_step(batch()[1])
    live = game.generator.trainable_variables[0].numpy()
    expected = 0.1 * start + 0.9 * live  # (1 + 0) / (10 + 0) of the old average is kept
    np.testing.assert_allclose(game.ema_generator.trainable_variables[0], expected, rtol=1e-5, atol=1e-7)


# ---- with the rest of the package ------------------------------------------------------------------------


def test_the_common_loop_trains_keeps_and_resumes_it(tmp_path):
    whole, resumed = tiny(), tiny(seed=0)
    training.train(whole, toy_clips(), steps=2, batch_size=4, folder=tmp_path)
    history = training.train(whole, toy_clips(), steps=4, batch_size=4)
    assert history[-1]["step"] == 4
    assert {"d_loss", "g_loss", "real_category_loss", "fake_category_loss"} < set(history[-1])
    assert checkpoints.restore_checkpoint(resumed, tmp_path) == 2
    training.train(resumed, toy_clips(), steps=4, batch_size=4)
    states = [arrays(checkpoints.state_of(game).values()) for game in (whole, resumed)]
    for ours, theirs in zip(*states, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_fit_plays_the_same_game():
    by_fit, by_hand = tiny(), tiny()
    clips, actions = batch()
    by_fit.run_eagerly = True  # no graph to build
    by_fit.fit(tf.data.Dataset.from_tensors((clips, actions)), epochs=1, verbose=0)
    by_hand.train_step((clips, actions))
    for ours, theirs in zip(arrays(by_fit.weights), arrays(by_hand.weights), strict=True):
        # Adam's first step is the sign of a gradient, times 2e-4: where it is about 0, rounding decides.
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_make_mocogan_gives_the_papers_width_and_the_interface_of_the_video_gan():
    game = mocogan.make_mocogan(32, NAMES, num_frames=FRAMES, precision="bfloat16", seed=3)
    assert game.generator.width == 32
    assert game.seed == 3
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
