"""Exercises of the design: what a new layer costs, a class of a few lines here and a row in the table of layers."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import sympy

import symprop
from symprop.algebra.equations import equations_in
from symprop.algebra.nodes import Node, Power, Scalar, Sum, Variable
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.spec import LAYERS

LONGEST = 20


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Each row less its mean, divided by its deviation, times `gamma`, plus `beta` (Ba, Kiros and Hinton, 2016)."""

    eps: Any = sympy.Rational(1, 10**5)

    def build(self, builder: Builder, value: Variable) -> Variable:
        def mean(node: Node) -> Node:
            return Scalar(1 / size) * Sum(node, -1, True)

        size, number = value.shape[-1], builder.next_number("norm")
        gamma = builder.parameter("gamma", number, (size,), "scale", "ones", (size, size))
        beta = builder.parameter("beta", number, (size,), "bias", "zeros", (size, size))
        c = builder.equation("c", number, value - mean(value), "centred")
        r = builder.equation("r", number, Power(mean(Power(c, 2)) + self.eps, sympy.Rational(-1, 2)), "1 / deviation")
        return builder.equation("v", number, gamma * (c * r) + beta, "normalised")


@pytest.fixture(autouse=True)
def with_the_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "LayerNorm", LayerNorm)


TEXT = "Input(4) >> Dense(5) >> LayerNorm() >> Tanh() >> Dense(3) >> LayerNorm() >> SoftmaxCrossEntropy()"
SYMBOLIC = "Input(n) >> Repeat(Residual(LayerNorm() >> Dense(n) >> LayerNorm() >> Tanh()), N) >> MeanSquaredError()"


def test_a_layer_is_at_most_twenty_lines() -> None:
    code = [line for line in inspect.getsource(LayerNorm).splitlines() if line.strip()]
    assert len(code) <= LONGEST


def test_it_is_certified_generated_and_reported() -> None:
    report = symprop.report(symprop.parse_network(TEXT))
    assert report.certificate.ok, report.certificate.table()
    module = symprop.compile(TEXT)
    params = module.init_params(seed=1)
    assert np.all(params["gamma1"] == 1) and np.all(params["beta2"] == 0)
    assert "LayerNorm" in report.latex()


def test_a_named_number_of_blocks_counts_its_norms() -> None:
    names = [equation.name for equation in equations_in(symprop.derive(SYMBOLIC).system.items)]
    assert "v[2*l - 1]" in names and "v[2*l]" in names
    assert symprop.check(SYMBOLIC, sizes={"n": 3}).ok
