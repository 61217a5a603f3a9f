"""The named rules of simplification: those that need a fact, or that a reader wants to see by name.

`RULES` is their order: sums first, what a declared fact allows, then products and the known forms.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.batching import expanded as expanded_by
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import factors_of, multiplied, terms_of
from symprop.calculus.choice_rules import CHOICES
from symprop.calculus.coefficients import (
    base_and_exponent,
    coefficient_and_rest,
    expanded,
    same_shape,
    scaled,
    unexpanded,
)
from symprop.calculus.context import Applied, Context, KnownFact, Rule, context, node_at, rule, variable_at
from symprop.calculus.contractions import CONTRACTIONS
from symprop.calculus.declared_rules import DECLARED_RULES
from symprop.calculus.diagonal_rules import DIAGONALS
from symprop.calculus.known_facts import nonzero
from symprop.calculus.known_forms import KNOWN_FORMS, KnownForm
from symprop.calculus.side_by_side import SIDE_BY_SIDE
from symprop.calculus.sum_rules import SUMS
from symprop.calculus.tidy import tidy
from symprop.calculus.unit_vectors import UNITS
from symprop.calculus.vanishing_sums import VANISHING

PRODUCTS: list[Rule] = []


@rule(PRODUCTS, "known value", "the right side of an equation is its left side")
def _(node: Node, context: Context) -> Applied | None:
    equation = context.by_value.get(node)
    return Applied(equation.target, (equation,)) if equation else None


@rule(PRODUCTS, "known power", "x**(c * k) = y**k where y = x**c is known")
@for_kinds(n.Power)
def _(node: n.Power, context: Context) -> Applied | None:
    """The slope of a root, `x**(-3/2)` for `r = x**(-1/2)`, is written in the root that is held: `r**3`."""
    if node.exponent.is_Integer is not False:
        return None
    base, axes = node.operands[0], []
    while isinstance(base, n.Expand) and base not in context.powers:
        axes.append(base.axis)
        base = base.operands[0]
    equation = context.powers.get(base)
    if equation is None:
        return None
    times = node.exponent / base_and_exponent(equation.expression)[1]
    known = expanded_by(equation.target, *reversed(axes))
    return Applied(n.Power(known, times), (equation,)) if times.is_Integer else None


@rule(PRODUCTS, "known quotient", "x * r**k = h * r**(k - 1) where h = x * r is known, r a root")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    """What is normalised is held: `(x - mean(x)) * r` is it, also where `r` stands before a sum that it may enter."""
    factors = spread_factors(node) if context.quotients else ()
    powers = {root: (factor, up) for factor in reversed(factors) for root, up in [base_and_exponent(factor)]}
    known = ((each, up) for root, (_, up) in powers.items() for each in context.quotients.get(root, ()))
    held = (each for each, up in known if _has(up, each.power))
    for _, root, exponent, equation, rest in sorted(held, key=lambda each: each.place):
        power, up = powers[root]
        left = n.Power(root, up - exponent)
        others = without(factors, [power])
        if all(factor in others for factor in rest):
            others = without(others, rest)
            return Applied(multiplied([left, *others, equation.target]), (equation,))
        for place, factor in enumerate(others):
            total, axes = unexpanded(factor)
            inside = list(factors_of(total.operands[0])) if isinstance(total, n.Sum) else []
            if isinstance(total, n.Sum) and all(each in inside for each in rest) and _may_enter(root, total, axes):
                inside = without(inside, rest)
                total = total.with_operands([multiplied([*inside, equation.target])])
                others[place] = expanded_by(total, *reversed(axes))
                return Applied(multiplied([left, *others]), (equation,))
    return None


def spread_factors(node: Node) -> tuple[Node, ...]:
    """Return the factors of a node, those of a product that was given axes one by one: `E(x * y) = E(x) * E(y)`."""
    parts: list[Node] = []
    for factor in factors_of(node):
        inside, axes = unexpanded(factor)
        for base, up in map(base_and_exponent, factors_of(inside)):
            spread = _with_axes(base, inside.rank, axes)
            parts.append(n.Power(spread, up) if up != 1 else spread)
    return tuple(parts)


def _with_axes(base: Node, rank: int, axes: Sequence[int]) -> Node:
    """Return a factor with the axes that its product, of this rank, was given: broadcasting counts from behind."""
    for axis in reversed(axes):
        behind = rank - axis
        if behind <= base.rank and (base.rank or not rank):
            base = n.Expand(base, base.rank - behind)
        rank += 1
    return base


def without(factors: Sequence[Node], taken: Sequence[Node]) -> list[Node]:
    """Return the factors but those of `taken`, each of which is one of them, once."""
    left = list(factors)
    for factor in taken:
        left.remove(factor)
    return left


def _has(exponent: Expr, power: Expr) -> bool:
    """Whether a factor with this exponent holds the root with this power, and as often again or not at all."""
    times = exponent / power
    return bool(times.is_Integer and times.is_positive)


def _may_enter(root: Node, total: n.Sum, axes: Sequence[int]) -> bool:
    """Whether a factor before a sum, which was given axes, is the same inside: it meets no axis that sums or moves."""
    rank = total.operands[0].rank
    places: list[int | None] = [axis for axis in range(rank) if axis not in total.axes]
    if total.keepdims:
        places = [axis if axis in places else None for axis in range(rank)]
    for axis in reversed(axes):
        places.insert(axis, None)
    meets = ((places[-behind], rank - behind) for behind in range(1, root.rank + 1) if root.shape[-behind] != 1)
    return root.rank <= min(rank, len(places)) and all(place == axis for place, axis in meets)


@rule(PRODUCTS, "cancel", "x / x = 1 where x is not 0")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    powers = [(factor, *base_and_exponent(factor)) for factor in node.operands]
    for factor, base, below in powers:
        above = [(other, up) for other, same, up in powers if same == base and up.is_positive]
        if above and below.is_negative:
            reason = nonzero(base, context) or f"{base} divides, so it is not 0"
            rest = [other for other in node.operands if other is not factor and other is not above[0][0]]
            return Applied(n.Multiply(*rest, n.Power(base, below + above[0][1])), (reason,))
    return None


@rule(PRODUCTS, "distribute", "x * (y + z / x) = x * y + z where x is not 0")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    """Also of powers, `x**2 * (y + z / x**2)`."""
    for factor in node.operands:
        terms = terms_of(factor)
        others = [other for other in node.operands if other is not factor]
        powers = [base_and_exponent(part) for term in terms for part in factors_of(term) if len(terms) > 1]
        bases = {base for base, exponent in powers if exponent.is_negative}
        above = [base for base, exponent in map(base_and_exponent, others) if exponent.is_positive]
        if any(base in bases and nonzero(base, context) for base in above):
            return Applied(n.Add(*(n.Multiply(*others, term) for term in terms)))
    return None


@rule(PRODUCTS, "expand and collect", "x * (1 - y) + x * y = x")
@for_kinds(n.Add)
def _(node: n.Add, context: Context) -> Applied | None:
    collected = tidy(n.Add(*(part for term in node.operands for part in expanded(term))))
    _, rest = coefficient_and_rest(collected)
    terms = 1 if rest is None else len(terms_of(rest))
    return Applied(collected) if (terms, collected.weight) < (len(node.operands), node.weight) else None


@rule(PRODUCTS, "common move", "reshape(x) + reshape(y) = reshape(x + y)")
@for_kinds(n.Add)
def _(node: n.Add, context: Context) -> Applied | None:
    parts = [coefficient_and_rest(term) for term in node.operands]
    moved = [rest for _, rest in parts if isinstance(rest, n.Reshape)]
    if len(moved) < len(parts) or not all(same_shape(rest.operands[0], moved[0].operands[0]) for rest in moved):
        return None
    total = n.Add(*(scaled(number, rest.operands[0]) for (number, _), rest in zip(parts, moved, strict=True)))
    return Applied(n.Reshape(total, moved[0].shape))


@rule(PRODUCTS, "common factor", "x * y + x * z + w = x * (y + z) + w")
@for_kinds(n.Add)
def _(node: n.Add, context: Context) -> Applied | None:
    """In the equations of a network: all terms have the factor, or some have the root of a normalisation."""
    terms = [spread_factors(term) for term in node.operands] if context.by_name else []
    sharing: dict[Node, frozenset[int]] = {}
    for factor in dict.fromkeys(factor for term in terms for factor in term if factor.number is None):
        places = frozenset(place for place, term in enumerate(terms) if factor in term)
        if len(places) > 1:
            sharing[factor] = places
    for places in sorted(dict.fromkeys(sharing.values()), key=len, reverse=True):
        if any(places & other and not places <= other for other in sharing.values() if len(other) < len(terms)):
            continue  # x y + y z + z x: no factor is before another
        common = [factor for factor, found in sharing.items() if places <= found]
        if len(places) < len(terms) and not any(base_and_exponent(factor)[0] in context.quotients for factor in common):
            continue
        rest = [without(terms[place], common) for place in sorted(places)]
        inside = [multiplied(term) if term else n.Scalar(1) for term in rest]
        total = n.Add(*sorted(inside, key=lambda term: term.weight))  # short ones first
        others = [term for place, term in enumerate(node.operands) if place not in places]
        result = tidy(n.Add(multiplied([*common, total]), *others))
        if result.weight <= node.weight and same_shape(result, node):
            return Applied(result)
    return None


def _enter(form: KnownForm) -> None:
    @rule(PRODUCTS, form.name, form.identity)
    @for_kinds(*form.kinds)
    def _(node: Node, context: Context) -> Applied | None:
        found = form.apply(node)
        return None if found is None else Applied(found)


for _form in KNOWN_FORMS:
    _enter(_form)


RULES: tuple[Rule, ...] = (
    *UNITS,
    *SUMS,
    *SIDE_BY_SIDE,
    *DIAGONALS,
    *VANISHING,
    *DECLARED_RULES,
    *PRODUCTS,
    *CHOICES,
    *CONTRACTIONS,
)
"""Every rule, in the order in which they are tried."""


__all__ = ["RULES", "Applied", "Context", "KnownFact", "Rule", "context", "node_at", "variable_at"]
