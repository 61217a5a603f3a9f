"""Which factor of a product differs, which term of a sum: two formulas taken apart side by side.

Operands that are equal are put aside, by their form or at every case; where one on each side is left, or one alone,
that is what differs. Inside of it the search goes on as long as what is found can still be told without the rest.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.trees import factors_of, terms_of
from symprop.calculus.coefficients import same_shape
from symprop.calculus.tidy import tidy
from symprop.errors import shown

LONGEST_PART, SHORT = 80, 50

Same = Callable[[Node, Node], bool]


@dataclass(frozen=True)
class Apart:
    """What is left of two formulas without what they have in common: a "factor", a "term" or a "part" of either."""

    what: str
    first: Node | None
    second: Node | None
    within: str = ""

    def sentence(self, one: str, other: str, of_line: bool = False) -> str:
        """Say what differs; the two formulas are called `one` and `other`, which may be a line that is judged."""
        return self._said(one, other, of_line) + self.within

    def _said(self, one: str, other: str, of_line: bool) -> str:
        if self.second is None and self.first is not None:
            return f"{other} lacks the {self.what} {written(self.first)}"
        if self.first is None and self.second is not None:
            if of_line:
                return f"{other} has the {self.what} {written(self.second)}, which {one} has not"
            return f"{one} lacks the {self.what} {written(self.second)}"
        if self.first is None or self.second is None:
            return "they differ"
        turned = self.first.rank == 2 and tidy(n.Transpose(self.first)) == tidy(self.second)
        told = ", its transpose" if turned else ""
        what = "" if self.what == "part" else f"the {self.what} "
        return f"{other} has {what}{written(self.second)} where {one} has {written(self.first)}{told}"


def written(node: Node) -> str:
    """Return a part of a formula for a message, cut where it is long."""
    return shown(node.text(), LONGEST_PART)


def apart(first: Node, second: Node, same: Same) -> Apart | None:
    """Return the one factor, term or part by which two formulas differ; None where there is no such one.

    >>> from symprop.algebra.formula import formula
    >>> arrays = {"W": "m n", "d": "m", "a": "n"}
    >>> f, g = (formula(text, **arrays).node for text in ("(W.T @ d) * (1 - a * a)", "(W.T @ d) * (1 - a)"))
    >>> print(apart(f, g, lambda left, right: left == right).sentence("the first", "the second"))
    the second has the factor '1 - a' where the first has '1 - a * a'
    """
    left, right = _rest(first, second, same)
    what = _what(first, second)
    alike = what is None and first.func == second.func and bool(first.operands)
    if alike and tuple(map(tidy, first.operands)) == tuple(map(tidy, second.operands)):
        return Apart("part", first, second)  # x > 0 and x >= 0
    if what is None or max(len(left), len(right)) != 1:
        return None
    found = Apart(what, left[0] if left else None, right[0] if right else None)
    if found.first is None or found.second is None:
        return found
    if (found.first, found.second) == (first, second):
        return None  # no part of one is in the other
    short = max(len(each.text()) for each in (found.first, found.second)) <= SHORT
    sums = isinstance(found.first, n.Add) or isinstance(found.second, n.Add)
    inner = None if what == "factor" and short and sums else apart(found.first, found.second, same)
    if inner is not None and what == "term" and not inner.within and len(found.second.text()) <= SHORT:
        inner = replace(inner, within=f", in the term {written(found.second)}")
    return inner or found


def factors_apart(first: Node, second: Node, same: Same) -> Apart | None:
    """Return the several factors by which two products of matrices differ; None where they have none in common.

    >>> from symprop.algebra.formula import formula
    >>> f, g = (formula(text, "A: n n, B: n n, C: n n, x: n").node for text in ("A @ B @ C @ x", "A @ C @ B @ x"))
    >>> print(factors_apart(f, g, lambda left, right: left == right).sentence("the first", "the second"))
    the second has 'C @ B' where the first has 'B @ C', in another order
    """
    if not (isinstance(first, n.MatMul) and isinstance(second, n.MatMul)):
        return None
    left, right = _rest(first, second, same)
    turned = sorted(map(str, left)) == sorted(map(str, right))
    alone = len(left) == len(_chain(first, second)) or len(right) == len(_chain(second, first))
    if not (left and right) or (alone and not turned):
        return None
    one, other = (functools.reduce(n.MatMul, each) for each in (left, right))
    return Apart("part", one, other, ", in another order" if turned else "")


def _what(first: Node, second: Node) -> str | None:
    """What the operands of two formulas are called, where these are taken apart side by side."""
    if isinstance(first, n.Add) or isinstance(second, n.Add):
        return "term"
    if isinstance(first, PRODUCTS) or isinstance(second, PRODUCTS):
        return "factor"
    alike = first.func == second.func and bool(first.operands) and len(first.operands) == len(second.operands)
    return "part" if alike and _beside(first) == _beside(second) else None


PRODUCTS = (n.Multiply, n.MatMul, n.Outer)


def _beside(node: Node) -> list[object]:
    return [each for each in node.args if not isinstance(each, Node)]


def _rest(first: Node, second: Node, same: Same) -> tuple[list[Node], list[Node]]:
    """Return the operands of two formulas without those that they have in common."""
    if isinstance(first, n.Add) or isinstance(second, n.Add):
        return _unequal(list(terms_of(first)), list(terms_of(second)), same)
    if isinstance(first, n.Multiply) or isinstance(second, n.Multiply):
        return _unequal(list(factors_of(first)), list(factors_of(second)), same)
    left, right = _chain(first, second), _chain(second, first)
    while left and right and same(left[0], right[0]):
        left, right = left[1:], right[1:]
    while left and right and same(left[-1], right[-1]):
        left, right = left[:-1], right[:-1]
    return left, right


def _chain(node: Node, other: Node) -> list[Node]:
    """Return the factors of a product of matrices, or the operands of what stands beside something of its kind."""
    if isinstance(node, n.MatMul):
        return [
            part for each in node.operands for part in (_chain(each, other) if isinstance(each, n.MatMul) else [each])
        ]
    return list(node.operands) if node.func == other.func and node.operands else [node]


def _unequal(left: list[Node], right: list[Node], same: Same) -> tuple[list[Node], list[Node]]:
    for each in list(left):
        match = next((other for other in right if tidy(each) == tidy(other)), None)
        match = match or next((other for other in right if same_shape(each, other) and same(each, other)), None)
        if match is not None:
            left.remove(each)
            right.remove(match)
    return left, right
