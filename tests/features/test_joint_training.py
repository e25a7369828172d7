"""Training of the joint finder: spoilt frames say which limb is spoilt; limits are of real people's maps."""

import numpy as np
import pytest

from vgcourse import datasets, people
from vgcourse.features import cnns, joint_training, joints


def spoilt(num, seed=0):
    """Spoilt frames of some actions; one training person."""
    rng = np.random.default_rng(seed)
    return [(action, *joint_training.spoilt_frames(action, 85, rng)) for action in people.ACTIONS * num]


@pytest.fixture(scope="module")
def many():
    return spoilt(4)


def test_one_limb_is_in_doubt_and_only_where_it_is_to_be_seen(many):
    limbs = [set(names) for _, names, _ in joint_training.LIMBS.values()]
    kinds = set()
    for _, frames, places, doubts in many:
        assert (frames.shape, frames.dtype) == ((8, 64, 64, 3), np.uint8)
        assert (places.shape, doubts.shape) == ((8, 9, 2), (8, 9))
        assert doubts.min() >= 0
        assert doubts.max() <= 1
        touched = {name for name, doubt in zip(joints.JOINTS, doubts.T, strict=True) if doubt.any()}
        (limb,) = [limb for limb in limbs if touched <= limb][:1]
        kinds.add(frozenset(limb))
        assert not doubts[:, 0].any()  # heads are left alone
    assert len(kinds) == 4


def test_what_is_not_in_doubt_looks_as_it_should(many, monkeypatch):
    """Beside the whole person: the same about a joint without doubt, another about one in doubt."""
    drawn = []
    render = people.render_figure

    def keep(points, actor, **options):
        drawn.append(render(points, actor, **options))
        return drawn[-1]

    monkeypatch.setattr(people, "render_figure", keep)
    same, other = [], []
    for k, (_, frames, places, doubts) in enumerate(spoilt(3, seed=5)):
        whole = drawn[3 * k].astype(int)
        change = np.abs(frames - whole).max(axis=-1)
        for t in range(8):
            for (x, y), doubt in zip(places[t].astype(int).clip(0, 63), doubts[t], strict=True):
                (other if doubt > 0.5 else same).append((change[t, y, x], doubt))
    same, other = np.array([s for s, d in same if d == 0]), np.array([c for c, d in other])
    assert np.mean(same > 8) < 0.05
    assert len(other) > 30
    assert np.median(other) > 5 * max(np.median(same), 1)


def test_maps_turn_even_with_doubt():
    places = np.array([[[20.0, 30.0], [40.0, 12.0], [5.0, 60.0]]])
    maps = joint_training.doubtful_maps(places, np.array([[0.0, 0.25, 1.0]]))
    plain = joints.heat_maps(places)
    np.testing.assert_allclose(maps[0, 0], plain[0, 0])
    np.testing.assert_allclose(maps[0, 1], 0.75 * plain[0, 1] + 0.25 / 1024, rtol=1e-5)
    np.testing.assert_allclose(maps[0, 2], 1 / 1024)


def test_visible_is_the_share_of_pixels_about_a_joint():
    drawn = np.zeros((2, 64, 64), bool)
    drawn[0, 30, 8:13] = True  # a line of five pixels
    drawn[1, 58:64, 58:64] = True
    places = np.array([[[10.0, 30.0], [30.0, 10.0], [10.0, 33.0]], [[63.0, 63.0], [70.0, 64.0], [0.0, 0.0]]])
    found = joint_training._visible(drawn, places)
    np.testing.assert_allclose(found, [[3 * 5 / 25, 0, 0], [1, 1, 0]])


def test_frames_are_degraded_each_for_itself_a_third_to_half_their_size():
    frames = np.zeros((300, 64, 64, 3), np.uint8) + 60
    frames[:, :, ::2] = 180  # stripes of one pixel
    found = joint_training.degrade(frames, np.random.default_rng(0)).numpy()
    assert found.shape == frames.shape
    contrast = found[:, :, 2:62:2].mean(axis=(1, 2, 3)) - found[:, :, 3:62:2].mean(axis=(1, 2, 3))
    gone = np.abs(contrast) < 5
    assert 0.2 < gone.mean() < 0.47  # a third: five deviations are 0.14
    assert contrast[~gone].min() > 120 * 0.8 * 0.4 - 5
    assert contrast.max() < 120 * 1.15 + 5
    assert found.mean(axis=(1, 2, 3)).std() > 5


def test_training_people_are_no_others():
    assert {people.actor_split(actor) for actor in joint_training.TRAINING_PEOPLE} == {"train"}
    assert max(joint_training.TRAINING_PEOPLE) < 10_000  # where the benchmarks' people begin


def test_limits_are_quantiles_over_validation_people(monkeypatch):
    calls = []

    def load(split, **options):
        calls.append((split, options))
        return datasets.Clips(np.zeros((10, 20, 8, 8, 3), np.uint8), [0] * 10, [0] * 10, ("walk",), 10.0)

    spreads = np.arange(200.0).reshape(10, 20, 1) * np.ones(9) + np.arange(9)
    monkeypatch.setattr(datasets, "load_actions", load)
    monkeypatch.setattr(joint_training, "apply_finder", lambda model, clips: (None, spreads))
    limits = joint_training.measure_limits(None, 32)
    assert calls == [("validation", {"size": 32, "num_frames": 20})]
    assert list(limits) == list(joints.JOINTS)
    np.testing.assert_allclose(list(limits.values()), 0.99 * 199 + np.arange(9), atol=1e-3)


def test_the_error_is_the_mean_distance(monkeypatch):
    clips = datasets.load_actions("test", size=64).select([3, 50])
    monkeypatch.setattr(datasets, "load_actions", lambda split, **options: clips)
    shifted = joint_training.known_joints(clips) + [3.0, -4.0]
    monkeypatch.setattr(joint_training, "apply_finder", lambda model, clips: (shifted, None))
    assert joint_training.mean_error(None, "test") == pytest.approx(5, abs=1e-4)


@pytest.mark.slow
def test_a_short_training_learns_where_joints_are(monkeypatch):
    monkeypatch.setattr(joint_training, "TRAINING_PEOPLE", [1, 3])
    clips = datasets.load_actions("train", size=64, num_frames=20).select(slice(None, None, 8))
    model = cnns.build_joint_finder(9)
    joint_training.fit_joint_finder(model, clips, epochs=40, seed=0)  # 200 steps
    assert joint_training.mean_error(model, "validation") < 3  # untrained: 17
