"""vgcourse.video.timeline: which frame is shown when, by the file's times and by the reader's wishes."""

import itertools
import math
import tracemalloc
from fractions import Fraction

import av
import numpy as np
import odd_videos
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_videos import encode, frame_numbers, numbered_clip

from vgcourse import video
from vgcourse.video import decode


def test_variable_frame_rate_is_resampled_by_timestamps(tmp_path):
    path = tmp_path / "vfr.mkv"
    encode(path, numbered_clip(6), codec="ffv1", times=[0, 100, 200, 600, 700, 1500])
    assert frame_numbers(video.read_clip(path)) == [0, 1, 2, 3, 4, 5]
    at_10 = frame_numbers(video.read_clip(path, fps=10))
    assert at_10[:16] == [0, 1, 2, 2, 2, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5]
    assert frame_numbers(video.read_clip(path, fps=4, num_frames=7)) == [0, 2, 2, 4, 4, 4, 5]
    assert frame_numbers(video.read_clip(path, fps=10, start=0.6, num_frames=3)) == [3, 4, 4]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "avi", "webm", "ts", "gif"])
@pytest.mark.parametrize("rate", [24, 25, 30])
def test_resampling_to_the_own_rate_changes_nothing(tmp_path, suffix, rate):
    codecs = {"webm": "libvpx-vp9", "avi": "mpeg4", "ts": "mpeg2video", "gif": "gif"}
    if suffix == "ts" and rate == 24:
        rate = 50
    path = tmp_path / f"clip.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codecs.get(suffix, "libx264"), rate=rate)
        stream.height = stream.width = 32
        stream.pix_fmt = "rgb8" if suffix == "gif" else "yuv420p"
        for array in numbered_clip(20, 32, 32):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        container.mux(stream.encode())
    own = video.read_clip(path)
    assert len(own) == 20
    np.testing.assert_array_equal(video.read_clip(path, fps=rate), own)
    half = video.read_clip(path, fps=rate / 2)
    np.testing.assert_array_equal(half, own[::2])
    np.testing.assert_array_equal(video.read_clip(path, fps=2 * rate), np.repeat(own, 2, axis=0))


@pytest.mark.parametrize("order", [[1, 0, 3, 2, 5, 4], [3, 0, 1, 2, 5, 4], [5, 4, 3, 2, 1, 0]])
def test_the_order_is_the_decoders_not_that_of_the_containers_times(tmp_path, order):
    """As when a clock steps back: the ffmpeg command shows frames as the decoder gives them, too."""
    path = odd_videos.with_shuffled_timestamps(tmp_path / "unordered.mkv", numbered_clip(6), order)
    assert frame_numbers(video.read_clip(path)) == list(range(6))


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"bf": "7", "b_strategy": "0", "sc_threshold": "0"}),
        ("mpeg4", {"bf": "2", "qmax": "2"}),
    ],
)
@pytest.mark.parametrize("suffix", ["avi", "asf"])
def test_times_that_ffmpeg_guesses_do_not_change_the_order(tmp_path, codec, options, suffix):
    """AVI and ASF say when to decode a frame, not when to show it; copies have what FFmpeg guesses."""
    clip, settings = numbered_clip(28), {"options": options, "time_base": Fraction(1, 25)}
    source = encode(tmp_path / f"b.{suffix}", clip, codec=codec, pix_fmt="yuv420p", settings=settings)
    for path in (source, *(odd_videos.remux(source, tmp_path / f"copy.{copy}") for copy in ("mkv", "mp4"))):
        assert frame_numbers(video.read_clip(path)) == list(range(28))
        assert frame_numbers(video.read_clip(path, fps=25)) == list(range(28))
        assert frame_numbers(video.read_clip(path, fps=12.5)) == list(range(0, 28, 2))
        assert frame_numbers(video.read_clip(path, start=0.8)) == list(range(20, 28))
        assert (video.probe(path).num_frames, video.probe(path).duration) == (28, pytest.approx(1.12))


@pytest.mark.parametrize("suffix", ["ts", "avi", "mkv", "mp4", "mov", "flv"])
@pytest.mark.parametrize(
    "options", [{"g": "60", "bf": "3"}, {"x264-params": "open-gop=1:keyint=30:bframes=3"}]
)
def test_a_start_gives_what_a_read_from_the_beginning_gives_there(tmp_path, suffix, options):
    clip, settings = (
        np.concatenate([numbered_clip(25)] * 5),
        {"options": options, "time_base": Fraction(1, 25)},
    )
    path = encode(tmp_path / f"long.{suffix}", clip, pix_fmt="yuv420p", settings=settings)
    whole = video.read_clip(path)
    assert len(whole) == 125
    for start in (1.04, 1.5, 2.4, 2.41, 3.2, 4.88):
        np.testing.assert_array_equal(
            video.read_clip(path, start=start), whole[math.ceil(start * 25 - 1e-6) :]
        )
        shown = video.read_clip(path, start=start, fps=25, num_frames=1)[0]
        np.testing.assert_array_equal(shown, whole[math.floor(start * 25 + 1e-6)])


