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
from vgcourse import datasets, features, gan, generate, preprocess, show, training
from vgcourse.classroom import budget, check, widgets
from vgcourse.evaluate import metrics
from vgcourse.gan import losses, models

# %%
path_picture("model")

# %%
SIZE = 32  # height and width of a frame in pixels
NUM_FRAMES = 16  # frames of a clip, at 10 a second
NUM_SEEN = 4  # frames that the discriminator looks at
CONTENT_DIM, MOTION_DIM = 32, 16  # lengths of the two codes
BATCH_SIZE = 8
STEPS = budget.steps(3600)  # about three minutes on two cores
PRECISION = "float32"  # training.pick_precision(SIZE) tells whether bfloat16 is faster on your machine
SEED = 0

# %% [markdown]
# ## 1. Who and what
# Look at the data first: two people, three actions. In a row the colours stay and the movement changes. In a
# column the movement stays and the colours change. *Who* it is and *what* they do are two different things.

# %%
clips = datasets.load_actions("train", size=SIZE, num_frames=20)
names = clips.action_names
print(len(clips), "clips of", clips.clip_shape, "and", len(names), "actions")

# %%
shown = [(person, action) for person in (2, 14) for action in ("walk", "jack", "wave2")]
people = np.unique(clips.actors)
found = [np.flatnonzero((clips.actors == people[p]) & (clips.actions == names.index(a)))[0] for p, a in shown]
labels = [action for _, action in shown]
grid = show.label_grid(clips.clips[found, :NUM_FRAMES:2], labels, columns=3, scale=2)  # every second frame
show.show_clip(grid, fps=5, alt="Two people in rows, three actions in columns: walk, jack, wave2.")

# %% [markdown]
# MoCoGAN (Tulyakov et al. 2018) turns that into two random codes. The **content code** is drawn once per clip
# and repeated for every frame. The **motion code** is new in every frame. Side by side they are the
# generator's input: frame t is G(content, motion(t)). A first try draws both from plain noise:

# %%
rng = np.random.default_rng(0)
content = np.repeat(rng.standard_normal((1, CONTENT_DIM)), NUM_FRAMES, axis=0)
motion = rng.standard_normal((NUM_FRAMES, MOTION_DIM))
latents = np.concatenate([content, motion], axis=1)
print("one row a frame:", latents.shape)

# %%
figure = Figure(figsize=(7, 2.6), layout="constrained")
axes = figure.subplots()
axes.imshow(latents, cmap="cividis", aspect="auto")
axes.axvline(CONTENT_DIM - 0.5, color="white", linewidth=3)
axes.set(xlabel="content code (left) | motion code (right)", ylabel="frame", yticks=range(0, NUM_FRAMES, 5))
show.figure(figure, alt="The latents of a clip: on the left columns of one colour, on the right noise.")

# %% [markdown]
# On the left every column has one colour: the person stays. On the right every frame is noise, and has nothing
# to do with the frame before. A leg that is in front now would be anywhere a tenth of a second later. Motion
# needs a memory.

# %% [markdown]
# ## 2. Motion with a memory
# A **recurrent network** reads fresh noise $z$ at every frame and keeps a state $h$. A **GRU** decides for
# each number of the state how much of the old one to keep ($k$) and how much of it to look at ($r$):
#
# $$k = \sigma(W_k z + U_k h + b_k), \quad r = \sigma(W_r z + U_r h + b_r)$$
# $$\tilde h = \tanh(W z + b + r \odot (U h + b')), \quad h \leftarrow k \odot h + (1 - k) \odot \tilde h$$
#
# (Textbooks call the input $x$ and the first gate $z$; in this course those letters mean a real clip and
# noise.)


# %%
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_step(weights, state, noise):
    """The next state `(batch, units)` of a GRU, from the state before and this frame's noise."""
    kernel, recurrent, (input_bias, state_bias) = weights
    from_input = np.split(noise @ kernel + input_bias, 3, axis=1)
    from_state = np.split(state @ recurrent + state_bias, 3, axis=1)
    keep = sigmoid(from_input[0] + from_state[0])
    look = sigmoid(from_input[1] + from_state[1])
    candidate = np.tanh(from_input[2] + look * from_state[2])
    return keep * state + (1 - keep) * candidate


