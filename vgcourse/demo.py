"""The demo: the whole path, from the MP4s in `data/` to generated video and a table of scores, in two ways.

First the video GAN learns pixels, at 32x32; then structure first: a motion GAN moves skeletons, and a painter
paints people on them, at 64x64.
"""

import json
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from vgcourse import arguments, datasets, evaluate, generate, preprocess, show, training, video
from vgcourse.files import new_file
from vgcourse.gan import make_gan

WRITTEN = ("metrics.json", "history.csv", "generator.keras", "two_stage.keras")
MOVING = (*generate.SAMPLES, "comparison.gif", "comparison.png")
NUM_FRAMES, STORED_FRAMES, FPS = 16, 20, 10.0
HELD_OUT = ("validation", "test")
KINDS = ("gan", "structure")
GAN_SHARE = 1 / 3  # of the minutes; the rest is for structure first
STRUCTURE_SIZE = 64
SHOWN = "real", "GAN", "structure first"


def run_demo(folder, *, minutes=3.0, only=None, size=32, precision="auto", seed=0):
    """Train both generators on the clips in `data/`, write samples, scores and models; print a table.

    Args:
        folder: where to write.
        minutes: of training, a third for the GAN; all if it is `only` one.
        only: "gan" or "structure"; None trains both.
        size: height and width of the GAN's clips in pixels: 32, 64 or 128. Structure first is 64x64.
        precision: of the GAN: "auto", "float32", "bfloat16" or "float16".
        seed: of weights, noise and batches.

    Returns:
        The scores, a dict of dicts: of each generator, and of real clips of its size.

    Raises:
        ValueError: the folder cannot be written, holds files of these names that no demo made, or another
            process trains there; or there is no such generator, size or precision.
    """
    kinds = KINDS if only is None else (arguments.one_of("only", only, KINDS),)
    folder = Path(folder)
    _check_own(folder)
    with training.own_folder(folder):  # two demos at once would mix their files
        return _run(folder, kinds, minutes=minutes, size=size, precision=precision, seed=seed)


def _run(folder, kinds, *, minutes, size, precision, seed):
    """Train `kinds`, write and print; returns the scores."""
    _try_to_write(folder)  # fails now, not after training
    tqdm.write(f"reading the clips in {datasets.data_folder() / 'actions'}")
    is_both = len(kinds) == len(KINDS)
    shares = {"gan": GAN_SHARE, "structure": 1 - GAN_SHARE} if is_both else {kinds[0]: 1.0}
    metrics, made = {"made_by": "vgcourse demo", "seed": seed}, {}
    if "gan" in kinds:
        settings = {"size": size, "precision": precision, "seed": seed}
        made["GAN"] = _demo_gan(folder, metrics, minutes=minutes * shares["gan"], **settings)
    if "structure" in kinds:
        made["structure first"] = _demo_structure(
            folder, metrics, minutes=minutes * shares["structure"], seed=seed
        )
    scores = {name: values for name, values in metrics.items() if isinstance(values, dict)}
    print(evaluate.score_table(scores))
    shown = _write_comparison(folder, made, seed=seed) if is_both else generate.SAMPLES
    print(f"\n{', '.join(shown)} are in {folder.resolve()}")
    print("To open the lessons: uv run jupyter lab notebooks")
    return scores


def _demo_gan(folder, metrics, *, minutes, size, precision, seed):
    """Train, score and save the video GAN; returns its generator and adds to `metrics`."""
    clips, real = _clips(size, STORED_FRAMES, NUM_FRAMES)
    precision = training.pick_precision(size) if precision == "auto" else precision
    gan = make_gan(size, clips.action_names, precision=precision, seed=seed)
    metrics["untrained GAN"] = evaluate.score_generator(gan.ema_generator, real, seed=seed)
    steps = training.steps_for(gan, clips, minutes)
    tqdm.write(f"the GAN: training for {steps} steps in {precision}")
    history = training.train(gan, clips, steps=steps)
    metrics |= {"size": size, "steps": steps, "precision": precision}
    _write_metrics(folder, metrics)  # first: it says that all the rest is a demo's
    training.save_generator(gan, folder)
    training.write_history(folder, history)
    generate.write_samples(gan.ema_generator, folder, seed=seed)
    metrics["GAN"] = evaluate.score_generator(gan.ema_generator, real, seed=seed)
    metrics[f"real, {size}x{size}"] = _score_real(clips, real)
    _write_metrics(folder, metrics)
    return gan.ema_generator


