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
# # 06 · Generate
# {badge}
#
# **You have a trained generator. What can you ask it for, and how do you hand its videos on?**
#
# You will
# - choose who moves, what they do and how, each on its own;
# - walk from one person to another without leaving the region that the generator knows;
# - cut a clip into a loop, export it, and make sure that the file says that it was generated.
#
# About 40 minutes, of which two cores compute for under one.

# %% tags=["setup"]
# In Colab this installs the course; elsewhere it does nothing.
from importlib.util import find_spec

if not find_spec("vgcourse"):
    # %pip install --quiet "vgcourse @ git+{repository}@v{version}"
    print("The course is installed.")

# %%
from vgcourse.classroom.start import path_picture, quiet

quiet()

import math
import tempfile
from pathlib import Path

import av
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageSequence

from vgcourse import features, generate, show, video
from vgcourse.classroom import check, widgets
from vgcourse.evaluate import metrics
from vgcourse.show import still_picture

# %%
path_picture("generate")

# %% [markdown]
# This is step 4 of the article, "generate new video": one sentence there, a lesson here.

# %%
ACTION = "wave2"  # what people do in most examples: wave with both arms
NUM_PEOPLE = 4  # in most examples, out of CROWD
CROWD = 40  # how many seeds we look at before we choose
MOTION = 1  # seed of a way of moving
SEED = 0  # of everything else

# %% [markdown]
# ## Look at the data first
# The data of this lesson are the numbers that go in. A generator takes three things: a **content code** (who),
# **motion noise** (how they move, a few numbers per frame) and an **action** (what they do).

# %%
generator = generate.load_generator()
crowd = generate.content_codes(generator, range(CROWD))
motion = generate.motion_noise(generator, [MOTION])
print("content codes of a crowd (people, numbers):", crowd.shape)
print("one way of moving (ways, frames, numbers): ", motion.shape)
print("actions:", ", ".join(generator.action_names))

# %% [markdown]
# All of them are draws from the same bell curve, N(0, 1). No number in them means "red shirt" or "left arm":
# what they mean is what the generator made of them while it was trained.

# %%
many = generate.content_codes(generator, range(1000))
print("mean and spread of all numbers in 1,000 codes:", round(many.mean()) + 0, "and", round(many.std()))

# %% [markdown]
# ## Choose who
# Draw the whole crowd, and take a few who differ as much as possible: first the one most like the mean of
# all, then again and again the one farthest from those already chosen.


# %%
def most_different(pictures, count):
    """Places of `count` pictures, each far from the others; the first is the most ordinary one."""
    flat = pictures.reshape(len(pictures), -1).astype(float)
    chosen = [int(np.linalg.norm(flat - flat.mean(axis=0), axis=1).argmin())]
    while len(chosen) < count:
        nearest = np.linalg.norm(flat[:, None] - flat[chosen], axis=2).min(axis=1)
        chosen.append(int(nearest.argmax()))
    return chosen


# %%
noise = np.repeat(motion, CROWD, axis=0)
drawn = generate.make_clips(generator, crowd, noise, [ACTION] * CROWD)[:, 0]  # the first frames
PEOPLE = most_different(drawn[:, 16:48, 16:48], NUM_PEOPLE)  # by the middle: clothes, skin and some wall
content = crowd[PEOPLE]
print("people chosen, all different:", len(set(PEOPLE)) == NUM_PEOPLE)

# %% tags=["nbval-ignore-output"]
still_picture(
    show.label_grid(drawn[PEOPLE, None], [f"person {seed}" for seed in PEOPLE], scale=1)[0],
    alt=f"{NUM_PEOPLE} generated people side by side; they differ in their clothes and their rooms.",
)

# %%
flat = drawn.reshape(CROWD, -1).astype(float)
apart = np.linalg.norm(flat[:, None] - flat, axis=2)
among = apart[np.ix_(PEOPLE, PEOPLE)].sum() / (NUM_PEOPLE * (NUM_PEOPLE - 1))
print("they differ more than two people of the crowd do:", bool(among > apart.sum() / (CROWD * (CROWD - 1))))

