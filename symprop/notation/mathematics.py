"""Formulas as mathematics writes them: the rows that Unicode and LaTeX share.

A `Style` says how one of them writes a fraction, a superscript or a call; `table(style)` gives the printer's table.
A vector is a column: `x @ A` of NumPy, a vector on the left, is written `A' x`. Indices appear where a sum over all
elements reads best with them (`sum_i y_i log p_i`).
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.roles import DELTA
from symprop.algebra.table import Table
from symprop.notation.precedence import (
    ATOM,
    MATMUL,
    POWER,
    PRODUCT,
    SUM,
    SUMMATION,
    Element,
    IndexedSum,
    Of,
    Piece,
    Ratio,
    decimal,
    elementwise,
    is_element,
    split,
    squared_norm,
    subscripts,
    sum_of,
)
from symprop.notation.style import Style


def _unsigned(style: Style, ratio: Ratio, of: Of) -> Piece:
    """Write a ratio without its sign: numbers and scalars before arrays, `(2/3) s (a ⊙ b) ⊘ c`."""
    if not ratio.below and ratio.numerator == ratio.denominator == 1 and len(ratio.above) == 1:
        return of(ratio.above[0])
    above, below_line = _squares_written_out(ratio.above), _squares_written_out(ratio.below)
    # An array of one element stands before a larger one like a number; among its like it is an array.
    larger = not all(map(_is_single, above + below_line))
    single = _is_single if larger else (lambda factor: not factor.rank)
    scalars = [of(factor) for factor in above if single(factor)]
    arrays = [of(factor) for factor in above if not single(factor)]
    under = [of(factor) for factor in below_line if single(factor)]
    divisors = [of(factor) for factor in below_line if not single(factor)]
    coefficient = ratio.numerator, ratio.denominator
    if ratio.denominator != 5 and (written := decimal(ratio.numerator / ratio.denominator)) is not None:
        coefficient = written, sympy.Integer(1)
    top = [style.number(coefficient[0])] if coefficient[0] != 1 else []
    bottom = [style.number(coefficient[1])] if coefficient[1] != 1 else []
    one = style.number(sympy.Integer(1))
    pieces: list[Piece]
    if under:
        pieces = [style.fraction(_juxtaposed(style, top + scalars) or one, _juxtaposed(style, bottom + under) or one)]
    elif bottom:
        pieces = [style.fraction(top[0] if top else one, bottom[0]), *scalars]
    else:
        pieces = top + scalars
    if not arrays and not divisors:
        return _juxtaposed(style, pieces) or one
    if len(arrays) == 1 and not divisors:
        return _juxtaposed(style, [*pieces, arrays[0]]) or one
    product = style.hadamard.join(style.wrap(piece, POWER) for piece in arrays)
    if pieces:
        front = " ".join(style.wrap(piece, POWER) for piece in pieces)
        product = f"{front} {product}" if product else front
    if divisors:
        below = style.hadamard.join(style.wrap(piece, POWER) for piece in divisors)
        product = f"{product or '1'}{style.divided}{below if len(divisors) == 1 else style.group(below)}"
    return Piece(product, PRODUCT)


def _juxtaposed(style: Style, pieces: Sequence[Piece]) -> Piece | None:
    """Write factors side by side; a sum sign or a matrix product may end them."""
    if len(pieces) < 2:
        return pieces[0] if pieces else None
    front = [style.wrap(piece, POWER) for piece in pieces[:-1]]
    return Piece(" ".join([*front, style.wrap(pieces[-1], SUMMATION)]), PRODUCT)


def _is_single(node: Node) -> bool:
    """Whether `node` has one element, whatever its rank."""
    return all(size == 1 for size in node.shape)


def _is_square(node: Node) -> bool:
    """Whether `node` is the square of a named array, which is written as a product."""
    base = node.operands[0] if isinstance(node, n.Power) and node.exponent == 2 else None
    return isinstance(base, n.Variable) and not _is_single(base)


def _squares_written_out(factors: Sequence[Node]) -> list[Node]:
    """Factors with `z**2` as `z`, `z`: a square of a named array reads the same alone and in a product."""
    return [part for factor in factors for part in ((factor.operands[0],) * 2 if _is_square(factor) else (factor,))]


def _same_axes(outer: n.Sum, inner: n.Sum | n.LogSumExp) -> bool:
    return outer.axes == (inner.axes if isinstance(inner, n.Sum) else (inner.axis,))


def table(meaning: str, style: Style) -> Table:
    """Return the printer of `style`: a table with a row for every kind of node."""
    rows = Table(meaning)

    def transposed(node: Node, of: Of) -> str:
        """A node of rank 1 or 2 with a transpose sign, or without its own."""
        if isinstance(node, n.Transpose) and node.axes == (1, 0):
            return style.wrap(of(node.operands[0]), POWER)
        if isinstance(node, n.Variable) and not (node.is_gradient or node.role == DELTA):
            return style.variable(node, above=style.transposed)
        return style.superscript(style.wrap(of(node), ATOM), style.transposed)

    ones_row = style.superscript(style.one, style.transposed)

    @rows.row(n.Variable)
    def _(node: n.Variable, of: Of) -> Piece:
        return Piece(style.variable(node), POWER if node.is_gradient else ATOM)

    @rows.row(Element)
    def _(node: Element, of: Of) -> Piece:
        variable = node.operands[0]
        if not isinstance(variable, n.Variable):
            raise TypeError(f"only variables have elements, not {type(variable).__name__}")
        return Piece(style.variable(variable, node.indices), ATOM)

    @rows.row(n.Scalar, n.Multiply)
    def _(node: Node, of: Of) -> Piece:
        ratio = split(node)
        return add((node,), of) if ratio.negative else _unsigned(style, ratio, of)

    @rows.row(n.Fill)
    def _(node: n.Fill, of: Of) -> Piece:
        if node.value == 0:
            return Piece(style.constant("0", node.shape), ATOM)
        ones = style.constant("1", node.shape)
        if node.value in (1, -1):
            level = MATMUL if node.rank == 2 else ATOM
            return Piece(ones, level) if node.value == 1 else Piece(f"{style.minus}{ones}", SUM)
        return Piece(f"{style.wrap(style.number(node.value), POWER)} {ones}", PRODUCT)

    @rows.row(n.Identity)
    def _(node: n.Identity, of: Of) -> Piece:
        return Piece(style.constant("I", node.shape), ATOM)

    def add(terms: Sequence[Node], of: Of) -> Piece:
        ratios = [split(term) for term in terms]
        return Piece(sum_of(ratios, lambda ratio: _unsigned(style, ratio, of), style.wrap, style.minus), SUM)

    @rows.row(n.Add)
    def _(node: n.Add, of: Of) -> Piece:
        return add(node.operands, of)

    @rows.row(n.Power)
    def _(node: n.Power, of: Of) -> Piece:
        base, exponent = node.operands[0], node.exponent
        if exponent.is_number and exponent.is_negative:
            return _unsigned(style, split(node), of)
        normed = squared_norm(base) if not base.rank else None
        if normed is not None and exponent.is_Rational and exponent.q == 2:  # an odd power of the norm
            norm = style.norm(of(normed).text, normed.rank > 1)
            return norm if exponent == sympy.Rational(1, 2) else style.power(norm.text, 2 * exponent, False)
        if exponent == sympy.Rational(1, 2) and (base.rank < 2 or _is_single(base)):
            return style.root(of(base).text)  # a matrix has another root, so its elements' is a power
        if _is_square(node):
            return Piece(f"{of(base).text}{style.hadamard}{of(base).text}", PRODUCT)
        return style.power(style.wrap(of(base), ATOM), exponent, not _is_single(base))

    @rows.row(n.MatMul)
    def _(node: n.MatMul, of: Of) -> Piece:
        left, right = node.operands
        if left.rank == 1 and right.rank <= 2:  # x @ A is the column A' x
            if right.rank == 1:
                return Piece(f"{transposed(left, of)} {style.wrap(of(right), POWER)}", MATMUL)
            return Piece(f"{transposed(right, of)} {style.wrap(of(left), MATMUL)}", MATMUL)
        return Piece(f"{style.wrap(of(left), MATMUL)} {style.wrap(of(right), MATMUL)}", MATMUL)

    @rows.row(n.Outer)
    def _(node: n.Outer, of: Of) -> Piece:
        left, right = node.operands
        return Piece(f"{style.wrap(of(left), MATMUL)} {transposed(right, of)}", MATMUL)

    @rows.row(n.Transpose)
    def _(node: n.Transpose, of: Of) -> Piece:
        operand = node.operands[0]
        if operand.rank < 2:
            return of(operand)
        if node.axes == (1, 0):
            return Piece(transposed(operand, of), ATOM if isinstance(operand, n.Variable) else POWER)
        order = Piece(style.group(", ".join(map(str, node.axes))), ATOM)
        return style.call("transpose", [of(operand), order])

    @rows.row(n.BlockSum)
    def _(node: n.BlockSum, of: Of) -> Piece:
        return style.series(node.index, node.count, style.wrap(of(node.operands[0]), PRODUCT))

    @rows.row(n.Inverse)
    def _(node: n.Inverse, of: Of) -> Piece:
        operand = node.operands[0]
        turned = isinstance(operand, n.Transpose)
        base = operand.operands[0] if turned else operand
        return Piece(style.inverse(style.wrap(of(base), ATOM), turned), ATOM)

    @rows.row(n.Determinant)
    def _(node: n.Determinant, of: Of) -> Piece:
        return style.call("det", [of(node.operands[0])])

    @rows.row(n.LogDeterminant)
    def _(node: n.LogDeterminant, of: Of) -> Piece:
        size = style.call("abs", [style.call("det", [of(node.operands[0])])])
        return Piece(f"{style.log}{size.text}", POWER)

    @rows.row(n.MatrixPower)
    def _(node: n.MatrixPower, of: Of) -> Piece:
        operand, exponent = node.plain
        if isinstance(operand, n.Transpose):  # (A')^k is (A^k)'
            base = style.power(style.wrap(of(operand.operands[0]), ATOM), exponent, False).text
            return Piece(style.superscript(style.group(base), style.transposed), ATOM)
        return style.power(style.wrap(of(operand), ATOM), exponent, False)

    @rows.row(n.Kron)
    def _(node: n.Kron, of: Of) -> Piece:
        return Piece(style.kronecker.join(style.wrap(thin(operand, of), POWER) for operand in node.operands), PRODUCT)

    def thin(node: Node, of: Of) -> Piece:
        """A matrix of one row or column as the vector that it is: nothing spreads it here."""
        inner = node.operands[0] if isinstance(node, n.Expand) else node
        if isinstance(node, n.Expand) and inner.rank == 1:
            return of(inner) if node.axis == 1 else Piece(transposed(inner, of), ATOM)
        if isinstance(node, n.Fill) and node.value == 1 and node.rank == 2 and 1 in node.shape:
            return Piece(style.one if node.shape[1] == 1 else ones_row, ATOM)
        return of(node)

    @rows.row(n.Commutation)
    def _(node: n.Commutation, of: Of) -> Piece:
        return Piece(style.commutation(node.args), ATOM)

    @rows.row(n.Product, n.Extreme)
    def _(node: n.Product | n.Extreme, of: Of) -> Piece:
        name = "prod" if isinstance(node, n.Product) else node.which
        along = [] if len(node.axes) == node.operands[0].rank else [Piece(style.along(node.axes), ATOM)]
        written = style.call(name, [of(node.operands[0]), *along])
        if node.keepdims and node.rank == 2 and len(node.axes) == 1:  # spread again
            return Piece(spread_along(written, node.axes[0]), MATMUL)
        return written

    def spread_along(written: Piece, axis: int) -> str:
        return f"{written.text} {ones_row}" if axis == 1 else f"{style.one} {written.text}"

    @rows.row(n.Concatenate)
    def _(node: n.Concatenate, of: Of) -> Piece:
        along = [Piece(style.along((node.axis,)), ATOM)] if node.rank > 1 else []
        return style.call("concatenate", [*(thin(operand, of) for operand in node.operands), *along])

    def taken(node: n.Slice, of: Of, place: bool) -> Piece:
        inside = subscripts(node, lambda part: style.number(part).text, place)
        return Piece(f"{style.wrap(of(node.operands[0]), ATOM)}[{inside}]", ATOM)

    @rows.row(n.Slice)
    def _(node: n.Slice, of: Of) -> Piece:
        return taken(node, of, False)

    @rows.row(n.Sum)
    def _(node: n.Sum, of: Of) -> Piece:
        operand = node.operands[0]
        if isinstance(operand, n.Diagonal) and not node.rank:
            return style.call("trace", [of(operand.operands[0])])
        if is_element(node) and isinstance(operand, n.Slice):
            return taken(operand, of, True)
        if isinstance(operand, (n.Sum, n.LogSumExp)) and operand.keepdims and _same_axes(node, operand):
            bare = operand.args[0], operand.args[1]  # an axis of length 1 that only now goes
            return of(type(operand)(*bare))
        if node.rank and operand.rank == 2 and len(node.axes) == 1:  # 1' A, or A 1; kept axes are spread again by ones
            spread = node.keepdims
            if node.axes == (0,):
                written = f"{ones_row} {style.wrap(of(operand), MATMUL)}"
                return Piece(f"{style.one} {written}" if spread else written, MATMUL)
            written = f"{style.wrap(of(operand), MATMUL)} {style.one}"
            return Piece(f"{written} {ones_row}" if spread else written, MATMUL)
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
        written = f"{ones_row} {style.wrap(of(operand), MATMUL)}"
        return Piece(written if operand.rank == 1 else f"{written} {style.one}", MATMUL)

    @rows.row(IndexedSum)
    def _(node: IndexedSum, of: Of) -> Piece:
        return style.summation(node.indices, style.wrap(of(node.operands[0]), PRODUCT))

    @rows.row(n.Expand)
    def _(node: n.Expand, of: Of) -> Piece:
        operand = node.operands[0]
        if operand.rank == 0:
            return of(operand)
        if operand.rank == 1:  # spread to a matrix by an outer product with ones
            if node.axis == 1:
                return Piece(f"{style.wrap(of(operand), MATMUL)} {ones_row}", MATMUL)
            return Piece(f"{style.one} {transposed(operand, of)}", MATMUL)
        return style.call("expand", [of(operand), Piece(style.along((node.axis,)), ATOM)])

    @rows.row(n.Reshape)
    def _(node: n.Reshape, of: Of) -> Piece:
        if node.rank == 1:
            return style.call("vec", [of(node.operands[0])])
        return style.call("reshape", [of(node.operands[0]), *(style.number(size) for size in node.shape)])

    @rows.row(n.Diag)
    def _(node: n.Diag, of: Of) -> Piece:
        return style.call("diag", [of(node.operands[0])])

    @rows.row(n.Diagonal)
    def _(node: n.Diagonal, of: Of) -> Piece:
        return style.call("diagonal", [of(node.operands[0])])

    @rows.row(n.Take)
    def _(node: n.Take, of: Of) -> Piece:
        rows_of, ids = node.operands
        return Piece(style.rows_of(style.wrap(of(rows_of), ATOM), of(ids).text), ATOM)

    @rows.row(n.ScatterAdd)
    def _(node: n.ScatterAdd, of: Of) -> Piece:
        return style.call("scatter_add", [of(operand) for operand in node.operands])

    @rows.row(n.OneHot)
    def _(node: n.OneHot, of: Of) -> Piece:
        return style.call("one_hot", [of(node.operands[0])])

    @rows.row(n.Map)
    def _(node: n.Map, of: Of) -> Piece:
        if node.function.name == "power":
            base, exponent = node.operands
            return style.raised(style.wrap(of(base), ATOM), of(exponent), not _is_single(node))
        return style.call(node.function.name, [of(operand) for operand in node.operands])

    def condition(node: Node, of: Of) -> str:
        if not isinstance(node, n.Compare):
            return style.wrap(of(node), SUM)
        left, right = (style.wrap(of(operand), SUM) for operand in node.operands)
        return f"{left} {style.relation(node.relation)} {right}"

    @rows.row(n.Compare)
    def _(node: n.Compare, of: Of) -> Piece:
        return style.indicator(condition(node, of))

    @rows.row(n.Where)
    def _(node: n.Where, of: Of) -> Piece:
        # `a if c, else b if d, else e` reads one way as long as only the last place holds a choice without parentheses.
        yes, no = (of(operand) for operand in node.operands[1:])
        return style.where(condition(node.operands[0], of), style.wrap(yes, SUM), no.text)

    @rows.row(n.Softmax)
    def _(node: n.Softmax, of: Of) -> Piece:
        return style.call("softmax", [of(node.operands[0]), *first_axis(node)])

    def first_axis(node: n.Softmax | n.LogSumExp) -> list[Piece]:
        """The axis as an argument, where it is not the last, along which rows lie."""
        return [] if node.axis == node.operands[0].rank - 1 else [Piece(style.along((node.axis,)), ATOM)]

    @rows.row(n.LogSumExp)
    def _(node: n.LogSumExp, of: Of) -> Piece:
        written = style.call("logsumexp", [of(node.operands[0]), *first_axis(node)])
        if node.keepdims and node.rank == 2:
            return Piece(spread_along(written, node.axis), MATMUL)
        return written

    @rows.row(n.Pushforward)
    def _(node: n.Pushforward, of: Of) -> Piece:
        expression, by, tangent = node.operands
        jacobian = style.derivative(style.wrap(of(expression), ATOM), of(by).text)
        return Piece(f"{style.group(jacobian.text)} {style.wrap(of(tangent), MATMUL)}", MATMUL)

    @rows.row(n.BatchMean)
    def _(node: n.BatchMean, of: Of) -> Piece:
        return style.call("batchmean", [of(node.operands[0])])

    @rows.row(n.Pullback)
    def _(node: n.Pullback, of: Of) -> Piece:
        cotangent, expression, by = node.operands
        jacobian = style.derivative(style.wrap(of(expression), ATOM), of(by).text)
        operator = style.superscript(style.group(jacobian.text), style.transposed)
        return Piece(f"{operator} {style.wrap(of(cotangent), MATMUL)}", MATMUL)

    return rows
