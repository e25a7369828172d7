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
# # 02 · CNN features
# {badge}
#
# **What does a CNN see in a clip?**
#
# You will
# - compute a convolution by hand, and check that Keras computes the same;
# - train a CNN that names the actions of people it never saw, and look inside: filters, activation maps, neighbours;
# - find out why features of single frames cannot tell a walk from the same walk played backwards, and what can.
#
# About 45 minutes, of which two cores compute for one minute.

# %% tags=["setup"]
# In Colab this installs the course; elsewhere it does nothing.
from importlib.util import find_spec

if not find_spec("vgcourse"):
    # %pip install --quiet "vgcourse @ git+{repository}@v{version}"
    print("The course is installed.")

# %%
from vgcourse.classroom.start import path_picture, quiet

quiet()

import keras
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

from vgcourse import datasets, features, show
from vgcourse.classroom import budget, check, widgets

# %%
path_picture("features")

# %% [markdown]
# This is step 2 of the article: "extract the key features of the sequence with a convolutional neural
# network". A **feature** is a number computed from a frame or clip. A good one stays the same when something
# unimportant changes. What is unimportant? What the network is built and trained for decides that, as you
# will see.

# %%
SIZE, NUM_FRAMES = 32, 16  # pixels; frames of a clip, at 10 a second
STEPS = budget.steps(120, small=80)  # batches that the training takes
BATCH = 32  # clips in a batch
RATE = 2e-3  # of the learning, at its start
SEED = 0  # of weights, order and colours
USE_NETWORK = False  # True downloads 4 MB of ImageNet weights for one cell near the end

# %% [markdown]
# ## Look at the data first
# Ten actions, and people in three groups: to learn from, to watch the training with, and held out until the
# end. No person is in two groups. At 32x32 pixels a hand is two pixels wide. Can you still name what you see?

# %%
train = datasets.load_actions("train", size=SIZE, num_frames=20)
watch = datasets.load_actions("validation", size=SIZE, num_frames=NUM_FRAMES)
test = datasets.load_actions("test", size=SIZE, num_frames=NUM_FRAMES)
names = test.action_names
for group, data in {"train": train, "watch": watch, "test": test}.items():
    print(f"{group:6} {data.num_clips:4} clips of {len(np.unique(data.actors)):2} people")

# %%
one_person = test.clips[test.actors == test.actors[0]]
show.show_grid(one_person, labels=names, alt="One held-out person doing ten actions: " + ", ".join(names))

# %% [markdown]
# ## A convolution by hand
# A CNN is built from one operation. Slide a small window over the frame. At every place, multiply the pixels
# below it with the window's weights $w$, the **kernel**, and add up (mathematicians call this a
# cross-correlation, and flip the kernel first for a convolution; networks do not care):
#
# $$y_{i,j} = \sum_{u=0}^{k-1} \sum_{v=0}^{k-1} \sum_{c=1}^{3} w_{u,v,c}\; x_{i+u,\,j+v,\,c}$$


# %%
def convolve(frame, kernel):
    """Slide a kernel (k, k, channels) over a frame (height, width, channels): (height-k+1, width-k+1)."""
    k = len(kernel)
    y = np.empty((frame.shape[0] - k + 1, frame.shape[1] - k + 1))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = np.sum(kernel * frame[i : i + k, j : j + k])
    return y


# %% [markdown]
# Four pixels by four, dark on the left and bright on the right. The kernel says: right neighbour minus left.

# %%
tiny = np.tile([0, 0, 9, 9], (4, 1))[..., None]
right_minus_left = np.array([[-1, 1], [-1, 1]])[..., None]
print(convolve(tiny, right_minus_left).astype(int))

# %% [markdown]
# Zero where nothing changes, 18 at the edge. By hand: $2 \cdot (9 - 0) = 18$. So this kernel finds upright edges.
# Now a real frame and two kernels of 3x3, the second one lying on its side:

# %%
jacks = test.clips[test.actions == names.index("jack")]
frame = jacks[0, 6] / 255.0
upright = np.repeat(np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])[..., None] / 3, 3, axis=2)
lying = upright.transpose(1, 0, 2)
responses = {"upright edges": convolve(frame, upright), "lying edges": convolve(frame, lying)}

