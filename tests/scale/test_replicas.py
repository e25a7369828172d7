"""Two replicas: the same start, the same weights everywhere, and the result of one device."""

import jobs
import keras
import numpy as np
import pytest
import tensorflow as tf

from vgcourse import gan
from vgcourse.gan.models import VideoGenerator
from vgcourse.scale import replicas

TOLERANCE = 2e-5  # between weights of order 0.1 after a few steps, in float32


def differing(first, second):
    assert first.keys() == second.keys()
    return [name for name in first if not np.array_equal(first[name], second[name])]


def largest_difference(first, second):
    """Over the networks' weights and averages (the optimizers' squares of gradients have another scale)."""
    names = [name for name in first if name.startswith("weights/")]
    return max(np.abs(first[name].astype(np.float64) - second[name]).max() for name in names)


def test_both_start_alike_and_with_the_rows_of_one_devices_batches(mirrored):
    assert differing(mirrored["one_start"], mirrored["two_start"]) == []
    assert differing(mirrored["one_batches"], mirrored["two_batches"]) == []
    assert mirrored["one_batches"]["0 0"].shape == (8, 8, 32, 32, 3)


def test_two_replicas_end_with_the_weights_of_one_device(mirrored):
    assert differing(mirrored["two_0"], mirrored["two_1"]) == []
    assert largest_difference(mirrored["one_0"], mirrored["two_0"]) < TOLERANCE
    moved = {name: mirrored["two_0"][name] - old for name, old in mirrored["two_start"].items()}
    assert max(np.abs(change).max() for change in moved.values()) > 1e-3  # they did train


def test_the_history_has_the_means_over_all_replicas(mirrored):
    for name in ("d_loss", "g_loss", "real_logits", "fake_logits"):
        assert mirrored["two_history"][name] == pytest.approx(mirrored["one_history"][name], abs=1e-5)


def test_a_timing_probe_leaves_all_replicas_as_they_were(mirrored):
    assert mirrored["two_probed"].pop("seconds") > 0
    assert differing(mirrored["two_0"], mirrored["two_probed"]) == []


def test_noise_is_that_of_the_whole_batch(mirrored):
    assert np.array_equal(mirrored["noise"]["drawn"], tf.random.stateless_normal((6, 2), (4, 5)))


def test_running_averages_become_their_mean_over_replicas(mirrored):
    found = mirrored["statistics"]  # of the rows 0, 2 and 10, 18, with a momentum of one half
    assert found["mean before"].tolist() == [0.5, 7.0]
    assert found["variance before"].tolist() == [1.0, 8.5]
    assert found["mean after"].tolist() == [3.75, 3.75]
    assert found["variance after"].tolist() == [4.75, 4.75]


def test_an_overflow_in_one_replica_skips_the_step_in_all(mirrored):
    found = mirrored["overflow"]
    assert found["spoiled"].tolist() == [1.0, 1.0]
    assert set(found["spoiled scale"]) == {4.0}
    assert found["good"].tolist() == [1 - 0.5 * (4 + 8) / 4] * 2  # gradients are summed, the scale taken off


def test_workers_are_told_what_the_chief_knows(mirrored):
    assert mirrored["told"]["by another"]


def nested():
    inner = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(), keras.layers.Dense(3)])
    outer = keras.Sequential([keras.Input((4,)), inner, keras.layers.BatchNormalization()])
    return keras.Sequential([keras.Input((4,)), outer, keras.layers.ReLU()])


@pytest.mark.parametrize("kind", ["nested", "video GAN"])
def test_every_batch_norm_is_found_however_deep(kind):
    model = nested() if kind == "nested" else VideoGenerator(32, jobs.NAMES, num_frames=4, channels=4)
    replicas.synchronise_batch_norm(model)
    found = replicas._batch_norms(model)
    moving = {id(weight) for weight in model.weights if weight.name == "moving_mean"}
    assert {id(norm.moving_mean) for norm in found} == moving
    assert len(found) == len(moving) >= 2
    assert all(norm.synchronized for norm in found)


def test_on_one_device_nothing_changes():
    """The same weights, seeds and steps as the plain GAN, bit for bit."""
    clips = jobs.make_clips()
    batch = tf.constant(clips.clips[:2, : jobs.FRAMES] / np.float32(255)), tf.constant([0, 1])
    ends = []
    for model in (gan.VideoGAN, replicas.ReplicatedVideoGAN):
        recipe = gan.Recipe(4, 4, 1.0)
        made = gan.make_gan(32, jobs.NAMES, num_frames=jobs.FRAMES, recipe=recipe, model=model)
        made.train_step(batch)
        ends.append([np.asarray(weight) for weight in made.weights])
    assert all(np.array_equal(*pair) for pair in zip(*ends, strict=True))
