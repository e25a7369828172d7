"""The planted faults fit the project as it is, and the tool that plants them tells right from wrong."""

import subprocess
import sys

import pytest

from tests.faults import __main__ as tool
from tests.faults import forks
from tests.faults.__main__ import CannotPlantError, Fault

FAULTS = tool.read_faults()
SUM = "def add(a, b):\n    return a + b\n\n\ndef double(a):\n    return 2 * a\n"
TEST_ADD = """
import house
def test_add():
    assert house.add(2, 3) == 5
"""
# Asks a new Python in another folder, as tests of commands do.
TEST_OTHER = """
import subprocess, sys
def test_other(tmp_path):
    code = "import house; print(house.double(4))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path).strip() == b"8"
"""
TEST_KILLED = """
import house, os, signal
def test_killed():
    if house.add(2, 3) != 5:
        os.kill(os.getpid(), signal.SIGKILL)
"""
TEST_SLOW = """
import house, time
def test_slow():
    while house.add(2, 3) != 5:
        time.sleep(1)
"""
TEST_BROKEN = """
def test_broken():
    assert False
"""


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A project of one module, and pytest without plugins, which start slowly."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(tool, "OPTIONS", ("-x", "-q", "-p", "no:cacheprovider"))
    (tmp_path / "tests").mkdir()
    (tmp_path / "house.py").write_text(SUM)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    texts = {"add": TEST_ADD, "other": TEST_OTHER, "killed": TEST_KILLED, "slow": TEST_SLOW}
    for name, text in {**texts, "broken": TEST_BROKEN, "none": ""}.items():
        (tmp_path / "tests" / f"test_{name}.py").write_text(text)
    return tmp_path


def fault(before="a + b", after="a - b", tests="tests/test_add.py", file="house.py"):
    return Fault("house", f"{before} becomes {after}", file, before, after, tests)


def test_every_fault_can_be_planted_as_the_project_is():
    for each in FAULTS:
        tool.planted(each, tool.ROOT)
    names = [str(each) for each in FAULTS]
    assert len(set(names)) == len(names)


def test_noticed_or_not_and_the_project_is_as_before(house):
    """Tests that fail anyway notice nothing, and the worst of the faults is the exit code."""
    lines = []
    assert tool.try_faults([fault()], house, lines.append) == 0
    others = [("2 * a", "a + a", "add"), ("2 * a", "3 * a", "other"), ("a + b", "a", "broken")]
    others = [fault(before, after, f"tests/test_{name}.py") for before, after, name in others]
    assert tool.try_faults(others, house, lines.append) == 1
    ends = [
        "passes", "tests/test_add.py::test_add",
        "passes", "NOT NOTICED",
        "passes", "tests/test_other.py::test_other",
        "tests/test_broken.py::test_broken", "NOT NOTICED: its tests fail without it",
    ]  # fmt: skip
    assert [line.endswith(f" {end}") for line, end in zip(lines, ends, strict=True)] == [True] * 8, lines
    assert (house / "house.py").read_text() == SUM


@pytest.mark.skipif(not forks.FORKING, reason="signals as Unix knows them")
def test_a_fault_that_ends_python_or_never_ends_is_noticed(house, monkeypatch):
    assert tool.run_tests("tests/test_killed.py", house).failed == ""
    monkeypatch.setattr(tool, "PATIENCE", 8)
    assert tool.run_tests("tests/test_slow.py", house).failed == ""
    (house / "house.py").write_text(SUM.replace("a + b", "a - b"))
    assert tool.run_tests("tests/test_killed.py", house).failed == "ended by signal 9"
    assert tool.run_tests("tests/test_slow.py", house).failed == "no end within 8 s"


@pytest.mark.parametrize(
    "wrong",
    [
        fault("a * b"),  # is not there
        fault("a", "b"),  # is there more than once
        fault("a + b", "a + b"),
        fault("a + b", "a +"),  # no Python
        fault(file="hut.py"),
        fault(tests="tests/test_hut.py"),
        fault(tests="tests/test_none.py"),
    ],
    ids=str,
)
def test_a_fault_that_does_not_fit_is_exit_code_2(house, wrong):
    lines = []
    assert tool.try_faults([wrong], house, lines.append) == 2
    assert any("CANNOT BE PLANTED" in line for line in lines)
    assert (house / "house.py").read_text() == SUM


def test_faults_are_chosen_by_stage_by_words_and_by_seed():
    faults = [Fault("gan", f"seed {k}", "f", "b", "a", "t") for k in range(9)]
    faults.append(Fault("video", "late frame", "f", "b", "a", "t"))
    assert tool.choose(faults) == faults
    assert tool.choose(faults, ["video", "seed 3"]) == [faults[3], faults[9]]
    samples = [tool.choose(faults, sample=4, seed=seed) for seed in (*range(20), 0)]
    assert samples[0] == samples[-1]
    assert {len(set(sample)) for sample in samples} == {4}
    assert {each for sample in samples for each in sample} == set(faults)
    assert tool.choose(faults, sample=40) == faults
    with pytest.raises(CannotPlantError, match="seed 11"):
        tool.choose(faults, ["seed 11"])


def test_the_copy_is_what_is_imported(tmp_path):
    (tmp_path / "vgcourse").mkdir()
    (tmp_path / "vgcourse" / "__init__.py").touch()
    tool.check_import(tmp_path)
    with pytest.raises(CannotPlantError, match="from the copy"):
        tool.check_import(tmp_path / "elsewhere")


def test_the_command_names_the_faults():
    command = [sys.executable, "-m", "tests.faults", "--list"]
    ran = subprocess.run(command, cwd=tool.ROOT, capture_output=True, text=True, check=True)
    assert len(ran.stdout.splitlines()) == len(FAULTS)
