"""Checks of lesson 08: levers that help by luck, mirrored clips, matching spreads, half-lives."""

import numpy as np

from vgcourse.classroom.check.core import array, ask, call, compare, exercise, number, refuse, same


@exercise(
    "Section 2 has the chance of one such comparison. How many do you expect if there are many?",
    "The mean count is the number of comparisons times the chance of each, which is 1 in 20 for 3 seeds.",
    "math.comb(a, b) counts the ways to choose b of a things; which a and b does the formula have?",
)
def lucky_levers(answer):
    """Check `lucky_levers(num_seeds, num_comparisons)`."""
    slips = {
        "that is the chance of one comparison; there are 30.": 1 / 20,
        "with three seeds each there are 20 orders, not 8: the seeds are no coins.": 30 / 8,
        "all orders of six runs are 720, but only which ones are the lever's counts: divide by 20.": 30 / 720,
        "three against three are six runs, of which three are the lever's: comb(6, 3).": 30.0,
        "you count 'hurt' as well; here only 'helped' is asked for.": 3.0,
        "that is the chance that at least one helps by luck; asked is how many on average.": 1 - 0.95**30,
        "rounded; the mean need not be whole.": 2,
        "rounded down; the mean need not be whole.": 1,
    }
    ask(answer, 3, 30, right=1.5, asked="for 3 seeds and 30 comparisons", slips=slips)
    ask(
        answer, 1, 30, right=15.0, asked="for 1 seed and 30 comparisons", otherwise="one seed is a coin toss."
    )
    otherwise = "put the number of seeds into the formula, not 3."
    ask(answer, 4, 140, right=2.0, asked="for 4 seeds and 140 comparisons", otherwise=otherwise)
    return "right: so one or two of thirty are no news. With four seeds it is less than half of one."


@exercise(
    "Left and right are an axis of their own: the last but one. Reverse it for the chosen clips only.",
    "np.where chooses between two arrays; `coins` needs as many axes as the clips have (None adds one).",
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
    for coins in ([False, True], [False, False], [True, True]):
        asked = f"for the coins {coins} expected"
        got = array(call(answer, clips.copy(), np.array(coins)), shape=clips.shape, what="clips")
        for k, coin in enumerate(coins):
            wanted = "mirrored" if coin else "as it was"
            right = same(got[k], (mirrored if coin else clips)[k])
            refuse({f"{asked} clip {k} {wanted}: look at every coin, not at the first clip.": not right})
    return "right: one coin a clip, so a person does not jump from side to side between two frames."


@exercise(
    "Take the mean and the standard deviation over axis 0, the clips, of real and of fake features.",
    "The first term is the one that you have. The second is built in the same way, of deviations.",
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
        "those deviations divide by n - 1; take NumPy's own, as the batches are large.": [10, 1, 0],
    }
    asked = "for a collapsed batch, a shifted one and a reordered one"
    otherwise = "statistics over axis 0, squared differences, then the sum."
    compare(got, [5.0, 1.0, 0.0], asked=asked, slips=slips, otherwise=otherwise)
    three = np.array([[0.0, 1.0, 5.0], [0.0, 3.0, 5.0], [0.0, 5.0, 5.0]])
    ask(answer, three, three * 2, right=34 + 8 / 3, asked="for a batch and its double", tolerance=1e-3)
    return "right: a generator that makes one clip again and again now has something to lose."


@exercise(
    "After n steps an old value weighs decay ** n. For which n is that one half?",
    "A logarithm brings n down from the exponent, on both sides. Which sign do the two have?",
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
