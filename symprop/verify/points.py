"""Random points at which the certificate compares: parameters, inputs and targets that their facts allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from symprop.algebra.declarations import takes_class_ids, takes_lengths
from symprop.algebra.equations import System
from symprop.algebra.nodes import Map, Variable
from symprop.analysis.gaussian import pieces
from symprop.codegen.case import Case
from symprop.errors import FormulaError
from symprop.verify import values as drawn_values
from symprop.verify.arithmetic import Array
from symprop.verify.evaluate import WORKING_DIGITS
from symprop.verify.watching import Side, seen

POINTS = 3
"""How many examples a point of the certificate has."""
Target = str
"""How targets are drawn: "class ids", "one-hot", "distribution", "bits" or "numbers"."""


@dataclass(frozen=True)
class Point:
    """Parameters, and a batch of inputs and targets (examples along the first axis), by name.

    `given` are the targets as a user hands them to a generated module: class ids where `kind` says so. `states` are
    running statistics, `masks` those of dropout.
    """

    parameters: Mapping[str, NDArray[np.float64]]
    inputs: Mapping[str, Array]
    targets: Mapping[str, Array]
    given: Mapping[str, Array]
    kind: Target
    count: int
    states: Mapping[str, Array] = field(default_factory=dict)
    masks: Mapping[str, Array] = field(default_factory=dict)

    @property
    def data(self) -> dict[str, Array]:
        """The values of all that examples have of their own."""
        return {**self.inputs, **self.masks, **self.targets}

    def example(self, number: int) -> dict[str, Array]:
        """Return the values of all variables for one example."""
        return {**self.parameters, **self.states, **{name: values[number] for name, values in self.data.items()}}

    def groups(self, system: System) -> list[list[dict[str, Array]]]:
        """Return the values of examples, together those for which an example's `system` runs together: one, or all."""
        each = [self.example(number) for number in range(self.count)]
        return [each] if system.joins_examples else [[one] for one in each]

    def only(self, number: int) -> Point:
        """Return the point with one of its examples alone."""

        def one(batch: Mapping[str, Array]) -> dict[str, Array]:
            return {name: np.asarray(values)[number : number + 1] for name, values in batch.items()}

        inputs, targets, given, masks = map(one, (self.inputs, self.targets, self.given, self.masks))
        return replace(self, inputs=inputs, targets=targets, given=given, masks=masks, count=1)

    def single(self) -> Point:
        """Return the point in float32; ids stay."""

        def rounded(values: Mapping[str, Array]) -> dict[str, Array]:
            return {
                name: value.astype(np.float32) if value.dtype.kind == "f" else value for name, value in values.items()
            }

        return replace(
            self, parameters=rounded(self.parameters), inputs=rounded(self.inputs), given=rounded(self.given)
        )

    def of(self, system: System) -> dict[str, Array]:
        """Return the values of all variables of a system: of the first example, or of the whole batch."""
        return self.example(0) if system.batch is None else self.batch(system)

    def batch(self, system: System) -> dict[str, Array]:
        """Return the values of all variables of a batched system, its batch axis where the system has it."""
        values: dict[str, Array] = {**self.parameters, **self.states}
        for variable in system.data:
            axis = next((axis for axis, size in enumerate(variable.shape) if size == system.batch), 0)
            values[variable.name] = np.moveaxis(self.data[variable.name], 0, axis)
        return values


def called(function: Callable[..., Any], point: Point, targets: bool = True, **options: Any) -> Any:
    """Call a function of a generated module with a point: its parameters, its inputs as `x`, its `targets` by name.

    It is given the masks of the point, unless it evaluates.
    """
    several = len(point.inputs) > 1
    x = dict(point.inputs) if several else next(iter(point.inputs.values()))
    if point.masks and options.get("training", function.__name__ != "predict"):
        options["masks"] = dict(point.masks)
    with np.errstate(all="ignore"):
        return function(point.parameters, x=x, **(point.given if targets else {}), **options)


BETWEEN = frozenset({"between 0 and 1", "nonnegative"})
"""Facts of targets that 0 and 1 have, and all between."""


