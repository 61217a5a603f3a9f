"""Pullbacks and pushforwards of what an algorithm makes of whole matrices, and what is simpler at once.

Functions of matrices and their Frechet derivatives: Higham, *Functions of Matrices* (2008), chapter 3. Pseudoinverse:
Golub and Pereyra, *The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
separate* (1973), for a constant rank. Cholesky: Murray, *Differentiation of the Cholesky decomposition* (2016).
Eigenvalues and singular values: Giles, *Collected matrix derivative results for forward and reverse mode algorithmic
differentiation* (2008), for a simple spectrum.
"""

from __future__ import annotations

from sympy import Expr, Integer, Rational

from symprop.algebra import nodes as n
from symprop.algebra.known import triangle
from symprop.algebra.nodes import Node
from symprop.algebra.trees import factors_of, zeros
from symprop.calculus.pullbacks import PULLBACK
from symprop.calculus.pushforwards import PUSHFORWARD

HALF = Rational(1, 2)


def product(*factors: Node) -> Node:
    """Return the product of matrices, from the left."""
    result, *others = factors
    for factor in others:
        result = n.MatMul(result, factor)
    return result


def symmetric_part(matrix: Node) -> Node:
    """Return `(M + M.T) / 2`."""
    return n.Multiply(n.Scalar(HALF), n.Add(matrix, n.Transpose(matrix)))


# ---------------------------------------------------------------- pseudoinverse


def _beside(node: n.PseudoInverse) -> tuple[Node, Node]:
    """Return the projections `I - A @ P` and `I - P @ A`, which are 0 where the rank is full."""
    matrix = node.operands[0]
    return tuple(  # type: ignore[return-value]
        n.Add(n.Identity(left.shape[0]), n.negative(n.MatMul(left, right)))
        for left, right in ((matrix, node), (node, matrix))
    )


@PULLBACK.row(n.PseudoInverse)
def _(node: n.PseudoInverse, position: int, g: Node) -> Node:
    rows, columns = _beside(node)
    turned, back = n.Transpose(node), n.Transpose(g)
    return n.Add(
        n.negative(product(turned, g, turned)), product(rows, back, node, turned), product(turned, node, back, columns)
    )


@PUSHFORWARD.row(n.PseudoInverse)
def _(node: n.PseudoInverse, position: int, u: Node) -> Node:
    rows, columns = _beside(node)
    turned, back = n.Transpose(node), n.Transpose(u)
    return n.Add(
        n.negative(product(node, u, node)), product(node, turned, back, rows), product(columns, back, turned, node)
    )


# ---------------------------------------------------------------- functions of matrices


def along(name: str, at: Node, direction: Node) -> Node:
    """Return the Frechet derivative of a function of matrices at a matrix along another.

    Of `expm` it is the upper right block of `expm([[A, E], [0, A]])`; that of a square root R has `R X + X R = E`.
    """
    if name == "sqrtm":
        root = n.MatrixFunction(at, name)
        return n.Sylvester(root, root, direction)
    return n.DividedDifference(at, direction, at, name)


@PULLBACK.row(n.MatrixFunction)
def _(node: n.MatrixFunction, position: int, g: Node) -> Node:
    return along(node.name, n.Transpose(node.operands[0]), g)


@PUSHFORWARD.row(n.MatrixFunction)
def _(node: n.MatrixFunction, position: int, u: Node) -> Node:
    return along(node.name, node.operands[0], u)


def blocks(left: Node, middle: Node, right: Node) -> Node:
    """Return `[[A, E], [0, B]]`."""
    below = zeros(right.shape[0], left.shape[0])
    rows = (n.Concatenate(left, middle, axis=1), n.Concatenate(below, right, axis=1))
    return n.Concatenate(*rows, axis=0)


def _ends(first: Expr, second: Expr) -> tuple[Node, Node]:
    """Return `[I, 0]` and `[0, I]`, which take the first rows and the last ones."""
    sizes = (first, second)
    return tuple(  # type: ignore[return-value]
        n.Concatenate(
            *(n.Identity(size) if k == place else zeros(sizes[place], size) for k, size in enumerate(sizes)), axis=1
        )
        for place in (0, 1)
    )


