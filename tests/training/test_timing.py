"""How fast: medians, work that is waited for, a model that is left as it was."""

import numpy as np
import pytest
from small_game import BATCH, Clockwork, Lazy, differing, values

from vgcourse import training
from vgcourse.training import timing


@pytest.fixture
def clockwork(monkeypatch):
    game = Clockwork()
    monkeypatch.setattr(timing, "time", game)
    monkeypatch.setattr(timing, "batches_for", game.batches)
    monkeypatch.setattr(timing, "state_of", lambda gan: {})
    monkeypatch.setattr(timing, "assign_state", lambda gan, arrays, source: None)
    return game


def test_timing_a_step_leaves_the_model_as_it_was(gan, clips):
    before = values(gan)
    seconds = training.time_step(gan, clips, batch_size=BATCH, num_steps=6)
    assert differing(before, values(gan)) == []
    assert seconds > 0


def test_a_step_is_waited_for_and_timed_with_its_batch(clockwork):
    assert training.time_step(clockwork, None) == 4
    assert len(clockwork.trained) == 1 + 24  # the first builds the graph


def test_a_step_is_timed_by_the_median_of_three_parts(clockwork, monkeypatch):
    slow = iter([0, 0, 90, 0])  # of the step that builds the graph, and of each part
    step = clockwork.step_function

    def interrupted(number):
        if len(clockwork.trained) in (0, 1, 9, 17):
            clockwork.now += next(slow)
        return step(number)

    monkeypatch.setattr(clockwork, "step_function", interrupted)
    assert training.time_step(clockwork, None) == 4


def test_minutes_become_steps(clockwork):
    assert training.steps_for(clockwork, None, 2.0) == 30  # at 4 seconds each
    assert training.steps_for(clockwork, None, 1.05) == 16  # 15.75
    assert training.steps_for(clockwork, None, 0.1) == 10  # a history has a row at least


def test_a_probe_may_bring_its_own_batches(clockwork):
    batches = clockwork.batches(first_step=500)
    timing.time_step(clockwork, None, num_steps=3, batches=batches)
    assert clockwork.trained == [500, 501, 502, 503]


# ---- precision -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("half", "picked"),
    [(0.5, "bfloat16"), (0.89, "bfloat16"), (0.9, "float32"), (0.95, "float32"), (20.0, "float32")],
)
def test_bfloat16_is_picked_where_it_is_a_tenth_faster(half, picked):
    assert timing.faster_precision({"float32": [1.0] * 3, "bfloat16": [half] * 3}) == picked


def test_precisions_are_compared_by_their_medians():
    once_slow = {"float32": [1.0, 1.0, 1.0, 1.0, 0.1], "bfloat16": [50.0, 0.5, 0.5, 0.5, 0.5]}
    assert timing.faster_precision(once_slow) == "bfloat16"
    once_fast = {"float32": [1.0, 1.0, 1.0, 1.0, 9.0], "bfloat16": [0.1, 2.0, 2.0, 2.0, 2.0]}
    assert timing.faster_precision(once_fast) == "float32"


def test_work_on_a_device_is_waited_for(monkeypatch):
    """A launch returns at once; only reading its result shows how long it took."""
    clock = Clockwork()
    monkeypatch.setattr(timing, "time", clock)

    def launch():
        clock.running += 5
        return Lazy(clock)

    assert timing.seconds_of(launch) == 5


@pytest.mark.parametrize(("half", "picked"), [(0.5, "bfloat16"), (2.0, "float32")])
def test_a_precision_is_picked_by_the_time_that_its_network_takes(monkeypatch, half, picked):
    """On a lazy device where bfloat16 takes `half` as long as float32, and its first call very long."""
    clock, calls = Clockwork(), []
    monkeypatch.setattr(timing, "time", clock)
    monkeypatch.setattr(timing, "build_discriminator", lambda size, num_actions, *, dtype: (size, dtype))
    monkeypatch.setattr(timing.tf, "function", lambda python: python)

    def launch(network, frames, actions):
        size, dtype = network
        assert frames.shape == (3, 4, size, size, 3)
        assert actions.shape == (3,)
        clock.running += 100 if dtype not in calls else half if dtype == "mixed_bfloat16" else 1.0
        calls.append(dtype)
        return Lazy(clock)

    monkeypatch.setattr(timing, "_gradient_norm", launch)
    assert training.pick_precision(32, batch_size=3, rounds=2) == picked
    assert calls == ["float32", "mixed_bfloat16"] * 3  # in turn, the first calls untimed
    assert clock.running == 0  # nothing is left behind for others to wait for


def test_a_precision_is_picked_by_measuring(monkeypatch):
    build = timing.build_discriminator
    monkeypatch.setattr(
        timing, "build_discriminator", lambda *sizes, dtype: build(*sizes, channels=1, dtype=dtype)
    )
    assert training.pick_precision(32, batch_size=2, rounds=1) in ("float32", "bfloat16")
    network = build(32, 1, channels=1)
    frames, actions = np.zeros((2, 4, 32, 32, 3), np.float32), np.zeros(2, np.int32)
    assert float(timing._gradient_norm(network, frames, actions)) > 0
