"""What windows, pads and folds are at an address: `X[i + k - 1]`; at a place outside of an array stands 0."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer, expand

from symprop.algebra import nodes as n
from symprop.algebra.index_maps import AXES
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same
from symprop.algebra.trees import walk
from symprop.notation.digits import Unwritten, is_tiled
from symprop.notation.indexed import Element, IndexedSum
from symprop.notation.places import Address, Axis, Digit, Part
from symprop.notation.places_written import numbered_axes
from symprop.notation.selections import gathered, selected
from symprop.notation.slicing import SLICES, Slicer


@SLICES.row(n.Window, n.Pad, n.Flip)
def _(node: n.Window | n.Pad | n.Flip, address: Address, of: Slicer) -> Node:
    if isinstance(node, n.Window) and node.selection is not None:
        before = of.used
        try:
            return selected(node, address, of)
        except Unwritten:
            of.used = before
    moved = node.index_map  # out[i, p] = x[s i + d p], counted from 0; places count from 1
    if moved.outside:
        raise Unwritten  # at a place outside an array is 0
    beside = {axis: place for place, axis in enumerate(node.axes)} if isinstance(node, n.Window) else {}
    only = {AXES[k]: Integer(0) for k, size in enumerate(moved.shape) if k >= len(moved.source) and size == 1}
    inner = []
    for axis, size in enumerate(moved.source):
        if moved.places[axis].xreplace(only) == AXES[axis]:
            inner.append(address[axis])
        elif axis in beside and is_tiled(node, axis):
            inner.append((*address[axis], *address[len(moved.source) + beside[axis]]))
        else:
            places = {AXES[k]: _single(address[k]) - 1 for k, _ in moved.terms(axis)}
            inner.append((Digit(size, expand(moved.places[axis].xreplace(places) + 1)),))
    found = of(node.operands[0], tuple(inner))
    if not all(_vanishes(found, _single(inner[axis]), moved.source[axis]) for axis in moved.leaving):
        raise Unwritten
    return found


def _single(axis: Axis) -> Expr:
    """The place at which an axis stands, as one number where it is told by digits."""
    place: Expr = Integer(0)
    for digit in axis:
        if digit.place is None:
            raise Unwritten
        place = digit.size * place + digit.place - 1
    return expand(place + 1)


@SLICES.row(n.Fold)
def _(node: n.Fold, address: Address, of: Slicer) -> Node:
    before = of.used
    if node.selection is not None:
        try:
            return gathered(node, *_all(node), address, of)
        except Unwritten:
            of.used = before
    try:
        return _folded(node, address, of, asking=False)
    except Unwritten:
        of.used = before
        return _folded(node, address, of, asking=True)


def _all(node: n.Fold) -> tuple[list[Expr], list[Expr]]:
    return [Integer(0)] * len(node.axes), [node.shape[axis] for axis in node.axes]


def _folded(node: n.Fold, address: Address, of: Slicer, asking: bool) -> Node:
    """What adds up at an address; `asking` of each window and element whether it does, as what is in it may not be 0
    at a place outside (what an average over windows hands back is the same at all places)."""
    operand, rank = node.operands[0], node.rank
    before: list[Axis] = list(address)
    behind: list[Axis] = []
    over: list[Sequence[Expr]] = []
    write: list[tuple[int, int, Expr, int]] = []  # which axis of windows, which of elements, the place, the step
    both: list[Sequence[Expr]] = []  # where neither index follows from the other, the sum is over both, of those that
    meet: list[tuple[int, int, Expr, int, int]] = []  # meet at the place: 1[j = 2 i + 3 k - 4]
    for number, (axis, size, stride, dilation) in enumerate(node.steps):
        count = operand.shape[axis]
        if is_tiled(node, axis) and len(address[axis]) == 2:
            before[axis], behind = address[axis][:1], [*behind, address[axis][1:]]
            continue
        behind.append(())
        if asking or min(stride, dilation) > 1:
            both += [(count,), (size,)][: 1 if size == 1 else 2]
            meet.append((axis, rank + number, _single(address[axis]), stride, dilation))
            continue
        by_elements = stride == 1
        over.append((size if by_elements else count,))
        places = (axis, rank + number) if by_elements else (rank + number, axis)
        write.append((*places, _single(address[axis]), dilation if by_elements else stride))

    def term(inner: Address) -> Node:
        whole = [*before, *behind]
        outside: list[tuple[Expr, Expr]] = []
        met: list[Node] = []
        for (far, near, place, step), here in zip(write, inner[: len(write)], strict=True):
            outside.append((expand(place - step * (_single(here) - 1)), operand.shape[far]))
            whole[far], whole[near] = (Digit(outside[-1][1], outside[-1][0]),), here
        rest = iter(inner[len(write) :])
        for (first, second, place, stride, dilation), windows in zip(meet, rest, strict=False):
            only = operand.shape[second] == 1
            whole[first], whole[second] = windows, (Digit(Integer(1), Integer(1)),) if only else next(rest)
            at = stride * _single(whole[first]) + dilation * _single(whole[second]) - (stride + dilation - 1)
            met.append(n.Compare("==", n.Scalar(place), n.Scalar(expand(at))))
        found = of(operand, tuple(whole))
        if not all(_vanishes(found, *each) for each in outside):
            raise Unwritten
        return n.Multiply(*met, found) if met else found

    return of.summed([*over, *both], term) if over or both else of(operand, (*before, *behind))


_INSIDE = (n.MatMul, n.Outer, n.Multiply, n.Transpose, n.Sum, n.Expand, n.Diag, IndexedSum, n.BlockSum)


def _vanishes(node: Node, place: Expr, size: Expr) -> bool:
    """Whether a formula is 0 where a place is outside of an axis: the arrays that it reads there end there too."""

    def stands(part: Node) -> bool:
        if isinstance(part, n.Compare):  # which place a fold adds to
            return part.operands[0] == n.Scalar(place) and bool(place.free_symbols)
        return any(there == place and same(length, size) for there, length in numbered_axes(part))

    if not any(map(stands, walk(node))):
        return False
    if isinstance(node, (Part, Element, n.Compare)):
        return stands(node)
    if isinstance(node, n.Add):
        return all(_vanishes(operand, place, size) for operand in node.operands)
    reading = [operand for operand in node.operands if any(map(stands, walk(operand)))]
    alive = [operand for operand in reading if not _vanishes(operand, place, size)]
    if isinstance(node, n.Multiply) and len(alive) < len(reading):
        return all(isinstance(operand, n.Compare) for operand in alive)  # which is 0 or 1 wherever it reads
    return isinstance(node, _INSIDE) and not alive
