"""The named rules of simplification: those that need a fact, or that a reader wants to see by name.

`RULES` is their order: sums first, what a declared fact allows, then products and the known forms.
"""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.batching import expanded as expanded_by
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, factors_of, is_zero, multiplied, terms_of, walk
from symprop.calculus.coefficients import base_and_exponent, coefficient_and_rest, expanded
from symprop.calculus.context import Applied, Context, KnownFact, Rule, context, node_at, rule, variable_at
from symprop.calculus.declared_rules import DECLARED_RULES
from symprop.calculus.exponentials import has_value_everywhere
from symprop.calculus.known_facts import nonzero
from symprop.calculus.known_forms import KNOWN_FORMS, KnownForm
from symprop.calculus.sum_rules import SUMS
from symprop.calculus.tidy import tidy

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


@rule(PRODUCTS, "cancel", "x / x = 1 where x is not 0")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    powers = [(factor, *base_and_exponent(factor)) for factor in node.operands]
    for factor, base, below in powers:
        above = [(other, up) for other, same, up in powers if same == base and up.is_positive]
        reason = nonzero(base, context) if above and below.is_negative else None
        if reason is not None:
            rest = [other for other in node.operands if other is not factor and other is not above[0][0]]
            return Applied(n.Multiply(*rest, n.Power(base, below + above[0][1])), (reason,))
    return None


@rule(PRODUCTS, "distribute", "x * (y + z / x) = x * y + z where x is not 0")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    for factor in node.operands:
        terms = terms_of(factor)
        others = [other for other in node.operands if other is not factor]
        powers = [base_and_exponent(part) for term in terms for part in factors_of(term) if len(terms) > 1]
        bases = {base for base, exponent in powers if exponent.is_negative}
        if any(other in bases and nonzero(other, context) for other in others):
            return Applied(n.Add(*(n.Multiply(*others, term) for term in terms)))
    return None


@rule(PRODUCTS, "expand and collect", "x * (1 - y) + x * y = x")
@for_kinds(n.Add)
def _(node: n.Add, context: Context) -> Applied | None:
    collected = tidy(n.Add(*(part for term in node.operands for part in expanded(term))))
    _, rest = coefficient_and_rest(collected)
    terms = 1 if rest is None else len(terms_of(rest))
    return Applied(collected) if (terms, collected.weight) < (len(node.operands), node.weight) else None


def _enter(form: KnownForm) -> None:
    @rule(PRODUCTS, form.name, form.identity)
    @for_kinds(*form.kinds)
    def _(node: Node, context: Context) -> Applied | None:
        found = form.apply(node)
        return None if found is None else Applied(found)


for _form in KNOWN_FORMS:
    _enter(_form)


@rule(PRODUCTS, "a factor enters the choice", "where(c, x, 0) * y = where(c, x * y, 0) where y has no value outside c")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    choice = next((factor for factor in node.operands if isinstance(factor, n.Where) and _one_sided(factor)), None)
    others = [factor for factor in node.operands if factor is not choice and factor.number is None]
    partial = [factor for factor in others if not all(map(has_value_everywhere, walk(factor)))]
    if choice is None or not partial:
        return None
    condition, yes, no = choice.operands
    rest = [factor for factor in node.operands if factor is not choice and factor not in partial]
    branches = (n.Multiply(branch, *partial) if not is_zero(branch) else n.Scalar(0) for branch in (yes, no))
    return Applied(multiplied([*rest, n.Where(condition, *branches)]))


@rule(PRODUCTS, "one choice", "where(c, x, 0) * y + where(c, 0, x) * z = x * where(c, y, z)")
@for_kinds(n.Add)
def _(node: n.Add, context: Context) -> Applied | None:
    sides: dict[tuple[Node, Node], list[tuple[int, Node, Node]]] = {}  # by condition and branch: place, term, rest
    for term in node.operands:
        factors = factors_of(term)
        choice = next((factor for factor in factors if isinstance(factor, n.Where) and _one_sided(factor)), None)
        if choice is None or choice.shape != node.shape:
            continue
        condition, *branches = choice.operands
        place = int(is_zero(branches[0]))
        rest = multiplied([factor for factor in factors if factor is not choice] or [n.Scalar(1)])
        sides.setdefault((condition, branches[place]), []).append((place, term, rest))
    for (condition, branch), found in sides.items():
        if sorted(place for place, _, _ in found) == [0, 1]:
            terms = [term for _, term, _ in found]
            kept = [term for term in node.operands if not any(term is each for each in terms)]
            (_, _, yes), (_, _, no) = sorted(found, key=lambda each: each[0])
            return Applied(added([*kept, n.Multiply(branch, n.Where(condition, yes, no))]))
    return None


def _one_sided(choice: n.Where) -> bool:
    return any(is_zero(branch) for branch in choice.operands[1:])


RULES: tuple[Rule, ...] = (*SUMS, *DECLARED_RULES, *PRODUCTS)
"""Every rule, in the order in which they are tried."""


__all__ = ["RULES", "Applied", "Context", "KnownFact", "Rule", "context", "node_at", "variable_at"]
