"""Runs: a training run in a folder, from the first step to the saved generator; and the demo.

A run folder holds `config.json` (all settings, the number of steps among them, versions, machine, commit and
the command that makes the run again), `changes.patch` (what the commit lacks), checkpoints, `history.csv` and
at the end `generator.keras`. Clips are as in `datasets`.
"""

import hashlib
import json
import os
import shlex
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from vgcourse import datasets, distribute, exports, record, replicas, report, shards
from vgcourse.checkpoints import (
    current_step,
    list_checkpoints,
    read_config,
    restore_checkpoint,
    state_of,
    write_atomically,
    write_config,
)
from vgcourse.gan import make_gan
from vgcourse.training import iter_training, pick_precision, time_step, train, write_history

MAX_FRAMES = 16  # frames of a trained clip; what a store has beyond them gives random starts
MIN_FRAMES = 4  # so many the discriminator looks at
HELD_OUT = ("validation", "test")


def start_run(store, folder, *, precision="auto", batch_size=8, seed=0):
    """Make a run folder and write down its settings; trains nothing yet.

    Args:
        store: folder of a store, see `datasets.save_clips`.
        folder: run folder to make.
        precision: "auto" (measured here), "float32", "bfloat16" or "float16".
        batch_size: clips per step.
        seed: of weights, noise and batches.

    Returns:
        The settings, a dict.

    Raises:
        ValueError: there is a run in the folder already, or the store does not suit.
    """
    if list_checkpoints(folder):
        raise ValueError(f"{folder}: there is a run here already; go on with --resume or name another folder")
    clips = datasets.open_store(store)
    num_frames, height, width, _ = clips.clip_shape
    if height != width:
        raise ValueError(f"{store}: expected square clips, received {height}x{width}")
    if num_frames < MIN_FRAMES:
        raise ValueError(
            f"{store}: expected clips of {MIN_FRAMES} frames or more, received {num_frames}; prepare the "
            f"videos with another --num-frames"
        )
    if not 1 <= batch_size <= clips.num_clips:
        raise ValueError(
            f"{store}: batch_size: expected 1 to {clips.num_clips}, all clips; received {batch_size}"
        )
    config = {
        "size": height,
        "num_frames": min(MAX_FRAMES, num_frames),
        "fps": clips.fps,
        "action_names": list(clips.action_names),
        "precision": pick_precision(height, batch_size=batch_size) if precision == "auto" else precision,
        "batch_size": batch_size,
        "seed": seed,
        "store_sha256": _store_sha256(store),
        "versions": record.versions(),
        "machine": record.machine(),
    }
    config["source"], changes = record.source_state()
    if changes:
        write_atomically(Path(folder) / "changes.patch", lambda file: file.write(changes.encode()))
    write_config(folder, config)
    return config


def check_settings(folder, **given):
    """Refuse settings that are not those a run was started with.

    Args:
        folder: run folder.
        **given: `batch_size`, `precision`, `seed`, or `minutes`, which a run with a number of steps takes no
            more; None and "auto" are not looked at.

    Raises:
        ValueError: one of them differs.
    """
    config = read_config(folder)
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if name == "minutes" and value is not None and "steps" in config:
            raise ValueError(
                f"{folder}: this run goes to step {config['steps']}, received {option} {value:g}; to train "
                "longer, say up to which step with --steps"
            )
        if name in config and value not in (None, "auto", config[name]):
            raise ValueError(
                f"{folder}: the run was started with {option} {config[name]}, received {option} {value}; "
                "leave the option out, or train in another folder without --resume"
            )


def continue_run(store, folder, *, minutes=5.0, steps=None, strategy=None, watch=None):
    """Train the run in `folder` up to its number of steps, from its newest checkpoint if there is one.

    Args:
        store: the store that the run was started with.
        folder: run folder.
        minutes: turned into steps once, when the run has no number of steps yet.
        steps: the step to reach; None keeps what the run has.
        strategy: see `distribute.make_strategy`; None trains on one device. Of several workers all call this
            at the same time, and only the chief looks at `folder`.
        watch: called as `watch(rows, gan, folder, steps=steps)` in the chief, it hands the rows on that
            training makes; such as `monitor.watch`.

    Returns:
        Path of the saved generator; None in other workers than the chief.

    Raises:
        ValueError: not a run folder, the store holds other clips than the run was started with, or the run is
            past `steps`.
    """
    strategy = strategy or distribute.make_strategy("one")
    chief, (worker, num_workers) = distribute.is_chief(strategy), distribute.worker_place(strategy)
    config = distribute.tell_all(strategy, read_config(folder) if chief else None)
    clips = datasets.open_store(store, worker=worker, num_workers=num_workers)
    _check_store(store, clips, config)
    with strategy.scope():
        gan = _gan_of(config)
    if chief and list_checkpoints(folder):
        restore_checkpoint(gan, folder)
    distribute.copy_from_chief(strategy, list(state_of(gan).values()))
    if steps and steps < (reached := current_step(gan)):
        raise ValueError(f"{folder}: the run is at step {reached} already, received --steps {steps}")
    if steps or "steps" not in config:
        steps = steps or steps_for(gan, clips, minutes, batch_size=config["batch_size"])
        config["steps"] = distribute.tell_all(strategy, steps)
    settings = {"steps": config["steps"], "batch_size": config["batch_size"]}
    rows = iter_training(gan, clips, folder=folder, **settings)
    if chief:
        config["replicas"], config["command"] = strategy.num_replicas_in_sync, _command(store, folder, config)
        write_config(folder, config)
        rows = watch(rows, gan, folder, steps=config["steps"]) if watch else rows
    with distribute.watched_workers(strategy):
        for _ in rows:
            pass
        generator = save_generator(gan, folder) if chief else None
        distribute.tell_all(strategy, "done")  # nobody leaves before the chief has kept everything
    return generator


