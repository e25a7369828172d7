"""Metrics against literal values, closed forms and other libraries (SciPy, scikit-learn, prdc)."""

import numpy as np
import prdc
import pytest
import scipy.linalg
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist
from scipy.stats import ortho_group
from sklearn.metrics.pairwise import polynomial_kernel

from vgcourse.evaluate import metrics

sizes = st.tuples(st.integers(2, 30), st.integers(2, 30), st.integers(1, 12), st.integers(0, 10**6))


def draw(size):
    """Two sets of correlated features with different means, from `(num_real, num_fake, dim, seed)`."""
    num_real, num_fake, dim, seed = size
    rng = np.random.default_rng(seed)
    real = rng.normal(size=(num_real, dim)) @ rng.normal(size=(dim, dim)) + rng.normal(size=dim)
    return real, rng.normal(size=(num_fake, dim)) @ rng.normal(size=(dim, dim))


def exact_sample(mean, covariance, n=50, seed=0):
    """n rows whose mean and (n - 1) covariance are exactly these."""
    noise = np.random.default_rng(seed).normal(size=(n, len(mean)))
    orthonormal, _ = np.linalg.qr(noise - noise.mean(axis=0))
    return np.array(mean) + np.sqrt(n - 1) * orthonormal @ scipy.linalg.sqrtm(np.array(covariance)).real


@pytest.fixture(scope="module")
def reference_pair():
    rng = np.random.default_rng(1234)
    return rng.normal(size=(200, 8)), rng.normal(size=(200, 8)) * 1.5 + 0.5


# --- Frechet distance ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [
        (([0], [[1]]), ([3], [[4]]), 10),
        (([0, 0], np.diag([1, 4])), ([1, 2], np.diag([9, 16])), 13),
        (([5, 5], [[2, 1], [1, 2]]), ([5, 5], np.diag([1, 3])), 0.5166852264521173),
    ],
)
@pytest.mark.parametrize("n", [5, 50])
def test_frechet_distance_of_known_gaussians(real, fake, expected, n):
    got = metrics.frechet_distance(exact_sample(*real, n), exact_sample(*fake, n, seed=1))
    assert isinstance(got, float)
    assert got == pytest.approx(expected, rel=1e-12)


def test_frechet_distance_reference_value(reference_pair):
    assert metrics.frechet_distance(*reference_pair) == pytest.approx(3.8526225091745, rel=1e-12)


def classical_frechet_distance(real, fake):
    """The usual code, with a matrix square root."""
    covariances = np.atleast_2d(np.cov(real.T)), np.atleast_2d(np.cov(fake.T))
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    gap = real.mean(axis=0) - fake.mean(axis=0)
    return gap @ gap + np.trace(covariances[0] + covariances[1]) - 2 * np.trace(root).real


@pytest.mark.filterwarnings("ignore:Matrix is singular")
@settings(max_examples=60)
@given(size=sizes)
def test_frechet_distance_against_the_matrix_square_root(size):
    real, fake = draw(size)
    # SciPy's root of a singular product (fewer rows than columns) is itself good to 1e-6 or so only.
    singular = min(size[:2]) <= size[2] + 1
    scale = np.var(real, axis=0).sum() + np.var(fake, axis=0).sum()
    expected = classical_frechet_distance(real, fake)
    assume(np.isfinite(expected))
    tolerance = scale * (1e-5 if singular else 1e-8)
    assert metrics.frechet_distance(real, fake) == pytest.approx(expected, rel=1e-7, abs=tolerance)


@settings(max_examples=30)
@given(dim=st.integers(1, 12), rank=st.integers(1, 6), seed=st.integers(0, 999))
def test_frechet_distance_of_singular_covariances_in_closed_form(dim, rank, seed):
    # Covariances V diag(a^2) V^T and V diag(b^2) V^T commute: d^2 = |mean gap|^2 + |a - b|^2, at any rank.
    rng, rank = np.random.default_rng(seed), min(rank, dim)
    axes = np.linalg.qr(rng.normal(size=(dim, rank)))[0]
    a, b, gap = rng.uniform(0, 3, rank), rng.uniform(0, 3, rank), rng.normal(size=dim)
    sets = [exact_sample(np.zeros(rank), np.eye(rank), n=8, seed=s) * c @ axes.T for s, c in ((1, a), (2, b))]
    expected = gap @ gap + np.sum((a - b) ** 2)
    assert metrics.frechet_distance(sets[0], sets[1] + gap) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(("dim", "n", "bias"), [(16, 1000, 0.168), (64, 100, 22.08)])
