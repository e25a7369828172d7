"""Outgrow, strategies: which devices and machines train, and what their processes tell each other.

A worker is one process with one or more replicas; the chief is the worker that keeps checkpoints and history,
and the only one that needs the run's folder. `replicas` says what the split of a batch means for a step.
"""

import contextlib
import json
import os
import re
import socket
import sys
import threading

import numpy as np
import tensorflow as tf

from vgcourse import datasets, training
from vgcourse.arguments import one_of
from vgcourse.scale import replicas

STRATEGIES = ("auto", "one", "mirrored", "multi-worker")
WATCH_EVERY = 3.0  # seconds between two looks at the other workers
WORKER_SEED = 1_000_003  # between the seeds of the batches of workers that read clips of their own
MISSES = 4  # looks in a row that a lost worker does not answer
EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
ADDRESS = re.compile(r".+:\d+")
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
    one_of("strategy", name, STRATEGIES)
    if name == "multi-worker":
        _workers_in_tf_config(with_task=True)
        try:
            return tf.distribute.MultiWorkerMirroredStrategy()
        except RuntimeError as error:
            raise ValueError(f"strategy multi-worker: make it before TensorFlow is used; {error}") from error
    if name == "auto" and len(_workers_in_tf_config()) > 1:
        raise ValueError("TF_CONFIG names several workers: --strategy multi-worker trains with all of them")
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def _workers_in_tf_config(*, with_task=False):
    """The workers' addresses in TF_CONFIG; none if it is not set, which is an error if a task is asked for.

    Of a wrong one TensorFlow would say something that helps nobody, or wait for ever.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    try:
        config = json.loads(text or "{}")
        cluster = config.get("cluster", {})
        workers = _workers(cluster)
        if len(set(workers)) < len(workers) or not all(ADDRESS.fullmatch(worker) for worker in workers):
            raise ValueError("cluster: not a list of addresses, HOST:PORT, each once")
        if with_task:
            kind, index = config["task"]["type"], int(config["task"]["index"])
            if kind not in ("chief", "worker") or not 0 <= index < len(cluster[kind]):
                raise ValueError("task: not one of the cluster's workers")
        return workers
    except (ValueError, AttributeError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"expected TF_CONFIG such as {EXAMPLE}; received {text[:500]!r} ({error})"
        ) from error


def _workers(cluster):
    """Addresses of the workers in their order, the chief first."""
    return [*cluster.get("chief", []), *cluster.get("worker", [])]


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
    strategy = gan.distribute_strategy
    size = strategy.num_replicas_in_sync
    if batch_size % size:
        raise ValueError(f"batch_size: expected a multiple of {size}, the replicas; received {batch_size}")

    def worker_batches(context):
        workers, worker = context.num_input_pipelines, context.input_pipeline_id
        local, small = size // workers, batch_size // size
        if getattr(clips, "is_part", False):
            first, seed = first_step * local, gan.seed + WORKER_SEED * worker
            own = training.batches_for(gan, clips, batch_size=small, first_step=first, seed=seed)
        else:  # of the small batches of all replicas, in order, those of this worker
            batches = training.batches_for(gan, clips, batch_size=small, first_step=first_step * size)
            own = batches.enumerate().filter(lambda place, _: (place // local) % workers == worker)
            own = own.map(lambda _, batch: batch)
        return own.repeat()  # endless already; said so, TensorFlow does not ask all workers at every step

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

    Attributes:
        addresses: of all workers, the chief's first; empty where there is one process.
        worker: place of this one among them.
    """

    def __init__(self, strategy):
        self.strategy = strategy
        self.is_chief, self.num_replicas = strategy.extended.should_checkpoint, strategy.num_replicas_in_sync
        resolver = strategy.cluster_resolver
        cluster = resolver.cluster_spec().as_dict() if resolver else {}
        self.addresses = _workers(cluster)
        self.worker = self.addresses.index(cluster[resolver.task_type][resolver.task_id]) if cluster else 0

    def make_gan(self, config):
        with self.strategy.scope():
            gan = super().make_gan(config, model=replicas.ReplicatedVideoGAN)
            if self.num_replicas > 1:
                replicas.synchronise_batch_norm(gan.generator)
        return gan

    def open_store(self, store):
        return datasets.open_store(store, worker=self.worker, num_workers=max(len(self.addresses), 1))

    def batches(self, gan, clips, *, batch_size, first_step):
        return batches_on_every_replica(gan, clips, batch_size=batch_size, first_step=first_step)

    def tell_all(self, value):
        text = np.frombuffer(json.dumps(value if self.is_chief else None).encode(), np.uint8)
        (length,) = self._from_chief([np.int32(len(text))])
        (text,) = self._from_chief([np.resize(text, length).astype(np.int32)])
        return json.loads(text.astype(np.uint8).tobytes())

    def copy_from_chief(self, gan):
        variables = list(training.state_of(gan).values())
        values = self._from_chief([np.asarray(variable) for variable in variables])
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def _from_chief(self, arrays):
        """The chief's arrays, of the same shapes everywhere: a sum in which those of all others are zero."""
        if len(self.addresses) < 2:
            return arrays

        def summed(arrays):
            context = tf.distribute.get_replica_context()
            is_first = tf.convert_to_tensor(context.replica_id_in_sync_group) == 0
            own = [tf.where(is_first, array, tf.zeros_like(array)) for array in arrays]
            return [context.all_reduce(tf.distribute.ReduceOp.SUM, array) for array in own]

        run, tensors = self.strategy.run, [tf.constant(array) for array in arrays]
        with lost_workers():
            sums = tf.function(lambda: run(summed, args=(tensors,)))()
            return [self.strategy.experimental_local_results(total)[0].numpy() for total in sums]

    @contextlib.contextmanager
    def together(self):
        """A step waits for every worker, and TensorFlow may take minutes to find out that one is gone. But a
        process that was killed no longer listens at its address; one that is only slow does."""
        if len(self.addresses) < 2:
            yield
            return
        others, done = [*self.addresses], threading.Event()
        del others[self.worker]
        threading.Thread(target=_watch, args=(others, done), daemon=True).start()
        try:
            with lost_workers():
                yield
        finally:
            done.set()


@contextlib.contextmanager
def lost_workers():
    """Turn TensorFlow's many ways to say that a worker is gone into a `WorkerLost`."""
    gone = ("Unavailable", "Aborted", "DeadlineExceeded", "Cancelled", "Internal")
    try:
        yield
    except tuple(getattr(tf.errors, f"{name}Error") for name in gone) as error:
        raise WorkerLost(f"{LOST} (TensorFlow: {str(error).splitlines()[0]})") from error


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
