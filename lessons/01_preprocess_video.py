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
path_picture("preprocess")

# %% [markdown]
# This is step 1 of the article: collect videos, "crop, scale, rotate, ensure their quality". One line there;
# here it is a whole lesson, since most of what goes wrong with video models goes wrong before the model.

# %%
DATA = datasets.data_folder()
NAMES = ("cup", "city", "plant")  # the three camera clips
SIZE = 64  # height and width that the model sees, in pixels
NUM_FRAMES = 16  # frames in a clip of the model
FPS = 10  # frames per second of a clip of the model
BATCH = 16  # clips in a batch
SEED = 0  # of every random choice
paths = {name: DATA / "real" / f"{name}.mp4" for name in NAMES}
walk_path = DATA / "actions" / "walk" / "walk_003.mp4"  # from the actions set

# %% [markdown]
# ## Look at the data first
# Three clips from real cameras: a hand turns a cup; a time-lapse of a city; a plant, filmed by hand.


# %%
def side_by_side(frames, alt, *, inches=2.1):
    """Frames beside each other, each under its name."""
    figure = Figure(figsize=(inches * len(frames), inches), layout="constrained")
    for axes, (name, frame) in zip(figure.subplots(1, len(frames)), frames.items(), strict=True):
        axes.imshow(frame, interpolation="nearest")
        axes.set_title(name, fontsize=9)
        axes.axis("off")
    return show.figure(figure, alt=alt)


firsts = {name: video.read_clip(path, num_frames=1)[0] for name, path in paths.items()}
alt = "First frames: a hand holds a black cup; tall buildings at night; a potted plant at a window."
side_by_side(firsts, alt, inches=1.7)

# %% [markdown]
# `probe` says what is in a file without reading all of it:

# %%
print("        size      fps  frames  seconds  codec  turned  sound")
for name, path in paths.items():
    i = video.probe(path)
    print(
        f"{name:6} {i.width}x{i.height} {i.fps:7.2f} {i.num_frames:5} {i.duration:8.2f} {i.codec:>8}", end=""
    )
    print(f" {i.rotation:5}° {'yes' if i.has_audio else 'no':>6}")

# %% [markdown]
# Three files, three sizes, three frame rates, one with sound. A network wants *one* size, *one* rate, and no
# surprises. Each column is a trap:
#
# | column | trap |
# |---|---|
# | size | squeezed into one shape, people come out stretched |
# | fps | 16 frames may last half a second in one file and two seconds in another |
# | codec (the method of compression) | what was compressed too hard is gone; the codec's name hardly matters |
# | turned | phones store upright films lying down, with a note "turn me"; if you ignore it, you train on people lying down |
# | sound | dropped here; the picture's timestamps count, not the sound's |
#
# Now take them one at a time.

# %% [markdown]
# ## Codec: what is in the file
# A raw pixel takes three bytes. How much smaller is the file?

# %%
for name, path in paths.items():
    i = video.probe(path)
    raw = i.width * i.height * 3 * i.num_frames
    print(f"{name:6} raw {raw / 1e6:4.0f} MB, {round(raw / path.stat().st_size):3} times the file")

# %% [markdown]
# This works because each frame resembles the one before. A codec stores a whole picture now and then (an
# **I** frame), and in between only what moved (**P** from the past, **B** from past and future).

# %%
with av.open(str(paths["city"])) as container:
    kinds = [av.video.frame.PictureType(frame.pict_type).name for frame in container.decode(video=0)]
print("frames of city.mp4 by kind:", dict(sorted(Counter(kinds).items())))

# %% [markdown]
# Only two whole pictures among 190 frames: to show frame 100, a player must decode all frames since the last
# whole one. That is why random access into video is slow, and why this lesson ends with a cache.
#
# ### Squeezed too hard
# H.264 has a knob, the constant rate factor (crf): 18 looks like the original, 51 is the worst. Write one
# clip at four settings and read it back.

# %%
original = video.read_clip(DATA / "actions" / "jack" / "jack_003.mp4")
squeezed, kilobytes = {}, {}
with tempfile.TemporaryDirectory() as folder:
    for crf in (18, 35, 45, 51):
        file = Path(folder) / "clip.mp4"
        video.write_video(file, original, fps=25, crf=crf)
        squeezed[crf], kilobytes[crf] = video.read_clip(file), file.stat().st_size / 1000

