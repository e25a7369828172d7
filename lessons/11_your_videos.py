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
# - find out which of your films a generator left out, and give every film its place;
# - turn a folder of videos from a phone into a training set, train on it, and score it without a classifier;
# - keep and export what you made, and say honestly what a few films can give.
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
import numpy as np

# %%
from vgcourse import datasets, generate, preprocess, show, video
from vgcourse.classroom import budget, check, widgets
from vgcourse.datasets import VIDEO_SUFFIXES
from vgcourse.evaluate import metrics
from vgcourse.gan import make_gan
from vgcourse.training import save_generator, train, write_history

# %%
OUR_VIDEOS = datasets.data_folder() / "real"  # three camera films
YOUR_VIDEOS = Path("my_videos")  # yours go here, see section 3
RESULTS = Path("my_results")  # everything you make is kept here
SIZE = 32  # height and width of a frame in pixels
NUM_FRAMES = 16  # frames in a generated clip
FPS = 20  # frames per second: 16 frames last 0.8 s
FULL_STEPS = 3000  # about three minutes on two cores
STEPS = budget.steps(FULL_STEPS)
BATCH_SIZE = 8
SEED = 0


# %%
def clips_of(folder):
    """Clips a little larger and longer than the model needs."""
    room = {"size": SIZE + 4, "num_frames": NUM_FRAMES + 2}
    return datasets.clips_from_folder(folder, **room, fps=FPS)


def new_gan(names):
    """The video GAN of lesson 05, unchanged, in float32."""
    how = {"num_frames": NUM_FRAMES, "fps": FPS, "precision": "float32"}
    return make_gan(SIZE, names, **how, seed=SEED)


# %% [markdown]
# ## 1. Play first: who is missing?
# Here are three films in a folder: a city, a hand with a cup, a plant in the wind. Somebody trained the video
# GAN of lesson 05 on them, just like that.

# %%
films, _ = clips_of(OUR_VIDEOS)
scene = np.array([Path(file).stem for file in films.files])
scenes = np.unique(scene).tolist()
one_each = [list(scene).index(name) for name in scenes]
show.show_clip(
    show.label_grid(films.clips[one_each], scale=1),
    fps=FPS,
    zoom=4,
    alt="What went in: the towers of a city, a hand with a cup, a plant.",
)

# %%
saved = "checkpoints/lessons/11_your_videos-first_try.keras"
first_try = generate.load_generator(datasets.data_folder() / saved)
made = generate.sample(first_try, num_clips=64, seed=SEED)
print("clips generated:", len(made))

# %% [markdown]
# Before you look at what came out: it is asked for **64 clips**. How many will show the city, how many the cup,
# how many the plant? Write down three numbers. Then turn its knobs, and look for the plant.

# %%
widgets.control_panel(first_try)

# %% tags=["nbval-ignore-output"]
show.show_clip(
    show.label_grid(made[:12], columns=6, scale=1),
    fps=FPS,
    zoom=4,
    alt="What came out: twelve generated clips, blurred; nearly all a cup.",
)

# %% [markdown]
# Looking is a start. To count, find for each generated clip the training clip that it is nearest to, pixel by
# pixel, and note from which film that came. The training clips were shifted and mirrored a little (section 5),
# so we search among such variants.


# %%
def variant(clip, number):
    """Shifted by up to 4 pixels; every other one mirrored."""
    place = {"seed": [SEED, number]}
    moved = preprocess.random_crop(clip, SIZE, SIZE, **place)
    return moved[:, :, ::-1] if number % 2 else moved


def variants(clips, rows):
    """A variant of each of these rows of the clips."""
    made = np.zeros((len(rows), len(clips[0]), SIZE, SIZE, 3), np.uint8)
    for k, row in enumerate(rows):
        made[k] = variant(clips[row], k)
    return made


def held_out(files, share):
    """True for the last `share` of each film's clips, rounded."""
    counts, seen, last = Counter(files), Counter(), []
    for file in files:
        seen[file] += 1
        kept = counts[file] - round(share * counts[file])
        last.append(seen[file] > kept)
    return np.array(last)


