"""Derivatives along a direction of the parameters: a second list of equations beside those of a system.

Each equation `z = f(a, W)` gives one more, `R{z} = df/da R{a} + df/dW R{W}`, in the order of the first ones; where
all parameters move as `theta + e v`, `R{z}` is the derivative of `z` with respect to `e` at 0, and `R{W}` is the part
of `v` for `W`. Of the forward equations this is forward mode. Of the backward ones it gives `R{dW}`, the product of the
Hessian with `v`, at the price of two gradients and without the Hessian.

Source: Pearlmutter, *Fast exact multiplication by the Hessian* (1994), whose R-operator it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from symprop.algebra import nodes as n
from symprop.algebra.equations import Carry, Equation, Flow, Item, Loop, Rows, Step, equations_in, loops_in
from symprop.algebra.indices import placed
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import added, is_zero, replace, variables, walk, zeros
from symprop.analysis.curvature.steps import at_all_steps
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context
from symprop.calculus.tidy import tidy
from symprop.finishing.touches import OF_EQUATIONS, finished


@dataclass
class Tangents:
    """What moves while parameters move along a direction; `still` are the variables that do not.

    A variable whose tangent is 0 is still too, and has no equation, unless it is `wanted`.
    """

    context: Context
    still: set[Variable]
    wanted: frozenset[Variable]
    rows: set[str] = dataclasses.field(default_factory=set)
    """The names of rows of arrays that do not move."""
    moving: set[Variable] = dataclasses.field(default_factory=set)
    """What was found to move."""
    known: dict[tuple[Node, tuple[Variable, ...]], tuple[Node, tuple[Step, ...]]] = dataclasses.field(
        default_factory=dict
    )
    """The derivatives of formulas in what moves."""

    def through(self, items: Iterable[Item]) -> tuple[Item, ...]:
        """Return the equations of the tangents of what `items` make, in the same order."""
        return tuple(found for item in items for found in self._of(item))

    def _of(self, item: Item) -> Iterator[Item]:
        if isinstance(item, Loop):
            self._settle(item)
            yield from self._of_loop(item)
            return
        found = self.equation(item)
        if is_zero(found.expression) and item.target not in self.wanted:
            self.still.add(item.target)
        else:
            self.moving.add(item.target)
            yield found

    def equation(self, equation: Equation) -> Equation:
        """Return the equation of the tangent of what an equation makes."""
        expression, steps = self.along(equation.expression)
        note = f"the derivative of {equation.name} along the direction"
        return Equation(equation.target.tangent, expression, steps, note=note)

    def along(self, node: Node) -> tuple[Node, tuple[Step, ...]]:
        """Return the derivative of a formula along the direction, and the steps that led there.

        What stands under the sum of a series is differentiated there, since it reads the index of the series.
        """
        moving = tuple(each for each in variables(node) if not self.is_still(each))
        if (node, moving) not in self.known:
            self.known[node, moving] = self._along(node)
        return self.known[node, moving]

    def _along(self, node: Node) -> tuple[Node, tuple[Step, ...]]:
        series = {part: None for part in walk(node) if isinstance(part, n.BlockSum)}
        marks = {part: Variable("series", (place,), part.shape) for place, part in enumerate(series)}
        plain = replace(node, marks)
        moving = tuple(each for each in variables(plain) if not self.is_still(each))
        back: dict[Node, Node] = {}
        for part, mark in marks.items():
            inside = self.along(part.operands[0])[0]
            back |= {mark: part, mark.tangent: n.BlockSum(inside, part.index, part.count)}
        flows = [n.Pushforward(plain, each, each.tangent) for each in moving]
        if not flows:
            return zeros(*node.shape), ()
        worked, steps = simplified(added(flows), self.context)
        shown, touches = finished(worked, OF_EQUATIONS)
        if not back:
            return shown, (*steps, *touches)
        whole = [
            dataclasses.replace(each, before=replace(each.before, back), after=replace(each.after, back))
            for each in (*steps, *touches)
        ]
        return tidy(replace(shown, back)), tuple(whole)

    def is_still(self, variable: Variable) -> bool:
        """Whether a variable does not move, as the rows of data at any moment, `x[t]` and `x[1]`."""
        return variable in self.still or (bool(variable.index) and at_any_moment(variable).name in self.rows)

    def _settle(self, loop: Loop) -> None:
        """Find what does not move in a loop: nothing does, but for what then moves all the same, at any of its steps.

        So what the steps hand on is still where it starts so, and a step makes it still of what is.
        """
        loops = (loop, *loops_in(loop.items))
        families = [at_all_steps(each, loops) for each in _made(loops)]
        carried = () if loop.backward else (each for one in loops for each in one.carries)
        families += [at_all_steps(each.after, loops) | {each.before} for each in carried]
        self.still.update(*(found for found in families if found.isdisjoint(self.moving)))
        before = -1
        while before != len(self.still):
            before = len(self.still)
            for each in self._moved(loops):
                if each in self.still:
                    self.moving.update(*(found for found in families if each in found))
                    self.still -= self.moving

    def _moved(self, loops: Sequence[Loop]) -> Iterator[Variable]:
        """Yield what moves in loops, one inside another, while something does not."""
        for loop in loops:
            for equation in (*loop.base, *(each for each in loop.items if isinstance(each, Equation))):
                if not is_zero(self.along(equation.expression)[0]):
                    yield equation.target
            for flow in loop.flows:
                if not all(is_zero(self.along(each)[0]) for each in (flow.start, flow.after)):
                    yield flow.name
            yield from (rows.row for rows in loop.reads if not self.is_still(rows.array))
            yield from (rows.array for rows in loop.writes if not self.is_still(rows.row))
            if not loop.backward:
                yield from (carry.before for carry in loop.carries if not self.is_still(loop.start(carry)))

    def _of_loop(self, loop: Loop) -> Iterator[Item]:
        """Yield the loop of the tangents of a loop; the tangent of a state that starts as a constant starts as 0."""
        held = [rows.row for rows in loop.reads if rows.array in self.still]
        self.rows |= {at_any_moment(each).name for each in held}
        carries = [each for each in loop.carries if each.before not in self.still]
        for start in () if loop.backward else map(loop.start, carries):
            if start in self.still:
                yield Equation(start.tangent, zeros(*start.shape), note="it starts as a constant")

        def through(items: Iterable[Item]) -> Iterator[Item]:
            for item in items:
                if isinstance(item, Loop):
                    yield from self._of_loop(item)
                elif item.target not in self.still or item.target in self.wanted:
                    yield self.equation(item)

        def moved(found: Iterable[Rows]) -> tuple[Rows, ...]:
            there = (each for each in found if each.row not in self.still)
            return tuple(Rows(each.row.tangent, each.array.tangent, each.axis) for each in there)

        items = tuple(through(loop.items))
        if not items:
            return
        step = tuple(through(loop.step))
        flows = [
            Flow(each.name.tangent, *(self.along(part)[0] for part in (each.start, each.after)))
            for each in loop.flows
            if each.name not in self.still
        ]
        read = {each for equation in equations_in(step) for each in variables(equation.expression)}
        flows += [each for each in loop.flows if each.name in read]  # what is handed on itself, where that is read too
        yield dataclasses.replace(
            loop,
            items=items,
            carries=tuple(Carry(each.before.tangent, each.after.tangent, each.every) for each in carries),
            reads=moved(loop.reads),
            writes=moved(loop.writes),
            base=tuple(each for each in through(loop.base) if isinstance(each, Equation)),
            step=step,
            flows=tuple(flows),
        )


def _made(loops: Sequence[Loop]) -> Iterator[Variable]:
    """Yield what loops make, one inside another, and the rows that they read."""
    yield from (each.target for each in equations_in(loops[:1]))
    for loop in loops:
        yield from (flow.name for flow in loop.flows)
        yield from (rows.row for rows in loop.reads)
        yield from (rows.array for rows in loop.writes)


def needed(items: Sequence[Item], wanted: Iterable[Variable]) -> tuple[Item, ...]:
    """Return those of the items that what is `wanted` is made of; a loop is kept whole."""
    read, kept = set(wanted), list[Item]()
    for item in reversed(items):
        made = {each.target for each in equations_in((item,))}
        asked = read
        if isinstance(item, Loop):
            made |= {item.end(carry) for carry in item.carries} | {rows.array for rows in item.writes}
            made = made.union(*(at_all_steps(each, loops_in((item,))) for each in made))
            made, asked = ({at_any_moment(each) for each in those} for those in (made, read))
        if made & asked:
            kept.append(item)
            read |= reads(item)
    return tuple(reversed(kept))


def all_read(items: Sequence[Item], wanted: Iterable[Variable]) -> tuple[Item, ...]:
    """Return the items without equations inside of loops that make nothing that is `wanted`, or read at any step."""
    asked = set(wanted)
    read = asked.union(*map(reads, items), *map(_handed_on, loops_in(items)))

    def those(found: Iterable[Item], around: tuple[Loop, ...]) -> Iterator[Item]:
        for item in found:
            if isinstance(item, Loop):
                inside = (*around, item)
                yield dataclasses.replace(
                    item, items=tuple(those(item.items, inside)), step=tuple(those(item.step, inside))
                )
            elif not at_all_steps(item.target, around).isdisjoint(read):
                yield item

    kept = tuple(item if isinstance(item, Equation) else next(those((item,), ())) for item in items)
    return kept if kept == tuple(items) else all_read(kept, asked)


def at_any_moment(variable: Variable) -> Variable:
    """Return a variable without its moment: a loop over one moment is read at that moment, `delta1[1]`."""
    layers, moments = placed(variable.index)
    return variable.change(index=layers) if moments else variable


def reads(item: Item) -> set[Variable]:
    """Return what an equation reads, or a loop in any of its steps and before them."""
    if isinstance(item, Equation):
        return set(variables(item.expression))
    inside = {each for equation in equations_in((item,)) for each in variables(equation.expression)}
    starts = {item.start(carry) for carry in item.carries}
    return inside | starts | {rows.array for rows in item.reads}


def _handed_on(loop: Loop) -> set[Variable]:
    """Return what a step of a loop reads of the step before it, and what is read of its steps behind it."""
    flows = {each for flow in loop.flows for each in variables(flow.after)}
    carried = {each for carry in loop.carries for each in (carry.after, loop.start(carry))}
    return flows | carried | {rows.row for rows in loop.writes} | {rows.array for rows in loop.reads}
