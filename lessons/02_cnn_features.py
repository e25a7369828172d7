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
SIZE, NUM_FRAMES = 32, 16  # pixels; frames of a clip, at 10 a second
STEPS = budget.steps(120, small=80)  # batches that the training takes
BATCH = 32  # clips in a batch
RATE = 2e-3  # of the learning, at its start
SEED = 0  # of weights, order and colours
USE_NETWORK = False  # True downloads 4 MB of weights for one cell


# %% [markdown]
# ## 1. Which one runs backwards?
# Two people, two clips of each. In each row one clip is played backwards. **Which, A or B? And C or D?**

# %%
large = datasets.load_actions("test", size=64, num_frames=20)
names = large.action_names


# %%
def clip_of(action, person=0):
    """A held-out person's clip of an action, two seconds."""
    return large.clips[large.actions == names.index(action)][person]


# %%
walk, squat = clip_of("walk"), clip_of("squat", person=1)
puzzle = np.stack([walk[::-1], walk, squat, squat[::-1]])
alt = "Two clips of a walk, A and B; two of a squat, C and D."
show.show_grid(puzzle, labels=list("ABCD"), columns=2, alt=alt)


# %% [markdown]
# A is backwards; nobody walks like that. Of C and D nobody can tell. Now think of a network that looks at the
# frames one by one and averages what it saw. Will it know that A is backwards? Section 7 has the answer.
#
# This is step 2 of the article that the course grew from (see [lesson 00](00_start_here.ipynb)): "extract the
# key features of the sequence with a convolutional neural network". A **feature** is a number computed from a
# frame or a clip. A good one stays the same when something unimportant changes. What is unimportant is decided
# by what the network is built and trained for.

# %%
path_picture("features")


# %% [markdown]
# ## 2. The data
# Ten actions, and people in three groups: to learn from, to watch the training with, and held out until the
# end. No person is in two groups. The network sees 32x32 pixels, so a hand is two pixels wide.

# %%
train = datasets.load_actions("train", size=SIZE, num_frames=20)
watch = datasets.load_actions("validation", size=SIZE, num_frames=NUM_FRAMES)
test = datasets.load_actions("test", size=SIZE, num_frames=NUM_FRAMES)
for group, data in {"train": train, "watch": watch, "test": test}.items():
    people = len(np.unique(data.actors))
    print(f"{group:6} {data.num_clips:4} clips of {people:2} people")


# %%
one_person = test.clips[test.actors == test.actors[0]]


# %% [markdown]
# ## 3. A convolution by hand
# A CNN is built from one operation. Slide a small window over the frame. At every place, multiply the pixels
# below it with the window's weights $w$, the **kernel**, and add up:
#
# $$y_{i,j} = \sum_{u=0}^{k-1} \sum_{v=0}^{k-1} \sum_{c=1}^{3} w_{u,v,c}\; x_{i+u,\,j+v,\,c}$$


# %%
def convolve(frame, kernel):
    """Slide a kernel (k, k, channels) over a frame of the same channels."""
    k = len(kernel)
    y = np.empty((frame.shape[0] - k + 1, frame.shape[1] - k + 1))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = np.sum(kernel * frame[i : i + k, j : j + k])
    return y


# %% [markdown]
# Four pixels by four, dark on the left and bright on the right. The kernel says: right neighbour minus left.
# What will come out?

# %%
tiny = np.tile([0, 0, 9, 9], (4, 1))[..., None]
right_minus_left = np.array([[-1, 1], [-1, 1]])[..., None]
print(convolve(tiny, right_minus_left).astype(int))


# %% [markdown]
# 0 where nothing changes, $2 \cdot (9 - 0) = 18$ at the edge: this kernel finds upright edges. Now a real
# frame and two kernels of 3x3, the second one lying on its side:

# %%
frame = clip_of("jack")[6, ::2, ::2] / 255.0
upright = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])[..., None] / 3
upright = np.repeat(upright, 3, axis=2)
lying = upright.transpose(1, 0, 2)
responses = [convolve(frame, kernel) for kernel in (upright, lying)]


