"""Identities of pseudoinverses, functions of matrices, factors and spectra: rows of `pairs.py`."""

from __future__ import annotations

from sympy import Expr, Integer, Rational, exp

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.symmetry import is_symmetric
from symprop.algebra.trees import terms_of, zeros
from symprop.calculus.chains import NEIGHBOURS, links
from symprop.calculus.coefficients import coefficient_and_rest, scalars_and_rest, scaled
from symprop.calculus.matrix_pairs import paired
from symprop.calculus.pairs import PAIRS, Tidy, pair

HALF = Rational(1, 2)


def symmetric_part(matrix: Node) -> Node:
    """Return `(M + M.T) / 2`."""
    return n.Multiply(n.Scalar(HALF), n.Add(matrix, n.Transpose(matrix)))


def _of_symmetric(matrix: Node) -> Node:
    """Return what a scalar that no transpose changes may read: a symmetric matrix itself, which has its gradient."""
    return matrix if is_symmetric(matrix) else symmetric_part(matrix)


def _trace(matrix: Node) -> Node:
    return n.Sum(n.Diagonal(matrix))


# ---------------------------------------------------------------- pseudoinverse


@pair(n.PseudoInverse, n.PseudoInverse, n.Inverse)
def _(node: n.PseudoInverse, inner: Node, tidy: Tidy) -> Node:
    return inner.operands[0]


@pair(n.PseudoInverse, n.Identity)
def _(node: n.PseudoInverse, inner: n.Identity, tidy: Tidy) -> Node:
    return inner


@pair(n.PseudoInverse, n.Kron)
def _(node: n.PseudoInverse, inner: n.Kron, tidy: Tidy) -> Node:
    return tidy(n.Kron(*map(n.PseudoInverse, inner.operands)))


@NEIGHBOURS.row(n.Transpose, n.PseudoInverse)
def _(left: n.Transpose, right: n.PseudoInverse) -> Node | None:
    """A' P' = (P A)' = P A: projections are symmetric."""
    matrix = left.operands[0]
    return n.MatMul(n.PseudoInverse(matrix), matrix) if right.operands[0] == left else None


@NEIGHBOURS.row(n.PseudoInverse, n.Transpose)
def _(left: n.PseudoInverse, right: n.Transpose) -> Node | None:
    matrix = right.operands[0]
    return n.MatMul(matrix, n.PseudoInverse(matrix)) if left.operands[0] == right else None


def _projection(node: n.Add) -> tuple[Node, Node, Node] | None:
    """Return A, its pseudoinverse P and M, or P, A and M, of `M - A @ P @ M`, of `M - P @ A @ M`; else None."""
    if len(node.operands) != 2:
        return None
    first, (coefficient, rest) = node.operands[0], coefficient_and_rest(node.operands[1])
    parts = links(rest) if rest is not None else []
    behind = [] if isinstance(first, n.Identity) else links(first)
    if coefficient != -1 or len(parts) < 2 or parts[2:] != behind:
        return None
    left, right = parts[:2]
    pairs = ((left, right), (right, left))
    known = any(isinstance(one, n.PseudoInverse) and one.operands[0] == other for one, other in pairs)
    return (left, right, first) if known else None


@NEIGHBOURS.row(n.Add, Node)
def _(left: n.Add, right: Node) -> Node | None:
    """(I - P A) P = 0 and (I - P A) A' = 0."""
    found = _projection(left)
    kills = found is not None and isinstance(found[2], n.Identity) and right in (found[0], _turned(found[1]))
    return _nothing(left, right) if kills else None


@NEIGHBOURS.row(Node, n.Add)
def _(left: Node, right: n.Add) -> Node | None:
    """P (y - A P y) = 0 and A' (y - A P y) = 0."""
    found = _projection(right)
    return _nothing(left, right) if found and left in (found[1], _turned(found[0])) else None


def _nothing(left: Node, right: Node) -> Node:
    return zeros(left.shape[0], *right.shape[1:])


def _turned(matrix: Node) -> Node:
    """Return the transpose of a matrix or of a pseudoinverse as it stands in tidy formulas."""
    if isinstance(matrix, n.PseudoInverse):
        return n.PseudoInverse(_turned(matrix.operands[0]))
    return matrix.permuted((1, 0))


# ---------------------------------------------------------------- functions of matrices

OF_ONE: dict[str, Expr] = {"expm": exp(1), "logm": Integer(0), "sqrtm": Integer(1)}
"""Each function at the number 1."""


def _of_numbers(name: str, values: Node) -> Node:
    """Return the function of each number."""
    return n.Power(values, HALF) if name == "sqrtm" else FUNCTIONS[name.removesuffix("m")](values)


