"""How a check and a hint are shown: a card in a notebook, the same words in one line elsewhere.

A card is HTML that is complete in itself: its own colours, on light and dark pages alike, no style sheet and
no script. Hints lie folded in it: the next one is a press away, also where no kernel runs. The line goes
along as `text/plain`, for terminals and tests.
"""

import html
import re

from vgcourse.show import in_notebook

# Mark -> in words, paper, ink, border: what differs by colour differs by mark, word and border, too.
LOOKS = {
    "✓": ("right", "#e4f4e9", "#0f3d22", "6px solid #1b7f4b"),
    "✗": ("not yet right", "#fdebe3", "#5a1d08", "6px double #c2410c"),
    "○": ("still open", "#eef1f5", "#29323d", "6px dotted #64748b"),
    "?": ("a hint", "#e8f0fc", "#17345f", "6px solid #3b6fb6"),
}
CARD = """\
<div style="background:{paper}; color:{ink}; border-left:{border}; border-radius:4px; max-width:44em; \
margin:4px 0; padding:8px 14px; font-family:system-ui,sans-serif; font-size:15px; line-height:1.5; \
white-space:normal; overflow-wrap:break-word">
<span aria-hidden="true" style="font-size:19px; font-weight:bold">{mark}</span>
<strong style="color:inherit">{title}</strong> · {word}
<div style="margin-top:4px">{message}</div>{hints}
</div>"""
HINT = """
<details style="margin-top:6px"><summary style="cursor:pointer; display:inline-block; border:1px solid; \
border-radius:4px; padding:1px 10px">{label}</summary>
<div style="margin-top:6px">{text}</div>{more}</details>"""
CODE = '<code style="background:#8883; color:inherit; font-size:14px">{}</code>'
ADVICE = re.compile(r"\s*(?:For a hint|More): check\.hint\(.*\)$", re.DOTALL)


class Card:
    """What is shown of a verdict or a hint.

    Attributes:
        text: in one line.
        html: as a card.
    """

    def __init__(self, text, card):
        """As `card_of` and `hint_card` make it."""
        self.text, self.html = text, card

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": self.text, "text/html": self.html}

    def say(self):
        """Show the card in a notebook, print the line elsewhere."""
        if in_notebook():
            from IPython.display import display

            display(self)
        else:
            print(self.text)


def card_of(name, verdict, hints=()):
    """The card of a verdict.

    Args:
        name: of the exercise.
        verdict: the line: mark, name, message, and at the end perhaps how to ask for a hint.
        hints: texts, from gentle to nearly the answer; folded in if the line offers a hint.

    Returns:
        A `Card`.
    """
    mark, message = verdict[0], ADVICE.sub("", verdict[2:].removeprefix(f"{name}: "))
    offered = hints if ADVICE.search(verdict) else ()
    return Card(verdict, _card(mark, name, message, _folded(offered, 0)))


def hint_card(name, number, hints):
    """The card of a hint.

    Args:
        name: of the exercise.
        number: of the hint, from 1.
        hints: all texts.

    Returns:
        A `Card`.
    """
    more = f' More: check.hint("{name}")' if number < len(hints) else ""
    text = f"Hint {number} of {len(hints)}: {hints[number - 1]}{more}"
    title = f"Hint {number} of {len(hints)}"
    return Card(text, _card("?", title, hints[number - 1], _folded(hints, number), word=name))


def _card(mark, title, message, hints, word=None):
    named, paper, ink, border = LOOKS[mark]
    look = {"mark": mark, "word": html.escape(word or named), "paper": paper, "ink": ink, "border": border}
    return CARD.format(title=html.escape(title), message=_prose(message), hints=hints, **look)


def _folded(hints, number):
    """The hints after the first `number`, each folded into the one before it."""
    if number >= len(hints):
        return ""
    label = "Next hint" if number else "Show a hint"
    return HINT.format(label=label, text=_prose(hints[number]), more=_folded(hints, number + 1))


def _prose(text):
    """Text as HTML, with what stands between backticks as code."""
    parts = re.split(r"`([^`\n]+)`", text)
    return "".join(CODE.format(html.escape(p)) if k % 2 else html.escape(p) for k, p in enumerate(parts))
