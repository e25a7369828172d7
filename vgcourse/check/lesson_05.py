"""Checks of lesson 05: latents of a clip, the cost of a convolution, strides, a generator's step."""

import numpy as np

from vgcourse.check.core import Wrong, call, exercise


@exercise(
    "A content code has no time axis yet. Give it one, and repeat it as often as there are frames.",
    "np.repeat(content[:, None], motion.shape[1], axis=1) has shape (batch, time, c); "
    "np.concatenate(..., axis=-1) puts the motion codes beside it.",
)
def clip_latents(answer):
    content = np.arange(6.0).reshape(2, 3)
    motion = 100 + np.arange(16.0).reshape(2, 4, 2)
    got = np.asarray(call(answer, content, motion))
    if got.shape != (2, 4, 5):
        raise Wrong(
            f"for content (2, 3) and motion (2, 4, 2) expected shape (2, 4, 5), received {got.shape}; "
            "look at where the time axis of the content code comes from."
        )
    expected = np.concatenate([np.stack([content] * 4, axis=1), motion], axis=-1)
    if np.array_equal(got, expected):
        return "right: one person per clip, one pose per frame."
    if np.array_equal(got, np.concatenate([motion, expected[..., :3]], axis=-1)):
        raise Wrong(
            f"the motion code comes first: expected a row like {expected[0, 0]}, received {got[0, 0]}; "
            "the generator has learnt to read the content code first."
        )
    if not np.array_equal(got[0, :, :3], expected[0, :, :3]):
        raise Wrong(
            f"the person changes within a clip: expected the content {content[0]} in every frame of clip 0, "
            f"received {got[0, :, :3].tolist()}; repeat along the time axis, and reshape nothing."
        )
    raise Wrong(f"expected {expected[0].tolist()} for clip 0, received {got[0].tolist()}; look at the order.")


@exercise(
    "At every output position, each filter multiplies every number of its window: height x width (x time) x "
    "channels that come in.",
    "np.prod(positions) * np.prod(kernel) * channels_in * channels_out",
)
def conv_cost(answer):
    got = [float(call(answer, (16, 16), (4, 4), 12, 64)), float(call(answer, (13, 16, 16), (4, 4, 4), 3, 32))]
    expected = [3_145_728, 20_447_232]
    if got == expected:
        return f"right: the second is {expected[1] / expected[0]:.1f} times as dear, with half the filters."
    if got[0] == 16 * 16 * 4 * 4 * 64:
        raise Wrong(
            f"expected {expected[0]:,} for 12 channels in and 64 out, received {got[0]:,.0f}: 12 times too "
            "few; the window reaches through all channels that come in."
        )
    if got[0] == 4 * 4 * 12 * 64:
        raise Wrong(
            f"expected {expected[0]:,}, received {got[0]:,.0f}, which is the number of weights; the same "
            "weights are used again at every output position."
        )
    if got[0] == expected[0]:
        raise Wrong(
            f"right in 2-D, but for positions (13, 16, 16) and kernel (4, 4, 4) expected {expected[1]:,}, "
            f"received {got[1]:,.0f}; multiply all axes, however many there are (np.prod)."
        )
    raise Wrong(
        f"for positions (16, 16), kernel (4, 4), 12 channels in and 64 out expected {expected[0]:,}, "
        f"received {got[0]:,.0f}; multiply positions, window, channels in and channels out."
    )


@exercise(
    "Between num_seen frames there are num_seen - 1 gaps. How far is it from the first frame to the last?",
    "(num_frames - 1) // (num_seen - 1)",
)
def longest_stride(answer):
    cases = {(16, 4): 5, (16, 2): 15, (10, 4): 3, (64, 8): 9, (12, 4): 3}
    got = {case: call(answer, *case) for case in cases}
    if got == cases and all(isinstance(stride, int | np.integer) for stride in got.values()):
        return "right: 16 frames seen at stride 5 are frames 0, 5, 10 and 15, and no other start fits."
    if got[16, 4] == 4:
        raise Wrong(
            "for 16 frames and 4 seen expected 5, received 4; frames 0, 5, 10 and 15 fit: four frames have "
            "only three gaps between them."
        )
    past = next((case for case in cases if got[case] > cases[case]), None)
    if past:
        last = (past[1] - 1) * got[past]
        raise Wrong(
            f"for {past[0]} frames and {past[1]} seen expected {cases[past]}, received {got[past]}; the last "
            f"frame seen would be {last:g}, but the clip ends at frame {past[0] - 1}. Strides are ints."
        )
    if got == cases:
        raise Wrong(f"expected ints, received {got[16, 4]!r}: a stride counts frames, so divide with //.")
    case = next(case for case in cases if got[case] != cases[case])
    raise Wrong(
        f"for {case[0]} frames and {case[1]} seen expected the int {cases[case]}, received {got[case]!r}; "
        "the first frame seen is 0, the last at most num_frames - 1."
    )


@exercise(
    "Draw the fakes inside a tf.GradientTape, or no gradient finds its way back into the generator.",
    "The loss is tf.reduce_mean(tf.nn.softplus(-logits)).",
    "variables = generator.trainable_variables; optimizer.apply(tape.gradient(loss, variables), variables)",
)
def generator_update(answer):
    import keras
    import tensorflow as tf

    def network(*weights):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(len(weights[1]))])
        model.set_weights([np.array(w, np.float32) for w in weights])
        return model

    generator = network([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
    discriminator = network([[1.0], [0.5]], [-2.0])
    latents = tf.constant([[0.5, -0.5], [0.0, 1.0]])
    logits = discriminator(generator(latents))
    expected = float(tf.reduce_mean(tf.nn.softplus(-logits)))
    judge, old = discriminator.get_weights(), generator.get_weights()
    got = call(answer, generator, discriminator, latents, keras.optimizers.SGD(0.1))
    after = float(tf.reduce_mean(network(*judge)(generator(latents))))
    if any(not np.array_equal(a, b) for a, b in zip(discriminator.get_weights(), judge, strict=True)):
        raise Wrong(
            "the discriminator's weights moved: expected that only the generator is trained; a judge trained "
            "to like the fakes would judge nothing. Pass generator.trainable_variables alone."
        )
    if all(np.array_equal(a, b) for a, b in zip(generator.get_weights(), old, strict=True)):
        raise Wrong(
            "the generator's weights did not move: expected a step of the optimizer; compute the gradient "
            "and call optimizer.apply(gradients, variables)."
        )
    if after < float(tf.reduce_mean(logits)):
        raise Wrong(
            f"after the step the fakes score {after:.2f}, before it {float(tf.reduce_mean(logits)):.2f}: "
            "expected a higher score; look at the sign: the generator wants its fakes called real."
        )
    if not np.isclose(float(got), expected, atol=1e-4):
        raise Wrong(
            f"expected the loss {expected:.3f} = E softplus(-logits), received {float(got):.3f}; the "
            "saturating loss, -E softplus(logits), also raises the score, but hardly when the judge is sure."
        )
    return f"right: the fakes' mean score rose from {float(tf.reduce_mean(logits)):.2f} to {after:.2f}."
