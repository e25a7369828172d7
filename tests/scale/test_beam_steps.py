"""The steps of a large corpus, without a runner: parts, plans, shards, and what a restart finds."""

import itertools
import json
import os
import tracemalloc

import numpy as np
import odd_videos
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgcourse import datasets, files, video
from vgcourse.datasets import folders
from vgcourse.scale import beam_steps

SETTINGS = beam_steps.Settings(8, 4, 25.0, shard_bytes=3000)  # clips of 768 bytes: 4 a shard


@pytest.fixture
def folder(tmp_path):
    """Three videos of 12, 20 and 8 frames in two subfolders, and a text that is called a video."""
    for name, frames in {"a b/1.mp4": 12, "a b/2.mp4": 20, "ü/1.mp4": 8}.items():
        path = tmp_path / "my videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        odd_videos.encode(path, odd_videos.moving_clip(frames, 16, 16))
    (tmp_path / "my videos" / "a b" / "bad.mp4").write_text("text")
    return tmp_path / "my videos"


def make_parts(folder, work, settings=SETTINGS):
    videos = _videos(folder, settings)
    return [beam_steps.make_part(json.dumps(item), str(work), settings) for item in videos]


def contents(store):
    return {path.name: path.read_bytes() for path in store.iterdir()}


def test_shards_and_report_are_those_of_the_plain_path_whatever_the_order_of_work(folder, tmp_path):
    parts = datasets.iter_folder(folder, size=8, num_frames=4, fps=25.0, report=(report := []))
    plain = contents(datasets.save_clips(tmp_path / "plain", parts, shard_bytes=3000))
    index = json.loads(plain.pop("index.json"))
    rows = make_parts(folder, tmp_path / "work")[::-1]
    plan = beam_steps.plan_shards(rows, SETTINGS)
    shards = [beam_steps.make_shard(shard, str(tmp_path / "shards")) for shard in plan[::-1]]
    assert len(plain) == 3  # 10 clips, 4 a shard
    assert contents(tmp_path / "shards") == plain
    for name, rows_of in (("report", rows), ("shards", shards)):
        beam_steps.keep_rows(rows_of, str(tmp_path / name / "rows.json"))
    assert json.loads((tmp_path / "shards" / "rows.json").read_text()) == index["shards"]
    kept = json.loads((tmp_path / "report" / "rows.json").read_text())
    assert [folders.FileReport(*row["report"]) for row in kept] == report


@given(counts=st.lists(st.integers(0, 9), max_size=12), room=st.integers(1, 12), record=st.integers(1, 5))
def test_a_plan_takes_every_clip_once_in_order_and_fills_all_shards_but_the_last(counts, room, record):
    rows = [
        (k, {"part": f"part-{k:02d}", "clips": n, "num_bytes": n * record * (k + 1)})
        for k, n in enumerate(counts)
    ]
    plan = beam_steps.plan_shards(rows[::-1], beam_steps.Settings(1, 1, 1.0, 3 * room))
    taken = [
        (part, byte) for *_, pieces in plan for part, first, last in pieces for byte in range(first, last)
    ]
    assert taken == [(row["part"], byte) for _, row in rows for byte in range(row["num_bytes"])]
    assert all(first < last for *_, pieces in plan for _, first, last in pieces)
    assert [num_clips for _, num_clips, _ in plan[:-1]] == [room] * (len(plan) - 1)
    assert sum(num_clips for _, num_clips, _ in plan) == sum(counts)
    assert [place for place, *_ in plan] == list(range(len(plan)))


@pytest.mark.parametrize("what", ["nothing", "part", "row", "changed video", "other settings"])
def test_what_is_torn_or_has_changed_is_read_again_and_nothing_else(folder, tmp_path, monkeypatch, what):
    rows = make_parts(folder, tmp_path / "work")
    settings = SETTINGS
    if what == "part":
        os.truncate(rows[1][1]["part"], 100)
    elif what == "row":
        os.remove(rows[1][1]["part"].replace(".tfrecord", ".json"))
    elif what == "changed video":
        odd_videos.encode(folder / "a b" / "2.mp4", odd_videos.moving_clip(12, 16, 16))
    elif what == "other settings":
        settings = settings._replace(fps=5.0)
    videos = _videos(folder, settings)  # to find the labels, some are looked into
    read, real = [], folders.iter_clips
    monkeypatch.setattr(folders, "iter_clips", lambda path, **kw: read.append(path) or real(path, **kw))
    again = [beam_steps.make_part(json.dumps(item), str(tmp_path / "work"), settings) for item in videos]
    one, all_of_them = [str(folder / "a b" / "2.mp4")], [item.address for item in videos]
    assert read == {"nothing": [], "other settings": all_of_them}.get(what, one)
    clips = [row["clips"] for _, row in again]
    expected = {"changed video": [3, 3, 0, 2], "other settings": [0, 1, 0, 0]}
    assert clips == expected.get(what, [3, 5, 0, 2])
    if what in ("nothing", "part", "row"):
        assert json.dumps(again) == json.dumps(rows)
    assert all(os.path.getsize(row["part"]) == row["num_bytes"] for _, row in again if row["clips"])


