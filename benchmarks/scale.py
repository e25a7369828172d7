"""What a training step costs as it grows, how much of the machine it uses, what a second worker adds.

    python benchmarks/scale.py steps      step time by size, frames, batch and channels, and its share of the
                                          matmul peak, which is measured first
    python benchmarks/scale.py where      the operations in which the time of a step is spent
    python benchmarks/scale.py workers    clips a second of two one-core workers over one (Linux)
    python benchmarks/scale.py table      the rows as Markdown, and as a plot: benchmarks/results/scale.png

Rows are appended to `benchmarks/results/scale.csv`. Nothing else should run on the machine. A GMAC is a
billion multiply-add pairs in convolutions and matrix products; a FLOP is half a pair.
"""

import argparse
import collections
import csv
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tensorflow as tf
from matplotlib.figure import Figure

from vgcourse import gan, show
from vgcourse.scale import replicas, strategies

RESULTS = Path(__file__).parent / "results" / "scale.csv"
COLUMNS = ("part", "setting", "size", "frames", "batch_size", "channels", "precision", "step_ms")
COLUMNS += ("gmac_per_step", "gflops", "share_of_peak", "clips_per_s", "times_one")
BASE = {"size": 64, "frames": 16, "batch_size": 8, "channels": 1.0}
VARIED = {
    "size": (32, 64, 128),
    "frames": (16, 32, 64),
    "batch_size": (4, 8, 16, 32),
    "channels": (0.5, 1.0, 2.0),
}
LABELS = {"size": "size (pixels)", "frames": "frames", "batch_size": "batch", "channels": "channels (times)"}
PERIOD = 8  # steps between two R1 penalties: what is timed is a multiple of it


def build(setting, precision, model=gan.VideoGAN):
    """A GAN of the published recipe, its channels multiplied, and a batch of noise to train on."""
    size = setting["size"]
    g_channels, d_channels, gamma = gan.RECIPES[size]
    scaled = gan.Recipe(
        round(g_channels * setting["channels"]), round(d_channels * setting["channels"]), gamma
    )
    options = {"num_frames": setting["frames"], "precision": precision, "recipe": scaled, "model": model}
    made = gan.make_gan(size, [str(n) for n in range(10)], **options)
    shape = (setting["batch_size"], setting["frames"], size, size, 3)
    clips = tf.random.stateless_uniform(shape, (0, 0), -1.0, 1.0)
    return made, (clips, tf.range(shape[0]) % 10)


# ---- counted and measured work ---------------------------------------------------------------------------


def count_macs(graph):
    """Multiply-adds of the convolutions and matrix products in a graph with known shapes."""
    total = 0
    for operation in graph.get_operations():
        shapes = [tensor.shape for tensor in operation.inputs]
        if operation.type == "Conv2D":
            total += operation.outputs[0].shape.num_elements() * shapes[1][:3].num_elements()
        elif operation.type == "Conv2DBackpropInput":  # also the forward pass of a transposed convolution
            total += shapes[2].num_elements() * shapes[1][:3].num_elements()
        elif operation.type == "Conv2DBackpropFilter":
            total += shapes[2].num_elements() * operation.outputs[0].shape[:3].num_elements()
        elif operation.type in ("MatMul", "BatchMatMulV2"):
            first = operation.get_attr("transpose_a" if operation.type == "MatMul" else "adj_x")
            inner = shapes[0][-2 if first else -1]
            total += operation.outputs[0].shape.num_elements() * inner
    return total


def macs_per_step(made, batch):
    """Of a step on average: the penalty, which is in a branch of its own, comes once in a while."""
    step = made.step_function.get_concrete_function(batch)
    seen = batch[0][:, : made.num_seen]
    penalty = tf.function(made.r1_gradients).get_concrete_function(seen, batch[1])
    return count_macs(step.graph) + count_macs(penalty.graph) / made.r1_every


def matmul_peak(precision, *, size=2048, rounds=5):
    """The most floating-point operations a second that a large matrix product reaches here."""
    first = tf.cast(tf.random.stateless_uniform((size, size), (0, 1)), precision)
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(first, first)))
    product()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        float(product())
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


