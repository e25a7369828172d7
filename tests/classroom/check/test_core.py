import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vgcourse.classroom import check
from vgcourse.classroom.check import core
from vgcourse.classroom.check.core import Wrong, call, exercise


@pytest.fixture
def double(monkeypatch):
    """An exercise that no lesson has."""
    monkeypatch.setattr(core, "EXERCISES", {})
    monkeypatch.setattr(core, "_hints_given", {})

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


def test_a_stub_is_not_wrong_but_untouched(double, capsys):
    def stub(x):
        """Twice `x`."""
        ...

    def passing(x):
        pass

    for untouched in (stub, passing):
        double(untouched)
        assert capsys.readouterr().out.startswith("○ double: nothing here yet.")


def test_a_function_that_forgets_to_return_is_wrong(double, capsys):
    def forgetful(x):
        _ = 2 * x

    double(forgetful)
    assert capsys.readouterr().out == (
        "✗ double: forgetful returns nothing: it should end with `return` and the result. "
        'For a hint: check.hint("double")\n'
    )


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
    for number in (1, 2, 3, 0, None, None):
        core.hint("double", number)
    first = 'Hint 1 of 2: Twice is plus itself. More: check.hint("double")'
    last = "Hint 2 of 2: 2 * x"
    assert capsys.readouterr().out.splitlines() == [first, last, last, first, last, last]
    core.hint("triple")
    assert capsys.readouterr().out == "There is no exercise 'triple'; there are: double.\n"


def test_the_hint_that_comes_first_is_the_gentle_one(double, capsys):
    core.hint("double")
    core.hint("double")
    assert [line[:6] for line in capsys.readouterr().out.splitlines()] == ["Hint 1", "Hint 2"]


def ran(error=None):
    core._note_cell(type("Result", (), {"error_before_exec": error}))


def test_after_a_cell_that_is_no_python_an_older_answer_is_not_judged(double, capsys, monkeypatch):
    monkeypatch.setattr(core, "_cells", {})
    ran(SyntaxError("invalid syntax"))
    for _ in range(2):
        double(lambda x: x)
        ran()
        said = capsys.readouterr().out
        assert said.startswith("○ double: the cell that you ran before has a SyntaxError")
    ran()  # the answer, mended
    double(lambda x: 2 * x)
    assert capsys.readouterr().out.startswith("✓ double")
    ran(ValueError("a cell that Jupyter refused for another reason"))
    double(lambda x: x)
    assert capsys.readouterr().out.startswith("✗ double: expected 6")


def refused(judge, *arguments, **options):
    """What a student is told when a helper refuses; fails if it does not."""
    with pytest.raises(Wrong) as error:
        judge(*arguments, **options)
    return str(error.value)


@pytest.mark.parametrize(
    ("got", "right"),
    [
        (0.30001, 0.3),
        (np.float32(1e-9), 0),
        (np.int64(3), 3.0),
        ([1, 2], np.array([1.0, 2.0])),
        ((["a"], [1, 2]), (["a"], [1, 2])),
        ("walk", "walk"),
        ([], []),
    ],
)
def test_answers_that_agree_pass(got, right):
    core.compare(got, right, slips={"no": right})


@pytest.mark.parametrize(
    ("got", "right"),
    [(0.3002, 0.3), (3, 4), (1, True + 1), ([1], 1), ([1, 2], [2, 1]), ([1, 2], [1, 2, 3]), ("walk", "hop"),
     (float("nan"), 0), ("3", 3), ([[1], [2, 3]], [1]), (None, 0), ({"a"}, {"b"})],
)  # fmt: skip
def test_answers_that_differ_are_refused(got, right):
    assert refused(core.compare, got, right, asked="for 2").startswith("for 2 expected ")


