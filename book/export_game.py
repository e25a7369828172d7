"""Numbers for the minimax page: where its games begin, and what Python makes of the first 50 steps.

`game_line.json` and `game_plane.json` hold games of `vgcourse.gan.toy` before their first step, as `to_plain`
writes them. `check_line.json` and `check_plane.json` hold a recipe, the random numbers of 50 steps, and what
came out of them here: the page replays those steps and shows how far it is from Python.
"""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from vgcourse.gan import toy

NUM_STEPS, NUM_POINTS = 50, 64
DECIMALS = 3  # of points and noise: shorter files, and both sides read exactly the same number
LINE_MEAN, LINE_SPREAD = 1.0, 0.5  # the data of lesson 03
RECIPE = toy.Recipe(r1_gamma=0.1, batch_size=64)


def draw_line(rng, num_points):
    """Lesson 03's numbers from a bell curve.

    Args:
        rng: a `numpy.random.Generator`.
        num_points: how many.

    Returns:
        float32 `(num_points, 1)`.
    """
    return rng.normal(LINE_MEAN, LINE_SPREAD, size=(num_points, 1)).astype(np.float32)


STARTS = {"line": toy.make_toy(1, latent_dim=1, width=32, seed=0), "plane": toy.make_toy(2, seed=0)}
DATA = {"line": draw_line, "plane": toy.draw_ring}


def to_plain(game):
    """A game as nested lists of numbers, ready for `json.dump`.

    Args:
        game: a `ToyGAN`.

    Returns:
        A dict with the names of `ToyGAN`'s attributes.
    """
    return {
        name: tf.nest.map_structure(lambda array: np.asarray(array).tolist(), value)
        for name, value in game._asdict().items()
    }


def check_numbers(game, draw_real, *, recipe=RECIPE, num_steps=NUM_STEPS, seed=1):
    """Play in Python, and write down everything that another player needs to do the same.

    Args:
        game: a `ToyGAN`, where to begin.
        draw_real: as for `toy.train_toy`.
        recipe: a `toy.Recipe`.
        num_steps: steps of the discriminator.
        seed: of points and noise.

    Returns:
        A dict of plain numbers: `recipe`; `real` `(num_steps, batch, dim)`; `noise` `(num_steps, 1 + g_steps,
        batch, latent_dim)`; `probe` `(NUM_POINTS, latent_dim)`, noise to look at; and what came out: `d_loss`
        and `g_loss` of every step, and `points` `(NUM_POINTS, dim)` made of `probe` by the last generator.
    """
    rng, latent_dim = np.random.default_rng(seed), game.generator[0].shape[0]
    real, noise, losses = [], [], []
    for _ in range(num_steps):
        real.append(draw_real(rng, recipe.batch_size).round(DECIMALS))
        shape = (1 + recipe.g_steps, recipe.batch_size, latent_dim)
        noise.append(toy.draw_noise(rng, shape).round(DECIMALS))
        game, both = toy.toy_step(game, real[-1], noise[-1], recipe=recipe)
        losses.append([float(loss) for loss in both])
    probe = toy.draw_noise(rng, (NUM_POINTS, latent_dim)).round(DECIMALS)
    d_loss, g_loss = zip(*losses, strict=True)
    numbers = {"real": real, "noise": noise, "probe": probe, "d_loss": d_loss, "g_loss": g_loss}
    numbers["points"] = toy.mlp(game.generator, probe).numpy()
    return {"recipe": recipe._asdict()} | {name: shortest(values) for name, values in numbers.items()}


def shortest(values):
    """Nested lists of the shortest decimals that are still the same float32.

    Args:
        values: numbers, nested lists or arrays of them.

    Returns:
        The same as nested lists of floats: 0.1, not 0.10000000149011612.
    """
    if isinstance(values, list | tuple) or np.ndim(values):
        return [shortest(value) for value in values]
    return float(str(np.float32(values)))


def export(folder):
    """Write the four files.

    Args:
        folder: where to; made if missing.

    Returns:
        Their paths.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, game in STARTS.items():
        start = {field: shortest(values) for field, values in to_plain(game).items()}
        for kind, content in [("game", start), ("check", check_numbers(game, DATA[name]))]:
            paths.append(folder / f"{kind}_{name}.json")
            paths[-1].write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
    return paths
