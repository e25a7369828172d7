"""Write the pinned versions: `uv run python tools/pin_versions.py [--upgrade | --drop]`.

The exact version of every package, transitive ones too, stands in `pyproject.toml` under
`[tool.uv] constraint-dependencies`, so that `uv run` on a fresh machine resolves to exactly these.
`constraints.txt` repeats them for pip, `environment.yml` is for conda users. No lock file is committed:
it would carry download addresses.

    (no option)   for new or removed dependencies; versions pinned already stay
    --upgrade     every pin moves to the newest version that the dependencies allow
    --drop        takes the pins out of pyproject.toml (CI uses it to try newest and lowest versions)
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "# Pinned versions, written by tools/pin_versions.py: do not edit.\n"
END = "# End of the pinned versions.\n"
# Drops what uv may print besides requirements (index addresses, comments): only versions are wanted.
REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[^\s;]+( ; .+)?")

ENVIRONMENT = """\
# Written by tools/pin_versions.py from pyproject.toml: do not edit.
# conda env create -f environment.yml && conda activate vgcourse
name: vgcourse
channels:
  - conda-forge
dependencies:
  - python=3.12
  - pip
  - pip:
      - -c constraints.txt
      - -e .
"""


def strip_pins(pyproject):
    """The text of `pyproject.toml` without its block of pins."""
    return re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), "", pyproject, flags=re.DOTALL)


def insert_pins(pyproject, pins, build_pins):
    """The text of `pyproject.toml` with two lists of pins at its end, which is the `[tool.uv]` table."""
    block = [BEGIN]
    for key, lines in (("constraint-dependencies", pins), ("build-constraint-dependencies", build_pins)):
        block += [f"{key} = [\n", *(f'    "{line}",\n' for line in lines), "]\n"]
    return strip_pins(pyproject) + "".join(block) + END


def environment_yml(pyproject):
    """The text of `environment.yml`: Python and pip from conda, everything else as pip resolves pyproject."""
    lab = tomllib.loads(pyproject)["dependency-groups"]["lab"]
    return ENVIRONMENT + "".join(f"      - {requirement}\n" for requirement in lab)


def constraints_txt(pyproject):
    """The text of `constraints.txt`: the pins of `pyproject.toml`, one a line."""
    pins = tomllib.loads(pyproject)["tool"]["uv"]["constraint-dependencies"]
    return "# Written by tools/pin_versions.py: do not edit.\n" + "".join(f"{pin}\n" for pin in pins)


def uv_requirements(*arguments, folder, stdin=None):
    """Run uv in `folder` and return the requirements it prints, as a list of strings."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    arguments = ["uv", *arguments, "--no-annotate", "--no-header", "--quiet"]
    output = subprocess.run(
        arguments, cwd=folder, input=stdin, env=environment, check=True, text=True,
        stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    return [line for line in output.splitlines() if REQUIREMENT.fullmatch(line)]


def resolve(pyproject):
    """Versions of all that `pyproject` (text) may install, on any platform, and of what builds the wheel.

    Resolved in a scratch folder, so that the checkout's environment and lock file are left alone.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(pyproject, encoding="utf-8")
        Path(folder, "vgcourse").mkdir()
        for name in ("README.md", "LICENSE", "vgcourse/__init__.py"):
            shutil.copy(ROOT / name, Path(folder, name))
        everything = ("--all-groups", "--all-extras", "--no-emit-project", "--no-hashes")
        pins = uv_requirements("export", *everything, folder=folder)
        build_requires = "\n".join(tomllib.loads(pyproject)["build-system"]["requires"])
        build_pins = uv_requirements(
            "pip", "compile", "--universal", "-", folder=folder, stdin=build_requires
        )
    return pins, build_pins


def main():
    """Rewrite `pyproject.toml`, `constraints.txt` and `environment.yml`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--upgrade", action="store_true", help="move every pin to the newest version")
    choice.add_argument("--drop", action="store_true", help="only take the pins out of pyproject.toml")
    options = parser.parse_args()

    path = ROOT / "pyproject.toml"
    pyproject = path.read_text(encoding="utf-8")
    if options.drop:
        path.write_text(strip_pins(pyproject), encoding="utf-8")
        return
    pins, build_pins = resolve(strip_pins(pyproject) if options.upgrade else pyproject)
    pyproject = insert_pins(pyproject, pins, build_pins)
    path.write_text(pyproject, encoding="utf-8")
    (ROOT / "constraints.txt").write_text(constraints_txt(pyproject), encoding="utf-8")
    (ROOT / "environment.yml").write_text(environment_yml(pyproject), encoding="utf-8")
    print(f"{len(pins)} versions pinned")


if __name__ == "__main__":
    main()