@PUSHFORWARD.row(n.DividedDifference)
def _(node: n.DividedDifference, position: int, u: Node) -> Node:
    """Twice in one matrix: `A**i u A**j E B**k` is in the corner of `[[A, u, 0], [0, A, E], [0, 0, B]]`."""
    left, middle, right = node.operands
    if position == 1:
        return n.DividedDifference(left, u, right, node.name)
    whole, (first, last) = blocks(left, middle, right), _ends(*middle.shape)
    if position == 0:
        return n.MatMul(n.DividedDifference(left, n.MatMul(u, first), whole, node.name), n.Transpose(last))
    return n.MatMul(first, n.DividedDifference(whole, n.MatMul(n.Transpose(last), u), right, node.name))


@PULLBACK.row(n.DividedDifference)
def _(node: n.DividedDifference, position: int, g: Node) -> Node:
    left, middle, right = (n.Transpose(operand) for operand in node.operands)
    if position == 1:
        return n.DividedDifference(left, g, right, node.name)
    whole, (first, last) = n.Transpose(blocks(*node.operands)), _ends(*middle.shape[::-1])
    if position == 0:
        return n.MatMul(n.DividedDifference(left, n.MatMul(g, last), whole, node.name), n.Transpose(first))
    return n.MatMul(last, n.DividedDifference(whole, n.MatMul(n.Transpose(first), g), right, node.name))


@PUSHFORWARD.row(n.Sylvester)
def _(node: n.Sylvester, position: int, u: Node) -> Node:
    left, right, _ = node.operands
    if position == 2:
        return n.Sylvester(left, right, u)
    moved = n.MatMul(u, node) if position == 0 else n.MatMul(node, u)  # A dX + dX B = -dA X - X dB
    return n.negative(n.Sylvester(left, right, moved))


@PULLBACK.row(n.Sylvester)
def _(node: n.Sylvester, position: int, g: Node) -> Node:
    left, right, _ = node.operands
    back, turned = n.Sylvester(n.Transpose(left), n.Transpose(right), g), n.Transpose(node)
    return (n.negative(n.MatMul(back, turned)), n.negative(n.MatMul(turned, back)), back)[position]


# ---------------------------------------------------------------- Cholesky


def _half(matrix: Node) -> Node:
    """Return the lower triangle of a matrix with half of its diagonal."""
    size = matrix.shape[0]
    mask = n.Add(triangle(size, size), n.Multiply(n.Scalar(-HALF), n.Identity(size)))
    return n.Multiply(mask, matrix)


@PUSHFORWARD.row(n.Cholesky)
def _(node: n.Cholesky, position: int, u: Node) -> Node:
    back = n.Inverse(node)  # dL = L half(inv(L) dA inv(L)')
    return n.MatMul(node, _half(product(back, symmetric_part(u), n.Transpose(back))))


@PULLBACK.row(n.Cholesky)
def _(node: n.Cholesky, position: int, g: Node) -> Node:
    back = n.Inverse(node)
    return symmetric_part(product(n.Transpose(back), _half(n.MatMul(n.Transpose(node), g)), back))


# ---------------------------------------------------------------- eigenvalues and singular values


def _gaps(values: Node) -> Node:
    """Return `1 / (v[j] - v[i])` at i, j, and 0 on the diagonal."""
    one = n.Identity(values.shape[0])
    differences = n.Add(n.Expand(values, 0), n.negative(n.Expand(values, 1)), one)
    return n.Add(n.Power(differences, -1), n.negative(one))


def _weighted(left: tuple[Node, int], weights: Node, right: tuple[Node, int]) -> Node | None:
    """Return the outer product of one vector of each side where only one weight is not 0; vectors lie along an axis."""
    scalars = [factor for factor in factors_of(weights) if not factor.rank]
    match [factor for factor in factors_of(weights) if factor.rank]:
        case [n.Pad(value=Integer(), operands=(one,)) as padded] if padded.value == 0 and one.shape == (1,):
            place = padded.widths[0][0]
            return n.Multiply(*scalars, n.Sum(one), n.Outer(_at(*left, place), _at(*right, place)))
    return None


def _at(matrix: Node, axis: int, place: Expr) -> Node:
    """Return a column (along axis 1) or a row of a matrix."""
    return n.Sum(n.Slice(matrix, axis, place, place + 1), axis)


