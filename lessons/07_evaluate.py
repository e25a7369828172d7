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
# **Is it any good?**
#
# You will
# - compute every metric by hand on small numbers, and only then trust the course's function;
# - catch three cheats: too few samples, a clip that stands still, and a generator that hands out its training clips;
# - put the shipped generator's scores beside those of real clips, and say what they do and do not show.
#
# About 50 minutes, of which two cores compute for one minute.

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

from vgcourse import datasets, features, generate, show
from vgcourse.classroom import check, widgets
from vgcourse.evaluate import metrics

# %%
path_picture("evaluate")

# %% [markdown]
# Losses do not say how good a GAN is: they say who is ahead. So people invented scores. Each score sees one
# side of the matter and is blind to another, and each has been used to claim things that were not so.

# %%
SEED = 0  # of all random numbers
PER_ACTION = 8  # clips of each action, real and generated: few, see below
STILL, EVERY = 5, 2  # clips to look at; of pixels and frames, compare every second one

# %% [markdown]
# ## Look at the data first
# Three sets of clips, all of the same ten actions: real clips of eight people, the **reference**; real clips of
# eight *other* people; and clips of the shipped generator, which was trained on neither. (Nothing is trained here.)

# %%
reference = datasets.load_actions("test")
others = datasets.load_actions("validation")
names, actions = reference.action_names, reference.actions
generator = generate.load_generator()
seeds = range(len(actions))
content, motion = generate.content_codes(generator, seeds), generate.motion_noise(generator, seeds)
fake = generate.make_clips(generator, content, motion, actions)
print("clips in each set:", len(reference.clips), len(others.clips), len(fake))

# %% tags=["nbval-ignore-output"]
shown = [0, 30, 75]
labels = [f"real {names[others.actions[k]]}" for k in shown]
labels += [f"generated {names[actions[k]]}" for k in shown]
pictured = np.concatenate([others.clips[shown], fake[shown]])[:, ::2]  # every second frame
show.show_clip(
    show.label_grid(pictured, labels, columns=3, scale=1),
    fps=5,
    alt="Six moving clips of people: three real ones above, three generated ones below.",
)

# %%
assert len(fake) == len(names) * PER_ACTION
print("same shape, same range:", fake.shape == reference.clips.shape, fake.dtype == reference.clips.dtype)

# %% [markdown]
# Could you tell the rows apart without labels? Say by what: hands, feet, the edge of the body. Do that before
# every table of scores, and after it. But eyes tire, and they cannot count. Now the numbers.
#
# ## Distance between two heaps of numbers
# Forget videos; take one number per clip. Real: -1, 0, 1. Generated: 1, 3, 5. How far apart are the heaps? The
# **Fréchet distance** fits a bell curve to each and compares means $m$ and spreads $s$:
#
# $$d^2 = (m_1 - m_2)^2 + (s_1 - s_2)^2$$

# %%
real_line, fake_line = np.array([-1.0, 0, 1]), np.array([1.0, 3, 5])
m1, m2 = real_line.mean(), fake_line.mean()
s1, s2 = real_line.std(ddof=1), fake_line.std(ddof=1)  # ddof=1: divide by n - 1
by_hand = (m1 - m2) ** 2 + (s1 - s2) ** 2
assert np.isclose(by_hand, metrics.frechet_distance(real_line[:, None], fake_line[:, None]))
print(f"means {m1:.0f} and {m2:.0f}, spreads {s1:.0f} and {s2:.0f}: distance {by_hand:.0f}")

# %% [markdown]
# $3^2 + 1^2 = 10$. The same for a great many draws of these two bell curves:

# %%
rng = np.random.default_rng(SEED)
many = metrics.frechet_distance(rng.normal(0, 1, (100_000, 1)), rng.normal(3, 2, (100_000, 1)))
print("100,000 draws, near 10:", bool(abs(many - 10) < 0.3))

# %% [markdown]
# ### Play
# Move the generated heap. What does a wrong mean cost, and what a wrong spread? A spread near 0 is mode collapse: all
# clips alike. And can two *different* heaps have distance 0?


