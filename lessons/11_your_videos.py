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
# # 11 · Your videos
# {badge}
#
# **What can you make of your own videos, and what can you not?**
#
# You will
# - turn a folder of videos from a phone or webcam into a training set, and know what was left out and why;
# - train a video GAN on it, and score it without any labels;
# - keep and export what you made, and say honestly what a small data set can and cannot do.
#
# About 60 minutes, of which two cores compute for about four. Your own filming comes on top.

# %% tags=["setup"]
# In Colab this installs the course; elsewhere it does nothing.
from importlib.util import find_spec

if not find_spec("vgcourse"):
    # %pip install --quiet "vgcourse @ git+{repository}@v{version}"
    print("The course is installed.")

# %%
from vgcourse.classroom.start import path_picture, quiet

quiet()

import shutil
import struct
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import av
import keras
import numpy as np
from keras import layers

# %%
from vgcourse import datasets, generate, preprocess, show, video
from vgcourse.classroom import budget, check, widgets
from vgcourse.datasets import VIDEO_SUFFIXES
from vgcourse.evaluate import metrics
from vgcourse.gan import make_gan
from vgcourse.show import still_picture
from vgcourse.training import save_generator, train, write_history

# %%
path_picture()

# %% [markdown]
# All stages are lit: this is the whole course in one notebook, on your data. Everything below also runs as it
# is, on the three camera clips that come with the course.

# %%
YOUR_VIDEOS = Path("my_videos")  # put your videos here; without this folder, the course's clips are taken
RESULTS = Path("my_results")  # everything you make is kept here
SIZE = 32  # height and width of a frame in pixels
NUM_FRAMES = 16  # frames in a generated clip
FPS = 20  # frames per second: 16 frames last 0.8 s
STEPS = budget.steps(3000)  # about three minutes on two cores
SEED = 0

# %% [markdown]
# ## Before you film
# **People first.** Film people only if they agreed, and to *this*: that a model learns from the video and
# makes new ones that look like them. A yes to a holiday video is not a yes to that. Children cannot consent
# for themselves. A yes can be taken back, so note who is in which file; exercise 2 uses such a list. It is
# easiest to film things: a plant in the wind, a toy, your own hands, a shadow.
#
# **Then the model.** Ten to twenty short videos are enough to see something. With so few, leave little to
# learn:
# - put the phone down or against something; do not pan or zoom;
# - one subject, in the middle, on a plain background, in even light;
# - one motion that repeats (wave, swing, turn), from several starts, for 5 to 10 seconds each;
# - if you film several kinds of motion, one subfolder for each: its name becomes the action.
#
# ### Bring the files here
# The button takes short videos, up to 8 MB at a time. Larger ones: drag them into the folder `my_videos` in
# the file list on the left; this works in JupyterLab and in Colab.

# %%
widgets.upload_panel(YOUR_VIDEOS)

# %% [markdown]
# **In Colab, the machine and all files on it are gone** some time after you close the page. Write `True` to
# keep your results in your Google Drive. Elsewhere leave it as it is: they stay in the folder `my_results`.

# %%
USE_DRIVE = False
if USE_DRIVE:
    from google.colab import drive

    drive.mount("/content/drive")
    RESULTS = Path("/content/drive/MyDrive/my_results")

# %% [markdown]
# ## Look at the data first
# Never train on what you have not looked at. What did the camera write?