def test_small_sample_bias(dim, n, bias):
    assert bias == pytest.approx(2 / n * (dim + dim * (dim + 1) / 4))
    rng = np.random.default_rng(0)
    draws = [metrics.frechet_distance(*rng.normal(size=(2, n, dim))) for _ in range(40)]
    # Measured scatter of one draw: 0.026 and 0.5.
    assert np.mean(draws) == pytest.approx(bias, rel=0.08)


# --- Kernel distance, precision and recall ---------------------------------------------------------------


def test_kernel_distance_by_hand():
    assert metrics.kernel_distance([[1, 0], [0, 1]], [[1, 1], [2, 0]]) == pytest.approx(1.125, rel=1e-14)


def test_kernel_distance_reference_value(reference_pair):
    assert metrics.kernel_distance(*reference_pair) == pytest.approx(1.956306210449, rel=1e-12)


@settings(max_examples=30)
@given(size=sizes)
def test_kernel_distance_against_scikit_learn(size):
    real, fake = draw(size)

    def kernel(x, y):
        return polynomial_kernel(x, y, degree=3, gamma=1 / size[2], coef0=1)

    def within(x):
        return kernel(x, x)[~np.eye(len(x), dtype=bool)].mean()

    expected = within(real) + within(fake) - 2 * kernel(real, fake).mean()
    scale = np.abs(kernel(real, real)).max() + np.abs(kernel(fake, fake)).max()
    assert metrics.kernel_distance(real, fake) == pytest.approx(expected, rel=1e-9, abs=1e-12 * scale)


def test_kernel_distance_is_unbiased():
    rng = np.random.default_rng(0)
    draws = [metrics.kernel_distance(*rng.normal(size=(2, 10, 3))) for _ in range(2000)]
    assert abs(np.mean(draws)) < 4 * np.std(draws) / np.sqrt(len(draws))
    assert min(draws) < 0


def test_precision_recall_reference_value(reference_pair):
    assert metrics.precision_recall(*reference_pair) == (0.36, 1.0)


@settings(max_examples=30)
@given(size=sizes, k=st.integers(1, 5))
def test_precision_recall_against_prdc(size, k):
    size = (size[0] + 6, size[1] + 6, *size[2:])
    real, fake = draw(size)
    expected = prdc.compute_prdc(real, fake, nearest_k=k)
    assert metrics.precision_recall(real, fake, k=k) == (expected["precision"], expected["recall"])


def test_precision_recall_on_a_line():
    # k=1 balls around the reals: [-1, 1], [0, 2], [1, 39]; the fakes: [-27, 30], [30, 150], [1.5, 58.5].
    real, fake = [[0], [1], [20]], [[1.5], [90], [30]]
    assert metrics.precision_recall(real, fake, k=1) == (pytest.approx(2 / 3), 1.0)
    assert metrics.precision_recall(fake, real, k=1) == (1.0, pytest.approx(2 / 3))


def test_precision_recall_of_repeated_rows():
    same = np.full((6, 3), 0.1)
    assert metrics.precision_recall(same, same) == (1.0, 1.0)
    assert metrics.precision_recall(same, same + 0.1) == (0.0, 0.0)


@pytest.mark.parametrize("k", [0, 4, -1, 1.5, "3"])
def test_k_must_fit_the_rows(k):
    with pytest.raises(ValueError, match=f"k: expected a whole number from 1 to 3 .*received {k!r}"):
        metrics.precision_recall(np.eye(4), np.eye(4), k=k)


# --- Invariances of all distances ------------------------------------------------------------------------