# %%
rows = np.repeat(np.flatnonzero(~held_out(films.files, 0.25)), 8)
examples = variants(films.clips, rows)[:, :NUM_FRAMES]
print("training clips to compare with:", len(rows), "shifted and mirrored")
nearest, _ = metrics.nearest_neighbours(made, examples)
data_share = {name: np.mean(scene[rows] == name) for name in scenes}
made_share = {name: np.mean(scene[rows][nearest] == name) for name in scenes}

# %% tags=["nbval-ignore-output"]
print("film   share of the training clips   of the generated clips")
for name in scenes:
    print(f"{name:6} {data_share[name]:27.0%} {made_share[name]:24.0%}")

# %%
assert made_share["city"] < data_share["city"] / 2
assert made_share["cup"] > 1.3 * data_share["cup"]
print("the city has 43% of the data, and gets less than half of its share")

# %% [markdown]
# Did you bet on so few cities? Nothing was broken. The discriminator only asks whether a clip looks filmed, never
# whether all films have come. A cup on a white wall is easy to draw, a city is hard. So the generator drew what
# pays: that is **mode dropping**, from lesson 03, on your own data.
#
# ### Exercise 1: one number for coverage
# A table needs a reader. Make it one number: for each scene, its share of the generated clips over its share of
# the training clips; then take the **smallest** of them. 1 is fair, and 0 says that a scene was lost.
#
# `nearest[i]` is the training clip that generated clip i is nearest to, `scene_of[j]` the scene of training clip
# j, as a number from 0 on; every scene has training clips. Stuck? `check.hint("coverage")`


# %% tags=["exercise"]
def coverage(nearest, scene_of, num_scenes):
    """The smallest ratio of a scene's share generated to its share filmed."""
    # BEGIN SOLUTION
    came = np.asarray(scene_of)[np.asarray(nearest)]
    made = np.bincount(came, minlength=num_scenes) / len(nearest)
    real = np.bincount(scene_of, minlength=num_scenes) / len(scene_of)
    return (made / real).min()
    # END SOLUTION


# %%
check.coverage(coverage)

# %% [markdown]
# What would help? Train longer, and the cup gets sharper. The better remedy is to **say which film you mean**:
# give each one a name, as the actions had in lesson 05, and let each come equally often in training. The plant has
# a single clip. **Bet:** with a name of its own, will it come out? Section 6 has the answer. Now the whole way,
# from camera to clip.

# %%
path_picture()

# %% [markdown]
# ## 2. Before you film
# **People first.** Film people only if they agreed, and to *this*: that a model learns from the video and makes
# new ones that look like them. A yes to a holiday video is not a yes to that. Children cannot consent for
# themselves. A yes can be taken back, so note who is in which file. It is easiest to film things: a plant in the
# wind, a toy, your own hands, a shadow.
#
# **Then the model.** With few videos, leave little to learn:
# - put the phone against something; do not pan or zoom;
# - one subject, in the middle, on a plain background, in even light;
# - one motion that repeats (wave, swing, turn), 5 to 10 seconds at a time;
# - if there are several kinds of motion, a sub-folder for each: its name becomes the label.
#
# ### Exercise 2: who said yes?
# You kept a list of who is in which video, and a set of those who agreed. Which videos may you train on? One
# without people is fine. Stuck? `check.hint("allowed_videos")`


# %% tags=["exercise"]
def allowed_videos(people_in, agreed):
    """Sorted names of the videos that may be used.

    `people_in`: file name -> list of people. `agreed`: a set of people.
    """
    # BEGIN SOLUTION
    return sorted(f for f, who in people_in.items() if set(who) <= agreed)
    # END SOLUTION


# %%
check.allowed_videos(allowed_videos)

