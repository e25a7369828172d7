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
# # 07 · Evaluate
# {badge}
#
# **Your generator scores better than real people, and anybody can see that it is a generator. Who is wrong?**
#
# You will
# - play judge yourself, see a fake get perfect scores, and expose it with one line of NumPy;
# - compute the scores of the trade by hand on small numbers, and only then trust the course's functions;
# - catch four cheats: features that cannot see, too few samples, a clip that stands still, and stolen clips.
#
# About 60 minutes, of which two cores compute for two.

# %% tags=["setup"]
# In Colab this installs the course; elsewhere it does nothing.
from importlib.util import find_spec

if not find_spec("vgcourse"):
    # %pip install --quiet "vgcourse @ git+{repository}@v{version}"
    print("The course is installed.")

# %%
from vgcourse.classroom.start import path_picture, quiet

quiet()

import numpy as np
from matplotlib.figure import Figure

from vgcourse import (
    datasets,
    evaluate,
    features,
    generate,
    people,
    preprocess,
    show,
)
from vgcourse.classroom import check, widgets
from vgcourse.evaluate import metrics

# %%
path_picture("evaluate")

# %%
SEED = 0  # of all random numbers
PER_ACTION = 8  # clips of each action, real and generated
NUM_PAIRS = 10  # in the game
EVERY = 2  # compare every second pixel and frame

# %% [markdown]
# ## 1. You are the judge
# Three sets of clips, ten actions each. The **reference** shows eight real people. A second set shows eight
# *other* real people. The third comes from the generator that was trained for this course. It has seen none
# of these sixteen people.

# %%
reference = datasets.load_actions("test")
others = datasets.load_actions("validation")
names, actions = reference.action_names, reference.actions
generator = generate.load_generator()
seeds = range(len(actions))
content = generate.content_codes(generator, seeds)
motion = generate.motion_noise(generator, seeds)
fake = generate.make_clips(generator, content, motion, actions)
assert np.array_equal(actions, others.actions)
print("clips:", len(reference.clips), len(others.clips), len(fake))

# %% [markdown]
# Left or right: which clip was generated? The slider brings nine more pairs, in random order. Write down your
# ten answers, and what gave each fake away. The key comes afterwards.

# %%
rng = np.random.default_rng(SEED)
chosen = rng.permutation(len(actions))[:NUM_PAIRS]  # which clips play
fake_is_left = rng.integers(2, size=NUM_PAIRS).astype(bool)


def show_pair(pair):
    """A real and a generated clip of one action, in random order."""
    k, swapped = chosen[pair - 1], fake_is_left[pair - 1]
    clips = np.stack([fake[k], others.clips[k]])
    clips = clips if swapped else clips[::-1]
    picture = show.label_grid(clips, ["left", "right"], scale=1)
    alt = f"Pair {pair}: two people who {names[actions[k]]}; one is made."
    return show.show_clip(picture, fps=10, zoom=4, alt=alt)


show_pair(1)

# %%
widgets.explore(show_pair, pair=(1, NUM_PAIRS, 1))

# %%
key = ["left" if left else "right" for left in fake_is_left]
print("generated:", ", ".join(f"{k + 1} {side}" for k, side in enumerate(key)))

# %% [markdown]
# Most people find nearly all of them. A forearm turns to smoke, a foot is in two places, a wall is stained.
# Keep your notes. Now let the scores judge.

# %% [markdown]
# ## 2. What the scores say
# Papers report numbers like these three. You will compute each by hand later on. For now:
# - **Fréchet distance**: how far the features of a set are from those of the reference. Lower is better.
# - **Precision**: the share of clips that look real, to the features. Higher is better.
# - **Motion control**: the share of clips in which a classifier sees the action that was asked for.

# %%
sets = {"real, other people": others.clips, "generated": fake}
reference_features = features.clip_features(reference.clips)
vectors = {name: features.clip_features(x) for name, x in sets.items()}
print("clips, features:", *reference_features.shape)

# %% tags=["nbval-ignore-output"]
scores, precision, control = {}, {}, {}
for name, rows in vectors.items():
    scores[name] = metrics.frechet_distance(reference_features, rows)
    precision[name], _ = metrics.precision_recall(reference_features, rows)
    control[name] = metrics.motion_control_score(sets[name], actions)
    print(
        f"{name:18}  distance {scores[name]:.2f}   "
        f"precision {precision[name]:.2f}   motion control {control[name]:.2f}"
    )

# %%
assert scores["generated"] < 2 * scores["real, other people"]
assert min(precision["generated"], control["generated"]) > 0.8
print("precision and motion control of the fakes: above 0.8; the best is 1")

# %% [markdown]
# By these numbers the fakes are about as good as real people. Your notes say otherwise. Somebody does not
# look properly.
#
# ## 3. One line exposes nearly every fake
# Take the simplest measure of sharpness there is. The **Laplacian** of a pixel is four times the pixel minus
# its four neighbours: 0 on a smooth slope, large at an edge or in noise. Take its size, and of all pixels of
# a clip the median:


# %%
def grain(clips):
    """Median size of the Laplacian, one number for each clip."""
    grey = clips.mean(axis=-1)
    middle = grey[..., 1:-1, 1:-1]
    above, below = grey[..., :-2, 1:-1], grey[..., 2:, 1:-1]
    left, right = grey[..., 1:-1, :-2], grey[..., 1:-1, 2:]
    laplacian = 4 * middle - above - below - left - right
    return np.median(np.abs(laplacian), axis=(1, 2, 3))


