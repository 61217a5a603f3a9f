"""Answers in corners of the rules, as they are written: each a text, whose numbers are those of the complex step.

What stands below each question is its answer. The oracle does not know the rules: it moves each element of the variable
by a complex step; the text is read back and run as code beside it.
"""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import symprop
from symprop.algebra.formula import formula
from symprop.calculus.tidy import tidy
from symprop.formulas import questions
from symprop.formulas.interchange.reading import from_sympy
from symprop.verify.evaluate import complex_value
from tests.needed import needed_of
from tests.random_losses import Tally, wrong_in

WHERE = (
    "A: n n, B: n n, C: n n, S: n n symmetric, x: n, y: n, w: n, p: n nonnegative, z: n*n, X: m n, Y: m n, R: k n, "
    "T: k m n, v: m, u: k, s:, i: index n, rows: m index n, j: m index 5"
)
ANSWERS = {
    "what commutes with a matrix": """
        gradient S  sum(expm(S) * S * inv(S))
            expm_frechet(S, S * inv(S), compute_expm=False) + expm(S) * inv(S) - inv(S) @ (S * expm(S)) @ inv(S)
        gradient A  sum(expm(A) * A.T * inv(A).T)
            (expm_frechet(A, A * inv(A), compute_expm=False) + expm(A) * inv(A).T - inv(A) @ (A.T * expm(A)) @ inv(A)).T
        gradient A  trace(expm(A) @ (A + 2 * A @ A))
            ((A + 2 * A @ A + eye(n)) @ expm(A) + 2 * (A @ expm(A) + expm(A) @ A)).T
        gradient B  sum(expm_frechet(A, 0 * A, compute_expm=False)) + trace(B)
            eye(n)
    """,
    "pseudoinverses and Kronecker products": """
        gradient v  sum(pinv(2 * X).T @ x * v)
            pinv(X).T @ x / 2
        gradient A  sum(diagonal(A @ ones((n, n))) * x)
            outer(x, ones((n,)))
        gradient z  sum(sum(kron(A, B), axis=0) * z)
            sum(kron(A, B), axis=0)
    """,
    "diagonals": """
        gradient x  sum(sum(diag(x), axis=1, keepdims=True) * A)
            sum(A, axis=1)
        gradient y  sum(sum(eye(n) * diag(x), axis=1) * y)
            x
        gradient x  sum(sum(s * eye(n) * diag(x), axis=0, keepdims=True) * A)
            s * sum(A, axis=0)
        gradient y  sum(diagonal(A * B) * y)
            diagonal(A * B)
        gradient y  sum(diagonal(A * eye(n) * x[:, None] * w) * y)
            x * w * diagonal(A)
        gradient A  sum(sum(diag(w) * diag(x), axis=0, keepdims=True) * A)
            outer(ones((n,)), w * x)
    """,
    "matrices of linear maps": """
        jacobian x  x[0:1] * w
            outer(w, eye(n)[0])
        jacobian x  concatenate((sum(x * y, keepdims=True), w))
            concatenate((y[None, :], zeros((n, n))), axis=0)
        jacobian T  v @ T @ x
            kron(kron(eye(k), v[None, :]), x[None, :])
        jacobian T  T @ x @ v
            kron(eye(k), v[None, :]) @ kron(eye(k*m), x[None, :])
        jacobian X  scatter_add(X, j, 5)
            kron(one_hot(j, 5).T, eye(n))
        jacobian A  sum(A * eye(n), axis=1)
            kron(eye(n), ones((1, n))) * kron(ones((1, n)), eye(n))
    """,
    "sums over pairs of rows": """
        gradient C  sum(sum(A[:, :, None] * B[:, None, :] * (C + x[:, None, None]), axis=0)**2)
            2 * (C * (A.T @ B) + A.T @ (x[:, None] * B)) * (A.T @ B)
    """,
    "parts of arrays": """
        gradient y  sum(x[1:][1:] * y[2:])
            pad(x[2:], (2, 0))
        gradient y  sum(sum(T[:, None, :, :], axis=2) * y)
            sum(T, axis=(0, 1))
        gradient x  sum(one_hot(i, n)[0:1] * x)
            one_hot(i, n)[:1] * ones((n,))
        gradient x  sum(one_hot(2, 4)[2:3] * x) + sum(one_hot(2, 4)[1:2] * x**2)
            ones((n,))
        gradient x  sum(x * (n * (n - 1) - n * n + n) + x)
            ones((n,))
        gradient y  sum(concatenate((0 * x, 0 * y))) + sum(y)
            ones((n,))
        gradient s  s * sum(concatenate((x, y))[1:n + 1]**2)
            sum(concatenate((x, y), axis=0)[1:n + 1]**2)
        gradient X  sum(concatenate((X, Y), axis=0)[:, 0:1]**2)
            2 * outer(X[:, 0], one_hot(0, n))
    """,
    "factors": """
        gradient s  s * sum((x + y) * (x * x + y) * (exp(x) + y) * (sin(x) + y) * (x**3 + y) * (cos(x) + y))
            (x + y) @ ((x * x + y) * (exp(x) + y) * (sin(x) + y) * (x**3 + y) * (cos(x) + y))
        gradient y  sum(y * abs(p)) + sum(y * relu(p))
            2 * p
    """,
    "exponentials and logarithms": """
        gradient A  sum(exp(A) / sum(exp(A), axis=1) * B)
            exp(A) * (B / sum(exp(A), axis=1) - (sum(B * exp(A), axis=0) / sum(exp(A), axis=1)**2)[:, None])
        gradient X  sum(log(sum(one_hot(rows, n) * X**2, axis=1)))
            2 * X * one_hot(rows, n) / sum(X * X * one_hot(rows, n), axis=1, keepdims=True)
        gradient X  sum(logsumexp(X + v[:, None], axis=1, keepdims=True)**2)
            2 * (logsumexp(X, axis=1, keepdims=True) + v[:, None]) * softmax(X, axis=1)
        gradient T  sum(logsumexp(T + R[:, None, :], axis=1)**2)
            2 * (logsumexp(T, axis=1) + R)[:, None, :] * softmax(T, axis=1)
        gradient R  sum(logsumexp(T + R[:, None, :] + u[:, None, None] + x, axis=1)**2)
            2 * (logsumexp(T, axis=1) + R + u[:, None] + x)
    """,
}


