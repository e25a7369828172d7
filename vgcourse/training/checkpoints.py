"""Train, checkpoints: all that a training run needs to go on, in one file that is whole or not there.

A checkpoint is an `.npz` of plain arrays (weights, optimizer slots, averages, the step), loaded with
`allow_pickle=False`. It is written under a temporary name, flushed to the disk and then renamed, and
the one before it stays: a kill or a full disk at any moment leaves a good one. Axes and ranges are
those of the variables, untouched.
"""

import math
import re
import warnings
import zipfile
from pathlib import Path

import numpy as np

from vgcourse.files import PART, new_file
from vgcourse.training.loop import current_step

KEPT = 2


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
    """Write `checkpoint-<step>.npz`, keep the one before it and drop all others.

    Those of later steps go too: `restore_checkpoint` found them damaged, or this would not be their past.

    Args:
        gan: the model to keep, see `state_of`.
        folder: run folder; it is made if need be.

    Returns:
        The path of the checkpoint.

    Raises:
        NotFiniteError: a weight is NaN or infinite. Older checkpoints stay.
        files.NotWrittenError: the folder cannot be written. Older checkpoints stay.
    """
    arrays = {name: np.asarray(variable) for name, variable in state_of(gan).items()}
    broken = [name for name, array in arrays.items() if not np.all(np.isfinite(array))]
    if broken:
        raise NotFiniteError(f"{folder}: expected finite weights, received NaN or infinity in {broken[0]}")
    path = Path(folder) / f"checkpoint-{current_step(gan):08d}.npz"
    with new_file(path) as part:
        np.savez(part, **arrays)
    paths = list_checkpoints(folder)
    place = paths.index(path) + 1
    unfinished = Path(folder).glob(f"{PART}*.npz")  # of a process that was killed while it wrote
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
    path, arrays = newest_state(folder)
    if path is None:
        raise ValueError(f"{folder}: expected checkpoint-*.npz to resume from, received none")
    assign_state(gan, arrays, path)
    return current_step(gan)


def newest_state(folder):
    """The newest checkpoint that is whole; warns about damaged ones.

    Args:
        folder: run folder; it need not exist.

    Returns:
        Its path and a dict, name -> array; `(None, None)` where no checkpoint was kept.

    Raises:
        ValueError: there are checkpoints, and all are damaged.
    """
    paths = list_checkpoints(folder)
    for path in reversed(paths):
        try:
            return path, _read_arrays(path)
        except Exception as error:  # a damaged file may fail anywhere in the zip, zlib or NumPy layer
            warnings.warn(f"{path}: corrupted checkpoint ({error}); trying the one before", stacklevel=3)
    if paths:
        found = f"received {len(paths)} corrupted"
        raise ValueError(f"{folder}: expected a whole checkpoint, {found}; train anew, in another folder")
    return None, None


def check_own_run(gan, folder):
    """Refuse to go on in a folder whose checkpoints are not this model's past.

    Args:
        gan: the model that is about to be trained, see `state_of`.
        folder: run folder; it need not exist.

    Raises:
        ValueError: the newest checkpoint is not the state that the model is in.
    """
    path, arrays = newest_state(folder)
    if path is None:
        return
    state = {name: np.asarray(variable) for name, variable in state_of(gan).items()}
    if arrays.keys() != state.keys() or not all(np.array_equal(arrays[name], state[name]) for name in state):
        raise ValueError(
            f"{folder}: expected an empty folder or this model's own run, received one that holds "
            f"{path.name}, in another state than the model at step {current_step(gan)}; resume that run "
            "(restore_checkpoint), or take another folder"
        )


def _read_arrays(path):
    """The arrays of a checkpoint; takes no more memory than the file is long, whatever is written in it."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > path.stat().st_size:
                raise ValueError(f"{member.filename} is packed, or longer than the file")
        damaged = archive.testzip()
        if damaged:
            raise ValueError(f"wrong checksum of {damaged}")
        return {
            member.filename.removesuffix(".npy"): _read_array(archive, member)
            for member in archive.infolist()
        }


def _read_array(archive, member):
    """One array, once its header and its length agree: NumPy would make room for what the header says."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in headers:
            raise ValueError(f"{member.filename} is of NumPy's format {version}")
        shape, _, dtype = headers[version](file)
        expected = file.tell() + math.prod(shape) * dtype.itemsize
    if dtype.hasobject or member.file_size != expected:
        raise ValueError(f"{member.filename} of shape {shape} is {expected} bytes, not {member.file_size}")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def assign_state(gan, arrays, source):
    """Copy arrays into the variables of `gan`, after checking every name, shape and type.

    Args:
        gan: a compiled model, see `state_of`.
        arrays: a dict, name -> array, with the names and shapes of `state_of(gan)`.
        source: where they come from, for the error: a path.

    Raises:
        ValueError: an array is missing or has another shape or type; `gan` is left as it was.
    """
    variables = state_of(gan)
    for name, variable in variables.items():
        expected, received = _kind(variable), _kind(arrays[name]) if name in arrays else "none"
        if received != expected:
            raise ValueError(
                f"{source}: expected {name}, {expected}, received {received}: this is another model's run; "
                "build the model with the settings in config.json"
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _kind(array):
    array = np.asarray(array)
    return f"{array.dtype} of shape {array.shape}"


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
