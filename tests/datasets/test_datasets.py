"""Datasets, shards and collecting: oracles are NumPy arrays, counted numbers and videos made here."""

import csv
import hashlib
import itertools
import json
import os
import re
import sys
import types

import av
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from vgcourse import datasets, preprocess, video
from vgcourse.datasets import (
    Clips,
    clips_from_folder,
    folders,
    load_actions,
    load_clips,
    make_dataset,
    save_clips,
)


def some_clips(num_clips=11, num_frames=6, size=3, seed=0):
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (num_clips, num_frames, size, size, 3), dtype=np.uint8)
    labels = np.arange(num_clips)
    return Clips(frames, labels % 3, labels, ("walk", "run", "hop"), 10.0, [f"{i}.mp4" for i in labels])


def assert_same(received, expected):
    for name in ("clips", "actions", "actors"):
        np.testing.assert_array_equal(getattr(received, name), getattr(expected, name))
        assert getattr(received, name).dtype == getattr(expected, name).dtype
    for name in ("action_names", "fps", "files"):
        assert getattr(received, name) == getattr(expected, name)


def batches(*args, count, **kwargs):
    return list(itertools.islice(make_dataset(*args, **kwargs).as_numpy_iterator(), count))


# ---- Clips -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"clips": np.zeros((2, 3, 4, 4, 3), np.float32)}, "float32"),
        ({"clips": np.full((2, 3, 4, 4, 3), np.nan)}, "float64"),
        ({"clips": np.zeros((2, 4, 4, 3), np.uint8)}, r"\(2, 4, 4, 3\)"),
        ({"clips": np.zeros((2, 3, 4, 4, 1), np.uint8)}, r"\(2, 3, 4, 4, 1\)"),
        ({"clips": np.zeros((2, 0, 4, 4, 3), np.uint8)}, r"\(2, 0, 4, 4, 3\)"),
        ({"clips": [[1, 2]]}, "list"),
        ({"actions": [0, 2]}, "received 0 to 2"),
        ({"actions": [-1, 0]}, "received -1 to 0"),
        ({"actions": [0, 1, 0]}, r"\(3,\)"),
        ({"actions": [0.0, 1.0]}, "float64"),
        ({"actors": [1]}, r"actors .* \(1,\)"),
        ({"files": ["one.mp4"]}, "received 1"),
        ({"fps": float("nan")}, "fps must be .* received nan"),
        ({"fps": -1}, "fps must be .* received -1"),
        ({"fps": "10"}, "fps must be .* received '10'"),
        ({"action_names": ("walk", "walk")}, "different from each other.*'walk', 'walk'"),
        ({"action_names": "walk"}, "tuple of texts; received 'walk'"),
        ({"action_names": (1, 2)}, r"tuple of texts; received \(1, 2\)"),
    ],
)
def test_clips_say_what_is_wrong_with_arrays(change, words):
    good = {"clips": np.zeros((2, 3, 4, 4, 3), np.uint8), "actions": [0, 1], "actors": [-1, -1]}
    assert len(Clips(**good, action_names=("walk", "run"), fps=10.0)) == 2
    with pytest.raises(ValueError, match=words):
        Clips(**{**good, "action_names": ("walk", "run"), "fps": 10.0, **change})


def test_select_and_only_keep_labels_with_clips():
    clips = some_clips()
    chosen = clips.only("hop", "walk")
    assert chosen.action_names == ("hop", "walk")
    assert chosen.actors.tolist() == [0, 2, 3, 5, 6, 8, 9]
    assert chosen.actions.tolist() == [1, 0, 1, 0, 1, 0, 1]
    np.testing.assert_array_equal(chosen.clips, clips.clips[chosen.actors])
    assert clips.select([4, 1]).files == ("4.mp4", "1.mp4")
    with pytest.raises(ValueError, match="unknown action.*'fly'"):
        clips.only("fly")
    with pytest.raises(ValueError, match="indices: expected places of 11 clips, received.*99"):
        clips.select([99])


def test_concatenate_is_the_inverse_of_select():
    clips = some_clips()
    assert_same(datasets.concatenate([clips.select(slice(0, 4)), clips.select(slice(4, None))]), clips)
    with pytest.raises(ValueError, match="expected .*6, 3, 3, 3.* received .*6, 2, 2, 3"):
        datasets.concatenate([clips, some_clips(size=2)])
    with pytest.raises(ValueError, match="at least one part to join, received none"):
        datasets.concatenate([])
    with pytest.raises(ValueError, match="expected Clips.* received a ndarray"):
        datasets.concatenate([clips, clips.clips])


