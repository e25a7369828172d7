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
# # 10 · Beyond GANs
# {badge}
#
# **The video generators in the news are no GANs. How can one network, with no opponent, turn noise into
# people who move?**
#
# You will
# - watch noise flow to data, and derive in four lines what the network has to learn;
# - let a GAN and a flow learn the same motions for the same time, and see where each one wins;
# - paint the motions: a whole video generator, trained in under two minutes on two cores.
#
# About 60 minutes, of which two cores compute for two.

# %% tags=["setup"]
# In Colab this installs the course; elsewhere it does nothing.
from importlib.util import find_spec

if not find_spec("vgcourse"):
    # %pip install --quiet "vgcourse @ git+{repository}@v{version}"
    print("The course is installed.")

# %%
from vgcourse.classroom.start import path_picture, quiet

quiet()

import time

import keras
import numpy as np
import tensorflow as tf
from IPython.display import display
from matplotlib.figure import Figure

# %%
from vgcourse import (
    datasets,
    evaluate,
    generate,
    people,
    preprocess,
    show,
    structure,
)
from vgcourse.classroom import budget, check, widgets
from vgcourse.evaluate import motions
from vgcourse.gan import toy

# %%
path_picture("model")

# %%
SEED = 0  # of all random numbers
RING_STEPS = 2500  # of the flow on the ring, a few seconds
FLOW_STEPS = budget.steps(3000)  # of the flow of motions
GAN_STEPS = budget.steps(1400)  # of the GAN of motions; one step costs more
RAW_STEPS = budget.steps(3000)  # of the flow of raw joints
NUM_CLIPS = 60  # clips of each kind in the last table
STATES = datasets.data_folder() / "checkpoints/lessons"  # trained beforehand

# %% [markdown]
# ## 1. Watch it first
# You know this ring from lesson 03: eight small heaps of points. A GAN often lost some of them. Here is
# another way to make such points. Run the next three cells; the explanation comes afterwards.


# %%
def ring_network(seed):
    """Place and time in (three numbers), a velocity out (two numbers)."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(128, activation="silu") for _ in range(3)]
    layers = [keras.Input((3,)), *layers, keras.layers.Dense(2)]
    return keras.Sequential(layers)


def at(network, points, time):
    """The velocity of points `(n, 2)` at one time."""
    times = tf.fill((len(points), 1), tf.cast(time, tf.float32))
    return network(tf.concat([points, times], axis=1))


# %%
def train_ring(seed, num_steps=RING_STEPS):
    """Learn the velocities of straight paths from noise to the ring."""
    network, rng = ring_network(seed), np.random.default_rng(seed)
    rate = keras.optimizers.schedules.CosineDecay(5e-3, num_steps)
    network.compile(keras.optimizers.Adam(rate), loss="mse")
    data = toy.draw_ring(rng, 256 * num_steps)
    noise = toy.draw_noise(rng, data.shape)
    time = rng.random((len(data), 1), np.float32)
    points, target = structure.flow_pair(data, noise, time)
    rows = np.concatenate([points, time], axis=1)
    network.fit(rows, target, batch_size=256, shuffle=False, verbose=0)
    return network


# %%
def flow_frames(network, num_points=600, steps=25):
    """Where the points are after each Euler step, `(steps + 1, n, 2)`."""
    rng = np.random.default_rng(1)
    places = [tf.constant(toy.draw_noise(rng, (num_points, 2)))]
    for step in range(steps):
        velocity = at(network, places[-1], step / steps)
        places.append(places[-1] + velocity / steps)
    return np.array(places)


ring_flow = train_ring(SEED)
frames = flow_frames(ring_flow)

# %% [markdown]
# Before you move the slider: at time 0 there is only noise, one round cloud. Take a point near the middle of
# it. Which of the eight heaps will it go to, and when will you be able to tell?


# %%
def draw_dots(panels, alt):
    """Pictures of points side by side; `panels` maps a title to points."""
    figure = Figure(figsize=(2.9 * len(panels), 3.1))
    for place, (title, points) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), place + 1, aspect="equal")
        ring = {"color": show.GREEN, "markersize": 15, "fillstyle": "none"}
        axes.plot(*toy.ring_centres().T, "o", **ring)
        axes.plot(*points.T, ".", color=show.PURPLE, markersize=3)
        limits = {"xlim": (-3.3, 3.3), "ylim": (-3.3, 3.3)}
        axes.set(xticks=[], yticks=[], title=title, **limits)
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.02, top=0.9)
    return show.figure(figure, alt=alt)


def draw_flow(time):
    """The points at one time, from 0 to 1."""
    points = frames[round(25 * time)]
    alt = f"Points at time {time:.2f} on their way from noise to the ring."
    return draw_dots({f"time {time:.2f}": points}, alt)


# %%
draw_flow(0.0)

# %%
widgets.explore(draw_flow, time=(0.0, 1.0, 0.0))

# %%
moments = {f"time {t:g}": frames[round(25 * t)] for t in (0, 0.4, 0.8, 1)}
alt = "Four moments: a wide cloud, a small one, eight loose heaps, tight ones."
draw_dots(moments, alt)

# %% [markdown]
# All eight heaps fill up, and nobody judged anything. At first the cloud only shrinks. Then it opens into a ring,
# and only late does each point decide for a heap.
#
# ### Beside the GAN of lesson 03
# The same ring, the same three seeds. `hasty` is the recipe that made lesson 03's game collapse, `calm` is
# its cure. Two numbers for each: how many of the eight heaps get at least 2 in 100 points, and how many
# points in 100 lie in a heap at all.


# %%
def on_ring(points):
    """Heaps reached, and points in 100 that are in one."""
    gaps = np.linalg.norm(points[:, None] - toy.ring_centres(), axis=2)
    near = 100 * (gaps.min(axis=1) < 3 * toy.RING_SPREAD).mean()
    return toy.count_modes(points, toy.ring_centres()), near


def play(recipe, seed, num_steps):
    """Points of lesson 03's GAN after a game."""
    game, rng = toy.make_toy(2, seed=seed), np.random.default_rng(seed)
    length = {"recipe": recipe, "num_steps": num_steps}
    game, _ = toy.train_toy(game, toy.draw_ring, rng, **length)
    noise = toy.draw_noise(np.random.default_rng(1), (600, 2))
    return toy.mlp(game.generator, noise).numpy()


