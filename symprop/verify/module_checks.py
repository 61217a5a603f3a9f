"""The generated module against the oracles: its gradients, its loss, its forward pass, and its mean over a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from symprop.algebra.equations import State, System
from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case
from symprop.verify import complex_step, noise
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import unstacked
from symprop.verify.measure import FLOAT64_LIMIT, Judgement, Row, difference, first_line, judged
from symprop.verify.points import Point, called

FULL = "complex step, full Jacobian"

Check = Callable[[Point], tuple[Array, Array]]
"""Takes a point; gives what is found there, and what is true."""
Bound = Callable[[Array, Array], Array]
"""Takes coordinates of one gradient, flat; gives how far rounding can move each."""
GENERATED_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What a wrong module may raise: a row of the certificate, not the end of the check."""


def gradient_rows(case: Case, points: list[Point], name: str = "", chosen: int = 0) -> Iterator[Row]:
    """Yield one row for each parameter: the module's gradient against the complex step, element by element.

    With `chosen`, only that many random coordinates of each parameter are compared.
    """
    system, derivation = case.example.system, case.rows.derivation
    oracle = FULL if not chosen else "complex step, coordinates"
    described = _described(points) + name
    where = _chosen(system, points, chosen) if chosen else None
    try:
        found = [called(case.module.loss_and_grads, point)[1] for point in points]
    except GENERATED_ERRORS as error:
        yield Row("gradients", oracle, described, np.inf, FLOAT64_LIMIT, False, first_line(error))
        return
    true = [complex_step.gradients(system, point, where) for point in points]
    expected = [parameter.name for parameter in system.parameters]
    for grads in found:
        if list(grads) != expected:
            note = f"keys {', '.join(map(str, grads))}; expected {', '.join(expected)}"
            yield Row("gradients", oracle, described, np.inf, FLOAT64_LIMIT, False, note[:100])
            return
    allowed = [noise.bounds(derivation, system, point) for point in points]
    for parameter in expected:
        pairs = [
            (_picked(grads[parameter], where, parameter), slopes[parameter])
            for grads, slopes in zip(found, true, strict=True)
        ]
        bounds = [_of_parameter(bound, parameter, where) for bound in allowed]
        yield _compared(f"d{parameter}", oracle, described, pairs, bounds, derivation.remarks)


def _of_parameter(bounds: noise.Bounds, name: str, where: Mapping[str, Array] | None) -> Bound:
    return lambda doubtful, off: bounds(name, doubtful if where is None else where[name][doubtful], off)


def _picked(gradient: Array, where: Mapping[str, Array] | None, name: str) -> Array:
    return np.asarray(gradient) if where is None else np.ravel(gradient)[where[name]]


def _chosen(system: System, points: list[Point], count: int) -> dict[str, Array]:
    random = np.random.default_rng(len(points) + count)
    sizes = {parameter.name: points[0].parameters[parameter.name].size for parameter in system.parameters}
    return {name: np.sort(random.permutation(size)[:count]) for name, size in sizes.items()}


def _compared(
    name: str,
    oracle: str,
    points: str,
    pairs: list[tuple[Array, Array]],
    bounds: list[Bound],
    remarks: tuple[str, ...] = (),
) -> Row:
    each = [judged(found, true, FLOAT64_LIMIT, bound) for (found, true), bound in zip(pairs, bounds, strict=True)]
    ok = bool(each) and all(value.ok for value in each)
    if not each:
        return Row(name, oracle, points, np.inf, FLOAT64_LIMIT, False, "no point")
    note = next((value.note for value in each if not value.ok), "")
    if ok and all(value.zero for value in each):
        exact = next((remark for remark in remarks if remark.startswith(f"{name} ")), "")
        note = exact or next((value.note for value in each if value.note), "zero")
    worst = max(each, key=lambda value: value.badness)
    return Row(name, oracle, points, worst.error, worst.limit, ok, note)


def _described(points: list[Point]) -> str:
    kinds = ", ".join(dict.fromkeys(point.kind for point in points))
    return f"{len(points)} ({kinds}), m={points[0].count}" if points else "0"


