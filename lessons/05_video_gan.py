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
# # 05 · A GAN that moves
# {badge}
#
# **How does one network draw sixteen frames that belong together, and how does another tell cheaply if they
# do?**
#
# You will
# - build a generator that keeps who a person is apart from what the person does;
# - build a discriminator that judges motion from four frames, and measure what that saves;
# - train both on your own machine, and watch people walk, run and wave out of noise.
#
# About 50 minutes, of which two cores compute for five.

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
    features,
    gan,
    generate,
    preprocess,
    show,
    training,
)

# %%
from vgcourse.classroom import budget, check, widgets
from vgcourse.evaluate import metrics
from vgcourse.gan import losses, models

# %%
SIZE = 32  # height and width of a frame in pixels
NUM_FRAMES = 16  # frames of a clip, at 10 a second
NUM_SEEN = 4  # frames that the discriminator looks at
CONTENT_DIM, MOTION_DIM = 32, 16  # lengths of the two codes
BATCH_SIZE = 8
STEPS = budget.steps(3600)  # about three minutes on two cores
PRECISION = "float32"  # training.pick_precision(SIZE) tries the others
SEED = 0

# %%
examples = datasets.load_actions("validation", size=64, num_frames=20)
names = examples.action_names


def example(action, person=0):
    """A real clip of an action: 20 frames, two seconds."""
    return examples.clips[examples.actions == names.index(action)][person]


# %%
PERIOD = 20  # frames that one squat takes
squat = example("squat")
t = np.arange(PERIOD)
# Which moment of the squat frame t shows. Not now: you are to find out.
MOMENTS = {"A": 2 * t, "B": t, "C": t + 5 * (t % 3)}
CHOICES = ["0 1 2 3", "0 3 6 9", "0 5 10 15", "0 1 4 9", "spacing not told"]
UNTOLD = {"A": 2, "B": 4, "C": 3}


# %%
def four_pictures(pictures, words):
    """Four frames side by side, and an empty ruler below."""
    figure = Figure(figsize=(6.2, 2.3), layout="constrained")
    grid = figure.add_gridspec(2, NUM_SEEN, height_ratios=[7, 1])
    for k, picture in enumerate(pictures):
        axes = figure.add_subplot(grid[0, k])
        axes.imshow(picture, interpolation="bicubic")
        axes.axis("off")
    ruler = figure.add_subplot(grid[1, :])
    ruler.set(xticks=range(NUM_FRAMES), yticks=[], xlim=(-0.6, 15.6))
    ruler.set_xlabel(words)
    ruler.spines[["top", "left", "right"]].set_visible(False)
    return figure, ruler


# %%
def distances(times):
    """The different distances between any two frames, as text."""
    gaps = {int(b - a) for a in times for b in times if b > a}
    return "distances: " + " ".join(map(str, sorted(gaps)))


# %%
def seen_frames(clip="A", frames="0 1 2 3"):
    """Four frames of a clip, and how far apart they are."""
    told = frames != CHOICES[-1]
    times = np.arange(NUM_SEEN) * UNTOLD[clip]
    words = "evenly spaced, and nobody says how far apart"
    if told:
        times = np.array(frames.split(), int)
        words = distances(times)
    pictures = squat[MOMENTS[clip][times] % PERIOD]
    figure, ruler = four_pictures(pictures, words)
    if told:
        ruler.plot(times, 0 * times, "o", color=show.VERMILION)
    alt = f"Four frames of clip {clip}, side by side; {words}."
    return show.figure(figure, alt=alt)


# %% [markdown]
# ## 1. Play: four frames are all you get
# Three clips of one person. One is a real squat, one plays **twice too fast**, and one **trembles**: its frames
# come from different moments. You are the **discriminator**, who judges what is real, and you get four frames of
# each.
#
# Choose which four, and go through A, B and C. **Which choices let you tell all three apart? With which do two
# clips show you the very same thing?** Write down who is who.

# %%
seen_frames("A", "0 1 2 3")

# %%
widgets.explore(seen_frames, clip=["A", "B", "C"], frames=CHOICES)

# %% [markdown]
# And here are the whole clips.

# %%
whole = np.stack([squat[moments % PERIOD] for moments in MOMENTS.values()])
labels = ["A: too fast", "B: real", "C: trembles"]
grid = show.label_grid(whole, labels, scale=1)
alt = "One person squats three times: twice too fast, as filmed, trembling."
show.show_clip(grid, zoom=3, alt=alt)

# %% [markdown]
# Did *0 3 6 9* show you the same for B and C, and *spacing not told* the same for A and B? What is the same, no
# network can tell apart. How much did they differ?

# %%
A, B, C = (squat[moments % PERIOD] for moments in MOMENTS.values())
pairs = {
    "A at 0 2 4 6, B at 0 4 8 12": (A[:8:2], B[:16:4]),
    "C at 0 3 6 9, B at 0 3 6 9": (C[:12:3], B[:12:3]),
    "A at 0 1 4 9, B at 0 1 4 9": (A[[0, 1, 4, 9]], B[[0, 1, 4, 9]]),
}
for name, (one, other) in pairs.items():
    pixels = np.any(one != other, axis=-1).sum()
    print(f"{name:28} differ in {pixels:5} pixels")

