"""The human skeleton: forward kinematics, curves for its joints, planted feet, and how the root travels.

Axes: world x is forward (where the figure faces), y up, z to the figure's right. A pose is a dict of joint
name -> radians `(T, 3)` or `(3,)`: flexion, abduction, external rotation. Their signs are clinical, positive
on both sides of the body, so equal numbers make a symmetric pose.
"""

import numpy as np

# Lengths as fractions of stature (Drillis & Contini 1966, as given in Winter, Biomechanics and Motor Control
# of Human Movement): knee height .285 minus foot height .039 is the shank; the shoulder stands at 1 - .182.
FOOT_HEIGHT, SHANK, THIGH = 0.039, 0.285 - 0.039, 0.245
HIP_HEIGHT = FOOT_HEIGHT + SHANK + THIGH
UPPER_ARM, FOREARM, HAND, FOOT = 0.186, 0.146, 0.108, 0.152
LEG = THIGH + SHANK
SHOULDER_HEIGHT = 1 - 0.182
SIDES = ("right", "left")
# The table's widths reach the skin (hips .191, shoulders .259); the joint centres lie further inside.
HIP_SIDE, SHOULDER_SIDE = 0.191 / 2 - 0.043, 0.259 / 2 - 0.022
HEEL_RADIUS, TOE_RADIUS, HEEL_BACK = 0.023, 0.017, 0.025  # the drawn foot, FOOT long in all
TOE_FRONT = FOOT - HEEL_BACK - HEEL_RADIUS - TOE_RADIUS

# joint: (parent, offset in the parent's frame, signs of flexion, abduction and rotation about z, x and y).
# Trunk joints: flexion leans forward, "abduction" leans and "rotation" turns to the right.
_TRUNK = (-1, 1, -1)
JOINTS = {
    "pelvis": (None, (0, 0, 0), _TRUNK),
    "chest": ("pelvis", (0, 0.08, 0), _TRUNK),
    "neck": ("chest", (0, 0.83 - HIP_HEIGHT - 0.08, 0), _TRUNK),
}
for _side, _k in (("right", 1), ("left", -1)):
    _shoulder = (0, SHOULDER_HEIGHT - HIP_HEIGHT - 0.08, _k * SHOULDER_SIDE)
    JOINTS |= {
        f"{_side}_hip": ("pelvis", (0, 0, _k * HIP_SIDE), (1, -_k, -_k)),
        f"{_side}_knee": (f"{_side}_hip", (0, -THIGH, 0), (-1, -_k, -_k)),
        f"{_side}_ankle": (f"{_side}_knee", (0, -SHANK, 0), (1, -_k, -_k)),
        f"{_side}_shoulder": ("chest", _shoulder, (1, -_k, -_k)),
        f"{_side}_elbow": (f"{_side}_shoulder", (0, -UPPER_ARM, 0), (1, -_k, -_k)),
    }

# further points: (joint that carries it, offset)
POINTS = {
    "throat": ("neck", (0, 0.05, 0)),
    "head": ("neck", (0.006, 0.094, 0)),
    "nose": ("neck", (0.055, 0.086, 0)),
    "hair": ("neck", (-0.020, 0.108, 0)),
    "nape": ("neck", (-0.040, 0.035, 0)),
    "waist": ("pelvis", (0, 0.085, 0)),
    "belly": ("chest", (0.004, 0.05, 0)),
}
for _side, _k in (("right", 1), ("left", -1)):
    POINTS |= {
        f"{_side}_wrist": (f"{_side}_elbow", (0, -FOREARM, 0)),
        f"{_side}_hand": (f"{_side}_elbow", (0.006, -FOREARM - 0.6 * HAND, 0)),  # a loosely closed hand
        f"{_side}_heel": (f"{_side}_ankle", (-HEEL_BACK, HEEL_RADIUS - FOOT_HEIGHT, 0)),
        f"{_side}_toe": (f"{_side}_ankle", (TOE_FRONT, TOE_RADIUS - FOOT_HEIGHT, 0)),
        f"{_side}_rib": ("chest", (0, 0.165, _k * 0.052)),
        f"{_side}_seat": ("pelvis", (-0.008, 0.018, _k * 0.040)),
    }


