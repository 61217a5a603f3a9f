"""What a page says, before any notation: sections of sentences and numbered equations, read off a derivation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy
from sympy import Expr, Rational, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.defined import T
from symprop.algebra.equations import Equation, Item, Loop
from symprop.algebra.formula import Formula
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.lifting import lift
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace, walk
from symprop.calculus.derivation import Derivation
from symprop.calculus.elementwise import VALUE, derivative
from symprop.errors import FormulaError
from symprop.notation.precedence import decimal
from symprop.notation.pretty import pretty


@dataclass(frozen=True)
class Range:
    """The numbers 1, ..., `count` of the blocks of a loop, in a sentence."""

    index: Symbol
    count: Expr


Sentence = tuple["str | Node | Equation | Expr | Range", ...]
"""A sentence: words, and formulas that each notation writes in its own way."""


@dataclass(frozen=True)
class Line:
    """A numbered equation; `unless_last` where a base case takes its place for the last block."""

    number: int
    equation: Equation
    unless_last: bool = False


@dataclass(frozen=True)
class Block:
    """Equations that hold for `index` = 1, ..., `count`, in this order or (`backward`) the other way."""

    index: Symbol
    count: Expr
    backward: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Definition:
    """A function and its body: `swish(t) = t * sigmoid(t)`."""

    function: ElementwiseFunction
    parameters: tuple[Variable, ...]
    body: Node

    @property
    def head(self) -> Node:
        return n.Map(self.function, *self.parameters)


@dataclass(frozen=True)
class Size:
    """A row of the table of sizes."""

    variable: Variable
    role: str
    facts: Sentence


@dataclass(frozen=True)
class Section:
    """A title, sentences, and what stands below them; `signs` explain signs that NumPy notation does not have."""

    title: str
    sentences: tuple[Sentence, ...] = ()
    signs: tuple[Sentence, ...] = ()
    lines: tuple[Line | Block, ...] = ()
    definitions: tuple[Definition, ...] = ()
    sizes: tuple[Size, ...] = ()

    @property
    def holds_something(self) -> bool:
        return any((self.sentences, self.signs, self.lines, self.definitions, self.sizes))


def sections(derivation: Derivation) -> tuple[Section, ...]:
    """Return the sections of a derivation's page; empty ones are left out.

    >>> from symprop.networks import Dense, Input, MeanSquaredError
    >>> from symprop.calculus.derive import derive
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
    roles = ((system.inputs, "input"), (system.targets, "target"), (system.parameters, "parameter"))
    for group, role in roles:
        for variable in group:
            facts: list[str | Range] = [_fact(fact) for fact in variable.facts]
            for loop in loops:
                if any(index.has(loop.index) for index in variable.index):
                    facts.append(Range(loop.index, loop.count))
            yield Size(variable, role, tuple(part for fact in facts for part in ("; ", fact))[1:])


def loops_of(derivation: Derivation) -> tuple[Loop, ...]:
    """Return the loops of the forward pass."""
    return tuple(item for item in derivation.system.items if isinstance(item, Loop))


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
    if system.layout == "rows" and any(_adds_vector(part) for part in nodes):
        yield ("A vector that is added to a matrix is added to each of its rows.",)
    yield ("A gradient has the shape of its parameter (denominator layout).",)
    adjoints = [equation for equation in derivation.equations if equation.target.letter == "delta"]
    if adjoints:
        delta = adjoints[-1].target
        yield (delta, " is the derivative of the loss by ", delta.change(letter="z"), ", and likewise for every layer.")
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
        yield from _kinks(function)


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


def functions_of(derivation: Derivation) -> tuple[ElementwiseFunction, ...]:
    """Return the elementwise functions of a derivation, each once, in order of appearance."""
    nodes = (part for equation in derivation.equations for part in walk(equation.expression))
    return tuple(dict.fromkeys(part.function for part in nodes if isinstance(part, n.Map)))


def definitions(derivation: Derivation) -> Iterator[Definition]:
    """Yield the definition of every function that is not one of the elementary functions, those it uses too."""
    pending = list(functions_of(derivation))
    seen: set[str] = set()
    while pending:
        function = pending.pop(0)
        if function.name in seen:
            continue
        seen.add(function.name)
        parameters = tuple(_parameter(symbol) for symbol in function.parameters)
        body = function.definition if function.is_primitive else function.body
        if (function.is_primitive or _is_extremum(function)) and body == function.body:
            continue  # exp, tanh, the larger of two: every reader knows them
        try:
            lifted = lift(body, dict(zip(function.parameters, parameters, strict=True)))
        except FormulaError:
            continue  # a body with functions that have no name in this notation stands in the network's own text
        yield Definition(function, parameters, _with_decimals(lifted))
        pending += [part.function for part in walk(lifted) if isinstance(part, n.Map)]


def _is_extremum(function: ElementwiseFunction) -> bool:
    return isinstance(function.body, (sympy.Max, sympy.Min)) and set(function.body.args) == set(function.parameters)


