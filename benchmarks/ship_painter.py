"""Train the painter that comes with the course; stopped at any moment, the same command goes on.

    python benchmarks/ship_painter.py --steps 8000 --run runs/painter

It learns at 128x128 from frames rendered at that size: the 64 people of the training split and further people
from number 2,000 on, in the ten actions and in poses at random; no person of the validation or test split and
nobody that the benchmarks score on. Writes `data/checkpoints/painter.keras`. Every 500 steps a checkpoint is
kept and a sheet of unseen people is drawn in the run folder.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from painter import paint_sheet, render_person, score_painter, unseen_people

from vgcourse import datasets, structure, training
from vgcourse.people import actor_split

SIZE = 128
FRAMES_PER_ACTION, NUM_POSES, FPS = 6, 36, 3.0
SHEET_EVERY = 500


def training_actors(num_more):
    """The training split's actors, and further ones from number 2,000 on."""
    return [actor for actor in range(80) if actor_split(actor) == "train"] + list(
        range(2000, 2000 + num_more)
    )


def render_all(actors, cache):
    """`PeopleFrames` of all actors, rendered by two processes and kept in a file."""
    if not cache.exists():
        jobs = [(actor, SIZE, FRAMES_PER_ACTION, FPS, NUM_POSES) for actor in actors]
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            frames, joints = zip(*pool.map(render_person, jobs, chunksize=2), strict=True)
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, frames=np.stack(frames), joints=np.stack(joints))
    with np.load(cache) as file:
        return structure.PeopleFrames(file["frames"], file["joints"], np.array(actors))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--run", type=Path, default=Path("runs/painter"))
    parser.add_argument("--more-people", type=int, default=116)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    actors = training_actors(arguments.more_people)
    known = render_all(actors, arguments.run / f"frames-{len(actors)}.npz")
    unseen = unseen_people(4, size=SIZE)
    gan = structure.make_painter_gan(SIZE, steps=arguments.steps, seed=arguments.seed)
    if training.list_checkpoints(arguments.run):
        training.restore_checkpoint(gan, arguments.run)
    while int(gan.step) < arguments.steps:
        steps = min(int(gan.step) + SHEET_EVERY, arguments.steps)
        training.train_painter_in_folder(gan, known, arguments.run, steps=steps, num_targets=2)
        print(int(gan.step), score_painter(gan.painter, unseen), flush=True)
        paint_sheet(gan.painter, unseen, arguments.run / f"sheet-{int(gan.step):05d}.png")
    path = datasets.data_folder() / "checkpoints" / "painter.keras"
    structure.save_rounded(gan.painter, path)
    print(path, f"{path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
