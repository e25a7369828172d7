"""Evaluate: numbers that say how good generated clips are.

Features are arrays `(num_clips, feature_dim)`, one row a clip; everything about them is computed in float64.
Clips are uint8 `(num_clips, num_frames, height, width, channels)` in the stored range [0, 255], so that a
metric on pixels is in grey levels. All functions take NumPy arrays (or what NumPy turns into one) and return
Python numbers or NumPy arrays.

No number stands alone. Put "real vs real" beside a distance, a motion measure beside `content_distance` (a
frozen clip has none), and `memorisation` beside all of them (copies of the training clips score best).
"""

from typing import NamedTuple

import numpy as np

from vgcourse.arguments import uint8_clips, whole_number
from vgcourse.features import classify

# --- Distances between two sets of features --------------------------------------------------------------


def frechet_distance(real_features, fake_features):
    """Frechet distance between Gaussians fitted to real and fake features; lower is better.

    d^2 = |mu_r - mu_f|^2 + Tr(S_r + S_f - 2 (S_r S_f)^(1/2)), with covariances S over `n - 1`.

    With few samples it is biased upwards: compare values of the same extractor, preprocessing and number of
    clips only. It is called FID or FVD only with Inception or I3D features.

    Departure from the usual code: no matrix square root. With A the centred real rows over sqrt(n - 1), so
    that A^T A = S_r, and B likewise, Tr (S_r S_f)^(1/2) is the sum of the singular values of A B^T. This is
    faster, and stays exact where the covariances are singular (fewer clips than features).

    Args:
        real_features: shape `(num_real, feature_dim)`.
        fake_features: shape `(num_fake, feature_dim)`.

    Returns:
        The distance, a float of at least 0, in squared feature units.

    Raises:
        ValueError: an array is not 2-D, has under 2 rows or holds NaN, or the feature dimensions differ.

    Source: Heusel et al. 2017, https://arxiv.org/abs/1706.08500
    """
    real, fake = _feature_pair(real_features, fake_features)
    a, b = _covariance_factor(real), _covariance_factor(fake)
    trace_of_root = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    mean_term = np.sum((real.mean(axis=0) - fake.mean(axis=0)) ** 2)
    distance = mean_term + np.sum(a**2) + np.sum(b**2) - 2 * trace_of_root
    return float(max(distance, 0.0))  # rounding can leave -1e-14 between equal sets


def _covariance_factor(features):
    """A with A^T A = covariance of the rows: at most `feature_dim` rows, so the SVD is as small as can be."""
    centred = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    return np.linalg.qr(centred, mode="r")


def kernel_distance(real_features, fake_features):
    """Unbiased squared MMD with the kernel k(x, y) = (x.y / feature_dim + 1)^3; lower is better.

    Called KID with Inception features. Its mean does not depend on the number of clips, so it suits small
    sets; for equal distributions it scatters around 0 and can be negative. All rows are used, in one block.

    Arguments and errors as in `frechet_distance`; returns the distance as a float.

    Source: Binkowski et al. 2018, https://arxiv.org/abs/1801.01401
    """
    real, fake = _feature_pair(real_features, fake_features)

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x):  # the mean over pairs of *different* rows
        values = kernel(x, x)
        return (values.sum() - np.trace(values)) / (len(x) * (len(x) - 1))

    return float(within(real) + within(fake) - 2 * kernel(real, fake).mean())


def precision_recall(real_features, fake_features, *, k=3):
    """Share of fakes that look real (precision), and of reals that the fakes cover (recall).

    A set's manifold is the union of balls around its rows, each reaching to the row's k-th nearest neighbour
    in the same set. Low precision: bad samples. Low recall: mode collapse.

    Arguments and errors as in `frechet_distance`, and `k`, at least 1 and under the number of rows.
    Returns `(precision, recall)`, floats in [0, 1].

    Source: Kynkaanniemi et al. 2019, https://arxiv.org/abs/1904.06991
    """
    real, fake = _feature_pair(real_features, fake_features)
    whole_number("k", k, 1, min(len(real), len(fake)) - 1, meaning="under the number of rows")

    def radius(features):  # position 0 is the row itself, at distance 0
        return np.partition(_distances(features, features), k, axis=1)[:, k]

    between = _distances(real, fake)
    precision = (between <= radius(real)[:, None]).any(axis=0).mean()
    recall = (between <= radius(fake)[None, :]).any(axis=1).mean()
    return float(precision), float(recall)


