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
# About 50 minutes, of which two cores compute for three.

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
path_picture("train")

# %%
GLOBAL_BATCH = 8  # clips per step, over all devices
SPLIT_STEPS = 9  # of one device against two; the R1 penalty comes every 8
SEEDS = budget.steps(3, small=1)  # games on the ring for each setting
WORKER_STEPS = budget.steps(40, small=10)  # of the two processes
RESULTS = Path("my_results") / "lesson_12"  # what the two processes write; made anew at every run

# %%
RUN_STEPS = 12_800  # of 8 clips: what the generator that comes with the course was trained for
GPU_TFLOPS = 30.0  # peak of one GPU in float32, from its data sheet: put yours here
GPU_SHARE = 0.3  # share of that peak which the large operations reach: a guess
GPU_OVERHEAD_MS = 10.0  # time in which a step's many small operations are begun: a guess
LINK_GB_PER_S = 10.0  # what a GPU can send to another one in a second: a guess, too

# %% [markdown]
# ## 1. Two devices in one machine
# You need no second GPU to learn this. TensorFlow can call parts of one processor **logical devices**. It has
# to be told before its first operation, so the first cell did it, with these lines in `quiet(cpus=2)`:
#
# ```
# (processor,) = tf.config.list_physical_devices("CPU")
# parts = [tf.config.LogicalDeviceConfiguration()] * 2
# tf.config.set_logical_device_configuration(processor, parts)
# ```
#
# Nothing gets faster: both share the same cores. But all that can go wrong with two GPUs goes wrong here, too.

# %%
devices = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices("CPU")]
strategy = tf.distribute.MirroredStrategy(devices)
print("devices:", devices, " replicas:", strategy.num_replicas_in_sync)

# %% [markdown]
# A **replica** is one copy of the model on one device. All replicas hold the same weights. The **global
# batch** is what all of them see in one step; each gets its rows of it. Look at one:


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
owners = [f"replica {replica}" for replica in range(2) for _ in parts[replica]]
show.show_grid(batch, labels=owners, columns=4, alt="Eight clips: a row for replica 0, a row for replica 1.")

# %% [markdown]
# ## 2. The mean over the whole batch
# The loss of a batch is the *mean* over its clips. A replica sees only its own part. What should it
# compute, so that the gradients of all replicas **add up** to that of the whole batch? Take a model small
# enough for NumPy: $y = w \cdot x$, with squared errors.


# %%
def mean_gradient(w, x, y):
    """Gradient of the mean squared error of `x @ w` over the rows of a batch."""
    return 2 * x.T @ (x @ w - y) / len(x)


rng = np.random.default_rng(0)
x, w = rng.normal(size=(GLOBAL_BATCH, 3)), np.zeros(3)
y = x @ [1.0, -2.0, 0.5]
whole = mean_gradient(w, x, y)
halves = [mean_gradient(w, shard_rows(x, r, 2), shard_rows(y, r, 2)) for r in range(2)]

# %%
print("one device:               ", whole.round(2))
print("sum of the replicas' means:", sum(halves).round(2))

# %% [markdown]
# Twice too large. Each replica divided by *its* four clips, and then two such means were added. The
# rule: sum the local losses, and divide by the **global** batch.
#
# $$L = \frac{1}{B} \sum_{r=1}^{n} \sum_{i \in r} \ell_i = \sum_{r=1}^{n} \frac{\text{mean}_r}{n}$$

# %%
local = [shard_rows(x, r, 2) for r in range(2)], [shard_rows(y, r, 2) for r in range(2)]
by_rule = sum(2 * a.T @ (a @ w - b) / GLOBAL_BATCH for a, b in zip(*local, strict=True))
assert np.allclose(by_rule, whole)
assert np.allclose(sum(half / 2 for half in halves), whole)
print("local sums over the global batch equal one device:", True)

# %% [markdown]
# Why is this easy to get wrong? Because nothing crashes. With plain gradient descent a gradient twice too
# large is a learning rate twice too large. And Adam divides each gradient by its own size, so it *hides*
# the mistake: until a penalty with its own weight, such as R1, is scaled right and the rest is not.
#
# Now on real devices. `strategy.run` calls a function on every replica, `all_reduce` sums over them.


# %%
def split_gradient(x, y):
    """What every replica holds after its own backward pass and the exchange."""
    weights = tf.zeros((3, 1))
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = tf.reduce_mean((x @ weights - y) ** 2)
        part = loss / strategy.num_replicas_in_sync
    tf.debugging.assert_equal(part, replicas.share(loss))  # the package's line for the same
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tape.gradient(part, weights))


# %%
def deal(array):
    """Each replica's rows of an array, put onto its device."""
    rows = lambda context: shard_rows(array, context.replica_id_in_sync_group, 2)  # noqa: E731
    return strategy.experimental_distribute_values_from_function(rows)