@PULLBACK.row(n.Eigh)
def _(node: n.Eigh, position: int, g: Node) -> Node:
    values, vectors = (node.func(node.operands[0], part) for part in (0, 1))
    turned = n.Transpose(vectors)
    if node.part == 0:
        return _weighted((vectors, 1), g, (vectors, 1)) or product(vectors, n.Diag(g), turned)  # dv = diag(Q' dA Q)
    return symmetric_part(product(vectors, n.Multiply(_gaps(values), n.MatMul(turned, g)), turned))


@PUSHFORWARD.row(n.Eigh)
def _(node: n.Eigh, position: int, u: Node) -> Node:
    values, vectors = (node.func(node.operands[0], part) for part in (0, 1))
    inside = product(n.Transpose(vectors), symmetric_part(u) if node.part else u, vectors)
    return n.MatMul(vectors, n.Multiply(_gaps(values), inside)) if node.part else n.Diagonal(inside)


def _svd(node: Node) -> tuple[Node, Node, Node]:
    return tuple(n.Svd(node.operands[0], part) for part in (0, 1, 2))  # type: ignore[return-value]


@PULLBACK.row(n.Svd)
def _(node: n.Svd, position: int, g: Node) -> Node:
    left, values, right = _svd(node)
    if node.part == 1:
        return _weighted((left, 1), g, (right, 0)) or product(left, n.Diag(g), right)  # ds = diag(U' dA V)
    gaps, scale = _gaps(n.Power(values, 2)), n.Diag(values)
    back = n.Diag(n.Power(values, -1))
    if node.part == 0:
        inside = n.Multiply(gaps, n.MatMul(n.Transpose(left), g))
        rest = n.Add(g, n.negative(product(left, n.Transpose(left), g)))
        turning = product(left, n.Add(inside, n.Transpose(inside)), scale, right)
        return n.Add(turning, product(rest, back, right))
    inside = n.Multiply(gaps, n.MatMul(right, n.Transpose(g)))
    rest = n.Add(g, n.negative(product(g, n.Transpose(right), right)))
    return n.Add(product(left, scale, n.Add(inside, n.Transpose(inside)), right), product(left, back, rest))


@PUSHFORWARD.row(n.Svd)
def _(node: n.Svd, position: int, u: Node) -> Node:
    left, values, right = _svd(node)
    inside = product(n.Transpose(left), u, n.Transpose(right))
    if node.part == 1:
        return n.Diagonal(inside)
    gaps, scale = _gaps(n.Power(values, 2)), n.Diag(values)
    back = n.Diag(n.Power(values, -1))
    if node.part == 0:
        turned = n.Add(n.MatMul(inside, scale), n.MatMul(scale, n.Transpose(inside)))
        along_right = n.MatMul(u, n.Transpose(right))
        rest = n.Add(along_right, n.negative(product(left, n.Transpose(left), along_right)))
        return n.Add(n.MatMul(left, n.Multiply(gaps, turned)), n.MatMul(rest, back))
    turned = n.Add(n.MatMul(scale, inside), n.MatMul(n.Transpose(inside), scale))
    along_left = n.MatMul(n.Transpose(left), u)
    rest = n.Add(along_left, n.negative(product(along_left, n.Transpose(right), right)))
    return n.Add(n.MatMul(n.Transpose(n.Multiply(gaps, turned)), right), n.MatMul(back, rest))


def direction(node: n.MatrixNorm) -> Node:
    """Return the matrix along which a norm grows fastest: `u @ v.T` of its singular vectors, `U @ V.T` of the sum."""
    left, values, right = _svd(node)
    if node.which == "nuc":
        return n.MatMul(left, right)
    place = Integer(0) if node.which == "2" else values.shape[0] - 1
    return n.Outer(_at(left, 1, place), _at(right, 0, place))


@PULLBACK.row(n.MatrixNorm)
def _(node: n.MatrixNorm, position: int, g: Node) -> Node:
    return n.Multiply(g, direction(node))


@PUSHFORWARD.row(n.MatrixNorm)
def _(node: n.MatrixNorm, position: int, u: Node) -> Node:
    return n.Sum(n.Multiply(direction(node), u))
