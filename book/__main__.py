"""Build the web book: `uv run python -m book`, then look at it with any web server.

uv run python -m book                               to book/_build/site
uv run python -m book --out DIR
uv run python -m http.server -d book/_build/site    then open the address that it prints

Stages the pages, copies the scripts that npm installed (`book/package.json`), exports the models and
the minimax games for the live pages, and runs Sphinx. The first time npm needs the network; the finished site
needs nothing outside its own folder, and works below any path.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from book import export_game, export_model, export_puppet, gallery, staging
from lessons import repository

BOOK, ROOT = staging.ROOT / "book", staging.ROOT
MODULES = BOOK / "node_modules"
# Served with the site -> where npm puts it. Nothing else of the packages is copied.
VENDOR = {
    "mathjax/tex-svg.js": "mathjax/es5/tex-svg.js",
    "onnxruntime-web/ort.wasm.bundle.min.mjs": "onnxruntime-web/dist/ort.wasm.bundle.min.mjs",
    "onnxruntime-web/ort-wasm-simd-threaded.wasm": "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
    "tfjs/tf.min.js": "@tensorflow/tfjs/dist/tf.min.js",
    "tfjs/tf-backend-wasm.min.js": "@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js",
    "tfjs/tfjs-backend-wasm.wasm": "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm",
    "tfjs/tfjs-backend-wasm-simd.wasm": "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm",
    "gifenc/gifenc.esm.js": "gifenc/dist/gifenc.esm.js",
}
# Pages that are written for the repository -> their names in the book.
DOCUMENTS = {"data/README.md": "datasheet.md", "notebooks/INSTRUCTORS.md": "instructors.md"}


def install_scripts():
    """Run `npm ci` unless the packages that the lock file names are there."""
    done = MODULES / ".package-lock.json"
    lock = BOOK / "package-lock.json"
    if not done.is_file() or done.stat().st_mtime < lock.stat().st_mtime:
        npm = shutil.which("npm")
        if not npm:
            raise SystemExit("error: npm was not found; the book needs Node.js 18 or newer")
        subprocess.run([npm, "ci", "--silent"], cwd=BOOK, check=True)
        done.touch()


def stage(source):
    """Write all pages and scripts, as Sphinx takes them, to an empty folder."""
    static = source / "_static"
    for folder in ("notebooks", "solutions", "_static"):
        (source / folder).mkdir(parents=True)
    for page in (*BOOK.glob("*.md"), BOOK / "conf.py", BOOK / "favicon.svg"):
        shutil.copy(page, source)
    home = (BOOK / "index.md").read_text(encoding="utf-8")
    (source / "index.md").write_text(home.replace("REPOSITORY", repository()), encoding="utf-8")
    for path in staging.lessons():
        nbformat.write(staging.stage_notebook(path, static), source / "notebooks" / path.name)
    for path in staging.solutions():
        page = source / "solutions" / f"{path.stem}.md"
        page.write_text(staging.solutions_page(path), encoding="utf-8")
    for path, name in DOCUMENTS.items():
        (source / name).write_text(staging.stage_markdown(ROOT / path), encoding="utf-8")
    stage_scripts(source, static)
    export_model.export(static / "play")
    export_game.export(static / "minimax")
    export_puppet.export(static / "puppet")
    (static / "card.png").write_bytes(gallery.demo().png)
    gallery.write_gallery(source / "gallery", static / "gallery", "_static/gallery/")


def stage_scripts(source, static):
    """Copy what the browser loads besides pages, and the bodies of the live pages."""
    for place, origin in VENDOR.items():
        (static / "vendor" / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(MODULES / origin, static / "vendor" / place)
    (static / "vendor" / "PACKAGES.txt").write_text(notices(), encoding="utf-8")
    for name in ("book.css", "book.js", "frames.js"):
        shutil.copy(BOOK / name, static)
    for name in ("play", "puppet", "minimax"):
        shutil.copytree(BOOK / name, static / name, ignore=shutil.ignore_patterns("*.html"))
        (source / name).mkdir(parents=True)
        shutil.copy(BOOK / name / f"{name}.html", source / name)


def notices():
    """Name, version and licence of every package that is served, and the licence where it comes along."""
    dependencies = json.loads((BOOK / "package.json").read_text(encoding="utf-8"))["dependencies"]
    parts = []
    for name, version in dependencies.items():
        folder = MODULES / name
        facts = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        parts.append(f"{name} {version}, licence {facts['license']}: {facts.get('homepage', 'npm')}")
        parts += [path.read_text(encoding="utf-8") for path in sorted(folder.glob("LICENSE*"))]
    return "\n\n".join(parts) + "\n"


def run_sphinx(work):
    """Build the staged pages; any fault that Sphinx finds, such as a link to nowhere, is an error."""
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-d", work / "doctrees"]
    command += [work / "source", work / "site"]
    if subprocess.run([*map(str, command)], cwd=ROOT).returncode:
        raise SystemExit("error: Sphinx found faults, see above")
    # A download is the notebook itself, not what was made of it for the page.
    for path in staging.lessons():
        shutil.copy(path, work / "site" / "_sources" / "notebooks")


def replace(out, site):
    """Put the finished site where an older one was, and nothing else."""
    if out.exists() and any(out.iterdir()) and not (out / ".buildinfo").is_file():
        raise SystemExit(f"error: {out} holds something that is no book; name an empty folder")
    shutil.rmtree(out, ignore_errors=True)
    shutil.move(site, out)


def main():
    parser = argparse.ArgumentParser(prog="python -m book", description="Build the web book.")
    place = BOOK / "_build" / "site"
    parser.add_argument("--out", type=Path, default=place, help="folder of the finished site")
    out = parser.parse_args().out
    install_scripts()
    with tempfile.TemporaryDirectory() as work:
        stage(Path(work, "source"))
        run_sphinx(Path(work))
        out.parent.mkdir(parents=True, exist_ok=True)
        replace(out, Path(work, "site"))
    print(f"{out}: the book; `python -m http.server -d {out}` serves it")


if __name__ == "__main__":
    main()
