"""Kinds that an algorithm of linear algebra makes of a whole matrix: they have no formula for one element.

Their derivatives are in their own terms: Golub and Pereyra (1973) for the pseudoinverse, Higham, *Functions of
Matrices* (2008), chapter 3, for functions of matrices, Giles (2008) and Murray (2016) for what is factorised.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from sympy import Integer
from sympy.core.symbol import Str

from symprop.algebra.kinds.base import Node


class Decomposition(Node):
    """Abstract: made of whole matrices by an algorithm."""


class PseudoInverse(Decomposition):
    """The Moore-Penrose inverse of a matrix, `np.linalg.pinv(A)`."""


class MatrixFunction(Decomposition):
    """A function of a square matrix as a power series has it, not elementwise: "expm", "logm", "sqrtm"."""

    def __new__(cls, operand: Node, name: Any) -> Self:
        return super().__new__(cls, operand, name if isinstance(name, Str) else Str(name))

    @property
    def name(self) -> str:
        return self.args[1].name


class TwoSided(Decomposition):
    """Abstract: of a matrix on either side, and linear in the one between them."""

    linear_in: ClassVar[int]
    """Where the operand stands in which it is linear."""

    @property
    def middle(self) -> Node:
        return self.operands[self.linear_in]

    @property
    def sides(self) -> tuple[Node, Node]:
        left, right = (operand for place, operand in enumerate(self.operands) if place != self.linear_in)
        return left, right


class DividedDifference(TwoSided):
    """The block in the upper right of `f([[A, E], [0, B]])`; where B is A, the Frechet derivative of f at A along E.

    It is linear in E. With `f(x) = sum_k c_k x**k` it is the sum of `c_(i + j + 1) A**i @ E @ B**j` (Higham, 2008,
    theorem 3.6 and equation (3.14)).
    """

    linear_in: ClassVar[int] = 1

    def __new__(cls, left: Node, middle: Node, right: Node, name: Any) -> Self:
        return super().__new__(cls, left, middle, right, name if isinstance(name, Str) else Str(name))

    @property
    def name(self) -> str:
        return self.args[3].name

    @property
    def is_frechet(self) -> bool:
        """Whether it is the derivative at one matrix."""
        return self.sides[0] == self.sides[1]


class Sylvester(TwoSided):
    """The matrix X with `A @ X + X @ B = Q`, `scipy.linalg.solve_sylvester(A, B, Q)`. It is linear in Q."""

    linear_in: ClassVar[int] = 2


class Cholesky(Decomposition):
    """The lower triangular L with `L @ L.T = A`, and a positive diagonal; of the symmetric part of A."""


class MatrixNorm(Decomposition):
    """A norm of a matrix by its singular values: the largest (2), the smallest (-2), or their sum ("nuc")."""

    def __new__(cls, operand: Node, which: Any) -> Self:
        return super().__new__(cls, operand, which if isinstance(which, Str) else Str(which))

    @property
    def which(self) -> str:
        return self.args[1].name


class Spectral(Decomposition):
    """Abstract: one of the arrays that take a matrix apart."""

    letters: ClassVar[tuple[str, ...]] = ()
    """What mathematics calls the matrices of vectors."""

    def __new__(cls, operand: Node, part: Any) -> Self:
        return super().__new__(cls, operand, part if isinstance(part, Integer) else Integer(part))

    @property
    def part(self) -> int:
        return int(self.args[1])


class Eigh(Spectral):
    """Of the symmetric part of a matrix, with eigenvalues in ascending order: the eigenvalues (0), the vectors (1).

    `A = Q @ diag(q) @ Q.T`; the largest element of a vector is above 0.
    """

    letters: ClassVar[tuple[str, ...]] = ("", "Q")


class Svd(Spectral):
    """The singular value decomposition without zeros: `A = U @ diag(s) @ Vt`, s descending; U (0), s (1), Vt (2)."""

    letters: ClassVar[tuple[str, ...]] = ("U", "", "V")
