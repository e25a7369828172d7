"""Checks of lesson 09: a capsule's distance, the colour under a limb, frames between keyframes."""

import numpy as np

from vgcourse.classroom.check.core import array, call, compare, exercise, number, refuse, same


@exercise(
    "Where on the axis is the nearest point? Project p - a on b - a; beyond an end, the end is nearest.",
    "The share is t = (p - a) . (b - a) / |b - a|^2, cut to [0, 1]; the nearest point is a + t (b - a).",
    "The answer is |p - a - t (b - a)| less the radius at t, which is radius_a + t (radius_b - radius_a).",
)
def capsule_distance(answer):
    """Check `capsule_distance(p, a, b, radius_a, radius_b)`."""
    # Pixel, and what is right: beside the limb, beyond b, before a, inside.
    cases = [((2.5, 6.0), 3.5), ((14.0, 3.0), 4.0), ((-3.0, 4.0), 2.0), ((2.5, 1.0), -1.5)]
    axis, radii = np.array([[0.0, 0.0], [10.0, 0.0]]), (3.0, 1.0)
    _capsule_cases(answer, cases, axis, radii, "for p = {}, a = [0, 0], b = [10, 0] and radii 3 and 1")
    # Another limb, slanted and away from the origin: 3-4-5 triangles.
    slanted = np.array([[2.0, 1.0], [5.0, 5.0]])
    cases = [((-0.5, 6.0), 3.5), ((8.0, 9.0), 4.0)]
    _capsule_cases(answer, cases, slanted, (2.0, 1.0), "for p = {}, a = [2, 1], b = [5, 5] and radii 2 and 1")
    return "right: 0 on the outline, negative inside, and round at both ends."


def _capsule_cases(answer, cases, axis, radii, asked):
    a, b = axis
    line, length = b - a, np.linalg.norm(b - a)
    for p, right in cases:
        p = np.array(p)
        got = number(call(answer, p, a, b, *radii), "the distance")
        share = (p - a) @ line / length**2
        t = np.clip(share, 0, 1)
        from_axis, from_line = np.linalg.norm(p - a - t * line), np.linalg.norm(p - a - share * line)
        radius, endless = radii[0] + t * (radii[1] - radii[0]), radii[0] + share * (radii[1] - radii[0])
        slips = {
            "that is the distance to the axis; take the radius off.": from_axis,
            "a limb ends: cut t to [0, 1], or it goes on for ever.": from_line - endless,
            "cut t to [0, 1] for the nearest point, too, not only for the radius.": from_line - radius,
            "the radius goes from radius_a at a to radius_b at b.": from_axis - radii[0],
            "the radii are the wrong way round: t is 0 at a.": from_axis
            - radii[1]
            + t * (radii[1] - radii[0]),
            "inside, the distance is negative: no abs, and nothing cut at 0.": abs(right),
            "inside, the distance is negative; cut nothing at 0.": max(right, 0.0),
        }
        told = asked.format(p.tolist())
        compare(got, right, asked=told, slips=slips, otherwise="go through the formula of t step by step.")


