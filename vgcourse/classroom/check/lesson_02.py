"""Checks of lesson 02: how far a CNN sees, what has an order in time, and for whom it works."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, array, ask, call, compare, exercise, number


@exercise(
    "One layer of kernel 3 sees 3 pixels. Behind a stride of 2, neighbouring numbers are 2 pixels apart.",
    "A kernel reaches kernel - 1 steps beyond the first number. How wide is a step in each layer?",
    "Keep two numbers while you go through the layers: the pixels reached so far, and the width of a step. "
    "The first grows by kernel - 1 steps; only then does the stride widen the step.",
)
def receptive_field(answer):
    """Check `receptive_field(layers)`."""
    ask(answer, [(5, 1)], right=5, otherwise="start with 1 pixel.")
    slips = {
        "you left the strides out; behind a stride of 2, a step is 2 pixels wide.": 9,
        "you added the kernels up; each adds kernel - 1 steps only, since the windows overlap.": 12,
        "you multiplied the kernels; each adds kernel - 1 steps.": 81,
        "you widened the step too early: a layer's own stride counts for the layers after it.": 61,
        "you add kernel * step; it should be (kernel - 1) * step, since the windows overlap.": 46,
        "that is the first layer; go on through all of them.": 3,
    }
    ask(answer, [(3, 2)] * 4, right=31, slips=slips)
    otherwise = "take kernel and stride from the list; the step is the product of all strides before."
    ask(answer, [(3, 1), (5, 3), (2, 2)], right=10, otherwise=otherwise)
    return "right: with 31 of 32 pixels, the fourth layer sees nearly the whole frame."


@exercise(
    "The weight of frame t is t minus the mean of all times; the weights add up to 0.",
    "First the weights, one a frame. Then a weighted sum over the frames, for all features at once.",
    "The weighted sum is a product of the weights (time,) with the array (time, features). Divide it by the "
    "sum of the squared weights.",
)
def time_slope(answer):
    """Check `time_slope(frame_features)`."""
    values = np.random.default_rng(2).normal(size=(7, 3)) + 5.0
    times = np.arange(7.0)
    centred = times - times.mean()
    squares, ends = np.sum(centred**2), (values[-1] - values[0]) / 6
    right, at_rest = centred @ values / squares, times @ values / np.sum(times**2)
    got = np.asarray(call(answer, values.copy()), float)
    if got.shape == (7,):
        raise Wrong("expected one slope a feature, received one a frame: sum over the first axis, time.")
    array(got, shape=(3,), what="for 7 frames of 3 features")
    slips = {
        "divide by the sum of (t - mean)^2.": centred @ values,
        "subtract the mean from the times, or a feature at rest has a slope.": at_rest,
        "subtract the mean from the times in the numerator, too.": times @ values / squares,
        "you divided by the number of frames; divide by the sum of (t - mean)^2.": centred @ values / 7,
        "last minus first looks at two frames only; weigh all of them. In a loop it is even near 0.": ends,
        "the sign is wrong: late frames have positive weights.": -right,
        "that is the average, which has no order.": values.mean(axis=0),
    }
    compare(got, right, asked="for the slopes", slips=slips, otherwise="compare with the formula.")
    ramp = 3.0 * np.arange(4)[:, None] * np.array([1.0, -2.0]) + 7
    got = np.asarray(call(answer, ramp.copy()), float)
    compare(got, np.array([3.0, -6.0]), asked="for 4 frames that rise by 3 and fall by 6 a frame")
    return "right: played backwards, every slope changes its sign, and a frozen clip has none."


@exercise(
    "First the share of right answers in every group, then the group whose share is lowest.",
    "np.unique(groups) names the groups; `groups == group` marks the clips of one.",
    "The mean of True and False is the share of True. Keep name and share together, and take the smallest.",
)
def worst_group(answer):
    """Check `worst_group(correct, groups)`."""
    groups = np.array(["tall"] * 10 + ["short"] * 4 + ["medium"] * 4)
    correct = np.array([True] * 6 + [False] * 4 + [True] + [False] * 3 + [True] * 4)
    name, share = _group_and_share(answer, correct, groups)
    slips = {
        "that is the best group; take the minimum.": "medium",
        "it has most mistakes since it has most clips; compare shares, not counts.": "tall",
    }
    asked = "with shares tall 0.6, short 0.25, medium 1.0"
    compare(name, "short", asked=asked, slips=slips, otherwise="the group's name comes first.")
    slips = {
        "that is everybody's.": correct.mean(),
        "you divided by the number of all clips; divide by the group's own: 1 of 4 is 0.25.": 1 / 18,
        "that is the share of mistakes; the share of right answers is asked for.": 0.75,
    }
    compare(number(share), 0.25, asked="for the share of 'short'", slips=slips)
    name, share = _group_and_share(answer, np.array([False, True, True]), np.array(["b", "b", "a"]))
    compare(name, "b", asked="with shares b 0.5 and a 1.0")
    compare(number(share), 0.5, asked="for the share of 'b'")
    return "right: and 4 clips are very few to judge a group by. Report the counts beside the shares."


def _group_and_share(answer, correct, groups):
    """What the student's function returns for copies of these: two values."""
    got = call(answer, correct.copy(), groups.copy())
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong(f"expected the group and its share, two values, received {got!r}.")
    return got
