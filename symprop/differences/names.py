"""Which names of two aligned networks stand for the same thing: variables, parameters, and their adjoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import zip_longest

from sympy import Integer

from symprop.algebra.equations import Equation, Item, Loop, System, equations_in
from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Variable
from symprop.algebra.trees import variables
from symprop.calculus.adjoint_rows import row_names
from symprop.differences.layers import Pair, Row, Station, aligned, inside, moved
from symprop.differences.trees import Classes

Loops = tuple[tuple[Loop, Loop], ...]
"""The loops around in both networks, from the outermost inwards."""


@dataclass(frozen=True)
class Names:
    """What an alignment of layers says: classes of names, and pairs of forward equations and of variables."""

    classes: Classes = field(default_factory=Classes)
    equations: list[tuple[Equation | None, Equation | None]] = field(default_factory=list)
    variables: list[tuple[Variable, Variable]] = field(default_factory=list)


def matched(pairs: Sequence[Pair], systems: tuple[System, System]) -> Names:
    """Return what follows from two rows of stations, one beside the other.

    The equations of a pair stand for each other, and so do the parameters and masks that they are the first to read.
    What a station of one network alone puts out takes the place of what was put out before it: the layers behind read
    the one in place of the other, so both have one class.
    """
    matching = _Matching(systems)
    first, second = systems
    further = [(ours, theirs) for ours in first.inputs[1:] for theirs in second.inputs[1:] if ours.name == theirs.name]
    given = [(first.inputs[0], second.inputs[0]), *further, *zip(first.targets, second.targets, strict=False)]
    for ours, theirs in given:
        matching.join(ours, theirs)
        matching.names.variables.append((ours, theirs))
    matching.row(pairs, (first.inputs[0], second.inputs[0]), ())
    return matching.names


class _Matching:
    """The state of one walk along two aligned networks."""

    def __init__(self, systems: tuple[System, System]) -> None:
        self.names = Names()
        read_once = ((*each.parameters, *(mask.variable for mask in each.masks)) for each in systems)
        self.unread = tuple(map(set, read_once))  # asked of, never walked
        self.rows = tuple(map(row_names, systems))

    def row(self, pairs: Sequence[Pair], start: tuple[Variable, Variable], loops: Loops) -> None:
        """Walk along stations; `start` is what the first of each network reads, `loops` where they stand in blocks."""
        last, apart = list(start), False
        rows: dict[tuple[str, int], Row] = {}  # of the first network, with those of the second
        elsewhere = moved(pairs)
        gone = [a for a, _ in elsewhere]
        for a, b in pairs:
            if a is not None and b is not None:
                rows |= {(ours.block, ours.number): theirs for ours, theirs in zip(a.rows, b.rows, strict=False)}
                if a.closes:
                    self.outputs(a, b, rows, loops)
                elif apart:
                    self.join(a.placed.built.value, b.placed.built.value, loops)
                self.stations(a, b, loops)
            elif (
                origin := next((each for each, other in elsewhere if other is b), None)
            ) is not None and b is not None:
                self.moved(origin, b)
            elif not any(a is each for each in gone):
                for station, side in ((a, 0), (b, 1)):
                    for equation in equations_in(() if station is None else station.items):
                        self.fresh(side, equation)
                        self.names.equations.append((equation, None) if side == 0 else (None, equation))
            apart = a is None or b is None
            last = [last[0] if a is None else _output(a, last[0]), last[1] if b is None else _output(b, last[1])]
        self.join(last[0], last[1], loops)

    def moved(self, a: Station, b: Station) -> None:
        """Pair what a layer that stands elsewhere wrote; what it puts out takes another's place in each network."""
        for ours, theirs in zip(equations_in(a.items), equations_in(b.items), strict=True):
            self.names.equations.append((ours, theirs))
            for one, other in zip(self.fresh(0, ours), self.fresh(1, theirs), strict=True):
                self.join(one, other)
                self.names.variables.append((one, other))
            if ours.target != a.placed.built.output:
                self.join(ours.target, theirs.target)
                self.names.variables.append((ours.target, theirs.target))

    def outputs(self, a: Station, b: Station, rows: dict[tuple[str, int], Row], loops: Loops) -> None:
        """Pair what the rows of two blocks put out, of rows that have layers that stand for each other."""
        ours, theirs = a.placed.built, b.placed.built
        for number, output in enumerate(ours.joins):
            row = rows.get((ours.output.name, number))
            if row is not None and row.block == theirs.output.name:
                self.join(output, theirs.joins[row.number], loops)

    def stations(self, a: Station, b: Station, loops: Loops) -> None:
        """Pair what two stations wrote: the parts of a loss by name, else what has the same letters in one order, and
        between these from the end, where the output stands."""
        if a.layer.is_loss:
            (*parts, last), (*others, end) = equations_in(a.items), equations_in(b.items)
            theirs = {equation.name: equation for equation in others}
            for equation in parts:
                self.pair(equation, theirs.pop(equation.name, None), loops)
            for equation in theirs.values():
                self.pair(None, equation, loops)
            self.pair(last, end, loops)
            return
        self.items(a, b, _side_by_side(a.items, b.items), loops)

    def items(self, a: Station, b: Station, pairs: Iterable[tuple[Item | None, Item | None]], loops: Loops) -> None:
        """Pair equations and loops of two stations; a loop over time has equations, one over blocks stations."""
        for ours, other in pairs:
            if not isinstance(ours, Loop) or not isinstance(other, Loop):
                first, second = (item if isinstance(item, Equation) else None for item in (ours, other))
                self.pair(first, second, loops)
                continue
            around = (*loops, (ours, other))
            inner = aligned(inside(a), inside(b))
            if inner:
                start = ours.carries[0].before, other.carries[0].before  # the first is what layers hand to each other
                self.row(inner, start, around)
                continue
            for one, theirs in (
                *zip(ours.reads, other.reads, strict=False),
                *zip(ours.writes, other.writes, strict=False),
            ):
                self.join(one.row, theirs.row, around)
                self.join(one.array, theirs.array, loops)
                first, second = (
                    names.of(adjoint_of(each.array), each).row
                    for names, each in zip(self.rows, (one, theirs), strict=True)
                )
                for each, its in _in_blocks(first, second, around):
                    self.names.classes.join(each.name, its.name)
            self.items(a, b, _side_by_side(ours.items, other.items), around)

    def pair(self, ours: Equation | None, theirs: Equation | None, loops: Loops) -> None:
        """Pair two equations, their left sides, and the parameters that they are the first to read."""
        self.names.equations.append((ours, theirs))
        first, second = (
            [] if equation is None else self.fresh(side, equation) for side, equation in enumerate((ours, theirs))
        )
        if ours is None or theirs is None:
            return
        self.join(ours.target, theirs.target, loops)
        self.names.variables.append((ours.target, theirs.target))
        for parameter in first:
            partner = next((each for each in second if each.letter == parameter.letter), None)
            if partner is not None:
                second.remove(partner)
                self.join(parameter, partner, loops)
                self.names.variables.append((parameter, partner))

    def fresh(self, side: int, equation: Equation) -> list[Variable]:
        """Return the parameters and masks of an equation that no earlier one read."""
        found = [variable for variable in variables(equation.expression) if variable in self.unread[side]]
        self.unread[side].difference_update(found)
        return found

    def join(self, ours: Variable, theirs: Variable, loops: Loops = ()) -> None:
        """Give two variables one class, and their adjoints another; inside loops for every block that formulas name."""
        for one, other in _in_blocks(ours, theirs, loops):
            self.names.classes.join(one.name, other.name)
            self.names.classes.join(adjoint_of(one).name, adjoint_of(other).name)


