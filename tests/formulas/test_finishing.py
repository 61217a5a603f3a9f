"""The last touch: each touch changes only how a formula is written, and stops where nothing is left to do."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symprop
from symprop.algebra.nodes import Node
from symprop.calculus.tidy import tidy
from symprop.formulas.finishing import TOUCHES, finished
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
)


@pytest.mark.parametrize(("source", "written"), CASES, ids=[source for source, _ in CASES])
def test_a_formula_is_written_as_a_person_writes_it(source: str, written: str) -> None:
    found, steps = finished(tidy(symprop.formula(source, **SHAPES).node))
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
