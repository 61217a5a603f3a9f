"""How a loop over time is written, in a library whose arrays are written into, or one that has a function for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import Shape, shape_text
from symprop.codegen.program import Statement
from symprop.codegen.scans import Left, Made, OfSteps, Scan, Steps, stacks_of
from symprop.codegen.targets.code import Code, number
from symprop.codegen.targets.dialect import SOURCE, Dialect
from symprop.codegen.targets.layout import COLUMNS, INDENT, laid_out, under_formulas


@SOURCE.row(Scan, OfSteps)
def _(node: Node, write: Dialect) -> Code:
    """What it takes on a line of its own: nothing, for it has lines of its own."""
    return Code("loop")


Write = Callable[[Statement, int], list[str]]
"""How a statement is written at an indent."""


@dataclass(frozen=True)
class Written:
    """A scan, what its stacks are called (those that are read), and how the lines of a step are written."""

    name: str
    scan: Scan
    stacks: Mapping[Variable, Variable]
    write: Dialect
    write_line: Write
    indent: int
    is_left: bool
    """Whether what the last step hands on is read."""

    @property
    def steps(self) -> Steps:
        """The steps of the loop."""
        return self.scan.steps

    def lines(self, statement: Statement) -> list[str]:
        """The lines of a statement of a step."""
        return self.write_line(statement, self.indent + INDENT)

    def body(self, line: Callable[[Statement], list[str]] | None = None) -> list[str]:
        """The lines of a step, each formula above all that computes it."""
        found = lines_with_scans(
            self.steps.program.forward, self.write, self.write_line, self.indent + INDENT, line or self.lines
        )
        return self.indented(*found)

    def indented(self, *lines: str) -> list[str]:
        """Lines inside the loop."""
        return [f"{' ' * INDENT}{each}" if each else each for each in lines]


def lines_with_scans(
    statements: Sequence[Statement],
    write: Dialect,
    write_line: Write,
    indent: int = INDENT,
    line: Callable[[Statement], list[str]] | None = None,
) -> list[str]:
    """Return the lines of statements, loops over time among them, each formula above all that computes it.

    `line` writes what is no loop.
    """
    stacks = stacks_of(statements)
    loops = {each.target: each.expression for each in statements if isinstance(each.expression, Scan)}
    left = {each.expression.scan for each in statements if isinstance(each.expression, Left)}

    def one(statement: Statement) -> list[str]:
        match statement.expression:
            case Scan() as scan:
                names = stacks.get(statement.target, {})
                kept = {each: names[place] for place, each in enumerate(scan.steps.stacks) if place in names}
                is_left = statement.target in left
                loop = Written(statement.name, scan, kept, write, write_line, indent, is_left)
                return list(SCANS[write.library](loop))
            case Left(scan=name, place=place):
                of_all = write.library == "np"
                found = left_of(loops[name].steps, place, stacks.get(name, {}) if of_all else {})
                statement = statement.with_expression(found)
            case Made():
                return []
        return line(statement) if line else write_line(statement, indent)

    return under_formulas(statements, one)


def left_of(steps: Steps, place: int, stacks: Mapping[int, Variable]) -> Node:
    """Return what holds what the last step of a loop hands on: the last row of all values, or where a step finds it."""
    after, before = steps.after[place], steps.before[place]
    stack = next((name for at, name in stacks.items() if steps.stacks[at] == after), None)
    if stack is None or not steps.has_start(after):
        return before
    return n.Reshape(n.Slice(stack, 0, steps.count, steps.count + 1), before.shape)


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
    index = steps.index
    rows = dict(zip(steps.rows, (row_source(array, write, index) for array in loop.scan.arrays), strict=True))
    firsts, sources = list[str](), list[str]()
    for after, before in held.items():
        if after in loop.stacks and steps.has_start(after):
            firsts.append(f"{loop.stacks[after].name}[0]")
            rows[before] = f"{loop.stacks[after].name}[{index}]"
        else:
            firsts.append(before.name)
        sources.append(write.text(starts[before]))
    yield from _assigned(firsts, sources, loop.indent)
    order = f"range({steps.count})"
    yield f"for {index} in {f'reversed({order})' if steps.backward else order}:"
    if rows:
        yield from loop.indented(*_assigned([each.name for each in rows], list(rows.values()), loop.indent + INDENT))

    read = {each for statement in steps.program.forward for each in statement.reads}
    apart = {after: before for after, before in held.items() if before not in rows}
    handed = {
        after: before
        for after, before in apart.items()
        if after not in read and steps.in_place(before, after, named=True)
    }
    read |= apart.keys()

    def line(statement: Statement) -> list[str]:
        if statement.target in handed:
            return loop.lines(replace(statement, target=handed[statement.target]))
        found = loop.lines(statement)
        kept = loop.stacks.get(statement.target)
        if kept is None:
            return found
        place = f"{index} + 1" if steps.has_start(statement.target) else index
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
    left = _tuple(carried) if loop.is_left else "_"
    tuples = {
        f"    {text},": nodes for text, nodes in zip(arguments[1:3], (loop.scan.starts, loop.scan.arrays), strict=True)
    }
    for line in laid_out(f"{left}, {made} = jax.lax.scan(", arguments, indent=loop.indent):
        if len(line) + loop.indent > COLUMNS and line in tuples:
            yield from ("    (", *(f"        {write.text(each)}," for each in tuples[line]), "    ),")
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
    yield f"for {steps.index} in {f'reversed({order})' if steps.backward else order}:"
    arrays = (row_source(array, write, steps.index) for array in loop.scan.arrays)
    rows = dict(zip(steps.rows, arrays, strict=True))
    if rows:
        yield from loop.indented(*_assigned([each.name for each in rows], list(rows.values()), loop.indent + INDENT))
    yield from loop.body()
    for variable, name in loop.stacks.items():
        yield from loop.indented(f"{name.name}.append({variable.name})")
    for after, before in held.items():
        yield from loop.indented(f"{before.name} = {after.name}")
    for name in loop.stacks.values():
        yield f"{name.name} = {write.library}.stack({name.name}{'[::-1]' if steps.backward else ''})"


SCANS: dict[str, Callable[[Written], Iterable[str]]] = {"np": _in_place, "jnp": _as_function, "torch": _as_lists}
"""How a loop is written in each library."""


def row_source(array: Node, write: Dialect, index: str) -> str:
    """Return the source of a row of an array, that of a moment or of a window."""
    match array:
        case n.Slice(operands=(inner,)) if array.axis == 0:
            return f"{write.text(inner)}[{f'{index} + {array.start}' if array.start else index}]"
        case n.Transpose(operands=(Variable() as inner,)) if array.axes == (1, 0, *range(2, inner.rank)):
            return f"{write.text(inner)}[:, {index}]"
        case n.Reshape() | n.Transpose(operands=(n.Reshape(),)) if index == "window":
            return _window_source(array, write)
    source = write.text(array)
    return f"{source}[{index}]" if isinstance(array, Variable) else f"({source})[{index}]"


def _window_source(array: Node, write: Dialect) -> str:
    """Return the source of a window of an array, whose moments lie along an axis that is split."""
    axis, split = array.order[0], array.untransposed
    inner, every, start = split.operands[0], split.shape[axis + 1], Integer(0)
    if isinstance(inner, n.Slice) and inner.axis == axis:
        inner, start = inner.operands[0], inner.start
    first = "window" if every == 1 else f"{every} * window"
    ends = [f"{first} + {more}" if more else first for more in (start, start + every)]
    return f"{write.text(inner)}[{':, ' * axis}{' : '.join(ends)}]"


def _assigned(names: Sequence[str], values: Sequence[str], indent: int) -> list[str]:
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


__all__ = ["SCANS", "left_of", "lines_with_scans", "row_source"]
