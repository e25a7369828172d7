"""Stop in a notebook: the step in hand is done, one line is said, and the same rows go on."""

import re
import signal
import subprocess
import sys
import threading

import IPython
import pytest
from live_kernel import live_kernel

from vgcourse import show
from vgcourse.show import notebook


@pytest.fixture(autouse=True)
def interrupts():
    """As in a terminal: a process that a shell started in the background ignores interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def rows(count, stop_at):
    for step in range(1, count + 1):
        if step == stop_at:
            signal.raise_signal(signal.SIGINT)
        yield {"step": step}


def test_rows_go_on_where_they_were_stopped(capsys):
    made, seen = rows(2000, 1001), []
    for reached in (1001, 2000, 2000):
        seen += [row["step"] for row in show.until_stopped(made, steps=2000)]
        assert seen == list(range(1, reached + 1))
        said = "Stopped at 1,001 of 2,000 steps; run the cell again to go on.\n"
        assert capsys.readouterr().out == (said if reached == 1001 else "")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_after_the_last_step_nothing_was_stopped(capsys):
    assert len(list(show.until_stopped(rows(5, 5), steps=5))) == 5
    assert capsys.readouterr().out == ""


def test_numbers_are_rows_too(capsys):
    for step in show.until_stopped(range(3, 9), steps=8):
        if step == 4:
            signal.raise_signal(signal.SIGINT)
    assert capsys.readouterr().out.startswith("Stopped at 4 of 8 steps;")


def test_a_second_press_waits_no_longer_once_the_step_takes_long(monkeypatch):
    clock = iter([100.0, 101.0, 104.0])
    monkeypatch.setattr(notebook.time, "monotonic", lambda: next(clock))
    with notebook.Stop() as stop:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)  # a double click
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_stop_that_does_not_listen_and_one_in_another_thread_leave_interrupts_alone():
    with notebook.Stop(listens=False), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    heard = []
    thread = threading.Thread(target=lambda: heard.extend(show.until_stopped(range(1, 4), steps=3)))
    thread.start()
    thread.join()
    assert heard == [1, 2, 3]


def test_a_notebook_is_known_by_its_kernel(monkeypatch):
    assert not show.in_notebook()
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())  # IPython in a terminal
    assert not show.in_notebook()
    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": 1})())
    assert show.in_notebook()
    code = "import sys; from vgcourse.show import in_notebook as f; print(f(), 'IPython' in sys.modules)"
    asked = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert asked.stdout == "False False\n"


LESSON = """
import time
from vgcourse import show

def train():
    for step in range(1, 1001):
        time.sleep(0.01 if step < 500 else 0)
        print(f"[{step}]", end=" ")
        yield {"step": step}

playing, history = train(), []
"""
TRAINING = """
for row in show.until_stopped(playing, steps=1000):
    history.append(row["step"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
def test_the_stop_button_ends_a_cell_without_a_traceback_and_running_it_again_goes_on():
    with live_kernel() as run:
        assert run(LESSON) == []
        outputs = run(TRAINING, stop_after="[5]")
        assert {output["output_type"] for output in outputs} == {"stream"}
        said = "".join(output["text"] for output in outputs)
        (stopped,) = re.findall(r"Stopped at (\d+) of 1,000 steps; run the cell again to go on\.\n$", said)
        assert 5 <= int(stopped) < 500
        assert "Stopped" not in "".join(output["text"] for output in run(TRAINING))
        (whole,) = run("print(history == list(range(1, 1001)))")
        assert whole["text"] == "True\n"
