"""The pullback table: what each kind of node does to a cotangent (vector-Jacobian products).

A row takes the node, the position of one operand and the cotangent `g`, which has the node's shape, and returns what
flows to that operand: `out[j] = sum_i g[i] * d node[i] / d operand[j]`. A row never undoes broadcasting nor adds up;
the walker does (`rewriting.py`). Each row is a theorem, proved in the tests from the index meaning of the node.

Sources: Griewank and Walther, *Evaluating Derivatives* (2008); Giles, *Collected matrix derivative results for forward
and reverse mode algorithmic differentiation* (2008); Petersen and Pedersen, *The Matrix Cookbook* (2012).
"""

from __future__ import annotations

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, unused_index
from symprop.algebra.table import Table
from symprop.algebra.trees import added, ones, softmax, zeros
from symprop.calculus.adjoints import adjoint
from symprop.calculus.elementwise import slope

PULLBACK = Table("pullback")


@PULLBACK.row(n.Leaf)
def _(node: Node, position: int, g: Node) -> Node:
    raise LookupError(f"{type(node).__name__} has no operands to pull back to")


@PULLBACK.row(n.Add)
def _(node: n.Add, position: int, g: Node) -> Node:
    return g  # d(x + y) = dx + dy


@PULLBACK.row(n.Multiply)
def _(node: n.Multiply, position: int, g: Node) -> Node:
    others = [factor for place, factor in enumerate(node.operands) if place != position]
    return n.Multiply(g, *others)  # d(x * y) = dx * y + x * dy


@PULLBACK.row(n.Power)
def _(node: n.Power, position: int, g: Node) -> Node:
    base, c = node.operands[0], node.exponent
    return n.Multiply(n.Scalar(c), g, n.Power(base, c - 1))  # d(x**c) = c * x**(c - 1) * dx


@PULLBACK.row(n.MatMul)
def _(node: n.MatMul, position: int, g: Node) -> Node:
    left, right = node.operands
    if position == 0:
        if right.rank == 1:
            if left.rank == 1:
                return n.Multiply(g, right)  # z = x' y: dx = g y
            return n.Outer(g, right) if left.rank == 2 else n.Multiply(n.Expand(g, -1), right)  # z = A y: dA = g y'
        if left.rank == 1:
            if right.rank == 2:
                return n.MatMul(right, g)  # z' = x' B: dx = B g
            return n.Sum(n.Multiply(right, n.Expand(g, -2)), axes=[*range(right.rank - 2), right.rank - 1])
        return n.MatMul(g, swapped(right))  # Z = A B: dA = G B'
    if left.rank == 1:
        if right.rank == 1:
            return n.Multiply(g, left)
        if right.rank == 2:
            return n.Outer(left, g)  # z' = x' B: dB = x g'
        return n.Multiply(n.Expand(left, -1), n.Expand(g, -2))
    if right.rank == 1 and left.rank > 2:
        return n.Sum(n.Multiply(left, n.Expand(g, -1)), axes=range(left.rank - 1))
    return n.MatMul(swapped(left), g)  # Z = A B: dB = A' G


def swapped(node: Node) -> Node:
    """Return `node` with its last two axes swapped: the transpose of each matrix."""
    order = list(range(node.rank))
    return n.Transpose(node, [*order[:-2], order[-1], order[-2]])


@PULLBACK.row(n.Outer)
def _(node: n.Outer, position: int, g: Node) -> Node:
    left, right = node.operands
    return n.MatMul(g, right) if position == 0 else n.MatMul(n.Transpose(g), left)  # Z = u v': du = G v, dv = G' u


@PULLBACK.row(n.Structural)
def _(node: n.Structural, position: int, g: Node) -> Node:
    return adjoint(node.index_map, g)  # each element goes back to where it was read


