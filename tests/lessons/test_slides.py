import re

import nbformat
import pytest

from lessons import convert, slides
from lessons.slides import find_slides, first_sentences, page, shown_text

STILL = {"image/png": "UE5H\n", "text/plain": 'A "red" ball.'}
MOVING = {
    **STILL,
    "text/html": '<img src="data:image/png;base64,UE5H"><img src="data:image/gif;base64,R0lG">',
}


def cell(text, *pictures, printed="", tags=()):
    if not pictures and not printed and text.startswith(("#", "A", "B")):
        return nbformat.v4.new_markdown_cell(text, metadata={"tags": list(tags)})
    outputs = [nbformat.v4.new_output("display_data", data) for data in pictures]
    outputs += [nbformat.v4.new_output("stream", name="stdout", text=printed)] if printed else []
    return nbformat.v4.new_code_cell(text, outputs=outputs, metadata={"tags": list(tags)})


def found(*cells):
    return find_slides(nbformat.v4.new_notebook(cells=list(cells)))


def test_a_heading_or_a_picture_makes_a_slide():
    got = found(
        cell("# 05 · Title\n[![Badge](a)](b)\n\n**Why?**"),
        cell("## 1. First\nA text."),
        cell("x = 1"),
        cell("A picture follows."),
        cell("show(x)", STILL),
        cell("A line that is left out."),
        cell("print(x)", printed="1\n"),
        cell("A line that is kept.", tags=["slide"]),
        cell("## 2. Not shown", tags=["no-slide"]),
        cell("## You have\n- made it.\n\n## References\n- A book."),
        cell("## References\n- A book."),
    )
    headings = [slide.heading for slide in got]
    assert headings == ["05 · Title", "1. First", "1. First", "1. First", "You have"]
    assert got[0].text == "**Why?**"
    assert got[3].text == "A line that is kept."
    assert got[4].text == "- made it."


def test_the_first_exercise_has_its_own_heading_and_no_verdict():
    (slide,) = found(
        cell('## Exercises\n### Exercise 1: twice\nWrite it. Stuck? `check.hint("twice")`'),
        cell("def twice(x):\n    ...", tags=["exercise"], printed=""),
        cell("check.twice(twice)", printed="○ twice: nothing here yet"),
    )
    assert slide.heading == "Exercise 1: twice"
    assert shown_text(slide) == "Write it.\n"
    assert "nothing here" not in slides._section(slide, is_first=False)


def test_a_moving_picture_moves_and_keeps_its_description():
    (slide,) = found(cell("## Look\nA ball."), cell("show()", MOVING))
    assert slide.pictures == [
        '<img class="moving" src="data:image/gif;base64,R0lG" alt="A &quot;red&quot; ball.">'
    ]
    (slide,) = found(cell("## Look\nA ball."), cell("show()", STILL))
    assert 'src="data:image/png;base64,UE5H"' in slide.pictures[0]


@pytest.mark.parametrize(
    ("text", "letters", "expected"),
    [
        ("One. Two. Three.", 9, "One. Two."),
        ("A first sentence that is long. Two.", 5, "A first sentence that is long."),
        ("By Tulyakov et al. in 2018. Two.", 5, "By Tulyakov et al. in 2018."),
        ("**All alike. Really.** Two.", 5, "**All alike.**"),
        ("Why? Because\nof 3.5 of them.", 50, "Why? Because of 3.5 of them."),
    ],
)
def test_sentences_are_whole(text, letters, expected):
    assert first_sentences(text, letters) == expected


def test_the_page_holds_everything_and_the_notes_the_whole_text(monkeypatch):
    monkeypatch.setattr(
        slides, "_read", lambda path: f"/* {path.name} {'</script>' * (path.suffix == '.js')} */"
    )
    deck = found(
        cell("# Title\nA formula:\n\n$$a_1 < b_2$$\n\nAnd more of it."),
        cell("show()", MOVING),
        cell("## Code"),
        cell("a = '<b>'", printed="1 < 2\n"),
    )
    text = page(deck, "A & B")
    assert "<title>A &amp; B</title>" in text
    assert "$$a_1 &lt; b_2$$" in text
    assert "a = &#x27;&lt;b&gt;&#x27;" in text
    assert "1 &lt; 2" in text
    assert text.count("<section>") == 2
    shown, notes = re.search(r"<section>(.*?)<aside class=\"notes\">(.*?)</aside>", text, re.DOTALL).groups()
    assert "And more" not in shown
    assert "And more" in notes
    assert all(place.startswith("data:") for place in re.findall(r'(?:src|href)="([^"]*)"', text))
    assert [text.count(name) for name in ("reveal.js", "notes.js", "tex-svg.js")] == [1, 1, 1]
    assert text.count("</script>") == text.count("<script>")


def test_without_formulas_there_is_no_mathjax_and_without_npm_an_error(monkeypatch, tmp_path):
    deck = found(cell("# Title\nA text."))
    with monkeypatch.context() as patch:
        patch.setattr(slides, "_read", lambda path: path.name)
        assert "tex-svg.js" not in page(deck, "Title")
    monkeypatch.setattr(slides, "REVEAL", convert.ROOT / "nowhere")
    with pytest.raises(convert.LessonError, match="npm ci"):
        page(deck, "Title")


@pytest.mark.parametrize("path", convert.find_lessons(), ids=lambda path: path.stem)
def test_every_lesson_has_a_talk_of_slides(path):
    built = nbformat.v4.reads(convert.target(path, solutions=False).read_text(encoding="utf-8"))
    deck = find_slides(built)
    assert deck[0].heading.startswith(path.stem[:2])
    assert deck[-1].heading == "You have"
    assert 12 <= len(deck) <= 40
    assert sum(bool(slide.pictures) for slide in deck) >= 3
