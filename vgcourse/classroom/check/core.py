"""Exercises that check themselves: a sentence that teaches, never a traceback.

An exercise is a function decorated with `exercise`: it takes the student's answer, raises `Wrong` with a
message for each mistake it knows, and returns a sentence of praise that adds
something. Most are of this kind:

    @exercise("A gentle hint.", "Nearly the answer.")
    def double(answer):
        ask(answer, 3, right=6, slips={"that is the square.": 9, "that is 2 more; take it twice.": 5})
        return "right: and it works for any number."
"""

import dis
import functools
import numbers
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vgcourse.classroom.check.cards import card_of, hint_card
from vgcourse.show import in_notebook


class Wrong(Exception):  # not an Error: the student's answer is wrong, not the program
    """An answer is wrong; the message says what was expected, what was received, and what to look at."""


class Untouched(Wrong):
    """The answer is the stub that the lesson gave: neither right nor wrong yet."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: its checking function and its hints, from gentle to nearly the answer."""

    name: str
    check: Callable
    hints: tuple[str, ...]


EXERCISES: dict[str, Exercise] = {}
# Each is called with the name of an exercise and its verdict, whenever there is one: `grade` counts them.
WATCHERS: list[Callable] = []
_hints_given: dict[str, int] = {}  # exercise -> the number of the hint shown last
# Of a notebook: "broken", the error of a cell that Python could not read; "told", that a check just said so.
_cells = {}


def exercise(*hints):
    """Decorator: turn a checking function into `check.<name>(answer)`, which says one sentence or two.

    Args:
        *hints: 1 or more texts for `hint`, from gentle to nearly the answer.

    Returns:
        A decorator. The decorated function takes the answer, prints the verdict and returns None.
    """

    def register(function):
        name = function.__name__

        @functools.wraps(function)
        def check(answer):
            verdict = _outdated(name) or _verdict(name, function, answer)
            for watch in WATCHERS:
                watch(name, verdict)
            card_of(name, verdict, hints).say()

        EXERCISES[name] = Exercise(name, check, hints)
        return check

    return register


def _verdict(name, function, answer):
    advice = f'For a hint: check.hint("{name}")'
    nothing = f"○ {name}: nothing here yet. Fill in the cell above and run it again. {advice}"
    if answer is None or answer is ...:
        return nothing
    try:
        return f"✓ {name}: {function(answer)}"
    except Untouched:
        return nothing
    except Wrong as error:
        return f"✗ {name}: {error} {advice}"
    except Exception as error:  # whatever the student's code does, the notebook goes on
        return f"✗ {name}: the answer stopped with {type(error).__name__}: {error}. {advice}"


def watch_cells():
    """Keep in mind whether a notebook's last cell could be read at all; see `_outdated`."""
    if in_notebook():
        from IPython import get_ipython

        get_ipython().events.register("post_run_cell", _note_cell)


def _note_cell(result):
    error = result.error_before_exec
    if isinstance(error, SyntaxError):
        _cells["broken"] = type(error).__name__
    elif not _cells.pop("told", False):  # a check that only said so leaves all as it is
        _cells.pop("broken", None)


def _outdated(name):
    """What is said in place of a verdict while the cell before is no Python: the answer is an older one."""
    if "broken" not in _cells:
        return ""
    _cells["told"] = True
    return (
        f"○ {name}: the cell that you ran before has a {_cells['broken']}, so nothing of it counts yet, and "
        "this would judge an older answer. Mend that cell, run it, then run this one again."
    )


def hint(name, number=None):
    """Show a hint for an exercise.

    Args:
        name: of the exercise.
        number: 1 for the first hint; higher numbers give more away. None: the one after the last shown.
    """
    if name not in EXERCISES:
        print(f"There is no exercise {name!r}; there are: {', '.join(sorted(EXERCISES))}.")
        return
    hints = EXERCISES[name].hints
    wanted = _hints_given.get(name, 0) + 1 if number is None else number
    _hints_given[name] = min(max(wanted, 1), len(hints))
    hint_card(name, _hints_given[name], hints).say()


def call(function, *arguments, **options):
    """Call the student's function; an unfinished one is a wrong answer, not an error.

    Args:
        function: the student's answer.
        *arguments: passed on.
        **options: passed on.

    Returns:
        What the function returned.

    Raises:
        Untouched: it has no code yet.
        Wrong: it is not a function, or it returned nothing.
    """
    if not callable(function):
        raise Wrong(f"expected a function, received {type(function).__name__}: pass it without brackets.")
    result = function(*arguments, **options)
    if result is None or result is ...:
        if is_stub(function):
            raise Untouched
        name = getattr(function, "__name__", "the function")
        raise Wrong(f"{name} returns nothing: it should end with `return` and the result.")
    return result


