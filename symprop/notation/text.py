"""NumPy notation: what a reader may paste into Python, and what symprop's own reader takes back.

Evaluated by NumPy, with `softmax`, `one_hot` and the like defined, the text of a node gives its value.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.algebra.table import Table
from symprop.algebra.trees import is_element, zeros
from symprop.notation.booleans import is_boolean
from symprop.notation.numbers import call, length, number, one_or_tuple, wrap
from symprop.notation.precedence import (
    ATOM,
    COMPARE,
    MATMUL,
    POWER,
    PRODUCT,
    SUM,
    Of,
    Piece,
    Ratio,
    render,
    split,
    squared_norm,
    subscripts,
    sum_of,
)
from symprop.notation.style import function_name

TEXT = Table("text")


def text(node: Node) -> str:
    """Return `node` in NumPy notation.

    >>> from symprop.algebra import variable
    >>> W, x, b = variable("W1", (3, 4)), variable("x", (4,)), variable("b1", (3,))
    >>> text((W @ x + b) / 2)
    '(W1 @ x + b1) / 2'
    """
    return render(TEXT, node).text


def numeric(node: Node, of: Of) -> Piece:
    """The piece of a node; an indicator as numbers, because NumPy will not negate or subtract booleans."""
    return Piece(f"where({of(node).text}, 1, 0)", ATOM) if is_boolean(node) else of(node)


def unsigned(ratio: Ratio, of: Of, signed: bool = False) -> Piece:
    """Print a ratio without its sign: `3 * a * b / (4 * c)`; where it is `signed`, a minus meets the first factor."""
    if ratio.is_number:
        return number(ratio.numerator / ratio.denominator)
    if not ratio.below and ratio.numerator == ratio.denominator == 1 and len(ratio.above) == 1:
        return _in_front(ratio.above[0], of) if signed else numeric(ratio.above[0], of)
    above = [number(ratio.numerator)] if ratio.numerator != 1 or not ratio.above else []
    booleans = not above and all(map(is_boolean, ratio.above))
    signed = signed and not above
    above += [
        _in_front(factor, of) if signed and not place else numeric(factor, of) if booleans else of(factor)
        for place, factor in enumerate(ratio.above)
    ]
    below = ([number(ratio.denominator)] if ratio.denominator != 1 else []) + [of(factor) for factor in ratio.below]
    if above[-1].level == MATMUL and not any(factor.rank for factor in ratio.above[:-1]) and (len(above) > 1 or below):
        above[-1] = Piece(above[-1].text, POWER)  # 2 * A @ x / m is ((2 * A) @ x) / m, which is the same
    first = above[0].text if above[0].level == PRODUCT else wrap(above[0], POWER)  # `a * b * c` groups from the left
    top = " * ".join([first, *(wrap(piece, POWER) for piece in above[1:])])
    if not below:
        return Piece(top, PRODUCT if len(above) > 1 else above[0].level)
    bottom = " * ".join(wrap(piece, POWER) for piece in below)
    return Piece(f"{top} / {bottom if len(below) == 1 else f'({bottom})'}", PRODUCT)


def _in_front(node: Node, of: Of) -> Piece:
    """The piece of a first factor, which a minus before the product is one of: of a product of matrices, its first."""
    first, piece = node, numeric(node, of)
    while isinstance(first, n.MatMul):
        first = first.operands[0]
    return Piece(f"({piece.text})", ATOM) if first is not node and is_boolean(first) else piece


def _sum(terms: Sequence[Node], of: Of) -> Piece:
    first, *others = map(split, terms)
    return Piece(
        sum_of((first, *others), lambda ratio: unsigned(ratio, of, ratio is first and ratio.negative), wrap, "-"), SUM
    )


@TEXT.row(n.Variable, n.Known)
def _(node: n.Variable | n.Known, of: Of) -> Piece:
    return Piece(node.name, ATOM)


@TEXT.row(n.Scalar, n.Multiply)
def _(node: Node, of: Of) -> Piece:
    ratio = split(node)
    return _sum((node,), of) if ratio.negative else unsigned(ratio, of)


@TEXT.row(n.Fill)
def _(node: n.Fill, of: Of) -> Piece:
    shape = shape_text(node.shape, lambda size: length(size).text)
    if node.value in (0, 1):
        return call("ones" if node.value == 1 else "zeros", shape)
    return call("full", shape, number(node.value).text)


@TEXT.row(n.Identity)
def _(node: n.Identity, of: Of) -> Piece:
    return call("eye", length(node.shape[0]).text)


@TEXT.row(n.Add)
def _(node: n.Add, of: Of) -> Piece:
    return _sum(node.operands, of)


@TEXT.row(n.Power)
def _(node: n.Power, of: Of) -> Piece:
    base, exponent = node.operands[0], node.exponent
    if exponent.is_number and exponent.is_negative:
        return unsigned(split(node), of)  # 1 / base
    if exponent == sympy.Rational(1, 2):
        normed = squared_norm(base)
        return call("sqrt", of(base).text) if normed is None or base.rank else call("norm", of(normed).text)
    if exponent == 2 and isinstance(base, n.Variable) and base.rank:
        return Piece(f"{base.name} * {base.name}", PRODUCT)
    return Piece(f"{wrap(numeric(base, of), ATOM)}**{wrap(number(exponent), ATOM)}", POWER)


@TEXT.row(n.MatMul)
def _(node: n.MatMul, of: Of) -> Piece:
    left, right = node.operands
    written = numeric(left, of) if is_boolean(right) else of(left)
    first = wrap(written, MATMUL if isinstance(left, n.MatMul) else POWER)
    return Piece(f"{first} @ {wrap(of(right), POWER)}", MATMUL)


NAMED: dict[type[Node], str] = {
    n.Outer: "outer",
    n.Determinant: "det",
    n.LogDeterminant: "logdet",
    n.Sylvester: "solve_sylvester",
    n.Cholesky: "cholesky",
    n.Diag: "diag",
    n.Diagonal: "diagonal",
    n.Pushforward: "pushforward",
    n.Pullback: "pullback",
    n.BatchMean: "batch_mean",
    n.Where: "where",
}
"""Kinds that are functions of their operands."""


@TEXT.row(*NAMED)
def _(node: Node, of: Of) -> Piece:
    return call(NAMED[type(node)], *(of(operand).text for operand in node.operands))


@TEXT.row(n.Transpose)
def _(node: n.Transpose, of: Of) -> Piece:
    operand = node.operands[0]
    if node.axes == tuple(reversed(range(operand.rank))):
        return Piece(f"{wrap(of(operand), ATOM)}.T", ATOM)
    return call("transpose", of(operand).text, f"({', '.join(map(str, node.axes))})")


@TEXT.row(n.Sum)
def _(node: n.Sum, of: Of) -> Piece:
    operand = node.operands[0]
    if isinstance(operand, n.Diagonal) and not node.rank:
        return call("trace", of(operand.operands[0]).text)
    if is_element(node):
        inside = subscripts(operand, lambda part: length(part).text)
        return Piece(f"{wrap(of(operand.operands[0]), ATOM)}[{inside}]", ATOM)
    return _along("sum", of(operand), operand.rank, node.axes, node.keepdims)


def _along(name: str, inside: Piece, rank: int, axes: Sequence[int], keepdims: bool = False) -> Piece:
    """A function along axes, which are named where there are others."""
    named = [f"axis={one_or_tuple(axes)}"] if len(axes) < rank else []
    return call(name, inside.text, *named, *(["keepdims=True"] if keepdims else []))


@TEXT.row(n.MatrixPower)
def _(node: n.MatrixPower, of: Of) -> Piece:
    base, exponent = node.plain
    bare = base.operands[0] if isinstance(base, n.Transpose) else base
    if exponent == 2 and isinstance(bare, n.Variable):
        factor = wrap(of(base), POWER)
        return Piece(f"{factor} @ {factor}", MATMUL)
    return call("matrix_power", of(base).text, number(exponent).text)


@TEXT.row(n.Kron)
def _(node: n.Kron, of: Of) -> Piece:
    left, right = node.operands
    return call("kron", (numeric(left, of) if is_boolean(right) else of(left)).text, of(right).text)


@TEXT.row(n.Product, n.Extreme, n.First)
def _(node: n.Product | n.Extreme | n.First, of: Of) -> Piece:
    name = "prod" if isinstance(node, n.Product) else f"{'first_' * isinstance(node, n.First)}{node.which}"
    kept = isinstance(node, n.Reduction) and node.keepdims
    return _along(name, of(node.operands[0]), node.operands[0].rank, node.axes, kept)


@TEXT.row(n.Concatenate)
def _(node: n.Concatenate, of: Of) -> Piece:
    parts = ", ".join(numeric(operand, of).text for operand in node.operands)
    return call("concatenate", f"({parts}{',' * (len(node.operands) == 1)})", f"axis={node.axis}")


@TEXT.row(n.BlockSum)
def _(node: n.BlockSum, of: Of) -> Piece:
    terms = f"[{of(node.operands[0]).text} for {node.index} in range(1, {number(node.count + 1).text})]"
    if node.rank and not node.count.is_positive:
        terms = f"[{of(zeros(*node.shape)).text}] + {terms}"  # NumPy gives an empty sum no shape
    return call("sum", terms, *(["axis=0"] if node.rank else []))


@TEXT.row(n.Map)
def _(node: n.Map, of: Of) -> Piece:
    if node.function.name == "power":
        base, exponent = (wrap(numeric(operand, of), ATOM) for operand in node.operands)
        return Piece(f"{base}**{exponent}", POWER)
    name = function_name(node.function.name)[0] if node.function.settings else node.function.name
    settings = [number(setting).text for setting in node.function.settings]
    return call(name, *(numeric(operand, of).text for operand in node.operands), *settings)


@TEXT.row(n.Compare)
def _(node: n.Compare, of: Of) -> Piece:
    left, right = (wrap(numeric(operand, of), SUM) for operand in node.operands)
    return Piece(f"{left} {node.relation} {right}", COMPARE)


@TEXT.row(n.Softmax)
def _(node: n.Softmax, of: Of) -> Piece:
    return _along("softmax", numeric(node.operands[0], of), node.rank, (node.axis,))


@TEXT.row(n.LogSumExp)
def _(node: n.LogSumExp, of: Of) -> Piece:
    return _along("logsumexp", of(node.operands[0]), node.operands[0].rank, (node.axis,), node.keepdims)
