"""vgcourse.video reads as the `ffmpeg` command does, in a matrix of containers, codecs and oddities.

Of each made file: the frames, their order and number, colours, the way up, `start=`, `fps=` and `probe`. Left
half and right half of a frame together say its number, far enough apart for any codec.
"""

import functools
import shutil
import subprocess
from dataclasses import dataclass

import numpy as np
import pytest
from odd_videos import field_coded_h264, remux

from vgcourse import video

FFMPEG = shutil.which("ffmpeg")
pytestmark = pytest.mark.skipif(FFMPEG is None, reason="compares with the ffmpeg command: there is none here")

HEIGHT, WIDTH, NUM_FRAMES, FPS = 48, 64, 44, 25  # smaller ones make x265 crash
H264, MPEG4, MPEG2 = "-c:v libx264 -crf 4 -threads 1", "-c:v mpeg4 -q:v 2", "-c:v mpeg2video -q:v 2"
HEVC = "-c:v libx265 -crf 4 -x265-params log-level=error:pools=none:frame-threads=1"
ENCODERS = {
    "h264": H264,
    "hevc": HEVC,
    "mpeg4": MPEG4,
    "mpeg4b": f"{MPEG4} -bf 2 -g 8",
    "mpeg2": MPEG2,
    "mpeg2b": f"{MPEG2} -bf 2 -g 8",
    "mpeg1": "-c:v mpeg1video -q:v 2 -bf 2 -g 8",
    "msmpeg4": "-c:v msmpeg4 -q:v 2",
    "wmv1": "-c:v wmv1 -q:v 2",
    "wmv2": "-c:v wmv2 -q:v 2",
    "flv1": "-c:v flv1 -q:v 2",
    "mjpeg": "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p",
    "vp8": "-c:v libvpx -b:v 1M -cpu-used 8 -deadline realtime",
    "vp8hidden": "-c:v libvpx -b:v 1M -auto-alt-ref 1 -lag-in-frames 12 -arnr-maxframes 5",
    "vp9": "-c:v libvpx-vp9 -b:v 1M -cpu-used 8 -deadline realtime",
    "vp9hidden": "-c:v libvpx-vp9 -b:v 1M -cpu-used 5 -auto-alt-ref 1 -lag-in-frames 12",
    "av1": "-c:v libaom-av1 -crf 20 -cpu-used 8 -threads 1",
    "theora": "-c:v libtheora -q:v 10",
    "ffv1": "-c:v ffv1 -g 5",
    "huffyuv": "-c:v huffyuv -pix_fmt yuv422p",
    "prores": "-c:v prores_ks -pix_fmt yuv422p10le",
    "png": "-c:v png -pix_fmt rgb24",
    "qtrle": "-c:v qtrle -pix_fmt rgb24",
    "rawvideo": "-c:v rawvideo -pix_fmt bgr24",
    "gif": "-c:v gif -pix_fmt rgb8",
    "apng": "-c:v apng -pix_fmt rgb24",
    "cinepak": "-c:v cinepak -pix_fmt rgb24",
}
CARRIES = {
    "mp4": "h264 hevc mpeg4 mpeg4b mpeg2b mjpeg av1 vp9 vp9hidden",
    "mov": "h264 hevc mpeg4b mjpeg prores png qtrle",
    "mkv": "h264 hevc mpeg4b mpeg2b mpeg1 msmpeg4 wmv2 mjpeg vp8 vp8hidden vp9 av1 theora ffv1 huffyuv",
    "webm": "vp8 vp8hidden vp9 vp9hidden av1",
    "avi": "h264 mpeg4 mpeg4b mpeg2b msmpeg4 mjpeg ffv1 huffyuv rawvideo cinepak png vp8",
    "ts": "h264 hevc mpeg4b mpeg2 mpeg2b mpeg1",
    "m2ts": "h264 hevc mpeg2b",
    "mts": "h264",
    "mpg": "mpeg1 mpeg2 mpeg2b h264",
    "vob": "mpeg2b",
    "asf": "h264 mpeg4b msmpeg4 wmv1 wmv2 mjpeg",
    "wmv": "wmv1 wmv2 h264",
    "flv": "h264 flv1",
    "3gp": "h264 mpeg4",
    "f4v": "h264",
    "gif": "gif",
    "apng": "apng",
    "ogv": "theora",
    "nut": "h264 mpeg4b ffv1",
    "mxf": "mpeg2b",
    "h264": "h264",
    "hevc": "hevc",
    "m4v": "mpeg4b",
    "m2v": "mpeg2b",
    "ivf": "vp8 vp9 av1",
}