# ---- shards ----------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 4)] * 4),
    shard_bytes=st.integers(1, 500),
    seed=st.integers(0, 2**32 - 1),
    file=st.text(st.characters(blacklist_categories=["Cs"]), max_size=8),
)
def test_a_store_gives_back_what_it_was_given(tmp_path_factory, shape, shard_bytes, seed, file):
    rng = np.random.default_rng(seed)
    clips = Clips(
        rng.integers(0, 256, (*shape, 3), dtype=np.uint8),
        rng.integers(0, 2, shape[0]),
        rng.integers(-1, 2**31 - 1, shape[0]),
        ("läuft", "a/b"),
        29.97,
        (file,) * shape[0] if file else (),
    )
    folder = tmp_path_factory.mktemp("store") / "née"
    save_clips(folder, clips, shard_bytes=shard_bytes)
    assert_same(load_clips(folder), clips)
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    per_shard = -(-shard_bytes // clips.clips[0].nbytes)
    assert len(index["shards"]) == -(-shape[0] // per_shard)


def test_parts_are_saved_as_they_come_and_none_is_saved_when_one_fails(tmp_path):
    clips = some_clips()
    save_clips(tmp_path / "a", (clips.select([i]) for i in range(11)), shard_bytes=100)
    assert_same(load_clips(tmp_path / "a"), clips)

    def breaks():
        yield clips
        raise ValueError("camera fell over")

    with pytest.raises(ValueError, match="camera fell over"):
        save_clips(tmp_path / "a", breaks(), overwrite=True)
    with pytest.raises(ValueError, match="one kind"):
        save_clips(tmp_path / "b", [clips, some_clips(size=2)])
    with pytest.raises(ValueError, match="received none"):
        save_clips(tmp_path / "b", [])
    with pytest.raises(ValueError, match="expected Clips, or an iterable of Clips, received a ndarray"):
        save_clips(tmp_path / "b", clips.clips)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert_same(load_clips(tmp_path / "a"), clips)


def test_saving_replaces_only_a_store_and_only_when_told(tmp_path):
    store, other = tmp_path / "store", tmp_path / "thesis"
    save_clips(store, some_clips(seed=1))
    with pytest.raises(ValueError, match="overwrite=True"):
        save_clips(store, some_clips(seed=2))
    assert_same(load_clips(store), some_clips(seed=1))
    save_clips(store, some_clips(seed=2), overwrite=True)
    assert_same(load_clips(store), some_clips(seed=2))
    other.mkdir()
    save_clips(other, some_clips())  # empty: nothing is lost
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="holds other files"):
        save_clips(tmp_path / "full", some_clips(), overwrite=True)
    assert (tmp_path / "full" / "thesis.txt").read_text() == "years of work"


def test_other_peoples_files_are_never_replaced(tmp_path):
    """A folder with an index.json may be anything; a store may have got notes beside it."""
    website, store = tmp_path / "website", tmp_path / "store"
    website.mkdir()
    (website / "index.json").write_text('{"pages": 3}')
    (website / "home.html").write_text("hello")
    save_clips(store, some_clips(seed=1))
    (store / "notes.txt").write_text("which camera")
    for folder, name in ((website, "home.html, index.json"), (store, "notes.txt")):
        before = {path: path.read_bytes() for path in folder.iterdir()}
        with pytest.raises(ValueError, match=rf"{folder.name}: .* holds other files \({name}\)"):
            save_clips(folder, some_clips(seed=2), overwrite=True)
        assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert_same(load_clips(store), some_clips(seed=1))


def test_the_old_store_comes_back_if_the_new_one_cannot_be_put_there(tmp_path, monkeypatch):
    store, rename, calls = save_clips(tmp_path / "store", some_clips(seed=1)), os.replace, []

    def fails_once(source, target):
        calls.append(source)
        if len(calls) == 2:
            raise OSError("the disk is gone for a moment")
        rename(source, target)

    monkeypatch.setattr(os, "replace", fails_once)
    with pytest.raises(ValueError, match="gone for a moment"):
        save_clips(store, some_clips(seed=2), overwrite=True)
    assert len(calls) == 3
    assert_same(load_clips(store), some_clips(seed=1))
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="store"):
        save_clips(tmp_path / "file" / "store", some_clips())

    def full_disk(*args):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.io, "TFRecordWriter", full_disk)
    with pytest.raises(ValueError, match="store.*No space left"):
        save_clips(tmp_path / "store", some_clips())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing"])
