"""The start of a lesson: TensorFlow keeps quiet, and the path of the data has one stage lit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vgcourse.classroom import start

ROOT = Path(__file__).resolve().parents[2]


def test_quiet_silences_tensorflow_and_gives_the_descriptor_back():
    code = """
import os, sys
from vgcourse.classroom.start import quiet
print("tensorflow" in sys.modules)
quiet()
print("tensorflow" in sys.modules)
os.write(2, b"back")
"""
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env=env
    )
    assert ran.stdout.split() == ["False", "True"]
    assert ran.stderr.startswith("back")


def test_quiet_makes_as_many_logical_cpus_as_asked():
    code = """
from vgcourse.classroom.start import quiet
quiet(cpus=2)
import tensorflow as tf
print(len(tf.config.list_logical_devices("CPU")))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["2"]


@pytest.mark.parametrize("stage", start.STAGES)
def test_the_path_says_in_words_which_stage_is_lit(stage):
    picture = start.path_picture(stage)
    assert picture.alt.endswith(f"this lesson is about: {stage}.")
    assert picture.png != start.path_picture().png
    assert len(picture.png) < 20_000


def test_the_path_has_no_other_stage():
    with pytest.raises(ValueError, match="stage must be one of video, .*; received 'lunch'"):
        start.path_picture("lunch")
