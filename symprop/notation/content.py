"""What a page says, before any notation: sections of sentences and numbered equations, read off a derivation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sympy
from sympy import Expr, Rational, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Item, Loop
from symprop.algebra.formula import Formula
from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import GIVEN, INPUT, PARAMETER, PRE_ACTIVATION, STATE, TARGET
from symprop.algebra.trees import walk
from symprop.analysis.derivation import Derivation
from symprop.notation.function_notes import definitions, functions_of, kinks, told
from symprop.notation.page_data import Block, Line, Range, Section, Sentence, Size
from symprop.notation.pretty import pretty


def sections(derivation: Derivation) -> tuple[Section, ...]:
    """Return the sections of a derivation's page; empty ones are left out.

    >>> from symprop.networks import Dense, Input, MeanSquaredError
    >>> from symprop.analysis.derivation import derive
    >>> [section.title for section in sections(derive(Input(2) >> Dense(1) >> MeanSquaredError()))][:3]
    ['Network', 'Conventions', 'Forward pass']
    """
    system = derivation.system
    at_loss = {variable.name for variable in (system.loss, system.prediction) if variable is not None}
    forward = [item for item in system.items if not (isinstance(item, Equation) and item.name in at_loss)]
    loss = [item for item in system.items if isinstance(item, Equation) and item.name in at_loss]
    shown = tuple(definitions(derivation))
    found = (
        Section(*_heading(derivation), sizes=tuple(_sizes(derivation))),
        Section("Conventions", tuple(_conventions(derivation)), tuple(_signs(derivation)), definitions=shown),
        Section("Forward pass", lines=tuple(_lines(derivation, forward, None))),
        Section("Loss", lines=tuple(_lines(derivation, loss, None))),
        Section("Backward pass", lines=tuple(_lines(derivation, derivation.backward, False))),
        Section("Gradients", lines=tuple(_lines(derivation, derivation.backward, True))),
        Section("Remarks", tuple(told(derivation, remark) for remark in derivation.remarks)),
    )
    return tuple(
        section
        for section in found
        if any((section.sentences, section.signs, section.lines, section.definitions, section.sizes))
    )


def _lines(derivation: Derivation, items: Iterable[Item], wanted: bool | None) -> Iterator[Line | Block]:
    """Yield the equations of `items`: all, or only those that are (not) gradients of parameters."""
    numbers = derivation.numbers

    def kept(equation: Equation) -> bool:
        return wanted is None or derivation.is_wanted(equation.target) == wanted

    for item in items:
        if isinstance(item, Equation):
            if kept(item):
                yield Line(numbers[item.name], item)
            continue
        yield from (Line(numbers[equation.name], equation) for equation in item.base if kept(equation))
        based = {equation.target for equation in item.base}
        inside = tuple(
            Line(numbers[equation.name], equation, item.at(equation.target, item.count) in based)
            for equation in item.equations
            if kept(equation)
        )
        if inside:
            yield Block(item.index, item.count, item.backward, inside)


def _heading(derivation: Derivation) -> tuple[str, tuple[Sentence, ...]]:
    if isinstance(derivation.network, Formula):
        return "Formula", ()
    return "Network", (_parameter_count(derivation),)


def _parameter_count(derivation: Derivation) -> Sentence:
    total: Expr = sympy.Integer(0)
    for parameter in derivation.system.parameters:
        size = sympy.prod(parameter.shape)
        for loop in loops_of(derivation):
            if any(index.has(loop.index) for index in parameter.index):
                size = sympy.Sum(size, (loop.index, 1, loop.count)).doit()
        total += size
    return ("The network has ", sympy.factor_terms(sympy.expand(total)), " parameters.")


def _sizes(derivation: Derivation) -> Iterator[Size]:
    system, loops = derivation.system, loops_of(derivation)
    running = tuple(state.variable for state in system.states)
    given = ((system.inputs, INPUT), (system.targets, TARGET), (system.parameters, PARAMETER))
    for group, usual in (*given, (running, "running statistic")):
        for variable in group:
            role = variable.role if usual == INPUT and variable.role in (GIVEN, STATE) else usual
            facts: list[str | Range] = [_fact(fact) for fact in variable.facts]
            for loop in loops:
                if any(index.has(loop.index) for index in variable.index):
                    facts.append(Range(loop.index, loop.count))
            yield Size(variable, role, tuple(part for fact in facts for part in ("; ", fact))[1:])


def loops_of(derivation: Derivation) -> tuple[Loop, ...]:
    """Return the loops of the forward pass."""
    return derivation.system.loops


def loss_clashes(derivation: Derivation) -> bool:
    """Whether a size has the name of the loss, as in `Repeat(block, L)`, so that the loss needs another sign."""
    loss = derivation.system.loss
    symbols = {symbol for equation in derivation.equations for symbol in equation.target.free_symbols}
    symbols |= {symbol for loop in loops_of(derivation) for symbol in loop.count.free_symbols}
    return loss is not None and any(isinstance(symbol, Symbol) and symbol.name == loss.name for symbol in symbols)


def _fact(fact: n.Fact) -> str:
    if fact.kind == "index":
        return f"integers from 0 to {fact.value - 1}"
    return fact.kind


def _conventions(derivation: Derivation) -> Iterator[Sentence]:
    """Say what the symbols on this page mean, as far as they occur."""
    system = derivation.system
    nodes = [part for equation in derivation.equations for part in walk(equation.expression)]
    loss = system.loss
    if loss is not None and loss_clashes(derivation):
        size = Symbol(loss.name)
        counts = any(symbol.name == loss.name for loop in loops_of(derivation) for symbol in loop.count.free_symbols)
        yield (loss, " is the loss; ", size, " is the number of blocks." if counts else " is a size.")
    if system.layout == "example":
        yield ("One example: vectors are columns.",)
    else:
        side = "row" if system.layout == "rows" else "column"
        examples: Sentence = (system.batch, " ") if system.batch is not None else ()
        yield ("A batch of ", *examples, f"examples, one in each {side}; the loss is the mean over the examples.")
    yield from _joined(derivation)
    if system.layout != "example" and any(_adds_vector(part) for part in nodes):
        yield ("A vector that is added to a matrix is added to each of its rows.",)
    yield ("A gradient has the shape of its parameter (denominator layout).",)
    adjoints = {adjoint_of(each.target): each.target for each in system.equations if each.target.role == PRE_ACTIVATION}
    deltas = [equation.target for equation in derivation.equations if equation.target in adjoints]
    if deltas:
        delta = deltas[-1]
        yield (delta, " is the derivative of the loss by ", adjoints[delta], ", and likewise for every layer.")
    if any(isinstance(part, n.Multiply) and sum(1 for factor in part.operands if factor.rank) > 1 for part in nodes):
        u, v = Variable("u", (), (2,)), Variable("v", (), (2,))
        yield (n.Multiply(u, v), " multiplies element by element.")
    acting = {n.Softmax: "softmax", n.LogSumExp: "logsumexp"}
    occurring = [name for kind, name in acting.items() if any(isinstance(part, kind) for part in nodes)]
    if system.layout != "example" and occurring:
        verb, side = "act" if len(occurring) > 1 else "acts", "row" if system.layout == "rows" else "column"
        yield (f"{' and '.join(occurring)} {verb} on each {side}.",)
    if any(isinstance(part, n.ScatterAdd) for part in nodes):
        yield ("scatter_add(g, x) starts from zeros and adds each row of g to the row that x names.",)
    for function in functions_of(derivation):
        yield from kinks(function)


def _joined(derivation: Derivation) -> Iterator[Sentence]:
    """Say what is a mean over the examples, why one example has no form then, and what stands for it in evaluation."""
    network = derivation.network
    equations = [] if isinstance(network, Formula) else list(network.system().equations)
    means = [each.target for each in equations if any(part.joins_examples for part in walk(each.expression))]
    if not means:
        return
    more = ", as are others" if len({mean.family for mean in means}) < len(means) or len(means) > 2 else ""
    named = (means[0], " is a mean") if len(means) == 1 else (means[0], " and ", means[1], " are means")
    yield (*named, f" over the examples{more}: they join the examples, so that there is no form for one alone.")
    first = {state.variable.family: state for state in reversed(derivation.system.states)}
    for state in reversed(first.values()):
        likewise = ", and likewise for every layer." if len(first) < len(derivation.system.states) else "."
        stands = (state.variable, " stands for ", state.statistic, " in evaluation. It starts as ", state.start)
        yield (*stands, "; a step of training makes it ", state.update, likewise)


def _signs(derivation: Derivation) -> Iterator[Sentence]:
    """Explain the signs of the formulas on this page that need it, as far as they occur."""
    written = [pretty(equation.expression) for equation in derivation.equations]

    def occurs(sign: str) -> bool:
        return any(sign in formula for formula in written)

    u = Variable("u", (), (2,))
    if occurs("⊙²"):
        yield (
            n.Power(n.Add(u, Variable("v", (), (2,))), 2),
            " squares each element; other powers with that sign likewise.",
        )
    if occurs("⊙^"):
        yield (n.Power(Variable("U", (), (2, 2)), Rational(1, 2)), " is the square root of each element.")
    if occurs("𝟏"):
        yield (n.Fill(1, (2,)), " is the vector of ones.")
    for name, meaning in _NAMED_OPERATIONS.items():
        if occurs(f"{name}("):
            yield (f"{name}{meaning}",)


_NAMED_OPERATIONS = {
    "expand": "(u, axis k) repeats u along a new axis k; axes count from 0.",
    "transpose": "(u, (i, j, k)) has axis i of u first, then axis j, then axis k; axes count from 0.",
    "sum": "(u, axis k) is the sum along axis k; axes count from 0.",
    "vec": "(u) lists the elements of u row by row.",
    "reshape": "(u, n, k) has the elements of u, row by row, in the shape (n, k).",
}


def _adds_vector(node: Node) -> bool:
    return isinstance(node, n.Add) and len({operand.rank for operand in node.operands if operand.rank}) > 1
