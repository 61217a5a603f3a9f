"""The value of pseudoinverses, functions of matrices, factorisations and spectra, in an arithmetic of choice.

Every algorithm is analytic near the real axis, so that the complex step goes through it, and converges in any number
of digits: Taylor with squaring for the exponential, Denman and Beavers for the square root, square roots and a series
for the logarithm (Higham, *Functions of Matrices*, 2008, chapters 6, 10, 11); rotations of Jacobi for symmetric
matrices and of Hestenes for singular values (Golub and Van Loan, *Matrix Computations*, 2013, chapter 8).
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import mpmath
import numpy as np
import sympy
from sympy import Rational

from symprop.algebra import nodes as n
from symprop.verify.arithmetic import Arithmetic, Array, nearest
from symprop.verify.evaluate import EVALUATE, Evaluator
from symprop.verify.evaluate_matrices import eliminated

MOST = 100
"""Iterations after which what has not converged has no value, as the square root of -1 has none."""
TERMS = 4_000
"""Terms of a series, more than 2,000 digits need."""
RANK = 1e-9
"""A pivot that is smaller beside the first is 0."""


def _tolerance(values: Array) -> Any:
    """Return what is small beside 1; two iterations more double the digits twice."""
    return 1000 * mpmath.mpf(mpmath.mp.eps) if isinstance(values.flat[0], mpmath.mpf) else 1e-14


def _turned(matrix: Array) -> Array:
    return np.swapaxes(matrix, -1, -2)


def _largest(values: Array) -> Any:
    found = np.max(np.abs(values), initial=0)
    return found if found == found else np.inf  # what is not a number never converges


def _eye(like: Array, arithmetic: Arithmetic) -> Array:
    size = like.shape[-1]
    return np.array(np.broadcast_to(arithmetic.array(np.eye(size)), (len(like), size, size)))


def _root(values: Array, arithmetic: Arithmetic) -> Array:
    return arithmetic.power(values, Rational(1, 2))


def _nothing(like: Array) -> Array:
    return like * np.nan


# ---------------------------------------------------------------- functions of matrices


def exponential(matrix: Array, arithmetic: Arithmetic) -> Array:
    """Return `exp(A)`: Taylor's series of a matrix that was halved until it is small, squared as often."""
    norm = float(_largest(nearest(arithmetic.real(matrix)))) * matrix.shape[-1]
    if not np.isfinite(norm):
        return _nothing(matrix)
    halved = max(0, int(np.ceil(np.log2(norm))) + 2) if norm > 0 else 0
    small = matrix * arithmetic.number(Rational(1, 2**halved))
    term = total = _eye(matrix, arithmetic)
    for k in range(1, TERMS):
        term = arithmetic.product(term, small) * arithmetic.number(Rational(1, k))
        total = total + term
        if _largest(term) < _tolerance(term) / 10**6:
            break
    for _ in range(halved):
        total = arithmetic.rounded(arithmetic.product(total, total), matrix.shape[-1])
    return total


def square_root(matrix: Array, arithmetic: Arithmetic) -> Array:
    """Return the root whose eigenvalues have a positive real part; not a number where there is none."""
    one, half = _eye(matrix, arithmetic), arithmetic.number(Rational(1, 2))
    root, step, close = matrix, matrix, 0
    for _ in range(40):
        back = eliminated(step, arithmetic)[0]
        root = arithmetic.product(root, one + back) * half
        step = (one + (step + back) * half) * half  # goes to I
        off = _largest(step - one)
        close += off <= _tolerance(step)
        if close == 3:
            return root
        if off == np.inf:
            break
    return _nothing(matrix)


def logarithm(matrix: Array, arithmetic: Arithmetic) -> Array:
    """Return `log(A) = 2**k log(A**(1/2**k))`, with `log((1 + z) / (1 - z)) = 2 (z + z**3 / 3 + ...)` near I."""
    one, doubled = _eye(matrix, arithmetic), 0
    mean = np.trace(matrix, axis1=1, axis2=2) / matrix.shape[-1]
    scale = np.where(arithmetic.real(mean) > 0, mean, 1)[:, None, None]  # log(c A) = log(c) I + log(A)
    near = matrix / scale
    while _largest(near - one) * matrix.shape[-1] > 0.25:
        near, doubled = square_root(near, arithmetic), doubled + 1
        if _largest(near) == np.inf:
            return near
    near = arithmetic.rounded(near, matrix.shape[-1])
    z = arithmetic.product(near - one, eliminated(near + one, arithmetic)[0])
    power, squared, total = z, arithmetic.product(z, z), z
    for k in range(3, TERMS, 2):
        power = arithmetic.product(power, squared)
        total = total + power * arithmetic.number(Rational(1, k))
        if _largest(power) < _tolerance(power) / 10**6:
            break
    return total * arithmetic.number(Rational(2 ** (doubled + 1))) + one * arithmetic.functions[sympy.log](scale)


FUNCTIONS = {"expm": exponential, "sqrtm": square_root, "logm": logarithm}


