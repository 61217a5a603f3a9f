"""Passes that put a faster operation in place of another with the same value: each names the form and when it pays.

What pays was measured with NumPy 2.4 and OpenBLAS on 2 cores (the figures are in `docs/performance.md`): a call of BLAS
costs half of what a ufunc's reduction does, and reductions along a short last axis are slow.
"""

from __future__ import annotations

from functools import lru_cache

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.alike import asked_once
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node, Scalar
from symprop.algebra.shapes import Shape
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import factors_of, multiplied, ones, walk
from symprop.calculus.coefficients import coefficient_and_rest
from symprop.calculus.known_forms import is_map
from symprop.calculus.pullbacks import restored
from symprop.codegen.indicators import is_indicator
from symprop.codegen.kinds import Copy, FirstTrue, Lines
from symprop.codegen.passes import elements_in_a_batch
from symprop.codegen.program import Emit, Names, Program, Statement, rewritten
from symprop.codegen.stable import by_rule, everywhere

SHORT = 64
"""An axis of at most so many elements is short; a table of at most so many rows is small."""


def slopes_from_outputs(program: Program) -> Program:
    """Ask the sign of the output of a rectifier in place of its input's, so that the output can take its memory.

    `a = where(z > 0, z, g(z))` with `g(z) <= 0` there: `z > 0` exactly where `a > 0`.
    """
    outputs: dict[Node, Node] = {}

    @for_kinds(n.Compare)
    def rule(node: n.Compare) -> Node | None:
        if node.relation != ">" or node.operands[1] != Scalar(0):
            return None
        output = outputs.get(node.operands[0])
        return None if output is None else n.Compare(">", output, Scalar(0))

    def change(statement: Statement, emit: Emit) -> Statement:
        done = statement.with_expression(everywhere(statement.expression, rule))
        expression = statement.expression
        if isinstance(expression, n.Where):
            condition, yes, no = expression.operands
            if condition == n.Compare(">", yes, Scalar(0)) and _is_negative_part(no, yes):
                outputs.setdefault(yes, statement.target)
        return done

    return rewritten(program, change)


def _is_negative_part(node: Node, z: Node) -> bool:
    """Whether `node` is 0 or below wherever `z` is: 0, or a positive multiple of `z` or of `expm1(min(z, 0))`."""
    coefficient, rest = coefficient_and_rest(node)
    if rest is None:
        return bool(coefficient == 0)
    inside = rest.operands[0] if is_map(rest, "expm1") else rest
    below = inside == z or inside == FUNCTIONS["minimum"](z, Scalar(0))
    return bool(coefficient.is_positive) and below


def sums_as_products(program: Program) -> Program:
    """Sum over the first axes, or over the last one, by a product with ones: BLAS is faster than a reduction."""

    @for_kinds(n.Sum)
    def rule(node: n.Sum) -> Node | None:
        if not node.rank or is_indicator(node.operands[0]):
            return None
        operand = node.operands[0]
        axes, last = node.axes, operand.rank - 1
        middle = tuple(range(1, len(axes) + (last not in axes)))
        if middle and axes[: len(middle)] == middle and axes[len(middle) :] in ((), (last,)):
            return _over_middle(node, len(middle))
        if axes == tuple(range(last)) and not node.keepdims:
            rows = _rows(operand)
            return n.MatMul(ones(rows.shape[0]), rows)
        if axes == (last,) and last:
            length = operand.shape[last]
            return n.MatMul(operand, ones(length, 1) if node.keepdims else ones(length))
        return None

    return by_rule(program, rule)


def _over_middle(node: n.Sum, count: int) -> Node:
    """Return the sum over `count` axes after the first, and perhaps the last one: over lines of what lies behind."""
    operand = node.operands[0]
    length = sympy.prod(operand.shape[1 : count + 1])
    first, rest = operand.shape[0], operand.shape[count + 1 :]
    shape = (first, length, sympy.prod(rest))
    stack = operand if operand.shape == shape else n.Reshape(operand, shape)
    total: Node = n.Reshape(n.MatMul(ones(1, length), stack), (first, *rest))
    if operand.rank - 1 in node.axes:
        total = n.MatMul(total, ones(rest[-1]))
    return total if total.shape == node.shape else n.Reshape(total, node.shape)


