"""Rules for diagonals: a sum against a diagonal matrix, and the diagonal of a product, which needs no matrix between.

Source: Magnus and Neudecker, *Matrix Differential Calculus* (3rd ed., 2019), section 3.6 on the Hadamard product.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import multiplied, variables, zeros
from symprop.calculus.chains import links
from symprop.calculus.coefficients import same_shape, scalars_and_rest
from symprop.calculus.context import Applied, Context, Rule, rule
from symprop.calculus.tidy import tidy

DIAGONALS: list[Rule] = []


@rule(DIAGONALS, "a sum against I", "sum(A * eye(n)) = trace(A), and sum(A * diag(x), axis=1) = diagonal(A) * x")
@for_kinds(n.Sum)
def _(node: n.Sum, context: Context) -> Applied | None:
    inside = node.operands[0]
    if not isinstance(inside, n.Multiply) or inside.rank != 2:
        return None
    on = [part for part in inside.operands if isinstance(part, (n.Identity, n.Diag))]
    rest = [part for part in inside.operands if part not in on]
    if not on or not all(part.rank == 0 or same_shape(part, inside) for part in rest):
        return None
    scalars, arrays = ([part for part in rest if bool(part.rank) is full] for full in (False, True))
    diagonal = n.Diagonal(multiplied([*on, *arrays]))
    if len(node.axes) == 2:
        total = n.Sum(diagonal) if not node.keepdims else n.Sum(n.Expand(diagonal, 1), (0, 1), True)
    else:
        total = n.Expand(diagonal, node.axes[0]) if node.keepdims else diagonal
    return Applied(multiplied([*scalars, total]))


@rule(DIAGONALS, "diagonal of a product", "diagonal(A @ diag(x) @ B) = (A * B.T) @ x")
@for_kinds(n.Diagonal)
def _(node: n.Diagonal, context: Context) -> Applied | None:
    parts = links(node.operands[0])
    places = [place for place, part in enumerate(parts) if isinstance(part, n.Diag)]
    outside = [place for place in places if place in (0, len(parts) - 1)]
    if len(parts) == 1 or not (outside or len(places) == 1):
        return None
    return Applied(diagonal_of(parts, outside[0] if outside else places[0]))


@rule(DIAGONALS, "a triangle has the diagonal", "tril(diag(x)) = diag(x), and tril(diag(x), -1) = 0")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    if not any(isinstance(part, (n.Identity, n.Diag)) for part in node.operands):
        return None
    return _without_triangles(node, node)


@rule(DIAGONALS, "diagonal of a triangle", "diagonal(tril(A)) = diagonal(A), and diagonal(tril(A, -1)) = 0")
@for_kinds(n.Diagonal)
def _(node: n.Diagonal, context: Context) -> Applied | None:
    inside = node.operands[0]
    found = _without_triangles(inside, node) if isinstance(inside, n.Multiply) else None
    if found is None or found.result.constant == 0:
        return found
    return Applied(n.Diagonal(found.result))


def _without_triangles(product: n.Multiply, whole: Node) -> Applied | None:
    """Return a product of which the diagonal alone counts, without triangles; zeros like `whole` where one hides it."""
    triangles = [part for part in product.operands if isinstance(part, n.Triangle)]
    rest = [part for part in product.operands if part not in triangles]
    if not triangles or not same_shape(multiplied(rest), product):
        return None
    kept = all(part.diagonal <= 0 if part.is_upper else part.diagonal >= 0 for part in triangles)
    return Applied(multiplied(rest) if kept else zeros(*whole.shape))


def diagonal_of(parts: Sequence[Node], place: int) -> Node:
    """Return the diagonal of a product of matrices, one of which is `diag(x)`: `(A * B.T) @ x`, at an end `x * ...`.

    >>> from symprop.algebra import variable
    >>> A, B, x = variable("A", (2, 3)), variable("B", (3, 2)), variable("x", (3,))
    >>> diagonal_of([A, n.Diag(x), B], 1).text()
    '(A * B.T) @ x'
    """
    (x,), others = parts[place].operands, [*parts[:place], *parts[place + 1 :]]
    if place in (0, len(parts) - 1):
        return n.Multiply(x, n.Diagonal(reduce(n.MatMul, others)))
    left, right = (reduce(n.MatMul, each) for each in (parts[:place], parts[place + 1 :]))
    return n.MatMul(n.Multiply(left, n.Transpose(right)), x)


Term = tuple[tuple[Node, ...], list[Node]]
"""Numbers and scalars, and the factors of a product of matrices."""


def distributed(node: Node, u: Variable) -> list[Term]:
    """Return a matrix as a sum of products, so that no factor that `u` is in is a sum of matrices of its shape.

    >>> from symprop.algebra import variable
    >>> A, B, U = (variable(name, (2, 2)) for name in "ABU")
    >>> terms = distributed(A @ (2 * U @ B + U), U)
    >>> [([number.text() for number in numbers], [part.text() for part in parts]) for numbers, parts in terms]
    [(['2'], ['A', 'U', 'B']), ([], ['A', 'U'])]
    """
    if _is_of_whole_matrices(node):
        return [term for part in node.operands for term in distributed(part, u)]
    coefficient, scalars, rest = scalars_and_rest(tidy(node))
    parts = links(rest) if rest is not None else []
    numbers = scalars if coefficient == 1 else (n.Scalar(coefficient), *scalars)
    place = next((k for k, part in enumerate(parts) if u in variables(part)), None)
    if place is None or not _is_of_whole_matrices(parts[place]):
        return [(numbers, parts)]
    inside = distributed(parts[place], u)
    return [((*numbers, *more), [*parts[:place], *term, *parts[place + 1 :]]) for more, term in inside]


def _is_of_whole_matrices(node: Node) -> bool:
    """Whether a node is a sum in which nothing is spread, as a row is that is added to each row."""
    return isinstance(node, n.Add) and all(same_shape(part, node) for part in node.operands)
