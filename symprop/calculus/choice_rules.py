"""Rules for choices and indicators: `where(c, x, y)`, and what is 0 where a condition does not hold."""

from __future__ import annotations

from itertools import combinations

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, factors_of, is_zero, multiplied, walk
from symprop.calculus.coefficients import base_and_exponent, coefficient_and_rest, scaled
from symprop.calculus.context import Applied, Context, Rule, rule
from symprop.calculus.exponentials import has_value_everywhere
from symprop.calculus.tidy import tidy

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


@rule(CHOICES, "one choice", "where(c, x, 0) + where(c, 0, y) = where(c, x, y)")
@for_kinds(n.Add)
def _(node: n.Add, context: Context) -> Applied | None:
    choices = [(term, found) for term in node.operands if (found := _choice_in(term)) is not None]
    for (one, first), (other, second) in combinations(choices, 2):
        zero = [next((side for side in (1, 2) if is_zero(choice[side])), 0) for choice in (first, second)]
        if first[0] == second[0] and sorted(zero) == [1, 2]:
            yes, no = (first, second) if zero == [2, 1] else (second, first)
            rest = [term for term in node.operands if term is not one and term is not other]
            return Applied(added([_one_choice(first[0], tidy(yes[1]), tidy(no[2])), *rest]))
    return None


def _choice_in(term: Node) -> tuple[Node, Node, Node] | None:
    """Return a product that holds one choice with a branch 0 as that choice: its condition and its branches."""
    factors = factors_of(term)
    choices = [factor for factor in factors if isinstance(factor, n.Where)]
    if len(choices) != 1 or not _one_sided(choices[0]):
        return None
    others = [factor for factor in factors if factor is not choices[0]]
    condition, yes, no = choices[0].operands
    yes, no = (n.Scalar(0) if is_zero(branch) else multiplied([*others, branch]) for branch in (yes, no))
    return condition, yes, no


def _one_choice(condition: Node, yes: Node, no: Node) -> Node:
    """Return the choice, in front of it the number that both branches have, such as 1/m."""
    (first, x), (second, y) = coefficient_and_rest(yes), coefficient_and_rest(no)
    common = _shared(first, second)
    one = n.Scalar(1)
    return scaled(common, n.Where(condition, scaled(first / common, x or one), scaled(second / common, y or one)))


def _shared(first: Expr, second: Expr) -> Expr:
    """Return what two coefficients share: sizes, and the number beside them, named numbers left where they are."""
    (plain, rest), (other, more) = (number.as_coeff_Mul() for number in (first, second))
    sizes, others = (number.as_independent(*number.free_symbols)[1] for number in (rest, more))
    return (plain if plain == other else Integer(1)) * (sizes if sizes == others else Integer(1))


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
