"""Exported files: named by number and action, marked as generated, and only for what the generator knows."""

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from vgcourse import gan, generate, show, video
from vgcourse.generate import export, seams

ACTIONS = ("walk", "run", "hop")


@pytest.fixture(scope="module")
def generator():
    return gan.VideoGenerator(32, ACTIONS, num_frames=8, fps=12.5, channels=2, latent_dims=(6, 5))


@pytest.fixture
def written(monkeypatch):
    """What would have been encoded: path -> (clip, settings)."""
    files = {}
    monkeypatch.setattr(
        video, "write_video", lambda path, clip, **settings: files.update({path: (clip, settings)})
    )
    return files


def clips_of(generator, seeds, actions):
    codes = generate.content_codes(generator, seeds), generate.motion_noise(generator, seeds)
    return generate.make_clips(generator, *codes, actions)


# ---- single clips ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mp4", ".mp4"])
def test_clips_show_one_person_after_the_other_and_all_actions_in_turn(generator, written, tmp_path, suffix):
    paths = export.write_clips(generator, tmp_path, num_clips=5, suffix=suffix, seed=5)
    names = ["000-walk.mp4", "001-run.mp4", "002-hop.mp4", "003-walk.mp4", "004-run.mp4"]
    assert paths == list(written) == [tmp_path / name for name in names]
    expected = clips_of(generator, range(5, 10), [0, 1, 2, 0, 1])
    for (clip, settings), wanted in zip(written.values(), expected, strict=True):
        np.testing.assert_array_equal(clip, wanted)
        assert settings == {"fps": 12.5, "comment": export.COMMENT}


def test_one_action_is_shown_by_all(generator, written, tmp_path):
    paths = export.write_clips(generator, tmp_path, num_clips=2, actions="run")
    assert [path.name for path in paths] == ["000-run.gif", "001-run.gif"]
    expected = clips_of(generator, [0, 1], ["run", "run"])
    np.testing.assert_array_equal([clip for clip, _ in written.values()], expected)


def test_files_are_marked_as_generated_and_play_at_the_generators_speed(generator, tmp_path):
    files = {
        k: export.write_clips(generator, tmp_path, num_clips=1, suffix=k)[0]
        for k in ("gif", "mp4", "webp", "png")
    }
    with Image.open(files["gif"]) as gif, Image.open(files["png"]) as png, Image.open(files["webp"]) as webp:
        assert gif.info["comment"] == export.COMMENT.encode()
        # Like frames in a row are one, shown longer: 8 frames at 12.5 a second are 640 ms.
        assert sum(frame.info["duration"] for frame in ImageSequence.Iterator(gif)) == 640
        assert png.text["Comment"] == export.COMMENT
        assert webp.getexif()[0x010E] == export.COMMENT
    with av.open(files["mp4"]) as mp4:
        assert mp4.metadata["comment"] == export.COMMENT
    assert video.probe(files["mp4"]).fps == 12.5
    [clip] = clips_of(generator, [0], ["walk"])
    assert np.abs(video.read_clip(files["mp4"]).astype(int) - clip).mean() < 8
    assert "generated" in export.COMMENT
    assert "do not exist" in export.COMMENT


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"actions": "fly"}, "action: expected one of walk, run, hop, received 'fly'"),
        ({"actions": ["walk", "run"]}, "action: expected one of"),
        ({"suffix": "avi"}, "suffix: expected one of gif, mp4, webp, png, received 'avi'"),
        ({"suffix": "²"}, "suffix: expected one of"),
        ({"num_clips": 0}, "num_clips: expected a whole number from 1 on, received 0"),
    ],
)
def test_what_cannot_be_written_is_said(generator, tmp_path, wrong, words):
    with pytest.raises(ValueError, match=words):
        export.write_clips(generator, tmp_path, **{"num_clips": 2, **wrong})
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["gif", "mp4", "webp", "png"])
def test_only_generated_files_are_written_over(generator, tmp_path, suffix):
    [path] = export.write_clips(generator, tmp_path, num_clips=1, suffix=suffix)
    first = path.read_bytes()
    export.write_clips(generator, tmp_path, num_clips=1, suffix=suffix, seed=1)
    assert path.read_bytes() != first
    last = tmp_path / f"001-run.{suffix}"
    last.write_bytes(b"somebody's own")
    with pytest.raises(ValueError, match=rf"001-run\.{suffix}: there is a file .* not generated"):
        export.write_clips(generator, tmp_path, num_clips=2, suffix=suffix)
    assert last.read_bytes() == b"somebody's own"
    (tmp_path / "samples.mp4").write_bytes(b"somebody's own")
    with pytest.raises(ValueError, match=r"samples\.mp4: there is a file"):
        export.write_samples(generator, tmp_path)
    assert not (tmp_path / "samples.gif").exists()


