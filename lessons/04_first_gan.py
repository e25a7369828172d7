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
# # 04 · A first GAN
# {badge}
#
# **You copy a training loop from an article, it runs, the loss falls. Is it training?**
#
# You will
# - run the article's loop as printed, prove that half of it never trains, and repair it;
# - train a GAN that draws single frames, in about a minute;
# - tell a healthy training from two sick ones by its curves.
#
# About 40 minutes, of which two cores compute for two.

# %% tags=["setup"]
# In Colab this installs the course; elsewhere it does nothing.
from importlib.util import find_spec

if not find_spec("vgcourse"):
    # %pip install --quiet "vgcourse @ git+{repository}@v{version}"
    print("The course is installed.")

# %%
from vgcourse.classroom.start import path_picture, quiet

quiet()

import warnings

import keras
import numpy as np
import tensorflow as tf
from IPython.display import display
from keras import layers
from matplotlib.figure import Figure

from vgcourse import datasets, features, preprocess, show
from vgcourse.classroom import budget, check, widgets
from vgcourse.evaluate import metrics
from vgcourse.gan import losses

# %%
path_picture("train")

# %%
SIZE = 32  # height and width of a frame, in pixels
LATENT_DIM = 100  # numbers per noise vector, as in the article
BATCH_SIZE = 32
ARTICLE_STEPS = 100  # after so many steps the article's loop is stopped
STEPS = budget.steps(500)  # of the repaired training
SICK_STEPS = budget.steps(100, small=60)  # of the two sick trainings
R1_GAMMA, R1_EVERY = 5.0, 8  # weight of the R1 penalty; steps from one to the next
SEED = 0

# %% [markdown]
# ## Look at the data first
# Single frames of the course's videos, all actions and people mixed. Time comes back in lesson 05.

# %%
clips = datasets.load_actions("train", size=SIZE).clips
frames = clips.reshape(-1, SIZE, SIZE, 3)  # forget which frame belongs to which clip
rng = np.random.default_rng(SEED)
print("one frame:", frames[0].shape, frames.dtype)


# %%
def draw_frames(frames, alt):
    """Frames in rows of eight."""
    return show.show_sheet(frames.reshape(-1, 8, SIZE, SIZE, 3), every=1, alt=alt)


draw_frames(frames[rng.integers(len(frames), size=16)], "Sixteen frames: small figures in plain rooms.")

# %% [markdown]
# ## Two networks
# The article writes `generator = ...` and `discriminator = ...`. Fill the gaps with the smallest sensible thing:
# the DCGAN pattern. The generator starts with a 4x4 picture of many channels and doubles it three times.


# %%
def build_generator(channels=32):
    """Noise (batch, 100) -> frames (batch, 32, 32, 3) in [-1, 1]."""
    noise = layers.Input((LATENT_DIM,))
    x = layers.Dense(4 * 4 * 4 * channels, use_bias=False)(noise)
    x = layers.Reshape((4, 4, 4 * channels))(x)
    for width in (2 * channels, channels, 3):
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.Conv2DTranspose(width, 4, 2, "same")(x)  # twice as high and wide
    return keras.Model(noise, layers.Activation("tanh")(x), name="generator")


# %% [markdown]
# The discriminator goes the other way, and ends in one number: the logit, high for real.


# %%
def build_discriminator(channels=48):
    """Frames (batch, 32, 32, 3) -> logits (batch, 1)."""
    frame = x = layers.Input((SIZE, SIZE, 3))
    for width in (channels, 2 * channels, 4 * channels):
        x = layers.LeakyReLU(0.2)(layers.Conv2D(width, 4, 2, "same")(x))  # half as high and wide
    return keras.Model(frame, layers.Dense(1)(layers.Flatten()(x)), name="discriminator")


# %%
keras.utils.set_random_seed(SEED)
generator, discriminator = build_generator(), build_discriminator()
noise = keras.random.normal((16, LATENT_DIM), seed=SEED)
print(
    "noise",
    noise.shape,
    "-> frames",
    generator(noise).shape,
    "-> logits",
    discriminator(generator(noise)).shape,
)


