"""Motions as a few numbers: against NumPy's singular values, and by what turning time round must do."""

import itertools

import numpy as np
import pytest
from small_motions import NUM_FRAMES, NUM_JOINTS, small_components, wavy_motions

from vgcourse import people
from vgcourse.structure import MotionComponents, iter_motion_batches


@pytest.fixture(scope="module")
def joints():
    """Thirty motions of people, 64 pixels high."""
    return np.stack(
        [
            people.action_joints(action, actor, size=64, num_frames=20, fps=10)
            for action in people.ACTIONS
            for actor in range(3)
        ]
    )


@pytest.fixture(scope="module")
def components(joints):
    fitted = MotionComponents(num_components=20)
    fitted.fit(joints, size=64)
    return fitted


def test_components_are_those_of_the_singular_values():
    joints = wavy_motions() / 64
    every_start = np.concatenate([np.roll(joints, k, axis=1) for k in range(NUM_FRAMES)]).reshape(-1, 36)
    _, singular, directions = np.linalg.svd(every_start - every_start.mean(axis=0), full_matrices=False)
    components = MotionComponents(NUM_FRAMES, NUM_JOINTS, 8)
    deviations = components.fit(joints * 64, size=64)
    np.testing.assert_allclose(deviations, singular[:8] / np.sqrt(len(every_start)), rtol=1e-6)
    found = np.asarray(components.directions)
    # Directions come in pairs of the same size: what they span is compared, not each by itself.
    np.testing.assert_allclose(found.T @ found, directions[:8].T @ directions[:8], atol=1e-5)
    np.testing.assert_allclose(components.mean, every_start.mean(axis=0), rtol=1e-6)


def test_small_coefficients_are_raised_half_way_to_the_largest():
    coefficients = small_components().encode_all_starts(wavy_motions(), size=64).reshape(-1, 5)
    deviations = MotionComponents(NUM_FRAMES, NUM_JOINTS, 5).fit(wavy_motions(), size=64)
    np.testing.assert_allclose(coefficients.var(axis=0), 3 * deviations / deviations[0], rtol=1e-4)
    np.testing.assert_allclose(coefficients.mean(axis=0), 0, atol=1e-4)


def test_enough_components_lose_nothing():
    joints = wavy_motions()
    components = small_components(30)  # of 36 numbers: six are the third wave's, which is not in them
    there_and_back = components.decode(components.encode(joints, size=64), size=64)
    np.testing.assert_allclose(there_and_back, joints, atol=1e-3)


def test_few_components_lose_little_and_less_the_more_there_are(joints):
    losses = []
    for number in (5, 20, 48):
        components = MotionComponents(num_components=number)
        components.fit(joints, size=64)
        back = components.decode(components.encode(joints, size=64), size=64)
        losses.append(float(np.sqrt(np.mean((np.asarray(back) - joints) ** 2))))
    assert losses == sorted(losses, reverse=True)
    assert losses[0] < 3  # pixels of 64
    assert losses[2] < 0.5


def test_one_fit_serves_every_frame_size(joints, components):
    coefficients = components.encode(joints, size=64)
    np.testing.assert_allclose(components.encode(joints * 2, size=128), coefficients, atol=1e-4)
    half, whole = (np.asarray(components.decode(coefficients, size=size)) for size in (32, 64))
    np.testing.assert_allclose(half * 2, whole, rtol=1e-5)


def test_every_direction_is_a_whole_number_of_waves(components):
    waves = np.abs(np.fft.rfft(np.asarray(components.directions).reshape(20, 20, 75), axis=1)) ** 2
    energy = waves.sum(axis=2)
    np.testing.assert_allclose(energy.max(axis=1) / energy.sum(axis=1), 1, atol=1e-4)


def test_any_coefficients_make_a_motion_without_a_seam(components):
    """The step from the last frame to the first is as long as the others."""
    rng = np.random.default_rng(0)
    joints = np.asarray(components.decode(rng.normal(size=(500, 20)), size=64))
    steps = np.sqrt(np.mean((np.roll(joints, -1, axis=1) - joints) ** 2, axis=(0, 2, 3)))
    assert steps[-1] == pytest.approx(steps[:-1].mean(), rel=0.05)


def test_every_start_is_the_motion_turned_round(joints, components):
    starts = components.encode_all_starts(joints, size=64)
    assert starts.shape == (30, 20, 20)
    assert starts.dtype == np.float32
    expected = components.encode(np.concatenate([joints[:, 3:], joints[:, :3]], axis=1), size=64)
    np.testing.assert_allclose(starts[:, 3], expected, atol=1e-5)


def test_turned_coefficients_are_the_motion_started_later(joints, components):
    """By three of twenty frames; only the last cosine may be left behind, its sine being cut off."""
    turned = components.turn(components.encode(joints, size=64), np.full((30, 1), 3 / 20))
    expected = components.encode(np.concatenate([joints[:, 3:], joints[:, :3]], axis=1), size=64)
    errors = np.abs(np.asarray(turned) - np.asarray(expected)).max(axis=0)
    assert errors[:-1].max() < 1e-4
    assert np.abs(np.asarray(turned) - components.encode(joints, size=64)).max() > 0.5


def test_batches_are_a_function_of_seed_and_step():
    coefficients = np.arange(4 * 3 * 2, dtype=np.float32).reshape(4, 3, 2)
    actions = np.array([7, 5, 3, 1])

    def first(number, **options):
        batches = iter_motion_batches(coefficients, actions, batch_size=64, **options)
        return [[np.asarray(x) for x in batch] for batch in itertools.islice(batches, number)]

    (_, second), (resumed,), (other,) = first(2), first(1, first_step=1), first(1, seed=1)
    np.testing.assert_array_equal(second[0], resumed[0])
    np.testing.assert_array_equal(second[1], resumed[1])
    assert not np.array_equal(other[0], first(1)[0][0])
    # Which motion and start a row is can be read off its first number: all are drawn, each with its action.
    motions, starts = np.divmod(second[0][:, 0] // 2, 3)
    np.testing.assert_array_equal(second[1], actions[motions.astype(int)])
    assert set(motions) == {0, 1, 2, 3}
    assert set(starts) == {0, 1, 2}
    assert [x.dtype for x in second] == [np.float32, np.int32]


@pytest.mark.parametrize(
    ("joints", "message"),
    [
        (np.zeros((3, 5, 2, 3)), r"expected 2 or more motions of shape \(6, 2, 3\), received \(3, 5, 2, 3\)"),
        (np.zeros((1, 6, 2, 3)), r"expected 2 or more motions"),
        (np.full((3, 6, 2, 3), np.nan), "received NaN"),
    ],
)
def test_what_are_no_motions_is_refused(joints, message):
    with pytest.raises(ValueError, match=message):
        MotionComponents(NUM_FRAMES, NUM_JOINTS, 5).fit(joints, size=64)


def test_wrong_numbers_are_refused():
    with pytest.raises(ValueError, match="num_components: expected 1 to 36, received 37"):
        MotionComponents(NUM_FRAMES, NUM_JOINTS, 37)
    with pytest.raises(ValueError, match="an action for each motion"):
        next(iter_motion_batches(np.zeros((2, 3, 4), np.float32), [0, 1, 0]))
