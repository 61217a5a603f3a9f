"""A derivation's page as LaTeX for a paper, as a complete LaTeX document and as one HTML file; its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from symprop.algebra.equations import Equation, Step
from symprop.algebra.table import Table
from symprop.analysis.derivation import Derivation
from symprop.analysis.readings import Readings
from symprop.calculus.context import context
from symprop.errors import SpecError, shown
from symprop.notation import html_document, latex_document
from symprop.notation.blocks import Bullets, Line, Picture, Section
from symprop.notation.chain_rule import at_first, by_names
from symprop.notation.choices import PLAIN, Notation
from symprop.notation.content import reasons, steps_of
from symprop.notation.convolutions import convolutions
from symprop.notation.diagram import drawn
from symprop.notation.drawing import DETAILS, Box, Drawing, lessened
from symprop.notation.page_blocks import PageWriter, label
from symprop.notation.paper import A4, Paper
from symprop.notation.svg import svg
from symprop.notation.terminal import NUMPY, UNICODE, section_lines
from symprop.notation.tikz import LETTERS, size, tikz
from symprop.notation.wording import Wording
from symprop.notation.words import Math

DENSE = Paper(points=10)
"""What equations alone are printed on."""
TITLE = "Forward and backward pass"
MANY = 40
"""From more equations on, a page has no room for derivatives as fractions."""
MOST_DRAWN = 120
"""A figure of so many equations can still be read."""
LEAST = 7 / LETTERS
"""So much smaller a figure may become: its letters have 7 points then."""
CAPTION = (
    "The forward pass downwards, the backward pass upwards. An arrow upwards carries what stands beside it, where "
    "that is short; where arrows meet, contributions add."
)


def latex_page(derivation: Derivation) -> str:
    r"""Return the derivation as LaTeX for `\input`; the preamble loads amsmath, amssymb, booktabs and longtable."""
    return latex_document.body(PageWriter(derivation).page())


def document(derivation: Derivation, figure: bool = False) -> str:
    """Return the derivation as a complete LaTeX document, with the diagram where `figure` asks for it."""
    chosen = Notation(gradient="nabla") if len(derivation.numbers) > MANY else PLAIN
    found = _sections(derivation, figure, DENSE, chosen)
    return latex_document.document(found, TITLE, latex_document.Looks(dense=True, paper=DENSE))


def html(derivation: Derivation, figure: bool = True) -> str:
    """Return the derivation as one HTML file: offline, in the reader's own light or dark, every name escaped."""
    return html_document.html_document(_sections(derivation, figure), TITLE)


def _sections(derivation: Derivation, figure: bool, paper: Paper = A4, chosen: Notation = PLAIN) -> tuple[Section, ...]:
    writer = PageWriter(derivation, chosen, paper)
    picture = both_passes(writer, is_asked=True) if figure else None
    page = writer.page() if chosen.gradient == "fraction" else tuple(_with_sign(writer))
    return (*page, *(() if picture is None else (Section("Figure", "sec:figure", (picture,)),)))


def _with_sign(writer: PageWriter) -> Iterator[Section]:
    """Write the page, and say what the sign of a derivative means."""
    by = next(each.target for each in writer.derivation.equations if each.target.is_gradient)
    of = Math(writer.formula(by).removeprefix(r"\nabla "))
    said = (
        Math(writer.formula(by)),
        " is the derivative of the loss with respect to ",
        of,
        ", and likewise for every array.",
    )
    for section in writer.page():
        blocks = (
            replace(each, items=(*each.items, said)) if isinstance(each, Bullets) else each for each in section.blocks
        )
        yield replace(section, blocks=tuple(blocks)) if section.title == "Conventions" else section


def both_passes(writer: PageWriter, is_asked: bool = False) -> Picture | None:
    """Return the figure of both passes, or None where its letters would be too small to be read, unless it is asked."""
    if len(writer.derivation.numbers) > MOST_DRAWN:
        return None
    seen = drawn(writer.derivation, None, None, writer.notation)
    found = next(_fitting(seen, writer.paper), (seen, True) if is_asked else None)
    if found is None:
        return None
    drawing, is_stacked = found
    return Picture(tikz(drawing, is_stacked, _reference), svg(seen).partition("?>\n")[2], (CAPTION,), "fig:passes")


