"""A folder of videos: labels, order, cuts, bad files and bounded memory, on videos made here."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from unittest.mock import Mock

import av
import numpy as np
import odd_videos
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import assert_same, write_counting_video

from vgcourse import datasets, video
from vgcourse.datasets import clips_from_folder, folders, load_clips, save_clips
from vgcourse.files import NotWrittenError


def write_sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_subfolders_are_labels_and_frames_follow_each_other(tmp_path):
    write_counting_video(tmp_path / "Spaß & 走る" / "été 1.mp4")
    write_counting_video(tmp_path / "walk" / "deep" / "UPPER.MP4")
    write_counting_video(tmp_path / "top.mp4", 9)
    write_counting_video(tmp_path / "walk" / ".hidden.mp4")
    write_counting_video(tmp_path / ".trash" / "old.mp4")
    (tmp_path / "walk" / "notes.txt").write_text("not a video")
    clips, report = clips_from_folder(tmp_path, size=16, num_frames=8)
    assert clips.action_names == tuple(sorted(["Spaß & 走る", "walk", tmp_path.name]))
    labels = [clips.action_names[action] for action in clips.actions]
    assert labels == ["Spaß & 走る"] * 2 + [tmp_path.name] + ["walk"] * 2
    assert clips.clips.shape == (5, 8, 16, 16, 3)
    assert (clips.fps, clips.actors.tolist()) == (25.0, [-1] * 5)
    greys = clips.clips.mean(axis=(2, 3, 4))
    np.testing.assert_allclose(greys[:2].ravel(), 3 * np.arange(16), atol=3)
    assert [row[1:] for row in report] == [("read", "", 2, 0), ("read", "", 1, 0), ("read", "", 2, 0)]
    assert [os.path.basename(row.file) for row in report] == ["été 1.mp4", "top.mp4", "UPPER.MP4"]
    assert clips.files[-1] == os.path.join("walk", "deep", "UPPER.MP4")


def test_a_folder_without_subfolders_is_one_label(tmp_path):
    write_counting_video(tmp_path / "cats" / "a.mp4")
    clips, _ = clips_from_folder(tmp_path / "cats", size=8, num_frames=20)
    assert clips.action_names == ("cats",)


def test_fps_is_resampled(tmp_path):
    write_counting_video(tmp_path / "a.mp4", 50)
    clips, _ = clips_from_folder(tmp_path, size=8, num_frames=20, fps=10)
    assert (len(clips), clips.fps) == (1, 10.0)
    # At k / 10 s a player shows source frame floor(2.5 k).
    np.testing.assert_allclose(clips.clips.mean(axis=(2, 3, 4))[0], 3 * (np.arange(20) * 5 // 2), atol=3)


@pytest.fixture
def mixed_folder(tmp_path):
    """Two good videos among everything that can be wrong with one."""
    folder = tmp_path / "mixed"
    write_counting_video(folder / "good 1.mp4")
    write_counting_video(folder / "good 2.mp4")
    write_counting_video(folder / "short.mp4", 5)
    whole = (folder / "good 1.mp4").read_bytes()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("this is a letter, not a video\n" * 50)
    (folder / "directory.mp4").mkdir()
    (folder / "missing.mp4").symlink_to(folder / "gone.mp4")
    write_sound(folder / "sound.mp4")
    return folder


def test_bad_files_are_skipped_and_reported(mixed_folder):
    clips, report = clips_from_folder(mixed_folder, size=8, num_frames=10)
    assert clips.files == ("good 1.mp4",) * 2 + ("good 2.mp4",) * 2
    reasons = {row.file: row.reason for row in report if row.status == "skipped"}
    words = {
        "short.mp4": "expected 10 frames.*fewer",
        "truncated.mp4": "cut short",
        "empty.mp4": "empty",
        "text.mp4": "expected a video",
        "directory.mp4": "directory",
        "missing.mp4": "there is no",
        "sound.mp4": "sound only",
    }
    assert reasons.keys() == words.keys()
    for file, word in words.items():
        assert file in reasons[file]
        assert re.search(word, reasons[file]), reasons[file]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_no_text_can_be_saved(tmp_path):
    write_counting_video(tmp_path / "good.mp4")
    folder = os.fsencode(tmp_path / "videos") + b"/caf\xe9"
    os.makedirs(folder)
    os.rename(tmp_path / "good.mp4", folder + b"/\xff.mp4")
    with open(folder + b"/\xfe.mp4", "w"):
        pass
    clips, report = clips_from_folder(tmp_path / "videos", size=8, num_frames=20)
    assert (clips.action_names, clips.files) == (("caf?",), ("caf?/?.mp4",))
    assert sorted(row.status for row in report) == ["read", "skipped"]
    save_clips(tmp_path / "store", clips)
    assert_same(load_clips(tmp_path / "store"), clips)


def test_nothing_usable_lists_the_reasons(mixed_folder, tmp_path):
    for good in mixed_folder.glob("good*"):
        good.unlink()
    with pytest.raises(ValueError, match=r"(?s)7 unusable.*short\.mp4.*text\.mp4"):
        clips_from_folder(mixed_folder, size=8, num_frames=10)
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match=r"expected a path \(text\), received None"):
        clips_from_folder(None, size=8, num_frames=10)
    wrong = {"none": "received none", "nowhere": "no such folder", "mixed/short.mp4": "a file"}
    for folder, words in wrong.items():
        with pytest.raises(ValueError, match=words):
            clips_from_folder(tmp_path / folder, size=8, num_frames=10)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"size": True},
        {"num_frames": 0},
        {"num_frames": 2.5},
        {"fps": 0},
        {"fps": "10"},
        {"fps": 1e308},
        {"fps": 1000.5},
        {"num_frames": 10**30},
        {"fps": True},
    ],
)
def test_settings_are_checked_before_any_video_is_read(tmp_path, wrong):
    write_counting_video(tmp_path / "a.mp4")
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}: expected.*received"):
        clips_from_folder(tmp_path, **{"size": 8, "num_frames": 4, **wrong})


@pytest.mark.parametrize(
    "suffix", ["3gp", "3g2", "mts", "m2ts", "ts", "flv", "ogv", "vob", "asf", "mpe", "webp"]
)
def test_what_cameras_and_players_write_is_never_passed_over(tmp_path, suffix):
    """FFmpeg goes by the content, so that any content will do here."""
    write_counting_video(tmp_path / "video.mp4")
    os.rename(tmp_path / "video.mp4", tmp_path / f"video.{suffix.upper()}")
    (tmp_path / f"broken.{suffix}").write_text("this is no video\n" * 50)
    _, report = clips_from_folder(tmp_path, size=8, num_frames=4)
    assert [(row.file, row.status) for row in report] == [
        (f"broken.{suffix}", "skipped"),
        (f"video.{suffix.upper()}", "read"),
    ]


def test_a_label_without_a_usable_video_is_no_action(tmp_path):
    for label in "abc":
        write_counting_video(tmp_path / label / "video.mp4", 9)
    for name in ("a.mp4", "z.mp4"):
        (tmp_path / "b" / name).write_text("no video")
    os.remove(tmp_path / "b" / "video.mp4")
    clips, _ = clips_from_folder(tmp_path, size=8, num_frames=9)
    assert clips.action_names == ("a", "c")
    assert clips.actions.tolist() == [0, 1]
    # Streamed, the names are settled before all videos are read: a class without clips is none there, either.
    report = []
    parts = list(folders.iter_folder(tmp_path, size=8, num_frames=9, report=report))
    assert [part.action_names for part in parts] == [("a", "c")] * 2
    assert [int(part.actions[0]) for part in parts] == [0, 1]
    assert ["no clip shows 'b'" in row.reason for row in report] == [False, False, True, False]


def test_linked_folders_are_followed_but_never_in_a_circle(tmp_path):
    write_counting_video(tmp_path / "elsewhere" / "a.mp4")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "label").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere" / "back").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to(folder / "self")
    clips, report = clips_from_folder(folder, size=8, num_frames=20)
    assert (len(clips), len(report), clips.action_names) == (1, 1, ("label",))


@pytest.mark.parametrize("frames_at_once", [1024, 16, 7])
def test_no_clip_crosses_a_cut(tmp_path, monkeypatch, frames_at_once):
    monkeypatch.setattr(folders, "FRAMES_AT_ONCE", frames_at_once)
    lengths, levels = [23, 40, 9, 31], [20, 230, 90, 200]
    flicker = 3 * (np.arange(sum(lengths)) % 2)  # something changes: still clips would be left out
    write_counting_video(tmp_path / "film.mp4", shades=np.repeat(levels, lengths) + flicker)
    clips, report = clips_from_folder(tmp_path, size=16, num_frames=8)
    greys = clips.clips.mean(axis=(2, 3, 4))
    assert np.ptp(greys, axis=1).max() < 10
    counts = [int((abs(greys[:, 0] - level) < 10).sum()) for level in levels]
    assert counts == [2, 5, 1, 3] == [length // 8 for length in lengths]
    assert report[0].clips == 11


def test_long_videos_lose_no_frame_between_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "FRAMES_AT_ONCE", 10)
    write_counting_video(tmp_path / "long.mp4", 80)
    clips, _ = clips_from_folder(tmp_path, size=8, num_frames=16)
    np.testing.assert_allclose(clips.clips.mean(axis=(2, 3, 4)).ravel(), 3 * np.arange(80), atol=3)


FRAME = np.zeros((32, 32, 3), np.uint8)


@pytest.fixture
def long_video(tmp_path, monkeypatch):
    """A video of 2,000 frames of slowly growing grey, that is made while it is read; pieces are small."""
    monkeypatch.setattr(folders, "FRAMES_AT_ONCE", 64)
    monkeypatch.setattr(folders, "BYTES_AT_ONCE", 50 * FRAME.nbytes)

    def frames(path, **_):
        for k in range(2000):
            frame = FRAME + np.uint8(k // 100)
            frame[-1, -1] = k % 100  # something moves
            yield frame, 1

    monkeypatch.setattr(folders.video, "iter_shown", frames)
    (tmp_path / "long").mkdir()
    (tmp_path / "long" / "film.mp4").write_bytes(b"made while it is read")
    return tmp_path / "long"


def test_a_long_video_is_never_whole_in_memory(long_video):
    """Bytes are counted, in frames: of 2,000 no more than a few pieces of 64 live at the same time."""
    report, count = [], 0
    tracemalloc.start()
    try:
        for part in folders.iter_folder(long_video, size=32, num_frames=10, fps=25, report=report):
            assert part.clips[:, :, 0, 0, 0].ravel().tolist() == [
                k // 100 for k in range(10 * count, 10 * (count + len(part)))
            ]
            count += len(part)
            assert report == [("film.mp4", "read", "", 200, 0)]
        peak = tracemalloc.get_traced_memory()[1] / FRAME.nbytes
    finally:
        tracemalloc.stop()
    assert count == 200
    assert peak < 600  # what `find_cuts` computes with is among it


def test_a_long_video_in_pieces_is_one_video(long_video, tmp_path):
    clips, report = clips_from_folder(long_video, size=32, num_frames=10, fps=25)
    assert clips.files == ("film.mp4",) * 200
    assert report == [("film.mp4", "read", "", 200, 0)]
    assert clips.clips[:, :, 0, 0, 0].ravel().tolist() == [k // 100 for k in range(2000)]
    clips.clips[0] = 1  # an array of one's own


def test_a_video_that_breaks_off_late_is_skipped_as_a_whole(long_video, monkeypatch):
    whole = folders.video.iter_shown

    def breaks_off(path, **options):
        yield from whole(path, **options)
        raise video.VideoError(f"{path}: damaged after frame 1999")

    monkeypatch.setattr(folders.video, "iter_shown", breaks_off)
    report = []
    with pytest.raises(ValueError, match="received 1 unusable"):
        list(folders.iter_folder(long_video, size=32, num_frames=10, fps=25, report=report))
    [row] = report
    assert (row.status, row.clips) == ("skipped", 0)
    assert "damaged after frame 1999" in row.reason


def test_a_full_disk_is_no_fault_of_the_video(long_video, monkeypatch):
    class Full(folders.tempfile.SpooledTemporaryFile):
        def rollover(self):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders.tempfile, "SpooledTemporaryFile", Full)
    with pytest.raises(NotWrittenError, match="No space left on device"):
        list(folders.iter_folder(long_video, size=32, num_frames=10, fps=25, report=[]))


def test_few_videos_are_read_to_settle_the_labels(tmp_path, monkeypatch):
    for name in ("a/1", "a/2", "b/1", "b/2", "c/1"):
        write_counting_video(tmp_path / f"{name}.mp4", 9)
    videos, read = folders.find_videos(tmp_path, []), []
    assert folders.labels_with_clips(videos, lambda path, _: read.append(path)) == ("a", "b", "c")
    assert sorted(path.parent.name for path in read) == ["a", "b", "c"]


def test_a_folder_becomes_a_store_without_being_held_in_memory(mixed_folder, tmp_path):
    report = []
    save_clips(tmp_path / "store", datasets.iter_folder(mixed_folder, size=8, num_frames=10, report=report))
    clips, expected_report = clips_from_folder(mixed_folder, size=8, num_frames=10)
    assert_same(load_clips(tmp_path / "store"), clips)
    assert report == expected_report


# ---- nothing moves ---------------------------------------------------------------------------------------


@given(
    runs=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 120)), max_size=8),
    num_frames=st.integers(1, 7),
    at_once=st.integers(1, 64),
)
def test_clips_of_equal_frames_are_left_out_and_the_others_stay_as_they_are(runs, num_frames, at_once):
    """The greys are too close for a cut, so that plain slices of the whole video are the oracle."""
    greys = [grey for grey, length in runs for _ in range(length)]
    slices = [greys[k : k + num_frames] for k in range(0, len(greys) - num_frames + 1, num_frames)]
    moving = [clip for clip in slices if num_frames == 1 or len(set(clip)) > 1]
    reading, frames = folders.Reading(), [np.full((4, 4, 3), grey, np.uint8) for grey in range(10)]
    if num_frames == 1:
        shown = [(frames[grey], 1) for grey in greys]
    else:  # equal frames come in one or in several
        shown = [
            (frames[grey], some) for grey, length in runs for some in (length // 3, length - length // 3)
        ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders, "FRAMES_AT_ONCE", at_once)
        clips = list(folders.split_into_clips(shown, num_frames, reading))
    assert [clip[:, 0, 0, 0].tolist() for clip in clips] == moving
    assert reading.still == len(slices) - len(moving)


def test_one_changed_pixel_in_one_frame_makes_a_clip():
    for place in range(8):
        frames = np.zeros((8, 6, 6, 3), np.uint8)
        frames[place, 5, 5, 2] = 1
        [clip] = folders.split_into_clips(((frame, 1) for frame in frames), 8, folders.Reading())
        np.testing.assert_array_equal(clip, frames)


def test_a_slow_clock_repeats_frames_for_hours_and_gives_the_clips_that_change(tmp_path):
    """Frames at 0 s, 603 s and 1,206 s: at 10 a second, frame 6030 is in the middle of a clip of 20."""
    shown = odd_videos.numbered_clip(3, 16, 16)
    odd_videos.encode(tmp_path / "slow.mkv", shown, codec="ffv1", times=[0, 603_000, 1_206_000])
    tracemalloc.start()
    clips, report = clips_from_folder(tmp_path, size=16, num_frames=20, fps=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert odd_videos.frame_numbers(clips.clips[0]) == [0] * 10 + [1] * 10
    assert [tuple(row) for row in report] == [("slow.mkv", "read", "", 1, 602)]  # of 12,060 frames
    assert peak < 3_000 * shown[0].nbytes


@pytest.mark.parametrize("num_frames", [1, 4])
def test_a_clock_of_years_takes_no_time_for_each_repeat(num_frames):
    """10^12 repeats could not be looped over; what is left out are whole clips."""
    frames, reading = np.arange(2, dtype=np.uint8), folders.Reading()
    shown = [(np.full((4, 4, 3), grey, np.uint8), 10**12 + 1) for grey in frames]
    clips = list(folders.split_into_clips(shown, num_frames, reading))
    changing = [clip for clip in clips if clip.min() < clip.max()]
    if num_frames == 4:
        [clip] = clips
        assert clip[:, 0, 0, 0].tolist() == [0, 1, 1, 1]
    assert len(changing) == (num_frames == 4)
    assert len(clips) < 100
    assert len(clips) + reading.still == (2 * 10**12 + 2) // num_frames


def test_a_video_in_which_nothing_moves_is_skipped_and_counted(tmp_path):
    write_counting_video(tmp_path / "a" / "still.mp4", shades=[90] * 23)
    write_counting_video(tmp_path / "b" / "moving.mp4", 8)
    clips, report = clips_from_folder(tmp_path, size=8, num_frames=4)
    assert [(row.status, row.clips, row.still) for row in report] == [("skipped", 0, 5), ("read", 2, 0)]
    assert "still.mp4: expected frames that change, received 5 clips of equal ones" in report[0].reason
    assert clips.action_names == ("b",)


# ---- what cannot be read ---------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), FileNotFoundError(2, "No such")])
@pytest.mark.parametrize("method", ["iterdir", "is_dir"])
def test_a_subfolder_that_cannot_be_read_is_reported_and_the_others_are_read(
    tmp_path, monkeypatch, method, error
):
    for label in ("a", "b", "c"):
        write_counting_video(tmp_path / label / "video.mp4", 8)
    real = getattr(Path, method)

    def fails(path, *arguments, **options):
        if path.name == "b":
            raise error
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, method, fails)
    clips, report = clips_from_folder(tmp_path, size=8, num_frames=8)
    assert clips.action_names == ("a", "c")
    assert [(row.file, row.status) for row in report[1:]] == [
        (os.path.join("a", "video.mp4"), "read"),
        (os.path.join("c", "video.mp4"), "read"),
    ]
    assert (report[0].file, report[0].status) == ("b", "skipped")
    assert re.search(f"b: cannot be read: .*{error.strerror}", report[0].reason)


def test_a_folder_that_cannot_be_read_at_all_is_one_error(tmp_path, monkeypatch):
    def fails(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", fails)
    with pytest.raises(ValueError, match=f"{tmp_path.name}: cannot be read: .*Permission denied"):
        clips_from_folder(tmp_path, size=8, num_frames=8)


def test_a_video_that_takes_too_much_memory_is_skipped_alone(tmp_path, monkeypatch):
    for label in ("a", "b"):
        write_counting_video(tmp_path / label / "video.mp4", 8)
    real = video.iter_shown

    def needs_much(path, **options):
        yield from real(path, **options)
        if path.parent.name == "a":
            raise MemoryError

    monkeypatch.setattr(folders.video, "iter_shown", needs_much)
    clips, report = clips_from_folder(tmp_path, size=8, num_frames=8)
    assert clips.action_names == ("b",)
    assert [row.status for row in report] == ["skipped", "read"]
    assert re.search("video.mp4: takes more memory than there is", report[0].reason)


def test_a_damaged_video_is_skipped_or_kept_as_told(tmp_path):
    write_counting_video(tmp_path / "good.mp4", 20)
    write_counting_video(tmp_path / "torn.mp4", 60)
    content = bytearray((tmp_path / "torn.mp4").read_bytes())
    place = len(content) * 3 // 10
    content[place : place + 20] = bytes(20)
    (tmp_path / "torn.mp4").write_bytes(content)
    with pytest.raises(video.VideoError) as error:
        video.read_clip(tmp_path / "torn.mp4")
    good_frames = int(re.search("could decode ([0-9]+) frames", str(error.value)).group(1))
    assert 0 < good_frames < 60
    for fps in (None, 25):
        clips, report = clips_from_folder(tmp_path, size=8, num_frames=4, fps=fps)
        assert set(clips.files) == {"good.mp4"}
        assert f"could decode {good_frames} frames" in report[1].reason
        clips, report = clips_from_folder(tmp_path, size=8, num_frames=4, fps=fps, keep_damaged=True)
        kept = clips.clips[[file == "torn.mp4" for file in clips.files]]
        assert (report[1].status, report[1].clips) == ("read", len(kept))
        before = good_frames // 4
        greys = kept[:before].mean(axis=(2, 3, 4)).ravel()
        np.testing.assert_allclose(greys, 3 * np.arange(4 * before), atol=3)


def test_a_label_too_long_for_file_names_is_skipped_and_reported(tmp_path):
    fits, too_long, two_bytes = "f" * 200, "l" * 201, "ü" * 101
    for label in (fits, too_long, two_bytes):
        write_counting_video(tmp_path / label / "video.mp4", 8)
    clips, report = clips_from_folder(tmp_path, size=8, num_frames=8)
    assert clips.action_names == (fits,)
    rows = {row.file.split(os.sep)[0]: row for row in report}
    assert rows[fits].status == "read"
    for label, length in ((too_long, 201), (two_bytes, 202)):
        assert rows[label].status == "skipped"
        assert re.search(f"label of at most 200 bytes.*received {length} bytes.*rename", rows[label].reason)
    (tmp_path / fits / "video.mp4").unlink()
    with pytest.raises(ValueError, match="expected videos.*received none that can be used"):
        clips_from_folder(tmp_path, size=8, num_frames=8)


# ---- stopped in the middle -------------------------------------------------------------------------------


def endless(path, **options):
    """Frames without end, all different."""
    k = 0
    while True:
        yield np.full((8, 8, 3), k % 200, np.uint8), 1
        k += 1


def test_whoever_stops_ends_the_threads_between_two_frames(tmp_path, monkeypatch):
    for name in "abcdefgh":
        write_counting_video(tmp_path / f"{name}.mp4", 8)
    real = video.iter_shown
    monkeypatch.setattr(
        folders.video,
        "iter_shown",
        lambda path, **options: (real if path.name == "a.mp4" else endless)(path, **options),
    )
    before = threading.active_count()
    parts = folders.iter_folder(tmp_path, size=8, num_frames=8, report=[])
    assert next(parts).files == ("a.mp4",)
    parts.close()  # returns once all threads have ended
    assert threading.active_count() == before
    parts = folders.iter_folder(tmp_path, size=8, num_frames=8, report=[])
    monkeypatch.setattr("vgcourse.datasets.store.check_same_kind", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        save_clips(tmp_path / "store", parts)
    assert threading.active_count() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.mp4" for name in "abcdefgh"]


def test_unusable_videos_are_not_all_looked_at_once_somebody_stops(tmp_path, monkeypatch):
    looked_at, both = [], threading.Event()

    def first_clip(item, reading):
        looked_at.append(item)
        if len(looked_at) > 1:
            both.set()
        reading.stop.wait(60)
        raise ValueError("unusable")

    def stops(futures, **options):
        assert both.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(folders.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(folders, "_result_of_first", stops)
    videos = [(number, "ab"[number % 2]) for number in range(1000)]
    with pytest.raises(KeyboardInterrupt):
        folders.labels_with_clips(videos, first_clip)
    assert len(looked_at) < 10


def test_a_thread_that_is_long_within_one_frame_is_left_behind(monkeypatch):
    monkeypatch.setattr(folders, "PATIENCE", 0.01)
    begun, go_on, before = threading.Event(), threading.Event(), threading.enumerate()

    def decodes(item, stop):
        if not item:
            begun.set()
        return item or go_on.wait(60)

    results = folders._in_parallel(decodes, [1, 0])
    assert next(results) == 1
    begun.wait(60)
    try:
        results.close()  # comes back
        left = [thread for thread in threading.enumerate() if thread not in before]
        assert left
    finally:
        go_on.set()
    for thread in left:
        thread.join(60)


INTERRUPTED = """
import sys
from vgcourse import __main__, video
import test_folders
real = video.iter_shown
def frames(path, **options):
    shown = test_folders.endless(path) if path.name.startswith("x") else real(path, **options)
    for number, pair in enumerate(shown):
        if number == 3:
            print("reading", flush=True)
        yield pair
