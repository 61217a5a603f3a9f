"""A sum of padded arrays that do not overlap is these arrays side by side: what flows back to all parts of one.

So is a sum of arrays side by side, each with zeros for other parts: what becomes of several parts along a direction.
"""

from __future__ import annotations

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, is_zero, terms_of
from symprop.calculus.coefficients import coefficient_and_rest, scaled
from symprop.calculus.context import Applied, Context, Rule, rule
from symprop.calculus.tidy import tidy

SIDE_BY_SIDE: list[Rule] = []


@rule(SIDE_BY_SIDE, "side by side", "pad(x, (0, k)) + pad(y, (n, 0)) = concatenate([x, y])")
@for_kinds(n.Add)
def _(node: n.Add, context: Context) -> Applied | None:
    """The parts of an axis, such as the gates of a cell, each of which has a term of its own or several."""
    pads = [_placed(term, node.rank) for term in terms_of(node)]
    rest = [term for term, pad in zip(terms_of(node), pads, strict=True) if pad is None]
    parts: dict[tuple[int, Expr, Expr], list[Node]] = {}
    for axis, before, after, inner in filter(None, pads):
        parts.setdefault((axis, before, node.shape[axis] - after), []).append(inner)
    axes = {axis for axis, _, _ in parts}
    if len(axes) != 1:
        return None
    (axis,) = axes
    follows = {before: end for _, before, end in parts}
    row, place = [], Integer(0)
    while place in follows:
        row.append(added(parts[axis, place, follows[place]]))
        place = follows[place]
    if place != node.shape[axis] or len(row) != len(parts):
        return None
    return Applied(tidy(added([n.Concatenate(*row, axis=axis), *rest])))


@rule(SIDE_BY_SIDE, "part by part", "concatenate([x, 0]) + concatenate([0, y]) = concatenate([x, y])")
@for_kinds(n.Add)
def _(node: n.Add, context: Context) -> Applied | None:
    """Arrays whose parts have the same sizes, among them zeros, are added part by part."""
    alike: dict[tuple[int, tuple[Shape, ...]], list[tuple[Node, Expr, n.Concatenate]]] = {}
    for term in terms_of(node):
        coefficient, row = coefficient_and_rest(term)
        if isinstance(row, n.Concatenate) and row.shape == node.shape:
            sizes = tuple(part.shape for part in row.operands)
            alike.setdefault((row.axis, sizes), []).append((term, coefficient, row))
    for (axis, _), found in alike.items():
        if len(found) > 1 and any(is_zero(part) for _, _, row in found for part in row.operands):
            rows = ([scaled(coefficient, part) for part in row.operands] for _, coefficient, row in found)
            whole = n.Concatenate(*(added(parts) for parts in zip(*rows, strict=True)), axis=axis)
            used = [term for term, _, _ in found]
            return Applied(tidy(added([whole, *(term for term in terms_of(node) if term not in used)])))
    return None


def _placed(term: Node, rank: int) -> tuple[int, Expr, Expr, Node] | None:
    """The axis along which a term is padded, how many zeros stand before and after, and what stands between."""
    coefficient, pad = coefficient_and_rest(term)
    if not isinstance(pad, n.Pad) or pad.value != 0 or len(pad.axes) != 1 or pad.rank != rank:
        return None
    (axis,) = pad.axes
    return (axis, *pad.widths[axis], scaled(coefficient, pad.operands[0]))