# %% [markdown]
# ## Choose what they do
# Keep the person and the way of moving, change the action alone. `swap_motion` makes a table of clips: one
# person a row, one action a column. Here is one row of it.

# %%
row = generate.swap_motion(
    generator, content_seeds=PEOPLE[:1], actions=generator.action_names, motion_seed=MOTION
)[0]
print("(actions, frames, height, width, colours):", row.shape)

# %% tags=["nbval-ignore-output"]
looped = generate.loop_together(row)[:, ::2]  # each cut where its end leads back to its start
grid = show.label_grid(looped, generator.action_names, scale=1)
show.show_clip(grid, fps=generator.fps / 2, alt="One generated person: " + ", ".join(generator.action_names))

# %% [markdown]
# One person, ten actions. Do shirt, trousers and room stay the same? And are these the actions that you asked
# for? Ask a network that was trained on real clips to name them, for four people. Guessing would be right one
# time in ten.

# %%
matrix = generate.swap_motion(
    generator, content_seeds=PEOPLE, actions=generator.action_names, motion_seed=MOTION
)
clips = matrix.reshape(-1, *matrix.shape[2:])
asked = np.tile(np.arange(len(generator.action_names)), len(PEOPLE))
print("recognised in over 6 of 10 clips:", metrics.motion_control_score(clips, asked) > 0.6)

# %% [markdown]
# ## Choose how they move
# The motion seed changes how an action is done: where in its cycle it starts, how fast and how far the arms
# go. The same person and the same action in twenty ways, of which we look at two that differ:

# %%
ways = generate.motion_noise(generator, range(20))
moved = generate.make_clips(generator, np.repeat(content[:1], 20, axis=0), ways, [ACTION] * 20)
two = most_different(moved, 2)
print("ways of moving, frames:", moved.shape[:2])

# %% tags=["nbval-ignore-output"]
columns = moved[two][:, :8:2]  # every second frame of the first half, from left to right
still_picture(
    show.label_grid(columns.reshape(-1, 1, *columns.shape[2:]), columns=columns.shape[1], scale=1)[0],
    alt="Two rows of four frames: one generated person waves in both, each row with its own motion noise.",
)

# %%
gap = np.abs(moved[two[0]].astype(float) - moved[two[1]]).mean()
usual = np.abs(moved[:10].astype(float) - moved[10:]).mean()
print("they differ more than two ways usually do:", bool(gap > usual))

# %% [markdown]
# Read it down a column: the same moment, the same person. Where are the arms?

# %% [markdown]
# ## From one person to another
# A code is a point in a space of many dimensions, and every point is a person. So there are people *between*
# two people. The obvious way there is the straight line. Before you take it, look where codes live: how long
# is a code, that is, how far from the origin?
#
# $$\mathbb{E}\,\lVert z\rVert^2 = \sum_{i=1}^{d} \mathbb{E}\, z_i^2 = d$$

# %%
d = generator.content_dim
rng = np.random.default_rng(SEED)
starts, ends = rng.standard_normal((2, 10_000, d))
lengths = np.linalg.norm(starts, axis=1)
assert abs((lengths**2).mean() / d - 1) < 0.01  # the formula
print(f"d = {d}, root of d = {math.sqrt(d):.1f}, mean length = {lengths.mean():.1f}")
print(f"98% of codes are {np.quantile(lengths, 0.01):.1f} to {np.quantile(lengths, 0.99):.1f} long")

# %% [markdown]
# So almost no code is short: codes live in a shell around the origin. The most likely *point* is 0, but there
# is hardly any room near it. And the middle of a straight line between two codes?
#
# $$\mathbb{E}\left\lVert \tfrac{1}{2}(a + b)\right\rVert^2 = \tfrac{1}{4}(d + d) = \tfrac{d}{2}$$

# %%
middles = (starts + ends) / 2
short = np.linalg.norm(middles, axis=1)
assert abs((short**2).mean() / (d / 2) - 1) < 0.01  # the formula
inside = np.mean(short < np.quantile(lengths, 0.05))
print("middles of lines that are shorter than 95% of all codes, over 70%:", bool(inside > 0.7))

