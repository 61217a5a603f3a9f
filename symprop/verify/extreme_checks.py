"""Finite wherever the truth is finite: the generated module where a layer gives numbers up to 1000.

The truth is counted in 1000 digits, in which `1 - sigmoid(1000)` is a number; where even that is not finite, nothing
is asked of the module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Variable
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case
from symprop.verify.arithmetic import Array, Precise, nearest
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.measure import WIDEST, Row, first_line
from symprop.verify.module_checks import GENERATED_ERRORS
from symprop.verify.noise import of_equations
from symprop.verify.points import Point, called

DIGITS = 1000
LARGEST = 1000.0
LIMIT = 1e-10
"""Numbers of size 1000 are known to 1e-13, and so are exponentials of them, relative to themselves."""


MOST_LAYERS = 8
"""So many layers are given large numbers in turn, evenly spread where there are more."""


def rows(case: Case, point: Point) -> Iterator[Row]:
    """Yield rows for loss and gradients where each layer in turn gives up to 1000, and where the last gives all 0.

    In float32, in which 1000 is known to 4 digits, the row asks for
    finite numbers alone; how right they are at common sizes has rows of its own.
    """
    derivation = case.rows.derivation
    truth = _Truth(derivation, point)
    groups: dict[str, list[Point]] = {}
    for what, moved in _cases(derivation, point, truth.values):
        groups.setdefault(what, []).append(moved)
    for what, points in groups.items():
        pairs = [(moved, true) for moved in points if _finite(true := truth(moved), LARGEST_FLOAT64)]
        if pairs:
            yield from _accurate(case.module, derivation, pairs, what)
        pairs = [(moved, true) for moved, true in pairs if _finite(true, LARGEST_FLOAT32)]
        if pairs:
            yield _finite_row(case.at(dtype="float32").module, pairs, what)


LARGEST_FLOAT64, LARGEST_FLOAT32 = 1e300, 1e18
"""What is larger need not be finite: in float32, squares of what a gradient is made of must be."""


def _finite(values: Mapping[str, Array], largest: float) -> bool:
    return all(np.all(np.isfinite(value)) and np.max(np.abs(value), initial=0) < largest for value in values.values())


def _accurate(
    module: Any, derivation: Derivation, pairs: list[tuple[Point, dict[str, Array]]], what: str
) -> Iterator[Row]:
    names = ("L", *(f"d{parameter.name}" for parameter in derivation.system.parameters))
    errors, described = dict.fromkeys(names, 0.0), f"{len(pairs)} random"
    for moved, true in pairs:
        try:
            found = _found(module, moved)
        except GENERATED_ERRORS as error:
            yield Row("gradients", what, described, np.inf, LIMIT, False, first_line(error))
            return
        off = {name: relative_error(found[name], true[name]) for name in names}
        if any(LIMIT < value < np.inf for value in off.values()):  # large numbers lose digits: how many is counted
            sizes = {name: float(np.max(np.abs(true[name]), initial=1.0)) for name in names[1:]}
            widest = WIDEST * max(sizes.values())  # where a softmax has one winner, large flows cancel: little is left
            for parameter, bound in of_equations(derivation, moved).items():
                name = f"d{parameter}"
                allowed = min(float(np.max(bound, initial=0.0)), widest) / sizes[name]
                off[name] = 0.0 if off[name] <= allowed else off[name]
        errors = {name: max(errors[name], off[name]) for name in names}
    for name, group in (("L", names[:1]), ("all gradients", names[1:])):
        worst = max((errors[one] for one in group), default=0.0)
        bad = [one for one in group if not errors[one] <= LIMIT]
        note = f"{', '.join(bad)}, reduced sizes" if bad else "reduced sizes"
        yield Row(name, what, described, worst, LIMIT, not bad, note)


def _finite_row(module: Any, pairs: list[tuple[Point, dict[str, Array]]], what: str) -> Row:
    name, described, note = "finite in float32", f"{len(pairs)} random", ""
    try:
        for moved, _ in pairs:
            found = _found(module, moved)
            bad = [key for key, value in found.items() if not np.all(np.isfinite(value))]
            note = note or (f"{', '.join(bad)} not finite" if bad else "")
    except GENERATED_ERRORS as error:
        note = first_line(error)
    return Row(name, what, described, np.inf if note else 0.0, 0.0, not note, note or "reduced sizes")


def _found(module: Any, point: Point) -> dict[str, Array]:
    loss, grads = called(module.loss_and_grads, point)
    return {"L": np.asarray(loss), **{f"d{name}": np.asarray(value) for name, value in grads.items()}}


def _cases(derivation: Derivation, point: Point, values: Mapping[str, Array]) -> Iterator[tuple[str, Point]]:
    """Yield what is extreme, and the point at which it is so."""
    layers = _layers(derivation)
    if not layers:
        return
    for number in sorted(
        {round(place) for place in np.linspace(0, len(layers) - 2, min(len(layers) - 1, MOST_LAYERS))}
    ):
        for sign in (1.0, -1.0):
            yield f"a layer up to {LARGEST:.0f}", _scaled(derivation, point, layers[number], values, sign * LARGEST)
    for sign in (1.0, -1.0):
        yield f"outputs up to {LARGEST:.0f}", _scaled(derivation, point, layers[-1], values, sign * LARGEST)
        forced = _forced(derivation, point, layers[-1], sign * LARGEST)
        if forced is not None:
            yield f"outputs of {LARGEST:.0f} and -{LARGEST:.0f}", forced
    yield "all outputs equal", _scaled(derivation, point, layers[-1], values, 0.0)


def _layers(derivation: Derivation) -> list[Equation]:
    """Return the equations of the forward pass that read parameters; of several that read the same, the first."""
    system, parameters = derivation.system, set(derivation.system.parameters)
    found: dict[frozenset[Variable], Equation] = {}
    for item in system.items:
        if isinstance(item, Equation) and item.target != system.loss:
            found.setdefault(frozenset(parameters.intersection(variables(item.expression))), item)
    return [item for read, item in found.items() if read]


def relative_error(found: Array, true: Array) -> float:
    """Return the largest error relative to the largest element, or to 1 where that is larger.

    Where a class dominates, `p - y` is the difference of two numbers near 1: what is left of it, `exp(-1000)`, is
    far below the last digit of both, and a module that says 0 is as right as its arithmetic can be.
    """
    if found.shape != true.shape or not np.all(np.isfinite(found)):
        return float("inf")
    return float(np.max(np.abs(found - true), initial=0.0) / np.max(np.abs(true), initial=1.0))


def _scaled(derivation: Derivation, point: Point, layer: Equation, values: Mapping[str, Array], factor: float) -> Point:
    """Return the point with the parameters of one layer scaled so that its largest output has size `factor`."""
    largest = float(max(abs(value) for value in values[layer.name].ravel()))
    scale = factor / largest if largest else 1.0
    read = {variable.name for variable in variables(layer.expression)}
    moved = {name: value * scale if name in read else value for name, value in point.parameters.items()}
    return replace(point, parameters=moved)


def _forced(derivation: Derivation, point: Point, layer: Equation, size: float) -> Point | None:
    """Return the point with biases of `size` and `-size` by turns in one layer; None where it has no bias."""
    read = {variable.name for variable in variables(layer.expression)}
    biases = [part.name for part in derivation.system.parameters if part.name in read and part.rank == 1]
    moved: dict[str, Array] = dict(point.parameters)
    for name in biases:
        moved[name] = size * (-1.0) ** np.arange(point.parameters[name].size)
    return replace(point, parameters=moved) if biases else None


class _Truth:
    """The loss and the gradients from the equations, in 1000 digits, where parameters of a point have moved."""

    def __init__(self, derivation: Derivation, point: Point) -> None:
        """Run the forward pass at the point: what reads nothing that moves has these `values` elsewhere, too."""
        self.derivation, self.parameters = derivation, point.parameters
        with mpmath.workdps(DIGITS):
            run = self._started(point)
            run.run(derivation.system.equations)
        names = {equation.name for equation in derivation.system.equations}
        self.values = {name: value for name, value in run.values.items() if name in names}

    def __call__(self, point: Point) -> dict[str, Array]:
        """Return the loss and the gradients as float64; of the point, parameters alone have moved."""
        moved = {name for name, value in point.parameters.items() if value is not self.parameters[name]}
        with mpmath.workdps(DIGITS):
            run = self._started(point)
            for equation in self.derivation.equations:
                if equation.name in self.values and not any(v.name in moved for v in variables(equation.expression)):
                    run.values[equation.name] = self.values[equation.name]
                else:
                    run.run([equation])
                    moved.add(equation.name)
            values = {"L": run.values["L"]}
            for parameter in self.derivation.system.parameters:
                zero = np.zeros((1, *point.parameters[parameter.name].shape))
                values[f"d{parameter.name}"] = run.values.get(f"d{parameter.name}", zero)
            return {name: nearest(unstacked(value)) for name, value in values.items()}

    def _started(self, point: Point) -> Evaluator:
        system = self.derivation.system
        return Evaluator(Precise(), stacked(point.batch(system), Precise()), {system.batch: point.count})
