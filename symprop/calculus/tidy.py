"""The tidy form of a formula: what a careful writer does without naming a rule.

The table `TIDY` has a row for each kind of node; a row sees operands that are tidy already and returns an equal node:
sums and products flattened, zeros and ones gone, numbers in front, like terms together, transposes pushed to the
leaves, numbers pulled out of linear operations. Rules that need a fact or deserve a name stand in `rules.py`.
"""

from __future__ import annotations

from functools import lru_cache

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same
from symprop.algebra.table import Table
from symprop.algebra.trees import is_zero, loose, ones, zeros
from symprop.calculus.chains import chained
from symprop.calculus.coefficients import (
    REDUCTIONS,
    bare_operands,
    coefficient_and_rest,
    common_factor,
    reduced_axes,
    same_shape,
    scalars_and_rest,
    scaled,
    spread,
    without_ones,
)
from symprop.calculus.series import tidy_series

TIDY = Table("tidy")


@lru_cache(maxsize=20_000)
def tidy(node: Node) -> Node:
    """Return the tidy form of `node`, an equal formula.

    >>> from symprop.algebra import variable
    >>> W, d = variable("W", (3, 4)), variable("d", (3,))
    >>> tidy((W.T @ (2 * d)).T + 0) == tidy(2 * (W.T @ d))
    True
    """
    operands = tuple(tidy(operand) for operand in node.operands)
    found: Node = TIDY(node if operands == node.operands else node.with_operands(operands))
    if not same_shape(found, node):
        raise LookupError(f"the tidy form of {type(node).__name__} has another shape: a fault in its row")
    if loose(found, node):
        raise LookupError(f"the tidy form of {type(node).__name__} leaves an index outside of its series")
    return found


@TIDY.row(n.Variable, n.Scalar, n.Identity, n.OneHot, n.Pullback, n.Pushforward)
def _(node: Node) -> Node:
    return node


@TIDY.row(n.Compare)
def _(node: n.Compare) -> Node:
    return node.with_operands(bare_operands(list(node.operands), node.shape))


@TIDY.row(n.Fill)
def _(node: n.Fill) -> Node:
    return node if node.shape else n.Scalar(node.value)


@TIDY.row(n.Add)
def _(node: n.Add) -> Node:
    totals: dict[Node | None, Expr] = {}
    for term in without_ones(bare_operands(list(node.operands), node.shape), node.shape):
        for part in term.operands if isinstance(term, n.Add) else (term,):
            coefficient, rest = (part.value, None) if isinstance(part, n.Fill) else coefficient_and_rest(part)
            totals[rest] = totals.get(rest, Integer(0)) + coefficient
    terms = [(coefficient, rest) for rest, coefficient in totals.items() if coefficient != 0]
    if not terms:
        return zeros(*node.shape)
    common = common_factor([coefficient for coefficient, _ in terms])
    terms.sort(key=lambda term: bool((term[0] / common).could_extract_minus_sign()))
    parts = [scaled(c / common, n.Scalar(1) if rest is None else rest) for c, rest in terms]
    total = parts[0] if len(parts) == 1 else n.Add(*parts)
    return spread(scaled(common, total), node.shape)


@TIDY.row(n.Multiply)
def _(node: n.Multiply) -> Node:
    factors: list[Node] = []
    for operand in node.operands:
        factors.extend(operand.operands if isinstance(operand, n.Multiply) else (operand,))
    factors = bare_operands(factors, node.shape)
    coefficient: Expr = Integer(1)
    powers: dict[Node, list[Expr]] = {}  # base -> exponents above and below the line
    for factor in factors:
        if isinstance(factor, (n.Scalar, n.Fill)):
            coefficient *= factor.value
            continue
        base, exponent = (factor.operands[0], factor.exponent) if isinstance(factor, n.Power) else (factor, Integer(1))
        if isinstance(base, n.Transpose) and n.Identity(node.shape[-1]) in factors:
            base = base.operands[0] if base.rank == 2 else base  # only its diagonal counts
        powers.setdefault(base, [Integer(0), Integer(0)])[bool(exponent.could_extract_minus_sign())] += exponent
    if coefficient == 0:
        return zeros(*node.shape)
    parts: list[Node] = []
    for base, exponents in powers.items():
        if any(not exponent.is_Integer for exponent in exponents) and not sum(exponents).is_positive:
            exponents = [Integer(0), sum(exponents)]  # sqrt(x) / x = x**(-1/2): neither has a value at 0
        parts.extend(base if exponent == 1 else n.Power(base, exponent) for exponent in exponents if exponent != 0)
    if not parts:
        return n.Fill(coefficient, node.shape) if node.shape else n.Scalar(coefficient)
    if len(parts) == 1 and isinstance(parts[0], n.Add) and coefficient == -1:
        return spread(tidy(n.Add(*(n.negative(term) for term in parts[0].operands))), node.shape)
    product = parts[0] if len(parts) == 1 else n.Multiply(*parts)
    return scaled(sympy.cancel(coefficient), spread(product, node.shape))


