"""Checks of lesson 02: how far a CNN sees, what has an order in time, and for whom it works."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, call, exercise


@exercise(
    "One layer of kernel 3 sees 3 pixels. Behind a stride of 2, neighbouring numbers are 2 pixels apart.",
    "Start with pixels, step = 1, 1. For every layer: pixels += (kernel - 1) * step, then step *= stride.",
)
def receptive_field(answer):
    """Check `receptive_field(layers)`."""
    if (got := call(answer, [(5, 1)])) != 5:
        raise Wrong(f"one layer of kernel 5 sees 5 pixels in a row, received {got!r}: start with 1 pixel.")
    layers = [(3, 2)] * 4
    got = call(answer, list(layers))
    slips = {
        9: "you left the strides out; behind a stride of 2, a step is 2 pixels wide.",
        12: "you added the kernels up; each adds kernel - 1 steps only, since the windows overlap.",
        81: "you multiplied the kernels; each adds kernel - 1 steps.",
        61: "you widened the step too early: a layer's own stride counts for the layers after it.",
        46: "you add kernel * step; it should be (kernel - 1) * step, since the windows overlap.",
        3: "that is the first layer; go on through all of them.",
    }
    if got in slips:
        raise Wrong(f"for four layers of kernel 3 and stride 2 expected 31, received {got}: {slips[got]}")
    if got != 31:
        raise Wrong(f"for four layers of kernel 3 and stride 2 expected 31, received {got!r}.")
    if (got := call(answer, [(3, 1), (5, 3), (2, 2)])) != 10:
        raise Wrong(
            f"for kernels 3, 5, 2 with strides 1, 3, 2 expected 10, received {got!r}: take kernel and stride "
            "from the list; the step is the product of all strides before."
        )
    return "right: with 31 of 32 pixels, the fourth layer sees nearly the whole frame."


@exercise(
    "The weight of frame t is t minus the mean of all times; the weights add up to 0.",
    "times = np.arange(T) - (T - 1) / 2; then times @ frame_features / np.sum(times**2).",
)
def time_slope(answer):
    """Check `time_slope(frame_features)`."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(7, 3)) + 5.0
    times = np.arange(7.0)
    centred = times - times.mean()
    right = centred @ values / np.sum(centred**2)
    got = np.asarray(call(answer, values.copy()), float)
    if got.shape == (7,):
        raise Wrong("expected one slope a feature, received one a frame: sum over the first axis, time.")
    if got.shape != (3,):
        raise Wrong(f"for 7 frames of 3 features expected shape (3,), received {got.shape}.")
    slips = [
        (centred @ values, "divide by the sum of (t - mean)^2."),
        (
            times @ values / np.sum(times**2),
            "subtract the mean from the times, or a feature at rest has a slope.",
        ),
        (times @ values / np.sum(centred**2), "subtract the mean from the times in the numerator, too."),
        (centred @ values / 7, "you divided by the number of frames; divide by the sum of (t - mean)^2."),
        (
            (values[-1] - values[0]) / 6,
            "last minus first looks at two frames only; weigh all of them. In a loop it is even near 0.",
        ),
        (-right, "the sign is wrong: late frames have positive weights."),
        (values.mean(axis=0), "that is the average, which has no order."),
    ]
    for slip, advice in slips:
        if np.allclose(got, slip):
            raise Wrong(f"expected slopes {right.round(2)}, received {got.round(2)}: {advice}")
    if not np.allclose(got, right):
        raise Wrong(f"expected slopes {right.round(2)}, received {got.round(2)}: compare with the formula.")
    return "right: played backwards, every slope changes its sign, and a frozen clip has none."


@exercise(
    "First the share of right answers in every group, then the group whose share is lowest.",
    "np.unique(groups) names the groups; correct[groups == group].mean() is the share of one.",
)
def worst_group(answer):
    """Check `worst_group(correct, groups)`."""
    groups = np.array(["tall"] * 10 + ["short"] * 2 + ["medium"] * 4)
    correct = np.array([True] * 6 + [False] * 4 + [True, False] + [True] * 4)
    got = call(answer, correct.copy(), groups.copy())
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong(f"expected the group and its share, two values, received {got!r}.")
    name, share = got
    asked = "with shares tall 0.6, short 0.5, medium 1.0"
    if name == "medium":
        raise Wrong(f"{asked} expected 'short', received 'medium': that is the best group; take the minimum.")
    if name == "tall":
        raise Wrong(
            f"{asked} expected 'short', received 'tall': it has most mistakes since it has most "
            "clips; compare shares, not counts."
        )
    if name != "short":
        raise Wrong(f"{asked} expected ('short', 0.5), received {got!r}: the group's name comes first.")
    if np.isclose(share, correct.mean()):
        raise Wrong(f"expected the share of 'short', 0.5, received {share:.2f}: that is everybody's.")
    if np.isclose(share, 1 / 16):
        raise Wrong("you divided by the number of all clips; divide by the group's own: 1 of 2 is 0.5.")
    if not np.isclose(share, 0.5):
        raise Wrong(f"expected the share of 'short', 0.5, received {share!r}.")
    return "right: and 2 clips are very few to judge a group by. Report the counts beside the shares."
