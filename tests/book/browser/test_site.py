"""The web book in a real browser: every page loads from the site alone, can be read by everyone, leads on."""

import itertools
import json
import re
import urllib.error
import urllib.request
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin

import pytest

from lessons.convert import NOTEBOOKS, ROOT

pytestmark = pytest.mark.slow

AXE = ROOT / "book" / "node_modules" / "axe-core" / "axe.min.js"
LESSONS = [f"notebooks/{path.stem}.html" for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))]
PAGES = ["index.html", "play.html", "puppet.html", "minimax.html", "gallery.html", "glossary.html"]
PAGES += ["datasheet.html", "instructors.html", "api.html", *LESSONS]
SOLUTIONS = [address.replace("notebooks/", "solutions/") for address in LESSONS]
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


@pytest.mark.parametrize("address", [*PAGES, *SOLUTIONS, "search.html"])
def test_everyone_can_use_a_page(open_site, address):
    """axe finds nothing serious, and nothing is cut off: narrow and wide, light and dark."""
    page = open_site(address, viewport=NARROW, color_scheme="light", reduced_motion="reduce")
    page.wait_for_load_state("networkidle")
    page.evaluate("window.MathJax?.startup?.promise")
    page.add_script_tag(path=AXE)
    faults = []
    looks = itertools.product((NARROW, WIDE), ("light", "dark"))
    if address in {*LESSONS, *SOLUTIONS}:  # long, and of the same parts: each size and each theme once
        looks = [(NARROW, "light"), (WIDE, "dark")]
    for size, theme in looks:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
        where = f"{size['width']} {theme}"
        for fault in page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]:
            if fault["impact"] in ("serious", "critical"):
                faults.append(f"{where}: {fault['id']}: {fault['help']}: {fault['nodes'][0]['html'][:200]}")
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wider > 0:
            faults.append(f"{where}: the page is {wider} pixels wider than the window")
    assert faults == []


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


# ---- links -----------------------------------------------------------------------------------------------


class Links(HTMLParser):
    """Addresses that a page refers to, and the anchors that it has."""

    def __init__(self):
        super().__init__()
        self.addresses, self.anchors = set(), set()

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag != "base":
            self.addresses |= {values[name] for name in ("href", "src") if values.get(name)}


def read(address, *, whole=True):
    request = urllib.request.Request(address, method="GET" if whole else "HEAD")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode() if whole else ""


def test_every_link_leads_somewhere(site, screenshots):
    """All pages that can be reached from the first, all files they show, all anchors they point to."""
    pages, checked, outside, broken = {}, set(), set(), []
    waiting = [f"{site}index.html"]
    while waiting:
        page = waiting.pop()
        links = pages[page] = Links()
        links.feed(read(page))
        for address in links.addresses:
            goal = urldefrag(urljoin(page, address)).url
            if not goal.startswith(site):
                outside.add(goal)
            elif goal not in checked:
                checked.add(goal)
                try:
                    read(goal, whole=False)
                except urllib.error.HTTPError as error:
                    broken.append(f"{page}: {goal}: {error.code}")
                    continue
                if goal.endswith(".html") and goal not in pages:
                    waiting.append(goal)
    assert broken == []
    assert {f"{site}{address}" for address in (*PAGES, *SOLUTIONS)} <= pages.keys()
    for page, links in pages.items():
        for address in links.addresses:
            goal, anchor = urldefrag(urljoin(page, address))
            if anchor and goal in pages and unquote(anchor) not in pages[goal].anchors:
                broken.append(f"{page}: no {anchor} in {goal}")
    assert broken == []
    # Links to other sites are only listed: whether they answer is not ours to say.
    strange = {
        address for address in outside if not re.match(r"https?://|mailto:|data:|javascript:", address)
    }
    assert strange == set()
    listed = sorted(address for address in outside if address.startswith("http"))
    (screenshots / "links_to_other_sites.txt").write_text("\n".join(listed), encoding="utf-8")


def test_a_lesson_can_be_opened_in_colab_and_downloaded(open_site, site):
    page = open_site(LESSONS[3])
    addresses = page.evaluate(
        "[...document.querySelectorAll('a')].map(link => link.getAttribute('href') ?? '')"
    )
    name = LESSONS[3].removesuffix(".html") + ".ipynb"
    assert any(re.match(rf"https://colab\..*/github/[^/]+/[^/]+/blob/main/{name}$", a) for a in addresses)
    (download,) = {a for a in addresses if a.endswith(".ipynb") and "_sources" in a}
    served = json.loads(read(urljoin(f"{site}{LESSONS[3]}", download)))
    assert served == json.loads((ROOT / name).read_text(encoding="utf-8"))


def test_solutions_are_linked_but_not_on_the_way(open_site):
    page = open_site(LESSONS[3])
    assert (
        "solutions"
        not in page.locator("nav.bd-links, .prev-next-footer").all_inner_texts().__repr__().lower()
    )
    page.get_by_role("link", name="Solutions of the exercises").click()
    page.wait_for_url(re.compile("solutions/"))
    assert page.locator("h2").count() >= 2
    assert "equilibrium_loss = np.log(4)" in page.locator("article").inner_text()
    assert page.locator(".right-next").count() == 0
    page.get_by_role("link", name="the lesson", exact=True).click()
    page.wait_for_url(re.compile(LESSONS[3]))


# ---- moving pictures and sliders -------------------------------------------------------------------------


def test_the_demo_can_be_paused_by_keyboard(open_site):
    page = open_site("index.html", reduced_motion="no-preference")
    player = page.locator("details").first
    moving = player.locator("> img")
    page.wait_for_function("document.querySelector('details > img').naturalWidth > 0")
    assert moving.is_visible()
    player.locator("summary").focus()
    page.keyboard.press("Enter")
    assert not moving.is_visible()
    assert player.locator("summary img").is_visible()  # the still
    page.keyboard.press("Enter")
    assert moving.is_visible()


