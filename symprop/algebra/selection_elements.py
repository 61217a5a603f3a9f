"""The index meaning of what is chosen by ids, of the adjoint of that, and of windows that are folded."""

from __future__ import annotations

import sympy
from sympy import Expr, Integer, KroneckerDelta

from symprop.algebra import nodes as n
from symprop.algebra.elements import ELEMENT, Index, Reader


@ELEMENT.row(n.Take)
def _(node: n.Take, index: Index, of: Reader) -> Expr:
    table, ids = node.operands
    chosen, rest = of(ids, index[: ids.rank]), index[ids.rank :]
    if chosen.is_Integer:
        return of(table, (chosen, *rest))
    return of.sum(lambda k: KroneckerDelta(chosen, k) * of(table, (k, *rest)), table.shape[0])


@ELEMENT.row(n.ScatterAdd)
def _(node: n.ScatterAdd, index: Index, of: Reader) -> Expr:
    values, ids = node.operands
    return of.sum_over(lambda i: KroneckerDelta(of(ids, i), index[0]) * of(values, (*i, *index[1:])), ids.shape)


@ELEMENT.row(n.OneHot)
def _(node: n.OneHot, index: Index, of: Reader) -> Expr:
    return KroneckerDelta(of(node.operands[0], index[:-1]), index[-1])


@ELEMENT.row(n.Fold)
def _(node: n.Fold, index: Index, of: Reader) -> Expr:
    windows = node.unfolded
    sizes = windows.shape[node.rank :]

    def term(k: Index) -> Expr:
        """The one element at place `k` of a window that goes to `index`, if one does."""
        place, conditions = list(index), []
        for (axis, _, stride, dilation), inner in zip(node.steps, k, strict=True):
            moved = index[axis] - dilation * inner
            place[axis] = moved / Integer(stride)
            conditions += [sympy.Eq(moved % stride, 0), moved >= 0, place[axis] < windows.shape[axis]]
        inside = sympy.And(*conditions)
        if inside == sympy.false:
            return Integer(0)
        read = of(node.operands[0], (*place, *k))
        return read if inside == sympy.true else sympy.Piecewise((read, inside), (0, True))

    return of.sum_over(term, sizes)
