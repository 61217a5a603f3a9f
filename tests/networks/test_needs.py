"""Which sizes a network can have: its layers say so in a line each, and what makes it smaller asks them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from sympy import Expr

import symprop
from symprop.algebra.nodes import Reshape, Slice, Sum, Variable
from symprop.algebra.trees import added
from symprop.networks import Dense, Input, Network, Tanh
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.needs import Need, check_needs, sized
from symprop.reports.costs import named
from symprop.verify.reduced import reduced, tiny


@dataclass(frozen=True)
class Groups(Layer):
    """Sums over groups of neighbours: as heads and groups do, it needs a width that is a multiple."""

    count: int

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        yield Need(shape[-1], multiple=self.count)

    def makes(self, shape: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return (shape[-1] / self.count,)

    def build(self, builder: Builder, value: Variable) -> Variable:
        grouped = Reshape(value, (value.shape[-1] / self.count, self.count))
        return builder.activation(Sum(grouped, 1), "groups")


@dataclass(frozen=True)
class Kernel(Layer):
    """Sums of neighbours, a convolution with a kernel of ones: it needs an extent that is at least the kernel's."""

    extent: int

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        yield Need(shape[-1], least=self.extent)

    def makes(self, shape: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return (shape[-1] - self.extent + 1,)

    def build(self, builder: Builder, value: Variable) -> Variable:
        (length,) = self.makes(value.shape)
        return builder.activation(added([Slice(value, 0, at, at + length) for at in range(self.extent)]), "kernel")


@dataclass(frozen=True)
class Grouped(Dense):
    """A Dense whose own width is a multiple of 4."""

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        yield Need(sized(self.size), multiple=4)


def network(*layers: Layer, size: int = 24) -> Network:
    result = Input(7) >> Dense(size)
    for layer in layers:
        result = result >> layer
    return result


def sizes(net: Network) -> list[int]:
    return [int(str(size)) for layer in net.layers for size in layer.sizes]


NETWORKS = (
    network(Groups(3), Dense(5)),
    network(Groups(2), Tanh(), Dense(5)),
    network(Groups(3), Groups(2), Dense(30)),
    network(Grouped(36), Tanh(), Dense(5)),
    network(Kernel(5), Dense(20)),  # 20 is what the kernel makes of 24
    network(Kernel(5), Groups(4), Dense(24)),
    network(Kernel(5), Dense(4), size=5),
    network(Kernel(3), Groups(2), Groups(3), size=32),
    symprop.parse_network("Input(3) >> Embedding(27, 10) >> Residual(Dense(30)) >> Dense(9)"),  # 30 is 3 times 10
    symprop.parse_network("Input(5, 8) >> Attention(4) >> Dense(32) >> Dense(8)"),  # 8 in 3 heads is no whole number
)


@pytest.mark.parametrize("net", NETWORKS, ids=str)
def test_small_sizes_are_what_every_layer_can_have(net: Network) -> None:
    for small in (reduced(net), tiny(net)):  # building them checks what their layers need
        for built in small.built:
            check_needs(built.layer, built.value.shape)
        assert sum(sizes(small)) < sum(sizes(net))
        assert all(new <= old for old, new in zip(sizes(net), sizes(small), strict=True))
    pairs = list(zip(sizes(net), sizes(reduced(net)), strict=True))
    assert all((a == b) == (x == y) for a, x in pairs for b, y in pairs), pairs
    assert all(new > 2 for old, new in pairs if old > 2), pairs


@pytest.mark.parametrize("net", NETWORKS[:8:2], ids=str)
def test_such_a_network_is_certified_and_reported_on(net: Network) -> None:
    whole = net >> symprop.MeanSquaredError()
    certificate = symprop.check(whole)
    assert certificate.ok, certificate.table()
    titles = [section.title for section in symprop.report(whole, without=["certificate"]).sections]
    assert "Cost and memory" in titles


def test_names_stand_for_sizes_that_may_be_any() -> None:
    found = [(named(net)[0].text, named(net)[1]) for net in NETWORKS]
    assert found[0] == ("Input(n0) >> Dense(24) >> Groups(3) >> Dense(n1)", {"n0": 7, "n1": 5})
    assert found[4] == ("Input(n0) >> Dense(24) >> Kernel(5) >> Dense(20)", {"n0": 7})
    text = "Input(n0) >> Embedding(n1, n2) >> Residual(Dense(n0*n2)) >> Dense(n3)"
    assert found[-2] == (text, {"n0": 3, "n1": 27, "n2": 10, "n3": 9})


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        ("sum((a - ones(6))**2)", "Input(3) >> Dense(6)"),
        ("sum(reshape(a, (2, 3))**4)", "Input(3) >> Dense(6)"),
        ("sum((a - y)**2) + a[3]", "Input(6) >> Dense(5)"),
        ("sum((a - y)**2)", "Input(4) >> Dense(3)"),
    ],
)
def test_a_loss_needs_what_its_formula_names(loss: str, text: str) -> None:
    assert reduced(symprop.parse_network(f'Input(40) >> Dense(6) >> Loss("{loss}")')).text.startswith(text)


@pytest.mark.parametrize(
    ("layer", "size", "message"),
    [
        (Groups(3), 32, "'Groups(3)' cannot have the size 32\nallowed: multiples of 3 from 1"),
        (Kernel(5), 4, "'Kernel(5)' cannot have the size 4\nallowed: whole numbers from 5"),
        (Grouped(6), 4, "'Grouped(6)' cannot have the size 6\nallowed: multiples of 4 from 1"),
        (symprop.Softmax(), 1, "Softmax over one class is always 1\nfor one probability use Sigmoid()"),
        (symprop.SoftmaxCrossEntropy(), 1, "SoftmaxCrossEntropy over one class is always 0"),
    ],
)
def test_a_size_that_a_layer_cannot_have_is_refused(layer: Layer, size: int, message: str) -> None:
    with pytest.raises(symprop.SpecError) as raised:
        network(layer, size=size)
    assert str(raised.value).startswith(message)