# %%
def draw_bells(mean, spread):
    """Real and generated bell curve, and their Frechet distance."""
    x = np.linspace(-6, 6, 241)
    figure = Figure(figsize=(5.5, 2.3), dpi=80, layout="tight")
    axes = figure.subplots()
    for m, s, colour, style in ((0, 1, show.GREEN, "-"), (mean, spread, show.PURPLE, "--")):
        axes.plot(x, np.exp(-0.5 * ((x - m) / s) ** 2) / (s * np.sqrt(2 * np.pi)), style, color=colour)
    distance = mean**2 + (1 - spread) ** 2
    axes.set(title=f"distance {distance:.2f}", xlabel="feature", ylim=(0, 1), yticks=[])
    alt = f"Two bell curves, one of mean {mean:.1f} and spread {spread:.1f}: distance {distance:.2f}."
    return show.figure(figure, alt=alt)


draw_bells(mean=3.0, spread=2.0)

# %%
widgets.explore(draw_bells, mean=(-3.0, 3.0, 3.0), spread=(0.1, 3.0, 2.0))

# %% [markdown]
# Yes, they can: only mean and spread are compared. Two sharp peaks at -1 and 1 have distance 0 to a bell curve of
# spread 1.

# %%
two_peaks = np.repeat([-1.0, 1.0], 500)[:, None]
bell = rng.normal(size=(1000, 1))
bell = (bell - bell.mean()) / bell.std(ddof=1) * two_peaks.std(ddof=1)
print("two peaks against a bell:", round(metrics.frechet_distance(two_peaks, bell), 2))

# %% [markdown]
# ### Many numbers per clip
# A clip gives a whole vector of features. The mean becomes a vector $\mu$, the spread a covariance matrix $S$:
#
# $$d^2 = |\mu_1 - \mu_2|^2 + \mathrm{Tr}\left( S_1 + S_2 - 2\,(S_1 S_2)^{1/2} \right)$$
#
# The trace of a matrix's square root is the sum of the square roots of its eigenvalues. That is all one needs.


# %%
def frechet_gaussians(mean1, cov1, mean2, cov2):
    """Frechet distance of two normal distributions, from their means and covariances."""
    eigenvalues = np.linalg.eigvals(cov1 @ cov2).real  # 0 or more, but for rounding
    trace_of_root = np.sum(np.sqrt(np.maximum(eigenvalues, 0)))
    return np.sum((mean1 - mean2) ** 2) + np.trace(cov1) + np.trace(cov2) - 2 * trace_of_root


def frechet_distance(real, fake):
    """Frechet distance between normal distributions fitted to rows of features."""
    covariances = [np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (real, fake)]
    return frechet_gaussians(real.mean(axis=0), covariances[0], fake.mean(axis=0), covariances[1])


# %% [markdown]
# By hand. Means (0, 0) and (1, 2), variances (1, 4) and (9, 16), nothing correlated: the two axes add up,
# $1^2 + 2^2 + (1-3)^2 + (2-4)^2 = 13$. And with a correlation, $[[2, 1], [1, 2]]$ against $\mathrm{diag}(1, 3)$ with
# equal means: $8 - 2\sqrt{14}$. (Traces 4 + 4; the product has trace 8 and determinant 9, so its two roots add up to
# $\sqrt{8 + 2 \cdot 3}$.)

# %%
zero = np.zeros(2)
apart = frechet_gaussians(zero, np.diag([1.0, 4]), np.array([1.0, 2]), np.diag([9.0, 16]))
tilted = frechet_gaussians(zero, np.array([[2.0, 1], [1, 2]]), zero, np.diag([1.0, 3]))
assert np.isclose(apart, 13)
assert np.isclose(tilted, 8 - 2 * np.sqrt(14))
print("first:", round(apart, 2), " second:", round(tilted, 2))

# %% [markdown]
# The course's function goes another way (singular values, without $S_1 S_2$). Two ways, one number:

# %%
rng = np.random.default_rng(1234)
x, y = rng.normal(size=(200, 8)), rng.normal(size=(200, 8)) * 1.5 + 0.5
assert np.isclose(frechet_distance(x, y), metrics.frechet_distance(x, y), rtol=1e-6)
print("ours:", round(frechet_distance(x, y), 2), " the course's:", round(metrics.frechet_distance(x, y), 2))

