"""Checks of lesson 12: gradients of unequal parts, a recipe for several devices, the price of a training."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, array, ask, call, compare, exercise, number


@exercise(
    "Turn each mean back into a sum over its clips: times its number of clips. Add the sums. How many clips?",
    "Each row counts as often as it has clips: its weight is its number of clips over that of all clips.",
    "NumPy has a mean with weights: see the arguments of np.average. Which axis is that of the replicas?",
)
def combine_gradients(answer):
    """Check `combine_gradients(gradients, sizes)`."""
    gradients, sizes = np.array([[1.0, 4.0], [8.0, -3.0]]), np.array([4, 3])
    right = np.array([4.0, 1.0])  # (4 * 1 + 3 * 8) / 7, (4 * 4 - 3 * 3) / 7
    got = array(call(answer, gradients.copy(), sizes.copy()), shape=(2,), what="one gradient")
    slips = {
        "the plain mean over replicas; weight each row with its number of clips.": gradients.mean(axis=0),
        "the sum of the means: about twice too large; it grows with the number of replicas.": [9, 1],
        "the sum over all clips: divide by their number, 7.": 7 * right,
        "divided by the replicas once too often: the weights sizes / 7 do add up to 1.": right / 2,
        "with the weights exchanged: 4 clips belong to the first row.": sizes[::-1] @ gradients / 7,
    }
    otherwise = "multiply each row by its number of clips, add, divide by all clips."
    compare(got, right, asked="for parts of 4 and 3 clips", slips=slips, otherwise=otherwise)
    gradients, sizes = np.array([[6.0], [0.0], [-3.0]]), np.array([1, 4, 5])
    got = array(call(answer, gradients.copy(), sizes.copy()), shape=(1,), what="one gradient")
    compare(got, np.array([-0.9]), asked="for three parts of 1, 4 and 5 clips")
    return "right: every clip has the same say, whichever device it went to."


@exercise(
    "Each GPU keeps its batch. So how large is the global batch, and how many such steps see as many clips?",
    "Each step now sees `devices` times the clips, so fewer steps are needed. math.ceil rounds up.",
    "Adam divides each gradient by its size. Which of the three rules held best at k = 8 in section 9?",
)
def scale_recipe(answer):
    """Check `scale_recipe(batch_size, steps, rate, devices)`."""
    got = call(answer, 8, 1001, 0.02, 8)
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Wrong(f"expected three numbers (global batch, steps, learning rate), received {got!r}.")
    batch, steps, rate = map(number, got)
    asked = "for 8 clips, 1001 steps, rate 0.02 on 8 devices"
    otherwise = f"that batch is {batch / 8:g} on each GPU; expected 8 on each, 64 in all."
    compare(batch, 64, asked=f"{asked}, for the batch,", otherwise=otherwise)
    round_up = "round up to a whole number, or the last clips are not seen."
    slips = {
        "the same number of steps sees eight times the clips; expected an eighth.": 1001,
        "more devices, and more steps? Each step sees eight times the clips; divide.": 8008,
        round_up: 125,
        f"1001 / 8 is no whole number; {round_up}": 125.125,
    }
    compare(steps, 126, asked=f"{asked}, for the steps,", slips=slips, otherwise="1001 / 8, rounded up.")
    slips = {
        "with an eighth of the steps the weights would move far less; scale the rate.": 0.02,
        "the rate became smaller; it must grow, since there are fewer steps.": 0.02 / 8,
        "it must grow with the root, not shrink.": 0.02 / np.sqrt(8),
        "that is the linear rule, for plain gradient descent; with Adam it was the worst of three.": 0.16,
    }
    right = 0.02 * np.sqrt(8)
    compare(rate, right, asked=f"{asked}, for the rate,", slips=slips, otherwise="times the root of 8.")
    other = [number(value) for value in call(answer, 16, 90, 0.1, 4)]
    compare(other, [64, 23, 0.2], asked="for 16 clips, 90 steps, rate 0.1 on 4 devices")
    return "right: a start, to be tried in a short run. Section 9 shows that even the root has its end."


@exercise(
    "First the operations: 2 for a multiply-add, 1e9 of those in a GMAC. Then the operations a second that "
    "are reached. A ratio of them is seconds.",
    "How many operations a second does the GPU really do? Its peak in operations (tera is 1e12), times the "
    "share.",
    "Operations of all steps over operations a second are seconds. The price is for an hour.",
)
def training_price(answer):
    """Check `training_price(gmac, steps, peak_tflops, share, price_per_hour)`."""
    right = 3.0  # 1.8e16 operations at 5e12/s: an hour
    slips = {
        "half of it: a multiply-add is two operations.": right / 2,
        "a quarter of it: only a share of the peak is reached, so divide by it.": right / 4,
        "a sixteenth of it: divide by the share, not multiply; less speed, more time.": right / 16,
        "an eighth of it: a multiply-add is two operations, and the share is missing.": right / 8,
        "3600 times as much: the price is for an hour, the ratio is in seconds.": right * 3600,
        "60 times as much: an hour has 3600 seconds.": right * 60,
        "the hours: multiply by the price of one.": 1,
        "1000 times as much: giga is 1e9, tera is 1e12.": right * 1000,
        "a thousandth of it: giga is 1e9, tera is 1e12.": right / 1000,
    }
    asked = "for 90 GMAC, 100000 steps, 20 TFLOP/s, share 0.25 and 3.00 an hour"
    otherwise = "operations / (operations a second) / 3600 * price."
    given = (90.0, 100_000, 20.0, 0.25, 3.0)
    ask(answer, *given, right=right, asked=asked, slips=slips, otherwise=otherwise)
    ask(answer, 45.0, 300_000, 10.0, 0.5, 4.0, right=6.0)
    return "right: and as uncertain as the share, the one number in it that nobody can look up."
