"""Notebooks that were handed in, made by hand."""

import nbformat
import pytest

IMPORT = "from vgcourse.classroom import check"
RIGHT = "def raw_bytes(width, height, fps, seconds):\n    return width * height * 3 * fps * seconds"
STUB = 'def raw_bytes(width, height, fps, seconds):\n    """Bytes of a raw video."""\n    ...'
CHECK = "check.raw_bytes(raw_bytes)"


@pytest.fixture
def hand_in(tmp_path):
    """A function that writes code cells as a notebook into the folder `class`; returns the folder."""

    def write(name, *cells):
        path = tmp_path / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        path.write_text(nbformat.writes(notebook), encoding="utf-8")
        return tmp_path / "class"

    return write
