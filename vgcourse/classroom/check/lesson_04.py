"""Checks of lesson 04: a step that trains both networks, the averaged generator, a diagnosis of runs."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, call, compare, exercise, refuse, same

STATES = ("healthy", "too strong", "frozen")
SIGNS = {  # that a run is not in such a state
    ("A", "healthy"): "its two scores part without end, its generator's loss climbs: nobody learns.",
    ("A", "frozen"): "its discriminator moves a lot: the loss goes to 0. Frozen, it could not get better.",
    ("B", "too strong"): "its scores stay near each other; a discriminator that is too strong parts them.",
    ("B", "frozen"): "its real frames score above fakes all the time: somebody keeps up with the generator.",
    ("C", "healthy"): "a generator's loss near 0 is no success: its fakes score *above* real frames.",
    ("C", "too strong"): "its fakes score above real frames: that discriminator is weak, not strong.",
}


@exercise(
    "Two halves. Each has its own GradientTape, its own loss, and applies its gradients to its own network.",
    "The discriminator's half: inside the tape, score x and generator(z), and make d_loss of the two. "
    "Outside it, ask the tape for the gradient along discriminator.trainable_variables and apply it.",
    "The generator's half is the same with g_loss and the generator's variables. Its fakes must be made "
    "anew, inside its own tape; else the tape does not know that they depend on the generator.",
)
def repaired_step(answer):
    """Check `repaired_step(generator, discriminator, g_optimizer, d_optimizer, x, z)`."""
    from vgcourse.gan import losses

    networks, optimizers, real, noise = _tiny_game()
    generator, discriminator = networks
    d_losses = {
        "right": losses.minimax_discriminator_loss,
        "swapped": lambda real, fake: losses.minimax_discriminator_loss(fake, real),
        "real only": lambda real, fake: losses.non_saturating_generator_loss(None, real),
        "fakes only": lambda real, fake: -losses.minimax_generator_loss(None, fake),
    }

    def slope(network, loss):
        return _slope(network, lambda: loss(discriminator(real), discriminator(generator(noise))))

    d_slopes = {name: slope(discriminator, loss) for name, loss in d_losses.items()}
    g_slopes = [slope(generator, losses.non_saturating_generator_loss)]
    old = [network.get_weights() for network in networks]
    d_value = _value(losses.minimax_discriminator_loss, networks, real, noise)
    try:
        returned = call(answer, *networks, *optimizers, real, noise)
    except ValueError as error:
        if "No gradients provided" not in str(error):
            raise
        raise Wrong(
            "a tape found no gradient: what it differentiates was made outside it. Compute the fakes, their "
            "logits and the loss inside the `with` block of each half."
        ) from None
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise Wrong(f"expected the two losses (d_loss, g_loss), received {type(returned).__name__}.")
    pairs = zip(old, networks, strict=True)
    g_step, d_step = (_vector(before) - _vector(network.get_weights()) for before, network in pairs)
    generator.set_weights(old[0])  # its loss may be taken before the discriminator's step, or after it
    g_slopes.append(slope(generator, losses.non_saturating_generator_loss))
    down, swapped, real_only, fakes_only = (_along(d_step, way) for way in d_slopes.values())
    g_down = [_along(g_step, way) for way in g_slopes]
    told = [float(loss) for loss in returned]
    finite = np.isfinite(told).all()
    turned = not same(told[0], d_value, tolerance=1e-3) and same(told[1], d_value, tolerance=1e-3)
    mistakes = {
        "the discriminator's weights did not move: this is still the article's loop. Take d_loss's gradient "
        "for discriminator.trainable_variables, and apply it.": not d_step.any(),
        "the discriminator learns now, but the generator's weights did not move.": not g_step.any(),
        "the discriminator moves the wrong way: it learns to call fakes real. Real frames come first in "
        "minimax_discriminator_loss(real_logits, fake_logits).": swapped > 0.99 or down < -0.9,
        "the discriminator sees real frames only: it learns to call all real.": down <= 0.99 < real_only,
        "the discriminator sees fakes only: `x` must go through it, too.": down <= 0.99 < fakes_only,
        "the discriminator moves, but not down minimax_discriminator_loss. Are other gradients applied to "
        "it, such as those of g_loss?": down <= 0.99,
        "the generator learns to be found out: its fakes score lower. Flip its loss.": min(g_down) < -0.9,
        "the generator moves, but not down its own loss. Apply only the gradient of g_loss to its variables, "
        "and use non_saturating_generator_loss of the fakes' logits.": max(g_down) <= 0.99,
        "both networks move the right way, but a returned loss is no finite number.": not finite,
        "both networks move the right way, but the losses come back in the wrong order: (d_loss, g_loss), "
        "the discriminator's first.": turned,
    }
    refuse(mistakes)
    return "right: both move, each down its own loss. Nothing else separates a GAN from the article's loop."


@exercise(
    "decay is near 1: nearly all of the old average stays, and a little of the live weights comes in.",
    "Go through the two lists side by side, one pair of arrays at a time.",
    "The shares of old and new add up to 1, and the share of the old is decay. Collect the mixtures.",
)
def averaged_weights(answer):
    """Check `averaged_weights(average, live, decay)`."""
    average, live = [np.array([[1.0, 2.0]]), np.array([0.0])], [np.array([[3.0, 2.0]]), np.array([10.0])]
    got = call(answer, [array.copy() for array in average], [array.copy() for array in live], 0.9)
    if not isinstance(got, np.ndarray) and hasattr(got, "__iter__"):
        got = [np.asarray(array) for array in got]  # a tuple, a generator, tensors are right, too
    shapes = [array.shape for array in got] if isinstance(got, list) else type(got).__name__
    if shapes != [(1, 2), (1,)]:
        raise Wrong(f"expected a list of arrays of shapes [(1, 2), (1,)], received {shapes}.")

    def is_mix(kept, new):
        return all(same(a, kept * old + new * b) for a, old, b in zip(got, average, live, strict=True))

    swapped, half = is_mix(0.1, 0.9), is_mix(0.5, 0.5)
    mistakes = {
        "decay and 1 - decay are swapped: this average forgets nine tenths of itself at every step.": swapped,
        "this is a plain mean; decay says how much of the old average is kept: 0.9 of it here.": half,
        "the shares must add up to 1: the live weights come in with 1 - decay.": is_mix(0.9, 1),
        "this is a copy of the live weights; nothing is averaged.": is_mix(0, 1),
        "the average does not move at all; add (1 - decay) times the live weights.": is_mix(1, 0),
        f"for 0 and 10 with decay 0.9 expected 1, received {np.ravel(got[1])[0]:g}.": not is_mix(0.9, 0.1),
    }
    refuse(mistakes)
    (other,) = call(answer, [np.array([4.0, 8.0])], [np.array([0.0, 0.0])], 0.25)
    compare(np.asarray(other), np.array([1.0, 2.0]), asked="for [4, 8] and [0, 0] with decay 0.25")
    return "right: with decay 0.995 it remembers some 200 steps, and their wobbling cancels."


@exercise(
    "Look at the scores first. Where do real and generated part for good? Where do fakes come out on top?",
    "A discriminator that learns never lets fakes stay on top. One that is too good leaves the generator "
    "nothing to learn from.",
    "In one run the generator's loss goes to 0, in one it climbs, in one it wobbles. What does each say of "
    "the opponent?",
)
def sick_runs(answer):
    """Check the dict `sick_runs`: letter of a run -> its state."""
    if not isinstance(answer, dict) or sorted(answer) != ["A", "B", "C"]:
        raise Wrong('expected {"A": "...", "B": "...", "C": "..."}, one state for each letter.')
    for state in answer.values():
        if state not in STATES:
            raise Wrong(f"expected the states {', '.join(map(repr, STATES))}, received {state!r}.")
    for run, state in sorted(answer.items()):
        if (run, state) in SIGNS:
            raise Wrong(f"not {state!r} for {run}: {SIGNS[run, state]}")
    return "right. Do it with every training of your own, before you look at its loss alone."


# ---- a game small enough to know its gradients -----------------------------------------------------------


def _tiny_game():
    """`(generator, discriminator)`, an optimizer for each, real points and noise: always the same."""
    import keras

    rng = np.random.default_rng(0)
    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    hidden, score = keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)
    networks = generator, keras.Sequential([keras.Input((2,)), hidden, score])
    optimizers = keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01)
    for network, optimizer in zip(networks, optimizers, strict=True):
        network.set_weights([rng.normal(size=w.shape).astype(np.float32) for w in network.weights])
        optimizer.build(network.trainable_variables)
    real = (rng.normal(size=(8, 2)) + 2).astype(np.float32)
    return networks, optimizers, real, rng.normal(size=(8, 3)).astype(np.float32)


def _value(loss, networks, real, noise):
    """A loss of real and generated points as a float."""
    generator, discriminator = networks
    return float(loss(discriminator(real), discriminator(generator(noise))))


def _slope(network, loss):
    """Gradient of what `loss()` returns by a network's weights, as one vector."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        value = loss()
    return _vector(tape.gradient(value, network.trainable_variables))


def _vector(arrays):
    return np.concatenate([np.ravel(array) for array in arrays])


def _along(step, slope):
    """1 if two vectors point the same way, -1 if they oppose each other."""
    return float(step @ slope / (np.linalg.norm(step) * np.linalg.norm(slope) + 1e-12))