@pair(n.MatrixFunction, n.Identity)
def _(node: n.MatrixFunction, inner: n.Identity, tidy: Tidy) -> Node:
    value = OF_ONE[node.name]
    return scaled(value, inner) if value != 0 else zeros(*node.shape)


@pair(n.MatrixFunction, n.Diag)
def _(node: n.MatrixFunction, inner: n.Diag, tidy: Tidy) -> Node:
    return tidy(n.Diag(_of_numbers(node.name, inner.operands[0])))


@pair(n.Determinant, n.MatrixFunction)
def _(node: n.Determinant, inner: n.MatrixFunction, tidy: Tidy) -> Node | None:
    """det(expm(A)) = exp(tr A), det(sqrtm(A)) = sqrt(det(A))."""
    if inner.name == "expm":
        return tidy(FUNCTIONS["exp"](_trace(inner.operands[0])))
    return tidy(n.Power(n.Determinant(inner.operands[0]), HALF)) if inner.name == "sqrtm" else None


@pair(n.LogDeterminant, n.MatrixFunction)
def _(node: n.LogDeterminant, inner: n.MatrixFunction, tidy: Tidy) -> Node | None:
    if inner.name == "expm":
        return tidy(_trace(inner.operands[0]))
    halved = n.Scalar(HALF) * n.LogDeterminant(inner.operands[0])
    return tidy(halved) if inner.name == "sqrtm" else None


@pair(n.Inverse, n.MatrixFunction)
def _(node: n.Inverse, inner: n.MatrixFunction, tidy: Tidy) -> Node | None:
    return tidy(n.MatrixFunction(n.negative(inner.operands[0]), "expm")) if inner.name == "expm" else None


@pair(n.MatrixPower, n.MatrixFunction)
def _(node: n.MatrixPower, inner: n.MatrixFunction, tidy: Tidy) -> Node | None:
    if inner.name == "expm":
        return tidy(n.MatrixFunction(n.Scalar(node.exponent) * inner.operands[0], "expm"))
    half = node.exponent / 2
    return tidy(n.MatrixPower(inner.operands[0], half)) if inner.name == "sqrtm" and half.is_integer else None


@pair(n.Transpose, n.TwoSided)
def _(node: n.Transpose, inner: n.TwoSided, tidy: Tidy) -> Node:
    turned = [n.Transpose(side) for side in reversed(inner.sides)]  # (A X + X B)' = B' X' + X' A'
    turned.insert(inner.linear_in, n.Transpose(inner.middle))
    return tidy(inner.with_operands(turned))


def _kernel(node: Node) -> Node:
    """Return the matrix of which a power, an inverse or a function stands in its place."""
    while isinstance(node, (n.Inverse, n.MatrixPower, n.MatrixFunction)):
        node = node.operands[0]
    return node


def _commute(node: Node, kernel: Node) -> bool:
    """Whether a matrix is seen to be made of one other alone, so that it commutes with all that is."""
    if isinstance(node, n.Add):
        return all(_commute(term, kernel) for term in terms_of(node))
    if isinstance(node, n.Multiply):
        rest = scalars_and_rest(node)[2]
        return rest is not None and not isinstance(rest, n.Multiply) and _commute(rest, kernel)  # not A * inv(A)
    return all(isinstance(link, n.Identity) or _kernel(link) == kernel for link in links(node))


def along_itself(node: n.TwoSided) -> Node | None:
    """Return `f'(A) @ E` for the derivative of f at A along an E that commutes with A."""
    left, right = node.sides
    if left != right or not _commute(node.middle, _kernel(left)):
        return None
    if isinstance(node, n.DividedDifference):
        slope = n.MatrixFunction(left, "expm") if node.name == "expm" else n.Inverse(left)
        return n.MatMul(slope, node.middle)
    return n.Scalar(HALF) * n.MatMul(n.Inverse(left), node.middle)  # A X + X A = 2 A X


# ---------------------------------------------------------------- factors and spectra


@pair(n.Cholesky, n.Identity)
def _(node: n.Cholesky, inner: n.Identity, tidy: Tidy) -> Node:
    return inner


@pair(n.Cholesky, n.Diag)
def _(node: n.Cholesky, inner: n.Diag, tidy: Tidy) -> Node:
    return tidy(n.Diag(n.Power(inner.operands[0], HALF)))


@pair(n.Determinant, n.Cholesky)
def _(node: n.Determinant, inner: n.Cholesky, tidy: Tidy) -> Node:
    return tidy(n.Power(n.Determinant(_of_symmetric(inner.operands[0])), HALF))


@pair(n.LogDeterminant, n.Cholesky)
def _(node: n.LogDeterminant, inner: n.Cholesky, tidy: Tidy) -> Node:
    return tidy(n.Scalar(HALF) * n.LogDeterminant(_of_symmetric(inner.operands[0])))