def test_many_clips_are_made_a_few_at_a_time(generator, written, tmp_path, monkeypatch):
    made, make_clips = [], generate.make_clips

    def counted(generator, content, motion, actions):
        made.append(len(actions))
        return make_clips(generator, content, motion, actions)

    monkeypatch.setattr(export.sampling, "make_clips", counted)
    export.write_clips(generator, tmp_path, num_clips=45, seed=3)
    assert made == [20, 20, 5]
    expected = clips_of(generator, range(3, 48), [k % 3 for k in range(45)])
    np.testing.assert_array_equal([clip for clip, _ in written.values()], expected)


# ---- the demo's pictures ---------------------------------------------------------------------------------


def test_samples_are_a_grid_of_looping_people_and_a_sheet(generator, written, tmp_path):
    paths = export.write_samples(generator, tmp_path, people=2, seed=4)
    assert paths == list(written) == [tmp_path / f"samples.{kind}" for kind in ("gif", "mp4", "png")]
    people = [4, 4, 4, 5, 5, 5]  # rows of the grid
    codes = generate.content_codes(generator, people), generate.motion_noise(generator, [4] * 6)
    clips = generate.make_clips(generator, *codes, [*ACTIONS, *ACTIONS])
    (gif, gif_settings), (mp4, mp4_settings), (png, png_settings) = written.values()
    grid = show.label_grid(seams.loop_together(clips), [*ACTIONS, *ACTIONS], columns=3)
    np.testing.assert_array_equal(gif, grid)
    np.testing.assert_array_equal(mp4, np.concatenate([grid] * 3))  # players do not loop
    np.testing.assert_array_equal(png, show.contact_sheet(clips[:3], ACTIONS)[None])
    assert gif_settings == mp4_settings == {"fps": 12.5, "comment": export.COMMENT}
    assert png_settings["comment"] == export.COMMENT


def test_samples_of_many_actions_have_five_columns(written, tmp_path):
    names = tuple("abcdefg")
    generator = gan.VideoGenerator(32, names, num_frames=8, channels=2, latent_dims=(6, 5))
    export.write_samples(generator, tmp_path, people=1)
    clips = generate.swap_motion(generator, content_seeds=[0], actions=names, motion_seed=0)[0]
    grid = show.label_grid(seams.loop_together(clips), names, columns=5)
    np.testing.assert_array_equal(written[tmp_path / "samples.gif"][0], grid)


def test_files_of_earlier_versions_are_known_for_generated_ones(tmp_path):
    path = tmp_path / "old.gif"
    old = "generated by a video GAN (vgcourse); these people do not exist"
    video.write_video(path, np.zeros((2, 16, 16, 3), np.uint8), fps=10, comment=old)
    export.check_replaceable([path])
    video.write_video(path, np.zeros((2, 16, 16, 3), np.uint8), fps=10, comment="a holiday")
    with pytest.raises(ValueError, match="not generated"):
        export.check_replaceable([path])
