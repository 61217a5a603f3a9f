"""Kinds of matrices and of pairs of vectors."""

from __future__ import annotations

from typing import Any, Self

from sympy import Expr, Integer

from symprop.algebra.kinds.base import Linear, Node
from symprop.algebra.sizes import whole


class Outer(Linear):
    """Outer product of two vectors: `out[i, j] = u[i] * v[j]`."""

    def __new__(cls, left: Node, right: Node) -> Self:
        return super().__new__(cls, left, right)


class Inverse(Node):
    """The inverse of a square matrix, which is its power of -1."""

    @property
    def exponent(self) -> Expr:
        return Integer(-1)

    @property
    def plain(self) -> tuple[Node, Expr]:
        """The matrix and its exponent."""
        return self.operands[0], self.exponent


class Determinant(Node):
    """The determinant of a square matrix."""


class LogDeterminant(Node):
    """The logarithm of the absolute value of the determinant of a square matrix, `np.linalg.slogdet(A)[1]`."""


class MatrixPower(Node):
    """A power of a square matrix: `A @ A @ ... @ A`; the identity for 0, powers of the inverse below.

    An exponent of which assumptions do not say that it is never above 0 is never below: where the indices of two
    series make it negative, it is a power of the inverse, `inv(A)**(t + 1 - i)`. As `plain` it is `A**(i - t - 1)`.
    """

    def __new__(cls, operand: Node, exponent: Any) -> Self:
        return super().__new__(cls, operand, whole(exponent, "the power of a matrix"))

    @property
    def exponent(self) -> Expr:
        return self.args[1]

    @property
    def plain(self) -> tuple[Node, Expr]:
        """The matrix and the exponent as they are written."""
        (base,) = self.operands
        return (base.operands[0], -self.exponent) if isinstance(base, Inverse) else (base, self.exponent)


class Kron(Linear):
    """The Kronecker product of two matrices: `out[i * p + k, j * q + l] = A[i, j] * B[k, l]`, B of shape (p, q)."""
