"""Every lesson has its parts, and the notebooks are what their sources build."""

import difflib
import functools
import re
import statistics

import jupytext
import nbformat
import pytest

import vgcourse
from lessons import build, convert
from vgcourse.classroom import check, start

ROOT = convert.ROOT
LESSONS = convert.find_lessons()
NUM_LESSONS = 13  # of the course; some rules hold for the whole
SETUP = """\
# In Colab this installs the course; elsewhere it does nothing.
from importlib.util import find_spec

if not find_spec("vgcourse"):
    %pip install --quiet "vgcourse @ git+{repository}@v{version}"
    print("The course is installed.")"""
HEADINGS = ["## What goes wrong, and how you notice", "## You have", "## References"]

each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
each_kind = pytest.mark.parametrize("solutions", [False, True], ids=["student", "solutions"])


@functools.cache
def made(path, solutions):
    """The notebook that the source gives, without outputs."""
    return convert.convert(path, solutions=solutions)


@functools.cache
def built(path, solutions):
    """The notebook in notebooks/, with outputs."""
    file = convert.target(path, solutions=solutions)
    if not file.is_file():
        pytest.skip("not built; another test fails for this")
    return nbformat.read(file, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def bullets(text):
    """Texts of the first list in `text`, whose items may go on in the next line."""
    block = re.search(r"(?:^- .*\n?(?:^ +\S.*\n?)*)+", text, re.MULTILINE).group()
    return [" ".join(item.split()) for item in re.split(r"^- ", block, flags=re.MULTILINE)[1:]]


def shows_text(cell):
    return any(build.output_text(output).strip() for output in cell.outputs)


def says_a_verdict(cell):
    """Whether a compared cell prints a number or a verdict; panels, pictures, exercises are none."""
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    is_exercise = cell.source.startswith("check.")
    return bool(re.search(r"\b(True|False)\b|\d", printed)) and not (ignored(cell) or is_exercise)


def ignored(cell):
    return build.IGNORED in cell.metadata.get("tags", [])


# ---- the whole course ------------------------------------------------------------------------------------


def test_the_readme_lists_the_lessons():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"\]\((?:notebooks/)?(\d\d_\w+)\.ipynb\)", readme))
    if listed:  # it does so once the course is whole
        assert listed == {path.stem for path in LESSONS}
        badges = re.findall(r"\[!\[Open in Colab\].*?\)\]\(.*?\)", readme)
        assert badges == [convert.badge(name, solutions=False) for name in sorted(listed)]


