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
SIZE = 32  # height and width of a frame, in pixels
LATENT_DIM = 100  # numbers per noise vector, as in the article
BATCH_SIZE = 32
ARTICLE_STEPS = 100  # after so many steps the article's loop is stopped
STEPS = budget.steps(500)  # of the repaired training
SICK_STEPS = budget.steps(100, small=60)  # of the two sick trainings
R1_GAMMA, R1_EVERY = 5.0, 8  # weight of R1; steps from one to the next
SEED = 0


# %%
def build_generator(channels=32):
    """Noise (batch, 100) -> frames (batch, 32, 32, 3) in [-1, 1]."""
    noise = layers.Input((LATENT_DIM,))
    x = layers.Dense(4 * 4 * 4 * channels, use_bias=False)(noise)
    x = layers.Reshape((4, 4, 4 * channels))(x)
    for width in (2 * channels, channels, 3):  # twice as high and wide
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.Conv2DTranspose(width, 4, 2, "same")(x)
    return keras.Model(noise, layers.Activation("tanh")(x), name="generator")


# %%
def build_discriminator(channels=48):
    """Frames (batch, 32, 32, 3) -> logits (batch, 1)."""
    frame = x = layers.Input((SIZE, SIZE, 3))
    for width in (channels, 2 * channels, 4 * channels):  # half as large
        x = layers.LeakyReLU(0.2)(layers.Conv2D(width, 4, 2, "same")(x))
    x = layers.Dense(1)(layers.Flatten()(x))
    return keras.Model(frame, x, name="discriminator")


# %%
class FrameGAN(keras.Model):
    """The networks of the game, so that they can be saved together."""

    def __init__(self, seed):
        super().__init__()
        keras.utils.set_random_seed(seed)
        self.generator = build_generator()
        self.discriminator = build_discriminator()
        self.ema_generator = build_generator()
        self.ema_generator.set_weights(self.generator.get_weights())
        self.built = True


# %%
def make_frames(generator, noise):
    """Generated frames, uint8."""
    frames = generator(noise.astype(np.float32), training=False)
    return preprocess.to_uint8(frames.numpy())


# %%
def mixture(angles, ends):
    """Cosine and sine of each angle as the weights of two ends."""
    weights = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.tensordot(weights, ends, axes=1)


# %% [markdown]
# ## 1. One of these two is a trick
# A small GAN, trained for half a minute by the code of section 4, draws single frames out of noise. In one of
# the two pictures its noise turns in a circle, and each frame is generated. In the other, only *four* frames
# are generated; all the rest is one fading into the next. **Which is which? How could you tell?**

# %%
ready = budget.load_state(FrameGAN(SEED), "04_first_gan").ema_generator
ends = np.random.default_rng(3).normal(size=(2, LATENT_DIM))
circle = mixture(np.linspace(0, 2 * np.pi, 32, endpoint=False), ends)
turned = make_frames(ready, circle)


# %%
four, share = turned[::8].astype(float), np.tile(np.arange(8) / 8, 4)
share = share[:, None, None, None]
first = np.repeat(four, 8, axis=0)
second = np.repeat(np.roll(four, -1, axis=0), 8, axis=0)
faded = ((1 - share) * first + share * second).astype(np.uint8)
pair = show.label_grid(np.stack([turned, faded]), ["left", "right"], scale=2)
alt = "Two loops of soft figures in rooms that change into one another."
show.show_clip(pair, fps=8, zoom=2, alt=alt)


# %% [markdown]
# It is the right one that fades. That is hard to see; section 6 measures how hard. A generator is worth something
# when it draws what lies *between* its examples. First, though: where does it come from? The article that this
# course grew from ([lesson 00](00_start_here.ipynb)) prints a training loop. **Will it get as far as this?**

# %%
path_picture("train")


# %% [markdown]
# ## 2. The article's loop, as printed
# The data: single frames of the course's videos, all actions and people mixed.

# %%
clips = datasets.load_actions("train", size=SIZE).clips
frames = clips.reshape(-1, SIZE, SIZE, 3)  # which clip they are from is lost
rng = np.random.default_rng(SEED)
print(f"{len(frames):,} frames of shape {frames[0].shape}, {frames.dtype}")


