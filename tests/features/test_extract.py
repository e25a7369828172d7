"""Shipped networks recognise actions and actors never trained on, at any size, in any company."""

import keras
import numpy as np
import pytest

from vgcourse import datasets, features
from vgcourse.evaluate import metrics
from vgcourse.features import cnns, extract

CHECKPOINTS = datasets.data_folder() / "checkpoints"


@pytest.fixture(scope="module")
def unseen():
    return datasets.load_actions("test", size=64)


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 256, (3, 16, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def nothing_loaded():
    extract.forget_networks()
    yield
    extract.forget_networks()


# --- what the shipped networks know ---------------------------------------------------------------------


@pytest.mark.parametrize("which", ["first", "second"])
@pytest.mark.parametrize("size", [32, 64])
def test_recognises_actions_of_unseen_actors(which, size):
    clips = datasets.load_actions("test", size=size)
    probabilities = features.classify(clips.clips, which=which)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert probabilities.shape == (80, len(clips.action_names))
    assert np.mean(probabilities.argmax(axis=1) == clips.actions) > 0.95


@pytest.mark.parametrize("which", ["first", "second"])
def test_frozen_clips_show_no_action_and_colours_do_not_matter(unseen, which):
    frozen = np.repeat(unseen.clips[:, :1], 16, axis=1)
    assert features.classify(frozen, which=which).max() < 0.5
    recognised = features.classify(255 - unseen.clips, which=which).argmax(axis=1) == unseen.actions
    assert recognised.mean() > 0.8


def halves(num_actors):
    """Real clips of half of the first training actors, and of the other half."""
    clips = datasets.load_actions("train", size=32)
    return (clips.clips[(clips.actors < num_actors) & (clips.actors % 2 == half)] for half in (0, 1))


def test_damaged_motion_is_further_from_real_motion():
    """Frechet distance of what happens: ghosts and shuffled frames are far, other real clips are not."""
    real, other = halves(40)
    ghosts = np.mean([np.roll(other, k, axis=1) for k in range(3)], axis=0).astype(np.uint8)
    shuffled = other[:, np.random.default_rng(0).permutation(16)]
    network = extract.up_to(features.load_action_classifier(), "features")
    vectors = [extract.apply_network(network, x) for x in (real, other, ghosts, shuffled)]
    distances = [metrics.frechet_distance(vectors[0], fake) for fake in vectors[1:]]
    assert 2 * distances[0] < min(distances[1:])


def test_wrong_colours_are_further_from_real_ones():
    """Frechet distance of who is seen: people of one half painted grey are further than the other half."""
    real, other = halves(64)
    grey = np.repeat(other.mean(axis=-1, keepdims=True), 3, axis=-1).astype(np.uint8)
    vectors = [features.content_features(x[:, ::8]).mean(axis=1) for x in (real, other, grey)]
    distances = [metrics.frechet_distance(vectors[0], fake) for fake in vectors[1:]]
    assert 2 * distances[0] < distances[1]


def test_features_are_alive_and_of_moderate_scale(unseen):
    vectors = features.clip_features(unseen.clips)
    assert vectors.shape == (80, 96)
    assert vectors.dtype == np.float32
    assert vectors.std(axis=0).min() > 0.02
    assert np.abs(vectors).max() < 20


def test_content_of_one_actor_is_nearer_than_of_two(unseen):
    """ACD of real clips is below that of clips whose actor changes halfway."""
    walks = unseen.clips[unseen.actions == 0]
    changed = np.concatenate([walks[:, :8], np.roll(walks, 1, axis=0)[:, 8:]], axis=1)
    whole, halves = features.content_features(walks), features.content_features(changed)
    assert whole.shape == (8, 16, 32)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=-1), 1, atol=1e-5)
    assert metrics.content_distance(whole) < 0.6 * metrics.content_distance(halves)
    for one, two in zip(whole, halves, strict=True):
        assert metrics.content_distance(one[None]) < metrics.content_distance(two[None])


def test_content_embedding_finds_the_actor_in_another_action(unseen):
    vectors = features.content_features(unseen.clips).mean(axis=1)
    distances = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    distances[unseen.actions[:, None] == unseen.actions] = np.inf
    found = unseen.actors[distances.argmin(axis=1)]
    assert np.mean(found == unseen.actors) > 0.8  # guessing finds 1 in 8