def _demo_structure(folder, metrics, *, minutes, seed):
    """Train, score and save the two stages; returns their generator and adds to `metrics`."""
    clips, real = _clips(STRUCTURE_SIZE, STORED_FRAMES, STORED_FRAMES)
    stages = training.train_stages(clips, minutes=minutes, seed=seed)
    generator = generate.TwoStageGenerator(*stages)
    _write_metrics(folder, metrics)
    with new_file(folder / "two_stage.keras") as part:
        generator.save(part)
    if "GAN" not in metrics:
        generate.write_samples(generator, folder, seed=seed)
    metrics["structure first"] = evaluate.score_generator(generator, real, seed=seed)
    metrics[f"real, {STRUCTURE_SIZE}x{STRUCTURE_SIZE}"] = _score_real(clips, real)
    _write_metrics(folder, metrics)
    return generator


def _clips(size, stored_frames, num_frames):
    """Clips to train on, and held-out ones of people who are in none of them."""
    clips = datasets.load_actions("train", size=size, num_frames=stored_frames, fps=FPS)
    held_out = [datasets.load_actions(split, size=size, num_frames=num_frames) for split in HELD_OUT]
    return clips, datasets.concatenate(held_out)


def _write_comparison(folder, made, *, seed):
    """Write three moving rows: real clips, the GAN's, structure first's; returns the names of the files."""
    real = datasets.load_actions("test", size=STRUCTURE_SIZE, num_frames=STORED_FRAMES)
    person = real.select(real.actors == real.actors[0])
    names = [person.action_names[action] for action in person.actions]
    rows = [person.clips]
    for generator in made.values():
        clips = generate.sample(generator, num_clips=len(names), actions=names, seed=seed)
        rows.append(clips if generator.makes_loops else generate.loop_together(clips))
    enlarged = [
        row if row.shape[2] == STRUCTURE_SIZE else np.stack([_fit(clip) for clip in row]) for row in rows
    ]
    labels = [f"{kind}: {action}" for kind in SHOWN for action in names]
    grid = show.label_grid(np.concatenate(enlarged), labels, columns=len(names))
    moving, still = MOVING[-2:]
    video.write_video(folder / moving, grid, fps=FPS, comment=generate.COMMENT)
    video.write_video(folder / still, grid[:1], fps=1, comment=generate.COMMENT)
    return moving, still


def _fit(clip):
    """A clip at the size of structure first's: small ones keep their pixels, larger ones are scaled down."""
    factor = STRUCTURE_SIZE // clip.shape[1]
    if factor:
        return clip.repeat(factor, axis=1).repeat(factor, axis=2)
    return preprocess.resize(clip, STRUCTURE_SIZE, STRUCTURE_SIZE)


def _check_own(folder):
    """Refuse a folder with files that would be written over and are not an earlier demo's."""
    found = [name for name in (*WRITTEN, *MOVING) if (folder / name).exists()]
    try:
        metrics = json.loads((folder / WRITTEN[0]).read_text(encoding="utf-8"))
        is_ours = isinstance(metrics, dict) and (
            "made_by" in metrics or {"size", "steps", "precision", "untrained"} <= metrics.keys()
        )
    except (OSError, ValueError, RecursionError):
        is_ours = False
    if found and not is_ours:
        raise ValueError(
            f"{folder}: holds {', '.join(found)}, not of an earlier demo, which would be written over; "
            "choose another folder with --out"
        )
    generate.check_replaceable(folder / name for name in MOVING)


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
    first = some.clips[:, : real.clip_shape[0]]
    names = clips.action_names
    return evaluate.score_clips(
        first, some.actions, real.clips, action_names=names, fps=clips.fps, people=(real.actors, some.actors)
    )
