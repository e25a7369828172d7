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
# - play the generator against a perfect opponent, and find out why the game ends at the data;
# - see why the generator's first loss goes silent when it is needed most, and what is used instead;
# - let two networks play on a line and on a ring, make them collapse, and cure them.
#
# About 45 minutes, of which two cores compute for two.

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
DATA_MEAN, DATA_SPREAD = 1.0, 0.5  # the data: numbers from this bell curve
SEED = 0  # of all random numbers
LINE_STEPS = 1500  # training steps of the game on a line
RING_STEPS = 2000  # training steps of the game on a ring
GRID = np.linspace(-12, 14, 5201)  # places on the line, for integrals
STEP = GRID[1] - GRID[0]


# %%
def log_density(x, mean, spread):
    """Logarithm of a bell curve."""
    height = np.log(spread * np.sqrt(2 * np.pi))
    return -0.5 * ((x - mean) / spread) ** 2 - height


# %%
def integrate(values):
    """Area under values that are given on the grid."""
    return float(values.sum() * STEP)


# %%
def softplus(x):
    return np.logaddexp(0, x)  # log(1 + exp(x)), without overflow


# %%
def best_logit(x, mean, spread):
    """The best D's score at x, against a generator of this mean and spread."""
    real = log_density(x, DATA_MEAN, DATA_SPREAD)
    return real - log_density(x, mean, spread)


# %%
p = np.exp(log_density(GRID, DATA_MEAN, DATA_SPREAD))


# %%
def value_at_best(mean, spread):
    """The value of the game against the best D."""
    q = np.exp(log_density(GRID, mean, spread))
    logit = best_logit(GRID, mean, spread)
    return -integrate(p * softplus(-logit)) - integrate(q * softplus(logit))


# %%
PUSH = {  # slope of each loss along the logit of a fake
    "saturating": lambda logit: -np.exp(-softplus(-logit)),
    "non-saturating": lambda logit: -np.exp(-softplus(logit)),
}


# %%
def pulls(mean, spread, loss):
    """Slopes of a generator's loss along mean and spread; D stands still."""
    q = np.exp(log_density(GRID, mean, spread))
    logit_slope = (GRID - mean) / spread**2
    logit_slope = logit_slope - (GRID - DATA_MEAN) / DATA_SPREAD**2
    slope = q * PUSH[loss](best_logit(GRID, mean, spread)) * logit_slope
    return integrate(slope), integrate(slope * (GRID - mean) / spread)


# %%
def descend(mean, spread, steps, loss):
    """Where mean and spread are before and after each step downhill."""
    places = [(mean, spread)]
    for _ in range(steps):
        moves = np.clip(0.2 * np.array(pulls(mean, spread, loss)), -0.2, 0.2)
        mean, spread = mean - moves[0], max(spread - moves[1], 0.1)
        places.append((mean, spread))
    return places


# %%
def line_axes(title, *, ylabel="density"):
    """An empty picture of the line."""
    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel="x", ylabel=ylabel, xlim=(-5, 5))
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


# %%
def draw_value(axes, value):
    """V as a bar between its two ends."""
    axes.bar(["V"], [value], color=show.BLUE)
    axes.axhline(-np.log(4), color="0.4", linestyle=":")
    axes.set(ylim=(-1.5, 0.1), title=f"V = {value + 0:.2f}")


