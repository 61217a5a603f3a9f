"""Formulas that are seldom typed: they have NumPy's values, or are refused in words at their place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symprop
from symprop.algebra.reading import state
from symprop.errors import FormulaError, LimitError, SympropError
from tests.rounding import assert_rounded
from tests.rounding_of_formulas import counted


def gelu(x: Any) -> Any:
    """GELU by the tanh, as JAX has it by default."""
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


VALUES: dict[str, tuple[str, str, Any]] = {
    "einsum('ij,kj->ki', A, B)": ("A: 2 3, B: 4 3", "B @ A.T", lambda A, B: np.einsum("ij,kj->ki", A, B)),
    "einsum('ij,jk->ki', A, B)": ("A: 2 3, B: 3 4", "B.T @ A.T", lambda A, B: np.einsum("ij,jk->ki", A, B)),
    "einsum('ij,ji->', A, B)": ("A: 2 3, B: 3 2", "trace(A @ B)", lambda A, B: np.einsum("ij,ji->", A, B)),
    "max(0, 1 - x[0])": ("x: 3", "maximum(0, 1 - x[0])", lambda x: max(0, 1 - x[0])),
    "min(2, sum(x))": ("x: 3", "minimum(2, sum(x))", lambda x: min(2, sum(x))),
    "jax.nn.gelu(x)": ("x: 3", "gelu_tanh(x)", gelu),
    "jax.nn.gelu(x) - gelu_tanh(x)": ("x: 3", "gelu_tanh(x) - gelu_tanh(x)", lambda x: 0 * x),
    "x * 0**0": ("x: 3", "x", lambda x: x),
}
"""Formulas with their declarations, what is printed of them, and NumPy's values."""


@pytest.mark.parametrize("text", VALUES)
def test_what_is_seldom_typed_has_the_value_that_numpy_gives_it(text: str, random: np.random.Generator) -> None:
    where, printed, expected = VALUES[text]
    found = symprop.formula(text, where)
    given = {each.name: random.normal(size=tuple(map(int, each.shape))) for each in found.variables}
    assert found.text() == printed
    assert_rounded(np.asarray(expected(**given)), counted(found.node, given))


def test_the_smaller_of_two_sizes_is_a_size() -> None:
    found = symprop.formula("minimum(n, k) * sum(x) + y[0]", "x: n, y: k")
    assert found.with_sizes({"n": 3, "k": 2}).text() == found.with_sizes({"n": 2, "k": 3}).text() == "2 * sum(x) + y[0]"


def test_the_largest_singular_value_is_the_first_of_an_svd_without_vectors() -> None:
    found = symprop.formula("svd(A, compute_uv=False)[0]", A="m n")
    assert found.node == symprop.formula("svdvals(A)[0]", A="m n").node
    A = np.array([[3.0, 1.0, 0.0], [0.0, 2.0, -1.0]])
    gradient = symprop.gradient(found, "A")(A=A)
    left, values, right = np.linalg.svd(A)
    assert np.allclose(gradient, np.outer(left[:, 0], right[0]), rtol=1e-13) and values[0] > values[1]


def test_a_size_may_go_on_behind_its_bracket() -> None:
    found = symprop.formula("x", x="(k+n)*2")
    assert found.shape == symprop.formula("x", x=("2*k + 2*n",)).shape
    assert found.with_sizes({"k": 1, "n": 2}).shape == (6,)


def test_a_size_of_two_forms_is_one() -> None:
    found = symprop.formula("x @ ones((n*(k + 1),)) + x @ ones((n*k + n,))")
    assert found.readings == ("x: n*(k+1)",)
    assert found.with_sizes({"n": 2, "k": 3}).shape == ()


MATRICES = "A: n n symmetric, B: n n, x: n"
REFUSED: dict[str, tuple[str, type[SympropError], str]] = {
    "leaky_relu(x, n + 1)": ("x: n", FormulaError, "takes a number beside its array"),
    "ones((k * n * (n + 1) / 9,)) + y @ x": ("x: n, y: k", FormulaError, "a size is a positive integer"),
    f"einsum('{','.join('i' * 17)}->', {', '.join('x' * 17)})": ("x: n", LimitError, "at most 16"),
    "einsum('abcde,fghij->abcdefghij', A, B)": ("A: 2 2 2 2 2, B: 2 2 2 2 2", LimitError, "over 10 axes"),
    "einsum('ij')": ("", FormulaError, "arrays is missing"),
    "tensordot(A, B, axes=((0,), (0, 1)))": (MATRICES, FormulaError, "1 axes of one array, and 2 of the other"),
    "tensordot(A, B, axes=((0, 0), (0, 1)))": (MATRICES, FormulaError, "given twice"),
    "7**1000 * 7**1000": ("", LimitError, "more than 4,096 bits"),
    "0**-n": ("x: n", FormulaError, "division by zero"),
    "x + 0**(1 - n)": ("x: n", FormulaError, "division by zero"),
    "reshape(x, (-1, -1))": ("x: n", FormulaError, "one size may be -1"),
    "reshape(x, (-1, n * (k + 1) - n * k - n)) + sum(y)": ("x: n, y: k", FormulaError, "positive integer, not 0"),
    "norm(x, 'abc')": ("x: n", FormulaError, "ord is a number"),
    "sum(E[i[j]**-1])": ("E: k d, i: n index k, j: m index n", FormulaError, "no negative power of whole numbers"),
    "n.T * x": ("x: n", FormulaError, "a number has no axes"),
    "sum([x * i for i in range(1, 2, 3)], axis=0)": ("x: n", FormulaError, "a series is"),
    "sum([x * i for i in range(3)], axis=0, keepdims=True)": ("x: n", FormulaError, "axis=0 and no more"),
    "B[arange(2, n), j]": ("B: n k, j: n index k", FormulaError, "a range of ids is arange"),
    "@".join(["B"] * 152): (MATRICES, LimitError, "more than 150 products in a row"),
    "jax.nn(x)": ("x: n", FormulaError, "unknown function 'nn'"),
    "sliding_window_view(x, 3)[::0]": ("x: n", FormulaError, "no step 0"),
    "sliding_window_view(B, 3, axis=0)[:, ::2]": (MATRICES, FormulaError, "no step 2 along axis 1"),
}
"""Formulas with their declarations, the error, and words of it."""


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:40])
def test_what_has_no_meaning_is_refused_with_a_caret(text: str) -> None:
    where, error, words = REFUSED[text]
    with pytest.raises(error, match=words) as caught:
        symprop.formula(text, where)
    assert "^" in str(caught.value).splitlines()[-1]