# %% tags=["nbval-ignore-output"]
hasty = toy.Recipe(g_steps=20, g_rate=5e-3)
calm = toy.Recipe(r1_gamma=0.1)
ring = {
    "GAN, hasty": [play(hasty, seed, 300) for seed in range(3)],
    "GAN, calm": [play(calm, seed, 2000) for seed in range(3)],
    "flow": [flow_frames(train_ring(seed))[-1] for seed in range(3)],
}
for name, tries in ring.items():
    found = [on_ring(points) for points in tries]
    heaps = ", ".join(str(heaps) for heaps, _ in found)
    near = np.mean([near for _, near in found])
    print(f"{name:10}  heaps {heaps} of 8   {near:3.0f} of 100 points in one")

# %%
reached = {name: min(on_ring(p)[0] for p in ring[name]) for name in ring}
assert reached["flow"] == 8
assert reached["GAN, hasty"] < 8
print("fewest heaps that the flow reached with three seeds:", reached["flow"])

# %% [markdown]
# Be fair to the GAN: with the calm recipe it finds the heaps too, its points are about as tight, and it makes
# a point in **one** pass through a network where the flow took 25. What the flow spares you is the balance.
# There is one network, one loss that simply falls, and no second player whose haste could ruin the game.

# %% [markdown]
# ## 2. Four lines
# Draw a data point $x$ and a noise point $e$, any two. Walk straight from the noise to the data in one unit of
# time:
#
# 1. **The path.** $x_t = (1 - t)\,e + t\,x$, so the velocity is $\frac{d x_t}{dt} = x - e$, the same all along.
# 2. **The crowd.** Let all pairs walk. At place $z$ and time $t$ many paths cross, in many directions. What
#    the crowd's density does depends only on the **mean** velocity there,
#    $u(z, t) = \mathbb E[\,x - e \mid x_t = z\,]$: as much arrives as is carried in on average.
# 3. **The loss.** For any function $v$, $\;\mathbb E\,|v(x_t, t) - (x - e)|^2 = \mathbb E\,|v - u|^2 +
#    \text{what does not depend on } v$. So plain least squares on the target $x - e$ finds $u$.
# 4. **Sampling.** Start at noise and follow $u$ from $t = 0$ to $1$. The crowd of followers has the same
#    density as the crowd of walkers at every time, so at time 1 it has the density of the **data**.
#
# That is **flow matching** (Lipman et al. 2023; Liu et al. 2023 call it rectified flow).
#
# ### Exercise 1: what the network is asked
# Write the first line: for data, noise and times, where is everybody, and what velocity shall the network
# guess? Stuck? `check.hint("path_and_target")`


# %% tags=["exercise"]
def path_and_target(data, noise, time):
    """Places on straight paths at `time` (0 noise, 1 data), and the target."""
    # BEGIN SOLUTION
    return (1 - time) * noise + time * data, data - noise
    # END SOLUTION


# %%
check.path_and_target(path_and_target)

# %% [markdown]
# ### Is that true?
# For bell curves $u$ can be written down. Let the data be numbers with mean $m$ and spread $s$. Then $x_t$
# and $x - e$ are both bell curves, and the mean of one given the other is a straight line:
#
# $$u(z, t) = m + \frac{t s^2 - (1 - t)}{(1 - t)^2 + t^2 s^2}\,(z - t m)$$
#
# Against it stands brute force: many pairs, and of those who pass close to $z$ the mean of $x - e$.

# %%
MEAN, SPREAD = 2.0, 0.5


def exact_velocity(z, t):
    """Mean velocity of who is at z at time t, noise N(0, 1) to N(2, 0.5)."""
    variance = (1 - t) ** 2 + (t * SPREAD) ** 2
    return MEAN + (t * SPREAD**2 - (1 - t)) / variance * (z - t * MEAN)


# %%
rng = np.random.default_rng(SEED)
noise = rng.normal(size=1_000_000)
data = rng.normal(MEAN, SPREAD, size=1_000_000)
print("place  time   mean of x - e there   formula")
for z, t in ((0.0, 0.2), (1.5, 0.5), (2.5, 0.9)):
    places, target = structure.flow_pair(data, noise, t)
    by_drawing = target[np.abs(places - z) < 0.02].mean()
    print(f"{z:5} {t:5}   {by_drawing:12.1f}   {exact_velocity(z, t):16.1f}")
    assert abs(by_drawing - exact_velocity(z, t)) < 0.05

