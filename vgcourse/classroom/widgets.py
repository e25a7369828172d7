"""Play: sliders and menus around a function that draws, and the control panel of a trained generator.

Clips are uint8 `(num_frames, height, width, 3)` in the stored range. Works with ipywidgets 7 and 8. Pictures
are HTML widgets and not `Image`, since only those carry alt text. All controls are ipywidgets' own, so the
keyboard reaches them: Tab to a control, arrow keys to move it, Space to press or tick it.
"""

import base64
import functools
import html
import io
import itertools
import os
import zipfile
import zlib
from pathlib import Path

import ipywidgets
import numpy as np
from PIL import Image

from vgcourse import datasets, generate
from vgcourse.arguments import whole_number
from vgcourse.files import new_file
from vgcourse.show import Picture, auto_scale, enlarge

SHOWN = 384  # pixels: smaller pictures are shown this wide
PEOPLE = 1000  # person seeds that the control panel knows
LARGEST_UPLOAD = 8 * 2**20  # bytes at a time: Jupyter cuts the line to the kernel at 10 MB
LARGEST_ARCHIVE = 200 * 2**20  # bytes of the videos in one archive
VIDEOS_NOTE = """\
Your videos go here.

- Drag them onto this folder in the file list, on the left of the notebook. This takes large files, too.
- Several kinds of motion? Make a sub-folder for each and name it: jump, turn, wave. Its name is the label.
- Or pack such folders into a .zip on your own machine and drag that here, up to 200 MB. The lesson unpacks
  it and keeps the labels.

Film people only if they agreed that a model learns from the video. All of this stays on the machine on which
the notebook runs.
"""


# ---- a panel around a function ---------------------------------------------------------------------------


# What ipywidgets cannot say from Python, said by the page once the panel stands in it: Lab's keys (b, d d) do
# not act while a control has the focus, a slider's handle has the name that stands beside it, and the caption
# is read aloud when it changes. Where scripts do not run, all else works.
READY = """\
<img alt="" width="1" height="1"
 src="data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
 onload="const image = this, look = (times) => {
 const panel = image.closest('.vgcourse-panel');
 if (panel) {
 panel.querySelector('.vgcourse-caption').setAttribute('aria-live', 'polite');
 for (const control of panel.querySelectorAll('.noUi-handle, select, button, input, a'))
 control.setAttribute('data-lm-suppress-shortcuts', 'true');
 for (const handle of panel.querySelectorAll('.noUi-handle')) {
 const label = handle.closest('.widget-inline-hbox').querySelector('.widget-label');
 handle.setAttribute('aria-label', label.textContent); } }
 if (times) setTimeout(look, 500, times - 1); }; look(6)">"""
DOWNLOAD = """\
<a href="#" download="{name}" style="margin-left:8px; text-decoration:underline" onclick="
 this.href = this.closest('.vgcourse-panel').querySelector('.vgcourse-picture img').src">download</a>"""


