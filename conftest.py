"""Notebooks as tests: `pytest notebooks` runs them and compares their outputs with nbval, `pytest
notebooks/solutions` runs the answers. And what holds for all tests: Hypothesis's profile, two processes."""

import os
from collections import Counter, defaultdict
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # one of two: a thread each, or they wait for one another's
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

NOTEBOOKS = Path(__file__).parent / "notebooks"
CELL_SECONDS = 1800  # the machine may be busy
OUTPUT_SECONDS = 60  # from the end of a cell to its last output

counts, seconds = defaultdict(Counter), defaultdict(float)


def pytest_configure(config):
    if config.pluginmanager.hasplugin("hypothesispytest"):
        use_hypothesis()
    if config.pluginmanager.hasplugin("nbval"):
        config.option.nbval = True
        config.option.nbval_current_env = True  # the kernel is this Python, whatever others are installed
        config.option.nbval_cell_timeout = CELL_SECONDS
        config.option.nbval_kernel_startup_timeout = 300


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """`uv run pytest` shares the files of tests out to two processes; all else runs in one."""
    is_default = config.option.markexpr == "not slow" and config.args == config.getini("testpaths")
    return 2 if is_default and not config.option.collectonly else 0


def use_hypothesis():
    """No test fails because the machine is busy, and CI tries the same examples every time."""
    from hypothesis import HealthCheck, settings

    own = {"derandomize": True, "database": None} if os.environ.get("CI") else {}
    settings.register_profile("course", deadline=None, suppress_health_check=[HealthCheck.too_slow], **own)
    settings.load_profile("course")


def pytest_ignore_collect(collection_path, config):
    if collection_path.name == ".ipynb_checkpoints":
        return True
    if collection_path != NOTEBOOKS / "solutions":
        return None
    asked = [(config.invocation_params.dir / str(arg).split("::")[0]).resolve() for arg in config.args]
    return None if any(path.is_relative_to(collection_path) for path in asked) else True


def pytest_itemcollected(item):
    if type(item).__name__ != "IPyNbCell":
        return
    item.output_timeout = OUTPUT_SECONDS
    # A picture's bytes inside HTML differ between codec builds, like those of image/png, which nbval skips.
    item.parent.sanitize_patterns["base64,[A-Za-z0-9+/=]+"] = "base64,"
    if item.cell.outputs:
        counts[item.path]["compared" if item.options["check"] else "ignored"] += 1


def pytest_runtest_logreport(report):
    path = Path(report.nodeid.split("::")[0])
    if path.suffix == ".ipynb":
        seconds[path] += report.duration


def pytest_terminal_summary(terminalreporter, config):
    if not seconds:
        return
    terminalreporter.section("notebooks")
    terminalreporter.write_line(f"{'':44}compared  ignored  seconds")
    for path, spent in seconds.items():
        count = counts[config.rootpath / path]
        row = f"{path.as_posix():44}{count['compared']:8}{count['ignored']:9}{spent:9.0f}"
        terminalreporter.write_line(row)
