"""The writers for the terminal: a derivation's page in Unicode, sentences and steps in Unicode and in NumPy notation.

The page of NumPy notation, which runs, stands in `numpy_page.py`.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace

from symprop.algebra.equations import Equation
from symprop.analysis.derivation import Derivation
from symprop.notation import numbers
from symprop.notation.blocks import (
    Block,
    Bullets,
    Definitions,
    Grid,
    Line,
    Lines,
    Paragraph,
    Section,
    Typed,
)
from symprop.notation.breaking import pretty_pieces
from symprop.notation.content import sections
from symprop.notation.conventions import loss_clashes
from symprop.notation.convolutions import Listed
from symprop.notation.pretty import Unicode, pretty
from symprop.notation.text import text
from symprop.notation.wording import Wording, told_apart
from symprop.terminal import width

UNICODE = Wording(pretty, lambda value: Unicode().number(value).text, "…")
NUMPY = Wording(
    text,
    lambda value: numbers.number(value).text,
    arithmetic=lambda worked: worked.ascii,
    sides=lambda equation: (equation.target, equation.expression),
    placed=lambda equation: lambda node: node,
)


def wrapped(words_: str, first: str, rest: str) -> list[str]:
    """Return words in lines of the page's width; names and shapes stay whole."""
    lines = textwrap.wrap(
        _SHAPE.sub(lambda found: found[0].replace(" ", _HARD), words_),
        width(), initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return [line.replace(_HARD, " ") for line in lines]


_SHAPE, _HARD = re.compile(r"(?<!\w)\([\w ]+(, ?[\w ]*)+\)"), "\u00a0"


def network_lines(text: str, first: str, rest: str) -> list[str]:
    """Return a network's text in lines that end with a whole layer where one fits."""
    lines = [first]
    for position, layer in enumerate(text.split(" >> ")):
        joined = f" >> {layer}" if position else layer
        if position and len(lines[-1]) + len(joined) > width() - 3:
            lines[-1] += " >>"
            lines.append(rest + layer)
        else:
            lines[-1] += joined
    return [piece for line in lines for piece in wrapped(line, "", rest)]


def pretty_page(derivation: Derivation) -> str:
    """Return the derivation in Unicode, every equation with its number and shape."""
    wording = replace(UNICODE, formula=told_apart(pretty, "ℒ")) if loss_clashes(derivation) else UNICODE
    return "\n\n".join("\n".join(section_lines(section, wording)) for section in sections(derivation))


def section_lines(section: Section, wording: Wording) -> Iterator[str]:
    """Write a section, its title first."""
    yield from (section.title, "─" * len(section.title))
    before: Block | None = None
    for block in section.blocks:
        if not isinstance(block, Lines):
            if isinstance(block, Paragraph) and isinstance(before, (Grid, Listed)):
                yield ""
            yield from _block(block, wording)
        before = block
    if section.lines:
        yield from _equations(section.lines, wording)


def _block(block: Block, wording: Wording) -> Iterator[str]:
    if isinstance(block, Typed):
        yield from network_lines(block.text, "  ", "    ")
    elif isinstance(block, Paragraph):
        yield from wrapped(wording.words(block.words), "  ", "  ")
    elif isinstance(block, Bullets):
        sentences = block.items + block.signs
        bullet = "  • " if len(sentences) > 1 else "  "
        for sentence in sentences:
            yield from wrapped(wording.words(sentence), bullet, " " * len(bullet))
    elif isinstance(block, Definitions):
        yield ""
        yield from (f"  {wording.formula(head)} = {wording.formula(body)}" for head, body in block.rows)
    elif isinstance(block, Grid):
        yield ""
        yield from (f"  {row}" for row in wording.rows(block))
    elif isinstance(block, Listed):
        yield from listed(block, wording)


def listed(block: Listed, wording: Wording) -> Iterator[str]:
    """Write equations without numbers, each with its shape and the rules that led to it."""
    yield from ("", f"  {wording.words(block.heading)}")
    shapes = [wording.shape_of(equation) for equation in block.equations]
    room = width() - 7 - max(map(len, shapes))
    rows = [_sides(equation, room, wording) for equation in block.equations]
    lengths = [_width(piece) for pieces in rows for piece in pieces]
    column = max((length for length in lengths if length <= room), default=0)
    for equation, shape, (first, *rest) in zip(block.equations, shapes, rows, strict=True):
        yield f"    {_padded(first, column)}   {shape}"
        yield from (f"    {piece}" for piece in rest)
        if rules := tuple(dict.fromkeys(step.rule for step in equation.steps)):
            yield f"      by {', '.join(rules)}"


def _equations(found: Iterable[Lines], wording: Wording) -> Iterator[str]:
    """Write the equations of a section, their shapes in one column."""
    blocks = tuple(found)
    shapes = {line.number: wording.shape_of(line.equation) for block in blocks for line in block.lines}
    digits = len(str(max(shapes)))
    room = width() - digits - 6 - max(map(len, shapes.values()))
    rows = {
        line.number: _pieces(line, room - 2 * max(1, len(block.spans)), wording)
        for block in blocks
        for line in block.lines
    }
    column = max(_width(piece) for pieces in rows.values() for piece in pieces)
    for block in blocks:
        for depth, span in enumerate(block.opened, start=block.kept + 1):
            yield f"{'  ' * depth}for {wording.span(span)}"
        indent = "  " * (len(block.spans) + 1)
        yield from (f"{indent}{wording.words(said.words)}" for said in block.said)
        for line in block.lines:
            head = f"{indent}{f'({line.number})':>{digits + 2}}  "
            first, *rest = rows[line.number]
            yield f"{head}{_padded(first, column)}   {shapes[line.number]}"
            yield from (f"{' ' * len(head)}{piece}" for piece in rest)


def _width(text: str) -> int:
    """How many places a text takes: what stands over a letter, as in `q̃`, takes none."""
    return sum(not unicodedata.combining(character) for character in text)


def _padded(text: str, column: int) -> str:
    return text + " " * (column - _width(text))


def _pieces(line: Line, room: int, wording: Wording) -> list[str]:
    pieces = _sides(line.equation, room, wording)
    if span := line.unless_last:
        pieces[-1] += f"   ({wording.size(span.index)} < {wording.size(span.count)})"
    return pieces


def _sides(equation: Equation, room: int, wording: Wording) -> list[str]:
    left, right = map(wording.formula, wording.sides(equation))
    return cut(f"{left} = ", right, room)


def cut(head: str, formula: str, room: int) -> list[str]:
    """Return a head and a formula behind it in lines.

    >>> cut("x = ", "a" * 20 + " + " + "b" * 20, 40)
    ['x = aaaaaaaaaaaaaaaaaaaa', '    + bbbbbbbbbbbbbbbbbbbb']
    """
    indent = _width(head)
    first, *rest = pretty_pieces(formula, max(30, room - indent))
    return [f"{head}{first}", *(f"{' ' * indent}{piece}" for piece in rest)]


def said_in_lines(said: Iterable[tuple[str, str]]) -> str:
    """Return heads, each with its formula, or sentences without one, as text that fits the page."""
    lines: list[str] = []
    for head, formula in said:
        indent = " " * (len(head) - len(head.lstrip()))
        lines += cut(head, formula, width()) if formula else wrapped(head.strip(), indent, f"{indent}  ")
    return "\n".join(lines)