class Panel(ipywidgets.VBox):
    """A picture, beside it the controls that it follows, below it what it shows in words; made by `explore`.

    Attributes:
        controls: dict, name -> widget.
        moving: box to tick; without the tick a moving picture shows its still.
        buttons: dict, name -> button.
        picture: HTML widget with the picture.
        caption: HTML widget that says what the picture shows.
        message: HTML widget with what `draw` objected to, or nothing.
        code: text area, shown at a press of "as code": the call that makes what is shown.
    """

    def __init__(self, draw, controls, groups=None, as_code=None):
        self.controls, self._draw, self._drawn, self._held = controls, draw, None, False
        self._start = {name: widget.value for name, widget in controls.items()}
        self._rng = np.random.default_rng(0)
        self._as_code = as_code or functools.partial(_call, getattr(draw, "__name__", "draw"))
        self.moving = _control("moving", True)
        self.picture, self.message, self._link = (ipywidgets.HTML() for _ in range(3))
        self.caption = ipywidgets.HTML(layout={"max_width": "50em"})
        self.code = ipywidgets.Textarea(
            rows=6, layout={"width": "95%", "max_width": "50em", "display": "none"}
        )
        self.buttons = self._make_buttons()
        beside = self._lay_out(groups or {"": list(controls)})
        super().__init__([beside, self.caption, self.message, self.code, ipywidgets.HTML(READY)])
        for widget, name in ((self, "panel"), (self.picture, "picture"), (self.caption, "caption")):
            widget.add_class(f"vgcourse-{name}")
        for widget in controls.values():
            widget.observe(self.update, "value")
        self.moving.observe(self._show, "value")
        self.update()

    def _lay_out(self, groups):
        """The picture at the left, the controls beside it, or below where the picture needs the room."""
        left = ipywidgets.Box([self.picture], layout={"flex": "0 1 auto", "margin": "0 1em 0 0"})
        right = ipywidgets.VBox(
            [*self._groups(groups), self._bar()], layout={"flex": "1 1 20em", "max_width": "36em"}
        )
        return ipywidgets.Box([left, right], layout={"flex_flow": "row wrap", "align_items": "flex-start"})

    def _groups(self, groups):
        """Boxes of controls, each below its title; the last has the box to tick, too."""
        for place, (title, names) in enumerate(groups.items()):
            widgets = [self.controls[name] for name in names]
            heading = [ipywidgets.HTML(f"<strong>{html.escape(title)}</strong>")] if title else []
            last = [self.moving] if place == len(groups) - 1 else []
            yield ipywidgets.VBox([*heading, *widgets, *last])

    def _make_buttons(self):
        presses = {"dice": self._throw, "back to the start": lambda _: self.set(**self._start)}
        made = {}
        for name, press in presses.items():
            made[name] = ipywidgets.Button(description=name, layout={"width": "auto"})
            made[name].on_click(press)
        made["as code"] = ipywidgets.ToggleButton(description="as code", layout={"width": "auto"})
        made["as code"].observe(self._show, "value")
        return made

    def _bar(self):
        row = {"flex_flow": "row wrap", "align_items": "center"}
        return ipywidgets.Box([*self.buttons.values(), self._link], layout=row)

    def _throw(self, _):
        self.set(**{name: _any_value(widget, self._rng) for name, widget in self.controls.items()})

    def set(self, **values):
        """Set several controls and draw once.

        Args:
            **values: name of a control -> its new value.
        """
        self._held = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self._held = False
        self.update()

    def update(self, _=None):
        """Draw anew from what the controls say."""
        if self._held:
            return
        try:
            drawn = self._draw(**self._values())
        except ValueError as error:
            self.message.value = f'<p role="alert">{html.escape(str(error))}</p>'
            return
        self.message.value, self._drawn = "", drawn
        self.moving.layout.display = "none" if drawn.gif is None else None
        self._show()

    def _values(self):
        return {name: widget.value for name, widget in self.controls.items()}

    def _show(self, _=None):
        is_asked = self.buttons["as code"].value
        self.code.layout.display = None if is_asked else "none"
        if is_asked:
            self.code.value = self._as_code(**self._values())
        if self._drawn is None:
            return
        self.picture.value = as_html(self._drawn, moving=self.moving.value)
        self.caption.value = html.escape(self._drawn.alt)
        kind = "gif" if self.moving.value and self._drawn.gif is not None else "png"
        link = DOWNLOAD.format(name=f"panel.{kind}")
        if self._link.value != link:
            self._link.value = link

    def __repr__(self):
        return f"A panel of controls, for a running notebook: {', '.join(self.controls)}."


def explore(draw, **controls):
    """A panel of controls and the picture that `draw` makes of their values.

    Args:
        draw: called as `draw(**values)` at every change; returns a `show.Picture`. What it objects to, a
            `ValueError`, is shown below the picture.
        **controls: name -> `(low, high)` or `(low, high, start)` of ints or floats for a slider, a list
            of texts for a menu, a bool for a box to tick, or a ready widget. The name, with spaces for
            underscores, is the label.

    Returns:
        A `Panel`, which is an `ipywidgets.VBox`.
    """
    return Panel(draw, {name: _control(name, value) for name, value in controls.items()})


