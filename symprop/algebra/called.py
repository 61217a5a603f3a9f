"""What kinds of node are called where a user reads of them: in the names of steps and in errors."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node

CALLED: dict[type[Node], str] = {
    n.Add: "sum",
    n.Multiply: "elementwise product",
    n.Power: "power",
    n.MatMul: "matrix product",
    n.Outer: "outer product",
    n.Transpose: "transpose",
    n.Sum: "sum over an axis",
    n.BlockSum: "sum over the blocks",
    n.Expand: "new axis",
    n.Reshape: "reshape",
    n.Diag: "diagonal matrix",
    n.Diagonal: "diagonal",
    n.Take: "selection of rows",
    n.ScatterAdd: "scattered sum",
    n.OneHot: "one-hot",
    n.Map: "elementwise function",
    n.Compare: "comparison",
    n.Where: "choice",
    n.Softmax: "softmax",
    n.LogSumExp: "log-sum-exp",
    n.Inverse: "inverse",
    n.Determinant: "determinant",
    n.LogDeterminant: "log-determinant",
    n.MatrixPower: "power of a matrix",
    n.Kron: "Kronecker product",
    n.Product: "product over an axis",
    n.Extreme: "largest or smallest",
    n.First: "first of the largest",
    n.Concatenate: "concatenation",
    n.Slice: "slice",
    n.Pad: "padding",
    n.Flip: "flip",
    n.Window: "windows",
    n.Fold: "fold",
    n.PseudoInverse: "pseudoinverse",
    n.MatrixFunction: "function of a matrix",
    n.DividedDifference: "Fréchet derivative",
    n.Sylvester: "Sylvester equation",
    n.Cholesky: "Cholesky factor",
    n.MatrixNorm: "norm by singular values",
    n.Eigh: "eigenvalues",
    n.Svd: "singular values",
}


def called(node: Node) -> str:
    """Return what the kind of a node is called.

    >>> from symprop.algebra import variable
    >>> called(variable("A", (2, 3)) @ variable("x", (3,)))
    'matrix product'
    """
    return CALLED.get(type(node), type(node).__name__.lower())
