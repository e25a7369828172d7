"""Features: shipped networks recognise actions and actors never trained on, at any size, in any company."""

import keras
import numpy as np
import pytest

from vgcourse import datasets, features
from vgcourse.evaluate import metrics
from vgcourse.features import cnns, supervised

CHECKPOINTS = datasets.data_folder() / "checkpoints"


@pytest.fixture(scope="module")
def test_actors():
    return datasets.load_actions("test", size=64)


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 256, (3, 16, 32, 32, 3), dtype=np.uint8)


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
def test_frozen_clips_show_no_action(test_actors, which):
    frozen = np.repeat(test_actors.clips[:, :1], 16, axis=1)
    assert features.classify(frozen, which=which).max() < 0.5


@pytest.mark.parametrize("which", ["first", "second"])
def test_colours_do_not_matter(test_actors, which):
    inverted = 255 - test_actors.clips
    recognised = features.classify(inverted, which=which).argmax(axis=1) == test_actors.actions
    assert recognised.mean() > 0.8


def halves():
    """Real clips of half of the actors, and of the other half."""
    clips = datasets.load_actions("train", size=32)
    even = clips.actors % 2 == 0
    return clips.clips[even], clips.clips[~even]


def test_damaged_motion_is_further_from_real_motion():
    """Frechet distance of what happens: ghosts and shuffled frames are far, other real clips are not."""
    real, other = halves()
    ghosts = np.mean([np.roll(other, k, axis=1) for k in range(3)], axis=0).astype(np.uint8)
    shuffled = other[:, np.random.default_rng(0).permutation(16)]
    vectors = [features.clip_features(x)[:, :64] for x in (real, other, ghosts, shuffled)]
    distances = [metrics.frechet_distance(vectors[0], fake) for fake in vectors[1:]]
    assert 2.5 * distances[0] < min(distances[1:])


def test_wrong_colours_are_further_from_real_ones():
    """Frechet distance of who is seen: people of one half painted alike are further than the other half."""
    real, other = halves()
    grey = np.repeat(other.mean(axis=-1, keepdims=True), 3, axis=-1).astype(np.uint8)
    vectors = [features.clip_features(x)[:, 64:] for x in (real, other, grey)]
    distances = [metrics.frechet_distance(vectors[0], fake) for fake in vectors[1:]]
    assert 2 * distances[0] < distances[1]


def test_features_are_alive_and_of_moderate_scale(test_actors):
    vectors = features.clip_features(test_actors.clips)
    assert vectors.shape == (80, 96)
    assert vectors.dtype == np.float32
    assert vectors.std(axis=0).min() > 0.02
    assert np.abs(vectors).max() < 20


def test_content_of_one_actor_is_nearer_than_of_two(test_actors):
    """ACD of real clips is below that of clips whose actor changes halfway."""
    walks = test_actors.clips[test_actors.actions == 0]
    changed = np.concatenate([walks[:, :8], np.roll(walks, 1, axis=0)[:, 8:]], axis=1)
    whole, halves = features.content_features(walks), features.content_features(changed)
    assert whole.shape == (8, 16, 32)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=-1), 1, atol=1e-5)
    assert metrics.content_distance(whole) < 0.6 * metrics.content_distance(halves)
    for one, two in zip(whole, halves, strict=True):
        assert metrics.content_distance(one[None]) < metrics.content_distance(two[None])


def test_content_embedding_finds_the_actor_in_another_action(test_actors):
    vectors = features.content_features(test_actors.clips).mean(axis=1)
    distances = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    distances[test_actors.actions[:, None] == test_actors.actions] = np.inf
    found = test_actors.actors[distances.argmin(axis=1)]
    assert np.mean(found == test_actors.actors) > 0.8  # guessing finds 1 in 8


def test_frame_features_follow_the_frames(test_actors):
    clip = test_actors.clips[:1]
    vectors = features.frame_features(clip)
    assert vectors.shape == (1, 16, 64)
    assert vectors.std(axis=1).max() > 0.01
    # The mean frame stays the same, so a frame's features do not depend on when it comes.
    np.testing.assert_allclose(features.frame_features(clip[:, ::-1]), vectors[:, ::-1], atol=1e-3)


