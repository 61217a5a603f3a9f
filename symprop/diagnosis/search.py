"""What is tried: every change of an equation of an account, judged by the gradients that it reaches.

Gradients that are right say which equations can be wrong: one on which no right gradient depends. A change is judged by
the nearest gradients first, at one point; what stands there is confirmed at further points.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from itertools import chain

import numpy as np
from sympy import Expr

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Scalar
from symprop.algebra.trees import variables
from symprop.diagnosis.accounts import Account
from symprop.diagnosis.axes import Axes
from symprop.diagnosis.steps import Step, changes, numberless
from symprop.diagnosis.surroundings import Surroundings
from symprop.diagnosis.table import Wrong
from symprop.diagnosis.worlds import UNTRIED, World
from symprop.errors import SympropError
from symprop.verify.arithmetic import Array

NEAREST = 2
"""A change that repairs none of so many gradients, those that it reaches first, is not looked at further."""
MOST_SPARED = 2
"""A change that leaves more gradients right that depend on it is not looked for."""
SAME = 1e-6
"""Two numbers by which gradients are off are the same but for so much."""


@dataclass(frozen=True)
class Found:
    """Changes that repair some gradients; `times` is, at each point, a number that is missing in all of them, and
    `kept` are forward names that keep their right values."""

    account: Account
    steps: tuple[Step, ...]
    repaired: frozenset[str]
    times: tuple[float, ...] = ()
    kept: frozenset[str] = frozenset()

    @property
    def cost(self) -> float:
        """How far-fetched it is: the same change in several equations is little more than in one."""
        by_kind: dict[str, float] = {}
        for each in self.steps:
            key = each.wrong.family or (each.wrong.said if each.wrong.kind != "variable" else each.wrong.kind)
            by_kind[key] = max(by_kind.get(key, 0.0), each.wrong.cost + 0.4 * (each.name in self.account.forward_names))
        more = 0.25 * (len(self.steps) > len(by_kind)) + bool(self.times)
        return sum(by_kind.values()) + self.account.strangeness + more

    @property
    def place(self) -> int:
        """Where the first changed equation stands in the account."""
        return [each.name for each in self.account.equations].index(self.steps[0].name)


class OutOfTime(Exception):
    """The search has taken as long as it may."""


@dataclass(frozen=True)
class Case:
    """What is to be explained: points, the gradients given at each, which of them are wrong, and until when."""

    points: Sequence[Mapping[str, Array]]
    sizes: Sequence[Mapping[Expr, int]]
    given: Sequence[Mapping[str, Array]]
    wrong: frozenset[str]
    axes: Axes
    deadline: float
    worlds: dict[tuple[Account, int], World] = field(default_factory=dict, repr=False)
    tried: dict[Hashable, tuple[list[Found], list[tuple[Hashable, Step]]]] = field(default_factory=dict, repr=False)
    """What was found of an equation and all that follows from it, which other accounts may have too, and its changes
    by what others are like them."""

    def world(self, account: Account, number: int) -> World:
        """Return the values of an account at one of the points, which are worked out once."""
        if (account, number) not in self.worlds:
            made = World(account, self.points[number], self.sizes[number], self.given[number])
            self.worlds[account, number] = made
        return self.worlds[account, number]

    def ask_time(self) -> None:
        """Raise `OutOfTime` where the search has taken as long as it may."""
        if time.thread_time() > self.deadline:
            raise OutOfTime


UNCHANGED = Wrong(Scalar(1), "factor", "", 0.0)
"""No change: of a gradient that is only some number times the right one."""


def singles(account: Account, case: Case, left: frozenset[str]) -> Iterator[Found]:
    """Yield the changes of one backward equation that repair gradients among `left`, at the first point.

    None is changed on which a right gradient depends.
    """
    world, around = case.world(account, 0), Surroundings(account, case.axes)
    families: dict[Hashable, list[Step]] = {}
    for equation in sorted(account.equations[account.forward :], key=lambda each: each.expression.weight):
        feeds = account.feeds[equation.name]
        if not feeds or not feeds <= left:
            continue
        followed = frozenset(account.by_name[name] for name in account.reach[equation.name])
        if (key := (equation, followed, left)) in case.tried:
            before, alike = case.tried[key]
            yield from (replace(each, account=account) for each in before)
            for said, step in alike:
                families.setdefault(said, []).append(step)
            continue
        here, alike = case.tried[key] = [], []
        reached = [by for by in account.order if by in feeds]
        unchanged, scaled = Step(equation.name, equation.expression, UNCHANGED), frozenset[str]()
        for step in chain((unchanged,), changes(account, equation, around)):
            case.ask_time()
            said = step.wrong.kind, numberless(f"{equation.name} {step.wrong.said}")
            for each in (said, *((step.wrong.family, step.wrong.said) if step.wrong.family else ())):
                alike.append((each, step))
                families.setdefault(each, []).append(step)
            found = judged(world, (step,), reached)
            if found is None or (found.times and found.repaired <= scaled):  # a number is missing with and without it
                continue
            scaled = found.repaired if step is unchanged else scaled
            here.append(found)
            yield found
    yield from _in_families(families, world, left)


def sparing(account: Account, case: Case) -> Iterator[Found]:
    """Yield the changes of one backward equation that repair all that is wrong, and spare what is right behind it.

    A bias is the sum of what its weight multiplies: elements at wrong places, masked or swapped, may leave it right.
    """
    world, around = case.world(account, 0), Surroundings(account, case.axes)
    reached = [by for by in account.order if by in case.wrong]
    for equation in account.equations[account.forward :]:
        feeds = account.feeds[equation.name]
        if not case.wrong < feeds or len(feeds - case.wrong) > MOST_SPARED:
            continue
        for step in changes(account, equation, around):
            case.ask_time()
            found = judged(world, (step,), reached, sorted(feeds - case.wrong))
            if found is not None and found.repaired == case.wrong and not found.times:
                yield found


def misread(account: Account, case: Case) -> Iterator[Found]:
    """Yield the changes of one forward equation, as the way back reads it, that repair all that is wrong.

    What the forward pass makes of it may be worked out anew from it, or be kept: its neighbours, or all.
    """
    world, around = case.world(account, 0), Surroundings(account, case.axes)
    families: dict[str, list[Step]] = {}
    for equation in account.equations[: account.forward]:
        feeds = account.feeds[equation.name]
        kept = _kept(account, equation)
        if not case.wrong <= feeds:
            continue
        reached = [by for by in account.order if by in case.wrong]
        for step in changes(account, equation, around, alone=True):
            if step.wrong.family:
                families.setdefault(step.wrong.family, []).append(step)
            for each in kept:
                case.ask_time()
                found = judged(world, (step,), reached, sorted(feeds - case.wrong), each)
                if found is not None and found.repaired == case.wrong:
                    yield found
                    break
    yield from _throughout(families, account, case)


def _kept(account: Account, equation: Equation) -> tuple[frozenset[str], ...]:
    """Return what may be kept of the forward pass behind a misread equation: nothing, all but its neighbours, all."""
    names = account.forward_names & account.reach[equation.name] - {equation.name}
    near = {name for name in names if equation.target in variables(account.by_name[name].expression)}
    return tuple(dict.fromkeys((frozenset[str](), frozenset(names - near), frozenset(names))))


def _throughout(families: Mapping[str, list[Step]], account: Account, case: Case) -> Iterator[Found]:
    """Yield the mistakes of a family in forward equations, as the way back reads them, and in all backward ones."""
    world, around = case.world(account, 0), Surroundings(account, case.axes)
    reached = [by for by in account.order if by in case.wrong]
    for family, steps in families.items():
        backward = account.equations[account.forward :]
        behind = [step for each in backward for step in changes(account, each, around) if step.wrong.family == family]
        alone = [(step, *(each for each in behind if _beside(step, each, account))) for step in steps]
        for chosen in (*alone, *((step, *behind) for step in steps), (*steps, *behind)):
            by_name = {each.name: each for each in reversed(chosen)}
            for kept in _kept(account, account.by_name[chosen[0].name]):
                case.ask_time()
                found = judged(world, tuple(by_name.values()), reached, (), kept - by_name.keys())
                if found is not None and found.repaired == case.wrong:
                    yield found


def _beside(one: Step, other: Step, account: Account) -> bool:
    """Whether two steps make the same change, in equations that read the same variable."""
    read, also = (set(variables(account.by_name[each.name].expression)) for each in (one, other))
    return one.wrong.said == other.wrong.said and not read.isdisjoint(also)


def _in_families(families: Mapping[Hashable, list[Step]], world: World, left: frozenset[str]) -> Iterator[Found]:
    """Yield the same change in all equations of a family, such as those of the layers of one kind."""
    account = world.account
    for steps in families.values():
        by_name = {each.name: each for each in reversed(steps)}
        if len(by_name) > 1:
            feeds = frozenset[str]().union(*(account.feeds[name] for name in by_name))
            reached = [by for by in account.order if by in feeds & left]
            found = judged(world, tuple(by_name.values()), reached)
            if found is not None:
                yield found


def judged(
    world: World,
    steps: tuple[Step, ...],
    reached: Sequence[str],
    right: Sequence[str] = (),
    kept: frozenset[str] = frozenset(),
) -> Found | None:
    """Return changes with the gradients that they repair; None where they repair none, or spoil one that is right."""
    changed = world.with_changes({each.name: each.expression for each in steps}, kept)
    repaired: list[str] = []
    times = 0.0
    try:
        for number, by in enumerate(reached):
            factor = world.missing(by, changed.gradient(by))
            if factor is not None and agree(factor, times):
                times = times or factor
                repaired.append(by)
            elif not repaired and number + 1 >= NEAREST:
                return None
        if not repaired or not all(world.is_right(by, changed.gradient(by)) for by in right):
            return None
    except (*UNTRIED, SympropError):
        return None
    exact = not times or agree(times, 1.0)
    return Found(world.account, steps, frozenset(repaired), () if exact else (times,), kept)


def agree(one: float, other: float) -> bool:
    """Whether two missing numbers are the same; with 0, the one of what is 0, all are."""
    return not one or not other or abs(one - other) <= SAME * abs(other)


def confirmed(found: Found, case: Case) -> Found | None:
    """Return changes that repair the same gradients at the other points too, with the number missing at each.

    A point may be too small for a change, such as one window that has no next one; not all other points may.
    """
    changes = {each.name: each.expression for each in found.steps}
    times, small = list(found.times), 0
    silent = {each.name for each in found.steps if each.expression.constant != 0}
    for number in range(len(case.points)):
        world = case.world(found.account, number)
        changed = world.with_changes(changes, found.kept)
        here = 0.0 if found.times else 1.0
        try:
            silent -= {name for name in silent if np.any(changed.named(name))}
            if number == 0:
                continue
            for by in sorted(found.repaired):
                factor = world.missing(by, changed.gradient(by))
                if factor is None or not agree(factor, here):
                    return None
                here = here or factor
        except (*UNTRIED, SympropError):
            small += 1
            if found.times or small == max(1, len(case.points) - 1):
                return None
        times += [here or 1.0] if found.times else []
    # what becomes 0 everywhere by a change that does not say so is told better by the one that does
    return None if silent else replace(found, times=tuple(times))


def changed_account(account: Account, steps: Sequence[Step]) -> Account:
    """Return an account in which some equations say something else."""
    new = {each.name: each.expression for each in steps}
    changed = [replace(each, expression=new.get(each.name, each.expression), steps=()) for each in account.equations]
    forward, backward = changed[: account.forward], changed[account.forward :]
    by_name = {each.name: each for each in backward}
    graph = {each.name: [read.name for read in variables(each.expression) if read.name in by_name] for each in backward}
    ordered = [by_name[name] for name in TopologicalSorter(graph).static_order()]
    return replace(account, equations=(*forward, *ordered))
