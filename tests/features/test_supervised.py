"""Supervised training: what the batches show, and that networks learn from them by the seed alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vgcourse import datasets, features
from vgcourse.features import cnns, extract, joint_training, joints, supervised

KEEP = 0.9  # what label smoothing leaves to the right class


def numbered_clips(num_clips, num_frames, size=8):
    """Red says which clip, green which frame, the same at every pixel."""
    clips = np.zeros((num_clips, num_frames, size, size, 3), np.uint8)
    clips[..., 0] += np.arange(num_clips, dtype=np.uint8)[:, None, None, None]
    clips[..., 1] += np.arange(num_frames, dtype=np.uint8)[:, None, None]
    return clips


def smoothed(labels, num_classes):
    return np.eye(num_classes)[labels] * KEEP + (1 - KEEP) / num_classes


@pytest.fixture
def undegraded(monkeypatch):
    """The windows as they are cut, before colours, blur and noise; what was asked for is recorded."""
    asked = []
    monkeypatch.setattr(
        supervised, "_degrade", lambda clips, mix, shades, rng: asked.append((mix, shades)) or clips
    )
    return asked


# --- batches of the classifiers --------------------------------------------------------------------------


def test_a_batch_of_windows_with_one_in_eight_frozen_and_one_shuffled(undegraded):
    num_frames, classes = 20, 5
    clips = numbered_clips(200, num_frames)
    labels = np.random.default_rng(1).integers(0, classes, 200)
    given = smoothed(labels, classes)
    rows = np.random.default_rng(2).permutation(np.repeat(np.arange(200), 10))
    windows, (targets, _) = supervised._clip_batch(clips, given, rows, np.random.default_rng(0))
    kinds = {"whole": [], "frozen": [], "shuffled": []}
    for window, target, row in zip(windows[:, :, 0, 0], targets, rows, strict=True):
        assert (window[:, 0] == row).all()  # all frames are of the clip that was asked for
        times, start = window[:, 1].astype(int), None
        if (times == times[0]).all():
            kind = "frozen"
        elif (np.diff(times) % num_frames == 1).all():
            kind, start = "whole", times[0]
        else:
            kind = "shuffled"
            missing = np.setdiff1d(np.arange(num_frames), times)  # 4 frames in a row, in a loop
            assert len(missing) == 4
            assert any(set((first + np.arange(4)) % num_frames) == set(missing) for first in missing)
        kinds[kind].append(times[0] if start is None else start)
        wanted = given[row] if kind == "whole" else np.full(classes, 1 / classes)
        np.testing.assert_allclose(target, wanted)
    # Of 2,000, 250 each: five standard deviations are 74. Every frame begins some window.
    assert abs(len(kinds["frozen"]) - 250) < 74
    assert abs(len(kinds["shuffled"]) - 250) < 74
    assert set(kinds["whole"]) == set(kinds["frozen"]) == set(range(num_frames))
    np.testing.assert_array_equal(given, smoothed(labels, classes))  # the next epoch's targets are untouched


def test_colours_are_mixed_anew_for_every_clip(undegraded):
    clips = numbered_clips(300, 16)
    supervised._clip_batch(clips, np.eye(2)[[0] * 300], np.arange(300), np.random.default_rng(0))
    [(mix, shades)] = undegraded
    assert (mix.shape, shades.shape) == ((300, 3, 3), (300, 1, 3))
    assert (mix.std(axis=0) > 0.2).all()  # diagonal: uniform over 0.7 and a deviation of 0.25; beside: 0.25
    np.testing.assert_allclose(mix.mean(axis=0), np.eye(3) * 0.95, atol=0.1)
    assert (shades.std(axis=0) > 20).all()  # uniform in [-40, 40]: 23
    assert np.abs(shades).max() < 40


def test_motion_maps_are_means_of_blocks():
    windows = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 16, 3), dtype=np.uint8)
    windows[2] = windows[2, :1]  # frozen
    maps = supervised._motion_maps(windows)
    assert maps.shape == (3, 256)
    for window, found in zip(windows[:2], maps, strict=False):
        grey = window.mean(axis=-1)
        away = np.abs(grey - grey.mean(axis=0))
        blocks = [
            away[4 * q : 4 * q + 4, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2].mean()
            for q in range(4) for r in range(8) for c in range(8)
        ]  # fmt: skip
        np.testing.assert_allclose(found, 0.3 * np.array(blocks) / np.mean(blocks), rtol=1e-4)
    np.testing.assert_allclose(maps[2], 0, atol=1e-4)


def test_maps_are_drawn_of_the_windows_that_are_seen(undegraded):
    """Shifted, frozen and shuffled like the clip, or they would tell of another one."""
    clips = np.random.default_rng(3).integers(0, 256, (40, 20, 16, 16, 3), dtype=np.uint8)
    windows, (_, maps) = supervised._clip_batch(
        clips, np.eye(2)[[0] * 40], np.arange(40), np.random.default_rng(0)
    )
    np.testing.assert_allclose(maps, supervised._motion_maps(windows))
    assert 0 < (np.abs(maps).max(axis=1) < 1e-3).sum() < 15  # the frozen ones have none


# --- batches of the embedding ----------------------------------------------------------------------------


def test_a_batch_of_frames_keeps_colours_and_names_the_actor_of_each(undegraded):
    clips, rows = numbered_clips(200, 20), np.random.default_rng(0).permutation(200)[:150]
    given = smoothed(np.arange(200) % 7, 7)
    frames, targets = supervised._frame_batch(clips, given, rows, np.random.default_rng(1))
    assert frames.shape == (600, 8, 8, 3)
    seen = np.asarray(frames)[:, 0, 0]
    np.testing.assert_array_equal(seen[:, 0], np.repeat(rows, 4))
    np.testing.assert_array_equal(targets, given[np.repeat(rows, 4)])
    assert set(seen[:, 1]) == set(range(20))  # frames of the whole clip
    [(mix, shades)] = undegraded
    np.testing.assert_array_equal(mix, np.broadcast_to(np.eye(3), (150, 3, 3)))
    assert shades.shape == (150, 1, 1)  # lighter or darker, not another colour
    assert 5 < shades.std() < np.abs(shades).max() < 10


# --- augmentation ----------------------------------------------------------------------------------------


def test_a_shift_moves_all_frames_of_a_clip_alike_and_every_clip_elsewhere():
    size, rows, times = 32, np.repeat([2, 0, 1], 40), np.tile([3, 1, 5, 0], (120, 1))
    clips = numbered_clips(3, 6, size)
    clips[:, :, 16, 16, 2] = 255  # a blue dot in the middle
    moved = supervised._shift(clips, rows, times, np.random.default_rng(0))
    assert moved.shape == (120, 4, size, size, 3)
    assert (moved[..., 0] == rows[:, None, None, None]).all()
    assert (moved[..., 1] == times[:, :, None, None]).all()  # up to the edges, which are repeated
    dots = np.argwhere(moved[..., 2] == 255).reshape(120, 4, 4)  # of each frame: clip, time, row, column
    places = dots[:, :, 2:] - 16
    assert (places == places[:, :1]).all()
    drawn = {tuple(place) for place in places[:, 0]}
    assert {y for y, _ in drawn} == {x for _, x in drawn} == {-2, -1, 0, 1, 2}
    assert len(drawn) > 15  # the two axes apart: 25 places


class Draws:
    """A generator of random numbers that gives what it was told, in this order."""

    def __init__(self, blur, strength, seed=0):
        self.values, self.seed = [blur, strength], seed

    def uniform(self, low, high, size):
        assert low <= min(self.values[0]) <= max(self.values[0]) <= high
        return np.array(self.values.pop(0), float)

    def integers(self, *_):
        return np.array([self.seed, 1])


def degraded(clips, mix, shades, **draws):
    return supervised._degrade(clips, np.array(mix), np.array(shades), Draws(**draws)).numpy()


def test_every_clip_has_its_own_mix_of_colours():
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 256, (2, 3, 8, 8, 3), dtype=np.uint8)
    mix, shades = rng.normal(0, 0.7, (2, 3, 3)), rng.uniform(-40, 40, (2, 1, 3))
    found = degraded(clips, mix, shades, blur=[0, -0.5], strength=[0, 0])
    for k in range(2):
        expected = np.einsum("thwc,cd->thwd", clips[k] - 127.5, mix[k]) + shades[k, 0] + 127.5
        np.testing.assert_allclose(found[k], expected.clip(0, 255), atol=1e-3)


def test_blur_and_noise_are_drawn_for_every_clip():
    clips = np.zeros((3, 2, 16, 16, 3), np.uint8)
    clips[:, :, :, ::2] = 200  # stripes of one pixel: a blur makes them grey
    plain = np.tile(np.eye(3), (3, 1, 1)), np.zeros((3, 1, 3))
    blurred = degraded(clips, *plain, blur=[0, 0.5, 1], strength=[0, 0, 0])
    np.testing.assert_allclose(blurred[0], clips[0], atol=1e-3)
    np.testing.assert_allclose(blurred[1], clips[1] * 0.5 + 50, atol=1e-3)
    np.testing.assert_allclose(blurred[2], 100, atol=1e-3)
    noise = degraded(clips, *plain, blur=[0, 0, 0], strength=[0, 4, 12]) - clips
    np.testing.assert_allclose(noise[0], 0, atol=1e-3)
    for k, strength in ((1, 4), (2, 12)):
        assert abs(noise[k].std() / strength - 1) < 5 / np.sqrt(2 * noise[k].size)
        assert np.abs(noise[k, 0] - noise[k, 1]).max() > strength  # every frame has its own
    again, other = (degraded(clips, *plain, blur=[0] * 3, strength=[4] * 3, seed=s) for s in (0, 1))
    np.testing.assert_allclose((again - clips)[1], noise[1], atol=1e-3)
    assert np.abs(other - again).max() > 4


# --- training --------------------------------------------------------------------------------------------


@pytest.fixture
def eagerly():
    """Toy networks train faster than their training is compiled."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def toy_network(num_classes, shape=(16, 16, 16, 3)):
    """As small as can be, with the layers that training looks for."""
    clips = keras.Input(shape)
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Flatten()(clips / 255))
    x = keras.layers.Dense(8, name="features")(x)
    return keras.Model(clips, keras.layers.Dense(num_classes, name="logits")(x))