checks = np.indices((8, 8)).sum(axis=0) % 2 * 10.0  # a chessboard, 0 and 10
board = np.broadcast_to(checks[None, None, ..., None], (1, 3, 8, 8, 3))
assert grain(board) == 40
print("chessboard of 0 and 10:", grain(board)[0])

# %% [markdown]
# On a chessboard every neighbour differs by 10, so all is 40. Before you run the next cell: will the
# generated clips have more grain than real ones, or less?

# %% tags=["nbval-ignore-output"]
grains = {"reference": grain(reference.clips)}
grains |= {name: grain(clips) for name, clips in sets.items()}
for name, values in grains.items():
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    print(f"{name:18}  median {middle:.1f}, most from {low:.1f} to {high:.1f}")

# %%
middle = {name: np.median(values) for name, values in grains.items()}
assert abs(middle["reference"] - middle["real, other people"]) <= 1
assert middle["generated"] > 1.5 * middle["reference"]
print("real people: within 1 of each other; the fakes: over 1.5 times as much")

# %% [markdown]
# How well does one number tell the two sets apart? Take a real clip and a fake, at random. How often does the
# fake have more grain? That share is the **AUC** (area under the curve, a name from radar). 0.5 is chance, 1
# means: every single time.
#
# ### Exercise 1: the AUC
# `low` and `high` are two lists of numbers. Return the share of pairs, one of each, in which the number of
# `high` is the larger one. Equal numbers count one half. Hints: `check.hint("auc")`.


# %% tags=["exercise"]
def auc(low, high):
    """Chance that a number of `high` is larger than one of `low`."""
    # BEGIN SOLUTION
    low, high = np.asarray(low)[:, None], np.asarray(high)
    return np.mean((high > low) + 0.5 * (high == low))
    # END SOLUTION


# %%
check.auc(auc)

# %% tags=["nbval-ignore-output"]
found = evaluate.two_sample_auc(reference.clips, fake)
same = evaluate.two_sample_auc(reference.clips, others.clips)
print(f"fakes told from real people by grain: AUC {found.laplacian:.3f}")
print(f"real people told from other real people:  {same.laplacian:.3f}")

# %%
assert found.laplacian > 0.95
assert same.laplacian < 0.65
print("fakes: more than 95 pairs of 100; real people: under 65; chance: 50")

# %% [markdown]
# One line beats the whole table. Where is that grain? Here is the same corner of a wall, with its contrast
# turned up ten times.


# %%
def wall(clip):
    """The upper left corner of a clip's first frame, contrast x 10."""
    corner = clip[:1, :20, :20].astype(float)
    corner = 128 + 10 * (corner - corner.mean(axis=(1, 2), keepdims=True))
    return np.kron(corner.clip(0, 255), np.ones((1, 8, 8, 1))).astype(np.uint8)


walls = [wall(clip) for clip in (*others.clips[:3], *fake[:3])]
labels = ["real"] * 3 + ["generated"] * 3
show.show_clip(
    show.label_grid(np.stack(walls), labels, columns=3, scale=1),
    alt="Corners of six walls, contrast ten times: three real, three made.",
)

# %% [markdown]
# ### Is it the truth, then?
# Now a surprise for the new judge. Here are new *real* people, as real as the others: drawn by the same
# program. The only difference is that they were never saved as a video file.


# %%
def draw_person(action, number):
    """A clip straight from the renderer, at the size of the others."""
    clip = people.render_action(action, number, num_frames=16, fps=10)
    small = preprocess.resize(clip, 64, 64)
    return preprocess.to_uint8(preprocess.to_model_range(small))


drawn = [draw_person(name, 500 + k) for name in names for k in (0, 1)]
drawn = np.stack(drawn)
print("clips never saved:", drawn.shape[0])

# %% tags=["nbval-ignore-output"]
unsaved = evaluate.two_sample_auc(reference.clips, drawn)
print(f"never saved, told from saved: AUC {unsaved.laplacian:.3f}")

# %%
assert unsaved.laplacian > 0.95
print("told apart in over 95 pairs of 100, and nothing is wrong with them")

# %% [markdown]
# So the line also sees the traces of the video encoder: square patches and steps on the walls, which no eye
# notices. A set without them is caught, and a set with stains is caught. A **two-sample test** like this one answers a narrow
# question, *do these files come from one source?*, and it answers it mercilessly. It does not say whether the
# difference matters. For that, somebody has to know what people look like.

# %% [markdown]
# ## 4. A judge who knows arms and legs
# The course has a small network that finds the joints of a person: head, elbows, hands, knees, feet. It draws
# a map of where each joint may be. If an arm fades out, or is in two places at once, the map becomes wide, and
# the joint counts as not found. The score **limbs found** is the share of frames in which both hands, both
# knees and both feet are found.
#
# Real people do not get 1, since a hand may be hidden behind the body. In which action will the generator
# lose most limbs?

# %%
labels_of = [names[k] for k in actions]
limbs = {name: evaluate.limbs_found(x, labels_of) for name, x in sets.items()}

# %% tags=["nbval-ignore-output"]
order = sorted(names, key=lambda name: limbs["generated"].by_action[name])
print("action   real   generated")
for name in order:
    row = [result.by_action[name] for result in limbs.values()]
    print(f"{name:7} {row[0]:6.2f} {row[1]:8.2f}")
