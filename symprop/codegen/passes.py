"""Passes: each takes a program and returns an equal one that is more stable, shorter or faster.

Each does one thing; `PASSES` is their order. The program is checked after every one of them. The stable forms are
those of every numerical text, e.g. N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. (2002), ch. 1;
Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions (2021).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import sympy
from sympy import Integer, Rational

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS, T, lift, sigmoid, softplus
from symprop.algebra.nodes import Node, Variable, variables
from symprop.calculus.tidy import coefficient_and_rest, tidy
from symprop.codegen.numpy_source import FUNCTION_NAMES, numpy_source
from symprop.codegen.program import Emit, Largest, Names, Pass, Program, Statement, checked, rewritten

Rule = Callable[[Node], Node | None]


def everywhere(node: Node, rule: Rule) -> Node:
    """Return `node` with `rule` applied from the leaves up; where it returns None, the node stays."""
    operands = tuple(everywhere(operand, rule) for operand in node.operands)
    new = node if operands == node.operands else node.with_operands(operands)
    changed = rule(new)
    return new if changed is None else changed


def _by_rule(program: Program, rule: Rule) -> Program:
    return rewritten(program, lambda s, emit: s.with_expression(everywhere(s.expression, rule)))


def is_map(node: Node, name: str) -> bool:
    """Whether `node` is the known elementwise function `name`."""
    return isinstance(node, n.Map) and node.function == FUNCTIONS[name]


# ---------------------------------------------------------------- functions written out


def write_out(program: Program) -> Program:
    """Write elementwise functions that NumPy does not have as formulas, from their scalar bodies."""

    def rule(node: Node) -> Node | None:
        if not isinstance(node, n.Map) or (node.function.name in FUNCTION_NAMES and node.function == FUNCTIONS[node.function.name]):
            return None
        return lift(node.function.body, dict(zip(node.function.parameters, node.operands, strict=True)))

    return _by_rule(program, rule)


# ---------------------------------------------------------------- stable forms


def stable_exponentials(program: Program) -> Program:
    """Use sigmoid, softplus, expm1 and log1p where the written form loses digits or overflows."""
    definitions = program.definitions()

    def look(node: Node) -> Node:
        """Look through a name at the function that defines it."""
        return definitions.get(node.name, node) if isinstance(node, Variable) else node

    def rule(node: Node) -> Node | None:
        if isinstance(node, n.Power) and node.exponent == -1:
            rest = _minus_one(node.operands[0])
            if rest is not None and is_map(rest, "exp"):  # 1 / (1 + exp(-t)) -> sigmoid(t)
                return FUNCTIONS["sigmoid"](tidy(n.negative(rest.operands[0])))
        if isinstance(node, n.Add):
            return _expm1(node)
        if not is_map(node, "log"):
            return None
        inside = node.operands[0]
        if is_map(look(inside), "sigmoid"):  # log(sigmoid(t)) -> -softplus(-t)
            return n.negative(FUNCTIONS["softplus"](tidy(n.negative(look(inside).operands[0]))))
        rest = _minus_one(inside)
        if rest is None:
            return None
        if is_map(rest, "exp"):  # log(1 + exp(t)) -> softplus(t)
            return FUNCTIONS["softplus"](rest.operands[0])
        opposite = look(tidy(n.negative(rest)))
        if is_map(opposite, "sigmoid"):  # log(1 - sigmoid(t)) -> -softplus(t)
            return n.negative(FUNCTIONS["softplus"](opposite.operands[0]))
        return FUNCTIONS["log1p"](rest)  # log(1 + t) -> log1p(t)

    return _by_rule(program, lambda node: _without_minus(changed if (changed := rule(node)) is not None else node))


def _without_minus(node: Node) -> Node:
    """-(-a - b) -> a + b, in a sum or alone; minus signs inside products to their front."""
    coefficient, rest = coefficient_and_rest(node)
    if isinstance(node, n.Multiply):
        outer = [coefficient_and_rest(operand)[0] for operand in node.operands]
        if rest is not None and sum(c.is_negative is True for c in outer[1:]) > 0:
            return tidy(node)
        inside = rest.operands[0] if isinstance(rest, n.Sum) else rest
        if coefficient.could_extract_minus_sign() and isinstance(inside, n.Add):
            if all(coefficient_and_rest(term)[0].could_extract_minus_sign() for term in inside.operands):
                flipped = n.Add(*(n.negative(term) for term in inside.operands))
                total = rest.with_operands([flipped]) if isinstance(rest, n.Sum) else flipped
                return tidy(n.Scalar(-coefficient) * total)
    return node


def _minus_one(node: Node) -> Node | None:
    """Return `t` where `node` is `1 + t`."""
    if not isinstance(node, n.Add) or n.Scalar(1) not in node.operands:
        return None
    rest = list(node.operands)
    rest.remove(n.Scalar(1))
    return n.Add(*rest) if len(rest) > 1 else rest[0]


def _expm1(node: n.Add) -> Node | None:
    """c exp(t) - c -> c expm1(t), within a sum."""
    terms = list(node.operands)
    for term in terms:
        coefficient, rest = coefficient_and_rest(term)
        if rest is not None and is_map(rest, "exp") and n.Scalar(-coefficient) in terms:
            terms.remove(term)
            terms.remove(n.Scalar(-coefficient))
            terms.append(tidy(coefficient * FUNCTIONS["expm1"](rest.operands[0])))
            return n.Add(*terms) if len(terms) > 1 else terms[0]
    return None


def clamp_branches(program: Program) -> Program:
    """Keep functions inside a branch of `where` to that branch's side, so that the side thrown away cannot overflow."""

    def rule(node: Node) -> Node | None:
        if not isinstance(node, n.Where) or not isinstance(node.operands[0], n.Compare):
            return None
        condition, yes, no = node.operands
        relation, (left, right) = condition.relation, condition.operands  # type: ignore[attr-defined]
        if relation not in (">", ">=", "<", "<=") or not isinstance(left, Variable):
            return None
        above, below = FUNCTIONS["maximum"](left, right), FUNCTIONS["minimum"](left, right)
        sides = (above, below) if relation in (">", ">=") else (below, above)
        clamped = tuple(_clamped(branch, left, side) for branch, side in zip((yes, no), sides, strict=True))
        return None if clamped == (yes, no) else n.Where(condition, *clamped)

    return _by_rule(program, rule)


