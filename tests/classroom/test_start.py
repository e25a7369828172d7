"""The start of a lesson: TensorFlow keeps quiet, and the path of the data has one stage lit."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vgcourse.classroom import start

ROOT = Path(__file__).resolve().parents[2]


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