video.iter_shown = frames
sys.argv = ["vgcourse", "prepare", *sys.argv[1:]]
__main__.program()
"""


def delays_of(pid):
    """Seconds that each thread of a process was ready to run and had no processor; of Linux alone."""
    found = {}
    for path in Path("/proc", str(pid), "task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            found[path.parent.name] = int(path.read_text().split()[1]) / 1e9
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
@pytest.mark.parametrize("kind", ["long", "x-endless"])
def test_ctrl_c_ends_prepare_and_leaves_nothing_behind(tmp_path, kind):
    """Within two seconds, of the processor and by the clock, but for the time that the system let it wait."""
    write_counting_video(tmp_path / "videos" / "0.mp4", 3000 if kind == "long" else 8)
    for number in range(40):
        os.link(tmp_path / "videos" / "0.mp4", tmp_path / "videos" / f"{kind}{number}.mp4")
    (tmp_path / "tmp").mkdir()
    paths = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    environment = os.environ | {"TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": paths}
    job = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, tmp_path / "videos", tmp_path / "store"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert job.stdout.readline() == b"reading\n"
        time.sleep(0.5)
        process = psutil.Process(job.pid)
        before = worked = sum(process.cpu_times()[:2])
        delayed, delays = delays_of(job.pid), {}
        job.send_signal(signal.SIGINT)
        begun = time.monotonic()
        while job.poll() is None and time.monotonic() < begun + 120:
            with contextlib.suppress(psutil.Error):
                worked = max(worked, sum(process.cpu_times()[:2]))
                delays |= delays_of(job.pid)
            time.sleep(0.01)
        elapsed = time.monotonic() - begun
    finally:
        job.kill()
        job.communicate()
    assert job.returncode == 130
    assert worked - before < 2
    assert elapsed - sum(delays[thread] - delayed.get(thread, 0) for thread in delays) < 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tmp", "videos"]
    assert list((tmp_path / "tmp").iterdir()) == []


LONG = """
import resource, sys
from pathlib import Path
from vgcourse import datasets
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = []
shares = datasets.iter_folder(sys.argv[1], size=128, num_frames=16, fps=25, report=report)
print(sum(len(part) for part in shares))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="kilobytes there, bytes elsewhere")
def test_six_minutes_take_no_more_memory_than_a_minute(tmp_path):
    (tmp_path / "videos").mkdir()
    with av.open(str(tmp_path / "videos" / "long.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 128
        y = np.arange(128, dtype=np.uint8)[:, None, None]
        for k in range(9000):  # 440 MB as frames
            picture = np.broadcast_to(y + np.uint8(k % 100), (128, 128, 3))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")))
        container.mux(stream.encode())
    command = [sys.executable, "-c", LONG, tmp_path / "videos"]
    clips, kilobytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert 500 < int(clips) <= 9000 // 16
    assert int(kilobytes) < 300_000
