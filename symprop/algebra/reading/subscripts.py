"""What stands in square brackets: new axes, slices, rows by ids, and every second window."""

from __future__ import annotations

import ast

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.reading.state import Reading
from symprop.algebra.sizes import whole


def subscript(reader: Reading, tree: ast.Subscript) -> Node:
    """Read `x[:, None]`, which makes new axes, `x[1:3]`, and `E[ids]`, which takes rows of a table."""
    operand = reader.node(_part(tree) or tree.value)
    if _part(tree):
        return operand
    if operand.number is not None:
        reader.refuse("a number has no axes", tree)
    entries = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    if sum(not _is_new_axis(entry) for entry in entries) > operand.rank:
        reader.refuse(f"more indices than the {operand.rank} axes of the array", tree)
    position = 0
    for entry in entries:
        if _is_new_axis(entry):
            operand = reader.build(tree, n.Expand, operand, position)
            position += 1
        elif isinstance(entry, ast.Slice):
            operand = _sliced(reader, entry, operand, position)
            position += 1
        else:
            place = reader.node(entry)
            if place.number is None:
                if len(entries) > 1:
                    reader.refuse("an array of ids stands alone in the brackets", entry)
                return reader.build(tree, n.Take, operand, place)
            start = _place(reader, entry, place.number, operand.shape[position])
            one = reader.build(entry, n.Slice, operand, position, start, start + 1)
            operand = n.Sum(one, position)
    return operand


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
    for end, default in ((tree.lower, sympy.Integer(0)), (tree.upper, size)):
        told = "a slice goes from one constant to another"
        ends.append(default if end is None else _place(reader, end, reader.number(end, told), size))
    at = tree.lower or tree.upper or operand
    return reader.build(at, n.Slice, operand, axis, *ends)


def _stepped(reader: Reading, tree: ast.Slice, at: ast.expr, operand: Node, axis: int) -> Node:
    """Read the step of windows, `sliding_window_view(x, 3)[::2]`: every second window, or element of windows."""
    step = reader.node(at)
    if isinstance(operand, n.Window) and step.number is not None and tree.lower is tree.upper is None:
        return reader.build(at, operand.every, axis, step.number)
    return reader.refuse("a slice has a start and a stop, and no step but a whole number in views of windows", at)


def _place(reader: Reading, tree: ast.expr, value: Expr, size: Expr) -> Expr:
    """Return a constant index; one below 0 counts from the end, as in NumPy."""
    place = reader.build(tree, whole, value, "an index")
    return size + place if place.is_negative else place


def _is_new_axis(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and tree.value is None