def value_rows(case: Case, points: list[Point]) -> Iterator[Row]:
    """Yield rows for the module's forward pass, prediction, loss and mean over the batch."""
    module, system, derivation = case.module, case.example.system, case.rows.derivation
    predicted, evaluated = (system.prediction or system.output).name, system.evaluated

    def outputs(point: Point) -> tuple[Array, Array]:
        found = called(module.forward, point, targets=False)
        return found, complex_step.outputs(system, point, system.output.name)

    def prediction(point: Point) -> tuple[Array, Array]:
        found = called(module.predict, point, targets=False, **state_of(system, point))
        return found, complex_step.outputs(evaluated, point, predicted)

    def loss(point: Point) -> tuple[Array, Array]:
        both = called(module.loss_and_grads, point)[0], called(module.loss, point)
        return np.asarray(both), np.repeat(np.mean(complex_step.losses(system, point)), 2)

    def mean(point: Point) -> tuple[Array, Array]:
        whole, *singles = (
            called(module.loss_and_grads, each)[1] for each in (point, *map(point.only, range(point.count)))
        )
        flat = [np.concatenate([np.ravel(grads[name]) for name in whole]) for grads in (whole, *singles)]
        return flat[0], np.mean(flat[1:], axis=0)

    checks: list[tuple[str, str, Check, Callable[[Point], Bound]]] = [
        ("forward", "formulas in complex numbers", outputs, of_value(system, system.output.name)),
        ("predict", f"formula of {predicted}", prediction, of_value(evaluated, predicted)),
        ("L", "formulas, mean of the examples", loss, of_loss(system)),
    ]
    if draws(case):
        checks.append(sampling_check(case))
    if not system.joins_examples:  # the mean of single examples says nothing of a batch that is joined
        checks.append(("all gradients", "batch = mean of its examples", mean, lambda point: of_all(derivation, point)))
    yield from checked(checks, points)


def draws(case: Case) -> bool:
    """Whether the module draws ids one after the other."""
    return "\ndef next_logits(" in case.source


def sampling_check(case: Case) -> tuple[str, str, Check, Callable[[Point], Bound]]:
    """Return the check of a module's outputs position by position, with what it keeps, against the whole sequence."""
    evaluated = case.example.system.evaluated
    output = evaluated.output.name if evaluated.output else ""

    def check(point: Point) -> tuple[Array, Array]:
        module, x = case.module, next(iter(point.inputs.values()))
        cache = module.init_cache(point.count)
        rows = [module.next_logits(point.parameters, x[:, t], t, cache) for t in range(x.shape[1])]
        return np.stack(rows, axis=1), complex_step.outputs(evaluated, point, output)

    return "next_logits", "whole sequence, formulas in complex numbers", check, of_value(evaluated, output)


def evaluation_rows(case: Case, points: list[Point]) -> Iterator[Row]:
    """Yield rows for evaluation, where it is other than training, and for what a step makes of running statistics."""
    module, system = case.module, case.example.system
    evaluated = system.evaluated
    if not system.stand_ins:
        return

    def outputs(point: Point) -> tuple[Array, Array]:
        found = called(module.forward, point, targets=False, training=False, **state_of(system, point))
        return found, complex_step.outputs(evaluated, point, system.output.name)

    def loss(point: Point) -> tuple[Array, Array]:
        found = called(module.loss, point, training=False, **state_of(system, point))
        return np.asarray(found), np.asarray(np.mean(complex_step.losses(evaluated, point)))

    yield from checked(
        [
            ("forward", "evaluation, formulas in complex numbers", outputs, of_value(evaluated, system.output.name)),
            ("L", "evaluation, mean of the examples", loss, of_loss(evaluated)),
            *((state.variable.name, "its update by the batch", *_update(case, state)) for state in system.states),
        ],
        points,
    )


def _update(case: Case, state: State) -> tuple[Check, Callable[[Point], Bound]]:
    """Return the check of what a step makes of a running statistic, and how far rounding can move that."""
    module, system = case.module, case.example.system

    def true(point: Point, arithmetic: Complex) -> Array:
        run = complex_step.runs(system, point, arithmetic)[0]  # a statistic is the same for all examples
        return unstacked(run(state.update)).real

    def check(point: Point) -> tuple[Array, Array]:
        held = {name: value.copy() for name, value in point.states.items()}
        if "make_workspace" in vars(module):  # a step leaves its statistics there; other modules keep them by name
            work = module.make_workspace(point.count)
            called(module.loss_and_grads, point, work=work)
            module.update_running(held, work)
        else:
            values: dict[str, Any] = {}
            called(module.loss, point, values=values)
            held = module.update_running(held, values, point.count) or held  # pure functions return what is new
        return np.asarray(held[state.variable.name]), true(point, Complex())

    def bound(point: Point) -> Bound:
        return lambda where, off: np.ravel(noise.of_run(lambda arithmetic: true(point, arithmetic)))[where]

    return check, bound


