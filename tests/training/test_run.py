"""A run: settings, history, checkpoints in a folder; resumed or killed, it ends as an unbroken one does."""

import csv
import random
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_game import BATCH, NAMES, Clockwork, differing, make_clips, make_gan, nan_after, values
from tiny_game import tiny_gan

from vgcourse import datasets, training
from vgcourse.files import PART
from vgcourse.gan import RECIPES, VideoGAN
from vgcourse.training import checkpoints, loop, run
from vgcourse.training.checkpoints import assign_state, list_checkpoints, restore_checkpoint, save_checkpoint


def names_in(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def train(gan, clips, folder, steps):
    return training.train_in_folder(gan, clips, folder, steps=steps, batch_size=BATCH)


@pytest.fixture(scope="module")
def uninterrupted(compiled, clips):
    made, start = compiled
    assign_state(made, start, "memory")
    history = training.train(made, clips, steps=30, batch_size=BATCH)
    return values(made), history


@pytest.fixture(autouse=True)
def smallest_size(monkeypatch):
    """Runs of clips of one pixel, which no recipe is for."""
    monkeypatch.setitem(RECIPES, 1, None)


@pytest.fixture
def every_row(monkeypatch):
    """A checkpoint at every row of the history."""
    monkeypatch.setattr(run, "SAVE_EVERY", -1)


# ---- what is kept ----------------------------------------------------------------------------------------


def test_a_folder_keeps_the_history_and_the_last_state(gan, clips, tmp_path):
    history = train(gan, clips, tmp_path, 13)
    assert [row["step"] for row in history] == [10, 13]
    assert training.read_history(tmp_path) == history
    with open(tmp_path / "history.csv", newline="") as file:
        assert next(csv.reader(file)) == list(history[0])
    assert names_in(tmp_path) == ["checkpoint-00000013.npz", "history.csv"]
    assert train(gan, clips, tmp_path, 13) == history  # nothing is left to do


def test_checkpoints_are_written_every_thirty_seconds_and_at_the_end(monkeypatch, tmp_path):
    def saved(steps):
        game, kept = Clockwork(), []
        monkeypatch.setattr(loop, "time", game)
        monkeypatch.setattr(run, "time", game)
        monkeypatch.setattr(run, "batches_for", game.batches)
        monkeypatch.setattr(run, "check_own_run", lambda gan, folder: None)
        monkeypatch.setattr(run, "save_checkpoint", lambda gan, folder: kept.append(len(gan.trained)))
        train(game, None, tmp_path, steps)
        return kept

    assert run.SAVE_EVERY == 30
    assert saved(25) == [10, 20, 25]  # a row every 40 seconds
    monkeypatch.setattr(run, "SAVE_EVERY", 60)
    assert saved(45) == [20, 40, 45]


def test_the_averaged_generator_is_what_a_run_saves(gan, tmp_path):
    gan.ema_generator.set_weights([w + 1 for w in gan.ema_generator.get_weights()])
    path = training.save_generator(gan, tmp_path)
    assert path == tmp_path / "generator.keras"
    again = keras.saving.load_model(path, safe_mode=True)
    for ours, theirs in zip(again.get_weights(), gan.ema_generator.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


# ---- history and settings on disk ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "steps"),
    [("", []), ("step,seconds\n", []), ("step,seconds\n10,1.0\n20,2.0\n30,3.0\n", [10, 20])],
    ids=["empty", "header", "rows"],
)
def test_rows_after_a_step_are_left_out(tmp_path, content, steps):
    (tmp_path / "history.csv").write_text(content)
    rows = [{"step": step, "seconds": step / 10} for step in steps]
    assert training.read_history(tmp_path, up_to=20) == rows
    assert len(training.read_history(tmp_path)) == max(content.count("\n") - 1, 0)
    assert training.read_history(tmp_path / "missing") == []


def test_damaged_files_are_named(tmp_path):
    for content in ("step,d_loss\n10\n", "step,d_loss\n10,abc\n", "d_loss\n0.5\n", "step\n1,2\n"):
        (tmp_path / "history.csv").write_text(content)
        with pytest.raises(ValueError, match=r"history\.csv: expected a table of numbers"):
            training.read_history(tmp_path)
    for content in (b"", b'{"size": 32', b"[32]", b"32", b"\xff\xfe\x00", b"null"):
        (tmp_path / "config.json").write_bytes(content)
        with pytest.raises(ValueError, match=r"config\.json: expected the settings of a run"):
            run.read_config(tmp_path)
    with pytest.raises(
        ValueError, match=r"config\.json: no such file; expected the folder of a training run"
    ):
        run.read_config(tmp_path / "missing")


def test_settings_come_back(tmp_path):
    config = {"size": 32, "action_names": ["walk", "Rückwärts", "跳"], "fps": 12.5, "num_frames": 16}
    config |= {"precision": "float32", "batch_size": 8, "seed": 0, "loss": None, "ema": True}
    for written in (config, {**config, "size": 64}):
        run.write_config(tmp_path / "run", written)
        assert run.read_config(tmp_path / "run") == written
    assert names_in(tmp_path / "run") == ["config.json"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match=r"file.run.config\.json: cannot be written"):
        run.write_config(tmp_path / "file" / "run", {})


# ---- resume ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [10, 13])
def test_a_resumed_run_ends_bit_for_bit_as_an_uninterrupted_one(gan, uninterrupted, clips, tmp_path, stop):
    first = train(gan, clips, tmp_path, stop)
    for variable in training.state_of(gan).values():  # nothing survives but the folder
        variable.assign(tf.ones_like(variable))
    assert restore_checkpoint(gan, tmp_path) == stop
    history = train(gan, clips, tmp_path, 30)
    assert differing(uninterrupted[0], values(gan)) == []
    assert history[: len(first)] == first
    assert [row["step"] for row in history] == sorted({stop, 10, 20, 30})
    assert [row["seconds"] for row in history] == sorted(row["seconds"] for row in history)
    last = [{k: v for k, v in rows[-1].items() if "_lo" in k} for rows in (history, uninterrupted[1])]
    assert last[0] == last[1]  # losses and logits


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one(
    gan, uninterrupted, clips, tmp_path, every_row
):
    train(gan, clips, tmp_path, 20)
    newest = list_checkpoints(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes()[:-50])
    with pytest.warns(UserWarning, match="checkpoint-00000020.*corrupted"):
        assert restore_checkpoint(gan, tmp_path) == 10
    with pytest.warns(UserWarning, match="checkpoint-00000020.*corrupted"):
        history = train(gan, clips, tmp_path, 30)
    assert differing(uninterrupted[0], values(gan)) == []
    assert [row["step"] for row in history] == [10, 20, 30]
    assert restore_checkpoint(gan, tmp_path) == 30


# ---- another run's folder --------------------------------------------------------------------------------


@pytest.fixture
def others(gan, clips, tmp_path, every_row):
    """The folder of a run at steps 10 and 20, and the game that made it, restored as it was at 20."""
    train(gan, clips, tmp_path, 20)
    return tmp_path


def assert_refused(gan, clips, folder, newest):
    kept, before = contents(folder), values(gan)
    with pytest.raises(ValueError, match=rf"expected an empty folder.*{newest}.*another state.*resume"):
        train(gan, clips, folder, 50)
    assert contents(folder) == kept
    assert differing(before, values(gan)) == []


@pytest.mark.parametrize("step", [0, 5, 10, 15, 20, 30])
def test_no_run_touches_the_checkpoints_of_another_wherever_it_stands(gan, clips, others, step):
    for variable in gan.trainable_variables:
        variable.assign(variable + 0.01)
    gan.step.assign(step)
    assert_refused(gan, clips, others, r"checkpoint-00000020\.npz")


@pytest.mark.parametrize("step", [10, 20])
def test_nor_where_the_newest_is_damaged(gan, clips, others, step):
    newest = others / "checkpoint-00000020.npz"
    newest.write_bytes(newest.read_bytes()[:-50])
    gan.step.assign(step)
    with pytest.warns(UserWarning, match="corrupted"):
        assert_refused(gan, clips, others, r"checkpoint-00000010\.npz")


def test_nor_where_all_are_damaged(gan, clips, others):
    for path in list_checkpoints(others):
        path.write_bytes(path.read_bytes()[:-50])
    kept = contents(others)
    with pytest.warns(UserWarning, match="corrupted"), pytest.raises(ValueError, match="2 corrupted"):
        train(gan, clips, others, 50)
    assert contents(others) == kept


@pytest.mark.parametrize(
    "group", ["generator", "discriminator", "ema_generator", "g_optimizer", "d_optimizer"]
)
def test_one_number_makes_it_another_run(gan, clips, others, group):
    owner = getattr(gan, group)
    variable = (owner.variables if "optimizer" in group else owner.trainable_variables)[-1]
    variable.assign(variable + 1)
    assert_refused(gan, clips, others, r"checkpoint-00000020\.npz")


def test_a_run_of_another_size_is_refused(others, clips):
    small = make_gan(units=8)
    small.step.assign(20)
    assert_refused(small, clips, others, r"checkpoint-00000020\.npz")


def test_its_own_past_is_not_overwritten_either(gan, clips, others):
    """Restored by hand to a step that is not the newest: what came later would be lost."""
    with np.load(others / "checkpoint-00000010.npz") as arrays:
        assign_state(gan, arrays, "memory")
    assert_refused(gan, clips, others, r"checkpoint-00000020\.npz")


def test_its_own_newest_state_may_go_on(gan, clips, others):
    assert [row["step"] for row in train(gan, clips, others, 30)] == [10, 20, 30]


# ---- killed ----------------------------------------------------------------------------------------------

CHILD = """
import sys
sys.path[:0] = sys.argv[1:3]
import test_run as here
here.run.SAVE_EVERY = -1
here.loop.LOG_EVERY = 1  # writes most of the time: a kill hits a write as easily as a step
here.train(here.make_gan(seed=3), here.make_clips(), sys.argv[3], 10**6)
"""


def killed_run(folder, tests):
    """Train in another process and kill it, as a power cut would, some time after its first checkpoint."""
    command = [sys.executable, "-c", CHILD, str(tests), str(tests.parent / "gan"), str(folder)]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
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


def read(path):
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_very_same_checkpoint(gan, compiled, clips, tmp_path, request):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed_run(killed, request.path.parent)
    reached = restore_checkpoint(gan, killed)
    steps = reached + 17
    train(gan, clips, killed, steps)
    assign_state(gan, compiled[1], "memory")
    train(gan, clips, whole, steps)
    name = f"checkpoint-{steps:08d}.npz"
    assert differing(read(whole / name), read(killed / name)) == []
    rows = [row["step"] for row in training.read_history(killed)]
    assert rows[:reached] == list(range(1, reached + 1))  # no row is lost, none is there twice
    assert rows == sorted(set(rows))
    assert not list(killed.glob(f"{PART}*")), "the file that the killed process was writing is gone"


# ---- the disk is full ------------------------------------------------------------------------------------


def limit_file_size(size):
    resource = pytest.importorskip("resource", reason="file size limits are for POSIX")
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def test_a_disk_that_is_full_for_a_while_costs_no_checkpoint(gan, clips, tmp_path, every_row):
    """From step 10 to step 20 the operating system lets no file grow to the size of a checkpoint."""
    resource = pytest.importorskip("resource", reason="file size limits are for POSIX")
    batches = training.batches_for(gan, clips, batch_size=BATCH)
    rows = run.keep_run(loop.iter_training(gan, batches, steps=30), gan, tmp_path, steps=30)

    def kept_after_row():
        next(rows)
        return [path.name for path in list_checkpoints(tmp_path)]

    kept = {10: kept_after_row()}
    limit_file_size(list_checkpoints(tmp_path)[-1].stat().st_size // 2)
    try:
        with pytest.warns(UserWarning, match=r"checkpoint-00000020\.npz: cannot be written.*00000010.*good"):
            kept[20] = kept_after_row()
        # Rows are written first: those without a checkpoint are made again after a kill.
        assert [row["step"] for row in training.read_history(tmp_path)] == [10, 20]
    finally:
        limit_file_size(resource.RLIM_INFINITY)
    assert kept[10] == kept[20] == ["checkpoint-00000010.npz"]
    assert kept_after_row() == ["checkpoint-00000010.npz", "checkpoint-00000030.npz"]
    assert restore_checkpoint(gan, tmp_path) == 30
    assert [row["step"] for row in training.read_history(tmp_path)] == [10, 20, 30]


def test_a_run_that_can_keep_nothing_stops(gan, clips, tmp_path, every_row):
    resource = pytest.importorskip("resource", reason="file size limits are for POSIX")
    limit_file_size(10_000)
    try:
        with pytest.raises(ValueError, match=r"checkpoint-00000010\.npz: cannot be written"):
            train(gan, clips, tmp_path, 30)
    finally:
        limit_file_size(resource.RLIM_INFINITY)
    assert list_checkpoints(tmp_path) == []


def test_no_space_left_on_device(gan, clips, tmp_path, every_row):
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
        with (
            pytest.warns(UserWarning, match="No space left on device.*training goes on"),
            pytest.raises(ValueError, match=r"checkpoint-00000030\.npz: cannot be written: No space left"),
        ):
            train(gan, clips, disk / "run", 30)
        assert restore_checkpoint(gan, disk / "run") == 10
        assert not list((disk / "run").glob(f"{PART}*")), "what could not be written whole is gone"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# ---- it diverges -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad_step", "words"),
    [
        (13, r"step 20: expected finite losses, received d_loss = nan"),  # seen in the losses
        (20, r"expected finite weights"),  # after the last loss: seen when it is saved
    ],
)
def test_training_that_diverges_keeps_the_last_good_checkpoint(
    gan, clips, tmp_path, monkeypatch, every_row, bad_step, words
):
    words += r".*good state is .*checkpoint-00000010\.npz"
    with monkeypatch.context() as patch:
        patch.setattr(gan, "step_function", nan_after(gan, bad_step))
        with pytest.raises(training.TrainingDiverged, match=words):
            train(gan, clips, tmp_path, 50)
    assert int(gan.step) == 20  # no step is taken in vain
    assert [path.name for path in list_checkpoints(tmp_path)] == ["checkpoint-00000010.npz"]
    assert restore_checkpoint(gan, tmp_path) == 10
    assert all(np.isfinite(array).all() for array in values(gan).values())
    assert [row["step"] for row in train(gan, clips, tmp_path, 20)] == [10, 20]


def test_divergence_before_the_first_checkpoint_says_so(gan, clips, tmp_path, monkeypatch):
    monkeypatch.setattr(gan, "step_function", nan_after(gan, 5))
    with pytest.raises(training.TrainingDiverged, match=r"step 10: .*no checkpoint was kept"):
        train(gan, clips, tmp_path, 50)


# ---- from the first setting to the saved generator -------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    return datasets.save_clips(tmp_path / "store", make_clips(num_clips=8))


@pytest.fixture
def tiny(monkeypatch):
    """Runs train the tiny game; returns the games that were made, with the seed of each."""
    made = []

    def make(size, action_names, *, num_frames, fps, precision, seed, model):
        assert (size, tuple(action_names), fps, precision, model) == (1, NAMES, 10.0, "float32", VideoGAN)
        made.append(tiny_gan(num_frames=num_frames, seed=seed))
        made[-1].step_function = made[-1].train_step  # few steps: cheaper than a graph
        return made[-1]

    monkeypatch.setattr(run, "make_gan", make)
    return made


def test_a_run_remembers_what_it_was_started_with(store, tmp_path, tiny):
    folder = tmp_path / "run"
    config = run.start_run(store, folder, precision="float32", batch_size=4, seed=5)
    expected = {"size": 1, "num_frames": 8, "fps": 10.0, "precision": "float32", "batch_size": 4, "seed": 5}
    assert {name: config[name] for name in expected} == expected
    assert config["action_names"] == list(NAMES)
    assert {"versions", "machine", "source", "store_sha256"} <= set(config)
    assert run.read_config(folder) == config
    generator = keras.saving.load_model(run.continue_run(store, folder, steps=1), safe_mode=True)
    assert (generator.action_names, generator.num_frames) == (NAMES, 8)
    config = run.read_config(folder)
    assert (config["steps"], config["replicas"]) == (1, 1)
    words = f"vgcourse train {store} {folder} --steps 1 --batch-size 4 --precision float32 --seed 5"
    assert config["command"] == words
    assert {"config.json", "checkpoint-00000001.npz", "history.csv", "generator.keras"} <= set(
        names_in(folder)
    )


def test_changes_that_the_commit_lacks_are_kept_with_the_run(store, tmp_path, monkeypatch):
    for name, changes in (("changed", "+answer = 43\n"), ("clean", "")):
        monkeypatch.setattr(
            run.provenance, "source_state", lambda changes=changes: ({"commit": "abc"}, changes)
        )
        run.start_run(store, tmp_path / name, precision="float32", batch_size=4)
        assert run.read_config(tmp_path / name)["source"] == {"commit": "abc"}
    assert (tmp_path / "changed" / "changes.patch").read_text() == "+answer = 43\n"
    assert names_in(tmp_path / "clean") == ["config.json"]


def test_the_length_of_clips_is_at_most_sixteen_frames_and_precision_is_measured(tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(
        run, "pick_precision", lambda size, batch_size: measured.append((size, batch_size)) or "x"
    )
    store = datasets.save_clips(tmp_path / "store", make_clips(num_frames=20))
    config = run.start_run(store, tmp_path / "run", batch_size=3)
    assert (config["num_frames"], config["precision"], config["seed"], measured) == (16, "x", 0, [(1, 3)])


def test_the_seed_of_a_run_reaches_the_game_and_the_batches(store, tmp_path, tiny, monkeypatch):
    seen = []

    def one_batch(gan, batches, *, steps, show_progress):
        seen.append((gan.seed, next(iter(batches))[0].numpy()))
        yield from ()

    monkeypatch.setattr(run, "iter_training", one_batch)
    for seed in (5, 6):
        run.start_run(store, tmp_path / str(seed), precision="float32", batch_size=4, seed=seed)
        run.continue_run(store, tmp_path / str(seed), steps=10)
    assert [seed for seed, _ in seen] == [5, 6]
    for seed, batch in seen:
        expected, _ = next(iter(datasets.make_dataset(store, batch_size=4, seed=seed)))
        np.testing.assert_array_equal(batch, expected)
    assert not np.array_equal(seen[0][1], seen[1][1])


def test_a_run_goes_to_its_number_of_steps_and_further_only_when_asked(store, tmp_path, tiny, monkeypatch):
    run.start_run(store, tmp_path / "run", precision="float32", batch_size=4)
    monkeypatch.setattr(run, "steps_for", lambda gan, clips, minutes, *, batches: round(minutes))
    with pytest.raises(ValueError, match="config.json"):
        run.continue_run(store, tmp_path / "nothing", steps=10)
    run.continue_run(store, tmp_path / "run", minutes=3.0)
    assert run.read_config(tmp_path / "run")["steps"] == 3
    run.continue_run(store, tmp_path / "run", minutes=100.0)  # it is there already
    assert [row["step"] for row in training.read_history(tmp_path / "run")] == [3]
    run.continue_run(store, tmp_path / "run", steps=4)
    assert [row["step"] for row in training.read_history(tmp_path / "run")] == [3, 4]
    with pytest.raises(ValueError, match="at step 4, received --steps 3"):
        run.continue_run(store, tmp_path / "run", steps=3)
    watched, whole = [], tmp_path / "whole"

    def watch(rows, gan, folder, *, steps):
        assert (gan, folder, steps) == (tiny[-1], whole, 4)
        for row in rows:
            watched.append(row["step"])
            yield row

    run.start_run(store, whole, precision="float32", batch_size=4)
    run.continue_run(store, whole, steps=4, watch=watch)
    assert watched == [4]
    name = "checkpoint-00000004.npz"
    assert differing(read(whole / name), read(tmp_path / "run" / name)) == []


def test_settings_that_a_run_does_not_have_are_refused(store, tmp_path):
    folder = tmp_path / "run"
    run.start_run(store, folder, precision="float32", batch_size=4, seed=5)
    run.check_settings(folder, precision="auto", batch_size=4, seed=None, minutes=3.0)
    for wrong in ({"precision": "bfloat16"}, {"batch_size": 5}, {"seed": 0}):
        option = f"--{next(iter(wrong)).replace('_', '-')}"
        with pytest.raises(ValueError, match=f"started with {option} .*received {option} "):
            run.check_settings(folder, **wrong)
    run.write_config(folder, {**run.read_config(folder), "steps": 10})
    with pytest.raises(ValueError, match="goes to step 10, received --minutes 3"):
        run.check_settings(folder, minutes=3.0)


def test_clips_that_a_run_was_not_started_with_are_refused(store, tmp_path, tiny):
    run.start_run(store, tmp_path / "run", precision="float32", batch_size=4)
    clips = datasets.load_clips(store)
    inverted = datasets.Clips(255 - clips.clips, clips.actions, clips.actors, clips.action_names, clips.fps)
    renamed = datasets.Clips(clips.clips, clips.actions, clips.actors, ("up", "down", "hop"), clips.fps)
    short = datasets.Clips(clips.clips[:, :5], clips.actions, clips.actors, clips.action_names, clips.fps)
    for name, other, words in (
        ("inverted", inverted, "inverted: these are other clips"),
        ("renamed", renamed, "walk.*up"),
        ("short", short, "8 or more frames"),
    ):
        datasets.save_clips(tmp_path / name, other)
        with pytest.raises(ValueError, match=words):
            run.continue_run(tmp_path / name, tmp_path / "run", steps=10)
    assert names_in(tmp_path / "run")[0] != "checkpoint-00000010.npz"


def test_a_store_that_does_not_suit_is_refused_before_anything_is_made(store, tmp_path):
    clips = datasets.load_clips(store)
    for name, frames, words in (
        ("short", clips.clips[:, :3], "short: expected clips of 4 frames or more, received 3"),
        ("wide", clips.clips.repeat(2, axis=3), "wide: expected square clips, received 1x2"),
    ):
        made = datasets.Clips(frames, clips.actions, clips.actors, clips.action_names, clips.fps)
        datasets.save_clips(tmp_path / name, made)
        with pytest.raises(ValueError, match=words):
            run.start_run(tmp_path / name, tmp_path / "run", precision="float32")
    for batch_size in (0, 9):
        with pytest.raises(
            ValueError, match=f"store: batch_size: expected a whole number from 1 to 8.*received {batch_size}"
        ):
            run.start_run(store, tmp_path / "run", batch_size=batch_size)
    assert not (tmp_path / "run").exists()
    checkpoint = tmp_path / "run" / "checkpoint-00000010.npz"
    checkpoint.parent.mkdir()
    checkpoint.touch()
    with pytest.raises(ValueError, match="there is a run here already"):
        run.start_run(store, tmp_path / "run", precision="float32", batch_size=4)
    assert checkpoints.list_checkpoints(tmp_path / "run") == [checkpoint]
