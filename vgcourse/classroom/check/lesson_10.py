"""Checks of lesson 10: gradients of unequal parts, a recipe for several devices, the price of a training."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, call, exercise


@exercise(
    "Turn each mean back into a sum over its clips: times its number of clips. Add the sums. How many clips?",
    "np.average(gradients, axis=0, weights=sizes)",
)
def combine_gradients(answer):
    gradients, sizes = np.array([[1.0, 4.0], [8.0, -3.0]]), np.array([4, 3])
    expected = np.array([4.0, 1.0])  # (4 * 1 + 3 * 8) / 7, (4 * 4 - 3 * 3) / 7
    got = np.asarray(call(answer, gradients.copy(), sizes.copy()), float)
    if got.shape != expected.shape:
        raise Wrong(f"expected one gradient of shape {expected.shape}, received shape {got.shape}.")
    if np.allclose(got, expected):
        return "right: every clip has the same say, whichever device it went to."
    wrong = {
        "the plain mean over replicas: a clip of the smaller part counts more; weight each row with its "
        "number of clips": gradients.mean(axis=0),
        "the sum of the means: about twice too large; it grows with the number of replicas": gradients.sum(
            axis=0
        ),
        "the sum over all clips: divide by their number, 7": 7 * expected,
        "divided by the replicas once too often: the weights sizes / 7 do add up to 1": expected / 2,
        "with the weights exchanged: 4 clips belong to the first row": (3 * gradients[0] + 4 * gradients[1])
        / 7,
    }
    for reason, value in wrong.items():
        if np.allclose(got, value):
            raise Wrong(f"for parts of 4 and 3 clips expected {expected}, received {got}, {reason}.")
    raise Wrong(
        f"for parts of 4 and 3 clips expected {expected}, received {got}; multiply each row by its number of "
        "clips, add, divide by all clips."
    )


@exercise(
    "Each GPU keeps its batch. So how large is the global batch, and how many such steps see as many clips?",
    "batch_size * devices, math.ceil(steps / devices), rate * devices",
)
def scale_recipe(answer):
    batch_size, steps, rate, devices = 8, 1001, 0.02, 8
    got = call(answer, batch_size, steps, rate, devices)
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Wrong(f"expected three numbers (global batch, steps, learning rate), received {got!r}.")
    got_batch, got_steps, got_rate = map(float, got)
    said = (
        f"for 8 clips, 1001 steps, rate 0.02 on 8 devices received {got_batch:g}, {got_steps:g}, {got_rate:g}"
    )
    if got_batch != 64:
        meaning = "1 clip on each GPU" if got_batch == 8 else f"{got_batch / 8:g} clips on each GPU"
        raise Wrong(f"{said}: that batch is {meaning}; expected 8 on each, 64 in all.")
    if got_steps == steps:
        raise Wrong(f"{said}: the same number of steps sees eight times the clips; expected an eighth.")
    if got_steps == steps * devices:
        raise Wrong(f"{said}: more devices, and more steps? Each step sees eight times the clips; divide.")
    if got_steps in (125, 125.125):
        raise Wrong(
            f"{said}: expected 126 steps; round up to a whole number, or the last clips are not seen."
        )
    if got_steps != 126:
        raise Wrong(f"{said}: expected 126 steps, 1001 / 8 rounded up.")
    if np.isclose(got_rate, rate):
        raise Wrong(f"{said}: with an eighth of the steps the weights would move far less; scale the rate.")
    if np.isclose(got_rate, rate / devices):
        raise Wrong(f"{said}: the rate became smaller; the rule multiplies it, since there are fewer steps.")
    if np.isclose(got_rate, rate * np.sqrt(devices)):
        raise Wrong(f"{said}: that is the root rule, for Adam; the linear one asks for 0.16.")
    if not np.isclose(got_rate, rate * devices):
        raise Wrong(f"{said}: expected a rate of 0.16, eight times 0.02.")
    other = call(answer, 16, 90, 0.1, 3)
    if tuple(map(float, other[:2])) != (48, 30) or not np.isclose(other[2], 0.3):
        raise Wrong(
            f"for 16 clips, 90 steps, rate 0.1 on 3 devices expected (48, 30, 0.3), received {other}."
        )
    return "right: a start, to be tried in a short run; section 8 shows where the rule ends."


@exercise(
    "First the operations: 2 for a multiply-add, 1e9 of those in a GMAC. Then the operations a second that "
    "are reached. A ratio of them is seconds.",
    "2e9 * gmac * steps / (1e12 * peak_tflops * share) / 3600 * price_per_hour",
)
def training_price(answer):
    given = {"gmac": 90.0, "steps": 100_000, "peak_tflops": 20.0, "share": 0.25, "price_per_hour": 3.0}
    expected = 3.0  # 1.8e16 operations at 5e12 a second: an hour
    got = float(call(answer, *given.values()))
    if np.isclose(got, expected):
        second = float(call(answer, 45.0, 300_000, 10.0, 0.5, 4.0))
        if not np.isclose(second, 6.0):
            raise Wrong(f"for other numbers (45, 300000, 10, 0.5, 4) expected 6.0, received {second:.4g}.")
        return "right: and as uncertain as the share, the one number in it that nobody can look up."
    wrong = {
        expected / 2: "half of it: a multiply-add is two operations",
        expected / 4: "a quarter of it: only a share of the peak is reached, so divide by it",
        expected / 16: "a sixteenth of it: divide by the share, not multiply; less speed, more time",
        expected / 8: "an eighth of it: a multiply-add is two operations, and the share is missing",
        expected * 3600: "3600 times as much: the price is for an hour, the ratio is in seconds",
        expected * 60: "60 times as much: an hour has 3600 seconds",
        1.0: "the hours: multiply by the price of one",
        expected * 1000: "1000 times as much: giga is 1e9, tera is 1e12",
        expected / 1000: "a thousandth of it: giga is 1e9, tera is 1e12",
    }
    asked = "for 90 GMAC, 100000 steps, 20 TFLOP/s, share 0.25 and 3.00 an hour"
    for value, reason in wrong.items():
        if np.isclose(got, value):
            raise Wrong(f"{asked} expected {expected:.2f}, received {got:.4g}, {reason}.")
    raise Wrong(
        f"{asked} expected {expected:.2f}, received {got:.4g}; operations / (operations a second) "
        "/ 3600 * price."
    )
