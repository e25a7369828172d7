import base64
import io
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from vgcourse import show

ALT = 'A person walks & waves: "hello" <once>.'


@pytest.fixture(scope="module")
def clips():
    """Three clips of four frames, 32x32: a white square that moves over red, green and blue."""
    made = np.zeros((3, 4, 32, 32, 3), np.uint8)
    for k in range(3):
        made[k, ..., k] = 200
        for t in range(4):
            made[k, t, 8:16, 6 * t : 6 * t + 8] = 255
    return made


def opened(content):
    return Image.open(io.BytesIO(content))


# ---- pictures --------------------------------------------------------------------------------------------


def test_the_bundle_of_a_still_is_a_png_and_its_alt_text(clips):
    bundle = show.show_sheet(clips, alt=ALT)._repr_mimebundle_()
    assert set(bundle) == {"image/png", "text/plain"}
    assert bundle["text/plain"] == ALT
    assert opened(base64.b64decode(bundle["image/png"])).format == "PNG"


def test_the_bundle_of_a_moving_picture_has_a_still_a_player_and_its_alt_text(clips):
    picture = show.show_clip(clips[0], fps=10, alt=ALT)
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"image/png", "text/html", "text/plain"}
    assert bundle["text/plain"] == ALT
    assert base64.b64decode(bundle["image/png"]) == picture.png


def test_ipython_shows_the_bundle(clips):
    from IPython.core.formatters import DisplayFormatter

    data, _ = DisplayFormatter().format(show.show_clip(clips[0], alt=ALT))
    assert data["text/plain"] == ALT
    assert {"image/png", "text/html"} <= set(data)


def test_the_player_is_complete_safe_and_says_what_it_shows(clips):
    picture = show.show_clip(clips[0], alt=ALT)
    player = picture.player()
    assert "A person walks &amp; waves: &quot;hello&quot; &lt;once&gt;." in player
    assert "<details open" in player  # a switch for mouse and keyboard
    assert "<summary" in player
    assert "prefers-reduced-motion: reduce" in player
    images = re.findall(r'<img\s+src="data:image/(\w+);base64,([^"]+)"\s+alt="([^"]+)"', player)
    assert [kind for kind, _, _ in images] == ["png", "gif"]
    assert base64.b64decode(images[0][1]) == picture.png
    assert base64.b64decode(images[1][1]) == picture.gif
    assert all(alt for _, _, alt in images)
    # Nothing from elsewhere, and no id, which would differ or clash: nbval compares HTML as it is.
    assert not re.search(r"https?:|<script|<link|\bid=", player)


def test_the_same_clip_makes_the_same_bundle(clips):
    first, second = (show.show_grid(clips, labels="abc")._repr_mimebundle_() for _ in range(2))
    assert first == second


def test_the_animation_has_all_frames_loops_and_keeps_time(clips):
    gif = opened(show.show_clip(clips[0], fps=10).gif)
    assert (gif.format, gif.n_frames, gif.info["loop"]) == ("GIF", 4, 0)
    assert gif.info["duration"] == 100
    assert gif.size == (96, 96)
    for t in range(4):
        gif.seek(t)
        frame = np.asarray(gif.convert("RGB")).astype(int)
        # Under the middle of the square it is white, at the bottom red, give or take the palette.
        assert abs(frame[36, 3 * (6 * t + 4)] - 255).max() < 12
        assert abs(frame[90, 90] - [200, 0, 0]).max() < 12


def test_still_parts_do_not_flicker(clips):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (32, 32, 3), np.uint8)
    clip = np.repeat(noise[None], 6, axis=0)
    clip[:, :8, :8] = rng.integers(0, 256, (6, 8, 8, 3), np.uint8)  # only this corner moves
    gif = opened(show.show_clip(clip).gif)
    frames = []
    for t in range(6):
        gif.seek(t)
        frames.append(np.asarray(gif.convert("RGB")))
    still = np.stack(frames)[:, 40:, 40:]
    assert (still == still[0]).all()


def test_save_writes_the_still_and_the_animation(clips, tmp_path):
    picture = show.show_clip(clips[0])
    picture.save(tmp_path / "clip.png")
    picture.save(str(tmp_path / "clip.GIF"))
    assert (tmp_path / "clip.png").read_bytes() == picture.png
    assert (tmp_path / "clip.GIF").read_bytes() == picture.gif
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.GIF", "clip.png"]


