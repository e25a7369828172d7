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
# - play with a trained video generator, and find out whether your machine is ready;
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
from matplotlib.figure import Figure
from packaging.requirements import Requirement

from vgcourse import datasets, generate, show, video
from vgcourse.classroom import check, widgets
from vgcourse.evaluate import metrics

# %% [markdown]
# ## 1. Real or generated?
# Two rows of people. One row was rendered by a program, joint by joint. The other was made by a neural network
# that turns random numbers into video, and nobody told it what a joint is. **Which row is generated, A or B?
# Look at the hands.**

# %%
ACTION = "jack"  # the action of this lesson's example, a jumping jack
FPS = 10  # frames per second of the course's clips
SEED = 0  # every random choice below starts from it
THREE = ["walk", "jack", "wave2"]
real = datasets.load_actions("test", num_frames=16, fps=FPS)
generator = generate.load_generator()
made = generate.sample(generator, num_clips=3, actions=THREE, seed=SEED)


# %%
def real_clip(action, person=0):
    """A rendered person's clip of an action."""
    label = real.action_names.index(action)
    return real.clips[real.actions == label][person]


# %% tags=["nbval-ignore-output"]
rendered = [real_clip(action, 2 + k) for k, action in enumerate(THREE)]
rows = made, np.array(rendered)
six = [generate.loop_together(row, num_frames=10) for row in rows]
labels = [f"{row}: {action}" for row in "AB" for action in THREE]
alt = "Six people in two rows; each row: walk, jack, wave2."
show.show_grid(np.concatenate(six), labels=labels, columns=3, fps=FPS, alt=alt)

# %%
print(f"{len(made)} of the 6 are generated, {len(rendered)} are rendered")


# %% [markdown]
# Row A is generated. Its forearms smear when they move, its outlines are soft, its walls tremble a little. But
# everybody does what they should, and none of these people is in the data.
#
# Now ask for others. Keep the person and change the action; keep the action and change the person. What does
# `start` change? Watch the first moment of the clip.


# %%
def draw(action, person, start):
    """One generated clip as a picture."""
    who = generate.content_codes(generator, [person])
    how = generate.motion_noise(generator, [start])
    clip = generate.make_clips(generator, who, how, [action])
    grid = show.label_grid(clip, [f"person {person}: {action}"], scale=3)
    alt = f"Generated person {person} doing: {action}."
    return show.show_clip(grid, fps=FPS, alt=alt)


# %% tags=["nbval-ignore-output"]
draw("dance", person=7, start=1)


# %%
actions = list(generator.action_names)
print(f"{len(actions)} actions, 100 people")
widgets.explore(
    draw,
    action=actions[::-1],
    person=(0, 99, 7),
    start=(0, 99, 1),
)


# %% [markdown]
# `start` is noise for the movement, and what it mostly sets is the moment at which the action begins. The
# movement itself hardly changes: this generator knows one way to walk.

# %%
path_picture()


# %% [markdown]
# This is the path that data takes through the course, one or two stages a lesson. You have begun at its end.
#
# ## 2. What goes in, what comes out
# Three things go in: the number of an action, a **content code** (who) and **motion noise** (how they move).
# Codes are nothing but random numbers, drawn from a bell curve. A seed says which.

# %%
content = generate.content_codes(generator, seeds=[7])
motion = generate.motion_noise(generator, seeds=[1])
dance = generate.make_clips(generator, content, motion, ["dance"])
inputs = content.size + motion.size
print(f"numbers in:  {inputs:7,} and the name of an action")
print(f"numbers out: {dance.size:7,}")


# %% [markdown]
# So a generator is a function. The same numbers in give the same clip. How much changes with another code?

# %% tags=["nbval-ignore-output"]
other = generate.content_codes(generator, seeds=[8])
inputs = {
    "the same numbers again": (content, motion, ["dance"]),
    "another content code": (other, motion, ["dance"]),
    "another action": (content, motion, ["walk"]),
}
change = {}
for name, numbers in inputs.items():
    clip = generate.make_clips(generator, *numbers)
    change[name] = size = np.abs(clip - dance.astype(float)).mean()
    print(f"{name:22} changes a pixel by {size:4.1f} grey levels")


