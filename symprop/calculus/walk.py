"""The derivation walk: forward equations in, backward equations out, in one pass from the last equation to the first.

Nothing is expanded: each equation is shallow and named, so the cost is linear in the number of equations, and the list
that comes out is the delta recurrence of the textbooks. The adjoint of `z1`, which is the
derivative of the loss with respect to `z1`, is named `delta1`, that of a parameter `dW1`. Any other is written in place
if one equation reads it, else named (`da1`).
A `Loop` over a symbolic number of blocks is walked once, for a general block, with its base case.

Source: Rumelhart, Hinton and Williams (1986); Griewank and Walther, *Evaluating Derivatives* (2008), chapter 3.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sympy

from symprop.algebra import nodes as n
from symprop.algebra import roles
from symprop.algebra.alike import asked_once
from symprop.algebra.equations import Carry, Equation, Flow, Item, Loop, Rows, System, equations_in
from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import is_zero, replace, variables, walk, zeros
from symprop.calculus.adjoint_rows import RowNames, row_names, windows
from symprop.calculus.reached import dependents, live
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context, context, node_at, variable_at
from symprop.calculus.vanished import remarks
from symprop.errors import SpecError


def derive_system(system: System, named: frozenset[Variable] = frozenset()) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """Return the backward equations of `system`, those of `named` too, and remarks; of inputs if it has no weight.

    Raises:
        SpecError: the system has no loss, or the loss reads nothing that could have a gradient.
    """
    wanted = system.wanted
    if system.loss is None:
        raise SpecError("a system without a loss has no gradients")
    about = context(system), wanted, dependents(system.items, wanted), system.loops, row_names(system)
    walker = _Walker(*about, named=named, pending={system.loss: [n.Scalar(1)]})
    if system.loss not in walker.active:
        raise SpecError("the loss does not depend on the network's output, so every gradient would be zero")
    walker.walk(system.items)
    return tuple(walker.items), tuple(remarks(walker.items, wanted))


NEXT = "next "
"""Begins the role of what comes from the next step, which is opaque while a step is walked."""
HEAVY = (n.MatMul, n.Softmax, n.LogSumExp, n.ScatterAdd, n.Take)


@dataclass(frozen=True)
class _Flows:
    """What flows into a loop from behind, and what its rows' adjoints are called.

    `own` has what has reached the parameters of every step already (a penalty's part); `opaque` the names of what comes
    from the next step, by carry, and `heads` what stands for them in the last step; `arriving` and `leaving` the rows
    of the adjoints of the arrays that the steps make and read.
    """

    own: Mapping[Variable, list[Node]]
    opaque: Mapping[Carry, Variable]
    heads: Mapping[Carry, Node]
    arriving: Mapping[Rows, Rows]
    leaving: Mapping[Rows, Rows]


@dataclass
class _Walker:
    """The state of one walk: what flows to each variable, and the equations found so far.

    `pending` holds, for each variable, what has reached its adjoint, not yet worked out (`Pullback` nodes);
    `inlined` remembers whose adjoint was written in place, so that it can be named after all; those of `named` are
    never written in place.
    """

    context: Context
    wanted: tuple[Variable, ...]
    active: set[Variable]
    loops: tuple[Loop, ...] = ()
    rows: RowNames = field(default_factory=RowNames)
    indices: frozenset[sympy.Symbol] = frozenset()
    named: frozenset[Variable] = frozenset()
    items: list[Item] = field(default_factory=list)
    pending: dict[Variable, list[Node]] = field(default_factory=dict)
    inlined: dict[Node, Variable] = field(default_factory=dict)
    readings: dict[Variable, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.roots = frozenset(self.wanted)  # for look-up; `wanted` keeps the order

    def walk(self, items: Sequence[Item]) -> None:
        """Walk the items from the last to the first."""
        read = [variable for equation in equations_in(items) for variable in variables(equation.expression)]
        for variable in (*read, *(rows.array for item in items if isinstance(item, Loop) for rows in item.reads)):
            self.readings[variable] = self.readings.get(variable, 0) + 1
        for item in reversed(items):
            if isinstance(item, Equation):
                self.through(item)
            else:
                self.through_loop(item)
        for variable in self.wanted:  # what is left: inputs, parameters that nothing reads
            start = self.start(variable) if variable in self.pending else adjoint_of(variable)
            if start != adjoint_of(variable):  # rows of a loop may be the whole adjoint already
                self.emit(variable, start)

    def start(self, variable: Variable) -> Node:
        """Take what has reached the adjoint of `variable`."""
        flows = self.pending.pop(variable)[::-1]  # in the order of the forward equations
        return flows[0] if len(flows) == 1 else n.Add(*flows)

    def emit(self, variable: Variable, start: Node, name: Variable | None = None) -> Node:
        """Work out the adjoint of `variable`, add its equation, and return its name (or zero, where it vanished).

        Where an adjoint that was written in place comes out written twice, it is given a name first.
        """
        expression, steps = simplified(start, self.context)
        if _repeats(expression):
            inner = next((part for part in reversed(list(walk(start))) if part in self.inlined), None)
            if inner is not None:
                owner = self.inlined.pop(inner)
                return self.emit(variable, replace(start, {inner: self.emit(owner, inner)}), name)
        name = name or adjoint_of(variable)
        equation = Equation(name, expression, steps, note=f"the derivative of the loss with respect to {variable.name}")
        self.context.adjoints[name] = equation
        found: Item = equation
        for loop in self.loops:  # a parameter that blocks inside tied blocks have: an equation for each of them
            if _varies(variable, loop) and loop.index not in self.indices:
                found = Loop(loop.index, loop.count, (found,), backward=True)
        self.items.append(found)
        return expression if is_zero(expression) else name

    def cotangent(self, equation: Equation, readers: list[Variable]) -> Node:
        """Return the adjoint of the left side of `equation`, by name or written out."""
        variable = equation.target
        start = self.start(variable)
        must = variable.role == roles.PRE_ACTIVATION or variable in self.named or variable in self.context.averaged
        if (isinstance(start, (Variable, n.Scalar)) and not must) or start == adjoint_of(variable):
            return start  # the rows of a loop may be the whole adjoint
        if must or (len(readers) > 1 and variable.role != roles.STATISTIC):
            return self.emit(variable, start)
        self.inlined[start] = variable
        return start

    def through(self, equation: Equation) -> None:
        """Carry the adjoint of the left side of `equation` to what its right side reads."""
        if equation.target not in self.pending or equation.target.role == roles.HELD:
            self.pending.pop(equation.target, None)
            self.count_down(equation)
            return
        readers = [variable for variable in variables(equation.expression) if variable in self.active]
        g = self.cotangent(equation, readers)
        for variable in readers:
            flow = g if equation.expression == variable else n.Pullback(g, equation.expression, variable)
            self.pending.setdefault(variable, []).append(flow)
        self.count_down(equation)

    def count_down(self, equation: Equation) -> None:
        """Emit the gradient of each wanted variable that no earlier equation reads."""
        for variable in variables(equation.expression):
            self.readings[variable] -= 1
            if variable in self.roots and self.readings[variable] == 0 and variable in self.pending:
                self.emit(variable, self.start(variable))

    def through_loop(self, loop: Loop) -> None:
        """Walk a general step once, and state the recurrence for a general index and the base case for the last step.

        What comes to step l from step l + 1 is opaque while step l is walked. Then it is known: it is what step l hands
        back, moved by one, and in the last step it is what comes from behind the loop.
        """
        for rows in loop.reads:
            self.readings[rows.array] -= 1
        own = {each: self.pending.pop(each) for each in self.wanted if each in self.pending and _varies(each, loop)}
        heads = {carry: self.start(loop.end(carry)) for carry in loop.carries if loop.end(carry) in self.pending}
        written = [rows for rows in loop.writes if rows.array in self.pending]
        arriving = {rows: self.rows.of(self.whole(rows.array), rows) for rows in written}
        alive = live(loop, [carry.after for carry in heads], [rows.row for rows in arriving])
        adjoints = {carry: adjoint_of(carry.after) for carry in alive}
        opaque = {carry: name.change(role=NEXT + name.role) for carry, name in adjoints.items()}
        if own or opaque or arriving:
            leaving = {rows: self.rows.of(self.stacked(rows.array), rows) for rows in loop.reads}
            flows = _Flows(own, opaque, heads, arriving, leaving)
            step = self.walked(loop, flows, frozenset())
            twice = frozenset(carry.after for carry, name in opaque.items() if not step.once(name, loop))
            made = {equation.target for equation in equations_in(step.items)} | {adjoint_of(each) for each in twice}
            apart = {rows: self.rows.apart_from(found, made) for rows, found in arriving.items()}
            if twice or apart != arriving:
                flows = dataclasses.replace(flows, arriving=apart)
                step = self.walked(loop, flows, twice)
            self.rows = step.rows
            self.close(loop, step, flows)
        for equation in loop.equations:
            self.count_down(equation)

    def whole(self, array: Variable) -> Variable:
        """What the adjoint of an array that a loop makes is called, of which each step reads a row."""
        start = self.start(array)
        is_known = isinstance(start, Variable) and not start.role.startswith(NEXT)
        found = start if is_known else self.emit(array, start)
        return found if isinstance(found, Variable) else adjoint_of(array)  # where it vanished, its equation says so

    def walked(self, loop: Loop, flows: _Flows, named: frozenset[Variable]) -> _Walker:
        """Walk a general step of a loop; the adjoints of `named` get equations of their own."""
        inside = tuple(each for each in self.wanted if _varies(each, loop))
        handed = (adjoint_of(carry.before) for carry in flows.opaque)  # which the step before gives its name
        names, indices = self.rows.copy(handed), self.indices | {loop.index}
        step = _Walker(self.context, inside, self.active, self.loops, names, indices, named)
        step.pending = {each: list(found) for each, found in flows.own.items()}
        for carry, name in flows.opaque.items():
            step.pending.setdefault(carry.after, []).append(name)
        for rows, found in flows.arriving.items():
            step.pending.setdefault(rows.row, []).append(found.row)
        step.walk(loop.items)
        for rows, made in flows.leaving.items():
            if rows.row in step.pending:
                step.emit(rows.row, step.start(rows.row), made.row)
        return step

    def once(self, name: Variable, loop: Loop) -> bool:
        """Whether a walked step reads what comes from the next one at most once, in an equation of its own."""
        handed = [flow for flows in self.pending.values() for flow in flows]
        return (
            not any(_count(flow, name) for flow in handed)
            and sum(_count(equation.expression, name) for equation in equations_in(self.items)) <= 1
        )

    def close(self, loop: Loop, step: _Walker, flows: _Flows) -> None:
        """Put in what comes from the next step, and from behind the loop; hand on what leaves the loop."""
        handed = {
            carry: step.start(carry.before) if carry.before in step.pending else zeros(*carry.before.shape)
            for carry in loop.carries
        }
        window = windows(loop, self.rows)
        back = handed if window is None else {each: n.Multiply(window[1].row, flow) for each, flow in handed.items()}
        inner = {name: node_at(back[carry], loop.index, loop.index + 1) for carry, name in flows.opaque.items()}
        heads = {each: flows.heads.get(each, zeros(*loop.end(each).shape)) for each in flows.opaque}
        last = {node_at(name, loop.index, loop.count): heads[each] for each, name in flows.opaque.items()}
        base: list[Equation] = []
        others: dict[Variable, tuple[Node, str]] = {}  # of the last step, that read nothing from behind the loop

        def ends_of(target: Variable, start: Node, note: str) -> Iterator[Equation]:
            """Yield an equation of the last step behind those that it reads."""
            equation = self.equation_for(target, replace(node_at(start, loop.index, loop.count), last), note)
            for each in variables(equation.expression):
                if each in others:
                    yield from ends_of(each, *others.pop(each))
            yield equation

        def put_in_all(items: Sequence[Item]) -> tuple[Item, ...]:
            return tuple(found for found in map(put_in, items) if found is not None)

        def put_in(item: Item) -> Item | None:
            if isinstance(item, Loop):
                ends = tuple(each for equation in item.base if isinstance(each := put_in(equation), Equation))
                return dataclasses.replace(item, items=put_in_all(item.items), base=ends)
            start = item.steps[0].before if item.steps else item.expression
            target = variable_at(item.target, loop.index, loop.count)
            if not any(_count(start, name) for name in inner):
                others[target] = start, item.note
                return item
            found = self.equation_for(item.target, replace(start, inner), item.note)
            if found.expression == found.target:  # the rows that the next step makes are all of it
                self.items.extend(ends_of(target, start, item.note))
                return None
            base.extend(ends_of(target, start, item.note))
            return found

        items = put_in_all(step.items)
        made = {equation.target for equation in equations_in(items)}
        leaving = {rows: found for rows, found in flows.leaving.items() if found.row in made}
        reads, writes = (*flows.arriving.values(), *(window or ())[1:]), tuple(leaving.values())
        ways = [(name, heads[carry], back[carry]) for carry, name in flows.opaque.items()]
        handed_on = tuple(Flow(name, self.worked_out(head), self.worked_out(flow)) for name, head, flow in ways)
        closed = dataclasses.replace(loop, items=items, reads=reads, writes=writes, base=tuple(base), backward=True)
        closed = dataclasses.replace(closed, step=tuple(step.items), flows=handed_on)
        self.items.extend((*(window or ())[:1], closed))
        for rows, found in leaving.items():
            self.pending.setdefault(rows.array, []).append(found.array)
        for carry, flow in handed.items():
            if loop.start(carry) in self.active and not is_zero(flow):
                self.pending.setdefault(loop.start(carry), []).append(node_at(flow, loop.index, sympy.Integer(1)))
        for variable in tuple(step.pending):  # what is the same in every step: the sum over all of them
            flow = step.start(variable)
            total = flow if _varies(variable, loop) else n.BlockSum(flow, loop.index, loop.count)
            self.pending.setdefault(variable, []).append(total)

    def stacked(self, array: Variable) -> Variable:
        """What the rows of an array's adjoint are called together; marked where more flows to the array than they."""
        more = array in self.pending or self.readings.get(array, 0)
        return self.rows.fresh(adjoint_of(array)) if more else adjoint_of(array)

    def worked_out(self, start: Node) -> Node:
        """Return a flow without anything left to be differentiated."""
        return simplified(start, self.context)[0]

    def equation_for(self, target: Variable, start: Node, note: str) -> Equation:
        """Work out an equation of which the start is known."""
        expression, steps = simplified(start, self.context)
        return Equation(target, expression, steps, note)


def _count(node: Node, part: Node) -> int:
    return sum(1 for inner in walk(node) if inner == part)


@asked_once
def _repeats(node: Node) -> bool:
    """Whether an expensive part is written more than once."""
    heavy = [part for part in walk(node) if isinstance(part, HEAVY)]
    return len(heavy) > len(set(heavy))


def _varies(variable: Variable, loop: Loop) -> bool:
    """Whether a variable differs from step to step."""
    return loop.index in variable.free_symbols
