"""Two replicas, two workers: the same start, the same weights everywhere, and the result of one device.

Devices and workers are set up before TensorFlow starts, so each case runs in processes of its own, which
import this file. A cluster is two processes that talk over the loopback.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from vgcourse import datasets, training
from vgcourse import gan as gan_module
from vgcourse.gan.models import VideoGenerator, build_discriminator
from vgcourse.scale import replicas, strategies
from vgcourse.training import checkpoints

NAMES = ("still", "moving")
FRAMES, BATCH, STEPS = 8, 8, 9  # a step more than the lazy R1 penalty's period
TOLERANCE = 2e-5  # between weights of order 0.1 after that many steps, in float32
SMALL = {32: (4, 4, 1.0)}  # a recipe that trains in milliseconds


def make_clips(num_clips=24):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (num_clips, FRAMES + 2, 32, 32, 3), dtype=np.uint8)
    return datasets.Clips(frames, np.arange(num_clips) % 2, np.arange(num_clips), NAMES, 10.0)


def make_gan(*, synchronised=True, weight_seed=3, dtype="float32"):
    keras.utils.set_random_seed(weight_seed)
    generator = VideoGenerator(32, NAMES, num_frames=FRAMES, channels=4, latent_dims=(6, 4), dtype=dtype)
    gan = gan_module.VideoGAN(generator, build_discriminator(32, 2, channels=4, dtype=dtype), seed=3)
    if synchronised:
        replicas.synchronise_batch_norm(generator)
    # Not Adam: its steps have one size whatever the scale of the gradients, so it would hide a loss that is
    # scaled wrongly, and blow up rounding where a gradient is zero (a bias that batch norm takes off again).
    optimizers = [keras.optimizers.SGD(0.02) for _ in range(2)]
    if dtype == "mixed_float16":
        optimizers = [keras.optimizers.LossScaleOptimizer(optimizer) for optimizer in optimizers]
    gan.compile(*optimizers)
    return gan


def local_states(gan):
    """The state of each replica of this process, as dicts of arrays."""
    strategy, state = strategies.strategy_of(gan), checkpoints.state_of(gan)
    copies = {name: strategy.experimental_local_results(variable.value) for name, variable in state.items()}
    number = len(next(iter(copies.values())))
    return [{name: np.asarray(copy[place]) for name, copy in copies.items()} for place in range(number)]


def differing(first, second):
    assert first.keys() == second.keys()
    return [name for name in first if not np.array_equal(first[name], second[name])]


def largest_difference(first, second):
    """Over the networks' weights and averages (the optimizers' squares of gradients have another scale)."""
    names = [name for name in first if name.startswith("weights/")]
    return max(np.abs(first[name].astype(np.float64) - second[name]).max() for name in names)


def save(path, **states):
    np.savez(path, **{f"{group}|{name}": array for group in states for name, array in states[group].items()})


def load(path):
    """What `save` wrote: a dict of states."""
    states = {}
    with np.load(path) as file:
        for key in file.files:
            group, name = key.split("|")
            states.setdefault(group, {})[name] = file[key]
    return states


def child(code, *arguments, **environment):
    """Start a Python that runs `code` with this file as `here`."""
    tests = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {tests!r}); import test_distribute as here; {code}"
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, **quiet, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def cluster(code, *arguments):
    """Start two workers on the loopback."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        hosts = [f"127.0.0.1:{taken.getsockname()[1]}" for taken in (first, second)]
    tasks = [{"type": "worker", "index": index} for index in range(2)]
    configs = [json.dumps({"cluster": {"worker": hosts}, "task": task}) for task in tasks]
    return [child(code, *arguments, TF_CONFIG=config) for config in configs]


def finish(*processes, timeout=300):
    """Wait for processes that are expected to succeed; none is left behind."""
    try:
        for process in processes:
            output, errors = process.communicate(timeout=timeout)
            assert process.returncode == 0, output[-2000:] + errors[-4000:]
    finally:
        for process in processes:
            process.kill()


# ---- one process, two logical CPUs -----------------------------------------------------------------------


def mirrored_main(out):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = strategies.make_strategy("mirrored")
    assert strategy.num_replicas_in_sync == 2
    clips, states = make_clips(), {}
    one = make_gan(synchronised=False)
    states["one_start"] = local_states(one)[0]
    one_batches = [
        batch for _, batch in zip(range(STEPS), training.batches_for(one, clips, BATCH, 5), strict=False)
    ]
    training.train(one, clips, steps=STEPS, batch_size=BATCH)
    states["one_end"] = local_states(one)[0]
    for name, synchronised in (("synchronised", True), ("local", False)):
        with strategy.scope():
            gan = make_gan(synchronised=synchronised)
        states[f"{name}_start"] = local_states(gan)[0]
        if synchronised:
            with pytest.raises(ValueError, match="multiple of 2, the number of replicas; received 7"):
                training.batches_for(gan, clips, 7, 0)
            dealt = [
                b for _, b in zip(range(STEPS), training.batches_for(gan, clips, BATCH, 5), strict=False)
            ]
            for batch, (frames, actions) in zip(one_batches, dealt, strict=True):
                parts = [
                    tf.concat(strategy.experimental_local_results(part), 0) for part in (frames, actions)
                ]
                assert np.array_equal(batch[0], parts[0])
                assert np.array_equal(batch[1], parts[1])
        training.train(gan, clips, steps=STEPS, batch_size=BATCH)
        for place, state in enumerate(local_states(gan)):
            states[f"{name}_{place}"] = state
    save(out, **states)


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    path = tmp_path_factory.mktemp("mirrored") / "states.npz"
    finish(child("here.mirrored_main(sys.argv[1])", path))
    return load(path)