# %%
def draw_frames(frames, alt):
    """Frames in rows of four."""
    grid = show.label_grid(frames[:, None], columns=4, scale=4)
    return show.still_picture(grid[0], alt)


# %%
picked = frames[rng.integers(len(frames), size=8)]
draw_frames(picked, "Eight frames: small figures in plain rooms.")


# %% [markdown]
# The article writes `generator = ...` and `discriminator = ...`. The set-up cells above fill the gaps with the
# smallest sensible thing, the DCGAN pattern. `build_generator` begins with a 4x4 picture of many channels and
# doubles its height and width three times. `build_discriminator` goes the other way and ends in one logit, high
# for real.

# %%
keras.utils.set_random_seed(SEED)
generator, discriminator = build_generator(), build_discriminator()
noise = np.random.default_rng(SEED).normal(size=(16, LATENT_DIM))
print("noise ", noise.shape)
print("frames", make_frames(generator, noise).shape)
print("logits", discriminator(generator(noise.astype(np.float32))).shape)


# %%
def real_batch(rng):
    """Real frames in the model range, float32 (BATCH_SIZE, 32, 32, 3)."""
    picked = frames[rng.integers(len(frames), size=BATCH_SIZE)]
    return tf.constant(preprocess.to_model_range(picked))


# %%
def draw_fakes(generator, alt):
    """What a generator makes of the same eight noise vectors every time."""
    return draw_frames(make_frames(generator, noise[:8]), alt)


# %% [markdown]
# Two more blanks: any list of batches will do as `dataset`, and the obvious `loss` is binary cross-entropy. The
# optimizer is given.

# %%
dataset = [real_batch(rng) for _ in range(ARTICLE_STEPS)]

loss = keras.losses.BinaryCrossentropy(from_logits=True)  # article: loss = ...
optimizer = tf.keras.optimizers.Adam(learning_rate=0.0002, beta_1=0.5)
epochs = 1000


# %%
was = type(loss).__name__
d_before = discriminator.get_weights()
g_before = generator.get_weights()
curve = []  # ours: to look at later


# %% [markdown]
# And now the loop, word for word, apart from line breaks and the lines marked *ours*: they record the loss, and
# stop after `ARTICLE_STEPS` steps instead of a thousand epochs.

# %% tags=["nbval-ignore-output"]
for epoch in range(epochs):
    for x in dataset:
        with tf.GradientTape() as tape:
            z = tf.random.normal([x.shape[0], 100])
            generated_x = generator(z, training=True)
            logits = discriminator(generated_x, training=True)
            loss = tf.reduce_mean(
                tf.nn.sigmoid_cross_entropy_with_logits(
                    labels=tf.ones_like(logits),
                    logits=logits,
                )
            )
        gradients = tape.gradient(loss, generator.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, generator.trainable_variables),
        )
        curve.append(float(loss))  # ours
        if len(curve) % 20 == 0:  # ours
            print(f"epoch {epoch}, step {len(curve)}: loss {loss:.4f}")
    if len(curve) >= ARTICLE_STEPS:  # ours
        break


# %%
assert curve[-1] < curve[0] / 2
print(f"after {len(curve)} steps the loss is less than 1/2 of the first")


# %% [markdown]
# A success, if you only watch the loss. Look at the pictures:

# %%
alt = "Eight patches of colour and noise, nearly the same one each time."
draw_fakes(generator, alt)


# %% [markdown]
# ## 3. Is it really training?
# Ask the weights. How far did each network go, as a share of the size of its weights? Guess first.


# %%
def moved(before, network):
    """How far a network's weights went, relative to their size."""
    pairs = list(zip(network.get_weights(), before, strict=True))
    change = sum(np.sum((a - b) ** 2) for a, b in pairs)
    return float(np.sqrt(change / sum(np.sum(b**2) for _, b in pairs)))


# %% tags=["nbval-ignore-output"]
print(f"generator     moved by {moved(g_before, generator):6.1%}")
print(f"discriminator moved by {moved(d_before, discriminator):6.1%}")