# %% [markdown]
# Ten lines of NumPy. Keras's cell, given the same weights, must say the same.

# %%
cell = keras.layers.GRUCell(24)
state, noise = rng.standard_normal((2, 24)), rng.standard_normal((2, MOTION_DIM))
expected, _ = cell(noise.astype("float32"), [tf.constant(state, tf.float32)])
weights = [np.array(w, np.float64) for w in cell.get_weights()]
assert np.allclose(gru_step(weights, state, noise), expected, atol=1e-5)
print("our GRU step equals Keras's:", True)

# %% [markdown]
# The course's motion network is such a GRU. Besides the noise it reads the **action**, as a short vector, at
# every frame. Two things can be checked before any training: the action changes the path, and no frame looks
# into the future.

# %%
motion_rnn = models.build_motion_rnn(NUM_FRAMES, len(names))
noise = rng.standard_normal((1, NUM_FRAMES, MOTION_DIM)).astype("float32")
codes = {a: np.array(motion_rnn([noise, np.array([names.index(a)])])) for a in ("walk", "wave2")}
late = noise.copy()
late[:, 8:] = 0  # other noise from frame 8 on
changed = np.array(motion_rnn([late, np.array([names.index("walk")])])) != codes["walk"]
print("another action, another path:", not np.allclose(codes["walk"], codes["wave2"]))
print("frames 0 to 7 changed:", bool(changed[:, :8].any()), "- frames 8 to 15:", bool(changed[:, 8:].any()))

# %% [markdown]
# What does a *trained* one do? We ask the generator that comes with the course. Its motion codes have many
# numbers a frame; the picture shows the two directions in which they vary most.

# %%
shipped = generate.load_generator()
actions = ("walk", "jack", "wave2")
labels = np.array([shipped.action_names.index(a) for a in actions])
noise = np.repeat(generate.motion_noise(shipped, [4]), len(actions), axis=0)
paths = np.array(shipped.motion_rnn([noise, labels]))
flat = paths.reshape(-1, paths.shape[-1]) - paths.mean(axis=(0, 1))
flat = (flat @ np.linalg.svd(flat, full_matrices=False)[2][:2].T).reshape(len(actions), -1, 2)

# %%
figure = Figure(figsize=(6, 3.6), layout="constrained")
axes = figure.subplots()
styles = [(show.BLUE, "-", "o"), (show.VERMILION, "--", "s"), (show.GREEN, ":", "^")]
for path, action, (colour, line, marker) in zip(flat, actions, styles, strict=True):
    axes.plot(*path.T, color=colour, linestyle=line, marker=marker, markersize=4, label=action)
axes.set(xlabel="first direction", ylabel="second direction", title="Motion codes of one clip, 16 frames")
axes.legend(frameon=False)
show.figure(figure, alt="The motion codes of walk, jack and wave2, 16 frames each, drawn as three paths.")

# %% [markdown]
# The noise was the same for all three, so what tells the paths apart is the action. And look for places where
# a path comes back near to where it was. Our actors begin all three again within a second, ten frames (a squat
# takes two seconds, more than a clip). Measure it: how near does a path come to one of its first frames, four
# frames later or after that?

# %%
for path, action in zip(paths, actions, strict=True):
    gaps = np.linalg.norm(path[:, None] - path, axis=-1)
    nearest = [gaps[t, t + 4 :].min() for t in range(6)]
    print(f"{action:5} comes back, within a third of its width:", bool(np.median(nearest) < gaps.max() / 3))

# %% [markdown]
# Nobody told the network about periods.

# %% [markdown]
# **What keeps a walker's shirt from depending on the walk?** Not that the frame generator is kept in the dark:
# one frame's motion code is enough to name the action, and a network will use what it can read. What protects a
# person's looks comes in the next section. The colours are chosen from the content code alone, before anybody
# asks what the person does. The frame generator only says *where* each colour goes. It can still put a colour in
# the wrong place, and sometimes does. Look for it: three people, two actions, the content code fixed along each
# row.

# %% tags=["nbval-ignore-output"]
matrix = generate.swap_motion(shipped, content_seeds=[0, 1, 5], actions=["walk", "jack"], motion_seed=3)
thinned = matrix.reshape(-1, *matrix.shape[2:])[:, ::3]  # every third frame
grid = show.label_grid(thinned, ["walk", "jack"] * 3, columns=2, scale=1)
alt = "Three people in three rows, walking on the left and jumping on the right."
show.show_clip(grid, fps=shipped.fps / 3, alt=alt)