# %% [markdown]
# ## 3. Stop here: yours or ours?
# **Ours:** just go on. All below runs on the three films, in about four minutes. Do this first; you can film
# meanwhile.
#
# **Yours:** the next cell makes the folder `my_videos`, beside this notebook, with a note in it.
# 1. Put your videos there. A phone's clip is too large for the button, which takes 8 MB at a time: **drag it onto
#    the folder** in the file list on the left, in JupyterLab as in Colab.
# 2. Sub-folders are labels. To bring whole folders, pack them into a `.zip` of up to 200 MB and drag that. It is
#    unpacked below, labels and all.
# 3. In the cell after the button, set `USE_MINE = True`, and `LABELS`: `"folders"` if a sub-folder (or the whole
#    folder) is one subject; `"films"` if each film is another scene, as with ours.
# 4. Go on from there. Nothing leaves the machine on which this notebook runs.

# %%
widgets.upload_panel(YOUR_VIDEOS)

# %%
USE_MINE = False  # True: train on the videos in my_videos
LABELS = "films"  # or "folders"

# %%
if USE_MINE:
    print("unpacked:", widgets.unpack_videos(YOUR_VIDEOS))
folder = YOUR_VIDEOS if USE_MINE else OUR_VIDEOS
found = sorted(folder.rglob("*"))
files = [path for path in found if path.suffix.lower() in VIDEO_SUFFIXES]
if not files:
    raise ValueError("no video in my_videos yet: see steps 1 to 3 above")
print("training on", "your" if USE_MINE else "our", len(files), "films")

# %% [markdown]
# **In Colab, the machine and all files on it are gone** some time after you close the page. Write `True` to keep
# your results in your Google Drive. Elsewhere they stay in the folder `my_results`.

# %%
USE_DRIVE = False
if USE_DRIVE:
    from google.colab import drive

    drive.mount("/content/drive")
    RESULTS = Path("/content/drive/MyDrive/my_results")

# %% [markdown]
# ## 4. What did the camera write?
# Never train on what you have not looked at.


# %%
def describe(path):
    """One line about a video file, and its length in seconds."""
    try:
        info = video.probe(path)
    except video.VideoError:
        return f"{path.name:10} cannot be read", 0.0
    size = f"{info.width}x{info.height}, {info.fps:.1f} fps"
    codec = f"{info.codec}, turned by {info.rotation}"
    text = f"{path.name:10} {size}, {info.duration:.1f} s, {codec}"
    return text, info.duration


for path in files[:20]:
    print(describe(path)[0])

# %%
usable = [path for path in files if describe(path)[1] > 1.15]
looks = {"num_frames": 4, "fps": 4, "size": 96}
show.show_sheet(
    np.stack([video.read_clip(path, **looks) for path in usable[:4]]),
    [path.stem for path in usable[:4]],
    every=1,
    alt="Four frames of the first second of each film, a film a row: "
    + ", ".join(path.stem for path in usable[:4]),
)

# %% [markdown]
# Now ask for each film's faults, as in lesson 01. A cut is none here, since no clip will run across one. Leave
# black, frozen or blurred films out.

# %%
for path in usable[:20]:
    found = preprocess.quality_report(video.read_clip(path, fps=FPS, size=180))
    faults = [name for name, result in found.items() if result["fault"]]
    print(f"{path.name:10}", ", ".join(faults) or "0 faults")

# %% [markdown]
# ### What phones write
# Two things that phones do break naive code. They compress with **HEVC**. And when you hold them upright, they
# store the picture lying on its side, with a note that says "turn me". Let us make such a file, from a strip of the
# first film.


# %%
def film_like_a_phone(path, clip):
    """An upright clip as HEVC, on its side, with a note to turn it."""
    lying = preprocess.rotate(clip, 90)
    quiet = {"x265-params": "log-level=none"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options=quiet)
        stream.width, stream.height = lying.shape[2], lying.shape[1]
        stream.pix_fmt = "yuv420p"
        for frame in lying:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    data = bytearray(path.read_bytes())
    note = data.index(b"tkhd") + 44  # a 3x3 matrix in the track's header
    turn = 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30
    data[note : note + 36] = struct.pack(">9i", *turn)
    path.write_bytes(data)


