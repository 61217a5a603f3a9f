"""Remarks and signs: what is said of an answer is true at random points, and nothing is said that is not shown."""

from __future__ import annotations

import numpy as np
import pytest

import symprop
from symprop.analysis.definiteness import definite, nonnegative, semidefinite, semidefinite_negative
from symprop.calculus.tidy import tidy
from tests.needed import needed
from tests.rounding import UNIT, assert_off, bound
from tests.rounding_of_formulas import counted

SHAPES = {
    "X": "m n",
    "P": "m m positive-definite",
    "R": "m m positive-semidefinite",
    "Q": "m m",
    "x": "m",
    "y": "m",
    "c": "",
}
SIZES = {"m": 3, "n": 2}

SEMIDEFINITE = (
    "X @ X.T", "eye(m)", "P", "R + X @ X.T", "diag(exp(x))", "diag(x**2)", "outer(x, x)", "X.T @ diag(sigmoid(x)) @ X",
    "X.T @ P @ X", "diag(softmax(x)) - outer(softmax(x), softmax(x))", "kron(P, R)", "inv(P)", "c**2 * R", "2 * P",
    "X.T @ (diag(softmax(x)) - outer(softmax(x), softmax(x))) @ X", "X @ inv(X.T @ P @ X) @ X.T",
    "diag(sigmoid(x) * (1 - sigmoid(x)))", "diag(1 - tanh(x)**2)", "eye(m) - outer(x, x) / sum(x * x)",
)  # fmt: skip
NOT_SHOWN = (
    "Q", "Q + Q.T", "-P", "diag(x)", "outer(x, y)", "X.T @ diag(x) @ X", "c * P", "diag(softmax(x)) - outer(x, x)",
    "diag(sigmoid(x)) - outer(sigmoid(x), sigmoid(x))", "P - R", "Q.T @ P", "eye(m) - outer(x, x)", "diag(1 - exp(x))",
    "eye(m) - 2 * outer(x, x) / sum(x * x)", "-outer(x, x)", "diag(x * y * x)",
)  # fmt: skip


@pytest.mark.parametrize("source", SEMIDEFINITE)
def test_what_is_shown_to_be_semidefinite_is(source: str, random: np.random.Generator) -> None:
    formula = symprop.formula(source, **needed(SHAPES, source))
    assert semidefinite(tidy(formula.node))
    assert not semidefinite_negative(tidy(formula.node))
    for _ in range(5):
        square, root = random.normal(size=(3, 3)), random.normal(size=(3, 2))
        point = {"X": random.normal(size=(3, 2)), "P": square @ square.T, "R": root @ root.T, "c": random.normal()}
        point |= {"x": random.normal(size=3), "y": random.normal(size=3), "Q": square}
        sizes = {symbol: SIZES[symbol.name] for v in formula.variables for s in v.shape for symbol in s.free_symbols}
        rounded = counted(formula.node, point, sizes)
        value, off = rounded.astype(float), bound(rounded)
        assert_off(value, value.T, off + off.T)
        # a symmetric matrix that is off moves its eigenvalues by the norm of that (Weyl), and so does finding them
        slack = np.linalg.norm(off) + len(value) ** 2 * UNIT["float64"] * np.linalg.norm(value)
        assert np.linalg.eigvalsh((value + value.T) / 2).min() >= -2 * slack


@pytest.mark.parametrize("source", NOT_SHOWN)
def test_what_is_not_semidefinite_everywhere_is_not_called_so(source: str) -> None:
    node = tidy(symprop.formula(source, **needed(SHAPES, source)).node)
    assert not semidefinite(node)
    assert not definite(node)


def test_what_is_definite() -> None:
    for source in ("eye(m)", "P", "2 * P + R", "X @ X.T + eye(m)", "diag(exp(x))", "kron(P, P)"):
        assert definite(tidy(symprop.formula(source, **needed(SHAPES, source)).node)), source
    for source in ("R", "X @ X.T", "diag(x**2)", "c * P", "R - P"):
        assert not definite(tidy(symprop.formula(source, **needed(SHAPES, source)).node)), source


def test_elements_of_at_least_zero() -> None:
    for source in ("exp(x)", "x**2", "x * y * x * y", "softmax(x)", "abs(x) + 1", "sqrt(x)", "x > 0", "1 - sin(x)**2"):
        assert nonnegative(symprop.formula(source, **needed(SHAPES, source)).node), source
    for source in ("x", "x**3", "x * y", "1 - x", "exp(x) - 1", "1 - exp(x)", "-softmax(x)", "tanh(x)", "R @ R"):
        assert not nonnegative(symprop.formula(source, **needed(SHAPES, source)).node), source


LEAST = {"X": "m n", "w": "n", "y": "m"}


@pytest.mark.parametrize(
    ("question", "source", "by", "declarations", "remark"),
    [
        ("gradient", "trace(A @ X)", "X", {"A": "n m", "X": "m n"}, "does not depend on X"),
        ("gradient", "sum(y)", "w", LEAST, "zero, because the formula does not depend on w"),
        ("gradient", "sum(softmax(w + c))", "c", {"w": "n", "c": ""}, "zero, because softmax is shift-invariant"),
        ("gradient", "a @ X @ b", "X", {"a": "m", "X": "m n", "b": "n"}, "rank one"),
        ("hessian", "sum((X @ w - y)**2)", "w", LEAST, "positive semidefinite"),
        ("hessian", "sum(exp(w))", "w", {"w": "n"}, "diagonal"),
        ("hessian", "-sum(exp(w))", "w", {"w": "n"}, "negative semidefinite"),
        ("hessian", "sum((T - U @ V.T)**2)", "U", {"T": "m n", "U": "m r", "V": "n r"},
         "block diagonal: m copies of 2 * V.T @ V, of shape (r, r)"),
        ("hessian", "sum(softplus(X @ w))", "w", LEAST,
         "core: diag(sigmoid(X @ w) * (1 - sigmoid(X @ w))), of shape (m, m)"),
        ("gradient", "prod(w)", "w", {"w": "n"}, "holds where no element of w is 0"),
        ("gradient", "max(w)", "w", {"w": "n"}, "where several elements are the max, they share the derivative"),
        ("gradient", "norm(w)", "w", {"w": "n"}, "holds where norm(w) is not 0"),
        ("gradient", "sum(abs(w))", "w", {"w": "n"}, "the derivative of abs at 0 is taken as 0"),
        ("jacobian", "A @ X", "X", {"A": "k m", "X": "m n"}, "columns: the elements of X (m, n) in row-major order"),
    ],
)  # fmt: skip
def test_remarks(question: str, source: str, by: str, declarations: dict[str, str], remark: str) -> None:
    assert remark in getattr(symprop, question)(source, by, **needed(declarations, source, by)).remarks


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert symprop.gradient("sum(tanh(X @ w) * y)", "w", **needed(LEAST, "X @ w * y")).remarks == ()
    assert "holds where" not in " ".join(symprop.gradient("sqrt(sum(w * w) + 1)", "w", w="n").remarks)
    assert "symmetric" not in symprop.jacobian("A @ w", "w", A="n n", w="n").remarks
