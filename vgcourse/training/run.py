"""Train, a run: a training in a folder, from the first step to the saved generator, killed and resumed.

A run folder holds `config.json` (all settings, the number of steps among them, versions, machine, commit and
the command that makes the run again), `changes.patch` (what the commit lacks), checkpoints, `history.csv` and
at the end `generator.keras`; `.lock` keeps a second training out. Clips are as in `datasets`.
"""

import contextlib
import csv
import hashlib
import itertools
import json
import math
import reprlib
import shlex
import time
import warnings
from pathlib import Path

from vgcourse import datasets
from vgcourse.arguments import whole_number
from vgcourse.files import NotWrittenError, new_file
from vgcourse.gan import VideoGAN, make_gan
from vgcourse.training import provenance
from vgcourse.training.checkpoints import (
    NotFiniteError,
    check_own_run,
    list_checkpoints,
    restore_checkpoint,
    save_checkpoint,
)
from vgcourse.training.lock import check_run_folder, own_folder
from vgcourse.training.loop import TrainingDiverged, batches_for, current_step, iter_training
from vgcourse.training.settings import check_run_settings
from vgcourse.training.timing import pick_precision, steps_for

MAX_FRAMES = 16  # frames of a trained clip; what a store has beyond them gives random starts
MIN_FRAMES = 4  # so many the discriminator looks at
SAVE_EVERY = 30  # seconds between checkpoints
CONFIG_NAME, HISTORY_NAME = "config.json", "history.csv"


class OneProcess:
    """Who takes part in a run: one process with one device. `scale.strategies.Workers` are several."""

    is_chief = True  # keeps the run's folder
    num_replicas = 1

    def make_gan(self, config, *, model=VideoGAN):
        """The compiled GAN of a run's settings, at step 0."""
        names = ("num_frames", "fps", "precision", "seed")
        settings = {name: config[name] for name in names}
        return make_gan(config["size"], config["action_names"], **settings, model=model)

    def open_store(self, store):
        """The clips of this process, as a `datasets.Store`."""
        return datasets.open_store(store)

    def batches(self, gan, clips, *, batch_size, first_step):
        """The batches of this process, as `training.batches_for`."""
        return batches_for(gan, clips, batch_size=batch_size, first_step=first_step)

    def tell_all(self, value):
        """What the chief knows, in every process."""
        return value

    def copy_from_chief(self, gan):
        """Give `gan` the state that it has in the chief."""

    def together(self):
        """A context in which a process that is gone ends the others."""
        return contextlib.nullcontext()


# ---- start, continue, end --------------------------------------------------------------------------------


def start_run(store, folder, *, precision="auto", batch_size=8, seed=0):
    """Make a run folder and write down its settings; trains nothing yet.

    Args:
        store: folder of a store, see `datasets.save_clips`.
        folder: run folder to make.
        precision: "auto" (measured here), "float32", "bfloat16" or "float16".
        batch_size: clips per step.
        seed: of weights, noise and batches.

    Returns:
        The settings, a dict.

    Raises:
        ValueError: there is a run in the folder already, or files that are not a run's, another training is
            writing there, or the store does not suit.
    """
    check_no_run(folder)
    clips = datasets.open_store(store)
    num_frames, height, width, _ = clips.clip_shape
    if height != width:
        raise ValueError(f"{store}: expected square clips, received {height}x{width}")
    if num_frames < MIN_FRAMES:
        raise ValueError(
            f"{store}: expected clips of {MIN_FRAMES} frames or more, received {num_frames}; prepare the "
            f"videos with another --num-frames"
        )
    whole_number(f"{store}: batch_size", batch_size, 1, clips.num_clips, meaning="all clips")
    settings = {
        "size": height,
        "num_frames": min(MAX_FRAMES, num_frames),
        "fps": clips.fps,
        "action_names": list(clips.action_names),
        "precision": pick_precision(height, batch_size=batch_size) if precision == "auto" else precision,
        "batch_size": batch_size,
        "seed": seed,
        "store_sha256": _store_sha256(store),
    }
    return write_first_config(folder, settings)