row = [result.share for result in limbs.values()]
print(f"all     {row[0]:6.2f} {row[1]:8.2f}")

# %%
assert limbs["real, other people"].share > 0.9
assert limbs["generated"].share < limbs["real, other people"].share - 0.05
print("real people: over 90 frames of 100; the generator: 5 or more fewer")

# %% [markdown]
# Now look at what it means. Above, a real person in the worst action; below, the generator's. Compare with
# your notes from the game.

# %% tags=["nbval-ignore-output"]
worst = order[0]
k = list(actions).index(names.index(worst))
pair = np.stack([others.clips[k], fake[k]])
show.show_clip(
    show.label_grid(pair, ["real", "generated"], scale=1),
    zoom=4,
    alt=f"Two people who {worst}: a real one, and a generated one.",
)

# %%
shares = limbs["generated"].by_action
assert shares[worst] < limbs["real, other people"].by_action[worst] - 0.2
print("in this action the generator loses limbs in 20 frames more of 100")

# %% [markdown]
# ### Cheat 1: features that cannot see
# Why did the Fréchet distance miss this? Its features come from a network that learned one thing: to name the
# action. A smeared arm waves as well as a clean one. The features never needed to see the smear, so they do
# not, and no formula on top of them can. **A score sees what its features see.** The famous ones have the same
# trouble: features trained on ImageNet look at texture more than at shape.
#
# And what a generator is tuned on goes first. This one was chosen by its distance and its motion control.
# That is why they look so good.

# %% [markdown]
# ## 5. Distance between two sets of numbers
# Now open the scores, one by one. Forget videos; take one number for each clip. Real: -1, 0, 1. Generated: 1, 3,
# 5. How far apart are the two sets? The **Fréchet distance** fits a bell curve to each, and compares their means
# $m$ and spreads $s$:
#
# $$d^2 = (m_1 - m_2)^2 + (s_1 - s_2)^2$$

# %%
real_line, fake_line = np.array([-1.0, 0, 1]), np.array([1.0, 3, 5])
m1, m2 = real_line.mean(), fake_line.mean()
s1, s2 = (
    real_line.std(ddof=1),
    fake_line.std(ddof=1),
)  # ddof=1: divide by n - 1
by_hand = (m1 - m2) ** 2 + (s1 - s2) ** 2
ours = metrics.frechet_distance(real_line[:, None], fake_line[:, None])
assert np.isclose(by_hand, ours)
print(f"means {m1:.0f} and {m2:.0f}, spreads {s1:.0f} and {s2:.0f}")
print(f"by hand {by_hand:.0f}, the course's function {ours:.0f}")

# %% [markdown]
# $3^2 + 1^2 = 10$. The same for 100,000 draws of these two bell curves:

# %%
rng = np.random.default_rng(SEED)
real_draws, fake_draws = rng.normal(0, 1, 100_000), rng.normal(3, 2, 100_000)
many = metrics.frechet_distance(real_draws[:, None], fake_draws[:, None])
assert abs(many - 10) < 0.3
print(f"measured {many:.1f}, by the formula 10")

# %% [markdown]
# ### Play
# Move the generated curve. What does a wrong mean cost, and a wrong spread? A spread near 0 is mode collapse: all
# clips are alike. And before you read on: can two *different* sets have distance 0?


# %%
def draw_bells(mean, spread):
    """Real and generated bell curve, and their Frechet distance."""
    x = np.linspace(-6, 6, 481)
    figure = Figure(figsize=(5.5, 2.3), dpi=80, layout="tight")
    axes = figure.subplots()
    curves = {"real": (0, 1, show.GREEN, "-")}
    curves["generated"] = (mean, spread, show.PURPLE, "--")
    for name, (m, s, colour, style) in curves.items():
        # As high as each other: a narrow curve would leave the picture.
        heights = np.exp(-0.5 * ((x - m) / s) ** 2)
        axes.plot(x, heights, style, color=colour, label=name)
    distance = mean**2 + (1 - spread) ** 2
    axes.set(title=f"distance {distance:.2f}", xlabel="feature", yticks=[])
    axes.legend(frameon=False)
    alt = f"Bell curves of means 0 and {mean:.1f}, spreads 1 and {spread:.1f}"
    return show.figure(figure, alt=f"{alt}: distance {distance:.2f}.")


draw_bells(mean=3.0, spread=2.0)

# %%
widgets.explore(draw_bells, mean=(-3.0, 3.0, 3.0), spread=(0.1, 3.0, 2.0))

# %% [markdown]
# Yes, they can, and the panel cannot show it, since it draws nothing but bell curves. Only mean and spread are
# compared. Two sharp peaks at -1 and 1 have the mean and the spread of a bell curve:

# %%
two_peaks = np.repeat([-1.0, 1.0], 500)[:, None]
bell = rng.normal(size=(1000, 1))
bell = (bell - bell.mean()) / bell.std(ddof=1) * two_peaks.std(ddof=1)
distance = metrics.frechet_distance(two_peaks, bell)
print("two peaks against a bell:", round(distance, 2))

# %% [markdown]
# ### Many numbers per clip
# Each clip gives a vector of features. The mean becomes a vector $\mu$, the spread a covariance matrix $S$:
#
# $$d^2 = |\mu_1 - \mu_2|^2 + \mathrm{Tr}\left( S_1 + S_2 - 2\,(S_1 S_2)^{1/2} \right)$$
#
# The trace of a matrix's square root is the sum of the square roots of its eigenvalues. That is all you need.


