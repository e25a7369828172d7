"""Kernels are started here: as many as there are ways to end one, and no more."""

import json
import sys
import time
from pathlib import Path

import pytest

from vgcourse.classroom.grade.run import run_notebook, shield

IMPORT, CHECK = "from vgcourse.classroom import check", "check.raw_bytes(raw_bytes)"
RIGHT = "def raw_bytes(width, height, fps, seconds):\n    return width * height * 3 * fps * seconds"
SOLUTIONS = Path(__file__).resolve().parents[3] / "notebooks" / "solutions"


@pytest.fixture
def run(tmp_path):
    return lambda *sources, seconds=120: run_notebook(sources, seconds=seconds, cache=tmp_path)


@pytest.mark.slow
def test_what_a_notebook_prints_is_not_what_it_solved(run, monkeypatch):
    monkeypatch.setenv("A_PASSWORD", "secret")
    outcome = run(
        IMPORT,
        "print('✓ there_and_back: right')",
        "1 / 0",
        RIGHT,
        CHECK,
        "check.order_frames = lambda answer: print('✓ order_frames: right')\ncheck.order_frames(None)",
        "import socket\nsocket.create_connection(('192.0.2.1', 80), 5)",
        "open('vgcourse.py', 'w').write('')\nimport vgcourse\nvgcourse.__path__",
        "import os\nassert 'A_PASSWORD' not in os.environ",
        "input()",
    )
    assert outcome.verdicts.keys() == {"raw_bytes"}
    assert outcome.verdicts["raw_bytes"].startswith("✓ raw_bytes: ")
    assert outcome.errors.keys() == {2, 6, 9}
    assert outcome.errors[2] == "ZeroDivisionError: division by zero"
    assert outcome.errors[6].startswith("OSError: ")
    assert outcome.errors[9].startswith("StdinNotImplementedError: ")
    assert outcome.stopped == ""


@pytest.mark.slow
def test_an_endless_loop_ends_at_the_limit_and_leaves_nothing_behind(run, tmp_path):
    beat, started = tmp_path / "beat", time.monotonic()
    child = f"import time\nwhile True:\n open({str(beat)!r}, 'w').write(str(time.time()))\n time.sleep(.1)"
    start = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {child!r}]"
    escape = ", start_new_session=True)" if shield() else ")"  # a session of its own leaves a group
    outcome = run(IMPORT, RIGHT, CHECK, start + escape, "while True: pass", "after = 1", seconds=15)
    assert outcome.stopped == "cell 4 was still running after 15 s"
    assert outcome.verdicts["raw_bytes"].startswith("✓")
    assert beat.is_file()
    assert time.monotonic() - started < 100
    time.sleep(1)
    last = beat.read_text()
    time.sleep(2)
    assert beat.read_text() == last


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "stopped"),
    [
        ("import os\nos._exit(1)", "cell 1 ended the kernel"),
        ("while True:\n    print('x' * 100_000)", "cell 1 printed more than 50 MB"),
    ],
)
def test_a_kernel_that_dies_and_one_that_floods_are_named(run, cell, stopped):
    outcome = run("a = 1", cell, RIGHT)
    assert outcome.stopped == stopped


@pytest.mark.slow
def test_the_shipped_answers_pass_and_the_stubs_do_not(run):
    for folder, mark in ((SOLUTIONS, "✓"), (SOLUTIONS.parent, "✗")):
        cells = json.loads((folder / "00_start_here.ipynb").read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        outcome = run(*sources, seconds=900)
        assert outcome.stopped == ""
        assert outcome.errors == {}
        assert outcome.verdicts.keys() == {"raw_bytes", "there_and_back", "order_frames"}
        if mark == "✓":
            assert {verdict[0] for verdict in outcome.verdicts.values()} == {"✓"}
        else:
            assert "✓" not in {verdict[0] for verdict in outcome.verdicts.values()}


@pytest.mark.skipif(sys.platform != "linux", reason="another system's processes")
def test_the_shield_is_used_where_the_system_allows_it():
    assert shield() == () or shield()[0] == "unshare"
