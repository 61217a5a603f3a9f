"""Text 000: a report on deep networks. The L-layer network, MSE, the error recurrence, and the residual block."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.equations import Loop
from symprop.algebra.trees import replace, variables

THREE_LAYERS = "Input(d) >> Dense(n1) >> Sigmoid() >> Dense(n2) >> Sigmoid() >> MeanSquaredError()"


def test_the_forward_pass_of_the_example() -> None:
    derivation = symprop.derive(symprop.parse_network(THREE_LAYERS))
    forward = [equation.text() for equation in derivation.system.equations]
    assert forward == [
        "z1 = W1 @ x + b1",
        "a1 = sigmoid(z1)",
        "z2 = W2 @ a1 + b2",
        "a2 = sigmoid(z2)",
        "L = sum((a2 - y)**2) / 2",
    ]


def test_the_error_terms_and_the_gradients() -> None:
    derivation = symprop.derive(THREE_LAYERS)
    assert derivation.delta(2).text() == "(a2 - y) * a2 * (1 - a2)"
    assert derivation.delta(1).text() == "(W2.T @ delta2) * a1 * (1 - a1)"
    assert derivation.gradient("W2").text() == "outer(delta2, a1)"
    assert derivation.gradient("W1").text() == "outer(delta1, x)"
    assert derivation.gradient("b1").text() == "delta1"


def test_the_recurrence_for_a_general_layer_and_its_base_case() -> None:
    derivation = symprop.derive("Input(n) >> Repeat(Dense(n) >> Sigmoid(), L) >> MeanSquaredError()")
    [loop] = [item for item in derivation.backward if isinstance(item, Loop)]
    assert [equation.text() for equation in loop.base] == ["delta[L] = (a[L] - y) * a[L] * (1 - a[L])"]
    assert [equation.text() for equation in loop.equations] == [
        "delta[l] = (W[l + 1].T @ delta[l + 1]) * a[l] * (1 - a[l])",
        "dW[l] = outer(delta[l], a[l - 1])",
        "db[l] = delta[l]",
    ]


def test_the_recurrence_with_a_number_of_layers_is_the_unrolled_network() -> None:
    general = symprop.derive("Input(n) >> Repeat(Dense(n) >> Sigmoid(), L) >> MeanSquaredError()")
    unrolled = symprop.derive("Input(n) >> Repeat(Dense(n) >> Sigmoid(), 4) >> MeanSquaredError()")
    [loop] = [item for item in general.backward if isinstance(item, Loop)]
    recurrence = next(equation for equation in loop.equations if equation.target.letter == "delta")
    for layer in (1, 2, 3):
        moved = replace(recurrence.expression, {})
        for variable in variables(recurrence.expression):
            moved = replace(moved, {variable: loop.at(variable, layer)})
        assert moved == unrolled.delta(layer)


def test_the_gradient_through_a_residual_block_has_the_identity() -> None:
    # dL/dx = dL/dy (dF/dx + I), with F(x) = sigma(W x + b) and y = F(x) + x
    derivation = symprop.derive("Input(d) >> Dense(d) >> Residual(Dense(d) >> Tanh()) >> MeanSquaredError()")
    block, inside = derivation.jacobian("a2", "z1"), derivation.jacobian("f2", "z1")
    assert block == n.Add(inside, n.Identity(derivation.variable("z1").shape[0]))
    assert block.text() == "diag(1 - f2 * f2) @ W2 + eye(d)"
    upstream = derivation.equation("da2").expression
    assert upstream.text() == "a2 - y"
    assert derivation.delta(1).text() == "W2.T @ delta2 + da2"  # the row (a2 - y)' (dF/dx + I), as a column


def test_the_identity_keeps_the_gradient_where_the_branch_is_flat(in_complex, random: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    derivation = symprop.derive("Input(3) >> Dense(3) >> Residual(Dense(3) >> Tanh()) >> MeanSquaredError()")
    given = {
        "x": random.normal(size=3),
        "y": random.normal(size=3),
        "W1": random.normal(size=(3, 3)),
        "b1": random.normal(size=3),
        "W2": np.zeros((3, 3)),  # dF/dx is zero
        "b2": random.normal(size=3),
    }
    found = in_complex(derivation.equations, given)
    assert np.array_equal(found["delta1"], found["a2"] - given["y"])


RESIDUAL = "Input(d) >> Dense(d) >> Residual(Dense(d) >> Tanh()) >> MeanSquaredError()"


def test_the_figure_of_the_residual_block_as_svg() -> None:
    root = ElementTree.fromstring(symprop.diagram(symprop.derive(RESIDUAL)))
    words = ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")]
    assert {"Forward pass", "Backward pass"} <= set(words)
    assert any(word.startswith("a₂ = f₂ + z₁") for word in words)  # y = F(x) + x
    arrows = [element for element in root.iter() if element.tag.endswith("}path") and element.get("marker-end")]
    past = {name: [a for a in arrows if a.get("class") == name and "Q" in str(a.get("d"))] for name in ("go", "back")}
    assert len(past["go"]) == 1  # the identity path, past F
    assert len(past["back"]) == 1  # the gradient comes back along it as it is
    assert "∂L/∂a₂" in words and "W₂ᵀ δ₂" in words


def test_the_figure_of_the_residual_block_as_tikz() -> None:
    drawn = symprop.diagram(symprop.derive(RESIDUAL), "tikz")
    assert r"\textbf{Forward pass}" in drawn and r"\textbf{Backward pass}" in drawn
    [forward] = re.findall(r"\\draw\[go, rounded corners.*", drawn)
    [back] = re.findall(r"\\draw\[back, rounded corners.*", drawn)
    assert "forward-1.west" in forward and "forward-4.west" in forward  # from z1 to a2 = f2 + z1
    assert "backward-4.west" in back and "backward-1.west" in back
    assert r"$\partial L/\partial a_2$" in back
