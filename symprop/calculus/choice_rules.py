"""Rules for choices and indicators: `where(c, x, y)`, `(x > y)`, and what is 0 where a condition does not hold.

An indicator is a choice of 1 and 0; so one rule speaks of both. Nothing leaves the branch in which it has a value.
"""

from __future__ import annotations

from typing import NamedTuple

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, factors_of, is_zero, multiplied, terms_of, walk, zeros
from symprop.calculus.coefficients import base_and_exponent, expanded, same_shape
from symprop.calculus.context import Applied, Context, KnownFact, Rule, rule
from symprop.calculus.exponentials import has_value_everywhere
from symprop.calculus.known_facts import declared_fact, has_fact, positive
from symprop.calculus.tidy import tidy

CHOICES: list[Rule] = []
SIGNS = {">": "+", ">=": "0+", "<": "-", "<=": "-0", "==": "0", "!=": "-+"}
"""The signs that a difference may have where a comparison of its two sides holds."""


class Choice(NamedTuple):
    """What `where(condition, yes, no)` chooses from; an indicator chooses from 1 and 0."""

    condition: Node
    yes: Node
    no: Node

    @property
    def is_one_sided(self) -> bool:
        return is_zero(self.yes) or is_zero(self.no)

    def seen_from(self, condition: Node) -> Choice | None:
        """Return the same choice by another condition, if that says the same or the opposite."""
        if condition == self.condition:
            return self
        if _is_one_event(condition, self.condition):
            return Choice(condition, self.yes, self.no)
        opposite = self.condition.opposite if isinstance(self.condition, n.Compare) else None
        is_opposite = opposite is not None and _is_one_event(condition, opposite)
        return Choice(condition, self.no, self.yes) if is_opposite else None


def _choice(node: Node) -> Choice | None:
    """Return what a node chooses from, if it is a choice or an indicator."""
    if isinstance(node, n.Compare):
        return Choice(node, n.Scalar(1), n.Scalar(0))
    return Choice(*node.operands) if isinstance(node, n.Where) else None


def _is_one_event(first: Node, second: Node) -> bool:
    """Whether two conditions are comparisons of the same that hold in the same places: `x > y` and `y < x`."""
    signs = _signs(first, second)
    return signs is not None and signs[0] == signs[1]


