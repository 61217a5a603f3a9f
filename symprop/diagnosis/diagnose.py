"""Looks for the mistake in given gradients, and says what it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symprop.algebra.formula import Formula
from symprop.analysis.derivation import Derivation
from symprop.diagnosis import mistakes as mistakes  # enters its rows
from symprop.diagnosis import moves as moves  # enters its rows
from symprop.diagnosis import orders as orders  # enters its rows
from symprop.diagnosis import readings as readings  # enters its rows
from symprop.diagnosis import windows as windows  # enters its rows
from symprop.diagnosis.accounts import Account
from symprop.diagnosis.diagnosis import Diagnosis
from symprop.diagnosis.problems import Point, Problem, problem_of
from symprop.diagnosis.search import Case, Found, OutOfTime
from symprop.diagnosis.sentences import explained, is_vague, message, not_finite
from symprop.diagnosis.strategy import Search
from symprop.diagnosis.worlds import World
from symprop.errors import SpecError
from symprop.networks.network import Network
from symprop.verify.arithmetic import Array

Given = Callable[[Point], Mapping[str, Any]]

POINTS, MOST_POINTS, ATTEMPTS = 3, 10, 40
AS_LIKELY = 0.2
"""Explanations that are so much more far-fetched than the best one are told beside it."""


def diagnose(
    subject: Formula | Network | Derivation,
    given: Given,
    wrt: Sequence[str] = (),
    cotangent: str | None = "",
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    limit: float = 10.0,
    draw: Callable[[int], Point | None] | None = None,
) -> Diagnosis | None:
    """Return what is wrong with given gradients, None where they are right.

    `given` takes a point, arrays by the names of the variables, with the cotangent of the value as `cotangent` ("g"
    where that is empty; None: it is 1), and returns gradients by name; those that it leaves out are not looked at. A
    network's are for a batch in rows, of a derivation in its layout; its loss has a cotangent only where that is named.
    `wrt` are the variables that gradients are given by, all of a formula and the parameters of a network where it is
    empty. `limit` is how many seconds the search may compute, `draw` gives points by number where none is to be drawn.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("sum((X @ w - y)**2) / m", X="m n", w="n", y="m")
    >>> found = diagnose(f, lambda p: {"w": p["g"] * p["X"].T @ (p["X"] @ p["w"] - p["y"]) / len(p["y"])}, ["w"])
    >>> print(found.message)
    dw lacks the factor 2: dw = 2 * g * X.T @ v / m, where v = X @ w - y
    >>> found.gradient, found.kind
    ('dw', 'factor')

    Raises:
        FormulaError: there is no such variable.
        SpecError: a network with a symbolic count that has no number, or no point where the right gradients are finite.
    """
    deadline = time.thread_time() + limit
    problem = problem_of(subject, wrt, cotangent, sizes or {})
    accounts = problem.accounts()
    first = next(accounts)
    with np.errstate(all="ignore"):
        case = _case(problem, first, given, dict(sizes or {}), seed, deadline, draw)
        if not case.wrong:
            return None
        broken = [each for each in (not_finite(first, by, case) for by in first.order if by in case.wrong) if each]
        finite = replace(case, wrong=case.wrong - {each.variable for each in broken})
        search, note = Search((first, *accounts), finite), ""
        try:
            search.run() if finite.wrong else None
        except OutOfTime:
            note = f"; the search ended after {limit:g} s"
    told = tuple(dict.fromkeys(explained(each, finite) for each in best(search.found, finite)))
    said = [each.message for each in broken] + ([message(told, finite, first, note)] if finite.wrong else [])
    return Diagnosis("; ".join(said), tuple(sorted(case.wrong)), (*broken, *told))


def best(found: Sequence[Found], case: Case) -> list[Found]:
    """Return the likely ones of some explanations, the most likely first: one for each kind and equation."""
    ordered = sorted(found, key=lambda each: (each.cost, -each.place))
    ordered = [each for each in ordered if not is_vague(each, case)] or ordered
    ordered = [each for each in ordered if each.cost <= ordered[0].cost + AS_LIKELY]
    chosen: dict[Any, Found] = {}
    for each in ordered:
        what = tuple((step.wrong.kind, step.wrong.said) for step in each.steps)
        chosen.setdefault(what, each)
    return list(chosen.values())


def _case(
    problem: Problem,
    account: Account,
    given: Given,
    sizes: Mapping[str, int],
    seed: int,
    deadline: float,
    draw: Callable[[int], Point | None] | None,
) -> Case:
    """Return points at which the right gradients are finite, and what is given there.

    Where nothing is wrong at the first ones, it is looked further: some mistakes show at few points only.
    """
    drawn: list[tuple[Point, dict[Any, int], dict[str, Array], frozenset[str]]] = []
    names = [each.name for each in problem.wanted]
    for number in range(ATTEMPTS):
        if len(drawn) >= POINTS and (any(each[3] for each in drawn) or len(drawn) >= MOST_POINTS):
            break
        here = problem.sizes(sizes, min(len(drawn), POINTS - 1))
        point = draw(number) if draw else problem.drawn(here, seed, number)
        if point is None:
            continue
        here = _measured(problem, point, here)
        world = World(account, point, here, {})
        if not all(np.all(np.isfinite(world.right(by))) for by in names):
            continue
        found = {by: np.asarray(value, dtype=float) for by, value in given(point).items() if by in names}
        wrong = frozenset(by for by in found if not world.is_right(by, found[by]))
        drawn.append((point, here, found, wrong))
    if not drawn:
        raise SpecError("no point was found where the right gradients are finite")
    drawn = sorted(drawn, key=_says_little)[:POINTS]  # changes are tried at the first, confirmed at the others
    points, lengths, answers, wrong_there = zip(*drawn, strict=True)
    return Case(points, lengths, answers, frozenset().union(*wrong_there), problem.axes, deadline)


def _says_little(
    drawn: tuple[Point, Mapping[Any, int], Mapping[str, Array], frozenset[str]],
) -> tuple[bool, int, int]:
    """Return what points are sorted by, the most telling first: something is wrong, little is 0, much is wrong."""
    _, _, found, wrong = drawn
    return not wrong, sum(not np.any(each) for each in found.values()), -len(wrong)


def _measured(problem: Problem, point: Point, sizes: Mapping[Any, int]) -> dict[Any, int]:
    """Return the sizes that the arrays of a point have, where those are symbols."""
    found = dict(sizes)
    for each in problem.variables:
        for size, length in zip(each.shape, np.shape(point[each.name]), strict=True):
            if size.is_Symbol:
                found[size] = length
    return found
