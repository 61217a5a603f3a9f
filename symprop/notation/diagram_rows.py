"""The rows of a figure: the variables of a forward pass in order, and the loops around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from symprop.algebra.equations import Carry, Equation, Item, Loop, Rows
from symprop.algebra.nodes import Add, Variable
from symprop.algebra.trees import variables


@dataclass
class Row:
    """A forward variable with the equation that makes it; none for where the drawing, or a loop's block, starts.

    `loops` are those around, from the outermost inwards; `carry` is what a block reads from the block before.
    """

    variable: Variable
    equation: Equation | None
    loops: tuple[Loop, ...] = ()
    carry: Carry | None = None
    reads: list[tuple[int, Variable]] = field(default_factory=list)  # rows above, and the name they are read by
    readers: list[tuple[int, Variable]] = field(default_factory=list)  # rows below

    @property
    def loop(self) -> Loop | None:
        """The innermost loop around."""
        return self.loops[-1] if self.loops else None

    @property
    def enters(self) -> bool:
        """Whether this is what a loop's block reads from the block before."""
        return self.carry is not None

    @cached_property
    def left(self) -> tuple[tuple[Loop, Carry], ...]:
        """The loops whose blocks hand this to the next, from the innermost outwards: a loop may end with another."""
        found: list[tuple[Loop, Carry]] = []
        variable = self.variable
        for loop in reversed(self.loops):
            carry = next((each for each in loop.carries if each.after.name == variable.name), None)
            if carry is None or self.enters:
                break
            found.append((loop, carry))
            variable = loop.end(carry)
        return tuple(found)

    @property
    def written(self) -> Iterator[Rows]:
        """The arrays of which this is a row."""
        return (rows for loop in self.loops for rows in loop.writes if rows.row == self.variable)


def rows_of(items: Iterable[Item], loops: tuple[Loop, ...]) -> Iterator[Row]:
    """The rows of a figure, those of a loop behind what its blocks read from each other."""
    for item in items:
        if isinstance(item, Equation):
            yield Row(item.target, item, loops)
            continue
        around = (*loops, item)
        yield from (Row(carry.before, None, around, carry) for carry in item.carries)
        yield from rows_of(item.items, around)


def connect(rows: Sequence[Row]) -> None:
    """Enter who reads whom; across a loop's border a block's output, or a row of an array, is read by other names."""
    position: dict[str, int] = {}
    for place, row in enumerate(rows):
        for each in (each for loop in row.loops for each in loop.reads):
            if each.array.name in position:
                position[each.row.name] = position[each.array.name]
        if row.carry is not None and place:
            before = position.get(row.loops[-1].start(row.carry).name, place - 1)
            row.reads.append((before, row.variable))
            rows[before].readers.append((place, row.variable))
        if row.equation is not None:
            for variable in variables(row.equation.expression):
                above = position.get(variable.name)
                if above is not None and above < place:
                    row.reads.append((above, variable))
                    rows[above].readers.append((place, variable))
        position[row.variable.name] = place
        for loop, carry in row.left:
            position[loop.end(carry).name] = place
        for each in row.written:
            position[each.array.name] = place


def is_skip_sum(equation: Equation) -> bool:
    """Whether an equation only adds variables: where a skip connection comes back."""
    expression = equation.expression
    return isinstance(expression, Add) and all(isinstance(term, Variable) for term in expression.operands)