@pytest.mark.usefixtures("eagerly")
def test_every_epoch_sees_every_clip_once_in_a_new_order(monkeypatch):
    model, batches = toy_network(2, (8, 8, 3)), []
    clips = numbered_clips(70, 2, size=16)

    def frame_batch(clips, targets, rows, rng):
        batches.append(rows)
        assert (clips.shape, clips.dtype) == ((70, 2, 8, 8, 3), np.uint8)  # at the network's size
        np.testing.assert_array_equal(clips[:, 1, 0, 0], [[k, 1, 0] for k in range(70)])
        return clips[rows, 0].astype(np.float32), targets[rows]

    monkeypatch.setattr(supervised, "_frame_batch", frame_batch)
    supervised.fit_embedding(model, clips, np.arange(70) % 2, epochs=2, seed=4)
    assert [len(rows) for rows in batches] == [35] * 4  # 32 or a little more
    first, second = np.concatenate(batches[:2]), np.concatenate(batches[2:])
    assert sorted(first) == sorted(second) == list(range(70))
    assert (first != second).any()
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-6)  # the cosine has come down
    assert np.abs(model.get_layer("norm").moving_mean.numpy()).max() > 1e-3


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("fit", [supervised.fit_classifier, supervised.fit_embedding])
def test_training_depends_on_the_seed_alone(fit):
    clips, actions = moving_bars(40, seed=0, size=16)
    shape = (16, 16, 16, 3) if fit is supervised.fit_classifier else (16, 16, 3)

    def weights(seed):
        keras.utils.set_random_seed(0)
        model = toy_network(2, shape)
        before = [w.copy() for w in model.get_weights()]
        fit(model, clips, actions, epochs=2, seed=seed)
        after = model.get_weights()  # trained in place, batch statistics too
        assert all(np.abs(a - b).max() > 1e-4 for a, b in zip(after, before, strict=True))
        return np.concatenate([w.ravel() for w in after])

    first = weights(1)
    np.testing.assert_allclose(weights(1), first, atol=1e-5)
    assert np.abs(weights(2) - first).max() > 1e-3


