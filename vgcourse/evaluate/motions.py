"""Evaluate motions: numbers that say how good generated motions of joints are, before anybody is painted.

Axes: joints `(num_motions, time, joint, 3)` in pixels, each motion a closed loop; actions `(num_motions,)`
int labels. Motions are compared over all starts: a walk that begins with the other foot is the same walk.
"""

import numpy as np

from vgcourse.evaluate.metrics import frechet_distance

CLEARLY = 2.0  # played backwards, an action with a direction is so many times as far from its real motions


def nearest_motions(joints, actions, real_joints, real_actions):
    """How far each motion is from the nearest real one of its action: is it a motion that people make?

    Args:
        joints: float `(num_motions, time, joint, 3)` in pixels.
        actions: ints `(num_motions,)`.
        real_joints: float `(num_real, time, joint, 3)` in pixels of frames of the same size.
        real_actions: ints `(num_real,)`.

    Returns:
        float64 `(num_motions,)`: root of the mean square over frames, joints, x, y and depth, in pixels.

    Raises:
        ValueError: not joints of one shape, not an action for each, or an action without a real motion.
    """
    joints, actions = _checked(joints, actions)
    real_joints, real_actions = _checked(real_joints, real_actions)
    if joints.shape[1:] != real_joints.shape[1:]:
        raise ValueError(f"expected motions of one shape, received {joints.shape} and {real_joints.shape}")
    if missing := sorted({*actions.tolist()} - {*real_actions.tolist()}):
        raise ValueError(f"real_actions: expected a real motion of every action, received none of {missing}")
    nearest = np.empty(len(joints))
    for action in np.unique(actions):
        here = actions == action
        nearest[here] = _distances(joints[here], real_joints[real_actions == action]).min(axis=1)
    return nearest


def motion_spread(joints, actions, *, turned=True):
    """How much motions of one action differ: the mean distance of two of them.

    Far under that of real motions, everybody moves alike.

    Args:
        joints, actions: as in `nearest_motions`; two motions or more of every action.
        turned: whether two motions are compared from their best starts, so that ways of moving count alone.
            Otherwise different starts count, too, and for most: everybody may move alike, out of step.

    Returns:
        A float, in pixels: the mean over actions.

    Raises:
        ValueError: as `nearest_motions`, or an action with a single motion.
    """
    joints, actions = _checked(joints, actions)
    spreads = []
    for action in np.unique(actions):
        motions = joints[actions == action]
        if len(motions) < 2:
            raise ValueError(f"actions: expected two motions of every action, received one of {action}")
        spreads.append(_distances(motions, motions, turned=turned)[np.triu_indices(len(motions), k=1)].mean())
    return float(np.mean(spreads))


def backwards_share(joints, actions, real_joints, real_actions):
    """Share of motions that look like a real one played backwards.

    Only actions with a direction count, in which real motions played backwards are clearly farther from real
    ones: a walk, not a wave of the hand.

    Args:
        joints, actions, real_joints, real_actions: as in `nearest_motions`; two real motions or more of every
            action.

    Returns:
        A float in [0, 1]: of the motions whose action has a direction, those nearer to a backward real motion
        than to any forward one. NaN if no action has one.

    Raises:
        ValueError: as `nearest_motions`.
    """
    forward = nearest_motions(joints, actions, real_joints, real_actions)
    backward = nearest_motions(joints, actions, np.asarray(real_joints)[:, ::-1], real_actions)
    directed = np.isin(actions, directed_actions(real_joints, real_actions))
    return float((backward < forward)[directed].mean()) if directed.any() else float("nan")


def directed_actions(real_joints, real_actions):
    """The actions that look different backwards.

    Args:
        real_joints, real_actions: as in `nearest_motions`, two motions or more of every action.

    Returns:
        A list of labels.
    """
    real_joints, real_actions = _checked(real_joints, real_actions)
    directed = []
    for action in np.unique(real_actions):
        motions = real_joints[real_actions == action]
        others = ~np.eye(len(motions), dtype=bool)
        forward, backward = _distances(motions, motions), _distances(motions, motions[:, ::-1])
        near, far = (np.where(others, d, np.inf).min(axis=1).mean() for d in (forward, backward))
        directed += [int(action)] if far > CLEARLY * near else []
    return directed


def score_motions(joints, actions, real_joints, real_actions, *, components):
    """Scores of motions against real ones, best of people that no model was trained on.

    Args:
        joints, actions, real_joints, real_actions: as in `backwards_share`, 64 pixels high.
        components: a fitted `structure.MotionComponents`; the Frechet distance is that of its coefficients.

    Returns:
        A dict: `nearest`, `spread` and `spread_in_time` (different starts count, too) in pixels, `backwards`
        in [0, 1], `frechet_distance` in squared units of the coefficients. No number stands alone: put
        another set of real motions beside it.
    """
    starts = [components.encode_all_starts(motions, size=64) for motions in (real_joints, joints)]
    return {
        "nearest": float(nearest_motions(joints, actions, real_joints, real_actions).mean()),
        "spread": motion_spread(joints, actions),
        "spread_in_time": motion_spread(joints, actions, turned=False),
        "backwards": backwards_share(joints, actions, real_joints, real_actions),
        "frechet_distance": frechet_distance(*(c.reshape(-1, c.shape[-1]) for c in starts)),
    }


def _distances(motions, others, *, turned=True):
    """Root-mean-square distances, `(len(motions), len(others))`; if `turned`, from the best start.

    |a - b|^2 = |a|^2 + |b|^2 - 2 a.b, and a.b at all starts at once is a product of Fourier transforms.
    """
    frames, numbers, centre = motions.shape[1], motions[0].size, others.mean(axis=(0, 1))
    # A large common offset would eat up the digits below.
    a, b = ((x - centre).reshape(len(x), frames, -1) for x in (motions, others))
    squares = np.sum(a**2, axis=(1, 2))[:, None] + np.sum(b**2, axis=(1, 2))
    waves_a, waves_b = (np.fft.rfft(x, axis=1).transpose(1, 0, 2) for x in (a, b))
    products = np.fft.irfft(waves_a @ waves_b.conj().transpose(0, 2, 1), frames, axis=0)
    products = products.max(axis=0) if turned else products[0]
    return np.sqrt((squares - 2 * products).clip(0) / numbers)


def _checked(joints, actions):
    joints, actions = np.asarray(joints, np.float64), np.asarray(actions)
    if joints.ndim != 4 or joints.shape[-1] != 3 or not len(joints) or not np.isfinite(joints).all():
        raise ValueError(
            f"joints: expected finite numbers (num_motions, time, joint, 3), received {joints.shape}"
        )
    if actions.shape != (len(joints),) or actions.dtype.kind not in "iu":
        received = f"{actions.dtype} {actions.shape}"
        raise ValueError(f"actions: expected integers of shape ({len(joints)},), received {received}")
    return joints, actions
