"""How good is a generator after so many seconds of training? The course's video GAN, and MoCoGAN.

    python benchmarks/train_quality.py --model videogan --size 32 --precision float32 --seed 0 \\
        --seconds 180 --marks 60,180
    python benchmarks/train_quality.py --summary

Trains by the package's recipe on the training split of `data/actions/` (640 clips; windows of 16 frames at
random starts in time) and, at each mark, scores 1,000 clips of the averaged generator, 100 an action, as
`benchmarks/scores.py` says. The clock runs while steps run, data included; building the graph and scoring
do not count. On a busy machine give `--step-time`, which `benchmarks/step_time.py` prints on an idle one: a
mark then comes after as many steps as fit into it there, however long they take. "ratio" is the Frechet
distance over that of real clips (other actors) to the same reference.

Each mark is a row of `benchmarks/results/train_quality.csv`, with its command; `--summary` prints the
medians over seeds as the table in the README. A row made again replaces the older one in the summary.
"""

import argparse
import csv
import functools
import os
import shlex
import statistics
import sys
import time
from pathlib import Path

import mocogan
import numpy as np
import scores

from vgcourse import datasets, features, gan, generate, training
from vgcourse.evaluate import metrics

RESULTS = Path(__file__).parent / "results" / "train_quality.csv"
SAMPLE_SEED = 1234  # the same people and noise for every model, seed and mark
SETTING = ("model", "size", "precision", "batch_size")
MEASURED = (
    "steps",
    "limbs_found",
    "laplacian_auc",
    "logistic_auc",
    "wall_detail",
    "motion_control_score",
    "motion_control_score_second",
    "frechet_distance",
    "real_vs_real",
    "ratio",
)
COLUMNS = (*SETTING, "seed", "mark", "seconds", "cpu_seconds", *MEASURED, "command")
BATCH_SIZE = 8
MAKE = {"videogan": gan.make_gan, "mocogan": mocogan.make_mocogan}


def train_until(model, batches, seconds, clock, *, step_time=None):
    """Run steps until the clock shows `seconds`.

    Args:
        model: a compiled GAN whose graph is built.
        batches: iterator of batches.
        seconds: the mark to reach.
        clock: seconds of training so far, on the wall and of all cores together.
        step_time: seconds a step is taken to last; None goes by the wall clock.

    Returns:
        The clock afterwards.
    """
    wall, cpu = clock
    while (int(model.step) * step_time if step_time else wall) < seconds:
        start, cpu_start = time.perf_counter(), time.process_time()
        loss = float(model.step_function(next(batches))["d_loss"])  # waits until the step is done
        wall, cpu = wall + time.perf_counter() - start, cpu + time.process_time() - cpu_start
        if not np.isfinite(loss):
            raise SystemExit(f"diverged at step {int(model.step)}: d_loss is {loss}")
    return wall, cpu


def measure(generator, *, size, per_action):
    """Scores of one generator at one mark; a dict, those of `MEASURED` but for the steps."""
    num_actions = len(generator.action_names)
    clips = generate.sample(generator, num_clips=per_action * num_actions, seed=SAMPLE_SEED)
    actions = np.arange(len(clips)) % num_actions  # `sample` takes the actions in turn
    found = scores.score(clips, actions, size=size, num_per_action=per_action)
    real = real_vs_real(size, per_action)
    found |= {"real_vs_real": real, "ratio": found["frechet_distance"] / real}
    # `scores.score` gives more, and its "precision" is another one than this table's.
    return {name: found[name] for name in MEASURED if name != "steps"}


@functools.cache
def real_vs_real(size, per_action):
    """Frechet distance between two sets of real clips that share no actor."""
    sets = [scores.real_clips(per_action, size=size, seed=seed)[0] for seed in (0, 1)]
    return metrics.frechet_distance(*(features.clip_features(clips) for clips in sets))


