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
# # 00 · Start here
# {badge}
#
# **What is video generation, and what will you make?**
#
# You will
# - find out whether your machine is ready, and play with a trained video generator;
# - see, and put a number on, what a video has that a pile of pictures does not;
# - get a map of the course, of what video generation is used for, and of what you owe to the people it shows.
#
# About 35 minutes, of which two cores compute for half a minute.

# %% tags=["setup"]
# In Colab this installs the course; elsewhere it does nothing.
from importlib.util import find_spec

if not find_spec("vgcourse"):
    # %pip install --quiet "vgcourse @ git+{repository}@v{version}"
    print("The course is installed.")

# %%
from vgcourse.classroom.start import path_picture, quiet

quiet()

import os
import platform
import tempfile
from importlib.metadata import requires, version
from pathlib import Path

import av
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from packaging.requirements import Requirement

from vgcourse import datasets, generate, show, video
from vgcourse.classroom import check, widgets
from vgcourse.evaluate import metrics

# %%
path_picture()

# %% [markdown]
# The data takes this path through the course, one or two stages a lesson. Today you start at its end and look
# at what comes out.

# %%
ACTION = "jack"  # the action of this lesson's example, a jumping jack
FPS = 10  # frames per second of the course's clips
SEED = 0  # every random choice below starts from it

# %% [markdown]
# ## Is everything in place?
# The course brings its data and its trained models along, so it needs no network and no GPU. It needs Python
# and a few packages. This cell asks the package what it needs, and Python what is here.

# %% tags=["nbval-ignore-output"]
needs = [Requirement(text) for text in requires("vgcourse")]
needs = [need for need in needs if need.marker is None]  # the rest is optional
found = {need.name: version(need.name) for need in needs}
for name, number in found.items():
    print(f"{name:12} {number}")
print(f"Python {platform.python_version()}, {os.cpu_count()} cores,", end=" ")
print(f"{len(tf.config.list_physical_devices('GPU'))} GPUs (none is needed)")

# %% [markdown]
# You need not compare the numbers yourself:

# %%
packages_fit = all(need.specifier.contains(found[need.name], prereleases=True) for need in needs)
data_is_here = (datasets.data_folder() / "actions" / "labels.csv").is_file()
print("You are ready to start:", packages_fit and data_is_here)

# %% [markdown]
# If it says `False`, or a cell above stopped with an error:
#
# | what you see | what to do |
# |---|---|
# | `No module named 'vgcourse'` | the notebook runs in another Python: start Jupyter with `uv run jupyter lab notebooks`, or run the setup cell in Colab |
# | `PackageNotFoundError`, or a version that does not fit | `uv sync` in the course's folder, then restart the kernel |
# | no data | the folder `data/` is missing: unpack or clone the course again, whole |
# | sliders show as text | the page is not connected to a kernel: open the notebook in JupyterLab or Colab |
# | everything is slow | close other programs; with a single core, allow about twice the time |

# %% [markdown]
# ## Look at the data first
# These are *real* clips: not filmed, but rendered by the course, from ten actions and eighty made-up people.
# A person keeps the same body, clothes and room in all ten. So every clip has two labels: **who** it shows,
# and **what** they do.

# %%
real = datasets.load_actions("test", num_frames=16, fps=FPS)
one_person = real.clips[real.actors == real.actors[0]]
looped = generate.loop_together(one_person, num_frames=10)  # cut where the end leads back to the start
grid = show.label_grid(looped, real.action_names, scale=1)
show.show_clip(grid, fps=FPS, alt="One rendered person doing ten actions: " + ", ".join(real.action_names))

# %%
print("clips, frames, height, width, colours:", real.clips.shape, real.clips.dtype)

# %% [markdown]
# ## And now: nobody
# A generator was trained on such clips. Nobody told it how a person is built. You load it and ask for ten new
# people. Nobody filmed them, nobody drew them, and none of them is in the data.

