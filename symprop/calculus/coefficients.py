"""Parts of the tidy form: coefficients and what they multiply, shapes kept, axes that broadcasting puts back."""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.batching import expanded as expanded_by
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import broadcast, same
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import factors_of, is_ones, multiplied, ones, terms_of, zeros


def same_shape(left: Node, right: Node) -> bool:
    """Whether two nodes have equal shapes."""
    return left.rank == right.rank and all(map(same, left.shape, right.shape))


def coefficient_and_rest(node: Node) -> tuple[Expr, Node | None]:
    """Split `2 * x * y` into the number 2 and `x * y`; a plain number has no rest."""
    first, *rest = factors_of(node)
    if first.number is None:
        return Integer(1), node
    return first.number, multiplied(rest) if rest else None


def scalars_and_rest(node: Node) -> tuple[Expr, tuple[Node, ...], Node | None]:
    """Split `2 * c * x` into the number 2, the scalars `c` and the array `x`; a scalar has no rest.

    >>> from symprop.algebra import variable
    >>> c, x = variable("c"), variable("x", (3,))
    >>> scalars_and_rest(n.Multiply(n.Scalar(2), c, x)) == (2, (c,), x)
    True
    """
    coefficient, rest = coefficient_and_rest(node)
    if rest is None or not rest.rank:
        return coefficient, (), rest
    factors = factors_of(rest)
    scalars = tuple([factor for factor in factors if not factor.rank])
    return coefficient, scalars, multiplied([factor for factor in factors if factor.rank]) if scalars else rest


def scalars_and_array(array: Node) -> tuple[Expr, tuple[Node, ...], Node]:
    """Split an array in the same way.

    Raises:
        LookupError: it is a number.
    """
    coefficient, scalars, rest = scalars_and_rest(array)
    if rest is None:
        raise LookupError(f"the number {coefficient} stands where an array is multiplied")
    return coefficient, scalars, rest


def base_and_exponent(node: Node) -> tuple[Node, Expr]:
    """Split `x**k` into `x` and `k`; anything else has the exponent 1."""
    return (node.operands[0], node.exponent) if isinstance(node, n.Power) else (node, Integer(1))


def cancelled(value: Expr) -> Expr:
    """Return a coefficient with common factors cancelled; a number, and a product of powers of sizes, have none.

    >>> k = sympy.Symbol("k")
    >>> cancelled((k**2 - 1) / (k - 1)), cancelled(2 / k)
    (k + 1, 2/k)
    """
    return value if value.is_Rational or all(map(_is_power, sympy.Mul.make_args(value))) else sympy.cancel(value)


def _is_power(factor: Expr) -> bool:
    base, exponent = factor.as_base_exp()
    return bool(factor.is_Rational or (base.is_Symbol and exponent.is_Integer))


def scaled(coefficient: Expr, node: Node) -> Node:
    """Return `coefficient * node`, tidy when `node` is."""
    inner, rest = coefficient_and_rest(node)
    total = cancelled(coefficient * inner)
    if rest is None:
        return n.Scalar(total)
    if total == 0:
        return zeros(*rest.shape)
    if total == 1:
        return rest
    return n.Multiply(n.Scalar(total), *(factors_of(rest)))


def spread(node: Node, shape: Sequence[Expr]) -> Node:
    """Return `node`, made to have `shape` by a product with ones where broadcasting alone would not show it."""
    if node.rank == len(shape) and all(map(same, node.shape, shape)):
        return node
    if node.constant is not None:
        return n.Fill(node.constant, shape)
    return n.Multiply(node, ones(*shape))


def common_factor(coefficients: list[Expr]) -> Expr:
    """The factor that all coefficients share up to sign; negative only where all are negative."""
    first = coefficients[0]
    if len(coefficients) == 1:
        return Integer(1)
    if not all(c in (first, -first) for c in coefficients):
        return Integer(1)
    size = -first if first.could_extract_minus_sign() else first
    return -size if all(c == -size for c in coefficients) else size


def unexpanded(node: Node) -> tuple[Node, tuple[int, ...]]:
    """Return a node without the axes that it was given for broadcasting, and these, the outermost first."""
    axes: list[int] = []
    while isinstance(node, n.Expand):
        axes.append(node.axis)
        node = node.operands[0]
    return node, tuple(axes)


