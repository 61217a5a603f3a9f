r"""LaTeX in, seldom ways to write: what is read, as text and as numbers that NumPy gives; what is refused, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.linalg import svd
from sympy import Rational

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.latex.formulas import latex_formula, sides
from symprop.algebra.latex.papers import equation, equations
from symprop.algebra.latex.reading import read_latex
from symprop.algebra.named_numbers import NamedNumber
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node
from symprop.formulas.checks.points import size_symbols
from symprop.verify.evaluate import complex_value

SIZES = {"n": 4, "m": 3, "k": 2, "p": 5}


MEANT: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    (r"|x||y|", "x:, y:", "abs(x) * abs(y)", lambda x, y: abs(x * y)),
    (r"\abs{x - y}", "x: n, y: n", "abs(x - y)", lambda x, y: abs(x - y)),
    (r"\norm{x}", "x: n", "norm(x)", lambda x: np.sqrt(x @ x)),
    (r"\norm{A}_2^2", "A: m n", "norm(A, 2)**2", lambda A: svd(A)[1][0] ** 2),
    (r"\left|\left|x\right|\right|_1", "x: n", "sum(abs(x))", lambda x: abs(x).sum()),
    (r"\|x\|_p", "x: p", "sum(abs(x)**p)**(1/p)", lambda x: (x**5).sum() ** 0.2),
    (r"\|x\|_{n-1}", "x: n", "sum(abs(x)**(n - 1))**(1/(n - 1))", lambda x: (x**3).sum() ** (1 / 3)),
    (r"\sqrt[3]{x}", "x: n", "x**(1/3)", lambda x: np.cbrt(x)),
    (r"\operatorname*{tanh}(x)", "x: n", "tanh(x)", lambda x: np.tanh(x)),
    (r"\operatorname{sum}(A) B", "A: m m, B: m n", "sum(A) * B", lambda A, B: A.sum() * B),
    (r"\sin{(x - y)} y", "x:, y:", "sin(x - y) * y", lambda x, y: np.sin(x - y) * y),
    (r"\log_2 x", "x: n", "log(x) / log(2)", lambda x: np.log2(x)),
    (r"\log_{10}(x)", "x: n", "log(x) / log(10)", lambda x: np.log10(x)),
    (
        r"\operatorname{LeakyReLU}_{0.2}(x - 1)",
        "x: n",
        "leaky_relu(x - 1, 1/5)",
        lambda x: np.maximum(x - 1, (x - 1) / 5),
    ),
    (
        r"\operatorname{ELU}_{0.5}(x - 1)",
        "x: n",
        "elu(x - 1, 1/2)",
        lambda x: np.where(x > 1, x - 1, np.expm1(x - 1) / 2),
    ),
    (r"\mathbf{\hat{x}} - \mathbf{x}", "x: n, x_hat: n", "x_hat - x", lambda x, x_hat: x_hat - x),
    (r"\mathbf\hat{x} - \mathbf\hat y", "x_hat: n, y_hat: n", "x_hat - y_hat", lambda x_hat, y_hat: x_hat - y_hat),
    (r"\log_2 \det (A^\top A)", "A: m k", "log(det(A.T @ A)) / log(2)", lambda A: np.log2(np.prod(svd(A)[1] ** 2))),
    (r"\text{log softmax}(x)", "x: n", "x - logsumexp(x, keepdims=True)", lambda x: x - np.log(np.exp(x).sum())),
    (r"\hat{y} - y", "y: n, yhat: n", "yhat - y", lambda y, yhat: yhat - y),
    (
        r"\begin{array}{cc} x & y \\ y & 1 \end{array} z",
        "x:, y:, z: 2",
        "",
        lambda x, y, z: np.array([[x, y], [y, 1]]) @ z,
    ),
    (
        r"\begin{bmatrix} A \\ x^\top \end{bmatrix}",
        "A: m n, x: n",
        "concatenate((A, x[None, :]), axis=0)",
        lambda A, x: np.vstack([A, x]),
    ),
    (
        r"\sum_i \begin{bmatrix} X_i^\top \\ 2 Y_i^\top \end{bmatrix}",
        "X: m k, Y: m k",
        "",
        lambda X, Y: np.stack([X.sum(0), 2 * Y.sum(0)]),
    ),
    (
        r"\sum_{ij} A_{ij} \mathbf{1}[i = \operatorname{argmax}_j x_j]",
        "A: n n, x: n",
        "sum(A, axis=1) @ first_max(x)",
        lambda A, x: A[np.argmax(x)].sum(),
    ),
    (r"\sum_{i<j}^{n} 1 + x^\top x", "x: n", "", lambda x: 6 + x @ x),
    (r"\sum_k y_k \sum_{i \ne k} x_i", "x: n, y: n", "", lambda x, y: y.sum() * x.sum() - y @ x),
    (r"\sum_i \delta_{ii} x_i", "x: n", "sum(x)", lambda x: np.sum(x)),
    (r"\sum_i 2^{x_i} 3!", "x: n", "6 * sum(2**x)", lambda x: 6 * (2**x).sum()),
    (r"x \cdot 101! / 102!", "x: n", "", lambda x: x / 102),
    (r"x^\top I_{(n - 1)} x", "x: n-1", "x @ eye(n - 1) @ x", lambda x: x @ x),
    (r"{} x^{{}}", "x: n", "x", lambda x: x),
    ("-" * 19 + "x", "x: n", "-x", lambda x: -x),
    (r"1/2 x", "x:", "x / 2", lambda x: x / 2),
    (r"x / 2 (y)", "x:, y:", "x * y / 2", lambda x, y: x * y / 2),
    (r"\frac{2}{A}", "A: m n", "2 / A", lambda A: 2 / A),
    (r"\nabla_x L(x)^\top x", "dx: n, x: n", "dx @ x", lambda dx, x: dx @ x),
    (r"\nabla_x L^{(t)} - x", "dx: n, x: n", "dx - x", lambda dx, x: dx - x),
)


@pytest.mark.parametrize("written, where, text, meant", MEANT)
def test_seldom_ways_to_write_have_the_value_that_numpy_gives(
    written: str, where: str, text: str, meant: Callable[..., Any]
) -> None:
    read = latex_formula(written, where)
    assert not text or read.source == text
    draw, symbols = np.random.default_rng(len(written)), size_symbols(read.variables)
    sizes = {symbol: SIZES[str(symbol)] for symbol in symbols}
    shapes = {each.name: [int(size.subs(sizes)) for size in each.shape] for each in read.variables}
    arrays = {name: draw.uniform(0.3, 1.7, shape) for name, shape in shapes.items()}
    found, true = complex_value(read.whole.node, arrays, sizes), meant(**arrays)
    assert found.shape == np.shape(true)
    np.testing.assert_allclose(found, true, rtol=1e-11)


INFERRED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (r"n I_n x", "n * eye(n) @ x", ("x: n",)),
    (r"\frac{1}{n} \mathbf{1}_n^\top x", "sum(x) / n", ("x: n",)),
    (r"x^\top I_{2n} x", "x @ eye(2*n) @ x", ("x: 2*n",)),
    (r"A \{x_i y_i\}_i", "A @ (x * y)", ("A: m n, x: n, y: n",)),
    (r"K_m x", "K_m @ x", ("K_m: m n, x: n",)),
)


@pytest.mark.parametrize("written, text, readings", INFERRED)
def test_names_below_identities_and_braces_are_sizes_and_indices(
    written: str, text: str, readings: tuple[str, ...]
) -> None:
    read = latex_formula(written)
    assert (read.source, read.readings) == (text, readings)


CALLED: tuple[tuple[str, str, str], ...] = (
    (r"f(x) = \|x\|^2, f(x) + 1", "x: n", "sum(x**2) + 1"),
    (r"f(x) = x^\top x, f(x)^2 + \frac{1}{f(x)}", "x: n", "(x @ x)**2 + 1 / (x @ x)"),
    (r"f(x, y) = x^\top y, \log f(x, y)", "x: n, y: n", "log(x @ y)"),
    (r"g(x) = A x, \quad h(x) = g(x) + b, \quad h(x)^\top c", "A: m n, x: n, b: m, c: m", "(A @ x + b) @ c"),
    (r"z_1(x) = W x, b^\top z_1(x)", "W: m n, x: n, b: m", "b @ W @ x"),
    (r"2 f(x) \text{ where } f(x) = a^\top x", "a: n, x: n", "2 * a @ x"),
    (r"f(x) = a^\top x, e^{f(x)} + \log^2 f(x) + \sqrt f(x)", "a: n, x: n", "exp(a @ x) + log(a @ x)**2 + sqrt(a @ x)"),
    (r"f(x) = a^\top x, f(x)(x) + f^2(x) x", "a: n, x: n", "(a @ x) * x + (a @ x)**2 * x"),
    (r"f = a^\top a, f (x)", "a: n, x: n", "(a @ a) * x"),
)


@pytest.mark.parametrize("written, where, text", CALLED)
def test_what_a_statement_calls_is_its_value_where_it_is_called_again(written: str, where: str, text: str) -> None:
    """It was a product, `f * x`."""
    assert symprop.compare(latex_formula(written, where), text, where).equal


# ---------------------------------------------------------------- what is refused

REFUSED: tuple[tuple[str, str, str, str], ...] = (  # LaTeX, declarations, what is said, what the caret stands under
    (r"\operatorname{sum}(A, \text{row }1)", "A: m n", r"an axis is told by \text{axis }1", r"\text"),
    (r"2 (A, \text{axis }1)", "A: m n", r"an axis is told to a function, \operatorname{mean}(A, \text{axis }1)", "("),
    (r"\det\begin{vmatrix} x & y \\ y & x \end{vmatrix}", "x:, y:", r"not read; a determinant is \det", r"\begin"),
    (r"\begin{foo} x \end{foo}", "x:", "'foo' is not read; a matrix is one of bmatrix, pmatrix", r"\begin"),
    (r"\begin{cases} x & x>0 \\ y \end{cases}", "x:, y:", "a case is a value, & and its condition", "y"),
    (r"\begin{cases} x & \text{otherwise} \\ y & \text{otherwise} \end{cases}", "x:, y:", "the last one is", "x"),
    (r"2 L_{expm}(A)", "A: n n", r"of two matrices or three, L_{expm}(A, E); A is (n, n)", "L"),
    (r"L_{expm}(A, x)", "A: n n, x: n", "A is (n, n), x is a column of shape (n,)", "L"),
    (r"2 \lambda_{\max}(x)", "x: n", r"\lambda_\max is of one matrix; x is a column of shape (n,)", r"\lambda"),
    (r"\sum_i \sigma_{\min}(A_i)", "A: k n n", r"of one matrix; A_i is (n, n) at each i", r"\sigma"),
    (r"2 \nabla \frac{x}{2}", "x: n", r"\nabla stands before the name of an array", r"\nabla"),
    (r"s / x^\top x", "x: n, s:", r"two readings: \frac{s}{x^\top} x or \frac{s}{x^\top x}; write a fraction", r"s /"),
    (r"f(x) = x^2, 2 f'(x)", "x:", "a derivative is asked for, not typed", "f'(x)"),
    (r"f(x) = x^2, f'(2 x)", "x:", "a derivative or an inverse of what is called is not read", "f'(2 x)"),
    (r"f(x) = x^2, 2 f^{-1}(x)", "x:", "a derivative or an inverse of what is called is not read", "f^{-1}(x)"),
    (r"f(x) = x^2, f(x + 1)", "x:", "f is defined with other arguments: f(x)", "f(x + 1)"),
    (r"f(x) = x^2, e^{f(y)}", "x:, y:", "f is defined with other arguments: f(x)", "f"),
    (r"f(x) = x^\top x, 2 f(y)", "x: n, y: n", "f is defined with other arguments: f(x)", "f(y)"),
    (r"\nabla_x (L)", "x: n, dx: n", "a derivative is asked for, not typed", r"\nabla_x (L)"),
    (r"x + \nabla_x L^2", "x: n, dx: n", "brackets say what is differentiated", r"\nabla_x L^2"),
    (r"x + \nabla_x L(x)^2", "x: n, dx: n", "brackets say what is differentiated", r"\nabla_x L(x)^2"),
    (r"\frac{\partial L^2}{\partial x}", "x: n, dx: n", "a derivative is asked for, not typed", r"\partial L^2"),
    (r"\left(\frac{\partial A x}{\partial x}\right) v", "A: m n, x: n, v: n", "asked for, not typed", r"\left("),
    (r"\sin{(x) y}", "x:, y:", "'y' has no meaning here", "y"),
    (r"\mathbf{x", "x: n", "'{' is never closed", "{"),
    (r"2 \sum_{i \ne k} x_i", "x: n", "two readings: k is summed over too, or stands for one place", r"\sum"),
    (r"2 \sum_{j=1, j \ne k}^{n} x_j", "x: n", "two readings: k is summed over too", r"\sum"),
    (r"\sum_{ij < k} A_{ij} x_k", "x: n, A: n n", "a condition below a sum is one of two indices: i < j", "ij < k"),
    (r"2 \sum_{i \ne i} x_i", "x: n", "i != i is no condition of two indices", r"\sum"),
    (r"\sqrt[3){x}", "x:", "] is missing here", ")"),
    (r"\langle x, y)", "x: n, y: n", r"\rangle is missing here", ")"),
    (r"x^\top x \text{ for all } x", "x: n", "words are no part of a formula", r"\text"),
    (r"\frac{\partial y}{\partial x}", "x: n, y: n", "a derivative is asked for, not typed", r"\partial y"),
    (r"\sqrt[3] x ]", "x:", "this closes no bracket", "]"),
    (r"\sin(1:3)", "x:", "a range stands in brackets behind an array, A[1:3]", "1:3"),
    (r"x + \mathbf{1}_{n/2}", "x: n", "a size is a number or a name of one, such as n", "n/2"),
    (r"x^\top x, x \in \mathbb{R}^n, x \in \mathbb{R}^m", "", "'x' is declared twice", r"x \in \mathbb{R}^m"),
    (r"\sum_j \operatorname{softmax}_j(x)", "x: n", "softmax along j is of elements that have the index j", r"\op"),
    (r"\sum_i \det(A_i)", "A: k n n", "det of what has an index is not read: A_i is (n, n) at each i", r"\det"),
    (r"2 \operatorname{softmax}'(x)", "x: n", r"softmax is no function of one number, as \tanh'(z) is", r"\op"),
    (r"2 \tanh''''(x)", "x: n", "4 primes; at most 3 are read", r"\tanh"),
    (r"2 \tanh_2(x)", "x: n", "tanh has no subscript", "2(x)"),
    (r"\sum_{i=1}^n x_i [i = \operatorname{argmax}_{jk} A_{jk}]", "x: n, A: n n", "one index: k = ", "i = "),
    (r"\sum_i x_i [i = \operatorname{argmax}_j x]", "x: n", "nothing has the index j alone", r"\op"),
    (r"2 \|A\|_2", "A: k m n", "a norm is of a vector or a matrix; A is (k, m, n)", r"\|"),
    (
        r"2 \|x\|_p",
        "x: n, p:",
        r"no norm with p; sizes, whole numbers such as 3, F, 1, 2, * and \infty are read",
        r"\|",
    ),
    (r"\begin{bmatrix} A \\ x \end{bmatrix}", "A: m n, x: n", "do not fit below each other: A is (m, n), x", r"\b"),
    (r"\begin{bmatrix} A & x^\top \end{bmatrix}", "A: m n, x: n", "do not fit beside each other: A is (m, n)", r"\b"),
    (
        r"\sum_i \begin{bmatrix} x_i \\ 2 \end{bmatrix}",
        "x: n",
        "all blocks have the same indices, or none: x_i is a column of shape (1,) at each i, 2 is a column",
        r"\begin",
    ),
    (r"\sum_i E_i[t]", "E: p n k, t: m index n", "ids are of a whole table, E[t], and this one has an index", "E_i"),
    (r"\sum_{ijk} A_{ijk}", "A: m n", "3 indices of an array of 2 axes; A_{ijk} is (m, n)", "A_"),
    (r"\sum_i T_{iii}", "T: n n n", "no matrix; A_{ii} is the diagonal of a matrix", "T_"),
    (r"2 x_0", "x: n", "elements are counted from 1 to n", "x_0"),
    (r"2 x_5", "x: 3", "elements are counted from 1 to 3", "x_5"),
    (r"\sum_{ii} x_i", "x: n", "a sum has indices below its sign, each once", r"\sum"),
    (r"2 T \otimes A", "T: n n n, A: n n", r"\otimes is of two matrices, or of two columns: 2 T is (n, n, n)", "2"),
    (r"x/A", "x: n, A: n n", "a matrix cannot stand below a line; A^{-1} is its inverse", "A"),
    (r"1/ 2x", "x:", r"two readings: \frac{1}{2} x or \frac{1}{2 x}; write a fraction", "1"),
    (r"2 x!", "x:", "a factorial is of a number or of the index of a series, k!", "x!"),
    (r"{}^\top x", "x: n", "something is missing before '^'", "^"),
    (r"x - {}", "x: n", "something is missing at the end", "}"),
    ("+" * 21 + "x", "x: n", "more than 20 signs in a row", "+" * 21),
)


@pytest.mark.parametrize("written, where, told, part", REFUSED)
def test_what_is_refused_says_what_is_allowed(written: str, where: str, told: str, part: str) -> None:
    with pytest.raises(symprop.SympropError) as caught:
        latex_formula(written, where)
    assert told in str(caught.value)
    assert written[caught.value.column :].startswith(part), caught.value.column


WITHOUT_PLACE: tuple[tuple[Callable[[], object], str], ...] = (
    (lambda: latex_formula(r"\sum_{ijklm} T_{ijklm}"), "'T' has 5 indices; at most 4 are read"),
    (
        lambda: latex_formula(r"z_k - \log \sum_j e^{z_j}"),
        r"the index k of z_k stands under no sum in .*\nallowed: a sum over k; z_k='', if z_k is a number by itself",
    ),
    (lambda: latex_formula(r"x^\top x", "x: n", x="n"), "'x' is declared twice"),
    (lambda: sides(r"y = ."), r"'y = .' has no right side\nallowed: an equation, g = X"),
    (lambda: symprop.formula("x @ x", "x: n", where="x: n"), r"declarations are given twice\nallowed: one text of"),
)


@pytest.mark.parametrize("call, told", WITHOUT_PLACE)
def test_what_has_no_place_is_refused_in_words(call: Callable[[], object], told: str) -> None:
    with pytest.raises(symprop.SympropError, match=told):
        call()


# ---------------------------------------------------------------- over arrays that are there

A, B, X = variable("A", (3, 4)), variable("B", (2, 3)), variable("X", (4, 2))
u, v, w, x, s = variable("u", (3,)), variable("v", (4,)), variable("w", ()), variable("x", (4,)), variable("s", (4, 1))
SLOPE = r"\left(\frac{\partial A x}{\partial x}\right)"

DERIVATIVES: tuple[tuple[str, Node], ...] = (
    (rf"{SLOPE} v", n.Pushforward(A @ x, x, v)),
    (rf"{SLOPE}^\top u", n.Pullback(u, A @ x, x)),
    (rf"{SLOPE}^{{\mathsf{{T}}}} u", n.Pullback(u, A @ x, x)),
    (rf"B {SLOPE} v", B @ n.Pushforward(A @ x, x, v)),
    (rf"2 B {SLOPE} v w", (n.Scalar(2) * B) @ n.Pushforward(A @ x, x, v * w)),
    (r"\left(\frac{\partial A s}{\partial s}\right) v", n.Pushforward(A @ s, s, n.Reshape(v, (4, 1)))),
    (r"w \frac{\partial u^\top A x}{\partial x}", w * n.Pullback(n.Scalar(1), u @ A @ x, x)),
    (r"\left(\frac{\partial u^\top A x}{\partial x}\right)^\top w", n.Pullback(w, u @ A @ x, x)),
)


@pytest.mark.parametrize("written, meant", DERIVATIVES)
def test_a_jacobian_with_its_operand_is_a_derivative_that_is_not_worked_out(written: str, meant: Node) -> None:
    assert read_latex(written, [A, B, X, u, v, w, x, s]) == meant


NO_DERIVATIVES: tuple[tuple[str, str], ...] = (
    (rf"{SLOPE}^2 v", "a derivative has a transpose sign or none above it"),
    (rf"\sum_i {SLOPE} X_{{:,i}}", "a derivative that is not worked out has no index"),
    (r"\frac{\partial u}{\partial x}", "with nothing behind it is of a number with respect to an array"),
    (r"u + \frac{\partial A x}{\partial x}", "with nothing behind it is of a number with respect to an array"),
    (r"\left(\frac{\partial A x}{\partial 2 x}\right) v", "a derivative is taken with respect to an array"),
    (rf"{SLOPE} u", "shapes do not fit in a derivative: u is a column of shape (3,)"),
    (r"\left(\frac{\partial A s}{\partial s}\right) u", "shapes do not fit in a derivative: u is a column of shape"),
    (r"\left(\frac{\partial A X}{\partial X}\right) v", "v is a column of shape (4,), X is (4, 2)"),
    (r"K_m x", "'K_m' is not among the names that are declared"),
)


@pytest.mark.parametrize("written, told", NO_DERIVATIVES)
def test_derivatives_that_mean_nothing_are_refused(written: str, told: str) -> None:
    with pytest.raises(symprop.SympropError) as caught:
        read_latex(written, [A, B, X, u, v, w, x, s])
    assert told in str(caught.value)


def test_a_jacobian_is_compared_with_what_it_is() -> None:
    where = "A: m n, x: n, v: n"
    assert symprop.compare(rf"{SLOPE} v", "A @ v", where)
    assert not symprop.compare(rf"{SLOPE} v", "A @ x", where)


def test_of_two_names_with_one_letter_that_is_meant_which_takes_more_of_it() -> None:
    symbols = {"delta": r"\varepsilon"}
    e, e1, d, d1 = (variable(name, (4,)) for name in ("epsilon", "epsilon1", "delta", "delta1"))
    assert read_latex(r"\varepsilon_1", [e, d1], symbols=symbols) == d1
    assert read_latex(r"\varepsilon_1", [e1, d], symbols=symbols) == e1
    assert read_latex(r"\varepsilon", [e, d], symbols=symbols) == e


def test_a_number_and_an_array_of_one_name_in_texts_stay_two() -> None:
    array, number = variable("a_2", (4,)), NamedNumber("a", Rational(1, 3), 2)
    read = read_latex(f"a_2 + {number.variable.latex()} x", [array, number, x])
    assert array.name == number.name
    arrays = {"a_2": np.array([0.5, -1.5, 2.5, 0.75]), "x": np.array([1.25, 0.5, -0.25, 3.0])}
    np.testing.assert_allclose(complex_value(read, arrays, {}), arrays["a_2"] + arrays["x"] / 3, rtol=1e-14)


def test_what_has_no_name_is_no_name() -> None:
    assert read_latex("x", [A @ x, x]) == x


def test_which_activation_a_sigma_is_must_be_told() -> None:
    derivation = symprop.derive(
        "Input(4) >> Dense(3) >> Tanh() >> Dense(3) >> ReLU() >> Dense(2) >> MeanSquaredError()"
    )
    assert derivation.compare("a1", r"\tanh(z_1)")
    with pytest.raises(symprop.ReadingError, match="the network has several activations, which one is"):
        derivation.compare("a1", r"\sigma(z_1)")


def test_a_sum_over_blocks_stands_outside_of_sums_over_indices() -> None:
    network = 'Input(n) >> Dense(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError() + L1(0.1, on="W*")'
    derivation = symprop.derive(network)
    line = r"\frac12 \|a^{(N+1)} - y\|^2 + 0.1 (\sum_{ij} |W_{1,ij}| + BOTH |W^{(l+1)}_{ij}|)"
    assert derivation.compare("L", line.replace("BOTH", r"\sum_{l=1}^{N} \sum_{ij}"))
    with pytest.raises(symprop.FormulaError, match="a sum over blocks stands outside of those over indices"):
        derivation.compare("L", line.replace("BOTH", r"\sum_{ij} \sum_{l=1}^{N}"))


# ---------------------------------------------------------------- papers

PAPER = r"""\numberwithin{equation}{section}
\section{One} \setcounter{equation}{4}
\begin{equation}\label{a} x = 1 % a note
 + 2 \end{equation}