# %% [markdown]
# ### Which features? FID and FVD
# The formula alone makes no score: what counts is the features. With those of the Inception network (trained
# on ImageNet) it is called **FID** and judges images; with those of I3D (trained on films of human actions)
# it is **FVD** and judges videos. Two numbers may be compared only with the same features, the same
# preprocessing and the same number of clips. Our features come from the small networks of lesson 02, for 16
# small frames. So we never say FVD: we say **Fréchet distance on action features**, and compare it with
# nobody else's table.

# %%
sets = {"real, other people": others.clips, "generated": fake}
reference_features = features.clip_features(reference.clips)
vectors = {name: features.clip_features(clips) for name, clips in sets.items()}
print("clips, features:", reference_features.shape[0], "x", reference_features.shape[1])

# %% tags=["nbval-ignore-output"]
scores = {name: metrics.frechet_distance(reference_features, rows) for name, rows in vectors.items()}
show.plot_bars(
    scores, title="Fréchet distance on action features", unit="squared feature units, to the reference"
)

# %%
print("real against real is not 0:", bool(scores["real, other people"] > 0.5))
print("generated: under five times as far:", bool(scores["generated"] < 5 * scores["real, other people"]))

# %% [markdown]
# Real against real is not 0? And the generated clips may even come out nearer than real ones? Two groups of
# eight real people differ a little, while the generator has learnt from sixty-four. But that is the smaller
# part of it.
#
# ## Cheat 1: too few samples
# Draw two samples from the **same** standard bell curve in $d$ dimensions. Their distance should be 0. With
# $n$ draws each it comes out near
#
# $$\frac{2}{n} \left( d + \frac{d (d + 1)}{4} \right),$$
#
# with one term for the means and one for the covariances, whose number grows with $d^2$. Test it for
# $d = 16$:


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
assert np.allclose(measured[counts >= 200], bias(counts[counts >= 200], dim=16), rtol=0.15)
print(f"1,000 clips, 16 features: {bias(1000, dim=16):.3f}")

# %%
figure = Figure(figsize=(6, 3), layout="constrained")
axes = figure.subplots()
axes.loglog(counts, measured, "o", color=show.BLUE, label="measured, mean of 8")
axes.loglog(counts, bias(counts, dim=16), "--", color=show.VERMILION, label="formula")
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
    alt="The distance between two samples of one distribution against their size, on logarithmic axes. "
    "Measured points lie on the straight line of the formula: twice the clips, half the distance.",
)

# %% [markdown]
# Twice the clips, half the distance, with nothing improved. So a score on few clips makes a model look worse
# than it is, and **comparing 100 clips of one model with 1,000 of another compares nothing**. Above we had
# more features than clips, too few for the formula to hold; the course's published figures use 1,000 clips.
# What always helps: put *real against real*, with as many clips, beside it.
#
# ### Exercise 1: how many clips?
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
# ## A distance without that bias
# The **kernel distance** (KID, with Inception features) compares pairs: how alike are two real clips, two generated
# ones, one of each? Alike is measured by a kernel, $k(x, y) = (x \cdot y / d + 1)^3$. Pairs of a clip with itself are
# left out; that makes it unbiased.
#
# $$d = \operatorname*{mean}_{i \neq j} k(x_i, x_j) + \operatorname*{mean}_{i \neq j} k(y_i, y_j) - 2 \operatorname*{mean}_{i,j} k(x_i, y_j)$$
#
# By hand: $x$ = (1, 0), (0, 1) and $y$ = (1, 1), (2, 0). Within: $k = (0/2 + 1)^3 = 1$ and $(2/2 + 1)^3 = 8$. Across:
# 3.375, 8, 3.375, 1, on average 3.9375. So $1 + 8 - 2 \cdot 3.9375 = 1.125$.


# %%
def kernel_distance(x, y):
    """Unbiased squared difference of two sets under the kernel (x.y / d + 1)^3."""

    def mean_kernel(a, b, *, same=False):
        values = (a @ b.T / a.shape[1] + 1) ** 3
        return (values.sum() - np.trace(values)) / (len(a) * (len(a) - 1)) if same else values.mean()

    return mean_kernel(x, x, same=True) + mean_kernel(y, y, same=True) - 2 * mean_kernel(x, y)


