"""Sample nodes of every kind, by which the tests prove each table's rows: several shapes and ranks, broadcasting too.

A sample's variables are its leaves; `POSITIVE` names those whose values must be above 0 (roots, logarithms), `IDS`
those that hold ids, with values.
"""

from __future__ import annotations

import sympy

from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.defined import T
from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction, elu, leaky_relu
from symprop.algebra.known import known, triangle
from symprop.algebra.nodes import Fact, Node

u, v, w = variable("u", (2,)), variable("v", (2,)), variable("w", (3,))
A, B, S = variable("A", (2, 3)), variable("B", (3, 2)), variable("S", (2, 2))
P, Q, R = variable("P", (2, 2, 3)), variable("Q", (2, 3, 2)), variable("R", (1, 2, 3))
row, column, c = variable("row", (1, 3)), variable("column", (2, 1)), variable("c", ())
ids = variable("ids", (2,), (Fact("index", 3),))
grid = variable("grid", (2, 2), (Fact("index", 3),))
table, scattered = variable("table", (3, 2)), variable("scattered", (2, 2, 2))
q, QA = variable("q", (2,), (Fact("nonnegative"),)), variable("QA", (2, 3), (Fact("nonnegative"),))
r = variable("r", (2,), (Fact("nonnegative"),))
M, N = variable("M", (3, 3)), variable("N", (2, 2))
line, image, patches = variable("line", (7,)), variable("image", (4, 5)), variable("patches", (2, 1, 2, 3))
vector, place = variable("vector", (3,)), variable("place", (), (Fact("index", 3),))
padded = n.Window(n.Pad(line, 0, [(1, 1)], -sympy.oo), 0, 3, 2)
"""Windows for a maximum, some of which reach beyond the array."""
i, j = (sympy.Symbol(name, integer=True, positive=True) for name in "ij")
well = n.Identity(3) * 3 + M
"""A matrix that is far from singular: the values of `M` are below 1."""

near = n.Identity(2) * 9 + N
"""Another, whose eigenvalues are above 0, and those of `far` too."""
far = n.Identity(3) * 9 + M

IDS = {"ids": [2, 0], "grid": [[1, 1], [0, 2]], "place": 1}
"""Values of ids: one row of `grid` selects the same row twice, and no id stands in order."""

INSIDE = {"arcsin", "arccos"}
"""Functions that are defined between -1 and 1 only."""
ABOVE = {"log", "log1p", "power"}
"""Functions that are defined above 0 (log1p above -1, a power above 0 for every exponent)."""

OF_SCIPY = ("gammaln", "digamma")
"""Functions that NumPy has no way for, which are compared in `test_decompositions.py`."""

own = ElementwiseFunction("own", (T,), T**3 / (1 + sympy.exp(-2 * T)))
_unary = [
    *(f for f in FUNCTIONS.values() if len(f.parameters) == 1 and f.name not in OF_SCIPY),
    own,
    leaky_relu(0.25),
    elu(2),
]
_binary = [f for f in FUNCTIONS.values() if len(f.parameters) == 2]


def _mapped(function: ElementwiseFunction) -> Node:
    return function(q if function.name in ABOVE | INSIDE else u)


