"""Sums of products: identities of matrix calculus have one form, for every size; what only looks alike has two."""

from __future__ import annotations

import pytest

from symprop.algebra.declarations import read_declarations
from symprop.algebra.formula import formula_of
from symprop.algebra.nodes import Node
from symprop.formulas.compare.sums.elements import same_sums

WHERE = (
    "A: m n, B: n m, C: n n, D: n n, S: n n symmetric, Q: n n orthogonal, x: n, w: n, y: m, s:, c:, "
    "q: n sums-to-1, b: n bits, e: n signs, r: n nonnegative, P: m n rows-sum-to-1"
)

SAME = [
    *[("(A @ C) @ x", "A @ (C @ x)"), ("(A @ B).T", "B.T @ A.T"), ("trace(A @ B)", "trace(B @ A)")],
    *[("trace(A @ B)", "sum(A * B.T)"), ("x @ C @ x", "sum(C * outer(x, x))"), ("A @ (x + w)", "A @ x + A @ w")],
    *[("diag(y) @ A @ diag(x)", "outer(y, x) * A"), ("sum(A)", "ones(m) @ A @ ones(n)"), ("x @ S @ w", "w @ S @ x")],
    *[("(x + w)**3", "x**3 + 3 * x**2 * w + 3 * x * w**2 + w**3"), ("sum(x)**2", "sum(outer(x, x))")],
    *[
        ("norm(x - w)**2", "x @ x - 2 * x @ w + w @ w"),
        ("var(x)", "mean(x**2) - mean(x)**2"),
        ("mean(x)", "sum(x) / n"),
    ],
    *[("tanh(x)", "2 * sigmoid(2 * x) - 1"), ("1 - tanh(x)**2", "4 * sigmoid(2 * x) * sigmoid(-2 * x)")],
    *[("tanh(x)", "(exp(x) - exp(-x)) / (exp(x) + exp(-x))"), ("sigmoid(x)", "exp(x) / (1 + exp(x))")],
    *[("softplus(x) - softplus(-x)", "x"), ("silu(x)", "x / (1 + exp(-x))"), ("exp(x + w)", "exp(x) * exp(w)")],
    *[("softmax(x)", "exp(x - s) / sum(exp(x - s))"), ("sum(softmax(A, axis=1))", "m"), ("sum(softmax(x))", "1")],
    *[("logsumexp(x)", "logsumexp(x - s) + s"), ("log(softmax(x))", "x - logsumexp(x)")],
    *[("relu(x)", "where(x > 0, x, 0)"), ("relu(x)", "maximum(x, 0)"), ("abs(x)", "maximum(x, -x)")],
    *[("x * (relu(x) > 0)", "relu(x)"), ("(x > 0) * (x <= 0)", "zeros(n)"), ("(x >= w) * 1", "1 - (x < w)")],
    *[("sqrt(x * x)", "abs(x)"), ("sqrt(r * r)", "r"), ("sqrt(x**4)", "x**2"), ("x / norm(x)", "x * (x @ x)**(-1/2)")],
    *[
        ("1 / (1 / s + 1 / c)", "s * c / (s + c)"),
        ("s / (s + c) + c / (s + c)", "1"),
        ("(s**2 - c**2) / (s - c)", "s + c"),
    ],
    *[("sin(x)**2", "1 - cos(x)**2"), ("log(s * c)", "log(s) + log(c)"), ("logdet(C)", "log(abs(det(C)))")],
    *[("inv(C.T)", "inv(C).T"), ("inv(C) @ C @ x", "x"), ("det(C.T)", "det(C)"), ("inv(S).T", "inv(S)")],
    *[("Q @ Q.T", "eye(n)"), ("sum((Q @ x)**2)", "x @ x"), ("sum(q)", "1"), ("P @ ones(n)", "ones(m)")],
    *[("softplus(abs(2 * x))", "softplus(relu(2 * x) + maximum(-2 * x, 0))"), ("maximum(x, w)", "maximum(w, x)")],
    *[("abs(x * w)", "abs(x) * abs(w)"), ("abs(x)**2", "x**2"), ("maximum(x, w) + minimum(x, w)", "x + w")],
    *[("abs(x - w)", "relu(x - w) + relu(w - x)"), ("abs(x)", "x * sign(x)"), ("sin(2 * x)", "2 * sin(x) * cos(x)")],
    *[("e * sigmoid(-e * x)", "(e + 1) / 2 - sigmoid(x)"), ("log(1 + exp(-e * x))", "softplus(-x) + (1 - e) * x / 2")],
    *[("b * b", "b"), ("e**3", "e"), ("x[0]", "one_hot(0, n) @ x"), ("x[1:] - x[:-1]", "-(x[:-1] - x[1:])")],
    *[("softplus(x)", "maximum(x, 0) + log(1 + exp(-abs(x)))"), ("exp(b * x)", "1 - b + b * exp(x)")],
    *[("1 / (1 + relu(x))", "where(x > 0, 1 / (1 + x), 1)"), ("tanh(abs(relu(s)))", "tanh(sqrt(relu(s)**2))")],
    *[("matrix_power(C, 3)", "C @ C @ C"), ("mean((A - mean(A, axis=0))**2)", "mean(A**2) - mean(mean(A, axis=0)**2)")],
]


