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
from symprop.algebra.equations import Carry, Equation, Flow, Item, Loop, Rows, Step, equations_in
from symprop.algebra.indices import placed
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import added, is_zero, replace, variables, walk, zeros
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

    def through(self, items: Iterable[Item]) -> tuple[Item, ...]:
        """Return the equations of the tangents of what `items` make, in the same order."""
        return tuple(found for item in items for found in self._of(item, inside=False))

    def _of(self, item: Item, inside: bool) -> Iterator[Item]:
        if isinstance(item, Loop):
            yield from self._of_loop(item)
            return
        found = self.equation(item)
        if is_zero(found.expression) and not inside and item.target not in self.wanted:
            self.still.add(item.target)
        else:
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
        series = {part: None for part in walk(node) if isinstance(part, n.BlockSum)}
        marks = {part: Variable("series", (place,), part.shape) for place, part in enumerate(series)}
        plain = replace(node, marks)
        moving = [each for each in variables(plain) if not self.is_still(each)]
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

    def _of_loop(self, loop: Loop) -> Iterator[Item]:
        """Yield the loop of the tangents of a loop; the tangent of a state that starts as a constant starts as 0."""
        held = [rows.row for rows in loop.reads if rows.array in self.still]
        self.still |= {*held}
        self.rows |= {at_any_moment(each).name for each in held}
        for start in () if loop.backward else map(loop.start, loop.carries):
            if start in self.still:
                yield Equation(start.tangent, zeros(*start.shape), note="it starts as a constant")

        def moved(found: Iterable[Rows]) -> tuple[Rows, ...]:
            there = (each for each in found if each.row not in self.still)
            return tuple(Rows(each.row.tangent, each.array.tangent, each.axis) for each in there)

        inside = tuple(found for item in loop.items for found in self._of(item, inside=True))
        base = tuple(map(self.equation, loop.base))
        step = tuple(found for item in loop.step for found in self._of(item, inside=True))
        flows = [
            Flow(each.name.tangent, *(self.along(part)[0] for part in (each.start, each.after))) for each in loop.flows
        ]
        read = {each for equation in equations_in(step) for each in variables(equation.expression)}
        flows += [each for each in loop.flows if each.name in read]  # what is handed on itself, where that is read too
        carries = tuple(Carry(each.before.tangent, each.after.tangent, each.every) for each in loop.carries)
        yield dataclasses.replace(
            loop,
            items=inside,
            carries=carries,
            reads=moved(loop.reads),
            writes=moved(loop.writes),
            base=base,
            step=step,
            flows=tuple(flows),
        )


def needed(items: Sequence[Item], wanted: Iterable[Variable]) -> tuple[Item, ...]:
    """Return those of the items that what is `wanted` is made of; a loop is kept whole."""
    reads, kept = set(wanted), list[Item]()
    for item in reversed(items):
        made = {each.target for each in equations_in((item,))}
        asked = reads
        if isinstance(item, Loop):
            made |= {item.end(carry) for carry in item.carries} | {rows.array for rows in item.writes}
            made, asked = ({at_any_moment(each) for each in those} for those in (made, reads))
        if made & asked:
            kept.append(item)
            reads |= _reads(item)
    return tuple(reversed(kept))


def at_any_moment(variable: Variable) -> Variable:
    """Return a variable without its moment: a loop over one moment is read at that moment, `delta1[1]`."""
    layers, moments = placed(variable.index)
    return variable.change(index=layers) if moments else variable


def _reads(item: Item) -> set[Variable]:
    if isinstance(item, Equation):
        return set(variables(item.expression))
    inside = {each for equation in equations_in((item,)) for each in variables(equation.expression)}
    starts = {item.start(carry) for carry in item.carries}
    return inside | starts | {rows.array for rows in item.reads}
