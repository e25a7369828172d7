"""Budget: how long the lessons train. One environment variable makes every training cell short, for tests.

`VGCOURSE_BUDGET=small` keeps every cell and cuts the number of steps; models then start from a saved state of
the middle of the full training, so that what a lesson says of its result stays true.
`VGCOURSE_BUDGET=half` is for `python -m lessons warm` alone, which makes those states: it trains half the
steps, from the start.
"""

import itertools
import os

import numpy as np

from vgcourse.files import data_folder

VARIABLE = "VGCOURSE_BUDGET"
BUDGETS = ("small", "half", "full")


def asked():
    """The budget that the environment asks for; returns "small", "half" or "full".

    Raises:
        ValueError: the variable is none of these.
    """
    value = os.environ.get(VARIABLE, "full")
    if value not in BUDGETS:
        raise ValueError(f"{VARIABLE}: expected 'small', 'half' or 'full', received {value!r}")
    return value


def is_small():
    """Whether the environment asks for short trainings; returns a bool."""
    return asked() == "small"


def steps(full, *, small=20):
    """Number of training steps for a lesson.

    Args:
        full: steps that a student trains.
        small: steps under the small budget.

    Returns:
        `full`, `small`, or under the half budget half of `full`, rounded up.
    """
    return {"small": small, "half": -(-full // 2), "full": full}[asked()]


def warm_start(model, name):
    """Under the small budget, load the saved mid-training weights of a lesson; otherwise do nothing.

    Args:
        model: a built `keras.Model`, changed in place; all its weights, a step counter too, are set.
        name: of the state, such as "04_first_gan".

    Raises:
        ValueError: the state is missing, or of another model.
    """
    if is_small():
        _load(model, name)


def load_state(model, name):
    """Load the saved mid-training weights of a lesson that shows its result first, at any length but one.

    Args:
        model, name: as in `warm_start`.

    Returns:
        The model; under the half budget, which makes the states, untrained as it was.

    Raises:
        ValueError: as `warm_start`.
    """
    if asked() != "half":
        _load(model, name)
    return model


def _load(model, name):
    path = state_path(name)
    if not path.is_file():
        raise ValueError(f"{path}: expected a saved state, found none; make it with `python -m lessons warm`")
    with np.load(path, allow_pickle=False) as state:
        arrays = [state[key] for key in sorted(state.files)]
    pairs = itertools.zip_longest((tuple(w.shape) for w in model.weights), (a.shape for a in arrays))
    for place, (wanted, got) in enumerate(pairs):
        if wanted != got:
            raise ValueError(
                f"{path} is the state of another model: as weight {place} expected shape {wanted}, "
                f"received {got}; make it again with `python -m lessons warm`"
            )
    for weight, array in zip(model.weights, arrays, strict=True):
        weight.assign(array.astype(weight.dtype))


def state_path(name):
    """Where the state called `name` lies; returns a Path."""
    return data_folder() / "checkpoints" / "lessons" / f"{name}.npz"