# %% [markdown]
# The line cuts through the inside of the shell, where the generator was hardly ever trained. The remedy is
# **slerp**, spherical linear interpolation: turn evenly from the direction of $a$ to that of $b$, by a share
# $t$ of the angle $\theta$ between them, and change the length evenly too:
#
# $$\frac{\sin((1-t)\theta)}{\sin\theta}\,\frac{a}{\lVert a\rVert} +
#   \frac{\sin(t\theta)}{\sin\theta}\,\frac{b}{\lVert b\rVert}
#   \quad\text{times}\quad (1-t)\lVert a\rVert + t\lVert b\rVert$$


# %%
def slerp(start, end, num_steps):
    """Codes on the arc from `start` to `end`, both included: (num_steps, dim)."""
    length_a, length_b = np.linalg.norm(start), np.linalg.norm(end)
    theta = np.arccos(start @ end / (length_a * length_b))
    t = np.linspace(0, 1, num_steps)[:, None]  # a column: one row per step
    from_a = np.sin((1 - t) * theta) / np.sin(theta) * start / length_a
    from_b = np.sin(t * theta) / np.sin(theta) * end / length_b
    return (from_a + from_b) * ((1 - t) * length_a + t * length_b)


# The course has the same function, with care for codes that coincide or are opposite.
assert np.allclose(slerp(content[0], content[1], 5), generate.slerp(content[0], content[1], 5), atol=1e-5)

# %% [markdown]
# Does it do what the formula says? Take two arrows at a right angle, of lengths 3 and 1, and go a third of
# the way: 30 degrees, and a third of the way from length 3 to length 1.

# %%
third = slerp(np.array([3.0, 0.0]), np.array([0.0, 1.0]), 4)[1]
degrees = math.degrees(math.atan2(third[1], third[0]))
assert math.isclose(degrees, 30)
assert math.isclose(np.linalg.norm(third), 3 - 2 / 3)
print(f"{degrees:.0f} degrees, length {np.linalg.norm(third):.2f}")

# %% [markdown]
# Now for all pairs at once: how long are codes, the middles of lines, and the middles of arcs?

# %%
arcs = np.array([slerp(a, b, 3)[1] for a, b in zip(starts, ends, strict=True)])
figure = Figure(figsize=(7, 3), layout="constrained")
axes = figure.subplots()
groups = {
    "codes": (lengths, show.BLUE, "-"),
    "middles of lines": (short, show.VERMILION, "--"),
    "middles of arcs": (np.linalg.norm(arcs, axis=1), show.GREEN, ":"),
}
for name, (values, colour, line) in groups.items():
    counts, edges = np.histogram(values, bins=25, density=True)
    axes.plot((edges[1:] + edges[:-1]) / 2, counts, color=colour, linestyle=line, linewidth=2, label=name)
axes.set(xlabel="length of the code", ylabel="density", ylim=(0, None))
axes.legend(frameon=False)
show.figure(
    figure,
    alt="Three bell curves over the length of a code. Codes are around 5.6. Middles of arcs lie in the same "
    "place, narrower. Middles of lines are around 4, to the left of nearly all codes.",
)

# %% [markdown]
# Arcs stay in the shell; lines do not. What does the generator make of that? Above the line, below the arc,
# between the same two people, one frame of each of seven steps.

# %%
steps = 7
line = np.linspace(content[0], content[1], steps).astype(np.float32)
arc = generate.slerp(content[0], content[1], steps)
codes = np.concatenate([line, arc])
between = generate.make_clips(generator, codes, np.repeat(motion, 2 * steps, axis=0), [ACTION] * 2 * steps)

# %% tags=["nbval-ignore-output"]
labels = ["line", *[""] * (steps - 1), "arc", *[""] * (steps - 1)]
still_picture(
    show.label_grid(between[:, 4:5], labels, columns=steps, scale=1)[0],  # frame 4 of every clip
    alt="Two rows of seven generated people, from one person on the left to another on the right. "
    "Both rows change step by step, and differ a little in the middle.",
)

# %% [markdown]
# Both rows start and end with the same two people. Now the middle: short codes are closer to each other than
# long ones, so their people should differ less. A single pair may hide that; a crowd does not. Take 60
# people, each halfway between two others, and measure how much they differ from one another.


