"""What notebooks show of answers: the formula with its named parts, and the steps to it as blocks."""

from __future__ import annotations

from symprop.algebra.equations import Equation
from symprop.algebra.steps import Steps
from symprop.formulas.pages import answer_latex, definitions, heading
from symprop.formulas.result import Result
from symprop.notation.blocks import Block, EquationRow, Equations, Link, Math, Paragraph, Words
from symprop.notation.content import seen_steps
from symprop.notation.latex import latex
from symprop.notation.notebook_blocks import displayed
from symprop.notation.notebooks import STEP_BLOCKS, chain, cut
from symprop.notation.pretty import pretty_shape


def answer_formula(result: Result) -> str:
    """Return an answer as LaTeX between dollar signs; its repeated parts have names, defined behind it."""
    found, body = definitions(result)
    *front, last = cut(answer_latex(body))
    where = r", \quad ".join(f"{latex(each.target)} = {latex(each.expression)}" for each in found)
    return displayed([*front, last + (rf" \qquad \text{{where }} {where}" if where else "")], heading(result, "latex"))


@STEP_BLOCKS.row(Result)
def _(result: Result, steps: Steps) -> tuple[Block, ...]:
    shape = pretty_shape(result.node.shape)
    row = EquationRow(heading(result, "latex"), cut(answer_latex(result.node)), shape=shape)
    kept = seen_steps(steps, answer_latex)
    if not kept:
        return Equations((row,)), Paragraph(("by definition",))
    links = tuple(
        Link(cut(answer_latex(step.after)), step.rule, tuple(map(_fact, dict.fromkeys(step.facts)))) for step in kept
    )
    return Equations((row,)), chain(cut(answer_latex(kept[0].before)), links)


def _fact(fact: str | Equation) -> Words:
    if isinstance(fact, str):
        return (fact,)
    return (Math(f"{answer_latex(fact.target)} = {answer_latex(fact.expression)}"),)


__all__ = ["answer_formula"]
