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
# # 03 · The minimax game
# {badge}
#
# **How can two networks that work against each other end up making data?**
#
# You will
# - follow the game's formula from its printed form to its solution, and check every step with numbers;
# - see why the generator's first loss goes silent when it is needed most, and what is used instead;
# - play the game on a line and on a ring, make it collapse, and cure it.
#
# About 45 minutes, of which two cores compute for one minute.

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
import tensorflow as tf
from IPython.display import display
from matplotlib.figure import Figure

from vgcourse import show
from vgcourse.classroom import check, widgets
from vgcourse.gan import losses, toy

# %%
path_picture("game")

# %% [markdown]
# No video today. A video has too many numbers to draw the game that makes it, so you play with **one** number
# first and with two at the end. Nothing about the game changes on the way to video.

# %%
DATA_MEAN, DATA_SPREAD = 1.0, 0.5  # the data: numbers from this bell curve
SEED = 0  # of all random numbers
LINE_STEPS = 1200  # training steps of the game on a line
RING_STEPS = 2000  # training steps of the game on a ring

# %% [markdown]
# ## Look at the data first
# A data set of single numbers. Its density $p(x)$ says how often a number near $x$ comes up. For real videos
# nobody knows $p$; here you do, so you can check everything.

# %%
GRID = np.linspace(-12, 14, 5201)  # places on the line, fine enough for integrals
STEP = GRID[1] - GRID[0]


def log_density(x, mean, spread):
    """Logarithm of a bell curve."""
    return -0.5 * ((x - mean) / spread) ** 2 - np.log(spread * np.sqrt(2 * np.pi))


def integrate(values):
    """Area under values that are given on the grid."""
    return float(values.sum() * STEP)


# %%
rng = np.random.default_rng(SEED)
real = rng.normal(DATA_MEAN, DATA_SPREAD, size=100_000)
p = np.exp(log_density(GRID, DATA_MEAN, DATA_SPREAD))
assert abs(integrate(p) - 1) < 1e-6  # a density has area 1
print("mean and spread of the data:", round(real.mean(), 1), round(real.std(), 1))

# %% [markdown]
# ## Two players
# The **generator** turns noise $z$ into a number: $G(z) = m + s\,z$. It has two weights, mean $m$ and spread
# $s$. A network would have a million, and do the same. Fed with noise from the standard bell curve, it makes
# numbers of density $q$, again a bell curve.
#
# The **discriminator** $D(x)$ looks at a number and gives the probability that it is real.


# %%
def generate(z, mean, spread):
    """The generator: noise in, made-up data out."""
    return mean + spread * z


def discriminate(x):
    """A first discriminator, picked by hand: it believes that real numbers are large."""
    return 1 / (1 + np.exp(-(2 * x - 1)))


# %%
z = rng.normal(size=100_000)
fake = generate(z, mean=-1.0, spread=1.0)


# %%
def line_axes(title, *, ylabel="density"):
    """An empty picture of the line."""
    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel="x", ylabel=ylabel, xlim=(-5, 5))
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


# %%
figure, axes = line_axes("What the discriminator is shown")
axes.hist(real, 80, density=True, color=show.GREEN, alpha=0.6, label="real")
axes.hist(fake, 80, density=True, color=show.PURPLE, alpha=0.6, hatch="//", label="generated")
axes.plot(GRID, discriminate(GRID), color="black", label="D(x), by hand")
axes.legend(frameon=False, loc="upper left")
show.figure(
    figure, alt="Two heaps of numbers, generated ones around -1, real ones around 1; D rises between them."
)

# %% [markdown]
# The hand-made $D$ is not bad: it is near 1 over most of the real heap and near 0 over most of the generated
# one.

# %% [markdown]
# ## The formula, as printed
# The article that this course grew out of prints the game like this:

# %%
printed = "minG maxD V(D,G)=E[x∼pdata[logD(x)]+E[z∼pz[log(1−D(G(z)))]]"
print("brackets opened:", printed.count("["), " closed:", printed.count("]"))

# %% [markdown]
# One is missing, and with it the end of the first expectation. The text around it also writes $G(x)$ and
# $D(G(x))$: the generator fed with a *real* video. The formula has $G(z)$, and that is right: the generator
# never sees data, only **noise** $z$. Put right, the **value** of the game is
#
# $$V(D, G) = \mathbb E_{x \sim p_\text{data}}\big[\log D(x)\big]
# + \mathbb E_{z \sim p_z}\big[\log(1 - D(G(z)))\big]$$
#
# and the game is $\min_G \max_D V(D, G)$: the discriminator turns its weights so that $V$ goes up, the
# generator turns its own so that $V$ goes down.

# %% [markdown]
# ### What E means
# $\mathbb E_{x \sim p}[f(x)]$ is the average of $f$ over numbers drawn from $p$. For a computer: draw many,
# take the mean. For a mathematician: $\int p(x) f(x)\,dx$. You can check that they agree.