def test_what_the_networks_are_asked_for(monkeypatch):
    """Smoothed one-hot rows of the right labels, and for classifiers the maps beside them."""
    asked = []

    def fit(model, losses, clips, targets, make_batch, *, epochs, seed):
        asked.append((len(model.outputs), targets, make_batch, epochs, seed))
        loss = losses[0] if isinstance(losses, list) else losses
        # Of logits 0 and log 3 the second is right: -log 3/4.
        assert float(loss(np.array([[0.0, 1.0]]), np.log([[1.0, 3.0]]))) == pytest.approx(np.log(4 / 3))
        if isinstance(losses, list):
            assert float(losses[1](np.zeros((1, 2)), np.array([[1.0, 3.0]]))) == 5.0

    monkeypatch.setattr(supervised, "_fit", fit)
    labels = np.array([2, 0, 1, 2])
    supervised.fit_classifier(toy_network(3), np.zeros(1), labels, epochs=5, seed=6)
    supervised.fit_embedding(toy_network(3), np.zeros(1), labels, epochs=7, seed=8)
    for outputs, make_batch, (num_outputs, targets, used, *_) in zip(
        (2, 1), (supervised._clip_batch, supervised._frame_batch), asked, strict=True
    ):
        assert (num_outputs, used) == (outputs, make_batch)
        np.testing.assert_allclose(targets, smoothed(labels, 3), rtol=1e-6)
    assert [call[3:] for call in asked] == [(5, 6), (7, 8)]