@pytest.mark.parametrize("text", ["A * {}", "A + {}", "maximum(A, {})", "where({} > 0, A, 0)"])
def test_a_symmetric_matrix_with_a_row_that_is_spread_is_none(text: str) -> None:
    with pytest.raises(FormulaError, match="takes a symmetric matrix"):
        symprop.formula(f"cholesky({text.format('x')})", MATRICES)
    assert symprop.formula(f"cholesky({text.format('s')})", "A: n n symmetric, s:").shape


@pytest.mark.parametrize(
    ("size", "words"), [("n" * 30_000, "30,000 characters"), ("+".join(["n"] * 101), "is no size"), ("0", "positive")]
)
def test_a_size_that_is_none_is_refused(size: str, words: str) -> None:
    with pytest.raises(SympropError, match=words):
        symprop.formula("x", x=size)


def test_what_is_declared_twice_or_not_at_all_is_refused() -> None:
    with pytest.raises(FormulaError, match="'x' is declared twice"):
        symprop.formula("x + y", "x: n, y: n", x="n")
    with pytest.raises(FormulaError, match="'3' declares nothing"):
        symprop.formula("x", "x: m n, 3")
    with pytest.raises(LimitError, match="size 'n' is above 1,000,000,000"):
        symprop.formula("x", x="n").with_sizes({"n": 10**10})


def test_a_formula_has_so_many_parts_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "+".join(["x"] * 49)
    monkeypatch.setattr(state, "MOST_NODES", 50)
    assert symprop.formula(text, x="3").shape == (3,)
    with pytest.raises(LimitError, match="more than 50 parts"):
        symprop.formula(f"{text} + x", x="3")


INFERRED = {
    "sum([A] + [A @ B * i for i in range(1, k)], axis=0)": "A: m n, B: n n",
    "sum([zeros((n, n))] + [B * i for i in range(1, k)], axis=0)": "B: n n",
    "sum(P[arange(3), y])": "P: 3 n, y: 3 index n",
    "sum(P[arange(n + 1), y])": "P: n+1 m, y: n+1 index m",
    "sum(P[arange(len(y)), y])": "P: m n, y: m index n",
    "sum((X @ w - y)**2)/n + norm(w)**2/n": "X: n m, w: m, y: n",
    "2*sum((X @ w - y)**2)/m*2": "X: m n, w: n, y: m",
    "x @ A @ x @ A @ x": "x: m n, A: n m",
    "sum(kron(A, ones((2, 2))) * kron(B, ones((2, 2))))": "A: m n, B: m n",
}
"""Formulas whose arrays are not declared, and how they are read."""


@pytest.mark.parametrize("text", INFERRED)
def test_what_is_not_declared_is_inferred_and_reads_back(text: str) -> None:
    found = symprop.formula(text)
    assert found.readings[0] == INFERRED[text]
    assert symprop.formula(text, INFERRED[text]).node == found.node


def test_a_series_with_a_start_has_the_value_of_its_terms(random: np.random.Generator) -> None:
    found = symprop.formula("sum([A] + [A @ B * i for i in range(1, 4)], axis=0)")
    A, B = random.normal(size=(2, 3)), random.normal(size=(3, 3))
    value = counted(found.with_sizes({"m": 2, "n": 3}).node, {"A": A, "B": B})
    assert_rounded(sum([A, *(A @ B * i for i in range(1, 4))]), value)


def test_a_series_that_starts_at_zero_is_its_terms() -> None:
    terms = symprop.formula("sum([B * i for i in range(1, k)], axis=0)", B="n n")
    assert terms.text() == "sum([zeros((n, n))] + [i * B for i in range(1, k)], axis=0)"
    assert symprop.formula(terms.text(), B="n n").node == terms.node
    other = symprop.formula("sum([zeros((1, n))] + [B * i for i in range(1, k)], axis=0)", B="n n")
    assert other.text() == f"zeros((1, n)) + {terms.text()}" and other.shape == terms.shape


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("e**x", "type exp\\(1\\) for Euler's number"),
        ("x + exp", "the function needs its argument in brackets: exp\\(x\\)"),
        ("concatenate(()) + x", "takes one array or more in brackets"),
        ("concatenate((x, ones(3))) @ ones(2)", "n \\+ 3 against 2 do not fit"),
    ],
)
def test_what_has_no_reading_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(SympropError, match=words):
        symprop.formula(text)