def rotation(angles):
    """Rotation matrices Rz(a0) Rx(a1) Ry(a2).

    Args:
        angles: float array `(..., 3)`, radians about z, x and y.

    Returns:
        Float array `(..., 3, 3)`.
    """
    (cz, cx, cy), (sz, sx, sy) = np.moveaxis(np.cos(angles), -1, 0), np.moveaxis(np.sin(angles), -1, 0)
    rows = [
        [cz * cy - sz * sx * sy, -sz * cx, cz * sy + sz * sx * cy],
        [sz * cy + cz * sx * sy, cz * cx, sz * sy - cz * sx * cy],
        [-cx * sy, sx, cx * cy],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def forward_kinematics(angles, *, root, stature=1.0):
    """Where every joint and point of the body is.

    Args:
        angles: pose: joint name -> radians `(T, 3)`; joints left out stay straight.
        root: float array `(T, 3)`, position of the pelvis in metres.
        stature: body height in metres.

    Returns:
        Dict of joint and point name -> float array `(T, 3)`, metres, world axes.

    Raises:
        ValueError: a joint is unknown.
    """
    unknown = sorted(set(angles) - set(JOINTS))
    if unknown:
        raise ValueError(f"Unknown joints {unknown}; expected some of {sorted(JOINTS)}.")
    root = np.asarray(root, np.float64)
    position, orientation = {}, {}
    for name, (parent, offset, signs) in JOINTS.items():
        turn = rotation(np.multiply(angles.get(name, np.zeros((len(root), 3))), signs))
        if parent is None:
            position[name], orientation[name] = root, turn
        else:
            position[name] = position[parent] + orientation[parent] @ np.multiply(offset, stature)
            orientation[name] = orientation[parent] @ turn
    for name, (joint, offset) in POINTS.items():
        position[name] = position[joint] + orientation[joint] @ np.multiply(offset, stature)
    return position


def curve(phase, *knots):
    """Smooth periodic curve through knots (cubic Hermite, flat at the knots that are local extremes).

    Args:
        phase: float array, in cycles; any real numbers.
        *knots: pairs (phase in [0, 1), value), in order.

    Returns:
        Array of values, shape of `phase`. It never leaves the range of two neighbouring knots.

    Source: slopes as in Fritsch & Butland 1984 (weighted harmonic mean).
    """
    x, y = np.array(knots, np.float64).T
    step, rise = np.diff(x, append=x[0] + 1), np.diff(y, append=y[0])
    after, before = rise / step, np.roll(rise / step, 1)
    w1, w2 = 2 * step + np.roll(step, 1), step + 2 * np.roll(step, 1)
    # A rise too small for its inverse counts as none.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope = np.where(before * after > 0, (w1 + w2) / (w1 / before + w2 / after), 0.0)
    phase = (np.asarray(phase, np.float64) - x[0]) % 1
    k = np.searchsorted(x - x[0], phase, side="right") - 1
    k1, h = (k + 1) % len(x), step[k]
    u = (phase - (x[k] - x[0])) / h
    return (
        y[k] * (1 + 2 * u) * (1 - u) ** 2 + slope[k] * h * u * (1 - u) ** 2
        + y[k1] * u * u * (3 - 2 * u) + slope[k1] * h * u * u * (u - 1)
    )  # fmt: skip


def set_joint(pose, joint, flexion=0.0, abduction=0.0, turn=0.0):
    """Give a joint its angles in degrees.

    Args:
        pose: dict of joint angles, changed in place.
        joint: one of `JOINTS`.
        flexion: scalar or `(T,)`, degrees, as are `abduction` and `turn` (external rotation).
    """
    angles = np.broadcast_arrays(flexion, abduction, turn)
    pose[joint] = np.radians(np.stack(angles, -1).astype(np.float64))


def plant_foot(pose, root, side, foot, *, turnout=8.0, heel_up=0.0):
    """Bend one leg so that its foot stands at a place (two-bone inverse kinematics), for stature 1.

    Args:
        pose: joint angles with "pelvis" set; hip, knee and ankle are added in place.
        root: `(T, 3)` position of the pelvis.
        side: "right" or "left".
        foot: `(T, 3)` the spot under the ankle when the sole is flat, at the height of the sole; beside the
            body a deeply bent leg does not reach far.
        turnout: degrees that foot and knee point outwards, scalar or `(T,)`.
        heel_up: degrees that the foot tips over its toe, scalar or `(T,)`.
    """
    k = 1 if side == "right" else -1
    yaw, tip = np.zeros((2, len(root), 3))  # world angles of the foot
    yaw[:, 2], tip[:, 0] = -k * np.radians(turnout), -np.radians(heel_up)
    foot_turn = rotation(yaw) @ rotation(tip)
    toe = np.array([TOE_FRONT, TOE_RADIUS - FOOT_HEIGHT, 0])  # seen from the ankle
    ankle = foot + [0, FOOT_HEIGHT, 0] + rotation(yaw) @ toe - foot_turn @ toe
    pelvis = rotation(np.broadcast_to(pose["pelvis"], root.shape) * JOINTS["pelvis"][2])
    hip = root + pelvis @ np.array([0, 0, k * HIP_SIDE])
    thigh, knee = _reach(np.einsum("tji,tj->ti", pelvis, ankle - hip), yaw[:, 2])
    shank = pelvis @ rotation(thigh) @ rotation(knee)
    for joint, angles in (
        ("hip", thigh),
        ("knee", knee),
        ("ankle", _angles(np.swapaxes(shank, 1, 2) @ foot_turn)),
    ):
        pose[f"{side}_{joint}"] = angles * JOINTS[f"{side}_{joint}"][2]


def _reach(ankle, turn):
    """Angles `(T, 3)` of thigh and knee that bring the ankle to `(T, 3)`, all seen from hip and pelvis.

    A leg too short for it still points that way. `turn` `(T,)` twists the thigh, which points the knee.
    """
    length = np.linalg.norm(ankle, axis=-1).clip(abs(THIGH - SHANK), 0.9995 * LEG)
    bend = np.pi - np.arccos((THIGH**2 + SHANK**2 - length**2) / (2 * THIGH * SHANK))
    # Thigh down and knee bent, the ankle is at (-back, -down, 0); with the thigh twisted, at (x, -down, z).
    back, down = SHANK * np.sin(bend), THIGH + SHANK * np.cos(bend)
    x, z = -back * np.cos(turn), back * np.sin(turn)
    sideways = np.arctan2(z, down) - np.arcsin((ankle[:, 2] / np.hypot(down, z)).clip(-1, 1))
    y = -down * np.cos(sideways) - z * np.sin(sideways)
    forward = np.arctan2(ankle[:, 1], ankle[:, 0]) - np.arctan2(y, x)
    forward = (forward + np.pi) % (2 * np.pi) - np.pi
    return np.stack([forward, sideways, turn], -1), np.stack([-bend, 0 * bend, 0 * bend], -1)


def _angles(matrix):
    """The angles `(T, 3)` that `rotation` turns into `matrix` `(T, 3, 3)`."""
    flexion = np.arctan2(-matrix[:, 0, 1], matrix[:, 1, 1])
    twist = np.arctan2(-matrix[:, 2, 0], matrix[:, 2, 2])
    return np.stack([flexion, np.arcsin(matrix[:, 2, 1].clip(-1, 1)), twist], -1)


def travel(curves, phase, *, flights=(), lift=0.0):
    """Root path of a travelling figure: its lowest foot neither slides nor leaves the floor (stature 1).

    Args:
        curves: function of the phase that gives the joint angles.
        phase: `(T,)`, in cycles.
        flights: pairs (take-off, touch-down) in cycles, in [0, 1]; in between the body flies a parabola.
        lift: height of that parabola.

    Returns:
        The root `(T, 3)`, on average at stride * phase, and the stride `(3,)`, travelled in one cycle.
    """
    n = 240
    grid = np.arange(n + 1) / n
    points = forward_kinematics(curves(grid), root=np.zeros((n + 1, 3)))
    feet = np.stack([points[f"{side}_{end}"] for side in SIDES for end in ("heel", "toe")])
    bottom = feet[..., 1] - np.array([HEEL_RADIUS, TOE_RADIUS] * 2)[:, None]
    support = bottom.argmin(0)[:-1]
    height, step = -bottom.min(0), -np.diff(feet[..., 0])[support, np.arange(n)]
    for start, end in flights:
        i, j = round(start * n), round(end * n)
        s = np.linspace(0, 1, j - i + 1)
        height[i : j + 1] = height[i] + (height[j] - height[i]) * s + 4 * lift * s * (1 - s)
        step[i:j] = np.linspace(step[i - 1], step[j % n], j - i)
    path = np.append(0, step.cumsum())
    stride = path[-1]
    sway = np.interp(phase % 1, grid, path - stride * grid)
    x = stride * phase + sway - (path - stride * grid).mean()
    return np.stack([x, np.interp(phase % 1, grid, height), 0 * x], -1), np.array([stride, 0, 0])
