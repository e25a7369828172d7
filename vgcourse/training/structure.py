"""Train, structure first: the painter's plain training, and a run of it in a folder, killed and resumed.

A run folder holds what `training.run` says, and `painted.png`, unseen people at the latest sample, and at the
end `painter.keras` and `motion.keras`. Frames and joints as in `structure.PeopleFrames`. Batches depend on
(seed, step) alone: a resumed training ends bit for bit where an unbroken one does.
"""

import itertools
import shlex
from pathlib import Path

import numpy as np

from vgcourse import arguments, datasets, show, structure, video
from vgcourse.structure import painter_batches
from vgcourse.training.checkpoints import list_checkpoints, restore_checkpoint
from vgcourse.training.lock import own_folder
from vgcourse.training.loop import current_step, is_sample_due, iter_training, train_on
from vgcourse.training.run import (
    check_kind,
    check_no_run,
    keep_run,
    read_config,
    read_history,
    write_config,
    write_first_config,
)
from vgcourse.training.timing import steps_for

PEOPLE_A_STEP = 4
NUM_FRAMES, FPS = 20, 10.0  # of the clips: two seconds, after which all actions repeat
MOTION_STEPS, MOTION_MINUTES = 2400, 0.5  # of the motion GAN, and about how long they take
NUM_POSES = 20  # frames of each person in poses that no action has
COMMENT = "painted by vgcourse; these people do not exist"


def train_painter(gan, people_frames, *, steps, history=None, on_sample=None, **options):
    """Train a painter up to step `steps`, from wherever it stands; a notebook's Stop as in `training.train`.

    Args:
        gan: a compiled `structure.PainterGAN`.
        people_frames: `structure.PeopleFrames` of the painter's size.
        steps: the step to reach, counted from the very first one.
        history: a list to go on with, as in `training.train`.
        on_sample: called as `on_sample(gan)` about 20 times in a run, for live pictures.
        **options: of `structure.painter_batches`: `batch_size`, `num_targets`, `num_references`.

    Returns:
        The history: a list of dicts, one every 10 steps, with `step`, `seconds`, `data_wait` and the means of
        `l1` (grey levels of [0, 255]), the losses and logits.

    Raises:
        TrainingDiverged: a loss is not finite.
        ValueError: frames of another size than the painter's.
    """
    batches = _batches(gan, people_frames, options)
    return train_on(gan, batches, steps=steps, history=history, on_sample=on_sample)


def train_painter_in_folder(gan, people_frames, folder, *, steps, **options):
    """`train_painter` that keeps history and checkpoints, see `keep_run`.

    To go on with a run, call `restore_checkpoint(gan, folder)` first.

    Args:
        gan, people_frames, steps: as in `train_painter`.
        folder: run folder.
        **options: as in `train_painter`.

    Returns:
        The history, with what the folder held before.
    """
    with own_folder(folder):
        for _ in keep_run(_rows(gan, people_frames, steps, options), gan, folder, steps=steps):
            pass
        return read_history(folder)


def train_motion(clips, *, steps=MOTION_STEPS, seed=0):
    """Train a motion GAN on the joints of the people in clips of the actions set.

    Args:
        clips: `datasets.Clips` from `load_actions`, two seconds each, so that motions are loops.
        steps: steps of training; those that are preset take half a minute on two cores.
        seed: of weights, noise and batches.

    Returns:
        A `structure.MotionGenerator`, the averaged one.

    Raises:
        TrainingDiverged: a loss is not finite.
        ValueError: clips that are not of the actions set.
    """
    joints, size = datasets.load_action_joints(clips), clips.clip_shape[1]
    components = structure.MotionComponents(*joints.shape[1:3])
    components.fit(joints, size=size)
    coefficients = components.encode_all_starts(joints, size=size)
    gan = structure.make_motion_gan(clips.action_names, components, fps=clips.fps, seed=seed)
    batches = structure.iter_motion_batches(coefficients, clips.actions, seed=seed)
    for _ in iter_training(gan, batches, steps=steps):
        pass
    return gan.ema_generator


def train_stages(clips, *, minutes, seed=0):
    """Train a motion GAN and a painter for so many minutes together, half a minute of it for the motions.

    Args:
        clips: `datasets.Clips` from `load_actions`, two seconds each.
        minutes: of training; under one, half of them are for the motions.
        seed: of weights, noise and batches.

    Returns:
        A `structure.MotionGenerator` and a `structure.Painter`.

    Raises:
        TrainingDiverged: a loss is not finite.
        ValueError: clips that are not of the actions set, or no painter has their size.
    """
    motion_minutes = min(MOTION_MINUTES, minutes / 2)
    motion = train_motion(
        clips, steps=max(10, round(MOTION_STEPS * motion_minutes / MOTION_MINUTES)), seed=seed
    )
    known = structure.add_random_poses(structure.frames_by_person(clips), num_poses=NUM_POSES)
    size = clips.clip_shape[1]
    config = {"size": size, "batch_size": PEOPLE_A_STEP, "seed": seed}
    config["steps"] = _painter_steps(known, config, minutes - motion_minutes)
    gan = _painter_gan(config)
    train_painter(gan, known, steps=config["steps"])
    return motion, gan.painter


def _rows(gan, people_frames, steps, options):
    return iter_training(gan, _batches(gan, people_frames, options), steps=steps)