# %%
def value(real, fake, discriminator):
    """V(D, G) as two averages: one over data, one over what the generator made of noise."""
    return np.mean(np.log(discriminator(real))) + np.mean(np.log(1 - discriminator(fake)))


# %%
q = np.exp(log_density(GRID, -1.0, 1.0))
by_drawing = value(real, generate(z, -1.0, 1.0), discriminate)
D_grid = np.clip(discriminate(GRID), 1e-12, 1 - 1e-12)
by_integral = integrate(p * np.log(D_grid)) + integrate(q * np.log(1 - D_grid))
assert abs(by_drawing - by_integral) < 0.02
print(f"V by drawing {by_drawing:.1f}, by integral {by_integral:.1f}")

# %% [markdown]
# Look at the second integral. The formula averages over **noise** $z$, the integral runs over **numbers** $x$,
# weighted with $q$. Both are the same: to draw $x$ from $q$ *is* to draw $z$ and to compute $G(z)$.
#
# $$\mathbb E_{z \sim p_z}\big[f(G(z))\big] = \int q(x)\,f(x)\,dx$$
#
# This little step carries the whole derivation below. Check it without drawing, both sides as integrals:

# %%
pz = np.exp(log_density(GRID, 0.0, 1.0))  # here the grid holds values of z
over_z = integrate(pz * np.log(1 - discriminate(generate(GRID, -1.0, 1.0))))
over_x = integrate(q * np.log(1 - discriminate(GRID)))
assert abs(over_z - over_x) < 1e-6

# %% [markdown]
# ### The same value in code
# A network gives no probability but a **logit** $\ell$, any number, with $D = \sigma(\ell)$. Then
# $-\log D = \text{softplus}(-\ell)$ and $-\log(1 - D) = \text{softplus}(\ell)$. Networks learn by making a loss
# small, so the discriminator's loss is $-V$. Written out, then compared with the course's own:


# %%
def softplus(x):
    return np.logaddexp(0, x)  # log(1 + exp(x)), without overflow


def discriminator_loss(real_logits, fake_logits):
    """Minus the value of the game."""
    return np.mean(softplus(-real_logits)) + np.mean(softplus(fake_logits))


# %%
real_logits, fake_logits = 2 * real - 1, 2 * fake - 1  # those of the hand-made D
loss = discriminator_loss(real_logits, fake_logits)
assert abs(loss + by_drawing) < 1e-6
assert abs(loss - float(losses.minimax_discriminator_loss(real_logits, fake_logits))) < 1e-4
print("discriminator's loss is -V:", round(loss, 1))

# %% [markdown]
# ## The best discriminator
# Hold the generator still. Which $D$ makes $V$ largest? Written as one integral,
#
# $$V = \int p(x) \log D(x) + q(x) \log(1 - D(x))\;dx,$$
#
# and $D$ may take any value at any $x$: so make the integrand large *at each $x$ for itself*. At one $x$, with
# $y = D(x)$, the slope of $p \log y + q \log(1 - y)$ is $p/y - q/(1-y)$. It is 0 where
#
# $$y = D^*(x) = \frac{p(x)}{p(x) + q(x)}.$$

# %%
p_here, q_here = 0.8, 0.2  # the two densities at one place
y = np.linspace(0.001, 0.999, 999)
integrand = p_here * np.log(y) + q_here * np.log(1 - y)
best = y[integrand.argmax()]
assert abs(best - p_here / (p_here + q_here)) < 1e-3
print("the integrand is largest at D =", round(best, 2))

# %%
figure, axes = line_axes("One place x, where p = 0.8 and q = 0.2", ylabel="p log y + q log(1 - y)")
axes.plot(y, integrand, color=show.BLUE)
axes.axvline(best, color=show.VERMILION, linestyle="--", label="p / (p + q) = 0.8")
axes.set(xlim=(0, 1), ylim=(-2, 0), xlabel="y, what D says here")
axes.legend(frameon=False)
show.figure(figure, alt="A curve with one summit, at y = 0.8, where a dashed line stands.")

# %% [markdown]
# $D^*$ says: how large is the real heap here, as a share of both heaps? No network can do better. Its logit is
# $\log p - \log q$, and over the whole line it looks like this:


# %%
def best_logit(x, mean, spread):
    """Logit of the best discriminator against a generator of this mean and spread."""
    return log_density(x, DATA_MEAN, DATA_SPREAD) - log_density(x, mean, spread)


D_star = 1 / (1 + np.exp(-best_logit(GRID, -1.0, 1.0)))
assert np.allclose(D_star, p / (p + q))

# %%
figure, axes = line_axes("The best discriminator")
axes.plot(GRID, p, color=show.GREEN, label="p, real")
axes.plot(GRID, q, color=show.PURPLE, linestyle="--", label="q, generated")
axes.plot(GRID, D_star, color="black", label="D* = p / (p + q)")
axes.legend(frameon=False, loc="upper left")
show.figure(figure, alt="The best D is near 1 under the real heap and falls to 0 on both sides of it.")

