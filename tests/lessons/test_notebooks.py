"""`pytest notebooks` runs notebooks and compares their outputs: shown on small ones in another folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {"print('a')\nprint('b')": "a\nb\n", "import random\nprint(random.random())": "0.5\n", "x = 1": ""}


@pytest.fixture
def project(tmp_path):
    """A folder with the project's conftest.py and two notebooks, `notebooks/{,solutions/}90_small.ipynb`."""
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    write(tmp_path / "notebooks" / "90_small.ipynb", GOOD)
    write(tmp_path / "notebooks" / "solutions" / "90_small.ipynb", {"print(6 * 7)": "42\n"})
    return tmp_path


def write(file, outputs, name="python3"):
    """A notebook of cells with what they print; random ones are tagged."""
    cells = []
    for count, (source, text) in enumerate(outputs.items(), 1):
        tags = {"tags": ["nbval-ignore-output"]} if "random" in source else {}
        printed = [nbformat.v4.new_output("stream", name="stdout", text=text)] if text else []
        cells.append(
            nbformat.v4.new_code_cell(
                source, outputs=printed, execution_count=count, metadata=tags, id=f"c{count}"
            )
        )
    kernel = {"name": name, "display_name": name, "language": "python"}
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), file)


def run_pytest(folder, *arguments):
    """Exit code and output of `pytest` in a folder."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=env, check=False)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.slow
def test_students_notebooks_run_and_the_table_counts_their_cells(project):
    code, said = run_pytest(project, "notebooks")
    assert code == 0, said
    assert "3 passed" in said
    assert re.search(r"^notebooks/90_small\.ipynb\s+1\s+1\s+\d+$", said, re.MULTILINE)
    assert "solutions" not in said


@pytest.mark.slow
def test_solutions_run_when_asked_for(project):
    code, said = run_pytest(project, "notebooks/solutions")
    assert code == 0, said
    assert "1 passed" in said
    assert re.search(r"^notebooks/solutions/90_small\.ipynb\s+1\s+0\s+\d+$", said, re.MULTILINE)


@pytest.mark.slow
def test_another_output_fails_also_where_the_user_has_another_kernel(project):
    write(
        project / "notebooks" / "90_small.ipynb", {"print('a')": "b\n", "1 / 1": ""}, name="kernel-of-a-user"
    )
    code, said = run_pytest(project, "notebooks")
    assert code == 1
    assert "2 failed" in said
    assert "Cell outputs differ" in said
    assert "Unexpected output fields from running code: {'text/plain'}" in said


def test_other_tests_collect_no_notebook(project):
    (project / "tests").mkdir()
    (project / "tests" / "test_one.py").write_text("def test_one():\n    pass\n", encoding="utf-8")
    code, said = run_pytest(project, "tests")
    assert code == 0
    assert "1 passed" in said
    assert "compared" not in said
