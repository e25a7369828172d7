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
# About 45 minutes, of which two cores compute for one.

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

# %%
from vgcourse import evaluate, features, generate, show, video
from vgcourse.classroom import check, widgets
from vgcourse.evaluate import metrics

# %%
path_picture("generate")

# %%
ACTION = "wave1"  # what people do in most examples: wave with one arm
NUM_PEOPLE = 4  # in most examples, out of CROWD
CROWD = 40  # how many seeds we look at before we choose
MOTION = 1  # seed of a way of moving
SEED = 0  # of everything else

# %% [markdown]
# ## 1. Play first
# Here is the generator that comes with the course, with all its controls. Try three things:
# 1. Find two people who look different, and blend one into the other.
# 2. Let somebody wave, then let the same person run. In which action do arms or legs get lost?
# 3. Push two *looks* all the way to the end. What breaks first?
#
# *Speed* changes how long a frame is shown, and nothing that is in it.

# %%
generator = generate.load_generator()
actions = list(generator.action_names)
widgets.control_panel(generator)

# %% [markdown]
# The rest of this lesson shows what stands behind those controls, one by one, and how to use them from code.
# In the article that the course grew from, this is step 4, "generate new video". It has one sentence there.

# %% [markdown]
# ## 2. What goes in
# A generator takes three things: a **content code** (who), **motion noise** (how they move, some numbers for
# each frame) and an **action** (what they do).

# %%
crowd = generate.content_codes(generator, range(CROWD))
motion = generate.motion_noise(generator, [MOTION])
print("content codes of a crowd (people, numbers):", crowd.shape)
print("one way of moving:", motion.shape)
print("actions:", ", ".join(actions))

# %% [markdown]
# Codes and noise are draws from the bell curve N(0, 1). No number in them means "red shirt" or "left arm".
# They mean what the generator made of them during training.

# %%
many = generate.content_codes(generator, range(1000))
print(f"1,000 codes: mean {abs(many.mean()):.1f}, spread {many.std():.1f}")

# %% [markdown]
# ## 3. Choose who
# Draw the whole crowd, and take a few people who differ as much as possible. Begin with the one most like the
# mean of all. Then, again and again, take the one farthest from those already chosen.


# %%
def most_different(pictures, count):
    """Places of `count` pictures, each far from the others."""
    flat = pictures.reshape(len(pictures), -1).astype(float)
    from_mean = np.linalg.norm(flat - flat.mean(axis=0), axis=1)
    chosen = [int(from_mean.argmin())]
    while len(chosen) < count:
        apart = np.linalg.norm(flat[:, None] - flat[chosen], axis=2)
        chosen.append(int(apart.min(axis=1).argmax()))
    return chosen


# %%
noise = np.repeat(motion, CROWD, axis=0)
drawn = generate.make_clips(generator, crowd, noise, [ACTION] * CROWD)
middle = drawn[:, 0, 16:48, 16:48]  # clothes, skin and some wall
PEOPLE = most_different(middle, NUM_PEOPLE)
content = crowd[PEOPLE]
print("people chosen, all different:", len(set(PEOPLE)))

# %% tags=["nbval-ignore-output"]
show.show_clip(
    show.label_grid(drawn[PEOPLE], [f"person {k}" for k in PEOPLE], scale=1),
    fps=generator.fps,
    zoom=2,
    alt=f"{NUM_PEOPLE} generated people side by side wave with one arm.",
)

# %%
flat = drawn[:, 0].reshape(CROWD, -1).astype(float)
apart = np.linalg.norm(flat[:, None] - flat, axis=2)
usual = apart.sum() / (CROWD * (CROWD - 1))
among = apart[np.ix_(PEOPLE, PEOPLE)].sum() / (NUM_PEOPLE * (NUM_PEOPLE - 1))
assert among > usual
print(f"two of them differ {among / usual:.1f} times as much as two others")

# %% [markdown]
# ## 4. Choose what they do
# Keep the person and the way of moving, and change the action alone. `swap_motion` makes a table of clips: a
# row for each person, a column for each action.

