"""Lessons 03 and 06 in JupyterLab: sliders follow mouse and keyboard, menus choose, and the picture follows.

From a slider's event to the new picture it takes under 150 ms at the median. On a machine that is busy with
other things, VGCOURSE_BROWSER_LIMIT_MS=1000 allows more; nothing else relaxes the test.
"""

import os
import statistics

import pytest

pytestmark = pytest.mark.slow

LIMIT_MS = float(os.environ.get("VGCOURSE_BROWSER_LIMIT_MS", "150"))
ROUNDS, CHANGES = 3, 15  # the median of 15 changes, three times; the best of the three counts

# Press a key on a slider's handle; returns milliseconds until the picture has changed and is decoded.
TIME_ONE_CHANGE = """([panel, handle, key]) => new Promise((done, failed) => {
    const picture = panel.querySelector('.widget-html-content');
    let start;
    const watch = new MutationObserver(async () => {
        const image = picture.querySelector('img');
        if (!image) return;
        watch.disconnect();
        await image.decode();
        done(performance.now() - start);
    });
    watch.observe(picture, { childList: true, subtree: true, attributes: true });
    setTimeout(() => { watch.disconnect(); failed(new Error('the picture did not change in 20 s')); }, 20000);
    start = performance.now();
    handle.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
})"""


@pytest.fixture(scope="module")
def generating(open_lesson):
    return open_lesson("06_generate")


def panels(page):
    """The panels of a page: boxes with a slider and a picture."""
    return (
        page.locator(".jp-OutputArea-output .widget-vbox")
        .filter(has=page.locator(".widget-slider"))
        .filter(has=page.locator(".widget-html img"))
    )


def control_panel(page):
    panel = panels(page).filter(has=page.locator("img[alt^='Generated: person']")).last
    panel.scroll_into_view_if_needed()
    return panel


def slider(panel, label):
    """The slider with this label; its readout says its value."""
    return (
        panel.locator(".widget-slider").filter(has=panel.page.locator(".widget-label", has_text=label)).first
    )


def picture(panel):
    return panel.locator(".widget-html img").first


def changed(panel, act):
    """Do something and wait until the panel's picture is another one and stays; returns its alt text."""
    before = picture(panel).get_attribute("src")
    act()
    panel.page.wait_for_function(
        "([panel, before]) => panel.querySelector('.widget-html img')?.src !== before",
        arg=[panel.element_handle(), before],
        timeout=20_000,
    )
    shown = None
    while shown != (shown := picture(panel).get_attribute("src")):  # a drag draws several times
        panel.page.wait_for_timeout(1000)
    return picture(panel).get_attribute("alt")