def test_a_corrupted_shard_is_named_with_both_checksums(tmp_path, damage):
    save_clips(tmp_path / "store", some_clips(), shard_bytes=300)
    shard = tmp_path / "store" / "shard-00001.tfrecord"
    content = bytearray(shard.read_bytes())
    words = ["shard-00001.tfrecord", hashlib.sha256(content).hexdigest()]
    if damage == "missing":
        shard.unlink()
        words[1] = "no such file"
    else:
        content[100] ^= 1
        shard.write_bytes(content if damage == "flipped" else content[:-50])
        words.append(hashlib.sha256(shard.read_bytes()).hexdigest())
    for use in (load_clips, lambda folder: make_dataset(folder, batch_size=2, seed=0)):
        with pytest.raises(ValueError, match="shard-00001") as error:
            use(tmp_path / "store")
        assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("index", ["", "[]", "{}", '{"format": "another"}', None])
def test_a_store_without_a_good_index_is_named(tmp_path, index):
    save_clips(tmp_path / "store", some_clips())
    path = tmp_path / "store" / "index.json"
    path.unlink()
    if index is not None:
        path.write_text(index)
    with pytest.raises(ValueError, match=r"store.*index\.json|index\.json"):
        load_clips(tmp_path / "store")


INDEX_DAMAGE = {
    "no shards": {"shards": [], "num_clips": 0},
    "shards null": {"shards": None},
    "shape swapped": {"clip_shape": [3, 6, 3, 3]},
    "four channels": {"clip_shape": [6, 3, 3, 4]},
    "shape is text": {"clip_shape": "abc"},
    "shape with a fraction": {"clip_shape": [6.0, 3, 3, 3]},
    "more clips": {"num_clips": 12},
    "a name less": {"action_names": ["walk", "run"]},
    "a name twice": {"action_names": ["walk", "run", "run"]},
    "names null": {"action_names": None},
    "rate is text": {"fps": "x"},
    "rate is zero": {"fps": 0},
}


ONLY_THE_CHECKSUM_TELLS = ("shape swapped", "a name less")


@pytest.mark.parametrize(
    ("kind", "checksum"),
    [(kind, True) for kind in INDEX_DAMAGE]
    + [(kind, False) for kind in INDEX_DAMAGE if kind not in ONLY_THE_CHECKSUM_TELLS],
)
def test_a_damaged_index_is_named(tmp_path, kind, checksum):
    path = save_clips(tmp_path / "store", some_clips()) / "index.json"
    index = json.loads(path.read_text(encoding="utf-8")) | INDEX_DAMAGE[kind]
    if not checksum:
        del index["sha256"]
    path.write_text(json.dumps(index), encoding="utf-8")
    for use in (load_clips, lambda folder: make_dataset(folder, batch_size=2, seed=0)):
        with pytest.raises(ValueError, match=r"store.index\.json: expected a store's index.*received"):
            use(tmp_path / "store")


@pytest.mark.parametrize("field", ["file", "num_clips", "num_bytes", "sha256"])
def test_a_shard_without_a_field_is_a_damaged_index(tmp_path, field):
    path = save_clips(tmp_path / "store", some_clips()) / "index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    del index["sha256"], index["shards"][0][field]
    path.write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(ValueError, match=r"index\.json: expected a store's index.*received"):
        load_clips(tmp_path / "store")


def test_a_store_written_before_indices_had_checksums_is_read(tmp_path):
    path = save_clips(tmp_path / "store", some_clips()) / "index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    del index["sha256"]
    path.write_text(json.dumps(index), encoding="utf-8")
    assert_same(load_clips(tmp_path / "store"), some_clips())


# ---- batches ---------------------------------------------------------------------------------------------


@pytest.fixture(params=["array", "store", "store in blocks"])
def source(request, tmp_path, monkeypatch):
    """11 clips in memory, or in 4 shards; their first pixel tells them apart."""
    clips = some_clips()
    clips.clips[:, :, 0, 0, 0] = np.arange(11)[:, None]
    clips.clips[:, :, 0, 0, 1] = np.arange(6)  # and the next channel the frames
    if request.param == "array":
        return clips
    if request.param == "store in blocks":
        monkeypatch.setattr(datasets, "BLOCK_BYTES", 4 * clips.clips[0].nbytes)
    return str(save_clips(tmp_path / "store", clips, shard_bytes=3 * clips.clips[0].nbytes))


def seen(clips):
    """Which clips, and which frames, a batch holds."""
    pixels = preprocess.to_uint8(clips)[:, :, 0, 0]
    return pixels[:, 0, 0], pixels[:, :, 1]


def test_batches_are_the_clips_in_model_range(source):
    [(clips, actions)] = batches(source, batch_size=11, seed=0, shuffle=False, count=5)
    expected = load_clips(source) if isinstance(source, str) else source
    np.testing.assert_array_equal(clips, preprocess.to_model_range(expected.clips))
    np.testing.assert_array_equal(actions, expected.actions)
    assert (clips.dtype, actions.dtype) == (np.float32, np.int32)