def test_the_first_slip_that_agrees_is_named_and_any_other_gets_the_general_advice():
    slips = {"squared.": 9, "also nine.": 9.0, "a list.": [9]}
    told = functools.partial(refused, core.compare, right=6, asked="for 3", slips=slips, otherwise="look.")
    assert told(9) == "for 3 expected 6, received 9: squared."
    assert told([9]) == "for 3 expected 6, received [9]: a list."
    assert told(8.25) == "for 3 expected 6, received 8.25: look."
    assert refused(core.compare, 2 / 3, "x") == "expected 'x', received 0.6667."
    assert refused(core.compare, np.array([1 / 3, 2]), [1, 2]) == "expected [1, 2], received [0.33, 2.0]."


def test_the_tolerance_is_relative_and_absolute():
    core.compare(1009, 1000, tolerance=0.01)
    core.compare(0.009, 0, tolerance=0.01)
    assert refused(core.compare, 1011.5, 1000, tolerance=0.01)
    assert refused(core.compare, 0.011, 0, tolerance=0.01)


def test_the_first_mistake_that_was_made_is_told():
    core.refuse({"one": False, "two": np.bool_(False)})
    assert refused(core.refuse, {"one": False, "two": True, "three": True}) == "two"


@pytest.mark.parametrize("value", [3, 3.5, np.float32(3.5), np.array([[7]]), np.int8(3)])
def test_numbers_become_pythons_own(value):
    got = core.number(value)
    assert type(got) in (int, float)
    assert got == value


@pytest.mark.parametrize(
    ("value", "received"),
    [("3", "str"), (True, "bool"), (np.bool_(True), "bool"), ([3], "list"),
     (np.zeros(3), "an array of shape (3,)"),
     (np.zeros(0), "an array of shape (0,)"), (1j, "complex")],
)  # fmt: skip
def test_what_is_no_number_is_refused(value, received):
    assert refused(core.number, value, "the mean") == f"the mean: expected one number, received {received}."


def test_an_array_has_the_shape_that_is_expected():
    assert core.array([[1, 2]], shape=(None, 2)).tolist() == [[1, 2]]
    told = refused(core.array, np.zeros((3, 2)), shape=(None, 4), what="a table", advice="transpose it.")
    assert told == "a table: expected shape (any, 4), received (3, 2): transpose it."
    assert refused(core.array, np.zeros((3, 2, 1)), shape=(3, 2))
    assert refused(core.array, 3.0, shape=(1,))


def test_a_list_of_whole_numbers_may_be_anything_that_can_be_gone_through():
    assert core.integers(np.array([2.0, 1.0])) == [2, 1]
    assert refused(core.integers, 5, "indices") == "expected a list of indices, received int."


@pytest.mark.parametrize("name", sorted(check.EXERCISES))
def test_every_exercise_can_be_called_and_has_hints(name, capsys):
    registered = check.EXERCISES[name]
    assert getattr(check, name) is registered.check
    assert name in check.__all__
    assert len(registered.hints) >= 1
    assert all(text.strip() for text in registered.hints)
    registered.check(None)
    for number in range(1, len(registered.hints) + 2):
        check.hint(name, number)
    first, *hints = capsys.readouterr().out.splitlines()
    assert first.startswith(f"○ {name}: nothing here yet")
    last = len(registered.hints)
    assert [line.split(":")[0] for line in hints] == [
        f"Hint {min(n, last)} of {last}" for n in range(1, last + 2)
    ]


@pytest.mark.parametrize("name", sorted(check.EXERCISES))
def test_an_untouched_exercise_is_told_what_the_notebooks_show(name, capsys, student_lines):
    (stored,) = [line for line in student_lines if line[2:].startswith(f"{name}: ")]
    registered = check.EXERCISES[name]
    for answer in (..., None):
        registered.check(answer)
        assert capsys.readouterr().out.rstrip("\n") == stored


def test_loading_the_checks_loads_no_tensorflow():
    code = "import sys, vgcourse.classroom.check; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


def test_every_module_of_checks_is_tested():
    package, tests = Path(check.__file__).parent, Path(__file__).parent
    modules = sorted(path.stem for path in package.glob("lesson_*.py"))
    assert modules == sorted(path.stem.removeprefix("test_") for path in tests.glob("test_lesson_*.py"))
