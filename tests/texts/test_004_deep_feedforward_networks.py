"""Text 004: backpropagation for deep feedforward networks. Examples as rows, embeddings, the model of names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.calculus.tidy import tidy
from tests.rounding import assert_off, assert_rounded, differences, exact
from tests.rounding_of_formulas import counted_values

NETWORK = "Input(l0) >> Dense(l1) >> Tanh() >> Dense(l2) >> SoftmaxCrossEntropy()"
NAMES = "Input(3) >> Embedding(27, 10) >> Dense(64) >> Tanh() >> Dense(27) >> SoftmaxCrossEntropy()"


def test_the_forward_pass_between_two_layers() -> None:
    derivation = symprop.derive(NETWORK)
    assert derivation.equation("z1").text() == "z1 = W1 @ x + b1"
    assert derivation.equation("a1").text() == "a1 = tanh(z1)"


def test_the_jacobians_of_one_layer() -> None:
    derivation = symprop.derive(NETWORK)
    # The text writes (W)' for the Jacobian of z by x, but its next formula scales the rows of W: with rows for the
    # outputs (numerator layout, as here) the Jacobian is W, and that of a layer is W with its rows scaled by sigma'.
    assert derivation.jacobian("z2", "a1").text() == "W2"
    assert derivation.jacobian("a1", "z1").text() == "diag(1 - a1 * a1)"
    assert derivation.jacobian("a1", "x").text() == "diag(1 - a1 * a1) @ W1"


def test_rows_of_examples() -> None:
    rows = symprop.derive(NETWORK, layout="rows")
    assert rows.equation("z1").text() == "z1 = x @ W1.T + b1"
    assert rows.gradient("W1").text() == "delta1.T @ x"  # G' X
    assert rows.gradient("W2").text() == "delta2.T @ a1"
    assert rows.gradient("b1").text() == "sum(delta1, axis=0)"  # the sum across the training examples
    assert rows.delta(1).text() == "(delta2 @ W2) * (1 - a1 * a1)"  # G W, then the derivative of tanh


def test_the_error_of_the_last_layer_is_p_minus_one_hot() -> None:
    # The text sums the loss over the batch; here the loss is its mean, so the same matrix stands with 1/m.
    rows = symprop.derive(NETWORK, layout="rows")
    assert rows.delta(2).text() == "(p - y) / m"
    m = rows.system.batch
    p, y = rows.variable("p"), rows.variable("y")
    assert tidy(n.Multiply(n.Scalar(m), rows.delta(2))) == tidy(p - y)


def test_rows_are_the_transposed_columns(in_complex: Callable[..., Any], random: np.random.Generator) -> None:
    network = "Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
    rows, columns = symprop.derive(network, layout="rows"), symprop.derive(network, layout="columns")
    weights = {p.name: random.normal(size=tuple(map(int, p.shape))) for p in rows.system.parameters}
    x, y = random.normal(size=(5, 3)), np.eye(2)[random.integers(0, 2, size=5)]
    by_rows = in_complex(_of_five(rows), {**weights, "x": x, "y": y})
    by_columns = counted_values(_of_five(columns), {**weights, "x": x.T, "y": y.T})
    for name in ("L", "dW1", "db1", "dW2", "db2"):
        assert_rounded(by_rows[name], by_columns[name])
    assert_rounded(by_rows["delta1"], by_columns["delta1"].T)
    # the sum over p of the text, element by element: dL/dW_kj = sum_p dL/dz_pk x_pj
    by_elements = (by_columns["delta1"].T[:, :, None] * exact(x)[:, None, :]).sum(axis=0)
    assert_rounded(by_rows["dW1"], by_elements)


def _of_five(derivation: symprop.Derivation) -> list[Equation]:
    five = {derivation.system.batch: sympy.Integer(5)}
    return [Equation(e.target.xreplace(five), e.expression.xreplace(five)) for e in derivation.equations]


def test_the_embedding_table_gathers_the_gradients_of_its_rows() -> None:
    derivation = symprop.derive(NAMES)
    equations = {equation.name: equation.text() for equation in derivation.equations}
    assert equations["e1"] == "e1 = reshape(E1[x], (30,))"
    assert equations["dE1"] == "dE1 = scatter_add(reshape(W1.T @ delta1, (3, 10)), x, 27)"
    rows = symprop.derive(NAMES, layout="rows")
    assert rows.equation("dE1").text() == "dE1 = scatter_add(reshape(delta1 @ W1, (m, 3, 10)), x, 27)"


def test_the_scatter_adds_where_a_character_repeats(
    in_complex: Callable[..., Any], random: np.random.Generator
) -> None:
    network = "Input(3) >> Embedding(5, 2) >> Dense(4) >> Tanh() >> Dense(5) >> SoftmaxCrossEntropy()"
    rows = symprop.derive(network, layout="rows")
    weights = {p.name: random.normal(size=tuple(map(int, p.shape))) for p in rows.system.parameters}
    ids = np.array([[0, 0, 3], [3, 1, 0], [0, 0, 0], [4, 1, 1], [2, 3, 0]])
    y = np.eye(5)[[1, 0, 4, 2, 2]]
    found = in_complex(_of_five(rows), {**weights, "x": ids, "y": y})
    by_hand = exact(np.zeros((5, 2)))
    rounded = counted_values(_of_five(rows), {**weights, "x": ids, "y": y})
    flow = (rounded["delta1"] @ exact(weights["W1"])).reshape(5, 3, 2)
    for example in range(5):
        for place in range(3):
            by_hand[ids[example, place]] += flow[example, place]
    assert_rounded(found["dE1"], by_hand)


def test_the_equations_of_the_model_of_names() -> None:
    rows = symprop.derive(NAMES, layout="rows")
    assert [equation.text() for equation in rows.system.equations] == [
        "e1 = reshape(E1[x], (m, 30))",
        "z1 = e1 @ W1.T + b1",
        "a1 = tanh(z1)",
        "z2 = a1 @ W2.T + b2",
        "p = softmax(z2, axis=1)",
        "L = -sum(y * log(p)) / m",
    ]
    names = [parameter.name for parameter in rows.system.parameters]
    assert names == ["E1", "W1", "b1", "W2", "b2"]
    assert {f"d{name}" for name in names} <= {equation.name for equation in rows.equations}


def test_the_generated_model_of_names_has_the_derived_gradient(random: np.random.Generator) -> None:
    module = symprop.compile(NAMES, dtype="float64")
    params = module.init_params(seed=0)
    ids, targets = random.integers(0, 27, size=(8, 3)), random.integers(0, 27, size=8)
    _, gradients = module.loss_and_grads(params, ids, targets)
    assert gradients["E1"].shape == (27, 10)
    unread = np.setdiff1d(np.arange(27), ids)
    assert not gradients["E1"][unread].any()  # characters that do not occur get no gradient
    place = (int(ids[0, 0]), 4)
    slope, off = differences(lambda: module.loss(params, ids, targets), params["E1"], place)
    assert_off(gradients["E1"][place], slope, off)
