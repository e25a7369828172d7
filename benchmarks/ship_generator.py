"""Train the generator that comes with the course; stopped at any moment, the same command goes on.

    python benchmarks/ship_generator.py --steps 30000 --run runs/shipped

trains on the training split of `data/actions/` (640 clips, random starts in time, no other data) and
writes `data/checkpoints/generator.keras`. Every 500 steps it leaves a contact sheet in the run folder.
"""

import argparse
from pathlib import Path

import numpy as np

from vgcourse import checkpoints, datasets, exports, runs, training
from vgcourse.gan import make_gan

SIZE, BATCH_SIZE = 64, 8
SHEET_EVERY = 500


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--run", type=Path, default=Path("runs/shipped"))
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    clips = datasets.load_actions("train", size=SIZE, num_frames=20, fps=10)
    precision = arguments.precision
    if precision == "auto":
        precision = training.pick_precision(SIZE, batch_size=BATCH_SIZE)
    gan = make_gan(SIZE, clips.action_names, precision=precision, seed=arguments.seed)
    if checkpoints.list_checkpoints(arguments.run):
        checkpoints.restore_checkpoint(gan, arguments.run)
    while int(gan.step) < arguments.steps:
        steps = min(int(gan.step) + SHEET_EVERY, arguments.steps)
        training.train(gan, clips, steps=steps, batch_size=BATCH_SIZE, folder=arguments.run)
        exports.write_samples(gan.ema_generator, arguments.run)
    path = runs.save_generator(gan, datasets.data_folder() / "checkpoints")
    history = training.read_history(arguments.run)
    made = {
        "command": f"python benchmarks/ship_generator.py --steps {int(gan.step)} --seed {arguments.seed}",
        "precision": precision,
        "minutes": round(history[-1]["seconds"] / 60),
        "median_data_wait": float(np.median([row["data_wait"] for row in history])),
    }
    print(path, made)


if __name__ == "__main__":
    main()