def inception_score(probabilities):
    """exp(E KL(p(y|x) | p(y))); higher is better: sure about each clip, all classes in equal parts.

    Takes a classifier's `probabilities` of shape `(num_clips, num_classes)`, whose rows sum to 1. Returns a
    float between 1 and `num_classes`, called "inception score" with Inception's classes only. Raises
    ValueError if the rows are no probabilities.

    Source: Salimans et al. 2016, https://arxiv.org/abs/1606.03498
    """
    p = _floats(probabilities, "probabilities", least=(2, 1))
    sums = p.sum(axis=1)
    if p.min() < 0 or np.abs(sums - 1).max() > 1e-3:
        received = f"a minimum of {p.min():.3g}, sums of {sums.min():.3g} to {sums.max():.3g}"
        raise ValueError(f"probabilities: expected 0 or more, rows that sum to 1, received {received}")
    ratio = np.divide(p, p.mean(axis=0), out=np.ones_like(p), where=p > 0)  # 0 log 0 = 0
    return float(np.exp(np.mean(np.sum(p * np.log(ratio), axis=1))))


def diversity(features):
    """Mean distance between two different rows; a collapsed generator scores 0.

    Takes features of shape `(num_clips, feature_dim)`, best of one action (between actions there is always
    a distance); returns a float in feature units. Errors as in `frechet_distance`.
    """
    features = _floats(features, "features", least=(2, 1))
    n = len(features)
    return float(_distances(features, features).sum() / (n * (n - 1)))


# --- Copies of the training clips ------------------------------------------------------------------------


def nearest_neighbours(fake, real):
    """The nearest real row of every fake one: is a generated clip a copy?

    Args:
        fake: features `(num_fake, feature_dim)`, or uint8 clips `(num_fake, T, H, W, C)` to compare pixels.
        real: the training set in the same form. Pixels are compared frame by frame: give shifted starts
            as clips of their own.

    Returns `(indices, distances)`, each of shape `(num_fake,)`: rows of `real`, and the Euclidean distance in
    feature units, or for clips the root-mean-square difference in grey levels, in [0, 255].
    Raises ValueError for another rank or dtype, NaN, or shapes that differ but for the number of rows.
    """
    if np.ndim(fake) == 5:
        fake, real = (uint8_clips(name, c, channels=None) for name, c in (("fake", fake), ("real", real)))
        if fake.shape[1:] != real.shape[1:]:
            raise ValueError(f"expected clips of one shape, received {fake.shape} and {real.shape}")
        scale = np.sqrt(fake[0].size)
        fake, real = fake.reshape(len(fake), -1), real.reshape(len(real), -1)
    else:
        (real, fake), scale = _feature_pair(real, fake, min_rows=1), 1.0
    indices, distances = [], []
    for rows in _blocks(fake):
        to_real = np.concatenate([_distances(rows, others) for others in _blocks(real)], axis=1)
        indices.append(to_real.argmin(axis=1))
        distances.append(to_real.min(axis=1))
    return np.concatenate(indices), np.concatenate(distances) / scale


def _blocks(rows, size=64):
    """A few rows at a time: float64 copies of all clips at once would fill the memory."""
    return (rows[start : start + size].astype(np.float64) for start in range(0, len(rows), size))


class Memorisation(NamedTuple):
    """What `memorisation` found; distances in the units of `nearest_neighbours`."""

    fake_distance: float  # median distance from a fake clip to its nearest training clip
    heldout_distance: float  # the same from a held-out real clip: what "new" looks like
    ratio: float  # the first over the second: far under 1 when clips are copied
    threshold: float  # the distance that 1% of the held-out clips fall under
    copied_share: float  # share of fakes at or under it: about 0.01 if they are as new as the held-out ones
    suspects: np.ndarray  # rows of those fakes, nearest first
    matches: np.ndarray  # the training row nearest to each suspect


def memorisation(fake, train, heldout):
    """Are the fakes nearer to the training set than new real clips are?

    `fake`, `train` (what the generator was trained on) and `heldout` (real, never seen by it; 100 or more,
    for the 1% to mean something) are all features or all clips, as in `nearest_neighbours`, errors too.
    Returns a `Memorisation`; its ratio is NaN if most held-out clips are exact copies of training clips.

    A new clip of a training actor may lie nearer than any clip of held-out actors without being a copy:
    look at the suspects.
    """
    matches, fake_distances = nearest_neighbours(fake, train)
    _, heldout_distances = nearest_neighbours(heldout, train)
    threshold = float(np.quantile(heldout_distances, 0.01))
    order = np.argsort(fake_distances, kind="stable")
    suspects = order[fake_distances[order] <= threshold]
    median, new = float(np.median(fake_distances)), float(np.median(heldout_distances))
    ratio = median / new if new > 0 else float("nan")
    share = len(suspects) / len(fake_distances)
    return Memorisation(median, new, ratio, threshold, share, suspects, matches[suspects])


# --- Time ------------------------------------------------------------------------------------------------