@pair(n.Sum, n.Map, n.Power)
def _(node: n.Sum, inner: n.Map | n.Power, tidy: Tidy) -> Node | None:
    """What Gaussian processes are written with: sums of `log(diag(L))` and of `(inv(L) @ y)**2`."""
    match inner:
        case n.Map(operands=(n.Diagonal(operands=(n.Cholesky() as factor,)),)) if inner.function_name == "log":
            return tidy(n.LogDeterminant(factor)) if not node.keepdims else None
        case n.Power(operands=(vector,)) if inner.exponent == 2 and not node.keepdims:
            found = square_by_factor(vector)
            if found is not None:
                return tidy(found)
    shared: Node | None = PAIRS.tables[n.Sum].rows[n.Elementwise](node, inner, tidy)
    return shared


def square_by_factor(vector: Node) -> Node | None:
    """Return `y @ inv(K) @ y` for the square of `inv(L) @ y`, where `L @ L.T = K`, else None."""
    first, *others = links(vector) if vector.rank == 1 else [vector]
    if not (isinstance(first, n.Inverse) and isinstance(first.operands[0], n.Cholesky) and others):
        return None
    matrix, rest = n.Inverse(_of_symmetric(first.operands[0].operands[0])), others[-1]
    for link in reversed(others[:-1]):
        rest = n.MatMul(link, rest)
    return n.MatMul(rest, n.MatMul(matrix, rest))


@pair(n.Sum, n.Eigh)
def _(node: n.Sum, inner: n.Eigh, tidy: Tidy) -> Node | None:
    total = inner.part == 0 and not node.keepdims and node.axes
    return tidy(_trace(inner.operands[0])) if total else None


@pair(n.Product, n.Eigh)
def _(node: n.Product, inner: n.Eigh, tidy: Tidy) -> Node | None:
    total = inner.part == 0 and not node.keepdims and node.axes
    return tidy(n.Determinant(_of_symmetric(inner.operands[0]))) if total else None


@pair(n.Extreme, n.Eigh)
def _(node: n.Extreme, inner: n.Eigh, tidy: Tidy) -> Node | None:
    return _element(node, inner, last=node.which == "max") if inner.part == 0 else None


@pair(n.Extreme, n.Svd)
def _(node: n.Extreme, inner: n.Svd, tidy: Tidy) -> Node | None:
    if inner.part != 1 or node.keepdims or not node.axes:
        return None
    return tidy(n.MatrixNorm(inner.operands[0], "2" if node.which == "max" else "-2"))


@pair(n.Sum, n.Svd)
def _(node: n.Sum, inner: n.Svd, tidy: Tidy) -> Node | None:
    if inner.part != 1 or node.keepdims or not node.axes:
        return None
    return tidy(n.MatrixNorm(inner.operands[0], "nuc"))


def _element(node: n.Reduction, values: Node, last: bool) -> Node | None:
    """Return the first or the last of some values that are in order."""
    if node.keepdims or not node.axes:
        return None
    place = values.shape[0] - 1 if last else Integer(0)
    return n.Sum(n.Slice(values, 0, place, place + 1), 0)


@pair(n.MatrixNorm, n.Transpose)
def _(node: n.MatrixNorm, inner: n.Transpose, tidy: Tidy) -> Node:
    return tidy(node.with_operands(inner.operands))


# ---------------------------------------------------------------- products with neighbours


@NEIGHBOURS.row(n.MatrixFunction, n.MatrixFunction)
def _(left: n.MatrixFunction, right: n.MatrixFunction) -> Node | None:
    """sqrtm(A) sqrtm(A) = A, and expm(a A) expm(b A) = expm((a + b) A)."""
    if left == right and left.name == "sqrtm":
        return left.operands[0]
    (a, matrix), (b, other) = (coefficient_and_rest(each.operands[0]) for each in (left, right))
    if not left.name == right.name == "expm" or matrix is None or matrix != other:
        return None
    return n.MatrixFunction(scaled(a + b, matrix), "expm") if a + b != 0 else n.Identity(left.shape[0])


@NEIGHBOURS.row(n.Cholesky, n.Transpose)
def _(left: n.Cholesky, right: n.Transpose) -> Node | None:
    return symmetric_part(left.operands[0]) if right.operands[0] == left else None  # L L' = A


@NEIGHBOURS.row(n.Inverse, n.Inverse)
def _(left: n.Inverse, right: n.Inverse) -> Node | None:
    turned, factor = left.operands[0], right.operands[0]
    if isinstance(factor, n.Cholesky) and turned == n.Transpose(factor):
        return n.Inverse(symmetric_part(factor.operands[0]))  # inv(L') inv(L) = inv(A)
    return None


__all__ = ["along_itself", "paired", "square_by_factor"]
