"""Third oracle: `sympy.diff` of the loss written out element by element, against the derived equations by elements.

The network is taken at sizes 2 and 3 and one example, or a batch of two where layers take means over it. Where the
written-out loss would be too long, each equation is written out on its own: SymPy gives its Jacobian, element by
element, and the chain rule is summed in numbers. All is compared at a random rational point in 50 digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import mpmath
import numpy as np
import sympy
from sympy import Basic, Expr, Integer

from symprop.algebra.elements import Reader, elements
from symprop.algebra.equations import Equation, System, equations_in
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import HELD
from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case
from symprop.verify.arithmetic import Array, Precise
from symprop.verify.measure import DIGITS, Row, precise_difference
from symprop.verify.points import Point

LIMIT = 10.0**-DIGITS
LONGEST, WORK = 600, 9_000
"""How many operations a written-out loss may have, and as many for every parameter's element together, before it is
taken equation by equation: `sympy.diff` walks through all of them for each."""


class ScalarNumbers(Precise):
    """Mpmath numbers for scalar expressions; remembers the value of every sub-expression at one point."""

    def __init__(self, values: dict[Basic, Array]) -> None:
        self.known: dict[Basic, Array] = dict(values)

    def scalar(self, body: Basic, arguments: dict[Basic, Array]) -> Array:
        if body not in self.known:
            self.known[body] = super().scalar(body, arguments)
        return self.known[body]

    def of(self, expression: Expr) -> mpmath.mpf:
        """Return the value of a scalar expression."""
        return np.asarray(self.scalar(expression, {}), dtype=object).item()


def rows(case: Case, points: list[Point]) -> Iterator[Row]:
    """Yield one row for each derived gradient of a parameter, for one example at small sizes."""
    derivation = case.own.derivation if not points else numbered(case.own.derivation, points[0].count)
    with mpmath.workdps(DIGITS + 30):
        written: dict[str, tuple[Reader, Written]] = {}  # once for all points with the same ids
        slopes: dict[tuple[Expr, Basic], Expr] = {}
        compared = [_compared(derivation, point, written, slopes) for point in points]
        for parameter in derivation.system.parameters:
            name = f"d{parameter.name}"
            errors = [precise_difference(found[name], true[name]) for _, found, true in compared]
            how = "sympy.diff of the written-out loss" if all(whole for whole, _, _ in compared) else CHAINED
            zero = all(value == 0 for _, _, true in compared for value in true[name].ravel())
            note = f"{'zero, ' * zero}sizes {' '.join(map(str, parameter.shape))}"
            error = max(errors, default=float("inf"))
            yield Row(name, how, f"{len(points)} rational", error, LIMIT, error <= LIMIT, note)


def numbered(derivation: Derivation, count: int) -> Derivation:
    """Return the derivation for a batch of `count` examples, so that all its sizes are numbers."""
    batch = derivation.system.batch
    if batch is None:
        return derivation

    def one(equation: Equation) -> Equation:
        target, expression = (part.xreplace({batch: Integer(count)}) for part in (equation.target, equation.expression))
        return Equation(target, expression)

    def all_of(variables: Iterable[Variable]) -> tuple[Variable, ...]:
        return tuple(variable.xreplace({batch: Integer(count)}) for variable in variables)

    system, backward = derivation.system, tuple(map(one, equations_in(derivation.backward)))
    items, inputs, targets = tuple(map(one, system.equations)), all_of(system.inputs), all_of(system.targets)
    masks = tuple(replace(each, variable=all_of([each.variable])[0]) for each in system.masks)
    system = replace(system, items=items, inputs=inputs, targets=targets, masks=masks)
    return replace(derivation, system=system, backward=backward)


CHAINED = "sympy.diff, equation by equation"


Written = dict[str, list[Expr]] | None
"""The derivatives of the written-out loss with respect to the elements of each parameter; None where it is too long."""


def _compared(
    derivation: Derivation,
    point: Point,
    written: dict[str, tuple[Reader, Written]],
    slopes: dict[tuple[Expr, Basic], Expr],
) -> tuple[bool, dict[str, Array], dict[str, Array]]:
    """Return whether the loss was written out as a whole, the derived gradients, and those that SymPy finds."""
    system = derivation.system
    ids = {v.name: point.of(system)[v.name] for v in (*system.inputs, *system.targets) if _is_index(v)}
    key = repr({name: value.tolist() for name, value in ids.items()})
    numbers = ScalarNumbers(_leaf_values(system, point))
    if key not in written:
        reader = Reader(ids)
        written[key] = reader, _written_out(system, reader)
    reader, whole = written[key]
    true = _valued(system, whole, numbers) if whole is not None else _chained(system, reader, numbers, slopes)
    found = derived(derivation, reader, numbers)
    for parameter in system.parameters:  # what no equation gives is zero by the derivation's remark
        found.setdefault(f"d{parameter.name}", np.full(true[parameter.name].shape, mpmath.mpf(0), dtype=object))
    return whole is not None, found, {f"d{name}": value for name, value in true.items()}


def _is_index(variable: Variable) -> bool:
    return "index" in variable.facts_by_kind


def _leaf_values(system: System, point: Point) -> dict[Basic, Array]:
    """Return each element of parameters, inputs and targets with its value, a rational of a few digits."""
    values: dict[Basic, Array] = {}
    given = point.of(system)
    for variable in (*system.parameters, *system.data):
        if not _is_index(variable):
            exact = _rationals(given[variable.name], variable)
            for symbol, value in zip(elements(variable).ravel(), exact.ravel(), strict=True):
                values[symbol] = np.asarray(mpmath.mpf(int(value.p)) / int(value.q), dtype=object)
    return values


def _rationals(values: Array, variable: Variable) -> Array:
    """Return numbers as thousandths; the last along an axis that sums to 1 makes up for the rounding of the others."""
    exact = np.frompyfunc(lambda value: sympy.Rational(round(float(value) * 1000), 1000), 1, 1)(np.asarray(values))
    exact = np.asarray(exact, dtype=object)
    if "sums to 1" in variable.facts_by_kind:
        moved = np.moveaxis(exact, int(variable.facts_by_kind["sums to 1"]), -1)
        moved[..., -1] += 1 - moved.sum(axis=-1)
    return exact


def _written_out(system: System, reader: Reader) -> Written:
    """Return the derivatives of the loss, all of it written in parameters, inputs and targets; None where too long."""
    count = sum(int(elements(parameter).size) for parameter in system.parameters)
    longest = min(LONGEST, WORK // max(count, 1))
    inside: dict[Basic, Expr] = {}
    lengths: dict[Basic, int] = {}
    choices: dict[Basic, int] = {}
    if any(equation.target.role == HELD for equation in system.equations):
        return None  # what is held constant has a value, and no place in a formula
    for equation in system.equations:
        symbols, right = elements(equation.target), elements(equation.expression, reader=reader)
        for symbol, local in zip(symbols.ravel(), right.ravel(), strict=True):
            inner = sum(lengths.get(part, 0) * int(local.count(part)) for part in local.free_symbols)
            length = int(local.count_ops()) + inner  # a choice reads its argument twice, and so doubles with depth
            choice = max((choices.get(part, 0) for part in local.free_symbols), default=0) + local.has(sympy.Piecewise)
            if length > longest or choice > 1:  # SymPy orders the conditions of choices within choices for minutes
                return None
            lengths[symbol], choices[symbol] = length, choice
            inside[symbol] = local.xreplace({part: inside[part] for part in local.free_symbols if part in inside})
    loss = inside[elements(system.loss).item()]  # type: ignore[arg-type]
    return {
        parameter.name: [sympy.diff(loss, symbol) for symbol in elements(parameter).ravel()]
        for parameter in system.parameters
    }


def _valued(system: System, whole: dict[str, list[Expr]], numbers: ScalarNumbers) -> dict[str, Array]:
    shapes = {parameter.name: elements(parameter).shape for parameter in system.parameters}
    return {
        name: np.asarray([numbers.of(slope) for slope in slopes], dtype=object).reshape(shapes[name])
        for name, slopes in whole.items()
    }


def _chained(
    system: System, reader: Reader, numbers: ScalarNumbers, slopes: dict[tuple[Expr, Basic], Expr]
) -> dict[str, Array]:
    """Return the derivatives of the loss from each equation's own Jacobian, the chain rule summed in numbers.

    `slopes` are those that SymPy has found, for another point too.
    """
    local: list[tuple[Basic, Expr]] = []
    for equation in system.equations:
        right = elements(equation.expression, reader=reader)
        for symbol, expression in zip(elements(equation.target).ravel(), right.ravel(), strict=True):
            taken = _taken(expression, numbers)
            numbers.known[symbol] = np.asarray(numbers.of(taken), dtype=object)
            if equation.target.role != HELD:
                local.append((symbol, taken))
    adjoint: dict[Basic, mpmath.mpf] = {elements(system.loss).item(): mpmath.mpf(1)}  # type: ignore[arg-type]
    for symbol, expression in reversed(local):
        if symbol in adjoint:
            for part, terms in _by_symbol(expression):
                if (terms, part) not in slopes:
                    slopes[terms, part] = sympy.diff(terms, part)
                adjoint[part] = adjoint.get(part, mpmath.mpf(0)) + adjoint[symbol] * numbers.of(slopes[terms, part])
    zero = mpmath.mpf(0)
    return {
        parameter.name: np.asarray(
            [adjoint.get(symbol, zero) for symbol in elements(parameter).ravel()], dtype=object
        ).reshape(elements(parameter).shape)
        for parameter in system.parameters
    }


def _by_symbol(expression: Expr) -> Iterator[tuple[Basic, Expr]]:
    """Yield each symbol with the terms of a sum that hold it: of a hundred products SymPy walks through all."""
    factor, rest = expression.as_coeff_Mul()
    found: dict[Basic, list[Expr]] = {}
    for term in sympy.Add.make_args(rest):
        for part in term.free_symbols:
            found.setdefault(part, []).append(term)
    for part in sorted(found, key=str):
        yield part, factor * sympy.Add(*found[part])


def _taken(expression: Basic, numbers: ScalarNumbers) -> Expr:
    """Return an expression without what its choices do not take: of the largest of nine SymPy compares each with each.

    SymPy's derivative of a choice is that of what is taken, too.
    """
    if not expression.has(sympy.Piecewise):
        return expression
    if isinstance(expression, sympy.Piecewise):
        *first, last = expression.args
        return _taken(next((each for each in first if numbers.holds(each.cond, {}).item()), last).expr, numbers)
    return expression.func(*(_taken(part, numbers) for part in expression.args))


def derived(derivation: Derivation, reader: Reader, numbers: ScalarNumbers) -> dict[str, Array]:
    """Return the value of every derived equation, by its elements in order."""
    result = {}
    for equation in derivation.equations:
        right = elements(equation.expression, reader=reader)
        values = np.asarray([numbers.of(expression) for expression in right.ravel()], dtype=object)
        for symbol, value in zip(elements(equation.target).ravel(), values, strict=True):
            numbers.known[symbol] = np.asarray(value, dtype=object)
        result[equation.name] = values.reshape(right.shape)
    return result
