"""What is tried: every change of an equation of an account, judged by the gradients that it reaches.

Gradients that are right say which equations can be wrong: one on which no right gradient depends. A change is judged by
the nearest gradients first, at one point; what stands there is confirmed at further points.
"""

from __future__ import annotations

import re
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from itertools import chain

import numpy as np
from sympy import Expr

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Add, Node, Scalar
from symprop.algebra.trees import added, factors_of, multiplied, variables
from symprop.diagnosis.accounts import Account
from symprop.diagnosis.surroundings import Surroundings
from symprop.diagnosis.table import Wrong, fitting, wrong
from symprop.diagnosis.worlds import UNTRIED, World
from symprop.errors import SympropError
from symprop.verify.arithmetic import Array

Path = tuple[int, ...]
NEAREST = 2
"""A change that repairs none of so many gradients, those that it reaches first, is not looked at further."""
MOST_PLACES = 6
"""In so many places of an equation at most the same change is made."""
WRITTEN_OUT = 0.3
"""How much more far-fetched a change is where a factor was first taken into a sum."""
SAME = 1e-6
"""Two numbers by which gradients are off are the same but for so much."""


@dataclass(frozen=True)
class Step:
    """One changed equation: its name, what it says then, and what is said of the change."""

    name: str
    expression: Node
    wrong: Wrong
    form: Node | None = None
    path: Path = ()


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
    deadline: float
    worlds: dict[tuple[Account, int], World] = field(default_factory=dict, repr=False)

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


def places(node: Node, path: Path = (), above: Node | None = None) -> Iterator[tuple[Path, Node, Node | None]]:
    """Yield the nodes of a formula with where they stand, and the node above each."""
    yield path, node, above
    for number, operand in enumerate(node.operands):
        yield from places(operand, (*path, number), node)


def at(node: Node, path: Path) -> Node:
    """Return the node at a place."""
    for number in path:
        node = node.operands[number]
    return node


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


def changes(account: Account, equation: Equation, around: Surroundings, alone: bool = False) -> Iterator[Step]:
    """Yield all changes of one equation, then those that make the same change at several places, unless `alone`.

    An equation that is read by others keeps its shape.
    """
    held = {each.name for each in account.gradients.values()}
    is_last = equation.name in held and len(account.reach[equation.name]) == 1
    seen = {equation.expression}
    for number, form in enumerate(forms(equation.expression)):
        alike: dict[Hashable, list[tuple[Path, Wrong]]] = {}
        for path, node, above in places(form):
            for each in wrong(node, around.place(equation, above)):
                made = fitting(put, form, path, each.node)
                if made is not None and made not in seen and (made.shape == equation.target.shape or is_last):
                    seen.add(made)
                    each = each._replace(cost=each.cost + WRITTEN_OUT * (number > 0))
                    yield Step(equation.name, made, each, form, path)
                    alike.setdefault((each.kind, numberless(each.said)), []).append((path, each))
        for found in () if alone else alike.values():
            together = at_once(form, found, equation, around)
            if together is not None and together not in seen and together.shape == equation.target.shape:
                seen.add(together)
                yield Step(equation.name, together, found[0][1]._replace(cost=found[0][1].cost + 0.2))


def numberless(text: str) -> tuple[str, tuple[int, ...]]:
    """Return a text without its numbers, and how these differ: so one step of time is said to be like another.

    >>> numberless("reads a3 in place of a2") == numberless("reads a2 in place of a1")
    True
    """
    numbers = [int(each) for each in re.findall(r"\d+", text)]
    return re.sub(r"\d+", "#", text), tuple(other - numbers[0] for other in numbers[1:])


