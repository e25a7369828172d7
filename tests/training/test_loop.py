"""The training loop: resumed or killed, it ends as an uninterrupted run does; it stops at NaN; it learns."""

import csv
import itertools
import random
import subprocess
import sys
import time
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from vgcourse import training
from vgcourse.datasets import Clips, save_clips
from vgcourse.gan import VideoGAN
from vgcourse.gan.models import VideoGenerator, build_discriminator
from vgcourse.training.checkpoints import (
    assign_state,
    list_checkpoints,
    restore_checkpoint,
    save_checkpoint,
    state_of,
)

NAMES = ("still", "moving")
FRAMES, BATCH = 8, 4


def make_clips(num_clips=6, num_frames=FRAMES + 2, size=32, names=NAMES):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (num_clips, num_frames, size, size, 3), dtype=np.uint8)
    return Clips(frames, np.arange(num_clips) % 2, np.arange(num_clips), names, 10.0)


def make_gan(*, channels=4):
    keras.utils.set_random_seed(3)
    generator = VideoGenerator(32, NAMES, num_frames=FRAMES, channels=channels, latent_dims=(6, 4))
    made = VideoGAN(generator, build_discriminator(32, len(NAMES), channels=channels), seed=3)
    made.compile()
    return made


def values(gan):
    return {name: np.array(variable.numpy()) for name, variable in state_of(gan).items()}


def differing(first, second):
    assert first.keys() == second.keys()
    return [name for name in first if not np.array_equal(first[name], second[name])]


def read(path):
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def clips():
    return make_clips()


@pytest.fixture(scope="module")
def compiled():
    """One GAN whose graph is traced once, and the state that it starts from."""
    made = make_gan()
    return made, values(made)


@pytest.fixture
def gan(compiled):
    made, start = compiled
    assign_state(made, start, "memory")
    return made


@pytest.fixture(scope="module")
def uninterrupted(compiled, clips):
    made, start = compiled
    assign_state(made, start, "memory")
    history = training.train(made, clips, steps=30, batch_size=BATCH)
    return values(made), history


# ---- history ---------------------------------------------------------------------------------------------


def test_the_history_has_a_row_every_ten_steps_and_one_at_the_end(gan, clips, tmp_path):
    history = training.train(gan, clips, steps=13, batch_size=BATCH, folder=tmp_path)
    assert [row["step"] for row in history] == [10, 13]
    names = ["step", "seconds", "data_wait", "d_loss", "real_logits", "fake_logits", "g_loss"]
    assert all(list(row) == names for row in history)
    assert 0 < history[0]["seconds"] < history[1]["seconds"]
    assert all(0 <= row["data_wait"] <= 1 for row in history)
    assert training.read_history(tmp_path) == history
    with open(tmp_path / "history.csv", newline="") as file:
        assert next(csv.reader(file)) == names
    assert int(gan.step) == 13


def test_rows_are_means_of_the_steps_since_the_row_before(gan, clips, monkeypatch):
    step, losses = gan.step_function, []

    def recorded(batch):
        logs = step(batch)
        losses.append(float(logs["d_loss"]))
        return logs

    monkeypatch.setattr(gan, "step_function", recorded)
    history = training.train(gan, clips, steps=12, batch_size=BATCH)
    assert history[0]["d_loss"] == pytest.approx(np.mean(losses[:10]), rel=1e-6)
    assert history[1]["d_loss"] == pytest.approx(np.mean(losses[10:]), rel=1e-6)


