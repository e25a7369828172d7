import subprocess
import sys
from pathlib import Path

import pytest

from vgcourse.classroom import check
from vgcourse.classroom.check import core
from vgcourse.classroom.check.core import Wrong, call, exercise


@pytest.fixture
def double(monkeypatch):
    """An exercise that no lesson has."""
    monkeypatch.setattr(core, "EXERCISES", {})

    @exercise("Twice is plus itself.", "2 * x")
    def double(answer):
        got = call(answer, 3)
        if got == 9:
            raise Wrong("expected 6, received 9: that is the square.")
        if got != 6:
            raise Wrong(f"expected 6, received {got!r}.")
        return "and it works for any number."

    return double


@pytest.mark.parametrize("answer", [None, ...])
def test_nothing_yet_asks_to_go_on_and_offers_a_hint(double, capsys, answer):
    double(answer)
    assert capsys.readouterr().out == (
        "○ double: nothing here yet. Fill in the cell above and run it again. "
        'For a hint: check.hint("double")\n'
    )


def test_a_stub_is_a_wrong_answer_with_a_hint(double, capsys):
    def stub(x): ...

    double(stub)
    assert capsys.readouterr().out == '✗ double: stub returns nothing yet. For a hint: check.hint("double")\n'


def test_a_right_answer_is_praised_in_one_line(double, capsys):
    assert double(lambda x: 2 * x) is None
    assert capsys.readouterr().out == "✓ double: and it works for any number.\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: x * x, "expected 6, received 9: that is the square."),
        (lambda x: x, "expected 6, received 3."),
        (lambda x: x / 0, "the answer stopped with ZeroDivisionError: division by zero."),
        (lambda: 6, "the answer stopped with TypeError: "),
        (6, "expected a function, received int: pass it without brackets."),
    ],
)
def test_a_wrong_answer_is_explained_and_never_raises(double, capsys, answer, message):
    double(answer)
    said = capsys.readouterr().out
    assert said.startswith(f"✗ double: {message}")
    assert said.endswith('For a hint: check.hint("double")\n')
    assert said.count("\n") == 1


def test_hints_give_away_more_and_more(double, capsys):
    for number in (1, 2, 3, 0):
        core.hint("double", number)
    first = 'Hint 1 of 2: Twice is plus itself. More: check.hint("double", 2)'
    assert capsys.readouterr().out.splitlines() == [first, "Hint 2 of 2: 2 * x", "Hint 2 of 2: 2 * x", first]
    core.hint("triple")
    assert capsys.readouterr().out == "There is no exercise 'triple'; there are: double.\n"


@pytest.mark.parametrize("name", sorted(check.EXERCISES))
def test_every_exercise_can_be_called_and_has_hints(name, capsys):
    registered = check.EXERCISES[name]
    assert getattr(check, name) is registered.check
    assert name in check.__all__
    assert len(registered.hints) >= 1
    assert all(text.strip() for text in registered.hints)
    registered.check(None)
    check.hint(name)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"○ {name}: nothing here yet")
    assert second.startswith("Hint 1 of ")


def test_loading_the_checks_loads_no_tensorflow():
    code = "import sys, vgcourse.classroom.check; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


def test_every_module_of_checks_is_tested():
    package, tests = Path(check.__file__).parent, Path(__file__).parent
    modules = sorted(path.stem for path in package.glob("lesson_*.py"))
    assert modules == sorted(path.stem.removeprefix("test_") for path in tests.glob("test_lesson_*.py"))
