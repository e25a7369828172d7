"""The steps of a large corpus, without Beam: parts, plans, shards, and what a restart finds."""

import dataclasses
import errno
import itertools
import json
import os
import tracemalloc

import numpy as np
import odd_videos
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from vgcourse import datasets, video
from vgcourse.datasets import folders, store
from vgcourse.scale import beam_steps

SETTINGS = beam_steps.Settings(
    size=8, num_frames=4, fps=25, shard_bytes=3000
)  # clips of 768 bytes: 4 a shard


@pytest.fixture
def folder(tmp_path):
    """Three videos of 12, 20 and 8 frames in two subfolders, and a text that is called a video."""
    for name, frames in {"a b/1.mp4": 12, "a b/2.mp4": 20, "ü/1.mp4": 8}.items():
        path = tmp_path / "my videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        odd_videos.encode(path, odd_videos.moving_clip(frames, 16, 16))
    (tmp_path / "my videos" / "a b" / "bad.mp4").write_text("text")
    return tmp_path / "my videos"


def run_steps(folder, work, order=1):
    """All steps one after the other, videos and shards in the given order; `(rows, shard rows)`."""
    videos, _ = beam_steps.list_videos(str(folder))
    rows = [beam_steps.make_part(json.dumps(item), str(work), SETTINGS) for item in videos[::order]]
    plan = list(beam_steps.report_and_plan(rows, str(work), SETTINGS))
    return beam_steps.read_report(str(work)), [
        beam_steps.make_shard(shard, str(work)) for shard in plan[::order]
    ]


def plain_store(folder, store):
    report = []
    options = {"size": SETTINGS.size, "num_frames": SETTINGS.num_frames, "fps": SETTINGS.fps}
    parts = datasets.iter_folder(folder, **options, report=report)
    store.save_clips(store, parts, shard_bytes=SETTINGS.shard_bytes)
    return report


def contents(store):
    return {path.name: path.read_bytes() for path in store.iterdir()}


@pytest.mark.parametrize("order", [1, -1])
def test_the_store_is_that_of_the_plain_path_whatever_the_order_of_work(folder, tmp_path, order):
    report = plain_store(folder, tmp_path / "plain")
    rows, _ = run_steps(folder, tmp_path / "work", order)
    options = {"action_names": ("a b", "ü"), "rows": rows}
    beam_steps.finish_store(str(tmp_path / "store"), str(tmp_path / "work"), SETTINGS, **options)
    assert len(contents(tmp_path / "plain")) == 1 + 3  # 10 clips, 4 a shard
    assert contents(tmp_path / "store") == contents(tmp_path / "plain")
    assert [folders.FileReport(*row["report"]) for row in rows] == report
    assert not (tmp_path / "work").exists()


@given(
    counts=st.lists(st.integers(0, 9), max_size=12),
    room=st.integers(1, 12),
    record=st.integers(1, 5),
)
@settings(deadline=None)
def test_a_plan_takes_every_clip_once_in_order_and_fills_all_shards_but_the_last(counts, room, record):
    rows = [
        {"part": f"part-{k}", "clips": n, "num_bytes": n * record * (k + 1)} for k, n in enumerate(counts)
    ]
    plan = list(beam_steps.plan_shards(rows, beam_steps.Settings(1, 1, 1, 3 * room)))
    pieces = [piece for shard in plan for piece in shard["pieces"]]
    taken = [(part, byte) for part, first, last in pieces for byte in range(first, last)]
    assert taken == [(row["part"], byte) for row in rows for byte in range(row["num_bytes"])]
    assert [shard["num_clips"] for shard in plan[:-1]] == [room] * (len(plan) - 1)
    assert sum(shard["num_clips"] for shard in plan) == sum(counts)
    assert [shard["number"] for shard in plan] == list(range(len(plan)))


def test_what_is_done_is_not_done_again(folder, tmp_path, monkeypatch):
    rows = run_steps(folder, tmp_path / "work")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("work/*/*")}
    monkeypatch.setattr(folders, "iter_clips", None)  # calling it would fail
    assert run_steps(folder, tmp_path / "work") == rows
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("work/*/*")} == before


