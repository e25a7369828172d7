"""The minimax page: the same game as in Python, to the last digits, playable by everyone and never silent."""

import json
import re

import numpy as np
import pytest

from book import export_game
from vgcourse.gan import toy

pytestmark = pytest.mark.slow

STARTED = "#mm-body:not([hidden])"
LOSSES = ["non_saturating", "minimax", "hinge", "least_squares", "wasserstein"]
# Adam divides a gradient by its size, so a weight whose gradient is mere rounding still moves by a whole
# learning rate, in either direction. Hence two promises: losses agree to CLOSE whatever the recipe; points
# agree to CLOSE with the recipe that readers replay, and to one learning rate with any other.
CLOSE, WITHIN_A_STEP = 1e-4, 2e-3


def complaint(message):
    """What an error in the console says, and of which file; "" for none."""
    return f"{message.text} ({message.location['url']})" if message.type == "error" else ""


@pytest.fixture
def open_page(browser, site):
    """A function that opens the minimax page, and afterwards finds no error in its console."""
    pages = []

    def open_page(*, prepare=None, expected="", started=STARTED, **options):
        context = browser.new_context(**options)
        page = context.new_page()
        errors = []
        page.on("console", lambda message: errors.append(complaint(message)))
        page.on("pageerror", lambda error: errors.append(str(error)))
        pages.append((context, errors, expected))
        if prepare:
            prepare(page)
        page.goto(f"{site}minimax.html")
        page.wait_for_selector(started, timeout=60_000)
        return page

    yield open_page
    for context, errors, expected in pages:
        context.close()
        assert [error for error in errors if error and not (expected and re.search(expected, error))] == []


def steps(page):
    return int(re.match(r"step (\d+)", page.inner_text("#mm-count")).group(1))


def wait_for_steps(page, number):
    script = "number => parseInt(document.querySelector('#mm-count').textContent.slice(5)) >= number"
    page.wait_for_function(script, arg=number, timeout=400_000)