def checked(checks: Iterable[tuple[str, str, Check, Callable[[Point], Bound]]], points: list[Point]) -> Iterator[Row]:
    """Yield a row for each check: its name, its oracle, what is found and what is true at a point, and the bound."""
    described = _described(points)
    for name, oracle, check, bound in checks:
        try:
            with np.errstate(all="ignore"):
                pairs = [check(point) for point in points]
            yield _compared(name, oracle, described, pairs, [bound(point) for point in points])
        except GENERATED_ERRORS as error:
            yield Row(name, oracle, described, np.inf, FLOAT64_LIMIT, False, first_line(error))


def of_value(system: System, name: str) -> Callable[[Point], Bound]:
    return lambda point: lambda where, off: np.ravel(noise.of_value(system, point, name))[where]


def of_loss(system: System) -> Callable[[Point], Bound]:
    name = system.loss.name if system.loss else ""
    return lambda point: lambda where, off: np.repeat(np.mean(noise.of_value(system, point, name)), len(where))


def of_all(derivation: Derivation, point: Point) -> Bound:
    """Return how far rounding can move all gradients of the equations, one after the other."""
    return lambda where, off: np.concatenate(
        [np.ravel(each) for each in noise.of_equations(derivation, point).values()]
    )[where]


def state_of(system: System, point: Point) -> dict[str, Any]:
    """What `predict` takes beside parameters and inputs."""
    return {"state": point.states} if system.states else {}


def layout_rows(case: Case, point: Point) -> Iterator[Row]:
    """Yield rows that compare the derived equations of other layouts with those of the rows."""
    values = {each: noise.equations_gradients(case.at(layout=each).derivation, point) for each in case.network.layouts}
    reference, ours = values.pop("rows"), of_all(case.rows.derivation, point)
    for layout, found in values.items():
        what = "mean of the examples" if layout == "example" else f"batch in {layout}"
        flat = [np.concatenate([np.ravel(grads[name]) for name in reference]) for grads in (found, reference)]
        bounds = [_added(ours, of_all(case.at(layout=layout).derivation, point))]  # one may be 0 by a rule, one rounded
        yield _compared("all gradients", f"{what} = batch in rows", _described([point]), [(flat[0], flat[1])], bounds)


def _added(one: Bound, other: Bound) -> Bound:
    return lambda where, off: one(where, off) + other(where, off)


def float32_rows(case: Case, points: list[Point], name: str = "") -> Iterator[Row]:
    """Yield one row for each parameter: the float32 module's gradient within its bound on rounding (`noise`)."""
    module, system, derivation = case.at(dtype="float32").module, case.example.system, case.rows.derivation
    oracle, described = "complex step, float32 bound", _described(points) + name
    try:
        with np.errstate(all="ignore"):
            found = [called(module.loss_and_grads, point.single())[1] for point in points]
            true = [complex_step.gradients(system, point) for point in points]
            bounds = [noise.of_equations(derivation, point, noise.FLOAT32) for point in points]
            for parameter in system.parameters:
                key = parameter.name
                each = [
                    _single_precision(np.asarray(grads[key]), slopes[key], bound[key], system, point, key)
                    for grads, slopes, bound, point in zip(found, true, bounds, points, strict=True)
                ]
                wrong = [value for value in each if not value.ok]
                worst = max(each, key=lambda value: (not value.ok, value.error), default=Judgement(np.inf, 0.0, False))
                ok = bool(each) and not wrong
                yield Row(f"d{key}", oracle, described, worst.error, worst.limit, ok, worst.note)
    except GENERATED_ERRORS as error:
        yield Row("gradients", oracle, described, np.inf, 0.0, False, first_line(error))


def _single_precision(found: Array, true: Array, bound: Array, system: System, point: Point, name: str) -> Judgement:
    """Compare a gradient in float32 by its largest element, with the largest bound on rounding."""
    measured = difference(found.astype(float), true)
    if not measured.finite:
        return Judgement(np.inf, 0.0, False, note="not finite, or another shape")
    off, largest = float(np.max(np.abs(found - true), initial=0.0)), float(np.max(np.abs(true), initial=0.0))
    allowed = float(np.max(bound, initial=0.0)) + 4 * noise.FLOAT32 * largest
    if off > allowed:  # the oracle's own rounding, which counts where the truth is 0
        own = noise.of_complex_step(system, point, {name: np.arange(true.size)})[name]
        allowed += min(float(np.max(own, initial=0.0)), 1.0)
    right = found.dtype == np.float32
    note, ok = "" if right else f"dtype {found.dtype}", off <= allowed and right
    if largest <= allowed:
        return Judgement(off, allowed, ok, True, note or ("zero to rounding" if allowed else "zero"))
    return Judgement(off / largest, allowed / largest, ok, False, note)
