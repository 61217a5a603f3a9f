"""Sections of blocks as one HTML file: offline, in the reader's own light or dark, every word escaped.

Formulas are MathML, in a font that the page holds (`docs/make_font.py` makes it): without a font with a MATH table a
browser draws brackets too tall. One script lights up what belongs together: equation, code and certificate.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from markupsafe import Markup, escape

from symprop.notation.blocks import NO_BYLINE, Block, Byline, Chain, Listing, Section
from symprop.notation.mathml import mathml
from symprop.notation.words import Code, Math, Words, Written, written
from symprop.templating import directory, environment


def html_document(sections: Iterable[Section], title: str, byline: Byline = NO_BYLINE, contents: bool = False) -> str:
    """Return sections as a complete page; code that names their equations stands beside them where there is room."""
    found = tuple(sections)
    beside = [section for section in found if any(map(_is_linked, section.blocks))]
    template = environment("html").get_template("document.html.j2")
    script = environment("html").get_template("script.js.j2").render()
    return template.render(
        title=title,
        byline=byline,
        contents=contents,
        has_steps=any(isinstance(block, Chain) and block.links for section in found for block in section.blocks),
        sections=[section for section in found if section not in beside],
        beside=beside,
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        font=math_font(),
        **_TOOLS,
    )


def _is_linked(block: Block) -> bool:
    """Whether a block is code whose lines compute equations of the document."""
    return isinstance(block, Listing) and any(line.names for line in block.lines)


def words(sentence: Words) -> Markup:
    """Write a sentence."""
    return Markup("").join(map(_part, written(sentence)))


def _part(part: Written) -> Markup:
    if isinstance(part, str):
        return escape(part)
    if isinstance(part, Math):
        return math(part.latex)
    if isinstance(part, Code):
        return Markup("<code>{}</code>").format(part.text)
    return Markup('<a href="#{}">{}</a>').format(part.label, f"({part.number})" if part.number else "above")


def math(formula: str) -> Markup:
    """Return LaTeX as MathML, finished HTML."""
    return Markup(mathml(formula))


def display(formula: str) -> Markup:
    """Return LaTeX that stands on a line of its own as MathML, finished HTML: what is summed over stands below."""
    return Markup(mathml(formula, limits=True))


_TOOLS: dict[str, Callable[[Any], Markup]] = {"words": words, "math": math, "display": display, "markup": Markup}
"""What templates call: `markup` marks our own SVG as finished."""


@functools.cache
def math_font() -> str:
    """Return the font of formulas as a `data:` address."""
    font = (directory() / "html" / "math.woff2").read_bytes()
    return "data:font/woff2;base64," + base64.b64encode(font).decode()
