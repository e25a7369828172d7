"""The checks of lesson 08: right answers pass, stubs get a hint, typical mistakes a message of their own."""

import csv
import re
from math import comb, factorial
from pathlib import Path

import numpy as np
import pytest

from vgcourse import gan, generate
from vgcourse.classroom import check
from vgcourse.evaluate import metrics


def said(capsys, name, answer):
    """What a check prints about an answer; its first letter is the verdict."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def where(coins, chosen, others):
    return np.where(coins[:, None, None, None, None], chosen, others)


@pytest.mark.parametrize(
    ("wrong", "phrase"),
    [
        (lambda n, m: 1 / comb(2 * n, n), "the chance of one comparison"),
        (lambda n, m: m / 2**n, "seeds are no coins"),
        (lambda n, m: m / factorial(2 * n), "only which ones are the lever's"),
        (lambda n, m: m, "comb(6, 3)"),
        (lambda n, m: 2 * m / comb(2 * n, n), "only 'helped'"),
        (lambda n, m: 1 - (1 - 1 / comb(2 * n, n)) ** m, "at least one"),
        (lambda n, m: round(m / comb(2 * n, n)), "need not be whole"),
        (lambda n, m: m // comb(2 * n, n), "rounded down"),
        (lambda n, m: m / 20, "one seed is a coin toss"),
        (lambda n, m: m / (20 if n > 1 else 2), "not 3"),
    ],
)
def test_wrong_counts_of_lucky_levers(capsys, wrong, phrase):
    printed = said(capsys, "lucky_levers", wrong)
    assert printed[0] == "✗"
    assert phrase in printed


def test_lucky_levers(capsys):
    assert said(capsys, "lucky_levers", lambda n, m: m / comb(2 * n, n))[0] == "✓"
    by_factorials = said(capsys, "lucky_levers", lambda n, m: m * factorial(n) ** 2 / factorial(2 * n))
    assert by_factorials[0] == "✓"


def test_mirror_clips(capsys):
    name = "mirror_clips"
    assert said(capsys, name, by_loop)[0] == "✓"
    first = np.array([True, False])
    assert "look at every coin" in said(capsys, name, lambda x, c: where(first, x[:, :, :, ::-1], x))
    never_second = said(capsys, name, lambda x, c: where(c & first, x[:, :, :, ::-1], x))
    assert "clip 1 mirrored: look at every coin" in never_second
    assert said(capsys, name, lambda x, c: where(c, x[:, :, :, ::-1], x))[0] == "✓"
    assert "both clips" in said(capsys, name, lambda x, c: x[:, :, :, ::-1])
    assert "other way round" in said(capsys, name, lambda x, c: where(~c, x[:, :, :, ::-1], x))
    assert "upside down" in said(capsys, name, lambda x, c: where(c, x[:, :, ::-1], x))
    assert "backwards" in said(capsys, name, lambda x, c: where(c, x[:, ::-1], x))
    assert "red and blue" in said(capsys, name, lambda x, c: where(c, x[..., ::-1], x))
    assert "shape" in said(capsys, name, lambda x, c: x[c])
    assert "axis of the width" in said(capsys, name, lambda x, c: x)


def by_loop(clips, coins):
    for k, coin in enumerate(coins):
        clips[k] = clips[k, :, :, ::-1].copy() if coin else clips[k]
    return clips


def test_half_life(capsys):
    name = "half_life"
    assert said(capsys, name, lambda d: np.log(0.5) / np.log(d))[0] == "✓"
    assert "mean age" in said(capsys, name, lambda d: 1 / (1 - d))
    assert "the sign" in said(capsys, name, lambda d: np.log(2) / np.log(d))
    assert "upside down" in said(capsys, name, lambda d: np.log(d) / np.log(0.5))
    assert "solve" in said(capsys, name, lambda d: d / 2)


def test_spread_matching(capsys):
    name = "spread_matching"

    def means(real, fake):
        return (real.mean(0) - fake.mean(0)) ** 2

    def spreads(real, fake):
        return (real.std(0) - fake.std(0)) ** 2

    assert said(capsys, name, lambda r, f: np.sum(means(r, f) + spreads(r, f)))[0] == "✓"
    assert "only the means" in said(capsys, name, lambda r, f: np.sum(means(r, f)))
    assert "only the spreads" in said(capsys, name, lambda r, f: np.sum(spreads(r, f)))
    assert "half too little" in said(capsys, name, lambda r, f: np.mean(means(r, f) + spreads(r, f)))
    variances = said(capsys, name, lambda r, f: np.sum(means(r, f) + (r.var(0) - f.var(0)) ** 2))
    assert "variances" in variances
    sample = said(capsys, name, lambda r, f: np.sum(means(r, f) + (r.std(0, ddof=1) - f.std(0, ddof=1)) ** 2))
    assert "divide by n - 1" in sample
    assert "statistics over axis 0" in said(capsys, name, lambda r, f: 7.0)


def test_the_verdict_of_the_lesson_is_false_without_training():
    names = tuple("abcdefghij")
    untrained = gan.make_gan(32, names, seed=0).ema_generator
    clips = generate.sample(untrained, num_clips=100, seed=1)
    assert not metrics.motion_control_score(clips, np.arange(100) % 10) > 0.5


def test_the_longer_runs_in_the_lesson_are_those_that_were_measured():
    root = Path(__file__).resolve().parents[3]
    lesson = (root / "lessons" / "08_improve.py").read_text(encoding="utf-8")
    with (root / "benchmarks/results/train_quality.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "videogan" and row["size"] == "32"]
    columns = {"second classifier": "motion_control_score_second", "Fréchet distance": "frechet_distance"}
    for name, column in columns.items():
        (found,) = re.findall(rf'"{name}": \(\[(.*?)\], \[(.*?)\]\)', lesson)
        for told, mark in zip(found, ("60", "180"), strict=True):
            measured = [round(float(row[column]), 3) for row in rows if row["mark"] == mark]
            assert [float(number) for number in told.split(",")] == measured