def test_networks_are_small():
    sizes = {name: (CHECKPOINTS / file).stat().st_size for name, file in features.FILES.items()}
    assert sizes["first"] < 1e6
    assert sum(sizes.values()) < 1.5e6


# --- how they are run -----------------------------------------------------------------------------------


def test_clip_alone_and_in_company(test_actors):
    clips = test_actors.clips[:70]  # more than a chunk
    together = features.clip_features(clips)
    for index in (0, 63, 64, 69):
        alone = features.clip_features(clips[index : index + 1])[0]
        np.testing.assert_allclose(alone, together[index], atol=1e-3)


def test_precision_policy_changes_nothing(test_actors):
    clips = test_actors.clips[:2]
    features._load.cache_clear()
    expected = features.classify(clips)
    features._load.cache_clear()
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        assert features.build_action_classifier(3)(np.zeros((1, 16, 32, 32, 3))).dtype == "float32"
        assert features.build_second_classifier(3)(np.zeros((1, 16, 64, 64, 3))).dtype == "float32"
        assert features.build_content_embedding(3)(np.zeros((1, 32, 32, 3))).dtype == "float32"
        np.testing.assert_array_equal(features.classify(clips), expected)
    finally:
        keras.mixed_precision.set_global_policy(before)


def test_loaded_once_and_frozen():
    model = features.load_action_classifier()
    assert model is features.load_action_classifier()
    assert model.trainable_variables == []
    assert model is not features.load_action_classifier("second")


def test_checkpoint_loads_without_the_package():
    """Only layers that Keras knows: no custom objects, nothing that safe mode would refuse."""
    for file in features.FILES.values():
        model = keras.models.load_model(CHECKPOINTS / file, safe_mode=True)
        used = [layer for layer in model._flatten_layers() if type(layer).__module__.startswith("vgcourse")]
        assert used == []


def test_resize_averages_areas():
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 64, 3), dtype=np.uint8)
    assert cnns.resize_frames(clips, 64).numpy().tolist() == clips.astype(np.float32).tolist()
    flat = np.full((1, 2, 96, 48, 3), 77, np.uint8)
    np.testing.assert_allclose(cnns.resize_frames(flat, 32), 77, atol=1e-3)
    # A one-pixel checkerboard is grey when averaged; without antialiasing it would alias to black or white.
    board = 255 * (np.indices((96, 96)).sum(axis=0) % 2)
    board = np.broadcast_to(board[None, None, :, :, None], (1, 1, 96, 96, 3)).astype(np.uint8)
    np.testing.assert_allclose(cnns.resize_frames(board, 32).numpy()[:, :, 1:-1, 1:-1], 127.5, atol=30)