# %% [markdown]
# Unlike the hand-made one it also falls on the right: numbers well above 3 are rare in both heaps, but rarer
# still in the real one, which is narrower.
#
# ### Exercise 1: an unfair mix
# So far $D$ saw as many real as generated numbers. Suppose that a share `real_share` of what it sees is real.
# What does the best discriminator say at a place with densities `p` and `q`? Derive it as above, with the two
# averages weighted. Stuck? Run `check.hint("best_discriminator")` in a cell of your own.


# %% tags=["exercise"]
def best_discriminator(p, q, real_share):
    """Probability that a number is real, where the densities are `p` and `q`."""
    # BEGIN SOLUTION
    return real_share * p / (real_share * p + (1 - real_share) * q)
    # END SOLUTION


# %%
check.best_discriminator(best_discriminator)

# %% [markdown]
# ## What is left for the generator
# Put $D^*$ back into $V$. With the **average** density $a = (p + q)/2$, both fractions are halves:
# $\frac{p}{p+q} = \frac12 \cdot \frac{p}{a}$, and likewise for $q$. Each factor $\frac12$ gives
# $-\log 2$, since $p$ and $q$ have area 1; two of them are $-\log 4$:
#
# $$V(D^*, G) = \int p \log\frac{p}{p+q} + q \log\frac{q}{p+q}\;dx
# = -\log 4 + \underbrace{\int p \log\frac{p}{a}\,dx + \int q \log\frac{q}{a}\,dx}_{2\,\text{JSD}(p, q)}$$
#
# Each integral on the right is a **Kullback-Leibler divergence**,
# $\text{KL}(p, a) = \int p \log \frac{p}{a}\,dx$. Their mean is the **Jensen-Shannon divergence** (JSD): 0 if
# $p = q$ and positive otherwise. So the generator, by pushing $V$ down, pulls its heap over the data's:
# *that* is why the game makes data.


# %%
def kl(p, q):
    """Kullback-Leibler divergence of two densities on the grid; where p is 0 nothing is added."""
    tiny = 1e-300
    return integrate(p * (np.log(p + tiny) - np.log(q + tiny)))


