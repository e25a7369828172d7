"""The checks of lesson 10: right answers pass, stubs get a hint, typical mistakes a message of their own."""

import numpy as np
import pytest
import tensorflow as tf

from vgcourse.classroom import check


def said(capsys, name, answer):
    """What a check prints about an answer; its first letter is the verdict."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["path_and_target", "euler", "step_errors", "strongest_guidance"])
def test_stubs_get_a_hint(capsys, name):
    said_of_nothing = said(capsys, name, lambda *_: None)
    assert said_of_nothing[0] == "○"
    assert f'check.hint("{name}")' in said_of_nothing
    assert said(capsys, name, ...)[0] == "○"


# ---- the path --------------------------------------------------------------------------------------------


def place(x, e, t):
    return (1 - t) * e + t * x


@pytest.mark.parametrize(
    "right",
    [
        lambda x, e, t: (place(x, e, t), x - e),
        lambda x, e, t: [e + t * (x - e), -(e - x)],
        lambda x, e, t: (tf.constant(place(x, e, t)), tf.subtract(x, e)),
    ],
)
def test_path_and_target_accepts_every_right_form(capsys, right):
    assert said(capsys, "path_and_target", right)[0] == "✓"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda x, e, t: (place(x, e, t), e - x), "back to the noise"),
        (lambda x, e, t: (place(e, x, t), x - e), "other way"),
        (lambda x, e, t: (x - e, place(x, e, t)), "changed places"),
        (lambda x, e, t: (place(x, e, t), t * (x - e)), "whole way"),
        (lambda x, e, t: (place(x, e, t), x - place(x, e, t)), "whole way"),
        (lambda x, e, t: place(x, e, t), "expected two things"),
        (lambda x, e, t: (place(x, e, t), (x - e)[:, :1]), "shape"),
        (lambda x, e, t: (x + e, x - e), "mix noise and data"),
        (lambda x, e, t: (place(x, e, t), x + e), "take the slope"),
        (
            lambda x, e, t: (place(x, e, t.reshape(-1, 1)), x - e),
            "ValueError|right for points|expected shape",
        ),
    ],
)
def test_path_and_target_knows_mistakes(capsys, wrong, told):
    verdict = said(capsys, "path_and_target", wrong)
    assert verdict[0] == "✗"
    assert any(part in verdict for part in told.split("|")), verdict


# ---- Euler -----------------------------------------------------------------------------------------------


def walk(velocity, points, times, length):
    for time in times:
        points = points + length * velocity(points, time)
    return points


@pytest.mark.parametrize(
    "right",
    [
        lambda v, x, n: walk(v, x, [k / n for k in range(n)], 1 / n),
        lambda v, x, n: walk(v, x, np.linspace(0, 1, n + 1)[:-1], 1 / n),
        lambda v, x, n: walk(v, tf.constant(x), [k / n for k in range(n)], 1 / n),
    ],
)
def test_euler_accepts_every_right_form(capsys, right):
    assert said(capsys, "euler", right)[0] == "✓"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda v, x, n: walk(v, x, [k / n for k in range(n)], 1), "whole way"),
        (lambda v, x, n: walk(v, x, [0], 1 / n), "one step only"),
        (lambda v, x, n: walk(v, x, [0] * n, 1 / n), "stands still"),
        (lambda v, x, n: walk(v, x, [(k + 1) / n for k in range(n)], 1 / n), "first step"),
        (lambda v, x, n: walk(v, x, range(n), 1 / n), "from 0 to 1"),
        (lambda v, x, n: walk(v, x, [k / 4 for k in range(4)], 1 / 4), "in 1 step"),
        (lambda v, x, n: x[0], "shape"),
    ],
)
def test_euler_knows_mistakes(capsys, wrong, told):
    verdict = said(capsys, "euler", wrong)
    assert verdict[0] == "✗"
    assert told in verdict, verdict


# ---- how many steps --------------------------------------------------------------------------------------


def ends(v, x, counts):
    return np.stack([walk(v, x, [k / n for k in range(n)], 1 / n) for n in counts])


@pytest.mark.parametrize(
    "right",
    [
        lambda v, x, y, counts: np.linalg.norm(ends(v, x, counts) - y, axis=-1).mean(axis=1),
        lambda v, x, y, counts: [float(np.hypot(*(end - y).T).mean()) for end in ends(v, x, counts)],
        lambda v, x, y, counts: np.sqrt(((ends(v, x, counts) - y) ** 2).sum(-1).mean(1)),
        lambda v, x, y, counts: (np.linalg.norm(end - y, axis=1).mean() for end in ends(v, x, counts)),
    ],
)
def test_step_errors_accepts_every_right_form(capsys, right):
    assert said(capsys, "step_errors", right)[0] == "✓"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda v, x, y, c: (ends(v, x, c) - y).mean(axis=(1, 2)), "cancel"),
        (lambda v, x, y, c: np.abs((ends(v, x, c) - y).sum(axis=1)).mean(axis=1) * 0, "cancel"),
        (lambda v, x, y, c: np.linalg.norm(ends(v, x, c) - x, axis=-1).mean(axis=1), "compare with `end`"),
        (lambda v, x, y, c: np.linalg.norm(ends(v, x, c) - y, axis=-1).sum(axis=1), "the sum over"),
        (lambda v, x, y, c: np.abs(ends(v, x, c) - y).mean(axis=(1, 2)), "mean over all numbers"),
        (lambda v, x, y, c: ((ends(v, x, c) - y) ** 2).sum(-1).mean(1), "mean square"),
        (lambda v, x, y, c: np.linalg.norm(ends(v, x, [1, 2, 4]) - y, axis=-1).mean(axis=1), "shape"),
        (lambda v, x, y, c: np.ones(len(c)), "the mean distance"),
    ],
)
def test_step_errors_knows_mistakes(capsys, wrong, told):
    verdict = said(capsys, "step_errors", wrong)
    assert verdict[0] == "✗"
    assert told in verdict, verdict


# ---- guidance --------------------------------------------------------------------------------------------


def kept(guidances, spreads, real):
    return guidances[np.abs(spreads - real) <= 0.1 * real]


@pytest.mark.parametrize(
    "right",
    [
        lambda g, s, real: max(kept(g, s, real)),
        lambda g, s, real: max(a for a, b in zip(g, s, strict=True) if 0.9 <= b / real <= 1.1),
        lambda g, s, real: np.sort(kept(g, s, real))[-1:],
    ],
)
def test_strongest_guidance_accepts_every_right_form(capsys, right):
    assert said(capsys, "strongest_guidance", right)[0] == "✓"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda g, s, real: max(g), "its spread is 0.7, not within"),
        (lambda g, s, real: min(kept(g, s, real)), "a larger guidance's is"),
        (lambda g, s, real: g[np.argmin(np.abs(s - real))], "within a tenth"),
        (lambda g, s, real: max(g[s >= 0.9 * real]), "its spread is 3.9, not within"),
        (lambda g, s, real: kept(g, s, real)[-1] if real != 5 else 0, "place in the list"),
        (lambda g, s, real: kept(g, s, real), "one number"),
    ],
)
def test_strongest_guidance_knows_mistakes(capsys, wrong, told):
    verdict = said(capsys, "strongest_guidance", wrong)
    assert verdict[0] == "✗"
    assert told in verdict, verdict
