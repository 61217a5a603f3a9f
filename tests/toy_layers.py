"""Layers for tests alone: they take further inputs, or means over the batch, which no layer of symprop does yet."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sympy import Rational

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import BatchMean, Fact, Power, Variable
from symprop.algebra.roles import GIVEN, INPUT
from symprop.networks import spec
from symprop.networks.builder import Builder
from symprop.networks.layers import Embedding, Input, Layer, checked_input


@dataclass(frozen=True)
class Gate(Layer):
    """Times the sigmoid of a further input, `a * sigmoid(gate)`."""

    gate: Input

    def __post_init__(self) -> None:
        checked_input(self.gate, "Gate: gate")

    def build(self, builder: Builder, value: Variable) -> Variable:
        gate = builder.further_input(self.gate, INPUT)
        return builder.activation(value * FUNCTIONS["sigmoid"](gate), "gate")


@dataclass(frozen=True)
class Masked(Layer):
    """Times a mask, which is given data from 0 to 1."""

    mask: Input

    def __post_init__(self) -> None:
        checked_input(self.mask, "Masked: mask")

    def build(self, builder: Builder, value: Variable) -> Variable:
        mask = builder.further_input(self.mask, GIVEN, (Fact("between 0 and 1"),))
        return builder.activation(value * mask, "mask")


@dataclass(frozen=True)
class Tagged(Layer):
    """Plus the rows of a table that further ids select."""

    ids: Input
    vocabulary: int

    def __post_init__(self) -> None:
        checked_input(self.ids, "Tagged: ids")

    def build(self, builder: Builder, value: Variable) -> Variable:
        table = Embedding(self.vocabulary, value.shape[-1], flatten=False)
        return builder.activation(value + table.build(builder, builder.further_input(self.ids)), "tag")


@dataclass(frozen=True)
class Norm(Layer):
    """Less the mean over the batch, divided by the deviation; in evaluation by running statistics."""

    unbiased: bool = True
    eps: float = 1e-5
    momentum: float = 0.1

    def build(self, builder: Builder, value: Variable) -> Variable:
        number, size, count = builder.next_number("norm"), value.shape, BATCH_SIZE
        eps, part = builder.hyperparameter("eps", self.eps), builder.hyperparameter("momentum", self.momentum)
        factor = count / (count - 1) if self.unbiased else 1
        gamma = builder.parameter("gamma", number, size, "scale", "ones", (size[-1], size[-1]))
        beta = builder.parameter("beta", number, size, "bias", "zeros", (size[-1], size[-1]))
        mu = builder.equation("mu", number, BatchMean(value), "mean over the batch")
        c = builder.equation("c", number, value - mu, "centred")
        nu = builder.equation("nu", number, BatchMean(Power(c, 2)), "variance over the batch")
        builder.running("R", mu, 0, lambda r: (1 - part) * r + part * mu)
        builder.running("V", nu, 1, lambda v: (1 - part) * v + part * factor * nu)
        r = builder.equation("r", number, Power(nu + eps, Rational(-1, 2)), "1 / deviation")
        return builder.equation("v", number, gamma * (c * r) + beta, "normalised")


TOYS = {kind.__name__: kind for kind in (Gate, Masked, Tagged, Norm)}


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let texts of networks name the toy layers."""
    for name, kind in TOYS.items():
        monkeypatch.setitem(spec.LAYERS, name, kind)