def step_rounds(made, batch, *, rounds):
    """Yield seconds a step, once for each round of `PERIOD` steps."""
    float(made.step_function(batch)["d_loss"])
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(PERIOD):
            logs = made.step_function(batch)
        float(logs["g_loss"])
        yield (time.perf_counter() - start) / PERIOD


def measure_steps(options):
    settings = [("base", BASE)]
    for name in filter(None, options.vary.split(",")):
        settings += [(name, {**BASE, name: value}) for value in VARIED[name] if value != BASE[name]]
    for varied, setting in settings:
        made, batch = build(setting, options.precision)
        macs, steps, shares = macs_per_step(made, batch), [], []
        for seconds in step_rounds(made, batch, rounds=options.rounds):
            # The peak is measured beside every round: other users of the machine slow both down.
            peak = matmul_peak(options.precision)
            steps.append(seconds)
            shares.append(2 * macs / seconds / peak)
        seconds = statistics.median(steps)
        row = {"part": "steps", "setting": varied, **setting, "precision": options.precision}
        row |= {"step_ms": 1000 * seconds, "gmac_per_step": macs / 1e9, "gflops": 2 * macs / seconds / 1e9}
        row["share_of_peak"] = statistics.median(shares)
        keep(row | {"clips_per_s": setting["batch_size"] / seconds})


# ---- where the time goes ---------------------------------------------------------------------------------


