"""Touches on numbers that products of matrices make: traces, inner products and quadratic forms.

Source: Petersen and Pedersen, *The Matrix Cookbook* (2012), section 1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import is_ones, multiplied, ones, terms_of, transposes
from symprop.calculus.chains import NEIGHBOURS, links
from symprop.calculus.coefficients import same_shape, scalars_and_rest, scaled
from symprop.calculus.known_forms import KnownForm
from symprop.calculus.symmetric import symmetric, turned
from symprop.calculus.tidy import tidy

PRODUCTS = (n.Inverse, n.MatMul, n.MatrixPower)
"""Kinds of a matrix that one multiplies by: of an elementwise product with one, a reader expects the trace."""


@for_kinds(n.Sum)
def trace_of_product(node: n.Sum) -> Node | None:
    """sum(A * B.T) = trace(A @ B), where one of the two is a transpose, or symmetric and an inverse or a product."""
    if node.rank or node.operands[0].rank != 2:
        return None
    coefficient, scalars, inside = scalars_and_rest(node.operands[0])
    if not isinstance(inside, n.Multiply) or not all(same_shape(operand, inside) for operand in inside.operands):
        return None
    for part in inside.operands if len(inside.operands) == 2 else ():
        plain = tidy(n.Transpose(part))
        if transposes(plain) < transposes(part):
            return scaled(coefficient, multiplied([*scalars, _trace(plain, _others(inside, part))]))
    for part in inside.operands:
        if _multiplies(part) and symmetric(part) is not None:
            return scaled(coefficient, multiplied([*scalars, _trace(part, _others(inside, part))]))
    return None


def _multiplies(node: Node) -> bool:
    """Whether a matrix is one that one multiplies by, or a sum of such, `u u' - inv(A)`."""
    terms = [scalars_and_rest(term)[2] for term in terms_of(node)]
    return all(isinstance(term, (*PRODUCTS, n.Outer)) for term in terms)


def _others(product: n.Multiply, factor: Node) -> Node:
    return multiplied([other for other in product.operands if other is not factor])


def _trace(left: Node, right: Node) -> Node:
    return tidy(n.Sum(n.Diagonal(n.MatMul(left, right))))


@for_kinds(n.Sum)
def quadratic_form(node: n.Sum) -> Node | None:
    """sum(outer(x, y) * A) = x @ A @ y."""
    if node.rank or node.operands[0].rank != 2:
        return None
    coefficient, scalars, inside = scalars_and_rest(node.operands[0])
    if not isinstance(inside, n.Multiply) or not all(same_shape(operand, inside) for operand in inside.operands):
        return None
    outer = next((part for part in inside.operands if isinstance(part, n.Outer)), None)
    if outer is None:
        return None
    x, y = outer.operands
    return scaled(coefficient, multiplied([*scalars, _inner([], x, [_others(inside, outer), *links(y)])]))


@for_kinds(n.Diagonal)
def diagonal_of_transpose(node: n.Diagonal) -> Node | None:
    """diagonal(A.T @ B.T) = diagonal(B @ A), where that has fewer transposes."""
    plain = turned(node.operands[0])
    return n.Diagonal(plain) if transposes(plain) < transposes(node) else None


@for_kinds(n.Sum)
def sum_of_transpose(node: n.Sum) -> Node | None:
    """sum(A.T, axis=0) = sum(A, axis=1), where that has fewer transposes."""
    if node.keepdims or node.operands[0].rank != 2:
        return None
    plain = tidy(n.Transpose(node.operands[0]))
    return n.Sum(plain, [1 - axis for axis in node.axes]) if transposes(plain) < transposes(node) else None


@for_kinds(n.Sum)
def cyclic_trace(node: n.Sum) -> Node | None:
    """trace(inv(A) @ B @ inv(A)) = trace(inv(A) @ inv(A) @ B): the ends are neighbours too."""
    inside = node.operands[0]
    parts = links(inside.operands[0]) if isinstance(inside, n.Diagonal) and not node.rank else []
    together = NEIGHBOURS(parts[-1], parts[0]) if len(parts) > 2 else None
    if not isinstance(together, (n.Inverse, n.MatrixPower)):
        return None
    return n.Sum(n.Diagonal(tidy(reduce(n.MatMul, [together, *parts[1:-1]]))))


@for_kinds(n.MatMul)
def inner_product_of_products(node: n.MatMul) -> Node | None:
    """(A @ x) @ (B @ y) = x @ (A.T @ B @ y), where that has fewer transposes or neighbours that make one matrix."""
    if node.rank or node.operands[0].rank != 1:
        return None
    (*left, x), (*right, y) = map(_links, node.operands)
    if not left or x == y == node.operands[1]:
        return None
    found = _inner(list(map(turned, reversed(left))), x, [*right, y])
    other = _inner(list(map(turned, reversed(right))), y, [*left, x])
    best = min((found, other), key=lambda each: (transposes(each), each.weight))
    fewer = (transposes(best), best.weight) < (transposes(node), node.weight)
    return best if fewer and node.operands[0] != node.operands[1] else None


def _links(vector: Node) -> list[Node]:
    """Return the factors of a product that is a vector; the sums of the rows of A are A 1, of its columns A' 1."""
    if not isinstance(vector, n.Sum) or vector.operands[0].rank != 2:
        return links(vector)
    parts, (axis,) = links(vector.operands[0]), vector.axes
    return [*(parts if axis == 1 else map(turned, reversed(parts))), ones(vector.operands[0].shape[axis])]


def _inner(before: Sequence[Node], x: Node, after: Sequence[Node]) -> Node:
    """Return the inner product of x and a product of matrices that ends in a vector."""
    *matrices, y = [*before, *after]
    product = tidy(n.MatMul(reduce(n.MatMul, matrices), y)) if matrices else y
    return tidy(n.Sum(product)) if is_ones(x) else n.MatMul(x, product)


@for_kinds(n.MatMul)
def square_of_norm(node: n.MatMul) -> Node | None:
    """x @ x = sum(x**2) for a vector that is no name."""
    x, y = node.operands
    return n.Sum(n.Power(x, 2)) if x == y and x.rank == 1 and not isinstance(x, Variable) else None


TRACES: tuple[KnownForm, ...] = (
    KnownForm("quadratic form", "sum(outer(x, y) * A) = x @ A @ y", quadratic_form),
    KnownForm("trace of a product", "sum(A * B.T) = trace(A @ B)", trace_of_product),
    KnownForm("diagonal of a transpose", "diagonal(A.T @ B.T) = diagonal(B @ A)", diagonal_of_transpose),
    KnownForm("sum of a transpose", "sum(A.T, axis=0) = sum(A, axis=1)", sum_of_transpose),
    KnownForm("cyclic trace", "trace(inv(A) @ B @ inv(A)) = trace(matrix_power(A, -2) @ B)", cyclic_trace),
    KnownForm("inner product of products", "(A @ x) @ (B @ y) = x @ A.T @ B @ y", inner_product_of_products),
    KnownForm("square of a norm", "x @ x = sum(x**2)", square_of_norm),
)
