"""What a class solved: one row a person and exercise, as a table, and the mistakes made, as a page."""

import csv
import html
import re
import tempfile
import time
from collections import Counter
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from vgcourse.classroom.grade.run import run_notebook
from vgcourse.classroom.grade.submissions import exercises_of, find_submissions, is_untouched
from vgcourse.files import new_file

TABLE, PAGE = "grades.csv", "mistakes.html"
# What an exercise came to. A file that cannot be graded has one row with a problem and no exercise.
RESULTS = PASSED, WRONG, UNTOUCHED, NOT_RUN = "passed", "wrong", "untouched", "not run"
PROBLEM = "problem"
MAX_MESSAGE = 400  # characters


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    person: str
    file: str
    lesson: str
    exercise: str
    result: str
    message: str = ""


def grade_folder(folder, out, *, seconds=600.0, say=print):
    """Run the exercises of all notebooks in a folder and write what came of them.

    The table and the page are written again after each notebook: what is done is not lost.

    Args:
        folder: as in `find_submissions`.
        out: folder for `grades.csv` and `mistakes.html`; not within the other.
        seconds: the most that one notebook may take.
        say: function that is given a line of text for each notebook.

    Returns:
        A list of `Row`s.

    Raises:
        ValueError: as `find_submissions`; or the results would lie among the submissions.
    """
    folder, out, rows = Path(folder), Path(out), []
    if out.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{out}: expected a folder for the results outside of {folder}; give another --out")
    found = find_submissions(folder)
    for (person, lesson), count in Counter((entry.person, entry.lesson) for entry in found).items():
        if lesson and count > 1:
            say(f"{person}: {count} notebooks of lesson {lesson}; each has rows of its own")
    with tempfile.TemporaryDirectory(prefix="vg-cache-", ignore_cleanup_errors=True) as cache:
        for submission in found:
            started = time.monotonic()
            new = _grade(submission, seconds, Path(cache))
            rows += new
            say(f"{submission.file}: {_summary(new)} ({time.monotonic() - started:.0f} s)")
            write_table(rows, out / TABLE)
            write_page(rows, out / PAGE)
    return rows


def _grade(submission, seconds, cache):
    if submission.problem:
        return [Row(submission.person, submission.file, "", "", PROBLEM, submission.problem)]
    outcome = run_notebook(submission.sources, seconds=seconds, cache=cache)
    return rows_of(submission, outcome)


def rows_of(submission, outcome):
    """The rows of a notebook that was run.

    Args:
        submission: a `Submission` with a lesson.
        outcome: the `Outcome` of its run.

    Returns:
        A list of `Row`s: one an exercise of the lesson, and first the problem, if the run stopped early.
    """
    head = (submission.person, submission.file, submission.lesson)
    rows = [Row(*head, "", PROBLEM, clean(outcome.stopped))] if outcome.stopped else []
    for name in exercises_of(submission.lesson):
        result, message = _judge(name, submission.sources, outcome)
        rows.append(Row(*head, name, result, clean(message)))
    return rows


def _judge(name, sources, outcome):
    """What one exercise came to: its result, and the message that goes with it."""
    verdict, stub = outcome.verdicts.get(name, ""), is_untouched(sources, name)
    if verdict.startswith("✓"):
        return PASSED, ""
    if stub or verdict.startswith("○"):
        return UNTOUCHED, ""
    if verdict:
        return WRONG, _feedback(name, verdict)
    if outcome.stopped:
        return NOT_RUN, outcome.stopped
    if stub is None:
        return UNTOUCHED, "its cell is not in the notebook"
    mentions = [number for number, source in enumerate(sources) if re.search(rf"\b{name}\b", source)]
    error = next((outcome.errors[number] for number in mentions if number in outcome.errors), "")
    return WRONG, f"its cell stopped with {error}" if error else "the course's own check was not called"


def _feedback(name, verdict):
    """A verdict without its mark, its name, and the advice how to get a hint."""
    text = verdict.removeprefix("✗").strip().removeprefix(f"{name}:").strip()
    return re.sub(r"\s*For a hint: .*$", "", text, flags=re.DOTALL)