# %%
assert change["the same numbers again"] == 0
assert change["another content code"] > 1
print("the same numbers again: a difference of 0")


# %% [markdown]
# Does it do what it is asked? A judge, a second network trained on rendered clips alone, names the action
# that it sees in ten generated clips. Then two numbers that need no judge: how much a pixel changes from frame
# to frame, and how much the still walls flicker (section 3 explains both).

# %% tags=["nbval-ignore-output"]
people = generate.sample(generator, num_clips=10, seed=SEED)
one_person = real.clips[real.actors == real.actors[0]]
right = 10 * metrics.motion_control_score(people, np.arange(10))
print(f"the judge names {right:.0f} of 10 actions; guessing gives 1")
print(f"{'':10} motion  flicker   (grey levels)")
for name, shown in {"generated": people, "real": one_person}.items():
    sizes = metrics.motion_energy(shown), metrics.flicker(shown)
    print(f"{name:10} {sizes[0]:6.1f} {sizes[1]:8.2f}")


# %%
assert right >= 8
ratio = metrics.motion_energy(people) / metrics.motion_energy(one_person)
assert 0.5 < ratio < 3
print("8 or more of 10 actions are recognised")


# %% [markdown]
# The actions are right. But generated clips change half as much again as real ones, and their walls flicker
# several times as much: the trembling that you saw. Being recognised is not the same as being good.
#
# How did it learn this? One network, the **generator**, makes clips. A second one, the **discriminator**, learns
# to tell them from real ones. Each gets better against the other. The pair is called a **GAN**, a generative
# adversarial network. The course builds one step by step.
#
# ## 3. Image or video?
# *What is the difference between image and video generation?* asks the article from which this course grew (more
# of it at the end). An image generator makes good frames, one by one. A video generator must make them belong
# together. To see what that means, spoil a clip in two ways:
#
# - **shuffled**: the very same frames in random order, only the first one in its place;
# - **independent**: in each frame another person at another moment, as an image generator would draw them.

# %%
rows = np.flatnonzero(real.actions == real.action_names.index(ACTION))
folder = datasets.data_folder() / "actions"
files = [folder / real.files[row] for row in rows]
takes = np.stack([video.read_clip(file, size=64) for file in files])
print("people, frames (25 a second), height, width, colours:", takes.shape)


# %%
rng = np.random.default_rng(SEED)
clip = takes[0]
shuffled = clip[[0, *rng.permutation(np.arange(1, len(clip)))]]
anyone = rng.integers(len(takes), size=len(clip))
independent = takes[anyone, rng.integers(len(clip), size=len(clip))]
three = {"a clip": clip, "shuffled": shuffled, "independent": independent}


# %%
alt = "A jack; its frames in random order; independent frames of a jack."
grid = np.stack(list(three.values()))[:, :26:2]  # one jump lasts 25 frames
show.show_grid(grid, labels=list(three), fps=12.5, alt=alt)


# %% [markdown]
# Every single frame is perfect in all three. So who judges frames one by one cannot tell a clip from its
# shuffled self, whatever they measure: the pile of pictures is the same. What *can* tell? Guess which of the
# three has the largest value of this, the **motion energy**, the mean change from one frame to the next:
#
# $$E(x) = \frac{1}{(T-1)\,H\,W\,C} \sum_{t=1}^{T-1} \sum_{h,w,c} \left| x_{t+1,h,w,c} - x_{t,h,w,c} \right|$$


# %%
def motion_energy(clip):
    """Mean absolute change between neighbouring frames; clip is uint8."""
    frames = clip.astype(np.int16)  # in uint8, 3 - 5 would be 254
    return np.abs(frames[1:] - frames[:-1]).mean()


# %%
assert np.isclose(motion_energy(clip), metrics.motion_energy(clip[None]))
print(f"{'':12} mean grey  motion energy  flicker")
for name, frames in three.items():
    numbers = motion_energy(frames), metrics.flicker(frames[None])
    energy, flicker = numbers
    print(f"{name:12} {frames.mean():9.0f} {energy:14.1f} {flicker:8.1f}")


