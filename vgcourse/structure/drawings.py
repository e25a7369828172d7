"""Structure first, skeleton drawings: joints become pictures of limbs, which a convolution can read.

Axes: joints `(..., joint, 3)`, float32, see `people.JOINT_NAMES`: x and y in pixels of the frame, depth in
pixels towards the viewer. Drawings `(..., size, size, 2 * limb)`: first how much of a pixel each limb
covers, in [0, 1], then the same times the limb's depth, which says who is in front.
"""

import numpy as np
from keras import ops

from vgcourse import arguments
from vgcourse.people import JOINT_NAMES

# (from, to, radius at from, radius at to): tapered capsules, radii in fractions of stature, those of an
# average person. Limbs hide what is drawn under them by depth alone, so their order means nothing.
LIMBS = [
    ("hair", "hair", 0.062, 0.062),
    ("hair", "nape", 0.046, 0.036),
    ("head", "head", 0.052, 0.052),
    ("nose", "nose", 0.011, 0.011),
    ("neck", "head", 0.031, 0.030),
    ("neck", "waist", 0.066, 0.076),
    ("waist", "pelvis", 0.070, 0.072),
    ("right_hip", "left_hip", 0.058, 0.058),
]
for _side in ("right", "left"):
    LIMBS += [
        (f"{_side}_shoulder", "waist", 0.050, 0.072),  # half of the chest
        (f"{_side}_shoulder", f"{_side}_elbow", 0.041, 0.033),
        (f"{_side}_elbow", f"{_side}_wrist", 0.033, 0.026),
        (f"{_side}_wrist", f"{_side}_hand", 0.027, 0.031),
        (f"{_side}_hip", f"{_side}_knee", 0.058, 0.043),
        (f"{_side}_knee", f"{_side}_ankle", 0.043, 0.030),
        (f"{_side}_heel", f"{_side}_toe", 0.023, 0.017),
    ]
NUM_LIMBS = len(LIMBS)
STATURE = 1.7 / 2.3  # of an average person, in heights of a frame
DEEPEST = 0.16  # depth, in widths of a frame, that counts as 1

_NAMES = [(a, b) for a, b, _, _ in LIMBS]
_FROM, _TO = (np.array([JOINT_NAMES.index(limb[end]) for limb in LIMBS]) for end in (0, 1))
_RADII = np.array([limb[2:] for limb in LIMBS], np.float32) * STATURE  # in heights of a frame
_OTHER = {"right": "left", "left": "right"}


def _mirrored(joint):
    side, _, rest = joint.partition("_")
    return f"{_OTHER[side]}_{rest}" if side in _OTHER else joint


# The limb of the body's other side; limbs in the middle are their own.
MIRROR = [
    next(k for k, pair in enumerate(_NAMES) if set(pair) == {_mirrored(a), _mirrored(b)}) for a, b in _NAMES
]


def draw_skeleton(joints, *, size):
    """Draw skeletons, in TensorFlow.

    Args:
        joints: float32 tensor or array `(..., len(JOINT_NAMES), 3)`, pixels of a frame of `size`.
        size: height and width of the frame in pixels.

    Returns:
        float32 tensor `(..., size, size, 2 * NUM_LIMBS)`: the limb maps of `limb_maps`, then the same times
        the limb's depth in [-1, 1], 1 near the viewer.
    """
    joints = ops.convert_to_tensor(joints, "float32")
    maps, depth = _draw(ops, joints, ops.take(joints, _FROM, axis=-2), ops.take(joints, _TO, axis=-2), size)
    return ops.concatenate([maps, maps * depth], axis=-1)


def limb_maps(joints, *, size):
    """How much of every pixel each limb covers: antialiased tapered capsules, in NumPy.

    Args:
        joints, size: as in `draw_skeleton`.

    Returns:
        float32 array `(..., size, size, NUM_LIMBS)` in [0, 1]: 1 within the limb, 0.5 where the distance to
        its axis is its radius, 0 a pixel further out.

    Raises:
        ValueError: no joints, or a size out of range.
    """
    arguments.whole_number("size", size, 8, 1024, meaning="pixels")
    joints = checked_joints("joints", joints)
    return _draw(np, joints, joints[..., _FROM, :], joints[..., _TO, :], size)[0]


def checked_joints(name, joints):
    """Check joints in the picture.

    Args:
        name: what the error calls them.
        joints: an array `(..., len(JOINT_NAMES), 3)` of finite numbers.

    Returns:
        float32 array.

    Raises:
        ValueError: another shape, or numbers that are not finite.
    """
    joints = np.asarray(joints, np.float32)
    if joints.ndim < 2 or joints.shape[-2:] != (len(JOINT_NAMES), 3) or not np.isfinite(joints).all():
        shape = f"(..., {len(JOINT_NAMES)}, 3)"
        raise ValueError(f"{name}: expected finite joints {shape}, received shape {joints.shape}")
    return joints


def _draw(np_or_ops, joints, start, end, size):
    """Limb maps `(..., size, size, limb)` and depths `(..., 1, 1, limb)`; NumPy and Keras name alike."""
    xp = np_or_ops
    centres = np.arange(size, dtype=np.float32) + np.float32(0.5)
    # (..., 1, 1, limb) each; a pixel's x varies along axis -2, its y along axis -3.
    (ax, ay, az), (bx, by, bz) = (
        [points[..., None, None, :, k] for k in range(3)] for points in (start, end)
    )
    dx, dy = bx - ax, by - ay
    x, y = centres[:, None] - ax, centres[:, None, None] - ay
    along = xp.clip((x * dx + y * dy) / (dx * dx + dy * dy + 1e-3), 0, 1)  # 0 at the start, 1 at the end
    distance = xp.sqrt(xp.square(x - along * dx) + xp.square(y - along * dy) + 1e-12)
    at_start, at_end = (_RADII * size).T
    maps = xp.clip(at_start + (at_end - at_start) * along - distance + 0.5, 0, 1)
    return maps, xp.clip((az + bz) / (2 * DEEPEST * size), -1, 1)
