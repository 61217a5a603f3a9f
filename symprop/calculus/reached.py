"""What depends on what, through loops too: a later step of a loop reads what an earlier one made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symprop.algebra.equations import Carry, Equation, Item, Loop, equations_in, loops_in
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import HELD
from symprop.algebra.trees import variables


def dependents(items: Sequence[Item], roots: Iterable[Variable]) -> set[Variable]:
    """Return the roots and every variable whose value depends on one of them."""
    active = set(roots)
    _mark(items, active)
    return active


def _mark(items: Iterable[Item], active: set[Variable]) -> None:
    """Add to `active` what depends on it; a later step of a loop reads what an earlier one made, so loops are read
    until nothing is new."""
    for item in items:
        if isinstance(item, Equation):
            if item.target.role != HELD and any(variable in active for variable in variables(item.expression)):
                active.add(item.target)
            continue
        before = -1
        while len(active) > before:
            before = len(active)
            active |= {rows.row for rows in item.reads if rows.array in active}
            active |= {carry.before for carry in item.carries if {item.start(carry), carry.after} & active}
            _mark(item.items, active)
        active |= {item.end(carry) for carry in item.carries if carry.after in active}
        active |= {rows.array for rows in item.writes if rows.row in active}


def way(items: Sequence[Item], target: Variable, source: Variable) -> list[Equation] | None:
    """Return equations with all ways from `source` to `target`, all outside loops or in one; None where a way leads
    through the steps of a loop."""
    levels = [items, *(loop.items for loop in loops_in(items))]
    for level in levels:
        equations = [item for item in level if isinstance(item, Equation)]
        made = {equation.target for equation in equations}
        if not {target, source} <= made.union(*(variables(equation.expression) for equation in equations)):
            continue
        reached, needed = dependents(level, [source]), {target}
        for equation in reversed(equations):
            if equation.target in needed and equation.target != source:
                needed |= set(variables(equation.expression))
        return equations if needed & reached <= made | {source} else None
    return list(equations_in(items)) if len(levels) == 1 else None


def live(loop: Loop, ends: Iterable[Variable], rows: Iterable[Variable]) -> list[Carry]:
    """The carries that something flows back to: those that are read behind the loop, or that these or the rows need."""
    needed = {*ends, *rows}
    equations, before = loop.equations[::-1], -1
    while len(needed) > before:
        before = len(needed)
        needed |= {carry.after for carry in loop.carries if carry.before in needed}
        for inside in reversed(list(loops_in(loop.items))):
            needed |= _through(inside, needed)
        for equation in equations:
            if equation.target in needed:
                needed |= set(variables(equation.expression))
    return [carry for carry in loop.carries if carry.after in needed]


def _through(loop: Loop, needed: set[Variable]) -> set[Variable]:
    """What a loop inside needs so that it makes what is needed of it."""
    more = {carry.after for carry in loop.carries if loop.end(carry) in needed or carry.before in needed}
    more |= {loop.start(carry) for carry in loop.carries if carry.before in needed}
    more |= {rows.row for rows in loop.writes if rows.array in needed}
    return more | {rows.array for rows in loop.reads if rows.row in needed}


__all__ = ["dependents", "live", "way"]
