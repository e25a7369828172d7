"""Structure first, what the painter learns from: for every person many frames, with the joints in them.

Axes: frames `(person, frame, size, size, 3)`, uint8 RGB in the stored range [0, 255]; joints
`(person, frame, joint, 3)`, float32 pixels. The painter needs no clips: any frame of a person may be the
reference for any other.
"""

from typing import NamedTuple

import numpy as np

from vgcourse import arguments, datasets, people, preprocess


class PeopleFrames(NamedTuple):
    """Frames of people, with their joints.

    Attributes:
        frames: uint8 `(person, frame, size, size, 3)`.
        joints: float32 `(person, frame, len(people.JOINT_NAMES), 3)`, pixels, see `people.action_joints`.
        actors: int `(person,)`, ids for `people.random_actor`.
    """

    frames: np.ndarray
    joints: np.ndarray
    actors: np.ndarray


def frames_by_person(clips):
    """Sort clips of the actions set by person, all of a person's frames in one row.

    Args:
        clips: `datasets.Clips` from `load_actions`, with equally many clips of every person.

    Returns:
        `PeopleFrames`.

    Raises:
        ValueError: people with different numbers of clips, or not clips of the actions set.
    """
    actors, counts = np.unique(clips.actors, return_counts=True)
    if len(set(counts)) != 1:
        raise ValueError(
            f"clips: expected equally many of every person, received {counts.min()} to {counts.max()}"
        )
    order = np.argsort(clips.actors, kind="stable")
    shape = (len(actors), counts[0] * clips.clip_shape[0])
    frames, joints = clips.clips[order], datasets.load_action_joints(clips)[order]
    return PeopleFrames(
        frames.reshape(*shape, *frames.shape[2:]), joints.reshape(*shape, *joints.shape[2:]), actors
    )


def add_random_poses(people_frames, *, num_poses=20, seed=0):
    """Give every person frames in poses that no action has, drawn by the renderer.

    Args:
        people_frames: `PeopleFrames` of people drawn by the course.
        num_poses: frames to add for each.
        seed: int, 0 or more.

    Returns:
        `PeopleFrames` with the new frames last.
    """
    size = people_frames.frames.shape[2]
    added = [
        people.render_random_poses(int(actor), num_poses=num_poses, size=size, seed=seed)
        for actor in people_frames.actors
    ]
    frames, joints = (np.stack(part) for part in zip(*added, strict=True))
    return PeopleFrames(
        np.concatenate([people_frames.frames, frames], 1),
        np.concatenate([people_frames.joints, joints], 1),
        people_frames.actors,
    )


def painter_batches(people_frames, *, batch_size=4, num_targets=4, num_references=1, seed=0, first_step=0):
    """Endless batches for `PainterGAN`; the batch of a step depends on seed and step alone.

    Some frames of a person are painted from one look at the references, which is paid for once.

    Args:
        people_frames: `PeopleFrames`.
        batch_size: people in a batch.
        num_targets: frames of each to paint.
        num_references: frames of each that the painter is given.
        seed: int, 0 or more.
        first_step: batches that were seen already.

    Yields:
        joints `(batch_size, num_targets, joint, 3)`, frames in [-1, 1]
        `(batch_size, num_targets, size, size, 3)`, and joints and frames of the references.
    """
    for name, value in (("batch_size", batch_size), ("num_targets", num_targets)):
        arguments.whole_number(name, value, 1)
    num_people, num_frames = people_frames.frames.shape[:2]
    step = first_step
    while True:
        rng = np.random.default_rng([seed, step, 9])
        person = rng.integers(num_people, size=(batch_size, 1))
        targets, references = (
            rng.integers(num_frames, size=(batch_size, count)) for count in (num_targets, num_references)
        )
        yield tuple(
            part
            for chosen in (targets, references)
            for part in (
                people_frames.joints[person, chosen],
                preprocess.to_model_range(people_frames.frames[person, chosen]),
            )
        )
        step += 1
