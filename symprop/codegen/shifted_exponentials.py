"""Sums with exponentials, divided by the largest of them: `r + exp(t)`, of which no sign is known, for `r` any array.

With `m = max(t, 0)` it is `exp(m) * (r * exp(-m) + exp(t - m))`, in which no exponential is above 1: the shift of
Blanchard, Higham and Higham, *Accurately computing the log-sum-exp and softmax functions* (2021), for any terms.
"""

from __future__ import annotations

from functools import reduce

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, factors_of, multiplied, walk
from symprop.calculus.coefficients import base_and_exponent, coefficient_and_rest
from symprop.calculus.exponentials import argument
from symprop.calculus.tidy import tidy


@for_kinds(n.Add)
def _shifted(node: n.Add) -> tuple[Node, Node] | None:
    """Return `m` and `exp(-m) * node` where `node` is a sum with exponentials and no minus sign, else None."""
    split = [_exponent_and_rest(term) for term in node.operands]
    exponents = list(dict.fromkeys(t for t, _ in split if t is not None))
    if not exponents or any(coefficient_and_rest(rest)[0].could_extract_minus_sign() for _, rest in split):
        return None
    if any(t is None for t, _ in split):
        exponents.append(n.Scalar(0))
    if len(exponents) < 2 or any(part.function_name == "maximum" for t in exponents for part in walk(t)):
        return None  # one exponential alone, or shifted already
    top = reduce(FUNCTIONS["maximum"], exponents)
    parts = [_times_exp(rest, n.negative(top) if t is None else t - top) for t, rest in split]
    return top, added(parts)


def _exponent_and_rest(term: Node) -> tuple[Node | None, Node]:
    """Return `t` and `c` where a term is `c * exp(t)`; a term without an exponential is all `c`."""
    factors = factors_of(term)
    exponents = [t for t in (argument(factor, "exp") for factor in factors) if t is not None]
    rest = [factor for factor in factors if argument(factor, "exp") is None]
    return tidy(added(exponents)) if exponents else None, multiplied(rest or [n.Scalar(1)])


def _times_exp(rest: Node, t: Node) -> Node:
    power = FUNCTIONS["exp"](tidy(t))
    return power if rest == n.Scalar(1) else n.Multiply(rest, power)


@for_kinds(n.Map)
def as_shifted_log(node: Node) -> Node | None:
    """Return `log(r + exp(t))` as `m + log(r * exp(-m) + exp(t - m))` with `m = max(t, 0)`, else None."""
    found = _shifted(argument(node, "log"))
    return None if found is None else n.Add(found[0], FUNCTIONS["log"](found[1]))


@for_kinds(n.Multiply)
def as_shifted_quotient(node: n.Multiply) -> Node | None:
    """Return `exp(t) / (r + exp(t))` as `exp(t - m) / (r * exp(-m) + exp(t - m))` with `m = max(t, 0)`, else None."""
    for factor in node.operands:
        base, power = base_and_exponent(factor)
        found = _shifted(base) if power.is_number and power.is_negative else None
        if found is None:
            continue
        top, total = found
        t, rest = _exponent_and_rest(multiplied([each for each in node.operands if each is not factor]))
        above = n.Scalar(power) * top
        return multiplied([_times_exp(rest, above if t is None else t + above), n.Power(total, power)])
    return None