# %% tags=["nbval-ignore-output"]
generator = generate.load_generator()
people = generate.sample(generator, num_clips=10, seed=SEED)
looped = generate.loop_together(people, num_frames=10)
grid = show.label_grid(looped, generator.action_names, scale=1)
show.show_clip(grid, fps=FPS, alt="Ten generated people: " + ", ".join(generator.action_names))

# %% [markdown]
# Look at hands, feet and outlines: that is where it still fails. Is it any good, then? Ask a judge: a second
# network, trained on real clips alone, names the action that it sees. Guessing would be right in one of ten.

# %%
score = metrics.motion_control_score(people, np.arange(10))
print("the judge sees the action that was asked for, in 8 of 10 or more:", score >= 0.8)

# %% [markdown]
# ### What goes in
# Three things: the number of an action, a **content code** (who) and **motion noise** (how they move). Codes
# are nothing but random numbers, drawn from a bell curve. A seed says which.

# %%
content = generate.content_codes(generator, seeds=[7])
motion = generate.motion_noise(generator, seeds=[1])
dance = generate.make_clips(generator, content, motion, ["dance"])
print("numbers in: ", content.size + motion.size, "and the name of an action")
print("numbers out:", dance.size)

# %% [markdown]
# So a generator is a function. Same numbers in, same clip out; another content code, another person.

# %%
again = generate.make_clips(generator, content, motion, ["dance"])
someone_else = generate.make_clips(generator, generate.content_codes(generator, [8]), motion, ["dance"])
print("same numbers, same clip:", np.array_equal(dance, again))
print("another content code, another clip:", not np.array_equal(dance, someone_else))

# %% [markdown]
# ### Play
# First one clip as a sheet: time runs from left to right. Below it is the panel: choose an action, then drag
# the sliders. Keep the person and change the action; keep the action and change the person.


# %%
def draw(action, person, way_of_moving):
    """One generated clip as a picture."""
    who = generate.content_codes(generator, [person])
    how = generate.motion_noise(generator, [way_of_moving])
    clip = generate.make_clips(generator, who, how, [action])[0]
    return show.show_clip(clip, fps=FPS, alt=f"Generated person {person} doing: {action}.")


show.show_sheet(dance, ["dance"], every=3, alt="Generated person 7 dances: six frames from left to right.")

# %%
widgets.explore(draw, action=list(generator.action_names), person=(0, 99, 7), way_of_moving=(0, 99, 1))

# %% [markdown]
# How did it learn this? In short: one network, the **generator**, makes clips; a second one, the
# **discriminator**, learns to tell them from real ones; each gets better against the other. The pair is
# called a **GAN**, a generative adversarial network. The course builds one step by step. First: what does
# **time** add?

# %% [markdown]
# ## Image or video?
# *FAQ 1 of the article: what is the difference between video and image generation?* An image generator makes
# good frames, one by one. A video generator must also make them belong together. To see what that means,
# spoil a real clip in two ways. Here are eight people doing jumping jacks, at the full 25 frames a second.

# %%
rows = np.flatnonzero(real.actions == real.action_names.index(ACTION))
files = [datasets.data_folder() / "actions" / real.files[row] for row in rows]
takes = np.stack([video.read_clip(file, size=64) for file in files])  # (people, time, height, width, 3)
clip = takes[0]
print(takes.shape)

# %% [markdown]
# **Shuffled**: the very same frames, in a random order. **Independent**: frame by frame, a person drawn anew,
# as an image generator would make them.

# %%
rng = np.random.default_rng(SEED)
times = np.arange(len(clip))
shuffled = clip[rng.permutation(times)]
independent = takes[rng.integers(len(takes), size=len(times)), times]
three = {"a clip": clip, "shuffled": shuffled, "independent": independent}

# %%
show.show_grid(
    np.stack(list(three.values()))[:, :26:2],  # one jumping jack lasts 25 frames
    labels=list(three),
    fps=12.5,
    alt="Three moving pictures: a person doing jumping jacks; the same frames in a random order, the "
    "arms jumping about; and independent frames, another person and room in every one.",
)