@PULLBACK.row(n.Window)
def _(node: n.Window, position: int, g: Node) -> Node:
    lengths = [node.operands[0].shape[axis] for axis in node.axes]
    axes, sizes, strides, dilations, name = node.args[1:]
    return n.Fold(g, axes, sizes, strides, dilations, lengths, name)  # what several windows read gathers all cotangents


@PULLBACK.row(n.Fold)
def _(node: n.Fold, position: int, g: Node) -> Node:
    axes, sizes, strides, dilations, _, name = node.args[1:]
    return n.Window(g, axes, sizes, strides, dilations, name)


@PULLBACK.row(n.Sum)
def _(node: n.Sum, position: int, g: Node) -> Node:
    return n.Multiply(restored(g, node), ones(*node.operands[0].shape))  # each element of a sum gets g


def restored(g: Node, node: n.Reduction) -> Node:
    """Return `g` with the axes that `node` reduced away back at length 1; what has none left broadcasts as it is."""
    if not node.keepdims and node.rank:
        for axis in node.axes:
            g = n.Expand(g, axis)
    return g


@PULLBACK.row(n.BlockSum)
def _(node: n.BlockSum, position: int, g: Node) -> Node:
    if node.index in node.operands[0].free_symbols:
        return g  # to what the operand is at one index; the walker sums over the index where that is asked for
    return n.Multiply(n.Scalar(node.count), g)  # the same term, again and again


@PULLBACK.row(n.Reshape)
def _(node: n.Reshape, position: int, g: Node) -> Node:
    return n.Reshape(g, node.operands[0].shape)


@PULLBACK.row(n.Diag)
def _(node: n.Diag, position: int, g: Node) -> Node:
    return n.Diagonal(g)


@PULLBACK.row(n.Diagonal)
def _(node: n.Diagonal, position: int, g: Node) -> Node:
    return n.Diag(g)


@PULLBACK.row(n.Take)
def _(node: n.Take, position: int, g: Node) -> Node:
    table, ids = node.operands
    if position == 1:
        return zeros(*ids.shape)  # ids are integers
    return n.ScatterAdd(g, ids, table.shape[0])  # a row read often gathers all its cotangents


@PULLBACK.row(n.ScatterAdd)
def _(node: n.ScatterAdd, position: int, g: Node) -> Node:
    ids = node.operands[1]
    return n.Take(g, ids) if position == 0 else zeros(*ids.shape)


@PULLBACK.row(n.OneHot)
def _(node: n.OneHot, position: int, g: Node) -> Node:
    return zeros(*node.operands[0].shape)  # ids are integers


@PULLBACK.row(n.Map)
def _(node: n.Map, position: int, g: Node) -> Node:
    return n.Multiply(g, slope(node, position))  # d f(x) = f'(x) * dx


@PULLBACK.row(n.Compare, n.First)
def _(node: n.Compare | n.First, position: int, g: Node) -> Node:
    return zeros(*node.shape)  # constant but for jumps


@PULLBACK.row(n.Where)
def _(node: n.Where, position: int, g: Node) -> Node:
    condition = node.operands[0]
    if position == 0:
        return zeros(*node.shape)  # constant but for jumps
    return n.Where(condition, g, n.Scalar(0)) if position == 1 else n.Where(condition, n.Scalar(0), g)


@PULLBACK.row(n.Softmax)
def _(node: n.Softmax, position: int, g: Node) -> Node:
    inner = n.Sum(n.Multiply(node, g), axes=node.axis, keepdims=True)
    return n.Multiply(node, n.Add(g, n.negative(inner)))  # (diag(p) - p p') g = p * (g - p' g)


@PULLBACK.row(n.LogSumExp)
def _(node: n.LogSumExp, position: int, g: Node) -> Node:
    return n.Multiply(restored(g, node), softmax(node.operands[0], node.axis))  # d log sum exp = softmax' dx