def test_every_byte_converts_as_in_preprocess():
    ramp = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 1, 16, 16, 3)
    [(clips, _)] = batches(ramp, batch_size=1, seed=0, shuffle=False, count=1)
    np.testing.assert_array_equal(clips, preprocess.to_model_range(ramp))


def test_a_single_pass_is_in_order_and_ends(source):
    passed = batches(source, batch_size=4, seed=0, shuffle=False, num_frames=2, count=99)
    assert [len(clips) for clips, _ in passed] == [4, 4, 3]
    which, frames = seen(np.concatenate([clips for clips, _ in passed]))
    assert which.tolist() == list(range(11))
    assert (frames == [0, 1]).all()
    rest = batches(source, batch_size=4, seed=0, shuffle=False, num_frames=2, start_step=2, count=99)
    assert [seen(clips)[0].tolist() for clips, _ in rest] == [[8, 9, 10]]


def test_every_epoch_has_every_clip_once_in_another_order(source):
    drawn = batches(source, batch_size=4, seed=3, count=11)  # 44 draws: 4 epochs
    which = np.concatenate([seen(clips)[0] for clips, _ in drawn]).reshape(4, 11)
    assert (np.sort(which, axis=1) == np.arange(11)).all()
    assert len({tuple(epoch) for epoch in which}) == 4
    assert np.concatenate([actions for _, actions in drawn]).tolist() == (which % 3).ravel().tolist()


def test_windows_in_time_are_whole_and_start_anywhere(source):
    drawn = batches(source, batch_size=10, seed=3, num_frames=3, count=20)
    _, frames = seen(np.concatenate([clips for clips, _ in drawn]))
    assert (np.diff(frames, axis=1) == 1).all()
    counts = np.bincount(frames[:, 0], minlength=4)
    assert len(counts) == 4  # starts 0 to 3
    assert counts.min() > 30  # 50 each of 200 are expected; 30 is over 3 sigma away


@pytest.mark.parametrize("start_step", [1, 2, 3, 7])
def test_resumed_batches_are_those_that_would_have_come(source, start_step):
    kwargs = {"batch_size": 4, "seed": 5, "num_frames": 4}
    tf.random.set_seed(1)
    whole = batches(source, count=10, **kwargs)
    tf.random.set_seed(2)  # other state must not matter
    resumed = batches(source, count=10 - start_step, start_step=start_step, **kwargs)
    for expected, received in zip(whole[start_step:], resumed, strict=True):
        np.testing.assert_array_equal(received[0], expected[0])
        np.testing.assert_array_equal(received[1], expected[1])


def test_the_seed_decides(source):
    first = [seen(batches(source, batch_size=11, seed=seed, count=1)[0][0])[0].tolist() for seed in (1, 1, 2)]
    assert first[0] == first[1] != first[2]


def test_static_shapes_are_known(source):
    clips, actions = make_dataset(source, batch_size=4, seed=0, num_frames=2).element_spec
    assert (clips.shape.as_list(), actions.shape.as_list()) == ([4, 2, 3, 3, 3], [4])


def test_arrays_take_labels():
    clips = some_clips()
    [(_, actions)] = batches(clips.clips, clips.actions, batch_size=11, seed=0, shuffle=False, count=9)
    assert actions.tolist() == clips.actions.tolist()
    with pytest.raises(ValueError, match="labels go with an array"):
        make_dataset(clips, clips.actions, batch_size=1, seed=0)
    for labels, received in (["a"] * 11, "<U1"), ([0.5] * 11, "float64"):
        with pytest.raises(ValueError, match=f"labels: expected integers .*received {received}"):
            make_dataset(clips.clips, labels, batch_size=1, seed=0)


def test_a_pass_in_order_needs_no_seed(source):
    [(clips, _)] = batches(source, batch_size=11, seed=None, shuffle=False, count=9)
    assert seen(clips)[0].tolist() == list(range(11))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch_size": 12}, "batch_size: expected an integer, 1 to 11.*received 12"),
        ({"batch_size": 0}, "received 0"),
        ({"batch_size": 2.0}, r"batch_size.*received 2\.0"),
        ({"batch_size": "2"}, "batch_size.*received '2'"),
        ({"batch_size": None}, "batch_size.*received None"),
        ({"batch_size": True}, "batch_size.*received True"),
        ({"num_frames": 7}, "num_frames: expected an integer, 1 to 6.*received 7"),
        ({"num_frames": 2.0}, r"num_frames.*received 2\.0"),
        ({"start_step": -1}, "start_step.*received -1"),
        ({"start_step": 1.5}, r"start_step.*received 1\.5"),
        ({"seed": None}, "seed: expected an integer.*received None"),
        ({"seed": 1.5}, r"seed.*received 1\.5"),
        ({"seed": "x"}, "seed.*received 'x'"),
        ({"seed": 2**70}, f"seed.*received {2**70}"),
    ],
)
def test_settings_that_do_not_fit_the_clips(source, change, words):
    with pytest.raises(ValueError, match=words):
        make_dataset(source, **{"batch_size": 2, "seed": 0, **change})


