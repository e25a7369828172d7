"""Pictures: clips put together into grids and sheets, and pictures that carry their own alt text.

Axes: clip `(time, height, width, 3)`, clips `(batch, time, height, width, 3)`, sheet `(height, width, 3)`;
all uint8 RGB in the stored range [0, 255]. `show` passes these functions on.
"""

import base64
import html
import io
import os
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vgcourse import video

BACKGROUND, INK = (32, 34, 38), (232, 232, 228)  # dark neutral, so that no clip's colours are favoured
MARGIN = 8  # pixels around the cells of a grid
CELL = 96  # a cell is scaled up to at least this many pixels

PLAYER = """\
<details open style="width:{width}px; max-width:100%">
<summary style="cursor:pointer">Pause or play<br>
<img src="data:image/png;base64,{still}" alt="{alt}" style="display:block; width:100%">
</summary>
<img src="data:image/gif;base64,{moving}" alt="The same picture, moving."
 style="display:block; width:100%; margin-top:-{ratio}%"
 onload="if (!this.dataset.loaded &amp;&amp; matchMedia('(prefers-reduced-motion: reduce)').matches)
 this.closest('details').open = false; this.dataset.loaded = 1">
</details>"""


@dataclass(frozen=True)
class Picture:
    """A still or moving picture with its alt text, for notebooks, widgets and files.

    Jupyter shows a moving picture with a switch that works by mouse and keyboard: a `<details>` element
    whose summary holds the still and whose body, the animation, lies on top of it. It needs no script and
    survives the cleaning of untrusted notebooks; where scripts run, it starts paused for people who
    asked their system for less motion.

    Attributes:
        alt: what the picture shows, in words.
        png: the still, as the bytes of a PNG file.
        gif: the animation as the bytes of a GIF file; None for a still picture.
    """

    alt: str
    png: bytes = field(repr=False)
    gif: bytes | None = field(default=None, repr=False)

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"image/png": base64.b64encode(self.png).decode(), "text/plain": self.alt}
        if self.gif is not None:
            bundle["text/html"] = self.player()
        return bundle

    def player(self):
        """HTML of the moving picture with its switch, complete in itself: no id, no link, no style sheet."""
        width, height = Image.open(io.BytesIO(self.png)).size
        return PLAYER.format(
            still=base64.b64encode(self.png).decode(),
            moving=base64.b64encode(self.gif).decode(),
            alt=html.escape(self.alt),
            width=width,
            ratio=round(100 * height / width, 4),  # in % of the width, so that both shrink together
        )

    def save(self, path):
        """Write the picture to a file.

        Args:
            path: ends in `.png` (the still) or `.gif` (the animation).

        Raises:
            ValueError: another ending, or `.gif` for a still picture.
            OSError: the file cannot be written.
        """
        path = Path(path)
        content = {".png": self.png, ".gif": self.gif}.get(path.suffix.lower())
        if content is None:
            kinds = ".png" if self.gif is None else ".png or .gif"
            raise ValueError(f"{path}: this picture is saved as {kinds}; received {path.suffix!r}.")
        part = path.with_name(path.name + ".part")
        try:
            part.write_bytes(content)
            os.replace(part, path)
        finally:  # on a full disk too
            part.unlink(missing_ok=True)


# ---- clips to pictures -----------------------------------------------------------------------------------


def still_picture(frame, alt):
    """A still picture.

    Args:
        frame: uint8 `(height, width, 3)`.
        alt: what it shows, in words.

    Returns:
        A still `Picture`.
    """
    return Picture(alt, _png(Image.fromarray(frame)))


def moving_picture(clip, alt, *, fps):
    """A moving picture, with its first frame as the still.

    Args:
        clip: uint8 `(num_frames, height, width, 3)`, as large as it is to be shown.
        alt: what it shows, in words.
        fps: frames per second.

    Returns:
        A moving `Picture`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.gif"
        video.write_video(path, clip, fps=fps)
        # The animation covers its still and has 256 colours too; in them the still is a third as large.
        still = Image.fromarray(clip[0]).quantize(
            256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
        return Picture(alt, _png(still), path.read_bytes())


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
    clips, labels = checked(clips, "clips", 5), _checked_labels(clips, labels)
    num_clips, frames, height, width, _ = clips.shape
    if columns < 1:
        raise ValueError(f"columns must be 1 or more; received {columns}.")
    scale, columns = scale or auto_scale(width), min(columns, num_clips)
    height, width = height * scale, width * scale
    strip = 0 if labels is None else 22  # room for a label under each cell
    pitch = (height + strip + MARGIN, width + MARGIN)
    rows = -(-num_clips // columns)
    shape = (_even(rows * pitch[0] + MARGIN), _even(columns * pitch[1] + MARGIN))
    grid = np.tile(np.array(BACKGROUND, np.uint8), (frames, *shape, 1))
    for k, clip in enumerate(clips):
        top, left = MARGIN + k // columns * pitch[0], MARGIN + k % columns * pitch[1]
        grid[:, top : top + height, left : left + width] = enlarge(clip, scale)
        if labels is not None:
            below = top + height
            grid[:, below : below + strip, left : left + width] = _label(labels[k], width, strip)
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
    clips, labels = checked(clips, "clips", 5), _checked_labels(clips, labels)
    if every < 1:
        raise ValueError(f"every must be 1 or more; received {every}.")
    clips = clips[:, ::every]
    num_clips, frames, height, width, _ = clips.shape
    scale, gap = auto_scale(width), 2
    height, width = height * scale, width * scale
    side = 0 if labels is None else 80  # room for a label to the left of each row
    shape = (2 * MARGIN + num_clips * (height + gap) - gap, 2 * MARGIN + side + frames * (width + gap) - gap)
    sheet = np.tile(np.array(BACKGROUND, np.uint8), (*shape, 1))
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


def checked(array, name, rank):
    """Check that an array is a uint8 clip (rank 4) or uint8 clips (rank 5).

    Args:
        array: what was received.
        name: what the error calls it.
        rank: 4 or 5.

    Returns:
        The NumPy array.

    Raises:
        ValueError: another rank or dtype, not three channels, or empty.
    """
    array = np.asarray(array)
    if array.ndim != rank or array.shape[-1] != 3 or array.size == 0 or array.dtype != np.uint8:
        axes = "(num_clips, num_frames, height, width, 3)" if rank == 5 else "(num_frames, height, width, 3)"
        raise ValueError(
            f"{name} must be uint8 of shape {axes}; received {array.dtype} of shape {array.shape}. "
            "preprocess.to_uint8 converts from the model range."
        )
    return array


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


def _checked_labels(clips, labels):
    if labels is not None and len(labels) != len(clips):
        raise ValueError(f"Expected one label per clip, {len(clips)}; received {len(labels)}.")
    return labels


def _png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
