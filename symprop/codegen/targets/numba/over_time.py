"""Loops over time as loops of a compiler: a step reads and writes rows of the arrays of all moments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from symprop.algebra.nodes import Node, Slice, Variable
from symprop.codegen.program import Program, Statement
from symprop.codegen.scans import Made, Scan, stacks_of
from symprop.codegen.targets.layout import INDENT, under_formulas
from symprop.codegen.targets.numba.loops import loop_lines
from symprop.codegen.targets.numpy.source import NUMPY
from symprop.codegen.targets.scan_lines import row_source


def kernel_lines(program: Program) -> list[str]:
    """Return the lines that compute all statements of a program number by number, those of loops over time too."""
    stacks = stacks_of(program.statements)

    def lines(statement: Statement) -> list[str]:
        match statement.expression:
            case Scan() as scan:
                return list(_scan_lines(scan, _kept(scan, stacks.get(statement.target, {}))))
            case Made():
                return []
        return loop_lines(statement)

    return under_formulas(program.statements, lines)


def arrays_of(program: Program) -> Iterator[Variable]:
    """Yield what needs memory in a kernel: each result that is no row of the values of all moments."""
    for statement in program.statements:
        if isinstance(scan := statement.expression, Scan):
            steps = scan.steps
            kept = {*steps.stacks, *(after for before, after in _handed_on(scan) if steps.in_place(before, after))}
            yield from (each.target for each in steps.program.forward if each.target not in kept)
            yield from (before for before, after in _handed_on(scan) if not steps.is_row(after))
        else:
            yield statement.target


def _kept(scan: Scan, stacks: Mapping[int, Variable]) -> dict[Variable, Variable]:
    return {variable: stacks[place] for place, variable in enumerate(scan.steps.stacks)}


def _handed_on(scan: Scan) -> Iterable[tuple[Variable, Variable]]:
    return zip(scan.steps.before, scan.steps.after, strict=True)


def _lies_by_time(array: Node) -> bool:
    """Whether the elements of each moment lie one after the other."""
    return isinstance(array.operands[0] if isinstance(array, Slice) and array.axis == 0 else array, Variable)


def _scan_lines(scan: Scan, kept: Mapping[Variable, Variable]) -> Iterator[str]:
    steps = scan.steps
    rows = {row: row_source(array, NUMPY) for row, array in zip(steps.rows, scan.arrays, strict=True)}
    starts = dict(zip(steps.before, scan.starts, strict=True))
    copied = []
    strided = {row for row, array in zip(steps.rows, scan.arrays, strict=True) if not _lies_by_time(array)}
    for before, after in _handed_on(scan):
        if steps.is_row(after):
            yield f"{after.name} = {kept[after].name}[0]"
            yield from loop_lines(Statement(after, starts[before]))
            rows[before] = f"{kept[after].name}[t]"
        else:
            yield from loop_lines(Statement(before, starts[before]))
            if steps.in_place(before, after):
                yield f"{after.name} = {before.name}"
                continue
            copied.append(Statement(before, after))
    rows |= {each: f"{stack.name}[{'t + 1' if steps.has_start(each) else 't'}]" for each, stack in kept.items()}
    yield f"for t in range({f'{steps.count} - 1, -1, -1' if steps.backward else steps.count}):"
    inside = [f"{each.name} = {source}" for each, source in rows.items()]
    inside += under_formulas(steps.program.forward, partial(loop_lines, strided=strided))
    inside += [line for each in copied for line in loop_lines(each, strided)]
    yield from (f"{' ' * INDENT}{line}" for line in inside)


__all__ = ["arrays_of", "kernel_lines"]