# %% [markdown]
# The loss of a perfect network is therefore **not** zero. Where paths cross it cannot know who passes, and
# that remains. Do not judge a flow by its loss alone.

# %%
start = np.linspace(-2, 2, 9)
times = np.linspace(0, 1, 51)
line = [start]
for t in times[:-1]:
    line.append(line[-1] + exact_velocity(line[-1], t) / 50)
line = np.array(line)

# %%
figure = Figure(figsize=(7, 3), layout="constrained")
walkers, followers = figure.subplots(1, 2, sharey=True)
walkers.plot([0, 1], [noise[:40], data[:40]], color="0.6", linewidth=0.8)
walkers.set(title="40 straight paths", xlabel="time", ylabel="place")
followers.plot(times, line, color=show.BLUE)
followers.set(title="who follows the mean velocity", xlabel="time")
show.figure(
    figure,
    alt="Left, 40 straight lines that cross. Right, nine curves that never "
    "cross and draw closer to each other around 2.",
)

# %% [markdown]
# On the left, paths cross. On the right, followers never do: at one place and time there is one velocity. That
# is why the flow can be followed, and why its paths bend a little although every path it learned from was
# straight.

# %% [markdown]
# ## 3. Steps
# A computer follows a velocity in steps: look, go a little, look again. That is **Euler's method**, of 1768.
#
# ### Exercise 2: Euler's method
# `velocity(points, time)` says how fast points move. Start at time 0 and take `steps` equal steps to time 1.
# Stuck? `check.hint("euler")`


# %% tags=["exercise"]
def euler(velocity, start, steps):
    """Where points that start at `start` are at time 1."""
    # BEGIN SOLUTION
    points = start
    for step in range(steps):
        points = points + velocity(points, step / steps) / steps
    return points
    # END SOLUTION


# %%
check.euler(euler)

# %% [markdown]
# The package has the same as `structure.follow_flow`. How many steps does the ring need? Guess what **one**
# step gives before you look.


# %%
def ring_after(steps):
    """Points of the ring's flow, sampled in so many steps."""
    noise = toy.draw_noise(np.random.default_rng(1), (600, 2))
    flow = lambda points, time: at(ring_flow, points, time)  # noqa: E731
    return structure.follow_flow(flow, tf.constant(noise), steps=steps).numpy()


# %% tags=["nbval-ignore-output"]
counts = {steps: ring_after(steps) for steps in (1, 2, 5, 25)}
for steps, points in counts.items():
    heaps, near = on_ring(points)
    print(f"{steps:2} steps: {heaps} of 8 heaps, {near:3.0f} of 100 in one")
panels = {f"steps: {steps}": points for steps, points in counts.items()}
draw_dots(panels, "After 1 step a clump in the middle; after 25, eight heaps.")

# %%
assert np.abs(counts[1]).max() < 1.5  # the ring has radius 2
assert on_ring(counts[1])[0] == 0
assert on_ring(counts[25])[0] == 8
print("heaps after 1 step:", on_ring(counts[1])[0])
print("heaps after 25 steps:", on_ring(counts[25])[0])

# %% [markdown]
# One step lands in the middle, where there is no data at all. At time 0 the best guess of $x - e$ is "the
# mean of all data, minus where you are". Follow that to the end and you are at the mean. It is the mean that
# blurs, and small steps are what lets the flow change its mind on the way.
#
# ### Exercise 3: how many steps are enough?
# For numbers you know where everybody ends: noise $e$ flows to $m + s\,e$ exactly. Measure how far Euler ends
# from there, for several numbers of steps. `counts` is a list of ints; return the mean distance over the points
# for each. Stuck? `check.hint("step_errors")`


# %% tags=["exercise"]
def step_errors(velocity, start, end, counts):
    """Mean distance from `end` `(n, dim)`, one for each number of steps."""
    # BEGIN SOLUTION
    made = [structure.follow_flow(velocity, start, steps=n) for n in counts]
    return [np.linalg.norm(points - end, axis=1).mean() for points in made]
    # END SOLUTION


# %%
check.step_errors(step_errors)

# %% [markdown]
# Now your curve, from 1 step to 64. (Until your function works, the picture stays empty.) Where would you
# stop?

# %%
steps = [1, 2, 4, 8, 16, 32, 64]
e = np.random.default_rng(2).normal(size=(1000, 1))
errors = step_errors(exact_velocity, e, MEAN + SPREAD * e, steps)
figure = Figure(figsize=(5, 2.8), layout="constrained")
axes = figure.subplots()
axes.loglog(steps, errors or [np.nan] * len(steps), "o-", color=show.BLUE)
axes.set(xlabel="steps", ylabel="mean distance from the exact end")
show.figure(figure, alt="Error over number of steps; a solved exercise falls.")

# %%
ends = [structure.follow_flow(exact_velocity, e, steps=n) for n in (16, 32)]
gaps = [np.abs(end - MEAN - SPREAD * e).mean() for end in ends]
print(f"from 16 to 32 steps the error shrinks {gaps[0] / gaps[1]:.1f} times")
assert 1.8 < gaps[0] / gaps[1] < 2.3

