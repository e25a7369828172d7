"""Networks: shapes, ranges, and what may depend on what."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_game import gru

from vgcourse.gan import models

NAMES = ("walk", "run", "hop")
CONTENT, MOTION, FRAMES = 6, 4, 6


def make_generator(**kwargs):
    keras.utils.set_random_seed(5)
    made = models.VideoGenerator(
        32, NAMES, **{"num_frames": FRAMES, "channels": 4, "latent_dims": (CONTENT, MOTION), **kwargs}
    )
    made(latents(1, made.num_frames))
    return made


def latents(num_clips, num_frames=FRAMES, seed=0):
    rng = np.random.default_rng(seed)
    content = rng.standard_normal((num_clips, CONTENT), np.float32)
    noise = rng.standard_normal((num_clips, num_frames, MOTION), np.float32)
    return [content, noise, np.arange(num_clips, dtype=np.int32) % len(NAMES)]


def call(model, inputs, **kwargs):
    return keras.ops.convert_to_numpy(model(inputs, **kwargs))


@pytest.fixture(scope="module")
def generator():
    made = make_generator()
    for seed in range(5):  # batch-norm statistics other than those at the start
        made(latents(8, seed=seed), training=True)
    return made


# ---- channel plan ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "plan"), [(32, [40, 20, 10]), (64, [80, 40, 20, 10]), (128, [80, 80, 40, 20, 10])]
)
def test_channels_double_as_the_picture_halves(size, plan):
    assert models.channel_plan(size, 10) == plan


def test_another_size_is_refused():
    for build in (
        lambda: models.channel_plan(16, 4),
        lambda: models.VideoGenerator(16, NAMES),
        lambda: models.build_discriminator(16, 3),
    ):
        with pytest.raises(ValueError, match="32, 64, 128.*received.*16"):
            build()


# ---- generator -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [32, 64, 128])
def test_clips_have_the_shape_and_range_of_the_model(size):
    keras.utils.set_random_seed(0)
    made = models.VideoGenerator(size, NAMES, num_frames=3, channels=1, latent_dims=(CONTENT, MOTION))
    inputs = latents(2, 3)
    inputs[0] *= 100  # far out, where tanh saturates
    for training in (False, True):
        clips = call(made, inputs, training=training)
        assert clips.shape == (2, 3, size, size, 3)
        assert clips.dtype == np.float32
        assert abs(clips).max() <= 1
        assert clips.std() > 0


def test_a_pixel_is_a_mix_of_the_palette_and_the_backdrop():
    """Two clips of two frames of 1x2 pixels, mixed by hand pixel for pixel."""
    rng = np.random.default_rng(0)
    masks, palette, backdrop = (
        rng.normal(size=s).astype(np.float32) for s in ((2, 2, 1, 2, 4), (2, 3, 3), (2, 1, 2, 3))
    )
    painted = np.asarray(models.paint(masks, palette, backdrop))
    for clip, frame, pixel in np.ndindex(2, 2, 2):
        shares = np.exp(masks[clip, frame, 0, pixel].astype(float))
        shares /= shares.sum()
        colours = [*palette[clip].astype(float), backdrop[clip, 0, pixel].astype(float)]
        expected = sum(share * colour for share, colour in zip(shares, colours, strict=True))
        np.testing.assert_allclose(painted[clip, frame, 0, pixel], expected, rtol=1e-5, atol=1e-6)


def test_a_clip_does_not_depend_on_its_company(generator):
    inputs, others = latents(4, seed=1), latents(4, seed=2)
    mixed = [np.concatenate([a[:1], b[1:]]) for a, b in zip(inputs, others, strict=True)]
    clips, in_company = call(generator, inputs), call(generator, mixed)
    np.testing.assert_array_equal(clips[0], in_company[0])
    assert (clips[1:] != in_company[1:]).mean() > 0.5


def test_all_three_inputs_matter(generator):
    inputs, others = latents(2, seed=1), latents(2, seed=2)
    others[2] = (inputs[2] + 1) % len(NAMES)
    clips = call(generator, inputs)
    for place in range(3):
        changed = [*inputs[:place], others[place], *inputs[place + 1 :]]
        assert abs(call(generator, changed) - clips).max() > 1e-3


def test_the_action_enters_through_the_motion_rnn_alone(generator):
    content, noise, actions = latents(3, seed=3)
    codes = generator.motion_rnn([noise, actions])
    assert codes.shape == (3, FRAMES, MOTION)
    assert not np.allclose(codes, generator.motion_rnn([noise, (actions + 1) % 3]), atol=1e-4)
    # Motion codes in hand, the action has nothing more to say.
    np.testing.assert_array_equal(
        call(generator, [content, noise, actions]), generator.render(content, codes)
    )
    assert generator.frame_generator.input_shape == (None, CONTENT + MOTION)


def test_motion_codes_are_those_of_a_gru_in_numpy():
    """It starts from the first frame's noise and the action, and is handed the action at every frame."""
    network = models.build_motion_rnn(3, 2, noise_dim=4, units=5)
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    weights = {tuple(w.shape): w.numpy().astype(float) for w in network.weights}
    table, start, start_bias = weights[2, 32], weights[4 + 32, 5], weights[5,]
    noise, actions = rng.normal(size=(2, 3, 4)), np.array([1, 0])
    state = np.tanh(np.concatenate([noise[:, 0], table[actions]], axis=1) @ start + start_bias)
    steps = np.concatenate([noise, np.repeat(table[actions][:, None], 3, axis=1)], axis=2)
    states = gru([weights[4 + 32, 15], weights[5, 15], weights[2, 15]], steps, state)
    expected = states @ weights[5, 4] + weights[4,]
    np.testing.assert_allclose(network([noise, actions]), expected, rtol=1e-4, atol=1e-5)


