"""Lesson 04's exercises: solutions pass, stubs get a hint, typical mistakes get their own message."""

import pytest
import tensorflow as tf

from vgcourse.classroom import check
from vgcourse.gan import losses


def step(
    *, d_loss=losses.minimax_discriminator_loss, g_loss=losses.non_saturating_generator_loss, moves="dg"
):
    """A training step with the given losses, in which the networks of `moves` learn."""

    def play(generator, discriminator, g_optimizer, d_optimizer, x, z):
        with tf.GradientTape() as tape:
            d = d_loss(discriminator(x), discriminator(generator(z)))
        variables = discriminator.trainable_variables
        if "d" in moves:
            d_optimizer.apply(tape.gradient(d, variables), variables)
        with tf.GradientTape() as tape:
            g = g_loss(None, discriminator(generator(z)))
        variables = generator.trainable_variables
        if "g" in moves:
            g_optimizer.apply(tape.gradient(g, variables), variables)
        return d, g

    return play


def together(generator, discriminator, g_optimizer, d_optimizer, x, z):
    """Both gradients at the old weights: right as well."""
    with tf.GradientTape(persistent=True) as tape:
        fake = discriminator(generator(z))
        d = losses.minimax_discriminator_loss(discriminator(x), fake)
        g = losses.non_saturating_generator_loss(None, fake)
    for loss, optimizer, network in [(d, d_optimizer, discriminator), (g, g_optimizer, generator)]:
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
    return d, g


def turned(*arguments):
    """The right step, with the two losses in the wrong order."""
    return step()(*arguments)[::-1]


def fakes_outside(generator, discriminator, g_optimizer, d_optimizer, x, z):
    """The generator's fakes are made before its tape begins to listen."""
    d, _ = step(moves="d")(generator, discriminator, g_optimizer, d_optimizer, x, z)
    fake = generator(z)
    with tf.GradientTape() as tape:
        g = losses.non_saturating_generator_loss(None, discriminator(fake))
    variables = generator.trainable_variables
    g_optimizer.apply(tape.gradient(g, variables), variables)
    return d, g


def average(kept, new):
    return lambda old, live, decay: [kept * a + new * b for a, b in zip(old, live, strict=True)]


def mix(old, live, decay):
    return average(decay, 1 - decay)(old, live, decay)


SOLUTIONS = {
    "repaired_step": step(),
    "averaged_weights": mix,
    "sick_runs": {"A": "too strong", "B": "healthy", "C": "frozen"},
}
WRONG = [
    ("repaired_step", step(moves="g"), "still the article's loop"),
    ("repaired_step", step(moves="d"), "generator's weights did not move"),
    ("repaired_step", step(d_loss=lambda r, f: losses.minimax_discriminator_loss(f, r)), "call fakes real"),
    ("repaired_step", step(d_loss=lambda r, f: tf.reduce_mean(tf.nn.softplus(-r))), "real frames only"),
    ("repaired_step", step(d_loss=lambda r, f: tf.reduce_mean(tf.nn.softplus(f))), "fakes only"),
    ("repaired_step", step(d_loss=lambda r, f: tf.reduce_mean(tf.sin(5 * f))), "not down minimax"),
    ("repaired_step", step(g_loss=lambda _, f: tf.reduce_mean(tf.nn.softplus(f))), "found out"),
    ("repaired_step", step(g_loss=lambda _, f: tf.reduce_mean(tf.sin(5 * f))), "not down its own loss"),
    ("repaired_step", lambda *arguments: 1.0, "expected the two losses"),
    ("repaired_step", turned, "in the wrong order"),
    ("repaired_step", fakes_outside, "made outside it"),
    ("averaged_weights", average(0.1, 0.9), "swapped"),
    ("averaged_weights", average(0.5, 0.5), "plain mean"),
    ("averaged_weights", average(0.9, 1.0), "add up to 1"),
    ("averaged_weights", average(0, 1), "copy of the live weights"),
    ("averaged_weights", average(1, 0), "does not move"),
    ("averaged_weights", average(3, 0.3), "received 3"),
    ("averaged_weights", lambda *lists: average(0.9, 0.1)(*lists), "with decay 0.25"),
    ("averaged_weights", lambda old, live, decay: 0.9 * old[0] + 0.1 * live[0], "expected a list"),
    ("sick_runs", {"A": "healthy", "B": "too strong", "C": "frozen"}, "for A: its two scores part"),
    ("sick_runs", {"A": "frozen", "B": "healthy", "C": "too strong"}, "for A: its discriminator moves"),
    ("sick_runs", {"A": "too strong", "B": "frozen", "C": "healthy"}, "for B"),
    ("sick_runs", {"A": "too strong", "B": "healthy", "C": "healthy"}, "for C: a generator's loss near 0"),
    ("sick_runs", {"A": "strong", "B": "healthy", "C": "frozen"}, "received 'strong'"),
    ("sick_runs", "frozen", "one state for each letter"),
]


@pytest.mark.parametrize("name", SOLUTIONS)
def test_solution_passes(name, capsys):
    getattr(check, name)(SOLUTIONS[name])
    assert capsys.readouterr().out.startswith(f"✓ {name}: right")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("repaired_step", together),
        ("repaired_step", lambda *arguments: list(step()(*arguments))),
        ("averaged_weights", lambda *lists: tuple(mix(*lists))),
        ("averaged_weights", lambda *lists: (array for array in mix(*lists))),
        ("averaged_weights", lambda *lists: [tf.constant(array) for array in mix(*lists)]),
        ("averaged_weights", lambda old, live, d: [a - (1 - d) * (a - b) for a, b in zip(old, live)]),  # noqa: B905
    ],
)
def test_other_forms_are_right_too(name, answer, capsys):
    getattr(check, name)(answer)
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(("name", "answer", "phrase"), WRONG)
def test_mistake_gets_its_own_message(name, answer, phrase, capsys):
    getattr(check, name)(answer)
    line = capsys.readouterr().out
    assert line.startswith("✗")
    assert phrase in line
