"""Flow matching: against the flow between two Gaussians, which is known, and by hand-made velocities."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_motions import NUM_FRAMES, NUM_JOINTS, small_components, wavy_motions

from vgcourse.structure import FlowMatching, MotionFlow, flow_pair, follow_flow

MEAN, SPREAD = 2.0, 0.5  # of the data; noise is N(0, 1)


def gaussian_velocity(x, t):
    """The mean of data - noise, given that (1 - t) noise + t data = x: both are Gaussian, on a line."""
    variance = (1 - t) ** 2 + (t * SPREAD) ** 2
    return MEAN + (t * SPREAD**2 - (1 - t)) / variance * (x - t * MEAN)


def small_flow(**options):
    """A flow of two actions; `options` as of `MotionFlow`."""
    settings = {"num_frames": NUM_FRAMES, "num_joints": NUM_JOINTS, "num_components": 5, "width": 16}
    keras.utils.set_random_seed(0)
    flow = MotionFlow(["sit", "stand"], **{**settings, "depth": 1, **options})
    if flow.num_components == 5:
        flow.components.set_weights(small_components().get_weights())
    return flow


def small_training(**options):
    training = FlowMatching(small_flow(), **options)
    training.compile()
    return training


def batch(size=32):
    coefficients = small_components().encode_all_starts(wavy_motions(), size=64).reshape(-1, 5)[:size]
    return tf.constant(coefficients), tf.constant(np.arange(len(coefficients)) % 2, tf.int32)


# ---- paths and steps -------------------------------------------------------------------------------------


def test_a_pair_by_hand():
    data, noise = np.array([[4.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 2.0], [3.0, 1.0]])
    point, target = flow_pair(data, noise, np.array([[0.25], [0.5]]))
    np.testing.assert_array_equal(point, [[1, 1.5], [2, 1]])
    np.testing.assert_array_equal(target, [[4, -2], [-2, 0]])


@pytest.mark.parametrize("time", [0.1, 0.5, 0.9])
def test_the_best_guess_of_the_target_is_the_velocity_between_gaussians(time):
    """A straight line fitted to (point, target) is the conditional mean, for Gaussians exactly."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200_000, 1))
    data = MEAN + SPREAD * rng.normal(size=(200_000, 1))
    point, target = flow_pair(data, noise, np.full((200_000, 1), time))
    slope, offset = np.polyfit(point[:, 0], target[:, 0], 1)
    for x in (-1.0, 0.0, 2.0):
        assert offset + slope * x == pytest.approx(gaussian_velocity(x, time), abs=0.03)


def test_a_constant_velocity_needs_one_step():
    start = np.array([[1.0, 2.0]])
    for steps in (1, 7):
        end = follow_flow(lambda points, time: np.array([[3.0, -1.0]]), start, steps=steps)
        np.testing.assert_allclose(end, [[4, 1]])


def test_euler_steps_see_their_times():
    """The derivative of a parabola, in four steps: 0 + 2 (0 + 1/4 + 1/2 + 3/4) / 4."""
    end = follow_flow(lambda points, time: 2 * time, np.zeros((1, 1)), steps=4)
    np.testing.assert_allclose(end, [[0.75]])


def test_noise_flows_to_the_data_as_steps_grow():
    """The exact flow takes z to MEAN + SPREAD z; Euler's error halves as the steps double."""
    noise = np.random.default_rng(0).normal(size=(1000, 1))
    errors = []
    for steps in (50, 100, 200):
        end = follow_flow(gaussian_velocity, noise, steps=steps)
        errors.append(np.abs(end - (MEAN + SPREAD * noise)).max())
    assert errors[2] < 0.02
    np.testing.assert_allclose(np.array(errors[:2]) / errors[1:], 2, atol=0.2)


def test_no_step_is_refused():
    with pytest.raises(ValueError, match="steps: expected a whole number from 1 on, received 0"):
        follow_flow(gaussian_velocity, np.zeros((1, 1)), steps=0)


# ---- the model -------------------------------------------------------------------------------------------


def test_guidance_goes_from_any_action_beyond_the_one():
    flow = small_flow()
    noise, actions = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32), np.array([1, 0])
    start = np.zeros((2, 1), np.float32)
    guided = noise + np.asarray(flow([noise, actions, start]))
    free = noise + np.asarray(flow([noise, np.array([2, 2]), start]))
    assert np.abs(guided - free).max() > 1e-3
    for guidance, expected in ((1, guided), (0, free), (3, free + 3 * (guided - free))):
        made = flow.make_coefficients(noise, actions, steps=1, guidance=guidance)
        np.testing.assert_allclose(made, expected, atol=1e-5)


