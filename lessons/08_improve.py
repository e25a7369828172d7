# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 08 · Three levers
# {badge}
#
# **Data, architecture, or the game between the two networks: which lever makes a video GAN better, and how do
# you know that it was not luck?**
#
# You will
# - read an experiment that moves each lever alone, and tell an effect from luck;
# - build the levers of the game by hand: augmentation, R1, feature matching and averaging;
# - train one more variant yourself, and add your bar to the chart.
#
# About 45 minutes, of which two cores compute for two.

# %% tags=["setup"]
# In Colab this installs the course; elsewhere it does nothing.
from importlib.util import find_spec

if not find_spec("vgcourse"):
    # %pip install --quiet "vgcourse @ git+{repository}@v{version}"
    print("The course is installed.")

# %%
from vgcourse.classroom.start import path_picture, quiet

quiet()

import csv
from math import comb
from statistics import median

import numpy as np
import tensorflow as tf
from IPython.display import display
from matplotlib.figure import Figure

# %%
from vgcourse import datasets, features, gan, generate, preprocess, show, training
from vgcourse.classroom import budget, check, widgets
from vgcourse.evaluate import metrics
from vgcourse.gan import losses, models

# %%
path_picture("train")

# %%
SIZE = 32  # height and width of a frame in pixels
NUM_FRAMES = 16  # frames of a clip, at 10 a second
BATCH_SIZE = 8  # the recipe's; yours to change
R1_GAMMA = 0.5  # weight of the R1 penalty; the recipe's is 1.0
STEPS = budget.steps(1100)  # about a minute on two cores
PRECISION = "float32"
SEED = 0

# %% [markdown]
# ## 1. Each lever alone
# *FAQ 3 of the article: how can the quality be improved?* It names three levers: **data** (more of it, and
# more varied), **architecture** (larger networks, better algorithms), and the **game** of generator and
# discriminator (stability and speed). To learn what a lever does, move it alone and leave the rest.
# `benchmarks/levers.py` did so: one baseline, and runs that differ from it in one thing each. It wrote every
# run as a row of a table. Look at the table first.
#
# The baseline is the course's recipe as it once was: the discriminator saw frames at a *random stride*
# (lesson 05). The last lever, `frames 0, 1, 4, 9`, is the recipe as it is now.


