"""Preprocess: crop, scale, rotate, sample, convert ranges and judge quality, on whole clips with NumPy.

Axes: a clip is (num_frames, height, width, channels), channels last.
Ranges: stored range uint8 [0, 255]; model range float32 [-1, 1]. `to_model_range` and `to_uint8` convert; so
do two places in TensorFlow, the batches of `datasets.make_dataset` and the frames that `features` shows to a
network, by the same formula. `resize` and `rotate` take either. Where pixels are only picked (crops, quarter
turns, `sample_frames`), any numbers will do. Random choices are made once a clip and hold for all its frames.
"""

import math

import numpy as np

from vgcourse import arguments

# ---- crop ------------------------------------------------------------------------------------------------


def crop(clip, top, left, height, width):
    """Cuts a box out of every frame.

    Args:
        clip: array of numbers, shape `(num_frames, H, W, channels)`.
        top, left, height, width: first row and column of the box, and its size, in pixels.

    Returns:
        Array, shape `(num_frames, height, width, channels)`, dtype and memory of `clip` (a view).

    Raises:
        ValueError: the box does not lie within the frame.
    """
    clip = _checked_clip("crop", clip)
    height, width = _checked_size("crop", height, width)
    top = arguments.whole_number("crop: top", top, 0)
    left = arguments.whole_number("crop: left", left, 0)
    if top + height > clip.shape[1] or left + width > clip.shape[2]:
        raise ValueError(
            f"crop: expected a box within {clip.shape[1]}x{clip.shape[2]} (height x width), received "
            f"{height}x{width} at row {top}, column {left}"
        )
    return clip[:, top : top + height, left : left + width]


def center_crop(clip, height, width):
    """Cuts the box in the middle of every frame; `clip`, `height`, `width` and the rest as in `crop`.

    Returns:
        Array, shape `(num_frames, height, width, channels)`, dtype and memory of `clip` (a view).
    """
    clip = _checked_clip("center_crop", clip)
    height, width = _checked_size("center_crop", height, width)
    top, left = (clip.shape[1] - height) // 2, (clip.shape[2] - width) // 2
    return crop(clip, max(top, 0), max(left, 0), height, width)


def random_crop(clip, height, width, *, seed):
    """Cuts a box at a random place, the same for all frames: a box that moved would add motion.

    Args:
        clip, height, width: as in `crop`.
        seed: int, several ints or `numpy.random.Generator`; the same seed gives the same box.

    Returns:
        Array, shape `(num_frames, height, width, channels)`, dtype and memory of `clip` (a view).
    """
    clip = _checked_clip("random_crop", clip)
    height, width = _checked_size("random_crop", height, width)
    try:
        rng = np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ValueError(f"random_crop: seed: expected an integer, 0 or more, received {seed!r}") from None
    top = rng.integers(max(clip.shape[1] - height, 0) + 1)
    left = rng.integers(max(clip.shape[2] - width, 0) + 1)
    return crop(clip, top, left, height, width)


# ---- scale, rotate, sample -------------------------------------------------------------------------------


def resize(clip, height, width):
    """Scales every frame, antialiased: bilinear, with a triangle as wide as an output pixel when shrinking.

    Without the wider triangle, shrinking skips pixels: fine patterns turn into false coarse ones (aliasing)
    and flicker when they move.

    Args:
        clip: array, shape `(num_frames, H, W, channels)`, uint8 or float.
        height, width: new size, in pixels.

    Returns:
        Array, shape `(num_frames, height, width, channels)`, dtype of `clip`.
    """
    clip = _checked_values("resize", clip)
    height, width = _checked_size("resize", height, width)
    _, old_height, old_width, channels = clip.shape
    rows = _resize_weights(old_height, height)
    columns = _resize_weights(old_width, width)
    resized = np.empty((len(clip), height, width, channels), clip.dtype)
    for new, frame in zip(resized, clip, strict=True):
        # Separable: one matrix product mixes rows, one mixes columns.
        mixed = rows @ frame.reshape(old_height, old_width * channels).astype(np.float32)
        new[:] = _as(columns @ mixed.reshape(height, old_width, channels), clip.dtype)
    return resized


