"""The numbers of the lessons agree everywhere: files, titles, links, checks, saved states and prose.

Lessons are renumbered when one is put between two others; what is forgotten then is found here.
"""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "lessons").glob("[0-9][0-9]_*.py"))
STEMS = {path.stem for path in LESSONS}
NUMBERS = {stem[:2]: stem for stem in STEMS}
NAMES = {stem[3:]: stem for stem in STEMS}
PLACES = (
    *("*.md", "docs/*.md", "data/*.md", "lessons/*.py", "notebooks/**/*.ipynb", "vgcourse/**/*.py"),
    *("book/*.py", "book/*.md", "benchmarks/*.py", "benchmarks/*.md"),
    *("tests/book/**/*.py", "tests/classroom/**/*.py"),
)
TEXTS = [path for place in PLACES for path in sorted(ROOT.glob(place)) if path.name != "CHANGELOG.md"]


def words(path):
    """What a file says: of a notebook its cells, without pictures."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells)


def stale(text):
    """Numbers and names of lessons in a text that are not those of a lesson."""
    found = [
        name for name in re.findall(r"\b\d\d_[a-z_]+[a-z]\b", text) if name[3:] in NAMES and name not in STEMS
    ]
    found += [
        n for n in re.findall(r"\b[Ll]essons?\s+(?:#\s+)?(\d{1,2})\b", text) if n.zfill(2) not in NUMBERS
    ]
    for label, name in re.findall(r"\[(\d\d)[^\]]*\]\([^)]*?(\d\d_[a-z_]+)\.ipynb", text):
        found += [f"[{label}]({name})"] if not name.startswith(label) else []
    for number, title in re.findall(r"\b(\d\d) · ([A-Z][a-z ]+[a-z])", text):
        name = title.lower().replace(" ", "_")
        found += [f"{number} · {title}"] if name in NAMES and NAMES[name][:2] != number else []
    return found


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_knows_the_lessons_by_their_numbers(path):
    assert not stale(words(path))


@pytest.mark.parametrize(
    "text",
    ["see lesson 99", "as in lesson\n# 47", "[03](04_first_gan.ipynb)", "01_first_gan", "07 · First gan"],
)
def test_stale_numbers_are_found(text):
    assert stale(text)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_says_its_own_number_and_the_next(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(rf"^# # {path.stem[:2]} · ", text, re.MULTILINE)
    following = dict(pairwise(LESSONS)).get(path)
    last_link = re.findall(r"\((\d\d_[a-z_]+)\.ipynb\)", text)[-1:]
    # The last lesson may point anywhere, the others end with the next one.
    assert following is None or re.search(rf"Next:[^\n]*{following.stem}", text.replace("\n# ", " ")), (
        last_link
    )


def test_lessons_are_numbered_without_a_gap():
    assert sorted(NUMBERS) == [f"{k:02d}" for k in range(len(LESSONS))]


def test_checks_and_their_tests_and_saved_states_are_those_of_lessons():
    checks = {path.stem[-2:] for path in (ROOT / "vgcourse/classroom/check").glob("lesson_*.py")}
    assert checks <= set(NUMBERS)
    assert checks == {path.stem[-2:] for path in (ROOT / "tests/classroom/check").glob("test_lesson_*.py")}
    # A lesson with several states names them 10_flow_matching-gan and so on.
    states = {path.stem.split("-")[0] for path in (ROOT / "data/checkpoints/lessons").iterdir()}
    assert states <= STEMS


def test_notebooks_are_those_of_the_lessons():
    for folder in ("notebooks", "notebooks/solutions"):
        assert {path.stem for path in (ROOT / folder).glob("*.ipynb")} == STEMS