# %% [markdown]
# ## 4. From points to motions
# A motion here is 20 frames of 25 joints with x, y and depth: 1,500 numbers, one point in a space of 1,500
# dimensions. All actions repeat after 20 frames, so a motion is a closed loop, and may start anywhere.


# %%
def motions_of(actors):
    """Joints `(motions, 20, 25, 3)` in pixels, and labels; all actions."""
    size = {"size": 64, "num_frames": 20, "fps": 10.0}
    names = people.ACTIONS
    pairs = [(name, actor) for name in names for actor in actors]
    joints = [people.action_joints(*pair, **size) for pair in pairs]
    return np.stack(joints), np.repeat(np.arange(10), len(actors))


train_people = [n for n in range(80) if people.actor_split(n) == "train"]
joints, actions = motions_of(train_people)
unseen, others = motions_of(range(1000, 1030)), motions_of(range(1100, 1120))
print(len(joints), "motions to learn from, each of", joints[0].size, "numbers")


# %%
def stick_clip(joints, size=128):
    """White figures on dark, one clip `(20, size, size, 3)` a motion."""
    scaled = np.asarray(joints) * size / 64
    maps = structure.limb_maps(scaled, size=size).max(axis=-1, keepdims=True)
    grey = 40 + 50 * np.round(4 * maps)  # few greys: a small file
    return np.repeat(grey.astype("uint8"), 3, axis=-1)


def show_motions(joints, labels, alt):
    """Motions side by side, moving."""
    clips = [stick_clip(motion) for motion in joints]
    grid = show.label_grid(np.stack(clips), labels, columns=5, scale=1)
    return show.show_clip(grid, fps=10, alt=alt)


# %%
FIVE = ["walk", "jack", "wave2", "run", "squat"]
five = np.array([people.ACTIONS.index(action) for action in FIVE])
first = [int(np.flatnonzero(actions == label)[0]) for label in five]
show_motions(joints[first], FIVE, f"Five real motions: {', '.join(FIVE)}.")

# %% [markdown]
# ### Compress first
# Of the 1,500 numbers nearly all are redundant. A knee is where hip and ankle allow it, and where it was a
# tenth of a second ago. **Principal components** are the directions in which the motions differ most. How many
# of them do we need?

# %%
deviations = structure.MotionComponents(20, 25, 200).fit(joints, size=64)
share = np.cumsum(deviations**2) / np.sum(deviations**2)
for count in (2, 12, 48, 100):
    held = 100 * share[count - 1]
    print(f"{count:3} components hold {held:.1f}% of the variance")

# %%
components = structure.MotionComponents(20, 25, 48)
components.fit(joints, size=64)
small = components.encode(unseen[0], size=64)
back = components.decode(small, size=64)
lost = float(np.sqrt(np.mean((np.array(back) - unseen[0]) ** 2)))
print(f"1,500 -> 48 -> 1,500: people never seen lose {lost:.1f} pixels")
assert lost < 0.6

# %% [markdown]
# Thirty times fewer numbers, and under half a pixel lost. So there are two spaces in which a flow could learn:
# the 1,500 raw numbers, and the 48. Same network, same number of steps. Which will be better, and by how much?


# %%
def make_flow(components, seed=SEED):
    """The training of a flow of motions, in coefficients of `components`."""
    keras.utils.set_random_seed(seed)
    dim = components.num_components
    flow = structure.MotionFlow(people.ACTIONS, num_components=dim)
    flow.components.set_weights(components.get_weights())
    training = structure.FlowMatching(flow, seed=seed)
    training.compile()
    return training


flow = make_flow(components)
budget.warm_start(flow, "10_flow_matching-flow")  # for short trainings only
flow_end = int(flow.step) + FLOW_STEPS


# %%
def train_to(training, components, steps, every=400):
    """Train up to step `steps`; returns seconds of two cores."""
    coefficients = components.encode_all_starts(joints, size=64)
    options = {"seed": SEED, "first_step": int(training.step)}
    batches = structure.iter_motion_batches(coefficients, actions, **options)
    live, start = display("step 0", display_id=True), time.process_time()
    to_come = range(int(training.step) + 1, steps + 1)
    for step in show.until_stopped(to_come, steps=steps):
        logs = training.step_function(next(batches))
        if step % every == 0 or step == steps:
            told = ", ".join(f"{k} {float(v):.2f}" for k, v in logs.items())
            live.update(f"step {step}: {told}")
    return (time.process_time() - start) / 2


# %%
def draw_motions(model, count=20, seed=1, **options):
    """`count` new motions of each action: joints and labels."""
    labels = np.repeat(np.arange(10), count)
    shape = len(labels), model.num_components
    noise = np.random.default_rng(seed).standard_normal(shape, np.float32)
    return np.array(model.make_joints(noise, labels, **options)), labels


def nearest(made):
    """Mean distance to the nearest real motion of the action, in pixels."""
    return motions.nearest_motions(*made, *unseen).mean()


# %% [markdown]
# The clock counts processor time and halves it: seconds that two busy cores would take. Train the 48 first.

# %% tags=["nbval-ignore-output", "warm-flow"]
flow_seconds = train_to(flow, components, flow_end)
print(f"{int(flow.step)} steps, {flow_seconds:.0f} seconds of two cores")

# %% [markdown]
# And the raw joints, only shifted and scaled: "components" that change nothing else.

