"""The equations of two aligned networks in pairs, and what became of each: same, renamed, changed, added or removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from symprop.algebra.equations import Equation, Item, Loop
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation
from symprop.calculus.jacobians import chained
from symprop.calculus.rules import context
from symprop.differences.jacobians import Unit, units
from symprop.differences.marks import Partial
from symprop.differences.names import Names
from symprop.differences.trees import Comparing
from symprop.notation import stacks

SAME, RENAMED, REREAD = "same", "renamed", "reread"
CHANGED, ADDED, REMOVED = "changed", "added", "removed"
"""What becomes of an equation: nothing; another name or number; nothing to see, but a name in it is of another layer
now; another formula; or only one network has it."""

FORWARD, LOSS, BACKWARD, GRADIENTS, JACOBIANS = "Forward pass", "Loss", "Backward pass", "Gradients", "Jacobians"
PARTS = (FORWARD, LOSS, BACKWARD, GRADIENTS, JACOBIANS)

Derivations = tuple[Derivation, Derivation]


@dataclass(frozen=True)
class Side:
    """An equation of one network: its two sides, the right one with marks too, and its number on the network's page.

    `loops` are those in whose blocks it holds, in the last one too of each that is not `unless_last`.
    """

    left: Node
    right: Node
    marked: Node
    number: int | None = None
    loops: tuple[Loop, ...] = ()
    unless_last: Loop | None = None

    @property
    def printed(self) -> tuple[Node, Node]:
        """Both sides, with the marks, as pages of mathematics print them."""
        if isinstance(self.left, Variable):
            return stacks.sides(Equation(self.left, self.marked))
        return self.left, self.marked


@dataclass(frozen=True)
class Change:
    """An equation of A, the one of B in its place, and what became of it; None where a network has none.

    `others` are the names that an equation which reads as before has from other layers now; `places` are the left
    sides of the other network's equations in which an adjoint that only one network has by name is written out.
    """

    part: str
    kind: str
    before: Side | None
    after: Side | None
    others: tuple[Variable, ...] = ()
    places: tuple[Node, ...] = ()

    @property
    def signed(self) -> tuple[tuple[str, Side], ...]:
        """Each network's equation behind its sign on a page: `-` for A, `+` for B."""
        return tuple((sign, side) for sign, side in (("-", self.before), ("+", self.after)) if side is not None)


def changes(comparing: Comparing, names: Names, sides: Derivations) -> Iterator[Change]:
    """Yield every equation of both networks once, in the order of a page, then the Jacobians of changed blocks."""
    forward = list(_forward(comparing, names, sides))
    backward = list(_backward(comparing, sides))
    for part in PARTS:
        yield from (change for change in (*forward, *backward) if change.part == part)
    yield from _jacobians(comparing, names, sides)


def _change(comparing: Comparing, part: str, before: Side | None, after: Side | None) -> Change:
    """Say what became of an equation, and mark what differs."""
    if before is None or after is None:
        return Change(part, ADDED if before is None else REMOVED, before, after)
    edit = comparing.edit(before.right, after.right)
    if edit.cost == 0:
        return Change(part, SAME if _names(before) == _names(after) else RENAMED, before, after)
    if _names(before) == _names(after) and before.right.pretty() == after.right.pretty():
        others = [
            each
            for each in variables(after.right)
            if comparing.classes.of(0, each.name) != comparing.classes.of(1, each.name)
        ]
        return Change(part, REREAD if others else SAME, before, after, tuple(others))  # or of other shapes alone
    return Change(part, CHANGED, replace(before, marked=edit.before), replace(after, marked=edit.after))


def _names(side: Side) -> list[str]:
    return [variable.name for node in (side.left, side.right) for variable in variables(node)]


def _sides(derivation: Derivation, items: Iterable[Item]) -> dict[str, Side]:
    """The equations by name in printed order, those for the end of a loop before those of its blocks."""
    found: dict[str, Side] = {}

    def enter(entered: Iterable[Item], loops: tuple[Loop, ...]) -> None:
        for item in entered:
            if isinstance(item, Loop):
                enter(item.base, loops)
                enter(item.items, (*loops, item))
                continue
            ends = (loop for loop in loops if loop.at(item.target, loop.count) in {end.target for end in loop.base})
            right, number = item.expression, derivation.numbers[item.name]
            found[item.name] = Side(item.target, right, right, number, loops, next(ends, None))

    enter(items, ())
    return found


def _forward(comparing: Comparing, names: Names, sides: Derivations) -> Iterator[Change]:
    """The forward equations and those of the loss, in the layout of the derivations, where they have the same names."""
    first, second = (_sides(side, side.system.items) for side in sides)
    ends = [variable for side in sides for variable in (side.system.loss, side.system.prediction)]
    at_loss = {variable.name for variable in ends if variable is not None}
    for a, b in names.equations:
        before, after = None if a is None else first[a.name], None if b is None else second[b.name]
        name = a.name if a is not None else b.name if b is not None else ""
        yield _change(comparing, LOSS if name in at_loss else FORWARD, before, after)


Group = tuple[list[Side], list[Side]]


def _groups(comparing: Comparing, passes: tuple[dict[str, Side], dict[str, Side]]) -> list[Group]:
    """The backward equations of both networks by what they are the derivative by."""
    groups: dict[tuple[int, str], Group] = {}
    for side, equations in enumerate(passes):
        for name, equation in equations.items():
            groups.setdefault(comparing.classes.of(side, name), ([], []))[side].append(equation)
    return list(groups.values())