# %%
def real_batch(rng):
    """Real frames in the model range, float32 (BATCH_SIZE, 32, 32, 3)."""
    return tf.constant(preprocess.to_model_range(frames[rng.integers(len(frames), size=BATCH_SIZE)]))


def draw_fakes(generator, alt, num=16):
    """What a generator makes of the same noise vectors every time."""
    return draw_frames(preprocess.to_uint8(generator(noise[:num]).numpy()), alt)


# %% [markdown]
# ## The article's loop, as printed
# Two blanks are left, the data set and the `loss`; the optimizer is given. Any list of batches will do as
# `dataset`, and the obvious loss is binary cross-entropy.

# %%
dataset = [real_batch(rng) for _ in range(ARTICLE_STEPS)]

loss = keras.losses.BinaryCrossentropy(from_logits=True)  # the article: loss = ...
optimizer = tf.keras.optimizers.Adam(learning_rate=0.0002, beta_1=0.5)
epochs = 1000

# %%
print("loss is a", type(loss).__name__)
d_before = discriminator.get_weights()
g_before = generator.get_weights()
curve = []  # ours: to look at later

# %% [markdown]
# And now the loop, word for word, apart from the lines marked *ours*: they record the loss, and stop after
# `ARTICLE_STEPS` steps instead of a thousand epochs.

# %% tags=["nbval-ignore-output"]
for epoch in range(epochs):
    for x in dataset:
        with tf.GradientTape() as tape:
            z = tf.random.normal([x.shape[0], 100])
            generated_x = generator(z, training=True)
            logits = discriminator(generated_x, training=True)
            loss = tf.reduce_mean(
                tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones_like(logits), logits=logits)
            )
        gradients = tape.gradient(loss, generator.trainable_variables)
        optimizer.apply_gradients(zip(gradients, generator.trainable_variables))
        curve.append(float(loss))  # ours
        if len(curve) % 20 == 0:  # ours
            print(f"epoch {epoch}, step {len(curve)}: loss {loss:.4f}")
    if len(curve) >= ARTICLE_STEPS:  # ours
        break
print(f"stopped by us after {len(curve)} steps; the article goes on for {epochs} epochs")

# %%
print("the loss fell to less than half:", curve[-1] < curve[0] / 2)

# %% [markdown]
# A success, if you only watch the loss. Look at the pictures:

# %% tags=["nbval-ignore-output"]
draw_fakes(generator, num=8, alt="Eight patches of colour and noise, nearly the same one each time.")

# %% [markdown]
# ## Is it really training?
# Ask the weights. Compare each network before and after: the size of the change, as a share of the size of the
# weights.


# %%
def moved(before, network):
    """How far a network's weights went, relative to their size; 0 if nothing moved."""
    after = network.get_weights()
    change = sum(np.sum((a - b) ** 2) for a, b in zip(after, before, strict=True))
    return float(np.sqrt(change / sum(np.sum(b**2) for b in before)))


# %%
print("generator moved:    ", moved(g_before, generator) > 0)
print("discriminator moved:", moved(d_before, discriminator) > 0)
assert all(np.array_equal(a, b) for a, b in zip(discriminator.get_weights(), d_before, strict=True))

# %% [markdown]
# The discriminator has not changed by one bit: it is as random as at the start, and the generator has learned
# to please a **random, frozen network**. Look at the loop again:
#
# - the gradients are taken for `generator.trainable_variables` only; nobody updates the discriminator;
# - `x` occurs once, in `x.shape[0]`: **no real frame is ever looked at**. Feed it cats, and nothing changes;
# - `labels=tf.ones_like(logits)`: a discriminator also needs zeros, for the fakes.
#
# So the low loss says: "the frozen network scores my output high". And it scores real frames lower:

# %%
real_score = float(tf.reduce_mean(discriminator(real_batch(rng))))
fake_score = float(tf.reduce_mean(discriminator(generator(noise))))
print("this discriminator prefers fakes to real frames:", fake_score > real_score)

