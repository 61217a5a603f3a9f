r"""Superscripts, products, functions and windows in LaTeX have the values that NumPy gives, or say what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import symprop
from symprop.algebra.latex.reading import read_latex
from symprop.algebra.nodes import Variable
from symprop.formulas.checks.points import size_symbols
from symprop.verify.evaluate import complex_value

LIMIT = 1e-12
"""Relative: two dozen operations at most, each right to 1e-16, on matrices with condition numbers below 1e2."""
SIZES = {"n": 3, "m": 4, "k": 2, "l": 5, "t": 4}
inv = np.linalg.inv


def drawn(variable: Variable, sizes: dict[Any, int], seed: int) -> np.ndarray:
    """A random array; a square matrix has a diagonal that dominates, so that all of its powers have a value."""
    shape = tuple(int(size.subs(sizes)) for size in variable.shape)
    if "index" in variable.facts_by_kind:
        return np.random.default_rng(seed).integers(0, 5, shape)
    array = np.random.default_rng(seed).uniform(0.3, 1.7, shape)
    if len(shape) == 2 and shape[0] == shape[1]:
        array = array / 4 + 2 * np.eye(shape[0])
    return (array + array.T) / 2 if "symmetric" in variable.facts_by_kind else array


def check(written: str, where: str, text: str, meant: Callable[..., Any]) -> None:
    read = symprop.formula(latex=written, where=where)
    sizes = {symbol: SIZES[str(symbol)] for symbol in size_symbols(read.variables)}
    arrays = {each.name: drawn(each, sizes, place) for place, each in enumerate(read.variables)}
    found, true = complex_value(read.whole.node, arrays, sizes), np.asarray(meant(**arrays))
    assert np.shape(found) == true.shape and np.allclose(found, true, rtol=LIMIT, atol=LIMIT), (written, read.source)
    assert read.source == text, written


def refused(written: str, where: str, told: str, at: str) -> None:
    with pytest.raises(symprop.SympropError) as caught:
        symprop.formula(latex=written, where=where)
    message = str(caught.value).split("\n")
    assert message[0] == told, written
    assert written[caught.value.column :].startswith(at), (written, caught.value.column)


def root(A: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(A)
    return vectors @ np.diag(np.sqrt(values)) @ vectors.T


def folded(A: np.ndarray, stride: int, dilation: int, length: int) -> np.ndarray:
    found = np.zeros(length)
    for window, offset in np.ndindex(*A.shape):
        found[window * stride + offset * dilation] += A[window, offset]
    return found


VALUES: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    # superscripts
    (r"A^{-\top\top} x", "A: n n, x: n", "inv(A).T.T @ x", lambda A, x: inv(A) @ x),
    (r"A^{-1\top} x", "A: n n, x: n", "inv(A).T @ x", lambda A, x: inv(A).T @ x),
    (r"A^{\top 3}", "A: n n", "matrix_power(A.T, 3)", lambda A: A.T @ A.T @ A.T),
    (r"A^{\top\odot 2}", "A: m n", "A.T**2", lambda A: A.T**2),
    (r"A^{*} x + A^\star x + A^\ast x", "A: n m, x: n", "A.T @ x + A.T @ x + A.T @ x", lambda A, x: 3 * A.T @ x),
    (r"A^{-3}", "A: n n", "matrix_power(A, -3)", lambda A: inv(A @ A @ A)),
    (r"A^{0.5}", "A: n n symmetric", "sqrtm(A)", root),
    (r"A^{\frac{-1}{2}} x", "A: n n symmetric, x: n", "inv(sqrtm(A)) @ x", lambda A, x: inv(root(A)) @ x),
    (r"A^{\frac{1}{-2}} x", "A: n n symmetric, x: n", "inv(sqrtm(A)) @ x", lambda A, x: inv(root(A)) @ x),
    (r"A^{3 - 5 \cdot 0.5}", "A: n n symmetric", "sqrtm(A)", root),
    (r"A^{4/2}", "A: n n", "A @ A", lambda A: A @ A),
    (r"|A|^{0.5}", "A: n n", "sqrt(det(A))", lambda A: np.sqrt(np.linalg.det(A))),
    # sums and products
    (r"\sum_{ij} (A_{ij} - B_{ji})^3", "A: m n, B: n m", "sum((A - B.T)**3)", lambda A, B: np.sum((A - B.T) ** 3)),
    (r"x - \mathbf{0} + (\mathbf{0} + \mathbf{0})", "x: n", "x", lambda x: x),
    (r"\mathbf{0} - x", "x: n", "-x", lambda x: -x),
    (r"\sum_i \sum_j x_i \odot y_j", "x: n, y: m", "sum(x) * sum(y)", lambda x, y: np.sum(x) * np.sum(y)),
    (r"x A", "x: n, A: 1 m", "x[:, None] @ A", lambda x, A: np.outer(x, A)),
    (r"A x^\top", "A: m 1, x: n", "A @ x[None, :]", lambda A, x: np.outer(A, x)),
    (r"T A", "T: 1 k m, A: m n", "sum(T, axis=0) @ A", lambda T, A: T[0] @ A),
    (r"C_{ij} = \sum_k T_{ijk} x_k", "T: m n k, x: k", "C = T @ x", lambda T, x: T @ x),
    # an index in an exponent, with and without braces
    (r"y_i = x^{z_i}", "z: n, x:", "y = x**z", lambda x, z: x**z),
    (r"y_i = e^{z_{i}} x", "z: n, x:", "y = x * exp(z)", lambda x, z: np.exp(z) * x),
    (r"y_{ij} = x^{Z_{j, i}}", "Z: m n, x:", "y = (x**Z).T", lambda x, Z: x**Z.T),
    # functions with arguments of their own
    (
        r"C_i = \operatorname{vec}(x_i A)",
        "x: m, A: n k",
        "C = reshape(transpose(x[:, None][:, :, None] * A, (0, 2, 1)), (m, k*n))",
        lambda x, A: np.outer(x, A.T.ravel()),
    ),
    (
        r"\operatorname{sylvester}(A, B, Q)",
        "A: n n, B: m m, Q: n m",
        "solve_sylvester(A, B, Q)",
        lambda A, B, Q: np.linalg.solve(np.kron(A, np.eye(4)) + np.kron(np.eye(3), B.T), Q.ravel()).reshape(3, 4),
    ),
    (r"\operatorname{transpose}(A)", "A: n m", "A.T", lambda A: A.T),
    (
        r"\operatorname{transpose}(T, (2, 0, 1))",
        "T: m n k",
        "transpose(T, (2, 0, 1))",
        lambda T: np.transpose(T, (2, 0, 1)),
    ),
    (
        r"C_i = \operatorname{transpose}(x_i A, (1, 0))",
        "x: k, A: m n",
        "C = transpose(x[:, None][:, :, None] * A, (0, 2, 1))",
        lambda x, A: np.einsum("i,jk->ikj", x, A),
    ),
    (
        r"C_i = \operatorname{expand}(x_i y, \text{axis }1)",
        "x: k, y: n",
        "C = outer(x, y)[:, :, None]",
        lambda x, y: np.outer(x, y)[:, :, None],
    ),
    (r"\operatorname{tril}(A, 1)", "A: n n", "tril(A, 1)", lambda A: np.tril(A, 1)),
    (r"\log |x|", "x: n", "log(abs(x))", lambda x: np.log(np.abs(x))),
    (r"\log_2'(x)", "x: n", "1 / (x * log(2))", lambda x: 1 / (x * np.log(2))),
    (r"\operatorname{onehot}_l(i)", "i: n index l", "one_hot(i, l)", lambda i: np.eye(5)[i.astype(int)]),
    (r"\operatorname{mean}(A, \text{axis }1)", "A: m n", "sum(A, axis=1) / n", lambda A: A.mean(axis=1)),
    (r"\log_2 |x|", "x: n", "log(abs(x)) / log(2)", lambda x: np.log2(x)),
    (r"\operatorname{mean}_m(A)", "A: m n", "sum(A, axis=0) / m", lambda A: A.mean(axis=0)),
    (r"\operatorname{mean}_n(A)", "A: m n", "sum(A, axis=1, keepdims=True) / n", lambda A: A.mean(1, keepdims=True)),
    (r"\operatorname{mean}_t(A)", "A: n t", "sum(A, axis=1, keepdims=True) / t", lambda A: A.mean(1, keepdims=True)),
    (
        r"C_i = \operatorname{mean}_n(x_i y)",
        "x: m, y: n",
        "C = sum(outer(x, y), axis=1) / n",
        lambda x, y: np.outer(x, y).mean(axis=1),
    ),
    (r"\operatorname{pad}(x, (0, 1))", "x: n", "pad(x, (0, 1))", lambda x: np.pad(x, (0, 1))),
    # windows
    (
        r"\operatorname{windows}(x, 3, 2)",
        "x: 9",
        "sliding_window_view(x, 3, axis=0)[::2]",
        lambda x: sliding_window_view(x, 3)[::2],
    ),
    (
        r"\operatorname{windows}(x, 3, 2, 2)",
        "x: 9",
        "sliding_window_view(x, 5, axis=0)[::2, ::2]",
        lambda x: sliding_window_view(x, 5)[::2, ::2],
    ),
    (
        r"\operatorname{windows}(A, (3, 2))",
        "A: 5 4",
        "sliding_window_view(A, (3, 2), axis=(0, 1))",
        lambda A: sliding_window_view(A, (3, 2)),
    ),
    (
        r"\operatorname{windows}(A, k, \text{axis }1)",
        "A: n m, x: k",
        "sliding_window_view(A, k, axis=1)",
        lambda A, x: sliding_window_view(A, 2, axis=1),
    ),
    (
        r"\operatorname{fold}(A, 3, 2)",
        "A: 7 3",
        "fold(A, 3, axis=0, stride=2, length=15)",
        lambda A: folded(A, 2, 1, 15),
    ),
    (
        r"\operatorname{fold}(A, 3, 2, 2; 18)",
        "A: 7 3",
        "fold(A, 3, axis=0, stride=2, dilation=2, length=18)",
        lambda A: folded(A, 2, 2, 18),
    ),
)


@pytest.mark.parametrize("written, where, text, meant", VALUES)
def test_what_is_written_has_the_value_that_numpy_gives(
    written: str, where: str, text: str, meant: Callable[..., Any]
) -> None:
    check(written, where, text, meant)


DOMAIN = (
    r"a domain is \mathbb{R}^{m \times n}, \mathbb{R}^n, \mathbb{R}, \mathbb{R}_+, \mathbb{S}^n, \{0, 1\}^n or [0, 1]^n"
)
EXPONENT = "the exponent of a matrix is a number or a size, which a shape names"
SIDE_BY_SIDE = "arrays of more than two axes side by side: T is (m, n, k), "
SYLVESTER = "the equation A X + X B = Q is of three matrices, sylvester(A, B, Q)"
TRANSPOSE = "transpose takes an array and its axes in another order, such as (1, 0); "
PAD = "pad takes an array, a pair for each of its axes, and a value"
WINDOWS = "windows take an array, then sizes, strides and dilations, as many of each, such as (A, (3, 2), (1, 1))"
UNKNOWN = "windows are of an array whose sizes are known, without an index"

REFUSED: tuple[tuple[str, str, str, str], ...] = (
    # superscripts
    (r"y + x^{+} y", "x: n, y: n", "the pseudoinverse is of a matrix; x is a column of shape (n,)", "x^{+}"),
    (r"\mathbf{A}^{-1}", "A: m n", r"the inverse is of a square matrix: \mathbf{A} is (m, n)", r"\mathbf{A}"),
    (r"A^{p}", "A: n n, p:", f"{EXPONENT}; p is ()", "p}"),
    (r"A^{\alpha + 1}", "A: n n, alpha:", rf"{EXPONENT}; \alpha + 1 is ()", r"\alpha"),
    (r"A^x", "A: n n, x: n", f"{EXPONENT}; x is a column of shape (n,)", "x"),
    (r"A^{2.5}", "A: n n", r"a matrix has whole powers, 1/2 and -1/2; A^{\odot 2.5} is that of its elements", "2.5"),
    (
        r"A^{-\frac{1}{3}}",
        "A: n n",
        r"a matrix has whole powers, 1/2 and -1/2; A^{\odot -\frac{1}{3}} is that of its elements",
        r"-\frac",
    ),
    (r"A^{1/0}", "A: n n", "division by zero", "0}"),
    # side by side: what stands behind a superscript is no part of it
    (
        r"A^Tx + y",
        "A: m n, x: n, y: n",
        "shapes do not fit side by side: A^T is (n, m), x is a column of shape (n,)",
        "A",
    ),
    (
        r"x^2A",
        "A: m n, x: n",
        "a column before a matrix: x^2 is a column of shape (n,), A is (m, n); "
        r"allowed: x^\top A, A x, or brackets around A(x + y)",
        "x^2A",
    ),
    (
        r"B {A^T}^{-1}",
        "A: m n, B: n n",
        "the inverse is of a square matrix: A^T is (n, m)",
        r"A^T",
    ),
    (
        r"\frac{x^T}{2} B",
        "x: m, B: n n",
        r"shapes do not fit side by side: \frac{x^T}{2} is a row of shape (m,), B is (n, n)",
        r"\frac",
    ),
    (
        r"T x",
        "T: m n k, x: k",
        SIDE_BY_SIDE + r"x is a column of shape (k,); allowed: sums with indices, \sum_k T_{ijk} x_k",
        "T x",
    ),
    (
        r"\sum_i " + "x_i " * 13,
        "x: n",
        "13 factors in one product with indices; at most 12 are allowed",
        "x_i",
    ),
    # statements and declarations
    ("x; " * 200 + r"\alpha", "x: n, alpha:", "201 statements; at most 200 are allowed", r"\alpha"),
    (r"x + y \in \mathbb{R}^n, x", "", r"a declaration names an array, A \in \mathbb{R}^{m \times n}", "x + y"),
    (r"x, 2 \in \mathbb{R}^n", "", r"a declaration names an array, A \in \mathbb{R}^{m \times n}", "2"),
    (r"x, a + b, z \in \mathbb{R}^n", "", r"only the last statement has no name: r = A x - b, r^\top r", "x"),
    (r"x^\top x, x \in +", "", "something is missing before '+'", "+"),
    (r"x^\top x, x \in", "", r"a domain is missing behind \in, such as \mathbb{R}^n", r"\in"),
    *(
        (rf"x, x \in {domain}", "", DOMAIN, domain)
        for domain in (
            *(r"\{0, 2\}^n", r"\{0, 1\}_+", r"(0, 1)^n", r"\mathbb{C}^n", r"\mathbb{R}^n \mathbb{R}^n", "3"),
            *(r"\mathbb{R}^n_{+++}", r"\mathbb{R}^n_-", r"\mathbb{R}_m", r"\mathbb{S}_+", r"\mathbb{S}^{m \times n}"),
        )
    ),
    (r"x, x \in \{\}^n", "", r"something is missing before \}", r"\}"),
    *(
        (
            rf"x, x \in \mathbb{{R}}^{{{size}}}",
            "",
            "a size is a number, a name, or sums and products of these: 2n + 1",
            size,
        )
        for size in ("n/2", r"\frac{n}{2}", "-n", "2.5", "|n|", "2^n", "n!")
    ),
    # tokens
    (r"x + \phantom{a{b}", "x: n", "'{' is never closed", "{a"),
    (r"\begin{aligned}[t x \end{aligned}", "x: n", "'[' is never closed", "[t"),
    ("x + " * 2500 + "x", "x: n", "LaTeX of 5,001 letters and signs; at most 5,000 are allowed", "x"),
    ("x" * 20001, "x: n", "LaTeX of 20,001 characters; at most 20,000 are allowed", "x"),
    # functions with arguments of their own
    (r"2 \operatorname{vec}(A, B)", "A: n k, B: n k", "'vec' takes one array", r"\operatorname"),
    (r"\operatorname{vec}()", "A: n k", "something is missing before )", ")"),
    (
        r"\operatorname{mat}(x)",
        "x: 6",
        r"the sizes of a matrix stand below mat, \operatorname{mat}_{m \times n}(x)",
        r"\operatorname",
    ),
    (r"2 \operatorname{sylvester}(A, B)", "A: n n, B: n n", SYLVESTER, r"\operatorname"),
    (r"\operatorname{sylvester}(A, B, x)", "A: n n, B: n n, x: n", SYLVESTER, r"\operatorname"),
    (
        r"\operatorname{sylvester}(A, B, Q)",
        "A: n n, B: m m, Q: n k",
        "a matrix between two that are square: Q is (n, k)",
        "Q)",
    ),
    (r"2 \operatorname{transpose}(T, (1, 0))", "T: m n k", f"{TRANSPOSE}T is (m, n, k)", r"\operatorname"),
    (r"\operatorname{transpose}(A, 1, 0)", "A: m n", f"{TRANSPOSE}A is (m, n)", r"\operatorname"),
    (r"\operatorname{transpose}(a, B)", "a:, B: m n", f"{TRANSPOSE}a is ()", r"\operatorname"),
    (
        r"\operatorname{expand}(A, \text{axis }3)",
        "A: m n",
        "one new axis stands at 0 to 2; A is (m, n)",
        r"\operatorname",
    ),
    (
        r"\operatorname{expand}(A, \text{axes }0, 1)",
        "A: m n",
        "one new axis stands at 0 to 2; A is (m, n)",
        r"\operatorname",
    ),
    (r"2 \operatorname{vec}_3(A)", "A: m n", "vec takes no subscript", r"\operatorname"),
    (r"2 \operatorname{norm}'(x)", "x: n", "norm takes no prime; allowed: subscript", r"\operatorname"),
    (r"2 \operatorname{tril}(A, \text{axis }1)", "A: n n", "tril takes no axis", r"\operatorname"),
    (r"\operatorname{windows}(x, 3; 4)", "x: 9", "windows takes no ';'; allowed: axis", r"\operatorname"),
    (r"2 \exp(A, \text{axis }1)", "A: m n", "exp of each element takes no axis", r"\exp"),
    (
        r"\operatorname{mean}_m(A, \text{axis }1)",
        "A: m n",
        "a mean is over an axis by its number or by its size, not both",
        r"\operatorname",
    ),
    (
        r"\operatorname{tril}(A, 1, 2)",
        "A: n n",
        "tril takes a matrix and the number of a diagonal, tril(A, 1)",
        r"\operatorname",
    ),
    (r"1 + \operatorname{mean}_k(A)", "A: m n, x: k", "no axis has the size k: A is (m, n)", r"\operatorname"),
    (
        r"\operatorname{mean}_m(A)",
        "A: m m",
        r"two readings: several axes have the size m, A is (m, m); write a sum, \frac{1}{m} \sum_i A_{ij}",
        r"\operatorname",
    ),
    (r"2 \operatorname{pad}(A, (0, 1))", "A: n m", PAD, r"\operatorname"),
    (r"\operatorname{pad}(A, (0, 1), (1, 2), 3, 4)", "A: n m", PAD, r"\operatorname"),
    (r"C_i = \operatorname{pad}(x_i y, (0, 1))", "x: n, y: m", PAD, r"\operatorname"),
    # arrays by their elements
    (
        r"\{A x\}_{k}",
        "A: n n, x: n",
        "what stands at each k has no index k; an array by its elements is {x_i y}_i",
        "A x",
    ),
    (
        r"\{x\}_{:,k}",
        "x: n",
        "what stands at each k has no index k; an array by its elements is {x_i y}_i",
        "x",
    ),
    (r"\{x_k\}_{:,k}", "x: n", "the places :, k below the braces do not fit; x_k is () at each k", "x_k"),
    (r"\{x_k\}_{kk}", "x: n", "the index k stands twice below the braces", "x_k"),
    (r"\sum_k \{x_k\}_k", "x: n", "the index k has a meaning already", "x_k"),
    # windows
    (r"2 \operatorname{windows}(x)", "x: 9", WINDOWS, r"\operatorname"),
    (r"\operatorname{windows}(A, (3, 3), 2)", "A: 9 9", WINDOWS, r"\operatorname"),
    (r"\operatorname{windows}(x, 3, 2, 2, 1)", "x: 9", WINDOWS, r"\operatorname"),
    (
        r"\operatorname{windows}(x, y)",
        "x: 9, y: 3",
        "a window has sizes, strides and dilations that are numbers",
        "y",
    ),
    (r"\operatorname{windows}(x, 30)", "x: 9", "no window of 30 elements in an axis of length 9", r"\operatorname"),
    (r"x + \operatorname{windows}(\mathbf{1}, 3)", "x: n", UNKNOWN, r"\operatorname"),
    (r"C_i = \operatorname{windows}(x_i y, 3)", "x: n, y: m", UNKNOWN, r"\operatorname"),
    (r"\operatorname{fold}(A, 3; 10)", "A: 7 3", "windows of shape (7, 3), not (8, 3), to fold", r"\operatorname"),
)


@pytest.mark.parametrize("written, where, told, at", REFUSED, ids=[f"{case[0][:40]}" for case in REFUSED])
def test_what_is_refused_says_what_is_wrong_where_and_what_is_allowed(
    written: str, where: str, told: str, at: str
) -> None:
    refused(written, where, told, at)


DECLARED = (
    (r"\mathbb{R}", "", ()),
    (r"\mathbb{R}^3", "3", ()),
    (r"\R^n", "n", ()),
    (r"\mathbb{R}^{n+1}", "n + 1", ()),
    (r"\mathbb{R}^{2n - 1}", "2*n - 1", ()),
    (r"\mathbb{R}^{n_1 n_2}", "n1*n2", ()),
    (r"\mathbb{R}^{n^2}", "n**2", ()),
    (r"\mathbb{R}^{2 \cdot n \times (m+1)}", "2*n, m + 1", ()),
    (r"\mathbb{R}^{2(n - 1)^2}", "2*n**2 - 4*n + 2", ()),
    (r"\mathbb{R}^{n+1}_+", "n + 1", ("nonnegative",)),
    (r"\mathbb{R}^{n+}", "n", ("nonnegative",)),
    (r"\mathbb{R}^n_{\geq 0}", "n", ("nonnegative",)),
    (r"\mathbb{R}_{++}^n", "n", ("nonnegative", "positive")),
    (r"\mathbb{R}_{>0}^n", "n", ("nonnegative", "positive")),
    (r"[0, 1]^{m \times n}", "m, n", ("between 0 and 1", "nonnegative")),
    (r"\{0,1\}^n", "n", ("between 0 and 1", "bits", "nonnegative")),
    (r"\{-1, +1\}^n", "n", ("signs",)),
    (r"\mathbb{S}^{n \times n}", "n, n", ("symmetric",)),
    (r"\mathbb{S}_{++}^n", "n, n", ("positive definite", "symmetric")),
)


@pytest.mark.parametrize("domain, shape, facts", DECLARED)
def test_a_domain_says_the_sizes_of_an_array_and_what_is_true_of_it(
    domain: str, shape: str, facts: tuple[str, ...]
) -> None:
    (read,) = symprop.formula(latex=rf"2 x, x \in {domain}").variables
    assert (", ".join(map(str, read.shape)), tuple(sorted(read.facts_by_kind))) == (shape, facts)


def test_names_before_a_declaration_are_all_declared() -> None:
    read = symprop.formula(latex=r"x, y, z \in \mathbb{R}^n, \quad A \in \mathbb{R}^{m \times n}, \quad A (x + y - z)")
    assert [(each.name, len(each.shape)) for each in read.variables] == [("x", 1), ("y", 1), ("z", 1), ("A", 2)]
    assert read.source == "A @ (x + y - z)"


WORDS = (
    (r"x^\top A x \text{ for } x \in \mathbb{R}^n \text{ and } A \in \mathbb{R}^{n \times n}", "x @ A @ x"),
    (r"\text{minimize } \|x\|^2 \quad \text{where } x \in \mathbb{R}^n", "sum(x * x)"),
    (
        r"p = A x \text{ and } q = x, \quad p^\top q \text{ with } A \in \mathbb{R}^{n \times n}",
        "p = A @ x; q = x; p @ q",
    ),
    (r"\text{Let } x \in \mathbb{R}^n, x^\top x", "x @ x"),
)


@pytest.mark.parametrize("written, text", WORDS)
def test_words_stand_between_statements(written: str, text: str) -> None:
    assert symprop.formula(latex=written).source == text


LOOKS = (
    r"x \label{eq:1} + y",
    r"x + y \label",
    r"x \hspace{1em} + y \tag*{(1)}",
    r"x + \phantom{(\frac{a}{b})} y",
    r"\begin{aligned}[t] x & + y \end{aligned}",
    r"\begin{alignedat}{2} x & + y \end{alignedat}",
    r"\begin{alignat*}{2} x & + y \end{alignat*}",
    r"\begin{flalign} x & + y \end{flalign}",
    r"\begin{align} x \\ & + y \end{align}",
)


@pytest.mark.parametrize("written", LOOKS)
def test_what_says_only_how_a_formula_looks_is_left_out(written: str) -> None:
    assert symprop.formula(latex=written, where="x: n, y: n").source == "x + y"


def test_the_exponent_of_a_matrix_that_is_refused_keeps_its_sign() -> None:
    with pytest.raises(symprop.FormulaError, match=r"or an expression in sizes that is one, not -3/10"):
        symprop.formula("matrix_power(A, -0.3)", A="n n")


def test_latex_is_text() -> None:
    with pytest.raises(symprop.FormulaError, match="LaTeX is text, not int"):
        read_latex(3, ())  # type: ignore[arg-type]
