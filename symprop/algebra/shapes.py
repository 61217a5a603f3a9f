"""The shape of each kind of node, NumPy's rules on symbolic sizes.

Sizes are SymPy integers, positive integer symbols, or expressions in them. Two sizes fit when their difference is
zero; a symbolic size is never assumed to be 1.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from sympy import Expr, Integer, Min, expand, prod

from symprop.algebra import nodes as n
from symprop.algebra.called import called
from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.sizes import size_text
from symprop.errors import ShapeError

Shape = tuple[Expr, ...]
ANY = tuple(range(1, 9))
"""All ranks but that of a scalar."""


def same(left: Expr, right: Expr) -> bool:
    """Whether two sizes are equal.

    >>> from sympy import Symbol
    >>> same(2 * Symbol("n"), Symbol("n") + Symbol("n"))
    True
    """
    return left == right or (not (left.is_Integer and right.is_Integer) and expand(left - right) == 0)


def shape_text(shape: Shape, write: Callable[[Expr], str] = size_text) -> str:
    """Return a shape as NumPy writes it, each size by `write`.

    >>> shape_text((Integer(3), Integer(4))), shape_text((Integer(3),)), shape_text(())
    ('(3, 4)', '(3,)', '()')
    """
    return f"({', '.join(map(write, shape))}{',' if len(shape) == 1 else ''})"


def broadcast(*shapes: Shape, what: str = "operands") -> Shape:
    """Return the shape that NumPy's broadcasting gives.

    Raises:
        ShapeError: the shapes do not broadcast; both are named.
    """
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    result: list[Expr] = []
    for position in range(1, max((len(shape) for shape in shapes), default=0) + 1):
        size: Expr = Integer(1)
        for shape in shapes:
            if position <= len(shape) and shape[-position] != 1:
                if size == 1:
                    size = shape[-position]
                elif not same(size, shape[-position]):
                    listed = " and ".join(shape_text(shape) for shape in dict.fromkeys(shapes))
                    raise ShapeError(f"shapes {listed} do not broadcast: {size} against {shape[-position]} in {what}")
        result.append(size)
    return tuple(reversed(result))


def _fits(left: Expr, right: Expr, node: Node, operands: tuple[Node, ...]) -> None:
    if not same(left, right):
        listed = " and ".join(shape_text(operand.shape) for operand in operands)
        raise ShapeError(f"{called(node)} of shapes {listed}: {left} against {right} do not fit")


_RANKS = {(1,): "a vector (rank 1)", (2,): "a matrix (rank 2)", ANY: "an array of one axis or more"}


def _rank(node: Node, operand: Node, *ranks: int) -> None:
    if operand.rank not in ranks:
        allowed = _RANKS.get(ranks) or f"an array of rank {' or '.join(map(str, ranks))}"
        raise ShapeError(f"{called(node)} takes {allowed}, not one of shape {shape_text(operand.shape)}")


@SHAPE.row(n.Variable, n.Data)
def _(node: Node) -> Shape:
    return tuple(node.args[2].args)


@SHAPE.row(n.Scalar)
def _(node: n.Scalar) -> Shape:
    return ()


@SHAPE.row(n.Fill)
def _(node: n.Fill) -> Shape:
    return tuple(node.args[1].args)


@SHAPE.row(n.Reshape)
def _(node: n.Reshape) -> Shape:
    source, shape = node.operands[0].shape, tuple(node.args[1].args)
    before, after = (prod(sizes, start=Integer(1)) for sizes in (source, shape))
    if not same(before, after):
        raise ShapeError(f"cannot reshape {shape_text(source)} ({before} elements) to {shape_text(shape)}")
    return shape


@SHAPE.row(n.Identity)
def _(node: n.Identity) -> Shape:
    return (node.args[0], node.args[0])


@SHAPE.row(n.Elementwise)
def _(node: Node) -> Shape:
    return broadcast(*(operand.shape for operand in node.operands), what=f"the {called(node)}")


@SHAPE.row(n.Multiply)
def _(node: n.Multiply) -> Shape:
    shapes = [operand.shape for operand in node.operands]
    try:
        return broadcast(*shapes, what="the elementwise product")
    except ShapeError as problem:
        if any(left and right and same(left[-1], right[-2:][0]) for left, right in pairwise(shapes)):
            raise ShapeError(f"{problem}; the matrix product is @") from None
        raise


@SHAPE.row(n.Structural)
def _(node: n.Structural) -> Shape:
    return node.index_map.shape


@SHAPE.row(n.Fold)
def _(node: n.Fold) -> Shape:
    windows, found = node.unfolded, node.operands[0].shape
    if len(found) != len(windows.shape) or not all(map(same, found, windows.shape)):
        raise ShapeError(f"windows of shape {shape_text(found)}, not {shape_text(windows.shape)}, to fold")
    return windows.source


@SHAPE.row(n.Softmax)
def _(node: n.Softmax) -> Shape:
    _rank(node, node.operands[0], *ANY)
    if node.operands[0].shape[node.axis] == 1:
        raise ShapeError("a softmax over one class is always 1\nallowed: two classes or more, or a sigmoid")
    return node.operands[0].shape


@SHAPE.row(n.MatMul)
def _(node: n.MatMul) -> Shape:
    left, right = node.operands
    for operand in (left, right):
        _rank(node, operand, *ANY)
    _fits(left.shape[-1], right.shape[-2:][0], node, (left, right))
    leading = broadcast(left.shape[:-2], right.shape[:-2], what="the matrix product")
    return leading + left.shape[-2:-1] * (left.rank > 1) + right.shape[-1:] * (right.rank > 1)


@SHAPE.row(n.Outer)
def _(node: n.Outer) -> Shape:
    left, right = node.operands
    _rank(node, left, 1)
    _rank(node, right, 1)
    return left.shape + right.shape


@SHAPE.row(n.Reduction)
def _(node: n.Reduction) -> Shape:
    shape = node.operands[0].shape
    if node.keepdims:
        return tuple(Integer(1) if axis in node.axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in node.axes)


@SHAPE.row(n.Diag)
def _(node: n.Diag) -> Shape:
    _rank(node, node.operands[0], 1)
    return node.operands[0].shape * 2


@SHAPE.row(n.Take)
def _(node: n.Take) -> Shape:
    table, ids = node.operands
    _rank(node, table, *ANY)
    return (*ids.shape, *table.shape[1:])


@SHAPE.row(n.ScatterAdd)
def _(node: n.ScatterAdd) -> Shape:
    values, ids = node.operands
    if values.rank < ids.rank or not all(map(same, values.shape, ids.shape)):
        raise ShapeError(
            f"scatter of {shape_text(values.shape)} by ids of shape {shape_text(ids.shape)}: the leading axes differ"
        )
    return (node.size, *values.shape[ids.rank :])


@SHAPE.row(n.OneHot)
def _(node: n.OneHot) -> Shape:
    return (*node.operands[0].shape, node.size)


@SHAPE.row(n.BlockSum, n.BatchMean, n.First)
def _(node: Node) -> Shape:
    return node.operands[0].shape


def _square(node: Node) -> None:
    operand = node.operands[0]
    _rank(node, operand, 2)
    if not same(*operand.shape):
        against = f"{operand.shape[0]} against {operand.shape[1]}"
        raise ShapeError(
            f"{called(node)} takes a square matrix, not one of shape {shape_text(operand.shape)}: {against}"
        )


@SHAPE.row(n.Inverse, n.MatrixPower, n.MatrixFunction, n.Cholesky)
def _(node: Node) -> Shape:
    _square(node)
    return node.operands[0].shape


@SHAPE.row(n.Determinant, n.LogDeterminant)
def _(node: Node) -> Shape:
    _square(node)
    return ()


@SHAPE.row(n.PseudoInverse, n.MatrixNorm, n.Svd)
def _(node: n.PseudoInverse | n.MatrixNorm | n.Svd) -> Shape:
    _rank(node, node.operands[0], 2)
    rows, columns = node.operands[0].shape
    if isinstance(node, n.PseudoInverse):
        return (columns, rows)
    least = Min(rows, columns)
    return ((rows, least), (least,), (least, columns))[node.part] if isinstance(node, n.Svd) else ()


@SHAPE.row(n.Eigh)
def _(node: n.Eigh) -> Shape:
    _square(node)
    return node.operands[0].shape[node.part - 1 :]


@SHAPE.row(n.TwoSided)
def _(node: n.TwoSided) -> Shape:
    (left, right), middle = node.sides, node.middle
    for operand in node.operands:
        _rank(node, operand, 2)
    sizes = (left.shape, right.shape, (middle.shape[0], left.shape[0]), (middle.shape[1], right.shape[0]))
    for first, second in sizes:
        _fits(first, second, node, node.operands)
    return middle.shape


@SHAPE.row(n.Kron)
def _(node: n.Kron) -> Shape:
    for operand in node.operands:
        _rank(node, operand, 2)
    (p, q), (r, s) = (operand.shape for operand in node.operands)
    return (p * r, q * s)


@SHAPE.row(n.Duplication)
def _(node: n.Duplication) -> Shape:
    (size,) = node.args
    return (size**2, size * (size + 1) / 2)


@SHAPE.row(n.Commutation)
def _(node: n.Commutation) -> Shape:
    count = prod(node.args)
    return (count, count)


@SHAPE.row(n.Concatenate)
def _(node: n.Concatenate) -> Shape:
    first, *others = node.operands
    _rank(node, first, *ANY)
    for other in others:
        _rank(node, other, first.rank)
        for axis, (size, length) in enumerate(zip(first.shape, other.shape, strict=True)):
            if axis != node.axis:
                _fits(size, length, node, (first, other))
    total = sum((operand.shape[node.axis] for operand in node.operands), Integer(0))
    return (*first.shape[: node.axis], total, *first.shape[node.axis + 1 :])


@SHAPE.row(n.Pushforward)
def _(node: n.Pushforward) -> Shape:
    expression, by, tangent = node.operands
    if len(by.shape) != len(tangent.shape) or not all(map(same, by.shape, tangent.shape)):
        raise ShapeError(f"a tangent of shape {shape_text(tangent.shape)} for an array of shape {shape_text(by.shape)}")
    return expression.shape


@SHAPE.row(n.Pullback)
def _(node: n.Pullback) -> Shape:
    cotangent, expression, by = node.operands
    broadcast(cotangent.shape, expression.shape, what="pullback")
    return by.shape
