"""What the structure of a formula shows of its sign: elements of at least 0, matrices without negative eigenvalues.

Each is shown, never guessed: a row says yes only where an identity proves it, and no says nothing. Sources: Horn and
Johnson, *Matrix Analysis* (2nd ed., 2013), chapter 7; Boyd and Vandenberghe, *Convex Optimization* (2004), section 3.1.
"""

from __future__ import annotations

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.calculus.chains import links
from symprop.calculus.coefficients import coefficient_and_rest, scalars_and_rest
from symprop.calculus.context import Context
from symprop.calculus.known_facts import has_fact, positive, sums_to_one
from symprop.calculus.known_forms import minus_one
from symprop.calculus.tidy import tidy

_NEVER_NEGATIVE = frozenset({"exp", "abs", "sigmoid", "softplus", "relu", "cosh"})
_AT_MOST_ONE = frozenset({"sigmoid", "tanh", "sin", "cos", "erf"})


def nonnegative(node: Node) -> bool:
    """Whether every element of `node` is shown to be at least 0.

    >>> from symprop.algebra.formula import formula
    >>> [nonnegative(formula(text, x="n").node) for text in ("exp(x) + x**2", "1 - tanh(x)**2", "x")]
    [True, True, False]
    """
    if isinstance(node, (n.Scalar, n.Fill)):
        return bool(node.value.is_nonnegative)
    if isinstance(node, (n.Identity, n.Softmax, n.OneHot, n.Compare)):
        return True
    if any(has_fact(node, kind) for kind in ("nonnegative", "positive", "between 0 and 1", "one-hot")):
        return True
    if isinstance(node, n.Map):
        return node.function.name in _NEVER_NEGATIVE
    if isinstance(node, n.Power):
        even = node.exponent.is_Integer and node.exponent % 2 == 0
        return bool(even or not node.exponent.is_Integer) or nonnegative(node.operands[0])
    if isinstance(node, n.Multiply):
        return _product(list(node.operands))
    if isinstance(node, n.Add):
        return all(map(nonnegative, node.operands)) or _below_one(node)
    if isinstance(node, n.MatMul) and node.operands[0] == node.operands[1]:
        return True  # x @ x
    if isinstance(node, (n.Sum, n.Transpose, n.Expand, n.Reshape, n.Diag, n.Diagonal, n.MatMul, n.Outer, n.Where)):
        return all(map(nonnegative, node.operands[isinstance(node, n.Where) :]))
    return False


def _product(factors: list[Node]) -> bool:
    """Whether a product is at least 0: factors that are, and those that stand twice."""
    odd = [factor for factor in factors if not nonnegative(factor)]
    return all(odd.count(factor) % 2 == 0 for factor in odd)


def _below_one(node: n.Add) -> bool:
    """1 - x where x is at most 1: a sigmoid, a softmax, a square of something between -1 and 1."""
    rest = minus_one(node)
    coefficient, x = coefficient_and_rest(rest) if rest is not None else (0, None)
    if coefficient != -1 or x is None:
        return False
    if isinstance(x, n.Power) and x.exponent.is_Integer and x.exponent.is_positive:
        x = x.operands[0]
    bounded = isinstance(x, n.Map) and x.function.name in _AT_MOST_ONE
    return bounded or isinstance(x, n.Softmax) or has_fact(x, "between 0 and 1") or has_fact(x, "one-hot")


def semidefinite(node: Node) -> bool:
    """Whether the square matrix `node` is shown to be symmetric and positive semidefinite.

    >>> from symprop.algebra.formula import formula
    >>> semidefinite(formula("X.T @ diag(exp(y)) @ X", X="m n", y="m").node)
    True
    """
    coefficient, bare = coefficient_and_rest(node)
    if bare is None or not coefficient.is_nonnegative:
        return False
    if isinstance(bare, n.Multiply):
        scalars = [factor for factor in bare.operands if not factor.rank]
        matrices = [factor for factor in bare.operands if factor.rank]
        return _product(scalars) and len(matrices) == 1 and semidefinite(matrices[0])
    if isinstance(bare, n.Identity) or has_fact(bare, "positive definite") or has_fact(bare, "positive semidefinite"):
        return True
    if isinstance(bare, n.Diag):
        return nonnegative(bare.operands[0])
    if isinstance(bare, n.Outer):
        return bare.operands[0] == bare.operands[1]
    if isinstance(bare, (n.Kron, n.Inverse)):
        return all(map(semidefinite, bare.operands))
    if isinstance(bare, n.Add):
        return all(map(semidefinite, bare.operands)) or _softmax_curvature(bare) or _projection(bare)
    return isinstance(bare, n.MatMul) and _congruence(links(bare))