def test_batches_of_several_sizes_can_be_made_by_one_compiled_model():
    """A compiled model does not know how many motions the next batch has."""
    flow = small_flow()
    signature = [tf.TensorSpec((None, 5), tf.float32), tf.TensorSpec((None,), tf.int32)]
    compiled = tf.function(lambda noise, actions: flow.make_coefficients(noise, actions, steps=2), signature)
    for count in (1, 3):
        noise, actions = np.ones((count, 5), np.float32), np.zeros(count, np.int32)
        expected = flow.make_coefficients(noise, actions, steps=2)
        np.testing.assert_allclose(compiled(noise, actions), expected, atol=1e-5)


def test_motions_are_decoded_coefficients():
    flow = small_flow()
    noise, actions = np.ones((2, 5), np.float32), np.array([1, 0])
    joints = flow.make_joints(noise, actions, size=32, steps=3)
    expected = flow.components.decode(flow.make_coefficients(noise, actions, steps=3), size=32)
    assert joints.shape == (2, NUM_FRAMES, NUM_JOINTS, 3)
    np.testing.assert_array_equal(joints, expected)


def test_a_saved_flow_is_the_same(tmp_path):
    flow = small_flow(fps=12.5)
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras", compile=False, safe_mode=True)
    noise, actions = np.ones((2, 5), np.float32), np.array([1, 0])
    np.testing.assert_array_equal(loaded.make_joints(noise, actions), flow.make_joints(noise, actions))
    assert (loaded.action_names, loaded.fps) == (("sit", "stand"), 12.5)


# ---- training --------------------------------------------------------------------------------------------


def test_a_step_lowers_the_distance_of_velocity_and_target():
    training = small_training()
    coefficients, actions = batch()
    noise, time, told = training.draw(coefficients, actions)
    point = (1 - time) * noise + time * coefficients
    velocity = np.asarray(training.flow([point, told, time]))
    expected = np.mean((velocity - (np.asarray(coefficients) - np.asarray(noise))) ** 2)
    assert float(training.train_step((coefficients, actions))["loss"]) == pytest.approx(expected, rel=1e-4)
    assert int(training.step) == 1


def test_actions_are_dropped_at_random():
    training = small_training(dropped=0.3)
    actions = tf.constant(np.arange(2000) % 2, tf.int32)
    noise, time, told = (np.asarray(x) for x in training.draw(tf.zeros((2000, 5)), actions))
    silent = told == 2
    assert silent.mean() == pytest.approx(0.3, abs=0.04)
    np.testing.assert_array_equal(told[~silent], np.asarray(actions)[~silent])
    assert [noise.mean(), noise.std()] == pytest.approx([0, 1], abs=0.05)
    assert [time.min(), time.mean(), time.max()] == pytest.approx([0, 0.5, 1], abs=0.03)
    assert abs(np.corrcoef(time[:, 0], silent)[0, 1]) < 0.1  # drawn apart from each other


def test_every_step_draws_anew_and_a_seed_draws_the_same():
    one, same, other = small_training(seed=1), small_training(seed=1), small_training(seed=2)
    coefficients, actions = batch()
    first = np.asarray(one.draw(coefficients, actions)[0])
    assert not np.array_equal(first, other.draw(coefficients, actions)[0])
    for training in (one, same):
        training.step_function((coefficients, actions))
        training.step_function((coefficients, actions))
    assert not np.array_equal(first, one.draw(coefficients, actions)[0])
    for a, b in zip(one.weights, same.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_average_follows_and_components_are_kept():
    training = small_training()
    before = training.ema_flow.get_weights()
    training.step_function(batch())
    moved = [not np.array_equal(a, b) for a, b in zip(before, training.ema_flow.get_weights(), strict=True)]
    assert any(moved)
    for average in (training.flow, training.ema_flow):
        for ours, fitted in zip(average.components.weights, small_components().weights, strict=True):
            np.testing.assert_allclose(ours, fitted, rtol=1e-6)


def test_training_finds_the_velocity_between_gaussians():
    """One number instead of five: N(0, 1) flows to N(2, 1/4), whatever the action."""
    keras.utils.set_random_seed(0)
    flow = MotionFlow(["any"], num_frames=1, num_joints=1, num_components=1, width=16, depth=1)
    training = FlowMatching(flow, ema_decay=0.99)
    training.compile()
    rng = np.random.default_rng(0)
    for _ in range(600):
        data = tf.constant(MEAN + SPREAD * rng.normal(size=(256, 1)), tf.float32)
        training.step_function((data, tf.zeros(256, tf.int32)))
    x = np.linspace(0, 2, 9, dtype=np.float32)[:, None]
    for time in (0.3, 0.6):
        found = training.ema_flow([x, np.zeros(9, np.int32), np.full((9, 1), time, np.float32)])
        assert np.sqrt(np.mean((np.asarray(found) - gaussian_velocity(x, time)) ** 2)) < 0.3
    noise = rng.normal(size=(2000, 1))
    made = np.asarray(training.ema_flow.make_coefficients(noise, np.zeros(2000), steps=50))
    assert made.mean() == pytest.approx(MEAN, abs=0.15)
    assert made.std() == pytest.approx(SPREAD, abs=0.15)