# %% [markdown]
# There is a smaller slip. Before the loop, `loss` was a function. And now?

# %%
print("a function still:", callable(loss), "- a number now:", isinstance(loss, tf.Tensor))

# %% [markdown]
# The name was **overwritten** in the first step. Nobody noticed, because the function was never called: the
# loop has a formula of its own. The first cell that does call `loss(...)` fails with a message about tensors
# that are not callable. Use a name for one thing only: below, the numbers are called `g_loss` and `d_loss`.
#
# ### Exercise 1: repair it
# Write one step that trains both. Descend `losses.minimax_discriminator_loss(real_logits, fake_logits)` with the
# discriminator's weights, then `losses.non_saturating_generator_loss(None, fake_logits)` with the generator's.
# `optimizer.apply(gradients, variables)` moves weights. (`check.hint("repaired_step")`)


# %% tags=["exercise"]
def repaired_step(generator, discriminator, g_optimizer, d_optimizer, x, z):
    """One step of both networks on real frames `x` and noise `z`; returns `(d_loss, g_loss)`."""
    # BEGIN SOLUTION
    with tf.GradientTape() as tape:
        real_logits = discriminator(x, training=True)
        fake_logits = discriminator(generator(z, training=True), training=True)
        d_loss = losses.minimax_discriminator_loss(real_logits, fake_logits)
    variables = discriminator.trainable_variables
    d_optimizer.apply(tape.gradient(d_loss, variables), variables)
    with tf.GradientTape() as tape:
        fake_logits = discriminator(generator(z, training=True), training=True)
        g_loss = losses.non_saturating_generator_loss(None, fake_logits)
    variables = generator.trainable_variables
    g_optimizer.apply(tape.gradient(g_loss, variables), variables)
    return d_loss, g_loss
    # END SOLUTION


# %%
check.repaired_step(repaired_step)

# %% [markdown]
# ### An old recipe with the same flaw
# Many tutorials from the years of Keras 2 do it like this: compile the discriminator, *then* set
# `trainable = False`, compile generator and discriminator as one model, and call `train_on_batch` on both. In
# Keras 2 the compiled discriminator went on learning. Keras 3 asks for `trainable` at every step:

# %%
g, d = build_generator(), build_discriminator()
cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
d.compile(optimizer="adam", loss=cross_entropy)
d.trainable = False  # meant for the combined model only
combined = keras.Sequential([g, d])
combined.compile(optimizer="adam", loss=cross_entropy)
before = g.get_weights(), d.get_weights()

# %%
ones, zeros = np.ones((BATCH_SIZE, 1)), np.zeros((BATCH_SIZE, 1))
z = keras.random.normal((BATCH_SIZE, LATENT_DIM), seed=1)
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    for _ in range(2):
        _ = d.train_on_batch(real_batch(rng), ones), d.train_on_batch(g(z), zeros)
        _ = combined.train_on_batch(z, ones)
print("generator moved:    ", moved(before[0], g) > 0)
print("discriminator moved:", moved(before[1], d) > 0)
print("warned:", any("trainable" in str(warning.message) for warning in heard))

# %% [markdown]
# A warning that scrolls by, and the same frozen opponent. Whatever loop you copy: **measure whether both networks
# move**. The safe way is two explicit halves, each with its own variables and its own optimizer.
#
# ## A GAN that trains
# Three networks in one place: the generator, the discriminator, and an **averaged generator**. A GAN's generator
# wobbles from step to step; the running average of its weights (EMA) draws calmer, better frames. Samples always
# come from the average.


# %%
class FrameGAN(keras.Model):
    """The networks of the game, so that they can be saved together."""

    def __init__(self, seed):
        super().__init__()
        keras.utils.set_random_seed(seed)
        self.generator, self.discriminator = build_generator(), build_discriminator()
        self.ema_generator = build_generator()
        self.ema_generator.set_weights(self.generator.get_weights())
        self.built = True


# %% [markdown]
# R1, the penalty for steep slopes from lesson 03, now for frames. It is the most expensive part of the step,
# so it is added only every eighth step, with eight times the weight.


