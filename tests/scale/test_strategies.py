"""Who trains, and with which clips: set-up, batches, and two workers that talk over the loopback."""

import json
import os
import signal
import socket
import threading
import time
import types

import jobs
import numpy as np
import pytest
import tensorflow as tf
from test_replicas import TOLERANCE, differing, largest_difference

from vgcourse import training
from vgcourse.scale import strategies

# ---- batches ---------------------------------------------------------------------------------------------


def fake_gan(replicas, workers, worker):
    """What `batches_on_every_replica` looks at, in the process of one of several workers."""
    context = types.SimpleNamespace(num_input_pipelines=workers, input_pipeline_id=worker)
    strategy = types.SimpleNamespace(
        num_replicas_in_sync=replicas, distribute_datasets_from_function=lambda make: make(context)
    )
    generator = types.SimpleNamespace(action_names=jobs.NAMES, size=32, num_frames=jobs.FRAMES)
    return types.SimpleNamespace(distribute_strategy=strategy, generator=generator, seed=5)


def take(batches, number):
    return [np.asarray(clips) for (clips, _), _ in zip(batches, range(number), strict=False)]


def test_workers_and_replicas_have_the_rows_of_one_devices_batches():
    clips = jobs.make_clips()
    one = take(training.batches_for(fake_gan(1, 1, 0), clips, batch_size=8, first_step=3), 3)
    dealt = [
        take(strategies.batches_on_every_replica(fake_gan(4, 2, w), clips, batch_size=8, first_step=3), 6)
        for w in range(2)
    ]
    for step in range(3):  # two replicas in each of two workers
        rows = [part for worker in dealt for part in worker[2 * step : 2 * step + 2]]
        assert np.array_equal(np.concatenate(rows), one[step])


def test_workers_that_own_clips_go_on_where_they_were_and_draw_in_orders_of_their_own(monkeypatch):
    asked, part = [], types.SimpleNamespace(is_part=True)

    def batches(gan, clips, **options):
        assert clips is part
        asked.append(options)
        return tf.data.Dataset.range(2)

    monkeypatch.setattr(training, "batches_for", batches)
    for worker in range(2):
        strategies.batches_on_every_replica(fake_gan(4, 2, worker), part, batch_size=8, first_step=3)
    # A step takes two small batches, one for each replica of the worker.
    assert [(it["batch_size"], it["first_step"]) for it in asked] == [(2, 6)] * 2
    assert asked[0]["seed"] != asked[1]["seed"]


def test_a_batch_must_split_evenly():
    with pytest.raises(ValueError, match="multiple of 2, the replicas; received 7"):
        strategies.batches_on_every_replica(fake_gan(2, 1, 0), jobs.make_clips(), batch_size=7)


# ---- a process of a cluster, from within -----------------------------------------------------------------


def fake_strategy(cluster, kind, index):
    resolver = types.SimpleNamespace(
        cluster_spec=lambda: tf.train.ClusterSpec(cluster), task_type=kind, task_id=index
    )
    extended = types.SimpleNamespace(should_checkpoint=index == 0)
    return types.SimpleNamespace(cluster_resolver=resolver, extended=extended, num_replicas_in_sync=3)


def test_every_worker_knows_its_place(monkeypatch):
    cluster = {"chief": ["c:1"], "worker": ["a:1", "b:1"]}
    opened = []
    monkeypatch.setattr(strategies.datasets, "open_store", lambda store, **options: opened.append(options))
    for place, (kind, index) in enumerate([("chief", 0), ("worker", 0), ("worker", 1)]):
        workers = strategies.Workers(fake_strategy(cluster, kind, index))
        assert (workers.worker, workers.addresses) == (place, ["c:1", "a:1", "b:1"])
        workers.open_store("store")
    assert opened == [{"worker": place, "num_workers": 3} for place in range(3)]
    strategies.Workers(tf.distribute.get_strategy()).open_store("store")
    assert opened[-1] == {"worker": 0, "num_workers": 1}


def test_a_worker_that_is_silent_ends_the_others_and_a_slow_one_does_not(monkeypatch):
    monkeypatch.setattr(strategies, "WATCH_EVERY", 0.01)
    stopped = threading.Event()
    said = []
    monkeypatch.setattr(strategies, "stop_now", lambda error: (said.append(str(error)), stopped.set()))
    with socket.create_server(("127.0.0.1", 0)) as slow, socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))  # taken, but nobody listens
        addresses = [f"127.0.0.1:{it.getsockname()[1]}" for it in (slow, slow, gone)]
        workers = strategies.Workers(fake_strategy({"worker": addresses[:2]}, "worker", 0))
        with workers.together():
            assert not stopped.wait(0.5)
        workers = strategies.Workers(fake_strategy({"worker": addresses[1:]}, "worker", 0))
        with workers.together():
            assert stopped.wait(60)
    assert f"{addresses[2]} is silent" in said[0]
    assert "--resume" in said[0]


def test_an_error_of_the_network_is_a_lost_worker_only_where_there_are_several():
    kinds = {strategies.WorkerLost: ["a:1", "b:1"], tf.errors.UnavailableError: ["a:1"]}
    for expected, addresses in kinds.items():
        workers = strategies.Workers(fake_strategy({"worker": addresses}, "worker", 0))
        with pytest.raises(expected), workers.together():
            raise tf.errors.UnavailableError(None, None, "socket closed")


