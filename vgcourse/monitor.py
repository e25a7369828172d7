"""Monitor: what a run shows in TensorBoard while it trains: losses, speed, samples, a trace of some steps.

Only TensorFlow writes here: training does not need TensorBoard itself. It is a viewer, which
`uv run --with tensorboard tensorboard --logdir RUN` fetches; traces also need tensorboard-plugin-profile.
"""

import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from vgcourse import generate, pictures
from vgcourse.training import is_sample_due

FOLDER_NAME = "tensorboard"
PROFILED = (2, 3)  # rows of the history between which steps are traced: the graph is built by then
Metadata = tf.compat.v1.SummaryMetadata


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
    """
    folder = str(Path(folder) / FOLDER_NAME)
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
                        write_image("samples", sample_sheet(gan.ema_generator))
                writer.flush()
            before = row
            yield row
    finally:
        if tracing:
            _switch_trace(folder, tracing)
        writer.close()
    if profile and number < PROFILED[0]:
        warnings.warn(f"--profile: the run ended before row {PROFILED[0]}; nothing was traced", stacklevel=2)


def _switch_trace(folder, tracing):
    if tracing:
        tf.profiler.experimental.stop()
    else:
        tf.profiler.experimental.start(folder)
    return not tracing


def _write_row(row, before):
    for name, value in row.items():
        if name not in ("step", "seconds"):
            write_scalar(f"training/{name}", value)
    if before:
        steps, seconds = (row[name] - before[name] for name in ("step", "seconds"))
        write_scalar("training/seconds_per_step", seconds / steps)


def write_scalar(name, value):
    """Write a number to the default writer, as `tf.summary.scalar` does where TensorBoard is installed.

    Args:
        name: of the curve.
        value: a float.
    """
    metadata = Metadata(
        plugin_data=Metadata.PluginData(plugin_name="scalars"), data_class="DATA_CLASS_SCALAR"
    )
    tf.summary.write(name, tf.constant(value, tf.float32), metadata=metadata)


def write_image(name, frame):
    """Write a picture to the default writer, as `tf.summary.image` does where TensorBoard is installed.

    Args:
        name: of the series of pictures.
        frame: uint8 `(height, width, 3)`.
    """
    plugin = Metadata.PluginData(plugin_name="images")
    metadata = Metadata(plugin_data=plugin, data_class="DATA_CLASS_BLOB_SEQUENCE")
    height, width, _ = frame.shape
    parts = [str(width), str(height), tf.io.encode_png(frame).numpy()]
    tf.summary.write(name, tf.constant(parts, tf.string), metadata=metadata)


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
    return np.asarray(pictures.contact_sheet(clips, list(names)))