def drag(page, handle, distance):
    """Drag a slider's handle to the right by mouse."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + distance, y, steps=4)
    page.mouse.up()


def test_lesson_03_follows_mouse_and_keyboard(open_lesson, screenshot):
    page = open_lesson("03_gan_minimax")
    panel = panels(page).first
    panel.scroll_into_view_if_needed()
    handle = panel.locator(".noUi-handle").first
    changed(panel, lambda: drag(page, handle, 60))

    def press():
        handle.focus()
        page.keyboard.press("ArrowLeft")

    changed(panel, press)
    screenshot(page, "lesson_03")


def test_a_slider_by_mouse(generating, screenshot):
    panel = control_panel(generating)
    before = slider(panel, "person").locator(".widget-readout").inner_text()
    alt = changed(panel, lambda: drag(generating, slider(panel, "person").locator(".noUi-handle"), 80))
    after = slider(panel, "person").locator(".widget-readout").inner_text()
    assert after != before
    assert alt.startswith("Generated: person")
    screenshot(generating, "lesson_06_mouse")


def test_a_slider_by_keyboard(generating, screenshot):
    panel = control_panel(generating)
    handle = slider(panel, "look 1").locator(".noUi-handle")
    handle.focus()
    value = float(handle.get_attribute("aria-valuenow"))
    for _ in range(3):
        changed(panel, lambda: generating.keyboard.press("ArrowRight"))
    assert float(handle.get_attribute("aria-valuenow")) > value
    generating.wait_for_function(
        "panel => /look 1 \\+/.test(panel.querySelector('.widget-html img').alt)", arg=panel.element_handle()
    )
    screenshot(generating, "lesson_06_keyboard")


def test_the_tab_key_reaches_every_control(generating):
    panel = control_panel(generating)
    slider(panel, "person").locator(".noUi-handle").focus()
    reached = {"person"}
    for _ in range(60):
        generating.keyboard.press("Tab")
        inside, what = generating.evaluate(
            """panel => { const e = document.activeElement;
            const label = e.closest('.widget-inline-hbox')?.querySelector('.widget-label')?.textContent;
            return [panel.contains(e), label || e.textContent || e.type]; }""",
            panel.element_handle(),
        )
        if not inside:
            break
        reached.add(what.strip())
    assert {"blend", "look 1", "look 4", "action", "motion", "speed", "another person"} <= reached


def test_controls_have_names_and_keys_stay_in_the_panel(generating):
    panel = control_panel(generating)
    panel.locator(".noUi-handle[aria-label='person']").focus()
    count = "window.jupyterapp.shell.currentWidget.content.widgets.length"
    cells = generating.evaluate(count)
    for key in "bddax":
        generating.keyboard.press(key)
    generating.wait_for_timeout(500)
    assert generating.evaluate(count) == cells
    unnamed = panel.locator(".noUi-handle:not([aria-label])")
    assert unnamed.count() == 0
    assert panel.locator(".vgcourse-caption[aria-live='polite']").count() == 1


def test_the_picture_stays_in_view_beside_its_controls(generating, screenshot):
    panel = control_panel(generating)
    shown, last = picture(panel).bounding_box(), slider(panel, "speed").bounding_box()
    assert shown["width"] >= 384
    assert shown["x"] + shown["width"] <= last["x"]
    assert last["y"] + last["height"] - shown["y"] < 700
    screenshot(generating, "lesson_06_panel")


def test_an_action_from_the_menu(generating, screenshot):
    panel = control_panel(generating)
    menu = panel.locator("select").first
    for action in ("squat", "jack"):
        changed(panel, lambda action=action: menu.select_option(label=action))
        generating.wait_for_function(
            "([panel, word]) => panel.querySelector('.widget-html img').alt.includes(word)",
            arg=[panel.element_handle(), f"does {action}"],
        )
    screenshot(generating, "lesson_06_action")


def test_a_button_and_the_pause(generating, screenshot):
    panel = control_panel(generating)
    changed(panel, lambda: panel.get_by_role("button", name="another person").click())
    assert picture(panel).get_attribute("src").startswith("data:image/gif")
    changed(panel, lambda: panel.get_by_label("moving").uncheck())
    assert picture(panel).get_attribute("src").startswith("data:image/png")
    screenshot(generating, "lesson_06_paused")
    changed(panel, lambda: panel.get_by_label("moving").check())


def test_the_picture_follows_quickly(generating, capsys):
    panel = control_panel(generating)
    handle = slider(panel, "person").locator(".noUi-handle").element_handle()
    arguments = [panel.element_handle(), handle]
    medians = []
    for k in range(ROUNDS):
        key = "ArrowRight" if k % 2 == 0 else "ArrowLeft"
        times = [generating.evaluate(TIME_ONE_CHANGE, [*arguments, key]) for _ in range(CHANGES)]
        medians.append(statistics.median(times))
    with capsys.disabled():
        listed = ", ".join(f"{median:.0f}" for median in medians)
        print(f"\nslider to new picture: medians of {CHANGES} changes {listed} ms, allowed {LIMIT_MS:.0f} ms")
    assert min(medians) < LIMIT_MS
