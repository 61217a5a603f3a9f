"""What stands in square brackets: places, new axes, slices, rows and columns by ids, every second window."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.reading.state import Reading
from symprop.algebra.shapes import same
from symprop.algebra.sizes import whole


@dataclass
class _Ids:
    """Arrays of ids in one pair of brackets, None for a range, and the axis of the first."""

    axis: int = -1
    found: list[tuple[ast.expr, Node | None]] = field(default_factory=list)


def subscript(reader: Reading, tree: ast.Subscript) -> Node:
    """Read `x[0]`, `x[:, None]`, which makes new axes, `x[1:3]`, and `E[ids]`, which takes rows of a table."""
    operand = reader.node(_part(tree) or tree.value)
    if _part(tree):
        return operand
    if operand.number is not None:
        reader.refuse("a number has no axes", tree)
    entries = _entries(reader, tree, operand.rank)
    position, ids = 0, _Ids()
    for entry in entries:
        if _is_new_axis(entry):
            operand = reader.build(tree, n.Expand, operand, position)
            position += 1
        elif isinstance(entry, ast.Slice):
            operand = _sliced(reader, entry, operand, position)
            position += 1
        else:
            place = None if _is_range(entry) else reader.node(entry)
            if place is not None and place.rank == 0:
                operand = _one_place(reader, tree, entry, operand, position, place)
            else:
                ids.axis = position if ids.axis < 0 else ids.axis
                ids.found.append((entry, place))
                position += 1
    chosen = [place for place, entry in enumerate(entries) if not (isinstance(entry, ast.Slice) or _is_new_axis(entry))]
    apart = len(ids.found) > 2 or chosen[-1:] != [place + len(chosen) - 1 for place in chosen[:1]]
    if ids.found and (apart or any(map(_is_new_axis, entries))):
        reader.refuse("places and ids, of which two at most are arrays, stand side by side, such as A[i, j]", tree)
    return _selected(reader, tree, operand, ids) if ids.found else operand


def _entries(reader: Reading, tree: ast.Subscript, rank: int) -> list[ast.expr]:
    """Return what stands between the commas; `...` is as many whole axes as are left."""
    entries = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    left = rank - sum(not (_is_new_axis(entry) or _is_rest(entry)) for entry in entries)
    if left < 0:
        reader.refuse(f"more indices than the {rank} axes of the array", tree)
    if sum(map(_is_rest, entries)) > 1 or (len(entries) == 1 and _is_rest(entries[0])):
        reader.refuse("'...' stands once in brackets, beside places; alone it is not part of a formula", tree)
    whole_axes: list[ast.expr] = [ast.Slice()] * left
    return [each for entry in entries for each in (whole_axes if _is_rest(entry) else [entry])]


def _one_place(reader: Reading, tree: ast.Subscript, entry: ast.expr, operand: Node, axis: int, place: Node) -> Node:
    """Read `x[0]`, `x[-1]`, or `x[i]` by an id."""
    if place.number is None:
        return reader.build(tree, _taken, operand, axis, place)
    start = _place(reader, entry, place.number, operand.shape[axis])
    return n.Sum(reader.build(entry, n.Slice, operand, axis, start, start + 1), axis)


def _taken(operand: Node, axis: int, ids: Node) -> Node:
    """Return what ids select along an axis; the axes of the ids take its place."""
    before = (axis, *(each for each in range(operand.rank) if each != axis))
    taken = n.Take(operand.permuted(before), ids)
    moved = list(range(ids.rank, ids.rank + axis)) + list(range(ids.rank))
    return taken.permuted((*moved, *range(ids.rank + axis, taken.rank)))


def _selected(reader: Reading, tree: ast.Subscript, operand: Node, ids: _Ids) -> Node:
    """Read `E[i]`, `X[:, i]`, and `P[i, j]` or `P[arange(m), j]`, which takes one element of each row."""
    axis, (entry, first) = ids.axis, ids.found[0]
    if len(ids.found) == 1:
        if first is None:
            reader.refuse("a range of ids stands before ids, such as P[arange(m), y]; write x[:m] for a part", entry)
        return reader.build(tree, _taken, operand, axis, first)
    at, second = ids.found[1]
    if not isinstance(second, n.Variable) or second.rank != 1 or (first is not None and first.rank != 1):
        reader.refuse("ids side by side are two vectors, or a range and a vector that is declared: P[arange(m), y]", at)
    count = _length(reader, entry) if first is None else first.shape[0]
    if first is not None:
        operand = reader.build(entry, _taken, operand, axis, first)
    if not (same(count, second.shape[0]) and same(count, operand.shape[axis])):
        reader.refuse(f"{operand.shape[axis]} rows, {count} and {second.shape[0]} ids do not fit", tree)
    chosen: Node = n.OneHot(second, operand.shape[axis + 1])
    for place in range(2, operand.rank - axis):
        chosen = n.Expand(chosen, place)
    return n.Sum(reader.build(tree, n.Multiply, chosen, operand), axis + 1)


def _length(reader: Reading, tree: ast.expr) -> Expr:
    """Return `m` of `arange(m)`."""
    arguments = tree.args if isinstance(tree, ast.Call) and not tree.keywords else []
    if len(arguments) != 1:
        reader.refuse("a range of ids is arange(m), all rows in their order", tree)
    return reader.build(tree, whole, reader.number(arguments[0], "arange takes a size"), "a size", True)


def _part(tree: ast.Subscript) -> ast.Call | None:
    """Return the call of a function that gives several arrays, `eigh(A)[1]`, told which; None for all else."""
    match tree:
        case ast.Subscript(ast.Call(ast.Name("eigh" | "svd")) as call, ast.Constant(int())):
            if not any(keyword.arg == "compute_uv" for keyword in call.keywords):
                part = ast.keyword("part", tree.slice)
                return ast.copy_location(ast.Call(call.func, call.args, [*call.keywords, part]), call)
    return None


def _sliced(reader: Reading, tree: ast.Slice, operand: Node, axis: int) -> Node:
    """Read one `start:stop`; what is not given is the whole axis."""
    if tree.step is not None:
        return _stepped(reader, tree, tree.step, operand, axis)
    if tree.lower is None and tree.upper is None:
        return operand
    size = operand.shape[axis]
    ends = []
    for end, default in ((tree.lower, Integer(0)), (tree.upper, size)):
        told = "a slice goes from one constant to another"
        ends.append(default if end is None else _place(reader, end, reader.number(end, told), size))
    at = tree.lower or tree.upper or operand
    return reader.build(at, n.Slice, operand, axis, *ends)


def _stepped(reader: Reading, tree: ast.Slice, at: ast.expr, operand: Node, axis: int) -> Node:
    """Read a step: `x[::-1]` in reverse order, `sliding_window_view(x, 3)[::2]`, every second window."""
    step = reader.node(at)
    if step.number is not None and tree.lower is tree.upper is None:
        if step.number == -1:
            return reader.build(at, n.Flip, operand, axis)
        if isinstance(operand, n.Window):
            return reader.build(at, operand.every, axis, step.number)
    return reader.refuse("a slice has a start and a stop, and no step but -1, or a whole number in windows", at)


def _place(reader: Reading, tree: ast.expr, value: Expr, size: Expr) -> Expr:
    """Return a constant index; one below 0 counts from the end, as in NumPy."""
    place = reader.build(tree, whole, value, "an index")
    return size + place if place.is_negative else place


def _is_new_axis(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and tree.value is None


def _is_rest(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and tree.value is Ellipsis


def _is_range(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in {"arange", "range"}
