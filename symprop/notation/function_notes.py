"""What a page says of the functions that it uses: their definitions, their slopes as facts, their kinks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import sympy
from sympy import Expr, Rational

from symprop.algebra import nodes as n
from symprop.algebra.defined import T
from symprop.algebra.equations import Equation
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.known import values_of, written_out
from symprop.algebra.lifting import lift
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace, walk
from symprop.algebra.window_sizes import Arithmetic
from symprop.analysis.derivation import Derivation
from symprop.calculus.elementwise import VALUE, derivative, raw_slope
from symprop.calculus.tidy import tidy
from symprop.errors import FormulaError
from symprop.notation.precedence import decimal
from symprop.notation.words import Part, Words


def functions_of(derivation: Derivation) -> tuple[ElementwiseFunction, ...]:
    """Return the elementwise functions of a derivation, each once, in order of appearance."""
    nodes = (part for equation in derivation.equations for part in walk(equation.expression))
    return tuple(dict.fromkeys(part.function for part in nodes if isinstance(part, n.Map)))


def definitions(derivation: Derivation) -> Iterator[tuple[n.Map | n.Scalar, Node]]:
    """Yield the value of every hyperparameter, and the definition of every function that is no elementary one.

    The functions that a function uses are defined too.
    """
    for named in derivation.system.hyperparameters:
        yield n.Scalar(named), n.Scalar(as_typed(named.value))
    pending = list(functions_of(derivation))
    seen: set[str] = set()
    while pending:
        function = pending.pop(0)
        if function.name in seen:
            continue
        seen.add(function.name)
        parameters = tuple(_parameter(symbol) for symbol in function.parameters)
        body = function.definition if function.is_primitive else function.body
        if (function.is_primitive or function.is_extremum) and body == function.body:
            continue  # exp, tanh, the larger of two: every reader knows them
        try:
            lifted = lift(body, dict(zip(function.parameters, parameters, strict=True)))
        except FormulaError:
            continue  # a body with functions that have no name in this notation stands in the network's own text
        yield n.Map(function, *parameters), _with_decimals(lifted)
        pending += [part.function for part in walk(lifted) if isinstance(part, n.Map)]


def as_typed(value: Expr) -> Expr:
    """Return a number as a decimal where it was typed as one.

    >>> as_typed(Rational(3, 2)), as_typed(Rational(1, 3)), as_typed(sympy.Integer(2))
    (1.50000000000000, 1/3, 2)
    """
    nearest = float(value)
    is_decimal = not value.is_Integer and Rational(repr(nearest)) == value
    return sympy.Float(nearest, 15) if is_decimal else value


def known_data(data: n.Known) -> Words:
    """Return the sentence that defines data known beforehand: its numbers, or its elements, `M[i, j] = ...`."""
    values = values_of(data)
    if values is not None:
        numbers: list[str | Node] = [part for value in values for part in (", ", n.Scalar(as_typed(value)))]
        return (data, " = (", *numbers[1:], ").")
    letters, rule = element_of(data)
    place = f"[{', '.join(letters)}]" if letters else ""
    return (data, f"{place} = ", rule, ", indices from 0.")


def element_of(data: n.Known) -> tuple[list[str], Node]:
    """Return letters for the indices of known data, and its element there."""
    letters = [letter for letter in "ijklpqrs" if letter != data.name][: data.rank]
    return letters, written_out(data, lambda axis: Variable(letters[axis], (), ()))


def _with_decimals(body: Node) -> Node:
    """Return the body of a function with its coefficients as decimals, where they were typed as such (0.044715)."""
    decimals: dict[Node, Node] = {}
    for part in walk(body):
        if isinstance(part, n.Scalar) and isinstance(part.value, Rational):
            written = decimal(part.value)
            if written is not None:
                decimals[part] = n.Scalar(written)
    return replace(body, decimals)


def told(derivation: Derivation, text: str, functions: Iterable[ElementwiseFunction] = ()) -> Words:
    """Return a remark or a fact with the names and slopes in it as formulas, which each notation writes in its own way.

    A slope, `tanh'(t) = 1 - u**2 with u = tanh(t)`, is worked out again from its function.
    """
    by_name = {function.name: function for function in (*functions_of(derivation), *functions)}
    known = {equation.name: equation.target for equation in derivation.equations}
    system = derivation.system
    for variable in (*system.data, *system.parameters):
        known.setdefault(variable.name, variable)
        known.setdefault(f"d{variable.name}", gradient_of(variable))
    slopes = "|".join(re.escape(f"{name}'(t) = ") for name in by_name)
    long = "|".join(re.escape(name) for name in sorted(known, key=lambda name: (-len(name), name)) if len(name) > 1)
    short = "|".join(name for name in sorted(known) if len(name) == 1)
    pattern = rf"(?P<slope>{slopes or '(?!)'})|(?<![\w'])(?P<long>{long or '(?!)'})(?![\w\[(])"
    pattern += r"|(?P<worked>\([^=:]*\) mod \d+ = \d+)"
    pattern += rf"|(?<![\w'])(?P<short>{short or '(?!)'})(?= (?:is|sums|does) )"
    parts: list[Part] = []
    at = 0
    for match in re.finditer(pattern, text):
        if match.start() < at:
            continue
        parts.append(text[at : match.start()])
        at = match.end()
        if match["worked"] is not None:
            parts.append(Arithmetic(match[0]))
            continue
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
        found = lift(slope, names)
        found = tidy(found) if isinstance(found, n.Where) else found  # 1 where a condition holds is its indicator
        parts += ["the derivative of ", head, " is ", _with_decimals(found)]
        parts += [" with ", names[VALUE], " = ", head] if slope.has(VALUE) else []
    return tuple(part for part in (*parts, text[at:]) if part != "")


def _slopes(function: ElementwiseFunction) -> Iterator[tuple[Expr, str]]:
    """Yield the derivatives of a function, each with the words that a step's fact puts behind it."""
    for position in range(len(function.parameters)):
        slope = derivative(function, position)
        yield slope, f" with u = {function.name}(t)" if slope.has(VALUE) else ""


