"""The generated module as a listing that knows which equation each of its lines computes.

Above each statement the generator writes the equation that it computes, under its number. That is what is read here:
a line belongs to the equation above it, up to the next one or an empty line.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from symprop.algebra.shapes import shape_text
from symprop.notation.blocks import CodeLine, Listing
from symprop.notation.page_blocks import PageWriter, label
from symprop.notation.words import Math, Words
from symprop.reports.subject import Subject

_EQUATION = re.compile(r"( *)# \((\d+)\) ")
_CONTINUED = re.compile(r" *#     \S")


def code_lines(source: str, subject: Subject) -> Listing:
    """Return a module as a listing: comments with equations as formulas, in the form of a batch in rows."""
    names = {number: name for name, number in subject.derivation.numbers.items()}
    writer = PageWriter(subject.case.rows.derivation, subject.notation, subject.paper)
    lines = tuple(_lines(source, names, writer))
    first = next(place for place, line in enumerate(lines) if line.text.startswith("def backward("))
    last = next(place for place in range(first + 1, len(lines)) if lines[place].text.startswith(("def ", "class ")))
    return Listing(lines, _caption(subject, source), first, last)


def _caption(subject: Subject, source: str) -> Words:
    said: list[str | Math] = ["Each equation stands above its lines of code, under its number"]
    if subject.layout != "rows":
        said += [", for a batch of ", Math("m"), " examples, one in each row"]
    return (*said, f". The whole module has {source.count(chr(10)):,} lines and imports NumPy alone.")


def equations_of_lines(source: str, known: Container[int]) -> Iterator[tuple[str, int]]:
    """Yield the lines of a module, each with the number of the known equation that it computes, or 0.

    >>> list(equations_of_lines("# (1) z = W x\\nz = W @ x\\n\\nreturn z", {1}))
    [('# (1) z = W x', 1), ('z = W @ x', 1), ('', 0), ('return z', 0)]
    """
    number = 0
    for line in source.splitlines():
        found = _EQUATION.match(line)
        if found and int(found[2]) in known:
            number = int(found[2])
        elif not line.strip():
            number = 0
        yield line, number


def _lines(source: str, names: dict[int, str], writer: PageWriter) -> Iterator[CodeLine]:
    in_formula = False
    for line, number in equations_of_lines(source, names):
        current, found = names.get(number, ""), _EQUATION.match(line)
        if found and int(found[2]) == number:
            in_formula = True
            yield _formula_line(line, found[1], current, number, writer)
        elif in_formula and _CONTINUED.match(line):
            yield CodeLine(line, (current,), number, label(current), continues=True)
        else:
            in_formula = False
            yield CodeLine(line, (current,) if current else ())


def _formula_line(line: str, indent: str, name: str, number: int, writer: PageWriter) -> CodeLine:
    equation = writer.derivation.equation(name)
    pieces = writer.pieces(writer.wording.equation(equation))
    shape = shape_text(equation.target.shape)
    return CodeLine(line, (name,), number, label(name), pieces, shape, indent)