# %% [markdown]
# The mean grey level of the shuffled clip is that of the clip. Its motion energy is nearly twice as large. A
# good score is not a high one but one near that of real clips: a frozen clip has energy 0, noise has a lot.
# **Flicker** looks at what should stand still, the quieter half of the picture (`metrics.flicker`).
#
# ### See time
# Cut through time: take one row of pixels, at the height of the shins, from every frame, and stack these rows
# downwards. Things that move leave a trace.

# %%
row = 52  # of 64, counted from the top
figure = Figure(figsize=(8.6, 3.4), layout="constrained")
for axes, name in zip(figure.subplots(1, 3), three, strict=True):
    axes.imshow(three[name][:, row], aspect="auto", interpolation="nearest")
    axes.set(title=name, xlabel="column (pixels)", ylabel="time (frames)")
alt = "A clip: smooth curves of legs that swing out and in. Shuffled: the same"
show.figure(figure, alt=f"{alt} lines in disorder. Independent: stripes.")


# %% [markdown]
# The legs draw smooth curves, and the wall behind them stays the same. That continuity is what a video model has
# to learn on top of pictures: it must remember whom it draws, and know where the arm goes next.
#
# ### Exercise 1: put time back
# Someone shuffled a clip, all but its first frame. Put it in order: start with frame 0; then always go on to
# the frame, of those not yet used, that differs least from the current one. Return the list of indices.
# (`check.hint("order_frames")`)


# %% tags=["exercise"]
def order_frames(frames):
    """Indices of shuffled frames in their order in time; frames are uint8."""
    # BEGIN SOLUTION
    values = frames.astype(np.int16)  # so that nothing wraps around at 0
    order, left = [0], list(range(1, len(frames)))
    while left:
        last = values[order[-1]]
        changes = [np.abs(values[k] - last).mean() for k in left]
        order.append(left.pop(int(np.argmin(changes))))
    return order
    # END SOLUTION


# %%
check.order_frames(order_frames)


# %% [markdown]
# Then try it on `shuffled`, and show the result. Does the jumping jack come back? Where two moments look alike
# it takes the wrong turn: a single frame does not say whether the arms go up or down. Lesson 02 needs this.
#
# ### Exercise 2: there and back
# A clip that is shown over and over jumps where its end meets its start. A way out: play it forwards, then
# backwards. Show the two turning points once, not twice: from frames `0 1 2 3` make `0 1 2 3 2 1`.
# (`check.hint("there_and_back")`)


# %% tags=["exercise"]
def there_and_back(clip):
    """The clip forwards, then backwards; its first axis is time."""
    # BEGIN SOLUTION
    return np.concatenate([clip, clip[-2:0:-1]])
    # END SOLUTION


# %%
check.there_and_back(there_and_back)


# %% [markdown]
# **Open question.** For which of the ten actions does this trick look natural, and for which not? Show two of
# them and say why. (`real_clip("bend")` gives you a clip.)
#
# ### Exercise 3: what does video cost?
# Before compression, a pixel takes three bytes: red, green, blue. Write a function that says how many bytes a
# video takes. Then try it on a minute of full HD (1920 by 1080) at 30 frames a second: a generator has to make
# every one of them. (`check.hint("raw_bytes")`)


# %% tags=["exercise"]
def raw_bytes(width, height, fps, seconds):
    """Bytes of an uncompressed RGB video."""
    # BEGIN SOLUTION
    return width * height * 3 * fps * seconds
    # END SOLUTION


# %%
check.raw_bytes(raw_bytes)


# %% [markdown]
# ## 4. The data
# The course's clips are rendered by a program of its own: ten actions, eighty made-up people. A person keeps
# the same body, clothes and room in all ten. So every clip has two labels: **who** it shows, and **what** they
# do.

# %%
five = ["run", "hop", "side", "bend", "dance"]
looped = np.stack([real_clip(action) for action in five])
looped = generate.loop_together(looped, num_frames=10)
alt = "One rendered person: " + ", ".join(five)
print("all actions:", ", ".join(real.action_names))
show.show_grid(looped, labels=five, fps=FPS, alt=alt)


