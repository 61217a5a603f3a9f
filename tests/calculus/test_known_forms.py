"""Written-out forms are recognised, mean the same, and derive to short, finite gradients."""

from __future__ import annotations

import numpy as np
import pytest

import symprop
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node
from symprop.algebra.reader import read_formula
from symprop.calculus.known_forms import KNOWN_FORMS
from symprop.calculus.tidy import tidy
from tests.rounding_of_formulas import assert_same_value

x, A = variable("x", (3,)), variable("A", (2, 3))
SHAPES = {"x": (3,), "A": (2, 3)}


def known(text: str) -> Node | None:
    node = tidy(read_formula(text, SHAPES))
    return next(filter(None, (form.apply(node) for form in KNOWN_FORMS)), None)


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("exp(x) / sum(exp(x))", "softmax(x)"),
        ("x * exp(x) / sum(exp(x))", "x * softmax(x)"),
        ("exp(A) / sum(exp(A), axis=1, keepdims=True)", "softmax(A, axis=1)"),
        ("exp(A) / sum(exp(A), axis=0)", "softmax(A, axis=0)"),
        ("log(sum(exp(x)))", "logsumexp(x)"),
        ("log(sum(exp(A), axis=1))", "logsumexp(A, axis=1)"),
        ("log(1 + exp(x))", "softplus(x)"),
        ("log1p(exp(-x))", "softplus(-x)"),
        ("1 / (1 + exp(-x))", "sigmoid(x)"),
        ("exp(x) / (1 + exp(x))", "sigmoid(x)"),
        ("2 * x / (1 + exp(x))", "2 * x * sigmoid(-x)"),
        ("x / (1 + exp(x))**2", "x * sigmoid(-x)**2"),
        ("exp(x) / (1 + exp(x))**2", "sigmoid(x) * sigmoid(-x)"),
        ("1 / (2 + exp(-x))", "sigmoid(x + log(2)) / 2"),
        ("exp(x) / (2 + 4 * exp(x))", "sigmoid(x + log(2)) / 4"),
        ("log(2 + exp(x))", "softplus(x - log(2)) + log(2)"),
        ("log(sigmoid(x))", "-softplus(-x)"),
        ("log(1 - sigmoid(x))", "-softplus(x)"),
        ("x * exp(-x) * sigmoid(x)", "x * sigmoid(-x)"),
        ("exp(1 - x) * sigmoid(x)", "exp(1) * sigmoid(-x)"),
        ("exp(-x) - exp(x)", "-2 * sinh(x)"),
        ("exp(A) + exp(-A)", "2 * cosh(A)"),
        ("sinh(x) / cosh(x)", "tanh(x)"),
        ("x * (1 - exp(-x)) * sigmoid(x)", "x * tanh(x / 2)"),
        ("log(exp(A) + exp(x))", "softplus(A - x) + x"),
        ("exp(A) / (exp(A) + exp(x))", "sigmoid(A - x)"),
        ("2 * exp(x) / (exp(A) + exp(x))", "2 * sigmoid(x - A)"),
        ("sinh(x) / cosh(x)**2", "tanh(x) / cosh(x)"),
        ("exp(A) / sum(exp(A))", "exp(A - logsumexp(logsumexp(A, axis=1)))"),
        ("log(sum(exp(A)))", "logsumexp(logsumexp(A, axis=1))"),
        ("log(1 + sum(exp(x)))", "softplus(logsumexp(x))"),
        ("exp(x) / (exp(2) + sum(exp(x)))", "softmax(x) * sigmoid(logsumexp(x) - 2)"),
    ],
)
def test_a_written_out_form_is_known_and_means_the_same(written: str, form: str) -> None:
    found = known(written)
    assert found is not None and tidy(found).text() == form
    point = {"x": np.array([0.3, -1.2, 2.0]), "A": np.array([[0.1, 1.0, -0.4], [2.0, -1.5, 0.7]])}
    assert_same_value(found, read_formula(written, SHAPES), point)


@pytest.mark.parametrize(
    "written",
    [
        "exp(x) / sum(exp(2 * x))",
        "log(sum(x))",
        "log(exp(x) - 2)",
        "1 / (exp(-x) - 2)",
        "exp(x) * sigmoid(x)",
        "exp(2 * x) * sigmoid(-x)",
        "sinh(x) / cosh(2 * x)",
        "cosh(x) / sinh(x)",
        "(1 - exp(x)) * sigmoid(x)",
        "log(exp(A) - exp(x))",
        "exp(A) / (exp(A) - exp(x))",
        "exp(x) + 2 * exp(-x)",
        "exp(x) + exp(-2 * x)",
        "log(2 - sigmoid(x))",
        "exp(x) * sum(exp(x))",
    ],
)
def test_what_only_looks_alike_is_left_alone(written: str) -> None:
    assert known(written) is None


@pytest.mark.parametrize(
    ("loss", "delta"),
    [
        ("log(sum(exp(a))) - sum(a * y)", "softmax(z1) - y"),
        ("sum(log(1 + exp(a)) - a * y)", "sigmoid(z1) - y"),
        ("sum(log(1 + exp(-y * a)))", "-sigmoid(-y * z1) * y"),
        ("sum(log(cosh(a - y)))", "tanh(z1 - y)"),
        ("sum(y * exp(a) / (1 + exp(a)))", "y * sigmoid(z1) * (1 - sigmoid(z1))"),
        ("sum(log(exp(a) + exp(y)))", "sigmoid(z1 - y)"),
    ],
)
def test_a_loss_from_primitives_derives_as_the_known_one(loss: str, delta: str) -> None:
    network = f"Input(3) >> Dense(4) >> Loss('{loss}')"
    assert symprop.derive(network).delta(1).text() == delta
    module = symprop.compile(network)
    params = module.init_params(0)
    params["W1"][:] *= 1000
    with np.errstate(all="raise", under="ignore"):
        value, grads = module.loss_and_grads(params, [[1.0, -1.0, 1.0]], [[0.0, 1.0, 0.0, 0.0]])
    assert np.isfinite(value) and all(np.isfinite(grad).all() for grad in grads.values())
