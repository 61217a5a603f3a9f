"""The adjoint of an index map: each element goes back to where it was read, by kinds that move elements themselves."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.index_maps import IndexMap
from symprop.algebra.nodes import Node


def adjoint(moved: IndexMap, g: Node) -> Node:
    """Return `out[j] = sum of g[i] over all i with places(i) = j`, for a map of one axis to one axis.

    The adjoint of a transpose is a transpose, of a flip a flip, of a slice a pad, of a pad a slice, of a repetition a
    sum, and of what is several of these it is several.

    >>> from symprop.algebra import variable
    >>> x, g = variable("x", (7,)), variable("g", (3,))
    >>> adjoint(n.Slice(x, 0, 1, 4).index_map, g) == n.Pad(g, 0, [(1, 3)])
    True

    Raises:
        LookupError: a map along several axes at once, whose kind needs a row of its own.
    """
    if not moved.is_unit:
        raise LookupError("a map along several axes at once has no short adjoint: its kind needs a row of its own")
    read, steps = [], []
    for axis in range(len(moved.source)):
        ((k, step),) = moved.terms(axis)
        read.append(k)
        steps.append(step)
    repeated = [k for k in range(g.rank) if k not in read]
    if repeated:
        g = n.Sum(g, repeated)
    order = [sorted(read).index(k) for k in read]
    if order != sorted(order):
        g = n.Transpose(g, order)
    backwards = [axis for axis, step in enumerate(steps) if step == -1]
    if backwards:
        g = n.Flip(g, backwards)
    return _placed(moved, g, backwards)


def _placed(moved: IndexMap, g: Node, backwards: list[int]) -> Node:
    """Return `g` in its place in an array of the operand's shape: padded, or cut where it leaves that."""
    pads = {}
    for axis, (size, length) in enumerate(zip(moved.source, g.shape, strict=True)):
        before = moved.offset(axis) - (length - 1 if axis in backwards else 0)
        after = size - length - before
        start, end = (-width if width.is_negative or (-width).is_nonnegative else 0 for width in (before, after))
        if start != 0 or end != 0:
            g = n.Slice(g, axis, start, length - end)
        if before + start != 0 or after + end != 0:
            pads[axis] = (before + start, after + end)
    return n.Pad(g, list(pads), list(pads.values())) if pads else g


__all__ = ["adjoint"]
