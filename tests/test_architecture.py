"""The package reads from top to bottom: imports point only upwards, modules and functions stay small."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "vgcourse"

# The data's path: a module may import those above it.
ORDER = [
    "containers",
    "decode",
    "video",
    "preprocess",
    "skeleton",
    "actors",
    "motions",
    "render",
    "clips",
    "shards",
    "collect",
    "storage",
    "corpus",
    "beam",
    "datasets",
    "networks",
    "fitting",
    "features",
    "losses",
    "toy",
    "models",
    "replicas",
    "gan",
    "mocogan",
    "checkpoints",
    "distribute",
    "training",
    "loops",
    "generate",
    "metrics",
    "pictures",
    "show",
    "exports",
    "report",
    "record",
    "monitor",
    "runs",
    "budget",
    "widgets",
    "lessons",
    "check",
    "__main__",
]
WITHOUT_TENSORFLOW = [
    "__init__",
    "containers",
    "decode",
    "video",
    "preprocess",
    "skeleton",
    "actors",
    "motions",
    "render",
    "clips",
    "storage",
    "loops",
    "pictures",
    "show",
    "widgets",
    "check.core",
]
MAX_LINES = 320
MAX_ARGUMENTS = 6
# The one pipeline: two arguments of data, five keywords that every batch depends on.
MORE_ARGUMENTS = {"make_dataset": 7}

# The one package inside: a module of checks for every lesson.
CHECKS = sorted(PACKAGE.glob("check/*.py"))
PATHS = {path.stem: path for path in sorted(PACKAGE.glob("*.py"))}
PATHS |= {f"check.{path.stem}".removesuffix(".__init__"): path for path in CHECKS}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}
MODULES = [name for name in TREES if name != "__init__"]
# The commands' docstrings and options are their help text, which has its own form; a check takes an answer.
PUBLIC = [
    pytest.param(node, id=f"{module}.{node.name}")
    for module in MODULES
    if module != "__main__" and not module.startswith("check.lesson_")
    for node in TREES[module].body
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
]
FUNCTIONS = {parameter.values[0].name: parameter.values[0] for parameter in PUBLIC}


def imports(tree):
    """Dotted names of everything imported anywhere in `tree`, also inside functions; `.` is `vgcourse`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = ".".join(filter(None, ["vgcourse" if node.level else "", node.module]))
            yield from (f"{source}.{alias.name}" for alias in node.names)


def arguments(function):
    """Names of a function's arguments."""
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


def test_every_module_has_its_place():
    assert {module.split(".")[0] for module in MODULES} <= set(ORDER)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_up(module):
    place = module.split(".")[0]
    above = ORDER[: ORDER.index(place)]
    if place == "check":
        above.append(place)  # its modules import one another
    used = {name.split(".")[1] for name in imports(TREES[module]) if name.startswith("vgcourse.")}
    used -= {"__version__"}
    assert sorted(used - set(above)) == []


def test_init_imports_nothing():
    assert list(imports(TREES["__init__"])) == []


@pytest.mark.parametrize("module", WITHOUT_TENSORFLOW)
def test_module_needs_no_tensorflow(module):
    roots = {name.split(".")[0] for name in imports(TREES[module])}
    assert roots.isdisjoint({"tensorflow", "keras"})


@pytest.mark.parametrize("module", MODULES)
def test_private_names_stay_in_their_module(module):
    own = [name for name in imports(TREES[module]) if name.startswith("vgcourse.")]
    assert {name for name in own if name.split(".")[-1].startswith("_")} <= {"vgcourse.__version__"}


@pytest.mark.parametrize("module", MODULES)
def test_module_is_short_and_says_what_it_is(module):
    assert len(PATHS[module].read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert ast.get_docstring(TREES[module])


def test_no_drawer_for_odds_and_ends():
    assert {"utils", "util", "helpers", "common", "misc", "config"}.isdisjoint(MODULES)
    assert [path.parent.name for path in PACKAGE.glob("*/__init__.py")] == ["check"]


@pytest.mark.parametrize("function", PUBLIC)
def test_public_function_has_few_arguments(function):
    assert len(arguments(function)) <= MORE_ARGUMENTS.get(function.name, MAX_ARGUMENTS)


@pytest.mark.parametrize("function", PUBLIC)
def test_public_function_is_documented(function):
    docstring = ast.get_docstring(function)
    assert docstring
    relative = re.search(r"\b[Aa]s in `(?:\w+\.)?(\w+)`", docstring)
    if relative:  # one of a family: the arguments are described once
        docstring += ast.get_docstring(FUNCTIONS[relative.group(1)])
    undescribed = [name for name in arguments(function) if not re.search(rf"\b{name}\b", docstring)]
    assert undescribed == []
    if arguments(function) and gives_something(function):
        assert re.search(r"\b[Rr]eturns?\b|\b[Yy]ields?\b", docstring)
