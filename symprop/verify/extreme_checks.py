"""Finite wherever the truth is finite: the generated module where its last layer gives numbers up to 1000.

The truth is counted in 1000 digits, in which `1 - sigmoid(1000)` is a number; where even that is not finite, nothing
is asked of the module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np

from symprop.algebra.equations import Equation
from symprop.algebra.trees import variables
from symprop.calculus.derivation import Derivation
from symprop.verify.arithmetic import Array, Precise
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.measure import Row, first_line
from symprop.verify.module_checks import GENERATED_ERRORS
from symprop.verify.points import Point

DIGITS = 1000
LARGEST = 1000.0
LIMIT = 1e-10
"""Numbers of size 1000 are known to 1e-13, and so are exponentials of them, relative to themselves."""


def rows(module: Any, derivation: Derivation, point: Point) -> Iterator[Row]:
    """Yield a row for the loss and one for the gradients, where the last layer gives up to 1000, and where all 0."""
    for what, factor in ((f"outputs up to {LARGEST:.0f}", LARGEST), ("all outputs equal", 0.0)):
        moved = _scaled(derivation, point, factor)
        true = _truth(derivation, moved)
        if not all(np.all(np.isfinite(value)) for value in true.values()):
            continue
        try:
            with np.errstate(all="ignore"):
                loss, grads = module.loss_and_grads(moved.parameters, *moved.inputs.values(), *moved.given.values())
            found = {"L": np.asarray(loss), **{f"d{name}": np.asarray(value) for name, value in grads.items()}}
        except GENERATED_ERRORS as error:
            yield Row("gradients", what, "1 random", np.inf, LIMIT, False, first_line(error))
            continue
        names = ("L", *(f"d{parameter.name}" for parameter in derivation.system.parameters))
        errors = {name: _error(found[name], true[name]) for name in names}
        for name, group in (("L", names[:1]), ("all gradients", names[1:])):
            worst = max((errors[one] for one in group), default=0.0)
            bad = [one for one in group if not errors[one] <= LIMIT]
            note = f"{', '.join(bad)}, reduced sizes" if bad else "reduced sizes"
            yield Row(name, what, "1 random", worst, LIMIT, not bad, note)


def _error(found: Array, true: Array) -> float:
    """Return the largest error relative to the largest element, or to 1 where that is larger.

    Where a class dominates, `p - y` is the difference of two numbers near 1: what is left of it, `exp(-1000)`, is
    far below the last digit of both, and a module that says 0 is as right as its arithmetic can be.
    """
    if found.shape != true.shape or not np.all(np.isfinite(found)):
        return float("inf")
    return float(np.max(np.abs(found - true), initial=0.0) / np.max(np.abs(true), initial=1.0))


def _scaled(derivation: Derivation, point: Point, factor: float) -> Point:
    """Return the point with the parameters of the last layer scaled so that its largest output has size `factor`."""
    system = derivation.system
    evaluator = Evaluator(Precise(), stacked(point.batch(system), Precise()), {system.batch: point.count})
    evaluator.run(system.equations)
    parameters = set(system.parameters)
    layers = [item for item in system.items if isinstance(item, Equation) and item.target != system.loss]
    last = next((item for item in reversed(layers) if parameters & set(variables(item.expression))), None)
    if last is None:
        return point
    largest = float(max(abs(value) for value in evaluator.values[last.name].ravel()))
    scale = factor / largest if largest else 1.0
    read = {variable.name for variable in variables(last.expression)}
    moved = {name: value * scale if name in read else value for name, value in point.parameters.items()}
    return replace(point, parameters=moved)


def _truth(derivation: Derivation, point: Point) -> dict[str, Array]:
    """Return the loss and the gradients from the equations, in 1000 digits, as float64."""
    system = derivation.system
    with mpmath.workdps(DIGITS):
        evaluator = Evaluator(Precise(), stacked(point.batch(system), Precise()), {system.batch: point.count})
        evaluator.run(derivation.equations)
        values = {"L": evaluator.values["L"]}
        for parameter in system.parameters:
            zero = np.zeros((1, *point.parameters[parameter.name].shape))
            values[f"d{parameter.name}"] = evaluator.values.get(f"d{parameter.name}", zero)
        return {name: np.asarray(unstacked(value), dtype=float) for name, value in values.items()}