x32, y32 = x.astype(np.float32), y.astype(np.float32)[:, None]
held = strategy.run(split_gradient, args=(deal(x32), deal(y32)))
for gradient in strategy.experimental_local_results(held):
    assert np.allclose(gradient[:, 0], whole, atol=1e-5)
print("both replicas hold the gradient of one device:", True)

# %% [markdown]
# Both start with the same weights and take the same step, so their weights stay the same. Nobody ever
# sends weights around.

# %% [markdown]
# ## 3. What travels: a ring
# Summing over eight devices sounds as if one had to collect everything. It need not. Put the devices in a
# **ring** and cut the gradient into as many chunks. In each turn everybody sends one chunk to the right,
# who adds it to its own. After $n - 1$ turns each device has *one* chunk complete; $n - 1$ more turns pass
# those on. Each device sends
#
# $$\frac{2 (n - 1)}{n} \times \text{the gradient's size}$$
#
# That is under two gradients, *however many devices there are*.


# %%
def ring_all_reduce(gradients):
    """Sum arrays, one a device, on a ring; returns what each device holds, and the numbers that each sent."""
    n = len(gradients)
    chunks = [np.array_split(gradient.astype(float), n) for gradient in gradients]
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
# ## 4. Batch norm looks at the batch
# Gradients add up. Not everything does. **Batch normalisation** subtracts the mean of a batch and divides
# by its spread (lesson 05's generator has it). Which batch: the replica's, or the global one?

# %%
values = np.array([0.0, 1.0, 2.0, 1.0, 6.0, 7.0, 8.0, 7.0])  # one number for each clip
for name, rows in [("replica 0", values[:4]), ("replica 1", values[4:]), ("whole", values)]:
    print(f"{name:9}  mean {rows.mean():.2f}  variance {rows.var():.2f}")

# %% [markdown]
# Means average to the mean of the whole. Variances do not: each replica measures from its *own* mean, and
# how far apart those are is lost.
#
# $$\text{var} = \underbrace{\text{mean}_r(\text{var}_r)}_{\text{within}}
# + \underbrace{\text{var}_r(\text{mean}_r)}_{\text{between}}$$

# %%
means, variances = values.reshape(2, 4).mean(axis=1), values.reshape(2, 4).var(axis=1)
assert np.isclose(variances.mean() + means.var(), values.var())
print(f"within {variances.mean():.2f} + between {means.var():.2f} = whole {values.var():.2f}")

# %% [markdown]
# So **synchronised** batch norm exchanges two numbers a channel *in the forward pass*: the mean and the
# mean of squares. Those do average.

# %%
squares = (values**2).reshape(2, 4).mean(axis=1)
assert np.isclose(squares.mean() - means.mean() ** 2, values.var())


# %%
def normalise_split(synchronised):
    """The eight values through Keras's batch norm, on two replicas."""
    with strategy.scope():
        norm = keras.layers.BatchNormalization(epsilon=0.0, synchronized=synchronised)
        norm.build((None, 1))
    column = deal(values.astype(np.float32)[:, None])
    outputs = strategy.run(tf.function(lambda rows: norm(rows, training=True)), args=(column,))
    return np.concatenate(strategy.experimental_local_results(outputs))[:, 0]


# %%
wanted = (values - values.mean()) / values.std()
for synchronised in (False, True):
    got = normalise_split(synchronised)
    print(
        f"synchronised {synchronised!s:5}  {got.round(1) + 0.0}  as on one device:",
        np.allclose(got, wanted, atol=1e-3),
    )

# %% [markdown]
# Look at the first row: without synchronising, clips of 0 and clips of 6 come out as the *same* number. All
# that told the two parts apart is gone. With many clips a replica the parts look alike and it hardly
# matters; with four it does. `replicas.synchronise_batch_norm` switches the exchange on; the course's
# trainings with several replicas use it.

# %% [markdown]
# ## 5. Noise
# The generator draws noise from a seed. If all replicas have the same weights *and the same seed*, what do
# they generate? The same clips, twice. The rule: draw noise for the global batch, then take your rows.


# %%
def noise_of_replica(seed, shape, replica, num_replicas):
    """This replica's rows of the noise of the global batch; `shape` is that of its part."""
    everything = tf.random.stateless_normal((num_replicas * shape[0], *shape[1:]), seed)
    return shard_rows(everything, replica, num_replicas)


# %%
mine = np.concatenate([noise_of_replica((0, 5), (4, 3), r, 2) for r in range(2)])
drawn = strategy.run(lambda: replicas.normal((4, 3), tf.constant([0, 5])))
theirs = np.concatenate(strategy.experimental_local_results(drawn))
one_device = replicas.normal((8, 3), tf.constant([0, 5]))
assert np.array_equal(mine, theirs)
assert np.array_equal(mine, one_device)
print("our rows are the package's, and those of one device:", True)

