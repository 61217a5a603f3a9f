"""Series, matrix powers and powers whose exponent varies: their derivatives against the complex step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

from symprop.algebra import nodes as n
from symprop.algebra.formula import formula
from symprop.algebra.trees import variables
from symprop.calculus.jacobians import pushforward
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context
from symprop.verify.evaluate import complex_value
from tests.needed import needed
from tests.rounding import FUNCTION, UNIT, assert_off, assert_rounded
from tests.rounding_of_formulas import assert_slope, complex_step, counted

SHAPES = {"A": "n n", "X": "n n", "x": "n", "y": "n", "s": ""}
m, k, i = (sympy.Symbol(name, integer=True, positive=True) for name in "nki")
POINT: dict[str, Any] = {
    "A": np.array([[0.4, -1.1], [0.7, 0.2]]),
    "X": np.array([[1.3, 0.5], [-0.4, 0.9]]),
    "x": np.array([0.6, 1.7]),
    "y": np.array([1.2, -0.8]),
    "s": np.array(0.7),
}
FORMULAS = {
    "trace(A @ matrix_power(X, k))": "X",
    "trace(A @ matrix_power(X, 12))": "X",
    "trace(A @ matrix_power(X, -2))": "X",
    "trace(A @ matrix_power(X, -11))": "X",
    "trace(matrix_power(X, 0) @ A)": "X",
    "sum(tanh(matrix_power(A @ X, k) @ x))": "X",
    "x @ matrix_power(X, k) @ matrix_power(X, k + 1) @ y": "X",
    "sum([sum(tanh(i * X)) for i in range(1, k + 1)])": "X",
    "sum(sum([matrix_power(X, i) @ A @ X for i in range(k)], axis=0)**2)": "X",
    "sum([x @ matrix_power(X, i) @ y for i in range(1, k + 1)])**2": "x",
    "sum([s**2 for i in range(1, k + 1)])": "s",
    "sum(x**y)": "x",
    "sum((x * x)**y)": "y",
    "sum(x**(x * y))": "x",
    "s**s": "s",
    "sum(2**(x * s))": "s",
    "prod(x - 3) + prod(X + 5, axis=1) @ y": "x",
    "max(X) * min(y) + sum(max(X, axis=0) * y)": "X",
}


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("text", FORMULAS)
def test_gradient_and_pushforward(text: str, count: int) -> None:
    found = formula(text, **needed(SHAPES, text))
    by = next(each for each in variables(found.node) if each.name == FORMULAS[text])
    sizes = {m: 2, k: count}
    gradient, steps = simplified(n.Pullback(n.Scalar(1), found.node, by), Context())
    slopes, off = complex_step(found.node, by, POINT, sizes)
    assert_slope(gradient, (slopes, off), POINT, sizes)
    for step in steps:
        assert step.before.shape == step.after.shape
    u = by.change(letter="u")
    direction = np.random.default_rng(0).normal(size=slopes.shape)
    pushed, _ = simplified(pushforward(found.node, by, u), Context())
    off = np.sum((off + direction.size * UNIT["float64"] * np.abs(slopes)) * np.abs(direction))
    assert_slope(pushed, (np.sum(slopes * direction), off), {**POINT, u.name: direction}, sizes)


def test_an_index_that_the_cotangent_has_already_is_another_one() -> None:
    X = formula("X", X="n n").variables[0]
    series = n.BlockSum(n.MatrixPower(X, i), i, k)
    outer = n.BlockSum(n.Pullback(n.MatrixPower(X, i), series, X), i, k)
    worked, _ = simplified(outer, Context())
    summed = [n.Pullback(n.MatrixPower(X, a), n.MatrixPower(X, b), X) for a in (1, 2, 3) for b in (1, 2, 3)]
    true = sum(counted(simplified(each, Context())[0], POINT, {m: 2}) for each in summed)
    assert_rounded(complex_value(worked, POINT, {m: 2, k: 3}), true)


def test_a_series_without_terms_is_zero() -> None:
    found = formula("trace(A @ matrix_power(X, k))", A=SHAPES["A"], X=SHAPES["X"])
    X = next(each for each in variables(found.node) if each.name == "X")
    gradient, _ = simplified(n.Pullback(n.Scalar(1), found.node, X), Context())
    assert not np.any(complex_value(gradient, POINT, {m: 2, k: 0}))


@pytest.mark.parametrize(
    ("base", "exponent", "value"), [(-2.0, 3.0, -8.0), (-2.0, 2.0, 4.0), (0.0, 2.0, 0.0), (0.0, 0.0, 1.0)]
)
def test_powers_of_what_is_not_positive(base: float, exponent: float, value: float) -> None:
    node = formula("s**y", s="", y="").node
    found = complex_value(node, {"s": np.array(base), "y": np.array(exponent)}).real
    assert_off(found, value, FUNCTION * UNIT["float64"] * abs(value))  # a power of a mathematical library


def test_a_fraction_of_a_negative_number_has_no_value() -> None:
    node = formula("s**y", s="", y="").node
    assert np.isnan(complex_value(node, {"s": np.array(-2.0), "y": np.array(0.5)}))