# %%
def draw_game(mean, spread, downhill, loss, data):
    """The line with both players, and the value of the game."""
    *trail, (mean, spread) = descend(mean, spread, downhill, loss)
    figure = Figure(figsize=(7.6, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[6, 1])
    near = slice(1400, 3401, 4)  # -5 to 5
    x, logit = GRID[near], best_logit(GRID[near], mean, spread)
    opinion = 1 / (1 + np.exp(-logit.clip(-50, 50)))
    left.plot(x, opinion, "k", label="D's opinion")
    q = np.exp(log_density(x, mean, spread))
    left.plot(x, q, "--", color=show.PURPLE, label="your numbers")
    left.plot([m for m, _ in trail], np.full(len(trail), 0.03), ".k")
    if data == "shown":
        left.plot(x, p[near], color=show.GREEN, label="the data")
    title = f"mean {mean:.2f}, spread {spread:.2f}"
    left.set(xlabel="x", ylim=(0, 1.6), title=title)
    left.legend(frameon=False, loc="upper left")
    value = value_at_best(mean, spread)
    draw_value(right, value)
    alt = f"{downhill} steps down the {loss} loss: {title}, V {value:.2f}."
    return show.figure(figure, alt=f"{alt} The data is {data}.")


# %% [markdown]
# ## 1. Play: be the generator
# You make numbers. Somewhere on this line there is data, which you cannot see. All you have is an opponent:
# the black curve says, for each place, how likely it thinks that a number there is real. $V$ says how well it
# tells your numbers from the data: 0 is always, the dotted line is never.
#
# 1. Move *mean* and *spread* until the bar reaches the dotted line. Then set *data* to "shown".
# 2. Go far off: mean $-4$, spread 0.3. Pull *downhill*: each step follows the slope of a loss that you choose.
#    **Before you pull: which of the two losses will arrive?**

# %%
draw_game(-1.0, 1.0, downhill=0, loss="saturating", data="hidden")


# %%
widgets.explore(
    draw_game,
    mean=(-4.0, 4.0, -1.0),
    spread=(0.2, 2.0, 1.0),
    downhill=(0, 30, 0),
    loss=list(PUSH),
    data=["hidden", "shown"],
)


# %%
print(f"{'start':24}{'loss':16} mean       V  (after 30 steps)")
for start in [(-1.0, 1.0), (-4.0, 0.3)]:
    for loss in PUSH:
        end = descend(*start, 30, loss)[-1]
        place = f"mean {start[0]:4.1f}, spread {start[1]}"
        value = round(value_at_best(*end), 2) + 0.0  # no "-0.00"
        print(f"{place}   {loss:14}  {end[0]:5.2f}   {value:5.2f}")
best = f"{DATA_MEAN:5.2f}   {-np.log(4):5.2f}"
print(f"{'the best there is':40}{best}")


# %% [markdown]
# From nearby both arrive. From far off only one of them moves at all, although both want the same. So: why does
# the opponent's opinion lead to the data? And what is wrong with the loss that stays where it is?
#
# There is no video today. You play with *one* number, and at the end with two, so that all can be drawn. Nothing
# about the game changes on the way to video.

# %%
path_picture("game")


# %% [markdown]
# ## 2. What you just played
# The **generator** turns noise $z$ into a number: $G(z) = m + s\,z$. It has two weights, a mean $m$ and a
# spread $s$; a network has a million, and does the same. The **discriminator** $D(x)$ looks at a number and
# gives the probability that it is real. How often a real number falls near $x$ is the **density** $p(x)$ of
# the data; $q(x)$ is that of the generator's numbers.

# %%
rng = np.random.default_rng(SEED)
real = rng.normal(DATA_MEAN, DATA_SPREAD, size=100_000)
z = rng.normal(size=100_000)


# %%
def generate(z, mean, spread):
    """The generator: noise in, made-up data out."""
    return mean + spread * z


# %%
def discriminate(x):
    """A D picked by hand: it believes that real numbers are large."""
    return 1 / (1 + np.exp(-(2 * x - 1)))


# %%
fake = generate(z, mean=-1.0, spread=1.0)


# %%
figure, axes = line_axes("What the discriminator is shown")
axes.hist(real, 80, density=True, color=show.GREEN, alpha=0.6, label="real")
looks = {"color": show.PURPLE, "alpha": 0.6, "hatch": "//"}
axes.hist(fake, 80, density=True, label="generated", **looks)
axes.plot(GRID, discriminate(GRID), color="black", label="D(x), by hand")
axes.legend(frameon=False, loc="upper left")
alt = "Generated numbers around -1, real ones around 1; D rises between them."
show.figure(figure, alt=alt)


# %%
for name, numbers in {"real": real, "generated": fake}.items():
    says = discriminate(numbers).mean()
    print(f"{name:9} numbers: D says {says:.2f} on average")


# %% [markdown]
# It is on the right side of 1/2 for most numbers, and sure of few. How good is that? The game has a score for
# it. The article from which this course grew (see [lesson 00](00_start_here.ipynb)) prints it like this:

# %%
printed = "minG maxD V(D,G)=E[x∼pdata[logD(x)]+E[z∼pz[log(1−D(G(z)))]]"
print("brackets opened:", printed.count("["), " closed:", printed.count("]"))


# %% [markdown]
# A bracket is missing, and with it the end of the first average. The text around it also writes $G(x)$, the
# generator fed with a *real* video. The formula's $G(z)$ is right: the generator never sees data, only
# **noise** $z$. Put right, the **value** of the game is
#
# $$V(D, G) = \mathbb E_{x \sim p_\text{data}}\big[\log D(x)\big]
# + \mathbb E_{z \sim p_z}\big[\log(1 - D(G(z)))\big]$$
#
# and the game is $\min_G \max_D V(D, G)$: the discriminator changes its weights to raise $V$, the generator
# changes its own to lower it. $\mathbb E_{x \sim p}[f(x)]$ is the average of $f$ over numbers drawn from $p$.
# You can draw many and take the mean, or integrate: $\int p(x) f(x)\,dx$.


# %%
def value(real, fake, discriminator):
    """V(D, G) as two averages: over data, and over what G made of noise."""
    told_real = np.mean(np.log(discriminator(real)))
    return told_real + np.mean(np.log(1 - discriminator(fake)))


# %%
q = np.exp(log_density(GRID, -1.0, 1.0))
by_drawing = value(real, fake, discriminate)
D_grid = np.clip(discriminate(GRID), 1e-12, 1 - 1e-12)
by_integral = integrate(p * np.log(D_grid)) + integrate(q * np.log(1 - D_grid))
assert abs(by_drawing - by_integral) < 0.02
print(f"V of this pair, by drawing:  {by_drawing:.1f}")
print(f"V of this pair, by integral: {by_integral:.1f}")


# %% [markdown]
# The formula averages over noise $z$, the second integral runs over numbers $x$, weighted with $q$. Both are the
# same: to draw $x$ from $q$ *is* to draw $z$ and compute $G(z)$. The derivation below rests on this.
#
# ### The same value in code
# A network gives no probability but a **logit** $\ell$, which may be any number; $D = \sigma(\ell) =
# 1/(1 + e^{-\ell})$. Then $-\log D = \text{softplus}(-\ell)$ and $-\log(1 - D) = \text{softplus}(\ell)$, with
# $\text{softplus}(x) = \log(1 + e^x)$. Networks learn by making a loss small, so the discriminator's loss is
# $-V$. Here it is, beside the course's own:


# %%
def discriminator_loss(real_logits, fake_logits):
    """Minus the value of the game."""
    return np.mean(softplus(-real_logits)) + np.mean(softplus(fake_logits))


# %%
logits = 2 * real - 1, 2 * fake - 1  # of real and of generated numbers
mine = discriminator_loss(*logits)
theirs = float(losses.minimax_discriminator_loss(*logits))
assert abs(mine + by_drawing) < 1e-6
assert abs(mine - theirs) < 1e-4
print(f"-V {-by_drawing:.2f}, my loss {mine:.2f}, the course's {theirs:.2f}")


# %% [markdown]
# ## 3. The best opponent
# Hold the generator still. Which $D$ makes $V$ largest? Written as one integral,
#
# $$V = \int p(x) \log D(x) + q(x) \log(1 - D(x))\;dx.$$
#
# $D$ may take any value at any $x$, so each place can be settled by itself. At one place, call $y = D(x)$. The
# slope of $p \log y + q \log(1 - y)$ is $p/y - q/(1-y)$. It is 0 where
#
# $$y = D^*(x) = \frac{p(x)}{p(x) + q(x)}.$$

# %%
p_here, q_here = 0.8, 0.2  # the two densities at one place
y = np.linspace(0.001, 0.999, 999)
integrand = p_here * np.log(y) + q_here * np.log(1 - y)
best = y[integrand.argmax()]
assert abs(best - p_here / (p_here + q_here)) < 1e-3
title = "One place, where p = 0.8 and q = 0.2"
figure, axes = line_axes(title, ylabel="p log y + q log(1 - y)")
axes.plot(y, integrand, color=show.BLUE)
axes.axvline(best, color=show.VERMILION, linestyle="--", label="p / (p + q)")
axes.set(xlim=(0, 1), ylim=(-2, 0), xlabel="y, what D says here")
axes.legend(frameon=False)
show.figure(figure, alt="A curve with one summit, marked, at y = 0.8.")


# %% [markdown]
# $D^*$ gives the share of real numbers among all numbers at this place. Its logit is $\log p - \log q$; the black
# curve of the panel is its probability. How far is the hand-made $D$ from it?

# %%
D_star = p / (p + q)
assert np.allclose(D_star, 1 / (1 + np.exp(-best_logit(GRID, -1.0, 1.0))))
print(f"V of the D made by hand: {by_integral:.2f}")
print(f"V of the best D:         {value_at_best(-1, 1):.2f}")
figure, axes = line_axes("The best discriminator, and one by hand")
axes.plot(GRID, p, color=show.GREEN, label="p, real")
axes.plot(GRID, q, color=show.PURPLE, linestyle="--", label="q, generated")
axes.plot(GRID, D_star, color="black", label="D* = p / (p + q)")
axes.plot(GRID, discriminate(GRID), ":", color="0.5", label="by hand")
axes.legend(frameon=False, loc="upper left")
alt = "D* is near 1 around 1.5 and falls on both sides; by hand it only rises."
show.figure(figure, alt=alt)


# %% [markdown]
# Unlike the hand-made one, $D^*$ falls again on the right: numbers above 3 are rarer still among the data.
#
# ### Exercise 1: an unfair mix
# So far $D$ saw as many real as generated numbers. Suppose that a share `real_share` of what it sees is real.
# What does the best discriminator say at a place with densities `p` and `q`? Derive it as above, with the two
# averages weighted. Stuck? Run `check.hint("best_discriminator")` in a cell of your own.


# %% tags=["exercise"]
def best_discriminator(p, q, real_share):
    """Probability that a number is real where the densities are p and q."""
    # BEGIN SOLUTION
    return real_share * p / (real_share * p + (1 - real_share) * q)
    # END SOLUTION


# %%
check.best_discriminator(best_discriminator)


# %% [markdown]
# ## 4. Why the game ends at the data
# Put $D^*$ back into $V$. With the **average** density $a = (p + q)/2$, both fractions are halves:
# $\frac{p}{p+q} = \frac12 \cdot \frac{p}{a}$, and likewise for $q$. Each factor $\frac12$ gives
# $-\log 2$, since $p$ and $q$ have area 1; two of them are $-\log 4$:
#
# $$V(D^*, G) = \int p \log\frac{p}{p+q} + q \log\frac{q}{p+q}\;dx
# = -\log 4 + \underbrace{\int p \log\frac{p}{a}\,dx + \int q \log\frac{q}{a}\,dx}_{2\,\text{JSD}(p, q)}$$
#
# Each integral on the right is a **Kullback-Leibler divergence**, $\text{KL}(p, a) = \int p \log
# \frac{p}{a}\,dx$. Their mean is the **Jensen-Shannon divergence** (JSD). It is 0 if $p = q$ and positive
# otherwise. So a generator that lowers $V$ pulls its numbers towards the data. *That* is why your bar went
# down to the dotted line exactly when you lay on the data.


# %%
def kl(p, q):
    """Kullback-Leibler divergence of densities; where p is 0, 0 is added."""
    tiny = 1e-300
    return integrate(p * (np.log(p + tiny) - np.log(q + tiny)))


# %%
def jsd(p, q):
    """Jensen-Shannon divergence: how far both are from their average."""
    return (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2


# %%
print("generator         V at D*   -log 4 + 2 JSD")
cases = {"at the start": (-1.0, 1.0), "perfect": (DATA_MEAN, DATA_SPREAD)}
cases["far off"] = (-9.0, 0.5)
for name, weights in cases.items():
    q_of = np.exp(log_density(GRID, *weights))
    sides = value_at_best(*weights), -np.log(4) + 2 * jsd(p, q_of)
    assert np.isclose(*sides, atol=1e-6)
    shown = [round(side, 2) + 0.0 for side in sides]  # no "-0.00"
    print(f"{name:14} {shown[0]:10.2f} {shown[1]:16.2f}")


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
# ## 5. The loss that goes silent
# Now for the generator that did not move. It feels only the second term of $V$, so it descends
# $\log(1 - D(G(z))) = -\text{softplus}(\ell)$. The slope of that along the logit is $-\sigma(\ell)$: *minus*
# the probability that $D$ gives to the fake. A bad fake has a very negative $\ell$, so the slope is almost 0.
# There is nothing to learn from. The loss **saturates**.
#
# Goodfellow's first paper already has the remedy: descend $-\log D(G(z)) = \text{softplus}(-\ell)$ instead. It
# has the same goal, but its slope is $-\sigma(-\ell)$: close to $-1$ for a bad fake.
#
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
# What does TensorFlow say of the two slopes?


# %%
def slopes(loss, logits):
    """Slope of a loss at each of some logits, found by TensorFlow."""
    fake_logits = tf.constant(logits, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(fake_logits)
        total = loss(None, fake_logits) * len(logits)  # the sum
    return tape.gradient(total, fake_logits).numpy()


# %%
logits = np.linspace(-8, 8, 161)
weak = slopes(losses.minimax_generator_loss, logits)
strong = slopes(losses.non_saturating_generator_loss, logits)
assert np.allclose(weak, PUSH["saturating"](logits), atol=1e-5)
assert np.allclose(strong, PUSH["non-saturating"](logits), atol=1e-5)
print(f"a fake with logit -8: slopes {weak[0]:.4f} and {strong[0]:.4f}")
print(f"a fake with logit  0: slopes {weak[80]:.4f} and {strong[80]:.4f}")


# %% [markdown]
# On the line this means: at mean $-4$ and spread 0.3 the best $D$ gives your numbers logits of about $-50$.
# The pull on the mean, at every distance:

# %%
means = np.linspace(-5, 5, 81)
looks = (show.BLUE, "-"), (show.VERMILION, "--")
styles = dict(zip(PUSH, looks, strict=True))
title = "How hard the generator's mean is pulled (spread 0.5)"
figure, axes = line_axes(title, ylabel="size of the slope")
for loss, (colour, style) in styles.items():
    sizes = [abs(pulls(mean, 0.5, loss)[0]) + 1e-6 for mean in means]
    axes.semilogy(means, sizes, style, color=colour, label=loss)
axes.axvline(DATA_MEAN, color=show.GREEN, linestyle=":", label="data")
axes.set(xlabel="mean of the generator", ylim=(1e-4, 1e4))
axes.legend(frameon=False, loc="upper center", ncols=3)
alt = "Far from the data the saturating pull falls to 0, the other grows."
show.figure(figure, alt=alt)


# %% [markdown]
# Both vanish at the data. Far away, one loss goes silent and the other pulls harder.

# %% [markdown]
# ## 6. Let two networks play
# Until now you moved $G$, and $D$ was perfect at once. From here on both are small networks that learn, one
# step each in turn. A network is a list of arrays, a matrix and a bias per layer.


# %%
def mlp(weights, x):
    """Hidden layers of tanh, then a linear one."""
    *hidden, matrix, bias = weights
    for w, b in zip(hidden[::2], hidden[1::2], strict=True):
        x = tf.tanh(x @ w + b)
    return x @ matrix + bias


# %%
game = toy.make_toy(1, latent_dim=1, width=32, seed=SEED)
print("generator:    ", [array.shape for array in game.generator])
print("discriminator:", [array.shape for array in game.discriminator])


# %% [markdown]
# One step of the game has two halves. Each half watches the weights of one player only. That is all that
# tells the two apart.


# %%
def discriminator_gradients(generator, discriminator, real, noise):
    """A step against them scores real numbers higher and fakes lower."""
    fake = mlp(generator, noise)
    with tf.GradientTape() as tape:
        tape.watch(discriminator)
        logits = mlp(discriminator, real), mlp(discriminator, fake)
        loss = losses.minimax_discriminator_loss(*logits)
    return tape.gradient(loss, discriminator)


# %%
def generator_gradients(generator, discriminator, noise):
    """A step against them makes fakes that D scores higher."""
    with tf.GradientTape() as tape:
        tape.watch(generator)
        logits = mlp(discriminator, mlp(generator, noise))
        loss = losses.non_saturating_generator_loss(None, logits)
    return tape.gradient(loss, generator)


# %% [markdown]
# The gradients move the weights, by Adam: each gradient is divided by its own usual size. Adam's memory of past
# *directions*, `beta_1`, is 0 here. The opponent moves, so yesterday's direction is bad advice.


# %%
def adam(weights, gradients, rate=2e-3, memory=0.99):
    """New weights after the first step of Adam; squares start at 0."""
    moved = []
    for weight, gradient in zip(weights, gradients, strict=True):
        square = (1 - memory) * gradient**2  # no memory yet
        size = tf.sqrt(square / (1 - memory)) + 1e-7
        moved.append(weight - rate * gradient / size)
    return moved


# %%
def first_step(game, real, noise):
    """The discriminator moves, then the generator answers."""
    game = tf.nest.map_structure(tf.constant, game)  # arrays become tensors
    players = game.generator, game.discriminator
    slopes = discriminator_gradients(*players, real, noise[0])
    discriminator = adam(game.discriminator, slopes)
    slopes = generator_gradients(game.generator, discriminator, noise[1])
    return adam(game.generator, slopes), discriminator


# %% [markdown]
# The course has the same step, compiled and with a few switches. The same numbers go in; do the same weights
# come out?

# %%
points = toy.draw_noise(rng, (128, 1)) * DATA_SPREAD + DATA_MEAN
noise = toy.draw_noise(rng, (2, 128, 1))
mine = first_step(game, points, noise)
theirs, _ = toy.toy_step(game, points, noise, recipe=toy.Recipe())
theirs = theirs.generator, theirs.discriminator
pairs = list(zip(sum(mine, []), sum(theirs, []), strict=True))
gap = max(np.abs(ours - its).max() for ours, its in pairs)
assert gap < 1e-5
print(f"{len(pairs)} arrays, largest difference {gap:.4f}")


# %% [markdown]
# How good is a generator? Its loss cannot tell, for that depends on the opponent. But here you know the data.
# Sort many real and many generated numbers and compare what share of each lies below a place. The largest
# difference is the **gap**: 0 for the same distribution, 1 if they do not even overlap.


# %%
def draw_line(rng, num_points):
    """Real numbers."""
    drawn = rng.normal(DATA_MEAN, DATA_SPREAD, size=(num_points, 1))
    return drawn.astype(np.float32)


# %%
def generated(game):
    """4,000 generated numbers, always from the same noise."""
    noise = toy.draw_noise(np.random.default_rng(1), (4000, 1))
    return mlp(game.generator, noise).numpy().ravel()


# %%
def distribution_gap(fake, seed=2):
    """Largest difference of the shares below a place."""
    real = draw_line(np.random.default_rng(seed), 4000).ravel()
    places = np.linspace(-5, 5, 501)
    below = [np.searchsorted(np.sort(x), places) for x in (fake, real)]
    return np.abs(below[0] - below[1]).max() / 4000


# %%
def draw_players(game, title):
    """The numbers of both, and what the discriminator says."""
    figure, axes = line_axes(title)
    fake, bins = generated(game), np.linspace(-5, 5, 101)
    looks = {"color": show.PURPLE, "alpha": 0.6, "label": "generated"}
    counts = axes.hist(fake, bins, density=True, **looks)[0]
    axes.plot(GRID, p, color=show.GREEN, label="p, real")
    places = np.linspace(-5, 5, 201, dtype=np.float32)[:, None]
    opinion = tf.sigmoid(mlp(game.discriminator, places))
    axes.plot(places, opinion, color="black", label="D")
    axes.set(ylim=(0, max(1.6, 1.1 * counts.max())))  # nothing is cut off
    axes.legend(frameon=False, loc="upper left")
    alt = f"{title}: generated mean {fake.mean():.2f}, spread {fake.std():.2f}"
    return show.figure(figure, alt=f"{alt}, highest bar {counts.max():.1f}.")


# %%
untrained_gap = distribution_gap(generated(game))
chance = distribution_gap(draw_line(np.random.default_rng(3), 4000).ravel())
print(f"gap of the untrained generator {untrained_gap:.1f}")
print(f"gap of other real numbers      {chance:.2f}")


# %% [markdown]
# Watch the generated numbers move over. Then they must find their width: will they come out too narrow, too
# wide, or right? (`r1_gamma` is explained in section 7. The last third of the steps is taken at a twentieth of
# the rate, so that the two players settle.)

# %% tags=["nbval-ignore-output"]
title = "Before training"
live = display(draw_players(game, title), display_id=True)
for done in range(100, LINE_STEPS + 1, 100):
    rate = 2e-3 if done <= 2 * LINE_STEPS // 3 else 1e-4
    recipe = toy.Recipe(g_rate=rate, d_rate=rate, r1_gamma=0.5)
    play = {"recipe": recipe, "num_steps": 100}
    game, (d_loss, g_loss) = toy.train_toy(game, draw_line, rng, **play)
    live.update(draw_players(game, f"After {done} steps"))


# %% tags=["nbval-ignore-output"]
fake = generated(game)
places = np.linspace(0, 2, 21, dtype=np.float32)[:, None]  # nearly all data
opinions = tf.sigmoid(mlp(game.discriminator, places)).numpy()
trained_gap = distribution_gap(fake)
above = [100 * np.mean(x > 2) for x in (fake, real)]
references = f"untrained {untrained_gap:.2f}, chance {chance:.2f}"
print(f"gap           {trained_gap:5.2f}  {references}")
print(f"mean          {fake.mean():5.2f}  real {DATA_MEAN:.2f}")
print(f"spread        {fake.std():5.2f}  real {DATA_SPREAD:.2f}")
print(f"over 2        {above[0]:4.1f}%  real {above[1]:.1f}%")
print(f"D's opinion   {opinions.mean():5.2f}  in theory 0.50")
print(f"D's loss      {d_loss:5.2f}  in theory {np.log(4):.2f}")


# %%
assert trained_gap < 0.15 < untrained_gap
assert abs(fake.mean() - DATA_MEAN) < 0.15
assert 0.35 < fake.std() < 0.65
assert np.abs(opinions - 0.5).max() < 0.1
print("gap after training: under 0.15")


# %% [markdown]
# $D$ is at 1/2 and its loss at $\log 4$, as the theory says. Mean and spread are nearly right. The shape is
# not: look at the bumps and at the right end. So $D = 1/2$ does *not* prove that $q = p$. The theory's $D$ is
# perfect; this one is a small, smooth network with a penalty on its slopes, and does not see bumps this fine.
# What $D$ cannot see, nobody corrects (lesson 07 meets this again). A flat loss at $\log 4$ may also mean that
# nothing learns at all; lesson 04 shows how to tell.

# %% [markdown]
# ## 7. Eight heaps on a ring
# Now data in two dimensions: eight small heaps, called **modes**. Think of ten actions, or of eighty people.
# How many of them does a generator reach? A point belongs to a heap if it is near its centre; a heap counts
# if it gets at least 2 in 100 points.


# %%
def count_modes(points, centres, radius=0.3, share=0.02):
    """How many heaps get at least 2 in 100 points."""
    distances = np.linalg.norm(points[:, None] - centres, axis=2)
    return int(((distances < radius).mean(axis=0) >= share).sum())


# %%
def ring_points(game):
    """A thousand generated points, always from the same noise."""
    noise = toy.draw_noise(np.random.default_rng(1), (1000, 2))
    return mlp(game.generator, noise).numpy()


# %%
CENTRES = toy.ring_centres()
ring = toy.draw_ring(np.random.default_rng(SEED), 1000)
assert count_modes(ring, CENTRES) == toy.count_modes(ring, CENTRES)
print("heaps in the data:", count_modes(ring, CENTRES))


# %%
def points_frame(points, size=192):
    """Points as a picture: the heaps' places green, the points purple."""
    picture = np.full((size, size, 3), 255, np.uint8)
    y, x = np.mgrid[:size, :size]
    for centre in CENTRES:
        off = np.hypot(x - pixel(centre, size)[0], y - pixel(centre, size)[1])
        picture[np.abs(off - 0.3 * size / 6.4) < 0.8] = (0, 158, 115)
    at = pixel(points, size).round().astype(int).clip(0, size - 2)
    for right in (0, 1):
        for down in (0, 1):
            picture[at[:, 1] + down, at[:, 0] + right] = (150, 60, 130)
    return picture


# %%
def pixel(places, size):
    """Where places of the plane are in a picture, x before y."""
    return (np.asarray(places) * [1, -1] + 3.2) * size / 6.4


# %%
def play_ring(recipe, num_steps, seed=SEED, num_snapshots=20):
    """Play from the start; returns the points at equal distances in time."""
    rng, game = np.random.default_rng(seed), toy.make_toy(2, seed=seed)
    snapshots = [ring_points(game)]
    play = {"recipe": recipe, "num_steps": num_steps // num_snapshots}
    for _ in range(num_snapshots):
        game, _ = toy.train_toy(game, toy.draw_ring, rng, **play)
        snapshots.append(ring_points(game))
    return snapshots


# %% [markdown]
# Two things might matter. **Balance**: does each player take one step in turn, or is the generator hasty, with
# twenty quick steps for each step of the discriminator? And **R1** (Mescheder 2018), a penalty on steep slopes
# of the discriminator at real points:
#
# $$\frac{\gamma}{2}\,\mathbb E_{x \sim p}\,|\nabla_x\,\ell(x)|^2$$


# %%
def r1(discriminator, real, gamma):
    """gamma/2 times the mean squared slope of the logit."""
    with tf.GradientTape() as tape:
        tape.watch(real)
        total = tf.reduce_sum(mlp(discriminator, real))
    slope = tape.gradient(total, real)
    return gamma / 2 * tf.reduce_mean(tf.reduce_sum(slope**2, axis=1))


# %%
untrained, sample = toy.make_toy(2, seed=SEED), tf.constant(ring)
mine = r1(untrained.discriminator, sample, gamma=0.1)
judge = lambda x: mlp(untrained.discriminator, x)  # noqa: E731
theirs = losses.r1_penalty(judge, sample, gamma=0.1)
assert np.isclose(mine, theirs)
print(f"R1 of an untrained D: mine {mine:.3f}, the course's {theirs:.3f}")


# %% [markdown]
# That makes four games. **Which of them will reach all eight heaps: with balance only, with R1 only, with
# both, with neither?** Write your guess down before you run the next cells.

# %%
hasty = {"g_steps": 20, "g_rate": 5e-3}
recipes = {
    "balance, R1": (toy.Recipe(r1_gamma=0.1), RING_STEPS),
    "balance, no R1": (toy.Recipe(), RING_STEPS),
    "hasty, R1": (toy.Recipe(r1_gamma=0.1, **hasty), 300),
    "hasty, no R1": (toy.Recipe(**hasty), 300),
}


# %% tags=["nbval-ignore-output", "trains-games"]
games = {}
bar = display("The games begin.", display_id=True)
for name, (recipe, num_steps) in recipes.items():
    games[name] = play_ring(recipe, num_steps)
    bar.update(f"{len(games)} of 4 games played: {name}")


# %% tags=["nbval-ignore-output"]
print("heaps reached                at the end   median of the last 10 looks")
reached = {}
for name, snapshots in games.items():
    counts = [count_modes(points, CENTRES) for points in snapshots[-10:]]
    reached[name] = np.median(counts)
    print(f"{name:26} {counts[-1]:6} of 8   {reached[name]:12.0f} of 8")
before = count_modes(ring_points(untrained), CENTRES)
print(f"{'untrained':26} {before:6} of 8")
moving = [[points_frame(points) for points in game] for game in games.values()]
alt = "Four games on the ring: " + ", ".join(games) + "."
show.show_grid(np.array(moving), labels=list(games), columns=2, fps=4, alt=alt)


# %%
assert min(reached["balance, R1"], reached["balance, no R1"]) >= 5
assert max(reached["hasty, R1"], reached["hasty, no R1"]) <= 4
print("with balance 5 heaps and more, without it 4 and fewer")


# %% [markdown]
# Was your guess right? **Balance** decides here. We played all four with seeds 0, 1 and 2. At the end the games
# with balance reached 8, 8, 8 heaps with R1 and 8, 8, 6 without; the hasty ones reached 0 or 1, with R1 or
# without. R1 helps to *stay*: in the game that fell back to 6, without R1, only 46% of the points were still
# near a heap. With R1 it was 86%. A gentle $D$ offers no steep slope to run up, and where $p = q$ it becomes
# flat, so that the game comes to rest.
#
# Now look at a hasty game, step by step. What does the cloud of points run after?


# %%
def draw_moment(game, snapshot):
    """The points of one game at one time."""
    points, (_, steps) = games[game][snapshot], recipes[game]
    step, heaps = snapshot * steps // 20, count_modes(points, CENTRES)
    label = f"step {step} of {steps}: {heaps} of 8 heaps"
    frame = points_frame(points, size=384)
    sheet = show.label_grid(frame[None, None], [label], scale=1)[0]
    alt = f"Points of game {game} at step {step} of {steps}."
    return show.still_picture(sheet, alt)


# %%
draw_moment("hasty, no R1", snapshot=4)


# %%
order = ["hasty, no R1", "hasty, R1", "balance, no R1", "balance, R1"]
widgets.explore(draw_moment, game=order, snapshot=(0, 20, 4))


# %% [markdown]
# **Mode collapse.** With twenty steps to one, the game is turned round into $\max_D \min_G$: the generator
# answers a $D$ that holds still. The best answer is the *one place* that $D$ likes most, so nearly all noise
# goes there, whether there is a heap or not. Then $D$ moves, that place is worth nothing, and the whole cloud
# jumps to the next, often between the heaps. A video GAN that has collapsed shows one person, ten times.
#
# ### Exercise 4: near, or merely everywhere?
# A generator that throws points all over the square reaches eight heaps, too. So count something else as well:
# the share of points that lie within `radius` of **any** centre. (`check.hint("on_target_share")`)


# %% tags=["exercise"]
def on_target_share(points, centres, radius):
    """Share of points, 0 to 1, that are nearer than `radius` to a centre."""
    # BEGIN SOLUTION
    distances = np.linalg.norm(points[:, None] - centres, axis=2)
    return float((distances.min(axis=1) < radius).mean())
    # END SOLUTION


# %%
check.on_target_share(on_target_share)


# %% [markdown]
# **Open question.** Between balance and haste there is room: change `g_steps` in `recipes` to 2, 5 and 10, and
# find where the game tips. Does R1 move the tipping point? Say why.
#
# ## 8. GANs: for and against
# *FAQ 2 of the article: what are the pros and cons of GANs?* Its answer: they make realistic data and suit
# many tasks, but training is complex and takes much data and computing. True, and now you can be more exact:
#
# | for | against |
# |---|---|
# | sharp results: the loss is a network that learns what is wrong | no falling curve tells you that it gets better |
# | fast: one pass through $G$ makes a sample | it can collapse, chase in circles, or go silent |
# | $G$ needs no formula for $p$ | it gives none either: you cannot ask how likely a given video is |
# | the noise becomes a space to walk in (lessons 04 and 06) | a learning rate or $\gamma$ can decide (lesson 08) |
#
# ## What goes wrong, and how you notice
# - **The generator does not move, and $D$ is always right**: the saturating loss. Use the non-saturating one.
# - **The discriminator's loss is flat at $\log 4$**: solved, or $D$ cannot see what is wrong, or nobody learns.
#   Look at the samples.
# - **All samples look alike, and jump together from time to time**: mode collapse. Restore the balance first,
#   then add R1.
# - **$G$ is fed with data**: then it learns nothing about noise, and cannot make anything new. `G(z)`, not `G(x)`.
# - **`log(0)`**: someone computed `log(sigmoid(logit))`. Use softplus, or a loss that takes logits.
#
# ## You have
# - played the generator against a perfect opponent, and found out why the game ends at the data;
# - seen why the generator's first loss goes silent when it is needed most, and what is used instead;
# - let two networks play on a line and on a ring, made them collapse, and cured them.
#
# ## References
# - Goodfellow et al. 2014, *Generative Adversarial Nets*, [arXiv 1406.2661](https://arxiv.org/abs/1406.2661): the
#   game, $D^*$ and the non-saturating loss.
# - Arjovsky and Bottou 2017, *Towards Principled Methods for Training GANs*,
#   [arXiv 1701.04862](https://arxiv.org/abs/1701.04862): what the two losses really descend.
# - Kahng et al. 2018, *GAN Lab*, [arXiv 1809.01587](https://arxiv.org/abs/1809.01587): another game to play with.
# - Metz et al. 2017, *Unrolled GANs*, [arXiv 1611.02163](https://arxiv.org/abs/1611.02163): the ring of eight heaps.
# - Mescheder et al. 2018, *Which Training Methods for GANs do actually Converge?*,
#   [arXiv 1801.04406](https://arxiv.org/abs/1801.04406): R1.
#
# Next: [04 · A first GAN](04_first_gan.ipynb)