# %%
asked_for = {"content_seeds": PEOPLE, "actions": actions}
matrix = generate.swap_motion(generator, **asked_for, motion_seed=MOTION)
print("(people, actions, frames, height, width, 3):", matrix.shape)

# %% tags=["nbval-ignore-output"]
looped = generate.loop_together(matrix[0])  # each ends where it began
show.show_clip(
    show.label_grid(looped[:, ::2], actions, scale=1),
    fps=generator.fps / 2,
    zoom=2,
    alt="One generated person: " + ", ".join(actions),
)

# %% [markdown]
# One person, ten actions. Do shirt, trousers and room stay the same? Are these the actions that were asked
# for? And are all the limbs there? Two networks that were trained on real clips judge all four people. The
# first names the action; guessing would be right one time in ten. The second looks for hands, knees and feet.

# %%
clips = matrix.reshape(-1, *matrix.shape[2:])
asked = np.tile(np.arange(len(actions)), NUM_PEOPLE)
named = metrics.motion_control_score(clips, asked)
limbs = evaluate.limbs_found(clips, actions * NUM_PEOPLE)
assert named > 0.6
print("the action is recognised in over 6 of 10 clips; guessing: 1 of 10")

# %% tags=["nbval-ignore-output"]
print(f"action recognised: {named:.2f}")
print("frames in which all limbs are found, real people 0.95:")
for name, share in sorted(limbs.by_action.items(), key=lambda pair: pair[1]):
    print(f"  {name:6} {share:.2f}")

# %%
assert limbs.by_action["run"] < limbs.by_action[ACTION]
print("frames with all limbs: run is 1 of those that lose more than", ACTION)

# %% [markdown]
# That is why the examples wave with one arm, and do not run. The first judge is content with a runner who
# has lost a leg. Lesson 07 is about what that means for scores.
#
# ### Exercise 1: order a table
# `make_clips` wants one person and one action per clip. Write the two lists for a table with one person a row
# and one action a column, row by row: for people `[7, 3]` and actions `["walk", "hop"]` that is
# `[7, 7, 3, 3]` and `["walk", "hop", "walk", "hop"]`. Stuck? `check.hint("table_orders")`


# %% tags=["exercise"]
def table_orders(people, actions):
    """A person's seed and an action for every clip, row by row."""
    # BEGIN SOLUTION
    seeds = [person for person in people for _ in actions]
    return seeds, list(actions) * len(people)
    # END SOLUTION


# %%
check.table_orders(table_orders)

# %% [markdown]
# ## 5. Choose how they move
# The motion seed changes how an action is done. Mostly it decides where in its cycle the clip begins; a little
# of it goes into speed and reach. Here are two of twenty ways, the two that differ most.

# %%
ways = generate.motion_noise(generator, range(20))
one_person = np.repeat(content[:1], 20, axis=0)
moved = generate.make_clips(generator, one_person, ways, [ACTION] * 20)
two = most_different(moved, 2)
print("ways of moving, frames:", moved.shape[:2])

# %% tags=["nbval-ignore-output"]
show.show_clip(
    show.label_grid(moved[two], [f"way {k}" for k in two], scale=1),
    fps=generator.fps,
    zoom=4,
    alt="One generated person waves twice, each time with other motion noise.",
)

# %%
gap = np.abs(moved[two[0]].astype(float) - moved[two[1]]).mean()
usual = np.abs(moved[:10].astype(float) - moved[10:]).mean()
assert gap > usual
print(f"they differ {gap / usual:.1f} times as much as others do")

# %% [markdown]
# ## 6. From one person to another
# A code is a point in a space of many dimensions, and every point is a person. So there are people *between*
# two people. The obvious path is the straight line. Before you take it, look where codes lie: how long is a
# code, that is, how far from the origin?
#
# $$\mathbb{E}\,\lVert z\rVert^2 = \sum_{i=1}^{d} \mathbb{E}\, z_i^2 = d$$

