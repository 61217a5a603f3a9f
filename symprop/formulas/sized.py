"""Answers at numbers for the names of sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symprop.algebra.equations import Equation, Step
from symprop.algebra.numbered_sizes import Change, numbered, numbers_for, sizes_of
from symprop.formulas.ledger import ledger
from symprop.formulas.remarks import remarks
from symprop.formulas.result import Result


def sized(result: Result, sizes: Mapping[str, int] | None) -> Result:
    """Return an answer with numbers for names of sizes, its steps too.

    >>> from symprop.algebra.formula import formula
    >>> from symprop.formulas.questions import gradient
    >>> found = sized(gradient(formula("sum(x)**2 / n", x="n"), "x"), {"n": 4})
    >>> found.node.text(), found.node.shape
    ('sum(x) * ones((4,)) / 2', (4,))

    Raises:
        FormulaError: a name that is none of its sizes, or no whole number from 1.
        ShapeError: arrays that do not fit at these sizes.
    """
    if not sizes:
        return result
    change = numbers_for(sizes_of(result.variables, result.formula.whole.node), sizes)
    found = replace(
        result,
        formula=result.formula.with_sizes(sizes),
        by=tuple(numbered(each, change) for each in result.by),
        direction=None if result.direction is None else numbered(result.direction, change),
        node=numbered(result.node, change),
        steps=tuple(_step(each, change) for each in result.steps),
    )
    return replace(found, ledger=ledger(found), remarks=remarks(found))


def _step(step: Step, change: Change) -> Step:
    facts = (each if isinstance(each, str) else _equation(each, change) for each in step.facts)
    return replace(
        step,
        before=numbered(step.before, change),
        after=numbered(step.after, change),
        facts=tuple(facts),
        is_sound=True,
    )


def _equation(equation: Equation, change: Change) -> Equation:
    return replace(equation, target=numbered(equation.target, change), expression=numbered(equation.expression, change))
