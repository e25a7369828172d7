"""Train: one loop that counts steps, keeps checkpoints and can be killed at any moment.

Axes: clips `(batch, time, height, width, channels)`, float32 in the model range [-1, 1].
Noise and batches depend on (seed, step) alone: a resumed run ends bit for bit where an unbroken one does.
"""

import csv
import io
import math
import os
import time
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from vgcourse import distribute
from vgcourse.checkpoints import (
    NotFiniteError,
    NotWrittenError,
    assign_state,
    current_step,
    list_checkpoints,
    save_checkpoint,
    state_of,
    write_atomically,
)
from vgcourse.datasets import make_dataset
from vgcourse.gan import PRECISIONS
from vgcourse.models import build_discriminator
from vgcourse.shards import open_store

LOG_EVERY, SAVE_EVERY = 10, 30  # steps between rows of the history; seconds between checkpoints
SAMPLES = 20  # calls of on_sample in a run
HISTORY_NAME = "history.csv"
WORKER_SEED = 1_000_003  # between the seeds of the batches of workers that read shards of their own


class TrainingDiverged(ValueError):
    """A loss or a weight became NaN or infinite; the last checkpoint of the run is still good."""


def train(gan, clips, *, steps, batch_size=8, folder=None, on_sample=None):
    """Train a GAN up to step `steps`, from wherever it stands.

    Args:
        gan: a compiled `gan.VideoGAN`, or another model with `step`, `seed` and `step_function`; all its
            replicas train if it was made in the scope of a strategy of `distribute`.
        clips: `Clips`, or the folder of a store, or its `Store`; clips longer than the generator's give
            windows at random starts.
        steps: the step to reach, counted from the very first one, so that it means the same after a
            resume.
        batch_size: clips per step, over all replicas.
        folder: run folder for checkpoints and `history.csv`; None keeps nothing. To go on with a run,
            call `restore_checkpoint(gan, folder)` first.
        on_sample: called as `on_sample(gan)` about 20 times in a run, for live pictures.

    Returns:
        The history: a list of dicts, one every 10 steps, with `step`, `seconds` of training so far
        (calls before a resume included), `data_wait` (share of the time since the row before in which the
        step waited for data) and the means of the losses and logits.

    Raises:
        TrainingDiverged: a loss or a weight is not finite; says where to go on from.
        WorkerLost: another worker of the job is gone.
        ValueError: the clips do not fit the generator, there are fewer than `batch_size`, or `folder`
            holds another run or cannot be written.
    """
    history = read_history(folder, up_to=current_step(gan)) if folder else []
    for row in iter_training(gan, clips, steps=steps, batch_size=batch_size, folder=folder):
        history.append(row)
        if on_sample and is_sample_due(row["step"], steps):
            on_sample(gan)
    return history


def is_sample_due(step, steps):
    """Whether a run shows samples at a step at which the history has a row.

    Args:
        step: the step.
        steps: the last step of the run.

    Returns:
        A bool, True about 20 times in a run and at its end.
    """
    return (step * SAMPLES) // steps > ((step - LOG_EVERY) * SAMPLES) // steps


def iter_training(gan, clips, *, steps, batch_size=8, folder=None):
    """Train as in `train`, and yield each new row of the history when its steps are done and kept."""
    first, chief = current_step(gan), distribute.is_chief(distribute.strategy_of(gan))
    folder = folder if chief else None
    _check_folder(folder, first)
    history = read_history(folder, up_to=first) if folder else []
    before = history[-1]["seconds"] if history else 0.0
    batches = iter(batches_for(gan, clips, batch_size, first))
    logs, waited, start = [], 0.0, time.perf_counter()
    logged = saved = start
    with tqdm(total=steps, initial=first, unit="step", desc="training", disable=not chief) as bar:
        for step in range(first + 1, steps + 1):
            with distribute.lost_workers():
                asked = time.perf_counter()
                batch = next(batches)
                waited += time.perf_counter() - asked
                logs.append(gan.step_function(batch))
                if step % LOG_EVERY and step != steps:
                    continue
                means = _mean_logs(logs)  # waits for the steps to be done
            now = time.perf_counter()
            times = {"seconds": before + now - start, "data_wait": waited / (now - logged)}
            history.append({"step": step, **times, **means})
            _check_finite(history[-1], folder)
            bar.set_postfix({name: f"{means[name]:.2f}" for name in ("d_loss", "g_loss")})
            bar.update(step - bar.n)
            logs, waited, logged = [], 0.0, now
            if folder and (step == steps or now - saved > SAVE_EVERY):
                _keep(gan, folder, history, is_last=step == steps)
                saved = now
            yield history[-1]


def batches_for(gan, clips, batch_size, first_step):
    """The batches of a run from `first_step` on; clips are cut to the generator's length.

    Args:
        gan: the model to be trained; its `seed` and its generator's `num_frames` are used.
        clips: as for `train`.
        batch_size: clips per batch, over all replicas.
        first_step: batches that were seen already.

    Returns:
        `tf.data.Dataset` of `(clips, actions)`: float32 `(batch_size, num_frames, size, size, 3)` in
        [-1, 1] and int32 `(batch_size,)`. With a strategy, an iterable of these, split over the replicas.

    Raises:
        ValueError: see `make_dataset`; or the actions or the frames' size are not the generator's.
    """
    strategy, stored = distribute.strategy_of(gan), clips
    if isinstance(clips, str | os.PathLike):
        worker, num_workers = distribute.worker_place(strategy)
        stored = open_store(clips, worker=worker, num_workers=num_workers)
    names, expected = tuple(stored.action_names), tuple(gan.generator.action_names)
    if names != expected:
        raise ValueError(f"clips: expected the generator's actions {expected}, received {names}")
    size = gan.generator.size
    if tuple(stored.clip_shape[1:]) != (size, size, 3):
        raise ValueError(f"clips: expected frames {(size, size, 3)}, received {tuple(stored.clip_shape[1:])}")

    def make_batches(batch_size, start_step, worker):
        return make_dataset(
            stored,
            batch_size=batch_size,
            seed=gan.seed + WORKER_SEED * worker,
            num_frames=gan.generator.num_frames,
            start_step=start_step,
        )

    is_part = getattr(stored, "is_part", False)
    return distribute.batches_on_every_replica(
        strategy, make_batches, batch_size=batch_size, first_step=first_step, is_part=is_part
    )


