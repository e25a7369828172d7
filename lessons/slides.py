"""Slides of a lesson: one file for a browser, made of the cells of its notebook, with reveal.js within it.

No cell has to say so: a cell of text and the pictures that follow it are a slide if they have a heading or a
picture. The slide shows the heading, the first sentences, lists and formulas; the whole text is in the notes
of the speaker (key S). A cell tagged `no-slide` is left out, one tagged `slide` is a slide in any case.
"""

import html
import re
from dataclasses import dataclass, field

from lessons.convert import NOTEBOOKS, ROOT, LessonError, target
from vgcourse.files import new_file

MODULES = ROOT / "book" / "node_modules"  # where npm puts what `book/package.json` names
REVEAL, MATHJAX = MODULES / "reveal.js" / "dist", MODULES / "mathjax" / "es5" / "tex-svg.js"
OUT = ROOT / "book" / "_build" / "slides"
LEFT_OUT = ("References",)  # headings
MAX_LINES = 6  # of what a cell printed
MAX_CODE = 12  # lines of code
BESIDE_PICTURE, ALONE = 150, 280  # letters of prose, but at least a sentence
SENTENCE = re.compile(r"(?<!et al\.)(?<!e\.g\.)(?<=[.?!])\**\s+")
MATHS_IN_TEXT = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)
MAX_PICTURES = 2  # beside each other

STYLE = """
.reveal { font: 34px/1.35 system-ui, sans-serif; color: #1d2733; background: #fff }
.reveal section { text-align: left }
.reveal h1, .reveal h2 { font-weight: 650; line-height: 1.15; margin: 0 0 .5em }
.reveal h1 { font-size: 2em } .reveal h2 { font-size: 1.4em }
.reveal p, .reveal ul, .reveal ol { margin: .4em 0 } .reveal ul, .reveal ol { padding-left: 1.1em }
.reveal li { margin: .25em 0; font-size: .9em }
.reveal strong { font-weight: 650 } .reveal em { font-style: italic }
.reveal pre { font: .52em/1.4 ui-monospace, monospace; background: #f2f4f7; padding: .7em; margin-top: .8em }
.reveal pre { white-space: pre-wrap }
.reveal code { font-family: ui-monospace, monospace; font-size: .9em }
.reveal mjx-container { font-size: 85% !important }
.reveal .slide-number { font-size: 16px; background: none; color: #567 }
.reveal table { font-size: .65em; border-collapse: collapse } .reveal td, .reveal th { padding: .2em .6em }
.pictures { display: flex; gap: 1em; justify-content: center; margin-top: .6em }
.pictures img { max-width: 100%; max-height: 400px; object-fit: contain; flex: 1 1 0; min-width: 0 }
.pictures img.moving { image-rendering: pixelated }
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>{style}</style></head>
<body><div class="reveal"><div class="slides">
{slides}
</div></div>
{scripts}
<script>Reveal.initialize({{ hash: true, slideNumber: "c/t", center: false, width: 1100, height: 700,
 transition: "none", plugins: [RevealNotes] }})</script>
</body></html>
"""
MATHS = '<script>MathJax = { tex: { inlineMath: [["$", "$"]], displayMath: [["$$", "$$"]] } }</script>'


@dataclass
class Slide:
    """A cell of text and what the code cells after it show."""

    heading: str
    text: str
    forced: bool = False
    pictures: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)


def write_slides(path, out=OUT):
    """Write the slides of a lesson that was built.

    Args:
        path: of the lesson's source.
        out: folder for the file `<name>.html`, which needs no other file and no network.

    Returns:
        Its Path and the number of slides.

    Raises:
        LessonError: the notebook was not built, or npm has not installed reveal.js.
    """
    import nbformat

    file = target(path, solutions=False, out=NOTEBOOKS)
    if not file.is_file():
        raise LessonError(
            f"{path.stem}: no notebook to make slides of: run `python -m lessons build {path.stem[:2]}`"
        )
    slides = find_slides(nbformat.read(file, as_version=4))
    deck = out / f"{path.stem}.html"
    with new_file(deck) as part:
        part.write_text(page(slides, slides[0].heading), encoding="utf-8")
    return deck, len(slides)


def find_slides(notebook):
    """What of a notebook is a slide.

    Args:
        notebook: a `NotebookNode` with outputs.

    Returns:
        A list of `Slide`s, in order.
    """
    slides, section = [], ""
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "no-slide" in tags:
            continue
        if cell.cell_type == "markdown":
            for heading, text in _parts(cell.source):
                section = heading or section
                slides.append(Slide(section, text, forced=bool(heading) or "slide" in tags))
        elif slides and "exercise" not in tags:
            slides[-1].pictures += [found for output in cell.outputs if (found := _picture(output))]
            if "hide-input" not in tags:  # not what a lesson folds
                slides[-1].code.append(cell.source)
            slides[-1].printed += [output.text for output in cell.outputs if output.get("name") == "stdout"]
    return [slide for slide in slides if (slide.forced or slide.pictures) and slide.heading not in LEFT_OUT]