def as_html(picture, *, moving=True):
    """An `<img>` element for a picture, with its alt text.

    Args:
        picture: a `show.Picture`.
        moving: False shows the still of a moving picture.

    Returns:
        HTML that is complete in itself.
    """
    animated = moving and picture.gif is not None
    data = base64.b64encode(picture.gif if animated else picture.png).decode()
    kind = "gif" if animated else "png"
    width, height = Image.open(io.BytesIO(picture.png)).size
    scale = max(picture.zoom, SHOWN / width)
    # With its size known in advance, the page does not jump while the next picture is decoded.
    return (
        f'<img alt="{html.escape(picture.alt, quote=True)}" width="{scale * width:.0f}"'
        f' height="{scale * height:.0f}"'
        f' src="data:image/{kind};base64,{data}" style="max-width:100%; height:auto">'
    )


def _control(name, value):
    """The widget for one entry of `controls`."""
    options = {
        "description": name.replace("_", " "),
        "style": {"description_width": "9em"},
        "layout": {"width": "95%", "max_width": "36em"},
    }
    if isinstance(value, ipywidgets.Widget):
        return value
    if isinstance(value, bool):
        return ipywidgets.Checkbox(value=value, **options)
    if isinstance(value, list):
        return ipywidgets.Dropdown(options=value, **options)
    low, high, *start = value
    whole = isinstance(low, int) and isinstance(high, int)
    slider, step = (ipywidgets.IntSlider, 1) if whole else (ipywidgets.FloatSlider, (high - low) / 100)
    return slider(value=start[0] if start else low, min=low, max=high, step=step, **options)


def _any_value(widget, rng):
    """A value that a control can take, at random; its own where nothing is known of its kind."""
    if isinstance(widget, ipywidgets.Checkbox):
        return bool(rng.integers(2))
    if isinstance(widget, ipywidgets.Dropdown):
        return widget.options[rng.integers(len(widget.options))]
    if isinstance(widget, ipywidgets.IntSlider):
        return int(rng.integers(widget.min, widget.max + 1))
    if isinstance(widget, ipywidgets.FloatSlider):
        return widget.min + round(rng.random() * (widget.max - widget.min) / widget.step) * widget.step
    return widget.value


def _call(function, **values):
    """The call of a function with these values, as one would write it."""
    rounded = {name: round(v, 6) if isinstance(v, float) else v for name, v in values.items()}
    return f"{function}({', '.join(f'{name}={value!r}' for name, value in rounded.items())})"


# ---- the control panel of a generator --------------------------------------------------------------------


