"""The exercises of lesson 07, and what its verdicts say of sets of clips that should fail them."""

import math

import numpy as np
import pytest

from vgcourse import datasets
from vgcourse.classroom import check
from vgcourse.evaluate import metrics


def said(capsys, name, answer):
    """What `check.<name>(answer)` prints."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def clips_needed(dim, tolerance):
    return math.ceil(exact(dim, tolerance))


def exact(dim, tolerance):
    return 2 / tolerance * (dim + dim * (dim + 1) / 4)


def distances(a, b):
    return np.linalg.norm(a[:, None] - b, axis=2)


def auc(low, high):
    pairs = [(a, b) for a in low for b in high]
    return sum(1 if b > a else 0.5 if a == b else 0 for a, b in pairs) / len(pairs)


def copied_share(fake, train, threshold):
    return np.mean(distances(fake, train).min(axis=1) <= threshold)


DIAGNOSIS = {"A": "collapsed", "B": "copies", "C": "frozen", "D": "flickering", "E": "smeared"}
SOLUTIONS = {
    "clips_needed": clips_needed,
    "auc": auc,
    "copied_share": copied_share,
    "diagnosis": DIAGNOSIS,
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(capsys, name):
    assert said(capsys, name, SOLUTIONS[name]).startswith(f"✓ {name}: ")


@pytest.mark.parametrize(
    ("name", "wrong", "phrase"),
    [
        ("clips_needed", lambda d, t: int(exact(d, t)), "rounded down"),
        ("clips_needed", exact, "clips come whole"),
        ("clips_needed", lambda d, t: math.ceil(exact(d, t) / 2), "the 2 in front"),
        ("clips_needed", lambda d, t: math.ceil(2 / t * d), "of the means only"),
        ("clips_needed", lambda d, t: math.ceil(2 / t * d * (d + 1) / 4), "left out the term of the means"),
        ("clips_needed", lambda d, t: math.ceil(exact(d, 1 / t)), "needs more clips"),
        ("clips_needed", lambda d, t: int(exact(d, t)) + 1, "add nothing"),
        ("clips_needed", lambda d, t: 5, "solve 2/n"),
        (
            "auc",
            lambda a, b: np.mean(np.asarray(b) > np.asarray(a)[:, None]),
            "equal numbers count one half.",
        ),
        ("auc", lambda a, b: np.mean(np.asarray(b) >= np.asarray(a)[:, None]), "not a whole"),
        ("auc", lambda a, b: auc(b, a), "swap them"),
        ("auc", lambda a, b: auc(a, b) * len(a) * len(b), "the number of pairs"),
        ("auc", lambda a, b: float(np.mean(b) > np.mean(a)), "the means only"),
        ("auc", lambda a, b: auc(a, b) * len(b), "by the pairs, 3 times 2"),
        ("auc", lambda a, b: max(auc(a, b), 1 - auc(a, b)), "no number of high is larger"),
        ("auc", lambda a, b: 0.123, "one by one"),
        ("auc", lambda a, b: 3.5 / 6, "no number of high"),
        ("copied_share", lambda f, t, s: np.mean(distances(f, t).min(axis=1) < s), "use <="),
        ("copied_share", lambda f, t, s: np.mean(distances(f, t).min(axis=0) <= s), "of training rows"),
        ("copied_share", lambda f, t, s: np.mean(distances(f, t) <= s), "of all pairs"),
        ("copied_share", lambda f, t, s: np.mean(distances(f, t).mean(axis=1) <= s), "not the mean"),
        ("copied_share", lambda f, t, s: int(np.sum(distances(f, t).min(axis=1) <= s)), "their number"),
        (
            "copied_share",
            lambda f, t, s: distances(f, t).min(axis=1) <= s,
            "expected one number, received an array",
        ),
        ("copied_share", lambda f, t, s: 0.75, "smaller than they should be"),
        ("copied_share", lambda f, t, s: 0.6, "received 0.6"),
        ("copied_share", lambda f, t, s: 0.5, "5 away from (0, 0)"),
        (
            "copied_share",
            lambda f, t, s: np.mean(distances(f, t).min(axis=1) / (2**0.5 if s > 1 else 1) <= s),
            "not their mean",
        ),
        ("diagnosis", DIAGNOSIS | {"A": "copies"}, "few of the real ones"),
        ("diagnosis", DIAGNOSIS | {"B": "collapsed"}, "look at the last column"),
        ("diagnosis", DIAGNOSIS | {"C": "flickering"}, "motion energy"),
        ("diagnosis", DIAGNOSIS | {"D": "frozen"}, "still part of the picture jumps"),
        ("diagnosis", {"A": "collapsed", "B": ...}, "nothing yet for B, C, D, E"),
        ("diagnosis", DIAGNOSIS | {"E": "collapsed"}, "only its limbs"),
        ("diagnosis", DIAGNOSIS | {"D": "ugly"}, "received 'ugly'"),
        ("diagnosis", "frozen", "expected a dict"),
    ],
)
def test_wrong_answers_get_their_own_advice(capsys, name, wrong, phrase):
    line = said(capsys, name, wrong)
    assert line.startswith(f"✗ {name}: ")
    assert phrase in line


@pytest.fixture(scope="module")
def real():
    return datasets.load_actions("test")


def test_verdicts_on_motion_do_not_hold_for_frozen_and_flickering_clips(real):
    frozen = np.repeat(real.clips[:, :1], 16, axis=1)
    assert not 0.5 < metrics.motion_energy(frozen) / metrics.motion_energy(real.clips) < 1.5
    noise = np.random.default_rng(0).integers(0, 255, real.clips[:8].shape, np.uint8)
    assert not 0.5 < metrics.motion_energy(noise) / metrics.motion_energy(real.clips) < 1.5


def test_the_verdict_on_copies_does_not_hold_for_a_generator_that_copies(real):
    thin = real.clips[:, ::2, ::2, ::2]
    _, distances = metrics.nearest_neighbours(thin[:3], thin)
    assert not distances.min() > 1
    assert metrics.memorisation(thin[:3], thin, 255 - thin).copied_share == 1
