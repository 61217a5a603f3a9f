"""A network's second derivatives at a point: what the equations and the module give, and what differences find.

Differences are of the forward pass alone, of each example on its own, in so many digits that fifty are right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import mpmath
import numpy as np

from symprop.algebra.equations import Equation, System, equations_in
from symprop.algebra.nodes import Variable
from symprop.analysis.curvature.gauss_newton import apart
from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case
from symprop.verify import complex_step
from symprop.verify.arithmetic import Arithmetic, Array, Complex
from symprop.verify.central_differences import STEP, Stepping
from symprop.verify.evaluate import Evaluator, run_together, stacked, unstacked
from symprop.verify.points import Point, called

WORKING_DIGITS = 170
"""Second differences lose 80 digits, twice what first ones lose."""

Values = Mapping[str, Array]


@dataclass(frozen=True)
class Scene:
    """A derivation with second derivatives at a point, and directions u and v of all parameters."""

    case: Case
    derivation: Derivation
    point: Point
    seed: int

    @cached_property
    def directions(self) -> tuple[Values, Values]:
        random = np.random.default_rng(self.seed)
        shapes = {name: value.shape for name, value in self.point.parameters.items()}
        first, second = ({name: random.standard_normal(shape) for name, shape in shapes.items()} for _ in range(2))
        return first, second

    def product(self, v: Values) -> dict[str, Array]:
        """Return what the module makes of a direction."""
        found = called(vars(self.case.module)[self.case.question], self.point, v=v)
        return {name: np.asarray(found[name]) for name in self.point.parameters}

    def equations(self, v: Values, arithmetic: Arithmetic) -> dict[str, Array]:
        """Return what the equations make of a direction."""
        system, along = self.derivation.system, self.derivation.along
        tangents = {along.here(each.tangent).name: v[each.name] for each in system.parameters}
        evaluator = self._evaluator({**self.point.of(system), **tangents}, arithmetic)
        evaluator.run([*self._gradients, *equations_in((*along.forward, *along.backward))])
        results = zip(system.wanted, along.results, strict=True)
        return {each.name: unstacked(evaluator.values[result.name]) for each, result in results}

    def values(self, arithmetic: Arithmetic, names: Sequence[str]) -> list[Array]:
        """Return what the equations give for arrays, without a direction."""
        evaluator = self._evaluator(self.point.of(self.derivation.system), arithmetic)
        along = self.derivation.along
        evaluator.run([*self._gradients, *equations_in((*along.forward, *along.backward))])
        return [evaluator.values[name] for name in names]

    @property
    def _gradients(self) -> list[Equation]:
        return [*equations_in(self.derivation.system.items), *equations_in(self.derivation.backward)]

    def _evaluator(self, values: Values, arithmetic: Arithmetic) -> Evaluator:
        batch = self.derivation.system.batch
        return Evaluator(arithmetic, stacked(values, arithmetic), {} if batch is None else {batch: self.point.count})

    def column(self, name: str, coordinate: int) -> dict[str, Array]:
        """Return a column of the Hessian: the complex step of all gradients, one coordinate moved."""
        values = dict(self.point.of(self.derivation.system))
        moved = np.array(values[name], dtype=complex)
        moved.flat[coordinate] += 1j * complex_step.STEP
        evaluator = self._evaluator({**values, name: moved}, Complex())
        evaluator.run(self._gradients)
        names = [each.name for each in self.derivation.system.parameters]
        return {each: unstacked(evaluator.values[f"d{each}"]).imag / complex_step.STEP for each in names}

    # ---------------------------------------------------------------- differences of the forward pass of each example

    @property
    def example(self) -> System:
        return self.case.example.system

    @property
    def _loss(self) -> Variable:
        if self.example.loss is None:
            raise LookupError("a system without a loss has no second derivatives")
        return self.example.loss

    def runs(self, v: Values, step: Any) -> list[Evaluator]:
        """Return the forward passes of all examples with the parameters moved, in many digits."""
        return complex_step.runs(self.example, self._moved(v, step), Stepping())

    def _moved(self, v: Values, step: Any) -> Point:
        return replace(self.point, parameters=moved_along(self.point.parameters, v, step))

    def loss(self, v: Values, step: Any) -> Any:
        found = [unstacked(run.values[self._loss.name]).item() for run in self.runs(v, step)]
        return sum(found) / len(found)

    def slopes(self, v: Values) -> list[Array]:
        """Return `J v` of each example, by differences of its output."""
        above, below = (self.runs(v, step) for step in (STEP, -STEP))
        name = self.example.output.name
        return [
            (unstacked(one.values[name]) - unstacked(other.values[name])) / (2 * STEP)
            for one, other in zip(above, below, strict=True)
        ]

    @cached_property
    def tail(self) -> list[Equation]:
        return list(equations_in(apart(self.example)[1]))

    def losses(self, runs: Sequence[Evaluator], changes: Sequence[Values]) -> Array:
        """Return the loss of each example where some of what its equations read has other values."""
        evaluators = [
            Evaluator(Stepping(), {**run.values, **stacked(more, Stepping())}, run.sizes)
            for run, more in zip(runs, changes, strict=True)
        ]
        for group in [evaluators] if self.example.joins_examples else [[each] for each in evaluators]:
            run_together(group, self.tail)
        return np.array([unstacked(each.values[self._loss.name]).item() for each in evaluators], dtype=object)

    def outputs(self, runs: Sequence[Evaluator], directions: Sequence[Array], step: Any) -> list[dict[str, Array]]:
        """Return the output of each example, moved along a direction of its own."""
        name = self.example.output.name
        return [{name: unstacked(run.values[name]) + step * each} for run, each in zip(runs, directions, strict=True)]

    def slopes_of_losses(self, runs: Sequence[Evaluator], directions: Sequence[Array], more: Sequence[Values]) -> Array:
        """Return the derivative of each example's loss along a direction of its output."""
        above, below = (
            self.losses(runs, [{**given, **each} for given, each in zip(more, moved, strict=True)])
            for moved in (self.outputs(runs, directions, step) for step in (STEP, -STEP))
        )
        return np.asarray((above - below) / (2 * STEP))


def moved_along(values: Values, v: Values, step: Any) -> dict[str, Array]:
    """Return arrays moved along a direction, in many digits."""
    exact = {name: np.asarray(Stepping().array(value)) for name, value in values.items()}
    return {name: value + step * Stepping().array(v[name]) for name, value in exact.items()}


def inner(u: Values, product: Values) -> Any:
    """Return the sum of the products of all elements."""
    return sum((np.sum(Stepping().array(u[name]) * product[name]) for name in u), mpmath.mpf(0))