# %%
def r1(discriminator, real, gamma):
    """gamma/2 E |slope of the logit at real frames|^2"""
    with tf.GradientTape() as tape:
        tape.watch(real)
        total = tf.reduce_sum(discriminator(real, training=True))
    slope = tape.gradient(total, real)
    return gamma / 2 * tf.reduce_mean(tf.reduce_sum(slope**2, axis=[1, 2, 3]))


x = real_batch(rng)
assert np.isclose(r1(discriminator, x, 5.0), losses.r1_penalty(discriminator, x, gamma=5.0), rtol=1e-4)


# %%
def discriminator_half(game, optimizer, real, noise, gamma):
    """Score real frames higher and fakes lower; only the discriminator's weights move."""
    fake = game.generator(noise, training=True)
    variables = game.discriminator.trainable_variables
    with tf.GradientTape() as tape:
        real_logits = game.discriminator(real, training=True)
        fake_logits = game.discriminator(fake, training=True)
        d_loss = losses.minimax_discriminator_loss(real_logits, fake_logits)
        total = d_loss + r1(game.discriminator, real, gamma) if gamma else d_loss
    gradients = tape.gradient(total, variables)
    optimizer.apply(gradients, variables)
    means = {"real_logits": tf.reduce_mean(real_logits), "fake_logits": tf.reduce_mean(fake_logits)}
    return {"d_loss": d_loss, "d_slope": tf.linalg.global_norm(gradients), **means}


# %%
def generator_half(game, optimizer, noise, decay):
    """Make frames that score higher; only the generator's weights move, and the average follows."""
    variables = game.generator.trainable_variables
    with tf.GradientTape() as tape:
        fake_logits = game.discriminator(game.generator(noise, training=True), training=True)
        g_loss = losses.non_saturating_generator_loss(None, fake_logits)
    gradients = tape.gradient(g_loss, variables)
    optimizer.apply(gradients, variables)
    for average, live in zip(game.ema_generator.weights, game.generator.weights, strict=True):
        average.assign(decay * average + (1 - decay) * live)
    return {"g_loss": g_loss, "g_slope": tf.linalg.global_norm(gradients)}


# %% [markdown]
# `d_slope` and `g_slope`, the lengths of the two gradients, are there to watch. Now the loop. `tf.function`
# compiles a step; `gamma` is a plain number, so there are two versions of it, with R1 and without.


# %%
def train(game, num_steps, *, g_rate=1e-3, d_rate=1e-3, gamma=R1_GAMMA, on_sample=None):
    """Play `num_steps`; returns what was measured, a list with one dict per step."""
    rng, history = np.random.default_rng(SEED), []
    d_optimizer, g_optimizer = [keras.optimizers.Adam(r, beta_1=0.0, beta_2=0.99) for r in (d_rate, g_rate)]

    @tf.function
    def step(real, noise, decay, gamma):
        logs = discriminator_half(game, d_optimizer, real, noise[0], gamma)
        return logs | generator_half(game, g_optimizer, noise[1], decay)

    for n in range(num_steps):
        noise = tf.constant(rng.normal(size=(2, BATCH_SIZE, LATENT_DIM)).astype(np.float32))
        decay = tf.constant(min(0.995, (1 + n) / (10 + n)), tf.float32)  # a short memory at first
        logs = step(real_batch(rng), noise, decay, R1_EVERY * gamma if n % R1_EVERY == 0 else 0.0)
        history.append({"step": n + 1} | {name: float(value) for name, value in logs.items()})
        if on_sample and (n + 1) % 25 == 0:
            on_sample(n + 1)
    return history


# %% [markdown]
# ### A judge from outside
# The two losses only say who is ahead. To judge the frames themselves, use the course's CNN from lesson 02:
# the **Fréchet distance** between its features of real and of generated frames. 0 means: same mean, same
# spread. Lesson 07 takes it apart.