# %%
def videos_in(folder):
    """Paths of the video files in a folder and its subfolders, sorted; none if there is no such folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)


has_videos = bool(videos_in(YOUR_VIDEOS))
folder = YOUR_VIDEOS if has_videos else datasets.data_folder() / "real"
print("training on your own videos:", has_videos)


# %%
def describe(path):
    """One line about a video file."""
    try:
        info = video.probe(path)
    except video.VideoError:
        return f"{path.name:14} is not a video that can be read"
    shape = f"{info.width}x{info.height}, {info.fps:.1f} fps, {info.duration:.1f} s"
    return f"{path.name:14} {shape}, {info.codec}, turned by {info.rotation}, sound: {info.has_audio}"


files = videos_in(folder)
for path in files[:20]:
    print(describe(path))


# %%
def seconds(path):
    """How long a video lasts; 0 if it cannot be read."""
    try:
        return video.probe(path).duration
    except video.VideoError:
        return 0.0


usable = [path for path in files if seconds(path) > 1.15]  # the cells below need a little over a second


# %%
def first_frames(path):
    """Four frames from the first second, as a square of 96 pixels."""
    return video.read_clip(path, num_frames=4, fps=4, size=96)


show.show_sheet(
    np.stack([first_frames(path) for path in usable[:4]]),
    [path.stem for path in usable[:4]],
    every=1,
    alt="Four frames from the first second of each of the first videos, one video a row: "
    + ", ".join(path.stem for path in usable[:4]),
)

# %% [markdown]
# ### What phones write
# Phones like two things that break naive code. They compress with **HEVC** (`.mov` on iPhones). And when you
# hold them upright, they store the picture lying on its side, with a note that says "turn me". Make such a
# file, from a strip of the first video.


# %%
def film_like_a_phone(path, clip):
    """Write an upright clip as an upright phone does: HEVC, stored on its side, with a note to turn it."""
    lying = preprocess.rotate(clip, 90)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = lying.shape[2], lying.shape[1], "yuv420p"
        for frame in lying:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    data = bytearray(path.read_bytes())
    note = data.index(b"tkhd") + 44  # a 3x3 matrix of whole numbers in the track's header
    data[note : note + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


scratch = tempfile.TemporaryDirectory()
messy = Path(scratch.name) / "messy"
messy.mkdir()
upright = video.read_clip(usable[0], num_frames=24, fps=20, size=(176, 96))
film_like_a_phone(messy / "phone.mov", upright)
print(describe(messy / "phone.mov"))

# %% [markdown]
# The course's reader follows the note. Compare what it returns with the clip before it was "filmed":

# %%
reread = video.read_clip(messy / "phone.mov")
error = np.abs(reread.astype(int) - upright).mean()
print("shape written and read:", upright.shape, reread.shape)
print("the same picture, up to compression (under 8 grey levels):", bool(error < 8))

# %% tags=["nbval-ignore-output"]
lying = preprocess.rotate(upright[:1], 90)
side_by_side = np.zeros((1, 176, 96 + 8 + 176, 3), np.uint8) + 255
side_by_side[:, :, :96] = reread[:1]
side_by_side[:, 40 : 40 + 96, 104:] = lying
show.show_sheet(
    side_by_side[None],
    every=1,
    alt="Left: the frame as the course reads it, upright. Right: the same frame as the file stores it, "
    "lying on its side.",
)

# %% [markdown]
# ### A folder as people have them
# Real folders also hold files that are no videos, and videos that are too short. `clips_from_folder` leaves
# them out and says so. It scales every frame to cover the square, crops the centre, and cuts long videos into
# clips, none of which runs across a cut.

# %%
(messy / "notes.mp4").write_text("This is a shopping list that somebody renamed.")
video.write_video(messy / "blink.gif", upright[:5], fps=25)
_, report = datasets.clips_from_folder(messy, size=SIZE, num_frames=NUM_FRAMES)
for row in report:
    print(f"{row.file:10} {row.status:8} {row.clips} clips")

# %% tags=["nbval-ignore-output"]
for row in report:
    if row.status == "skipped":
        print(row.file, "was skipped:", row.reason.replace(str(messy), "")[:110])

# %%
scratch.cleanup()

# %% [markdown]
# ## Prepare
# Now your folder. The clips are a little larger (36 pixels) and longer (18 frames) than the model needs: the
# rest is room for variants.

# %%
raw, report = datasets.clips_from_folder(folder, size=SIZE + 4, num_frames=NUM_FRAMES + 2, fps=FPS)
for row in report:
    print(f"{row.file:14} {row.status:8} {row.clips} clips")
print("clips, frames, height, width, colours:", raw.clips.shape)

# %% [markdown]
# And their quality? The report of lesson 01 looks for what makes a clip useless.

# %%
for path in usable[:20]:
    faults = preprocess.quality_report(video.read_clip(path, fps=FPS, size=180))
    print(
        f"{path.name:14}", ", ".join(name for name, found in faults.items() if found["fault"]) or "no fault"
    )

# %% [markdown]
# A cut is no reason to throw a video away here, since no clip runs across one. Black, frozen or blurred
# videos are.
#
# ### Hold some out
# To tell learning from copying you need clips that the model never saw. Drawing them at random would be a
# mistake: the clip half a second later shows nearly the same. So hold out the **end of every video**.


# %%
def held_out(files, share):
    """True for the last `share` of each video's clips, rounded; a video with one clip is all for training."""
    counts, seen, last = Counter(files), Counter(), []
    for file in files:
        seen[file] += 1
        last.append(seen[file] > counts[file] - round(share * counts[file]))
    return np.array(last)


