"""What the web book makes of notebooks and Markdown; the finished site is tested in `tests/book/browser`."""

import ast
import base64
import html
import io
import json
import re

import nbformat
import numpy as np
import pytest
from PIL import Image
from test_widgets import drive

pytest.importorskip("onnx", reason="the dependency group book is not installed")

from book import __main__ as build
from book import frames, gallery, players, staging
from vgcourse import show
from vgcourse.classroom import widgets

LESSONS = staging.lessons()
ids = [path.stem for path in LESSONS]


def panels(path):
    """Cells of a lesson with a panel."""
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code" and "widgets." in cell.source]
    return cells, [cell for cell in code if frames.find_panel(cell.source)]


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


# ---- pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[x](01_preprocess_video.ipynb)", "[x](01_preprocess_video.ipynb)"),
        ("[x](../data/README.md#who)", "[x](../datasheet.md#who)"),
        ("[x](https://example.org/a.png)", "[x](https://example.org/a.png)"),
        ("[x](#here)", "[x](#here)"),
        ("![x](picture.png)", "![x](picture.png)"),
        ("[![Open](https://a.org/b.svg)](https://a.org/c)", "[Open](https://a.org/c)"),
    ],
)
def test_links_stay_in_the_book(text, expected):
    assert staging.relink(text, staging.NOTEBOOKS) == expected


def test_other_files_are_in_the_repository():
    linked = staging.relink("[x](../CONTRIBUTING.md)", staging.NOTEBOOKS)
    assert linked == f"[x]({staging.repository()}/blob/main/CONTRIBUTING.md)"


def test_alt_text_and_pictures_of_an_output(tmp_path):
    clip = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    bundle = show.show_clip(clip, fps=10, alt="Some <noise>,\nmoving.")._repr_mimebundle_()
    cell = nbformat.v4.new_code_cell("1")
    output = nbformat.v4.new_output("execute_result", bundle)
    staging.stage_output(cell, output, tmp_path)
    assert cell.metadata["mystnb"]["image"]["alt"] == "Some <noise>, moving."
    page = output.data["text/html"]
    assert "data:" not in page
    names = re.findall(r'src="\.\./_static/pictures/([^"]+)" loading="lazy"', page)
    still, moving = ((tmp_path / "pictures" / name).read_bytes() for name in names)
    assert still == base64.b64decode(bundle["image/png"])
    assert Image.open(io.BytesIO(moving)).n_frames == 3


def durations(moving):
    """Milliseconds that each frame is shown."""
    found = []
    for place in range(moving.n_frames):
        moving.seek(place)
        moving.load()  # only then is it known
        found.append(moving.info["duration"])
    return found


def test_webp_keeps_the_picture_its_pace_and_what_it_says(tmp_path):
    rows = np.arange(64)[:, None] + 40 * np.arange(4)[:, None, None, None]  # (time, 1, row, 1)
    clip = np.broadcast_to(rows.reshape(4, 64, 1, 1), (4, 64, 64, 3)).astype(np.uint8)
    gif = show.show_clip(clip, fps=8).gif
    commented = io.BytesIO()
    source = Image.open(io.BytesIO(gif))
    source.save(commented, "GIF", save_all=True, comment=b"generated")
    moving = Image.open(io.BytesIO(players.to_webp(commented.getvalue())))
    assert (moving.format, moving.n_frames) == ("WEBP", 4)
    assert moving.getexif()[0x010E] == "generated"
    assert [durations(moving), durations(source)] == [[120, 130, 130, 120]] * 2  # 12.5 hundredths of a second
    error = np.asarray(moving.convert("RGB"), float) - np.asarray(source.convert("RGB"), float)
    assert np.abs(error).mean() < 6


@pytest.mark.parametrize("path", LESSONS, ids=ids)
def test_every_panel_has_something_in_its_place(path, tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "write_figure", lambda *_: "<figure class='frames'></figure>\n")
    before, after = nbformat.read(path, as_version=4), staging.stage_notebook(path, tmp_path)
    outputs = [output for cell in before.cells for output in cell.get("outputs", [])]
    expected = sum(staging.is_panel(output) for output in outputs)
    assert expected == len(panels(path)[1]) + ("11" in path.stem)  # and the button for uploads
    text = [cell.source for cell in after.cells if cell.cell_type == "markdown"]
    assert sum("class='frames'" in t or "running kernel" in t for t in text) >= expected
    assert not any(staging.is_panel(o) for cell in after.cells for o in cell.get("outputs", []))