def _signs(first: Node, second: Node) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return the signs that the difference of the first comparison may have by each, if both compare the same."""
    if not isinstance(first, n.Compare) or not isinstance(second, n.Compare):
        return None
    mine, other = (tidy(n.Add(left, n.negative(right))) for left, right in (first.operands, second.operands))
    found, others = frozenset(SIGNS[first.relation]), SIGNS[second.relation]
    if mine == other:
        return found, frozenset(others)
    if mine == tidy(n.negative(other)):
        return found, frozenset(others.translate(str.maketrans("+-", "-+")))
    return None


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


def _one_sided(factor: Node) -> bool:
    choice = _choice(factor)
    return choice is not None and choice.is_one_sided


@for_kinds(n.Add)
def one_choice(node: n.Add) -> Node | None:
    """Unite two terms of which each is 0 where the other is not; what both branches have stands before."""
    sides: list[tuple[Node, Choice, Node]] = []  # term, choice, what is multiplied with it
    for term in node.operands:
        factors = factors_of(term)
        factor = next((factor for factor in factors if _one_sided(factor)), None)
        choice = None if factor is None else _choice(factor)
        if factor is None or choice is None or factor.shape != node.shape:
            continue
        rest = multiplied([other for other in factors if other is not factor] or [n.Scalar(1)])
        for first, begun, times in sides:
            other = choice.seen_from(begun.condition)
            if other is None or is_zero(begun.yes) == is_zero(other.yes):
                continue
            branch, its = (begun.no, other.yes) if is_zero(begun.yes) else (begun.yes, other.no)
            same = branch == its and branch.constant is None
            mine, yours = (times, rest) if same else (n.Multiply(branch, times), n.Multiply(its, rest))
            yes, no = (yours, mine) if is_zero(begun.yes) else (mine, yours)
            united = n.Where(begun.condition, tidy(yes), tidy(no))
            kept = [each for each in node.operands if each is not term and each is not first]
            return added([*kept, n.Multiply(branch, united) if same else united])
        sides.append((term, choice, rest))
    return None


ONE_CHOICE = "where(c, x, 0) * y + where(c, 0, x) * z = x * where(c, y, z)"


@rule(CHOICES, "one choice", ONE_CHOICE)
def _(node: Node, context: Context) -> Applied | None:
    united = one_choice(node)
    return None if united is None else Applied(united)


@rule(CHOICES, "a choice within a choice", "where(c, x, where(c, y, z)) = where(c, x, z)")
@for_kinds(n.Where)
def _(node: n.Where, context: Context) -> Applied | None:
    condition, *branches = node.operands
    inner = [None if (found := _choice(each)) is None else found.seen_from(condition) for each in branches]
    if inner == [None, None]:
        return None
    pairs = enumerate(zip(branches, inner, strict=True), start=1)
    shorter = n.Where(condition, *(branch if found is None else found[place] for place, (branch, found) in pairs))
    return Applied(shorter) if same_shape(shorter, node) else None


@rule(CHOICES, "choices of one condition", "where(c, x, y) * where(c, u, v) = where(c, x * u, y * v)")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    found: list[tuple[Node, Choice]] = []
    for factor in node.operands:
        choice = _choice(factor)
        for first, begun in found if choice else ():
            other = choice.seen_from(begun.condition) if choice else None
            if other is None or (isinstance(first, n.Compare) and isinstance(factor, n.Compare)):
                continue
            branches = (
                n.Scalar(0) if is_zero(x) or is_zero(u) else tidy(n.Multiply(x, u))
                for x, u in zip(begun[1:], other[1:], strict=True)
            )
            rest = [each for each in node.operands if each is not first and each is not factor]
            return Applied(multiplied([*rest, n.Where(begun.condition, *branches)]))
        if choice is not None:
            found.append((factor, choice))
    return None


@rule(CHOICES, "comparisons of the same", "(x > y) * (x >= y) = (x > y), and (x > y) * (x < y) = 0")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    compared = [factor for factor in node.operands if isinstance(factor, n.Compare)]
    for place, first in enumerate(compared):
        for second in compared[place + 1 :]:
            signs = _signs(first, second)
            if signs is None:
                continue
            both = signs[0] & signs[1]
            relation = next((name for name, each in SIGNS.items() if frozenset(each) == both), None)
            if relation is None:
                return Applied(zeros(*node.shape))
            rest = [factor for factor in node.operands if factor is not first and factor is not second]
            return Applied(multiplied([*rest, n.Compare(relation, *first.operands)]))
    return None


@rule(CHOICES, "off already", "relu(x) * (x > 0) = relu(x)")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    """Also `maximum(0, x) * (x > 0)` and `minimum(0, x) * (x < 0)`: what is 0 where the indicator is; or all is 0."""
    for factor in node.operands:
        base, exponent = base_and_exponent(factor)
        on = _where_not_zero(context.definition(base)) if exponent.is_positive else None
        for indicator in node.operands:
            signs = None if on is None else _signs(on, indicator)
            if signs and signs[0] <= signs[1]:
                return Applied(multiplied([other for other in node.operands if other is not indicator]))
            if signs and not signs[0] & signs[1]:
                return Applied(zeros(*node.shape))
    return None


@rule(CHOICES, "comparison of a larger one", "(maximum(x, 1) < 2) = (x < 2), a number and a larger number")
@for_kinds(n.Compare)
def _(node: n.Compare, context: Context) -> Applied | None:
    inside, limit = node.operands
    name, end = inside.function_name, limit.constant
    if name not in ("maximum", "minimum") or end is None or node.relation in ("==", "!="):
        return None
    numbers = [each.constant for each in inside.operands if each.constant is not None]
    x = [each for each in inside.operands if each.constant is None]
    if len(numbers) != 1 or not (end - numbers[0] if name == "maximum" else numbers[0] - end).is_positive:
        return None
    found = n.Compare(node.relation, x[0], limit)
    return Applied(found) if same_shape(found, node) else None


@rule(CHOICES, "difference of two sides", "(c * x > (c - 1) * x) = (x > 0)")
@for_kinds(n.Compare)
def _(node: n.Compare, context: Context) -> Applied | None:
    left, right = node.operands
    terms = [*terms_of(left), *map(n.negative, terms_of(right))]
    difference = tidy(added([part for term in terms for part in expanded(tidy(term))]))
    if difference.constant is not None or difference.weight >= min(left.weight, right.weight):
        return None
    found = n.Compare(node.relation, difference, n.Scalar(0))
    return Applied(found) if same_shape(found, node) else None


@rule(CHOICES, "squared signs", "sign(x)**2 * (abs(x) > c) = (abs(x) > c) where c is not negative")
@for_kinds(n.Multiply)
def _(node: n.Multiply, context: Context) -> Applied | None:
    for factor in node.operands:
        base, exponent = base_and_exponent(factor)
        if base.function_name != "sign" or not exponent.is_even or not exponent.is_positive:
            continue
        size = FUNCTIONS["abs"](*base.operands)
        for indicator in node.operands:
            if isinstance(indicator, n.Compare) and indicator.relation == ">":
                terms = [*terms_of(indicator.operands[0]), n.negative(indicator.operands[1])]
                others = [n.negative(term) for term in terms if term != size]
                reason = _not_negative(tidy(added(others)), context) if len(others) < len(terms) else None
                if reason is not None:
                    return Applied(multiplied([each for each in node.operands if each is not factor]), reason)
    return None


@rule(CHOICES, "absolute value", "abs(x) * sign(x) = x, x * sign(x) = abs(x), and abs(x)**2 = x**2")
@for_kinds(n.Multiply, n.Power)
def _(node: n.Multiply | n.Power, context: Context) -> Applied | None:
    if isinstance(node, n.Power):
        even = node.operands[0].function_name == "abs" and node.exponent.is_even and node.exponent.is_positive
        return Applied(n.Power(node.operands[0].operands[0], node.exponent)) if even else None
    for sign in (factor for factor in node.operands if factor.function_name == "sign"):
        size = FUNCTIONS["abs"](*sign.operands)
        for part, whole in ((size, sign.operands[0]), (sign.operands[0], size)):
            if part in node.operands:
                others = list(node.operands)
                others.remove(part)
                others.remove(sign)
                return Applied(multiplied([*others, whole]))
    return None


def _not_negative(node: Node, context: Context) -> tuple[KnownFact, ...] | None:
    """Return why a node is not negative: nothing to be said where it is a number; None where it is not known."""
    if node.constant is not None:
        return () if node.constant.is_nonnegative else None
    reason = declared_fact(node, "nonnegative") if has_fact(node, "nonnegative") else positive(node, context)
    return None if reason is None else (reason,)


@for_kinds(n.Map)
def _where_not_zero(node: n.Map) -> n.Compare | None:
    """Return the comparison that holds where `relu(x)`, `maximum(0, x)` or `minimum(x, 0)` is not 0, else None."""
    inside = [operand for operand in node.operands if not is_zero(operand)]
    relation = {("relu", 1): ">", ("maximum", 2): ">", ("minimum", 2): "<"}.get(
        (node.function_name, len(node.operands))
    )
    return n.Compare(relation, inside[0], n.Scalar(0)) if relation and len(inside) == 1 else None
