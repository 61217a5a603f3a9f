"""How far rounding can move a number: the bounds that the certificate allows, and no more.

Each operation is let be off by a random part of its worst rounding error, a few times over (Parker, *Monte Carlo
Arithmetic*, 1997). What moves is counted for every element of a gradient on its own, once for the complex step and once
for the derived equations, so that a small element is judged by its own noise and not by that of the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from sympy import Basic

from symprop.algebra.equations import Equation, System
from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case
from symprop.verify import complex_step
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.points import Point, points_of

FLOAT32, FLOAT64 = 2.0**-24, 2.0**-53
"""Half the distance from 1 to the next number."""
SEEN = 2.0**-40
"""The unit at which noise of float64 is run: it moves numbers far more than their own rounding, and still linearly."""
RUNS, FACTOR = 4, 16.0
"""The bound on rounding: `FACTOR` times the largest of `RUNS` random deviations."""
DRAWS, QUIET = 4, 1e-12
"""How many points are drawn until rounding moves no gradient by more."""


class Noisy(Complex):
    """Complex numbers in which each operation is off by a random part of its worst rounding error.

    An operation that rounds `k` times (an inner product of length `k`) has its result multiplied by `1 + k u r`, with
    `u` the `unit` and `r` drawn evenly from [-1, 1], for real and imaginary part apart.
    """

    def __init__(self, seed: int, unit: float = FLOAT32, active: bool = True) -> None:
        self._random = np.random.default_rng(seed)
        self._unit = unit
        self._active = active

    def rounded(self, values: Array, length: int) -> Array:
        if not self._active:
            return values
        exact = np.ascontiguousarray(values, dtype=complex).reshape(np.shape(values))
        parts = self._random.uniform(1 - length * self._unit, 1 + length * self._unit, (*exact.shape, 2))
        parts *= exact[..., None].view(float)
        return parts.view(complex)[..., 0]

    def scalar(self, body: Basic, arguments: dict[Basic, Array]) -> Array:
        values = super().scalar(body, arguments)
        return values if body in arguments else self.rounded(values, max(2, len(body.args)))


def equations_gradients(
    derivation: Derivation, point: Point, noise: int | None = None, unit: float = FLOAT32
) -> dict[str, Array]:
    """Return the gradients that the derived equations give, in float64; with `noise`, each operation off by `unit`."""
    system, names = derivation.system, [parameter.name for parameter in derivation.system.parameters]
    if system.batch is None:
        each = [_run(derivation, point.example(number), {}, noise, unit) for number in range(point.count)]
    else:
        each = [_run(derivation, point.batch(system), {system.batch: point.count}, noise, unit)]
    zero = {name: np.zeros(point.parameters[name].shape) for name in names}
    return {name: np.mean([values.get(f"d{name}", zero[name]) for values in each], axis=0) for name in names}


def _run(
    derivation: Derivation, given: Mapping[str, Array], sizes: Mapping[Any, int], noise: int | None, unit: float
) -> dict[str, Array]:
    arithmetic = Noisy(noise or 0, unit, active=noise is not None)
    evaluator = Evaluator(arithmetic, stacked(given, arithmetic), sizes)
    with np.errstate(all="ignore"):
        evaluator.run(derivation.equations)
    backward = [item for item in derivation.backward if isinstance(item, Equation)]
    return {item.name: unstacked(evaluator.values[item.name]).real for item in backward}


def of_equations(derivation: Derivation, point: Point, unit: float = FLOAT64) -> dict[str, Array]:
    """Return how far rounding at `unit` can move each element of each gradient of the derived equations."""
    seen = max(unit, SEEN)
    exact = equations_gradients(derivation, point)
    moved = (equations_gradients(derivation, point, run, seen) for run in range(RUNS))
    return _largest(exact, moved, unit / seen)


def of_complex_step(system: System, point: Point, chosen: Mapping[str, Array]) -> dict[str, Array]:
    """Return how far rounding in float64 can move the complex step in the `chosen` coordinates, flat."""
    exact = complex_step.gradients(system, point, chosen)
    moved = (complex_step.gradients(system, point, chosen, arithmetic=Noisy(run, SEEN)) for run in range(RUNS))
    return _largest(exact, moved, FLOAT64 / SEEN)


def of_value(system: System, point: Point, name: str) -> Array:
    """Return how far rounding in float64 can move each element of a variable of the forward pass, for each example."""
    exact = {name: complex_step.outputs(system, point, name)}
    moved = ({name: complex_step.outputs(system, point, name, Noisy(run, SEEN))} for run in range(RUNS))
    return _largest(exact, moved, FLOAT64 / SEEN)[name]


def _largest(exact: Mapping[str, Array], moved: Any, scale: float) -> dict[str, Array]:
    largest = {name: np.zeros(np.shape(value)) for name, value in exact.items()}
    for values in moved:
        for name, value in values.items():
            off = np.abs(value - exact[name])  # what is not finite tells nothing, and allows nothing
            largest[name] = np.fmax(largest[name], np.where(np.isfinite(off), off, 0))
    return {name: FACTOR * scale * value for name, value in largest.items()}


Bounds = Callable[[str, Array, Array], Array]
"""Takes a parameter's name, coordinates of its gradient (flat) and how far they are off; gives what rounding allows."""


