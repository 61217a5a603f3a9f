"""Functions of whole matrices that an algorithm finds, as NumPy and SciPy call them: rows of `OPERATORS`."""

from __future__ import annotations

from typing import Any

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.operators import OPERATORS, Operator
from symprop.algebra.shapes import same, shape_text
from symprop.algebra.symmetry import is_symmetric
from symprop.algebra.trees import variables
from symprop.errors import FormulaError, ShapeError, shown


def _matrix(name: str, matrix: Node, square: bool = True) -> Node:
    """Return a matrix, which is square where that is asked."""
    if matrix.rank != 2:
        raise ShapeError(f"{name} takes a matrix, not an array of shape {shape_text(matrix.shape)}")
    if square and not same(*matrix.shape):
        raise ShapeError(f"{name} takes a square matrix, not one of shape {shape_text(matrix.shape)}")
    return matrix


def _symmetric(name: str, matrix: Node, declared: str = "symmetric") -> Node:
    """Return a matrix that is seen to be symmetric.

    NumPy reads one triangle of any matrix and takes the other as its mirror, which says nothing of a derivative.
    """
    if is_symmetric(_matrix(name, matrix)):
        return matrix
    square = next((each for each in variables(matrix) if each.rank == 2 and each == matrix), None)
    sizes = " ".join(map(str, matrix.shape))
    how = f'{square.name}="{sizes} {declared}"' if square else f"(A + A.T) / 2 for A = {shown(matrix.text())}"
    raise FormulaError(f"{name} takes a symmetric matrix\nallowed: {how}")


def _function(name: str) -> Operator:
    return Operator(("A",), lambda A: n.MatrixFunction(_matrix(name, A), name))


def _frechet(A: Node, E: Node, compute_expm: Any = True) -> Node:
    if compute_expm is not False:
        raise FormulaError("expm_frechet gives two arrays; allowed: expm_frechet(A, E, compute_expm=False)")
    return n.DividedDifference(_matrix("expm_frechet", A), _matrix("expm_frechet", E), A, "expm")


def _eigh(a: Node, part: Any = None) -> Node:
    if part not in (0, 1):
        raise FormulaError("eigh gives two arrays; allowed: eigh(A)[0], the eigenvalues, and eigh(A)[1], the vectors")
    return n.Eigh(_symmetric("eigh", a), part)


def _svd(a: Node, full_matrices: Any = True, compute_uv: Any = True, part: Any = None) -> Node:
    if compute_uv is False:
        part = 1 if part is None else None
    if part not in (0, 1, 2) or (full_matrices is not False and part != 1):
        allowed = "svd(A, full_matrices=False)[0], U, and [2], V.T; svdvals(A), the singular values"
        raise FormulaError(f"svd gives three arrays, of which some have sizes of their own\nallowed: {allowed}")
    return n.Svd(_matrix("svd", a, square=False), part)


def _block(parts: tuple[Any, ...]) -> Node:
    rows = [n.Concatenate(*row, axis=1) if isinstance(row, tuple) else row for row in parts]
    if any(row.rank != 2 for row in rows):
        raise ShapeError("block takes rows of matrices, such as block([[A, B], [C, D]])")
    return n.Concatenate(*rows, axis=0 if isinstance(parts[0], tuple) else 1)


OPERATORS.update(
    {
        "pinv": Operator(("a",), lambda a: n.PseudoInverse(_matrix("pinv", a, square=False))),
        "expm": _function("expm"),
        "logm": _function("logm"),
        "sqrtm": _function("sqrtm"),
        "expm_frechet": Operator(("A", "E"), _frechet, ("compute_expm",)),
        "solve_sylvester": Operator(("a", "b", "q"), n.Sylvester),
        "cholesky": Operator(("a",), lambda a: n.Cholesky(_symmetric("cholesky", a, "positive-definite"))),
        "eigvalsh": Operator(("a",), lambda a: n.Eigh(_symmetric("eigvalsh", a), 0)),
        "eigh": Operator(("a",), _eigh, ("part",)),
        "svdvals": Operator(("a",), lambda a: n.Svd(_matrix("svdvals", a, square=False), 1)),
        "svd": Operator(("a",), _svd, ("full_matrices", "compute_uv", "part")),
        "block": Operator((), _block, lists=True),
    }
)