def _parameter(symbol: Expr) -> Variable:
    return Variable("t" if symbol == T else str(symbol), (), ())


def kinks(function: ElementwiseFunction) -> Iterator[Words]:
    """Say which derivative is taken where a function has none."""
    if len(function.parameters) != 1:
        u, v = Variable("u", (), ()), Variable("v", (), ())
        yield (
            n.Map(function, u, v),
            " has the derivative of ",
            v,
            " where ",
            Equation(u, v),
            ", ",
            "of a number before all: then it is ",
            n.Scalar(0),
            ".",
        )
        return
    slope = raw_slope(function)
    for piecewise in sorted(slope.atoms(sympy.Piecewise), key=sympy.default_sort_key):
        for _, condition in piecewise.args:
            if (
                isinstance(condition, sympy.core.relational.Relational)
                and condition.lhs == T
                and condition.rhs.is_number
            ):
                place = condition.rhs
                below, above = (_beside(piecewise, place, side) for side in (-1, 1))
                if below != above:
                    yield from _kink(function, place, slope.subs(T, place))
    if slope.has(sympy.sign):
        yield from _kink(function, sympy.Integer(0), slope.subs(T, 0))


def _beside(piecewise: sympy.Piecewise, place: Expr, side: int) -> Expr:
    """The value at `place` of the branch that holds just beside it (SymPy's limit takes the branch at the place)."""
    near = place + sympy.Rational(side, 10**9)
    branch = next(value for value, condition in piecewise.args if condition.subs(T, near) == sympy.true)
    return branch.subs(T, place)


def _kink(function: ElementwiseFunction, place: Expr, value: Expr) -> Iterator[Words]:
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