@pytest.mark.parametrize("path", staging.solutions(), ids=lambda path: path.stem)
def test_solutions_page_has_every_exercise(path):
    page = staging.solutions_page(path)
    tagged = [c for c in nbformat.read(path, as_version=4).cells if "exercise" in c.metadata.get("tags", [])]
    assert re.findall(r"^## Exercise (\d)", page, re.MULTILINE) == [str(k + 1) for k in range(len(tagged))]
    blocks = re.findall(r"```python\n(.*?)\n```", page, re.DOTALL)
    assert blocks == [cell.source for cell in tagged]
    assert "orphan: true" in page  # not in the reading path


# ---- sliders without a kernel ----------------------------------------------------------------------------


def test_needed_code_is_what_the_names_depend_on():
    sources = [
        ("import numpy as np\nimport os\nfirst = 2\nprint(first)", None),
        ("def double(x):\n    return times(x)\nunused = os.name", None),
        ("other.fit(os)", "other"),
        ("def times(x):\n    local = np.float32(first)\n    return local * x", None),
    ]
    code = frames.needed_code(sources, {"double"})
    assert [type(node).__name__ for node in ast.parse(code).body] == [
        "Import",
        "Assign",
        "FunctionDef",
        "FunctionDef",
    ]
    space = {}
    exec(code, space)
    assert space["double"](4) == 8


@pytest.mark.parametrize(
    ("values", "count", "expected"),
    [
        ((-4.0, 4.0, -1.0), 9, ([-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0], -1.0)),
        ((0, 12, 2), 4, ([0, 2, 4, 8, 12], 2)),
        ((0.0, 1.0), 3, ([0.0, 0.5, 1.0], 0.0)),
        ((16, 120, 85), 0, ([85], 85)),
        (["walk", "run", "hop"], 2, (["walk", "run"], "walk")),
    ],
)
def test_positions_hold_both_ends_and_the_start(values, count, expected):
    assert frames.positions(values, count) == expected