# %% [markdown]
# Pause it. Each frame on its own is perfect in all three. A judge who looks at single frames cannot tell a
# clip from its shuffled self, whatever it measures: it sees the same pile of pictures.

# %%
same_pile = np.array_equal(np.sort(clip, axis=0), np.sort(shuffled, axis=0))
print("shuffled holds the same frames' values:", same_pile)
print("mean grey level of both:", round(clip.mean()), "and", round(shuffled.mean()))

# %% [markdown]
# ### See time
# Cut through time instead: take one row of pixels, at the height of the shins, from every frame, and stack
# these rows downwards. Things that move leave a trace.

# %%
row = 52  # of 64, counted from the top
figure = Figure(figsize=(8, 3), layout="constrained")
for axes, (name, frames) in zip(figure.subplots(1, 3), three.items(), strict=True):
    axes.imshow(frames[:, row], aspect="auto", interpolation="nearest")
    axes.set(title=name, xlabel="column (pixels)", ylabel="time (frames)")
show.figure(
    figure,
    alt="Row 52 of the picture over 50 frames, three times. A clip: smooth curves, legs swinging out and in. "
    "Shuffled: the same lines in disorder. Independent: stripes, another room and other legs in each.",
)

# %% [markdown]
# Left: legs that swing out and in draw smooth curves, and the wall behind stays the same. This continuity is
# what a video model has to learn on top of pictures.
#
# ### Put a number on it
# The mean absolute change from one frame to the next, in grey levels, is called **motion energy**:
#
# $$E(x) = \frac{1}{(T-1)\,H\,W\,C} \sum_{t=1}^{T-1} \sum_{h,w,c} \left| x_{t+1,h,w,c} - x_{t,h,w,c} \right|$$


# %%
def motion_energy(clip):
    """Mean absolute change between neighbouring frames; clip is uint8 (time, height, width, 3)."""
    frames = clip.astype(np.int16)  # in uint8, 3 - 5 would be 254
    return np.abs(frames[1:] - frames[:-1]).mean()


# The course has the same function, for several clips at once.
assert np.isclose(motion_energy(clip), metrics.motion_energy(clip[None]))

# %%
show.plot_bars(
    {name: round(motion_energy(frames)) for name, frames in three.items()},
    title="Motion energy",
    unit="grey levels",
)

# %% [markdown]
# More is not better, and less is not either: a frozen clip scores 0, noise scores high. A good score is one
# near that of real clips. A second number looks at what should stand still: **flicker**, the jumps in the
# quieter half of the picture (`metrics.flicker`).

# %%
energy = {name: motion_energy(frames) for name, frames in three.items()}
flicker = {name: metrics.flicker(frames[None]) for name, frames in three.items()}
print("out of order, neighbours differ more:", energy["shuffled"] > 1.5 * energy["a clip"])
print("the room of a clip stands still, under 1 grey level:", flicker["a clip"] < 1)
print("drawn one by one, it flickers, over 10:", flicker["independent"] > 10)

# %% [markdown]
# And the generator? Its people should move about as much as real ones, and its rooms should stand still. They
# still tremble a little, but far less than frames drawn one by one. How it learnt the first, and how it was
# built for the second, is the story of lesson 05.

# %%
ratio = metrics.motion_energy(people) / metrics.motion_energy(one_person)
print("its people move, at least half as much as real ones:", ratio > 0.5)
print("its rooms flicker less than half as much:", metrics.flicker(people) < flicker["independent"] / 2)

# %% [markdown]
# So the answer to FAQ 1: an image is a point in space; a video is a path. It has one more axis, `time`, and
# unlike a batch of images that axis has an order that means something. The model must remember who it draws,
# and know where the arm goes next. It also costs more: exercise 1 counts how much.

