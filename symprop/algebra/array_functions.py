"""Functions of NumPy that other functions make: statistics, and moves of elements and axes."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr, Integer, Rational, prod

from symprop.algebra import functions
from symprop.algebra import nodes as n
from symprop.algebra.arguments import axis_or_axes, each_axis, flag, one_axis, shape_given
from symprop.algebra.known import triangle
from symprop.algebra.nodes import Node, as_node
from symprop.algebra.shapes import shape_text
from symprop.algebra.sizes import as_expression, axis_of, whole
from symprop.algebra.trees import may_be_whole
from symprop.errors import FormulaError, LimitError, ShapeError

_MOST_DIFFERENCES = 8


def count_of(x: Node, axes: tuple[int, ...] | None = None) -> Expr:
    """Return how many elements an array has, or how many lie along `axes`."""
    places = range(x.rank) if axes is None else axes
    return prod((x.shape[place] for place in places), start=Integer(1))


def variance(x: Node, axis: Any = None, ddof: Any = 0, keepdims: Any = False) -> Node:
    """Return the mean of the squares of `x - mean(x)`; divided by the number of elements less `ddof`."""
    axes = n.Sum(x, axis_or_axes(axis)).axes
    total = n.Sum(x, axes, len(axes) < x.rank)
    count = count_of(x, total.axes)
    centred = n.Add(x, n.negative(n.Multiply(n.Scalar(1 / count), total)))
    left = count - whole(ddof, "ddof")
    if left.is_positive is False:
        raise FormulaError(f"ddof={ddof} leaves nothing of {count} elements")
    return n.Multiply(n.Scalar(1 / left), n.Sum(n.Power(centred, 2), total.axes, flag(keepdims)))


def deviation(x: Node, axis: Any = None, ddof: Any = 0, keepdims: Any = False) -> Node:
    """Return the root of the variance."""
    return n.Power(variance(x, axis, ddof, keepdims), Rational(1, 2))


def clip(x: Node, a_min: Node | None = None, a_max: Node | None = None) -> Node:
    """Return each element, no less than `a_min` and no more than `a_max`; None is no bound."""
    above = x if a_min is None else functions.FUNCTIONS["maximum"](x, as_node(a_min))
    return above if a_max is None else functions.FUNCTIONS["minimum"](above, as_node(a_max))


def kronecker(a: Node, b: Node) -> Node:
    """Return all products of elements, blocks of `b`; a vector beside a matrix is one row, as in NumPy."""
    if a.rank == b.rank == 1:
        return n.Reshape(n.Outer(a, b), (a.shape[0] * b.shape[0],))
    return n.Kron(*(n.Expand(each, 0) if each.rank == 1 else each for each in (a, b)))


def logaddexp(x: Node, y: Node) -> Node:
    """Return `log(exp(x) + exp(y))` in a form that does not overflow."""
    return n.Add(x, functions.FUNCTIONS["softplus"](n.Add(y, n.negative(x))))


def differences(a: Node, n_times: Any = 1, axis: Any = -1) -> Node:
    """Return `a[1:] - a[:-1]` along an axis, `n_times` times."""
    times = whole(n_times, "n")
    if not times.is_Integer or not 0 <= times <= _MOST_DIFFERENCES:
        raise LimitError(f"n is a whole number from 0 to {_MOST_DIFFERENCES}, not {n_times}")
    for _ in range(int(times)):
        place = axis_of(one_axis(axis), a.rank)
        length = a.shape[place]
        a = n.Add(n.Slice(a, place, 1, length), n.negative(n.Slice(a, place, 0, length - 1)))
    return a


def reshaped(a: Node, shape: Any, order: Any = "C") -> Node:
    """Return the elements under another shape, row by row; by columns with order="F". A size of -1 is what is left."""
    given = tuple(shape) if isinstance(shape, tuple) else (shape,)
    if sum(each == -1 for each in given) > 1:
        raise FormulaError("one size may be -1, which is then what is left")
    others = sympy.expand(prod((as_expression(each) for each in given if each != -1), start=Integer(1)))
    if others == 0:
        raise FormulaError("a size is a positive integer, not 0")
    left = whole(sympy.cancel(count_of(a) / others), "a size that is left", positive=True) if -1 in given else None
    sizes = shape_given(tuple(left if each == -1 else each for each in given))
    if by_columns(order):
        turned = n.Reshape(a if a.rank < 2 else n.Transpose(a), sizes[::-1])
        return turned if len(sizes) < 2 else n.Transpose(turned)
    return n.Reshape(a, sizes)


def by_columns(order: Any) -> bool:
    """Whether elements are taken column by column, order="F"."""
    if order not in ("C", "F"):
        raise FormulaError("order is 'C', row by row, or 'F', column by column")
    return bool(order == "F")


def raveled(a: Node, order: Any = "C") -> Node:
    """Return all elements as a vector, row by row; by columns with order="F"."""
    columns = by_columns(order)
    return a if a.rank == 1 else n.Reshape(n.Transpose(a) if columns and a.rank else a, (count_of(a),))


def vec(a: Node) -> Node:
    """Return the columns of a matrix below each other, as Magnus and Neudecker have it."""
    if a.rank not in (1, 2):
        raise FormulaError("vec takes a matrix, or a vector, which it leaves as it is")
    return raveled(a, "F")


def swapped(a: Node, axis1: Any, axis2: Any) -> Node:
    """Return the array with two axes changed for each other."""
    first, second = (axis_of(one_axis(axis), a.rank) for axis in (axis1, axis2))
    order = list(range(a.rank))
    order[first], order[second] = second, first
    return a.permuted(tuple(order))


def moved(a: Node, source: Any, destination: Any) -> Node:
    """Return the array with axes at other places, the others in their order."""
    pairs = [[axis_of(axis, a.rank) for axis in each_axis(axes)] for axes in (source, destination)]
    if len(pairs[0]) != len(pairs[1]) or any(len(set(each)) < len(each) for each in pairs):
        raise FormulaError("source and destination are as many axes, each once")
    order = [axis for axis in range(a.rank) if axis not in pairs[0]]
    for axis, place in sorted(zip(*pairs, strict=True), key=lambda pair: pair[1]):
        order.insert(place, axis)
    return a.permuted(tuple(order))


def expanded(a: Node, axis: Any) -> Node:
    """Return the array with new axes of length 1, which are at `axis` in the result."""
    axes = each_axis(axis)
    places = sorted(axis_of(each, a.rank + len(axes)) for each in axes)
    if len(set(places)) < len(places):
        raise FormulaError("an axis is given twice")
    for place in places:
        a = n.Expand(a, place)
    return a


def squeezed(a: Node, axis: Any = None) -> Node:
    """Return the array without its axes of length 1, or without those that are named."""
    ones = tuple(place for place, size in enumerate(a.shape) if size == 1)
    axes = ones if axis is None else tuple(axis_of(each, a.rank) for each in each_axis(axis))
    if any(place not in ones for place in axes):
        raise ShapeError("squeeze takes away axes of length 1 alone")
    return n.Sum(a, axes) if axes else a


def filled_like(a: Node, fill_value: Any) -> Node:
    """Return an array of the shape of another, of one number; of whole numbers a whole number, as in NumPy."""
    if may_be_whole(a) and not as_expression(fill_value).is_integer:
        raise FormulaError("an array like one of whole numbers is filled with a whole number")
    return n.Fill(fill_value, a.shape) if a.rank else n.Scalar(fill_value)


def part_of(a: Node, k: Any = 0, upper: bool = False) -> Node:
    """Return the lower or upper part of a matrix, from a diagonal on: a product with ones and zeros."""
    if a.rank < 2:
        raise ShapeError(f"tril and triu take a matrix, not an array of shape {shape_text(a.shape)}")
    diagonal = None if k is None else whole(k, "k")
    if not isinstance(diagonal, Integer):
        raise FormulaError(f"k is a whole number, the diagonal from which on elements are kept, not {k}")
    ones = triangle(a.shape[-2], a.shape[-1], int(diagonal), upper)
    return ones if a.constant == 1 and a.rank == 2 else n.Multiply(ones, a)


def running_sums(a: Node, axis: Any = None) -> Node:
    """Return the sums of all elements up to each place along an axis: a product with a triangle of ones."""
    if axis is None or a.rank == 1:
        vector = raveled(a) if axis is None else a
        place = 0 if axis is None else axis_of(one_axis(axis), 1)
        return n.MatMul(triangle(vector.shape[0], vector.shape[0]), vector.permuted((place,)))
    place = axis_of(one_axis(axis), a.rank)
    if place == a.rank - 1:
        return n.MatMul(a, triangle(a.shape[place], a.shape[place], upper=True))
    order = list(range(a.rank))
    order[place], order[-2] = order[-2], order[place]
    product = n.MatMul(triangle(a.shape[place], a.shape[place]), a.permuted(tuple(order)))
    return product.permuted(tuple(order))


def size(a: Node, axis: Any = None) -> Node:
    """Return the number of elements, or the length of one axis."""
    return n.Scalar(count_of(a, None if axis is None else (axis_of(one_axis(axis), a.rank),)))


def stacked(parts: tuple[Node, ...], horizontal: bool) -> Node:
    """Return rows below each other, or arrays side by side: `vstack` and `hstack`."""
    least = 1 if horizontal else 2
    raised = list(parts)
    while any(part.rank < least for part in raised):
        raised = [n.Expand(part, 0) if part.rank < least else part for part in raised]
    return n.Concatenate(*raised, axis=int(horizontal and raised[0].rank > 1))


def columns_stacked(parts: tuple[Node, ...]) -> Node:
    """Return vectors as the columns of a matrix; matrices stand side by side."""
    return n.Concatenate(*(n.Expand(part, 1) if part.rank == 1 else part for part in parts), axis=1)