def check_no_run(folder):
    """Refuse a folder in which a new run cannot start.

    Args:
        folder: run folder; it need not exist.

    Raises:
        ValueError: there is a run in it, or files that are not a run's.
    """
    if list_checkpoints(folder):
        raise ValueError(f"{folder}: there is a run here already; go on with --resume or name another folder")
    check_run_folder(folder)


def write_first_config(folder, settings):
    """Make a run folder with the settings of a run, and with what the run is made with.

    Args:
        folder: run folder to make.
        settings: a dict, see `settings.NEEDED`.

    Returns:
        The dict that was written: the settings, versions, machine, commit.

    Raises:
        ValueError: another training is writing there.
        files.NotWrittenError: the folder cannot be written.
    """
    config = {**settings, "versions": provenance.versions(), "machine": provenance.machine()}
    config["source"], changes = provenance.source_state()
    with own_folder(folder):
        write_config(folder, config)  # first: whatever else lies there is a run's then
        if changes:
            _write_text(Path(folder) / "changes.patch", changes)
    return config


def check_kind(config, folder, kind):
    """Refuse a run of the other kind.

    Args:
        config: settings, from `read_config`.
        folder: run folder, for the error.
        kind: "gan" or "structure".

    Raises:
        ValueError: the run is of the other kind; names the command that it belongs to.
    """
    commands = {"gan": "vgcourse train", "structure": "vgcourse train-structure"}
    received = config.get("kind", "gan")
    if received != kind:
        raise ValueError(
            f"{folder}: expected a run of `{commands[kind]}`, received one of `{commands[received]}`; name "
            "that command, or another folder"
        )


def check_settings(folder, **given):
    """Refuse settings that are not those a run was started with.

    Args:
        folder: run folder.
        **given: `batch_size`, `precision`, `seed`, or `minutes`, which a run with a number of steps takes no
            more; None and "auto" are not looked at.

    Raises:
        ValueError: one of them differs.
    """
    config = read_config(folder)
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if name == "minutes" and value is not None and "steps" in config:
            raise ValueError(
                f"{folder}: this run goes to step {config['steps']}, received {option} {value:g}; to train "
                "longer, say up to which step with --steps"
            )
        if name in config and value not in (None, "auto", config[name]):
            raise ValueError(
                f"{folder}: the run was started with {option} {config[name]}, received {option} {value}; "
                "leave the option out, or train in another folder without --resume"
            )


def continue_run(store, folder, *, minutes=5.0, steps=None, processes=None, watch=None):
    """Train the run in `folder` up to its number of steps, from its newest checkpoint if there is one.

    Args:
        store: the store that the run was started with.
        folder: run folder.
        minutes: turned into steps once, when the run has no number of steps yet.
        steps: the step to reach; None keeps what the run has.
        processes: who takes part: None is this process alone. Of several, all call this at the same time,
            and only the chief looks at `folder`.
        watch: called as `watch(rows, gan, folder, steps=steps)` in the chief, it hands the rows on that
            training makes; such as `scale.tensorboard.watch`.

    Returns:
        Path of the saved generator; None in other processes than the chief.

    Raises:
        ValueError: not a run folder, another training is writing there, the store holds other clips than the
            run was started with, or the run is past `steps`.
    """
    processes = processes or OneProcess()
    with own_folder(folder) if processes.is_chief else contextlib.nullcontext():
        return _continue(store, folder, minutes, steps, processes, watch)