# %%
d = generator.content_dim
rng = np.random.default_rng(SEED)
starts, ends = rng.standard_normal((2, 10_000, d))
lengths = np.linalg.norm(starts, axis=1)
assert abs((lengths**2).mean() / d - 1) < 0.01  # the formula
low, high = np.quantile(lengths, [0.01, 0.99])
print(f"root of d: {math.sqrt(d):.1f}, mean length: {lengths.mean():.1f}")
print(f"98% of codes are {low:.1f} to {high:.1f} long")

# %% [markdown]
# So almost no code is short: codes lie in a shell around the origin. The most likely *point* is 0, but there is
# hardly any room near it. What about the middle of a straight line between two codes?
#
# $$\mathbb{E}\left\lVert \tfrac{1}{2}(a + b)\right\rVert^2 = \tfrac{1}{4}(d + d) = \tfrac{d}{2}$$

# %%
middles = (starts + ends) / 2
short = np.linalg.norm(middles, axis=1)
assert abs((short**2).mean() / (d / 2) - 1) < 0.01  # the formula
inside = np.mean(short < np.quantile(lengths, 0.05))
print(f"{inside:.0%} of the middles are shorter than 95% of all codes")

# %% [markdown]
# The line cuts through the inside of the shell, where the generator was hardly ever trained. The remedy is
# **slerp**, spherical linear interpolation: turn evenly from the direction of $a$ to that of $b$, by a share
# $t$ of the angle $\theta$ between them, and change the length evenly, too:
#
# $$\frac{\sin((1-t)\theta)}{\sin\theta}\,\frac{a}{\lVert a\rVert} +
#   \frac{\sin(t\theta)}{\sin\theta}\,\frac{b}{\lVert b\rVert}
#   \quad\text{times}\quad (1-t)\lVert a\rVert + t\lVert b\rVert$$


# %%
def slerp(start, end, num_steps):
    """Codes on the arc from `start` to `end`, both included."""
    length_a, length_b = np.linalg.norm(start), np.linalg.norm(end)
    theta = np.arccos(start @ end / (length_a * length_b))
    t = np.linspace(0, 1, num_steps)[:, None]  # a column: one row per step
    from_a = np.sin((1 - t) * theta) / np.sin(theta) * start / length_a
    from_b = np.sin(t * theta) / np.sin(theta) * end / length_b
    return (from_a + from_b) * ((1 - t) * length_a + t * length_b)


# The course has the same function, with care for codes that coincide.
theirs = generate.slerp(content[0], content[1], 5)
assert np.allclose(slerp(content[0], content[1], 5), theirs, atol=1e-5)

# %% [markdown]
# Does it do what the formula says? Take two arrows at a right angle, of lengths 3 and 1, and go a third of the
# way: 30 degrees, and a third of the way from length 3 to length 1.

# %%
third = slerp(np.array([3.0, 0.0]), np.array([0.0, 1.0]), 4)[1]
degrees = math.degrees(math.atan2(third[1], third[0]))
assert math.isclose(degrees, 30)
assert math.isclose(np.linalg.norm(third), 3 - 2 / 3)
print(f"{degrees:.0f} degrees, length {np.linalg.norm(third):.2f}")

# %% [markdown]
# Now for all pairs at once: how long are codes, the middles of lines, and the middles of arcs?

# %%
pairs = zip(starts, ends, strict=True)
arcs = np.array([slerp(a, b, 3)[1] for a, b in pairs])
figure = Figure(figsize=(7, 3), layout="constrained")
axes = figure.subplots()
groups = {
    "codes": (lengths, show.BLUE, "-"),
    "middles of lines": (short, show.VERMILION, "--"),
    "middles of arcs": (np.linalg.norm(arcs, axis=1), show.GREEN, ":"),
}
for name, (values, colour, line) in groups.items():
    counts, edges = np.histogram(values, bins=25, density=True)
    style = {"color": colour, "linestyle": line, "linewidth": 2}
    axes.plot((edges[1:] + edges[:-1]) / 2, counts, label=name, **style)
