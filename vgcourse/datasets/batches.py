"""Pipeline: clips become the batches that training sees.

Axes: clips `(num_clips, num_frames, height, width, 3)`, channels last, RGB.
Ranges: what comes in is uint8 [0, 255]; batches are float32 [-1, 1] (model range).
"""

import math
import os

import numpy as np
import tensorflow as tf

from vgcourse import arguments
from vgcourse.datasets.clips import Clips
from vgcourse.datasets.store import Store, open_store, parse_records, read_records

BLOCK_BYTES = 128 * 2**20  # clips of a store that are shuffled together
MAX_INT64 = 2**63 - 1
PREFETCH = 4  # batches made ahead while a step trains


def make_dataset(
    clips_or_folder, labels=None, *, batch_size, seed, shuffle=True, num_frames=None, start_step=0
):
    """Batches for training and evaluation: the only `tf.data` pipeline of the course.

    What a batch holds depends on the seed and its number alone: draw `d` (counted from the start of
    training, `batch_size` draws a step) is place `d % num_clips` in the permutation of epoch
    `d // num_clips`. So training resumes at any step with the very batches it would have had.

    Args:
        clips_or_folder: `Clips`; or a uint8 array `(num_clips, time, height, width, 3)`; or a folder that
            `save_clips` wrote, or its `Store`: streamed, shards in a new order every epoch, clips shuffled
            within blocks of 128 MiB. Clips and arrays are kept in memory as uint8.
        labels: with an array, integers `(num_clips,)`; None labels every clip 0.
        batch_size: clips per batch.
        seed: integer; same seed, same batches. Not used without `shuffle`.
        shuffle: True for endless shuffled epochs (each has every clip once; a batch may begin in one and end
            in the next); False for a single pass in order, whose last batch may be smaller.
        num_frames: frames per clip. Fewer than stored: a window at a random start, another in every draw;
            without `shuffle`, the first frames. None takes all.
        start_step: number of batches that were seen already.

    Returns:
        `tf.data.Dataset` of `(clips, actions)`: float32 `(batch_size, num_frames, height, width, 3)` in
        [-1, 1] and int32 `(batch_size,)`.

    Raises:
        ValueError: fewer clips than `batch_size`, fewer frames than `num_frames`, a number that is no
            integer, arrays of a wrong dtype, rank or range, or a store that is missing or corrupted.
    """
    clips = _open_clips(clips_or_folder, labels)
    stored_frames, *frame_shape = clips.clip_shape
    num_frames = stored_frames if num_frames is None else num_frames
    _check_counts(clips, batch_size, num_frames, start_step)
    if shuffle:  # a pass in order needs no seed; shuffled batches without one could not come again
        arguments.whole_number("seed", seed, -MAX_INT64, MAX_INT64)
    room = stored_frames - num_frames

    def with_start(draw, clip):
        """Choose where the window of this draw starts."""
        if not (shuffle and room):
            return tf.zeros_like(draw), clip
        return tf.random.stateless_uniform([], [seed, draw], maxval=room + 1, dtype=tf.int64), clip

    order = _array_order if isinstance(clips, Clips) else _streamed_order
    draws, load = order(clips, start_step * batch_size, seed if shuffle else None)

    def to_batch(starts, chosen):
        frames, actions = load(chosen, starts[:, None] + tf.range(num_frames, dtype=tf.int64))
        frames = tf.ensure_shape(frames, [batch_size if shuffle else None, num_frames, *frame_shape])
        # preprocess.to_model_range, written in TensorFlow; a test holds the two equal.
        return tf.cast(frames, tf.float32) / 127.5 - 1.0, tf.cast(actions, tf.int32)

    batches = draws.map(with_start).batch(batch_size, drop_remainder=shuffle)
    return _reproducible(batches.map(to_batch).prefetch(PREFETCH))


def _open_clips(clips_or_folder, labels):
    """`Clips`, or the `Store` of a folder."""
    if labels is not None and isinstance(clips_or_folder, (str, os.PathLike, Clips, Store)):
        raise ValueError("labels go with an array; Clips and stores bring their own")
    if isinstance(clips_or_folder, (str, os.PathLike)):
        return open_store(clips_or_folder)
    if isinstance(clips_or_folder, Clips | Store):
        return clips_or_folder
    labels = np.zeros(np.shape(clips_or_folder)[:1], np.int32) if labels is None else np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise ValueError(f"labels: expected integers (num_clips,), received {labels.dtype} {labels.shape}")
    names = tuple(str(label) for label in range(int(labels.max(initial=0)) + 1))
    return Clips(clips_or_folder, labels, np.full(labels.shape, -1), names, 25.0)


def _check_counts(clips, batch_size, num_frames, start_step):
    arguments.whole_number("batch_size", batch_size, 1, clips.num_clips, meaning="all clips")
    arguments.whole_number("num_frames", num_frames, 1, clips.clip_shape[0], meaning="as stored")
    arguments.whole_number("start_step", start_step, 0, MAX_INT64)


def _permuted(places, num_places, seed):
    """Where `places` are in the permutation of `num_places` that belongs to `seed`, two integers."""
    return tf.random.experimental.index_shuffle(places, seed, tf.cast(num_places - 1, tf.int64))


def _array_order(stored, first_draw, seed):
    """Dataset of `(draw, place of its clip)`, and the function that fetches a batch of them."""
    num_clips = stored.num_clips
    with tf.device("CPU"):  # not copied to a GPU as a whole
        clips, actions = tf.constant(stored.clips), tf.constant(stored.actions)

    def place(draw):
        return draw if seed is None else _permuted(draw % num_clips, num_clips, [seed, draw // num_clips])

    def load(places, frames):
        places_in_time = tf.stack([tf.broadcast_to(places[:, None], tf.shape(frames)), frames], axis=-1)
        return tf.gather_nd(clips, places_in_time), tf.gather(actions, places)

    draws = tf.data.Dataset.range(first_draw, num_clips if seed is None else tf.int64.max)
    return draws.map(lambda draw: (draw, place(draw))), load


def _streamed_order(store, first_draw, seed):
    """Dataset of `(draw, its serialised clip)`, and the function that parses a batch of them."""
    num_clips, num_shards = store.num_clips, len(store.paths)
    first_epoch = 0 if seed is None else first_draw // num_clips
    block_clips = max(1, BLOCK_BYTES // math.prod(store.clip_shape))
    num_blocks = -(-num_clips // block_clips)

    def shuffled_epoch(epoch):
        """Blocks of serialised clips. `Dataset.shuffle` would depend on state; a permutation does not."""
        shards = _permuted(tf.range(num_shards, dtype=tf.int64), num_shards, [seed, epoch])
        blocks = read_records(store, shards).batch(block_clips)
        return blocks.enumerate(epoch * num_blocks).map(shuffled_block)

    def shuffled_block(number, block):
        size = tf.size(block, tf.int64)
        return tf.gather(block, _permuted(tf.range(size), size, [seed, number]))

    def load(records, frames):
        parsed = parse_records(records, store)
        return tf.gather(parsed["clip"], frames, axis=1, batch_dims=1), parsed["action"]

    if seed is None:
        records = read_records(store, tf.range(num_shards))
    else:
        epochs = tf.data.Dataset.range(first_epoch, tf.int64.max)
        records = epochs.flat_map(shuffled_epoch).prefetch(1).unbatch()
    return records.enumerate(first_epoch * num_clips).skip(first_draw - first_epoch * num_clips), load


def _reproducible(dataset):
    """Keep batches in order; with several workers, deal them out one by one."""
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options)
