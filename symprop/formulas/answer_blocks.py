"""Answers as blocks: what notebooks show, and a page of HTML in one file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from symprop.algebra.equations import Equation, Step
from symprop.algebra.shapes import shape_text
from symprop.algebra.steps import Steps
from symprop.formulas.pages import CONVENTIONS, answer_rows, definitions, facts_of, heading
from symprop.formulas.result import Result
from symprop.notation.blocks import (
    Block,
    Bullets,
    Chain,
    CodeLine,
    EquationRow,
    Equations,
    Grid,
    GridRow,
    Link,
    Listing,
    Paragraph,
    Section,
    Typed,
)
from symprop.notation.content import name_of, seen_steps
from symprop.notation.html_document import html_document
from symprop.notation.latex import latex
from symprop.notation.latex_document import Looks, document
from symprop.notation.markdown_document import markdown_document
from symprop.notation.notebook_blocks import displayed
from symprop.notation.notebooks import STEP_BLOCKS, cut, grid
from symprop.notation.pretty import pretty_shape
from symprop.notation.text import text
from symprop.notation.words import Code, Math, Words

if TYPE_CHECKING:
    from symprop.verify.certificate import Certificate


def answer_formula(result: Result) -> str:
    """Return an answer as LaTeX between dollar signs; its repeated parts have names, defined behind it."""
    found, body = definitions(result)
    *front, last = cut(latex(body))
    where = r", \quad ".join(each.latex() for each in (*result.formula.definitions, *found))
    return displayed([*front, last + (rf" \qquad \text{{where }} {where}" if where else "")], heading(result, "latex"))


@STEP_BLOCKS.row(Result)
def _(result: Result, steps: Steps) -> tuple[Block, ...]:
    shape = pretty_shape(result.node.shape)
    row = EquationRow(heading(result, "latex"), cut(latex(result.node)), shape=shape)
    return Equations((row,)), _derived(result, steps)


def _derived(result: Result, steps: Iterable[Step]) -> Chain | Paragraph:
    """The steps that led to an answer."""
    kept = seen_steps(steps, latex)
    if not kept:
        return Paragraph(("by definition",))
    links = tuple(
        Link(cut(latex(step.after)), step.rule, tuple(map(reason, dict.fromkeys(step.facts)))) for step in kept
    )
    return Chain(heading(result, "latex"), cut(latex(kept[0].before)), links)


def reason(fact: str | Equation) -> Words:
    """Return a fact that a step used as words."""
    return (fact,) if isinstance(fact, str) else (Math(fact.latex()),)


def answers_html(results: Sequence[Result], source: str, certificate: Certificate) -> str:
    """Return an answer, or those by several variables, as an HTML page in one file: with steps, source, certificate."""
    return html_document(_sections(results, source, certificate), _title(results))


def answers_document(results: Sequence[Result], source: str, certificate: Certificate) -> str:
    """Return the same as a complete LaTeX document."""
    kind = results[0].kind
    return document(_sections(results, _on_paper(source, kind), certificate), _title(results), Looks())


def _on_paper(source: str, kind: str) -> str:
    """Return the functions of the answers alone, in letters that every typesetter has: formulas stand above, set."""
    functions = [part for part in source.split("\n\n\n") if part.startswith(f"def {kind}")]
    lines = [_RETURNED.sub(r"\1the answer", line) for line in "\n\n\n".join(functions).splitlines()]
    return "\n".join(line for line in lines if line.isascii())


_RETURNED = re.compile(r"(Return ).*?(?=, an array|, a number|\.$)")
"""The formula in the first line of a function's docstring."""


def answers_markdown(results: Sequence[Result], source: str, certificate: Certificate) -> str:
    """Return the same as Markdown with LaTeX."""
    return markdown_document(_sections(results, source, certificate), _title(results))


def _title(results: Sequence[Result]) -> str:
    by = dict.fromkeys(each.name for result in results for each in result.by)
    kind = results[0].kind
    return f"{kind[:1].upper()}{kind[1:]} with respect to {', '.join(by)}"


def _sections(results: Sequence[Result], source: str, certificate: Certificate) -> tuple[Section, ...]:
    blocks: dict[str, Iterable[Block]] = {"Formula": _declared(results[0])}
    if len(results) == 1:
        (result,) = results
        blocks |= {"Answer": _answered(result), "Steps": (_derived(result, result.steps),)}
    else:
        for each in results:
            title = f"{each.kind[:1].upper()}{each.kind[1:]} with respect to {each.by[0].name}"
            blocks[title] = (*_answered(each), _derived(each, each.steps))
    blocks["NumPy"] = (Listing(tuple(map(CodeLine, source.splitlines()))),)
    blocks["Certificate"] = _checked(certificate)
    return tuple(Section(name, name_of(name), tuple(found)) for name, found in blocks.items())


def _declared(result: Result) -> Iterator[Block]:
    yield Typed(result.formula.source)
    for place, reading in enumerate(result.formula.readings):
        yield Paragraph(("or " if place else "read as ", Code(reading)))
    rows = (((Code(x.name),), (shape_text(x.shape),), (facts_of(x),)) for x in result.variables)
    yield grid(("array", "shape", "known"), rows)


def _answered(result: Result) -> Iterator[Block]:
    yield Equations(
        tuple(
            EquationRow(left, cut(latex(right)), shape=shape_text(right.shape))
            for left, right in answer_rows(result, "latex")
        )
    )
    yield Paragraph(("NumPy: ", Code(text(result.node))))
    yield Paragraph(("LaTeX: ", Code(latex(result.node))))
    yield Bullets(tuple((said,) for said in (CONVENTIONS[result.kind], *result.ledger, *result.remarks)), boxed=True)


def _checked(certificate: Certificate) -> Iterator[Block]:
    head = ("of", "oracle", "points", "error", "limit", "", "note")
    rows = (
        GridRow(tuple((cell,) for cell in row.cells), tone="ok" if row.ok else "failed") for row in certificate.rows
    )
    yield Grid(tuple((title,) for title in head), tuple(rows), ("l",) * len(head))
    yield from (Paragraph((said,)) for said in (certificate.summary, *certificate.remarks))
