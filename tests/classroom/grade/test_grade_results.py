import csv
import html.parser

import pytest

from vgcourse.classroom.grade import results
from vgcourse.classroom.grade.results import Row, grade_folder, mistakes, rows_of, write_page, write_table
from vgcourse.classroom.grade.run import Outcome
from vgcourse.classroom.grade.submissions import Submission

RIGHT, STUB, CHECK = "def raw_bytes(w): return w", "def raw_bytes(w): ...", "check.raw_bytes(raw_bytes)"
WRONG = '✗ raw_bytes: expected 6, received 9: that is the square. For a hint: check.hint("raw_bytes")'


@pytest.mark.parametrize(
    ("sources", "outcome", "expected"),
    [
        ([RIGHT, CHECK], Outcome({"raw_bytes": "✓ raw_bytes: right"}), ("passed", "")),
        (
            [RIGHT, CHECK],
            Outcome({"raw_bytes": WRONG}),
            ("wrong", "expected 6, received 9: that is the square."),
        ),
        ([STUB, CHECK], Outcome({"raw_bytes": "✗ raw_bytes: returns nothing yet."}), ("untouched", "")),
        ([RIGHT, CHECK], Outcome({"raw_bytes": "○ raw_bytes: nothing yet"}), ("untouched", "")),
        ([CHECK], Outcome(), ("untouched", "its cell is not in the notebook")),
        (
            [RIGHT, "print('✓ raw_bytes: right')"],
            Outcome(),
            ("wrong", "the course's own check was not called"),
        ),
        (
            [RIGHT, CHECK],
            Outcome(errors={0: "NameError: x"}),
            ("wrong", "its cell stopped with NameError: x"),
        ),
        ([RIGHT, CHECK], Outcome(stopped="cell 0 ended the kernel"), ("not run", "cell 0 ended the kernel")),
        ([RIGHT, CHECK], Outcome({"raw_bytes": "✓"}, stopped="cell 9 ended the kernel"), ("passed", "")),
    ],
)
def test_what_an_exercise_came_to(sources, outcome, expected):
    rows = rows_of(Submission("ada", "ada/00.ipynb", "00", tuple(sources)), outcome)
    assert [row.exercise for row in rows if row.exercise] == ["raw_bytes", "there_and_back", "order_frames"]
    (row,) = [row for row in rows if row.exercise == "raw_bytes"]
    assert (row.result, row.message) == expected
    assert [row.message for row in rows if row.result == "problem"] == [outcome.stopped] * bool(
        outcome.stopped
    )


def test_one_bad_notebook_does_not_stop_the_rest(hand_in, tmp_path, monkeypatch):
    for person in ("ada", "ben", "cy"):
        folder = hand_in(f"{person}/00.ipynb", RIGHT, CHECK)
    hand_in("cy/again/00.ipynb", RIGHT, CHECK)
    (folder / "ada" / "00.ipynb").write_text("{")
    runs = iter([Outcome(stopped="cell 0 ended the kernel"), *[Outcome({"raw_bytes": "✓"})] * 2])
    monkeypatch.setattr(results, "run_notebook", lambda *_, **__: next(runs))
    said = []
    rows = grade_folder(folder, tmp_path / "out", say=said.append)
    assert [(r.person, r.result) for r in rows if r.exercise in ("", "raw_bytes")] == [
        ("ada", "problem"), ("ben", "problem"), ("ben", "not run"), ("cy", "passed"), ("cy", "passed"),
    ]  # fmt: skip
    assert said[0] == "cy: 2 notebooks of lesson 00; each has rows of its own"
    assert said[1].startswith("ada/00.ipynb: not a notebook, or damaged (")
    assert said[3].startswith("cy/00.ipynb: 1 passed, 2 untouched (")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["grades.csv", "mistakes.html"]


def test_results_do_not_lie_among_the_submissions(hand_in):
    folder = hand_in("ada/00.ipynb", RIGHT)
    with pytest.raises(ValueError, match="--out"):
        grade_folder(folder, folder / "grades")


def test_the_table_is_read_back_and_runs_no_formula(tmp_path):
    rows = [
        Row("王小明", "王小明/00.ipynb", "00", "raw_bytes", "passed"),
        Row('=HYPERLINK("http://x")', "+1.ipynb", "00", "raw_bytes", "wrong", '-1, "quoted"'),
    ]
    write_table(rows, tmp_path / "grades.csv")
    assert (tmp_path / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbf")  # Excel asks for it
    with (tmp_path / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        header, first, second = csv.reader(file)
    assert header == ["person", "file", "lesson", "exercise", "result", "message"]
    assert first == ["王小明", "王小明/00.ipynb", "00", "raw_bytes", "passed", ""]
    assert second == ['\'=HYPERLINK("http://x")', "'+1.ipynb", "00", "raw_bytes", "wrong", '\'-1, "quoted"']


def test_messages_are_one_short_line():
    assert results.clean("a\n\x1b[31mb\ud800") == "a ?[31mb?"
    assert len(results.clean("x" * 10_000)) == results.MAX_MESSAGE + len("...")


def wrong(message, exercise="raw_bytes", person="ada"):
    return Row(person, f"{person}/00.ipynb", "00", exercise, "wrong", message)


def test_the_same_mistake_with_another_number_counts_as_one():
    rows = [wrong(f"expected 6, received {number}: that is the square.") for number in (9, "1.5", "array(3)")]
    rows += [wrong("expected 6, received 7."), wrong("expected 6, received None."), wrong("stopped")]
    assert mistakes(rows) == {
        "raw_bytes": [
            ("expected 6, received …: that is the square.", 3),
            ("expected 6, received ….", 2),
            ("stopped", 1),
        ]
    }


def test_the_page_counts_mistakes_and_names_nobody(tmp_path):
    rows = [wrong("<script>alert(1)</script>", person="Ada Lovelace"), wrong("it is too large"),
            wrong("it is too large"), Row("Ben", "Ben/00.ipynb", "00", "raw_bytes", "passed"),
            Row("Cy", "Cy/x.ipynb", "", "", "problem", "empty file")]  # fmt: skip
    write_page(rows, tmp_path / "mistakes.html")
    page = (tmp_path / "mistakes.html").read_text(encoding="utf-8")
    texts, reader = [], html.parser.HTMLParser()
    reader.handle_data = texts.append
    reader.feed(page)
    texts = [text.strip() for text in texts if text.strip()]
    assert "<script>alert" not in page
    assert "Ada" not in page
    assert "Ben" not in page
    assert "1 passed, 3 wrong" in texts
    assert "1 file could not be run to the end; the table says why." in texts
    assert texts[texts.index("2 ×") + 1] == "it is too large"
    assert texts.index("2 ×") < texts.index("1 ×")
