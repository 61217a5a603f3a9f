"""What follows for the names of a formula from what they stand for: with D symmetric, `K = exp(-D) + eye(n)` is too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace as changed

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.formula import Formula
from symprop.algebra.nodes import Fact, Node, Variable
from symprop.algebra.shapes import same
from symprop.algebra.trees import replace
from symprop.analysis.definiteness import definite, nonnegative, semidefinite
from symprop.calculus.context import Context
from symprop.calculus.known_facts import positive
from symprop.calculus.known_forms import with_known_forms
from symprop.calculus.rewriting import simplified
from symprop.calculus.tidy import tidy


def with_known_facts(formula: Formula) -> Formula:
    """Return a formula whose own names have the facts that their definitions show.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("K = exp(-D / l) + eye(n); y @ inv(K) @ y", "D: n n symmetric, y: n, l:")
    >>> [each.target.facts_by_kind for each in with_known_facts(f).definitions]
    [{'symmetric': 0, 'nonnegative': 0}]
    """
    known: dict[Node, Node] = {}
    definitions: list[Equation] = []
    for each in formula.definitions:
        expression = replace(each.expression, known)
        target: Variable = each.target.change(facts=tuple(map(Fact, _shown(expression))))
        known[each.target] = target
        definitions.append(changed(each, target=target, expression=expression))
    return changed(formula, node=replace(formula.node, known), definitions=tuple(definitions))


def _shown(expression: Node) -> Iterator[str]:
    """Yield the facts that hold for every value of an expression."""
    plain = tidy(with_known_forms(expression)[0])
    if plain.rank == 2 and same(*plain.shape):
        turned = simplified(n.Transpose(plain), Context())[0]
        if turned in (plain, simplified(plain, Context())[0]):
            yield "symmetric"
        if semidefinite(plain) or definite(plain):
            yield "positive semidefinite"
        if definite(plain):
            yield "positive definite"
    if positive(plain, Context()) is not None:
        yield "positive"
    if nonnegative(plain) or positive(plain, Context()) is not None:
        yield "nonnegative"
