"""Lessons in Colab: among Colab's versions, the set-up cell installs the course and changes nothing else.

There is a `python<version>.txt` for Colab's runtime of today and one for the one before; each is tried where
the machine has its Python. Needs the package index, since it makes an environment of its own; everything else
is local: git reads the repository's address as a copy of this checkout.
"""

import copy
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

import vgcourse
from lessons import build, convert

pytestmark = pytest.mark.slow

RUNTIMES = sorted(path.stem.removeprefix("python") for path in Path(__file__).parent.glob("python3.*.txt"))
CHOSEN = ["01_preprocess_video", "03_gan_minimax"]  # no training, and one of seconds


def missing(reason):
    """Fail in CI, skip loudly elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(f"THE COURSE WAS NOT TRIED IN COLAB'S ENVIRONMENT: {reason}")


def run(*command, cwd, **options):
    ran = subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False, **options
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}"
    return ran.stdout


def find_python(version):
    """Path of a Python such as "3.13", or None: this one, the path's, pyenv's, a CI runner's, or uv's."""
    places = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")]
    places += [Path(tools, "Python") for tools in filter(None, [os.environ.get("RUNNER_TOOL_CACHE")])]
    names = [sys.executable, shutil.which(f"python{version}")]
    for end in ("bin/python3", "python.exe", "*/bin/python3", "*/python.exe"):
        names += [path for place in places for path in sorted(place.glob(f"{version}*/{end}"))]
    if uv := find_uv():
        find = [uv, "python", "find", "--no-project", "--no-python-downloads", "--managed-python", version]
        names.append(subprocess.run(find, capture_output=True, text=True, check=False).stdout.strip())
    for name in filter(None, names):
        ask = [str(name), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip() == version:
            return Path(name)
    return None


def find_uv():
    return os.environ.get("UV") or shutil.which("uv")


@pytest.fixture(scope="module", params=RUNTIMES)
def colab(request, tmp_path_factory):
    """The Python of a new environment with what Colab has installed."""
    version, uv = request.param, find_uv()
    if not uv:
        missing("there is no uv")
    found = find_python(version)
    if not found and any(map(find_python, RUNTIMES)):
        pytest.skip(f"COLAB'S RUNTIME OF PYTHON {version} WAS NOT TRIED: this machine has no such Python")
    if not found:
        missing(f"this machine has no Python {' or '.join(RUNTIMES)}")
    folder = tmp_path_factory.mktemp("colab")
    environment = folder / "environment"
    # Away from the checkout, whose own pins uv would read.
    run(uv, "venv", "--seed", "--python", found, environment, cwd=folder)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pins = Path(__file__).with_name(f"python{version}.txt")
    install = [uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(pins)]
    installed = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    if installed.returncode:
        missing(f"its packages cannot be installed: {installed.stderr[-2000:]}")
    return python


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Address of a git repository with the files of this checkout, committed or not, and the tag."""
    folder = tmp_path_factory.mktemp("repository")
    listed = run("git", "ls-files", "-co", "--exclude-standard", "-z", cwd=convert.ROOT).split("\0")
    for name in filter(None, listed):
        if (convert.ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(convert.ROOT / name, folder / name)
    run("git", "init", "--quiet", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    run("git", *who, "commit", "--quiet", "--message", "test", cwd=folder)
    run("git", *who, "tag", f"v{vgcourse.__version__}", cwd=folder)
    return folder.as_uri()


def installed(python):
    """What `pip freeze` prints, as a dict from names to lines."""
    lines = run(python, "-m", "pip", "freeze", "--all", cwd=python.parent).splitlines()
    return {re.split(r"==| @ ", line)[0].lower(): line for line in lines}


def run_notebook(notebook, python, repository, folder):
    """Run all cells with the kernel of another Python, in an empty folder as Colab's."""

    class Kernels(KernelSpecManager):
        def get_kernel_spec(self, kernel_name):
            argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return self.kernel_spec_class(argv=argv, display_name="Python 3", language="python")

    inherited = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    git = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": convert.repository(),
    }
    budget = {"VGCOURSE_BUDGET": "small", "PYTEST_CURRENT_TEST": "colab"}
    client = nbclient.NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=Kernels()),
        timeout=1800,
        startup_timeout=300,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env={**inherited, **git, **budget}, cleanup_kc=True)  # no kernel outlives its notebook


def set_up(notebook):
    """The notebook's set-up cell alone, as a notebook."""
    alone = copy.deepcopy(notebook)
    alone.cells = [cell for cell in alone.cells if "setup" in cell.metadata.get("tags", [])]
    assert len(alone.cells) == 1
    return alone


def test_lessons_run_and_the_set_up_changes_no_package(colab, repository, tmp_path):
    """In the runtime of today two whole lessons; in the one before, the set-up of the first."""
    today = run(colab, "--version", cwd=tmp_path).startswith(f"Python {RUNTIMES[-1]}.")
    before = installed(colab)
    assert before["tensorflow"] == "tensorflow==2.20.0"
    assert "vgcourse" not in before
    for name in CHOSEN if today else CHOSEN[:1]:
        committed = nbformat.read(convert.NOTEBOOKS / f"{name}.ipynb", as_version=4)
        shown = committed if today else set_up(committed)
        notebook = copy.deepcopy(shown)
        run_notebook(notebook, colab, repository, tmp_path)
        after = installed(colab)
        for cell, expected in zip(notebook.cells, shown.cells, strict=True):
            tags = cell.metadata.get("tags", [])
            if cell.cell_type == "code" and not {build.IGNORED, "setup"} & set(tags):
                assert printed(cell) == printed(expected), f"{name}, {cell.id}"
        assert {key: after.get(key) for key in before} == before
        assert set(after) - set(before) == {"vgcourse", "av"}
        # Where the course is installed the cell does nothing: here an installation would fail.
        again = set_up(committed)
        run_notebook(again, colab, (tmp_path / "no repository").as_uri(), tmp_path)
        assert again.cells[0].outputs == []
        assert installed(colab) == after
        run(colab, "-m", "pip", "uninstall", "--quiet", "--yes", "vgcourse", "av", cwd=tmp_path)


def printed(cell):
    """What the cell printed to stdout."""
    return "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout")
