"""From a source to notebooks: stubs, solutions, a run, and a file that does not change by itself."""

import functools
import subprocess
import sys
import textwrap

import nbformat
import pytest

from lessons import build, convert, warm
from vgcourse import files

SOURCE = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 90 · A lesson
# {badge}
#
# [A file](../data/README.md), [the next](91_next.ipynb)

# %% tags=["setup"]
# %pip install "{repository}@v{version}"

# %% tags=["exercise"]
def double(x):
    '''Twice `x`.'''
    # BEGIN SOLUTION
    return 2 * x
    # END SOLUTION

# %% tags=["exercise"]
half = ...  # your answer: a number
# BEGIN SOLUTION
half = 0.5
# END SOLUTION

# %% tags=["solution"]
print("only here")
"""


@pytest.fixture(autouse=True)
def no_budget(monkeypatch):
    monkeypatch.delenv("VGCOURSE_BUDGET", raising=False)


@pytest.fixture
def lesson(tmp_path):
    """Makes a source of some code cells."""

    def write(*cells, text=None):
        path = tmp_path / "90_lesson.py"
        path.write_text(
            text or "\n\n".join(f"# %%\n{textwrap.dedent(cell)}" for cell in cells), encoding="utf-8"
        )
        return path

    return write


def sources(notebook):
    return [cell.source for cell in notebook.cells]


# ---- convert ---------------------------------------------------------------------------------------------


def test_students_get_stubs_and_solutions_have_the_answers(lesson):
    path = lesson(text=SOURCE)
    student, solved = (convert.convert(path, solutions=flag) for flag in (False, True))
    assert sources(student)[2:] == [
        "def double(x):\n    '''Twice `x`.'''\n    ...",
        "half = ...  # your answer: a number",
    ]
    assert sources(solved)[2:] == [
        "def double(x):\n    '''Twice `x`.'''\n    return 2 * x",
        "half = 0.5",
        'print("only here")',
    ]


def test_address_version_and_badge_are_filled_in(lesson):
    notebook = convert.convert(lesson(text=SOURCE), solutions=False)
    repository = convert.repository()
    assert sources(notebook)[1] == f'%pip install "{repository}@v{convert.vgcourse.__version__}"'
    colab = "https://colab.research.google.com"
    owner = repository.removeprefix("https://github.com/")
    assert sources(notebook)[0].splitlines()[1] == (
        f"[![Open in Colab]({colab}/assets/colab-badge.svg)]"
        f"({colab}/github/{owner}/blob/main/notebooks/90_lesson.ipynb)"
    )


def test_links_lead_to_the_same_place_from_the_folder_of_the_solutions(lesson):
    student, solved = (
        sources(convert.convert(lesson(text=SOURCE), solutions=flag))[0] for flag in (False, True)
    )
    assert "(../data/README.md), [the next](91_next.ipynb)" in student
    assert "(../../data/README.md), [the next](91_next.ipynb)" in solved


def test_metadata_names_the_kernel_and_nothing_of_this_machine(lesson):
    notebook = convert.convert(lesson(text=SOURCE), solutions=False)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert [cell.id for cell in notebook.cells] == ["cell-000", "cell-001", "cell-002", "cell-003"]
    assert [cell.metadata for cell in notebook.cells[:2]] == [{}, {"tags": ["setup"]}]
    nbformat.validate(notebook)


@pytest.mark.parametrize(
    "cell", ["# BEGIN SOLUTION\nx = 1", "x = 1\n# END SOLUTION", "# BEGIN SOLUTION\n" * 2]
)
def test_a_mark_without_its_counterpart_is_an_error(lesson, cell):
    with pytest.raises(convert.LessonError, match=r"90_lesson\.py, cell 0: .*SOLUTION' without"):
        convert.convert(lesson(cell), solutions=False)


def test_a_lesson_that_is_not_there_is_an_error():
    with pytest.raises(convert.LessonError, match="there is no lesson 77; there are: "):
        convert.find_lessons(["77"])


# ---- run and normalise -----------------------------------------------------------------------------------


def test_a_run_keeps_what_a_reader_sees_and_drops_what_changes(lesson, tmp_path):
    path = lesson(
        "import sys\nprint('one')\nprint('50%\\r100%')",
        "import os\nos.environ['VGCOURSE_BUDGET']",
        "import ipywidgets\nipywidgets.HTML('text')",
        "1 + 1",
    )
    build.build_lesson(path, out=tmp_path)
    file = tmp_path / "90_lesson.ipynb"
    content = file.read_bytes()
    first, second, third, fourth = nbformat.read(file, as_version=4).cells
    assert [output.text for output in first.outputs] == ["one\n100%\n"]
    assert second.outputs[0].data == {"text/plain": "'full'"}
    solved = nbformat.read(tmp_path / "solutions" / file.name, as_version=4)
    assert solved.cells[1].outputs[0].data == {"text/plain": "'small'"}
    assert set(third.outputs[0].data) == {"text/plain"}  # no view without its kernel
    assert (fourth.execution_count, fourth.outputs[0].data) == (4, {"text/plain": "2"})
    assert b"\r" not in content.replace(b"\\r", b"")
    assert not [file for file in tmp_path.rglob("*") if file.name.startswith(files.PART)]
    build.build_lesson(path, out=tmp_path)
    assert file.read_bytes() == content


@pytest.mark.parametrize("length", ["small", "half"])
def test_students_notebooks_show_full_trainings(lesson, tmp_path, monkeypatch, length):
    monkeypatch.setenv("VGCOURSE_BUDGET", length)
    path = lesson("x = 1")
    told = f"90_lesson: .*full trainings, .*={length}: unset it, .*--trial"
    with pytest.raises(convert.LessonError, match=told):
        build.build_lesson(path, out=tmp_path)
    assert not list(tmp_path.rglob("*.ipynb"))
    build.build_lesson(path, execute=False, out=tmp_path)  # nothing is trained
    assert (tmp_path / "90_lesson.ipynb").is_file()


def test_a_trial_has_short_trainings(lesson, tmp_path, monkeypatch):
    monkeypatch.setenv("VGCOURSE_BUDGET", "half")
    build.build_lesson(lesson("import os\nos.environ['VGCOURSE_BUDGET']"), small=True, out=tmp_path)
    (cell,) = nbformat.read(tmp_path / "90_lesson.ipynb", as_version=4).cells
    assert cell.outputs[0].data == {"text/plain": "'small'"}


def test_a_cell_that_fails_is_named(lesson, tmp_path):
    path = lesson("x = 1", "y = x / 0")
    with pytest.raises(convert.LessonError) as error:
        build.build_lesson(path, out=tmp_path)
    told = str(error.value)
    assert told.startswith("90_lesson, cell 1: ")
    assert "\ny = x / 0\n" in told  # the cell
    assert "ZeroDivisionError: division by zero" in told
    assert "\x1b" not in told
    assert not list(tmp_path.rglob("*.ipynb"))


@pytest.mark.parametrize(
    ("code", "folded"),
    [
        ("import numpy as np\nfrom vgcourse import show", True),
        ("from vgcourse.classroom.start import quiet\n\nquiet()\n\nimport keras", True),
        (
            "from importlib.util import find_spec\n\nif not find_spec('a'):\n    # %pip install a\n    pass",
            True,
        ),
        ("import numpy as np\n\nframes = np.zeros(3)", False),
        ("figure = Figure()\nfigure.subplots().plot([1, 2])\nshow.figure(figure, alt='a line')", True),
        ("figure = Figure()\nprint(3)", False),
        ("def draw(x):\n    figure = Figure()\n    return show.figure(figure, alt='x')", True),
        ("def draw(x):\n    figure = Figure()\n    return figure\n\n\ndraw(3)", True),
        ("def draw(x):\n    figure = Figure()\n    return figure\n\n\ndef step(x):\n    return x + 1", False),
        ("x = ...\ndef f(:", False),
    ],
)
def test_what_is_not_the_point_is_folded(code, folded):
    assert convert.is_aside(code) is folded


def executed(*outputs, tags=()):
    cell = nbformat.v4.new_code_cell(
        "x", metadata={"tags": list(tags)}, outputs=list(outputs), execution_count=1
    )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})


def stream(text, name="stdout"):
    return nbformat.v4.new_output("stream", name=name, text=text)


@pytest.mark.parametrize(
    "text", ["<f at 0x7f001122aabb>", "/home/ada/x.mp4", r"C:\Users\Ada", str(convert.ROOT)]
)
def test_what_only_this_machine_says_is_refused(text):
    with pytest.raises(convert.LessonError, match="03, cell 0 shows .*only this machine"):
        build.normalise(executed(stream(text)), "03")


def test_stderr_is_dropped_where_outputs_are_ignored_and_else_refused():
    noisy = stream("a warning", name="stderr")
    with pytest.raises(convert.LessonError, match="03, cell 0 writes to stderr: a warning"):
        build.normalise(executed(noisy), "03")
    quiet = build.normalise(executed(noisy, stream("a"), stream("b"), tags=[build.IGNORED]), "03")
    assert [output.text for output in quiet.cells[0].outputs] == ["a", "b"]


def test_a_bar_of_progress_goes_and_other_widgets_leave_their_text():
    def view(text):
        return nbformat.v4.new_output("display_data", {build.WIDGET: {"model_id": "1f"}, "text/plain": text})

    bar, panel = view("  0%|          | 0/20 [00:00<?, ?it/s]"), view("A panel of controls.")
    (output,) = build.normalise(executed(bar, panel), "03").cells[0].outputs
    assert output.data == {"text/plain": "A panel of controls."}


def test_a_notebook_that_is_too_large_is_refused(tmp_path):
    with pytest.raises(convert.LessonError, match=r"03 has \d+ bytes, allowed 1500000; largest cells: 0 \("):
        build.write(executed(stream("x" * 1_600_000)), tmp_path / "x.ipynb", "03")
    assert not list(tmp_path.iterdir())


def test_a_change_of_prose_keeps_the_outputs_and_a_change_of_code_does_not(lesson, tmp_path):
    made = functools.partial(convert.convert, solutions=False)
    text = "# %% [markdown]\n# {}\n\n# %%\nprint({})\n"
    built = tmp_path / "90_lesson.ipynb"
    notebook = made(lesson(text=text.format("Old words.", 1 + 1)))
    notebook.cells[1].outputs = executed(stream("2\n")).cells[0].outputs
    nbformat.write(notebook, built)
    changed = made(lesson(text=text.format("New words.", 1 + 1)))
    build.keep_outputs(changed, built, "90")
    assert changed.cells[0].source == "New words."
    assert changed.cells[1].outputs[0].text == "2\n"
    with pytest.raises(convert.LessonError, match="code changed"):
        build.keep_outputs(made(lesson(text=text.format("Old words.", 3))), built, "90")
    with pytest.raises(convert.LessonError, match="never built"):
        build.keep_outputs(changed, tmp_path / "91_lesson.ipynb", "91")


def test_a_change_of_the_source_makes_the_notebooks_stale(lesson, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "target", functools.partial(convert.target, out=tmp_path))
    path = lesson("x = 1")
    assert [line.split(":")[0] for line in build.stale_notebooks([path])] == [
        "90_lesson.ipynb is missing",
        "solutions/90_lesson.ipynb is missing",
    ]
    build.build_lesson(path, execute=False, out=tmp_path)
    assert build.stale_notebooks([path]) == []
    lesson(text='# %% tags=["exercise"]\nx = 1\n')
    assert len(build.stale_notebooks([path])) == 2
    lesson("x = 2")
    assert [line.split(":")[0] for line in build.stale_notebooks([path])] == [
        "90_lesson.ipynb is stale",
        "solutions/90_lesson.ipynb is stale",
    ]


def test_asking_which_are_stale_loads_neither_tensorflow_nor_a_kernel():
    code = """
