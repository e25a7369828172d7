"""People in poses that no action has: arms, legs and trunk turned at random within a human's reach.

Angles are in degrees until `forward_kinematics`; axes, signs and units as in `skeleton`.
"""

import numpy as np

from vgcourse import arguments
from vgcourse.people.actors import Actor, random_actor, render_figure
from vgcourse.people.joints import project_joints
from vgcourse.people.motions import FRONT
from vgcourse.people.skeleton import HEEL_RADIUS, SIDES, TOE_RADIUS, forward_kinematics, set_joint

# joint: lowest and highest flexion, abduction and turn, well within what healthy adults reach (ranges of
# motion: American Academy of Orthopaedic Surgeons 1965, Joint Motion).
REACH = {
    "shoulder": ((-40, 160), (0, 160), (-50, 80)),
    "elbow": ((0, 135), (0, 0), (0, 0)),
    "hip": ((-15, 90), (0, 40), (-15, 30)),
    "knee": ((0, 110), (0, 0), (0, 0)),
    "ankle": ((-25, 15), (0, 0), (0, 0)),
}
TRUNK_REACH = {
    "pelvis": ((-8, 30), (-12, 12), (-15, 15)),
    "chest": ((-10, 25), (-15, 15), (-20, 20)),
    "neck": ((-20, 20), (-12, 12), (-30, 30)),
}
STANDING = 0.5  # share of legs that stay nearly straight


def pose_at_random(actor, *, num_poses, seed):
    """Poses drawn at random, ready for `render_figure`; the lowest foot touches the floor.

    Args:
        actor: an `Actor`, or the int id of one.
        num_poses: how many; each is another pose, seen from another side between profile and front.
        seed: int, 0 or more; the same seed draws the same poses for an actor.

    Returns:
        A list of `num_poses` pairs, each what `pose_action` returns for a single frame: points
        (name -> `(1, 3)` metres) and a dict with centre `(1, 3)`, yaw and tile.

    Raises:
        ValueError: a number is out of its range.
    """
    arguments.whole_number("num_poses", num_poses, 1)
    arguments.whole_number("seed", seed, 0)
    actor = actor if isinstance(actor, Actor) else random_actor(actor)
    rng = np.random.default_rng([seed, actor.id, 1965])
    return [_one_pose(actor, rng) for _ in range(num_poses)]


def _one_pose(actor, rng):
    pose = {}
    for joint, reach in TRUNK_REACH.items():
        set_joint(pose, joint, *(rng.uniform(*limits, 1) for limits in reach))
    for side in SIDES:
        bend = 0.15 if rng.uniform() < STANDING else 1.0
        for joint, reach in REACH.items():
            share = bend if joint in ("hip", "knee", "ankle") else 1.0
            set_joint(pose, f"{side}_{joint}", *(share * rng.uniform(*limits, 1) for limits in reach))
    points = forward_kinematics(pose, root=np.zeros((1, 3)), stature=actor.stature)
    radii = {"heel": HEEL_RADIUS * actor.stature, "toe": TOE_RADIUS * actor.stature}
    lowest = min(points[f"{side}_{end}"][0, 1] - radius for side in SIDES for end, radius in radii.items())
    points = {name: p - [0, lowest, 0] for name, p in points.items()}
    return points, {"centre": np.zeros((1, 3)), "yaw": rng.uniform(FRONT - 0.2, 0.2), "tile": 0.65}


def render_random_poses(actor, *, num_poses, size, seed):
    """Frames of a person in poses that no action has, and where the joints are in them.

    Args:
        actor, num_poses, seed: as in `pose_at_random`.
        size: height and width of a frame in pixels, 16 to 256.

    Returns:
        uint8 frames `(num_poses, size, size, 3)` and float32 joints
        `(num_poses, len(JOINT_NAMES), 3)`, see `project_joints`.

    Raises:
        ValueError: a number is out of its range.
    """
    arguments.whole_number("size", size, 16, 256, meaning="pixels")
    actor = actor if isinstance(actor, Actor) else random_actor(actor)
    poses = pose_at_random(actor, num_poses=num_poses, seed=seed)
    frames = [render_figure(points, actor, **view, size=size) for points, view in poses]
    joints = [project_joints(points, actor, **view, size=size) for points, view in poses]
    return np.concatenate(frames), np.concatenate(joints)
