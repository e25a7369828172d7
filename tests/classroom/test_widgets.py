"""Widgets: every control reaches its extremes without an error; readers without sight or mouse are served."""

import base64
import io
import re
import zipfile
from datetime import UTC, datetime

import imageio.v3 as iio
import ipywidgets
import numpy as np
import pytest
from PIL import Image, ImageSequence

from vgcourse import generate, show
from vgcourse.classroom import widgets

NOW = datetime(2025, 1, 1, tzinfo=UTC)


def extremes(widget):
    """The values at the ends of a control, as a person can reach them."""
    if isinstance(widget, ipywidgets.Checkbox):
        return [True, False]
    if isinstance(widget, ipywidgets.Dropdown):
        return list(widget.options)
    return [widget.min, widget.max]


def drive(panel):
    """Move every control to its extremes, alone and then all together; yields what was set last."""
    start = {name: widget.value for name, widget in panel.controls.items()}
    for name, widget in panel.controls.items():
        for value in extremes(widget):
            widget.value = value
            yield {name: value}
        widget.value = start[name]
    for place in (0, -1):
        values = {name: extremes(widget)[place] for name, widget in panel.controls.items()}
        panel.set(**values)
        yield values


def square(shade=100.0, side=8, dark=False, colour="red"):
    clip = np.full((4, 32, 32, 3), 0 if dark else round(shade), np.uint8)
    clip[:, :side, :side, ["red", "green"].index(colour)] = np.arange(4)[:, None, None] * 60
    return show.show_clip(clip, alt=f"A {colour} square, {side} wide, {shade:.0f}.")


def still(shade):
    return show.show_sheet(np.full((1, 2, 32, 32, 3), shade, np.uint8), alt=f"Shade {shade}.")


@pytest.fixture(scope="module")
def generator():
    return generate.load_generator()


@pytest.fixture(scope="module")
def panel(generator):
    return widgets.control_panel(generator)


def gif_of(panel):
    """The animation that a panel shows."""
    data = re.search(r"base64,([^\"]+)", panel.picture.value)[1]
    return Image.open(io.BytesIO(base64.b64decode(data)))


# ---- explore ---------------------------------------------------------------------------------------------


def test_explore_makes_a_control_of_each_kind():
    panel = widgets.explore(
        square, shade=(0.0, 255.0, 30.0), side=(1, 32), dark=False, colour=["red", "green"]
    )
    kinds = [type(widget) for widget in panel.controls.values()]
    assert kinds == [
        ipywidgets.FloatSlider,
        ipywidgets.IntSlider,
        ipywidgets.Checkbox,
        ipywidgets.Dropdown,
    ]
    assert [widget.value for widget in panel.controls.values()] == [30.0, 1, False, "red"]
    ready = ipywidgets.IntSlider(value=3, min=1, max=5)
    assert widgets.explore(still, shade=ready).controls["shade"] is ready


def test_explore_at_the_extremes():
    panel = widgets.explore(
        square, shade=(0.0, 255.0, 30.0), side=(1, 32), dark=False, colour=["red", "green"]
    )
    for values in drive(panel):
        assert panel.message.value == "", values
        for name, value in values.items():
            if name != "dark":
                assert (f"{value:.0f}" if isinstance(value, float) else str(value)) in panel.picture.value


def test_the_picture_has_alt_text_and_a_size():
    panel = widgets.explore(lambda side: square(side=side), side=(1, 32, 7))
    assert 'alt="A red square, 7 wide, 100."' in panel.picture.value
    assert re.search(r'width="(\d+)" height="\1"', panel.picture.value)  # the page does not jump


