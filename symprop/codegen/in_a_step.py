"""What a step of a loop over time is in code: a program of its own, whose variables have names without a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from symprop.algebra import trees
from symprop.algebra.equations import Equation, Loop
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.codegen.by_time import handed, local, times
from symprop.codegen.program import Program, Statement, Why
from symprop.codegen.scans import Steps


class Inside:
    """What a step of a loop is in code: the names of what it makes, of the rows that it reads, of what is handed on."""

    def __init__(self, loop: Loop, numbers: Mapping[str, int]) -> None:
        self.loop = loop
        items = loop.step if loop.backward else loop.items
        self.equations = [item for item in items if isinstance(item, Equation)]
        self.closed = {item.target: item for item in loop.items if isinstance(item, Equation)}
        self.numbers = numbers
        self.made = {equation.target: local(equation.target) for equation in self.equations}
        found = [flow.name for flow in loop.flows] if loop.backward else [carry.before for carry in loop.carries]
        self.before = {each: handed(each) if loop.backward else local(each) for each in found}
        formulas = (*(each.expression for each in self.equations), *(flow.after for flow in loop.flows))
        self.read = dict.fromkeys(variable for formula in formulas for variable in variables(formula))
        known = {*self.made, *self.before}
        self.rows = {each: local(each) for each in self.read if times(each) and each not in known}
        self.names: dict[Node, Node] = {**self.made, **self.before, **self.rows}

    @property
    def starts(self) -> list[Variable]:
        """What stands before the first step of a forward loop."""
        return [self.loop.start(carry) for carry in self.loop.carries]

    def steps(self, stacked: Iterable[Variable], count: int | None = None) -> Steps:
        """Return the steps, all of them or `count`, which keep all values of what is `stacked`."""
        statements = [self._statement(equation) for equation in self.equations]
        after = [self.made[carry.after] for carry in self.loop.carries if not self.loop.backward]
        for place, flow in enumerate(self.loop.flows):
            name = self.before[flow.name]
            back = name.change(letter=name.letter.removesuffix("_next") + "_back")
            told = (Why("what the moment before gets, as the terms of t + 1 above"),) if not place else ()
            statements.append(Statement(back, trees.replace(flow.after, self.names), whys=told))
            after.append(back)
        stacks = tuple(self.made[each] for each in stacked)
        rows, before = tuple(self.rows.values()), tuple(self.before.values())
        whole = tuple(each for each in self.read if not times(each) and each not in self.before)
        returns = tuple(dict.fromkeys(each.name for each in (*stacks, *after)))
        program = Program(tuple(statements), (), (), (*rows, *before, *whole), (), returns)
        count = int(self.loop.count) if count is None else count
        return Steps(program, count, self.loop.backward, rows, before, tuple(after), whole, stacks)

    def _statement(self, equation: Equation) -> Statement:
        written = self.closed[equation.target].pretty()
        expression = trees.replace(equation.expression, self.names)
        return Statement(self.made[equation.target], expression, written, self.numbers.get(equation.name))


__all__ = ["Inside"]
