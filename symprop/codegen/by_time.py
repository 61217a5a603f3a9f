"""What arrays by time hold: the values of variables at all moments, and sums over them as products of matrices."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, Integer, Symbol

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.batching import batched
from symprop.algebra.equations import Rows
from symprop.algebra.indices import RowIndex, placed
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import factors_of, multiplied, variables
from symprop.calculus.coefficients import coefficient_and_rest, scaled
from symprop.networks.sizes import TIME


class ByTime:
    """`arrays` says for a variable at a general moment what holds its values, and whether the start stands in front."""

    def __init__(self, arrays: Mapping[Variable, tuple[Node, bool]] | None = None) -> None:
        self.arrays = {**(arrays or {})}

    def at(self, variable: Variable) -> Node:
        """Return what stands for a variable at one moment, which is a number."""
        ((time,), key) = times(variable), general(variable)
        array, has_start = self.arrays[key]
        first = time if has_start else time - 1
        return n.Reshape(n.Slice(array, 0, first, first + 1), variable.shape)

    def all_moments(self, variable: Variable, count: int) -> Node:
        """Return the array of a variable at `t`, or at `t - 1`, for all moments."""
        (time,) = times(variable)
        (index,) = time.free_symbols
        array, has_start = self.arrays[general(variable)]
        start = time - index + has_start
        return n.Slice(array, 0, start, start + count) if has_start else array

    def summed(self, node: Node, count: int) -> Node:
        """Return the sum of a formula over all moments."""
        scale, rest = coefficient_and_rest(node)
        match rest:
            case n.BlockSum():
                return scaled(scale, self._over_pairs(rest, count))
            case n.Multiply(operands=(n.Expand(axis=2, operands=(left,)), n.Expand(axis=1, operands=(right,)))) if (
                left.rank == right.rank == 2
            ):  # outer products of each example
                columns = self._by_time(left, count).permuted((1, 2, 0))
                return scaled(scale, n.MatMul(columns, self._by_time(right, count).permuted((1, 0, 2))))
        match node:
            case n.Concatenate():
                return n.Concatenate(*(self.summed(each, count) for each in node.operands), axis=node.axis)
            case n.MatMul(operands=(n.Transpose(operands=(left,)), right)) if left.rank == right.rank == 2:
                return n.MatMul(n.Transpose(self._rows(left, count)), self._rows(right, count))
            case n.Sum(keepdims=False):
                axes = (0, *(axis + 1 for axis in node.axes))
                return n.Sum(self._by_time(node.operands[0], count), axes)
        return n.Sum(self._by_time(node, count), 0)

    def _rows(self, node: Node, count: int) -> Node:
        """Return a matrix with the rows of all moments."""
        rows, width = node.shape
        return n.Reshape(self._by_time(node, count), (count * rows, width))

    def _over_pairs(self, series: n.BlockSum, count: int) -> Node:
        """Return the sum over all pairs of moments of a formula at both: inner products are products of matrices."""
        term, other = series.operands[0], series.index
        products = [self._of_pairs(factor, other, count) for factor in factors_of(term)]
        if all(products):
            return n.Sum(multiplied([each for each in products if each]), (1, 2))
        return n.Sum(self._by_time(self._by_time(term, count, other), count), (0, 1))

    def _of_pairs(self, factor: Node, other: Symbol, count: int) -> Node | None:
        """Return what is an inner product of each example at all pairs of moments, `(m, T, T)`; None for another."""
        match factor:
            case n.Sum(operands=(product,), axes=(1,), keepdims=False) if product.rank == 2:
                parts = factors_of(product)
            case _:
                return None
        second = [each for each in parts if any(_is_at(variable, other) for variable in variables(each))]
        first = [each for each in parts if each not in second]
        if any(_is_at(variable, TIME) for each in second for variable in variables(each)) or not (first and second):
            return None
        one, two = self._by_time(multiplied(first), count), self._by_time(multiplied(second), count, other)
        return n.MatMul(one.permuted((1, 0, 2)), two.permuted((1, 2, 0)))

    def _by_time(self, node: Node, count: int, index: Symbol = TIME) -> Node:
        """Return a formula for all moments, time along the first axis."""
        found = {each: self.all_moments(each, count) for each in variables(node) if _is_at(each, index)}
        names = {each: called(each).change(shape=array.shape) for each, array in found.items()}
        whole = batched(node, names, Integer(count), "rows")
        return trees.replace(whole, {names[each]: array for each, array in found.items()})


def first_axis(rows: Rows) -> Node:
    """Return an array with the axis of its rows in front."""
    axes = (rows.axis, *(axis for axis in range(rows.array.rank) if axis != rows.axis))
    return n.Transpose(rows.array, axes) if rows.axis else rows.array


def with_axis(array: Node, axis: int) -> Node:
    """Return an array whose first axis stands at another place."""
    return n.Transpose(array, (*range(1, axis + 1), 0, *range(axis + 1, array.rank))) if axis else array


# ---------------------------------------------------------------- names of what stands at a moment


def local(variable: Variable) -> Variable:
    """Return the name of a variable in a step: `h1_t`, `h1_before` for `t - 1`, `dh1_above` for what has a prime.

    The adjoint of a state has two parts: what has a prime comes from the layer above, the other from `t + 1`.
    """
    (time,) = times(variable)
    if variable.is_of_gradient and variable.mark > 1:
        return with_suffix(variable, "_above").change(mark=variable.mark - 1)
    return with_suffix(variable, "_before" if time.as_coeff_Add()[0] else "_t")


def handed(variable: Variable) -> Variable:
    """Return the name of what the step that is made before hands on: `dh1_next`."""
    return with_suffix(variable, "_next").change(letter=f"d{variable.letter}{_layers(variable)}_next")


def called(variable: Variable) -> Variable:
    """Return the name of a variable at a moment that is a number, `h1_t3`, or that is any."""
    (time,) = times(variable)
    return variable.change(letter=f"{variable.letter}{_layers(variable)}_t", index=(time,) if time.is_Integer else ())


def with_suffix(variable: Variable, suffix: str) -> Variable:
    """Return the name of what belongs to a variable and has no moment of its own: `h1_window`."""
    return variable.change(letter=f"{variable.letter}{_layers(variable)}{suffix}", index=())


def _layers(variable: Variable) -> str:
    return "_".join(map(str, placed(variable.index)[0]))


def _is_at(variable: Variable, index: Symbol) -> bool:
    """Whether a variable stands at a moment that an index says."""
    return any(index in time.free_symbols for time in times(variable))


def times(variable: Variable) -> tuple[Expr, ...]:
    """The moment at which a variable stands, if it stands at one."""
    return tuple(part.value for part in variable.index if isinstance(part, RowIndex))


def general(variable: Variable) -> Variable:
    """Return the variable for a general moment."""
    index = [RowIndex(TIME) if isinstance(part, RowIndex) else part for part in variable.index]
    found: Variable = variable.change(index=tuple(index))
    return found


__all__ = ["ByTime", "called", "first_axis", "general", "handed", "local", "times", "with_axis", "with_suffix"]
