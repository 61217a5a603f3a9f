"""Exactly on a switch (`relu` of 0) there is no derivative, but a convention: the generated module must keep to it.

The weights of one layer are 0 and its biases lie on a switch of the activation that follows; the complex step of the
forward pass, whose decisions look at real parts alone, then gives the stated subgradient: 0 for `relu` and `abs` at 0,
a share of each for a tied `max`, or all to the first of them in a pool, and the slope of the branch that is taken for a
choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np

from symprop.algebra.equations import Equation, System
from symprop.algebra.nodes import Extreme, Map
from symprop.algebra.trees import variables
from symprop.analysis.gaussian import pieces
from symprop.codegen.case import Case
from symprop.errors import FormulaError
from symprop.verify import complex_step
from symprop.verify.arithmetic import Precise
from symprop.verify.evaluate import WORKING_DIGITS, unstacked
from symprop.verify.measure import Row
from symprop.verify.module_checks import gradient_rows
from symprop.verify.points import Point, points_of, target_kinds
from symprop.verify.watching import seen

MOST = 12
ORACLE = "complex step, exactly on the switches"


def rows(case: Case, seed: int) -> Iterator[Row]:
    """Yield a row for all gradients on the switches, where the network has any; one for each that is wrong."""
    system = case.example.system
    points = points_of(case, seed, 3, target_kinds(system)[:1])
    tied = [moved for point in points for moved in _moved(system, point)]
    tied = [point for point in tied if _is_on_a_switch(system, point)][:MOST]
    if not tied:
        return
    each = [replace(row, oracle=ORACLE) for row in gradient_rows(case, tied, ", reduced sizes")]
    wrong = [row for row in each if not row.ok]
    if wrong:
        yield from wrong
    elif each:
        worst = max(each, key=lambda row: row.error)
        yield replace(worst, name="all gradients", note=f"relu'(0) = 0, |x|' = 0 at 0, {_shared(system)}")


def _is_on_a_switch(system: System, point: Point) -> bool:
    found = seen(system, point.groups(system))
    return found.everywhere and (found.ties or found.equal)


def _shared(system: System) -> str:
    """Say to which of several largest elements the derivative goes."""
    extremes = [node for equation in system.equations for node in equation.expression.atoms(Extreme)]
    return "the first of a tied max has all" if any(node.is_first for node in extremes) else "a tied max shares"


def _moved(system: System, point: Point) -> Iterator[Point]:
    """Yield the point with one layer's output on each switch of what reads it; and with targets that equal outputs."""
    parameters = {parameter.name for parameter in system.parameters}
    for equation in system.equations:
        own = [part.name for part in variables(equation.expression) if part.name in parameters]
        if not own or equation.target == system.loss:
            continue
        for place in _places(system, equation):
            values = {name: _on(value, place) if name in own else value for name, value in point.parameters.items()}
            moved = replace(point, parameters=values)
            yield moved
            if point.kind == "numbers" and len(system.targets) == 1:
                target, outputs = system.targets[0], complex_step.outputs(system, moved, system.output.name)
                fits = outputs.shape[1:] == tuple(int(size) for size in target.shape) and not target.said
                if fits and np.all(np.isfinite(outputs)) and _is_exact(system, moved, outputs):
                    equal = {target.name: outputs}
                    yield replace(moved, targets=equal, given=equal)


def _is_exact(system: System, point: Point, outputs: Any) -> bool:
    """Whether no output is rounded: else a module that rounds in another order would be beside the switch."""
    with mpmath.workdps(WORKING_DIGITS):
        found = complex_step.runs(system, point, Precise())
        return bool(np.all(np.stack([unstacked(run.values[system.output.name]) for run in found]) == outputs))


def _on(value: Any, place: float) -> Any:
    return np.zeros_like(value) if np.ndim(value) > 1 else np.full_like(value, place)


def _places(system: System, layer: Equation) -> list[float]:
    """Return 0 and the numbers at which activations that read the layer change their branch, or a hinge does."""
    found = [0.0]
    if any("signs" in target.facts_by_kind for target in system.targets):
        found.append(1.0)  # a margin of 1, where the target is 1
    for equation in system.equations:
        if layer.target in variables(equation.expression):
            functions = {node.function for node in equation.expression.atoms(Map)}
            for function in sorted(functions, key=lambda function: function.name):
                try:
                    branches = pieces(function.definition) if len(function.parameters) == 1 else ()
                except FormulaError:
                    continue
                found += [float(branch.high) for branch in branches if branch.high.is_finite]
    return list(dict.fromkeys(found))