DISTANCES = [metrics.frechet_distance, metrics.kernel_distance, metrics.precision_recall]


@settings(max_examples=15)
@given(size=sizes)
@pytest.mark.parametrize("distance", DISTANCES)
def test_rotation_and_order_of_rows_change_nothing(distance, size):
    real, fake = draw((size[0] + 4, size[1] + 4, size[2] + 2, size[3]))
    rng = np.random.default_rng(size[3])
    turn = ortho_group.rvs(real.shape[1], random_state=size[3])
    expected = distance(real, fake)
    assert distance(real @ turn, fake @ turn) == pytest.approx(expected, rel=1e-8, abs=1e-9)
    assert distance(rng.permutation(real), rng.permutation(fake)) == pytest.approx(
        expected, rel=1e-8, abs=1e-9
    )


@settings(max_examples=20)
@given(size=sizes)
def test_symmetry_identity_and_units(size):
    real, fake = draw((size[0] + 4, size[1] + 4, *size[2:]))
    scale = np.sum(real**2) / len(real)
    there, back = metrics.frechet_distance(real, fake), metrics.frechet_distance(fake, real)
    assert there == pytest.approx(back, rel=1e-9, abs=1e-12 * scale)
    assert 0 <= metrics.frechet_distance(real, real) <= 1e-12 * scale
    assert metrics.frechet_distance(3 * real, 3 * fake) == pytest.approx(
        9 * there, rel=1e-9, abs=1e-11 * scale
    )
    assert metrics.frechet_distance(real, real + 2) == pytest.approx(4 * real.shape[1], rel=1e-9)
    assert metrics.kernel_distance(real, fake) == pytest.approx(metrics.kernel_distance(fake, real), rel=1e-9)
    assert metrics.precision_recall(real, real) == (1.0, 1.0)
    assert metrics.precision_recall(real, fake) == metrics.precision_recall(fake, real)[::-1]


def test_any_form_of_numbers_will_do():
    # Means 1/2 and 7/2, variances 1/2: 3^2; and of constant features the gap of the means alone.
    assert metrics.frechet_distance([[0], [1]], ((3,), (4,))) == pytest.approx(9, rel=1e-12)
    assert metrics.frechet_distance(np.ones((6, 4), np.int8), np.full((3, 4), 3, np.float32)) == 16.0
    rng = np.random.default_rng(0)
    few, wide = rng.normal(size=(3, 40)), rng.normal(size=(5, 40))  # fewer rows than columns
    assert metrics.frechet_distance(few, few) == pytest.approx(0, abs=1e-12)
    expected = classical_frechet_distance(few, wide)
    assert metrics.frechet_distance(few, wide) == pytest.approx(expected, rel=1e-4)
    assert metrics.frechet_distance(few.tolist(), wide) == metrics.frechet_distance(few, wide)


def test_half_precision_features_are_computed_in_float64(reference_pair):
    real, fake = (x.astype(np.float16) for x in reference_pair)
    exact = metrics.frechet_distance(real.astype(np.float64), fake.astype(np.float64))
    assert metrics.frechet_distance(real, fake) == exact


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros(8), r"fake_features.*2 axes.*\(8,\)"),
        (np.zeros((5, 2, 4)), r"fake_features.*2 axes"),
        (np.zeros((1, 8)), r"fake_features.*at least \(2, 1\).*\(1, 8\)"),
        (np.zeros((5, 0)), r"fake_features.*\(5, 0\)"),
        (np.zeros((5, 7)), r"one feature dimension.*\(200, 8\).*\(5, 7\)"),
        (np.full((5, 8), np.nan), r"fake_features.*finite.*NaN"),
        (np.full((5, 8), np.inf), r"fake_features.*infinity"),
        (np.full((5, 8), 1e60), r"fake_features.*under 1e50"),
        (np.full((5, 8), 1 + 1j), "fake_features.*complex"),
        ([["a"] * 8] * 5, "fake_features.*could not convert"),
        ([[1.0], [1.0, 2.0]], "fake_features.*expected a float array"),
        (None, "fake_features"),
    ],
)
def test_bad_features_are_named(distance, bad, message, reference_pair):
    with pytest.raises(ValueError, match=message):
        distance(reference_pair[0], bad)
    with pytest.raises(ValueError, match="one feature dimension" if "one" in message else "real_features"):
        distance(bad, reference_pair[0])