# %% [markdown]
# ## 5. Is everything in place?
# The course brings its data and its trained models along, so it needs no network and no GPU. It needs Python
# and a few packages.

# %% tags=["nbval-ignore-output"]
needs = [Requirement(text) for text in requires("vgcourse")]
needs = [need for need in needs if need.marker is None]  # others are optional
found = {need.name: version(need.name) for need in needs}
for name, number in found.items():
    print(f"{name:12} {number}")
print(f"Python {platform.python_version()}, {os.cpu_count()} cores")


# %%
def fits(need):
    """Whether the version that is here is one that the course needs."""
    return need.specifier.contains(found[need.name], prereleases=True)


# %%
unfit = [need.name for need in needs if not fits(need)]
data_is_here = (datasets.data_folder() / "actions" / "labels.csv").is_file()
print(f"{len(unfit)} of {len(needs)} packages do not fit", *unfit)
print("the data is", "here" if data_is_here else "missing")


# %% [markdown]
# | what you see | what to do |
# |---|---|
# | `No module named 'vgcourse'` | start Jupyter with `uv run jupyter lab notebooks`, or run the setup cell in Colab |
# | a package does not fit | `uv sync` in the course's folder, then restart the kernel |
# | the data is missing | unpack or clone the course again, whole |
# | sliders show as text | the page has no kernel: open the notebook in JupyterLab or Colab |
#
# ## 6. The thirteen lessons
# | lesson | question |
# |---|---|
# | **00 start here** | What is video generation, what will I make? |
# | [01 from a file to a tensor](01_preprocess_video.ipynb) | How do videos become training data? |
# | [02 CNN features](02_cnn_features.ipynb) | What does a CNN see in a clip? |
# | [03 the minimax game](03_gan_minimax.ipynb) | What game do generator and discriminator play? |
# | [04 a first GAN](04_first_gan.ipynb) | A training loop runs and its loss falls. Is it training? |
# | [05 a GAN that moves](05_video_gan.ipynb) | How does time come in? |
# | [06 generate](06_generate.ipynb) | How do you steer what comes out? |
# | [07 evaluate](07_evaluate.ipynb) | Is it any good? |
# | [08 three levers](08_improve.ipynb) | Which lever helps, and which only sounds good? |
# | [09 lend a person your motion](09_video_to_video.ipynb) | One picture of a stranger: can you make them dance? |
# | [10 beyond GANs](10_flow_matching.ipynb) | How can one network, with no opponent, make videos? |
# | [11 your videos](11_your_videos.ipynb) | And with your own films? |
# | [12 scale out](12_scale_out.ipynb) | What changes on several machines, and what must not? |
#
# They build on each other; 02 and 07 also stand alone. None computes for more than five minutes on two cores.
# The check of an exercise shows a card: ○ nothing yet, ✗ not right and why, ✓ right. Hints are folded in it, one
# after the other. Nothing breaks if you skip one. Solutions are in `notebooks/solutions/`.
#
# ## 7. What is it used for?
# | field | what is generated | what to keep in mind |
# |---|---|---|
# | film | previews of a scene, crowds, dubbing that fits the lips | whose face and voice, and did they agree? |
# | advertising | variants of a spot, products in rooms never built | it must not promise what the product lacks |
# | virtual reality | people and places around you | a headset shows about 90 frames a second |
# | games, animation | motion of characters; pose in, picture out | artists' work is the training data |
# | science, engineering | rare traffic scenes, weather ahead, "world models" for robots | what was not in the data is not in the model |
# | video calls | faces rebuilt from a few numbers | an invented detail looks as real as a seen one |
#
# The generator above is small. The large ones take the same path with far more data and computing; since about
# 2022 most are trained by diffusion and flows (lesson 10).
#
# ## 8. People who do not exist, and people who do
# The people in this course cannot be hurt: a program made them. Put films of real people through the same code,
# and you make a **deepfake**: a video of someone doing what they never did. Most harm is done with little
# skill: intimate pictures without consent, a "call" from the boss. Three rules:
#
# 1. **Consent.** Film, collect and generate people only if they agreed to *this* use, and can take it back.
# 2. **Disclosure.** Whoever looks must know that it was generated. Say it in the picture or beside it, and in
#    the file.
# 3. **No real faces.** Nothing here needs one.
#
# The law moves the same way. The EU's AI Act (Article 50) and China's labelling rules of 2025 ask that generated
# media be marked. Look up what holds where you live.
#
# Rule 2 in code: every export of this course carries a tag. **Will it survive if someone saves the pixels
# again?**


