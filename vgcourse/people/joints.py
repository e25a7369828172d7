"""Joints in the picture: where the renderer draws each joint of the body, to learn from and to score against.

Axes: joints `(time, joint, 3)`, float32: x to the right and y down in pixels of the frame (its upper left
corner is 0, 0, so the middle of the first pixel is 0.5, 0.5), and depth in pixels towards the viewer, 0 at
the pelvis.
"""

import numpy as np

from vgcourse import arguments
from vgcourse.people.actors import FRAME_HEIGHT, Actor, camera_matrix, project, random_actor
from vgcourse.people.motions import pose_action
from vgcourse.people.skeleton import SIDES

JOINT_NAMES = ("head", "neck", "pelvis", "hair", "nose", "nape", "waist")
JOINT_NAMES += tuple(
    f"{side}_{joint}"
    for side in SIDES
    for joint in ("shoulder", "elbow", "wrist", "hand", "hip", "knee", "ankle", "heel", "toe")
)


def project_joints(points, actor, *, centre, yaw, size, tile=None):
    """Where a moving figure's joints are in the frames that `render_figure` draws of it.

    Args:
        points: from `forward_kinematics` or `pose_action`, name -> `(T, 3)` metres.
        actor: an `Actor`; its camera looks.
        centre: `(T, 3)`, as in `render_figure`, metres.
        yaw: camera angle in radians, as in `render_figure`.
        size: height and width of a frame in pixels.
        tile: not used; so that both functions take what `pose_action` returns.

    Returns:
        float32 `(T, len(JOINT_NAMES), 3)`: x, y and depth in pixels.
    """
    in_view = project(points, centre, camera_matrix(yaw, actor.pitch))
    metres = np.stack([in_view[name] - in_view["pelvis"] * [0, 0, 1] for name in JOINT_NAMES], axis=1)
    pixels = metres * (size / FRAME_HEIGHT) * [1, -1, 1]
    return (pixels + [size / 2, size / 2, 0]).astype(np.float32)


def action_joints(action, actor, *, size=96, num_frames=50, fps=25.0, seed=0):
    """Where the joints are in the clip that `render_action` renders of the same arguments.

    Args:
        action, actor, num_frames, fps, seed: as in `pose_action`; the defaults are those of the clips in
            `data/actions/`, whose joints these then are.
        size: height and width of a frame in pixels.

    Returns:
        float32 `(T, len(JOINT_NAMES), 3)`: x, y and depth in pixels.

    Raises:
        ValueError: the action is unknown, or a number is out of its range.
    """
    arguments.whole_number("size", size, 16, 256, meaning="pixels")
    actor = actor if isinstance(actor, Actor) else random_actor(actor)
    points, view = pose_action(action, actor, num_frames=num_frames, fps=fps, seed=seed)
    return project_joints(points, actor, **view, size=size)
