"""A sum over a product of matrices, taken the other way round: `tr(P' A B) = tr(A' P B')`, row by row.

The backward pass of a softmax asks for `sum(P * dP)` in each row; where `dP = dO @ V.T`, and `O = P @ V` is what the
forward pass made of the same rows, it is `sum(dO * O)`, and no array of the size of `P` is read for it (Dao et al.,
*FlashAttention*, 2022, appendix B).
"""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.batching import swapped
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import factors_of, multiplied, walk
from symprop.calculus.coefficients import coefficient_and_rest, same_shape
from symprop.calculus.context import Applied, Context
from symprop.calculus.tidy import tidy

KNOWN_PRODUCT = "known product"


@for_kinds(n.Sum)
def known_product(node: n.Sum, context: Context) -> Applied | None:
    """Return `sum(P * D)` along one axis as `sum(A * O)`, where equations say `D = A @ B` and `O = P @ B.T`."""
    factors = factors_of(node.operands[0])
    for place, factor in enumerate(factors if len(node.axes) == 1 and len(factors) > 1 else ()):
        equation = context.equation(factor)
        coefficient, product = coefficient_and_rest(equation.expression) if equation else (None, None)
        weights = multiplied([*factors[:place], *factors[place + 1 :]])
        if equation is None or product is None or not same_shape(weights, product):
            continue
        found = _exchanged(product, weights, node.axes[0])
        held = context.by_value.get(found[1]) if found else None
        if found is None or held is None:
            continue
        read: list[Node] = [found[0], held.target]
        if all(each.shape[node.axes[0]] == 1 for each in read):  # one element is its own sum
            total = n.Multiply(*(n.Sum(each, node.axes, node.keepdims) for each in read))
        else:
            total = n.Sum(n.Multiply(*read), node.axes, node.keepdims)
        return Applied(tidy(n.Multiply(n.Scalar(coefficient), total)), (equation, held))
    return None


def _exchanged(product: Node, weights: Node, axis: int) -> tuple[Node, Node] | None:
    """Return `A` and `P @ B.T` of a product `A @ B`, or `B` and `A.T @ P` where the other axis is summed.

    The axes may stand in another order; what is left is nothing that had to be worked out first.
    """
    order = tuple(range(product.rank))
    if isinstance(product, n.Transpose):
        order, product = product.axes, product.operands[0]
    if not isinstance(product, n.MatMul):
        return None
    left, right = product.operands
    weights = weights.permuted(tuple(map(order.index, range(product.rank))))
    if right.rank > 1 and order[axis] == product.rank - 1:
        kept, made = left, n.MatMul(weights, swapped(right))
    elif left.rank > 1 and order[axis] == product.rank - min(right.rank, 2):
        kept, made = right, n.MatMul(swapped(left), weights)
    else:
        return None
    if kept.rank != product.rank or not all(
        isinstance(part, (n.Variable, n.Structural, n.Reshape)) for part in walk(kept)
    ):
        return None
    return tidy(kept.permuted(order)), tidy(made.permuted(order))


__all__ = ["KNOWN_PRODUCT", "known_product"]
