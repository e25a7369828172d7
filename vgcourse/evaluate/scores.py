"""Evaluate a whole generator: the scores of its clips, to stand beside those of real and of untrained ones.

Clips are uint8 `(num_clips, num_frames, height, width, 3)` in the stored range [0, 255].
"""

import math
from dataclasses import replace

import numpy as np

from vgcourse import arguments, datasets, features, generate
from vgcourse.evaluate import metrics, visible
from vgcourse.features import FPS, NUM_FRAMES
from vgcourse.people import ACTIONS

HEADINGS = {
    "limbs_found": "frames with both hands, knees and feet",
    "laplacian_auc": "told from real by median Laplacian (AUC)",
    "logistic_auc": "told from real by logistic regression (AUC)",
    "wall_detail": "fine detail of the walls over real",
    "frechet_distance": "Frechet distance on action features",
    "motion_control_score": "motion control score",
    "motion_energy": "motion energy",
}
LEAST_REAL = 0.5  # limbs found in the real clips; under this they show nobody that the joint finder knows


def score_clips(clips, actions, real, *, action_names, fps, people=(None, None)):
    """Scores of clips against real ones.

    Args:
        clips: uint8 `(num_clips, num_frames, height, width, 3)`. The Frechet distance looks at 16 frames:
            clips of another length are spread over so many, frames repeated or left out, real and made ones
            alike.
        actions: ints `(num_clips,)`, places in `action_names`: what each clip was to show.
        real: uint8 `(num_real, num_frames, height, width, 3)`, the clips to compare with.
        action_names: names of the actions.
        fps: frames per second of `clips` and of `real`.
        people: who is in each real clip, and who in each of `clips`, see `two_sample_auc`.

    Returns:
        A dict: `limbs_found` in [0, 1], or None where the joint finder knows no such people: an action has
        another name than ours, or it does not find the real ones' limbs either; `laplacian_auc` and
        `logistic_auc` (0.5: not to be told from real ones; None for under 10 clips), `wall_detail` (1 is
        right); `frechet_distance` on action features (lower is better;
        with few clips it is large even for real ones), `motion_control_score` in [0, 1], or None where it
        would mean nothing: the shipped classifier does not know an action, or the clips end before the 1.6 s
        that it looks at (16 frames, 10 a second); and `motion_energy` in grey levels.

    Raises:
        ValueError: not uint8 clips of at least 2 frames of 32x32, actions that are not in `action_names`,
            or no frame rate.
    """
    arguments.frames_per_second("fps", fps)
    if not np.isin(actions, range(len(action_names))).all():
        raise ValueError(f"actions: expected places in {tuple(action_names)}, received {actions!r}")
    return {
        "limbs_found": _limbs_found(clips, real, action_names),
        **_told_apart(clips, real, people),
        "frechet_distance": metrics.frechet_distance(
            features.clip_features(_spread(real)), features.clip_features(_spread(clips))
        ),
        "motion_control_score": _motion_control(clips, actions, action_names, fps),
        "motion_energy": metrics.motion_energy(clips),
    }


def _limbs_found(clips, real, action_names):
    """Limbs found; None for people that the joint finder does not know."""
    some = real[:: -(-len(real) // 40)]  # 40 of them say whether it knows such people
    if not set(action_names) <= set(ACTIONS) or visible.limbs_found(some).share < LEAST_REAL:
        return None
    return visible.limbs_found(clips).share


def _told_apart(clips, real, people):
    """Both AUCs, and the walls; None where there is too little to judge by."""
    laplacian = logistic = None
    if min(len(clips), len(real)) >= visible.LEAST_CLIPS:
        laplacian, logistic = visible.two_sample_auc(_spread(real), _spread(clips), people=people)
    return {
        "laplacian_auc": laplacian,
        "logistic_auc": logistic,
        "wall_detail": visible.wall_detail(clips, real),
    }


def _spread(clips):
    """16 frames of every clip, evenly over its length."""
    return clips[:, np.arange(NUM_FRAMES) * clips.shape[1] // NUM_FRAMES]


def _motion_control(clips, actions, action_names, fps):
    """Motion control score of the clips' first 1.6 s; None where the classifier cannot judge."""
    # The frame shown at each of the classifier's moments. A quarter of a frame early: 9.99 is meant as 10.
    times = np.floor(np.arange(NUM_FRAMES) * fps / FPS + 0.25).astype(int)
    if times[-1] >= clips.shape[1] or not set(action_names) <= set(ACTIONS):
        return None
    labels = np.array([ACTIONS.index(name) for name in action_names])[actions]
    return metrics.motion_control_score(clips[:, times], labels)


def score_generator(generator, real, *, seed=0):
    """Scores of as many generated clips as there are real ones, of the same actions.

    Args:
        generator: a `models.VideoGenerator`.
        real: `Clips` of the generator's size, length and actions, best of people it was not trained on.
        seed: of the latents.

    Returns:
        As `score_clips`.

    Raises:
        ValueError: the real clips have another size, length, speed or other actions than the generator's.
    """
    _check_alike(generator, real, "real")
    seeds = range(seed, seed + real.num_clips)
    content, motion = generate.content_codes(generator, seeds), generate.motion_noise(generator, seeds)
    clips = generate.make_clips(generator, content, motion, real.actions)
    return score_clips(
        clips,
        real.actions,
        real.clips,
        action_names=generator.action_names,
        fps=generator.fps,
        people=(real.actors, None),
    )


def score_against_store(generator, store, *, seed=0):
    """As `score_generator`, with the first frames of the clips in a store.

    Args:
        generator: a `models.VideoGenerator`.
        store: folder of a store, see `datasets.save_clips`.
        seed: of the latents.

    Returns:
        As `score_clips`.

    Raises:
        ValueError: no store, a single clip in it, or its clips are not like the generator's, see
            `score_generator`.
    """
    clips = datasets.load_clips(store)
    if clips.num_clips < 2:
        raise ValueError(f"{store}: expected 2 clips or more to compare with, received {clips.num_clips}")
    clips = replace(clips, clips=clips.clips[:, : generator.num_frames])
    _check_alike(generator, clips, store)
    return score_generator(generator, clips, seed=seed)


def _check_alike(generator, clips, name):
    made = (generator.num_frames, generator.size, generator.size, 3)
    # Rates are measured: 29.97 and 30 are one speed.
    same_speed = math.isclose(clips.fps, generator.fps, rel_tol=0.01)
    if clips.clip_shape != made or tuple(clips.action_names) != generator.action_names or not same_speed:
        raise ValueError(
            f"{name}: expected clips like the generator's, {made} of {', '.join(generator.action_names)} at "
            f"{generator.fps:g} fps; received {clips.clip_shape} of {', '.join(clips.action_names)} at "
            f"{clips.fps:g} fps"
        )


def score_table(rows):
    """Scores as text, those that a viewer would see first: none of the others means much alone.

    Args:
        rows: dict, name of a set of clips -> what `score_clips` returned.

    Returns:
        A table for printing, a line for each score and a column for each set.
    """
    lines = [["", *rows]]
    for key, heading in HEADINGS.items():
        cells = ("not applicable" if row[key] is None else f"{row[key]:.2f}" for row in rows.values())
        lines.append([heading, *cells])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([first.ljust(widths[0]), *(x.rjust(w) for x, w in zip(cells, widths[1:], strict=True))])
        for first, *cells in lines
    )