# %%
same = np.concatenate([tf.random.stateless_normal((4, 3), (0, 5)) for _ in range(2)])
print("different noise vectors, by the rule:", len(np.unique(mine, axis=0)))
print("different noise vectors, one seed on both:", len(np.unique(same, axis=0)))

# %% [markdown]
# The mistake shows in no loss. You only pay for eight clips and learn from four.

# %% [markdown]
# ## 6. The whole game, split
# Now the course's video GAN: once on one device, once on two replicas, the same eight clips a step. We use
# plain gradient descent here and not Adam, which would hide a wrong scale (section 2). Predict: how far
# apart are the weights after nine steps?


# %%
def make_game(synchronised):
    """The 32x32 video GAN with plain gradient descent."""
    game = gan.make_gan(32, clips.action_names, seed=0, model=replicas.ReplicatedVideoGAN)
    if synchronised:
        replicas.synchronise_batch_norm(game.generator)
    game.compile(*[keras.optimizers.SGD(0.02) for _ in range(2)])
    return game


def weights_of(game):
    return [np.asarray(weight) for weight in game.generator.weights + game.discriminator.weights]


def largest_difference(first, second):
    return max(np.abs(a - b).max() for a, b in zip(first, second, strict=True))


# %% tags=["nbval-ignore-output"]
with tf.device(devices[0]):
    one = make_game(synchronised=False)
    start = weights_of(one)
    _ = strategies.train(one, clips, steps=SPLIT_STEPS, batch_size=GLOBAL_BATCH)

# %% tags=["nbval-ignore-output"]
with strategy.scope():
    two = make_game(synchronised=True)
_ = strategies.train(two, clips, steps=SPLIT_STEPS, batch_size=GLOBAL_BATCH)

# %%
print("the weights moved:", bool(largest_difference(start, weights_of(two)) > 1e-2))
print(
    "two replicas end as one device, to 0.00002:",
    bool(largest_difference(weights_of(one), weights_of(two)) < 2e-5),
)

# %% [markdown]
# Not exactly 0: sums in another order round differently. Would this test see a mistake? Leave the batch norm
# unsynchronised and try.

# %% tags=["nbval-ignore-output"]
with strategy.scope():
    local_norm = make_game(synchronised=False)
_ = strategies.train(local_norm, clips, steps=SPLIT_STEPS, batch_size=GLOBAL_BATCH)

# %%
apart = largest_difference(weights_of(one), weights_of(local_norm))
print("without synchronised batch norm, to 0.00002:", bool(apart < 2e-5))

# %% [markdown]
# So the rules of sections 2, 4 and 5 are all there is: mean over the global batch, moments of the global
# batch, noise of the global batch. The split is then a matter of speed alone.

# %% [markdown]
# ## 7. What does it cost?
# Seconds depend on the machine; **multiply-adds** (MACs) do not. Count one layer by hand. The
# discriminator's first convolution at 64x64 has 4x4 kernels, 21 channels in (four frames and three
# differences, 3 colours each), 32 out, and 32x32 pixels out. Each number that comes out took $4 \cdot 4
# \cdot 21$ multiply-adds:
#
# $$\text{MACs} = \text{pixels out} \times \text{channels out} \times 16 \times \text{channels in}$$


# %%
def count_macs(graph):
    """Multiply-adds of the convolutions and matrix products in a graph whose shapes are known."""
    total = 0
    for operation in graph.get_operations():
        kind, out = operation.type, operation.outputs
        inputs = [tensor.shape for tensor in operation.inputs]
        if kind == "Conv2D":
            total += out[0].shape.num_elements() * inputs[1][:3].num_elements()
        elif kind == "Conv2DBackpropInput":  # also a transposed convolution's way forward
            total += inputs[2].num_elements() * inputs[1][:3].num_elements()
        elif kind == "Conv2DBackpropFilter":
            total += inputs[2].num_elements() * out[0].shape[:3].num_elements()
        elif kind in ("MatMul", "BatchMatMulV2"):
            turned = operation.get_attr("transpose_a" if kind == "MatMul" else "adj_x")
            total += out[0].shape.num_elements() * inputs[0][-2 if turned else -1]
    return total


# %%
layer = keras.layers.Conv2D(32, 4, 2, "same")
layer.build((1, 64, 64, 21))
graph = tf.function(layer).get_concrete_function(tf.zeros((1, 64, 64, 21))).graph
by_hand = 32 * 32 * 32 * 16 * 21
assert count_macs(graph) == by_hand
print(f"first layer, one clip: {by_hand / 1e6:.1f} million multiply-adds, by hand and by the graph")

# %% [markdown]
# A training step is a graph, too. Count it all: both networks, forward and backward, and an eighth of the R1
# penalty, which comes at every eighth step.


