"""Mistakes in sums over axes, transposes, masks and moves: over which elements, and from where."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from sympy import Integer, Mul, Rational

from symprop.algebra import nodes as n
from symprop.algebra.index_maps import AXES
from symprop.algebra.known import triangle
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import numbers_apart, variables
from symprop.diagnosis.parts import shortened
from symprop.diagnosis.table import Place, Wrong, fitting, mistake


def one_of(node: Node, axes: tuple[int, ...], start: int) -> Node:
    """Return the first element along some axes, or with `start` -1 the last one; the axes stay."""
    for axis in axes:
        begin = node.shape[axis] - 1 if start else Integer(0)
        node = n.Slice(node, axis, begin, begin + 1)
    return node


def first_of(total: n.Sum, start: int = 0) -> Node:
    """Return a sum of the first element alone, or with `start` -1 of the last."""
    return n.Sum(one_of(total.operands[0], total.axes, start), total.axes, total.keepdims)


TILED = "np.tile for np.repeat"


@mistake(n.MatMul)
def _(node: n.MatMul, place: Place) -> Iterator[Wrong]:
    """What one operand has once for each group is repeated group by group in turn."""
    for number, (mine, other) in enumerate((node.operands, node.operands[::-1])):
        for axis in range(1, mine.rank - 2) if mine.rank == other.rank else ():
            groups, times = mine.shape[axis - 1], other.shape[axis]
            if groups == 1 or mine.shape[axis] != 1 or times == 1:
                continue
            shape = (*mine.shape[:axis], times, *mine.shape[axis + 1 :])
            swapped = [*range(axis - 1), axis, axis - 1, *range(axis + 1, mine.rank)]
            tiled = n.Reshape(n.Transpose(n.Multiply(mine, n.Fill(1, shape)), swapped), shape)
            operands = [tiled, node.operands[1]] if number == 0 else [node.operands[0], tiled]
            said = "repeats the groups in turn, as np.tile does, not each in a row, as np.repeat does"
            yield Wrong(node.with_operands(operands), "place", said, 1.3, TILED)


def _is_softmax(node: Node, place: Place) -> bool:
    definition = place.definitions.get(node) if isinstance(node, Variable) else None
    return isinstance(definition.expression if definition else node, n.Softmax)


@mistake(n.Sum)
def _(node: n.Sum, place: Place) -> Iterator[Wrong]:
    """A sum is lost, runs over other axes, has one element alone, or is a mean."""
    inner, axes = node.operands[0], node.axes
    told = f"the sum over {place.axes.over(axes, inner)}"
    if isinstance(inner, n.Multiply) and any(_is_softmax(each, place) for each in inner.operands):
        said = "takes the Jacobian of the softmax as diagonal: lacks the terms between its elements"
        yield Wrong(inner, "term", said, 0.8)
    yield Wrong(inner, "sum", f"lacks {told}", 0.9)
    for axis in axes if len(axes) > 1 else ():
        left = tuple(each for each in axes if each != axis)
        said = f"lacks the sum over {place.axes.over((axis,), inner)}"
        yield Wrong(n.Sum(inner, left, node.keepdims), "sum", said, 1.0)
        kept = n.Sum(n.Sum(inner, (axis,), True), left, node.keepdims)
        yield Wrong(kept, "sum", said, 1.2)
        for name, start in (("last", -1), ("first", 0)):
            part = n.Sum(one_of(inner, (axis,), start), axes, node.keepdims)
            said = f"has the {name} element alone in place of the sum over {place.axes.over((axis,), inner)}"
            yield Wrong(part, "sum", said, 1.3)
    for others in combinations(range(inner.rank), len(axes)):
        if others != axes:
            said = f"has the sum over {place.axes.over(others, inner)} in place of {told}"
            yield Wrong(n.Sum(inner, others, node.keepdims), "sum", said, 1.3)
    if len(axes) < inner.rank:
        said = f"has the sum over all elements in place of {told}"
        yield Wrong(n.Sum(inner, tuple(range(inner.rank)), node.keepdims), "sum", said, 1.4)
    count = Mul(*(inner.shape[axis] for axis in axes))
    yield Wrong(
        node * n.Scalar(1 / count),
        "factor",
        f"has a mean over {place.axes.over(axes, inner)} in place of {told}",
        1.0,
    )
    if len(axes) == 1 and axes[0] and 1 not in inner.shape[axes[0] - 1 : axes[0] + 1]:
        axis, shape = axes[0], list(inner.shape)
        shape[axis - 1 : axis + 1] = shape[axis], shape[axis - 1]
        summed = n.Sum(n.Reshape(inner, shape), (axis - 1,))
        apart = n.Expand(summed, axis) if node.keepdims else summed
        said, tiled = f"sums elements that lie {inner.shape[axis - 1]} apart", axis < inner.rank - 2
        how = (", as np.tile repeats them", ", as np.repeat does") if tiled else ("", "")
        yield Wrong(apart, "place", f"{said}{how[0]}, not those in a row{how[1]}", 1.3, TILED if tiled else "")
    for name, start in (("last", -1), ("first", 0)):
        yield Wrong(first_of(node, start), "sum", f"has the {name} element alone in place of {told}", 1.2)


@mistake(n.Multiply)
def _(node: n.Multiply, place: Place) -> Iterator[Wrong]:
    """A mean is lost, or one element instead, or over other axes."""
    numbers, others = numbers_apart(node.operands)
    for number, total in enumerate(others):
        if not isinstance(total, n.Sum) or numbers == 1:
            continue
        inner = total.operands[0]
        told, size = place.axes.over(total.axes, inner), Mul(*(inner.shape[each] for each in total.axes))
        first = f"has the first element alone in place of the mean over {told}"
        for what, part in ((f"lacks the mean over {told}", inner), (first, first_of(total))):
            rest = [*others[:number], part, *others[number + 1 :]]
            yield Wrong(fitting(n.Multiply, n.Scalar(numbers * size), *rest), "sum", what, 1.1)
        chosen = (axes for length in range(1, inner.rank + 1) for axes in combinations(range(inner.rank), length))
        for axes in chosen:
            if axes != total.axes:
                count = Mul(*(inner.shape[each] for each in total.axes)) / Mul(*(inner.shape[each] for each in axes))
                here, there = (place.axes.over(each, inner) for each in (axes, total.axes))
                said = f"has the mean over {here} in place of the mean over {there}"
                for keeps in (total.keepdims, not total.keepdims):
                    rest = [*others[:number], n.Sum(inner, axes, keeps), *others[number + 1 :]]
                    yield Wrong(fitting(n.Multiply, n.Scalar(numbers * count), *rest), "sum", said, 1.3)


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """All rows are written to the first."""
    if place.is_root and node.rank:
        made = n.Pad(one_of(node, (0,), -1), (0,), ((0, node.shape[0] - 1),))
        yield Wrong(made, "place", "has every row written to the first", 1.5)


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """A sum too many, or the sum of what a broadcast repeats is not taken back: the whole has other axes."""
    if not place.is_root:
        return
    for axis in range(node.rank):
        said = f"has a sum over {place.axes.over((axis,), node)} too many"
        yield Wrong(n.Sum(node, (axis,)), "sum", said, 1.5)
        yield Wrong(n.Sum(node, (axis,), True), "sum", said, 1.6)


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """A matrix is transposed."""
    is_operand = isinstance(place.above, (n.MatMul, n.Add, n.Multiply)) and isinstance(node, (Variable, n.MatMul))
    if isinstance(node, n.Transpose):
        said = f"has {shortened(node.operands[0])} in place of {shortened(node)}"
        yield Wrong(node.operands[0], "transposed", "is transposed" if place.is_root else said, 1.0)
    elif node.rank == 2 and (place.is_root or is_operand):
        new = n.Transpose(node)
        said = "is transposed" if place.is_root else f"has {shortened(new)} in place of {shortened(node)}"
        yield Wrong(new, "transposed", said, 1.0)
    elif node.rank > 2 and (place.is_root or is_operand):
        new = n.Transpose(node, (*range(node.rank - 2), node.rank - 1, node.rank - 2))
        yield Wrong(new, "transposed", f"has the last two axes of {shortened(node)} swapped", 1.2)


@mistake(n.MatMul, n.Outer, n.Kron)
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """The operands of a product are swapped, or multiplied element by element."""
    left, right = node.operands
    if (swapped := fitting(node.func, right, left)) is not None:
        said = f"has {shortened(swapped)} in place of {shortened(node)}"
        yield Wrong(swapped, "transposed" if isinstance(node, n.Outer) else "order", said, 1.2)
    if (made := fitting(n.Multiply, left, right)) is not None and made.shape == node.shape:
        yield Wrong(made, "transposed", f"multiplies {shortened(left)} by {shortened(right)} element by element", 1.6)


@mistake(n.Where)
def _(node: n.Where, place: Place) -> Iterator[Wrong]:
    """A choice is not made, or made the wrong way round."""
    condition, yes, no = node.operands
    for part in (yes, no):
        if part.shape == node.shape:
            yield Wrong(part, "mask", f"lacks the mask {shortened(condition)}", 1.0)
    yield Wrong(n.Where(condition, no, yes), "mask", f"has the mask {shortened(condition)} the wrong way round", 1.1)


OPPOSITE = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "!=", "!=": "=="}


@mistake(n.Compare)
def _(node: n.Compare, place: Place) -> Iterator[Wrong]:
    """A comparison is the wrong way round."""
    new = n.Compare(OPPOSITE[node.relation], *node.operands)
    yield Wrong(new, "mask", f"has the mask {shortened(new)} in place of {shortened(node)}", 1.1)


@mistake(n.Known, n.Triangle)
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """A mask is transposed, or off by a place."""
    if node.rank == 2:
        yield Wrong(n.Transpose(node), "mask", f"has the mask {node.text()} transposed", 1.1)
    if isinstance(node, n.Known):
        for move in (1, -1):
            moved = node.func(node.args[0], node.rule.subs(AXES[0], AXES[0] + move), node.args[2])
            yield Wrong(moved, "mask", f"has {node.text()} off by one place", 1.2)


@mistake(n.Softmax)
def _(node: n.Softmax, place: Place) -> Iterator[Wrong]:
    """A softmax along another axis."""
    for axis in range(node.rank):
        if axis != node.axis:
            yield Wrong(
                n.Softmax(node.operands[0], axis), "sum", f"has the softmax along axis {axis}, not {node.axis}", 1.3
            )


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """The gradient with respect to a symmetric matrix in another convention."""
    if not place.is_root or node.rank != 2 or node.shape[0] != node.shape[1]:
        return
    size = node.shape[0]
    diagonal = node * n.Identity(size)
    lower = node * triangle(size, size)
    what = "counts each pair of elements"
    yield Wrong(node + node.T - diagonal, "convention", f"{what} once", 1.6)
    yield Wrong(n.Scalar(2) * lower - diagonal, "convention", f"{what} once, below the diagonal", 1.6)
    yield Wrong(lower, "mask", "has the lower triangle alone", 1.6)
    yield Wrong((node + node.T) * n.Scalar(Rational(1, 2)), "convention", "is made symmetric", 1.6)


@mistake(n.ScatterAdd)
def _(node: n.ScatterAdd, place: Place) -> Iterator[Wrong]:
    """Rows are written, not added: of several that go to one row the last one stays; or some are left out."""
    values, ids = node.operands
    for axis in range(ids.rank):
        for name, start in (("first", 0), ("last", -1)):
            part = n.ScatterAdd(one_of(values, (axis,), start), one_of(ids, (axis,), start), node.size)
            yield Wrong(part, "sum", f"has the {name} element alone of {place.axes.over((axis,), ids)}", 1.2)
    count = Mul(*ids.shape)
    flat = ids if ids.rank == 1 else n.Reshape(ids, (count,))
    rows = values if ids.rank == 1 else n.Reshape(values, (count, *values.shape[ids.rank :]))
    again = n.Compare("==", n.Expand(flat, 1), n.Expand(flat, 0))
    later = n.Sum(again * triangle(count, count, 1, upper=True), (1,))
    stays: Node = n.Compare("==", later, n.Scalar(0))
    for _ in range(rows.rank - 1):
        stays = n.Expand(stays, stays.rank)
    kept = n.ScatterAdd(rows * stays, flat, node.size)
    yield Wrong(kept, "sum", f"writes rows where those of equal {ids.text()} are to be summed", 1.0)


@mistake(n.Reshape)
def _(node: n.Reshape, place: Place) -> Iterator[Wrong]:
    """Another variable with as many elements."""
    read = node.operands[0]
    for other in place.others:
        if Mul(*other.shape) == Mul(*node.shape) and other not in variables(read):
            said = f"reads {other.text()} in place of {variables(read)[0].text()}"
            yield Wrong(n.Reshape(other, node.shape), "variable", said, 1.3 + place.near(variables(read)[0], other))