# %%
assert moved(g_before, generator) > 0.001
pairs = zip(discriminator.get_weights(), d_before, strict=True)
changed = sum(np.sum(a != b) for a, b in pairs)
assert changed == 0
print(f"{changed} of {discriminator.count_params():,} weights of D changed")


# %% [markdown]
# Not by one bit. It is as random as at the start, and the generator has learned to please a **random, frozen
# network**. Look at the loop again:
#
# - the gradients are taken for `generator.trainable_variables` only; nobody updates the discriminator;
# - `x` occurs once, in `x.shape[0]`: **no real frame is ever looked at**. Feed it cats, and nothing changes;
# - `labels=tf.ones_like(logits)`: a discriminator also needs zeros, for the fakes.
#
# So the low loss says: "the frozen network scores my output high". What does it say of real frames?

# %% tags=["nbval-ignore-output"]
real_score = float(tf.reduce_mean(discriminator(real_batch(rng))))
fakes = generator(noise.astype(np.float32))
fake_score = float(tf.reduce_mean(discriminator(fakes)))
print(f"mean logit of fakes {fake_score:.2f}, of real frames {real_score:.2f}")


# %%
assert fake_score > real_score + 0.2
print("it likes fakes better than real frames, by over 0.2")


# %% [markdown]
# There is a smaller slip. Before the loop, `loss` was a function. And now?

# %%
kind = "a function" if callable(loss) else "a single number"
print(f"loss was a {was}, now it is {kind}")


# %% [markdown]
# The name was **overwritten** in the first step. Nobody noticed, because the function was never called. Use a name
# for one thing only. Below, the numbers are called `g_loss` and `d_loss`.
#
# ### Exercise 1: repair it
# Write one step that trains both. Descend `losses.minimax_discriminator_loss(real_logits, fake_logits)` with the
# discriminator's weights, then `losses.non_saturating_generator_loss(None, fake_logits)` with the generator's.
# `optimizer.apply(gradients, variables)` moves weights. A tape remembers only what is computed inside it.
# (`check.hint("repaired_step")`)


# %% tags=["exercise"]
def repaired_step(generator, discriminator, g_optimizer, d_optimizer, x, z):
    """A step of both on real x and noise z; returns (d_loss, g_loss)."""
    # BEGIN SOLUTION
    with tf.GradientTape() as tape:
        fake_logits = discriminator(generator(z, training=True), training=True)
        real_logits = discriminator(x, training=True)
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
# ### An old recipe with a trap
# Many tutorials from the years of Keras 2 do it like this: compile the discriminator, set `trainable = False`,
# compile generator and discriminator as one model, and call `train_on_batch` on both in turn. In Keras 2 the
# compiled discriminator went on learning. In Keras 3 it depends on the **order**. What is trainable is fixed
# when a model's training function is first traced, that is, at its first `train_on_batch`. Here are both
# orders. Which of them has a discriminator that learns?


# %%
def old_recipe(*, warm_up):
    """Train as in Keras 2; returns by how much G and D moved."""
    keras.utils.set_random_seed(SEED)
    g, d = build_generator(), build_discriminator()
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    d.compile(optimizer="adam", loss=loss)
    ones, zeros = np.ones((BATCH_SIZE, 1)), np.zeros((BATCH_SIZE, 1))
    if warm_up:
        d.train_on_batch(real_batch(rng), ones)
    d.trainable = False  # meant for the combined model only
    combined = keras.Sequential([g, d])
    combined.compile(optimizer="adam", loss=loss)
    before = g.get_weights(), d.get_weights()
    z = keras.random.normal((BATCH_SIZE, LATENT_DIM), seed=1)
    for _ in range(2):
        d.train_on_batch(real_batch(rng), ones)
        d.train_on_batch(g(z), zeros)
        combined.train_on_batch(z, ones)
    return moved(before[0], g), moved(before[1], d)


# %%
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    frozen = old_recipe(warm_up=False)
    learning = old_recipe(warm_up=True)
said = [str(w.message) for w in heard if "trainable" in str(w.message)]


# %% tags=["nbval-ignore-output"]
print("order                         G moved  D moved")
print(f"frozen before the first call  {frozen[0]:7.2%}  {frozen[1]:7.2%}")
print(f"called once, then frozen      {learning[0]:7.2%}  {learning[1]:7.2%}")
print("a warning:", said[0][:60] if said else "none")


