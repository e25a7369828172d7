"""The store on disk: it gives back what it was given, and damage is named. Oracles are arrays and hashlib."""

import hashlib
import json
import os

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import assert_same, some_clips

from vgcourse.datasets import Clips, load_clips, make_dataset, save_clips


@settings(max_examples=10)
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
        ("läuft", "a b"),
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


def test_of_two_that_make_one_store_the_second_is_told_and_replaces_nothing(tmp_path):
    def parts():
        save_clips(tmp_path / "store", some_clips(seed=1))  # as another process meanwhile
        yield some_clips(seed=2)

    with pytest.raises(ValueError, match="there is a store already"):
        save_clips(tmp_path / "store", parts())
    assert_same(load_clips(tmp_path / "store"), some_clips(seed=1))
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize("place", ["gs://bucket/store", "file:///store"])
def test_an_address_is_no_folder_here(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="received an address"):
        save_clips(place, some_clips())
    assert list(tmp_path.iterdir()) == []


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
    "a name that is a path": {"action_names": ["walk", "run", "../hop"]},
    "half a letter": {"action_names": ["walk", "run", "\ud800"]},
    "rate is text": {"fps": "x"},
    "rate is zero": {"fps": 0},
    "more frames than bytes": {"clip_shape": [6 * 10**9, 3, 3, 3]},
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


def reindexed(store, **changes):
    """Changes fields of a store's index, and makes its checksum right again."""
    index = json.loads((store / "index.json").read_text(encoding="utf-8")) | changes
    del index["sha256"]
    index["sha256"] = hashlib.sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()
    (store / "index.json").write_text(json.dumps(index), encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"clip_shape": [5, 3, 3, 3]}, "clip: index.json says .* received 162 bytes a clip"),
        ({"clip_shape": [6, 3, 2, 3]}, "clip: index.json says .* received 162 bytes a clip"),
        ({"clip_shape": [1, 1, 1, 3]}, "clip: index.json says .* received 162 bytes a clip"),
        ({"clip_shape": [6, 30, 30, 3]}, "num_bytes: expected"),
        ({"action_names": []}, "action: index.json has 0 names, received 0"),
    ],
)
def test_an_index_of_other_clips_with_a_right_checksum_is_named(tmp_path, changes, words):
    store = save_clips(tmp_path / "store", some_clips())
    reindexed(store, **changes)
    for use in (load_clips, lambda folder: make_dataset(folder, batch_size=2, seed=0)):
        with pytest.raises(
            ValueError, match=rf"store.(index\.json|shard-00000\.tfrecord: record 0): .*{words}"
        ):
            use(store)


def test_bytes_of_a_shard_beyond_its_clips_are_a_wrong_index(tmp_path):
    store = save_clips(tmp_path / "store", some_clips())
    shards = json.loads((store / "index.json").read_text(encoding="utf-8"))["shards"]
    reindexed(store, shards=[shards[0] | {"num_bytes": shards[0]["num_bytes"] * 10**6}])
    with pytest.raises(ValueError, match=r"store.index\.json: .*num_bytes: expected.*received"):
        load_clips(store)


def test_an_action_without_a_name_anywhere_in_a_store_names_the_store(tmp_path):
    store = save_clips(tmp_path / "store", some_clips())  # the first record's action has a name
    reindexed(store, action_names=["walk", "run"])
    for use in (load_clips, lambda folder: make_dataset(folder, batch_size=2, seed=0)):
        with pytest.raises(ValueError, match=r"shard-00000.tfrecord: record 2: .*has 2 names, received 2"):
            use(store)


def test_brackets_within_brackets_are_no_index(tmp_path):
    store = save_clips(tmp_path / "store", some_clips())
    (store / "index.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"store.index\.json: expected a store's index.*brackets"):
        load_clips(store)
    with pytest.raises(ValueError, match="holds other files"):
        save_clips(store, some_clips(), overwrite=True)


@pytest.mark.parametrize("content", [b"", b"\xff" * 200, b"\x05" + bytes(200)])
def test_a_shard_of_no_records_is_named_though_its_checksum_is_right(tmp_path, content):
    store = save_clips(tmp_path / "store", some_clips(num_clips=1, num_frames=1, size=1))
    (store / "shard-00000.tfrecord").write_bytes(content)
    row = {"num_bytes": 200, "sha256": hashlib.sha256(content).hexdigest()}
    reindexed(store, shards=[{"file": "shard-00000.tfrecord", "num_clips": 1, **row}])
    with pytest.raises(
        ValueError,
        match=r"shard-00000\.tfrecord: (record 0: )?expected .*(received 0|more than|Error parsing)",
    ):
        load_clips(store)


def rewritten(store, change, number=7):
    """Changes a record of a shard of 11; all checksums, TFRecord's and the index's, are right again."""
    path = store / "shard-00000.tfrecord"
    records = [tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(path))]
    records[number] = change(records[number])
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            if record is not None:
                writer.write(record if isinstance(record, bytes) else record.SerializeToString())
    content = path.read_bytes()
    row = {"num_bytes": max(len(content), 11 * 162), "sha256": hashlib.sha256(content).hexdigest()}
    reindexed(store, shards=[{"file": path.name, "num_clips": 11, **row}])


def changed(name, **values):
    """A function for `rewritten`: another feature under that name, or none."""

    def change(record):
        record.features.feature[name].Clear()
        if values:
            [(kind, value)] = values.items()
            getattr(record.features.feature[name], f"{kind}_list").value.extend(value)
        else:
            del record.features.feature[name]
        return record

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed("clip", bytes=[b"short"]), "record 7: .*clip: index.json says .*received 5 bytes"),
        (changed("clip", int64=[1]), r"record 7: .*clip: expected one value \(bytes\), received 0"),
        (changed("clip"), "record 7: .*clip: expected one value"),
        (changed("action"), "record 7: .*action: expected one value"),
        (changed("action", int64=[0, 1]), r"record 7: .*action: expected one value \(int64\), received 2"),
        (changed("action", int64=[-1]), "record 7: .*action: index.json has 3 names, received -1"),
        (changed("actor", int64=[2**31]), "record 7: .*actor: expected a number of 32 bits, received 2147"),
        (changed("file", bytes=[b"\xff.mp4"]), "record 7: .*utf-8"),
        (changed("file", float=[0.5]), "record 7: .*file: expected one value"),
        (lambda _: b"no message", "record 7: expected a labelled clip"),
        (lambda _: None, "expected 11 records, received 10"),
    ],
)
def test_a_forged_record_anywhere_in_a_shard_is_named_before_anything_is_used(tmp_path, change, words):
    store = save_clips(tmp_path / "store", some_clips())
    rewritten(store, lambda record: record)
    assert_same(load_clips(store), some_clips())
    rewritten(store, change)
    for use in (load_clips, lambda folder: make_dataset(folder, batch_size=2, seed=0)):
        with pytest.raises(ValueError, match=rf"shard-00000\.tfrecord: {words}") as error:
            use(store)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("place", [5, 9, -1])
def test_a_wrong_checksum_within_a_shard_is_named_though_the_shards_is_right(tmp_path, place):
    store = save_clips(tmp_path / "store", some_clips())
    path = store / "shard-00000.tfrecord"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    row = {"num_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    reindexed(store, shards=[{"file": path.name, "num_clips": 11, **row}])
    with pytest.raises(ValueError, match=r"shard-00000\.tfrecord: (record 0: )?expected") as error:
        make_dataset(store, batch_size=2, seed=0)
    assert "\n" not in str(error.value)


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