# %%
def variety(codes):
    """How much the people of these codes differ: spread of the pixels over people, in grey levels."""
    noise = np.repeat(motion, len(codes), axis=0)
    people = generate.make_clips(generator, codes.astype(np.float32), noise, [ACTION] * len(codes))
    return people[:, 0].astype(float).std(axis=0).mean()


halfway = {"on lines": variety(middles[:60]), "on arcs": variety(arcs[:60])}
print("halfway on lines, people are more alike:", bool(halfway["on lines"] < 0.95 * halfway["on arcs"]))

# %% [markdown]
# `generate.interpolate` walks the arc for you. All three move alike, since they share their motion noise.

# %% tags=["nbval-ignore-output"]
walk = generate.interpolate(generator, action=ACTION, seeds=PEOPLE[:2], num_steps=3, motion_seed=MOTION)
show.show_clip(
    show.label_grid(walk[:, ::2], [f"person {PEOPLE[0]}", "halfway", f"person {PEOPLE[1]}"], scale=1),
    fps=generator.fps / 2,
    alt="Three generated people wave in step: one person, one halfway, and another person.",
)

# %% [markdown]
# ## Give people each other's motion
# Now change both. The person changes from row to row, the action from column to column: whoever walks can
# also do jumping jacks.

# %% tags=["nbval-ignore-output"]
columns = ["walk", "jack"]
table = matrix[:2, [generator.action_names.index(name) for name in columns]]
labels = [f"{seed} {name}" for seed in PEOPLE[:2] for name in columns]
looped = generate.loop_together(table.reshape(-1, *table.shape[2:]))[:, ::2]
show.show_clip(
    show.label_grid(looped, labels, columns=2, scale=1),
    fps=generator.fps / 2,
    alt="A table of moving people: two people in rows, two actions (walk, jack) in columns.",
)

# %% [markdown]
# Rows keep the person, columns keep the action. That is what it means to **disentangle** content and motion.
# It follows from how the generator is built: a content code is drawn once a clip, so it cannot carry what
# changes within one, and the action reaches the pixels through the motion codes alone. Measure it:
# `content_features` says who is in a frame, whatever they do.


# %%
def person_gaps(vectors, people):
    """Mean distance between clips of one person, and between clips of different people."""
    distances = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    same = people[:, None] == people
    different_clips = ~np.eye(len(people), dtype=bool)
    return distances[same & different_clips].mean(), distances[~same].mean()


who = np.repeat(PEOPLE, len(generator.action_names))
vectors = features.content_features(clips).mean(axis=1)  # one vector a clip
within, across = person_gaps(vectors, who)
print("one person's clips lie closer together than different people's:", bool(within < 0.8 * across))

# %% [markdown]
# ## Cut a loop
# A clip of 1.6 seconds jumps when it starts again. `best_loop` looks for the least visible cut: frames
# `start` and `stop` that look alike *and* are followed by frames that look alike. Try it where you know the
# answer: a dot on a circle, once around in six frames.


# %%
def dot_on_a_circle(num_frames, period, size=32):
    """A white dot that goes round: uint8 (num_frames, size, size, 3)."""
    clip = np.zeros((num_frames, size, size, 3), np.uint8)
    for frame, t in zip(clip, range(num_frames), strict=True):
        angle = 2 * math.pi * t / period
        y, x = (round(size / 2 + size / 3 * f(angle)) for f in (math.sin, math.cos))
        frame[y - 2 : y + 3, x - 2 : x + 3] = 255
    return clip


start, stop = generate.best_loop(dot_on_a_circle(16, period=6))
print("frames in the loop, whole rounds of 6:", stop - start, (stop - start) % 6 == 0)

# %% [markdown]
# And in a generated clip? Halfway through a wave the arms may be where they started, but on their way down
# instead of up. That is why one frame is not enough to judge a cut. Here is what the best cut of each length
# costs.

