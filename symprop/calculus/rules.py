"""The named rules of simplification: those that need a fact, or that a reader wants to see by name.

`RULES` is their order: sums first, what a declared fact allows, then products and the known forms.
"""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.batching import expanded as expanded_by
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import factors_of, is_zero, multiplied, walk
from symprop.calculus.coefficients import coefficient_and_rest, expanded
from symprop.calculus.context import Applied, Context, KnownFact, Rule, context, node_at, rule, variable_at
from symprop.calculus.declared_rules import DECLARED_RULES
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
    if equation is None or not isinstance(equation.expression, n.Power):
        return None
    times = node.exponent / equation.expression.exponent
    known = expanded_by(equation.target, *reversed(axes))
    return Applied(n.Power(known, times), (equation,)) if times.is_Integer else None


@rule(PRODUCTS, "cancel", "x / x = 1 where x is not 0")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    below = [factor for factor in node.operands if isinstance(factor, n.Power) and factor.exponent.is_negative]
    for factor in below:
        base = factor.operands[0]
        above = next((other for other in node.operands if _is_power_of(other, base)), None)
        reason = nonzero(base, context) if above is not None else None
        if above is not None and reason is not None:
            exponent = factor.exponent + (above.exponent if isinstance(above, n.Power) and above != base else 1)
            rest = [other for other in node.operands if other is not factor and other is not above]
            return Applied(n.Multiply(*rest, n.Power(base, exponent)), (reason,))
    return None


def _is_power_of(node: Node, base: Node) -> bool:
    if node == base:
        return True
    return isinstance(node, n.Power) and node.operands[0] == base and bool(node.exponent.is_positive)


@rule(PRODUCTS, "distribute", "x * (y + z / x) = x * y + z where x is not 0")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    for factor in node.operands:
        if isinstance(factor, n.Add):
            others = [other for other in node.operands if other is not factor]
            bases = {base for term in factor.operands for base in _below(term)}
            if any(nonzero(other, context) and other in bases for other in others):
                return Applied(n.Add(*(n.Multiply(*others, term) for term in factor.operands)))
    return None


def _below(term: Node) -> list[Node]:
    factors = factors_of(term)
    return [factor.operands[0] for factor in factors if isinstance(factor, n.Power) and factor.exponent.is_negative]


@rule(PRODUCTS, "expand and collect", "x * (1 - y) + x * y = x")
@for_kinds(n.Add)
def _(node: n.Add, context: Context) -> Applied | None:
    collected = tidy(n.Add(*(part for term in node.operands for part in expanded(term))))
    _, rest = coefficient_and_rest(collected)
    terms = len(rest.operands) if isinstance(rest, n.Add) else 1
    return (
        Applied(collected)
        if terms < len(node.operands) or (terms == len(node.operands) and _depth(collected) < _depth(node))
        else None
    )


def _depth(node: Node) -> int:
    return sum(1 for _ in trees.walk(node))


def _enter(form: KnownForm) -> None:
    @rule(PRODUCTS, form.name, form.identity)
    def _(node: Node, context: Context) -> Applied | None:
        found = form.apply(node)
        return None if found is None else Applied(found)


for _form in KNOWN_FORMS:
    _enter(_form)


@rule(PRODUCTS, "a factor enters the choice", "where(c, x, 0) * y = where(c, x * y, 0) where y has no value outside c")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    choice = next((factor for factor in node.operands if isinstance(factor, n.Where) and _one_sided(factor)), None)
    others = [factor for factor in node.operands if factor is not choice and not isinstance(factor, n.Scalar)]
    partial = [factor for factor in others if _is_partial(factor)]
    if choice is None or not partial:
        return None
    condition, yes, no = choice.operands
    rest = [factor for factor in node.operands if factor is not choice and factor not in partial]
    branches = (n.Multiply(branch, *partial) if not is_zero(branch) else n.Scalar(0) for branch in (yes, no))
    return Applied(multiplied([*rest, n.Where(condition, *branches)]))


def _one_sided(choice: n.Where) -> bool:
    return any(is_zero(branch) for branch in choice.operands[1:])


def _is_partial(factor: Node) -> bool:
    """Whether a factor has no value somewhere: a root, a reciprocal or a logarithm."""
    return any(
        (isinstance(part, n.Power) and not (part.exponent.is_Integer and part.exponent.is_positive))
        or (isinstance(part, n.Map) and part.function.name in ("log", "log1p"))
        for part in walk(factor)
    )


RULES: tuple[Rule, ...] = (*SUMS, *DECLARED_RULES, *PRODUCTS)
"""Every rule, in the order in which they are tried."""


__all__ = ["RULES", "Applied", "Context", "KnownFact", "Rule", "context", "node_at", "variable_at"]
