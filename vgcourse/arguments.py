"""Arguments: the checks that all stages share.

Every function returns the value it was given, as what it stands for, or raises a ValueError that names the
argument and says what was expected and what was received.
"""

import math
import numbers

import numpy as np

# The axes of clips, first to last; a clip has the last four of them.
AXES = ("num_clips", "num_frames", "height", "width", "channels")
LEAST_FPS = 1e-6  # less is zero to the fractions that video files count with


def whole_number(name, value, least, most=math.inf, *, meaning=""):
    """Check a number of things, or a seed.

    Args:
        name: what the error calls it.
        value: what was received.
        least, most: its limits, both allowed.
        meaning: what the limits stand for, for example "all clips"; the error adds it in brackets.

    Returns:
        An `int`.

    Raises:
        ValueError: another kind of value (True and 3.0 are no whole numbers), or out of its limits.
    """
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or not least <= value <= most:
        limits = _limits(least, most, meaning)
        raise ValueError(f"{name}: expected a whole number{limits}, received {value!r}")
    return int(value)


def real_number(name, value, least=-math.inf, most=math.inf, *, meaning=""):
    """Check a number that has a fraction: seconds, degrees, a weight.

    Args:
        name, value, least, most, meaning: as in `whole_number`.

    Returns:
        The number, in the type it was given in.

    Raises:
        ValueError: another kind of value, not finite, or out of its limits.
    """
    is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_real or not -math.inf < value < math.inf or not least <= value <= most:
        limits = _limits(least, most, meaning)
        raise ValueError(f"{name}: expected a finite number{limits}, received {value!r}")
    return value


def frames_per_second(name, value):
    """Check a frame rate.

    Args:
        name, value: as in `whole_number`.

    Returns:
        The number, in the type it was given in (files have fractions).

    Raises:
        ValueError: no finite number of at least 0.000001.
    """
    return real_number(name, value, LEAST_FPS, meaning="frames per second")


def one_of(name, value, choices):
    """Check a choice.

    Args:
        name: what the error calls it.
        value: what was received.
        choices: what there is to choose from, texts or numbers.

    Returns:
        `value`.

    Raises:
        ValueError: it is none of them.
    """
    if not np.isscalar(value) or value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(str, choices))}, received {value!r}")
    return value


def uint8_clips(name, array, ndim=5, *, channels=3, min_clips=1, min_frames=1):
    """Check clips, or one clip (`ndim=4`), in the stored range.

    Args:
        name: what the error calls it.
        array: what was received, an array or a list of arrays.
        ndim: 5 for `(num_clips, num_frames, height, width, channels)`, 4 for one clip.
        channels: how many; None allows any number.
        min_clips, min_frames: how many there must be; no other axis may be empty.

    Returns:
        NumPy array, uint8, shape as above.

    Raises:
        ValueError: another dtype or rank, too few clips or frames, frames of different sizes.
    """
    least = (min_clips, min_frames, 1, 1, channels or 1)[-ndim:]
    try:
        array = np.asarray(array)
    except ValueError:
        expected = _clips(least, channels)
        raise ValueError(f"{name}: expected {expected}, received frames of several sizes") from None
    fits = array.ndim == ndim and all(have >= need for have, need in zip(array.shape, least, strict=True))
    if array.dtype != np.uint8 or not fits or array.shape[-1] != (channels or array.shape[-1]):
        received, hint = f"{array.dtype} of shape {array.shape}", ""
        if array.dtype.kind == "f":
            hint = "; preprocess.to_uint8 converts [-1, 1]"
        elif array.ndim == 4 and ndim == 5:
            hint = "; one clip among clips is clip[None]"
        raise ValueError(f"{name}: expected {_clips(least, channels)}, received {received}{hint}")
    return array


def _clips(least, channels):
    """What an error says that it expected."""
    axes = [*AXES[-len(least) : -1], str(channels or AXES[-1])]
    more = [f"{axis} at least {need}" for axis, need in zip(axes[:-1], least, strict=False) if need > 1]
    return ", ".join([f"uint8 of shape ({', '.join(axes)})", *more])


def _limits(least, most, meaning):
    """What follows "a number" in an error, with a space before it."""
    if least == -math.inf:
        limits = "" if most == math.inf else f" up to {most}"
    else:
        limits = f" from {least} on" if most == math.inf else f" from {least} to {most}"
    return f"{limits} ({meaning})" if meaning else limits
