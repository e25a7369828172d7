"""How long the lessons took when they were last built at full length, on two cores."""

import csv
import re

import pytest

from lessons import build, convert

ROWS = {row["lesson"]: row for row in csv.DictReader(build.SECONDS.open(encoding="utf-8"))}
WORDS = {"half a minute": 0.5, "one": 1, "one minute": 1, "two": 2, "three": 3, "four": 4, "five": 5}
MOST, MOST_SILENT = 300, 60  # seconds of a lesson; of a cell that shows no progress
LIVE = ("display_id", "training.train(", "on_sample", "live", "tqdm")  # what a cell with progress contains


def test_every_lesson_was_timed():
    assert sorted(ROWS) == [path.stem for path in convert.find_lessons()]


@pytest.mark.parametrize("path", convert.find_lessons(), ids=lambda path: path.stem)
def test_a_lesson_keeps_the_time_that_it_promises(path):
    row, text = ROWS[path.stem], path.read_text(encoding="utf-8")
    seconds = int(row["seconds"])
    assert seconds <= MOST
    found = re.search(r"of which two cores compute for (?:under |about )?([a-z ]+?)\.", text)
    assert seconds <= 60 * WORDS[found.group(1)] + 30


@pytest.mark.parametrize("path", convert.find_lessons(), ids=lambda path: path.stem)
def test_no_cell_waits_a_minute_without_progress(path):
    row = ROWS[path.stem]
    cell = convert.convert(path, solutions=False).cells[int(row["slowest_cell"])]
    silent = not any(word in cell.source for word in LIVE)
    assert int(row["slowest_seconds"]) <= MOST_SILENT or not silent