# %%
assert min(*frozen[:1], *learning) > 0.001
assert frozen[1] == 0
print(f"frozen before the first call: D moved by {frozen[1]:.0%}")


# %% [markdown]
# One call more or less, and the opponent learns or does not. Whatever loop you copy, **measure whether both
# networks move**. The safe way is two explicit halves, each with its own variables and its own optimizer.
#
# ## 4. A GAN that trains
# `FrameGAN`, in the set-up cells, holds three networks: a generator, a discriminator, and an **averaged
# generator**. A generator wobbles from step to step. The running average of its weights (**EMA**, exponential
# moving average) draws calmer, better frames, so samples always come from the average.
#
# ### Exercise 2: the average
# Write the update of the averaged generator, for lists of arrays. `decay` is the share of the old average that is
# kept. (`check.hint("averaged_weights")`)


# %% tags=["exercise"]
def averaged_weights(average, live, decay):
    """The new average: a list of arrays like `average` and `live`."""
    # BEGIN SOLUTION
    pairs = zip(average, live, strict=True)
    return [decay * old + (1 - decay) * new for old, new in pairs]
    # END SOLUTION


# %%
check.averaged_weights(averaged_weights)


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


# %%
x = real_batch(rng)
mine = float(r1(discriminator, x, 5.0))
theirs = float(losses.r1_penalty(discriminator, x, gamma=5.0))
assert np.isclose(mine, theirs, rtol=1e-4)


# %%
def discriminator_half(game, optimizer, real, noise, gamma):
    """Score real frames higher, fakes lower; only D's weights move."""
    fake = game.generator(noise, training=True)
    variables = game.discriminator.trainable_variables
    with tf.GradientTape() as tape:
        real_logits = game.discriminator(real, training=True)
        fake_logits = game.discriminator(fake, training=True)
        d_loss = losses.minimax_discriminator_loss(real_logits, fake_logits)
        total = d_loss
        if gamma:
            total += r1(game.discriminator, real, gamma)
    gradients = tape.gradient(total, variables)
    optimizer.apply(gradients, variables)
    return {
        "d_loss": d_loss,
        "real_logits": tf.reduce_mean(real_logits),
        "fake_logits": tf.reduce_mean(fake_logits),
        "d_slope": tf.linalg.global_norm(gradients),
    }


# %%
def generator_half(game, optimizer, noise, decay):
    """Make frames that score higher; only G moves, and its average."""
    variables = game.generator.trainable_variables
    with tf.GradientTape() as tape:
        fake = game.generator(noise, training=True)
        logits = game.discriminator(fake, training=True)
        g_loss = losses.non_saturating_generator_loss(None, logits)
    gradients = tape.gradient(g_loss, variables)
    optimizer.apply(gradients, variables)
    networks = game.ema_generator, game.generator
    pairs = zip(*(network.weights for network in networks), strict=True)
    for average, live in pairs:
        average.assign(decay * average + (1 - decay) * live)
    return {"g_loss": g_loss, "g_slope": tf.linalg.global_norm(gradients)}


# %% [markdown]
# `d_slope` and `g_slope`, the lengths of the two gradients, are there to watch. In the loop, `tf.function`
# compiles the step. `gamma` is a plain Python number, so TensorFlow compiles it twice: with R1 and without.


# %%
def compiled_step(game, g_rate, d_rate):
    """One step of both networks, compiled, with an optimizer for each."""
    adam = {"beta_1": 0.0, "beta_2": 0.99}
    d_optimizer = keras.optimizers.Adam(d_rate, **adam)
    g_optimizer = keras.optimizers.Adam(g_rate, **adam)

    @tf.function
    def step(real, noise, decay, gamma):
        logs = discriminator_half(game, d_optimizer, real, noise[0], gamma)
        return logs | generator_half(game, g_optimizer, noise[1], decay)

    return step