def jsd(p, q):
    """Jensen-Shannon divergence: how far two densities are from their average."""
    return (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2


# %%
def value_at_best(mean, spread):
    """V(D*, G) as an integral."""
    q, logit = np.exp(log_density(GRID, mean, spread)), best_logit(GRID, mean, spread)
    return -integrate(p * softplus(-logit)) - integrate(q * softplus(logit))


assert abs(value_at_best(-1.0, 1.0) - (-np.log(4) + 2 * jsd(p, q))) < 1e-6
print(f"V at D*: {value_at_best(-1, 1):.2f}   -log 4 + 2 JSD: {-np.log(4) + 2 * jsd(p, q):.2f}")

# %% [markdown]
# Both ends of the scale are worth knowing by heart:

# %%
print(f"generator perfect:     V = {value_at_best(DATA_MEAN, DATA_SPREAD):.2f} = -log 4")
print(f"generator far off:     V = {abs(value_at_best(-9.0, 0.5)):.2f}, the discriminator is always right")
assert abs(value_at_best(DATA_MEAN, DATA_SPREAD) + np.log(4)) < 1e-6
assert abs(jsd(p, np.exp(log_density(GRID, -9.0, 0.5))) - np.log(2)) < 1e-6  # the largest JSD there is

# %% [markdown]
# ### Exercise 2: the number to look for
# You train a GAN on videos and plot `losses.minimax_discriminator_loss`. The generator has become perfect, and
# the discriminator is the best there is. What does the plot show? (`check.hint("equilibrium_loss")`)

# %% tags=["exercise"]
equilibrium_loss = ...  # your answer: a number, to two decimals
# BEGIN SOLUTION
equilibrium_loss = np.log(4)
# END SOLUTION

# %%
check.equilibrium_loss(equilibrium_loss)

# %% [markdown]
# ## A loss that goes silent
# The generator only feels the second term: $\log(1 - D(G(z))) = -\text{softplus}(\ell)$. What it learns from is
# the slope. The slope of this loss is $-\sigma(\ell)$, the probability that $D$ gives the fake. A *bad* fake has
# a very negative $\ell$: slope 0, nothing to learn. The loss **saturates**.
#
# Goodfellow's remedy from the first paper: make $-\log D(G(z)) = \text{softplus}(-\ell)$ small instead. Same goal,
# but the slope is $-\sigma(-\ell)$: near $-1$ for a bad fake.


# %%
def saturating_loss(fake_logits):
    return np.mean(-softplus(fake_logits))


def non_saturating_loss(fake_logits):
    return np.mean(softplus(-fake_logits))


logits = np.linspace(-8, 8, 161, dtype=np.float32)
assert np.isclose(saturating_loss(logits), losses.minimax_generator_loss(None, logits))
assert np.isclose(non_saturating_loss(logits), losses.non_saturating_generator_loss(None, logits))


# %%
def slopes(loss):
    """Slope of a loss at each of the logits, found by TensorFlow."""
    with tf.GradientTape() as tape:
        fake_logits = tf.constant(logits)
        tape.watch(fake_logits)
        total = loss(None, fake_logits) * len(logits)  # the sum: each logit's own slope
    return tape.gradient(total, fake_logits).numpy()


sigmoid = 1 / (1 + np.exp(-logits))
assert np.allclose(slopes(losses.minimax_generator_loss), -sigmoid, atol=1e-5)
assert np.allclose(slopes(losses.non_saturating_generator_loss), -(1 - sigmoid), atol=1e-5)

# %%
figure, axes = line_axes("How hard each loss pushes a fake", ylabel="slope of the loss")
axes.plot(logits, -sigmoid, color=show.BLUE, label="saturating")
axes.plot(logits, sigmoid - 1, color=show.VERMILION, linestyle="--", label="non-saturating")
axes.axvspan(-8, -3, color="0.92", zorder=0)
axes.text(-7.8, -0.55, "D is sure: fake.\nA young generator\nlives here.", va="center")
axes.set(xlim=(-8, 8), xlabel="logit of a fake (D's score)")
axes.legend(frameon=False, loc="lower right")
show.figure(
    figure,
    alt="For logits under -3 the saturating slope is near 0 and the non-saturating near -1; at 0 they cross.",
)

# %% [markdown]
# ### What that does to the mean
# Follow the slope back through $\ell(x) = \log p - \log q$ and $x = m + s z$ to the generator's two weights. $D$
# is held still meanwhile, as in training, and it is the best there is.


# %%
def pulls(mean, spread, push):
    """Slopes of a generator loss along mean and spread; `push` is its slope along the logit."""
    q = np.exp(log_density(GRID, mean, spread))
    along_x = -(GRID - DATA_MEAN) / DATA_SPREAD**2 + (GRID - mean) / spread**2  # slope of the logit
    slope = q * push(best_logit(GRID, mean, spread)) * along_x
    return integrate(slope), integrate(slope * (GRID - mean) / spread)  # x moves by 1 and by z


def saturating_push(logit):
    return -np.exp(-softplus(-logit))  # -sigmoid(logit)


def non_saturating_push(logit):
    return -np.exp(-softplus(logit))


# %% [markdown]
# Two known facts let you check it. With the best $D$, the slope of the saturating loss is exactly that of
# $2\,\text{JSD}(p, q)$, and the slope of the non-saturating one that of
# $\text{KL}(q, p) - 2\,\text{JSD}(p, q)$ (Arjovsky and Bottou 2017). So compare with slopes found by taking a
# small step.


# %%
def slope_of(function, mean, spread, small=1e-3):
    """Slope of a function of two densities (p, q) along the mean of q, by a small step both ways."""
    sides = [np.exp(log_density(GRID, mean + side, spread)) for side in (small, -small)]
    return (function(p, sides[0]) - function(p, sides[1])) / (2 * small)


two_jsd = slope_of(lambda p, q: 2 * jsd(p, q), -0.5, 1.0)
other = slope_of(lambda p, q: kl(q, p) - 2 * jsd(p, q), -0.5, 1.0)
assert abs(pulls(-0.5, 1.0, saturating_push)[0] - two_jsd) < 1e-4
assert abs(pulls(-0.5, 1.0, non_saturating_push)[0] - other) < 1e-4
print(f"pull on the mean: saturating {two_jsd:.2f}, non-saturating {other:.2f}")

# %%
means = np.linspace(-5, 5, 81)
figure, axes = line_axes("How hard the generator's mean is pulled (spread 0.5)", ylabel="slope, size")
for push, name, style in [
    (saturating_push, "saturating", "-"),
    (non_saturating_push, "non-saturating", "--"),
]:
    sizes = [abs(pulls(mean, 0.5, push)[0]) + 1e-6 for mean in means]
    axes.semilogy(means, sizes, style, color=show.BLUE if style == "-" else show.VERMILION, label=name)
axes.axvline(DATA_MEAN, color=show.GREEN, linestyle=":", label="mean of the data")
axes.set(xlabel="mean of the generator", ylim=(1e-4, 1e4))
axes.legend(frameon=False, loc="upper center", ncols=3)
show.figure(
    figure,
    alt="Far from the data's mean the saturating pull falls to nothing, the other grows; at it both vanish.",
)

# %% [markdown]
# Read the left edge: a generator six units away from the data feels practically nothing from the saturating
# loss. The further off it is, the less it hears. The non-saturating loss pulls harder the further off it is.
#
# ## Play: be the generator
# Move the generator's mean and spread. Watch $D^*$ answer, the value $V$ move between $-\log 4$ and 0, and the
# two losses pull. A positive pull means: descending would make the weight smaller.


# %%
def draw_game(mean, spread):
    """Densities and D* on the left, V and the pulls on the right."""
    figure = Figure(figsize=(7.6, 2.7))
    left, middle, right = figure.subplots(1, 3, width_ratios=[3, 0.5, 1.5])
    figure.subplots_adjust(left=0.05, right=0.99, bottom=0.17, top=0.88, wspace=0.45)
    near = slice(1400, 3401, 4)  # -5 to 5
    logit, q = best_logit(GRID, mean, spread), np.exp(log_density(GRID, mean, spread))
    left.plot(GRID[near], p[near], color=show.GREEN, label="p, real")
    left.plot(GRID[near], q[near], "--", color=show.PURPLE, label="q, generated")
    left.plot(GRID[near], 1 / (1 + np.exp(-logit[near].clip(-50, 50))), color="black", label="D*")
    left.set(xlabel="x", ylim=(0, 1.6), title="The line")
    left.legend(frameon=False, loc="upper left")
    v = value_at_best(mean, spread)
    middle.bar(["V"], [v], color=show.BLUE)
    middle.set(ylim=(-1.5, 0.05), title=f"V = {v:.2f}")
    middle.axhline(-np.log(4), color="0.4", linestyle=":")
    weak, strong = pulls(mean, spread, saturating_push), pulls(mean, spread, non_saturating_push)
    draw_pulls(right, weak, strong)
    pull = f"saturating {weak[0]:.2f} and {weak[1]:.2f}, non-saturating {strong[0]:.2f} and {strong[1]:.2f}"
    return show.figure(figure, alt=f"Mean {mean:.2f}, spread {spread:.2f}: V {v:.2f}; pulls on them: {pull}.")


# %%
def draw_pulls(axes, weak, strong):
    """Four bars: the pull of both losses on mean and spread."""
    places = np.arange(2)
    axes.bar(places - 0.2, weak, 0.4, color=show.BLUE, label="saturating")
    axes.bar(places + 0.2, strong, 0.4, color=show.VERMILION, hatch="//", label="non-sat.")
    axes.set_xticks(places, ["mean", "spread"])
    axes.set_yscale("symlog", linthresh=0.1, linscale=0.5)
    axes.set(ylim=(-100, 1e4), title="Pulls")
    axes.axhline(0, color="0.4", linewidth=0.8)
    axes.legend(frameon=False, fontsize=7, loc="upper right")


# %%
draw_game(mean=-1.0, spread=1.0)

# %% [markdown]
# Can you bring $V$ down to the dotted line at $-\log 4$? Then try mean $-4$ and spread 0.3, and look at what the
# saturating loss still has to say.

# %%
widgets.explore(draw_game, mean=(-4.0, 4.0, -1.0), spread=(0.2, 2.0, 1.0))

# %% [markdown]
# ### Exercise 3: the loss that speaks up
# Write the non-saturating loss yourself, from logits, with NumPy only. It must stay finite for a logit of
# $-1000$. (`check.hint("outspoken_loss")`)


# %% tags=["exercise"]
def outspoken_loss(fake_logits):
    """Mean of -log D(G(z)), where D = sigmoid(logit)."""
    # BEGIN SOLUTION
    return np.mean(np.logaddexp(0, -np.asarray(fake_logits)))
    # END SOLUTION


# %%
check.outspoken_loss(outspoken_loss)

# %% [markdown]
# ## Let two networks play
# So far you moved $G$ by hand and $D$ was perfect at once. Now both are small networks that learn, taking
# turns, one step each. A network is a list of arrays: a matrix and a bias per layer.


# %%
def mlp(weights, x):
    """Hidden layers of tanh, then a linear one."""
    *hidden, matrix, bias = weights
    for w, b in zip(hidden[::2], hidden[1::2], strict=True):
        x = tf.tanh(x @ w + b)
    return x @ matrix + bias


game = toy.make_toy(1, latent_dim=1, width=32, seed=SEED)
print("generator:    ", [array.shape for array in game.generator])
print("discriminator:", [array.shape for array in game.discriminator])

# %% [markdown]
# One step of the game has two halves. Look at which weights each half watches: that is all that tells the two
# players apart.


# %%
def discriminator_gradients(generator, discriminator, real, noise):
    """Down the slope of its loss lies: real scored higher, fake scored lower."""
    fake = mlp(generator, noise)
    with tf.GradientTape() as tape:
        tape.watch(discriminator)
        loss = losses.minimax_discriminator_loss(mlp(discriminator, real), mlp(discriminator, fake))
    return tape.gradient(loss, discriminator)


def generator_gradients(generator, discriminator, noise):
    """Down the slope of its loss lies: fakes scored higher."""
    with tf.GradientTape() as tape:
        tape.watch(generator)
        loss = losses.non_saturating_generator_loss(None, mlp(discriminator, mlp(generator, noise)))
    return tape.gradient(loss, generator)


# %% [markdown]
# The gradients then move the weights, by Adam: each gradient is divided by its own usual size. (The memory of
# past *directions*, `beta_1`, is 0 here: the opponent moves, so yesterday's direction is bad advice.)


# %%
def adam(weights, gradients, squares, step, rate=2e-3, memory=0.99):
    """New weights, and what to remember of the gradients' sizes."""
    squares = [memory * s + (1 - memory) * g**2 for s, g in zip(squares, gradients, strict=True)]
    sizes = [tf.sqrt(s / (1 - memory**step)) + 1e-7 for s in squares]
    return [w - rate * g / size for w, g, size in zip(weights, gradients, sizes, strict=True)], squares


def first_step(game, real, noise):
    """The first step of a game: the discriminator moves, then the generator answers."""
    game = tf.nest.map_structure(tf.constant, game)  # arrays become tensors
    slopes = discriminator_gradients(game.generator, game.discriminator, real, noise[0])
    discriminator, _ = adam(game.discriminator, slopes, game.d_squares, step=1)
    slopes = generator_gradients(game.generator, discriminator, noise[1])
    generator, _ = adam(game.generator, slopes, game.g_squares, step=1)
    return generator, discriminator


# %% [markdown]
# The course has the same step in `vgcourse.toy`, compiled and with a few switches. Same numbers in, same weights
# out:

# %%
points = toy.draw_noise(rng, (128, 1)) * DATA_SPREAD + DATA_MEAN
noise = toy.draw_noise(rng, (2, 128, 1))
mine = first_step(game, points, noise)
theirs, _ = toy.toy_step(game, points, noise, recipe=toy.Recipe())
for ours, its in zip(mine, (theirs.generator, theirs.discriminator), strict=True):
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(ours, its, strict=True))
print("my step is the package's step: True")


