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
# # 01 · From a file to a tensor
# {badge}
#
# **You have video files. How do they become numbers that a network can learn from?**
#
# You will
# - open real camera clips and see what codec, frame rate, cuts and shape of the picture do to a model;
# - crop, scale, rotate and check clips, and write frame sampling and antialiased scaling yourself;
# - build a pipeline that keeps a GPU fed, and know what you owe to the people in your videos.
#
# About 50 minutes, of which two cores compute for under one.

# %% tags=["setup"]
# In Colab this installs the course; elsewhere it does nothing.
from importlib.util import find_spec

if not find_spec("vgcourse"):
    # %pip install --quiet "vgcourse @ git+{repository}@v{version}"
    print("The course is installed.")

# %%
from vgcourse.classroom.start import path_picture, quiet

quiet()

import tempfile
import time
from collections import Counter
from pathlib import Path

import av
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from vgcourse import datasets, preprocess, show, video
from vgcourse.classroom import check, widgets
from vgcourse.evaluate import metrics

# %%
DATA = datasets.data_folder()
NAMES = ("cup", "city", "plant")  # the three camera clips
SIZE = 64  # height and width that the model sees, in pixels
NUM_FRAMES = 16  # frames in a clip of the model
FPS = 10  # frames per second of a clip of the model
BATCH = 16  # clips in a batch
SEED = 0  # of every random choice
paths = {name: DATA / "real" / f"{name}.mp4" for name in NAMES}
walk_path = DATA / "actions" / "walk" / "walk_003.mp4"
jack_path = DATA / "actions" / "jack" / "jack_003.mp4"