\addtocounter{equation}{-2}
\begin{equation} \end{equation}
\begin{align} a = 1 \label{c} \\ \\ b = 2 \\ \end{align}
\begin{gather} c = 1 \\ \nonumber \end{gather}
\section{Two}
\begin{equation}\label{a} y = 3 \end{equation}
\begin{equation}\label{only} \end{equation}
"""
"""Numbered by pdfTeX as the test says: an empty line, and one behind the last line break, has its number."""


def test_sections_counters_and_empty_lines_count_as_in_latex() -> None:
    found = [(each.number, each.label, " ".join(each.latex.split())) for each in equations(PAPER)]
    assert found == [
        *[("1.5", "a", "x = 1 + 2"), ("1.5", "c", "a = 1"), ("1.7", "", "b = 2"), ("1.9", "", "c = 1")],
        *[("2.1", "a", "y = 3"), ("2.2", "only", "")],
    ]
    assert equation(PAPER, "(2.1)").latex == "y = 3"
    with pytest.raises(symprop.FormulaError, match=r"2 equations are called 'a', in lines 3, 10\nallowed: 1.5, 2.1"):
        equation(PAPER, "a")
    with pytest.raises(symprop.FormulaError, match=r"2 equations are called '1.5', in lines 3, 7\nallowed: a, c"):
        equation(PAPER, "1.5")
    with pytest.raises(symprop.LimitError, match="LaTeX of 2,000,001 characters"):
        equations("x" * 2_000_001)


def test_rows_of_a_table_are_summed_by_ids_with_an_index() -> None:
    read = latex_formula(r"\sum_i E[t_i]", "E: 5 k, t: m index 5")
    assert read.source == "sum(E[t], axis=0)"
    table, ids = np.random.default_rng(3).normal(size=(5, 2)), np.array([4, 0, 4])
    arrays, sizes = {"E": table, "t": ids}, {"k": 2, "m": 3}
    found = complex_value(read.node, arrays, {each: sizes[str(each)] for each in size_symbols(read.variables)})
    np.testing.assert_allclose(found, 2 * table[4] + table[0], rtol=1e-13)