# %% [markdown]
# How good is a generator? You cannot tell by its loss: that one depends on the opponent. But you know the data.
# Sort many real and many generated numbers, and take the largest **gap** between their shares below a number.


# %%
def draw_line(rng, num_points):
    """Real numbers."""
    return rng.normal(DATA_MEAN, DATA_SPREAD, size=(num_points, 1)).astype(np.float32)


def gap(game):
    """0: generated numbers are spread like real ones. 1: they do not even overlap."""
    numbers = np.random.default_rng(1)
    fake = np.sort(mlp(game.generator, toy.draw_noise(numbers, (4000, 1))).numpy().ravel())
    real = np.sort(draw_line(numbers, 4000).ravel())
    places = np.linspace(-5, 5, 501)
    return np.abs(np.searchsorted(fake, places) - np.searchsorted(real, places)).max() / 4000


# %%
print("before training, gap under 0.25:", bool(gap(game) < 0.25))


# %%
def draw_players(game, title):
    """The heaps of both, and what the discriminator says."""
    figure, axes = line_axes(title)
    fake = mlp(game.generator, toy.draw_noise(np.random.default_rng(1), (4000, 1))).numpy()
    axes.plot(GRID, p, color=show.GREEN, label="p, real")
    axes.hist(
        fake.ravel(), np.linspace(-5, 5, 101), density=True, color=show.PURPLE, alpha=0.6, label="generated"
    )
    places = np.linspace(-5, 5, 201, dtype=np.float32)
    axes.plot(places, tf.sigmoid(mlp(game.discriminator, places[:, None])), color="black", label="D")
    axes.set(ylim=(0, 1.6))
    axes.legend(frameon=False, loc="upper left")
    return show.figure(figure, alt=f"{title}: generated mean {fake.mean():.2f}, spread {fake.std():.2f}.")


