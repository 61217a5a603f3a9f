"""Rules that a declared fact allows: a symmetric or orthogonal matrix, positive elements, one-hot rows, signs."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import ones
from symprop.calculus.chains import links
from symprop.calculus.coefficients import base_and_exponent
from symprop.calculus.context import Applied, Context, Rule, rule
from symprop.calculus.known_facts import declared_fact, has_fact, positive
from symprop.calculus.symmetric import symmetric
from symprop.calculus.tidy import tidy

DECLARED_RULES: list[Rule] = []


@rule(DECLARED_RULES, "symmetric", "S.T = S, and f(S).T = f(S)")
@for_kinds(n.Transpose)
def _(node: n.Transpose, context: Context) -> Applied | None:
    facts = symmetric(node.operands[0])
    return None if facts is None else Applied(node.operands[0], facts)


@rule(DECLARED_RULES, "symmetric", "sum(S, axis=0) = sum(S, axis=1)")
@for_kinds(n.Sum)
def _(node: n.Sum, context: Context) -> Applied | None:
    facts = symmetric(node.operands[0]) if node.axes == (0,) and not node.keepdims else None
    return None if facts is None else Applied(n.Sum(node.operands[0], 1), facts)


@rule(DECLARED_RULES, "orthogonal", "Q.T @ Q = Q @ Q.T = I")
def _(node: Node, context: Context) -> Applied | None:
    parts = links(node)
    for place, (left, right) in enumerate(pairwise(parts)):
        base = left.untransposed
        if has_fact(base, "orthogonal") and right == tidy(n.Transpose(left)):
            rest = [*parts[:place], n.Identity(left.shape[0]), *parts[place + 2 :]]
            return Applied(reduce(n.MatMul, rest), (declared_fact(base, "orthogonal"),))
    return None


@rule(DECLARED_RULES, "positive", "abs(x) = x and sign(x) = 1 where x is above 0")
@for_kinds(n.Map)
def _(node: n.Map, context: Context) -> Applied | None:
    if len(node.operands) != 1:
        return None
    x = node.operands[0]
    reason = positive(x, context)
    if reason is None and node.function.name in ("abs", "relu") and has_fact(x, "nonnegative"):
        reason = declared_fact(x, "nonnegative")
    if reason is None:
        return None
    if node.function.name in ("abs", "relu"):
        return Applied(x, (reason,))
    return Applied(n.Multiply(n.Scalar(1), ones(*x.shape)), (reason,)) if node.function.name == "sign" else None


@rule(DECLARED_RULES, "zeros and ones", "y * y = y where each element of y is 0 or 1")
@for_kinds(n.Power)
def _(node: n.Power, context: Context) -> Applied | None:
    y, several = node.operands[0], node.exponent.is_Integer and node.exponent > 1
    kind = next((kind for kind in ("one-hot", "bits") if has_fact(y, kind)), None)
    return Applied(y, (declared_fact(y, kind),)) if several and kind else None


@rule(DECLARED_RULES, "signs", "y * y = 1 where each element of y is -1 or 1")
@for_kinds(n.Power, n.Map)
def _(node: n.Power | n.Map, context: Context) -> Applied | None:
    y, as_powers = node.operands[0], {"abs": Integer(0), "sign": Integer(1)}
    exponent = as_powers.get(node.function_name) if node.function_name else base_and_exponent(node)[1]
    if exponent is None or not exponent.is_Integer or not has_fact(y, "signs"):
        return None
    return Applied(y if exponent % 2 else ones(*y.shape), (declared_fact(y, "signs"),))