def test_frame_features_follow_the_frames(unseen):
    clip = unseen.clips[:1]
    vectors = features.frame_features(clip)
    assert vectors.shape == (1, 16, 64)
    assert vectors.std(axis=1).max() > 0.01
    # The mean frame stays the same, so a frame's features do not depend on when it comes.
    np.testing.assert_allclose(features.frame_features(clip[:, ::-1]), vectors[:, ::-1], atol=1e-3)


def test_the_files_are_small_and_load_without_the_package():
    """Only layers that Keras knows: no custom objects, nothing that safe mode would refuse."""
    sizes = {name: (CHECKPOINTS / file).stat().st_size for name, file in extract.FILES.items()}
    assert max(sizes.values()) < 1e6
    assert sum(sizes.values()) < 2.5e6
    for file in extract.FILES.values():
        model = keras.models.load_model(CHECKPOINTS / file, safe_mode=True)
        assert not [layer for layer in model.layers if type(layer).__module__.startswith("vgcourse")]


# --- which network, which layer --------------------------------------------------------------------------


@pytest.mark.parametrize(("which", "size"), [("first", 32), ("second", 64)])
def test_features_are_the_named_layers_of_the_named_network(unseen, which, size):
    """The same numbers from the file itself, loaded and called by Keras."""
    clips = unseen.clips[:3]
    model = keras.models.load_model(CHECKPOINTS / extract.FILES[which])
    layers = [model.get_layer(name).output for name in ("features", "logits")]
    inputs = cnns.resize_frames(clips, size)
    vectors, logits = (x.numpy() for x in keras.Model(model.inputs, layers)(inputs, training=False))
    mean_content = features.content_features(clips).mean(axis=1)
    found = features.clip_features(clips, which=which)
    np.testing.assert_allclose(found, np.concatenate([vectors, mean_content], axis=1), atol=1e-4)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(features.classify(clips, which=which), expected, atol=1e-4)


def test_loaded_once_and_frozen():
    model = features.load_action_classifier()
    assert model is features.load_action_classifier()
    assert model.trainable_variables == []
    assert model.input_shape == (None, 16, 32, 32, 3)
    assert features.load_action_classifier("second").input_shape == (None, 16, 64, 64, 3)


@pytest.mark.usefixtures("nothing_loaded")
def test_precision_policy_changes_nothing(unseen):
    clips = unseen.clips[:2]
    expected = features.classify(clips)
    extract.forget_networks()
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        np.testing.assert_array_equal(features.classify(clips), expected)
    finally:
        keras.mixed_precision.set_global_policy(before)


# --- how they are run -----------------------------------------------------------------------------------


class Means:
    """A network whose vector is the mean red and green of what it is given."""

    def __init__(self, *input_shape):
        self.input_shape, self.batches = (None, *input_shape), []

    def __call__(self, inputs, training):
        assert training is False
        assert inputs.shape[1:] == self.input_shape[1:]
        self.batches.append(len(inputs))
        return keras.ops.mean(inputs, axis=tuple(range(1, len(inputs.shape) - 1)))[:, :2]


def numbered_clips(num_clips, num_frames, size=8):
    """Red says which clip, green which frame."""
    clips = np.zeros((num_clips, num_frames, size, size, 3), np.uint8)
    clips[..., 0] += np.arange(num_clips, dtype=np.uint8)[:, None, None, None]
    clips[..., 1] += np.arange(num_frames, dtype=np.uint8)[:, None, None]
    return clips


@pytest.mark.parametrize(("num_clips", "size", "batches"), [
    (1, 8, [1]), (64, 8, [64]), (65, 16, [64, 1]), (150, 4, [64, 64, 22]), (9, 128, [4, 4, 1]),
])  # fmt: skip
def test_vectors_are_in_the_order_of_clips_and_frames(num_clips, size, batches):
    clips = numbered_clips(num_clips, 3)
    of_clips, of_frames = Means(3, size, size, 3), Means(size, size, 3)
    vectors = extract.apply_network(of_clips, clips)
    np.testing.assert_allclose(vectors, [[k, 1] for k in range(num_clips)], atol=1e-4)
    assert of_clips.batches == batches
    vectors = extract.apply_network(of_frames, clips)
    expected = [[[k, t] for t in range(3)] for k in range(num_clips)]
    np.testing.assert_allclose(vectors, expected, atol=1e-4)
    assert of_frames.batches == [3 * n for n in batches]
    assert vectors.dtype == np.float32


