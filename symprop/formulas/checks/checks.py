"""The certificate of an answer: a gradient, Jacobian, Hessian or product with one, checked by what shares no rule.

1. Is it the derivative of the formula? First order: the complex step, element by element. Second order: second
   differences of the formula itself in 160 digits, so that no gradient is trusted.
2. Is each step an identity? (50 digits; derivatives that are not yet worked out by central differences)
3. Is it what `sympy.diff` finds in the formula written out element by element? (sizes 2 and 3, where short enough)
4. Does the printed text, read back, have the same value? (50 digits)
5. Does the generated NumPy compute it, and stay finite where exponents reach 1000? (1000 digits)

Named sizes get small numbers, each its own; values satisfy the declared facts. A point must have a finite value and
derivative; an answer without such a point is not proven, and its certificate says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import mpmath
import numpy as np
from sympy import Expr, Symbol

from symprop.algebra.formula import formula_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.errors import SympropError
from symprop.formulas.checks.elements import TooLong, compared
from symprop.formulas.checks.extremes import extreme_row
from symprop.formulas.checks.oracles import (
    SECOND_ORDER,
    first_differences,
    first_order,
    is_smooth,
    precise,
    second_order,
    value,
)
from symprop.formulas.checks.points import FormulaPoint, alternating, at_sizes, lifted, numbered, points, size_symbols
from symprop.formulas.checks.runs import ran
from symprop.formulas.result import Result
from symprop.limits import SECONDS
from symprop.verify import noise
from symprop.verify.arithmetic import Array, nearest
from symprop.verify.certificate import Certificate
from symprop.verify.complex_step import STEP
from symprop.verify.evaluate import WORKING_DIGITS
from symprop.verify.gathering import Part, gathered
from symprop.verify.measure import DIGITS, FLOAT64_LIMIT, Judgement, Row, first_line, judged, precise_difference
from symprop.verify.module_checks import GENERATED_ERRORS
from symprop.verify.step_checks import LIMIT, judged_steps, step_error

WANTED, ATTEMPTS = 3, 26
"""How many points are compared, and how many are tried to find points that are finite and alive."""
MOST, MOST_PRECISE = 4_000, 400
"""How many elements a derivative with respect to one variable may perturb in float64, and in many digits."""
UNSTEADY = 1e-6
"""Where rounding alone moves a derivative by more of itself, as near a singular matrix, a point tells nothing."""
LOOSE = 1e-9
"""Where rounding would have to be allowed more than this, the answer is compared in many digits as well."""
FIRST = "complex step"
SECOND = "second differences, 160 digits"


def check_result(
    result: Result, seed: int = 0, function: Callable[..., Any] | None = None, limit: float | None = SECONDS
) -> Certificate:
    """Check an answer, its steps, its text and (where given) its compiled `function`, and return the certificate.

    `limit` is how many seconds the check may compute, None for as many as it takes; what is not reached is named.

    >>> from symprop.algebra.formula import formula
    >>> from symprop.formulas.questions import gradient
    >>> certificate = check_result(gradient(formula("sum((X @ w - y)**2)", X="m n", w="n", y="m"), "w"))
    >>> certificate.ok, [row.name for row in certificate.rows]
    (True, ['gradient with respect to w', 'steps', 'elements', 'text'])
    """
    started = time.perf_counter()
    named, result = result, result.whole
    title = f"{result.kind} with respect to {' and '.join(dict.fromkeys(each.name for each in result.by))}"
    heading = f"{title} of {result.formula.source}"
    remarks: list[str] = []
    size = _moved(result)
    found = chosen_points(result, seed) if size <= MOST else []
    if not found:
        why = "no point with a finite value and derivative that satisfies what is declared"
        if size > MOST:
            why = f"{size:,} elements to move; declare sizes by names, so that they can be small"
        oracle = SECOND if result.kind in SECOND_ORDER else FIRST
        row = Row(title, oracle, "0", float("inf"), 0.0, False, f"not checked: {why}")
        return Certificate(heading, (row,), (), time.perf_counter() - started)
    parts: list[Part] = [(title, lambda: _derivative(result, found, title))]
    if size <= MOST_PRECISE:
        parts += [
            ("steps", lambda: _steps(named, found, seed)),
            ("elements", lambda: _elements(result, seed, remarks)),
        ]
    else:
        remarks.append(f"steps and elements are not checked one by one: {size:,} elements; sizes with names are small")
    parts.append(("text", lambda: _text(named, found)))
    if function is not None:
        parts.append(("NumPy", lambda: _function(result, found, function)))
        parts.append(("stable", lambda: extreme_row(result, found[0], function)))
    checked = gathered(parts, limit, (SympropError, *GENERATED_ERRORS), _stopped)
    seconds = time.perf_counter() - started
    return Certificate(heading, tuple(checked.rows), tuple(remarks), seconds, tuple(checked.unreached))


def _stopped(name: str, error: BaseException) -> Row:
    return Row(name, "", "", float("inf"), 0.0, False, first_line(error))


def _symbols(result: Result) -> tuple[Symbol, ...]:
    return size_symbols(result.variables, result.formula.node)


def _moved(result: Result) -> int:
    """Return how many elements are moved, or pairs of them for a Hessian, at the sizes of the check."""
    sizes = numbered(_symbols(result))
    counts = [int(np.prod([int(size.subs(sizes)) for size in each.shape], dtype=int)) for each in result.by]
    return counts[0] * counts[-1] if result.kind == "hessian" else max(counts)


# ---------------------------------------------------------------- points


def chosen_points(result: Result, seed: int, wanted: int = WANTED) -> list[FormulaPoint]:
    """Return points with a finite value and derivative; those at which it is not 0 before others."""
    symbols = _symbols(result)
    alive: list[FormulaPoint] = []
    dead: list[FormulaPoint] = []
    more = lifted(symbols, result.formula.node)

    def sizes(number: int) -> dict[Expr, int]:
        return {symbol: size + more for symbol, size in numbered(symbols, number).items()}

    for point in points(result.variables, seed, sizes, ATTEMPTS):
        slopes = None if at_sizes(result.formula.node, point.sizes) is None else _steady_slopes(result, point)
        if slopes is None:
            continue
        (alive if _largest(slopes) > 0 else dead).append(point)
        if len(alive) == wanted or len(dead) > 2 * wanted:
            break
    return [*alive, *dead][:wanted]


def _steady_slopes(result: Result, point: FormulaPoint) -> Array | None:
    """Return the first derivative at a point by the complex step; None where it or the value is not finite or noise."""
    if not np.all(np.isfinite(value(result.formula.node, point))):
        return None
    first = Result("vjp" if result.kind == "vjp" else "jacobian", result.formula, result.by[-1:], None, result.node)
    slopes, moved = first_order(first, point), noise.of_run(lambda arithmetic: first_order(first, point, arithmetic))
    steady = np.max(moved, initial=0.0) <= UNSTEADY * max(1.0, _largest(slopes))
    return slopes if np.all(np.isfinite(slopes)) and steady else None


def _largest(values: Array) -> float:
    return float(np.max(np.abs(values), initial=0.0))


def _described(found: list[FormulaPoint]) -> str:
    return f"{len(found)} random"


def _sizes(point: FormulaPoint) -> str:
    return " ".join(f"{size}={number}" for size, number in point.sizes.items())


# ---------------------------------------------------------------- rows


def _derivative(result: Result, found: list[FormulaPoint], title: str) -> Iterator[Row]:
    """Yield the row that matters: the answer against the derivative of the formula."""
    described, size = _described(found), _moved(result)
    if result.kind in SECOND_ORDER:
        with mpmath.workdps(WORKING_DIGITS):
            true = [second_order(result, point) for point in found]
            errors = [
                _precise_error(precise(result.node, point), each) for point, each in zip(found, true, strict=True)
            ]
        dead = all(abs(number) < mpmath.mpf("1e-60") for each in true for number in each.ravel())
        note = _note(found, dead)
        yield Row(title, SECOND, described, max(errors), LIMIT, max(errors) <= LIMIT, note)
        return
    judgements = []
    for point in found:
        right = first_order(result, point)

        def bound(places: Array, off: Array, point: FormulaPoint = point) -> Array:
            answer = noise.of_run(lambda arithmetic: value(result.node, point, arithmetic))
            oracle = noise.of_run(lambda arithmetic: first_order(result, point, arithmetic))
            return np.asarray((answer + oracle + STEP).ravel()[places])  # at a kink, the step's own square is left

        answer = value(result.node, point)
        judgement = judged(answer, right, FLOAT64_LIMIT, bound if answer.shape == right.shape else None)
        sharp = judgement.ok and judgement.limit <= LOOSE and (not judgement.zero or not np.any(right))
        judgements.append(judgement if sharp or size > MOST_PRECISE else _in_digits(result, point, judgement))
    worst = max(judgements, key=lambda each: each.badness)
    note = worst.note or _note(found, all(each.zero for each in judgements))
    yield Row(title, FIRST, described, worst.error, worst.limit, all(each.ok for each in judgements), note)


def _in_digits(result: Result, point: FormulaPoint, otherwise: Judgement) -> Judgement:
    """Return the judgement by central differences in 120 digits; `otherwise` where it is wrong and there is a kink.

    Where float64 loses its digits (the slope of a saturated tanh, as `1 - tanh**2`) more digits tell. They differ from
    the stated slope at a kink; there the complex step decides.
    """
    with mpmath.workdps(WORKING_DIGITS):
        right = first_differences(result, point)
        error = _precise_error(precise(result.node, point), right)
        zero = all(number == 0 for number in right.ravel())
    if error <= LIMIT or is_smooth(result.formula.node, result.by[-1], point):
        return Judgement(error, LIMIT, error <= LIMIT, zero, "in 120 digits")
    return otherwise


def _note(found: list[FormulaPoint], dead: bool) -> str:
    return ", ".join(part for part in ("zero at all points" * dead, _sizes(found[0])) if part)


def _precise_error(answer: Array, right: Array) -> float:
    return precise_difference(answer, right) if answer.shape == right.shape else float("inf")


def _steps(result: Result, found: list[FormulaPoint], seed: int) -> Iterator[Row]:
    """Yield one row for all steps: each is an identity, and the last of them ends at the answer."""
    with mpmath.workdps(WORKING_DIGITS):
        scenes = [_with_others(result, point, seed) for point in found[: 2 if len(result.steps) < 40 else 1]]
        known: dict[tuple[int, Node], Array] = {}

        def at(number: int, node: Node) -> Array:
            if (number, node) not in known:  # what one step ends with the next begins with
                known[number, node] = precise(node, scenes[number])
            return known[number, node]

        def worst(before: Node, after: Node) -> float:
            return max(step_error(at(number, before), at(number, after)) for number in range(len(scenes)))

        errors, bad = judged_steps(result.steps, lambda step: worst(step.before, step.after))
        last = worst(result.steps[-1].after, result.node) if result.steps else 0.0
    if not last <= LIMIT:
        bad.append("the steps do not lead to the answer")
    error, count = max(*errors, last), len(result.steps)
    note = "; ".join(bad) if bad else f"{count} step{'s' if count != 1 else ''}"
    yield Row("steps", f"{DIGITS} digits, each step", _described(found[: len(scenes)]), error, LIMIT, not bad, note)


def _with_others(result: Result, point: FormulaPoint, seed: int) -> FormulaPoint:
    """Return the point with the values of the formula's own names, and random ones for tangents, which steps read."""
    for each in result.formula.definitions:
        exact = precise(each.expression, point)
        near = nearest(exact)
        point = FormulaPoint(point.sizes, {**point.values, each.name: near}, {**point.precise, each.name: exact})
    others: dict[str, Variable] = {}
    for step in result.steps:
        for each in (*variables(step.before), *variables(step.after)):
            if each.name not in point.precise:
                others[each.name] = each
    more = next(points(tuple(others.values()), seed + 1, lambda number: point.sizes, ATTEMPTS))
    return FormulaPoint(point.sizes, {**point.values, **more.values}, {**point.precise, **more.precise})