# %%
raw = structure.MotionComponents(20, 25, 1500)
flat = joints.reshape(len(joints), -1) / 64
scale = np.full(1500, flat.std(axis=0).mean())
still = raw.get_weights()[3:]  # how coefficients turn with time: not used here
raw.set_weights([flat.mean(axis=0), np.eye(1500), scale, *still])
back = raw.decode(raw.encode(joints[:2], size=64), size=64)
assert np.allclose(back, joints[:2], atol=0.01)
print("numbers that the raw flow learns:", raw.num_components)
raw_flow = make_flow(raw)

# %% tags=["nbval-ignore-output"]
raw_seconds = train_to(raw_flow, raw, RAW_STEPS)
print(f"{int(raw_flow.step)} steps, {raw_seconds:.0f} seconds of two cores")


# %% tags=["nbval-ignore-output"]
untrained = make_flow(components).ema_flow
made = {
    "real people, others": others,
    "flow of 48 numbers": draw_motions(flow.ema_flow),
    "flow of 1,500 numbers": draw_motions(raw_flow.ema_flow),
    "flow of 48, untrained": draw_motions(untrained),
}
for name, some in made.items():
    print(f"{name:22} {nearest(some):5.1f} pixels to the nearest real one")

# %%
good, bad = (nearest(draw_motions(f.ema_flow)) for f in (flow, raw_flow))
assert good < 1.5 < 3 < bad
print("the raw joints are more than twice as far off:", bool(bad > 2 * good))

# %% tags=["nbval-ignore-output"]
rng = np.random.default_rng(3)
rows = []
for model in (flow.ema_flow, raw_flow.ema_flow):
    noise = rng.standard_normal((5, model.num_components), np.float32)
    rows.append(np.array(model.make_joints(noise, five)))
named = [f"48: {a}" for a in FIVE] + [f"1,500: {a}" for a in FIVE]
alt = "Above, people from 48 numbers; below, from 1,500 raw numbers."
show_motions(np.concatenate(rows), named, alt)

# %% [markdown]
# Why do the raw joints fail? The noise is new in **every** number, and the network has to remove it from all
# 1,500. Knowing where the joints *may not* be, all those directions in which no person ever differs, is most
# of the work, and none of it is about motion. The components have done that work beforehand, with one matrix.
#
# It is the most useful lesson of the last years in this field: **compress first, then generate.**

# %% [markdown]
# ## 5. The GAN and the flow, for the same time
# A GAN can learn the same 48 numbers: generator and discriminator of the same size, R1, averaged weights, as
# in lesson 05. One of its steps costs more than two of the flow's, so it gets fewer.


# %%
def make_gan(seed=SEED):
    """A GAN of motions in the 48 numbers."""
    keras.utils.set_random_seed(seed)
    generator = structure.MotionGenerator(people.ACTIONS)
    generator.components.set_weights(components.get_weights())
    judge = structure.build_motion_discriminator(48, len(people.ACTIONS))
    training = structure.MotionGAN(generator, judge, seed=seed)
    training.compile()
    return training


gan = make_gan()
budget.warm_start(gan, "10_flow_matching-gan")
gan_end = int(gan.step) + GAN_STEPS
parts = {
    "flow": flow.flow,
    "generator": gan.generator,
    "discriminator": gan.discriminator,
}
for name, network in parts.items():
    weights = sum(np.prod(w.shape) for w in network.trainable_variables)
    print(f"{name:14} {weights:7,.0f} weights")

# %% [markdown]
# Four numbers, none of them alone:
# - **nearest**: distance to the nearest real motion, in pixels. Small: people move so.
# - **spread**: mean distance of two motions of one action. As large as real: not everybody moves alike.
# - **Frechet**: lesson 07's distance, here of the 48 numbers.
# - **time** to make one motion.


# %%
def milliseconds(model, **options):
    """Time of two cores to make one of 200 motions."""
    draw_motions(model, **options)
    start = time.process_time()
    draw_motions(model, **options)
    return 1000 * (time.process_time() - start) / 2 / 200


def row(name, made, ms=""):
    """One line of the table; returns the scores."""
    scores = motions.score_motions(*made, *unseen, components=components)
    numbers = [scores[k] for k in ("nearest", "spread", "frechet_distance")]
    print(f"{name:22}", *(f"{n:8.2f}" for n in numbers), f"{ms:>8}")
    return scores


# %% tags=["nbval-ignore-output", "warm-gan"]
gan_seconds = train_to(gan, components, gan_end)
print(f"{int(gan.step)} steps, {gan_seconds:.0f} seconds of two cores")

# %% tags=["nbval-ignore-output"]
models = {
    "GAN": (gan.ema_generator, {}),
    "flow, 25 steps": (flow.ema_flow, {}),
    "flow, 5 steps": (flow.ema_flow, {"steps": 5}),
    "flow, 1 step": (flow.ema_flow, {"steps": 1}),
}
print(f"{'':22}  nearest   spread  Frechet  ms each")
table = {"real": row("real, other people", others)}
for name, (model, options) in models.items():
    ms = f"{milliseconds(model, **options):.2f}"
    table[name] = row(name, draw_motions(model, **options), ms)

# %%
for name in ("GAN", "flow, 25 steps"):
    assert table[name]["nearest"] < 3
    ratio = table[name]["spread"] / table["real"]["spread"]
    assert 0.3 < ratio < 2
