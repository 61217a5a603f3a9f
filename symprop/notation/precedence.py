"""What the three printers share: precedence, signs, fractions, and a walk that does not recurse.

A printer is a `Table`: `row(node, of)` gives a `Piece`, where `of(node)` is the piece of a node below. A piece knows
how tightly it binds, and whoever prints it inside something else wraps it where it binds too loosely. Signs and
fractions are decided here once: `split` reads any factor, term or number as a `Ratio`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from string import ascii_lowercase
from typing import Any, NamedTuple, Self

import sympy
from sympy import Basic, Expr, Tuple
from sympy.core.symbol import Str

from symprop.algebra import nodes as n
from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.table import Table
from symprop.algebra.trees import factors_of, walk
from symprop.errors import LimitError

# How tightly a piece binds, loosest first. A product of arrays (`*`) and a matrix product are kept apart by
# parentheses although Python and mathematics have rules for them: a reader should not need the rules. A sum sign
# reaches over the product behind it.
COMPARE, SUM, PRODUCT, SUMMATION, MATMUL, POWER, ATOM = range(7)

LONGEST = (
    1_000_000  # characters of one formula: a tree that shares its parts can be exponentially longer than it is deep
)


class Piece(NamedTuple):
    """A printed node and how tightly it binds."""

    text: str
    level: int


Of = Callable[[Node], Piece]


class Element(Node):
    """One element of a variable, `y_i`: what printers put for `y` below a sum sign. Never part of an answer."""

    def __new__(cls, variable: Node, indices: Iterable[Expr]) -> Self:
        return super().__new__(cls, variable, Tuple(*indices))

    @property
    def indices(self) -> tuple[Basic, ...]:
        return tuple(self.args[1].args)


class IndexedSum(Node):
    """A sum over indices, `sum_j p_j`, with letters that differ from those of the sum that it stands in.

    What printers put for a `Sum` inside such a sum. Never part of an answer.
    """

    def __new__(cls, body: Node, indices: Iterable[Expr], shape: Iterable[Expr]) -> Self:
        return super().__new__(cls, body, Tuple(*indices), Tuple(*shape))

    @property
    def indices(self) -> tuple[Expr, ...]:
        return tuple(self.args[1].args)


class IndexedExtreme(Node):
    """The largest or smallest over indices, `max_k S_k A`. What printers put; never part of an answer."""

    def __new__(cls, body: Node, indices: Iterable[Expr], shape: Iterable[Expr], which: Any) -> Self:
        return super().__new__(
            cls, body, Tuple(*indices), Tuple(*shape), which if isinstance(which, Str) else Str(which)
        )

    @property
    def indices(self) -> tuple[Expr, ...]:
        return tuple(self.args[1].args)

    @property
    def which(self) -> str:
        return self.args[3].name


@SHAPE.row(Element)
def _(node: Element) -> tuple[Expr, ...]:
    return ()


@SHAPE.row(IndexedSum, IndexedExtreme)
def _(node: IndexedSum | IndexedExtreme) -> tuple[Expr, ...]:
    return tuple(node.args[2].args)


def render(table: Table, node: Node) -> Piece:
    """Print `node` by the rows of `table`, operands before the nodes that hold them.

    Raises:
        LimitError: the formula is longer than `LONGEST` characters.
    """
    pieces: dict[int, Piece] = {}  # by identity: SymPy hashes a deep tree by recursion
    kept: list[Node] = []  # nodes that rows made, so that no identity is used twice

    def of(part: Node) -> Piece:
        if id(part) not in pieces:
            finish(part)
        return pieces[id(part)]

    def finish(root: Node) -> None:
        kept.append(root)
        stack = [(root, False)]
        while stack:
            part, ready = stack.pop()
            if id(part) in pieces:
                continue
            if ready or not part.operands:
                piece = table(part, of)
                if len(piece.text) > LONGEST:
                    raise LimitError(
                        f"the formula is longer than {LONGEST:,} characters\nallowed: name its shared parts"
                    )
                pieces[id(part)] = piece
            else:
                stack.append((part, True))
                stack.extend([(operand, False) for operand in part.operands])

    return of(node)


@dataclass(frozen=True)
class Ratio:
    """A product read as `sign * (numerator * above) / (denominator * below)`: numbers apart from nodes."""

    negative: bool
    numerator: Expr
    denominator: Expr
    above: tuple[Node, ...]
    below: tuple[Node, ...]

    @property
    def is_number(self) -> bool:
        return not self.above and not self.below


def split(node: Node) -> Ratio:
    """Read `node` as a ratio: numbers are gathered, negative powers go below the line.

    >>> from symprop.algebra import variable
    >>> ratio = split(-2 * variable("x") / variable("y"))
    >>> ratio.negative, ratio.numerator, ratio.above[0].name, ratio.below[0].name
    (True, 2, 'x', 'y')
    """
    number: Expr = sympy.Integer(1)
    above: list[Node] = []
    below: list[Node] = []
    for factor in _factors(node):
        if isinstance(factor, n.Expand) and split(factor.operands[0]).negative:
            number, factor = -number, n.Expand(-factor.operands[0], factor.axis)
        if isinstance(factor, n.Scalar):
            number = number * factor.value
        elif isinstance(factor, n.Power) and factor.exponent.is_number and factor.exponent.is_negative:
            base, exponent = factor.operands[0], -factor.exponent
            if isinstance(base, n.Scalar):
                number = number / base.value**exponent
                continue
            below.append(base if exponent == 1 else n.Power(base, exponent))
        else:
            above.append(factor)
    negative = bool(number.could_extract_minus_sign())
    size = -number if negative else number
    numerator, denominator = (size, sympy.Integer(1)) if size.is_Integer else _roots_below(*sympy.fraction(size))
    return Ratio(negative, numerator, denominator, tuple(above), tuple(below))


def _roots_below(numerator: Expr, denominator: Expr) -> tuple[Expr, Expr]:
    """Write `sqrt(3)/3` as `1/sqrt(3)`, as texts do for attention and the normal distribution."""
    if isinstance(numerator, sympy.Pow) and numerator.exp == sympy.Rational(1, 2):
        whole, rest = sympy.fraction(denominator / numerator)
        return (rest, whole) if rest == 1 else (numerator, denominator)
    return numerator, denominator


def decimal(value: Expr) -> sympy.Float | None:
    """Return a fraction of at most six decimals as a decimal; halves, quarters and eighths stay fractions.

    >>> decimal(sympy.Rational(8943, 200000)), decimal(sympy.Rational(1, 4)), decimal(sympy.Rational(1, 3))
    (0.0447150000000000, None, None)
    """
    if not isinstance(value, sympy.Rational) or value.q % 5 or 10**6 % value.q:
        return None
    return sympy.Float(value, 15)


def _factors(node: Node) -> Iterator[Node]:
    """The factors of a product; a product that stands first is joined, because `(a * b) * c` is `a * b * c`."""
    first = True
    for factor in factors_of(node):
        if first and factor is not node and isinstance(factor, n.Multiply):
            yield from _factors(factor)
        else:
            yield factor
        first = first and isinstance(factor, n.Scalar)


def sum_of(
    ratios: Iterable[Ratio],
    unsigned: Callable[[Ratio], Piece],
    wrap: Callable[[Piece, int], str],
    minus: str,
) -> str:
    """Join terms by their signs: `a - b + c`, `-a + b`."""
    text = ""
    for ratio in ratios:
        piece = unsigned(ratio)
        if text:
            text += f" {minus if ratio.negative else '+'} {wrap(piece, PRODUCT)}"
        else:
            text = f"{minus}{wrap(piece, PRODUCT)}" if ratio.negative else wrap(piece, PRODUCT)
    return text


def subscripts(node: n.Slice, write: Callable[[Expr], str]) -> str:
    """Return what stands in the brackets where a slice is one place: `:, 0`."""
    return ", ".join([*[":"] * node.axis, write(node.start)])


def squared_norm(node: Node) -> Node | None:
    """Return `v` where `node` is the sum of all squares of an array `v`, else None."""
    if not isinstance(node, n.Sum) or (node.keepdims and node.rank > 1):
        return None
    if len(node.axes) == node.operands[0].rank > 0:
        inside = node.operands[0]
        if isinstance(inside, n.Power) and inside.exponent == 2:
            return inside.operands[0]
        if isinstance(inside, n.Multiply) and len(inside.operands) == 2 and inside.operands[0] == inside.operands[1]:
            return inside.operands[0]
    return None


_LETTERS = "ijklprsuvaeho"
"""Indices: those that Unicode can lower and that name no size."""
_DEEPEST = 50  # of a formula that is written by its elements


def indices_beside(node: Node) -> Iterator[sympy.Symbol]:
    """Yield as many indices as one wants that are no names in a formula: i, j, ..., then i1, j1, ..., printed i₁, j₁.

    Where `i` is a name, i₁ is an element of it and no index.
    """
    taken = n.names_in(node)
    free = [letter for letter in _LETTERS if letter not in taken]
    free = free or [letter for letter in ascii_lowercase if letter not in taken] or list(ascii_lowercase)
    names = (f"{letter}{number or ''}" for number in count() for letter in free)
    return (sympy.Symbol(name, integer=True) for name in names if name not in taken)


def elementwise(node: Node) -> tuple[Node, tuple[Expr, ...]] | None:
    """Return one element of an elementwise formula and its indices (`y * log(p)` gives `y_i log(p_i)`), or None.

    Sums inside it get letters of their own, and no letter that is a name in the formula serves as an index.
    """
    if depth_over(node, _DEEPEST):
        return None
    most = sum(part.rank for part in walk(node))
    return _element_of(node, tuple(islice(indices_beside(node), most)))


def _element_of(node: Node, letters: Sequence[Expr]) -> tuple[Node, tuple[Expr, ...]] | None:
    indices, rest = tuple(letters[: node.rank]), letters[node.rank :]

    def element(part: Node) -> Node | None:
        if part.rank == 0:
            return _with_own_letters(part, rest)
        if isinstance(part, n.Fill):
            return n.Scalar(part.value)
        own = indices[len(indices) - part.rank :]
        if isinstance(part, n.Variable):
            return Element(part, _own_indices(part, node, own))
        if isinstance(part, n.Expand) and isinstance(part.operands[0], n.Variable):
            inner = own[: part.axis] + own[part.axis + 1 :]
            return Element(part.operands[0], inner) if 1 not in part.operands[0].shape else None
        if isinstance(part, n.OneHot) and isinstance(part.operands[0], n.Variable):
            return n.Compare("==", Element(part.operands[0], own[:-1]), n.Scalar(own[-1]))
        if not isinstance(part, n.Elementwise):
            return None
        operands = [element(operand) for operand in part.operands]
        return None if None in operands else part.with_operands(operand for operand in operands if operand is not None)

    inside = element(node) if len(indices) == node.rank else None
    return None if inside is None else (inside, indices)


def _with_own_letters(part: Node, letters: Sequence[Expr]) -> Node | None:
    """Return a scalar inside an indexed sum with `letters` for the indexed sums in it, or None where they run out."""
    if is_indexed(part):
        if squared_norm(part) is not None:
            return part  # written without indices
        inside = _element_of(part.operands[0], letters)
        if inside is None:
            return part if len(letters) >= part.operands[0].rank else None
        return IndexedSum(*inside, part.shape)
    operands = [_with_own_letters(operand, letters) for operand in part.operands]
    if None in operands:
        return None
    return part if list(part.operands) == operands else part.with_operands(o for o in operands if o is not None)


def is_indexed(node: Node) -> bool:
    """Whether `node` is a sum over all elements, which is written with indices where what it sums is elementwise."""
    if not isinstance(node, n.Sum) or (node.keepdims and node.operands[0].rank > 1):
        return False
    return len(node.axes) == node.operands[0].rank > 0 and not isinstance(node.operands[0], n.Variable)


def _own_indices(part: Node, whole: Node, own: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The indices of `part` in an elementwise formula: an axis of length 1 that is spread stands still."""
    sizes = whole.shape[len(whole.shape) - part.rank :]
    still = [size == 1 and spread != 1 for size, spread in zip(part.shape, sizes, strict=True)]
    return tuple(sympy.Integer(1) if fixed else index for fixed, index in zip(still, own, strict=True))


def depth_over(node: Node, limit: int) -> bool:
    level = [node]
    for _ in range(limit):
        level = [operand for part in level for operand in part.operands][:1000]
        if not level:
            return False
    return True