# %%
def read_table(path):
    """The rows of a CSV file, dicts of texts."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


rows = read_table(datasets.data_folder() / "levers.csv")
print(f"{len(rows)} rows; the columns:", ", ".join(rows[0]))

# %%
KINDS = {
    "a quarter of the clips": "data",
    "4x the clips": "data",
    "10x the people": "data",
    "augmentation": "data",
    "2x the width": "architecture",
    "no R1": "game",
    "feature matching": "game",
    "2x the batch": "game",
    "no averaging": "game",
    "frames 0, 1, 4, 9": "game",
}


# %%
def runs_of(rows, score):
    """Lever -> the scores of its runs, one a seed."""
    found = {}
    for row in rows:
        found.setdefault(row["lever"], []).append(float(row[score]))
    return found


control, distance = (runs_of(rows, score) for score in ("motion_control_score", "frechet_distance"))
for lever, runs in control.items():
    print(f"{KINDS.get(lever, ''):13} {lever:24} seeds: {len(runs)}")

# %% [markdown]
# Two scores of lesson 07 judge each run. **Motion control**: in which share of clips does a classifier see
# the action that was asked for? High is good. **Fréchet distance** to real clips: low is good. Where steps
# take longer, a run got fewer of them, so that all runs trained for about the same time: you pay in minutes,
# not in steps.
#
# Before you go on: which lever would you bet on?

# %%
COLOURS = {"data": show.BLUE, "architecture": show.GREEN, "game": show.VERMILION}


def draw_panel(axes, runs, label):
    """A bar for the median of each lever, a dot for each seed, a line at the baseline."""
    for place, (lever, values) in enumerate(runs.items()):
        axes.barh(place, median(values), color=COLOURS.get(KINDS.get(lever), "0.6"), alpha=0.6)
        axes.plot(values, [place] * len(values), "o", color="black", markersize=4)
    axes.axvline(median(runs["baseline"]), color="black", linestyle="--", linewidth=1)
    axes.set(xlabel=label, yticks=range(len(runs)), ylim=(len(runs) - 0.5, -0.5))
    axes.spines[["top", "right"]].set_visible(False)


# %%
def chart(control, distance):
    """Both scores of all levers side by side."""
    figure = Figure(figsize=(9, 1.2 + 0.32 * len(control)), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_panel(left, control, "motion control (high is good)")
    draw_panel(right, distance, "Fréchet distance (low is good)")
    left.set_yticklabels([f"{KINDS[k]}: {k}" if k in KINDS else k for k in control])
    right.set_yticklabels([])
    said = ", ".join(f"{k} {median(control[k]):.2f} and {median(distance[k]):.1f}" for k in control)
    alt = f"Two bar charts, medians of motion control and of Fréchet distance: {said}."
    return show.figure(figure, alt=alt)


chart(control, distance)

# %% [markdown]
# A bar is the median, a dot one seed, the dashed line the baseline. Bars differ from the line on both sides.
# But the same recipe with another seed gives another bar, too.

# %% [markdown]
# ## 2. Effect, or luck?
# A strict rule that needs little theory: a lever **helped** when *each* of its runs beats *each* of the
# baseline's. If the lever did nothing, all orders of the $2n$ runs would be equally likely, and
#
# $$P(\text{all of the lever's on top}) = \frac{1}{\binom{2n}{n}}$$

# %%
for n in (1, 2, 3, 4):
    print(f"{n} seeds each: luck alone 'helps' in 1 of {comb(2 * n, n)} cases")

# %% [markdown]
# Check the formula by trying: draw two times three numbers from one and the same source, many times.

# %%
luck = np.random.default_rng(0).standard_normal((20_000, 2, 3))
share = np.mean(luck[:, 1].min(axis=1) > luck[:, 0].max(axis=1))
assert abs(share - 1 / comb(6, 3)) < 0.01
print("three seeds, measured equals the formula:", True)

# %% [markdown]
# One seed each is tossing a coin. Three are a first hint, no more: with ten levers and two scores there are
# 20 comparisons, so about one will "help" by luck alone. So the rule says nothing of one seed.


# %%
def verdict(baseline, lever):
    """What runs say of a lever; scores where high is good."""
    if min(len(baseline), len(lever)) < 2:
        return "one seed: cannot say"
    if min(lever) > max(baseline):
        return "helped"
    if max(lever) < min(baseline):
        return "hurt"
    return "within the spread of the seeds"


assert verdict([1, 2], [3, 4]) == "helped"
assert verdict([1, 3], [2, 4]) == "within the spread of the seeds"

# %%
print(f"{'':24} {'motion control':32} Fréchet distance")
for lever in control:
    if lever != "baseline":
        nearer = {name: [-value for value in distance[name]] for name in ("baseline", lever)}
        said = verdict(control["baseline"], control[lever]), verdict(*nearer.values())
        print(f"{lever:24} {said[0]:32} {said[1]}")

# %% [markdown]
# These lines were computed from the table, not written by us. Where they say "within the spread", a taller bar
# is no finding, however much we like the lever.
#
# **What does the table say?** Each run had 90 seconds of training, and in those *nothing beats the baseline* by
# more than luck. Ten times the people come nearest. Most of the rest hurts, for two reasons:
#
# - Fewer clips, no R1, no averaging take away what the game needs.
# - Width, batch, feature matching and augmentation make a step slower, or make it learn more slowly; 90 seconds
#   are over before that pays. Over hours some of them may turn around. This table cannot tell.
#
# And `frames 0, 1, 4, 9`, is it in today's recipe by mistake? It is within the spread, too. But after *three
# minutes* a second classifier, which looks at differences between frames, recognised 0.91 to 0.96 of its clips and
# 0.76 to 0.88 of the baseline's: three seeds each, and each beats each. What made us try was no score at all. We
# looked at the clips, and people squatted several times too fast.
#
# So no lever is good in itself: it is good for a length of training. The rest of the lesson opens the levers up.

# %% [markdown]
# ## 3. Data: more of it, or the same in other guises
# The cheapest new clips are old ones, moved a little or with a piece cut out. A discriminator that has seen
# few clips learns them by heart; with **augmentation** it never sees the same one twice. In a video there is one
# trap: draw shift and hole *once a clip*.


# %%
def augment(clip, shift, hole):
    """A clip `(time, height, width, 3)` in [-1, 1], shifted by (down, right) pixels, with a grey square.

    `hole` is (top, left, side). All frames are treated alike.
    """
    (down, right), (top, left, side) = shift, hole
    height, width = clip.shape[1:3]
    edge = max(abs(down), abs(right))
    padded = np.pad(clip, ((0, 0), (edge, edge), (edge, edge), (0, 0)))  # 0 is grey
    moved = padded[:, edge - down : edge - down + height, edge - right : edge - right + width].copy()
    moved[:, top : top + side, left : left + side] = 0
    return moved


# %%
clips = datasets.load_actions("train", size=SIZE, num_frames=20)
names = clips.action_names
chosen = clips.clips[clips.actions == names.index("jack")][3, :NUM_FRAMES]
clip = preprocess.to_model_range(chosen)
done = augment(clip, shift=(3, -4), hole=(2, 4, 10))
assert np.array_equal(done[:, 20:, 10:20], clip[:, 17:29, 14:24])
print("every pixel moved by the same shift, in all", len(done), "frames: True")

# %% [markdown]
# And the trap: a new shift in every frame.

# %%
shifts = np.random.default_rng(0).integers(-4, 5, (NUM_FRAMES, 2))
jumping = np.concatenate([augment(clip[t : t + 1], shifts[t], (2, 4, 10)) for t in range(NUM_FRAMES)])
pictures = preprocess.to_uint8(np.stack([clip, done, jumping]))
titles = ["before", "one shift a clip", "a shift a frame"]
show.show_clip(
    show.label_grid(pictures, titles, columns=3, scale=3),
    alt="One clip three times: as it is, with one shift for the clip, and with a new shift in every frame.",
)

# %% [markdown]
# In the middle the person is elsewhere and does the same. On the right the room shakes. The discriminator
# would take shaking for a mark of real clips, and the generator would learn to shake. A number says so as
# well: a clip in which nothing moves must have motion energy 0 afterwards, too.

# %%
still = np.repeat(clip[:1], NUM_FRAMES, axis=0)
frames = zip(still[:, None], shifts, strict=True)
shaken = np.concatenate([augment(frame, shift, (2, 4, 10)) for frame, shift in frames])
moved = preprocess.to_uint8(np.stack([augment(still, (3, -4), (2, 4, 10)), shaken]))
print("a still clip stays still:", metrics.motion_energy(moved[:1]) == 0)
print("a shift a frame keeps it still:", metrics.motion_energy(moved[1:]) == 0)

# %% [markdown]
# One more rule: **both** real and generated clips go through the augmentation, and the gradient with them.
# Augment only the real ones, and the generator learns to draw grey squares. How much is too much? Move the
# sliders until *you* no longer recognise the action.


# %%
def augmented_sheet(down, right, hole_side):
    """Every second frame, before and after."""
    top = (SIZE - hole_side) // 2
    pair = np.stack([clip, augment(clip, (down, right), (top, top, hole_side))])
    alt = f"A clip before (top) and after a shift by {down} down, {right} right and a hole of {hole_side}."
    return show.show_sheet(preprocess.to_uint8(pair), ["before", "after"], alt=alt)


augmented_sheet(down=3, right=-4, hole_side=10)

# %%
widgets.explore(augmented_sheet, down=(-8, 8, 3), right=(-8, 8, -4), hole_side=(0, 24, 10))

# %% [markdown]
# ## 4. Architecture: wider
# The plainest change of the architecture is more channels. A convolution has kernel x channels in x channels
# out weights: twice the channels, *four* times the weights, and nearly as many times the work.

# %%
plain, wide = (models.build_discriminator(SIZE, len(names), channels=c) for c in (48, 96))
convolutions = [
    sum(layer.count_params() for layer in m.layers if "conv" in layer.name) for m in (plain, wide)
]
ratio = convolutions[1] / convolutions[0]
print("weights of the convolutions, wide over plain: 4, rounded:", round(ratio) == 4)

# %% [markdown]
# In the same minutes the wide networks take far fewer steps. That is why the chart compares equal *time*: with
# ten hours to spend the answer may be another one.

# %% [markdown]
# ## 5. The game: R1
# A discriminator that is too sure gives a generator nothing to go by. **R1** keeps it smooth: it punishes the
# slope of the score at real clips.
#
# $$R_1 = \frac{\gamma}{2}\, E\, \left\| \nabla_x D(x) \right\|^2$$
#
# Take the simplest discriminator, $D(x) = w \cdot x + b$. Its slope is $w$ everywhere, so
# $R_1 = \frac{\gamma}{2} |w|^2$, whatever the clips.

# %%
rng = np.random.default_rng(0)
small = tf.constant(rng.standard_normal((5, 4, 8, 8, 3)), tf.float32)  # five tiny "clips"
w = tf.constant(rng.standard_normal((4 * 8 * 8 * 3, 1)), tf.float32)
penalty = losses.r1_penalty(lambda x: tf.reshape(x, (len(x), -1)) @ w - 1.0, small, gamma=R1_GAMMA)
assert np.isclose(penalty, R1_GAMMA / 2 * np.sum(np.square(w)), rtol=1e-4)
print("R1 of a linear discriminator is gamma/2 |w|²:", True)

# %% [markdown]
# For a real network the slope comes from a tape. Written out, it is the package's:


# %%
def r1(discriminator, clips, gamma):
    """Half gamma times the mean squared slope at the clips."""
    with tf.GradientTape() as tape:
        tape.watch(clips)
        scores = discriminator(clips)
    slopes = tf.reshape(tape.gradient(scores, clips), (len(clips), -1))
    return gamma / 2 * tf.reduce_mean(tf.reduce_sum(slopes**2, axis=1))


# %%
four = tf.constant(rng.uniform(-1, 1, (3, 4, SIZE, SIZE, 3)), tf.float32)
judge = lambda x: plain([x, tf.zeros(len(x), tf.int32)])  # noqa: E731
assert np.isclose(r1(judge, four, R1_GAMMA), losses.r1_penalty(judge, four, gamma=R1_GAMMA), rtol=1e-3)
print("our R1 equals the package's:", True)

# %% [markdown]
# A gradient of a gradient is expensive, so the course takes it only at every eighth step, eight times as
# strong ("lazy R1"). The mean stays the same.

# %% [markdown]
# ## 6. The game: feature matching
# The article's step 3 trains the GAN "on the extracted features". Lesson 05 showed why that cannot replace
# pixels. *Beside* the pixels it can: the generator's clips should have, on average, the features $f$ of real
# ones, as a frozen CNN sees them.
#
# $$L = \left\| E\, f(x) - E\, f(G) \right\|^2$$


# %%
def feature_matching(real, fake):
    """Squared distance between the mean features `(batch, ...)` of two batches."""
    return np.sum((real.mean(axis=0) - fake.mean(axis=0)) ** 2)


# %%
people = np.unique(clips.actors)
first, second = (clips.select(np.isin(clips.actors, people[k::2])).clips[:, :NUM_FRAMES] for k in (0, 1))
seen, others = features.clip_features(first), features.clip_features(second)
frozen = features.clip_features(np.repeat(second[:, :1], NUM_FRAMES, axis=1))  # nobody moves
loss = feature_matching(seen, frozen)
assert np.isclose(loss, losses.feature_matching_loss(seen, frozen), rtol=1e-3)
print("our feature matching equals the package's:", True)
print("other people match better than people who stand still:", bool(feature_matching(seen, others) < loss))

# %% [markdown]
# Without any discriminator the loss notices that nobody moves. Its weakness: it sees only the mean.

# %%
one = np.repeat(seen.mean(axis=0, keepdims=True), 8, axis=0)
print(
    "eight copies of one average clip score nearly perfect:", bool(feature_matching(seen, one) < 0.01 * loss)
)

# %% [markdown]
# So it is a hint for the generator, not a judge, and a small weight is enough. Exercise 3 repairs part of it.
# And take care: if you train on a CNN's features, do not score with the *same* CNN. The runs in the chart
# matched the features of one CNN and were scored by others.

# %% [markdown]
# ## 7. The game: averaging
# Both players answer each other's last move, so the generator's weights jitter around a good place. Their
# running average (**EMA**, exponential moving average) sits closer to the middle. At each step, with decay
# $d$:
#
# $$\bar\theta_t = d\, \bar\theta_{t-1} + (1 - d)\, \theta_t \quad\Rightarrow\quad
# \bar\theta_T = d^T \bar\theta_0 + (1 - d) \sum_{t=1}^{T} d^{\,T-t}\, \theta_t$$


# %%
def running_average(path, decay):
    """The running average along a path of numbers; it starts at the path's first one."""
    averages = [path[0]]
    for value in path[1:]:
        averages.append(decay * averages[-1] + (1 - decay) * value)
    return np.array(averages)


