"""Places in arrays: an array with indices at some of its axes, as `Qᵢ`, the matrix at place i of an array of matrices.

An axis is a row of *digits*: most have one, and an axis that was made of two (`h d` features: a head and a feature in
it) has two. A digit stands at a place, an index, or is kept. With the first digit at place i and the rest kept an axis
is cut to its block i: `W₍ᵢ₎` is block i of the rows of W, all blocks being of equal size.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Self

import sympy
from sympy import Basic, Expr, Integer, Tuple

from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.shapes import Shape
from symprop.notation.numbers import number


class Digit(NamedTuple):
    """One part of an axis: its size, and the index at which it stands, or None where it is kept.

    The first digit of an axis is `joined` where the axis goes on the one before: the pixels of an image are the rows
    of one matrix, whose axis is two of the image (and of a batch of images three).
    """

    size: Expr
    place: Expr | None = None
    joined: bool = False


class Offset(sympy.Symbol):
    """An index that stands for several: the offset k = (u, v) of a kernel, at adjacent axes of an array."""


class Named(sympy.Symbol):
    """An index that is an axis's own letter: h of heads, in whatever axis they are, and which blocks are told by."""


class Pixel(Offset):
    """An index that stands for those of a pixel, the row of the matrix that an image is, or a batch of images."""


Axis = tuple[Digit, ...]
Address = tuple[Axis, ...]


ONLY = Offset("only", integer=True)
"""The place of what stands at the only one of an axis, which is not written."""


def kept(axis: Axis) -> Expr:
    """Return the size of what is kept of an axis; 0 where it stands at one place."""
    sizes = [digit.size for digit in axis if digit.place is None]
    if len(sizes) < 2:
        return sizes[0] if sizes else sympy.S.Zero
    return sympy.Mul(*sizes)


def runs(address: Address) -> list[list[int]]:
    """Return the axes of which something is kept, those that are joined to one together.

    >>> from sympy import Symbol
    >>> n, i = Symbol("n"), Symbol("i")
    >>> runs(((Digit(n),), (Digit(n, i),), (Digit(n, None, True),), (Digit(n),)))
    [[0, 2], [3]]
    """
    found: list[list[int]] = []
    for place, axis in enumerate(address):
        if all(digit.place is not None for digit in axis):
            continue
        if found and axis[0].joined:
            found[-1].append(place)
        else:
            found.append([place])
    return found


def kept_shape(address: Address) -> Shape:
    """Return the shape of what stands at an address: the axes of which something is kept."""
    return tuple(
        kept(address[run[0]]) if len(run) == 1 else sympy.Mul(*(kept(address[axis]) for axis in run))
        for run in runs(address)
    )


def joined(address: Address, axes: Collection[int]) -> Address:
    """Return an address with each of these axes joined to the one of them before it, where nothing but places is
    between them."""
    before: int | None = None
    found = list(address)
    for place, axis in enumerate(address):
        if kept(axis) == 0:
            continue
        if place in axes and before in axes:
            found[place] = (axis[0]._replace(joined=True), *axis[1:])
        before = place
    return tuple(found)


def _arguments(address: Address) -> Tuple:
    return Tuple(
        *(
            Tuple(
                *(
                    Tuple(digit.size, Tuple(*[digit.place] * (digit.place is not None)), Integer(digit.joined))
                    for digit in axis
                )
            )
            for axis in address
        )
    )


def _address(argument: Basic) -> Address:
    return tuple(
        tuple(
            Digit(size, place.args[0] if place.args else None, bool(joint))
            for size, place, joint in map(_parts, axis.args)
        )
        for axis in argument.args
    )


def _parts(digit: Basic) -> tuple[Basic, ...]:
    return digit.args


class Part(Node):
    """What stands at an address of a variable: `Qᵢ`. What printers put for it; never part of an answer."""

    def __new__(cls, variable: Node, address: Address) -> Self:
        return super().__new__(cls, variable, _arguments(address) if isinstance(address, tuple) else address)

    @property
    def address(self) -> Address:
        return _address(self.args[1])


class Stack(Node):
    """The array with `body` at each place of its axes: `{Qᵢ Kᵢᵀ}ᵢ`. What printers put; never part of an answer."""

    def __new__(cls, body: Node, address: Address) -> Self:
        return super().__new__(cls, body, _arguments(address) if isinstance(address, tuple) else address)

    @property
    def address(self) -> Address:
        return _address(self.args[1])


@SHAPE.row(Part)
def _(node: Part) -> Shape:
    return kept_shape(node.address)


