"""The checks of lesson 09: right answers pass, stubs get a hint, typical mistakes a message of their own."""

import numpy as np
import pytest
import tensorflow as tf

from vgcourse import people, structure
from vgcourse.classroom import check


def said(capsys, name, answer):
    """What a check prints about an answer; its first letter is the verdict."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["capsule_distance", "pooled_colour", "loop_keyframes"])
def test_a_stub_gets_a_hint(capsys, name):
    out = said(capsys, name, lambda *_: ...)
    assert out[0] != "✓"
    assert f'check.hint("{name}")' in out


# ---- the capsule -----------------------------------------------------------------------------------------


def capsule(p, a, b, ra, rb):
    line = b - a
    t = min(max(float((p - a) @ line / (line @ line)), 0.0), 1.0)
    return np.hypot(*(p - a - t * line)) - ra - t * (rb - ra)


def sampled(p, a, b, ra, rb):
    """The nearest of many circles along the axis whose centre is nearest; no formula."""
    t = np.linspace(0, 1, 40_001)
    distances = np.linalg.norm(p - a - t[:, None] * (b - a), axis=1)
    k = distances.argmin()
    return distances[k] - ra - t[k] * (rb - ra)


def unclipped(p, a, b, ra, rb):
    t = (p - a) @ (b - a) / ((b - a) @ (b - a))
    return np.linalg.norm(p - a - t * (b - a)) - ra - t * (rb - ra)


def test_capsule_distance(capsys):
    name = "capsule_distance"
    assert said(capsys, name, capsule)[0] == "✓"
    assert said(capsys, name, sampled)[0] == "✓"
    assert said(capsys, name, lambda *x: tf.constant(capsule(*x)))[0] == "✓"
    assert "take the radius off" in said(capsys, name, lambda p, a, b, *_: capsule(p, a, b, 0, 0))
    assert "cut t to [0, 1]" in said(capsys, name, unclipped)
    assert "from radius_a at a" in said(capsys, name, lambda p, a, b, ra, rb: capsule(p, a, b, ra, ra))
    assert "wrong way round" in said(capsys, name, lambda p, a, b, ra, rb: capsule(p, a, b, rb, ra))
    assert "negative" in said(capsys, name, lambda *x: abs(capsule(*x)))
    assert "negative" in said(capsys, name, lambda *x: max(capsule(*x), 0))


def test_a_capsule_that_lies_on_an_axis_only_is_refused(capsys):
    def flat(p, a, b, ra, rb):  # right for every limb that lies along the first axis
        t = np.clip((p[0] - a[0]) / (b[0] - a[0]), 0, 1)
        return np.hypot(p[0] - a[0] - t * (b[0] - a[0]), p[1] - a[1]) - ra - t * (rb - ra)

    assert "a = [2, 1]" in said(capsys, "capsule_distance", flat)


def test_the_capsule_is_that_of_the_limb_maps():
    """Half of a pixel is covered where the distance is 0: the exercise and the package mean one capsule."""
    joints = people.action_joints("jack", 10_003, size=64, num_frames=1)[0]
    arm = next(k for k, limb in enumerate(structure.LIMBS) if limb[:2] == ("left_shoulder", "left_elbow"))
    start, end, *radii = structure.LIMBS[arm]
    a, b = (joints[people.JOINT_NAMES.index(joint), :2].astype(float) for joint in (start, end))
    radii = [64 * structure.drawings.STATURE * radius for radius in radii]
    maps = structure.limb_maps(joints, size=64)[..., arm]
    for y, x in zip(*np.nonzero((maps > 0.05) & (maps < 0.95)), strict=True):
        distance = capsule(np.array([x + 0.5, y + 0.5]), a, b, *radii)
        assert maps[y, x] == pytest.approx(0.5 - distance, abs=0.01)


# ---- the colour ------------------------------------------------------------------------------------------


def pooled(picture, limb):
    weight = limb.sum()
    return np.tensordot(limb, picture, 2) / weight if weight else np.zeros(3)


def test_pooled_colour(capsys):
    name = "pooled_colour"
    assert said(capsys, name, pooled)[0] == "✓"
    assert said(capsys, name, lambda p, m: (p * m[..., None]).sum((0, 1)) / (m.sum() + 1e-2))[0] == "✓"
    assert said(capsys, name, lambda p, m: pooled(p, m).tolist())[0] == "✓"
    averaged = lambda p, m: np.average(p[m > 0], 0, m[m > 0]) if m.any() else [0, 0, 0]  # noqa: E731
    assert said(capsys, name, averaged)[0] == "✓"
    assert "all pixels of the picture" in said(capsys, name, lambda p, m: (p * m[..., None]).mean((0, 1)))
    assert "counts half" in said(capsys, name, lambda p, m: p[m > 0].mean(0))
    assert "pixels touched" in said(capsys, name, lambda p, m: (p * m[..., None])[m > 0].mean(0))
    assert "that is the sum" in said(capsys, name, lambda p, m: (p * m[..., None]).sum((0, 1)))
    assert "whole picture" in said(capsys, name, lambda p, m: p.mean((0, 1)))
    assert "shape (3,)" in said(capsys, name, lambda p, m: np.float64(pooled(p, m).mean()))


def test_a_limb_that_is_nowhere(capsys):
    with np.errstate(all="ignore"):
        nan = said(capsys, "pooled_colour", lambda p, m: (p * m[..., None]).sum((0, 1)) / m.sum())
    assert "received NaN" in nan
    black = lambda p, m: pooled(p, m) if m.any() else -np.ones(3)  # noqa: E731
    assert "return grey" in said(capsys, "pooled_colour", black)


# ---- keyframes -------------------------------------------------------------------------------------------


def closed(keys, num_frames):
    keys = np.asarray(keys)
    places = np.arange(num_frames) * len(keys) / num_frames
    loop = np.concatenate([keys, keys[:1]])
    return np.stack([np.interp(places, np.arange(len(loop)), column) for column in loop.T], axis=1)


def test_loop_keyframes(capsys):
    name = "loop_keyframes"
    assert said(capsys, name, closed)[0] == "✓"
    assert said(capsys, name, lambda k, n: closed(k, n).tolist())[0] == "✓"

    def unclosed(keys, n):
        places = np.linspace(0, len(keys) - 1, n)
        return np.stack([np.interp(places, range(len(keys)), column) for column in keys.T], axis=1)

    def held(keys, n):
        places = np.arange(n) * len(keys) / n
        return np.stack([np.interp(places, range(len(keys)), column) for column in keys.T], axis=1)

    assert "does not close" in said(capsys, name, unclosed)
    assert "stops at the last keyframe" in said(capsys, name, held)
    assert "jumps" in said(capsys, name, lambda k, n: k[np.arange(n) * len(k) // n])
    assert "frame 0 is keyframe 0" in said(capsys, name, lambda k, n: np.roll(closed(k, n), 1, axis=0))
    assert "shape" in said(capsys, name, lambda k, n: closed(k, n).T)


def test_frames_between_keyframes_are_asked_for(capsys):
    def whole(keys, n):  # right only where keyframes fall on frames
        gap = n // len(keys)
        after = np.roll(keys, -1, axis=0)
        made = [k + (b - k) * s / gap for k, b in zip(keys, after, strict=True) for s in range(gap)]
        return np.array((made + [keys[0]] * n)[:n])

    assert "3 keyframes and 7 frames" in said(capsys, "loop_keyframes", whole)
