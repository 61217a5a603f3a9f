"""Loops over time as loops of a compiler: a step reads and writes rows of the arrays of all moments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from symprop.algebra.nodes import Node, Slice, Variable
from symprop.codegen.program import Program, Statement
from symprop.codegen.scans import Left, Made, Scan, stacks_of
from symprop.codegen.targets.layout import INDENT, under_formulas
from symprop.codegen.targets.numba.loops import loop_lines
from symprop.codegen.targets.numpy.source import NUMPY, numpy_source
from symprop.codegen.targets.scan_lines import left_of, row_source


def kernel_lines(program: Program) -> list[str]:
    """Return the lines that compute all statements of a program number by number, those of loops over time too."""
    return _lines(tuple(program.statements))


def _lines(statements: Sequence[Statement], strided: Collection[Node] = (), placed: Collection[Node] = ()) -> list[str]:
    """Return the lines of statements; what is `placed` has memory that is written, where others are names of it."""
    stacks = stacks_of(statements)
    scans = {each.target: each.expression for each in statements if isinstance(each.expression, Scan)}

    def lines(statement: Statement) -> list[str]:
        match statement.expression:
            case Scan() as scan:
                return list(_scan_lines(scan, _kept(scan, stacks.get(statement.target, {}))))
            case Left(scan=name, place=place):
                left = left_of(scans[name].steps, place, stacks.get(name, {}))
                if statement.target not in placed:
                    return [f"{statement.name} = {numpy_source(left)}"]
                return loop_lines(statement.with_expression(left), strided)
            case Made():
                return []
        return loop_lines(statement, strided)

    return under_formulas(statements, lines)


def arrays_of(program: Program) -> Iterator[Variable]:
    """Yield what needs memory in a kernel: each result that is no row of the values of all moments."""
    for statement in program.statements:
        if isinstance(scan := statement.expression, Scan):
            steps = scan.steps
            placed = _placed(scan)
            yield from (each for each in arrays_of(steps.program) if each not in placed)
            yield from (before for before, after in _handed_on(scan) if not steps.is_row(after))
        elif not isinstance(statement.expression, Left):
            yield statement.target


def _placed(scan: Scan) -> set[Variable]:
    """What a step writes into a row, or where the step before left something."""
    steps = scan.steps
    return {*steps.stacks, *(after for before, after in _handed_on(scan) if steps.in_place(before, after))}


def _kept(scan: Scan, stacks: Mapping[int, Variable]) -> dict[Variable, Variable]:
    return {variable: stacks[place] for place, variable in enumerate(scan.steps.stacks)}


def _handed_on(scan: Scan) -> Iterable[tuple[Variable, Variable]]:
    return zip(scan.steps.before, scan.steps.after, strict=True)


def _lies_by_time(array: Node) -> bool:
    """Whether the elements of each moment lie one after the other."""
    return isinstance(array.operands[0] if isinstance(array, Slice) and array.axis == 0 else array, Variable)


def _scan_lines(scan: Scan, kept: Mapping[Variable, Variable]) -> Iterator[str]:
    steps = scan.steps
    rows = {row: row_source(array, NUMPY, steps.index) for row, array in zip(steps.rows, scan.arrays, strict=True)}
    starts = dict(zip(steps.before, scan.starts, strict=True))
    copied = []
    strided = {row for row, array in zip(steps.rows, scan.arrays, strict=True) if not _lies_by_time(array)}
    for before, after in _handed_on(scan):
        if steps.is_row(after):
            yield f"{after.name} = {kept[after].name}[0]"
            yield from loop_lines(Statement(after, starts[before]))
            rows[before] = f"{kept[after].name}[{steps.index}]"
        else:
            yield from loop_lines(Statement(before, starts[before]))
            if steps.in_place(before, after):
                yield f"{after.name} = {before.name}"
                continue
            copied.append(Statement(before, after))
    places = {each: f"{steps.index} + 1" if steps.has_start(each) else steps.index for each in kept}
    rows |= {each: f"{stack.name}[{places[each]}]" for each, stack in kept.items()}
    order = f"{steps.count} - 1, -1, -1" if steps.backward else steps.count
    yield f"for {steps.index} in range({order}):"
    inside = [f"{each.name} = {source}" for each, source in rows.items()]
    inside += _lines(steps.program.forward, strided, _placed(scan))
    inside += [line for each in copied for line in loop_lines(each, strided)]
    yield from (f"{' ' * INDENT}{line}" for line in inside)


__all__ = ["arrays_of", "kernel_lines"]
