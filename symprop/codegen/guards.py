"""Guards: arguments kept where a function has a value and does not overflow, so that no branch thrown away can warn.

A guard changes an argument only where the result does not depend on it: in the branch of a `where` that is not taken,
and where tanh is 1 in every digit.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.scalar import scalar_body
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import is_zero, variables, walk
from symprop.calculus.coefficients import base_and_exponent
from symprop.calculus.exponentials import has_value_everywhere, is_map, minus_one
from symprop.calculus.tidy import tidy
from symprop.codegen.program import Emit, Names, Program, Statement, Why, rewritten
from symprop.codegen.stable import by_rule, everywhere

STEEP = ("exp", "expm1", "sinh", "cosh")
"""Functions that overflow on one side."""


def clamp_branches(program: Program) -> Program:
    """Keep functions inside a branch of `where` to that branch's side, so that the side thrown away cannot overflow."""

    @for_kinds(n.Where)
    def rule(node: n.Where) -> Node | None:
        condition, yes, no = node.operands
        compared = _compared(condition)
        if compared is None or compared[0] in ("==", "!="):
            return None
        relation, left, right = compared
        above, below = FUNCTIONS["maximum"](left, right), FUNCTIONS["minimum"](left, right)
        sides = (above, below) if relation in (">", ">=") else (below, above)
        clamped = tuple(_clamped(branch, left, side) for branch, side in zip((yes, no), sides, strict=True))
        return None if clamped == (yes, no) else n.Where(condition, *clamped)

    return by_rule(program, rule)


@for_kinds(n.Compare)
def _compared(condition: n.Compare) -> tuple[str, Variable, Node] | None:
    """Return the relation, the variable and what it is compared with, else None."""
    left, right = condition.operands
    return (condition.relation, left, right) if isinstance(left, Variable) else None


def _clamped(branch: Node, read: Variable, side: Node) -> Node:
    if any(is_map(branch, name) for name in STEEP):
        return _in_place(branch, read, side)
    if not isinstance(branch, n.Elementwise):
        return branch
    operands = tuple(_clamped(operand, read, side) for operand in branch.operands)
    return branch if operands == branch.operands else branch.with_operands(operands)


def _in_place(branch: Node, read: Variable, by: Node) -> Node:
    """Return `branch` with `read` replaced where it counts for its own place alone: not in a sum over other places."""
    if branch == read:
        return by
    if not isinstance(branch, n.Elementwise):
        return branch
    return branch.with_operands(_in_place(operand, read, by) for operand in branch.operands)


STEPS = {">": (1, -1), ">=": (1, -1), "<": (-1, 1), "<=": (-1, 1), "==": (0, 1), "!=": (1, 0)}
"""Where the branches of `where(x > c, ...)` are at home, seen from c: at c + 1 and c - 1; 0 where c itself is."""


def step_around_poles(program: Program) -> Program:
    """Give a branch of `where(x > c, ...)` another argument where it is not taken, if it may have no value there."""
    names = Names(program.names)
    made: dict[Node, Variable] = {}

    def change(statement: Statement, emit: Emit) -> Statement:
        def safe(node: Node, place: int, relation: str, read: Variable, pole: n.Scalar) -> Node:
            condition, branch, step = node.operands[0], node.operands[place], STEPS[relation][place - 1]
            if step == 0 or not _may_fail(branch, [read]) or _in_place(branch, read, pole) == branch:
                return branch
            sides = [read, n.Scalar(pole.value + step)]
            inside = n.Where(condition, *(sides if place == 1 else reversed(sides)))
            if inside not in made:
                made[inside] = names.new("safe", read)
                why = Why(f"{read.name}, and any number where the branch that reads it is not taken")
                emit(Statement(made[inside], inside, whys=(why,)))
            return _in_place(branch, read, made[inside])

        def rule(node: Node) -> Node:
            node = _gathered(node)
            compared = _compared(node.operands[0]) if isinstance(node, n.Where) else None
            if compared is None or compared[2].number is None:
                return node
            return n.Where(node.operands[0], *(safe(node, place, *compared) for place in (1, 2)))

        return statement.with_expression(everywhere(statement.expression, rule))

    return rewritten(program, change, n.Where)


