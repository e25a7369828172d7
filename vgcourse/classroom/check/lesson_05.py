"""Checks of lesson 05: latents of a clip, the cost of a convolution, distances, a generator's step."""

import numpy as np

from vgcourse.classroom.check.core import array, ask, call, compare, exercise, integers, number, refuse, same


@exercise(
    "A content code has no time axis yet. Give it one, and repeat it as often as there are frames.",
    "np.repeat(content[:, None], motion.shape[1], axis=1) has shape (batch, time, c); np.concatenate(..., "
    "axis=-1) puts the motion codes beside it.",
)
def clip_latents(answer):
    """Check `clip_latents(content, motion)`."""
    content, motion = np.arange(6.0).reshape(2, 3), 100 + np.arange(16.0).reshape(2, 4, 2)
    advice = "look at where the time axis of the content code comes from."
    received = call(answer, content, motion)
    got = array(received, shape=(2, 4, 5), what="for content (2, 3) and motion (2, 4, 2)", advice=advice)
    expected = np.concatenate([np.stack([content] * 4, axis=1), motion], axis=-1)
    motion_first = np.concatenate([motion, expected[..., :3]], axis=-1)
    told, people = f"expected a row like {expected[0, 0]}, received {got[0, 0]}", got[0, :, :3]
    changes = not same(people, expected[0, :, :3])
    mistakes = {
        f"the motion code comes first: {told}; the generator has learnt to read the content code "
        "first.": same(got, motion_first),
        f"the person changes within a clip: expected the content {content[0]} in every frame of clip 0, "
        f"received {people.tolist()}; repeat along the time axis, and reshape nothing.": changes,
    }
    refuse(mistakes)
    compare(got, expected, otherwise="look at the order.")
    return "right: one person per clip, one pose per frame."


@exercise(
    "At every output position, each filter multiplies every number of its window: height x width (x time) x "
    "channels that come in.",
    "np.prod multiplies all numbers of a tuple. Two such products, times both numbers of channels.",
)
def conv_cost(answer):
    """Check `conv_cost(positions, kernel, channels_in, channels_out)`."""
    right, right_3d = 3_145_728, 20_447_232
    slips = {
        "12 times too few; the window reaches through all channels that come in.": right / 12,
        "that is the number of weights; they are used again at every output position.": right / 16**2,
    }
    otherwise = "multiply positions, window, channels in and channels out."
    ask(answer, (16, 16), (4, 4), 12, 64, right=right, slips=slips, otherwise=otherwise)
    otherwise = "right in 2-D, but multiply all axes, however many there are (np.prod)."
    ask(answer, (13, 16, 16), (4, 4, 4), 3, 32, right=right_3d, otherwise=otherwise)
    return f"right: the second is {right_3d / right:.1f} times as dear, with half the filters."


@exercise(
    "Four frames make six pairs, not three: every frame with every other one. How far apart is each pair?",
    "Two loops over times, or itertools.combinations; a set keeps each distance once; then sort it.",
)
def frame_distances(answer):
    """Check `frame_distances(times)`."""
    for times, right in (((2, 3, 6, 11), [1, 3, 4, 5, 8, 9]), ((0, 3, 6, 9), [3, 6, 9]), ((1, 5), [4])):
        got = integers(call(answer, np.array(times)), "distances")
        asked = f"for frames {', '.join(map(str, times))}"
        once, negative = sorted(set(got)), any(distance < 0 for distance in got)
        mistakes = {
            f"{asked} received {got}: these are neighbours only; 2 and 6 are a pair, too.": got == [1, 3, 5],
            "a frame is no distance from itself: leave out the pairs of a frame with itself (0).": 0 in got,
            f"{asked} expected distances above 0, received {got}; take abs of the difference.": negative,
            f"{asked} received {got}: each distance once (a set).": len(got) > len(once) and once == right,
            f"{asked} received {got}: right, but not in order (a set has none).": got != once == right,
        }
        refuse(mistakes)
        compare(got, right, asked=asked, otherwise="subtract every frame from every other one.")
    return "right: squares show six distances, evenly spaced frames three."


@exercise(
    "Draw the fakes inside a tf.GradientTape, or no gradient finds its way back into the generator.",
    "The loss is tf.reduce_mean(tf.nn.softplus(-logits)).",
    "optimizer.apply takes gradients and variables: those of the generator alone, in both places.",
)
def generator_update(answer):
    """Check `generator_update(generator, discriminator, latents, optimizer)`."""
    import keras
    import tensorflow as tf

    generator, discriminator = (keras.Sequential([keras.layers.Dense(units)]) for units in (2, 1))
    latents = tf.constant([[0.5, -0.5], [0.0, 1.0]])
    discriminator(generator(latents))  # makes their weights
    judge, old = [np.float32([[1.0], [0.5]]), np.float32([-2.0])], [np.eye(2, dtype=np.float32), np.zeros(2)]
    generator.set_weights(old)
    discriminator.set_weights(judge)
    logits = discriminator(generator(latents)).numpy()
    loss = number(call(answer, generator, discriminator, latents, keras.optimizers.SGD(0.1)), "the loss")
    judge_moved, moved = (
        not all(map(np.array_equal, model.get_weights(), weights))
        for model, weights in ((discriminator, judge), (generator, old))
    )
    before, after = logits.mean(), discriminator(generator(latents)).numpy().mean()
    mistakes = {
        "the discriminator's weights moved: expected that only the generator is trained; a judge trained to "
        "like the fakes would judge nothing. Pass generator.trainable_variables alone.": judge_moved,
        "the generator's weights did not move: expected a step of the optimizer; compute the gradient and "
        "call optimizer.apply(gradients, variables).": not moved,
        f"after the step the fakes score {after:.2f}, before it {before:.2f}: expected a higher score; look "
        "at the sign: the generator wants its fakes called real.": after < before,
    }
    refuse(mistakes)
    otherwise = "the saturating loss, -E softplus(logits), hardly raises the score when the judge is sure."
    right = np.logaddexp(0, -logits).mean()
    compare(loss, right, asked="for the loss E softplus(-logits)", otherwise=otherwise)
    return f"right: the fakes' mean score rose from {before:.2f} to {after:.2f}."
