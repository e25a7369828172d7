"""The networks: what they take and give, and what they cannot see."""

import keras
import numpy as np
import pytest

from vgcourse.features import cnns

BUILDERS = [
    (cnns.build_action_classifier, (16, 32, 32, 3), 64),
    (cnns.build_second_classifier, (16, 64, 64, 3), 64),
    (cnns.build_content_embedding, (32, 32, 3), 32),
]


def test_the_joint_finder_gives_a_map_for_each_joint_that_follows_the_picture():
    model = cnns.build_joint_finder(3, size=32)
    assert model.input_shape == (None, 32, 32, 3)
    assert model.output_shape == (None, 3, 256)
    frame = np.full((1, 32, 32, 3), 90.0, np.float32)
    changed = frame.copy()
    changed[:, 20:22, 6:8] = 250.0
    moved = np.abs(model(changed, training=False) - model(frame, training=False)).reshape(3, 16, 16)
    places = [np.unravel_index(heat.argmax(), heat.shape) for heat in moved]
    assert np.abs(np.array(places) - [10, 3]).max() <= 2  # rows first: cell (10, 3) holds the changed pixels


@pytest.fixture
def noise():
    return np.random.default_rng(0).uniform(60, 200, (2, 16, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize(("build", "shape", "dim"), BUILDERS)
def test_shapes_and_precision(build, shape, dim):
    """float32 whatever the global precision policy says: a judge must not change with what it judges."""
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = build(7)
        parts = keras.Model(model.inputs, [model.get_layer("features").output, model.output])
        vectors, logits = parts([np.zeros((2, *shape))])
    finally:
        keras.mixed_precision.set_global_policy(before)
    assert model.input_shape == (None, *shape)
    assert (vectors.shape, logits.shape) == ((2, dim), (2, 7))
    assert vectors.dtype == logits.dtype == "float32"


def test_the_first_classifier_is_blind_to_what_stands_still(noise):
    model = cnns.build_action_classifier(3)
    wall = np.random.default_rng(1).uniform(0, 50, (1, 1, 32, 32, 3))
    expected = model(noise, training=False)
    np.testing.assert_allclose(model(noise + wall, training=False), expected, atol=1e-4)
    assert np.abs(model(noise * 1.2, training=False) - expected).max() > 1e-3


def test_the_second_classifier_sees_differences_of_neighbours(noise):
    model = cnns.build_second_classifier(3, size=32)
    drift = np.arange(16.0).reshape(1, 16, 1, 1, 1)
    expected = model(noise, training=False)
    np.testing.assert_allclose(model(noise + 20, training=False), expected, atol=1e-4)
    assert np.abs(model(noise + drift, training=False) - expected).max() > 1e-4


def test_frame_features_are_of_single_frames(noise):
    """Frame t's vector depends on frame t and the mean frame alone: two frames exchanged exchange theirs."""
    model = cnns.build_action_classifier(3)
    of_frames = keras.Model(model.inputs, model.get_layer("frame_features").output)
    vectors = of_frames([noise]).numpy()
    assert vectors.shape == (2, 16, 64)
    order = np.arange(16)
    order[[0, 9]] = 9, 0
    np.testing.assert_allclose(of_frames([noise[:, order]]), vectors[:, order], atol=1e-4)
    assert np.abs(vectors[:, 0] - vectors[:, 9]).max() > 1e-2


def test_the_embedding_gives_unit_vectors_that_do_not_depend_on_the_place(noise):
    model = cnns.build_content_embedding(5)
    of_frames = keras.Model(model.inputs, model.get_layer("features").output)
    frame = np.full((1, 32, 32, 3), 90.0)
    frame[:, 8:16, 8:16] = 200.0, 30.0, 30.0
    moved = np.roll(frame, (8, 8), axis=(1, 2))
    vectors = of_frames([np.concatenate([frame, moved, noise[0]])])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-4)


def test_resize_averages_areas_and_keeps_frames_in_their_places():
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 64, 3), dtype=np.uint8)
    assert cnns.resize_frames(clips, 64).numpy().tolist() == clips.astype(np.float32).tolist()
    flat = np.zeros((2, 3, 96, 48, 3), np.uint8) + np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1, 1) * 40
    expected = np.broadcast_to(flat[:, :, :1, :1], (2, 3, 32, 32, 3))
    np.testing.assert_allclose(cnns.resize_frames(flat, 32), expected, atol=1e-3)
    # A one-pixel checkerboard is grey when averaged; without antialiasing it would alias to black or white.
    board = 255 * (np.indices((96, 96)).sum(axis=0) % 2)
    board = np.broadcast_to(board[None, None, :, :, None], (1, 1, 96, 96, 3)).astype(np.uint8)
    np.testing.assert_allclose(cnns.resize_frames(board, 32).numpy()[:, :, 1:-1, 1:-1], 127.5, atol=30)
