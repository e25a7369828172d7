"""Checks of lesson 08: mirrored clips, the half-life of an average, matching spreads."""

import numpy as np

from vgcourse.classroom.check.core import array, ask, call, compare, exercise, number, refuse, same


@exercise(
    "Left and right are an axis of their own: the last but one. Reverse it for the chosen clips only.",
    "np.where chooses between two arrays, clip by clip, once coins has all five axes (None adds one).",
)
def mirror_clips(answer):
    """Check `mirror_clips(clips, coins)`."""
    clips = np.arange(2 * 3 * 4 * 4 * 3.0).reshape(2, 3, 4, 4, 3)
    mirrored = clips[:, :, :, ::-1]
    got = array(call(answer, clips.copy(), np.array([True, False])), shape=clips.shape, what="clips")
    both, other = same(got, mirrored), same(got, [clips[0], mirrored[1]])
    axes = "expected left and right exchanged; the axes are (clip, time, height, width, channels)."
    mistakes = {
        "both clips are mirrored, but the coins were [True, False]: expected only clip 0; use coins.": both,
        "clip 1 is mirrored and clip 0 is not: expected it the other way round; True means mirrored.": other,
        f"clip 0 came back upside down: {axes}": same(got[0], clips[0, :, ::-1]),
        f"clip 0 came back played backwards: {axes}": same(got[0], clips[0, ::-1]),
        f"clip 0 came back with red and blue exchanged: {axes}": same(got[0], clips[0, ..., ::-1]),
    }
    refuse(mistakes)
    asked, otherwise = "for the first pixel of clip 0, mirrored,", "reverse the axis of the width."
    compare(got[0, 0, 0, 0], mirrored[0, 0, 0, 0], asked=asked, otherwise=otherwise)
    compare(got, [mirrored[0], clips[1]])
    return "right: one coin a clip, so a person does not jump from side to side between two frames."


@exercise(
    "After n steps an old value weighs decay ** n. For which n is that one half?",
    "Take the logarithm of both sides of decay ** n = 1/2, and solve for n.",
)
def half_life(answer):
    """Check `half_life(decay)`."""
    for decay in (0.9, 0.5, 0.999):
        right, mean_age = np.log(0.5) / np.log(decay), 1 / (1 - decay)
        slips = {
            "that is 1 / (1 - decay), the mean age of what is averaged; a half-life is shorter.": mean_age,
            "look at the sign: both logarithms are negative.": -right,
            "that is the fraction upside down: n log(decay) = log(1/2), solve for n.": 1 / right,
        }
        advice = {"slips": slips, "otherwise": "solve decay ** n = 1/2 for n."}
        ask(answer, decay, right=right, asked=f"for decay {decay}", tolerance=0.01, **advice)
    return f"right: with decay 0.999 half of the average is younger than {right:.0f} steps."


@exercise(
    "Take the mean and the standard deviation over axis 0, the clips, of real and of fake features.",
    "Square the differences of the means, and those of the deviations; sum both over the features, and add.",
)
def spread_matching(answer):
    """Check `spread_matching(real_features, fake_features)`."""
    real = np.array([[0.0, 0.0], [4.0, 2.0]])
    collapsed = np.array([[2.0, 1.0], [2.0, 1.0], [2.0, 1.0]])
    got = [number(call(answer, real, fake)) for fake in (collapsed, real + [1.0, 0.0], real[::-1])]
    slips = {
        "a collapsed batch, all clips the same, gets 0: only the means are compared.": [0, 1, 0],
        "a batch with every first feature 1 too large gets 0: only the spreads are compared.": [5, 0, 0],
        "half too little; sum over the features, as the course's loss does, no average.": [2.5, 0.5, 0],
        "these are variances; compare deviations, which are in the units of the features.": [17, 1, 0],
    }
    asked = "for a collapsed batch, a shifted one and a reordered one"
    otherwise = "statistics over axis 0, squared differences, then the sum."
    compare(got, [5.0, 1.0, 0.0], asked=asked, slips=slips, otherwise=otherwise)
    return "right: a generator that makes one clip again and again now has something to lose."