one, many = (draw_motions(flow.ema_flow, steps=n)[0] for n in (1, 25))
share = one.std(axis=1).mean() / many.std(axis=1).mean()  # over time
print("in 1 step people move under 0.7 times as much:", bool(share < 0.7))
assert share < 0.7

# %% [markdown]
# Read the table in both directions. **The flow wins on variety:** its motions differ from each other about as much
# as real people's do. The GAN's differ a fifth less: the old trouble, people who begin to move alike. And the flow
# is easier on the person who trains it: one network, one loss, nothing to balance; steps and guidance can be
# chosen *afterwards*.
#
# **The GAN wins on nearness:** in the same seconds its motions come closer to real ones, and it makes one in a single
# pass instead of 25. In a game, or on a phone, that decides. Neither of them is as near to people it never saw as
# other real people are: that is the first line.
#
# Look at the last line, too. One step aims at the mean of the action, over all people *and all starts*. The mean
# of a walk over all its moments stands still, so people hardly move: the ring's clump in the middle, again.

# %% [markdown]
# ## 6. Guidance
# In one training example of ten the flow was not told the action. So it knows two velocities: one for "walk",
# one for "anything". Their difference says what is *walk-like*. At sampling you may exaggerate it, with a
# weight $w$ (Ho and Salimans 2022):
#
# $$u_w = u_\text{any} + w\,(u_\text{action} - u_\text{any})$$
#
# $w = 1$ is the plain flow, $w = 0$ ignores the action. Pull the slider up to 6. What becomes clearer, and what
# gets lost?


# %%
def draw_guided(action, guidance):
    """Four people doing one action, by a flow that is guided so strongly."""
    labels = np.full(4, people.ACTIONS.index(action))
    noise = np.random.default_rng(5).standard_normal((4, 48), np.float32)
    made = flow.ema_flow.make_joints(noise, labels, guidance=guidance)
    clips = np.stack([stick_clip(motion) for motion in np.array(made)])
    grid = show.label_grid(clips, columns=4, scale=1)
    alt = f"Four generated motions of {action}, guidance {guidance:.1f}."
    return show.show_clip(grid, fps=10, alt=alt)


# %% tags=["nbval-ignore-output"]
draw_guided("walk", 1.0)

# %% [markdown]
# The formula, written out, against the package's:


# %%
def guided(points, time, w=3.0, label=0):
    """The velocity of action `label`, exaggerated w times."""
    times, n = tf.fill((len(points), 1), float(time)), len(points)
    known = flow.ema_flow([points, tf.fill((n,), label), times])
    free = flow.ema_flow([points, tf.fill((n,), 10), times])  # 10: any action
    return free + w * (known - free)


noise = np.random.default_rng(6).standard_normal((4, 48), np.float32)
mine = structure.follow_flow(guided, noise, steps=25)
theirs = flow.ema_flow.make_coefficients(noise, [0] * 4, guidance=3.0)
assert np.allclose(mine, theirs, atol=0.01)
print(f"largest difference: {np.abs(mine - theirs).max():.1f}")

# %%
menu = ["walk", "jack", "wave2", "dance"]
widgets.explore(draw_guided, action=menu, guidance=(0.0, 6.0, 1.0))

# %% tags=["nbval-ignore-output"]
guidances, spreads = [0.0, 1.0, 1.5, 2.0, 3.0, 6.0], []
for guidance in guidances:
    made = draw_motions(flow.ema_flow, 10, guidance=guidance)
    spreads.append(motions.motion_spread(*made))
    near, spread = nearest(made), spreads[-1]
    print(f"guidance {guidance:3}: nearest {near:5.2f}, spread {spread:.2f}")
real_spread, near = motions.motion_spread(*others), nearest(others)
print(f"real, others: nearest {near:5.2f}, spread {real_spread:.2f}")

# %%
wider = spreads[0] / spreads[1]
print("guidance 0 has over twice the spread of guidance 1:", bool(wider > 2))
assert wider > 2

# %% [markdown]
# At 0 anything may come. A little above 1 the motions come out more typical: nearer to real ones, less spread. Then
# they become *more* than typical: arms swing farther than any arm in the data, and the spread grows again. Text-to-video models work with weights of about 5 to 7, since a
# sentence says much less than our ten labels do. Too strong a guidance is what makes pictures glaring and all
# alike.
#
# ### Exercise 4: guidance too strong
# Write down a rule: of several `guidances` return the largest whose spread is within 10% of the real spread.
# Stuck? `check.hint("strongest_guidance")`


# %% tags=["exercise"]
def strongest_guidance(guidances, spreads, real_spread):
    """The largest guidance whose spread is within a tenth of the real one."""
    # BEGIN SOLUTION
    kept = np.abs(np.array(spreads) - real_spread) <= 0.1 * real_spread
    return max(np.array(guidances)[kept])
    # END SOLUTION


# %%
check.strongest_guidance(strongest_guidance)

# %% [markdown]
# Apply the rule to the table above. In a flow that was trained half as long it chose 3, and there the motions were
# *farther* from real ones than without any guidance: the spread had come back for a bad reason. One number is not
# enough. Which second one would you put into your rule?

