"""Pools: the largest or the sum of each window of images, and what goes back to where it came from.

Kinds for one helper each, and the passes that find them: no array holds all windows.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Self

from sympy import Expr, Integer, Tuple, oo
from sympy.core.symbol import Str

from symprop.algebra import nodes as n
from symprop.algebra.nodes import SHAPE, Node, Scalar
from symprop.algebra.shapes import Shape
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import factors_of, multiplied, variables
from symprop.codegen.faster import rectified
from symprop.codegen.kinds import MEANING, OfPrograms
from symprop.codegen.patch_products import unpadded
from symprop.codegen.patches import PatchAxis
from symprop.codegen.program import Emit, Names, Program, Statement, Why, rewritten
from symprop.codegen.stable import everywhere


class OfWindows(OfPrograms):
    """Abstract: made from the windows of images along their places."""

    def __new__(cls, images: Node, *more: Any) -> Self:
        return super().__new__(cls, images, *more)

    @property
    def lies(self) -> tuple[PatchAxis, ...]:
        return tuple(PatchAxis(*map(int, each)) for each in self.args[1])


class Pooled(OfWindows):
    """The largest ("max") element or the sum ("sum") of each window; beyond the ends stand −∞ or zeros."""

    @property
    def which(self) -> str:
        return self.args[2].name


class ToFirst(OfWindows):
    """What comes back to each window, at the first of its largest elements: `ToFirst(images, lies, largest, back)`."""


class ToAll(OfWindows):
    """What comes back to each window, at all its elements, added up: `ToAll(back, lies, lengths)`."""


@SHAPE.row(Pooled)
def _(node: Pooled) -> Shape:
    images = node.operands[0].shape
    places = tuple(lie.count(length) for lie, length in zip(node.lies, images[1:], strict=False))
    return (images[0], *places, images[-1])


@SHAPE.row(ToFirst)
def _(node: ToFirst) -> Shape:
    return node.operands[0].shape


@SHAPE.row(ToAll)
def _(node: ToAll) -> Shape:
    back = node.operands[0].shape
    return (back[0], *node.args[2].args, back[-1])


def windows(images: Node, lies: tuple[PatchAxis, ...], outside: Any) -> n.Window:
    """Return the windows as the algebra writes them."""
    axes = tuple(range(1, len(lies) + 1))
    padded = n.Pad(images, axes, [(lie.before, lie.after) for lie in lies], outside)
    return n.Window(padded, axes, *zip(*((lie.size, lie.stride, lie.dilation) for lie in lies), strict=True))


@MEANING.row(Pooled)
def _(node: Pooled) -> Node:
    images = node.operands[0]
    seen = windows(images, node.lies, -oo if node.which == "max" else 0)
    inside = tuple(range(images.rank, seen.rank))
    return n.Extreme(seen, inside, False, "max", "first") if node.which == "max" else n.Sum(seen, inside)


@MEANING.row(ToFirst)
def _(node: ToFirst) -> Node:
    images, _, back = node.operands
    seen = windows(images, node.lies, -oo)
    inside = tuple(range(images.rank, seen.rank))
    return _folded(n.Multiply(_beside(back, len(inside)), n.First(seen, inside)), node.lies, images.shape)


@MEANING.row(ToAll)
def _(node: ToAll) -> Node:
    ones = n.Fill(1, (*node.operands[0].shape, *(lie.size for lie in node.lies)))
    return _folded(n.Multiply(_beside(node.operands[0], len(node.lies)), ones), node.lies, node.shape)


def _beside(back: Node, count: int) -> Node:
    for _ in range(count):
        back = n.Expand(back, back.rank)
    return back


def _folded(spread: Node, lies: tuple[PatchAxis, ...], shape: Shape) -> Node:
    axes = tuple(range(1, len(lies) + 1))
    lengths = [lie.framed(length) for lie, length in zip(lies, shape[1:], strict=False)]
    sizes, strides, dilations = zip(*((lie.size, lie.stride, lie.dilation) for lie in lies), strict=True)
    folded: Node = n.Fold(spread, axes, sizes, strides, dilations, lengths)
    for axis, lie in zip(axes, lies, strict=True):
        folded = n.Slice(folded, axis, lie.before, lie.before + shape[axis])
    return folded


# ---------------------------------------------------------------- finding them


def found_windows(node: Node, outside: Expr) -> tuple[Node, Tuple] | None:
    """Return of which images a node holds the windows, along all their places, and how these lie; None of others."""
    if not isinstance(node, n.Window) or node.axes != tuple(range(1, node.operands[0].rank - 1)):
        return None
    images, widths = unpadded(node.operands[0], outside)
    numbers = [*node.args[2].args, *(width for pair in widths for width in pair)]
    if not all(each.is_Integer for each in numbers) or any(step[3] > 1 for step in node.steps):
        return None
    if any(width != 0 for width in (*widths[0], *widths[-1])):
        return None
    steps = zip(node.steps, widths[1:-1], strict=True)
    return images, packed(PatchAxis(int(size), int(a), int(b), stride) for (_, size, stride, _), (a, b) in steps)


def packed(lies: Any) -> Tuple:
    return Tuple(*(Tuple(*map(Integer, vars(lie).values())) for lie in lies))


def pools(program: Program) -> Program:
    """Take the largest or the sum of each window, and give back to it, without an array of all windows."""
    largest: dict[Node, Node] = {}

    def change(statement: Statement, emit: Emit) -> Statement:
        def rule(node: Node) -> Node | None:
            return _pooled(node) or _to_first(node, largest) or _to_all(node)

        done = statement.with_expression(everywhere(statement.expression, rule))
        if isinstance(done.expression, Pooled):
            largest[done.expression] = done.target
        return done

    return rewritten(program, change)


@for_kinds(n.Extreme, n.Sum)
def _pooled(node: n.Extreme | n.Sum) -> Node | None:
    which = "sum" if isinstance(node, n.Sum) else node.which
    found = found_windows(node.operands[0], Integer(0) if which == "sum" else -oo)
    if found is None or which == "min" or node.axes != tuple(range(found[0].rank, node.operands[0].rank)):
        return None
    pooled = Pooled(*found, Str(which))
    return n.Reshape(pooled, node.shape) if node.keepdims else pooled


def _fold(node: Node) -> tuple[n.Fold, list[Expr]] | None:
    """Return what is folded and where the slice of it starts, along each axis."""
    starts: list[Expr] = [Integer(0)] * node.rank
    while isinstance(node, n.Slice):
        starts[node.axis] += node.start
        node = node.operands[0]
    return (node, starts) if isinstance(node, n.Fold) and node.axes == tuple(range(1, node.rank - 1)) else None


def _lies(node: Node, fold: n.Fold, starts: list[Expr]) -> tuple[PatchAxis, ...] | None:
    lies = []
    for axis, size, stride, dilation in fold.steps:
        after = fold.shape[axis] - starts[axis] - node.shape[axis]
        if dilation > 1 or not (size.is_Integer and starts[axis].is_Integer and after.is_Integer):
            return None
        lies.append(PatchAxis(int(size), int(starts[axis]), int(after), stride))
    return tuple(lies)


@for_kinds(n.Slice, n.Fold)
def _to_first(node: Node, largest: dict[Node, Node]) -> Node | None:
    found = _fold(node)
    if found is None:
        return None
    fold, starts = found
    factors = factors_of(fold.operands[0])
    firsts = [each for each in factors if isinstance(each, n.First) and each.which == "max"]
    seen = None if len(firsts) != 1 else found_windows(firsts[0].operands[0], -oo)
    if seen is None or seen[0].shape != node.shape or packed(_lies(node, fold, starts) or ()) != seen[1]:
        return None
    back = _windowwise([each for each in factors if each not in firsts], node.rank)
    pooled = largest.get(Pooled(*seen, Str("max")))
    return None if back is None or pooled is None else ToFirst(*seen, pooled, back)


@for_kinds(n.Slice, n.Fold)
def _to_all(node: Node) -> Node | None:
    if isinstance(node, n.Slice) and isinstance(node.operands[0], ToAll):
        return _cropped(node, node.operands[0])
    found = _fold(node)
    lies = None if found is None else _lies(node, *found)
    if found is None or lies is None:
        return None
    back = _windowwise(factors_of(found[0].operands[0]), node.rank)
    return None if back is None else ToAll(back, packed(lies), Tuple(*node.shape[1:-1]))


def _cropped(node: n.Slice, back: ToAll) -> Node | None:
    place = node.axis - 1
    if not 0 <= place < len(back.lies) or not node.start.is_Integer:
        return None
    lies, lengths = list(back.lies), list(back.args[2].args)
    after = lies[place].after + lengths[place] - node.stop
    lies[place] = dataclasses.replace(lies[place], before=lies[place].before + int(node.start), after=int(after))
    lengths[place] = node.stop - node.start
    return ToAll(back.operands[0], packed(lies), Tuple(*lengths))


def _windowwise(factors: Any, rank: int) -> Node | None:
    """Return a product that is the same for all elements of a window, without their axes; None where it is not."""
    found: list[Node] = []
    for each in factors:
        if isinstance(each, n.Fill) and each.value == 1:
            continue
        if 0 < each.rank <= rank:
            return None  # NumPy lines axes up from the last: it is not the same for all elements
        while each.rank > rank and isinstance(each, (n.Expand, n.Reshape)) and each.shape[-1] == 1:
            inner = each.operands[0]
            each = inner if inner.shape == each.shape[:-1] else n.Reshape(inner, each.shape[:-1])
        if each.rank > rank:
            return None
        found.append(each)
    return multiplied(found) if found else None


def rectified_pools(program: Program) -> Program:
    """Take the largest of each window before a ReLU, which then has fewer numbers to look at, and so on the way back.

    `max(relu(z)) = relu(max(z))`, and where that is 0 nothing comes back.
    """
    names = Names(program.names)
    done: dict[Node, tuple[Node, Node]] = {}

    def change(statement: Statement, emit: Emit) -> Statement:
        expression = statement.expression
        if isinstance(expression, Pooled) and (z := _rectified(program, expression)) is not None:
            inner = Pooled(z, *expression.args[1:])
            name = names.new("largest", inner, statement.target.index)
            relu = next(each for each in program.statements if each.target == expression.operands[0])
            order = f"({statement.number}) before ({relu.number})" if relu.number else "the largest first"
            why = Why(f"{order}, so that ReLU has fewer numbers: max(relu(z)) = relu(max(z))")
            emit(Statement(name, inner, whys=(why,)))
            done[expression.operands[0]] = (z, statement.target)
            return statement.with_expression(n.Where(n.Compare(">", name, Scalar(0)), name, Scalar(0)))
        return statement.with_expression(everywhere(expression, lambda node: _gated(node, done)))

    return rewritten(program, change)


@for_kinds(n.Multiply)
def _gated(node: n.Multiply, done: dict[Node, tuple[Node, Node]]) -> Node | None:
    for back in node.operands:
        if isinstance(back, ToFirst) and back.operands[0] in done:
            (z, pooled), gate = done[back.operands[0]], n.Compare(">", back.operands[0], Scalar(0))
            inner = n.Multiply(back.operands[2], n.Compare(">", pooled, Scalar(0)))
            new = ToFirst(z, back.args[1], back.operands[1], inner)
            return multiplied([each for each in node.operands if each not in (back, gate)] + [new])
    return None


def _rectified(program: Program, pooled: Pooled) -> Node | None:
    """Return of what a pool reads the ReLU, where nothing else reads that but its slope."""
    a = pooled.operands[0]
    z = next((rectified(each.expression) for each in program.statements if each.target == a), None)
    if z is None or pooled.which != "max":
        return None
    gate, count = n.Compare(">", a, Scalar(0)), 0
    for statement in program.statements:
        if a not in statement.reads or statement.expression == pooled:
            continue
        parts = factors_of(statement.expression)
        backs = [part for part in parts if isinstance(part, ToFirst) and part.operands[0] == a]
        rest = [part for part in parts if part not in (*backs, gate)]
        if len(backs) != 1 or gate not in parts or any(a in variables(part) for part in (*rest, backs[0].operands[2])):
            return None
        count += 1
    return z if count <= 1 else None


__all__ = ["OfWindows", "Pooled", "ToAll", "ToFirst", "pools", "rectified_pools"]