axes.set(xlabel="length of the code", ylabel="density", ylim=(0, None))
axes.legend(frameon=False)
show.figure(
    figure,
    alt="Three bell curves over the length of a code. Codes are around 5.6. "
    "Middles of arcs lie in the same place, narrower. Middles of lines are "
    "around 4, to the left of nearly all codes.",
)

# %% [markdown]
# Arcs stay in the shell; lines do not. What does the generator make of that? Above the line, below the arc,
# between the same two people. Can you see a harm?

# %%
steps = 5
line = np.linspace(content[0], content[1], steps).astype(np.float32)
arc = generate.slerp(content[0], content[1], steps)
codes = np.concatenate([line, arc])
noise = np.repeat(motion, 2 * steps, axis=0)
between = generate.make_clips(generator, codes, noise, [ACTION] * 2 * steps)
print("clips on the line and on the arc:", len(between))

# %% tags=["nbval-ignore-output"]
labels = ["line", *[""] * (steps - 1), "arc", *[""] * (steps - 1)]
show.show_clip(
    show.label_grid(between[:, ::2], labels, columns=steps, scale=1),
    fps=generator.fps / 2,
    zoom=2,
    alt="Two rows of five generated people who wave, from one person on the "
    "left to another on the right. The rows differ a little in the middle.",
)

# %% [markdown]
# Hardly. With 32 numbers the shell is thick, and the generator forgives. A crowd shows that there is something
# all the same. Short codes lie closer together than long ones, so their people should be more alike. Take 60
# people halfway between two others, on lines and on arcs, and measure how much they differ. And for those who
# want to see harm: the same 60, pushed to twice the length of a code.


# %%
def crowd_of(codes):
    """First frames of the people of these codes."""
    noise = np.repeat(motion, len(codes), axis=0)
    codes = codes.astype(np.float32)
    return generate.make_clips(generator, codes, noise, [ACTION] * len(codes))


halfway = {"lines": middles[:60], "arcs": arcs[:60]}
halfway["twice as far"] = 2 * arcs[:60]
crowds = {name: crowd_of(codes) for name, codes in halfway.items()}
variety = {name: x[:, 0].std(axis=0).mean() for name, x in crowds.items()}
found = {name: evaluate.limbs_found(x).share for name, x in crowds.items()}
print("people of each kind:", len(crowds["lines"]))

# %% tags=["nbval-ignore-output"]
for name in crowds:
    print(
        f"{name:13} people differ by {variety[name]:4.1f} grey levels, "
        f"all limbs in {found[name]:.2f} of frames"
    )

# %%
assert variety["lines"] < 0.97 * variety["arcs"]
assert found["twice as far"] < found["arcs"]
print("lines: people over 3% more alike; twice as far out: limbs are lost")

# %% [markdown]
# So with 32 numbers slerp is a courtesy: people on lines are a little more alike, and no more. Far outside the
# shell, the first limbs get lost. With more numbers it is another matter. In any dimension the middle of a line
# keeps 71% of the length, but the spread of the lengths stays about 0.7. How many spreads inside the shell is
# the middle then? StyleGAN has 512 numbers.

# %%
for dim in (32, 512):
    inward = math.sqrt(dim) * (1 - math.sqrt(0.5)) / math.sqrt(0.5)
    print(f"d = {dim}: a middle is {inward:.0f} spreads inside")

# %% [markdown]
# ### Exercise 2: repair the line
# There is another path that stays in the shell: walk the straight line, then stretch every point to the length
# that it should have, $(1-t)\lVert a\rVert + t\lVert b\rVert$. Write it. Is it the same as slerp? Decide before
# you run the check. Stuck? `check.hint("stretched_line")`


# %% tags=["exercise"]
def stretched_line(start, end, num_steps):
    """Points on the line from `start` to `end`, stretched."""
    # BEGIN SOLUTION
    t = np.linspace(0, 1, num_steps)[:, None]
    points = (1 - t) * start + t * end
    wanted = (1 - t) * np.linalg.norm(start) + t * np.linalg.norm(end)
    return points * wanted / np.linalg.norm(points, axis=1, keepdims=True)
    # END SOLUTION


