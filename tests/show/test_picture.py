"""Pictures: the still, the animation, the switch between them and the words that stand for both."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from vgcourse import show
from vgcourse.classroom import widgets
from vgcourse.show import picture as pictures

ALT = 'A person walks & waves: "hello" <once>.'


@pytest.fixture(scope="module")
def clip():
    """Four frames, 96x96: a white square that moves over red to the right, 18 pixels a frame."""
    made = np.zeros((4, 96, 96, 3), np.uint8)
    made[..., 0] = 200
    for t in range(4):
        made[t, 24:48, 18 * t : 18 * t + 24] = 255
    return made


@pytest.fixture(scope="module")
def moving(clip):
    return pictures.moving_picture(clip, ALT, fps=10)


def opened(content):
    return Image.open(io.BytesIO(content))


def frames(gif):
    """All frames of an animation, and how long each is shown, in milliseconds."""
    gif, found, times = opened(gif), [], []
    for t in range(gif.n_frames):
        gif.seek(t)
        found.append(np.asarray(gif.convert("RGB")).astype(int))
        times.append(gif.info["duration"])
    return np.stack(found), times


# ---- still and moving ------------------------------------------------------------------------------------


def test_a_still_picture_keeps_every_pixel():
    frame = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    picture = show.still_picture(frame, ALT)
    assert (opened(picture.png).format, picture.alt, picture.gif) == ("PNG", ALT, None)
    np.testing.assert_array_equal(np.asarray(opened(picture.png).convert("RGB")), frame)


def test_the_still_is_the_first_frame_and_the_animation_has_all(clip, moving):
    gif = opened(moving.gif)
    assert (gif.format, gif.size, gif.info["loop"]) == ("GIF", (96, 96), 0)  # for ever
    found, times = frames(moving.gif)
    assert times == [100] * 4
    # Give or take the palette, and no frame is like another's.
    assert np.abs(found - clip).max() < 12
    still = np.asarray(opened(moving.png).convert("RGB")).astype(int)
    assert still.shape == (96, 96, 3)
    assert np.abs(still - clip[0]).max() < 12


@pytest.mark.parametrize(
    ("fps", "times"), [(25, [40] * 4), (12.5, [80] * 4), (2, [500] * 4), (30, [30, 40, 30, 30])]
)
def test_the_animation_keeps_time(clip, fps, times):
    assert frames(pictures.moving_picture(clip, ALT, fps=fps).gif)[1] == times


def test_still_parts_do_not_flicker():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, 64, 3), np.uint8)
    clip = np.repeat(noise[None], 6, axis=0)
    clip[:, :16, :16] = rng.integers(0, 256, (6, 16, 16, 3), np.uint8)  # only this corner moves
    found, _ = frames(pictures.moving_picture(clip, ALT, fps=10).gif)
    assert (found[:, 20:, 20:] == found[0, 20:, 20:]).all()
    assert (found[1:, :16, :16] != found[:-1, :16, :16]).any(axis=(1, 2, 3)).all()


def test_the_same_clip_makes_the_same_bundle(clip, moving):
    assert pictures.moving_picture(clip, ALT, fps=10)._repr_mimebundle_() == moving._repr_mimebundle_()


# ---- in a notebook ---------------------------------------------------------------------------------------


def test_ipython_shows_the_picture_or_its_words(clip, moving):
    from IPython.core.formatters import DisplayFormatter

    for picture, kinds in (
        (show.still_picture(clip[0], ALT), {"image/png", "text/plain"}),
        (moving, {"image/png", "text/html", "text/plain"}),
    ):
        data, _ = DisplayFormatter().format(picture)
        assert set(data) == kinds
        assert data["text/plain"] == ALT
        assert base64.b64decode(data["image/png"]) == picture.png


def test_the_player_is_complete_safe_and_says_what_it_shows(moving):
    player = moving.player()
    assert player == moving._repr_mimebundle_()["text/html"]
    assert "A person walks &amp; waves: &quot;hello&quot; &lt;once&gt;." in player
    assert "<details open" in player  # a switch for mouse and keyboard
    assert "prefers-reduced-motion: reduce" in player
    images = re.findall(r'<img\s+src="data:image/(\w+);base64,([^"]+)"\s+alt="([^"]+)"', player)
    assert [kind for kind, _, _ in images] == ["png", "gif"]
    assert base64.b64decode(images[0][1]) == moving.png
    assert base64.b64decode(images[1][1]) == moving.gif
    assert all(alt for _, _, alt in images)
    # Nothing from elsewhere, and no id, which would differ or clash: nbval compares HTML as it is.
    assert not re.search(r"https?:|<script|<link|\bid=", player)


@pytest.mark.parametrize(("shape", "width", "ratio"), [((48, 96), 96, 50), ((90, 60), 60, 150)])
def test_the_animation_lies_on_its_still(shape, width, ratio):
    """The still is in the summary, first; the animation comes after it and is pulled up by its own height."""
    player = pictures.moving_picture(np.zeros((2, *shape, 3), np.uint8), ALT, fps=5).player()
    assert re.search(r'<details open style="width:(\d+)px', player)[1] == str(width)
    summary = player[player.index("<summary") : player.index("</summary>")]
    assert "data:image/png" in summary
    assert "data:image/gif" not in summary
    after = player[player.index("</summary>") :]
    assert float(re.search(r"data:image/gif.*margin-top:(-[\d.]+)%", after, re.DOTALL)[1]) == -ratio


# ---- in a file -------------------------------------------------------------------------------------------


def test_save_writes_the_still_and_the_animation(moving, tmp_path):
    moving.save(tmp_path / "clip.png")
    moving.save(str(tmp_path / "clip.GIF"))
    assert (tmp_path / "clip.png").read_bytes() == moving.png
    assert (tmp_path / "clip.GIF").read_bytes() == moving.gif
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.GIF", "clip.png"]


def test_save_refuses_what_the_picture_is_not(clip, moving, tmp_path):
    with pytest.raises(ValueError, match=r"sheet\.gif: this picture is saved as \.png; received '\.gif'"):
        show.still_picture(clip[0], ALT).save(tmp_path / "sheet.gif")
    with pytest.raises(ValueError, match=r"clip\.mp4: .*\.png or \.gif"):
        moving.save(tmp_path / "clip.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("zoom", [1, 3])
def test_zoom_enlarges_what_is_shown_and_not_what_is_stored(clip, zoom):
    picture = show.show_clip(clip, zoom=zoom)
    assert opened(picture.gif).size == opened(picture.png).size == (96, 96)
    assert f'<details open style="width:{96 * zoom}px; max-width:100%">' in picture.player()
    panel = widgets.as_html(picture)
    assert 'width="384" height="384"' in panel  # a panel shows small pictures as large as that


@pytest.mark.parametrize("zoom", [0, 1.5])
def test_zoom_is_a_whole_number(clip, zoom):
    with pytest.raises(ValueError, match="zoom"):
        show.show_clip(clip, zoom=zoom)