@dataclass(frozen=True)
class Case:
    """How a file is made, and what is in it; times in seconds, None for 25 a second."""

    name: str
    suffix: str
    encode: str
    times: tuple = None
    before: str = ""  # options of ffmpeg before the input
    again: str = ""  # options of a second run that copies what the first (in `by`) has made
    by: str = "mkv"
    step: object = None  # a function (source, target) after that
    stream: int = 0
    shown: range = range(NUM_FRAMES)


def cases():
    for suffix, codecs in CARRIES.items():
        for codec in codecs.split():
            yield Case(f"{codec} in {suffix}", suffix, ENCODERS[codec])
    gops = {
        "no B": "-bf 0 -g 12",
        "key frames only": "-g 1",
        "short GOP": "-g 5 -bf 2",
        "long GOP": "-g 250 -bf 4 -b_strategy 0",
        "pyramid": "-g 20 -bf 7 -b_strategy 0 -sc_threshold 0 -x264-params b-pyramid=normal",
        "open GOP": "-g 10 -bf 3 -b_strategy 0 -sc_threshold 0 -x264-params open-gop=1",
        "intra refresh": "-g 20 -bf 0 -x264-params intra-refresh=1",
    }
    for suffix in ("mp4", "mkv", "avi", "ts", "m2ts", "asf", "flv", "mov", "mpg"):
        for name, options in gops.items():
            yield Case(f"H.264, {name}, in {suffix}", suffix, f"{H264} {options}")
    pyramid = f"{H264} {gops['pyramid']}"
    for source in ("avi", "asf"):
        for suffix in ("mkv", "mp4", "mov", "flv", "ts"):
            for name, options in (("H.264", pyramid), ("MPEG-4", f"{MPEG4} -bf 2 -g 8")):
                if name == "H.264" or suffix not in ("flv", "ts"):  # which cannot carry it, or not its header
                    yield Case(f"{name} from {source} in {suffix}", suffix, options, by=source, step=remux)
    for suffix in ("mp4", "mkv", "ts"):
        for name, options in (("open", "open-gop=1"), ("closed", "open-gop=0")):
            gop = f"keyint=10:min-keyint=10:scenecut=0:bframes=4:{options}"
            yield Case(f"HEVC, {name} GOP, in {suffix}", suffix, f"{HEVC}:{gop}")
    vfr = tuple(np.cumsum([0] + [0.04, 0.12, 0.04, 0.2] * 10 + [0.04] * 3).round(6).tolist())
    for suffix, codec in (
        ("mp4", "h264"),
        ("mkv", "h264"),
        ("mov", "mpeg4b"),
        ("webm", "vp9"),
        ("ts", "h264"),
    ):
        yield Case(f"VFR {codec} in {suffix}", suffix, ENCODERS[codec] + " -vsync vfr", times=vfr)
    yield Case("VFR GIF", "gif", ENCODERS["gif"] + " -vsync vfr", times=vfr)
    for suffix in ("mp4", "mkv", "ts", "flv", "mov"):
        yield Case(f"starts late in {suffix}", suffix, pyramid, again="-output_ts_offset 7")
    for suffix in ("mkv", "mp4"):
        options = "-output_ts_offset -0.2 -avoid_negative_ts disabled"
        shown = range(5 if suffix == "mp4" else 0, NUM_FRAMES)  # an edit list leaves out what is below 0
        yield Case(f"negative times in {suffix}", suffix, f"{H264} -bf 0", again=options, shown=shown)
    for codec, name in ((H264, "H.264"), (f"{H264} -bf 0 -g 10", "H.264 without B")):
        yield Case(f"edit list, {name}", "mp4", codec, before="", again="CUT", shown=range(15, NUM_FRAMES))
    for suffix in ("mp4", "mov"):
        for angle in (90, 180, 270):
            yield Case(
                f"turned by {angle} in {suffix}",
                suffix,
                H264,
                again=f"-metadata:s:v:0 rotate={angle}",
                by="mp4",
            )
    for suffix in ("mp4", "ts", "mkv"):
        yield Case(f"interlaced H.264 in {suffix}", suffix, f"{H264} -flags +ilme+ildct -bf 2")
        yield Case(f"interlaced MPEG-2 in {suffix}", suffix, f"{MPEG2} -flags +ilme+ildct -bf 2")
    for suffix in ("ts", "m2ts", "mp4", "mkv", "avi", "mov", "h264"):
        yield Case(f"fields in {suffix}", suffix, "FIELDS")
    for suffix in ("mp4", "mkv"):
        yield Case(f"10 bit H.264 in {suffix}", suffix, f"{H264} -pix_fmt yuv420p10le")
        yield Case(f"10 bit HEVC in {suffix}", suffix, f"{HEVC} -pix_fmt yuv420p10le")
        yield Case(f"full range in {suffix}", suffix, f"{H264} -pix_fmt yuvj420p")
        yield Case(f"4:4:4 in {suffix}", suffix, f"{H264} -pix_fmt yuv444p")
        for matrix in ("bt709", "smpte170m", "bt470bg", "bt2020nc"):
            to = {"bt2020nc": "bt2020"}.get(matrix, matrix)
            filters = f"-vf scale=out_color_matrix={to} -colorspace {matrix} -pix_fmt yuv444p"
            yield Case(f"{matrix} in {suffix}", suffix, f"{H264} {filters}")
    yield Case("alpha ProRes", "mov", "-c:v prores_ks -pix_fmt yuva444p10le")
    yield Case("alpha PNG", "mov", "-c:v png -pix_fmt rgba")
    yield Case("alpha VP9", "webm", "-c:v libvpx-vp9 -pix_fmt yuva420p -b:v 1M -cpu-used 8")
    yield Case("alpha FFV1", "mkv", "-c:v ffv1 -pix_fmt bgra")
    for suffix in ("mkv", "mp4"):
        yield Case(f"second stream is larger, in {suffix}", suffix, "TWO", stream=1)
    yield Case("GOP over the whole file in TS", "ts", f"{H264} -g 30 -bf 0")
    yield Case("fragmented MP4", "mp4", H264, again="-movflags frag_keyframe+empty_moov", by="mp4")
    yield Case("index in front", "mp4", pyramid, again="-movflags faststart", by="mp4")
    yield Case("live Matroska", "mkv", pyramid, again="-live 1")
    yield Case("AVI without an index", "avi", f"{MPEG4} -bf 2", again="-write_index 0 NOINDEX", by="avi")