PARTIAL = ("exp", "expm1", "log", "log1p", "sinh", "cosh")
"""Functions that overflow, or have no value, on one side."""


def _clamped(branch: Node, read: Variable, side: Node) -> Node:
    if isinstance(branch, n.Map) and any(is_map(branch, name) for name in PARTIAL):
        return n.replace(branch, {read: side})
    operands = tuple(_clamped(operand, read, side) for operand in branch.operands)
    return branch if operands == branch.operands else branch.with_operands(operands)


def shifted_softmax(program: Program) -> Program:
    """Write softmax, its logarithm and log-sum-exp from logits shifted by their maximum, shared by all that need them."""
    definitions = program.definitions()
    names = Names(program.names)
    made: dict[tuple[Node, int], tuple[Variable, Variable, Variable, Variable]] = {}

    def parts(logits: Node, axis: int, emit: Emit) -> tuple[Variable, Variable, Variable, Variable]:
        """Return the maximum, the shifted logits, their exponentials and the sum of those; assigned where first needed."""
        if (logits, axis) not in made:
            words = ("top", "shifted", "exps", "total")
            if not isinstance(logits, Variable):
                first = names.new("logits", logits)
                emit(Statement(first, logits))
                logits = first
            top = names.new(words[0], Largest(logits, axis))
            shifted = names.new(words[1], logits)
            exps = names.new(words[2], logits)
            total = names.new(words[3], top)
            emit(Statement(top, Largest(logits, axis)))
            emit(Statement(shifted, logits - top, why="shifted by the largest logit, so that exp cannot overflow"))
            emit(Statement(exps, FUNCTIONS["exp"](shifted)))
            emit(Statement(total, n.Sum(exps, axis, True)))
            made[logits, axis] = top, shifted, exps, total
        return made[logits, axis]

    def change(statement: Statement, emit: Emit) -> Statement:
        why = [statement.why] if statement.why else []

        def visit(node: Node) -> Node:
            inside = node.operands[0] if is_map(node, "log") else None
            if isinstance(inside, Variable):
                inside = definitions.get(inside.name, inside)
            if isinstance(inside, n.Softmax):  # log(softmax(z)) -> z - max - log(sum(exp(z - max)))
                _, shifted, _, total = parts(visit(inside.operands[0]), inside.axis, emit)
                why.append("log(softmax) from the shifted logits: finite where softmax itself rounds to 0")
                return shifted - FUNCTIONS["log"](total)
            operands = tuple(visit(operand) for operand in node.operands)
            node = node if operands == node.operands else node.with_operands(operands)
            if isinstance(node, n.Softmax):
                _, _, exps, total = parts(node.operands[0], node.axis, emit)
                return exps / total
            if isinstance(node, n.LogSumExp):
                top, _, _, total = parts(node.operands[0], node.axis, emit)
                result = top + FUNCTIONS["log"](total)
                return result if node.keepdims else n.Reshape(result, node.shape)
            return node

        expression = visit(statement.expression)
        return replace(statement, expression=expression, why="; ".join(why))

    return rewritten(program, change)