def at_once(node: Node, changes: Sequence[tuple[Path, Wrong]], equation: Equation, around: Surroundings) -> Node | None:
    """Return a formula with changes at several places, the deepest first; None where there is only one place."""
    by_path = dict(reversed(changes))
    if not 1 < len(by_path) == len(changes) <= MOST_PLACES:
        return None
    made: Node | None = node
    for path, each in sorted(by_path.items(), key=lambda pair: -len(pair[0])):
        here, above = at(node, path), at(node, path[:-1]) if path else None
        if any(len(other) > len(path) and other[: len(path)] == path for other in by_path):  # it has changed below
            said = each.kind, numberless(each.said)
            again = (more for more in wrong(here, around.place(equation, above)))
            each = next((more for more in again if (more.kind, numberless(more.said)) == said), each)
        made = fitting(put, node, path, each.node)
        if made is None:
            return None
        node = made
    return node


def forms(node: Node) -> Iterator[Node]:
    """Yield a formula as it stands, and with a factor taken into a sum."""
    yield node
    factors = factors_of(node)
    inside = next((each for each in factors if isinstance(each, Add)), None)
    if inside is not None and len(factors) > 1:
        rest = list(factors)
        rest.remove(inside)
        yield added([multiplied([*rest, each]) for each in inside.operands])


UNCHANGED = Wrong(Scalar(1), "factor", "", 0.0)
"""No change: of a gradient that is only some number times the right one."""


def singles(account: Account, case: Case, left: frozenset[str]) -> Iterator[Found]:
    """Yield the changes of one backward equation that repair gradients among `left`, at the first point.

    None is changed on which a right gradient depends.
    """
    world, around = case.world(account, 0), Surroundings(account, case.batch)
    families: dict[Hashable, list[Step]] = {}
    for equation in sorted(account.equations[account.forward :], key=lambda each: each.expression.weight):
        feeds = account.feeds[equation.name]
        if not feeds or not feeds <= left:
            continue
        reached = [by for by in account.order if by in feeds]
        unchanged = Step(equation.name, equation.expression, UNCHANGED)
        for step in chain((unchanged,), changes(account, equation, around)):
            case.ask_time()
            said = step.wrong.kind, numberless(f"{equation.name} {step.wrong.said}")
            families.setdefault(said, []).append(step)
            found = judged(world, (step,), reached)
            if found is not None:
                yield found
    yield from _in_families(families, world, left)


def misread(account: Account, case: Case) -> Iterator[Found]:
    """Yield the changes of one forward equation, as the way back reads it, that repair all that is wrong.

    What the forward pass makes of it may be worked out anew from it, or be kept: its neighbours, or all.
    """
    world, around = case.world(account, 0), Surroundings(account, case.batch)
    order = [each.name for each in account.equations[: account.forward]]
    for equation in account.equations[: account.forward]:
        feeds = account.feeds[equation.name]
        behind = [name for name in order if name in account.reach[equation.name] and name != equation.name]
        near = [name for name in behind if equation.target in variables(account.by_name[name].expression)]
        kept = (frozenset[str](), frozenset(behind) - frozenset(near), frozenset(behind))
        if not case.wrong <= feeds:
            continue
        reached = [by for by in account.order if by in case.wrong]
        for step in changes(account, equation, around, alone=True):
            for each in dict.fromkeys(kept):
                case.ask_time()
                found = judged(world, (step,), reached, sorted(feeds - case.wrong), each)
                if found is not None and found.repaired == case.wrong:
                    yield found
                    break


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
        for step in steps:  # what becomes 0 by a change that does not say so is told better by the one that does
            if step.expression.constant != 0 and not np.any(changed.named(step.name)):
                return None
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
    """Return changes that repair the same gradients at the other points too, with the number missing at each."""
    changes = {each.name: each.expression for each in found.steps}
    times = list(found.times)
    for number in range(1, len(case.points)):
        world = case.world(found.account, number)
        changed = world.with_changes(changes, found.kept)
        here = 0.0 if found.times else 1.0
        try:
            for by in sorted(found.repaired):
                factor = world.missing(by, changed.gradient(by))
                if factor is None or not agree(factor, here):
                    return None
                here = here or factor
        except (*UNTRIED, SympropError):
            return None
        times += [here or 1.0] if found.times else []
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
