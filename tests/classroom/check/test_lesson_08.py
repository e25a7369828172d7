"""The checks of lesson 08: right answers pass, stubs get a hint, typical mistakes a message of their own."""

import numpy as np

from vgcourse import gan, generate
from vgcourse.classroom import check
from vgcourse.evaluate import metrics


def said(capsys, name, answer):
    """What a check prints about an answer; its first letter is the verdict."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def where(coins, chosen, others):
    return np.where(coins[:, None, None, None, None], chosen, others)


def test_mirror_clips(capsys):
    name = "mirror_clips"
    assert said(capsys, name, lambda x, c: where(c, x[:, :, :, ::-1], x))[0] == "✓"
    assert "both clips" in said(capsys, name, lambda x, c: x[:, :, :, ::-1])
    assert "other way round" in said(capsys, name, lambda x, c: where(~c, x[:, :, :, ::-1], x))
    assert "upside down" in said(capsys, name, lambda x, c: where(c, x[:, :, ::-1], x))
    assert "backwards" in said(capsys, name, lambda x, c: where(c, x[:, ::-1], x))
    assert "red and blue" in said(capsys, name, lambda x, c: where(c, x[..., ::-1], x))
    assert "shape" in said(capsys, name, lambda x, c: x[c])
    assert "axis of the width" in said(capsys, name, lambda x, c: x)


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
    assert "statistics over axis 0" in said(capsys, name, lambda r, f: 7.0)


def test_the_verdict_of_the_lesson_is_false_without_training():
    names = tuple("abcdefghij")
    untrained = gan.make_gan(32, names, seed=0).ema_generator
    clips = generate.sample(untrained, num_clips=100, seed=1)
    assert not metrics.motion_control_score(clips, np.arange(100) % 10) > 0.5