def _parts(text):
    """What stands in a cell under each of its headings, without badges: pairs (heading, text).

    The heading of all exercises, with no text of its own, goes: each of them has one.
    """
    text = re.sub(r"^\[!\[.*$|^About \d+ minutes.*$|Stuck\?.*?\)`", "", text, flags=re.MULTILINE)
    first, *rest = re.split(r"^#+ +(.*)$", text, flags=re.MULTILINE)
    pairs = [("", first), *zip(rest[::2], rest[1::2], strict=True)]
    kept = [(heading, part.strip()) for heading, part in pairs if part.strip() or heading]
    return [pair for pair in kept if pair != ("Exercises", "")]


def _picture(output):
    """An output's picture as HTML, the moving one where there is one; "" for none."""
    data = output.get("data", {})
    moving = re.search(r'src="(data:image/(?:gif|webp);base64,[^"]+)"', "".join(data.get("text/html", "")))
    still = data.get("image/png", "").replace("\n", "")
    if not (moving or still):
        return ""
    source, kind = (moving.group(1), "moving") if moving else (f"data:image/png;base64,{still}", "still")
    alt = html.escape("".join(data.get("text/plain", "")), quote=True)
    return f'<img class="{kind}" src="{source}" alt="{alt}">'


def shown_text(slide):
    """What of a slide's text is seen: the first sentences, lists, tables and formulas; Markdown."""
    letters = BESIDE_PICTURE if slide.pictures else ALONE
    kept = []
    for block in re.split(r"\n\s*\n|\n(?=- |\d+\. |\$\$)|(?<=\$\$)\n", slide.text):
        block = block.strip()
        if re.match(r"- |\d+\. ", block):
            kept.append(first_sentences(block, 1))
        elif re.match(r"\||\$\$", block):
            kept.append(f"\n{block}\n")
        elif not kept or block.endswith(("You will", "You have")):
            kept.append(f"{first_sentences(block, letters)}\n")
    return "\n".join(kept)


def first_sentences(text, letters):
    """The beginning of a text.

    Args:
        text: Markdown.
        letters: how many at most; the first sentence stays whole.

    Returns:
        Whole sentences in one line, bold type closed.
    """
    words = " ".join(text.split())
    ends = [found.start() for found in SENTENCE.finditer(words)] + [len(words)]
    sentences = words[: max([ends[0], *(end for end in ends if end <= letters)])]
    return sentences + "**" * (sentences.count("**") % 2)


def page(slides, title):
    """The whole file.

    Args:
        slides: `Slide`s.
        title: of the page.

    Returns:
        HTML with its styles, scripts and pictures inside.

    Raises:
        LessonError: a script is missing.
    """
    body = "\n".join(_section(slide, is_first=number == 0) for number, slide in enumerate(slides))
    scripts = [_script(REVEAL / "reveal.js"), _script(REVEAL / "plugin" / "notes.js")]
    if "$" in "".join(slide.text for slide in slides):
        scripts += [MATHS, _script(MATHJAX)]
    style = _read(REVEAL / "reset.css") + _read(REVEAL / "reveal.css") + STYLE
    return PAGE.format(title=html.escape(title), style=style, slides=body, scripts="\n".join(scripts))


def _section(slide, *, is_first):
    level = "h1" if is_first else "h2"
    parts = [f"<{level}>{html.escape(slide.heading)}</{level}>", _markdown(shown_text(slide))]
    if slide.pictures:
        parts.append(f'<div class="pictures">{"".join(slide.pictures[-MAX_PICTURES:])}</div>')
    elif not is_first:  # on the title there is no code
        parts += [f"<pre>{html.escape(text)}</pre>" for text in _text_outputs(slide)]
    return f'<section>{"".join(parts)}<aside class="notes">{_markdown(slide.text)}</aside></section>'


def _text_outputs(slide):
    """Short code of a slide, and what it printed; no check's verdict, nothing below a formula."""
    code = next((text for text in slide.code if len(text.splitlines()) <= MAX_CODE), "")
    lines = [line for line in "".join(slide.printed).splitlines() if line.strip()]
    if "check." in code or "$$" in slide.text:
        return []
    return [text for text in (code, "\n".join(lines[:MAX_LINES])) if text]


def _markdown(text):
    """Markdown as HTML; formulas stay as they are, for MathJax."""
    from markdown_it import MarkdownIt  # comes with jupytext

    formulas = MATHS_IN_TEXT.findall(text)
    marked = MATHS_IN_TEXT.sub("\ue000", text)  # a letter that no lesson has
    page = MarkdownIt("commonmark", {"html": False}).enable("table").render(marked)
    return re.sub("\ue000", lambda _: html.escape(formulas.pop(0)), page)


def _script(path):
    text = _read(path).replace("</script", "<\\/script")
    return f"<script>{text}</script>"


def _read(path):
    if not path.is_file():
        raise LessonError(
            f"slides need {path.relative_to(ROOT)}: run `npm ci` in the folder book (Node.js 18 or newer)"
        )
    return path.read_text(encoding="utf-8")
