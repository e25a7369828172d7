"""Exercises that check themselves: one line that teaches, never a traceback.

An exercise is a function decorated with `exercise`: it takes the student's answer, raises `Wrong` with a
message for each mistake it knows, and returns a sentence of praise that adds something.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass


class Wrong(Exception):  # not an Error: the student's answer is wrong, not the program
    """An answer is wrong; the message says what was expected, what was received, and what to look at."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: its checking function and its hints, from gentle to nearly the answer."""

    name: str
    check: Callable
    hints: tuple[str, ...]


EXERCISES: dict[str, Exercise] = {}


def exercise(*hints):
    """Decorator: turn a checking function into `check.<name>(answer)`, which prints one line.

    Args:
        *hints: 1 or more texts for `hint`, from gentle to nearly the answer.

    Returns:
        A decorator. The decorated function takes the answer, prints the verdict and returns None.
    """

    def register(function):
        name = function.__name__

        @functools.wraps(function)
        def check(answer):
            print(_verdict(name, function, answer))

        EXERCISES[name] = Exercise(name, check, hints)
        return check

    return register


def _verdict(name, function, answer):
    advice = f'For a hint: check.hint("{name}")'
    if answer is None or answer is ...:
        return f"○ {name}: nothing here yet. Fill in the cell above and run it again. {advice}"
    try:
        return f"✓ {name}: {function(answer)}"
    except Wrong as error:
        return f"✗ {name}: {error} {advice}"
    except Exception as error:  # whatever the student's code does, the notebook goes on
        return f"✗ {name}: the answer stopped with {type(error).__name__}: {error}. {advice}"


def hint(name, number=1):
    """Print a hint for an exercise.

    Args:
        name: of the exercise.
        number: 1 for the first hint; higher numbers give more away.
    """
    if name not in EXERCISES:
        print(f"There is no exercise {name!r}; there are: {', '.join(sorted(EXERCISES))}.")
        return
    hints = EXERCISES[name].hints
    number = min(max(number, 1), len(hints))
    more = f' More: check.hint("{name}", {number + 1})' if number < len(hints) else ""
    print(f"Hint {number} of {len(hints)}: {hints[number - 1]}{more}")


def call(function, *arguments, **options):
    """Call the student's function; an unfinished one is a wrong answer, not an error.

    Args:
        function: the student's answer.
        *arguments: passed on.
        **options: passed on.

    Returns:
        What the function returned.

    Raises:
        Wrong: it is not a function, or it returned nothing.
    """
    if not callable(function):
        raise Wrong(f"expected a function, received {type(function).__name__}: pass it without brackets.")
    result = function(*arguments, **options)
    if result is None or result is ...:
        raise Wrong(f"{getattr(function, '__name__', 'the function')} returns nothing yet.")
    return result