@PULLBACK.row(n.Inverse)
def _(node: n.Inverse, position: int, g: Node) -> Node:
    turned = n.Transpose(node)
    return n.negative(n.MatMul(n.MatMul(turned, g), turned))  # d inv(A) = -inv(A) dA inv(A)


@PULLBACK.row(n.Determinant)
def _(node: n.Determinant, position: int, g: Node) -> Node:
    return n.Multiply(g, node, n.Transpose(n.Inverse(node.operands[0])))  # d det(A) = det(A) tr(inv(A) dA), Jacobi


@PULLBACK.row(n.LogDeterminant)
def _(node: n.LogDeterminant, position: int, g: Node) -> Node:
    return n.Multiply(g, n.Transpose(n.Inverse(node.operands[0])))  # d log|det(A)| = tr(inv(A) dA)


@PULLBACK.row(n.MatrixPower)
def _(node: n.MatrixPower, position: int, g: Node) -> Node:
    return powers_around(n.Transpose(node.operands[0]), node.exponent, g)


MOST_TERMS = 8
"""The most terms that are written one by one; more of them are a series."""


def powers_around(base: Node, k: Expr, middle: Node) -> Node:
    """Return `base**0 @ middle @ base**(k - 1) + ... + base**(k - 1) @ middle @ base**0`, the derivative of a power.

    That is d A**k = sum_i A**(i - 1) dA A**(k - i). Below 0 it is d A**-k = -sum_i A**-i dA A**(i - k - 1).
    It is a series where `k` is large or a symbol.
    """

    def term(i: Expr) -> Node:
        if k.is_nonpositive:
            left, right = (n.MatrixPower(n.Inverse(base), power) for power in (i, 1 - k - i))
            return n.negative(n.MatMul(n.MatMul(left, middle), right))
        return n.MatMul(n.MatMul(n.MatrixPower(base, i - 1), middle), n.MatrixPower(base, k - i))

    count = -k if k.is_nonpositive else k
    if count.is_Integer and count <= MOST_TERMS:
        return added([term(Integer(i)) for i in range(1, int(count) + 1)]) if count else zeros(*base.shape)
    i = unused_index(base, k, middle)
    return n.BlockSum(term(i), i, count)


@PULLBACK.row(n.Kron)
def _(node: n.Kron, position: int, g: Node) -> Node:
    left, right = node.operands
    (p, q), (r, s) = left.shape, right.shape
    blocks = n.Reshape(g, (p, r, q, s))  # G[i, k, j, l] belongs to A[i, j] B[k, l]
    if position == 0:
        return n.Sum(n.Multiply(blocks, n.Expand(right, 1)), (1, 3))
    return n.Sum(n.Multiply(blocks, n.Expand(n.Expand(left, 1), 3)), (0, 2))


@PULLBACK.row(n.Product)
def _(node: n.Product, position: int, g: Node) -> Node:
    others = n.Multiply(restored(node, node), n.Power(node.operands[0], -1))  # the product of all others, x not 0
    return n.Multiply(restored(g, node), others)


@PULLBACK.row(n.Extreme)
def _(node: n.Extreme, position: int, g: Node) -> Node:
    return n.Multiply(restored(g, node), tied(node))  # d max(x) = the mean of dx over where x is the largest


def tied(node: n.Extreme) -> Node:
    """Return the share of each element in a largest or smallest: 1 over their number where it is one, else 0.

    Where the first of them has the whole derivative: 1 there.
    """
    if node.is_first:
        return n.First(node.operands[0], node.axes, node.which)
    there = n.Compare("==", node.operands[0], restored(node, node))
    return n.Multiply(there, n.Power(n.Sum(there, node.axes, True), -1))


@PULLBACK.row(n.Concatenate)
def _(node: n.Concatenate, position: int, g: Node) -> Node:
    before = sum((part.shape[node.axis] for part in node.operands[:position]), Integer(0))
    return n.Slice(g, node.axis, before, before + node.operands[position].shape[node.axis])
