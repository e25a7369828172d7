"""Train, the settings of a run as they come back from its `config.json`: right names, types and ranges."""

import math
import reprlib

from vgcourse.datasets import label_fault
from vgcourse.gan import PRECISIONS, RECIPES


def check_run_settings(settings, path):
    """Refuse settings that no run was started with: of another program, or changed by hand.

    Args:
        settings: what the file holds, a dict.
        path: the file, for the error.

    Raises:
        ValueError: a setting is missing, or of another type or range; the first one is named.
    """
    for name, (expected, is_right) in {**NEEDED, **LATER}.items():
        if name not in settings and name in LATER:
            continue
        if name not in settings or not is_right(settings[name]):
            received = reprlib.repr(settings[name]) if name in settings else "none"
            raise ValueError(
                f"{path}: {name}: expected {expected}, received {received}; put back what the run was "
                "started with, or train anew in another folder"
            )


def is_run_settings(settings):
    """Returns whether `settings`, whatever JSON held, have the names of a run's settings."""
    return isinstance(settings, dict) and settings.keys() >= NEEDED.keys()


def _is_whole(value, least, most):
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_rate(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _are_names(value):
    is_list = isinstance(value, list) and value and all(isinstance(name, str) for name in value)
    return bool(is_list) and len(set(value)) == len(value) and not any(map(label_fault, value))


LARGEST = 2**31 - 1
# What a run is started with, and what `continue_run` adds or another program may leave out.
NEEDED = {
    "size": (
        f"one of {', '.join(map(str, RECIPES))}",
        lambda value: _is_whole(value, 1, 999) and value in RECIPES,
    ),
    "num_frames": ("a whole number, 4 to 16", lambda value: _is_whole(value, 4, 16)),
    "fps": ("frames per second, over 0", _is_rate),
    "action_names": ("a list of different names, fit for those of files", _are_names),
    "precision": (
        f"one of {', '.join(PRECISIONS)}",
        lambda value: isinstance(value, str) and value in PRECISIONS,
    ),
    "batch_size": (f"a whole number, 1 to {LARGEST}", lambda value: _is_whole(value, 1, LARGEST)),
    "seed": (f"a whole number, 0 to {2**32 - 1}", lambda value: _is_whole(value, 0, 2**32 - 1)),
}
LATER = {
    "steps": (f"a whole number, 1 to {LARGEST}", lambda value: _is_whole(value, 1, LARGEST)),
    "store_sha256": ("a text", lambda value: isinstance(value, str)),
    "kind": ("gan or structure", lambda value: value in ("gan", "structure")),
}
