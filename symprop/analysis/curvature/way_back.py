"""The backward equations of one example from a cotangent of its output, whatever the loss.

Loops over numbers of steps are written out; those over a named number of them may stay loops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sympy import Expr

from symprop.algebra.equations import Equation, Item, Loop, System, equations_in, loops_in
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import GIVEN
from symprop.algebra.unrolling import unrolled
from symprop.analysis.curvature.along import check_whole
from symprop.analysis.curvature.gauss_newton import pulled_back
from symprop.analysis.curvature.renaming import Renaming
from symprop.analysis.curvature.steps import AtAnyStep
from symprop.analysis.curvature.tangents import needed
from symprop.errors import SpecError


def written(system: System) -> System:
    """Return a system of one example with its loops written out.

    Raises:
        SpecError: a number of steps is a name, or backpropagation is truncated.
    """
    check_whole(system)
    if is_general(system):
        count = next(loop.count for loop in system.loops if not loop.count.is_Integer)
        raise SpecError(
            f"what goes back from all outputs is put together of the steps of a loop, whose number {count} is a name\n"
            "allowed: a number of steps"
        )
    return unrolled(system, {}) if system.loops else system


class Called(Renaming):
    """Equations in which variables have other names."""

    def __init__(self, names: Mapping[Variable, Variable]) -> None:
        self.names = names

    def variable(self, variable: Variable) -> Variable:
        """Return the other name of a variable, if it has one."""
        return self.names.get(variable, variable)

    def equation(self, equation: Equation) -> Equation:
        """Return an equation under the other names, without its steps."""
        return super().equation(replace(equation, steps=()))


@dataclass(frozen=True)
class WayBack:
    """The backward equations of one example from a cotangent of the output, which is `given` under a name of its own.

    `items` make adjoints, and `of` says of which arrays; `gradients` are what the parameters get.
    """

    example: System
    given: Variable
    items: tuple[Item, ...]
    of: Mapping[Variable, Variable]
    gradients: Mapping[Variable, Node]

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations in order, those of a general step of a loop too."""
        return tuple(equations_in(self.items))


def way_back(system: System, general: bool = False) -> WayBack:
    """Return the way back from the output of one example; loops over numbers of steps are written out.

    Where the numbers of steps may be `general`, loops over a named number of them stay loops.

    Raises:
        SpecError: layers take means over the batch, a number of steps is a name, or backpropagation is truncated.
    """
    example = system if general and is_general(system) else written(system)
    network = needed(example.items, [example.output])
    example = replace(example, items=network)
    if example.joins_examples:
        raise SpecError(
            "layers take means over the examples of a batch, so that no example has an output of its own\n"
            "allowed: a network without statistics over the batch, or evaluation=True"
        )
    cotangent = adjoint_of(example.output).tangent
    output = example.output
    own_cotangent = Variable("e", output.index, output.shape, mark=free_mark("e", output.index, example))
    given = {cotangent.change(role=GIVEN): own_cotangent}
    back = Called(given).through(pulled_back(example, network, cotangent))
    wanted = {gradient_of(each): each for each in example.wanted}
    loops = [*loops_in(back)]
    data = (*example.data, *(each.target for each in equations_in(network)), *_rows(loops_in(network)))
    arrays = AtAnyStep({adjoint_of(each): each for each in data})
    ends = [each.name for loop in loops for each in loop.base if AtAnyStep(wanted).find(each.target)]
    if ends:
        raise SpecError(
            f"{ends[0]} has a form of its own at the last step, so that no general Jacobian of the output is derived\n"
            "allowed: a number of steps"
        )
    made = tuple(_without(back, wanted))
    targets = (each.target for each in equations_in(made))
    of = {
        each: each if (array := arrays.find(each)) is None else array.change(index=each.index)
        for each in (*targets, *_rows(loops))
        if each not in data
    }
    gradients = {wanted[each.target]: each.expression for each in equations_in(back) if each.target in wanted}
    return WayBack(example, own_cotangent, made, of, gradients)


def _rows(loops: Iterable[Loop]) -> Iterator[Variable]:
    """Yield the arrays of which loops read or make rows, and these rows."""
    for loop in loops:
        for rows in (*loop.reads, *loop.writes):
            yield from (rows.row, rows.array)


def _without(items: Iterable[Item], wanted: Mapping[Variable, Variable]) -> Iterator[Item]:
    """Yield items without the equations of gradients."""
    for item in items:
        if isinstance(item, Loop):
            yield replace(item, items=tuple(_without(item.items, wanted)))
        elif item.target not in wanted:
            yield item


def is_general(system: System) -> bool:
    """Whether a loop has a named number of steps."""
    return any(not loop.count.is_Integer for loop in system.loops)


def free_mark(letter: str, index: tuple[Expr, ...], system: System) -> int:
    """Return the first mark with which no array of a system has this name."""
    mark, taken = 1, system.by_name
    while Variable(letter, index, (), (), mark).name in taken:
        mark += 1
    return mark