def choose(page, **values):
    """Sets controls as a reader would; sliders by their position."""
    for name, value in values.items():
        control = page.locator(f"#mm-{name}")
        if control.evaluate("element => element.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(str(value))


def picture(page):
    return page.evaluate("document.querySelector('#mm-stage').toDataURL()")


def numbers_after(text, words):
    """`words 1.04, target 1.00` as (1.04, 1.0)."""
    found = re.search(rf"{words} (−?[\d.]+), target (−?[\d.]+)", text)
    return tuple(float(part.replace("−", "-")) for part in found.groups())


# --- the same game as in Python ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replay(browser, site):
    """A function that takes a check's steps in the browser, from the game that the site serves."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site}minimax.html")
    page.wait_for_selector(STARTED, timeout=60_000)
    script = """async ([name, check]) => {
        const folder = new URL("_static/minimax/", document.baseURI);
        const { replay } = await import(new URL("replay.js", folder));
        const plain = await (await fetch(new URL(`game_${name}.json`, folder))).json();
        return replay(plain, check);
    }"""
    yield lambda name, check: page.evaluate(script, [name, check])
    context.close()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["line", "plane"])
def test_fifty_steps_are_those_of_python(replay, name, loss):
    recipe = export_game.RECIPE._replace(loss=loss)
    game, draw_real = export_game.STARTS[name], export_game.DATA[name]
    check = export_game.check_numbers(game, draw_real, recipe=recipe)
    result = replay(name, check)
    assert result["steps"] == 50
    assert result["losses"] < CLOSE
    assert result["points"] < (CLOSE if loss == "non_saturating" else WITHIN_A_STEP)


def test_more_steps_of_the_generator_are_those_of_python(replay):
    recipe = toy.Recipe(g_steps=3, batch_size=64)  # and without R1
    check = export_game.check_numbers(export_game.STARTS["line"], export_game.draw_line, recipe=recipe)
    result = replay("line", check)
    assert result["losses"] < CLOSE
    assert result["points"] < WITHIN_A_STEP


def test_a_difference_would_be_seen(replay):
    check = export_game.check_numbers(export_game.STARTS["line"], export_game.draw_line)
    other = replay("line", check | {"recipe": check["recipe"] | {"r1_gamma": 0.2}})
    assert min(other["losses"], other["points"]) > 10 * CLOSE


@pytest.mark.parametrize("target", ["ring", "bell"])
def test_readers_can_check_it_too(open_page, target):
    page = open_page()
    choose(page, target=target)
    page.click(".mm-check summary")
    page.click("#mm-replay")
    page.wait_for_selector("#mm-replay-result:has-text('differ')", timeout=60_000)
    assert "the same game" in page.inner_text("#mm-replay-result")


# --- theory ------------------------------------------------------------------------------------------------


def test_theory_by_closed_forms(open_page):
    """The density behind a straight generator, and JSD and D* of two bell curves, by integrals in Python."""
    page = open_page()
    found = page.evaluate("""async () => {
        const theory = await import(new URL("_static/minimax/theory.js", document.baseURI));
        const p = theory.targetDensity({ dim: 1, centres: [[1]], spread: 0.5 });
        const q = theory.lineDensity(theory.NOISE.map((z) => z - 1));
        const best = theory.bestDiscriminator(p, q);
        return { places: Array.from(theory.PLACES), q: Array.from(q), best, jsd: theory.divergence(p, q),
                 same: theory.divergence(p, p) };
    }""")
    x = np.array(found["places"])

    def bell(mean, spread):
        return np.exp(-0.5 * ((x - mean) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))

    p, q = bell(1, 0.5), bell(-1, 1)
    middle = (p + q) / 2
    jsd = (p * np.log(p / middle) + q * np.log(q / middle)).sum() * (x[1] - x[0]) / 2
    np.testing.assert_allclose(found["q"], q, atol=2e-3)
    assert found["jsd"] == pytest.approx(jsd, abs=1e-3)
    assert found["same"] == 0
    near = (p + q) > 1e-3
    best = np.array([np.nan if value is None else value for value in found["best"]])
    np.testing.assert_allclose(best[near], (p / (p + q))[near], atol=0.02)


def test_it_converges_on_a_bell_curve(open_page, screenshot):
    page = open_page()
    choose(page, target="bell")
    before = numbers_after(page.inner_text("#mm-description"), "generated mean")
    assert abs(before[0] - before[1]) > 0.5
    page.click("#mm-run")
    texts = []
    for number in range(600, 850, 50):  # the players circle the goal: one moment says little
        wait_for_steps(page, number)
        texts.append(page.inner_text("#mm-description"))
    page.click("#mm-run")
    means = np.median([numbers_after(text, "generated mean") for text in texts], axis=0)
    assert means == pytest.approx((1.0, 1.0), abs=0.25)
    made, wanted = np.median([numbers_after(text, "spread") for text in texts], axis=0)
    assert wanted == 0.5
    assert made == pytest.approx(0.5, abs=0.2)
    losses = [float(re.search(r"D's loss ([\d.]+)", text).group(1)) for text in texts]
    assert np.median(losses) == pytest.approx(np.log(4), abs=0.2)
    screenshot(page.locator("#mm"), "minimax_line")


# --- controls ----------------------------------------------------------------------------------------------


def test_it_waits_for_the_reader_and_steps(open_page):
    page = open_page()
    page.wait_for_timeout(500)
    assert steps(page) == 0
    before = picture(page)
    page.click("#mm-step")
    page.click("#mm-step")
    assert steps(page) == 2
    assert picture(page) != before
    assert "Now D" in page.get_attribute("#mm-losses", "aria-label")
    page.click("#mm-reset")
    assert steps(page) == 0
    assert picture(page) == before


def test_a_seed_decides_the_game(open_page):
    page, said = open_page(), []
    for seed in (3, 4, 3):
        choose(page, seed=seed)
        for _ in range(3):
            page.click("#mm-step")
        said.append(page.inner_text("#mm-description"))
    assert said[0] == said[2] != said[1]


def test_every_target_has_its_picture(open_page):
    page = open_page()
    targets = page.eval_on_selector_all("#mm-target option", "options => options.map(o => o.value)")
    seen = set()
    for target in targets:
        choose(page, target=target)
        assert steps(page) == 0
        seen.add(picture(page))
    assert len(seen) == len(targets) >= 8


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_plays(open_page, loss):
    page = open_page()
    choose(page, loss=loss, target="bell")
    page.click("#mm-step")
    now = page.eval_on_selector_all("#mm-numbers tr", "rows => rows.map(r => r.cells[1].textContent)")
    assert all(re.match(r"−?\d", text) for text in now), now
    assert (page.locator("#mm-numbers :text('best D')").count() == 1) == (
        loss in ("minimax", "non_saturating")
    )


@pytest.mark.parametrize("dim", ["line", "plane"])
def test_a_target_drawn_with_keys_alone(open_page, dim, screenshot):
    page = open_page()
    choose(page, target=f"drawn_{dim}")
    page.click("#mm-run")
    assert "Draw something" in page.inner_text("#mm-message")
    page.focus("#mm-stage")
    for key in (
        ["ArrowRight"] * 5 + [" "] + ["ArrowLeft"] * 10 + ["Enter", "ArrowUp", "ArrowUp", "ArrowLeft", " "]
    ):
        page.keyboard.press(key)
    page.keyboard.press("Backspace")  # two heaps stay, at 1 and at -1
    assert page.inner_text("#mm-message") == ""
    made_of = page.inner_text("#mm-description")
    assert re.search(r"target \(?0\.00", made_of), made_of
    page.click("#mm-step")
    assert steps(page) == 1
    screenshot(page.locator("#mm"), f"minimax_drawn_{dim}")
    page.click("#mm-clear")
    assert "empty" in page.inner_text("#mm-description")


def test_a_target_drawn_with_the_mouse(open_page):
    page = open_page()
    choose(page, target="drawn_plane")
    stage = page.locator("#mm-stage")
    box = stage.bounding_box()
    stage.click(position={"x": 0.75 * box["width"], "y": 0.5 * box["height"]})
    found = re.search(r"target \(([\d.]+), (−?[\d.]+)\)", page.inner_text("#mm-description"))
    assert float(found.group(1)) == pytest.approx(1.6, abs=0.05)  # a quarter of 6.4 right of the middle
    assert abs(float(found.group(2).replace("−", "-"))) < 0.05


def test_by_keyboard_alone(open_page):
    """Tab reaches everything in turn, what has the focus shows it, and keys work the controls."""
    page = open_page()
    page.focus("#mm-run")
    reached = []
    for _ in range(22):
        name = page.evaluate("document.activeElement.id || document.activeElement.dataset.experiment || ''")
        reached.append(name)
        if name == "mm-run":
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
            assert float(outline.removesuffix("px")) >= 2
        page.keyboard.press("Tab")
    controls = (
        "run step reset speed target loss dRate gRate r1Gamma gSteps seed show-real show-pushes show-net"
    )
    assert [f"mm-{name}" for name in controls.split()] == [
        name for name in reached if name.startswith("mm-") and name != "mm-stage"
    ]
    page.focus("#mm-dRate")
    page.keyboard.press("End")
    assert page.inner_text("#mm-dRate-value") == page.get_attribute("#mm-dRate", "aria-valuetext") == "0.05"
    page.focus("#mm-run")
    page.keyboard.press("Enter")
    wait_for_steps(page, 3)
    page.keyboard.press("Enter")
    assert page.inner_text("#mm-run") == "Run"


def test_a_long_game_fills_no_memory(open_page):
    page, held = open_page(), []
    for _ in range(3):
        for _ in range(3):
            page.click("#mm-step")
        choose(page, target="bell")
        page.click("#mm-step")
        choose(page, target="ring")
        held.append(page.evaluate("tf.memory().numTensors"))
    assert len(set(held)) == 1


@pytest.mark.parametrize(
    ("name", "number"), [("balance", 300), ("collapse", 120), ("strong", 500), ("silent", 300)]
)
def test_experiments_show_what_they_promise(open_page, screenshot, name, number):
    page = open_page()
    page.click(f"[data-experiment={name}]")
    assert page.inner_text("#mm-hint")
    wait_for_steps(page, number)
    page.click("#mm-run")
    text = page.inner_text("#mm-description")
    loss = float(re.search(r"D's loss ([\d.]+)", text).group(1))
    gradient = float(re.search(r"G ([\d.e−]+)\.$", text).group(1).replace("−", "-"))
    screenshot(page.locator("#mm"), f"minimax_{name}")
    if name == "balance":
        assert loss == pytest.approx(np.log(4), abs=0.25)
    elif name == "collapse":
        assert int(re.search(r"reached: (\d) of 8", text).group(1)) <= 4
    elif name == "strong":
        assert loss < np.log(4) - 0.05
    else:
        assert gradient < 5e-3
        choose(page, loss="non_saturating")
        page.click("#mm-step")
        loud = page.inner_text("#mm-description")
        assert float(re.search(r"G ([\d.e−]+)\.$", loud).group(1)) > 100 * gradient


# --- for everyone, on every screen -------------------------------------------------------------------------


def test_pictures_have_words(open_page):
    page = open_page()
    canvases = page.locator("canvas")
    assert canvases.count() == 3
    for place in range(3):
        assert canvases.nth(place).get_attribute("role") == "img"
        assert canvases.nth(place).get_attribute("aria-label")
    assert page.get_attribute("#mm-stage", "aria-describedby") == "mm-description"
    page.click("#mm-step")
    assert page.text_content("#mm-live") == page.inner_text("#mm-description")
    assert re.match(r"Step 1: generated mean .* D is right in \d+% of cases", page.text_content("#mm-live"))


def test_less_motion_is_honoured(open_page):
    page = open_page(reduced_motion="reduce")
    page.click("[data-experiment=collapse]")
    page.wait_for_timeout(300)
    assert steps(page) == 0
    assert page.inner_text("#mm-hint").endswith("Press Run.")
    page.evaluate("""() => {
        window.pictures = 0;
        window.began = performance.now();
        const draw = CanvasRenderingContext2D.prototype.drawImage;
        CanvasRenderingContext2D.prototype.drawImage = function (...rest) {
            window.pictures += 1;
            return draw.apply(this, rest);
        };
    }""")
    page.click("#mm-run")
    page.wait_for_timeout(2500)
    page.click("#mm-run")
    assert steps(page) > 1
    pictures, seconds = page.evaluate("[window.pictures, (performance.now() - window.began) / 1000]")
    assert 2 <= pictures <= seconds + 4  # one a second, and those of both clicks


@pytest.mark.parametrize("width", [360, 768, 1600])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits(open_page, screenshot, width, theme):
    page = open_page(viewport={"width": width, "height": 900})
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    page.click("#mm-step")
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator("#mm-stage").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    screenshot(page.locator("#mm"), f"minimax_{width}_{theme}")


@pytest.mark.parametrize("size", [(1280, 800), (360, 740)])
def test_the_map_stays_in_view_while_rules_are_changed(open_page, stays_in_view, size):
    page = open_page(viewport=dict(zip(("width", "height"), size, strict=True)))
    if size[0] == 1280:
        assert page.locator("#mm-stage").bounding_box()["width"] >= 598  # 600 with its border
    stays_in_view(page, "#mm-stage", ["#mm-dRate", "#mm-seed", "#mm-losses"])


def test_points_outside_the_picture_are_counted(open_page):
    page = open_page()
    page.evaluate(
        """async () => {
            const { sentence } = await import("./_static/minimax/describe.js");
            const part = { mean: 0, spread: 1 };
            window.said = (outside) => sentence(3, {
                outside, made: [part], wanted: [part], accuracy: 0.5, modes: null, jsd: null,
            }, null, "hinge");
        }"""
    )
    assert "7 of the points drawn lie outside the picture" in page.evaluate("said(7)")
    assert "outside" not in page.evaluate("said(0)")
    choose(page, loss="wasserstein", r1Gamma=0, gRate=9, dRate=9)
    page.click("#mm-run")
    wait_for_steps(page, 100)
    page.click("#mm-run")
    assert "outside the picture" in page.inner_text("#mm-description")


def test_the_dark_theme_has_its_own_picture(open_page):
    page = open_page()
    light = picture(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("old => document.querySelector('#mm-stage').toDataURL() !== old", arg=light)


# --- what can go wrong -------------------------------------------------------------------------------------


def message(page):
    page.wait_for_function(
        "!document.querySelector('#mm-message').textContent.startsWith('The game is on its way')"
    )
    return page.inner_text("#mm-message")


def test_without_webassembly_it_plays_slower(open_page):
    page = open_page(prepare=lambda page: page.add_init_script("delete window.WebAssembly"))
    page.click(".mm-check summary")
    assert "plain JavaScript" in page.inner_text("#mm-backend")
    page.click("#mm-step")
    assert steps(page) == 1


def test_a_missing_webassembly_file_is_no_end(open_page):
    page = open_page(
        prepare=lambda page: page.route("**/*.wasm", lambda route: route.abort()), expected="wasm|ERR_FAILED"
    )
    page.click("#mm-step")
    assert steps(page) == 1


@pytest.mark.parametrize("script", ["tf.min.js", "page.js", "game.js"])
def test_a_missing_script_is_told(open_page, script):
    page = open_page(
        prepare=lambda page: page.route(f"**/{script}", lambda route: route.abort()),
        expected="ERR_FAILED",
        started="#mm-message",
    )
    page.wait_for_timeout(1000)
    assert re.search("did not arrive", page.inner_text("#mm-message"))
    assert not page.is_visible("#mm-stage")


@pytest.mark.parametrize("body", ["{broken", json.dumps({"generator": [[1, 2]], "discriminator": []})])
def test_damaged_numbers_are_told_and_the_game_goes_on(open_page, body):
    page = open_page(
        prepare=lambda page: page.route("**/game_*.json", lambda route: route.fulfill(body=body))
    )
    assert "Seed 0 begins with other weights" in message(page)
    page.click("#mm-step")
    assert steps(page) == 1


def test_a_game_that_blows_up_says_so(open_page):
    plain = export_game.to_plain(toy.make_toy(2, width=4))
    plain["discriminator"][-2] = [[1e38]] * 4
    page = open_page(
        prepare=lambda page: page.route("**/game_plane.json", lambda route: route.fulfill(json=plain))
    )
    page.click("#mm-run")
    page.wait_for_selector("#mm-message:has-text('blown up')")
    assert page.inner_text("#mm-run") == "Run"
    assert "step 0" in page.inner_text("#mm-count")
    page.click("#mm-step")
    assert "Press Reset" in message(page)
    choose(page, target="bell")
    page.click("#mm-step")
    assert steps(page) == 1


def test_a_hidden_tab_is_told_and_owes_nothing(open_page):
    page = open_page()
    choose(page, speed="30")
    page.click("#mm-run")
    hide = "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
    hide += " document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hide, True)
    assert "background" in page.inner_text("#mm-message")
    page.evaluate(hide, False)
    assert page.inner_text("#mm-message") == ""


def test_without_javascript_there_is_a_message(open_page):
    page = open_page(java_script_enabled=False, started="#mm-message")
    assert "JavaScript is switched off" in page.inner_text("#mm-message")
