"""The certificate of a network: its derivation and its generated code, each line of them checked by machine.

Five questions, each put to an oracle that shares no code with the rules or the generator:

1. Is each gradient of the generated module the derivative of the forward pass? (complex step, full Jacobian)
2. Is each step of the derivation an identity? (50 digits, pullbacks by central differences)
3. Is each derived gradient what SymPy finds element by element? (`sympy.diff` of the written-out loss)
4. Does the module compute the forward pass, the loss, and the mean over a batch, in float64 and in float32, and stay
   finite where its last layer gives numbers up to 1000? (the formulas in complex numbers, and in 1000 digits)
5. Are names, shapes and ties of the parameters those of the network's text? (a second reader of texts)

And where they are asked for, second derivatives: `curvature_checks.py` says how.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from sympy import prod

from symprop.algebra.equations import System
from symprop.algebra.indices import RowIndex
from symprop.algebra.numbered_sizes import sizes_given
from symprop.codegen.case import Case, case_of
from symprop.codegen.program import ProgramError
from symprop.errors import ShapeError, SpecError
from symprop.limits import SECONDS
from symprop.networks.network import Network
from symprop.networks.recurrent import has_moments, written_out_in_time
from symprop.verify import (
    complex_step,
    curvature_checks,
    element_checks,
    extreme_checks,
    module_checks,
    moment_checks,
    reading_checks,
    recurrence,
    relation_checks,
    start_checks,
    step_checks,
    switch_checks,
    target_checks,
    text_checks,
)
from symprop.verify.certificate import Certificate
from symprop.verify.gathering import Part, gathered
from symprop.verify.measure import NOT_REACHED, Row, first_line
from symprop.verify.points import POINTS, Point, farther_points, points_of, target_kinds
from symprop.verify.reduced import check_numbers, reduced, tiny
from symprop.verify.remarks import remarks

FULL_LIMIT, QUICK_LIMIT = 20_000, 5_000
"""Up to so many parameters, counted for each position, every coordinate is compared at the real sizes: at one point,
and at every point."""
OWN_LIMIT = 200
"""Up to so many, a network that cannot be built at reduced sizes is checked at its own, also by elements."""
STEPS_LIMIT = 5_000
"""Up to so many, the steps of real sizes are checked in 50 digits where reduced sizes take others."""
SAMPLED = 100
"""How many coordinates of each parameter are compared at the real sizes where there are more."""

MANY = 60
"""A derivation of more equations is checked at one point in place of three, so that a deep network can be checked."""

_LOST = "not checked: no point with a finite loss"
NO_POINT = Row("points", "forward pass in complex numbers", "0", float("inf"), 0.0, False, _LOST)


def check(
    network: Network | Case | str,
    seed: int = 0,
    float32: bool = True,
    sizes: Mapping[str, int] | None = None,
    target: str = "numpy",
    limit: float | None = SECONDS,
    curvature: bool = False,
) -> Certificate:
    """Check a network's derivation and generated code, and return the certificate; of a case, its own.

    The printed recurrence of a symbolic `Repeat` is checked for 1, 2 and 3 blocks; all else for the number that is
    given, or for 3.

    Args:
        network: a network, its text, or a case; in `float32` too, at random points that `seed` chooses.
        sizes: numbers for sizes and counts that have a name.
        target: whose module is checked: "numpy" (the one that runs, and that the one to read has the same values),
            "numba", "jax" or "torch"; "all" compares those of all targets that are installed.
        limit: how many seconds the check may compute, None for as many as it takes; what is not reached is named.
        curvature: whether second derivatives are checked too, at reduced sizes.

    >>> certificate = check("Input(2) >> Dense(1) >> MeanSquaredError()")
    >>> certificate.ok, certificate.failures
    (True, ())

    Raises:
        SpecError: the network has no loss, or the width of a layer is a name without a number in `sizes`, or the target
            is unknown or its library is not installed, or `limit` is no number of seconds.
    """
    started = time.perf_counter()
    first, *others = target_checks.chosen(target)
    case = case_of(network, dtype="float64", optimizer=None, threads=1, target=first)
    if case.network.system().loops:
        return _of_recurrence(case, seed, float32, sizes_given(sizes), target, limit, curvature)
    case = case.with_sizes(sizes_given(sizes))
    title, system = case.network.text, case.example.system
    check_numbers(case.network)
    if system.loss is None:
        raise SpecError(
            f"a network without a loss has nothing to check\nend it with one: {title} >> MeanSquaredError()"
        )
    if not points_of(case, seed, POINTS, target_kinds(system)[:1]):
        return Certificate(title, (NO_POINT,), (), time.perf_counter() - started)
    try:
        derivation = case.rows.derivation
    except DERIVATION_ERRORS as error:
        return Certificate(title, (_refused("derive", error),), (), time.perf_counter() - started)
    small, smallest, told = case, case, ""
    try:
        small, smallest = case.of(reduced(case.network)), case.of(tiny(case.network))
    except SpecError as error:  # a layer that does not say which sizes it can have
        if _work(case, seed) > OWN_LIMIT:
            return Certificate(title, (_refused("reduced sizes", error),), (), time.perf_counter() - started)
        told = f"nothing is checked at reduced sizes: {str(error).splitlines()[0]}"
    parts = _parts(case, small, smallest, seed, float32, others, curvature)
    found = gathered(parts, limit, DERIVATION_ERRORS, _refused)
    remarked = remarks(case, found.rows, seed)
    said = (*derivation.remarks, *remarked, *([told] if told else ()), *target_checks.missing(target))
    return Certificate(title, tuple(found.rows), said, time.perf_counter() - started, tuple(found.unreached))


def _parts(
    case: Case, small: Case, smallest: Case, seed: int, float32: bool, others: Sequence[str], curvature: bool
) -> Iterator[Part]:
    """Yield the parts of a certificate, each with its name, at real, reduced and tiny sizes."""
    yield "the parameters", lambda: text_checks.rows(case.network)
    yield "the module", lambda: _module(case, small, seed, float32)
    yield "other modules", lambda: target_checks.rows(case, others, points_of(case, seed, POINTS))
    yield "switches", lambda: switch_checks.rows(small, seed)
    in_time = has_moments(case.network.layers)  # of each moment all is worked out anew
    yield "extreme values", lambda: _extremes(smallest if in_time else small, seed)
    yield "other layouts", lambda: _layouts(small if in_time else case, seed)
    yield "steps, batch in rows", lambda: _steps(case.rows, small.rows, seed)
    if case.own.layout == "example":
        yield "steps, one example", lambda: _steps(case.example, small.example, seed)
    yield "readings", lambda: reading_checks.rows(case, small, seed)
    yield "relations", lambda: relation_checks.rows(case, small, seed)
    yield "elements", lambda: _elements(smallest, seed)
    if curvature:
        yield "second derivatives", lambda: curvature_checks.rows(small, seed)


def _of_recurrence(
    case: Case, seed: int, float32: bool, sizes: dict[str, int], target: str, limit: float | None, curvature: bool
) -> Certificate:
    """Return the certificate of a network with symbolic counts: of its printed page, and of so many blocks."""
    started, net = time.perf_counter(), case.network
    counts = {name: sizes.get(name, recurrence.OTHERWISE) for name in recurrence.counts_of(net)}
    plain = written_out_in_time(recurrence.written_out(net, {**counts, **sizes}))
    whole = check(case.of(plain), seed, float32, target=target, limit=limit, curvature=curvature)
    parts: list[Part] = [
        ("recurrence", lambda: recurrence.rows(case, sizes, seed)),
        ("moments", lambda: moment_checks.rows(case.of(written_out_in_time(plain, unroll=False)), seed)),
    ]
    found = gathered(parts, limit, DERIVATION_ERRORS, _refused)
    numbers = ", ".join(f"{name} = {number}" for name, number in counts.items())
    remarks = (*whole.remarks, *([f"all but the recurrence is checked for {numbers}"] if numbers else ()))
    unreached = (*found.unreached, *whole.unreached)
    return Certificate(net.text, (*found.rows, *whole.rows), remarks, time.perf_counter() - started, unreached)


def _refused(what: str, error: BaseException) -> Row:
    return Row("derivation", what, "", float("inf"), 0.0, False, first_line(error))


DERIVATION_ERRORS = (ShapeError, ProgramError, *module_checks.GENERATED_ERRORS)
"""What wrong rules may raise: a failed row. What is wrong with the network itself (`SpecError`, ...) is raised."""


def _module(case: Case, small: Case, seed: int, float32: bool) -> Iterator[Row]:
    """Yield the rows of the generated module at real sizes, and at reduced ones where the real are too many."""
    system, kinds = case.example.system, target_kinds(case.example.system)
    points = points_of(case, seed, POINTS, kinds if len(case.network.layers) <= MANY // 2 else kinds[:1])
    work = _work(case, seed)
    if work <= FULL_LIMIT:
        farther = farther_points(system, seed, POINTS, points)[0]
        fewer = points if work <= QUICK_LIMIT else points[:1]
        yield from module_checks.gradient_rows(case, [*fewer, *farther], _of_moments(system))
    else:
        smaller = points_of(small, seed, POINTS)
        smaller += farther_points(small.example.system, seed, POINTS, smaller)[0]
        yield from module_checks.gradient_rows(small, smaller, ", reduced sizes")
        yield from module_checks.gradient_rows(case, points, f", real sizes, {SAMPLED} coordinates", SAMPLED)
    yield from module_checks.value_rows(case, points)
    yield from module_checks.evaluation_rows(case, points)
    yield from start_checks.rows(case, seed)
    if float32:
        wide, where = (case, "") if work <= QUICK_LIMIT else (small, ", reduced sizes")
        exact = points_of(wide, seed + 1, POINTS, [points[0].kind], single=True)
        yield from module_checks.float32_rows(wide, exact, where)


def _of_moments(system: System) -> str:
    """What rows say of a network whose code is a loop, and whose equations are written out for so many moments."""
    times = [part.value for each in system.equations for part in each.target.index if isinstance(part, RowIndex)]
    return f", {max(map(int, times))} moments written out" if times else ""


def _work(case: Case, seed: int) -> int:
    """How many parameters there are, counted for each position."""
    system = case.example.system
    point = points_of(case, seed, POINTS, target_kinds(system)[:1])[0]
    return sum(value.size for value in point.parameters.values()) * _positions(system)


def _positions(system: System) -> int:
    """The most positions or pixels that an array has in an example: for each, a move of a parameter is worked out."""
    return max(int(prod(equation.target.shape[:-1])) for equation in system.equations)


def _layouts(case: Case, seed: int) -> Iterator[Row]:
    """Yield rows that compare the layouts with one another."""
    for point in points_of(case, seed, POINTS)[:1]:
        yield from module_checks.layout_rows(case, point)


def _extremes(small: Case, seed: int) -> Iterator[Row]:
    """Yield the rows of the module where its last layer gives large numbers, at reduced sizes."""
    for point in points_of(small, seed, POINTS, target_kinds(small.example.system)[:1]):
        yield from extreme_checks.rows(small, point)


def _steps(real: Case, small: Case, seed: int) -> Iterator[Row]:
    """Yield the rows of the derivation's steps in one layout, at reduced sizes.

    Where a size and another number fall together, as in a mean over ten and a penalty of 0.1, a factor is one of both
    and reduced sizes take other steps; those of the real sizes are checked then, if they are not too many.
    """
    same = _rules(small) == _rules(real)
    reached = same or _work(real, seed) <= STEPS_LIMIT
    oracle = "same steps at reduced sizes" if same else "other steps at reduced sizes"
    note = "" if same else "checked at the real sizes" if reached else "the real sizes are too many for 50 digits"
    yield Row("rules", oracle, real.layout, 0.0, 0.0, reached, note, "" if reached else NOT_REACHED)
    small = real if reached and not same else small
    rules = step_checks.rules_of(small.derivation)
    points = _points(small, seed, 3 if len(rules) <= MANY else 1)
    if small.layout != "example":
        yield from step_checks.forward_rows(small, points)
    yield from step_checks.rows(small, points, seed)


def _rules(case: Case) -> list[tuple[str, tuple[str, ...]]]:
    """Return the rules by which each equation was found; of moments those of a general one, however many there are."""
    if not has_moments(case.network.layers):
        return step_checks.rules_of(case.derivation)
    rolled = case.of(written_out_in_time(case.network, unroll=False))
    return [("", rules) for _, rules in step_checks.rules_of(rolled.derivation)]  # the last moment has another name


def _elements(smallest: Case, seed: int) -> Iterator[Row]:
    """Yield the rows of the gradients by elements, at tiny sizes: at a random point, and at the liveliest of a dozen.

    Small networks have points at which all units of a layer are off and most gradients 0, which would prove little.
    """
    system = smallest.example.system
    trials = range(12 if len(smallest.network.layers) <= MANY // 2 else 2)
    points = [point for trial in trials for point in _points(smallest, seed + trial, 1)]

    def alive(point: Point) -> int:
        return sum(int(np.count_nonzero(value)) for value in complex_step.gradients(system, point, count=1).values())

    yield from element_checks.rows(smallest, [*points[:1], *sorted(points, key=alive)[-1:]])


def _points(case: Case, seed: int, wanted: int) -> list[Point]:
    """Return points of kinds of targets that vary smoothly, two examples each (no other size is 2 when reduced)."""
    system = case.example.system
    kinds = [kind for kind in ("distribution", "numbers") if kind in target_kinds(system)]
    drawn = (points_of(case, seed + number, 2, kinds, everywhere=True) for number in range(wanted))
    points = [point for each in drawn for point in each]
    return [*points, *(farther_points(system, seed, 2, points, everywhere=True)[0] if wanted > 1 else [])]