# %%
figure = Figure(figsize=(7.5, 2.8), layout="constrained")
panels = figure.subplots(1, 3)
panels[0].imshow(frame)
panels[0].set_title("frame")
for axes, (title, response) in zip(panels[1:], responses.items(), strict=True):
    image = axes.imshow(response, cmap="PuOr", vmin=-2, vmax=2)
    axes.set_title(title)
figure.colorbar(image, ax=panels, label="response", shrink=0.8)
show.figure(
    figure,
    alt="A frame of a jumping jack and two responses. The first kernel answers along the sides of arms, "
    "legs and trunk, with one sign on the left side and the other on the right; the second along their "
    "upper and lower ends.",
)

# %% [markdown]
# The response is strong where brightness jumps, and its sign says which side is brighter. On the plain wall
# it is near 0. Keras computes the same, many kernels at a time:

# %%
layer = keras.layers.Conv2D(2, 3, use_bias=False)
layer.build((None, SIZE, SIZE, 3))
layer.set_weights([np.stack([upright, lying], axis=-1)])
by_keras = np.asarray(layer(frame[None].astype(np.float32)))[0]
by_hand = np.stack(list(responses.values()), axis=-1)
assert np.allclose(by_keras, by_hand, atol=1e-4)
print("Keras, shape:", by_keras.shape, " equal to ours:", np.allclose(by_keras, by_hand, atol=1e-4))

# %% [markdown]
# Nobody sets these weights by hand in a CNN: training finds them. After each convolution comes a **ReLU**,
# $\max(0, y)$; without it, all layers together would be one big convolution. And the window moves by 2 pixels
# at a time (**stride**): every layer halves the map, and the next one sees about twice as far.
#
# ### Exercise 1: how far does it see?
# One number in the first layer depends on 3 pixels in a row. And in the fourth? Write `receptive_field`: given the
# layers' (kernel, stride) in order, return how many pixels in a row reach one number of the last.
#
# Each kernel adds $(k - 1)$ *steps*, and a step is as wide as all strides **before** it multiplied. Hints:
# `check.hint("receptive_field")`.


# %% tags=["exercise"]
def receptive_field(layers):
    """Pixels in a row that reach one number of the last layer; layers: list of (kernel, stride)."""
    # BEGIN SOLUTION
    pixels, step = 1, 1
    for kernel, stride in layers:
        pixels += (kernel - 1) * step
        step *= stride
    return pixels
    # END SOLUTION


# %%
check.receptive_field(receptive_field)

# %% [markdown]
# ## The network
# The course's classifier first subtracts the clip's mean frame: walls and floor vanish, and what moves is
# left. Then it applies one small CNN to every frame, convolves over **time**, and ends in one score per
# action. Here it is built with random weights.

# %%
keras.utils.set_random_seed(SEED)
classifier = features.build_action_classifier(len(names))
kinds = (keras.layers.Conv2D, keras.layers.Conv1D, keras.layers.Dense)
for part in classifier.layers:
    if isinstance(part, kinds):
        print(f"{type(part).__name__:7} -> {part.output.shape[1:]}")
print("weights:", classifier.count_params())

# %% [markdown]
# `Conv2D` maps have (height, width, channels); `Conv1D` ones (time, channels). Before training it can only guess:


# %%
def accuracy(network, data):
    """Share of the clips whose action gets the highest score."""
    return np.mean(network.predict_on_batch(data.clips).argmax(axis=1) == data.actions)


first_layer = next(part for part in classifier.layers if isinstance(part, keras.layers.Conv2D))
filters_before = first_layer.get_weights()[0]
untrained = accuracy(classifier, test)
print("untrained, right in under 40%:", bool(untrained < 0.4))

# %% [markdown]
# ## Train it
# What should be unimportant? **When** the clip starts: each batch cuts new windows out of the looping videos.
# And **which colours** people and rooms have: every clip gets another contrast and another shade. This is
# called **augmentation**. It teaches by example what to ignore.