# %% [markdown]
# A network trained to tell people apart by their looks (`features.content_features`) should find the two
# clips of a row alike.

# %%
looks = features.content_features(matrix.reshape(-1, *matrix.shape[2:])).mean(axis=1).reshape(3, 2, -1)
same = np.linalg.norm(looks[:, 0] - looks[:, 1], axis=-1).mean()
other = np.linalg.norm(looks[:, 0] - np.roll(looks[:, 1], 1, axis=0), axis=-1).mean()
print("one person in two actions looks more alike than two people:", bool(same < other))

# %% [markdown]
# ## 3. Frames, painted by numbers
# MoCoGAN's frame generator draws every frame's colours anew. Then walls shimmer, and a shirt changes colour
# while an arm moves. What does not change in a clip should be drawn once per clip: from the content code
# alone come a **palette** c of eight colours and the **backdrop** b, a still picture. For each frame the
# network draws only **masks** m: how much of each colour, and of the backdrop, there is in a pixel. They sum
# to one.
#
# $$\text{frame}_t = \sum_{k=1}^{8} m_{t,k}\, c_k + m_{t,9}\, b, \qquad m_t = \mathrm{softmax}(\text{mask logits}_t)$$


# %%
def paint(mask_logits, palette, backdrop):
    """Frames `(batch, time, height, width, 3)`; the last channel of the masks is the backdrop's."""
    masks = np.exp(mask_logits) / np.exp(mask_logits).sum(axis=-1, keepdims=True)
    figure = np.einsum("bthwk,bkc->bthwc", masks[..., :-1], palette)
    return figure + masks[..., -1:] * backdrop[:, None]


# %%
logits = rng.standard_normal((2, 3, 8, 8, 9)).astype("float32")
palette, backdrop = np.tanh(rng.standard_normal((2, 8, 3))), np.tanh(rng.standard_normal((2, 8, 8, 3)))
parts = [array.astype("float32") for array in (logits, palette, backdrop)]
assert np.allclose(paint(*parts), models.paint(*parts), atol=1e-5)
print("our paint equals the package's:", True)

# %% [markdown]
# Take the shipped generator apart and look at what it made of that. Nobody told it what a person or a room
# is; which part paints what was decided in training.

# %%
code, motion = generate.content_codes(shipped, [19]), generate.motion_noise(shipped, [3])
codes = shipped.motion_rnn([motion, np.array([shipped.action_names.index("jack")])])
latent = np.concatenate([code, codes[:, 4]], axis=1)
masks = np.array(tf.nn.softmax(shipped.frame_generator(latent)))[0]
room = preprocess.to_uint8(np.array(shipped.backdrop(code)))[0]
colours = preprocess.to_uint8(np.array(shipped.palette(code)))
mixed = masks[..., :-1] / masks[..., :-1].sum(axis=-1, keepdims=True) @ colours[0]  # without the backdrop
frame = preprocess.to_uint8(np.array(shipped.render(code, codes)))[0, 4]

# %%
figure = Figure(figsize=(7, 1.9), layout="constrained")
panels = {
    "backdrop": room,
    "palette": np.repeat(np.repeat(colours.reshape(4, 2, 3), 16, axis=0), 32, axis=1),
    "not backdrop": np.repeat((255 * (1 - masks[..., -1:])).astype("uint8"), 3, axis=2),
    "palette alone": mixed.round().astype("uint8"),
    "frame": frame,
}
for axes, (title, picture) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
    axes.imshow(picture)
    axes.set_title(title, fontsize=9)
    axes.axis("off")
show.figure(
    figure,
    alt="Five small pictures: the backdrop; the palette of eight colours; how much of each pixel is not "
    "backdrop; what the palette alone paints; the frame, a person doing jumping jacks.",
)

# %% [markdown]
# Do the masks follow the outline of a person? Do not expect the backdrop to be an empty room: the game only
# asks for frames that look real, and the generator may paint the wall with the palette and the trousers with
# the backdrop. What it cannot do is change the palette or the backdrop within a clip. That suits a camera
# that stands still; it would not suit a film.

