"""Generate, two stages from their files: a motion model and a painter, each trained by itself.

Axes as in `two_stage`.
"""

from pathlib import Path

from vgcourse import video
from vgcourse.files import data_folder, new_file
from vgcourse.generate.animate import load_painter
from vgcourse.generate.saved import load_saved
from vgcourse.generate.two_stage import TwoStageGenerator
from vgcourse.structure import MotionModel


def join_stages(motion=None, painter=None):
    """A two-stage generator from the files of its stages.

    Args:
        motion: as in `load_motion_model`.
        painter: as in `load_painter`.

    Returns:
        A `TwoStageGenerator`.

    Raises:
        ValueError: a file is missing, damaged, or holds another kind of model; names it.
    """
    return TwoStageGenerator(load_motion_model(motion), load_painter(painter))


def save_stages(folder):
    """Join the two stages of a run in one file, `generator.keras`, as a run of the video GAN has one.

    Args:
        folder: of a run of `vgcourse train-structure`, with `motion.keras` and `painter.keras`.

    Returns:
        The path of the file.

    Raises:
        ValueError: a stage is missing or damaged.
    """
    folder = Path(folder)
    path = folder / "generator.keras"
    with new_file(path) as part:
        join_stages(folder / "motion.keras", folder / "painter.keras").save(part)
    return path


def load_motion_model(path=None):
    """Load a trained motion model.

    Args:
        path: a `.keras` file; None takes the motion GAN's generator that comes with the course, "flow" its
            motion flow.

    Returns:
        A `structure.MotionGenerator` or a `structure.MotionFlow`.

    Raises:
        ValueError: the file is missing, damaged, or holds something other than a motion model.
    """
    if path is None or path == "flow":
        path = data_folder() / "checkpoints" / ("motion_flow.keras" if path else "motion_gan.keras")
    path = Path(video.checked_path(path))
    advice = "Train one with `python benchmarks/motion.py --out DIR` and load DIR/motion_gan.keras."
    return load_saved(path, (MotionModel,), what="a motion model", advice=advice)
