"""Rules for choices and indicators: `where(c, x, y)`, and what is 0 where a condition does not hold."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, factors_of, is_zero, multiplied, walk
from symprop.calculus.coefficients import base_and_exponent
from symprop.calculus.context import Applied, Context, Rule, rule
from symprop.calculus.exponentials import has_value_everywhere

CHOICES: list[Rule] = []


@rule(CHOICES, "a factor enters the choice", "where(c, x, 0) * y = where(c, x * y, 0) where y has no value outside c")
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


def _one_sided(choice: n.Where) -> bool:
    return any(is_zero(branch) for branch in choice.operands[1:])


@rule(CHOICES, "one choice", "where(c, x, 0) * y + where(c, 0, x) * z = x * where(c, y, z)")
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


@rule(CHOICES, "off already", "relu(x) * (x > 0) = relu(x)")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    for factor in node.operands:
        base, exponent = base_and_exponent(factor)
        meaning = context.definition(base)
        on = n.Compare(">", meaning.operands[0], n.Scalar(0)) if meaning.function_name == "relu" else None
        if on in node.operands and exponent.is_positive:
            return Applied(multiplied([other for other in node.operands if other != on]))
    return None