assert held_out(["a", "a", "a", "a", "b"], 0.25).tolist() == [False, False, False, True, False]
is_held_out = held_out(raw.files, 0.25)
print("clips to train on:", np.sum(~is_held_out), "and held out:", np.sum(is_held_out))

# %% [markdown]
# ### Make more of little
# So few clips are learnt by heart at once. The cheapest cure: variants that could have been filmed as well,
# shifted by a few pixels or mirrored. All frames of a clip get the same change, or the picture would shake.
# (Leave the mirror out if left and right matter, as in writing.)


# %%
def variants(clips, copies, seed):
    """`copies` variants of every clip: shifted by up to 4 pixels, every other one mirrored."""
    made = []
    for k, clip in enumerate(np.repeat(clips, copies, axis=0)):
        shifted = preprocess.random_crop(clip, SIZE, SIZE, seed=[seed, k])
        made.append(shifted[:, :, ::-1] if k % 2 else shifted)
    return np.stack(made)


def as_clips(chosen, copies):
    """`Clips` of the variants of some of the raw clips, with their labels."""
    rows = np.repeat(np.flatnonzero(chosen), copies)
    made = variants(raw.clips[chosen], copies, SEED)
    labels = {"actions": raw.actions[rows], "actors": raw.actors[rows]}
    return replace(raw, clips=made, files=tuple(raw.files[row] for row in rows), **labels)


training, heldout = as_clips(~is_held_out, 8), as_clips(is_held_out, 8)
print("variants to train on:", training.num_clips, "and held out:", heldout.num_clips)

# %%
still_picture(
    show.label_grid(training.clips[:4, :1], ["shifted", "and mirrored"] * 2, columns=4, scale=3)[0],
    alt="Four variants of one training clip: the first and third shifted a little, the second and fourth "
    "mirrored as well.",
)

# %% [markdown]
# ### Keep it: the store
# A store is a folder of checked, uncompressed clips. Training reads from it, here and on a cluster, and you
# never have to prepare the videos again.

# %%
store = datasets.save_clips(RESULTS / "store", training, overwrite=True)
loaded = datasets.load_clips(store)
print("read back, bit for bit:", np.array_equal(loaded.clips, training.clips))
print("actions:", loaded.action_names)

# %% [markdown]
# ## Train
# The video GAN of lesson 05, unchanged, in float32. The names of the subfolders are its actions; without
# subfolders there is one. First what it makes before it has learnt anything.

# %%
gan = make_gan(SIZE, training.action_names, num_frames=NUM_FRAMES, fps=FPS, precision="float32", seed=SEED)
untrained = generate.sample(gan.ema_generator, num_clips=64, seed=SEED)
budget.warm_start(gan, "11_your_videos")
print("untrained clips:", untrained.shape)

# %% [markdown]
# Six clips appear here and change while the training runs. Watch for three moments: colours, then shapes,
# then motion.

# %%
live = widgets.LivePicture()
live

# %% tags=["nbval-ignore-output", "warm-gan"]
target = int(gan.step) + STEPS


def look(gan):
    """Show six clips of the averaged generator; called 20 times in a training."""
    made = generate.sample(gan.ema_generator, num_clips=6, seed=SEED)
    live.show(
        show.show_grid(made, columns=6, fps=FPS, alt="Six generated clips."),
        f"step {int(gan.step)} of {target}",
    )


history = train(gan, store, steps=target, batch_size=8, on_sample=look)

# %% [markdown]
# Save at once, before anything else can go wrong.

# %%
generator = gan.ema_generator
saved = save_generator(gan, RESULTS)
write_history(RESULTS, history)
print("kept:", sorted(path.name for path in RESULTS.iterdir() if path.is_file() and path.stem != "clips"))
print(
    "trained to the end, the loss is a number:",
    int(gan.step) == target and bool(np.isfinite(history[-1]["g_loss"])),
)