small_x, small_y = np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 1], [2, 0]])
assert np.isclose(kernel_distance(small_x, small_y), 1.125)
assert np.isclose(kernel_distance(x, y), metrics.kernel_distance(x, y))
print("by hand 1.125, ours:", kernel_distance(small_x, small_y))

# %%
rng = np.random.default_rng(SEED)
few = [kernel_distance(*rng.normal(size=(2, 20, 16))) for _ in range(400)]
print("20 clips, the same bell curve, on average near 0:", bool(abs(np.mean(few)) < 0.02))
print("single values may even be negative:", bool(min(few) < 0))

# %% [markdown]
# Unbiased does not mean exact: with few clips it scatters. And it is still one number for two faults.
#
# ## Good, or varied?
# One distance cannot tell bad clips from too few *kinds* of clips. **Precision** is the share of generated clips that
# look real; **recall** the share of real clips that the generator can reach. "Looks real" means: inside a ball around
# a real clip that reaches to its $k$-th nearest real neighbour.


# %%
def covered(centres, points, k):
    """Share of the points that lie in the ball of at least one centre."""
    own = np.sort(np.linalg.norm(centres[:, None] - centres, axis=2), axis=1)
    radius = own[:, k]  # place 0 is the centre itself
    distances = np.linalg.norm(centres[:, None] - points, axis=2)
    return np.mean((distances <= radius[:, None]).any(axis=0))


real_points, fake_points = np.array([[0.0], [1], [10], [11]]), np.array([[0.5], [20]])
precision, recall = covered(real_points, fake_points, k=1), covered(fake_points, real_points, k=1)
assert (precision, recall) == metrics.precision_recall(real_points, fake_points, k=1)
print("precision", precision, " recall", recall)

# %% [markdown]
# By hand, with $k = 1$: real clips at 0, 1, 10, 11 have balls of radius 1. The generated 0.5 is inside one,
# 20 is not: precision 0.5. The generated ones are 19.5 apart, so their balls reach over everything: recall 1,
# from two clips! One outlier does that. So never read one of the two alone, and look at pictures too. Two
# generators with opposite faults:

# %%
rng = np.random.default_rng(SEED)
islands = np.array([[-2.0, 0], [2, 0]])
real_2d = np.repeat(islands, 100, axis=0) + 0.4 * rng.normal(size=(200, 2))
cases = {
    "collapsed: one island": islands[0] + 0.4 * rng.normal(size=(200, 2)),
    "sloppy: all over the sea": 2.0 * rng.normal(size=(200, 2)),
}
scored = {name: metrics.precision_recall(real_2d, points) for name, points in cases.items()}

# %%
figure = Figure(figsize=(8, 3), layout="constrained")
for axes, (name, points) in zip(figure.subplots(1, 2, sharex=True, sharey=True), cases.items(), strict=True):
    axes.scatter(*real_2d.T, s=10, color=show.GREEN, label="real")
    axes.scatter(*points.T, s=14, color=show.PURPLE, marker="x", label="generated")
    axes.set(
        title="{}\nprecision {:.1f}, recall {:.1f}".format(name, *scored[name]), xlim=(-6, 6), ylim=(-4, 4)
    )
axes.legend(frameon=False, loc="upper right")
show.figure(
    figure,
    alt="Real points on two islands, twice. Left, the generated points are all on one island: high "
    "precision, recall about one half. Right, they fill the whole sea: low precision, high recall.",
)

# %%
collapsed, sloppy = scored.values()
print("collapsed: precise, and misses half:", bool(collapsed[0] > 0.8 and 0.3 < collapsed[1] < 0.7))
print("sloppy: imprecise, and reaches most:", bool(sloppy[0] < 0.6 and sloppy[1] > 0.7))

# %% [markdown]
# A simpler look at variety: **diversity**, the mean distance between two clips of a set. And the oldest score of all,
# the **Inception score**, asks a classifier only: is it sure about each clip, and do all classes come up?
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
print("always the same:      ", round(metrics.inception_score(np.full((4, 2), 0.5)), 3))

