r"""A difference as a LaTeX document and as one HTML file: what is new or gone in colour inside each formula.

In LaTeX a marked part stands in `\came{...}` or `\went{...}`, in HTML in a MathML row of that class. Whole lines are
inserted and deleted text (`<ins>`, `<del>`), so that a reader who sees no colour hears of it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from markupsafe import Markup, escape

from symprop.algebra.nodes import Node
from symprop.differences.changes import Side
from symprop.differences.compared import Compared
from symprop.differences.marks import Part, pieces
from symprop.differences.words import Chapter, chapters, closing, network_text, notes, opening
from symprop.notation.breaking import latex_pieces
from symprop.notation.latex import Tex, latex
from symprop.notation.latex_document import Looks
from symprop.notation.latex_letters import escaped
from symprop.notation.mathml import mathml
from symprop.notation.paper import Paper
from symprop.notation.sheet import PLAIN_SHEET, Sheet
from symprop.notation.wording import Wording, told_apart
from symprop.notation.words import Words, joined
from symprop.templating import environment

BESIDE = 155.0
"""Points that the sign of a formula and its note take beside it."""
PAPER = Paper(points=11)
CLASSES = {"-": "went", "+": "came"}
TITLE = "What changes"
_TEX = Tex()
_OPEN, _CLOSE = "\ue000", "\ue001"  # private characters, which no formula holds

Write = Callable[[Node], str]


def latex_page(difference: Compared, sheet: Sheet = PLAIN_SHEET) -> str:
    """Return the difference as a complete document, which pdflatex compiles."""
    paper = sheet.paper or PAPER
    parts = _parts(difference, partial(_tex_formula, paper), _tex_words, _code)
    around = {"title": escaped(sheet.title or TITLE), "byline": sheet.byline, "looks": Looks(paper=paper)}
    return environment("latex").get_template("diff.tex.j2").render(escaped=escaped, **around, **parts)


def html_page(difference: Compared, sheet: Sheet = PLAIN_SHEET) -> str:
    """Return the difference as one HTML file: offline, in the reader's own light or dark, every name escaped."""
    return _html(difference, "diff.html.j2", sheet)


def html_fragment(difference: Compared) -> str:
    """Return the difference without a page around it, for a notebook."""
    return _html(difference, "diff_body.html.j2", PLAIN_SHEET)


def _html(difference: Compared, template: str, sheet: Sheet) -> str:
    parts = _parts(difference, _html_formula, _html_words, str)
    page = environment("html").get_template(template)
    return page.render(title=sheet.title or TITLE, byline=sheet.byline, **parts)


def _parts(
    difference: Compared,
    formula: Callable[[str, Side, Write], Any],
    said: Callable[[Words, Write], Any],
    code: Callable[[str], str],
) -> dict[str, Any]:
    """Return what the templates print; the loss is written with a curl where a size has its letter."""
    write = told_apart(latex, r"\mathcal{L}") if difference.curled else latex
    return {
        "networks": [
            (name, code(network_text(each)))
            for name, each in zip("AB", (difference.before, difference.after), strict=True)
        ],
        "opening": [said(sentence, write) for sentence in opening(difference)],
        "chapters": [
            {
                "title": chapter.title,
                "rows": list(_rows(chapter, write, formula, said)),
                "more": [said(sentence, write) for sentence in chapter.more],
            }
            for chapter in chapters(difference)
        ],
        "closing": [said(sentence, write) for sentence in closing(difference)],
    }


def _rows(
    chapter: Chapter,
    write: Write,
    formula: Callable[[str, Side, Write], Any],
    said: Callable[[Words, Write], Any],
) -> Iterator[dict[str, Any]]:
    """Yield the lines of a chapter as a template prints them."""
    for change in chapter.changes:
        for sign, side in change.signed:
            note = joined(notes(change, side))
            yield {
                "sign": sign,
                "kind": CLASSES[sign],
                "number": "" if side.number is None else f"({side.number})",
                "formula": formula(sign, side, write),
                "note": said(note, write) if note else "",
            }


def _code(text: str) -> str:
    return escaped(text).replace(r"\textgreater{}\textgreater{} ", r">{}> \allowbreak ")


def _tex_words(sentence: Words, write: Write) -> str:
    marked = tuple(escaped(part) if isinstance(part, str) else part for part in sentence)
    said = Wording(lambda node: f"${write(node)}$", lambda size: f"${_TEX.number(size).text}$").words(marked)
    return said.replace(" → ", r" $\to$ ").replace("…", r"\dots")


def _tex_formula(paper: Paper, sign: str, side: Side, write: Write) -> str:
    """The equation in lines that fit, each with its own share of the marks."""
    left, right = map(write, side.printed)
    marked = "".join(f"{_OPEN}{part.text}{_CLOSE}" if part.is_marked else part.text for part in pieces(right))
    found, is_open = [], False
    for piece in latex_pieces(marked, paper.line - BESIDE - paper.width(left), paper.points):
        text, is_open = _coloured(piece, is_open, CLASSES[sign])
        found.append(text)
    if len(found) == 1:
        return f"{left} = {found[0]}"
    return rf"\begin{{aligned}}[t] {left} = {{}} & " + r" \\ & \quad ".join(found) + r" \end{aligned}"


def _coloured(piece: str, is_open: bool, macro: str) -> tuple[str, bool]:
    """Put marked stretches of a line in colour; a stretch may begin on an earlier line and end on a later one."""
    parts: list[Part] = []
    text = ""
    for character in f"{piece}{_CLOSE if is_open else ''}":
        if character in (_OPEN, _CLOSE):
            parts.append(Part(text, is_open))
            text, is_open = "", character == _OPEN
        else:
            text += character
    parts.append(Part(text, is_open))
    return "".join(_mark(part, macro) for part in parts if part.text), is_open


def _mark(part: Part, macro: str) -> str:
    """A part in its macro; a sign at its edge needs something beside it, to be set as one between two terms."""
    if not part.is_marked or not part.text.strip():
        return part.text
    text = part.text.strip()
    left = "{} " if text.startswith(_SIGNS) else ""
    right = " {}" if text.endswith(_SIGNS) else ""
    return rf"\{macro}{{{left}{text}{right}}}"


_SIGNS = ("+", "-", r"\odot")


def _html_words(sentence: Words, write: Write) -> Markup:
    marked = tuple(str(escape(part)) if isinstance(part, str) else part for part in sentence)
    wording = Wording(lambda node: mathml(write(node)), lambda size: mathml(_TEX.number(size).text))
    return Markup(wording.words(marked))


def _html_formula(sign: str, side: Side, write: Write) -> Markup:
    macro = rf"class{{{CLASSES[sign]}}}"
    left, right = map(write, side.printed)
    parts: Sequence[Part] = pieces(right)
    return Markup(mathml(f"{left} = {''.join(_mark(part, macro) for part in parts)}"))
