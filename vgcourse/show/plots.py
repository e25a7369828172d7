"""Look: plots as pictures. No pyplot: nothing keeps state.

Every plot is told apart by more than its colour, and its alt text says what one should see in it.
"""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from vgcourse.show.picture import still_picture

# Okabe & Ito's palette, which all common forms of colour vision can tell apart (https://jfly.uni-koeln.de/color/)
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
DPI = 110  # pixels per inch of a figure


def figure(figure, alt):
    """A plot of your own as a picture.

    Args:
        figure: a matplotlib `Figure` (not from pyplot, which keeps state).
        alt: what it shows, in words: the kind of plot, its axes, and what one should see in it.

    Returns:
        A still `Picture`.

    Raises:
        ValueError: the alt text is empty.
    """
    if not alt.strip():
        raise ValueError("alt: expected words that say what the figure shows, received an empty text")
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return still_picture(np.asarray(Image.open(buffer).convert("RGB")), alt)


def plot_history(history):
    """Training curves: the losses, and how the discriminator scores real and generated clips.

    Args:
        history: columns (a dict of lists, as in Keras's `History.history`) or rows (a list of dicts) named
            step, g_loss, d_loss, real_logits and fake_logits.

    Returns:
        A still `Picture`.

    Raises:
        ValueError: a column is missing, or there are no steps.
    """
    columns = _columns(history, ("step", "g_loss", "d_loss", "real_logits", "fake_logits"))
    drawn = Figure(figsize=(8.2, 2.9), layout="constrained")
    losses, logits = drawn.subplots(1, 2)
    # Told apart by line and by colour.
    _curve(losses, columns, "g_loss", label="generator", color=BLUE)
    _curve(losses, columns, "d_loss", label="discriminator", color=VERMILION, linestyle="--")
    _curve(logits, columns, "real_logits", label="real clips", color=GREEN)
    _curve(logits, columns, "fake_logits", label="generated clips", color=PURPLE, linestyle="--")
    losses.set(title="Losses", xlabel="training step", ylabel="loss (nats)")
    logits.set(title="Discriminator's scores", xlabel="training step", ylabel="mean logit (real is high)")
    logits.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    for axes in (losses, logits):
        axes.legend(frameon=False)
        _tidy(axes)
    last = {name: values[-1] for name, values in columns.items()}
    return figure(
        drawn,
        f"Two line charts over {last['step']:g} training steps. They end at: generator loss "
        f"{last['g_loss']:.2f}, discriminator loss {last['d_loss']:.2f}; mean logit of real clips "
        f"{last['real_logits']:.2f}, of generated clips {last['fake_logits']:.2f}.",
    )


def plot_bars(values, *, title, unit, log=False):
    """Horizontal bars, one per name, with their values written out.

    Args:
        values: dict of name -> number.
        title: what is compared.
        unit: name and unit of the numbers, the label of the axis.
        log: whether the axis is logarithmic; then all numbers must be over 0.

    Returns:
        A still `Picture`.

    Raises:
        ValueError: there are no values, one is not finite, or `log` with a value of 0 or less.
    """
    names, numbers = [str(name) for name in values], np.array(list(values.values()), float)
    if not names or not np.isfinite(numbers).all() or (log and (numbers <= 0).any()):
        wanted = "positive" if log else "finite"
        raise ValueError(f"values: expected one or more {wanted} numbers, received {dict(values)}")
    drawn = Figure(figsize=(6.4, 0.7 + 0.36 * len(names)), layout="constrained")
    axes = drawn.subplots()
    bars = axes.barh(names, numbers, color=BLUE, height=0.6, log=log)
    axes.bar_label(bars, [f"{number:.3g}" for number in numbers], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set(title=title, xlabel=unit)
    _tidy(axes)
    listed = ", ".join(f"{name} {number:.3g}" for name, number in zip(names, numbers, strict=True))
    return figure(drawn, f"Bar chart. {title} ({unit}): {listed}.")


def _columns(history, names):
    """Rows or columns -> columns of floats, all of `names` present and not empty."""
    if not isinstance(history, dict):
        rows = list(history)
        history = {name: [row[name] for row in rows if name in row] for name in names}
    if missing := [name for name in names if len(history.get(name, [])) == 0]:
        missing = ", ".join(missing)
        raise ValueError(f"history: expected columns {', '.join(names)}; missing or empty: {missing}")
    return {name: np.asarray(history[name], float) for name in names}


def _curve(axes, columns, name, **style):
    # The raw curve is faint; the eye should follow its mean over a twentieth of the run.
    steps, values = columns["step"], columns[name]
    window = max(1, len(steps) // 20)
    padded = np.pad(values, (window // 2, (window - 1) // 2), mode="edge")
    mean = np.convolve(padded, np.full(window, 1 / window), mode="valid")
    axes.plot(steps, values, color=style["color"], alpha=0.25, linewidth=0.8)
    axes.plot(steps, mean, linewidth=1.8, **style)


def _tidy(axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