# %%
assert np.isclose(metrics.diversity(np.array([[0.0], [3], [6]])), (3 + 6 + 3) / 3)
print("diversity of 0, 3, 6:", metrics.diversity(np.array([[0.0], [3], [6]])))

# %% [markdown]
# By hand: for (0.9, 0.1), $0.9 \log 1.8 + 0.1 \log 0.2 = 0.368$ and $e^{0.368} = 1.445$. It runs from 1 to
# the number of classes. **It never looks at a real clip**: ten clear clips, one for each action, repeated for
# ever, get full marks.
#
# ## What only videos have
# **Does the person stay the same?** The content network of lesson 02 gives every frame a vector that says who is in
# it. The **average content distance** (ACD) is the mean distance over all *pairs* of frames. Colours 0, 1, 3:
# distances 1, 3, 2, so 2.0.

# %%
assert metrics.content_distance(np.array([[[0.0], [1], [3]]])) == 2.0
print("ACD of colours 0, 1, 3:", metrics.content_distance(np.array([[[0.0], [1], [3]]])))

# %% [markdown]
# ### Exercise 2: all pairs
# Write it for one clip: `frame_features` of shape (time, features). Why all pairs, and not neighbours? Think of a
# person who changes slowly into another. Hints: `check.hint("pair_distance")`.


# %% tags=["exercise"]
def pair_distance(frame_features):
    """Mean distance between the features of two different frames of a clip."""
    # BEGIN SOLUTION
    distances = np.linalg.norm(frame_features[:, None] - frame_features, axis=2)
    n = len(frame_features)
    return distances.sum() / (n * (n - 1))
    # END SOLUTION


# %%
check.pair_distance(pair_distance)

# %% [markdown]
# **Does it move?** *Motion energy* is the mean change between neighbouring frames (lesson 00). **Does the room
# tremble?** *Flicker* looks at the quieter half of the picture and lets steady changes pass. **Does it do what was
# asked?** The *motion control score* is the share of clips in which a classifier sees the commanded action. By hand:

# %%
light = np.zeros((1, 4, 8, 8, 3), np.uint8)
light[:, 1::2] = 10  # dark, bright, dark, bright: every change is 10
assert metrics.motion_energy(light) == metrics.flicker(light) == 10
ramp = light * 0 + np.uint8([0, 5, 10, 15])[:, None, None, None]
assert (metrics.motion_energy(ramp), metrics.flicker(ramp)) == (5, 0)
print("blinking:  motion energy", metrics.motion_energy(light), "flicker", metrics.flicker(light))
print("brightening: motion energy", metrics.motion_energy(ramp), "flicker", metrics.flicker(ramp))

# %%
judge = np.eye(3)[[0, 1, 2, 2]]  # what a classifier says of four clips
four = np.zeros((4, 2, 4, 4, 3), np.uint8)
control = metrics.motion_control_score(four, np.array([0, 1, 2, 0]), classifier=lambda clips: judge)
assert control == 3 / 4
print("asked for 0 1 2 0, seen 0 1 2 2:", control)

# %% [markdown]
# ## Cheat 2: stand still
# Freeze real clips at their first frame, and ask for ACD. A person who never moves never changes.

# %%
frozen = np.repeat(others.clips[:, :1], others.clips.shape[1], axis=1)
acd = {
    name: metrics.content_distance(features.content_features(clips))
    for name, clips in {"real, other people": others.clips, "generated": fake, "frozen": frozen}.items()
}
print(
    "frozen scores 0.00:",
    f"{acd['frozen']:.2f}",
    " better than real:",
    acd["frozen"] < acd["real, other people"],
)

# %% [markdown]
# The best possible score, for a picture that stands still. Frame by frame there is nothing wrong with it, so
# scores for images like it, too. That is why the course never gives ACD without a measure of motion:

# %%
moving = metrics.motion_energy(others.clips)
print("motion energy: real over 1:", bool(moving > 1), " frozen:", metrics.motion_energy(frozen))
seen = metrics.motion_control_score(frozen, others.actions)
print("the judge recognises the action in frozen clips in under half:", bool(seen < 0.5))