# %% [markdown]
# The frame generator knows nothing of clips. It draws the masks of one frame from one latent, as in the lesson
# before. Eight clips of sixteen frames are for it a batch of 128: fold **time into the batch**, draw, unfold.

# %%
batch = np.arange(8 * NUM_FRAMES).reshape(8, NUM_FRAMES, 1)  # 8 clips, one number a frame
folded = batch.reshape(-1, 1)
assert np.array_equal(folded.reshape(8, NUM_FRAMES, 1), batch)
print("clips", batch.shape, "-> pictures", folded.shape, "-> clips again, nothing moved: True")

# %% [markdown]
# So a frame depends on the content code and on its own motion code, and on nothing else. That is worth a lot:
# in training we draw only the frames that the discriminator looks at.

# %%
clip = shipped.render(code, codes)
alone = shipped.render(code, codes[:, 5:6])
assert np.allclose(clip[:, 5], alone[:, 0], atol=1e-4)
print("clip", clip.shape, "- frame 5 drawn alone is the same frame: True")

# %% [markdown]
# ## 4. What should the discriminator see?
# A single frame of a walk looks like one of a walk played backwards: the discriminator must see several. The
# obvious tool is a convolution over time as well, 4x4x4 instead of 4x4, as in MoCoGAN's clip discriminator.
# What does it cost? At every output position, each filter multiplies every number in the kernel's window:
#
# $$\text{multiply-adds} = \text{positions} \times \text{kernel volume} \times C_{in} \times C_{out}$$


