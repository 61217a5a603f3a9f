"""The pushforward table: what each kind of node does to a tangent (Jacobian-vector products, forward mode).

A row takes the node, the position of one operand and that operand's tangent `u`, which has the operand's shape, and
returns the tangent of the node that comes from it, `out[i] = sum_j d node[i] / d operand[j] * u[j]`, up to
broadcasting to the node's shape. Jacobians are the matrices of these linear maps (`jacobians.py`). Each row is proved
in the tests from the index meaning of the node.
"""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.algebra.trees import softmax, zeros
from symprop.calculus.elementwise import slope
from symprop.calculus.pullbacks import PULLBACK, powers_around, tied

PUSHFORWARD = Table("pushforward")


@PUSHFORWARD.row(n.Leaf)
def _(node: Node, position: int, u: Node) -> Node:
    raise LookupError(f"{type(node).__name__} has no operands to push forward from")


@PUSHFORWARD.row(n.Add)
def _(node: n.Add, position: int, u: Node) -> Node:
    return u


@PUSHFORWARD.row(n.Linear)
def _(node: Node, position: int, u: Node) -> Node:
    operands = list(node.operands)
    operands[position] = u
    return node.with_operands(operands)


@PUSHFORWARD.row(n.Pad)
def _(node: n.Pad, position: int, u: Node) -> Node:
    return n.Pad(u, *node.args[1:3])  # what stands around is constant


@PUSHFORWARD.row(n.Power)
def _(node: n.Power, position: int, u: Node) -> Node:
    base, c = node.operands[0], node.exponent
    return n.Multiply(n.Scalar(c), n.Power(base, c - 1), u)  # d(x**c) = c * x**(c - 1) * dx


@PUSHFORWARD.row(n.Take)
def _(node: n.Take, position: int, u: Node) -> Node:
    return n.Take(u, node.operands[1]) if position == 0 else zeros(*node.shape)


@PUSHFORWARD.row(n.ScatterAdd)
def _(node: n.ScatterAdd, position: int, u: Node) -> Node:
    return n.ScatterAdd(u, node.operands[1], node.size) if position == 0 else zeros(*node.shape)


@PUSHFORWARD.row(n.OneHot)
def _(node: Node, position: int, u: Node) -> Node:
    return zeros(*node.shape)  # constant but for jumps


@PUSHFORWARD.row(n.Map)
def _(node: n.Map, position: int, u: Node) -> Node:
    return n.Multiply(slope(node, position), u)  # d f(x) = f'(x) * dx


for _symmetric in (n.Compare, n.First, n.Where, n.Softmax):  # zeros, 1 or 0 on a diagonal, diag(p) - p p'
    PUSHFORWARD.row(_symmetric)(PULLBACK.rows[_symmetric])


@PUSHFORWARD.row(n.LogSumExp)
def _(node: n.LogSumExp, position: int, u: Node) -> Node:
    weighted = n.Multiply(softmax(node.operands[0], node.axis), u)
    return n.Sum(weighted, axes=node.axis, keepdims=node.keepdims)  # softmax' dx


@PUSHFORWARD.row(n.Inverse)
def _(node: n.Inverse, position: int, u: Node) -> Node:
    return n.negative(n.MatMul(n.MatMul(node, u), node))  # d inv(A) = -inv(A) dA inv(A)


@PUSHFORWARD.row(n.Determinant)
def _(node: n.Determinant, position: int, u: Node) -> Node:
    return n.Multiply(node, _trace(n.MatMul(n.Inverse(node.operands[0]), u)))  # Jacobi's formula


@PUSHFORWARD.row(n.LogDeterminant)
def _(node: n.LogDeterminant, position: int, u: Node) -> Node:
    return _trace(n.MatMul(n.Inverse(node.operands[0]), u))


def _trace(matrix: Node) -> Node:
    return n.Sum(n.Diagonal(matrix))


@PUSHFORWARD.row(n.MatrixPower)
def _(node: n.MatrixPower, position: int, u: Node) -> Node:
    return powers_around(node.operands[0], node.exponent, u)


@PUSHFORWARD.row(n.Product)
def _(node: n.Product, position: int, u: Node) -> Node:
    return n.Multiply(node, n.Sum(n.Multiply(u, n.Power(node.operands[0], -1)), node.axes, node.keepdims))


@PUSHFORWARD.row(n.Extreme)
def _(node: n.Extreme, position: int, u: Node) -> Node:
    return n.Sum(n.Multiply(tied(node), u), node.axes, node.keepdims)


@PUSHFORWARD.row(n.Concatenate)
def _(node: n.Concatenate, position: int, u: Node) -> Node:
    parts = [u if place == position else zeros(*part.shape) for place, part in enumerate(node.operands)]
    return n.Concatenate(*parts, axis=node.axis)
