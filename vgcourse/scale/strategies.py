"""Outgrow, strategies: which devices and machines train, and what their processes tell each other.

A worker is one process with one or more replicas; the chief is the worker that keeps checkpoints and history,
and the only one that needs the run's folder. `replicas` says what the split of a batch means for a step.
"""

import contextlib
import json
import os
import socket
import sys
import threading

import numpy as np
import tensorflow as tf

from vgcourse import datasets, training
from vgcourse.gan import make_gan
from vgcourse.scale import replicas

STRATEGIES = ("auto", "one", "mirrored", "multi-worker")
WATCH_EVERY = 3.0  # seconds between two looks at the other workers
WORKER_SEED = 1_000_003  # between the seeds of the batches of workers that read clips of their own
MISSES = 4  # looks in a row that a lost worker does not answer
EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
LOST = (
    "another worker of the job does not answer any more, so this one stops, too. Start all workers again "
    "with --resume: they go on from the last checkpoint."
)


class WorkerLost(ValueError):
    """Another worker of the job does not answer any more; the last checkpoint of the run is still good."""


def make_strategy(name="auto"):
    """The `tf.distribute` strategy of a name; make the model in its scope.

    Args:
        name: "one" device; "mirrored": all GPUs of this machine, or its logical CPUs; "multi-worker": the
            machines in the environment variable TF_CONFIG, to be made before anything else is asked of
            TensorFlow; "auto": mirrored if there are several GPUs, else one.

    Returns:
        A `tf.distribute.Strategy`; for one device TensorFlow's default, which changes nothing.

    Raises:
        ValueError: the name is unknown, TF_CONFIG is missing, damaged or left over, or TensorFlow is in use.
    """
    if name not in STRATEGIES:
        raise ValueError(f"strategy: expected one of {', '.join(STRATEGIES)}; received {name!r}")
    if name == "multi-worker":
        _check_cluster()
        try:
            return tf.distribute.MultiWorkerMirroredStrategy()
        except RuntimeError as error:
            raise ValueError(f"strategy multi-worker: make it before TensorFlow is used; {error}") from error
    gpus = tf.config.list_logical_devices("GPU")
    if name == "auto" and len(_workers(_tf_config().get("cluster", {}))) > 1:
        raise ValueError(
            "TF_CONFIG names several workers: choose --strategy multi-worker to train with all of them"
        )
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def _tf_config():
    """The cluster and the task that the environment names, a dict; empty where it names none."""
    text = os.environ.get("TF_CONFIG", "").strip()
    try:
        config = json.loads(text or "{}")
        cluster = config.get("cluster", {})
        if not all(isinstance(address, str) for address in _workers(cluster)):
            raise ValueError(f"cluster {cluster}")
        return config
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"expected TF_CONFIG such as {EXAMPLE}; received {text!r} ({error})") from error


def _workers(cluster):
    """Addresses of the workers in their order, the chief first."""
    return [*cluster.get("chief", []), *cluster.get("worker", [])]


def _check_cluster():
    """TensorFlow would wait for ever, or say something that helps nobody."""
    config = _tf_config()
    try:
        kind, index = config["task"]["type"], int(config["task"]["index"])
        if kind not in ("chief", "worker") or not 0 <= index < len(config["cluster"][kind]):
            raise ValueError(f"task {config['task']}")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"strategy multi-worker: expected TF_CONFIG such as {EXAMPLE}; received "
            f"{os.environ.get('TF_CONFIG', '')!r} ({error!r})"
        ) from error


def strategy_of(gan):
    """The strategy in whose scope a `keras.Model` was made; TensorFlow's default for one device.

    Args:
        gan: the model.

    Returns:
        A `tf.distribute.Strategy`.
    """
    return getattr(gan, "distribute_strategy", None) or tf.distribute.get_strategy()


def is_chief(strategy):
    """Whether this process keeps checkpoints and history: all but one of several workers do not.

    Args:
        strategy: a `tf.distribute.Strategy`.

    Returns:
        A bool.
    """
    return strategy.extended.should_checkpoint


