"""Cards: the line goes along, colours are not all, hints are folded, no text becomes HTML."""

import json
import re
from pathlib import Path

import pytest
from live_kernel import live_kernel

from vgcourse.classroom import check
from vgcourse.classroom.check import cards

ROOT = Path(__file__).resolve().parents[3]
WRONG = '✗ double: expected `<b>`, received 9 & "ten". For a hint: check.hint("double")'
HINTS = ("Twice is plus itself.", "`2 * x`, said <once>")


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_card_carries_the_line_and_says_the_same():
    card = cards.card_of("double", WRONG, HINTS)
    bundle = card._repr_mimebundle_()
    assert bundle["text/plain"] == WRONG
    assert set(bundle) == {"text/plain", "text/html"}
    shown = words(bundle["text/html"].partition("<details")[0])
    assert shown == "✗ double · not yet right expected &lt;b&gt; , received 9 &amp; &quot;ten&quot;."
    assert "<b>" not in card.html
    assert "check.hint" not in card.html


def test_hints_are_folded_one_in_the_other():
    html = cards.card_of("double", WRONG, HINTS).html
    assert html.count("<details") == html.count("</details>") == 2
    assert " open" not in html
    first, second = html.index("Show a hint"), html.index("Next hint")
    assert first < html.index(HINTS[0]) < second < html.index("2 * x")
    assert html.index("</details>") > html.index("2 * x")
    assert "<details" not in cards.card_of("double", "✓ double: right.", HINTS).html


def test_a_hint_has_those_that_follow_folded_in_it():
    card = cards.hint_card("double", 1, HINTS)
    assert card.text == 'Hint 1 of 2: Twice is plus itself. More: check.hint("double")'
    assert words(card.html).startswith("? Hint 1 of 2 · double Twice is plus itself. Next hint 2 * x")
    assert "<details" not in cards.hint_card("double", 2, HINTS).html


def test_marks_differ_by_more_than_colour_and_can_be_read_on_any_page():
    names, papers, inks, borders = zip(*cards.LOOKS.values(), strict=True)
    assert len(set(names)) == len(set(papers)) == len(cards.LOOKS)
    assert len({border.split()[1] for border in borders[:3]}) == 3  # of the line at the left
    for mark, (_, paper, ink, _) in cards.LOOKS.items():
        assert (luminance(paper) + 0.05) / (luminance(ink) + 0.05) > 7, mark


@pytest.mark.parametrize("mark", "✓✗○")
def test_a_card_brings_its_own_colours(mark):
    html = cards.card_of("double", f"{mark} double: so.").html
    style = re.match(r'<div style="([^"]+)"', html).group(1)
    assert "background:#" in style
    assert " color:#" in style
    assert "class=" not in html


def test_elsewhere_the_line_is_printed(capsys):
    cards.card_of("double", WRONG, HINTS).say()
    assert capsys.readouterr().out == f"{WRONG}\n"


def test_in_a_kernel_cards_are_shown_and_a_broken_cell_is_noticed():
    with live_kernel() as run:
        (shown,) = run("from vgcourse.classroom import check\nraw_bytes = None\ncheck.raw_bytes(raw_bytes)")
        assert shown["output_type"] == "display_data"
        assert shown["data"]["text/plain"].startswith("○ raw_bytes: nothing here yet.")
        assert shown["data"]["text/html"].startswith("<div ")
        hints = [run('check.hint("raw_bytes")')[0]["data"]["text/plain"] for _ in range(2)]
        assert [text[:6] for text in hints] == ["Hint 1", "Hint 2"]
        assert run("def raw_bytes(:")[0]["ename"] == "SyntaxError"
        (shown,) = run("check.raw_bytes(raw_bytes)")
        assert "has a SyntaxError" in shown["data"]["text/plain"]


def test_stored_cards_are_those_that_the_code_makes():
    found = 0
    for file in sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb")):
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            for data in (output.get("data", {}) for output in cell.get("outputs", [])):
                line = "".join(data.get("text/plain", ""))
                if named := re.match(r"[✓✗○] (\w+): ", line):
                    name = named[1]
                    card = cards.card_of(name, line, check.EXERCISES[name].hints)
                    assert "".join(data["text/html"]) == card.html, (file.name, name)
                    found += 1
    assert found == 2 * len(check.EXERCISES)
