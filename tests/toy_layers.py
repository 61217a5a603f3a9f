"""Layers for tests alone: they take further inputs, which no layer of symprop does yet."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Fact, Variable
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


TOYS = {kind.__name__: kind for kind in (Gate, Masked, Tagged)}


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let texts of networks name the toy layers."""
    for name, kind in TOYS.items():
        monkeypatch.setitem(spec.LAYERS, name, kind)