# %% [markdown]
# ## Cheat 3: hand out the training clips
# The perfect fraud: a "generator" that stores training clips and returns one at random. Nothing to learn, nothing
# new, and the clips are flawless, since they are real.

# %%
train = datasets.load_actions("train")
rng = np.random.default_rng(SEED)
rows = [rng.choice(np.flatnonzero(train.actions == k), PER_ACTION, replace=False) for k in range(len(names))]
copies = train.clips[np.concatenate(rows)]
vectors["copies"] = features.clip_features(copies)
scores["copies"] = metrics.frechet_distance(reference_features, vectors["copies"])

# %%
print("copies score like real clips:", bool(scores["copies"] < 1.5 * scores["real, other people"]))

# %% [markdown]
# No distance between distributions can object: copies *are* draws from the distribution. Precision, recall,
# Inception score, ACD: all excellent. You have to search for the copies. For every generated clip, find the
# nearest training clip. New real clips, the **held-out** ones, do the same and say what "new" looks like:
#
# $$\text{distance}(x) = \min_i \sqrt{\operatorname{mean}\,(x - x_i)^2}$$


# %%
def nearest_distance(clips, train):
    """Root-mean-square distance of every clip to its nearest training clip, in grey levels."""
    flat = train.reshape(len(train), -1).astype(np.float32)
    rows = clips.reshape(len(clips), -1).astype(np.float32)
    return np.array([np.sqrt(np.mean((row - flat) ** 2, axis=1)).min() for row in rows])


def thin(clips):
    """Every second frame, row and column: enough to know a copy, eight times as fast."""
    return clips[:, ::EVERY, ::EVERY, ::EVERY]


some = slice(0, None, 16)
ours = nearest_distance(thin(copies)[some], thin(train.clips)[:64])
_, theirs = metrics.nearest_neighbours(thin(copies)[some], thin(train.clips)[:64])
assert np.allclose(ours, theirs, atol=1e-2)
print("ours equal to the course's:", np.allclose(ours, theirs, atol=1e-2))

# %% [markdown]
# `metrics.memorisation` does it for all clips, and calls a clip *copied* if it is nearer to the training set than 99%
# of the held-out ones.

# %%
suspected = {
    name: metrics.memorisation(thin(clips), thin(train.clips), thin(reference.clips))
    for name, clips in {"real, other people": others.clips, "generated": fake, "copies": copies}.items()
}
print("of the copies, found:", f"{suspected['copies'].copied_share:.0%}")
print("of new real people, suspected in under 10%:", bool(suspected["real, other people"].copied_share < 0.1))

# %% [markdown]
# And the shipped generator? Here is the generated clip that comes closest to any training clip, above that
# one.

# %%
nearest, distances = metrics.nearest_neighbours(thin(fake), thin(train.clips))
closest = int(distances.argmin())
show.show_sheet(
    np.stack([fake[closest], train.clips[nearest[closest]]]),
    ["generated", "nearest in training"],
    alt="The generated clip that is nearest to a training clip, above that training clip.",
)

# %%
print("no exact copy among the generated clips:", bool(distances.min() > 1))

# %% [markdown]
# Judge for yourself whether that is the same person. A similar wall is no theft; the same body, clothes, room
# and step are. The check has holes, too: a copy that is mirrored or shifted by two frames is far away in
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
# ## All together
# Everything in one table. An arrow says which direction is better; motion energy is best near that of real
# clips.

# %%
sets = {"real, other people": others.clips, "generated": fake, "frozen": frozen, "copies": copies}
vectors["frozen"] = features.clip_features(frozen)
scores["frozen"] = metrics.frechet_distance(reference_features, vectors["frozen"])
acd["copies"] = metrics.content_distance(features.content_features(copies))
suspected["frozen"] = metrics.memorisation(thin(frozen), thin(train.clips), thin(reference.clips))


def score_row(name):
    """All scores of one set of clips."""
    near_real, reached = metrics.precision_recall(reference_features, vectors[name])
    return {
        "distance ↓": scores[name],
        "precision ↑": near_real,
        "recall ↑": reached,
        "control ↑": metrics.motion_control_score(sets[name], actions),
        "ACD ↓": acd[name],
        "energy": metrics.motion_energy(sets[name]),
        "flicker ↓": metrics.flicker(sets[name]),
        "copied ↓": suspected[name].copied_share,
    }


