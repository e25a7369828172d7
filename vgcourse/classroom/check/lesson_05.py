"""Checks of lesson 05: latents of a clip, the cost of a convolution, distances, a generator's step."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, call, exercise


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
    "Four frames make six pairs, not three: every frame with every other one. How far apart is each pair?",
    "sorted({abs(a - b) for a in times for b in times if a != b})",
)
def frame_distances(answer):
    cases = {(2, 3, 6, 11): [1, 3, 4, 5, 8, 9], (0, 3, 6, 9): [3, 6, 9], (5, 1): [4]}
    got = {times: [int(d) for d in call(answer, np.array(times))] for times in cases}
    if got == cases:
        return "right: squares show six distances, evenly spaced frames three."
    squares, even = got[2, 3, 6, 11], got[0, 3, 6, 9]
    if squares == [1, 3, 5]:
        raise Wrong(
            f"for frames 2, 3, 6, 11 expected {cases[2, 3, 6, 11]}, received {squares}: these are neighbours "
            "only; 2 and 6 are a pair, too."
        )
    if 0 in squares:
        raise Wrong("a frame is no distance from itself: leave out the pairs of a frame with itself (0).")
    if sorted(set(map(abs, squares))) == cases[2, 3, 6, 11] and min(squares) < 0:
        raise Wrong(f"expected distances above 0, received {squares}; take abs of the difference.")
    if len(even) > 3 and sorted(set(even)) == cases[0, 3, 6, 9]:
        raise Wrong(f"for frames 0, 3, 6, 9 expected [3, 6, 9], received {even}: each distance once (a set).")
    case = next(times for times in cases if got[times] != cases[times])
    if {t: sorted(d) for t, d in got.items()} == cases:
        raise Wrong(
            f"the distances are right, but not in order: for frames {', '.join(map(str, case))} received "
            f"{got[case]}; sort them (a set has no order of its own)."
        )
    raise Wrong(
        f"for frames {', '.join(map(str, case))} expected {cases[case]}, received {got[case]}; "
        "subtract every frame from every other one."
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
