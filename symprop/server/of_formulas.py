"""What the page shows of a question about a formula, stage by stage: answer, steps, code, certificate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from markupsafe import Markup

from symprop.algebra.declarations import check_declared, read_declarations, shapes_of
from symprop.algebra.formula import Formula as Source
from symprop.algebra.formula import inferred_formula
from symprop.algebra.latex.formulas import declarations_of, latex_formula_of
from symprop.algebra.latex.tokens import is_latex
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.reading.statements import names_read
from symprop.algebra.trees import walk
from symprop.analysis.derivation import derive
from symprop.errors import SpecError, SympropError, shown
from symprop.formulas.answer import Answer
from symprop.formulas.answer_blocks import reason
from symprop.formulas.answers import Answers
from symprop.formulas.ask import QUESTIONS, value_of
from symprop.formulas.pages import CONVENTIONS, definitions, facts_of, heading
from symprop.formulas.stages import stages
from symprop.notation.blocks import Link
from symprop.notation.content import seen_steps
from symprop.notation.diagram import diagram
from symprop.notation.html_document import math
from symprop.notation.latex import latex
from symprop.server import listing
from symprop.server.asked import Asked, Misplaced
from symprop.server.comparing import with_answers
from symprop.server.fragments import (
    Formula,
    Group,
    Shape,
    certificate_parts,
    derivation_parts,
    diagram_parts,
    pieces,
    report_parts,
    shape_of,
    steps_parts,
)
from symprop.server.limits import seconds_of_checks

MOST_PARTS = 60
"""How many operations of a formula the table of shapes lists."""


def formula_derivation(asked: Asked) -> dict[str, Any]:
    """Return shapes, answers and LaTeX of a question about a formula."""
    answers = _answered(asked)
    formula = answers[0].result.formula
    found, body = zip(*(definitions(each.result) for each in answers), strict=True)
    own = [_row(each.name, latex(each.target), each.expression) for each in formula.definitions]
    groups = [Group("", Markup(""), (*own, _row("f", formula.name, formula.node)))]
    for answer, named, written in zip(answers, found, body, strict=True):
        result = answer.result
        name = _name(answer, answers)
        title = result.kind.capitalize() if len(result.kind) > 3 else result.kind.upper()
        row = _row(name, heading(result, "latex"), written, steps=bool(result.steps))
        groups.append(Group(title if answer is answers[0] else "", Markup(""), (row,)))
        if named:
            rows = tuple(_row(each.name, latex(each.target), each.expression) for each in named)
            groups.append(Group("", Markup("where"), rows))
    said = list(_said(answers))
    parts = derivation_parts(
        list(_shapes(answers[0].variables, formula.node)), groups, [], [CONVENTIONS[answers[0].result.kind], *said]
    )
    return {
        "kind": "formula",
        "by": ", ".join(dict.fromkeys(each.name for answer in answers for each in answer.result.by)),
        "names": [each.name for each in formula.variables],
        "readings": formula.readings,
        "text": "\n".join(each.text() for each in answers),
        **parts,
    }


def _said(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield what was used for the answers and what follows from them; of several answers each on a line of its own."""
    for each in answers:
        told = (*each.ledger, *each.remarks)
        if len(answers) == 1:
            yield from told
        elif told:
            yield f"with respect to {each.result.by[0].name}: {'; '.join(told)}"


def formula_steps(asked: Asked) -> dict[str, Any]:
    """Return the steps that led to one answer, or to all where none is named."""
    answers = _answered(asked)
    named = ((_name(each, answers), each) for each in answers)
    return steps_parts(chain for name, each in named if asked.name in ("", name) for chain in _chains(name, each))


def _chains(name: str, answer: Answer) -> Iterator[tuple[str, list[Link], str]]:
    """Yield the steps by what they work out, the left side before the first where that is not the answer alone."""
    found = stages(answer.result)
    for stage in found:
        listed = seen_steps(stage.steps, latex)
        links = [
            Link(pieces(latex(each.after)), each.rule, tuple(map(reason, dict.fromkeys(each.facts)))) for each in listed
        ]
        start = latex(stage.steps[0].before)
        yield name, links, f"{stage.left} = {start}" if len(found) > 1 else start
    if not found:
        yield name, [], ""


def _name(answer: Answer, answers: Sequence[Answer]) -> str:
    """What an answer is called in the page, as in the code: `gradient`, or `gradient_x` where there are several."""
    result = answer.result
    return result.kind if len(answers) == 1 else f"{result.kind}_{result.by[0].name}"