# %%
def frechet_gaussians(mean1, cov1, mean2, cov2):
    """Frechet distance of two normal distributions."""
    eigenvalues = np.linalg.eigvals(cov1 @ cov2).real
    roots = np.sqrt(np.maximum(eigenvalues, 0))  # rounding may leave -0.0001
    traces = np.trace(cov1) + np.trace(cov2) - 2 * np.sum(roots)
    return np.sum((mean1 - mean2) ** 2) + traces


def frechet_distance(real, fake):
    """Frechet distance between normal distributions fitted to rows."""
    cov1, cov2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    return frechet_gaussians(real.mean(axis=0), cov1, fake.mean(axis=0), cov2)


# %% [markdown]
# By hand. Means (0, 0) and (1, 2), variances (1, 4) and (9, 16), nothing correlated. The two axes add up,
# $1^2 + 2^2 + (1-3)^2 + (2-4)^2 = 13$. And with a correlation, $[[2, 1], [1, 2]]$ against $\mathrm{diag}(1, 3)$ with
# equal means: $8 - 2\sqrt{14}$. (Traces 4 + 4; the product has trace 8 and determinant 9, so its two roots add up to
# $\sqrt{8 + 2 \cdot 3}$.)

# %%
zero = np.zeros(2)
mean = np.array([1.0, 2])
apart = frechet_gaussians(zero, np.diag([1.0, 4]), mean, np.diag([9.0, 16]))
cov = np.array([[2.0, 1], [1, 2]])
tilted = frechet_gaussians(zero, cov, zero, np.diag([1.0, 3]))
assert np.isclose(apart, 13)
assert np.isclose(tilted, 8 - 2 * np.sqrt(14))
print(f"first {apart:.2f}, by hand 13.00")
print(f"second {tilted:.2f}, by hand {8 - 2 * np.sqrt(14):.2f}")

# %% [markdown]
# The course's function computes it differently (by singular values, without $S_1 S_2$). It gets the same number:

# %%
rng = np.random.default_rng(1234)
x, y = rng.normal(size=(200, 8)), rng.normal(size=(200, 8)) * 1.5 + 0.5
ours, theirs = frechet_distance(x, y), metrics.frechet_distance(x, y)
assert np.isclose(ours, theirs, rtol=1e-6)
print(f"ours {ours:.2f}, the course's {theirs:.2f}")

# %% [markdown]
# ### Which features? FID and FVD
# What matters is the features. With those of the Inception network (trained on ImageNet) the distance is called
# **FID** and judges images. With those of I3D (trained on films of human actions) it is **FVD** and judges
# videos. You may compare two values only if features, preprocessing and the number of clips are the same. Our
# features come from the small network of lesson 02. So we never say FVD. We say **Fréchet distance on action
# features**, and compare it with nobody else's table.
#
# Two questions are left from section 2. Why did real people not get 0? And how could a generator get *less*
# than real people? The first answer is a cheat of its own.
#
# ## 6. Cheat 2: too few samples
# Draw two samples from the **same** bell curve. Their distance should be 0. With $n$ draws each it comes out near
#
# $$\frac{2}{n} \left( d + \frac{d (d + 1)}{4} \right),$$
#
# where $d$ is now the number of features. One term is for the means, the other for the covariances, whose number
# grows with $d^2$. Try it for 16 features:


# %%
def bias(num_clips, dim):
    """Frechet distance that two samples of one bell curve show, on average."""
    return 2 / num_clips * (dim + dim * (dim + 1) / 4)


def measured_bias(num_clips, dim, repeats=8):
    """The same, by trying."""
    rng = np.random.default_rng(SEED)
    pairs = rng.normal(size=(repeats, 2, num_clips, dim))
    return np.mean([metrics.frechet_distance(*pair) for pair in pairs])


counts = np.array([50, 100, 200, 400, 800, 1600])
measured = np.array([measured_bias(n, dim=16) for n in counts])
formula = bias(counts, dim=16)
assert np.allclose(measured[2:], formula[2:], rtol=0.15)
for n, one, other in zip(counts, measured, formula, strict=True):
    print(f"{n:5} clips: measured {one:.2f}, formula {other:.2f}")

# %%
figure = Figure(figsize=(6, 3), layout="constrained")
axes = figure.subplots()
axes.loglog(counts, measured, "o", color=show.BLUE, label="mean of 8")
axes.loglog(counts, formula, "--", color=show.VERMILION, label="formula")
axes.set(
    xlabel="clips in each sample",
    ylabel="Fréchet distance",
    title="The same bell curve against itself, d = 16",
)
axes.set_xticks(counts, counts)
axes.minorticks_off()
axes.legend(frameon=False)
show.figure(
    figure,
    alt="The distance between two samples of one distribution, against "
    "their size, on logarithmic axes. The measured points lie on the "
    "straight line of the formula: twice the clips, half the distance.",
)

# %% [markdown]
# Twice the clips, half the distance, and nothing was improved. A score on few clips makes a model look worse
# than it is. **Comparing 100 clips of one model with 1,000 of another compares nothing.** The course's
# published figures use 1,000 clips, and put *real against real*, with as many clips, beside them.
#
# That explains why real people do not get 0. That a generator can get less has another reason: eighty real
# clips show only eight people, and eighty generated clips show eighty. More people are nearer to the average.
#
# ### Exercise 2: how many clips?
# Return the smallest number of clips, a whole one, for which the formula stays at or under `tolerance`. Hints:
# `check.hint("clips_needed")`.


