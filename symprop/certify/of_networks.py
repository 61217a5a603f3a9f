"""The right gradients of a network: its derived backward equations for a batch, confirmed by the complex step.

The complex step runs the equations of one example for each example of the batch, so that neither the backward equations
nor those of the batch are trusted. A network without a loss has the cotangent of its output; one with a loss is a
scalar, the mean over the batch. Batches have sizes that the network has not, and are never 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, System, equations_in
from symprop.algebra.names import looked_up
from symprop.algebra.nodes import Variable
from symprop.algebra.numbered_sizes import sizes_given
from symprop.algebra.roles import LOSS
from symprop.analysis.derivation import Derivation
from symprop.calculus.walk import derive_system
from symprop.certify.subject import SLACK, Exact, Place, Subject, agree, largest
from symprop.codegen.case import Case
from symprop.errors import SpecError, SympropError, listed, shown
from symprop.networks.network import Network
from symprop.networks.recurrent import written_out_in_time
from symprop.verify import noise
from symprop.verify.arithmetic import Arithmetic, Array, Complex
from symprop.verify.complex_step import CHUNK, STEP
from symprop.verify.evaluate import Evaluator, run_together, stacked, unstacked
from symprop.verify.points import Point, farther_points, random_points, target_kinds

WHOLE, SAMPLED = 5_000, 100
"""Up to so many coordinates all are confirmed, else so many of each variable."""
BATCHES = (2, 3, 5, 7, 11, 13, 17, 19, 23)
"""Of these, batches have the first that are no sizes of the network."""
WANTED, MORE = 3, 2
"""How many places are taken, and how many more that see another side of a switch."""
PARAMETERS = "params"
"""The name under which all parameters of a network are asked for, a dictionary."""


@dataclass(frozen=True)
class NetworkPlace(Place):
    """A batch of examples, with parameters, at which a network's right gradients are known."""

    told: str
    subject: NetworkSubject
    point: Point
    values: Mapping[str, Any]
    shape: tuple[int, ...]
    alternatives: Mapping[str, Any] = field(default_factory=dict)

    @property
    def variables(self) -> Mapping[str, Array]:  # type: ignore[override]
        return self.point.of(self.subject.system)

    def right(self, names: Sequence[str], cotangent: Array) -> dict[str, Exact]:
        system, backward = self.subject.derived(tuple(names))
        shapes = [np.shape(self.values[name]) for name in names]
        sizes = [int(np.prod(shape, dtype=int)) for shape in shapes]

        def run(arithmetic: Arithmetic) -> Array:
            found = self._equations(system, backward, cotangent, arithmetic)
            flat = [np.ravel(found.get(f"d{name}", np.zeros(size))) for name, size in zip(names, sizes, strict=True)]
            return np.concatenate(flat)

        ends = np.cumsum(sizes)[:-1]
        derived, moved = (np.split(each, ends) for each in (run(Complex()), noise.of_run(run)))
        exact = {}
        for name, shape, flat, rounding in zip(names, shapes, derived, moved, strict=True):
            value, where = flat.reshape(shape), np.arange(flat.size)
            by_example = value if name in self.point.parameters else self.subject.by_examples(value, name)
            if sum(sizes) > WHOLE and value.size > SAMPLED:
                where = np.sort(np.random.default_rng(0).choice(where, SAMPLED, replace=False))
            step = partial(self._complex_step, name, where, cotangent)
            oracle, worst = step(Complex()), largest(rounding)
            if largest(value) <= SLACK * worst:  # 0 to rounding: what cancels, cancels elsewhere for others
                worst += largest(noise.of_run(step))
            exact[name] = Exact(value, worst, agree(by_example.ravel()[where], oracle, worst))
        return exact

    def _equations(
        self, system: System, backward: Sequence[Equation], cotangent: Array, arithmetic: Arithmetic
    ) -> dict[str, Array]:
        """Return the gradients that the derived equations give, `dW1` and so on."""
        given = {**self.variables, self.subject.cotangent.name: cotangent}
        sizes = {system.batch: self.point.count} if system.batch is not None else {}
        evaluator = Evaluator(arithmetic, stacked(given, arithmetic), sizes)
        with np.errstate(all="ignore"):
            evaluator.run((*system.equations, *backward))
        scale = cotangent if self.subject.is_scalar else 1.0  # which flows through all that is linear
        made = [each.name for each in backward]
        return {name: scale * unstacked(evaluator.values[name]).real for name in made}

    def _complex_step(self, name: str, where: Array, cotangent: Array, arithmetic: Complex) -> Array:
        """Return the derivative by some coordinates of a variable, those of the whole batch where it is data."""
        system, point = self.subject.case.example.system, self.point
        examples = [stacked(point.example(number), arithmetic) for number in range(point.count)]
        target = system.loss or system.output
        if system.loss is None:
            weights = self.subject.by_examples(cotangent, target.name)
        else:
            weights = np.full(point.count, cotangent / point.count)
        each = examples[0][name].size
        length, slopes = max(1, CHUNK // self._largest), [np.zeros(0)]
        for start in range(0, len(where), length):
            chosen = where[start : start + length]
            evaluators = []
            for number, values in enumerate(examples):
                mine = np.ones(len(chosen)) if name in point.parameters else chosen // each == number
                moved = np.repeat(values[name].reshape(1, -1), len(chosen), axis=0).astype(complex)
                moved[np.arange(len(chosen)), chosen % each] += 1j * STEP * mine
                entered = moved.reshape(len(chosen), *values[name].shape[1:])
                evaluators.append(Evaluator(arithmetic, {**values, name: entered}))
            with np.errstate(all="ignore"):
                run_together(evaluators, list(system.equations))
            parts = [evaluator.values[target.name].imag / STEP for evaluator in evaluators]
            whole = np.stack([np.broadcast_to(part, (len(chosen), *part.shape[1:])) for part in parts], axis=1)
            slopes.append(np.tensordot(whole, weights, axes=np.ndim(weights)))
        return np.concatenate(slopes)

    @property
    def _largest(self) -> int:
        """The numbers in the largest array of the batch."""
        return max(np.size(each) for each in self.values.values() if isinstance(each, np.ndarray))


class NetworkSubject(Subject):
    """A network; a backward pass may ask for its parameters, inputs, targets, and all that its equations make."""

    def __init__(
        self,
        network: Network,
        wrt: Sequence[str] = (),
        sizes: Mapping[str, int] | None = None,
        layout: str = "rows",
    ) -> None:
        network, self.numbers = _numbered(network, sizes_given(sizes))
        network = written_out_in_time(network)
        if layout not in network.layouts:
            raise SpecError(f"unknown layout {shown(layout)}\nallowed: {', '.join(network.layouts)}")
        self.network, self.case, self.title = network, Case(network, layout), network.text
        self.system = system = self.case.system
        self.is_scalar = system.loss is not None
        self.value = (system.loss or system.output).name
        inputs = [each for each in system.inputs if all(fact.is_of_writing for fact in each.facts)]
        self.variables = {each.name: each for each in (*system.parameters, *inputs)}
        for name in wrt:
            looked_up(name, self.variables, "there is no gradient with respect to")
        self.differentiable = tuple(self.variables)
        first = () if self.is_scalar else tuple(each.name for each in inputs)
        self.by = tuple(wrt) or (*first, *(each.name for each in system.parameters))
        made = [equation.name for equation in system.equations]
        data = [each.name for each in (*system.data, *(state.variable for state in system.states))]
        batch = [str(system.batch)] if system.batch is not None else []
        self.names = tuple(dict.fromkeys((*self.differentiable, *data, *made, *self.numbers, *batch, PARAMETERS)))
        name = "g"
        while name in self.names:
            name += "_"
        self.cotangent = Variable(name, (), () if self.is_scalar else system.output.shape)

    @property
    def diagnosed(self) -> Derivation:
        return self.case.derivation if self.is_scalar else Derivation(self.network, self.system, ())

    def by_examples(self, array: Array, name: str) -> Array:
        """Return an array of the batch with the examples along its first axis."""
        arrays = {each.name: each for each in (*self.system.data, *(each.target for each in self.system.equations))}
        batch = self.system.batch
        if batch is None:
            return array[None]
        return np.moveaxis(array, next(axis for axis, size in enumerate(arrays[name].shape) if size == batch), 0)

    def derived(self, names: tuple[str, ...]) -> tuple[System, Sequence[Equation]]:
        """Return the forward equations, to a scalar, and the derived ones backward to some variables."""
        system = self.system
        if self.is_scalar and {*names} <= {each.name for each in system.parameters}:
            return system, list(equations_in(self.case.derivation.backward))
        return self.case.once(("backward", self.network, self.case.layout, names), lambda: self._derived(names))

    def _derived(self, names: tuple[str, ...]) -> tuple[System, Sequence[Equation]]:
        system, wanted = self.system, tuple(self.variables[name] for name in names)
        system = replace(system, parameters=wanted, inputs=tuple(each for each in system.inputs if each not in wanted))
        if system.loss is None:
            loss = Equation(Variable("J", (), (), role=LOSS), n.Sum(n.Multiply(self.cotangent, system.output), None))
            system = replace(system, items=(*system.items, loss), loss=loss.target)
        return system, list(equations_in(derive_system(system)[0]))

    def drawn(self, seed: int) -> list[Place]:
        example = self.case.example.system
        used = {int(size) for each in self.system.equations for size in each.target.shape if size.is_Integer}
        counts = [count for count in BATCHES if count not in used][:2] or [BATCHES[0]]
        counts = [1] if self.system.batch is None else counts
        kinds = target_kinds(example)[:1]
        points = [
            point
            for number in range(WANTED)
            for point in random_points(example, seed + number, counts[number % len(counts)], kinds)
        ]
        points += farther_points(example, seed, counts[0], points)[0][:MORE]
        return [self._place(point) for point in points]

    def _place(self, point: Point) -> NetworkPlace:
        system = self.system
        batch = point.of(system)
        sizes = {system.batch: point.count} if system.batch is not None else {}
        evaluator = Evaluator(Complex(), stacked(batch, Complex()), sizes)
        with np.errstate(all="ignore"):
            evaluator.run(system.equations)
        made = {each.name: unstacked(evaluator.values[each.name]).real for each in system.equations}
        named = {**self.numbers, **{str(size): number for size, number in sizes.items()}}
        values = {**named, PARAMETERS: dict(point.parameters), **made, **batch}
        ids = {name: each for name, each in point.given.items() if each is not point.targets[name]}
        ids = ids if system.batch is not None else {name: np.asarray(each[0]) for name, each in ids.items()}
        told = ", ".join(f"{name}={number}" for name, number in named.items())
        return NetworkPlace(told, self, point, values, np.shape(made[self.value]), ids)


def _numbered(network: Network, sizes: Mapping[str, int]) -> tuple[Network, dict[str, int]]:
    """Return a network with numbers for all its sizes: those that are given, small and different ones for others.

    Raises:
        SpecError: a size that it does not have, or one that needs a number which is not given.
    """
    left = [name for name in network.sizes if name not in sizes]
    given = {**dict(sizes), **{name: number for number, name in enumerate(left, start=3)}}
    if not given:
        return network, {}
    try:
        found = network.with_sizes(given)
        found.system()
    except SympropError:
        network.with_sizes(dict(sizes))
        if not left:
            raise
        example = ", ".join(f'"{name}": 8' for name in left)
        raise SpecError(
            f"{shown(network.text)} needs numbers for {listed(left)}\ngive them: sizes={{{example}}}"
        ) from None
    return found, given