def test_save_refuses_what_the_picture_is_not(clips, tmp_path):
    with pytest.raises(ValueError, match=r"sheet\.gif: this picture is saved as \.png; received '\.gif'"):
        show.show_sheet(clips).save(tmp_path / "sheet.gif")
    with pytest.raises(ValueError, match=r"clip\.mp4: .*\.png or \.gif"):
        show.show_clip(clips[0]).save(tmp_path / "clip.mp4")
    assert not list(tmp_path.iterdir())


def test_alt_texts_that_nobody_wrote_say_what_is_known(clips):
    assert show.show_clip(clips[0], fps=12.5).alt == "A clip of 4 frames, 32x32 pixels, 12.5 frames a second."
    grid = show.show_grid(clips, labels=["walk", "run", "hop"])
    assert grid.alt == "A grid of 3 moving clips: walk, run, hop."
    assert show.show_sheet(clips, ["a", "b", "c"]).alt.endswith("time from left to right: a, b, c.")


# ---- grids and sheets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "labels", "shape"),
    [
        # 8 pixels of margin, cells of 3 x 32 pixels, 22 pixels for a label
        (3, None, (8 + 104, 8 + 3 * 104)),
        (2, None, (8 + 2 * 104, 8 + 2 * 104)),
        (5, ["walk", "run", "hop"], (8 + 126, 8 + 3 * 104)),
        (1, ["walk", "run", "hop"], (8 + 3 * 126, 8 + 104)),
    ],
)
def test_label_grid_has_a_cell_and_a_label_per_clip(clips, columns, labels, shape):
    grid = show.label_grid(clips, labels, columns=columns)
    assert grid.shape == (4, *shape, 3)
    assert grid.dtype == np.uint8


def test_label_grid_puts_every_clip_in_its_place(clips):
    grid = show.label_grid(clips, ["walk", "run", "hop"], columns=2, scale=1)
    np.testing.assert_array_equal(grid[:, 8:40, 8:40], clips[0])
    np.testing.assert_array_equal(grid[:, 8:40, 48:80], clips[1])
    np.testing.assert_array_equal(grid[:, 70:102, 8:40], clips[2])
    assert (grid[:, 70:102, 48:80] == show.BACKGROUND).all()  # an empty cell


@pytest.mark.parametrize("size", [(31, 31), (45, 32), (64, 64), (200, 101)])
def test_label_grid_is_even_as_codecs_want_it(size):
    grid = show.label_grid(np.zeros((2, 3, *size, 3), np.uint8), ["a", "b"])
    assert grid.shape[1] % 2 == 0
    assert grid.shape[2] % 2 == 0


def test_labels_are_written_and_can_be_told_apart(clips):
    grid = show.label_grid(clips, ["walk", "run", "run"])
    labels = [grid[0, 104:126, left : left + 96].astype(int) for left in (8, 112, 216)]
    for label in labels:
        assert label.max() > 200  # bright letters
        assert (label[0] == show.BACKGROUND).all()  # that touch neither the cell nor the edge
    np.testing.assert_array_equal(labels[1], labels[2])
    assert not np.array_equal(labels[0], labels[1])


@pytest.mark.parametrize("text", ["", "x" * 200, "Ein Wort über Maß", 7, "выпад"])
def test_any_label_fits_its_cell(clips, text):
    grid = show.label_grid(clips[:1], [text])
    assert grid.shape == (4, 134, 112, 3)
    assert (grid[:, :, :8] == show.BACKGROUND).all()
    assert (grid[:, :, -8:] == show.BACKGROUND).all()


def test_contact_sheet_has_a_row_per_clip_and_a_column_per_shown_frame(clips):
    sheet = show.contact_sheet(clips, every=2)
    assert sheet.shape == (2 * 8 + 3 * 96 + 2 * 2, 2 * 8 + 2 * 96 + 2, 3)
    with_labels = show.contact_sheet(clips, ["walk", "run", "hop"], every=1)
    assert with_labels.shape == (2 * 8 + 3 * 96 + 2 * 2, 2 * 8 + 80 + 4 * 96 + 3 * 2, 3)
    # Row 1 is green; its frame 2 has the square at column 12, in the enlarged picture at 36.
    assert (sheet[8 + 98 + 90, 8 + 50] == [0, 200, 0]).all()
    assert (sheet[8 + 98 + 36, 8 + 98 + 36 + 12] == 255).all()


def test_enlarge_keeps_constant_colours_and_is_smooth_between_them():
    clip = np.zeros((1, 2, 2, 3), np.uint8)
    clip[:, :, 1] = 200
    large = show.enlarge(clip, 8)
    assert large.shape == (1, 16, 16, 3)
    assert (np.diff(large[0, 0, 3:13, 0].astype(int)) > 0).all()
    assert (show.enlarge(np.full((2, 3, 5, 3), 99, np.uint8), 3) == 99).all()