# %%
scratch = tempfile.TemporaryDirectory()
messy = Path(scratch.name) / "messy"
messy.mkdir()
strip = {"num_frames": 24, "fps": 20, "size": (176, 96)}
upright = video.read_clip(usable[0], **strip)
film_like_a_phone(messy / "phone.mov", upright)
reread = video.read_clip(messy / "phone.mov")
error = np.abs(reread.astype(int) - upright).mean()
assert reread.shape == upright.shape
assert error < 8
print(describe(messy / "phone.mov")[0])
print("read back: under 8 of 255 grey levels from what was filmed")

# %% tags=["nbval-ignore-output"]
lying = preprocess.rotate(upright[:1], 90)
pair = np.full((1, 176, 96 + 8 + 176, 3), 255, np.uint8)
pair[:, :, :96] = reread[:1]
pair[:, 40 : 40 + 96, 104:] = lying
show.show_sheet(
    pair[None],
    every=1,
    alt="Left: the frame as the course reads it, upright. Right: the same "
    "frame as the file stores it, lying on its side.",
)

# %% [markdown]
# Real folders also hold files that are no videos, and videos that are too short. `clips_from_folder` leaves them
# out and says why. It crops the centre square and cuts long videos into clips.

# %%
(messy / "notes.mp4").write_text("A shopping list that somebody renamed.")
video.write_video(messy / "blink.gif", upright[:5], fps=25)
_, report = clips_of(messy)
for row in report:
    print(f"{row.file:10} {row.status:8} {row.clips} clips")
scratch.cleanup()

# %% [markdown]
# ## 5. Prepare

# %%
raw, report = clips_of(folder)
for row in report:
    print(f"{row.file:14} {row.status:8} {row.clips} clips")
if LABELS == "films":
    stems = [Path(file).stem for file in raw.files]
    names, label_of = np.unique(stems, return_inverse=True)
    raw = replace(raw, action_names=names.tolist(), actions=label_of)
names = list(raw.action_names)
print("labels:", names)

# %% [markdown]
# **Held-out clips** tell learning from copying: the model never sees them. Drawn at random they would be useless,
# since the clip half a second later shows nearly the same. So `held_out` takes the *end* of every film; a film with
# one clip is all for training. **Variants** make more of little. All frames of a clip get the same shift, or the
# picture would shake; drop the mirror if left and right matter. **Equal shares** are new: every label comes equally
# often, however many clips it has.


# %%
def equal_shares(labels, chosen, copies):
    """Rows of the chosen clips, every label `copies` times."""
    rows = []
    for label in np.unique(labels[chosen]):
        own = np.flatnonzero(chosen & (labels == label))
        rows += np.resize(own, copies).tolist()
    return np.array(rows, int)


def training_set(chosen, copies):
    """`Clips` of variants, with their labels."""
    rows = equal_shares(raw.actions, chosen, copies)
    parts = {"actions": raw.actions[rows], "actors": raw.actors[rows]}
    parts["files"] = tuple(raw.files[row] for row in rows)
    return replace(raw, clips=variants(raw.clips, rows), **parts)


# %%
is_new = held_out(raw.files, 0.25)
training = training_set(~is_new, 40)
new = training_set(is_new, 40)
print("label   clips to train on   held out   variants")
for k, name in enumerate(names):
    own = raw.actions == k
    counts = np.sum(own & ~is_new), np.sum(own & is_new)
    copies = np.sum(training.actions == k)
    print(f"{name:7} {counts[0]:17} {counts[1]:10} {copies:10}")

# %%
four = training.clips[-4:, :NUM_FRAMES]
show.show_clip(
    show.label_grid(four, columns=4, scale=1),
    fps=FPS,
    zoom=4,
    alt="Four variants of one clip: shifted, mirrored, shifted, mirrored.",
)

# %% [markdown]
# ### What to expect
# You can say a good deal before you train. How many clips are there, and how often will each be seen? A network
# that sees the same 0.8 seconds hundreds of times learns them by heart. The limits below are rules of thumb, from
# what you will see in this lesson.