# %%
t = np.arange(400)
path = 1 - np.exp(-t / 40) + 0.3 * np.random.default_rng(1).standard_normal(400)  # towards 1, with jitter
average = running_average(path, 0.95)
closed = 0.95**399 * path[0] + 0.05 * np.sum(0.95 ** (399 - t[1:]) * path[1:])
assert np.isclose(average[-1], closed)
print("step by step equals the sum:", True)
print("the average jitters less:", average[200:].std() < 0.5 * path[200:].std())


# %%
def draw_average(decay):
    """A noisy path and its running average."""
    figure = Figure(figsize=(7, 2.8), layout="constrained")
    axes = figure.subplots()
    axes.plot(path, color="0.7", linewidth=1, label="a weight")
    axes.plot(running_average(path, decay), color=show.VERMILION, label=f"its average, decay {decay:.2f}")
    axes.axhline(1, color="black", linestyle=":", linewidth=1)
    axes.set(xlabel="step", ylabel="value")
    axes.legend(frameon=False, loc="lower right")
    return show.figure(figure, f"A noisy curve that rises to 1, and its average with decay {decay:.2f}.")


draw_average(decay=0.95)

# %% [markdown]
# The grey weight jumps around 1, the red average hardly. Move the decay: near 0 the average is the weight
# itself; near 1 it is smooth but arrives late. With 0.99 it is still dragging the start along.