# %% [markdown]
# ## Where this course comes from
# It grew from an article (in Chinese) that walks through video generation in four steps. Its **background**:
# deep learning has learnt to make believable video, for film, advertising, virtual reality. Its **core
# idea**: a network learns from many videos what video looks like, then makes new ones; that ties it to
# computer vision (seeing) and image processing (preparing). Every section of it has a home here:
#
# | the article says | where you do it |
# |---|---|
# | background, core ideas, video versus images (FAQ 1), applications, tools | 00, here |
# | step 1: collect videos; crop, scale, rotate; ensure their quality | [01](01_preprocess_video.ipynb) |
# | step 2: extract features with a CNN (a convolutional neural network) | [02](02_cnn_features.ipynb) |
# | the mathematics: the minimax game; pros and cons of GANs (FAQ 2) | [03](03_gan_minimax.ipynb) |
# | the code example | [04](04_first_gan.ipynb): run as printed, seen failing, fixed |
# | step 3: train the GAN "on the extracted features" | [05](05_video_gan.ipynb) says why we train on pixels; [08](08_improve.ipynb) trains with features too |
# | step 4: generate new video | [06](06_generate.ipynb) |
# | how to improve quality (FAQ 3) | [08](08_improve.ipynb); [07](07_evaluate.ipynb) measures it |
# | its further reading, video to video | [09](09_video_to_video.ipynb) |
# | trends and challenges; "the most common model" | [10](10_flow_matching.ipynb); [11](11_your_videos.ipynb); what size costs: [12](12_scale_out.ipynb) |
#
# ### What we had to correct
# A course should say what it does not believe. Three things in the article are wrong:
# - its training loop updates the generator alone. The discriminator stays as random as it began (lesson 04);
# - it calls the generator's input `x` in the text and `z` in the formula, and the formula lacks a bracket.
#   Here `x` is a real clip and `z` noise, always (lesson 03);
# - it recommends a paper and a tutorial that we could not find anywhere (next table).
#
# ## Tools and resources
# | the article names | what we found |
# |---|---|
# | TensorFlow | The engine below this course: tensors, gradients, `tf.data`. Version 2.19 or newer. |
# | Keras, "TensorFlow's high-level API" | True until 2023. Keras 3 also runs on PyTorch and JAX. Here it runs on TensorFlow. |
# | "GANs for Beginners" | No such tutorial could be found. Goodfellow's own [tutorial of 2016](https://arxiv.org/abs/1701.00160) does what the title promises. |
# | "Video to Video: Second Order Generative Adversarial Networks" | No such paper could be found. Probably meant: *Video-to-Video Synthesis* (vid2vid), [Wang et al. 2018](https://arxiv.org/abs/1808.06601), which turns sketches, labels or poses into video; *Few-shot vid2vid*, [Wang et al. 2019](https://arxiv.org/abs/1910.12713), needs only a few pictures of the new person. [Lesson 09](09_video_to_video.ipynb) builds one. |
#
# We add: [PyAV](https://pyav.basswood-io.com) (FFmpeg for Python) reads and writes the videos, [TensorFlow
# Datasets](https://www.tensorflow.org/datasets) has public ones, and
# [ipywidgets](https://ipywidgets.readthedocs.io) makes the sliders.
#
# A lesson in itself: look a reference up before you pass it on. Language models, too, invent papers that
# sound right.

# %% [markdown]
# ## What is it used for?
# | field | what is generated | what to keep in mind |
# |---|---|---|
# | film (named by the article) | previews of a scene, crowds, backgrounds, younger actors, dubbing that fits the lips | whose face and voice, and did they agree? |
# | advertising (named) | variants of a spot, products in rooms that were never built | a generated product must not promise what the real one lacks |
# | virtual reality (named) | people and places around you | a headset shows about 90 frames a second: models must be fast |
# | games, animation | motion of characters; pose in, picture out | artists' work is the training data |
# | science and engineering | rare traffic scenes for self-driving cars, weather ahead, "world models" for robots | what was not in the data is not in the model |
# | video calls | faces rebuilt from a few numbers, to save bandwidth | an invented detail looks as real as a seen one |
# | teaching | this course | |
#
# The generator above is small: 64 by 64 pixels, people made of capsules. The large ones take the same path
# with far more data and computing, and since about 2022 most are trained in another way (diffusion: lesson
# 10).

