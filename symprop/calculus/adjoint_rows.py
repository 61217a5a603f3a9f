"""What adjoints of rows are called, of which each step of a loop reads one or makes one."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from itertools import count

from sympy import ceiling

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Loop, Rows, System
from symprop.algebra.indices import placed
from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import WINDOW
from symprop.algebra.trees import ones, variables, zeros


@dataclass(frozen=True)
class RowNames:
    """Names of rows in one system: `taken` are its letters with their marks, `states` its arrays of carried states.

    `given` are the adjoints that have their names; a row has that of its array, whatever its moment, and one of a state
    the mark that `marks` has for the array.
    """

    taken: frozenset[tuple[str, int]] = frozenset()
    states: frozenset[Variable] = frozenset()
    given: set[Hashable] = field(default_factory=set)
    marks: dict[Variable, int] = field(default_factory=dict)

    def copy(self, more: Iterable[Variable]) -> RowNames:
        """Return the same names, for a walk that may be made again, and adjoints that have names in it."""
        return dataclasses.replace(self, given={*self.given, *map(_key, more)}, marks={**self.marks})

    def fresh(self, name: Variable) -> Variable:
        """Return the name with the first mark that no adjoint has, and give it."""
        while _key(name) in self.given:
            name = name.change(mark=name.mark + 1)
        self.given.add(_key(name))
        return name

    def apart(self, name: Variable) -> Variable:
        """Return the name with a mark that nothing of its letter has."""
        return name.change(mark=next(mark for mark in count(1) if (name.letter, mark) not in self.taken))

    def of(self, array: Variable, rows: Rows) -> Rows:
        """The rows of an adjoint, called after it, with the index of the row that they belong to; of states apart.

        What reaches a state as a row is one part of its adjoint: the other comes from the next moment.
        """
        row = array.change(index=(*array.index, rows.row.index[-1]), shape=rows.row.shape)
        if rows.array in self.states and array == adjoint_of(rows.array):
            if array not in self.marks:
                self.marks[array] = self.fresh(row).mark
            row = row.change(mark=self.marks[array])
        return Rows(row, array, rows.axis)

    def apart_from(self, rows: Rows, made: set[Variable]) -> Rows:
        """The rows of an adjoint under another name where theirs is that of the whole that flows to a row."""
        return dataclasses.replace(rows, row=self.fresh(rows.row)) if rows.row in made else rows


def _key(name: Variable) -> Hashable:
    return name.letter, placed(name.index)[0], name.mark


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
    targets = (equation.target for equation in system.equations)
    adjoints = [adjoint_of(each) for each in (*system.inputs, *system.parameters, *targets)]
    taken = frozenset((each.letter, each.mark) for each in (*system.by_name.values(), *adjoints))
    return RowNames(taken, frozenset(states), {_key(each) for each in adjoints})
