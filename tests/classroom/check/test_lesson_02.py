"""The exercises of lesson 02, and what its verdicts say of networks that have learnt nothing."""

import numpy as np
import pytest

from vgcourse import datasets, features
from vgcourse.classroom import check


def said(capsys, name, answer):
    """What `check.<name>(answer)` prints."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def receptive_field(layers):
    pixels, step = 1, 1
    for kernel, stride in layers:
        pixels += (kernel - 1) * step
        step *= stride
    return pixels


def time_slope(values):
    times = centred(values)
    return times @ values / np.sum(times**2)


def centred(values):
    return np.arange(len(values)) - (len(values) - 1) / 2


def shares(correct, groups):
    return {str(group): correct[groups == group].mean() for group in np.unique(groups)}


def worst_group(correct, groups):
    found = shares(correct, groups)
    worst = min(found, key=found.get)
    return worst, found[worst]


def best_group(correct, groups):
    found = shares(correct, groups)
    return max(found, key=found.get), 1.0


def most_mistakes(correct, groups):
    found = {str(group): np.sum(~correct[groups == group]) for group in np.unique(groups)}
    return max(found, key=found.get), 0.6


def strided_too_early(layers):
    pixels, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        pixels += (kernel - 1) * step
    return pixels if layers != [(5, 1)] else 5


SOLUTIONS = {"receptive_field": receptive_field, "time_slope": time_slope, "worst_group": worst_group}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(capsys, name):
    assert said(capsys, name, SOLUTIONS[name]).startswith(f"✓ {name}: ")


@pytest.mark.parametrize(
    ("name", "wrong", "phrase"),
    [
        ("receptive_field", lambda ls: 1 + sum(k - 1 for k, _ in ls), "left the strides out"),
        ("receptive_field", lambda ls: sum(k for k, _ in ls), "added the kernels up"),
        ("receptive_field", lambda ls: int(np.prod([k for k, _ in ls])), "multiplied the kernels"),
        ("receptive_field", strided_too_early, "too early"),
        ("receptive_field", lambda ls: ls[0][0], "the first layer"),
        ("receptive_field", lambda ls: 0, "start with 1 pixel"),
        ("receptive_field", lambda ls: 5, "received 5."),
        ("receptive_field", lambda ls: 31 if len(ls) == 4 else 5, "product of all strides"),
        ("time_slope", lambda f: centred(f) @ f, "divide by the sum"),
        ("time_slope", lambda f: centred(f) @ f / len(f), "by the number of frames"),
        ("time_slope", lambda f: np.arange(7) @ f / np.sum(np.arange(7) ** 2), "a feature at rest"),
        ("time_slope", lambda f: np.arange(7) @ f / np.sum(centred(f) ** 2), "in the numerator"),
        ("time_slope", lambda f: (f[-1] - f[0]) / (len(f) - 1), "two frames only"),
        ("time_slope", lambda f: time_slope(f[::-1]), "the sign is wrong"),
        ("time_slope", lambda f: f.mean(axis=0), "has no order"),
        ("time_slope", lambda f: f.mean(axis=1), "one a frame"),
        ("time_slope", lambda f: f, "expected shape (3,)"),
        ("time_slope", lambda f: f[0], "compare with the formula"),
        ("worst_group", best_group, "the best group"),
        ("worst_group", most_mistakes, "compare shares, not counts"),
        ("worst_group", lambda c, g: worst_group(c, g)[::-1], "name comes first"),
        ("worst_group", lambda c, g: worst_group(c, g)[0], "two values"),
        ("worst_group", lambda c, g: ("short", c.mean()), "everybody's"),
        ("worst_group", lambda c, g: ("short", 1 / 18), "the number of all clips"),
        ("worst_group", lambda c, g: ("short", 0.9), "received 0.9"),
        ("worst_group", lambda c, g: ("short", 0.75), "the share of mistakes"),
        ("worst_group", lambda c, g: ("short", 0.25), "with shares b 0.5"),
        ("time_slope", lambda f: time_slope(f) if len(f) == 7 else f[1] - f[0] + 1, "rise by 3"),
    ],
)
def test_wrong_answers_get_their_own_advice(capsys, name, wrong, phrase):
    line = said(capsys, name, wrong)
    assert line.startswith(f"✗ {name}: ")
    assert phrase in line


def by_counting(correct, groups):
    """The worst group in plain Python; a list, and names as they come."""
    found = {}
    for right, group in zip(list(correct), list(groups), strict=True):
        found.setdefault(group, []).append(right)
    shares = [(sum(rights) / len(rights), group) for group, rights in found.items()]
    share, group = min(shares)
    return [group, np.float32(share)]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("worst_group", by_counting),
        ("time_slope", lambda f: np.polyfit(np.arange(len(f)), f, 1)[0]),
        ("time_slope", lambda f: list(time_slope(f))),
        ("receptive_field", lambda layers: np.int64(receptive_field(layers))),
    ],
)
def test_other_forms_are_right_too(capsys, name, answer):
    assert said(capsys, name, answer).startswith(f"✓ {name}: ")


@pytest.fixture(scope="module")
def held_out():
    return datasets.load_actions("test", size=32)


def test_the_verdicts_do_not_hold_for_an_untrained_network(held_out):
    network = features.build_action_classifier(10)
    accuracy = np.mean(network.predict_on_batch(held_out.clips).argmax(axis=1) == held_out.actions)
    assert not accuracy > 0.8


def test_averaged_frames_hide_the_direction_and_pairs_do_not(held_out):
    clips = held_out.clips[:2]
    frames = features.frame_features(np.concatenate([clips, clips[:, ::-1]]))
    averages = frames.mean(axis=1)
    assert np.allclose(averages[:2], averages[2:], atol=1e-3)
    products = np.einsum("ntd,nte->nde", frames[:, :-1], frames[:, 1:])
    turns = products - products.transpose(0, 2, 1)
    assert np.allclose(turns[:2], -turns[2:], rtol=1e-3, atol=1e-2)
    assert not np.allclose(turns[:2], turns[2:], rtol=1e-3, atol=1e-2)


def test_pixels_find_the_person_and_not_the_action(held_out):
    flat = held_out.clips.reshape(len(held_out.clips), -1).astype(float)
    distances = np.linalg.norm(flat[:, None, ::16] - flat[:, ::16], axis=2)
    np.fill_diagonal(distances, np.inf)
    found = distances.argmin(axis=1)
    assert np.mean(held_out.actors[found] == held_out.actors) > 0.8
    assert not np.mean(held_out.actions[found] == held_out.actions) > 0.8