# --- Inception score, diversity, content distance --------------------------------------------------------


@pytest.mark.parametrize(
    ("probabilities", "score"),
    [
        ([[0.9, 0.1], [0.1, 0.9]], 1.4449348),
        (np.eye(6), 6),
        (np.full((5, 4), 0.25), 1),
        ([[0.3, 0.7]] * 3, 1),
    ],
)
def test_inception_score(probabilities, score):
    assert metrics.inception_score(probabilities) == pytest.approx(score, rel=1e-7)


@pytest.mark.parametrize(
    "bad", [[[0.5, 0.6], [0.5, 0.5]], [[-0.5, 1.5], [0.5, 0.5]], [[2.0, -3.0], [1.0, 0.0]]]
)
def test_inception_score_wants_probabilities(bad):
    with pytest.raises(ValueError, match="probabilities.*sum to 1"):
        metrics.inception_score(bad)


def test_diversity():
    assert metrics.diversity([[0, 0], [3, 4], [6, 8]]) == pytest.approx((5 + 5 + 10) / 3)
    assert metrics.diversity(np.full((7, 5), 0.1)) == 0.0
    features = np.random.default_rng(0).normal(size=(30, 6))
    with pytest.raises(ValueError, match=r"features: .*at least \(2, 1\), received \(1, 6\)"):
        metrics.diversity(features[:1])
    assert metrics.diversity(features + 1e6) == pytest.approx(pdist(features).mean(), rel=1e-6)


def test_content_distance_is_pairwise():
    colours = np.array([0.0, 1.0, 3.0])[None, :, None]
    assert metrics.content_distance(colours) == 2.0  # (1 + 2 + 3) / 3; consecutive frames would give 1.5
    assert metrics.content_distance(np.concatenate([colours, 0 * colours])) == 1.0
    assert metrics.content_distance(np.full((2, 5, 3), 0.1)) == 0.0


@settings(max_examples=20)
@given(shape=st.tuples(st.integers(1, 4), st.integers(2, 9), st.integers(1, 5)), seed=st.integers(0, 99))
def test_content_distance_against_scipy(shape, seed):
    features = np.random.default_rng(seed).normal(size=shape)
    expected = np.mean([pdist(clip).mean() for clip in features])
    assert metrics.content_distance(features) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "bad", [np.zeros((3, 4)), np.zeros((3, 1, 4)), np.zeros((0, 3, 4)), np.full((2, 2, 2), np.nan)]
)
def test_content_distance_refuses(bad):
    with pytest.raises(ValueError, match="content_features"):
        metrics.content_distance(bad)


# --- Memorisation ----------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(size=st.tuples(st.integers(1, 150), st.integers(1, 150), st.integers(1, 5), st.integers(0, 999)))
def test_nearest_neighbours_against_scipy(size):
    real, fake = draw(size)
    indices, distances = metrics.nearest_neighbours(fake, real)
    expected = cdist(fake, real)
    np.testing.assert_array_equal(indices, expected.argmin(axis=1))
    np.testing.assert_allclose(distances, expected.min(axis=1), rtol=1e-6, atol=1e-9)


def noise_clips(num_clips, seed, shape=(4, 6, 5, 3)):
    return np.random.default_rng(seed).integers(0, 256, (num_clips, *shape), dtype=np.uint8)


def test_nearest_neighbours_of_clips_in_grey_levels():
    train = noise_clips(130, 0)
    train[:, 0, 0, 0, 0] = 100
    near = train[[129, 3, 64]]
    near[1] = np.where(near[1] < 128, near[1] + 7, near[1] - 7)  # every pixel off by 7
    near[2, 0, 0, 0, 0] = 101  # one value off by one
    indices, distances = metrics.nearest_neighbours(near, train)
    np.testing.assert_array_equal(indices, [129, 3, 64])
    np.testing.assert_allclose(distances, [0, 7, np.sqrt(1 / train[0].size)], rtol=1e-9)


