"""The generated module against the oracles: its gradients, its loss, its forward pass, and its mean over a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from symprop.algebra.equations import Equation, System
from symprop.calculus.derivation import Derivation
from symprop.verify import complex_step
from symprop.verify.arithmetic import Array, Noisy
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.measure import FLOAT64_LIMIT, Row, difference, first_line
from symprop.verify.points import Point

Compiled = ModuleType | Any
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

NOISY_RUNS = 8
NOISE_FACTOR = 8.0
"""The bound on rounding in float32: this many times the largest of `NOISY_RUNS` random deviations."""


def gradient_rows(
    module: Compiled, system: System, points: list[Point], remarks: tuple[str, ...], name: str = "", chosen: int = 0
) -> Iterator[Row]:
    """Yield one row for each parameter: the module's gradient against the complex step, element by element.

    With `chosen`, only that many random coordinates of each parameter are compared.
    """
    oracle = "complex step, full Jacobian" if not chosen else "complex step, coordinates"
    described = _described(points) + name
    where = _chosen(system, points, chosen) if chosen else None
    try:
        with np.errstate(all="ignore"):
            found = [module.loss_and_grads(point.parameters, *_data(point))[1] for point in points]
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
    for parameter in expected:
        pairs = [
            (_picked(grads[parameter], where, parameter), slopes[parameter])
            for grads, slopes in zip(found, true, strict=True)
        ]
        yield _compared(f"d{parameter}", oracle, described, pairs, FLOAT64_LIMIT, remarks)


def _picked(gradient: Array, where: Mapping[str, Array] | None, name: str) -> Array:
    return np.asarray(gradient) if where is None else np.ravel(gradient)[where[name]]


def _chosen(system: System, points: list[Point], count: int) -> dict[str, Array]:
    random = np.random.default_rng(len(points) + count)
    sizes = {parameter.name: points[0].parameters[parameter.name].size for parameter in system.parameters}
    return {name: np.sort(random.permutation(size)[:count]) for name, size in sizes.items()}


def _compared(
    name: str, oracle: str, points: str, pairs: list[tuple[Array, Array]], limit: float, remarks: tuple[str, ...] = ()
) -> Row:
    differences = [difference(found, true) for found, true in pairs]
    ok = bool(pairs) and all(value.within(limit) for value in differences)
    note = ""
    if all(value.zero for value in differences):
        note = next((remark for remark in remarks if remark.startswith(f"{name} ")), "zero")
    if not all(value.finite for value in differences):
        note = "not finite, or another shape"
    elif not ok and all(value.overall <= limit for value in differences):
        note = f"an element is off by {max(value.element for value in differences):.1e} of itself"
    return Row(name, oracle, points, max((value.overall for value in differences), default=np.inf), limit, ok, note)


def _described(points: list[Point]) -> str:
    kinds = ", ".join(point.kind for point in points)
    return f"{len(points)} ({kinds}), m={points[0].count}" if points else "0"


def _data(point: Point) -> tuple[Array, ...]:
    return (*point.inputs.values(), *point.given.values())


def value_rows(module: Compiled, system: System, points: list[Point]) -> Iterator[Row]:
    """Yield rows for the module's forward pass, loss and mean over the batch."""
    described = _described(points)

    def outputs(point: Point) -> tuple[Array, Array]:
        inputs = tuple(point.inputs.values())
        return module.forward(point.parameters, *inputs), complex_step.outputs(system, point, system.output.name)

    def loss(point: Point) -> tuple[Array, Array]:
        found = module.loss_and_grads(point.parameters, *_data(point))[0]
        return np.asarray(found), np.asarray(np.mean(complex_step.losses(system, point)))

    def mean(point: Point) -> tuple[Array, Array]:
        whole = module.loss_and_grads(point.parameters, *_data(point))[1]
        singles = [module.loss_and_grads(point.parameters, *_single(point, i))[1] for i in range(point.count)]
        flat = [np.concatenate([np.ravel(grads[name]) for name in whole]) for grads in (whole, *singles)]
        return flat[0], np.mean(flat[1:], axis=0)

    checks: tuple[tuple[str, str, Callable[[Point], tuple[Array, Array]]], ...] = (
        ("forward", "formulas in complex numbers", outputs),
        ("L", "formulas, mean of the examples", loss),
        ("all gradients", "batch = mean of its examples", mean),
    )
    for name, oracle, check in checks:
        try:
            with np.errstate(all="ignore"):
                pairs = [check(point) for point in points]
            yield _compared(name, oracle, described, pairs, FLOAT64_LIMIT)
        except GENERATED_ERRORS as error:
            yield Row(name, oracle, described, np.inf, FLOAT64_LIMIT, False, first_line(error))


