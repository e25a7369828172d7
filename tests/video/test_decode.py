"""vgcourse.video.decode: what people's files contain is decoded right, or refused in one clear line."""

import os
import re
import struct
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import odd_videos
import pytest
from odd_videos import difference, encode, frame_numbers, moving_clip, numbered_clip
from PIL import Image, ImageOps

from vgcourse import preprocess, video
from vgcourse.video import decode

REAL = Path(__file__).parents[2] / "data" / "real"


@pytest.mark.parametrize(
    ("matrix", "rotation", "mirrored"),
    [
        ((0, 1, -1, 0), 90, False),
        ((-1, 0, 0, -1), 180, False),
        ((0, -1, 1, 0), 270, False),
        ((-1, 0, 0, 1), 0, True),
        ((0, 1, 1, 0), 270, True),
    ],
)
def test_rotation_metadata_is_applied(tmp_path, matrix, rotation, mirrored):
    clip = moving_clip()
    path = odd_videos.with_display_matrix(tmp_path / "phone.mp4", clip, matrix)
    # The matrix by hand: stored pixel (x, y) goes to (a x + c y, b x + d y), shifted to start at 0.
    a, b, c, d = matrix
    height, width = (clip.shape[1], clip.shape[2]) if a else (clip.shape[2], clip.shape[1])
    upright = np.zeros((len(clip), height, width, 3), np.uint8)
    y, x = np.mgrid[: clip.shape[1], : clip.shape[2]]
    new_x, new_y = a * x + c * y, b * x + d * y
    upright[:, new_y - new_y.min(), new_x - new_x.min()] = clip
    assert difference(video.read_clip(path), upright) < 2
    info = video.probe(path)
    assert (info.height, info.width) == (height, width)
    assert info.rotation == rotation
    assert mirrored == (a * d - b * c < 0)


def test_a_picture_that_is_to_be_shown_askew_is_refused(tmp_path):
    path = odd_videos.with_display_matrix(tmp_path / "phone.mp4", moving_clip(), (1, 1, -1, 1))
    for read in (video.probe, video.read_clip):
        with pytest.raises(video.VideoError, match=r"phone\.mp4: .*multiple of 90 degrees, received -?45"):
            read(path)


def test_a_thin_picture_does_not_become_a_huge_one(tmp_path):
    path = encode(tmp_path / "thin.mkv", moving_clip(2, 1, 9000), codec="ffv1", pix_fmt="bgr0")
    assert video.read_clip(path, size=2).shape == (2, 2, 2, 3)
    with pytest.raises(video.VideoError, match=r"thin\.mkv: .* received 9216000 x 1024; scale it down"):
        video.read_clip(path, size=1024)


@pytest.mark.parametrize(("average", "guess", "rate"), [(60000, 25, 25), (240, 25, 240), (2000, 2000, 2000)])
def test_ticks_of_a_clock_are_no_frame_rate(average, guess, rate):
    """As FFmpeg tells of bare DV, and of two cameras."""
    container = SimpleNamespace(format=SimpleNamespace(name="dv"))
    stream = SimpleNamespace(average_rate=average, guessed_rate=guess, container=container)
    assert decode.frame_rate(stream) == rate


def test_rotation_and_size_together(tmp_path):
    path = odd_videos.with_display_matrix(tmp_path / "phone.mp4", moving_clip(), (0, 1, -1, 0))
    small = video.read_clip(path, size=(32, 24))  # 64 x 48 as displayed
    assert difference(small, preprocess.resize(video.read_clip(path), 32, 24)) < 2


@pytest.mark.parametrize("suffix", ["mov", "mp4"])
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_hevc_with_rotation_as_phones_write_it(tmp_path, suffix, rotation):
    clip = moving_clip()
    matrix = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[rotation]
    path = odd_videos.with_display_matrix(tmp_path / f"phone.{suffix}", clip, matrix, codec="libx265")
    assert video.probe(path).codec == "hevc"
    assert video.probe(path).rotation == rotation
    assert difference(video.read_clip(path), np.rot90(clip, -rotation // 90, axes=(1, 2))) < 3


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("10 bit HEVC", "libx265", "yuv420p10le"),
        ("10 bit", "ffv1", "yuv422p10le"),
        ("HEVC", "libx265", "yuv420p"),
        ("H.264", "libx264", "yuv420p"),
        ("yuv444p", "libx264", "yuv444p"),
        ("full range", "mjpeg", "yuvj444p"),
        ("RGB", "ffv1", "bgr0"),
        ("ProRes", "prores_ks", "yuv422p10le"),
        ("AV1", "libsvtav1", "yuv420p"),
    ],
)
def test_pixel_formats_and_codecs(tmp_path, name, codec, pix_fmt):
    clip = moving_clip()
    # Sharp colours suffer where a format stores them at half size: compare away from edges by the mean.
    path = encode(
        tmp_path / "clip.mov" if "Pro" in name else tmp_path / "clip.mkv", clip, codec=codec, pix_fmt=pix_fmt
    )
    assert difference(video.read_clip(path), clip) < 4
    red, blue = video.read_clip(path)[0, 5, 5], video.read_clip(path)[0, -5, 3]
    np.testing.assert_allclose(red, (220, 40, 40), atol=12)
    np.testing.assert_allclose(blue, (40, 60, 210), atol=12)