# %%
side_by_side(
    {"original": original[12]} | {f"crf {crf}": clip[12] for crf, clip in squeezed.items()},
    "One frame of a jumping jack: at crf 18 like the original, at 35 soft, at 45 blocky, at 51 the limbs "
    "are smears.",
)

# %% tags=["nbval-ignore-output"]
for crf, clip in squeezed.items():
    error = np.abs(clip.astype(int) - original).mean()
    motion = metrics.motion_energy(clip[None])
    print(f"crf {crf}: {kilobytes[crf]:4.1f} kB, off by {error:4.1f} grey levels, motion energy {motion:.1f}")

# %%
left = metrics.motion_energy(squeezed[51][None]) / metrics.motion_energy(original[None])
print("every step is smaller:", sorted(kilobytes.values(), reverse=True) == list(kilobytes.values()))
print("at crf 51, under half of the motion is left:", left < 0.5)

# %% [markdown]
# Look at the last column of the table: not only sharpness is lost, motion is lost too. The codec saves bits
# by saying "as before". A GAN trained on such files faithfully learns blocks and frozen limbs. Collect the
# best quality that you can get.

# %% [markdown]
# ## Frame rate: what is a second?
# Take the same walk at three rates, eight frames each.

# %%
rates = (25, 10, 5)
walks = np.stack([video.read_clip(walk_path, fps=fps, num_frames=8, size=48) for fps in rates])
show.show_sheet(
    walks,
    [f"{fps} fps" for fps in rates],
    every=1,
    alt="Eight frames of a walk at 25, 10 and 5 frames a second: at 25 hardly a third of a stride, at 5 "
    "more than one.",
)

# %% [markdown]
# Top: eight frames hold a third of a second, and neighbours are almost equal. Bottom: a stride and a half,
# and between two frames a leg is somewhere else altogether. So the rate decides what "motion" is to a model,
# and how long 16 frames last.

# %%
energy = {
    f"{fps} fps": round(metrics.motion_energy(video.read_clip(walk_path, fps=fps)[None]), 1) for fps in rates
}
show.plot_bars(energy, title="A walk: change from frame to frame", unit="grey levels")

# %%
for fps in (30, 10):
    print(f"{NUM_FRAMES} frames at {fps} fps last {NUM_FRAMES / fps:.2f} s")

# %% [markdown]
# Mix clips of 30 and of 10 fps without care, and some people move three times as fast as others. The course
# takes 10 frames a second: 1.6 s in 16 frames, enough to tell every action in the data.
#
# ### By the clock, not by the count
# "Every third frame" makes 10 fps out of 30, but `cup.mp4` has 26.777. So ask instead: which frame is on show
# at 0.0, 0.1, 0.2, ... seconds? It is the newest one whose timestamp is not later. Timestamps stand in the
# file:

# %%
with av.open(str(paths["cup"])) as container:
    stream = container.streams.video[0]
    timestamps = np.array([float(frame.pts * stream.time_base) for frame in container.decode(stream)])
print("first timestamps in seconds:", timestamps[:5].round(3).tolist())


# %%
def frames_on_show(timestamps, fps, duration):
    """Index of the frame on show at 0, 1 / fps, 2 / fps, ... seconds, as long as the video lasts."""
    times = np.arange(0, duration, 1 / fps)
    # searchsorted counts the timestamps that are not later; a hair more, as 0.1 + 0.2 is not quite 0.3.
    return np.searchsorted(timestamps, times + 1e-6, side="right") - 1


duration = video.probe(paths["cup"]).duration
at_10 = frames_on_show(timestamps, 10, duration)
print("frames taken for 10 fps:", at_10[:12].tolist())

# %% [markdown]
# Now steps of 2 and of 3 take turns, and on average they are right. `read_clip` does the same while it
# decodes:

# %%
cup = video.read_clip(paths["cup"], size=(120, 160))  # all frames, scaled down
assert np.array_equal(cup[at_10], video.read_clip(paths["cup"], fps=10, size=(120, 160)))
print("ours equals read_clip(..., fps=10):", True)

# %% [markdown]
# The other way round does not work: nobody filmed the frames that 30 fps would need.

# %%
at_30 = frames_on_show(timestamps, 30, duration)
print("frames that 30 fps shows twice:", int((np.diff(at_30) == 0).sum()), "of", len(at_30))