CASES = list(cases())
DEFAULT = """
    h264 in avi|mpeg4b in avi|vp8hidden in webm|gif in gif|h264 in asf|mpeg2b in mpg|mpeg1 in mpg|h264 in flv
    H.264, pyramid, in mpg|MPEG-4 from asf in mkv
    H.264, open GOP, in ts|H.264, pyramid, in avi|H.264, short GOP, in mp4|H.264, long GOP, in mkv
    H.264 from avi in mkv|H.264 from asf in mp4|MPEG-4 from avi in mp4|HEVC, open GOP, in mkv
    VFR h264 in mp4|starts late in ts|edit list, H.264|negative times in mkv|turned by 90 in mp4
    fields in ts|fields in mp4|10 bit H.264 in mkv|bt709 in mp4|alpha PNG|second stream is larger, in mkv
"""
DEFAULT = [name.strip() for line in DEFAULT.split("\n") for name in line.split("|") if name.strip()]


def parametrised(is_default):
    chosen = [case for case in CASES if (case.name in DEFAULT) == is_default]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.name)


@functools.cache
def source():
    """uint8 (NUM_FRAMES, HEIGHT, WIDTH, 3): halves that count, a red corner, a blue one."""
    clip = np.zeros((NUM_FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    for k in range(NUM_FRAMES):
        clip[k, :, : WIDTH // 2] = 24 + 30 * (k % 7)
        clip[k, :, WIDTH // 2 :] = 24 + 30 * (k // 7)
    clip[:, :8, :16] = (200, 40, 40)
    clip[:, -8:, -16:] = (40, 40, 200)
    return clip


def run(*arguments, data=None):
    words = [word for a in arguments for word in (a.split() if isinstance(a, str) else [str(a)])]
    result = subprocess.run(
        [FFMPEG, "-hide_banner", "-nostdin" if data is None else "-y", "-v", "error", "-y", *words],
        input=data,
        capture_output=True,
    )
    if result.returncode:
        message = result.stderr.decode(errors="replace")
        if "Unknown encoder" in message or "Requested output format" in message:
            pytest.skip(f"this ffmpeg has no such encoder: {message[:80]}")
        raise AssertionError(message[-600:])
    return result.stdout


def make(case, folder):
    """Writes the file of a case and returns its path."""
    path = folder / f"video.{case.suffix}"
    if case.encode == "FIELDS":
        raw = folder / "fields.264"
        raw.write_bytes(field_coded_h264(range(20, 20 + 5 * NUM_FRAMES, 5)))
        run("-f h264 -r 50 -i", raw, "-c copy", path)
        return path
    reading = f"-f rawvideo -pix_fmt rgb24 -s {WIDTH}x{HEIGHT} -r {FPS} -i -"
    coding = "-pix_fmt yuv420p " + case.encode
    if case.encode == "TWO":
        coding = f"-filter_complex [0]split[a][b];[a]scale=32:24[c] -map [c] -map [b] {MPEG4}"
    if case.times is not None:
        picks = [round(FPS * time) for time in case.times]
        whole = np.zeros((picks[-1] + 1, HEIGHT, WIDTH, 3), np.uint8)
        whole[picks] = source()
        keep = "+".join(f"eq(n\\,{n})" for n in picks)
        run(reading, "-vf", f"select={keep}", coding, path, data=whole.tobytes())
        return path
    first = folder / f"first.{case.by}" if case.again or case.step else path
    muxer = "-f mpegts -mpegts_m2ts_mode 1" if case.suffix == "mts" else ""
    run(reading, coding, muxer, first, data=source().tobytes())
    if case.step:
        case.step(first, path)
    elif case.again == "CUT":
        run(f"-ss {15 / FPS} -i", first, "-c copy", path)
    elif case.again:
        run("-i", first, "-map 0:v -c copy", case.again.removesuffix("NOINDEX"), path)
    if case.again.endswith("NOINDEX"):
        data = path.read_bytes()
        path.write_bytes(data[: data.rindex(b"idx1")] if b"idx1" in data else data)
    return path


def truth(path, case, height, width):
    """What the ffmpeg command makes of a file: uint8 (T, height, width, 3)."""
    out = "-vsync passthrough -f rawvideo -pix_fmt rgb24 -"
    data = run("-copyts -i", path, f"-map 0:v:{case.stream}", out)
    return np.frombuffer(data, np.uint8).reshape(-1, height, width, 3)


def differences(clip, reference):
    """Mean absolute difference of each frame."""
    return np.abs(clip.astype(int) - reference).mean(axis=(1, 2, 3))


def check(case, folder):
    path = make(case, folder)
    clip, info = video.read_clip(path), video.probe(path)
    expected = truth(path, case, *clip.shape[1:3])
    assert len(expected) == len(case.shown)  # of the file, not of the reader
    assert clip.shape == expected.shape
    assert differences(clip, expected).max() < 3
    assert info.num_frames == len(expected)
    assert (info.height, info.width) == clip.shape[1:3]
    times = np.array(case.times or [k / FPS for k in range(len(expected))])
    assert info.duration == pytest.approx(times[-1] + 1 / FPS, abs=0.06)
    start = times[-9]  # over a second, but for cut ones
    np.testing.assert_array_equal(video.read_clip(path, start=start), clip[-9:])
    for fps in (10, 50):
        received = video.read_clip(path, fps=fps)
        asked = np.arange(len(received)) / fps
        indices = np.searchsorted(times, asked + 0.002, side="right") - 1
        np.testing.assert_array_equal(received, clip[indices])
        assert len(received) == pytest.approx((times[-1] + 1 / FPS) * fps, abs=0.06 * fps)
        later = video.read_clip(path, fps=fps, start=1.1, num_frames=1)
        np.testing.assert_array_equal(later, received[round(1.1 * fps)][None])


@parametrised(True)
def test_as_ffmpeg_reads_it(case, tmp_path):
    check(case, tmp_path)


@pytest.mark.slow
@parametrised(False)
def test_as_ffmpeg_reads_it_in_all_other_combinations(case, tmp_path):
    check(case, tmp_path)


def test_the_matrix_is_large_and_its_sample_is_in_it():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 150
    assert set(DEFAULT) <= set(names)
