"""Sums and what else is taken along axes, as mathematics writes it: `Σᵢ yᵢ log pᵢ`, `‖v‖²`, `A 𝟏`, `A[1:3]`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import compress

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.means import Mean
from symprop.algebra.nodes import Node
from symprop.algebra.roles import DELTA
from symprop.algebra.table import Table
from symprop.algebra.trees import is_element
from symprop.notation.indexed import IndexedExtreme, IndexedFirst, IndexedSum, elementwise
from symprop.notation.precedence import ATOM, MATMUL, POWER, PRODUCT, SUMMATION, Of, Piece, squared_norm, subscripts
from symprop.notation.style import Style

ROWS = Table("mathematics")
"""The rows that notations of mathematics share; a row takes the node, what prints the nodes in it, and the style."""


def ones_row(style: Style) -> str:
    return style.superscript(style.one, style.transposed)


def transposed(node: Node, of: Of, style: Style) -> str:
    """Write a node of rank 1 or 2 with a transpose sign, or without its own."""
    if isinstance(node, n.Transpose) and node.axes == (1, 0):
        return style.wrap(of(node.operands[0]), POWER)
    if isinstance(node, n.MatMul) and node.operands[0].rank == 1 and node.operands[1].rank == 2:  # (x A)' = x' A
        return f"{transposed(node.operands[0], of, style)} {style.wrap(of(node.operands[1]), MATMUL)}"
    if isinstance(node, n.Variable) and not (node.is_gradient or node.role == DELTA):
        return style.variable(node, above=style.transposed)
    if isinstance(node, n.Inverse) and not isinstance(node.operands[0], n.Transpose):
        return style.inverse(style.wrap(of(node.operands[0]), ATOM), True)
    return style.superscript(style.wrap(of(node), ATOM), style.transposed)


def is_of_columns(node: Node) -> bool:
    """Whether `node` is the vector of the sums of a matrix's columns."""
    return isinstance(node, n.Sum) and node.axes == (0,) and not node.keepdims and node.operands[0].rank == 2


@ROWS.row(n.Sum)
def _(node: n.Sum, of: Of, style: Style) -> Piece:
    operand = node.operands[0]
    if isinstance(operand, n.Diagonal) and not node.rank:
        return style.call("trace", [of(operand.operands[0])])
    if is_element(node) and isinstance(operand, n.Slice):
        if isinstance(operand.operands[0], n.Spectral) and operand.operands[0].letters[operand.operands[0].part]:
            return _vector(operand.operands[0], operand, of, style)
        return _taken(operand.operands[0], of, style, subscripts(operand, partial(_place, style)))
    if isinstance(operand, (n.Sum, n.LogSumExp)) and operand.keepdims and _same_axes(node, operand):
        bare = operand.args[0], operand.args[1]  # an axis of length 1 that only now goes
        return of(type(operand)(*bare))
    if node.rank and operand.rank == 2 and len(node.axes) == 1:
        if is_of_columns(node):  # a vector is a column, A' 1; kept it is a row, 1' A
            return Piece(f"{transposed(operand, of, style)} {style.one}", MATMUL)
        written = style.wrap(of(operand), MATMUL)
        return Piece(f"{ones_row(style)} {written}" if node.axes == (0,) else f"{written} {style.one}", MATMUL)
    if len(node.axes) < operand.rank or (node.keepdims and operand.rank > 1):
        return style.call("sum", [of(operand), Piece(style.along(node.axes), ATOM)])
    if not operand.rank:
        return of(operand)
    normed = squared_norm(node)
    if normed is not None:
        return style.squared_norm(of(normed).text, normed.rank > 1)
    inside = None if isinstance(operand, n.Variable) else elementwise(operand)
    if inside is not None:
        return of(IndexedSum(*inside, node.shape))
    if operand.rank > 2:
        return style.summation((), style.wrap(of(operand), POWER))
    written = f"{ones_row(style)} {style.wrap(of(operand), MATMUL)}"
    return Piece(written if operand.rank == 1 else f"{written} {style.one}", MATMUL)


def _same_axes(outer: n.Sum, inner: n.Sum | n.LogSumExp) -> bool:
    return outer.axes == (inner.axes if isinstance(inner, n.Sum) else (inner.axis,))


@ROWS.row(Mean)
def _(node: Mean, of: Of, style: Style) -> Piece:
    if node.is_total or node.is_of_batch or node.is_of_places:
        name = "mean" if node.is_total else "mean_m" if node.is_of_batch else "mean_t"
        return style.call(name, [of(node.operands[0])])
    return style.call("mean", [of(node.operands[0]), Piece(style.along(node.axes), ATOM)])


@ROWS.row(IndexedSum)
def _(node: IndexedSum, of: Of, style: Style) -> Piece:
    return style.summation(node.indices, style.wrap(of(node.operands[0]), PRODUCT))


@ROWS.row(IndexedExtreme)
def _(node: IndexedExtreme, of: Of, style: Style) -> Piece:
    return style.summation(node.indices, style.wrap(of(node.operands[0]), SUMMATION), node.which)


@ROWS.row(IndexedFirst)
def _(node: IndexedFirst, of: Of, style: Style) -> Piece:
    found = style.summation(node.indices, style.wrap(of(node.operands[0]), SUMMATION), f"arg{node.which}")
    places = [style.number(place).text for place in node.places]
    place = places[0] if len(places) == 1 else style.group(", ".join(places))
    return style.indicator(f"{place} {style.relation('==')} {found.text}")