@TIDY.row(n.Power)
def _(node: n.Power) -> Node:
    base, exponent = node.operands[0], node.exponent
    if exponent == 1:
        return base
    if exponent == 0:
        return ones(*base.shape)
    if isinstance(base, n.Scalar):
        return n.Scalar(base.value**exponent)
    if isinstance(base, n.Power) and (exponent.is_Integer or not base.exponent.is_Integer):
        return tidy(n.Power(base.operands[0], base.exponent * exponent))  # a root has a base of at least 0
    if not exponent.is_Integer:
        return node
    if isinstance(base, n.Multiply):
        return tidy(n.Multiply(*(n.Power(factor, exponent) for factor in base.operands)))
    if isinstance(base, n.Fill):
        return n.Fill(base.value**exponent, base.shape)
    return node


def _linear(node: Node) -> Node:
    """Pull the numbers and scalars out of the operands of an operation that is linear in each array operand."""
    total: Expr = Integer(1)
    scalars: list[Node] = []
    operands: list[Node] = []
    for operand in node.operands:
        coefficient, found, rest = scalars_and_rest(operand)
        if rest is None:
            return node
        total *= coefficient
        scalars.extend(found)
        operands.append(rest)
    if total == 1 and not scalars:
        return node
    inside = tidy(node.with_operands(operands))
    return scaled(total, inside) if not scalars else tidy(n.Multiply(n.Scalar(total), *scalars, inside))


@TIDY.row(n.MatMul)
def _(node: n.MatMul) -> Node:
    left, right = node.operands
    if is_zero(left) or is_zero(right):
        return zeros(*node.shape)
    if left.rank == 1 and right.rank == 2:
        return tidy(n.MatMul(n.Transpose(right), left))  # x' A = (A' x)', a vector either way
    if left.rank == 2 and right.rank <= 2:
        return chained(node, tidy)
    if left.rank == right.rank == 1 and isinstance(left, n.MatMul) and not isinstance(right, n.MatMul):
        return tidy(n.MatMul(right, left))  # (A x)' y = y' (A x)
    return _linear(node)


@TIDY.row(n.Outer)
def _(node: n.Outer) -> Node:
    if all(isinstance(operand, n.Fill) for operand in node.operands):
        return n.Fill(sympy.prod([operand.args[0] for operand in node.operands]), node.shape)
    return zeros(*node.shape) if any(map(is_zero, node.operands)) else _linear(node)


@TIDY.row(n.Transpose)
def _(node: n.Transpose) -> Node:
    operand, axes = node.operands[0], node.axes
    if axes == tuple(range(operand.rank)):
        return operand
    if isinstance(operand, n.Transpose):
        return tidy(n.Transpose(operand.operands[0], [operand.axes[axis] for axis in axes]))
    if isinstance(operand, n.Fill):
        return n.Fill(operand.value, node.shape)
    if isinstance(operand, (n.Identity, n.Diag)):
        return operand
    if isinstance(operand, (n.Inverse, n.MatrixPower, n.Kron)):
        return tidy(operand.with_operands(n.Transpose(part) for part in operand.operands))  # inv(A)' = inv(A')
    if isinstance(operand, n.Commutation):
        return n.Commutation(*reversed(operand.args))
    if isinstance(operand, n.Outer):
        return n.Outer(operand.operands[1], operand.operands[0])
    if isinstance(operand, n.MatMul) and operand.rank == 2 and all(part.rank == 2 for part in operand.operands):
        left, right = operand.operands
        return tidy(n.MatMul(n.Transpose(right), n.Transpose(left)))  # (A B)' = B' A'
    if isinstance(operand, (n.Add, n.Multiply)) and all(part.rank in (0, operand.rank) for part in operand.operands):
        return tidy(operand.func(*(n.Transpose(part, axes) if part.rank else part for part in operand.operands)))
    return _linear(node)