def _batches(gan, people_frames, options):
    size, received = gan.painter.size, people_frames.frames.shape[2:]
    if received != (size, size, 3):
        raise ValueError(f"people_frames: expected frames {(size, size, 3)}, received {received}")
    return painter_batches(people_frames, seed=gan.seed, first_step=current_step(gan), **options)


# ---- a run -----------------------------------------------------------------------------------------------


def start_structure_run(folder, *, size=64, batch_size=PEOPLE_A_STEP, seed=0):
    """Make a run folder and write down its settings; trains nothing yet.

    Args:
        folder: run folder to make.
        size: height and width of a frame in pixels: 32, 64 or 128.
        batch_size: people a step, each in four frames.
        seed: of weights and batches.

    Returns:
        The settings, a dict.

    Raises:
        ValueError: there is a run in the folder already, or files that are not a run's, another training is
            writing there, or the size is unknown.
    """
    check_no_run(folder)
    settings = {
        "kind": "structure",
        "size": arguments.one_of("size", size, structure.PAINTER_SIZES),
        "num_frames": 16,  # of a clip that the whole generator makes, as of the pixel GAN's
        "fps": FPS,
        "action_names": list(datasets.load_actions("validation", size=32, num_frames=1).action_names),
        "precision": "float32",
        "batch_size": arguments.whole_number("batch_size", batch_size, 1),
        "seed": seed,
    }
    return write_first_config(folder, settings)


def continue_structure_run(folder, *, minutes=5.0, steps=None):
    """Train the run in `folder` up to its number of steps, from its newest checkpoint if there is one.

    Args:
        folder: run folder, see `start_structure_run`.
        minutes: turned into steps once, when the run has no number of steps yet.
        steps: the step to reach; None keeps what the run has.

    Returns:
        Path of the folder, which now holds `painter.keras` and `motion.keras`.

    Raises:
        ValueError: not a folder of such a run, another training is writing there, or the run is past `steps`.
    """
    with own_folder(folder):
        config = read_config(folder)
        check_kind(config, folder, "structure")
        return _train_painter_stage(folder, config, minutes, steps)


def _train_painter_stage(folder, config, minutes, steps):
    known = _people("train", config["size"], poses=NUM_POSES)
    if steps or "steps" not in config:
        config["steps"] = steps or _painter_steps(known, config, minutes)
    gan = _painter_gan(config)
    if list_checkpoints(folder):
        restore_checkpoint(gan, folder)
    if current_step(gan) > config["steps"]:
        raise ValueError(
            f"{folder}: the run is at step {current_step(gan)} already, received --steps {config['steps']}"
        )
    config["command"] = _command(folder, config)
    write_config(folder, config)
    rows = _rows(gan, known, config["steps"], {"batch_size": config["batch_size"]})
    unseen = _people("validation", config["size"])
    for row in keep_run(rows, gan, folder, steps=config["steps"]):
        if is_sample_due(row["step"], config["steps"]):
            write_painted(gan.painter, unseen, Path(folder) / "painted.png")
    structure.save_rounded(gan.painter, Path(folder) / "painter.keras")
    # The second stage takes half a minute: a run that was stopped in it begins it anew, with the same result.
    clips = datasets.load_actions("train", size=config["size"], num_frames=NUM_FRAMES, fps=FPS)
    structure.save_rounded(train_motion(clips, seed=config["seed"]), Path(folder) / "motion.keras")
    return Path(folder)


def _people(split, size, *, poses=0):
    clips = datasets.load_actions(split, size=size, num_frames=NUM_FRAMES, fps=FPS)
    found = structure.frames_by_person(clips)
    return structure.add_random_poses(found, num_poses=poses) if poses else found


def _painter_gan(config):
    # Without a number of steps only its speed is looked at.
    return structure.make_painter_gan(config["size"], steps=config.get("steps", 1), seed=config["seed"])


def _painter_steps(known, config, minutes):
    batches = painter_batches(known, batch_size=config["batch_size"], seed=config["seed"])
    return steps_for(_painter_gan(config), None, minutes, batches=batches)


def _command(folder, config):
    """The command that makes the same run in a new folder: nothing in it is measured any more."""
    words = ["vgcourse", "train-structure", str(folder)]
    for name in ("size", "steps", "batch_size", "seed"):
        words += [f"--{name.replace('_', '-')}", str(config[name])]
    return shlex.join(words)


def write_painted(painter, unseen, path, *, num_people=3, num_frames=10):
    """Write a sheet of people whom the painter does not know: a row of truth, below it a row painted.

    The first column is all that the painter is given of the person.

    Args:
        painter: a `structure.Painter`.
        unseen: `structure.PeopleFrames`.
        path: the PNG file.
        num_people: rows, in pairs.
        num_frames: frames of each, spread over all that there are.

    Raises:
        VideoError: the folder cannot be written.
    """
    places = np.linspace(0, unseen.frames.shape[1] - 1, num_frames).astype(int)
    frames, joints = unseen.frames[:num_people, places], unseen.joints[:num_people, places]
    painted = [
        structure.paint_frames(painter, moving, truth[:1], moving[:1])
        for truth, moving in zip(frames, joints, strict=True)
    ]
    for truth, made in zip(frames, painted, strict=True):
        made[0] = truth[0]
    rows = np.stack(list(itertools.chain(*zip(frames, painted, strict=True))))
    sheet = show.contact_sheet(rows, ["truth", "painted"] * len(frames), every=1)
    video.write_video(path, sheet[None], fps=1, comment=COMMENT)