def read(text: str) -> Node:
    return formula_of(text, read_declarations(WHERE)).node


def test_identities_have_one_form() -> None:
    assert not [pair for pair in SAME if not same_sums(*map(read, pair))]


DIFFERENT = [
    *[("A @ C @ x", "A @ C.T @ x"), ("C @ D", "D @ C"), ("C * D", "C @ D"), ("trace(C @ D)", "trace(C @ D.T)")],
    *[("trace(C @ D @ S)", "trace(D @ C @ S)"), ("sum(x)**2", "sum(x**2)"), ("x @ C @ w", "w @ C @ x")],
    *[("sqrt(x * x)", "x"), ("exp(log(s**2) / 2)", "s"), ("(s**3)**(1/3)", "abs(s)"), ("abs(x * w)", "x * w")],
    *[("x", "x + relu(x[0] - 10)"), ("x", "x * (x[0] != 1)"), ("(x > 0) * 1", "(x >= 0) * 1"), ("x", "x * (1 + 1e-9)")],
    *[
        ("relu(x)", "softplus(1000 * x) / 1000"),
        ("tanh(x)", "2 * sigmoid(x) - 1"),
        ("softmax(A, axis=0)", "softmax(A)"),
    ],
    *[("((n - 1) * s + c > 0) * 1", "((n - 1)**2 * s + (n - 1) * c > 0) * 1"), ("sum(x)", "sum(x[1:])")],
    *[("x[1:]", "x[:-1]"), ("sin(x)", "sin(-x)"), ("log(1 + s**2)", "2 * log(1 + s)"), ("max(x)", "max(w)")],
    *[("inv(C + D)", "inv(C) + inv(D)"), ("x / (1 + x)", "1 / (1 + x)"), ("var(x)", "mean(x**2) - mean(x)")],
    *[("Q @ Q", "eye(n)"), ("sum(q[1:])", "1"), ("e", "e**2"), ("b + b", "b"), ("exp(x * w)", "exp(x) * exp(w)")],
]
"""Each pair differs somewhere, some at one point, some for one size."""


def test_what_looks_alike_has_two_forms() -> None:
    assert not [pair for pair in DIFFERENT if same_sums(*map(read, pair))]


@pytest.mark.parametrize("text", ["exp(-where(x > 0, x, 1) @ x)", "sum(tanh(A @ C @ x) * y)"])
def test_the_names_of_what_is_summed_do_not_matter(text: str) -> None:
    assert same_sums(read(text), read(f"0 + {text}"))
