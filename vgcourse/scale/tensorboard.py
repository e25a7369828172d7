"""Outgrow, watching: losses, speed, samples and a trace of some steps of a run, for TensorBoard.

It comes with `pip install 'vgcourse[tensorboard]'` and `uv run`; `tensorboard --logdir RUN` shows what was
written. Traces also need tensorboard-plugin-profile.
"""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from vgcourse import generate, show
from vgcourse.training import is_sample_due

FOLDER_NAME = "tensorboard"
PROFILED = (2, 3)  # rows of the history between which steps are traced: the graph is built by then


def watch(rows, gan, folder, *, steps, tensorboard=False, profile=False):
    """Pass the rows of a training on, and write each to the event files in `folder/tensorboard`.

    Args:
        rows: an iterable of rows of the history, such as `training.iter_training`.
        gan: the model that trains, with an `ema_generator`.
        folder: run folder.
        steps: the last step of the run.
        tensorboard: whether losses, logits, the time of a step and about 20 times samples are written.
        profile: whether the steps between the second and the third row are traced.

    Yields:
        The rows.

    Raises:
        ValueError: TensorBoard is missing.
    """
    folder = str(Path(folder) / FOLDER_NAME)
    if tensorboard:
        check_installed()
    writer = tf.summary.create_file_writer(folder) if tensorboard else tf.summary.create_noop_writer()
    before, tracing, number = None, False, 0
    try:
        for number, row in enumerate(rows, 1):
            if profile and number in PROFILED:
                tracing = _switch_trace(folder, tracing)
            if tensorboard:
                with writer.as_default(step=row["step"]):
                    _write_row(row, before)
                    if is_sample_due(row["step"], steps):
                        tf.summary.image("samples", sample_sheet(gan.ema_generator)[None])
                writer.flush()
            before = row
            yield row
    finally:
        if tracing:
            _switch_trace(folder, tracing)
        writer.close()
    if profile and number < PROFILED[0]:
        warnings.warn(f"--profile: the run ended before row {PROFILED[0]}; nothing was traced", stacklevel=2)


def check_installed():
    """Raise ValueError where TensorBoard is missing."""
    if importlib.util.find_spec("tensorboard") is None:
        raise ValueError("TensorBoard is needed for this and is missing: pip install 'vgcourse[tensorboard]'")


def _switch_trace(folder, tracing):
    if tracing:
        tf.profiler.experimental.stop()
    else:
        tf.profiler.experimental.start(folder)
    return not tracing


def _write_row(row, before):
    for name, value in row.items():
        if name not in ("step", "seconds"):
            tf.summary.scalar(f"training/{name}", value)
    if before:
        steps, seconds = (row[name] - before[name] for name in ("step", "seconds"))
        tf.summary.scalar("training/seconds_per_step", seconds / steps)


def sample_sheet(generator, *, seed=0):
    """A sheet of the same few people at every call, one row of frames for each action.

    Args:
        generator: a `models.VideoGenerator`.
        seed: of the latents.

    Returns:
        uint8 `(height, width, 3)`.
    """
    names = generator.action_names
    clips = generate.sample(generator, num_clips=len(names), actions=list(names), seed=seed)
    return np.asarray(show.contact_sheet(clips, list(names)))