# %% [markdown]
# Run it and watch the generated heap move over. (`r1_gamma` in the recipe is explained below, on the ring.)

# %% tags=["nbval-ignore-output"]
recipe = toy.Recipe(r1_gamma=0.1)
live = display(draw_players(game, "Before training"), display_id=True)
for done in range(100, LINE_STEPS + 1, 100):
    game, (d_loss, g_loss) = toy.train_toy(game, draw_line, rng, recipe=recipe, num_steps=100)
    live.update(draw_players(game, f"After {done} steps"))

# %%
places = np.linspace(0, 2, 21, dtype=np.float32)[:, None]  # where nearly all data is
opinions = tf.sigmoid(mlp(game.discriminator, places)).numpy()
print("after training, gap under 0.25:", bool(gap(game) < 0.25))
print("D cannot tell (0.3 to 0.7 where the data is):", bool(np.abs(opinions - 0.5).max() < 0.2))
print("D's loss is within 0.2 of log 4:", bool(abs(d_loss - np.log(4)) < 0.2))

# %% [markdown]
# All three are what the theory promised: $q$ lies over $p$, $D^* = 1/2$, and the loss stands at $\log 4$, a flat
# line. So a *flat* discriminator loss can be the sign of success. It can also mean that nothing learns at all:
# lesson 04 shows how to tell.
#
# It is not perfect. Run the training cell again and again, and the heap keeps breathing, a little wider, a little
# narrower: two players chase each other around the solution.