def test_without_a_folder_nothing_is_written(gan, clips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    training.train(gan, clips, steps=1, batch_size=BATCH)
    assert list(tmp_path.iterdir()) == []


def test_at_its_last_step_there_is_nothing_to_do(gan, clips, tmp_path):
    history = training.train(gan, clips, steps=3, batch_size=BATCH, folder=tmp_path)
    before = values(gan)
    assert training.train(gan, clips, steps=3, batch_size=BATCH, folder=tmp_path) == history
    assert differing(before, values(gan)) == []


@pytest.mark.parametrize(
    "content",
    ["", "step,d_loss\n", "step,d_loss\n10,0.5\n20,0.25\n30,0.125\n"],
    ids=["empty", "header", "rows"],
)
def test_rows_after_a_step_are_left_out(tmp_path, content):
    (tmp_path / "history.csv").write_text(content)
    rows = [{"step": 10, "d_loss": 0.5}, {"step": 20, "d_loss": 0.25}] if "10" in content else []
    assert training.read_history(tmp_path, up_to=20) == rows
    assert training.read_history(tmp_path / "missing") == []


@pytest.mark.parametrize(
    "content", ["step,d_loss\n10\n", "step,d_loss\n10,abc\n", "d_loss\n0.5\n", "step\n1,2\n"]
)
def test_a_damaged_history_is_named(tmp_path, content):
    (tmp_path / "history.csv").write_text(content)
    with pytest.raises(ValueError, match=r"history\.csv: expected a table of numbers"):
        training.read_history(tmp_path)


class Clockwork:
    """A GAN that trains nothing, and a clock: a batch takes 3 seconds, a step 1."""

    seed, step = 0, 0

    def __init__(self, monkeypatch):
        self.now, self.trained = 0.0, []
        monkeypatch.setattr(training, "time", types.SimpleNamespace(perf_counter=lambda: self.now))
        monkeypatch.setattr(training, "batches_for", self.batches)

    def batches(self, gan, clips, batch_size, first_step):
        for number in itertools.count(first_step):
            self.now += 3
            yield number

    def step_function(self, number):
        self.now += 1
        self.trained.append(number)
        return {"d_loss": tf.constant(1.0), "g_loss": tf.constant(2.0)}


def test_times_are_those_of_the_clock(monkeypatch):
    history = training.train(Clockwork(monkeypatch), None, steps=25)
    assert [row["seconds"] for row in history] == [40, 80, 100]
    assert [row["data_wait"] for row in history] == [0.75, 0.75, 0.75]


@pytest.mark.parametrize(("steps", "calls"), [(1000, 20), (200, 20), (40, 4), (3, 1)])
def test_samples_are_shown_about_twenty_times(monkeypatch, steps, calls):
    gan, seen = Clockwork(monkeypatch), []
    training.train(gan, None, steps=steps, on_sample=lambda shown: seen.append(len(shown.trained)))
    assert len(seen) == calls
    assert seen[-1] == steps


def test_checkpoints_are_written_every_thirty_seconds_and_at_the_end(monkeypatch, tmp_path):
    gan, kept = Clockwork(monkeypatch), []
    monkeypatch.setattr(training, "save_checkpoint", lambda gan, folder: kept.append(len(gan.trained)))
    training.train(gan, None, steps=25, folder=tmp_path)
    assert kept == [10, 20, 25]  # a row every 40 seconds
    monkeypatch.setattr(training, "SAVE_EVERY", 60)
    kept.clear()
    training.train(Clockwork(monkeypatch), None, steps=45, folder=tmp_path)
    assert kept == [20, 40, 45]


# ---- resume ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [10, 13])
def test_a_resumed_run_ends_bit_for_bit_as_an_uninterrupted_one(
    compiled, uninterrupted, clips, tmp_path, stop
):
    gan, start = compiled
    assign_state(gan, start, "memory")
    first = training.train(gan, clips, steps=stop, batch_size=BATCH, folder=tmp_path)
    for variable in state_of(gan).values():  # nothing survives but the folder
        variable.assign(tf.ones_like(variable))
    assert restore_checkpoint(gan, tmp_path) == stop
    history = training.train(gan, clips, steps=30, batch_size=BATCH, folder=tmp_path)
    assert differing(uninterrupted[0], values(gan)) == []
    assert history[: len(first)] == first
    assert [row["step"] for row in history] == sorted({stop, 10, 20, 30})
    assert [row["seconds"] for row in history] == sorted(row["seconds"] for row in history)
    last = [{k: v for k, v in rows[-1].items() if "_lo" in k} for rows in (history, uninterrupted[1])]
    assert last[0] == last[1]  # losses and logits


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one(
    compiled, uninterrupted, clips, tmp_path, monkeypatch
):
    gan, start = compiled
    assign_state(gan, start, "memory")
    monkeypatch.setattr(training, "SAVE_EVERY", 0)
    training.train(gan, clips, steps=20, batch_size=BATCH, folder=tmp_path)
    newest = list_checkpoints(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes()[:-50])
    with pytest.warns(UserWarning, match="checkpoint-00000020.*corrupted"):
        assert restore_checkpoint(gan, tmp_path) == 10
    history = training.train(gan, clips, steps=30, batch_size=BATCH, folder=tmp_path)
    assert differing(uninterrupted[0], values(gan)) == []
    assert [row["step"] for row in history] == [10, 20, 30]
    assert restore_checkpoint(gan, tmp_path) == 30


def test_a_new_run_does_not_overwrite_another(gan, clips, tmp_path):
    gan.step.assign(500)
    kept = save_checkpoint(gan, tmp_path).read_bytes()
    gan.step.assign(0)
    with pytest.raises(ValueError, match=r"expected an empty folder.*checkpoint-00000500\.npz.*resume"):
        training.train(gan, clips, steps=10, batch_size=BATCH, folder=tmp_path)
    assert int(gan.step) == 0
    assert list_checkpoints(tmp_path)[0].read_bytes() == kept


# ---- killed ----------------------------------------------------------------------------------------------

CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
import test_training as here
here.training.SAVE_EVERY = 0
here.training.LOG_EVERY = 1  # writes most of the time: a kill hits a write as easily as a step
run = {'steps': 10**6, 'batch_size': here.BATCH, 'folder': sys.argv[2]}
here.training.train(here.make_gan(), here.make_clips(), **run)
"""


def killed_run(folder, tests):
    """Train in another process and kill it, as a power cut would, some time after its first checkpoint."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tests), str(folder)], stderr=subprocess.PIPE, text=True
    )
    try:
        until = time.monotonic() + 300
        while not list_checkpoints(folder):
            assert child.poll() is None, child.stderr.read()
            assert time.monotonic() < until, "no checkpoint in five minutes"
            time.sleep(0.02)
        time.sleep(random.SystemRandom().uniform(0, 1))
        assert child.poll() is None
    finally:
        child.kill()  # SIGKILL: nothing in the child can run any more
        child.communicate()


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_very_same_checkpoint(compiled, clips, tmp_path, request):
    gan, start = compiled
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed_run(killed, request.path.parent)
    reached = restore_checkpoint(gan, killed)
    steps = reached + 17
    training.train(gan, clips, steps=steps, batch_size=BATCH, folder=killed)
    assign_state(gan, start, "memory")
    training.train(gan, clips, steps=steps, batch_size=BATCH, folder=whole)
    name = f"checkpoint-{steps:08d}.npz"
    assert differing(read(whole / name), read(killed / name)) == []
    rows = [row["step"] for row in training.read_history(killed)]
    assert rows[:reached] == list(range(1, reached + 1))  # no row is lost, none is there twice
    assert rows == sorted(set(rows))
    assert not list(killed.glob(".*")), "the file that the killed process was writing is gone"


