"""Checks of lesson 08: mirrored clips, the half-life of an average, matching spreads."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, call, exercise


@exercise(
    "Left and right are an axis of their own: the last but one. Reverse it for the chosen clips only.",
    "np.where(coins[:, None, None, None, None], clips[:, :, :, ::-1], clips)",
)
def mirror_clips(answer):
    clips = np.arange(2 * 3 * 4 * 4 * 3.0).reshape(2, 3, 4, 4, 3)
    coins = np.array([True, False])
    expected = clips.copy()
    expected[0] = clips[0, :, :, ::-1]
    got = np.asarray(call(answer, clips.copy(), coins.copy()))
    if got.shape != clips.shape:
        raise Wrong(f"expected the shape of the clips, {clips.shape}, received {got.shape}.")
    if np.array_equal(got, expected):
        return "right: one coin a clip, so a person does not jump from side to side between two frames."
    if np.array_equal(got, clips[:, :, :, ::-1]):
        raise Wrong(
            "both clips are mirrored, but the coins were [True, False]: expected only clip 0; use coins."
        )
    if np.array_equal(got[1], expected[1][:, :, ::-1]) and np.array_equal(got[0], clips[0]):
        raise Wrong(
            "clip 1 is mirrored and clip 0 is not: expected it the other way round; True means mirrored."
        )
    wrong = {
        "upside down": clips[0, :, ::-1],
        "played backwards": clips[0, ::-1],
        "with red and blue exchanged": clips[0, ..., ::-1],
    }
    for what, clip in wrong.items():
        if np.array_equal(got[0], clip):
            raise Wrong(
                f"clip 0 came back {what}: expected left and right exchanged; the axes are "
                "(clip, time, height, width, channels)."
            )
    raise Wrong(
        f"the first row of clip 0 begins with {expected[0, 0, 0, 0].tolist()} when mirrored, "
        f"received {got[0, 0, 0, 0].tolist()}; reverse the axis of the width."
    )


@exercise(
    "After n steps an old value weighs decay ** n. For which n is that one half?",
    "np.log(0.5) / np.log(decay)",
)
def half_life(answer):
    got = [float(call(answer, decay)) for decay in (0.5, 0.9, 0.999)]
    expected = [float(np.log(0.5) / np.log(decay)) for decay in (0.5, 0.9, 0.999)]
    if np.allclose(got, expected, rtol=0.01):
        return f"right: with decay 0.999 half of the average is younger than {expected[2]:.0f} steps."
    if np.allclose(got, [2.0, 10.0, 1000.0], rtol=0.01):
        raise Wrong(
            f"for decay 0.9 expected {expected[1]:.2f}, received {got[1]:.2f} = 1 / (1 - decay): that is the "
            "mean age of what is averaged; a half-life is shorter."
        )
    if np.allclose(got, [-value for value in expected], rtol=0.01):
        raise Wrong(
            f"for decay 0.9 expected {expected[1]:.2f}, received {got[1]:.2f}; look at the sign: both "
            "logarithms are negative."
        )
    if np.allclose(got, [1 / value for value in expected], rtol=0.01):
        raise Wrong(
            f"for decay 0.9 expected {expected[1]:.2f}, received {got[1]:.2f}; that is the fraction upside "
            "down: n log(decay) = log(1/2), solve for n."
        )
    raise Wrong(
        f"for decay 0.9 expected {expected[1]:.2f}, received {got[1]:.2f}; solve decay ** n = 1/2 for n."
    )


@exercise(
    "Take the mean and the standard deviation over axis 0, the clips, of real and of fake features.",
    "np.sum((real.mean(0) - fake.mean(0)) ** 2) + np.sum((real.std(0) - fake.std(0)) ** 2)",
)
def spread_matching(answer):
    real = np.array([[0.0, 0.0], [4.0, 2.0]])
    collapsed = np.array([[2.0, 1.0], [2.0, 1.0], [2.0, 1.0]])
    moved = real + [1.0, 0.0]
    got = [float(call(answer, real, fake)) for fake in (collapsed, moved, real[::-1])]
    expected = [5.0, 1.0, 0.0]
    if np.allclose(got, expected):
        return "right: a generator that makes one clip again and again now has something to lose."
    if np.allclose(got[:2], [0.0, 1.0]):
        raise Wrong(
            "a collapsed batch, whose clips are all the same, gets 0: expected 5 for it; only the means are "
            "compared, add the standard deviations."
        )
    if np.allclose(got[:2], [5.0, 0.0]):
        raise Wrong(
            "a batch with every first feature 1 too large gets 0: expected 1 for it; only the spreads are "
            "compared, add the means."
        )
    if np.allclose(got[:2], [2.5, 0.5]):
        raise Wrong(
            "expected 5 for a collapsed batch, received 2.5: half too little; sum over the features, as the "
            "course's loss does, and do not average."
        )
    if np.isclose(got[0], 17.0):
        raise Wrong(
            "expected 5 for a collapsed batch, received 17: these are variances; compare deviations, "
            "which are in the units of the features."
        )
    raise Wrong(
        f"for a collapsed batch, a shifted one and a reordered one expected {expected}, received "
        f"{[round(value, 3) for value in got]}; statistics over axis 0, squared differences, then the sum."
    )