# %%
widgets.explore(draw_average, decay=(0.0, 0.99, 0.95))

# %% [markdown]
# The course uses 0.999, and a shorter memory in the first steps: $\min(d, (1 + t) / (10 + t))$. Is that what
# the package does? One step tells.

# %%
game = gan.make_gan(SIZE, names, precision=PRECISION, seed=SEED)
before = game.ema_generator.trainable_variables[0].numpy()
_ = game.generator_step(tf.zeros(2, tf.int32))
live = game.generator.trainable_variables[0].numpy()
decay = min(game.ema_decay, 1 / 10)  # t = 0
after = game.ema_generator.trainable_variables[0].numpy()
assert np.allclose(after, decay * before + (1 - decay) * live, atol=1e-6)
print("our average equals the package's:", True)

# %% [markdown]
# ## 8. Move one yourself
# You start from today's recipe, `frames 0, 1, 4, 9`. The settings at the top ask for half its R1 weight, all
# else the same. Choose another `R1_GAMMA` if you like; or set it back to 1.0, the recipe's, and change
# `BATCH_SIZE`. What do you expect? Write it down first.


# %%
def motion_control(generator, num_clips=200):
    """Share of generated clips in which the classifier recognises the action asked for."""
    made = generate.sample(generator, num_clips=num_clips, seed=1)
    return metrics.motion_control_score(made, np.arange(num_clips) % len(names))


