"""Settings of a run that were changed behind its back."""

import pytest

from vgcourse.training.settings import check_run_settings, is_run_settings

GOOD = {"size": 64, "num_frames": 16, "fps": 10, "action_names": ["a", "b"], "precision": "bfloat16"}
GOOD |= {"batch_size": 8, "seed": 0, "steps": 10, "store_sha256": "0", "anything": None}
WRONG = {
    "size": ["64", 48, 64.0, None, [64], -64, 10**30],
    "num_frames": [3, 17, 16.0, "16", True, None, {}],
    "fps": [0, -1, "10", None, float("nan"), float("inf"), True, []],
    "action_names": [[], ["a", "a"], ["a", 1], "ab", {"a": 0}, None, 2, ["a", "../b"], ["a" * 201], [" "]],
    "precision": ["auto", "float8", None, ["float32"], 32],
    "batch_size": [0, -8, 8.0, "8", 2**31, True],
    "seed": [-1, 2**32, 0.5, "0", None, False],
    "steps": [0, -1, 1e9, "10", None, 2**31],
    "store_sha256": [None, 7, []],
}


def test_settings_as_they_are_written():
    check_run_settings(GOOD, "config.json")
    check_run_settings({**GOOD, "num_frames": 4, "seed": 2**32 - 1, "fps": 29.97, "size": 32}, "config.json")
    for name in ("steps", "store_sha256", "anything"):
        check_run_settings({key: GOOD[key] for key in GOOD if key != name}, "config.json")


@pytest.mark.parametrize("name", WRONG)
def test_the_setting_that_is_wrong_is_named(name):
    for value in WRONG[name]:
        with pytest.raises(ValueError, match=rf"^run/config\.json: {name}: expected .* received "):
            check_run_settings({**GOOD, name: value}, "run/config.json")


@pytest.mark.parametrize(
    "name", ["size", "num_frames", "fps", "action_names", "precision", "batch_size", "seed"]
)
def test_a_setting_that_is_missing_is_named(name):
    rest = {key: GOOD[key] for key in GOOD if key != name}
    with pytest.raises(ValueError, match=f"config.json: {name}: expected .* received none"):
        check_run_settings(rest, "config.json")
    assert is_run_settings(GOOD)
    assert not is_run_settings(rest)


def test_a_message_stays_one_short_line():
    with pytest.raises(ValueError, match="precision") as caught:
        check_run_settings({**GOOD, "precision": "x\n" * 10_000}, "config.json")
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