SAMPLES: dict[type[Node], tuple[Node, ...]] = {
    n.Variable: (u, A, c),
    n.Scalar: (n.Scalar(3), n.Scalar(sympy.Rational(1, 3))),
    n.Fill: (n.Fill(2, (2, 3)), n.Fill(sympy.Rational(1, 2), (3,))),
    n.Identity: (n.Identity(2), n.Identity(3)),
    n.Known: (
        *(known("causal", (3, 3), lambda i, j: i >= j), known("positions", (4,), lambda i: i)),
        *(known("angles", (3, 4), lambda i, j: sympy.sin(i / 10 ** (j / 4))), known("rows", (2, 3), lambda i, j: i**2)),
    ),
    n.Add: (u + v, A + row, A + column, row + column, A + w, u + c, n.Add(u, v, u), P + A, P + R),
    n.Multiply: (u * v, A * row, A * column, row * column, A * w, u * c, n.Multiply(u, v, u), 3 * A, P * R),
    n.Power: (u**2, u**3, q**-1, q ** sympy.Rational(1, 2), QA**-2, c**2, u**1),
    n.MatMul: (A @ B, A @ w, u @ A, u @ v, S @ S, P @ Q, P @ B, A @ Q, R @ Q, P @ w, u @ P, A @ A.T),
    n.Outer: (n.Outer(u, w), n.Outer(u, u), n.Outer(w, u)),
    n.Transpose: (A.T, P.T, n.Transpose(P, (1, 0, 2)), n.Transpose(P, (2, 0, 1)), u.T),
    n.Sum: (
        *(n.Sum(u), n.Sum(A), n.Sum(A, 0), n.Sum(A, 1), n.Sum(A, (0, 1)), n.Sum(P, (0, 2)), n.Sum(P, 1)),
        *(n.Sum(A, 0, True), n.Sum(A, 1, True), n.Sum(P, (0, 2), True), n.Sum(u, None, True)),
    ),
    n.Expand: (n.Expand(u, 0), n.Expand(u, 1), n.Expand(A, 1), n.Expand(c, 0), n.Expand(A, -1)),
    n.Reshape: (n.Reshape(A, (6,)), n.Reshape(A, (3, 2)), n.Reshape(P, (4, 3)), n.Reshape(u, (1, 2))),
    n.Diag: (n.Diag(u), n.Diag(w)),
    n.Diagonal: (n.Diagonal(S), n.Diagonal(A @ B)),
    n.Take: (
        *(n.Take(table, ids), n.Take(table, grid), n.Take(B, ids), n.Take(vector, ids), n.Take(vector, grid)),
        *(n.Take(n.Transpose(P, (2, 0, 1)), ids), n.Take(table, place), n.Take(vector, place)),
    ),
    n.ScatterAdd: (
        *(n.ScatterAdd(S, ids, 3), n.ScatterAdd(scattered, grid, 3), n.ScatterAdd(A, ids, 4), n.ScatterAdd(u, ids, 3)),
        *(n.ScatterAdd(P, ids, 3), n.ScatterAdd(S, grid, 3), n.ScatterAdd(w, place, 3), n.ScatterAdd(c, place, 3)),
    ),
    n.OneHot: (n.OneHot(ids, 3), n.OneHot(grid, 4), n.OneHot(place, 3)),
    n.Map: (
        *(_mapped(function) for function in _unary),
        *(node for f in _binary if f.name not in ("power", "polygamma") for node in (f(u, v), f(A, row), f(column, w))),
        *(FUNCTIONS["power"](*pair) for pair in ((q, r), (q, u), (QA, row), (QA, c), (n.Scalar(2), u))),
        FUNCTIONS["tanh"](P),
        FUNCTIONS["sigmoid"](c),
    ),
    n.Compare: (
        *(n.Compare(relation, u, v) for relation in (">", ">=", "<", "<=", "==", "!=")),
        n.Compare(">", A, row),
    ),
    n.Where: (
        *(n.Where(n.Compare(">", u, n.Scalar(0)), u, v), n.Where(n.Compare("<", A, row), A, column)),
        *(n.Where(n.Compare(">", w, c), row, A), n.Where(n.OneHot(ids, 3), A, row)),
    ),
    n.Softmax: (n.Softmax(u), n.Softmax(A), n.Softmax(A, 0), n.Softmax(P, 1), n.Softmax(A * A)),
    n.BlockSum: (
        *(n.BlockSum(u * i, i, 3), n.BlockSum(S**i, i, 2), n.BlockSum(n.MatrixPower(S, i - 1) @ S, i, 3)),
        *(n.BlockSum(A, i, 2), n.BlockSum(n.BlockSum(c**i * u, j, i), i, 2), n.BlockSum(c * i, i, 4)),
    ),
    n.Inverse: (n.Inverse(well), n.Inverse(n.Identity(2) * 3 + N), n.Inverse(well.T)),
    n.Determinant: (n.Determinant(M), n.Determinant(N), n.Determinant(A @ B), n.Determinant(n.Transpose(M))),
    n.LogDeterminant: (n.LogDeterminant(well), n.LogDeterminant(n.Identity(2) * 3 + N)),
    n.MatrixPower: (
        *(n.MatrixPower(S, k) for k in (0, 1, 2, 3, 9)),
        *(n.MatrixPower(well, k) for k in (-1, -2, 2)),
    ),
    n.Kron: (n.Kron(A, B), n.Kron(S, A), n.Kron(S, S), n.Kron(row, column)),
    n.Triangle: (triangle(3, 3), triangle(2, 3, 1), triangle(3, 2, -1, upper=True)),
    n.Duplication: (n.Duplication(1), n.Duplication(2), n.Duplication(3)),
    n.Commutation: (n.Commutation(2, 3), n.Commutation(3, 3), n.Commutation(1, 2)),
    n.Product: (
        *(n.Product(q), n.Product(QA), n.Product(QA, 0), n.Product(QA, 1, True), n.Product(QA, None, True)),
        *(n.Product(q + 1, None, True), n.Product(1 + P * P, (0, 2))),
    ),
    n.Extreme: (
        *(
            n.Extreme(x, *where, which)
            for which in ("max", "min")
            for x, where in ((u, (None, False)), (A, (0, False)))
        ),
        *(
            n.Extreme(A),
            n.Extreme(A, 1, True),
            n.Extreme(P, (0, 2)),
            n.Extreme(A, None, True, "min"),
            n.Extreme(u, 0, True),
        ),
        *(n.Extreme(P, 1, False, "min"), n.Extreme(P, (0, 2), False, "max", "first")),
        *(n.Extreme(A, 1, True, "min", "first"), n.Extreme(padded, 1, False, "max", "first")),
    ),
    n.First: (n.First(u), n.First(A, 1), n.First(P, (0, 2)), n.First(A, 0, "min"), n.First(padded, 1)),
    n.Concatenate: (
        *(n.Concatenate(u, w, axis=0), n.Concatenate(u, u, v, axis=0), n.Concatenate(A, S, axis=1)),
        *(n.Concatenate(A, row, axis=0), n.Concatenate(P, P, axis=1), n.Concatenate(A, axis=0)),
    ),
    n.Slice: (
        *(n.Slice(w, 0, 1, 3), n.Slice(w, 0, 0, 2), n.Slice(A, 1, 1, 2), n.Slice(A, 0, 0, 2), n.Slice(P, 2, 1, 3)),
        *(n.Slice(M, 1, 0, 1), n.Slice(M, 0, 1, 2)),
    ),
    n.Pad: (
        *(n.Pad(w, 0, [(1, 2)]), n.Pad(w, 0, [(0, 1)], 3), n.Pad(A, 1, [(2, 0)]), n.Pad(A, (0, 1), [(1, 1), (0, 2)])),
        *(n.Pad(P, (2, 0), [(1, 0), (0, 1)], sympy.Rational(-1, 2)), n.Pad(M, 0, [(0, 0)])),
    ),
    n.Flip: (n.Flip(w), n.Flip(A), n.Flip(A, 1), n.Flip(P, (0, 2)), n.Flip(M @ M, 0)),
    n.Window: (
        *(n.Window(line, 0, 3), n.Window(line, 0, 2, 2), n.Window(line, 0, 2, 1, 3), n.Window(line, 0, 3, 3, 2)),
        *(n.Window(image, (0, 1), (2, 2)), n.Window(image, (1, 0), (3, 2), (2, 1), (1, 2)), n.Window(A, 1, 2)),
        *(n.Window(image, 0, 1, 2), n.Window(P, (0, 2), (1, 2)), n.Window(M @ M, 0, 2, 1)),
    ),
    n.Fold: (
        *(n.Fold(A, 0, 3, 2, 1, 6), n.Fold(M, 0, 3, 1, 2, 7), n.Fold(A, 0, 3, 3, 1, 7), n.Fold(P, 1, 3, 1, 1, 4)),
        *(n.Fold(P, 0, 3, 2, 1, 5), n.Fold(patches, (1, 0), (2, 3), (1, 2), (2, 1), (3, 5)), n.Fold(B, 0, 2, 1, 1, 4)),
    ),
    n.PseudoInverse: (n.PseudoInverse(A), n.PseudoInverse(B), n.PseudoInverse(n.Outer(u, w)), n.PseudoInverse(well)),
    n.MatrixFunction: tuple(n.MatrixFunction(each, name) for name in ("expm", "logm", "sqrtm") for each in (far, near)),
    n.DividedDifference: (
        *(n.DividedDifference(near, S, near, "expm"), n.DividedDifference(near, A, far, "expm")),
        n.DividedDifference(near, S, near, "logm"),
    ),
    n.Sylvester: (n.Sylvester(far, near, B), n.Sylvester(near, near, S)),
    n.Cholesky: (n.Cholesky(far), n.Cholesky(near)),
    n.MatrixNorm: tuple(n.MatrixNorm(each, which) for which in ("2", "-2", "nuc") for each in (A, B, well)),
    n.Eigh: tuple(n.Eigh(each, part) for part in (0, 1) for each in (M, S)),
    n.Svd: tuple(n.Svd(each, part) for part in (0, 1, 2) for each in (A, B, M)),
    n.LogSumExp: (n.LogSumExp(u), n.LogSumExp(A), n.LogSumExp(A, 0), n.LogSumExp(A, 1, True), n.LogSumExp(P, 1)),
}
"""At least two sample nodes for each kind; the tests fail where a kind has none."""
WITH_ELEMENTS = {kind: nodes for kind, nodes in SAMPLES.items() if not issubclass(kind, n.Decomposition)}
"""The kinds of which each element has a formula; the others are compared in `test_decompositions.py`."""
