"""The notes for instructors agree with the lessons and with themselves."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTES = (ROOT / "notebooks" / "INSTRUCTORS.md").read_text(encoding="utf-8")
LESSONS = {path.stem[:2]: path for path in sorted((ROOT / "lessons").glob("[0-9]*.py"))}


def section(title):
    """The text under a heading, up to the next heading of any depth."""
    return re.search(rf"^##+ {title}.*?\n(.*?)(?=^#|\Z)", NOTES, flags=re.MULTILINE | re.DOTALL).group(1)


def rows(title):
    """Rows of a section's table, without its head: lists of cells."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_minutes_are_those_that_the_lessons_promise():
    told = {row[0][:2]: re.match(r"\d+", row[1]).group() for row in rows("Time")}
    texts = {number: path.read_text(encoding="utf-8") for number, path in LESSONS.items()}
    promised = {
        number: re.search(r"^# About (\d+) minutes", text, re.M).group(1) for number, text in texts.items()
    }
    assert told == promised
    assert sum(map(int, told.values())) == 645, "the notes say ten and three quarters"


@pytest.mark.parametrize("title", ["Misconceptions", "Exit tickets"])
def test_every_lesson_has_questions(title):
    assert {row[0] for row in rows(title)} == set(LESSONS)


def minutes(clock):
    hours, rest = clock.split(":")
    return 60 * int(hours) + int(rest)


def test_the_day_has_no_gap_and_no_long_stretch():
    day = [(*map(minutes, row[0].split("-")), row[1]) for row in rows("One day")]
    assert all(before[1] == after[0] for before, after in pairwise(day))
    assert f"{day[0][0] // 60}:00 to {day[-1][1] // 60}:{day[-1][1] % 60}" in NOTES
    rests = [
        day[0][0],
        *(edge for row in day if row[2] in ("break", "lunch", "film") for edge in row[:2]),
        day[-1][1],
    ]
    assert max(after - before for before, after in zip(rests[::2], rests[1::2], strict=True)) <= 85
    names = [row[2] for row in day]
    place = names.index("06")
    assert names[place + 1 : place + 3] == ["**consent and deepfakes**", "film"]
    capstone = day[names.index("11")]
    assert capstone[1] - capstone[0] == 60


def test_a_week_in_class_is_ninety_minutes_and_all_lessons_come():
    weeks = rows("Six weeks")
    assert [sum(map(int, re.findall(r"\((\d+)\)", row[1]))) for row in weeks] == [90] * 6
    named = {
        number
        for row in weeks
        for number in re.findall(r"\b\d\d\b", re.sub(r"\(.*?\)", "", "".join(row[1:])))
    }
    assert named == set(LESSONS)
