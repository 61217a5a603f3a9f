"""How places are written: `Qᵢ`, `{Qᵢ Kᵢᵀ}ᵢ`, and how far an index goes where no array tells it."""

from __future__ import annotations

from sympy import Basic

from symprop.algebra import nodes as n
from symprop.algebra.means import is_statistic
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same
from symprop.algebra.trees import walk
from symprop.notation.indexed import Element
from symprop.notation.places import Address, Digit, Named, Offset, Part, Stack, is_typed, kept, labels
from symprop.notation.precedence import ATOM, POWER, Of, Piece
from symprop.notation.style import Style
from symprop.notation.sums import ROWS


def _typed(address: Address, style: Style) -> tuple[Address, str]:
    """Return an address without the places that somebody chose, and what takes them as typed: `[:, 0]`."""
    chosen = [len(axis) == 1 and is_typed(axis[0].place) for axis in address]
    if not any(chosen):
        return address, ""
    numbers = [axis[0].place if one else None for axis, one in zip(address, chosen, strict=True)]
    whole = tuple((axis[0]._replace(place=None),) if one else axis for axis, one in zip(address, chosen, strict=True))
    left = [place for place, axis in zip(numbers, whole, strict=True) if kept(axis) != 0]
    while left[-1] is None:
        left.pop()
    written = (":" if place is None else style.number(place - 1).text for place in left)
    return whole, f"[{', '.join(written)}]"


@ROWS.row(Part)
def _(node: Part, of: Of, style: Style) -> Piece:
    variable = node.operands[0]
    if not isinstance(variable, n.Variable):
        raise TypeError(f"only variables have parts, not {type(variable).__name__}")
    address = node.address
    if is_statistic(variable):  # a number at each place, whose axes of length 1 say nothing
        address = tuple(axis for axis, size in zip(address, variable.shape, strict=True) if size != 1) or address
    address, typed = _typed(address, style)
    written = labels(address)
    apart = variable.rows > 0 and not any(axis[0].joined for axis in address)
    if apart and ":" in written:  # A[:, i] is a column of the matrix of pixels
        written = labels(address, whole=True)
    return Piece(style.part(variable, written, node.rank) + typed, POWER if variable.is_gradient else ATOM)


@ROWS.row(Stack)
def _(node: Stack, of: Of, style: Style) -> Piece:
    inside = of(node.operands[0]).text
    ranges = [
        f"{style.number(digit.place or 0).text} {style.relation('<=')} {style.number(digit.size).text}"
        for digit in uncounted(node)
    ]
    return Piece(style.stack(" : ".join([inside, *filter(None, [", ".join(ranges)])]), labels(node.address)), ATOM)


def numbered_axes(part: Node) -> list[tuple[Basic, Basic]]:
    """Return the places of a variable's axes that one place numbers, each with the length of its axis."""
    if isinstance(part, Element):
        return list(zip(part.indices, part.operands[0].shape, strict=True))
    address = part.address if isinstance(part, Part) else ()
    return [(axis[0].place, axis[0].size) for axis in address if len(axis) == 1 and axis[0].place is not None]


def is_counted(digit: Digit, node: Node) -> bool:
    """Whether a formula tells how many places an index has: it numbers a whole axis of an array, not blocks alone.

    In a slice it begins some places further on, and ends where the axis ends: `xᵢ₊₁` has one place less than x.
    """
    return any(_ends(place, size, digit) for part in walk(node) for place, size in numbered_axes(part))


def _ends(place: Basic, size: Basic, digit: Digit) -> bool:
    """Whether the last place of an index is the last of an axis."""
    further = place - digit.place
    return bool(further.is_number and same(digit.size + further, size))


def uncounted(node: Stack) -> list[Digit]:
    """Return the digits that number blocks of a stack, or a part of an axis, where nothing else tells how many."""
    body = node.operands[0]
    places = [place for part in walk(body) for place, _ in numbered_axes(part)]

    def is_open(digit: Digit, of_blocks: bool) -> bool:
        if isinstance(digit.place, (Offset, Named, type(None))) and not (of_blocks and isinstance(digit.place, Offset)):
            return False
        numbers = of_blocks or any((place - digit.place).is_number for place in places)
        return numbers and not is_counted(digit, body)

    return [digit for axis in node.address for digit in axis if is_open(digit, len(axis) > 1)]
