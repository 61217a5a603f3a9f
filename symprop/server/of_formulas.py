"""What the page shows of a question about a formula, stage by stage: answer, steps, code, certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from markupsafe import Markup

from symprop.algebra.declarations import read_declarations
from symprop.algebra.formula import formula_of, inferred_formula
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.analysis.derivation import derive
from symprop.errors import SpecError, SympropError, shown
from symprop.formulas.answer import Answer
from symprop.formulas.answer_blocks import reason
from symprop.formulas.answers import Answers
from symprop.formulas.ask import QUESTIONS, value_of
from symprop.formulas.pages import CONVENTIONS, definitions, facts_of, heading
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
    report_parts,
    shape_of,
    steps_parts,
)

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
    return steps_parts(
        _chain(_name(each, answers), each) for each in answers if asked.name in ("", _name(each, answers))
    )


def _chain(name: str, answer: Answer) -> tuple[str, list[Link], str]:
    listed = seen_steps(answer.result.steps, latex)
    links = [Link((latex(each.after),), each.rule, tuple(map(reason, dict.fromkeys(each.facts)))) for each in listed]
    return name, links, latex(listed[0].before) if listed else ""


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
    names = {f"d{each.result.by[0].name}": _name(each, answers) for each in answers}
    loss = derivation.system.loss
    return diagram_parts(diagram(derivation), names | ({loss.name: "f"} if loss is not None else {}))


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
    return certificate_parts(_together(_answered(asked)).check())


def formula_compared(asked: Asked) -> dict[str, Any]:
    """Return how a line of one's own compares with an answer."""
    return with_answers(_answered(asked), asked)


def formula_report(asked: Asked) -> dict[str, Any]:
    """Return the answer with its steps, source and certificate, as HTML or LaTeX."""
    found = _together(_answered(asked))
    return report_parts(asked.ending, {"html": found.html, "tex": found.document})


def _together(answers: Sequence[Answer]) -> Answer | Answers:
    return answers[0] if len(answers) == 1 else Answers(tuple(answers))


def _answered(asked: Asked) -> list[Answer]:
    """Return the answer by a variable, or those by all where none is named; an error says which field it is about.

    Raises:
        Misplaced: a text, declarations or a variable that cannot be used.
    """
    given = _in_field("where", lambda: read_declarations(asked.where))
    names = [each.name for each in given]
    by = [name.strip() for name in asked.by.split(",")] if asked.by.strip() else []
    wanted: list[str | None] = [*by] or [None]
    if len(by) > 1 and (asked.question != "hessian" or len(by) > 2):
        problem = SpecError(f"{shown(asked.by)} names {len(by)} variables\nallowed: one, or two for a mixed Hessian")
        raise Misplaced("by", problem, names)
    value = value_of(asked.question)
    source = _in_field(
        "text", lambda: formula_of(asked.line, given) if given else inferred_formula(asked.line, value, by), names
    )
    names = [each.name for each in source.variables]
    question = QUESTIONS[asked.question]
    along = [asked.along.strip() or question.direction] if question.direction else []
    wrong = "text" if not by or by[0] in names else "by"
    found = _in_field(wrong, lambda: question.ask(source, *wanted, *along), names)
    return [found] if isinstance(found, Answer) else list(found)


def _in_field(field: str, work: Callable[[], Any], known: Sequence[str] = ()) -> Any:
    try:
        return work()
    except SympropError as problem:
        raise Misplaced(field, problem, known) from None


def _row(name: str, left: str, right: Node, steps: bool = False) -> Formula:
    written = latex(right)
    return Formula(name, None, math(left), (math(written),), shape_of(right), f"{left} = {written}", steps)


def _shapes(declared: Sequence[Variable], node: Node) -> Iterator[Shape]:
    """Yield the arrays, then every operation of the formula, the innermost first."""
    for each in declared:
        yield Shape(math(latex(each)), shape_of(each), "array", Markup("{}").format(facts_of(each)))
    parts = [part for part in dict.fromkeys(reversed(list(walk(node)))) if part.operands]
    for part in parts[:MOST_PARTS]:
        yield Shape(math(latex(part)), shape_of(part), "the formula" if part == node else "part", Markup(""))
    if len(parts) > MOST_PARTS:
        yield Shape(Markup("…"), "", f"{len(parts) - MOST_PARTS:,} more", Markup(""))