# %%
def forecast(name, num_clips, num_labels):
    """What that many clips of a label will give; a line of text."""
    seen = FULL_STEPS * BATCH_SIZE / num_labels / num_clips
    if num_clips < 3:
        gives = "that very clip, again and again"
    elif num_clips < 100:
        gives = "pieces of these clips, blurred; nothing new"
    else:
        gives = "perhaps something new; the copy check decides"
    return f"{name}: {num_clips} clips, each seen {seen:.0f} times: {gives}"


for k, name in enumerate(names):
    own = np.sum((raw.actions == k) & ~is_new)
    print(forecast(name, own, len(names)))
print(forecast("five 8-second films of a cat", 5 * 8, 1))

# %% [markdown]
# ### Exercise 3: will it be enough?
# How many clips of `num_frames` frames does a video of so many seconds give, read at `fps` frames per second, one
# clip after the other? Then: how many films of a cat take you over 100 clips? Stuck?
# `check.hint("clips_in_video")`


# %% tags=["exercise"]
def clips_in_video(seconds, fps, num_frames):
    """Whole clips in a video without cuts."""
    # BEGIN SOLUTION
    return int(seconds * fps) // num_frames
    # END SOLUTION


# %%
check.clips_in_video(clips_in_video)

# %% [markdown]
# ### Keep it: the store
# A store is a folder of checked, uncompressed clips. Training reads from it, here and on a cluster, and nobody has
# to prepare the videos again.

# %%
store = datasets.save_clips(RESULTS / "store", training, overwrite=True)
loaded = datasets.load_clips(store)
assert np.array_equal(loaded.clips, training.clips)
print(f"read back, bit for bit: {len(loaded)} of {len(training)} clips")

# %% [markdown]
# ## 6. Train
# Six clips appear here and change while the training runs. Watch for three moments: colours, then shapes, then
# motion. Which film is first to be recognised?

# %%
gan = new_gan(training.action_names)
untrained = generate.sample(gan.ema_generator, num_clips=60, seed=SEED)
budget.warm_start(gan, "11_your_videos")
target, history = int(gan.step) + STEPS, []
live = widgets.LivePicture()
live


# %% tags=["nbval-ignore-output", "warm-gan"]
def look(gan):
    """Show six clips of the averaged generator, label after label."""
    made = generate.sample(gan.ema_generator, num_clips=6, seed=SEED)
    picture = show.show_grid(made, columns=6, fps=FPS, alt="Six clips.")
    live.show(picture, f"step {int(gan.step)} of {target}")


how = {"steps": target, "batch_size": BATCH_SIZE}
history = train(gan, store, **how, history=history, on_sample=look)

# %% [markdown]
# Save at once, before anything else can go wrong.

# %%
generator = gan.ema_generator
saved = save_generator(gan, RESULTS)
write_history(RESULTS, history)
assert int(gan.step) == target
assert np.isfinite(history[-1]["g_loss"])
print(f"2 files kept: {saved.name}, history.csv")

# %% [markdown]
# A row for each label, in the order of the table above: two real clips, then two generated ones. Did you win your bet?

# %% tags=["nbval-ignore-output"]
asked = np.repeat(names[:3], 20)
want = {"num_clips": len(asked), "actions": list(asked)}
fakes = generate.sample(generator, **want, seed=SEED)
cells = []
for name in names[:3]:
    real = training.clips[training.actions == names.index(name)]
    cells += [*real[[0, -1], :NUM_FRAMES], *fakes[asked == name][:2]]
show.show_clip(
    show.label_grid(np.stack(cells), columns=4, scale=1),
    fps=FPS,
    zoom=4,
    alt="Rows of " + ", ".join(names[:3]) + ": two real clips, two made.",
)

# %% [markdown]
# ## 7. Score it without a classifier
# Lesson 07 asked a classifier for the action. It knows ten actions of drawn people, and your films show something
# else: its answer would mean nothing. Three questions are left. Does what was asked for come? Does it move? Is it
# copied?
#
# The first is the count of section 1, label by label. *Motion energy* is the mean change from frame to frame:
# frozen clips have 0, and far more than real ones means shimmer. For copies, compare two distances to the nearest
# training clip: that of generated clips, and that of held-out ones, which shows how far away *new* is.


