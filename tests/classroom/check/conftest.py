"""Every exercise is tried with two mistakes or more, each of which gets a message of its own."""

import re

import pytest

from vgcourse.classroom.check import core

UNFINISHED = re.compile("returns nothing yet|expected a function|the answer stopped with")


@pytest.fixture(scope="module", autouse=True)
def messages(request):
    """The messages that wrong answers get in a module of tests: name of the exercise -> set of texts."""
    said, verdict = {}, core._verdict

    def record(name, function, answer):
        text = verdict(name, function, answer)
        found = said.setdefault(name, set())
        if text.startswith("✗") and not UNFINISHED.search(text):
            found.add(re.sub(r"[\d.,-]+", "#", text))  # the same sentence with other numbers is the same
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
