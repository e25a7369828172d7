"""The actions set: a small one made here and the one that is shipped; its table and its cache."""

import csv
import hashlib

import numpy as np
import pytest
from samples import assert_same, write_counting_video

from vgcourse import video
from vgcourse.datasets import actions, load_actions


@pytest.fixture
def small_set(tmp_path, monkeypatch):
    """A set of four videos in the form of `data/actions`, and an empty cache."""
    rows = []
    for number, (action, split) in enumerate(
        [("walk", "train"), ("bend", "train"), ("walk", "test"), ("run", "validation")]
    ):
        path = tmp_path / "data" / "actions" / action / f"{action}_{number:03d}.mp4"
        write_counting_video(path, 50, shades=np.full(50, 40 * number + 20))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append([f"{action}/{path.name}", action, number, split, digest])
    with open(tmp_path / "data" / "actions" / "labels.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "action", "actor", "split", "sha256"], *rows])
    monkeypatch.setattr(actions, "data_folder", lambda: tmp_path / "data")
    monkeypatch.setenv("VGCOURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_load_actions_reads_a_split_in_order(small_set):
    clips = load_actions("train", size=16, num_frames=20, fps=10)
    assert clips.clips.shape == (2, 20, 16, 16, 3)
    np.testing.assert_allclose(clips.clips.mean(axis=(1, 2, 3, 4)), [20, 60], atol=3)
    assert clips.action_names == ("walk", "run", "bend")  # the order of motions.ACTIONS
    assert clips.actions.tolist() == [0, 2]
    assert clips.actors.tolist() == [0, 1]
    assert clips.files == ("walk/walk_000.mp4", "bend/bend_001.mp4")
    assert load_actions("test", size=8).clips.shape == (1, 16, 8, 8, 3)


def test_decoded_clips_come_from_the_cache(small_set):
    first = load_actions("train", size=16)
    for path in (small_set / "data" / "actions").rglob("*.mp4"):
        path.unlink()
    assert_same(load_actions("train", size=16), first)
    with pytest.raises(ValueError, match="walk_000.*no such file"):
        load_actions("train", size=8)  # another setting is another entry


@pytest.mark.parametrize("damage", ["flipped", "truncated", "text", "empty"])
def test_a_damaged_cache_is_made_again(small_set, damage):
    first = load_actions("train", size=16)
    [cache] = (small_set / "cache").iterdir()
    whole = cache.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    damaged = {"flipped": flipped, "truncated": whole[:middle], "text": b"text", "empty": b""}
    cache.write_bytes(damaged[damage])
    assert_same(load_actions("train", size=16), first)
    assert cache.read_bytes() == whole
    assert [path.name for path in (small_set / "cache").iterdir()] == [cache.name]


def test_a_changed_table_makes_the_cache_stale(small_set):
    table = small_set / "data" / "actions" / "labels.csv"
    load_actions("train", size=16)
    table.write_text(table.read_text().replace("train", "test", 1))
    assert len(load_actions("train", size=16)) == 1


def test_without_a_cache_folder_it_still_works(small_set, monkeypatch):
    (small_set / "file").write_text("")
    monkeypatch.setenv("VGCOURSE_CACHE", str(small_set / "file" / "cache"))
    with pytest.warns(UserWarning, match="VGCOURSE_CACHE"):
        assert len(load_actions("train", size=8)) == 2


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"VGCOURSE_CACHE": "/a/b"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/vgcourse"),
        ({"HOME": "/home/ada", "USERPROFILE": "/home/ada"}, "/home/ada"),
    ],
)
def test_the_cache_is_where_the_user_wants_it(monkeypatch, variables, expected):
    for name in ("VGCOURSE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert actions._cache_folder().as_posix().startswith(expected)


@pytest.mark.parametrize("wrong", [{"fps": None}, {"fps": "10"}, {"size": (8, 8)}, {"num_frames": None}])
def test_load_actions_checks_its_settings(small_set, wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be .*received"):
        load_actions("train", **{"size": 8, "num_frames": 4, **wrong})


def test_load_actions_says_what_is_wrong(small_set):
    with pytest.raises(ValueError, match=r"unknown split.*'train'.*'valid'"):
        load_actions("valid")
    with pytest.raises(video.VideoError, match="walk_000.*21 frame.*received 20"):
        load_actions("train", num_frames=21, size=8)
    path = small_set / "data" / "actions" / "bend" / "bend_001.mp4"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match="bend_001.*expected sha256.*received"):
        load_actions("train", size=8)
    table = small_set / "data" / "actions" / "labels.csv"
    table.write_text(table.read_text().replace(",bend,", ",fly,"))
    with pytest.raises(ValueError, match="unknown action.*fly"):
        load_actions("train", size=8)
    table.unlink()
    with pytest.raises(ValueError, match="labels.csv.*render"):
        load_actions("train", size=8)


def test_the_shipped_set_is_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("VGCOURSE_CACHE", str(tmp_path))
    clips = load_actions("test", size=32)
    assert clips.clips.shape == (80, 16, 32, 32, 3)
    assert len(clips.action_names) == 10
    assert (np.bincount(clips.actions) == 8).all()
    assert len(set(clips.actors.tolist())) == 8
    # Every clip moves, and no two are alike.
    assert np.abs(np.diff(clips.clips.astype(int), axis=1)).mean(axis=(1, 2, 3, 4)).min() > 0.3
    assert len({clip.tobytes() for clip in clips.clips}) == 80
