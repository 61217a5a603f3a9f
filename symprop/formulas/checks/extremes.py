"""Finite wherever the truth is finite: the compiled answer where what stands in an exponential is 1000 or -1000.

The arrays that an exponent reads are scaled, one at a time, until its largest element is of that size. The truth is
the answer in 1000 digits, in which `1 - sigmoid(1000)` is a number; where even that is not finite nothing is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np
import sympy

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace, variables, walk
from symprop.formulas.checks.oracles import precise, value
from symprop.formulas.checks.points import FormulaPoint
from symprop.formulas.checks.runs import ran
from symprop.formulas.result import Result
from symprop.verify import noise
from symprop.verify.arithmetic import Array, Precise, nearest
from symprop.verify.extreme_checks import DIGITS, LARGEST, LARGEST_FLOAT64, LIMIT, relative_error
from symprop.verify.measure import OVERFLOWS, WIDEST, Row
from symprop.verify.values import satisfies

MOST = 8
"""So many extreme points are looked at."""


def extreme_row(result: Result, point: FormulaPoint, function: Callable[..., Any]) -> Iterator[Row]:
    """Yield a row where the formula has exponentials and there is a point at which the answer is finite."""
    errors: list[float] = []
    bad: list[str] = []
    over: list[str] = []
    with mpmath.workdps(DIGITS):
        for what, moved in extreme_points(result, point):
            exact = precise(result.node, moved)
            if not all(mpmath.isfinite(each) and abs(each) < LARGEST_FLOAT64 for each in exact.ravel()):
                continue
            true = nearest(exact)
            found = ran(function, moved)
            errors.append(_error(found, true, result.node, moved))
            if not errors[-1] <= LIMIT:
                (bad if np.all(np.isfinite(found)) else over).append(what)
            if len(errors) == MOST:
                break
    if errors:
        note, points = ", ".join(dict.fromkeys((*bad, *over))), f"{len(errors)} extreme"
        outcome = OVERFLOWS if over and not bad else ""
        yield Row("stable", f"exponents up to {LARGEST:.0f}", points, max(errors), LIMIT, not note, note, outcome)


def extreme_points(result: Result, point: FormulaPoint) -> Iterator[tuple[str, FormulaPoint]]:
    """Yield the points at which an exponent of the formula is large, each with what was scaled."""
    for exponent in exponents(result.formula.node):
        largest = float(np.max(np.abs(value(exponent, point)), initial=0.0))
        if not 0 < largest < np.inf:
            continue
        for variable in variables(exponent):
            exact = point.precise[variable.name]
            if exact.dtype.kind == "i":
                continue
            for sign in (1, -1):
                scaled = np.asarray(exact * Precise().array(np.round(sign * LARGEST / largest, 3)), dtype=object)
                if satisfies(nearest(scaled), variable, point.sizes):
                    yield _told(variable, scaled), _with(point, variable, scaled)


def _told(variable: n.Variable, values: Array) -> str:
    """Say what was given: `t = 1000`, or how large an array is."""
    largest = max(values.ravel(), key=abs)
    return f"{variable.name} {'up to' if variable.rank else '='} {float(largest):.4g}"


def _with(point: FormulaPoint, variable: Variable, scaled: Array) -> FormulaPoint:
    near = nearest(scaled)
    exact = np.asarray(Precise().array(near), dtype=object)  # the number that float64 has, so that both start alike
    return FormulaPoint(point.sizes, {**point.values, variable.name: near}, {**point.precise, variable.name: exact})


def exponents(node: Node) -> tuple[Node, ...]:
    """Return what stands in the exponentials of a formula, each once: operands of softmax, log-sum-exp, exp, tanh, ...

    >>> from symprop.algebra import variable
    >>> [part.text() for part in exponents(n.LogSumExp(variable("x", (3,)) * 2))]
    ['2 * x']
    """
    found: dict[Node, None] = {}
    for part in walk(_of_last_terms(node)):
        kinds = (sympy.exp, sympy.tanh, sympy.sinh, sympy.cosh)
        if isinstance(part, (n.Softmax, n.LogSumExp)) or (
            isinstance(part, n.Map) and part.function.definition.has(*kinds)
        ):
            found.update(dict.fromkeys(operand for operand in part.operands if variables(operand)))
    return tuple(found)


def _of_last_terms(node: Node) -> Node:
    """Return `node` with the last term of each series in its place: an exponent by itself reads no bound index."""
    while series := next((part for part in walk(node) if isinstance(part, n.BlockSum)), None):
        node = replace(node, {series: series.at(series.count)})
    return node


def _error(found: Array, true: Array, node: Node, point: FormulaPoint) -> float:
    """Return the largest error relative to the largest element or 1; 0 where rounding allows it."""
    off = relative_error(found, true)
    if off <= LIMIT or off == np.inf:
        return off
    moved = noise.of_run(lambda arithmetic: value(node, point, arithmetic))  # large numbers lose digits: how many?
    allowed = float(np.max(moved, initial=0.0)) / float(np.max(np.abs(true), initial=1.0))
    return 0.0 if off <= min(allowed, WIDEST) else off
