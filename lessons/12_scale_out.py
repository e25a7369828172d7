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
# # 12 · Scale out
# {badge}
#
# **When a batch is split over several devices or machines, what changes, and what must not?**
#
# You will
# - split a training step over two devices by hand, and prove that the weights come out as on one;
# - count the work of a step, and estimate what larger videos cost on a laptop, one GPU and eight;
# - try the rule for larger batches until it breaks, and train with two processes that talk to each other.
#
# About 50 minutes, of which two cores compute for about four.

# %% tags=["setup"]
# In Colab this installs the course; elsewhere it does nothing.
from importlib.util import find_spec

if not find_spec("vgcourse"):
    # %pip install --quiet "vgcourse @ git+{repository}@v{version}"
    print("The course is installed.")

# %%
from vgcourse.classroom.start import path_picture, quiet

quiet(cpus=2)

import math
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from tqdm.auto import tqdm

# %%
from vgcourse import datasets, gan, show, training
from vgcourse.classroom import budget, check, widgets
from vgcourse.gan import toy
from vgcourse.scale import replicas, strategies

# %%
GLOBAL_BATCH = 8  # clips per step, over all devices
SPLIT_STEPS = 9  # of one device against two; R1 comes every 8
SEEDS = budget.steps(3, small=1)  # games on the ring for each setting
WORKER_STEPS = budget.steps(40, small=10)  # of the two processes
RESULTS = Path("my_results") / "lesson_12"  # made anew at every run


# %%
RUN_STEPS = 7_500  # of 8 clips: so long the course's generator was trained
GPU_TFLOPS = 19.5  # peak of an A100 in float32, from its data sheet
GPU_SHARE = 0.3  # share of that peak which large operations reach: a guess
GPU_OVERHEAD_MS = 10.0  # to begin a step's many small operations: a guess
LINK_GB_PER_S = 10.0  # from one GPU to another in a second: a guess, too
PRICE = 1.79  # dollars for an hour of an A100 (80 GB), see section 8


# %%
def speed_up(n, exchange):
    """Of n devices that share one batch."""
    return n / (1 + 2 * exchange * (n - 1))


# %%
def growing(n, exchange):
    """Of n devices when the batch grows with them."""
    return n / (1 + 2 * exchange * (n - 1) / n)


# %%
counts = np.arange(1, 65)


# %%
def draw_speed_up(devices, exchange):
    """Both ways to use n devices."""
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    split, grown = speed_up(counts, exchange), growing(counts, exchange)
    axes.plot(counts, counts, ":", color="0.4", label="perfect")
    axes.plot(counts, grown, "--", color=show.GREEN, label="the batch grows")
    axes.plot(counts, split, color=show.BLUE, label="the same batch, split")
    axes.plot(devices, split[devices - 1], "o", color=show.VERMILION)
    axes.set(xlabel="devices", ylabel="times as fast as one", ylim=(0, 66))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    both = f"{split[devices - 1]:.1f} split, {grown[devices - 1]:.1f} growing"
    axes.set_title(f"{devices} devices: {both}", fontsize=10)
    alt = f"Speed-up of {devices} devices, exchange {exchange:.2f}: {both}."
    return show.figure(figure, alt=alt)


# %% [markdown]
# ## 1. Sixty-four GPUs
# A training takes a day on one GPU. You rent 64. After each step they exchange what they learned, and that
# takes 4% of the time of a step. **How long does the training take now: a 64th of a day, a 50th, or a 10th?**
# Guess, then move the sliders. Where is the blue line for an exchange of 0.01, and of 0.2?

# %%
draw_speed_up(devices=8, exchange=0.04)


# %%
widgets.explore(draw_speed_up, devices=(1, 64, 8), exchange=(0.0, 0.2, 0.04))


# %%
print("exchange  8 devices  64 devices  any number")
for exchange in (0.01, 0.04, 0.2):
    row = [speed_up(n, exchange) for n in (8, 64)] + [1 / (2 * exchange)]
    print(f"{exchange:8.2f} {row[0]:10.1f} {row[1]:11.1f} {row[2]:11.1f}")


# %% [markdown]
# Splitting one batch ever finer makes 64 GPUs no more than 11 times as fast. The green line stays straight: each
# device keeps its own eight clips, and the batch grows with the devices. So two questions follow. What must be
# exchanged, so that the split training is still the *same* (sections 2 to 6)? And is a training with a 64 times
# larger batch as good (section 9)?
#
# The blue line is **Amdahl's law**: what cannot be split limits the gain. Let $e$ be the time to send one
# gradient, as a share of the time in which *one* device computes the whole step. Section 4 shows that each
# device sends nearly two gradients. With $n$ devices the work takes an $n$-th of the time, and
#
# $$\text{speed-up} = \frac{1}{\frac1n + 2 e \frac{n-1}{n}} = \frac{n}{1 + 2e\,(n-1)}$$


# %%
def amdahl(n, serial):
    """Amdahl's law: a share of the work cannot be split."""
    return 1 / (serial + (1 - serial) / n)


# %%
assert np.allclose(speed_up(counts, 0.04), amdahl(counts, 2 * 0.04))
assert abs(speed_up(10**6, 0.04) - 1 / (2 * 0.04)) < 0.01


# %%
path_picture("train")


# %% [markdown]
# ## 2. Two devices in one machine
# You need no second GPU to learn this. TensorFlow can call parts of one processor **logical devices**. It must
# be told before its first operation, so the first cell did it, with these lines in `quiet(cpus=2)`:
#
# ```
# (processor,) = tf.config.list_physical_devices("CPU")
# parts = [tf.config.LogicalDeviceConfiguration()] * 2
# tf.config.set_logical_device_configuration(processor, parts)
# ```
#
# Nothing gets faster: both share the same cores. But all that can go wrong with two GPUs goes wrong here, too.

