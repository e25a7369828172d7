"""Train: one plain loop. It counts steps and knows no files; `vgcourse.training.run` adds those.

Axes: clips `(batch, time, height, width, channels)`, float32 in the model range [-1, 1].
Noise and batches depend on (seed, step) alone: a resumed run ends bit for bit where an unbroken one does.
"""

import math
import os
import time

import numpy as np
from tqdm.auto import tqdm

from vgcourse.datasets import make_dataset, open_store
from vgcourse.show import Stop, in_notebook, say_stopped

LOG_EVERY = 10  # steps between two rows of the history
SAMPLES = 20  # calls of on_sample in a run


class TrainingDiverged(ValueError):
    """A loss or a weight became NaN or infinite; the last checkpoint of the run is still good."""


def train(gan, clips, *, steps, batch_size=8, history=None, on_sample=None):
    """Train a GAN up to step `steps`, from wherever it stands.

    In a notebook, the Stop button ends a training with one line and no traceback, and the history so far is
    returned; the same call goes on from there. Elsewhere, Ctrl-C is Python's own.

    Args:
        gan: a compiled `gan.VideoGAN`, or another model with `step`, `seed` and `step_function`.
        clips: `Clips`, or the folder of a store, or its `Store`; clips longer than the generator's give
            windows at random starts.
        steps: the step to reach, counted from the very first one, so that it means the same after a
            resume.
        batch_size: clips per step.
        history: a list to go on with, of a training that was stopped; it gets the new rows.
        on_sample: called as `on_sample(gan)` about 20 times in a run, for live pictures.

    Returns:
        The history: a list of dicts, one every 10 steps, with `step`, `seconds` of this training so far,
        `data_wait` (share of the time since the row before in which the step waited for data) and the means
        of the losses and logits.

    Raises:
        TrainingDiverged: a loss is not finite.
        ValueError: the clips do not fit the generator, or there are fewer than `batch_size`.
    """
    batches = batches_for(gan, clips, batch_size=batch_size, first_step=current_step(gan))
    return train_on(gan, batches, steps=steps, history=history, on_sample=on_sample)


def train_on(gan, batches, *, steps, history=None, on_sample=None):
    """As `train`, on batches that are ready.

    Args:
        gan, steps, history, on_sample: as for `train`.
        batches: as for `iter_training`.

    Returns:
        The history, see `train`.

    Raises:
        TrainingDiverged: a loss is not finite.
    """
    history = [] if history is None else history
    before = history[-1]["seconds"] if history else 0.0
    is_told = in_notebook()
    try:
        with Stop(listens=is_told) as stop:
            for row in iter_training(gan, batches, steps=steps, stop=stop):
                history.append(row | {"seconds": before + row["seconds"]})
                if on_sample and (stop.asked or is_sample_due(row["step"], steps)):
                    on_sample(gan)
    except KeyboardInterrupt:  # Stop was pressed again, within a long step
        if not is_told:
            raise
    if current_step(gan) < steps:
        say_stopped(current_step(gan), steps)
    return history


def iter_training(gan, batches, *, steps, stop=None, show_progress=True):
    """Train, and yield a row of the history every 10 steps and at the end.

    Args:
        gan, steps: as for `train`.
        batches: an iterable of batches for `gan.step_function`, from the next step on.
        stop: a `show.Stop`; once it is asked to, the training ends after the step in hand, with a row.
        show_progress: whether to draw a bar.

    Yields:
        A row of the history, see `train`.

    Raises:
        TrainingDiverged: a loss is not finite.
    """
    first, batches, logs, waited = current_step(gan), iter(batches), [], 0.0
    start = logged = time.perf_counter()
    with tqdm(total=steps, initial=first, unit="step", desc="training", disable=not show_progress) as bar:
        for step in range(first + 1, steps + 1):
            asked = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - asked
            logs.append(gan.step_function(batch))
            is_last = step == steps or (stop is not None and stop.asked)
            if step % LOG_EVERY and not is_last:
                continue
            means = _mean_logs(logs)  # waits for the steps to be done
            now = time.perf_counter()
            row = {"step": step, "seconds": now - start, "data_wait": waited / (now - logged), **means}
            _check_finite(row)
            bar.set_postfix({name: f"{mean:.2f}" for name, mean in means.items() if name.endswith("loss")})
            bar.update(step - bar.n)
            logs, waited, logged = [], 0.0, now
            yield row
            if is_last:
                return


def batches_for(gan, clips, *, batch_size, first_step=0, seed=None):
    """The batches of a training from `first_step` on; clips are cut to the generator's length.

    Args:
        gan: the model to be trained; its `seed` and its generator's `num_frames` are used.
        clips: as for `train`.
        batch_size: clips per batch.
        first_step: batches that were seen already.
        seed: of the order; None takes the model's.

    Returns:
        `tf.data.Dataset` of `(clips, actions)`: float32 `(batch_size, num_frames, size, size, 3)` in
        [-1, 1] and int32 `(batch_size,)`.

    Raises:
        ValueError: see `make_dataset`; or the actions or the frames' size are not the generator's.
    """
    stored = open_store(clips) if isinstance(clips, str | os.PathLike) else clips
    names, expected = tuple(stored.action_names), tuple(gan.generator.action_names)
    if names != expected:
        raise ValueError(f"clips: expected the generator's actions {expected}, received {names}")
    frame, received = (gan.generator.size, gan.generator.size, 3), tuple(stored.clip_shape[1:])
    if received != frame:
        raise ValueError(f"clips: expected frames {frame}, received {received}")
    return make_dataset(
        stored,
        batch_size=batch_size,
        seed=gan.seed if seed is None else seed,
        num_frames=gan.generator.num_frames,
        start_step=first_step,
    )


def current_step(gan):
    """The number of steps that a GAN was trained for.

    Args:
        gan: a model with `step`, a scalar; also one with a copy on every replica, which `int` refuses.

    Returns:
        An int.
    """
    return int(gan.step.numpy() if hasattr(gan.step, "numpy") else gan.step)


def is_sample_due(step, steps):
    """Whether a run shows samples at a step at which the history has a row.

    Args:
        step: the step.
        steps: the last step of the run.

    Returns:
        A bool, True about 20 times in a run and at its end.
    """
    return (step * SAMPLES) // steps > ((step - LOG_EVERY) * SAMPLES) // steps


def _mean_logs(logs):
    """Mean of each entry over a list of dicts of scalar tensors, as floats."""
    return {name: float(np.mean([float(log[name]) for log in logs])) for name in logs[0]}


def _check_finite(row):
    broken = [name for name, value in row.items() if not math.isfinite(value)]
    if broken:
        raise TrainingDiverged(
            f"training stopped at step {row['step']}: expected finite losses, received {broken[0]} = "
            f"{row[broken[0]]}. Try float32, a smaller learning rate or a larger R1 gamma"
        )
