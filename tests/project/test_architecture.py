"""The package reads as the data's path: stages in one order, imports only upwards, a face for every stage.

The order stands in one place, the drawing in the README; this file reads it there.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "vgcourse"
README = (ROOT / "README.md").read_text(encoding="utf-8")

# Stages and loose modules, first to last: the names at the left of the drawing under "How it hangs together".
ORDER = re.findall(r"^ {4}(\w+)/? {2,}\S", README, flags=re.MULTILINE)
# What may stand beside the folders of the stages.
MAX_LOOSE = 6
MAX_ARGUMENTS = 6
# Each has a reason: one pipeline with what every batch depends on; one recipe with what every GAN is made of.
MORE_ARGUMENTS = {"make_dataset": 7, "make_gan": 8}
WITHOUT_TENSORFLOW = ("__init__", "files", "arguments", "video", "preprocess", "show", "people")
WITHOUT_TENSORFLOW += ("datasets.clips", "datasets.folders", "generate.seams")
WITHOUT_TENSORFLOW += ("classroom.budget", "classroom.check.core")
CORE = ("video", "preprocess", "show", "people", "datasets", "features", "gan", "structure")
CORE += ("generate", "evaluate")

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
FACES = {name.removesuffix(".__init__") for name in MODULES if name.endswith(".__init__")}


def stage(module):
    return module.split(".")[0]


def imported(module):
    """Modules of the package, and names in them, that a module imports anywhere: pairs (module, name)."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from ((a.name.removeprefix("vgcourse."), None) for a in node.names if "vgcourse." in a.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vgcourse":
            source = node.module.removeprefix("vgcourse").lstrip(".")
            for alias in node.names:
                whole = f"{source}.{alias.name}".lstrip(".")
                yield (whole, None) if whole in MODULES or whole in FACES else (source, alias.name)


def third_party(module):
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def face(name):
    """What a stage lets others use: the list `__all__` of its `__init__`."""
    for node in TREES[f"{name}.__init__"].body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
            return [element.value for element in node.value.elts]
    return []


def public_functions(module):
    for node in TREES[module].body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def arguments(function):
    spec = function.args
    named = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]
    return [argument.arg for argument in named if argument]


def gives_something(function):
    """True if the function returns or yields a value (functions inside it do not count)."""
    nodes = list(function.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom) or (isinstance(node, ast.Return) and node.value):
            return True
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            nodes.extend(ast.iter_child_nodes(node))
    return False


def test_the_drawing_in_the_readme_names_every_stage():
    loose = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert sorted(ORDER) == sorted(loose | folders)
    assert len(loose) + 1 <= MAX_LOOSE


def test_imports_point_up():
    wrong = []
    for module in MODULES:
        for source, _ in imported(module):
            place = stage(source)
            if (
                stage(module) == "__init__"
                or source
                and place != stage(module)
                and ORDER.index(place) > ORDER.index(stage(module))
            ):
                wrong.append((module, source))
    assert wrong == []


def test_no_two_modules_import_each_other():
    graph = {module: set() for module in MODULES}
    for module in MODULES:
        for source, _ in imported(module):
            for target in (source, f"{source}.__init__"):
                # A stage's own modules do not go through its face, which imports them.
                if target in MODULES and not (
                    target.endswith(".__init__") and stage(target) == stage(module)
                ):
                    graph[module].add(target)
    while free := [module for module, targets in graph.items() if not targets & graph.keys()]:
        for module in free:
            del graph[module]
    assert sorted(graph) == []


def test_other_stages_are_used_by_their_faces():
    """`__main__` starts the commands, and what a face names as a module may be looked into."""
    wrong = []
    for module in MODULES:
        for source, name in imported(module):
            used = stage(source)
            if not source or used == stage(module) or used not in FACES or module == "__main__":
                continue
            path = [*source.split(".")[1:], *([name] if name else [])]
            allowed = face(used)
            if path and path[0] not in allowed:
                wrong.append(f"{module}: {source}.{name or ''}")
    assert wrong == []


def test_faces_name_what_there_is():
    for name in sorted(FACES & set(ORDER)):
        names = {alias.asname or alias.name for n in TREES[f"{name}.__init__"].body
                 if isinstance(n, ast.ImportFrom) for alias in n.names}  # fmt: skip
        assert set(face(name)) == names, name


def test_the_core_knows_no_machinery():
    """Beam, strategies, checkpoints and runs are out of a student's sight."""
    for module in MODULES:
        if stage(module) in CORE or module == "training.loop":
            used = {source for source, _ in imported(module)}
            assert not {s for s in used if stage(s) == "scale" or s.startswith("training.")}, module
    assert "training.checkpoints" not in {source for source, _ in imported("training.loop")}
    assert not {module for module in MODULES for source, _ in imported(module)
                if stage(source) == "scale" and stage(module) not in ("scale", "__main__")}  # fmt: skip


def test_init_imports_nothing():
    assert list(imported("__init__")) == []
    assert list(third_party("__init__")) == []


@pytest.mark.parametrize("part", WITHOUT_TENSORFLOW)
def test_needs_no_tensorflow(part):
    for module in MODULES:
        if module == part or module.startswith(f"{part}."):
            assert {"tensorflow", "keras"}.isdisjoint(third_party(module)), module


def test_private_names_stay_in_their_module():
    wrong = [(module, name) for module in MODULES for _, name in imported(module)
             if (name or "").startswith("_") and name != "__version__"]  # fmt: skip
    assert wrong == []


def test_every_module_says_what_it_is():
    assert [module for module in MODULES if not ast.get_docstring(TREES[module])] == []
    names = {part for module in MODULES for part in module.split(".")}
    assert {"utils", "util", "helpers", "common", "misc", "config"}.isdisjoint(names)


def test_no_two_public_functions_share_a_name():
    """Lessons say `generate.sample`; two functions of one name would be two ideas under it."""
    places = {}
    for module in MODULES:
        if stage(module) != "__main__" and "check.lesson_" not in module:
            for function in public_functions(module):
                places.setdefault(function.name, []).append(module)
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert set(twice) <= {"train"}  # of one device, and of all replicas


def test_public_functions_have_few_arguments():
    wrong = [(module, function.name) for module in MODULES if stage(module) != "__main__"
             for function in public_functions(module)
             if len(arguments(function)) > MORE_ARGUMENTS.get(function.name, MAX_ARGUMENTS)]  # fmt: skip
    assert wrong == []


def test_public_functions_are_documented():
    """Every argument is described and what comes back is said; a family may refer to one of its own."""
    functions = {function.name: function for module in MODULES for function in public_functions(module)}
    wrong = []
    for module in MODULES:
        if stage(module) == "__main__" or "check.lesson_" in module:
            continue
        for function in public_functions(module):
            docstring = text = ast.get_docstring(function) or ""
            for relative in re.findall(r"\b[Aa]s (?:in|for|of) `(?:\w+\.)*(\w+)`", docstring):
                text += ast.get_docstring(functions[relative]) or "" if relative in functions else ""
            missing = [name for name in arguments(function) if not re.search(rf"\b{name}\b", text)]
            silent = arguments(function) and gives_something(function)
            if not docstring or missing or (silent and not re.search(r"\b([Rr]eturns?|[Yy]ields?)\b", text)):
                wrong.append((module, function.name, missing))
    assert wrong == []