# %% [markdown]
# A model trained on these learns to stutter, about three times a second. Choose a rate *below* that of all
# your videos.

# %% [markdown]
# ## Cuts: where the world jumps
# How much does `city.mp4` change from each frame to the next?

# %%
city = video.read_clip(paths["city"], size=SIZE)
changes = np.abs(np.diff(city.astype(int), axis=0)).mean(axis=(1, 2, 3))
figure = Figure(figsize=(7, 2.2), layout="constrained")
axes = figure.subplots()
axes.plot(np.arange(1, len(city)), changes, color=show.BLUE)
axes.set(xlabel="frame", ylabel="change (grey levels)")
show.figure(
    figure, "Line: the change between neighbours is about 2 grey levels, with one peak of 47 at frame 116."
)

# %%
cuts = preprocess.find_cuts(city)
print("a new shot begins at frame", cuts)

# %% [markdown]
# A hard cut. To you it is another camera; to a model that knows no cameras, a house turned into another house
# in 1/25 s. This is what a clip across it looks like:

# %%
across = city[cuts[0] - 2 : cuts[0] + 2]
show.show_sheet(
    across[None], every=1, alt="Four frames: two of one street at night, then two of another building."
)

# %% [markdown]
# A generator that sees such clips learns to jump. `clips_from_folder` looks for cuts and takes no clip across
# one. Give it the whole folder:

# %%
clips, report = datasets.clips_from_folder(DATA / "real", size=SIZE, num_frames=NUM_FRAMES, fps=FPS)
for row in report:
    print(f"{row.file}: {row.status}, {row.clips} clips")
print("clips with a cut inside:", sum(bool(preprocess.find_cuts(clip)) for clip in clips.clips))

# %% [markdown]
# `plant.mp4` lasts 1.2 s, too short for 16 frames at 10 fps, and the report says so. Files are never dropped
# in silence. (A time-lapse is a trap of its own: nothing in the file says that this second was an hour.)

# %% [markdown]
# ## Shape: wide, tall, square
# The model takes squares. A film from a phone held upright is 9 by 16. Make one out of the walk, and try
# three ways to a square.

# %%
walk = video.read_clip(walk_path, fps=FPS)
phone = preprocess.center_crop(walk, 96, 54)  # upright, 16:9
stretched = preprocess.resize(phone, SIZE, SIZE)
cropped = preprocess.resize(preprocess.center_crop(phone, 54, 54), SIZE, SIZE)
padded = np.pad(preprocess.resize(phone, SIZE, 36), ((0, 0), (0, 0), (14, 14), (0, 0)))

# %%
ways = {"phone": phone, "stretched": stretched, "cropped": cropped, "padded": padded}
side_by_side(
    {name: clip[2] for name, clip in ways.items()},
    "A walking person in an upright frame; stretched to a square and fat; cropped, without feet and half "
    "of the head; whole and slim between two black bars.",
)

# %% [markdown]
# **Stretched**: all is there, and everybody is 1.8 times too wide. A model that sees both kinds of films
# learns that people come in two widths, and that the camera decides. **Cropped**: true shapes, but the feet
# and half of the head are gone. **Padded**: all there, in shape; the model has to learn black bars too, and
# spends pixels on them.
#
# There is no free choice. `read_clip(size=...)` and `clips_from_folder` *cover and crop*: right when what
# matters is in the middle. If heads are lost, film from farther away, or pad (exercise 2).

# %% [markdown]
# ## Scale: throw pixels away properly
# From 640x360 to 64x36, a hundred pixels become one. The quick way is to keep every tenth pixel in each
# direction (**nearest**). Compare it with what a camera with fewer pixels would have seen: each of its pixels
# gathers the light of a 10x10 block.

# %%
large = video.read_clip(paths["city"], num_frames=12)  # (12, 360, 640, 3)
nearest = large[:, 5::10, 5::10]
smooth = preprocess.resize(large, 36, 64)  # antialiased
camera = large.reshape(12, 36, 10, 64, 10, 3).mean(axis=(2, 4))

# %%
side_by_side(
    {
        "nearest": nearest[0],
        "antialiased": smooth[0],
        "a camera with fewer pixels": camera[0].astype(np.uint8),
    },
    "Three small pictures of a tower at night. Nearest: windows turn into broken dots and false stripes. "
    "Antialiased and the camera's: soft and alike.",
)