# %% tags=["exercise"]
def clips_needed(dim, tolerance):
    """Clips in each sample, so that the bias is at most `tolerance`."""
    # BEGIN SOLUTION
    return int(np.ceil(2 / tolerance * (dim + dim * (dim + 1) / 4)))
    # END SOLUTION


# %%
check.clips_needed(clips_needed)

# %% [markdown]
# ## 7. A distance without that bias
# The **kernel distance** (KID, with Inception features) compares pairs. How alike are two real clips, two generated
# ones, one of each? A kernel measures it, $k(x, y) = (x \cdot y / d + 1)^3$, with $d$ features. No clip is paired
# with itself; that removes the bias.
#
# $$\mathrm{KID} = \operatorname*{mean}_{i \neq j} k(x_i, x_j) + \operatorname*{mean}_{i \neq j} k(y_i, y_j) - 2 \operatorname*{mean}_{i,j} k(x_i, y_j)$$
#
# By hand: $x$ = (1, 0), (0, 1) and $y$ = (1, 1), (2, 0). Within: $k = (0/2 + 1)^3 = 1$ and $(2/2 + 1)^3 = 8$. Across:
# 3.375, 8, 3.375, 1, on average 3.9375. So $1 + 8 - 2 \cdot 3.9375 = 1.125$.


# %%
def kernel_distance(x, y):
    """Unbiased squared difference of two sets under the kernel."""

    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def among(a):
        values, n = kernel(a, a), len(a)
        return (values.sum() - np.trace(values)) / (n * (n - 1))

    return among(x) + among(y) - 2 * kernel(x, y).mean()


small_x, small_y = np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 1], [2, 0]])
assert np.isclose(kernel_distance(small_x, small_y), 1.125)
assert np.isclose(kernel_distance(x, y), metrics.kernel_distance(x, y))
print("by hand 1.125, ours:", kernel_distance(small_x, small_y))

# %%
rng = np.random.default_rng(SEED)
few = [kernel_distance(*rng.normal(size=(2, 20, 16))) for _ in range(400)]
assert abs(np.mean(few)) < 0.02 < -min(few)
print("20 clips of one bell curve against 20 others, 400 times:")
print(f"mean {abs(np.mean(few)):.2f}, from {min(few):.2f} to {max(few):.2f}")

# %% [markdown]
# The mean is right, and single values scatter; some are even negative. And it is still one number for two faults.
#
# ## 8. Good, or varied?
# One distance cannot tell bad clips from too few *kinds* of clips. **Precision** is the share of generated clips
# that look real. **Recall** is the share of real clips that the generator can reach. "Looks real" means: it lies
# in a ball around some real clip, and that ball reaches to the clip's $k$-th nearest real neighbour.


# %%
def covered(centres, points, k):
    """Share of the points that lie in the ball of at least one centre."""
    own = np.sort(np.linalg.norm(centres[:, None] - centres, axis=2), axis=1)
    radius = own[:, k]  # place 0 is the centre itself
    distances = np.linalg.norm(centres[:, None] - points, axis=2)
    return np.mean((distances <= radius[:, None]).any(axis=0))


real_points = np.array([[0.0], [1], [10], [11]])
fake_points = np.array([[0.5], [20]])
near = covered(real_points, fake_points, k=1)
reached = covered(fake_points, real_points, k=1)
theirs = metrics.precision_recall(real_points, fake_points, k=1)
assert (near, reached) == theirs
print("precision", near, " recall", reached)

# %% [markdown]
# By hand, with $k = 1$: real clips at 0, 1, 10, 11 have balls of radius 1. The generated 0.5 is inside one, and
# 20 is not: precision 0.5. The two generated ones are 19.5 apart, so their balls cover everything: recall 1, from
# two clips! One outlier does that. So never read one of the two alone, and look at pictures, too. Two generators
# with opposite faults:

# %%
rng = np.random.default_rng(SEED)
islands = np.array([[-2.0, 0], [2, 0]])
real_2d = np.repeat(islands, 100, axis=0) + 0.4 * rng.normal(size=(200, 2))
cases = {
    "collapsed: one island": islands[0] + 0.4 * rng.normal(size=(200, 2)),
    "sloppy: all over the sea": 2.0 * rng.normal(size=(200, 2)),
}
scored = {}
for name, points in cases.items():
    scored[name] = metrics.precision_recall(real_2d, points)

# %%
figure = Figure(figsize=(8, 3), layout="constrained")
for place, (name, points) in enumerate(cases.items()):
    axes = figure.add_subplot(1, 2, place + 1, xlim=(-6, 6), ylim=(-4, 4))
    axes.scatter(*real_2d.T, s=10, color=show.GREEN, label="real")
    made = {"color": show.PURPLE, "marker": "x", "label": "generated"}
    axes.scatter(*points.T, s=14, **made)
    near, reached = scored[name]
    axes.set_title(f"{name}\nprecision {near:.1f}, recall {reached:.1f}")
axes.legend(frameon=False, loc="upper right")
show.figure(
    figure,
    alt="Real points on two islands, twice. Left, the generated points are "
    "all on one island: high precision, recall about one half. Right, they "
    "fill the whole sea: low precision, high recall.",
)

