"""Guards: arguments kept where a function has a value and does not overflow, so that no branch thrown away can warn.

A guard changes an argument only where the result does not depend on it: in the branch of a `where` that is not taken,
and where tanh is 1 in every digit.
"""

from __future__ import annotations

import sympy

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.scalar import scalar_body
from symprop.algebra.trees import variables, walk
from symprop.calculus.known_forms import is_map, minus_one
from symprop.calculus.tidy import tidy
from symprop.codegen.program import Emit, Names, Program, Statement, Why, rewritten
from symprop.codegen.stable import by_rule, everywhere

PARTIAL = ("exp", "expm1", "log", "log1p", "sinh", "cosh")
"""Functions that overflow, or have no value, on one side."""


def clamp_branches(program: Program) -> Program:
    """Keep functions inside a branch of `where` to that branch's side, so that the side thrown away cannot overflow."""

    def rule(node: Node) -> Node | None:
        if not isinstance(node, n.Where) or not isinstance(node.operands[0], n.Compare):
            return None
        condition, yes, no = node.operands
        relation, (left, right) = condition.relation, condition.operands
        if relation not in (">", ">=", "<", "<=") or not isinstance(left, Variable):
            return None
        above, below = FUNCTIONS["maximum"](left, right), FUNCTIONS["minimum"](left, right)
        sides = (above, below) if relation in (">", ">=") else (below, above)
        clamped = tuple(_clamped(branch, left, side) for branch, side in zip((yes, no), sides, strict=True))
        return None if clamped == (yes, no) else n.Where(condition, *clamped)

    return by_rule(program, rule)


def _clamped(branch: Node, read: Variable, side: Node) -> Node:
    if isinstance(branch, n.Map) and any(is_map(branch, name) for name in PARTIAL):
        return trees.replace(branch, {read: side})
    operands = tuple(_clamped(operand, read, side) for operand in branch.operands)
    return branch if operands == branch.operands else branch.with_operands(operands)


def step_around_poles(program: Program) -> Program:
    """Give the branch that `where(x == c, ...)` does not take another argument at `c`, where it may have no value."""
    names = Names(program.names)
    made: dict[Node, Variable] = {}

    def change(statement: Statement, emit: Emit) -> Statement:
        def rule(node: Node) -> Node | None:
            condition = node.operands[0] if isinstance(node, n.Where) else None
            if not isinstance(condition, n.Compare) or condition.relation not in ("==", "!="):
                return None
            (read, pole), taken = condition.operands, 1 if condition.relation == "==" else 2
            other = node.operands[3 - taken]
            if not isinstance(read, Variable) or not isinstance(pole, n.Scalar) or not _may_fail(other, read):
                return None
            inside = n.Where(n.Compare("==", read, pole), n.Scalar(pole.value + 1), read)
            if inside not in made:
                made[inside] = names.new("safe", read)
                why = Why(f"where {read.name} is {pole.value}, any number will do: that branch is not taken")
                emit(Statement(made[inside], inside, whys=(why,)))
            branches = [trees.replace(other, {read: made[inside]}), node.operands[taken]]
            return n.Where(condition, *(branches if taken == 2 else reversed(branches)))

        return statement.with_expression(everywhere(statement.expression, rule))

    return rewritten(program, change)


def _may_fail(branch: Node, read: Variable) -> bool:
    """Whether something in `branch` that reads `read` may have no value: a quotient, or a partial function."""
    return any(
        (isinstance(part, n.Power) and part.exponent.is_negative) or any(is_map(part, name) for name in PARTIAL)
        for part in walk(branch)
        if read in variables(part)
    )


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

    return rewritten(program, change)


def _saturation(node: Node) -> tuple[Variable, int] | None:
    """Return `t` and where `tanh(p(t))` is 1 or -1 in every digit, for `p` odd and rising (or falling), else None."""
    reads = variables(node) if is_map(node, "tanh") else ()
    if len(reads) != 1 or not _has_powers(node.operands[0], reads[0]):
        return None
    body = scalar_body(node.operands[0])
    (symbol,) = body.free_symbols
    polynomial = sympy.Poly(body, symbol)
    signs = {sympy.sign(coefficient) for coefficient in polynomial.coeffs()}
    if len(signs) != 1 or not all(power % 2 for (power,) in polynomial.monoms()):
        return None
    limit = next((t for t in range(1, 100) if abs(polynomial.eval(t)) >= SATURATED), None)
    return None if limit is None else (reads[0], limit)


def _slope_saturation(factor: Node) -> tuple[Variable, int] | None:
    """The same for `1 - tanh(p(t))**2`."""
    rest = minus_one(factor)
    square = None if rest is None else tidy(n.negative(rest))
    return _saturation(square.operands[0]) if isinstance(square, n.Power) and square.exponent == 2 else None


def _has_powers(node: Node, read: Variable) -> bool:
    """Whether `node` is a polynomial in `read` alone with a power of it."""
    polynomial = all(
        isinstance(part, (n.Add, n.Multiply, n.Scalar))
        or part == read
        or (isinstance(part, n.Power) and part.exponent.is_Integer and part.exponent.is_positive)
        for part in walk(node)
    )
    return polynomial and any(isinstance(part, n.Power) for part in walk(node))


__all__ = ["bound_saturated", "clamp_branches", "step_around_poles"]