# %% [markdown]
# ## 7. Paint it
# The motions need people. Lesson 09's painter turns skeletons and *one* picture of a person into frames. Here
# it comes trained: 550 steps at 64x64, one minute of two cores, by `benchmarks/painter.py --steps 550`. With the
# flow from above that makes a video generator: **who** from the picture, **what** from the flow.

# %%
painter = generate.load_painter(STATES / "10_flow_matching-painter.keras")
two_stage = generate.TwoStageGenerator(flow.ema_flow, painter)
size = painter.size
print(f"{two_stage.num_frames} frames of {size}x{size} pixels, a closed loop")

# %% tags=["nbval-ignore-output"]
THREE = ["walk", "jack", "run"]  # all repeat after ten frames
made = generate.sample(two_stage, num_clips=3, actions=THREE, seed=4)
grid = show.label_grid(made[:, :10], THREE, columns=3, scale=2)
show.show_clip(grid, fps=10, alt=f"Painted people: {', '.join(THREE)}.")

# %% [markdown]
# Beside it the pixel GAN that comes with the course. It trained for 27 minutes.

# %% tags=["nbval-ignore-output"]
pixel_gan = generate.load_generator()
made = generate.sample(pixel_gan, num_clips=3, actions=THREE, seed=4)
grid = show.label_grid(made[:, :10], THREE, columns=3, scale=2)
alt = f"People of the pixel GAN: {', '.join(THREE)}."
show.show_clip(grid, fps=10, alt=alt)

# %% [markdown]
# Look at hands and feet, then at the walls. Now say the same with numbers that see what you see (lesson 07):
# - **limbs found**: in how many frames of 100 a joint finder sees both hands, both knees and both feet;
# - **told apart**: put a real and a generated clip side by side; how often can one number, the median
#   sharpness of a clip, tell which is which? 0.5 is guessing, 1 is always.

# %%
test = datasets.load_actions("test")
print(len(test), "real clips of people that no network was trained on")


def see(clips):
    """Limbs found in 100 frames, and how well sharpness tells from real."""
    limbs = 100 * evaluate.limbs_found(clips).share
    return limbs, evaluate.two_sample_auc(test.clips, clips).laplacian


# %% tags=["nbval-ignore-output"]
count = {"num_clips": NUM_CLIPS, "seed": 2}
sets = {
    "real, other people": datasets.load_actions("validation").clips,
    "pixel GAN": generate.sample(pixel_gan, **count),
    "two stages": generate.sample(two_stage, **count)[:, :16],
}
seen = {name: see(clips) for name, clips in sets.items()}
print(f"{'':22}  limbs found   told apart")
for name, (limbs, auc) in seen.items():
    print(f"{name:22}  {limbs:9.0f}%   {auc:10.2f}")

# %%
real, pixels, two = seen.values()
assert real[0] > 85
assert two[0] > pixels[0]
print("two stages show all limbs more often:", bool(two[0] > pixels[0]))

# %% [markdown]
# After two minutes instead of 27, hands and feet are there more often. But the comparison is not quite fair, and you
# should know why. The two-stage generator was *told* what a skeleton is. It has to be shown joints in training,
# and it can do nothing but people. The pixel GAN was told nothing, and would learn cats from cats.
#
# Play with it: person, action, and your flow behind it.

# %%
shipped = datasets.data_folder() / "checkpoints/painter.keras"
best = two_stage
if shipped.is_file():  # the course's own painter: larger, trained longer
    best = generate.TwoStageGenerator(flow.ema_flow, generate.load_painter())

# %%
widgets.control_panel(best)

# %% [markdown]
# ## 8. Straight to pixels?
# Could the flow not skip the skeleton and the painter? We tried: the same loss on frames of 32x32 pixels, with
# a small convolutional network, for a minute of two cores, as long as the painter
# (`benchmarks/pixel_flow.py`). Single frames only, no motion, no action. Here is what it learned.

# %%
path = STATES / "10_flow_matching-pixels.keras"
pixel_flow = keras.saving.load_model(path, compile=False)


def pixel_velocity(points, time):
    times = tf.fill((len(points), 1), tf.cast(time, tf.float32))
    return pixel_flow([points, times])


# %% tags=["nbval-ignore-output"]
rng = np.random.default_rng(0)
places = [tf.constant(rng.standard_normal((20, 32, 32, 3), np.float32))]
for step in range(25):
    velocity = pixel_velocity(places[-1], step / 25)
    places.append(places[-1] + velocity / 25)
made = preprocess.to_uint8(np.clip(np.array(places), -1, 1))
small = datasets.load_actions("test", size=32).clips
rows = [*(made[k, :8] for k in (0, 15, 20, 25)), small[::10, 0]]
sheet = np.concatenate([np.concatenate(row, axis=1) for row in rows])
sheet = np.repeat(np.repeat(sheet, 3, axis=0), 3, axis=1)  # larger pixels
alt = "From above: noise at time 0, 0.6, 0.8, 1; the lowest row is real."
show.still_picture(sheet, alt)

# %%
last = np.repeat(made[-1][:, None], 16, axis=1)
limbs = 100 * evaluate.limbs_found(last).share
real_limbs = 100 * evaluate.limbs_found(small).share
print("limbs found in over half as many frames:", bool(limbs > real_limbs / 2))
assert limbs < real_limbs / 2

