"""Sliders that need no kernel: the pictures of a lesson's panel, drawn beforehand at some of its positions.

`widgets.explore(draw, ...)` calls `draw` at every move of a slider. Here the same function, taken out of the
notebook with all that it depends on, draws a picture for each of a few positions, and `frames.js` shows the
one that the reader's sliders ask for. `DRAWN` names the panels. What a panel's model learned in the lesson it
learns here again, in the cells tagged `trains-<variable>` or `warm-<variable>`.
"""

import ast
import hashlib
import html
import importlib.metadata
import io
import itertools
import json
import os
import re
import shutil
import symtable
from pathlib import Path

import numpy as np
from PIL import Image

import vgcourse
from vgcourse import datasets
from vgcourse.classroom import budget, widgets

# Lesson and function whose panel is drawn beforehand -> at how many positions of each control, besides where
# it starts. A control that is not named stays where it starts.
DRAWN = {
    ("01", "draw"): {"degrees": 5, "side": 3},
    ("02", "draw_map"): {"action": 10, "layer": 4, "channel": 4},
    ("03", "draw_game"): {"mean": 5, "downhill": 5, "loss": 2, "data": 2},
    ("03", "draw_moment"): {"game": 4, "snapshot": 11},
    ("04", "draw_walk"): {"first": 3, "second": 3, "position": 9},
    ("05", "seen_frames"): {"clip": 3, "frames": 5},
    ("06", "control_panel"): {"action": 10, "blend": 3},
    ("07", "draw_bells"): {"mean": 7, "spread": 4},
    ("08", "draw_lever"): {"lever": 20, "score": 6},
    ("08", "augmented_sheet"): {"right": 3, "hole_side": 4},
    ("08", "draw_average"): {"decay": 12},
    ("09", "draw_pose"): {"person": 3, "right_arm": 5, "right_elbow": 3, "left_knee": 3},
    ("10", "draw_flow"): {"time": 11},
    ("10", "draw_guided"): {"action": 4, "guidance": 5},
    ("12", "draw_speed_up"): {"devices": 5, "exchange": 6},
}
# Drawn anew only when something that a picture may depend on has changed.
CACHE = Path(__file__).parent / "_build" / "frames"
QUALITY = 85  # of the WebP files, in %
LIBRARIES = ("tensorflow", "keras", "numpy", "matplotlib", "pillow", "av", "imageio")  # draw, train or decode
TRAINS = re.compile(r"(?:trains|warm)-(\w+)")  # the tag of a cell that trains what is in a variable
MAGIC = re.compile(r"^\s*[%!]", re.MULTILINE)  # cells with IPython's own commands only set up

# For IPython's `display`: nobody watches a training here, so what it shows meanwhile is dropped.
UNSEEN = "import types\ndisplay = lambda *_, **__: types.SimpleNamespace(update=lambda *_: None)"

# What the control panel of a generator shows, as contact sheets, for the two of its controls that say most.
GENERATED = """
from vgcourse import generate, show
generator = generate.load_generator()
codes = generate.slerp(*generate.content_codes(generator, [7, 3]), 101)
def draw(action, blend):
    noise = generate.motion_noise(generator, [1])
    clip = generate.make_clips(generator, codes[round(100 * blend)][None], noise, [action])
    alt = f"Eight frames, from left to right: person 7, {blend:.0%} of the way to person 3, does {action}."
    return show.show_sheet(clip, alt=alt)
ranges = {"action": list(generator.action_names), "blend": (0.0, 1.0)}
"""

FIGURE = """\
<figure class="frames">
<div class="frames-controls" hidden>
{controls}
</div>
<img src="{prefix}{file}" width="{width}" height="{height}" alt="{alt}">
<p class="frames-words" role="status"></p>
<figcaption>Drawn beforehand, at some positions of the controls; in the notebook they move
freely.</figcaption> <script type="application/json">{data}</script>
</figure>
"""
SLIDER = (
    '<label><span>{label}</span> <input type="range" min="0" max="{last}" step="1" value="{start}">'
    " <output></output></label>"
)
MENU = "<label><span>{label}</span> <select>{options}</select></label>"