# %%
show.show_grid(
    np.stack([nearest, smooth])[:, :6],
    labels=["nearest", "antialiased"],
    alt="A tower at night, moving, scaled in two ways: nearest glitters all over, antialiased is calm.",
)

# %% [markdown]
# On the left are patterns that were in no picture: **aliasing**. And they glitter, since a window hit by the
# grid in this frame is missed in the next. A video model takes glitter for motion.

# %%
errors = [np.abs(way - camera).mean() for way in (nearest, smooth)]
glitter = [metrics.motion_energy(way[None]) for way in (nearest, smooth)]
print("antialiased is at least 3 times nearer to the camera's:", errors[0] > 3 * errors[1])
print("nearest glitters at least 3 times as much:", glitter[0] > 3 * glitter[1])

# %% [markdown]
# ### Write it yourself
# When $s$ old pixels fall on a new one, new pixel $i$ has its centre at $c_i = (i + \tfrac12) s - \tfrac12$
# in old coordinates. Old pixel $j$ counts for it with the weight of a triangle that is $s$ wide to each side:
#
# $$w_{ij} = \frac{\max(0,\; 1 - |j - c_i| / s)}{\sum_k \max(0,\; 1 - |k - c_i| / s)}$$
#
# First for the rows, then for the columns. (When enlarging, $s$ in the triangle stays 1.)


# %%
def triangle_weights(old, new):
    """(new, old): share of every old pixel in every new one; rows sum to 1."""
    scale = old / new
    centres = (np.arange(new) + 0.5) * scale - 0.5
    distances = np.abs(np.arange(old) - centres[:, None])
    weights = np.maximum(0, 1 - distances / max(scale, 1))
    return weights / weights.sum(axis=1, keepdims=True)


print(triangle_weights(8, 2).round(2))

# %% [markdown]
# Read the first row: the new left pixel takes most from the old pixels 1 and 2, less from those beside.
# Nothing is left out.


# %%
def shrink(frame, height, width):
    """A frame (H, W, 3), scaled to (height, width, 3), as floats."""
    rows = triangle_weights(frame.shape[0], height)
    columns = triangle_weights(frame.shape[1], width)
    return np.einsum("ih,hwc,jw->ijc", rows, frame, columns, optimize=True)


# The course's function does this for whole clips. It rounds at the end: so up to 1 grey level apart.
assert np.abs(shrink(large[0], 36, 64) - preprocess.resize(large[:1], 36, 64)[0]).max() < 1

# %% [markdown]
# ## Crop and rotate
# `plant.mp4` was filmed by hand, and the camera tips over. Turn a late frame upright. The corners have no
# pixels to come from: the edge is smeared into them. So crop inside.

# %%
plant = video.read_clip(paths["plant"])
late = plant[25:26]
upright = preprocess.rotate(late, -17)  # degrees counter-clockwise
side_by_side(
    {
        "file": late[0],
        "rotated": upright[0],
        "rotated, then cropped": preprocess.center_crop(upright, 170, 170)[0],
        "a 'turn me' note ignored": preprocess.rotate(late, 90)[0],
    },
    "A plant at a slant; turned upright with smeared corners; cropped inside, clean; and lying on its side.",
    inches=1.6,
)

# %% [markdown]
# Training may also crop at **random**, to make more of few videos. One rule: the box stands still for the
# whole clip. If it jumps from frame to frame, you have made an earthquake.

# %%
still = preprocess.random_crop(walk, 80, 80, seed=SEED)
jumping = np.concatenate([preprocess.random_crop(walk[t : t + 1], 80, 80, seed=t) for t in range(len(walk))])
one_box, many_boxes = (metrics.motion_energy(way[None]) / energy["10 fps"] for way in (still, jumping))
print("one box: as much motion as before, give or take half:", 0.5 < one_box < 1.5)
print("a box per frame: at least twice the motion:", many_boxes > 2)

# %% [markdown]
# ### Play
# Choose the angle, the side of the box, and the moment: what would the model get? Below is the setting from
# above (on a picture of half the size, so that it answers at once); then the panel.


# %%
half = preprocess.resize(plant, 120, 160)  # quicker to turn


