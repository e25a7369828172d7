"""Structure first, files: models with weights of half the length, for what ships with the course."""

import zipfile

import numpy as np

from vgcourse.files import new_file


def save_rounded(model, path):
    """Save a model as a `.keras` file, its weights rounded to float16 and packed: half as large.

    Args:
        model: a `keras.Model` that its config makes anew; its own weights stay as they are.
        path: where to write; must end in `.keras`.

    Raises:
        files.NotWrittenError: the folder cannot be written.
    """
    rounded = type(model).from_config(model.get_config())
    rounded.set_weights([weight.astype(np.float16).astype(weight.dtype) for weight in model.get_weights()])
    with new_file(path) as part:
        rounded.save(part)
        with zipfile.ZipFile(part) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(
            part, "w", zipfile.ZIP_DEFLATED
        ) as archive:  # zeros that rounding left take no room
            for name, data in members.items():
                archive.writestr(name, data)
