"""Elements that stand in other places: the index of each in the operand, as source."""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.trees import walk
from symprop.codegen.kinds import Copy
from symprop.codegen.targets.code import number
from symprop.codegen.targets.numba.loop_elements import LOOPS, Indices, Loops, named
from symprop.codegen.targets.numpy.source import numpy_source
from symprop.codegen.views import one_place


@LOOPS.row(n.Structural)
def _(loops: Loops, node: n.Structural, at: Indices) -> Node:
    moved, operand = node.index_map, node.operands[0]
    place = [_affine(moved.terms(axis), moved.offset(axis), at) for axis in range(operand.rank)]
    ends = {axis: number(moved.source[axis]).text for axis in moved.leaving}
    guards = [f"0 <= {place[axis]} < {end}" for axis, end in ends.items()]
    if not _reads_alone(operand):
        for axis, end in ends.items():
            place[axis] = _inside(place[axis], end)
    element = loops.element(operand, tuple(place))
    if not guards:
        return element
    return named(f"({numpy_source(element)} if {' and '.join(guards)} else DTYPE({number(moved.outside).text}))")


def _reads_alone(node: Node) -> bool:
    """Whether an element is read where it stands; sums are accumulated before, wherever the place is."""
    kinds = (n.Leaf, n.Elementwise, n.Structural, n.Reshape)
    return all(isinstance(part, kinds) for part in walk(node))


def _inside(place: str, end: str) -> str:
    return f"min(max({place}, 0), {_factor(end)} - 1)"


def _affine(terms: Iterable[tuple[int, Expr]], offset: Expr, at: Indices) -> str:
    """Return a place as source: a term for each index, and the offset where it is not 0."""
    text = ""
    for k, coefficient in terms:
        factor = "" if abs(coefficient) == 1 else f"{number(abs(coefficient)).text} * "
        term = f"{factor}{_factor(at[k]) if factor or coefficient < 0 else at[k]}"
        text = (
            f"{text} + {term}" if text and coefficient > 0 else f"{text} - {term}".strip() if coefficient < 0 else term
        )
    if offset == 0 and text:
        return text
    if text.startswith("-"):  # the offset first: n - 1 - i
        return f"{number(offset).text} {text}"
    return (
        f"{text} - {number(-offset).text}"
        if offset.is_negative and text
        else f"{text} + {number(offset).text}".removeprefix(" + ")
    )


@LOOPS.row(n.Fold)
def _(loops: Loops, node: n.Fold, at: Indices) -> Node:
    windows = node.unfolded

    def step(name: str, inner: Indices) -> str:
        place, guards = list(at), []
        for k, (axis, _, stride, dilation) in zip(inner, node.steps, strict=True):
            moved = f"{at[axis]} - {k}" if dilation == 1 else f"{at[axis]} - {dilation} * {k}"
            guards.append(f"0 <= {moved} < {number(stride * (windows.shape[axis] - 1) + 1).text}")
            place[axis] = moved
            if stride > 1:
                guards.append(f"({moved}) % {stride} == 0")
                place[axis] = f"({moved}) // {stride}"
            if not _reads_alone(node.operands[0]):
                place[axis] = _inside(place[axis], number(windows.shape[axis]).text)
        return f"{name} += {loops.text(node.operands[0], (*place, *inner))} if {' and '.join(guards)} else DTYPE(0)"

    return loops.total("DTYPE(0)", windows.shape[node.rank :], step)


@LOOPS.row(n.Concatenate)
def _(loops: Loops, node: n.Concatenate, at: Indices) -> Node:
    before, ends, pieces = sympy.Integer(0), [], []
    for part in node.operands:
        moved = _affine([(node.axis, sympy.Integer(1))], -before, at)
        before += part.shape[node.axis]
        ends.append(number(before).text)
        pieces.append(loops.text(part, (*at[: node.axis], moved, *at[node.axis + 1 :])))
    text = pieces[-1]
    for piece, end in zip(pieces[-2::-1], ends[-2::-1], strict=True):
        text = f"({piece} if {at[node.axis]} < {end} else {text})"
    return named(text)


@LOOPS.row(n.Reshape)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    if (found := one_place(node)) is not None:
        whole, axis, index = found
        return loops.element(whole, (*at[:axis], number(index).text, *at[axis:]))
    operand = node.operands[0]
    kept = 0
    while kept < min(node.rank, operand.rank) and node.shape[kept] == operand.shape[kept]:
        kept += 1
    tail = 0
    while tail < min(node.rank, operand.rank) - kept and node.shape[-1 - tail] == operand.shape[-1 - tail]:
        tail += 1
    flat, end, last = "", node.rank - tail, operand.rank - tail
    for index, size in zip(at[kept:end], node.shape[kept:end], strict=True):
        flat = f"{_product(flat, size)} + {index}" if flat else index
    inner: list[str] = []
    for place in range(kept, last):
        rest: Expr = sympy.prod(operand.shape[place + 1 : last], start=sympy.Integer(1))
        index = flat or "0"
        if operand.shape[place] != 1 and flat:
            index = flat if rest == 1 else f"{_factor(flat)} // {_factor(number(rest).text)}"
            index = index if place == kept else f"{_factor(index)} % {_factor(number(operand.shape[place]).text)}"
        inner.append(index if operand.shape[place] != 1 else "0")
    return loops.element(operand, (*at[:kept], *inner, *at[end:]))


def _product(index: str, size: Expr) -> str:
    return f"{_factor(index)} * {_factor(number(size).text)}"


def _factor(text: str) -> str:
    return text if text.isalnum() else f"({text})"


@LOOPS.row(Copy)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    return loops.element(node.operands[0], at)


@LOOPS.row(n.Take)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    table, ids = node.operands
    return loops.element(table, (loops.text(ids, at[: ids.rank]), *at[ids.rank :]))


@LOOPS.row(n.OneHot)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    return named(f"({loops.text(node.operands[0], at[:-1])} == {at[-1]})")


__all__ = ["LOOPS", "Loops"]