# ---- set-up that cannot work -----------------------------------------------------------------------------

ONE, TASK = '{"worker": ["a:1"]}', '{"type": "worker", "index": 0}'


@pytest.mark.parametrize(
    "config",
    ["no JSON", "[]", "5", '"a"', "null", '{"cluster": []}', '{"cluster": 1}', '{"cluster": {"worker": 1}}',
     '{"cluster": {"worker": "a:1"}}', '{"cluster": {"worker": [1, 2]}}', '{"cluster": {"worker": ["a"]}}',
     '{"cluster": {"chief": ["a:1"], "worker": ["a:1"]}}', '{"cluster": {"worker": {"0": "a:1"}}}',
     pytest.param("[" * 50_000, id="brackets")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["auto", "multi-worker"])
def test_a_damaged_tf_config_is_one_clear_line(monkeypatch, config, name):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match=r"^expected TF_CONFIG such as \{.*received '.*' \(.*\)$"):
        strategies.make_strategy(name)


@pytest.mark.parametrize(
    "config",
    ["", "{}", f'{{"cluster": {ONE}}}', f'{{"task": {TASK}}}', f'{{"cluster": {{}}, "task": {TASK}}}',
     f'{{"cluster": {ONE}, "task": []}}', f'{{"cluster": {ONE}, "task": {{"type": "worker", "index": 1}}}}',
     f'{{"cluster": {ONE}, "task": {{"type": "worker", "index": -1}}}}',
     f'{{"cluster": {ONE}, "task": {{"type": "worker", "index": null}}}}',
     f'{{"cluster": {ONE}, "task": {{"type": "worker", "index": Infinity}}}}',
     f'{{"cluster": {ONE}, "task": {{"type": "ps", "index": 0}}}}',
     f'{{"cluster": {ONE}, "task": {{"type": [], "index": 0}}}}'],
)  # fmt: skip
def test_multi_worker_asks_for_a_whole_tf_config_and_others_do_not(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match=r"^expected TF_CONFIG such as \{.*received"):
        strategies.make_strategy("multi-worker")
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: [])
    assert strategies.make_strategy("auto") is tf.distribute.get_strategy()


def test_a_strategy_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="one, mirrored, multi-worker, received 'tpu'"):
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


# ---- two processes ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_workers_end_alike_and_as_one_device_does_each_with_its_own_clips(tmp_path, mirrored):
    store = jobs.numbered_store(tmp_path / "store")
    jobs.finish(*jobs.start_workers("worker", store, tmp_path / "out"))
    first, second = (jobs.load(tmp_path / f"out-{worker}.npz") for worker in range(2))
    assert differing(first["start"], second["start"]) == []
    assert differing(first["start"], mirrored["one_start"]) == []
    assert differing(first["end"], second["end"]) == []
    assert largest_difference(first["end"], mirrored["one_0"]) < TOLERANCE
    seen = [set(state["seen"]["clips"]) for state in (first, second)]
    assert seen == [set(range(8)), set(range(8, 16))]


def start_training(store, folder, *options):
    settings = ["--strategy", "multi-worker", "--batch-size", "4", "--precision", "float32", *options]
    return jobs.start_workers("train", store, folder, *settings)


def kill_in_the_middle(job, folder, victim, *, at_least):
    """Kills a worker once there is a checkpoint of so many steps; what the other one said. None is left."""
    until = time.monotonic() + 300
    try:
        while not (kept := training.list_checkpoints(folder)) or step_of(kept) < at_least:
            assert time.monotonic() < until, "no checkpoint"
            assert [process.poll() for process in job] == [None, None]
            time.sleep(0.05)
        os.kill(job[victim].pid, signal.SIGKILL)
        errors = job[1 - victim].communicate(timeout=300)[1]
    finally:
        for process in job:
            process.kill()
            process.communicate()
    assert job[1 - victim].returncode == 1
    return errors


def step_of(checkpoints):
    return int(checkpoints[-1].stem.split("-")[1])


@pytest.mark.slow
def test_a_job_that_loses_workers_stops_and_resumes_bit_for_bit(tmp_path):
    store, run, whole = jobs.numbered_store(tmp_path / "store"), tmp_path / "run", tmp_path / "whole"
    options = ["--steps", 10**6]
    for victim in (0, 1):  # the chief, then the other
        reached = step_of(training.list_checkpoints(run)) if victim else 0
        job = start_training(store, run, *options)
        errors = kill_in_the_middle(job, run, victim, at_least=reached + 2)
        assert "vgcourse: error: another worker of the job does not answer any more" in errors
        assert "--resume" in errors
        assert "Traceback" not in errors
        options = ["--resume", *options[-2:]]
    last = step_of(training.list_checkpoints(run)) + 2
    jobs.finish(*start_training(store, run, "--resume", "--steps", last))
    assert [row["step"] for row in training.read_history(run)] == list(range(1, last + 1))
    assert (run / "generator.keras").is_file()
    assert not list(tmp_path.glob("*/checkpoint-*.npz"))[2:]  # the chief alone writes, two at a time
    jobs.finish(*start_training(store, whole, "--steps", last))
    ends = [np.load(training.list_checkpoints(folder)[-1]) for folder in (run, whole)]
    assert ends[0].files == ends[1].files
    assert [name for name in ends[0].files if not np.array_equal(ends[0][name], ends[1][name])] == []