def test_a_start_in_recordings_put_together(tmp_path):
    """The clock begins anew: no jump by time can find the place."""
    order = [*range(500, 520), *range(80)]
    clip = np.concatenate([numbered_clip(25)] * 4)
    path = odd_videos.with_shuffled_timestamps(tmp_path / "both.mkv", clip, order)
    assert frame_numbers(video.read_clip(path, start=2)) == [k % 25 for k in range(50, 100)]


def test_a_start_where_every_frame_claims_to_be_a_key_frame(tmp_path):
    parameters = "keyint=40:min-keyint=40:scenecut=0:bframes=0:log-level=none"
    clip = np.concatenate([numbered_clip(25, 64, 64)] * 4)
    settings = {"options": {"crf": "4", "x265-params": parameters}}
    source = encode(tmp_path / "one.mkv", clip, codec="libx265", pix_fmt="yuv420p", settings=settings)
    path = odd_videos.remux(source, tmp_path / "all.mp4", are_keys=True)
    assert all(packet.is_keyframe for packet in odd_videos.packets(path))
    whole = video.read_clip(path)
    for start in (1.2, 1.56, 3.0, 3.8):
        np.testing.assert_array_equal(video.read_clip(path, start=start), whole[round(25 * start) :])


def test_few_frames_are_decoded_before_a_late_start(tmp_path, monkeypatch):
    clip = np.concatenate([numbered_clip(25)] * 8)
    path = encode(tmp_path / "long.mp4", clip, settings={"options": {"g": "25"}})
    counts, decoded = [], decode.decoded
    monkeypatch.setattr(decode, "decoded", lambda *a, **k: (counts.append(1) or f for f in decoded(*a, **k)))
    assert frame_numbers(video.read_clip(path, start=7, num_frames=1)) == [0]
    assert len(counts) < 75


def test_frames_shown_again_are_copies(tmp_path):
    path = encode(tmp_path / "clip.mkv", numbered_clip(2), codec="ffv1")
    first, again, *_ = video.iter_frames(path, fps=50)
    first[:] = 0
    assert frame_numbers(again[None]) == [0]


def test_a_slow_clock_repeats_frames_without_storing_them(tmp_path):
    times = [0, 3_000_000, 6_000_000]  # a frame every 50 minutes
    path = encode(tmp_path / "slow.mp4", numbered_clip(3, 64, 64), times=times)
    assert frame_numbers(video.read_clip(path)) == [0, 1, 2]
    tracemalloc.start()
    frames = video.iter_frames(path, fps=25)
    assert {frame_numbers(frame[None])[0] for frame in itertools.islice(frames, 5000)} == {0}
    assert tracemalloc.get_traced_memory()[1] < 2e6  # 61 MB in all
    tracemalloc.stop()
    assert len(video.read_clip(path, fps=0.01)) in (
        81,
        90,
    )  # older FFmpeg does not say how long the last stays


@pytest.mark.parametrize("suffix", ["ts", "mp4", "mkv"])
def test_two_fields_are_one_frame(tmp_path, suffix):
    (tmp_path / "fields.h264").write_bytes(odd_videos.field_coded_h264([20 + 8 * k for k in range(20)]))
    path = odd_videos.from_annex_b(tmp_path / f"fields.{suffix}", tmp_path / "fields.h264", rate=50)
    assert len(odd_videos.packets(path)) == 40
    info = video.probe(path)
    assert (info.num_frames, info.fps, info.height) == (20, pytest.approx(25, rel=0.03), 32)
    assert info.duration == pytest.approx(0.8, abs=0.003)
    assert len(video.read_clip(path)) == len(video.read_clip(path, fps=25)) == 20
    assert np.diff(video.read_clip(path)[:, 8, 8, 0].astype(int)).min() > 0


def test_recordings_put_together_start_their_clock_anew(tmp_path):
    order = [*range(100, 110), *range(10)]  # in units of 40 ms
    path = odd_videos.with_shuffled_timestamps(tmp_path / "both.mkv", numbered_clip(20), order)
    assert frame_numbers(video.read_clip(path)) == list(range(20))
    assert frame_numbers(video.read_clip(path, fps=25)) == list(range(20))


def test_a_timestamp_far_off_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "jump.mkv"
    times = [0, 40, 80, 2**31, 2**31 + 40]  # 24 days later
    encode(path, numbered_clip(5), codec="ffv1", times=times)
    assert frame_numbers(video.read_clip(path, fps=25)) == [0, 1, 2, 3, 4]