def _resize_weights(old, new):
    """(new, old) matrix: row i holds the shares of the old pixels in new pixel i; rows sum to 1."""
    scale = old / new  # old pixels per new pixel
    centers = (np.arange(new) + 0.5) * scale - 0.5  # of the new pixels, in old coordinates
    distances = np.abs(np.arange(old) - centers[:, None])
    weights = np.maximum(0, 1 - distances / max(scale, 1))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def rotate(clip, degrees):
    """Turns every frame about its centre, counter-clockwise.

    Multiples of 90 are exact and swap height and width where they must. Other angles keep the size, look up
    each new pixel at its old place (bilinear) and fill the corners with the nearest edge pixel.

    Args:
        clip: array, shape `(num_frames, H, W, channels)`, uint8 or float (to quarter turns, any numbers).
        degrees: angle, counter-clockwise as seen.

    Returns:
        Array, shape `(num_frames, H, W, channels)` (or `(num_frames, W, H, channels)`), dtype of `clip`.
    """
    clip = _checked_clip("rotate", clip)
    arguments.real_number("rotate: degrees", degrees)
    if degrees % 90 == 0:
        return np.rot90(clip, k=int(degrees // 90) % 4, axes=(1, 2)).copy()
    _, height, width, _ = _checked_values("rotate", clip).shape
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    y = np.arange(height)[:, None] - middle_y
    x = np.arange(width) - middle_x
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # Where each new pixel comes from; y points down, so this turns counter-clockwise as seen.
    old_x = np.clip(cos * x - sin * y + middle_x, 0, width - 1)
    old_y = np.clip(sin * x + cos * y + middle_y, 0, height - 1)
    return np.stack([_as(_bilinear(frame, old_y, old_x), clip.dtype) for frame in clip])


def _bilinear(frame, y, x):
    """Values of a frame at fractional rows y and columns x, both of shape (height, width)."""
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    bottom = np.minimum(top + 1, frame.shape[0] - 1)
    right = np.minimum(left + 1, frame.shape[1] - 1)
    down, across = (y - top)[..., None], (x - left)[..., None]
    upper = (1 - across) * frame[top, left] + across * frame[top, right]
    lower = (1 - across) * frame[bottom, left] + across * frame[bottom, right]
    return (1 - down) * upper + down * lower


def sample_frames(clip, num_frames, *, step=1, start=0):
    """Takes frames `start, start + step, ...`.

    Args:
        clip: array of numbers, shape `(T, H, W, channels)`.
        num_frames, step, start: how many frames to take, how far apart, and the index of the first.

    Returns:
        Array, shape `(num_frames, H, W, channels)`, dtype and memory of `clip` (a view).

    Raises:
        ValueError: the clip is too short.
    """
    clip = _checked_clip("sample_frames", clip)
    num_frames = arguments.whole_number("sample_frames: num_frames", num_frames, 1)
    step = arguments.whole_number("sample_frames: step", step, 1)
    start = arguments.whole_number("sample_frames: start", start, 0)
    needed = start + (num_frames - 1) * step + 1
    if needed > len(clip):
        raise ValueError(
            f"sample_frames: expected a clip of {needed} frames or more for num_frames={num_frames}, "
            f"step={step}, start={start}, received {len(clip)}"
        )
    return clip[start:needed:step]


# ---- value ranges ----------------------------------------------------------------------------------------


def to_model_range(clip):
    """Stored range to model range: uint8 [0, 255] to float32 [-1, 1].

    Args:
        clip: uint8 array of any shape.

    Returns:
        float32 array, same shape, range [-1, 1].

    Raises:
        ValueError: the array is not uint8.
    """
    clip = np.asarray(clip)
    if clip.dtype != np.uint8:
        raise ValueError(f"to_model_range: expected uint8 in [0, 255], received {clip.dtype}")
    return clip.astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_uint8(clip):
    """Model range to stored range: float [-1, 1] to uint8 [0, 255]; undoes `to_model_range` exactly.

    Args:
        clip: float array of any shape, range [-1, 1] (0.001 beyond is allowed for rounding and is clipped).

    Returns:
        uint8 array, same shape, range [0, 255].

    Raises:
        ValueError: the array is not float, is not finite or leaves [-1, 1].
    """
    clip = np.asarray(clip)
    if not np.issubdtype(clip.dtype, np.floating):
        raise ValueError(f"to_uint8: expected floats in [-1, 1], received {clip.dtype}")
    if clip.size and not (clip.min() >= -1.001 and clip.max() <= 1.001):
        raise ValueError(f"to_uint8: expected values in [-1, 1], received [{clip.min()}, {clip.max()}]")
    return np.clip(np.rint((clip.astype(np.float32) + 1) * 127.5), 0, 255).astype(np.uint8)


# ---- quality ---------------------------------------------------------------------------------------------


def find_cuts(clip):
    """Finds hard cuts: frames at which a new shot begins.

    Compares neighbouring frames on a coarse grid, on which motion hardly shows. A cut is a change that is
    large (over 10 grey levels), sticks out (over 4 times the changes around it, so fast motion is none) and
    stays (a camera flash is none). Fades are not found.

    Args:
        clip: uint8 array, shape `(num_frames, H, W, channels)`.

    Returns:
        List of ints, each the index of the first frame of a new shot; empty without cuts.
    """
    clip = arguments.uint8_clips("find_cuts: clip", clip, 4, channels=None)
    stride = max(1, min(clip.shape[1:3]) // 64)  # of a large frame, 64 rows tell enough
    small = resize(clip[:, ::stride, ::stride], 16, 16).astype(np.int16)
    change = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2, 3))  # at i: from frame i to i + 1
    i = np.arange(len(change))
    before = small[np.maximum(i - 1, 0)]
    after = small[np.minimum(i + 2, len(clip) - 1)]
    stays = np.abs(after - before).mean(axis=(1, 2, 3))
    candidates = np.flatnonzero((change > 10) & (stays > 10))
    return [int(k) + 1 for k in candidates if change[k] > 4 * _usual_change(change, k)]


def _usual_change(change, k, radius=8):
    """Upper quartile of the changes around k: robust to a second cut, and to frames that are shown twice."""
    around = np.concatenate([change[max(0, k - radius) : k], change[k + 1 : k + 1 + radius]])
    return np.percentile(around, 75) if len(around) else 0.0


def quality_report(clip, *, min_frames=16):
    """Measures what makes a clip useless for training.

    | fault | what is measured | fault if |
    |---|---|---|
    | black | share of frames of which not even 1% is brighter than 32 of 255 | over 0.1 |
    | frozen | share of neighbouring frames that differ by under 0.1 grey levels on average | over 0.5 |
    | blurred | 0 sharp to 1: how little a further blur changes 8 frames (doi 10.1117/12.702790) | over 0.65 |
    | too_short | number of frames | under `min_frames` |
    | cuts | indices found by `find_cuts` | any |

    Args:
        clip: uint8 array, shape `(num_frames, H, W, channels)`.
        min_frames: number of frames that the model needs.

    Returns:
        Dict from fault to a dict of `fault` (bool), `measured` and `limit`.
    """
    clip = arguments.uint8_clips("quality_report: clip", clip, 4, channels=None)
    min_frames = arguments.whole_number("quality_report: min_frames", min_frames, 1)
    bright = clip[:, ::4, ::4].max(axis=-1)  # every fourth pixel tells enough
    black = float(np.mean(np.percentile(bright, 99, axis=(1, 2)) < 32))
    pairs = zip(clip[:-1], clip[1:], strict=True)
    still = [np.abs(new.astype(np.int16) - old).mean() < 0.1 for old, new in pairs]
    frozen = float(np.mean(still)) if still else 0.0
    some = np.linspace(0, len(clip) - 1, min(8, len(clip))).astype(int)
    blur = _blur(clip[some])
    cuts = find_cuts(clip)
    return {
        "black": {"fault": black > 0.1, "measured": black, "limit": 0.1},
        "frozen": {"fault": frozen > 0.5, "measured": frozen, "limit": 0.5},
        "blurred": {"fault": blur > 0.65, "measured": blur, "limit": 0.65},
        "too_short": {"fault": len(clip) < min_frames, "measured": len(clip), "limit": min_frames},
        "cuts": {"fault": bool(cuts), "measured": cuts, "limit": 0},
    }


def _blur(clip, taps=9):
    """0 (sharp) to 1: the share of neighbours' differences that survives a further blur; the worse axis."""
    grey = clip.mean(axis=-1, dtype=np.float32)
    shares = []
    for axis in (1, 2):
        edges = np.abs(np.diff(grey, axis=axis))
        # A box of `taps` pixels: the mean of as many copies, each shifted by one pixel more.
        padding = [(0, 0), (0, 0), (0, 0)]
        padding[axis] = (taps // 2, taps // 2)
        padded = np.pad(grey, padding, mode="edge")
        size = grey.shape[axis]
        blurred = sum(padded.take(range(k, k + size), axis=axis) for k in range(taps)) / taps
        lost = np.maximum(0, edges - np.abs(np.diff(blurred, axis=axis)))
        # A plain picture has no edges to judge by and counts as blurred.
        shares.append(1 - lost.sum() / edges.sum() if edges.sum() > 0 else 1.0)
    return float(max(shares))


# ---- arguments -------------------------------------------------------------------------------------------


def _checked_clip(function, clip):
    clip = np.asarray(clip)
    if clip.ndim != 4 or 0 in clip.shape or clip.dtype.kind not in "buif":
        wanted = "numbers of shape (num_frames, height, width, channels)"
        raise ValueError(f"{function}: expected {wanted}, received {clip.dtype} of shape {clip.shape}")
    return clip


def _checked_values(function, clip):
    """A clip to compute with, in the stored or the model range."""
    clip = _checked_clip(function, clip)
    if clip.dtype == np.uint8:
        return clip
    if clip.dtype.kind != "f":
        wanted = "uint8 in [0, 255] or floats in [-1, 1]"
        raise ValueError(f"{function}: expected {wanted}, received {clip.dtype}")
    if not (clip.min() >= -1.001 and clip.max() <= 1.001):  # NaN is not, either
        raise ValueError(f"{function}: expected floats in [-1, 1], received [{clip.min()}, {clip.max()}]")
    return clip


def _checked_size(function, height, width):
    return (
        arguments.whole_number(f"{function}: height", height, 1),
        arguments.whole_number(f"{function}: width", width, 1),
    )


def _as(values, dtype):
    """Casts floats to the clip's dtype; rounds for uint8."""
    return np.rint(values).astype(dtype) if dtype == np.uint8 else values.astype(dtype)