# ---------------------------------------------------------------- products


def light_scalars(program: Program) -> Program:
    """Move numbers out of matrix products, to whichever of operands and result is smallest."""

    def rule(node: Node) -> Node | None:
        if not isinstance(node, n.Multiply) or not isinstance(node.operands[0], n.Scalar):
            return None
        scalar, *rest = node.operands
        if len(rest) != 1 or not isinstance(rest[0], n.MatMul):
            return None
        left, right = rest[0].operands
        smallest = min((_size(rest[0]), 0), (_size(left), 1), (_size(right), 2))[1]
        if smallest == 0:
            return None
        return n.MatMul(tidy(scalar * left), right) if smallest == 1 else n.MatMul(left, tidy(scalar * right))

    return rewritten(program, lambda s, emit: s.with_expression(everywhere(tidy(s.expression), rule)))


def _size(node: Node) -> float:
    """The number of elements, for a batch of 32."""
    return float(sympy.prod(node.shape).subs({symbol: 32 for size in node.shape for symbol in size.free_symbols}))


# ---------------------------------------------------------------- shared work

CHEAP = (Variable, n.Scalar, n.Fill, n.Identity, n.Transpose, n.Expand, n.Reshape, n.Compare)
"""Kinds that cost nothing, or next to nothing."""


def is_cheap(node: Node) -> bool:
    """Whether `node` costs little to compute twice: a view, a comparison, a multiple of a name."""
    if isinstance(node, n.Multiply):
        return sum(not isinstance(operand, n.Scalar) for operand in node.operands) == 1
    return isinstance(node, CHEAP)


def share(program: Program) -> Program:
    """Name work that stands in two places once, and read names where their right sides stand again."""
    counts = _uses(program)
    names = Names(program.names)
    values: dict[Node, Variable] = {}

    def change(statement: Statement, emit: Emit) -> Statement:
        def visit(node: Node, whole: bool = False) -> Node:
            if node in values:
                return values[node]
            operands = tuple(visit(operand) for operand in node.operands)
            new = node if operands == node.operands else node.with_operands(operands)
            if whole or is_cheap(node) or node.rank == 0 or counts[node] < 2:
                return new
            values[node] = names.new(word_for(node, program), node)
            emit(Statement(values[node], new))
            return values[node]

        expression = visit(statement.expression, whole=True)
        values.setdefault(statement.expression, statement.target)
        return statement.with_expression(expression)

    return rewritten(program, change)