# %%
clip = generate.make_clips(generator, content[:1], motion, [ACTION])[0]
seams = generate.loop_seams(clip)  # [start, stop]: how much the picture jumps
lengths_tried = np.arange(2, len(clip) - 1)
costs = [np.diagonal(seams, length).min() for length in lengths_tried]
start, stop = generate.best_loop(clip)
assert math.isclose(seams[start, stop], min(costs[lengths_tried.tolist().index(8) :]))  # from 8 frames on

# %%
figure = Figure(figsize=(7, 2.6), layout="constrained")
axes = figure.subplots()
axes.plot(lengths_tried, costs, color=show.BLUE, marker="o")
axes.plot(stop - start, seams[start, stop], color=show.VERMILION, marker="s", markersize=10, fillstyle="none")
axes.set(xlabel="frames in the loop", ylabel="jump at the seam", ylim=(0, None))
show.figure(
    figure,
    alt="A line over the number of frames in a loop: how much the picture jumps at the best cut of that "
    "length. A square marks the loop that best_loop takes, the lowest of 8 frames or more.",
)

# %% [markdown]
# Left, the whole clip, which jumps when it starts again; right, the loop. Both are shown for the same number
# of frames.

# %% tags=["nbval-ignore-output"]
times = np.arange(2 * (stop - start))
pair = np.stack([clip[times % len(clip)], clip[start + times % (stop - start)]])[:, ::2]
show.show_clip(
    show.label_grid(pair, ["as it comes", "loop"], scale=1),
    fps=generator.fps / 2,
    alt="Two moving pictures of a generated person who waves: left the whole clip, again and again; "
    "right the part of it that best_loop chose.",
)

# %% [markdown]
# ## Hand it on: three formats and a tag
# | format | plays in | keep in mind |
# |---|---|---|
# | GIF | everything, loops by itself | 256 colours; times in 1/100 s; large files |
# | MP4 (H.264) | every player and phone | small; needs even width and height; does not loop by itself |
# | WebP | every browser, loops by itself | true colours, small; few editors open it |
#
# All three can carry a comment in their metadata. The course's exports say there that the file was generated.
# Leave it in.

# %%
folder = tempfile.TemporaryDirectory()
paths = [Path(folder.name) / f"wave.{kind}" for kind in ("gif", "mp4", "webp")]
large = show.enlarge(clip[start:stop], 2)  # 128x128 pixels
for path in paths:
    video.write_video(path, large, fps=generator.fps, comment=generate.COMMENT)
print("the tag:", generate.COMMENT)

# %% [markdown]
# Do not believe it, read it back. Each format keeps its comment in a place of its own.


# %%
def read_tag(path):
    """The comment in a file's metadata; empty if there is none."""
    path = Path(path)
    if path.suffix == ".mp4":
        with av.open(str(path)) as container:
            return container.metadata.get("comment", "")
    with Image.open(path) as picture:
        if path.suffix == ".webp":
            return picture.getexif().get(0x010E, "")  # the number of "ImageDescription"
        return picture.info.get("comment", b"").decode()


for path in paths:
    print(f"{path.suffix:5} says that it was generated:", "generated" in read_tag(path))

# %% [markdown]
# What do they weigh, and what do they lose? The error is the mean difference from the clip that was written,
# in grey levels of 255.


# %% tags=["nbval-ignore-output"]
def read_back(path):
    """The frames of a file; FFmpeg reads no moving WebP, Pillow does."""
    if path.suffix == ".mp4":
        return video.read_clip(path)
    with Image.open(path) as picture:
        return np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)])


for path in paths:
    error = np.abs(read_back(path).astype(int) - large).mean()
    print(f"{path.suffix:5} {path.stat().st_size / 1000:6.1f} kB, error {error:.1f} grey levels")

# %%
sizes = {path.suffix: path.stat().st_size for path in paths}
print("smaller than the GIF:", [kind for kind in (".mp4", ".webp") if sizes[kind] < sizes[".gif"]])

# %% [markdown]
# From the command line: `python -m vgcourse generate RUN OUT --action dance --suffix webp` writes many clips,
# all with the tag.
#
# ### Say it where one can see it
# A tag in the metadata is gone as soon as somebody takes a screenshot, or a website packs the video again.
# You saw that in lesson 00. What stays is what stands in the picture:

# %% tags=["nbval-ignore-output"]
labelled = show.label_grid(clip[None, start:stop], ["generated"], scale=2)
still_picture(
    labelled[0],
    alt="A frame of a generated person who waves; below the picture stands the word: generated.",
)

# %%
strip = labelled[:, -24:].astype(int)  # below the person
print("the same word stands in every frame:", bool((strip == strip[0]).all() and strip.std() > 10))

# %% [markdown]
# Which of the two should you use? Both: they serve different readers.
#
# | disclosure | read by | survives | does not stop |
# |---|---|---|---|
# | tag in the metadata | programs, archives, search engines | copying the file | re-encoding, screenshots |
# | word in the picture | people | re-encoding, screenshots | cropping, painting over |
# | signed provenance ([C2PA](https://c2pa.org)) | programs, with proof of who signed | copying; a change is noticed | stripping it off |
# | watermark in the pixels | its maker's detector | some re-encoding | an attacker with patience |
#
# None of them helps if the video should not exist. Before you hand on a generated video of a person, ask:
# 1. **Could it be taken for a real person?** If yes: did that person agree to *this*?
# 2. **Could it be taken for a real event?** If yes: say in the picture that it is not.
# 3. **Who could be hurt, and can I take it back?** What is on the web stays there.
#
# For the capsule people of this course the answers are no, no and nobody. The habit is what you practise.
# The EU's AI Act (Article 50) makes parts of it a duty: machine-readable marks by those who build generators,
# disclosure of deepfakes by those who publish them.

# %% [markdown]
# ## Your control panel
# All handles in one place. The four `look` sliders are not the first four numbers of the code: those mean
# nothing in particular. They are the directions along which the picture changes most, found by fitting a
# linear map from 256 codes to their pixels and taking its singular vectors.

# %%
directions = widgets.content_directions(generator, 4)
assert np.allclose(directions @ directions.T, np.eye(4), atol=1e-4)  # at right angles, of length 1
print("four directions at right angles, of length 1:", directions.shape)
shifts = np.array([-3.0, 0.0, 3.0], np.float32)
shifted = content[0] + shifts[None, :, None] * directions[:, None]  # (4 looks, 3 shifts, d)
codes = shifted.reshape(-1, d)
looks = generate.make_clips(generator, codes, np.repeat(motion, len(codes), axis=0), [ACTION] * len(codes))

# %% tags=["nbval-ignore-output"]
labels = [f"look {k + 1}: {shift:+.1f}" for k in range(4) for shift in shifts]
still_picture(
    show.label_grid(looks[:, 4:5], labels, columns=3, scale=1)[0],
    alt="Four rows of three people: along each row one look slider goes from -3 to 3. "
    "What changes is the look, such as colours and brightness; all do the same action at the same moment.",
)

# %%
ends = looks[:, 4].reshape(4, 3, *looks.shape[2:]).astype(float)
changes = np.abs(ends[:, 2] - ends[:, 0]).mean(axis=(1, 2, 3))
print("look 1 changes the picture more than look 4:", bool(changes[0] > changes[3]))

# %% [markdown]
# Drag them. *Blend* goes from one person to the other on the arc. *Speed* changes how long a frame is shown,
# not what is in it. Then push two looks to the end at once, and watch what happens far outside the shell.

# %%
widgets.control_panel(generator)

# %% [markdown]
# ## Exercises
# ### Exercise 1: order a table
# `make_clips` wants one person and one action per clip. Write the two lists for a table with one person a row
# and one action a column, row by row: for people `[7, 3]` and actions `["walk", "hop"]` that is
# `[7, 7, 3, 3]` and `["walk", "hop", "walk", "hop"]`. Stuck? `check.hint("table_orders")`


# %% tags=["exercise"]
def table_orders(people, actions):
    """Two lists, a person's seed and an action for every clip of the table, row by row."""
    # BEGIN SOLUTION
    seeds = [person for person in people for _ in actions]
    return seeds, list(actions) * len(people)
    # END SOLUTION


# %%
check.table_orders(table_orders)