game = gan.make_gan(SIZE, names, precision=PRECISION, seed=SEED)
game.r1_gamma = R1_GAMMA
untrained = generate.sample(game.ema_generator, num_clips=200, seed=1)
print("untrained, over half recognised:", motion_control(game.ema_generator) > 0.5)
budget.warm_start(game, "08_improve")  # does nothing, unless VGCOURSE_BUDGET=small asks for short trainings


# %%
def live_picture(game):
    """Five clips of the averaged generator, always the same five codes."""
    asked = ["walk", "run", "jack", "wave2", "dance"]
    made = generate.sample(game.ema_generator, num_clips=5, actions=asked, seed=7)
    grid = show.label_grid(made[:, ::2], asked, scale=2)
    return show.show_clip(grid, fps=5, alt=f"Generated clips after {int(game.step)} training steps.")


# %% tags=["nbval-ignore-output", "warm-game"]
picture = display(live_picture(game), display_id=True)
history = training.train(
    game,
    clips,
    steps=int(game.step) + STEPS,
    batch_size=BATCH_SIZE,
    on_sample=lambda game: picture.update(live_picture(game)),
)

# %%
score = motion_control(game.ema_generator)
print("trained, over half recognised:", score > 0.5)

# %% [markdown]
# ## 9. Your bar in the chart
# The other score is the Fréchet distance to real clips of people that no run was trained on.