def test_a_frame_is_painted_from_its_own_codes(generator):
    """The parts put together by hand, frame for frame and clip for clip."""
    content, noise, actions = latents(2, seed=3)
    codes = np.asarray(generator.motion_rnn([noise, actions]))
    clips = call(generator, [content, noise, actions])
    for clip, frame in np.ndindex(2, FRAMES):
        latent = np.concatenate([content[clip], codes[clip, frame]])[None]
        masks = np.asarray(generator.frame_generator(latent))[None]
        parts = (np.asarray(part(content[clip][None])) for part in (generator.palette, generator.backdrop))
        expected = np.asarray(models.paint(masks, *parts))[0, 0]
        np.testing.assert_allclose(clips[clip, frame], expected, atol=1e-5)


def test_the_layers_have_the_papers_constants(generator, discriminator):
    networks = (generator.frame_generator, generator.backdrop, discriminator)
    everything = [layer for network in networks for layer in network.layers]
    momenta = {layer.momentum for layer in everything if isinstance(layer, keras.layers.BatchNormalization)}
    slopes = {layer.negative_slope for layer in everything if isinstance(layer, keras.layers.LeakyReLU)}
    assert (momenta, slopes) == ({0.9}, {0.2})


def test_motion_at_a_frame_knows_the_past_but_not_the_future(generator):
    _, noise, actions = latents(1, seed=4)
    later = noise.copy()
    later[:, 3] += 1
    codes, changed = (np.asarray(generator.motion_rnn([n, actions])) for n in (noise, later))
    np.testing.assert_array_equal(codes[:, :3], changed[:, :3])
    assert (abs(codes - changed)[:, 3:].max(axis=(0, 2)) > 1e-6).all()


def test_the_content_code_is_the_same_in_every_frame(generator):
    content, noise, actions = latents(2, seed=5)
    still = np.repeat(np.asarray(generator.motion_rnn([noise, actions]))[:, :1], FRAMES, axis=1)
    clips = np.asarray(generator.render(content, still))
    # Only the motion code could tell the frames apart.
    np.testing.assert_allclose(clips, np.repeat(clips[:, :1], FRAMES, axis=1), atol=1e-6)
    assert abs(clips[0] - clips[1]).max() > 1e-3