@TIDY.row(n.Sum)
def _(node: n.Sum) -> Node:
    operand = node.operands[0]
    if not node.axes or (node.keepdims and all(operand.shape[axis] == 1 for axis in node.axes)):
        return operand
    if isinstance(operand, (n.Scalar, n.Fill)):
        count = sympy.prod([operand.shape[axis] for axis in node.axes])
        value = sympy.cancel(operand.value * count)
        return n.Fill(value, node.shape) if node.shape else n.Scalar(value)
    if isinstance(operand, n.Sum) and not operand.keepdims and len(node.axes) == operand.rank and not node.keepdims:
        return tidy(n.Sum(operand.operands[0]))
    if isinstance(operand, n.Sum) and operand.keepdims and set(operand.axes) <= set(node.axes):
        return tidy(n.Sum(operand.operands[0], node.axes, node.keepdims))
    if isinstance(operand, n.Expand) and node.axes == (operand.axis,) and not node.keepdims:
        return operand.operands[0]
    if isinstance(operand, n.Diag) and len(node.axes) == 1 and not node.keepdims:
        return operand.operands[0]
    if isinstance(operand, n.Diagonal) and isinstance(operand.operands[0], n.Outer):
        return tidy(n.MatMul(*operand.operands[0].operands))  # tr(u v') = u' v
    if isinstance(operand, n.Diagonal) and isinstance(operand.operands[0], n.Kron):
        left, right = operand.operands[0].operands
        if same(*left.shape) and not node.rank:
            return tidy(n.Multiply(*(n.Sum(n.Diagonal(part)) for part in (left, right))))  # tr kron(A, B) = tr A tr B
    if isinstance(operand, n.Kron) and len(node.axes) == 2 and not node.keepdims:
        return tidy(n.Multiply(*map(n.Sum, operand.operands)))  # the sum of all products is the product of the sums
    if isinstance(operand, n.MatMul) and node.axes == tuple(range(operand.rank - 2)) and not node.keepdims:
        return _one_product(node, *operand.operands)
    return _linear(node)


def _one_product(node: n.Sum, left: Node, right: Node) -> Node:
    """A sum of products of matrices, `sum_k A_k' B_k`, as one product of the stacked rows, `A' B`."""
    if not (isinstance(left, n.Transpose) and left.rank == right.rank > 2):
        return _linear(node)
    rows, order = left.operands[0], range(left.rank)
    if left.axes != (*order[:-2], order[-1], order[-2]) or not all(map(same, rows.shape[:-1], right.shape[:-1])):
        return _linear(node)
    count = sympy.prod(right.shape[:-1])
    stacked = [n.Reshape(part, (count, part.shape[-1])) for part in (rows, right)]
    return tidy(n.MatMul(n.Transpose(stacked[0]), stacked[1]))


@TIDY.row(n.Expand, n.Diag, n.Diagonal)
def _(node: Node) -> Node:
    operand = node.operands[0]
    if isinstance(operand, n.Fill) and operand.value == 0:
        return zeros(*node.shape)
    if isinstance(node, n.Diag) and isinstance(operand, n.Fill):
        return scaled(operand.value, n.Identity(operand.shape[0]))
    if isinstance(node, n.Diagonal):
        if isinstance(operand, n.Diag):
            return operand.operands[0]
        if isinstance(operand, n.Identity):
            return ones(*node.shape)
        if isinstance(operand, n.Transpose):
            return tidy(n.Diagonal(operand.operands[0]))
        if isinstance(operand, n.Outer):
            return tidy(n.Multiply(*operand.operands))
    if isinstance(node, n.Expand):
        if isinstance(operand, (n.Scalar, n.Fill)):
            return n.Fill(operand.value, node.shape)
        if isinstance(operand, n.Power):
            return n.Power(tidy(n.Expand(operand.operands[0], node.axis)), operand.exponent)
        if isinstance(operand, REDUCTIONS) and not operand.keepdims and reduced_axes(operand) == (node.axis,):
            array, axes, _, *rest = operand.args  # sum(x, axis=1)[:, None] = sum(x, axis=1, keepdims=True)
            return operand.func(array, axes, True, *rest)
    return _linear(node)


