"""The blocks of a network, between variables through which every way leads, and the Jacobian of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Item, Loop, System
from symprop.algebra.nodes import Variable
from symprop.analysis.modes import stations


@dataclass(frozen=True)
class Unit:
    """A block: the variable before it, the variable behind it, and the equations between; `place` counts units."""

    start: Variable
    end: Variable
    equations: tuple[Equation, ...]
    place: int


def units(system: System) -> tuple[Unit, ...]:
    """Return the blocks of one example's forward pass: dense layers with their activations, and residual blocks.

    >>> from symprop.networks import parse_network
    >>> network = parse_network("Input(3) >> Dense(3) >> Tanh() >> Residual(Dense(3) >> ReLU()) >> Dense(2)")
    >>> [(unit.start.name, unit.end.name) for unit in units(network.system())]
    [('x', 'a1'), ('a1', 'a2'), ('a2', 'z3')]
    """
    ends = {variable for variable in (system.loss, system.prediction) if variable is not None}
    found: list[Unit] = []
    for start, equations in _stretches(system.inputs[0], system.items, ends):
        for first, last, between in _blocks(start, equations):
            named = all(isinstance(equation.expression, Variable) for equation in between)
            if first.rank == last.rank == 1 and "index" not in first.facts_by_kind and not named:
                found.append(Unit(first, last, between, len(found)))
    return tuple(found)


def _stretches(
    start: Variable, items: Iterable[Item], ends: set[Variable]
) -> Iterator[tuple[Variable, list[Equation]]]:
    """The equations before, inside and behind each loop, with the variable that they start from; without `ends`."""
    row = list[Equation]()
    for item in items:
        if isinstance(item, Loop):
            yield start, row
            row = []
            for carry in item.carries[:1]:  # what one layer hands to the next; others stay among the steps
                yield from _stretches(carry.before, item.items, ends)
                start = item.end(carry)
        elif item.target not in ends:
            row.append(item)
    yield start, row


def _blocks(
    start: Variable, equations: Sequence[Equation]
) -> Iterator[tuple[Variable, Variable, tuple[Equation, ...]]]:
    """Cut behind each equation after which nothing reads what stands before it, but not before an activation."""
    place = {equation.target: k for k, equation in enumerate(equations)}
    begin, first = 0, start
    for end in stations(equations, start)[1:]:
        k = place[end]
        following = equations[k + 1].expression if k + 1 < len(equations) else None
        if not isinstance(following, (n.Map, n.Softmax)) or following.operands != (end,):
            yield first, end, tuple(equations[begin : k + 1])
            begin, first = k + 1, end