def test_contributing_gives_every_section_of_the_article_a_lesson_that_exists():
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = contributing.split("| section of the article | lesson |\n|---|---|\n")[1].split("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()]
    assert len(rows) == 14
    named = {number for _, where in rows for number in re.findall(r"\b\d\d\b", where)}
    assert named == {f"{number:02d}" for number in range(NUM_LESSONS)}
    if len(LESSONS) >= NUM_LESSONS:
        assert named <= {path.stem[:2] for path in LESSONS}


def test_exercises_are_enough_and_every_one_has_its_place():
    used = [name for path in LESSONS for name in exercises(path)]
    assert len(used) == len(set(used))
    assert sorted(used) == sorted(check.EXERCISES)
    if len(LESSONS) >= NUM_LESSONS:
        assert len(used) >= 28


def exercises(path):
    """Names of the exercises that a lesson checks."""
    code = "\n".join(cell.source for cell in code_cells(made(path, True)))
    return list(dict.fromkeys(re.findall(r"^check\.(?!hint\b)(\w+)\(", code, re.MULTILINE)))


def test_every_lesson_leads_to_the_next():
    for path, following in zip(LESSONS, LESSONS[1:], strict=False):
        (line,) = re.findall(r"^(?:\*\*)?Next:.*(?:\n.+)*", prose(made(path, False)), re.MULTILINE)
        if int(following.stem[:2]) == int(path.stem[:2]) + 1:
            assert f"]({following.stem}.ipynb)" in line, path.stem


# ---- a lesson's source -----------------------------------------------------------------------------------


@each_lesson
def test_notebooks_are_what_the_source_builds(path):
    assert build.stale_notebooks([path]) == []


@each_lesson
@each_kind
def test_set_up_and_badge_name_the_repository_and_the_version(path, solutions):
    source = jupytext.read(path, fmt="py:percent")
    assert [cell.source for cell in source.cells if "setup" in cell.metadata.get("tags", [])] == [SETUP]
    (cell,) = [cell for cell in made(path, solutions).cells if "setup" in cell.metadata.get("tags", [])]
    repository = convert.repository()
    assert f'"vgcourse @ git+{repository}@v{vgcourse.__version__}"' in cell.source
    assert source.cells[0].source.splitlines()[1] == "{badge}"
    owner = repository.split("github.com/")[1]
    folder = "notebooks/solutions" if solutions else "notebooks"
    link = f"https://colab.research.google.com/github/{owner}/blob/main/{folder}/{path.stem}.ipynb"
    assert made(path, solutions).cells[0].source.splitlines()[1].endswith(f"]({link})")


@each_lesson
def test_lesson_opens_as_all_do(path):
    notebook = made(path, False)
    opening = notebook.cells[0].source
    assert re.match(rf"# {path.stem[:2]} · \S", opening)
    assert len(re.findall(r"^# ", prose(notebook), re.MULTILINE)) == 1
    assert "?" in opening  # the question
    assert re.search(r"^You will\b", opening, re.MULTILINE)
    assert len(bullets(opening)) == 3
    assert re.search(r"[Aa]bout \d+ minutes", opening)
    tagged = notebook.cells[1].metadata.get("tags", [])
    assert notebook.cells[1].cell_type == "code"
    assert "setup" in tagged
    first = notebook.cells[2].source
    assert re.match(r"from vgcourse\.classroom\.start import .*\n\nquiet\((?:cpus=2)?\)", first)
    pictures = [cell.source for cell in code_cells(notebook) if cell.source.startswith("path_picture(")]
    assert len(pictures) == 1
    stage = re.fullmatch(r'path_picture\((?:"(\w+)")?\)', pictures[0]).group(1)
    assert stage in (None, *start.STAGES)


@each_lesson
def test_lesson_closes_as_all_do(path):
    text = prose(made(path, False))
    places = [text.find(heading) for heading in HEADINGS]
    assert -1 not in places, HEADINGS[places.index(-1)]
    assert places == sorted(places)
    assert text.find("Next:") > places[-1]
    goals, reached = bullets(text), bullets(text[places[1] :])
    assert len(reached) == 3
    for goal, result in zip(goals, reached, strict=True):
        # "see how ..." may have become "seen how ..."
        assert difflib.SequenceMatcher(None, goal, result, autojunk=False).ratio() > 0.6, (goal, result)


@each_lesson
@each_kind
def test_cells_are_short(path, solutions):
    lengths = {cell.id: len(cell.source.splitlines()) for cell in code_cells(made(path, solutions))}
    assert {name: length for name, length in lengths.items() if length > 25} == {}
    assert statistics.median(lengths.values()) <= 6
    lines = [line for cell in code_cells(made(path, solutions)) for line in cell.source.splitlines()]
    assert [line for line in lines if len(line) > 110 and "%pip" not in line] == []


@each_lesson
def test_lesson_checks_its_formulas_and_has_something_to_play_with(path):
    code = "\n".join(cell.source for cell in code_cells(made(path, False)))
    assert re.search(r"^assert |\bassert_allclose\(|\bassert_array_equal\(", code, re.MULTILINE)
    assert "widgets." in code
    assert not re.search(r"\bpyplot\b|\bplt\.", code)  # it keeps state
    assert not re.search(r";$", code, re.MULTILINE)  # hides an output here and not in tests


@each_lesson
def test_exercises_are_stubs_for_students_and_answers_in_the_solutions(path):
    names = exercises(path)
    assert 2 <= len(names) <= 4
    assert all(f'check.hint("{name}")' in prose(made(path, False)) for name in names)
    for solutions in (False, True):
        tagged = [
            cell for cell in code_cells(made(path, solutions)) if "exercise" in cell.metadata.get("tags", [])
        ]
        assert len(tagged) >= len(names)
        assert all(("..." in cell.source) or solutions for cell in tagged)
        assert "SOLUTION" not in "".join(cell.source for cell in made(path, solutions).cells)
    changed = {a.id for a, b in zip(made(path, False).cells, made(path, True).cells, strict=False) if a != b}
    assert len(changed) >= len(names)


# ---- a lesson's outputs ----------------------------------------------------------------------------------


@each_lesson
@each_kind
def test_notebook_was_run_from_top_to_bottom(path, solutions):
    cells = [cell for cell in code_cells(built(path, solutions)) if cell.source.strip()]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert {output.name for output in outputs if output.output_type == "stream"} <= {"stdout"}
    assert [text for text in map(build.output_text, outputs) if build.machine_text(text)] == []
    assert convert.target(path, solutions=solutions).stat().st_size <= build.MAX_BYTES


@each_lesson
@each_kind
def test_pictures_have_alt_texts(path, solutions):
    for cell in code_cells(built(path, solutions)):
        for output in cell.outputs:
            if any(kind.startswith("image/") for kind in output.get("data", {})):
                text = build.output_text(output)
                assert len(text) > 10, (cell.id, text)
                assert not re.match(r"<|\w+\(", text), (cell.id, text)


@each_lesson
@each_kind
def test_outputs_are_compared_or_followed_by_a_verdict(path, solutions):
    cells = code_cells(built(path, solutions))
    for place, cell in enumerate(cells):
        if ignored(cell):
            after = cells[place + 1 : place + 3]
            assert any(map(says_a_verdict, after)), f"{cell.id}: a cell with a compared verdict must follow"
    texts = [cell for cell in cells if shows_text(cell)]
    assert sum(not ignored(cell) for cell in texts) >= 0.6 * len(texts)


@each_lesson
def test_student_sees_no_answer_and_the_solutions_pass(path):
    for solutions in (False, True):
        texts = [build.output_text(o) for cell in code_cells(built(path, solutions)) for o in cell.outputs]
        said = "\n".join(texts)
        for name in exercises(path):
            (verdict,) = set(re.findall(rf"^([✓✗○]) {name}:", said, re.MULTILINE))
            assert (verdict == "✓") == solutions, name
