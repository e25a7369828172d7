"""The motion models that come with the course: what the datasheet says of them holds."""

import numpy as np
import pytest

from vgcourse import generate, people
from vgcourse.evaluate import motions

pytestmark = pytest.mark.slow


def real_motions(actors):
    joints = [
        people.action_joints(name, actor, size=64, num_frames=20, fps=10)
        for name in people.ACTIONS
        for actor in actors
    ]
    return np.stack(joints), np.repeat(np.arange(len(people.ACTIONS)), len(actors))


@pytest.fixture(scope="module", params=[None, "flow"], ids=["gan", "flow"])
def model(request):
    return generate.load_motion_model(request.param)


@pytest.fixture(scope="module")
def made(model):
    actions = np.repeat(np.arange(10), 20)
    noise = np.random.default_rng(0).standard_normal((200, model.num_components), np.float32)
    return np.asarray(model.make_joints(noise, actions, size=64)), actions


def test_motions_are_those_of_people(model, made):
    assert model.action_names == tuple(people.ACTIONS)
    real = real_motions(range(1000, 1100))
    scores = motions.score_motions(*made, *real, components=model.components)
    assert scores["nearest"] < 0.8
    assert scores["backwards"] == 0
    in_time = motions.motion_spread(*real, turned=False)
    assert scores["spread_in_time"] == pytest.approx(in_time, rel=0.1)


def test_motions_repeat_without_a_seam(made):
    """For every action: the step from the last frame to the first is like the others."""
    joints = made[0].reshape(10, 20, 20, 25, 3)
    steps = np.sqrt(np.mean((np.roll(joints, -1, axis=2) - joints) ** 2, axis=(1, 3, 4)))
    assert (steps[:, -1] < 1.15 * steps[:, :-1].max(axis=1)).all()


def test_the_same_motion_serves_every_size(model):
    noise = np.ones((1, model.num_components), np.float32)
    small, large = (np.asarray(model.make_joints(noise, [3], size=size)) for size in (32, 128))
    np.testing.assert_allclose(4 * small, large, atol=1e-2)