# %%
def distances(clips):
    """To the nearest training clip, and that clip's place."""
    known = training.clips[:, :NUM_FRAMES]
    nearest, apart = metrics.nearest_neighbours(clips, known)
    return np.median(apart), nearest


def score(name, clips):
    """Scores of the clips that were asked for by this label."""
    k = names.index(name)
    real = training.clips[training.actions == k, :NUM_FRAMES]
    fresh = new.clips[new.actions == k, :NUM_FRAMES]
    apart, nearest = distances(clips)
    return {
        "came": np.mean(training.actions[nearest] == k),
        "energy": metrics.motion_energy(clips),
        "real energy": metrics.motion_energy(real),
        "distance": apart,
        "held-out distance": distances(fresh)[0] if len(fresh) else np.nan,
    }


# %%
scores = {name: score(name, fakes[asked == name]) for name in names[:3]}
before = distances(untrained)[0]
print("labels scored:", len(scores), "by 20 clips each")

# %% tags=["nbval-ignore-output"]
print(" " * 18 + "".join(f"{name:>9}" for name in scores))
for column in next(iter(scores.values())):
    cells = (f"{row[column]:9.2f}" for row in scores.values())
    print(f"{column:18}" + "".join(cells))
print(f"distance of the untrained generator: {before:.1f}")


# %%
def verdict(text, holds):
    """With our films it must hold; with yours it is a finding."""
    assert holds or USE_MINE, text
    print(text if holds else f"NOT with these films: {text}")


share = min(row["came"] for row in scores.values())
moves = min(row["energy"] / row["real energy"] for row in scores.values())
near = max(row["distance"] for row in scores.values())
verdict("of each label, over 6 in 10 clips show what was asked", share > 0.6)
verdict("each label moves at least 1/4 as much as real clips", moves > 0.25)
verdict("each label is nearer to real clips than at step 0", near < before)

# %% [markdown]
# A film with one clip has no held-out clips, so "nan": nobody can say how far away new is. You can look, though.
# Generated clips above, below each its nearest training clip:

# %% tags=["nbval-ignore-output"]
some = np.flatnonzero(np.arange(len(asked)) % 20 < 2)[:6]
match = training.clips[distances(fakes[some])[1], :NUM_FRAMES]
pairs = np.concatenate([fakes[some], match])
show.show_clip(
    show.label_grid(pairs, columns=6, scale=1),
    fps=FPS,
    zoom=4,
    alt="Generated clips above, below each its nearest training clip.",
)

# %%
gaps = fakes[some].astype(float) - match
apart = np.sqrt(np.mean(gaps**2, axis=(1, 2, 3, 4)))
found = metrics.nearest_neighbours(fakes[some], match)[1]
assert (found <= apart + 1e-3).all()
print(f"pairs compared by hand: {len(some)}; none is nearer than was found")

# %% [markdown]
# Every cup that comes was filmed, and so was every leaf. The generator blurs and shifts what it saw. That is no bug:
# with a clip or seven there is nothing else to learn.
#
# ### Exercise 4: read the scores
# Write the rules by which you would judge a run. Return a list of all faults, in this order; an empty list if there
# is none.
#
# | fault | when |
# |---|---|
# | `"frozen"` | under a quarter of the real motion energy |
# | `"shimmers"` | over one and a half times the real motion energy |
# | `"copies"` | median distance to the training clips under half of that of held-out clips |
# | `"lost a scene"` | coverage under one half |
#
# Then read what your rules say of both runs below. Is there a fault that you *see* and that none of the four rules
# finds? Write a fifth. Stuck? `check.hint("diagnose_run")`


# %% tags=["exercise"]
def diagnose_run(energy, real_energy, distance, new_distance, coverage):
    """A list of what is wrong with a run; empty if nothing was found."""
    # BEGIN SOLUTION
    rules = {
        "frozen": energy < real_energy / 4,
        "shimmers": energy > 1.5 * real_energy,
        "copies": distance < new_distance / 2,
        "lost a scene": coverage < 0.5,
    }
    return [fault for fault, found in rules.items() if found]
    # END SOLUTION


