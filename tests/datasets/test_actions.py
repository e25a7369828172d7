"""The actions set: a small one made here and the one that is shipped; its table and its cache."""

import csv
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from samples import assert_same, write_counting_video

from vgcourse import people, video
from vgcourse.datasets import actions, load_actions
from vgcourse.preprocess import resize


@pytest.fixture
def small_set(tmp_path, monkeypatch):
    """A set of four videos in the form of `data/actions`, and an empty cache."""
    rows = []
    for number, (action, split) in enumerate(
        [("walk", "train"), ("bend", "train"), ("walk", "test"), ("run", "validation")]
    ):
        path = tmp_path / "data" / "actions" / action / f"{action}_{number:03d}.mp4"
        write_counting_video(path, shades=np.full(50, 40 * number + 20))
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


def test_a_damaged_cache_is_made_again(small_set):
    first = load_actions("train", size=16)
    [cache] = (small_set / "cache").iterdir()
    whole = cache.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for damaged in (flipped, whole[:middle], b"text", b""):
        cache.write_bytes(damaged)
        assert_same(load_actions("train", size=16), first)
        assert cache.read_bytes() == whole
    assert [path.name for path in (small_set / "cache").iterdir()] == [cache.name]


@pytest.mark.parametrize("changed", ["av.__version__", "av.library_versions", "the package's own modules"])
def test_another_decoder_makes_the_cache_stale(small_set, monkeypatch, changed):
    """What was decoded by other code is not taken for what this code gives."""
    load_actions("test", size=8)
    if changed == "av.__version__":
        monkeypatch.setattr(av, "__version__", "0.0.0")
    elif changed == "av.library_versions":
        monkeypatch.setattr(av, "library_versions", {"libavcodec": (1, 2, 3)})
    else:
        other = small_set / "video"
        shutil.copytree(Path(video.__file__).parent, other)
        (other / "decode.py").write_text("# decodes otherwise\n")
        monkeypatch.setattr(video, "__file__", str(other / "__init__.py"))
    actions._decoder.cache_clear()
    decoded = []
    read = video.read_clip
    monkeypatch.setattr(video, "read_clip", lambda *a, **k: decoded.append(a) or read(*a, **k))
    load_actions("test", size=8)
    actions._decoder.cache_clear()
    assert len(decoded) == 1
    load_actions("test", size=8)
    monkeypatch.undo()


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
        ({"VGCOURSE_CACHE": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/vgcourse"),
        ({"XDG_CACHE_HOME": "x", "HOME": "/home/ada", "USERPROFILE": "/home/ada"}, "/home/ada"),
        ({"HOME": "/home/ada", "USERPROFILE": "/home/ada"}, "/home/ada"),
        (
            {"VGCOURSE_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/home/ada", "USERPROFILE": "/home/ada"},
            "/home/ada",
        ),
    ],
)
def test_the_cache_is_where_the_user_wants_it(monkeypatch, variables, expected):
    for name in ("VGCOURSE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert actions._cache_folder().as_posix().startswith(expected)


def test_a_user_without_a_home_can_work(small_set, monkeypatch):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("VGCOURSE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(actions.Path, "home", unknown)
    with pytest.warns(UserWarning, match="no home folder; VGCOURSE_CACHE names"):
        assert len(load_actions("train", size=8)) == 2


def test_the_tests_have_a_cache_of_their_own():
    assert "pytest" in str(actions._cache_folder())


@pytest.mark.parametrize("wrong", [{"fps": None}, {"fps": "10"}, {"size": (8, 8)}, {"num_frames": None}])
def test_load_actions_checks_its_settings(small_set, wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}: expected .*received"):
        load_actions("train", **{"size": 8, "num_frames": 4, **wrong})


def test_load_actions_says_what_is_wrong(small_set):
    with pytest.raises(
        ValueError, match="^split: expected one of train, validation, test, received 'valid'$"
    ):
        load_actions("valid")
    with pytest.raises(video.VideoError, match="walk_000.*21 frame.*received 20"):
        load_actions("train", num_frames=21, size=8)
    path = small_set / "data" / "actions" / "bend" / "bend_001.mp4"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match="bend_001.*expected sha256.*received"):
        load_actions("train", size=8)
    table = small_set / "data" / "actions" / "labels.csv"
    table.write_text(table.read_text().replace(",bend,", ",fly,"))
    with pytest.raises(
        ValueError, match=r"labels\.csv: row 3: action: expected one of walk, .*received 'fly'"
    ):
        load_actions("train", size=8)
    table.unlink()
    with pytest.raises(ValueError, match="labels.csv.*render"):
        load_actions("train", size=8)


HEADER = "file,action,actor,split,sha256"
ROW = "walk/walk_000.mp4,walk,0,test,abc"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_that_a_spreadsheet_saved_is_read(small_set, separator):
    table = small_set / "data" / "actions" / "labels.csv"
    text = table.read_text().replace("\n", "\r\n").replace(",", separator)
    table.write_text("\ufeff" + text + "\r\n", encoding="utf-8", newline="")
    assert len(load_actions("train", size=8)) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HEADER}\n{ROW}\n".replace(",", "|"), r"row 1: expected .*, received file\|action\|actor"),
        (f"{HEADER}\n{ROW[17:]}\n", "row 2: file: expected the name of a clip, received ''"),
        ("", f"row 1: expected {HEADER}, received an empty file"),
        (f"{ROW}\n", f"row 1: expected {HEADER}, received {ROW}"),
        (
            f"{HEADER}\n{ROW}\nwalk/walk_001.mp4,wa",
            "row 3: expected 5 fields, .*received 'walk/walk_001.mp4,wa'",
        ),
        (f"{HEADER}\n{ROW},more\n", "row 2: expected 5 fields"),
        (
            f"{HEADER}\n{ROW.replace(',0,', ',two,')}\n",
            "row 2: actor: expected a whole number, received 'two'",
        ),
        (f"{HEADER}\n{ROW.replace(',0,', ',²,')}\n", "row 2: actor: .* received '²'"),
        (f"{HEADER}\n{ROW.replace(',0,', f',{2**31},')}\n", "row 2: actor: .* received '2147483648'"),
        (f"{HEADER}\n{ROW.replace('test', 'exam')}\n", "row 2: split: expected one of .*received 'exam'"),
        (b"\xff\xfe,\x00", "expected a table in UTF-8, received"),
    ],
)
def test_a_damaged_table_is_named_with_its_row(small_set, text, words):
    table = small_set / "data" / "actions" / "labels.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=rf"labels\.csv: {words}") as error:
        load_actions("test", size=8)
    assert "\n" not in str(error.value)


