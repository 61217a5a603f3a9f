"""Whether a matrix is seen to be its own transpose: by what is declared of variables, and by how it is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table

FORM = Table("form of a matrix, turned or not")
"""What is equal for matrices that are seen to be equal; `turned` is that of the transpose."""


def is_symmetric(node: Node) -> bool:
    """Whether a square matrix is seen to be symmetric.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("inv(A.T @ S @ A + outer(x, x))", "A: n n, S: n n symmetric, x: n")
    >>> is_symmetric(f.node), is_symmetric(formula("A + eye(n)", "A: n n").node)
    (True, False)
    >>> is_symmetric(formula("(s * A) @ A.T", "A: n n, s:").node)
    True
    """
    return node.rank == 2 and form(node, False) == form(node, True)


def form(node: Node, turned: bool) -> Hashable:
    """Return the form of a node, or of its transpose where it has two axes."""
    if node.rank < 2:
        return node
    found: Hashable = FORM(node, turned)
    return found


@FORM.row(n.Node)
def _(node: Node, turned: bool) -> Hashable:
    return node, turned


@FORM.row(n.Variable)
def _(node: n.Variable, turned: bool) -> Hashable:
    return node, turned and "symmetric" not in node.facts_by_kind


@FORM.row(n.Identity, n.Diag)
def _(node: Node, turned: bool) -> Hashable:
    return node


@FORM.row(n.Fill)
def _(node: n.Fill, turned: bool) -> Hashable:
    return node.value, node.shape[:: -1 if turned else 1]


@FORM.row(n.Transpose)
def _(node: n.Transpose, turned: bool) -> Hashable:
    inner = node.operands[0]
    return form(inner, not turned) if node.axes == (1, 0) else (node, turned)


@FORM.row(n.Add, n.Multiply)
def _(node: Node, turned: bool) -> Hashable:
    if any(operand.rank == 1 for operand in node.operands):
        return node, turned  # a row that is spread
    return type(node), frozenset(Counter(form(operand, turned) for operand in node.operands).items())


@FORM.row(n.Power, n.Map, n.Compare, n.Where, n.Inverse, n.MatrixPower, n.Kron, n.PseudoInverse, n.MatrixFunction)
def _(node: Node, turned: bool) -> Hashable:
    if any(operand.rank == 1 for operand in node.operands):
        return node, turned
    others = tuple(argument for argument in node.args if not isinstance(argument, Node))
    return type(node), others, tuple(form(operand, turned) for operand in node.operands)


@FORM.row(n.MatMul)
def _(node: n.MatMul, turned: bool) -> Hashable:
    found = _factors(node)
    scalars = Counter(factor for factor in found if not factor.rank)  # they may stand beside any of the matrices
    factors = [form(factor, turned) for factor in found if factor.rank]
    return n.MatMul, frozenset(scalars.items()), tuple(reversed(factors) if turned else factors)


def _factors(node: Node) -> list[Node]:
    """Return the matrices that are multiplied, and the scalars beside them."""
    product = isinstance(node, n.MatMul) and all(operand.rank == 2 for operand in node.operands)
    scaled = isinstance(node, n.Multiply) and sum(operand.rank > 0 for operand in node.operands) == 1
    if product or scaled:
        return [factor for operand in node.operands for factor in _factors(operand)]
    return [node]


@FORM.row(n.Outer)
def _(node: n.Outer, turned: bool) -> Hashable:
    return n.Outer, node.operands[:: -1 if turned else 1]


@FORM.row(n.Expand)
def _(node: n.Expand, turned: bool) -> Hashable:
    inner = node.operands[0]
    return (n.Expand, inner, node.axis != turned) if inner.rank == 1 else (node, turned)