LINE = 2048
"""So many numbers that lie one after the other are worth a loop of their own."""


def lines_of_vectors(program: Program) -> Program:
    """Write a vector as often as a line has pixels before it meets all pixels: a loop over a pixel is short.

    So is one where a vector of each image, or a statistic of each of its groups of channels, meets all its pixels.
    """
    names = Names(program.names)
    lines: dict[tuple[Node, tuple[Expr, ...]], Node] = {}

    def change(statement: Statement, emit: Emit) -> Statement:
        def lined(node: Node, whole: Node, shape: tuple[Expr, ...]) -> Node:
            coefficient, vector = coefficient_and_rest(node)
            if vector is None:
                return node
            if vector.rank == whole.rank and not vector.shape[0].is_Integer:
                shape = _line_of(vector, whole.shape, len(shape))
            elif vector.rank != 1 or vector.shape[0] != shape[-1]:
                return node
            if not shape:
                return node
            if (vector, shape) not in lines:
                written = Lines(vector, shape)
                name = lines[vector, shape] = names.new("line", written, statement.target.index)
                emit(Statement(name, written))
            line = lines[vector, shape]
            return line if coefficient == 1 else Scalar(coefficient) * line

        @for_kinds(n.Add, n.Multiply, n.Where)
        def rule(node: Node) -> Node | None:
            shape = _long_line(node.shape)
            if not shape:
                return None
            if isinstance(node, n.Where):  # np.maximum takes half the time for arrays
                z = rectified(node)
                return None if z is None else FUNCTIONS["maximum"](z, n.Fill(0, shape))
            operands = [lined(each, node, shape) for each in node.operands]
            return None if operands == list(node.operands) else node.with_operands(operands)

        if not _has_long_lines(statement.expression):
            return statement
        return statement.with_expression(everywhere(statement.expression, rule))

    return rewritten(program, change)


@asked_once
def _has_long_lines(node: Node) -> bool:
    return any(_long_line(part.shape) for part in walk(node) if isinstance(part, n.Elementwise))


@lru_cache(maxsize=2_048)  # few shapes, in all layers
def _long_line(whole: Shape) -> Shape:
    """Return the last axes of an array that are long enough for a line; none where there is no line."""
    shape = whole[-1:]
    while len(shape) < len(whole) - 1 and all(size.is_Integer for size in shape) and sympy.prod(shape) < LINE:
        shape = whole[-len(shape) - 1 :]
    return shape if len(whole) > 2 and all(size.is_Integer for size in shape) and shape[-1] < LINE else ()


def _line_of(vector: Node, shape: Shape, axes: int) -> Shape:
    """Return the shape of a vector for each image, written out along so many axes: fewer where that is not much less
    than all pixels, and none where it still is not."""
    for count in range(axes, 1, -1):
        line = (*vector.shape[:-count], *shape[-count:])
        if elements_in_a_batch(line) * 4 <= elements_in_a_batch(shape):
            return () if line == vector.shape else line
    return ()


def products_of_rows(program: Program) -> Program:
    """Multiply a stack of matrices by one matrix as the rows of a single matrix: one call of BLAS, not one for each."""

    @for_kinds(n.MatMul)
    def rule(node: n.MatMul) -> Node | None:
        left, right = node.operands
        if left.rank < 3 or right.rank > 2:
            return None
        return n.Reshape(n.MatMul(_rows(left), right), node.shape)

    return by_rule(program, rule)


def _rows(node: Node) -> Node:
    """Return an array as a matrix of the rows along its last axis."""
    if node.rank == 2:
        return node
    count: Expr = sympy.prod(node.shape[:-1], start=Integer(1))
    return n.Reshape(node, (count, node.shape[-1]))