def test_arrays_that_are_no_clips(tmp_path):
    for wrong, words in [
        (np.zeros((3, 2, 4, 4, 3), np.float32), "float32"),
        (np.zeros((3, 4, 4, 3), np.uint8), r"\(3, 4, 4, 3\)"),
        (tmp_path / "nothing here", "nothing here"),
    ]:
        with pytest.raises(ValueError, match=words):
            make_dataset(wrong, batch_size=1, seed=0)
    with pytest.raises(ValueError, match="received -1"):
        make_dataset(some_clips().clips, np.full(11, -1), batch_size=1, seed=0)


# ---- a folder of videos ----------------------------------------------------------------------------------


def write_counting_video(path, num_frames=20, *, shades=None, size=32):
    """A video whose frames are of one grey, which grows by 3 a frame; `shades` gives other greys."""
    shades = 3 * np.arange(num_frames) if shades is None else np.asarray(shades)
    path.parent.mkdir(parents=True, exist_ok=True)
    clip = np.broadcast_to(shades[:, None, None, None], (len(shades), size, size, 3)).astype(np.uint8)
    video.write_video(path, clip, fps=25)


def write_sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_subfolders_are_labels_and_frames_follow_each_other(tmp_path):
    write_counting_video(tmp_path / "Spaß & 走る" / "été 1.mp4")
    write_counting_video(tmp_path / "walk" / "deep" / "UPPER.MP4")
    write_counting_video(tmp_path / "top.mp4", 9)
    write_counting_video(tmp_path / "walk" / ".hidden.mp4")
    write_counting_video(tmp_path / ".trash" / "old.mp4")
    (tmp_path / "walk" / "notes.txt").write_text("not a video")
    clips, report = clips_from_folder(tmp_path, size=16, num_frames=8)
    assert clips.action_names == tuple(sorted(["Spaß & 走る", "walk", tmp_path.name]))
    labels = [clips.action_names[action] for action in clips.actions]
    assert labels == ["Spaß & 走る"] * 2 + [tmp_path.name] + ["walk"] * 2
    assert clips.clips.shape == (5, 8, 16, 16, 3)
    assert (clips.fps, clips.actors.tolist()) == (25.0, [-1] * 5)
    greys = clips.clips.mean(axis=(2, 3, 4))
    np.testing.assert_allclose(greys[:2].ravel(), 3 * np.arange(16), atol=3)
    assert [row[1:] for row in report] == [("read", "", 2), ("read", "", 1), ("read", "", 2)]
    assert [os.path.basename(row.file) for row in report] == ["été 1.mp4", "top.mp4", "UPPER.MP4"]
    assert clips.files[-1] == os.path.join("walk", "deep", "UPPER.MP4")


def test_a_folder_without_subfolders_is_one_label(tmp_path):
    write_counting_video(tmp_path / "cats" / "a.mp4")
    clips, _ = clips_from_folder(tmp_path / "cats", size=8, num_frames=20)
    assert clips.action_names == ("cats",)


