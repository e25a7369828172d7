"""Generate, seams: where to cut clips so that they repeat without a jump.

Axes: clip `(time, height, width, channels)`, clips `(batch, time, height, width, channels)`, in either
value range: only differences count.
"""

import math

import numpy as np

from vgcourse.arguments import whole_number


def loop_seams(clip):
    """How much the picture jumps when a loop starts again, for every loop that can be cut from a clip.

    The loop `clip[start:stop]` is smooth when frame `start` looks like frame `stop`, whose place it takes.
    A quarter of the frames' neighbours' difference is added, so that the motion also goes on in the same
    direction: an arm on its way up is a poor substitute for the same arm on its way down. All of it is
    measured in the variety of poses within the loop, or standing still would be the best loop.

    Args:
        clip: uint8 or float `(num_frames, height, width, channels)`, 3 frames or more.

    Returns:
        float64 `(num_frames, num_frames)`, indexed [start, stop]: a ratio of mean squares, 0 for a perfect
        loop; infinite where there is no such loop.

    Raises:
        ValueError: the array is not a clip, or too short.
    """
    if np.ndim(clip) != 4 or len(clip) < 3:
        raise ValueError(f"clip: expected 3 or more frames, and 4 axes, received {np.shape(clip)}")
    pixels = np.reshape(clip, (len(clip), -1)).astype(np.float64)
    square = (pixels**2).sum(1)
    # Not `pixels @ pixels.T`: on a busy machine the threads of BLAS wait for each other, up to a second.
    products = np.einsum("ip,jp->ij", pixels, pixels)
    distance = np.maximum(square[:, None] + square - 2 * products, 0) / pixels.shape[1]
    direction = np.full(distance.shape, np.inf)
    direction[:-1, :-1] = distance[1:, 1:]
    direction[1:, 1:] = np.minimum(direction[1:, 1:], distance[:-1, :-1])
    seams = np.full(distance.shape, np.inf)
    for start, stop in zip(*np.triu_indices(len(clip), 1), strict=True):
        variety = distance[start:stop, start:stop].mean() + 1e-9  # a clip that stands still: not 0 / 0
        seams[start, stop] = (distance[start, stop] + direction[start, stop] / 4) / variety
    return seams


def best_loop(clip, *, min_frames=None):
    """Where to cut a clip so that it repeats without a jump.

    Args:
        clip: uint8 or float `(num_frames, height, width, channels)`.
        min_frames: shortest loop allowed; None is half the clip.

    Returns:
        `(start, stop)`: play `clip[start:stop]` again and again. Frame `stop` is the one that looks like
        frame `start`; it is left out, or the loop would stutter. Among equals, the longest loop.

    Raises:
        ValueError: the array is not a clip, or no loop of `min_frames` fits: the frame after it and one
            frame more are needed to judge it.
    """
    seams, longest = loop_seams(clip), len(clip) - 2
    shortest = len(clip) // 2 if min_frames is None else min_frames
    whole_number("min_frames", shortest, 1, longest, meaning=f"of {len(clip)} frames, two judge the seam")
    _, start, length = _best_cut(seams, range(longest, shortest - 1, -1))
    return start, start + length


def loop_together(clips, *, num_frames=None):
    """Cut every clip into its own loop and repeat it, such that all of them end at the same time.

    A grid of clips starts again for all cells at once. So only loops are taken that fill the whole after
    some repetitions, give or take one frame each, which is skipped or held.

    Args:
        clips: uint8 `(num_clips, T, height, width, channels)`, 5 frames or more.
        num_frames: length of the whole; None is 5/4 T. Loops have at least 2/5 T frames.

    Returns:
        uint8 `(num_clips, num_frames, height, width, channels)`.

    Raises:
        ValueError: the array is not clips, or no loop fits into `num_frames`.
    """
    if np.ndim(clips) != 5:
        raise ValueError(f"expected clips of 5 axes, from num_clips to channels, received {np.shape(clips)}")
    shortest, longest = math.ceil(clips.shape[1] * 2 / 5), clips.shape[1] - 2
    num_frames = clips.shape[1] * 5 // 4 if num_frames is None else num_frames
    turns = {n: max(1, round(num_frames / n)) for n in range(longest, shortest - 1, -1)}
    lengths = [n for n, turn in turns.items() if abs(turn * n - num_frames) <= turn]
    if not lengths:
        raise ValueError(f"no loop cut from {clips.shape[1]} frames fills num_frames={num_frames}")
    looped = []
    for clip in clips:
        _, start, n = _best_cut(loop_seams(clip), lengths)
        looped.append(clip[start + np.arange(num_frames) * turns[n] * n // num_frames % n])
    return np.stack(looped)


def _best_cut(seams, lengths):
    """(seam, start, length) of the smoothest loop; among equals the first length wins."""
    diagonals = ((np.diagonal(seams, length), length) for length in lengths)
    cuts = [(along.min(), int(along.argmin()), length) for along, length in diagonals]
    return min(cuts, key=lambda cut: cut[0])
