"""Random points at which the certificate compares: parameters, inputs and targets that their facts allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symprop.algebra.equations import System
from symprop.algebra.nodes import Variable
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import Evaluator, stacked

Target = str
"""How targets are drawn: "class ids", "one-hot", "distribution", "bits" or "numbers"."""


@dataclass(frozen=True)
class Point:
    """Parameters, and a batch of inputs and targets (examples along the first axis), by name.

    `given` are the targets as a user hands them to a generated module: class ids where `kind` says so.
    """

    parameters: Mapping[str, NDArray[np.float64]]
    inputs: Mapping[str, Array]
    targets: Mapping[str, Array]
    given: Mapping[str, Array]
    kind: Target
    count: int

    def example(self, number: int) -> dict[str, Array]:
        """Return the values of all variables for one example."""
        batch = {**self.inputs, **self.targets}
        return {**self.parameters, **{name: values[number] for name, values in batch.items()}}

    def batch(self, system: System) -> dict[str, Array]:
        """Return the values of all variables of a batched system, its batch axis where the system has it."""
        values: dict[str, Array] = dict(self.parameters)
        for variable in (*system.inputs, *system.targets):
            axis = next((axis for axis, size in enumerate(variable.shape) if size == system.batch), 0)
            values[variable.name] = np.moveaxis({**self.inputs, **self.targets}[variable.name], 0, axis)
        return values


def target_kinds(system: System) -> tuple[Target, ...]:
    """Return the kinds of targets that the facts of the target variables allow."""
    kinds = {kind for target in system.targets for kind in target.facts_by_kind}
    if "sums to 1" in kinds:  # a module takes class ids where an example has one class
        ids = ("class ids",) * all(target.rank == 1 for target in system.targets)
        return (*ids, "distribution", "one-hot")
    return ("numbers", "bits") if "between 0 and 1" in kinds else ("numbers",)


def random_point(
    system: System, random: np.random.Generator, kind: Target, count: int, positive: bool = False, single: bool = False
) -> Point:
    """Return a random point of an example's `system`, `count` examples; all above 0 where `positive`.

    With `single` all numbers have an exact float32, so that a module in float32 starts without rounding.
    """

    def normal(shape: tuple[int, ...], scale: float = 1.0) -> Array:
        values = scale * random.standard_normal(shape)
        values = np.abs(values) + 0.1 if positive else values
        return values.astype(np.float32).astype(np.float64) if single else values

    parameters = {}
    for parameter in system.parameters:
        shape = _integers(parameter)
        parameters[parameter.name] = normal(shape, 1.2 / np.sqrt(shape[-1]) if len(shape) > 1 else 0.5)
    inputs = {}
    for variable in system.inputs:
        ids = variable.facts_by_kind.get("index")
        shape = (count, *_integers(variable))
        inputs[variable.name] = normal(shape) if ids is None else random.integers(0, int(ids), shape)
    targets, given = {}, {}
    for variable in system.targets:
        values, ids = _target(variable, random, kind, count)
        values = values.astype(np.float32).astype(np.float64) if single else values
        targets[variable.name] = values
        given[variable.name] = values if ids is None else ids
    return Point(parameters, inputs, targets, given, kind, count)


def _target(variable: Variable, random: np.random.Generator, kind: Target, count: int) -> tuple[Array, Array | None]:
    """Return targets as arrays for the formulas, and as class ids where the module is to be given those."""
    shape = (count, *_integers(variable))
    facts = variable.facts_by_kind
    if "sums to 1" in facts:
        axis = int(facts["sums to 1"]) + 1
        if kind == "distribution":
            weights = random.uniform(0.05, 1.0, shape)
            return weights / weights.sum(axis=axis, keepdims=True), None
        ids = random.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
        one_hot = np.moveaxis(np.eye(shape[axis])[ids], -1, axis)
        return one_hot, ids if kind == "class ids" else None
    if "between 0 and 1" in facts:
        return random.integers(0, 2, shape).astype(float) if kind == "bits" else random.uniform(0.05, 0.95, shape), None
    if "nonnegative" in facts:
        return random.uniform(0.05, 2.0, shape), None
    if "index" in facts:
        return random.integers(0, int(facts["index"]), shape), None
    return random.standard_normal(shape), None


def _integers(variable: Variable) -> tuple[int, ...]:
    return tuple(int(size) for size in variable.shape)


def random_points(
    system: System, seed: int, count: int, kinds: Iterable[Target] | None = None, single: bool = False
) -> list[Point]:
    """Return one point for each kind of target at which every value of the forward pass is finite.

    Numbers are drawn around 0 first, and above 0 where that leaves the domain of a logarithm or a root. The list is
    shorter where no such point was found.
    """
    random = np.random.default_rng(seed)
    points = []
    for kind in kinds or target_kinds(system):
        for trial in range(20):
            point = random_point(system, random, kind, count, positive=trial >= 10, single=single)
            if _is_finite(system, point):
                points.append(point)
                break
    return points


def _is_finite(system: System, point: Point) -> bool:
    for number in range(point.count):
        evaluator = Evaluator(Complex(), stacked(point.example(number), Complex()))
        with np.errstate(all="ignore"):
            evaluator.run(system.equations)
        if not all(np.all(np.isfinite(evaluator.values[equation.name])) for equation in system.equations):
            return False
    return True