# %%
check.diagnose_run(diagnose_run)


# %%
def facts(clips, real, fresh, real_share, its_share):
    """What `diagnose_run` wants to know of a run, in its order."""
    return (
        metrics.motion_energy(clips),
        metrics.motion_energy(real),
        np.median(metrics.nearest_neighbours(clips, real)[1]),
        np.median(metrics.nearest_neighbours(fresh, real)[1]),
        min(its_share[name] / real_share[name] for name in real_share),
    )


last = np.flatnonzero(held_out(films.files, 0.25))
fresh = variants(films.clips, np.repeat(last, 8))[:, :NUM_FRAMES]
runs = {"first try": facts(made, examples, fresh, data_share, made_share)}
if is_new.any():
    label = training.actions[distances(fakes)[1]]
    came = {k: np.mean(label == k) for k in range(len(names[:3]))}
    equal = dict.fromkeys(came, 1 / len(came))
    known, fresh = training.clips, new.clips
    known, fresh = known[:, :NUM_FRAMES], fresh[:, :NUM_FRAMES]
    runs["with names"] = facts(fakes, known, fresh, equal, came)

# %% tags=["nbval-ignore-output"]
print("            energy  real  distance  new  coverage   diagnosis")
for name, row in runs.items():
    numbers = "  ".join(f"{value:6.2f}" for value in row)
    print(f"{name:10} {numbers}  {diagnose_run(*row)}")

# %%
assert runs["first try"][-1] < 0.5
covered = runs.get("with names", [0])[-1]
verdict("coverage: first try under 0.5, with names over 0.5", covered > 0.5)

# %% [markdown]
# Same films, same network, and the first try had half the steps. What changed most is that every film has a name and an equal share. So
# before you look for a better network, look at what your data says to the one you have.
#
# ## 8. What a few films can and cannot do
# | | a few videos | hundreds | millions |
# |---|---|---|---|
# | scenes | the ones you filmed, and only those you name | between those you filmed | ones that nobody filmed |
# | motion | replayed | recombined | followed from a description |
# | the score that misleads | distance to the training clips: copies are best | distance on few held-out clips | ratings by people: taste |
# | privacy | **a copy of your video**: do not share the model if you would not share the video | rare people can still be recognised | the same, and nobody knows who is in it |
#
# The pipeline takes a thousand videos just as it took three. Start with more of the *same* subject: they raise the
# number in the forecast, and new subjects do not.
#
# ### Play with it
# Your own control panel. The menu says which film; blend walks from one code to another.

# %%
widgets.control_panel(generator)

# %% [markdown]
# ### Keep it, hand it on
# Eight clips, each tagged as generated in its metadata (lesson 06), packed into one archive. In Colab the second
# cell sends it to your own machine.

# %%
out = RESULTS / "clips"
count = {"num_clips": 8, "suffix": "gif", "seed": SEED}
clip_paths = generate.write_clips(generator, out, **count)
archive = shutil.make_archive(str(out), "zip", out)
print(f"{len(clip_paths)} clips written and packed: {Path(archive).name}")

# %%
try:
    from google.colab import files as browser
except ImportError:
    print(f"Not in Colab: clips.zip and {saved.name} are in {RESULTS}.")
else:
    for path in (archive, saved):
        browser.download(str(path))