def _mean_logs(logs):
    """Mean of each entry over a list of dicts of scalar tensors, as floats."""
    return {name: float(np.mean([float(log[name]) for log in logs])) for name in logs[0]}


def _check_folder(folder, first):
    """A run that starts anew must not overwrite another one, nor leave its checkpoints among its own."""
    kept = list_checkpoints(folder) if folder and first == 0 else []
    if kept:
        raise ValueError(
            f"{folder}: expected an empty folder for a new run, received one that holds {kept[-1].name}; "
            "resume that run (restore_checkpoint), or take another folder"
        )


def _check_finite(row, folder):
    """Raise `TrainingDiverged` when a loss in `row` is NaN or infinite."""
    broken = [name for name, value in row.items() if not math.isfinite(value)]
    if broken:
        raise _diverged(
            row["step"], f"expected finite losses, received {broken[0]} = {row[broken[0]]}", folder
        )


def _diverged(step, reason, folder):
    kept = list_checkpoints(folder) if folder else []
    way_on = f"the last good state is {kept[-1]}" if kept else "no checkpoint was kept"
    advice = "Try float32, a smaller learning rate or a larger R1 gamma."
    return TrainingDiverged(f"training stopped at step {step}: {reason}; {way_on}. {advice}")


def _keep(gan, folder, history, *, is_last):
    """Write the history, then the checkpoint: rows that a kill leaves without one are made again.

    A full disk stops a run at its end, or if it has kept nothing yet; else there may be room again later.
    """
    try:
        write_history(folder, history)
        save_checkpoint(gan, folder)
    except NotFiniteError as error:
        raise _diverged(history[-1]["step"], str(error), folder) from error
    except NotWrittenError as error:
        if is_last or not list_checkpoints(folder):
            raise
        warnings.warn(
            f"{error}; training goes on, {list_checkpoints(folder)[-1]} is still good", stacklevel=3
        )


def write_history(folder, history):
    """Write `history.csv`.

    Args:
        folder: run folder.
        history: rows as `train` returns them, at least one.

    Raises:
        ValueError: the folder cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]))
    writer.writeheader()
    writer.writerows(history)
    write_atomically(Path(folder) / HISTORY_NAME, lambda file: file.write(text.getvalue().encode()))


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
        with path.open(newline="", encoding="utf-8") as file:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
        rows = [{**row, "step": int(row["step"])} for row in rows]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path}: expected a table of numbers with a column step, received {error!r}"
        ) from error
    return [row for row in rows if up_to is None or row["step"] <= up_to]


def pick_precision(size, *, batch_size=8, rounds=5):
    """The faster of float32 and bfloat16 on this machine, by timing the discriminator's gradient.

    Few CPUs multiply bfloat16 in hardware; the others emulate it, many times slower.

    Args:
        size: height and width of a frame in pixels.
        batch_size: clips per step.
        rounds: timed repetitions, taken in turn.

    Returns:
        "float32" or "bfloat16"; bfloat16 only if it is at least a tenth faster.
    """
    frames = tf.random.stateless_uniform((batch_size, 4, size, size, 3), (0, 0), -1.0, 1.0)
    actions = tf.zeros((batch_size,), tf.int32)
    passes = {}
    for name in ("float32", "bfloat16"):
        network = build_discriminator(size, 1, dtype=PRECISIONS[name])
        passes[name] = tf.function(lambda network=network: _gradient(network, frames, actions))
        passes[name]()  # builds the graph
    seconds = {name: [] for name in passes}
    for _ in range(rounds):
        for name, run in passes.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    faster = np.median(seconds["bfloat16"]) < 0.9 * np.median(seconds["float32"])
    return "bfloat16" if faster else "float32"


def _gradient(network, frames, actions):
    """Gradient of the mean logit: a stand-in for a training step that is quick to build."""
    with tf.GradientTape() as tape:
        score = tf.reduce_mean(network([frames, actions]))
    return tape.gradient(score, network.trainable_variables)


def time_step(gan, clips, *, batch_size=8, num_steps=24):
    """Seconds that a training step takes here; the model is left as it was.

    Args:
        gan: a compiled GAN.
        clips: as for `train`.
        batch_size: clips per step.
        num_steps: steps to time, 3 or more; by default three rounds of lazy R1.

    Returns:
        Seconds a step as a float: the median over three parts of the probe.
    """
    state = {name: np.array(variable.numpy()) for name, variable in state_of(gan).items()}
    batches = iter(batches_for(gan, clips, batch_size, 0))
    float(gan.step_function(next(batches))["d_loss"])  # builds the graph
    rounds, length = [], num_steps // 3
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(length):
            log = gan.step_function(next(batches))
        float(log["d_loss"])
        rounds.append((time.perf_counter() - start) / length)
    assign_state(gan, state, "memory")
    return float(np.median(rounds))
