"""Plots: the lines and bars that are drawn, and the words that stand for them."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from vgcourse import show
from vgcourse.show import plots

HISTORY = {
    "step": [0, 50, 100],
    "g_loss": [0.7, 1.5, 1.25],
    "d_loss": [1.4, 0.9, 1.0],
    "real_logits": [0.0, 0.8, 0.75],
    "fake_logits": [0.0, -0.9, -0.5],
}


def opened(content):
    return Image.open(io.BytesIO(content))


@pytest.fixture
def drawn(monkeypatch):
    """The matplotlib figures as they were before they became pictures."""
    figures, render = [], plots.figure
    monkeypatch.setattr(plots, "figure", lambda figure, alt: figures.append(figure) or render(figure, alt))
    return figures


# ---- training curves -------------------------------------------------------------------------------------


def curves(axes):
    """(label, color, line style) -> the points of every line with a name."""
    return {
        (line.get_label(), line.get_color(), line.get_linestyle()): line.get_xydata()
        for line in axes.lines
        if not line.get_label().startswith("_")
    }


def test_plot_history_draws_each_column_under_its_name(drawn):
    show.plot_history(HISTORY)
    losses, logits = drawn[0].axes
    expected = [
        (losses, ("generator", show.BLUE, "-"), "g_loss"),
        (losses, ("discriminator", show.VERMILION, "--"), "d_loss"),
        (logits, ("real clips", show.GREEN, "-"), "real_logits"),
        (logits, ("generated clips", show.PURPLE, "--"), "fake_logits"),
    ]
    for axes, style, column in expected:
        points = np.transpose([HISTORY["step"], HISTORY[column]])
        np.testing.assert_allclose(curves(axes)[style], points)
        faint = [line for line in axes.lines if line.get_alpha() and line.get_color() == style[1]]
        np.testing.assert_allclose(faint[0].get_xydata(), points)
    for axes, title, unit in ((losses, "Losses", "loss"), (logits, "scores", "logit (real is high)")):
        assert len(curves(axes)) == 2
        assert title in axes.get_title()
        assert unit in axes.get_ylabel()
        assert axes.get_xlabel() == "training step"
        assert [text.get_text() for text in axes.get_legend().get_texts()] == [key[0] for key in curves(axes)]


@pytest.mark.parametrize("num_steps", [1, 2, 19, 20, 45, 500])
def test_the_bold_curve_is_the_mean_over_a_twentieth_of_the_run(drawn, num_steps):
    values = np.random.default_rng(0).normal(size=num_steps)
    history = {name: values * k for k, name in enumerate(HISTORY, start=1)} | {"step": np.arange(num_steps)}
    assert opened(show.plot_history(history).png).format == "PNG"
    window = max(1, num_steps // 20)
    before, after = window // 2, (window - 1) // 2
    at = [np.clip(np.arange(t - before, t + after + 1), 0, num_steps - 1) for t in range(num_steps)]
    [bold] = [xy for (label, *_), xy in curves(drawn[0].axes[0]).items() if label == "generator"]
    np.testing.assert_allclose(bold[:, 1], [2 * values[places].mean() for places in at], atol=1e-12)
    np.testing.assert_array_equal(bold[:, 0], history["step"])
    faint = [line for line in drawn[0].axes[1].lines if line.get_alpha()]
    np.testing.assert_allclose(faint[1].get_ydata(), 5 * values)


def test_plot_history_says_in_words_where_it_ends():
    picture = show.plot_history(HISTORY)
    assert picture.alt == (
        "Two line charts over 100 training steps. They end at: generator loss 1.25, discriminator loss 1.00; "
        "mean logit of real clips 0.75, of generated clips -0.50."
    )
    assert picture.gif is None
    assert opened(picture.png).size == (902, 319)


def test_plot_history_takes_columns_or_rows_numbers_or_text():
    rows = [{name: str(values[k]) for name, values in HISTORY.items()} for k in range(3)]
    assert show.plot_history(rows) == show.plot_history(HISTORY)


@pytest.mark.parametrize("history", [{}, [], {**HISTORY, "d_loss": []}, [{"step": 1}]])
def test_plot_history_names_what_is_missing(history):
    with pytest.raises(ValueError, match="history: expected columns step, .*missing or empty: .*d_loss"):
        show.plot_history(history)


# ---- bars ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log", [False, True])
def test_plot_bars_draws_its_values_from_top_to_bottom_and_lists_them(drawn, log):
    values = {"untrained": 830, "trained": 12.345, "real": 3.2}
    picture = show.plot_bars(values, title="Distance", unit="squared units", log=log)
    assert picture.alt == "Bar chart. Distance (squared units): untrained 830, trained 12.3, real 3.2."
    assert opened(picture.png).size[0] == 704
    [axes] = drawn[0].axes
    assert [bar.get_width() for bar in axes.patches] == [830, 12.345, 3.2]
    assert [text.get_text() for text in axes.get_yticklabels()] == list(values)
    assert [text.get_text() for text in axes.texts] == ["830", "12.3", "3.2"]
    assert axes.yaxis_inverted()  # the first on top
    assert (axes.get_xscale(), axes.get_xlabel(), axes.get_title()) == (
        "log" if log else "linear", "squared units", "Distance",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ({}, False),
        ({"a": np.nan}, False),
        ({"a": 1.0, "b": np.inf}, False),
        ({"a": 0.0}, True),
        ({"a": -1}, True),
    ],
)
def test_plot_bars_refuses_what_it_cannot_draw(values, log):
    with pytest.raises(ValueError, match="values: expected one or more (positive|finite) numbers"):
        show.plot_bars(values, title="t", unit="u", log=log)
    if values and not log:
        return
    if values == {"a": -1}:
        assert "a -1." in show.plot_bars(values, title="t", unit="u").alt


# ---- plots of one's own ----------------------------------------------------------------------------------


def a_line():
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([0, 1], [0, 1], color=show.BLUE)
    return figure


def test_a_figure_becomes_a_picture_with_the_words_that_it_is_given():
    import matplotlib._pylab_helpers as state

    picture = show.figure(a_line(), alt="A line rises from 0 to 1.")
    assert set(picture._repr_mimebundle_()) == {"image/png", "text/plain"}
    assert picture.alt == "A line rises from 0 to 1."
    pixels = np.asarray(opened(picture.png).convert("RGB")).astype(int)
    assert pixels.shape == (220, 330, 3)  # 110 dots an inch
    assert tuple(pixels[0, 0]) == (255, 255, 255)
    blue = np.argwhere(np.abs(pixels - (0, 114, 178)).max(axis=2) < 20)
    lowest, highest = blue[blue[:, 0].argmax()], blue[blue[:, 0].argmin()]
    assert highest[1] > lowest[1]  # it rises to the right
    assert show.figure(a_line(), alt="A line rises from 0 to 1.") == picture  # the same every time
    assert not state.Gcf.figs  # and no state is left


def test_a_figure_without_words_is_refused():
    with pytest.raises(ValueError, match="alt: expected words .*, received an empty text"):
        show.figure(a_line(), alt=" ")


def test_the_colours_are_okabe_and_itos_and_stand_out_from_paper():
    # As published, https://jfly.uni-koeln.de/color/
    assert tuple(bytes.fromhex(show.BLUE[1:])) == (0, 114, 178)
    assert tuple(bytes.fromhex(show.VERMILION[1:])) == (213, 94, 0)
    assert tuple(bytes.fromhex(show.GREEN[1:])) == (0, 158, 115)
    assert tuple(bytes.fromhex(show.PURPLE[1:])) == (204, 121, 167)

    def luminance(color):  # as WCAG 2 defines it
        channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    for color in (show.BLUE, show.VERMILION, show.GREEN, show.PURPLE):
        assert 1.05 / (luminance(color) + 0.05) > 2.9  # WCAG asks graphics for 3; purple has 2.95
