"""The training loop: what it counts, what it shows, which batches it takes; it stops at NaN; it learns."""

import signal
import subprocess
import sys
from unittest.mock import Mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_game import BATCH, FRAMES, NAMES, Clockwork, differing, make_clips, make_gan, nan_after, values

from vgcourse import training
from vgcourse.datasets import Clips, save_clips
from vgcourse.gan import VideoGAN
from vgcourse.gan.models import VideoGenerator, build_discriminator
from vgcourse.training import loop

# ---- history ---------------------------------------------------------------------------------------------


def test_the_history_has_a_row_every_ten_steps_and_one_at_the_end(gan, clips, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    step, losses = gan.step_function, []

    def recorded(batch):
        logs = step(batch)
        losses.append({name: float(value) for name, value in logs.items()})
        return logs

    monkeypatch.setattr(gan, "step_function", recorded)
    history = training.train(gan, clips, steps=13, batch_size=BATCH)
    assert [row["step"] for row in history] == [10, 13]
    names = ["step", "seconds", "data_wait", "d_loss", "real_logits", "fake_logits", "g_loss"]
    for row, steps in zip(history, (losses[:10], losses[10:]), strict=True):
        assert list(row) == names
        assert 0 <= row["data_wait"] <= 1
        for name in names[3:]:
            assert row[name] == pytest.approx(np.mean([logs[name] for logs in steps]), rel=1e-6)
    assert 0 < history[0]["seconds"] < history[1]["seconds"]
    assert training.current_step(gan) == int(gan.step) == 13
    assert list(tmp_path.iterdir()) == []  # the loop knows no files


def test_at_its_last_step_there_is_nothing_to_do(gan, clips):
    training.train(gan, clips, steps=2, batch_size=BATCH)
    before = values(gan)
    assert training.train(gan, clips, steps=2, batch_size=BATCH) == []
    assert differing(before, values(gan)) == []


@pytest.fixture
def clockwork(monkeypatch):
    game = Clockwork()
    monkeypatch.setattr(loop, "time", game)
    monkeypatch.setattr(loop, "batches_for", game.batches)
    return game


def test_times_are_those_of_the_clock(clockwork):
    history = training.train(clockwork, None, steps=25)
    assert [row["seconds"] for row in history] == [40, 80, 100]
    assert [row["data_wait"] for row in history] == [0.75, 0.75, 0.75]
    assert clockwork.trained == list(range(25))


def test_a_training_goes_on_with_the_next_batch(clockwork):
    clockwork.step = 13
    history = training.train(clockwork, None, steps=25)
    assert clockwork.trained == list(range(13, 25))
    assert [row["step"] for row in history] == [20, 25]


@pytest.mark.parametrize(("steps", "calls"), [(1000, 20), (200, 20), (40, 4), (25, 3), (3, 1)])
def test_samples_are_shown_about_twenty_times(clockwork, steps, calls):
    seen = []
    training.train(clockwork, None, steps=steps, on_sample=lambda shown: seen.append(len(shown.trained)))
    assert len(seen) == calls
    assert seen[-1] == steps
    assert np.ptp(np.diff([0, *seen])) <= 10  # evenly spread


# ---- it is stopped ---------------------------------------------------------------------------------------


@pytest.fixture
def interrupts():
    """As in a terminal: a process that a shell started in the background ignores interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_at(game, step, monkeypatch):
    """Press Ctrl-C, or Stop, while the game is in this step."""
    done = game.step_function

    def pressed(number):
        if number == step - 1:
            signal.raise_signal(signal.SIGINT)
        game.step = number + 1
        return done(number)

    monkeypatch.setattr(game, "step_function", pressed)


def test_stop_in_a_notebook_keeps_what_was_done_and_the_same_call_goes_on(
    clockwork, interrupts, monkeypatch, capsys
):
    monkeypatch.setattr(loop, "in_notebook", lambda: True)
    interrupt_at(clockwork, 973, monkeypatch)
    history, seen = [], []
    for reached in (973, 3600, 3600):
        call = {"steps": 3600, "history": history, "on_sample": lambda game: seen.append(game.step)}
        assert training.train(clockwork, None, **call) is history
        assert clockwork.step == history[-1]["step"] == reached
        said = capsys.readouterr().out
        stopped = "Stopped at 973 of 3,600 steps; run the cell again to go on.\n"
        assert said == (stopped if reached == 973 else "")
        assert 973 in seen  # the picture is of the last step
    assert clockwork.trained == list(range(3600))
    assert [row["step"] for row in history] == [*range(10, 971, 10), 973, *range(980, 3601, 10)]
    assert all(np.diff([row["seconds"] for row in history]) > 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_stop_pressed_again_ends_a_step_that_takes_long(clockwork, monkeypatch, capsys):
    monkeypatch.setattr(loop, "in_notebook", lambda: True)
    monkeypatch.setattr(clockwork, "step_function", Mock(side_effect=KeyboardInterrupt))
    assert training.train(clockwork, None, steps=50) == []
    assert capsys.readouterr().out == "Stopped at 0 of 50 steps; run the cell again to go on.\n"


def test_elsewhere_an_interrupt_ends_a_training_at_once(clockwork, interrupts, monkeypatch):
    interrupt_at(clockwork, 13, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        training.train(clockwork, None, steps=50)
    assert clockwork.trained == list(range(12))


# ---- batches ---------------------------------------------------------------------------------------------


def first_batches(*args, count=3, **kwargs):
    batches = training.batches_for(*args, batch_size=BATCH, **kwargs).take(count)
    return [(frames.numpy(), actions.numpy()) for frames, actions in batches]


def same_batches(first, second):
    pairs = [pair for both in zip(first, second, strict=True) for pair in zip(*both, strict=True)]
    return all(np.array_equal(a, b) for a, b in pairs)


def test_batches_are_windows_of_clips_with_their_own_actions(gan, clips):
    windows = {}
    for clip, action in zip(clips.clips / 127.5 - 1, clips.actions, strict=True):
        for start in range(3):
            windows[clip[start : start + FRAMES].astype(np.float32).round(4).tobytes()] = (action, start)
    found = []
    for frames, actions in first_batches(gan, clips, count=12):
        assert frames.shape == (BATCH, FRAMES, 1, 1, 3)
        assert (frames.dtype, actions.dtype) == (np.float32, np.int32)
        assert -1 <= frames.min() < frames.max() <= 1
        for window, action in zip(frames, actions, strict=True):
            expected, start = windows[window.round(4).tobytes()]
            assert action == expected
            found.append(start)
    assert set(found) == {0, 1, 2}


def test_batches_follow_from_the_games_seed_and_the_step(gan, clips, monkeypatch):
    usual = first_batches(gan, clips, count=5)
    assert same_batches(first_batches(gan, clips, first_step=2), usual[2:])
    assert same_batches(first_batches(gan, clips, seed=3), usual[:3])
    assert not same_batches(first_batches(gan, clips, seed=4), usual[:3])
    monkeypatch.setattr(gan, "seed", 4)
    assert same_batches(first_batches(gan, clips), first_batches(gan, clips, seed=4))


def test_fit_and_the_training_loop_give_the_same_weights(gan, clips, monkeypatch):
    """Without graphs, which take long to build, and round as they like."""
    fitted = make_gan(seed=3)
    fitted.run_eagerly = True
    batches = training.batches_for(fitted, clips, batch_size=BATCH)
    fitted.fit(batches, steps_per_epoch=2, epochs=2, verbose=0, shuffle=False)
    monkeypatch.setattr(gan, "step_function", gan.train_step)
    training.train(gan, clips, steps=4, batch_size=BATCH)
    assert differing(values(fitted), values(gan)) == []
    assert int(gan.step) == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_clips": 3}, r"batch_size: expected a whole number from 1 to 3.*received 4"),
        ({"num_frames": FRAMES - 1}, r"num_frames: expected a whole number from 1 to 5.*received 6"),
        ({"size": 2}, r"expected frames \(1, 1, 3\), received \(2, 2, 3\)"),
        ({"names": ("walk", "run", "sit")}, r"actions \('walk', 'run', 'hop'\), received .*'sit'"),
        ({"names": ("run", "walk", "hop")}, r"actions \('walk', 'run', 'hop'\), received \('run', "),
        ({"names": (*NAMES, "sit")}, r"actions \('walk', 'run', 'hop'\), received .*'sit'"),
    ],
)
def test_clips_that_do_not_fit_are_refused_before_training(gan, tmp_path, changes, words):
    save_clips(tmp_path / "store", make_clips(**changes))
    for source in (make_clips(**changes), tmp_path / "store"):
        with pytest.raises(ValueError, match=words):
            training.train(gan, source, steps=1, batch_size=BATCH)
    assert int(gan.step) == 0


# ---- it diverges -----------------------------------------------------------------------------------------


def test_training_stops_at_the_first_row_that_is_not_finite(gan, clips, monkeypatch):
    monkeypatch.setattr(gan, "step_function", nan_after(gan, 13))
    with pytest.raises(training.TrainingDiverged, match=r"step 20: expected finite losses.* d_loss = nan"):
        training.train(gan, clips, steps=50, batch_size=BATCH)
    assert int(gan.step) == 20  # no step is taken in vain


def test_infinity_is_not_finite(clockwork):
    clockwork.step_function = lambda batch: {"d_loss": tf.constant(1.0), "g_loss": tf.constant(np.inf)}
    with pytest.raises(training.TrainingDiverged, match=r"step 10: .*g_loss = inf. Try float32"):
        training.train(clockwork, None, steps=50)


# ---- more clips than memory ------------------------------------------------------------------------------

STREAM = """
import resource, sys
sys.path[:0] = sys.argv[1:3]
import test_loop as here
from vgcourse.datasets import batches
assert batches.BLOCK_BYTES > 2**22
batches.BLOCK_BYTES = 2**22
here.training.train(here.real_gan(), sys.argv[3], steps=400, batch_size=32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def real_gan(*, channels=4, names=NAMES):
    keras.utils.set_random_seed(3)
    generator = VideoGenerator(32, names, num_frames=8, channels=channels, latent_dims=(6, 4))
    made = VideoGAN(generator, build_discriminator(32, len(names), channels=channels), seed=3)
    made.compile()
    return made


def peak_memory(store, tests):
    child = [sys.executable, "-c", STREAM, str(tests), str(tests.parent / "gan"), str(store)]
    return int(subprocess.run(child, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_ten_times_the_clips_take_no_more_memory(tmp_path, request):
    """Both train equally long; the large store is 300 MB, far more than the 10% that are allowed."""
    pytest.importorskip("resource", reason="peak memory is asked of POSIX")
    part = make_clips(num_clips=120, num_frames=10, size=32)
    peaks = []
    for name, times in (("small", 10), ("large", 100)):
        store = save_clips(tmp_path / name, (part for _ in range(times)), shard_bytes=2**22)
        peaks.append(peak_memory(store, request.path.parent))
    assert peaks[1] < 1.1 * peaks[0], peaks


# ---- it learns -------------------------------------------------------------------------------------------


def squares(num_clips=64):
    """A bright square on the left that stays there (action 0) or jumps to the right half-way (action 1)."""
    rng = np.random.default_rng(1)
    frames = np.full((num_clips, 8, 32, 32, 3), 30, np.uint8)
    actions = np.arange(num_clips) % 2
    for clip, action in zip(frames, actions, strict=True):
        colour = rng.integers(180, 256, 3)
        clip[:4, 10:22, 2:14] = colour
        left = 18 if action else 2
        clip[4:, 10:22, left : left + 12] = colour
    return Clips(frames, actions, np.arange(num_clips), ("still", "moving"), 10.0)


def mean_clips(clips, actions):
    """The mean clip of each action, in [0, 255]."""
    return np.stack([clips[actions == action].mean(axis=0) for action in range(2)])


def generated(gan, num_clips=40):
    generator, rng = gan.ema_generator, np.random.default_rng(2)
    content = rng.standard_normal((num_clips, generator.content_dim), np.float32)
    noise = rng.standard_normal((num_clips, generator.num_frames, generator.motion_dim), np.float32)
    actions = np.arange(num_clips) % 2
    return (np.asarray(generator([content, noise, actions])) + 1) * 127.5, actions


def motion(clips, actions):
    """Mean change from frame to frame, action 1 over action 0."""
    still, moving = (abs(np.diff(clips[actions == action], axis=1)).mean() for action in range(2))
    return moving / still


@pytest.mark.slow
def test_it_learns_how_it_looks_and_what_moves():
    clips, gan = squares(), real_gan(channels=8, names=("still", "moving"))
    real = mean_clips(clips.clips.astype(np.float64), clips.actions)
    distance, ratio = [], []
    for steps in (0, 600):
        training.train(gan, clips, steps=steps, batch_size=8)
        fake = generated(gan)
        distance.append(np.sqrt(np.mean((mean_clips(*fake) - real) ** 2)))
        ratio.append(motion(*fake))
    assert distance[1] < 0.4 * distance[0]
    assert ratio[0] < 1.5  # untrained, the actions are alike
    assert ratio[1] > 2.0