# %% tags=["nbval-ignore-output"]
show.plot_history(history)

# %% [markdown]
# ## Look at what it makes
# Real clips above, generated ones below.

# %% tags=["nbval-ignore-output"]
fakes = generate.sample(generator, num_clips=64, seed=SEED)
some = np.linspace(0, training.num_clips - 1, 5).astype(int)
both = np.concatenate([training.clips[some, :NUM_FRAMES:2], fakes[:5, ::2]])
show.show_clip(
    show.label_grid(both, ["real"] * 5 + ["generated"] * 5, columns=5, scale=2),
    fps=FPS / 2,
    alt="Two rows of five moving clips: real training clips above, generated ones below.",
)

# %% [markdown]
# ## Score it without labels
# Lesson 07 asked a classifier whether the action could be recognised. It knows ten actions of our actors, and
# your videos show something else, so its answer would mean nothing: **motion control: not applicable**. Three
# questions are left: does it move, how much is it like the real clips, and does it copy?
#
# ### Does it move?
# Motion energy is the mean change from frame to frame, in grey levels. Frozen clips have 0.

# %%
real_clips, new_clips = training.clips[:, :NUM_FRAMES], heldout.clips[:, :NUM_FRAMES]
energy = {"generated": metrics.motion_energy(fakes), "real": metrics.motion_energy(real_clips)}
print("it moves, at least a quarter as much as the real clips:", energy["generated"] > energy["real"] / 4)

# %% [markdown]
# The bound is a lower one, and more is not better: a wall that shimmers changes from frame to frame as well.
# If the table below gives generated clips more energy than held-out ones, look at what stands still in them.

# %% [markdown]
# ### Features of your own
# A distance between sets of clips needs features (lesson 07), and the course's classifier knows only people
# on plain walls. So train a small **encoder** on your own training clips. It squeezes four frames of a clip
# into 16 numbers, from which a decoder must draw them again: so the numbers keep what one sees most of.


