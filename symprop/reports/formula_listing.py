"""The functions of a report on a formula, as a listing that knows which equation each of its lines computes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sympy import Integer

from symprop.algebra.declarations import declarations_text
from symprop.algebra.definitions import needed_for
from symprop.analysis.flops import operations
from symprop.notation.blocks import Block, CodeLine, Listing, Paragraph, Typed
from symprop.notation.page_blocks import label
from symprop.notation.words import Code, Math, Reference, Words
from symprop.reports.questions import Questions


def code(subject: Questions) -> Iterator[Block]:
    """Show the functions that compute the answers; on paper without comments in other letters than code has."""
    names = {each.result.kind if len(subject.answers) == 1 else each.name: each.name for each in subject.answers}
    found: list[CodeLine] = []
    current = ""
    for line in _with_numbers(subject, names).splitlines():
        if line and not line.startswith((" ", ")")):
            current = names.get(line.removeprefix("def ").partition("(")[0], "")
        found.append(CodeLine(line, (current,) if current and line else (), continues=not line.isascii()))
    shown = [place for place, line in enumerate(found) if line.names]
    lines = subject.source.count("\n")
    yield Paragraph(_costs(subject))
    arrays = Code(declarations_text(subject.formula.variables))
    yield Paragraph(("In NumPy notation, with ", arrays, ", the formula is"))
    yield Typed(subject.formula.text())
    needs = "NumPy and SciPy" if re.search("^(import|from) scipy", subject.source, re.MULTILINE) else "NumPy"
    said = f"The whole module, with the helpers that are called here, has {lines:,} lines and imports {needs} alone."
    yield Listing(tuple(found), (said,), shown[0], shown[-1] + 1)


def _costs(subject: Questions) -> Words:
    """Say how many operations the answers take as they stand."""
    told: list[str | Math | Reference] = []
    for each in subject.answers:
        needed = needed_for(each.node, subject.formula.definitions)
        total = sum((operations(x).total for x in (*(own.expression for own in needed), each.node)), Integer(0))
        answer = Reference(label(each.name), subject.derivation.numbers[each.name])
        told += [", ", answer, " takes ", Math(subject.writer.number(total)), " operations"]
    return ("Equation ", *told[1:], ", each multiplication, addition and function counted as one.")


_RETURNS = re.compile(r'"""Return .*?(,\s+an\s+array\s+of\s+shape\s+\([^)]*\)|,\s+a\s+float)\.', re.DOTALL)


def _with_numbers(subject: Questions, names: Mapping[str, str]) -> str:
    """Return the source, whose functions say the numbers of the answers in place of their formulas."""
    head, *parts = re.split(r"^(?=def )", subject.source, flags=re.MULTILINE)
    for place, part in enumerate(parts):
        name = names.get(part.removeprefix("def ").partition("(")[0], "")
        if name:
            told = f'"""Return equation ({subject.derivation.numbers[name]})'
            found = _RETURNS.search(part)
            shape = "" if found is None else " ".join(found[1].split())
            parts[place] = _RETURNS.sub(f"{told}{shape}.", part, count=1)
    return "".join((head, *parts))
