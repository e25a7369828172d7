"""Checks of lesson 03: the best discriminator, the equilibrium, the non-saturating loss, points on target."""

import math
import numbers

import numpy as np

from vgcourse.classroom.check.core import Wrong, call, exercise


@exercise(
    "At one place x the value is real_share * p * log(y) + (1 - real_share) * q * log(1 - y). Where "
    "is its slope 0?",
    "The slope is A / y - B / (1 - y), with A = real_share * p and B = (1 - real_share) * q; it is 0 "
    "at A / (A + B).",
)
def best_discriminator(answer):
    got = _number(call(answer, 0.6, 0.3, 0.25), "best_discriminator(0.6, 0.3, 0.25)")
    expected = 0.25 * 0.6 / (0.25 * 0.6 + 0.75 * 0.3)
    if math.isclose(got, 0.6 / 0.9, rel_tol=1e-3):
        raise Wrong(
            f"you gave p / (p + q) = {got:.2f}, the answer for a fair mix. Only a quarter of the "
            "numbers is real "
            "here, so D should trust less: weight p with real_share, and q with the rest."
        )
    if math.isclose(got, 1 - expected, rel_tol=1e-3):
        raise Wrong(f"{got:.2f} is the probability of *generated*; D gives that of real. Swap the two parts.")
    if math.isclose(got, 0.25 * 0.6 / (0.25 * 0.6 + 0.3), rel_tol=1e-3):
        raise Wrong("you weighted p, but not q: its weight is 1 - real_share.")
    if not math.isclose(got, expected, rel_tol=1e-3):
        raise Wrong(
            f"for p 0.6, q 0.3 and a quarter of real numbers expected {expected:.2f}, received {got:.2f}."
        )
    fair = _number(call(answer, 0.8, 0.2, 0.5), "best_discriminator(0.8, 0.2, 0.5)")
    if not math.isclose(fair, 0.8, rel_tol=1e-3):
        raise Wrong(f"with a fair mix it should be p / (p + q) = 0.80 again, received {fair:.2f}.")
    return "right: Bayes' rule. With real_share 1/2 the weights cancel, and p / (p + q) is left."


@exercise(
    "The plotted number is minus V. What is V when p = q? You printed it above.",
    "D says 1/2 everywhere. The loss is -log(1/2) for real plus -log(1/2) for generated clips.",
)
def equilibrium_loss(answer):
    got = _number(answer, "equilibrium_loss")
    if abs(got - math.log(2)) < 0.01:
        raise Wrong(
            "0.69 = log 2 is only one of the two halves, real or generated. (Code that *averages* "
            "the halves does "
            "show 0.69; this loss adds them.)"
        )
    if abs(got + math.log(4)) < 0.01:
        raise Wrong(f"{got:.2f} is V itself. The discriminator's loss is minus V, and never negative.")
    if abs(got - 0.5) < 0.01:
        raise Wrong(
            "0.5 is what D says; the loss takes its logarithm, twice: once for real, once for generated."
        )
    if abs(got) < 0.01:
        raise Wrong(
            "0 is the loss of a discriminator that is always right: the generator would be at its worst."
        )
    if abs(got - math.log(4)) > 0.01:
        raise Wrong(
            f"expected minus the value of the game at p = q, received {got:.2f}. D says 1/2 everywhere."
        )
    return (
        "right: log 4 = 1.39. A discriminator's loss far below it means that fakes can still be told apart."
    )


@exercise(
    "-log(sigmoid(l)) is softplus(-l): log(1 + exp(-l)).",
    "np.logaddexp(0, a) is log(1 + exp(a)), and never overflows. Put -fake_logits in, and take the mean.",
)
def outspoken_loss(answer):
    logits = np.array([-2.0, 0.0, 3.0])
    got = _number(call(answer, logits), "outspoken_loss of three logits")
    plus, minus = np.logaddexp(0, logits), np.logaddexp(0, -logits)
    if math.isclose(got, -plus.mean(), rel_tol=1e-4):
        raise Wrong(
            "this is the *saturating* loss, -softplus(l): its slope vanishes for bad fakes. You want "
            "softplus(-l)."
        )
    if math.isclose(got, plus.mean(), rel_tol=1e-4):
        raise Wrong(
            "this is softplus(l) = -log(1 - D): descending it makes D surer that fakes are fake. "
            "Mind the sign of l."
        )
    if math.isclose(got, -minus.mean(), rel_tol=1e-4):
        raise Wrong("this is the mean of log D; the loss is minus that, so that smaller is better.")
    if math.isclose(got, minus.sum(), rel_tol=1e-4):
        raise Wrong(
            f"you added the logits' losses ({got:.2f}); take their mean, or the step depends on the "
            "batch size."
        )
    if not math.isclose(got, minus.mean(), rel_tol=1e-4):
        raise Wrong(f"for logits -2, 0 and 3 expected {minus.mean():.3f}, received {got:.3f}.")
    with np.errstate(all="ignore"):
        far = _number(call(answer, np.array([-1000.0])), "outspoken_loss of the logit -1000")
    if not math.isclose(far, 1000, rel_tol=1e-4):
        raise Wrong(f"for the logit -1000 expected 1000, received {far}: exp overflows. Use np.logaddexp.")
    return (
        "right: and at a logit of -1000 its slope is still -1, where the saturating loss has nothing to say."
    )


@exercise(
    "First all distances, points x centres, as in count_modes. Then: the nearest centre of each point.",
    "distances.min(axis=1) < radius is True for a point on target; the mean of Trues is their share.",
)
def on_target_share(answer):
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    points = np.array([[0.1, 0.1], [4.0, 0.2], [2.0, 2.0], [0.28, 0.28], [9.0, 9.0]])
    got = _number(call(answer, points, centres, 0.3), "on_target_share of five points")
    if math.isclose(got, 2.0):
        raise Wrong("2 points are on target, but a *share* is asked for: divide by the number of points.")
    if math.isclose(got, 2 / 15):
        raise Wrong(
            "you took the mean over all pairs of point and centre. Reduce over the centres first "
            "(min or any along "
            "axis 1), then take the mean over the points."
        )
    if math.isclose(got, 2 / 3):
        raise Wrong(
            "you reduced over the wrong axis: this is the share of *centres* that are hit. Points are axis 0."
        )
    if math.isclose(got, 0.6):
        raise Wrong(
            "(0.28, 0.28) is 0.40 away from (0, 0), not 0.28: use the length of the difference, not "
            "each part."
        )
    if math.isclose(got, 0.0):
        raise Wrong(
            "expected 0.4, received 0: must a point be near *all* centres in your function? One is enough."
        )
    if not math.isclose(got, 0.4):
        raise Wrong(f"2 of 5 points lie within 0.3 of a centre: expected 0.4, received {got:.2f}.")
    return "right: now throw points everywhere, and it falls although all heaps are reached."


def _number(value, what):
    """`value` as a float; Wrong if it is none."""
    value = np.asarray(value) if hasattr(value, "__array__") else value
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise Wrong(f"{what}: expected one number, received {type(value).__name__}.")
    return float(value)
