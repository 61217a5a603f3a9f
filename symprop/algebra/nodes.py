"""The kinds of node that a formula is made of: a closed set of immutable trees, each a `sympy.Basic`.

A node keeps its matrix form (product, transpose, sum over an axis, elementwise function, ...) and has a `shape`, a
tuple of SymPy integers or positive symbols, computed and checked when it is built. What a node means (its shape, its
elements, its derivative, its notation) stands in tables, one for each meaning, with a row for each kind of node.

Operators have NumPy's meaning: `+ - * / **` are elementwise with broadcasting, `@` is the matrix product.

    >>> from symprop.algebra import variable
    >>> W, x = variable("W", (3, 4)), variable("x", (4,))
    >>> (W @ x).shape
    (3,)
"""

from __future__ import annotations

from symprop.algebra.kinds.base import (
    HEAVIEST,
    SHAPE,
    Add,
    Elementwise,
    Leaf,
    Linear,
    MatMul,
    Multiply,
    Node,
    Power,
    Reduction,
    Scalar,
    Structural,
    Transpose,
    as_node,
    negative,
)
from symprop.algebra.kinds.elementwise import Compare, Map, Where
from symprop.algebra.kinds.leaves import (
    AXIS_FACTS,
    Commutation,
    Fact,
    Fill,
    Identity,
    Known,
    Variable,
    names_in,
    unused_index,
)
from symprop.algebra.kinds.matrices import Determinant, Inverse, Kron, LogDeterminant, MatrixPower, Outer
from symprop.algebra.kinds.moves import (
    Concatenate,
    Diag,
    Diagonal,
    Expand,
    Flip,
    OneHot,
    Pad,
    Reshape,
    ScatterAdd,
    Slice,
    Take,
)
from symprop.algebra.kinds.reductions import Extreme, First, LogSumExp, Product, Softmax, Sum
from symprop.algebra.kinds.series import BatchMean, BlockSum, Pullback, Pushforward
from symprop.algebra.kinds.windows import Fold, Selection, Window, Windowed

NODE_KINDS: tuple[type[Node], ...] = (
    Variable,
    Scalar,
    Fill,
    Identity,
    Add,
    Multiply,
    Power,
    MatMul,
    Outer,
    Transpose,
    Sum,
    Expand,
    Reshape,
    Diag,
    Diagonal,
    Take,
    ScatterAdd,
    OneHot,
    Map,
    Compare,
    Where,
    Softmax,
    LogSumExp,
    BlockSum,
    Inverse,
    Determinant,
    LogDeterminant,
    MatrixPower,
    Kron,
    Commutation,
    Product,
    Extreme,
    First,
    Concatenate,
    Slice,
    Pad,
    Flip,
    Window,
    Fold,
    Known,
)
"""Every kind of node that an answer may hold. Each table has a row for each; `Pullback` is the unfinished one."""

__all__ = [
    "AXIS_FACTS",
    "HEAVIEST",
    "NODE_KINDS",
    "SHAPE",
    "Add",
    "BatchMean",
    "BlockSum",
    "Commutation",
    "Compare",
    "Concatenate",
    "Determinant",
    "Diag",
    "Diagonal",
    "Elementwise",
    "Expand",
    "Extreme",
    "Fact",
    "Fill",
    "First",
    "Flip",
    "Fold",
    "Identity",
    "Inverse",
    "Known",
    "Kron",
    "Leaf",
    "Linear",
    "LogDeterminant",
    "LogSumExp",
    "Map",
    "MatMul",
    "MatrixPower",
    "Multiply",
    "Node",
    "OneHot",
    "Outer",
    "Pad",
    "Power",
    "Product",
    "Pullback",
    "Pushforward",
    "Reduction",
    "Reshape",
    "Scalar",
    "ScatterAdd",
    "Selection",
    "Slice",
    "Softmax",
    "Structural",
    "Sum",
    "Take",
    "Transpose",
    "Variable",
    "Where",
    "Window",
    "Windowed",
    "as_node",
    "names_in",
    "negative",
    "unused_index",
]