def where_time_goes(options):
    """Seconds of all threads in each kind of operation, from a trace of `PERIOD` steps."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    made, batch = build({**BASE, "size": options.size}, options.precision)
    float(made.step_function(batch)["d_loss"])
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for _ in range(PERIOD):
                logs = made.step_function(batch)
            float(logs["g_loss"])
        (path,) = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
    spent = collections.Counter()
    for plane in space.planes:
        names = {key: meta.name for key, meta in plane.event_metadata.items()}
        for line in plane.lines:
            for event in line.events:
                name, _, kind = names[event.metadata_id].rpartition(":")
                # "name in the graph:Kind" is an operation that ran, "A::B" TensorFlow's own bookkeeping.
                if name and not name.endswith(":") and kind.isidentifier():
                    spent[kind] += event.duration_ps / 1e9 / PERIOD
    whole = sum(spent.values())
    print(f"{options.size}x{options.size}: {whole:.1f} ms of operations a step, over all threads")
    for kind, milliseconds in spent.most_common(14):
        print(f"{kind:28s} {milliseconds:8.2f} ms {100 * milliseconds / whole:5.1f} %")


# ---- workers ---------------------------------------------------------------------------------------------


def worker(options):
    """One process on one core: train on its own part of the batch, print clips a second of all workers."""
    os.sched_setaffinity(0, {options.core})
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1 if "TF_CONFIG" not in os.environ else 2)
    strategy = strategies.make_strategy("multi-worker" if "TF_CONFIG" in os.environ else "one")
    setting = {**BASE, "size": options.size}
    with strategy.scope():
        made, batch = build(setting, options.precision, replicas.ReplicatedVideoGAN)
        if options.synchronised:
            replicas.synchronise_batch_norm(made.generator)
    if "TF_CONFIG" in os.environ:
        local = batch
        batch = strategy.experimental_distribute_values_from_function(lambda context: local)
    seconds = statistics.median(step_rounds(made, batch, rounds=options.rounds))
    print(json.dumps({"step_ms": 1000 * seconds, "batch_size": BASE["batch_size"]}), flush=True)


def launch(options, count, *, synchronised):
    """Seconds a step of `count` workers that run at the same time."""
    hosts = []
    for _ in range(count):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            hosts.append(f"127.0.0.1:{free.getsockname()[1]}")
    cores = sorted(os.sched_getaffinity(0))
    processes = []
    for index in range(count):
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        if count > 1:
            task = {"type": "worker", "index": index}
            environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": hosts}, "task": task})
        command = [sys.executable, __file__, "worker", "--core", cores[index], "--size", options.size]
        command += ["--precision", options.precision, "--rounds", options.rounds]
        command += ["--synchronised"] if synchronised else []
        processes.append(
            subprocess.Popen(list(map(str, command)), env=environment, stdout=subprocess.PIPE, text=True)
        )
    outputs = [process.communicate()[0] for process in processes]
    return max(json.loads(output.splitlines()[-1])["step_ms"] for output in outputs) / 1000


def measure_workers(options):
    kinds = {"one worker": (1, False), "two workers": (2, False)}
    kinds["two workers, synchronised batch norm"] = (2, True)
    taken, ratios = {name: [] for name in kinds}, {name: [] for name in kinds}
    for _ in range(options.repeats):  # all kinds in turn: other users of the machine slow all of them down
        for name, (count, synchronised) in kinds.items():
            taken[name].append(launch(options, count, synchronised=synchronised))
            ratios[name].append(count * taken["one worker"][-1] / taken[name][-1])
    for name, (count, _) in kinds.items():
        seconds, ratio = statistics.median(taken[name]), statistics.median(ratios[name])
        row = {"part": "workers", "setting": name, **BASE, "size": options.size}
        row |= {"precision": options.precision, "batch_size": 8 * count, "step_ms": 1000 * seconds}
        keep(row | {"clips_per_s": 8 * count / seconds, "times_one": ratio})


# ---- results ---------------------------------------------------------------------------------------------


def keep(row):
    """Print a row and append it to the table."""
    row = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in row.items()}
    print("  ".join(f"{name}={row[name]}" for name in COLUMNS if name in row), flush=True)
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def table(options):
    """Print the rows of one precision as a table, the newest of each setting, and draw them."""
    with RESULTS.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["precision"] == options.precision]
    setting = ("part", "setting", *BASE)
    rows = list({tuple(row[name] for name in setting): row for row in rows}.values())
    shown = ("setting", *BASE, "step_ms", "gmac_per_step", "share_of_peak", "clips_per_s", "times_one")
    print(f"| {' | '.join(name.replace('_', ' ') for name in shown)} |")
    print(f"|{'---|' * len(shown)}")
    for row in rows:
        row = row | {"share_of_peak": f"{100 * float(row['share_of_peak'] or 'nan'):.0f}%"}
        print(f"| {' | '.join(row[name].replace('nan%', '') for name in shown)} |")
    draw([row for row in rows if row["part"] == "steps"], RESULTS.with_suffix(".png"))


def draw(rows, path):
    """Step time and share of the matmul peak against each thing that was varied, beside one another."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots(2, len(VARIED), sharex="col", sharey="row")
    for (above, below), name in zip(axes.T, VARIED, strict=True):
        points = sorted(
            (row for row in rows if row["setting"] in ("base", name)), key=lambda r: float(r[name])
        )
        x = [float(row[name]) for row in points]
        above.loglog(x, [float(row["step_ms"]) for row in points], "o-", color=show.BLUE)
        below.plot(x, [100 * float(row["share_of_peak"]) for row in points], "o-", color=show.VERMILION)
        above.set_xticks(x, [f"{value:g}" for value in x])
        above.minorticks_off()
        below.set(xlabel=LABELS[name], ylim=(0, 100))
        below.axhline(40, color="0.5", linestyle="--")
    ticks = [50, 100, 200, 400, 800]
    axes[0, 0].set_yticks(ticks, [str(tick) for tick in ticks])
    axes[0, 0].set_ylabel("ms a step")
    axes[1, 0].set_ylabel("% of the matmul peak")
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("steps", "where", "workers", "table", "worker"))
    parser.add_argument("--precision", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument("--size", type=int, default=64, help="for where and workers")
    parser.add_argument("--vary", default=",".join(VARIED), help="for steps; empty: the base alone")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3, help="for workers")
    parser.add_argument("--core", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--synchronised", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    parts = {"steps": measure_steps, "where": where_time_goes, "workers": measure_workers, "table": table}
    {**parts, "worker": worker}[options.part](options)


if __name__ == "__main__":
    main()