def clean(text):
    """One line of letters, of a text that a student's code may have made; returns a str."""
    line = " ".join(str(text).encode("utf-8", "replace").decode().split())
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    return line if len(line) <= MAX_MESSAGE else f"{line[:MAX_MESSAGE]}..."


def _summary(rows):
    problem = next((row.message for row in rows if row.result == PROBLEM), "")
    counts = Counter(row.result for row in rows)
    told = ", ".join(f"{counts[result]} {result}" for result in RESULTS if counts[result])
    return "; ".join(filter(None, (problem, told)))


def write_table(rows, path):
    """Write the rows as a table that spreadsheets open, names in any script included.

    A text that begins as a formula does gets an apostrophe before it: a spreadsheet would run it.

    Args:
        rows: `Row`s.
        path: of the file.
    """
    with new_file(path) as part, part.open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(field.name for field in fields(Row))
        for row in rows:
            table.writerow(f"'{cell}" if cell[:1] in tuple("=+-@") else cell for cell in astuple(row))


def mistakes(rows):
    """How often the class made which mistake.

    Args:
        rows: `Row`s.

    Returns:
        Exercise -> a list of (message, count), the commonest first. Messages that differ in what was received
        alone count as one.
    """
    found = {}
    for row in rows:
        if row.result == WRONG:
            said = re.sub(r"received .*?(?=: |\.?$)", "received …", row.message, count=1)
            found.setdefault(row.exercise, Counter())[said] += 1
    return {name: counter.most_common() for name, counter in found.items()}


PAGE_START = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>What the class solved</title><style>
:root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h3 { margin: 1.6rem 0 .2rem; font-family: ui-monospace, monospace }
.bar { display: flex; height: .8rem; border-radius: .4rem; overflow: hidden; background: #8884 }
.passed { background: #1b7f4b } .wrong { background: #c2410c } .untouched { background: #8888 }
p.counts { margin: .2rem 0 .6rem } ul { padding-left: 0; list-style: none }
li { display: flex; gap: .8rem; margin: .3rem 0 } li b { min-width: 2.5rem; text-align: right }
</style></head><body>
<h1>What the class solved</h1>
<p>The number before a mistake says how many answers made it. Names are in the table alone.</p>
"""


def write_page(rows, path):
    """Write a page to show to the class: how many solved each exercise, and the mistakes, commonest first.

    Args:
        rows: `Row`s.
        path: of the file.
    """
    made, parts = mistakes(rows), [PAGE_START]
    graded = [row for row in rows if row.exercise]
    for lesson in sorted({row.lesson for row in graded}):
        files = {row.file for row in graded if row.lesson == lesson}
        parts.append(f"<h2>Lesson {lesson}</h2><p>{_number(len(files), 'notebook')}</p>")
        for name in filter({row.exercise for row in graded}.__contains__, exercises_of(lesson)):
            parts += _exercise_part(name, [row for row in graded if row.exercise == name], made.get(name, ()))
    problems = len({row.file for row in rows if row.result == PROBLEM})
    if problems:
        parts.append(f"<p>{_number(problems, 'file')} could not be run to the end; the table says why.</p>")
    with new_file(path) as part:
        part.write_text("\n".join([*parts, "</body></html>\n"]), encoding="utf-8")


def _number(count, thing):
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _exercise_part(name, rows, made):
    counts = Counter(row.result for row in rows)
    told = ", ".join(f"{counts[result]} {result}" for result in RESULTS if counts[result])
    bar = "".join(
        f'<span class="{result}" style="flex:{counts[result]}"></span>'
        for result in (PASSED, WRONG, UNTOUCHED)
    )
    yield f'<h3>{name}</h3><div class="bar" aria-hidden="true">{bar}</div><p class="counts">{told}</p>'
    if made:
        lines = "".join(f"<li><b>{count} ×</b><span>{html.escape(said)}</span></li>" for said, count in made)
        yield f"<ul>{lines}</ul>"
