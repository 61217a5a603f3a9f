"""Loops over time that keep their states at every k-th moment, and compute the others again on the way back.

T moments are T // k windows of k, and a rest. Going forwards, a loop over windows has as its step a loop over moments
that keeps nothing; what each window starts from is kept. Going backwards, from the last window to the first, the step
is a program of two loops: the states of the window once more, from their start, then the steps backwards over it. What
a window adds to a sum over time is added to what is carried. The rest, which comes first on the way back, is kept.

Sources: T. Chen, B. Xu, C. Zhang and C. Guestrin, *Training deep nets with sublinear memory cost* (2016); A. Gruslys,
R. Munos, I. Danihelka, M. Lanctot and A. Graves, *Memory-efficient backpropagation through time* (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from symprop.algebra import nodes as n
from symprop.algebra.equations import Item, Loop
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables, zeros
from symprop.codegen.by_time import ByTime, called, general, times, with_suffix
from symprop.codegen.in_a_step import Inside
from symprop.codegen.program import Program, Statement, Why
from symprop.codegen.scans import Body, Left, Made, Scan, Steps
from symprop.codegen.windows import Window, in_windows, is_other, read_in_loops, read_outside, sliced, sums_over_time


@dataclass(frozen=True)
class Part:
    """Statements of a loop over some moments, where the values of all of them lie, and what is left of each state.

    `sums` are what holds sums over time.
    """

    statements: list[Statement]
    by_time: ByTime
    left: list[Variable]
    sums: dict[Node, Variable] = field(default_factory=dict)


@dataclass
class _Step:
    """What a window does: its statements, and what each of them has before and leaves."""

    statements: list[Statement]
    before: list[Variable]
    after: list[Variable]

    def carry(self, name: Variable, expression: Node, why: str = "") -> None:
        """Carry what a window makes of what the window before left under a name."""
        self.before.append(name)
        self.after.append(name.change(letter=f"{name.letter}_now"))
        self.statements.append(Statement(self.after[-1], expression, whys=(Why(why),) if why else ()))


class Windows:
    """A loop over time with `remat`, and the loop back: what of both is read where.

    `kept` and `kept_back` are what is read at all moments behind the loops; `again` is what a window computes once
    more, `summed` what of the way back stands in sums over time, `firsts` what of it is read at the first moment alone.
    """

    def __init__(
        self,
        loop: Loop,
        items: Sequence[Item],
        numbers: Mapping[str, int],
        scans: Iterator[Variable],
        fresh: Callable[[Variable], Variable],
    ) -> None:
        self.loop, self.every, self.scans, self.fresh = loop, loop.remat or 1, scans, fresh
        self.count, self.rest = divmod(int(loop.count), self.every)
        self.ahead = Inside(loop, numbers)
        back = [each for each in items if isinstance(each, Loop) and each.backward and each.carries == loop.carries]
        inside = [Inside(each, numbers) for each in back]
        made = {each: None for one in inside for each in one.made}
        self.sums = {part: owner for part, owner in sums_over_time(items) if _general(part) & made.keys()}
        starts = [flow.start for each in back for flow in each.flows]
        others = [each for each in items if each is not loop and each not in back]
        apart = {*read_in_loops(others), *read_outside(self.sums, starts, items)}
        apart -= {*map(loop.end, loop.carries), *map(loop.start, loop.carries)}
        self.firsts = sorted((each for each in apart if times(each) == (1,) and general(each) in made), key=str)
        written = {rows.row for each in (loop, *back) for rows in each.writes}
        read = written.union(map(general, apart - {*self.firsts}))
        self.kept = [each for each in self.ahead.made if each in read]
        self.kept_back = [each for each in made if each in read]
        in_sums = set[Variable]().union(*map(_general, self.sums))
        in_steps = {general(each) for one in inside for each in one.rows}
        self.again = [each for each in self.ahead.made if each in in_sums | in_steps]
        self.summed = [each for each in made if each in in_sums.union(map(general, self.firsts))]
        self.of_rest = ByTime()
        self.starts = [
            fresh(with_suffix(each.after, "_starts").change(shape=(self.count + 1, *each.after.shape)))
            for each in loop.carries
        ]  # fmt: skip

    # ------------------------------------------------------------ forwards

    def forwards(self, by_time: ByTime) -> Part:
        """Return the statements of the forward pass; `by_time` has what the steps read."""
        inside, carries = self.ahead, self.loop.carries
        rows = self._in_windows(inside.rows, by_time)
        before, after = ([with_suffix(each.after, word) for each in carries] for word in ("_start", "_end"))
        part = self._part(inside, self.every, [each.inside for each in rows.values()], before, self.kept, left=after)
        step = _Step(part.statements, before, after)
        why = f"windows of {self.every} moments: what each starts from is kept"
        found, arrays = self._over_windows(step, rows, map(called, inside.starts), (self.kept, part.by_time), why)
        scan = found[0].target
        found += [Statement(name, Made(scan, place, name.shape)) for place, name in enumerate(self.starts)]
        found += _lefts(scan, after)
        left = after
        if self.rest:
            rest = [self._behind(by_time.all_moments(each, int(self.loop.count))) for each in inside.rows]
            both = [each for each in inside.made if each in {*self.kept, *self.again}]
            part = self._part(inside, self.rest, rest, after, both, "the moments that are left")
            found += part.statements
            self.of_rest, left = part.by_time, part.left
        return Part(found, self._joined(arrays, found), left)

    # ------------------------------------------------------------ backwards

    def backwards(self, back: Inside, by_time: ByTime, starts: Sequence[Node]) -> Part:
        """Return the statements of the way back, which begins with `starts`."""
        own = {*self.ahead.made, *back.made}
        found: list[Statement] = []
        others = dict.fromkeys(each for each in back.rows if is_other(each, own))
        others |= dict.fromkeys(each for part in self.sums for each in variables(part) if is_other(each, own))
        sums: list[Node] = [zeros(*each.shape) for each in self.sums]
        stacked = [each for each in back.made if each in {*self.kept_back, *self.summed}]
        if self.rest:
            behind = {each: self._behind(by_time.all_moments(each, int(self.loop.count))) for each in others}
            self.of_rest.arrays |= {each: (array, False) for each, array in behind.items()}
            rows = [self.of_rest.all_moments(each, self.rest) for each in back.rows]
            part = self._part(back, self.rest, rows, starts, stacked, "the moments that are left")
            self.of_rest.arrays |= part.by_time.arrays
            found, starts = part.statements, part.left
            sums = [self.of_rest.summed(each.operands[0], self.rest) for each in self.sums]
        windows = self._in_windows((*self.ahead.rows, *others), by_time)
        for carry, name in zip(self.loop.carries, self.starts, strict=True):
            start = with_suffix(carry.after, "_start")
            windows[carry.after] = Window(sliced(name, 0, 0, self.count), start, start)
        step, there = self._window_back(back, windows, others, stacked)
        begin = (*starts, *sums, *(zeros(*each.shape) for each in self.firsts))
        why = "from the last window to the first"
        more, arrays = self._over_windows(step, windows, begin, (self.kept_back, there), why, backward=True)
        flows = len(starts)
        left = [self.fresh(each.change(letter=f"{each.letter}s")) for each in step.before[flows : flows + len(sums)]]
        left += map(called, self.firsts)
        found = [*found, *more, *_lefts(more[0].target, left, flows)]
        return Part(found, self._joined(arrays, found), left, dict(zip(self.sums, left, strict=False)))

    def _window_back(
        self, back: Inside, windows: Mapping[Variable, Window], others: Iterable[Variable], stacked: Sequence[Variable]
    ) -> tuple[_Step, ByTime]:
        """Return what a window does on the way back, and where the values of its moments lie."""
        starts = [windows[each.after].inside for each in self.loop.carries]
        rows = [windows[each].inside for each in self.ahead.rows]
        again = self._part(self.ahead, self.every, rows, starts, self.again, "the states of the window once more")
        there = ByTime({each: (windows[each].inside, False) for each in others})
        there.arrays |= again.by_time.arrays
        rows = [there.all_moments(each, self.every) for each in back.rows]
        words = [each.letter.removesuffix("_next") for each in back.before.values()]
        names = zip(back.before.values(), words, strict=True)
        before = [each.change(letter=f"{word}_start") for each, word in names]
        part = self._part(back, self.every, rows, before, stacked)
        there.arrays |= part.by_time.arrays
        step = _Step([*again.statements, *part.statements], before, part.left)
        why = "what the window adds to each sum over time"
        for node, owner in self.sums.items():
            name = _apart(Variable(f"{owner.name}_sum", (), node.shape), step.before)
            step.carry(name, n.Add(name, there.summed(node.operands[0], self.every)), why)
            why = ""
        for each in self.firsts:
            first = sliced(there.arrays[general(each)][0], 0, 0, 1)
            step.carry(with_suffix(each, "_first"), n.Reshape(first, each.shape))
        return step, there

    # ------------------------------------------------------------ both

    def _part(
        self,
        inside: Inside,
        count: int,
        rows: Sequence[Node],
        starts: Sequence[Node],
        stacked: Sequence[Variable],
        why: str = "",
        left: Sequence[Variable] = (),
    ) -> Part:
        """Return the loop over some moments; with a `why` its formulas stand elsewhere."""
        steps = inside.steps(stacked, count)
        if why:
            plain = tuple(replace(each, formula="", whys=()) for each in steps.program.forward)
            steps = replace(steps, program=replace(steps.program, forward=plain))
        scan, whys = next(self.scans), (Why(why),) if why else ()
        found = [Statement(scan, Scan(*rows, *starts, *steps.whole, Body(steps)), whys=whys)]
        arrays: dict[Variable, tuple[Node, bool]] = {}
        is_rest = count != self.every
        for place, (each, stack) in enumerate(zip(stacked, steps.stacks, strict=True)):
            target = with_suffix(each, "_rest" if is_rest else "_window").change(shape=steps.of_all(stack))
            target = self.fresh(target) if is_rest else target
            found.append(Statement(target, Made(scan, place, target.shape)))
            arrays[each] = target, steps.has_start(stack)
        words = [each.letter.removesuffix("_before").removesuffix("_next") for each in steps.before]
        names = zip(steps.before, words, strict=True)
        left = list(left) or [each.change(letter=f"{word}_left") for each, word in names]
        return Part([*found, *_lefts(scan, left)], ByTime(arrays), left)

    def _over_windows(
        self,
        step: _Step,
        windows: Mapping[Variable, Window],
        starts: Iterable[Node],
        kept: tuple[Sequence[Variable], ByTime],
        why: str,
        backward: bool = False,
    ) -> tuple[list[Statement], dict[Variable, Variable]]:
        """Return the loop whose step is a window, and the arrays of what is kept of all windows."""
        rows = {
            each: Statement(with_suffix(each, "_rows").change(shape=(self.every, *each.shape)), array)
            for each, array in ((each, kept[1].all_moments(each, self.every)) for each in kept[0])
        }
        statements = (*step.statements, *rows.values())
        stacks = (*(() if backward else step.after), *(each.target for each in rows.values()))
        names = tuple(each.name for each in windows.values())
        known = {*names, *step.before, *(each.target for each in statements)}
        whole = tuple(dict.fromkeys(each for found in statements for each in found.reads if each not in known))
        returns = tuple(dict.fromkeys(each.name for each in (*stacks, *step.after)))
        program = Program(statements, (), (), (*names, *step.before, *whole), (), returns)
        steps = Steps(program, self.count, backward, names, tuple(step.before), tuple(step.after), whole, stacks)
        scan = next(self.scans)
        arrays = [each.array for each in windows.values()]
        found = [Statement(scan, Scan(*arrays, *starts, *whole, Body(steps)), whys=(Why(why),))]
        made: dict[Variable, Variable] = {}
        for place, each in enumerate(rows, len(stacks) - len(rows)):
            name = with_suffix(each, "_windows").change(shape=(self.count, self.every, *each.shape))
            made[each] = self.fresh(name)
            found.append(Statement(made[each], Made(scan, place, made[each].shape)))
        return found, made

    def _in_windows(self, read: Iterable[Variable], by_time: ByTime) -> dict[Variable, Window]:
        """Return the arrays by windows of what the steps read, each by its name in the window."""
        total = int(self.loop.count)
        return {
            each: in_windows(by_time.all_moments(each, total), with_suffix(each, "_window"), self.count, self.every)
            for each in read
        }

    def _behind(self, array: Node) -> Node:
        """Return what is left of an array by time behind the windows."""
        inner, axis = array.untransposed, array.order[0]
        return sliced(inner, axis, self.count * self.every, inner.shape[axis]).permuted(array.order)

    def _joined(self, arrays: Mapping[Variable, Variable], found: list[Statement]) -> ByTime:
        """Return the arrays of all moments, those of the windows and of the rest."""
        joined: dict[Variable, tuple[Node, bool]] = {}
        for each, array in arrays.items():
            whole: Node = n.Reshape(array, (self.count * self.every, *each.shape))
            if self.rest:
                whole = n.Concatenate(whole, self.of_rest.all_moments(each, self.rest), axis=0)
                name = self.fresh(with_suffix(each, "_all").change(shape=whole.shape))
                found.append(Statement(name, whole))
                whole = found[-1].target
            joined[each] = whole, False
        return ByTime(joined)


def _lefts(scan: Variable, names: Iterable[Variable], first: int = 0) -> list[Statement]:
    return [Statement(each, Left(scan, place, each.shape)) for place, each in enumerate(names, first)]


def _apart(name: Variable, taken: Sequence[Variable]) -> Variable:
    names = {each.name for each in taken}
    while name.name in names:
        name = name.change(mark=name.mark + 1)
    return name


def _general(node: Node) -> set[Variable]:
    return {general(each) for each in variables(node) if times(each)}


__all__ = ["Part", "Windows"]
