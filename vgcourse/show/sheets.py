"""Look: clips side by side in a moving grid, or frame by frame on a sheet.

Axes: clip `(time, height, width, 3)`, clips `(batch, time, height, width, 3)`, sheet `(height, width, 3)`;
all uint8 RGB in the stored range [0, 255].
"""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vgcourse.arguments import uint8_clips, whole_number
from vgcourse.show.picture import moving_picture, still_picture

BACKGROUND, INK = (32, 34, 38), (232, 232, 228)  # dark neutral, so that no clip's colours are favoured
MARGIN = 8  # pixels around the cells of a grid
CELL = 96  # a cell is scaled up to at least this many pixels


def show_clip(clip, *, fps=10, alt=None, zoom=1):
    """A clip, moving, with a still and a switch.

    Args:
        clip: uint8 `(num_frames, height, width, 3)`; small ones are scaled up.
        fps: frames per second.
        alt: what the clip shows, in words; None says its size only.
        zoom: how many times its size it is shown at; the picture's file stays as small as it is.

    Returns:
        A moving `Picture`.

    Raises:
        ValueError: the array is not a uint8 clip, or `zoom` is no whole number from 1 on.
    """
    clip, zoom = uint8_clips("clip", clip, ndim=4), whole_number("zoom", zoom, 1)
    frames, height, width, _ = clip.shape
    alt = alt or f"A clip of {frames} frames, {width}x{height} pixels, {fps:g} frames a second."
    return moving_picture(enlarge(clip, auto_scale(width)), alt, fps=fps, zoom=zoom)


def show_grid(clips, *, labels=None, columns=5, fps=10, alt=None):
    """Clips side by side, moving, with their labels.

    Args:
        clips: uint8 `(num_clips, num_frames, height, width, 3)`.
        labels: one text per clip.
        columns: clips per row.
        fps: frames per second.
        alt: what the grid shows, in words; None lists the labels.

    Returns:
        A moving `Picture`.

    Raises:
        ValueError: the array is not uint8 clips, or the labels are not one per clip.
    """
    grid = label_grid(clips, labels, columns=columns)
    return moving_picture(grid, alt or f"A grid of {len(clips)} moving clips{_listed(labels)}.", fps=fps)


def show_sheet(clips, labels=None, *, every=2, alt=None):
    """A contact sheet, see `contact_sheet`.

    Args:
        clips: uint8 `(num_clips, num_frames, height, width, 3)`.
        labels: one text per clip.
        every: show every so many-th frame.
        alt: what the sheet shows, in words; None lists the labels.

    Returns:
        A still `Picture`.
    """
    sheet = contact_sheet(clips, labels, every=every)
    what = f"Contact sheet, one clip a row, time from left to right{_listed(labels)}."
    return still_picture(sheet, alt or what)


# ---- composed arrays -------------------------------------------------------------------------------------


def label_grid(clips, labels=None, *, columns=5, scale=None):
    """Compose clips into one clip: a grid of cells with a label under each.

    Args:
        clips: uint8 `(num_clips, num_frames, height, width, 3)`.
        labels: one text per clip; a text that is too long is cut. None leaves no room for labels.
        columns: cells per row.
        scale: whole factor by which cells are enlarged; None makes them 96 pixels wide or more.

    Returns:
        uint8 clip `(num_frames, grid_height, grid_width, 3)`; height and width are even, as video codecs
        want them.

    Raises:
        ValueError: the array is not uint8 clips, or the labels are not one per clip.
    """
    clips = _checked(clips, labels)
    num_clips, frames, height, width, _ = clips.shape
    columns = min(whole_number("columns", columns, 1), num_clips)
    scale = scale or auto_scale(width)
    height, width = height * scale, width * scale
    strip = 0 if labels is None else 22  # room for a label under each cell
    down, right = height + strip + MARGIN, width + MARGIN  # from one cell to the next
    rows = -(-num_clips // columns)
    grid = _empty(frames, _even(rows * down + MARGIN), _even(columns * right + MARGIN))
    for k, clip in enumerate(clips):
        top, left = MARGIN + k // columns * down, MARGIN + k % columns * right
        cell = grid[:, top : top + height + strip, left : left + width]
        cell[:, :height] = enlarge(clip, scale)
        if labels is not None:
            cell[:, height:] = _label(labels[k], width, strip)
    return grid


def contact_sheet(clips, labels=None, *, every=2):
    """Compose clips into one still: a clip per row, time from left to right.

    Args:
        clips: uint8 `(num_clips, num_frames, height, width, 3)`.
        labels: one text per clip, to the left of its row; None leaves no room for labels.
        every: show every so many-th frame.

    Returns:
        uint8 `(sheet_height, sheet_width, 3)`.

    Raises:
        ValueError: the array is not uint8 clips, the labels are not one per clip, or `every` is under 1.
    """
    clips = _checked(clips, labels)[:, :: whole_number("every", every, 1)]
    num_clips, frames, height, width, _ = clips.shape
    scale, gap = auto_scale(width), 2
    height, width = height * scale, width * scale
    side = 0 if labels is None else 80  # room for a label to the left of each row
    edges = 2 * MARGIN - gap
    sheet = _empty(edges + num_clips * (height + gap), edges + side + frames * (width + gap))
    for k, clip in enumerate(clips):
        top = MARGIN + k * (height + gap)
        if labels is not None:
            sheet[top : top + height, MARGIN : MARGIN + side - 6] = _label(labels[k], side - 6, height)
        for t, frame in enumerate(enlarge(clip, scale)):
            left = MARGIN + side + t * (width + gap)
            sheet[top : top + height, left : left + width] = frame
    return sheet


def enlarge(clip, scale):
    """Enlarge every frame smoothly (bicubic): large square pixels distract from what they show.

    Args:
        clip: uint8 `(num_frames, height, width, 3)`.
        scale: whole factor, 1 or more.

    Returns:
        uint8 `(num_frames, scale * height, scale * width, 3)`.
    """
    size, smooth = (clip.shape[2] * scale, clip.shape[1] * scale), Image.Resampling.BICUBIC
    return np.stack([np.asarray(Image.fromarray(frame).resize(size, smooth)) for frame in clip])


def auto_scale(width):
    """Whole factor that makes a cell of `width` pixels wide enough to see.

    Args:
        width: in pixels.

    Returns:
        An int, 1 or more.
    """
    return max(1, -(-CELL // width))


# ---- pieces ----------------------------------------------------------------------------------------------


def _label(text, width, height):
    """uint8 (height, width, 3): text in the middle, set smaller or cut with an ellipsis until it fits."""
    text, shown = str(text), str(text)
    font = next((f for f in map(_font, (14, 13, 12, 11, 10)) if f.getlength(text) <= width), _font(10))
    while font.getlength(shown) > width and len(text) > 1:
        text = text[:-1]
        shown = text + "…"
    picture = Image.new("RGB", (width, height), BACKGROUND)
    ImageDraw.Draw(picture).text((width / 2, height / 2), shown, fill=INK, font=font, anchor="mm")
    return np.asarray(picture)


@cache
def _font(size):
    # DejaVu Sans comes with matplotlib: the same letters on every machine.
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _even(number):
    return number + number % 2


def _empty(*shape):
    return np.tile(np.array(BACKGROUND, np.uint8), (*shape, 1))


def _listed(labels):
    """What an alt text says of the labels."""
    return "" if labels is None else ": " + ", ".join(map(str, labels))


def _checked(clips, labels):
    if labels is not None and len(labels) != len(clips):
        raise ValueError(f"labels: expected one per clip, {len(clips)}, received {len(labels)}")
    return uint8_clips("clips", clips)