def _backward(comparing: Comparing, sides: Derivations) -> Iterator[Change]:
    """Pair the equations of both backward passes, the most alike first, and compare them.

    An adjoint that only one network has by name may be written in place by the other: `comparing` is told of these.
    """
    first, second = (_sides(side, side.backward) for side in sides)
    groups = _groups(comparing, (first, second))
    comparing.name(
        {side.left.text(): side.right for ours, theirs in groups if not theirs for side in ours},
        {side.left.text(): side.right for ours, theirs in groups if not ours for side in theirs},
    )
    partner: dict[str, str] = {}
    for ours, theirs in groups:
        costs = [[comparing.edit(a.right, b.right).cost for b in theirs] for a in ours]
        partner.update((ours[i].left.text(), theirs[j].left.text()) for i, j in _cheapest(costs))
    found: list[Change] = []
    for a, b in _merged(list(first), list(second), partner):
        before, after = None if a is None else first[a], None if b is None else second[b]
        one, derivation = (before, sides[0]) if before is not None else (after, sides[1])
        wanted = one is not None and isinstance(one.left, Variable) and derivation.is_wanted(one.left)
        found.append(_change(comparing, GRADIENTS if wanted else BACKWARD, before, after))
    readers = _readers(comparing, found)
    for change in found:
        side, name = (0, change.before) if change.kind == REMOVED else (1, change.after)
        yield replace(change, places=tuple(readers.get((side, name.left.text()), ()))) if name is not None else change


def _readers(comparing: Comparing, found: Iterable[Change]) -> dict[tuple[int, str], list[Node]]:
    """Where the other network writes out an adjoint that only one has by name, by the side and the adjoint's name.

    An equation that stays and reads a name that the other network lacks has the formula in that place there.
    """
    readers: dict[tuple[int, str], list[Node]] = {}
    for change in found:
        if change.kind in (SAME, RENAMED) and change.before is not None and change.after is not None:
            for side, own, other in ((0, change.before, change.after), (1, change.after, change.before)):
                for variable in variables(own.right):
                    if variable.name in comparing.named[side]:
                        readers.setdefault((side, variable.name), []).append(other.left)
    return readers


def _cheapest(costs: Sequence[Sequence[float]]) -> Iterator[tuple[int, int]]:
    """Pair rows and columns, each once, the cheapest pair first."""
    rows: dict[int, int] = {}
    tried = sorted((cost, i, j) for i, row in enumerate(costs) for j, cost in enumerate(row))
    for _, i, j in tried:
        if i not in rows and j not in rows.values():
            rows[i] = j
            yield i, j


def _merged(
    first: Sequence[str], second: Sequence[str], partner: dict[str, str]
) -> list[tuple[str | None, str | None]]:
    """Both lists of names as one: a name of B alone stands before the pair that it stands before in B."""
    place = {name: position for position, name in enumerate(second)}
    paired = set(partner.values())
    found: list[tuple[str | None, str | None]] = []
    done = 0
    for a in first:
        b = partner.get(a)
        if b is not None:
            found += [(None, other) for other in second[done : place[b]] if other not in paired]
            done = max(done, place[b])
        found.append((a, b))
    return found + [(None, other) for other in second[done:] if other not in paired]


def _jacobians(comparing: Comparing, names: Names, sides: Derivations) -> Iterator[Change]:
    """Compare the Jacobians of the blocks in which some equation changes; they are of one example in every layout."""
    systems = [side.network.system() for side in sides]
    if any(system.joins_examples for system in systems):  # one example has no Jacobians
        return
    contexts = [context(system) for system in systems]
    kept = {
        a.name: b.name
        for a, b in names.equations
        if a is not None and b is not None and comparing.equal(a.expression, b.expression)
    }
    first, second = units(systems[0]), units(systems[1])
    ends: dict[tuple[int, str], list[Unit]] = {}
    for unit in second:
        ends.setdefault(comparing.classes.of(1, unit.end.name), []).append(unit)
    found: list[tuple[Unit | None, Unit | None]] = []
    taken: set[int] = set()
    written: dict[tuple[int, int], Node] = {}

    def jacobian(side: int, unit: Unit) -> Node:
        if (side, unit.place) not in written:
            written[side, unit.place] = chained(unit.equations, unit.end, unit.start, contexts[side])
        return written[side, unit.place]

    for a in first:
        candidates = [b for b in ends.get(comparing.classes.of(0, a.end.name), []) if b.place not in taken]
        same = next((b for b in candidates if _is_kept(a, b, kept)), None)
        if same is None and candidates:
            costs = [comparing.edit(jacobian(0, a), jacobian(1, b)).cost for b in candidates]
            same = candidates[costs.index(min(costs))]
            found.append((a, same))
        elif same is None:
            found.append((a, None))
        taken.update([] if same is None else [same.place])
    for pair in _in_place(found, [unit for unit in second if unit.place not in taken]):
        before, after = (
            None if unit is None else Side(Partial(unit.end, unit.start), *[jacobian(side, unit)] * 2)
            for side, unit in enumerate(pair)
        )
        yield _change(comparing, JACOBIANS, before, after)


def _is_kept(a: Unit, b: Unit, kept: dict[str, str]) -> bool:
    """Whether two blocks have the same equations, one for one."""
    return [kept.get(equation.name) for equation in a.equations] == [equation.name for equation in b.equations]


def _in_place(
    found: Sequence[tuple[Unit | None, Unit | None]], alone: Sequence[Unit]
) -> list[tuple[Unit | None, Unit | None]]:
    """Put the blocks of B alone between the pairs, in the order of B."""
    result: list[tuple[Unit | None, Unit | None]] = []
    waiting = list(alone)
    for a, b in found:
        while b is not None and waiting and waiting[0].place < b.place:
            result.append((None, waiting.pop(0)))
        result.append((a, b))
    return result + [(None, unit) for unit in waiting]