def draw(degrees, side, moment):
    """A frame of plant.mp4, turned, cropped and scaled to what the model sees."""
    turned = preprocess.rotate(half[moment : moment + 1], degrees)
    small = preprocess.resize(preprocess.center_crop(turned, side, side), SIZE, SIZE)
    alt = f"Frame {moment}, turned by {degrees} degrees, a box of {side} pixels, scaled to {SIZE}x{SIZE}."
    return show.show_sheet(show.enlarge(small, 3)[None], alt=alt)


draw(-17, 85, 25)

# %%
widgets.explore(draw, degrees=(-45, 45, -17), side=(16, 120, 85), moment=(0, len(plant) - 1, 25))

# %% [markdown]
# ## Range: what is white?
# Files hold whole numbers from 0 to 255: the **stored range**. Networks like small numbers around 0, and the
# generator ends in tanh, which gives -1 to 1: the **model range**. With $x$ stored and $y$ for the model,
#
# $$y = \frac{x}{127.5} - 1, \qquad x = \mathrm{round}\big(127.5\,(y + 1)\big)$$

# %%
x = np.arange(256, dtype=np.uint8)
y = preprocess.to_model_range(x)
assert np.allclose(y, x / 127.5 - 1, atol=1e-6)
assert np.array_equal(preprocess.to_uint8(y), x)  # all 256 values come back
print("0, 51 and 255 become", [round(float(value), 2) for value in y[[0, 51, 255]]])

# %% [markdown]
# Convert in one place only. If you do it twice, nothing complains: the loss is still a number, but every
# picture is black.

# %%
twice = y / 127.5 - 1  # already in the model range, converted again
print("after a second conversion all values lie in", [round(float(v), 2) for v in (twice.min(), twice.max())])
try:
    preprocess.to_model_range(y)
except ValueError as error:
    print("the course's function refuses:", error)

# %% [markdown]
# ## Quality: throw out what would teach nonsense
# "Ensure the quality", says the article. Of what, and how? Make five bad clips out of the cup, each with one
# fault.

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
side_by_side(
    {name: clip[-1] for name, clip in suspects.items()},
    "Last frames of six clips of the cup: good; almost black; frozen; blurred; too short; and one that "
    "ends in a plant.",
    inches=1.5,
)

# %%
for name, clip in suspects.items():
    found = [fault for fault, row in preprocess.quality_report(clip).items() if row["fault"]]
    print(f"{name:10} faults found: {', '.join(found) or 'none'}")

# %% [markdown]
# Two of them look perfect as pictures: *frozen* and *cut* are faults in time. Each fault is a number with a
# limit:

# %%
for fault, row in preprocess.quality_report(suspects["blurred"]).items():
    print(f"{fault:10} measured {str(row['measured'])[:4]:>4}, limit {row['limit']}")

# %% [markdown]
# The limits are rules of thumb. A film of a starry night counts as black, a calm lake as frozen. So look at
# what is thrown out: **a filter is an opinion about what the world looks like**, and what it removes, no
# model will ever make.

# %% [markdown]
# ## A pipeline that keeps the GPU fed
# A training step takes a batch and some milliseconds. If the next batch is not there in time, the most
# expensive part of your machine waits. How long does each way to a batch take? Here a training step is a
# pause of 20 ms: as with a GPU, the CPU is free meanwhile.

# %%
train = datasets.load_actions("validation", size=SIZE, num_frames=20, fps=FPS)  # a small split: 80 clips
files = [DATA / "actions" / name for name in train.files]
decoded = []  # notes every file that is opened


def read(file):
    decoded.append(file)
    return video.read_clip(file, size=SIZE, num_frames=NUM_FRAMES, fps=FPS)


# %% [markdown]
# **Decode each time**: open the files of a batch whenever it is needed. **Cached**: decode all once, then cut
# batches out of memory. **make_dataset**: the course's `tf.data` pipeline; it caches and **prefetches**:
# while you train on a batch, it makes the next ones.


# %%
def decode_each_time():
    for start in range(0, len(files), BATCH):
        yield preprocess.to_model_range(np.stack([read(file) for file in files[start : start + BATCH]]))


def cached():
    for start in range(0, len(files), BATCH):
        yield preprocess.to_model_range(cache[start : start + BATCH])


cache = np.stack([read(file) for file in files])
print("decoded to fill the cache:", len(decoded), "files")

# %% [markdown]
# Count first, for counts are the same on every machine: which files are opened in three epochs?