# --- errors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [features.classify, features.clip_features, features.frame_features, features.content_features],
)
@pytest.mark.parametrize(
    ("clips", "message"),
    [
        (np.zeros((16, 32, 32, 3), np.uint8), r"expected .*received .*\(16, 32, 32, 3\); .* clip\[None\]"),
        (np.zeros((1, 16, 32, 32, 1), np.uint8), r"clips: expected uint8 of shape \(num_clips.*, 3\)"),
        (np.zeros((1, 16, 32, 32, 3), np.float32), "expected uint8.*received float32.*to_uint8"),
        (np.full((1, 16, 32, 32, 3), np.nan), "expected uint8.*received float64"),
        (np.zeros((1, 16, 31, 64, 3), np.uint8), r"32x32 or more, received \(1, 16, 31, 64, 3\)"),
        (np.zeros((1, 16, 64, 31, 3), np.uint8), r"32x32 or more, received \(1, 16, 64, 31, 3\)"),
        (np.zeros((0, 16, 32, 32, 3), np.uint8), r"clips: .*received .*\(0, 16, 32, 32, 3\)"),
    ],
)
def test_wrong_clips(function, clips, message):
    with pytest.raises(ValueError, match=message):
        function(clips)


@pytest.mark.parametrize("function", [features.classify, features.clip_features, features.frame_features])
@pytest.mark.parametrize("num_frames", [1, 15, 17])
def test_wrong_number_of_frames(function, num_frames):
    with pytest.raises(ValueError, match=f"expected 16 frames, received {num_frames}"):
        function(np.zeros((1, num_frames, 32, 32, 3), np.uint8))


def test_content_features_take_any_number_of_frames(noise):
    assert features.content_features(noise[:, :5]).shape == (3, 5, 32)


def test_unknown_classifier(noise):
    for call in (features.classify, features.clip_features):
        with pytest.raises(ValueError, match="which: expected one of first, second, received 'content'"):
            call(noise, which="content")
    with pytest.raises(ValueError, match="which: expected one of first, second, received 'third'"):
        features.load_action_classifier("third")


@pytest.mark.usefixtures("nothing_loaded")
def test_missing_checkpoint(monkeypatch, tmp_path, noise):
    monkeypatch.setattr(extract, "data_folder", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"action_classifier\.keras: no such checkpoint.*train-features"):
        features.classify(noise)


@pytest.mark.usefixtures("nothing_loaded")
@pytest.mark.parametrize("damage", ["text", "truncated", "flipped"])
def test_corrupted_checkpoint(monkeypatch, tmp_path, noise, damage):
    data = bytearray((CHECKPOINTS / "content_embedding.keras").read_bytes())
    if damage == "flipped":
        middle = len(data) // 2
        data[middle : middle + 64] = bytes(64)
    bad = {"text": b"not a model", "truncated": data[: len(data) // 2], "flipped": data}[damage]
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "content_embedding.keras").write_bytes(bad)
    monkeypatch.setattr(extract, "data_folder", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"content_embedding\.keras: cannot be read.*train-features"):
        features.content_features(noise)


# --- ImageNet -------------------------------------------------------------------------------------------


@pytest.fixture
def fresh_imagenet():
    extract._imagenet.cache_clear()
    yield
    extract._imagenet.cache_clear()


@pytest.mark.usefixtures("fresh_imagenet")
def test_imagenet_offline(monkeypatch, noise):
    def offline(**_):
        raise Exception("URL fetch failure on https://storage.googleapis.com/...")  # as keras does

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", offline)
    with pytest.raises(ValueError, match=r"connect to the network once.*frame_features"):
        features.imagenet_features(noise)


@pytest.mark.usefixtures("fresh_imagenet")
def test_imagenet_shapes(monkeypatch, noise):
    """The real network with random weights: nothing is downloaded."""
    build, asked = keras.applications.MobileNetV3Small, []

    def untrained(**options):
        asked.append(options["weights"])
        return build(**options | {"weights": None})

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", untrained)
    vectors = features.imagenet_features(noise[:, :2])
    assert vectors.shape == (3, 2, 576)
    assert np.isfinite(vectors).all()
    assert asked == ["imagenet"]
