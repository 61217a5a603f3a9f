"""What the page shows of a question about a formula, stage by stage: answer, steps, code, certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from markupsafe import Markup

from symprop.algebra.declarations import read_declarations
from symprop.algebra.formula import formula_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.errors import SpecError, SympropError, shown
from symprop.formulas.answer import Answer
from symprop.formulas.answer_blocks import reason
from symprop.formulas.ask import QUESTIONS
from symprop.formulas.pages import CONVENTIONS, definitions, facts_of, heading
from symprop.notation.blocks import Link
from symprop.notation.content import seen_steps
from symprop.notation.html_document import math
from symprop.notation.latex import latex
from symprop.server.asked import Asked
from symprop.server.fragments import (
    Formula,
    Group,
    Shape,
    certificate_parts,
    derivation_parts,
    shape_of,
    steps_parts,
)

MOST_PARTS = 60
"""How many operations of a formula the table of shapes lists."""


class Misplaced(Exception):
    """An error of one field of the page."""

    def __init__(self, field: str, problem: SympropError, known: Sequence[str] = ()) -> None:
        super().__init__(str(problem))
        self.field, self.problem, self.known = field, problem, tuple(known)


def formula_derivation(asked: Asked) -> dict[str, Any]:
    """Return shapes, answer and LaTeX of a question about a formula."""
    answer = _answered(asked)
    result = answer.result
    found, body = definitions(result)
    rows = [
        _row("f", "f", result.formula.node),
        _row(result.kind, heading(result, "latex"), body, steps=bool(result.steps)),
        *(_row(each.name, latex(each.target), each.expression) for each in found),
    ]
    groups = [
        Group("Formula", Markup(""), tuple(rows[:1])),
        Group(result.kind.capitalize() if len(result.kind) > 3 else result.kind.upper(), Markup(""), (rows[1],)),
    ]
    if found:
        groups.append(Group("", Markup("where"), tuple(rows[2:])))
    parts = derivation_parts(
        list(_shapes(result.variables, result.formula.node)),
        groups,
        [CONVENTIONS[result.kind], *result.ledger, *result.remarks],
    )
    return {
        "kind": "formula",
        "by": ", ".join(dict.fromkeys(each.name for each in result.by)),
        "names": [each.name for each in result.formula.variables],
        "text": answer.text(),
        **parts,
    }


def formula_steps(asked: Asked) -> dict[str, Any]:
    """Return the steps that led to an answer."""
    result = _answered(asked).result
    listed = seen_steps(result.steps, latex)
    links = [Link((latex(each.after),), each.rule, tuple(map(reason, dict.fromkeys(each.facts)))) for each in listed]
    return steps_parts(links, latex(listed[0].before) if listed else "")


def formula_code(asked: Asked) -> dict[str, Any]:
    """Return the NumPy function of an answer."""
    answer = _answered(asked)
    return {"source": answer.numpy(asked.dtype), "file": f"{answer.result.kind}.py"}


def formula_certificate(asked: Asked) -> dict[str, Any]:
    """Return the certificate of an answer."""
    return certificate_parts(_answered(asked).check())


def _answered(asked: Asked) -> Answer:
    """Return the answer; an error says which of the page's fields it is about.

    Raises:
        Misplaced: a text, declarations or a variable that cannot be used.
    """
    given = _in_field("where", lambda: read_declarations(asked.where))
    names = [each.name for each in given]
    source = _in_field("text", lambda: formula_of(asked.line, given), names)
    by = [name.strip() for name in (asked.by.strip() or next((each.name for each in source.variables), "")).split(",")]
    if len(by) > 1 and (asked.question != "hessian" or len(by) > 2):
        problem = SpecError(f"{shown(asked.by)} names {len(by)} variables\nallowed: one, or two for a mixed Hessian")
        raise Misplaced("by", problem, names)
    question = QUESTIONS[asked.question]
    along = [asked.along.strip() or question.direction] if question.direction else []
    wrong = "text" if by[0] in names else "by"
    found: Answer = _in_field(wrong, lambda: question.ask(source, *by, *along), names)
    return found


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
