"""What every lesson needs: a quiet TensorFlow, and the picture of the data's path with one stage lit."""

import atexit
import contextlib
import os
import sys

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from vgcourse import show
from vgcourse.arguments import one_of

STAGES = ("video", "preprocess", "features", "game", "model", "train", "generate", "evaluate")


def quiet(*, cpus=1, start=True):
    """Load TensorFlow without the messages of its C++ part; run before its first import.

    They go to file descriptor 2 past Python's `sys.stderr`, differ from machine to machine and would stand
    under the first cell of every lesson. The descriptor is restored afterwards; in a notebook, what C++ says
    later goes to the terminal or log of the server, and not into the cells.

    Args:
        cpus: logical CPUs that TensorFlow makes of the machine's processor: devices to split a batch over,
            which makes nothing faster. They cannot be changed once TensorFlow has started.
        start: whether to run a first operation, which looks for devices, and says so. Several workers have
            to be set up before.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its "errors" are what an optimiser of graphs skips
    sys.stderr.flush()
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import tensorflow as tf

        if cpus > 1:
            (processor,) = tf.config.list_physical_devices("CPU")
            parts = [tf.config.LogicalDeviceConfiguration()] * cpus
            tf.config.set_logical_device_configuration(processor, parts)
        if start:
            tf.add(1, 1)
        # A lesson calls small models with many shapes; the advice on retracing names memory addresses.
        tf.get_logger().setLevel("ERROR")
    finally:
        os.dup2(saved, 2)
        os.close(nowhere)
        if show.in_notebook():
            _keep_out_of_cells(saved)
        else:
            os.close(saved)


def _keep_out_of_cells(caught):
    """Give file descriptor 2 back the place that it had before Jupyter caught it.

    Whatever its level is set to, TensorFlow's optimiser of graphs says that it gave up on a graph. Python's
    own `sys.stderr` does not use the descriptor in a notebook: warnings and errors are shown as ever.
    """
    with contextlib.suppress(OSError, ValueError):  # nothing is caught on Windows
        os.dup2(sys.stderr.fileno(), 2)
        atexit.register(os.dup2, caught, 2)  # Jupyter ends its listening by a byte written there


def path_picture(stage=None):
    """The course's path of the data as a row of boxes, with one lit.

    Args:
        stage: name of the lit box, one of `STAGES`; None lights all.

    Returns:
        A still `show.Picture`.

    Raises:
        ValueError: there is no such stage.
    """
    if stage is not None:
        one_of("stage", stage, STAGES)
    figure = Figure(figsize=(8, 0.55))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.06, len(STAGES) - 0.14), ylim=(0, 0.55))
    axes.axis("off")
    for place, name in enumerate(STAGES):
        _box(axes, place, name, lit=stage in (None, name))
        if place:
            start, end = (place - 0.18, 0.275), (place - 0.02, 0.275)
            axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "0.35", "shrinkA": 0})
    path = ", ".join(STAGES)
    lit = f"this lesson is about: {stage}" if stage else "this lesson is about all of them"
    return show.figure(figure, alt=f"The path of the data in eight boxes: {path}; {lit}.")


def _box(axes, place, name, *, lit):
    """A box with a name; a lit one is dark with light letters, so that it needs no colour to be seen."""
    fill, edge, ink = (show.BLUE, show.BLUE, "white") if lit else ("white", "0.6", "0.25")
    style = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch((place, 0.1), 0.8, 0.35, boxstyle=style, facecolor=fill, edgecolor=edge))
    weight = "bold" if lit else "normal"
    axes.text(place + 0.4, 0.27, name, color=ink, weight=weight, size=9, ha="center", va="center")