# %%
check.stretched_line(stretched_line)

# %% [markdown]
# ## 7. Give people each other's motion
# Change both now. The person changes from row to row, the action from column to column.

# %% tags=["nbval-ignore-output"]
columns = ["wave1", "bend", "squat"]
table = matrix[:2, [actions.index(name) for name in columns]]
labels = [f"{person} {name}" for person in PEOPLE[:2] for name in columns]
looped = generate.loop_together(table.reshape(-1, *table.shape[2:]))
show.show_clip(
    show.label_grid(looped[:, ::2], labels, columns=3, scale=1),
    fps=generator.fps / 2,
    zoom=2,
    alt="Two generated people in rows, each in wave1, bend and squat.",
)

# %% [markdown]
# Rows keep the person, columns keep the action. That is what it means to **disentangle** content and motion. It
# follows from how the generator is built: the colours of a clip are chosen once, from the content code alone,
# and the action decides only where they go. How well does it hold? `content_features` says who is in a frame,
# whatever they do.


# %%
def person_gaps(vectors, people):
    """Mean distances between clips of one person, and of different people."""
    distances = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    same = people[:, None] == people
    other_clip = ~np.eye(len(people), dtype=bool)
    return distances[same & other_clip].mean(), distances[~same].mean()


line = np.array([[0.0], [1], [5]])  # the first two are of one person
gaps = person_gaps(line, np.array([0, 0, 1]))
assert gaps == (1, 4.5)
print("by hand 1 and 4.5; person_gaps:", *gaps)


# %% tags=["nbval-ignore-output"]
who = np.repeat(PEOPLE, len(actions))
vectors = features.content_features(clips).mean(axis=1)  # one vector a clip
within, across = person_gaps(vectors, who)
print(f"one person in two actions: {within:.2f} apart")
print(f"two people:                {across:.2f} apart")

# %%
assert within < 0.8 * across
print("one person's clips: less than 0.8 times as far apart as two people's")

# %% [markdown]
# ## 8. Cut a loop
# A clip of 1.6 seconds jumps when it starts again. `best_loop` looks for the least visible cut: frames `start`
# and `stop` that look alike *and* are followed by frames that look alike. Try it where you know the answer: a
# dot on a circle, once around in six frames.


# %%
def dot_on_a_circle(num_frames, period, size=32):
    """A white dot that goes round: uint8 (num_frames, size, size, 3)."""
    clip = np.zeros((num_frames, size, size, 3), np.uint8)
    for frame, t in zip(clip, range(num_frames), strict=True):
        angle = 2 * math.pi * t / period
        y = round(size / 2 + size / 3 * math.sin(angle))
        x = round(size / 2 + size / 3 * math.cos(angle))
        frame[y - 2 : y + 3, x - 2 : x + 3] = 255
    return clip


start, stop = generate.best_loop(dot_on_a_circle(16, period=6))
assert (stop - start) % 6 == 0
print("frames in the loop:", stop - start, "- one round has 6")

# %% [markdown]
# And in a generated clip? Halfway through a wave the arm may be where it started, but on its way down instead
# of up. One frame is not enough to judge a cut. Here is what the best cut of each length costs.

# %%
clip = drawn[PEOPLE[0]]
seams = generate.loop_seams(clip)  # [start, stop]: how much it jumps
tried = np.arange(2, len(clip) - 1)
costs = [np.diagonal(seams, length).min() for length in tried]
start, stop = generate.best_loop(clip)
# best_loop takes the best of 8 frames or more
assert math.isclose(seams[start, stop], min(costs[tried.tolist().index(8) :]))