@pytest.mark.parametrize("function", [show.show_grid, show.show_sheet, show.label_grid, show.contact_sheet])
def test_clips_of_another_kind_are_refused(function, clips):
    for wrong in (clips[0], clips.astype(np.float32), clips[..., :1], clips[:0]):
        with pytest.raises(ValueError, match=r"clips must be uint8 of shape \(num_clips, num_frames"):
            function(wrong)
    with pytest.raises(ValueError, match="one label per clip, 3; received 2"):
        function(clips, labels=["walk", "run"])


def test_a_clip_of_another_kind_is_refused(clips):
    with pytest.raises(ValueError, match=r"clip must be uint8 of shape.*received float32.*to_uint8"):
        show.show_clip(clips[0].astype(np.float32))
    with pytest.raises(ValueError, match="every must be 1 or more; received 0"):
        show.contact_sheet(clips, every=0)
    with pytest.raises(ValueError, match="columns"):
        show.label_grid(clips, columns=0)


# ---- plots -----------------------------------------------------------------------------------------------

HISTORY = {
    "step": [0, 50, 100],
    "g_loss": [0.7, 1.5, 1.25],
    "d_loss": [1.4, 0.9, 1.0],
    "real_logits": [0.0, 0.8, 0.75],
    "fake_logits": [0.0, -0.9, -0.5],
}


def test_plot_history_says_in_words_where_it_ends():
    picture = show.plot_history(HISTORY)
    assert picture.alt == (
        "Two line charts over 100 training steps. They end at: generator loss 1.25, discriminator loss 1.00; "
        "mean logit of real clips 0.75, of generated clips -0.50."
    )
    assert opened(picture.png).size == (900, 320)


def test_plot_history_takes_columns_or_rows_numbers_or_text():
    rows = [{name: str(values[k]) for name, values in HISTORY.items()} for k in range(3)]
    assert show.plot_history(rows) == show.plot_history(HISTORY)


@pytest.mark.parametrize("history", [{}, [], {**HISTORY, "d_loss": []}, [{"step": 1}]])
def test_plot_history_names_what_is_missing(history):
    with pytest.raises(ValueError, match="missing or empty: .*d_loss"):
        show.plot_history(history)


@pytest.mark.parametrize("num_steps", [1, 2, 19, 20, 21, 500])
def test_plot_history_takes_any_number_of_steps(num_steps):
    history = {name: np.linspace(0, 1, num_steps) for name in HISTORY}
    assert opened(show.plot_history(history).png).format == "PNG"


def test_plots_are_the_same_every_time_and_leave_no_state():
    import matplotlib._pylab_helpers as state

    assert show.plot_history(HISTORY).png == show.plot_history(HISTORY).png
    assert not state.Gcf.figs


def test_plot_bars_lists_its_values_in_words():
    values = {"untrained": 830, "trained": 12.345, "real": 3.2}
    picture = show.plot_bars(values, title="Distance", unit="squared units", log=True)
    assert picture.alt == "Bar chart. Distance (squared units): untrained 830, trained 12.3, real 3.2."
    assert opened(picture.png).size[0] == 700


def drawn_figure():
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([0, 1], [0, 1], color=show.BLUE)
    return figure


def test_a_figure_becomes_a_picture_with_the_words_that_it_is_given():
    picture = show.figure(drawn_figure(), alt="A line rises from 0 to 1.")
    assert set(picture._repr_mimebundle_()) == {"image/png", "text/plain"}
    assert picture.alt == "A line rises from 0 to 1."
    assert opened(picture.png).size == (330, 220)  # 110 dots an inch
    assert show.figure(drawn_figure(), alt="A line rises from 0 to 1.") == picture
    assert tuple(np.asarray(opened(picture.png).convert("RGB"))[0, 0]) == (255, 255, 255)


def test_a_figure_without_words_is_refused():
    with pytest.raises(ValueError, match="alt must say what the figure shows; received an empty text"):
        show.figure(drawn_figure(), alt=" ")


@pytest.mark.parametrize(("values", "log"), [({}, False), ({"a": np.nan}, False), ({"a": 0.0}, True)])
def test_plot_bars_refuses_what_it_cannot_draw(values, log):
    with pytest.raises(ValueError, match="values must be one or more"):
        show.plot_bars(values, title="t", unit="u", log=log)


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
