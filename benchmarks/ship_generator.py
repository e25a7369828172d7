"""Train the generator that comes with the course; stopped at any moment, the same command goes on.

    python benchmarks/ship_generator.py --steps 3348 --run runs/first
    python benchmarks/ship_generator.py --start runs/first --steps 7500 --run runs/second --r1-gamma 3

The first trains by the course's recipe for ten minutes, the second goes on from there with a stronger R1
penalty, which for a while keeps the discriminator from learning 640 clips by heart. (`--augment` lets it look
through `levers.ClipAugmentation` instead.) Both use the training split of `data/actions/` (640 clips, random
starts in time, no other data) and write `data/checkpoints/generator.keras`. Every 500 steps leave a generator
and a contact sheet in the run folder.
"""

import argparse
import shlex
import sys
from pathlib import Path

import numpy as np
from levers import augmented

from vgcourse import datasets, generate, training
from vgcourse.gan import make_gan

SIZE = 64
SHEET_EVERY = 500


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--run", type=Path, default=Path("runs/shipped"))
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="another run, from whose last checkpoint this one starts")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--r1-gamma", type=float, help="weight of R1; by default the recipe's")
    parser.add_argument("--augment", action="store_true", help="let the discriminator see augmented clips")
    arguments = parser.parse_args()
    clips = datasets.load_actions("train", size=SIZE, num_frames=20, fps=10)
    precision = arguments.precision
    if precision == "auto":
        precision = training.pick_precision(SIZE, batch_size=arguments.batch_size)
    gan = make_gan(SIZE, clips.action_names, precision=precision, seed=arguments.seed)
    if arguments.start:
        training.restore_checkpoint(gan, arguments.start)
    if arguments.augment:
        gan.discriminator = augmented(gan.discriminator, seed=arguments.seed)
    if arguments.r1_gamma is not None:
        gan.r1_gamma = arguments.r1_gamma
    if training.list_checkpoints(arguments.run):
        training.restore_checkpoint(gan, arguments.run)
    while int(gan.step) < arguments.steps:
        steps = min(int(gan.step) + SHEET_EVERY, arguments.steps)
        training.train_in_folder(gan, clips, arguments.run, steps=steps, batch_size=arguments.batch_size)
        generate.write_samples(gan.ema_generator, arguments.run)
        gan.ema_generator.save(arguments.run / f"ema-{int(gan.step)}.keras")
    path = training.save_generator(gan, datasets.data_folder() / "checkpoints")
    history = training.read_history(arguments.run)
    made = {
        "command": shlex.join(["python", "benchmarks/ship_generator.py", *sys.argv[1:]]),
        "precision": precision,
        "minutes": round(history[-1]["seconds"] / 60),
        "median_data_wait": float(np.median([row["data_wait"] for row in history])),
    }
    print(path, made)


if __name__ == "__main__":
    main()
