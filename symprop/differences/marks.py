"""Marks inside a formula: which of its terms and factors came or went, in any notation.

A marked part is a node like any other, so that the printers set signs and brackets as they always do; it prints its
operand between two characters that no formula holds, and `pieces` cuts the printed formula there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from sympy import Expr
from sympy.core.symbol import Str

from symprop.algebra import nodes as n
from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.table import Table
from symprop.calculus.coefficients import base_and_exponent
from symprop.notation.digits import DIGITS, Digits, digits
from symprop.notation.latex import LATEX
from symprop.notation.places import Address
from symprop.notation.precedence import POWER, Of, Piece, split
from symprop.notation.pretty import PRETTY
from symprop.notation.slicing import SLICES, Slicer
from symprop.notation.text import TEXT
from symprop.notation.untold import SAME, Axes, Classes

TERM, FACTOR, WHOLE = "term", "factor", "whole"
"""A term that a sum has more or less, a factor that a product has more or less, a part in another's place."""

_OPEN = {TERM: "\ue000", FACTOR: "\ue001", WHOLE: "\ue002"}
_CLOSE = "\ue003"
_JOINTS = {
    TERM: (" + ", " − ", " - ", "−", "-"),
    FACTOR: (" ⊙ ", " * ", " @ ", r" \odot "),
    WHOLE: (),
}
"""The signs between a part and its neighbour that come and go with the part."""


class Marked(Node):
    """A part of a formula that came or went. Never part of an answer."""

    def __new__(cls, operand: Node, role: str | Str) -> Self:
        return super().__new__(cls, operand, role if isinstance(role, Str) else Str(role))

    @property
    def role(self) -> str:
        return str(self.args[1].name)


class Partial(Node):
    """The left side of a Jacobian's equation, `da2/da1`. Never part of an answer."""

    def __new__(cls, of: Node, by: Node) -> Self:
        return super().__new__(cls, of, by)


@SHAPE.row(Marked)
def _(node: Marked) -> tuple[Expr, ...]:
    return node.operands[0].shape


@SHAPE.row(Partial)
def _(node: Partial) -> tuple[Expr, ...]:
    of, by = node.operands
    return (*of.shape, *by.shape)


def _marked(node: Marked, of: Of) -> Piece:
    piece = of(node.operands[0])
    return Piece(f"{_OPEN[node.role]}{piece.text}{_CLOSE}", piece.level)


for _table in (PRETTY, LATEX, TEXT):
    _table.row(Marked)(_marked)


@SAME.row(Marked)
def _(node: Marked, classes: Classes, operands: Sequence[Axes]) -> Axes:
    return operands[0]


@DIGITS.row(Marked)
def _(node: Marked) -> Digits:
    return digits(node.operands[0])


@SLICES.row(Marked)
def _(node: Marked, address: Address, of: Slicer) -> Marked:
    return Marked(of(node.operands[0], address), node.role)


def _partial(table: Table, above: str) -> None:
    @table.row(Partial)
    def _(node: Partial, of: Of) -> Piece:
        top, bottom = (of(operand).text for operand in node.operands)
        return Piece(above.replace("{1}", top).replace("{2}", bottom), POWER)


_partial(PRETTY, "∂{1}/∂{2}")
_partial(TEXT, "d{1}/d{2}")
_partial(LATEX, r"\frac{\partial {1}}{\partial {2}}")


def marked(node: Node, role: str) -> Node:
    """Return `node` with a mark; a minus sign stays outside, because a sum writes it between its terms.

    >>> from symprop.algebra import variable
    >>> x, u = variable("x", (3,)), variable("u", (3,))
    >>> shown(pieces(n.Add(x, marked(-u, TERM)).pretty()), "[", "]")
    'x[ − u]'
    """
    base, exponent = base_and_exponent(node)
    if exponent.is_number and exponent.is_negative:
        return n.Power(Marked(base, role), exponent)  # below the line, where it stands
    if node.number is None and split(node).negative:
        return n.Multiply(n.Scalar(-1), Marked(n.negative(node), role))
    return Marked(node, role)


@dataclass(frozen=True)
class Part:
    """A stretch of a printed formula, marked or not."""

    text: str
    is_marked: bool


def pieces(printed: str) -> tuple[Part, ...]:
    """Cut a printed formula where marks begin and end; the sign that joins a marked part to the rest goes with it."""
    return tuple(_merged(_joined(list(_cut(printed)))))


def _cut(printed: str) -> Iterator[tuple[str, str]]:
    """Yield stretches with the role of their mark, or with "" where they have none; inner marks count as the outer."""
    roles = {sign: role for role, sign in _OPEN.items()}
    stack: list[str] = []
    text = ""
    for character in printed:
        if character in roles or character == _CLOSE:
            if text:
                yield text, stack[0] if stack else ""
            text = ""
            if character == _CLOSE:
                stack.pop()
            else:
                stack.append(roles[character])
        else:
            text += character
    if text:
        yield text, stack[0] if stack else ""


_BRACKETS = ((r"\left(", r"\right)"), ("(", ")"))


def _bracketed(texts: list[str], place: int) -> None:
    """Take the brackets that a sum has as a factor into its mark; those of a function's call are the function's."""
    if not 0 < place < len(texts) - 1:
        return
    for opening, closing in _BRACKETS:
        before, after = texts[place - 1], texts[place + 1]
        stem = before.removesuffix(opening)
        if before != stem and after.startswith(closing) and (not stem or stem[-1] in " ("):
            texts[place - 1 : place + 2] = [stem, opening + texts[place] + closing, after.removeprefix(closing)]
            return


def _joined(found: list[tuple[str, str]]) -> list[tuple[str, bool]]:
    texts = [text for text, _ in found]
    for place, (_, role) in enumerate(found):
        if role:
            _bracketed(texts, place)
        before = next((sign for sign in _JOINTS.get(role, ()) if place and texts[place - 1].endswith(sign)), "")
        if before:
            texts[place - 1] = texts[place - 1].removesuffix(before)
            texts[place] = before + texts[place]
            continue
        following = texts[place + 1] if place + 1 < len(texts) else ""
        after = next((sign for sign in _JOINTS.get(role, ()) if following.startswith(sign)), "")
        if after:
            texts[place + 1] = following.removeprefix(after)
            texts[place] += after
    return [(text, bool(role)) for text, (_, role) in zip(texts, found, strict=True)]


def _merged(found: Sequence[tuple[str, bool]]) -> Iterator[Part]:
    """Neighbours of one kind as one part, empty ones left out."""
    text, now = "", False
    for piece, is_marked in found:
        if not piece:
            continue
        if is_marked != now and text:
            yield Part(text, now)
            text = ""
        text, now = text + piece, is_marked
    if text:
        yield Part(text, now)


def shown(parts: Sequence[Part], before: str, after: str) -> str:
    """Return a formula with something written before and after each marked part."""
    return "".join(f"{before}{part.text}{after}" if part.is_marked else part.text for part in parts)


def plain(parts: Sequence[Part]) -> str:
    """Return a formula without its marks."""
    return "".join(part.text for part in parts)
