"""Pictures say what they show: the actions in labels and alt texts are those of the clips."""

import json
from pathlib import Path

import nbformat
import numpy as np
import pytest
from picture_watch import Watch

from lessons import build, convert
from vgcourse import datasets, show

# Lesson -> labels and alt texts about real clips: of its first picture of them, or of all its pictures.
FIRST = {"00_start_here": 3, "02_cnn_features": 1, "05_video_gan": 8}
ALL = {"02_cnn_features": 5}  # the lesson with the most of them


@pytest.fixture
def watch(monkeypatch):
    return Watch().install(monkeypatch.setattr)


@pytest.fixture
def people(watch):
    """Eight people doing ten actions, seen by the watch; and the names of what each clip shows."""
    clips = datasets.load_actions("validation", size=32, num_frames=8)
    return clips.clips, [clips.action_names[action] for action in clips.actions]


def pick(people, name):
    clips, names = people
    return clips[names.index(name)]


def test_right_labels_and_words_pass(people, watch):
    jack, walk = pick(people, "jack"), pick(people, "walk")
    show.show_grid(
        np.stack([walk, jack]), labels=["a real walk", "jack"], alt="Someone walks; a jumping jack."
    )
    show.show_sheet(
        np.stack([walk[::2], walk[::-2]]), ["walk", "backwards"], alt="A walk, forwards and back."
    )
    show.show_clip(
        show.label_grid(np.stack([jack, walk])[:, ::3], ["jack", "walk"]), alt="A jack and a walk."
    )
    show.show_clip(jack, fps=5, alt="Two people side by side? No: one does jumping jacks.")
    assert watch.faults == []
    assert watch.judged == 9


@pytest.mark.parametrize(
    "fault",
    [
        lambda walk: show.show_grid(walk[None], labels=["jack"]),
        lambda walk: show.show_sheet(walk[None, ::2], ["real jack"]),
        lambda walk: show.label_grid(walk[None, 3:], ["jack"], scale=1),
        lambda walk: show.show_sheet(walk[None], alt="A person does jumping jacks."),
        lambda walk: show.show_clip(walk, alt="One jack."),
        lambda walk: show.show_clip(show.label_grid(walk[None]), alt="Somebody does a jack."),
    ],
)
def test_a_walk_shown_as_a_jack_is_a_fault(people, watch, fault):
    fault(pick(people, "walk"))
    (told,) = watch.faults
    assert "jack" in told


def test_clips_that_were_not_loaded_are_not_judged(people, watch):
    made = 255 - pick(people, "walk")
    show.show_grid(made[None], labels=["jack"], alt="A jack.")
    assert (watch.judged, watch.faults) == (0, [])


def cells_of(name):
    (path,) = convert.find_lessons([name])
    return convert.convert(path, solutions=False)


@pytest.mark.parametrize("name", FIRST)
def test_a_lesson_says_what_its_first_picture_of_people_shows(name, watch):
    space = {"__name__": "__main__"}
    for cell in cells_of(name).cells:
        if cell.cell_type == "code" and "setup" not in cell.metadata.get("tags", []):
            exec(cell.source, space)
        if watch.judged >= FIRST[name]:
            break
    assert watch.faults == []
    assert watch.judged == FIRST[name]


INSTALL = """\
import sys
sys.path.append({folder!r})
from picture_watch import Watch
_watch = Watch().install()"""
REPORT = "import json\nprint(json.dumps([_watch.judged, _watch.faults]))"  # a lesson has a `watch` of its own


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_a_lesson_says_what_its_pictures_show(name):
    notebook = cells_of(name)
    install = nbformat.v4.new_code_cell(INSTALL.format(folder=str(Path(__file__).parent)))
    notebook.cells[3:3] = [install]  # behind quiet(), which must come before TensorFlow
    notebook.cells.append(nbformat.v4.new_code_cell(REPORT))
    build.run(notebook, name, folder=convert.NOTEBOOKS, length="small")
    judged, faults = json.loads(notebook.cells[-1].outputs[-1].text)
    assert faults == []
    assert judged >= ALL[name]