# %%
def train(game, num_steps, *, g_rate=1e-3, d_rate=1e-3, gamma=R1_GAMMA):
    """Play; yields what was measured, one dict per step."""
    rng = np.random.default_rng(SEED)
    step = compiled_step(game, g_rate, d_rate)
    for n in range(num_steps):
        noise = rng.normal(size=(2, BATCH_SIZE, LATENT_DIM)).astype(np.float32)
        decay = tf.constant(min(0.995, (1 + n) / (10 + n)), tf.float32)
        now = R1_EVERY * gamma if n % R1_EVERY == 0 else 0.0
        logs = step(real_batch(rng), tf.constant(noise), decay, now)
        row = {name: float(value) for name, value in logs.items()}
        yield {"step": n + 1} | row


# %% [markdown]
# ### A judge from outside
# The two losses only say who is ahead. To judge the frames themselves, use the course's CNN from lesson 02: the
# **Fréchet distance** between its features of real and of generated frames. 0 means: same mean, same spread.
# Lesson 07 takes it apart.


# %%
def frame_vectors(frames):
    """Features (num_frames, 64), taken in packs of 16 frames."""
    packs = frames.reshape(-1, 16, SIZE, SIZE, 3)
    return features.frame_features(packs).reshape(len(frames), -1)


# %%
def distance(generator, num_frames=800):
    """Frechet distance of generated from real frames."""
    z = np.random.default_rng(1).normal(size=(num_frames, LATENT_DIM))
    packs = z.reshape(8, -1, LATENT_DIM)
    fake = np.concatenate([make_frames(generator, pack) for pack in packs])
    return metrics.frechet_distance(real_vectors, frame_vectors(fake))


# %%
picked = np.random.default_rng(2).permutation(len(frames))
real_vectors = frame_vectors(frames[picked[:800]])


# %%
game = FrameGAN(SEED)
others = frame_vectors(frames[picked[800:1600]])
scores = {
    "untrained": distance(game.ema_generator),
    "the article's loop": distance(generator),
}
two_halves = metrics.frechet_distance(real_vectors, others)


# %% [markdown]
# ### Train
# About a minute. First come the colours of the rooms, then a dark smear where a person stands, then legs.

# %%
# Does nothing, unless VGCOURSE_BUDGET=small asks for short trainings:
budget.warm_start(game, "04_first_gan")
before = game.generator.get_weights(), game.discriminator.get_weights()
playing, history = train(game, STEPS), []  # nothing is trained yet


# %% tags=["nbval-ignore-output", "warm-game"]
first = draw_fakes(game.ema_generator, "Before training.")
live = display(first, display_id=True)
for row in show.until_stopped(playing, steps=STEPS):
    history.append(row)
    if row["step"] % 25 == 0:
        alt = f"Generated frames after {row['step']} steps."
        live.update(draw_fakes(game.ema_generator, alt))


# %% tags=["nbval-ignore-output"]
moves = moved(before[0], game.generator), moved(before[1], game.discriminator)
print(f"generator     moved by {moves[0]:4.0%}")
print(f"discriminator moved by {moves[1]:4.0%}  in the article's loop 0%")
scores |= {"repaired": distance(game.ema_generator), "real frames": two_halves}
unit = "Frechet distance on frame features, logarithmic"
show.plot_bars(scores, title="How far from real frames", unit=unit, log=True)


# %%
assert min(moves) > 0.001
assert scores["repaired"] < scores["untrained"] / 5
assert scores["the article's loop"] > scores["untrained"] / 5
assert two_halves < scores["untrained"] / 100
print("repaired: over 5 times nearer to real frames than untrained")


# %% [markdown]
# The repaired training also has higher rates, R1, the average and more steps. Could these alone have saved the
# article's loop? Section 5 tries: one of its runs has the same rate and average, and a frozen opponent.
#
# The people are still soft, and some have three arms: a minute is not enough.
#
# ## 5. Read the curves
# A training that goes well looks like this. The losses wobble around a level and do **not** go to 0. Real
# frames score above fakes, but not far above: each player still has something to learn from the other.

# %% tags=["nbval-ignore-output"]
show.plot_history(history)


# %% tags=["nbval-ignore-output"]
d_end = np.mean([row["d_loss"] for row in history[-20:]])
slopes = [row["g_slope"] for row in history]
print(f"D's loss at the end {d_end:.2f}; log 4 = {np.log(4):.2f}")
print(f"G's gradient {min(slopes):.1e} to {max(slopes):.1e}")


