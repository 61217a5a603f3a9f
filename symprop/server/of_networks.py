"""What the page shows of a network, stage by stage: derivation, steps, code, certificate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from symprop.algebra.equations import Equation
from symprop.codegen.case import Case
from symprop.networks.spec import parse_network
from symprop.notation.blocks import EquationRow, Grid, Line, Paragraph, Section
from symprop.notation.content import sections
from symprop.notation.convolutions import Listed
from symprop.notation.diagram import diagram
from symprop.notation.function_notes import definitions as functions
from symprop.notation.html_document import math, words
from symprop.notation.page_blocks import PageWriter
from symprop.notation.terminal import NUMPY
from symprop.reports.report import report
from symprop.server import listing
from symprop.server.asked import Asked
from symprop.server.comparing import with_derivation
from symprop.server.fragments import (
    SCREEN,
    Formula,
    Group,
    Shape,
    certificate_parts,
    derivation_parts,
    diagram_parts,
    report_parts,
    shape_of,
    steps_parts,
)
from symprop.server.limits import seconds_of_checks
from symprop.verify import check

_ANSWER, _GIVEN = ("Backward pass", "Gradients"), ("Forward pass", "Loss")


def network_derivation(asked: Asked) -> dict[str, Any]:
    """Return shapes, equations and LaTeX of a network."""
    case = _case(asked)
    derivation = case.derivation
    writer = PageWriter(derivation, paper=SCREEN)
    found = {section.title: section for section in sections(derivation)}
    answer, given = (
        [group for title in titles if title in found for group in _groups(writer, found[title])]
        for titles in (_ANSWER, _GIVEN)
    )
    given += _readings(writer, found["Convolution"]) if "Convolution" in found else ()
    notes = [
        words(writer.words(sentence))
        for title in ("Network", "Conventions", "Remarks")
        if title in found
        for sentence in found[title].sentences
    ]
    definitions = [math(f"{writer.formula(head)} = {writer.formula(body)}") for head, body in functions(derivation)]
    parts = derivation_parts(list(_shapes(writer, found)), answer, given, [*definitions, *notes])
    return {"kind": "network", "sizes": sorted(case.network.sizes), **parts}


def network_steps(asked: Asked) -> dict[str, Any]:
    """Return the steps that led to one equation, or to all where none is named."""
    derivation = _case(asked).derivation
    named = [derivation.equation(asked.name)] if asked.name else [each for each in derivation.equations if each.steps]
    writer = PageWriter(derivation, paper=SCREEN)
    lines = [Line(derivation.numbers[each.name], each) for each in named]
    return steps_parts((line.equation.name, writer.chain(line).links, "") for line in lines)


def network_diagram(asked: Asked) -> dict[str, Any]:
    """Return the diagram of both passes."""
    return diagram_parts(diagram(_case(asked).derivation), {})


def network_code(asked: Asked) -> dict[str, Any]:
    """Return the NumPy module of a network."""
    case = _case(asked)
    sized = case.with_sizes(_sizes_for(case, asked)).at(dtype=asked.dtype, optimizer=asked.optimizer or None)
    code = listing.of_network(sized.source, case.derivation.numbers)
    return {"source": sized.source, "code": code, "file": "network.py"}


def network_certificate(asked: Asked) -> dict[str, Any]:
    """Return the certificate of a network."""
    case = _case(asked)
    return certificate_parts(check(case, sizes=_sizes_for(case, asked), limit=seconds_of_checks()))


def network_compared(asked: Asked) -> dict[str, Any]:
    """Return how a line of one's own compares with a quantity of a network."""
    return with_derivation(_case(asked).derivation, asked)


def network_report(asked: Asked) -> dict[str, Any]:
    """Return the report on a network, as HTML, LaTeX or Markdown."""
    found = report(_case(asked), dtype=asked.dtype)
    return report_parts(asked.ending, {"html": found.html, "tex": found.latex, "md": found.markdown})


def _case(asked: Asked) -> Case:
    network = parse_network(asked.line)
    return Case(network, asked.layout if asked.layout in network.layouts else "")  # the page's first choice may be none


def _sizes_for(case: Case, asked: Asked) -> dict[str, int]:
    """The numbers that were given, for the names that the network has."""
    names = set(case.network.sizes)
    return {name: number for name, number in asked.sizes if name in names}


def _shapes(writer: PageWriter, found: dict[str, Section]) -> Iterator[Shape]:
    """Yield inputs, targets and parameters, then what the forward pass computes."""
    for block in found["Network"].blocks:
        for row in block.rows if isinstance(block, Grid) else ():
            symbol, space, (role,), known = row.cells
            yield Shape(words(writer.words(symbol)), NUMPY.words(space), str(role), words(writer.words(known)))
    for title in ("Forward pass", "Loss"):
        for line in (line for block in found[title].lines for line in block.lines) if title in found else ():
            target = line.equation.target
            yield Shape(math(writer.formula(target)), shape_of(target), f"equation ({line.number})", Markup(""))


def _groups(writer: PageWriter, section: Section) -> Iterator[Group]:
    """Yield the equations of a section: consecutive single ones together, those of a loop under their heading."""
    for position, block in enumerate(section.lines):
        heading = words(writer.heading(block))
        rows = tuple(_formula(writer, line) for line in block.lines)
        yield Group("" if position else section.title, heading, rows)


def _readings(writer: PageWriter, section: Section) -> Iterator[Group]:
    """Yield the readings of each convolution, under its sizes."""
    title, said = section.title, Markup("")
    for block in section.blocks:
        if isinstance(block, Paragraph):
            said += Markup(" ") + words(writer.words(block.words))
        elif isinstance(block, Grid):
            rows = (Markup(" ").join(words(writer.cell(cell)) for cell in row.cells if cell) for row in block.rows)
            said += Markup("<br>") + Markup("<br>").join(rows)
        elif isinstance(block, Listed):
            heading = said + Markup("<br>") * bool(said) + words(writer.words(block.heading))
            yield Group(title, heading, tuple(_without_number(writer, each) for each in block.equations))
            title, said = "", Markup("")


def _without_number(writer: PageWriter, equation: Equation) -> Formula:
    return _written(writer.unnumbered(equation), equation, None, False)


def _formula(writer: PageWriter, line: Line) -> Formula:
    return _written(writer.row(line), line.equation, line.number, bool(line.equation.steps))


def _written(row: EquationRow, equation: Equation, number: int | None, steps: bool) -> Formula:
    return Formula(
        name=equation.name,
        number=number,
        left=math(row.left),
        right=tuple(map(math, row.right)),
        shape=shape_of(equation.target),
        latex=f"{row.left} = {' '.join(row.right)}",
        steps=steps,
        note=equation.note,
    )
