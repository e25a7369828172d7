"""Distribute: which devices and machines train, and what their processes tell each other.

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

STRATEGIES = ("auto", "one", "mirrored", "multi-worker")
WATCH_EVERY = 3.0  # seconds between two looks at the other workers
MISSES = 4  # looks in a row that a lost worker does not answer
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
    if name == "auto" and len(_workers(json.loads(os.environ.get("TF_CONFIG", "{}")).get("cluster", {}))) > 1:
        raise ValueError(
            "TF_CONFIG names several workers: choose --strategy multi-worker to train with all of them"
        )
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def _workers(cluster):
    """Addresses of the workers in their order, the chief first."""
    return [*cluster.get("chief", []), *cluster.get("worker", [])]


def _check_cluster():
    """TensorFlow would wait for ever, or say something that helps nobody."""
    text = os.environ.get("TF_CONFIG", "")
    example = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
    try:
        config = json.loads(text)
        kind, index = config["task"]["type"], config["task"]["index"]
        if kind not in ("chief", "worker") or not config["cluster"][kind][int(index)]:
            raise ValueError(f"task {config['task']}")
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(
            f"strategy multi-worker: expected TF_CONFIG such as {example}; received {text!r} ({error!r})"
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


def batches_on_every_replica(strategy, make_batches, *, batch_size, first_step, is_part):
    """Deal the clips of every step out to the replicas.

    Replica `r` of `n` gets rows `[r, r + 1) * batch_size / n` of the batch that one device would get, unless
    the workers have shards of their own: then it is the next batch from those.

    Args:
        strategy: a `tf.distribute.Strategy`.
        make_batches: function of `(batch_size, start_step, worker)` that makes a `tf.data.Dataset`.
        batch_size: clips per step, over all replicas.
        first_step: steps that were taken already.
        is_part: whether every worker has shards of its own.

    Returns:
        An iterable of batches for a step of `replicas.on_every_replica`; on one device the dataset itself.

    Raises:
        ValueError: the replicas cannot have equal parts of a batch.
    """
    replicas = strategy.num_replicas_in_sync
    if not isinstance(strategy, (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy)):
        return make_batches(batch_size, first_step, 0)
    if batch_size % replicas:
        raise ValueError(
            f"batch_size: expected a multiple of {replicas}, the number of replicas; received {batch_size}"
        )

    def worker_batches(context):
        workers, worker = context.num_input_pipelines, context.input_pipeline_id
        local = replicas // workers
        if is_part:
            return make_batches(batch_size // replicas, first_step * local, worker).repeat()
        # Of the small batches of all replicas, in order, those of this worker.
        batches = make_batches(batch_size // replicas, first_step * replicas, 0).repeat()
        if workers == 1:
            return batches
        own = batches.enumerate().filter(lambda place, _: (place // local) % workers == worker)
        return own.map(lambda _, batch: batch)

    return strategy.distribute_datasets_from_function(worker_batches)


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