# %%
def frame_vectors(frames):
    """Features (num_frames, 64), in packs of 16; the CNN subtracts each pack's mean frame first."""
    vectors = features.frame_features(frames.reshape(-1, 16, SIZE, SIZE, 3))
    return vectors.reshape(len(frames), -1)


def distance(generator, num_frames=800):
    """Frechet distance of generated from real frames."""
    z = np.random.default_rng(1).normal(size=(num_frames, LATENT_DIM)).astype(np.float32)
    fake = preprocess.to_uint8(generator.predict(z, batch_size=100, verbose=0))
    return metrics.frechet_distance(real_vectors, frame_vectors(fake))


picked = np.random.default_rng(2).permutation(len(frames))
real_vectors = frame_vectors(frames[picked[:800]])

# %%
game = FrameGAN(SEED)
untrained = distance(game.ema_generator)
two_halves = metrics.frechet_distance(real_vectors, frame_vectors(frames[picked[800:1600]]))
print(
    "the article's generator is five times better than an untrained one:", distance(generator) < untrained / 5
)
print("real frames against other real frames, under a hundredth:", two_halves < untrained / 100)

# %% [markdown]
# ### Train
# About a minute. First come the colours of the rooms, then a dark smear where a person stands, then legs.

# %%
budget.warm_start(game, "04_first_gan")  # does nothing, unless VGCOURSE_BUDGET=small asks for short trainings
before = game.generator.get_weights(), game.discriminator.get_weights()

# %% tags=["nbval-ignore-output", "warm-game"]
live = display(draw_fakes(game.ema_generator, "Before training."), display_id=True)
history = train(
    game,
    STEPS,
    on_sample=lambda n: live.update(draw_fakes(game.ema_generator, f"Generated frames after {n} steps.")),
)

# %%
print("generator moved:    ", moved(before[0], game.generator) > 0.001)
print("discriminator moved:", moved(before[1], game.discriminator) > 0.001)
print("five times nearer to real frames than an untrained one:", distance(game.ema_generator) < untrained / 5)

# %% tags=["nbval-ignore-output"]
show.plot_bars(
    {
        "untrained": untrained,
        "the article's loop": distance(generator),
        "repaired": distance(game.ema_generator),
        "real frames": two_halves,
    },
    title="How far from real frames",
    unit="Frechet distance on frame features, logarithmic",
    log=True,
)

# %% [markdown]
# The same networks, the same frames. The repaired training also has higher rates, R1, the average and more
# steps. But none of these could save the article's loop: it lacks an opponent that learns. (Run C below keeps
# the generator's rate and freezes the opponent.) The people are still soft, and some have three arms: a
# minute is not enough.
#
# "Is the generator really training?" You can now answer in three ways: its weights move, its gradient neither
# vanishes nor explodes, and an outside judge sees the distance fall. Here is the second one:

# %% tags=["nbval-ignore-output"]
figure = Figure(figsize=(6.4, 2.5), layout="constrained")
axes = figure.subplots()
axes.semilogy([row["g_slope"] for row in history], color=show.BLUE, label="generator")
axes.semilogy([row["d_slope"] for row in history], "--", color=show.VERMILION, label="discriminator")
axes.set(xlabel="training step", ylabel="length of the gradient")
axes.legend(frameon=False)
show.figure(
    figure,
    alt="Both gradients stay between a hundredth and a hundred; every eighth step, with R1, is longer.",
)

# %%
sizes = [row["g_slope"] for row in history]
print(
    "the generator's gradient never vanished, never exploded:", bool(min(sizes) > 1e-5 and max(sizes) < 1e5)
)

# %% [markdown]
# ### Exercise 2: the average
# Write the update of the averaged generator, for lists of arrays. `decay` is the share of the old average that is
# kept. (`check.hint("averaged_weights")`)


# %% tags=["exercise"]
def averaged_weights(average, live, decay):
    """The new average: a list of arrays like `average` and `live`."""
    # BEGIN SOLUTION
    return [decay * old + (1 - decay) * new for old, new in zip(average, live, strict=True)]
    # END SOLUTION


