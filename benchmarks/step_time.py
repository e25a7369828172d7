"""What a longer clip costs a training step, and how long a step waits for data.

    python benchmarks/step_time.py [--size 32] [--rounds 7]

1. Step time with clips of 16 and of 64 frames. Only the motion RNN runs over all frames; the discriminator
   sees four of them. Both train on the same rendered clips of 64 frames (windows of 16 for the short ones),
   in turn, so that other work on the machine disturbs both alike; the median of the rounds' ratios counts.
2. The share of the time of training on `data/actions/` that a step waits for its batch.
"""

import argparse
import os
import statistics
import time

import numpy as np

from vgcourse import datasets, gan, training
from vgcourse.people import ACTIONS, render_action

LENGTHS = (16, 64)
STEPS = 16  # a round: twice around the lazy R1 penalty, which comes every 8 steps
NUM_ACTORS = 4


def long_clips(size):
    """Rendered clips of 64 frames at 10 fps, each of the ten actions by four actors."""
    jobs = [(action, actor) for action in ACTIONS for actor in range(NUM_ACTORS)]
    return datasets.Clips(
        np.stack([render_action(*job, size=size, num_frames=max(LENGTHS), fps=10) for job in jobs]),
        np.array([ACTIONS.index(action) for action, _ in jobs]),
        np.array([actor for _, actor in jobs]),
        tuple(ACTIONS),
        10.0,
    )


def prepared(clips, num_frames, options):
    """A model whose graph is built, and the batches it trains on."""
    model = gan.make_gan(options.size, clips.action_names, num_frames=num_frames, precision=options.precision)
    batches = iter(training.batches_for(model, clips, batch_size=options.batch_size))
    train(model, batches, 1)
    return model, batches


def train(model, batches, num_steps):
    """Run steps; returns the seconds they took, and how many of those were spent on waiting for data."""
    waited, start = 0.0, time.perf_counter()
    for _ in range(num_steps):
        asked = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - asked
        float(model.step_function(batch)["d_loss"])  # waits until the step is done
    return time.perf_counter() - start, waited


def compare_lengths(options):
    clips = long_clips(options.size)
    models = {length: prepared(clips, length, options) for length in LENGTHS}
    rounds = [{length: train(*models[length], STEPS)[0] for length in LENGTHS} for _ in range(options.rounds)]
    short, long = LENGTHS
    for length in LENGTHS:
        step = statistics.median(seconds[length] for seconds in rounds) / STEPS
        print(f"step with clips of {length} frames: {1000 * step:8.1f} ms")
    ratios = [seconds[long] / seconds[short] for seconds in rounds]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    print(f"ratio, median of {options.rounds} rounds: {statistics.median(ratios):.2f} ({spread})", flush=True)


def share_waiting(options):
    clips = datasets.load_actions("train", size=options.size, num_frames=20)
    model, batches = prepared(clips, LENGTHS[0], options)
    steps = STEPS * options.rounds
    seconds, waited = train(model, batches, steps)
    print(f"waiting for data, {steps} steps on data/actions: {100 * waited / seconds:.2f} %")


def main():
    parser = argparse.ArgumentParser(description="Step time for longer clips; share of waiting for data.")
    parser.add_argument("--size", type=int, choices=(32, 64), default=32)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(
        f"{options.size}x{options.size}, {options.precision}, batches of {options.batch_size}, "
        f"{os.cpu_count()} cores"
    )
    compare_lengths(options)
    share_waiting(options)


if __name__ == "__main__":
    main()