def test_fps_is_resampled(tmp_path):
    write_counting_video(tmp_path / "a.mp4", 50)
    clips, _ = clips_from_folder(tmp_path, size=8, num_frames=20, fps=10)
    assert (len(clips), clips.fps) == (1, 10.0)
    # At k / 10 s a player shows source frame floor(2.5 k).
    np.testing.assert_allclose(clips.clips.mean(axis=(2, 3, 4))[0], 3 * (np.arange(20) * 5 // 2), atol=3)


@pytest.fixture
def mixed_folder(tmp_path):
    """Two good videos among everything that can be wrong with one."""
    folder = tmp_path / "mixed"
    write_counting_video(folder / "good 1.mp4")
    write_counting_video(folder / "good 2.mp4")
    write_counting_video(folder / "short.mp4", 5)
    whole = (folder / "good 1.mp4").read_bytes()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("this is a letter, not a video\n" * 50)
    (folder / "directory.mp4").mkdir()
    (folder / "missing.mp4").symlink_to(folder / "gone.mp4")
    write_sound(folder / "sound.mp4")
    return folder


def test_bad_files_are_skipped_and_reported(mixed_folder):
    clips, report = clips_from_folder(mixed_folder, size=8, num_frames=10)
    assert clips.files == ("good 1.mp4",) * 2 + ("good 2.mp4",) * 2
    reasons = {row.file: row.reason for row in report if row.status == "skipped"}
    words = {
        "short.mp4": "expected 10 frames.*fewer",
        "truncated.mp4": "cut short",
        "empty.mp4": "empty",
        "text.mp4": "expected a video",
        "directory.mp4": "directory",
        "missing.mp4": "there is no",
        "sound.mp4": "sound only",
    }
    assert reasons.keys() == words.keys()
    for file, word in words.items():
        assert file in reasons[file]
        assert re.search(word, reasons[file]), reasons[file]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_no_text_can_be_saved(tmp_path):
    write_counting_video(tmp_path / "good.mp4")
    folder = os.fsencode(tmp_path / "videos") + b"/caf\xe9"
    os.makedirs(folder)
    os.rename(tmp_path / "good.mp4", folder + b"/\xff.mp4")
    with open(folder + b"/\xfe.mp4", "w"):
        pass
    clips, report = clips_from_folder(tmp_path / "videos", size=8, num_frames=20)
    assert (clips.action_names, clips.files) == (("caf?",), ("caf?/?.mp4",))
    assert sorted(row.status for row in report) == ["read", "skipped"]
    save_clips(tmp_path / "store", clips)
    assert_same(load_clips(tmp_path / "store"), clips)


def test_nothing_usable_lists_the_reasons(mixed_folder, tmp_path):
    for good in mixed_folder.glob("good*"):
        good.unlink()
    with pytest.raises(ValueError, match=r"(?s)7 unusable.*short\.mp4.*text\.mp4"):
        clips_from_folder(mixed_folder, size=8, num_frames=10)
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match=r"expected a path \(text\), received None"):
        clips_from_folder(None, size=8, num_frames=10)
    wrong = {"none": "received none", "nowhere": "no such folder", "mixed/short.mp4": "a file"}
    for folder, words in wrong.items():
        with pytest.raises(ValueError, match=words):
            clips_from_folder(tmp_path / folder, size=8, num_frames=10)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"size": True},
        {"num_frames": 0},
        {"num_frames": 2.5},
        {"fps": 0},
        {"fps": "10"},
        {"fps": True},
    ],
)
def test_settings_are_checked_before_any_video_is_read(tmp_path, wrong):
    write_counting_video(tmp_path / "a.mp4")
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be.*received"):
        clips_from_folder(tmp_path, **{"size": 8, "num_frames": 4, **wrong})


@pytest.mark.parametrize(
    "suffix", ["3gp", "3g2", "mts", "m2ts", "ts", "flv", "ogv", "vob", "asf", "mpe", "webp"]
)
def test_what_cameras_and_players_write_is_never_passed_over(tmp_path, suffix):
    """FFmpeg goes by the content, so that any content will do here."""
    write_counting_video(tmp_path / "video.mp4")
    os.rename(tmp_path / "video.mp4", tmp_path / f"video.{suffix.upper()}")
    (tmp_path / f"broken.{suffix}").write_text("this is no video\n" * 50)
    _, report = clips_from_folder(tmp_path, size=8, num_frames=4)
    assert [(row.file, row.status) for row in report] == [
        (f"broken.{suffix}", "skipped"),
        (f"video.{suffix.upper()}", "read"),
    ]


def test_a_label_without_a_usable_video_is_no_action(tmp_path):
    for label in "abc":
        write_counting_video(tmp_path / label / "video.mp4", 9)
    for name in ("a.mp4", "z.mp4"):
        (tmp_path / "b" / name).write_text("no video")
    os.remove(tmp_path / "b" / "video.mp4")
    clips, _ = clips_from_folder(tmp_path, size=8, num_frames=9)
    assert clips.action_names == ("a", "c")
    assert clips.actions.tolist() == [0, 1]
    report = []  # streamed, the names are settled before the videos are read: the report says what is missing
    parts = list(folders.iter_folder(tmp_path, size=8, num_frames=9, report=report))
    assert [part.action_names for part in parts] == [("a", "b", "c")] * 2
    assert ["no clip shows 'b'" in row.reason for row in report] == [False, False, True, False]


def test_linked_folders_are_followed_but_never_in_a_circle(tmp_path):
    write_counting_video(tmp_path / "elsewhere" / "a.mp4")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "label").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere" / "back").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to(folder / "self")
    clips, report = clips_from_folder(folder, size=8, num_frames=20)
    assert (len(clips), len(report), clips.action_names) == (1, 1, ("label",))


