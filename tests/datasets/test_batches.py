"""Batches: every clip once an epoch, by the seed and the number of the draw alone."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from samples import some_clips

from vgcourse import preprocess
from vgcourse.datasets import Clips, load_clips, make_dataset, open_store, save_clips
from vgcourse.datasets import batches as batches_module


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
