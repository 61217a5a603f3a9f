"""What of the forward pass the backward pass reads, and how many numbers that is: of a loop, those of which steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy
from sympy import Basic, Expr, Integer, Symbol

from symprop.algebra.equations import Equation, Item, Loop, System, equations_in, loops_in
from symprop.algebra.indices import RowIndex
from symprop.algebra.nodes import Variable
from symprop.algebra.trees import variables
from symprop.analysis.flops import size, summed


def elements_of(variable: Variable, loops: Sequence[Loop]) -> Expr:
    """The size of a variable, summed over the loops whose index it has."""
    total = size(variable)
    for loop in reversed(loops):
        if any(index.has(loop.index) for index in variable.index):
            total = summed(total, loop.index, Integer(1), loop.count)
    return total


def stored_of(system: System, backward: Sequence[Item]) -> Iterable[tuple[str, Expr]]:
    """The variables of the forward pass, inputs and targets too, that a backward equation reads."""
    read = dict.fromkeys(_read(backward))
    rows = {rows.array: rows.row for loop in system.loops for rows in loop.reads}
    for variable in system.data:
        if variable in read or rows.get(variable) in read:
            yield variable.name, size(variable)
    indices = frozenset(loop.index for loop in loops_in((*system.items, *backward)))
    for target, loops in _made(system.items, ()):
        alike = (variable for variable in read if variable.family == target.family)
        found = [steps for each in alike if (steps := _steps_read(target, loops, each, indices)) is not None]
        found = [steps for at, steps in enumerate(found) if steps not in found[:at]]
        kept = [steps for steps in found if not any(_covered(steps, more) for more in found if more != steps)]
        if kept:
            yield target.name, sympy.Add(*(_elements_at(target, loops, steps) for steps in kept))


Steps = list[tuple[Expr, Expr] | None]
"""For each loop around a variable the first and the last step whose value is meant, or None for all steps."""


def _covered(steps: Steps, others: Steps) -> bool:
    """Whether all steps that are meant are among others."""
    return all(
        other is None or one == other or (one is not None and one[0] == one[1] and one[0] in other)
        for one, other in zip(steps, others, strict=True)
    )


def _steps_read(target: Variable, loops: Sequence[Loop], read: Variable, indices: frozenset[Basic]) -> Steps | None:
    """Of which steps of the loops around `target` something reads it as `read`; None where it is another variable.

    What is read for a general step, as `a[l - 1]` is, is read of all but an end; an equation that does not hold for the
    last step has a base case, which reads that step's.
    """
    steps = dict[Symbol, tuple[Expr, Expr] | None]()
    if len(target.index) != len(read.index):
        return None
    for own, other in zip(target.index, read.index, strict=True):
        unknown = [loop.index for loop in loops if own.has(loop.index)] or sorted(other.free_symbols & indices, key=str)
        if not unknown:
            if own != other:
                return None
            continue
        index, within = unknown[0], own.has(unknown[0])
        holder, value = (own, other) if within else (other, own)
        at = _solved(holder, index, value)
        if at is None:
            return None
        if within:
            count = next(loop.count for loop in loops if loop.index == index)
            steps[index] = _meant(at, count) if at.free_symbols & indices else (at, at)
    return [steps.get(loop.index) for loop in loops]


def _meant(step: Expr, count: Expr) -> tuple[Expr, Expr] | None:
    """The steps that are meant by `l + shift` for a general l, of those from 1 to `count`."""
    shift = step.as_coeff_Add()[0]
    return None if not shift else (1 + shift, count) if shift > 0 else (Integer(1), count + shift)


def _solved(holder: Expr, index: Symbol, value: Expr) -> Expr | None:
    """The step in which `holder`, linear in `index`, is `value`; None where none of the steps from 1 is."""
    holder, value = (each.value if isinstance(each, RowIndex) else each for each in (holder, value))
    start = holder.xreplace({index: Integer(0)})
    step = sympy.expand((value - start) / (holder.xreplace({index: Integer(1)}) - start))
    whole = all(number.is_Integer for number in step.as_coefficients_dict().values())
    return step if whole and not step.is_nonpositive else None


def _elements_at(variable: Variable, loops: Sequence[Loop], steps: Steps) -> Expr:
    """The size of a variable, summed over the loops of which all steps are meant."""
    total = size(variable)
    for loop, step in reversed(list(zip(loops, steps, strict=True))):
        total = summed(total, loop.index, *(step or (Integer(1), loop.count)))
    return total


def _made(items: Iterable[Item], loops: tuple[Loop, ...]) -> Iterable[tuple[Variable, tuple[Loop, ...]]]:
    """What the equations make, each with the loops that it stands in."""
    for item in items:
        if isinstance(item, Equation):
            yield item.target, loops
        else:
            yield from _made(item.items, (*loops, item))


def _read(items: Iterable[Item]) -> Iterable[Variable]:
    """What the backward equations read."""
    for equation in equations_in(items):
        yield from variables(equation.expression)


__all__ = ["elements_of", "stored_of"]
