"""Even powers beside a number, `c + a t**q`, below a root, a line or a logarithm, where `t**q` could overflow.

With `near` the part of `t` up to a bound and `far = max(|t| / bound, 1)`, `t = near * far` and `c + a t**q` is
`far**q * (c + a near**q)` in every digit, since beyond the bound the number adds none. So `sqrt(1 + t**2)` is about
`|t|` where its square is infinite: what `hypot` does (Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd
ed., 2002, section 27.8), in operations that every library has fast.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import multiplied
from symprop.calculus.coefficients import base_and_exponent, coefficient_and_rest
from symprop.calculus.exponentials import argument
from symprop.calculus.tidy import tidy
from symprop.codegen.program import Emit, Names, Program, Statement, Why, rewritten
from symprop.codegen.stable import flat

DIGITS, LARGEST = 18, 36
"""A number is none of the digits of another that is so many powers of ten larger; float32 has those up to 36."""


@dataclass(frozen=True)
class Large:
    """A sum `number + factor * base**power`, and the power of ten from which on the number adds no digit."""

    number: Node
    factor: Expr
    base: Node
    power: int
    bound: int

    def of(self, near: Node) -> Node:
        """Return the sum with `near` in place of its base."""
        return tidy(n.Add(self.number, n.Scalar(self.factor) * n.Power(near, self.power)))


@for_kinds(n.Add)
def large(node: n.Add) -> Large | None:
    """Return what a sum is, if it is a number above 0 and an even power with a number above 0 in front, else None."""
    if len(node.operands) != 2:
        return None
    for number, other in (node.operands, node.operands[::-1]):
        factor, rest = coefficient_and_rest(other)
        base, power = base_and_exponent(rest) if rest is not None else (number, sympy.Integer(0))
        value = number.number
        if value is None or not (value.is_positive and factor.is_positive and power.is_Integer and power.is_even):
            continue
        if power <= 0 or value.free_symbols or factor.free_symbols:
            continue
        sizes = math.log10(float(value)), math.log10(float(factor))
        bound = math.ceil((DIGITS + max(sizes[0] - sizes[1], 0)) / int(power))
        if sizes[1] + bound * power <= LARGEST:
            return Large(number, factor, base, int(power), 10**bound)
    return None


Split = Callable[[Large], tuple[Variable, Variable]]


@for_kinds(n.Map)
def without_overflow_in_a_log(node: Node, split: Split) -> Node | None:
    """Return `log(c + a t**q)` as `log(c + a near**q) + q log(far)`, else None."""
    for name, more in (("log", 0), ("log1p", 1)):
        inside = argument(node, name)
        found = None if inside is None else large(tidy(n.Add(n.Scalar(more), inside)) if more else inside)
        if found is not None:
            near, far = split(found)
            held = found.of(near)
            within = tidy(n.Add(held, n.Scalar(-more))) if more else held
            return n.Add(FUNCTIONS[name](within), n.Scalar(found.power) * FUNCTIONS["log"](far))
    return None


@for_kinds(n.Multiply, n.Power)
def without_overflow_in_a_power(node: Node, split: Split, visit: Callable[[Node], Node]) -> Node | None:
    """Return `t**k * (c + a t**q)**p` as `near**k * (c + a near**q)**p * far**(k + p q)`, else None."""
    factors = list(node.operands) if isinstance(node, n.Multiply) else [node]
    for factor in factors:
        total, p = base_and_exponent(factor)
        found = large(total) if p.is_number and (p.is_negative or not p.is_Integer) else None
        if found is None:
            continue
        beside = [other for other in factors if base_and_exponent(other)[0] == found.base]
        k = sum((base_and_exponent(other)[1] for other in beside), sympy.Integer(0))
        if p <= -1 and not beside:
            continue  # 1 / (1 + t**2) is 0 where the power is infinite
        near, far = split(found)
        powers = ((near, k), (found.of(near), p), (far, k + p * found.power))
        rest = [visit(other) for other in factors if other is not factor and other not in beside]
        return multiplied([*rest, *(tidy(n.Power(base, power)) for base, power in powers if power != 0)])
    return None


def bound_large_powers(program: Program) -> Program:
    """Write what holds `c + a t**q` below a root, a line or a logarithm so that the power cannot overflow."""
    names = Names(program.names)
    made: dict[tuple[Node, int], tuple[Variable, Variable]] = {}

    def change(statement: Statement, emit: Emit) -> Statement:
        def split(found: Large) -> tuple[Variable, Variable]:
            """Return the base up to the bound, and how many times more it is, at least 1."""
            key = found.base, found.bound
            if key not in made:
                read, bound = found.base, n.Scalar(found.bound)
                if not isinstance(read, Variable):
                    read = names.new("base", found.base)
                    emit(Statement(read, found.base))
                near = FUNCTIONS["minimum"](FUNCTIONS["maximum"](read, n.negative(bound)), bound)
                times = n.Scalar(sympy.Rational(1, found.bound)) * FUNCTIONS["abs"](read)
                far = FUNCTIONS["maximum"](times, n.Scalar(1))
                made[key] = names.new("near", read), names.new("far", read)
                why = Why(
                    f"{read.name} = near * far: from {found.bound:.0e} on its power is all of the sum, or too large"
                )
                emit(Statement(made[key][0], near, whys=(why,)))
                emit(Statement(made[key][1], far))
            return made[key]

        def visit(node: Node) -> Node:
            node = flat(node)
            found = without_overflow_in_a_log(node, split) or without_overflow_in_a_power(node, split, visit)
            if found is not None:
                return found
            operands = tuple(map(visit, node.operands))
            return node if operands == node.operands else node.with_operands(operands)

        return statement.with_expression(visit(statement.expression))

    return rewritten(program, change, n.Power)


__all__ = ["bound_large_powers"]
