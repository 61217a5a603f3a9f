"""The value of products, inverses, determinants, extremes and of what moves elements, in an arithmetic of choice.

Inverses and determinants are found by Gauss-Jordan elimination with partial pivoting, which works in any arithmetic
(Golub and Van Loan, *Matrix Computations*, 4th ed., 2013, chapter 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.shapes import Shape
from symprop.verify.arithmetic import Arithmetic, Array
from symprop.verify.evaluate import EVALUATE, Evaluator, broadcastable, padded


@EVALUATE.row(n.MatMul)
def _(node: n.MatMul, operands: list[Array], of: Evaluator) -> Array:
    left, right = matrices(node, operands)
    product = of.arithmetic.product(left, right)
    return of.arithmetic.rounded(product.reshape(len(product), *of.shape(node.shape)), left.shape[-1])


def matrices(node: n.MatMul, operands: list[Array]) -> list[Array]:
    """Return the factors of a product as stacks of matrices of the same rank: a row, and a column, for a vector."""
    left, right = operands
    left = left[:, None, :] if node.operands[0].rank == 1 else left
    return broadcastable([left, right[:, :, None] if node.operands[1].rank == 1 else right])


@EVALUATE.row(n.Outer)
def _(node: n.Outer, operands: list[Array], of: Evaluator) -> Array:
    return of.arithmetic.rounded(operands[0][:, :, None] * operands[1][:, None, :], 1)


@EVALUATE.row(n.Inverse)
def _(node: n.Inverse, operands: list[Array], of: Evaluator) -> Array:
    matrix = operands[0]
    return of.arithmetic.rounded(eliminated(matrix, of.arithmetic)[0], matrix.shape[-1] ** 2)


@EVALUATE.row(n.Determinant)
def _(node: n.Determinant, operands: list[Array], of: Evaluator) -> Array:
    return of.arithmetic.rounded(eliminated(operands[0], of.arithmetic)[1], operands[0].shape[-1] ** 2)


@EVALUATE.row(n.LogDeterminant)
def _(node: n.LogDeterminant, operands: list[Array], of: Evaluator) -> Array:
    size = of.arithmetic.functions[sympy.Abs](eliminated(operands[0], of.arithmetic)[1])
    return of.arithmetic.rounded(of.arithmetic.functions[sympy.log](size), operands[0].shape[-1] ** 2)


@EVALUATE.row(n.MatrixPower)
def _(node: n.MatrixPower, operands: list[Array], of: Evaluator) -> Array:
    exponent = of.size(node.exponent)
    base = operands[0] if exponent >= 0 else eliminated(operands[0], of.arithmetic)[0]
    power = np.broadcast_to(of.arithmetic.array(np.eye(base.shape[-1])), base.shape)
    for _ in range(abs(exponent)):
        power = np.matmul(power, base)
    return of.arithmetic.rounded(power, base.shape[-1] * max(1, abs(exponent)))


@np.errstate(divide="ignore", invalid="ignore")  # what has no inverse is not a number, and fails where it is compared
def eliminated(matrix: Array, arithmetic: Arithmetic) -> tuple[Array, Array]:
    """Return inverses and determinants of a stack of matrices: Gauss and Jordan with partial pivoting."""
    count, size = matrix.shape[0], matrix.shape[-1]
    left = np.array(matrix)
    right = np.array(np.broadcast_to(arithmetic.array(np.eye(size)), matrix.shape))
    determinant = arithmetic.array(np.ones(count))
    stack, flat = np.arange(count), np.zeros(count, dtype=bool)
    for column in range(size):
        heights = np.abs(arithmetic.real(left[:, column:, column]))
        pivot = column + np.argmax(heights, axis=1)
        for side in (left, right):
            side[stack, column], side[stack, pivot] = side[stack, pivot].copy(), side[stack, column].copy()
        at = left[:, column, column].copy()
        determinant = determinant * at * np.where(pivot == column, 1, -1)
        singular = arithmetic.real(at) == 0
        at = np.where(singular, np.nan, at)  # a singular matrix has no inverse; its determinant is 0
        left[:, column], right[:, column] = left[:, column] / at[:, None], right[:, column] / at[:, None]
        for row in range(size):
            if row != column:
                factor = left[:, row, column].copy()[:, None]
                left[:, row] = left[:, row] - factor * left[:, column]
                right[:, row] = right[:, row] - factor * right[:, column]
        flat = flat | singular
    return right, np.where(flat, 0, determinant)


@EVALUATE.row(n.Kron)
def _(node: n.Kron, operands: list[Array], of: Evaluator) -> Array:
    left, right = operands
    blocks = left[:, :, None, :, None] * right[:, None, :, None, :]
    return of.arithmetic.rounded(blocks.reshape(blocks.shape[0], *of.shape(node.shape)), 1)


@EVALUATE.row(n.Duplication)
def _(node: n.Duplication, operands: list[Array], of: Evaluator) -> Array:
    (size,) = of.shape(node.args)
    places = np.zeros((size, size), dtype=int)
    below = [(row, column) for column in range(size) for row in range(column, size)]
    for place, (row, column) in enumerate(below):
        places[row, column] = places[column, row] = place
    return of.arithmetic.array(np.eye(len(below))[places.ravel()])[None]


@EVALUATE.row(n.Commutation)
def _(node: n.Commutation, operands: list[Array], of: Evaluator) -> Array:
    rows, columns = of.shape(node.args)
    order = np.arange(rows * columns).reshape(rows, columns).T.ravel()
    return of.arithmetic.array(np.eye(rows * columns)[order])[None]


@EVALUATE.row(n.Product)
def _(node: n.Product, operands: list[Array], of: Evaluator) -> Array:
    axes = tuple(axis + 1 for axis in node.axes)
    length = int(np.prod([operands[0].shape[axis] for axis in axes], dtype=int))
    return of.arithmetic.rounded(np.prod(operands[0], axis=axes, keepdims=node.keepdims), length)


@EVALUATE.row(n.Extreme)
def _(node: n.Extreme, operands: list[Array], of: Evaluator) -> Array:
    axes, x = tuple(axis + 1 for axis in node.axes), operands[0]
    decisive = of.arithmetic.decisive(x)
    if node.is_first:
        taken = np.where(_first(node, decisive, axes), x, 0)
        return np.asarray(np.sum(taken, axis=axes, keepdims=node.keepdims))
    best = (np.max if node.which == "max" else np.min)(decisive, axis=axes, keepdims=True)
    there = (decisive == best).astype(int)  # several share: their mean
    beyond = np.sum(np.where(there == 1, x - best, 0), axis=axes, keepdims=True)  # so that the mean of three is each
    mean = best + beyond / np.sum(there, axis=axes, keepdims=True)
    return np.asarray(mean if node.keepdims else np.squeeze(mean, axis=axes))


@EVALUATE.row(n.First)
def _(node: n.First, operands: list[Array], of: Evaluator) -> Array:
    there = _first(node, of.arithmetic.decisive(operands[0]), tuple(axis + 1 for axis in node.axes))
    return of.arithmetic.array(there.astype(int))


def _first(node: n.Extreme | n.First, values: Array, axes: tuple[int, ...]) -> Array:
    """Return where the first of the largest or smallest values along `axes` stands, in row-major order."""
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(values, axes, last)
    rows = moved.reshape(*moved.shape[: values.ndim - len(axes)], -1)
    places = (np.argmax if node.which == "max" else np.argmin)(rows, axis=-1)
    there = places[..., None] == np.arange(rows.shape[-1])
    return np.moveaxis(there.reshape(moved.shape), last, axes)


@EVALUATE.row(n.Concatenate)
def _(node: n.Concatenate, operands: list[Array], of: Evaluator) -> Array:
    count = max(operand.shape[0] for operand in operands)
    spread = [np.broadcast_to(operand, (count, *operand.shape[1:])) for operand in operands]
    return np.concatenate(spread, axis=node.axis + 1)


@EVALUATE.row(n.Structural)
def _(node: n.Structural, operands: list[Array], of: Evaluator) -> Array:
    at, inside = places(node, of)
    value, outside = operands[0], _outside(_Move.of(node))
    read = padded(np.take(value.reshape(len(value), -1), at, axis=1), node.rank)  # much faster than brackets
    return read if outside is None else np.where(inside, read, of.number(outside))


def places(node: n.Structural | n.Fold, of: Evaluator) -> tuple[Array, Array]:
    """Return the place, in row-major order, that each element of a result reads, and whether it is inside.

    Of a fold: where each element of the operand goes.
    """
    move, sizes = _Move.of(node), tuple(of.sizes.items())
    shape, _ = _in_integers(move, sizes)
    return _few_places(move, sizes) if np.prod(shape) <= FEW else _places(move, sizes)


FEW = 2**15
"""So many places are remembered for the next evaluation of a node that moves the same elements."""


@dataclass(frozen=True)
class _Move:
    """What a node does with the elements of its operand, whatever that is: at each moment of time the same."""

    kind: type
    source: Shape
    options: tuple[Any, ...]
    node: n.Structural | n.Fold = field(compare=False)

    @classmethod
    def of(cls, node: n.Structural | n.Fold) -> _Move:
        """Return what a node does."""
        options = tuple(each for each in node.args if not isinstance(each, n.Node))
        return cls(type(node), node.operands[0].shape, options, node)


@lru_cache(maxsize=1024)
def _outside(move: _Move) -> Expr | None:
    """What stands where a result reads nothing."""
    return None if isinstance(move.node, n.Fold) else move.node.index_map.outside


def _places(move: _Move, sizes: tuple[tuple[Expr, int], ...]) -> tuple[Array, Array]:
    shape, axes = _in_integers(move, sizes)
    grid = np.ix_(*map(np.arange, shape))
    inside, flat = np.asarray(True), np.zeros(shape, dtype=int)
    for size, offset, terms in axes:
        at = sum((coefficient * grid[k] for k, coefficient in terms), np.asarray(offset))
        inside = inside & (at >= 0) & (at < size)
        flat = flat * size + np.clip(at, 0, size - 1)
    return flat, inside


_few_places = lru_cache(maxsize=256)(_places)


@lru_cache(maxsize=1024)
def _in_integers(
    move: _Move, sizes: tuple[tuple[Expr, int], ...]
) -> tuple[tuple[int, ...], list[tuple[int, int, list[tuple[int, int]]]]]:
    """Return an index map at sizes: its shape, and for each axis that is read its size, its first place and the steps.

    Every evaluation of a node asks for it, and SymPy takes longer to say it than the elements to move.
    """
    of, node = Evaluator(Arithmetic(), {}, dict(sizes)), move.node
    moved = node.unfolded if isinstance(node, n.Fold) else node.index_map
    axes = [
        (size, of.size(moved.offset(axis)), [(k, of.size(step)) for k, step in moved.terms(axis)])
        for axis, size in enumerate(of.shape(moved.source))
    ]
    return of.shape(moved.shape), axes


@EVALUATE.row(n.Fold)
def _(node: n.Fold, operands: list[Array], of: Evaluator) -> Array:
    values, meeting = operands[0], meetings(node, of)
    zero = np.broadcast_to(of.arithmetic.array(0), (len(values), 1))
    read = np.concatenate([values.reshape(len(values), -1), zero], axis=1)
    read = np.take(read, meeting, axis=1)
    total = of.arithmetic.total(read, (read.ndim - 1,), False)
    return of.arithmetic.rounded(total, meeting.shape[-1])


def meetings(node: n.Fold, of: Evaluator) -> Array:
    """Return which elements of windows meet in each place of a fold, along a last axis; one behind all is none."""
    goes, shape = places(node, of)[0].ravel(), of.shape(node.shape)
    order, counts = np.argsort(goes, kind="stable"), np.bincount(goes, minlength=int(np.prod(shape)))
    meeting = np.full((len(counts), int(counts.max(initial=1))), len(goes))
    meeting[goes[order], np.arange(len(goes)) - np.repeat(np.cumsum(counts) - counts, counts)] = order
    return meeting.reshape(*shape, -1)


@EVALUATE.row(n.Reshape)
def _(node: n.Reshape, operands: list[Array], of: Evaluator) -> Array:
    return operands[0].reshape(operands[0].shape[0], *of.shape(node.shape))


@EVALUATE.row(n.Diag)
def _(node: n.Diag, operands: list[Array], of: Evaluator) -> Array:
    return np.where(np.eye(operands[0].shape[1], dtype=bool), operands[0][:, :, None], of.number(Integer(0)))