# %% [markdown]
# From top to bottom: the noise, three later moments, and in the lowest row real frames. You can tell that there is a
# room, and somebody in it. But the walls are full of leftover noise, and arms end in smears. It would get there: with
# more weights and a thousand times the computing, flows in pixels make sharp pictures. But the 3,072 numbers of a
# frame are the raw joints' trouble again. For *video* hardly anybody pays that price today.

# %% [markdown]
# ## 9. What people use today
# CogVideoX, Wan, LTX-Video and their kin are **latent video diffusion transformers**. You have just built the
# same four parts, small:
#
# | part | here | there |
# |---|---|---|
# | compress, and back | 48 principal components; the painter is the way back | a video autoencoder (3-D VAE): about a hundredth of the numbers |
# | denoiser | 4 layers that add, 0.3 million weights | a transformer over patches of space and time, 1 to 20 billion weights |
# | what is asked for | one of ten actions | a sentence, through a text encoder such as T5; often a first frame as well |
# | guidance | $w$ from 0 to 6 | the same formula, $w$ about 5 to 7 |
# | steps | 25, Euler | 20 to 50, Euler or a cousin; "distilled" models 4 to 8 |
#
# *Diffusion* and *flow matching* learn nearly the same thing: a diffusion model guesses the noise $e$ in $x_t$
# and walks bent paths, a flow guesses $x - e$ on straight ones. Wan and LTX-Video are trained by flow matching.
#
# ### Fine-tuning one
# You would not train such a model, but adapt it: a few small matrices are added and trained, all else stays
# frozen (**LoRA**, Hu et al. 2021). What that takes, as their makers or trainers state it:
#
# | what | memory of the graphics card | stated by, when |
# |---|---|---|
# | LTX-Video (2 billion), LoRA, 49 frames of 512x768 | 18 GB; 11 GB if text and clips are encoded beforehand | [finetrainers](https://github.com/huggingface/finetrainers), early 2025 |
# | CogVideoX-5B, LoRA, 49 frames of 480x720 | 21 GB, 28 GB while it draws samples | [finetrainers](https://github.com/huggingface/finetrainers), early 2025 |
# | Wan 2.1 (1.3 billion), only *sampling* 5 seconds of 480p | 8.2 GB, 4 minutes on an RTX 4090 | [Wan](https://huggingface.co/Wan-AI/Wan2.1-T2V-1.3B), February 2025 |
# | LTX-2.5, LoRA | 80 GB as it comes, 32 GB with a reduced setting | [LTX](https://ltx.io/blog/lora-training-problems), read in December 2026 |
#
# How long? Diffusers' CogVideoX example advises 1,500 to 4,000 steps for 50 clips. For Wan 2.2 on one RTX 4090,
# [a user's measurements of 2025](https://apatero.com/blog/wan-22-video-lora-training-time-complete-analysis-2025)
# say 4 to 10 hours. These figures age within months: look at the date before you plan with them. And read the
# licence of the weights; it may differ from that of the code.

# %% [markdown]
# ## What goes wrong, and how you notice
# - **All samples sit in the middle, or are one grey mean.** Too few steps, or the time runs the wrong way.
#   Sample with 100 steps; if that helps, it was the steps.
# - **The loss stops far above zero.** As it must (section 2). Compare it with itself, and look at samples.
# - **Samples are noise that moves.** The network was trained on $e - x$ and followed as if it were $x - e$.
# - **Good motions of the wrong action.** The label was dropped too often in training, or guidance is under 1.
# - **Arms swing farther than arms can.** Guidance is too strong. Measure the distance to real motions.
# - **It learns for hours and noise is left.** The space is too large for your computer. Compress first.

# %% [markdown]
# ## You have
# - watched noise flow to data, and derived in four lines what the network has to learn;
# - let a GAN and a flow learn the same motions for the same time, and seen where each one wins;
# - painted the motions: a whole video generator, trained in under two minutes on two cores.
#
# ## References
# - Lipman et al. 2023, *Flow Matching for Generative Modeling*,
#   [arXiv 2210.02747](https://arxiv.org/abs/2210.02747), and Liu et al. 2023, *Flow Straight and Fast*,
#   [arXiv 2209.03003](https://arxiv.org/abs/2209.03003): straight paths.
# - Ho and Salimans 2022, *Classifier-Free Diffusion Guidance*,
#   [arXiv 2207.12598](https://arxiv.org/abs/2207.12598).
# - Rombach et al. 2022, *High-Resolution Image Synthesis with Latent Diffusion Models*,
#   [arXiv 2112.10752](https://arxiv.org/abs/2112.10752): compress first.
# - Peebles and Xie 2023, *Scalable Diffusion Models with Transformers*,
#   [arXiv 2212.09748](https://arxiv.org/abs/2212.09748).
# - Yang et al. 2024, *CogVideoX*, [arXiv 2408.06072](https://arxiv.org/abs/2408.06072); HaCohen et al. 2024,
#   *LTX-Video*, [arXiv 2501.00103](https://arxiv.org/abs/2501.00103); Wan Team 2025, *Wan*,
#   [arXiv 2503.20314](https://arxiv.org/abs/2503.20314).
# - Hu et al. 2021, *LoRA*, [arXiv 2106.09685](https://arxiv.org/abs/2106.09685).
#
# Next: [11 · Your videos](11_your_videos.ipynb), with everything you have.
