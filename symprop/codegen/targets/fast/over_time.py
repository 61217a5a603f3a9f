"""Loops over time in a fast step: rows of what is read and made go along, and each step writes into the same memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from symprop.algebra.nodes import Variable
from symprop.codegen.program import Statement
from symprop.codegen.scans import Left, Scan, stacks_of
from symprop.codegen.targets.fast.memory import Plan
from symprop.codegen.targets.layout import COLUMNS, INDENT, laid_out
from symprop.codegen.targets.numpy.source import numpy_source
from symprop.codegen.targets.scan_lines import left_of

StepLines = Callable[[Plan, Iterable[Statement]], list[str]]
"""How the statements of a program with a plan are written."""


def loop_lines(found: Plan, name: Variable, scan: Scan, step_lines: StepLines) -> Iterator[str]:
    """Yield the lines of a loop over time, which the plan knows by its name."""
    steps = scan.steps
    made = stacks_of(found.program.statements).get(name, {})
    stacks = {steps.stacks[place]: stack for place, stack in made.items()}
    starts = dict(zip(steps.before, map(numpy_source, scan.starts), strict=True))
    rows = dict(zip(steps.rows, map(numpy_source, scan.arrays), strict=True))
    for stack in stacks.values():
        yield f"{stack.name} = work.{stack.name}"
    for before, after in zip(steps.before, steps.after, strict=True):
        if steps.is_row(after):
            yield f"{stacks[after].name}[0] = {starts[before]}"
            rows[before] = f"{stacks[after].name}[:-1]"
        else:
            yield f"{before.name} = work.{before.name}"
            yield f"{before.name}[...] = {starts[before]}"
    rows |= {each: f"{stack.name}[1:]" if steps.has_start(each) else stack.name for each, stack in stacks.items()}
    sources = [f"{each}[::-1]" if steps.backward else each for each in rows.values()]
    names = ", ".join(each.name for each in rows)
    if len(rows) == 1:
        yield f"for {names} in {sources[0]}:"
    elif len(names) + len("for  in zip(") + INDENT > COLUMNS:
        yield "for ("
        yield from (f"    {each.name}," for each in rows)
        yield ") in zip("
        yield from (f"    {each}," for each in sources)
        yield "):"
    else:
        yield from laid_out(f"for {names} in zip(", sources, "):")
    for line in step_lines(found.inside[name], steps.program.forward):
        yield f"    {line}"
    for before, after in zip(steps.before, steps.after, strict=True):
        if not steps.is_row(after) and not steps.in_place(before, after):
            yield f"    {before.name}[...] = {found.inside[name].shown.get(after, after).name}"


def left_lines(found: Plan, name: str, left: Left, place: str) -> list[str]:
    """Return the line that takes what the last step of a loop left: where it lies, or copied to a place that it has."""
    steps = found.program.definitions()[left.scan.name].steps
    source = numpy_source(left_of(steps, left.place, stacks_of(found.program.statements).get(left.scan, {})))
    return [f"{place}[...] = {source}" if place else f"{name} = {source}"]


__all__ = ["left_lines", "loop_lines"]