# --- errors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [features.classify, features.clip_features, features.frame_features, features.content_features],
)
@pytest.mark.parametrize(
    ("clips", "message"),
    [
        (np.zeros((16, 32, 32, 3), np.uint8), r"expected shape .*received \(16, 32, 32, 3\)"),
        (np.zeros((1, 16, 32, 32, 1), np.uint8), "expected shape"),
        (np.zeros((1, 16, 32, 32, 3), np.float32), "expected uint8.*received float32.*to_uint8"),
        (np.full((1, 16, 32, 32, 3), np.nan), "expected uint8.*received float64"),
        (np.zeros((1, 16, 31, 64, 3), np.uint8), r"32x32 or more, received \(1, 16, 31, 64, 3\)"),
        (np.zeros((0, 16, 32, 32, 3), np.uint8), "at least one clip"),
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
    with pytest.raises(ValueError, match="'first' or 'second', received 'third'"):
        features.classify(noise, which="third")


def test_missing_checkpoint(monkeypatch, tmp_path, noise):
    monkeypatch.setattr(datasets, "data_folder", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"action_classifier\.keras: no such checkpoint.*train-features"):
        features.classify(noise)


@pytest.mark.parametrize("damage", ["text", "truncated", "flipped"])
def test_corrupted_checkpoint(monkeypatch, tmp_path, noise, damage):
    data = bytearray((CHECKPOINTS / "content_embedding.keras").read_bytes())
    if damage == "flipped":
        middle = len(data) // 2
        data[middle : middle + 64] = bytes(64)
    bad = {"text": b"not a model", "truncated": data[: len(data) // 2], "flipped": data}[damage]
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "content_embedding.keras").write_bytes(bad)
    monkeypatch.setattr(datasets, "data_folder", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"content_embedding\.keras: cannot be read.*train-features"):
        features.content_features(noise)


# --- ImageNet -------------------------------------------------------------------------------------------


@pytest.fixture
def fresh_imagenet():
    features._imagenet.cache_clear()
    yield
    features._imagenet.cache_clear()


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
    build = keras.applications.MobileNetV3Small
    monkeypatch.setattr(
        keras.applications, "MobileNetV3Small", lambda **options: build(**options | {"weights": None})
    )
    vectors = features.imagenet_features(noise[:, :2])
    assert vectors.shape == (3, 2, 576)
    assert np.isfinite(vectors).all()


# --- training -------------------------------------------------------------------------------------------


def moving_bars(num_clips, seed):
    """Two toy actions that no single frame tells apart: a bright bar going right, or going left."""
    rng = np.random.default_rng(seed)
    actions = np.arange(num_clips) % 2
    clips = np.full((num_clips, 16, 32, 32, 3), 60, np.uint8)
    for clip, action in zip(clips, actions, strict=True):
        start = rng.integers(32)
        for t in range(16):
            columns = (start + 2 * t * (1 if action else -1) + np.arange(6)) % 32
            clip[t, 6:26, columns] = 220
    return clips, actions


def test_classifier_learns_a_motion():
    keras.utils.set_random_seed(0)
    model = features.build_action_classifier(2)
    supervised.fit_classifier(model, *moving_bars(128, seed=0), epochs=10, seed=0)
    clips, actions = moving_bars(64, seed=1)
    logits = model(clips.astype(np.float32), training=False).numpy()
    assert np.mean(logits.argmax(axis=1) == actions) > 0.9


def test_training_depends_on_the_seed_alone():
    clips, actions = moving_bars(32, seed=0)

    def weights(seed):
        keras.utils.set_random_seed(0)
        model = features.build_content_embedding(2)
        supervised.fit_embedding(model, clips, actions, epochs=1, seed=seed)
        return np.concatenate([w.ravel() for w in model.get_weights()])

    np.testing.assert_allclose(weights(1), weights(1), atol=1e-5)
    batches = [
        supervised._clip_batch(clips, np.eye(2)[actions], np.arange(8), np.random.default_rng(s))[0]
        for s in (1, 1, 2)
    ]
    np.testing.assert_array_equal(batches[0], batches[1])
    assert np.abs(batches[0] - batches[2]).max() > 10


def test_augmentation_moves_all_frames_alike():
    rng = np.random.default_rng(0)
    clips = np.zeros((4, 16, 32, 32, 3), np.uint8)
    clips[:, :, 16, 16] = 255
    moved = supervised._shift(clips, np.arange(4), np.tile(np.arange(16), (4, 1)), rng)
    assert moved.shape == clips.shape
    assert (moved == moved[:, :1]).all()
    assert (moved.sum(axis=(2, 3, 4)) == 3 * 255).all()
    assert np.abs(np.argwhere(moved[:, 0, :, :, 0])[:, 1:] - 16).max() <= 2


def test_train_features_writes_what_load_reads(monkeypatch, tmp_path):
    clips, actions = moving_bars(40, seed=0)
    toy = datasets.Clips(clips, actions, np.arange(40) % 4, ("left", "right"), 10.0)
    monkeypatch.setattr(datasets, "load_actions", lambda *_, **__: toy)
    lines = []
    table = features.train_features(folder=tmp_path / "new", epochs=1, report=lines.append)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(features.FILES.values())
    assert list(table) == ["first", "second", "content"]
    assert all(0 <= value <= 1 for row in table.values() for value in row.values())
    assert len(lines) == 3
    model = keras.models.load_model(tmp_path / "new" / "action_classifier.keras", safe_mode=True)
    assert model.output_shape == (None, 2)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        features._save(model, tmp_path / "file" / "x.keras")
