"""Rules for unit vectors: `x[0]` has the gradient `e_0`, and what is multiplied with one keeps one element.

A unit vector is the one-hot row of a number, `one_hot(0, n)`, or of one id, `one_hot(y, n)`. Where one element of a
result is asked for, the answer is one row or column, as in `p[0] * W.T @ (e_0 - p)` of `softmax(W @ x)[0]`.
"""

from __future__ import annotations

from itertools import product

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, factors_of, multiplied, terms_of
from symprop.calculus.coefficients import same_shape, scalars_and_rest
from symprop.calculus.context import Applied, Context, Rule, rule
from symprop.calculus.tidy import tidy

UNITS: list[Rule] = []


def unit_place(node: Node) -> Node | None:
    """Return the place of the 1 in a unit vector, a number or an id; None for anything else.

    >>> unit_place(n.OneHot(n.Scalar(2), 5)).number, unit_place(n.Scalar(1))
    (2, None)
    """
    return node.operands[0] if isinstance(node, n.OneHot) and not node.operands[0].rank else None


def element(x: Node, place: Node) -> Node:
    """Return one element of a vector, `x[place]`."""
    if place.number is None:
        return tidy(n.Take(x, place))
    return tidy(n.Sum(n.Slice(x, 0, place.number, place.number + 1), 0))


@rule(UNITS, "unit vector", "pad(c, (k, n - k - 1)) = c * e_k for one number c, and for a row c: e_k c'")
@for_kinds(n.Pad)
def _(node: n.Pad, context: Context) -> Applied | None:
    inner = node.operands[0]
    padded = [axis for axis, widths in enumerate(node.widths) if any(widths)]
    if node.value != 0 or node.rank > 2 or len(padded) != 1 or inner.shape[padded[0]] != 1:
        return None
    (axis,) = padded
    unit = n.OneHot(n.Scalar(node.widths[axis][0]), node.shape[axis])
    rest = tidy(n.Sum(inner, axis))
    if node.rank == 1:
        return Applied(n.Multiply(rest, unit))
    return Applied(n.Outer(unit, rest) if axis == 0 else n.Outer(rest, unit))


@rule(UNITS, "one id", "scatter_add(c, y, n) = c * e_y for one id y, and for a row c: e_y c'")
@for_kinds(n.ScatterAdd)
def _(node: n.ScatterAdd, context: Context) -> Applied | None:
    values, ids = node.operands
    if ids.rank or values.rank > 1:
        return None
    unit = n.OneHot(ids, node.size)
    return Applied(n.Outer(unit, values) if values.rank else n.Multiply(values, unit))


@rule(UNITS, "one element", "x * e_k = x[k] * e_k")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    unit = next((factor for factor in node.operands if unit_place(factor) is not None), None)
    vectors = [factor for factor in node.operands if factor is not unit and factor.rank]
    if unit is None or node.rank != 1 or not vectors or not all(same_shape(each, node) for each in vectors):
        return None
    place = unit.operands[0]
    scalars = [factor for factor in node.operands if not factor.rank]
    return Applied(multiplied([*scalars, *(element(each, place) for each in vectors), unit]))


@rule(UNITS, "one element of a product", "x @ e_k = x[k], and e_k @ y likewise")
@for_kinds(n.MatMul, n.Sum)
def _(node: n.MatMul | n.Sum, context: Context) -> Applied | None:
    inside = node.operands if isinstance(node, n.MatMul) else factors_of(node.operands[0])
    unit = next((factor for factor in inside if unit_place(factor) is not None), None)
    whole = [factor for factor in inside if factor is not unit]
    if unit is None or node.rank or not all(same_shape(each, unit) for each in whole):
        return None
    place = unit.operands[0]
    return Applied(multiplied([element(each, place) for each in whole]) if whole else n.Scalar(1))


@rule(UNITS, "a unit vector in a sum", "x * (e_k + c) = x[k] * e_k + x * c")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    for factor in node.operands:
        terms = terms_of(factor)
        units = [any(unit_place(part) is not None for part in factors_of(term)) for term in terms]
        others = [each for each in node.operands if each is not factor]
        vectors = [each for each in others if each.rank]
        if len(terms) == 1 or not any(units) or not vectors or node.rank != 1:
            continue
        rest = [term for term, is_unit in zip(terms, units, strict=True) if not is_unit]
        single = [multiplied([*others, term]) for term, is_unit in zip(terms, units, strict=True) if is_unit]
        return Applied(added([*single, *([multiplied([*others, added(rest)])] if rest else [])]))
    return None


ONE_EACH = "c * e_k + d * e_k = (c + d) * e_k"


@rule(UNITS, "one element each", ONE_EACH)
def _(node: Node, context: Context) -> Applied | None:
    found = one_element_each(node)
    return None if found is None else Applied(found)


@for_kinds(n.Add)
def one_element_each(node: n.Add) -> Node | None:
    """Return a sum with each element once and in their order: of e_k, of e_j e_k', and of what stands beside one."""
    units: dict[tuple[Node | None, ...], list[Node]] = {}  # by the unit vectors of a product: what else stands in it
    others: list[Node] = []
    terms = [part for term in node.operands for part in _by_elements(term)]
    for term in terms:
        number, scalars, rest = scalars_and_rest(term)
        ends = _ends(rest)
        key = tuple(end if unit_place(end) is not None else None for end in ends)
        if any(key):
            free = [end for end, unit in zip(ends, key, strict=True) if unit is None]
            units.setdefault(key, []).append(tidy(n.Multiply(n.Scalar(number), *scalars, *free)))
        else:
            others.append(term)
    if len(units) == sum(map(len, units.values())) and len(terms) == len(node.operands):
        return None
    found = []
    for key, parts in sorted(units.items(), key=lambda item: str(item[0])):
        total = tidy(added(parts))
        ends = tuple(total if unit is None else unit for unit in key)
        unit = ends[0] if len(ends) == 1 else n.Outer(*ends)
        found.append(tidy(unit if None in key else n.Multiply(total, unit)))
    return added([*found, *others])


def _ends(array: Node | None) -> tuple[Node, ...]:
    """Return both vectors of an outer product; anything else stands alone, and a number has none."""
    match array:
        case n.Outer(operands=ends):
            return ends
    return () if array is None else (array,)


def _by_elements(term: Node) -> list[Node]:
    """Return the terms of c (d e_k + f e_l) and of e_j (c e_k + d e_l)', one for each place; others as they are."""
    number, scalars, rest = scalars_and_rest(term)
    apart = [[scalars_and_rest(part) for part in terms_of(end)] for end in _ends(rest)]
    if all(len(parts) == 1 for parts in apart) or any(not _is_unit(part) for parts in apart for _, _, part in parts):
        return [term]
    made = []
    for chosen in product(*apart):
        factors = [n.Multiply(n.Scalar(part[0]), *part[1]) for part in chosen]
        units = [part[2] for part in chosen if part[2] is not None]
        made.append(n.Multiply(n.Scalar(number), *scalars, *factors, n.Outer(*units) if len(units) == 2 else units[0]))
    return made


def _is_unit(node: Node | None) -> bool:
    return node is not None and unit_place(node) is not None


@rule(UNITS, "diagonal of a unit vector", "diag(e_k) = e_k e_k'")
@for_kinds(n.Diag)
def _(node: n.Diag, context: Context) -> Applied | None:
    unit = node.operands[0]
    return None if unit_place(unit) is None else Applied(n.Outer(unit, unit))