def worker_place(strategy):
    """Which worker this process is.

    Args:
        strategy: a `tf.distribute.Strategy`.

    Returns:
        `(worker, num_workers)`; the chief is worker 0. `(0, 1)` where there is one process.
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 0, 1
    resolver = strategy.cluster_resolver
    cluster = resolver.cluster_spec().as_dict()
    chiefs = len(cluster.get("chief", []))
    worker = resolver.task_id + (chiefs if resolver.task_type == "worker" else 0)
    return worker, chiefs + len(cluster.get("worker", []))


def batches_on_every_replica(gan, clips, *, batch_size, first_step=0):
    """Deal the clips of every step out to the replicas.

    Replica `r` of `n` gets rows `[r, r + 1) * batch_size / n` of the batch that one device would get, unless
    the workers have clips of their own: then it is the next batch from those.

    Args:
        gan: a model made in the scope of a strategy.
        clips: as for `training.train`; the `Store` of one of several workers holds its clips alone.
        batch_size: clips per step, over all replicas.
        first_step: steps that were taken already.

    Returns:
        An iterable of batches for `gan.step_function`; on one device those of `training.batches_for`.

    Raises:
        ValueError: the replicas cannot have equal parts of a batch.
    """
    strategy = strategy_of(gan)
    size = strategy.num_replicas_in_sync
    if not isinstance(strategy, (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy)):
        return training.batches_for(gan, clips, batch_size=batch_size, first_step=first_step)
    if batch_size % size:
        raise ValueError(
            f"batch_size: expected a multiple of {size}, the number of replicas; received {batch_size}"
        )

    def worker_batches(context):
        workers, worker = context.num_input_pipelines, context.input_pipeline_id
        local, small = size // workers, batch_size // size
        if getattr(clips, "is_part", False):
            first, seed = first_step * local, gan.seed + WORKER_SEED * worker
            return training.batches_for(gan, clips, batch_size=small, first_step=first, seed=seed).repeat()
        # Of the small batches of all replicas, in order, those of this worker.
        batches = training.batches_for(gan, clips, batch_size=small, first_step=first_step * size).repeat()
        if workers == 1:
            return batches
        own = batches.enumerate().filter(lambda place, _: (place // local) % workers == worker)
        return own.map(lambda _, batch: batch)

    return strategy.distribute_datasets_from_function(worker_batches)


def train(gan, clips, *, steps, batch_size=8):
    """`training.train` on all replicas of the strategy in whose scope `gan` was made.

    Args:
        gan: a `replicas.ReplicatedVideoGAN`.
        clips, steps, batch_size: as for `training.train`.

    Returns:
        The history.
    """
    first = training.current_step(gan)
    batches = batches_on_every_replica(gan, clips, batch_size=batch_size, first_step=first)
    return list(training.iter_training(gan, batches, steps=steps))


class Workers(training.OneProcess):
    """A run on all replicas of a strategy, maybe in several processes: what `continue_run` asks for.

    Args:
        strategy: see `make_strategy`.
    """

    def __init__(self, strategy):
        self.strategy = strategy
        self.is_chief, self.num_replicas = is_chief(strategy), strategy.num_replicas_in_sync

    def make_gan(self, config):
        with self.strategy.scope():
            names = ("num_frames", "fps", "precision", "seed")
            settings = {name: config[name] for name in names}
            if tf.distribute.has_strategy():
                settings["model"] = replicas.ReplicatedVideoGAN
            gan = make_gan(config["size"], config["action_names"], **settings)
            if tf.distribute.has_strategy():
                replicas.synchronise_batch_norm(gan.generator)
        return gan

    def open_store(self, store):
        worker, num_workers = worker_place(self.strategy)
        return datasets.open_store(store, worker=worker, num_workers=num_workers)

    def batches(self, gan, clips, *, batch_size, first_step):
        return batches_on_every_replica(gan, clips, batch_size=batch_size, first_step=first_step)

    def tell_all(self, value):
        return tell_all(self.strategy, value)

    def copy_from_chief(self, gan):
        copy_from_chief(self.strategy, list(training.state_of(gan).values()))

    @contextlib.contextmanager
    def together(self):
        with lost_workers(), watched_workers(self.strategy):
            yield


def tell_all(strategy, value):
    """What the chief knows, told to every worker; all of them call this at the same time.

    Args:
        strategy: a `tf.distribute.Strategy`.
        value: anything that JSON can hold; that of other workers than the chief is not looked at.

    Returns:
        The chief's value.
    """
    if worker_place(strategy)[1] == 1:
        return value
    text = np.frombuffer(json.dumps(value if is_chief(strategy) else None).encode(), np.uint8).astype(
        np.int32
    )
    (length,) = _from_chief(strategy, [np.int32(len(text))])
    (text,) = _from_chief(strategy, [np.resize(text, int(length))])
    return json.loads(text.astype(np.uint8).tobytes())


def copy_from_chief(strategy, variables):
    """Set variables to what they are in the chief; all workers call this at the same time.

    Args:
        strategy: a `tf.distribute.Strategy`.
        variables: list of `keras.Variable`, the same in every worker.
    """
    if worker_place(strategy)[1] == 1:
        return
    values = _from_chief(strategy, [np.asarray(variable) for variable in variables])
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _from_chief(strategy, arrays):
    """The chief's arrays: a sum over replicas in which those of all others are zero."""

    def summed(arrays):
        context = tf.distribute.get_replica_context()
        is_first = tf.convert_to_tensor(context.replica_id_in_sync_group) == 0
        own = [tf.where(is_first, array, tf.zeros_like(array)) for array in arrays]
        return [context.all_reduce(tf.distribute.ReduceOp.SUM, array) for array in own]

    with lost_workers():
        sums = tf.function(lambda: strategy.run(summed, args=([tf.constant(array) for array in arrays],)))()
        return [strategy.experimental_local_results(total)[0].numpy() for total in sums]


