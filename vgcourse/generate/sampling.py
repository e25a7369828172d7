"""Generate: sample clips, walk from one person to another, give people each other's motion.

Axes: clip `(time, height, width, channels)`, clips `(batch, time, height, width, channels)`; what comes
out is in the stored range, uint8 [0, 255]. Latents are float32 draws from N(0, 1): a content code
`(content_dim,)` is a person, motion noise `(num_frames, motion_dim)` is how they move. A two-stage generator
takes the same calls; its content codes are what its painter sees of rendered people, and its motion noise is
`(motion_dim,)` for the whole motion (`motion_shape` says which).

A seed fixes a person and a way of moving, drawn from two separate streams: the same seed with another
action is the same person doing something else. Clip 0 of `sample(seed=7)` shows person 7 of
`content_codes(generator, [7])`.
"""

import math
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from vgcourse import preprocess
from vgcourse.arguments import whole_number
from vgcourse.files import data_folder
from vgcourse.gan import VideoGenerator
from vgcourse.generate.saved import load_saved
from vgcourse.generate.two_stage import TwoStageGenerator
from vgcourse.video import checked_path

CONTENT_STREAM, MOTION_STREAM = 0, 1
MOST_PEOPLE = 2**31  # numbers that people are drawn from
CHUNK = 20  # clips made at a time: bounds the memory, whatever the number of clips


def load_generator(path=None):
    """Load a trained generator.

    Args:
        path: a `.keras` file; None takes the long-trained generator that comes with the course.

    Returns:
        A `models.VideoGenerator` or a `TwoStageGenerator`.

    Raises:
        ValueError: the file is missing, damaged, or holds something other than a video generator.
    """
    path = Path(checked_path(path)) if path is not None else data_folder() / "checkpoints" / "generator.keras"
    advice = "Train one with `vgcourse demo --out DIR` and load DIR/generator.keras."
    return load_saved(path, (VideoGenerator, TwoStageGenerator), what="a generator", advice=advice)


def content_codes(generator, seeds):
    """Content codes of people: one per seed.

    Args:
        generator: a `models.VideoGenerator` or a `TwoStageGenerator`.
        seeds: ints, 0 or more.

    Returns:
        float32 `(len(seeds), content_dim)`; of a `VideoGenerator` N(0, 1).

    Raises:
        ValueError: a seed is negative or not an int, or there is none.
    """
    return np.concatenate([_draw(CONTENT_STREAM, generator, 1, seed) for seed in _listed("seeds", seeds)])


def motion_noise(generator, seeds):
    """Motion noise: one way of moving per seed.

    Args:
        generator: a `models.VideoGenerator` or a `TwoStageGenerator`.
        seeds: ints, 0 or more.

    Returns:
        float32 `(len(seeds), *motion_shape)`, N(0, 1).

    Raises:
        ValueError: a seed is negative or not an int, or there is none.
    """
    return np.concatenate([_draw(MOTION_STREAM, generator, 1, seed) for seed in _listed("seeds", seeds)])


def make_clips(generator, content, motion, actions):
    """Run the generator, a few clips at a time.

    Args:
        generator: a `models.VideoGenerator` or a `TwoStageGenerator`.
        content: content codes, float `(num_clips, content_dim)`.
        motion: motion noise, float `(num_clips, *motion_shape)`.
        actions: `num_clips` action names or labels.

    Returns:
        uint8 clips `(num_clips, num_frames, size, size, 3)`.

    Raises:
        ValueError: an action is unknown, or an array does not have the generator's shape.
    """
    labels = _action_labels(generator, actions)
    num_clips, num_frames, size = len(labels), generator.num_frames, generator.size
    content, motion = np.asarray(content, np.float32), np.asarray(motion, np.float32)
    _expect_shape("content", content, (num_clips, generator.content_dim))
    _expect_shape("motion", motion, (num_clips, *generator.motion_shape))
    clips = np.empty((num_clips, num_frames, size, size, 3), np.uint8)
    for start in range(0, num_clips, CHUNK):
        part = slice(start, start + CHUNK)
        # Compiled once and kept by the model: a slider's clip takes milliseconds, not half a second.
        made = generator.predict_on_batch([content[part], motion[part], labels[part]])
        clips[part] = preprocess.to_uint8(made)
    return clips


def sample(generator, *, num_clips, actions=None, seed):
    """New people in motion.

    The latents of clip i depend on the seed and on i alone: asking for more clips keeps the first ones, up to
    a grey level here and there, since sums of another batch are rounded differently.

    Args:
        generator: a `models.VideoGenerator` or a `TwoStageGenerator`.
        num_clips: how many clips.
        actions: names or labels, taken in turn until there are `num_clips`; one name stands for all
            clips, None for all actions in turn.
        seed: int, 0 or more.

    Returns:
        uint8 clips `(num_clips, num_frames, size, size, 3)`.

    Raises:
        ValueError: `num_clips` is no int or under 1, an action is unknown, or there are more actions than
            clips.
    """
    whole_number("num_clips", num_clips, 1)
    given = [] if actions is None else [actions] if np.ndim(actions) == 0 else list(actions)
    if len(given) > num_clips or (actions is not None and not given):
        raise ValueError(f"actions: expected 1 to num_clips={num_clips}, received {len(given)}")
    chosen = list(islice(cycle(given or generator.action_names), num_clips))
    codes = [_draw(stream, generator, num_clips, seed) for stream in (CONTENT_STREAM, MOTION_STREAM)]
    return make_clips(generator, *codes, chosen)


