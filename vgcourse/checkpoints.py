"""Checkpoints: all that a training run needs to go on, in one file that is whole or not there.

A checkpoint is an `.npz` of plain arrays (weights, optimizer slots, averages, the step), loaded with
`allow_pickle=False`. It is written under a temporary name, flushed to the disk and then renamed, and
the one before it stays: a kill or a full disk at any moment leaves a good one. Axes and ranges are
those of the variables, untouched.
"""

import json
import os
import re
import warnings
import zipfile
from pathlib import Path

import numpy as np

KEPT = 2
PART = ".part"  # end of the name of a file that is being written
CONFIG_NAME = "config.json"


class NotFiniteError(ValueError):
    """A weight is NaN or infinite: such a state is never kept."""


class NotWrittenError(ValueError):
    """A file cannot be written: the disk is full, or the folder is not ours."""


def state_of(gan):
    """Every variable of a GAN by name: networks, averages, optimizer slots, step.

    Args:
        gan: a compiled `keras.Model` with `g_optimizer` and `d_optimizer`.

    Returns:
        A dict, name -> `keras.Variable`; the names are unique and the same in every process.
    """
    groups = {
        "weights": gan.weights,
        "g_optimizer": gan.g_optimizer.variables,
        "d_optimizer": gan.d_optimizer.variables,
    }
    # Keras's own names count layers up within a process: the place in the list is what stays.
    return {
        f"{group}/{place:03d}": variable
        for group, variables in groups.items()
        for place, variable in enumerate(variables)
    }


def current_step(gan):
    """The number of steps that a GAN was trained for.

    Args:
        gan: a model with `step`, a scalar; also one with a copy on every replica, which `int` refuses.

    Returns:
        An int.
    """
    return int(gan.step.numpy() if hasattr(gan.step, "numpy") else gan.step)


def save_checkpoint(gan, folder):
    """Write `checkpoint-<step>.npz`, keep the one before it and drop all others.

    Those of later steps go too: `restore_checkpoint` found them damaged, or this would not be their past.

    Args:
        gan: the model to keep, see `state_of`.
        folder: run folder; it is made if need be.

    Returns:
        The path of the checkpoint.

    Raises:
        NotFiniteError: a weight is NaN or infinite. Older checkpoints stay.
        NotWrittenError: the folder cannot be written. Older checkpoints stay.
    """
    arrays = {name: np.asarray(variable) for name, variable in state_of(gan).items()}
    broken = [name for name, array in arrays.items() if not np.all(np.isfinite(array))]
    if broken:
        raise NotFiniteError(f"{folder}: expected finite weights, received NaN or infinity in {broken[0]}")
    path = Path(folder) / f"checkpoint-{current_step(gan):08d}.npz"
    write_atomically(path, lambda file: np.savez(file, **arrays))
    paths = list_checkpoints(folder)
    place = paths.index(path) + 1
    unfinished = Path(folder).glob(f".checkpoint-*{PART}")  # of a process that was killed while it wrote
    for dropped in [*paths[: max(place - KEPT, 0)], *paths[place:], *unfinished]:
        dropped.unlink(missing_ok=True)
    return path


def restore_checkpoint(gan, folder):
    """Load the newest checkpoint that is whole into `gan`; warn about damaged ones.

    Args:
        gan: a compiled model built with the settings of the run.
        folder: run folder.

    Returns:
        The step that was reached, as an int.

    Raises:
        ValueError: there is no checkpoint, none is whole, or it belongs to a model of another size.
    """
    paths = list_checkpoints(folder)
    if not paths:
        raise ValueError(f"{folder}: expected checkpoint-*.npz to resume from, received none")
    for path in reversed(paths):
        try:
            arrays = _read_arrays(path)
        except Exception as error:  # a damaged file may fail anywhere in the zip, zlib or NumPy layer
            warnings.warn(f"{path}: corrupted checkpoint ({error}); trying the one before", stacklevel=2)
            continue
        assign_state(gan, arrays, path)
        return current_step(gan)
    found = f"received {len(paths)} corrupted"
    raise ValueError(f"{folder}: expected a whole checkpoint, {found}; train anew, in another folder")


def _read_arrays(path):
    # NumPy reads no further than an array's header says, so a damaged header would escape the checksum.
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged:
        raise ValueError(f"wrong checksum of {damaged}")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def assign_state(gan, arrays, source):
    """Copy arrays into the variables of `gan`, after checking every name and shape.

    Args:
        gan: a compiled model, see `state_of`.
        arrays: a dict, name -> array, with the names and shapes of `state_of(gan)`.
        source: where they come from, for the error: a path.

    Raises:
        ValueError: an array is missing or has another shape; `gan` is left as it was.
    """
    variables = state_of(gan)
    for name, variable in variables.items():
        if name not in arrays:
            raise ValueError(
                f"{source}: expected an array {name}, received none: this is another model's run"
            )
        if arrays[name].shape != tuple(variable.shape):
            raise ValueError(
                f"{source}: expected {name} of shape {tuple(variable.shape)}, received {arrays[name].shape}: "
                "the checkpoint is of another size; build the model with the settings in config.json"
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def list_checkpoints(folder):
    """Checkpoints in a run folder, oldest first.

    Args:
        folder: run folder; it need not exist.

    Returns:
        A list of paths; whether a file is whole is not looked at.
    """
    named = re.compile(r"checkpoint-\d{8,}\.npz")
    found = [path for path in Path(folder).glob("checkpoint-*.npz") if named.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.stem.split("-")[1]))


def write_config(folder, config):
    """Write the settings of a run as `config.json`.

    Args:
        folder: run folder; it is made if need be.
        config: a dict that JSON can hold.

    Raises:
        NotWrittenError: the folder cannot be written.
    """
    text = json.dumps(config, indent=1, sort_keys=True) + "\n"
    write_atomically(Path(folder) / CONFIG_NAME, lambda file: file.write(text.encode()))


def read_config(folder):
    """The settings of a run.

    Args:
        folder: run folder.

    Returns:
        The dict that `write_config` was given.

    Raises:
        ValueError: the folder is not a run folder, or its `config.json` is damaged.
    """
    path = Path(folder) / CONFIG_NAME
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError(f"a {type(config).__name__}")
        return config
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file; expected the folder of a training run") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: expected the settings of a run as JSON, received {error}") from error


def write_atomically(path, write):
    """Call `write(file)` on a temporary file beside `path`, flush it to disk, then rename it.

    Args:
        path: where the file ends up.
        write: function that is given a binary file.

    Raises:
        NotWrittenError: the folder cannot be written; names the file. What was at `path` stays.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise NotWrittenError(f"{path}: cannot be written: {error.strerror or error}") from error