# %%
collapsed, sloppy = scored.values()
assert collapsed[0] > 0.8
assert 0.3 < collapsed[1] < 0.7
assert sloppy[0] < 0.6
assert sloppy[1] > 0.7
for name, (near, reached) in scored.items():
    print(f"{name}: precision {near:.1f}, recall {reached:.1f}")

# %% [markdown]
# A simpler look at variety: **diversity**, the mean distance between two clips of a set. And the oldest score of all,
# the **Inception score**, asks a classifier only. Is it sure about each clip, and do all classes come up?
#
# $$\mathrm{IS} = \exp\Big( \operatorname*{mean}_x \sum_y p(y|x) \log \frac{p(y|x)}{p(y)} \Big)$$


# %%
def inception_score(p):
    """From class probabilities (clips, classes), all over 0."""
    return np.exp(np.mean(np.sum(p * np.log(p / p.mean(axis=0)), axis=1)))


unsure = np.array([[0.9, 0.1], [0.1, 0.9]])
assert np.isclose(inception_score(unsure), metrics.inception_score(unsure))
print("two classes, 90% sure:", round(inception_score(unsure), 3))
print("six classes, all sure:", round(metrics.inception_score(np.eye(6)), 3))
print(
    "always the same:      ",
    round(metrics.inception_score(np.full((4, 2), 0.5)), 3),
)

# %%
diversity = metrics.diversity(np.array([[0.0], [3], [6]]))
assert np.isclose(diversity, (3 + 6 + 3) / 3)
print("diversity of 0, 3, 6: by hand 4, ours", diversity)

# %% [markdown]
# By hand: for (0.9, 0.1), $0.9 \log 1.8 + 0.1 \log 0.2 = 0.368$ and $e^{0.368} = 1.445$. It runs from 1 to
# the number of classes. **It never looks at a real clip.** Ten clear clips, one for each action, repeated for
# ever, get full marks.
#
# ## 9. What only videos have
# **Does the person stay the same?** The content network of lesson 02 gives every frame a vector that says who is in
# it. The **average content distance** (ACD) is the mean distance over all *pairs* of frames, not only
# neighbours: a person who slowly turns into another would escape otherwise. Colours 0, 1, 3 have distances 1, 3
# and 2, so the mean is 2.

# %%
colours = np.array([[[0.0], [1], [3]]])
assert metrics.content_distance(colours) == 2.0
print("colours 0, 1, 3: by hand 2, ACD", metrics.content_distance(colours))

# %% [markdown]
# **Does it move?** *Motion energy* is the mean change between neighbouring frames (lesson 00). **Does the room
# tremble?** *Flicker* looks at the quieter half of the picture and ignores what changes evenly. **Does it do what
# was asked?** The *motion control score* is the share of clips in which a classifier sees the action that was
# asked for. By hand:

# %%
light = np.zeros((1, 4, 8, 8, 3), np.uint8)
light[:, 1::2] = 10  # dark, bright, dark, bright: every change is 10
assert metrics.motion_energy(light) == metrics.flicker(light) == 10
ramp = light * 0 + np.uint8([0, 5, 10, 15])[:, None, None, None]
assert (metrics.motion_energy(ramp), metrics.flicker(ramp)) == (5, 0)
print(
    "blinking:  motion energy",
    metrics.motion_energy(light),
    "flicker",
    metrics.flicker(light),
)
print(
    "brightening: motion energy",
    metrics.motion_energy(ramp),
    "flicker",
    metrics.flicker(ramp),
)

# %%
judge = np.eye(3)[[0, 1, 2, 2]]  # what a classifier says of four clips
four = np.zeros((4, 2, 4, 4, 3), np.uint8)
asked = np.array([0, 1, 2, 0])
share = metrics.motion_control_score(four, asked, classifier=lambda _: judge)
assert share == 3 / 4
print("asked for 0 1 2 0, seen 0 1 2 2:", share)

# %% [markdown]
# ## 10. Cheat 3: stand still
# Freeze real clips at their first frame, and ask for ACD. A person who never moves never changes.

# %%
frozen = np.repeat(others.clips[:, :1], others.clips.shape[1], axis=1)
sets["frozen"] = frozen
acd = {}
for name, clips in sets.items():
    acd[name] = metrics.content_distance(features.content_features(clips))

# %% tags=["nbval-ignore-output"]
for name, value in acd.items():
    print(f"{name:18}  ACD {value:.2f}, and 0 is best")

# %%
assert acd["frozen"] < 1e-3 < acd["real, other people"]
print("frozen:", f"{acd['frozen']:.2f}, better than any person who moves")

# %% [markdown]
# The best possible score, for a picture that stands still. Each frame is perfect, so scores for images are
# excellent, too. That is why the course never gives ACD without a measure of motion:

# %%
moving = metrics.motion_energy(others.clips)
seen = metrics.motion_control_score(frozen, others.actions)
assert moving > 1
assert seen < 0.5
print("motion energy of frozen clips:", metrics.motion_energy(frozen))
print(f"of real ones: {moving:.0f}; frozen ones recognised: under 50%")

# %% [markdown]
# ## 11. Cheat 4: hand out the training clips
# The perfect fraud: a "generator" that stores training clips and returns one at random. Nothing to learn, nothing
# new, and the clips are flawless, since they are real.

