"""Joint-angle curves of ten human actions, and the clips rendered from them.

Every action repeats a whole number of times in two seconds, so a two-second clip loops. Walk, run and hop are
joint-angle curves whose root moves so that the supporting foot stays put; in the other actions the feet are
placed on the floor and the legs follow by inverse kinematics.

Lengths are fractions of stature and angles degrees until `pose_action`; axes and signs as in `skeleton`.
Clips are uint8 [0, 255] with axes (time, height, width, channels).
"""

import zlib

import numpy as np

from vgcourse import arguments
from vgcourse.people.actors import Actor, random_actor, render_figure
from vgcourse.people.skeleton import (
    FOOT_HEIGHT,
    HIP_SIDE,
    LEG,
    SIDES,
    curve,
    forward_kinematics,
    plant_foot,
    set_joint,
    travel,
)


def wave(phase):
    """Raised cosine: returns 0 at whole phases, 1 half-way between; `phase` is any array."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * phase)


def _stand(pose, root, *, half_width=0.07, turnout=12.0):
    """Both feet flat beside each other on the floor."""
    for side, k in (("right", 1), ("left", -1)):
        plant_foot(pose, root, side, np.zeros_like(root) + [0, 0, k * half_width], turnout=turnout)


def _root(x, y, z):
    return np.stack(np.broadcast_arrays(x, y, z), -1).astype(np.float64)


# -- Travelling actions: phase 0 is the right foot's touch-down
def walk(phase, amplitude):
    """Two strides of one second, with heel strike and toe-off; the arms swing against the legs.

    Args:
        phase: float array `(T,)`, in cycles, any real numbers.
        amplitude: how widely the person moves, 1 on average.

    Returns:
        pose (joint name -> radians), root `(T, 3)` and stride `(3,)` (the way travelled in a cycle).

    Source: the leg curves are normal gait (Winter 1991, The Biomechanics and Motor Control of Human Gait),
    fitted to this skeleton so that the feet neither slide nor leave the floor while they carry.
    """

    def curves(phase):
        pose, turn = {}, np.cos(2 * np.pi * phase)  # 1: right foot in front
        set_joint(pose, "pelvis", 2, 0, -4 * turn)
        set_joint(pose, "chest", 3, 0, 9 * turn)
        set_joint(pose, "neck", -3, 0, -5 * turn)
        for side, u in zip(SIDES, (phase, phase + 0.5), strict=True):
            stance = ((0, 23.7), (0.1, 15.4), (0.3, -0.4), (0.51, -11.9))
            hip = curve(u, *stance, (0.6, -6.3), (0.74, 22.7), (0.86, 32.6))
            stance = ((0, 5.1), (0.13, 5.1), (0.38, 10.1), (0.5, 18.3))
            knee = curve(u, *stance, (0.6, 36.8), (0.71, 59.1), (0.85, 27), (0.96, 3.4))
            stance = ((0, 0.6), (0.07, -8), (0.25, 5), (0.44, 20.7), (0.54, 7.1))
            ankle = curve(u, *stance, (0.61, -15.4), (0.75, 1.8), (0.9, 4.2))
            set_joint(pose, f"{side}_hip", hip, 0.5)
            set_joint(pose, f"{side}_knee", knee)
            set_joint(pose, f"{side}_ankle", ankle)
            swing = -np.cos(2 * np.pi * (u - 0.02))
            set_joint(pose, f"{side}_shoulder", amplitude * (25 * swing - 2), 9)
            set_joint(pose, f"{side}_elbow", 24 + 12 * swing)
        return pose

    return curves(phase), *travel(curves, phase)


def run(phase, amplitude):
    """Three strides in two seconds, two flights each; knees high, elbows bent; as in `walk`."""

    def curves(phase):
        pose, turn = {}, np.cos(2 * np.pi * (phase - 0.05))
        set_joint(pose, "pelvis", 7, 0, -6 * turn)
        set_joint(pose, "chest", 9, 0, 16 * turn)
        set_joint(pose, "neck", -12, 0, -10 * turn)
        for side, u in zip(SIDES, (phase, phase + 0.5), strict=True):
            hip = curve(
                u, (0, 38), (0.1, 28), (0.36, -15), (0.42, -13), (0.6, 36), (0.74, 66), (0.82, 64), (0.93, 47)
            )
            knee = curve(u, (0, 20), (0.12, 38), (0.33, 16), (0.48, 78), (0.61, 112), (0.75, 88), (0.93, 20))
            ankle = curve(u, (0, 2), (0.15, 22), (0.36, -22), (0.6, -6), (0.85, 4))
            set_joint(pose, f"{side}_hip", amplitude * hip, 1)
            set_joint(pose, f"{side}_knee", amplitude * knee)
            set_joint(pose, f"{side}_ankle", ankle)
            swing = -np.cos(2 * np.pi * (u - 0.06))
            set_joint(pose, f"{side}_shoulder", amplitude * (48 * swing - 8), 12, -10)
            set_joint(pose, f"{side}_elbow", 95 + 14 * swing)
        return pose

    return curves(phase), *travel(curves, phase, flights=((0.34, 0.5), (0.84, 1.0)), lift=0.03)


def hop(phase, amplitude):
    """Three hops in two seconds on the right leg; both arms swing up together; as in `walk`."""

    def curves(phase):
        pose = {}
        crouch = curve(phase, (0, 0.3), (0.2, 1), (0.42, 0), (0.7, 0.05))
        set_joint(pose, "pelvis", 4 + 8 * crouch)
        set_joint(pose, "chest", 2 + 8 * crouch)
        set_joint(pose, "neck", -6 * crouch)
        set_joint(pose, "right_hip", curve(phase, (0, 30), (0.2, 44), (0.42, -8), (0.55, -4), (0.85, 28)), 1)
        set_joint(pose, "right_knee", curve(phase, (0, 26), (0.2, 62), (0.42, 8), (0.62, 26), (0.85, 24)))
        set_joint(pose, "right_ankle", curve(phase, (0, -6), (0.2, 24), (0.42, -32), (0.6, -24), (0.85, -6)))
        set_joint(pose, "left_hip", curve(phase, (0.2, 30), (0.55, 62)), 2)
        set_joint(pose, "left_knee", curve(phase, (0.2, 88), (0.55, 108)))
        set_joint(pose, "left_ankle", -12)
        swing = curve(phase, (0.1, 0), (0.6, 1))
        for side in SIDES:
            set_joint(pose, f"{side}_shoulder", amplitude * (-38 + 124 * swing), 14)
            set_joint(pose, f"{side}_elbow", 40 + 10 * swing)
        return pose

    return curves(phase), *travel(curves, phase, flights=((0.42, 1.0),), lift=0.085)


def side(phase, amplitude):
    """Three side-stepping gallops in two seconds: the right foot leads, the left one closes; as in `walk`."""
    pose, width = {}, 0.225 * amplitude  # from the pelvis to the leading foot as it lands
    stride = (width - 0.035) / 0.4  # each foot stands for 0.4 of a cycle
    rise = wave(phase - 0.27)  # 1 as the feet close
    flight = 0.02 * np.sin(np.pi * ((phase % 1 - 0.7) / 0.1).clip(0, 1))  # the feet meet in the air
    root = _root(0, FOOT_HEIGHT + LEG * (0.905 + 0.08 * rise), stride * phase)
    set_joint(pose, "pelvis", 6, 3 - 5 * rise)
    set_joint(pose, "chest", 4, -5 + 7 * rise)
    set_joint(pose, "neck", -6)
    for name, landing, place in (("right", 0.30, width), ("left", 0.80, -0.035)):
        u = (phase - landing) % 1
        start = phase - u  # when this foot landed
        move = ((u - 0.4) / 0.6).clip(0, 1)
        z = place + stride * (start + move * move * (3 - 2 * move))
        foot = _root(0, 0.055 * np.sin(np.pi * move) ** 2 + flight, z)
        plant_foot(pose, root, name, foot, heel_up=32 * np.sin(np.pi * move) + 10 * rise, turnout=10)
        set_joint(pose, f"{name}_shoulder", 8, 30 - 12 * rise, 10)
        set_joint(pose, f"{name}_elbow", 35 + 15 * rise)
    return pose, root, np.array([0, 0, stride])


# -- Actions on the spot
def jack(phase, amplitude):
    """Two jumping jacks in two seconds: closed at phase 0, spread at 1/2, a jump each way; as in `walk`."""
    pose, open_ = {}, curve(phase, (0.1, 0), (0.4, 1), (0.6, 1), (0.9, 0))
    flight = np.sin(np.pi * ((2 * phase % 1 - 0.2) / 0.6).clip(0, 1))
    bend = curve(2 * phase, (0.0, 1), (0.2, 0.1), (0.8, 0.2))
    half = 0.055 + 0.15 * amplitude * open_
    root = _root(
        0,
        FOOT_HEIGHT + np.sqrt((LEG * (0.99 - 0.03 * bend)) ** 2 - (half - HIP_SIDE) ** 2) + 0.05 * flight,
        0,
    )
    set_joint(pose, "pelvis", 2 + 2 * bend)
    set_joint(pose, "chest", 1)
    set_joint(pose, "neck", 0)
    for name, k in (("right", 1), ("left", -1)):
        plant_foot(
            pose,
            root,
            name,
            _root(0, 0.045 * flight, k * half),
            heel_up=6 + 22 * flight,
            turnout=10 + 8 * open_,
        )
        set_joint(pose, f"{name}_shoulder", 4, 10 + 130 * open_, 80 * open_)
        set_joint(pose, f"{name}_elbow", 18 - 4 * open_)
    return pose, root, np.zeros(3)


def wave1(phase, amplitude):
    """Three waves of one raised hand in two seconds; as in `walk`."""
    pose, swing = {}, np.cos(2 * np.pi * phase)
    root = _root(0, FOOT_HEIGHT + 0.99 * LEG, 0.012 - 0.006 * swing)
    set_joint(pose, "pelvis", 0, -1.5)
    set_joint(pose, "chest", 0, 2 - 2 * swing, 2)
    set_joint(pose, "neck", 0, 4, 6)
    _stand(pose, root)
    set_joint(pose, "right_shoulder", 6, 100 + 14 * swing, 88)
    set_joint(pose, "right_elbow", 58 - 40 * amplitude * swing)
    set_joint(pose, "left_shoulder", 2, 9)
    set_joint(pose, "left_elbow", 16)
    return pose, root, np.zeros(3)


def wave2(phase, amplitude):
    """Two waves of both arms in two seconds, from shoulder height to overhead; as in `walk`."""
    pose, up = {}, wave(phase)
    root = _root(0, FOOT_HEIGHT + 0.985 * LEG + 0.004 * up, 0)
    set_joint(pose, "pelvis", 0)
    set_joint(pose, "chest", -2 * up)
    set_joint(pose, "neck", -3 * up)
    _stand(pose, root, half_width=0.085)
    for name in SIDES:
        set_joint(pose, f"{name}_shoulder", 5, 101 + amplitude * 50 * (up - 0.5), 88)
        set_joint(pose, f"{name}_elbow", 16 + 10 * wave(phase + 0.1))
    return pose, root, np.zeros(3)


def bend(phase, amplitude):
    """One bow to the toes and back in two seconds; the hips shift back to keep the balance; as in `walk`."""
    pose, down = {}, curve(phase, (0.04, 0), (0.42, 1), (0.56, 1), (0.96, 0)) * (0.75 + 0.25 * amplitude)
    back = 0.085 * down
    root = _root(-back, FOOT_HEIGHT + np.sqrt((LEG * (0.992 - 0.012 * down)) ** 2 - back**2), 0)
    set_joint(pose, "pelvis", 66 * down)
    set_joint(pose, "chest", 50 * down)
    set_joint(pose, "neck", 12 * down)
    _stand(pose, root, half_width=0.06)
    for name in SIDES:
        set_joint(pose, f"{name}_shoulder", 3 + 112 * down, 7)
        set_joint(pose, f"{name}_elbow", 14)
    return pose, root, np.zeros(3)


def squat(phase, amplitude):
    """One deep squat in two seconds: heels down, hips back, arms forward for balance; as in `walk`."""
    pose, down = {}, curve(phase, (0.06, 0), (0.45, 1), (0.58, 1), (0.94, 0)) * (0.7 + 0.3 * amplitude)
    root = _root(-0.125 * down, FOOT_HEIGHT + 0.992 * LEG - 0.268 * down, 0)
    set_joint(pose, "pelvis", 30 * down)
    set_joint(pose, "chest", 14 * down)
    set_joint(pose, "neck", -26 * down**2)
    _stand(pose, root, half_width=0.09, turnout=18)
    for name in SIDES:
        set_joint(pose, f"{name}_shoulder", 3 + 125 * down, 6)
        set_joint(pose, f"{name}_elbow", 12)
    return pose, root, np.zeros(3)


def dance(phase, amplitude):
    """Two bars of disco in two seconds: the weight shifts, the arms point up in turn; as in `walk`."""
    pose, sway = {}, amplitude * np.sin(2 * np.pi * phase)  # 1: over the right leg, right arm up
    bounce = wave(2 * phase)
    root = _root(0, FOOT_HEIGHT + LEG * (0.965 - 0.045 * bounce), 0.065 * sway)
    set_joint(pose, "pelvis", 3, 9 * sway, 10 * sway)
    set_joint(pose, "chest", 2, -17 * sway, -22 * sway)
    set_joint(pose, "neck", 0, 8 * sway, 14 * sway)
    for name, k in (("right", 1), ("left", -1)):
        free = (-k * sway).clip(0, None)  # 1: this leg carries nothing
        plant_foot(
            pose, root, name, _root(0, 0, k * 0.105 + 0 * phase), heel_up=30 * free, turnout=14 - 18 * free
        )
        up = curve(phase + (0 if k > 0 else 0.5), (0.17, 1), (0.33, 1), (0.67, 0), (0.83, 0))
        set_joint(pose, f"{name}_shoulder", 18 - 14 * up, 38 + 97 * up * amplitude, -50 + 130 * up)
        set_joint(pose, f"{name}_elbow", 92 - 80 * up)
    return pose, root, np.zeros(3)


FRONT = -np.pi / 2
# action: (curves, cycles in two seconds, camera yaw)
_MOTIONS = {
    "walk": (walk, 2, 0.0), "run": (run, 3, 0.0), "hop": (hop, 3, 0.0), "jack": (jack, 2, FRONT),
    "side": (side, 3, FRONT), "wave1": (wave1, 3, FRONT), "wave2": (wave2, 2, FRONT), "bend": (bend, 1, 0.0),
    "squat": (squat, 1, -0.35), "dance": (dance, 2, FRONT),
}  # fmt: skip
ACTIONS = tuple(_MOTIONS)
PERIOD = 2.0  # seconds after which every action is back where it began


def pose_action(action, actor, *, num_frames=50, fps=25.0, seed=0):
    """The moving skeleton of one action, ready for `actors.render_figure`.

    Args:
        action: one of `ACTIONS`.
        actor: an `Actor`, or the int id of one (then `random_actor(actor)`).
        num_frames: T, any number; the motion goes on periodically.
        fps: frames per second.
        seed: int; draws the phase at the start, how widely the person moves this time, and the camera's yaw.

    Returns:
        points (name -> `(T, 3)` metres) and a dict with the further arguments of `render_figure`: centre
        `(T, 3)`, yaw (radians) and tile (metres; such that the floor too repeats after two seconds).

    Raises:
        ValueError: the action is unknown, or a number is out of its range.
    """
    arguments.one_of("action", action, ACTIONS)
    arguments.whole_number("num_frames", num_frames, 1)
    arguments.frames_per_second("fps", fps)
    arguments.whole_number("seed", seed, 0)
    actor = actor if isinstance(actor, Actor) else random_actor(actor)
    curves, cycles, yaw = _MOTIONS[action]
    rng = np.random.default_rng([seed, actor.id, zlib.crc32(action.encode())])
    start, amplitude = rng.uniform(), actor.amplitude * rng.uniform(0.95, 1.05)
    yaw += rng.uniform(-0.2, 0.2)
    phase = start + np.arange(num_frames) / fps * cycles / PERIOD
    pose, root, stride = curves(phase, amplitude)
    travelled = np.linalg.norm(stride) * cycles * actor.stature  # in one period
    tile = travelled / (2 * max(round(travelled / 1.3), 1)) if travelled else 0.65
    points = forward_kinematics(pose, root=root * actor.stature, stature=actor.stature)
    return points, {"centre": phase[:, None] * stride * actor.stature, "yaw": yaw, "tile": tile}


def render_action(action, actor, *, size=96, num_frames=50, fps=25.0, seed=0):
    """Render one clip of a person doing an action.

    Args:
        action, actor, fps, seed: as in `pose_action`; an actor looks the same in every action.
        size: height and width in pixels, 16 to 256.
        num_frames: T; two seconds (50 frames at 25 fps) loop without a seam.

    Returns:
        uint8 array `(T, size, size, 3)`; the same arguments always give the same clip.

    Raises:
        ValueError: the action is unknown, or a number is out of its range.
    """
    arguments.whole_number("size", size, 16, 256, meaning="pixels")
    actor = actor if isinstance(actor, Actor) else random_actor(actor)
    points, view = pose_action(action, actor, num_frames=num_frames, fps=fps, seed=seed)
    return render_figure(points, actor, **view, size=size)
