"""Pictures that stand in HTML as text, as files beside the page: quick to load, and only when seen."""

import base64
import hashlib
import io
import re

from PIL import Image, ImageSequence

DATA = re.compile(r'src="data:image/(png|gif);base64,([^"]+)"')


def to_files(page, folder, prefix, *, webp=False):
    """Write every picture inside a piece of HTML to a file.

    Args:
        page: HTML with `data:` addresses.
        folder: Path where the files go; made if missing. They are named by their content.
        prefix: address of that folder, seen from the page; ends in a slash.
        webp: whether moving pictures become WebP files, a seventh as large; takes a third of a second each.

    Returns:
        The HTML with their addresses instead.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def replaced(match):
        kind, content = match.group(1), base64.b64decode(match.group(2))
        if kind == "gif" and webp:
            kind, content = "webp", to_webp(content)
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{kind}"
        (folder / name).write_bytes(content)
        return f'src="{prefix}{name}" loading="lazy"'

    return DATA.sub(replaced, page)


def to_webp(gif):
    """A GIF as an animated WebP, both as bytes; what the GIF says about itself stays in it."""
    moving = Image.open(io.BytesIO(gif))
    # Frames differ in length: a GIF counts hundredths of a second, and 8 frames a second are 12.5 of them.
    pairs = [(f.convert("RGB"), f.info["duration"]) for f in ImageSequence.Iterator(moving)]
    (first, *others), durations = zip(*pairs, strict=True)
    exif = Image.Exif()
    exif[0x010E] = moving.info.get("comment", b"").decode()  # ImageDescription
    file = io.BytesIO()
    options = {"duration": durations, "loop": 0, "quality": 75, "method": 2, "exif": exif}
    first.save(file, "WEBP", save_all=True, append_images=others, **options)
    return file.getvalue()
