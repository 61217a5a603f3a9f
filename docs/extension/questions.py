"""The directive `question`: a derivative of a formula, asked while the page is built."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from markupsafe import escape
from sphinx.util.docutils import SphinxDirective

import symprop
from extension.markup import Row, equations, folded, html, steps_table, typed
from symprop.formulas.pages import definitions, heading
from symprop.notation.content import seen_steps
from symprop.notation.latex import latex
from symprop.notation.pretty import pretty_shape

WIDTH = 100
"""Characters of code that fit beside each other on a page."""

QUESTIONS = ("gradient", "jacobian", "hessian", "vjp", "jvp", "hvp")


class QuestionDirective(SphinxDirective):
    """Ask for a derivative and show the answer as equations.

    The argument is one of `QUESTIONS`, the body the formula. Options: `where` (declarations), `by` (one name, or two
    for a Hessian of two), `along` (the direction of a product), `steps` (unfold below), `check` (run the certificate
    and say its summary), `hide-input`, `hide-formula`.
    """

    has_content = True
    required_arguments = 1
    option_spec = {
        "where": directives.unchanged,
        "by": directives.unchanged_required,
        "along": directives.unchanged,
        "steps": directives.flag,
        "check": directives.flag,
        "hide-input": directives.flag,
        "hide-formula": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        kind = self.arguments[0]
        if kind not in QUESTIONS:
            raise self.error(f"no such question: {kind}; allowed: {', '.join(QUESTIONS)}")
        formula = symprop.formula(" ".join(line.strip() for line in self.content), self.options.get("where", ""))
        names = [*self.options["by"].split(), *self.options.get("along", "").split()]
        answer = getattr(symprop, kind)(formula, *names)
        written = _written(answer, "hide-formula" not in self.options)
        if "steps" in self.options:
            written += _steps(answer)
        if "check" in self.options:
            certificate = answer.check()
            if not (certificate.ok and certificate.stable):
                raise self.error(f"the certificate disagrees: {certificate.summary}")
            written += folded(f"Certificate: {escape(certificate.summary)}", certificate._repr_html_())
        before = [] if "hide-input" in self.options else [typed(_call(kind, formula, names))]
        return [*before, html(f'<div class="derivation">{written}</div>')]


def _call(kind: str, formula: Any, names: list[str]) -> str:
    """Return the question as it is typed in Python."""
    lines = formula.source.split("; ")
    source = f'"{formula.source}"'
    if len(source) > WIDTH - 8 and len(lines) > 1:  # a statement on each line
        source = "\n    ".join(f'"{line}; "' for line in lines[:-1]) + f'\n    "{lines[-1]}"'
    declared = ", ".join(f'{each.name}="{_declaration(each)}"' for each in formula.variables)
    asked = ", ".join(f'"{name}"' for name in names)
    written = f"f = symprop.formula({source}, {declared})"
    if len(written) > WIDTH:
        written = f"f = symprop.formula(\n    {source},\n    {declared},\n)"
    return f"{written}\nsymprop.{kind}(f, {asked})"


def _declaration(variable: symprop.Variable) -> str:
    facts = []
    for fact in variable.facts:
        spelled = fact.kind.replace(" ", "-")
        facts.append(f"index {fact.value}" if fact.kind == "index" else spelled)
    if "positive" in facts and "nonnegative" in facts:
        facts.remove("nonnegative")  # what is positive is entered with both
    return " ".join([*map(str, variable.shape), *facts])


def _written(answer: symprop.Answer, with_formula: bool) -> str:
    result = answer.result
    found, body = definitions(result)
    formula, own = result.formula, result.formula.definitions
    rows = [Row(latex(each.target), latex(each.expression), pretty_shape(each.target.shape)) for each in own]
    rows = [*rows, Row(formula.name, latex(formula.node), pretty_shape(formula.shape))] if with_formula else []
    rows.append(Row(heading(result, "latex"), latex(body), pretty_shape(result.node.shape)))
    table = equations(rows)
    if found:
        parts = [Row(latex(e.target), latex(e.expression), pretty_shape(e.target.shape)) for e in found]
        table += equations(parts, "where")
    notes = "".join(f"<li>{escape(note)}</li>" for note in (*result.ledger, *result.remarks))
    return table + (f'<ul class="notes">{notes}</ul>' if notes else "")


def _steps(answer: symprop.Answer) -> str:
    result = answer.result
    shown = seen_steps(result.steps, latex)
    rows = []
    for step in shown:
        facts = [fact if isinstance(fact, str) else fact.pretty() for fact in dict.fromkeys(step.facts)]
        rows.append((step.rule, ", ".join(facts), latex(step.after)))
    start = f"{heading(result, 'latex')} = {latex(shown[0].before)}"
    return folded(f"The {len(rows)} steps", steps_table(rows, start))