def is_stub(function):
    """Whether a function has no code but a docstring and `...`; returns a bool."""
    code = getattr(function, "__code__", None)
    does_nothing = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    return code is not None and {step.opname for step in dis.get_instructions(code)} <= does_nothing


def number(value, what="the answer"):
    """A student's number as Python's own.

    Args:
        value: what they gave: a number, an array or tensor with one.
        what: its name in the message.

    Returns:
        An int or a float.

    Raises:
        Wrong: it is no number.
    """
    array = np.asarray(value) if hasattr(value, "__array__") else None
    if array is not None and array.size != 1:
        raise Wrong(f"{what}: expected one number, received an array of shape {array.shape}.")
    got = value if array is None else array.item()
    if not isinstance(got, numbers.Real) or isinstance(got, bool):
        raise Wrong(f"{what}: expected one number, received {type(got).__name__}.")
    return got


def array(value, *, shape, what="the answer", advice="look at the axes."):
    """A student's array, of the shape that is expected.

    Args:
        value: what they gave: an array, a tensor, nested lists.
        shape: a tuple of ints; None fits any length.
        what: its name in the message.
        advice: ends the message.

    Returns:
        A NumPy array.

    Raises:
        Wrong: it has another shape.
    """
    got = np.asarray(value)
    sizes = zip(shape, got.shape, strict=False)
    if got.ndim != len(shape) or any(want not in (None, have) for want, have in sizes):
        wanted = str(shape).replace("None", "any")
        raise Wrong(f"{what}: expected shape {wanted}, received {got.shape}: {advice}")
    return got


def integers(value, what="numbers"):
    """A student's list of whole numbers.

    Args:
        value: what they gave: a list, an array, a set.
        what: of what it is a list, in the message.

    Returns:
        A list of ints, in their order.

    Raises:
        Wrong: it is nothing that can be gone through.
    """
    try:
        entries = list(value)
    except TypeError:
        raise Wrong(f"expected a list of {what}, received {type(value).__name__}.") from None
    try:
        return [int(entry) for entry in entries]
    except (TypeError, ValueError):
        first = entries[0]
        raise Wrong(f"expected a list of {what}, received a list that begins with {first!r}.") from None


def ask(answer, *given, right, asked=None, **advice):
    """Call the student's function for one number and refuse another one than the right one.

    Args:
        answer: the student's function.
        *given: its arguments.
        right: the number that it should return.
        asked: what was given, as the message says it; None shows the arguments.
        **advice: `slips`, `otherwise` and `tolerance` as in `compare`.

    Raises:
        Wrong: see `call`, `number` and `compare`.
    """
    asked = asked or f"for {', '.join(map(shown, given))}"
    compare(number(call(answer, *given)), right, asked=asked, **advice)


def same(got, value, *, tolerance=1e-4):
    """Whether two answers agree.

    Args:
        got: a number, an array, a list of numbers, or anything that can be compared with ==.
        value: the other.
        tolerance: of numbers and arrays, relative and absolute.

    Returns:
        A bool.
    """
    try:
        one, other = np.asarray(got), np.asarray(value)
    except ValueError:  # lists within lists, of unequal lengths
        return got == value
    if {one.dtype.kind, other.dtype.kind} <= set("biuf"):
        return one.shape == other.shape and np.allclose(one, other, rtol=tolerance, atol=tolerance)
    return np.array_equal(one, other)


def compare(got, right, *, asked="", slips=None, otherwise="", tolerance=1e-4):
    """Refuse an answer that is not the right one; a slip that is known gets its own advice.

    Args:
        got: what the student's answer gave, see `same`.
        right: what it should be.
        asked: begins the message: what was given, such as "for 8 frames and a cut at 4".
        slips: dict, advice -> the wrong value that calls for it; the first that agrees is named.
        otherwise: advice for any other wrong value.
        tolerance: as in `same`.

    Raises:
        Wrong: they differ; says what was expected and what was received.
    """
    if same(got, right, tolerance=tolerance):
        return
    found = (text for text, value in (slips or {}).items() if same(got, value, tolerance=tolerance))
    advice = next(found, otherwise)
    told = f"{asked} expected {shown(right)}, received {shown(got)}".strip()
    raise Wrong(f"{told}: {advice}" if advice else f"{told}.")


def refuse(mistakes):
    """Refuse an answer for the first mistake that was made.

    Args:
        mistakes: dict, message -> whether this is the mistake; the plainest first.

    Raises:
        Wrong: with the message of that mistake.
    """
    for message, made in mistakes.items():
        if made:
            raise Wrong(message)


def shown(value):
    """A value as messages show it: numbers rounded to what matters; returns a str."""
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if isinstance(value, np.ndarray):
        return str(value.round(2).tolist() if value.dtype.kind == "f" else value.tolist())
    return repr(value)