# %% [markdown]
# So *which* frames a discriminator sees decides what it can ask for. Section 6 comes back to that. First the other
# network: how does a generator make a squat at all?

# %%
path_picture("model")

# %% [markdown]
# ## 2. Who and what
# In a row the colours stay and the movement changes. In a column the movement stays and the colours change. *Who*
# and *what* are two different things.

# %%
three = ("walk", "jack", "wave2")
six = [example(action, k) for k in (0, 5) for action in three]
show.show_clip(
    show.label_grid(np.stack(six)[:, ::2], three * 2, columns=3, scale=1),
    fps=5,
    zoom=2,
    alt="Two people in rows, three actions in columns: walk, jack, wave2.",
)

# %% [markdown]
# MoCoGAN (Tulyakov et al. 2018) makes two random codes of that. The **content code** (who) is drawn once per clip.
# The **motion code** (which pose) is new in every frame. Side by side they are the **latents**, the generator's
# input: frame $t$ is $G(\text{content}, \text{motion}_t)$.
#
# ### Exercise 1: the latents of a batch
# Content codes `(batch, c)` and motion codes `(batch, time, m)` become latents `(batch, time, c + m)`, content
# first. If this goes wrong, people change in the middle of a clip. Stuck? `check.hint("clip_latents")`


# %% tags=["exercise"]
def clip_latents(content, motion):
    """Latents (batch, time, c + m): who, beside each pose of theirs."""
    # BEGIN SOLUTION
    repeated = np.repeat(content[:, None], motion.shape[1], axis=1)
    return np.concatenate([repeated, motion], axis=-1)
    # END SOLUTION


# %%
check.clip_latents(clip_latents)

# %% [markdown]
# A first try: both codes are plain noise. A row is a frame of one clip.

# %%
rng = np.random.default_rng(0)
latents = np.empty((NUM_FRAMES, CONTENT_DIM + MOTION_DIM))
latents[:, :CONTENT_DIM] = rng.standard_normal(CONTENT_DIM)
latents[:, CONTENT_DIM:] = rng.standard_normal((NUM_FRAMES, MOTION_DIM))

# %%
figure = Figure(figsize=(7, 2.6), layout="constrained")
axes = figure.subplots()
axes.imshow(latents, cmap="cividis", aspect="auto")
axes.axvline(CONTENT_DIM - 0.5, color="white", linewidth=3)
axes.set(xlabel="content code (left) | motion code (right)", ylabel="frame")
alt = "Latents of a clip: left, columns of one colour; right, noise."
show.figure(figure, alt=alt)


# %%
def step_over_spread(codes):
    """How far neighbouring frames' codes are apart, over any two frames'."""
    gaps = np.linalg.norm(codes[:, None] - codes, axis=-1)
    later = np.triu_indices(len(codes), 1)
    return np.diagonal(gaps, 1).mean() / gaps[later].mean()


from_noise = step_over_spread(latents[:, CONTENT_DIM:])
print(f"neighbouring frames: {from_noise:.2f} times as far apart as any two")

# %% [markdown]
# Left, the person stays. Right, a frame has nothing to do with the one before: a leg that is in front now would be
# anywhere a tenth of a second later. Motion needs a memory.

# %% [markdown]
# ## 3. Motion with a memory
# A **recurrent network** reads fresh noise $z$ at every frame and keeps a state $h$. A **GRU** decides for each
# number of the state how much of the old one to keep ($k$) and how much of it to look at ($r$):
#
# $$k = \sigma(W_k z + U_k h + b_k), \quad r = \sigma(W_r z + U_r h + b_r)$$
# $$\tilde h = \tanh(W z + b + r \odot (U h + b')), \quad h \leftarrow k \odot h + (1 - k) \odot \tilde h$$
#
# $\sigma$ squashes to (0, 1), $\odot$ multiplies number by number. (In textbooks the input is $x$, the first gate
# $z$.)


# %%
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# %%
def gru_step(weights, state, noise):
    """The next state (batch, units), from the one before and noise."""
    kernel, recurrent, (input_bias, state_bias) = weights
    from_input = np.split(noise @ kernel + input_bias, 3, axis=1)
    from_state = np.split(state @ recurrent + state_bias, 3, axis=1)
    keep = sigmoid(from_input[0] + from_state[0])
    look = sigmoid(from_input[1] + from_state[1])
    candidate = np.tanh(from_input[2] + look * from_state[2])
    return keep * state + (1 - keep) * candidate


# %%
cell = keras.layers.GRUCell(24)
state = rng.standard_normal((2, 24))
noise = rng.standard_normal((2, MOTION_DIM))
expected, _ = cell(noise.astype("float32"), [tf.constant(state, tf.float32)])

# %%
weights = [np.array(w, np.float64) for w in cell.get_weights()]
ours = gru_step(weights, state, noise)
assert np.allclose(ours, expected, atol=1e-5)
print("our GRU and Keras's:", ours.size, "numbers, all equal to four digits")

# %% [markdown]
# The course's motion network is such a GRU, and reads the **action** too. If the noise changes from frame 8 on,
# which motion codes will change?

# %%
motion_rnn = models.build_motion_rnn(NUM_FRAMES, len(names))
noise = rng.standard_normal((1, NUM_FRAMES, MOTION_DIM)).astype("float32")
late = noise.copy()
late[:, 8:] = 0  # other noise from frame 8 on

