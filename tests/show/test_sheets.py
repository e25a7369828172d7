"""Grids and sheets: every clip, frame and label in its place."""

import io

import numpy as np
import pytest
from PIL import Image

from vgcourse import show
from vgcourse.show import picture, sheets

BACKGROUND = (32, 34, 38)


@pytest.fixture(scope="module")
def clips():
    """Seven flat clips of five frames, too large to be scaled: red says which clip, green which frame."""
    made = np.zeros((7, 5, 100, 100, 3), np.uint8)
    made[..., 0] = 30 * np.arange(1, 8)[:, None, None, None]
    made[..., 1] = 50 * np.arange(5)[:, None, None]
    return made


LABELS = ("walk", "run", "hop", "jack", "side", "bend", "squat")


def written(text, width, height):
    """A label as it is drawn alone."""
    return np.asarray(sheets._label(text, width, height))


# ---- places ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [1, 2, 3, 5, 7, 20])
@pytest.mark.parametrize("labels", [None, LABELS])
def test_every_clip_and_the_label_under_it_are_in_their_place(clips, labels, columns):
    """Row by row; margins of 8 pixels around cells of 100, 22 for a label; nothing elsewhere."""
    grid = show.label_grid(clips, labels, columns=columns)
    strip, across = 22 * (labels is not None), min(columns, 7)
    rows = -(-7 // across)
    height, width = rows * (108 + strip) + 8, across * 108 + 8
    assert grid.shape == (5, height + height % 2, width + width % 2, 3)
    assert grid.dtype == np.uint8
    expected = np.empty_like(grid)
    expected[:] = BACKGROUND
    for k in range(7):
        top, left = 8 + k // across * (108 + strip), 8 + k % across * 108
        expected[:, top : top + 100, left : left + 100] = clips[k]
        if labels:
            expected[:, top + 100 : top + 122, left : left + 100] = written(labels[k], 100, 22)
    np.testing.assert_array_equal(grid, expected)


@pytest.mark.parametrize("every", [1, 2, 3, 9])
@pytest.mark.parametrize("labels", [None, LABELS])
def test_a_sheet_has_a_row_per_clip_and_time_runs_from_left_to_right(clips, labels, every):
    sheet = show.contact_sheet(clips, labels, every=every)
    times, side = range(0, 5, every), 80 * (labels is not None)
    assert sheet.shape == (16 + 7 * 102 - 2, 16 + side + len(times) * 102 - 2, 3)
    expected = np.empty_like(sheet)
    expected[:] = BACKGROUND
    for k in range(7):
        top = 8 + 102 * k
        if labels:
            expected[top : top + 100, 8:82] = written(labels[k], 74, 100)
        for place, t in enumerate(times):
            left = 8 + side + 102 * place
            expected[top : top + 100, left : left + 100] = clips[k, t]
    np.testing.assert_array_equal(sheet, expected)


def test_defaults_are_five_columns_and_every_second_frame(clips):
    np.testing.assert_array_equal(show.label_grid(clips), show.label_grid(clips, columns=5))
    np.testing.assert_array_equal(show.contact_sheet(clips), show.contact_sheet(clips, every=2))


@pytest.mark.parametrize("size", [(31, 31), (45, 32), (64, 64), (200, 101)])
def test_label_grid_is_even_as_codecs_want_it(size):
    grid = show.label_grid(np.zeros((2, 3, *size, 3), np.uint8), ["a", "b"])
    assert grid.shape[1] % 2 == 0
    assert grid.shape[2] % 2 == 0


# ---- sizes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scale"), [(1, 96), (32, 3), (33, 3), (64, 2), (95, 2), (96, 1), (200, 1)])
def test_small_cells_are_enlarged_to_at_least_96_pixels(width, scale):
    assert show.auto_scale(width) == scale
    clip = np.random.default_rng(0).integers(0, 256, (2, 4, width, 3), np.uint8)
    grid = show.label_grid(clip[None])
    np.testing.assert_array_equal(
        grid[:, 8 : 8 + 4 * scale, 8 : 8 + width * scale], show.enlarge(clip, scale)
    )
    sheet = show.contact_sheet(clip[None], every=1)
    np.testing.assert_array_equal(sheet[8:-8, 8 : 8 + width * scale], show.enlarge(clip, scale)[0])
    unscaled = show.label_grid(clip[None], scale=1)
    np.testing.assert_array_equal(unscaled[:, 8:12, 8 : 8 + width], clip)


def test_enlarge_keeps_constant_colours_and_is_smooth_between_them():
    clip = np.zeros((1, 2, 2, 3), np.uint8)
    clip[:, :, 1] = 200
    large = show.enlarge(clip, 8)
    assert large.shape == (1, 16, 16, 3)
    assert (np.diff(large[0, 0, 3:13, 0].astype(int)) > 0).all()
    assert (large[0, :, :, 0] == large[0, :1, :, 0]).all()
    flat = np.zeros((2, 3, 5, 3), np.uint8) + np.array([40, 99], np.uint8).reshape(2, 1, 1, 1)
    np.testing.assert_array_equal(show.enlarge(flat, 3), flat.repeat(3, axis=1).repeat(3, axis=2))


# ---- labels ----------------------------------------------------------------------------------------------


def test_labels_are_written_bright_and_in_the_middle():
    for text in ("walk", "run"):
        label = written(text, 96, 22).astype(int)
        bright = np.argwhere(label.min(axis=2) > 150)
        assert len(bright) > 20
        assert np.abs(bright.mean(axis=0) - (10.5, 47.5)).max() < 4
        assert (label[[0, -1]] == BACKGROUND).all()  # letters touch neither the cell nor the edge
    assert not np.array_equal(written("walk", 96, 22), written("run", 96, 22))


@pytest.mark.parametrize("text", ["", "x" * 200, "Ein Wort über Maß", 7, "выпад"])
def test_any_label_fits_its_cell(clips, text):
    label = written(text, 96, 22)
    assert (label[:, [0, -1]] == BACKGROUND).all()
    assert (label != BACKGROUND).any() == (text != "")


def test_a_text_that_is_too_long_is_cut_at_its_end():
    """Set small, then cut with an ellipsis: the beginning stays."""
    long, other = written("walking " * 9, 96, 22), written("walking " * 8 + "back", 96, 22)
    np.testing.assert_array_equal(long, other)
    assert not np.array_equal(long, written("running " * 9, 96, 22))
    assert not np.array_equal(written("walking away", 74, 22), written("walking awry", 74, 22))  # set smaller


# ---- pictures --------------------------------------------------------------------------------------------


@pytest.fixture
def made(monkeypatch):
    """What the pictures are made of, not encoded."""
    monkeypatch.setattr(sheets, "moving_picture", lambda clip, alt, *, fps, zoom=1: (clip, alt, fps))
    monkeypatch.setattr(sheets, "still_picture", lambda frame, alt: (frame, alt))


@pytest.mark.usefixtures("made")
def test_pictures_of_clips_grids_and_sheets(clips):
    clip, alt, fps = show.show_clip(clips[2, :, :40, :50], fps=12.5)
    np.testing.assert_array_equal(clip, show.enlarge(clips[2, :, :40, :50], 2))
    assert (alt, fps) == ("A clip of 5 frames, 50x40 pixels, 12.5 frames a second.", 12.5)
    grid, alt, fps = show.show_grid(clips[:3], labels=["walk", "run", 7], columns=2, fps=25)
    np.testing.assert_array_equal(grid, show.label_grid(clips[:3], ["walk", "run", 7], columns=2))
    assert (alt, fps) == ("A grid of 3 moving clips: walk, run, 7.", 25)
    sheet, alt = show.show_sheet(clips[:3], "abc", every=4)
    np.testing.assert_array_equal(sheet, show.contact_sheet(clips[:3], "abc", every=4))
    assert alt == "Contact sheet, one clip a row, time from left to right: a, b, c."
    assert show.show_grid(clips)[1:] == ("A grid of 7 moving clips.", 10)
    assert show.show_clip(clips[0])[2] == 10
    assert show.show_sheet(clips)[1] == "Contact sheet, one clip a row, time from left to right."
    given = [
        show.show_clip(clips[0], alt="Me."),
        show.show_grid(clips, alt="Me."),
        show.show_sheet(clips, alt="Me."),
    ]
    assert [found[1] for found in given] == ["Me."] * 3


def test_pictures_are_encoded(clips):
    kinds = [show.show_clip(clips[0]), show.show_grid(clips), show.show_sheet(clips)]
    assert all(isinstance(kind, picture.Picture) for kind in kinds)
    assert [kind.gif is not None for kind in kinds] == [True, True, False]
    sheet = np.asarray(Image.open(io.BytesIO(kinds[2].png)).convert("RGB"))
    np.testing.assert_array_equal(sheet, show.contact_sheet(clips))


# ---- errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [show.show_grid, show.show_sheet, show.label_grid, show.contact_sheet])
def test_clips_of_another_kind_are_refused(function, clips):
    for wrong in (clips[0], clips.astype(np.float32), clips[..., :1], clips[:0]):
        with pytest.raises(ValueError, match=r"clips: expected uint8 of shape \(num_clips, num_frames"):
            function(wrong)
    with pytest.raises(ValueError, match="labels: expected one per clip, 7, received 2"):
        function(clips, labels=["walk", "run"])


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2"])
def test_a_clip_and_numbers_of_another_kind_are_refused(clips, wrong):
    with pytest.raises(ValueError, match=r"clip: expected uint8 of shape.*received float32.*to_uint8"):
        show.show_clip(clips[0].astype(np.float32))
    with pytest.raises(ValueError, match="every: expected a whole number from 1 on, received"):
        show.contact_sheet(clips, every=wrong)
    with pytest.raises(ValueError, match="columns: expected a whole number from 1 on, received"):
        show.label_grid(clips, columns=wrong)