@pytest.mark.parametrize("frames_at_once", [1024, 16, 7])
def test_no_clip_crosses_a_cut(tmp_path, monkeypatch, frames_at_once):
    monkeypatch.setattr(folders, "FRAMES_AT_ONCE", frames_at_once)
    lengths, levels = [23, 40, 9, 31], [20, 230, 90, 200]
    write_counting_video(tmp_path / "film.mp4", shades=np.repeat(levels, lengths))
    clips, report = clips_from_folder(tmp_path, size=16, num_frames=8)
    greys = clips.clips.mean(axis=(2, 3, 4))
    assert np.ptp(greys, axis=1).max() < 10
    counts = [int((abs(greys[:, 0] - level) < 10).sum()) for level in levels]
    assert counts == [2, 5, 1, 3] == [length // 8 for length in lengths]
    assert report[0].clips == 11


def test_long_videos_lose_no_frame_between_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "FRAMES_AT_ONCE", 10)
    write_counting_video(tmp_path / "long.mp4", 80)
    clips, _ = clips_from_folder(tmp_path, size=8, num_frames=16)
    np.testing.assert_allclose(clips.clips.mean(axis=(2, 3, 4)).ravel(), 3 * np.arange(80), atol=3)


def test_a_folder_becomes_a_store_without_being_held_in_memory(mixed_folder, tmp_path):
    report = []
    save_clips(tmp_path / "store", datasets.iter_folder(mixed_folder, size=8, num_frames=10, report=report))
    clips, expected_report = clips_from_folder(mixed_folder, size=8, num_frames=10)
    assert_same(load_clips(tmp_path / "store"), clips)
    assert report == expected_report


# ---- the actions set -------------------------------------------------------------------------------------