def _elements(result: Result, seed: int, remarks: list[str]) -> Iterator[Row]:
    """Yield the row of `sympy.diff`, at sizes 2 and 3; none where the formula written out is too long."""
    sizes = alternating(_symbols(result), result.formula.node)
    oracle = "sympy.diff of the written-out formula"
    with mpmath.workdps(WORKING_DIGITS):
        for point in points(result.variables, seed, lambda number: sizes, ATTEMPTS):
            if _steady_slopes(result, point) is None:
                continue
            arrays = [each for each in variables(result.formula.node) if "index" not in each.facts_by_kind]
            if not all(is_smooth(result.formula.node, each, point) for each in arrays):
                continue  # at a kink or a tie SymPy takes another of the slopes
            try:
                answer, true = compared(result, point)
            except TooLong as reason:
                remarks.append(f"{reason} for sympy.diff")
                return
            error = _precise_error(answer, true)
            note = _note([point], all(number == 0 for number in true.ravel()))
            yield Row("elements", oracle, "1 random", error, LIMIT, error <= LIMIT, note)
            return
    remarks.append("no point at sizes 2 and 3 for sympy.diff of the written-out formula")


def _text(result: Result, found: list[FormulaPoint]) -> Iterator[Row]:
    """Yield the row of the printed text: read back, it has the same value."""
    sizes = map(str, size_symbols(result.variables, result.formula.whole.node))
    again = formula_of(replace(result.formula, node=result.node).text(), result.variables, sizes).whole
    result = result.whole
    with mpmath.workdps(WORKING_DIGITS):
        errors = [step_error(precise(result.node, point), precise(again.node, point)) for point in found]
    yield Row("text", "text read back, 50 digits", _described(found), max(errors), LIMIT, max(errors) <= LIMIT)


def _function(result: Result, found: list[FormulaPoint], function: Callable[..., Any]) -> Iterator[Row]:
    """Yield the row of the compiled function: its numbers are those of the answer, in float64.

    Points at which the answer itself has lost its digits in float64 tell little, and are left to the last.
    """
    noises = [noise.of_run(partial(value, result.node, point)) for point in found]
    with mpmath.workdps(WORKING_DIGITS):
        truths = [nearest(precise(result.node, point)) for point in found]
    triples = list(zip(found, truths, noises, strict=True))
    steady = [each for each in triples if _largest(each[2]) <= UNSTEADY * _largest(each[1])]
    judgements = []
    for point, true, moved in steady or triples:

        def bound(places: Array, off: Array, moved: Array = moved) -> Array:
            return np.asarray(moved.ravel()[places])

        judgements.append(judged(ran(function, point), true, FLOAT64_LIMIT, bound))
    worst = max(judgements, key=lambda each: each.badness)
    ok = all(each.ok for each in judgements)
    described = f"{len(judgements)} random"
    yield Row("NumPy", "generated NumPy, 120 digits", described, worst.error, worst.limit, ok, worst.note)
