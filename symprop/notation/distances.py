"""Squared distances of all pairs, `sum((X[:, None, :] - Y[None, :, :])**2, axis=2)`, as `{‖Xᵢ − Yⱼ‖²}ᵢⱼ`."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.trees import replace, walk
from symprop.errors import ShapeError
from symprop.notation.digits import Unwritten, digits
from symprop.notation.places import Stack
from symprop.notation.precedence import squared_norm
from symprop.notation.slicing import Slicer


def with_distances(node: Node) -> Node:
    """Return a formula in which sums of squares along the last of three axes stand as norms, at each place of two.

    Where other arrays of rank 3 are left, the formula is written by its matrices, the sums of squares too.
    """
    found = {part: _norms(part) for part in dict.fromkeys(walk(node)) if _sums_squares(part)}
    if not found:
        return node
    written = replace(node, {part: norms for part, norms in found.items() if norms is not None})
    return node if _is_deep(written) else written


def _is_deep(node: Node) -> bool:
    return not isinstance(node, Stack) and (node.rank > 2 or any(map(_is_deep, node.operands)))


def _sums_squares(node: Node) -> bool:
    inside = node.operands[0] if isinstance(node, n.Sum) and not node.keepdims else None
    return isinstance(inside, n.Power) and inside.exponent == 2 and inside.rank == 3 and node.axes == (2,)


def _norms(node: Node) -> Node | None:
    slicer = Slicer(node)
    try:
        address = slicer.placed(digits(node), (0, 1))
        norm = slicer(node, address)
    except (Unwritten, ShapeError):
        return None
    return Stack(norm, address) if squared_norm(norm) is not None else None