def _videos(folder, settings=SETTINGS):
    return beam_steps.list_videos(str(folder), settings, [])[0]


def test_a_part_that_is_too_short_is_no_shard(folder, tmp_path):
    rows = make_parts(folder, tmp_path / "work")
    os.truncate(rows[0][1]["part"], 100)
    (first, *_) = beam_steps.plan_shards(rows, SETTINGS)
    with pytest.raises(files.NotWrittenError, match="received fewer"):
        beam_steps.make_shard(first, str(tmp_path / "shards"))
    assert list((tmp_path / "shards").iterdir()) == []


def test_a_full_disk_is_no_bad_video(folder, tmp_path, monkeypatch):
    replace = os.replace

    def full(source, target):
        if str(target).endswith(".tfrecord"):  # there is room for a row
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(files.NotWrittenError, match="No space left"):
        make_parts(folder, tmp_path / "work")
    assert list((tmp_path / "work" / "parts").iterdir()) == []  # no half file stays
    monkeypatch.undo()
    assert [row["clips"] for _, row in make_parts(folder, tmp_path / "work")] == [3, 5, 0, 2]


def test_still_clips_are_left_out_and_counted_as_on_the_plain_path(tmp_path):
    clip = odd_videos.moving_clip(8, 16, 16)
    (tmp_path / "videos").mkdir()
    odd_videos.encode(tmp_path / "videos" / "a.mkv", clip[[0, 1, 2, 3, 4, 4, 4, 4, 5, 6]], codec="ffv1")
    odd_videos.encode(tmp_path / "videos" / "b.mkv", clip[[0] * 8], codec="ffv1")
    [(_, moving), (_, still)] = make_parts(tmp_path / "videos", tmp_path / "work")
    assert moving["report"] == ("a.mkv", "read", "", 1, 1)
    assert (still["report"][1], still["report"][3:]) == ("skipped", (0, 2))
    list(datasets.iter_folder(tmp_path / "videos", size=8, num_frames=4, fps=25.0, report=(report := [])))
    assert [tuple(row[3:]) for row in report] == [(1, 1), (0, 2)]


def test_what_cannot_be_used_is_listed_as_on_the_plain_path(folder):
    (folder / "a b").rename(folder / ("a" * 250))
    plain, report = [], []
    list(datasets.iter_folder(folder, size=8, num_frames=4, fps=25.0, report=plain))
    videos, *_ = beam_steps.list_videos(str(folder), SETTINGS, report)
    assert [item.file for item in videos] == ["ü/1.mp4"]
    assert report == plain[:3]


@pytest.mark.parametrize("error", [video.VideoError, ValueError, OSError, MemoryError])
def test_a_video_that_breaks_off_gives_no_clips(folder, tmp_path, monkeypatch, error):
    def breaks(path, **options):
        yield from ((frame, 1) for frame in odd_videos.moving_clip(8, 8, 8))
        raise error(f"{path}: damaged after 8 frames")

    monkeypatch.setattr(video, "iter_shown", breaks)
    monkeypatch.setattr(folders, "FRAMES_AT_ONCE", 4)  # clips come before the end
    monkeypatch.chdir(tmp_path)
    rows = make_parts("my videos", tmp_path / "work")  # workers may be elsewhere: messages keep the name
    file, status, reason, *counts = rows[0][1]["report"]
    assert (file, status, counts) == ("a b/1.mp4", "skipped", [0, 0])
    words = "takes more memory than there is" if error is MemoryError else "damaged after 8 frames"
    assert reason.startswith(f"my videos/a b/1.mp4: {words}")
    assert list(tmp_path.glob("work/parts/*.tfrecord")) == []


def test_memory_does_not_grow_with_the_length_of_a_video(tmp_path, monkeypatch):
    """Peak of Python's and NumPy's memory while a part is written: 1,000 frames against 5,000."""
    frames = np.zeros((2, 16, 16, 3), np.uint8)
    frames[1, 0, 0] = 1
    shown = [(frame, 1) for frame in frames]
    monkeypatch.setattr(folders, "FRAMES_AT_ONCE", 128)
    item = beam_steps.Video(0, "x.mp4", "x.mp4", "x.mp4", 0, None)
    peaks = []
    for length in (500, 1_000, 5_000):  # the first warms up
        monkeypatch.setattr(
            video, "iter_shown", lambda *a, n=length, **k: itertools.islice(itertools.cycle(shown), n)
        )
        tracemalloc.start()
        settings = beam_steps.Settings(16, 4, 25.0)
        _, row = beam_steps.make_part(json.dumps(item), str(tmp_path / str(length)), settings)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert row["clips"] == length // 4
    assert peaks[2] < 1.1 * peaks[1]
