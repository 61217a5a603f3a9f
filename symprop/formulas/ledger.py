"""The ledger of an answer: which declared fact was used, and which array the answer no longer reads."""

from __future__ import annotations

from symprop.algebra.trees import variables
from symprop.calculus.known_facts import SENTENCES, declared_fact
from symprop.formulas.result import Result

ANSWERS = {"gradient": "the gradient", "jacobian": "the Jacobian", "hessian": "the Hessian"}
"""What an answer is called; the others are products."""


def ledger(result: Result) -> tuple[str, ...]:
    """Return a line for each declared fact that a step used, with what fell away.

    >>> from symprop.algebra.formula import formula
    >>> from symprop.formulas.questions import gradient
    >>> gradient(formula("x @ A @ x", A="n n symmetric", x="n"), "x").ledger
    ('used: A is symmetric',)
    """
    read = {variable.name for variable in variables(result.node)}
    said = {
        declared_fact(each, fact.kind): each
        for each in (*result.variables, *(known.target for known in result.formula.definitions))
        for fact in each.facts
        if fact.kind in SENTENCES or fact.kind == "sums to 1"
    }
    used = dict.fromkeys(fact for step in result.steps for fact in step.facts if fact in said)
    lines = []
    for fact in used:
        name = said[fact].name
        drops = f", so {name} drops out of {ANSWERS.get(result.kind, 'the product')}" if name not in read else ""
        lines.append(f"used: {fact}{drops}")
    return tuple(lines)