def _taken(operand: Array, of: Evaluator) -> Array:
    """Return a matrix as an algorithm takes it in, which is exact for one that is off by rounding."""
    return of.arithmetic.rounded(operand, operand.shape[-1])


@EVALUATE.row(n.MatrixFunction)
def _(node: n.MatrixFunction, operands: list[Array], of: Evaluator) -> Array:
    with np.errstate(all="ignore"):
        found = FUNCTIONS[node.name](_taken(operands[0], of), of.arithmetic)
    return of.arithmetic.rounded(found, found.shape[-1] ** 2)


@EVALUATE.row(n.DividedDifference)
def _(node: n.DividedDifference, operands: list[Array], of: Evaluator) -> Array:
    count = max(map(len, operands))
    left, middle, right = (np.broadcast_to(each, (count, *each.shape[1:])) for each in operands)
    rows, columns = middle.shape[1:]
    below = np.broadcast_to(of.arithmetic.array(np.zeros((columns, rows))), (count, columns, rows))
    whole = np.concatenate([np.concatenate([left, middle], 2), np.concatenate([below, right], 2)], 1)
    with np.errstate(all="ignore"):
        found = FUNCTIONS[node.name](_taken(whole, of), of.arithmetic)
    return of.arithmetic.rounded(found[:, :rows, rows:], len(whole[0]) ** 2)


@EVALUATE.row(n.Sylvester)
def _(node: n.Sylvester, operands: list[Array], of: Evaluator) -> Array:
    """By the matrix of `X -> A @ X + X @ B` on the elements of X, row by row: `kron(A, I) + kron(I, B.T)`."""
    count = max(map(len, operands))
    left, right, given = (np.broadcast_to(_taken(each, of), (count, *each.shape[1:])) for each in operands)
    rows, columns = given.shape[1:]
    ones = [of.arithmetic.array(np.eye(size)) for size in (columns, rows)]
    first = left[:, :, None, :, None] * ones[0][None, None, :, None, :]
    second = ones[1][None, :, None, :, None] * _turned(right)[:, None, :, None, :]
    whole = (first + second).reshape(count, rows * columns, rows * columns)
    found = of.arithmetic.product(eliminated(whole, of.arithmetic)[0], given.reshape(count, rows * columns, 1))
    return of.arithmetic.rounded(found.reshape(given.shape), (rows * columns) ** 2)


# ---------------------------------------------------------------- factorisations


def pivots(matrix: Array) -> tuple[list[int], list[int]]:
    """Return rows and columns in which a matrix of full rank stands: Gauss with complete pivoting.

    >>> pivots(np.outer([1.0, 2.0], [1.0, 3.0, 2.0]))
    ([1], [1])
    """
    left, rows, columns = np.array(matrix), [], []
    first = float(_largest(left))
    for _ in range(min(left.shape)):
        row, column = np.unravel_index(np.argmax(np.abs(left)), left.shape)
        pivot = left[row, column]
        if not abs(pivot) > RANK * first:
            break
        rows.append(int(row))
        columns.append(int(column))
        left = left - np.outer(left[:, column], left[row]) / pivot
        left[row], left[:, column] = 0, 0
    return rows, columns


@EVALUATE.row(n.PseudoInverse)
def _(node: n.PseudoInverse, operands: list[Array], of: Evaluator) -> Array:
    """`R' inv(R R') K inv(C' C) C'` of the rows R, the columns C, and K where they meet (Penrose)."""
    arithmetic, matrix = of.arithmetic, _taken(operands[0], of)

    def times(*factors: Array) -> Array:
        result, *others = factors
        for factor in others:
            result = arithmetic.rounded(arithmetic.product(result, factor), factor.shape[-2])
        return result

    real = nearest(arithmetic.real(matrix[0]))
    rows, columns = pivots(real) if np.all(np.isfinite(real)) else ([], [])
    if not rows:
        return _turned(matrix) * 0
    down, across = matrix[:, :, columns], matrix[:, rows, :]
    inner = [
        arithmetic.rounded(eliminated(each, arithmetic)[0], len(rows))
        for each in (times(across, _turned(across)), times(_turned(down), down))
    ]
    return times(_turned(across), inner[0], across[:, :, columns], inner[1], _turned(down))


@EVALUATE.row(n.Cholesky)
def _(node: n.Cholesky, operands: list[Array], of: Evaluator) -> Array:
    arithmetic, given = of.arithmetic, _symmetric(operands[0], of)
    lower = np.array(given * 0)
    size = given.shape[-1]
    for k in range(size):
        rest = given[:, k, k] - np.sum(lower[:, k, :k] ** 2, axis=-1)
        real = arithmetic.real(rest)
        lower[:, k, k] = _root(np.where(real > 0, rest, np.nan), arithmetic)
        for i in range(k + 1, size):
            inner = np.sum(lower[:, i, :k] * lower[:, k, :k], axis=-1)
            lower[:, i, k] = (given[:, i, k] - inner) / lower[:, k, k]
    return arithmetic.rounded(lower, size)


def _symmetric(matrix: Array, of: Evaluator) -> Array:
    taken = _taken(matrix, of)
    return (taken + _turned(taken)) * of.arithmetic.number(Rational(1, 2))