def maxima_over_columns(program: Program) -> Program:
    """Take the largest of each short row over the columns of a transposed copy, many rows at a time."""

    @for_kinds(n.Extreme)
    def rule(node: n.Extreme) -> Node | None:
        if not node.keepdims:
            return None
        operand = node.operands[0]
        length = operand.shape[-1]
        if node.axes != (operand.rank - 1,) or not length.is_Integer or not 2 < length <= SHORT:
            return None
        largest = n.Extreme(Copy(n.Transpose(_rows(operand))), 0, False, node.which)
        return n.Reshape(largest, node.shape)

    return by_rule(program, rule)


def firsts_by_comparison(program: Program) -> Program:
    """Look for the first of the largest elements among those that equal the largest, which is often computed before."""
    equal: dict[Node, Node] = {}

    @for_kinds(n.First)
    def rule(node: n.First) -> Node | None:
        operand = node.operands[0]
        there = equal.get(node) or n.Compare("==", operand, n.Extreme(operand, node.axes, True, node.which))
        return FirstTrue(there, node.axes)

    def change(statement: Statement, emit: Emit) -> Statement:
        expression = statement.expression
        if isinstance(expression, n.Extreme):
            x, there = expression.operands[0], restored(statement.target, expression)
            equal.setdefault(n.First(x, expression.axes, expression.which), n.Compare("==", x, there))
        return statement.with_expression(everywhere(expression, rule))

    return rewritten(program, change)


@for_kinds(n.Where)
def rectified(node: n.Where) -> Node | None:
    """Return `z` where `node` is its ReLU, else None."""
    condition, yes, no = node.operands
    is_relu = isinstance(yes, n.Variable) and no == Scalar(0) and condition == n.Compare(">", yes, Scalar(0))
    return yes if is_relu else None


def known_sums(program: Program) -> Program:
    """Take factors that are the same for all terms out of a sum, where the sum of the rest is computed before.

    `sum(v * gamma * x_hat) = gamma * sum(v * x_hat)`, which is the derivative with respect to the scale of a norm.
    """
    definitions: dict[Node, Node] = {}
    sums: dict[tuple[frozenset[Node], tuple[int, ...]], Node] = {}

    @for_kinds(n.Sum)
    def rule(node: n.Sum) -> Node | None:
        plain, last = factors_of(node.operands[0]), node.operands[0].rank - 1
        if node.keepdims or not last or node.axes != tuple(range(last)):
            return None
        for factor in plain:
            parts = factors_of(definitions.get(factor, factor))
            factors = [*(each for each in plain if each is not factor), *parts]
            key = (frozenset(each for each in factors if each.rank > 1), node.axes)
            if key in sums and any(each.rank == 1 for each in factors):
                return multiplied([*(each for each in factors if each.rank < 2), sums[key]])
        return None

    def change(statement: Statement, emit: Emit) -> Statement:
        done = statement.with_expression(everywhere(statement.expression, rule))
        expression = done.expression
        if isinstance(expression, n.Multiply):
            definitions[done.target] = expression
        elif isinstance(expression, n.Sum) and not expression.keepdims:
            factors = factors_of(expression.operands[0])
            if all(each.rank > 1 for each in factors):
                sums[frozenset(factors), expression.axes] = done.target
        return done

    return rewritten(program, change)


def scatters_as_products(program: Program) -> Program:
    """Add rows up by their ids as a product with one-hot rows, where the table is small."""

    @for_kinds(n.ScatterAdd)
    def rule(node: n.ScatterAdd) -> Node | None:
        if not node.size.is_Integer or node.size > SHORT:
            return None
        values, ids = node.operands
        if values.rank != ids.rank + 1:
            return None
        chosen = n.Take(n.Identity(node.size), n.Reshape(ids, (sympy.prod(ids.shape),)))
        return n.MatMul(n.Transpose(chosen), _rows(values))

    return by_rule(program, rule)


__all__ = [
    "firsts_by_comparison",
    "known_sums",
    "lines_of_vectors",
    "maxima_over_columns",
    "products_of_rows",
    "rectified",
    "scatters_as_products",
    "slopes_from_outputs",
    "sums_as_products",
]