def formula_diagram(asked: Asked) -> dict[str, Any]:
    """Return the diagram of a scalar formula, operation by operation, with its derivatives; of others there is none."""
    answers = _answered(asked)
    formula = answers[0].result.formula
    if formula.node.shape:
        return {"diagram": ""}
    derivation = derive(formula)
    gradients = answers if asked.question == "gradient" else ()
    names = {f"d{each.result.by[0].name}": _name(each, answers) for each in gradients}
    loss = str(derivation.system.loss)
    drawn = re.sub(r"<tspan[^>]*>\(\d+\)</tspan>", "", diagram(derivation))  # the page of a formula has no numbers
    if (loss, formula.name) == ("L", "f"):  # the formula is no loss, and is called f all over the page
        drawn = drawn.replace(">L</tspan>", ">f</tspan>")
    return diagram_parts(drawn, names | {loss: "f"})


def formula_code(asked: Asked) -> dict[str, Any]:
    """Return the NumPy function of an answer, or those of all answers."""
    answers = _answered(asked)
    source = _together(answers).numpy(asked.dtype)
    own = [
        *answers[0].result.formula.definitions,
        *(named for each in answers for named in definitions(each.result)[0]),
    ]
    code = listing.of_formula(source, {_name(each, answers) for each in answers} | {each.name for each in own})
    return {"source": source, "code": code, "file": f"{answers[0].result.kind}.py"}


def formula_certificate(asked: Asked) -> dict[str, Any]:
    """Return the certificate of an answer, or that of all answers."""
    return certificate_parts(_together(_answered(asked)).check(limit=seconds_of_checks()))


def formula_compared(asked: Asked) -> dict[str, Any]:
    """Return how a line of one's own compares with an answer."""
    return with_answers(_answered(asked), asked)


def formula_report(asked: Asked) -> dict[str, Any]:
    """Return the answer with its steps, source and certificate, as HTML, LaTeX or Markdown."""
    found = _together(_answered(asked))
    return report_parts(asked.ending, {"html": found.html, "tex": found.document, "md": found.markdown})


def _together(answers: Sequence[Answer]) -> Answer | Answers:
    return answers[0] if len(answers) == 1 else Answers(tuple(answers))


def _answered(asked: Asked) -> list[Answer]:
    """Return the answers by the variables that are named, or by all where none is; two name a mixed Hessian.

    Raises:
        Misplaced: a text, declarations or a variable that cannot be used, with the field that it is about.
    """
    by = [name.strip() for name in asked.by.split(",")] if asked.by.strip() else []
    source = _source(asked, by)
    names = [each.name for each in source.variables]
    question = QUESTIONS[asked.question]
    mixed = asked.question == "hessian" and len(by) == 2
    if not mixed and len(set(by)) < len(by):
        raise Misplaced("by", SpecError(f"{shown(asked.by)} names a variable twice\nallowed: each once"), names)
    along = [asked.along.strip() or question.direction] if question.direction else []
    each: tuple[str | None, ...] = tuple(by) or (None,)
    questions = [each] if mixed else [(name,) for name in each]
    found: list[Answer] = []
    for wanted in questions:
        wrong = "text" if wanted[0] is None or wanted[0] in names else "by"
        answer = _in_field(wrong, partial(question.ask, source, *wanted, *along), names)
        found += [answer] if isinstance(answer, Answer) else answer
    return found


def _source(asked: Asked, by: Sequence[str]) -> Source:
    """Read the formula, as text or LaTeX, and its declarations."""
    declarations = _in_field("where", lambda: declarations_of(asked.where))
    given = _in_field("where", lambda: read_declarations(declarations))
    value = value_of(asked.question)
    if is_latex(asked.line):
        reading = partial(latex_formula_of, asked.line, declarations, {}, value)
    else:
        reading = partial(inferred_formula, asked.line, value, by, given)
    read: Source = _in_field("text", reading, [each.name for each in given])
    names = (*names_read(read.source), *by, asked.along.strip())
    _in_field("where", lambda: check_declared(shapes_of(given), names))
    return read


def _in_field(field: str, work: Callable[[], Any], known: Sequence[str] = ()) -> Any:
    try:
        return work()
    except SympropError as problem:
        raise Misplaced(field, problem, known) from None


def _row(name: str, left: str, right: Node, steps: bool = False) -> Formula:
    written = latex(right)
    return Formula(
        name, None, math(left), tuple(map(math, pieces(written, left))), shape_of(right), f"{left} = {written}", steps
    )


def _shapes(declared: Sequence[Variable], node: Node) -> Iterator[Shape]:
    """Yield the arrays, then every operation of the formula, the innermost first."""
    for each in declared:
        yield Shape(math(latex(each)), shape_of(each), "array", Markup("{}").format(facts_of(each)))
    parts = [part for part in dict.fromkeys(reversed(list(walk(node)))) if part.operands]
    for part in parts[:MOST_PARTS]:
        yield Shape(math(latex(part)), shape_of(part), "the formula" if part == node else "part", Markup(""))
    if len(parts) > MOST_PARTS:
        yield Shape(Markup("…"), "", f"{len(parts) - MOST_PARTS:,} more", Markup(""))
