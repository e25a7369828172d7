"""The balance of the actions set, as the tables in `data/README.md`: `python benchmarks/datasheet.py`.

Counts the actors listed in `data/actions/labels.csv`, by split, and measures the files.
"""

import colorsys
import csv
from collections import Counter
from pathlib import Path

from vgcourse.people import actors

FOLDER = Path(__file__).resolve().parents[1] / "data" / "actions"
SPLITS = ("train", "validation", "test")
BUILDS = ("slight", "medium", "sturdy")
HUES = ("red", "yellow", "green", "cyan", "blue", "magenta")


def hue_name(rgb):
    """Name of the sixth of the colour circle that an RGB colour in [0, 1] lies in."""
    return HUES[round(colorsys.rgb_to_hsv(*rgb)[0] * 6) % 6]


def three_parts(value, low, high, names):
    """Name of the third of the range [low, high] that `value` lies in."""
    return names[min(int(3 * (value - low) / (high - low)), 2)]


def describe(actor):
    """What the datasheet counts of one `actors.Actor`: pairs (property, value)."""
    colours = actor.colours
    return [
        ("Monk skin tone", f"{actor.skin_tone:2}"),
        ("stature", three_parts(actor.stature, 1.60, 1.80, ("1.60-1.67 m", "1.67-1.73 m", "1.73-1.80 m"))),
        ("build", three_parts(actor.girth, 0.88, 1.15, BUILDS)),
        ("hair", "short" if colours["long_hair"] is None else "long"),
        ("sleeves", "short" if colours["sleeve"] == colours["skin"] else "long"),
        ("shirt", hue_name(colours["shirt"])),
    ]


def in_order(pair):
    """Sorting key of a (property, value): builds by size, other values by the alphabet."""
    name, value = pair
    return name, BUILDS.index(value) if value in BUILDS else 0, value


def main():
    """Print the tables as Markdown."""
    with open(FOLDER / "labels.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    splits = {int(row["actor"]): row["split"] for row in rows}
    counts = {split: Counter() for split in SPLITS}
    for actor, split in splits.items():
        counts[split].update(describe(actors.random_actor(actor)))

    print("| | value | train | validation | test |\n|---|---|---|---|---|")
    previous = None
    for name, value in sorted(set().union(*counts.values()), key=in_order):
        numbers = " | ".join(str(counts[split][name, value]) for split in SPLITS)
        print(f"| {'' if name == previous else name} | {value.strip()} | {numbers} |")
        previous = name

    size = sum((FOLDER / row["file"]).stat().st_size for row in rows)
    num_actions = len({row["action"] for row in rows})
    print(f"\n{len(rows)} clips, {num_actions} actions, {len(splits)} actors, {size / 1e6:.1f} MB.")


if __name__ == "__main__":
    main()
