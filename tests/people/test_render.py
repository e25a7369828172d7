"""Render: the files of the data set, their table, and that the committed clips come from this very code."""

import csv
import hashlib
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from vgcourse.people import render
from vgcourse.people.motions import ACTIONS, render_action

DATA = Path(__file__).resolve().parents[2] / "data" / "actions"


def decode(path):
    """All frames of a video by bare PyAV, uint8 (T, H, W, 3)."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def table(path):
    """Rows of a CSV file as dicts."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small data set: two actions, two actors."""
    folder = tmp_path_factory.mktemp("actions")
    render.render_actions(folder, actions=["bend", "walk"], actors=[7, 68])
    return folder


def test_files_and_table(folder):
    rows = table(folder / "labels.csv")
    assert [row["file"] for row in rows] == [
        "walk/walk_007.mp4",
        "walk/walk_068.mp4",
        "bend/bend_007.mp4",
        "bend/bend_068.mp4",
    ]
    assert [row["split"] for row in rows] == ["train", "test"] * 2
    assert [row["actor"] for row in rows] == ["7", "68"] * 2
    for row in rows:
        assert hashlib.sha256((folder / row["file"]).read_bytes()).hexdigest() == row["sha256"]
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {row["file"] for row in rows} | {"labels.csv"}


def test_clip_is_what_was_rendered(folder):
    decoded, rendered = decode(folder / "walk/walk_068.mp4"), render_action("walk", 68)
    assert decoded.shape == rendered.shape == (50, 96, 96, 3)
    assert np.abs(decoded.astype(int) - rendered).mean() < 5
    assert (folder / "walk/walk_068.mp4").stat().st_size < 20_000


def test_running_again_keeps_what_is_there_and_adds(folder):
    before = (folder / "walk/walk_007.mp4").stat().st_mtime_ns
    render.render_actions(folder, actions=["walk", "squat"], actors=[7], workers=1)
    assert (folder / "walk/walk_007.mp4").stat().st_mtime_ns == before
    assert len(table(folder / "labels.csv")) == 5
    (folder / "squat/squat_007.mp4").unlink()


def test_who_stops_waits_for_the_clips_at_hand_alone(tmp_path, monkeypatch):
    def interrupted(results, **options):
        yield next(iter(results))
        raise KeyboardInterrupt

    monkeypatch.setattr(render, "tqdm", interrupted)
    with pytest.raises(KeyboardInterrupt):
        render.render_actions(tmp_path, actions=["walk"], actors=range(40), workers=1)
    assert 1 <= len(list(tmp_path.rglob("*.mp4"))) <= 6  # four are given out at once, and four more wait


KILLED = """
import sys
from vgcourse.people import render
render.tqdm = lambda results, **options: (print("begun", flush=True) for _ in results)
if __name__ == "__main__":
    render.render_actions(sys.argv[1], actions=["walk"], actors=range(99), workers=1)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system ends them, or nobody knows them")
def test_processes_of_one_that_is_killed_end_too(tmp_path):
    (tmp_path / "killed.py").write_text(KILLED)
    job = subprocess.Popen([sys.executable, tmp_path / "killed.py", tmp_path / "out"], stdout=subprocess.PIPE)
    assert job.stdout.readline() == b"begun\n"
    others = psutil.Process(job.pid).children(recursive=True)
    job.kill()
    job.communicate()
    assert len(others) >= 1
    assert psutil.wait_procs(others, timeout=120)[1] == []


def test_splits():
    validation, test = [0, 11, 22, 33, 44, 55, 66, 77], [2, 13, 24, 35, 46, 57, 68, 79]
    expected = {**dict.fromkeys(validation, "validation"), **dict.fromkeys(test, "test")}
    assert [render.actor_split(k) for k in range(200)] == [expected.get(k, "train") for k in range(200)]


def test_unknown_action_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="actions: expected one of walk, run, .*received 'fly'"):
        render.render_actions(tmp_path / "new", actions=["walk", "fly"])
    assert not (tmp_path / "new").exists()


def test_a_table_of_somebody_elses_is_not_written_over(tmp_path):
    for content in ("", "file,label\nmine.mp4,1\n", "file,action,actor,split,sha256,mine\n", "\xff"):
        (tmp_path / "labels.csv").write_bytes(content.encode("latin-1"))
        with pytest.raises(ValueError, match=r"labels\.csv: a table of another kind"):
            render.render_actions(tmp_path, actions=["walk"], actors=[7])
        assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def test_files_of_other_names_are_left_out_of_the_table(tmp_path):
    (tmp_path / "walk").mkdir()
    for name in ("walk_007.mp4", "walk_mine.mp4", "walk_²²².mp4", "walk_1_007.mp4"):
        (tmp_path / "walk" / name).touch()
    assert [row["file"] for row in table(render.write_labels(tmp_path))] == ["walk/walk_007.mp4"]


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match="file.*cannot write clips here"):
        render.render_actions(tmp_path / "file", actions=["walk"], actors=[0])


def test_failed_write_names_the_file_and_leaves_nothing(tmp_path):
    target = tmp_path / "clip.mp4"
    target.mkdir()  # a directory in the file's place: the last step, the renaming, fails
    with pytest.raises(ValueError, match=r"clip\.mp4.*cannot be written"):
        render.write_h264(target, np.zeros((2, 16, 16, 3), np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("action", ACTIONS)
def test_committed_clip_comes_from_this_code(action):
    actor = 8 * ACTIONS.index(action) + 3
    decoded, rendered = decode(DATA / render.clip_name(action, actor)), render_action(action, actor)
    difference = np.abs(decoded.astype(int) - rendered)
    assert difference.mean() < 5  # what H.264 loses; another actor or phase differs by far more
    assert np.abs(np.roll(decoded, 7, axis=0).astype(int) - rendered).mean() > 1.1 * difference.mean()
    assert np.abs(decoded.astype(int) - render_action(action, actor + 1)).mean() > 2 * difference.mean()