# %%
def step_of(size):
    """A GAN and a batch of 8 clips of noise, by the course's recipe for this size."""
    game = gan.make_gan(size, clips.action_names, seed=0)
    noise = tf.random.stateless_uniform((8, 16, size, size, 3), (0, 0), -1.0, 1.0)
    return game, (noise, tf.range(8))


def gmac_per_step(game, batch):
    """Billions of multiply-adds of a training step, on average."""
    step = game.step_function.get_concrete_function(batch).graph
    penalty = tf.function(game.r1_gradients).get_concrete_function(batch[0][:, : game.num_seen], batch[1])
    return (count_macs(step) + count_macs(penalty.graph) / game.r1_every) / 1e9


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
    """(pixels of the smaller side, channels on one side, channels on the other) of each layer."""
    depth = int(math.log2(size // 4))
    widths = [end, *(channels * 2 ** min(k, 3) for k in range(depth))]
    return [((size // 2 ** (k + 1)) ** 2, widths[k], widths[k + 1]) for k in range(depth)]


def macs_by_hand(size, g_channels, d_channels):
    """Of a step of 8 clips; only the large layers of both networks."""
    painter, judge = (
        sum(pixels * 16 * a * b for pixels, a, b in layers_of(size, *ends))
        for ends in ((g_channels, 9), (d_channels, 21))
    )
    return 8 * (4 * painter * 4 + 8.75 * judge)  # see below


# %% [markdown]
# Why 4 x 4 and 8.75? The painter draws 4 frames: forward for the judge's step, forward and twice as much
# backward for its own. The judge goes forward and backward over real and generated clips (6), passes the
# painter's gradient through (2), and the R1 penalty costs about 6, every eighth step. Check it where we can
# count:

# %%
recipes = {size: gan.RECIPES[size][:2] for size in games} | {256: gan.RECIPES[128][:2]}
hand = {size: macs_by_hand(size, *recipes[size]) / 1e9 for size in recipes}
for size in games:
    print(f"{size}: by hand over counted {hand[size] / gmac[size]:.2f}")
    assert 0.8 < hand[size] / gmac[size] < 1.0  # what is missing: palette, backdrop, motion, mixing
gmac[256] = gmac[128] * hand[256] / hand[128]
print(f"256x256: about {gmac[256]:.0f} GMAC a step")

# %% [markdown]
# The estimate misses a little over a tenth, much the same at both sizes. So use it for what it is good for: the
# *ratio* of 256 to 128. Note the factors: about 4 for each doubling, as the pixels say.
#
# ### How fast is this machine?
# A multiply-add is two floating-point operations (FLOP). The most that a machine reaches in practice is a
# large matrix product.


# %%
def matmul_flops(size=2048, rounds=5):
    """Floating-point operations a second in a large matrix product, the best of some rounds."""
    matrix = tf.random.stateless_uniform((size, size), (0, 1))
    product, seconds = tf.function(lambda: tf.reduce_sum(matrix @ matrix)), []
    for _ in range(rounds):
        began = time.perf_counter()
        float(product())
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / min(seconds)


def step_seconds(game, batch, rounds=2):
    """Seconds a training step; a round is 8 steps, since the penalty comes every 8."""
    float(game.step_function(batch)["d_loss"])  # the first call builds the graph
    began = time.perf_counter()
    for _ in range(8 * rounds):
        logs = game.step_function(batch)
    float(logs["g_loss"])
    return (time.perf_counter() - began) / (8 * rounds)


# %% tags=["nbval-ignore-output"]
peak = matmul_flops()
seconds = step_seconds(*games[64])
reached = 2e9 * gmac[64] / seconds
print(f"a step at 64x64 takes {1000 * seconds:.0f} ms: {reached / 1e9:.0f} GFLOP/s")
print(f"the peak is {peak / 1e9:.0f} GFLOP/s")
print(f"share of the peak: {reached / peak:.0%}")

# %% [markdown]
# The rest of the time goes to what multiplies little: batch norm, activations, moving pictures through
# memory. **On a GPU we measured nothing.** Its rows below are estimates from the guesses in the settings: the
# peak, the share of it, and an *overhead*. A step is hundreds of small operations, and a GPU needs some
# microseconds to begin each, however small. Time a hundred steps before you rent a week.
#
# ### The table
# Eight GPUs take a batch of 64, eight clips each, and an eighth of the steps: the same number of clips seen.
# (Whether that learns as well is section 8.) Each step they exchange the gradients on a ring.


# %%
def exchange_seconds(num_weights, num_devices):
    """Of a ring all-reduce of gradients in float32."""
    return 2 * (num_devices - 1) / num_devices * 4 * num_weights / (1e9 * LINK_GB_PER_S)


def gpu_minutes(gmac, num_weights, num_devices):
    """An estimate for the whole training; each GPU keeps its batch, so that the steps get fewer."""
    work = 2e9 * gmac / (1e12 * GPU_TFLOPS * GPU_SHARE)
    step = work + GPU_OVERHEAD_MS / 1000 + exchange_seconds(num_weights, num_devices)
    return RUN_STEPS / num_devices * step / 60


# %%
weights = {
    size: game.generator.count_params() + game.discriminator.count_params()
    for size, (game, _) in games.items()
}
large = {
    size: sum(16 * a * b for ends in ((16, 9), (32, 21)) for _, a, b in layers_of(size, *ends))
    for size in (128, 256)
}
weights[256] = weights[128] + large[256] - large[128]
print("millions of weights:", {size: round(number / 1e6, 1) for size, number in weights.items()})

# %% tags=["nbval-ignore-output"]
print(f"minutes for {RUN_STEPS} steps of 8 clips\n{'':9}this machine   one GPU   eight GPUs")
for size in gmac:
    here = RUN_STEPS * 2e9 * gmac[size] / reached / 60
    one_gpu, eight = (gpu_minutes(gmac[size], weights[size], n) for n in (1, 8))
    print(f"{size:3}x{size:3}{here:13.0f}{one_gpu:11.1f}{eight:13.2f}")

# %%
minutes = {size: [gpu_minutes(gmac[size], weights[size], n) for n in (1, 8)] for size in gmac}
print("work of 256x256 over 64x64:", round(gmac[256] / gmac[64]))
print("minutes on one GPU, 256x256 over 64x64:", round(minutes[256][0] / minutes[64][0], 1))
print("eight GPUs over one:", {size: round(single / eight, 1) for size, (single, eight) in minutes.items()})

# %% [markdown]
# Your machine pays for the work, so each doubling of the picture takes about four times as long. The GPU hardly
# notices at first: at 64x64 it waits for its next order most of the time. Two things follow. *This* network is
# so small that one GPU is plenty; eight pay when the network is wider, the batch larger or the picture finer.
# And read the table as orders of magnitude: it leaves out reading the data, starting up, and all that goes
# wrong. Larger pictures need more steps to look good, too. Now put the numbers of *your* GPU into the settings.
#
# ### More devices, same batch
# So far the batch grew. Now keep it, and split it ever finer. Let $e$ be the time to send one gradient, as
# a share of the time in which *one* device computes the whole step. With $n$ devices the work of a step takes
# an $n$-th of the time and the ring comes on top, so the speed-up is
#
# $$\frac{1}{\frac1n + 2 e \frac{n-1}{n}} = \frac{n}{1 + 2e\,(n-1)}$$


# %%
def speed_up(n, exchange):
    """Of n devices that share one batch."""
    return n / (1 + 2 * exchange * (n - 1))


def amdahl(n, serial):
    """Amdahl's law: a share of the work cannot be split."""
    return 1 / (serial + (1 - serial) / n)


counts = np.arange(1, 65)
assert np.allclose(speed_up(counts, 0.04), amdahl(counts, 2 * 0.04))
assert abs(speed_up(10**6, 0.04) - 1 / (2 * 0.04)) < 0.01
print("it is Amdahl's law, with twice the exchange as the part that cannot be split:", True)


# %%
def draw_speed_up(devices, exchange):
    """Both ways to use n devices."""
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    split, grown = speed_up(counts, exchange), counts / (1 + 2 * exchange * (counts - 1) / counts)
    axes.plot(counts, counts, ":", color="0.4", label="perfect")
    axes.plot(counts, grown, "--", color=show.GREEN, label="the batch grows with the devices")
    axes.plot(counts, split, color=show.BLUE, label="the same batch, split")
    axes.plot(devices, split[devices - 1], "o", color=show.VERMILION)
    axes.set(xlabel="devices", ylabel="clips a second over one device", ylim=(0, 66))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    numbers = f"the same batch split {split[devices - 1]:.1f}, a batch that grows {grown[devices - 1]:.1f}"
    return show.figure(
        figure, alt=f"Speed-up of {devices} devices, exchange {exchange:.2f} of a step: {numbers}."
    )


draw_speed_up(devices=8, exchange=0.04)

# %% [markdown]
# The blue line bends: with an exchange of 0.04 no number of devices gets beyond $1/0.08 = 12.5$. The green
# one stays straight, since each device's own work stays as large as it was. That is why everybody grows the
# batch. Where does the blue line stop with 0.01, where with 0.2?

# %%
widgets.explore(draw_speed_up, devices=(1, 64, 8), exchange=(0.0, 0.2, 0.04))

# %% [markdown]
# ## 8. A larger batch is another training
# Eight devices, eight times the batch, an eighth of the steps. With the same learning rate the weights
# would move far less. The **linear-scaling rule** (Goyal et al. 2017): *batch times $k$, learning rate
# times $k$*. The idea: if the weights hardly move during $k$ small steps, their $k$ gradients could as well
# be taken at one place:
#
# $$w - \sum_{j=1}^{k} \eta\, g_j(w_j) \;\approx\; w - k \eta \cdot \frac1k \sum_{j=1}^{k} g_j(w)$$
#
# Try it where you know the answer: fit a line in 20 dimensions to noisy numbers, by plain gradient descent.

# %%
SCALES = np.linspace(0.3, 1, 20)  # spread of each of the 20 inputs
TRUE = np.random.default_rng(0).normal(size=20)


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


def trials(exponent):
    """Median loss of five seeds for each factor k; the learning rate grows with k ** exponent."""
    return np.array(
        [
            np.median([train_line(8 * k, 0.02 * float(k) ** exponent, seed=seed) for seed in range(5)])
            for k in FACTORS
        ]
    )


same_rate, linear_rate = trials(0), trials(1)

# %%
figure = Figure(figsize=(6.4, 3.0), layout="constrained")
axes = figure.subplots()
axes.loglog(FACTORS, same_rate, "s--", color=show.VERMILION, label="the same learning rate")
axes.loglog(FACTORS, linear_rate, "o-", color=show.BLUE, label="learning rate x k")
axes.set(xlabel="k: batch of 8 k, equal number of examples", ylabel="loss above the best")
axes.set_xticks(FACTORS, FACTORS)
axes.legend(frameon=False)
show.figure(
    figure, alt="The same rate: the loss grows with k. Rate times k: flat up to 64, then it explodes."
)

# %%
print("x8, the same rate: over 20 times the loss:", bool(same_rate[3] > 20 * same_rate[0]))
print("x2 to x64, rate x k: within twice the loss:", bool((linear_rate[1:7] < 2 * linear_rate[0]).all()))
print("x128, rate x k: it diverges:", bool(linear_rate[7] > 100))

# %% [markdown]
# With the same rate the loss climbs with every doubling: too few steps. With the rate times $k$ it stays flat
# up to 64, and then explodes. Why at 128? One step multiplies the error along an
# input of variance $\lambda$ by $1 - \eta\lambda$. If $\eta > 2/\lambda$, that is below $-1$ and the error
# *grows*. Here the largest $\lambda$ is 1: the limit is a learning rate of 2.

# %%
limit = 2 / max(SCALES**2)
for k in (64, 128):
    print(f"x{k}: learning rate {0.02 * k:.2f}, below the limit of {limit:.0f}:", bool(0.02 * k < limit))

# %% [markdown]
# A network has such a limit, too; nobody tells you where. That is why large batches begin with a
# **warm-up**: the rate climbs over the first steps, in which the weights change fastest and the idea above
# fits worst.
#
# ### And a GAN?
# Now lesson 03's game on the ring. Two things are different: there are two players, and **Adam**, which
# divides gradients by their size. For Adam theory suggests $\sqrt k$ (Malladi et al. 2022). What is your bet?


# %%
def on_target(k, rate, seed, steps=2000):
    """Share of generated points in one of the eight heaps, after a game with k times the batch."""
    recipe = toy.Recipe(g_rate=rate, d_rate=rate, r1_gamma=0.1, batch_size=64 * k)
    game, rng = toy.make_toy(2, seed=seed), np.random.default_rng(seed)
    game, _ = toy.train_toy(game, toy.draw_ring, rng, recipe=recipe, num_steps=steps // k)
    points = toy.mlp(game.generator, toy.draw_noise(np.random.default_rng(1), (2000, 2))).numpy()
    nearest = np.linalg.norm(points[:, None] - toy.ring_centres(), axis=2).min(axis=1)
    return float((nearest < 0.3).mean())


# %% tags=["nbval-ignore-output"]
RULES = {"the same rate": 0.0, "rate x root of k": 0.5, "rate x k": 1.0}
plan = [(rule, k, seed) for k in (1, 2, 4, 8) for rule in RULES for seed in range(SEEDS)]
ring = {
    (rule, k, seed): on_target(k, 2e-3 * k ** RULES[rule], seed) for rule, k, seed in tqdm(plan, desc="games")
}

# %% tags=["nbval-ignore-output"]
figure = Figure(figsize=(6.4, 3.0), layout="constrained")
axes = figure.subplots()
for (rule, _), colour, marker in zip(
    RULES.items(), (show.VERMILION, show.GREEN, show.BLUE), "s^o", strict=True
):
    middles = [np.median([ring[rule, k, seed] for seed in range(SEEDS)]) for k in (1, 2, 4, 8)]
    axes.plot([1, 2, 4, 8], middles, f"{marker}-", color=colour, label=rule)
    for k in (1, 2, 4, 8):
        axes.plot([k] * SEEDS, [ring[rule, k, seed] for seed in range(SEEDS)], ".", color=colour, alpha=0.5)
axes.set(xlabel="k: batch of 64 k, equal number of points", ylabel="share in a heap", ylim=(0, 1))
axes.set_xticks([1, 2, 4, 8])
axes.legend(frameon=False)
show.figure(
    figure, alt="Share of points in a heap over k. At 2 all rules are good; at 8 rate times k is lowest."
)

# %%
at8 = {rule: np.median([ring[rule, 8, seed] for seed in range(SEEDS)]) for rule in RULES}
small = np.median([ring["rate x k", 1, seed] for seed in range(SEEDS)])
print("x8, rate x k: under half of the small batch:", bool(at8["rate x k"] < small / 2))
print("x8, the root beats the same rate:", bool(at8["rate x root of k"] > at8["the same rate"]))
print("x8, even the root is worse than the small batch:", bool(at8["rate x root of k"] < small))

# %% [markdown]
# A dot is one seed, a line their median. At twice the batch all three rules do well. At x4 the linear rule
# falls off a cliff, and at x8 it is the *worst* of the three. The root is best, and still does not give back
# what the steps did that were left out: a game needs turns, and 250 turns are few. Look at the dots, too: at
# x4 a seed may fall where others hold, and one run would not have told you. This is one small game; it does
# not say where *your* limit is. It says: **there is one, find it with short runs before you buy long ones.**

# %% [markdown]
# ## 9. Two machines
# Several machines work as several devices do; each runs the *same program*. Who else is there, and who am
# I? That stands in the environment variable `TF_CONFIG`:
#
# ```
# {"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}
# ```
#
# All have the same list; `index` is each one's own. Worker 0 is the **chief**: it alone writes checkpoints and
# history. Two processes on one machine need the same set-up, with the loopback address 127.0.0.1. First a
# small store of clips, in four shards: each worker reads half of the clips.

# %%
shutil.rmtree(RESULTS, ignore_errors=True)  # of an earlier run of this notebook
few = clips.select(np.arange(0, clips.num_clips, 10))
store = datasets.save_clips(RESULTS / "store", few, shard_bytes=few.clips[:16].nbytes)
print(few.num_clips, "clips in", len(list(Path(store).glob("*.tfrecord*"))), "shards")

# %% [markdown]
# The launcher, a program of its own. It finds free ports, starts the workers, and ends the others when one
# fails.

# %%
LAUNCHER = '''"""Several processes train: python launch.py NUM_WORKERS STORE RUN [options of train]"""
import json, os, signal, socket, subprocess, sys, time

num_workers, arguments = int(sys.argv[1]), sys.argv[2:]
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the workers are ended, too
free = [socket.socket() for _ in range(num_workers)]
for taken in free:
    taken.bind(("127.0.0.1", 0))  # 0: any port that is free
addresses = [f"127.0.0.1:{taken.getsockname()[1]}" for taken in free]
for taken in free:
    taken.close()
command = [sys.executable, "-m", "vgcourse", "train", *arguments, "--strategy", "multi-worker"]
workers = []
for index in range(num_workers):
    config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    own = {"TF_CONFIG": json.dumps(config), "CUDA_VISIBLE_DEVICES": ""}  # two cannot share a GPU
    workers.append(subprocess.Popen(command, env={**os.environ, **own}))
try:
    while None in (codes := [worker.poll() for worker in workers]) and not any(codes):
        time.sleep(0.5)
finally:
    for worker in workers:
        worker.kill()
sys.exit(1 if any(codes) else 0)
'''

# %%
launcher, log = RESULTS / "launch.py", RESULTS / "log.txt"
_ = launcher.write_text(LAUNCHER, encoding="utf-8")
command = [sys.executable, launcher, 2, store, RESULTS / "run", "--steps", WORKER_STEPS]
command += ["--batch-size", GLOBAL_BATCH, "--precision", "float32"]


# %%
def run_live(command, log):
    """Run a command, show the last line that it wrote, twice a second; returns its exit code."""
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(list(map(str, command)), stdout=file, stderr=file)
        began = time.perf_counter()
        try:
            while process.poll() is None:
                said = re.split(r"[\r\n]+", log.read_text(encoding="utf-8", errors="replace").strip())[-1]
                line = f"{time.perf_counter() - began:3.0f} s  {said or 'the workers start'}"
                print(f"\r{line[:90]:90}", end="", flush=True)
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
print("both workers ended well:", code == 0)
print("replicas:", settings["replicas"], " all steps done:", history[-1]["step"] == WORKER_STEPS)
print("losses are finite:", bool(np.isfinite([row["d_loss"] for row in history]).all()))

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
# The store must be readable from all machines; the run's folder only from the chief.
#
# **When a machine is lost.** The gradient is a sum over all; without one of them there is no sum. So the
# others stop, too, and say so. Start all workers again with `--resume`: they go on from the last
# checkpoint. On cheap machines, which may be taken away at any moment, you lose the half minute since that
# checkpoint and a start, not the run.

# %% [markdown]
# ## Exercises
# ### Exercise 1: parts of unequal size
# The last batch of an epoch has 7 clips: replica 0 gets 4, replica 1 gets 3. Each hands in the *mean*
# gradient over its own clips. Combine them into the gradient of the mean over all. `gradients` has one row
# for each replica, `sizes` their numbers of clips. Stuck? `check.hint("combine_gradients")`


# %% tags=["exercise"]
def combine_gradients(gradients, sizes):
    """Gradient of the mean over all clips, from each replica's mean gradient."""
    # BEGIN SOLUTION
    return np.average(gradients, axis=0, weights=sizes)
    # END SOLUTION


# %%
check.combine_gradients(combine_gradients)

# %% [markdown]
# ### Exercise 2: a plan for eight GPUs
# A recipe for one GPU says: batch, steps, learning rate. Turn it into one for `devices` GPUs that sees the
# same number of clips, keeps each GPU's batch as it is, and follows the linear-scaling rule. Round the
# steps up to a whole number. Stuck? `check.hint("scale_recipe")`


# %% tags=["exercise"]
def scale_recipe(batch_size, steps, rate, devices):
    """(global batch, steps, learning rate) for several devices."""
    # BEGIN SOLUTION
    return batch_size * devices, math.ceil(steps / devices), rate * devices
    # END SOLUTION


# %%
check.scale_recipe(scale_recipe)

# %% [markdown]
# ### Exercise 3: what will it cost?
# You know the GMAC of a step, the number of steps, the GPU's peak in TFLOP/s, the share of it that is
# reached, and the price of an hour. What does the training cost on one GPU? Stuck?
# `check.hint("training_price")`


# %% tags=["exercise"]
def training_price(gmac, steps, peak_tflops, share, price_per_hour):
    """Price of a training; a multiply-add is two floating-point operations."""
    # BEGIN SOLUTION
    seconds = 2e9 * gmac * steps / (1e12 * peak_tflops * share)
    return seconds / 3600 * price_per_hour
    # END SOLUTION


# %%
check.training_price(training_price)

# %% [markdown]
# ## What goes wrong, and how you notice
# - **Two devices learn "faster", or R1 does nothing.** Means were added and not averaged: gradients grow
#   with the number of devices. Compare one step on one device and on two, with plain gradient descent.
# - **Good on one GPU, worse on eight, with the same global batch.** Batch norm sees an eighth of the batch.
#   Synchronise it.
# - **Eight clips with four faces.** All replicas drew the same noise. Count different rows.
# - **More devices, no faster.** The batch is too small for the split, or the data does not come: look at
#   `data_wait` in `history.csv`, then at the curve in section 7.
# - **It diverges with the large batch.** The learning rate is over the limit. Warm up, or scale it less.
# - **"Virtual devices cannot be modified".** TensorFlow had started before it was told of two devices:
#   restart the kernel.
# - **It hangs at the start.** A worker in `TF_CONFIG` was not started, or a port is closed. All wait for
#   all.
# - **"Another worker does not answer."** One machine is gone. Start all again with `--resume`.
#
# ## You have
# - split a training step over two devices by hand, and proved that the weights come out as on one;
# - counted the work of a step, and estimated what larger videos cost on a laptop, one GPU and eight;
# - tried the rule for larger batches until it broke, and trained with two processes that talk to each other.
#
# ## References
# - Goyal et al. 2017, *Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour*, [arXiv
#   1706.02677](https://arxiv.org/abs/1706.02677): the linear-scaling rule and the warm-up.
# - Shallue et al. 2018, *Measuring the Effects of Data Parallelism on Neural Network Training*, [arXiv
#   1811.03600](https://arxiv.org/abs/1811.03600): where larger batches stop helping.
# - McCandlish et al. 2018, *An Empirical Model of Large-Batch Training*, [arXiv
#   1812.06162](https://arxiv.org/abs/1812.06162): how to guess that place from the noise of gradients.
# - Malladi et al. 2022, *On the SDEs and Scaling Rules for Adaptive Gradient Algorithms*, [arXiv
#   2205.10287](https://arxiv.org/abs/2205.10287): the root for Adam.
# - Brock et al. 2018, *Large Scale GAN Training for High Fidelity Natural Image Synthesis*, [arXiv
#   1809.11096](https://arxiv.org/abs/1809.11096): a GAN that gains much from large batches, and collapses.
# - Sergeev and Del Balso 2018, *Horovod: fast and easy distributed deep learning in TensorFlow*, [arXiv
#   1802.05799](https://arxiv.org/abs/1802.05799): ring all-reduce for training.
# - Ioffe and Szegedy 2015, *Batch Normalization*, [arXiv 1502.03167](https://arxiv.org/abs/1502.03167).
#
# Next: your own project, at the size that you can now pay for. This was the last lesson. The
# [README](../README.md) lists the commands for long trainings, and
# [11 · Your videos](11_your_videos.ipynb) has the way from a folder of films to a store.