# %%
walk = np.array([names.index("walk")])
both = [motion_rnn([z, walk]).numpy()[0] for z in (noise, late)]
changed = (both[0] != both[1]).any(axis=1)
print("changed before frame 8:", changed[:8].sum(), "of 8 codes")
print("changed from frame 8 on:", changed[8:].sum(), "of 8")

# %% [markdown]
# No frame looks into the future. And a *trained* one? We ask the **shipped** generator, which comes with the
# course. The same noise goes in with three actions. The picture shows the two directions in which the codes vary
# most.

# %%
shipped = generate.load_generator()
labels = np.array([shipped.action_names.index(action) for action in three])
noise = np.repeat(generate.motion_noise(shipped, [4]), len(three), axis=0)
paths = np.array(shipped.motion_rnn([noise, labels]))

# %%
flat = paths.reshape(-1, MOTION_DIM) - paths.mean(axis=(0, 1))
directions = np.linalg.svd(flat, full_matrices=False)[2][:2]
flat = (flat @ directions.T).reshape(len(three), NUM_FRAMES, 2)

# %%
figure = Figure(figsize=(6, 3.6), layout="constrained")
axes = figure.subplots()
styles = [(show.BLUE, "-o"), (show.VERMILION, "--s"), (show.GREEN, ":^")]
for path, action, (colour, style) in zip(flat, three, styles, strict=True):
    axes.plot(*path.T, style, color=colour, markersize=4, label=action)
axes.set(xlabel="first direction", ylabel="second direction")
axes.set_title("Motion codes of one clip, 16 frames")
axes.legend(frameon=False)
alt = "The motion codes of walk, jack and wave2, drawn as three paths."
show.figure(figure, alt=alt)

# %% [markdown]
# The noise was the same, so it is the action that tells the paths apart. And they seem to come back: our actors
# begin these actions again within a second, ten frames. How near does a path come to one of its first frames, four
# frames later or after that?


# %%
def return_over_width(path):
    """Distance at the nearest return, over the width of the path."""
    gaps = np.linalg.norm(path[:, None] - path, axis=-1)
    nearest = [gaps[t, t + 4 :].min() for t in range(6)]
    return np.median(nearest) / gaps.max()


# %% tags=["nbval-ignore-output"]
rows = {"plain noise": latents[:, CONTENT_DIM:]}
rows |= dict(zip(three, paths, strict=True))
print("              step / spread   return / width")
for name, path in rows.items():
    measured = step_over_spread(path), return_over_width(path)
    print(f"{name:12} {measured[0]:14.2f} {measured[1]:16.2f}")

# %%
returns = {name: return_over_width(path) for name, path in rows.items()}
assert max(returns[action] for action in three) < 1 / 3
print(f"plain noise: to within {returns['plain noise']:.2f} of its width;")
print("the trained paths: all to within a third")

# %% [markdown]
# Nobody told the network about periods. Its steps are shorter than those of noise, too.

# %% [markdown]
# ## 4. Frames, painted by numbers
# MoCoGAN draws every frame's colours anew, and shirts change colour while an arm moves. We draw once per clip what
# does not change, from the content code alone: a **palette** $c$ of eight colours and a **backdrop** $b$, a still
# picture. For each frame the network draws only **masks** $m$: how much of each of the nine there is in a pixel.
# The **softmax** makes them positive, with sum one.
#
# $$\text{frame}_t = \sum_{k=1}^{8} m_{t,k}\, c_k + m_{t,9}\, b, \qquad m_t = \mathrm{softmax}(\text{mask logits}_t)$$


# %%
def paint(mask_logits, palette, backdrop):
    """Frames (batch, time, height, width, 3); the last mask: backdrop."""
    masks = np.exp(mask_logits)
    masks /= masks.sum(axis=-1, keepdims=True)
    figure = np.einsum("bthwk,bkc->bthwc", masks[..., :-1], palette)
    return figure + masks[..., -1:] * backdrop[:, None]


# %%
logits = rng.standard_normal((2, 3, 8, 8, 9)).astype("float32")
palette = np.tanh(rng.standard_normal((2, 8, 3))).astype("float32")
backdrop = np.tanh(rng.standard_normal((2, 8, 8, 3))).astype("float32")
ours = paint(logits, palette, backdrop)
assert np.allclose(ours, models.paint(logits, palette, backdrop), atol=1e-5)
print("our paint and the course's:", ours.shape, "all equal to four digits")

# %% [markdown]
# Take the shipped generator apart. Each of nine clips shows one mask, in the colour that it lays on, and grey
# where it lays on none. Together they make the tenth. (The fullest place of a mask is shown at full strength, or
# pale ones could not be seen.) **Which colour paints the shirt? Who paints the wall?**

# %%
code = generate.content_codes(shipped, [3])
noise = generate.motion_noise(shipped, [3])
codes = shipped.motion_rnn([noise, np.array([names.index("wave2")])])
person = np.repeat(code, NUM_FRAMES, axis=0)
latent = np.concatenate([person, codes[0]], axis=1)