def _fitting(drawing: Drawing, paper: Paper) -> Iterator[tuple[Drawing, bool]]:
    """Yield the forms that fit a page, those that say more first, and whether gradients stand below each other."""
    for detail in DETAILS:
        less = lessened(drawing, detail)
        yield from ((less, each) for each in (False, True) if _fits(less, each, paper))


def _reference(box: Box) -> str:
    """Refer to an equation by its number, which a paper around the page may count in its own way."""
    return rf"\sympropref{{{label(box.name).removeprefix('eq:')}}}{{{box.number}}}"


def _fits(drawing: Drawing, is_stacked: bool, paper: Paper) -> bool:
    across, down = size(drawing, is_stacked)
    return across * LEAST <= paper.page and down * LEAST <= paper.tallest


def latex_steps(derivation: Derivation, name: str) -> str:
    """Return the steps that led to an equation, as a complete LaTeX document."""
    writer = PageWriter(derivation)
    equation, _ = steps_of(derivation, name)
    number = derivation.numbers[equation.name]
    section = Section(f"Steps to equation ({number})", "sec:steps", (writer.chain(Line(number, equation)),))
    return latex_document.document((section,), TITLE)


def readings(found: Readings, format: str = "pretty") -> str:
    """Return the readings of a convolution: its sizes worked out, and the equations of each reading.

    `format` is "pretty", "text", "latex" (for `\\input`), "document" (complete LaTeX) or "html".
    """
    section = Section("Convolution", "sec:convolution", tuple(convolutions((found,))))
    if format in ("pretty", "text"):
        return "\n".join(section_lines(section, UNICODE if format == "pretty" else NUMPY))
    set_section = PageWriter(found.derivation).section(section)
    chains = Section("Steps", "sec:steps", tuple(PageWriter(found.derivation).chains(found)))
    return _READINGS[format]((set_section, chains))


_READ = "A convolution in three readings"
_READINGS: dict[str, Callable[[tuple[Section, ...]], str]] = {
    "latex": latex_document.body,
    "document": lambda sections: latex_document.document(sections, _READ),
    "html": lambda sections: html_document.html_document(sections, _READ),
}


STEPS = Table("steps")
"""How steps are printed, by the kind of what they led to: a derivation here, an answer where answers are."""


@STEPS.row(Derivation)
def steps(derivation: Derivation, name: str, format: str = "pretty") -> str:
    """Return the steps that led to an equation, its number and itself first: rule, facts, before, after.

    `name` is that of the equation or, for a gradient, of its parameter; `format` is "pretty", "text" or "latex".

    >>> from symprop.analysis.derivation import derive
    >>> print(steps(derive("Input(2) >> Dense(1) >> MeanSquaredError()"), "b1", "text"))
    (5)  db1 = delta1
    1. sum
       pullback(delta1, W1 @ x + b1, b1)
     = delta1

    Raises:
        SpecError: an unknown format.
        FormulaError: no equation has this name.
    """
    if format == "latex":
        return latex_steps(derivation, name)
    if format not in ("pretty", "text"):
        raise SpecError(f"unknown format of steps {shown(format)}\nallowed: pretty, text, latex")
    wording = UNICODE if format == "pretty" else NUMPY
    equation, listed = steps_of(derivation, name)
    head = f"({derivation.numbers[equation.name]})  {wording.equation(equation)}"
    return _listed(head, equation, listed, derivation, wording)


@STEPS.row(Readings)
def _(found: Readings, name: str, format: str = "pretty") -> str:
    """Return the steps that led to an equation of a reading, in the same formats."""
    equation, listed = found.equation(name), found.steps(name)
    if format == "latex":
        chain = PageWriter(found.derivation).of_reading(found, name)
        return latex_document.document((Section("Steps", "sec:steps", (chain,)),), TITLE)
    wording = UNICODE if format == "pretty" else NUMPY
    return _listed(wording.equation(equation), equation, listed, found.derivation, wording)


def _listed(head: str, equation: Equation, listed: Sequence[Step], derivation: Derivation, wording: Wording) -> str:
    lines = [head] if listed else [head, f"  {equation.note or 'by definition'}"]
    known = at_first(listed, context(derivation.system).by_value) if wording is UNICODE else {}  # NumPy runs as it is
    place = wording.in_place(equation)
    told = wording.steps(
        listed,
        lambda step: map(wording.words, reasons(derivation, step)),
        lambda node: place(by_names(node, known)),
    )
    return "\n".join((*lines, *told))
