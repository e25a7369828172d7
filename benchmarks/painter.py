"""How well the painter paints people it has never seen, from one frame of each; the lesson's recipe.

    python benchmarks/painter.py --seconds 60 240 --out runs/painter
    python benchmarks/painter.py --steps 600 --gan-weight 0 --out runs/l1

It learns from the training clips of `data/actions/` and from poses at random of the same people. Seconds are
of two cores: half of the processor time, since other programs may run. Each test person (20 of those that no
training uses) is painted from the first frame of *wave1* in the ten actions and in poses that no action has;
the error is the mean absolute difference from what the renderer draws, in grey levels of [0, 255]. Also
prints the parts of the error: the figure, the floor, the wall. `--of FILE` scores a saved painter.
"""

import argparse
import time
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from vgcourse import datasets, people, structure, training

FIRST_ACTOR = 10_000  # as in `scores.py`: the data set has actors 0 to 79
REFERENCE = people.ACTIONS.index("wave1")
HORIZON = 0.735  # of the height: the floor is below it


def render_person(job):
    """Frames and joints of one person: (actor, size, frames an action, frames a second, poses at random)."""
    actor, size, num_frames, fps, num_poses = job
    settings = {"size": size, "num_frames": num_frames, "fps": fps}
    frames = [people.render_action(action, actor, **settings) for action in people.ACTIONS]
    joints = [people.action_joints(action, actor, **settings) for action in people.ACTIONS]
    posed = people.render_random_poses(actor, num_poses=num_poses, size=size, seed=0)
    return np.concatenate([*frames, posed[0]]), np.concatenate([*joints, posed[1]])


def unseen_people(num_people, *, size, num_frames=10, num_poses=20):
    """`PeopleFrames` of people whom no training uses: ten actions, then poses at random."""
    actors = range(FIRST_ACTOR, FIRST_ACTOR + num_people)
    made = [render_person((actor, size, num_frames, num_frames / 2, num_poses)) for actor in actors]
    return structure.PeopleFrames(*(np.stack(part) for part in zip(*made, strict=True)), np.array(actors))


def paint_people(painter, unseen, *, num_poses=20):
    """All frames of all people, each painted from the first frame of wave1."""
    reference = REFERENCE * (unseen.frames.shape[1] - num_poses) // len(people.ACTIONS)
    known = slice(reference, reference + 1)
    pairs = zip(unseen.frames, unseen.joints, strict=True)
    return np.stack([structure.paint_frames(painter, j, f[known], j[known]) for f, j in pairs])


def score_painter(painter, unseen, *, num_poses=20):
    """Mean absolute errors in grey levels: actions, poses that no action has, and their parts."""
    painted = paint_people(painter, unseen, num_poses=num_poses)
    error = np.abs(painted.astype(float) - unseen.frames).mean(-1)
    size = error.shape[-1]
    figure = structure.limb_maps(unseen.joints, size=size).max(-1) > 0
    below = (np.arange(size) > HORIZON * size)[:, None]
    parts = {"figure": figure, "floor": ~figure & below, "wall": ~figure & ~below}
    scores = {"actions": error[:, :-num_poses].mean(), "novel": error[:, -num_poses:].mean()}
    for name, part in parts.items():
        scores[f"{name}'s share"] = (error * part)[:, :-num_poses].mean()
    return {name: round(float(score), 2) for name, score in scores.items()}


def paint_sheet(painter, unseen, path, *, num_poses=20, num_people=4, width=1536):
    """Truth above, painted below; the first column is all that the painter is given of the person."""
    painted, rows = paint_people(painter, unseen, num_poses=num_poses), []
    per_action = (unseen.frames.shape[1] - num_poses) // len(people.ACTIONS)
    for person in range(num_people):
        places = [(5 * person + k) % 10 * per_action + 3 * k + 1 for k in range(0, 5)]
        places += [unseen.frames.shape[1] - 1 - k for k in range(4)]
        given = unseen.frames[person, REFERENCE * per_action]
        for frames in (unseen.frames, painted):
            rows.append(np.concatenate([given, *frames[person, places]], axis=1))
    sheet = Image.fromarray(np.concatenate(rows))
    factor = max(round(width / sheet.width), 1)
    sheet.resize((sheet.width * factor, sheet.height * factor), Image.Resampling.NEAREST).save(path)


