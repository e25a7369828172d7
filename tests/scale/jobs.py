"""What the tests of `replicas` and `strategies` run in processes of their own: `python jobs.py NAME ...`.

Devices and workers have to be set up before TensorFlow starts. A cluster is two processes that talk over the
loopback.
"""

import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import tensorflow as tf

from vgcourse import datasets, training
from vgcourse import gan as gan_module
from vgcourse.gan.models import VideoGenerator, build_discriminator
from vgcourse.scale import replicas, strategies
from vgcourse.training import loop, run

NAMES = ("still", "moving")
FRAMES, BATCH, STEPS = 8, 8, 3  # the first step has the lazy R1 penalty


def make_clips(num_clips=24):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (num_clips, FRAMES + 2, 32, 32, 3), dtype=np.uint8)
    return datasets.Clips(frames, np.arange(num_clips) % 2, np.arange(num_clips), NAMES, 10.0)


def numbered_store(folder, num_clips=16):
    """A store of four shards in which the pixels of a clip are its number."""
    frames = np.zeros((num_clips, FRAMES, 32, 32, 3), np.uint8)
    frames += np.arange(num_clips, dtype=np.uint8)[:, None, None, None, None]
    clips = datasets.Clips(frames, np.arange(num_clips) % 2, np.arange(num_clips), NAMES, 10.0)
    return datasets.save_clips(folder, clips, shard_bytes=4 * frames[0].nbytes)


def make_gan(*, synchronised=True, weight_seed=3):
    keras.utils.set_random_seed(weight_seed)
    generator = VideoGenerator(32, NAMES, num_frames=FRAMES, channels=4, latent_dims=(6, 4))
    gan = replicas.ReplicatedVideoGAN(generator, build_discriminator(32, 2, channels=4), seed=3)
    if synchronised:
        replicas.synchronise_batch_norm(generator)
    # Not Adam: its steps have one size whatever the scale of the gradients, so it would hide a loss that is
    # scaled wrongly, and blow up rounding where a gradient is zero (a bias that batch norm takes off again).
    gan.compile(*[keras.optimizers.SGD(0.02) for _ in range(2)])
    return gan


def local_values(strategy, value):
    """What each replica of this process holds."""
    return [np.asarray(copy) for copy in strategy.experimental_local_results(value)]


def local_states(gan):
    """The state of each replica of this process, as dicts of arrays."""
    state = training.state_of(gan)
    copies = {name: local_values(gan.distribute_strategy, it.value) for name, it in state.items()}
    return [dict(zip(copies, copy, strict=True)) for copy in zip(*copies.values(), strict=True)]


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


# ---- in the child ----------------------------------------------------------------------------------------


def two_devices():
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return strategies.make_strategy("mirrored")


def mirrored(out):
    """One training on one device and on two replicas, and what the parts of a step do there.

    Step by step: the graph of a whole step takes longer to build than these few steps. Workers use it.
    """
    strategy, clips, states = two_devices(), make_clips(), {}
    tf.config.run_functions_eagerly(True)
    assert strategy.num_replicas_in_sync == 2
    one = make_gan(synchronised=False)
    with strategy.scope():
        two = make_gan()
    for name, gan in (("one", one), ("two", two)):
        batches = iter(strategies.batches_on_every_replica(gan, clips, batch_size=BATCH, first_step=5))
        parts = [[np.concatenate(local_values(strategy, part)) for part in next(batches)] for _ in range(4)]
        states[f"{name}_batches"] = {f"{k} {n}": parts[k][n] for k in range(4) for n in range(2)}
        states[f"{name}_start"] = local_states(gan)[0]
        history = strategies.train(gan, clips, steps=STEPS, batch_size=BATCH)
        states[f"{name}_history"] = {key: np.array(value) for key, value in history[0].items()}
        for place, state in enumerate(local_states(gan)):
            states[f"{name}_{place}"] = state
    batches = strategies.batches_on_every_replica(two, clips, batch_size=BATCH)
    seconds = training.time_step(two, clips, num_steps=3, batches=batches)
    states["two_probed"] = local_states(two)[0] | {"seconds": np.array(seconds)}
    for part in (noise, statistics, overflow, told):
        states[part.__name__] = part(strategy)
    save(out, **states)


def deal(strategy, *rows):
    """One of `rows` for each replica."""
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(rows[context.replica_id_in_sync_group])
    )


def noise(strategy):
    drawn = strategy.run(lambda: replicas.normal((3, 2), tf.constant([4, 5])))
    return {"drawn": np.concatenate(local_values(strategy, drawn))}