# %%
assert min(row["d_loss"] for row in history) > 1e-3
assert 1e-5 < min(slopes) < max(slopes) < 1e5
print("D's loss never went below 0.001")


# %% [markdown]
# Wait. Near $\log 4$, said lesson 03, fakes cannot be told from real frames. Anyone can tell these blobs! But
# $\log 4$ is what a *perfect* discriminator pays at the end of the game. This one is small, R1 keeps it gentle,
# and it has learned no longer than its opponent: it pays nearly $\log 4$ because it is weak. The losses tell how
# the two compare; only a judge from outside tells how good the frames are.
#
# Now two sick runs beside it. What to look for:
#
# - **the discriminator is too strong**: its loss goes to 0, the two scores part and go on parting, and the
#   generator's loss climbs. Nothing that the generator tries makes a difference;
# - **the discriminator is frozen**: the generator's loss goes to 0, and fakes soon score *above* real frames. The
#   real frames' score hardly moves.

# %%
games = {"too strong": FrameGAN(SEED), "frozen": FrameGAN(SEED)}
sick = {
    "too strong": {"g_rate": 1e-5, "gamma": 0.0},
    "frozen": {"d_rate": 0.0, "gamma": 0.0},
}
made = [history]
for name, settings in sick.items():
    made.append(list(train(games[name], SICK_STEPS, **settings)))
order = np.random.default_rng(11).permutation(3)  # who is who is not told
runs = {letter: made[k] for letter, k in zip("ABC", order, strict=True)}


# %%
CURVES = {
    "g_loss": (0, show.BLUE, "-", "generator"),
    "d_loss": (0, show.VERMILION, "--", "discriminator"),
    "real_logits": (1, show.GREEN, "-", "real"),
    "fake_logits": (1, show.PURPLE, "--", "generated"),
}


# %%
def draw_runs(runs):
    """Losses above, scores below, one column a run."""
    figure = Figure(figsize=(8.6, 4.2), layout="constrained")
    columns = figure.subplots(2, 3).T
    for column, (name, rows) in zip(columns, runs.items(), strict=True):
        for key, (place, colour, style, label) in CURVES.items():
            values = [row[key] for row in rows]
            column[place].plot(values, style, color=colour, label=label)
        for axes in column:
            axes.legend(frameon=False, fontsize=7)
        column[0].set(title=f"run {name}", ylabel="loss (nats)")
        column[1].set(xlabel="step", ylabel="score (logit)")
    ends = [name_ends(name, rows[-1]) for name, rows in runs.items()]
    return show.figure(figure, alt=f"Three runs. Ends: {'; '.join(ends)}.")


# %%
def name_ends(name, row):
    """Where a run's curves end, in words."""
    loss = f"loss {row['g_loss']:.1f} of G, {row['d_loss']:.1f} of D"
    real, fake = row["real_logits"], row["fake_logits"]
    return f"{name}: {loss}, scores {real:.1f} of real, {fake:.1f} of fakes"


# %% tags=["nbval-ignore-output"]
draw_runs(runs)


# %%
finite = [np.isfinite(list(row.values())).all() for row in sum(made, [])]
assert all(finite)
print("3 runs, and in none of them anything infinite or NaN")


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
# In numbers, over the last ten steps of each run: how much higher do real frames score than generated ones?


# %%
def lead(rows):
    """How much higher real frames score, over the last ten steps."""
    rows = rows[-10:]
    return np.mean([row["real_logits"] - row["fake_logits"] for row in rows])


# %% tags=["nbval-ignore-output"]
for name, rows in runs.items():
    print(f"{name}: real frames lead by {lead(rows):5.1f}")
stuck = distance(games["frozen"].ema_generator)
print(f"Frechet distance: untrained {scores['untrained']:.0f},")
print(f"  frozen opponent {stuck:.0f}, repaired {scores['repaired']:.0f}")


# %%
assert lead(runs["C"]) < 0 < lead(runs["B"]) < 4 < lead(runs["A"])
assert stuck > 2 * scores["repaired"]
print("frozen opponent: more than 2 times as far off as repaired")