@TIDY.row(n.Reshape)
def _(node: n.Reshape) -> Node:
    operand = node.operands[0]
    if same_shape(node, operand):
        return operand
    if isinstance(operand, (n.Scalar, n.Fill)):
        return n.Fill(operand.value, node.shape)
    if isinstance(operand, (n.Reshape, n.Expand)):  # the order of the elements is the same
        return tidy(n.Reshape(operand.operands[0], node.shape))
    return _linear(node)


@TIDY.row(n.BlockSum)
def _(node: n.BlockSum) -> Node:
    return tidy_series(node, tidy)


@TIDY.row(n.Take, n.ScatterAdd)
def _(node: Node) -> Node:
    array, ids = node.operands
    if is_zero(array):
        return zeros(*node.shape)
    if isinstance(node, n.ScatterAdd) and node.rank == 1 and not ids.rank and isinstance(array, (n.Scalar, n.Fill)):
        return scaled(array.value, n.OneHot(ids, node.size))
    if isinstance(node, n.ScatterAdd) and isinstance(array, n.Fill) and array.value != 1:
        return scaled(array.value, n.ScatterAdd(ones(*array.shape), ids, node.size))
    if isinstance(node, n.Take) and isinstance(array, n.Add):
        return tidy(n.Add(*(_selected(term, node) for term in array.operands)))
    coefficient, rest = coefficient_and_rest(array)
    if coefficient == 1 or rest is None:
        return node
    return scaled(coefficient, node.with_operands([rest, ids]))


def _selected(term: Node, node: n.Take) -> Node:
    """Return rows of one term of a sum; one that is the same in all rows stays."""
    array, ids = node.operands
    if term.rank < array.rank:
        return term
    return n.Take(term, ids) if term.shape[0] != 1 or array.shape[0] == 1 else n.Sum(term, 0)


@TIDY.row(n.Map)
def _(node: n.Map) -> Node:
    if all(isinstance(operand, n.Scalar) for operand in node.operands):
        value = node.function.of(*(operand.args[0] for operand in node.operands))
        return n.Scalar(value) if value.is_Rational else node  # abs(-1) is 1, and exp(1) stays
    return node


@TIDY.row(n.Softmax, n.LogSumExp)
def _(node: Node) -> Node:
    return node


@TIDY.row(n.Where)
def _(node: n.Where) -> Node:
    condition, yes, no = node.operands
    if yes == no:
        return spread(yes, node.shape)
    if isinstance(condition, n.Compare) and same_shape(condition, node) and yes == n.Scalar(1) and is_zero(no):
        return condition
    return node


@TIDY.row(n.Inverse)
def _(node: n.Inverse) -> Node:
    coefficient, scalars, bare = scalars_and_rest(node.operands[0])
    if bare is None:
        return node
    if coefficient != 1 or scalars:
        return tidy(n.Multiply(n.Scalar(1 / coefficient), *(n.Power(each, -1) for each in scalars), n.Inverse(bare)))
    if isinstance(bare, n.Inverse):
        return bare.operands[0]
    if isinstance(bare, n.Identity):
        return bare
    if isinstance(bare, n.MatrixPower):
        return tidy(bare.with_operands([n.Inverse(*bare.operands)]))
    if isinstance(bare, n.Diag):
        return tidy(n.Diag(n.Power(bare.operands[0], -1)))
    if isinstance(bare, n.Kron) and all(same(*part.shape) for part in bare.operands):
        return tidy(n.Kron(*map(n.Inverse, bare.operands)))
    if isinstance(bare, n.MatMul) and same(*bare.operands[0].shape):
        left, right = bare.operands
        return tidy(n.MatMul(n.Inverse(right), n.Inverse(left)))  # inv(A B) = inv(B) inv(A), both square
    return node