def moving_bars(num_clips, seed, size=32):
    """Two toy actions that no single frame tells apart: a bright bar going right, or going left."""
    rng = np.random.default_rng(seed)
    actions = np.arange(num_clips) % 2
    clips = np.full((num_clips, 16, size, size, 3), 60, np.uint8)
    for clip, action in zip(clips, actions, strict=True):
        start = rng.integers(size)
        for t in range(16):
            columns = (start + size // 16 * t * (1 if action else -1) + np.arange(size // 5)) % size
            clip[t, size // 5 : -size // 5, columns] = 220
    return clips, actions


@pytest.mark.slow
def test_classifier_learns_a_motion():
    keras.utils.set_random_seed(0)
    model = cnns.build_action_classifier(2, size=16)
    supervised.fit_classifier(model, *moving_bars(128, seed=0, size=16), epochs=10, seed=0)
    clips, actions = moving_bars(64, seed=1, size=16)
    logits = model(clips.astype(np.float32), training=False).numpy()
    assert np.mean(logits.argmax(axis=1) == actions) > 0.9


# --- all three networks ----------------------------------------------------------------------------------


@pytest.fixture
def toy_set(monkeypatch):
    """Two actions of four actors, numbered 3, 5, 8 and 9; the calls that loaded them."""
    clips, actions = moving_bars(40, seed=0)
    toy = datasets.Clips(
        clips, actions, np.array([3, 5, 8, 9])[np.arange(40) // 2 % 4], ("left", "right"), 10.0
    )
    calls = []
    monkeypatch.setattr(
        datasets, "load_actions", lambda split, **settings: calls.append((split, settings)) or toy
    )
    return toy, calls


def test_train_features_trains_each_network_for_its_own_question(monkeypatch, tmp_path, toy_set):
    toy, calls = toy_set
    fitted, lines = [], []

    def fit(model, clips, labels, *, epochs, seed):
        fitted.append((model.name, labels.tolist(), epochs, seed, model.get_weights()[0]))

    def fit_joints(model, clips, *, epochs, seed):
        assert clips is toy
        fitted.append((model.name, None, epochs, seed, model.get_weights()[0]))

    monkeypatch.setattr(supervised, "fit_classifier", fit)
    monkeypatch.setattr(supervised, "fit_embedding", fit)
    monkeypatch.setattr(joint_training, "fit_joint_finder", fit_joints)
    monkeypatch.setattr(
        joint_training, "measure_limits", lambda model, size: dict.fromkeys(joints.JOINTS, size)
    )
    monkeypatch.setattr(supervised, "_held_out", lambda model, split: len(split) / 100)
    table = features.train_features(folder=tmp_path / "new", epochs=3, seed=7, report=lines.append)
    names = ("first", "second", "content", "joints")
    assert table == {name: {"validation": 0.1, "test": 0.04} for name in names}
    assert lines[1] == "second_classifier.keras: validation 0.100, test 0.040"
    assert calls == [("train", {"size": 64, "num_frames": 20})]
    places = (np.arange(40) // 2 % 4).tolist()  # of the actors among those that there are
    expected = [
        ("action_classifier", toy.actions.tolist(), 3, 7),
        ("second_classifier", toy.actions.tolist(), 3, 8),
    ]
    expected += [("content_embedding", places, 3, 9), ("joint_finder", None, 3, 10)]
    assert [call[:4] for call in fitted] == expected
    shapes = (2,), (2,), (4,), (9, 1024)
    for (name, *_, weights), file, shape in zip(fitted, extract.FILES.values(), shapes, strict=True):
        model = keras.models.load_model(tmp_path / "new" / file, safe_mode=True)
        assert (model.name, model.output_shape) == (name, (None, *shape))
        np.testing.assert_array_equal(model.get_weights()[0], weights)
    keras.utils.set_random_seed(8)
    np.testing.assert_array_equal(fitted[1][4], cnns.build_second_classifier(2).get_weights()[0])
    limits = joints._read_limits(tmp_path / "new" / "joint_finder.json")
    assert {size: values.tolist() for size, values in limits.items()} == {32: [32] * 9, 64: [64] * 9}
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        supervised._save(model, tmp_path / "file" / "x.keras")


def test_one_network_may_be_trained_alone(monkeypatch, tmp_path, toy_set):
    """As it would be among all: with the same seed; the others' files are not looked at."""
    seeds = []
    monkeypatch.setattr(supervised, "fit_embedding", lambda *_, epochs, seed: seeds.append(seed))
    monkeypatch.setattr(supervised, "_held_out", lambda model, split: 0.5)
    (tmp_path / extract.FILES["first"]).write_text("somebody's own")
    table = features.train_features(
        folder=tmp_path, epochs=1, seed=7, networks=("content",), report=lambda line: None
    )
    assert (list(table), seeds) == (["content"], [9])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["action_classifier.keras", "content_embedding.keras"]
    with pytest.raises(ValueError, match="networks: expected one of first, second, .* received 'third'"):
        features.train_features(folder=tmp_path, networks=("third",))


@pytest.mark.parametrize("file", [*extract.FILES.values(), "joint_finder.json"])
def test_a_file_that_is_no_such_network_is_not_written_over(tmp_path, toy_set, file):
    keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)], name="mine").save(tmp_path / "mine.keras")
    shipped = [extract.checkpoint_path(which) for which in extract.FILES]
    for path in shipped:
        supervised._check_own(path, supervised._network_in)
    supervised._check_own(shipped[-1].with_suffix(".json"), supervised._limits_of)
    for content in (b"", b"text", (tmp_path / "mine.keras").read_bytes()):
        (tmp_path / file).write_bytes(content)
        with pytest.raises(ValueError, match=f"{file}: there is another file of this name"):
            features.train_features(folder=tmp_path, epochs=1)
        assert (tmp_path / file).read_bytes() == content
    assert toy_set[1] == []  # before any work


@pytest.mark.slow
def test_train_features_in_full(tmp_path, toy_set):
    networks = ("first", "second", "content")  # the toys have no joints
    table = features.train_features(folder=tmp_path, epochs=1, networks=networks, report=lambda line: None)
    assert list(table) == ["first", "second", "content"]
    assert all(0 <= value <= 1 for row in table.values() for value in row.values())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(extract.FILES[n] for n in networks)


def test_networks_are_read_again_after_a_training(tmp_path, monkeypatch):
    """What was loaded before must not answer for what has just been written."""
    monkeypatch.setattr(extract, "data_folder", lambda: tmp_path)
    extract.forget_networks()
    try:
        for num_classes in (3, 5):
            supervised._save(toy_network(num_classes), extract.checkpoint_path("first"))
            assert features.load_action_classifier().output_shape == (None, num_classes)
    finally:
        extract.forget_networks()


def test_held_out_actions_are_counted(monkeypatch):
    clips = np.zeros((4, 16, 8, 8, 3), np.uint8) + np.array([10, 20, 30, 40], np.uint8).reshape(4, 1, 1, 1, 1)
    toy = datasets.Clips(clips, np.array([0, 1, 1, 1]), np.arange(4), ("a", "b"), 10.0)
    calls = []
    monkeypatch.setattr(
        datasets, "load_actions", lambda split, **settings: calls.append((split, settings)) or toy
    )
    inputs = keras.Input((16, 8, 8, 3))
    level = keras.ops.mean(inputs, axis=(1, 2, 3, 4))[:, None]
    model = keras.Model(inputs, keras.ops.concatenate([level, level * 0 + 25], axis=1))
    assert supervised._held_out(model, "test") == 0.25  # over 25 is called 0: right for the second
    assert calls == [("test", {"size": 64, "num_frames": 16})]


def test_held_out_actors_are_looked_for_in_other_actions(monkeypatch):
    """Colour levels as features; the nearest clip of the same action is no answer, though it is nearer."""
    levels = np.array([10, 11, 60, 12, 58, 90], np.uint8)
    clips = np.zeros((6, 16, 8, 8, 3), np.uint8) + levels.reshape(6, 1, 1, 1, 1)
    clips[..., 0] = 0
    toy = datasets.Clips(clips, np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 0, 2, 1]), ("a", "b"), 10.0)
    monkeypatch.setattr(datasets, "load_actions", lambda *_, **__: toy)
    inputs = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D(name="features")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(pooled))
    # Nearest in the other action: 12, 12, 58 | 11, 60, 60. Actors 0, 0, 2 | 1, 2, 2 for 0, 1, 2 | 0, 2, 1.
    assert supervised._held_out(model, "test") == 3 / 6