@pytest.mark.parametrize("told", ANSWERS)
def test_an_answer_is_written_so_and_is_what_the_complex_step_finds(told: str) -> None:
    rows = [row.strip() for row in ANSWERS[told].strip().splitlines()]
    for row, answer in zip(rows[::2], rows[1::2], strict=True):
        question, by, text = row.split(maxsplit=2)
        tally = Tally()
        found = getattr(questions, question)(formula(text, needed_of(WHERE, text)), by)
        assert found.node.text() == answer, row
        assert list(wrong_in(found, tally, seed=0)) == [], row
        assert not tally.without_point, row


@pytest.mark.parametrize("function", ["det", "logdet"])
def test_a_determinant_is_taken_apart_by_factors_that_are_square(function: str, random: np.random.Generator) -> None:
    first, second = random.normal(size=(2, 2)), random.normal(size=(2, 2))
    true = np.linalg.det(np.kron(first, second.T))
    for text, written in (
        ("kron(X, Y.T)", "{}(kron(X, Y.T))"),  # m and n may differ
        ("kron(A, B.T)", {"det": "det(A)**n * det(B)**n", "logdet": "n * (logdet(A) + logdet(B))"}[function]),
    ):
        node = tidy(formula(f"{function}({text})", needed_of(WHERE, text)).node)
        sizes = {size: 2 for size in node.free_symbols if isinstance(size, sympy.Symbol)}
        assert node.text() == written.format(function)
        found = complex_value(node, {"X": first, "A": first, "Y": second, "B": second}, sizes).real
        assert np.allclose(found, true if function == "det" else np.log(abs(true)), rtol=1e-12)


@pytest.mark.parametrize("power", [2, -2])
def test_a_power_below_0_of_a_power_has_the_product_of_both(power: int, random: np.random.Generator) -> None:
    M = sympy.MatrixSymbol("M", 3, 3)
    node = tidy(from_sympy(sympy.MatPow(sympy.MatPow(M, power), -3)).node)
    assert node.text() == f"matrix_power(M, {-3 * power})"
    at = random.normal(size=(3, 3)) + 3 * np.eye(3)
    true = np.linalg.matrix_power(np.linalg.matrix_power(at, power), -3)
    assert np.allclose(complex_value(node, {"M": at}).real, true, rtol=1e-9)


def test_the_jacobian_of_a_sum_of_rows_is_the_sum_of_their_stacked_matrices(random: np.random.Generator) -> None:
    row = "Concatenate(Dense(2), Dense(1))"
    derived = symprop.derive(f"Input(3) >> Sum({row}, {row}) >> MeanSquaredError()")
    found = derived.jacobian("a4_2", "x")
    assert found.text() == "concatenate((W1, W2), axis=0) + concatenate((W3, W4), axis=0)"
    weights = {f"W{k}": random.normal(size=(1 + k % 2, 3)) for k in (1, 2, 3, 4)}
    x = random.normal(size=3) + 1e-30j * np.eye(3)
    outputs = {name: weight @ x.T for name, weight in weights.items()}
    true = sum(np.concatenate([outputs[name] for name in pair]) for pair in (("W1", "W2"), ("W3", "W4"))).imag / 1e-30
    assert np.allclose(complex_value(found, weights).real, true, rtol=1e-12)


def test_a_choice_by_a_maximum_has_the_slope_of_the_part_that_holds() -> None:
    """The larger of two is below a third where both are: the slope asks each, where the function asks the maximum."""
    network = 'Input(5) >> Activation("where(maximum(z, z**2) < 6, z**3, z)") >> MeanSquaredError()'
    *_, last = symprop.derive(network).equations
    slope = "where(where(x < 6, 1, 0) * where(x * x < 6, 1, 0), 3 * (x * x), 1)"
    assert last.text() == f"dx = (a0 - y) * {slope}"
    at = np.array([-4.1, -2.3, 0.3, 2.2, 7.7])
    found = complex_value(last.expression, {"x": at, "a0": np.full(5, 1.3), "y": np.full(5, 0.8)}).real
    assert np.allclose(found, 0.5 * np.array([1, 3 * 2.3**2, 3 * 0.3**2, 3 * 2.2**2, 1]), rtol=1e-12)
