"""How a loop over time is written, in a library whose arrays are written into, or one that has a function for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import Shape, shape_text
from symprop.codegen.program import Statement
from symprop.codegen.scans import Made, Scan, Steps
from symprop.codegen.targets.code import Code, number
from symprop.codegen.targets.dialect import SOURCE, Dialect
from symprop.codegen.targets.layout import COLUMNS, INDENT, laid_out, under_formulas


@SOURCE.row(Scan, Made)
def _(node: Node, write: Dialect) -> Code:
    """What it takes on a line of its own: nothing, for it has lines of its own."""
    return Code("loop")


Write = Callable[[Statement], list[str]]


@dataclass(frozen=True)
class Written:
    """A scan, what its stacks are called (those that are read), and how the lines of a step are written."""

    name: str
    scan: Scan
    stacks: Mapping[Variable, Variable]
    write: Dialect
    lines: Write

    @property
    def steps(self) -> Steps:
        """The steps of the loop."""
        return self.scan.steps

    def body(self, line: Write | None = None) -> list[str]:
        """The lines of a step, each formula above all that computes it."""
        return [f"{' ' * INDENT}{each}" for each in under_formulas(self.steps.program.forward, line or self.lines)]

    def indented(self, *lines: str) -> list[str]:
        """Lines inside the loop."""
        return [f"{' ' * INDENT}{each}" for each in lines]


def scan_lines(name: str, scan: Scan, stacks: Mapping[int, Variable], write: Dialect, lines: Write) -> list[str]:
    """Return the lines of a loop over time; `stacks` says what the values of all steps are called that are read."""
    names = {variable: stacks[place] for place, variable in enumerate(scan.steps.stacks) if place in stacks}
    return list(SCANS[write.library](Written(name, scan, names, write, lines)))


def _in_place(loop: Written) -> Iterable[str]:
    """Rows of arrays, which a step writes."""
    steps, write = loop.steps, loop.write
    alike: dict[Shape, list[str]] = {}
    for variable, name in loop.stacks.items():
        alike.setdefault(steps.of_all(variable), []).append(name.name)
    for shape, names in alike.items():
        shape = shape if len(names) == 1 else (Integer(len(names)), *shape)
        yield f"{', '.join(names)} = {write.name('empty')}({shape_text(shape, lambda size: number(size).text)}, DTYPE)"
    held = dict(zip(steps.after, steps.before, strict=True))
    starts = dict(zip(steps.before, loop.scan.starts, strict=True))
    rows = dict(zip(steps.rows, (row_source(array, write) for array in loop.scan.arrays), strict=True))
    firsts, sources = list[str](), list[str]()
    for after, before in held.items():
        if after in loop.stacks and steps.has_start(after):
            firsts.append(f"{loop.stacks[after].name}[0]")
            rows[before] = f"{loop.stacks[after].name}[t]"
        else:
            firsts.append(before.name)
        sources.append(write.text(starts[before]))
    yield from _assigned(firsts, sources, INDENT)
    order = f"range({steps.count})"
    yield f"for t in {f'reversed({order})' if steps.backward else order}:"
    if rows:
        yield from loop.indented(*_assigned([each.name for each in rows], list(rows.values())))

    read = {each for statement in steps.program.forward for each in statement.reads}
    apart = {after: before for after, before in held.items() if before not in rows}
    handed = {after: before for after, before in apart.items() if after not in read and steps.in_place(before, after)}
    read |= apart.keys()

    def line(statement: Statement) -> list[str]:
        if statement.target in handed:
            return loop.lines(replace(statement, target=handed[statement.target]))
        found = loop.lines(statement)
        kept = loop.stacks.get(statement.target)
        if kept is None:
            return found
        place = "t + 1" if steps.has_start(statement.target) else "t"
        first, *rest = found
        name, equals, right = first.partition(" = ")
        row = f"{kept.name}[{place}]{equals}{right}"
        return [f"{name}{equals}{row}" if statement.target in read else row, *rest]

    yield from loop.body(line)
    for after, before in apart.items():
        if after not in handed:
            yield from loop.indented(f"{before.name} = {after.name}")


def _as_function(loop: Written) -> Iterable[str]:
    """A function of what is carried and of rows, which the library calls again and again."""
    steps, write = loop.steps, loop.write
    kept = list(loop.stacks)
    carried, rows = ([each.name for each in group] for group in (steps.before, steps.rows))
    yield ""
    yield f"def {loop.name}(carried, rows):"
    for names, holder in ((carried, "carried"), (rows, "rows")):
        if names:
            yield from loop.indented(f"{_listed(names)} = {holder}")
    yield from loop.body()
    yield from loop.indented(f"return {_tuple([each.name for each in steps.after])}, {_tuple([k.name for k in kept])}")
    yield ""
    arguments = [
        loop.name,
        _tuple([write.text(each) for each in loop.scan.starts]),
        _tuple([write.text(each) for each in loop.scan.arrays]),
        f"{steps.count}",
        *(["reverse=True"] if steps.backward else []),
    ]
    made = _tuple([loop.stacks[each].name for each in kept])
    for line in laid_out(f"_, {made} = jax.lax.scan(", arguments):
        if len(line) + INDENT > COLUMNS and line == f"    {arguments[2]},":
            yield from ("    (", *(f"        {write.text(each)}," for each in loop.scan.arrays), "    ),")
        else:
            yield line
    starts = dict(zip(steps.after, loop.scan.starts, strict=True))
    for each in kept:
        if steps.has_start(each):
            name, start = loop.stacks[each].name, write.text(n.Expand(starts[each], 0))
            yield f"{name} = {write.name('concatenate')}(({start}, {name}))"


def _as_lists(loop: Written) -> Iterable[str]:
    """Lists, to which a step appends, and which are stacked behind the loop."""
    steps, write = loop.steps, loop.write
    held = dict(zip(steps.after, steps.before, strict=True))
    starts = dict(zip(steps.before, loop.scan.starts, strict=True))
    for before in steps.before:
        yield f"{before.name} = {write.text(starts[before])}"
    for variable, name in loop.stacks.items():
        yield f"{name.name} = [{held[variable].name}]" if steps.has_start(variable) else f"{name.name} = []"
    order = f"range({steps.count})"
    yield f"for t in {f'reversed({order})' if steps.backward else order}:"
    rows = dict(zip(steps.rows, (row_source(array, write) for array in loop.scan.arrays), strict=True))
    if rows:
        yield from loop.indented(*_assigned([each.name for each in rows], list(rows.values())))
    yield from loop.body()
    for variable, name in loop.stacks.items():
        yield from loop.indented(f"{name.name}.append({variable.name})")
    for after, before in held.items():
        yield from loop.indented(f"{before.name} = {after.name}")
    for name in loop.stacks.values():
        yield f"{name.name} = {write.library}.stack({name.name}{'[::-1]' if steps.backward else ''})"


SCANS: dict[str, Callable[[Written], Iterable[str]]] = {"np": _in_place, "jnp": _as_function, "torch": _as_lists}
"""How a loop is written in each library."""


def row_source(array: Node, write: Dialect) -> str:
    """Return the source of row t of an array."""
    match array:
        case n.Slice(operands=(inner,)) if array.axis == 0:
            return f"{write.text(inner)}[{f't + {array.start}' if array.start else 't'}]"
        case n.Transpose(operands=(inner,)) if isinstance(inner, Variable) and array.axes[0] == 1:
            if array.axes[1:] == tuple(axis for axis in range(inner.rank) if axis != 1):
                return f"{write.text(inner)}[:, t]"
    source = write.text(array)
    return f"{source}[t]" if isinstance(array, Variable) else f"({source})[t]"


def _assigned(names: Sequence[str], values: Sequence[str], indent: int = 2 * INDENT) -> list[str]:
    """Return lines that give each name its value, so many on each as fit."""
    lines: list[str] = []
    some, theirs = list[str](), list[str]()
    for name, value in zip(names, values, strict=True):
        together = f"{', '.join((*some, name))} = {', '.join((*theirs, value))}"
        if some and len(together) + indent > COLUMNS:
            lines.append(f"{', '.join(some)} = {', '.join(theirs)}")
            some, theirs = [], []
        some.append(name)
        theirs.append(value)
    return [*lines, f"{', '.join(some)} = {', '.join(theirs)}"] if some else lines


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) > 1 else f"({names[0]},)"


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(items)}{',' * (len(items) == 1)})"


__all__ = ["SCANS", "row_source", "scan_lines"]
