"""Checks of lesson 10: what a flow is to learn, Euler's steps, how many of them, and guidance too strong."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, array, call, compare, exercise, number, refuse, same


@exercise(
    "Where is somebody who walks straight from the noise to the data in one unit of time, at `time`? And how "
    "fast?",
    "The place is a mixture: all noise at time 0, all data at time 1. The velocity is its slope over time.",
    "The slope of (1 - t) e + t x over t has no t left in it.",
)
def path_and_target(answer):
    """Check `path_and_target(data, noise, time)`."""
    data, noise = (
        np.array([[4.0, 0.0], [1.0, 1.0], [0.0, 6.0]]),
        np.array([[0.0, 2.0], [3.0, 1.0], [2.0, -2.0]]),
    )
    time = np.array([[0.25], [0.5], [1.0]])
    point, target = _pair(call(answer, data, noise, time), data.shape)
    right, asked = (1 - time) * noise + time * data, "for data (4, 0), noise (0, 2) and time 0.25"
    mistakes = {
        "the place and the velocity have changed places: return the place first.": same(point, data - noise),
        f"{asked} the place should be (1, 1.5), received {point[0]}: at time 0 it is all noise, at "
        "time 1 all data; yours runs the other way.": same(point, (1 - time) * data + time * noise),
        f"{asked} the velocity should be (4, -2), received {target[0]}: yours points from the data back to "
        "the noise.": same(target, noise - data),
        f"{asked} the velocity should be (4, -2), received {target[0]}: who starts at the noise reaches the "
        "data after one unit of time, so the velocity is the whole way, whatever the time.": same(
            target, time * (data - noise)
        )
        or same(target, (1 - time) * (data - noise))
        or same(target, data - point),
    }
    refuse(mistakes)
    compare(point, right, asked="for three paths, the places:", otherwise="mix noise and data by the time.")
    compare(target, data - noise, asked="for three paths, the velocities:", otherwise="take the slope.")
    frames, steady = np.arange(24.0).reshape(2, 3, 4), np.full((2, 1, 1), 0.5)
    point, target = _pair(call(answer, frames, -frames, steady), frames.shape)
    compare(point, 0 * frames, asked="right for points, but for clips (2, 3, 4): places")
    compare(target, 2 * frames, asked="right for points, but for clips (2, 3, 4): velocities")
    return "right: no time in the target, so a straight path has one velocity from start to end."


def _pair(received, shape):
    if not isinstance(received, tuple | list) or len(received) != 2:
        raise Wrong(f"expected two things, the place and the velocity, received {type(received).__name__}.")
    return (
        array(part, shape=shape, what=what)
        for part, what in zip(received, ("the place", "the velocity"), strict=True)
    )


@exercise(
    "With `steps` steps each one takes 1 / steps of the time.",
    "In step k the time is k / steps. Ask the velocity there, and go 1 / steps of it.",
    "for k in range(steps): points = points + velocity(points, k / steps) / steps",
)
def euler(answer):
    """Check `euler(velocity, start, steps)`."""
    start = np.array([[1.0, 2.0]])

    def growth(points, time):
        return points

    def hurry(points, time):
        return 2.0 * time + 0 * points

    got = array(call(answer, growth, start.copy(), 4), shape=(1, 2), what="the points at time 1")
    asked = "with the velocity equal to the place, from (1, 2) in 4 steps"
    slips = {
        "each step goes the whole way; with 4 steps each is a quarter of the time.": start * 16,
        "one step only; the loop does not go on from where the step before has ended.": start * 1.25,
        "that is the exact answer, e times the start; Euler with 4 steps falls short of it.": np.e * start,
    }
    compare(got, start * 1.25**4, asked=asked, slips=slips, otherwise="each step multiplies by 1 + 1/4.")
    got = array(call(answer, hurry, start.copy(), 4), shape=(1, 2), what="the points at time 1")
    slips = {
        "the time stands still at 0: step k is at time k / steps.": start,
        "your first step is at time 1/4; it should be at time 0.": start + 1.25,
        "the time should run from 0 to 1, not from 0 to the number of steps.": start + 3,
        "the time runs from 1 down to 0; noise is at time 0.": start + 1.25,
    }
    compare(got, start + 0.75, asked="with the velocity 2 t", slips=slips, otherwise="look at the times.")
    got = call(answer, lambda points, time: 3 + 8 * time + 0 * points, start.copy(), 1)
    compare(np.asarray(got), start + 3, asked="right in 4 steps, but in 1 step with the velocity 3 + 8 t")
    return "right: the same six lines sample from models a hundred thousand times as large."


@exercise(
    "Let the points flow in so many steps, and compare with where they should end.",
    "Distances: subtract, square, sum over the last axis, take the root. Then the mean over the points.",
    "np.linalg.norm(structure.follow_flow(velocity, start, steps=n) - end, axis=1).mean() for each n",
)
def step_errors(answer):
    """Check `step_errors(velocity, start, end, counts)`."""
    start = np.array([[1.0, 0.0], [-3.0, 0.0], [0.0, 2.0]])

    def growth(points, time):
        return points

    for counts in ([1, 2, 4], [3]):
        received = call(answer, growth, start.copy(), np.e * start, counts)
        got = array(list(received), shape=(len(counts),), what="the errors, one for each number of steps")
        gaps = np.array([np.e - (1 + 1 / n) ** n for n in counts])
        asked = f"for 3 points and {counts} steps"
        slips = {
            "points that end on opposite sides cancel out: take lengths before the mean.": np.zeros(
                len(counts)
            ),
            "that is how far the points have moved; compare with `end`.": 2 * (np.e - 1 - gaps),
            "that is the sum over the points; take the mean, or more points look worse.": 6 * gaps,
            "that is the mean over all numbers: first the length of each point's gap.": gaps,
            "that is the mean square; take the root of each point's.": 14 / 3 * gaps**2,
        }
        signed = np.mean(-gaps[:, None, None] * start, axis=(1, 2))
        slips["gaps to opposite sides cancel out: take lengths before the mean."] = signed
        slips["gaps to opposite sides cancel out; take lengths before the mean."] = -signed
        root_mean_square = np.sqrt(14 / 3) * gaps
        if not same(got, root_mean_square):  # as good a distance
            otherwise = "the mean distance between where the points end and `end`."
            compare(got, 2 * gaps, asked=asked, slips=slips, otherwise=otherwise)
    return "right: twice the steps, about half the error. That is all Euler promises."


@exercise(
    "Which guidances keep the spread within a tenth of the real one? And which of them is the largest?",
    "abs(spread - real_spread) <= 0.1 * real_spread, for each; guidances need not come in order.",
)
def strongest_guidance(answer):
    """Check `strongest_guidance(guidances, spreads, real_spread)`."""
    cases = [
        ([0.5, 1.0, 2.0, 3.0], [1.5, 1.3, 1.12, 0.7], 1.2, 2.0),
        ([4.0, 1.0, 2.0], [3.9, 3.0, 3.2], 3.0, 2.0),
        ([1.0, 8.0, 2.0], [5.0, 1.0, 9.0], 5.0, 1.0),
    ]
    for guidances, spreads, real, right in cases:
        got = number(call(answer, np.array(guidances), np.array(spreads), real), "the guidance")
        asked = f"for guidances {guidances} with spreads {spreads}, real {real:g}:"
        top = int(np.argmax(guidances))
        near = int(np.argmin(np.abs(np.array(spreads) - real)))
        within = [g for g, s in zip(guidances, spreads, strict=True) if abs(s - real) <= 0.1 * real]
        slips = {
            "that is a place in the list; return the guidance itself.": guidances.index(right),
            f"its spread is {spreads[top]:g}, not within a tenth of the real one.": max(guidances),
            "its spread is within a tenth, but a larger guidance's is, too.": min(within),
            "that is the nearest spread; a stronger guidance is still within a tenth.": guidances[near],
        }
        slips = {text: value for text, value in slips.items() if value != right}
        compare(got, right, asked=asked, slips=slips, otherwise="too much spread is as wrong as too little.")
    return "right: as strong as it can be before people begin to move alike."