@pytest.mark.parametrize("address", ["index.html", "gallery.html", LESSONS[6]])
def test_nothing_moves_for_those_who_want_less_motion(open_site, address):
    page = open_site(address, reduced_motion="reduce")
    for k in range(page.locator("details:has(> img)").count()):
        page.locator("details:has(> img)").nth(k).scroll_into_view_if_needed()
    page.wait_for_function("[...document.querySelectorAll('details > img')].length > 0")
    page.wait_for_function(
        "[...document.querySelectorAll('details:has(> img)')].every(player => !player.open)"
    )


def frame(page):
    """Name of the file and alt text of the first picture under sliders, once it is there."""
    page.wait_for_function("document.querySelector('.frames img').complete")
    image = page.locator(".frames img").first
    assert image.evaluate("image => image.naturalWidth") > 0
    return image.get_attribute("src").split("/")[-1], image.get_attribute("alt")


def test_sliders_move_without_a_kernel_and_by_keyboard(open_site, screenshot):
    page = open_site(LESSONS[3], viewport=WIDE)
    mean, downhill = page.get_by_role("slider", name="mean"), page.get_by_role("slider", name="downhill")
    begun = "0 steps down the saturating loss: mean"
    assert frame(page)[1].startswith(f"{begun} -1.00, spread 1.00, V -0.44.")  # as in the lesson
    mean.focus()
    seen = {frame(page)[0]}
    for value in (0, 2):
        page.keyboard.press("ArrowRight")
        assert frame(page)[1].startswith(f"{begun} {value:.2f}, spread 1.00")
        seen.add(frame(page)[0])
    page.keyboard.press("Home")
    assert mean.get_attribute("aria-valuetext") == "−4"
    downhill.focus()
    page.keyboard.press("End")
    assert frame(page)[1].startswith("30 steps down the saturating loss: mean ")
    game = page.locator("figure.frames").first
    assert game.locator("output").all_inner_texts() == ["−4", "30"]
    assert game.locator(".frames-words").inner_text() == frame(page)[1]  # told to who listens
    assert len(seen) == 3
    game.scroll_into_view_if_needed()
    screenshot(page, "book-sliders")
    assert page.troubles == []


def test_a_menu_and_a_slider_choose_generated_clips(open_site):
    page = open_site(LESSONS[6])
    seen = set()
    for action in ("walk", "bend", "dance"):
        page.get_by_role("combobox", name="action").select_option(action)
        for blend in range(3):
            page.get_by_role("slider", name="blend").fill(str(blend))
            file, alt = frame(page)
            assert f"{50 * blend}% of the way" in alt
            assert f"does {action}." in alt
            seen.add(file)
    assert len(seen) == 9


def objecting(context):
    """Let the first panel of lesson 05 object to its last position."""

    def answer(route):
        response = route.fetch()
        page = response.text()
        (old, *_) = re.findall(r'(?s)<figure class="frames.*?<script[^>]*>(.*?)</script>', page)
        data = json.loads(old)
        data["frames"][-1] = {"objection": "past the end of the clip"}
        route.fulfill(response=response, body=page.replace(old, json.dumps(data), 1))

    context.route(f"**/{LESSONS[5]}", answer)


def test_what_a_panel_objects_to_is_said(open_site):
    page = open_site(LESSONS[5], prepare=objecting)
    clip, seen = (page.get_by_role("combobox", name=name) for name in ("clip", "frames"))
    clip.select_option(index=2)
    seen.select_option(index=4)
    assert "past the end of the clip" in page.locator(".frames-objection").inner_text()
    assert not page.locator(".frames img").first.is_visible()
    clip.select_option(index=0)
    assert page.locator(".frames img").first.is_visible()
    assert page.locator(".frames-objection").count() == 0


@pytest.mark.parametrize("address", ["index.html", LESSONS[3]])
def test_pages_can_be_read_without_scripts(open_site, address):
    page = open_site(address, java_script_enabled=False)
    assert page.locator("article h1").is_visible()
    pictures = page.locator("article img")
    assert pictures.count() > 0
    assert pictures.first.get_attribute("alt")
    assert page.locator(".frames-controls:visible").count() == 0  # sliders that would do nothing


# ---- everyone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("address", ["index.html", LESSONS[3]])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(open_site, address, theme):
    page = open_site(address, viewport=WIDE, color_scheme=theme)
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent").strip()
    assert first == "Skip to main content"
    unseen, reached = [], set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name, outlined = page.evaluate("""() => {
            const here = document.activeElement, style = getComputedStyle(here);
            const lit = parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== 'none';
            return [here.outerHTML.slice(0, 120), lit || style.boxShadow !== 'none'];
        }""")
        reached.add(name)
        if not outlined and not name.startswith("<body"):
            unseen.append(name)
    assert unseen == []
    assert len(reached) > 25


def test_the_theme_is_the_readers(open_site):
    page = open_site("index.html", color_scheme="dark")
    shade = (
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b)"
    )
    assert page.evaluate(shade) < 150
    page.get_by_role("button", name="Color mode").click()
    page.get_by_role("button", name="Light").click()
    page.wait_for_function(f"({shade}) > 600")  # and light by hand


def test_gallery_is_light(site):
    page = Links()
    page.feed(read(f"{site}gallery.html"))
    pictures = [address for address in page.addresses if "_static/gallery/" in address]
    sizes = [len(urllib.request.urlopen(urljoin(site, address)).read()) for address in pictures]
    assert len(sizes) == 8  # a still and a moving one of each
    assert sum(sizes) < 2 * 2**20
