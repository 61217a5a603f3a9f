"""Elements of what only moves, repeats or leaves out elements, as sums."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Integer

from symprop.algebra import nodes as n
from trust.element_sums import MEANING, Undecided, meaning, run
from trust.index_algebra import above, delta, multiplied, number, over
from trust.index_functions import choice
from trust.index_terms import Places, Sums, added
from trust.places import divided


@MEANING.row(n.Transpose)
def _(node: n.Transpose, places: Places) -> Sums:
    inside: list[Any] = [None] * node.rank
    for place, axis in zip(places, node.axes, strict=True):
        inside[axis] = place
    return meaning(node.operands[0], tuple(inside))


@MEANING.row(n.Expand)
def _(node: n.Expand, places: Places) -> Sums:
    return meaning(node.operands[0], (*places[: node.axis], *places[node.axis + 1 :]))


@MEANING.row(n.Diagonal)
def _(node: n.Diagonal, places: Places) -> Sums:
    return meaning(node.operands[0], (places[0], places[0]))


@MEANING.row(n.Slice)
def _(node: n.Slice, places: Places) -> Sums:
    axis = node.axis
    return meaning(node.operands[0], (*places[:axis], places[axis] + node.start, *places[axis + 1 :]))


@MEANING.row(n.Flip)
def _(node: n.Flip, places: Places) -> Sums:
    sizes = node.operands[0].shape
    turned = (sizes[k] - 1 - place if k in node.axes else place for k, place in enumerate(places))
    return meaning(node.operands[0], tuple(turned))


@MEANING.row(n.Pad)
def _(node: n.Pad, places: Places) -> Sums:
    (operand,) = node.operands
    inside = tuple(place - before for place, (before, _) in zip(places, node.widths, strict=True))
    holds = multiplied(
        *(multiplied(above(at), above(size - 1 - at)) for at, size in zip(inside, operand.shape, strict=True))
    )
    return choice(holds, meaning(operand, inside), number(node.value))


@MEANING.row(n.Window)
def _(node: n.Window, places: Places) -> Sums:
    rank, inside = node.operands[0].rank, list(places[: node.operands[0].rank])
    for inner, (axis, _, stride, dilation) in zip(places[rank:], node.steps, strict=True):
        inside[axis] = stride * inside[axis] + dilation * inner
    return meaning(node.operands[0], tuple(inside))


@MEANING.row(n.Fold)
def _(node: n.Fold, places: Places) -> Sums:
    """The sum over all windows and their elements that stand at a place."""
    (operand,) = node.operands
    whole, holds, summed = list(places), [], []
    for axis, size, stride, dilation in node.steps:
        which, digits = run(operand.shape[axis])
        inner, more = run(size)
        holds.append(delta(places[axis] - stride * which - dilation * inner))
        whole[axis] = which
        whole.append(inner)
        summed += [*digits, *more]
    return over(summed, multiplied(*holds, meaning(operand, tuple(whole))))


@MEANING.row(n.Concatenate)
def _(node: n.Concatenate, places: Places) -> Sums:
    axis, before, found = node.axis, Integer(0), []
    for part in node.operands:
        at = places[axis] - before
        holds = multiplied(above(at), above(part.shape[axis] - 1 - at))
        found.append(multiplied(holds, meaning(part, (*places[:axis], at, *places[axis + 1 :]))))
        before += part.shape[axis]
    return added(*found)


@MEANING.row(n.Reshape)
def _(node: n.Reshape, places: Places) -> Sums:
    flat: Any = Integer(0)
    for place, size in zip(places, node.shape, strict=True):
        flat = flat * size + place
    inside: list[Any] = []
    for size in node.operands[0].shape[:0:-1]:
        parts = divided(flat, size)
        if parts is None:
            raise Undecided(f"{flat} // {size}")
        flat, rest = parts
        inside.append(rest)
    inside += [flat] if node.operands[0].rank else []
    return meaning(node.operands[0], tuple(reversed(inside)))


@MEANING.row(n.Kron)
def _(node: n.Kron, places: Places) -> Sums:
    left, right = node.operands
    parts = [divided(sympy.expand(place), size) for place, size in zip(places, right.shape, strict=True)]
    if any(part is None for part in parts):
        raise Undecided(f"the places {places} of a Kronecker product")
    outer, inner = (tuple(part[k] for part in parts if part) for k in (0, 1))
    return multiplied(meaning(left, outer), meaning(right, inner))


@MEANING.row(n.Commutation)
def _(node: n.Commutation, places: Places) -> Sums:
    rows, columns = node.args
    parts = divided(sympy.expand(places[0]), rows)
    if parts is None:
        raise Undecided(f"{places[0]} // {rows}")
    return delta(parts[1] * columns + parts[0] - places[1])
