"""What the rows of an adjoint are called, of which each step of a loop reads one or makes one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from symprop.algebra.equations import Loop, Rows
from symprop.algebra.nodes import Variable


def row_of(array: Variable, rows: Rows, carried: set[Variable]) -> Rows:
    """The rows of an adjoint, called after it, with the index of the row that they belong to; of states with a mark.

    A row of what reaches all states of a layer is one part of a state's adjoint: the other comes from the next moment.
    """
    mark = array.mark + (rows.array in carried)
    return Rows(
        array.change(index=(*array.index, rows.row.index[-1]), shape=rows.row.shape, mark=mark), array, rows.axis
    )


def states(loops: Iterable[Loop]) -> set[Variable]:
    """The arrays whose rows are what a loop hands from step to step, those of the layer below and of the last too."""
    found = {rows.array for loop in loops for rows in loop.writes if rows.row in {each.after for each in loop.carries}}
    outer = [(loop, carry) for loop in loops for carry in loop.carries if carry.after in found]
    return found.union(*({carry.before, loop.end(carry)} for loop, carry in outer))


def apart_from(rows: Rows, made: set[Variable]) -> Rows:
    """The rows of an adjoint under another name where theirs is that of the whole that flows to a row."""
    row = rows.row
    return dataclasses.replace(rows, row=row.change(mark=row.mark + 1)) if row in made else rows
