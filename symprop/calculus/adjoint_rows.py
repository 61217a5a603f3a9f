"""What adjoints of rows are called, of which each step of a loop reads one or makes one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from itertools import count

from sympy import ceiling

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Loop, Rows, System
from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import WINDOW
from symprop.algebra.trees import ones, variables, zeros


@dataclass(frozen=True)
class RowNames:
    """Names of rows in one system: `taken` are its letters with their marks, `states` its arrays of carried states.

    `given` has the names with marks of their own, each by what it was and what it is for.
    """

    taken: frozenset[tuple[str, int]] = frozenset()
    states: frozenset[Variable] = frozenset()
    given: dict[tuple[Variable, object], Variable] = field(default_factory=dict, compare=False)

    def apart(self, name: Variable, owner: object = None) -> Variable:
        """Return the name with a mark that nothing of its letter has, nor the name that another owner was given."""
        if (name, owner) not in self.given:
            marked = (name.change(mark=mark) for mark in count(1) if (name.letter, mark) not in self.taken)
            others = {each for (_, of), each in self.given.items() if of != owner}
            self.given[name, owner] = next(each for each in marked if each not in others)
        return self.given[name, owner]

    def of(self, array: Variable, rows: Rows) -> Rows:
        """The rows of an adjoint, called after it, with the index of the row that they belong to; of states apart.

        What reaches a state as a row is one part of its adjoint: the other comes from the next moment.
        """
        row = array.change(index=(*array.index, rows.row.index[-1]), shape=rows.row.shape)
        return Rows(self.apart(row, array) if rows.array in self.states else row, array, rows.axis)

    def apart_from(self, rows: Rows, made: set[Variable]) -> Rows:
        """The rows of an adjoint under another name where theirs is that of the whole that flows to a row."""
        return dataclasses.replace(rows, row=self.apart(rows.row, rows.array)) if rows.row in made else rows


def windows(loop: Loop, names: RowNames) -> tuple[Equation, Rows] | None:
    """Where no gradient flows back into the first moment of a window: an array by time, 0 there and else 1, and a row.

    This is backpropagation through time that is truncated (Williams and Peng, 1990): a window begins after `every`
    moments, and the states that it starts from are constants.
    """
    every = next((carry.every for carry in loop.carries if carry.every is not None), None)
    if every is None:
        return None
    index = loop.carries[0].after.index
    row = names.apart(Variable("w", index, (), role=WINDOW))
    array = row.change(index=index[:-1], shape=(loop.count,))
    windows = ceiling(loop.count / every) if loop.count.is_Integer else loop.count  # enough of them
    in_rows = n.Pad(ones(windows, every - 1), (1,), ((1, 0),)) if every > 1 else zeros(windows, 1)
    in_time = n.Slice(n.Reshape(in_rows, (windows * every,)), 0, 0, loop.count)
    return Equation(array, in_time, note=f"0 where a window of {every} moments begins"), Rows(row, array)


def row_names(system: System) -> RowNames:
    """Return the names of rows: states are those that a loop hands from step to step, and whose adjoint has a name.

    It has one where several variables are read to make the state; through `h = tanh(a)` it is written in place. Where
    layers are a loop too, the states of the layer below and of the last layer are among them.
    """
    loops = system.loops
    made = {each.target for each in system.equations if len(set(variables(each.expression))) > 1}
    ends = {carry.after for loop in loops for carry in loop.carries} & made
    found = {rows.array for loop in loops for rows in loop.writes if rows.row in ends}
    outer = [(loop, carry) for loop in loops for carry in loop.carries if carry.after in found]
    states = found.union(*({carry.before, loop.end(carry)} for loop, carry in outer))
    taken = {(each.letter, each.mark) for name in system.by_name.values() for each in (name, adjoint_of(name))}
    return RowNames(frozenset(taken), frozenset(states))
