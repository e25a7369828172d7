"""The levers of quality, each moved alone: data, architecture, and the game between the two networks.

    python benchmarks/levers.py                               # whatever is not in the results yet
    python benchmarks/levers.py --lever augmentation --seed 0
    python benchmarks/levers.py --costs                       # what a step of each lever costs
    python benchmarks/levers.py --summary

Trains the course's video GAN at 32x32 on the training split of `data/actions/`, with one thing changed, and
scores 1,000 clips of it as `benchmarks/scores.py` says. Training is counted in steps, so the figures do not
depend on how busy the machine is. `--steps` is the number for the baseline; a lever whose steps cost more
gets fewer, so that all are trained for the same time (`COSTS`, measured by `--costs`), but for the lever that
is more time itself (`LONGER`). By default it is what three minutes give on two free cores in float32.

Each run is a row of `data/levers.csv`, which lesson 08 draws, with its command; a row that lacks a score is
measured again and replaced. Stopped at any moment, the same command goes on from the last checkpoint in the
cache folder. Clips that the data levers add are
rendered once and kept there too. After a change to the recipe, delete the old rows.

The baseline is the recipe with `random_stride`, which the course had until the lever "frames 0, 1, 4, 9" was
measured; that lever is the recipe as it is now.
"""

import argparse
import csv
import shlex
import shutil
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import scores
import tensorflow as tf
from keras import layers

from vgcourse import datasets, gan, generate, training, video
from vgcourse.files import new_file
from vgcourse.gan import losses
from vgcourse.people import ACTIONS

RESULTS = datasets.data_folder() / "levers.csv"
SIZE, NUM_FRAMES, STORED_FRAMES, FPS = 32, 16, 20, 10.0
BATCH_SIZE, STEPS = 8, 3240
SAMPLE_SEED = 1234  # the same people and noise for every run
TAKES = 4  # "more clips": how often every person does every action
NEW_PEOPLE = 1000  # first id of the people of "more people"; scores are taken with ids from 10,000
MATCHER_SEED, MATCHER_STEPS, MATCHING_WEIGHT = 77, 600, 0.1
SHIFT, HOLE = 1 / 8, 1 / 2  # of the frame's size: DiffAugment's translation and cutout
SCORES = (
    "motion_control_score",
    "motion_control_score_second",
    "frechet_distance",
    "frechet_distance_second",
    "limbs_found",
)
RUN = ("lever", "seed", "steps", "batch_size", "precision")  # what tells one run from another
COLUMNS = (*RUN, "clips", "people", *SCORES, "command")


# ---- data: more of it, less of it, more people -----------------------------------------------------------


def training_clips():
    """The training split: 64 people, each doing ten actions once."""
    return datasets.load_actions("train", size=SIZE, num_frames=STORED_FRAMES, fps=FPS)


def quarter_of_the_clips():
    """16 of the 64 people: a quarter of the size, and of the diversity."""
    clips = training_clips()
    return clips.select(np.isin(clips.actors, np.unique(clips.actors)[::4]))


def more_clips():
    """The same 64 people, each doing every action four times: four times the size, the same diversity."""
    clips = training_clips()
    people = np.unique(clips.actors).tolist()
    jobs = dict.fromkeys(ACTIONS, people)
    return datasets.concatenate([clips, *(rendered(f"take-{k}", jobs, seed=k) for k in range(1, TAKES))])


def more_people():
    """As many clips, each of another person: the same size, ten times the diversity."""
    first = range(NEW_PEOPLE, NEW_PEOPLE + 64 * len(ACTIONS), 64)
    return rendered(
        "people", {a: list(range(p, p + 64)) for a, p in zip(ACTIONS, first, strict=True)}, seed=0
    )


def rendered(name, jobs, *, seed):
    """Clips made by the renderer and the encoder of the data set, kept in the cache folder.

    Args:
        name: of the set.
        jobs: action -> ids of the people who do it.
        seed: of how they move.

    Returns:
        `datasets.Clips` as `training_clips` gives them.
    """
    folder = scores.cache_folder() / f"levers-{name}-{scores.renderer_version()}"
    for action, people in jobs.items():
        people.render_actions(folder, actions=[action], actors=people, seed=seed)
    pairs = [(action, actor) for action, people in jobs.items() for actor in people]
    settings = {"size": SIZE, "num_frames": STORED_FRAMES, "fps": FPS}
    with ThreadPoolExecutor(2) as pool:
        paths = (folder / people.clip_name(*pair) for pair in pairs)
        clips = np.stack(list(pool.map(lambda path: video.read_clip(path, **settings), paths)))
    actions = np.array([ACTIONS.index(action) for action, _ in pairs])
    files = tuple(people.clip_name(*pair) for pair in pairs)
    return datasets.Clips(clips, actions, np.array([actor for _, actor in pairs]), ACTIONS, FPS, files)