# %%
def multiply_adds(network):
    """Multiply-adds of a network's convolutions, for one clip."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv3D):
            *positions, filters = layer.output.shape[1:]
            total += np.prod(positions) * np.prod(layer.kernel.shape[:-1]) * filters
    return int(total)


# %%
one = keras.Sequential([keras.Input((SIZE, SIZE, 21)), keras.layers.Conv2D(64, 4, 2, "same")])
assert multiply_adds(one) == (16 * 16) * (4 * 4) * 21 * 64
sparse = models.build_discriminator(SIZE, len(names), num_seen=NUM_SEEN)
dense = models.build_clip_discriminator(SIZE, NUM_FRAMES, len(names), width=SIZE)

# %% [markdown]
# By hand, one line a convolution (positions x kernel x channels in x channels out), against the count:

# %%
in_3d = (
    (13 * 16 * 16) * 4**3 * 3 * 32
    + (10 * 8 * 8) * 4**3 * 32 * 64
    + (7 * 4 * 4) * 4**3 * 64 * 128
    + (4 * 2 * 2) * 4**3 * 128 * (1 + 10)  # real or not, and which action
)
in_2d = (
    (16 * 16) * 4**2 * 21 * 64  # 21 channels: section 5 says why
    + (8 * 8) * 4**2 * 64 * 128
    + (4 * 4) * 4**2 * 128 * 256
)
assert (in_3d, in_2d) == (multiply_adds(dense), multiply_adds(sparse))
ratio = in_3d / in_2d
print(f"3-D convolutions over 16 frames multiply {ratio:.1f} times as much")

# %% [markdown]
# Half the channels in its first layer, and still several times the work: kernel and positions both have one
# more axis. The count is one thing, the time another, so measure how long the scores of a batch take.


# %%
def seconds(network, inputs, rounds=5):
    """Shortest time in seconds of the scores of a batch; what else a machine does only adds to it."""
    scores = tf.function(lambda: network(inputs, training=True))
    scores()  # the first call builds the graph
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        scores()
        times.append(time.perf_counter() - start)
    return min(times)


# %% tags=["nbval-ignore-output"]
sixteen = tf.random.stateless_normal((BATCH_SIZE, NUM_FRAMES, SIZE, SIZE, 3), (0, 0))
labels = tf.zeros((BATCH_SIZE,), tf.int32)
took = {
    "3-D, all 16 frames": seconds(dense, sixteen),
    "2-D, 4 frames as channels": seconds(sparse, [sixteen[:, :NUM_SEEN], labels]),
}
slow, fast = took.values()
print(f"3-D: {ratio:.1f} times the multiply-adds, {slow / fast:.1f} times the time")
milliseconds = {name: 1000 * value for name, value in took.items()}
show.plot_bars(milliseconds, title=f"Scores of {BATCH_SIZE} clips", unit="milliseconds")

# %%
print("3-D is slower:", slow > fast)

# %% [markdown]
# The two factors need not agree: the time depends on the library as well, on how well it is tuned for each
# kind of convolution. We left out the gradient, since there it shows most: on some CPUs TensorFlow takes
# seconds for the gradient of a 3-D convolution. And the sparse discriminator saves twice: the generator draws
# 4 frames for it instead of 16.

# %% [markdown]
# ## 5. Four frames are enough
# Which four? Always the first four would leave the rest of the clip unjudged, so the start is random. And how
# far apart? Look at some: they are bright, the others dark.


# %%
def seen_frames(start, stride, action="run"):
    """The frames of a real clip, those bright that a discriminator sees."""
    times = start + stride * np.arange(NUM_SEEN)
    if times[-1] >= NUM_FRAMES:
        raise ValueError(f"frame {times[-1]} is past the end of the clip, frame {NUM_FRAMES - 1}")
    clip = clips.clips[clips.actions == names.index(action)][0, :NUM_FRAMES]
    bright = np.isin(np.arange(NUM_FRAMES), times)[:, None, None, None]
    rows = np.where(bright, clip, clip // 4).reshape(2, 8, SIZE, SIZE, 3)
    alt = f"Two rows of eight frames of {action}; bright are {', '.join(map(str, times))}."
    return show.show_sheet(rows, every=1, alt=alt)


# %%
seen_frames(start=2, stride=3)

# %% [markdown]
# Move the sliders, then cover the dark frames with your hands. At stride 1 the four bright ones span a third of
# a second: they show speed, but hardly the way. At stride 5 it is the other way round.

# %%
widgets.explore(seen_frames, start=(0, 12, 2), stride=(1, 5, 3), action=list(names))

# %% [markdown]
# Why not draw the stride at random as well, and have both? We did at first, and it went wrong: the discriminator
# gets *four pictures, not the stride*. A slow squat seen at stride 3 looks like a hasty one at stride 1. So the
# hasty one passed, and people squatted several times too fast.
#
# The distances must therefore never change. They may differ from one another, though: the squares 0, 1, 4, 9 have
# **six different distances** between them, short ones that show speed and long ones that show the way. This is
# what makes the training fit on a laptop, so here it is in full.


# %%
def draw_times(seed, num_frames, num_seen):
    """Indices of the frames that the discriminator looks at: squares behind one random start."""
    squares = np.arange(num_seen) ** 2
    starts = num_frames - squares[-1]  # how many starts leave room for all frames
    start = tf.random.stateless_uniform((), seed, 0, starts, tf.int32)
    return start + tf.constant(squares, tf.int32)


# %%
for number in range(100):
    times = draw_times(tf.constant([SEED, number]), NUM_FRAMES, NUM_SEEN).numpy()
    assert np.array_equal(times, gan.draw_times(tf.constant([SEED, number]), NUM_FRAMES, NUM_SEEN))
    assert times.min() >= 0
    assert times.max() < NUM_FRAMES
print("100 draws, all within the clip, all equal to the package's. The last one:", times)

# %% [markdown]
# The chosen frames are stacked as channels of one picture. With them come the three **differences** between
# one frame and the next, in which only what moves is left: 7 x 3 = 21 channels. The rest is an ordinary 2-D
# CNN, whose first layer sees all four moments at every place.


# %%
def stack(frames):
    """`(batch, seen, height, width, 3)` -> `(batch, height, width, 3 * (2 * seen - 1))`."""
    frames = np.concatenate([frames, frames[:, 1:] - frames[:, :-1]], axis=1)
    batch, pictures, height, width, _ = frames.shape
    return np.transpose(frames, (0, 2, 3, 1, 4)).reshape(batch, height, width, 3 * pictures)


# %%
frames = rng.standard_normal((2, NUM_SEEN, SIZE, SIZE, 3)).astype("float32")
layer = next(layer for layer in sparse.layers if isinstance(layer, keras.layers.Reshape))
inside = keras.Model(sparse.inputs, layer.output)([frames, np.zeros(2, np.int32)])
assert np.array_equal(stack(frames), inside)
assert np.array_equal(stack(frames)[..., 3:6], frames[:, 1])
print("stacked", stack(frames).shape, "as in the package; channels 3 to 5 are the second frame: True")

# %% [markdown]
# ## 6. And is it the right action?
# The discriminator is told the action that was asked for. **Projection** turns that into a second question:
# the clip's features f get points for pointing along the action's own vector a. With d features,
#
# $$D(x, \text{action}) = w \cdot f(x) + b + \frac{a \cdot f(x)}{\sqrt d}$$
#
# The first part asks "is it real?", the last "is it *this*?".


# %%
def projected(features, action, real, bias):
    """Logits `(batch,)` from features `(batch, d)` and the vectors of the action and of "real"."""
    return features @ real + bias + np.sum(features * action, axis=1) / np.sqrt(features.shape[1])


# %%
labels = np.array([0, 6], np.int32)
f = np.array(keras.Model(sparse.inputs, sparse.get_layer("features").output)([frames, labels]))
vectors, real, bias = [np.array(w) for w in sparse.get_weights()[-3:]]
ours = projected(f, vectors[labels], real[:, 0], bias[0])
assert np.allclose(ours, np.array(sparse([frames, labels]))[:, 0], atol=1e-4)
print("our projection equals the package's:", True)

# %% [markdown]
# ## 7. Pixels, or extracted features?
# The article says: extract features with a CNN, then train the GAN on *them*. Taken at its word that fails.
# Lesson 02's CNN names actions, and drops what does not help with that: it begins by subtracting the clip's
# mean frame. Here is a clip, and the same clip with the lights turned up.

# %%
dark = clips.clips[found[:1], :NUM_FRAMES] // 2
light = dark + 110
vectors = features.frame_features(np.concatenate([dark, light]))
print("pixels differ by", int(light.max() - dark.max()), "of 255 grey levels")
print("features differ:", bool(np.abs(vectors[0] - vectors[1]).max() > 0.01))
print("numbers in a clip:", dark.size, "- in its features:", vectors[0].size)

# %% [markdown]
# For the CNN the two are one clip. A GAN trained on these features could not learn how bright a room is. And
# it would make 64 numbers a frame, from which there is no way back to a picture. So **we train on pixels**,
# and let the discriminator find its own features. Extracted features still have two good uses: to judge
# (lesson 07) and as a hint to the generator beside the pixels (lesson 08).

# %% [markdown]
# ## 8. One step of the game, by hand
# Everything is there. A batch of real clips, and as many fakes of the same actions; of each, the same four
# moments.

# %%
game = gan.make_gan(SIZE, names, precision=PRECISION, seed=SEED)
real_clips, actions = next(iter(training.batches_for(game, clips, batch_size=BATCH_SIZE)))
times = draw_times(tf.constant([SEED, 0]), NUM_FRAMES, NUM_SEEN)
real = tf.gather(real_clips, times, axis=1)
fake = game.fake_frames(actions, times, tf.constant([SEED, 1]))
print("real", real.shape, "fake", fake.shape)

# %% [markdown]
# **The discriminator's step.** Raise the scores of real clips, lower those of fakes; with softplus(l) =
# log(1 + e^l) that is minus the value of the game, as in lesson 03.


# %%
def discriminator_step(game, real, fake, actions):
    """Train the discriminator alone; returns its loss."""
    with tf.GradientTape() as tape:
        real_logits = game.discriminator([real, actions], training=True)
        fake_logits = game.discriminator([fake, actions], training=True)
        d_loss = tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))
    assert np.isclose(d_loss, losses.non_saturating_discriminator_loss(real_logits, fake_logits))
    variables = game.discriminator.trainable_variables
    game.d_optimizer.apply(tape.gradient(d_loss, variables), variables)
    return d_loss


# %% [markdown]
# **The generator's step.** Draw new fakes *inside* the tape, so that the gradient runs from the score through
# the pixels into the generator. Its loss is small when the discriminator takes the fakes for real.


# %%
def generator_step(game, actions, times, seed):
    """Train the generator alone; returns its loss."""
    with tf.GradientTape() as tape:
        fake = game.fake_frames(actions, times, seed)
        fake_logits = game.discriminator([fake, actions], training=True)
        g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
    assert np.isclose(g_loss, losses.non_saturating_generator_loss(None, fake_logits))
    variables = game.generator.trainable_variables
    game.g_optimizer.apply(tape.gradient(g_loss, variables), variables)
    return g_loss


# %% [markdown]
# Which weights move? The article's loop never moved the discriminator's. We look, after each step.


# %%
def weights_of(network):
    return [variable.numpy() for variable in network.trainable_variables]


def moved(network, before):
    return any(not np.array_equal(a, b) for a, b in zip(weights_of(network), before, strict=True))


# %%
both = (game.discriminator, game.generator)
steps = {
    "discriminator": lambda: discriminator_step(game, real, fake, actions),
    "generator": lambda: generator_step(game, actions, times, tf.constant([SEED, 2])),
    "discriminator (package)": lambda: game.discriminator_step(real_clips, actions),
    "generator (package)": lambda: game.generator_step(actions),
}
for name, step in steps.items():
    before = [weights_of(network) for network in both]
    step()
    d_moved, g_moved = (moved(*pair) for pair in zip(both, before, strict=True))
    assert (d_moved, g_moved) == (name.startswith("d"), name.startswith("g"))
    print(f"{name + ' step:':30} D moved {d_moved!s:6} G moved {g_moved}")

# %% [markdown]
# The package's steps do the same and two things more, which you know from lesson 04 and which lesson 08 looks
# at again: R1, which keeps the discriminator smooth, and the average of the generator's weights, from which
# all samples come.

# %% [markdown]
# ## 9. Train
# Before it has learnt anything, how many of its clips show the action that was asked for? The course's own
# classifier (built as in lesson 02) is the judge. Guessing would be right in one of ten.


# %%
def motion_control(generator, num_clips=200):
    """Share of generated clips in which the classifier recognises the action asked for."""
    made = generate.sample(generator, num_clips=num_clips, seed=1)
    return metrics.motion_control_score(made, np.arange(num_clips) % len(names))


game = gan.make_gan(SIZE, names, precision=PRECISION, seed=SEED)
print("untrained, over half recognised:", motion_control(game.ema_generator) > 0.5)
budget.warm_start(game, "05_video_gan")  # does nothing, unless VGCOURSE_BUDGET=small asks for short trainings


# %%
def live_picture(game):
    """A clip an action of the averaged generator, always of the same codes."""
    made = generate.sample(game.ema_generator, num_clips=len(names), actions=list(names), seed=7)
    grid = show.label_grid(made[:, ::2], names, columns=5, scale=2)
    alt = f"Two rows of generated clips after {int(game.step)} training steps: {', '.join(names)}."
    return show.show_clip(grid, fps=5, alt=alt)


# %% [markdown]
# Now run it and watch. First come rooms and a smear where a person stands; within a minute legs and arms, and
# the ten actions come apart. The rest of the time goes into sharper outlines.

# %% tags=["nbval-ignore-output", "warm-game"]
live = display(live_picture(game), display_id=True)
history = training.train(
    game,
    clips,
    steps=int(game.step) + STEPS,
    batch_size=BATCH_SIZE,
    on_sample=lambda game: live.update(live_picture(game)),
)

# %% tags=["nbval-ignore-output"]
show.plot_history(history)

# %%
print("trained, over half recognised:", motion_control(game.ema_generator) > 0.5)

# %% [markdown]
# The same line said False before the training. A number is no picture, though: the people are small and soft,
# and a hand may come and go. Lesson 07 measures more than the action.
#
# Read the curves as in lesson 04. In a healthy game no loss runs to zero or away, and the scores of real and
# fake clips keep a moderate gap: the discriminator is ahead, but not by so much that the generator learns
# nothing. A falling generator loss is *not* what you wait for. Look at the samples.

# %% [markdown]
# Play with your own generator: the number picks the person, the menu the action.


# %%
def own_clip(person, action="walk"):
    """One clip of the generator trained above."""
    made = generate.sample(game.ema_generator, num_clips=1, actions=action, seed=person)
    return show.show_clip(made[0], alt=f"Generated person {person}: {action}.")


# %% tags=["nbval-ignore-output"]
own_clip(person=20)

# %%
again, same, other = (
    generate.sample(game.ema_generator, num_clips=1, actions="walk", seed=person) for person in (20, 20, 21)
)
print("the same number, the same clip:", np.array_equal(again, same))
print("another number, another clip:", not np.array_equal(again, other))

# %%
widgets.explore(own_clip, person=(0, 99, 20), action=list(names))

# %% [markdown]
# ## 10. More than three minutes
# The generator that comes with the course was trained by the same code at 64x64, for much longer
# (`data/README.md` says how long). Compare: are limbs sharper, are outlines steadier, do the people differ
# more?

# %% tags=["nbval-ignore-output"]
made = generate.sample(shipped, num_clips=5, actions=list(names[5:]), seed=2)
grid = show.label_grid(made[:, ::3], names[5:], scale=1)
show.show_clip(grid, fps=shipped.fps / 3, alt="Five clips of the shipped generator: " + ", ".join(names[5:]))

# %%
print("frames:", shipped.size, "pixels; over 80% recognised:", motion_control(shipped, 100) > 0.8)

# %% [markdown]
# ## Exercises
# ### Exercise 1: the latents of a batch
# Write the generator's input: content codes `(batch, c)` and motion codes `(batch, time, m)` become latents
# `(batch, time, c + m)`, content first. Stuck? `check.hint("clip_latents")`


# %% tags=["exercise"]
def clip_latents(content, motion):
    """Latents `(batch, time, c + m)`: each clip's content code beside each of its motion codes."""
    # BEGIN SOLUTION
    repeated = np.repeat(content[:, None], motion.shape[1], axis=1)
    return np.concatenate([repeated, motion], axis=-1)
    # END SOLUTION


