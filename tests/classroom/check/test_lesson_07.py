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


def pair_distance(frames):
    return distances(frames, frames).sum() / (len(frames) * (len(frames) - 1))


def copied_share(fake, train, threshold):
    return np.mean(distances(fake, train).min(axis=1) <= threshold)


DIAGNOSIS = {"A": "collapsed", "B": "copies", "C": "frozen", "D": "flickering"}
SOLUTIONS = {
    "clips_needed": clips_needed,
    "pair_distance": pair_distance,
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
        ("pair_distance", lambda f: distances(f[1:], f[:-1]).diagonal().mean(), "neighbours only"),
        ("pair_distance", lambda f: distances(f, f).mean(), "distance to itself"),
        ("pair_distance", lambda f: distances(f, f).sum() / 3, "counted twice: the sum"),
        ("pair_distance", lambda f: distances(f, f).sum() / 2, "the sum over the pairs"),
        ("pair_distance", lambda f: distances(f, f).sum(), "that is a sum"),
        ("pair_distance", lambda f: (distances(f, f) ** 2).sum() / 6, "squared distances"),
        ("pair_distance", lambda f: (f[:, None] - f).mean(), "cancel"),
        ("pair_distance", lambda f: np.linalg.norm(f[-1] - f[0]), "first against last"),
        ("pair_distance", lambda f: distances(f, f), "expected one number, received an array"),
        (
            "pair_distance",
            lambda f: np.abs(f[:, None] - f).sum() / 6 * (3 if len(f) == 2 else 1),
            "Euclidean",
        ),
        ("pair_distance", lambda f: 2.0, "expected 5, received 2."),
        ("pair_distance", lambda f: 7.7, "(1 + 3 + 2) / 3"),
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
        ("diagnosis", DIAGNOSIS | {"A": "copies"}, "few of the real ones"),
        ("diagnosis", DIAGNOSIS | {"B": "collapsed"}, "look at the last column"),
        ("diagnosis", DIAGNOSIS | {"C": "flickering"}, "motion energy"),
        ("diagnosis", DIAGNOSIS | {"D": "frozen"}, "still part of the picture jumps"),
        ("diagnosis", {"A": "collapsed", "B": ...}, "nothing yet for B, C, D"),
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