def semidefinite_negative(node: Node) -> bool:
    """Whether `-node` is shown to be positive semidefinite."""
    coefficient, bare = coefficient_and_rest(tidy(n.negative(node)))
    return bare is not None and bool(coefficient.is_nonnegative) and semidefinite(tidy(n.negative(node)))


def definite(node: Node) -> bool:
    """Whether `node` is shown to be symmetric and positive definite: a positive multiple of the identity, and more."""
    coefficient, bare = coefficient_and_rest(node)
    if bare is None or not coefficient.is_positive:
        return False
    if isinstance(bare, n.Identity) or has_fact(bare, "positive definite"):
        return True
    if isinstance(bare, n.Multiply):
        scalars = [factor for factor in bare.operands if not factor.rank]
        matrices = [factor for factor in bare.operands if factor.rank]
        above = all(positive(scalar, Context()) for scalar in scalars)
        return above and len(matrices) == 1 and definite(matrices[0])
    if isinstance(bare, n.Diag):
        return positive(bare.operands[0], Context()) is not None
    if isinstance(bare, n.Kron):
        return all(map(definite, bare.operands))
    if isinstance(bare, n.Add):
        return all(map(semidefinite, bare.operands)) and any(map(definite, bare.operands))
    return False


def _congruence(parts: list[Node]) -> bool:
    """B' M B where M is semidefinite; an even number of factors has the identity in the middle."""
    half = len(parts) // 2
    mirrored = [tidy(n.Transpose(part)) for part in reversed(parts)]
    if len(parts) % 2 == 0:
        return parts == mirrored
    left, right = parts[:half], parts[half + 1 :]
    return left == [tidy(n.Transpose(part)) for part in reversed(right)] and semidefinite(parts[half])


def _softmax_curvature(node: n.Add) -> bool:
    """diag(p) - p p' where p is not negative and sums to 1, for one distribution or for each row of a batch."""
    if len(node.operands) != 2:
        return False
    (_, first), (minus, second) = map(coefficient_and_rest, node.operands)
    if not isinstance(first, n.Diag) or node.operands[0] != first or minus != -1 or second is None:
        return False
    p = first.operands[0]
    if not nonnegative(p):
        return False
    if isinstance(p, n.Reshape) and isinstance(second, n.MatMul) and p.operands[0].rank == 2:
        rows = p.operands[0]
        within = n.Kron(n.Identity(rows.shape[0]), n.Fill(1, rows.shape[1:] * 2))
        return links(second) == [first, within, first] and sums_to_one(rows, (1,), Context()) is not None
    return isinstance(second, n.Outer) and second.operands == (p, p) and sums_to_one(p, (0,), Context()) is not None


def _projection(node: n.Add) -> bool:
    """I - v v' / (v' v): the projection onto what is orthogonal to v."""
    if len(node.operands) != 2 or not isinstance(node.operands[0], n.Identity):
        return False
    coefficient, scalars, rest = scalars_and_rest(node.operands[1])
    if not isinstance(rest, n.Outer) or coefficient != -1:
        return False
    v = rest.operands[0]
    return rest.operands == (v, v) and scalars == (tidy(n.Power(n.Sum(n.Power(v, 2)), -1)),)


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
    if not isinstance(bare, n.Kron):
        return None
    left, right = bare.operands
    if isinstance(left, n.Identity):
        return "left", left, tidy(n.Scalar(coefficient) * right)
    if isinstance(right, n.Identity):
        return "right", right, tidy(n.Scalar(coefficient) * left)
    return None


__all__ = ["blocks", "core", "definite", "nonnegative", "semidefinite"]