@pytest.fixture
def small_set(tmp_path, monkeypatch):
    """A set of four videos in the form of `data/actions`, and an empty cache."""
    rows = []
    for number, (action, split) in enumerate(
        [("walk", "train"), ("bend", "train"), ("walk", "test"), ("run", "validation")]
    ):
        path = tmp_path / "data" / "actions" / action / f"{action}_{number:03d}.mp4"
        write_counting_video(path, 50, shades=np.full(50, 40 * number + 20))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append([f"{action}/{path.name}", action, number, split, digest])
    with open(tmp_path / "data" / "actions" / "labels.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "action", "actor", "split", "sha256"], *rows])
    monkeypatch.setattr(datasets, "data_folder", lambda: tmp_path / "data")
    monkeypatch.setenv("VGCOURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_load_actions_reads_a_split_in_order(small_set):
    clips = load_actions("train", size=16, num_frames=20, fps=10)
    assert clips.clips.shape == (2, 20, 16, 16, 3)
    np.testing.assert_allclose(clips.clips.mean(axis=(1, 2, 3, 4)), [20, 60], atol=3)
    assert clips.action_names == ("walk", "run", "bend")  # the order of motions.ACTIONS
    assert clips.actions.tolist() == [0, 2]
    assert clips.actors.tolist() == [0, 1]
    assert clips.files == ("walk/walk_000.mp4", "bend/bend_001.mp4")
    assert load_actions("test", size=8).clips.shape == (1, 16, 8, 8, 3)


def test_decoded_clips_come_from_the_cache(small_set):
    first = load_actions("train", size=16)
    for path in (small_set / "data" / "actions").rglob("*.mp4"):
        path.unlink()
    assert_same(load_actions("train", size=16), first)
    with pytest.raises(ValueError, match="walk_000.*no such file"):
        load_actions("train", size=8)  # another setting is another entry


@pytest.mark.parametrize("damage", ["flipped", "truncated", "text", "empty"])
def test_a_damaged_cache_is_made_again(small_set, damage):
    first = load_actions("train", size=16)
    [cache] = (small_set / "cache").iterdir()
    whole = cache.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    damaged = {"flipped": flipped, "truncated": whole[:middle], "text": b"text", "empty": b""}
    cache.write_bytes(damaged[damage])
    assert_same(load_actions("train", size=16), first)
    assert cache.read_bytes() == whole
    assert [path.name for path in (small_set / "cache").iterdir()] == [cache.name]


def test_a_changed_table_makes_the_cache_stale(small_set):
    table = small_set / "data" / "actions" / "labels.csv"
    load_actions("train", size=16)
    table.write_text(table.read_text().replace("train", "test", 1))
    assert len(load_actions("train", size=16)) == 1


def test_without_a_cache_folder_it_still_works(small_set, monkeypatch):
    (small_set / "file").write_text("")
    monkeypatch.setenv("VGCOURSE_CACHE", str(small_set / "file" / "cache"))
    with pytest.warns(UserWarning, match="VGCOURSE_CACHE"):
        assert len(load_actions("train", size=8)) == 2


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"VGCOURSE_CACHE": "/a/b"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/vgcourse"),
        ({"HOME": "/home/ada", "USERPROFILE": "/home/ada"}, "/home/ada"),
    ],
)
def test_the_cache_is_where_the_user_wants_it(monkeypatch, variables, expected):
    for name in ("VGCOURSE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert datasets._cache_folder().as_posix().startswith(expected)


@pytest.mark.parametrize("wrong", [{"fps": None}, {"fps": "10"}, {"size": (8, 8)}, {"num_frames": None}])
def test_load_actions_checks_its_settings(small_set, wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be .*received"):
        load_actions("train", **{"size": 8, "num_frames": 4, **wrong})


def test_load_actions_says_what_is_wrong(small_set):
    with pytest.raises(ValueError, match=r"unknown split.*'train'.*'valid'"):
        load_actions("valid")
    with pytest.raises(video.VideoError, match="walk_000.*21 frame.*received 20"):
        load_actions("train", num_frames=21, size=8)
    path = small_set / "data" / "actions" / "bend" / "bend_001.mp4"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match="bend_001.*expected sha256.*received"):
        load_actions("train", size=8)
    table = small_set / "data" / "actions" / "labels.csv"
    table.write_text(table.read_text().replace(",bend,", ",fly,"))
    with pytest.raises(ValueError, match="unknown action.*fly"):
        load_actions("train", size=8)
    table.unlink()
    with pytest.raises(ValueError, match="labels.csv.*render"):
        load_actions("train", size=8)


def test_the_shipped_set_is_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("VGCOURSE_CACHE", str(tmp_path))
    clips = load_actions("test", size=32)
    assert clips.clips.shape == (80, 16, 32, 32, 3)
    assert len(clips.action_names) == 10
    assert (np.bincount(clips.actions) == 8).all()
    assert len(set(clips.actors.tolist())) == 8
    # Every clip moves, and no two are alike.
    assert np.abs(np.diff(clips.clips.astype(int), axis=1)).mean(axis=(1, 2, 3, 4)).min() > 0.3
    assert len({clip.tobytes() for clip in clips.clips}) == 80


# ---- TensorFlow Datasets ---------------------------------------------------------------------------------


def fake_tfds(videos, names):
    """The part of TensorFlow Datasets that is used, over videos in memory."""
    features = {"video": types.SimpleNamespace(shape=(None, *videos[0].shape[1:]))}
    if names:
        features["label"] = types.SimpleNamespace(shape=(), names=names)

    def load(name, *, split, with_info):
        if name != "ucf101":
            raise KeyError(f"{name} not found")
        examples = [
            {"video": tf.constant(clip), **({"label": tf.constant(i % 2, tf.int64)} if names else {})}
            for i, clip in enumerate(videos)
        ]
        return examples, types.SimpleNamespace(features=features)

    return types.SimpleNamespace(load=load)


def test_a_public_set_becomes_clips(monkeypatch):
    videos = [np.full((length, 20, 30, 1), 50 * i, np.uint8) for i, length in enumerate([9, 3, 4])]
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", fake_tfds(videos, ["jump", "sit"]))
    clips = datasets.clips_from_tfds("ucf101", size=10, num_frames=4)
    assert clips.clips.shape == (3, 4, 10, 10, 3)
    assert clips.clips[:, 0, 0, 0, 0].tolist() == [0, 0, 100]
    assert (clips.actions.tolist(), clips.action_names) == ([0, 0, 0], ("jump", "sit"))
    with pytest.raises(ValueError, match="no_such_set.*not found"):
        datasets.clips_from_tfds("no_such_set", size=10, num_frames=4)
    with pytest.raises(ValueError, match="10 frames.*received none"):
        datasets.clips_from_tfds("ucf101", size=10, num_frames=10)


def test_a_public_set_without_labels_is_one_action(monkeypatch):
    package = fake_tfds([np.zeros((8, 6, 6, 3), np.uint8)], None)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", package)
    assert datasets.clips_from_tfds("ucf101", size=6, num_frames=8).action_names == ("ucf101",)


def test_a_long_complaint_of_the_package_becomes_one_line(monkeypatch):
    def load(name, **options):
        raise RuntimeError(f"Dataset {name} not found.\nThese are known:\n  - a\n  - b")

    monkeypatch.setitem(sys.modules, "tensorflow_datasets", types.SimpleNamespace(load=load))
    with pytest.raises(ValueError, match=r"^dances: .*'train': Dataset dances not found\.$"):
        datasets.clips_from_tfds("dances", size=8, num_frames=4)


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ValueError, match=r"pip install vgcourse\[tfds\]"):
        datasets.clips_from_tfds("ucf101", size=8, num_frames=4)


def test_the_real_package_with_mock_data(tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    with tfds.testing.mock_data(num_examples=3):
        clips = datasets.clips_from_tfds("moving_mnist", size=32, num_frames=10, split="test")
    assert clips.clips.shape[1:] == (10, 32, 32, 3)
    assert clips.action_names == ("moving_mnist",)