def test_small_pictures_are_shown_384_wide_and_larger_ones_as_they_are():
    for width, shown in ((32, 384), (120, 384), (500, 500)):
        picture = show.still_picture(np.zeros((width // 2, width, 3), np.uint8), "Black.")
        assert f'width="{shown}" height="{shown // 2}"' in widgets.as_html(picture)


def parts(widget):
    """A widget and all in it, in the order of the page."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts(child)


def test_the_picture_stands_first_and_words_below_say_what_it_shows():
    panel = widgets.explore(lambda side: square(side=side), side=(1, 32, 7))
    order = list(parts(panel))
    assert order.index(panel.picture) < order.index(panel.controls["side"]) < order.index(panel.caption)
    assert panel.caption.value == "A red square, 7 wide, 100."
    panel.controls["side"].value = 9
    assert panel.caption.value == "A red square, 9 wide, 100."


def test_dice_and_the_way_back():
    start = {"shade": (0.0, 255.0, 30.0), "side": (1, 32), "dark": False, "colour": ["red", "green"]}
    panel = widgets.explore(square, **start)
    before = {name: widget.value for name, widget in panel.controls.items()}
    seen = set()
    for _ in range(20):
        panel.buttons["dice"].click()
        seen.add(tuple(widget.value for widget in panel.controls.values()))
    assert len(seen) == 20
    panel.buttons["back to the start"].click()
    assert {name: widget.value for name, widget in panel.controls.items()} == before


def test_what_is_shown_can_be_had_as_a_call():
    panel = widgets.explore(square, shade=(0.0, 255.0, 30.0), colour=["red", "green"])
    assert panel.code.layout.display == "none"
    panel.buttons["as code"].value = True
    assert panel.code.layout.display is None
    panel.controls["colour"].value = "green"
    assert panel.code.value == "square(shade=30.0, colour='green')"
    assert eval(panel.code.value).png == panel._drawn.png


def test_a_download_is_of_the_kind_that_is_shown():
    panel = widgets.explore(lambda side: square(side=side), side=(1, 32))
    assert 'download="panel.gif"' in panel._link.value
    panel.moving.value = False
    assert 'download="panel.png"' in panel._link.value


def test_alt_text_cannot_break_the_page():
    picture = show.Picture('a "quoted" <b>', show_png())
    assert 'alt="a &quot;quoted&quot; &lt;b&gt;"' in widgets.as_html(picture)


def show_png():
    return still(3).png


def test_moving_pictures_can_be_paused():
    panel = widgets.explore(lambda side: square(side=side), side=(1, 32))
    assert "image/gif" in panel.picture.value
    panel.moving.value = False
    assert "image/png" in panel.picture.value
    panel.controls["side"].value = 9  # and stay so
    assert "image/png" in panel.picture.value
    assert "9 wide" in panel.picture.value


def test_a_still_picture_has_no_box_to_pause():
    panel = widgets.explore(still, shade=(0, 9))
    assert panel.moving.layout.display == "none"


def test_what_draw_objects_to_is_shown_and_goes_away():
    def draw(number):
        if number > 3:
            raise ValueError("number: expected up to 3, received <4>")
        return still(number)

    panel = widgets.explore(draw, number=(0, 9))
    before = panel.picture.value
    panel.controls["number"].value = 4
    assert panel.message.value == '<p role="alert">number: expected up to 3, received &lt;4&gt;</p>'
    assert panel.picture.value == before
    panel.controls["number"].value = 2
    assert panel.message.value == ""
    assert "Shade 2." in panel.picture.value


def test_an_objection_at_the_start_leaves_a_panel():
    def draw(number):
        raise ValueError("nothing to draw")

    panel = widgets.explore(draw, number=(0, 9))
    panel.moving.value = False
    assert "nothing to draw" in panel.message.value


def test_other_errors_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        widgets.explore(lambda number: 1 / number, number=(0, 9))


def test_setting_several_controls_draws_once():
    drawn = []

    def draw(a, b):
        drawn.append((a, b))
        return still(a + b)

    panel = widgets.explore(draw, a=(0, 9), b=(0, 9))
    panel.set(a=3, b=4)
    assert drawn == [(0, 0), (3, 4)]


def test_a_reader_without_a_kernel_is_told():
    text = repr(widgets.explore(still, shade=(0, 9)))
    assert "shade" in text
    assert "running notebook" in text
    assert "\n" not in text


# ---- the control panel -----------------------------------------------------------------------------------


def test_control_panel_at_the_extremes(panel, generator):
    seen = set()
    for values in drive(panel):
        assert panel.message.value == "", values
        assert "Generated: person" in panel.picture.value
        seen.add(panel.picture.value)
    assert len(seen) > len(generator.action_names) + 10
    assert set(panel.controls["action"].options) == set(generator.action_names)


@pytest.mark.parametrize(
    "change",
    [
        {"action": "squat"},
        {"person": 8},
        {"blend": 0.5},
        {"look_1": 2.0},
        {"look_4": -3.0},
        {"motion": 2},
        {"loop": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_control_changes_the_frames(panel, change):
    panel.buttons["back to the start"].click()
    before = [np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(gif_of(panel))]
    panel.set(**change)
    after = [np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(gif_of(panel))]
    assert len(before) != len(after) or np.abs(np.array(before) - after).max() > 20


def test_the_words_say_what_is_shown(panel):
    panel.buttons["back to the start"].click()
    panel.set(person=8, action="squat", blend_with=5, blend=0.25, look_2=1.5)
    told = "Generated: person 8, 25% of the way to person 5, does squat. look 2 +1.5"
    assert f'alt="{told}"' in panel.picture.value


def test_speed_changes_how_long_a_frame_is_shown(panel):
    panel.buttons["back to the start"].click()
    durations = []
    for speed in (0.5, 1.0, 2.0):
        panel.controls["speed"].value = speed
        durations.append(gif_of(panel).info["duration"])
    assert durations == [200, 100, 50]


def test_blending_with_the_second_person_ends_there(panel):
    panel.buttons["back to the start"].click()
    panel.set(person=7, blend_with=3, blend=1.0)
    blended = np.asarray(gif_of(panel).convert("RGB"), int)
    panel.set(person=3, blend=0.0)
    assert np.abs(np.asarray(gif_of(panel).convert("RGB"), int) - blended).max() == 0


def test_the_code_makes_the_clip_that_is_shown(panel, generator):
    panel.buttons["back to the start"].click()
    panel.set(person=8, action="squat", blend_with=5, blend=0.25, look_2=1.5, motion=4)
    panel.buttons["as code"].value = True
    made = {"generator": generator}
    exec(panel.code.value, made)
    panel.buttons["as code"].value = False
    frames = gif_of(panel).n_frames
    assert len(made["clip"]) == frames
    again = widgets._quick_picture(made["clip"], "", fps=generator.fps)
    data = base64.b64decode(re.search(r"base64,([^\"]+)", panel.picture.value)[1])
    panel.set(person=9)
    other = base64.b64decode(re.search(r"base64,([^\"]+)", panel.picture.value)[1])
    shown, made, other = (iio.imread(gif).astype(float) for gif in (data, again.gif, other))
    # Threads add in another order, and a palette may follow.
    assert np.abs(shown - made).mean() < min(2, np.abs(shown[0] - other[0]).mean() / 5)


def test_controls_are_grouped_and_what_changes_nothing_is_grey(panel, generator):
    panel.buttons["back to the start"].click()
    titles = [w.value for w in parts(panel) if getattr(w, "value", "") and "<strong>" in str(w.value)]
    assert titles == [f"<strong>{name}</strong>" for name in ("Who", "Action", "Motion", "Playback")]

    def grey():
        return {name for name, widget in panel.controls.items() if widget.disabled} - {"loop"}

    assert grey() == {"blend_with"}
    panel.set(blend=0.5)
    assert grey() == set()
    panel.set(blend=1.0)
    assert grey() == {"person"}
    panel.moving.value = False
    assert grey() == {"person", "speed"}
    panel.moving.value = True
    assert panel.controls["loop"].disabled == generator.makes_loops
    panel.buttons["back to the start"].click()


def test_the_buttons(panel):
    start = {name: widget.value for name, widget in panel.controls.items()}
    panel.set(person=5, look_2=1.5, blend=0.25)
    panel.buttons["another person"].click()
    assert panel.controls["person"].value != 5
    assert panel.controls["look_2"].value == panel.controls["blend"].value == 0
    panel.buttons["back to the start"].click()
    assert panel.controls["person"].value == 7
    assert set(start) == set(panel.controls)


def test_the_panel_shows_the_colours_of_the_clip():
    colours = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3)).astype(np.uint8)
    clip = colours.repeat(8, axis=1).repeat(8, axis=2)
    picture = widgets._quick_picture(clip, "Blocks.", fps=10)
    gif = Image.open(io.BytesIO(picture.gif))
    frames = np.stack([np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(gif)])
    scale = frames.shape[1] // 32
    middles = frames[:, 4 * scale :: 8 * scale, 4 * scale :: 8 * scale]
    assert np.abs(middles - colours).mean() < 6  # 80 colours, of which 256 are kept after smoothing


def test_content_directions(generator):
    directions = widgets.content_directions(generator, 3)
    np.testing.assert_allclose(directions @ directions.T, np.eye(3), atol=1e-4)
    assert (directions.max(axis=1) > -directions.min(axis=1)).all()  # a slider's right is always its right
    codes = generate.content_codes(generator, [1])
    noise = generate.motion_noise(generator, [1])
    rng = np.random.default_rng(0)
    others = rng.standard_normal((8, generator.content_dim)).astype(np.float32)
    others /= np.linalg.norm(others, axis=1, keepdims=True)

    def change(direction):
        pair = np.concatenate([codes - 2 * direction, codes + 2 * direction])
        low, high = generate.make_clips(generator, pair, np.repeat(noise, 2, axis=0), ["walk"] * 2).astype(
            int
        )
        return np.abs(high - low).mean()

    assert change(directions[0]) > np.mean([change(other) for other in others])


def test_content_directions_refuses_what_it_cannot_do(generator):
    with pytest.raises(ValueError, match="num_directions: expected a whole number from 0 to"):
        widgets.content_directions(generator, generator.content_dim + 1)


# ---- live pictures and files -----------------------------------------------------------------------------


def test_live_picture():
    live = widgets.LivePicture()
    live.show(square(side=5), "step 10 < 20")
    assert 'alt="A red square, 5 wide, 100."' in live.value
    assert "step 10 &lt; 20" in live.value


@pytest.mark.parametrize("version", [7, 8])
def test_uploads_of_both_versions(version, tmp_path):
    if version == 7:
        value = {"a.mov": {"metadata": {"name": "a.mov"}, "content": b"one"}}
    else:
        value = ({"name": "a.mov", "type": "video/quicktime", "size": 3, "content": memoryview(b"one")},)
    assert widgets.save_uploads(value, tmp_path / "new") == ["a.mov"]
    assert (tmp_path / "new" / "a.mov").read_bytes() == b"one"


@pytest.mark.parametrize("name", ["../a.mp4", "HERE/a.mp4", "..\\a.mp4", "C:\\b\\a.mp4"])
def test_uploads_stay_in_their_folder(name, tmp_path):
    name = name.replace("HERE", str(tmp_path))  # an absolute name
    assert widgets.save_uploads(({"name": name, "content": b"x"},), tmp_path / "in") == ["a.mp4"]
    assert [path.parent.name for path in tmp_path.rglob("*.mp4")] == ["in"]
    assert [path.name for path in tmp_path.rglob("*.mp4")] == ["a.mp4"]


def test_an_upload_never_writes_over_another_file(tmp_path):
    def save(*contents):
        return widgets.save_uploads(
            [{"name": "a.b.mp4", "content": content} for content in contents], tmp_path
        )

    assert widgets.save_uploads([{"name": "/", "content": b"x"}], tmp_path / "in") == ["upload"]
    (tmp_path / "a.b-2.mp4").mkdir()
    assert save(b"one", b"two", b"one") == ["a.b.mp4", "a.b-3.mp4", "a.b.mp4"]
    assert save(b"two", b"four") == ["a.b-3.mp4", "a.b-4.mp4"]
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert files == {"a.b.mp4": b"one", "a.b-3.mp4": b"two", "a.b-4.mp4": b"four"}


@pytest.mark.parametrize("name", ["a" * 300 + ".mp4", "\u00e4" * 126 + ".mp4"])
def test_an_upload_whose_name_no_disk_takes_is_one_error(tmp_path, name):
    with pytest.raises(ValueError, match="cannot keep an upload here: .*rename the file"):
        widgets.save_uploads([{"name": name, "content": b"x"}], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_is_too_large_is_refused_with_advice(tmp_path):
    large = ({"name": "a.mp4", "content": bytes(widgets.LARGEST_UPLOAD + 1)},)
    with pytest.raises(ValueError, match="drag large files into"):
        widgets.save_uploads(large, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(ipywidgets.__version__ < "8", reason="ipywidgets 7 fills an upload from the browser only")
def test_upload_panel_saves_and_says_so(tmp_path):
    panel = widgets.upload_panel(tmp_path)
    file = {
        "name": "a<b.mp4",
        "type": "video/mp4",
        "size": 1,
        "content": memoryview(b"x"),
        "last_modified": NOW,
    }
    panel.button.set_trait("value", (file,))
    assert panel.message.value == f'<p role="status">Saved in {tmp_path}: a&lt;b.mp4</p>'
    assert (tmp_path / "a<b.mp4").is_file()
    panel.label.value = " jump "
    panel.button.set_trait("value", (file | {"name": "c.mp4"},))
    assert (tmp_path / "jump" / "c.mp4").is_file()
    for label in ("..", "a/b"):
        panel.label.value = label
        panel.button.set_trait("value", (file | {"name": f"{label[0]}.mov"},))
        assert "label: expected" in panel.message.value
    assert not list(tmp_path.rglob("*.mov"))


def test_the_folder_for_uploads_is_there_and_says_what_goes_into_it(tmp_path):
    folder = tmp_path / "notebooks" / "my_videos"
    widgets.upload_panel(folder)
    widgets.upload_panel(folder)  # a cell may run twice
    assert [path.name for path in folder.iterdir()] == ["README.txt"]
    note = (folder / "README.txt").read_text(encoding="utf-8")
    assert "sub-folder" in note
    assert f"{widgets.LARGEST_ARCHIVE / 2**20:.0f} MB" in note
    (folder / "README.txt").write_text("mine")
    widgets.upload_panel(folder)
    assert (folder / "README.txt").read_text() == "mine"


def packed(path, files):
    """A zip file of names and contents."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def test_an_archive_keeps_the_labels_and_gives_nothing_but_videos(tmp_path):
    names = [
        "films/jump/a.mov",
        "films/turn/a.mov",
        "b.mp4",
        "films/notes.txt",
        "__MACOSX/films/jump/._a.mov",
    ]
    packed(tmp_path / "films.zip", {name: name.encode() for name in names})
    found = ["jump/a.mov", "turn/a.mov", "b.mp4"]
    assert widgets.unpack_videos(tmp_path) == found
    assert widgets.unpack_videos(tmp_path) == found  # again: nothing new
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {*found, "films.zip"}
    assert (tmp_path / "turn" / "a.mov").read_bytes() == b"films/turn/a.mov"


@pytest.mark.parametrize("name", ["../a.mov", "/a.mov", "..\\..\\a.mov", "jump/../../a.mov"])
def test_an_archive_stays_in_its_folder(name, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    packed(folder / "x.zip", {name: b"x"})
    widgets.unpack_videos(folder)
    assert [path.relative_to(folder).parts[-1] for path in tmp_path.rglob("*.mov")] == ["a.mov"]


def test_archives_that_cannot_be_used_are_one_error(tmp_path, monkeypatch):
    (tmp_path / "x.zip").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="x.zip: cannot be unpacked: .*pack it again"):
        widgets.unpack_videos(tmp_path)
    (tmp_path / "long").mkdir()
    packed(tmp_path / "long" / "y.zip", {f"{'a' * 300}/c.mov": b"x"})
    with pytest.raises(ValueError, match="y.zip, a+/c.mov: label: expected"):
        widgets.unpack_videos(tmp_path / "long")
    monkeypatch.setattr(widgets, "LARGEST_ARCHIVE", 3 * 2**20)
    packed(tmp_path / "x.zip", {"a.mov": bytes(2**20), "b.mov": bytes(3 * 2**20)})
    with pytest.raises(ValueError, match="expected up to 3 MB of videos, received 4 MB"):
        widgets.unpack_videos(tmp_path)
    assert list(tmp_path.glob("*.mov")) == []
