"""Which matrices are shown to be symmetric, and by which declared facts: a fact passes through functions of a matrix.

With D symmetric so are exp(-D), I + D * D, inv(I + exp(-D)), X @ D @ X.T and kron(D, D). Source: Horn and Johnson,
*Matrix Analysis* (2nd ed., 2013), sections 0.7 and 4.1.
"""

from __future__ import annotations

from functools import reduce

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same
from symprop.algebra.table import Table
from symprop.algebra.trees import terms_of
from symprop.calculus.chains import links
from symprop.calculus.coefficients import base_and_exponent, coefficient_and_rest, unexpanded
from symprop.calculus.context import KnownFact
from symprop.calculus.known_facts import declared_fact, has_fact
from symprop.calculus.tidy import tidy

SYMMETRIC = Table("shown to be symmetric")
"""Rows return the facts that make a square matrix equal to its transpose, or None where its kind does not show it."""

Facts = tuple[KnownFact, ...]


def symmetric(node: Node) -> Facts | None:
    """Return the facts that make a matrix symmetric, none where its form alone does; None where it is not shown to be.

    >>> from symprop.algebra.formula import formula
    >>> asked = ("inv(exp(-D) + eye(n))", "X.T @ X", "D @ X")
    >>> [symmetric(tidy(formula(text, D="n n symmetric", X="n n").node)) for text in asked]
    [('D is symmetric',), (), None]
    """
    if node.rank != 2 or not same(*node.shape):
        return None
    found: Facts | None = SYMMETRIC.given(node)
    return found


def turned(node: Node) -> Node:
    """Return the transpose of a matrix, itself where it is symmetric.

    >>> from symprop.algebra.formula import formula
    >>> [turned(tidy(formula(text, S="n n symmetric", X="n n").node)).text() for text in ("inv(S)", "X @ S")]
    ['inv(S)', 'S @ X.T']
    """
    if symmetric(node) is not None:
        return node
    parts = links(node)
    return tidy(n.Transpose(node)) if len(parts) == 1 else reduce(n.MatMul, map(turned, reversed(parts)))


def _all(parts: tuple[Node, ...] | list[Node]) -> Facts | None:
    """The facts by which all of some matrices are symmetric; numbers are."""
    found = [symmetric(part) if part.rank else () for part in parts]
    return None if None in found else tuple(dict.fromkeys(fact for facts in found if facts for fact in facts))


@SYMMETRIC.row(n.Variable)
def _(node: n.Variable) -> Facts | None:
    return (declared_fact(node, "symmetric"),) if has_fact(node, "symmetric") else None


@SYMMETRIC.row(n.Identity, n.Diag, n.Fill)
def _(node: Node) -> Facts:
    return ()


@SYMMETRIC.row(n.Elementwise, n.Inverse, n.MatrixPower, n.Kron, n.Transpose)
def _(node: Node) -> Facts | None:
    return _all(node.operands)


@SYMMETRIC.row(n.Add, n.Multiply)
def _(node: Node) -> Facts | None:
    """A + A' and A * A' are symmetric too: what is not, stands beside its transpose."""
    rest = [part for part in node.operands if part.rank and symmetric(part) is None]
    paired = all(part.rank == 2 and rest.count(part) == rest.count(tidy(n.Transpose(part))) for part in rest)
    return _all([part for part in node.operands if part not in rest]) if paired else None


@SYMMETRIC.row(n.Outer)
def _(node: n.Outer) -> Facts | None:
    return () if node.operands[0] == node.operands[1] else None


@SYMMETRIC.row(n.MatMul)
def _(node: n.MatMul) -> Facts | None:
    """B' M B where M is symmetric: from both ends, each factor is the transpose of the other."""
    parts = links(node)
    if len(parts) == 1:
        return None  # an array of three axes and a vector
    half = len(parts) // 2
    ends = [(left, right) for left, right in zip(parts[:half], reversed(parts), strict=False) if left != right]
    same_ends = _all([left for left, right in zip(parts[:half], reversed(parts), strict=False) if left == right])
    middle = _all(parts[half : half + 1]) if len(parts) % 2 else ()
    if same_ends is None or middle is None or any(tidy(n.Transpose(left)) != right for left, right in ends):
        return None
    return tuple(dict.fromkeys((*same_ends, *middle)))


@SYMMETRIC.row(n.Sum)
def _(node: n.Sum) -> Facts | None:
    """Sums of even powers of `X[:, None, :] - X[None, :, :]` along the last axis: distances."""
    base, exponent = base_and_exponent(node.operands[0])
    if base.rank != 3 or node.axes != (2,) or node.keepdims or not exponent.is_even:
        return None
    terms = [coefficient_and_rest(term) for term in terms_of(base)]
    if len(terms) != 2 or terms[0][0] != -terms[1][0]:
        return None
    (first, spread), (second, along) = (unexpanded(rest or base) for _, rest in terms)
    return () if first == second and {spread or (0,), along or (0,)} == {(0,), (1,)} else None
