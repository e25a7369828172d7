"""The web book in a real browser: every page loads from the site alone, can be read by everyone, leads on."""

import pytest

from lessons.convert import NOTEBOOKS, ROOT

AXE = ROOT / "book" / "node_modules" / "axe-core" / "axe.min.js"
LESSONS = [f"notebooks/{path.stem}.html" for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))]
PAGES = ["index.html", "play.html", "minimax.html", "gallery.html", "glossary.html", "datasheet.html"]
PAGES += ["instructors.html", "api.html", *LESSONS]
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


@pytest.mark.parametrize("address", PAGES)
def test_a_page_needs_nothing_but_the_site(open_site, screenshot, address):
    page = open_site(address, viewport=WIDE)
    page.wait_for_load_state("networkidle")
    assert page.troubles == []
    assert page.locator("article h1").count() == 1
    screenshot(page, f"book-{address.split('/')[-1].removesuffix('.html')}")


@pytest.mark.parametrize("address", PAGES)
def test_every_picture_says_what_it_shows(open_site, address):
    page = open_site(address)
    silent = page.evaluate("""() => [...document.querySelectorAll('article img')]
        .filter(image => !image.hasAttribute('alt') || /^\\.\\.|_images|\\.png$/.test(image.alt))
        .map(image => image.outerHTML.slice(0, 200))""")
    assert silent == []


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize(("theme", "size"), [("light", NARROW), ("dark", WIDE)], ids=["phone", "dark"])
def test_everyone_can_use_a_page(open_site, address, theme, size):
    page = open_site(address, viewport=size, color_scheme=theme, reduced_motion="reduce")
    page.wait_for_load_state("networkidle")
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    serious = [
        f"{fault['id']}: {fault['help']}: {fault['nodes'][0]['html'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]
    assert serious == []
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0, f"the page is {wider} pixels wider than the window"


def test_formulas_are_set(open_site):
    page = open_site("notebooks/03_gan_minimax.html")
    page.wait_for_selector("mjx-container", timeout=30_000)
    assert page.locator("mjx-container").count() > 10


def test_search_finds_a_term(open_site):
    page = open_site("search.html?q=minimax")
    page.wait_for_selector("#search-results li a", timeout=30_000)
    assert "minimax" in page.locator("#search-results").inner_text().lower()
    assert page.troubles == []


def test_the_reader_is_led_from_lesson_to_lesson(open_site):
    page = open_site(LESSONS[0])
    page.locator("a.right-next").click()
    page.wait_for_load_state()
    assert page.url.endswith(LESSONS[1])