def _single(point: Point, number: int) -> tuple[Array, ...]:
    return tuple(np.asarray(values)[number : number + 1] for values in _data(point))


def layout_rows(derivations: Mapping[str, Derivation], point: Point) -> Iterator[Row]:
    """Yield rows that compare the derived equations of other layouts with those of the rows."""
    values = {layout: equations_gradients(derivation, point) for layout, derivation in derivations.items()}
    reference = values.pop("rows")
    for layout, found in values.items():
        what = "mean of the examples" if layout == "example" else f"batch in {layout}"
        flat = [np.concatenate([np.ravel(grads[name]) for name in reference]) for grads in (found, reference)]
        yield _compared(
            "all gradients", f"{what} = batch in rows", _described([point]), [(flat[0], flat[1])], FLOAT64_LIMIT
        )


def equations_gradients(derivation: Derivation, point: Point, noise: int | None = None) -> dict[str, Array]:
    """Return the gradients that the derived equations give, in float64; with `noise`, as if rounded in float32."""
    system, names = derivation.system, [parameter.name for parameter in derivation.system.parameters]
    if system.batch is None:
        each = [_run(derivation, point.example(number), {}, noise) for number in range(point.count)]
    else:
        each = [_run(derivation, point.batch(system), {system.batch: point.count}, noise)]
    zero = {name: np.zeros(point.parameters[name].shape) for name in names}
    return {name: np.mean([values.get(f"d{name}", zero[name]) for values in each], axis=0) for name in names}


def _run(
    derivation: Derivation, given: Mapping[str, Array], sizes: Mapping[Any, int], noise: int | None
) -> dict[str, Array]:
    arithmetic = Noisy(noise or 0, active=noise is not None)
    evaluator = Evaluator(arithmetic, stacked(given, arithmetic), sizes)
    with np.errstate(all="ignore"):
        evaluator.run(derivation.equations)
    backward = [item for item in derivation.backward if isinstance(item, Equation)]
    return {item.name: unstacked(evaluator.values[item.name]).real for item in backward}


def float32_rows(
    module: Compiled, derivation: Derivation, points: list[Point], system: System, name: str = ""
) -> Iterator[Row]:
    """Yield one row for each parameter: the float32 module's gradient within its bound on rounding.

    Each operation is let be off by a random part of its worst rounding error in float32 (`Noisy`); the bound is
    `NOISE_FACTOR` times the largest deviation that `NOISY_RUNS` such runs of the equations show.
    """
    oracle, described = "complex step, float32 bound", _described(points) + name
    try:
        with np.errstate(all="ignore"):
            found = [
                module.loss_and_grads(
                    {name: value.astype(np.float32) for name, value in point.parameters.items()},
                    *(_in_float32(value) for value in _data(point)),
                )[1]
                for point in points
            ]
            rows = [_float32_pairs(derivation, point, system) for point in points]
            for parameter in system.parameters:
                key = parameter.name
                worst, limit = [], []
                for grads, (true, bounds) in zip(found, rows, strict=True):
                    worst.append(difference(np.asarray(grads[key], dtype=float), true[key]).overall)
                    limit.append(bounds[key])
                kinds = {np.asarray(grads[key]).dtype for grads in found}
                ok = (
                    bool(worst)
                    and all(a <= b for a, b in zip(worst, limit, strict=True))
                    and kinds == {np.dtype("float32")}
                )
                note = "" if kinds == {np.dtype("float32")} else f"dtype {', '.join(map(str, kinds))}"
                yield Row(f"d{key}", oracle, described, max(worst, default=np.inf), max(limit, default=0.0), ok, note)
    except GENERATED_ERRORS as error:
        yield Row("gradients", oracle, described, np.inf, 0.0, False, first_line(error))


def _in_float32(values: Array) -> Array:
    return values.astype(np.float32) if values.dtype.kind == "f" else values


def _float32_pairs(derivation: Derivation, point: Point, system: System) -> tuple[dict[str, Array], dict[str, float]]:
    """Return the true gradients at a point, and the bound on the relative error of each in float32."""
    true = complex_step.gradients(system, point)
    exact = equations_gradients(derivation, point)
    largest = dict.fromkeys(exact, 0.0)
    for run in range(NOISY_RUNS):
        for name, moved in equations_gradients(derivation, point, noise=run).items():
            largest[name] = max(largest[name], difference(moved, exact[name]).overall)
    return true, {name: NOISE_FACTOR * value + 4 * Noisy.unit for name, value in largest.items()}
