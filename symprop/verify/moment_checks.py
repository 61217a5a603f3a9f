"""A loop over time against its network written out moment by moment: for one, two and three moments, and for many.

What is derived for a general moment, written out, must be what is derived of the network written out (50 digits); and
the loop in code must have the gradients that the complex step of the written-out equations gives.
"""

from __future__ import annotations

from collections.abc import Iterator

import mpmath
import numpy as np
from sympy import Integer, Symbol

from symprop.algebra import unrolling
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import loops_in
from symprop.algebra.names import size_symbol
from symprop.codegen.case import Case
from symprop.errors import SpecError
from symprop.networks.network import Network
from symprop.networks.recurrent import written_out_in_time
from symprop.networks.sizes import TIME
from symprop.verify import complex_step, module_checks, noise
from symprop.verify.arithmetic import Precise
from symprop.verify.evaluate import WORKING_DIGITS, Evaluator, stacked, unstacked
from symprop.verify.measure import DIGITS, FLOAT64_LIMIT, Row, first_line, judged, precise_difference
from symprop.verify.points import called, points_of, target_kinds
from symprop.verify.reduced import reduced

FEW = (1, 2, 3)
"""Numbers of moments at which all is checked in many digits too."""
MANY = 40
"""A number of moments at which the printed recurrence is run: what is a little wrong in it has grown."""
NAME = "T"


def named(network: Network) -> tuple[Network, int] | None:
    """Return a network with a name for its number of moments, and the number; None where it cannot be another.

    >>> from symprop import parse_network
    >>> network, count = named(parse_network("Input(40, 3) >> RNN(4) >> MeanSquaredError()"))
    >>> network.text, count
    ('Input(T, 3) >> RNN(4) >> MeanSquaredError()', 40)
    """
    counts = {loop.count for loop in loops_in(network.system().items) if loop.index == TIME}
    if len(counts) != 1 or not (count := counts.pop()).is_Integer or NAME in network.sizes:
        return None
    try:
        general = network.resized({int(count): NAME})
        found = {loop.count for loop in loops_in(general.system().items) if loop.index == TIME}
    except SpecError:  # a layer or a loss needs the number
        return None
    return (general, int(count)) if found == {size_symbol(NAME)} else None


def rows(case: Case, seed: int) -> Iterator[Row]:
    """Yield rows for few moments, at reduced sizes: the recurrence in 50 digits, and the loop in code."""
    if (found := named(reduced(case.network))) is None:
        return
    for count in FEW:
        try:
            small = case.of(found[0].with_sizes({NAME: count}))
            plain = case.of(written_out_in_time(small.network))
            if plain.example.system.loss is None:
                continue
        except SpecError:  # other layers need more positions
            continue
        yield _recurrence(case.of(found[0]), plain, count, seed)
        yield _loop(plain, count, seed)


def _recurrence(general: Case, plain: Case, count: int, seed: int) -> Row:
    name, oracle = f"recurrence, {NAME} = {count}", f"{DIGITS} digits, unrolled equations"
    system, derived = general.own.derivation.system, general.own.derivation.backward
    given = {size_symbol(NAME): Integer(count)}
    forward, backward = unrolling.unrolled(system, {size_symbol(NAME): count}), unrolling.written_out(derived, given)
    known = plain.own.derivation
    kinds = [kind for kind in ("distribution", "numbers") if kind in target_kinds(plain.example.system)]
    points, worst, wrong = points_of(plain, seed, 2, kinds), 0.0, ""
    equations = [*forward.equations, *backward]
    shared = {each.name for each in equations} & {each.name for each in known.equations if each.steps}
    with mpmath.workdps(WORKING_DIGITS):
        for point in points:
            sizes: dict[Symbol, int] = {BATCH_SIZE: point.count}
            runs = [Evaluator(Precise(), stacked(point.of(known.system), Precise()), sizes) for _ in range(2)]
            runs[0].run(equations)
            runs[1].run([*known.system.equations, *known.equations])
            for each in sorted(shared):
                ours, theirs = (unstacked(run.values[each]) for run in runs)
                error = precise_difference(ours, theirs) if ours.shape == theirs.shape else float("inf")
                worst, wrong = max(worst, error), wrong or (each if not error <= 10.0**-DIGITS else "")
    ok = bool(points) and bool(shared) and not wrong
    note = wrong or f"{len(shared)} adjoints and gradients, reduced sizes"
    return Row(name, oracle, f"{len(points)} random", worst, 10.0**-DIGITS, ok, note)


def _loop(plain: Case, count: int, seed: int) -> Row:
    name, oracle = f"loop, {NAME} = {count}", "complex step of the network written out"
    system, derivation = plain.example.system, plain.rows.derivation
    points, worst, limit, wrong = points_of(plain, seed, 2), 0.0, FLOAT64_LIMIT, ""
    for point in points:
        try:
            grads = called(plain.module.loss_and_grads, point)[1]
            true = complex_step.gradients(system, point)
            flat = [np.concatenate([np.ravel(values[each]) for each in true]) for values in (grads, true)]
        except module_checks.GENERATED_ERRORS as error:
            return Row(name, oracle, "0", np.inf, limit, False, first_line(error))
        found = judged(flat[0], flat[1], FLOAT64_LIMIT, noise.all_bounds(derivation, system, point))
        worst, limit, wrong = max(worst, found.error), max(limit, found.limit), wrong or found.note * (not found.ok)
        if not found.ok:
            wrong = wrong or "gradients"
    note = wrong or "all gradients of the module, reduced sizes"
    return Row(name, oracle, f"{len(points)} random", worst, limit, bool(points) and not wrong, note)


__all__ = ["FEW", "MANY", "NAME", "named", "rows"]