# %%
def draw_batch(rng):
    """Random windows of 16 frames in random colours; returns clips and their actions."""
    rows = rng.integers(train.num_clips, size=BATCH)
    times = (rng.integers(20, size=(BATCH, 1)) + np.arange(NUM_FRAMES)) % 20  # the videos loop
    contrast = rng.uniform(0.7, 1.2, (BATCH, 1, 1, 1, 3))
    shade = rng.uniform(-30, 30, (BATCH, 1, 1, 1, 3))
    clips = train.clips[rows[:, None], times] * contrast + shade
    return clips.clip(0, 255).astype(np.float32), train.actions[rows]


# %%
clips, actions = draw_batch(np.random.default_rng(SEED))
show.show_sheet(clips[:4].astype(np.uint8), [names[action] for action in actions[:4]])

# %% [markdown]
# The loss is the **cross-entropy**: minus the logarithm of the probability that the network gives to the right
# action. A network that guesses among ten pays $-\log \frac{1}{10}$:

# %%
guess = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(np.array([3]), np.zeros((1, 10)))
assert np.isclose(guess, -np.log(1 / 10))
print("loss of a guess among ten:", round(float(guess), 2))


# %%
def plot_training(history):
    """The loss, and the accuracy on people that the network does not learn from."""
    figure = Figure(figsize=(8, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(history["loss"], color=show.BLUE)
    left.axhline(np.log(10), color="0.5", linestyle="--", label="guessing")
    left.set(title="Loss of the batches", xlabel="step", ylabel="nats", xlim=(0, STEPS), ylim=(0, 3))
    left.legend(frameon=False)
    right.plot(history["step"], history["accuracy"], color=show.VERMILION, marker="o")
    right.set(title="Right on other people", xlabel="step", xlim=(0, STEPS), ylim=(0, 1.05))
    said = f"{history['accuracy'][-1]:.0%} right on other people"
    return show.figure(figure, alt=f"Training curves after {len(history['loss'])} steps: {said}.")


# %% [markdown]
# Adam follows the gradient of the loss, with a rate that falls to 0 along a cosine. The first step takes
# longest: TensorFlow builds its graph. The picture is drawn anew every ten steps.

# %% tags=["trains-classifier"]
rate = keras.optimizers.schedules.CosineDecay(RATE, STEPS)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
classifier.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)

# %% tags=["nbval-ignore-output", "trains-classifier"]
rng, history = (
    np.random.default_rng(SEED),
    {"loss": [], "step": [0], "accuracy": [accuracy(classifier, watch)]},
)
live = display(plot_training(history), display_id=True)
for step in range(1, STEPS + 1):
    history["loss"].append(float(classifier.train_on_batch(*draw_batch(rng))))
    classifier.reset_metrics()  # else Keras gives the mean since the start
    if step % 10 == 0:
        history["step"].append(step)
        history["accuracy"].append(accuracy(classifier, watch))
        live.update(plot_training(history))

# %% [markdown]
# The people in the right-hand curve are not those it learns from. At first that curve lags behind the loss:
# the running averages of batch normalisation have yet to catch up. Now for the test people, on whom nothing
# was chosen or watched so far:

# %%
trained = accuracy(classifier, test)
print("held-out people, right in over 80%:", bool(trained > 0.8))

# %% [markdown]
# Which actions does it mix up? Rows say what was shown, columns what was answered.

# %%
answers = classifier.predict_on_batch(test.clips).argmax(axis=1)
confusion = np.zeros((len(names), len(names)), int)
np.add.at(confusion, (test.actions, answers), 1)
figure = Figure(figsize=(4.6, 4), layout="constrained")
axes = figure.subplots()
axes.imshow(confusion, cmap="Blues")
for row, column in np.argwhere(confusion):
    count = confusion[row, column]
    axes.text(column, row, count, ha="center", va="center", color="white" if count > 4 else "black")
axes.set_xticks(range(len(names)), names, rotation=60)
axes.set_yticks(range(len(names)), names)
axes.set(xlabel="answered", ylabel="shown")
show.figure(figure, alt="Table of actions shown against actions answered; most counts are on the diagonal.")

# %% [markdown]
# ## Filters
# The kernels of the first layer are 3x3 pixels with three colours, so they can be looked at. Grey is zero.


# %%
def draw_filters(weights, title):
    """All kernels of a layer (3, 3, 3, channels) side by side, scaled alike."""
    tiles = 0.5 + weights.transpose(3, 0, 1, 2) / (2 * np.abs(weights).max())
    figure = Figure(figsize=(8, 1.7), layout="constrained")
    figure.suptitle(title, fontsize=10)
    for axes, tile in zip(figure.subplots(2, -(-len(tiles) // 2)).flat, tiles, strict=False):
        axes.imshow(tile)
        axes.axis("off")
    return show.figure(figure, alt=f"{title}: squares of 3x3 pixels in mixed colours, with no clear order.")


filters = first_layer.get_weights()[0]
draw_filters(filters, "First-layer filters after training")

# %% [markdown]
# Disappointed? They look like noise, because they started as noise, and a short training changes them little:

# %%
moved = np.linalg.norm(filters - filters_before) / np.linalg.norm(filters_before)
print("filters moved by under half of their length:", bool(0 < moved < 0.5))

# %% [markdown]
# That is worth knowing. Nearly random detectors are good enough here; the later layers learn to read them.
# The tidy stripes and blobs in textbooks come from large kernels and a million photographs.
#
# ## Activation maps over time
# A filter's output, laid out as a picture, is its **activation map**. Four layers, one network that returns them
# all. Time was folded into the batch, so it has to be unfolded again.

# %%
relus = [part.output for part in classifier.layers if isinstance(part, keras.layers.ReLU)]
maps_of = keras.Model(classifier.inputs, [output for output in relus if len(output.shape) == 4])
clip_maps = maps_of.predict_on_batch(one_person)
clip_maps = [np.reshape(maps, (len(names), NUM_FRAMES, *maps.shape[1:])) for maps in clip_maps]
for number, maps in enumerate(clip_maps, 1):
    print(f"layer {number}: height, width, channels {maps.shape[2:]}")

# %%
jack = names.index("jack")
liveliest = np.argsort(-clip_maps[0][jack].std(axis=0).mean(axis=(0, 1)))[:3]
figure = Figure(figsize=(8, 4.2), layout="constrained")
for column, axes in enumerate(figure.subplots(4, 8).T):
    time = 2 * column
    axes[0].imshow(one_person[jack, time])
    axes[0].set_title(f"frame {time}", fontsize=8)
    for row, channel in enumerate(liveliest, 1):
        axes[row].imshow(clip_maps[0][jack, time, ..., channel], cmap="magma", vmin=0, vmax=2)
    for cell in axes:
        cell.axis("off")
show.figure(
    figure,
    alt="Eight frames of a jumping jack in the top row and three activation maps of the first layer "
    "below. The maps light up along the moving arms and legs; wall and floor stay the same.",
)

# %% [markdown]
# The maps follow the limbs. Is that more than an impression? Compare two kinds of places: where the picture changes
# over time by more than 15 grey levels, and where it changes by less than 2.

# %%
grey = one_person.mean(axis=-1).reshape(len(names), NUM_FRAMES, 16, 2, 16, 2).mean(axis=(3, 5))
picture_moves, map_moves = grey.std(axis=1), clip_maps[0].std(axis=1).mean(axis=-1)
ratio = map_moves[picture_moves > 15].mean() / map_moves[picture_moves < 2].mean()
print("maps move over 3 times as much where the body moves:", bool(ratio > 3))


# %% [markdown]
# ### Play
# Choose an action, a frame, a layer and a channel. Look for a channel of layer 1 that likes one side of the body,
# and for the layer where you can no longer tell what you are looking at.


# %%
def draw_map(action, frame, layer, channel):
    """A frame and one activation map of it, side by side."""
    activation = clip_maps[layer - 1][names.index(action)][..., channel]
    levels = 255 * activation[frame] / max(activation.max(), 1e-6)  # one scale for the whole clip
    scale = SIZE // len(levels)
    grey = np.repeat(np.repeat(levels.astype(np.uint8), scale, axis=0), scale, axis=1)
    pair = np.concatenate(
        [one_person[names.index(action), frame], np.repeat(grey[..., None], 3, axis=2)], axis=1
    )
    alt = f"Left: frame {frame} of {action}. Right: channel {channel} of layer {layer}; bright is strong."
    return show.show_sheet(pair[None, None], alt=alt)


draw_map("jack", frame=4, layer=1, channel=int(liveliest[0]))

# %%
widgets.explore(
    draw_map, action=list(names), frame=(0, NUM_FRAMES - 1, 4), layer=(1, len(clip_maps)), channel=(0, 15)
)

# %% [markdown]
# ## One vector per clip
# The layer before the scores, called `features`, sums a clip up in one vector. To read it, cut the network
# off there. The course does the same with its own classifier, which was trained for longer. Cut that one at
# its layer `frame_features`, and the numbers agree with the course's function:


# %%
def read_layer(network, name, clips):
    """What the layer called `name` says of the clips."""
    part = keras.Model(network.inputs, network.get_layer(name).output)
    return np.asarray(part.predict_on_batch(clips.astype(np.float32)))


shipped = features.load_action_classifier()
ours = read_layer(shipped, "frame_features", one_person)
assert np.allclose(ours, features.frame_features(one_person), atol=1e-3)
print("one vector per frame:", ours.shape)

# %%
vectors = read_layer(classifier, "features", test.clips)
print("one vector per clip: ", vectors.shape)

# %% [markdown]
# ### Nearest neighbours
# Which other clip is most like this one? Ask twice: by pixels, and by features.


# %%
def nearest(vectors):
    """For every row, the index of the nearest other row."""
    flat = vectors.reshape(len(vectors), -1).astype(np.float64)
    distances = np.stack([np.linalg.norm(flat - row, axis=1) for row in flat])
    np.fill_diagonal(distances, np.inf)  # not itself
    return distances.argmin(axis=1)


by_pixels, by_features = nearest(test.clips), nearest(vectors)

# %%
asked = np.flatnonzero(test.actions == jack)[0]  # the first person that does it
trio = np.stack([test.clips[k] for k in (asked, by_pixels[asked], by_features[asked])])
show.show_sheet(
    trio,
    ["the clip", "by pixels", "by features"],
    alt="Three clips. Top: a person does jumping jacks. Middle, nearest by pixels: the same person in the "
    "same room does something else. Bottom, nearest by features: another person does jumping jacks.",
)

# %% [markdown]
# Pixels find the same room. Features find the same action. Counted over all held-out clips:

# %%
pixels_same_person = np.mean(test.actors[by_pixels] == test.actors)
features_same_action = np.mean(test.actions[by_features] == test.actions)
features_same_person = np.mean(test.actors[by_features] == test.actors)
print("by pixels, the same person in over 80%:", bool(pixels_same_person > 0.8))
print("by features, the same action in over 80%:", bool(features_same_action > 0.8))
print("by features, the same person in under 30%:", bool(features_same_person < 0.3))

# %% [markdown]
# ## A map of all clips
# A vector has too many numbers to draw. **Principal components** give the flat view from which the cloud of
# points looks widest. Centre the vectors, $A = X - \bar{x}$, and take the singular value decomposition
# $A = U S V^\top$. The first two rows of $V^\top$ are the directions, the first two columns of $A V$ the
# places on the map.


# %%
def project(vectors):
    """The two principal components, (rows, 2), and the share of the variance that they show."""
    centred = vectors - vectors.mean(axis=0)
    u, s, vt = np.linalg.svd(centred, full_matrices=False)
    places = centred @ vt[:2].T
    assert np.allclose(places, u[:, :2] * s[:2], atol=1e-3)  # A V = U S
    return places, np.sum(s[:2] ** 2) / np.sum(s**2)


line = np.array([[0.0, 0, 0], [3, 4, 0], [6, 8, 0]])  # three points on a line, 5 apart
places, share = project(line)
print("distances from the first:", np.abs(places - places[0]).round(2)[:, 0], " shown:", round(share, 2))

# %%
STYLES = [(c, mark) for mark in "o^s" for c in (show.BLUE, show.VERMILION, show.GREEN, show.PURPLE)]


def draw_maps(vectors, alt):
    """The same map twice: coloured by action and by actor."""
    places, _ = project(vectors)
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    people = np.unique(test.actors, return_inverse=True)[1]
    groups = {"coloured by action": (test.actions, names), "coloured by actor": (people, range(1, 9))}
    for axes, (title, (labels, words)) in zip(figure.subplots(1, 2), groups.items(), strict=True):
        for label, ((colour, mark), word) in enumerate(zip(STYLES, words, strict=False)):
            axes.scatter(*places[labels == label].T, s=24, color=colour, marker=mark, label=word, alpha=0.8)
        axes.set(title=title, xticks=[], yticks=[])
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return show.figure(figure, alt=alt)


# %%
draw_maps(
    vectors,
    alt="The map of clip features twice. Coloured by action, every action is a cluster of its own or shares "
    "one. Coloured by actor, every cluster holds all actors.",
)

# %% [markdown]
# Left, each action has its own cluster; some lie on top of each other, because two directions do not show
# everything. Right, every cluster is a mixture of people. The network forgets who it sees.
#
# **That is not in the nature of CNNs. It is what this one was built and trained for.** The course ships
# another CNN that keeps the mean frame and was trained to name the *person*. Its map, of the same clips:

# %%
content = features.content_features(test.clips).mean(axis=1)
draw_maps(
    content,
    alt="The map of content features twice. Coloured by action, the actions are mixed. Coloured by actor, "
    "every actor is a cluster of their own.",
)

# %%
print(
    "by content, the same person in over 80%:",
    bool(np.mean(test.actors[nearest(content)] == test.actors) > 0.8),
)

# %% [markdown]
# Lesson 07 needs both: the first to ask whether a generated clip shows the right action, the second whether it shows
# one person all the way through.
#
# ## Forwards or backwards?
# Take a walk, and the same walk played backwards. You see at once which is which. What do features of single frames
# say? Read them, and average over time, the usual way to sum up a clip:
#
# $$\bar{f} = \frac{1}{T} \sum_{t=1}^{T} f(x_t)$$

# %%
walk = test.clips[names.index("walk")]
both = np.stack([walk, walk[::-1]])
show.show_sheet(both, ["walk", "backwards"], alt="A walk, and the same frames from the last to the first.")

# %%
frames = read_layer(classifier, "frame_features", both)  # (2, time, features)
pooled = frames.mean(axis=1)
assert np.allclose(pooled, keras.layers.GlobalAveragePooling1D()(frames), atol=1e-4)
print("largest difference of the averages:", round(float(np.abs(pooled[0] - pooled[1]).max()), 2))
print("largest difference frame by frame over 0.1:", bool(np.abs(frames[0] - frames[1]).max() > 0.1))

# %%
figure = Figure(figsize=(8, 3.2), layout="constrained")
grid = figure.subplots(2, 2, width_ratios=(3, 1))
for (left, right), values, title in zip(grid, frames, ("walk", "backwards"), strict=True):
    left.imshow(values.T, aspect="auto", cmap="magma")
    left.set(title=title, ylabel="feature", xlabel="frame")
    right.barh(range(values.shape[1]), values.mean(axis=0), color=show.BLUE, height=1.0)
    right.set(title="average", ylim=(values.shape[1], 0), yticks=[])
show.figure(
    figure,
    alt="Frame features over time. The walk and its backwards twin are mirror images of each other; the "
    "bars of their averages beside them are the same.",
)

# %% [markdown]
# The two pictures on the left are mirror images. The bars on the right are the same, and no later layer can
# tell them apart again. That holds for **every** network that looks at frames one by one and averages: a sum
# does not know the order of what was added. (The mean frame that ours subtracts is such an average, too.) The
# discriminator of an image GAN has the same blind spot.
#
# ### What has an order
# Neighbours. Multiply each frame's features with those of the next, and subtract the same product the other
# way round:
#
# $$M = \sum_t \left( f_t f_{t+1}^\top - f_{t+1} f_t^\top \right)$$
#
# Play the clip backwards and every pair changes places, so $M$ becomes $-M$.


# %%
def turn(frames):
    """Order of neighbouring frames: (clips, time, d) -> (clips, d, d); backwards gives the negative."""
    products = np.einsum("ntd,nte->nde", frames[:, :-1], frames[:, 1:])
    return products - products.transpose(0, 2, 1)


assert np.allclose(turn(frames[:, ::-1]), -turn(frames), rtol=1e-3, atol=1e-3)
by_hand = np.outer([1, 0], [0, 2]) - np.outer([0, 2], [1, 0])  # f_1 = (1, 0), f_2 = (0, 2)
assert np.array_equal(turn(np.array([[[1, 0], [0, 2]]]))[0], by_hand)
print("f_1 = (1, 0), f_2 = (0, 2):", by_hand.tolist())

# %% [markdown]
# Is that useful? Average $M$ over the walks of the training people. We say that a held-out clip runs forwards
# if its own $M$ points the same way. With averaged features nobody can do better than a coin.


# %%
def direction_accuracy(action):
    """Share of held-out clips of an action whose direction in time is told from `turn`."""
    label = names.index(action)
    seen = read_layer(classifier, "frame_features", train.clips[train.actions == label][:, :NUM_FRAMES])
    new = read_layer(classifier, "frame_features", test.clips[test.actions == label])
    forwards = turn(seen).mean(axis=0)
    return np.mean(np.sum(turn(new) * forwards, axis=(1, 2)) > 0)


found = {action: direction_accuracy(action) for action in ("walk", "run", "squat", "wave1")}

# %% tags=["nbval-ignore-output"]
show.plot_bars(found, title="Direction in time recognised", unit="share of held-out clips")

# %%
print("walk and run, right in over 75%:", bool(min(found["walk"], found["run"]) > 0.75))

# %% [markdown]
# Squatting and waving look the same in both directions, so one can only guess. Eight clips an action are few:
# guessing may well be right in 2 or in 6 of 8.
#
# The classifier's own convolutions over time see order, too:

# %%
clip_vectors = read_layer(classifier, "features", both)
print("its clip features differ:", bool(np.linalg.norm(clip_vectors[0] - clip_vectors[1]) > 0.05))

# %% [markdown]
# They differ, but little. It was asked for the action, and a walk backwards is still a walk. A network keeps what
# its task needs and drops the rest. Keep that in mind when a number computed from features calls a clip "good".
#
# ### Exercise 2: a slope
# A simpler summary with an order: the slope of each feature over time, by least squares. With $\bar{t}$ the mean of
# the times $0, \dots, T-1$:
#
# $$s = \frac{\sum_t (t - \bar{t})\, f_t}{\sum_t (t - \bar{t})^2}$$
#
# `frame_features` has shape (time, features); return one slope a feature. Hints: `check.hint("time_slope")`.


# %% tags=["exercise"]
def time_slope(frame_features):
    """Slope over time of every feature: (time, features) -> (features,)."""
    # BEGIN SOLUTION
    times = np.arange(len(frame_features)) - (len(frame_features) - 1) / 2
    return times @ frame_features / np.sum(times**2)
    # END SOLUTION


# %%
check.time_slope(time_slope)

# %% [markdown]
# ## A network that has seen the world
# Ours has seen sixty-four people in plain rooms. Networks trained on ImageNet have seen over a million
# photographs, and their features are reused for nearly everything. They work frame by frame, so they share
# the blind spot. The weights (4 MB) are downloaded at the first call, so they wait until you set `USE_NETWORK`
# in the settings. Until then a network that comes with the course stands in, `content_features`: it, too,
# reads one frame at a time, and was trained to tell people apart. Nothing below needs either.

# %%
if USE_NETWORK:
    per_frame = features.imagenet_features(both)  # the walk and its backwards twin
else:
    print("Without ImageNet. To see it, set USE_NETWORK = True in the settings, then run them and this cell.")
    per_frame = features.content_features(both)
forwards, backwards = per_frame.mean(axis=1)
print("frame by frame, first and last differ:", not np.allclose(per_frame[0, 0], per_frame[0, -1], atol=1e-3))
print("averaged, walk and backwards differ:", not np.allclose(forwards, backwards, atol=1e-3))

# %% [markdown]
# ## For whom does it work?
# It was right about nearly all clips of eight people. What does that promise about a ninth? If a fraction $q$ of all
# people would make it fail, eight people without a failure come up with probability $(1 - q)^8$. That is 5% for

# %%
q = 1 - 0.05 ** (1 / 8)
assert np.isclose((1 - q) ** 8, 0.05)
print(f"q = {q:.0%}")

# %% [markdown]
# So eight flawless people cannot rule out that it fails for almost every third one. And some people are not in the
# data at all: `data/README.md` lists whom our actors leave out (children, old people, wheelchairs, skirts, head
# coverings). About them the score says nothing. A mean over everybody also hides the group that pays for it:
#
# ### Exercise 3: who pays?
# `correct` says for every clip whether the answer was right, `groups` which group its person belongs to. Return the
# group with the **lowest** share of right answers, and that share. Hints: `check.hint("worst_group")`.


# %% tags=["exercise"]
def worst_group(correct, groups):
    """Name of the group with the lowest share of right answers, and the share."""
    # BEGIN SOLUTION
    correct, groups = np.asarray(correct), np.asarray(groups)
    shares = {group: correct[groups == group].mean() for group in np.unique(groups)}
    worst = min(shares, key=shares.get)
    return worst, shares[worst]
    # END SOLUTION


# %%
check.worst_group(worst_group)

# %% [markdown]
# ## What goes wrong, and how you notice
# | what you see | what it is | what to do |
# |---|---|---|
# | loss stays at 2.3 for ten actions | it guesses: $-\log(1/10)$ | check that clips and labels were shuffled together; lower or raise the rate |
# | loss falls, held-out people do not follow | it knows people and rooms, not actions | more people, augmentation; split by person, never by clip |
# | 100% on held-out clips of *known* people | the same person is in both groups | split by person |
# | much worse in use than in training | another range or size of the pixels | ours takes 0 to 255; every network's range is part of its interface |
# | features of a clip and its reverse agree | frames were averaged | use neighbours, or convolutions over time |
# | right for all the wrong reasons | it reads the wall | look at activation maps; ask for nearest neighbours |
#
# ## You have
# - computed a convolution by hand, and checked that Keras computes the same;
# - trained a CNN that names the actions of people it never saw, and looked inside: filters, activation maps, neighbours;
# - found out why features of single frames cannot tell a walk from the same walk played backwards, and what can.
#
# ## References
# - LeCun et al. 1998, *Gradient-based learning applied to document recognition*: convolutions, learnt,
#   [doi 10.1109/5.726791](https://doi.org/10.1109/5.726791)
# - Zeiler and Fergus 2014, *Visualizing and Understanding Convolutional Networks*,
#   [arXiv 1311.2901](https://arxiv.org/abs/1311.2901)
# - Pickup et al. 2014, *Seeing the Arrow of Time*: which way does a video run?
#   [doi 10.1109/CVPR.2014.262](https://doi.org/10.1109/CVPR.2014.262)
# - Tran et al. 2018, *A Closer Look at Spatiotemporal Convolutions for Action Recognition*,
#   [arXiv 1711.11248](https://arxiv.org/abs/1711.11248)
# - Howard et al. 2019, *Searching for MobileNetV3*, the ImageNet network used here,
#   [arXiv 1905.02244](https://arxiv.org/abs/1905.02244)
# - Buolamwini and Gebru 2018, *Gender Shades*: a mean that hides who pays,
#   [proceedings](https://proceedings.mlr.press/v81/buolamwini18a.html)
#
# Next: [03 · The minimax game](03_gan_minimax.ipynb)