# %%
assert np.array_equal(actions, others.actions)
assert np.array_equal(actions, train.actions[np.concatenate(rows)])
table = {name: score_row(name) for name in sets}
print(
    "all scores of all sets are finite:",
    bool(np.isfinite([list(row.values()) for row in table.values()]).all()),
)

# %% tags=["nbval-ignore-output"]
print(" " * 18 + " ".join(f"{column:>11}" for column in table["generated"]))
for name, row in table.items():
    print(f"{name:18}" + " ".join(f"{value:11.2f}" for value in row.values()))

# %%
generated, real_row = table["generated"], table["real, other people"]
print("generated: the action asked for in over 70%:", bool(generated["control ↑"] > 0.7))
print(
    "generated: moves like real, within a factor of two:",
    bool(0.5 < generated["energy"] / real_row["energy"] < 2),
)
print(
    "generated: its rooms tremble more than real ones:", bool(generated["flicker ↓"] > real_row["flicker ↓"])
)
print("every set but the real one loses somewhere: frozen in motion,", end=" ")
print("copies in copying:", table["frozen"]["energy"] == 0 and table["copies"]["copied ↓"] > 0.9)

# %% [markdown]
# So is it any good? Read the row of the generator as a sentence, such as: *it does what it is asked, comes
# about as near as other real people, copies nobody, but moves more than they do, and its rooms tremble.*
# Correct that sentence by your own table. It is worth more than any column. And it holds for **these
# features, this resolution and eighty clips**: with so few, a difference of a few hundredths means nothing.
#
# ### Exercise 4: diagnosis
# Four generators, four rows of scores, with real against real for comparison. Say what is wrong with each:
# `"frozen"`, `"collapsed"`, `"copies"` or `"flickering"`. Hints: `check.hint("diagnosis")`.
#
# | | distance ↓ | precision ↑ | recall ↑ | control ↑ | ACD ↓ | energy | flicker ↓ | copied ↓ |
# |---|---|---|---|---|---|---|---|---|
# | real | 4 | 0.8 | 0.8 | 0.99 | 0.21 | 4.8 | 0.1 | 0.01 |
# | A | 19 | 0.9 | 0.1 | 0.97 | 0.21 | 4.7 | 0.3 | 0.01 |
# | B | 4 | 0.8 | 0.8 | 0.99 | 0.21 | 4.8 | 0.1 | 0.97 |
# | C | 33 | 0.1 | 0.5 | 0.10 | 0.00 | 0.0 | 0.0 | 0.01 |
# | D | 21 | 0.4 | 0.7 | 0.90 | 0.35 | 9.6 | 6.2 | 0.00 |

# %% tags=["exercise"]
diagnosis = ...  # your answer: a dict such as {"A": "frozen", "B": ..., "C": ..., "D": ...}
# BEGIN SOLUTION
diagnosis = {"A": "collapsed", "B": "copies", "C": "frozen", "D": "flickering"}
# END SOLUTION

# %%
check.diagnosis(diagnosis)

# %% [markdown]
# ## What goes wrong, and how you notice
# | what you see | what it is | what to do |
# |---|---|---|
# | the distance falls when you evaluate more clips | small-sample bias | the same number of clips for all, real against real beside it |
# | it is better than real against real | copies, or evaluation on the training set | held-out people as the reference; look for copies |
# | a score to compare with a paper's FVD | other features, frame rate, size or number of clips | do not; run both models through one evaluator |
# | great ACD, dull clips | they hardly move | motion energy beside it |
# | high motion control, ugly clips | the classifier looks at motion only | precision, and your eyes |
# | a score got better after training on it | it has become a target | judge with features that no model was trained with |
# | the best of five seeds is reported | luck | the median of several, and all of them shown |
#
# ## You have
# - computed every metric by hand on small numbers, and only then trusted the course's function;
# - caught three cheats: too few samples, a clip that stands still, and a generator that hands out its training clips;
# - put the shipped generator's scores beside those of real clips, and said what they do and do not show.
#
# ## References
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
