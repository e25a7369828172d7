"""The project's files agree with one another, and importing the package loads nothing else."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

import vgcourse

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
TEXT = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cff", ".ipynb", ".json", ".csv", ".html", ".js", ""}
IGNORED = {
    line.rstrip("/").split("/")[-1] for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
} | {".git"}


def text_files():
    """Name and text of every text file of the repository that git does not ignore."""
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(set(subfolders) - IGNORED)
        for path in (Path(folder, name) for name in sorted(set(names) - IGNORED)):
            if path.suffix in TEXT:
                yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def load_script(path):
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_python(code):
    """What a new Python prints for `code`."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_import_loads_one_module():
    code = "import sys; before = {*sys.modules}; import vgcourse; print(*{*sys.modules} - before)"
    assert run_python(code).split() == ["vgcourse"]


def test_what_needs_no_tensorflow_does_not_load_it():
    names = ["video", "preprocess", "show", "people", "classroom.budget", "classroom.check", "__main__"]
    code = f"""
import importlib, sys
for name in {names}:
    importlib.import_module("vgcourse." + name)
    print(name, *{{"tensorflow", "keras"}} & {{*sys.modules}})
"""
    assert run_python(code).splitlines() == names


def test_version_is_the_same_everywhere():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version, date = re.search(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", changelog, re.MULTILINE).groups()
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert version == vgcourse.__version__ == str(citation["version"])
    assert date == str(citation["date-released"])
    # pyproject does not repeat it
    assert "version" in PROJECT["dynamic"]
    assert PYPROJECT["tool"]["hatch"]["version"]["path"] == "vgcourse/__init__.py"


def test_citation_has_what_the_format_requires():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert all("name" in author or "family-names" in author for author in citation["authors"])


def test_licence_covers_code_prose_and_data():
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    titles = re.findall(r"^={79}\n(\d\. [A-Z ]+)\n={79}$", licence, re.MULTILINE)
    assert titles == ["1. CODE", "2. PROSE AND PICTURES", "3. DATA"]
    notices = licence + (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for identifier in PROJECT["license"].split(" AND "):
        assert identifier in notices or identifier.replace("-", " ") in notices, identifier


def test_environment_yml_equals_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert conda == ["python=3.12", "pip"]
    assert pip == {"pip": ["-c constraints.txt", "-e .", *PYPROJECT["dependency-groups"]["lab"]]}


def test_pinned_files_are_what_the_script_writes():
    script = load_script(ROOT / "tools" / "pin_versions.py")
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    uv = PYPROJECT["tool"]["uv"]
    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == script.environment_yml(pyproject)
    assert (ROOT / "constraints.txt").read_text(encoding="utf-8") == script.constraints_txt(pyproject)
    pins = uv["constraint-dependencies"], uv["build-constraint-dependencies"]
    assert script.insert_pins(pyproject, *pins) == pyproject
    assert "==" not in script.strip_pins(pyproject).replace(" == ", "")


def test_every_dependency_is_pinned_to_one_version():
    pins = [Requirement(pin) for pin in PYPROJECT["tool"]["uv"]["constraint-dependencies"]]
    assert all(re.fullmatch(r"==[0-9][^,*]*", str(pin.specifier)) for pin in pins)
    pinned = {pin.name: pin.specifier for pin in pins if not pin.marker}
    groups = [PROJECT["dependencies"], *PYPROJECT["dependency-groups"].values()]
    groups += PROJECT["optional-dependencies"].values()
    for requirement in map(Requirement, sum(groups, [])):
        (version,) = pinned[requirement.name]
        assert version.version in requirement.specifier, requirement
    assert str(pinned["tensorflow"]).startswith("==2.21.")


def test_declared_dependencies_are_the_imported_ones():
    imported = set()
    for path in (ROOT / "vgcourse").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.split(".")[0])
    third_party = {{"PIL": "pillow"}.get(name, name) for name in imported - set(sys.stdlib_module_names)}
    # Extras and what comes with them; IPython comes with ipywidgets, google.protobuf with TensorFlow.
    optional = {"tensorflow_datasets", "apache_beam", "IPython", "google"}
    optional |= {"nbclient", "nbformat", "jupyter_client", "ipykernel"}
    declared = {Requirement(requirement).name for requirement in PROJECT["dependencies"]}
    for_lessons = {"ipywidgets"}
    assert (third_party - optional - {"vgcourse"}) | for_lessons == declared


def test_the_wheel_carries_the_data():
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["only-include"]) == {"vgcourse", "data"}
    assert wheel["sources"] == {"data": "vgcourse/_data"}  # where `datasets.data_folder` looks first


def test_no_registry_is_named():
    hosts = re.compile(r"pypi\.org|pythonhosted\.|registry\.npmjs|anaconda\.org")  # does not match itself
    options = re.compile(r"(index-url|find-links|index_url|find_links)\s*[=:]")
    found = [name for name, text in text_files() if hosts.search(text) or options.search(text)]
    assert found == []


def test_repository_address_stands_once():
    address = PROJECT["urls"]["Repository"]
    built = ("notebooks/", "book/")
    found = [name for name, text in text_files() if address in text and not name.startswith(built)]
    assert found == ["pyproject.toml"]


def test_nothing_is_left_to_fill_in():
    mark = "-".join(["TODO", "LEAD"])
    assert [name for name, text in text_files() if mark in text] == []


def test_readme_commands_run_the_project():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```\n(pip install uv.*?)```", readme, re.DOTALL).group(1)
    commands = [line.split("#")[0].strip() for line in block.strip().splitlines()]
    assert commands == ["pip install uv", "uv run vgcourse demo"]
    assert all(f"`{command}`" in readme for command in ("uv run pytest", "uv run jupyter lab notebooks"))
    assert (ROOT / "notebooks").is_dir()
    for picture in re.findall(r"!\[[^\]]+\]\((?!https:)([^)]+)\)", readme):
        assert (ROOT / picture).is_file(), picture
