"""The start of a lesson: TensorFlow keeps quiet, and the path of the data has one stage lit."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from live_kernel import live_kernel
from PIL import Image

from vgcourse.classroom import start

ROOT = Path(__file__).resolve().parents[2]
# As Abseil and, before it, TensorFlow begin a line; and two messages that came without a beginning.
LOG_LINE = re.compile(
    r"^[IWEF]\d{4} [\d:.]+ |^\d{4}-\d\d-\d\d [\d:.]+: [IWEF] |absl::InitializeLog|remapper|oneDNN supports",
    re.MULTILINE,
)


def test_quiet_silences_tensorflow_gives_the_descriptor_back_and_makes_as_many_cpus_as_asked():
    code = """
import os, sys
from vgcourse.classroom.start import quiet
print("tensorflow" in sys.modules)
quiet(cpus=2)
os.write(2, b"back")
import tensorflow as tf
print(len(tf.config.list_logical_devices("CPU")), tf.get_logger().level, os.environ["TF_CPP_MIN_LOG_LEVEL"])
"""
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env=env
    )
    assert ran.stdout.split() == ["False", "2", "40", "3"]  # 40 is ERROR
    assert ran.stderr.startswith("back")


SAYS = """
import subprocess, sys, warnings
os.write(2, b"E0000 00:00:1764596999.12  42 optimizer.cc:9] remapper failed: INVALID_ARGUMENT\\n")
os.write(2, b"oneDNN supports DT_INT32 only\\n")
warnings.warn("a warning of Python")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Jupyter catches no file descriptors there")
def test_messages_of_cpp_stay_out_of_a_live_notebook_and_those_of_python_do_not():
    fake = "import os, sys, unittest.mock as m; sys.modules['tensorflow'] = m.MagicMock()"
    quiet = "from vgcourse.classroom.start import quiet; quiet()"
    with live_kernel() as run:
        assert run(fake) == []
        assert "remapper failed" in "".join(output["text"] for output in run(SAYS))  # it would be seen
        assert run(quiet) == run(quiet) == []
        assert [output["name"] for output in run(SAYS)] == ["stderr"]
        said = "".join(output["text"] for output in run(SAYS.replace("Python", "snakes")))
    assert "a warning of snakes" in said
    assert LOG_LINE.search(said) is None


def test_no_stored_notebook_shows_a_message_of_cpp():
    for path in sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb")):
        book = json.loads(path.read_text(encoding="utf-8"))
        for cell in book["cells"]:
            found = LOG_LINE.search("\n".join(texts(cell.get("outputs", []))))
            assert found is None, (path.name, cell["id"], found)


def texts(value):
    """All texts in the outputs of a cell but encoded pictures."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for name, part in value.items() if not name.startswith("image/") for text in texts(part)]
    return [text for part in value for text in texts(part)] if isinstance(value, list) else []


@pytest.mark.parametrize("stage", start.STAGES)
def test_the_path_says_in_words_which_stage_is_lit(stage):
    picture = start.path_picture(stage)
    assert picture.alt.endswith(f"this lesson is about: {stage}.")
    assert len(picture.png) < 20_000
    pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"), int)
    dark = [(part.sum(axis=2) < 400).mean() for part in np.array_split(pixels, len(start.STAGES), axis=1)]
    assert np.flatnonzero(np.array(dark) > 0.3).tolist() == [start.STAGES.index(stage)]


def test_the_whole_path_is_lit_where_a_lesson_is_about_all():
    pixels = np.asarray(Image.open(io.BytesIO(start.path_picture().png)).convert("RGB"), int)
    parts = np.array_split(pixels, len(start.STAGES), axis=1)
    assert all((part.sum(axis=2) < 400).mean() > 0.3 for part in parts)


def test_the_path_has_no_other_stage():
    with pytest.raises(ValueError, match="stage: expected one of video, .*, received 'lunch'"):
        start.path_picture("lunch")