# ---- a lesson's function, without its lesson -------------------------------------------------------------


def find_panel(source):
    """The call that makes a panel; an `ast.Call`, or None if the code of this cell makes none.

    Args:
        source: code of a cell.
    """
    for node in ast.walk(ast.parse(source)):
        name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        if name in ("explore", "control_panel"):
            return node
    return None


def drawn_by(call):
    """The name of what is behind a panel: the function that `explore` is given, or `control_panel`."""
    return call.args[0].id if call.func.attr == "explore" else call.func.attr


def panel_code(cells, cell):
    """Code that binds the function behind a panel as `draw`, and the ranges of its controls as `ranges`.

    Args:
        cells: of the notebook.
        cell: the one whose output is the panel.
    """
    call = find_panel(cell.source)
    if call.func.attr == "control_panel":
        return GENERATED
    before = itertools.takewhile(lambda other: other is not cell, cells)
    code = [other for other in (*before, cell) if other.cell_type == "code"]
    ranges = ast.unparse(ast.Call(ast.Name("dict"), [], call.keywords))
    last = f"draw, ranges = {drawn_by(call)}, {ranges}"
    sources = [(other.source, trained_by(other)) for other in code if not MAGIC.search(other.source)]
    return f"{needed_code(sources, used(ast.parse(last)))}\n{last}\n"


def trained_by(cell):
    """The variable whose model a cell trains, by its tag, or None."""
    tags = map(TRAINS.fullmatch, cell.metadata.get("tags", []))
    return next((tag.group(1) for tag in tags if tag), None)


def needed_code(sources, names):
    """The statements of a notebook that some names depend on, in their order.

    Args:
        sources: `(code, variable)` for each cell, in order; the variable is what the cell trains, or None.
        names: the names.

    Returns:
        Code that binds them: imports, definitions, assignments, and whole cells that train one of them. What
        else only shows or changes something is left out.
    """
    statements = [(node, variable) for code, variable in sources for node in ast.parse(code).body]
    wanted, kept = set(names), set()
    while more := {k for k, pair in enumerate(statements) if made(*pair) & wanted} - kept:
        kept |= more
        wanted |= set().union(*(used(statements[k][0]) for k in more))
    nodes = [statements[k][0] for k in sorted(kept)]
    return "\n".join(UNSEEN if bound(node) == {"display"} else ast.unparse(node) for node in nodes)


def made(statement, variable):
    """Names whose value a statement binds or, in a cell that trains a variable, changes; a set."""
    return bound(statement) | {variable}


