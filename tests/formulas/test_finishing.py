"""The last touch: each touch changes only how a formula is written, and stops where nothing is left to do."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symprop
from symprop.algebra.nodes import Node
from symprop.calculus.tidy import tidy
from symprop.finishing.touches import TOUCHES, finished
from tests.needed import needed
from tests.random_formulas import formulas, values
from tests.rounding_of_formulas import assert_same_value

SETTINGS = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
SHAPES = {"A": "n n", "B": "n n", "C": "n n", "x": "n", "y": "n", "z": "n", "c": "", "S": "n n symmetric"}

CASES = (
    ("A @ x + A.T @ x", "(A + A.T) @ x"),
    ("A.T @ x + A @ x", "(A + A.T) @ x"),
    ("A @ B @ x - A @ y", "A @ (B @ x - y)"),
    ("2 * A @ B - 2 * A @ C", "2 * A @ (B - C)"),
    ("A @ B @ C - A @ B.T @ C", "A @ (B - B.T) @ C"),
    ("A @ B + C", "A @ B + C"),
    ("diag(x) @ A - outer(x, A.T @ x)", "(diag(x) - outer(x, x)) @ A"),
    ("x * y + x * z", "x * (y + z)"),
    ("x / c - y / c**3", "(x - y / c**2) / c"),
    ("x + y * z", "x + y * z"),
    ("sum(x * y)", "x @ y"),
    ("sum(x * y * z)", "x @ (y * z)"),
    ("sum(x * x)", "sum(x * x)"),
    ("tanh(x) * y * c * 3", "3 * c * y * tanh(x)"),
    ("C.T - A @ B.T", "(C - B @ A.T).T"),
    ("A.T + A", "A + A.T"),
    ("diag(x) + A - diag(y)", "diag(x - y) + A"),
    ("3 * kron(eye(n), A)", "kron(eye(n), 3 * A)"),
    ("3 * kron(A, eye(n))", "3 * kron(A, eye(n))"),
    ("x * ones((n, n))", "outer(ones((n,)), x)"),
    ("c * x[:, None] * 3 * ones((n, n))", "3 * c * outer(x, ones((n,)))"),
    ("x[:, None] * y", "outer(x, y)"),
    ("x[:, None] * A", "x[:, None] * A"),
    ("sum(outer(x, y) * A)", "x @ (A @ y)"),
    ("sum(inv(S) * A * B)", "trace(inv(S) @ (A * B))"),
    ("trace(A.T @ B.T)", "trace(B @ A)"),
    ("(A @ x) @ (A.T @ y)", "y @ (A @ (A @ x))"),
    ("(inv(S) @ x) @ (inv(S) @ y)", "x @ (matrix_power(S, -2) @ y)"),
    ("(A @ x) @ (A @ x)", "sum((A @ x)**2)"),
    ("x @ x", "x @ x"),
    ("A @ B - B", "A @ B - B"),
    ("A @ exp(B @ C) - C - exp(B @ C)", "(A - eye(n)) @ exp(B @ C) - C"),
    ("S - outer(S @ x, S @ x)", "S - outer(S @ x, S @ x)"),
    ("outer(x, y) - 2 * outer(z, y)", "outer(x - 2 * z, y)"),
    ("x / (2 * n) - y / n", "(x - 2 * y) / (2*n)"),
    ("tanh(x - y) - tanh(y - x)", "2 * tanh(x - y)"),
    ("(x - y) * c - cosh(y - x)", "c * (x - y) - cosh(x - y)"),
    ("exp(x - y) + exp(y - x) * z", "exp(x - y) + z * exp(y - x)"),
    ("kron(eye(n), x[:, None]) @ A @ kron(eye(n), y[None, :])", "kron(A, outer(x, y))"),
    ("kron(x[:, None], eye(n)) @ A @ kron(eye(n), y[None, :])", "kron(outer(x, y), A) @ commutation(n, n)"),
    ("kron(A, x[:, None]) @ kron(y[None, :], B)", "kron(A @ B, outer(x, y)) @ commutation(n, n)"),
    ("kron(A, B) @ (kron(B, C) - 2 * kron(C, A))", "kron(A @ B, B @ C) - 2 * kron(A @ C, B @ A)"),
    ("kron(A, C) - kron(C, A) + 2 * kron(B, C)", "kron(A + 2 * B, C) - kron(C, A)"),
    ("kron(A, A) + kron(A, B) + kron(B, A)", "kron(A, A) + kron(A, B) + kron(B, A)"),
    (
        "kron(A, outer(x, x)) - outer(reshape(outer(y, x), (n * n,)), reshape(outer(z, x), (n * n,)))",
        "kron(A - outer(y, z), outer(x, x))",
    ),
    ("x * tanh(x - y) + x * tanh(y - x)", "zeros((n,))"),
    ("2 * (1 + (x - y)**2) + 2 * (y - x)**2", "2 * (1 + 2 * (x - y)**2)"),
    ("kron(kron(A, eye(n)), eye(n)) + kron(eye(n), kron(eye(n), B))", "kron(A, eye(n**2)) + kron(eye(n**2), B)"),
    ("A @ commutation(1, n) @ B @ commutation(n, 1)", "A @ B"),
)


@pytest.mark.parametrize(("source", "written"), CASES, ids=[source for source, _ in CASES])
def test_a_formula_is_written_as_a_person_writes_it(source: str, written: str) -> None:
    found, steps = finished(tidy(symprop.formula(source, **needed(SHAPES, source)).node))
    assert found.text() == written
    assert all(step.rule in {touch.name for touch in TOUCHES} for step in steps)


@SETTINGS
@given(formula=formulas((2, 3), 3), seed=st.integers(0, 9))
def test_the_value_stays_and_a_second_time_changes_nothing(formula: Node, seed: int) -> None:
    point = values(seed)
    found, steps = finished(tidy(formula))
    assert found.shape == formula.shape
    assert_same_value(found, formula, point)
    assert finished(found)[0] == found
    for step in steps:
        assert step.before.shape == step.after.shape