# %% [markdown]
# ## Eight heaps on a ring
# The theory let $D$ become perfect before $G$ moves. In practice both have few steps, and then the game can go
# wrong in its most famous way. Here is data in two dimensions: eight small heaps, called **modes**. Think of ten
# actions, or of eighty people.


# %%
def draw_points(snapshots, titles, alt):
    """Generated points next to each other, in front of the data's heaps."""
    figure = Figure(figsize=(1.9 * len(snapshots), 2.2))
    for place, (points, title) in enumerate(zip(snapshots, titles, strict=True)):
        axes = figure.add_subplot(1, len(snapshots), place + 1, aspect="equal")
        axes.plot(*toy.ring_centres().T, "o", color=show.GREEN, markersize=14, fillstyle="none")
        axes.plot(*points[:500].T, ".", color=show.PURPLE, markersize=2.5, alpha=0.7)
        axes.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xticks=[], yticks=[], title=title)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.88, wspace=0.05)
    return show.figure(figure, alt=alt)


# %%
ring = toy.draw_ring(np.random.default_rng(SEED), 1000)
draw_points(
    [ring], ["data"], alt="Eight small heaps of points, evenly spaced on a ring, each inside a circle."
)


# %% [markdown]
# How many heaps does a generator reach? A point belongs to a heap if it is near its centre; a heap counts if it
# gets at least 2 in 100 points.


# %%
def count_modes(points, centres, radius=0.3, share=0.02):
    distances = np.linalg.norm(points[:, None] - centres, axis=2)  # points x centres
    return int(((distances < radius).mean(axis=0) >= share).sum())


def ring_points(game):
    """A thousand generated points, always of the same noise."""
    return mlp(game.generator, toy.draw_noise(np.random.default_rng(1), (1000, 2))).numpy()


assert count_modes(ring, toy.ring_centres()) == toy.count_modes(ring, toy.ring_centres())
print("heaps in the data:", count_modes(ring, toy.ring_centres()))