# %%
figure = Figure(figsize=(8.5, 3.2), layout="constrained")
panels = figure.subplots(1, 3)
panels[0].imshow(frame)
panels[0].set_title("frame")
for axes, response in zip(panels[1:], responses, strict=True):
    image = axes.imshow(response, cmap="PuOr", vmin=-2, vmax=2)
panels[1].set_title("upright edges")
panels[2].set_title("lying edges")
figure.colorbar(image, ax=panels, label="response", shrink=0.8)
alt = "A person in a jumping jack, and two maps: one answers along upright"
show.figure(figure, alt=f"{alt} edges, one along lying ones.")


# %% [markdown]
# The response is strong where brightness jumps, and its sign says which side is brighter. Keras computes the
# same, many kernels at a time:

# %%
layer = keras.layers.Conv2D(2, 3, use_bias=False)
layer.build((None, SIZE, SIZE, 3))
layer.set_weights([np.stack([upright, lying], axis=-1)])
by_keras = np.asarray(layer(frame[None].astype(np.float32)))[0]
gap = np.abs(by_keras - np.stack(responses, axis=-1)).max()
assert gap < 1e-4
print(f"Keras gives {by_keras.shape}; largest difference from ours {gap:.3f}")


# %% [markdown]
# In a CNN, training finds these weights. After each convolution comes a **ReLU**, $\max(0, y)$; without it, all
# layers together would be one big convolution. And the window moves by 2 pixels at a time, its **stride**, so
# every layer halves the map.
#
# ### Exercise 1: how far does it see?
# One number behind the first layer depends on 3 pixels in a row. How many pixels reach one number of the
# fourth? Take two layers of kernel 3 and stride 2 and draw them on paper first. Then write `receptive_field`
# for any list of (kernel, stride). Stuck? `check.hint("receptive_field")`


# %% tags=["exercise"]
def receptive_field(layers):
    """Pixels in a row that reach one number of the last layer."""
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
# ## 4. The network, and its training
# The course's classifier first subtracts the clip's mean frame: walls and floor vanish, and what moves is
# left. Then it applies one small CNN to every frame, convolves over **time**, and ends in ten scores, one an
# action. Such raw scores are called **logits**; the softmax function turns them into probabilities. Behind
# each convolution, **batch normalisation** shifts and scales every channel to mean 0 and spread 1 over the
# batch, so that no layer has to follow the moods of the one below it.

# %%
keras.utils.set_random_seed(SEED)
classifier = features.build_action_classifier(len(names))
kinds = (keras.layers.Conv2D, keras.layers.Conv1D, keras.layers.Dense)
for part in classifier.layers:
    if isinstance(part, kinds):
        print(f"{type(part).__name__:7} -> {part.output.shape[1:]}")
print(f"{classifier.count_params():,} weights")


# %%
def accuracy(network, data):
    """Share of the clips whose action gets the highest score."""
    answers = network.predict_on_batch(data.clips).argmax(axis=1)
    return np.mean(answers == data.actions)


# %%
kind = keras.layers.Conv2D
first_layer = next(p for p in classifier.layers if isinstance(p, kind))
filters_before = first_layer.get_weights()[0]
untrained = accuracy(classifier, test)


# %% [markdown]
# What should be unimportant? **When** the clip starts: each batch cuts new windows out of the looping videos.
# And **which colours** people and rooms have: every clip gets another contrast and another shade. This is
# **augmentation**. It teaches by example what to ignore.


# %%
def draw_batch(rng):
    """Random windows of 16 frames in random colours, and their actions."""
    rows = rng.integers(train.num_clips, size=BATCH)
    starts = rng.integers(20, size=(BATCH, 1))
    times = (starts + np.arange(NUM_FRAMES)) % 20  # the videos loop
    contrast = rng.uniform(0.7, 1.2, (BATCH, 1, 1, 1, 3))
    shade = rng.uniform(-30, 30, (BATCH, 1, 1, 1, 3))
    clips = train.clips[rows[:, None], times] * contrast + shade
    return clips.clip(0, 255).astype(np.float32), train.actions[rows]