def _continue(store, folder, minutes, steps, processes, watch):
    chief = processes.is_chief
    config = processes.tell_all(read_config(folder) if chief else None)
    check_kind(config, folder, "gan")
    clips = processes.open_store(store)
    _check_store(store, clips, config)
    gan = processes.make_gan(config)
    if chief and list_checkpoints(folder):
        restore_checkpoint(gan, folder)
    processes.copy_from_chief(gan)
    if steps and steps < current_step(gan):
        raise ValueError(f"{folder}: the run is at step {current_step(gan)}, received --steps {steps}")
    batch_size = config["batch_size"]
    if steps or "steps" not in config:
        probe = None if steps else processes.batches(gan, clips, batch_size=batch_size, first_step=0)
        config["steps"] = processes.tell_all(steps or steps_for(gan, clips, minutes, batches=probe))
    batches = processes.batches(gan, clips, batch_size=batch_size, first_step=current_step(gan))
    rows = iter_training(gan, batches, steps=config["steps"], show_progress=chief)
    if chief:
        config["replicas"], config["command"] = processes.num_replicas, _command(store, folder, config)
        write_config(folder, config)
        rows = keep_run(rows, gan, folder, steps=config["steps"])
        rows = watch(rows, gan, folder, steps=config["steps"]) if watch else rows
    with processes.together():
        for _ in rows:
            pass
        generator = save_generator(gan, folder) if chief else None
        processes.tell_all("done")  # nobody leaves before the chief has kept everything
    return generator


def _check_store(store, clips, config):
    expected = (config["size"], config["action_names"])
    received = (clips.clip_shape[1], list(clips.action_names))
    if received != expected or clips.clip_shape[0] < config["num_frames"]:
        raise ValueError(
            f"{store}: the run was started with {config['num_frames']} or more frames of {expected[0]} "
            f"pixels, actions {expected[1]}; received clips {clips.clip_shape}, {received[1]}"
        )
    if not clips.is_part and config["batch_size"] > clips.num_clips:
        raise ValueError(
            f"{store}: the run was started with {config['batch_size']} clips a step, received "
            f"{clips.num_clips} clips in all"
        )
    if config.get("store_sha256", _store_sha256(store)) != _store_sha256(store):
        raise ValueError(
            f"{store}: these are other clips than those the run was started with, though of the same kind; "
            "name that store, or train in another folder without --resume"
        )


def _store_sha256(store):
    """Of the index, in which the checksum of every shard stands: other clips, another sum."""
    return hashlib.sha256(Path(store, datasets.INDEX_NAME).read_bytes()).hexdigest()


def _command(store, folder, config):
    """The command that makes the same run in a new folder: nothing in it is measured any more."""
    words = ["vgcourse", "train", str(store), str(folder)]
    for name in ("steps", "batch_size", "precision", "seed"):
        words += [f"--{name.replace('_', '-')}", str(config[name])]
    return shlex.join(words)


# ---- what a run keeps ------------------------------------------------------------------------------------


def keep_run(rows, gan, folder, *, steps):
    """Keep history and checkpoints while rows of a training pass by: every 30 seconds, and at the end.

    The history is written first: rows that a kill leaves without a checkpoint are made again. A full disk
    stops a run at its end, or if it has kept nothing yet; else there may be room again later.

    Args:
        rows: as of `iter_training`.
        gan: the model that trains.
        folder: run folder.
        steps: the last step of the run.

    Yields:
        The rows, once they are kept if they are to be; `seconds` counts those before a resume, too.

    Raises:
        TrainingDiverged: a loss or a weight is not finite; says where to go on from.
        ValueError: `folder` holds another run, or cannot be written.
    """
    check_own_run(gan, folder)
    history = read_history(folder, up_to=current_step(gan))
    before, saved = history[-1]["seconds"] if history else 0.0, time.monotonic()
    try:
        for row in rows:
            if history and history[-1].keys() != row.keys():
                columns = f"columns {', '.join(row)}, received {', '.join(history[-1])}"
                raise ValueError(f"{Path(folder) / HISTORY_NAME}: expected {columns}; take the file away")
            history.append({**row, "seconds": before + row["seconds"]})
            if row["step"] == steps or time.monotonic() - saved > SAVE_EVERY:
                _keep(gan, folder, history, is_last=row["step"] == steps)
                saved = time.monotonic()
            yield history[-1]
    except (TrainingDiverged, NotFiniteError) as error:
        kept = list_checkpoints(folder)
        way_on = f"the last good state is {kept[-1]}" if kept else "no checkpoint was kept"
        raise TrainingDiverged(f"{error}; {way_on}") from error