# %% [markdown]
# ## People who do not exist, and people who do
# The people in this course cannot be hurt: they are capsules, made by a program. Put films of real people
# through the same code, and you make a **deepfake**: a video of someone doing what they never did. Most harm
# is done with little skill: intimate pictures without consent, a "call" from the boss, a politician's
# "speech".
#
# Three rules for this course, and they travel well:
# 1. **Consent.** Film, collect and generate people only if they agreed to *this* use, and can take it back.
# 2. **Disclosure.** Whoever looks must know that it was generated. Say it in the picture or beside it, and in
#    the file.
# 3. **No real faces.** Nothing here needs one.
#
# The law is moving the same way. The EU's AI Act (Article 50) asks that generated media be marked so that
# machines can read it and that deepfakes be disclosed; China's labelling rules of 2025 ask for a visible
# label and one in the metadata. Look up what holds where you live.
#
# Rule 2 in code: every export of this course carries a tag in its metadata.


# %%
def read_tag(path):
    """The comment in a video file's metadata; empty if there is none."""
    with av.open(str(path)) as container:
        return container.metadata.get("comment", "")


folder = tempfile.TemporaryDirectory()
tagged = Path(folder.name) / "tagged.mp4"
video.write_video(tagged, dance[0], fps=FPS, comment=generate.COMMENT)
print(read_tag(tagged))

# %% [markdown]
# Is that enough? No. Anyone can save the pixels again, and so do many websites when you upload a video.

# %%
copied = Path(folder.name) / "copy.mp4"
video.write_video(copied, video.read_clip(tagged), fps=FPS)
print("the tag survives saving the pixels again:", read_tag(copied) == generate.COMMENT)
folder.cleanup()

# %% [markdown]
# A tag helps honest people stay honest; it stops no liar. Signed provenance ([C2PA](https://c2pa.org)) makes
# a tag hard to forge, watermarks in the pixels survive some copying, detectors catch some fakes for a while.
# None of them is proof, and a missing tag proves nothing.

# %% [markdown]
# ## The thirteen lessons
# | lesson | question | trains |
# |---|---|---|
# | **00 start here** | What is video generation, what will I make? | no |
# | [01 from a file to a tensor](01_preprocess_video.ipynb) | From a file to a tensor: how do videos become training data? | no |
# | [02 CNN features](02_cnn_features.ipynb) | What does a CNN see in a clip? | yes |
# | [03 the minimax game](03_gan_minimax.ipynb) | What game do generator and discriminator play? | yes, in seconds |
# | [04 a first GAN](04_first_gan.ipynb) | Why does the article's loop fail, and what fixes it? | yes |
# | [05 a GAN that moves](05_video_gan.ipynb) | How does time come in? | yes |
# | [06 generate](06_generate.ipynb) | How do you steer what comes out? | no |
# | [07 evaluate](07_evaluate.ipynb) | Is it any good? | no |
# | [08 three levers](08_improve.ipynb) | Which lever helps, and which only sounds good? | yes |
# | [09 lend a person your motion](09_video_to_video.ipynb) | One picture of a stranger: can you make them dance? | yes |
# | [10 beyond GANs](10_flow_matching.ipynb) | How can one network, with no opponent, make videos? | yes |
# | [11 your videos](11_your_videos.ipynb) | And with your own films? | yes |
# | [12 scale out](12_scale_out.ipynb) | What changes on several machines, and what must not? | yes |
#
# They build on each other; 02 and 07 also stand alone. No lesson computes for more than five minutes on two
# cores.
#
# **How exercises work.** Each has a cell to fill in, a cell that checks it and a hint. A check prints one
# line: ○ nothing yet, ✗ not right and why, ✓ right. Nothing breaks if you skip one. Solutions are in
# `notebooks/solutions/`.

# %% [markdown]
# ### Exercise 1: what does video cost?
# Before compression, a pixel takes three bytes: red, green, blue. Write a function that says how many bytes a
# video takes. Then try it on a minute of full HD (1920 by 1080) at 30 frames a second: a generator has to
# make every one of them. A hint: `check.hint("raw_bytes")`.


