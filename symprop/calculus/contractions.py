"""Sums over one of three axes as products of matrices: `sum(P[:, :, None] * X[:, None, :], axis=0)` is `P.T @ X`.

What comes back through all pairs of rows, `X[:, None, :] - Y[None, :, :]`, is such a sum. It is taken by terms: what
has the axis that is summed is a product, the rest stands before it, as a diagonal matrix where it only weighs rows.
"""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, factors_of, multiplied, ones
from symprop.calculus.coefficients import coefficient_and_rest, expanded, same_shape
from symprop.calculus.context import Applied, Context, Rule, rule
from symprop.calculus.tidy import tidy

MOST_TWICE = 60
"""How many nodes more an answer may have for it: what is longer is not written twice."""

Axes = tuple[int, ...]
Part = tuple[Axes, Node]
"""An array by the axes of the whole that it has, in their order."""


CONTRACTIONS: list[Rule] = []


@rule(CONTRACTIONS, "product of matrices", "sum(A[:, :, None] * B[:, None, :], axis=0) = A.T @ B")
@for_kinds(n.Sum)
def _(node: n.Sum, context: Context) -> Applied | None:
    """A sum over one of three axes, each of whose terms is a matrix product; networks have their own ways for these."""
    inside = node.operands[0]
    if inside.rank != 3 or len(node.axes) != 1 or node.keepdims or context.by_name:
        return None
    (axis,) = node.axes
    rest = tuple(each for each in range(3) if each != axis)
    terms = [_contracted(term, inside, axis, rest) for term in expanded(inside)]
    if not all(isinstance(term, Node) for term in terms):
        return None
    found = tidy(added([term for term in terms if term is not None]))
    return Applied(found) if same_shape(found, node) and found.weight <= node.weight + MOST_TWICE else None


def _contracted(term: Node, whole: Node, axis: int, rest: Axes) -> Node | None:
    coefficient, product = coefficient_and_rest(term)
    parts: dict[Axes, list[Node]] = {}
    for factor in factors_of(product) if product is not None else ():
        axes, core = _live(factor, whole)
        parts.setdefault(axes, []).append(core)
    cores = {axes: tidy(multiplied(same)) for axes, same in parts.items()}
    inner = {axes: core for axes, core in cores.items() if axis in axes}
    outer = {axes: core for axes, core in cores.items() if axis not in axes}
    summed = _summed(inner, axis, whole)
    if summed is None:
        return None
    if summed[0]:
        outer.setdefault(summed[0], summed[1])
        if outer[summed[0]] is not summed[1]:
            outer[summed[0]] = n.Multiply(outer[summed[0]], summed[1])
    numbers = [
        n.Scalar(coefficient),
        *([summed[1]] if not summed[0] else []),
        *([outer.pop(())] if () in outer else []),
    ]
    matrix = _spread(outer, rest, whole)
    return None if matrix is None else tidy(n.Multiply(*numbers, matrix))


def _live(factor: Node, whole: Node) -> Part:
    """Return the axes along which a factor varies, and the factor with these alone."""
    behind = whole.rank - factor.rank
    dead = [k for k in range(factor.rank) if factor.shape[k] == 1 and whole.shape[k + behind] != 1]
    axes = tuple(k + behind for k in range(factor.rank) if k not in dead)
    return axes, tidy(n.Sum(factor, dead)) if dead else factor


def _summed(inner: dict[Axes, Node], axis: int, whole: Node) -> Part | None:
    """Return the sum along an axis of a product of parts that have it, if matrix products say it."""
    if any(len(axes) > 2 for axes in inner):
        return None
    vector = inner.pop((axis,), None)
    if not inner:
        return (), n.Scalar(whole.shape[axis]) if vector is None else tidy(n.Sum(vector))
    kept = tuple(next(each for each in axes if each != axis) for axes in inner)
    if vector is None and len(inner) == 1:
        ((axes, part),) = inner.items()
        return kept, tidy(n.Sum(part, axes.index(axis)))
    # each matrix with the axis that is summed in front
    turned = [(axes, part if axes[0] == axis else n.Transpose(part)) for axes, part in inner.items()]
    if vector is not None and len(turned) == 1:
        return kept, tidy(n.MatMul(n.Transpose(turned[0][1]), vector))
    (_, first), (_, second) = turned if kept[0] < kept[1] else turned[::-1]
    second = second if vector is None else n.Multiply(n.Expand(vector, 1), second)
    return tuple(sorted(kept)), tidy(n.MatMul(n.Transpose(first), second))


def _spread(parts: dict[Axes, Node], axes: Axes, whole: Node) -> Node | None:
    """Return the product of vectors and a matrix along two axes: vectors beside a matrix are diagonal matrices."""
    first, second = parts.get(axes[:1]), parts.get(axes[1:])
    matrix = parts.get(axes)
    if matrix is None:
        column = ones(whole.shape[axes[0]]) if first is None else first
        row = ones(whole.shape[axes[1]]) if second is None else second
        return n.Outer(column, row)
    matrix = matrix if first is None else n.MatMul(n.Diag(first), matrix)
    return matrix if second is None else n.MatMul(matrix, n.Diag(second))
