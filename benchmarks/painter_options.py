"""What each part of the painter is for: one thing left out at a time, trained alike, scored on unseen people.

    python benchmarks/painter_options.py                    # whatever is not in the results yet
    python benchmarks/painter_options.py --option "L1 alone" --seed 1

Every option trains for as many steps on the same batches, at 32x32, by the recipe of `benchmarks/painter.py`,
and paints 20 people that no training uses, each from one frame. A row of `data/painter_options.csv`, which
lesson 09 draws, holds the mean absolute error in grey levels of 255 (in the ten actions; in poses that no
action has; on the figure's pixels alone) and the sharpness: how strongly pixels differ from the mean of their
four neighbours, as a share of the truth's; under 1 is blurred, over 1 is too much. After a change to the
painter or to its recipe, delete the old rows.
"""

import argparse
import csv
import shlex
import time

import numpy as np
import painter as recipe

from vgcourse import datasets, structure, training

RESULTS = datasets.data_folder() / "painter_options.csv"
SIZE, STEPS = 32, 300
SCORES = ("actions", "novel", "figure", "sharpness")
COLUMNS = ("option", "seed", "size", "steps", "references", *SCORES, "seconds", "command")
# What is given to the `PainterGAN`, to the `Painter`, and to the batches.
OPTIONS = {
    "L1 and GAN": ({}, {}, 1),
    "L1 alone": ({"gan_weight": 0.0}, {}, 1),
    "L1 and a freer GAN": ({"r1_gamma": 0.002}, {}, 1),
    "GAN alone": ({"l1_weight": 0.0}, {}, 1),
    "no pooled colours": ({}, {"pools_colours": False}, 1),
    "no mask prior": ({}, {"starts_from_limbs": False}, 1),
    "neither": ({}, {"pools_colours": False, "starts_from_limbs": False}, 1),
    "three references": ({}, {}, 3),
}


def sharpness(frames):
    """Mean absolute difference of a pixel and its four neighbours' mean; frames `(..., height, width, 3)`."""
    grey = frames.astype(float).mean(-1)
    inner = grey[..., 1:-1, 1:-1]
    around = grey[..., :-2, 1:-1] + grey[..., 2:, 1:-1] + grey[..., 1:-1, :-2] + grey[..., 1:-1, 2:]
    return np.abs(inner - around / 4).mean()


def score(painter, unseen, num_references):
    """The scores of a painter, a dict of name -> number; see above."""
    painted = paint(painter, unseen, num_references)
    error = np.abs(painted.astype(float) - unseen.frames).mean(-1)
    figure = structure.limb_maps(unseen.joints, size=SIZE).max(-1) > 0
    return {
        "actions": error[:, :-20].mean(),
        "novel": error[:, -20:].mean(),
        "figure": error[:, :-20][figure[:, :-20]].mean(),
        "sharpness": sharpness(painted[:, :-20]) / sharpness(unseen.frames[:, :-20]),
    }


def paint(painter, unseen, num_references):
    """All frames of all people; the references are frames of wave1, walk and jack, in this order."""
    per_action = (unseen.frames.shape[1] - 20) // 10
    actions = [recipe.REFERENCE, recipe.people.ACTIONS.index("walk"), recipe.people.ACTIONS.index("jack")]
    known = [per_action * action for action in actions][:num_references]
    pairs = zip(unseen.frames, unseen.joints, strict=True)
    return np.stack([structure.paint_frames(painter, j, f[known], j[known]) for f, j in pairs])


def measure(option, seed, known, unseen, steps):
    """Train one option and score it; a row."""
    weights, painter, references = OPTIONS[option]
    gan = structure.make_painter_gan(SIZE, steps=steps, seed=seed, painter_options=painter, **weights)
    start = time.process_time()
    training.train_painter(gan, known, steps=steps, num_references=references)
    seconds = (time.process_time() - start) / 2
    scores = {name: f"{value:.3f}" for name, value in score(gan.painter, unseen, references).items()}
    words = ["--option", option, "--seed", str(seed), "--steps", str(steps)]
    command = "python benchmarks/painter_options.py " + shlex.join(words)
    row = {"option": option, "seed": seed, "size": SIZE, "steps": steps, "references": references}
    return {**row, **scores, "seconds": round(seconds), "command": command}


def read_rows():
    """The rows measured so far."""
    if not RESULTS.is_file():
        return []
    with RESULTS.open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def write_rows(rows):
    """Write all rows, options in their order."""
    order = list(OPTIONS)
    rows = sorted(rows, key=lambda row: (order.index(row["option"]), int(row["seed"])))
    with RESULTS.open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--option", choices=OPTIONS, nargs="*", default=list(OPTIONS))
    parser.add_argument("--seed", type=int, nargs="*", default=[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    asked = parser.parse_args()
    unseen, known = recipe.unseen_people(20, size=SIZE), recipe.training_people(SIZE)
    for seed in asked.seed:
        for option in asked.option:
            rows = read_rows()
            if not any((row["option"], int(row["seed"])) == (option, seed) for row in rows):
                row = measure(option, seed, known, unseen, asked.steps)
                print(row, flush=True)
                write_rows([*rows, row])


if __name__ == "__main__":
    main()