def _keep(gan, folder, history, *, is_last):
    try:
        write_history(folder, history)
        save_checkpoint(gan, folder)
    except NotWrittenError as error:
        kept = list_checkpoints(folder)
        if is_last or not kept:
            raise
        warnings.warn(f"{error}; training goes on, {kept[-1]} is still good", stacklevel=3)


def train_in_folder(gan, clips, folder, *, steps, batch_size=8):
    """`training.train` that keeps history and checkpoints, see `keep_run`.

    To go on with a run, call `restore_checkpoint(gan, folder)` first.

    Args:
        gan, clips, steps, batch_size: as for `training.train`.
        folder: run folder.

    Returns:
        The history, with what the folder held before.
    """
    batches = batches_for(gan, clips, batch_size=batch_size, first_step=current_step(gan))
    with own_folder(folder):
        for _ in keep_run(iter_training(gan, batches, steps=steps), gan, folder, steps=steps):
            pass
        return read_history(folder)


def save_generator(gan, folder):
    """Save the averaged generator as `generator.keras`.

    Args:
        gan: a GAN with `ema_generator`.
        folder: where to write.

    Returns:
        The path.

    Raises:
        files.NotWrittenError: the folder cannot be written.
    """
    path = Path(folder) / "generator.keras"
    with new_file(path) as part:
        gan.ema_generator.save(part)
    return path


def write_history(folder, history):
    """Write `history.csv`.

    Args:
        folder: run folder.
        history: rows as `train` returns them, at least one.

    Raises:
        files.NotWrittenError: the folder cannot be written.
    """
    with (
        new_file(Path(folder) / HISTORY_NAME) as part,
        part.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows(history)


def read_history(folder, *, up_to=None):
    """The rows of `history.csv` in a run folder.

    Args:
        folder: run folder.
        up_to: drop rows after this step: a resumed run writes them again.

    Returns:
        A list of dicts of numbers, as `train` returned it; empty if nothing was kept yet.

    Raises:
        ValueError: the file is damaged.
    """
    path = Path(folder) / HISTORY_NAME
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark before the text
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
        _check_history(rows)
        rows = [{**row, "step": int(row["step"])} for row in rows]
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        raise ValueError(
            f"{path}: expected a table of numbers with columns step and seconds, received "
            f"{reprlib.repr(str(error))}; put back the one that was written, or take it away"
        ) from error
    return [row for row in rows if up_to is None or row["step"] <= up_to]


def _check_history(rows):
    """Steps that grow, and finite numbers: a training that diverges writes no row."""
    for row in rows:
        if not all(map(math.isfinite, row.values())) or row["step"] % 1 or row["seconds"] < 0:
            raise ValueError(f"a row {row}")
    steps = [row["step"] for row in rows]
    if any(after <= before for before, after in itertools.pairwise([0, *steps])):
        raise ValueError(f"steps that do not grow: {steps}")


def write_config(folder, config):
    """Write the settings of a run as `config.json`.

    Args:
        folder: run folder; it is made if need be.
        config: a dict that JSON can hold.

    Raises:
        files.NotWrittenError: the folder cannot be written.
    """
    _write_text(Path(folder) / CONFIG_NAME, json.dumps(config, indent=1, sort_keys=True) + "\n")


def read_config(folder):
    """The settings of a run.

    Args:
        folder: run folder.

    Returns:
        The dict that `write_config` was given.

    Raises:
        ValueError: the folder is not a run folder, or its `config.json` is damaged or was changed.
    """
    path = Path(folder) / CONFIG_NAME
    try:
        config = json.loads(path.read_text(encoding="utf-8-sig"))  # editors put a mark before it
        if not isinstance(config, dict):
            raise ValueError(f"a {type(config).__name__}")
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file; expected the folder of a training run") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: expected the settings of a run as JSON, received {error}") from error
    check_run_settings(config, path)
    return config


def _write_text(path, text):
    with new_file(path) as part:
        part.write_text(text, encoding="utf-8")
