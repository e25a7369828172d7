"""Evaluate a whole generator: the scores of its clips, to stand beside those of real and of untrained ones.

Clips are uint8 `(num_clips, num_frames, height, width, 3)` in the stored range [0, 255].
"""

from dataclasses import replace

import numpy as np

from vgcourse import datasets, features, generate
from vgcourse.evaluate import metrics
from vgcourse.features import FPS, NUM_FRAMES
from vgcourse.people import ACTIONS

COLUMNS = ("frechet_distance", "motion_control_score", "motion_energy")
HEADINGS = ("Frechet distance on action features", "motion control score", "motion energy")


def score_clips(clips, actions, real, *, action_names, fps):
    """Scores of clips against real ones.

    Args:
        clips: uint8 `(num_clips, num_frames, height, width, 3)`. The Frechet distance looks at 16 frames:
            clips of another length are spread over so many, frames repeated or left out, real and made ones
            alike.
        actions: ints `(num_clips,)`, places in `action_names`: what each clip was to show.
        real: uint8 `(num_real, num_frames, height, width, 3)`, the clips to compare with.
        action_names: names of the actions.
        fps: frames per second of `clips`.

    Returns:
        A dict: `frechet_distance` on action features (lower is better; with few clips it is large even
        for real ones), `motion_control_score` in [0, 1], or None where it would mean nothing: the shipped
        classifier does not know an action, or the clips are shorter than what it looks at, 16 frames at 10
        a second; and `motion_energy` in grey levels.
    """
    known = set(action_names) <= set(ACTIONS)
    timed = _at_classifiers_rate(clips, fps) if known else None
    labels = np.array([ACTIONS.index(action_names[action]) for action in actions]) if known else None
    return {
        "frechet_distance": metrics.frechet_distance(
            features.clip_features(_spread(real)), features.clip_features(_spread(clips))
        ),
        "motion_control_score": None if timed is None else metrics.motion_control_score(timed, labels),
        "motion_energy": metrics.motion_energy(clips),
    }


def _spread(clips):
    """16 frames of every clip, evenly over its length."""
    return clips[:, np.arange(NUM_FRAMES) * clips.shape[1] // NUM_FRAMES]


def _at_classifiers_rate(clips, fps):
    """The first 16 frames at 10 a second, as the classifier was trained; None if a clip ends before that."""
    times = np.floor(np.arange(NUM_FRAMES) * fps / FPS + 1e-6).astype(int)
    return clips[:, times] if times[-1] < clips.shape[1] else None


def score_generator(generator, real, *, seed=0):
    """Scores of as many generated clips as there are real ones, of the same actions.

    Args:
        generator: a `models.VideoGenerator`.
        real: `Clips` of the generator's size, length and actions, best of people it was not trained on.
        seed: of the latents.

    Returns:
        As `score_clips`.

    Raises:
        ValueError: the real clips have another size, length or other actions than the generator makes.
    """
    made = (generator.num_frames, generator.size, generator.size, 3)
    if real.clip_shape != made or tuple(real.action_names) != generator.action_names:
        raise ValueError(
            f"the generator makes clips {made} of {', '.join(generator.action_names)}; "
            f"received real clips {real.clip_shape} of {', '.join(real.action_names)}"
        )
    content = generate.content_codes(generator, range(seed, seed + real.num_clips))
    motion = generate.motion_noise(generator, range(seed, seed + real.num_clips))
    clips = generate.make_clips(generator, content, motion, real.actions)
    names, fps = generator.action_names, generator.fps
    return score_clips(clips, real.actions, real.clips, action_names=names, fps=fps)


def score_against_store(generator, store, *, seed=0):
    """As `score_generator`, with the first frames of the clips in a store.

    Args:
        generator: a `models.VideoGenerator`.
        store: folder of a store, see `datasets.save_clips`.
        seed: of the latents.

    Returns:
        As `score_clips`.

    Raises:
        ValueError: no store, or its clips have another size or other actions than the generator makes.
    """
    clips = datasets.load_clips(store)
    return score_generator(generator, replace(clips, clips=clips.clips[:, : generator.num_frames]), seed=seed)


def score_table(rows):
    """Scores as text.

    Args:
        rows: dict, name of the row -> what `score_clips` returned.

    Returns:
        A table, one line a row, for printing.
    """
    width = max(len(name) for name in rows)
    lines = [" " * width + "".join(f"  {heading}" for heading in HEADINGS)]
    for name, scores in rows.items():
        cells = ["not applicable" if scores[key] is None else f"{scores[key]:.2f}" for key in COLUMNS]
        padded = (cell.rjust(len(heading)) for cell, heading in zip(cells, HEADINGS, strict=True))
        lines.append(name.ljust(width) + "".join(f"  {cell}" for cell in padded))
    return "\n".join(lines)
