"""The record of a run: versions, machine, and the very source code."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf

import vgcourse
from vgcourse.training import provenance


def test_versions_are_those_that_run():
    found = provenance.versions()
    assert found["tensorflow"] == tf.__version__
    assert found["python"] == platform.python_version()
    assert found["vgcourse"] == vgcourse.__version__
    assert {"keras", "numpy"} <= set(found)


def test_the_source_is_that_of_the_whole_package():
    whole = Path(vgcourse.__file__).parent
    assert provenance.source_state()[0] == provenance.source_state(whole)[0]


def test_the_machine_is_described():
    found = provenance.machine()
    assert found["cpus"] >= 1
    assert len(found["gpus"]) == len(tf.config.list_physical_devices("GPU"))


def git(folder, *arguments):
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("answer = 42\n")
    git(tmp_path, "init")
    git(tmp_path, "add", "package")
    git(tmp_path, "commit", "-m", "first")
    return package


def test_a_clean_checkout_is_its_commit(checkout):
    state, changes = provenance.source_state(checkout)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True)
    assert (state["commit"], changes) == (head.stdout.strip(), "")


def test_what_was_not_committed_is_kept_with_the_run(checkout):
    clean, _ = provenance.source_state(checkout)
    (checkout / "__init__.py").write_text("answer = 43\n")
    (checkout / "idea.py").write_text("")
    state, changes = provenance.source_state(checkout)
    assert "+answer = 43" in changes
    assert "new file idea.py" in changes
    assert state["commit"] == clean["commit"]
    assert state["sha256"] != clean["sha256"]


def test_a_package_installed_into_another_repository_is_no_part_of_it(checkout):
    installed = checkout.parent / "site-packages" / "package"
    shutil.copytree(checkout, installed)
    state, changes = provenance.source_state(installed)
    assert (state["commit"], changes) == (None, "")
    assert state["sha256"] == provenance.source_state(checkout)[0]["sha256"]
