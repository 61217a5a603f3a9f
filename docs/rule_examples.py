"""An example of each kind of node, in general sizes and in small numbers, by which the page of rules shows the tables.

The formulas are typed as a reader would type them and read by the library. `tests/samples.py` has several times as
many, with broadcasting and higher ranks; the tests prove every row for those too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.known import known
from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables


@dataclass(frozen=True)
class Example:
    """A formula whose topmost node is of the kind; `sizes` are small numbers for its proof, `ids` values of integers.

    `cases` are values for the elements of the variable where a proof is by cases; `said` says which they are.
    The letters i, j, k, l, p and q are those of indices: no size or array has one.
    """

    formula: str
    where: str
    sizes: Mapping[str, int] = field(default_factory=dict)
    ids: Mapping[str, Any] = field(default_factory=dict)
    made: Callable[[Node], Node] | None = None
    note: str = ""
    cases: tuple[tuple[Any, ...], ...] = ()
    said: str = ""

    @property
    def node(self) -> Node:
        """The formula as a tree, in general sizes."""
        read = symprop.formula(self.formula, self.where).node
        return self.made(read) if self.made is not None else read

    def small(self, node: Node) -> Node:
        """Return a formula of this example with numbers in place of its sizes."""
        symbols = {symbol.name: symbol for symbol in node.free_symbols if not isinstance(symbol, n.Variable)}
        numbers = {symbols[name]: sympy.Integer(size) for name, size in self.sizes.items() if name in symbols}
        found: Node = node.xreplace(numbers)
        return found


def _repeated(node: Node) -> Node:
    """`c x` as a sum over blocks that do not depend on the index; the language has no other way to write it."""
    return n.BlockSum(
        node, sympy.Symbol("s", integer=True, positive=True), sympy.Symbol("c", integer=True, positive=True)
    )


def _divided(node: Node) -> Node:
    """The divided difference of the exponential of three variables."""
    return n.DividedDifference(*variables(node), "expm")


_T, _D = sympy.Symbol("t", real=True), sympy.Symbol("d", positive=True)

EXAMPLES: dict[type[Node], tuple[Example, ...]] = {
    n.Add: (Example("x + y", "x: n, y: n", {"n": 2}),),
    n.Multiply: (Example("x * y", "x: n, y: n", {"n": 2}),),
    n.Power: (Example("x**3", "x: n", {"n": 2}),),
    n.MatMul: (
        Example("A @ B", "A: m n, B: n r", {"m": 2, "n": 3, "r": 2}),
        Example("A @ x", "A: m n, x: n", {"m": 2, "n": 3}),
        Example("x @ y", "x: n, y: n", {"n": 3}),
    ),
    n.Outer: (Example("outer(x, y)", "x: m, y: n", {"m": 2, "n": 3}),),
    n.Transpose: (Example("A.T", "A: m n", {"m": 2, "n": 3}),),
    n.Sum: (
        Example("sum(x)", "x: n", {"n": 3}),
        Example("sum(A, axis=0)", "A: m n", {"m": 2, "n": 3}),
    ),
    n.Expand: (Example("x[:, None]", "x: n", {"n": 2}, note="A vector of length n becomes a matrix with one column."),),
    n.Reshape: (Example("reshape(A, (m * n,))", "A: m n", {"m": 2, "n": 2}),),
    n.Diag: (Example("diag(x)", "x: n", {"n": 2}),),
    n.Diagonal: (Example("diagonal(A)", "A: n n", {"n": 2}),),
    n.Take: (
        Example(
            "E[t]", "E: v d, t: m index v", {"v": 3, "d": 2, "m": 2}, {"t": [2, 0]},
            note="Row `t[i]` of the table E for each i: an embedding.",
        ),
    ),
    n.ScatterAdd: (
        Example("scatter_add(X, t, v)", "X: m d, t: m index v", {"v": 3, "d": 2, "m": 2}, {"t": [2, 2]}),
    ),
    n.OneHot: (Example("one_hot(t, v)", "t: m index v", {"v": 3, "m": 2}, {"t": [2, 0]}),),
    n.Map: (
        Example("tanh(x)", "x: n", {"n": 2}),
        Example("sigmoid(x)", "x: n", {"n": 2}),
        Example("log(x)", "x: n positive", {"n": 2}),
    ),
    n.Compare: (Example("x > y", "x: n, y: n", {"n": 2}),),
    n.Where: (Example("where(z > 0, x, y)", "z: n, x: n, y: n", {"n": 2}),),
    n.Softmax: (Example("softmax(x)", "x: n", {"n": 2}),),
    n.LogSumExp: (Example("logsumexp(x)", "x: n", {"n": 2}),),
    n.BlockSum: (
        Example("x", "x: n", {"n": 2, "c": 3}, made=_repeated, note="Here the term is the same in each of c blocks."),
    ),
    n.Inverse: (
        Example(
            "inv(A)", "A: n n", {"n": 2},
            note=r"The pushforward is in $A A^{-1} = I$: its change, $\dot{A} A^{-1} + A \dot{F}$, is zero.",
        ),
    ),
    n.Determinant: (Example("det(A)", "A: n n", {"n": 2}, note="Jacobi's formula."),),
    n.LogDeterminant: (Example("logdet(A)", "A: n n", {"n": 2}),),
    n.MatrixPower: (Example("matrix_power(A, 2)", "A: n n", {"n": 2}),),
    n.Kron: (Example("kron(A, B)", "A: m n, B: r s", {"m": 2, "n": 1, "r": 1, "s": 2}),),
    n.Product: (Example("prod(x)", "x: n nonnegative", {"n": 3}),),
    n.Extreme: (
        Example(
            "max(x)", "x: n", {"n": 2}, cases=((_T, _T + _D), (_T + _D, _T)),
            said="Here x[0] is the larger; the proof has both cases. A tie has no derivative, there the rule shares g",
        ),
    ),
    n.First: (
        Example(
            "first_max(x)", "x: n", {"n": 2}, cases=((_T, _T + _D), (_T + _D, _T)),
            said="Here x[0] is the larger; the proof has both cases. It changes in jumps alone",
        ),
    ),
    n.Concatenate: (Example("concatenate((x, y))", "x: m, y: n", {"m": 2, "n": 1}),),
    n.Slice: (Example("x[1:3]", "x: n", {"n": 4}),),
    n.Pad: (Example("pad(x, (1, 2))", "x: n", {"n": 2}),),
    n.Flip: (Example("flip(x)", "x: n", {"n": 3}),),
    n.Window: (
        Example(
            "sliding_window_view(x, 2, axis=0)", "x: n", {"n": 4}, note="Convolution is a product with windows.",
        ),
    ),
    n.Fold: (Example("fold(X, 2, axis=0, length=n + 1)", "X: n 2", {"n": 2}),),
}  # fmt: skip
"""What the page shows of each kind that has operands."""

BY_ALGORITHM: dict[type[Node], tuple[Example, ...]] = {
    n.PseudoInverse: (Example("pinv(A)", "A: m n", {"m": 3, "n": 2}),),
    n.MatrixFunction: (
        Example("expm(A)", "A: n n", {"n": 2}),
        Example("sqrtm(A)", "A: n n", {"n": 2}),
    ),
    n.DividedDifference: (Example("A @ E @ B", "A: m m, E: m n, B: n n", {"m": 2, "n": 2}, made=_divided),),
    n.Sylvester: (Example("solve_sylvester(A, B, Q)", "A: m m, B: n n, Q: m n", {"m": 2, "n": 2}),),
    n.Cholesky: (Example("cholesky(A)", "A: n n positive-definite", {"n": 2}),),
    n.MatrixNorm: (
        Example("norm(A, 2)", "A: m n", {"m": 3, "n": 2}),
        Example("norm(A, 'nuc')", "A: m n", {"m": 3, "n": 2}),
    ),
    n.Eigh: (Example("eigvalsh(A)", "A: n n symmetric", {"n": 2}), Example("eigh(A)[1]", "A: n n symmetric", {"n": 2})),
    n.Svd: (
        Example("svdvals(A)", "A: m n", {"m": 3, "n": 2}),
        Example("svd(A, full_matrices=False)[0]", "A: m n", {"m": 3, "n": 2}),
    ),
}  # fmt: skip
"""Kinds of which no element has a formula: their rows are compared with differences of values in 120 digits."""

LEAVES: dict[type[Node], Example] = {
    n.Variable: Example("A", "A: m n"),
    n.Scalar: Example("3", ""),
    n.Fill: Example("ones((m, n))", "x: m n"),
    n.Identity: Example("eye(n)", "x: n"),
    n.Known: Example("x", "x: n", {"n": 3}, made=lambda node: known("positions", node.shape, lambda i: i)),
    n.Commutation: Example("commutation(m, n)", "x: m n", {"m": 2, "n": 2}),
    n.Duplication: Example("duplication(n)", "x: n", {"n": 2}),
    n.Triangle: Example("tril(ones((n, n)))", "x: n n", {"n": 2}),
}
"""The kinds without operands: nothing can be pulled back to them."""
