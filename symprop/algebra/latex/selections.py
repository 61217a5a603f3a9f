r"""Convolutions and pools in LaTeX as our pages write them: `\sum_k S_k X W_k^\top`, over matrices of pixels.

An image, or a batch of them, is the matrix of its pixels, and `S_k` at the offset `k` of a kernel selects for each
window the pixel at this offset: `S_k X` has windows, `\sum_k S_k^\top D` a fold. Which windows they are is known from
the equations that have them.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Integer, Mul, cancel

from symprop.algebra import nodes as n
from symprop.algebra.inference.unknown_sizes import Misfit
from symprop.algebra.latex.elaboration import Elaboration
from symprop.algebra.latex.names import Found
from symprop.algebra.latex.pixels import without_single
from symprop.algebra.latex.powers import raised, transposed
from symprop.algebra.latex.products import aligned, as_matrix, times
from symprop.algebra.latex.trees import Tex, walk
from symprop.algebra.latex.values import Value, called, located, shape_of
from symprop.algebra.nodes import Node
from symprop.algebra.trees import walk as parts_of
from symprop.errors import FormulaError, ShapeError


@dataclass(frozen=True)
class Geometry:
    """Where the windows of one selection lie: sizes along each axis, and what stands outside of the array."""

    sizes: tuple[Expr, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    counts: tuple[Expr, ...]  # of windows
    lengths: tuple[Expr, ...]  # of the array
    before: tuple[Expr, ...]
    outside: Expr

    @property
    def offsets(self) -> Expr:
        return Mul(*self.sizes)

    @property
    def widths(self) -> list[tuple[Expr, Expr]]:
        """How many places stand before and behind the array along each axis."""
        covered = [
            (count - 1) * stride + (size - 1) * dilation + 1
            for count, size, stride, dilation in zip(self.counts, self.sizes, self.strides, self.dilations, strict=True)
        ]
        behind = [whole - low - length for whole, low, length in zip(covered, self.before, self.lengths, strict=True)]
        return [(low, Integer(0) if high.is_negative else high) for low, high in zip(self.before, behind, strict=True)]

    def windows(self, node: Node, leading: int) -> Node:
        """Return what a matrix of pixels behind `leading` axes has at each offset, which is the first axis."""
        before, (rows, *rest) = node.shape[:leading], node.shape[leading:]
        many = cancel(rows / Mul(*self.lengths))
        images = n.Reshape(node, (*before, many, *self.lengths, *rest))
        axes = tuple(range(leading + 1, leading + 1 + len(self.sizes)))
        found: Node = n.Window(
            n.Pad(images, axes, self.widths, self.outside), axes, self.sizes, self.strides, self.dilations
        )
        order = (*range(images.rank, found.rank), *range(images.rank))
        return n.Reshape(n.Transpose(found, order), (self.offsets, *before, many * Mul(*self.counts), *rest))

    def folded(self, node: Node, leading: int) -> Node:
        """Return the sum over the first axis, that of offsets, of what each window gives back to its pixels."""
        before, (rows, *rest) = node.shape[1:leading], node.shape[leading:]
        many = cancel(rows / Mul(*self.counts))
        windows = n.Reshape(node, (*self.sizes, *before, many, *self.counts, *rest))
        axes = tuple(range(leading, leading + len(self.sizes)))
        order = (*range(len(self.sizes), windows.rank), *range(len(self.sizes)))
        whole = [sum(pair, length) for pair, length in zip(self.widths, self.lengths, strict=True)]
        found: Node = n.Fold(n.Transpose(windows, order), axes, self.sizes, self.strides, self.dilations, whole)
        for axis, start, length in zip(axes, self.before, self.lengths, strict=True):
            found = n.Slice(found, axis, start, start + length)
        return n.Reshape(found, (*before, many * Mul(*self.lengths), *rest))


def geometry(node: n.Windowed, chosen: n.Selection) -> Geometry:
    """Return where windows lie that have a name."""
    operand = node.operands[0]
    array = operand if isinstance(node, n.Fold) else node
    _, sizes, strides, dilations = (tuple(each) for each in zip(*node.steps, strict=True))
    outside = operand.value if isinstance(operand, n.Pad) else Integer(0)
    counts = tuple(array.shape[axis] for axis in node.axes)
    return Geometry(sizes, strides, dilations, counts, chosen.lengths, chosen.before, outside)


def selections_of(formulas: Sequence[Node]) -> tuple[Node, ...]:
    """Return the windows with a name in some formulas, one for each name; those that say what is outside first."""
    found = [part for each in formulas for part in parts_of(each) if isinstance(part, n.Windowed) and part.selection]
    return tuple(sorted(dict.fromkeys(found), key=lambda part: not isinstance(part.operands[0], n.Pad)))


def offsets_in(e: Elaboration, tree: Tex) -> dict[str, Geometry]:
    """Return the letters that stand for an offset, each with the windows that it is of."""
    found: dict[str, Geometry] = {}
    for part in walk(tree):
        name = e.names.find(part) if part.kind == "name" else None
        if name is not None and isinstance(name.what, n.Windowed) and (chosen := name.what.selection) is not None:
            found.update(dict.fromkeys(name.indices, geometry(name.what, chosen)))
    return found


# ---------------------------------------------------------------- selections in products


def selection(e: Elaboration, tree: Tex, found: Found) -> Value:
    """Return `S_k` alone, which means something before a matrix of pixels."""
    what, letters = found.what, found.indices
    chosen = what.selection if isinstance(what, n.Windowed) else None
    if not isinstance(what, n.Windowed) or chosen is None or len(letters) != 1 or letters[0] not in e.labels:
        told = r"a selection has one index, the offset that a sum is over: \sum_k S_{1,k} x"
        e.refuse(told, tree.start, tree.end)
    where, letter = geometry(what, chosen), letters[0]
    try:
        e.sizes.same(e.labels[letter], where.offsets)
    except Misfit:
        told = (
            f"{letter} goes over {e.sizes.value(e.labels[letter])} places, this selection has {where.offsets} offsets"
        )
        e.refuse(told, tree.start, tree.end, ShapeError)
    alone = _unfinished(e, Pending(where, letter), tree.start, tree.end)
    return raised(e, replace(alone, labels=(letter,)), found.above)


@dataclass(frozen=True)
class Pending:
    """A selection at an offset that waits for what is behind it, and one turned round for the sum over the offset."""

    where: Geometry
    letter: str
    turned: bool = False
    inner: Value | None = None

    @property
    def transposed(self) -> Pending:
        return replace(self, turned=not self.turned)


def _unfinished(e: Elaboration, pending: Pending, start: int, end: int) -> Value:
    def refused(*_: Node) -> Node:
        raise FormulaError("a selection S_k stands before a matrix of pixels, its transpose below a sum over k")

    e.functions["zz_selection"] = refused
    return Value(located(called("zz_selection"), start, end), (), start, end, pending=pending)


def met(e: Elaboration, values: list[Value], signs: list[str]) -> tuple[list[Value], list[str]]:
    """Return the factors of a product with each selection times what is behind it."""
    values, signs = list(values), list(signs)
    for place in reversed(range(len(values) - 1)):
        if values[place].pending is not None and signs[place] in ("", "cdot"):
            values[place : place + 2] = [selected(e, *values[place : place + 2])]
            del signs[place]
    return values, signs


def selected(e: Elaboration, left: Value, right: Value) -> Value:
    """Return a selection times what is behind it."""
    pending: Pending = left.pending
    rows = pending.where.counts if pending.turned else pending.where.lengths
    at = left.start, right.end
    right = as_matrix(right) if right.kind == "r" else right
    right = without_single(right) if right.rank > 2 and not right.labels else right
    if right.rank > 2 or right.kind not in ("m", "c") or right.pending is not None:
        e.refuse(f"a selection stands before a matrix of pixels; {e.shapes((right,))}", *at, ShapeError)
    if right.ones:  # of one image
        e.same(right.shape[0], Mul(*rows), right, "a selection has a column for each pixel")
    if pending.turned:
        shape = (_rows(e, right, rows, pending.where.lengths), *right.shape[1:])
        labels = tuple(dict.fromkeys((pending.letter, *right.labels)))
        waiting = _unfinished(e, replace(pending, inner=right), *at)
        return replace(waiting, shape=shape, labels=labels)
    if pending.letter in right.labels:
        e.refuse("a selection stands before what has its offset", *at)
    leading = len(right.labels)
    name = f"zz_windows{len(e.functions)}"
    e.functions[name] = lambda node: pending.where.windows(node, leading)
    shape = (_rows(e, right, rows, pending.where.counts), *right.shape[1:])
    made = located(called(name, right.tree), *at)
    return Value(made, shape, *at, labels=(pending.letter, *right.labels))


def _rows(e: Elaboration, value: Value, rows: tuple[Expr, ...], others: tuple[Expr, ...]) -> Expr:
    """How many rows there are of other pixels, for as many images."""
    many = cancel(e.sizes.value(value.shape[0]) / Mul(*rows))
    if not many.is_polynomial() or any(not each.is_Integer for each in many.as_coefficients_dict().values()):
        e.refuse(f"these are not the pixels of a selection: {e.shapes((value,))}", value.start, value.end, ShapeError)
    return many * Mul(*others)


def behind(e: Elaboration, left: Value, right: Value, sign: str) -> Value:
    """Return a turned selection times more: `(S_k' D) W` is `S_k' (D W)`; numbers before it likewise."""
    pending = left.pending if left.pending is not None else right.pending
    if pending.inner is None:
        e.refuse(_ALONE, left.start, right.end)
    if left.pending is None and left.rank:  # x' S_k' D is (S_k x)' D
        alone = _unfinished(e, Pending(pending.where, pending.letter), right.start, right.end)
        return times(e, transposed(e, selected(e, alone, transposed(e, left))), pending.inner, sign)
    first, second = (pending.inner, right) if left.pending is not None else (left, pending.inner)
    alone = _unfinished(e, replace(pending, inner=None), left.start, left.end)
    return selected(e, alone, times(e, first, second, sign))


_ALONE = r"a selection stands before a matrix of pixels: \sum_k S_k x, or \sum_k S_k^\top D"


def folded(e: Elaboration, value: Value, letters: Sequence[str]) -> Value:
    r"""Return `\sum_k S_k^\top D_k`, where the sum is over `letters`."""
    pending: Pending = value.pending
    inner = pending.inner
    if inner is None:
        e.refuse(_ALONE, value.start, value.end)
    if list(letters) != [pending.letter]:
        told = f"a selection that is turned round stands below a sum over its offset {pending.letter} alone"
        e.refuse(told, value.start, value.end)
    labels = tuple(label for label in inner.labels if label != pending.letter)
    if pending.letter in inner.labels:
        tree = aligned(inner, (pending.letter, *labels), inner.rank)
    else:
        ones = called("ones", shape_of((e.labels[pending.letter], *(Integer(1) for _ in (*labels, *inner.shape)))))
        tree = ast.BinOp(ones, ast.Mult(), inner.tree)
    name, leading = f"zz_folded{len(e.functions)}", 1 + len(labels)
    e.functions[name] = lambda node: pending.where.folded(node, leading)
    made = located(called(name, tree), value.start, value.end)
    return Value(made, value.shape, value.start, value.end, labels=labels)
