import json
import os
import unicodedata
from pathlib import Path

import pytest

from vgcourse.classroom.grade import submissions
from vgcourse.classroom.grade.submissions import exercises_of, find_submissions, is_untouched, lesson_of

IMPORT, CHECK = "from vgcourse.classroom import check", "check.raw_bytes(raw_bytes)"
NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"


def test_a_person_is_a_folder_or_a_file(hand_in):
    hand_in("ada/00_start_here.ipynb", IMPORT, CHECK)
    hand_in("ada/second try/03_gan_minimax.ipynb", IMPORT)
    folder = hand_in("Ben Bo.ipynb", IMPORT, CHECK)
    found = [(entry.person, entry.file, entry.lesson, entry.problem) for entry in find_submissions(folder)]
    assert found == [
        ("Ben Bo", "Ben Bo.ipynb", "00", ""),
        ("ada", "ada/00_start_here.ipynb", "00", ""),
        ("ada", "ada/second try/03_gan_minimax.ipynb", "03", ""),
    ]


def test_two_people_may_name_their_files_alike_and_in_any_script(hand_in):
    decomposed = unicodedata.normalize("NFD", "René")
    for person in ("王小明", decomposed):
        folder = hand_in(f"{person}/00.ipynb", IMPORT, CHECK)
    assert [entry.person for entry in find_submissions(folder)] == ["René", "王小明"]


def test_copies_of_jupyter_and_macos_are_no_submissions(hand_in):
    for name in ("ada/.ipynb_checkpoints/00-checkpoint.ipynb", "__MACOSX/ada/00.ipynb", "ada/._00.ipynb"):
        hand_in(name, "broken = 1")
    folder = hand_in("ada/00.ipynb", IMPORT, CHECK)
    assert [entry.file for entry in find_submissions(folder)] == ["ada/00.ipynb"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty file"),
        (b"%PDF-1.7 \xff\xfe", "not a notebook, or damaged"),
        (b'{"cells": [{"cell_type": "code", "sour', "not a notebook, or damaged"),
        (b"[1, 2]", "not a notebook, or damaged"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 7}', "not a notebook, or damaged"),
        (b"[" * 100_000, "not a notebook, or damaged"),
        (json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [],
                     "metadata": {"kernelspec": {"name": "ir", "language": "R"}}}).encode(),
         "expected a notebook in Python, received one in R"),
        (json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {}}).encode(),
         "unknown lesson"),
    ],
)  # fmt: skip
def test_what_is_no_notebook_of_the_course_is_one_line(tmp_path, content, problem):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "homework.ipynb").write_bytes(content)
    (entry,) = find_submissions(tmp_path)
    assert entry.problem.startswith(problem)
    assert "\n" not in entry.problem
    assert (entry.person, entry.lesson, entry.sources) == ("ada", "", ())


def test_a_folder_a_link_and_a_huge_file_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MAX_BYTES", 10)
    (tmp_path / "a" / "00.ipynb").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "00.ipynb").write_bytes(bytes(11))
    (tmp_path / "c").mkdir()
    os.symlink(tmp_path / "b" / "00.ipynb", tmp_path / "c" / "00.ipynb")
    (tmp_path / "d").mkdir()
    (tmp_path / "e.docx").write_text("see attached")
    problems = [entry.problem.split(":")[0] for entry in find_submissions(tmp_path)]
    assert problems == ["not a file", "too large", "no notebook", "no notebook", "no notebook"]


@pytest.mark.parametrize("make", [False, True])
def test_no_folder_and_an_empty_one_are_errors(tmp_path, make):
    if make:
        (tmp_path / "class").mkdir()
    with pytest.raises(ValueError, match="expected"):
        find_submissions(tmp_path / "class")


def test_the_checks_that_it_calls_say_which_lesson_it_is():
    assert lesson_of("05_renamed.ipynb", [IMPORT, "check.best_discriminator(f)", "check.hint('x')"]) == "03"
    assert lesson_of("05_video_gan (copy).ipynb", [IMPORT]) == "05"
    with pytest.raises(ValueError, match="unknown lesson"):
        lesson_of("99.ipynb", ["check.no_such_thing(1)"])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(x):\n    ...", True),
        ("def f(x):\n    '''What it does.'''\n    ...", True),
        ("def f(x): pass", True),
        ("f = ...  # your answer", True),
        ("f = None", True),
        ("%matplotlib inline\n!ls\ndef f(x):\n    ...", True),
        ("def f(x):\n    return x", False),
        ("def f(x):\n    y = 2 * x\n    ...", False),  # somebody began
        ("f = 3", False),
        ("f = lambda x: x", False),
        ("def g(x): ...", None),
        ("def f(x:\n", None),
    ],
)
def test_a_stub_is_an_answer_without_a_line(source, expected):
    assert is_untouched([source], "f") is expected


def test_the_last_definition_counts():
    assert is_untouched(["def f(x):\n    ...", "def f(x):\n    return x"], "f") is False


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_the_lessons_of_the_course_are_recognised(path):
    """Handed in as it is, a lesson has a stub for each exercise; its solutions have none."""
    for file, is_as_given in ((path, True), (path.parent / "solutions" / path.name, False)):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        assert lesson_of("homework.ipynb", sources) == path.name[:2]
        names = exercises_of(path.name[:2])
        assert names
        assert {name: is_untouched(sources, name) for name in names} == dict.fromkeys(names, is_as_given)
