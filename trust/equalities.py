"""Two formulas that are equal for every size, by the algebra of elements and what is declared of the arrays."""

from __future__ import annotations

from collections.abc import Iterator

from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables
from trust.element_sums import Undecided, meaning, runs, spread
from trust.index_algebra import Joined, supposing
from trust.index_derivatives import same
from trust.index_functions import POSITIVE
from trust.matrix_sums import of_inverses, of_orthogonal, of_powers
from trust.theorems import digits_turned

LEAST = {"n": 3}
"""Formulas that name a place, such as `one_hot(1, n)`, want at least so many."""


def facts(*nodes: Node) -> Iterator[Joined]:
    """Yield what is known of the matrices in formulas: their inverses, their powers, their transposes."""
    powers = any("matrix_power" in node.text() for node in nodes)
    for leaf in dict.fromkeys(each for node in nodes for each in variables(node)):
        if "orthogonal" in leaf.facts_by_kind:
            yield from of_orthogonal(leaf)
        if leaf.rank == 2 and leaf.shape[0] == leaf.shape[1]:
            yield from of_powers(leaf) if powers else of_inverses(leaf)


def equal(before: Node, after: Node, positive_determinant: bool = False) -> bool:
    """Whether two formulas are equal for every size; false says nothing.

    >>> from symprop import formula
    >>> texts = ("x @ (A @ B) @ x", "trace(outer(B @ x, A.T @ x))")
    >>> equal(*(formula(text, A="m n", B="n m", x="m").node for text in texts))
    True
    """
    POSITIVE.update({"Determinant"} if positive_determinant else ())
    try:
        return any(_same(before, after, turned) for turned in (False, True))
    finally:
        POSITIVE.clear()


def _same(before: Node, after: Node, turned: bool) -> bool:
    with digits_turned(turned), supposing(facts(before, after), LEAST):
        at, _ = runs(before.shape, "i")
        try:
            return same(meaning(before, at), meaning(after, spread(at, after.shape)))
        except Undecided:
            return False