@SHAPE.row(Stack)
def _(node: Stack) -> Shape:
    return tuple(sympy.Mul(*(digit.size for digit in axis)) for axis in node.address)


def labels(address: Address, whole: bool = False) -> list[str]:
    """Return what stands for each axis: an index, `(i)` for block i, `:` where all is kept, at ends where `whole` is.

    >>> from sympy import Symbol
    >>> n, i = Symbol("n"), Symbol("i")
    >>> labels(((Digit(n),), (Digit(n, i), Digit(n)), (Digit(n),)))
    [':', '(i)']
    """
    if any(isinstance(digit.place, Named) for axis in address for digit in axis):
        return _labels_of_named(address)
    places = [axis[0].place if len(axis) == 1 else None for axis in address]
    if any(isinstance(place, Offset) for place in places):  # W₁,ₖ is a matrix for each offset, whatever its axes
        address = tuple(
            axis
            for number, (axis, place) in enumerate(zip(address, places, strict=True))
            if any(digit.place is not None for digit in axis)
            and not (isinstance(place, Offset) and (place == ONLY or (number and place == places[number - 1])))
        )
    rows = [run[0] for run in runs(address)]
    written = [_label(axis) for place, axis in enumerate(address) if kept(axis) == 0 or place in rows]
    while not whole and written and written[-1] == ":":
        written.pop()
    return written


def is_torn(axis: Axis) -> bool:
    """Whether an index stands between two parts of an axis that are kept: how long each is, no formula would tell.

    >>> from sympy import Symbol
    >>> n, i = Symbol("n"), Symbol("i")
    >>> is_torn((Digit(n), Digit(n, i), Digit(n))), is_torn((Digit(n, i), Digit(n), Digit(n)))
    (True, False)
    """
    free = [place for place, digit in enumerate(axis) if digit.place is None]
    return bool(free) and free[-1] - free[0] >= len(free)


def _labels_of_named(address: Address) -> list[str]:
    """Labels with those of blocks that have letters first: `Wₕᵢ` is row i of the block h, whatever axis has blocks."""
    blocks, rest = [], []
    for axis in address:
        if len(axis) > 1 and isinstance(axis[0].place, Named):
            blocks += [str(digit.place) for digit in axis if isinstance(digit.place, Named)]
            axis = tuple(digit for digit in axis if not isinstance(digit.place, Named))
        if axis and axis[0].place != ONLY:  # of blocks of one row nothing is left
            rest.append(_label(axis))
    written = [*blocks, *rest]
    while written and written[-1] == ":":
        written.pop()
    return written


def written_place(place: Basic) -> str:
    """Return a place as it stands in brackets: what is added before what is taken away, the number last if it can.

    >>> from sympy import symbols
    >>> i, p = symbols("i p")
    >>> written_place(2 * i + p - 2), written_place(1 - p + i), written_place(4 - i)
    ('2 i + p - 2', 'i - p + 1', '4 - i')
    """
    first, last = place.as_coeff_Add()[::-1] if isinstance(place, sympy.Add) else (place, Integer(0))
    terms = sorted(
        sympy.Add.make_args(first), key=lambda term: (term.could_extract_minus_sign(), str(term.as_coeff_Mul()[1]))
    )
    terms = [*terms, *[last] * (last != 0)]
    if terms[0].could_extract_minus_sign() and last.is_positive:
        terms = [last, *terms[:-1]]
    written = number(terms[0]).text
    for term in terms[1:]:
        minus = term.could_extract_minus_sign()
        written += f" {'-' if minus else '+'} {number(-term if minus else term).text}"
    return written.replace("*", " ")


def _label(axis: Axis) -> str:
    if len(axis) == 1 or kept(axis) == sympy.Mul(*(digit.size for digit in axis)):
        return ":" if axis[0].place is None else written_place(axis[0].place)
    places = [digit.place for digit in axis]
    told = [place for at, place in enumerate(places) if not (at and _is_same_offset(place, places[at - 1]))]
    told = [place for at, place in enumerate(told) if not (at and place is told[at - 1] is None)]  # one axis is left
    *blocks, last = (":" if place is None else written_place(place) for place in told)
    return "".join(f"({place})" for place in blocks) + last.removesuffix(":")


def _is_same_offset(place: Basic | None, before: Basic | None) -> bool:
    return isinstance(place, Offset) and place == before


def is_typed(place: Basic | None) -> bool:
    """Whether a place is a number or a size, and no index."""
    return place is not None and not isinstance(place, Offset) and all(size.is_positive for size in place.free_symbols)