# %%
opened = {}
for epochs_of in (decode_each_time, cached):
    decoded.clear()
    for _ in range(3):
        sizes = {len(batch) for batch in epochs_of()}
    opened[epochs_of.__name__] = len(decoded)
print("files opened in three epochs:", opened)

# %%
fed = datasets.make_dataset(train, batch_size=BATCH, seed=SEED, num_frames=NUM_FRAMES)
frames, actions = next(iter(fed))
print("a batch:", frames.shape, frames.dtype.name, "with actions", actions.shape, actions.dtype.name)
print("in the model range:", bool(tf.reduce_min(frames) >= -1 and tf.reduce_max(frames) <= 1))

# %% [markdown]
# ### Measure
# Ten steps of each, and the clock.


# %%
def clips_per_second(batches, step_seconds=0.02, num_steps=10):
    """Clips that ten training steps take in per second."""
    batches = iter(batches)
    next(batches)  # the first one starts the machinery
    start = time.perf_counter()
    for _ in range(num_steps):
        next(batches)
        time.sleep(step_seconds)
    return num_steps * BATCH / (time.perf_counter() - start)


def again_and_again(epoch):
    while True:
        yield from epoch()


# %% tags=["nbval-ignore-output"]
speed = {
    "decode each time": clips_per_second(again_and_again(decode_each_time)),
    "cached": clips_per_second(again_and_again(cached)),
    "cached + prefetched\n(make_dataset)": clips_per_second(fed),
}
figure = Figure(figsize=(7, 2.4), layout="constrained")
axes = figure.subplots()
axes.bar_label(axes.barh(list(speed), list(speed.values()), color=show.BLUE), fmt="%.0f", padding=4)
axes.axvline(BATCH / 0.02, color=show.VERMILION, linestyle="--", label="no waiting at all")
axes.set(xlabel="clips per second", xlim=(0, 1.15 * BATCH / 0.02))
axes.invert_yaxis()
axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
said = ", ".join(f"{name.split(chr(10))[0]} {value:.0f}" for name, value in speed.items())
show.figure(figure, f"Bars, clips per second: {said}; without any waiting it would be 800.")

# %% [markdown]
# The dashed line is the most that any pipeline can do with steps of 20 ms. Decoding for every batch is far
# off: the GPU would idle most of the time. The cache helps by far the most. Prefetching does the remaining
# work during the step, if a core is free for it; on a busy laptop there may be none.
#
# That prefetching works ahead does not depend on the clock. Here is a data set that takes notes:

# %%
made = []


def notes():
    for number in range(20):
        made.append(number)
        yield number


def made_after_taking_one(prefetch):
    """How many elements exist some time after one was asked for."""
    made.clear()
    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = False  # TensorFlow would add one by itself
    source = tf.data.Dataset.from_generator(notes, output_signature=tf.TensorSpec((), tf.int32))
    iterator = iter((source.prefetch(prefetch) if prefetch else source).with_options(options))
    next(iterator)
    for _ in range(100 if prefetch else 5):  # give it up to ten seconds, on a busy machine
        time.sleep(0.1)
        if len(made) > prefetch:
            break
    return len(made)


# %%
print("without prefetch: taken 1, made", made_after_taking_one(0))
print("with prefetch(4): taken 1, made 4 or more:", made_after_taking_one(4) >= 4)

# %% [markdown]
# ### What else a pipeline must do
# **Be right.** In order and without shuffling, it hands out exactly what `to_model_range` gives:

# %%
in_order = datasets.make_dataset(train, batch_size=BATCH, seed=SEED, shuffle=False, num_frames=NUM_FRAMES)
expected = preprocess.to_model_range(train.clips[:BATCH, :NUM_FRAMES])
assert np.allclose(next(iter(in_order))[0], expected, atol=1e-6)

# %% [markdown]
# **Be repeatable.** The seed decides every batch, so a training that was stopped can go on as if nothing had
# happened.

# %%
again = datasets.make_dataset(train, batch_size=BATCH, seed=SEED, num_frames=NUM_FRAMES)
other = datasets.make_dataset(train, batch_size=BATCH, seed=SEED + 1, num_frames=NUM_FRAMES)
print("same seed, same batch:", np.array_equal(next(iter(again))[0], frames))
print("another seed, another batch:", not np.array_equal(next(iter(other))[0], frames))

