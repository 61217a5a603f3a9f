"""A stack of evaluations that differ in a coordinate each: what does not see that is worked out once.

A value says where its elements stand among the numbers found so far. Reading and reshaping move these places alone, and
an element has moved where it is another than in the first evaluation. The numbers themselves come from the rows of the
value table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import Table
from symprop.verify.arithmetic import Array
from symprop.verify.evaluate import BINDING, EVALUATE, Evaluator, broadcastable, padded
from symprop.verify.evaluate_matrices import matrices, meetings, places
from symprop.verify.whole_numbers import from_whole_numbers, whole_numbers

Work = Callable[[list[Array]], Array]
MOVED = Table("places of a value")
"""Rows take a node, the places of its operands, and the `Moving`. What has no row is worked out in all evaluations."""


class Moving:
    """Evaluates nodes in a stack in whose first evaluation all is as `of` has it; in each other a coordinate moved."""

    def __init__(self, of: Evaluator, by: Variable, at: Array, first: int, moved: Array) -> None:
        """Take a variable, its value, and what single coordinates become: a row for each, from the `first` on."""
        self.of, self.by = of, by
        self._numbers = np.empty(0, dtype=object)
        self._used = 0
        base, others = self.entered(at.ravel()), self.entered(moved)
        start = np.repeat(base[None], moved.size + 1, axis=0)
        start[np.arange(moved.size) + 1, first + np.repeat(np.arange(len(moved)), moved.shape[1])] = others.ravel()
        self.start = start.reshape(len(start), *at.shape)
        self._known: dict[Node, Array] = {by: self.start}

    def __call__(self, node: Node) -> Array:
        """Return the places of the value of `node`, the stack axis first; one that comes again is worked out once."""
        if node not in self._known:
            self._known[node] = self._places(node)
        return self._known[node]

    def _places(self, node: Node) -> Array:
        row = None if isinstance(node, BINDING) else MOVED.find(type(node))
        if row:
            return np.asarray(row(node, [self(operand) for operand in node.operands], self))
        values = {**self.of.values, self.by.name: self.numbers(self.start)}
        return self.entered(Evaluator(self.of.arithmetic, values, self.of.sizes)(node))

    def entered(self, values: Array) -> Array:
        """Return the places of numbers that are new."""
        first, self._used = self._used, self._used + values.size
        if self._used > len(self._numbers):
            more = np.empty(2 * self._used, dtype=object)
            more[:first] = self._numbers[:first]
            self._numbers = more
        self._numbers[first : self._used] = values.ravel()
        return np.arange(first, self._used).reshape(values.shape)

    def numbers(self, at: Array) -> Array:
        """Return the numbers at places."""
        return np.asarray(self._numbers[at])

    def summed(self, work: Work, operands: list[Array], joint: tuple[int, ...]) -> Array:
        """Do as `worked_out` does, where `work` sums products with a factor of each operand: in integers."""
        used = np.zeros(self._used, dtype=bool)
        for operand in operands:
            used[operand] = True
        whole = whole_numbers(self._numbers[: self._used][used])
        if whole is None:
            return self.worked_out(work, operands, joint)
        table, exponent = np.empty(self._used, dtype=object), len(operands) * whole[1]
        table[used] = whole[0]
        return self.worked_out(lambda each: from_whole_numbers(work(each), exponent), operands, joint, table)

    def worked_out(
        self, work: Work, operands: list[Array], joint: tuple[int, ...], numbers: Array | None = None
    ) -> Array:
        """Return the places of `work`, done in the first evaluation and where an operand has moved.

        `operands` have the same rank. All axes but those that are `joint` are apart; `work` keeps these or drops them.
        """
        numbers = self._numbers if numbers is None else numbers
        shape = np.broadcast_shapes(*(operand.shape for operand in operands))
        axes = tuple(axis + 1 for axis in joint)
        kept = [axis for axis in range(len(shape)) if axis not in axes]
        where = np.zeros([shape[axis] for axis in kept], dtype=bool)
        for operand in operands:
            where |= (operand != operand[:1]).any(axis=axes)
        first = self.entered(np.asarray(work([numbers[operand[:1]] for operand in operands])))
        result = np.repeat(first, shape[0], axis=0)
        chosen = np.nonzero(where)
        if len(chosen[0]):
            one = [size if axis in axes else 1 for axis, size in enumerate(shape)]
            one[0] = len(chosen[0])
            spread = (np.transpose(np.broadcast_to(each, shape), (*kept, *axes))[chosen] for each in operands)
            found = self.entered(np.asarray(work([numbers[each.reshape(one)] for each in spread])))
            inside = np.transpose(result, (*kept, *axes)) if result.ndim == len(shape) else result
            inside[chosen] = found.reshape(len(chosen[0]), *inside.shape[len(kept) :])
        return result


def _alone(node: Node, operands: list[Array], of: Moving, joint: tuple[int, ...]) -> Array:
    def work(values: list[Array]) -> Array:
        return np.asarray(EVALUATE(node, values, of.of))

    return of.worked_out(work, broadcastable(operands), joint)


@MOVED.row(n.Leaf)
def _(node: n.Leaf, operands: list[Array], of: Moving) -> Array:
    return of.entered(of.of(node))


@MOVED.row(n.Elementwise)
def _(node: n.Elementwise, operands: list[Array], of: Moving) -> Array:
    return _alone(node, operands, of, ())


@MOVED.row(n.Sum)
def _(node: n.Sum, operands: list[Array], of: Moving) -> Array:
    axes = tuple(axis + 1 for axis in node.axes)
    return of.summed(lambda each: np.asarray(np.sum(each[0], axis=axes, keepdims=node.keepdims)), operands, node.axes)


@MOVED.row(n.Product, n.Extreme, n.First)
def _(node: Any, operands: list[Array], of: Moving) -> Array:
    return _alone(node, operands, of, node.axes)


@MOVED.row(n.LogSumExp, n.Softmax)
def _(node: Any, operands: list[Array], of: Moving) -> Array:
    return _alone(node, operands, of, (node.axis,))


@MOVED.row(n.Structural)
def _(node: n.Structural, operands: list[Array], of: Moving) -> Array:
    at, inside = places(node, of.of)
    value, outside = operands[0], node.index_map.outside
    read = padded(np.take(value.reshape(len(value), -1), at, axis=1), node.rank)
    return read if outside is None else np.where(inside, read, of.entered(np.asarray(of.of.number(outside))))


@MOVED.row(n.Reshape)
def _(node: n.Reshape, operands: list[Array], of: Moving) -> Array:
    return operands[0].reshape(len(operands[0]), *of.of.shape(node.shape))


@MOVED.row(n.Fold)
def _(node: n.Fold, operands: list[Array], of: Moving) -> Array:
    values, meeting = operands[0], meetings(node, of.of)
    zero = np.broadcast_to(of.entered(of.of.arithmetic.array(0)), (len(values), 1))
    read = np.take(np.concatenate([values.reshape(len(values), -1), zero], axis=1), meeting, axis=1)
    return of.summed(lambda each: np.asarray(np.sum(each[0], axis=-1)), [read], (read.ndim - 2,))


@MOVED.row(n.MatMul)
def _(node: n.MatMul, operands: list[Array], of: Moving) -> Array:
    left, right = matrices(node, operands)
    rows, columns = left[..., :, None, :], right.swapaxes(-1, -2)[..., None, :, :]

    product = of.summed(lambda each: np.asarray(np.sum(each[0] * each[1], axis=-1)), [rows, columns], (rows.ndim - 2,))
    return product.reshape(len(product), *of.of.shape(node.shape))