# %%
test = datasets.load_actions("test", size=SIZE, num_frames=NUM_FRAMES)
made = generate.sample(game.ema_generator, num_clips=200, seed=1)
real_features = features.clip_features(test.clips)
rough, start = (metrics.frechet_distance(real_features, features.clip_features(x)) for x in (made, untrained))
print("training brought it nearer to real clips, to under half the distance:", bool(rough < start / 2))

# %% tags=["nbval-ignore-output"]
mine = f"yours: R1 {R1_GAMMA}, batch {BATCH_SIZE}, {int(game.step)} steps"
chart(control | {mine: [score]}, distance | {mine: [rough]})

# %%
recipe = [row for row in rows if row["lever"] == "frames 0, 1, 4, 9"]
print("today's recipe was trained for", ", ".join(sorted({row["steps"] for row in recipe})), "steps")
print("what one seed says of your lever:", verdict(control["frames 0, 1, 4, 9"], [score]))

# %% [markdown]
# Your bar stands at the bottom, below that of today's recipe. Is it a fair comparison? Not yet. It is one seed.
# The number of steps may not be that of the recipe. And yours was scored with 200 clips, the others with more:
# with fewer clips the Fréchet distance comes out larger (lesson 07). To make it fair, set `STEPS` to the
# recipe's, train with three seeds, and sample as many clips; or add your lever to `benchmarks/levers.py`, which
# does all that.