def test_a_figure_shows_every_position_and_every_objection(tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "CACHE", tmp_path / "cache")
    code = """
import numpy as np
from vgcourse import show
from vgcourse.classroom import widgets
def draw(grey, sign):
    if grey == 200 and sign == "<minus>":
        raise ValueError("too bright & dark")
    frame = np.full((1, 1, 64, 64, 3), grey, np.uint8)
    return show.show_sheet(frame, alt=f"grey {grey} {sign}")
ranges = dict(grey=(0, 200, 50), sign=["plus", "<minus>"])
"""
    page = frames.write_figure(code, {"grey": 2, "sign": 2}, tmp_path / "shown", "over/there/")
    data = json.loads(re.search(r"<script[^>]*>(.*?)</script>", page, re.DOTALL).group(1))
    assert data["values"] == [[0, 50, 200], ["plus", "<minus>"]]
    assert [frame.get("alt", frame.get("objection")) for frame in data["frames"]] == [
        "grey 0 plus",
        "grey 0 <minus>",
        "grey 50 plus",
        "grey 50 <minus>",
        "grey 200 plus",
        "too bright & dark",
    ]
    shown = re.search(r'<img src="over/there/([^"]+)" width="(\d+)" height="(\d+)" alt="([^"]+)">', page)
    picture = Image.open(tmp_path / "shown" / shown.group(1))
    width, height = picture.size
    assert int(shown.group(2)) == 384 > width  # small ones are enlarged, as in the notebook
    assert int(shown.group(3)) == round(384 * height / width)
    assert html.unescape(shown.group(4)) == "grey 50 plus"
    assert abs(np.asarray(picture)[40, 50].astype(int) - 50).max() < 6
    assert "<option>&lt;minus&gt;</option>" in page

    drawn = next((tmp_path / "cache").iterdir()).stat().st_mtime_ns
    assert frames.write_figure(code, {"grey": 2, "sign": 2}, tmp_path / "again", "over/there/") == page
    assert [path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()] == [drawn]


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A small package with data, in the place of the course's."""
    names = ["vgcourse/__init__.py", "vgcourse/gan/models.py", "data/levers.csv", "data/actions/labels.csv"]
    names += ["data/checkpoints/generator.keras", "data/checkpoints/action_classifier.keras"]
    names += ["data/checkpoints/lessons/04.npz", "data/actions/walk/walk_000.mp4", "data/real/cup.webm"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(frames.vgcourse, "__file__", str(tmp_path / "vgcourse" / "__init__.py"))
    monkeypatch.setattr(frames.datasets, "data_folder", lambda: tmp_path / "data")
    return tmp_path, names


def test_pictures_are_drawn_anew_when_anything_they_depend_on_has_changed(house, monkeypatch):
    folder, names = house
    keys = [frames.drawing_key("code", {"a": 2})]
    assert frames.drawing_key("code", {"a": 2}) == keys[0]
    for name in names:
        (folder / name).write_text("changed")
        keys.append(frames.drawing_key("code", {"a": 2}))
    (folder / names[1]).rename(folder / "vgcourse" / "gan" / "losses.py")
    keys.append(frames.drawing_key("code", {"a": 2}))
    keys += [frames.drawing_key("other code", {"a": 2}), frames.drawing_key("code", {"a": 3})]
    monkeypatch.setenv("VGCOURSE_BUDGET", "small")
    keys.append(frames.drawing_key("code", {"a": 2}))
    monkeypatch.setattr(frames.importlib.metadata, "version", lambda name: "0")
    keys.append(frames.drawing_key("code", {"a": 2}))
    assert len(set(keys)) == len(keys)
    (folder / "vgcourse" / "__pycache__").mkdir()
    (folder / "vgcourse" / "__pycache__" / "gan.pyc").write_text("as is")
    assert frames.drawing_key("code", {"a": 2}) == keys[-1]


def test_needed_code_trains_what_is_drawn():
    sources = [
        ("from IPython.display import display\nmodel, rates = [], [1]", None),
        ("model.append(4)", None),  # changes it, but no tag says that this belongs to its training
        (
            "live = display('start')\nfor rate in rates:\n    model.append(rate)\n    live.update(rate)",
            "model",
        ),
    ]
    space = {}
    exec(frames.needed_code(sources, {"model"}), space)
    assert space["model"] == [1]


# No two machines train to the same weights, so these pictures are not compared.
TRAINED = {
    ("02", "draw_map"),
    ("03", "draw_moment"),
    ("04", "draw_walk"),
    ("10", "draw_flow"),
    ("10", "draw_guided"),
}


@pytest.mark.parametrize(("lesson", "name"), [("02", "draw_map"), ("04", "draw_walk"), ("10", "draw_guided")])
def test_a_panel_of_a_trained_model_trains_it(lesson, name):
    (path,) = (path for path in LESSONS if path.stem.startswith(lesson))
    cells, with_panel = panels(path)
    (cell,) = (cell for cell in with_panel if frames.drawn_by(frames.find_panel(cell.source)) == name)
    code = frames.panel_code(cells, cell)
    trained = [
        ast.unparse(ast.parse(c.source)) for c in cells if c.cell_type == "code" and frames.trained_by(c)
    ]
    # A lesson may train several models, and a panel needs one of them.
    assert any(all(line in code for line in source.splitlines()) for source in trained)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lesson", "name"), sorted(key for key in {*frames.DRAWN} - TRAINED if key[1] != "control_panel")
)
def test_a_panel_out_of_its_lesson_draws_what_the_lesson_shows(lesson, name):
    """The lesson calls the function once before it makes the panel: the same picture must come out."""
    path = next((path for path in LESSONS if path.stem.startswith(lesson)), None)
    if path is None:
        pytest.skip(f"lesson {lesson} is not built yet")
    cells, with_panel = panels(path)
    (cell,) = (cell for cell in with_panel if frames.drawn_by(frames.find_panel(cell.source)) == name)
    space = {}
    exec(frames.panel_code(cells, cell), space)
    start = {control: frames.positions(v, frames.DRAWN[lesson, name].get(control, 0))[1]
             for control, v in space["ranges"].items()}  # fmt: skip
    picture = space["draw"](**start)
    stored = [
        o.data["image/png"] for c in cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})
    ]
    same = [png for png in stored if pixels(base64.b64decode(png)).shape == pixels(picture.png).shape]
    distances = [np.abs(pixels(base64.b64decode(p)) - pixels(picture.png).astype(float)).mean() for p in same]
    assert min(distances, default=255) < 0.5, distances


# Those of trained models are left to the book itself, which draws them at every place of their controls.
EXPLORED = [
    (path.stem, frames.drawn_by(frames.find_panel(cell.source)))
    for path in LESSONS
    for cell in panels(path)[1]
    if frames.find_panel(cell.source).func.attr == "explore"
    and (path.stem[:2], frames.drawn_by(frames.find_panel(cell.source))) not in TRAINED
]