@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le"])
def test_grey_becomes_three_equal_channels(tmp_path, pix_fmt):
    clip = numbered_clip(4)
    path = encode(tmp_path / "grey.mkv", clip, codec="ffv1", pix_fmt=pix_fmt)
    assert difference(video.read_clip(path), clip) <= 1


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt"),
    [
        ("mov", "qtrle", "argb"),
        ("mkv", "ffv1", "bgra"),
        ("mov", "png", "rgba"),
        ("mov", "prores_ks", "yuva444p10le"),
        ("webm", "libvpx-vp9", "yuva420p"),
    ],
)
def test_alpha_is_dropped(tmp_path, suffix, codec, pix_fmt):
    clip = moving_clip()
    alpha = np.full((*clip.shape[:3], 1), 128, np.uint8)
    alpha[:, :10] = 0
    path = encode(
        tmp_path / f"alpha.{suffix}", np.concatenate([clip, alpha], axis=-1), codec=codec, pix_fmt=pix_fmt
    )
    # VP9 alone loses something: its colours are stored at half size.
    assert difference(video.read_clip(path), clip) <= (3 if suffix == "webm" else 0.01)


@pytest.mark.parametrize(
    ("tag", "red", "blue"),
    [(1, 0.2126, 0.0722), (5, 0.299, 0.114), (6, 0.299, 0.114), (9, 0.2627, 0.0593)],
    ids=["BT.709", "BT.470BG", "SMPTE 170M", "BT.2020"],
)
def test_the_file_says_which_colours_it_means(tmp_path, tag, red, blue):
    if tag == 9 and int(av.__version__.split(".")[0]) < 18:
        pytest.skip("older PyAV does not know BT.2020")
    r, g, b = 200, 40, 30
    luma = red * r + (1 - red - blue) * g + blue * b  # ITU-R BT.601, 709, 2020: full range to 16 - 235
    planes = [16 + luma * 219 / 255]
    planes += [
        128 + (b - luma) / (2 * (1 - blue)) * 224 / 255,
        128 + (r - luma) / (2 * (1 - red)) * 224 / 255,
    ]
    yuv = np.rint(np.broadcast_to(np.reshape(planes, (3, 1, 1)), (3, 32, 32))).astype(np.uint8)
    path = tmp_path / "tagged.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.height = stream.width = 32
        stream.pix_fmt, stream.codec_context.colorspace = "yuv444p", tag
        container.mux(stream.encode(av.VideoFrame.from_ndarray(yuv, format="yuv444p")))
        container.mux(stream.encode())
    np.testing.assert_allclose(video.read_clip(path)[0, 16, 16], (r, g, b), atol=4)


@pytest.mark.parametrize(("height", "width"), [(5, 3), (3, 5), (10, 8000), (1, 1), (33, 41)])
def test_odd_sizes_are_read(tmp_path, height, width):
    clip = moving_clip(3, height, width)
    path = encode(tmp_path / "odd.mkv", clip, codec="ffv1", pix_fmt="bgr0")
    np.testing.assert_array_equal(video.read_clip(path), clip)
    info = video.probe(path)
    assert (info.height, info.width, info.num_frames) == (height, width, 3)
    assert video.read_clip(path, size=8).shape == (3, 8, 8, 3)


@pytest.mark.parametrize("name", ["Größe 视频 🎬.mp4", "http: is not %03d here.mp4", "-dash.mp4"])
def test_names_with_spaces_and_other_letters(tmp_path, name):
    path = tmp_path / "my videos" / name
    video.write_video(path, moving_clip(), fps=25)
    assert difference(video.read_clip(path), moving_clip()) < 4
    assert difference(video.read_clip(str(path)), moving_clip()) < 4
    assert difference(video.read_clip(os.fsencode(path)), moving_clip()) < 4