# %% [markdown]
# ### Exercise 2: repair the line
# There is another way to stay in the shell: walk the straight line, then stretch every point to the length
# that it should have, $(1-t)\lVert a\rVert + t\lVert b\rVert$. Write it. (The result of the check says
# whether that is the same as slerp. What do you expect?) Stuck? `check.hint("stretched_line")`


# %% tags=["exercise"]
def stretched_line(start, end, num_steps):
    """Points on the line from `start` to `end`, both included, stretched: (num_steps, dim)."""
    # BEGIN SOLUTION
    t = np.linspace(0, 1, num_steps)[:, None]
    points = (1 - t) * start + t * end
    wanted = (1 - t) * np.linalg.norm(start) + t * np.linalg.norm(end)
    return points * wanted / np.linalg.norm(points, axis=1, keepdims=True)
    # END SOLUTION


# %%
check.stretched_line(stretched_line)

# %% [markdown]
# ### Exercise 3: how bad is the seam?
# When the loop `clip[start:stop]` starts again, the picture changes from its last frame to its first. Divide
# that change by the mean change between neighbouring frames within the loop (changes are mean absolute
# differences over all pixels). A perfect loop has about 1, a jump has more. Stuck? `check.hint("seam_ratio")`


# %% tags=["exercise"]
def seam_ratio(clip, start, stop):
    """Change at the seam of the loop `clip[start:stop]`, over the mean change within it; clip is uint8."""
    # BEGIN SOLUTION
    frames = clip[start:stop].astype(float)
    usual = np.abs(frames[1:] - frames[:-1]).mean()
    return np.abs(frames[0] - frames[-1]).mean() / usual
    # END SOLUTION


# %%
check.seam_ratio(seam_ratio)

# %% [markdown]
# ### Exercise 4: who forgot the tag?
# A colleague sends you a folder. Write a function that lists the names of its files, sorted, whose metadata do
# *not* say "generated", in large or small letters. Use `read_tag` from above. Stuck?
# `check.hint("untagged_files")`


# %% tags=["exercise"]
def untagged_files(folder):
    """Sorted names of the files in `folder`, a Path, that do not say that they were generated."""
    # BEGIN SOLUTION
    return sorted(path.name for path in folder.iterdir() if "generated" not in read_tag(path).lower())
    # END SOLUTION


# %%
check.untagged_files(untagged_files)

# %%
folder.cleanup()

# %% [markdown]
# ## What goes wrong, and how you notice
# | what you see | why | what to do |
# |---|---|---|
# | the person changes colour while they move | content and motion are not quite apart, in this person more than in others | another seed; train longer; measure it (ACD, lesson 07) |
# | the same person in every clip | the generator collapsed, or you passed the same seed | look at `variety`; lesson 08 |
# | people melt, arms come off | a code far outside the shell: sliders at their ends add up | shorter steps; `np.linalg.norm` of the code tells |
# | an interpolation jumps in the middle | two codes point in nearly opposite directions | walk through a third person |
# | the loop stutters | frame `stop` is shown too, though it looks like frame `start` | `clip[start:stop]`, without `stop` |
# | bands of colour in the GIF | 256 colours for all frames | WebP or MP4 |
# | the MP4 has a doubled last row or column | H.264 needs even sizes, so one was added | even sizes |
#
# ## You have
# - chosen who moves, what they do and how, each on its own;
# - walked from one person to another without leaving the region that the generator knows;
# - cut a clip into a loop, exported it, and made sure that the file says that it was generated.
#
# ## References
# - Ken Shoemake 1985, [Animating rotation with quaternion curves](https://doi.org/10.1145/325334.325242):
#   slerp.
# - Tom White 2016, [Sampling generative networks](https://arxiv.org/abs/1609.04468): slerp for latents.
# - Sergey Tulyakov et al. 2018, [MoCoGAN](https://arxiv.org/abs/1707.04993): content and motion apart.
# - Erik Härkönen et al. 2020, [GANSpace](https://arxiv.org/abs/2004.02546): sliders from principal directions.
# - [C2PA](https://c2pa.org): signed provenance of media.
#
# Next: [07 · Evaluate](07_evaluate.ipynb)
