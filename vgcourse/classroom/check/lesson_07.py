"""Checks of lesson 07: the AUC, how many clips, copies, and what scores say of a generator."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, ask, exercise


@exercise(
    "For low = [1, 2] and high = [2, 3] the pairs are 1-2, 1-3, 2-2, 2-3. In which is high the larger?",
    "np.asarray(low)[:, None] against np.asarray(high) compares all pairs at once.",
    "The mean of (high > low) is the share of larger ones; equal pairs still lack their half.",
)
def auc(answer):
    """Check `auc(low, high)`."""
    low, high = [1.0, 2.0, 4.0], [2.0, 3.0]  # larger: 1-2, 1-3, 2-3; equal: 2-2
    slips = {
        "equal numbers count one half.": 0.5,
        "equal numbers count one half, not a whole.": 4 / 6,
        "that is the share in which the number of low is the larger one; swap them.": 2.5 / 6,
        "that is the number of pairs; divide by how many there are.": 3.5,
        "that compares the means only; compare every pair.": 1.0,
        "you divided by the numbers of one list; divide by the pairs, 3 times 2.": 3.5 / 3,
    }
    ask(answer, low, high, right=3.5 / 6, slips=slips, otherwise="go through the six pairs one by one.")
    ask(answer, np.array(low), np.array(high), right=3.5 / 6, asked="for the same as arrays")
    ask(answer, [5.0], [1.0, 2.0, 3.0], right=0.0, otherwise="no number of high is larger.")
    ask(answer, [0.0, 0.0], [0.0], right=0.5, otherwise="two equal pairs, a half each.")
    return "right: 0.5 is chance, and under 0.5 the sets are told apart, too, the other way round."


@exercise(
    "Set the formula equal to the tolerance and solve it for n. Clips come whole: round up.",
    "n is at least 2 / tolerance times the bracket. np.ceil rounds up and gives a float; make it an int.",
)
def clips_needed(answer):
    """Check `clips_needed(dim, tolerance)`."""
    slips = {  # of 2 / 0.45 * (16 + 68) = 373.3
        "rounded down, the bias is still over the tolerance; round up.": 373,
        "that is right, but clips come whole; round up.": 2 / 0.45 * 84,
        "you left out the 2 in front.": 187,
        "that is the term of the means only; the covariances weigh more.": 72,
        "you left out the term of the means, d.": 303,
        "a smaller tolerance needs more clips: divide.": 76,
    }
    otherwise = "solve 2/n (d + d(d+1)/4) = tolerance for n."
    ask(answer, 16, 0.45, right=374, slips=slips, otherwise=otherwise)
    ask(answer, 4, 1.0, right=18, otherwise="18 exactly: round up, add nothing.")
    return "right: and four times the features need nearly sixteen times the clips."


@exercise(
    "For every generated row, first find the distance to its nearest training row.",
    "distances[i, j] from generated i to training j: take the minimum over axis=1, compare, then the mean.",
)
def copied_share(answer):
    """Check `copied_share(fake_rows, train_rows, threshold)`."""
    train = np.array([[0.0, 0], [10, 0], [0, 10], [10, 10], [20, 20]])
    fake = np.array([[0.0, 0.5], [3.0, 4.0], [0.4, 0], [9, 9]])  # nearest: 0.5, 5, 0.4, 1.41
    slips = {
        "that is their number; divide by the generated rows.": 2,
        "the threshold itself counts, too: use <=.": 0.25,
        "that is the share of training rows that were copied; ask for every generated row (axis=1).": 0.2,
        "that is the share of all pairs; first take the minimum over the training rows.": 0.1,
        "no row passes; take the nearest training row (minimum), not the mean or the farthest.": 0,
        "the distances are smaller than they should be: is it the Euclidean length over all features?": 0.75,
    }
    asked = "two of four rows have a training row within 0.5, so"
    ask(answer, fake.copy(), train.copy(), 0.5, right=0.5, asked=asked, slips=slips)
    asked = "(3, 4) is 5 away from (0, 0), so with threshold 5"
    ask(answer, fake[1:2], train, 5.0, right=1.0, asked=asked, otherwise="Euclidean distance?")
    asked = "(3, 4) is 5 away from (0, 0), so with threshold 4.9"
    ask(answer, fake[1:2], train, 4.9, right=0.0, asked=asked, otherwise="a sum of squares, not their mean?")
    return "right: but a copy shifted in time, or mirrored, would escape. Check features, too."


CASES = {
    "A": ("collapsed", "its clips look real (precision) but reach few of the real ones (recall)."),
    "B": ("copies", "it scores exactly like real; look at the last column."),
    "C": ("frozen", "look at its motion energy."),
    "D": ("flickering", "it moves twice as much as real clips, and the still part of the picture jumps."),
    "E": ("smeared", "only its limbs give it away: the features do not see them."),
}
FAULTS = [fault for fault, _ in CASES.values()]


@exercise(
    "Look for the one column in which a row is far from real.",
    "No motion: frozen. Low recall at high precision: collapsed. Last column near 1: copies. Two are left.",
)
def diagnosis(answer):
    """Check the dict `diagnosis`: row -> what is wrong with that generator."""
    if not isinstance(answer, dict):
        raise Wrong(f"expected a dict from row to fault, received {type(answer).__name__}.")
    missing = [row for row in CASES if answer.get(row) in (None, ...)]
    if missing:
        raise Wrong(f"expected a fault for each of A, B, C, D, E; nothing yet for {', '.join(missing)}.")
    for row, (fault, sign) in CASES.items():
        if answer[row] not in FAULTS:
            raise Wrong(f"expected {', '.join(map(repr, FAULTS))}, received {answer[row]!r}.")
        if answer[row] != fault:
            raise Wrong(f"{row} is not {answer[row]!r}: {sign}")
    return "right: no single column finds all five. That is why a table has several."