def training_people(size):
    """What a student trains on: the shipped clips, and poses at random of the same people."""
    clips = datasets.load_actions("train", size=size, num_frames=20)
    return structure.add_random_poses(structure.frames_by_person(clips))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seconds", type=float, nargs="*", default=[], help="of two cores; one training each"
    )
    parser.add_argument("--steps", type=int, nargs="*", default=[], help="one training each")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gan-weight", type=float, default=0.02)
    parser.add_argument("--l1-weight", type=float, default=1.0)
    parser.add_argument("--references", type=int, default=1)
    parser.add_argument("--no-pooled-colours", action="store_true")
    parser.add_argument("--no-mask-prior", action="store_true")
    parser.add_argument("--of", type=Path, help="score this painter instead of training one")
    parser.add_argument("--out", type=Path, default=Path("runs/painter_quality"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.of:
        painter = keras.models.load_model(options.of)
        unseen = unseen_people(20, size=painter.size)
        print(options.of, score_painter(painter, unseen), time_painting(painter, unseen), flush=True)
        paint_sheet(painter, unseen, options.out / f"sheet-{painter.size}.png")
        return
    unseen, known = unseen_people(20, size=options.size), training_people(options.size)
    lengths = [*options.steps, *(steps_in(seconds, known, options) for seconds in options.seconds)]
    for steps in lengths:
        gan, seconds = train(known, options, steps)
        print(f"{steps} steps, {seconds:.0f} s of two cores:", score_painter(gan.painter, unseen), flush=True)
        print(time_painting(gan.painter, unseen), flush=True)
        paint_sheet(gan.painter, unseen, options.out / f"sheet-{options.size}-{steps}.png")
        structure.save_rounded(gan.painter, options.out / f"painter-{options.size}-{steps}.keras")


def make(options, steps):
    """The painter of the given options, untrained."""
    painter = {"pools_colours": not options.no_pooled_colours, "starts_from_limbs": not options.no_mask_prior}
    weights = {"gan_weight": options.gan_weight, "l1_weight": options.l1_weight}
    return structure.make_painter_gan(
        options.size, steps=steps, seed=options.seed, painter_options=painter, **weights
    )


def train(known, options, steps):
    """A trained `PainterGAN`, and the seconds of two cores that its training took."""
    gan, start = make(options, steps), time.process_time()
    training.train_painter(gan, known, steps=steps, num_references=options.references)
    return gan, (time.process_time() - start) / 2


def steps_in(seconds, known, options, *, probe=20):
    """How many steps `seconds` of two cores are, compiling included."""
    gan = make(options, 1000)
    start = time.process_time()
    training.train_painter(gan, known, steps=5, num_references=options.references)
    middle = time.process_time()
    training.train_painter(gan, known, steps=5 + probe, num_references=options.references)
    a_step = (time.process_time() - middle) / 2 / probe
    compiling = (middle - start) / 2 - 5 * a_step
    return max(round((seconds - compiling) / a_step / 10) * 10, 10)


def time_painting(painter, unseen, *, num_frames=16, turns=5):
    """Seconds of two cores that painting 16 frames takes, once compiled."""
    joints, known = unseen.joints[0, :num_frames], unseen.joints[0, :1]
    frames = unseen.frames[0, :1]
    structure.paint_frames(painter, joints, frames, known)
    start = time.process_time()
    for _ in range(turns):
        structure.paint_frames(painter, joints, frames, known)
    return {"ms for 16 frames": round((time.process_time() - start) / 2 / turns * 1000)}


if __name__ == "__main__":
    main()
