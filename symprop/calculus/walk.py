"""The derivation walk: forward equations in, backward equations out, in one pass from the last equation to the first.

Nothing is expanded: each equation is shallow and named, so the cost is linear in the number of equations, and the list
that comes out is the delta recurrence of the textbooks. The adjoint of `z1` (the derivative of the loss by `z1`) is
named `delta1`, that of a parameter `dW1`; any other is written in place if one equation reads it, else named (`da1`).
A `Loop` over a symbolic number of blocks is walked once, for a general block, with its base case.

Source: Rumelhart, Hinton and Williams (1986); Griewank and Walther, *Evaluating Derivatives* (2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sympy

from symprop.algebra import nodes as n
from symprop.algebra import roles
from symprop.algebra.equations import Equation, Item, Loop, System
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import is_zero, replace, variables, walk, zeros
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context, context, node_at, variable_at
from symprop.errors import SpecError


def derive_system(system: System) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """Return the backward equations of `system` and remarks on them; by its inputs where it has no parameters.

    Raises:
        SpecError: the system has no loss, or the loss reads nothing that could have a gradient.
    """
    wanted = system.parameters or system.inputs
    if system.loss is None:
        raise SpecError("a system without a loss has no gradients")
    walker = _Walker(context(system), wanted, _dependents(system.items, wanted))
    if system.loss not in walker.active:
        raise SpecError("the loss does not depend on the network's output, so every gradient would be zero")
    walker.pending[system.loss] = [n.Scalar(1)]
    walker.walk(system.items)
    return tuple(walker.items), tuple(walker.remarks())


def _dependents(items: Sequence[Item], roots: Iterable[Variable]) -> set[Variable]:
    """Return the roots and every variable whose value depends on one of them."""
    active = set(roots)

    def mark(equations: Iterable[Equation]) -> None:
        for equation in equations:
            if any(variable in active for variable in variables(equation.expression)):
                active.add(equation.target)

    for item in items:
        if isinstance(item, Equation):
            mark((item,))
            continue
        if item.at(item.carry_in, sympy.Integer(1)) in active:
            active.add(item.carry_in)
        mark(item.equations)
        if item.carry_out in active:  # the next block reads it, so all that depends on a block's input is active
            active |= {item.carry_in, item.at(item.carry_out, item.count)}
            mark(item.equations)
    return active


HEAVY = (n.MatMul, n.Softmax, n.LogSumExp, n.ScatterAdd, n.Take)


@dataclass
class _Walker:
    """The state of one walk: what flows to each variable, and the equations found so far.

    `pending` holds, for each variable, what has reached its adjoint, not yet worked out (`Pullback` nodes);
    `inlined` remembers whose adjoint was written in place, so that it can be named after all.
    """

    context: Context
    wanted: tuple[Variable, ...]
    active: set[Variable]
    items: list[Item] = field(default_factory=list)
    pending: dict[Variable, list[Node]] = field(default_factory=dict)
    inlined: dict[Node, Variable] = field(default_factory=dict)
    readings: dict[Variable, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.roots = frozenset(self.wanted)  # for look-up; `wanted` keeps the order

    def walk(self, items: Sequence[Item]) -> None:
        """Walk the items from the last to the first."""
        for item in items:
            equations = (item,) if isinstance(item, Equation) else item.equations
            for equation in equations:
                for variable in variables(equation.expression):
                    self.readings[variable] = self.readings.get(variable, 0) + 1
        for item in reversed(items):
            if isinstance(item, Equation):
                self.through(item)
            else:
                self.through_loop(item)
        for variable in self.wanted:  # what is left: inputs, parameters that nothing reads
            if variable in self.pending:
                self.emit(variable, self.start(variable))

    def start(self, variable: Variable) -> Node:
        """Take what has reached the adjoint of `variable`."""
        flows = self.pending.pop(variable)[::-1]  # in the order of the forward equations
        return flows[0] if len(flows) == 1 else n.Add(*flows)

    def emit(self, variable: Variable, start: Node) -> Node:
        """Work out the adjoint of `variable`, add its equation, and return its name (or zero, where it vanished).

        Where an adjoint that was written in place comes out written twice, it is given a name first.
        """
        expression, steps = simplified(start, self.context)
        if _repeats(expression):
            inner = next((part for part in reversed(list(walk(start))) if part in self.inlined), None)
            if inner is not None:
                owner = self.inlined.pop(inner)
                return self.emit(variable, _swap(start, inner, self.emit(owner, inner)))
        name = adjoint_of(variable)
        self.items.append(Equation(name, expression, steps, note=f"the derivative of the loss by {variable.name}"))
        return expression if is_zero(expression) else name

    def cotangent(self, equation: Equation, readers: list[Variable]) -> Node:
        """Return the adjoint of the left side of `equation`, by name or written out."""
        variable = equation.target
        start = self.start(variable)
        if isinstance(start, (Variable, n.Scalar)) and variable.role != roles.PRE_ACTIVATION:
            return start
        if variable.role == roles.PRE_ACTIVATION or len(readers) > 1:
            return self.emit(variable, start)
        self.inlined[start] = variable
        return start

    def through(self, equation: Equation) -> None:
        """Carry the adjoint of the left side of `equation` to what its right side reads."""
        if equation.target not in self.pending:
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
        """Walk a general block once, and state the recurrence for `l` and the base case for the last block."""
        last = loop.at(loop.carry_out, loop.count)
        if last not in self.pending:
            return
        head = self.start(last)
        block = _Walker(self.context, self.wanted, self.active)
        adjoint = adjoint_of(loop.carry_out)
        # the adjoint of the block's output is opaque here; `recurrence` below says what it is
        opaque = adjoint.change(mark=adjoint.mark, role=f"{adjoint.role}*")
        block.pending[loop.carry_out] = [opaque]
        for variable in self.wanted:  # a penalty on the parameters of every block has reached them already
            if loop.index in variable.free_symbols and variable in self.pending:
                block.pending[variable] = self.pending.pop(variable)
        block.walk(loop.equations)
        to_input = block.start(loop.carry_in) if loop.carry_in in block.pending else zeros(*loop.carry_in.shape)
        recurrence = node_at(to_input, loop.index, loop.index + 1)
        general: list[Equation] = []
        base: list[Equation] = []
        found = [item for item in block.items if isinstance(item, Equation)]
        uses = sum(_count(equation.expression, opaque) for equation in found) + _count(to_input, opaque)
        named = uses > 1
        if named:
            general.append(
                self.equation_for(
                    adjoint,
                    _swap(
                        recurrence,
                        node_at(opaque, loop.index, loop.index + 1),
                        variable_at(adjoint, loop.index, loop.index + 1),
                    ),
                    loop.carry_out,
                )
            )
            base.append(self.equation_for(variable_at(adjoint, loop.index, loop.count), head, last))
        for equation in found:
            start = equation.steps[0].before if equation.steps else equation.expression
            if _count(start, opaque) == 0:
                general.append(equation)
            elif named:
                general.append(
                    self.equation_for(equation.target, _swap(start, opaque, adjoint), loop.carry_out, equation.note)
                )
            else:
                general.append(
                    self.equation_for(equation.target, _swap(start, opaque, recurrence), loop.carry_out, equation.note)
                )
                at_end = _swap(node_at(start, loop.index, loop.count), node_at(opaque, loop.index, loop.count), head)
                base.append(
                    self.equation_for(variable_at(equation.target, loop.index, loop.count), at_end, last, equation.note)
                )
        self.items.append(
            Loop(loop.index, loop.count, tuple(general), loop.carry_in, loop.carry_out, tuple(base), backward=True)
        )
        first = loop.at(loop.carry_in, sympy.Integer(1))
        if first in self.active:
            replaced = _swap(to_input, opaque, adjoint) if named else to_input
            self.pending.setdefault(first, []).append(node_at(replaced, loop.index, sympy.Integer(1)))

    def equation_for(self, target: Variable, start: Node, of: Variable, note: str = "") -> Equation:
        expression, steps = simplified(start, self.context)
        return Equation(target, expression, steps, note or f"the derivative of the loss by {of.name}")

    def remarks(self) -> Iterable[str]:
        """Say of each gradient that is zero why it is."""
        found: set[Variable] = set()
        vanished = ""  # the first adjoint that vanished takes with it all that flows from it
        for item in self.items:
            for equation in (item,) if isinstance(item, Equation) else (*item.base, *item.equations):
                found.add(equation.target)
                if is_zero(equation.expression):
                    reason = _reason(equation) or vanished or "nothing flows back to it"
                    vanished = vanished or f"{equation.name} is zero ({reason})"
                    yield f"{equation.name} is zero: {reason}"
        for variable in self.wanted:
            if gradient_of(variable) not in found:
                yield f"d{variable.name} is zero: the loss does not depend on {variable.name}"


def _reason(equation: Equation) -> str:
    """The rules and the facts that made an expression vanish, or nothing where a zero flowed in."""
    if not equation.steps or any(is_zero(part) for part in walk(equation.steps[0].before)):
        return ""
    reasons: list[str] = []
    for step in equation.steps:
        if is_zero(step.after) and reasons:
            break  # the rest only carries the zero on
        if _dead(step.after) > _dead(step.before):
            facts = "; ".join(str(fact) for fact in step.facts)
            found = "its terms cancel" if step.rule == "tidy" else f"by the rule '{step.rule}'"
            reasons.append(found + (f" ({facts})" if facts else ""))
    return " and ".join(dict.fromkeys(reasons))


def _dead(node: Node) -> int:
    """How many flows in a formula have come to nothing."""
    pullbacks = [part.operands for part in walk(node) if isinstance(part, n.Pullback)]
    gone = sum(is_zero(g) or by not in variables(expression) for g, expression, by in pullbacks)
    return gone + is_zero(node) * (1 + len(pullbacks))


def _count(node: Node, part: Node) -> int:
    return sum(1 for inner in walk(node) if inner == part)


def _repeats(node: Node) -> bool:
    """Whether an expensive part is written more than once."""
    heavy = [part for part in walk(node) if isinstance(part, HEAVY)]
    return len(heavy) > len(set(heavy))


def _swap(node: Node, part: Node, by: Node) -> Node:
    return replace(node, {part: by})
