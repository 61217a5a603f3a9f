"""The diagonal of the Hessian, from what its blocks are made of: `kron(A, B)` has `outer(diagonal(A), diagonal(B))`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce

from symprop.algebra import nodes as n
from symprop.algebra.equations import Item, Step, System
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import Table
from symprop.algebra.trees import ones
from symprop.analysis.curvature.blocks import Alone, HessianBlock, hessian_block
from symprop.analysis.curvature.means import Examples
from symprop.calculus.chains import links
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import context
from symprop.errors import SpecError
from symprop.finishing.touches import finished

DIAGONAL = Table("diagonal of a matrix")
"""Rows take a square matrix and the recursion; they return its diagonal, from what the matrix is made of."""

Recursion = Callable[[Node], Node]


def diagonal_of(matrix: Node) -> Node:
    """Return the diagonal of a square matrix.

    >>> from symprop.algebra import variable
    >>> from symprop.calculus.tidy import tidy
    >>> p = variable("p", (3,))
    >>> print(tidy(diagonal_of(n.Diag(p) - n.Outer(p, p))).text())
    p - p * p
    """
    found: Node = DIAGONAL(matrix, diagonal_of)
    return found


@DIAGONAL.row(Node)
def _(node: Node, diagonal: Recursion) -> Node:
    return n.Diagonal(node)


@DIAGONAL.row(n.Add, n.Multiply)
def _(node: Node, diagonal: Recursion) -> Node:
    if any(each.rank and each.shape != node.shape for each in node.operands):
        return n.Diagonal(node)  # what is spread has no diagonal of its own
    return type(node)(*(diagonal(each) if each.rank else each for each in node.operands))


@DIAGONAL.row(n.Kron)
def _(node: n.Kron, diagonal: Recursion) -> Node:
    if any(each.shape[0] != each.shape[1] for each in node.operands):
        return n.Diagonal(node)
    return n.Reshape(n.Outer(*map(diagonal, node.operands)), (node.shape[0],))


@DIAGONAL.row(n.Outer)
def _(node: n.Outer, diagonal: Recursion) -> Node:
    return n.Multiply(*node.operands)


@DIAGONAL.row(n.Expand)
def _(node: n.Expand, diagonal: Recursion) -> Node:
    return node.operands[0] if node.shape == (1, 1) else n.Diagonal(node)


@DIAGONAL.row(n.Diag)
def _(node: n.Diag, diagonal: Recursion) -> Node:
    return node.operands[0]


@DIAGONAL.row(n.Identity)
def _(node: n.Identity, diagonal: Recursion) -> Node:
    return ones(node.shape[0])


@DIAGONAL.row(n.Transpose)
def _(node: n.Transpose, diagonal: Recursion) -> Node:
    return diagonal(node.operands[0])


@DIAGONAL.row(n.MatMul)
def _(node: n.MatMul, diagonal: Recursion) -> Node:
    """(D A)_ii = d_i A_ii, and (A B)_ii = sum_j A_ij B_ji, which needs no product of matrices."""
    first, *rest = links(node)
    if isinstance(first, n.Diag):
        return n.Multiply(first.operands[0], diagonal(reduce(n.MatMul, rest)))
    *begun, last = first, *rest
    if isinstance(last, n.Diag):
        return n.Multiply(diagonal(reduce(n.MatMul, begun)), last.operands[0])
    if any(isinstance(each, n.Diag) for each in begun):
        return n.Diagonal(node)  # a rule of its own
    left, right = node.operands
    return n.Sum(n.Multiply(left, n.Transpose(right)), 1)


def hessian_diagonal(system: System, backward: Iterable[Item], alone: Alone | None = None) -> dict[str, HessianBlock]:
    """Return the diagonal of the Hessian for each parameter, in the parameter's shape, exactly.

    `alone` is as for `hessian_block`; the diagonal of a batch is the mean of those of its examples.

    Raises:
        SpecError: a parameter has no closed form; or backpropagation is truncated.
    """
    after = tuple(backward)
    plain, items = (system, after) if alone is None else alone
    found: dict[str, HessianBlock] = {}
    for parameter, inside in zip(system.wanted, plain.wanted, strict=True):
        block = hessian_block(plain, items, inside, inside)
        if block.matrix is None:
            raise SpecError(
                f"the Hessian with respect to {parameter.name} has no short closed form, so that its diagonal has none"
                f'\nallowed: hessian("{parameter.name}") as an operator, or hvp(); for one layer, or a few, it has one'
            )
        start = _shaped(n.Diagonal(block.matrix), inside) if inside.rank else block.matrix
        whole = _shaped(diagonal_of(block.matrix), inside) if inside.rank else block.matrix
        known = context(plain)
        answer, steps = simplified(whole, known)
        first = [Step("diagonal of a matrix", start, whole)] if start != whole else []
        if alone is not None:
            first = []  # of one example, not of the batch
            answer, steps = simplified(Examples(system, after).mean(answer), context(system))
        answer, touches = finished(answer)
        told = f"the elements of {parameter.name} in its shape"
        found[parameter.name] = HessianBlock(parameter, parameter, answer, (), (*first, *steps, *touches), told)
    return found


def _shaped(diagonal: Node, parameter: Variable) -> Node:
    return diagonal if parameter.rank == 1 else n.Reshape(diagonal, parameter.shape)
