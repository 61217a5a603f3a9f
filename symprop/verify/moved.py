"""What moves in a stack of evaluations: an element that is the same object as in the first of them is not worked out.

Central differences move one coordinate at a time, and most elements of an image do not see it. Reading, reshaping and
repeating hand objects on as they are, so that what did not move is known by identity, without looking at a digit.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np

from symprop.algebra import nodes as n
from symprop.algebra.table import Table
from symprop.verify.arithmetic import Array

FEW = 8
"""A stack of so many is worked out as it is."""
MOST = 0.6
"""Where a larger share moves, all is worked out."""

JOINT = Table("joint axes")
"""Rows give the axes of a node's operands whose elements know each other; those of all others are apart."""


@JOINT.row(n.Elementwise)
def _(node: n.Elementwise) -> tuple[int, ...]:
    return ()


@JOINT.row(n.Sum, n.Product, n.Extreme)
def _(node: n.Sum | n.Product | n.Extreme) -> tuple[int, ...]:
    return node.axes


@JOINT.row(n.LogSumExp, n.Softmax)
def _(node: n.LogSumExp | n.Softmax) -> tuple[int, ...]:
    return (node.axis,)


def moved(values: Array) -> Array:
    """Return where a stack of objects holds others than its first evaluation does."""
    return np.frompyfunc(operator.is_not, 2, 1)(values, values[:1]).astype(bool)


def _pays(operands: list[Array]) -> bool:
    """Whether there are so many evaluations, of objects, that it pays to ask what moved."""
    return any(len(operand) > FEW for operand in operands) and all(each.dtype.kind == "O" for each in operands)


def on_moved(work: Callable[[list[Array]], Array], operands: list[Array], joint: tuple[int, ...]) -> Array:
    """Return `work(operands)`, worked out for the first evaluation and for what moved; axes but `joint` are apart.

    `operands` have the same rank; `joint` axes are counted without the stack, and `work` keeps them or drops them.
    """
    if not _pays(operands):
        return np.asarray(work(operands))
    axes = tuple(axis + 1 for axis in joint)
    shape = np.broadcast_shapes(*(operand.shape for operand in operands))
    parts = [moved(each).any(axis=axes, keepdims=True) for each in operands if len(each) > 1]
    apart = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    where = np.zeros(apart, dtype=bool)
    for part in parts:
        where = where | part
    if where.mean() > MOST:
        return np.asarray(work(operands))
    first = np.asarray(work([operand[:1] for operand in operands]))
    result = np.repeat(np.broadcast_to(first, (1, *first.shape[1:])), shape[0], axis=0)
    places = tuple(np.delete(np.asarray(np.nonzero(where)), axes, axis=0))
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    if not len(places[0]):
        return result
    one = [1 if axis not in axes else size for axis, size in enumerate(shape)][1:]
    chosen = [
        np.transpose(np.broadcast_to(each, shape), (*kept, *axes))[places].reshape(len(places[0]), *one)
        for each in operands
    ]
    found = np.asarray(work(chosen))
    if result.ndim == len(shape):  # the joint axes stay, perhaps with length 1
        inside = np.transpose(result, (*kept, *axes))
        inside[places] = found.reshape(len(places[0]), *inside.shape[len(kept) :])
    else:
        result[places] = found.reshape(len(places[0]))
    return result


def product_of_moved(multiply: Callable[[Array, Array], Array], left: Array, right: Array) -> Array:
    """Return the products of stacks of matrices, worked out for the first evaluation and for what moved."""
    if not _pays([left, right]):
        return multiply(left, right)
    rows = moved(left).any(axis=-1) if len(left) > 1 else np.zeros(left.shape[:-1], dtype=bool)
    columns = moved(right).any(axis=-2) if len(right) > 1 else np.zeros((*right.shape[:-2], right.shape[-1]), bool)
    where = rows[..., :, None] | columns[..., None, :]
    if where.mean() > MOST:
        return multiply(left, right)
    result = np.repeat(multiply(left[:1], right[:1]), len(where), axis=0)
    *leading, i, j = np.nonzero(where)
    lefts = np.broadcast_to(left, (*where.shape[:-2], *left.shape[-2:]))[(*leading, i)]
    rights = np.broadcast_to(right, (*where.shape[:-2], *right.shape[-2:])).swapaxes(-1, -2)[(*leading, j)]
    if len(i):
        result[(*leading, i, j)] = multiply(lefts[:, None, :], rights[:, :, None])[:, 0, 0]
    return result