@contextlib.contextmanager
def lost_workers():
    """Turn TensorFlow's many ways to say that a worker is gone into a `WorkerLost`."""
    gone = ("Unavailable", "Aborted", "DeadlineExceeded", "Cancelled", "Internal")
    try:
        yield
    except tuple(getattr(tf.errors, f"{name}Error") for name in gone) as error:
        raise WorkerLost(f"{LOST} (TensorFlow: {str(error).splitlines()[0]})") from error


@contextlib.contextmanager
def watched_workers(strategy):
    """End this process when another worker is gone, which a step would wait for.

    TensorFlow finds out by itself, but on a busy machine it may take minutes. A process that is killed no
    longer listens at its address in TF_CONFIG; one that is only slow does.

    Args:
        strategy: a `tf.distribute.Strategy`; one without other workers is not watched.

    Yields:
        Nothing.
    """
    done = threading.Event()
    worker, num_workers = worker_place(strategy)
    if num_workers > 1:
        addresses = _workers(strategy.cluster_resolver.cluster_spec().as_dict())
        others = [address for place, address in enumerate(addresses) if place != worker]
        threading.Thread(target=_watch, args=(others, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _watch(addresses, done):
    silent = dict.fromkeys(addresses, 0)
    while not done.wait(WATCH_EVERY):
        for address in addresses:
            silent[address] = 0 if _listens(address) else silent[address] + 1
            if silent[address] == MISSES and not done.is_set():
                stop_now(WorkerLost(f"{LOST} ({address} is silent)"))


def _listens(address):
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=WATCH_EVERY).close()
    except OSError:
        return False
    return True


def stop_now(error):
    """Say why and end the process at once: an orderly end would wait for the worker that is lost.

    Args:
        error: what happened.
    """
    print(f"\nvgcourse: error: {error}", file=sys.stderr, flush=True)
    os._exit(1)
