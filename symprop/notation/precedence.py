"""What the three printers share: precedence, signs, fractions, and a walk that does not recurse.

A printer is a `Table`: `row(node, of)` gives a `Piece`, where `of(node)` is the piece of a node below. A piece knows
how tightly it binds, and whoever prints it inside something else wraps it where it binds too loosely. Signs and
fractions are decided here once: `split` reads any factor, term or number as a `Ratio`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import sympy
from sympy import Expr, Integer, Min

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.algebra.trees import factors_of
from symprop.errors import LimitError
from symprop.notation.triangular import parts_of

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
    above = parts_of(above)
    negative = bool(number.could_extract_minus_sign())
    size = -number if negative else number
    numerator, denominator = (size, sympy.Integer(1)) if size.is_Integer else _roots_below(*sympy.fraction(size))
    return Ratio(negative, numerator, denominator, tuple(above), tuple(below))


def _roots_below(numerator: Expr, denominator: Expr) -> tuple[Expr, Expr]:
    """Write `sqrt(3)/3` as `1/sqrt(3)`, as texts do for attention and the normal distribution; roots are one root."""
    if _is_root(numerator):
        whole, rest = sympy.fraction(denominator / numerator)
        numerator, denominator = (rest, whole) if rest == 1 else (numerator, denominator)
    if _is_root(numerator) and _is_root(denominator):
        return _root(numerator.base / denominator.base), sympy.Integer(1)
    return _one_root(numerator), _one_root(denominator)


def _is_root(number: Expr) -> bool:
    return isinstance(number, sympy.Pow) and number.exp == sympy.Rational(1, 2)


def _root(number: Expr) -> Expr:
    return sympy.Pow(number, sympy.Rational(1, 2), evaluate=False)


def _one_root(number: Expr) -> Expr:
    """Write `sqrt(2)*sqrt(pi)` as `sqrt(2*pi)`, which SymPy takes apart."""
    roots, others = sympy.sift(sympy.Mul.make_args(number), _is_root, binary=True)
    if len(roots) < 2:
        return number
    root = _root(sympy.Mul(*(each.base for each in roots)))
    return sympy.Mul(*others, root, evaluate=False) if others else root


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
    last = node.stop.has(Min) and node.stop == node.operands[0].shape[node.axis]  # the smaller of two sizes
    return ", ".join([*[":"] * node.axis, write(Integer(-1) if last else node.start)])


def turned(node: Node) -> tuple[Node, bool]:
    """Return what a matrix is the transpose of, and whether it is one: `expm(A.T)` is that of `expm(A)`."""
    if isinstance(node, n.Transpose) and node.rank == 2:
        return node.operands[0], True
    if isinstance(node, n.Multiply) and [factor.rank for factor in node.operands if factor.rank] == [2]:
        factors = [turned(factor) for factor in node.operands]
        is_one = any(found for _, found in factors)
        return (node.with_operands([bare for bare, _ in factors]), True) if is_one else (node, False)
    if isinstance(node, (n.Inverse, n.PseudoInverse, n.MatrixFunction)):
        bare, is_turned = turned(node.operands[0])
        return (node.with_operands([bare]), True) if is_turned else (node, False)
    return node, False


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