def bound(statement):
    """Names that a statement at the top level binds; a set."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    if isinstance(statement, ast.Assign):
        nodes = [node for target in statement.targets for node in ast.walk(target)]
        return {node.id for node in nodes if isinstance(node, ast.Name)}
    return set()


def used(statement):
    """Names of the top level that a statement, or a function in it, refers to; a set."""
    tables, found = [symtable.symtable(ast.unparse(statement), "cell", "exec")], set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        top = table.get_type() == "module"
        found |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
    return found


# ---- its pictures ----------------------------------------------------------------------------------------


def positions(values, count):
    """Where a control may stand, and where it starts.

    Args:
        values: `(low, high[, start])` or a list, as `widgets.explore` takes them.
        count: how many positions besides the start; 0 leaves the start alone. Of a list the first ones are
        taken.

    Returns:
        `(positions, start)`; positions is a list.
    """
    if isinstance(values, list):
        return values[: max(count, 1)], values[0]
    low, high, start = values if len(values) == 3 else (*values, values[0])
    grid = np.linspace(low, high, count)
    grid = grid.round().astype(int) if isinstance(low, int) else grid.round(2)
    return sorted({*grid.tolist(), start}), start


def drawing_key(code, counts):
    """A name for all that a panel's pictures depend on; another value asks for other pictures.

    That is the notebook's code, which is in `code`; every file of the package and of its data; the length of
    trainings; the libraries.

    Args:
        code, counts: as in `draw_frames`.

    Returns:
        A str of 24 hexadecimal digits.
    """
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    facts = [code, counts, QUALITY, versions, os.environ.get(budget.VARIABLE)]
    key = hashlib.sha256(json.dumps(facts).encode())
    key.update(Path(__file__).read_bytes())
    for folder in (Path(vgcourse.__file__).parent, datasets.data_folder()):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                key.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return key.hexdigest()[:24]


def draw_frames(code, counts):
    """Draw a panel at all its positions, or find that done.

    Args:
        code: of `panel_code`.
        counts: name of a control -> how many positions, see `positions`.

    Returns:
        A folder with the pictures and `figure.json`: `controls`, `[name, positions, start]` for each;
        `frames`, `{"file", "alt"}` or `{"objection"}` for each combination, the last control moving fastest;
        `size`.
    """
    folder = CACHE / drawing_key(code, counts)
    if (folder / "figure.json").is_file():
        return folder
    space = {}
    exec(compile(code, "a lesson's panel", "exec"), space)
    controls = [(name, *positions(v, counts.get(name, 0))) for name, v in space["ranges"].items()]
    folder.mkdir(parents=True, exist_ok=True)
    frames, size = [], None
    for k, values in enumerate(itertools.product(*(places for _, places, _ in controls))):
        try:
            picture = space["draw"](**{name: v for (name, *_), v in zip(controls, values, strict=True)})
        except ValueError as error:  # a panel shows what its function objects to, and so does the book
            frames.append({"objection": str(error)})
            continue
        still = Image.open(io.BytesIO(picture.png)).convert("RGB")
        still.save(folder / f"{k}.webp", quality=QUALITY, method=4)
        frames.append({"file": f"{k}.webp", "alt": picture.alt})
        size = still.size
    figure = {"controls": controls, "frames": frames, "size": size}
    (folder / "figure.json").write_text(json.dumps(figure), encoding="utf-8")
    return folder


# ---- and the figure that shows them ----------------------------------------------------------------------


def write_figure(code, counts, folder, prefix):
    """A figure with controls, one of the pictures, and words for those who do not see it.

    Args:
        code, counts: as in `draw_frames`.
        folder: Path where the pictures go.
        prefix: address of that folder, seen from the page; ends in a slash.

    Returns:
        HTML. Without scripts it shows the picture at the start, without controls.
    """
    drawn = draw_frames(code, counts)
    shutil.copytree(drawn, folder, ignore=shutil.ignore_patterns("*.json"), dirs_exist_ok=True)
    figure = json.loads((drawn / "figure.json").read_text(encoding="utf-8"))
    controls = figure["controls"]
    start = [places.index(value) for _, places, value in controls]
    first = figure["frames"][np.ravel_multi_index(start, [len(places) for _, places, _ in controls])]
    scale = max(1, widgets.SHOWN / figure["size"][0])  # as large as in the notebook
    movable = [control for control in controls if len(control[1]) > 1]
    data = {"prefix": prefix, "values": [places for _, places, _ in movable], "frames": figure["frames"]}
    return FIGURE.format(
        controls="\n".join(control_html(*control) for control in movable),
        prefix=prefix,
        file=first["file"],
        width=round(scale * figure["size"][0]),
        height=round(scale * figure["size"][1]),
        alt=html.escape(first["alt"]),
        data=json.dumps(data).replace("<", "\\u003c"),
    )


def control_html(name, places, start):
    """One control: a menu for texts, a slider over the places in the list for numbers.

    Args:
        name: of the control; with spaces for underscores it is the label.
        places: list of values.
        start: the value at first.
    """
    label = name.replace("_", " ")
    if isinstance(start, str):
        options = "".join(f"<option>{html.escape(place)}</option>" for place in places)
        return MENU.format(label=label, options=options)
    return SLIDER.format(label=label, last=len(places) - 1, start=places.index(start))
