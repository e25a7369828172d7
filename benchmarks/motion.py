"""The motion GAN and the flow at equal time: how good are the motions of joints that they make?

    python benchmarks/motion.py                     # three seeds each, 30 s of two cores each
    python benchmarks/motion.py --seeds 0 --seconds 60 --people 600 --out data/checkpoints   # those that ship

Both learn from the same batches: motions of the training actors of `data/actions/`, sampled evenly at 10
frames a second (the videos' own frames are not quite even), and of actors 2000, 2001, ... if `--people` asks
for more. 200 made motions, 20 an action, are scored against those of 100 actors never trained on, at 64x64;
the motions of 20 further actors stand beside them. Time is the processor's, in seconds that two busy cores
would take: other work on the machine does not count.
"""

import argparse
import time
from pathlib import Path

import keras
import numpy as np

from vgcourse import people, structure, training
from vgcourse.evaluate import motions

SIZE, NUM_FRAMES, FPS = 64, 20, 10.0
PER_ACTION = 20
FIRST_MORE = 2000  # further training people
TEST_PEOPLE, OTHER_PEOPLE = range(1000, 1100), range(1100, 1120)
SCORES = ("nearest", "spread", "spread_in_time", "backwards", "frechet_distance")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=30.0, help="of two cores, for each model")
    parser.add_argument("--people", type=int, default=64, help="training people")
    parser.add_argument("--models", nargs="+", choices=("gan", "flow"), default=["gan", "flow"])
    parser.add_argument("--out", type=Path, help="folder for motion_gan.keras and motion_flow.keras")
    arguments = parser.parse_args()
    joints, actions = motions_of(training_people(arguments.people))
    components = structure.MotionComponents(NUM_FRAMES, len(people.JOINT_NAMES))
    components.fit(joints, size=SIZE)
    test = motions_of(TEST_PEOPLE)
    there_and_back = components.decode(components.encode(test[0], size=SIZE), size=SIZE)
    lost = np.sqrt(np.mean((np.asarray(there_and_back) - test[0]) ** 2))
    print(f"{components.num_components} components lose {lost:.2f} pixels of motions never seen")
    print(" " * 24 + "".join(f"{name:>17}" for name in SCORES) + "  ms a motion")
    print_scores("real, other people", *motions_of(OTHER_PEOPLE), test, components)
    coefficients = components.encode_all_starts(joints, size=SIZE)
    for kind in arguments.models:
        for seed in arguments.seeds:
            trainer = make_trainer(kind, components, seed=seed)
            batches = structure.iter_motion_batches(coefficients, actions, seed=seed)
            steps = train_for(trainer, batches, seconds=arguments.seconds)
            model = trainer.ema_generator if kind == "gan" else trainer.ema_flow
            score_model(f"{kind} {seed}, {steps} steps", model, test)
            if arguments.out:
                structure.save_rounded(model, arguments.out / f"motion_{kind}.keras")


def training_people(number):
    """The training actors of `data/actions/`, and as many more as are asked for; no test person."""
    own = [actor for actor in range(80) if people.actor_split(actor) == "train"]
    return [*own, *range(FIRST_MORE, FIRST_MORE + number)][:number]


def motions_of(actors):
    """Joints and actions of people in all actions, one motion each."""
    settings = {"size": SIZE, "num_frames": NUM_FRAMES, "fps": FPS}
    joints = [people.action_joints(name, actor, **settings) for name in people.ACTIONS for actor in actors]
    return np.stack(joints), np.repeat(np.arange(len(people.ACTIONS)), len(actors))


def make_trainer(kind, components, *, seed):
    """A compiled `MotionGAN` or `FlowMatching`, before its first step."""
    keras.utils.set_random_seed(seed)
    make = structure.make_motion_gan if kind == "gan" else structure.make_flow_matching
    return make(people.ACTIONS, components, fps=FPS, seed=seed)


def train_for(trainer, batches, *, seconds):
    """Train for so many seconds of two cores; returns the number of steps."""
    trainer.step_function(next(batches))  # compiles
    started, steps = time.process_time(), 1
    while (time.process_time() - started) / 2 < seconds:
        steps += 100
        for _ in training.iter_training(trainer, batches, steps=steps, show_progress=False):
            pass
    return steps


def score_model(name, model, test):
    """Make motions and print their scores."""
    actions = np.repeat(np.arange(len(people.ACTIONS)), PER_ACTION)
    noise = np.random.default_rng(0).standard_normal((len(actions), model.num_components), np.float32)
    model.make_joints(noise, actions, size=SIZE)
    started = time.process_time()
    joints = np.asarray(model.make_joints(noise, actions, size=SIZE))
    milliseconds = (time.process_time() - started) / 2 / len(actions) * 1000
    print_scores(name, joints, actions, test, model.components, f"{milliseconds:13.2f}")


def print_scores(name, joints, actions, test, components, note=""):
    """One line of the table."""
    scores = motions.score_motions(joints, actions, *test, components=components)
    print(f"{name:24}" + "".join(f"{scores[key]:17.3f}" for key in SCORES) + note, flush=True)


if __name__ == "__main__":
    main()