def test_a_name_in_the_table_that_no_file_can_have_is_one_line(small_set):
    table = small_set / "data" / "actions" / "labels.csv"
    table.write_text(table.read_text().replace("walk/walk_000", "w" * 300))
    with pytest.raises(ValueError, match=r"actions.w{300}\.mp4: (cannot be read|expected sha256)"):
        load_actions("train", size=8)


def test_the_shipped_set_is_whole():
    clips = load_actions("test", size=32)
    assert clips.clips.shape == (80, 16, 32, 32, 3)
    assert len(clips.action_names) == 10
    assert (np.bincount(clips.actions) == 8).all()
    assert len(set(clips.actors.tolist())) == 8
    # Every clip moves, and no two are alike.
    assert np.abs(np.diff(clips.clips.astype(int), axis=1)).mean(axis=(1, 2, 3, 4)).min() > 0.3
    assert len({clip.tobytes() for clip in clips.clips}) == 80


@pytest.mark.parametrize("fps", [10, 25, 7])
def test_joints_belong_to_the_frames_of_their_clip(fps):
    # Drawing the people again at the joints' times gives the clips; a frame earlier or later does not.
    clips = load_actions("test", size=48, num_frames=10, fps=fps).select(slice(None, None, 9))
    joints = actions.load_action_joints(clips)
    assert joints.shape == (len(clips), 10, len(people.JOINT_NAMES), 3)
    assert joints.dtype == np.float32
    hand = people.JOINT_NAMES.index("right_hand")
    for clip, action, actor, track in zip(clips.clips, clips.actions, clips.actors, joints, strict=True):
        name = clips.action_names[action]
        shown = resize(people.render_action(name, int(actor), size=96), 48, 48).astype(float)
        nearest = [np.abs(shown - frame).mean((1, 2, 3)).argmin() for frame in clip]
        expected = people.action_joints(name, int(actor), size=48)[nearest]
        # Poses that nearly repeat are taken for each other.
        np.testing.assert_allclose(track[:, hand], expected[:, hand], atol=0.3)


def test_joints_beyond_the_end_of_the_files_are_refused():
    clips = load_actions("test", size=32, num_frames=4, fps=10).select(slice(2))
    with pytest.raises(ValueError, match="up to 2 s"):
        actions.load_action_joints(replace(clips, fps=1.0))
