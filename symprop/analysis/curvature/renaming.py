"""Equations, steps and loops under other names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import replace

from symprop.algebra import trees
from symprop.algebra.equations import Equation, Flow, Item, Loop, Rows, Step, System, equations_in
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import SIGNS, told_apart


class Renaming(ABC):
    """What gives some variables another name."""

    @abstractmethod
    def variable(self, variable: Variable) -> Variable:
        """Return a variable under its new name."""

    def through(self, items: Iterable[Item]) -> tuple[Item, ...]:
        """Return items under the new names."""
        return tuple(map(self.item, items))

    def item(self, item: Item) -> Item:
        """Return an equation or a loop under the new names."""
        return self.equation(item) if isinstance(item, Equation) else self.loop(item)

    def equation(self, equation: Equation) -> Equation:
        """Return an equation under the new names."""
        steps = tuple(self.step(each, self.node) for each in equation.steps)
        return replace(
            equation, target=self.variable(equation.target), expression=self.node(equation.expression), steps=steps
        )

    def step(self, step: Step, here: Callable[[Node], Node]) -> Step:
        """Return a step under the new names, with what it uses."""
        facts = tuple(
            replace(each, target=self.variable(each.target), expression=self.node(each.expression))
            if isinstance(each, Equation)
            else each
            for each in step.facts
        )
        return replace(step, before=here(step.before), after=here(step.after), facts=facts)

    def loop(self, loop: Loop) -> Loop:
        """Return a loop under the new names; those of its carried states are kept."""

        def rows(found: Iterable[Rows]) -> tuple[Rows, ...]:
            return tuple(replace(each, row=self.variable(each.row), array=self.variable(each.array)) for each in found)

        flows = (Flow(self.variable(each.name), self.node(each.start), self.node(each.after)) for each in loop.flows)
        carries = (
            replace(each, before=self.variable(each.before), after=self.variable(each.after)) for each in loop.carries
        )
        return replace(
            loop,
            items=self.through(loop.items),
            base=tuple(map(self.equation, loop.base)),
            step=self.through(loop.step),
            reads=rows(loop.reads),
            writes=rows(loop.writes),
            carries=tuple(carries),
            flows=tuple(flows),
        )

    def node(self, node: Node) -> Node:
        """Return a formula under the new names."""
        return trees.replace(node, {each: self.variable(each) for each in trees.variables(node)})


class Apart(Renaming):
    """What tells names of derived arrays from those of a network: beside a weight `Rh`, `R{h}` is called `R_h`.

    Pages write both as they did: with braces they are never the same.
    """

    def __init__(self, system: System, backward: Iterable[Item]) -> None:
        arrays = (*system.by_name.values(), *(each.target for each in equations_in((*system.items, *backward))))
        self.known = frozenset(_begun(each) for each in arrays if not each.is_tangent)

    def variable(self, variable: Variable) -> Variable:
        """Return a derived variable whose name is one of the network under another."""
        if not variable.is_tangent or _begun(variable) not in self.known:
            return variable
        return variable.change(role=told_apart(variable.role))

    @property
    def may_clash(self) -> bool:
        """Whether a name of the network begins as one of a derived array does."""
        return any(name.startswith(sign) and name != sign for name in self.known for sign in SIGNS.values())


def _begun(variable: Variable) -> str:
    """Return a name without the moment or the block in brackets."""
    return variable.name.partition("[")[0]
