"""The exercises of lesson 11, and what its verdicts say of models and data that do not work."""

import ast
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from vgcourse import preprocess
from vgcourse.classroom import check
from vgcourse.evaluate import metrics

LESSON = Path(__file__).resolve().parents[3] / "lessons" / "11_your_videos.py"


def said(capsys, name, answer):
    """What `check.<name>(answer)` prints."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def from_lesson(**needs):
    """The functions that the lesson defines, its solutions too; `needs` are the globals that they use."""
    tree = ast.parse(LESSON.read_text(encoding="utf-8"))
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    space = {
        "np": np,
        "Counter": Counter,
        "keras": keras,
        "layers": layers,
        "preprocess": preprocess,
        **needs,
    }
    exec(compile(ast.Module(defined, []), str(LESSON), "exec"), space)
    return space


SPACE = from_lesson(SIZE=32, NUM_FRAMES=16)
SOLUTIONS = {name: SPACE[name] for name in ("clips_in_video", "allowed_videos", "diagnose_run")}


def allowed(test):
    """A wrong `allowed_videos`: the videos whose people pass `test`."""
    return lambda people_in, agreed: sorted(f for f, people in people_in.items() if test(people, agreed))


def judged(frozen, copied):
    """A `diagnose_run` with two rules of its own."""

    def judge(fake_energy, real_energy, fake_distance, heldout_distance):
        if frozen(fake_energy, real_energy):
            return "frozen"
        return "copies" if copied(fake_distance, heldout_distance) else "no fault found"

    return judge


def copies_first(fake_energy, real_energy, fake_distance, heldout_distance):
    if fake_distance < heldout_distance / 2:
        return "copies"
    return "frozen" if fake_energy < real_energy / 4 else "no fault found"


def under(share):
    return lambda fake, real: fake < share * real


def never(*_):
    return False


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(capsys, name):
    assert said(capsys, name, SOLUTIONS[name]).startswith(f"✓ {name}: ")


@pytest.mark.parametrize(
    ("name", "wrong", "phrase"),
    [
        ("clips_in_video", lambda s, f, n: -int(-s * f // n), "half a clip is none"),
        ("clips_in_video", lambda s, f, n: s * f / n, "only whole clips count"),
        ("clips_in_video", lambda s, f, n: s // n, "first turn seconds into frames"),
        ("clips_in_video", lambda s, f, n: int(s * f) - n + 1, "one frame after the last"),
        ("clips_in_video", lambda s, f, n: int(s * f), "the frames of the video"),
        ("clips_in_video", lambda s, f, n: max(1, int(s * f) // n), "not one clip of 16: expected 0"),
        ("clips_in_video", lambda s, f, n: -1, "how many times num_frames fits"),
        ("allowed_videos", allowed(lambda people, agreed: set(people) & agreed), "One yes is not enough"),
        (
            "allowed_videos",
            allowed(lambda people, agreed: people and set(people) <= agreed),
            "a video without people is fine",
        ),
        ("allowed_videos", allowed(lambda people, agreed: not set(people) <= agreed), "may not use"),
        ("allowed_videos", lambda p, a: [f for f, who in p.items() if set(who) <= a], "sort their names"),
        ("allowed_videos", lambda p, a: [], "received []"),
        ("diagnose_run", judged(lambda f, r: f > r / 4, under(0.5)), "*less* energy"),
        ("diagnose_run", judged(under(0.25), lambda f, h: f > h / 2 and f > h), "*nearer* to the training"),
        ("diagnose_run", copies_first, "ask for the energy first"),
        ("diagnose_run", judged(under(0.1), under(0.1)), "is under a quarter"),
        ("diagnose_run", judged(under(0.25), never), "is under half"),
        ("diagnose_run", judged(under(1), under(0.5)), "not with all of it"),
        ("diagnose_run", judged(under(0.25), under(1)), "distance 30 of 32 is fine"),
        ("diagnose_run", lambda *_: "good", "'frozen', 'copies', or 'no fault found'"),
        ("diagnose_run", judged(under(0.32), under(0.5)), "energy 2.5 of 8"),
        ("diagnose_run", judged(under(0.2), under(0.5)), "energy 1.9 of 8"),
        ("diagnose_run", judged(under(0.25), under(0.55)), "distance of 17 of 32"),
        ("diagnose_run", judged(under(0.25), under(0.45)), "distance of 15 of 32"),
    ],
)
def test_wrong_answers_get_a_message_of_their_own(capsys, name, wrong, phrase):
    printed = said(capsys, name, wrong)
    assert printed.startswith(f"✗ {name}: ")
    assert phrase in printed


# ---- verdicts --------------------------------------------------------------------------------------------


def moving_clips(num_clips, seed):
    """Clips of a bright bar that goes to the right on a dark ground."""
    rng = np.random.default_rng(seed)
    clips = np.full((num_clips, 16, 32, 32, 3), 30, np.uint8)
    for clip, start in zip(clips, rng.integers(0, 16, num_clips), strict=True):
        for t, frame in enumerate(clip):
            frame[:, (start + t) % 28 : (start + t) % 28 + 4] = 220
    return clips


def test_frozen_clips_do_not_move():
    real = moving_clips(8, seed=0)
    frozen = np.repeat(real[:, :1], 16, axis=1)
    assert not metrics.motion_energy(frozen) > metrics.motion_energy(real) / 4


def test_new_clips_are_no_copies():
    rng = np.random.default_rng(0)
    train, heldout = (rng.integers(64, 192, (6, 4, 8, 8, 3)).astype(np.uint8) for _ in range(2))
    new = (255 * rng.integers(0, 2, train.shape)).astype(np.uint8)
    assert not metrics.memorisation(new, train, heldout).ratio < 1.2
    assert metrics.memorisation(train, train, heldout).ratio < 1.2
    distances = SPACE["nearest_distances"](new, train)
    np.testing.assert_allclose(distances, metrics.nearest_neighbours(new, train)[1], rtol=1e-4)


@pytest.mark.slow
def test_the_encoder_must_be_trained_to_beat_the_mean_clip():
    keras.utils.set_random_seed(0)
    autoencoder, encoder = SPACE["build_autoencoder"]()
    inputs, targets = (SPACE["four_frames"](moving_clips(40, seed)) for seed in (0, 1))
    by_mean = np.mean((targets - inputs.mean(axis=0)) ** 2)

    def error():
        return np.mean((targets - autoencoder.predict(targets, verbose=0)) ** 2)

    assert not error() < by_mean
    autoencoder.compile(keras.optimizers.Adam(2e-3), "mse")
    autoencoder.fit(inputs, inputs, epochs=40, batch_size=16, verbose=0)
    assert error() < by_mean
    assert encoder.predict(targets, verbose=0).shape == (40, 16)
    # Nor do plain grey clips, as an untrained generator makes them, come near to the real ones.
    grey = SPACE["four_frames"](np.full((40, 16, 32, 32, 3), 128, np.uint8))
    real, new, plain = (encoder.predict(x, verbose=0) for x in (inputs, targets, grey))
    assert not metrics.frechet_distance(real, plain) < metrics.frechet_distance(real, new)


def test_held_out_takes_the_end_of_every_video():
    files = ["a"] * 8 + ["b"] + ["c"] * 4
    mask = SPACE["held_out"](files, 0.25)
    assert np.flatnonzero(mask).tolist() == [6, 7, 12]
    assert not SPACE["held_out"](files, 0).any()


def test_variants_shake_no_picture_and_keep_the_labels():
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 36, 36, 3)).astype(np.uint8)
    made = SPACE["variants"](clips, 4, seed=0)
    assert made.shape == (8, 3, 32, 32, 3)
    found = 0
    for k, variant in enumerate(made):
        upright = variant[:, :, ::-1] if k % 2 else variant
        places = [(y, x) for y in range(5) for x in range(5)]
        found += any(np.array_equal(clips[k // 4, :, y : y + 32, x : x + 32], upright) for y, x in places)
    assert found == 8