def _side_by_side(first: Sequence[Item], second: Sequence[Item]) -> Iterator[tuple[Item | None, Item | None]]:
    """Pair two lists of equations and loops, as many of them by their letters as stand in the same order."""
    ours, theirs = (
        [each.target.letter if isinstance(each, Equation) else "" for each in side] for side in (first, second)
    )
    whole = [("", 0, len(ours), 0, len(theirs))]
    alike = whole if len(ours) == len(theirs) else SequenceMatcher(None, ours, theirs, False).get_opcodes()
    for _, start, stop, begin, end in alike:
        yield from reversed(list(zip_longest(first[start:stop][::-1], second[begin:end][::-1])))


def _in_blocks(ours: Variable, theirs: Variable, loops: Loops) -> Iterator[tuple[Variable, Variable]]:
    """The variables themselves, and those of the blocks before and behind, of the first and of the last block."""
    if not loops:
        yield ours, theirs
        return
    first, second = loops[0]
    for shift in (0, -1, 1):
        yield from _in_blocks(first.at(ours, first.index + shift), second.at(theirs, second.index + shift), loops[1:])
    for number in (0, 1, 2):
        yield from _in_blocks(first.at(ours, Integer(number)), second.at(theirs, Integer(number)), loops[1:])
    yield from _in_blocks(first.at(ours, first.count), second.at(theirs, second.count), loops[1:])


def _output(station: Station, before: Variable) -> Variable:
    """What a station puts out for the layers behind: the left side of its last equation; without one, what came in."""
    if not station.items or station.layer.is_loss:
        return before
    item = station.items[-1]
    if isinstance(item, Loop):
        return item.writes[0].array if item.writes else item.end(item.carries[0])
    return item.target
