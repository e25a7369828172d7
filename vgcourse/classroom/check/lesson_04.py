"""Checks of lesson 04: a step that trains both networks, the averaged generator, a diagnosis of runs."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, call, exercise, refuse, same

STATES = ("healthy", "too strong", "frozen")
D_LOSSES = ("discriminator", "swapped", "real only", "fake only")


@exercise(
    "Two halves. Each has its own GradientTape, its own loss, and applies its gradients to its own network.",
    "First: d_loss from discriminator(x) and discriminator(generator(z)), "
    "d_optimizer.apply(tape.gradient(d_loss, v), v) with v = discriminator.trainable_variables. Then the "
    "same for g_loss with the generator's.",
)
def repaired_step(answer):
    """Check `repaired_step(generator, discriminator, g_optimizer, d_optimizer, x, z)`."""
    from vgcourse.gan import losses

    game = _tiny_game()
    before = [network.get_weights() for network in game[:2]]
    slopes = _slopes(*game, losses)
    returned = call(answer, *game[:2], *_optimizers(game), *game[2:])
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise Wrong(f"expected the two losses (d_loss, g_loss), received {type(returned).__name__}.")
    g_step, d_step = (_change(network, old) for network, old in zip(game[:2], before, strict=True))
    mistakes = {
        "the discriminator's weights did not move: this is still the article's loop. Take d_loss's gradient "
        "for discriminator.trainable_variables, and apply it.": not d_step.any(),
        "the discriminator learns now, but the generator's weights did not move.": not g_step.any(),
    }
    refuse(mistakes)
    down, swapped, real, fake = (_along(d_step, slopes[name]) for name in D_LOSSES)
    # The generator's loss may be taken before the discriminator's step, or after it.
    after = _slopes(*game, losses, g=before[0])
    g_down = [_along(g_step, way["generator"]) for way in (slopes, after)]
    real_only, fakes_only, upward = down <= 0.99 < real, down <= 0.99 < fake, min(g_down) < -0.9
    finite = np.isfinite([float(loss) for loss in returned]).all()
    mistakes = {
        "the discriminator moves the wrong way: it learns to call fakes real. Real frames come first in "
        "minimax_discriminator_loss(real_logits, fake_logits).": swapped > 0.99 or down < -0.9,
        "the discriminator sees real frames only: it learns to say 'real' to everything. Show it fakes "
        "too.": real_only,
        "the discriminator sees fakes only, and never a real frame: `x` must go through it, too.": fakes_only,
        "the discriminator moves, but not down minimax_discriminator_loss. Are other gradients applied to "
        "it, such as those of g_loss?": down <= 0.99,
        "the generator learns to be found out: its fakes score lower after the step. Flip its loss.": upward,
        "the generator moves, but not down its own loss. Apply only the gradient of g_loss to its variables, "
        "and use non_saturating_generator_loss of the fakes' logits.": max(g_down) <= 0.99,
        "both networks move the right way, but a returned loss is no finite number.": not finite,
    }
    refuse(mistakes)
    return "right: both move, each down its own loss. Nothing else separates a GAN from the article's loop."


@exercise(
    "decay is near 1: nearly all of the old average stays, and a little of the live weights comes in.",
    "For each pair: decay * old + (1 - decay) * new. Collect them in a list.",
)
def averaged_weights(answer):
    """Check `averaged_weights(average, live, decay)`."""
    average, live = [np.array([[1.0, 2.0]]), np.array([0.0])], [np.array([[3.0, 2.0]]), np.array([10.0])]
    got = call(answer, [array.copy() for array in average], [array.copy() for array in live], 0.9)
    shapes = [np.shape(array) for array in got] if isinstance(got, list | tuple) else type(got).__name__
    if shapes != [(1, 2), (1,)]:
        raise Wrong(f"expected a list of arrays of shapes [(1, 2), (1,)], received {shapes}.")

    def is_mix(kept, new):
        return all(same(a, kept * old + new * b) for a, old, b in zip(got, average, live, strict=True))

    swapped, plain, growing = is_mix(0.1, 0.9), is_mix(0.5, 0.5), is_mix(0.9, 1)
    mistakes = {
        "decay and 1 - decay are swapped: this average forgets nine tenths of itself at every step.": swapped,
        "this is a plain mean; decay says how much of the old average is kept: 0.9 of it here.": plain,
        "the shares must add up to 1, or the weights grow: the live ones come in with 1 - decay.": growing,
        "this is a copy of the live weights; nothing is averaged.": is_mix(0, 1),
        "the average does not move at all; add (1 - decay) times the live weights.": is_mix(1, 0),
        f"for 0 and 10 with decay 0.9 expected 1, received {np.ravel(got[1])[0]:g}.": not is_mix(0.9, 0.1),
    }
    refuse(mistakes)
    return "right: with decay 0.995 it remembers some 200 steps, and their wobbling cancels."


@exercise(
    "Look at the scores first. Where do real and generated part for good? Where do fakes come out on top?",
    "Part for good: too strong. Fakes on top, generator's loss near 0: frozen. Neither: healthy.",
)
def sick_runs(answer):
    """Check the dict `sick_runs`: letter of a run -> its state."""
    if not isinstance(answer, dict) or sorted(answer) != ["A", "B", "C"]:
        raise Wrong('expected {"A": "...", "B": "...", "C": "..."}, one state for each letter.')
    unknown = [state for state in answer.values() if state not in STATES]
    if unknown:
        raise Wrong(f"expected the states {', '.join(map(repr, STATES))}, received {unknown[0]!r}.")
    a, b, c = (answer[run] for run in "ABC")
    mistakes = {
        "not 'healthy' for A: its two scores part without end, and the generator's loss climbs: nobody "
        "learns there.": a == "healthy",
        "not 'frozen' for A: its discriminator moves a lot: the loss goes to 0. Frozen, it could not get "
        "better.": a == "frozen",
        "not 'too strong' for B: its scores stay near each other; a discriminator that is too strong parts "
        "them.": b == "too strong",
        "not 'frozen' for B: its real frames score above fakes all the time: somebody keeps up with the "
        "generator.": b == "frozen",
        "not 'healthy' for C: a generator's loss near 0 is no success: its fakes score *above* real "
        "frames.": c == "healthy",
        "not 'too strong' for C: its fakes score above real frames: that discriminator is weak, not "
        "strong.": c == "too strong",
    }
    refuse(mistakes)
    return "right. Do it with every training of your own, before you look at its loss alone."


# ---- a game small enough to know its gradients -----------------------------------------------------------


def _tiny_game():
    """A generator, a discriminator, real points and noise, always the same."""
    import keras

    rng = np.random.default_rng(0)
    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    discriminator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)]
    )
    for network in (generator, discriminator):
        network.set_weights([rng.normal(size=w.shape).astype(np.float32) for w in network.weights])
    real = (rng.normal(size=(8, 2)) + 2).astype(np.float32)
    return generator, discriminator, real, rng.normal(size=(8, 3)).astype(np.float32)


def _optimizers(game):
    import keras

    optimizers = [keras.optimizers.SGD(0.01) for _ in game[:2]]
    for optimizer, network in zip(optimizers, game[:2], strict=True):
        optimizer.build(network.trainable_variables)
    return optimizers


def _slopes(generator, discriminator, real, noise, losses, g=None):
    """Gradients as vectors: of d_loss, its two parts and g_loss; `g` are the old generator's weights."""
    import tensorflow as tf

    now = generator.get_weights()
    if g is not None:
        generator.set_weights(g)
    with tf.GradientTape(persistent=True) as tape:
        real_logits, fake_logits = discriminator(real), discriminator(generator(noise))
        parts = {
            "discriminator": losses.minimax_discriminator_loss(real_logits, fake_logits),
            "swapped": losses.minimax_discriminator_loss(fake_logits, real_logits),
            "real only": tf.reduce_mean(tf.nn.softplus(-real_logits)),
            "fake only": tf.reduce_mean(tf.nn.softplus(fake_logits)),
            "generator": losses.non_saturating_generator_loss(None, fake_logits),
        }
    generator.set_weights(now)
    slopes = {}
    for name, loss in parts.items():
        variables = (generator if name == "generator" else discriminator).trainable_variables
        gradients = tape.gradient(loss, variables)
        slopes[name] = np.concatenate([np.ravel(slope) for slope in gradients])
    return slopes


def _along(step, slope):
    """1 if two vectors point the same way, -1 if they oppose each other."""
    return float(step @ slope / (np.linalg.norm(step) * np.linalg.norm(slope) + 1e-12))


def _change(network, old):
    """How a network's weights went from `old`, against the sign of a gradient: one vector."""
    pairs = zip(old, network.get_weights(), strict=True)
    return np.concatenate([(before - now).ravel() for before, now in pairs])