@pytest.mark.slow
@pytest.mark.parametrize("batch_norm", ["synchronised", "local"])
def test_replicas_start_alike_and_stay_identical(mirrored, batch_norm):
    assert differing(mirrored["one_start"], mirrored[f"{batch_norm}_start"]) == []
    assert differing(mirrored[f"{batch_norm}_0"], mirrored[f"{batch_norm}_1"]) == []
    assert largest_difference(mirrored["one_start"], mirrored[f"{batch_norm}_0"]) > 1e-3  # they did train


@pytest.mark.slow
def test_two_replicas_end_as_one_device_does(mirrored):
    apart = largest_difference(mirrored["one_end"], mirrored["synchronised_0"])
    assert apart < TOLERANCE
    # The test would see a wrong split: batch norm over half a batch alone leads elsewhere.
    assert largest_difference(mirrored["one_end"], mirrored["local_0"]) > 10 * TOLERANCE


def overflow_main():
    """A gradient that is not finite in the second replica alone: no replica may take the step."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = strategies.make_strategy("mirrored")
    with strategy.scope():
        gan = make_gan(dtype="mixed_float16")
    before = [np.asarray(variable) for variable in gan.discriminator.weights]
    scale = float(np.asarray(gan.d_optimizer.dynamic_scale))

    def batch(context):
        frames = np.zeros((2, FRAMES, 32, 32, 3), np.float32)
        frames += np.nan if context.replica_id_in_sync_group else 0.0
        return tf.constant(frames), tf.constant([0, 1])

    gan.step_function(strategy.experimental_distribute_values_from_function(batch))
    for old, state in zip(before, gan.discriminator.weights, strict=True):
        for copy in strategy.experimental_local_results(state.value):
            assert np.array_equal(old, copy)
    assert float(np.asarray(gan.d_optimizer.dynamic_scale)) == scale / 2


@pytest.mark.slow
def test_an_overflow_in_one_replica_skips_the_step_in_all():
    finish(child("here.overflow_main()"))


# ---- two processes ---------------------------------------------------------------------------------------


def worker_main(store, out):
    strategy = strategies.make_strategy("multi-worker")
    worker, num_workers = strategies.worker_place(strategy)
    assert (num_workers, strategies.is_chief(strategy)) == (2, worker == 0)
    told = strategies.tell_all(strategy, {"steps": 12, "name": "läuft"} if worker == 0 else None)
    assert told == {"steps": 12, "name": "läuft"}
    with strategy.scope():
        gan = make_gan(weight_seed=3 + worker)  # only the chief's initial weights count
    (start,) = local_states(gan)
    seen = []
    for _, (frames, _) in zip(range(STEPS), training.batches_for(gan, store, BATCH, 0), strict=False):
        (frames,) = strategy.experimental_local_results(frames)
        seen += [int(number) for number in np.rint((frames[:, 0, 0, 0, 0].numpy() + 1) * 127.5)]
    training.train(gan, make_clips(), steps=STEPS, batch_size=BATCH, folder=f"{out}-run-{worker}")
    (end,) = local_states(gan)
    gan.step.assign(100 + worker)
    strategies.copy_from_chief(strategy, list(checkpoints.state_of(gan).values()))
    assert checkpoints.current_step(gan) == 100
    save(f"{out}-{worker}.npz", start=start, end=end, seen={"clips": np.array(seen)})


def numbered_store(folder, num_clips=16):
    """A store of four shards in which the pixels of a clip are its number."""
    frames = np.broadcast_to(
        np.arange(num_clips, dtype=np.uint8)[:, None, None, None, None], (num_clips, FRAMES, 32, 32, 3)
    )
    clips = datasets.Clips(frames.copy(), np.arange(num_clips) % 2, np.arange(num_clips), NAMES, 10.0)
    return datasets.save_clips(folder, clips, shard_bytes=4 * frames[0].nbytes)


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    store = numbered_store(folder / "store")
    finish(*cluster("here.worker_main(*sys.argv[1:])", store, folder / "out"))
    return folder, [load(folder / f"out-{worker}.npz") for worker in range(2)]


@pytest.mark.slow
def test_workers_start_alike_and_stay_identical(workers):
    _, (first, second) = workers
    assert differing(first["start"], second["start"]) == []
    assert differing(first["end"], second["end"]) == []


@pytest.mark.slow
def test_two_workers_end_as_one_device_does(workers, mirrored):
    _, (first, _) = workers
    assert differing(first["start"], mirrored["one_start"]) == []
    assert largest_difference(first["end"], mirrored["one_end"]) < TOLERANCE


@pytest.mark.slow
def test_every_worker_reads_its_own_shards(workers):
    _, states = workers
    seen = [set(state["seen"]["clips"]) for state in states]
    assert [len(state["seen"]["clips"]) for state in states] == [STEPS * BATCH // 2] * 2
    assert seen == [{*range(0, 8)}, {*range(8, 16)}]


@pytest.mark.slow
def test_the_chief_alone_writes(workers):
    folder, _ = workers
    assert checkpoints.list_checkpoints(folder / "out-run-0")
    assert not (folder / "out-run-1").exists()


# ---- kill -9 ---------------------------------------------------------------------------------------------


def train_main(*arguments):
    """`vgcourse train` with a tiny recipe, a row and a checkpoint at every step."""
    gan_module.RECIPES.update(SMALL)
    training.LOG_EVERY, training.SAVE_EVERY = 1, 0
    sys.argv = ["vgcourse", "train", *arguments]
    from vgcourse import __main__ as command_line

    command_line.main()


def start_training(store, run, *options):
    settings = ["--strategy", "multi-worker", "--batch-size", "4", "--precision", "float32", *options]
    return cluster("here.train_main(*sys.argv[1:])", store, run, *settings)


def wait_for_checkpoint(processes, run, at_least=1, timeout=300):
    until = time.monotonic() + timeout
    while True:
        kept = checkpoints.list_checkpoints(run)
        if kept and int(kept[-1].stem.split("-")[1]) >= at_least:
            return
        for process in processes:
            assert process.poll() is None, process.communicate()[1][-4000:]
        assert time.monotonic() < until, "no checkpoint"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1], ids=["chief", "other"])
def test_a_job_that_loses_a_worker_stops_and_resumes_from_its_last_checkpoint(tmp_path, victim):
    store, run = numbered_store(tmp_path / "store"), tmp_path / "run"
    job = start_training(store, run, "--steps", 10**6)
    try:
        wait_for_checkpoint(job, run, at_least=3)
        os.kill(job[victim].pid, signal.SIGKILL)
        killed = time.monotonic()
        _, errors = job[1 - victim].communicate(timeout=60)
        assert time.monotonic() - killed < 60
    finally:
        for process in job:
            process.kill()
            process.communicate()
    assert job[1 - victim].returncode == 1
    assert "vgcourse: error: another worker of the job does not answer any more" in errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    kept = checkpoints.list_checkpoints(run)
    reached = int(kept[-1].stem.split("-")[1])
    before = np.load(kept[-1])["weights/000"]
    finish(*start_training(store, run, "--resume", "--steps", reached + 3))
    # No step before the checkpoint is made again, and the first one after it starts from there.
    assert [row["step"] for row in training.read_history(run)] == list(range(1, reached + 4))
    after = np.load(checkpoints.list_checkpoints(run)[-1])["weights/000"]
    assert not np.array_equal(before, after)
    assert (run / "generator.keras").is_file()


@pytest.mark.slow
def test_two_workers_resume_bit_for_bit(tmp_path):
    store = numbered_store(tmp_path / "store")
    finish(*start_training(store, tmp_path / "whole", "--steps", 6))
    finish(*start_training(store, tmp_path / "halves", "--steps", 3))
    finish(*start_training(store, tmp_path / "halves", "--resume", "--steps", 6))
    ends = [np.load(tmp_path / name / "checkpoint-00000006.npz") for name in ("whole", "halves")]
    assert ends[0].files == ends[1].files
    assert [name for name in ends[0].files if not np.array_equal(ends[0][name], ends[1][name])] == []


# ---- set-up that cannot work -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    ["", "no JSON", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "[]"],
)
def test_multi_worker_asks_for_a_whole_tf_config(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match=r"expected TF_CONFIG such as \{.*received"):
        strategies.make_strategy("multi-worker")


def test_a_strategy_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="one, mirrored, multi-worker; received 'tpu'"):
        strategies.make_strategy("tpu")


def test_a_cluster_is_not_ignored(monkeypatch):
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    with pytest.raises(ValueError, match="--strategy multi-worker"):
        strategies.make_strategy("auto")
    assert strategies.make_strategy("one") is tf.distribute.get_strategy()


def test_without_gpus_auto_changes_nothing(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: [])
    assert strategies.make_strategy("auto") is tf.distribute.get_strategy()


@pytest.mark.parametrize("kind", ["mirrored", "auto"])
def test_mirrored_and_auto_take_all_gpus(monkeypatch, kind):
    gpus = [types.SimpleNamespace(name=f"/device:GPU:{number}") for number in range(4)]
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: gpus if kind == "GPU" else [])
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda devices: devices)
    assert strategies.make_strategy(kind) == [gpu.name for gpu in gpus]