# %%
figure = Figure(figsize=(7, 2.6), layout="constrained")
axes = figure.subplots()
axes.plot(tried, costs, color=show.BLUE, marker="o")
chosen = {"color": show.VERMILION, "marker": "s", "markersize": 10}
axes.plot(stop - start, seams[start, stop], fillstyle="none", **chosen)
axes.set(xlabel="frames in the loop", ylabel="jump at the seam")
axes.set_ylim(0, None)
show.figure(
    figure,
    alt="A line over the number of frames in a loop: how much the picture "
    "jumps at the best cut of that length. A square marks the loop that "
    "best_loop takes, the lowest of 8 frames or more.",
)

# %% [markdown]
# Left, the whole clip, which jumps when it starts again; right, the loop.

# %% tags=["nbval-ignore-output"]
times = np.arange(2 * (stop - start))
cut = start + times % (stop - start)
pair = np.stack([clip[times % len(clip)], clip[cut]])
show.show_clip(
    show.label_grid(pair, ["as it comes", "loop"], scale=1),
    fps=generator.fps,
    zoom=4,
    alt="Two moving pictures of a generated person who waves: left the whole "
    "clip, again and again; right the part of it that best_loop chose.",
)

# %%
jump = np.abs(clip[-1].astype(float) - clip[0]).mean()
smaller = np.abs(clip[stop - 1].astype(float) - clip[start]).mean()
assert smaller < jump
print(f"all {len(clip)} frames jump more than the loop does")

# %% [markdown]
# ### Exercise 3: how bad is the seam?
# When the loop `clip[start:stop]` starts again, the picture changes from its last frame to its first. Divide
# that change by the mean change between neighbouring frames within the loop (changes are mean absolute
# differences over all pixels). A perfect loop has about 1, a jump has more. Stuck? `check.hint("seam_ratio")`


# %% tags=["exercise"]
def seam_ratio(clip, start, stop):
    """Change at the seam over the mean change within; `clip` is uint8."""
    # BEGIN SOLUTION
    frames = clip[start:stop].astype(float)
    usual = np.abs(frames[1:] - frames[:-1]).mean()
    return np.abs(frames[0] - frames[-1]).mean() / usual
    # END SOLUTION


# %%
check.seam_ratio(seam_ratio)

# %% [markdown]
# ## 9. Hand it on: three formats and a tag
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
kinds = ("gif", "mp4", "webp")
paths = [Path(folder.name) / f"wave.{kind}" for kind in kinds]
large = show.enlarge(clip[start:stop], 2)  # 128x128 pixels
for path in paths:
    video.write_video(path, large, fps=generator.fps, comment=generate.COMMENT)
print("the tag:", generate.COMMENT)

# %% [markdown]
# Is the tag really in the files? Read it back. Each format keeps its comment in a place of its own.


# %%
def read_tag(path):
    """The comment in a file's metadata; empty if there is none."""
    path = Path(path)
    if path.suffix == ".mp4":
        with av.open(str(path)) as container:
            return container.metadata.get("comment", "")
    with Image.open(path) as picture:
        if path.suffix == ".webp":  # 0x010E is "ImageDescription"
            return picture.getexif().get(0x010E, "")
        return picture.info.get("comment", b"").decode()


for path in paths:
    print(f"{path.suffix:5} {read_tag(path)[:40]}")

# %% [markdown]
# How large are the files, and what did they lose? The error is the mean difference from the clip that was
# written, in grey levels of 255. Guess the order before you run it.


# %% tags=["nbval-ignore-output"]
def read_back(path):
    """The frames of a file; FFmpeg reads no moving WebP, Pillow does."""
    if path.suffix == ".mp4":
        return video.read_clip(path)
    with Image.open(path) as picture:
        frames = ImageSequence.Iterator(picture)
        return np.stack([np.asarray(frame.convert("RGB")) for frame in frames])


for path in paths:
    error = np.abs(read_back(path).astype(int) - large).mean()
    size = path.stat().st_size / 1000
    print(f"{path.suffix:5} {size:6.1f} kB, error {error:.1f} grey levels")