def _check_store(store, clips, config):
    expected = (config["size"], config["action_names"])
    received = (clips.clip_shape[1], list(clips.action_names))
    if received != expected or clips.clip_shape[0] < config["num_frames"]:
        raise ValueError(
            f"{store}: the run was started with {config['num_frames']} or more frames of {expected[0]} "
            f"pixels, actions {expected[1]}; received clips {clips.clip_shape}, {received[1]}"
        )
    if config.get("store_sha256", _store_sha256(store)) != _store_sha256(store):
        raise ValueError(
            f"{store}: these are other clips than those the run was started with, though of the same kind; "
            "name that store, or train in another folder without --resume"
        )


def _store_sha256(store):
    """Of the index, in which the checksum of every shard stands: other clips, another sum."""
    return hashlib.sha256(Path(store, shards.INDEX_NAME).read_bytes()).hexdigest()


def _command(store, folder, config):
    """The command that makes the same run in a new folder: nothing in it is measured any more."""
    words = ["vgcourse", "train", str(store), str(folder)]
    for name in ("steps", "batch_size", "precision", "seed"):
        words += [f"--{name.replace('_', '-')}", str(config[name])]
    return shlex.join(words)


def _gan_of(config):
    """The compiled GAN of a run's settings, at step 0."""
    names = ("num_frames", "fps", "precision", "seed")
    gan = make_gan(config["size"], config["action_names"], **{name: config[name] for name in names})
    if tf.distribute.has_strategy():
        replicas.synchronise_batch_norm(gan.generator)
    return gan


def steps_for(gan, clips, minutes, *, batch_size=8):
    """How many steps fit into `minutes`, by a short timing probe; at least 10.

    Args:
        gan: a compiled GAN; it is left as it was.
        clips: as for `training.train`.
        minutes: of training.
        batch_size: clips per step.

    Returns:
        An int.
    """
    return max(10, round(60 * minutes / time_step(gan, clips, batch_size=batch_size)))


def save_generator(gan, folder):
    """Save the averaged generator as `generator.keras`.

    Args:
        gan: a GAN with `ema_generator`.
        folder: where to write.

    Returns:
        The path.
    """
    path = Path(folder) / "generator.keras"
    partial = path.with_name(f".{os.getpid()}-generator.keras")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        gan.ema_generator.save(partial)
        os.replace(partial, path)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


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
    """
    folder = Path(folder)
    _try_to_write(folder)  # fails now, not after training
    tqdm.write(f"reading the clips in {datasets.data_folder() / 'actions'}")
    clips = datasets.load_actions("train", size=size, num_frames=20, fps=10)
    real = datasets.concatenate([datasets.load_actions(split, size=size) for split in HELD_OUT])
    precision = pick_precision(size) if precision == "auto" else precision
    gan = make_gan(size, clips.action_names, precision=precision, seed=seed)
    scores = {"untrained": report.score_generator(gan.ema_generator, real, seed=seed)}
    steps = steps_for(gan, clips, minutes)
    tqdm.write(f"training for {steps} steps in {precision}")
    history = train(gan, clips, steps=steps)
    save_generator(gan, folder)
    write_history(folder, history)
    exports.write_samples(gan.ema_generator, folder, seed=seed)
    scores["trained"] = report.score_generator(gan.ema_generator, real, seed=seed)
    scores["real"] = _score_real(clips, real)
    settings = {"size": size, "steps": steps, "precision": precision, "seed": seed}
    text = json.dumps({**settings, **scores}, indent=1) + "\n"
    write_atomically(folder / "metrics.json", lambda file: file.write(text.encode()))
    print(report.score_table(scores))
    print(f"\nsamples.gif, samples.mp4 and samples.png are in {folder.resolve()}")
    print("To open the lessons: uv run jupyter lab notebooks")
    return scores


def _try_to_write(folder):
    """Write a file and remove it again, so that what an earlier demo left stays."""
    trial = folder / ".trial"
    write_atomically(trial, lambda file: file.write(b"\n"))
    trial.unlink()


def _score_real(clips, real):
    """Scores of real training clips against real clips of other people: what a perfect generator gets."""
    chosen = np.random.default_rng(0).permutation(clips.num_clips)[: real.num_clips]
    some = clips.select(chosen)
    names = clips.action_names
    return report.score_clips(some.clips[:, :MAX_FRAMES], some.actions, real.clips, action_names=names)
