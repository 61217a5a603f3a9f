"""Random scalar losses: the tidy form keeps the value, and every derivative agrees with the complex step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from symprop.algebra import nodes as n
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.calculus.jacobians import jacobian, pushforward
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context
from symprop.calculus.tidy import tidy
from symprop.errors import LimitError
from symprop.verify.evaluate import complex_value
from tests.random_formulas import formulas, values

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def complex_step(node: Node, by: Variable, point: dict[str, np.ndarray]) -> np.ndarray:
    """The full Jacobian of `node` by `by`: one complex evaluation for each element."""
    columns = []
    for place in np.ndindex(point[by.name].shape):
        moved = point[by.name].astype(complex)
        moved[place] += 1e-100j
        columns.append(complex_value(node, {**point, by.name: moved}).imag / 1e-100)
    outer = columns[0].shape
    return np.stack(columns, axis=-1).reshape(outer + point[by.name].shape)


def close(found: np.ndarray, true: np.ndarray) -> None:
    scale = max(1.0, float(np.max(np.abs(true), initial=0)))
    assert found.shape == true.shape
    assert np.max(np.abs(found - true), initial=0) <= 1e-12 * scale


@SETTINGS
@given(formula=formulas((2, 3), 3), seed=st.integers(0, 9))
def test_tidy_keeps_the_value_and_is_idempotent(formula: Node, seed: int) -> None:
    point = values(seed)
    close(complex_value(tidy(formula), point).real, complex_value(formula, point).real)
    assert tidy(tidy(formula)) == tidy(formula)
    assert tidy(formula).shape == formula.shape


@SETTINGS
@given(formula=formulas((), 4), seed=st.integers(0, 9), pick=st.integers(0, 99))
def test_the_gradient_of_a_random_loss(formula: Node, seed: int, pick: int) -> None:
    assume(variables(formula))
    by = variables(formula)[pick % len(variables(formula))]
    gradient, steps = simplified(n.Pullback(n.Scalar(1), formula, by), Context())
    assert gradient.shape == by.shape
    point = values(seed)
    true = complex_step(formula, by, point)
    found = complex_value(gradient, point).real
    close(np.broadcast_to(found, true.shape), true)
    for step in steps:
        assert step.before.shape == step.after.shape


@SETTINGS
@given(formula=formulas((3,), 3), seed=st.integers(0, 9), pick=st.integers(0, 99))
def test_the_pushforward_of_a_random_vector(formula: Node, seed: int, pick: int) -> None:
    assume(variables(formula))
    by = variables(formula)[pick % len(variables(formula))]
    tangent = variable("tangent", by.shape)
    pushed, _ = simplified(pushforward(formula, by, tangent), Context())
    point = values(seed)
    direction = np.random.default_rng(seed).normal(size=point[by.name].shape)
    true = np.tensordot(complex_step(formula, by, point), direction, axes=direction.ndim)
    close(np.broadcast_to(complex_value(pushed, {**point, "tangent": direction}).real, true.shape), true)


@SETTINGS
@given(formula=formulas((3,), 3), seed=st.integers(0, 9), pick=st.integers(0, 99))
def test_the_jacobian_matrix_of_a_random_vector(formula: Node, seed: int, pick: int) -> None:
    vectors = [each for each in variables(formula) if each.rank == 1]
    assume(vectors)
    by = vectors[pick % len(vectors)]
    point = values(seed)
    matrix = jacobian(formula, by, Context())
    assert matrix.shape == (3, *by.shape)
    close(complex_value(matrix, point).real, complex_step(formula, by, point))


def test_too_many_steps_are_a_limit_not_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symprop.calculus.rewriting.MOST_STEPS", 3)
    x = variable("x", (2,))
    with pytest.raises(LimitError, match="more than 3 steps"):
        simplified(n.Pullback(n.Scalar(1), n.Sum(x * x * n.Softmax(x + x * x)), x), Context())
