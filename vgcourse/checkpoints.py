"""Checkpoints: all that a training run needs to go on, in one file that is whole or not there.

A checkpoint is an `.npz` of plain arrays (weights, optimizer slots, averages, the step), loaded with
`allow_pickle=False`. It is written under a temporary name, flushed to the disk and then renamed, and
the one before it stays: a kill or a full disk at any moment leaves a good one.
"""

import json
import os
import re
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np

KEPT = 2
CONFIG_NAME = "config.json"


class NotFiniteError(ValueError):
    """A weight is NaN or infinite: such a state is never kept."""


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


def save_checkpoint(gan, folder):
    """Write `checkpoint-<step>.npz` and drop all but the newest two.

    Args:
        gan: the model to keep, see `state_of`.
        folder: run folder; it is made if need be.

    Returns:
        The path of the checkpoint.

    Raises:
        NotFiniteError: a weight is NaN or infinite. Older checkpoints stay.
        ValueError: the folder cannot be written. Older checkpoints stay.
    """
    arrays = {name: np.asarray(variable) for name, variable in state_of(gan).items()}
    broken = [name for name, array in arrays.items() if not np.all(np.isfinite(array))]
    if broken:
        raise NotFiniteError(f"{folder}: expected finite weights, received NaN or infinity in {broken[0]}")
    path = Path(folder) / f"checkpoint-{int(gan.step):08d}.npz"
    write_atomically(path, lambda file: np.savez(file, **arrays))
    for old in list_checkpoints(folder)[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def restore_checkpoint(gan, folder):
    """Load the newest checkpoint that is whole into `gan`.

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
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        # A torn file can fail anywhere in the zip reader.
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            warnings.warn(f"{path}: corrupted checkpoint ({error}); trying the one before", stacklevel=2)
            continue
        assign_state(gan, arrays, path)
        return int(gan.step)
    raise ValueError(f"{folder}: expected a whole checkpoint, received {len(paths)} corrupted; train anew")


def assign_state(gan, arrays, path):
    """Copy arrays into the variables of `gan`, after checking every name and shape."""
    variables = state_of(gan)
    for name, variable in variables.items():
        if name not in arrays:
            raise ValueError(f"{path}: expected an array {name}, received none: this is another model's run")
        if arrays[name].shape != tuple(variable.shape):
            raise ValueError(
                f"{path}: expected {name} of shape {tuple(variable.shape)}, received {arrays[name].shape}: "
                "the checkpoint is of another size; build the model with the settings in config.json"
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def list_checkpoints(folder):
    """Checkpoints in a run folder, oldest first."""
    named = re.compile(r"checkpoint-\d{8,}\.npz")
    return sorted(path for path in Path(folder).glob("checkpoint-*.npz") if named.fullmatch(path.name))


def write_config(folder, config):
    """Write the settings of a run as `config.json`."""
    text = json.dumps(config, indent=1, sort_keys=True) + "\n"
    write_atomically(Path(folder) / CONFIG_NAME, lambda file: file.write(text.encode()))


def read_config(folder):
    """The settings of a run, a dict.

    Raises:
        ValueError: the folder is not a run folder, or its `config.json` is damaged.
    """
    path = Path(folder) / CONFIG_NAME
    try:
        return json.loads(path.read_text(encoding="utf-8"))
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
        ValueError: the folder cannot be written; names the file.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as file:
            try:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        os.replace(file.name, path)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error.strerror or error}") from error