# %%
train = datasets.load_actions("train")
rng = np.random.default_rng(SEED)
stolen = []
for k in range(len(names)):
    of_action = np.flatnonzero(train.actions == k)
    stolen += rng.choice(of_action, PER_ACTION, replace=False).tolist()
copies = sets["copies"] = train.clips[stolen]
assert np.array_equal(actions, train.actions[stolen])
for name in ("frozen", "copies"):
    vectors[name] = features.clip_features(sets[name])
    scores[name] = metrics.frechet_distance(reference_features, vectors[name])
acd["copies"] = metrics.content_distance(features.content_features(copies))

# %% tags=["nbval-ignore-output"]
for name, value in scores.items():
    print(f"{name:18}  Fréchet distance {value:5.2f}")

# %%
assert scores["copies"] < 1.5 * scores["real, other people"]
print("copies: under 1.5 times the distance of new real people")

# %% [markdown]
# No distance between distributions can object: copies *are* draws from the distribution. Precision, recall,
# Inception score and limbs are excellent, too. You have to search for the copies. For every generated clip, find
# the nearest training clip. Do the same for new real clips, the **held-out** ones: they say what "new" looks like.
#
# $$\text{distance}(x) = \min_i \sqrt{\operatorname{mean}\,(x - x_i)^2}$$


# %%
def nearest_distance(clips, train):
    """RMS distance of every clip to its nearest training clip."""
    flat = train.reshape(len(train), -1).astype(np.float32)
    rows = clips.reshape(len(clips), -1).astype(np.float32)
    squares = [np.mean((row - flat) ** 2, axis=1).min() for row in rows]
    return np.sqrt(squares)


def thin(clips):
    """Every second frame, row and column: enough to know a copy."""
    return clips[:, ::EVERY, ::EVERY, ::EVERY]


some = slice(0, None, 16)
ours = nearest_distance(thin(copies)[some], thin(train.clips)[:64])
first = thin(train.clips)[:64]
_, theirs = metrics.nearest_neighbours(thin(copies)[some], first)
assert np.allclose(ours, theirs, atol=1e-2)
print(f"ours differ from the course's by {abs(ours - theirs).max():.1f}")

# %% [markdown]
# `metrics.memorisation` does it for all clips, and calls a clip *copied* if it is nearer to the training set than 99%
# of the held-out ones.

# %%
known, held_out = thin(train.clips), thin(reference.clips)
suspected = {}
for name, clips in sets.items():
    suspected[name] = metrics.memorisation(thin(clips), known, held_out)

# %% tags=["nbval-ignore-output"]
for name, result in suspected.items():
    print(f"{name:18}  copied {result.copied_share:.2f}")

# %%
assert suspected["real, other people"].copied_share < 0.1
print(f"of the copies, found: {suspected['copies'].copied_share:.0%}")
print("of new real people, suspected: under 10%")

# %% [markdown]
# And the generator? Here is the generated clip that comes closest to any training clip, above that clip.

# %%
nearest, distances = metrics.nearest_neighbours(thin(fake), thin(train.clips))
closest = int(distances.argmin())
show.show_sheet(
    np.stack([fake[closest], train.clips[nearest[closest]]]),
    ["generated", "nearest in training"],
    alt="The generated clip that is nearest to a training clip, above it.",
)

# %%
assert distances.min() > 1
print("even the nearest is more than 1 grey level away; a copy is at 0")

# %% [markdown]
# Judge for yourself whether that is the same person. A similar wall is no theft; the same body, clothes, room
# and step are. The check has holes, too. A copy that is mirrored or shifted by two frames is far away in
# pixels. Add shifted and mirrored training clips to the search, or compare features.
#
# ### Exercise 3: find the copies
# Write the check: the share of generated rows whose *nearest* training row is at or under the threshold. Rows are
# features, distances Euclidean. Hints: `check.hint("copied_share")`.


# %% tags=["exercise"]
def copied_share(fake_rows, train_rows, threshold):
    """Share of generated rows that have a training row within `threshold`."""
    # BEGIN SOLUTION
    distances = np.linalg.norm(fake_rows[:, None] - train_rows, axis=2)
    return np.mean(distances.min(axis=1) <= threshold)
    # END SOLUTION


# %%
check.copied_share(copied_share)

# %% [markdown]
# ## 12. All together
# Everything in one table. An arrow says which direction is better; motion energy is best near that of real
# clips.


# %%
def score_row(name):
    """All scores of one set of clips."""
    clips = sets[name]
    near, reached = metrics.precision_recall(reference_features, vectors[name])
    grain_auc, _ = evaluate.two_sample_auc(reference.clips, clips)
    return {
        "distance ↓": scores[name],
        "precision ↑": near,
        "recall ↑": reached,
        "control ↑": metrics.motion_control_score(clips, actions),
        "limbs ↑": evaluate.limbs_found(clips).share,
        "grain AUC ↓": grain_auc,
        "ACD ↓": acd[name],
        "energy": metrics.motion_energy(clips),
        "flicker ↓": metrics.flicker(clips),
        "copied ↓": suspected[name].copied_share,
    }


# %%
table = {name: score_row(name) for name in sets}

# %% tags=["nbval-ignore-output"]
print(" " * 12 + "".join(f"{name.split(',')[0]:>11}" for name in table))
for column in table["generated"]:
    cells = (f"{row[column]:11.2f}" for row in table.values())
    print(f"{column:12}" + "".join(cells))