def content_distance(content_features):
    """Average content distance (ACD): how much the actor changes within a clip; lower is better.

    The mean over clips of the average distance between two frames' features, over *all pairs* of frames
    (consecutive frames alone would miss a slow drift). A frozen clip scores 0: give `motion_energy` with it.

    Takes `content_features` of shape `(num_clips, num_frames, feature_dim)`, 2 frames or more. Returns a
    float in feature units. Raises ValueError for another rank, too few frames or NaN.

    Source: Tulyakov et al. 2018 (MoCoGAN), https://arxiv.org/abs/1707.04993
    """
    features = _floats(content_features, "content_features", least=(1, 2, 1))
    first, second = np.triu_indices(features.shape[1], k=1)
    pairs = (np.linalg.norm(clip[first] - clip[second], axis=1).mean() for clip in features)
    return float(np.mean(list(pairs)))


def motion_control_score(clips, actions, *, classifier=None):
    """Share of clips in which a classifier, trained on real clips, recognises the commanded action.

    Args:
        clips: uint8, shape `(num_clips, T, H, W, C)`.
        actions: integers, shape `(num_clips,)`: the action that each clip was to show.
        classifier: clips -> probabilities `(num_clips, num_actions)`; `features.classify` if None.

    Returns a float in [0, 1]; guessing scores 1 / num_actions. Raises ValueError for another rank or dtype,
    counts that differ, or an unknown action. Source: Tulyakov et al. 2018, https://arxiv.org/abs/1707.04993
    """
    clips, actions = uint8_clips("clips", clips, channels=None), np.asarray(actions)
    if actions.shape != (len(clips),) or actions.dtype.kind not in "iu":
        received = f"{actions.dtype} {actions.shape}"
        raise ValueError(f"actions: expected integers of shape ({len(clips)},), received {received}")
    scores = _floats((classifier or classify)(clips), "the classifier's output", least=(1, 1))
    if len(scores) != len(clips):
        raise ValueError(f"classifier: expected scores of {len(clips)} clips, received {scores.shape}")
    if unknown := sorted({*actions.tolist()} - {*range(scores.shape[1])}):
        raise ValueError(f"actions: expected 0 to {scores.shape[1] - 1}, received {unknown[:5]}")
    return float(np.mean(scores.argmax(axis=1) == actions))


def motion_energy(clips):
    """Mean absolute difference of consecutive frames, in grey levels; 0 for a frozen clip.

    Neither high nor low is good: near the value of real clips is. Noise counts as motion (see `flicker`).

    Takes uint8 clips `(num_clips, T, H, W, C)` of 2 frames or more; returns a float in [0, 255].
    Raises ValueError for another rank or dtype, or too few frames.
    """
    clips = uint8_clips("clips", clips, channels=None, min_frames=2)
    changes = (np.diff(clip.astype(np.int16), axis=0) for clip in clips)  # uint8 would wrap around at 0
    return float(np.mean([np.abs(change).mean() for change in changes]))


def flicker(clips):
    """How much the still part of the picture jumps from frame to frame, in grey levels; lower is better.

    The mean over clips and times of the median over pixels of |x[t+1] - 2 x[t] + x[t-1]| / 2. The median
    looks at the background, as long as a moving figure sweeps under half of the picture in three frames; the
    second difference lets steady fades pass. A picture alternating between two levels scores their gap.

    Arguments and errors as in `motion_energy`, but for 3 frames or more; returns a float in [0, 255].
    """
    clips = uint8_clips("clips", clips, channels=None, min_frames=3)
    jumps = (np.abs(np.diff(clip.astype(np.int16), n=2, axis=0)) / 2 for clip in clips)
    return float(np.mean([np.median(jump.reshape(len(jump), -1), axis=1).mean() for jump in jumps]))


# --- Shared steps and checks -----------------------------------------------------------------------------


def _distances(x, y):
    """Euclidean distances between the rows of two float64 arrays, shape `(len(x), len(y))`."""
    centre = x.mean(axis=0)  # a large common offset would eat up the digits below
    x, y = x - centre, y - centre
    x_squares, y_squares = np.sum(x**2, axis=1)[:, None], np.sum(y**2, axis=1)[None, :]
    squares = x_squares + y_squares - 2 * (x @ y.T)
    squares[squares < 1e-13 * (x_squares + y_squares)] = 0.0  # equal rows: the root would blow rounding up
    return np.sqrt(squares)


def _floats(values, name, *, least):
    """`values` as finite float64; `least` holds the smallest size of each axis."""
    try:
        array = np.asarray(values)
        if array.dtype.kind == "c":
            raise TypeError("complex numbers")
        array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected a float array, received {error}") from None
    if array.ndim != len(least) or np.less(array.shape, least).any():
        raise ValueError(f"{name}: expected {len(least)} axes of at least {least}, received {array.shape}")
    if not (np.abs(array) < 1e50).all():  # the sixth power of more is too much for float64
        raise ValueError(f"{name}: expected finite numbers under 1e50, received NaN, infinity or more")
    return array


def _feature_pair(real_features, fake_features, *, min_rows=2):
    real = _floats(real_features, "real_features", least=(min_rows, 1))
    fake = _floats(fake_features, "fake_features", least=(min_rows, 1))
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"expected one feature dimension, received real {real.shape} and fake {fake.shape}")
    return real, fake