# %%
found = tf.config.list_logical_devices("CPU")
devices = [device.name.removeprefix("/device:") for device in found]
strategy = tf.distribute.MirroredStrategy(devices)
print("devices:", devices, " replicas:", strategy.num_replicas_in_sync)


# %% [markdown]
# A **replica** is one copy of the model on one device. All replicas hold the same weights. The **global
# batch** is what all of them see in one step, and each gets its rows of it:


# %%
def shard_rows(batch, replica, num_replicas):
    """The rows of a global batch that belong to one replica."""
    size = len(batch) // num_replicas
    return batch[replica * size : (replica + 1) * size]


# %%
clips = datasets.load_actions("train", size=32, num_frames=20)
batch = clips.clips[:: clips.num_clips // GLOBAL_BATCH][:GLOBAL_BATCH]
parts = [shard_rows(batch, replica, 2) for replica in range(2)]
assert np.array_equal(np.concatenate(parts), batch)
print("global batch", batch.shape, " a replica's part", parts[0].shape)


# %%
owners = [f"replica {k}" for k in range(2) for _ in parts[k]]
grid = show.label_grid(batch[:, :10], owners, columns=4, scale=4)
alt = "Eight clips: a row for replica 0, a row for replica 1."
show.show_clip(grid, alt=alt)


# %% [markdown]
# ## 3. The mean over the whole batch
# The loss of a batch is the *mean* over its clips. Each replica sees only its own part. What should it compute,
# so that the gradients of all replicas **add up** to that of the whole batch? Take a model small enough for
# NumPy: $y = w \cdot x$, with squared errors. First guess: each replica takes the mean over its own clips.


# %%
def mean_gradient(w, x, y):
    """Gradient of the mean squared error of `x @ w` over a batch's rows."""
    return 2 * x.T @ (x @ w - y) / len(x)


# %%
rng = np.random.default_rng(0)
x, w = rng.normal(size=(GLOBAL_BATCH, 3)), np.zeros(3)
y = x @ [1.0, -2.0, 0.5]
whole = mean_gradient(w, x, y)
own = [(shard_rows(x, r, 2), shard_rows(y, r, 2)) for r in range(2)]
halves = [mean_gradient(w, *part) for part in own]
print("one device:               ", whole.round(2))
print("sum of the replicas' means:", sum(halves).round(2))


# %% [markdown]
# Twice too large: each replica divided by *its* four clips, and then two such means were added. The rule is to
# sum the local losses and divide by the **global** batch.
#
# $$L = \frac{1}{B} \sum_{r=1}^{n} \sum_{i \in r} \ell_i = \sum_{r=1}^{n} \frac{\text{mean}_r}{n}$$

# %%
by_rule = sum(2 * a.T @ (a @ w - b) / GLOBAL_BATCH for a, b in own)
assert np.allclose(by_rule, whole)
print("local sums over the global batch:", by_rule.round(2))


# %% [markdown]
# This is easy to get wrong, because nothing crashes. With plain gradient descent, a gradient twice too large is a
# learning rate twice too large. Adam divides each gradient by its own size and *hides* the mistake, until a
# penalty with its own weight, such as R1, is scaled right and the rest is not.
#
# ### Exercise 1: parts of unequal size
# The last batch of an epoch has 7 clips: replica 0 gets 4, replica 1 gets 3. Each hands in the *mean* gradient
# over its own clips. Combine them into the gradient of the mean over all. `gradients` has one row for each
# replica, `sizes` their numbers of clips. (`check.hint("combine_gradients")`)


# %% tags=["exercise"]
def combine_gradients(gradients, sizes):
    """Gradient of the mean over all clips, from the replicas' means."""
    # BEGIN SOLUTION
    return np.average(gradients, axis=0, weights=sizes)
    # END SOLUTION


# %%
check.combine_gradients(combine_gradients)


# %% [markdown]
# Now on real devices. `strategy.run` calls a function on every replica, `all_reduce` sums over them.


# %%
def split_gradient(x, y):
    """What every replica holds after its backward pass and the exchange."""
    weights = tf.zeros((3, 1))
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = tf.reduce_mean((x @ weights - y) ** 2)
        part = loss / strategy.num_replicas_in_sync
    tf.debugging.assert_equal(part, replicas.share(loss))  # the package's
    context = tf.distribute.get_replica_context()
    gradient = tape.gradient(part, weights)
    return context.all_reduce(tf.distribute.ReduceOp.SUM, gradient)


# %%
def deal(array):
    """Each replica's rows of an array, put onto its device."""

    def rows(context):
        return shard_rows(array, context.replica_id_in_sync_group, 2)

    return strategy.experimental_distribute_values_from_function(rows)


# %%
x32, y32 = x.astype(np.float32), y.astype(np.float32)[:, None]
held = strategy.run(split_gradient, args=(deal(x32), deal(y32)))
for k, gradient in enumerate(strategy.experimental_local_results(held)):
    assert np.allclose(gradient[:, 0], whole, atol=1e-5)
    print(f"replica {k} holds {gradient.numpy()[:, 0].round(2)}")


# %% [markdown]
# Both hold the gradient of one device. They start with the same weights and take the same step, so their weights
# stay the same. Nobody ever sends weights around.
#
# ## 4. What travels: a ring
# Summing over eight devices sounds as if one had to collect everything. It need not. Put the devices in a
# **ring** and cut the gradient into as many chunks. In each turn everybody sends one chunk to the right, who
# adds it to its own. After $n - 1$ turns each device has *one* chunk complete; $n - 1$ more turns pass those
# on. Each device sends
#
# $$\frac{2 (n - 1)}{n} \times \text{the gradient's size}$$
#
# That is under two gradients, *however many devices there are*.


# %%
def ring_all_reduce(gradients):
    """Sum arrays, one a device; returns what each holds, and what it sent."""
    n = len(gradients)
    chunks = [np.array_split(g.astype(float), n) for g in gradients]
    sent = np.zeros(n)
    for turn in range(2 * (n - 1)):
        adds = turn < n - 1
        mail = [(device, (device - turn) % n) for device in range(n)]
        packets = [chunks[device][place].copy() for device, place in mail]
        for (device, place), packet in zip(mail, packets, strict=True):
            right = chunks[(device + 1) % n]
            right[place] = right[place] + packet if adds else packet
            sent[device] += len(packet)
    return [np.concatenate(parts) for parts in chunks], sent


# %%
for n in (2, 4, 8):
    gradients = rng.normal(size=(n, 240))
    ends, sent = ring_all_reduce(gradients)
    assert all(np.allclose(end, gradients.sum(axis=0)) for end in ends)
    assert np.allclose(sent, 2 * (n - 1) / n * 240)
    print(f"{n} devices: each sent {sent[0] / 240:.2f} gradients")


# %% [markdown]
# ## 5. Two things that do not add up
# ### Batch norm looks at the batch
# Gradients add up. Not everything does. **Batch normalisation** (lesson 02) subtracts the mean of a batch and
# divides by its spread. Which batch: the replica's, or the global one?

# %%
values = np.array([0.0, 1, 2, 1, 6, 7, 8, 7])  # one number for each clip
groups = {"replica 0": values[:4], "replica 1": values[4:], "whole": values}
for name, rows in groups.items():
    print(f"{name:9}  mean {rows.mean():.2f}  variance {rows.var():.2f}")


# %% [markdown]
# Means average to the mean of the whole. Variances do not: each replica measures from its *own* mean, and how
# far apart those are is lost.
#
# $$\text{var} = \underbrace{\text{mean}_r(\text{var}_r)}_{\text{within}}
# + \underbrace{\text{var}_r(\text{mean}_r)}_{\text{between}}$$

# %%
means = values.reshape(2, 4).mean(axis=1)
within = values.reshape(2, 4).var(axis=1).mean()
between, whole = means.var(), values.var()
assert np.isclose(within + between, whole)
print(f"within {within:.2f} + between {between:.2f} = whole {whole:.2f}")


# %% [markdown]
# So **synchronised** batch norm exchanges two numbers a channel *in the forward pass*: the mean, and the mean
# of squares. Those do average.

# %%
squares = (values**2).reshape(2, 4).mean(axis=1)
assert np.isclose(squares.mean() - means.mean() ** 2, values.var())


# %%
def normalise_split(synchronised):
    """The eight values through Keras's batch norm, on two replicas."""
    options = {"epsilon": 0.0, "synchronized": synchronised}
    with strategy.scope():
        norm = keras.layers.BatchNormalization(**options)
        norm.build((None, 1))
    forward = tf.function(lambda rows: norm(rows, training=True))
    column = deal(values.astype(np.float32)[:, None])
    outputs = strategy.run(forward, args=(column,))
    results = strategy.experimental_local_results(outputs)
    return np.concatenate(results)[:, 0]


# %%
wanted = (values - values.mean()) / values.std()
print("one device       ", wanted.round(1) + 0.0)
alone, together = normalise_split(False), normalise_split(True)
print("each for itself  ", alone.round(1) + 0.0)
print("synchronised     ", together.round(1) + 0.0)
assert np.allclose(together, wanted, atol=1e-3)


# %% [markdown]
# Second row: clips of 0 and clips of 6 come out as the *same* number. All that told the two parts apart is gone.
# `replicas.synchronise_batch_norm` switches the exchange on; the course's trainings with several replicas use it.
#
# ### Noise
# The generator draws noise from a seed. If all replicas have the same weights *and the same seed*, what do they
# generate? The same clips, twice. The rule: draw noise for the global batch, then take your rows.


# %%
def noise_of_replica(seed, shape, replica, num_replicas):
    """This replica's rows of the global noise; `shape` is of its part."""
    whole = (num_replicas * shape[0], *shape[1:])
    everything = tf.random.stateless_normal(whole, seed)
    return shard_rows(everything, replica, num_replicas)


# %%
mine = [noise_of_replica((0, 5), (4, 3), r, 2) for r in range(2)]
mine = np.concatenate(mine)
drawn = strategy.run(lambda: replicas.normal((4, 3), tf.constant([0, 5])))
theirs = np.concatenate(strategy.experimental_local_results(drawn))
one_device = replicas.normal((8, 3), tf.constant([0, 5]))
assert np.array_equal(mine, theirs)
assert np.array_equal(mine, one_device)


# %%
same = [tf.random.stateless_normal((4, 3), (0, 5)) for _ in range(2)]
both = mine, np.concatenate(same)
numbers = [len(np.unique(rows, axis=0)) for rows in both]
print("different noise vectors, by the rule:     ", numbers[0], "of 8")
print("different noise vectors, one seed on both:", numbers[1], "of 8")


# %% [markdown]
# The mistake shows in no loss. You only pay for eight clips and learn from four.
#
# ## 6. The whole game, split
# Now the course's video GAN: once on one device, once on two replicas, the same eight clips a step. We use
# plain gradient descent here and not Adam, which would hide a wrong scale. How far apart will the weights be
# after nine steps? And if the batch norm is *not* synchronised?


# %%
def make_game(synchronised):
    """The 32x32 video GAN with plain gradient descent."""
    options = {"seed": 0, "model": replicas.ReplicatedVideoGAN}
    game = gan.make_gan(32, clips.action_names, **options)
    if synchronised:
        replicas.synchronise_batch_norm(game.generator)
    game.compile(*[keras.optimizers.SGD(0.02) for _ in range(2)])
    return game


# %%
def weights_of(game):
    weights = game.generator.weights + game.discriminator.weights
    return [np.asarray(weight) for weight in weights]


# %%
def apart(first, second):
    """The largest difference of two lists of weights."""
    pairs = zip(first, second, strict=True)
    return max(np.abs(a - b).max() for a, b in pairs)


# %% tags=["nbval-ignore-output"]
play = {"steps": SPLIT_STEPS, "batch_size": GLOBAL_BATCH}
with tf.device(devices[0]):
    one = make_game(synchronised=False)
    start = weights_of(one)
    _ = strategies.train(one, clips, **play)
one_end, split_ends = weights_of(one), {}
for synchronised in (True, False):
    with strategy.scope():
        two = make_game(synchronised)
    _ = strategies.train(two, clips, **play)
    split_ends[synchronised] = weights_of(two)


# %% tags=["nbval-ignore-output"]
print(f"one device, from its start   {apart(start, one_end):.6f}")
print(f"two replicas, synchronised   {apart(split_ends[True], one_end):.6f}")
print(f"two replicas, each for itself {apart(split_ends[False], one_end):.6f}")


# %%
assert apart(start, split_ends[True]) > 1e-2
good, bad = [apart(split_ends[ok], one_end) for ok in (True, False)]
assert good < 2e-5 < bad
print("two replicas end within 0.00002 of one device")


# %% [markdown]
# Not exactly 0, since sums in another order round differently. One missing exchange, and the weights end
# elsewhere. So three rules are all there is: mean over the global batch, moments of the global batch, noise of the
# global batch. The split is then a matter of speed alone.
#
# ## 7. How much work is a step?
# Seconds depend on the machine; **multiply-adds** (MACs) do not. Count one layer by hand. The discriminator's
# first convolution at 64x64 has 4x4 kernels, 21 channels in (four frames and three differences, 3 colours
# each), 32 out, and 32x32 pixels out:
#
# $$\text{MACs} = \text{pixels out} \times \text{channels out} \times 16 \times \text{channels in}$$


# %%
def macs_of(operation):
    """Multiply-adds of one operation in a graph whose shapes are known."""
    kind, out = operation.type, operation.outputs
    inputs = [tensor.shape for tensor in operation.inputs]
    if kind == "Conv2D":
        return out[0].shape.num_elements() * inputs[1][:3].num_elements()
    if kind == "Conv2DBackpropInput":  # also transposed convolutions
        return inputs[2].num_elements() * inputs[1][:3].num_elements()
    if kind == "Conv2DBackpropFilter":
        return inputs[2].num_elements() * out[0].shape[:3].num_elements()
    if kind in ("MatMul", "BatchMatMulV2"):
        name = "transpose_a" if kind == "MatMul" else "adj_x"
        inner = inputs[0][-2 if operation.get_attr(name) else -1]
        return out[0].shape.num_elements() * inner
    return 0


# %%
def count_macs(graph):
    """Multiply-adds of the convolutions and matrix products in a graph."""
    return sum(map(macs_of, graph.get_operations()))


# %%
layer = keras.layers.Conv2D(32, 4, 2, "same")
layer.build((1, 64, 64, 21))
traced = tf.function(layer).get_concrete_function(tf.zeros((1, 64, 64, 21)))
by_hand, counted = 32 * 32 * 32 * 16 * 21, count_macs(traced.graph)
assert counted == by_hand
print(f"first layer, one clip, by hand {by_hand / 1e6:.1f} million MACs")
print(f"             counted in the graph {counted / 1e6:.1f} million MACs")


# %% [markdown]
# A training step is a graph, too. Count it all: both networks, forward and backward, and an eighth of the R1
# penalty, which comes at every eighth step. The same graph says what a step needs to remember: at most all
# that its operations put out.


# %%
def step_of(size):
    """A GAN and 8 clips of noise, by the course's recipe for this size."""
    game = gan.make_gan(size, clips.action_names, seed=0)
    shape = 8, 16, size, size, 3
    noise = tf.random.stateless_uniform(shape, (0, 0), -1.0, 1.0)
    return game, (noise, tf.range(8))


# %%
def gmac_per_step(game, batch):
    """Billions of multiply-adds of a training step, on average."""
    step = game.step_function.get_concrete_function(batch).graph
    seen = batch[0][:, : game.num_seen], batch[1]
    penalty = tf.function(game.r1_gradients).get_concrete_function(*seen)
    share = count_macs(penalty.graph) / game.r1_every
    return (count_macs(step) + share) / 1e9


# %%
def outputs_mb(game, batch):
    """Megabytes of all float outputs of a step, if none were freed."""
    graph = game.step_function.get_concrete_function(batch).graph
    found = [out for op in graph.get_operations() for out in op.outputs]
    found = [out for out in found if out.dtype == tf.float32]
    sizes = [out.shape.num_elements() or 0 for out in found if out.shape.rank]
    return 4 * sum(sizes) / 1e6


# %%
games = {size: step_of(size) for size in (64, 128)}
gmac = {size: gmac_per_step(*games[size]) for size in games}
for size, count in gmac.items():
    print(f"{size}x{size}: {count:.1f} GMAC a step of 8 clips")


# %% [markdown]
# The course has no recipe for 256x256. What would it be? One more layer in each network. Both networks are
# chains of layers that halve or double the picture, so each layer costs
# *pixels of its smaller side* x 16 x channels in x channels out.


# %%
def layers_of(size, channels, end):
    """Of each layer: pixels of its smaller side, channels on both sides."""
    depth = int(math.log2(size // 4))
    widths = [end, *(channels * 2 ** min(k, 3) for k in range(depth))]
    sides = [size // 2 ** (k + 1) for k in range(depth)]
    return [(sides[k] ** 2, widths[k], widths[k + 1]) for k in range(depth)]


# %%
def chain_macs(size, channels, end):
    """Multiply-adds of one frame through such a chain."""
    return sum(n * 16 * a * b for n, a, b in layers_of(size, channels, end))


# %%
def macs_by_hand(size, g_channels, d_channels):
    """Of a step of 8 clips; only the large layers of both networks."""
    painter = chain_macs(size, g_channels, 9)
    judge = chain_macs(size, d_channels, 21)
    return 8 * (4 * painter * 4 + 8.75 * judge)  # see below


# %% [markdown]
# Why 4 x 4 and 8.75? The painter draws 4 frames: forward for the judge's step, forward and twice as much
# backward for its own. The judge goes forward and backward over real and generated clips (6), passes the
# painter's gradient through (2), and the R1 penalty costs about 6, every eighth step. Check it where we can
# count:

# %%
recipes = {size: gan.RECIPES[size][:2] for size in games}
recipes[256] = gan.RECIPES[128][:2]
hand = {size: macs_by_hand(size, *recipes[size]) / 1e9 for size in recipes}
for size in games:
    print(f"{size}: by hand over counted {hand[size] / gmac[size]:.2f}")
    assert 0.8 < hand[size] / gmac[size] < 1.0  # the small layers are missing
gmac[256] = gmac[128] * hand[256] / hand[128]
print(f"256x256: about {gmac[256]:.0f} GMAC a step")


# %% [markdown]
# The estimate misses a little over a tenth, much the same at both sizes, so the *ratio* of 256 to 128 is good.
# Each doubling of the picture costs about four times the work, as the pixels say.
#
# ### How fast is this machine?
# A multiply-add is two floating-point operations (FLOP). The most that a machine reaches in practice is a
# large matrix product. What share of that will a training step reach?


# %%
def matmul_flops(size=2048, rounds=5):
    """Operations a second in a large matrix product, the best of some."""
    matrix = tf.random.stateless_uniform((size, size), (0, 1))
    product = tf.function(lambda: tf.reduce_sum(matrix @ matrix))
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        float(product())
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / min(seconds)


# %%
def step_seconds(game, batch, rounds=2):
    """Seconds a training step; a round is 8 steps, one of them with R1."""
    float(game.step_function(batch)["d_loss"])  # builds the graph
    began = time.perf_counter()
    for _ in range(8 * rounds):
        logs = game.step_function(batch)
    float(logs["g_loss"])
    return (time.perf_counter() - began) / (8 * rounds)


# %% tags=["nbval-ignore-output"]
peak = matmul_flops()
seconds = step_seconds(*games[64])
reached = 2e9 * gmac[64] / seconds
print(f"a step at 64x64 takes {1000 * seconds:.0f} ms")
print(f"that is {reached / 1e9:.0f} GFLOP/s of {peak / 1e9:.0f}")
print(f"share of the peak: {reached / peak:.0%}")

# %%
print(f"a step at 64x64 is {2 * gmac[64]:.0f} billion operations")


# %% [markdown]
# The rest of the time goes to what multiplies little: batch norm, activations, moving pictures through memory.
#
# ## 8. What does it cost?
# ### Exercise 2: the price
# You know the GMAC of a step, the number of steps, the GPU's peak in TFLOP/s, the share of it that is reached,
# and the price of an hour. What does the training cost on one GPU? (`check.hint("training_price")`)


# %% tags=["exercise"]
def training_price(gmac, steps, peak_tflops, share, price_per_hour):
    """Price of a training; a multiply-add is two operations."""
    # BEGIN SOLUTION
    seconds = 2e9 * gmac * steps / (1e12 * peak_tflops * share)
    return seconds / 3600 * price_per_hour
    # END SOLUTION


# %%
check.training_price(training_price)


# %% [markdown]
# The table below adds two things to that: an **overhead**, since a step is hundreds of small operations and a
# GPU needs some microseconds to begin each, and the exchange on the ring. Eight GPUs take a batch of 64, eight
# clips each, and an eighth of the steps. **On a GPU we measured nothing**: these rows are estimates from the
# settings at the top.
#
# - **Peak**: 19.5 TFLOP/s in float32, from [NVIDIA's data sheet of the
#   A100](https://www.nvidia.com/en-us/data-center/a100/).
# - **Price**: 1.79 dollars an hour for an A100 with 80 GB at RunPod, read from
#   [its page](https://www.runpod.io/pricing) on 9 November 2026 by
#   [data-receipts](https://github.com/datareceipts/data-receipts/tree/main/109-gpu-pricing). On the same day Azure
#   asked 3.67 for one. Prices change within weeks: put yours into the settings. For your own machine we know
#   no price.
# - **Memory**: 16 bytes a weight (weight, gradient, and Adam's two averages in float32), and at most all that a
#   step puts out. A real program frees much of it on the way.


# %%
def exchange_seconds(num_weights, num_devices):
    """Of a ring all-reduce of gradients in float32."""
    sent = 2 * (num_devices - 1) / num_devices * 4 * num_weights
    return sent / (1e9 * LINK_GB_PER_S)


# %%
def gpu_minutes(gmac, num_weights, num_devices):
    """An estimate for a whole training; each GPU keeps its batch."""
    work = 2e9 * gmac / (1e12 * GPU_TFLOPS * GPU_SHARE)
    exchange = exchange_seconds(num_weights, num_devices)
    step = work + GPU_OVERHEAD_MS / 1000 + exchange
    return RUN_STEPS / num_devices * step / 60


# %%
def chain_weights(size):
    """Weights of the chains of both networks, by the recipe for 128."""
    chains = layers_of(size, 16, 9) + layers_of(size, 32, 21)
    return sum(16 * a * b for _, a, b in chains)


# %%
weights = {}
for size, (game, _) in games.items():
    networks = game.generator, game.discriminator
    weights[size] = sum(network.count_params() for network in networks)
weights[256] = weights[128] + chain_weights(256) - chain_weights(128)
for size, number in weights.items():
    print(f"{size}x{size}: {number / 1e6:.1f} million weights")


# %% tags=["nbval-ignore-output"]
memory = {size: outputs_mb(*games[size]) for size in games}
memory[256] = 4 * memory[128]
print(f"minutes for {RUN_STEPS:,} steps of 8 clips; memory; dollars")
print("size      this machine  one GPU  eight GPUs   at most  one GPU")
for size in gmac:
    here = RUN_STEPS * 2e9 * gmac[size] / reached / 60
    work = gmac[size], weights[size]
    one_gpu, eight = [gpu_minutes(*work, n) for n in (1, 8)]
    gigabytes = (memory[size] + 16 * weights[size] / 1e6) / 1000
    row = f"{here:12.0f} {one_gpu:8.1f} {eight:11.2f} {gigabytes:6.1f} GB"
    print(f"{size:3}x{size:3} {row} {one_gpu / 60 * PRICE:8.2f}")


# %%
minutes = {}
for size in gmac:
    minutes[size] = [gpu_minutes(gmac[size], weights[size], n) for n in (1, 8)]
longer = minutes[256][0] / minutes[64][0]
print("256x256 over 64x64")
print(f"  work                {gmac[256] / gmac[64]:4.0f} times")
print(f"  minutes on one GPU  {longer:4.1f} times")
for size, (single, eight) in minutes.items():
    gain = single / eight
    print(f"{size}x{size}: eight GPUs are {gain:.1f} times as fast as one")


# %% [markdown]
# Your machine pays for the work, so each doubling of the picture takes about four times as long. The GPU hardly
# notices at first: at 64x64 it waits for its next order most of the time. *This* network is so small that one
# GPU is plenty. Eight pay when the network is wider or the picture finer. Read the table as orders of magnitude: it
# leaves out reading the data, starting up, and all that goes wrong.
#
# ## 9. A larger batch is another training
# Eight devices, eight times the batch, an eighth of the steps. With the same learning rate the weights would
# move far less. The **linear-scaling rule** (Goyal et al. 2017) says: *batch times $k$, learning rate times
# $k$*. The idea: if the weights hardly move during $k$ small steps, their $k$ gradients could as well be taken
# at one place:
#
# $$w - \sum_{j=1}^{k} \eta\, g_j(w_j) \;\approx\; w - k \eta \cdot \frac1k \sum_{j=1}^{k} g_j(w)$$
#
# Try it where you know the answer: fit a line in 20 dimensions to noisy numbers, by plain gradient descent. **Up
# to which $k$ will it hold?**

# %%
SCALES = np.linspace(0.3, 1, 20)  # spread of each of the 20 inputs
TRUE = np.random.default_rng(0).normal(size=20)


# %%
def train_line(batch, rate, examples=8192, seed=0):
    """Loss above the best one after seeing a number of examples."""
    rng, w = np.random.default_rng(seed), np.zeros(20)
    for _ in range(examples // batch):
        x = rng.normal(size=(batch, 20)) * SCALES
        y = x @ TRUE + 0.5 * rng.normal(size=batch)
        w = w - rate * x.T @ (x @ w - y) / batch
    return np.sum((SCALES * (w - TRUE)) ** 2)


# %%
FACTORS = 2 ** np.arange(8)  # 1, 2, 4, ... 128 times the batch of 8


# %%
def trials(exponent):
    """Median loss of five seeds for each k; the rate has k ** exponent."""
    medians = []
    for k in FACTORS:
        rate = 0.02 * float(k) ** exponent
        found = [train_line(8 * k, rate, seed=seed) for seed in range(5)]
        medians.append(np.median(found))
    return np.array(medians)


# %%
same_rate, linear_rate = trials(0), trials(1)


# %%
figure = Figure(figsize=(6.4, 3.0), layout="constrained")
axes = figure.subplots()
red, blue = {"color": show.VERMILION}, {"color": show.BLUE}
axes.loglog(FACTORS, same_rate, "s--", label="the same rate", **red)
axes.loglog(FACTORS, linear_rate, "o-", label="rate x k", **blue)
axes.set(xlabel="k: batch of 8 k", ylabel="loss above the best")
axes.set_xticks(FACTORS, FACTORS)
axes.legend(frameon=False)
alt = "The same rate: the loss grows with k. Rate times k: flat to 64, then"
show.figure(figure, alt=f"{alt} it explodes.")


# %%
first, limit = linear_rate[0], 2 / max(SCALES**2)
assert same_rate[3] > 20 * same_rate[0]
assert (linear_rate[1:7] < 2 * first).all()
assert linear_rate[7] > 100
print("loss above the best, over that of k = 1")
print(f"  k = 8,   the same rate: {same_rate[3] / first:6.0f} times")
print(f"  k = 64,  rate x k:      {linear_rate[6] / first:6.1f} times")
for k in (64, 128):
    print(f"k = {k:3}: learning rate {0.02 * k:.2f}; the limit is {limit:.0f}")


# %% [markdown]
# With the same rate the loss climbs with every doubling: too few steps. With the rate times $k$ it stays flat up
# to 64, and then explodes. Why at 128? One step multiplies the error along an input of variance $\lambda$ by $1
# - \eta\lambda$. If $\eta > 2/\lambda$, that is below $-1$ and the error *grows*. Here the largest $\lambda$ is
# 1: the limit is a learning rate of 2. A network has such a limit, too; nobody tells you where. That is why large
# batches begin with a **warm-up**: the rate climbs over the first steps, in which the weights change fastest.
#
# ### And a GAN?
# Now lesson 03's game on the ring. Two things are different: there are two players, and **Adam**, which divides
# gradients by their size. For Adam theory suggests $\sqrt k$ (Malladi et al. 2022). Which of three rules will do
# best at $k = 8$: the same rate, the rate times $\sqrt k$, or times $k$?


# %%
def on_target(k, rate, seed, steps=2000):
    """Share of points in a heap, after a game with k times the batch."""
    rates = {"g_rate": rate, "d_rate": rate, "r1_gamma": 0.1}
    play = {"recipe": toy.Recipe(batch_size=64 * k, **rates)}
    game, rng = toy.make_toy(2, seed=seed), np.random.default_rng(seed)
    play["num_steps"] = steps // k
    game, _ = toy.train_toy(game, toy.draw_ring, rng, **play)
    noise = toy.draw_noise(np.random.default_rng(1), (2000, 2))
    points = toy.mlp(game.generator, noise).numpy()
    off = np.linalg.norm(points[:, None] - toy.ring_centres(), axis=2)
    return float((off.min(axis=1) < 0.3).mean())


# %%
def shares(rule, k):
    """Of all seeds."""
    return [ring[rule, k, seed] for seed in range(SEEDS)]


# %% tags=["nbval-ignore-output"]
RULES = {"the same rate": 0.0, "rate x root of k": 0.5, "rate x k": 1.0}
TIMES, ring = (1, 2, 4, 8), {}
plan = [(rule, k, s) for k in TIMES for rule in RULES for s in range(SEEDS)]
for rule, k, seed in tqdm(plan, desc="games"):
    rate = 2e-3 * k ** RULES[rule]
    ring[rule, k, seed] = on_target(k, rate, seed)


# %% tags=["nbval-ignore-output"]
at8 = {rule: np.median(shares(rule, 8)) for rule in RULES}
small = np.median(shares("rate x k", 1))
print(f"k = 1: {small:.0%} of the points are in a heap")
for rule, value in at8.items():
    print(f"k = 8, {rule:16} {value:4.0%}")
figure = Figure(figsize=(6.4, 3.0), layout="constrained")
axes = figure.subplots()
looks = (show.VERMILION, "s"), (show.GREEN, "^"), (show.BLUE, "o")
for rule, (colour, mark) in zip(RULES, looks, strict=True):
    middles = [np.median(shares(rule, k)) for k in TIMES]
    axes.plot(TIMES, middles, f"{mark}-", color=colour, label=rule)
    for k in TIMES:
        dots = shares(rule, k)
        axes.plot([k] * SEEDS, dots, ".", color=colour, alpha=0.5)
axes.set(xlabel="k: batch of 64 k, equal points", ylabel="share in a heap")
axes.set(ylim=(0, 1), xticks=TIMES)
axes.legend(frameon=False)
ends = ", ".join(f"{rule} {value:.2f}" for rule, value in at8.items())
show.figure(figure, alt=f"Share of points in a heap over k. At 8: {ends}.")


# %%
assert at8["rate x k"] < small / 2
assert at8["the same rate"] < at8["rate x root of k"] < small
print("k = 8, rate x k: less than 1/2 of what the small batch reaches")


# %% [markdown]
# A dot is one seed, a line their median. At twice the batch all three rules do well. At x4 the linear rule falls
# off a cliff, and at x8 it is the *worst* of the three. The root is best, and still does not give back what the
# missing steps did: a game needs turns, and 250 are few. This is one small game, and does not say where *your*
# limit is. It says: **there is one. Find it with short runs before you buy long ones.**
#
# ### Exercise 3: a plan for eight GPUs
# A recipe for one GPU says: batch, steps, learning rate of *Adam*. Turn it into one for `devices` GPUs that sees
# the same number of clips, keeps each GPU's batch as it is, and takes the rule for the rate that did best above.
# Round the steps up to a whole number. (`check.hint("scale_recipe")`)


# %% tags=["exercise"]
def scale_recipe(batch_size, steps, rate, devices):
    """(global batch, steps, learning rate of Adam) for several devices."""
    # BEGIN SOLUTION
    steps = math.ceil(steps / devices)
    return batch_size * devices, steps, rate * math.sqrt(devices)
    # END SOLUTION


# %%
check.scale_recipe(scale_recipe)


# %% [markdown]
# **Open question.** Keep the batch times 8 and the root, but give the game back some of its steps: 500, 1,000.
# How many does it need to reach the small batch's share? What does that say of the time that eight devices save?
#
# ## 10. Two machines
# Several machines work as several devices do; each runs the *same program*. Who else is there, and who am I?
# The environment variable `TF_CONFIG` says so:
#
# ```
# {"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}
# ```
#
# All have the same list; `index` is each one's own. Worker 0 is the **chief**: it alone writes checkpoints and
# history. Two processes on one machine need the same set-up, with the loopback address 127.0.0.1. First a small
# store of clips, in four shards: each worker reads half of the clips.

# %%
shutil.rmtree(RESULTS, ignore_errors=True)  # of an earlier run
few = clips.select(np.arange(0, clips.num_clips, 10))
shard_bytes = few.clips[:16].nbytes
store = datasets.save_clips(RESULTS / "store", few, shard_bytes=shard_bytes)
shards = list(Path(store).glob("*.tfrecord*"))
print(few.num_clips, "clips in", len(shards), "shards")


# %% [markdown]
# The launcher, a program of its own. It finds free ports, starts the workers, and ends the others when one
# fails.

# %%
LAUNCHER = '''"""python launch.py NUM_WORKERS STORE RUN [options of train]"""
import json, os, signal, socket, subprocess, sys, time

num_workers, arguments = int(sys.argv[1]), sys.argv[2:]
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the workers, too
free = [socket.socket() for _ in range(num_workers)]
for taken in free:
    taken.bind(("127.0.0.1", 0))  # 0: any port that is free
addresses = [f"127.0.0.1:{taken.getsockname()[1]}" for taken in free]
_ = [taken.close() for taken in free]
command = [sys.executable, "-m", "vgcourse", "train", *arguments]
workers = []
for index in range(num_workers):
    task = {"type": "worker", "index": index}
    own = json.dumps({"cluster": {"worker": addresses}, "task": task})
    own = {"TF_CONFIG": own, "CUDA_VISIBLE_DEVICES": ""}  # no sharing of a GPU
    start = [*command, "--strategy", "multi-worker"]
    workers.append(subprocess.Popen(start, env={**os.environ, **own}))
try:
    while None in (ends := [w.poll() for w in workers]) and not any(ends):
        time.sleep(0.5)
finally:
    _ = [worker.kill() for worker in workers]
sys.exit(1 if any(ends) else 0)
'''


# %%
launcher, log = RESULTS / "launch.py", RESULTS / "log.txt"
_ = launcher.write_text(LAUNCHER, encoding="utf-8")
command = [sys.executable, launcher, 2, store, RESULTS / "run"]
command += ["--steps", WORKER_STEPS, "--batch-size", GLOBAL_BATCH]
command += ["--precision", "float32"]


# %%
def last_line(log):
    """What was written last to a file, at most 80 characters of it."""
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    return re.split(r"[\r\n]+", text)[-1][:80] or "the workers start"


# %%
def run_live(command, log):
    """Run a command and show the last line that it wrote; its exit code."""
    command, began = list(map(str, command)), time.perf_counter()
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
        try:
            while process.poll() is None:
                now = time.perf_counter() - began
                line = f"{now:3.0f} s  {last_line(log)}"
                print(f"\r{line:90}", end="", flush=True)
                time.sleep(0.5)
        finally:
            process.terminate()
    print(f"\r{f'ended after {time.perf_counter() - began:.0f} s':90}")
    return process.returncode


# %% [markdown]
# Most of the time is the start: each process loads TensorFlow and builds its graph. Then come the steps.

# %% tags=["nbval-ignore-output"]
code = run_live(command, log)
if code:
    print("\n" + log.read_text(encoding="utf-8", errors="replace")[-2000:])


# %%
history = training.read_history(RESULTS / "run")
settings = training.read_config(RESULTS / "run")
losses = [row["d_loss"] for row in history]
assert code == 0
assert history[-1]["step"] == WORKER_STEPS
assert np.isfinite(losses).all()
print("replicas:", settings["replicas"], " exit code of the launcher:", code)


# %% [markdown]
# One history, one set of checkpoints, from two processes. What changes on real machines:
#
# | where | who sets `TF_CONFIG` | what you start |
# |---|---|---|
# | your own machines | you; real names and one open port | `vgcourse train ... --strategy multi-worker` on each |
# | Slurm | your script: names from `scontrol show hostnames`, the index from `SLURM_PROCID` | `srun`, one task a node |
# | Kubernetes | an operator such as Kubeflow's `TFJob` | one container image, several replicas |
# | Google's Vertex AI | the service | a custom job with a chief and workers |
#
# The store must be readable from all machines; the run's folder only from the chief. **When a machine is lost**,
# there is no sum of gradients. So the others stop, too, and say so. Start all again with `--resume`: they go on
# from the last checkpoint. You lose half a minute and a start, not the run.
#
# ## What goes wrong, and how you notice
# - **Two devices learn "faster", or R1 does nothing.** Means were added and not averaged. Compare one step on
#   one device and on two, with plain gradient descent.
# - **Good on one GPU, worse on eight, with the same global batch.** Batch norm sees an eighth of it. Synchronise.
# - **Eight clips with four faces.** All replicas drew the same noise. Count different rows.
# - **More devices, no faster.** The batch is too small for the split, or the data does not come: look at
#   `data_wait` in `history.csv`, then at the curve in section 1.
# - **It diverges with the large batch.** The learning rate is over the limit. Warm up, or scale it less.
# - **"Virtual devices cannot be modified".** TensorFlow had started too early: restart the kernel.
# - **It hangs at the start.** A worker in `TF_CONFIG` was not started, or a port is closed.
# - **"Another worker does not answer."** One machine is gone. Start all again with `--resume`.
#
# ## You have
# - split a training step over two devices by hand, and proved that the weights come out as on one;
# - counted the work of a step, and estimated what larger videos cost on a laptop, one GPU and eight;
# - tried the rule for larger batches until it broke, and trained with two processes that talk to each other.
#
# ## References
# - Goyal et al. 2017, *Accurate, Large Minibatch SGD*, [arXiv 1706.02677](https://arxiv.org/abs/1706.02677): the
#   linear-scaling rule and the warm-up.
# - Shallue et al. 2018, *Measuring the Effects of Data Parallelism*,
#   [arXiv 1811.03600](https://arxiv.org/abs/1811.03600): where larger batches stop helping.
# - Malladi et al. 2022, *On the SDEs and Scaling Rules for Adaptive Gradient Algorithms*,
#   [arXiv 2205.10287](https://arxiv.org/abs/2205.10287): the root for Adam.
# - Brock et al. 2018, *Large Scale GAN Training*, [arXiv 1809.11096](https://arxiv.org/abs/1809.11096): a GAN that
#   gains much from large batches, and collapses.
# - Sergeev and Del Balso 2018, *Horovod*, [arXiv 1802.05799](https://arxiv.org/abs/1802.05799): the ring.
# - Ioffe and Szegedy 2015, *Batch Normalization*, [arXiv 1502.03167](https://arxiv.org/abs/1502.03167).
#
# Next: your own project, at the size that you can now pay for. This was the last lesson. The
# [README](../README.md) lists the commands for long trainings, and
# [11 · Your videos](11_your_videos.ipynb) has the way from a folder of films to a store.
