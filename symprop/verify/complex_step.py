"""First oracle: the full Jacobian of the forward pass alone, by the complex step.

The forward equations of *one example* are run in complex numbers with one coordinate moved by `i h`; the imaginary
part over `h` is the derivative, exact to rounding. The batch's loss is by definition the mean over its examples, and
the mean is taken here, so that neither the backward equations, nor the batch's, nor the generated code is trusted.
Where layers take means over the batch, the same equations are run for all its examples side by side.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from symprop.algebra.equations import Equation, System
from symprop.algebra.roles import HELD
from symprop.algebra.trees import variables
from symprop.verify.arithmetic import Arithmetic, Array, Complex
from symprop.verify.evaluate import Evaluator, run_together, stacked, unstacked
from symprop.verify.points import Point

STEP = 2.0**-560
"""A power of two, so that dividing by it rounds nothing; its square is 0, so that nothing moves off a switch by it."""
CHUNK = 2**18
"""How many complex numbers the moved copies of one parameter may take (4 MB, which stay near the processor)."""


def losses(system: System, point: Point) -> Array:
    """Return the loss of each example."""
    return np.asarray([run.values[_loss(system)].real.ravel()[0] for run in runs(system, point, Complex())])


def outputs(system: System, point: Point, name: str, arithmetic: Complex | None = None) -> Array:
    """Return the value of a variable of the forward pass for each example, examples along the first axis."""
    found = runs(system, point, arithmetic or Complex())
    return np.stack([unstacked(run.values[name]).real for run in found])


def gradients(
    system: System,
    point: Point,
    chosen: Mapping[str, Array] | None = None,
    count: int | None = None,
    arithmetic: Complex | None = None,
) -> dict[str, Array]:
    """Return the derivative of the mean loss with respect to every coordinate of every parameter, in its shape.

    With `chosen`, only at those coordinates (in row-major order) of those parameters, flat; with `count`, the mean is
    over the first `count` examples (all, where they are joined); `arithmetic` may be one that adds noise.
    """
    names = [parameter.name for parameter in system.parameters]
    coordinates = {name: np.arange(point.parameters[name].size) for name in names}
    if chosen is not None:
        coordinates = {name: np.asarray(chosen[name], dtype=int) for name in names if name in chosen}
    totals = {name: np.zeros(len(where)) for name, where in coordinates.items()}
    groups = point.groups(system)[:count]
    for group in groups:
        bases = _run(system, group, arithmetic or Complex())
        for name, where in coordinates.items():
            totals[name] += _slopes(system, bases, name, where)
    count = sum(map(len, groups))
    shaped = {name: total / count for name, total in totals.items()}
    if chosen is not None:
        return shaped
    return {name: total.reshape(point.parameters[name].shape) for name, total in shaped.items()}


def jacobians(system: System, point: Point, of: str) -> dict[str, Array]:
    """Return for each parameter the Jacobian of a variable: `(examples, elements of it, elements of the parameter)`."""
    found: dict[str, list[Array]] = {parameter.name: [] for parameter in system.parameters}
    for base in runs(system, point, Complex()):
        size = unstacked(base.values[of]).size
        for name, rows in found.items():
            moved = _moved(system, [base], name, np.arange(point.parameters[name].size), of)
            rows.append(np.concatenate(moved).reshape(-1, size).T.imag / STEP if moved else np.zeros((size, 0)))
    return {name: np.stack(rows) for name, rows in found.items()}


def _loss(system: System) -> str:
    if system.loss is None:
        raise LookupError("a system without a loss has no gradients")
    return system.loss.name


def runs(system: System, point: Point, arithmetic: Arithmetic) -> list[Evaluator]:
    """Return what the forward equations of one example give for each example of a point."""
    return [run for group in point.groups(system) for run in _run(system, group, arithmetic)]


def _run(system: System, group: list[dict[str, Array]], arithmetic: Arithmetic) -> list[Evaluator]:
    evaluators = [Evaluator(arithmetic, stacked(values, arithmetic)) for values in group]
    with np.errstate(all="ignore"):  # what is not finite becomes a failed row
        run_together(evaluators, system.equations)
    return evaluators


def _readers(system: System, name: str) -> list[Equation]:
    """Return the equations whose value depends on the variable `name`: only those are run again.

    What is held constant keeps its value: the derivative is that of the network in which it is given.
    """
    moved, found = {name}, []
    for equation in system.equations:
        if equation.target.role != HELD and any(variable.name in moved for variable in variables(equation.expression)):
            moved.add(equation.name)
            found.append(equation)
    return found


def _slopes(system: System, bases: list[Evaluator], name: str, where: Array) -> Array:
    """Return the derivative of the sum of some losses with respect to the coordinates `where` of one parameter."""
    if not any(equation.name == _loss(system) for equation in _readers(system, name)):
        return np.zeros(len(where))
    found = _moved(system, bases, name, where, _loss(system))
    return np.concatenate([each.imag / STEP for each in found]) if found else np.zeros(0)


def _moved(system: System, bases: list[Evaluator], name: str, where: Array, of: str) -> list[Array]:
    """Return a variable, summed over runs, with each of the coordinates `where` of a parameter moved, a part at a time.

    A part has a row for each coordinate.
    """
    at, equations = bases[0].values[name], _readers(system, name)
    found = []
    largest = max(at.size, *(bases[0].values[equation.name].size for equation in equations), 1) * len(bases)
    length = max(1, CHUNK // largest)
    for start in range(0, len(where), length):
        chosen = where[start : start + length]
        moved = np.repeat(at.reshape(1, -1), len(chosen), axis=0)
        moved[np.arange(len(chosen)), chosen] += 1j * STEP
        shaped = moved.reshape(len(chosen), *at.shape[1:])
        evaluators = [Evaluator(base.arithmetic, {**base.values, name: shaped}) for base in bases]
        with np.errstate(all="ignore"):
            run_together(evaluators, equations)
        values = [each.values[of] for each in evaluators]
        found.append(np.sum([np.broadcast_to(each, (len(chosen), *each.shape[1:])) for each in values], axis=0))
    return found