# %%
sizes = {path.suffix: path.stat().st_size for path in paths}
smaller = [kind for kind in (".mp4", ".webp") if sizes[kind] < sizes[".gif"]]
print(len(smaller), "are smaller than the GIF:", *smaller)

# %% [markdown]
# From the command line, `python -m vgcourse generate RUN OUT --action dance --suffix webp` writes many clips,
# all with the tag.
#
# ### Exercise 4: who forgot the tag?
# A colleague sends you a folder. Write a function that lists the names of its files, sorted, whose metadata do
# *not* say "generated", in large or small letters. Use `read_tag` from above. Stuck?
# `check.hint("untagged_files")`


# %% tags=["exercise"]
def untagged_files(folder):
    """Sorted names of the files in `folder`, a Path, without the tag."""
    # BEGIN SOLUTION
    tags = {path.name: read_tag(path).lower() for path in folder.iterdir()}
    return sorted(name for name, tag in tags.items() if "generated" not in tag)
    # END SOLUTION


# %%
check.untagged_files(untagged_files)

# %%
folder.cleanup()

# %% [markdown]
# ## 10. Say it where people can see it
# A tag in the metadata is gone as soon as somebody takes a screenshot, or a website packs the video again. You
# saw that in lesson 00. What stays is what is written in the picture:

# %% tags=["nbval-ignore-output"]
labelled = show.label_grid(clip[None, start:stop], ["generated"], scale=1)
show.show_clip(
    labelled,
    fps=generator.fps,
    zoom=4,
    alt="A generated person who waves; below stands the word: generated.",
)

# %%
strip = labelled[:, -24:].astype(int)  # below the person
assert strip.std() > 10
changed = np.abs(strip - strip[0]).max()
print("the word is in every frame; between frames it changes by", changed)

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
# For the capsule people of this course the answers are no, no and nobody. The habit is what you practise. The
# EU's AI Act (Article 50) makes parts of it a duty: machine-readable marks by those who build generators,
# disclosure of deepfakes by those who publish them.

# %% [markdown]
# ## 11. What the look sliders are
# Back to the panel. Its four *look* sliders are not the first four numbers of the code: those mean nothing in
# particular. They are the directions along which the picture changes most. The course finds them by fitting a
# linear map from 256 codes to their pixels and taking its singular vectors.

# %%
directions = widgets.content_directions(generator, 4)
assert np.allclose(directions @ directions.T, np.eye(4), atol=1e-4)
print("four directions at right angles, of length 1:", directions.shape)
shifts = np.array([-3.0, 0.0, 3.0], np.float32)
shifted = content[0] + shifts[None, :, None] * directions[:, None]
looks = crowd_of(shifted.reshape(-1, d))  # four looks, three shifts each

# %% tags=["nbval-ignore-output"]
labels = [f"look {k + 1}: {shift:+.0f}" for k in range(4) for shift in shifts]
show.show_clip(
    show.label_grid(looks[:, ::8], labels, columns=6, scale=1),
    fps=generator.fps / 8,
    zoom=2,
    alt="Two rows of six people who wave: in every three one look slider goes "
    "from -3 to 3, and colours and brightness change.",
)

# %%
ends = looks[:, 4].reshape(4, 3, *looks.shape[2:]).astype(float)
changes = np.abs(ends[:, 2] - ends[:, 0]).mean(axis=(1, 2, 3))
assert changes[0] > changes[3]
print(f"look 1 changes the picture by {changes[0]:.0f} grey levels,")
print(f"look 4 by {changes[3]:.0f}")

# %% [markdown]
# ## What goes wrong, and how you notice
# | what you see | why | what to do |
# |---|---|---|
# | the person changes colour while they move | content and motion are not quite apart, in this person more than in others | another seed; train longer; measure it (ACD, lesson 07) |
# | the same person in every clip | the generator collapsed, or you passed the same seed | measure how much people differ (section 6); lesson 08 |
# | people melt, arms come off | a fast action, or a code far outside the shell: sliders at their ends add up | another action; shorter steps; `np.linalg.norm` of the code tells |
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
