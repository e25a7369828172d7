"""The checks of lesson 05: right answers pass, stubs get a hint, typical mistakes a message of their own."""

import itertools

import numpy as np
import tensorflow as tf

from vgcourse import gan, generate
from vgcourse.classroom import check
from vgcourse.evaluate import metrics


def said(capsys, name, answer):
    """What a check prints about an answer; its first letter is the verdict."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def latents(content, motion):
    return np.concatenate([np.repeat(content[:, None], motion.shape[1], axis=1), motion], axis=-1)


def test_clip_latents(capsys):
    name = "clip_latents"
    assert said(capsys, name, latents)[0] == "✓"
    assert "first" in said(capsys, name, lambda c, m: np.roll(latents(c, m), 2, axis=-1))
    wrong = said(
        capsys,
        name,
        lambda c, m: np.concatenate([np.repeat(c, 4, axis=0).reshape(4, 2, 3).swapaxes(0, 1), m], axis=-1),
    )
    assert "the person changes" in wrong
    assert "shape" in said(capsys, name, lambda c, m: np.concatenate([c, m[:, 0]], axis=-1))


def test_conv_cost(capsys):
    name = "conv_cost"
    assert said(capsys, name, lambda p, k, i, o: int(np.prod(p) * np.prod(k) * i * o))[0] == "✓"
    assert "12 times too few" in said(capsys, name, lambda p, k, i, o: np.prod(p) * np.prod(k) * o)
    assert "number of weights" in said(capsys, name, lambda p, k, i, o: np.prod(k) * i * o)
    assert "right in 2-D" in said(capsys, name, lambda p, k, i, o: p[0] * p[1] * k[0] * k[1] * i * o)
    assert "multiply positions" in said(capsys, name, lambda p, k, i, o: 1)


def test_frame_distances(capsys):
    name = "frame_distances"
    pairs = lambda t: [int(a) - int(b) for a in t for b in t]  # noqa: E731
    assert said(capsys, name, lambda t: sorted({abs(d) for d in pairs(t) if d}))[0] == "✓"
    for right in (
        lambda t: np.unique([b - a for a, b in itertools.combinations(t, 2)]),  # the times rise
        lambda t: sorted({b - a for a, b in itertools.combinations(t, 2)}),
    ):
        assert said(capsys, name, right)[0] == "✓"
    assert "neighbours only" in said(capsys, name, lambda t: sorted(set(np.abs(np.diff(t)))))
    assert "from itself" in said(capsys, name, lambda t: sorted({abs(d) for d in pairs(t)}))
    assert "take abs" in said(capsys, name, lambda t: sorted({d for d in pairs(t) if d}))
    assert "each distance once" in said(capsys, name, lambda t: sorted(d for d in pairs(t) if d > 0))
    assert "not in order" in said(capsys, name, lambda t: sorted({d for d in pairs(t) if d > 0})[::-1])
    assert "received [9, 3, 6]" in said(capsys, name, lambda t: {abs(d) for d in pairs(t) if d})
    assert "every other one" in said(capsys, name, lambda t: [1])


def update(loss, networks="g"):
    """A generator's step with another loss, or on other networks."""

    def step(generator, discriminator, latents, optimizer):
        with tf.GradientTape() as tape:
            value = loss(discriminator(generator(latents)))
        variables = generator.trainable_variables if "g" in networks else []
        variables = variables + (discriminator.trainable_variables if "d" in networks else [])
        if variables:
            optimizer.apply(tape.gradient(value, variables), variables)
        return value

    return step


def test_generator_update(capsys):
    name = "generator_update"

    def right(logits):
        return tf.reduce_mean(tf.nn.softplus(-logits))

    def saturating(logits):
        return -tf.reduce_mean(tf.nn.softplus(logits))

    assert said(capsys, name, update(right))[0] == "✓"
    assert "discriminator's weights moved" in said(capsys, name, update(right, "gd"))
    assert "did not move" in said(capsys, name, update(right, ""))
    assert "look at the sign" in said(capsys, name, update(lambda logits: right(-logits)))
    assert "saturating" in said(capsys, name, update(saturating))


def test_the_verdict_of_the_lesson_is_false_without_training():
    names = tuple("abcdefghij")
    untrained = gan.make_gan(32, names, seed=0).ema_generator
    clips = generate.sample(untrained, num_clips=100, seed=1)
    assert not metrics.motion_control_score(clips, np.arange(100) % 10) > 0.5
