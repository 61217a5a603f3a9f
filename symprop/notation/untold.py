"""Sizes of ones and identities on paper: written where nothing around tells them, `𝟏ₙ`, `Iₙ`, and nowhere else.

Axes that are of one size by what stands around them are one class; a class is told where an array with a name has one
of its axes, or the whole formula has. `SAME` says for a kind which axes of its operands its own axes are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Self

from sympy import Expr, Tuple

from symprop.algebra import nodes as n
from symprop.algebra.means import Mean
from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.table import Table
from symprop.algebra.trees import walk
from symprop.notation import triangular
from symprop.notation.indexed import Element, depth_over
from symprop.notation.places import Part
from symprop.notation.precedence import ATOM, MATMUL, POWER, PRODUCT, Of, Piece
from symprop.notation.style import Style
from symprop.notation.sums import ROWS

DEEPEST = 150
"""Formulas that are deeper are no formulas that one reads."""

_UNTOLD = (n.Fill, n.Identity, n.Triangle)
"""Kinds that have no name: ones, zeros, identities, and triangles of ones."""
Axes = tuple[int, ...]
SAME = Table("axes of one size")
"""The axes of a node by those of its operands, entered as one class where the sizes must be the same."""


class SizedFill(Node):
    """Ones or zeros of which some sizes are written; what printers put, never part of an answer."""

    def __new__(cls, value: Expr, shape: Iterable[Expr], untold: Iterable[bool]) -> Self:
        return super().__new__(cls, value, Tuple(*shape), Tuple(*map(int, untold)))

    @property
    def sized(self) -> Iterator[tuple[Expr, bool]]:
        """Each size, and whether it is written."""
        return zip(self.shape, map(bool, self.args[2].args), strict=True)


class SizedIdentity(Node):
    """An identity whose size is written; what printers put, never part of an answer."""

    def __new__(cls, size: Expr) -> Self:
        return super().__new__(cls, size)


@SHAPE.row(SizedFill)
def _(node: SizedFill) -> tuple[Expr, ...]:
    return tuple(node.args[1].args)


@SHAPE.row(SizedIdentity)
def _(node: SizedIdentity) -> tuple[Expr, ...]:
    return (node.args[0], node.args[0])


class Classes:
    """Axes in classes of one size, and which of these are told."""

    def __init__(self) -> None:
        self.parent: list[int] = []
        self.is_told: list[bool] = []

    def new(self, count: int, told: bool = False) -> Axes:
        start = len(self.parent)
        self.parent += range(start, start + count)
        self.is_told += [told] * count
        return tuple(range(start, start + count))

    def of(self, axis: int) -> int:
        while self.parent[axis] != axis:
            self.parent[axis] = axis = self.parent[self.parent[axis]]
        return axis

    def same(self, one: int, other: int) -> None:
        one, other = self.of(one), self.of(other)
        self.parent[other] = one
        self.is_told[one] |= self.is_told[other]

    def told(self, axis: int) -> bool:
        return self.is_told[self.of(axis)]


def with_sizes(node: Node) -> Node:
    """Return a formula whose ones and identities have their sizes where nothing tells them.

    >>> from symprop.algebra import variable
    >>> x, one = variable("x", (3,)), n.Fill(1, (3,))
    >>> print((x + (one @ one) * x).pretty(), n.Kron(n.Identity(2), n.Identity(3) @ n.Identity(3)).pretty(), sep="   ")
    x + (𝟏₃ᵀ 𝟏₃) x   I₂ ⊗ (I₃ I₃)
    """
    if depth_over(node, DEEPEST) or not any(isinstance(part, _UNTOLD) for part in walk(node)):
        return node
    classes, found = Classes(), list[tuple[Node, Axes]]()
    whole = _entered(node, classes, found)
    for axis in whole:
        classes.is_told[classes.of(axis)] = True
    if all(map(classes.told, (axis for _, axes in found for axis in axes))):
        return node
    return _written(node, iter([[not classes.told(axis) for axis in axes] for _, axes in found]))


def _entered(node: Node, classes: Classes, found: list[tuple[Node, Axes]]) -> Axes:
    """Return the axes of a node, and enter those of the ones, identities and triangles in it, from left to right."""
    if isinstance(node, _UNTOLD):
        axes = classes.new(node.rank)
        for axis, size in zip(axes, node.shape, strict=True):
            classes.is_told[axis] = size == 1
        if isinstance(node, n.Identity):
            classes.same(*axes)
        found.append((node, axes))
        return axes
    if not node.operands or isinstance(node, (Part, Element)):
        return classes.new(node.rank, told=True)
    return SAME(node, classes, [_entered(operand, classes, found) for operand in node.operands])


def _written(node: Node, untold: Iterator[list[bool]]) -> Node:
    if isinstance(node, n.Fill):
        which = next(untold)
        return SizedFill(node.value, node.shape, which) if any(which) else node
    if isinstance(node, n.Triangle):
        which = next(untold)
        return triangular.Part(node, SizedFill(1, node.shape, which)) if any(which) else node
    if isinstance(node, n.Identity):
        return SizedIdentity(node.args[0]) if any(next(untold)) else node
    if not node.operands or isinstance(node, (Part, Element)):
        return node
    operands = [_written(operand, untold) for operand in node.operands]
    return node if operands == list(node.operands) else node.with_operands(operands)


# ---------------------------------------------------------------- which axes are of one size


@SAME.row(Node)
def _(node: Node, classes: Classes, operands: Sequence[Axes]) -> Axes:
    """Of any other kind nothing is known."""
    return classes.new(node.rank)


@SAME.row(n.Elementwise)
def _(node: Node, classes: Classes, operands: Sequence[Axes]) -> Axes:
    axes = classes.new(node.rank)
    for operand, own in zip(node.operands, operands, strict=True):
        for place in range(1, len(own) + 1):
            if operand.shape[-place] == node.shape[-place]:
                classes.same(axes[-place], own[-place])
    return axes


@SAME.row(n.Softmax, n.BlockSum, n.BatchMean, n.Cholesky, n.MatrixFunction, n.Inverse, n.MatrixPower, n.First)
def _(node: Node, classes: Classes, operands: Sequence[Axes]) -> Axes:
    if isinstance(node, (n.Cholesky, n.MatrixFunction, n.Inverse, n.MatrixPower)):  # of a square matrix
        classes.same(*operands[0])
    return operands[0]


@SAME.row(n.MatMul)
def _(node: n.MatMul, classes: Classes, operands: Sequence[Axes]) -> Axes:
    left, right = operands
    classes.same(left[-1], right[-2:][0])
    if len(left) > 2 or len(right) > 2:
        return classes.new(node.rank, told=True)  # which is written by its matrices
    return (*left[:-1], *right[1:])


@SAME.row(n.Outer)
def _(node: n.Outer, classes: Classes, operands: Sequence[Axes]) -> Axes:
    return (*operands[0], *operands[1])


@SAME.row(n.Transpose)
def _(node: n.Transpose, classes: Classes, operands: Sequence[Axes]) -> Axes:
    return tuple(operands[0][axis] for axis in node.axes)


@SAME.row(n.Sum, Mean)
def _(node: n.Sum | Mean, classes: Classes, operands: Sequence[Axes]) -> Axes:
    if node.keepdims:
        return tuple(
            classes.new(1, told=True)[0] if place in node.axes else axis for place, axis in enumerate(operands[0])
        )
    return tuple(axis for place, axis in enumerate(operands[0]) if place not in node.axes)


@SAME.row(n.Diag)
def _(node: n.Diag, classes: Classes, operands: Sequence[Axes]) -> Axes:
    return (*operands[0], *operands[0])


# ---------------------------------------------------------------- how they are written


@ROWS.row(SizedFill)
def _(node: SizedFill, of: Of, style: Style) -> Piece:
    ones = [style.subscript(style.one, style.number(size).text) if untold else style.one for size, untold in node.sized]
    value = node.args[0]
    if value == 0:
        return Piece(style.of_sizes(style.constant("0", node.shape), node.shape), ATOM)
    if node.rank == 2:
        ones[1] = style.superscript(ones[1], style.transposed)
        ones = [each for each, size in zip(ones, node.shape, strict=True) if size != 1] or ones[:1]
    written = Piece(" ".join(ones), MATMUL if len(ones) > 1 else ATOM)
    if value == 1:
        return written
    return Piece(f"{style.wrap(style.number(value), POWER)} {written.text}", PRODUCT)


@ROWS.row(SizedIdentity)
def _(node: SizedIdentity, of: Of, style: Style) -> Piece:
    return Piece(style.subscript("I", style.number(node.args[0]).text), ATOM)