def statistics(strategy):
    """Running averages of a batch norm in a model within a model, before and after they are averaged."""
    with strategy.scope():
        norm = keras.layers.BatchNormalization(momentum=0.5)
        model = keras.Sequential([keras.Input((1,)), keras.Sequential([keras.Input((1,)), norm])])
    rows = deal(strategy, [[0.0], [2.0]], [[10.0], [18.0]])
    strategy.run(tf.function(lambda rows: model(rows, training=True)), args=(rows,))
    found = {}
    for when in ("before", "after"):
        found[f"mean {when}"] = np.concatenate(local_values(strategy, norm.moving_mean.value))
        found[f"variance {when}"] = np.concatenate(local_values(strategy, norm.moving_variance.value))
        strategy.run(tf.function(lambda: replicas.average_statistics(model)))
    return found


def overflow(strategy):
    """A gradient that is not finite in the second replica alone, then one that is finite in both."""
    with strategy.scope():
        variable = keras.Variable([1.0])
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5), initial_scale=8.0)
        optimizer.build([variable])
    found = {}
    for name, second in (("spoiled", np.inf), ("good", 8.0)):  # scaled by 4 by then
        gradients = deal(strategy, [4.0], [second])
        step = tf.function(lambda gradient: replicas.apply_gradients(optimizer, [gradient], [variable]))
        strategy.run(step, args=(gradients,))
        found[name] = np.concatenate(local_values(strategy, variable.value))
        found[f"{name} scale"] = np.array(local_values(strategy, optimizer.dynamic_scale.value))
    return found


def told(strategy):
    """What `Workers` pass on, as if the two replicas were two workers."""
    workers = strategies.Workers(strategy)
    assert (workers.addresses, workers.worker, workers.is_chief, workers.num_replicas) == ([], 0, True, 2)
    workers.addresses = ["a:1", "b:1"]
    value = {"steps": 12, "name": "läuft", "fps": None}
    assert workers.tell_all(value) == value
    workers.is_chief = False
    return {"by another": np.array(workers.tell_all(value) is None)}


def worker(store, out):
    """One of two workers: the same training, and what they tell each other."""
    workers = strategies.Workers(strategies.make_strategy("multi-worker"))
    assert (len(workers.addresses), workers.is_chief) == (2, workers.worker == 0)
    told = workers.tell_all({"steps": 12, "name": "läuft"} if workers.is_chief else None)
    assert told == {"steps": 12, "name": "läuft"}
    with workers.strategy.scope():
        gan = make_gan(weight_seed=3 + workers.worker)  # only the chief's initial weights count
    (start,) = local_states(gan)
    batches = iter(workers.batches(gan, workers.open_store(store), batch_size=BATCH, first_step=0))
    firsts = [local_values(workers.strategy, next(batches)[0])[0][:, 0, 0, 0, 0] for _ in range(STEPS)]
    seen = {"clips": np.rint((np.concatenate(firsts) + 1) * 127.5).astype(int)}
    with workers.together():
        strategies.train(gan, make_clips(), steps=STEPS, batch_size=BATCH)
    (end,) = local_states(gan)
    gan.step.assign(100 + workers.worker)
    workers.copy_from_chief(gan)
    assert training.current_step(gan) == 100
    save(f"{out}-{workers.worker}.npz", start=start, end=end, seen=seen)


def train(*arguments):
    """`vgcourse train` with a tiny recipe, a row and a checkpoint at every step."""
    from vgcourse import __main__ as command_line

    gan_module.RECIPES[32] = gan_module.Recipe(4, 4, 1.0)
    loop.LOG_EVERY, run.SAVE_EVERY = 1, 0
    sys.argv = ["vgcourse", "train", *arguments]
    command_line.main()


# ---- in the parent ---------------------------------------------------------------------------------------


def start(name, *arguments, **environment):
    """Start a Python that runs the function `name`."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, __file__, name, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env={**os.environ, **quiet, **environment}, **pipes)


def start_workers(name, *arguments):
    """Start two workers on the loopback."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        hosts = [f"127.0.0.1:{taken.getsockname()[1]}" for taken in (first, second)]
    tasks = [{"type": "worker", "index": index} for index in range(2)]
    configs = [json.dumps({"cluster": {"worker": hosts}, "task": task}) for task in tasks]
    return [start(name, *arguments, TF_CONFIG=config) for config in configs]


def finish(*processes, timeout=300):
    """Wait for processes that are expected to succeed; none is left behind."""
    try:
        for process in processes:
            output, errors = process.communicate(timeout=timeout)
            assert process.returncode == 0, output[-2000:] + errors[-4000:]
    finally:
        for process in processes:
            process.kill()


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