def run(options):
    """Train one model and append a row for each mark."""
    clips = datasets.load_actions("train", size=options.size, num_frames=20)
    precision = options.precision
    if precision == "auto":
        precision = training.pick_precision(options.size, batch_size=options.batch_size)
    model = MAKE[options.model](
        options.size, clips.action_names, num_frames=16, precision=precision, seed=options.seed
    )
    # Builds the graph, then puts everything back as it was.
    step = training.time_step(model, clips, batch_size=options.batch_size, num_steps=3)
    frames = f"{options.size}x{options.size}"
    print(f"{options.model}, {frames}, {precision}: {1000 * step:.0f} ms a step", flush=True)
    batches = iter(training.batches_for(model, clips, batch_size=options.batch_size))
    clock = (0.0, 0.0)
    for mark in options.marks:
        clock = train_until(model, batches, mark, clock, step_time=options.step_time)
        row = {
            **{name: getattr(options, name) for name in ("model", "size", "batch_size", "seed", "command")},
            **{"precision": precision, "mark": mark, "steps": int(model.step)},
            **{"seconds": clock[0], "cpu_seconds": clock[1]},
            **measure(model.ema_generator, size=options.size, per_action=options.clips),
        }
        append(options.results, row)
        print(f"after {mark:g} s of training")
        for name in COLUMNS[len(SETTING) + 2 : -1]:
            print(f"  {name:28} {row[name]:.5g}", flush=True)


def append(path, row):
    """Add one row to the results, with a header if the file is new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def summary(path):
    """The medians over seeds, as a Markdown table; returns its text."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    newest = {tuple(row[name] for name in (*SETTING, "seed", "mark")): row for row in rows}
    groups = {}
    for row in newest.values():
        key = (int(row["size"]), row["precision"], row["model"], float(row["mark"]), int(row["batch_size"]))
        groups.setdefault(key, []).append(row)
    lines = [
        "| frames | precision | model | training | batch | steps | limbs found | AUC: Laplacian, logistic "
        "| wall detail | motion control score (second classifier) | Frechet distance | times real vs real "
        "| seeds |",
        "|---" * 13 + "|",
    ]
    for (size, precision, model, mark, batch), rows in sorted(groups.items()):
        # A row of before a score was taken has none.
        median = {name: statistics.median(float(row[name] or "nan") for row in rows) for name in MEASURED}
        lines.append(
            f"| {size}x{size} | {precision} | {model} | {mark:g} s | {batch} | {median['steps']:.0f} "
            f"| {median['limbs_found']:.2f} | {median['laplacian_auc']:.2f}, {median['logistic_auc']:.2f} "
            f"| {median['wall_detail']:.3g} "
            f"| {median['motion_control_score']:.2f} ({median['motion_control_score_second']:.2f}) "
            f"| {median['frechet_distance']:.3g} | {median['ratio']:.3g} | {len(rows)} |"
        )
    return "\n".join(lines)


def parse(arguments):
    parser = argparse.ArgumentParser(description="Scores of a generator after so many seconds of training.")
    parser.add_argument("--model", choices=MAKE, default="videogan")
    parser.add_argument("--size", type=int, choices=(32, 64), default=32)
    parser.add_argument("--precision", choices=("float32", "bfloat16", "auto"), default="float32")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=180, help="seconds of training in all")
    parser.add_argument("--marks", default="60,180", help="when to take scores, in seconds; the end is one")
    parser.add_argument("--step-time", type=float, help="count steps of so many seconds, not the wall clock")
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    parser.add_argument("--clips", type=int, default=scores.PER_ACTION, help="clips of each action")
    parser.add_argument("--results", type=Path, default=RESULTS, help="CSV file to append to")
    parser.add_argument("--summary", action="store_true", help="print the medians over seeds and stop")
    options = parser.parse_args(arguments)
    marks = {float(mark) for mark in options.marks.split(",")}
    options.marks = sorted({mark for mark in marks if mark < options.seconds} | {options.seconds})
    options.command = shlex.join(["python", "benchmarks/train_quality.py", *arguments])
    return options


def main():
    options = parse(sys.argv[1:])
    if options.summary:
        print(summary(options.results))
        return
    print(f"{os.cpu_count()} cores; {options.command}")
    run(options)


if __name__ == "__main__":
    main()