def test_any_frames_can_be_rendered_alone(generator):
    content, noise, actions = latents(3, seed=6)
    clips = call(generator, [content, noise, actions])
    for times in ([5], [5, 0, 0], list(range(FRAMES)) * 2):
        codes = tf.gather(generator.motion_rnn([noise, actions]), times, axis=1)
        rendered = np.asarray(generator.render(content, codes))
        # Another batch size may add in another order: equal but for float32 rounding.
        np.testing.assert_allclose(rendered, clips[:, times], atol=1e-5)


def test_batch_norm_uses_the_batch_only_in_training(generator):
    inputs = latents(3, seed=7)
    before = generator.get_weights()
    inference = call(generator, inputs)
    for old, new in zip(before, generator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    in_training = call(generator, inputs, training=True)
    generator.set_weights(before)
    assert abs(inference - in_training).max() > 1e-3


def test_every_trainable_weight_has_a_gradient(generator):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(generator(latents(3), training=True) - 0.5))
    gradients = tape.gradient(loss, generator.trainable_variables)
    assert all(gradient is not None and np.isfinite(gradient).all() for gradient in gradients)
    moving = sum(bool(np.any(gradient != 0)) for gradient in gradients)
    assert moving >= 0.75 * len(gradients)  # biases before a batch norm have none to speak of


# ---- saving ----------------------------------------------------------------------------------------------

LOAD = """
import sys
import keras, numpy as np
import vgcourse.gan.models
model = keras.saving.load_model(sys.argv[1], safe_mode=True)
with np.load(sys.argv[2]) as file:
    inputs = [file[name] for name in ("content", "noise", "actions")]
np.savez(sys.argv[3], clips=model(inputs), names=model.action_names, fps=model.fps)
"""


def test_a_saved_generator_is_the_same_when_it_is_read_back(generator, tmp_path):
    generator.save(tmp_path / "generator.keras")
    again = keras.saving.load_model(tmp_path / "generator.keras", safe_mode=True)
    np.testing.assert_array_equal(call(again, latents(3, seed=8)), call(generator, latents(3, seed=8)))
    assert (again.action_names, again.fps) == (NAMES, 10.0)