def _with_decimals(body: Node) -> Node:
    """Return the body of a function with its coefficients as decimals, where they were typed as such (0.044715)."""
    decimals: dict[Node, Node] = {}
    for part in walk(body):
        if isinstance(part, n.Scalar) and isinstance(part.value, Rational):
            written = decimal(part.value)
            if written is not None:
                decimals[part] = n.Scalar(written)
    return replace(body, decimals)


def told(derivation: Derivation, text: str, functions: Iterable[ElementwiseFunction] = ()) -> Sentence:
    """Return a remark or a fact with the names and slopes in it as formulas, which each notation writes in its own way.

    A slope, `tanh'(t) = 1 - u**2 with u = tanh(t)`, is worked out again from its function.
    """
    by_name = {function.name: function for function in (*functions_of(derivation), *functions)}
    known = {equation.name: equation.target for equation in derivation.equations}
    system = derivation.system
    for variable in (*system.inputs, *system.targets, *system.parameters):
        known.setdefault(variable.name, variable)
        known.setdefault(f"d{variable.name}", gradient_of(variable))
    slopes = "|".join(re.escape(f"{name}'(t) = ") for name in by_name)
    long = "|".join(re.escape(name) for name in sorted(known, key=lambda name: (-len(name), name)) if len(name) > 1)
    short = "|".join(name for name in sorted(known) if len(name) == 1)
    pattern = rf"(?P<slope>{slopes or '(?!)'})|(?<![\w'])(?P<long>{long or '(?!)'})(?![\w\[(])"
    pattern += rf"|(?<![\w'])(?P<short>{short or '(?!)'})(?= (?:is|sums|does) )"
    parts: list[str | Node | Expr] = []
    at = 0
    for match in re.finditer(pattern, text):
        if match.start() < at:
            continue
        parts.append(text[at : match.start()])
        at = match.end()
        if match["slope"] is None:
            parts.append(known[match[0]])
            continue
        function = by_name[match[0].partition("'")[0]]
        ends = [(f"{slope}{known_}", slope) for slope, known_ in _slopes(function)]
        end = next(((written, slope) for written, slope in ends if text.startswith(written, at)), None)
        head = n.Map(function, *(_parameter(symbol) for symbol in function.parameters))
        names = {symbol: _parameter(symbol) for symbol in (*function.parameters, VALUE)}
        if end is None:
            parts.append(match[0])
            continue
        written, slope = end
        at += len(written)
        parts += ["the derivative of ", head, " is ", _with_decimals(lift(slope, names))]
        parts += [" with ", names[VALUE], " = ", head] if slope.has(VALUE) else []
    return tuple(part for part in (*parts, text[at:]) if part != "")


def _slopes(function: ElementwiseFunction) -> Iterator[tuple[Expr, str]]:
    """Yield the derivatives of a function, each with the words that a step's fact puts behind it."""
    for position in range(len(function.parameters)):
        slope = derivative(function, position)
        yield slope, f" with u = {function.name}(t)" if slope.has(VALUE) else ""


def _parameter(symbol: Expr) -> Variable:
    return Variable("t" if symbol == T else str(symbol), (), ())


def _kinks(function: ElementwiseFunction) -> Iterator[Sentence]:
    """Say which derivative is taken where a function has none."""
    if len(function.parameters) != 1:
        u, v = Variable("u", (), ()), Variable("v", (), ())
        half = n.Scalar(Rational(1, 2))
        yield (n.Map(function, u, v), " shares a tie: where ", Equation(u, v), ", each has the derivative ", half, ".")
        return
    slope = sympy.diff(function.body, T)
    for piecewise in sorted(slope.atoms(sympy.Piecewise), key=sympy.default_sort_key):
        for _, condition in piecewise.args:
            if (
                isinstance(condition, sympy.core.relational.Relational)
                and condition.lhs == T
                and condition.rhs.is_Rational
            ):
                place = condition.rhs
                below, above = (_beside(piecewise, place, side) for side in (-1, 1))
                if below != above:
                    yield from _kink(function, place, slope.subs(T, place))
    for step in sorted(slope.atoms(sympy.Heaviside), key=sympy.default_sort_key):  # of max and min: ½ at a tie
        inside = sympy.Poly(step.args[0], T) if step.args[0].is_polynomial(T) else None
        if inside is not None and inside.degree() == 1:
            place = -inside.nth(0) / inside.nth(1)
            yield from _kink(function, place, slope.subs(T, place))
    if slope.has(sympy.sign):
        yield from _kink(function, sympy.Integer(0), slope.subs(T, 0))


def _beside(piecewise: sympy.Piecewise, place: Expr, side: int) -> Expr:
    """The value at `place` of the branch that holds just beside it (SymPy's limit takes the branch at the place)."""
    near = place + sympy.Rational(side, 10**9)
    branch = next(value for value, condition in piecewise.args if condition.subs(T, near) == sympy.true)
    return branch.subs(T, place)


def _kink(function: ElementwiseFunction, place: Expr, value: Expr) -> Iterator[Sentence]:
    head = n.Map(function, _parameter(T))
    yield (
        head,
        " has a kink at ",
        _parameter(T),
        " = ",
        n.Scalar(place),
        "; its derivative there is taken as ",
        n.Scalar(value),
        ".",
    )
