"""Slides in a browser that has no network: they turn, show their pictures, and nothing runs over the edge."""

import pytest

from lessons import convert, slides

pytestmark = pytest.mark.slow
WIDTH, HEIGHT = 1100, 700


def test_slides_turn_without_a_network(browser, tmp_path):
    if not slides.REVEAL.is_dir():
        pytest.skip("reveal.js is not installed: run `npm ci` in the folder book")
    (path,) = convert.find_lessons(["05"])
    file, count = slides.write_slides(path, tmp_path)
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, offline=True)
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url[:80]))
    page.goto(file.as_uri())
    page.wait_for_function(
        "Reveal.isReady() && (!window.MathJax || !!document.querySelector('mjx-container'))"
    )
    assert page.evaluate("Reveal.getTotalSlides()") == count
    for number in range(count):
        assert page.evaluate("Reveal.getIndices().h") == number
        slide = "Reveal.getCurrentSlide()"
        assert page.evaluate(f"{slide}.scrollHeight") <= HEIGHT, page.evaluate(f"{slide}.textContent")[:60]
        assert page.evaluate(f"[...{slide}.querySelectorAll('img')].every(img => img.naturalWidth > 0)")
        page.keyboard.press("ArrowRight")
    assert faults == []
    context.close()