# ---- the disk is full ------------------------------------------------------------------------------------


def limit_file_size(size):
    resource = pytest.importorskip("resource", reason="file size limits are for POSIX")
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def test_a_disk_that_is_full_for_a_while_costs_no_checkpoint(gan, clips, tmp_path, monkeypatch):
    """From step 10 to step 20 the operating system lets no file grow to the size of a checkpoint."""
    resource = pytest.importorskip("resource", reason="file size limits are for POSIX")
    monkeypatch.setattr(training, "SAVE_EVERY", 0)
    kept = {}

    def after_row(gan):
        step = int(gan.step)
        kept[step] = [path.name for path in list_checkpoints(tmp_path)]
        whole = list_checkpoints(tmp_path)[-1].stat().st_size
        limit_file_size(whole // 2 if step == 10 else resource.RLIM_INFINITY)

    try:
        with pytest.warns(UserWarning, match=r"checkpoint-00000020\.npz: cannot be written.*00000010.*good"):
            training.train(gan, clips, steps=30, batch_size=BATCH, folder=tmp_path, on_sample=after_row)
    finally:
        limit_file_size(resource.RLIM_INFINITY)
    assert kept[20] == ["checkpoint-00000010.npz"]
    assert kept[30] == ["checkpoint-00000010.npz", "checkpoint-00000030.npz"]
    assert restore_checkpoint(gan, tmp_path) == 30
    assert [row["step"] for row in training.read_history(tmp_path)] == [10, 20, 30]


def test_a_run_that_can_keep_nothing_stops(gan, clips, tmp_path, monkeypatch):
    resource = pytest.importorskip("resource", reason="file size limits are for POSIX")
    monkeypatch.setattr(training, "SAVE_EVERY", 0)
    limit_file_size(10_000)
    try:
        with pytest.raises(ValueError, match=r"checkpoint-00000010\.npz: cannot be written"):
            training.train(gan, clips, steps=30, batch_size=BATCH, folder=tmp_path)
    finally:
        limit_file_size(resource.RLIM_INFINITY)
    assert list_checkpoints(tmp_path) == []


def test_no_space_left_on_device(gan, clips, tmp_path, monkeypatch):
    """A real ENOSPC: a file system with room for one checkpoint and a half."""
    size = save_checkpoint(gan, tmp_path / "sample").stat().st_size
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size * 3 // 2}", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small file system can only be mounted by root on Linux")
    try:
        monkeypatch.setattr(training, "SAVE_EVERY", 0)
        with (
            pytest.warns(UserWarning, match="No space left on device.*training goes on"),
            pytest.raises(ValueError, match=r"checkpoint-00000030\.npz: cannot be written: No space left"),
        ):
            training.train(gan, clips, steps=30, batch_size=BATCH, folder=disk / "run")
        assert restore_checkpoint(gan, disk / "run") == 10
        assert not list((disk / "run").glob(".*")), "what could not be written whole is gone"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# ---- more clips than memory ------------------------------------------------------------------------------

STREAM = """
import resource, sys
from vgcourse import datasets
sys.path.insert(0, sys.argv[1])
import test_training as here
datasets.BLOCK_BYTES = 2**22
steps, batch = int(sys.argv[3]), 32
here.training.train(here.make_gan(), sys.argv[2], steps=steps, batch_size=batch)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_memory(store, steps, tests):
    child = [sys.executable, "-c", STREAM, str(tests), str(store), str(steps)]
    return int(subprocess.run(child, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_ten_times_the_clips_take_no_more_memory(tmp_path, request):
    """Both train equally long; the large store is 300 MB, far more than the 10% that are allowed."""
    pytest.importorskip("resource", reason="peak memory is asked of POSIX")
    part = make_clips(num_clips=120)
    peaks = []
    for name, times in (("small", 10), ("large", 100)):
        store = save_clips(tmp_path / name, (part for _ in range(times)), shard_bytes=2**22)
        peaks.append(peak_memory(store, 400, request.path.parent))
    assert peaks[1] < 1.1 * peaks[0]


# ---- it diverges -----------------------------------------------------------------------------------------


def broken_at(gan, bad_step):
    """The step function, after which a weight of the discriminator is NaN from `bad_step` on."""
    step = gan.step_function

    def broken(batch):
        logs = step(batch)
        if int(gan.step) == bad_step:
            weight = gan.discriminator.trainable_variables[0]
            weight.assign(tf.fill(weight.shape, np.nan))
        return logs

    return broken


@pytest.mark.parametrize(
    ("bad_step", "words"),
    [
        (13, r"step 20: expected finite losses, received d_loss = nan"),  # seen in the losses
        (20, r"step 20: .*expected finite weights"),  # after the last loss: seen when it is saved
    ],
)
def test_training_that_diverges_keeps_the_last_good_checkpoint(
    gan, clips, tmp_path, monkeypatch, bad_step, words
):
    monkeypatch.setattr(training, "SAVE_EVERY", 0)
    words += r".*good state is .*checkpoint-00000010\.npz"
    with monkeypatch.context() as patch:
        patch.setattr(gan, "step_function", broken_at(gan, bad_step))
        with pytest.raises(training.TrainingDiverged, match=words):
            training.train(gan, clips, steps=50, batch_size=BATCH, folder=tmp_path)
    assert int(gan.step) == 20  # no step is taken in vain
    assert [path.name for path in list_checkpoints(tmp_path)] == ["checkpoint-00000010.npz"]
    assert restore_checkpoint(gan, tmp_path) == 10
    assert all(np.isfinite(array).all() for array in values(gan).values())
    history = training.train(gan, clips, steps=20, batch_size=BATCH, folder=tmp_path)
    assert [row["step"] for row in history] == [10, 20]


def test_divergence_without_a_folder_says_so(monkeypatch):
    gan = Clockwork(monkeypatch)
    gan.step_function = lambda batch: {"d_loss": tf.constant(1.0), "g_loss": tf.constant(np.inf)}
    with pytest.raises(training.TrainingDiverged, match=r"step 10: .*g_loss = inf; no checkpoint was kept"):
        training.train(gan, None, steps=50)


# ---- clips that do not fit -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_clips": 3}, r"batch_size: expected an integer, 1 to 3.*received 4"),
        ({"num_frames": FRAMES - 1}, r"num_frames: expected an integer, 1 to 7.*received 8"),
        ({"size": 48}, r"expected frames \(32, 32, 3\), received \(48, 48, 3\)"),
        ({"names": ("walk", "run")}, r"actions \('still', 'moving'\), received \('walk', 'run'\)"),
        ({"names": (*NAMES, "run")}, r"actions \('still', 'moving'\), received"),
    ],
)
def test_clips_that_do_not_fit_are_refused_before_training(gan, tmp_path, changes, words):
    save_clips(tmp_path / "store", make_clips(**changes))
    for source in (make_clips(**changes), tmp_path / "store"):
        with pytest.raises(ValueError, match=words):
            training.train(gan, source, steps=1, batch_size=BATCH, folder=tmp_path / "run")
    assert int(gan.step) == 0
    assert not (tmp_path / "run").exists()


def test_batches_have_the_length_of_the_generator(gan, clips):
    frames, actions = next(iter(training.batches_for(gan, clips, 2, 0)))
    assert frames.shape == (2, FRAMES, 32, 32, 3)
    assert frames.dtype == tf.float32
    assert -1 <= float(tf.reduce_min(frames)) < -0.9
    assert actions.dtype == tf.int32


# ---- speed -----------------------------------------------------------------------------------------------


def test_timing_a_step_leaves_the_model_as_it_was(gan, clips):
    before = values(gan)
    seconds = training.time_step(gan, clips, batch_size=BATCH, num_steps=6)
    assert differing(before, values(gan)) == []
    assert 0 < seconds < 60


def test_a_step_is_timed_by_the_median(monkeypatch):
    gan = Clockwork(monkeypatch)
    monkeypatch.setattr(training, "state_of", lambda gan: {})
    monkeypatch.setattr(training, "assign_state", lambda gan, arrays, source: None)
    assert training.time_step(gan, None) == 4


@pytest.mark.parametrize(
    ("half", "picked"), [(0.5, "bfloat16"), (0.89, "bfloat16"), (0.95, "float32"), (20.0, "float32")]
)
def test_bfloat16_is_picked_only_where_it_is_faster(monkeypatch, half, picked):
    now = [0.0]

    def run(network, frames, actions):
        now[0] += half if network == "mixed_bfloat16" else 1.0

    monkeypatch.setattr(training, "build_discriminator", lambda size, num_actions, dtype: dtype)
    monkeypatch.setattr(training, "_gradient", run)
    monkeypatch.setattr(training.tf, "function", lambda python: python)
    monkeypatch.setattr(training, "time", types.SimpleNamespace(perf_counter=lambda: now[0]))
    assert training.pick_precision(32) == picked


def test_a_precision_is_picked_by_measuring(monkeypatch):
    build = training.build_discriminator
    monkeypatch.setattr(
        training, "build_discriminator", lambda *args, **kwargs: build(*args, channels=4, **kwargs)
    )
    assert training.pick_precision(32, batch_size=2, rounds=2) in ("float32", "bfloat16")


# ---- it learns -------------------------------------------------------------------------------------------


def squares(num_clips=64):
    """A bright square on the left that stays there (action 0) or jumps to the right half-way (action 1)."""
    rng = np.random.default_rng(1)
    frames = np.full((num_clips, FRAMES, 32, 32, 3), 30, np.uint8)
    actions = np.arange(num_clips) % 2
    for clip, action in zip(frames, actions, strict=True):
        colour = rng.integers(180, 256, 3)
        clip[: FRAMES // 2, 10:22, 2:14] = colour
        left = 18 if action else 2
        clip[FRAMES // 2 :, 10:22, left : left + 12] = colour
    return Clips(frames, actions, np.arange(num_clips), NAMES, 10.0)


def mean_clips(clips, actions):
    """The mean clip of each action, in [0, 255]."""
    return np.stack([clips[actions == action].mean(axis=0) for action in range(2)])


def generated(gan, num_clips=40):
    generator, rng = gan.ema_generator, np.random.default_rng(2)
    content = rng.standard_normal((num_clips, generator.content_dim), np.float32)
    noise = rng.standard_normal((num_clips, FRAMES, generator.motion_dim), np.float32)
    actions = np.arange(num_clips) % 2
    return (np.asarray(generator([content, noise, actions])) + 1) * 127.5, actions


def motion(clips, actions):
    """Mean change from frame to frame, action 1 over action 0."""
    still, moving = (abs(np.diff(clips[actions == action], axis=1)).mean() for action in range(2))
    return moving / still


@pytest.mark.slow
def test_it_learns_how_it_looks_and_what_moves():
    clips, gan = squares(), make_gan(channels=8)
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
