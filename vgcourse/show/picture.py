"""Look: a picture, still or moving, that carries its own alt text.

Axes: frame `(height, width, 3)`, clip `(time, height, width, 3)`; uint8 RGB in the stored range [0, 255].
"""

import base64
import html
import io
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from vgcourse import video
from vgcourse.files import new_file

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
        zoom: how many times its size the animation is shown at: the file stays small, the browser enlarges.
    """

    alt: str
    png: bytes = field(repr=False)
    gif: bytes | None = field(default=None, repr=False)
    zoom: int = 1

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
            width=self.zoom * width,
            ratio=round(100 * height / width, 4),  # in % of the width, so that both shrink together
        )

    def save(self, path):
        """Write the picture to a file.

        Args:
            path: ends in `.png` (the still) or `.gif` (the animation).

        Raises:
            ValueError: another ending, or `.gif` for a still picture.
            NotWrittenError: the file cannot be written.
        """
        path = Path(path)
        content = {".png": self.png, ".gif": self.gif}.get(path.suffix.lower())
        if content is None:
            kinds = ".png" if self.gif is None else ".png or .gif"
            raise ValueError(f"{path}: this picture is saved as {kinds}; received {path.suffix!r}.")
        with new_file(path) as part:
            part.write_bytes(content)


def still_picture(frame, alt):
    """A still picture.

    Args:
        frame: uint8 `(height, width, 3)`.
        alt: what it shows, in words.

    Returns:
        A still `Picture`.
    """
    return Picture(alt, _png(Image.fromarray(frame)))


def moving_picture(clip, alt, *, fps, zoom=1):
    """A moving picture, with its first frame as the still.

    Args:
        clip: uint8 `(num_frames, height, width, 3)`.
        alt: what it shows, in words.
        fps: frames per second.
        zoom: how many times its size it is shown at, a whole number.

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
        return Picture(alt, _png(still), path.read_bytes(), zoom)


def _png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
