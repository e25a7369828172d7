"""Make the saved states from which lessons train on under the small budget, see `classroom.budget`."""

import re
from pathlib import Path

import nbformat
import numpy as np

from lessons.build import run
from lessons.convert import NOTEBOOKS, ROOT, LessonError, convert
from vgcourse.classroom import budget
from vgcourse.files import new_file

TAG = "warm-"
SAVE = """\
import sys
sys.path.append({root!r})
from lessons.warm import save_state
print(save_state({variable}, {name!r}))"""


def warm_lesson(path):
    """Train half of a lesson's steps up to each cell tagged `warm-<variable>`, and save that model there.

    Args:
        path: of the source.

    Returns:
        Paths of the states, named as the lesson's `budget.warm_start(<variable>, "<name>")` says.

    Raises:
        LessonError: no cell has the tag, a cell fails, or the lesson never loads the state.
    """
    notebook = convert(path, solutions=True)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    cells, places = [], []
    for cell in notebook.cells:
        cells.append(cell)
        for tag in cell.metadata.get("tags", []):
            if tag.startswith(TAG):
                variable = tag.removeprefix(TAG)
                name = _state(code, variable, path)
                save = SAVE.format(root=str(ROOT), variable=variable, name=name)
                places.append(len(cells))
                cells.append(nbformat.v4.new_code_cell(save))
    if not places:
        raise LessonError(f"{path.name}: no cell is tagged {TAG}<variable>")
    notebook.cells = cells[: places[-1] + 1]
    run(notebook, f"{path.stem} (warm)", folder=NOTEBOOKS, length="half")
    outputs = [output for place in places for output in notebook.cells[place].outputs]
    return [Path(output.text.strip()) for output in outputs if output.get("name") == "stdout"]


def _state(code, variable, path):
    names = re.findall(rf"warm_start\(\s*{variable},\s*\"([^\"]+)\"", code)
    if not names:
        raise LessonError(f'{path.name}: expected `budget.warm_start({variable}, "...")` before the training')
    return names[0]


def save_state(model, name):
    """Write the state that `budget.warm_start` loads: all weights, floats in 16 bits.

    Args:
        model: a `keras.Model`, trained half way.
        name: of the state.

    Returns:
        Path of the file.
    """
    arrays = [np.asarray(weight) for weight in model.weights]
    arrays = [array.astype(np.float16) if array.dtype.kind == "f" else array for array in arrays]
    path = budget.state_path(name)
    with new_file(path) as part:
        np.savez_compressed(part, **{f"{place:03d}": array for place, array in enumerate(arrays)})
    return path