def test_memorisation_finds_the_copies():
    rng = np.random.default_rng(0)
    train, heldout, fake = rng.normal(size=(300, 6)), rng.normal(size=(200, 6)), rng.normal(size=(100, 6))
    fake[[7, 30]] = train[[5, 250]] + [[1e-6], [0]]
    found = metrics.memorisation(fake, train, heldout)
    assert found.suspects[:2].tolist() == [30, 7]  # nearest first
    assert found.matches[:2].tolist() == [250, 5]
    assert found.copied_share == len(found.suspects) / 100
    assert found.copied_share == np.mean(cdist(fake, train).min(axis=1) <= found.threshold)
    assert found.threshold == pytest.approx(np.percentile(cdist(heldout, train).min(axis=1), 1))
    nearest = [np.median(cdist(rows, train).min(axis=1)) for rows in (fake, heldout)]
    assert (found.fake_distance, found.heldout_distance) == pytest.approx(tuple(nearest))
    assert found.ratio == pytest.approx(nearest[0] / nearest[1])
    assert 0.8 < found.ratio < 1.2


def test_memorisation_of_a_generator_that_only_copies_or_is_new():
    rng = np.random.default_rng(1)
    train, heldout = rng.normal(size=(2, 400, 8))
    copier = metrics.memorisation(train[:100] + 1e-3, train, heldout)
    assert copier.copied_share == 1.0
    assert copier.ratio < 0.01
    new = metrics.memorisation(rng.normal(size=(400, 8)), train, heldout)
    assert new.copied_share < 0.04
    assert new.ratio == pytest.approx(1, abs=0.1)


def test_a_fake_at_the_threshold_is_a_suspect():
    # 101 held-out rows at distances 0, 1, ..., 100: the 1% quantile is exactly 1.
    train, heldout = np.array([[0.0], [1000.0]]), np.arange(101.0)[:, None]
    found = metrics.memorisation([[1.5], [1.0], [999.5], [400.0]], train, heldout)
    assert found.threshold == 1.0
    assert (found.suspects.tolist(), found.matches.tolist(), found.copied_share) == ([2, 1], [1, 0], 0.5)
    assert (found.fake_distance, found.heldout_distance) == (1.25, 50.0)


def test_memorisation_works_on_clips():
    train, heldout, fake = noise_clips(20, 0), noise_clips(10, 1), noise_clips(5, 2)
    fake[4] = train[11]
    found = metrics.memorisation(fake, train, heldout)
    assert found.suspects[0] == 4
    assert found.matches[0] == 11
    assert np.isnan(metrics.memorisation(fake, train, train).ratio)


@pytest.mark.parametrize(
    ("fake", "real", "message"),
    [
        (np.zeros((2, 3, 4, 4, 3), np.uint8), np.zeros((2, 3, 4, 5, 3), np.uint8), "one shape"),
        (np.zeros((2, 3, 4, 4, 3), np.uint8), np.zeros((2, 3)), "real: expected uint8"),
        (np.zeros((2, 3, 4, 4, 3)), np.zeros((2, 3, 4, 4, 3), np.uint8), "fake: expected uint8"),
        (np.zeros((2, 3)), np.zeros((2, 4)), "one feature dimension"),
        (np.zeros((0, 3)), np.zeros((2, 3)), "fake_features"),
    ],
)
def test_nearest_neighbours_refuses(fake, real, message):
    with pytest.raises(ValueError, match=message):
        metrics.nearest_neighbours(fake, real)


# --- Time ------------------------------------------------------------------------------------------------


def levels(*values, clips=1):
    """Flat clips whose frames have these grey levels, shape (clips, T, 4, 5, 3)."""
    frames = np.array(values, np.uint8)[None, :, None, None, None]
    return np.broadcast_to(frames, (clips, len(values), 4, 5, 3)).copy()