# %%
check.averaged_weights(averaged_weights)

# %% [markdown]
# ## Read the curves
# This is how a healthy training looks. The losses wobble around a level, and do **not** go to 0. Real frames score
# above fakes, but not far above: each player still has something to learn from the other.

# %% tags=["nbval-ignore-output"]
show.plot_history(history)

# %%
print("the discriminator's loss ran to zero:", bool(min(row["d_loss"] for row in history) < 1e-3))

# %% [markdown]
# Two sick ones beside it. What to look for:
#
# - **the discriminator is too strong**: its loss goes to 0, the two scores part and go on parting, the generator's
#   loss climbs. The generator stands before a wall;
# - **the discriminator is frozen**: the generator's loss goes to 0, and fakes soon score *above* real frames. The
#   real frames' score hardly moves.
#
# The three runs are shuffled. The next cell trains two of them; skip its settings, look at the picture below
# it, and find out which run is which.

# %%
sick_games = [FrameGAN(SEED), FrameGAN(SEED)]
runs = {
    "A": train(sick_games[0], SICK_STEPS, g_rate=1e-5, gamma=0.0),
    "B": history,
    "C": train(sick_games[1], SICK_STEPS, d_rate=0.0, gamma=0.0),
}


# %%
def draw_runs(runs):
    """Losses above, scores below, one column a run."""
    figure = Figure(figsize=(8, 3.8), layout="constrained")
    for column, (name, rows) in enumerate(runs.items()):
        top, bottom = figure.add_subplot(2, 3, 1 + column), figure.add_subplot(2, 3, 4 + column)
        for axes, key, colour, style, label in [
            (top, "g_loss", show.BLUE, "-", "generator"),
            (top, "d_loss", show.VERMILION, "--", "discriminator"),
            (bottom, "real_logits", show.GREEN, "-", "real"),
            (bottom, "fake_logits", show.PURPLE, "--", "generated"),
        ]:
            axes.plot([row[key] for row in rows], style, color=colour, label=label, linewidth=1)
            axes.legend(frameon=False, fontsize=7)
        top.set(title=f"run {name}", ylabel="loss" if column == 0 else "")
        bottom.set(xlabel="step", ylabel="score (logit)" if column == 0 else "")
    ends = [
        "{}: losses {g_loss:.1f} of the generator, {d_loss:.1f} of the discriminator, scores "
        "{real_logits:.1f} of real frames, {fake_logits:.1f} of generated ones".format(name, **rows[-1])
        for name, rows in runs.items()
    ]
    return show.figure(figure, alt="Losses and scores of three runs. They end at " + "; ".join(ends) + ".")


# %% tags=["nbval-ignore-output"]
draw_runs(runs)

# %%
finite = [np.isfinite(list(row.values())).all() for rows in runs.values() for row in rows]
print("a loss or a score broke down (NaN or infinite) in one of them:", not all(finite))

# %% [markdown]
# ### Exercise 3: the diagnosis
# Give each letter one of `"healthy"`, `"too strong"`, `"frozen"`: the state of its discriminator.
# (`check.hint("sick_runs")`)

# %% tags=["exercise"]
sick_runs = ...  # your answer: {"A": "...", "B": "...", "C": "..."}
# BEGIN SOLUTION
sick_runs = {"A": "too strong", "B": "healthy", "C": "frozen"}
# END SOLUTION

# %%
check.sick_runs(sick_runs)


# %% [markdown]
# In numbers, over the last steps of each run: how far apart are the scores of real and generated frames?


# %%
def lead(rows):
    """How much higher real frames score than generated ones, over the last ten steps."""
    return np.mean([row["real_logits"] - row["fake_logits"] for row in rows[-10:]])


print("A: the scores are more than 4 apart:      ", bool(lead(runs["A"]) > 4))
print("B: real scores higher, by less than 4:     ", bool(0 < lead(runs["B"]) < 4))
print("C: fakes score higher than real frames:    ", bool(lead(runs["C"]) < 0))

