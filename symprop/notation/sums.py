"""Sums and what else is taken along axes, as mathematics writes it: `Σᵢ yᵢ log pᵢ`, `‖v‖²`, `𝟏ᵀ A`, `A[1:3]`."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.table import Table
from symprop.notation.precedence import (
    ATOM,
    MATMUL,
    POWER,
    PRODUCT,
    IndexedSum,
    Of,
    Piece,
    elementwise,
    is_element,
    squared_norm,
    subscripts,
)
from symprop.notation.style import Style

ROWS = Table("mathematics")
"""The rows that notations of mathematics share; a row takes the node, what prints the nodes in it, and the style."""


def ones_row(style: Style) -> str:
    return style.superscript(style.one, style.transposed)


@ROWS.row(n.Sum)
def _(node: n.Sum, of: Of, style: Style) -> Piece:
    operand = node.operands[0]
    if isinstance(operand, n.Diagonal) and not node.rank:
        return style.call("trace", [of(operand.operands[0])])
    if is_element(node) and isinstance(operand, n.Slice):
        return _taken(operand, of, style, True)
    if isinstance(operand, (n.Sum, n.LogSumExp)) and operand.keepdims and _same_axes(node, operand):
        bare = operand.args[0], operand.args[1]  # an axis of length 1 that only now goes
        return of(type(operand)(*bare))
    if node.rank and operand.rank == 2 and len(node.axes) == 1:  # 1' A, or A 1; kept axes are spread again by ones
        spread = node.keepdims
        if node.axes == (0,):
            written = f"{ones_row(style)} {style.wrap(of(operand), MATMUL)}"
            return Piece(f"{style.one} {written}" if spread else written, MATMUL)
        written = f"{style.wrap(of(operand), MATMUL)} {style.one}"
        return Piece(f"{written} {ones_row(style)}" if spread else written, MATMUL)
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


@ROWS.row(IndexedSum)
def _(node: IndexedSum, of: Of, style: Style) -> Piece:
    return style.summation(node.indices, style.wrap(of(node.operands[0]), PRODUCT))


@ROWS.row(n.BlockSum)
def _(node: n.BlockSum, of: Of, style: Style) -> Piece:
    return style.series(node.index, node.count, style.wrap(of(node.operands[0]), PRODUCT))


@ROWS.row(n.Product, n.Extreme)
def _(node: n.Product | n.Extreme, of: Of, style: Style) -> Piece:
    name = "prod" if isinstance(node, n.Product) else node.which
    along = [] if len(node.axes) == node.operands[0].rank else [Piece(style.along(node.axes), ATOM)]
    written = style.call(name, [of(node.operands[0]), *along])
    if node.keepdims and node.rank == 2 and len(node.axes) == 1:  # spread again
        return Piece(_spread_along(written, node.axes[0], style), MATMUL)
    return written


def _spread_along(written: Piece, axis: int, style: Style) -> str:
    return f"{written.text} {ones_row(style)}" if axis == 1 else f"{style.one} {written.text}"


@ROWS.row(n.Slice)
def _(node: n.Slice, of: Of, style: Style) -> Piece:
    return _taken(node, of, style, False)


def _taken(node: n.Slice, of: Of, style: Style, place: bool) -> Piece:
    inside = subscripts(node, lambda part: style.number(part).text, place)
    return Piece(f"{style.wrap(of(node.operands[0]), ATOM)}[{inside}]", ATOM)


@ROWS.row(n.Softmax)
def _(node: n.Softmax, of: Of, style: Style) -> Piece:
    return style.call("softmax", [of(node.operands[0]), *_first_axis(node, style)])


def _first_axis(node: n.Softmax | n.LogSumExp, style: Style) -> list[Piece]:
    """The axis as an argument, where it is not the last, along which rows lie."""
    return [] if node.axis == node.operands[0].rank - 1 else [Piece(style.along((node.axis,)), ATOM)]


@ROWS.row(n.LogSumExp)
def _(node: n.LogSumExp, of: Of, style: Style) -> Piece:
    written = style.call("logsumexp", [of(node.operands[0]), *_first_axis(node, style)])
    if node.keepdims and node.rank == 2:
        return Piece(_spread_along(written, node.axis, style), MATMUL)
    return written


__all__ = ["ROWS", "ones_row"]
