"""Elementwise formulas as scalar bodies: the same value at points, and refusals."""

from __future__ import annotations

import pytest
import sympy
from sympy import Rational

from symprop.algebra.defined import T, plain, sigmoid, stable
from symprop.algebra.elements import elements
from symprop.algebra.reader import read_formula
from symprop.algebra.scalar import scalar_body
from symprop.errors import FormulaError

FORMULAS = [
    "x * sigmoid(x)",
    "2 - x / 3 + x**2 * 0.1",
    "where(x > 1, x**2, exp(x) - 1)",
    "where(x <= 1, 1, x)",
    "(x > 0) * x - (x < 1)",
    "(x >= 2) + 1 / (x**2 + 1)",
    "where(x == 1, 5, where(x != 2, 7, x))",
    "where(x - 1, 1, 2)",
    "maximum(x, 1/2) + minimum(abs(x), 3)",
    "log1p(softplus(tanh(x))) + sqrt(x * x + 1)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_body_has_the_value_of_the_formula(formula: str) -> None:
    node = read_formula(formula, {"x": ()})
    body = scalar_body(node)
    (symbol,) = body.free_symbols
    for value in (Rational(-3, 2), Rational(0), Rational(1), Rational(2), Rational(7, 3)):
        expected = elements(node, {"x": value})[()]
        assert abs(sympy.N(plain(body.xreplace({symbol: value})) - plain(expected), 30)) < 1e-25


@pytest.mark.parametrize("formula", ["sum(x)", "softmax(x)", "x @ x", "x[:, None]", "reshape(x, (3, 1))"])
def test_what_is_not_elementwise_is_refused(formula: str) -> None:
    with pytest.raises(FormulaError, match="not elementwise"):
        scalar_body(read_formula(formula, {"x": (3,)}))


@pytest.mark.parametrize("formula", ["log(-1) + x", "where(log(-1) > 0, x, 1)", "x + 1 / (x - x)", "log(0) * x"])
def test_constants_are_real(formula: str) -> None:
    with pytest.raises(FormulaError, match="not a real number"):
        scalar_body(read_formula(formula, {"x": ()}))


EXP, SINH, COSH = sympy.exp(T), sympy.sinh(T), sympy.cosh(T)


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (SINH * EXP, SINH * EXP),  # no tanh
        (SINH / COSH**2, sympy.tanh(T) / COSH),
        (1 / (EXP + sympy.exp(T**2)), 1 / (EXP + sympy.exp(T**2))),  # no one exponential
        (EXP / (1 + sympy.exp(sympy.pi * T)), EXP / (1 + sympy.exp(sympy.pi * T))),
        (1 / (EXP - 2), 1 / (EXP - 2)),  # a pole
        (1 / ((EXP - 2) * (EXP + 3)), 1 / ((EXP - 2) * (EXP + 3))),
        (EXP / (2 + EXP) - 1 / (EXP**2 + 1), sigmoid(2 * T) + sigmoid(T - sympy.log(2)) - 1),
    ],
    ids=str,
)
def test_what_is_written_without_overflow_has_the_value_that_it_had(body: sympy.Expr, form: sympy.Expr) -> None:
    found = stable(body)
    assert found == form
    for value in (Rational(-3, 2), Rational(0), Rational(1), Rational(7, 3)):
        assert abs(sympy.N(plain(found).subs(T, value) - body.subs(T, value), 30)) < 1e-25