@exercise(
    "A weighted mean: multiply every pixel by how much of it the limb covers, add up, divide by all that was "
    "covered.",
    "limb[..., None] has shape (height, width, 1), so it multiplies all three colours. Sum over both axes.",
    "Divide by limb.sum(), not by the number of pixels. Where limb.sum() is 0, return zeros.",
)
def pooled_colour(answer):
    """Check `pooled_colour(picture, limb)`."""
    picture, limb = np.full((6, 8, 3), -0.5), np.zeros((6, 8))
    picture[2, 1:6], limb[2, 1:6] = [0.5, 0.25, -1.0], 1.0
    picture[3, 1:6], limb[3, 1:6] = [-0.5, 0.75, 0.0], 0.5  # covered half
    right, hard = np.array([1 / 6, 5 / 12, -2 / 3]), np.array([0.0, 0.5, -0.5])
    asked = "for a limb over ten pixels, five of them covered half"
    got = array(call(answer, picture, limb), shape=(3,), advice="one mean for each of the three colours.")
    slips = {
        "that divides by all pixels of the picture; divide by what the limb covers.": right * 7.5 / 48,
        "a pixel that is covered half counts half: weigh by the map, do not select by it.": hard,
        "that divides by the number of pixels touched; divide by limb.sum().": right * 7.5 / 10,
        "that is the sum; divide it by limb.sum().": right * 7.5,
        "that is the mean of the whole picture; weigh by the limb map.": picture.mean((0, 1)),
    }
    compare(
        got, right, asked=asked, slips=slips, otherwise="add up picture * limb[..., None].", tolerance=5e-3
    )
    with np.errstate(all="ignore"):
        got = array(call(answer, picture, np.zeros((6, 8))), shape=(3,), what="for a limb that is nowhere")
    nowhere = {
        "for a limb that is nowhere in the picture expected zeros, received NaN: you divided 0 by 0; look at "
        "limb.sum() first.": not np.isfinite(got).all(),
    }
    refuse(nowhere)
    compare(got, np.zeros(3), asked="for a limb that is nowhere in the picture", otherwise="return grey, 0.")
    tall = np.linspace(-1, 1, 36).reshape(4, 3, 3)
    got = array(call(answer, tall, np.eye(4, 3)), shape=(3,), what="for a picture 4 high and 3 wide")
    asked = "for a picture 4 high and 3 wide"
    compare(
        got,
        tall[[0, 1, 2], [0, 1, 2]].mean(0),
        asked=asked,
        otherwise="are the axes in order?",
        tolerance=5e-3,
    )
    return "right: a stencil and a mean, and nothing to learn."


@exercise(
    "Frame f is at the place f * num_keys / num_frames. Which two keyframes is it between?",
    "before is the whole part of the place, after is (before + 1) % num_keys: behind the last, the first.",
    "share = place - before; the answer is (1 - share) * keyframes[before] + share * keyframes[after].",
)
def loop_keyframes(answer):
    """Check `loop_keyframes(keyframes, num_frames)`."""
    keys = np.array([[0.0, 30.0], [10.0, 30.0]])
    got = array(call(answer, keys.copy(), 4), shape=(4, 2), what="for 2 keyframes of 2 angles and 4 frames")
    right = np.array([[0, 30], [5, 30], [10, 30], [5, 30.0]])
    open_, steps = np.linspace(0, 10, 4), np.array([0, 0, 10, 10.0])
    first = got[:, 0]
    told = (
        f"for the keyframes 0 and 10 and 4 frames expected [0, 5, 10, 5], received {first.round(2).tolist()}"
    )
    mistakes = {
        "the motion does not close; go back from the last keyframe to the first.": open_,
        "it stops at the last keyframe; after it comes the first one again.": np.array([0, 5, 10, 10.0]),
        "it jumps from keyframe to keyframe; mix the two that are around a frame.": steps,
    }
    refuse({f"{told}: {advice}": same(first, wrong) for advice, wrong in mistakes.items()})
    refuse({f"{told}: frame 0 is keyframe 0; you are late or early.": not same(first[0], 0.0)})
    compare(
        got, right, asked="for 2 keyframes and 4 frames", otherwise="mix the two keyframes around a frame."
    )
    # Frames that no keyframe falls on, an odd number of them, and a second angle that moves otherwise.
    keys = np.array([[0.0, 6.0], [3.0, 0.0], [12.0, -6.0]])
    got = array(call(answer, keys.copy(), 7), shape=(7, 2), what="for 3 keyframes of 2 angles and 7 frames")
    places = np.arange(7) * 3 / 7
    right = np.stack([np.interp(places, range(4), [*column, column[0]]) for column in keys.T], axis=-1)
    asked = "right for 2 keyframes, but for 3 keyframes and 7 frames"
    compare(got, right, asked=asked, otherwise="frame f is at f * num_keys / num_frames, no whole number.")
    return "right: and it closes, so it can go on for ever."
