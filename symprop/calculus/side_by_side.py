"""A sum of padded arrays that do not overlap is these arrays side by side: what flows back to all parts of one."""

from __future__ import annotations

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, terms_of
from symprop.calculus.coefficients import coefficient_and_rest, scaled
from symprop.calculus.context import Applied, Context, Rule, rule
from symprop.calculus.tidy import tidy

SIDE_BY_SIDE: list[Rule] = []


@rule(SIDE_BY_SIDE, "side by side", "pad(x, (0, k)) + pad(y, (n, 0)) = concatenate([x, y])")
@for_kinds(n.Add)
def _(node: n.Add, context: Context) -> Applied | None:
    """The parts of an axis, such as the gates of a cell, each of which has a term of its own or several."""
    parts: dict[tuple[int, Expr], list[Node]] = {}
    ends: dict[tuple[int, Expr], Expr] = {}
    rest = []
    for term in terms_of(node):
        coefficient, pad = coefficient_and_rest(term)
        if not isinstance(pad, n.Pad) or pad.value != 0 or len(pad.axes) != 1 or pad.rank != node.rank:
            rest.append(term)
            continue
        (axis,) = pad.axes
        before, after = pad.widths[axis]
        end = node.shape[axis] - after
        if ends.setdefault((axis, before), end) != end:
            return None
        parts.setdefault((axis, before), []).append(scaled(coefficient, pad.operands[0]))
    for axis in dict.fromkeys(axis for axis, _ in parts):
        place, row = Integer(0), []
        while (axis, place) in parts:
            row.append(added(parts[axis, place]))
            place = ends[axis, place]
        if place == node.shape[axis] and len(row) == len([None for each, _ in parts if each == axis]):
            others = [term for term in terms_of(node) if term not in rest and _axis(term) != axis]
            return Applied(tidy(added([n.Concatenate(*row, axis=axis), *others, *rest])))
    return None


def _axis(term: Node) -> int:
    pad = coefficient_and_rest(term)[1]
    assert isinstance(pad, n.Pad)
    return pad.axes[0]
