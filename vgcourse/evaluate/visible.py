"""Evaluate: scores that see what a viewer sees: limbs that smear, blur, walls that are mottled.

Clips are uint8 `(num_clips, num_frames, height, width, 3)` in the stored range [0, 255]. Features of motion
can be as those of real clips while every frame shows at once that it was made: put these beside the others,
and real clips beside both.
"""

from typing import NamedTuple

import numpy as np

from vgcourse import features
from vgcourse.arguments import uint8_clips

LIMB_ENDS = tuple(f"{side}_{end}" for end in ("hand", "knee", "toe") for side in ("right", "left"))
FOLDS, LEAST_CLIPS = 5, 10
LEAST_ENERGY = 0.01  # squared grey levels, far under what rounding makes: flat walls can be compared
RIDGE = 10.0  # weight of the squared coefficients beside the sum of the losses: 1 is the usual; ours are many


# --- Limbs -----------------------------------------------------------------------------------------------


class LimbsFound(NamedTuple):
    """What `limbs_found` found: shares of frames, in [0, 1]."""

    share: float  # frames in which both hands, both knees and both feet are found
    by_joint: dict  # name of the joint -> frames in which it is found
    by_action: dict  # action, as it was given -> as `share`, of its clips; empty if no actions were given


def limbs_found(clips, actions=None):
    """Share of frames in which both hands, knees and feet can be found.

    A net trained on real frames looks for them (`features.find_joints`). An arm that fades, or is in two
    places at once, is not found. In some poses a hand is really hidden: new real people score about 0.95.

    Args:
        clips: uint8 `(num_clips, T, H, W, 3)`, H and W at least 32, of people as in `data/actions/`: the net
            knows no others, and filmed people score about 0.
        actions: `(num_clips,)`, what each clip shows, numbers or names; None: no shares by action.

    Returns:
        A `LimbsFound`.

    Raises:
        ValueError: another rank, dtype or size, or counts that differ.
    """
    found = features.find_joints(clips).found
    whole = found[..., np.isin(features.JOINTS, LIMB_ENDS)].all(axis=-1)
    by_joint = dict(zip(features.JOINTS, found.mean(axis=(0, 1)).tolist(), strict=True))
    by_action = {}
    if actions is not None:
        actions = np.asarray(actions)
        if actions.shape != (len(whole),):
            raise ValueError(f"actions: expected shape ({len(whole)},), received {actions.shape}")
        by_action = {action.item(): float(whole[actions == action].mean()) for action in np.unique(actions)}
    return LimbsFound(float(whole.mean()), by_joint, by_action)


# --- Can the two sets be told apart? ---------------------------------------------------------------------


class TwoSampleAUC(NamedTuple):
    """What `two_sample_auc` found; 0.5: nothing tells the sets apart, 1: all clips."""

    laplacian: float  # by the median Laplacian of a clip alone, whichever way it differs
    logistic: float  # by logistic regression on other clips; scatters around 0.5 for equal sets


def two_sample_auc(real, generated, *, people=(None, None), seed=0):
    """How well simple judges tell generated clips from real ones: the chance that a pair is put in order.

    One judge knows a single number of a clip, the median over pixels of |Laplacian|: blur lowers it, noise
    and mottled walls raise it. The other weighs a clip's simple statistics (`clip_statistics`) and its
    features by logistic regression; it is fitted to four fifths of the clips and judges the rest, five times.

    Args:
        real: uint8 `(num_real, T, H, W, 3)`, T, H and W as for `features.clip_features`; 10 or more.
        generated: the same, of the same size.
        people: for each of the two the numbers of who is in its clips, so that a person's are in one part:
            else a judge learns by heart who is real. None: somebody else in each, as where a number is -1.
        seed: of the parts.

    Returns:
        A `TwoSampleAUC`.

    Raises:
        ValueError: another rank or dtype, sizes that differ, too few clips.

    Source: Lopez-Paz and Oquab 2017 (classifier two-sample tests), https://arxiv.org/abs/1610.06545
    """
    real, generated = (
        uint8_clips(name, clips, min_clips=LEAST_CLIPS, min_frames=3)
        for name, clips in (("real", real), ("generated", generated))
    )
    if real.shape[1:] != generated.shape[1:]:
        raise ValueError(f"expected clips of one shape, received {real.shape} and {generated.shape}")
    rows = [
        np.concatenate([clip_statistics(x), features.clip_features(x)], axis=1) for x in (real, generated)
    ]
    by_laplacian = rank_auc(*(x[:, 0] for x in rows))
    rng = np.random.default_rng(seed)
    folds = [_folds(_people(who, len(x)), rng) for who, x in zip(people, (real, generated), strict=True)]
    return TwoSampleAUC(max(by_laplacian, 1 - by_laplacian), _cross_validated_auc(*rows, *folds))


def _people(numbers, num_clips):
    """Who is in each clip, ints `(num_clips,)`; those that nobody knows are different from all others."""
    numbers = np.full(num_clips, -1) if numbers is None else np.asarray(numbers)
    if numbers.shape != (num_clips,):
        raise ValueError(f"people: expected shape ({num_clips},), received {numbers.shape}")
    return np.where(numbers < 0, numbers.max() + 1 + np.arange(num_clips), numbers)


