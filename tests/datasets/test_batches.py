"""Batches: every clip once an epoch, by the seed and the number of the draw alone."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from samples import some_clips

from vgcourse import preprocess
from vgcourse.datasets import batches as batches_module
from vgcourse.datasets import load_clips, make_dataset, open_store, save_clips


def batches(*args, count, **kwargs):
    return list(itertools.islice(make_dataset(*args, **kwargs).as_numpy_iterator(), count))


@pytest.fixture(params=["array", "store", "store in blocks"])
def source(request, tmp_path, monkeypatch):
    """11 clips in memory, or in 4 shards; their first pixel tells them apart."""
    clips = some_clips()
    clips.clips[:, :, 0, 0, 0] = np.arange(11)[:, None]
    clips.clips[:, :, 0, 0, 1] = np.arange(6)  # and the next channel the frames
    if request.param == "array":
        return clips
    if request.param == "store in blocks":
        monkeypatch.setattr(batches_module, "BLOCK_BYTES", 4 * clips.clips[0].nbytes)
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


@pytest.mark.parametrize("start_step", [2, 7])  # in the first epoch, and in a later one
def test_resumed_batches_are_those_that_would_have_come(source, start_step):
    kwargs = {"batch_size": 4, "seed": 5, "num_frames": 4}
    tf.random.set_seed(1)
    whole = batches(source, count=10, **kwargs)
    tf.random.set_seed(2)  # other state must not matter
    resumed = batches(source, count=10 - start_step, start_step=start_step, **kwargs)
    for expected, received in zip(whole[start_step:], resumed, strict=True):
        np.testing.assert_array_equal(received[0], expected[0])
        np.testing.assert_array_equal(received[1], expected[1])


ORDERS = {  # 100 * first frame + clip, of 24 draws; as the course has drawn them from the first version on
    "array": "5 200 106 201 102 108 4 209 207 10 3 103 110 101 204 205 108 102 206 209 107 0 0 204",
    "store": "6 209 107 210 100 103 2 204 208 5 1 101 108 110 202 203 106 100 204 207 105 9 0 210",
    "store in blocks": "1 209 100 210 108 102 6 207 203 4 5 110 101 100 209 204 105 103 202 208 107 6 9 201",
}


def test_the_order_of_a_seed_never_changes(source, request):
    """A run that is resumed by a later version goes on with the batches it would have had."""
    drawn = batches(source, batch_size=4, seed=5, num_frames=4, count=6)
    which, frames = seen(np.concatenate([clips for clips, _ in drawn]))
    received = 100 * frames[:, 0].astype(int) + which
    assert " ".join(map(str, received)) == ORDERS[request.node.callspec.params["source"]]


def test_workers_share_the_clips_evenly(tmp_path):
    """11 clips in shards of 2; a worker opens only shards in which it has clips."""
    clips = some_clips()
    clips.clips[:, :, 0, 0, 0] = np.arange(11)[:, None]
    store = save_clips(tmp_path / "store", clips, shard_bytes=2 * clips.clips[0].nbytes)
    seen_by = []
    for worker in range(3):
        own = open_store(store, worker=worker, num_workers=3)
        assert own.is_part
        in_order = batches(own, batch_size=2, seed=None, shuffle=False, count=99)
        shuffled = batches(own, batch_size=own.num_clips, seed=7, count=2)
        which = [seen(clips)[0].tolist() for clips, _ in in_order]
        seen_by.append(sum(which, []))
        assert len(seen_by[-1]) == own.num_clips
        for clips_of_epoch, actions in shuffled:
            drawn = seen(clips_of_epoch)[0]
            assert sorted(drawn) == seen_by[-1]
            np.testing.assert_array_equal(actions, drawn % 3)
        shards = {place // 2 for place in seen_by[-1]}
        assert [int(path[-len("00000.tfrecord") :][:5]) for path in own.paths] == sorted(shards)
    assert sum(seen_by, []) == list(range(11))
    sizes = list(map(len, seen_by))
    assert max(sizes) - min(sizes) <= 1


def test_two_uneven_shards_are_cut_in_the_middle(tmp_path):
    """20 clips, 16 in the first shard: a worker with all of those would show each of them less often."""
    clips = some_clips(20)
    store = save_clips(tmp_path / "store", clips, shard_bytes=16 * clips.clips[0].nbytes)
    parts = [open_store(store, worker=worker, num_workers=2) for worker in range(2)]
    assert [part.records for part in parts] == [((0, 10),), ((10, 16), (0, 4))]
    batch = {"batch_size": 10, "shuffle": False, "seed": None, "count": 9}
    [(first, _)], [(second, _)] = (batches(part, **batch) for part in parts)
    np.testing.assert_array_equal(np.concatenate([first, second]), preprocess.to_model_range(clips.clips))


def test_more_workers_than_shards_read_everything(tmp_path):
    store = save_clips(tmp_path / "store", some_clips())
    part = open_store(store, worker=1, num_workers=2)
    assert (part.num_clips, part.is_part) == (11, False)


def test_a_worker_resumes_in_its_own_share(tmp_path):
    clips = some_clips()
    store = save_clips(tmp_path / "store", clips, shard_bytes=3 * clips.clips[0].nbytes)
    own = open_store(store, worker=1, num_workers=2)
    whole = batches(own, batch_size=4, seed=5, count=6)
    resumed = batches(own, batch_size=4, seed=5, start_step=4, count=2)
    for expected, received in zip(whole[4:], resumed, strict=True):
        np.testing.assert_array_equal(received[0], expected[0])


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
        ({"batch_size": 12}, r"batch_size: .* from 1 to 11 \(all clips\), received 12"),
        ({"batch_size": 0}, "batch_size: .*received 0"),
        ({"batch_size": 2.0}, r"batch_size: .*received 2\.0"),
        ({"num_frames": 7}, r"num_frames: .* from 1 to 6 \(as stored\), received 7"),
        ({"num_frames": 0}, "num_frames: .*received 0"),
        ({"start_step": -1}, "start_step: .* received -1"),
        ({"start_step": 1.5}, r"start_step: .*received 1\.5"),
        ({"seed": None}, "seed: expected a whole number .*received None"),
        ({"seed": 2**70}, f"seed: .*received {2**70}"),
    ],
)
def test_settings_that_do_not_fit_the_clips(change, words):
    with pytest.raises(ValueError, match=words):
        make_dataset(some_clips(), **{"batch_size": 2, "seed": 0, **change})


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