# %% [markdown]
# ## Exercises
# ### Exercise 1: mirrored clips
# Another augmentation: exchange left and right. `clips` is `(batch, time, height, width, 3)`, `coins` holds a
# bool for each clip; mirror those with True. (Think first: our actors all face the same way. What would a
# generator learn from mirrored walks?) Stuck? `check.hint("mirror_clips")`


# %% tags=["exercise"]
def mirror_clips(clips, coins):
    """The clips, those mirrored left to right whose coin is True."""
    # BEGIN SOLUTION
    return np.where(coins[:, None, None, None, None], clips[:, :, :, ::-1], clips)
    # END SOLUTION


# %%
check.mirror_clips(mirror_clips)

# %% [markdown]
# ### Exercise 2: how long does an average remember?
# After how many steps does an old value count half in a running average with this decay?
# Stuck? `check.hint("half_life")`


# %% tags=["exercise"]
def half_life(decay):
    """Steps after which a value's weight in the running average has halved; a float."""
    # BEGIN SOLUTION
    return np.log(0.5) / np.log(decay)
    # END SOLUTION


# %%
check.half_life(half_life)

# %% [markdown]
# ### Exercise 3: match the spread as well
# Eight copies of one clip fooled feature matching. Add a second term: the squared differences of the features'
# *standard deviations*, summed like the first. Both inputs are `(batch, features)`.
# Stuck? `check.hint("spread_matching")`


# %% tags=["exercise"]
def spread_matching(real, fake):
    """Squared differences of means plus squared differences of standard deviations, summed over features."""
    # BEGIN SOLUTION
    means = np.sum((real.mean(axis=0) - fake.mean(axis=0)) ** 2)
    return means + np.sum((real.std(axis=0) - fake.std(axis=0)) ** 2)
    # END SOLUTION


# %%
check.spread_matching(spread_matching)

# %% [markdown]
# ## What goes wrong, and how you notice
# - **Two levers at once.** Better, but by which? Change one setting, keep the seed and the minutes.
# - **The best of many seeds is reported.** Show all seeds; section 2 says how often luck looks like skill.
# - **Augmentation leaks.** Generated people stand shifted, with grey squares: it was too strong, or only the
#   real clips were augmented. Look at the samples; motion control may not tell.
# - **Clips shake.** The augmentation drew anew for every frame. `metrics.flicker` is far above that of real clips.
# - **R1 is too weak, or too strong.** Too weak: `d_loss` goes to zero and the scores run away. Too strong:
#   the scores of real and fake stay close together, and the clips stay a blur.
# - **Scored by what it was trained on.** A generator that matches a CNN's features looks splendid to that
#   CNN. Score with another one.

# %% [markdown]
# ## You have
# - read an experiment that moves each lever alone, and told an effect from luck;
# - built the levers of the game by hand: augmentation, R1, feature matching and averaging;
# - trained one more variant yourself, and added your bar to the chart.
#
# ## References
# - Zhao et al. 2020, *Differentiable Augmentation for Data-Efficient GAN Training*,
#   [arXiv 2006.10738](https://arxiv.org/abs/2006.10738): shift and cutout for both sides of the game.
# - Mescheder et al. 2018, *Which Training Methods for GANs do actually Converge?*,
#   [arXiv 1801.04406](https://arxiv.org/abs/1801.04406): R1.
# - Karras et al. 2020, *Analyzing and Improving the Image Quality of StyleGAN*,
#   [arXiv 1912.04958](https://arxiv.org/abs/1912.04958): lazy regularisation.
# - Salimans et al. 2016, *Improved Techniques for Training GANs*,
#   [arXiv 1606.03498](https://arxiv.org/abs/1606.03498): feature matching.
# - Yazıcı et al. 2019, *The Unusual Effectiveness of Averaging in GAN Training*,
#   [arXiv 1806.04498](https://arxiv.org/abs/1806.04498).
#
# Next: [09 · Lend a person your motion](09_video_to_video.ipynb), where there is a truth to learn from.
