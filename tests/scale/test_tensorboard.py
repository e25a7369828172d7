"""What TensorBoard is shown: read back with its own reader of event files."""

import io
import sys
import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

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


def test_losses_speed_and_samples_are_what_tensorboard_reads(gan, tmp_path):
    rows = list(tensorboard.watch(iter(ROWS), gan, tmp_path, steps=25, tensorboard=True))
    assert rows == ROWS  # handed on as they are
    read = EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"tensors": 0}).Reload()
    curves = {
        tag: [(event.step, tf.make_ndarray(event.tensor_proto)) for event in read.Tensors(tag)]
        for tag in read.Tags()["tensors"]
    }
    plugins = {tag: read.SummaryMetadata(tag).plugin_data.plugin_name for tag in curves}
    assert plugins.pop("samples") == "images"
    assert set(plugins.values()) == {"scalars"}
    assert sorted(plugins) == [f"training/{n}" for n in ("d_loss", "data_wait", "g_loss", "seconds_per_step")]
    assert curves["training/d_loss"] == [(10, 1.5), (20, 1.25), (25, 1.0)]
    assert curves["training/data_wait"] == [(10, 0.5), (20, 0.25), (25, 0.0)]
    assert [step for step, _ in curves["training/seconds_per_step"]] == [20, 25]
    assert [value for _, value in curves["training/seconds_per_step"]] == pytest.approx([0.1, 0.2])
    assert [step for step, _ in curves["samples"]] == [10, 20, 25]
    width, height, png = curves["samples"][-1][1]
    picture = np.asarray(Image.open(io.BytesIO(png)))
    assert picture.shape == (int(height), int(width), 3)
    assert np.array_equal(picture, tensorboard.sample_sheet(gan.ema_generator))
    assert picture.std() > 0


def test_samples_are_of_the_averaged_generator_and_20_times_in_a_run(gan, tmp_path, monkeypatch):
    seen = []
    sheet = np.zeros((8, 8, 3), np.uint8)
    monkeypatch.setattr(tensorboard, "sample_sheet", lambda generator: seen.append(generator) or sheet)
    rows = [{"step": step, "seconds": 1.0, "d_loss": 0.0} for step in range(10, 2001, 10)]
    list(tensorboard.watch(iter(rows), gan, tmp_path, steps=2000, tensorboard=True))
    assert len(seen) == 20
    assert all(generator is gan.ema_generator for generator in seen)


def test_a_missing_tensorboard_is_one_clear_line(gan, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ValueError, match=r"^TensorBoard is needed.*pip install 'vgcourse\[tensorboard\]'$"):
        list(tensorboard.watch(iter(ROWS), gan, tmp_path, steps=25, tensorboard=True))
    assert list(tensorboard.watch(iter(ROWS), gan, tmp_path, steps=25)) == ROWS


def test_without_tensorboard_nothing_is_written(gan, tmp_path):
    assert list(tensorboard.watch(iter(ROWS), gan, tmp_path, steps=25)) == ROWS
    assert list(tmp_path.iterdir()) == []


def test_a_trace_holds_the_operations_between_the_second_and_the_third_row(gan, tmp_path):
    operations = (tf.linalg.matmul, tf.linalg.det, tf.linalg.cholesky)

    def rows():
        for row, operation in zip(ROWS, operations, strict=True):
            operation(*[tf.eye(64)] * (2 if operation is tf.linalg.matmul else 1)).numpy()
            yield row

    list(tensorboard.watch(rows(), gan, tmp_path, steps=25, profile=True))
    (trace,) = tmp_path.glob("tensorboard/plugins/profile/*/*.xplane.pb")
    assert b"Cholesky" in trace.read_bytes()
    assert b"MatMul" not in trace.read_bytes()
    assert b"MatrixDeterminant" not in trace.read_bytes()


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
