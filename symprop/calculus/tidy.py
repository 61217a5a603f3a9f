"""The tidy form of a formula: what a careful writer does without naming a rule.

The table `TIDY` has a row for each kind of node; a row sees operands that are tidy already and returns an equal node:
sums and products flattened, zeros and ones gone, numbers in front, like terms together, transposes pushed to the
leaves, numbers pulled out of linear operations. Rules that need a fact or deserve a name stand in `rules.py`.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache, reduce

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.algebra.trees import factors_of, is_zero, loose, ones, terms_of, transposes, unordered, zeros
from symprop.calculus.chains import chained, links
from symprop.calculus.coefficients import (
    bare_operands,
    base_and_exponent,
    cancelled,
    coefficient_and_rest,
    common_factor,
    root_taken,
    same_shape,
    scalars_and_array,
    scalars_and_rest,
    scaled,
    spread,
    without_ones,
)
from symprop.calculus.decomposition_pairs import along_itself, paired, square_by_factor
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
    if found is node:
        return node
    if not same_shape(found, node):
        raise LookupError(f"the tidy form of {type(node).__name__} has another shape: a fault in its row")
    if loose(found, node):
        raise LookupError(f"the tidy form of {type(node).__name__} leaves an index outside of its series")
    return found


@TIDY.row(n.Variable, n.Scalar, n.Identity, n.Data, n.OneHot, n.Softmax, n.LogSumExp, n.Pullback, n.Pushforward)
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
    totals: dict[Hashable, tuple[Node | None, Expr]] = {}  # terms are alike whatever the order of their factors
    for term in without_ones(bare_operands(list(node.operands), node.shape), node.shape):
        for part in terms_of(term):
            constant = part.constant
            coefficient, rest = coefficient_and_rest(part) if constant is None else (constant, None)
            first, total = totals.get(alike := rest and unordered(rest), (rest, Integer(0)))
            totals[alike] = first, total + coefficient
    terms = [(coefficient, rest) for rest, coefficient in totals.values() if coefficient != 0]
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
        factors.extend(factors_of(operand))
    factors = bare_operands(factors, node.shape)
    coefficient: Expr = Integer(1)
    powers: dict[Node, list[Expr]] = {}  # base -> exponents above and below the line
    for factor in factors:
        if factor.constant is not None:
            coefficient *= factor.constant
            continue
        base, exponent = base_and_exponent(factor)
        if isinstance(base, n.Transpose) and n.Identity(node.shape[-1]) in factors:
            base = base.operands[0] if base.rank == 2 else base  # only its diagonal counts
        powers.setdefault(base, [Integer(0), Integer(0)])[bool(exponent.could_extract_minus_sign())] += exponent
    if coefficient == 0:
        return zeros(*node.shape)
    parts: list[Node] = []
    for base, exponents in powers.items():
        total = sum(exponents)
        if total.is_negative or (not total.is_positive and any(not each.is_Integer for each in exponents)):
            exponents = [Integer(0), total]  # x / x**2 = 1 / x, sqrt(x) / x = x**(-1/2): neither has a value at 0
        parts.extend(_power(base, exponent) for exponent in exponents if exponent != 0)
    if not parts:
        return n.Fill(coefficient, node.shape) if node.shape else n.Scalar(coefficient)
    parts.sort(key=lambda part: part.is_indicator)  # -y * (x > 0): a sign before an indicator misleads
    if len(parts) == 1 and isinstance(parts[0], n.Add) and coefficient == -1:
        return spread(tidy(n.Add(*(n.negative(term) for term in parts[0].operands))), node.shape)
    product = parts[0] if len(parts) == 1 else n.Multiply(*parts)
    return scaled(cancelled(coefficient), spread(product, node.shape))


def _power(base: Node, exponent: Expr) -> Node:
    alone = exponent == 1 or (isinstance(base, (n.Identity, n.Triangle)) and exponent.is_positive)  # I * I = I
    power = n.Power(base, exponent)
    return base if alone else paired(power, tidy) or power  # (x > 0) * (x > 0) = (x > 0)


@TIDY.row(n.Power)
def _(node: n.Power) -> Node:
    base, exponent = node.operands[0], node.exponent
    if exponent == 1:
        return base
    if exponent == 0:
        return ones(*base.shape)
    if (taken := root_taken(base, exponent)) is not None:
        return tidy(taken)
    return paired(node, tidy) or node


@TIDY.row(n.Linear)
def _linear(node: Node) -> Node:
    """Pull the numbers and scalars out of the operands of an operation that is linear in each array operand."""
    if any(map(is_zero, node.operands)):
        return zeros(*node.shape)
    found = paired(node, tidy)
    if found is not None:
        return found
    total: Expr = Integer(1)
    scalars: list[Node] = []
    operands: list[Node] = []
    for operand in node.operands:
        coefficient, more, rest = scalars_and_array(operand)
        total *= coefficient
        scalars.extend(more)
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
    if left.rank == right.rank == 1 and transposes(*(chain := links(right))[:-1]):
        turned = reduce(lambda product, each: n.MatMul(tidy(n.Transpose(each)), product), chain[:-1], left)
        if transposes(turned) < transposes(left, *chain[:-1]):
            return tidy(n.MatMul(chain[-1], turned))  # x' (A' y) = y' (A x)
    squared = square_by_factor(left) if left == right else None
    return _linear(node) if squared is None else tidy(squared)


@TIDY.row(n.Structural)
def _structural(node: n.Structural) -> Node:
    return _linear(node) if node.index_map.outside in (None, 0) else paired(node, tidy) or node


@TIDY.row(n.Transpose)
def _(node: n.Transpose) -> Node:
    return node.operands[0] if node.axes == tuple(range(node.rank)) else _linear(node)


@TIDY.row(n.Sum)
def _(node: n.Sum) -> Node:
    operand = node.operands[0]
    unchanged = not node.axes or (node.keepdims and all(operand.shape[axis] == 1 for axis in node.axes))
    return operand if unchanged else _linear(node)


@TIDY.row(n.Pad, n.Slice)
def _(node: n.Structural) -> Node:
    return node.operands[0] if same_shape(node, node.operands[0]) else _structural(node)


@TIDY.row(n.Reshape)
def _(node: n.Reshape) -> Node:
    return node.operands[0] if same_shape(node, node.operands[0]) else _linear(node)


@TIDY.row(n.BlockSum)
def _(node: n.BlockSum) -> Node:
    return tidy_series(node, tidy)


@TIDY.row(n.Take, n.ScatterAdd)
def _(node: Node) -> Node:
    array, ids = node.operands
    if is_zero(array):
        return zeros(*node.shape)
    found = paired(node, tidy)
    if found is not None:
        return found
    coefficient, rest = coefficient_and_rest(array)
    return node if coefficient == 1 or rest is None else scaled(coefficient, node.with_operands([rest, ids]))


@TIDY.row(n.Map)
def _(node: n.Map) -> Node:
    numbers = [operand.constant for operand in node.operands]
    value = node.function.of(*numbers) if None not in numbers else None
    if value is None or not value.is_Rational:  # abs(-1) is 1, and exp(1) stays
        return node
    return n.Fill(value, node.shape) if node.shape else n.Scalar(value)


@TIDY.row(n.Where)
def _(node: n.Where) -> Node:
    _, yes, no = node.operands
    return spread(yes, node.shape) if yes == no or (is_zero(yes) and is_zero(no)) else paired(node, tidy) or node


@TIDY.row(n.Inverse)
def _(node: n.Inverse) -> Node:
    coefficient, scalars, bare = scalars_and_rest(node.operands[0])
    if bare is not None and (coefficient != 1 or scalars):
        return tidy(n.Multiply(n.Scalar(1 / coefficient), *(n.Power(each, -1) for each in scalars), n.Inverse(bare)))
    return paired(node, tidy) or node


@TIDY.row(n.Determinant, n.LogDeterminant, n.Decomposition)
def _(node: Node) -> Node:
    return paired(node, tidy) or node


@TIDY.row(n.PseudoInverse)
def _(node: n.PseudoInverse) -> Node:
    coefficient, bare = coefficient_and_rest(node.operands[0])
    if coefficient in (0, 1) or bare is None:
        return paired(node, tidy) or node
    return tidy(n.Multiply(n.Scalar(1 / coefficient), n.PseudoInverse(bare)))


@TIDY.row(n.TwoSided)
def _(node: n.TwoSided) -> Node:
    if is_zero(node.middle):
        return zeros(*node.shape)
    coefficient, scalars, bare = scalars_and_rest(node.middle)
    if bare is not None and (coefficient != 1 or scalars):
        operands = [bare if place == node.linear_in else operand for place, operand in enumerate(node.operands)]
        return tidy(n.Multiply(n.Scalar(coefficient), *scalars, node.with_operands(operands)))
    simpler = along_itself(node)
    return node if simpler is None else tidy(simpler)


@TIDY.row(n.MatrixPower)
def _(node: n.MatrixPower) -> Node:
    operand, exponent = node.operands[0], node.exponent
    if exponent == 1:
        return operand
    if exponent == -1:
        return tidy(n.Inverse(operand))
    return n.Identity(node.shape[0]) if exponent == 0 else paired(node, tidy) or node


@TIDY.row(n.Kron)
def _(node: n.Kron) -> Node:
    one = n.Identity(1)
    return next((part for part in node.operands if part != one), one) if one in node.operands else _linear(node)


@TIDY.row(n.Duplication)
def _(node: n.Duplication) -> Node:
    return ones(1, 1) if node.args[0] == 1 else node


@TIDY.row(n.Commutation)
def _(node: n.Commutation) -> Node:
    return n.Identity(node.shape[0]) if 1 in node.args else node


@TIDY.row(n.Concatenate)
def _(node: n.Concatenate) -> Node:
    if all(map(is_zero, node.operands)):
        return zeros(*node.shape)
    return node.operands[0] if len(node.operands) == 1 else node


@TIDY.row(n.Product, n.Extreme)
def _(node: n.Product | n.Extreme) -> Node:
    return (paired(node, tidy) or node) if node.axes else node.operands[0]


@TIDY.row(n.First)
def _(node: n.First) -> Node:
    alone = all(node.shape[axis] == 1 for axis in node.axes)
    return ones(*node.shape) if alone else node  # one element is the first