# %%
masks = np.array(tf.nn.softmax(shipped.frame_generator(latent)))[..., None]
colours = np.array(shipped.palette(code))[0]
room = np.array(shipped.backdrop(code))[0]
made = np.array(shipped.render(code, codes))[0]
whole = sum(masks[..., k, :] * colours[k] for k in range(8))
assert np.allclose(whole + masks[..., 8, :] * room, made, atol=1e-4)

# %%
full = masks / masks.max(axis=(0, 1, 2))
layers = [full[..., k, :] * colours[k] for k in range(8)]
layers += [full[..., 8, :] * room, made]
layers = preprocess.to_uint8(np.stack(layers).astype("float32"))
labels = [f"colour {k + 1}" for k in range(8)] + ["backdrop", "all together"]

# %% tags=["nbval-ignore-output"]
show.show_clip(
    show.label_grid(layers[:, ::2], labels, scale=1),
    fps=5,
    zoom=2,
    alt="Ten moving pictures of a person who waves with both arms: eight "
    "masks, each in its colour on grey; the backdrop's; all nine together.",
)

# %%
print("masks of a pixel add up to", f"{masks.sum(axis=3).mean():.2f}")

# %% [markdown]
# One colour is for the shirt alone. The wall is mixed from several, which leave out the person. And the backdrop
# paints trousers and head! Nobody told the network what a person or a room is. But it *cannot* change palette or
# backdrop within a clip. (Where an arm moves fast there is smoke: see section 11.)

# %% [markdown]
# So one content code should give one person in any action. Three people in columns:

# %%
matrix = generate.swap_motion(
    shipped,
    content_seeds=[0, 1, 5],
    actions=["walk", "jack"],
    motion_seed=3,
)
two_rows = matrix.swapaxes(0, 1).reshape(-1, *matrix.shape[2:])
looped = generate.loop_together(two_rows, num_frames=10)
labels = ["walk"] * 3 + ["jack"] * 3

# %% tags=["nbval-ignore-output"]
show.show_clip(
    show.label_grid(looped[:, ::2], labels, columns=3, scale=1),
    fps=5,
    zoom=2,
    alt="Three generated people in columns; above they walk, below they jump.",
)

# %% [markdown]
# `features.content_features`, a network that tells people apart by their looks, compares the two clips of a
# column. The reference is two different people.

# %%
looks = features.content_features(matrix.reshape(-1, *matrix.shape[2:]))
looks = looks.mean(axis=1).reshape(3, 2, -1)
same = np.linalg.norm(looks[:, 0] - looks[:, 1], axis=-1).mean()
other = np.linalg.norm(looks[:, 0] - np.roll(looks[:, 1], 1, axis=0), axis=-1)
assert same < 0.8 * other.mean()
print("one person in two actions: less than 0.8 times as far apart as")
print("two people")

# %% [markdown]
# ### Time goes into the batch
# The frame generator knows nothing of clips. Eight clips of sixteen frames are a batch of 128 for it: fold time
# into the batch, draw, unfold. So in training we draw only the frames that the discriminator looks at.

# %%
alone = shipped.render(code, codes[:, 5:6])[0, 0]
levels = 127.5 * np.abs(alone - made[5]).max()
assert levels < 0.5
print("16 frames drawn:", made.shape, "- one drawn alone:", alone.shape)
print("frame 5 of the clip, and alone: the same to within half a grey level")

# %% [markdown]
# ## 5. What a third axis costs
# A single frame of a walk looks like one of a walk played backwards, so the discriminator must see several. The
# obvious tool is a convolution over time as well, as in MoCoGAN. At every output position, each filter multiplies
# every number in its window:
#
# $$\text{multiply-adds} = \text{positions} \times \text{window} \times C_{in} \times C_{out}$$
#
# **Guess first:** a 3-D network over sixteen frames, a 2-D one that gets four. How many times the work?


