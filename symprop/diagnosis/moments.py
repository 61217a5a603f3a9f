"""Mistakes in a loop over time: the same change at every moment, tried once for all of them.

A way back is written for a general moment, and so is a mistake in it. Of equations that are one another's at another
moment one is changed, and its changes are moved to the others.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from symprop.algebra.equations import Equation
from symprop.algebra.indices import RowIndex
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace as exchanged
from symprop.algebra.trees import variables
from symprop.diagnosis.accounts import Account
from symprop.diagnosis.steps import MOMENT, Step, changes, numberless
from symprop.diagnosis.surroundings import Surroundings

Moved = tuple[Equation, int]


def throughout_time(account: Account, equations: Sequence[Equation], around: Surroundings) -> list[tuple[Step, ...]]:
    """Return changes of equations at all moments of time at once, likely ones first; none where there is no time."""
    timed = [each for each in equations if any(isinstance(part, RowIndex) for part in each.target.index)]
    known = frozenset(around.variables)
    families: dict[Hashable, dict[str, list[tuple[Step, Sequence[Moved]]]]] = {}
    for first, others in alike(timed, known):
        for step in sorted(changes(account, first, around, alone=True), key=lambda step: step.wrong.cost):
            said = step.wrong.kind, numberless(f"{first.name} {step.wrong.said}")
            families.setdefault(said, {}).setdefault(first.name, []).append((step, others))
    found = [family for by_name in families.values() for family in _one_of_each(tuple(by_name.values()))]
    found.sort(key=lambda family: min(step.wrong.cost for step, _ in family))
    return [tuple(_steps(family, known)) for family in found]


def _one_of_each(choices: Sequence[Sequence[tuple[Step, Sequence[Moved]]]]) -> Iterator[list[Any]]:
    """Yield families with one step of each equation, where the same is said of several places in it."""
    if sum(1 + len(others) for _, others in (each[0] for each in choices)) > 1:
        for number in range(max(map(len, choices))):
            yield [each[min(number, len(each) - 1)] for each in choices]


def _steps(family: Sequence[tuple[Step, Sequence[Moved]]], known: frozenset[Variable]) -> Iterator[Step]:
    for step, others in family:
        yield step
        for equation, by in others:
            moved = at_moment(step.expression, by, known)
            if moved is not None:
                said = _said_later(step.wrong.said, by)
                yield replace(step, name=equation.name, expression=moved, wrong=step.wrong._replace(said=said))


def _said_later(said: str, by: int) -> str:
    def later(found: re.Match[str]) -> str:
        return str(int(found[0]) + by)

    return re.sub(MOMENT, later, said)


def alike(equations: Sequence[Equation], known: frozenset[Variable]) -> list[tuple[Equation, list[Moved]]]:
    """Return equations, each with the others that are the same at another moment, and how far away that is."""
    found: list[tuple[Equation, list[Moved]]] = []
    for each in equations:
        for first, others in found:
            by = _moment(each.target) - _moment(first.target)
            pairs = ((first.target, each.target), (first.expression, each.expression))
            if all(at_moment(one, by, known) == other for one, other in pairs):
                others.append((each, by))
                break
        else:
            found.append((each, []))
    return found


def _moment(variable: Variable) -> int:
    return next(int(part.value) for part in variable.index if isinstance(part, RowIndex))


def at_moment(node: Node, by: int, known: frozenset[Variable]) -> Node | None:
    """Return a formula with all that it reads so many moments later; None where there is no such moment."""
    moved: dict[Node, Node] = {}
    for each in variables(node):
        index = [RowIndex(part.value + by) if isinstance(part, RowIndex) else part for part in each.index]
        moved[each] = each.change(index=tuple(index))
    return exchanged(node, moved) if known.issuperset(moved.values()) else None