# %%
clips, actions = draw_batch(np.random.default_rng(SEED))
labels = [names[action] for action in actions[:4]]
grid = show.label_grid(clips[:4].astype(np.uint8), labels, scale=4)
show.still_picture(grid[0], "Recoloured clips: " + ", ".join(labels))


# %% [markdown]
# The loss is the **cross-entropy**: minus the logarithm of the probability that the network gives to the right
# action, in **nats**, the unit of the natural logarithm. `from_logits` says that the last layer gives logits.
# Who guesses among ten pays $-\log \frac{1}{10} = 2.30$ nats.

# %%
entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
guess = float(entropy(np.array([3]), np.zeros((1, 10))))
assert np.isclose(guess, -np.log(1 / 10))
print(f"loss of a guess among ten: {guess:.2f}")


# %%
def plot_training(history):
    """The loss, and the accuracy on people that it does not learn from."""
    figure = Figure(figsize=(8, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(history["loss"], color=show.BLUE)
    left.axhline(np.log(10), color="0.5", linestyle="--", label="guessing")
    left.set(title="Loss (nats)", xlabel="step", xlim=(0, STEPS), ylim=(0, 3))
    left.legend(frameon=False)
    curve = history["step"], history["accuracy"]
    right.plot(*curve, color=show.VERMILION, marker="o")
    right.axhline(0.1, color="0.5", linestyle="--", label="guessing")
    right.set(title="Right on other people", xlim=(0, STEPS), ylim=(0, 1.05))
    right.legend(frameon=False)
    said = f"{history['accuracy'][-1]:.0%} right on other people"
    steps = len(history["loss"])
    return show.figure(figure, alt=f"Curves after {steps} steps: {said}.")


# %% [markdown]
# Adam follows the gradient of the loss, with a rate that falls to 0 along a cosine. **How many of the test
# people's 80 clips will it name after 120 batches? Guess before you run it.**

# %% tags=["trains-classifier"]
rate = keras.optimizers.schedules.CosineDecay(RATE, STEPS)
classifier.compile(optimizer=keras.optimizers.Adam(rate), loss=entropy)


# %% tags=["nbval-ignore-output", "trains-classifier"]
rng = np.random.default_rng(SEED)
history = {"loss": [], "step": [0], "accuracy": [accuracy(classifier, watch)]}
live = display(plot_training(history), display_id=True)
for step in range(1, STEPS + 1):
    loss = float(classifier.train_on_batch(*draw_batch(rng)))
    history["loss"].append(loss)
    classifier.reset_metrics()  # else Keras gives the mean since the start
    if step % 10 == 0:
        history["step"].append(step)
        history["accuracy"].append(accuracy(classifier, watch))
        live.update(plot_training(history))


# %% tags=["nbval-ignore-output"]
trained = accuracy(classifier, test)
print("right on test people:")
print(f"  guessing  {0.1:4.0%}")
print(f"  untrained {untrained:4.0%}")
print(f"  trained   {trained:4.0%}")


# %%
assert untrained < 0.4
assert trained > 0.8
print("test people: over 80% right after training")


# %% [markdown]
# At first the right-hand curve lags behind: in use, batch normalisation takes running averages instead of the
# batch's own, and they have yet to catch up. Which actions does it mix up, if any?

# %% tags=["nbval-ignore-output"]
answers = classifier.predict_on_batch(test.clips).argmax(axis=1)
wrong = np.flatnonzero(answers != test.actions)
print(f"{len(wrong)} of {test.num_clips} wrong")
for k in wrong:
    print(f"  {names[test.actions[k]]} taken for {names[answers[k]]}")

# %%
assert len(wrong) < 0.2 * test.num_clips
print("fewer than 16 of 80 wrong")


# %% [markdown]
# With so few mistakes, or none, the test does not say *which* actions are hard: it is at its ceiling. Section 9 asks
# what "all right for eight people" promises.
#
# ## 5. Look inside
# ### Filters
# The kernels of the first layer are 3x3 pixels with three colours, so they can be looked at. Grey is zero.


# %%
def draw_filters(weights, title):
    """All kernels of a layer (3, 3, 3, channels), scaled alike."""
    tiles = 0.5 + weights.transpose(3, 0, 1, 2) / (2 * np.abs(weights).max())
    figure = Figure(figsize=(8, 1.9), layout="constrained")
    figure.suptitle(title, fontsize=10)
    places = figure.subplots(2, -(-len(tiles) // 2)).flat
    for axes, tile in zip(places, tiles, strict=False):
        axes.imshow(tile)
        axes.axis("off")
    alt = f"{title}: squares of 3x3 pixels in mixed colours, unordered."
    return show.figure(figure, alt=alt)


# %%
filters = first_layer.get_weights()[0]
draw_filters(filters, "First-layer filters after training")


# %% tags=["nbval-ignore-output"]
change = np.linalg.norm(filters - filters_before)
moved = change / np.linalg.norm(filters_before)
print(f"training moved the filters by {moved:.0%} of their length")


# %%
assert 0 < moved < 0.5
print("filters moved by less than 50%, so they are mostly as they began")


# %% [markdown]
# Disappointed? They look like noise because they started as noise. Nearly random detectors are good enough here;
# the later layers learn to read them. Textbooks' tidy stripes come from large kernels and a million photographs.
#
# ### Activation maps
# A filter's output, laid out as a picture, is its **activation map**. One network returns the maps of all four
# layers. Time was folded into the batch, so it has to be unfolded.

# %%
kind = keras.layers.ReLU
relus = [p.output for p in classifier.layers if isinstance(p, kind)]
flat = [output for output in relus if len(output.shape) == 4]
maps_of = keras.Model(classifier.inputs, flat)
clip_maps = maps_of.predict_on_batch(one_person)
folded = len(names), NUM_FRAMES
clip_maps = [np.reshape(m, (*folded, *m.shape[1:])) for m in clip_maps]
for number, maps in enumerate(clip_maps, 1):
    print(f"layer {number}: height, width, channels {maps.shape[2:]}")


# %%
def map_clip(action, layer, channel):
    """One channel of a layer as a grey clip of 32x32 pixels."""
    activation = clip_maps[layer - 1][names.index(action)][..., channel]
    levels = 255 * activation / max(activation.max(), 1e-6)  # one scale
    scale = SIZE // levels.shape[1]
    levels = levels.repeat(scale, axis=1).repeat(scale, axis=2)
    return np.repeat(levels.astype(np.uint8)[..., None], 3, axis=3)


# %% tags=["nbval-ignore-output"]
jack = names.index("jack")
changes = clip_maps[0][jack].std(axis=0).mean(axis=(0, 1))
liveliest = np.argsort(-changes)[:3]
maps = [map_clip("jack", 1, channel) for channel in liveliest]
labels = ["clip", *(f"channel {channel}" for channel in liveliest)]
grid = show.label_grid(np.stack([one_person[jack], *maps]), labels, scale=4)
alt = "A jumping jack, and three activation maps that change with its limbs."
show.show_clip(grid, alt=alt)


# %% [markdown]
# The maps follow the limbs. But look at a moment when the arms hang: some maps still show a fan of raised arms. That
# is the subtracted mean frame. It holds a faint trace of every place where an arm has been, and where the arm is
# *not* now, the trace is what remains.
#
# Do the maps change where the body moves? Compare places where the picture changes by over 15 grey levels with
# places where it changes by less than 2.

# %% tags=["nbval-ignore-output"]
blocks = one_person.mean(axis=-1).reshape(*folded, 16, 2, 16, 2)
picture_moves = blocks.mean(axis=(3, 5)).std(axis=1)
map_moves = clip_maps[0].std(axis=1).mean(axis=-1)
body, wall = map_moves[picture_moves > 15], map_moves[picture_moves < 2]
ratio = body.mean() / wall.mean()
print(f"maps change on the body {ratio:.0f} times as much as on the wall")


# %%
assert ratio > 3
print("on the body over 3 times as much")


# %% [markdown]
# ### Play
# Choose an action, a frame, a layer and a channel. Find a channel of layer 1 that likes one side of the body.
# In which layer can you no longer tell what you are looking at?


# %%
def draw_map(action, frame, layer, channel):
    """A frame and one activation map of it, side by side."""
    pair = one_person[names.index(action)], map_clip(action, layer, channel)
    labels = [f"{action}, frame {frame}", f"layer {layer}, channel {channel}"]
    shown = np.stack([clip[frame : frame + 1] for clip in pair])
    sheet = show.label_grid(shown, labels, scale=6)[0]
    alt = f"Left: frame {frame} of {action}. Right: channel {channel} of"
    return show.still_picture(sheet, f"{alt} layer {layer}; bright is strong.")


# %%
draw_map("jack", frame=4, layer=1, channel=0)


# %%
widgets.explore(
    draw_map,
    action=list(names),
    frame=(0, NUM_FRAMES - 1, 4),
    layer=(1, len(clip_maps)),
    channel=(0, 15),
)


# %% [markdown]
# ## 6. One vector per clip
# The layer before the scores, called `features`, sums a clip up in one vector. To read it, cut the network off
# there. The course ships a classifier of its own, trained for longer. Its layer `frame_features` gives one
# vector per frame, and the course's function of that name reads it:


# %%
def read_layer(network, name, clips):
    """What the layer called `name` says of the clips."""
    part = keras.Model(network.inputs, network.get_layer(name).output)
    return np.asarray(part.predict_on_batch(clips.astype(np.float32)))


# %%
shipped = features.load_action_classifier()
ours = read_layer(shipped, "frame_features", one_person)
gap = np.abs(ours - features.frame_features(one_person)).max()
assert gap < 1e-3
vectors = read_layer(classifier, "features", test.clips)
print(f"per frame {ours.shape}, {gap:.2f} from the course's function")
print(f"per clip  {vectors.shape}")


# %% [markdown]
# ### Nearest neighbours
# Which other clip is most like this one? Ask twice: by pixels, and by features. **What will each of them find?**


# %%
def nearest(vectors):
    """For every row, the index of the nearest other row."""
    flat = vectors.reshape(len(vectors), -1).astype(np.float64)
    distances = [np.linalg.norm(flat - row, axis=1) for row in flat]
    distances = np.stack(distances)
    np.fill_diagonal(distances, np.inf)  # not itself
    return distances.argmin(axis=1)


# %%
by_pixels, by_features = nearest(test.clips), nearest(vectors)


# %% tags=["nbval-ignore-output"]
asked = np.flatnonzero(test.actions == jack)[0]  # by the first person
found = asked, by_pixels[asked], by_features[asked]
how = "asked", "pixels", "features"
shown = [names[test.actions[k]] for k in found]
labels = [f"{by}: {name}" for by, name in zip(how, shown, strict=True)]
grid = show.label_grid(test.clips[list(found)], labels, scale=4)
show.show_clip(grid, alt=f"Three clips. {', '.join(labels)}.")


# %% tags=["nbval-ignore-output"]
print("the nearest clip shows      the same person   the same action")
content = features.content_features(test.clips).mean(axis=1)
rows = {"by pixels": by_pixels, "by features": by_features}
rows["by content (below)"] = nearest(content)
rows["by chance"] = np.random.default_rng(SEED).permutation(len(vectors))
same = {}
for name, found in rows.items():
    person = np.mean(test.actors[found] == test.actors)
    action = np.mean(test.actions[found] == test.actions)
    same[name] = person, action
    print(f"{name:22} {person:16.0%} {action:17.0%}")


# %%
assert same["by pixels"][0] > 0.8
assert same["by features"][1] > 0.8
assert same["by features"][0] < 0.3
assert same["by content (below)"][0] > 0.8
print("pixels find the person, features the action, each in over 80%")


# %% [markdown]
# Pixels find the same room, and with it the person. Features find the same action, done by somebody else.
#
# ### A map of all clips
# A vector has too many numbers to draw. **Principal components** give the flat view from which the cloud of
# points looks widest. Centre the vectors, $A = X - \bar{x}$, and take the singular value decomposition
# $A = U S V^\top$. The first two rows of $V^\top$ are the directions of the map, and $A V$ holds the places.


# %%
def project(vectors):
    """Places (rows, 2) on the widest view, and the share of variance shown."""
    centred = vectors - vectors.mean(axis=0)
    u, s, vt = np.linalg.svd(centred, full_matrices=False)
    places = centred @ vt[:2].T
    assert np.allclose(places, u[:, :2] * s[:2], atol=1e-3)  # A V = U S
    return places, np.sum(s[:2] ** 2) / np.sum(s**2)


# %%
colours = show.BLUE, show.VERMILION, show.GREEN, show.PURPLE
STYLES = [(colour, mark) for mark in "o^s" for colour in colours]


# %%
def scatter(axes, places, labels, words):
    """Points of the map, one colour and mark for each label."""
    for label, word in enumerate(words):
        colour, mark = STYLES[label]
        looks = {"color": colour, "marker": mark, "alpha": 0.8}
        axes.scatter(*places[labels == label].T, s=24, label=word, **looks)
    axes.set(xticks=[], yticks=[])
    place = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
    axes.legend(fontsize=7, frameon=False, **place)


# %%
def draw_maps(vectors, alt):
    """The same map twice: coloured by action and by actor."""
    places, _ = project(vectors)
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    people = np.unique(test.actors, return_inverse=True)[1]
    scatter(left, places, test.actions, names)
    scatter(right, places, people, range(1, 9))
    left.set_title("coloured by action")
    right.set_title("coloured by actor")
    return show.figure(figure, alt=alt)


# %%
alt = "Clip features. By action, most actions lie together; by actor, all mix."
draw_maps(vectors, alt)


# %% [markdown]
# Left, clips of one action lie together; some actions lie on top of each other, because two directions do not
# show everything. Right, people are mixed everywhere. The network forgets whom it sees.
#
# **That is not in the nature of CNNs. It is what this one was built and trained for.** The course ships
# another CNN, which keeps the mean frame and was trained to name the *person*. Its map of the same clips, and
# its line in the table above, show the opposite:

# %%
alt = "Content features. By action, all mix; by actor, nearly all lie apart."
draw_maps(content, alt)


# %% [markdown]
# Here each person's clips lie together, but for a few that the flat map lays on top of each other. Lesson 07 needs
# both networks: does a generated clip show the right action, and does it show one person all the way through?
#
# ## 7. Forwards or backwards?
# Back to A and B. What do features of single frames say? Read them, and average over time, the usual way to
# sum up a clip:
#
# $$\bar{f} = \frac{1}{T} \sum_{t=1}^{T} f(x_t)$$

# %%
small_walk = walk[:NUM_FRAMES, ::2, ::2]
both = np.stack([small_walk, small_walk[::-1]])
frames = read_layer(classifier, "frame_features", both)  # (2, time, d)


# %% tags=["nbval-ignore-output"]
figure = Figure(figsize=(8, 2.8), layout="constrained")
three = np.argsort(-frames[0].std(axis=0))[:3]
colours = show.BLUE, show.VERMILION, show.GREEN
titles = "walk", "the same walk backwards"
places = figure.subplots(1, 2, sharey=True)
for axes, title, values in zip(places, titles, frames, strict=True):
    for feature, colour in zip(three, colours, strict=True):
        axes.plot(values[:, feature], color=colour)
        axes.axhline(values[:, feature].mean(), color=colour, linestyle=":")
    axes.set(title=title, xlabel="frame")
alt = "Three features over time. Backwards, the curves are mirrored; means,"
show.figure(figure, alt=f"{alt} dotted, are as high as before.")


# %% tags=["nbval-ignore-output"]
averages = frames.mean(axis=1)
gap = np.abs(averages[0] - averages[1]).max()
by_frame = np.abs(frames[0] - frames[1]).max()
print(f"largest difference frame by frame  {by_frame:.2f}")
print(f"largest difference of the averages {gap:.2f}")


# %%
assert gap < 1e-3
assert by_frame > 0.1
print(f"averages: forwards and backwards {gap:.2f} apart")


# %% [markdown]
# Backwards, the curves are mirrored, and the dotted means stay where they were. So the average cannot know that A
# is backwards. That holds for **every** network that averages over single frames: a sum does not know the order
# of what was added. The discriminator of an image GAN has the same blind spot.
#
# ### Exercise 2: a summary with an order
# The simplest one is the slope of each feature over time, by least squares. With $\bar{t}$ the mean of the
# times $0, \dots, T-1$:
#
# $$s = \frac{\sum_t (t - \bar{t})\, f_t}{\sum_t (t - \bar{t})^2}$$
#
# `frame_features` has shape (time, features); return one slope a feature. (`check.hint("time_slope")`)


# %% tags=["exercise"]
def time_slope(frame_features):
    """Slope over time of every feature: (time, features) -> (features,)."""
    # BEGIN SOLUTION
    frame_features = np.asarray(frame_features)
    times = np.arange(len(frame_features)) - (len(frame_features) - 1) / 2
    return times @ frame_features / np.sum(times**2)
    # END SOLUTION


# %%
check.time_slope(time_slope)


# %% [markdown]
# A walk repeats, so its slopes are small and depend on where it starts. Better: look at neighbours. Multiply
# each frame's features with those of the next, and subtract the same product the other way round:
#
# $$M = \sum_t \left( f_t f_{t+1}^\top - f_{t+1} f_t^\top \right)$$
#
# Play the clip backwards and every pair changes places, so $M$ becomes $-M$.


# %%
def turn(frames):
    """(clips, time, d) -> (clips, d, d); backwards gives the negative."""
    products = np.einsum("ntd,nte->nde", frames[:, :-1], frames[:, 1:])
    return products - products.transpose(0, 2, 1)


# %%
mirrored = turn(frames[:, ::-1])
assert np.allclose(mirrored, -turn(frames), rtol=1e-3, atol=1e-3)
by_hand = np.outer([1, 0], [0, 2]) - np.outer([0, 2], [1, 0])
assert np.array_equal(turn(np.array([[[1, 0], [0, 2]]]))[0], by_hand)
print("f_1 = (1, 0), f_2 = (0, 2):", by_hand.tolist())


# %% [markdown]
# Is that useful? Average $M$ over the walks of the training people. We say that a held-out clip runs forwards
# if its own $M$ points the same way. Before you look: for which of these four actions can it work?


# %%
def direction_accuracy(action):
    """Share of held-out clips whose direction in time is told from `turn`."""
    label = names.index(action)
    known = train.clips[train.actions == label][:, :NUM_FRAMES]
    known = read_layer(classifier, "frame_features", known)
    new = test.clips[test.actions == label]
    new = read_layer(classifier, "frame_features", new)
    forwards = turn(known).mean(axis=0)
    return np.mean(np.sum(turn(new) * forwards, axis=(1, 2)) > 0)


# %%
four = ("walk", "run", "squat", "wave1")
found = {action: direction_accuracy(action) for action in four}


# %% tags=["nbval-ignore-output"]
unit = "share of 8 held-out clips; guessing gives 0.5"
show.plot_bars(found, title="Direction in time recognised", unit=unit)


# %%
assert min(found["walk"], found["run"]) > 0.75
print("walk and run: right in more than 6 of 8 clips")


# %% [markdown]
# Squatting and waving look the same in both directions, as C and D did, so one can only guess. Eight clips are
# few: a guess may well be right in 2 or in 6 of them.
#
# The classifier's own convolutions over time see the order, too. How much of it do they keep? Compare with the
# distance between the walks of two people.

# %% tags=["nbval-ignore-output"]
clip_vectors = read_layer(classifier, "features", both)
backwards = np.linalg.norm(clip_vectors[0] - clip_vectors[1])
walks = vectors[test.actions == names.index("walk")]
two = np.linalg.norm(walks[:, None] - walks, axis=2)
two = two[np.triu_indices(len(walks), 1)].mean()
jacks = vectors[test.actions == jack]
other = np.linalg.norm(walks[:, None] - jacks, axis=2).mean()
print(f"a walk and the same walk backwards {backwards:.1f}")
print(f"walks of two people                {two:.1f}")
print(f"a walk and a jack                  {other:.1f}")


# %%
assert 0.05 < backwards < other
print("over 0.05 apart, but less than a walk and another action")


# %% [markdown]
# A backward walk is about as far away as another person's walk, and nearer than another action. A network keeps what
# its task needs, and a walk backwards is still a walk. Remember that when a number computed from features calls a
# clip "good".
#
# ## 8. A network that has seen the world
# Ours has seen sixty-four people in plain rooms. Networks trained on ImageNet have seen over a million photographs,
# and their features are reused for nearly everything. Frame by frame, they share the blind spot. Set `USE_NETWORK`
# to download one (4 MB). Until then `content_features` stands in, which also reads one frame at a time.

# %%
read = features.imagenet_features if USE_NETWORK else features.content_features
per_frame = read(both)
gap = np.abs(per_frame[0].mean(axis=0) - per_frame[1].mean(axis=0)).max()
by_frame = np.abs(per_frame[0] - per_frame[1]).max()
assert gap < 1e-3 < by_frame
print(f"averages: forwards and backwards {gap:.2f} apart")


# %% [markdown]
# ## 9. For whom does it work?
# It was right about nearly all clips of eight people. What does that promise about a ninth? If a share $q$ of
# all people would make it fail, eight people without a failure come up with probability $(1 - q)^8$. That is
# 5% for

# %%
q = 1 - 0.05 ** (1 / 8)
assert np.isclose((1 - q) ** 8, 0.05)
print(f"q = {q:.0%}")


# %% [markdown]
# So eight flawless people do not rule out that it fails for almost every third one. And of people who are not in
# the data at all (children, old people, wheelchairs, skirts, head coverings: see `data/README.md`) the score says
# nothing. A mean over everybody also hides the group that pays for it.
#
# ### Exercise 3: who pays?
# `correct` says for every clip whether the answer was right, `groups` which group its person belongs to. Return
# the group with the **lowest** share of right answers, and that share. (`check.hint("worst_group")`)


# %% tags=["exercise"]
def worst_group(correct, groups):
    """Name of the group with the lowest share of right answers; the share."""
    # BEGIN SOLUTION
    correct, groups = np.asarray(correct), np.asarray(groups)
    found = np.unique(groups)
    shares = {name: correct[groups == name].mean() for name in found}
    worst = min(shares, key=shares.get)
    return worst, shares[worst]
    # END SOLUTION


# %%
check.worst_group(worst_group)


# %% [markdown]
# **Open question.** Which change would make the classifier fail for you? Choose one (a mirror, a darker room,
# a person upside down), apply it to `test.clips`, and measure. Say why.
#
# ## What goes wrong, and how you notice
# | what you see | what it is | what to do |
# |---|---|---|
# | loss stays at 2.3 for ten actions | it guesses: $-\log(1/10)$ | check that clips and labels were shuffled together |
# | loss falls, held-out people do not follow | it knows people and rooms, not actions | more people, augmentation |
# | 100% on clips of *known* people | the same person is in both groups | split by person, never by clip |
# | much worse in use than in training | another range or size of the pixels | ours takes 0 to 255 |
# | features of a clip and its reverse agree | frames were averaged | use neighbours, or convolutions over time |
# | right for the wrong reasons | it reads the wall | look at activation maps and nearest neighbours |
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