def clip_statistics(clips):
    """Simple numbers of every clip, none of which knows what it shows.

    Args:
        clips: uint8 `(num_clips, T, H, W, 3)`, 3 frames or more.

    Returns:
        float64 `(num_clips, 14)`: the median over frames and pixels of |Laplacian|, its 95% quantile; the
        logarithm of the wall's detail at three scales (`_wall_energy`); motion energy, flicker, and the 95%
        quantile of the change from frame to frame; mean and deviation of each colour.
    """
    return np.array([_statistics(clip) for clip in clips])


def _statistics(clip):
    grey = clip.mean(axis=-1)
    laplacian = np.abs(_laplacian(grey))
    change = np.abs(np.diff(grey, axis=0))
    jump = np.abs(np.diff(grey, n=2, axis=0))
    return [
        np.median(laplacian),
        np.quantile(laplacian, 0.95),
        *(np.log(_wall_energy(grey, width) + LEAST_ENERGY) for width in (3, 5, 9)),
        change.mean(),
        np.median(jump.reshape(len(jump), -1), axis=1).mean(),
        np.quantile(change, 0.95),
        *clip.mean(axis=(0, 1, 2)),
        *clip.std(axis=(0, 1, 2)),
    ]


def _laplacian(grey):
    """Four neighbours minus four times the pixel, of frames `(T, H, W)`, inside the edges."""
    middle = grey[:, 1:-1, 1:-1]
    return grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:] - 4 * middle


def rank_auc(low, high):
    """Area under the ROC curve, by ranks.

    Args:
        low: numbers of one set, `(n,)`.
        high: numbers of the other, `(m,)`.

    Returns:
        The chance that a number of `high` is larger than one of `low`, a float; ties count half.
    """
    low = np.sort(low)
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.mean() / (2 * len(low)))


def _folds(people, rng):
    """The fold of every clip, ints `(num_clips,)`: a person's clips are in one, unless people are too few."""
    names, places = np.unique(people, return_inverse=True)
    if len(names) < FOLDS:
        names = places = np.arange(len(people))
    return rng.permutation(len(names))[places] % FOLDS


def _cross_validated_auc(real, generated, real_folds, generated_folds):
    """Mean over the folds of the AUC on a fold of logistic regression fitted to the others."""
    rows, labels = np.concatenate([real, generated]), np.repeat([0.0, 1.0], [len(real), len(generated)])
    folds, found = np.concatenate([real_folds, generated_folds]), []
    for fold in range(FOLDS):
        fitted, judged = folds != fold, folds == fold
        mean, deviation = rows[fitted].mean(axis=0), rows[fitted].std(axis=0) + 1e-9
        scaled = (rows - mean) / deviation
        weights = fit_logistic(scaled[fitted], labels[fitted])
        logits = scaled @ weights[:-1]
        found.append(rank_auc(logits[judged & (labels == 0)], logits[judged & (labels == 1)]))
    return float(np.mean(found))


def fit_logistic(rows, labels, *, ridge=RIDGE):
    """Logistic regression by Newton's method.

    Args:
        rows: float `(num_rows, d)`, of about one scale.
        labels: 0 or 1, `(num_rows,)`.
        ridge: weight of half the squared coefficients beside the sum of the losses; the constant is free.

    Returns:
        float64 `(d + 1,)`: coefficients, and the constant at the end.
    """
    rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    penalty = np.full(rows.shape[1], float(ridge))
    penalty[-1] = 1e-9
    weights = np.zeros(rows.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (p - labels) + penalty * weights
        curvature = (rows * (p * (1 - p))[:, None]).T @ rows + np.diag(penalty)
        step = np.linalg.solve(curvature, slope)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return weights


# --- Walls -----------------------------------------------------------------------------------------------


def wall_detail(clips, real):
    """Energy of the fine detail on the still background, over that of real clips; 1 is right.

    Mottled, noisy or flickering walls score more, smeared ones less. The detail of a frame is what a mean
    over 3x3 pixels takes away; a clip's energy is the median over the pixels of its square, averaged over
    time. The median looks at the background as long as the figure and edges are under half of the picture.

    Args:
        clips: uint8 `(num_clips, T, H, W, 3)`, H and W at least 3.
        real: uint8 `(num_real, T, H, W, 3)`, frames of the same size.

    Returns:
        A float of at least 0.

    Raises:
        ValueError: another rank or dtype, or sizes that differ.
    """
    clips, real = uint8_clips("clips", clips), uint8_clips("real", real)
    if clips.shape[2:] != real.shape[2:] or min(clips.shape[2:4]) < 3:
        raise ValueError(f"expected frames of one size from 3x3 on, received {clips.shape} and {real.shape}")
    ours, theirs = (np.mean([_wall_energy(clip.mean(axis=-1), 3) for clip in x]) for x in (clips, real))
    return float((ours + LEAST_ENERGY) / (theirs + LEAST_ENERGY))


def _wall_energy(grey, width):
    """Mean over time of the median over pixels of squared detail: pixel minus `width`-wide mean."""
    margin = width // 2
    sums = np.pad(grey, ((0, 0), (1, 0), (1, 0))).cumsum(axis=1).cumsum(axis=2)
    boxes = sums[:, width:, width:] - sums[:, :-width, width:] - sums[:, width:, :-width]
    means = (boxes + sums[:, :-width, :-width]) / width**2
    detail = grey[:, margin:-margin, margin:-margin] - means
    return float(np.median(np.square(detail), axis=(1, 2)).mean())
