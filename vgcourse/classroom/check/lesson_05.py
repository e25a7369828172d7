"""Checks of lesson 05: latents of a clip, cheats that pass, a choice of frames, a generator's step."""

import numpy as np

from vgcourse.classroom.check.core import array, ask, call, compare, exercise, integers, number, refuse, same


@exercise(
    "A content code has no time axis yet. Give it one, and repeat it as often as there are frames.",
    "content[:, None] has the shape (batch, 1, c); motion.shape[1] says how many frames there are.",
    "np.repeat along axis 1 gives every frame its person; np.concatenate along the last axis joins the two.",
)
def clip_latents(answer):
    """Check `clip_latents(content, motion)`."""
    for batch, frames, c, m in ((2, 4, 3, 2), (3, 2, 1, 2)):
        content = np.arange(1.0 * batch * c).reshape(batch, c)
        motion = 100 + np.arange(1.0 * batch * frames * m).reshape(batch, frames, m)
        received = call(answer, content.copy(), motion.copy())
        what = f"for content {content.shape} and motion {motion.shape}"
        advice = "look at where the time axis of the content code comes from."
        got = array(received, shape=(batch, frames, c + m), what=what, advice=advice)
        expected = np.concatenate([np.stack([content] * frames, axis=1), motion], axis=-1)
        motion_first = np.concatenate([motion, expected[..., :c]], axis=-1)
        told, people = f"expected a row like {expected[0, 0]}, received {got[0, 0]}", got[0, :, :c]
        changes = not same(people, expected[0, :, :c])
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
    "Write down the frames that are seen from start 0, and the moments that they show. How far is each from "
    "the first? How far should it be?",
    "What is seen from a start is moments[start + offsets]. Take its first entry off and compare all of them "
    "with offsets.",
    "There are len(moments) - offsets[-1] starts: from the last one, the clip's last frame is seen. Count "
    "those that agree in all places.",
)
def starts_fooled(answer):
    """Check `starts_fooled(moments, offsets)`."""
    squares, row = np.array([0, 1, 4, 9]), np.array([0, 1, 2, 3])
    later = np.arange(5, 21)
    slips = {
        "a real clip that begins at moment 5 is as real as any: compare how far the moments are from the "
        "first one seen, not the moments themselves.": 0,
        "one start too few: the last frame of the clip may be seen, too.": 6,
        "that is one start alone, or a share; count all that pass.": 1,
        "there are 16 frames, but from frame 7 on there is no room for a frame 9 places later.": 16,
    }
    asked = "for a real clip that begins at moment 5 and offsets 0 1 4 9"
    ask(
        answer,
        later,
        squares,
        right=7,
        asked=asked,
        slips=slips,
        otherwise="go through the starts one by one.",
    )
    slips = {"that is how many starts there are; count those that pass.": 7}
    asked = "for a clip twice too fast and offsets 0 1 4 9"
    ask(answer, 2 * np.arange(16), squares, right=0, asked=asked, slips=slips, otherwise="nothing agrees.")
    slips = {
        "those are the starts from which it is found out; count the others.": 4,
        "you look at the first and the last frame seen; those between them count, too.": 11,
        "that is how many starts there are; count those that pass.": 13,
    }
    asked = "for a real clip but for frame 3, which shows moment 4, and offsets 0 1 2 3"
    ask(answer, np.array([0, 1, 2, 4, *range(4, 16)]), row, right=9, asked=asked, slips=slips)
    return "right: with offsets that it is told, a discriminator can object to every hasty clip."


@exercise(
    "Four frames make six pairs: every frame with every other one. Write down how far apart each pair is.",
    "Begin with 0 1, which are 1 apart. The third must not be 2 (again 1 apart). Go on like this.",
    "0 1 5 leaves the distances 1, 4 and 5. Which fourth one up to 12 adds three new ones?",
)
def my_frames(answer):
    """Check `my_frames`, four offsets."""
    got = sorted(integers(answer, "offsets"))
    gaps = sorted(b - a for k, a in enumerate(got) for b in got[k + 1 :])
    twice = sorted({gap for gap in gaps if gaps.count(gap) > 1})
    mistakes = {
        f"expected four offsets, received {len(got)}.": len(got) != 4,
        f"expected offsets that begin with 0, received {got}: the start is added later.": got[:1] != [0],
        f"expected offsets up to 12, received {got}: too few starts are left.": got[-1:] > [12],
        "0 1 4 9 is the course's choice; find another.": got == [0, 1, 4, 9],
        f"expected six different distances, received {gaps}: {', '.join(map(str, twice))} comes twice or "
        "more, and a pair that tells nothing new is wasted.": bool(twice),
        f"{got} has six different distances, but all are even. A clip whose even and odd frames come from "
        "two different squats would pass.": all(gap % 2 == 0 for gap in gaps),
    }
    refuse(mistakes)
    return "right: six different distances. The short ones show speed, the long ones the way."


@exercise(
    "Draw the fakes inside a tf.GradientTape, or no gradient finds its way back into the generator.",
    "The loss is small when the discriminator takes the fakes for real: the mean of softplus(-logits).",
    "optimizer.apply takes gradients and variables: those of the generator alone, in both places.",
)
def generator_update(answer):
    """Check `generator_update(generator, discriminator, latents, optimizer)`."""
    import keras
    import tensorflow as tf

    # A judge who is sure that all is false, and one who is not: losses that agree on one differ on the other.
    for bias, latents in ((-2.0, [[0.5, -0.5], [0.0, 1.0]]), (1.0, [[1.0, 0.5], [0.2, 0.1], [0.0, 2.0]])):
        latents = tf.constant(latents)
        generator, discriminator = (keras.Sequential([keras.layers.Dense(units)]) for units in (2, 1))
        discriminator(generator(latents))  # makes their weights
        judge = [np.float32([[1.0], [0.5]]), np.float32([bias])]
        old = [np.eye(2, dtype=np.float32), np.zeros(2)]
        generator.set_weights(old)
        discriminator.set_weights(judge)
        logits = discriminator(generator(latents)).numpy()
        optimizer = keras.optimizers.SGD(0.1)
        loss = number(call(answer, generator, discriminator, latents, optimizer), "the loss")
        judge_moved, moved = (
            not all(map(np.array_equal, model.get_weights(), weights))
            for model, weights in ((discriminator, judge), (generator, old))
        )
        before, after = logits.mean(), discriminator(generator(latents)).numpy().mean()
        mistakes = {
            "the discriminator's weights moved: expected that only the generator is trained; a judge trained "
            "to like the fakes would judge nothing. Pass generator.trainable_variables alone.": judge_moved,
            "the generator's weights did not move: expected a step of the optimizer; compute the gradient "
            "and call optimizer.apply(gradients, variables).": not moved,
            f"after the step the fakes score {after:.2f}, before it {before:.2f}: expected a higher score; "
            "look at the sign: the generator wants its fakes called real.": after < before,
        }
        refuse(mistakes)
        slips = {
            "that is the saturating loss, which hardly raises the score when the judge is sure.": (
                -np.logaddexp(0, logits).mean()
            ),
            "that is the sum over the batch; take the mean.": np.logaddexp(0, -logits).sum(),
            "that is the loss after the step; return the one before it.": np.logaddexp(
                0, -discriminator(generator(latents)).numpy()
            ).mean(),
        }
        right = np.logaddexp(0, -logits).mean()
        compare(loss, right, asked="for the mean of softplus(-logits)", slips=slips)
    return "right: the fakes' score rose, and the discriminator stood still."