def test_a_title_in_another_encoding_does_not_matter(tmp_path):
    path = tmp_path / "title.mp4"
    video.write_video(path, moving_clip(), fps=25, comment="cafe at night")
    path.write_bytes(path.read_bytes().replace(b"cafe", b"caf\xe9"))  # Latin-1
    assert video.probe(path).num_frames == len(moving_clip())
    assert difference(video.read_clip(path), moving_clip()) < 4


def test_pixels_that_are_not_square(tmp_path):
    clip = moving_clip(2, 48, 48)
    path = encode(tmp_path / "wide.mp4", clip, settings={"sample_aspect_ratio": Fraction(4, 3)})
    info = video.probe(path)
    assert (info.height, info.width) == (48, 64)
    assert difference(video.read_clip(path), preprocess.resize(clip, 48, 64)) < 3


def test_a_picture_that_changes_its_size_and_has_no_timestamps(tmp_path):
    for name, width in (("a", 32), ("b", 64)):
        encode(tmp_path / f"{name}.h264", numbered_clip(4, 32, width), pix_fmt="yuv420p")
    path = tmp_path / "both.h264"
    path.write_bytes((tmp_path / "a.h264").read_bytes() + (tmp_path / "b.h264").read_bytes())
    clip = video.read_clip(path)
    assert clip.shape == (8, 32, 32, 3)
    assert frame_numbers(clip) == [0, 1, 2, 3, 0, 1, 2, 3]


tells_covers = pytest.mark.skipif(not hasattr(av.stream, "Disposition"), reason="PyAV 14.0 tells no covers")


@tells_covers
@pytest.mark.parametrize("name", ["song.mp3", "song.mp4", "song.m4a"])
def test_the_cover_of_a_song_is_no_video(tmp_path, name):
    if name == "song.m4a":
        path = odd_videos.add_cover(odd_videos.with_sound(tmp_path / name))
    else:
        path = odd_videos.mp3_with_cover(tmp_path / name)
    with pytest.raises(video.VideoError, match="received a file with sound only"):
        video.probe(path)


@tells_covers
def test_the_cover_of_a_video_is_not_the_video(tmp_path):
    path = odd_videos.add_cover(odd_videos.with_sound(tmp_path / "film.mp4", moving_clip()))
    assert difference(video.read_clip(path), moving_clip()) < 2
    assert video.probe(path).codec == "h264"


def test_of_several_picture_streams_the_largest_is_read(tmp_path):
    small, large = numbered_clip(3), moving_clip(8)
    for name, clips in (("before", [small, large]), ("behind", [large, small])):
        path = odd_videos.with_streams(tmp_path / f"{name}.mkv", clips)
        assert (video.probe(path).width, video.probe(path).num_frames) == (64, 8)
        assert difference(video.read_clip(path), large) < 4


def _bad_file(kind, folder):
    good = encode(folder / "good.mp4", moving_clip(12), settings={"options": {"crf": "18", "g": "4"}})
    path = folder / f"{kind}.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("#EXTM3U\nhttp://127.0.0.1:1/video.mp4\nThis was never a video.\n" * 20)
    elif kind == "list of files":
        path.write_text(f"ffconcat version 1.0\nfile {good.name}\n")
    elif kind == "link to itself":
        path.symlink_to(path)
    elif kind == "truncated":
        path.write_bytes(good.read_bytes()[:-200])
    elif kind == "truncated early":
        path.write_bytes(good.read_bytes()[:20])
    elif kind == "sound":
        odd_videos.with_sound(path)
    elif kind == "zero frames":
        path = odd_videos.without_frames(folder / f"{kind}.avi")
    elif kind == "scrambled":
        data = bytearray(good.read_bytes())
        start = data.index(b"mdat") + 4
        data[start + 900 : start + 1100] = b"\xff" * 200
        path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "there is none"),
        ("folder", "received a folder"),
        ("empty", "0 bytes"),
        ("text", "expected a video, received something else"),
        ("list of files", "expected a video, received a list of files"),
        ("link to itself", "there is none"),
        ("truncated", "cut short|0 frames"),
        ("truncated early", "expected a video|cut short"),
        ("sound", "expected a video, received a file with sound only"),
        ("zero frames", "0 frames"),
        ("scrambled", "damaged"),
    ],
)
def test_bad_files_give_one_line_that_names_the_file(tmp_path, kind, message):
    path = _bad_file(kind, tmp_path)
    for read in (video.probe, video.read_clip, lambda p: list(video.iter_frames(p))):
        with pytest.raises(video.VideoError, match=message) as error:
            read(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)
    assert issubclass(video.VideoError, ValueError)