def slerp(start, end, num_steps):
    """Spherical interpolation: the arc between two codes, its length changing evenly.

    Gaussian codes of many dimensions lie close to a sphere. The straight line cuts through its inside,
    where the generator has seen no codes; the arc stays on it.

    Args:
        start: float `(dim,)`, not zero.
        end: float `(dim,)`, not zero.
        num_steps: points on the arc, both ends included, 2 or more.

    Returns:
        float32 `(num_steps, dim)`; the first is `start`, the last is `end`.

    Raises:
        ValueError: under 2 steps, codes of different shapes, NaN, a zero code, or opposite codes, between
            which no arc is the shortest.

    Source: Shoemake 1985, https://doi.org/10.1145/325334.325242; for latents: White 2016,
    https://arxiv.org/abs/1609.04468
    """
    whole_number("num_steps", num_steps, 2)
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    if start.ndim != 1 or start.shape != end.shape or not np.isfinite([start, end]).all():
        received = f"{start.shape} and {end.shape}"
        raise ValueError(f"start and end: expected finite codes of one shape (dim,), received {received}")
    lengths = np.linalg.norm([start, end], axis=1)
    if lengths.min() == 0:
        raise ValueError("expected codes that are not zero: a zero code has no direction to turn from")
    angle = math.acos(np.clip(start @ end / lengths.prod(), -1, 1))
    if angle > math.pi - 1e-4:
        raise ValueError("the two codes are opposite: every arc between them is the shortest; take another")
    t = np.linspace(0, 1, num_steps)[:, None]
    along = np.concatenate([1 - t, t], axis=1)
    # Codes that (nearly) coincide: all sines would be zero, and the line is the arc.
    weights = along if angle < 1e-4 else np.sin(along * angle)
    arc = weights @ (np.stack([start, end]) / lengths[:, None])
    arc *= (along @ lengths)[:, None] / np.linalg.norm(arc, axis=1, keepdims=True)
    arc[0], arc[-1] = start, end  # exactly, not up to rounding
    return arc.astype(np.float32)


def content_path(generator, start, end, num_steps):
    """Content codes on the way from one person to another.

    Args:
        generator: a `models.VideoGenerator`, whose codes lie on a sphere: the way is the arc of `slerp`; or a
            `TwoStageGenerator`, whose codes are colours: they are mixed along a straight line.
        start, end: float `(content_dim,)`, the codes of the two people.
        num_steps: codes on the way, both ends included, 2 or more.

    Returns:
        float32 `(num_steps, content_dim)`; the first is `start`, the last is `end`.

    Raises:
        ValueError: as `slerp`.
    """
    if not isinstance(generator, TwoStageGenerator):
        return slerp(start, end, num_steps)
    return np.linspace(start, end, whole_number("num_steps", num_steps, 2), dtype=np.float32)


def interpolate(generator, *, action, seeds, num_steps, motion_seed):
    """From one person to another, step by step, all moving alike.

    Args:
        generator: a `models.VideoGenerator` or a `TwoStageGenerator`.
        action: name or label of the action.
        seeds: two ints, the first and the last person.
        num_steps: clips to make, both people included, 2 or more.
        motion_seed: int; the way of moving, shared by all clips.

    Returns:
        uint8 clips `(num_steps, num_frames, size, size, 3)`.

    Raises:
        ValueError: an unknown action, under 2 steps, or not two seeds.
    """
    if np.shape(seeds) != (2,):
        raise ValueError(f"seeds: expected two whole numbers, one per person, received {seeds!r}")
    content = content_path(generator, *content_codes(generator, seeds), num_steps)
    motion = np.repeat(motion_noise(generator, [motion_seed]), num_steps, axis=0)
    return make_clips(generator, content, motion, [action] * num_steps)


def swap_motion(generator, *, content_seeds, actions, motion_seed):
    """Every person in every action: content in rows, motion in columns.

    Args:
        generator: a `models.VideoGenerator` or a `TwoStageGenerator`.
        content_seeds: ints, one person (row) each.
        actions: names or labels, one column each.
        motion_seed: int; the way of moving, shared by all clips.

    Returns:
        uint8 `(len(content_seeds), len(actions), num_frames, size, size, 3)`.

    Raises:
        ValueError: an unknown action, or a list that is none or empty.
    """
    actions = _listed("actions", actions)
    rows, columns = len(_listed("content_seeds", content_seeds)), len(actions)
    content = np.repeat(content_codes(generator, content_seeds), columns, axis=0)
    motion = np.repeat(motion_noise(generator, [motion_seed]), rows * columns, axis=0)
    clips = make_clips(generator, content, motion, actions * rows)
    return clips.reshape(rows, columns, *clips.shape[1:])


def _draw(stream, generator, num_clips, seed):
    """The first `num_clips` content codes or motion noises of a seed."""
    rng = np.random.default_rng([whole_number("seed", seed, 0), stream])
    if stream == MOTION_STREAM:
        return rng.standard_normal((num_clips, *generator.motion_shape), np.float32)
    if isinstance(generator, TwoStageGenerator):
        return generator.look_at_people([int(seed), *rng.integers(MOST_PEOPLE, size=num_clips - 1).tolist()])
    return rng.standard_normal((num_clips, generator.content_dim), np.float32)


def _action_labels(generator, actions):
    names = generator.action_names
    known = f"or one of {', '.join(names)}"
    labels = [names.index(action) if action in names else action for action in actions]
    return np.array([whole_number("action", x, 0, len(names) - 1, meaning=known) for x in labels], np.int32)


def _listed(name, values):
    """`values` as a list; a single text or number, which is no list, and an empty one are refused."""
    if np.ndim(values) != 1 or not len(values):
        raise ValueError(f"{name}: expected a list of at least one, received {values!r}")
    return list(values)


def _expect_shape(name, array, shape):
    if array.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, received {array.shape}")
