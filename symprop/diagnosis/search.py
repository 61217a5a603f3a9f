"""What is tried: every change of an equation of an account, judged by the gradients that it reaches.

Gradients that are right say which equations can be wrong: one on which no right gradient depends. A change is judged by
the nearest gradients first, at one point; what stands there is confirmed at further points.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

from sympy import Expr

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node, Scalar
from symprop.algebra.trees import variables
from symprop.diagnosis.accounts import Account
from symprop.diagnosis.surroundings import Surroundings
from symprop.diagnosis.table import Wrong, wrong
from symprop.diagnosis.worlds import UNTRIED, World, close, ratio
from symprop.errors import SympropError
from symprop.verify.arithmetic import Array

NEAREST = 2
"""A change that repairs none of so many gradients, those that it reaches first, is not looked at further."""
SAME = 1e-6
"""Two numbers by which gradients are off are the same but for so much."""


@dataclass(frozen=True)
class Step:
    """One changed equation: its name, what it says then, and what is said of the change."""

    name: str
    expression: Node
    wrong: Wrong


@dataclass(frozen=True)
class Found:
    """Changes that repair some gradients; `times` is, at each point, a number that is missing in all of them."""

    account: Account
    steps: tuple[Step, ...]
    repaired: frozenset[str]
    times: tuple[float, ...] = ()

    @property
    def cost(self) -> float:
        """How far-fetched it is: the same change in several equations is little more than in one."""
        by_kind: dict[str, float] = {}
        for each in self.steps:
            key = each.wrong.said if each.wrong.kind != "variable" else each.wrong.kind
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
    batch: Expr | None
    tolerance: float
    deadline: float

    def world(self, account: Account, number: int) -> World:
        """Return the values of an account at one of the points."""
        return World(account, self.points[number], self.sizes[number], self.given[number])

    def ask_time(self) -> None:
        """Raise `OutOfTime` where the search has taken as long as it may."""
        if time.perf_counter() > self.deadline:
            raise OutOfTime


Path = tuple[int, ...]


def places(node: Node, path: Path = (), above: Node | None = None) -> Iterator[tuple[Path, Node, Node | None]]:
    """Yield the nodes of a formula with where they stand, and the node above each."""
    yield path, node, above
    for number, operand in enumerate(node.operands):
        yield from places(operand, (*path, number), node)


def put(node: Node, path: Path, new: Node) -> Node:
    """Return `node` with another one at a place.

    Raises:
        ShapeError: a node above no longer fits.
    """
    if not path:
        return new
    operands = list(node.operands)
    operands[path[0]] = put(operands[path[0]], path[1:], new)
    return node.with_operands(operands)


def changes(account: Account, equation: Equation, around: Surroundings) -> Iterator[Step]:
    """Yield all changes of one equation; one that is read by others keeps its shape."""
    held = {each.name for each in account.gradients.values()}
    is_last = equation.name in held and len(account.reach[equation.name]) == 1
    seen = {equation.expression}
    for path, node, above in places(equation.expression):
        for each in wrong(node, around.place(equation, above)):
            try:
                made = put(equation.expression, path, each.node)
            except SympropError:
                continue
            if made not in seen and (made.shape == equation.target.shape or is_last):
                seen.add(made)
                yield Step(equation.name, made, each)


UNCHANGED = Wrong(Scalar(1), "factor", "", 0.0)
"""No change: of a gradient that is only some number times the right one."""


def singles(account: Account, case: Case, left: frozenset[str], forward: bool = False) -> Iterator[Found]:
    """Yield the changes of one equation that repair gradients among `left`, at the first point.

    Without `forward` only backward equations are changed, and none on which a right gradient depends.
    """
    world, around = case.world(account, 0), Surroundings(account, case.batch)
    chosen = account.equations[: account.forward] if forward else account.equations[account.forward :]
    for equation in chosen:
        feeds = account.feeds[equation.name]
        if not feeds & left or (not forward and not feeds <= left):
            continue
        reached = [by for by in account.order if by in feeds & left]
        kept = sorted(feeds - left)
        steps = changes(account, equation, around)
        for step in (*(() if forward else (Step(equation.name, equation.expression, UNCHANGED),)), *steps):
            case.ask_time()
            found = judged(world, (step,), reached, kept, case)
            if found is not None:
                yield found


def judged(
    world: World, steps: tuple[Step, ...], reached: Sequence[str], kept: Sequence[str], case: Case
) -> Found | None:
    """Return changes with the gradients that they repair; None where they repair none, or spoil one that is right."""
    changed = world.with_changes({each.name: each.expression for each in steps})
    repaired: list[str] = []
    times: float | None = None
    try:
        for number, by in enumerate(reached):
            value, given = changed.gradient(by), world.given[by]
            factor = ratio(value, given, case.tolerance)
            if factor is not None and (times is None or abs(factor - times) <= SAME * abs(times)):
                times = factor
                repaired.append(by)
            elif not value.any() and close(value, given, case.tolerance):
                repaired.append(by)
            elif not repaired and number + 1 >= NEAREST:
                return None
        if not repaired or any(not close(changed.gradient(by), world.right(by), case.tolerance) for by in kept):
            return None
    except (*UNTRIED, SympropError):
        return None
    exact = times is None or abs(times - 1) <= SAME
    return Found(world.account, steps, frozenset(repaired), () if exact or times is None else (times,))


def confirmed(found: Found, case: Case) -> Found | None:
    """Return changes that repair the same gradients at the other points too, with the number missing at each."""
    changes = {each.name: each.expression for each in found.steps}
    times = list(found.times)
    for number in range(1, len(case.points)):
        changed = case.world(found.account, number).with_changes(changes)
        try:
            here = [
                ratio(changed.gradient(by), case.given[number][by], case.tolerance) for by in sorted(found.repaired)
            ]
            zero = [
                not changed.gradient(by).any() and not case.given[number][by].any() for by in sorted(found.repaired)
            ]
        except (*UNTRIED, SympropError):
            return None
        factors = [factor for factor, none in zip(here, zero, strict=True) if not none]
        if any(factor is None for factor in factors):
            return None
        known = [factor for factor in factors if factor is not None]
        wanted = known[0] if found.times and known else 1.0
        if any(abs(factor - wanted) > SAME * abs(wanted) for factor in known):
            return None
        if found.times:
            times.append(wanted)
    return replace(found, times=tuple(times))


def changed_account(account: Account, steps: Sequence[Step]) -> Account:
    """Return an account in which some equations say something else."""
    new = {each.name: each.expression for each in steps}
    changed = [replace(each, expression=new.get(each.name, each.expression), steps=()) for each in account.equations]
    forward, backward = changed[: account.forward], changed[account.forward :]
    by_name = {each.name: each for each in backward}
    graph = {each.name: [read.name for read in variables(each.expression) if read.name in by_name] for each in backward}
    ordered = [by_name[name] for name in TopologicalSorter(graph).static_order()]
    return replace(account, equations=(*forward, *ordered))
