"""Suprema of slopes and Gaussian expectations: exact where they can be, numbers elsewhere, refusals, and no hanging."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from sympy import Rational

import symprop
from symprop.algebra.defined import T
from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction, from_body
from symprop.algebra.nodes import NODE_KINDS
from symprop.analysis.gaussian import expectation, pieces, quadrature
from symprop.analysis.slopes import largest_slope, slope_at_output
from symprop.analysis.vanishing import BOUND, UnboundedError, jacobian_bound
from symprop.errors import FormulaError, SpecError
from symprop.verify.evaluate import complex_value
from tests.patience import at_once
from tests.rounding import FUNCTION, UNIT


def own(body: sympy.Expr) -> ElementwiseFunction:
    return ElementwiseFunction("own", (T,), body)


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("sigmoid", Rational(1, 4), 0),
        ("tanh", 1, 0),
        ("relu", 1, sympy.oo),
        ("leaky_relu", 1, sympy.oo),
        ("elu", 1, 0),
        ("softplus", 1, sympy.oo),
        ("abs", 1, None),
    ],
)
def test_exact_suprema(name: str, value: sympy.Expr, place: sympy.Expr | None) -> None:
    found = largest_slope(FUNCTIONS[name])
    assert (found.value, found.exact) == (value, True)
    assert place is None or found.place == place


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "silu", "sin", "arctan", "erf"])
def test_numerical_suprema(name: str) -> None:
    found = largest_slope(FUNCTIONS[name])
    slope = sympy.lambdify(T, sympy.diff(FUNCTIONS[name].definition, T), "mpmath")
    grid = [float(abs(slope(float(place)))) for place in np.linspace(-6, 6, 4001)]
    # mpmath counts in integers, to 53 bits: the same everywhere, and a few units off
    assert max(grid) <= float(found.value) * (1 + FUNCTION * UNIT["float64"])
    assert abs(max(grid) - float(found.value)) < 1e-5  # half the square of a step of 0.003, times third derivatives


def test_gelu_is_steepest_at_the_square_root_of_two() -> None:
    assert abs(largest_slope(FUNCTIONS["gelu"]).place - sympy.sqrt(2).evalf(30)) < sympy.Float("1e-20", 30)


@pytest.mark.parametrize("body", [T**2, sympy.exp(T), sympy.sinh(T), T * sympy.Abs(T)])
def test_slopes_without_bound_are_refused(body: sympy.Expr) -> None:
    with pytest.raises(FormulaError, match="not bounded"):
        largest_slope(own(body))


def test_the_slope_at_a_value() -> None:
    assert slope_at_output(FUNCTIONS["tanh"], Rational(1, 2)) == Rational(3, 4)
    assert slope_at_output(FUNCTIONS["leaky_relu"], sympy.Integer(-1)) == Rational(1, 100)
    assert slope_at_output(FUNCTIONS["elu"], Rational(-1, 2)) == Rational(1, 2)
    for name, value in (("sigmoid", 2), ("relu", -1)):
        with pytest.raises(FormulaError, match="0 derivatives"):
            slope_at_output(FUNCTIONS[name], sympy.Integer(value))


def test_pieces_of_nested_choices() -> None:
    found = pieces(sympy.Max(sympy.Abs(T) - 1, 0))
    assert [(piece.low, piece.high, piece.body) for piece in found] == [
        (-sympy.oo, -1, -T - 1),
        (-1, 0, 0),
        (0, 1, 0),
        (1, sympy.oo, T - 1),
    ]
    assert expectation(sympy.Max(sympy.Abs(T) - 1, 0)).exact
    with pytest.raises(FormulaError, match="not linear"):
        pieces(sympy.Max(T**3, 1 - T))


def test_expectations_of_truncated_powers_are_exact() -> None:
    inside = sympy.Piecewise((0, T < 1), (T**3 - T, T < 2), (sympy.exp(-T), True))
    found = expectation(inside)
    assert found.exact
    assert abs(sympy.N(found.value, 30) - quadrature(inside)) < sympy.Float("1e-28", 30)


@pytest.mark.parametrize(
    "body",
    [
        sympy.sin(sympy.exp(-(T**2))) ** 7,
        sum(sympy.tanh(k * T) ** k for k in range(1, 9)),
        (1 + T + sympy.exp(T / 9)) ** 40 / 10**60,
        sympy.log(1 + T**2) * sympy.atan(T**3),
    ],
)
def test_no_expectation_hangs(body: sympy.Expr) -> None:
    with at_once():
        try:
            expectation(body)
        except FormulaError as error:
            assert len(str(error).splitlines()) <= 3


@pytest.mark.parametrize("body", [sympy.exp(T**2), sympy.exp(sympy.exp(T)), 1 / T**2, sympy.log(T)])
def test_expectations_that_are_not_finite_are_refused(body: sympy.Expr) -> None:
    with pytest.raises(FormulaError):
        expectation(body)


def test_pieces_keep_their_order() -> None:
    assert [str(piece.body) for piece in pieces(FUNCTIONS["elu"].body)] == ["exp(t) - 1", "t"]
    assert from_body("own", sympy.Symbol("x") ** 2).body == T**2


@pytest.mark.parametrize(
    "layers",
    [
        "Residual(Dense(5) >> Sigmoid())",
        "Multiply(Dense(5) >> Tanh(), Dense(5) >> Sigmoid())",
        "Highway(Dense(5) >> Tanh())",
        "Concatenate(Sum(Dense(5) >> Tanh(), Dense(5), ()), ())",
        "Multiply((), Dense(1) >> Sigmoid()) >> Tanh()",
    ],
)
def test_the_bound_holds(layers: str, random: np.random.Generator) -> None:
    network = f"Input(4) >> Dense(5) >> Tanh() >> {layers} >> Dense(3)"
    derivation = symprop.derive(f"{network} >> MeanSquaredError()")
    system = derivation.system
    bound = jacobian_bound(system, system.output, system.inputs[0])
    values = {p.name: random.normal(size=tuple(map(int, p.shape))) for p in (*system.parameters, *system.inputs)}
    for equation in system.equations:
        if equation.name != "L":
            values[equation.name] = complex_value(equation.expression, values).real
    jacobian = complex_value(derivation.jacobian(system.output.name, "x"), values).real
    norms = {s: np.linalg.norm(values[s.name.strip("|")], 2) for s in bound.free_symbols}
    assert np.linalg.norm(jacobian, 2) <= float(bound.subs(norms))


def test_a_gate_bounds_a_jacobian_where_values_are_bounded() -> None:
    gated = symprop.parse_network("Input(4) >> Multiply(Dense(3) >> Tanh(), Dense(3) >> Sigmoid())").system()
    first, second = sympy.symbols("||W1|| ||W2||", positive=True)
    assert jacobian_bound(gated, gated.output, gated.inputs[0]) == first + second / 4
    for layer, value in (("GLU(3)", "z₁"), ("Highway(Dense(4) >> Tanh())", "x")):
        system = symprop.parse_network(f"Input(4) >> {layer}").system()
        with pytest.raises(UnboundedError, match=f"with '{value}', which is not bounded"):
            jacobian_bound(system, system.output, system.inputs[0])


def test_what_is_spread_over_an_axis_is_scaled_by_the_root_of_its_size() -> None:
    spread = symprop.variable("A", (4, 3)) + symprop.variable("x", (3,))
    assert [BOUND(spread, position) for position in (0, 1)] == [1, 2]


def test_a_bound_that_is_not_known_is_refused() -> None:
    system = symprop.parse_network("Input(4) >> Dense(3)").system()
    with pytest.raises(SpecError, match="does not depend"):
        jacobian_bound(system, system.inputs[0], system.output)


def test_every_kind_of_node_has_a_bound_or_a_refusal() -> None:
    assert [kind.__name__ for kind in NODE_KINDS if kind not in BOUND] == []
    system = symprop.parse_network("Input(4) >> Dense(3) >> MeanSquaredError()").system()
    assert system.loss is not None
    with pytest.raises(SpecError, match="no bound is known"):
        jacobian_bound(system, system.loss, system.inputs[0])
