"""Passes: each takes a program and returns an equal one that is more stable, shorter or faster.

Each does one thing; `PASSES` is their order. The program is checked after every one of them. The stable forms stand in
`stable.py`.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import sympy

from symprop.algebra import nodes as n
from symprop.algebra import roles, trees
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import Shape
from symprop.algebra.table import Table, for_kinds
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation
from symprop.calculus.coefficients import base_and_exponent, coefficient_and_rest
from symprop.calculus.tidy import tidy
from symprop.codegen.guards import bound_saturated, clamp_branches, step_around_poles
from symprop.codegen.indicators import is_indicator, is_joined
from symprop.codegen.kinds import Copy, FirstTrue
from symprop.codegen.large_powers import bound_large_powers
from symprop.codegen.lowering import lower
from symprop.codegen.program import Emit, Names, Pass, Program, Statement, checked, each_rewritten, rewritten
from symprop.codegen.scans import has_scans, in_steps
from symprop.codegen.stable import (
    everywhere,
    held_roots,
    shifted_softmax,
    stable_exponentials,
    write_out,
)


def light_scalars(program: Program) -> Program:
    """Move numbers out of matrix products, to whichever of operands and result is smallest."""

    @for_kinds(n.Multiply)
    def rule(node: n.Multiply) -> Node | None:
        coefficient, product = coefficient_and_rest(node)
        if not isinstance(product, n.MatMul):
            return None
        scalar, (left, right) = n.Scalar(coefficient), product.operands
        smallest = min((size_in_a_batch(product), 0), (size_in_a_batch(left), 1), (size_in_a_batch(right), 2))[1]
        if smallest == 0:
            return None
        return n.MatMul(tidy(scalar * left), right) if smallest == 1 else n.MatMul(left, tidy(scalar * right))

    return each_rewritten(program, lambda node: everywhere(tidy(node), rule))


def size_in_a_batch(node: Node) -> float:
    """The number of elements, for a batch of 32."""
    return elements_in_a_batch(node.shape)


@lru_cache(maxsize=2_048)
def elements_in_a_batch(shape: Shape) -> float:
    """The number of elements of an array of this shape, for a batch of 32."""
    return float(sympy.Mul(*shape).subs({symbol: 32 for size in shape for symbol in size.free_symbols}))


CHEAP = (Variable, n.Scalar, n.Fill, n.Identity, n.Transpose, n.Expand, n.Reshape, n.Compare)
"""Kinds that cost nothing, or next to nothing."""


def is_cheap(node: Node) -> bool:
    """Whether `node` costs little to compute twice: a view, a comparison, a multiple of a name."""
    if isinstance(node, n.Multiply) and not is_indicator(node):
        return len(trees.numbers_apart(node.operands)[1]) == 1
    return isinstance(node, CHEAP) or (is_joined(node) and all(map(is_cheap, node.operands)))


def share(program: Program) -> Program:
    """Name work that stands in two places once, and read names where their right sides stand again."""
    counts = _uses(program)
    names = Names(program.names)
    values: dict[Node, Variable] = {}

    def change(statement: Statement, emit: Emit) -> Statement:
        def visit(node: Node, whole: bool = False) -> Node:
            if node in values:
                return values[node]
            if isinstance(node, n.BlockSum):
                return node  # what stands inside depends on its index
            operands = tuple(visit(operand) for operand in node.operands)
            new = node if operands == node.operands else node.with_operands(operands)
            small = not any(operand.rank for operand in (node, *node.operands))
            if whole or is_cheap(node) or small or counts[node] < 2:
                return new
            values[node] = names.new(word_for(node, program), node)
            emit(Statement(values[node], new))
            return values[node]

        expression = statement.expression
        named = (n.Variable, n.Scalar)
        if any(part in values if isinstance(part, named) else counts[part] > 1 for part in trees.walk(expression)):
            expression = visit(expression, whole=True)
        values.setdefault(statement.expression, statement.target)
        return statement.with_expression(expression)

    return rewritten(program, change)


def _uses(program: Program) -> Counter[Node]:
    """In how many places each part stands, where a part of something repeated stands once: unless that is cheap, and so
    is computed again in each place."""
    counts: Counter[Node] = Counter()
    defined: set[Node] = set()
    for statement in program.statements:
        stack = [statement.expression]
        while stack:
            node = stack.pop()
            counts[node] += 1
            first = counts[node] == 1 and node not in defined
            if (first or is_cheap(node)) and not isinstance(node, n.BlockSum):
                stack.extend(node.operands)
        defined.add(statement.expression)
    return counts


WORDS: dict[type[Node], str] = {
    n.MatMul: "product",
    n.Where: "branch",
    n.Sum: "total",
    n.Take: "rows",
    n.Extreme: "largest",
    n.First: "first",
    n.Compare: "mask",
    Copy: "columns",
    FirstTrue: "first",
}

POWERS: dict[Any, str] = {-1: "inverse", 2: "square", sympy.Rational(1, 2): "root"}

TAKEN_WORDS = {
    "sigmoid": "sigmoids",
    "softplus": "softplus_values",
    "erf": "erf_values",
    "abs": "magnitudes",
    "sum": "sums",
}
"""Words in place of those that a helper in the source or Python itself has, where no number tells them apart."""


def word_for(node: Node, program: Program) -> str:
    """Return a word for what `node` is: the function that it applies, an error, or the operation."""
    word: str = WORD(node, program)
    numbered = any(variable.index for variable in variables(node))
    return word if numbered else TAKEN_WORDS.get(word, word)


WORD = Table("word")


@WORD.row(Node)
def _(node: Node, program: Program) -> str:
    return WORDS.get(type(node), "part")


@WORD.row(n.Map)
def _(node: n.Map, program: Program) -> str:
    return str(node.function.name)


@WORD.row(n.Add)
def _(node: n.Add, program: Program) -> str:
    if not set(program.targets).isdisjoint(variables(node)):
        return "error"
    return "difference" if any(coefficient_and_rest(term)[0].is_negative for term in node.operands) else "sum"


@WORD.row(n.Multiply)
def _(node: n.Multiply, program: Program) -> str:
    return "quotient" if any(base_and_exponent(each)[1] == -1 for each in node.operands) else "product"


@WORD.row(n.Power)
def _(node: n.Power, program: Program) -> str:
    return POWERS.get(node.exponent, "power")


def dead(program: Program) -> Program:
    """Drop statements that no returned value needs."""
    needed = {statement.target for statement in program.statements if statement.name in program.returned}

    def part(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        kept: list[Statement] = []
        for statement in reversed(statements):
            if statement.target in needed:
                kept.append(statement)
                needed.update(statement.reads)
        return tuple(reversed(kept))

    backward = part(program.backward)
    return replace(program, forward=part(program.forward), backward=backward)


def role(node: Node, statement: Statement, program: Program) -> str:
    """Return a word for a part of a statement: what comes back in a delta, the slope there, the penalty of a loss."""
    if (
        program.parameters
        and statement.name == program.returns[0]
        and isinstance(statement.expression, n.Add)
        and node.rank == 0
    ):
        return "penalty" if set(variables(node)) <= set(program.parameters) else "data_loss"
    factors = [operand for operand in statement.expression.operands if operand.rank]
    if statement.target.role == roles.DELTA and node in factors and len(factors) > 1:
        return "back" if any(isinstance(part, n.MatMul) for part in trees.walk(node)) else "slope"
    return word_for(node, program)


FORMS: tuple[Pass, ...] = (
    write_out,
    light_scalars,
    stable_exponentials,
    clamp_branches,
    step_around_poles,
    bound_saturated,
    bound_large_powers,
    shifted_softmax,
    held_roots,
)
"""Passes that look at each statement by itself, whatever is returned: they run once for all functions of a module."""


def formed(derivation: Derivation) -> Program:
    """Return the program of a derivation in the layout "rows", in the stable forms that every function starts from."""
    return run(lower(derivation), FORMS)


def _is_same(program: Program, changed: Program) -> bool:
    """Whether a pass left every statement where it was."""
    before, after = (tuple(each.statements) for each in (program, changed))
    return program.returns == changed.returns and len(before) == len(after) and all(map(operator.is_, before, after))


def run(
    program: Program,
    passes: tuple[Pass, ...],
    watch: Callable[[Pass, Program, Program], None] = lambda change, before, after: None,
) -> Program:
    """Return `program` after all `passes`, checked after each; `watch` sees each pass, the program before and after.

    Raises:
        ProgramError: a pass broke the program; the message names it.
    """
    checked(program)
    has_steps = has_scans(program)
    for each in passes:
        changed = each(in_steps(program, each) if has_steps else program)
        if not _is_same(program, changed):
            checked(changed, after=each.__name__)
        watch(each, program, changed)
        program = changed
    return program
