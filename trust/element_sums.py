"""What an element of each kind of node is, as a sum of products of elements, at sizes that have names.

The table `MEANING` is written from the definitions of the kinds, apart from symprop's own table of elements;
`tests/test_proofs.py` holds one against the other at numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.index_maps import AXES
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from trust.index_algebra import above, delta, element, multiplied, number, over, replaced, sums_to_1
from trust.index_functions import choice, compared, exponential, is_zero, logarithm, power, scalar
from trust.index_terms import Sums, added, scaled
from trust.places import index

MEANING = Table("element as a sum")
"""Rows take a node and a place along each of its axes."""

Places = tuple[Any, ...]
TRAITS = {"one-hot": "bits"} | {each: each for each in ("symmetric", "positive", "nonnegative", "signs")}
TURNED: list[bool] = [False]
"""Whether a product of sizes is read with its last factor in front, as an index of rows of that many."""


class Undecided(Exception):
    """An element has no sum here for every size."""


def meaning(node: Node, places: Places) -> Sums:
    """Return an element of a node as a sum of products."""
    found: Sums = MEANING(node, tuple(map(sympy.sympify, places)))
    return found


def run(size: Expr, name: str = "") -> tuple[Expr, list[sympy.Symbol]]:
    """Return a place that runs over a size and the indices that it is made of: digits, where the size is a product."""
    if size == 1:
        return Integer(0), []
    count, product = size.as_coeff_Mul()
    powers = [each.as_base_exp() for each in sympy.Mul.make_args(product)]
    factors = [*([count] if count != 1 else []), *(base for base, power in powers for _ in range(int(power)))]
    if len(factors) < 2 or size.is_Integer or not all(f.is_integer and f.is_positive for f in factors):
        one = index(size, name)
        return one, [one]
    place: Expr = Integer(0)
    digits = []
    for part, factor in enumerate(reversed(factors) if TURNED[0] else factors):
        digits.append(index(factor, f"{name}{part}" if name else ""))
        place = sympy.expand(place * factor + digits[-1])
    return place, digits


def runs(shape: Sequence[Expr], name: str = "") -> tuple[Places, list[sympy.Symbol]]:
    """Return a place along each axis of a shape, and all indices that they are made of."""
    found = [run(size, f"{name}{axis}" if name else "") for axis, size in enumerate(shape)]
    return tuple(place for place, _ in found), [each for _, digits in found for each in digits]


def along(node: Node, places: Sequence[Any], axes: Sequence[int]) -> Sums:
    """Return the sum over axes of a node; `places` are those along its other axes."""
    inner = {axis: run(node.shape[axis]) for axis in axes}
    rest = iter(places)
    whole = tuple(inner[axis][0] if axis in inner else next(rest) for axis in range(node.rank))
    return over([each for _, digits in inner.values() for each in digits], meaning(node, whole))


def spread(places: Places, shape: Sequence[Expr]) -> Places:
    """Return the places of an operand that broadcasts."""
    last = places[len(places) - len(shape) :]
    return tuple(Integer(0) if size == 1 else place for place, size in zip(last, shape, strict=True))


def spread_in(node: Node, places: Places) -> Sums:
    return meaning(node, spread(places, node.shape))


def without(places: Places, axes: Sequence[int], keepdims: bool) -> Places:
    return tuple(place for axis, place in enumerate(places) if axis not in axes) if keepdims else places


@MEANING.row(n.Node)
def _(node: Node, places: Places) -> Sums:
    raise Undecided(f"an element of {type(node).__name__} is no sum")


@MEANING.row(n.Variable)
def _(node: n.Variable, places: Places) -> Sums:
    facts = node.facts_by_kind
    traits = [TRAITS[kind] for kind in facts if kind in TRAITS]
    if "sums to 1" in facts:
        axis = int(facts["sums to 1"])
        traits.append(sums_to_1(axis, index(node.shape[axis])))
    return element(node.name, places, traits)


@MEANING.row(n.Scalar, n.Fill)
def _(node: n.Scalar | n.Fill, places: Places) -> Sums:
    return number(node.value)


@MEANING.row(n.Identity)
def _(node: n.Identity, places: Places) -> Sums:
    return delta(places[0] - places[1])


@MEANING.row(n.Data)
def _(node: n.Data, places: Places) -> Sums:
    rule = node.rule.xreplace(dict(zip(AXES, places, strict=False)))
    return _of_rule(rule)


def _of_rule(rule: Any) -> Sums:
    if isinstance(rule, sympy.Piecewise) and len(rule.args) == 2 and isinstance(rule.args[0][1], sympy.Rel):
        (yes, holds), (no, _) = rule.args
        more = {">=": holds.lhs - holds.rhs, "<=": holds.rhs - holds.lhs}
        more |= {">": holds.lhs - holds.rhs - 1, "<": holds.rhs - holds.lhs - 1}
        if holds.rel_op in more:
            return choice(above(more[holds.rel_op]), _of_rule(yes), _of_rule(no))
    if rule.has(sympy.Piecewise):
        raise Undecided(f"data by the rule {rule}")
    return number(rule)


@MEANING.row(n.Add)
def _(node: n.Add, places: Places) -> Sums:
    return added(*(spread_in(each, places) for each in node.operands))


@MEANING.row(n.Multiply)
def _(node: n.Multiply, places: Places) -> Sums:
    return multiplied(*(spread_in(each, places) for each in node.operands))


@MEANING.row(n.Power)
def _(node: n.Power, places: Places) -> Sums:
    return power(meaning(node.operands[0], places), node.exponent)


@MEANING.row(n.MatMul)
def _(node: n.MatMul, places: Places) -> Sums:
    left, right = node.operands
    column = places[len(places) - 1 :] if right.rank > 1 else ()
    before = places[: len(places) - len(column)]
    row = before[len(before) - 1 :] if left.rank > 1 else ()
    leading = before[: len(before) - len(row)]
    k, digits = run(left.shape[-1])
    one = meaning(left, (*spread(leading, left.shape[:-2]), *row, k))
    return over(digits, multiplied(one, meaning(right, (*spread(leading, right.shape[:-2]), k, *column))))


@MEANING.row(n.Outer)
def _(node: n.Outer, places: Places) -> Sums:
    return multiplied(meaning(node.operands[0], places[:1]), meaning(node.operands[1], places[1:]))


@MEANING.row(n.Sum)
def _(node: n.Sum, places: Places) -> Sums:
    return along(node.operands[0], without(places, node.axes, node.keepdims), node.axes)


@MEANING.row(n.Diag)
def _(node: n.Diag, places: Places) -> Sums:
    return multiplied(delta(places[0] - places[1]), meaning(node.operands[0], places[:1]))


def chosen(ids: Node, at: Places, place: Any, size: Any) -> Sums:
    """Return 1 where an id is a place, else 0: one bracket for a number, an element of unit vectors for a variable."""
    if ids.number is not None:
        return delta(ids.number - place)
    if not isinstance(ids, n.Variable):
        raise Undecided("ids that are worked out")
    return element(f"{ids.name} is", (*at, place), (sums_to_1(ids.rank, index(size)), "bits"))


@MEANING.row(n.OneHot)
def _(node: n.OneHot, places: Places) -> Sums:
    return chosen(node.operands[0], places[:-1], places[-1], node.size)


@MEANING.row(n.Take)
def _(node: n.Take, places: Places) -> Sums:
    table, ids = node.operands
    k, digits = run(table.shape[0])
    return over(
        digits, multiplied(chosen(ids, places[: ids.rank], k, table.shape[0]), meaning(table, (k, *places[ids.rank :])))
    )


@MEANING.row(n.ScatterAdd)
def _(node: n.ScatterAdd, places: Places) -> Sums:
    values, ids = node.operands
    at, digits = runs(ids.shape)
    return over(digits, multiplied(chosen(ids, at, places[0], node.size), meaning(values, (*at, *places[1:]))))


@MEANING.row(n.Map)
def _(node: n.Map, places: Places) -> Sums:
    arguments = (spread_in(each, places) for each in node.operands)
    return scalar(node.function.definition, dict(zip(node.function.parameters, arguments, strict=True)))


@MEANING.row(n.Compare)
def _(node: n.Compare, places: Places) -> Sums:
    return compared(node.relation, *(spread_in(each, places) for each in node.operands))


@MEANING.row(n.Where)
def _(node: n.Where, places: Places) -> Sums:
    condition, yes, no = (spread_in(each, places) for each in node.operands)
    if not isinstance(node.operands[0], n.Compare):
        condition = added(number(1), scaled(-1, is_zero(condition)))
    return choice(condition, yes, no)


@MEANING.row(n.Softmax)
def _(node: n.Softmax, places: Places) -> Sums:
    rest = without(places, (node.axis,), True)
    return multiplied(exponential(meaning(node.operands[0], places)), power(_of_exp(node, rest), -1))


def _of_exp(node: Any, rest: Places) -> Sums:
    (operand,), axis = node.operands, node.axis
    k, digits = run(operand.shape[axis])
    return over(digits, exponential(meaning(operand, (*rest[:axis], k, *rest[axis:]))))


@MEANING.row(n.LogSumExp)
def _(node: n.LogSumExp, places: Places) -> Sums:
    return logarithm(_of_exp(node, without(places, (node.axis,), node.keepdims)))


@MEANING.row(n.BlockSum)
def _(node: n.BlockSum, places: Places) -> Sums:
    """A series; of `k + 2` terms the last two stand apart."""
    more, count = node.count.as_coeff_Add()
    more = int(more) if count != 0 and more > 0 else 0
    steps = index(node.count - more)
    general = replaced(meaning(node.operands[0], places), {node.index: steps + 1})
    last = [meaning(node.at(node.count - place), places) for place in range(more)]
    return added(over([steps], general), *last)