# %%
check.clip_latents(clip_latents)

# %% [markdown]
# ### Exercise 2: what does a convolution cost?
# Count the multiply-adds of one layer, for any number of axes: `positions` is the shape of the output without
# channels, such as `(13, 16, 16)`, and `kernel` the window, such as `(4, 4, 4)`.
# Stuck? `check.hint("conv_cost")`


# %% tags=["exercise"]
def conv_cost(positions, kernel, channels_in, channels_out):
    """Multiply-adds of one convolution for one clip."""
    # BEGIN SOLUTION
    return int(np.prod(positions) * np.prod(kernel) * channels_in * channels_out)
    # END SOLUTION


# %%
check.conv_cost(conv_cost)

# %% [markdown]
# ### Exercise 3: distances
# How far apart are any two of the frames that are seen? Return the *different* distances, the shortest first:
# evenly spaced frames have few, squares have many. Stuck? `check.hint("frame_distances")`


# %% tags=["exercise"]
def frame_distances(times):
    """The different distances between any two of `times`, a list of ints in rising order."""
    # BEGIN SOLUTION
    return sorted({abs(int(a) - int(b)) for a in times for b in times if a != b})
    # END SOLUTION


# %%
check.frame_distances(frame_distances)

# %% [markdown]
# ### Exercise 4: a generator's step
# Write the step for any two Keras models: draw fakes from `latents`, score them, and train the *generator
# alone* with the non-saturating loss. Return the loss. Stuck? `check.hint("generator_update")`


# %% tags=["exercise"]
def generator_update(generator, discriminator, latents, optimizer):
    """One training step of the generator; returns its loss before the step."""
    # BEGIN SOLUTION
    with tf.GradientTape() as tape:
        logits = discriminator(generator(latents, training=True), training=True)
        loss = tf.reduce_mean(tf.nn.softplus(-logits))
    variables = generator.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss
    # END SOLUTION


# %%
check.generator_update(generator_update)

# %% [markdown]
# ## What goes wrong, and how you notice
# - **All people look alike.** The generator ignores the content code (mode collapse). You notice by sampling
#   ten seeds of one action; the score above would not tell.
# - **Beautiful frames that do not move.** The discriminator's frames are too close together, or it is not
#   told the action. `metrics.motion_energy` is near 0, and the action is recognised in about one clip of ten.
# - **The person changes during a clip.** The content code was drawn per frame, or reshaped along the wrong
#   axis: time and batch are mixed up. Exercise 1 is about that.
# - **Everything turns to noise after a thousand steps.** The discriminator runs away: `d_loss` goes to zero,
#   its scores to ±10. A larger R1 weight or a smaller learning rate helps.
# - **A loss is NaN.** `training.train` stops and says at which step. In half precision that is the first
#   suspect.

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