import sys
from lessons.__main__ import app
try:
    app(["build", "--check", "03"])
finally:
    print([name for name in ("tensorflow", "keras", "nbclient", "ipykernel") if name in sys.modules])
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=convert.ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "[]\n"), ran.stderr


# ---- warm ------------------------------------------------------------------------------------------------


def test_warm_needs_a_tagged_cell_whose_state_the_lesson_loads(lesson):
    with pytest.raises(convert.LessonError, match="no cell is tagged warm-<variable>"):
        warm.warm_lesson(lesson("x = 1"))
    path = lesson(text='# %% tags=["warm-gan"]\ngan = 1\n')
    with pytest.raises(convert.LessonError, match=r'expected `budget\.warm_start\(gan, "\.\.\."\)`'):
        warm.warm_lesson(path)


def test_warm_runs_up_to_the_tag_and_saves_under_the_lessons_name(lesson, monkeypatch, tmp_path):
    monkeypatch.setattr(warm, "run", run := FakeRun())
    text = """\
# %%
budget.warm_start(gan, "90_lesson")

# %% tags=["warm-gan"]
train(gan)

# %%
never()
"""
    assert [path.name for path in warm.warm_lesson(lesson(text=text))] == ["state.npz"]
    assert run.sources[-1].endswith(
        "from lessons.warm import save_state\nprint(save_state(gan, '90_lesson'))"
    )
    assert "never()" not in run.sources
    assert run.length == "half"  # the state is one of mid-training


class FakeRun:
    def __call__(self, notebook, name, *, folder, length):
        self.sources, self.length = sources(notebook), length
        notebook.cells[-1].outputs = [stream("folder/state.npz\n")]


def test_the_time_of_a_lesson_is_kept_beside_that_of_others(tmp_path):
    table = tmp_path / "seconds.csv"
    build.record_seconds("02_later", {3: 1.4, 5: 60.8}, file=table)
    build.record_seconds("01_earlier", {0: 2.0}, file=table)
    build.record_seconds("02_later", {3: 9.6, 5: 0.5}, file=table)
    rows = ["lesson,seconds,slowest_cell,slowest_seconds", "01_earlier,2,0,2", "02_later,10,3,10"]
    assert table.read_text().split() == rows