@pytest.mark.parametrize("what", ["part", "row", "shard", "changed video", "other settings"])
def test_what_is_torn_or_has_changed_is_done_again_and_nothing_else(folder, tmp_path, monkeypatch, what):
    rows, shard_rows = run_steps(folder, tmp_path / "work")
    read, real = [], folders.iter_clips
    monkeypatch.setattr(folders, "iter_clips", lambda path, **kw: read.append(path) or real(path, **kw))
    settings = SETTINGS
    if what == "part":
        os.truncate(rows[1]["part"], 100)
    elif what == "row":
        os.remove(rows[1]["part"].replace(".tfrecord", ".json"))
    elif what == "shard":
        (shard,) = tmp_path.glob("work/store-*/shard-00001.tfrecord")
        os.truncate(shard, 100)
    elif what == "changed video":
        odd_videos.encode(folder / "a b" / "2.mp4", odd_videos.moving_clip(12, 16, 16))
    else:
        settings = settings._replace(fps=5)
    monkeypatch.setattr("test_corpus.SETTINGS", settings)
    again, again_shards = run_steps(folder, tmp_path / "work")
    videos = {"shard": 0, "other settings": 4}.get(what, 1)
    assert len(read) == videos
    if what in ("part", "row", "shard"):
        assert (again, again_shards) == (rows, shard_rows)
        for shard, row in zip(sorted(tmp_path.glob("work/store-*/*")), shard_rows, strict=True):
            assert shard.stat().st_size == row["num_bytes"]
    else:
        assert sum(row["clips"] for row in again) < sum(row["clips"] for row in rows)


def test_a_full_disk_is_no_bad_video(folder, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vgcourse.storage.os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        run_steps(folder, tmp_path / "work")
    assert list(tmp_path.glob("work/*/.*")) == []  # no half file stays
    monkeypatch.undo()
    rows, _ = run_steps(folder, tmp_path / "work")
    assert [row["clips"] for row in rows] == [3, 5, 0, 2]


def test_a_video_that_breaks_off_gives_no_clips(folder, tmp_path, monkeypatch):
    def breaks(path, **options):
        yield from odd_videos.moving_clip(8, 8, 8)
        raise video.VideoError(f"{path}: damaged after 8 frames")

    monkeypatch.setattr(video, "iter_frames", breaks)
    monkeypatch.setattr(folders, "FRAMES_AT_ONCE", 4)  # clips come before the end
    rows, _ = run_steps(folder, tmp_path / "work")
    assert [row["report"][1:] for row in rows][0] == [
        "skipped",
        f"{folder / 'a b' / '1.mp4'}: damaged after 8 frames",
        0,
    ]
    assert list(tmp_path.glob("work/parts/*.tfrecord")) == []


def test_memory_does_not_grow_with_the_length_of_a_video(tmp_path, monkeypatch):
    """Peak of Python's and NumPy's memory while a part is written: 2,000 frames against 20,000."""
    frame = np.zeros((16, 16, 3), np.uint8)
    monkeypatch.setattr(folders, "FRAMES_AT_ONCE", 256)
    item = beam_steps.Video(0, "x.mp4", "x.mp4", "x.mp4", 0, None)
    peaks = []
    for length in (500, 2_000, 20_000):  # the first warms up
        monkeypatch.setattr(video, "iter_frames", lambda *a, n=length, **k: itertools.repeat(frame, n))
        tracemalloc.start()
        work = str(tmp_path / str(length))
        row = beam_steps.make_part(json.dumps(item), work, beam_steps.Settings(16, 4, 25))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert row["clips"] == length // 4
    assert peaks[2] < 1.1 * peaks[1]


def test_records_are_the_same_bytes_in_every_process_and_parse(folder, tmp_path):
    plain_store(folder, tmp_path / "store")
    clips = datasets.load_clips(tmp_path / "store")
    (first,) = tf.data.TFRecordDataset(str(tmp_path / "store" / "shard-00000.tfrecord")).take(1)
    assert first.numpy() == store.serialise(clips.clips[0], 0, -1, "a b/1.mp4")
    fields = [field.name for field in dataclasses.fields(clips)]
    assert "files" in fields
    assert clips.files[0] == "a b/1.mp4"
