"""Checks of lesson 03: the best discriminator, the equilibrium, the non-saturating loss, points on target."""

import math

import numpy as np

from vgcourse.classroom.check.core import ask, exercise, number, refuse, same


@exercise(
    "At one place x the value is real_share * p * log(y) + (1 - real_share) * q * log(1 - y). Where is its "
    "slope 0?",
    "The slope is A / y - B / (1 - y), with A = real_share * p and B = (1 - real_share) * q; it is 0 at A / "
    "(A + B).",
)
def best_discriminator(answer):
    """Check `best_discriminator(p, q, real_share)`."""

    slips = {
        "that is p / (p + q), the answer for a fair mix. Only a quarter of the numbers is real here, so D "
        "should trust less: weight p with real_share, and q with the rest.": 0.6 / 0.9,
        "that is the probability of *generated*; D gives that of real. Swap the two parts.": 0.6,
        "you weighted p, but not q: its weight is 1 - real_share.": 0.15 / 0.45,
    }
    asked = "for p 0.6, q 0.3 and a quarter of real numbers"
    ask(answer, 0.6, 0.3, 0.25, right=0.4, asked=asked, slips=slips, tolerance=1e-3)
    ask(answer, 0.8, 0.2, 0.5, right=0.8, asked="with a fair mix, p / (p + q) again,", tolerance=1e-3)
    return "right: Bayes' rule. With real_share 1/2 the weights cancel, and p / (p + q) is left."


@exercise(
    "The plotted number is minus V. What is V when p = q? You printed it above.",
    "D says 1/2 everywhere. The loss is -log(1/2) for real plus -log(1/2) for generated clips.",
)
def equilibrium_loss(answer):
    """Check a number: the loss of a discriminator that cannot tell."""
    got = number(answer, "equilibrium_loss")
    slips = {
        "0.69 = log 2 is only one of the two halves, real or generated. (Code that *averages* the halves "
        "does show 0.69; this loss adds them.)": math.log(2),
        f"{got:.2f} is V itself. The discriminator's loss is minus V, and never negative.": -math.log(4),
        "0.5 is what D says; the loss takes its logarithm, twice: once for real, once for generated.": 0.5,
        "0 is the loss of a discriminator that is always right: the generator would be at its worst.": 0,
    }
    mistakes = {message: same(got, value, tolerance=5e-3) for message, value in slips.items()}
    other = f"expected minus the game's value at p = q, received {got:.2f}. D says 1/2 everywhere."
    # No message gives the answer away, as `compare` would.
    refuse(mistakes | {other: not same(got, math.log(4), tolerance=5e-3)})
    return (
        "right: log 4 = 1.39. A discriminator's loss far below it means that fakes can still be told apart."
    )


@exercise(
    "-log(sigmoid(l)) is softplus(-l): log(1 + exp(-l)).",
    "np.logaddexp(0, a) is log(1 + exp(a)), and never overflows. Put -fake_logits in, and take the mean.",
)
def outspoken_loss(answer):
    """Check `outspoken_loss(fake_logits)`."""
    logits = np.array([-2.0, 0.0, 3.0])
    plus, minus = np.logaddexp(0, logits), np.logaddexp(0, -logits)
    slips = {
        "this is the *saturating* loss, -softplus(l), flat for bad fakes. Take softplus(-l).": -plus.mean(),
        "this is softplus(l) = -log(1 - D): down there fakes look faker. Mind the sign of l.": plus.mean(),
        "this is the mean of log D; the loss is minus that, so that smaller is better.": -minus.mean(),
        "you added the logits' losses; take their mean, or the step depends on the batch size.": minus.sum(),
    }
    ask(answer, logits, right=minus.mean(), slips=slips)
    with np.errstate(all="ignore"):
        ask(answer, np.array([-1000.0]), right=1000, otherwise="exp overflows. Use np.logaddexp.")
    return (
        "right: and at a logit of -1000 its slope is still -1, where the saturating loss has nothing to say."
    )


@exercise(
    "First all distances, points x centres, as in count_modes. Then: the nearest centre of each point.",
    "distances.min(axis=1) < radius is True for a point on target; the mean of Trues is their share.",
)
def on_target_share(answer):
    """Check `on_target_share(points, centres, radius)`."""
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    points = np.array([[0.1, 0.1], [4.0, 0.2], [2.0, 2.0], [0.28, 0.28], [9.0, 9.0]])
    slips = {
        "2 points are on target, but a *share* is asked for: divide by the number of points.": 2,
        "you took the mean over all pairs of point and centre. Reduce over the centres first (min or any "
        "along axis 1), then take the mean over the points.": 2 / 15,
        "you reduced over the wrong axis: that is the share of *centres* hit. Points are axis 0.": 2 / 3,
        "(0.28, 0.28) is 0.40 away from (0, 0): use the length of the difference, not each part.": 0.6,
        "must a point be near *all* centres in your function? One is enough.": 0,
    }
    asked = "2 of 5 points lie within 0.3 of a centre:"
    ask(answer, points, centres, 0.3, right=0.4, asked=asked, slips=slips)
    return "right: now throw points everywhere, and it falls although all heaps are reached."