@TIDY.row(n.Determinant, n.LogDeterminant)
def _(node: Node) -> Node:
    operand = node.operands[0]
    logarithm = isinstance(node, n.LogDeterminant)
    if isinstance(operand, n.Identity):
        return n.Scalar(0 if logarithm else 1)
    if isinstance(operand, n.Transpose):
        return tidy(node.func(operand.operands[0]))
    if isinstance(operand, (n.Inverse, n.MatrixPower)):
        inner = tidy(node.func(operand.operands[0]))
        power = operand.exponent if isinstance(operand, n.MatrixPower) else Integer(-1)
        return tidy(n.Multiply(n.Scalar(power), inner)) if logarithm else tidy(n.Power(inner, power))
    return node


@TIDY.row(n.MatrixPower)
def _(node: n.MatrixPower) -> Node:
    operand, exponent = node.operands[0], node.exponent
    if exponent == 1:
        return operand
    if exponent == -1:
        return tidy(n.Inverse(operand))
    if exponent == 0 or isinstance(operand, n.Identity):
        return n.Identity(node.shape[0])
    if isinstance(operand, n.Inverse) and (exponent.is_nonnegative or exponent.is_nonpositive):
        return tidy(n.MatrixPower(operand.operands[0], -exponent))
    if isinstance(operand, n.MatrixPower) and exponent.is_nonpositive:
        return tidy(n.MatrixPower(n.Inverse(operand), -exponent))
    if isinstance(operand, n.MatrixPower):
        base = n.Inverse(operand.operands[0]) if operand.exponent.is_nonpositive else operand.operands[0]
        return tidy(n.MatrixPower(base, abs(operand.exponent) * exponent))
    if isinstance(operand, n.Diag):
        return tidy(n.Diag(n.Power(operand.operands[0], exponent)))
    return node


@TIDY.row(n.Kron)
def _(node: n.Kron) -> Node:
    if any(map(is_zero, node.operands)):
        return zeros(*node.shape)
    if all(isinstance(operand, n.Identity) for operand in node.operands):
        return n.Identity(node.shape[0])
    if any(operand.shape == (1, 1) and isinstance(operand, n.Identity) for operand in node.operands):
        return next(operand for operand in node.operands if operand != n.Identity(1))
    return _linear(node)


@TIDY.row(n.Commutation)
def _(node: n.Commutation) -> Node:
    return n.Identity(node.shape[0]) if 1 in node.args else node


@TIDY.row(n.Concatenate)
def _(node: n.Concatenate) -> Node:
    if all(map(is_zero, node.operands)):
        return zeros(*node.shape)
    return node.operands[0] if len(node.operands) == 1 else node


@TIDY.row(n.Slice)
def _(node: n.Slice) -> Node:
    operand = node.operands[0]
    if same_shape(node, operand):
        return operand
    if isinstance(operand, n.Fill):
        return n.Fill(operand.value, node.shape)
    if isinstance(operand, n.Concatenate) and operand.axis == node.axis:
        return _part_of(operand, node) or node
    if isinstance(operand, (n.Add, n.Multiply, n.Power)):  # what is elementwise is sliced part by part
        return tidy(operand.with_operands(_sliced(part, node) for part in operand.operands))
    return _linear(node)


def _part_of(parts: n.Concatenate, node: n.Slice) -> Node | None:
    """Return the slice of the one part of a concatenation that it lies in, where the sizes show that."""
    before: Expr = Integer(0)
    for part in parts.operands:
        size = part.shape[node.axis]
        start, stop = node.start - before, node.stop - before
        if start.is_nonnegative and (size - stop).is_nonnegative:
            return tidy(n.Slice(part, node.axis, start, stop))
        before += size
    return None


def _sliced(part: Node, node: n.Slice) -> Node:
    """Return an operand of an elementwise operation, sliced as the whole; what is spread along the axis stays."""
    axis = node.axis - node.operands[0].rank + part.rank
    if axis < 0 or part.shape[axis] == 1:
        return part
    return n.Slice(part, axis, node.start, node.stop)


@TIDY.row(n.Product, n.Extreme)
def _(node: n.Product | n.Extreme) -> Node:
    return node if node.axes else node.operands[0]