def _hard_to_measure(kind, folder):
    """(a video of 25 frames a second, how many of its frames a player shows)."""
    clip = numbered_clip(25, 32, 48)
    if kind == "edit list":
        return odd_videos.with_edit(folder / "cut.mp4", clip, 5, 20), 15
    if kind == "sound goes on":
        return odd_videos.with_streams(folder / "sound.mkv", [clip], seconds_of_sound=4), 25
    if kind == "starts late":
        return encode(folder / "late.mkv", clip, times=[5000 + 40 * k for k in range(25)]), 25
    if kind == "fine clock":
        return encode(folder / "fine.avi", clip, codec="mpeg4", pix_fmt="yuv420p"), 25
    if kind == "joined":
        order = [*range(100, 110), *range(15)]
        return odd_videos.with_shuffled_timestamps(folder / "joined.mkv", clip, order), 25
    suffix, codec = {"MPEG-PS": ("mpg", "mpeg2video"), "MPEG-TS": ("ts", "libx264")}.get(
        kind, ("mkv", "libx264")
    )
    path = folder / f"whole.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": "10", "bf": "2", "sc_threshold": "0"})
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for array in np.concatenate([clip, clip, clip, clip]):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        container.mux(stream.encode())
    if kind != "starts without a key frame":
        return path, 100
    return odd_videos.without_its_first_packets(folder / "copy.mkv", path, 3), 90


@pytest.mark.parametrize(
    "kind",
    [
        "edit list",
        "sound goes on",
        "starts late",
        "fine clock",
        "joined",
        "MPEG-PS",
        "MPEG-TS",
        "starts without a key frame",
    ],
)
def test_probe_and_read_clip_agree(tmp_path, kind):
    if kind == "starts without a key frame" and odd_videos.OLD_PYAV:
        pytest.skip("older PyAV copies no stream that can be read again")
    path, shown = _hard_to_measure(kind, tmp_path)
    info = video.probe(path)
    assert (info.num_frames, info.fps) == (shown, 25)
    assert info.duration == pytest.approx(shown / 25, abs=0.002)
    assert len(video.read_clip(path)) == shown
    assert len(video.read_clip(path, fps=25)) == shown


@pytest.mark.parametrize("options", [{}, {"bf": "3", "g": "250"}, {"bf": "0", "g": "5"}])
def test_start_jumps_to_the_right_frame(tmp_path, options):
    clip = np.concatenate([numbered_clip(25)] * 4)
    path = encode(tmp_path / "long.mp4", clip, settings={"options": {"crf": "1", **options}})
    for start in (0.04, 0.5, 1.0, 1.04, 2.0, 2.48, 3.0, 3.96):
        at_or_after, on_show = math.ceil(round(start * 25, 6)), math.floor(round(start * 25, 6))
        received = frame_numbers(video.read_clip(path, start=start))
        assert received == [k % 25 for k in range(at_or_after, 100)]
        received = frame_numbers(video.read_clip(path, start=start, fps=25, num_frames=1))
        assert received == [on_show % 25]


@settings(max_examples=40, deadline=None)
@given(
    gaps=st.lists(st.integers(5, 400), min_size=2, max_size=12),
    fps=st.sampled_from([1, 7.5, 10, 24, 29.97, 60]),
    start=st.sampled_from([0, 0.1, 0.3]),
)
def test_resampling_is_what_a_player_shows(tmp_path_factory, gaps, fps, start):
    times = np.concatenate([[0], np.cumsum(gaps)])
    path = tmp_path_factory.mktemp("vfr") / "vfr.mkv"
    encode(path, numbered_clip(len(times)), codec="ffv1", times=times.tolist())
    try:
        received = frame_numbers(video.read_clip(path, fps=fps, start=start))
    except video.VideoError:
        assert start * 1000 >= times[-1]
        return
    wanted = 1000 * (start + np.arange(len(received)) / fps)
    expected = np.searchsorted(times, wanted + 0.5, side="right") - 1  # the file counts in whole ms
    close = np.abs(times[:, None] - wanted - 0.5).min(axis=0) < 0.01  # on the edge of rounding: either
    np.testing.assert_array_equal(np.array(received)[~close], expected[~close])
    assert wanted[-1] + 1000 / fps >= times[-1]  # the last frame is reached


def test_iter_frames_needs_constant_memory(tmp_path):
    resource = pytest.importorskip("resource")
    path = odd_videos.long_video(tmp_path / "long.mp4", 6000)  # four minutes; 74 MB decoded
    tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = sum(1 for _ in video.iter_frames(path))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # kB; the whole process
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 6000
    assert peak < 2e6
    assert grown < 20_000
    with av.open(str(path)) as container:  # and a jump lands on the very frame that decoding all meets
        expected = next(f for f in container.decode(video=0) if f.time >= 200).to_ndarray(format="rgb24")
    np.testing.assert_array_equal(video.read_clip(path, start=200, num_frames=1)[0], expected)