# %%
assert np.isfinite([list(row.values()) for row in table.values()]).all()
assert table["frozen"]["energy"] == 0
assert table["copies"]["copied ↓"] > 0.9
limbs_of = {name: row["limbs ↑"] for name, row in table.items()}
assert limbs_of["generated"] < limbs_of["real, other people"]
print("each of the 3 made sets loses somewhere; only a whole row shows where")

# %% [markdown]
# So is it any good? Read the generator's column as a sentence, such as: *it does what it is asked to, comes as
# near as other real people, and copies nobody; but it loses arms and legs, and its walls are stained.* Correct
# that sentence by your own table. It is worth more than any number in it. And it holds for **these features,
# this size and eighty clips**: a difference of a few hundredths means nothing here.
#
# ### Exercise 4: diagnosis
# Five generators, five rows of scores, with real against real for comparison. Say what is wrong with each:
# `"frozen"`, `"collapsed"`, `"copies"`, `"flickering"` or `"smeared"`. Then look at your notes from the game,
# and say which row is nearest to the generator that you judged. Hints: `check.hint("diagnosis")`.
#
# | | distance ↓ | precision ↑ | recall ↑ | control ↑ | limbs ↑ | ACD ↓ | energy | flicker ↓ | copied ↓ |
# |---|---|---|---|---|---|---|---|---|---|
# | real | 4 | 0.8 | 0.8 | 0.99 | 0.95 | 0.21 | 4.8 | 0.1 | 0.01 |
# | A | 19 | 0.9 | 0.1 | 0.97 | 0.93 | 0.21 | 4.7 | 0.3 | 0.01 |
# | B | 4 | 0.8 | 0.8 | 0.99 | 0.95 | 0.21 | 4.8 | 0.1 | 0.97 |
# | C | 33 | 0.1 | 0.5 | 0.10 | 0.94 | 0.00 | 0.0 | 0.0 | 0.01 |
# | D | 21 | 0.4 | 0.7 | 0.90 | 0.60 | 0.35 | 9.6 | 6.2 | 0.00 |
# | E | 4 | 0.8 | 0.8 | 0.99 | 0.31 | 0.22 | 4.9 | 0.2 | 0.01 |

# %% tags=["exercise"]
diagnosis = ...  # a dict such as {"A": "frozen", "B": ..., and so on to "E"}
# BEGIN SOLUTION
diagnosis = {"A": "collapsed", "B": "copies", "C": "frozen"}
diagnosis |= {"D": "flickering", "E": "smeared"}
# END SOLUTION

# %%
check.diagnosis(diagnosis)

# %% [markdown]
# ## What goes wrong, and how you notice
# | what you see | what it is | what to do |
# |---|---|---|
# | perfect scores, ugly clips | the features cannot see what you see | a score that knows the thing; your own eyes |
# | a simple test tells the sets apart | perhaps the files, not the people | find out *by what*, then ask whether it matters |
# | the distance falls when you evaluate more clips | small-sample bias | the same number of clips for all, real against real beside it |
# | it is better than real against real | copies, few real people, or evaluation on the training set | held-out people as the reference; look for copies |
# | a score to compare with a paper's FVD | other features, frame rate, size or number of clips | do not; run both models through one evaluator |
# | great ACD, dull clips | they hardly move | motion energy beside it |
# | a score got better after training on it | it has become a target | judge with features that no model was trained with |
# | the best of five seeds is reported | luck | the median of several, and all of them shown |
#
# ## You have
# - played judge yourself, seen a fake get perfect scores, and exposed it with one line of NumPy;
# - computed the scores of the trade by hand on small numbers, and only then trusted the course's functions;
# - caught four cheats: features that cannot see, too few samples, a clip that stands still, and stolen clips.
#
# ## References
# - Lopez-Paz and Oquab 2017, *Revisiting Classifier Two-Sample Tests*,
#   [arXiv 1610.06545](https://arxiv.org/abs/1610.06545)
# - Geirhos et al. 2019, *ImageNet-trained CNNs are biased towards texture*,
#   [arXiv 1811.12231](https://arxiv.org/abs/1811.12231)
# - Heusel et al. 2017, the Fréchet (Inception) distance, [arXiv 1706.08500](https://arxiv.org/abs/1706.08500)
# - Unterthiner et al. 2018, *Towards Accurate Generative Models of Video*: FVD,
#   [arXiv 1812.01717](https://arxiv.org/abs/1812.01717)
# - Binkowski et al. 2018, *Demystifying MMD GANs*: the kernel distance,
#   [arXiv 1801.01401](https://arxiv.org/abs/1801.01401)
# - Chong and Forsyth 2020, *Effectively Unbiased FID and Inception Score*, on the bias,
#   [arXiv 1911.07023](https://arxiv.org/abs/1911.07023)
# - Kynkäänniemi et al. 2019, precision and recall, [arXiv 1904.06991](https://arxiv.org/abs/1904.06991)
# - Salimans et al. 2016, the Inception score, [arXiv 1606.03498](https://arxiv.org/abs/1606.03498); Barratt and
#   Sharma 2018, *A Note on the Inception Score*, what is wrong with it, [arXiv 1801.01973](https://arxiv.org/abs/1801.01973)
# - Tulyakov et al. 2018, *MoCoGAN*: ACD and motion control, [arXiv 1707.04993](https://arxiv.org/abs/1707.04993)
#
# Next: [08 · Three levers](08_improve.ipynb), which of them makes it better.