@pytest.mark.slow
@pytest.mark.parametrize(("lesson", "name"), EXPLORED)
def test_a_panel_reaches_the_ends_of_all_its_controls(lesson, name, monkeypatch):
    monkeypatch.setenv("VGCOURSE_BUDGET", "small")
    (path,) = (path for path in LESSONS if path.stem == lesson)
    cells, with_panel = panels(path)
    (cell,) = (cell for cell in with_panel if frames.drawn_by(frames.find_panel(cell.source)) == name)
    space = {}
    exec(frames.panel_code(cells, cell), space)
    panel, pictures = widgets.explore(space["draw"], **space["ranges"]), set()
    for values in drive(panel):
        assert not panel.message.value, (values, panel.message.value)
        pictures.add(panel.picture.value)
    assert len(pictures) > 1, "no control changes the picture"


def test_every_drawn_panel_is_one_of_a_lesson():
    found = {
        (path.name[:2], frames.drawn_by(frames.find_panel(cell.source)))
        for path in LESSONS
        for cell in panels(path)[1]
    }
    there = {key for key in frames.DRAWN if any(path.name.startswith(key[0]) for path in LESSONS)}
    assert there <= found
    assert {key for key in staging.LIVE if key[0] in {path.name[:2] for path in LESSONS}} <= found


# ---- the whole -------------------------------------------------------------------------------------------


def test_home_page_shows_the_picture_of_the_readme():
    picture = gallery.demo()
    assert picture.gif == (staging.ROOT / "docs" / "demo.gif").read_bytes()
    assert "walk" in picture.alt
    first = np.asarray(Image.open(staging.ROOT / "docs" / "demo.gif").convert("RGB"), float)
    assert np.abs(pixels(picture.png) - first).mean() < 4


def test_scripts_are_pinned_without_addresses():
    package = json.loads((build.BOOK / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((build.BOOK / "package-lock.json").read_text(encoding="utf-8"))
    wanted = package["dependencies"] | package["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    for name, version in wanted.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    entries = [entry for name, entry in lock["packages"].items() if name]
    assert all("integrity" in entry and "resolved" not in entry for entry in entries)
    served = {re.match(r"(@[^/]+/)?[^/]+", place).group() for place in build.VENDOR.values()}
    assert served == set(package["dependencies"])


def test_every_stage_is_described_in_the_order_of_the_path():
    """All but what carries it: files, commands, and the scale that nothing else needs."""
    listed = re.findall(r"automodule:: vgcourse\.(\S+)", (build.BOOK / "api.md").read_text("utf-8"))
    readme = (staging.ROOT / "README.md").read_text("utf-8")
    order = re.findall(r"^ {4}(\w+)/? {2,}\S", readme, flags=re.MULTILINE)
    stages, carry = (
        dict.fromkeys(name.split(".")[0] for name in listed),
        {"files", "arguments", "demo", "scale", "__main__"},
    )
    assert list(stages) == [name for name in order if name not in carry]
    for name in listed:
        place = staging.ROOT / "vgcourse" / name.replace(".", "/")
        assert place.is_dir() or place.with_suffix(".py").is_file(), name


def test_a_build_replaces_a_book_and_nothing_else(tmp_path):
    def site(text):
        folder = tmp_path / "site"
        folder.mkdir()
        (folder / ".buildinfo").write_text("sphinx")
        (folder / "index.html").write_text(text)
        return folder

    build.replace(tmp_path / "out", site("old"))
    build.replace(tmp_path / "out", site("new"))
    assert (tmp_path / "out" / "index.html").read_text() == "new"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear")
    with pytest.raises(SystemExit, match="no book"):
        build.replace(tmp_path / "mine", site("new"))
    assert (tmp_path / "mine" / "diary.txt").read_text() == "dear"


def test_a_missing_live_page_stops_the_build(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "BOOK", tmp_path)
    monkeypatch.setattr(build, "VENDOR", {})  # npm may not have run
    for name in ("book.css", "book.js", "frames.js"):
        (tmp_path / name).write_text("")
    (tmp_path / "package.json").write_text('{"dependencies": {}}')
    (tmp_path / "play").mkdir()
    (tmp_path / "source" / "_static" / "vendor").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="play.html"):
        build.stage_scripts(tmp_path / "source", tmp_path / "source" / "_static")