# %%
def play_ring(recipe, num_steps, num_snapshots, seed=SEED):
    """Play from the start with live points; returns the points at equal distances in time."""
    rng, game, snapshots = np.random.default_rng(seed), toy.make_toy(2, seed=seed), []
    live = display(draw_points([ring_points(game)], ["0 steps"], alt="Before training."), display_id=True)
    for turn in range(1, num_snapshots + 1):
        game, _ = toy.train_toy(game, toy.draw_ring, rng, recipe=recipe, num_steps=num_steps // num_snapshots)
        snapshots.append(ring_points(game))
        title = f"{turn * (num_steps // num_snapshots)} steps"
        live.update(draw_points([snapshots[-1]], [title], alt=f"Generated points after {title}."))
    return snapshots


# %% [markdown]
# ### Make it collapse
# Break the balance: the generator takes twenty hasty steps for each one of the discriminator. Then it plays
# another game, $\max_D \min_G$: against a $D$ that holds still, the best answer is the *one point* that $D$
# scores highest. So all noise goes there. Then $D$ moves, that point is worth nothing, and the whole heap jumps.

# %% tags=["nbval-ignore-output"]
hasty = toy.Recipe(g_steps=20, g_rate=5e-3)
collapsed = play_ring(hasty, num_steps=300, num_snapshots=30)

# %% tags=["nbval-ignore-output"]
shown = [9, 14, 19, 24, 29]
counts = [count_modes(collapsed[place], toy.ring_centres()) for place in shown]
titles = [f"step {10 * place + 10}: {n} of 8" for place, n in zip(shown, counts, strict=True)]
draw_points([collapsed[place] for place in shown], titles, alt="Points in few heaps, in others each time.")

# %%
reached = np.median([count_modes(points, toy.ring_centres()) for points in collapsed[10:]])
print("half of the heaps or fewer:", bool(reached <= 4))

# %% [markdown]
# **Mode collapse.** Each point alone may look real; together they are the same thing again and again. A video GAN
# that has collapsed shows one person, ten times. Drag through time, and watch the points run after the
# discriminator's favourite place:


# %%
def draw_moment(snapshot):
    points = collapsed[snapshot]
    title = f"step {10 * snapshot + 10}: {count_modes(points, toy.ring_centres())} of 8"
    return draw_points([points], [title], alt=f"Generated points at {title} heaps.")


widgets.explore(draw_moment, snapshot=(0, 29, 29))

# %% [markdown]
# ### Cure it
# Two things help:
#
# - **balance**: one step each, at the same learning rate;
# - **R1** (Mescheder 2018): penalise the discriminator for steep slopes at real points, with
#   $\frac{\gamma}{2}\,\mathbb E_{x \sim p}\,|\nabla_x\,\ell(x)|^2$. A gentle $D$ offers no single best point
#   to run to, and where $p = q$ it becomes flat, so that the game comes to rest.


# %%
def r1(discriminator, real, gamma):
    """The penalty: gamma/2 times the mean squared slope of the logit."""
    with tf.GradientTape() as tape:
        tape.watch(real)
        total = tf.reduce_sum(mlp(discriminator, real))
    slope = tape.gradient(total, real)
    return gamma / 2 * tf.reduce_mean(tf.reduce_sum(slope**2, axis=1))


untrained, sample = toy.make_toy(2, seed=SEED), tf.constant(ring)
package = losses.r1_penalty(lambda x: mlp(untrained.discriminator, x), sample, gamma=0.1)
assert np.isclose(r1(untrained.discriminator, sample, 0.1), package)

# %% tags=["nbval-ignore-output"]
calm = toy.Recipe(g_steps=1, g_rate=2e-3, d_rate=2e-3, r1_gamma=0.1)
cured = play_ring(calm, num_steps=RING_STEPS, num_snapshots=20)

# %% tags=["nbval-ignore-output"]
shown = [0, 1, 3, 9, 19]
counts = [count_modes(cured[place], toy.ring_centres()) for place in shown]
titles = [f"step {100 * place + 100}: {n} of 8" for place, n in zip(shown, counts, strict=True)]
draw_points(
    [cured[place] for place in shown],
    titles,
    alt="Points spread over the ring, then gather in all eight heaps.",
)

# %%
reached = count_modes(cured[-1], toy.ring_centres())
print("at least 7 of 8 heaps:", reached >= 7)
assert count_modes(ring_points(untrained), toy.ring_centres()) < 7  # the same line is False before training

# %% [markdown]
# It finds all eight and stays with them. A few points lie on the way between two heaps: the network is
# smooth, so what lies between two noise vectors comes out between two heaps. Nor is the cure a guarantee:
# with another seed a heap or two may still be missed. Try other seeds in `play_ring`, with R1 and without.
#
# ### Exercise 4: near, or merely everywhere?
# A generator that throws points all over the square reaches eight heaps, too. So count something else as well:
# the share of points that lie within `radius` of **any** centre. (`check.hint("on_target_share")`)


# %% tags=["exercise"]
def on_target_share(points, centres, radius):
    """Share of points, 0 to 1, whose nearest centre is less than `radius` away."""
    # BEGIN SOLUTION
    distances = np.linalg.norm(points[:, None] - centres, axis=2)
    return float((distances.min(axis=1) < radius).mean())
    # END SOLUTION


# %%
check.on_target_share(on_target_share)

# %% [markdown]
# ## GANs: for and against
# *FAQ 2 of the article: what are the pros and cons of GANs?* Its answer: they make realistic data and suit
# many tasks, but training is complex and takes much data and computing. True, and now you can be more exact:
#
# | for | against |
# |---|---|
# | sharp results: the loss is a network that learns what is wrong | the loss measures two players at once, so no falling curve tells you that it gets better |
# | fast: one pass through $G$ makes a sample; diffusion models take many | it can collapse, chase in circles, or go silent, as you saw |
# | $G$ needs no formula for $p$: it only has to make samples | it gives no formula for $p$ either: you cannot ask how likely a given video is |
# | the noise becomes a space to walk in (lessons 04 and 06) | recipes are sensitive: a learning rate or $\gamma$ can decide (lesson 08) |
#
# ## What goes wrong, and how you notice
# - **The generator does not move at all**, and $D$ is always right: the saturating loss. Use the non-saturating one.
# - **The discriminator's loss is flat at $\log 4$**: solved, or nobody learns. Look at the samples.
# - **All samples look alike**, and jump together from time to time: mode collapse. Restore the balance, add R1.
# - **$G$ is fed with data**: then it learns nothing about noise, and cannot make anything new. `G(z)`, not `G(x)`.
# - **`log(0)`**: someone computed `log(sigmoid(logit))`. Use softplus, or a loss that takes logits.
#
# ## You have
# - followed the game's formula from its printed form to its solution, and checked every step with numbers;
# - seen why the generator's first loss goes silent when it is needed most, and what is used instead;
# - played the game on a line and on a ring, made it collapse, and cured it.
#
# ## References
# - Goodfellow et al. 2014, *Generative Adversarial Nets*, [arXiv 1406.2661](https://arxiv.org/abs/1406.2661): the
#   game, $D^*$ and the non-saturating loss.
# - Arjovsky and Bottou 2017, *Towards Principled Methods for Training GANs*,
#   [arXiv 1701.04862](https://arxiv.org/abs/1701.04862): what the two losses really descend.
# - Metz et al. 2017, *Unrolled GANs*, [arXiv 1611.02163](https://arxiv.org/abs/1611.02163): the ring of eight heaps.
# - Mescheder et al. 2018, *Which Training Methods for GANs do actually Converge?*,
#   [arXiv 1801.04406](https://arxiv.org/abs/1801.04406): R1.
#
# Next: [04 · A first GAN](04_first_gan.ipynb)