@ROWS.row(n.BlockSum)
def _(node: n.BlockSum, of: Of, style: Style) -> Piece:
    return style.series(node.index, node.count, style.wrap(of(node.operands[0]), PRODUCT))


@ROWS.row(n.Product, n.Extreme, n.First)
def _(node: n.Product | n.Extreme | n.First, of: Of, style: Style) -> Piece:
    name = "prod" if isinstance(node, n.Product) else f"{'first_' * isinstance(node, n.First)}{node.which}"
    along = [] if len(node.axes) == node.operands[0].rank else [Piece(style.along(node.axes), ATOM)]
    return _as_row(node, style.call(name, [of(node.operands[0]), *along]), style)


def _vector(vectors: n.Spectral, one: n.Slice, of: Of, style: Style) -> Piece:
    """One of the vectors that take a matrix apart: `u₁(A)`."""
    last = "max" if isinstance(vectors, n.Eigh) else "min"
    name = vectors.letters[vectors.part].lower()
    numbered = n.Variable(name, (one.start + 1,), ()) if one.start.is_number else n.Variable(f"{name}_{last}", (), ())
    letter = style.variable(numbered)
    return Piece(f"{letter}{style.group(of(vectors.operands[0]).text)}", ATOM)


def _taken(node: Node, of: Of, style: Style, inside: str) -> Piece:
    return Piece(f"{style.wrap(of(node), ATOM)}[{inside}]", ATOM)


def _place(style: Style, part: Expr) -> str:
    return style.number(part).text


@ROWS.row(n.Structural)
def _(node: n.Structural, of: Of, style: Style) -> Piece:
    inside = node.index_map.subscripts(partial(_place, style))
    if inside is None:
        raise LookupError(f"{type(node).__name__} is no slice: it needs a row of its own")
    return _taken(node.operands[0], of, style, inside)


@ROWS.row(n.Pad)
def _(node: n.Pad, of: Of, style: Style) -> Piece:
    if node.rank == 1 and node.value == 0:
        before, behind = (style.subscript(style.constant("0", (size,)), _place(style, size)) for size in node.widths[0])
        written = [before, of(node.operands[0]).text, behind]
        present = [bool(node.widths[0][0] != 0), True, bool(node.widths[0][1] != 0)]
        return Piece(style.blocks([*compress(written, present)], beside=False), ATOM)
    value = [style.number(node.value)] if node.value != 0 else []
    return style.call("pad", [of(node.operands[0]), *(_listed(pair, style) for pair in node.widths), *value])


@ROWS.row(n.Flip)
def _(node: n.Flip, of: Of, style: Style) -> Piece:
    along = [Piece(style.along(node.axes), ATOM)] if node.rank > 1 else []
    return style.call("flip", [of(node.operands[0]), *along])


@ROWS.row(n.Windowed)
def _(node: n.Windowed, of: Of, style: Style) -> Piece:
    options = [each.args for each in node.args[2:5]]  # sizes, strides and dilations, where these are not 1
    while len(options) > 1 and all(value == 1 for value in options[-1]):
        options.pop()
    every = tuple(range(min(node.rank, node.operands[0].rank)))
    along = [Piece(style.along(node.axes), ATOM)] if node.axes != every else []
    arguments = [of(node.operands[0]), *(_listed(each, style) for each in options), *along]
    if not isinstance(node, n.Fold):
        return style.call("windows", arguments)
    lengths = node.args[5].args
    if lengths != node.covered:
        arguments[-1] = Piece(f"{arguments[-1].text}; {_listed(lengths, style).text}", ATOM)
    return style.call("fold", arguments)


def _listed(values: Sequence[Expr], style: Style) -> Piece:
    listed = [_place(style, value) for value in values]
    return Piece(style.group(", ".join(listed)), ATOM) if len(listed) > 1 else Piece(listed[0], ATOM)


@ROWS.row(n.Softmax)
def _(node: n.Softmax, of: Of, style: Style) -> Piece:
    return style.call("softmax", [of(node.operands[0]), *_first_axis(node, style)])


def _first_axis(node: n.Softmax | n.LogSumExp, style: Style) -> list[Piece]:
    """The axis as an argument, where it is not the last, along which rows lie."""
    return [] if node.axis == node.operands[0].rank - 1 else [Piece(style.along((node.axis,)), ATOM)]


@ROWS.row(n.LogSumExp)
def _(node: n.LogSumExp, of: Of, style: Style) -> Piece:
    inner = node.operands[0]
    if isinstance(inner, n.LogSumExp) and not node.rank and inner.operands[0].rank == 2 and not inner.keepdims:
        return style.call("logsumexp", [of(inner.operands[0]), Piece(style.along((0, 1)), ATOM)])  # of all elements
    return _as_row(node, style.call("logsumexp", [of(inner), *_first_axis(node, style)]), style)


def _as_row(node: Node, piece: Piece, style: Style) -> Piece:
    """What is taken along the columns of a matrix is a column; kept as a row it has a transpose sign."""
    if node.rank == 2 and node.shape[0] == 1 != node.operands[0].shape[0]:
        return Piece(style.superscript(piece.text, style.transposed), POWER)
    return piece