@pytest.mark.slow
def test_a_saved_generator_is_the_same_in_a_fresh_process(generator, tmp_path):
    inputs = latents(3, seed=8)
    generator.save(tmp_path / "generator.keras")
    np.savez(tmp_path / "in.npz", **dict(zip(("content", "noise", "actions"), inputs, strict=True)))
    files = [str(tmp_path / name) for name in ("generator.keras", "in.npz", "out.npz")]
    done = subprocess.run([sys.executable, "-c", LOAD, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out.npz") as file:
        np.testing.assert_array_equal(file["clips"], call(generator, inputs))
        assert (tuple(file["names"]), file["fps"]) == (NAMES, 10.0)


def test_the_config_says_it_all():
    made = make_generator(num_frames=3, fps=12.5, dtype="mixed_bfloat16")
    config = made.get_config()
    again = models.VideoGenerator.from_config(config)
    assert again.get_config() == config
    assert (again.size, again.action_names, again.num_frames, again.fps) == (32, NAMES, 3, 12.5)
    assert (again.channels, again.content_dim, again.motion_dim) == (4, CONTENT, MOTION)
    json.dumps({**config, "dtype": None})
    again(latents(1, 3))
    assert [v.shape for v in again.weights] == [v.shape for v in made.weights]


# ---- precision -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [("mixed_bfloat16", 0.1), ("mixed_float16", 0.02)])
def test_mixed_precision_keeps_float32_weights_and_output(generator, dtype, tolerance):
    mixed, inputs = make_generator(dtype=dtype), latents(3, seed=9)
    mixed.set_weights(generator.get_weights())
    assert {str(v.dtype) for v in mixed.weights} == {"float32"}
    clips = call(mixed, inputs)
    assert clips.dtype == np.float32
    assert 0 < abs(clips - call(generator, inputs)).max() < tolerance
    # Errors would add up over time: motion is not rounded at all, the noise included.
    np.testing.assert_array_equal(mixed.motion_rnn(inputs[1:]), generator.motion_rnn(inputs[1:]))


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_logits_are_float32(dtype):
    made = models.build_discriminator(32, 3, channels=4, dtype=dtype)
    logits = made([tf.ones((2, 4, 32, 32, 3)), tf.constant([0, 1])])
    assert logits.dtype == tf.float32
    assert np.isfinite(logits).all()
    assert {str(v.dtype) for v in made.weights} == {"float32"}


# ---- discriminator ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def discriminator():
    keras.utils.set_random_seed(6)
    return models.build_discriminator(32, 3, channels=4)


def frames(num_clips, num_seen=4, size=32, seed=0):
    shape = (num_clips, num_seen, size, size, 3)
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize(("size", "num_seen"), [(32, 1), (64, 2), (128, 4)])
def test_one_logit_a_clip(size, num_seen):
    made = models.build_discriminator(size, 3, num_seen=num_seen, channels=1)
    logits = call(made, [frames(2, num_seen, size), np.array([0, 2])])
    assert logits.shape == (2, 1)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    assert made.input_shape[0] == (None, num_seen, size, size, 3)  # VideoGAN asks it how many frames it sees


def test_it_sees_the_frames_then_what_changes_to_the_next(discriminator):
    """The convolutions' input is stacked here by hand: of four frames 12 channels, of three differences 9."""
    first = next(layer for layer in discriminator.layers if isinstance(layer, keras.layers.Conv2D))
    clips = frames(2)
    stacked = call(keras.Model(discriminator.inputs, first.input), [clips, np.array([0, 1])])
    by_hand = [clips[:, time, :, :, colour] for time in range(4) for colour in range(3)]
    by_hand += [clips[:, t + 1, :, :, c] - clips[:, t, :, :, c] for t in range(3) for c in range(3)]
    np.testing.assert_allclose(stacked, np.stack(by_hand, axis=-1), atol=1e-6)


def test_the_logit_is_a_score_plus_the_match_of_features_and_action(discriminator):
    """Projection: the same features along another action's vector, over the root of their number."""
    clips, features = frames(2), discriminator.get_layer("features")
    seen = call(keras.Model(discriminator.inputs, features.output), [clips, np.array([0, 0])]).astype(float)
    vectors = next(w.numpy() for w in discriminator.trainable_variables if w.shape == (3, 128)).astype(float)
    score = next(w.numpy() for w in discriminator.trainable_variables if w.shape == (128, 1)).astype(float)
    for action in range(3):
        logits = call(discriminator, [clips, np.full(2, action)])
        expected = seen @ score[:, 0] + seen @ vectors[action] / np.sqrt(128)
        np.testing.assert_allclose(logits[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_a_logit_does_not_depend_on_its_company(discriminator):
    clips, others, actions = frames(4), frames(4, seed=1), np.array([0, 1, 2, 0])
    others[0] = clips[0]
    for training in (False, True):  # R1 adds up the clips' gradients: no batch norm here
        first = call(discriminator, [clips, actions], training=training)[0]
        np.testing.assert_array_equal(first, call(discriminator, [others, actions], training=training)[0])


def test_every_weight_of_the_discriminator_has_a_gradient(discriminator):
    with tf.GradientTape() as tape:
        score = tf.reduce_mean(discriminator([frames(3), np.arange(3)], training=True) ** 2)
    gradients = tape.gradient(score, discriminator.trainable_variables)
    assert all(gradient is not None and np.any(gradient != 0) for gradient in gradients)
