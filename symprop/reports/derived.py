"""The backward pass of a report: each equation derived where it has its number, then the recurrence in a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from symprop.algebra.equations import Equation
from symprop.algebra.roles import ACTIVATION
from symprop.algebra.trees import variables
from symprop.notation.blocks import Block, Boxed, Chain, EquationRow, Equations, Lines, Paragraph, Section
from symprop.notation.content import section_of
from symprop.notation.documents import both_passes
from symprop.notation.page_blocks import PageWriter
from symprop.reports.general import general_recurrence
from symprop.reports.subject import Subject

ROWS_IN_A_BOX = 14
"""A frame cannot be broken over pages."""
WIDEST_DRAWN = 380
"""Points of a formula in the figure of both passes: a longer one would make all letters too small."""


def derivation(subject: Subject) -> Iterator[Block]:
    """Show how each equation of the backward pass was found, by named steps, and the figure of both passes."""
    writer = subject.writer
    chains = list(_derived(subject, "Backward pass"))
    if not chains:
        return
    yield Paragraph(
        (
            "Each derivative is what the chain rule gives: a transposed Jacobian, applied to what stands behind it; "
            "that of a name is that of its equation, whose other arguments stay. The rules at the right lead from the "
            "line above to the line beside them; what they rest on is said with them.",
        )
    )
    widths = [writer.paper.width(writer.formula(each.expression)) for each in writer.derivation.equations]
    drawn = both_passes(writer) if max(widths) <= WIDEST_DRAWN else None
    if drawn is not None:
        yield drawn
    yield from chains


def _derived(subject: Subject, title: str) -> Iterator[Block]:
    """Derive the equations of a part of the page."""
    yield from derived(subject.writer, subject.steps == "all", section_of(subject.derivation, title).lines)


def derived(writer: PageWriter, whole: bool, blocks: Iterable[Lines]) -> Iterator[Block]:
    """Derive numbered equations in their order, those that follow as one before by a reference to it."""
    found: dict[str, Equation] = {}
    for lines in blocks:
        if words := writer.heading(lines):
            yield Paragraph(words)
        for line in lines.lines:
            first = found.setdefault(_pattern(line.equation, writer, whole), line.equation)
            yield writer.chain(line, None if first is line.equation else first, whole)


def _pattern(equation: Equation, writer: PageWriter, whole: bool) -> str:
    """Return the lines of an equation with its layer's number taken off all numbers, so that like layers are alike.

    That is the first of an index; a second one, of a loop inside a loop, is general in all of them. The network's input
    stands where other layers have what the layer before puts out.
    """
    own = equation.target.index[0] if equation.target.index else None
    if own is None or not equation.steps:
        return equation.name
    system = writer.derivation.system
    outputs = (each.target for each in system.equations if each.target.role == ACTIVATION and each.target.index)
    output = next(outputs, None)
    first = {} if output is None else {x: output.change(index=(0,), shape=x.shape) for x in system.inputs[:1]}
    moves: list[str] = [equation.target.letter]
    for rule, *both in writer.lines(equation, whole):
        for side in both:
            side = side.xreplace(first)
            shifted = {v: v.change(index=(v.index[0] - own, *v.index[1:])) for v in variables(side) if v.index}
            moves.append(writer.formula(side.xreplace(shifted)))
        moves.append(rule)
    return "\n".join(moves)


def recurrence(subject: Subject) -> Iterator[Block]:
    """Put the recurrence in a frame, without its derivation: from the loss to the first layer."""
    found: list[Equations] = []
    lines = 0
    for block in map(subject.writer.equations, section_of(subject.derivation, "Backward pass").lines):
        heading, rows = block.heading, list[EquationRow]()
        for row in block.rows:
            if lines and lines + len(row.right) > ROWS_IN_A_BOX:
                found += [Equations(tuple(rows), heading)] if rows else []
                yield Boxed(tuple(found))
                heading, rows, found, lines = () if rows else heading, [], [], 0
            rows.append(row)
            lines += len(row.right)
        found.append(Equations(tuple(rows), heading))
    if found:
        yield Boxed(tuple(found))
    yield from general_recurrence(subject)


def gradients(subject: Subject) -> Iterable[Block]:
    """Derive the gradients of the parameters, and say what is remarkable of them."""
    yield from _derived(subject, "Gradients")
    yield from map(Paragraph, subject.writer.part("Remarks").sentences)


def labelled_once(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Return sections in which each equation has its label where it stands first."""
    seen: set[str] = set()

    def block(each: Block) -> Block:
        if isinstance(each, Chain):
            seen.add(each.label)
        if isinstance(each, Boxed):
            return replace(each, blocks=tuple(map(equations, each.blocks)))
        return equations(each) if isinstance(each, Equations) else each

    def equations(each: Equations) -> Equations:
        rows = []
        for row in each.rows:
            rows.append(replace(row, is_first=row.label not in seen))
            seen.add(row.label)
        return replace(each, rows=tuple(rows))

    return tuple(replace(section, blocks=tuple(map(block, section.blocks))) for section in sections)
