import keras
import numpy as np
import pytest

from lessons import warm
from vgcourse.classroom import budget


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """No budget is set, and states lie in a folder of the test."""
    monkeypatch.delenv(budget.VARIABLE, raising=False)
    monkeypatch.setattr(budget, "data_folder", lambda: tmp_path)
    return tmp_path


def model(seed=0, width=3):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(width),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
        ]
    )


def test_the_budget_is_full_unless_the_environment_says_small(monkeypatch):
    assert not budget.is_small()
    assert budget.steps(3000) == 3000
    monkeypatch.setenv(budget.VARIABLE, "small")
    assert budget.is_small()
    assert budget.steps(3000) == 20
    assert budget.steps(3000, small=5) == 5
    monkeypatch.setenv(budget.VARIABLE, "full")
    assert budget.steps(3000) == 3000


def test_half_the_steps_are_trained_from_the_start(monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "half")
    assert not budget.is_small()
    assert budget.steps(3000, small=5) == 1500
    assert budget.steps(1) == 1  # rounded up: a training takes at least one step
    fresh = model(1)
    budget.warm_start(fresh, "there is none")
    for weight, same in zip(fresh.weights, model(1).weights, strict=True):
        np.testing.assert_array_equal(weight, same)


def test_another_budget_is_an_error(monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "tiny")
    with pytest.raises(ValueError, match="expected 'small', 'half' or 'full', received 'tiny'"):
        budget.steps(10)


def test_a_saved_state_comes_back_in_16_bits(monkeypatch):
    trained, fresh = model(0), model(1)
    path = warm.save_state(trained, "90_lesson")
    assert path == budget.state_path("90_lesson")
    assert [file.name for file in path.parent.iterdir()] == ["90_lesson.npz"]
    with np.load(path) as state:
        kinds = [state[name].dtype for name in sorted(state.files)]
    assert [kind for kind in kinds if kind.kind == "f"] == 6 * [np.float16]
    monkeypatch.setenv(budget.VARIABLE, "small")
    budget.warm_start(fresh, "90_lesson")
    for before, after in zip(trained.weights, fresh.weights, strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-3, atol=1e-6)
        assert after.dtype == before.dtype


def test_a_student_starts_from_nothing():
    fresh = model(1)
    before = [weight.numpy() for weight in fresh.weights]
    warm.save_state(model(0), "90_lesson")
    budget.warm_start(fresh, "90_lesson")
    budget.warm_start(fresh, "there is none")
    for old, weight in zip(before, fresh.weights, strict=True):
        np.testing.assert_array_equal(old, weight)


@pytest.mark.parametrize("length", ["small", "full"])
def test_a_lesson_that_shows_its_result_first_loads_it_at_any_length(monkeypatch, length):
    trained, fresh = model(0), model(1)
    warm.save_state(trained, "90_lesson")
    monkeypatch.setenv(budget.VARIABLE, length)
    assert budget.load_state(fresh, "90_lesson") is fresh
    for before, after in zip(trained.weights, fresh.weights, strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-3, atol=1e-6)


def test_a_state_can_be_made_before_there_is_one(monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "half")
    fresh = budget.load_state(model(1), "90_lesson")
    for weight, same in zip(fresh.weights, model(1).weights, strict=True):
        np.testing.assert_array_equal(weight, same)
    monkeypatch.delenv(budget.VARIABLE)
    with pytest.raises(ValueError, match="expected a saved state, found none"):
        budget.load_state(model(1), "90_lesson")


def test_a_state_that_is_missing_or_of_another_model_is_an_error(monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "small")
    with pytest.raises(
        ValueError, match=r"90_lesson\.npz: expected a saved state, found none; .*lessons warm"
    ):
        budget.warm_start(model(), "90_lesson")
    warm.save_state(model(), "90_lesson")
    with pytest.raises(
        ValueError, match=r"another model: as weight 0 expected shape \(4, 5\), received \(4, 3\);"
    ):
        budget.warm_start(model(width=5), "90_lesson")
    longer = keras.Sequential([*model().layers, keras.layers.Dense(2)])
    longer.build((None, 4))
    with pytest.raises(ValueError, match=r"another model: as weight \d expected shape \(3, 2\), received"):
        budget.warm_start(longer, "90_lesson")
