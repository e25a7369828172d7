"""Generate, saved models: one way to load them, which says what is wrong with a file before it is used."""

import json
import zipfile

import keras
import numpy as np

from vgcourse.arguments import frames_per_second, whole_number
from vgcourse.datasets import label_fault
from vgcourse.gan import VideoGenerator

# Of a generator's settings.
MOST = {"size": 1024, "num_frames": 10_000, "channels": 256, "num_colours": 256, "latent_dims": 4096}


def load_saved(path, kinds, *, what, advice):
    """Load a model of a certain kind.

    Args:
        path: Path of a `.keras` file.
        kinds: classes, of which the model must be one; the first gives the error its name.
        what: what the error calls such a model, such as "a generator".
        advice: a sentence for the error: how to get one.

    Returns:
        A model of one of `kinds`, with finite weights.

    Raises:
        ValueError: the file is missing, damaged, or holds something else; names it.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise ValueError(f"{path}: expected {what} saved as a .keras file, found {found}. {advice}")
    try:
        _check_settings(path)
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # a damaged file may fail in the zip, JSON, HDF5 or Keras layer
        raise ValueError(
            f"{path}: expected {what} saved as a .keras file, but it cannot be read: it is damaged, "
            f"unfinished or of another kind ({_in_a_word(error)}). Copy it again, or: {advice}"
        ) from error
    if not isinstance(model, kinds):
        raise ValueError(f"{path}: expected a {kinds[0].__name__}, found a {type(model).__name__}. {advice}")
    for fault in filter(None, map(label_fault, getattr(model, "action_names", ()))):
        raise ValueError(f"{path}: action_names: {fault}. {advice}")
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise ValueError(f"{path}: expected finite weights, found NaN or infinity. {advice}")
    return model


def _in_a_word(error):
    """What one of our own checks says; of other people's errors the kind."""
    return (
        str(error)[:200]
        if type(error) is ValueError and ": expected " in str(error)
        else type(error).__name__
    )


def _check_settings(path):
    """Raises ValueError, with the key, if a file's settings would make another or a far too large network.

    Keras makes the network before it looks for its weights, however large a forged number wants it.
    """
    with zipfile.ZipFile(path) as archive:
        model = json.loads(archive.read("config.json"))
    if model.get("class_name") != VideoGenerator.__name__:
        return  # Keras knows, or the caller
    settings = model["config"]
    for name, most in MOST.items():
        if name in settings:
            for number in settings[name] if name == "latent_dims" else [settings[name]]:
                whole_number(name, number, 1, most)
    frames_per_second("fps", settings.get("fps", 1.0))
    names = settings["action_names"]
    if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
        raise ValueError(f"action_names: expected a list of texts, received {names!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"action_names: expected different ones, received {names!r}")
    for fault in filter(None, map(label_fault, names)):
        raise ValueError(f"action_names: {fault}")