def _gathered(node: Node) -> Node:
    """where(c, x, 0) * y -> where(c, x * y, 0), where y may have no value outside c: 0 times that is not a number."""
    for factor in node.operands if isinstance(node, n.Multiply) else ():
        if isinstance(factor, n.Where) and (zero := next(filter(is_zero, factor.operands[1:]), None)) is not None:
            rest = [other for other in node.operands if other is not factor]
            if _may_fail(trees.multiplied(rest), variables(factor.operands[0])):
                condition, *branches = factor.operands
                return n.Where(
                    condition, *(each if each is zero else tidy(n.Multiply(each, *rest)) for each in branches)
                )
    return node


def _may_fail(branch: Node, reads: Sequence[Variable]) -> bool:
    """Whether something in `branch` that reads one of `reads` may have no value: a quotient, a root, a logarithm."""
    return any(not has_value_everywhere(part) for part in walk(branch) if not set(reads).isdisjoint(variables(part)))


ARITHMETIC = (n.Scalar, n.Add, n.Multiply, n.Power)

SATURATED = 20
"""From here on tanh is 1 in every digit of a float64 (from 19.1)."""


def bound_saturated(program: Program) -> Program:
    """Bound `t` in `tanh(a t + b t**3)`, and in the polynomials that its slope `1 - tanh(...)**2` multiplies.

    Beyond the bound tanh is 1 and its slope 0, whatever the polynomial is; its powers could overflow, and 0 times an
    infinity is not a number.
    """
    names = Names(program.names)
    made: dict[tuple[Variable, int], Variable] = {}

    def change(statement: Statement, emit: Emit) -> Statement:
        def bounded(node: Node, read: Variable, limit: int) -> Node:
            if (read, limit) not in made:
                made[read, limit] = names.new("near", read)
                clipped = FUNCTIONS["minimum"](FUNCTIONS["maximum"](read, n.Scalar(-limit)), n.Scalar(limit))
                why = Why(f"beyond {limit} the tanh is 1 or -1 in every digit, and powers could overflow")
                emit(Statement(made[read, limit], clipped, whys=(why,)))
            return trees.replace(node, {read: made[read, limit]})

        def visit(node: Node) -> Node:
            found = _saturation(node)
            if found is not None:
                return bounded(node, *found)
            operands = list(node.operands)
            if isinstance(node, n.Multiply):
                limits = [limit for limit in map(_slope_saturation, operands) if limit is not None]
                for read, bound in limits:
                    operands = [
                        bounded(factor, read, bound) if _has_powers(factor, read) else factor for factor in operands
                    ]
            new = [visit(operand) for operand in operands]
            return node if tuple(new) == node.operands else node.with_operands(new)

        return statement.with_expression(visit(statement.expression))

    return rewritten(program, change, n.Map)


def _saturation(node: Node) -> tuple[Variable, int] | None:
    """Return `t` and where `tanh(p(t))` is 1 or -1 in every digit, for `p` odd and rising (or falling), else None."""
    reads = variables(node) if is_map(node, "tanh") else ()
    if len(reads) != 1 or not _has_powers(node.operands[0], reads[0]):
        return None
    body = scalar_body(node.operands[0])
    if len(body.free_symbols) != 1:
        return None  # the index of a series is another symbol
    polynomial = sympy.Poly(body, *body.free_symbols)
    signs = {sympy.sign(coefficient) for coefficient in polynomial.coeffs()}
    if len(signs) != 1 or not all(power % 2 for (power,) in polynomial.monoms()):
        return None
    sizes = [(power, abs(float(coefficient))) for (power,), coefficient in polynomial.terms()]
    limit = next((t for t in range(1, 100) if sum(size * t**power for power, size in sizes) >= SATURATED), None)
    return None if limit is None else (reads[0], limit)


def _slope_saturation(factor: Node) -> tuple[Variable, int] | None:
    """The same for `1 - tanh(p(t))**2`."""
    rest = minus_one(factor)
    base, exponent = (None, 1) if rest is None else base_and_exponent(tidy(n.negative(rest)))
    return _saturation(base) if base is not None and exponent == 2 else None


def _has_powers(node: Node, read: Variable) -> bool:
    """Whether `node` is a polynomial in `read` alone with a power of it."""
    parts = [part for part in walk(node) if part != read]
    polynomial = all(isinstance(part, ARITHMETIC) and has_value_everywhere(part) for part in parts)
    return polynomial and any(base_and_exponent(part)[1] != 1 for part in parts)


__all__ = ["bound_saturated", "clamp_branches", "step_around_poles"]
