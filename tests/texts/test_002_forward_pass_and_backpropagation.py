"""Text 002: forward pass and backpropagation. The 2-2-1 example, a scalar graph, losses, vanishing gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Rational

import symprop
from symprop.algebra.equations import Equation, System
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.reader import read_formula
from symprop.analysis.slopes import largest_slope, slope_at_output
from symprop.analysis.vanishing import jacobian_bound, norm, shrinkage, vanishing
from symprop.calculus.walk import derive_system
from tests.rounding import assert_off, differences

EXAMPLE = "Input(2) >> Dense(2) >> Sigmoid() >> Dense(1) >> Sigmoid() >> MeanSquaredError()"
# The numbers of the text were lost; these have its shape: a target of 1, and gradients that are all negative.
GIVEN: dict[str, Any] = {
    "x": ["0.5", "0.8"],
    "W1": [["0.2", "0.4"], ["0.3", "0.1"]],
    "b1": ["0.1", "-0.2"],
    "W2": [["0.5", "0.6"]],
    "b2": ["0.05"],
    "y": ["1"],
}


def test_the_full_forward_and_backward_pass_in_fifty_digits(in_digits: Callable[..., Any]) -> None:
    derivation = symprop.derive(EXAMPLE)
    found = in_digits(derivation.equations, GIVEN)
    with mpmath.workdps(50):  # each number of the table again, by hand
        given = {name: np.vectorize(mpmath.mpf, otypes=[object])(value) for name, value in GIVEN.items()}

        def sigmoid(value: Any) -> Any:
            return 1 / (1 + mpmath.exp(-value))

        x, w, b, v, c = (given[name] for name in ("x", "W1", "b1", "W2", "b2"))
        z = [w[i][0] * x[0] + w[i][1] * x[1] + b[i] for i in range(2)]
        h = [sigmoid(value) for value in z]
        u = v[0][0] * h[0] + v[0][1] * h[1] + c[0]
        out = sigmoid(u)
        delta = (out - 1) * out * (1 - out)
        hidden = [v[0][i] * delta * h[i] * (1 - h[i]) for i in range(2)]
        by_hand = {
            "z1": z,
            "a1": h,
            "z2": [u],
            "a2": [out],
            "L": (out - 1) ** 2 / 2,
            "delta2": [delta],
            "dW2": [[delta * h[0], delta * h[1]]],
            "db2": [delta],
            "delta1": hidden,
            "dW1": [[hidden[i] * x[j] for j in range(2)] for i in range(2)],
            "db1": hidden,
        }
        for name, expected in by_hand.items():
            for value, number in zip(np.ravel(found[name]), np.ravel(np.array(expected, dtype=object)), strict=True):
                assert abs(value - number) <= mpmath.mpf(10) ** -47 * abs(number), name
    for name in ("dW1", "db1", "dW2", "db2"):  # "All gradients are negative"
        assert all(value < 0 for value in np.ravel(found[name]))


def graph() -> System:
    """`f = (x + y) * (y - 1)` with the nodes of the text: a = x + y, b = y - 1, f = a b."""
    x, y, a, b, f = (symprop.variable(name) for name in "xyabf")
    equations = (
        Equation(a, read_formula("x + y", {"x": x, "y": y})),
        Equation(b, read_formula("y - 1", {"y": y})),
        Equation(f, read_formula("a * b", {"a": a, "b": b})),
    )
    return System(equations, inputs=(x, y), targets=(), parameters=(), output=f, loss=f)


def test_backprop_through_a_scalar_graph_adds_up_at_the_shared_node(in_digits: Callable[..., Any]) -> None:
    system = graph()
    backward, _ = derive_system(system)
    found = {item.name: item.expression.text() for item in backward if isinstance(item, Equation)}
    assert found == {"da": "b", "dy": "da + a", "dx": "da"}  # y is read by both factors: its paths are added

    values = in_digits([*system.equations, *backward], {"x": "2", "y": "3"})
    x, y = sympy.symbols("x y")
    expanded = sympy.expand((x + y) * (y - 1))
    assert expanded == x * y - x + y**2 - y
    for name, symbol in (("dx", x), ("dy", y)):
        assert int(values[name]) == sympy.diff(expanded, symbol).subs({x: 2, y: 3})
    assert (int(values["f"]), int(values["dx"]), int(values["dy"])) == (10, 2, 7)
    assert values["dy"] > values["dx"]  # y is in both factors


def test_the_formula_of_the_graph_derives_and_prints() -> None:
    derivation = symprop.derive(symprop.formula("(x + y) * (y - 1)", x="", y=""))
    assert [equation.text() for equation in derivation.equations] == [
        "v1 = x + y",
        "v2 = y - 1",
        "L = v1 * v2",
        "dv1 = v2",
        "dx = dv1",
        "dy = dv1 + v1",
    ]
    assert "∂L/∂y = ∂L/∂v₁ + v₁" in derivation.pretty()
    page: dict[str, float] = {"x": 2.0, "y": 3.0}
    exec(derivation.text(), page)
    assert (page["L"], page["dx"], page["dy"]) == (10, 2, 7)


@pytest.mark.parametrize(
    ("layers", "delta"),
    [
        ("Dense(K) >> Sigmoid() >> MeanSquaredError()", "(a1 - y) * a1 * (1 - a1)"),
        ("Dense(K) >> Sigmoid() >> BinaryCrossEntropy()", "a1 - y"),
        ("Dense(K) >> SoftmaxCrossEntropy()", "p - y"),
    ],
)
def test_the_loss_table(layers: str, delta: str) -> None:
    assert symprop.derive(f"Input(n) >> {layers}").delta(1).text() == delta


@pytest.mark.parametrize(
    ("formula", "slope"),
    [
        ("sum((a - y)**2) / 2", lambda a, y: a - y),
        ("-sum(y * log(a) + (1 - y) * log(1 - a))", lambda a, y: (a - y) / (a * (1 - a))),
        ("-sum(y * log(a))", lambda a, y: -y / a),
    ],
)
def test_the_derivatives_of_the_losses_by_the_prediction(
    formula: str, slope: Callable[[Any, Any], Any], in_digits: Callable[..., Any]
) -> None:
    a, y, loss = symprop.variable("a", (3,)), symprop.variable("y", (3,)), symprop.variable("L")
    equation = Equation(loss, read_formula(formula, {"a": a, "y": y}))
    backward, _ = derive_system(System((equation,), (a,), (y,), (), loss, loss))
    values = in_digits([equation, *backward], {"a": ["0.2", "0.7", "0.1"], "y": ["0", "1", "0"]})
    with mpmath.workdps(50):
        expected = slope(values["a"], values["y"])
        assert all(abs(v - e) < mpmath.mpf(10) ** -47 for v, e in zip(values["da"], expected, strict=True))


def test_analytic_and_numerical_gradient_agree(in_digits: Callable[..., Any]) -> None:
    derivation = symprop.derive(EXAMPLE)
    forward = list(derivation.system.equations)
    found = in_digits(derivation.equations, GIVEN)
    with mpmath.workdps(50):
        step = mpmath.mpf("1e-5")
        for name in ("W1", "b1", "W2", "b2"):
            for place in np.ndindex(np.shape(GIVEN[name])):
                losses = []
                for sign in (1, -1):
                    moved = np.array(GIVEN[name], dtype=object)
                    moved[place] = mpmath.mpf(moved[place]) + sign * step
                    losses.append(in_digits(forward, {**GIVEN, name: moved})["L"])
                numerical = (losses[0] - losses[1]) / (2 * step)
                # the error of a central difference is h**2 / 6 times the third derivative: below 1e-10 here
                assert abs(numerical - found[f"d{name}"][place]) < mpmath.mpf("1e-10")


def test_the_gradients_of_the_module_are_those_of_central_differences() -> None:
    module = symprop.compile(EXAMPLE)
    x, y = np.array([[0.5, 0.8]]), np.array([[1.0]])
    params = {name: np.array(GIVEN[name], dtype=float) for name in module.PARAMETERS}
    _, grads = module.loss_and_grads(params, x, y)
    for name, value in params.items():
        for place in np.ndindex(value.shape):
            slope, off = differences(lambda: module.loss(params, x, y), value, place)
            assert_off(grads[name][place], slope, off, (name, place))


def test_a_sigmoid_scales_by_at_most_a_quarter() -> None:
    found = largest_slope(FUNCTIONS["sigmoid"])
    assert (found.value, found.place, found.exact) == (Rational(1, 4), 0, True)
    assert largest_slope(FUNCTIONS["tanh"]).value == 1
    assert largest_slope(FUNCTIONS["relu"]).value == 1


def five_layers(activation: str) -> System:
    layers = " >> ".join(f"Dense(n{layer}) >> {activation}" for layer in range(1, 6))
    return symprop.parse_network(f"Input(n0) >> {layers} >> MeanSquaredError()").system()


def test_the_table_of_a_quarter_per_sigmoid_layer() -> None:
    rows = vanishing(five_layers("Sigmoid()"))
    assert [row.layer for row in rows] == [5, 4, 3, 2, 1]
    # the diagram of the text starts from 1 at layer 5: what arrives at each layer
    assert [row.arriving for row in rows] == [1, Rational(1, 4), Rational(1, 16), Rational(1, 64), Rational(1, 256)]
    assert [f"{float(row.arriving):.3f}" for row in rows] == ["1.000", "0.250", "0.062", "0.016", "0.004"]
    # 1/16 is 0.0625, which the text rounds up to 0.063; Python rounds the tie to even
    assert Rational(1, 16) == Rational("0.0625")
    assert rows[-1].leaving == Rational(1, 1024)  # "a factor of 1000 reduction"
    assert float(rows[-1].arriving) < 0.005  # "less than 0.5%"


def test_the_table_of_outputs_of_nine_tenths() -> None:
    rows = vanishing(five_layers("Sigmoid()"), output=Rational(9, 10))
    assert slope_at_output(FUNCTIONS["sigmoid"], Rational(9, 10)) == Rational(9, 100)
    assert [str(float(row.leaving)) for row in rows] == ["0.09", "0.0081", "0.000729", "6.561e-05", "5.9049e-06"]
    assert f"{float(rows[-1].leaving) * 100:.4f}" == "0.0006"  # percent


def test_relu_passes_the_gradient_unchanged() -> None:
    assert [row.leaving for row in vanishing(five_layers("ReLU()"), output=sympy.Integer(3))] == [1] * 5


def test_the_bound_of_a_network_has_its_weights() -> None:
    system = five_layers("Sigmoid()")
    names = {equation.name: equation.target for equation in system.equations}
    weights = [norm(parameter) for parameter in system.parameters if parameter.letter == "W"]
    bound = jacobian_bound(system, names["a5"], system.inputs[0])
    assert bound == sympy.prod([Rational(1, 4) * weight for weight in weights])
    factors = [row.factor for row in shrinkage([Rational(1, 4)] * 5)]
    assert sympy.prod(factors) == bound / sympy.prod(weights)


def test_a_residual_block_adds_one_to_the_bound() -> None:
    network = symprop.parse_network("Input(n) >> Residual(Dense(n) >> Sigmoid()) >> MeanSquaredError()")
    system = network.system()
    [weight] = [norm(parameter) for parameter in system.parameters if parameter.letter == "W"]
    bound = jacobian_bound(system, system.output, system.inputs[0])
    assert sympy.expand(bound - (1 + weight / 4)) == 0