def test_motion_energy():
    assert metrics.motion_energy(levels(0, 255, 0)) == 255.0  # no wrap-around of uint8
    assert metrics.motion_energy(levels(10, 13, 8)) == 4.0
    assert metrics.motion_energy(levels(9, 9, 9)) == 0.0
    both = np.concatenate([levels(10, 13, 8), levels(7, 7, 7)])
    assert metrics.motion_energy(both) == 2.0
    assert metrics.motion_energy(both[::-1, ::-1]) == 2.0
    half = levels(0, 0, 0)
    half[0, 1, :2] = 8  # half of the rows
    assert metrics.motion_energy(half) == 4.0


def test_flicker():
    assert metrics.flicker(levels(40, 50, 40, 50)) == 10.0
    assert metrics.flicker(levels(0, 255, 0)) == 255.0
    assert metrics.flicker(levels(10, 20, 30, 40)) == 0.0  # a steady fade
    assert metrics.flicker(levels(0, 0, 8, 8)) == 4.0  # one jump: half of it, twice
    assert metrics.flicker(np.concatenate([levels(40, 50, 40), levels(1, 1, 1)])) == 5.0


def test_flicker_looks_at_the_background():
    clips = levels(*[100] * 5).repeat(2, axis=3)  # 10 wide
    for t in range(5):  # a bright column that runs over a still background: 3 of 10 columns in 3 frames
        clips[0, t, :, 2 * t] = 250
    assert metrics.flicker(clips) == 0.0
    assert metrics.motion_energy(clips) == 30.0  # 2 columns of 10 change by 150
    clips[0, ::2] -= 10
    assert metrics.flicker(clips) == 10.0


def test_motion_control_score_counts_the_recognised():
    clips = levels(0, clips=4)
    clips += np.arange(4, dtype=np.uint8)[:, None, None, None, None]  # the level says what a clip shows

    def classifier(clips):
        return np.eye(5)[clips[:, 0, 0, 0, 0]] * 0.6 + 0.08

    assert metrics.motion_control_score(clips, [0, 1, 2, 3], classifier=classifier) == 1.0
    assert metrics.motion_control_score(clips, [0, 1, 4, 0], classifier=classifier) == 0.5
    assert metrics.motion_control_score(clips, np.int8([4, 4, 4, 4]), classifier=classifier) == 0.0


def test_motion_control_score_asks_the_shipped_classifier(monkeypatch):
    monkeypatch.setattr(metrics, "classify", lambda clips: np.eye(3)[[2] * len(clips)])
    assert metrics.motion_control_score(levels(0, clips=2), [2, 1]) == 0.5


@pytest.mark.parametrize(
    ("actions", "output", "message"),
    [
        ([0, 1, 0], np.eye(2), r"actions.*\(2,\).*\(3,\)"),
        ([0.0, 1.0], np.eye(2), "actions.*integers.*float64"),
        (["walk", "run"], np.eye(2), "actions.*integers"),
        ([0, 2], np.eye(2), r"actions: expected 0 to 1, received \[2\]"),
        ([0, -1], np.eye(2), r"received \[-1\]"),
        ([0, 1], np.eye(3), r"classifier: expected scores of 2 clips, received \(3, 3\)"),
        ([0, 1], np.zeros(2), "classifier's output.*2 axes"),
        ([0, 1], np.full((2, 2), np.nan), "classifier's output.*NaN"),
    ],
)
def test_motion_control_score_refuses(actions, output, message):
    with pytest.raises(ValueError, match=message):
        metrics.motion_control_score(levels(0, clips=2), actions, classifier=lambda clips: output)


@pytest.mark.parametrize("metric", [metrics.motion_energy, metrics.flicker])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (levels(1, 2, 3).astype(np.float32), "clips: expected uint8.*float32.*to_uint8"),
        (levels(1, 2, 3)[0], r"\(num_clips, num_frames, .*\(3, 4, 5, 3\)"),
        (levels(1), "num_frames at least [23]"),
        (levels(1, 2, 3)[:0], "num_clips"),
    ],
)
def test_bad_clips_are_named(metric, bad, message):
    with pytest.raises(ValueError, match=message):
        metric(bad)