# %%
def build_autoencoder():
    """Four frames, stacked as 12 channels -> 16 numbers -> the four frames again."""
    frames = x = keras.Input((SIZE, SIZE, 12))
    for width in (16, 32, 48):
        x = layers.Conv2D(width, 4, 2, "same", activation="relu")(x)
    code = layers.Dense(16)(layers.Flatten()(x))
    x = layers.Dense((SIZE // 8) ** 2 * 48, activation="relu")(code)
    x = layers.Reshape((SIZE // 8, SIZE // 8, 48))(x)
    for width in (32, 16):
        x = layers.Conv2DTranspose(width, 4, 2, "same", activation="relu")(x)
    drawn = layers.Conv2DTranspose(12, 4, 2, "same", activation="tanh")(x)
    return keras.Model(frames, drawn), keras.Model(frames, code)


def four_frames(clips):
    """Clips (batch, time, height, width, 3), uint8 -> (batch, height, width, 12) in the model range."""
    times = np.linspace(0, NUM_FRAMES - 1, 4).astype(int)
    chosen = preprocess.to_model_range(clips[:, times])
    return chosen.transpose(0, 2, 3, 1, 4).reshape(len(clips), *clips.shape[2:4], 12)


# %% tags=["nbval-ignore-output"]
keras.utils.set_random_seed(SEED)
autoencoder, encoder = build_autoencoder()
autoencoder.compile(keras.optimizers.Adam(2e-3), "mse")
inputs = four_frames(real_clips)
_ = autoencoder.fit(inputs, inputs, epochs=max(1, 6000 // len(inputs)), batch_size=16, verbose=0)

# %% [markdown]
# Does the encoder know anything? Clips that it never saw should come out nearer to the truth than the mean of
# all training clips is.

# %%
targets = four_frames(new_clips)
by_mean = np.mean((targets - inputs.mean(axis=0)) ** 2)
by_encoder = np.mean((targets - autoencoder.predict(targets, verbose=0)) ** 2)
print("held-out clips are drawn better than by the mean clip:", bool(by_encoder < by_mean))

# %% [markdown]
# Now the Fréchet distance on these features, always to the training clips. It is biased upwards for so few
# clips (lesson 07), so compare within this notebook only. Held-out clips show what "new but real" looks like.


# %%
def code_of(clips):
    """16 numbers a clip, each with mean 0 and spread 1 over the training clips."""
    raw_codes = encoder.predict(four_frames(real_clips), verbose=0)
    codes = encoder.predict(four_frames(clips), verbose=0)
    return (codes - raw_codes.mean(axis=0)) / raw_codes.std(axis=0)


rows = {"untrained": untrained, "generated": fakes, "held out": new_clips}
distance = {
    name: metrics.frechet_distance(code_of(real_clips), code_of(clips)) for name, clips in rows.items()
}
print("training brought it nearer to the real clips:", distance["generated"] < distance["untrained"])

# %% [markdown]
# Nearer than held-out clips would be no triumph. The distance is to the *training* clips, and whoever repeats
# them comes nearest of all: a generated distance below that of held-out clips hints at copying.

# %% [markdown]
# ### Does it copy?
# With a handful of clips this is the question that matters. For each generated clip, find the nearest
# training clip, in root-mean-square grey levels. Do the same for held-out clips: that is how far away *new*
# is. Then take the ratio of the two medians: far under 1 means copies.


# %%
def nearest_distances(clips, training_clips):
    """From each clip to its nearest training clip: root-mean-square difference in grey levels."""
    found = []
    for clip in clips.astype(np.float32):
        squares = [np.mean((clip - other) ** 2) for other in training_clips]
        found.append(np.sqrt(min(squares)))
    return np.array(found)


fake_distance, new_distance = (np.median(nearest_distances(x, real_clips)) for x in (fakes, new_clips))
result = metrics.memorisation(fakes, real_clips, new_clips)
assert np.isclose(result.ratio, fake_distance / new_distance, rtol=1e-3)  # the course's own says the same

# %% tags=["nbval-ignore-output"]
print(f"{'':10}  Frechet distance  motion energy  to the nearest training clip  motion control")
for name, clips in rows.items():
    near = np.median(nearest_distances(clips, real_clips))
    scores = f"{distance[name]:16.1f}  {metrics.motion_energy(clips):13.1f}  {near:28.1f}"
    print(f"{name:10}  {scores}  not applicable")
print(f"ratio of generated to held out: {result.ratio:.2f}")

# %%
print("at most a fifth farther from the training clips than new real clips are:", bool(result.ratio < 1.2))

# %% [markdown]
# An untrained generator is a third farther. After the whole training the ratio comes out near 1 or under,
# although blur adds to the distance: on the three camera clips the generator does not draw new cups, it draws
# these. (A sharp copier would be far lower.) Do not trust the number alone: look. Generated clips
# above, below each its nearest training clip.

# %% tags=["nbval-ignore-output"]
matches, _ = metrics.nearest_neighbours(fakes[:5], real_clips)
pairs = np.concatenate([fakes[:5, ::2], real_clips[matches, ::2]])
show.show_clip(
    show.label_grid(pairs, ["generated"] * 5 + ["nearest real"] * 5, columns=5, scale=2),
    fps=FPS / 2,
    alt="Two rows of five moving clips: generated ones above, below each the training clip nearest to it.",
)

# %%
gaps = fakes[:5].astype(float) - real_clips[matches]
apart = np.sqrt(np.mean(gaps**2, axis=(1, 2, 3, 4)))
print("no training clip is nearer:", np.allclose(apart, nearest_distances(fakes[:5], real_clips), rtol=1e-3))

# %% [markdown]
# ## What a small data set can and cannot do
# On the three camera clips the generator repeats pieces of what it saw, blurred: mostly the cup and the hand,
# which most clips show. A scene with only a clip or two may be missing altogether. Shifts and mirrors are all
# that is new. That is no bug: there was nothing else to learn from.
#
# | | a few videos | hundreds | millions |
# |---|---|---|---|
# | scenes | the ones you filmed | between those you filmed | ones that nobody filmed |
# | motion | replayed | recombined | followed from a description |
# | the score that misleads | distance to the training clips: copies are best | distance on few held-out clips | ratings by people: taste |
# | privacy | **a copy of your video**: do not share the model if you would not share the video | rare people can still be recognised | the same, and nobody knows who is in it |
#
# So what did you gain? A pipeline that you can trust: it takes a thousand videos just as it took three. And
# you know the levers (lesson 08). Start with more videos of the *same* kind.

# %% [markdown]
# ## Play with it
# Your own control panel. Blend walks from one of your scenes to another.

# %%
widgets.control_panel(generator)

# %% [markdown]
# ## Keep it, hand it on
# Eight clips, each tagged as generated in its metadata (lesson 06). Then everything into one archive.

# %%
clip_paths = generate.write_clips(generator, RESULTS / "clips", num_clips=8, suffix="gif", seed=SEED)
archive = shutil.make_archive(str(RESULTS / "clips"), "zip", RESULTS / "clips")
print("clips written:", len(clip_paths), "and packed into", Path(archive).name)

# %% [markdown]
# In Colab, this cell sends the archive and the generator to your own machine. Elsewhere they are there
# already.

# %%
try:
    from google.colab import files as browser
except ImportError:
    print(f"You are not in Colab: clips.zip and generator.keras are in the folder {RESULTS}.")
else:
    for path in (archive, saved):
        browser.download(str(path))

# %% [markdown]
# Three minutes were enough to see the idea. For a night of training use the command line. It keeps
# checkpoints, and goes on where it was killed:
#
# ```
# python -m vgcourse prepare my_videos my_store --size 64
# python -m vgcourse train my_store my_run --minutes 480
# python -m vgcourse train my_store my_run --resume
# python -m vgcourse generate my_run my_clips
# ```
#
# `prepare` makes no variants, and holds nothing out: move the videos for the evaluation elsewhere first.

# %% [markdown]
# ## Where the field is going
# The article ends with trends and challenges. It expects quality and realism to go on rising and applications
# to spread; both have happened. It also calls the GAN "the most common model" of video generation. That was
# true from about 2016 to 2021. It no longer is:
#
# | | GAN | diffusion | flow matching |
# |---|---|---|---|
# | learns to | fool a discriminator | take away noise, a little at a time | follow the straight way from noise to data |
# | loss | a game of two; may not settle | a regression; settles | a regression; settles |
# | passes of the network for a clip | **one** | tens to hundreds | a few to tens |
# | drops modes | easily | hardly | hardly |
# | video | VGAN 2016, MoCoGAN 2018, StyleGAN-V 2022 | Video Diffusion Models 2022, Sora 2024 | most open models since 2024 |
#
# Flow matching is so simple that it fits into a line. Draw noise $z$, take a real clip $x$, and connect them:
# $x_t = (1 - t)\, z + t\, x$. Along this line the velocity is $x - z$, and the network learns to predict it
# from $x_t$ and $t$ alone. (Here $t$ runs from 0, noise, to 1, data; it does not count frames.) To generate,
# start at noise and follow the velocity. With the true velocity, any number of steps arrives:

# %%
rng = np.random.default_rng(SEED)
z, x = rng.standard_normal((2, NUM_FRAMES, SIZE, SIZE, 3))  # noise, and in place of a clip more noise
point, num_passes = z, 10
for _ in range(num_passes):
    point = point + (x - z) / num_passes  # a real network sees only the point and the time
assert np.allclose(point, x)
assert np.allclose((1 - 0.3) * z + 0.3 * x, z + 0.3 * (x - z))  # the line is z plus t times the velocity
print(f"arrived after {num_passes} passes: True; a GAN needs 1")

# %% [markdown]
# GANs are not gone. One pass is what a phone needs, so large diffusion models are often *distilled* into a
# few steps, and what keeps those sharp is often a discriminator again. What you learnt here (codes,
# conditions, judges, scores) is of use with all of them.
#
# ### The challenges that the article names
# **Too little data.** You just met it. Augmentation helps (Zhao 2020, Karras 2020); so does starting from a
# model that was trained on much more. What is on the web is not free for the taking: licences, the rights of
# those who are shown, and videos that were themselves generated stand in the way.
#
# **Too much computing.** A clip has 16 times the pixels of a frame; a large model is trained for weeks on
# thousands of processors. Ways out: compress first and generate the codes (latent diffusion), look at few
# frames (lesson 05), and measure before you buy.
#
# **What it does not name.** Consent, disclosure and provenance (lessons 00 and 06): the better the pictures,
# the more these decide what the technology is worth. And evaluation: there is no accepted number yet for "the
# cup does not pass through the table".

# %% [markdown]
# ## Exercises
# ### Exercise 1: will it be enough?
# Before you film: how many clips of `num_frames` frames does a video of so many seconds give, read at `fps`
# frames per second, one clip after the other? Stuck? `check.hint("clips_in_video")`


# %% tags=["exercise"]
def clips_in_video(seconds, fps, num_frames):
    """Whole clips in a video without cuts."""
    # BEGIN SOLUTION
    return int(seconds * fps) // num_frames
    # END SOLUTION


# %%
check.clips_in_video(clips_in_video)

# %% [markdown]
# ### Exercise 2: who said yes?
# You kept a list of who is in which video, and a set of the people who agreed. Which videos may you train on?
# A video without people is fine. Stuck? `check.hint("allowed_videos")`


# %% tags=["exercise"]
def allowed_videos(people_in, agreed):
    """Sorted names of the videos that may be used.

    `people_in` is a dict from a file's name to a list of people, `agreed` a set of people.
    """
    # BEGIN SOLUTION
    return sorted(file for file, people in people_in.items() if set(people) <= agreed)
    # END SOLUTION


# %%
check.allowed_videos(allowed_videos)

# %% [markdown]
# ### Exercise 3: read the scores
# Write the rule by which you would judge a run. Return `"frozen"` if generated clips have under a quarter of
# the real motion energy; otherwise `"copies"` if their median distance to the training clips is under half
# of that of held-out clips; otherwise `"no fault found"`. Then apply it to your own run.
# Stuck? `check.hint("diagnose_run")`


# %% tags=["exercise"]
def diagnose_run(fake_energy, real_energy, fake_distance, heldout_distance):
    """One of "frozen", "copies", "no fault found"."""
    # BEGIN SOLUTION
    if fake_energy < real_energy / 4:
        return "frozen"
    if fake_distance < heldout_distance / 2:
        return "copies"
    return "no fault found"
    # END SOLUTION


# %%
check.diagnose_run(diagnose_run)

# %% [markdown]
# ## What goes wrong, and how you notice
# | what you see | why | what to do |
# |---|---|---|
# | "expected a usable video, received ... unusable ones" | all files too short, damaged or cut too often | read the reasons; fewer frames; film longer |
# | heads are cut off | the square is cropped from the centre | keep the subject in the middle |
# | people lie on their side | some program dropped the note to turn | `preprocess.rotate` |
# | all generated clips look the same | too few videos, or the generator collapsed | variants; more videos; lesson 08 |
# | it looks perfect | it copies | the ratio above; the nearest neighbours |
# | it shimmers but nothing moves | the motion is smaller than a pixel at 32x32 | film nearer; size 64 |
# | "a store already", "a run in the folder" | results of an earlier run | another folder, or `overwrite=True` |
# | everything is gone after a break | Colab's machine was taken back | Drive, before you train |
#
# ## You have
# - turned a folder of videos from a phone or webcam into a training set, and know what was left out and why;
# - trained a video GAN on it, and scored it without any labels;
# - kept and exported what you made, and can say what a small data set can and cannot do.
#
# ## References
# - Tero Karras et al. 2020, [Training generative adversarial networks with limited
#   data](https://arxiv.org/abs/2006.06676); Shengyu Zhao et al. 2020, [Differentiable augmentation for
#   data-efficient GAN training](https://arxiv.org/abs/2006.10738).
# - Jonathan Ho et al. 2020, [Denoising diffusion probabilistic models](https://arxiv.org/abs/2006.11239), and
#   2022, [Video diffusion models](https://arxiv.org/abs/2204.03458).
# - Yaron Lipman et al. 2023, [Flow matching for generative modeling](https://arxiv.org/abs/2210.02747).
# - Ivan Skorokhodov et al. 2022, [StyleGAN-V](https://arxiv.org/abs/2112.14683).
# - Nicholas Carlini et al. 2023, [Extracting training data from diffusion
#   models](https://arxiv.org/abs/2301.13188): large models copy, too.
#
# Next: [12 · Scale out](12_scale_out.ipynb), for when one machine is too slow. Or your own project: the
# [README](../README.md) lists the commands for longer trainings than a lesson can hold.