# %%
def written(clip, crf):
    """A clip as a file gives it back, and the kilobytes of the file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clip.mp4"
        video.write_video(file, clip, fps=25, crf=crf)
        return video.read_clip(file), file.stat().st_size / 1000


# %%
def square(clip):
    """The middle of a clip as the model sees it: 64x64; eight frames."""
    side = min(clip.shape[1:3])
    middle = preprocess.center_crop(clip[:8], side, side)
    return preprocess.resize(middle, SIZE, SIZE)


# %%
walk = video.read_clip(walk_path, fps=FPS)
jack = video.read_clip(jack_path)  # at its 25 frames a second
city = video.read_clip(paths["city"])
phone = preprocess.center_crop(walk, 96, 54)  # an upright film


# %%
def shaking(clip, side=80):
    """Cropped anew in every frame."""
    boxes = []
    for t in range(len(clip)):
        frame = clip[t : t + 1]
        boxes.append(preprocess.random_crop(frame, side, side, seed=t))
    return np.concatenate(boxes)


# %% [markdown]
# ## 1. Six ruined clips
# Each of these six was ruined by **one** careless line on its way from a file to the model. The files were
# fine. **What is wrong with each? Write down six words before you go on.**

# %%
nearest_city = city[:8, 5::10, 5::10][:, :, 14:50]
around_cut = preprocess.find_cuts(preprocess.resize(city, 36, 64))[0]
ruined = [
    preprocess.resize(phone[:8], SIZE, SIZE),
    square(video.read_clip(walk_path, fps=4, num_frames=4)).repeat(2, axis=0),
    square(city[around_cut - 4 : around_cut + 4]),
    preprocess.resize(nearest_city, SIZE, SIZE),
    square(written(jack, 51)[0][::2]),
    square(shaking(walk)),
]


# %%
alt = "Six: A is too wide, B skips, C jumps, D glitters, E smears, F shakes."
six = show.label_grid(np.stack(ruined), list("ABCDEF"), columns=3, scale=1)
show.show_clip(six, fps=FPS, zoom=2, alt=alt)


# %% [markdown]
# A is too wide, B hops from pose to pose, C jumps into another street, D glitters, E loses its arms, F shakes.
# A network that trains on them learns exactly that. Sections 3 to 8 take them one at a time: what did it, how
# do you measure it, what is the right line? This is step 1 of the article (see [lesson 00](00_start_here.ipynb)):
# collect videos, "crop, scale, rotate, ensure their quality".

# %%
path_picture("preprocess")


# %% [markdown]
# ## 2. What is in a file
# Three clips from real cameras: a hand turns a cup; a time-lapse of a city; a plant, filmed by hand.


# %%
def side_by_side(frames, alt, *, inches=2.1):
    """Frames beside each other, each under its name."""
    size = (inches * len(frames), inches)
    figure = Figure(figsize=size, layout="constrained")
    places = figure.subplots(1, len(frames))
    for axes, (name, frame) in zip(places, frames.items(), strict=True):
        axes.imshow(frame, interpolation="nearest")
        axes.set_title(name, fontsize=9)
        axes.axis("off")
    return show.figure(figure, alt=alt)


# %%
firsts = {n: video.read_clip(p, num_frames=1)[0] for n, p in paths.items()}
alt = "A hand holds a black cup; buildings at night; a plant at a window."
side_by_side(firsts, alt, inches=1.4)


# %% [markdown]
# `probe` says what is in a file without reading all of it:

# %%
print("        size      fps  frames  seconds  codec  turned  sound")
for name, path in paths.items():
    i = video.probe(path)
    size = f"{i.width}x{i.height} {i.fps:7.2f} {i.num_frames:5}"
    rest = f"{i.duration:8.2f} {i.codec:>8} {i.rotation:5}°"
    print(f"{name:6} {size} {rest} {'yes' if i.has_audio else 'no':>6}")


# %% [markdown]
# Three sizes, three frame rates, one with sound. A network wants *one* size and *one* rate. *Turned* is a note of
# phones: they store upright films lying down and write "turn me". Who ignores it trains on people lying down.
#
# ## 3. E: squeezed too hard
# A raw pixel takes three bytes. How much smaller is the file?

# %%
for name, path in paths.items():
    i = video.probe(path)
    raw = i.width * i.height * 3 * i.num_frames
    times = round(raw / path.stat().st_size)
    print(f"{name:6} raw {raw / 1e6:4.0f} MB, {times:3} times the file")


# %% [markdown]
# This works because each frame resembles the one before. A **codec**, the method of compression, stores a whole
# picture now and then (an **I** frame), and in between only what moved (**P** from the past, **B** from past and
# future).

# %%
kinds = Counter()
with av.open(str(paths["city"])) as container:
    for frame in container.decode(video=0):
        kinds[av.video.frame.PictureType(frame.pict_type).name] += 1
print("frames of city.mp4 by kind:", dict(sorted(kinds.items())))


# %% [markdown]
# Only two whole pictures among 190 frames. To show frame 100, a player must decode all frames since the last
# whole one. That is why random access into video is slow, and why this lesson ends with a cache.
#
# H.264 has a knob, the constant rate factor (crf): 18 looks like the original, 51 is the worst. At which
# setting do you first see a difference? And what goes first, the picture or the movement?

# %%
squeezed, kilobytes = {"original": jack}, {}
for crf in (18, 35, 45, 51):
    squeezed[f"crf {crf}"], kilobytes[f"crf {crf}"] = written(jack, crf)
worst = {name: squeezed[name] for name in ("original", "crf 51")}
clips = [preprocess.center_crop(c[:25:3], 80, 80) for c in worst.values()]
grid = show.label_grid(np.stack(clips), list(worst), scale=2)
alt = "A jumping jack twice: the original, and smeared."
show.show_clip(grid, fps=25 / 3, alt=alt)


# %% tags=["nbval-ignore-output"]
motion = metrics.motion_energy(jack[None])
print(f"original:         off by  0.0 grey levels, motion energy {motion:.1f}")
for name, size in kilobytes.items():
    clip = squeezed[name]
    error = np.abs(clip.astype(int) - jack).mean()
    left = metrics.motion_energy(clip[None])
    row = f"off by {error:4.1f} grey levels, motion energy {left:.1f}"
    print(f"{name}: {size:5.1f} kB, {row}")


# %%
left = metrics.motion_energy(squeezed["crf 51"][None]) / motion
assert sorted(kilobytes.values(), reverse=True) == list(kilobytes.values())
assert left < 0.5
print("at crf 51 less than 50% of the motion is left")


# %% [markdown]
# Not only sharpness is lost, motion is lost, too: the codec saves bits by saying "as before". A GAN trained on
# such files learns blocks and frozen limbs. Collect the best quality that you can get.
#
# ## 4. B: what is a second?
# Take the same walk at three rates, five frames each. How long does each row last?

# %%
rates = (25, 10, 5)
five = {"num_frames": 5, "size": 64}
rows = [video.read_clip(walk_path, fps=fps, **five) for fps in rates]
alt = "A walk at 25 frames a second: a fifth of a stride; at 10; at 5:"
labels = [f"{fps} fps" for fps in rates]
show.show_sheet(np.stack(rows), labels, every=1, alt=f"{alt} a whole one.")


# %%
for fps in rates:
    clip = video.read_clip(walk_path, fps=fps)
    change = metrics.motion_energy(clip[None])
    lasts = f"5 frames last {5 / fps:.2f} s"
    print(f"{fps:2} fps: {lasts}, {change:4.1f} grey levels a frame")


# %% [markdown]
# Top: a fifth of a second, and neighbours are almost equal. Bottom: a whole stride, and between two frames a leg
# is somewhere else. Mix clips of 30 and of 10 fps without care, and some people move three times as fast as
# others. The course takes 10 frames a second: 1.6 s in 16 frames, enough to tell every action in the data.
#
# ### By the clock, not by the count
# "Every third frame" makes 10 fps out of 30, but `cup.mp4` has 26.777. So ask instead: which frame is **on show**
# at 0.0, 0.1, 0.2, ... seconds? It is the newest one whose timestamp is not later. The file holds the
# timestamps:

# %%
with av.open(str(paths["cup"])) as container:
    stream = container.streams.video[0]
    shown = [float(f.pts * stream.time_base) for f in container.decode(stream)]
timestamps = np.array(shown)
print("first timestamps in seconds:", timestamps[:5].round(3).tolist())


# %% [markdown]
# ### Exercise 1: the frame on show
# Write `frames_on_show`: for the moments 0, 1/fps, 2/fps, ... before `duration`, return the index of the frame on
# show. `timestamps` are in seconds and rise from 0. (`check.hint("frames_on_show")`)


# %% tags=["exercise"]
def frames_on_show(timestamps, fps, duration):
    """Index of the frame on show at 0, 1 / fps, 2 / fps, ... seconds."""
    # BEGIN SOLUTION
    # A little more than the moment itself, as 0.1 + 0.2 is not quite 0.3.
    times = np.arange(0, duration, 1 / fps) + 1e-6
    return np.searchsorted(timestamps, times, side="right") - 1
    # END SOLUTION


# %%
check.frames_on_show(frames_on_show)


# %% [markdown]
# The course's `read_clip` does it while it decodes. Which frames does it take?


# %%
def taken(fps):
    """Which frames of the cup `read_clip` gives at a rate."""
    clip = video.read_clip(paths["cup"], fps=fps, size=(120, 160))
    place = {frame.tobytes(): k for k, frame in enumerate(cup)}
    return np.array([place[frame.tobytes()] for frame in clip])


# %%
cup = video.read_clip(paths["cup"], size=(120, 160))
at_10, at_30 = taken(10), taken(30)
twice = int((np.diff(at_30) == 0).sum())
print("at 10 fps it takes", at_10[:12].tolist())
print(f"at 30 fps it takes {twice} of {len(at_30)} frames twice in a row")


# %% [markdown]
# Down to 10 fps, steps of 2 and of 3 take turns, and on average they are right. Up to 30 fps does not work:
# nobody filmed those frames. A model trained on them learns to stutter, about three times a second. Choose a
# rate *below* that of all your videos.
#
# ## 5. C: where the world jumps
# How much does `city.mp4` change from each frame to the next?

# %%
small = preprocess.resize(city, 36, 64)
changes = np.abs(np.diff(small.astype(int), axis=0)).mean(axis=(1, 2, 3))
figure = Figure(figsize=(7, 2.2), layout="constrained")
axes = figure.subplots()
axes.plot(np.arange(1, len(city)), changes, color=show.BLUE)
axes.set(xlabel="frame", ylabel="change (grey levels)")
peak = int(changes.argmax())
alt = f"The change is {np.median(changes):.1f} grey levels mostly, with a peak"
show.figure(figure, f"{alt} of {changes[peak]:.0f} at frame {peak + 1}.")


# %%
cuts = preprocess.find_cuts(small)
print("a new shot begins at frame", cuts)


# %% [markdown]
# A hard cut. To you it is another camera; to a model that knows no cameras, a house turned into another house
# in 1/25 s. A generator that sees such clips learns to jump.
#
# ### Exercise 2: never across a cut
# Write `shot_windows`: where can clips of `length` frames start in a video, one right after the other, so that
# none runs across a cut? A cut is the number of the first frame of a new shot, as `find_cuts` returns it. In
# every shot, start at its first frame. With 20 frames, a cut at 8 and length 4: `[0, 4, 8, 12, 16]`.
# (`check.hint("shot_windows")`)


# %% tags=["exercise"]
def shot_windows(num_frames, cuts, length):
    """First frames of all clips of `length` frames within one shot."""
    # BEGIN SOLUTION
    edges = [0, *cuts, num_frames]
    starts = []
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        starts.extend(range(begin, end - length + 1, length))
    return starts
    # END SOLUTION


# %%
check.shot_windows(shot_windows)


# %% [markdown]
# `clips_from_folder` looks for cuts by itself and takes no clip across one. Give it the whole folder:

# %%
options = {"size": SIZE, "num_frames": NUM_FRAMES, "fps": FPS}
clips, report = datasets.clips_from_folder(DATA / "real", **options)
for row in report:
    print(f"{row.file}: {row.status}, {row.clips} clips")
across = sum(len(preprocess.find_cuts(clip)) for clip in clips.clips)
print(f"cuts inside the {clips.num_clips} clips: {across}")


# %% [markdown]
# `plant.mp4` lasts 1.2 s, too short for 16 frames at 10 fps, and the report says so. Files are never dropped in
# silence. (A time-lapse is a trap of its own: nothing in the file says that this second was an hour.)
#
# ## 6. A: wide, tall, square
# The model takes squares. A film from a phone held upright is 9 by 16. There are three ways to a square. Which
# of them would you choose?

# %%
stretched = preprocess.resize(phone, SIZE, SIZE)
cropped = preprocess.resize(preprocess.center_crop(phone, 54, 54), SIZE, SIZE)
bars = ((0, 0), (0, 0), (14, 14), (0, 0))
padded = np.pad(preprocess.resize(phone, SIZE, 36), bars)
ways = {"stretched": stretched, "cropped": cropped, "padded": padded}
alt = "A walk: stretched and fat; cropped, without feet; between black bars."
grid = np.stack(list(ways.values()))[:, :10]  # two steps
show.show_grid(grid, labels=list(ways), fps=FPS, alt=alt)


# %% [markdown]
# **Stretched**: everybody is 1.8 times too wide. A model that sees both kinds of films learns that people come in
# two widths. **Cropped**: true shapes, but the feet and half of the head are gone. **Padded**: all there, in shape,
# and black bars to learn. Each way has its price. `read_clip(size=...)` and `clips_from_folder` *cover and crop*:
# right when what matters is in the middle. If heads are lost, film from farther away.
#
# ## 7. D: throw pixels away properly
# From 640x360 to 64x36, a hundred pixels become one. The quick way keeps every tenth pixel in each direction
# (**nearest**). A camera with fewer pixels would do something else: each of its pixels gathers the light of a
# 10x10 block.

# %%
large = city[:12]  # (12, 360, 640, 3)
nearest = large[:, 5::10, 5::10]
smooth = preprocess.resize(large, 36, 64)  # antialiased
camera = large.reshape(12, 36, 10, 64, 10, 3).mean(axis=(2, 4))
three = {"nearest": nearest, "antialiased": smooth}
three["camera"] = camera.astype(np.uint8)
grid = np.stack(list(three.values()))[:2, :8]
grid = show.label_grid(grid, list(three)[:2], scale=1)
alt = "A tower at night: nearest glitters, antialiased is calm."
show.show_clip(grid, fps=FPS, zoom=3, alt=alt)


# %% [markdown]
# On the left are patterns that were in no picture: **aliasing**. And they glitter, since a window hit by the grid
# in this frame is missed in the next. A video model takes glitter for motion. How much of it?

# %%
print("             off the camera's   motion energy")
found = {}
for name, clip in three.items():
    error = np.abs(clip - camera).mean()
    found[name] = error, metrics.motion_energy(clip[None])
    print(f"{name:12} {error:16.1f} {found[name][1]:15.1f}")
assert found["nearest"][0] > 3 * found["antialiased"][0]
assert found["nearest"][1] > 3 * found["antialiased"][1]


# %% [markdown]
# ### Exercise 3: the resize
# Antialiasing is a weighted mean. When $s$ old pixels fall on a new one, new pixel $i$ has its centre at $c_i =
# (i + \tfrac12) s - \tfrac12$ in old coordinates. Old pixel $j$ counts for it with the weight of a triangle that
# is $s$ wide to each side, and the weights of each new pixel add up to 1:
#
# $$w_{ij} = \frac{\max(0,\; 1 - |j - c_i| / s)}{\sum_k \max(0,\; 1 - |k - c_i| / s)}$$
#
# Write `triangle_weights(old, new)`: the array $w$, one row for each new pixel. When enlarging, $s < 1$, the
# triangle stays 1 wide (the centres keep $s$). (`check.hint("triangle_weights")`)


# %% tags=["exercise"]
def triangle_weights(old, new):
    """(new, old): share of every old pixel in every new one."""
    # BEGIN SOLUTION
    scale = old / new
    centres = (np.arange(new) + 0.5) * scale - 0.5
    distances = np.abs(np.arange(old) - centres[:, None])
    weights = np.maximum(0, 1 - distances / max(scale, 1))
    return weights / weights.sum(axis=1, keepdims=True)
    # END SOLUTION


# %%
check.triangle_weights(triangle_weights)


# %% [markdown]
# With it a frame is scaled by two matrix products, one for the rows and one for the columns:
# `np.einsum("ih,hwc,jw->ijc", rows, frame, columns)`. Try it on `large[0]` and compare with `preprocess.resize`.
#
# ## 8. F: crop and rotate
# Training may crop at **random**, to make more of few videos. One rule: the box stands still for the whole clip. If
# it jumps from frame to frame, you have made an earthquake:

# %%
still = preprocess.random_crop(walk, 80, 80, seed=SEED)
versions = {"not cropped": walk, "one box": still}
versions["a box a frame"] = shaking(walk)
sizes = {}
for name, clip in versions.items():
    sizes[name] = metrics.motion_energy(clip[None])
    print(f"{name:14} motion energy {sizes[name]:5.1f}")
assert sizes["a box a frame"] > 2 * sizes["not cropped"] > sizes["one box"]


# %% [markdown]
# `plant.mp4` was filmed by hand, and the camera tips over. A late frame can be turned upright. But the corners
# have no pixels to come from: the edge is smeared into them. So crop inside. **Your turn: turn moment 25 upright,
# and find the largest box without a smeared corner.**

# %%
plant = video.read_clip(paths["plant"])
half = preprocess.resize(plant, 120, 160)  # quicker to turn


# %%
def draw(degrees, side, moment):
    """A frame of plant.mp4, turned, cropped and scaled for the model."""
    frame = half[moment : moment + 1]
    turned = preprocess.rotate(frame, degrees)
    box = preprocess.center_crop(turned, side, side)
    small = preprocess.resize(box, SIZE, SIZE)
    labels = [f"frame {moment}, {degrees} degrees, box {side}"]
    sheet = show.label_grid(small[None], labels, scale=5)[0]
    alt = f"Frame {moment}, turned by {degrees} degrees, a box of {side}."
    return show.still_picture(sheet, alt)


# %%
draw(0, 120, 25)


# %%
widgets.explore(
    draw,
    degrees=(-45, 45, 0),
    side=(16, 120, 120),
    moment=(0, len(plant) - 1, 25),
)


# %% [markdown]
# About -17 degrees and a box of 85 pixels will do (of 120): half of the picture is given up for an upright plant.
#
# ## 9. What is white?
# Files hold whole numbers from 0 to 255: the **stored range**. Networks like small numbers around 0, and the
# generator ends in tanh, which gives -1 to 1: the **model range**. With $x$ stored and $y$ for the model,
#
# $$y = \frac{x}{127.5} - 1, \qquad x = \mathrm{round}\big(127.5\,(y + 1)\big)$$
#
# Convert in one place only. What happens if you do it twice?

# %%
x = np.arange(256, dtype=np.uint8)
y = preprocess.to_model_range(x)
assert np.allclose(y, x / 127.5 - 1, atol=1e-6)
assert np.array_equal(preprocess.to_uint8(y), x)  # all 256 values come back
again = y / 127.5 - 1
print("stored        0, 51, 255")
print("model range ", y[[0, 51, 255]].round(2))
print("once more   ", again[[0, 51, 255]].round(2))


# %%
try:
    preprocess.to_model_range(y)
except ValueError as error:
    print("the course's function refuses:", error)


# %% [markdown]
# After the second conversion all is near -1, black. Nothing complains by itself: the loss is still a number.
#
# ### Exercise 4: someone else's range
# Another library hands you clips as floats from 0 (black) to 1 (white). Bring them into the model range.
# (`check.hint("from_unit_range")`)


# %% tags=["exercise"]
def from_unit_range(clip):
    """Floats in [0, 1] to floats in [-1, 1]."""
    # BEGIN SOLUTION
    return 2 * clip - 1
    # END SOLUTION


# %%
check.from_unit_range(from_unit_range)


# %% [markdown]
# ## 10. Throw out what would teach nonsense
# "Ensure the quality", says the article. Of what, and how? Make five bad clips out of the cup, each with one
# fault. Here is the last frame of each. Three of the five faults cannot be seen in any single frame. Which?

# %%
good = cup[at_10][:20]
other = video.read_clip(paths["plant"], num_frames=10, size=(120, 160))
suspects = {
    "good": good,
    "black": good // 12,
    "frozen": np.repeat(good[:1], 20, axis=0),
    "blurred": preprocess.resize(preprocess.resize(good, 12, 16), 120, 160),
    "too short": good[:8],
    "cut": np.concatenate([good[:10], other]),
}


# %%
lasts = {name: clip[-1] for name, clip in suspects.items()}
alt = "Last frames of six clips of the cup: good; almost black; frozen;"
alt = f"{alt} blurred; too short; and one that ends in a plant."
side_by_side(lasts, alt, inches=1.5)


# %%
for name, clip in suspects.items():
    rows = preprocess.quality_report(clip).items()
    faults = [fault for fault, row in rows if row["fault"]]
    print(f"{name:10} faults found: {', '.join(faults) or 'none'}")


# %% [markdown]
# *Frozen*, *too short* and *cut* are faults in time. Each fault is a number with a limit:

# %%
rows = preprocess.quality_report(suspects["blurred"])
for fault, row in rows.items():
    measured = str(row["measured"])[:4]
    print(f"{fault:10} measured {measured:>4}, limit {row['limit']}")


# %% [markdown]
# The limits are rules of thumb. A film of a starry night counts as black, a calm lake as frozen. **A filter is an
# opinion about what the world looks like**, and what it removes, no model will ever make.
#
# ## 11. A pipeline that keeps the GPU fed
# A training step takes a batch and some milliseconds. If the next batch is not there in time, the most expensive
# part of your machine waits. Three ways to a batch. **Decode**: open the files of a batch whenever it is needed.
# **Decode ahead**: the same, but the next batches are made while the GPU works (**prefetching**). **Cache**: decode
# all once, then cut batches out of memory; that is `make_dataset`, the course's `tf.data` pipeline, which also
# prefetches. **Which step helps most?**

# %%
load = {"size": SIZE, "fps": FPS}
train = datasets.load_actions("validation", num_frames=20, **load)
files = [DATA / "actions" / name for name in train.files]
opened = []  # notes every file that is opened


# %%
def decode_each_time():
    """Batches without end; every clip is read from its file."""
    while True:
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            opened.extend(batch)
            clips = [video.read_clip(f, num_frames=16, **load) for f in batch]
            yield preprocess.to_model_range(np.stack(clips))


# %%
made = tf.TensorSpec((None, NUM_FRAMES, SIZE, SIZE, 3), tf.float32)
source = tf.data.Dataset.from_generator
decoding = source(decode_each_time, output_signature=made)
recipe = {"batch_size": BATCH, "num_frames": NUM_FRAMES}
fed = datasets.make_dataset(train, seed=SEED, **recipe)
frames, actions = next(iter(fed))
lowest, highest = float(tf.reduce_min(frames)), float(tf.reduce_max(frames))
assert -1 <= lowest < highest <= 1
print("a batch:", frames.shape, frames.dtype.name, " actions:", actions.shape)


# %%
batches = decode_each_time()
for _ in range(3 * len(files) // BATCH):
    next(batches)
print(f"files opened in 3 epochs: {len(opened)}; with a cache: {len(files)}")


# %% [markdown]
# Now the clock. Here a training step is a pause of 40 ms: as with a GPU, the CPU is free meanwhile.


# %%
def clips_per_second(batches, step_seconds=0.04, num_steps=10):
    """Clips that ten training steps take in per second."""
    batches = iter(batches)
    next(batches)  # the first one starts the machinery
    start = time.perf_counter()
    for _ in range(num_steps):
        next(batches)
        time.sleep(step_seconds)
    return num_steps * BATCH / (time.perf_counter() - start)


# %% tags=["nbval-ignore-output"]
speed = {
    "decode": clips_per_second(decode_each_time()),
    "decode ahead": clips_per_second(decoding.prefetch(2)),
    "cache (make_dataset)": clips_per_second(fed),
    "no waiting at all": BATCH / 0.04,
}
show.plot_bars(speed, title="How fast are batches?", unit="clips per second")


# %% [markdown]
# The last bar is the most that any pipeline can do. Decoding for every batch is far off: the GPU would idle most
# of the time. Working ahead helps only by the length of the step, because the decoding itself takes longer. The
# cache removes the decoding, and little is left to wait for.
#
# ### What else a pipeline must do
# **Be right and repeatable.** Without shuffling it hands out exactly what `to_model_range` gives. With shuffling,
# the seed decides every batch, so a training that was stopped can go on as if nothing had happened.

# %%
in_order = datasets.make_dataset(train, seed=SEED, shuffle=False, **recipe)
expected = preprocess.to_model_range(train.clips[:BATCH, :NUM_FRAMES])
assert np.allclose(next(iter(in_order))[0], expected, atol=1e-6)
for name, seed in {"same seed": SEED, "another seed": SEED + 1}.items():
    batch = next(iter(datasets.make_dataset(train, seed=seed, **recipe)))[0]
    gap = float(tf.reduce_max(tf.abs(batch - frames)))
    print(f"{name:12}: the first batch differs by {gap:.0f} at most")


# %% [markdown]
# **Make more of little.** A stored clip of 20 frames holds five windows of 16; every epoch draws another one. Three
# draws of the same clip, the first frame of each:

# %%
one = {"batch_size": 1, "seed": 1, "num_frames": NUM_FRAMES}
draws = datasets.make_dataset(train.clips[:1], **one)
windows = [preprocess.to_uint8(batch[0].numpy()) for batch, _ in draws.take(3)]
labels = ["epoch 1", "epoch 2", "epoch 3"]
alt = "First frames of one clip in three epochs: other moments of a movement."
grid = show.label_grid(np.stack(windows)[:, :1], labels)
show.still_picture(grid[0], alt)


# %% [markdown]
# What if the clips do not fit into memory? `datasets.save_clips` writes them to shards, decoded and scaled, and
# `make_dataset(folder, ...)` streams them, shuffled. On the command line: `vgcourse prepare FOLDER STORE`.
#
# **Open question.** Take a film of your own, or one of `data/real`, and ruin it in a seventh way that is not on
# this page. Which number would find it?
#
# ## 12. Whose videos are these?
# Before you collect a single file, ask whether you may. The three clips in `data/real` show how: each has a known
# source, a licence that allows changing it and passing it on, no recognisable person; and the notices travel with
# the files.

# %%
notices = (DATA / "real" / "LICENCES.txt").read_text(encoding="utf-8")
for line in notices.splitlines():
    if ".mp4: " in line:
        print(line)


# %% [markdown]
# | question | why |
# |---|---|
# | Did everybody in the picture agree, to *this* use? | "I may film you for my thesis" is not "I may train a model that draws people like you". |
# | Can they take it back? | Then you must know who is in which file, and which models saw it. |
# | Children, patients, people at prayer or at a protest? | Do not. Or only with a review board's yes. |
# | Does the licence allow changes, and models? | "On the internet" is not a licence. |
# | Who is in the data, and who is not? | Our own actors have ten skin tones evenly, but no children, no wheelchairs: [the datasheet](../data/README.md). |
# | Where do the files lie, and who can open them? | A face is personal data in many countries. |
#
# If one answer is missing, leave the file out. In lesson 11 you bring your own videos; ask these questions first.
#
# ## What goes wrong, and how you notice
# - *All people are fat, or lie on their side.* Stretched, or a rotation note ignored. Look at ten clips
#   before you train.
# - *Some people move too fast.* Frame rates were mixed. Resample by timestamps; compare motion energy per
#   file.
# - *The generator stutters.* Frames were repeated: the rate is above the files'. Count equal neighbours.
# - *It jumps.* Clips run across cuts. Run `find_cuts`. It does not find fades; those you have to see.
# - *The background glitters.* Scaled without antialiasing.
# - *Everything comes out black, or pale.* Converted twice, or trained in [0, 1]. Print minimum and maximum of
#   a batch.
# - *The GPU is at 20%.* It waits for data. Cache, prefetch, then measure again.

# %% [markdown]
# ## You have
# - opened real camera clips and seen what codec, frame rate, cuts and shape of the picture do to a model;
# - cropped, scaled, rotated and checked clips, and written frame sampling and antialiased scaling yourself;
# - built a pipeline that keeps a GPU fed, and a list of what you owe to the people in your videos.
#
# ## References
# - Parmar et al. 2022, *On Aliased Resizing and Surprising Subtleties in GAN Evaluation*, [arXiv
#   2104.11222](https://arxiv.org/abs/2104.11222)
# - Crete et al. 2007, *The blur effect*, [doi 10.1117/12.702790](https://doi.org/10.1117/12.702790): the
#   measure of blur
# - Murray et al. 2021, *tf.data: A Machine Learning Data Processing Framework*, [arXiv
#   2101.12127](https://arxiv.org/abs/2101.12127)
# - Gebru et al. 2021, *Datasheets for Datasets*, [arXiv 1803.09010](https://arxiv.org/abs/1803.09010)
# - [PyAV](https://pyav.basswood-io.com) and [FFmpeg's guide to
#   H.264](https://trac.ffmpeg.org/wiki/Encode/H.264)
#
# Next: [02 · CNN features](02_cnn_features.ipynb)