def control_panel(generator, *, num_looks=4):
    """Choose the action, the person and the way of moving, and see the clip.

    Args:
        generator: a `models.VideoGenerator` or a `generate.TwoStageGenerator`.
        num_looks: sliders that change the person along one direction each, see `content_directions`.

    Returns:
        A `Panel`.
    """
    directions = content_directions(generator, num_looks)
    looks = [f"look_{k + 1}" for k in range(len(directions))]

    @functools.lru_cache(maxsize=64)
    def clip_of(action, person, blend_with, blend, motion, *shifts):
        people = generate.content_codes(generator, [person, blend_with])
        code = (
            generate.content_path(generator, *people, 101)[round(100 * blend)]
            + np.float32(shifts) @ directions
        )
        noise = generate.motion_noise(generator, [motion])
        clip = generate.make_clips(generator, code[None], noise, [action])[0]
        return clip, slice(None) if generator.makes_loops else slice(*generate.best_loop(clip))

    def draw(action, person, blend_with, blend, motion, speed, loop, **shifts):
        clip, smooth = clip_of(action, person, blend_with, blend, motion, *shifts.values())
        other = f", {blend:.0%} of the way to person {blend_with}," if blend else ""
        changed = [f"{name.replace('_', ' ')} {value:+.1f}" for name, value in shifts.items() if value]
        alt = f"Generated: person {person}{other} does {action}. {', '.join(changed)}".strip()
        return _quick_picture(clip[smooth] if loop else clip, alt, fps=speed * generator.fps)

    ranges = {
        "action": list(generator.action_names),
        "person": (0, PEOPLE - 1, 7),
        "blend_with": (0, PEOPLE - 1, 3),
        "blend": (0.0, 1.0),
        **dict.fromkeys(looks, (-3.0, 3.0, 0.0)),
        "motion": (0, 99, 1),
        "speed": (0.5, 2.5, 1.0),  # a hundredth of the way is 0.02: the slider can stand at 1
        "loop": True,
    }
    groups = {
        "Who": ["person", "blend_with", "blend", *looks],
        "Action": ["action"],
        "Motion": ["motion"],
        "Playback": ["speed", "loop"],
    }
    controls = {name: _control(name, value) for name, value in ranges.items()}
    code = functools.partial(_clip_code, generator, num_looks)
    panel = Panel(draw, controls, groups, code)
    _add_another_person(panel)
    _grey_out(panel, generator)
    return panel


def _clip_code(generator, num_looks, *, action, person, blend_with, blend, motion, speed, loop, **shifts):
    """Code that makes the clip which the panel shows, of a `generator`."""
    lines = ["from vgcourse import generate, show", "from vgcourse.classroom import widgets", ""]
    lines += [f"codes = generate.content_codes(generator, [{person}, {blend_with}])"]
    lines += [f"code = generate.content_path(generator, *codes, 101)[{round(100 * blend)}]"]
    if any(shifts.values()):
        moved = [round(value, 2) for value in shifts.values()]
        lines += [f"code = code + {moved} @ widgets.content_directions(generator, {num_looks})"]
    lines += [f"noise = generate.motion_noise(generator, [{motion}])"]
    lines += [f"clip = generate.make_clips(generator, code[None], noise, [{action!r}])[0]"]
    if loop and not generator.makes_loops:
        lines += ["clip = clip[slice(*generate.best_loop(clip))]"]
    return "\n".join([*lines, f"show.show_clip(clip, fps={speed * generator.fps:g}, alt={action!r})"])


def _grey_out(panel, generator):
    """Keep controls that change nothing now from being moved."""
    named, moving = panel.controls, panel.moving

    def look(_=None):
        named["blend_with"].disabled = named["blend"].value == 0
        named["person"].disabled = named["blend"].value == 1
        named["speed"].disabled = not moving.value
        named["loop"].disabled = generator.makes_loops

    for widget in (named["blend"], moving):
        widget.observe(look, "value")
    look()


def content_directions(generator, num_directions, *, num_people=256, seed=0):
    """The directions of the content code along which the picture changes most, one standard deviation long.

    Many people are drawn in one pose, a linear map from codes to pixels is fitted, and its singular vectors
    are taken: the first changes most.

    Args:
        generator: a `models.VideoGenerator` or a `generate.TwoStageGenerator`.
        num_directions: how many.
        num_people: people to draw.
        seed: of their codes.

    Returns:
        float32 `(num_directions, content_dim)`.

    Raises:
        ValueError: more directions than the content code is long.
    """
    whole_number("num_directions", num_directions, 0, generator.content_dim)
    if isinstance(generator, generate.TwoStageGenerator):
        return generate.look_directions(generator, num_directions)
    rng = np.random.default_rng(seed)
    codes = rng.standard_normal((num_people, generator.content_dim), np.float32)
    pose = generator.motion_rnn([generate.motion_noise(generator, [seed]), np.zeros(1, np.int32)])[:, :1]
    frames = np.asarray(generator.render(codes, np.repeat(pose, num_people, axis=0)))
    pixels = frames.reshape(num_people, -1)
    linear_map = np.linalg.lstsq(codes, pixels - pixels.mean(axis=0))[0]  # (content_dim, pixels)
    found = np.linalg.svd(linear_map @ linear_map.T)[0].T[:num_directions]
    # The sign of a singular vector is arbitrary: choose one, so that a slider's right is always its right.
    return found * np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])[:, None]


