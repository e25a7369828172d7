"""The checks of lesson 05: right answers pass, stubs get a hint, typical mistakes a message of their own."""

import ast
import itertools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from vgcourse import gan, generate
from vgcourse.classroom import check
from vgcourse.evaluate import metrics

LESSON = Path(__file__).resolve().parents[3] / "lessons" / "05_video_gan.py"


def said(capsys, name, answer):
    """What a check prints about an answer; its first letter is the verdict."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def from_lesson(*names):
    """Functions that the lesson defines, its solutions too."""
    tree = ast.parse(LESSON.read_text(encoding="utf-8"))
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names]
    space = {"np": np, "tf": tf, "NUM_FRAMES": 16}
    exec(compile(ast.Module(defined, []), str(LESSON), "exec"), space)
    return [space[name] for name in names]


latents, starts_fooled, passing = from_lesson("clip_latents", "starts_fooled", "passing")


@pytest.mark.parametrize(
    ("name", "stub"),
    [
        ("clip_latents", lambda content, motion: ...),
        ("starts_fooled", lambda moments, offsets: ...),
        ("my_frames", ...),
        ("generator_update", lambda generator, discriminator, latents, optimizer: ...),
    ],
)
def test_an_untouched_exercise_has_an_open_circle(capsys, name, stub):
    assert said(capsys, name, stub).startswith(f"○ {name}: ")


def test_clip_latents(capsys):
    name = "clip_latents"
    for right in (
        latents,
        lambda c, m: [[[*who, *pose] for pose in poses] for who, poses in zip(c, m, strict=True)],
        lambda c, m: tf.concat([tf.repeat(c[:, None], m.shape[1], axis=1), m], axis=-1),
    ):
        assert said(capsys, name, right)[0] == "✓"
    assert "first" in said(capsys, name, lambda c, m: np.roll(latents(c, m), 2, axis=-1))
    wrong = said(
        capsys,
        name,
        lambda c, m: np.concatenate([np.repeat(c, 4, axis=0).reshape(4, 2, 3).swapaxes(0, 1), m], axis=-1),
    )
    assert "the person changes" in wrong
    assert "shape" in said(capsys, name, lambda c, m: np.concatenate([c, m[:, 0]], axis=-1))
    four = said(capsys, name, lambda c, m: np.concatenate([np.repeat(c[:, None], 4, axis=1), m], axis=-1))
    assert four[0] == "✗"  # the second case has two frames


def starts(moments, offsets):
    return range(len(moments) - max(offsets))


def seen(moments, offsets, start):
    """How far the moments that are seen from a start are from the first of them."""
    return [int(moments[start + offset] - moments[start]) for offset in offsets]


def test_starts_fooled_in_every_form(capsys):
    def by_pairs(moments, offsets):
        pairs = list(itertools.combinations(offsets, 2))
        passes = (
            all(moments[s + b] - moments[s + a] == b - a for a, b in pairs) for s in starts(moments, offsets)
        )
        return sum(passes)

    def at_once(moments, offsets):
        views = moments[np.arange(len(moments) - offsets[-1])[:, None] + offsets]
        return np.sum((np.diff(views, axis=1) == np.diff(offsets)).all(axis=1))

    for right in (starts_fooled, by_pairs, at_once):
        assert said(capsys, "starts_fooled", right)[0] == "✓"


@pytest.mark.parametrize(
    ("wrong", "phrase"),
    [
        (lambda m, o: sum(all(m[s + o] == s + o) for s in starts(m, o)), "begins at moment 5"),
        (lambda m, o: sum(seen(m, o, s) == list(o) for s in list(starts(m, o))[:-1]), "one start too few"),
        (lambda m, o: int(seen(m, o, 0) == list(o)), "one start alone"),
        (lambda m, o: len(m), "no room"),
        (lambda m, o: len(starts(m, o)), "how many starts there are"),
        (lambda m, o: sum(seen(m, o, s)[-1] == o[-1] for s in starts(m, o)), "the first and the last"),
        (lambda m, o: list(starts(m, o)), "expected one number"),
        (lambda m, o: 5, "one by one"),
    ],
)
def test_starts_fooled_refuses(capsys, wrong, phrase):
    line = said(capsys, "starts_fooled", wrong)
    assert line[0] == "✗"
    assert phrase in line


def test_the_table_of_cheats_agrees_with_the_exercise():
    t = np.arange(20)
    for moments in (t, 2 * t, t + 5 * (t % 3)):
        for offsets in ((0, 1, 2, 3), (0, 3, 6, 9), (0, 5, 10, 15), (0, 1, 4, 9)):
            count = starts_fooled(moments[:16], np.array(offsets))
            assert passing(moments, [offsets]) == count / (16 - offsets[-1])
    even = [(0, s, 2 * s, 3 * s) for s in (1, 2, 3, 4)]
    assert passing(2 * t, even) == 0.5  # spacings 1 and 2 look like 2 and 4
    assert passing(t + 5 * (t % 3), even) == 0.25  # spacing 3 alone


def test_my_frames(capsys):
    for right in ([0, 1, 5, 12], np.array([0, 1, 4, 6]), (5, 0, 12, 1), {0, 3, 4, 11}):
        assert said(capsys, "my_frames", right)[0] == "✓"
    for wrong, phrase in (
        ([0, 1, 5], "expected four offsets"),
        ([1, 2, 6, 9], "begin with 0"),
        ([0, 1, 4, 13], "up to 12"),
        ([0, 1, 4, 9], "the course's choice"),
        ([0, 3, 6, 9], "3, 6 comes twice or more"),
        ([0, 2, 8, 12], "all are even"),
        (5, "expected a list"),
    ):
        line = said(capsys, "my_frames", wrong)
        assert line[0] == "✗"
        assert phrase in line


def update(loss, networks="g", after=False):
    """A generator's step with another loss, or on other networks; may return the loss after the step."""

    def step(generator, discriminator, latents, optimizer):
        with tf.GradientTape() as tape:
            value = loss(discriminator(generator(latents)))
        variables = generator.trainable_variables if "g" in networks else []
        variables = variables + (discriminator.trainable_variables if "d" in networks else [])
        if variables:
            optimizer.apply(tape.gradient(value, variables), variables)
        return loss(discriminator(generator(latents))) if after else value

    return step


def test_generator_update(capsys):
    name = "generator_update"

    def right(logits):
        return tf.reduce_mean(tf.nn.softplus(-logits))

    def saturating(logits):
        return -tf.reduce_mean(tf.nn.softplus(logits))

    assert said(capsys, name, update(right))[0] == "✓"
    assert said(capsys, name, update(lambda logits: -tf.reduce_mean(tf.math.log_sigmoid(logits))))[0] == "✓"
    assert "discriminator's weights moved" in said(capsys, name, update(right, "gd"))
    assert "did not move" in said(capsys, name, update(right, ""))
    assert "look at the sign" in said(capsys, name, update(lambda logits: right(-logits)))
    assert "saturating" in said(capsys, name, update(saturating))
    assert "take the mean" in said(capsys, name, update(lambda x: tf.reduce_sum(tf.nn.softplus(-x))))
    assert "after the step" in said(capsys, name, update(right, after=True))


def test_the_verdict_of_the_lesson_is_false_without_training():
    names = tuple("abcdefghij")
    untrained = gan.make_gan(32, names, seed=0).ema_generator
    clips = generate.sample(untrained, num_clips=100, seed=1)
    assert not metrics.motion_control_score(clips, np.arange(100) % 10) > 0.5
