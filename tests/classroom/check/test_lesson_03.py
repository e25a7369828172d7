"""Lesson 03's exercises: solutions pass, stubs get a hint, typical mistakes get their own message."""

import math

import numpy as np
import pytest

from vgcourse.classroom import check


def saturating(logits):
    return -np.mean(np.logaddexp(0, logits))


def distances(points, centres):
    return np.linalg.norm(points[:, None] - centres, axis=2)


SOLUTIONS = {
    "best_discriminator": lambda p, q, share: share * p / (share * p + (1 - share) * q),
    "equilibrium_loss": math.log(4),
    "outspoken_loss": lambda logits: np.mean(np.logaddexp(0, -logits)),
    "on_target_share": lambda points, centres, radius: (distances(points, centres).min(1) < radius).mean(),
}
WRONG = [
    ("best_discriminator", lambda p, q, share: p / (p + q), "fair mix"),
    ("best_discriminator", lambda p, q, s: (1 - s) * q / (s * p + (1 - s) * q), "of *generated*"),
    ("best_discriminator", lambda p, q, share: share * p / (share * p + q), "but not q"),
    ("best_discriminator", lambda p, q, share: share, "expected 0.4, received 0.25"),
    ("best_discriminator", lambda p, q, share: 0.4, "with a fair mix"),
    ("equilibrium_loss", 0.69, "one of the two halves"),
    ("equilibrium_loss", -1.386, "minus V"),
    ("equilibrium_loss", 0.5, "what D says"),
    ("equilibrium_loss", 0, "always right"),
    ("equilibrium_loss", 3, "1/2 everywhere"),
    ("equilibrium_loss", "log 4", "expected one number"),
    ("outspoken_loss", saturating, "*saturating*"),
    ("outspoken_loss", lambda logits: -saturating(logits), "sign of l"),
    ("outspoken_loss", lambda logits: -np.mean(np.logaddexp(0, -logits)), "mean of log D"),
    ("outspoken_loss", lambda logits: np.sum(np.logaddexp(0, -logits)), "take their mean"),
    ("outspoken_loss", lambda logits: np.mean(np.log1p(np.exp(-logits))), "overflows"),
    ("outspoken_loss", lambda logits: np.logaddexp(0, -logits), "expected one number"),
    ("outspoken_loss", np.mean, "for [-2.0, 0.0, 3.0]"),
    ("on_target_share", lambda p, c, r: (distances(p, c).min(1) < r).sum(), "*share*"),
    ("on_target_share", lambda p, c, r: (distances(p, c) < r).mean(), "all pairs"),
    ("on_target_share", lambda p, c, r: (distances(p, c).min(0) < r).mean(), "wrong axis"),
    ("on_target_share", lambda p, c, r: (abs(p[:, None] - c) < r).all(2).any(1).mean(), "0.40 away"),
    ("on_target_share", lambda p, c, r: (distances(p, c) < r).all(1).mean(), "near *all*"),
    ("on_target_share", lambda p, c, r: 0.7, "2 of 5 points"),
]


@pytest.mark.parametrize("name", SOLUTIONS)
def test_solution_passes(name, capsys):
    getattr(check, name)(SOLUTIONS[name])
    assert capsys.readouterr().out.startswith(f"✓ {name}: right")


@pytest.mark.parametrize(("name", "answer", "phrase"), WRONG)
def test_mistake_gets_its_own_message(name, answer, phrase, capsys):
    getattr(check, name)(answer)
    line = capsys.readouterr().out
    assert line.startswith("✗")
    assert phrase in line