# %%
def multiply_adds(network):
    """Multiply-adds of a network's convolutions, for one clip."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv3D):
            *positions, filters = layer.output.shape[1:]
            window = layer.kernel.shape[:-1]  # with the channels that come in
            total += np.prod(positions) * np.prod(window) * filters
    return int(total)


sparse = models.build_discriminator(SIZE, len(names), num_seen=NUM_SEEN)
dense = models.build_clip_discriminator(
    SIZE,
    NUM_FRAMES,
    len(names),
    width=SIZE,
)

# %% [markdown]
# By hand, one line a convolution, against the count:

# %%
in_3d = (
    (13 * 16 * 16) * 4**3 * 3 * 32
    + (10 * 8 * 8) * 4**3 * 32 * 64
    + (7 * 4 * 4) * 4**3 * 64 * 128
    + (4 * 2 * 2) * 4**3 * 128 * (1 + 10)  # real or not, and which action
)
in_2d = (
    (16 * 16) * 4**2 * 21 * 64  # 21 channels: section 7 says why
    + (8 * 8) * 4**2 * 64 * 128
    + (4 * 4) * 4**2 * 128 * 256
)
assert (in_3d, in_2d) == (multiply_adds(dense), multiply_adds(sparse))
print(f"3-D, 16 frames: {in_3d / 1e6:5.1f} million multiply-adds for a clip")
print(f"2-D,  4 frames: {in_2d / 1e6:5.1f} million")
print(f"times fewer:    {in_3d / in_2d:5.1f}")

# %% [markdown]
# Is the time in proportion?


# %%
def seconds(network, inputs, rounds=5):
    """Shortest of some times; what else a machine does only adds to it."""
    scores = tf.function(lambda: network(inputs, training=True))
    scores()  # the first call builds the graph
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        scores()
        times.append(time.perf_counter() - start)
    return min(times)


# %% tags=["nbval-ignore-output"]
shape = (BATCH_SIZE, NUM_FRAMES, SIZE, SIZE, 3)
sixteen = tf.random.stateless_normal(shape, (0, 0))
labels = tf.zeros((BATCH_SIZE,), tf.int32)
slow = seconds(dense, sixteen)
fast = seconds(sparse, [sixteen[:, :NUM_SEEN], labels])
took = {"3-D, all 16 frames": 1000 * slow, "2-D, 4 frames": 1000 * fast}
title = f"Scores of {BATCH_SIZE} clips"
show.plot_bars(took, title=title, unit="milliseconds")

# %%
assert slow > fast
print("2-D is faster; the generator draws 4 frames for it instead of 16")

# %% [markdown]
# It need not be: time depends on how well a library is tuned for each kind of convolution.

# %% [markdown]
# ## 6. Which four frames?
# The *start* is random, or the rest of the clip would go unjudged. In this course's first version the *spacing*
# was random, too, and the discriminator was not told it. So it could not object to a squat twice too fast: a real
# squat at twice the spacing gives the very same pictures.
#
# ### Exercise 2: from how many starts does a cheat pass?
# `moments[t]` says which moment of the action frame $t$ shows: 0, 1, 2, ... or 5, 6, 7, ... in a real clip, 0, 2,
# 4, ... in one twice too fast. A discriminator sees frames `start + offsets`. From how many starts, of all that
# leave room in the clip, are the moments that it sees as far apart as real ones? Stuck?
# `check.hint("starts_fooled")`


# %% tags=["exercise"]
def starts_fooled(moments, offsets):
    """How many starts there are from which the clip passes as real."""
    # BEGIN SOLUTION
    passed = 0
    for start in range(len(moments) - offsets[-1]):
        seen = moments[start + offsets]
        passed += np.array_equal(seen - seen[0], offsets)
    return passed
    # END SOLUTION


# %%
check.starts_fooled(starts_fooled)

# %% [markdown]
# Now all choices of your panel, as shares of draws. *Spacing not told* draws 1, 2, 3 or 4, and what looks right
# for *any* of them passes. Which rows will be 0 twice?


# %%
def passing(moments, patterns):
    """Share of draws in which a clip looks like a real one."""
    shares = []
    for offsets in patterns:
        starts = np.arange(NUM_FRAMES - offsets[-1])[:, None]
        seen = moments[starts + np.array(offsets)]
        apart = map(tuple, seen - seen[:, :1])
        shares.append(np.mean([gaps in patterns for gaps in apart]))
    return np.mean(shares)


# %%
print(f"{'frames seen':18}{'too fast':>9}{'trembling':>11}{'real':>7}")
for choice in CHOICES:
    patterns = [tuple(stride * np.arange(4)) for stride in (1, 2, 3, 4)]
    if choice != "spacing not told":
        patterns = [tuple(map(int, choice.split()))]
    fast, shaky, real = (passing(MOMENTS[k], patterns) for k in "ACB")
    print(f"{choice:18}{fast:9.0%}{shaky:11.0%}{real:7.0%}")

# %% [markdown]
# With the spacing not told, nobody can object to half of the views of a hasty squat. With 0 3 6 9, frames 0, 1 and
# 2 are never compared, so the clip may tremble. Three choices expose both. Of these, 0 1 2 3 sees only a third of
# a second, and 0 5 10 15 never sees the other twelve frames. The squares 0 1 4 9 have **six different distances**:
# short ones show speed, long ones the way.


# %%
def draw_times(seed, num_frames, num_seen):
    """The frames that the discriminator sees: squares, a random start."""
    squares = np.arange(num_seen) ** 2
    starts = num_frames - squares[-1]  # that leave room for all frames
    start = tf.random.stateless_uniform((), seed, 0, starts, tf.int32)
    return start + tf.constant(squares, tf.int32)


# %%
begun = np.zeros(NUM_FRAMES, int)
for number in range(100):
    asked = tf.constant([SEED, number]), NUM_FRAMES, NUM_SEEN
    times = draw_times(*asked).numpy()
    assert np.array_equal(times, gan.draw_times(*asked))
    begun[times[0]] += 1
print("100 draws, all as the course's. How many began at frame 0, 1, 2, ...:")
print(*begun)

# %% [markdown]
# ### Exercise 3: four frames of your own
# Find another choice: four offsets that begin with 0, reach no further than 12 (so that four starts are left), and
# have six different distances. Then look through them: `seen_frames("C", "0 ...")` with your numbers. What do you
# see better than with 0 1 4 9, what worse? Say why. Stuck? `check.hint("my_frames")`

# %% tags=["exercise"]
my_frames = ...  # your answer: four offsets
# BEGIN SOLUTION
my_frames = [0, 1, 5, 12]
# END SOLUTION

# %%
check.my_frames(my_frames)

# %% [markdown]
# ## 7. Stack them, and ask for the action
# The four frames become channels of one picture. With them come the three **differences** between one and the
# next, in which only what moves is left: 7 x 3 = 21 channels. The rest is an ordinary 2-D CNN.


# %%
def stack(frames):
    """(batch, 4, height, width, 3) -> (batch, height, width, 21)."""
    moves = frames[:, 1:] - frames[:, :-1]
    frames = np.concatenate([frames, moves], axis=1)
    batch, pictures, height, width, _ = frames.shape
    frames = np.transpose(frames, (0, 2, 3, 1, 4))
    return frames.reshape(batch, height, width, 3 * pictures)


# %%
frames = rng.standard_normal((2, NUM_SEEN, SIZE, SIZE, 3)).astype("float32")
reshapes = [x for x in sparse.layers if isinstance(x, keras.layers.Reshape)]
inside = keras.Model(sparse.inputs, reshapes[0].output)
inside = inside([frames, np.zeros(2, np.int32)])
assert np.array_equal(stack(frames), inside)
assert np.array_equal(stack(frames)[..., 3:6], frames[:, 1])
print("stacked as the course does:", stack(frames).shape)
print("channels 3 to 5 are the second frame, to the last digit")

# %% [markdown]
# It is also told the action that was asked for. By **projection** the clip's features $f$, $d$ numbers, get points
# for pointing along the action's own vector $a$. The first part asks "is it real?", the last "is it *this*?".
#
# $$D(x, \text{action}) = w \cdot f(x) + b + \frac{a \cdot f(x)}{\sqrt d}$$


# %%
def projected(f, action, real, bias):
    """Logits (batch,) from features, and the vectors of "this", "real"."""
    return f @ real + bias + np.sum(f * action, axis=1) / np.sqrt(f.shape[1])


# %%
labels = np.array([0, 6], np.int32)
until_f = keras.Model(sparse.inputs, sparse.get_layer("features").output)
f = np.array(until_f([frames, labels]))
vectors, real, bias = [np.array(w) for w in sparse.get_weights()[-3:]]
ours = projected(f, vectors[labels], real[:, 0], bias[0])
assert np.allclose(ours, np.array(sparse([frames, labels]))[:, 0], atol=1e-4)
print("our projection and the course's:", len(ours), "scores, equal to four")
print("digits")

# %% [markdown]
# ## 8. Pixels, or extracted features?
# The article says: extract features with a CNN, then train the GAN on *them*. But lesson 02's CNN drops what does
# not help to name an action: it begins by subtracting the clip's mean frame. Here is a clip, and the same clip
# with the lights turned up. How far apart are they for the CNN?

# %%
dark = example("wave2", 5)[:NUM_FRAMES] // 2
light = dark + 110
both = np.stack([dark, light])
grid = show.label_grid(both, ["dark", "lights up"], scale=1)
alt = "The same person twice, waving: left in the dark, right in the light."
show.show_clip(grid, zoom=3, alt=alt)

# %%
someone = example("wave2", 6)[:NUM_FRAMES]
vectors = features.frame_features(np.stack([dark, light, someone]))
print("pixels: light and dark are", (light - dark).max(), "grey levels apart")
apart = [np.abs(vectors[0] - vectors[k]).max() for k in (1, 2)]
assert apart[1] > 100 * apart[0]
print("features: somebody else who waves is over 100 times as far from the")
print("dark clip as the light one is")
print("numbers in a clip:", dark.size, "- in its features:", vectors[0].size)

# %% [markdown]
# For the CNN they are one clip: a GAN trained on its features could not learn how bright a room is. And from 64
# numbers a frame there is no way back to a picture. So **we train on pixels**. Extracted features still serve to
# judge (lesson 07) and as a hint to the generator (lesson 08).

# %% [markdown]
# ## 9. One step of the game
# A batch of real clips, and as many fakes of the same actions; of each, the same four moments.

# %%
clips = datasets.load_actions("train", size=SIZE, num_frames=20)
game = gan.make_gan(SIZE, names, precision=PRECISION, seed=SEED)
batches = training.batches_for(game, clips, batch_size=BATCH_SIZE)
real_clips, actions = next(iter(batches))
times = draw_times(tf.constant([SEED, 0]), NUM_FRAMES, NUM_SEEN)
real = tf.gather(real_clips, times, axis=1)
fake = game.fake_frames(actions, times, tf.constant([SEED, 1]))
print(len(clips), "clips; of a batch the discriminator sees", real.shape)
print("and as many generated frames,", fake.shape)

# %% [markdown]
# **The discriminator's step** raises the scores of real clips and lowers those of fakes; with softplus(l) = log(1
# + e^l) that is minus the value of the game, as in lesson 03.


# %%
def discriminator_step(game, real, fake, actions):
    """Train the discriminator alone; returns its loss."""
    variables = game.discriminator.trainable_variables
    with tf.GradientTape() as tape:
        real_logits = game.discriminator([real, actions], training=True)
        fake_logits = game.discriminator([fake, actions], training=True)
        d_loss = tf.reduce_mean(tf.nn.softplus(-real_logits))
        d_loss += tf.reduce_mean(tf.nn.softplus(fake_logits))
    theirs = losses.non_saturating_discriminator_loss(real_logits, fake_logits)
    assert np.isclose(d_loss, theirs)
    game.d_optimizer.apply(tape.gradient(d_loss, variables), variables)
    return d_loss


# %% [markdown]
# ### Exercise 4: the generator's step
# Now the other half, for any two Keras models. Draw fakes from `latents` *inside* the tape, so that the gradient
# runs from the score through the pixels into the generator. Train the *generator alone* with the non-saturating
# loss of lesson 03, and return the loss. Stuck? `check.hint("generator_update")`


# %% tags=["exercise"]
def generator_update(generator, discriminator, latents, optimizer):
    """One training step of the generator; returns its loss."""
    # BEGIN SOLUTION
    with tf.GradientTape() as tape:
        fake = generator(latents, training=True)
        logits = discriminator(fake, training=True)
        loss = tf.reduce_mean(tf.nn.softplus(-logits))
    variables = generator.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss
    # END SOLUTION


# %%
check.generator_update(generator_update)

# %% [markdown]
# Which weights move? The article's loop never moved the discriminator's. We look, after each step.


# %%
def weights_of(network):
    return [variable.numpy() for variable in network.trainable_variables]


def moved(network, before):
    pairs = zip(weights_of(network), before, strict=True)
    return sum(not np.array_equal(a, b) for a, b in pairs)


# %%
both = (game.discriminator, game.generator)
steps = {
    "D, by hand": lambda: discriminator_step(game, real, fake, actions),
    "D, the course's": lambda: game.discriminator_step(real_clips, actions),
    "G, the course's": lambda: game.generator_step(actions),
}
print(f"{'step of':17}arrays of D that moved    of G")
for name, step in steps.items():
    before = [weights_of(network) for network in both]
    step()
    d, g = (moved(*pair) for pair in zip(both, before, strict=True))
    sizes = [len(arrays) for arrays in before]
    assert (d > 0, g > 0) == (name[0] == "D", name[0] == "G")
    print(f"{name:17}{d:12} of {sizes[0]} {g:13} of {sizes[1]}")

# %% [markdown]
# The course's steps do two things more, both from lesson 04: R1, and the average of the generator's weights, from
# which all samples come.

# %% [markdown]
# ## 10. Train
# First: in how many clips does an untrained generator do what was asked for? The course's classifier, built as in
# lesson 02, judges.


# %%
def motion_control(generator, num_clips=100):
    """Share of clips in which the classifier sees the action asked for."""
    made = generate.sample(generator, num_clips=num_clips, seed=1)
    asked = np.arange(num_clips) % len(names)
    return metrics.motion_control_score(made, asked)


game = gan.make_gan(SIZE, names, precision=PRECISION, seed=SEED)
untrained = motion_control(game.ema_generator)
assert untrained < 0.25
print("untrained: recognised in fewer than 25 clips of 100; guessing: 10")
# Does nothing, unless VGCOURSE_BUDGET=small asks for short trainings.
budget.warm_start(game, "05_video_gan")
target, history = int(game.step) + STEPS, []


# %%
def live_picture(game):
    """A clip an action of the averaged generator, always the same codes."""
    asked = {"num_clips": len(names), "actions": list(names)}
    made = generate.sample(game.ema_generator, **asked, seed=7)
    # Every third frame: the picture is sent anew twenty times.
    grid = show.label_grid(made[:, ::3], names, columns=5, scale=2)
    now = f"after {int(game.step)} training steps"
    alt = f"Two rows of generated clips {now}: {', '.join(names)}."
    return show.show_clip(grid, fps=10 / 3, zoom=2, alt=alt)


# %% [markdown]
# Run it and watch. First come rooms and a smear where a person stands; within a minute legs and arms, and the ten
# actions come apart; then sharper outlines. **Meanwhile, predict:** in which actions will arms and legs get lost?

# %% tags=["nbval-ignore-output", "warm-game"]
live = display(live_picture(game), display_id=True)
history = training.train(
    game,
    clips,
    steps=target,
    history=history,
    batch_size=BATCH_SIZE,
    on_sample=lambda game: live.update(live_picture(game)),
)

# %% tags=["nbval-ignore-output"]
show.plot_history(history)

# %%
assert motion_control(game.ema_generator) > 0.5
print("trained: recognised in over 50 clips of 100; before: under 25")

# %% [markdown]
# Read the curves as in lesson 04: no loss runs away, and the scores of real and fake clips keep a moderate gap. A
# falling generator loss is *not* what you wait for. Look at the samples.

# %% [markdown]
# ## 11. What it can do, and what it cannot
# Play with your own generator: the number picks the person, the menu the action.


# %%
def own_clip(person, action="walk"):
    """One clip of the generator trained above."""
    asked = {"num_clips": 1, "actions": action}
    (clip,) = generate.sample(game.ema_generator, **asked, seed=person)
    alt = f"Generated person {person}: {action}."
    return show.show_clip(clip, zoom=2, alt=alt)


# %%
widgets.explore(own_clip, person=(0, 99, 20), action=list(names))

# %% [markdown]
# Everybody does what they were asked for. Now follow one arm. Does it fade? Are there two? The classifier does not
# mind: a smear that waves is a wave. A second judge, which lesson 07 explains, looks for both hands, both knees
# and both feet in every frame (`evaluate.limbs_found`).


# %%
def judge(clips, actions):
    """Clips whose action is recognised, and frames with all limbs."""
    named = metrics.motion_control_score(clips, actions)
    return named, evaluate.limbs_found(clips, [names[k] for k in actions])


# %%
others = datasets.load_actions("validation", size=SIZE, num_frames=NUM_FRAMES)
asked = np.arange(4 * len(names)) % len(names)  # four clips an action
wanted = {"num_clips": len(asked), "actions": asked, "seed": 1}
mine = generate.sample(game.ema_generator, **wanted)
judged = {
    "yours": judge(mine, asked),
    "shipped": judge(generate.sample(shipped, **wanted), asked),
    "real": judge(others.clips, others.actions),
}
limbs = {name: found for name, (_, found) in judged.items()}

# %% tags=["nbval-ignore-output"]
print("           action recognised   all limbs found")
for name, (named, found) in judged.items():
    print(f"{name:10} {named:17.2f} {found.share:17.2f}")
print("\nall limbs found, by action:")
print("        ", *(f"{action:>5}" for action in names))
for name, found in limbs.items():
    row = (f"{found.by_action[action]:5.2f}" for action in names)
    print(f"{name:9}", *row)

# %%
assert limbs["real"].share > 0.9
assert limbs["yours"].share < 0.8
print("frames with all limbs: real people over 90 of 100, yours under 80")

# %% [markdown]
# That is the honest result of some minutes: the right actions, by people who lose their limbs. Was your
# prediction right? Here is your worst action, beside a real person.

# %% tags=["nbval-ignore-output"]
found = limbs["yours"].by_action
worst = min(found, key=found.get)
place = names.index(worst)
real = others.clips[others.actions == place][0]
pair = np.stack([real, mine[asked == place][0]])
show.show_clip(
    show.label_grid(pair, ["real", "yours"], scale=2),
    zoom=3,
    alt=f"Two people who {worst}: a real one, and a generated one.",
)

# %%
assert found[worst] < limbs["real"].by_action[worst] - 0.2
print("here yours loses limbs in 20 frames more of 100 than real people do")

# %% [markdown]
# Fast limbs suffer most. Longer training helps and does not cure it: the shipped generator was trained by the same
# code at 64x64, for much longer (`data/README.md` says how long). Whose arms are whole?

# %% tags=["nbval-ignore-output"]
fast = ["run", "jack", "dance"]
made = generate.sample(shipped, num_clips=3, actions=fast, seed=2)
show.show_clip(
    show.label_grid(made[:, ::2], fast, scale=1),
    fps=shipped.fps / 2,
    zoom=3,
    alt="Three clips of the shipped generator: run, jack and dance.",
)

# %%
assert limbs["yours"].share < limbs["real"].share
assert limbs["shipped"].share < limbs["real"].share
print("generators that keep as many limbs as real people: 0 of 2")

# %% [markdown]
# Lesson 09 shows a way that draws the limbs one by one.
#
# **Open question.** `with mock.patch("vgcourse.gan.video_gan.draw_times", yours):` (`from unittest import mock`)
# around a new game and its training shows it other frames, such as 0 3 6 9. Train, look at the samples at full
# rate, count limbs. Do the clips tremble? Say why, or why not.

# %% [markdown]
# ## What goes wrong, and how you notice
# - **All people look alike.** Mode collapse. Sample ten seeds of one action; the scores above would not tell.
# - **Beautiful frames that do not move.** The discriminator's frames are too close together, or it is not told the
#   action. `metrics.motion_energy` is near 0.
# - **The person changes during a clip.** Time and batch are mixed up (exercise 1).
# - **Movements are hasty, or tremble.** The discriminator cannot see it with the frames that it gets (exercise 2).
# - **Arms smear, a third arm comes and goes.** Scores of actions are content with it. Look, and count limbs.
# - **Everything turns to noise after a thousand steps.** The discriminator runs away: `d_loss` goes to zero, its
#   scores to ±10. A larger R1 weight or a smaller learning rate helps.
# - **A loss is NaN.** `training.train` stops and says at which step. Suspect half precision first.

# %% [markdown]
# ## You have
# - built a generator that keeps who a person is apart from what the person does;
# - built a discriminator that judges motion from four frames, and measured what that saves;
# - trained both on your own machine, and watched people walk, run and wave out of noise.
#
# ## References
# - Tulyakov et al. 2018, *MoCoGAN: Decomposing Motion and Content for Video Generation*,
#   [arXiv 1707.04993](https://arxiv.org/abs/1707.04993): the two codes, and the 3-D discriminator.
# - Skorokhodov et al. 2022, *StyleGAN-V*, [arXiv 2112.14683](https://arxiv.org/abs/2112.14683), and Yu et al.
#   2022, *DIGAN*, [arXiv 2202.10571](https://arxiv.org/abs/2202.10571): few frames instead of 3-D convolutions.
# - Miyato and Koyama 2018, *cGANs with Projection Discriminator*,
#   [arXiv 1802.05637](https://arxiv.org/abs/1802.05637).
# - Cho et al. 2014, *Learning Phrase Representations using RNN Encoder-Decoder*,
#   [arXiv 1406.1078](https://arxiv.org/abs/1406.1078): the GRU.
#
# Next: [06 · Generate](06_generate.ipynb), the control panel for what you have trained.
