"""Inverses, determinants, powers, Kronecker products, slices and series in the three notations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.formula import formula, formula_of
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables
from symprop.calculus.tidy import tidy
from symprop.notation import latex, pretty, text
from symprop.verify.evaluate import complex_value
from tests.notation.helpers import NAMESPACE
from tests.rounding import assert_rounded
from tests.rounding_of_formulas import assert_same_value, counted
from tests.samples import IDS, SAMPLES

A, B = variable("A", ("n", "n")), variable("B", ("n", "n"))
X, x, y = variable("X", ("m", "n")), variable("x", ("n",)), variable("y", ("n",))
s = variable("s")
k, i = (sympy.Symbol(name, integer=True, positive=True) for name in "ki")
m, size = (sympy.Symbol(name, integer=True, positive=True) for name in "mn")

WRITTEN: list[tuple[Node, str, str, str]] = [
    (n.Inverse(A), "inv(A)", "A⁻¹", "A^{-1}"),
    (n.Inverse(A.T), "inv(A).T", "A⁻ᵀ", r"A^{-\top}"),
    (n.Inverse(A + B), "inv(A + B)", "(A + B)⁻¹", r"\left(A + B\right)^{-1}"),
    (n.Determinant(A), "det(A)", "det(A)", r"\det(A)"),
    (n.LogDeterminant(A), "logdet(A)", "log|det(A)|", r"\log\left|\det(A)\right|"),
    (n.Sum(n.Diagonal(A @ B)), "trace(A @ B)", "tr(A B)", r"\operatorname{tr}(A B)"),
    (n.MatrixPower(A, 3), "matrix_power(A, 3)", "A³", "A^{3}"),
    (n.MatrixPower(A, k - 1), "matrix_power(A, k - 1)", "Aᵏ⁻¹", "A^{k - 1}"),
    (A**3, "A**3", "A⊙³", r"A^{\odot 3}"),
    (n.Kron(A, B), "kron(A, B)", "A ⊗ B", r"A \otimes B"),
    (n.Kron(A + B, B), "kron(A + B, B)", "(A + B) ⊗ B", r"\left(A + B\right) \otimes B"),
    (n.Commutation(m, size), "commutation(m, n)", "K[m, n]", "K_{m,n}"),
    (n.Product(x), "prod(x)", "prod(x)", r"\prod(x)"),
    (n.Extreme(x), "max(x)", "max(x)", r"\max(x)"),
    (n.Extreme(X, 1, False, "min"), "min(X, axis=1)", "min(X, axis 1)", r"\min(X, \text{axis }1)"),
    (n.First(x), "first_max(x)", "firstmax(x)", r"\operatorname{firstmax}(x)"),
    (
        n.First(X, 1),
        "first_max(X, axis=1)",
        "firstmax(X, axis 1)",
        r"\operatorname{firstmax}(X, \text{axis }1)",
    ),
    (
        n.Pad(x, 0, [(1, k)]),
        "pad(x, (1, k))",
        "[0₁ ; x ; 0ₖ]",
        r"\begin{bmatrix} \mathbf{0}_{1} \\ x \\ \mathbf{0}_{k} \end{bmatrix}",
    ),
    (
        n.Pad(X, 1, [(1, 0)], -sympy.oo),
        "pad(X, ((0, 0), (1, 0)), constant_values=-inf)",
        "pad(X, (0, 0), (1, 0), −∞)",
        r"\operatorname{pad}{\left(X, \left(0, 0\right), \left(1, 0\right), -\infty\right)}",
    ),
    (n.Flip(x), "flip(x)", "flip(x)", r"\operatorname{flip}(x)"),
    (n.Flip(X, 1), "flip(X, axis=1)", "flip(X, axis 1)", r"\operatorname{flip}(X, \text{axis }1)"),
    (n.Window(x, 0, 3), "sliding_window_view(x, 3, axis=0)", "windows(x, 3)", r"\operatorname{windows}(x, 3)"),
    (
        n.Window(X, (0, 1), (3, 2), (2, 1), (1, 4)),
        "sliding_window_view(X, (3, 5), axis=(0, 1))[::2, :, :, ::4]",
        "windows(X, (3, 2), (2, 1), (1, 4))",
        r"\operatorname{windows}{\left(X, \left(3, 2\right), \left(2, 1\right), \left(1, 4\right)\right)}",
    ),
    (
        n.Fold(X, 0, size, 2, 1, 2 * m + size - 2),
        "fold(X, n, axis=0, stride=2, length=2*m + n - 2)",
        "fold(X, n, 2)",
        r"\operatorname{fold}(X, n, 2)",
    ),
    (
        n.Fold(X, 0, size, 2, 1, 2 * m + size - 1),
        "fold(X, n, axis=0, stride=2, length=2*m + n - 1)",
        "fold(X, n, 2; 2 m + n − 1)",
        r"\operatorname{fold}(X, n, 2; 2 m + n - 1)",
    ),
    (
        n.Window(X, (1, 0), (3, 2)),
        "sliding_window_view(X, (3, 2), axis=(1, 0))",
        "windows(X, (3, 2), axes 1, 0)",
        r"\operatorname{windows}{\left(X, \left(3, 2\right), \text{axes }1, 0\right)}",
    ),
    (n.Slice(x, 0, 1, 3), "x[1:3]", "x[1:3]", "x[1:3]"),
    (n.Slice(X, 1, 0, size - 1), "X[:, :n - 1]", "X[:, :n − 1]", "X[:, :n - 1]"),
    (n.Sum(n.Slice(x, 0, 0, 1), 0), "x[0]", "x[0]", "x[0]"),
    (n.Sum(n.Slice(X, 1, size - 1, size), 1), "X[:, n - 1]", "X[:, n − 1]", "X[:, n - 1]"),
    (FUNCTIONS["power"](x, y), "x**y", "x⊙^y", r"x^{\odot y}"),
    (FUNCTIONS["power"](n.Scalar(2), s), "2**s", "2^s", "2^{s}"),
    (FUNCTIONS["power"](x + y, s), "(x + y)**s", "(x + y)⊙^s", r"\left(x + y\right)^{\odot s}"),
]


@pytest.mark.parametrize(("node", "plain", "unicode", "tex"), WRITTEN, ids=[each[1] for each in WRITTEN])
def test_the_three_notations(node: Node, plain: str, unicode: str, tex: str) -> None:
    assert (text(node), pretty(node), latex(node)) == (plain, unicode, tex)


@pytest.mark.parametrize("written", [each[1] for each in WRITTEN if "k" not in each[1] or "kron" in each[1]])
def test_what_is_written_reads_back_as_the_same_text(written: str) -> None:
    assert formula_of(written, (A, B, X, x, y, s)).node.text() == written


NEW = (
    *(n.Inverse, n.Determinant, n.LogDeterminant, n.MatrixPower, n.Kron, n.Commutation, n.Product, n.Extreme),
    *(n.First, n.Concatenate, n.Slice, n.BlockSum, n.Take, n.ScatterAdd, n.Pad, n.Flip, n.Window, n.Fold),
)
NODES = [node for kind in NEW for node in SAMPLES[kind]]
POWERS = [node for node in SAMPLES[n.Map] if node.function.name == "power"]  # type: ignore[attr-defined]


def drawn(node: Node) -> dict[str, Any]:
    random = np.random.default_rng(3)
    given = {v.name: random.uniform(0.2, 0.9, [int(length) for length in v.shape]) for v in variables(node)}
    return {name: np.asarray(IDS[name]) if name in IDS else value for name, value in given.items()}


@pytest.mark.parametrize("node", [*NODES, *POWERS], ids=text)
def test_a_text_means_the_node_to_numpy_and_to_the_reader(node: Node) -> None:
    values = drawn(node)
    true = counted(node, values)
    found = np.asarray(eval(text(node), {**NAMESPACE, **values}))  # a text that this test has printed
    assert_rounded(found, true)
    again = formula_of(text(node), variables(node)).node
    assert tuple(again.shape) == tuple(node.shape)
    assert_rounded(complex_value(again, values), true)


@pytest.mark.parametrize("node", [*NODES, *POWERS], ids=text)
def test_the_tidy_form_has_the_same_value(node: Node) -> None:
    values = drawn(node)
    assert_same_value(tidy(node), node, values)
    assert tidy(tidy(node)) == tidy(node)


def test_a_series_reads_back_and_its_index_is_its_own() -> None:
    written = "sum([matrix_power(A, i) @ B for i in range(1, k + 1)], axis=0)"
    found = formula(written, A="n n", B="n n").node
    assert isinstance(found, n.BlockSum) and found.index == i and found.count == k
    assert found.text() == written
    assert pretty(found) == "Σ[i=1…k] Aⁱ B"
    assert latex(found) == r"\sum_{i=1}^{k} A^{i} B"


def test_a_range_from_zero_is_moved_to_one() -> None:
    found = formula("sum([x * i for i in range(4)], axis=0)", x="n")
    assert found.text() == "sum([(i - 1) * x for i in range(1, 5)], axis=0)"


def test_one_name_in_several_series_is_several_indices() -> None:
    once = "sum([x * i for i in range(1, 3)], axis=0)"
    found = formula(f"{once} + {once}", x="n").node
    assert complex_value(found, {"x": np.array([1.0, 2.0])}, {size: 2}).real.tolist() == [6, 12]
