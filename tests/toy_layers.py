"""Layers for tests alone: they take further inputs, or means over the batch, which no layer of symprop does yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from sympy import Expr, Rational

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import (
    BatchMean,
    Concatenate,
    Fact,
    Pad,
    Power,
    Reshape,
    Slice,
    Transpose,
    Variable,
    Window,
)
from symprop.algebra.roles import GIVEN, INPUT, PRE_ACTIVATION
from symprop.networks import spec
from symprop.networks.builder import Builder
from symprop.networks.layers import Dense, Embedding, Input, Layer, checked_input
from symprop.networks.needs import Need
from symprop.networks.sizes import Size, checked_size


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
    vocabulary: Size

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


@dataclass(frozen=True)
class Filters(Layer):
    """A convolution along the positions: `channels` are any number or a name, a `kernel` and a padding are numbers."""

    channels: Size
    kernel: int
    padding: tuple[int, int] = field(default=(0, 0), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", checked_size(self.channels, "Filters"))

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        yield Need(shape[0], least=self.kernel - sum(self.padding))

    def build(self, builder: Builder, value: Variable) -> Variable:
        number, width, channels = builder.next_number(), value.shape[-1], builder.size(self.channels)
        fans = (self.kernel * width, channels)
        W = builder.parameter("W", number, (channels, self.kernel, width), "weight", "xavier_uniform", fans)
        inside = Pad(value, 0, [self.padding]) if any(self.padding) else value
        windows = Transpose(Window(inside, 0, self.kernel), (0, 2, 1))
        flat = Reshape(windows, (windows.shape[0], self.kernel * width))
        product = flat @ Reshape(W, (channels, self.kernel * width)).T
        return builder.equation("z", number, product, "pre-activation", PRE_ACTIVATION)


@dataclass(frozen=True)
class Widened(Layer):
    """Dense layers of several widths, whose outputs stand side by side: its sizes are a tuple."""

    widths: tuple[Size, ...]
    name: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(checked_size(each, "Widened") for each in self.widths))

    def build(self, builder: Builder, value: Variable) -> Variable:
        parts = [builder.add(Dense(width, bias=False), value) for width in self.widths]
        return builder.activation(Concatenate(*parts, axis=0), "side by side")


@dataclass(frozen=True)
class Halves(Layer):
    """The first half times the second; it needs an even width, and does not say so."""

    def build(self, builder: Builder, value: Variable) -> Variable:
        half = value.shape[-1] // 2
        first, second = Slice(value, 0, 0, half), Slice(value, 0, half, value.shape[-1])
        return builder.activation(first * second, "halves")


@dataclass(frozen=True)
class Numbered(Layer):
    """As `Identity`, but in Python's numbers: it breaks where the width is a name, and does not say so."""

    def build(self, builder: Builder, value: Variable) -> Variable:
        return builder.activation(value * sum(1 for _ in range(int(value.shape[-1]))), "times its width")


TOYS = {kind.__name__: kind for kind in (Gate, Masked, Tagged, Norm, Filters, Widened, Halves, Numbered)}


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let texts of networks name the toy layers."""
    for name, kind in TOYS.items():
        monkeypatch.setitem(spec.LAYERS, name, kind)
