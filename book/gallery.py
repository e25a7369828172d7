"""Pictures of the gallery, made by the course's own generator while the book is built."""

import io
import re

import numpy as np
from PIL import Image

from book import players, staging
from vgcourse import generate, show

PEOPLE = 5


def write_gallery(folder, pictures, prefix):
    """Write `<name>.html` for each moving picture of the book's own pages, `demo` of the home page among
    them.

    Args:
        folder: Path where the HTML goes.
        pictures: Path of the folder for the pictures in it.
        prefix: address of that folder, seen from the pages; ends in a slash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = generate.load_generator()
    moving = {draw.__name__: draw(generator) for draw in (actions, people, blend, swap)} | {"demo": demo()}
    for name, picture in moving.items():
        page = players.to_files(picture.player(), pictures, prefix, webp=True)
        (folder / f"{name}.html").write_text(page, encoding="utf-8")


def demo():
    """The picture at the top of the README, with the words that stand there; a `Picture`."""
    readme = (staging.ROOT / "README.md").read_text(encoding="utf-8")
    alt, place = re.search(r"!\[([^\]]+)\]\((docs/[^)]+)\)", readme).groups()
    gif = (staging.ROOT / place).read_bytes()
    still = io.BytesIO()
    Image.open(io.BytesIO(gif)).convert("RGB").quantize(256).save(still, "PNG", optimize=True)
    return show.Picture(alt, still.getvalue(), gif)


def actions(generator):
    """One person in all ten actions; a `Picture`."""
    names = generator.action_names
    content = np.repeat(generate.content_codes(generator, [7]), len(names), axis=0)
    motion = generate.motion_noise(generator, range(len(names)))
    clips = generate.make_clips(generator, content, motion, list(names))
    return show.show_grid(clips, labels=names, alt=f"One generated person: {', '.join(names)}.")


def people(generator):
    """Ten people who dance; a `Picture`."""
    clips = generate.sample(generator, num_clips=2 * PEOPLE, actions="dance", seed=3)
    return show.show_grid(clips, columns=PEOPLE, alt="Ten generated people, each in other clothes, dancing.")


def blend(generator):
    """From one person to another in five steps; a `Picture`."""
    clips = generate.interpolate(generator, action="wave2", seeds=(7, 12), num_steps=PEOPLE, motion_seed=1)
    return show.show_grid(
        clips, columns=PEOPLE, alt="Five clips: the clothes of one person turn into those of another."
    )


def swap(generator):
    """Three people in rows, four motions in columns; a `Picture`."""
    columns = ["walk", "jack", "squat", "wave1"]
    rows = generate.swap_motion(generator, content_seeds=[7, 3, 12], actions=columns, motion_seed=1)
    clips = rows.reshape(-1, *rows.shape[2:])
    return show.show_grid(
        clips,
        labels=columns * 3,
        columns=4,
        alt="Three people in rows; in columns they walk, jump, squat and wave.",
    )