def bounds(derivation: Derivation, system: System, point: Point) -> Bounds:
    """Return the bounds of one point; what they need is worked out when they are first asked for.

    The noise of the equations costs one pass; that of the complex step one for each coordinate, so it is added only
    where the first does not allow what is off.
    """
    known: dict[str, Array] = {}

    def bound(name: str, where: Array, off: Array) -> Array:
        if not known:
            known.update(of_equations(derivation, point))
        allowed = np.array(np.ravel(known[name])[where])
        more = off > allowed
        if more.any():
            allowed[more] += of_complex_step(system, point, {name: where[more]})[name]
        return allowed

    return bound


def all_bounds(derivation: Derivation, system: System, point: Point) -> Callable[[Array, Array], Array]:
    """Return the bounds of one point for all gradients one after the other, in the order of the parameters."""
    bound = bounds(derivation, system, point)
    names = [each.name for each in system.parameters]
    ends = np.cumsum([point.parameters[name].size for name in names])

    def of_places(where: Array, off: Array) -> Array:
        allowed, owners = np.zeros(len(where)), np.searchsorted(ends, where, side="right")
        for owner in np.unique(owners):
            own = owners == owner
            start = ends[owner] - point.parameters[names[owner]].size
            allowed[own] = bound(names[owner], where[own] - start, off[own])
        return allowed

    return of_places


def of_run(run: Callable[[Complex], Array]) -> Array:
    """Return how far rounding in float64 can move each element of what `run` computes in a given arithmetic."""
    exact = {"": run(Noisy(0, SEEN, active=False))}
    return _largest(exact, ({"": run(Noisy(number, SEEN))} for number in range(RUNS)), FLOAT64 / SEEN)[""]


def quiet_points(case: Case, seed: int, count: int, kinds: Iterable[str]) -> list[Point]:
    """Return the points, of a few draws, at which rounding moves each gradient least, of its largest element.

    Where a norm divides by next to nothing, or a model is sure, second derivatives may have few digits that are right.
    """
    best: list[Point] = []
    least = float("inf")
    for draw in range(DRAWS):
        points = points_of(case, seed + draw, count, kinds, everywhere=True)
        loudest = max((loudness(case.rows.derivation, each) for each in points), default=float("inf"))
        if loudest < least or not best:
            best, least = points, loudest
        if least <= QUIET:
            break
    return best


def loudness(derivation: Derivation, point: Point) -> float:
    """Return how far rounding can move gradients, each of its largest element."""
    grads, moved = equations_gradients(derivation, point), of_equations(derivation, point)
    shares = (np.max(moved[name], initial=0) / (np.max(np.abs(each), initial=0) or 1) for name, each in grads.items())
    return float(max(shares))
