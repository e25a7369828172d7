"""A headless Chromium, and what it opens: a JupyterLab with its own settings, and the web book.

Needs Chromium (on Debian `apt-get install chromium`; another place: the variable CHROMIUM) and playwright, of
the group `dev`. Where one is missing the tests are skipped, but with CI=true they fail.
The book is built for its tests, which takes minutes and npm; VGCOURSE_SITE=book/_build/site names one that is
built already.
"""

import functools
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from lessons.convert import ROOT, SOURCES, convert

SCREENSHOTS = Path(__file__).parent / "screenshots"
TOKEN = "course"
PATIENCE = float(os.environ.get("VGCOURSE_BROWSER_PATIENCE", "600"))  # seconds that a notebook may run
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def unavailable(reason):
    """Skip, or fail where everything should be installed."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium():
    """Path of the browser."""
    names = [os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    found = next(filter(None, (shutil.which(name) for name in names if name)), None)
    return found or unavailable("no Chromium: install it, or name it in the variable CHROMIUM")


@pytest.fixture(scope="session")
def browser(chromium):
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        unavailable("playwright is not installed: it comes with the dependency group dev")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Address of a running JupyterLab, and the folder that it shows."""
    base = tmp_path_factory.mktemp("lab")
    folder, settings = base / "notebooks", base / "settings" / "@jupyterlab"
    folder.mkdir()
    # All cells are in the page, not only those in view; and nobody asks about news.
    write_setting(settings / "notebook-extension" / "tracker", {"windowingMode": "none"})
    write_setting(settings / "apputils-extension" / "notification", {"fetchNews": "false"})
    kinds = ("CONFIG", "DATA", "RUNTIME")
    own = {f"JUPYTER_{kind}_DIR": str(base / kind.lower()) for kind in kinds}
    own |= {
        "JUPYTERLAB_SETTINGS_DIR": str(settings.parent),
        "JUPYTERLAB_WORKSPACES_DIR": str(base / "workspaces"),
    }
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    port = free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--allow-root"),
            *(f"--port={port}", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}"),
            *("--LabApp.expose_app_in_browser=True", "--LabApp.news_url=", "--ServerApp.port_retries=0"),
        ],
        env={**os.environ, **own, "PYTHONPATH": path, "VGCOURSE_BUDGET": "small"},
        stdout=subprocess.DEVNULL,
        stderr=(base / "server.log").open("w"),
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for_server(f"{address}/api/status?token={TOKEN}", server, base / "server.log")
        yield address, folder
    finally:
        server.terminate()
        server.wait(60)


def write_setting(place, values):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_suffix(".jupyterlab-settings").write_text(json.dumps(values))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_server(url, server, log):
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def open_lesson(browser, lab):
    """A function: name of a lesson -> the page with its notebook, all cells run."""
    address, folder = lab
    pages = []

    def open_and_run(name):
        source = SOURCES / f"{name}.py"
        if not source.is_file():
            unavailable(f"lesson {name} is not there")
        nbformat.write(convert(source, solutions=False), folder / f"{name}.ipynb")
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        pages.append(page)
        page.set_default_timeout(60_000)
        page.goto(f"{address}/lab/tree/{name}.ipynb?token={TOKEN}&reset")
        run_all(page)
        return page

    yield open_and_run
    for page in pages:
        page.close()


def run_all(page):
    """Run all cells of the notebook in the page and wait until the last one is done."""
    kernel = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
    connected = f"{kernel}?.connectionStatus === 'connected' && {kernel}.status === 'idle'"
    page.wait_for_function(connected, timeout=120_000)
    # The command's promise is kept when the last cell is done; the page must not wait for it in one call.
    page.evaluate("""() => {
        window.allDone = false;
        const run = window.jupyterapp.commands.execute('notebook:run-all-cells');
        run.finally(() => { window.allDone = true; });
    }""")
    page.wait_for_function("window.allDone === true", timeout=1000 * PATIENCE)
    errors = page.evaluate("""() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
        .filter(cell => cell.type === 'code')
        .flatMap(cell => cell.outputs.toJSON().filter(output => output.output_type === 'error'))
        .map(output => `${output.ename}: ${output.evalue}`)""")
    assert errors == []


@pytest.fixture
def screenshots():
    """Folder for what people should look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    return SCREENSHOTS


@pytest.fixture
def screenshot(screenshots):
    """A function that keeps a picture of a page, for people to look at."""
    return lambda page, name: page.screenshot(path=str(screenshots / f"{name}.png"))


@pytest.fixture
def stays_in_view():
    """A function: page, selectors of its picture and of controls -> each in view, the picture is so, too."""

    def look(page, picture, controls):
        width, height = page.viewport_size["width"], page.viewport_size["height"]
        for control in controls:
            page.locator(control).scroll_into_view_if_needed()
            page.mouse.move(width / 2, height - 50)
            page.mouse.wheel(0, 100)
            page.wait_for_timeout(200)
            box = page.locator(picture).bounding_box()
            seen = min(height, box["y"] + box["height"]) - max(0, box["y"])
            assert seen > 0.75 * box["height"], control

    return look


# ---- the web book ----------------------------------------------------------------------------------------

BELOW = "some/course"  # the site must work from any sub-path


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and writes no log."""

    def log_message(self, *_):
        pass


def build_book(folder):
    if not shutil.which("npm"):
        unavailable("no npm: install Node.js 18 or newer, or name a built book in the variable VGCOURSE_SITE")
    command = [sys.executable, "-m", "book", "--out", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"the book was not built:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Address of the book, ending in "/", served on the loopback from a sub-path."""
    root = tmp_path_factory.mktemp("web")
    folder = root / BELOW
    folder.parent.mkdir()
    if os.environ.get("VGCOURSE_SITE"):
        shutil.copytree(os.environ["VGCOURSE_SITE"], folder)
    else:
        build_book(folder)
    handler = functools.partial(QuietHandler, directory=str(root))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{BELOW}/"
    server.shutdown()


@pytest.fixture
def open_site(browser, site):
    """A function: address of a page of the book -> the page, with all that went wrong in `page.troubles`.

    Requests that leave the machine are stopped and counted as trouble. `prepare` is called with the context
    before the page is opened; other settings are those of Playwright's `new_context`.
    """
    contexts = []

    def open_page(address, *, prepare=None, **settings):
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.troubles = []

        def route(route):
            if route.request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
                return route.continue_()
            page.troubles.append(f"asked for {route.request.url}")
            return route.abort()

        context.route("**/*", route)
        if prepare:
            prepare(context)
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.on("console", lambda line: line.type == "error" and page.troubles.append(line.text))
        page.on("response", lambda a: a.status >= 400 and page.troubles.append(f"{a.status} {a.url}"))
        page.goto(site + address)
        return page

    yield open_page
    for context in contexts:
        context.close()
