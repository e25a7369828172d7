"""The committed data: complete, undamaged, balanced in actors, small, and described in its datasheet."""

import csv
import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from vgcourse import video

DATA = Path(__file__).resolve().parents[2] / "data"
ACTIONS = ["walk", "run", "hop", "jack", "side", "wave1", "wave2", "bend", "squat", "dance"]
REAL = {  # as displayed: width, height, frames per second, frames, audio
    "cup.mp4": (640, 480, 26.777, 217, False),
    "city.mp4": (640, 360, 25.0, 190, False),
    "plant.mp4": (320, 240, 30.02, 36, True),
}


def sha256(path):
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def rows():
    """The rows of `labels.csv`, as dicts of strings."""
    with open(DATA / "actions" / "labels.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def datasheet():
    """The text of `data/README.md`."""
    return (DATA / "README.md").read_text(encoding="utf-8")


def test_labels_list_every_actor_in_every_action(rows):
    assert list(rows[0]) == ["file", "action", "actor", "split", "sha256"]
    assert len(rows) == 800
    assert Counter(row["action"] for row in rows) == dict.fromkeys(ACTIONS, 80)
    assert len({(row["action"], row["actor"]) for row in rows}) == 800
    assert {int(row["actor"]) for row in rows} == set(range(80))


def test_splits_share_no_actor(rows):
    splits = {}
    for row in rows:
        splits.setdefault(row["actor"], set()).add(row["split"])
    assert all(len(names) == 1 for names in splits.values())
    sizes = Counter(name for names in splits.values() for name in names)
    assert sizes == {"train": 64, "validation": 8, "test": 8}


def test_actions_are_undamaged_and_complete(rows):
    folder = DATA / "actions"
    damaged = [row["file"] for row in rows if sha256(folder / row["file"]) != row["sha256"]]
    assert damaged == []
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {row["file"] for row in rows} | {"labels.csv"}


def test_actions_are_small():
    assert sum(path.stat().st_size for path in (DATA / "actions").rglob("*") if path.is_file()) < 8_000_000


def test_every_action_clip_has_the_promised_format(rows):
    for row in rows:
        info = video.probe(DATA / "actions" / row["file"])
        form = (info.width, info.height, info.fps, info.num_frames, info.codec, info.has_audio)
        assert form == (96, 96, 25, 50, "h264", False), row["file"]
        assert info.duration == pytest.approx(2.0)


@pytest.mark.parametrize("name", REAL)
def test_real_clip_is_as_the_datasheet_says(name, datasheet):
    width, height, fps, num_frames, has_audio = REAL[name]
    info = video.probe(DATA / "real" / name)
    assert (info.width, info.height, info.num_frames) == (width, height, num_frames)
    assert info.has_audio == has_audio
    assert info.fps == pytest.approx(fps, abs=0.01)
    assert sha256(DATA / "real" / name) in datasheet
    assert name in (DATA / "real" / "LICENCES.txt").read_text(encoding="utf-8")


def test_every_file_is_in_the_datasheet(datasheet):
    files = [
        path for folder in ("real", "checkpoints") for path in (DATA / folder).iterdir() if path.is_file()
    ]
    found = {path.name for path in files}
    assert {name for name in found if f"`{name}`" not in datasheet} == set()


def test_checkpoints_are_small_and_as_the_datasheet_says(datasheet):
    checkpoints = sorted((DATA / "checkpoints").glob("*.keras"))
    assert checkpoints
    limits = {"generator.keras": 8_000_000, "painter.keras": 4_000_000}
    for path in checkpoints:
        assert path.stat().st_size < limits.get(path.name, 1_000_000), path.name
        assert sha256(path) in datasheet, path.name


def test_states_of_lessons_are_small_and_belong_to_one():
    states = sorted((DATA / "checkpoints" / "lessons").iterdir())
    assert states
    for path in states:
        lesson = path.stem.partition("-")[0]  # one lesson may have several, such as NN_name-gan
        assert (DATA.parent / "lessons" / f"{lesson}.py").is_file(), path.name
        assert path.stat().st_size < 4_000_000, path.name


def test_datasheet_counts_what_is_there(datasheet):
    command = [sys.executable, DATA.parent / "benchmarks" / "datasheet.py"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip() in datasheet