def without_leading_ones(factor: Node) -> Node:
    """Drop axes of length 1 in front, which broadcasting puts back: `x[None, :]`, `sum(x, axis=0, keepdims=True)`."""
    inside, axes = unexpanded(factor)
    places: list[int] = []  # of the new axes in the factor: one that is given later may move an earlier one
    for axis in reversed(axes):
        places = [*(place + (place >= axis) for place in places), axis]
    leading = next(place for place in range(len(places) + 1) if place not in places)
    if leading:
        return without_leading_ones(expanded_by(inside, *(place - leading for place in sorted(places)[leading:])))
    if isinstance(factor, (n.Sum, n.LogSumExp)) and factor.keepdims and factor.axes == (0,):
        return factor.func(*factor.args[:2])
    if isinstance(factor, (n.Power, n.Map)) and len(factor.operands) == 1:
        inside = without_leading_ones(factor.operands[0])
        return factor if inside is factor.operands[0] else factor.with_operands([inside])
    coefficient, rest = coefficient_and_rest(factor)
    if rest is not None and coefficient != 1:
        bare = without_leading_ones(rest)
        return factor if bare is rest else scaled(coefficient, bare)
    return factor


def bare_operands(operands: list[Node], shape: tuple[Expr, ...]) -> list[Node]:
    """Return the operands of an elementwise operation without leading axes of length 1, where its shape stays."""
    bare = [without_leading_ones(operand) for operand in operands]
    fits = bare != operands and broadcast(*(operand.shape for operand in bare)) == shape
    return bare if fits else operands


def without_ones(terms: list[Node], shape: tuple[Expr, ...]) -> list[Node]:
    """Return the terms of a sum without factors of ones that only spread them, where the sum has its shape without."""
    bare = [_without_ones(term) for term in terms]
    fits = bare != terms and broadcast(*(term.shape for term in bare)) == shape
    return bare if fits else terms


def _without_ones(term: Node) -> Node:
    factors = factors_of(term)
    kept = [factor for factor in factors if not is_ones(factor)]
    return multiplied(kept) if kept and len(kept) < len(factors) else term


def expanded(term: Node) -> list[Node]:
    """The terms of a product of sums, multiplied out; at most 32, else the term itself."""
    coefficient, rest = coefficient_and_rest(term)
    if rest is None:
        return [term]
    products: list[list[Node]] = [[]]
    for factor in factors_of(rest):
        choices = terms_of(factor)
        products = [[*product, choice] for product in products for choice in choices]
        if len(products) > 32:
            return [term]
    return [scaled(coefficient, multiplied(product)) for product in products]


@for_kinds(n.Add)
def ones_among_matrices(node: n.Add) -> Node | None:
    """c + I = c 1 1' + I: a number that is added to a matrix that is no array of elements stands as a matrix."""
    if node.rank != 2:
        return None
    number = next((term for term in node.operands if not term.rank), None)
    matrices = [scalars_and_rest(term)[2] for term in node.operands if term.rank == 2]
    if number is None or not any(isinstance(part, (n.Identity, n.Diag, n.Outer, n.Kron)) for part in matrices):
        return None
    terms = [n.Multiply(*factors_of(number), ones(*node.shape)) if term is number else term for term in node.operands]
    return n.Add(*sorted(terms, key=lambda term: isinstance(scalars_and_rest(term)[2], n.Outer)))


LARGEST_ROOT = 8
"""Exponents up to this are taken of numbers."""


def root_taken(base: Node, exponent: Expr) -> Node | None:
    """Return a power with a number taken out of its root, where that is written no longer: sqrt(9 x) = 3 sqrt(x).

    Whole powers of numbers, and large ones, stay: they may have more digits than there is room for.
    """
    if exponent.is_Integer or not (exponent.is_number and abs(exponent) < LARGEST_ROOT):
        return None
    number, rest = coefficient_and_rest(base) if base.constant is None else (base.constant, ones(*base.shape))
    if rest is None or number == 1 or not (number.is_number and number.is_positive):
        return None
    root = number**exponent
    short = root != number and root.count_ops() <= number.count_ops()
    return n.Multiply(n.Scalar(root), n.Power(rest, exponent)) if short else None