@pytest.mark.skipif(odd_videos.OLD_PYAV, reason="PyAV 14.0 does not give the list of frames")
def test_truncated_in_the_middle_of_the_pictures(tmp_path):
    """The index stands first ("fast start"), so FFmpeg alone would play the half that is there."""
    source, path = REAL / "city.mp4", tmp_path / "half.mp4"
    data = source.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    path.write_bytes(data[: len(data) // 2])
    message = rf"half\.mp4: cut short, expected {len(data)} bytes or more, received {len(data) // 2}; copy it"
    message += r" again \(about 71 frames are there\)"
    for read in (video.probe, lambda path: video.read_clip(path, num_frames=5)):
        with pytest.raises(video.VideoError, match=message):
            read(path)
    assert (
        60 < len(video.read_clip(path, keep_damaged=True)) <= 71
    )  # of the last ones some lean on what is lost


# ---- side data that PyAV does not know -------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mov", "mkv", "avi"])
def test_camera_jpegs_with_exif_joined_to_a_time_lapse(tmp_path, suffix):
    clip = moving_clip()
    path = odd_videos.with_exif(tmp_path / f"lapse.{suffix}", clip)
    assert difference(video.read_clip(path), clip) < 4
    assert (video.probe(path).num_frames, video.probe(path).rotation) == (6, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_beside_a_display_matrix(tmp_path, orientation):
    """FFmpeg 8 makes a matrix of the JPEG's orientation, and hangs it on the frame beside the EXIF."""
    if int(av.__version__.split(".")[0]) < 18:
        pytest.skip("older FFmpeg does not look at the orientation")
    clip = moving_clip(2)
    path = odd_videos.with_exif(tmp_path / "lapse.mov", clip, orientation=orientation)
    with Image.open(odd_videos.exif_jpeg(tmp_path / "one.jpg", clip[0], orientation)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    received = video.read_clip(path)
    assert difference(received[:1], upright[None]) < 4
    assert (video.probe(path).height, video.probe(path).width) == received.shape[1:3]


def test_the_packages_own_picture_of_one_frame_is_read(tmp_path):
    video.write_video(tmp_path / "one.webp", moving_clip(1), fps=10, comment="generated")
    assert difference(video.read_clip(tmp_path / "one.webp"), moving_clip(1)) < 6


# ---- damage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mpeg2video", "libvpx-vp9"])
@pytest.mark.parametrize("damaged", [range(2, 12), [7]], ids=["most", "one"])
def test_scrambled_pictures_are_refused_or_kept_on_request(tmp_path, codec, damaged):
    clip = np.random.default_rng(1).integers(0, 256, (12, 6, 8, 3), dtype=np.uint8)
    clip = np.repeat(np.repeat(clip, 16, axis=1), 16, axis=2)
    options = {"lag-in-frames": "0"} if "vp9" in codec else {"bf": "0"}
    settings = {"options": options, "time_base": Fraction(1, 25)}
    whole = encode(tmp_path / "whole.mkv", clip, codec=codec, pix_fmt="yuv420p", settings=settings)
    assert len(video.read_clip(whole)) == 12
    path = odd_videos.with_scrambled_packets(tmp_path / "bad.mkv", whole, damaged)
    with pytest.raises(
        video.VideoError, match=r"bad\.mkv: damaged or encrypted: could decode (\d+) frames"
    ) as e:
        video.read_clip(path)
    assert int(str(e.value).split("decode ")[1].split()[0]) == min(damaged)
    assert len(list(video.iter_frames(path, keep_damaged=True))) > 6
    assert video.probe(path, keep_damaged=True).width == 128
    good = min(damaged)  # what comes before can be had
    np.testing.assert_array_equal(
        video.read_clip(path, num_frames=good), video.read_clip(whole, num_frames=good)
    )


HEVC_GROUPS = (
    "log-level=error:pools=none:frame-threads=1:keyint=10:min-keyint=10:scenecut=0:bframes=3:open-gop=1"
)


def open_groups_of_hevc(path):
    settings = {"options": {"crf": "4", "x265-params": HEVC_GROUPS}}
    clip = numbered_clip(28, 48, 64)
    return encode(path, clip, codec="libx265", pix_fmt="yuv420p", settings=settings)


@pytest.mark.skipif("libx265" not in av.codecs_available, reason="no encoder of HEVC in this PyAV")
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_frame_that_the_decoder_loses_in_silence_is_missed(tmp_path, suffix):
    whole = open_groups_of_hevc(tmp_path / f"whole{suffix}")
    assert frame_numbers(video.read_clip(whole)) == list(range(28))
    lost = bytes(odd_videos.packets(whole)[15])
    data = whole.read_bytes()
    assert data.count(lost) == 1
    unknown = lost[:4] + bytes([41 << 1]) + lost[5:]  # a kind of unit that decoders are to pass over
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(data.replace(lost, unknown))
    with pytest.raises(video.VideoError, match=rf"bad\{suffix}: damaged .* then: the end, without") as error:
        video.read_clip(path)
    good, missing = map(int, re.findall(r" (\d+) ", str(error.value)))
    assert good + missing == 28
    assert missing > 0
    assert len(video.read_clip(path, keep_damaged=True)) == good
    assert frame_numbers(video.read_clip(path, num_frames=8)) == list(range(8))


@pytest.mark.skipif("libx265" not in av.codecs_available, reason="no encoder of HEVC in this PyAV")
def test_frames_of_hevc_that_cannot_be_shown_are_not_missed(tmp_path):
    whole = open_groups_of_hevc(tmp_path / "whole.mkv")
    key = [k for k, packet in enumerate(odd_videos.packets(whole)) if packet.is_keyframe][1]
    path = odd_videos.without_its_first_packets(tmp_path / "part.mkv", whole, key)
    received = frame_numbers(video.read_clip(path))
    assert received == list(range(received[0], 28))
    assert len(received) < len(odd_videos.packets(path))


@pytest.mark.skipif(not hasattr(av.Packet, "has_sidedata"), reason="older PyAV does not tell")
def test_an_encrypted_video_is_called_so(tmp_path):
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    path = tmp_path / "cenc.mp4"
    encode(path, moving_clip(), codec="mpeg4", pix_fmt="yuv420p", options=options)
    for keep_damaged in (False, True):
        for read in (video.probe, video.read_clip):
            with pytest.raises(video.VideoError, match=r"cenc\.mp4: encrypted: .* without a key"):
                read(path, keep_damaged=keep_damaged)


def test_a_group_that_leans_on_one_that_is_missing_is_no_damage(tmp_path):
    """Open GOPs: of a recording that begins in the middle, FFmpeg leaves out what cannot be shown."""
    settings = {"options": {"g": "10", "bf": "3", "b_strategy": "0", "x264-params": "open-gop=1:scenecut=0"}}
    whole = encode(tmp_path / "whole.ts", numbered_clip(28), pix_fmt="yuv420p", settings=settings)
    key = [k for k, packet in enumerate(odd_videos.packets(whole)) if packet.is_keyframe][1]
    path = odd_videos.without_its_first_packets(tmp_path / "part.ts", whole, key)
    received = frame_numbers(video.read_clip(path))
    assert received == list(range(received[0], 28))
    assert 8 <= received[0] <= 11
    assert video.probe(path).num_frames == len(received) < len(odd_videos.packets(path))


# ---- size ------------------------------------------------------------------------------------------------


def test_a_huge_screen_is_refused_before_anything_is_decoded(tmp_path):
    path = tmp_path / "screen.gif"
    video.write_video(path, moving_clip(3, 8, 8), fps=10)
    data = bytearray(path.read_bytes())
    for side, is_read in ((8192, True), (12000, False)):
        data[6:10] = struct.pack("<HH", side, side)
        path.write_bytes(data)
        if is_read:
            with decode.open_video(path) as (_, stream):  # not decoded: 400 MB
                assert stream.codec_context.width == side
            continue
        for read in (video.probe, video.read_clip):
            with pytest.raises(video.VideoError, match=r"screen\.gif: .* 67108864 pixels .* 12000 x 12000"):
                read(path)


def test_pixels_stretched_to_a_huge_picture_are_refused(tmp_path, monkeypatch):
    settings = {"sample_aspect_ratio": Fraction(4, 3)}
    path = encode(tmp_path / "wide.mp4", moving_clip(1, 48, 48), settings=settings)
    for limit, is_read in ((64 * 48, True), (64 * 48 - 1, False)):
        monkeypatch.setattr(decode, "MOST_PIXELS", limit)
        if is_read:
            assert video.probe(path).width == 64
            continue
        for read in (video.probe, video.read_clip):
            with pytest.raises(video.VideoError, match=r"wide\.mp4: expected frames of at most .* 64 x 48"):
                read(path)


@pytest.mark.parametrize("place", ["to_rgb", "displayed_size"])
def test_memory_that_runs_out_is_an_error_of_this_file(tmp_path, monkeypatch, place):
    def fail(*_):
        raise MemoryError

    path = encode(tmp_path / "large.mkv", moving_clip(2))
    monkeypatch.setattr(decode, place, fail)
    with pytest.raises(video.VideoError, match=r"large\.mkv: takes more memory than there is"):
        list(video.iter_frames(path))
