"""The exercises of lesson 00, and what its verdicts say of an untrained generator."""

import numpy as np
import pytest

from vgcourse.classroom import check


def said(capsys, name, answer):
    """What `check.<name>(answer)` prints."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def raw_bytes(width, height, fps, seconds):
    return width * height * 3 * fps * seconds


def there_and_back(clip):
    return np.concatenate([clip, clip[-2:0:-1]])


def order_frames(frames, to=np.int16):
    values = frames.astype(to)
    order, left = [0], list(range(1, len(frames)))
    while left:
        changes = [np.abs(values[k] - values[order[-1]]).mean() for k in left]
        order.append(left.pop(int(np.argmin(changes))))
    return order


def by_distance_to_first(frames):
    values = frames.astype(np.int16)
    return np.argsort(np.abs(values - values[0]).mean(axis=(1, 2, 3)), kind="stable")


SOLUTIONS = {"raw_bytes": raw_bytes, "there_and_back": there_and_back, "order_frames": order_frames}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(capsys, name):
    assert said(capsys, name, SOLUTIONS[name]).startswith(f"✓ {name}: ")


@pytest.mark.parametrize(
    ("name", "wrong", "phrase"),
    [
        ("raw_bytes", lambda w, h, fps, s: w * h * fps * s, "one byte a pixel"),
        ("raw_bytes", lambda w, h, fps, s: w * h * 3 * s, "frames per second are missing"),
        ("raw_bytes", lambda w, h, fps, s: w * h * 3 * fps, "one second of it"),
        ("raw_bytes", lambda w, h, fps, s: w * h * 3, "a single frame"),
        ("raw_bytes", lambda w, h, fps, s: 8 * w * h * 3 * fps * s, "those are bits"),
        ("raw_bytes", lambda w, h, fps, s: w + h, "multiply width, height, 3, fps and seconds"),
        ("there_and_back", lambda c: np.concatenate([c, c[::-1]]), "both turning points"),
        ("there_and_back", lambda c: np.concatenate([c, c[-2::-1]]), "the first frame is still shown twice"),
        ("there_and_back", lambda c: c[::-1], "backwards only"),
        ("there_and_back", lambda c: np.concatenate([c, c[-2:0:-1, ::-1]]), "stands on its head"),
        ("there_and_back", lambda c: np.concatenate([c, c[-2:0:-1, :, ::-1]]), "mirrored"),
        ("there_and_back", lambda c: np.concatenate([c, c[::-1]], axis=2), "along the first axis"),
        ("there_and_back", lambda c: np.concatenate([c, c]), "received '0 1 2 3 4 0 1 2 3 4'"),
        ("order_frames", by_distance_to_first, "the difference to the first frame"),
        ("order_frames", lambda f: order_frames(f, np.uint8), "wrap around"),
        ("order_frames", lambda f: range(len(f)), "nothing was sorted"),
        ("order_frames", lambda f: [0] * len(f), "every frame once"),
        ("order_frames", lambda f: [0, 5], "no frame is left"),
        ("order_frames", lambda f: np.argsort(order_frames(f)), "which frame comes first"),
        ("order_frames", lambda f: 3, "a list of indices"),
        ("order_frames", lambda f: order_frames(f)[::-1], "go from the frame chosen last"),
    ],
)
def test_a_typical_mistake_gets_its_own_message(capsys, name, wrong, phrase):
    line = said(capsys, name, wrong)
    assert line.startswith(f"✗ {name}: ")
    assert phrase in line


def test_an_untrained_generator_fails_the_verdicts():
    import keras

    from vgcourse import datasets, generate
    from vgcourse.evaluate import metrics
    from vgcourse.gan.models import VideoGenerator
    from vgcourse.people.motions import ACTIONS

    keras.utils.set_random_seed(0)
    untrained = VideoGenerator(64, ACTIONS, channels=8)
    people = generate.sample(untrained, num_clips=10, seed=0)
    assert not metrics.motion_control_score(people, np.arange(10)) >= 0.8
    real = datasets.load_actions("test").clips[:20]
    assert not metrics.motion_energy(people) / metrics.motion_energy(real) > 0.5