# %% [markdown]
# | run | generator's loss | discriminator's loss | scores | what to do |
# |---|---|---|---|---|
# | A, too strong | climbs | goes to 0 | part without end | lower its learning rate, add R1, or let the generator catch up |
# | B, healthy | wobbles | wobbles, below log 4 | near each other, real above | go on |
# | C, frozen | goes to 0 | climbs | fakes above real | find out why it does not move |
#
# A generator loss near 0 is no success: here it is the mark of the run with the frozen opponent.
#
# ## Play: walk through the noise
# Two noise vectors are two frames. What lies on the way between them? If the generator had learned its frames by
# heart, you would see one frame fade into the other. Every place on the way should be a possible person instead.


# %%
def frame_at(first, second, position):
    """The frame on the way from one noise vector to another, at 0 to 1."""
    ends = [np.random.default_rng(seed).normal(size=LATENT_DIM) for seed in (first, second)]
    z = np.cos(position * np.pi / 2) * ends[0] + np.sin(position * np.pi / 2) * ends[1]
    frame = game.ema_generator(z[None].astype(np.float32), training=False)
    return preprocess.to_uint8(frame.numpy())[0]


def draw_walk(first, second, position):
    """One frame, large."""
    alt = f"The generated frame at {position:.2f} of the way from noise {first} to noise {second}."
    return show.show_sheet(frame_at(first, second, position)[None, None], alt=alt)


# %% tags=["nbval-ignore-output"]
walk = np.stack([frame_at(3, 4, position) for position in np.linspace(0, 1, 16)])
draw_frames(
    walk, "Sixteen frames on the way from one noise vector to another; the figure changes step by step."
)

# %%
whole = np.abs(walk[-1].astype(float) - walk[0]).mean()
steps = np.abs(np.diff(walk.astype(float), axis=0)).mean(axis=(1, 2, 3))
print("no step changes as much as the whole way:", bool(steps.max() < whole))

# %% [markdown]
# The way is an arc (cosine and sine), so that each vector on it is as long as noise usually is: a straight line
# would cut through the middle, where the generator has never been.

# %%
widgets.explore(draw_walk, first=(0, 20, 3), second=(0, 20, 4), position=(0.0, 1.0, 0.5))

# %% [markdown]
# ## What goes wrong, and how you notice
# - **The loss falls, the pictures do not improve**: something is frozen. Compare weights before and after.
# - **`'Tensor' object is not callable`**: a name was overwritten, as `loss` was.
# - **"The model does not have any trainable weights"**: `trainable = False` is still set. Take the warning seriously.
# - **The discriminator's loss is 0**: it is too strong. Restart with R1 or a lower rate; waiting does not help.
# - **NaN**: a learning rate too high, or a logarithm of 0. Use losses that take logits.
# - **All frames alike**: mode collapse, lesson 03.
# - **Samples flicker between checks**: you sample the live generator. Use the average.
#
# ## You have
# - run the article's loop as printed, proved that half of it never trains, and repaired it;
# - trained a GAN that draws single frames, in about a minute;
# - told a healthy training from two sick ones by its curves.
#
# ## References
# - Goodfellow et al. 2014, *Generative Adversarial Nets*, [arXiv 1406.2661](https://arxiv.org/abs/1406.2661).
# - Radford et al. 2016, *Unsupervised Representation Learning with Deep Convolutional GANs* (DCGAN),
#   [arXiv 1511.06434](https://arxiv.org/abs/1511.06434).
# - Mescheder et al. 2018, R1, [arXiv 1801.04406](https://arxiv.org/abs/1801.04406); Karras et al. 2020, only every few
#   steps, [arXiv 1912.04958](https://arxiv.org/abs/1912.04958).
# - Yazici et al. 2019, *The Unusual Effectiveness of Averaging in GAN Training*,
#   [arXiv 1806.04498](https://arxiv.org/abs/1806.04498).
# - Heusel et al. 2017, the Fréchet distance, [arXiv 1706.08500](https://arxiv.org/abs/1706.08500).
#
# Next: [05 · A GAN that moves](05_video_gan.ipynb)
