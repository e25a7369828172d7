"""docs/one_clip.md: every name in it exists, every file in it is there, and its code runs."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "one_clip.md").read_text(encoding="utf-8")
PROSE = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
NAMES = sorted(set(re.findall(r"`([a-z]\w*(?:\.\w+)+)`", PROSE)))
CORE = re.findall(r"\]\(\.\./(vgcourse/[\w/]+\.py)\)", PAGE)


@pytest.mark.parametrize("name", NAMES)
def test_the_name_exists(name):
    stage, *rest = name.split(".")
    found = importlib.import_module(f"vgcourse.{stage}")
    for part in rest:
        found = getattr(found, part)
    assert callable(found)
    assert found.__module__.startswith(f"vgcourse.{stage}"), "named by a stage that only passes it on"


def test_the_core_is_as_short_as_the_page_says():
    (promised,) = re.findall(r"about ([\d,]+) lines", PAGE)
    lines = sum(len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in CORE)
    assert len(CORE) == 6
    assert abs(lines - int(promised.replace(",", ""))) < 100, lines


@pytest.mark.slow
def test_the_code_runs():
    exec(compile("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), "one_clip.md", "exec"), {})