# %% [markdown]
# For a night of training use the command line. It keeps checkpoints, and goes on where it was killed. `prepare`
# takes the labels from sub-folders; it makes no variants and holds nothing out.
#
# ```
# python -m vgcourse prepare my_videos my_store --size 64
# python -m vgcourse train my_store my_run --minutes 480
# python -m vgcourse train my_store my_run --resume
# python -m vgcourse generate my_run my_clips
# ```
#
# ## 9. What people use today
# Nobody who wants a *good* video of their cat trains from nothing. They take a large model that has seen millions of
# videos, and **fine-tune** it: a few million added weights (LoRA) learn the cat, the rest stays. What does that take?
# We have not run it, since it does not fit on the computers this course is for. This is what the projects themselves
# write (read in December 2026; they change every few months):
#
# | model | memory of the graphics card | data and steps | licence |
# |---|---|---|---|
# | [CogVideoX-2B](https://github.com/huggingface/diffusers/tree/main/examples/cogvideo), 49 frames of 720x480 (notes of 2024) | about 46 to 52 GB | 25 videos and 2,000 steps "could also be sufficient"; its authors advise 100 and 4,000 | Apache 2.0; the 5B model has its own |
# | [LTX-Video](https://github.com/huggingface/finetrainers), 49 frames of 768x512 (notes of early 2025) | about 18 GB; 11 GB if all is encoded beforehand and nothing is sampled meanwhile | 3,000 steps in the example | its own; read that of the version you load |
# | [Wan 2.1, 1.3B](https://github.com/Wan-Video/Wan2.1) | not stated there for training | | Apache 2.0 |
# | [HunyuanVideo](https://huggingface.co/tencent/HunyuanVideo/blob/main/LICENSE) | | | its own; it does not apply in the EU, the UK and South Korea |
#
# None of them states hours. Find out before you rent: run ten steps, take the time of one, multiply by 2,000, and by
# the price of an hour. And note what stays: 25 videos of one subject, consent, held-out clips, a look at who is
# missing. A fine-tuned model copies your films just as gladly (Carlini 2023), only sharper.
#
# ### The challenges that the article names
# **Too little data.** You just met it. Augmentation helps, and so does starting from a model that was trained on much
# more. But what is on the web is not free for the taking: licences, the rights of those who are shown, and videos that
# were themselves generated stand in the way.
#
# **Too much computing.** Compress first and generate the codes, look at few frames (lesson 05), and measure before
# you buy (lesson 12).
#
# **What it does not name.** Consent, disclosure and provenance (lessons 00 and 06): the better the pictures, the more
# these decide what the technology is worth. And there is no accepted number yet for "the cup does not pass through
# the table".

# %% [markdown]
# ## What goes wrong, and how you notice
# | what you see | why | what to do |
# |---|---|---|
# | one film fills all clips | it is the easiest to draw, and no film has a name | count (section 1); `LABELS = "films"` |
# | "expected a usable video, received ... unusable ones" | all files too short, damaged or cut too often | read the reasons; film longer |
# | heads are cut off | the square is cropped from the centre | keep the subject in the middle |
# | people lie on their side | some program dropped the note to turn | `preprocess.rotate` |
# | all clips of a label look the same | it has one clip, or the generator collapsed | the forecast; more films of it |
# | it looks perfect | it copies | the nearest training clips |
# | it shimmers but nothing moves | the motion is smaller than a pixel at 32x32 | film nearer; size 64 |
# | "a store already", "a run in the folder" | results of an earlier run | another folder, or `overwrite=True` |
# | everything is gone after a break | Colab's machine was taken back | Drive, before you train |
#
# ## You have
# - found out which of your films a generator left out, and given every film its place;
# - turned a folder of videos from a phone into a training set, trained on it, and scored it without a classifier;
# - kept and exported what you made, and can say honestly what a few films can give.
#
# ## References
# - Tero Karras et al. 2020, [Training generative adversarial networks with limited
#   data](https://arxiv.org/abs/2006.06676); Shengyu Zhao et al. 2020, [Differentiable augmentation for
#   data-efficient GAN training](https://arxiv.org/abs/2006.10738).
# - Edward Hu et al. 2021, [LoRA](https://arxiv.org/abs/2106.09685): to fine-tune by few added weights.
# - Zhuoyi Yang et al. 2024, [CogVideoX](https://arxiv.org/abs/2408.06072), one of the open video models.
# - Nicholas Carlini et al. 2023, [Extracting training data from diffusion
#   models](https://arxiv.org/abs/2301.13188): large models copy, too.
#
# Next: [12 · Scale out](12_scale_out.ipynb), for when one machine is too slow. Or your own project: the
# [README](../README.md) lists the commands for longer trainings than a lesson can hold.
