"""Every exercise is tried with two mistakes or more, each of which gets a message of its own.

What a right answer is told is what the notebooks of the solutions show."""

import json
import re
from pathlib import Path

import pytest

from vgcourse.classroom.check import core

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
UNFINISHED = re.compile("returns nothing|expected a function|the answer stopped with")


def stored_lines(folder, number="*"):
    """Verdicts in the stored outputs of notebooks: a set of lines."""
    found = set()
    for file in folder.glob(f"{number}_*.ipynb"):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        told = ["".join(output.get("data", {}).get("text/plain", "")) for output in outputs]
        found |= {line for text in told for line in text.splitlines()}
    return {line for line in found if re.match(r"[✓✗○] \w+: ", line)}


@pytest.fixture(scope="session")
def student_lines():
    """What students' notebooks say of the untouched exercises."""
    return stored_lines(NOTEBOOKS)


@pytest.fixture(scope="module", autouse=True)
def messages(request):
    """The messages that wrong answers get in a module of tests: name of the exercise -> set of texts."""
    said, praised, verdict = {}, set(), core._verdict

    def record(name, function, answer):
        text = verdict(name, function, answer)
        found = said.setdefault(name, set())
        if text.startswith("✗") and not UNFINISHED.search(text):
            found.add(re.sub(r"[\d.,-]+", "#", text))  # the same sentence with other numbers is the same
        if text.startswith("✓"):
            praised.add(text)
        return text

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "_verdict", record)
        yield said
    options = request.config.option
    whole = not options.keyword and options.markexpr != "slow" and "::" not in "".join(request.config.args)
    if whole and "test_lesson" in request.module.__name__:
        module = request.module.__name__.rsplit("test_", 1)[-1]
        taught = {n for n, e in core.EXERCISES.items() if e.check.__module__.endswith(module)}
        few = sorted(name for name in taught if len(said.get(name, ())) < 2)
        assert taught, f"no exercise comes from {module}"
        assert not few, f"fewer than two mistakes are tried on {few}"
        assert praised == stored_lines(NOTEBOOKS / "solutions", module.removeprefix("lesson_"))
