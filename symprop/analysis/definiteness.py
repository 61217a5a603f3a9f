"""What the structure of a formula shows of its sign: elements of at least 0, matrices without negative eigenvalues.

Each is shown, never guessed: a row says yes only where an identity proves it, and no says nothing. Sources: Horn and
Johnson, *Matrix Analysis* (2nd ed., 2013), chapter 7; Boyd and Vandenberghe, *Convex Optimization* (2004), section 3.1.
"""

from __future__ import annotations

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.calculus.chains import links
from symprop.calculus.coefficients import base_and_exponent, coefficient_and_rest, scalars_and_rest
from symprop.calculus.context import Context
from symprop.calculus.exponentials import complement
from symprop.calculus.known_facts import has_fact, positive, sums_to_one
from symprop.calculus.symmetric import symmetric, turned
from symprop.calculus.tidy import tidy

_NEVER_NEGATIVE = frozenset({"exp", "abs", "sigmoid", "softplus", "relu", "cosh"})
_AT_MOST_ONE = frozenset({"sigmoid", "tanh", "sin", "cos", "erf"})


NONNEGATIVE = Table("shown to be at least 0")
"""Rows say whether every element of a node is, for what its kind shows; a kind without a row shows nothing."""


def nonnegative(node: Node) -> bool:
    """Whether every element of `node` is shown to be at least 0.

    >>> from symprop.algebra.formula import formula
    >>> [nonnegative(formula(text, x="n").node) for text in ("exp(x) + x**2", "1 - tanh(x)**2", "x")]
    [True, True, False]
    """
    if any(has_fact(node, kind) for kind in ("nonnegative", "positive", "between 0 and 1", "one-hot")):
        return True
    return type(node) in NONNEGATIVE and bool(NONNEGATIVE(node))


@NONNEGATIVE.row(n.Scalar, n.Fill)
def _(node: n.Scalar | n.Fill) -> bool:
    return bool(node.value.is_nonnegative)


@NONNEGATIVE.row(n.Identity, n.Softmax, n.OneHot, n.Compare, n.First)
def _(node: Node) -> bool:
    return True


@NONNEGATIVE.row(n.Map)
def _(node: n.Map) -> bool:
    return node.function.name in _NEVER_NEGATIVE


@NONNEGATIVE.row(n.Power)
def _(node: n.Power) -> bool:
    even = node.exponent.is_Integer and node.exponent % 2 == 0
    return bool(even or not node.exponent.is_Integer) or nonnegative(node.operands[0])


@NONNEGATIVE.row(n.Multiply)
def _(node: n.Multiply) -> bool:
    return _product(list(node.operands))


@NONNEGATIVE.row(n.Add)
def _(node: n.Add) -> bool:
    return all(map(nonnegative, node.operands)) or _below_one(node)


@NONNEGATIVE.row(n.MatMul)
def _(node: n.MatMul) -> bool:
    left, right = node.operands
    return (left == right and left.rank == 1) or all(map(nonnegative, node.operands))  # x @ x


@NONNEGATIVE.row(n.Sum, n.Structural, n.Reshape, n.Diag, n.Outer, n.Fold)
def _(node: Node) -> bool:
    return all(map(nonnegative, node.operands))


@NONNEGATIVE.row(n.Pad)
def _(node: n.Pad) -> bool:
    return bool(node.value.is_nonnegative) and nonnegative(node.operands[0])


@NONNEGATIVE.row(n.Where)
def _(node: n.Where) -> bool:
    return all(map(nonnegative, node.operands[1:]))


def _product(factors: list[Node]) -> bool:
    """Whether a product is at least 0: factors that are, and those that stand twice."""
    odd = [factor for factor in factors if not nonnegative(factor)]
    return all(odd.count(factor) % 2 == 0 for factor in odd)


def _below_one(node: n.Add) -> bool:
    """1 - x where x is at most 1: a sigmoid, a softmax, a square of something between -1 and 1."""
    x = complement(node)
    if x is None:
        return False
    base, exponent = base_and_exponent(x)
    x = base if exponent.is_Integer and exponent.is_positive else x
    bounded = x.function_name in _AT_MOST_ONE or isinstance(x, n.Softmax)
    return bounded or has_fact(x, "between 0 and 1") or has_fact(x, "one-hot")


SEMIDEFINITE = Table("shown to be semidefinite")
"""Rows say whether a square matrix is symmetric and positive semidefinite, for what its kind shows."""


def semidefinite(node: Node) -> bool:
    """Whether the square matrix `node` is shown to be symmetric and positive semidefinite.

    >>> from symprop.algebra.formula import formula
    >>> semidefinite(formula("X.T @ diag(exp(y)) @ X", X="m n", y="m").node)
    True
    """
    coefficient, bare = coefficient_and_rest(node)
    if bare is None or not coefficient.is_nonnegative:
        return False
    if has_fact(bare, "positive definite") or has_fact(bare, "positive semidefinite"):
        return True
    return type(bare) in SEMIDEFINITE and bool(SEMIDEFINITE(bare))


def _scalars_and_matrices(node: n.Multiply) -> tuple[list[Node], list[Node]]:
    """Return the scalar factors and the others, each as often as its power says: P**2 is P * P."""
    found: tuple[list[Node], list[Node]] = ([], [])
    for factor in node.operands:
        base, exponent = base_and_exponent(factor)
        several = base.rank and exponent.is_Integer and exponent.is_positive
        found[bool(factor.rank)].extend([base] * int(exponent) if several else [factor])
    return found


@SEMIDEFINITE.row(n.Multiply)
def _(node: n.Multiply) -> bool:
    """Schur: the elementwise product of semidefinite matrices is one."""
    scalars, matrices = _scalars_and_matrices(node)
    return bool(matrices) and _product(scalars) and all(map(semidefinite, matrices))