def target_kinds(system: System) -> tuple[Target, ...]:
    """Return the kinds of targets that the facts of the target variables allow."""
    kinds = {kind for target in system.targets for kind in target.facts_by_kind}
    if system.targets and all(map(takes_class_ids, system.targets)):
        return ("class ids", "one-hot") if "one-hot" in kinds else ("class ids", "distribution", "one-hot")
    return ("numbers", "bits") if "between 0 and 1" in kinds and kinds <= BETWEEN else ("numbers",)


@dataclass(frozen=True)
class Style:
    """How a point is drawn: weights and biases `scale` times as large as usual, biases about `bias`, and signs.

    `positive`: everything is above 0. `targets`: the targets are.
    """

    scale: float = 1.0
    bias: float = 0.0
    positive: bool = False
    targets: bool = False


def random_point(
    system: System,
    random: np.random.Generator,
    kind: Target,
    count: int,
    style: Style | None = None,
    single: bool = False,
) -> Point:
    """Return a random point of an example's `system`, `count` examples.

    With `single` all numbers have an exact float32, so that a module in float32 starts without rounding.
    """
    style = style or Style()

    def normal(shape: tuple[int, ...], scale: float = 1.0, positive: bool = style.positive) -> Array:
        values = scale * random.standard_normal(shape)
        return rounded(np.abs(values) + 0.1 if positive else values)

    def rounded(values: Array) -> Array:
        return values.astype(np.float32).astype(np.float64) if single and values.dtype.kind == "f" else values

    parameters = {}
    for parameter in system.parameters:
        shape = _integers(parameter)
        drawn = normal(shape, style.scale * (1.2 / np.sqrt(shape[-1]) if len(shape) > 1 else 0.5))
        parameters[parameter.name] = drawn if len(shape) > 1 else rounded(drawn + style.bias)
    inputs = {}
    for variable in system.inputs:
        shape, free = (count, *_integers(variable)), not variable.said
        if takes_lengths(variable, 0):
            values = random.uniform(0.05, 0.95, shape) * _below_lengths(shape, random)
        else:
            values = normal(shape) if free else _target(variable, random, kind, count)[0]
        inputs[variable.name] = values if free or values.dtype.kind != "f" else rounded(values)
    targets, given = {}, {}
    for variable in system.targets:
        values, ids = _target(variable, random, kind, count)
        values = np.abs(values) + 0.1 if style.targets and not variable.said else values
        targets[variable.name] = values = rounded(values)
        given[variable.name] = values if ids is None else ids
    states = {}
    for state in system.states:  # farther from 0 than they start, so that a variance is positive
        states[state.variable.name] = float(state.start) + normal(_integers(state.variable), positive=True)
    masks = {
        each.variable.name: random.integers(0, 2, (count, *_integers(each.variable))).astype(float)
        for each in system.masks
    }
    return Point(parameters, inputs, targets, given, kind, count, states, masks)