# ---- architecture ----------------------------------------------------------------------------------------


def make(clips, options, seed, recipe=None):
    """The course's recipe, untouched, or another one."""
    settings = {"num_frames": NUM_FRAMES, "fps": FPS, "precision": options.precision, "recipe": recipe}
    return gan.make_gan(SIZE, clips.action_names, seed=seed, **settings)


def make_wide(clips, options, seed):
    """Twice the channels in both networks."""
    g_channels, d_channels, r1_gamma = gan.RECIPES[SIZE]
    return make(clips, options, seed, recipe=gan.Recipe(2 * g_channels, 2 * d_channels, r1_gamma))


# ---- the game --------------------------------------------------------------------------------------------


def random_stride(seed, num_frames, num_seen):
    """The baseline's `draw_times`: evenly spaced frames, at a stride that the discriminator is not told."""
    seeds = tf.random.split(seed, 2)
    stride = tf.random.stateless_uniform((), seeds[0], 1, num_frames // num_seen + 1, tf.int32)
    last = num_frames - (num_seen - 1) * stride
    start = tf.random.stateless_uniform((), seeds[1], 0, last, tf.int32)
    return start + stride * tf.range(num_seen)


def make_without_r1(clips, options, seed):
    """No R1 penalty."""
    model = make(clips, options, seed)
    model.r1_gamma, model.r1_every = 0.0, 2**40
    return model


@keras.saving.register_keras_serializable("vgcourse.levers")
class ClipAugmentation(layers.Layer):
    """DiffAugment for clips: shift by up to an eighth, cut out a square; the same for all frames of a clip.

    The paper's colour changes are left out: here colour is content, and what the discriminator no longer
    sees the generator gets wrong.

    Source: Zhao et al. 2020, https://arxiv.org/abs/2006.10738
    """

    def __init__(self, *, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.random = keras.random.SeedGenerator(seed)

    def call(self, clips):
        batch, size = tf.shape(clips)[0], clips.shape[2]
        most = int(SHIFT * size)
        shift = keras.random.randint((batch, 2), -most, most + 1, seed=self.random)
        centre = keras.random.randint((batch, 2), 0, size + 1, seed=self.random)
        padded = tf.pad(clips, [[0, 0], [0, 0], [most, most], [most, most], [0, 0]])
        places = tf.range(size)[None, :, None] + most + shift[:, None, :]  # (batch, size, 2)
        rows = tf.gather(padded, places[..., 0], axis=2, batch_dims=1)  # batch first, so one shift a clip
        moved = tf.gather(rows, places[..., 1], axis=3, batch_dims=1)
        inside = tf.abs(tf.range(size)[None, :, None] - centre[:, None, :]) <= int(HOLE * size) // 2
        hole = inside[:, :, None, 0] & inside[:, None, :, 1]
        return moved * tf.cast(~hole, moved.dtype)[:, None, :, :, None]


def make_augmented(clips, options, seed):
    """The discriminator sees real and generated clips only through the augmentation."""
    model = make(clips, options, seed)
    model.discriminator = augmented(model.discriminator, seed=seed)
    return model


def augmented(discriminator, *, seed):
    """A discriminator that looks through `ClipAugmentation`; its weights are the given one's."""
    frames, actions = (layers.Input(x.shape[1:], dtype=x.dtype) for x in discriminator.inputs)
    seen = ClipAugmentation(seed=seed, dtype="float32")(frames)
    return keras.Model([frames, actions], discriminator([seen, actions]), name="augmented_discriminator")


def train_matcher(clips, seed):
    """A CNN that names the action in the frames a discriminator sees; its last hidden layer gives features.

    It is no judge: the classifiers that take the scores are others, trained apart.

    Args:
        clips: training clips.
        seed: of weights, order and times.

    Returns:
        A frozen `keras.Model`, frames `(batch, 4, size, size, 3)` in [-1, 1] -> features `(batch, 64)`.
    """
    keras.utils.set_random_seed(seed)
    frames = layers.Input((4, SIZE, SIZE, 3))
    x = layers.Reshape((SIZE, SIZE, 12))(layers.Permute((2, 3, 1, 4))(frames))
    for channels in (32, 64, 64):
        x = layers.Conv2D(channels, 3, 2, "same", activation="relu")(x)
    features = layers.LayerNormalization()(layers.Dense(64)(layers.Flatten()(x)))
    network = keras.Model(frames, layers.Dense(len(clips.action_names))(features))
    network.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    batches = datasets.make_dataset(clips, batch_size=32, seed=seed, num_frames=NUM_FRAMES)
    for step, (batch, actions) in enumerate(batches.take(MATCHER_STEPS)):
        times = gan.draw_times(tf.constant([seed, step], tf.int64), NUM_FRAMES, 4)
        network.train_on_batch(tf.gather(batch, times, axis=1), actions)
    matcher = keras.Model(frames, features)
    matcher.trainable = False
    return matcher


class MatchingGAN(gan.VideoGAN):
    """The video GAN whose generator also matches the mean features of a frozen CNN."""

    def generator_step(self, actions, clips=None):
        seeds = self.seeds(1)
        times = gan.draw_times(seeds[0], self.generator.num_frames, self.num_seen)
        wanted = self.matcher(tf.gather(clips, times, axis=1))
        variables = self.generator.trainable_variables
        with tf.GradientTape() as tape:
            fake = self.fake_frames(actions, times, seeds[1])
            g_loss = self.generator_loss(None, self.discriminator([fake, actions], training=True))
            g_loss += MATCHING_WEIGHT * losses.feature_matching_loss(wanted, self.matcher(fake))
        self.g_optimizer.apply(tape.gradient(g_loss, variables), variables)
        self.update_average()
        return {"g_loss": g_loss}


def make_matching(clips, options, seed):
    """Feature matching: the article's "train the GAN on extracted features" (Salimans et al. 2016)."""
    matcher = train_matcher(clips, MATCHER_SEED + seed)
    plain = make(clips, options, seed)
    names = ("seed", "r1_gamma", "r1_every", "ema_decay")
    settings = {name: getattr(plain, name) for name in names}
    model = MatchingGAN(plain.generator, plain.discriminator, **settings)
    model.compile(plain.g_optimizer, plain.d_optimizer)
    object.__setattr__(model, "matcher", matcher)  # not tracked: it is no part of what is trained and saved
    return model


# ---- one run ---------------------------------------------------------------------------------------------

SQUARES, AVERAGE = "frames 0, 1, 4, 9", "no averaging"
LONGER = {"4x as long": 4}  # lever -> how many times the baseline's steps
# lever: (clips, model, batch size). "no averaging" is no run of its own: the baseline's live generator.
LEVERS = {
    "baseline": (training_clips, make, BATCH_SIZE),
    "a quarter of the clips": (quarter_of_the_clips, make, BATCH_SIZE),
    "4x the clips": (more_clips, make, BATCH_SIZE),
    "10x the people": (more_people, make, BATCH_SIZE),
    "2x the width": (training_clips, make_wide, BATCH_SIZE),
    "no R1": (training_clips, make_without_r1, BATCH_SIZE),
    "feature matching": (training_clips, make_matching, BATCH_SIZE),
    "augmentation": (training_clips, make_augmented, BATCH_SIZE),
    "a quarter, augmented": (quarter_of_the_clips, make_augmented, BATCH_SIZE),
    "4x as long": (training_clips, make, BATCH_SIZE),
    "2x the batch": (training_clips, make, 2 * BATCH_SIZE),
    SQUARES: (training_clips, make, BATCH_SIZE),
}
# Time of a step over the baseline's, in float32; what is not here costs about the same.
COSTS = {"2x the width": 2.45, "feature matching": 1.08, "augmentation": 1.14, "2x the batch": 1.88}
COSTS["a quarter, augmented"] = COSTS["augmentation"]


def run(lever, seed, options):
    """Train and score one lever with one seed; the baseline gives a row for "no averaging" too."""
    load, build, batch_size = LEVERS[lever]
    clips, steps = load(), steps_for(lever, options.steps)
    name = f"{lever.replace(', ', '-').replace(' ', '-')}-{options.precision}-{steps}-{seed}"
    folder = scores.cache_folder() / "levers" / name
    times = gan.draw_times if lever == SQUARES else random_stride
    with mock.patch.object(gan, "draw_times", times):
        model = build(clips, options, seed)
        if training.list_checkpoints(folder):
            print("goes on from step", training.restore_checkpoint(model, folder))
        training.train_in_folder(model, clips, folder, steps=steps, batch_size=batch_size)
    setting = {"seed": seed, "steps": steps, "batch_size": batch_size, "precision": options.precision}
    setting |= {"clips": len(clips), "people": len(np.unique(clips.actors))}
    command = ["--lever", lever, "--seed", seed, "--steps", options.steps, "--precision", options.precision]
    if options.clips != scores.PER_ACTION:
        command += ["--clips", options.clips]
    setting["command"] = shlex.join(["python", "benchmarks/levers.py", *map(str, command)])
    scored = {lever: model.ema_generator} | ({AVERAGE: model.generator} if lever == "baseline" else {})
    for name, generator in scored.items():
        row = {"lever": name, **setting, **measure(generator, options.clips)}
        keep(options.results, row)
        print(f"{name}, seed {seed}: " + ", ".join(f"{key} {row[key]:.3g}" for key in SCORES), flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    keras.backend.clear_session()


def steps_for(lever, baseline_steps):
    """Steps that take as long as `baseline_steps` of the baseline, or a multiple of it; an int."""
    return round(LONGER.get(lever, 1) * baseline_steps / COSTS.get(lever, 1.0))


def measure(generator, per_action):
    """The scores of `SCORES`, of clips of every action in turn; a dict."""
    num_clips = per_action * len(generator.action_names)
    clips = generate.sample(generator, num_clips=num_clips, seed=SAMPLE_SEED)
    actions = np.arange(num_clips) % len(generator.action_names)
    found = scores.score(clips, actions, size=SIZE, num_per_action=per_action)
    return {name: found[name] for name in SCORES}


def costs(options, *, rounds=5):
    """Print the time of a step of every lever over the baseline's: the median of rounds taken in turn."""
    models = {}
    for lever, (load, build, batch_size) in LEVERS.items():
        if load is training_clips:
            clips = load()
            model = build(clips, options, 0)
            models[lever] = model, iter(training.batches_for(model, clips, batch_size=batch_size))
            float(model.step_function(next(models[lever][1]))["d_loss"])  # builds the graph
    seconds = {lever: [] for lever in models}
    for _ in range(rounds):
        for lever, (model, batches) in models.items():
            start = time.perf_counter()
            for _ in range(16):  # twice around the lazy R1 penalty
                float(model.step_function(next(batches))["d_loss"])
            seconds[lever].append((time.perf_counter() - start) / 16)
    for lever, values in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(values, seconds["baseline"], strict=True))
        print(f"{lever:24} {1000 * statistics.median(values):6.1f} ms a step, cost {ratio:.2f}")


# ---- results ---------------------------------------------------------------------------------------------


def read(path):
    """The rows of the results, dicts of texts; none if there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def keep(path, row):
    """Put one row into the results, in the place of the same run's row if there is one."""
    row = {name: f"{value:.6g}" if isinstance(value, float) else str(value) for name, value in row.items()}
    rows = read(path)
    same = (place for place, old in enumerate(rows) if all(old[name] == row[name] for name in RUN))
    place = next(same, len(rows))
    rows[place : place + 1] = [row]
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def is_done(lever, seed, options):
    """Whether the results hold all scores of this run, and for the baseline of its live generator too."""
    wanted = {
        "seed": str(seed),
        "steps": str(steps_for(lever, options.steps)),
        "precision": options.precision,
    }
    rows = [row for row in read(options.results) if all(row.get(name) for name in SCORES)]
    found = {row["lever"] for row in rows if all(row[name] == value for name, value in wanted.items())}
    return {lever, *([AVERAGE] if lever == "baseline" else [])} <= found


def summary(path):
    """Medians over seeds as a Markdown table; returns its text."""
    groups = {}
    for row in read(path):
        groups.setdefault((row["lever"], row["precision"], int(row["steps"])), []).append(row)
    lines = [
        "| lever | precision | steps | motion control score | Frechet distance | seeds |",
        "|---|---|---|---|---|---|",
    ]
    for (lever, precision, steps), rows in groups.items():
        control, distance = (
            statistics.median(float(row[name]) for row in rows)
            for name in ("motion_control_score", "frechet_distance")
        )
        lines.append(f"| {lever} | {precision} | {steps} | {control:.2f} | {distance:.3g} | {len(rows)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lever", choices=LEVERS, help="one lever; by default all, seed by seed")
    parser.add_argument("--seed", type=int, help="one seed; by default 0, 1 and 2")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps of the baseline")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--clips", type=int, default=scores.PER_ACTION, help="scored clips of each action")
    parser.add_argument("--results", type=Path, default=RESULTS, help="CSV file to append to")
    parser.add_argument("--costs", action="store_true", help="time a step of each lever and stop")
    parser.add_argument("--summary", action="store_true", help="print the medians over seeds and stop")
    options = parser.parse_args()
    if options.costs or options.summary:
        costs(options) if options.costs else print(summary(options.results))
        sys.exit()
    for seed in (0, 1, 2) if options.seed is None else (options.seed,):
        for lever in LEVERS if options.lever is None else (options.lever,):
            if not is_done(lever, seed, options):
                run(lever, seed, options)


if __name__ == "__main__":
    main()