# %%
def read_tag(path):
    """The comment in a video file's metadata; empty if there is none."""
    with av.open(str(path)) as container:
        return container.metadata.get("comment", "")


# %%
with tempfile.TemporaryDirectory() as folder:
    tagged, copied = Path(folder) / "tagged.mp4", Path(folder) / "copy.mp4"
    video.write_video(tagged, dance[0], fps=FPS, comment=generate.COMMENT)
    video.write_video(copied, video.read_clip(tagged), fps=FPS)
    print(f"exported:    {read_tag(tagged)!r}")
    print(f"saved again: {read_tag(copied)!r}")


# %% [markdown]
# It is gone, and many websites do just that with every upload. A tag helps honest people stay honest; it stops
# no liar. Signed provenance ([C2PA](https://c2pa.org)) is harder to forge, watermarks in the pixels survive some
# copying, detectors catch some fakes for a while. None of them is proof, and a missing tag proves nothing.
#
# ## Appendix: the article
# The course grew from an article in Chinese on video generation (视频生成). The copy that we have begins with its
# first heading, 背景介绍 ("Background"). It bears no title, author or address, so we call it "the article" and can
# link to nothing. Each of its sections has a home here:
#
# | the article says | where you do it |
# |---|---|
# | step 1: collect videos; crop, scale, rotate; ensure their quality | [01](01_preprocess_video.ipynb) |
# | step 2: extract features with a CNN (a convolutional neural network) | [02](02_cnn_features.ipynb) |
# | the minimax game; pros and cons of GANs (FAQ 2) | [03](03_gan_minimax.ipynb) |
# | the code example | [04](04_first_gan.ipynb) |
# | step 3: train the GAN "on the extracted features" | [05](05_video_gan.ipynb), on pixels; [08](08_improve.ipynb), on features too |
# | step 4: generate new video | [06](06_generate.ipynb) |
# | how to improve quality (FAQ 3) | [08](08_improve.ipynb); [07](07_evaluate.ipynb) measures it |
# | trends and challenges | [09](09_video_to_video.ipynb) to [12](12_scale_out.ipynb) |
#
# Not everything in it is right. Its formula lacks a bracket, and its code holds a surprise that lesson 04 lets you
# find. Of the tools that it names, TensorFlow and Keras carry this course. The tutorial "GANs for Beginners" could
# not be found; Goodfellow's [tutorial of 2016](https://arxiv.org/abs/1701.00160) does what the title promises. Nor
# could the paper "Video to Video: Second Order Generative Adversarial Networks"; probably *Video-to-Video
# Synthesis* (vid2vid) is meant, [Wang et al. 2018](https://arxiv.org/abs/1808.06601), and [lesson
# 09](09_video_to_video.ipynb) builds one. Look a reference up before you pass it on: language models, too, invent
# papers that sound right.
#
# ## What goes wrong, and how you notice
# - *A cell stops with `NameError`.* You skipped a cell above it. Run > Run All Above Selected Cell.
# - *The first clip takes seconds, the next one is there at once.* TensorFlow builds the generator's graph at
#   the first call.
# - *You judge a video by its frames.* The shuffled clip would get full marks. Always look at time, too.
# - *You judge motion by one number.* Noise has plenty of motion energy. Put flicker beside it, and real clips.
# - *Your clips are not quite those of your neighbour.* Another processor rounds differently. Same machine,
#   same seed, same clip.
#
# ## You have
# - played with a trained video generator, and found out whether your machine is ready;
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