# ---------------------------------------------------------------- spectra


def _rotation(gap: Array, inner: Array, arithmetic: Arithmetic) -> tuple[Array, Array]:
    """Return cosine and sine that take the inner product of two columns to 0, whose squares differ by `gap`."""
    sign = np.where(arithmetic.real(gap) < 0, -1, 1)
    below = gap + sign * _root(gap * gap + 4 * inner * inner, arithmetic)
    tangent = np.where(below == 0, 0, 2 * inner / np.where(below == 0, 1, below))
    cosine = 1 / _root(1 + tangent * tangent, arithmetic)
    return cosine, tangent * cosine


def _turn(columns: Array, p: int, q: int, cosine: Array, sine: Array) -> None:
    first, second = columns[:, :, p].copy(), columns[:, :, q].copy()
    columns[:, :, p] = cosine[:, None] * first - sine[:, None] * second
    columns[:, :, q] = sine[:, None] * first + cosine[:, None] * second


def eigen(matrix: Array, arithmetic: Arithmetic) -> tuple[Array, Array]:
    """Return eigenvalues in ascending order and eigenvectors, as columns, of a stack of symmetric matrices."""
    left, vectors, close = np.array(matrix), _eye(matrix, arithmetic), 0
    size = matrix.shape[-1]
    off = ~np.eye(size, dtype=bool)
    for _ in range(MOST):
        close += _largest(left[:, off]) <= _tolerance(left) * _largest(left)
        if close == 3 or _largest(left) == np.inf:
            break
        for p, q in combinations(range(size), 2):
            cosine, sine = _rotation(left[:, q, q] - left[:, p, p], left[:, p, q], arithmetic)
            for each in (left, _turned(left), vectors):
                _turn(each, p, q, cosine, sine)
    values = np.diagonal(left, axis1=1, axis2=2)
    order = np.argsort(nearest(arithmetic.real(values)), axis=-1, kind="stable")
    return np.take_along_axis(values, order, 1), np.take_along_axis(vectors, order[:, None, :], 2)


def singular(matrix: Array, arithmetic: Arithmetic) -> tuple[Array, Array, Array]:
    """Return U, s and V of a stack of matrices, s in descending order, with as many columns as the shorter side."""
    if matrix.shape[1] < matrix.shape[2]:
        left, values, right = singular(_turned(matrix), arithmetic)
        return right, values, left
    columns = np.array(matrix)
    right, close = _eye(columns, arithmetic), 0
    for _ in range(MOST):
        inner = arithmetic.product(_turned(columns), columns)
        close += _largest(inner[:, ~np.eye(inner.shape[-1], dtype=bool)]) <= _tolerance(inner) * _largest(inner)
        if close == 3 or _largest(columns) == np.inf:
            break
        for p, q in combinations(range(columns.shape[-1]), 2):
            first, second = columns[:, :, p], columns[:, :, q]
            gap = np.sum(second * second - first * first, axis=-1)
            cosine, sine = _rotation(gap, np.sum(first * second, axis=-1), arithmetic)
            for each in (columns, right):
                _turn(each, p, q, cosine, sine)
    values = _root(np.sum(columns * columns, axis=1), arithmetic)
    order = np.argsort(-nearest(arithmetic.real(values)), axis=-1, kind="stable")
    columns, right = (np.take_along_axis(each, order[:, None, :], 2) for each in (columns, right))
    values = np.take_along_axis(values, order, 1)
    return columns / values[:, None, :], values, right


def _signs(vectors: Array, arithmetic: Arithmetic) -> Array:
    """Return the sign of the largest element of each column."""
    real = nearest(arithmetic.real(vectors))
    at = np.argmax(np.abs(real), axis=1)[:, None, :]
    return np.where(np.take_along_axis(real, at, 1) < 0, -1, 1)


@EVALUATE.row(n.Eigh)
def _(node: n.Eigh, operands: list[Array], of: Evaluator) -> Array:
    with np.errstate(all="ignore"):
        values, vectors = eigen(_symmetric(operands[0], of), of.arithmetic)
    found = vectors * _signs(vectors, of.arithmetic) if node.part else values
    return of.arithmetic.rounded(found, vectors.shape[-1] ** 2)


@EVALUATE.row(n.Svd)
def _(node: n.Svd, operands: list[Array], of: Evaluator) -> Array:
    with np.errstate(all="ignore"):
        left, values, right = singular(_taken(operands[0], of), of.arithmetic)
    signs = _signs(right, of.arithmetic)
    found = (left * signs, values, _turned(right * signs))[node.part]
    return of.arithmetic.rounded(found, right.shape[-1] ** 2)


@EVALUATE.row(n.MatrixNorm)
def _(node: n.MatrixNorm, operands: list[Array], of: Evaluator) -> Array:
    with np.errstate(all="ignore"):
        _, values, right = singular(_taken(operands[0], of), of.arithmetic)
    found = np.sum(values, axis=-1) if node.which == "nuc" else values[:, 0 if node.which == "2" else -1]
    return of.arithmetic.rounded(found, right.shape[-1] ** 2)