def _add_another_person(panel):
    """Dice for the person alone, as they are: nothing blended in, no look changed."""
    rng, button = np.random.default_rng(0), panel.buttons["dice"]
    plain = {name: 0.0 for name in panel.controls if name == "blend" or name.startswith("look")}
    button.on_click(panel._throw, remove=True)
    button.on_click(lambda _: panel.set(person=int(rng.integers(PEOPLE)), **plain))
    button.description = "another person"
    panel.buttons = {"another person": panel.buttons.pop("dice"), **panel.buttons}


def _quick_picture(clip, alt, *, fps):
    """As `show.show_clip` in a third of the time: all frames coloured at once, a PNG that is not squeezed."""
    clip = enlarge(clip, auto_scale(clip.shape[2]))
    coloured = Image.fromarray(np.concatenate(clip)).quantize(256, method=Image.Quantize.FASTOCTREE)
    frames = [Image.fromarray(frame) for frame in np.asarray(coloured).reshape(clip.shape[:3])]
    for frame in frames:
        frame.putpalette(coloured.getpalette())
    gif, png = io.BytesIO(), io.BytesIO()
    ticks = max(2, round(100 / fps))  # GIF counts in 1/100 s
    animation = {"save_all": True, "append_images": frames[1:], "duration": 10 * ticks, "loop": 0}
    frames[0].save(gif, "GIF", optimize=False, **animation)
    Image.fromarray(clip[0]).save(png, "PNG", compress_level=1)
    return Picture(alt, png.getvalue(), gif.getvalue())


# ---- pictures while a cell runs, files from the browser --------------------------------------------------


class LivePicture(ipywidgets.HTML):
    """A place for pictures that change while a cell runs, such as samples during a training."""

    def __init__(self):
        super().__init__("<p>The picture appears here while the next cell runs.</p>")

    def show(self, picture, caption=""):
        """Show another `show.Picture`, with a line of text below it."""
        self.value = f"{as_html(picture)}<p>{html.escape(caption)}</p>"

    def __repr__(self):
        return "A live picture, for a running notebook."


