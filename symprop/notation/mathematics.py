"""Formulas as mathematics writes them: the rows that Unicode and LaTeX share.

A `Style` says how one of them writes a fraction, a superscript or a call; `table(style)` gives the printer's table.
A vector is a column: `x @ A` of NumPy, a vector on the left, is written `A' x`. Indices appear where a sum over all
elements reads best with them (`sum_i y_i log p_i`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape
from symprop.algebra.table import Table
from symprop.notation import decompositions as decompositions  # enters its rows
from symprop.notation import moves as moves  # enters its rows
from symprop.notation.fractions import is_single, is_square, unsigned
from symprop.notation.indexed import Element
from symprop.notation.on_paper import lifted, scalars_outside, slope_apart
from symprop.notation.places import Digit, Part, is_typed, written_place
from symprop.notation.precedence import (
    ATOM,
    MATMUL,
    POWER,
    PRODUCT,
    SUM,
    Of,
    Piece,
    split,
    squared_norm,
    sum_of,
    turned,
)
from symprop.notation.style import Style
from symprop.notation.sums import ROWS, is_of_columns, ones_row, transposed


def table(meaning: str, style: Style) -> Table:
    """Return the printer of `style`: a table with a row for every kind of node."""
    made = Table(meaning)
    for kind, row in ROWS.rows.items():
        made.row(kind)(partial(row, style=style))
    return made


def _meeting(shape: Shape, of: Of, style: Style) -> Of:
    """`of` in a formula by elements of this shape: ones spread an axis of length 1, `r 𝟏ᵀ` of a column `r`."""

    def written(node: Node) -> Piece:
        piece = of(node)
        if len(shape) == 2 and is_of_columns(node) and not is_single(node):
            return Piece(f"{style.one} {ones_row(style)} {style.wrap(of(node.operands[0]), MATMUL)}", MATMUL)
        if len(shape) != 2 or node.rank != 2 or is_single(node):
            return piece
        if node.shape[1] == 1 != shape[1]:
            return Piece(f"{style.wrap(piece, MATMUL)} {ones_row(style)}", MATMUL)
        if node.shape[0] == 1 != shape[0]:
            return Piece(f"{style.one} {style.wrap(piece, MATMUL)}", MATMUL)
        return piece

    return written


@ROWS.row(n.Variable)
def _(node: n.Variable, of: Of, style: Style) -> Piece:
    return Piece(style.variable(node), POWER if node.is_gradient else ATOM)


@ROWS.row(n.Known)
def _(node: n.Known, of: Of, style: Style) -> Piece:
    return Piece(style.variable(n.Variable(node.name, (), node.shape)), ATOM)


@ROWS.row(Element)
def _(node: Element, of: Of, style: Style) -> Piece:
    variable = node.operands[0]
    if not isinstance(variable, n.Variable):
        raise TypeError(f"only variables have elements, not {type(variable).__name__}")
    if any(map(is_typed, node.indices)):
        places = zip(variable.shape, node.indices, strict=True)
        return of(Part(variable, tuple((Digit(size, place),) for size, place in places)))
    if any(not index.is_Integer and len(str(index)) > 1 for index in node.indices):  # not j at i and 1 for i₁
        return Piece(style.part(variable, [written_place(index) for index in node.indices], 0), ATOM)
    return Piece(style.variable(variable, node.indices), ATOM)


@ROWS.row(n.Scalar, n.Multiply)
def _(node: Node, of: Of, style: Style) -> Piece:
    ratio = split(lifted(node))
    return _sum((node,), node, of, style) if ratio.negative else unsigned(ratio, _meeting(node.shape, of, style), style)


@ROWS.row(n.Fill)
def _(node: n.Fill, of: Of, style: Style) -> Piece:
    if node.value == 0:
        return Piece(style.constant("0", node.shape), ATOM)
    thin = node.rank == 2 and 1 in node.shape
    ones = ones_row(style) if thin and node.shape[1] != 1 else style.constant("1", (1,) if thin else node.shape)
    if node.value in (1, -1):
        level = MATMUL if node.rank == 2 and not thin else ATOM
        return Piece(ones, level) if node.value == 1 else Piece(f"{style.minus}{ones}", SUM)
    return Piece(f"{style.wrap(style.number(node.value), POWER)} {ones}", PRODUCT)


@ROWS.row(n.Identity)
def _(node: n.Identity, of: Of, style: Style) -> Piece:
    return Piece(style.constant("I", node.shape), ATOM)


def _sum(terms: Sequence[Node], whole: Node, of: Of, style: Style) -> Piece:
    ratios, of = [split(lifted(term)) for term in terms], _meeting(whole.shape, of, style)
    return Piece(sum_of(ratios, lambda ratio: unsigned(ratio, of, style), style.wrap, style.minus), SUM)


@ROWS.row(n.Add)
def _(node: n.Add, of: Of, style: Style) -> Piece:
    return _sum(node.operands, node, of, style)


@ROWS.row(n.Power)
def _(node: n.Power, of: Of, style: Style) -> Piece:
    base, exponent = node.operands[0], node.exponent
    if exponent.is_number and exponent.is_negative:
        return unsigned(split(node), of, style)
    normed = squared_norm(base) if not base.rank else None
    if exponent == 2 and isinstance(base, n.Power) and base.exponent == sympy.Rational(1, 2):
        rooted = squared_norm(base.operands[0]) if not base.rank else None
        if rooted is not None:
            return style.squared_norm(of(rooted).text, rooted.rank > 1)
    if normed is not None and exponent.is_Rational and exponent.q == 2:  # an odd power of the norm
        norm = style.norm(of(normed).text, normed.rank > 1)
        return norm if exponent == sympy.Rational(1, 2) else style.power(norm.text, 2 * exponent, False)
    if exponent == sympy.Rational(1, 2) and (base.rank < 2 or 1 in base.shape):
        return style.root(of(base).text)  # a matrix has another root, so its elements' is a power
    if is_square(node):
        return Piece(f"{of(base).text}{style.hadamard}{of(base).text}", PRODUCT)
    return style.power(style.wrap(of(base), ATOM), exponent, not is_single(base))


@ROWS.row(n.MatMul)
def _(node: n.MatMul, of: Of, style: Style) -> Piece:
    outside = scalars_outside(node)
    if outside is not None:
        return of(outside)
    left, right = node.operands
    if left.rank == 1 and right.rank <= 2:  # x @ A is the column A' x
        if right.rank == 1:
            level = MATMUL if isinstance(right, n.MatMul) and right.operands[0].rank == 2 else POWER  # x' A y
            return Piece(f"{transposed(left, of, style)} {style.wrap(of(right), level)}", MATMUL)
        return Piece(f"{transposed(right, of, style)} {style.wrap(of(left), MATMUL)}", MATMUL)
    return Piece(f"{style.wrap(of(left), MATMUL)} {style.wrap(of(right), MATMUL)}", MATMUL)


@ROWS.row(n.Outer)
def _(node: n.Outer, of: Of, style: Style) -> Piece:
    left, right = node.operands
    return Piece(f"{style.wrap(of(left), MATMUL)} {transposed(right, of, style)}", MATMUL)


@ROWS.row(n.Transpose)
def _(node: n.Transpose, of: Of, style: Style) -> Piece:
    operand = node.operands[0]
    if operand.rank < 2:
        return of(operand)
    if node.axes == (1, 0):
        return Piece(transposed(operand, of, style), ATOM if isinstance(operand, n.Variable) else POWER)
    order = Piece(style.group(", ".join(map(str, node.axes))), ATOM)
    return style.call("transpose", [of(operand), order])


@ROWS.row(n.Inverse)
def _(node: n.Inverse, of: Of, style: Style) -> Piece:
    base, is_turned = turned(node.operands[0])
    return Piece(style.inverse(style.wrap(of(base), ATOM), is_turned), POWER)


NAMED: dict[type[Node], str] = {
    n.Determinant: "det",
    n.Sylvester: "sylvester",
    n.Cholesky: "chol",
    n.Diag: "diag",
    n.Diagonal: "diagonal",
    n.ScatterAdd: "scatter_add",
    n.BatchMean: "batchmean",
}
"""Kinds that are written as functions of their operands."""


@ROWS.row(*NAMED)
def _(node: Node, of: Of, style: Style) -> Piece:
    return style.call(NAMED[type(node)], [of(operand) for operand in node.operands])


@ROWS.row(n.LogDeterminant)
def _(node: n.LogDeterminant, of: Of, style: Style) -> Piece:
    size = style.call("abs", [style.call("det", [of(node.operands[0])])])
    return Piece(f"{style.log}{size.text}", POWER)


@ROWS.row(n.MatrixPower)
def _(node: n.MatrixPower, of: Of, style: Style) -> Piece:
    operand, exponent = node.plain
    if isinstance(operand, n.Transpose):  # (A')^k is (A^k)'
        base = style.power(style.wrap(of(operand.operands[0]), ATOM), exponent, False).text
        return Piece(style.superscript(style.group(base), style.transposed), ATOM)
    return style.power(style.wrap(of(operand), ATOM), exponent, False)


@ROWS.row(n.Kron)
def _(node: n.Kron, of: Of, style: Style) -> Piece:
    return Piece(style.kronecker.join(style.wrap(of(operand), POWER) for operand in node.operands), PRODUCT)


@ROWS.row(n.Map)
def _(node: n.Map, of: Of, style: Style) -> Piece:
    of = _meeting(node.shape, of, style)
    if node.function.name == "power":
        base, exponent = node.operands
        return style.raised(style.wrap(of(base), ATOM), of(exponent), not is_single(node))
    if node.function.name == "polygamma" and node.operands[0].number in (1, 2, 3):
        return style.call(f"polygamma{node.operands[0].number}", [of(node.operands[1])])
    return style.call(node.function.name, [of(operand) for operand in node.operands])


def _condition(node: Node, of: Of, style: Style) -> str:
    if not isinstance(node, n.Compare):
        return style.wrap(of(node), SUM)
    meeting = _meeting(node.shape, of, style)
    left, right = (style.wrap(meeting(operand), SUM) for operand in node.operands)
    return f"{left} {style.relation(node.relation)} {right}"


@ROWS.row(n.Compare)
def _(node: n.Compare, of: Of, style: Style) -> Piece:
    return style.indicator(_condition(node, of, style))


@ROWS.row(n.Where)
def _(node: n.Where, of: Of, style: Style) -> Piece:
    # `a if c, else b if d, else e` reads one way as long as only the last place holds a choice without parentheses.
    of = _meeting(node.shape, of, style)
    yes, no = (of(operand) for operand in node.operands[1:])
    goes_on = isinstance(node.operands[2], n.Where)  # in the same rows, of which the first that holds counts
    return style.where(_condition(node.operands[0], of, style), style.wrap(yes, SUM), no.text, goes_on)


@ROWS.row(n.Pushforward)
def _(node: n.Pushforward, of: Of, style: Style) -> Piece:
    expression, by, tangent = node.operands
    jacobian = style.derivative(style.wrap(of(expression), ATOM), of(by).text)
    return Piece(f"{style.group(jacobian.text)} {style.wrap(of(tangent), MATMUL)}", MATMUL)


@ROWS.row(n.Pullback)
def _(node: n.Pullback, of: Of, style: Style) -> Piece:
    cotangent, expression, by = node.operands
    jacobian = style.derivative(style.wrap(of(expression), ATOM), of(by).text)
    if not expression.rank:  # a gradient, in the shape of its variable
        return jacobian if cotangent.number == 1 else of(slope_apart(node))
    operator = style.superscript(style.group(jacobian.text), style.transposed)
    return Piece(f"{operator} {style.wrap(of(cotangent), MATMUL)}", MATMUL)