# %% [markdown]
# **Make more of little.** A stored clip of 20 frames holds five windows of 16; every epoch draws another one.
# Three draws of the same clip:

# %%
one = train.clips[:1]
draws = datasets.make_dataset(one, batch_size=1, seed=1, num_frames=NUM_FRAMES).take(3)
windows = np.stack([preprocess.to_uint8(batch[0].numpy()) for batch, _ in draws])
show.show_sheet(
    windows,
    ["epoch 1", "epoch 2", "epoch 3"],
    every=5,
    alt="One clip in three epochs, starting at different moments of a step.",
)

# %% [markdown]
# What if the clips do not fit into memory? `datasets.save_clips` writes them to shards, decoded and scaled,
# and `make_dataset(folder, ...)` streams them, shuffled. On the command line: `vgcourse prepare FOLDER
# STORE`.

# %% [markdown]
# ## Whose videos are these?
# Before you collect a single file, ask whether you may. The three clips in `data/real` show how: each has a
# known source, a licence that allows changing it and passing it on, no recognisable person; and the notices
# travel with the files.

# %%
notices = (DATA / "real" / "LICENCES.txt").read_text(encoding="utf-8")
for line in notices.splitlines():
    if ".mp4: " in line:
        print(line)

# %% [markdown]
# | question | why |
# |---|---|
# | Did everybody in the picture agree, to *this* use? | "I may film you for my thesis" is not "I may train a model that draws people like you". |
# | Can they take it back? | Then you must find their clips, and know which models saw them. Write down who is in which file. |
# | Children, patients, people at prayer or at a protest? | Do not. Or only with a review board's yes. |
# | Does the licence allow changes, and models? | "On the internet" is not a licence. A site's terms may forbid downloading at all. |
# | Who is in the data, and who is not? | Our own actors have ten skin tones evenly, but no children, no wheelchairs, no skirts: [the datasheet](../data/README.md) says so. |
# | Where do the files lie, and who can open them? | A face is personal data in many countries (in the EU by the GDPR). |
#
# If one answer is missing, leave the file out. In lesson 11 you bring your own videos; ask these questions
# first.

# %% [markdown]
# ### Exercise 1: as long as a dance
# You collect videos of a dance that takes two seconds. Your model takes 16 frames. What is the **highest**
# rate, in frames per second, at which a clip still holds the whole dance? (Each frame is on show for 1 / fps
# seconds, the last one too.) A hint: `check.hint("dance_fps")`.

# %% tags=["exercise"]
dance_fps = ...  # your answer: a number
# BEGIN SOLUTION
dance_fps = 16 / 2
# END SOLUTION

# %%
check.dance_fps(dance_fps)

# %% [markdown]
# ### Exercise 2: nobody loses a head
# Write `letterbox`: it makes every frame square by adding black bars, half on either side, above and below or
# left and right, and changes nothing else. A hint: `check.hint("letterbox")`.


# %% tags=["exercise"]
def letterbox(clip):
    """A uint8 clip (time, height, width, 3) as (time, side, side, 3), with side = max(height, width)."""
    # BEGIN SOLUTION
    _, height, width, _ = clip.shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.zeros((len(clip), side, side, 3), np.uint8)
    square[:, top : top + height, left : left + width] = clip
    return square
    # END SOLUTION


# %%
check.letterbox(letterbox)

# %% [markdown]
# ### Exercise 3: never across a cut
# Write `shot_windows`: where can clips of `length` frames start in a video, one right after the other, so
# that none runs across a cut? A cut is the number of the first frame of a new shot, as `find_cuts` returns
# it. In every shot, start at its first frame. With 20 frames, a cut at 8 and length 4: `[0, 4, 8, 12, 16]`. A
# hint: `check.hint("shot_windows")`.


# %% tags=["exercise"]
def shot_windows(num_frames, cuts, length):
    """List of the first frames of all clips of `length` frames that lie within one shot."""
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
# ### Exercise 4: someone else's range
# Another library hands you clips as floats from 0 (black) to 1 (white). Bring them into the model range. A
# hint: `check.hint("from_unit_range")`.


# %% tags=["exercise"]
def from_unit_range(clip):
    """Floats in [0, 1] to floats in [-1, 1]."""
    # BEGIN SOLUTION
    return 2 * clip - 1
    # END SOLUTION


# %%
check.from_unit_range(from_unit_range)

# %% [markdown]
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