@SEMIDEFINITE.row(n.Power)
def _(node: n.Power) -> bool:
    return bool(node.exponent.is_Integer and node.exponent.is_positive) and semidefinite(node.operands[0])


@SEMIDEFINITE.row(n.MatrixPower)
def _(node: n.MatrixPower) -> bool:
    even = node.plain[1].is_even and symmetric(node.operands[0]) is not None
    return bool(even) or semidefinite(node.operands[0])


@SEMIDEFINITE.row(n.Diag)
def _(node: n.Diag) -> bool:
    return nonnegative(node.operands[0])


@SEMIDEFINITE.row(n.Outer)
def _(node: n.Outer) -> bool:
    return node.operands[0] == node.operands[1]


@SEMIDEFINITE.row(n.Kron, n.Inverse)
def _(node: Node) -> bool:
    return all(map(semidefinite, node.operands))


@SEMIDEFINITE.row(n.Add)
def _(node: n.Add) -> bool:
    return all(map(semidefinite, node.operands)) or _softmax_curvature(node) or _projection(node)


@SEMIDEFINITE.row(n.MatMul)
def _(node: n.MatMul) -> bool:
    return _congruence(links(node))


def semidefinite_negative(node: Node) -> bool:
    """Whether `-node` is shown to be positive semidefinite."""
    coefficient, bare = coefficient_and_rest(tidy(n.negative(node)))
    return bare is not None and bool(coefficient.is_nonnegative) and semidefinite(tidy(n.negative(node)))


DEFINITE = Table("shown to be definite")
"""Rows say whether a square matrix is symmetric and positive definite, for what its kind shows."""


def definite(node: Node) -> bool:
    """Whether `node` is shown to be symmetric and positive definite: a positive multiple of the identity, and more."""
    coefficient, bare = coefficient_and_rest(node)
    if bare is None or not coefficient.is_positive:
        return False
    return has_fact(bare, "positive definite") or (type(bare) in DEFINITE and bool(DEFINITE(bare)))


@SEMIDEFINITE.row(n.Identity)
@DEFINITE.row(n.Identity)
def _(node: n.Identity) -> bool:
    return True


@DEFINITE.row(n.Multiply)
def _(node: n.Multiply) -> bool:
    scalars, matrices = _scalars_and_matrices(node)
    return bool(matrices) and all(positive(each, Context()) for each in scalars) and all(map(definite, matrices))


@DEFINITE.row(n.Power)
def _(node: n.Power) -> bool:
    return bool(node.exponent.is_Integer and node.exponent.is_positive) and definite(node.operands[0])


@DEFINITE.row(n.Diag)
def _(node: n.Diag) -> bool:
    return positive(node.operands[0], Context()) is not None


@DEFINITE.row(n.Kron, n.Inverse, n.MatrixPower)
def _(node: Node) -> bool:
    return all(map(definite, node.operands))


@DEFINITE.row(n.Add)
def _(node: n.Add) -> bool:
    return all(map(semidefinite, node.operands)) and any(map(definite, node.operands))


def _congruence(parts: list[Node]) -> bool:
    """B' M B where M is semidefinite; an even number of factors has the identity in the middle."""
    half = len(parts) // 2
    if len(parts) % 2 == 0:
        return parts == list(map(turned, reversed(parts)))
    left, right = parts[:half], parts[half + 1 :]
    return left == list(map(turned, reversed(right))) and semidefinite(parts[half])


def _softmax_curvature(node: n.Add) -> bool:
    """diag(p) - p p' where p is not negative and sums to 1, for one distribution or for each row of a batch."""
    match node.operands[0], *map(coefficient_and_rest, node.operands[1:]):
        case n.Diag(operands=(n.Reshape(operands=(rows,)) as p,)) as first, (-1, n.MatMul() as product) if (
            rows.rank == 2
        ):
            within = n.Kron(n.Identity(rows.shape[0]), n.Fill(1, rows.shape[1:] * 2))
            shown, axis = links(product) == [first, within, first], 1
        case n.Diag(operands=(rows,)), (-1, n.Outer() as product):
            p, shown, axis = rows, product.operands == (rows, rows), 0
        case _:
            return False
    return shown and nonnegative(p) and sums_to_one(rows, (axis,), Context()) is not None


def _projection(node: n.Add) -> bool:
    """I - v v' / (v' v): the projection onto what is orthogonal to v."""
    match node.operands[0], *map(scalars_and_rest, node.operands[1:]):
        case n.Identity(), (-1, (scale,), n.Outer(operands=(v, w))):
            return bool(v == w and scale == tidy(n.Power(n.Sum(n.Power(v, 2)), -1)))
    return False


def blocks(node: Node, count: Expr) -> bool:
    """Whether `node` is shown to be block diagonal, with `count` blocks on its diagonal."""
    bare = coefficient_and_rest(node)[1]
    if isinstance(bare, n.Kron):
        return bare.operands[0] == n.Identity(count)
    if isinstance(bare, (n.Add, n.MatMul)):
        return all(blocks(operand, count) for operand in bare.operands)
    return isinstance(bare, (n.Diag, n.Identity))


def core(node: Node) -> tuple[str, Node, Node] | None:
    """Return how a Kronecker product repeats a matrix: on which side its identity stands, the identity, the matrix."""
    coefficient, bare = coefficient_and_rest(node)
    match bare:
        case n.Kron(operands=(n.Identity() as identity, small)):
            return "left", identity, tidy(n.Scalar(coefficient) * small)
        case n.Kron(operands=(small, n.Identity() as identity)):
            return "right", identity, tidy(n.Scalar(coefficient) * small)
    return None
