"""Generate, animate: a person is lent a motion, and painted in it.

Axes: frames `(num_frames, size, size, 3)`, uint8; joints `(num_frames, joint, 3)`, see
`people.action_joints`.
"""

import re
from pathlib import Path

import numpy as np

from vgcourse import people, preprocess, video
from vgcourse.files import data_folder
from vgcourse.generate.export import COMMENT, check_replaceable
from vgcourse.generate.saved import load_saved
from vgcourse.structure import Painter, paint_frames

NUM_FRAMES, FPS = 20, 10.0  # two seconds, after which every action repeats
VIDEO_FPS, VIDEO_FRAMES, VIDEO_SIZE = 25, 50, 96  # of the clips in `data/actions/`
ALIKE = 8.0  # grey levels that a clip may differ from what the renderer draws; another person's differs by 30
MOVING_SUFFIXES = ("gif", "mp4", "webp")
REFERENCE_ACTION = "wave1"  # seen from the front, arms apart
HINT = (
    "a number of a person, such as 7, or a clip of the actions set, such as data/actions/walk/walk_007.mp4; "
    "of other pictures the joints are not known"
)


def load_painter(path=None):
    """Load a trained painter.

    Args:
        path: a `.keras` file, or the folder of a run of `vgcourse train-structure`; None takes the painter
            that comes with the course.

    Returns:
        A `structure.Painter`.

    Raises:
        ValueError: the file is missing, damaged, or holds something other than a painter.
    """
    path = Path(video.checked_path(path)) if path is not None else data_folder() / "checkpoints/painter.keras"
    path = path / "painter.keras" if path.is_dir() else path
    advice = "Train one with `vgcourse train-structure RUN` and name RUN."
    return load_saved(path, (Painter,), what="a painter", advice=advice)


def animate(painter, person, motion):
    """Lend a person a motion.

    Args:
        painter: a `structure.Painter`.
        person: who: a number (of `people.random_actor`), or the path of a clip of the actions set.
        motion: what they do: the name of an action, which a person does in their own way, or the path of a
            clip of the actions set, whose motion is taken as it is.

    Returns:
        uint8 clip `(20, size, size, 3)`, two seconds that loop.

    Raises:
        ValueError: an unknown action, or a person or a clip whose joints are not known.
        VideoError: a file cannot be read.
    """
    actor, references, known = _find_person(str(person), painter.size)
    return paint_frames(painter, _find_motion(str(motion), actor, painter.size), references, known)


def write_animation(painter, person, motion, path):
    """Write what `animate` makes as a file that says that it was generated.

    Args:
        painter, person, motion: as in `animate`.
        path: a `.gif`, `.mp4` or `.webp` file.

    Returns:
        The path.

    Raises:
        ValueError: as `animate`; another kind of file, or a file of this name that was not generated.
        VideoError: the folder cannot be written.
    """
    path = Path(path)
    if path.suffix.lower().lstrip(".") not in MOVING_SUFFIXES:
        raise ValueError(f"{path}: expected a file that ends in .gif, .mp4 or .webp")
    check_replaceable([path])
    video.write_video(path, animate(painter, person, motion), fps=FPS, comment=COMMENT)
    return path


def _find_person(person, size):
    """Actor id, reference frames `(1, size, size, 3)` and their joints."""
    if re.fullmatch("[0-9]{1,9}", person):
        actor, at_once = int(person), {"size": size, "num_frames": 1}
        frames = people.render_action(REFERENCE_ACTION, actor, **at_once)
        return actor, frames, people.action_joints(REFERENCE_ACTION, actor, **at_once)
    action, actor, clip = _known_clip(person, "person")
    frames = np.stack([preprocess.resize(clip[:1], size, size)[0]])
    return actor, frames, people.action_joints(action, actor, size=size)[:1]


def _find_motion(motion, actor, size):
    """Joints `(20, joint, 3)` of a named action, or of a clip."""
    if motion in people.ACTIONS:
        return people.action_joints(motion, actor, size=size, num_frames=NUM_FRAMES, fps=FPS)
    if "." not in motion and "/" not in motion:
        known = ", ".join(people.ACTIONS)
        raise ValueError(
            f"motion: expected one of {known}, or a clip of the actions set; received {motion!r}"
        )
    action, actor, _ = _known_clip(motion, "motion")
    return people.action_joints(action, actor, size=size, num_frames=NUM_FRAMES, fps=FPS)


def _known_clip(path, name):
    """Action, actor and frames of a clip whose name says who does what in it, and whose pixels agree."""
    found = re.fullmatch(f"({'|'.join(people.ACTIONS)})_([0-9]{{3,9}})", Path(path).stem)
    if not found:
        raise ValueError(f"{name}: expected {HINT}; received {path!r}")
    action, actor = found[1], int(found[2])
    clip = video.read_clip(path)
    drawn = people.render_action(action, actor)
    expected = (VIDEO_FRAMES, VIDEO_SIZE, VIDEO_SIZE, 3)
    if clip.shape != expected or np.abs(clip.astype(float) - drawn).mean() > ALIKE:
        raise ValueError(
            f"{name}: expected {HINT}; {path} is called like one, but shows something else, {clip.shape}"
        )
    return action, actor, clip
