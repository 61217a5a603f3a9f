"""Which parts the axes of a formula have: an axis that a reshape splits or merges is a row of digits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.means import Mean
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same
from symprop.algebra.table import Table

Sizes = tuple[Expr, ...]
Digits = tuple[Sizes, ...]

DIGITS = Table("digits")
"""The sizes of the digits of each axis; a kind without a row has one for each axis."""


class Unwritten(Exception):
    """What is tried cannot be written this way; the search for a notation goes on."""


def digits(node: Node) -> Digits:
    """Return the sizes of the digits of each axis of `node`, the first the most significant.

    >>> from symprop.algebra import variable
    >>> digits(n.Reshape(variable("Q", (5, 2, 3)), (5, 6)))
    ((5,), (2, 3))
    """
    return DIGITS(node) if type(node) in DIGITS else single(node.shape)


def single(shape: Iterable[Expr]) -> Digits:
    """Return one digit for each axis."""
    return tuple((size,) for size in shape)


def common(first: Sequence[Expr], second: Sequence[Expr]) -> Sizes:
    """Return the digits that split both rows of digits of one axis; one of size 1 is none, unless it is the only one.

    >>> common((6, 4), (2, 12)), common((1, 2), (2,)), common((1,), (1,))
    ((2, 3, 4), (2,), (1,))

    Raises:
        Unwritten: there are none.
    """
    left, right = ([sympy.sympify(size, strict=True) for size in sizes if size != 1] for sizes in (first, second))
    found = []
    while left and right:
        a, b = left.pop(0), right.pop(0)
        if a == b:
            found.append(a)
        elif (rest := _quotient(a, b)) is not None:
            found.append(b)
            left.insert(0, rest)
        elif (rest := _quotient(b, a)) is not None:
            found.append(a)
            right.insert(0, rest)
        else:
            raise Unwritten
    if left or right:
        raise Unwritten
    return tuple(found) or tuple(first)[:1]


def _quotient(whole: Expr, part: Expr) -> Expr | None:
    ratio = sympy.cancel(whole / part)
    return ratio if part != 1 and sympy.fraction(ratio)[1] == 1 else None


def regrouped(found: Sequence[Expr], shape: Iterable[Expr]) -> Digits:
    """Return digits axis by axis; an axis of length 1 is a digit of its own.

    Raises:
        Unwritten: a digit reaches over the end of an axis.
    """
    rest, axes = list(found), []
    for size in shape:
        axis: list[Expr] = []
        while size != 1 and not same(sympy.Mul(*axis), size):
            if not rest:
                raise Unwritten
            axis.append(rest.pop(0))
        axes.append(tuple(axis) or (size,))
    if rest:
        raise Unwritten
    return tuple(axes)


def _joined(one: Sizes, other: Sizes) -> Sizes:
    if other == (1,) or one == other:
        return one
    return other if one == (1,) else common(one, other)


def _spread(shape: Iterable[Expr], operands: Iterable[Digits]) -> Digits:
    """The digits of what operands of these digits give, whose last axes lie side by side."""
    axes = list(single(shape))
    for operand in operands:
        for back, axis in enumerate(reversed(operand), start=1):
            axes[-back] = _joined(axes[-back], axis)
    return tuple(axes)


@DIGITS.row(n.Add, n.Multiply, n.Power, n.Map, n.Compare, n.Where)
def _(node: Node) -> Digits:
    return _spread(node.shape, map(digits, node.operands))


@DIGITS.row(n.BlockSum, n.Softmax, n.First)
def _(node: Node) -> Digits:
    return digits(node.operands[0])


@DIGITS.row(n.MatMul)
def _(node: n.MatMul) -> Digits:
    left, right = map(digits, node.operands)
    row, column = left[-2:-1], right[-1:] if len(right) > 1 else ()
    shape = node.shape[: len(node.shape) - len(row) - len(column)]
    leading = _spread(shape, (left[:-2], right[:-2]))
    return (*leading, *row, *column)


@DIGITS.row(n.Outer)
def _(node: n.Outer) -> Digits:
    return tuple(axis for operand in node.operands for axis in digits(operand))


@DIGITS.row(n.Kron)
def _(node: n.Kron) -> Digits:
    pairs = zip(*map(digits, node.operands), strict=True)
    return tuple(tuple(size for size in (*a, *b) if size != 1) or (sympy.Integer(1),) for a, b in pairs)


@DIGITS.row(n.Transpose)
def _(node: n.Transpose) -> Digits:
    inside = digits(node.operands[0])
    return tuple(inside[axis] for axis in node.axes)


@DIGITS.row(n.Sum, Mean, n.Product, n.Extreme)
def _(node: n.Sum | Mean | n.Product | n.Extreme) -> Digits:
    inside = enumerate(digits(node.operands[0]))
    one = ((sympy.Integer(1),),) if node.keepdims else ()
    return tuple(axis for place, digit in inside for axis in (one if place in node.axes else (digit,)))


@DIGITS.row(n.LogSumExp)
def _(node: n.LogSumExp) -> Digits:
    inside = enumerate(digits(node.operands[0]))
    one = ((sympy.Integer(1),),) if node.keepdims else ()
    return tuple(axis for place, digit in inside for axis in (one if place == node.axis else (digit,)))


@DIGITS.row(n.Expand)
def _(node: n.Expand) -> Digits:
    inside = digits(node.operands[0])
    return (*inside[: node.axis], (sympy.Integer(1),), *inside[node.axis :])


@DIGITS.row(n.Reshape)
def _(node: n.Reshape) -> Digits:
    inside = [size for axis in digits(node.operands[0]) for size in axis if size != 1]
    return regrouped(common(inside, [size for size in node.shape if size != 1]), node.shape)


@DIGITS.row(n.Slice, n.Pad)
def _(node: n.Structural) -> Digits:
    inside = digits(node.operands[0])
    sizes = zip(node.shape, node.operands[0].shape, strict=True)
    return tuple(inside[axis] if size == length else (size,) for axis, (size, length) in enumerate(sizes))


def is_tiled(node: n.Windowed, axis: int) -> bool:
    """Whether windows along an axis lie side by side and cover it: they are its blocks."""
    if node.selection is not None:
        return False  # they are written by what selects their elements
    size, stride, dilation = next(step[1:] for step in node.steps if step[0] == axis)
    whole, count = (node, node.operands[0])[:: 1 if isinstance(node, n.Fold) else -1]
    return size == stride and dilation == 1 and sympy.expand(count.shape[axis] * size - whole.shape[axis]) == 0


@DIGITS.row(n.Fold)
def _(node: n.Fold) -> Digits:
    inside = digits(node.operands[0])
    tiled = {axis: number for number, axis in enumerate(node.axes) if is_tiled(node, axis)}
    return tuple(
        (*inside[axis], *inside[node.rank + tiled[axis]])
        if axis in tiled
        else (size,)
        if axis in node.axes
        else inside[axis]
        for axis, size in enumerate(node.shape)
    )


@DIGITS.row(n.Take)
def _(node: n.Take) -> Digits:
    return (*digits(node.operands[1]), *digits(node.operands[0])[1:])


@DIGITS.row(n.ScatterAdd)
def _(node: n.ScatterAdd) -> Digits:
    values, ids = node.operands
    return ((node.size,), *digits(values)[ids.rank :])
