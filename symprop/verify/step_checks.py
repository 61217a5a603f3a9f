"""Second oracle: every derivation step's before = after, and every equation, in 50-digit arithmetic.

The forward variables have the values that the forward equations give; the adjoints (`delta2`, `da1`) are random, so
that an identity that holds only by accident of the right adjoint fails, except where a step says that it uses the
equation of an adjoint. `Pullback`s are worked out by central differences in 120 digits: no derivative rule is used.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import mpmath
import numpy as np
from sympy import Expr

from symprop.algebra.equations import Equation, Step, equations_in
from symprop.algebra.indices import placed
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case
from symprop.verify import complex_step
from symprop.verify.arithmetic import Array, Precise
from symprop.verify.central_differences import Stepping
from symprop.verify.evaluate import WORKING_DIGITS, Evaluator, stacked, unstacked
from symprop.verify.measure import DIGITS, Row, precise_difference
from symprop.verify.points import Point

LIMIT = 10.0**-DIGITS


@dataclass(frozen=True)
class _Scene:
    """A derivation at one point: forward values, random adjoints, sizes."""

    derivation: Derivation
    sizes: Mapping[Expr, int]
    values: Mapping[str, Array]
    adjoints: Mapping[str, Array]
    known: dict[tuple[Node, tuple[Equation, ...]], Array] = field(default_factory=dict)
    evaluators: dict[tuple[Equation, ...], Evaluator] = field(default_factory=dict)

    def value(self, node: Node, defined: tuple[Equation, ...]) -> Array:
        """Return `node` where the adjoints in `defined` are as their equations say and the others random."""
        key = (node, defined)
        if key not in self.known:  # what one step ends with the next begins with
            if defined not in self.evaluators:
                evaluator = Evaluator(Stepping(), {**self.values, **self.adjoints}, self.sizes)
                evaluator.run(defined)
                self.evaluators[defined] = evaluator
            self.known[key] = unstacked(self.evaluators[defined](node))
        return self.known[key]


def rows(case: Case, points: list[Point], seed: int) -> Iterator[Row]:
    """Yield one row for each backward equation: its steps, each on its own, at every point."""
    derivation = case.derivation
    with mpmath.workdps(WORKING_DIGITS):
        scenes = [_scene(derivation, point, seed + number) for number, point in enumerate(points)]
        backward = [equation for item in derivation.backward if isinstance(item, Equation) for equation in [item]]
        for equation in backward:
            yield _row(equation, backward, scenes)


def further_rows(
    derivation: Derivation, equations: Iterable[Equation], points: list[Point], seed: int
) -> Iterator[Row]:
    """Yield one row for each of some equations beside both passes that have steps, as those of second derivatives."""
    first, second = (list(equations_in(each)) for each in (derivation.along.forward, derivation.along.backward))
    there = {each.target for each in (*first, *second, *derivation.equations)}
    beside = [*first, *_written_in_place(second, there), *second]
    moving = [*derivation.system.parameters, *(each.target for each in derivation.system.equations)]
    moving += [each.target for each in equations_in(derivation.backward)]
    drawn = [*(each.target for each in beside), *(derivation.along.here(each.tangent) for each in moving)]
    with mpmath.workdps(WORKING_DIGITS):
        scenes = [_scene(derivation, point, seed + number, drawn) for number, point in enumerate(points)]
        for equation in equations:
            if equation.steps:
                yield _row(equation, beside, scenes)


def _written_in_place(equations: Iterable[Equation], there: Container[Variable]) -> list[Equation]:
    """Return what steps use that is not `there`, since its formula stands in its place, each behind what it reads."""
    facts = (fact for each in equations for step in each.steps for fact in step.facts if isinstance(fact, Equation))
    pending = {each.target: each for each in facts if each.target not in there}
    found: dict[Variable, Equation] = {}

    def enter(equation: Equation) -> None:
        for each in variables(equation.expression):
            if each in pending and each not in found:
                enter(pending[each])
        found[equation.target] = equation

    for each in pending.values():
        if each.target not in found:
            enter(each)
    return list(found.values())


def _scene(derivation: Derivation, point: Point, seed: int, more: Iterable[Variable] = ()) -> _Scene:
    """Return a scene where adjoints are random, and what there is `more`."""
    system = derivation.system
    sizes = {} if system.batch is None else {system.batch: point.count}
    values = point.of(system)
    random = np.random.default_rng(seed)
    entered = stacked(values, Precise())
    for target in system.targets:
        axis = target.facts_by_kind.get("sums to 1")
        if axis is not None:  # to all digits, not to the sixteen of the random numbers
            whole = entered[target.name]
            entered[target.name] = whole / whole.sum(axis=int(axis) + 1, keepdims=True)
    evaluator = Evaluator(Precise(), entered, sizes)
    evaluator.run(system.equations)
    backward = [item.target for item in derivation.backward if isinstance(item, Equation)]
    drawn = (*backward, *more)
    adjoints = {target.name: random.standard_normal(evaluator.shape(target.shape)) for target in drawn}
    return _Scene(derivation, sizes, evaluator.values, stacked(adjoints, Precise()))


def _row(equation: Equation, backward: list[Equation], scenes: list[_Scene]) -> Row:
    layout = scenes[0].derivation.system.layout if scenes else ""
    used = {step: _used(step, equation, backward) for step in equation.steps}
    errors, bad = judged_steps(
        equation.steps,
        lambda step: max((_step_error(step, scene, used[step]) for scene in scenes), default=float("inf")),
    )
    if not joined(equation):
        bad.insert(0, "the steps do not lead to the equation")
        errors.append(float("inf"))
    ok = max(errors) <= LIMIT and bool(scenes)
    count = len(equation.steps)
    note = "; ".join(bad) if bad else f"{count} step{'s' if count != 1 else ''}, {layout}"
    return Row(equation.name, f"{DIGITS} digits, each step", f"{len(scenes)} random", max(errors), LIMIT, ok, note)


def forward_rows(case: Case, points: list[Point]) -> Iterator[Row]:
    """Yield one row for each forward equation of a batch: its examples are what the equations of one example give.

    The loss must be the mean of the losses; a variable without a batch axis (a penalty) must be the same in all.
    """
    example, batched = case.example.system, case.system
    with mpmath.workdps(WORKING_DIGITS):
        worst = {equation.name: 0.0 for equation in batched.equations}
        for point in points:
            whole = Evaluator(Precise(), stacked(point.batch(batched), Precise()), {batched.batch: point.count})
            whole.run(batched.equations)
            singles = [single.values for single in complex_step.runs(example, point, Precise())]
            for equation in batched.equations:
                found = unstacked(whole.values[equation.name])
                true = np.stack([unstacked(values[equation.name]) for values in singles])
                shape = equation.target.shape
                if batched.batch in shape:
                    true = np.moveaxis(true, 0, shape.index(batched.batch))
                else:
                    true = np.asarray(true.sum(axis=0) / point.count, dtype=object)
                error = precise_difference(found, true) if found.shape == true.shape else float("inf")
                worst[equation.name] = max(worst[equation.name], error)
    for name, error in worst.items():
        oracle, note = f"{DIGITS} digits, batch = its examples", batched.layout
        yield Row(name, oracle, f"{len(points)} random", error, LIMIT, error <= LIMIT and bool(points), note)


def joined(equation: Equation) -> bool:
    """Whether each step begins where the one before ends, and the last ends at the equation's right side."""
    steps = equation.steps
    links = all(first.after == second.before for first, second in pairwise(steps))
    return links and (not steps or steps[-1].after == equation.expression)


