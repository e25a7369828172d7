"""What TensorBoard is shown: read back with TensorFlow's own reader of event files."""

import io
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from vgcourse.gan.models import VideoGenerator
from vgcourse.scale import tensorboard

ROWS = [
    {"step": 10, "seconds": 2.0, "data_wait": 0.5, "d_loss": 1.5, "g_loss": 0.75},
    {"step": 20, "seconds": 3.0, "data_wait": 0.25, "d_loss": 1.25, "g_loss": 0.5},
    {"step": 25, "seconds": 4.0, "data_wait": 0.0, "d_loss": 1.0, "g_loss": 0.25},
]


@pytest.fixture
def gan():
    generator = VideoGenerator(32, ("left", "right"), num_frames=4, channels=4, latent_dims=(6, 4))
    return types.SimpleNamespace(ema_generator=generator)


def events(folder):
    """(tag, step, tensor, plugin) of everything in the event files, in their order."""
    found = []
    for path in sorted(Path(folder).rglob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                plugin = value.metadata.plugin_data.plugin_name
                found.append((value.tag, event.step, tf.make_ndarray(value.tensor), plugin))
    return found


def test_losses_and_speed_are_curves(gan, tmp_path):
    rows = list(tensorboard.watch(iter(ROWS), gan, tmp_path, steps=25, tensorboard=True))
    assert rows == ROWS  # handed on as they are
    found = events(tmp_path / "tensorboard")
    assert {plugin for tag, _, _, plugin in found if tag.startswith("training/")} == {"scalars"}
    curves = {}
    for tag, step, value, _ in found:
        curves.setdefault(tag, []).append((step, value))
    assert curves["training/d_loss"] == [(10, 1.5), (20, 1.25), (25, 1.0)]
    assert curves["training/data_wait"] == [(10, 0.5), (20, 0.25), (25, 0.0)]
    assert [step for step, _ in curves["training/seconds_per_step"]] == [20, 25]
    assert [value for _, value in curves["training/seconds_per_step"]] == pytest.approx([0.1, 0.2])


def test_samples_are_pictures(gan, tmp_path):
    list(tensorboard.watch(iter(ROWS), gan, tmp_path, steps=25, tensorboard=True))
    pictures = [(step, value) for tag, step, value, plugin in events(tmp_path) if plugin == "images"]
    assert [step for step, _ in pictures] == [10, 20, 25]
    width, height, png = pictures[-1][1]
    picture = np.asarray(Image.open(io.BytesIO(png)))
    assert picture.shape == (int(height), int(width), 3)
    assert np.array_equal(picture, tensorboard.sample_sheet(gan.ema_generator))
    assert picture.std() > 0


def test_without_tensorboard_nothing_is_written(gan, tmp_path):
    assert list(tensorboard.watch(iter(ROWS), gan, tmp_path, steps=25)) == ROWS
    assert list(tmp_path.iterdir()) == []


def working_rows():
    for row in ROWS:
        tf.linalg.matmul(tf.ones((64, 64)), tf.ones((64, 64))).numpy()
        yield row


def test_a_trace_holds_the_operations_of_the_steps(gan, tmp_path):
    list(tensorboard.watch(working_rows(), gan, tmp_path, steps=25, profile=True))
    (trace,) = tmp_path.glob("tensorboard/plugins/profile/*/*.xplane.pb")
    assert b"MatMul" in trace.read_bytes()


def test_a_run_that_breaks_off_ends_the_trace(gan, tmp_path):
    def broken_rows():
        yield from ROWS[:2]
        raise ValueError("the run broke off")

    with pytest.raises(ValueError, match="broke off"):
        list(tensorboard.watch(broken_rows(), gan, tmp_path, steps=25, profile=True))
    tf.profiler.experimental.start(str(tmp_path / "next"))  # raises if one is still running
    tf.profiler.experimental.stop()


def test_a_run_too_short_for_a_trace_says_so(gan, tmp_path):
    with pytest.warns(UserWarning, match="nothing was traced"):
        list(tensorboard.watch(iter(ROWS[:1]), gan, tmp_path, steps=10, profile=True))
