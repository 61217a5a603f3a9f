"""Arrays at any step of a loop: what is known of `a[l]` holds for `a[s]` and `a[l + 1]`, and of `x[t]` for `x[1]`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import groupby
from math import gcd
from typing import Generic, TypeVar

from sympy import Basic, Integer, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE, Batch, batched_variable
from symprop.algebra.equations import Equation, Item, Loop, System
from symprop.algebra.indices import placed
from symprop.algebra.nodes import Node, Variable

Found = TypeVar("Found")


class AtAnyStep(Generic[Found]):
    """What is known of variables, found by their names, or else by what they are called at any step of a loop.

    >>> import symprop
    >>> system = symprop.parse_network("Input(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError()").system()
    >>> z, (loop,) = system.by_name["z[l]"], system.loops
    >>> known = AtAnyStep({z: "moves"})
    >>> known.find(loop.at(z, loop.index + 1)), known.find(system.by_name["a[l]"])
    ('moves', None)
    """

    def __init__(self, known: Mapping[Variable, Found]) -> None:
        self.named: dict[str, Found] = {}
        self.placed: dict[tuple[str, bool], Found] = {}
        for each, found in known.items():
            self.enter(each, found)

    def enter(self, variable: Variable, found: Found) -> None:
        """Enter what is known of a variable, if nothing is known of it."""
        self.named.setdefault(variable.name, found)
        self.placed.setdefault(self._place(variable), found)

    def find(self, variable: Variable) -> Found | None:
        """Return what is known of a variable at its step, or at another one."""
        return self.named.get(variable.name, self.placed.get(self._place(variable)))

    def _place(self, variable: Variable) -> tuple[str, bool]:
        """What a variable is called at any step, and if it has a moment; a loop over one moment is read at that."""
        layers, moments = placed(variable.index)
        numbers: dict[Basic, Symbol] = {}
        is_general = any(part.free_symbols for part in layers)
        parts = [_at_any(part, numbers) for part in layers] if is_general else layers
        return variable.change(index=parts).name if is_general or moments else variable.name, bool(moments)


def _at_any(part: Basic, numbers: dict[Basic, Symbol]) -> Basic:
    """Return a part of an index at any step: symbols, or a number beside them, by their order; 2 l + 1 as 2 l - 1."""
    steps = sorted(part.free_symbols, key=str) or [part]
    for each in steps:
        numbers.setdefault(each, Symbol(f"step{len(numbers)}"))
    shift, moving = part.xreplace(numbers).as_coeff_Add()
    slopes = [moving.coeff(numbers[each]) for each in steps]
    if not shift.is_Integer or not all(each.is_Integer for each in slopes):
        return moving + shift
    return moving + int(shift) % (gcd(*map(int, slopes)) or 1)


def at_all_steps(variable: Variable, loops: Iterable[Loop]) -> frozenset[Variable]:
    """Return a variable of a general step as it is read: at this step, at those around it and at the ends.

    >>> import symprop
    >>> system = symprop.parse_network("Input(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError()").system()
    >>> sorted(each.name for each in at_all_steps(system.by_name["W[l]"], system.loops))
    ['W1', 'W[N - 1]', 'W[N]', 'W[l + 1]', 'W[l - 1]', 'W[l]']
    """
    found = {variable}
    for loop in loops:
        ends = (Integer(1), loop.count, *([loop.count - 1] if loop.count != 1 else []))
        found |= {loop.at(each, step) for each in found for step in (loop.index - 1, loop.index + 1, *ends)}
    return frozenset(found)


def in_batch(variable: Variable, layout: str) -> Variable:
    """Return a variable of one example with the axis of a batch."""
    return batched_variable(variable, Batch({}, BATCH_SIZE, layout == "rows"))


def over_loops(term: Variable, system: System) -> Node:
    """Return the sum of what there is one of for each step, as of parameters `W[l]`, over the steps of the loops."""
    return reduce(lambda total, loop: n.BlockSum(total, loop.index, loop.count), _around(term, system)[::-1], term)


def in_loops(equations: Iterable[Equation], system: System) -> tuple[Item, ...]:
    """Return equations with those of a general step inside of loops."""
    found: list[Item] = []
    for loops, group in groupby(equations, lambda each: _around(each.target, system)):
        items: tuple[Item, ...] = tuple(group)
        for loop in loops[::-1]:
            items = (Loop(loop.index, loop.count, items),)
        found.extend(items)
    return tuple(found)


def _around(variable: Variable, system: System) -> list[Loop]:
    """Return the loops that have a variable of each step, from the outer to the inner."""
    return [loop for loop in system.loops if any(part.has(loop.index) for part in variable.index)]


__all__ = ["AtAnyStep", "at_all_steps", "in_batch", "in_loops", "over_loops"]