def judged_steps(steps: Iterable[Step], error_of: Callable[[Step], float]) -> tuple[list[float], list[str]]:
    """Return the error of each step (0 before the first), and the number and rule of those beyond the limit."""
    errors, bad = [0.0], []
    for number, step in enumerate(steps, start=1):
        errors.append(error_of(step))
        if not errors[-1] <= LIMIT:
            bad.append(f"step {number}, {step.rule}")
    return errors, bad


def step_error(before: Array, after: Array) -> float:
    """Return how far the two sides of a step are apart; a shape that differs is infinitely far."""
    return precise_difference(after, before) if before.shape == after.shape else float("inf")


def _step_error(step: Step, scene: _Scene, defined: tuple[Equation, ...]) -> float:
    return step_error(scene.value(step.before, defined), scene.value(step.after, defined))


def _used(step: Step, current: Equation, backward: list[Equation]) -> tuple[Equation, ...]:
    """Return the backward equations that a step says it uses, with those that they read, in order."""
    by_target: dict[Variable, Equation] = {equation.target: equation for equation in backward}
    wanted: set[str] = set()
    pending = [fact for fact in step.facts if isinstance(fact, Equation) and fact.target in by_target]
    while pending:
        equation = pending.pop()
        if equation.name not in wanted and equation.target != current.target:
            wanted.add(equation.name)
            pending += [by_target[part] for part in variables(equation.expression) if part in by_target]
    return tuple(equation for equation in backward if equation.name in wanted)


def rules_of(derivation: Derivation) -> list[tuple[str, tuple[str, ...]]]:
    """Return the rules by which each equation was found; where moments are written out, those of any of them.

    How many moments there are is a size, too: then each rule is told once.
    """
    found = [(equation, tuple(step.rule for step in equation.steps)) for equation in derivation.equations]
    if not any(placed(equation.target.index)[1] for equation, _ in found):
        return [(equation.name, rules) for equation, rules in found]
    names = [each.target.change(index=placed(each.target.index)[0]).name for each, _ in found]
    once = {(name, tuple(sorted(set(rules)))) for name, (_, rules) in zip(names, found, strict=True)}
    return sorted(once)