def _uses(program: Program) -> Counter[Node]:
    """In how many places each part stands, where a part of something repeated stands once."""
    counts: Counter[Node] = Counter()
    defined: set[Node] = set()
    for statement in program.statements:
        stack = [statement.expression]
        while stack:
            node = stack.pop()
            counts[node] += 1
            if counts[node] == 1 and node not in defined:
                stack.extend(node.operands)
        defined.add(statement.expression)
    return counts


WORDS: dict[type[Node], str] = {
    n.Add: "sum",
    n.Multiply: "product",
    n.MatMul: "product",
    n.Where: "branch",
    n.Sum: "total",
    n.Take: "rows",
    n.Power: "power",
}


def word_for(node: Node, program: Program) -> str:
    """Return a word for what `node` is: the function that it applies, an error, or the operation."""
    if isinstance(node, n.Add) and any(target in variables(node) for target in program.targets):
        return "error"
    return str(node.function.name) if isinstance(node, n.Map) else WORDS.get(type(node), "part")


# ---------------------------------------------------------------- what nobody needs


def dead(program: Program) -> Program:
    """Drop statements that no returned value needs."""
    returns = set(program.returns)
    needed = {statement.target for statement in program.statements if statement.name in returns}

    def part(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        kept: list[Statement] = []
        for statement in reversed(statements):
            if statement.target in needed:
                kept.append(statement)
                needed.update(statement.reads)
        return tuple(reversed(kept))

    backward = part(program.backward)
    return replace(program, forward=part(program.forward), backward=backward)


# ---------------------------------------------------------------- short lines

WIDTH = 84
"""The columns of a line inside a function, as `ruff format` counts them."""


def short_lines(program: Program) -> Program:
    """Name the longest operand of an expression that does not fit on a line, until all fit."""
    names = Names(program.names)

    def change(statement: Statement, emit: Emit) -> Statement:
        expression = statement.expression
        while len(statement.name) + 3 + len(numpy_source(expression)) > WIDTH:
            part = _part_to_name(expression)
            if part is None:
                break
            word = _role(part, statement, program)
            name = names.new(word, part, () if word == "penalty" else statement.target.index or None)
            emit(change(Statement(name, part), emit))
            expression = _with_part(expression, part, name)
        return statement.with_expression(expression)

    return rewritten(program, change)


def _part_to_name(node: Node) -> Node | None:
    """Return the longest operand, or half of many short ones; None where nothing can be named."""
    parts = [operand for operand in node.operands if not isinstance(operand, CHEAP)]
    longest = max(parts, key=lambda part: len(numpy_source(part)), default=None)
    if longest is not None and (len(numpy_source(longest)) > WIDTH // 4 or len(node.operands) < 4):
        return longest
    if isinstance(node, (n.Add, n.Multiply)) and len(node.operands) >= 4:
        return node.func(*node.operands[: len(node.operands) // 2])
    return next((found for operand in node.operands if (found := _part_to_name(operand)) is not None), None)


def _with_part(node: Node, part: Node, name: Variable) -> Node:
    half = len(part.operands)
    if type(node) is type(part) and node.operands[:half] == part.operands and len(node.operands) > half:
        return node.func(name, *node.operands[half:])
    return n.replace(node, {part: name})


def _role(node: Node, statement: Statement, program: Program) -> str:
    """Return a word for a part: what comes back in a delta and the slope of the activation, the penalty of a loss."""
    if statement.shape == () and node.rank == 0 and set(variables(node)) <= set(program.parameters):
        return "penalty"
    if statement.target.letter == "delta" and node in statement.expression.operands:
        return "back" if any(isinstance(part, n.MatMul) for part in n.walk(node)) else "slope"
    return word_for(node, program)


PASSES: tuple[Pass, ...] = (
    dead,
    write_out,
    light_scalars,
    stable_exponentials,
    clamp_branches,
    shifted_softmax,
    share,
    dead,
    short_lines,
)


def run(program: Program, passes: tuple[Pass, ...] = PASSES) -> Program:
    """Return `program` after all `passes`, checked after each.

    Raises:
        ProgramError: a pass broke the program; the message names it.
    """
    checked(program)
    for each in passes:
        program = checked(each(program), after=each.__name__)
    return program