# %% tags=["exercise"]
def raw_bytes(width, height, fps, seconds):
    """Bytes of an uncompressed RGB video."""
    # BEGIN SOLUTION
    return width * height * 3 * fps * seconds
    # END SOLUTION


# %%
check.raw_bytes(raw_bytes)

# %% [markdown]
# ### Exercise 2: there and back
# A clip that is shown over and over jumps where its end meets its start. A way out: play it forwards, then
# backwards. Show the two turning points once, not twice: from frames `0 1 2 3` make `0 1 2 3 2 1`. A hint:
# `check.hint("there_and_back")`.


# %% tags=["exercise"]
def there_and_back(clip):
    """The clip forwards, then backwards; `clip` has the axes (time, height, width, 3)."""
    # BEGIN SOLUTION
    return np.concatenate([clip, clip[-2:0:-1]])
    # END SOLUTION


# %%
check.there_and_back(there_and_back)

# %% [markdown]
# ### Exercise 3: put time back
# Someone shuffled a clip, all but its first frame. Put it in order: start with frame 0; then always go on to
# the frame, of those not yet used, that differs least from the current one. Return the list of indices. A
# hint: `check.hint("order_frames")`.


# %% tags=["exercise"]
def order_frames(frames):
    """Indices of shuffled frames in their order in time; `frames` is uint8 (time, height, width, 3)."""
    # BEGIN SOLUTION
    values = frames.astype(np.int16)  # so that differences do not wrap around at 0
    order, left = [0], list(range(1, len(frames)))
    while left:
        changes = [np.abs(values[k] - values[order[-1]]).mean() for k in left]
        order.append(left.pop(int(np.argmin(changes))))
    return order
    # END SOLUTION


# %%
check.order_frames(order_frames)

# %% [markdown]
# Try it on `shuffled` above. Does it bring back the jumping jack? Where two moments look alike, it takes the
# wrong turn: a single frame does not say whether the arms go up or down. Remember that for lesson 02.

# %% [markdown]
# ## What goes wrong, and how you notice
# - *A cell stops with `NameError`.* You skipped a cell above it. Run > Run All Above Selected Cell.
# - *The first clip takes seconds, the next one is there at once.* TensorFlow builds the generator's graph at
#   the first call.
# - *You judge a video by its frames.* The shuffled clip would get full marks. Always look at time, too.
# - *You judge motion by one number.* Noise has plenty of motion energy. Put flicker beside it, and real
#   clips.
# - *Your clips are not quite those of your neighbour.* Another processor rounds differently. Same machine,
#   same seed, same clip.

# %% [markdown]
# ## You have
# - found out whether your machine is ready, and played with a trained video generator;
# - seen, and put a number on, what a video has that a pile of pictures does not;
# - got a map of the course, of what video generation is used for, and of what you owe to the people it shows.
#
# ## References
# - Goodfellow et al. 2014, *Generative Adversarial Networks*, [arXiv
#   1406.2661](https://arxiv.org/abs/1406.2661)
# - Vondrick et al. 2016, *Generating Videos with Scene Dynamics*, the first video GAN, [arXiv
#   1609.02612](https://arxiv.org/abs/1609.02612)
# - Tulyakov et al. 2018, *MoCoGAN*: content and motion apart, [arXiv
#   1707.04993](https://arxiv.org/abs/1707.04993)
# - Wang et al. 2018, *Video-to-Video Synthesis*, [arXiv 1808.06601](https://arxiv.org/abs/1808.06601); Wang
#   et al. 2019, *Few-shot Video-to-Video Synthesis*, [arXiv 1910.12713](https://arxiv.org/abs/1910.12713)
# - Ho et al. 2022, *Video Diffusion Models*, [arXiv 2204.03458](https://arxiv.org/abs/2204.03458)
# - Mirsky and Lee 2021, *The Creation and Detection of Deepfakes: A Survey*, [arXiv
#   2004.11138](https://arxiv.org/abs/2004.11138)
#
# Next: [01 · From a file to a tensor](01_preprocess_video.ipynb)
