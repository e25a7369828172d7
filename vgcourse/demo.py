"""The demo: the whole path in one go, from the MP4s in `data/` to generated video and a table of scores."""

import json
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from vgcourse import datasets, evaluate, generate, training
from vgcourse.files import new_file
from vgcourse.gan import make_gan

WRITTEN = ("metrics.json", "generator.keras", "history.csv", "samples.gif", "samples.mp4", "samples.png")
NUM_FRAMES, STORED_FRAMES, FPS = 16, 20, 10.0
HELD_OUT = ("validation", "test")


def run_demo(folder, *, minutes=2.0, size=32, precision="auto", seed=0):
    """Train on the clips in `data/`, write samples, scores, history and the generator; print a table.

    Args:
        folder: where to write.
        minutes: of training.
        size: height and width of the clips in pixels, 32 or 64.
        precision: "auto", "float32", "bfloat16" or "float16".
        seed: of weights, noise and batches.

    Returns:
        The scores, a dict of dicts: untrained, trained, real.

    Raises:
        ValueError: the folder cannot be written, or holds files of these names that no demo made; or there is
            no such size or precision.
    """
    folder = Path(folder)
    _check_own(folder)
    _try_to_write(folder)  # fails now, not after training
    tqdm.write(f"reading the clips in {datasets.data_folder() / 'actions'}")
    clips = datasets.load_actions("train", size=size, num_frames=STORED_FRAMES, fps=FPS)
    real = datasets.concatenate([datasets.load_actions(split, size=size) for split in HELD_OUT])
    precision = training.pick_precision(size) if precision == "auto" else precision
    gan = make_gan(size, clips.action_names, precision=precision, seed=seed)
    scores = {"untrained": evaluate.score_generator(gan.ema_generator, real, seed=seed)}
    steps = training.steps_for(gan, clips, minutes)
    tqdm.write(f"training for {steps} steps in {precision}")
    history = training.train(gan, clips, steps=steps)
    settings = {"size": size, "steps": steps, "precision": precision, "seed": seed}
    _write_metrics(folder, {**settings, **scores})  # first: it says that all the rest is a demo's
    training.save_generator(gan, folder)
    training.write_history(folder, history)
    generate.write_samples(gan.ema_generator, folder, seed=seed)
    scores["trained"] = evaluate.score_generator(gan.ema_generator, real, seed=seed)
    scores["real"] = _score_real(clips, real)
    _write_metrics(folder, {**settings, **scores})
    print(evaluate.score_table(scores))
    print(f"\nsamples.gif, samples.mp4 and samples.png are in {folder.resolve()}")
    print("To open the lessons: uv run jupyter lab notebooks")
    return scores


def _check_own(folder):
    """Refuse a folder with files that would be written over and are not an earlier demo's."""
    found = [name for name in WRITTEN if (folder / name).exists()]
    try:
        metrics = json.loads((folder / WRITTEN[0]).read_text(encoding="utf-8"))
        is_ours = isinstance(metrics, dict) and {"size", "steps", "precision", "untrained"} <= metrics.keys()
    except (OSError, ValueError, RecursionError):
        is_ours = False
    if found and not is_ours:
        raise ValueError(
            f"{folder}: holds {', '.join(found)}, not of an earlier demo, which would be written over; "
            "choose another folder with --out"
        )
    generate.check_replaceable(folder / name for name in WRITTEN[3:])


def _write_metrics(folder, metrics):
    with new_file(folder / WRITTEN[0]) as part:
        part.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")


def _try_to_write(folder):
    """Write a file and remove it again, so that what an earlier demo left stays."""
    trial = folder / ".trial"
    with new_file(trial) as part:
        part.write_bytes(b"\n")
    trial.unlink()


def _score_real(clips, real):
    """Scores of real training clips against real clips of other people: what a perfect generator gets."""
    chosen = np.random.default_rng(0).permutation(clips.num_clips)[: real.num_clips]
    some = clips.select(chosen)
    first = some.clips[:, :NUM_FRAMES]
    names = clips.action_names
    return evaluate.score_clips(
        first, some.actions, real.clips, action_names=names, fps=clips.fps, people=(real.actors, some.actors)
    )