def upload_panel(folder):
    """A button that puts videos from the reader's machine into a folder, up to 8 MB at a time.

    The folder is there from the start, with a note on what may come into it: larger files are dragged there.

    Args:
        folder: where they go; those that get a label go into a sub-folder of that name.

    Returns:
        An `ipywidgets.VBox` with attributes `label`, `button` and `message`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "README.txt").exists():  # perhaps the reader's own
        (folder / "README.txt").write_text(VIDEOS_NOTE, encoding="utf-8")
    button = ipywidgets.FileUpload(accept="video/*,.mov,.mkv,.gif", multiple=True, description="Add videos")
    label, message = ipywidgets.Text(description="label", placeholder="optional"), ipywidgets.HTML()
    panel = ipywidgets.VBox([label, button, message])
    panel.label, panel.button, panel.message = label, button, message

    def keep(_):
        try:
            place = folder / _checked_label(label.value) if label.value.strip() else folder
            text = f"Saved in {place}: " + ", ".join(save_uploads(button.value, place))
        except (ValueError, OSError) as error:
            text = str(error)
        message.value = f'<p role="status">{html.escape(text)}</p>'

    button.observe(keep, "value")
    return panel


def _checked_label(label):
    """A label that can be the name of one folder, and of none above."""
    label = label.strip()
    if fault := datasets.label_fault(label) or (label.startswith(".") and "expected no dot in front"):
        raise ValueError(f"label: {fault}")
    return label


def unpack_videos(folder):
    """Unpack the archives (`.zip`) in a folder: the folder in which a video lies becomes its label.

    Nothing but videos is taken out, none is written over, and nothing lands outside of the folder. Called
    again, it changes nothing.

    Args:
        folder: where the archives are, and where the videos go, each into the sub-folder of its label.

    Returns:
        Paths of the videos below the folder, as texts such as "jump/IMG_1.mov".

    Raises:
        ValueError: an archive is damaged, has a password, holds more than 200 MB of videos, or a folder in it
            cannot be a label.
    """
    folder, kept = Path(folder), []
    for archive in sorted(folder.glob("*.zip")):
        try:
            with zipfile.ZipFile(archive) as packed:
                kept += [_unpack(packed, info, folder) for info in _videos_in(packed, archive)]
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
            advice = "pack it again, as a plain .zip without a password"
            raise ValueError(f"{archive}: cannot be unpacked: {error}; {advice}") from error
    return kept


def _videos_in(packed, archive):
    """Entries of the videos in an archive, if they are not too many bytes together."""
    infos = [info for info in packed.infolist() if not info.is_dir() and _is_video(_parts(info.filename))]
    found, most = (size / 2**20 for size in (sum(info.file_size for info in infos), LARGEST_ARCHIVE))
    if found > most:
        raise ValueError(
            f"{archive}: expected up to {most:.0f} MB of videos, received {found:.0f} MB; make several"
        )
    return infos


def _parts(name):
    """Folders and file of a name in an archive; none that leads upwards."""
    return [part for part in name.replace("\\", "/").split("/") if part.strip() and part != ".."]


def _is_video(parts):
    """Whether this is a video, and none that a system hides: macOS adds `__MACOSX/._a.mov`."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return bool(parts) and not hidden and Path(parts[-1]).suffix.lower() in datasets.VIDEO_SUFFIXES


def _unpack(packed, info, folder):
    """Write one video of an archive below the folder; returns its path there, as text."""
    *above, file = _parts(info.filename)
    try:
        place = folder / _checked_label(above[-1]) if above else folder
    except ValueError as error:
        raise ValueError(f"{packed.filename}, {info.filename}: {error}") from error
    with packed.open(info) as stream:
        content = stream.read(info.file_size)  # no more than the archive says that there is
    return (place / _keep_upload(place / file, content)).relative_to(folder).as_posix()


def save_uploads(uploads, folder):
    """Write what a `FileUpload` holds (`uploads`, its value) into a folder; returns the names of the files.

    A file of a name that is taken gets one of its own, such as `walk-2.mp4`; one that is there already with
    the same content is kept.

    Raises:
        ValueError: the files are larger than a notebook can take, or one cannot be written.
    """
    # With ipywidgets 8 the value is a tuple of dicts, with 7 a dict by name.
    if isinstance(uploads, dict):
        uploads = [{"name": name, "content": file["content"]} for name, file in uploads.items()]
    total = sum(len(file["content"]) for file in uploads)
    if total > LARGEST_UPLOAD:
        raise ValueError(
            f"expected up to {LARGEST_UPLOAD / 2**20:.0f} MB at a time, received {total / 2**20:.0f} MB: "
            f"drag large files into {folder} in the file list on the left instead; there is no such limit"
        )
    # Never above the folder, and never the folder itself.
    names = [Path(file["name"].replace("\\", "/")).name or "upload" for file in uploads]
    pairs = zip(names, uploads, strict=True)
    try:
        return [_keep_upload(Path(folder) / name, bytes(file["content"])) for name, file in pairs]
    except OSError as error:  # a name that is too long, to begin with
        raise ValueError(f"{folder}: cannot keep an upload here: {error}; rename the file") from error


def _keep_upload(path, content):
    """Write a file under the first name that is free or holds the same; returns the name."""
    for number in itertools.count(1):
        found = path.with_stem(f"{path.stem}-{number}") if number > 1 else path
        if found.is_file() and found.read_bytes() == content:
            return found.name
        if not os.path.lexists(found):
            with new_file(found) as part:
                part.write_bytes(content)
            return found.name