def _below_lengths(shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Return ones where a position lies below a random length from 1 on, and zeros; a batch, positions after it."""
    lengths = random.integers(1, shape[1] + 1, shape[0])
    below = np.arange(shape[1]) < lengths[:, None]
    return below.reshape(*below.shape, *[1] * (len(shape) - 2)).astype(float)


def _target(variable: Variable, random: np.random.Generator, kind: Target, count: int) -> tuple[Array, Array | None]:
    """Return targets as arrays for the formulas, and as class ids where the module is to be given those."""
    shape = (count, *_integers(variable))
    facts = variable.facts_by_kind
    if takes_class_ids(variable):
        axis = int(facts["sums to 1"]) + 1
        if kind == "distribution":
            weights = random.uniform(0.05, 1.0, shape)
            return weights / weights.sum(axis=axis, keepdims=True), None
        ids = random.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
        one_hot = np.moveaxis(np.eye(shape[axis])[ids], -1, axis)
        return one_hot, ids if kind == "class ids" else None
    if "index" in facts:
        return random.integers(0, int(facts["index"]), shape), None
    if facts and facts.keys() <= BETWEEN:
        return random.integers(0, 2, shape).astype(float) if kind == "bits" else random.uniform(0.05, 0.95, shape), None
    if facts:
        with mpmath.workdps(WORKING_DIGITS):
            drawn = [drawn_values.drawn(variable, {}, random, drawn_values.Style()) for _ in range(count)]
        return np.stack(drawn).astype(float), None
    return random.standard_normal(shape), None


def _integers(variable: Variable) -> tuple[int, ...]:
    return tuple(int(size) for size in variable.shape)


ATTEMPTS: tuple[tuple[Style, int], ...] = (
    (Style(), 12),
    (Style(targets=True), 6),
    (Style(positive=True, targets=True), 8),
    (Style(scale=0.1), 3),
    *((Style(scale=0.1, bias=bias, targets=True), 3) for bias in (0.5, 5.0, -0.5, -5.0, 50.0, -50.0)),
)
"""How points are looked for, and how often: around 0 first; then where a log, a root or an arcsin has a value."""


def random_points(
    system: System,
    seed: int,
    count: int,
    kinds: Iterable[Target] | None = None,
    single: bool = False,
    everywhere: bool = False,
) -> list[Point]:
    """Return one point for each kind of target at which every value of the forward pass is finite.

    A point that lies exactly on a switch (`relu` of 0, because all units before it are off) has no derivative: it is
    taken only where there is no other. With `everywhere`, points are sought where also what no choice takes is finite.
    The list is shorter where no such point was found.
    """
    random = np.random.default_rng(seed)
    points = []
    for kind in kinds or target_kinds(system):
        best: dict[int, Point] = {}
        for style, times in ATTEMPTS:
            for _ in range(times):
                if 0 not in best:
                    point = random_point(system, random, kind, count, style, single)
                    found = seen(system, point.groups(system))
                    if found.finite:
                        best.setdefault(2 * found.ties + (everywhere and not found.everywhere), point)
        if best:
            points.append(best[min(best)])
    return points


def points_of(
    case: Case,
    seed: int,
    count: int,
    kinds: Iterable[Target] | None = None,
    single: bool = False,
    everywhere: bool = False,
) -> list[Point]:
    """Return the random points of a case, which are drawn once for all that is checked there."""
    system = case.example.system
    drawn = tuple(kinds or target_kinds(system))
    key = "points", case.network, seed, count, drawn, single, everywhere
    return list(case.once(key, lambda: random_points(system, seed, count, drawn, single, everywhere)))


FARTHER = (8.0, 64.0, 512.0)
MOST_FARTHER = 6


def farther_points(
    system: System, seed: int, count: int, points: list[Point], everywhere: bool = False
) -> tuple[list[Point], list[str]]:
    """Return points that see a side of a switch that `points` do not, and the names of equations with a side not seen.

    Biases go into each branch of the activations, and all parameters grow, until both sides of every comparison were
    seen.
    """
    random = np.random.default_rng(seed + 1000)
    known = {side for point in points for side in seen(system, point.groups(system)).sides}
    more: list[Point] = []
    styles = [
        *(Style(scale=0.1, bias=bias) for bias in _branches(system)),
        *(Style(scale=scale) for scale in FARTHER for _ in range(2)),
    ]
    for style in styles:
        if not points or not _one_sided(known) or len(more) >= MOST_FARTHER:
            break
        point = random_point(system, random, points[0].kind, count, style)
        found = seen(system, point.groups(system))
        if found.regular and not found.sides <= known and (found.everywhere or not everywhere):
            known |= found.sides
            more.append(point)
    return more, list(dict.fromkeys(name for name, _, _ in _one_sided(known)))


def _one_sided(known: set[Side]) -> list[Side]:
    return sorted(side for side in known if (*side[:2], not side[2]) not in known)


def _branches(system: System) -> list[float]:
    """Return a number inside each branch of each activation of one variable, where the branches are known."""
    functions = dict.fromkeys(node.function for equation in system.equations for node in equation.expression.atoms(Map))
    found: list[float] = []
    for function in sorted(functions, key=lambda function: function.name):
        try:
            branches = pieces(function.definition) if len(function.parameters) == 1 else ()
        except FormulaError:
            branches = ()
        for branch in branches if len(branches) > 1 else ():
            low, high = float(branch.low), float(branch.high)
            inside = (low + high) / 2 if np.isfinite(low + high) else high - 1 if np.isfinite(high) else low + 1
            found.append(inside)
    return list(dict.fromkeys(found))
