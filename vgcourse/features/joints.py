"""Features: where the joints of a person are in a frame, by a net that was trained apart.

Axes and ranges: clips are uint8 `(N, T, H, W, 3)` in [0, 255]; places are x and y in pixels, from the upper
left corner. A heat map is a probability over the cells of a 32x32 grid; the net looks at frames of 64x64.
"""

import json
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from vgcourse.features import extract

JOINTS = ("head",)  # those that the net finds: what moves most, and smears first
JOINTS += tuple(f"{side}_{joint}" for joint in ("elbow", "hand", "knee", "toe") for side in ("right", "left"))
SIZE, GRID = 64, 32  # pixels of a frame, cells of a heat map, along each side
SIZES = (32, 64)  # of the clips for which there are limits
SOFTNESS = 1.5  # pixels: deviation of the maps that the net is asked for


class JointsFound(NamedTuple):
    """What `find_joints` found, joints in the order of `JOINTS`."""

    places: np.ndarray  # float32 (N, T, 9, 2): x and y in pixels of the clips' frames
    spreads: np.ndarray  # float32 (N, T, 9): how unsure the net is, in pixels of 64x64 frames
    found: np.ndarray  # bool (N, T, 9): as sure as in 99% of the frames of real people


def find_joints(clips):
    """Find head, elbows, hands, knees and feet in every frame.

    A joint counts as found if its heat map is as narrow as in 99% of the frames of real people that the net
    was not trained on. It is wide where a limb fades or is in two places at once.

    Args:
        clips: uint8 `(N, T, H, W, 3)`, H and W at least 32, of people as in `data/actions/`. Frames under
            64x64 are enlarged, and have wider limits.

    Returns:
        A `JointsFound`.

    Raises:
        ValueError: wrong rank, dtype or size.
    """
    clips, model = extract.checked_clips(clips), extract.load("joints")
    places, spreads = apply_finder(model, clips)
    height, width = clips.shape[2:4]
    limits = spread_limits()[SIZES[0] if min(height, width) < SIZE else SIZES[1]]
    return JointsFound(places * np.float32([width / SIZE, height / SIZE]), spreads, spreads <= limits)


def apply_finder(model, clips):
    """Places and spreads, by a network at hand.

    Args:
        model: a joint finder.
        clips: uint8 `(N, T, H, W, 3)`.

    Returns:
        As in `JointsFound`, but both in pixels of 64x64 frames.
    """
    places, spreads = [], []
    for start in range(0, len(clips), 16):  # the maps of many clips would fill the memory
        logits = extract.apply_network(model, clips[start : start + 16])
        found = places_and_spreads(logits.reshape(-1, len(JOINTS), GRID**2))
        places.append(found[0])
        spreads.append(found[1])
    shape = (*clips.shape[:2], len(JOINTS))
    return np.concatenate(places).reshape(*shape, 2), np.concatenate(spreads).reshape(shape)


def spread_limits():
    """How wide a map may be: dict, size of the clips in `SIZES` -> float32 `(9,)`, pixels of 64x64 frames."""
    return _read_limits(limits_path(extract.checkpoint_path("joints")))


def limits_path(network):
    """Where the limits lie: returns the Path beside that of the `network`, which knows nothing of them."""
    return network.with_suffix(".json")


def _read_limits(path):
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return {size: np.array([table[str(size)][name] for name in JOINTS], np.float32) for size in SIZES}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); restore the file from the repository") from error


# --- heat maps ------------------------------------------------------------------------------------------


def cell_centres():
    """Centres of the cells of a heat map, row by row: float32 `(1024, 2)`, x and y in pixels."""
    middles = (np.arange(GRID, dtype=np.float32) + 0.5) * (SIZE / GRID)
    x, y = np.meshgrid(middles, middles)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def heat_maps(joints):
    """The maps asked for: round, of deviation `SOFTNESS`; even for a joint far outside the frame.

    Args:
        joints: `(N, J, 2)`, pixels.

    Returns:
        float32 `(N, J, 1024)`, each sums to 1.
    """
    away = np.square(joints[:, :, None] - cell_centres()).sum(axis=-1)
    maps = np.exp(-away / (2 * SOFTNESS**2)).astype(np.float32) + np.float32(1e-6)
    return maps / maps.sum(axis=-1, keepdims=True)


def places_and_spreads(logits):
    """Where the joints are, and how sure the net is.

    Args:
        logits: `(N, J, 1024)`, what the net gives.

    Returns:
        float32 `(N, J, 2)`, the means of the heat maps, and `(N, J)`, their deviations; in pixels of 64x64
        frames.
    """
    maps, cells = tf.nn.softmax(logits).numpy(), cell_centres()
    places = maps @ cells
    variances = maps @ np.square(cells) - np.square(places)
    return places, np.sqrt(variances.sum(axis=-1).clip(0))