# %% [markdown]
# | run | generator's loss | discriminator's loss | scores | what to do |
# |---|---|---|---|---|
# | A, too strong | climbs | goes to 0 | part without end | lower its learning rate, add R1, or let the generator catch up |
# | B, healthy | wobbles | wobbles, below log 4 | near each other, real above | go on |
# | C, frozen | goes to 0 | climbs | fakes above real | find out why it does not move |
#
# A generator's loss near 0 is no success: here it marks the run with the frozen opponent. And that run had the
# article's flaw with the repaired loop's rate and average. They did not save it.
#
# ## 6. Play: walk through the noise
# Back to the trick of section 1, now with your own generator. Two noise vectors give two frames. What lies
# between them? The left picture is generated, the right one is a **fade** between the two ends. Can you find a
# pair where the left shows something that the right cannot?


# %%
def walk(first, second, position):
    """Noise between two vectors, on an arc; 0 is the first, 1 the second."""
    seeds = first, second
    ends = [np.random.default_rng(s).normal(size=LATENT_DIM) for s in seeds]
    return mixture(np.array([position * np.pi / 2]), np.array(ends))


# %%
def draw_walk(first, second, position):
    """A generated frame between two others, and their fade."""
    noise = [walk(first, second, place)[0] for place in (0, position, 1)]
    start, frame, end = make_frames(game.ema_generator, np.array(noise))
    fade = (1 - position) * start + position * end.astype(float)
    row = np.stack([start, frame, fade.astype(np.uint8), end])[:, None]
    labels = ["first", "generated", "fade", "second"]
    sheet = show.label_grid(row, labels, columns=4, scale=6)[0]
    alt = f"Noise {first} to {second}, at {position:.2f}: generated, and fade."
    return show.still_picture(sheet, alt)


# %%
draw_walk(3, 4, position=0.5)


# %%
widgets.explore(
    draw_walk,
    first=(0, 20, 3),
    second=(0, 20, 4),
    position=(0.0, 1.0, 0.5),
)


# %% [markdown]
# The arc (cosine and sine) keeps each vector as long as noise usually is. A straight line would cut through the
# middle, where the generator has never been.
#
# Now in numbers, for 20 pairs. Take the frame in the middle and look for the best mixture of the two ends. How
# much of the middle does the mixture leave unexplained? For comparison: of a frame that has nothing to do with
# the ends.


# %%
def unexplained(frame, ends):
    """Share of a frame's variance that no mixture of two others explains."""
    flat = np.stack([end.ravel() for end in (*ends, np.ones_like(frame))], 1)
    weights, *_ = np.linalg.lstsq(flat.astype(float), frame.ravel())
    rest = frame.ravel() - flat @ weights
    return rest.var() / frame.astype(float).var()


# %% tags=["nbval-ignore-output"]
middle, unrelated = [], []
for first in range(0, 40, 2):
    places = [walk(first, first + 1, place)[0] for place in (0, 0.5, 1)]
    noise = np.array([*places, walk(first + 100, 0, 0.0)[0]])
    start, between, end, other = make_frames(game.ema_generator, noise)
    middle.append(unexplained(between, [start, end]))
    unrelated.append(unexplained(other, [start, end]))
print(f"not explained by a fade: the middle   {np.mean(middle):4.0%}")
print(f"                another frame entirely {np.mean(unrelated):4.0%}")


# %%
assert 0.01 < np.mean(middle) < np.mean(unrelated)
print("more than 1% of the middle is no fade")


# %% [markdown]
# A fade explains most of the middle: after a minute the walk through the noise is *mostly* a fade, of rooms and
# soft shapes. Only the small rest is a new picture. To see people who are not in the data, a generator needs
# more than this; lesson 06 walks through one that has it.
#
# **Open question.** Does the rest grow with training? Compare `ready`, which trained half as long. Then find a
# better measure than the variance: most of it is room.
#
# ## What goes wrong, and how you notice
# - **The loss falls, the pictures do not improve**: something is frozen. Compare weights before and after.
# - **`'Tensor' object is not callable`**: a name was overwritten, as `loss` was.
# - **"The model does not have any trainable weights"**: `trainable = False` is still set. Take the warning seriously.
# - **"No gradients provided for any variable"**: the fakes were made outside the tape.
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
