"""Random scalar losses: the tidy form keeps the value, and every derivative agrees with the complex step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from symprop.algebra import nodes as n
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables
from symprop.calculus.jacobians import jacobian, pushforward
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context
from symprop.calculus.tidy import tidy
from symprop.errors import LimitError
from tests.random_formulas import formulas, values
from tests.rounding import UNIT
from tests.rounding_of_formulas import assert_same_value, assert_slope, complex_step

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@SETTINGS
@given(formula=formulas((2, 3), 3), seed=st.integers(0, 9))
def test_tidy_keeps_the_value_and_is_idempotent(formula: Node, seed: int) -> None:
    point = values(seed)
    assert_same_value(tidy(formula), formula, point)
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
    try:
        slope = complex_step(formula, by, point)
    except OverflowError:  # exp(729) is no number of float64, in an oracle that has no infinity
        assume(False)
    assert_slope(gradient, slope, point)
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
    slopes, off = complex_step(formula, by, point)
    true = np.tensordot(slopes, direction, axes=direction.ndim)
    off = np.tensordot(off + direction.size * UNIT["float64"] * np.abs(slopes), np.abs(direction), axes=direction.ndim)
    assert_slope(pushed, (true, off), {**point, "tangent": direction})


@SETTINGS
@given(formula=formulas((3,), 3), seed=st.integers(0, 9), pick=st.integers(0, 99))
def test_the_jacobian_matrix_of_a_random_vector(formula: Node, seed: int, pick: int) -> None:
    vectors = [each for each in variables(formula) if each.rank == 1]
    assume(vectors)
    by = vectors[pick % len(vectors)]
    point = values(seed)
    matrix = jacobian(formula, by, Context())
    assert matrix.shape == (3, *by.shape)
    assert_slope(matrix, complex_step(formula, by, point), point)


def test_too_many_steps_are_a_limit_not_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symprop.calculus.rewriting.MOST_STEPS", 3)
    x = variable("x", (2,))
    with pytest.raises(LimitError, match="more than 3 steps"):
        simplified(n.Pullback(n.Scalar(1), n.Sum(x * x * n.Softmax(x + x * x)), x), Context())
