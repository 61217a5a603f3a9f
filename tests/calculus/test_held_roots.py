"""Slopes of roots are written in what the forward pass holds: normalisation ends in its root and its normed value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import sympy
from sympy import Rational

import symprop
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.batching import expanded
from symprop.algebra.equations import Equation
from symprop.algebra.known import known
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import STATISTIC
from symprop.calculus.context import Context
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import RULES, spread_factors
from symprop.calculus.tidy import tidy
from symprop.codegen import compile_network
from symprop.networks import Dense, Input, MeanSquaredError
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.network import Network
from symprop.verify.evaluate import complex_value


@dataclass(frozen=True)
class Norm(Layer):
    """Layer normalisation; the root is an equation of its own where it is `named`, and masked by known data."""

    named: bool = True

    def build(self, builder: Builder, value: Variable) -> Variable:
        size, number = value.shape[-1], builder.number
        gamma = builder.parameter("gamma", number, (size,), "weight", None, (size, size))
        beta = builder.parameter("beta", number, (size,), "bias", "zeros", (size, size))
        mu = builder.equation("mu", number, n.Multiply(n.Scalar(1 / size), n.Sum(value)), role=STATISTIC)
        centred = n.Add(value, n.negative(mu))
        v = builder.equation("v", number, n.Multiply(n.Scalar(1 / size), n.Sum(n.Power(centred, 2))), role=STATISTIC)
        root: Node = n.Power(n.Add(v, n.Scalar(Rational(1, 100_000))), Rational(-1, 2))
        root = builder.equation("r", number, root, role=STATISTIC) if self.named else root
        normed = builder.equation("h", number, n.Multiply(centred, root))
        odd = known("odd", (size,), lambda i: 1 + (-1) ** i)
        return builder.activation(n.Add(n.Multiply(gamma, normed), beta, odd))


def network(named: bool) -> Network:
    return Input(2) >> Dense(3) >> Norm(named) >> Dense(2) >> MeanSquaredError()


@pytest.mark.parametrize("layout", ["example", "rows"])
def test_the_derivation_ends_in_the_root(layout: str) -> None:
    written = symprop.derive(network(True), layout=layout).text()
    assert "3/2" not in written
    backward = written.partition("# Backward pass")[2]
    assert not any(part in backward for part in ("r1**", "sqrt", "mu1", "dr1", "dv1"))
    r, axis = ("r1", "") if layout == "example" else ("r1[:, None]", ", axis=1, keepdims=True")
    textbook = f"{r} * (dh1 - sum(dh1{axis}) / 3 - sum(dh1 * h1{axis}) * h1 / 3)"
    assert textbook in backward, backward


@pytest.mark.parametrize("named", [True, False])
def test_the_code_computes_one_root(named: bool) -> None:
    source = symprop.generate(network(named), fast=True)
    step = source.partition("def _step(")[2].partition("\ndef ")[0]
    assert step.count("np.sqrt(") == 1
    assert "np.power(" not in step
    backward = symprop.generate(network(True)).partition("def backward(")[2].partition("\ndef ")[0]
    assert not any(part in backward for part in ("r1**", "sqrt", "power"))


@pytest.mark.parametrize("named", [True, False])
def test_the_certificate_agrees(named: bool) -> None:
    certificate = symprop.check(network(named))
    assert certificate.ok, str(certificate)


def test_known_data_is_defined_on_the_page_and_made_once_in_code() -> None:
    written = symprop.derive(network(True)).text()
    assert "# odd[i] = (-1)**i + 1, indices from 0." in written
    step = symprop.generate(network(True), fast=True).partition("def _step(")[2].partition("\ndef ")[0]
    assert "work.odd" in step and "np.arange" not in step
    module = compile_network(network(True))
    params = {name: np.ones(shape) for name, shape in {"W1": (3, 2), "W2": (2, 3), "b2": (2,)}.items()}
    params |= {"b1": np.arange(3.0), "gamma1": np.zeros(3), "beta1": np.zeros(3)}
    np.testing.assert_array_equal(module.forward(params, np.zeros((1, 2))), [[5, 5]])  # 2 + 0 + 2, and 1


@pytest.mark.parametrize(
    ("held", "read", "written"),
    [
        (Rational(-1, 2), Rational(-3, 2), "r**3"),
        (Rational(-1, 2), Rational(-1, 2), "r"),
        (Rational(1, 2), Rational(-1, 2), "1 / r"),
        (Rational(1, 3), Rational(-2, 3), "1 / (r * r)"),
        (Rational(1, 2), Rational(1, 3), "(x + 1)**(1/3)"),
        (Rational(-1, 2), sympy.Integer(-2), "1 / (x + 1)**2"),
        (sympy.Integer(2), Rational(1, 2), "sqrt(x + 1)"),
    ],
)
def test_a_power_of_what_is_held_is_a_whole_power(held: sympy.Expr, read: sympy.Expr, written: str) -> None:
    x = variable("x", (3,))
    target = variable("r", (3,))
    equation = Equation(target, n.Power(n.Add(x, n.Scalar(1)), held))
    context = Context({tidy(equation.expression): equation}, {target: equation})
    found, _ = simplified(n.Power(n.Add(x, n.Scalar(1)), read), context)
    assert found.text() == written


ROUNDING = 1e-14
"""Of each element: some ten products and sums of numbers of one sign, each rounded to 2**-53."""

A, B, S = variable("A", (3,)), variable("B", (3, 3)), variable("S", ())


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (2, 1), (1, 3)])
def test_factors_of_what_was_given_axes_line_up_as_they_did(axes: tuple[int, ...]) -> None:
    """All sizes are 3, so that a factor that lines up with another axis would be no error, but another value."""
    node = expanded(n.Multiply(A, n.Power(B, 2), S), *axes)
    random = np.random.default_rng(0)
    values = {each.name: random.normal(size=tuple(map(int, each.shape))) for each in (A, B, S)}
    product = n.Multiply(*spread_factors(node))
    np.testing.assert_allclose(complex_value(product, values), complex_value(node, values), rtol=ROUNDING)


KNOWN_QUOTIENT = next(rule for rule in RULES if rule.name == "known quotient")


@pytest.mark.parametrize("shape", [(), (3,), (1,), (3, 1), (1, 3), (3, 3)], ids=str)
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("after", ["nothing", "keepdims", 0, 1])
def test_a_root_enters_a_sum_only_where_it_is_the_same_there(shape: tuple[int, ...], axis: int, after: Any) -> None:
    """`r * sum(G * c) = sum(G * h)` with `h = c * r`: not along its own axes, nor where the sum lines up elsewhere."""
    c, g, v = variable("c", (3, 3)), variable("g", (3, 3)), variable("v", shape)
    r, h = variable("r", shape), variable("h", (3, 3))
    root, quotient = Equation(r, tidy(n.Power(v, Rational(-1, 2)))), Equation(h, tidy(n.Multiply(c, r)))
    context = Context({each.expression: each for each in (root, quotient)}, {r: root, h: quotient})
    total = n.Sum(n.Multiply(g, c), axis, after == "keepdims")
    node = tidy(n.Multiply(r, n.Expand(total, after) if isinstance(after, int) else total))
    assert isinstance(node, n.Multiply)
    applied = KNOWN_QUOTIENT.apply(node, context)
    random = np.random.default_rng(1)
    values = {each.name: random.uniform(1, 2, tuple(map(int, each.shape))) for each in (c, g, v)}
    values["r"] = values["v"] ** -0.5
    values["h"] = values["c"] * values["r"]
    apart = shape in ((), (1,)) or (shape == (3, 1) and axis == 1 and after in ("keepdims", 1))
    apart = apart or (shape == (3,) and axis == 0 and after != 1)
    assert (applied is not None) >= apart  # where it surely may, it does
    if applied is not None:
        np.testing.assert_allclose(complex_value(applied.result, values), complex_value(node, values), rtol=ROUNDING)
