"""Answers as blocks: what notebooks show of one, and of its steps."""

from __future__ import annotations

from symprop.algebra.equations import Equation
from symprop.algebra.steps import Steps
from symprop.formulas.pages import definitions, heading
from symprop.formulas.result import Result
from symprop.formulas.stages import stages
from symprop.notation.blocks import Block, Chain, EquationRow, Equations, Link, Paragraph
from symprop.notation.content import seen_steps
from symprop.notation.latex import latex
from symprop.notation.notebook_blocks import displayed
from symprop.notation.notebooks import STEP_BLOCKS, cut
from symprop.notation.pretty import pretty_shape
from symprop.notation.words import Math, Words


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
    return Equations((row,)), *(_derived(result) or [Paragraph(("by definition",))])


def _derived(result: Result) -> list[Block]:
    """The steps that led to an answer, a chain for each quantity on the way."""
    return [
        Chain(
            stage.left,
            cut(latex(kept[0].before)),
            tuple(
                Link(cut(latex(each.after)), each.rule, tuple(map(reason, dict.fromkeys(each.facts)))) for each in kept
            ),
        )
        for stage in stages(result)
        if (kept := seen_steps(stage.steps, latex))
    ]


def reason(fact: str | Equation) -> Words:
    """Return a fact that a step used as words."""
    return (fact,) if isinstance(fact, str) else (Math(fact.latex()),)
