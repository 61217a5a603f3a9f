"""Layers with their sizes in fields of any name, and layers that do not say which sizes they can have."""

from __future__ import annotations

import pytest

import symprop
from symprop.errors import SpecError
from symprop.networks.spec import parse_network
from symprop.reports.costs import named
from symprop.verify.reduced import reduced
from tests.toy_layers import toys as toys  # a fixture

LOSS = 'Loss("sum(a**2)")'
FILTERS = f"Input(T, n) >> Filters(c, 3, padding=(1, 1)) >> ReLU() >> {LOSS}"
pytestmark = pytest.mark.usefixtures("toys")


def test_sizes_stand_in_fields_that_are_declared_so() -> None:
    network = parse_network(FILTERS)
    assert network.text == FILTERS and network.sizes == ("T", "n", "c")
    sized = network.with_sizes({"T": 6, "n": 2, "c": 3})
    assert sized.text == f"Input(6, 2) >> Filters(3, 3, padding=(1, 1)) >> ReLU() >> {LOSS}"  # the kernel stays 3
    assert sized.layers[1].sizes == (3,)


def test_several_sizes_stand_in_a_tuple() -> None:
    text = 'Input(n) >> Widened((k, 5), "two") >> Dense(3) >> MeanSquaredError()'
    network = parse_network(text.replace('"two"', 'name="two"'))
    assert network.sizes == ("n", "k") and network.with_sizes({"n": 4, "k": 2}).layers[1].sizes == (2, 5)
    assert parse_network(network.text).text == network.text


@pytest.mark.parametrize("layer", ["Halves()", "Numbered()"])
def test_the_cost_is_told_in_numbers_where_a_layer_cannot_have_names(layer: str) -> None:
    network = parse_network(f"Input(6) >> {layer} >> Dense(3) >> MeanSquaredError()")
    assert named(network) == (network, {})
    assert "cost" in symprop.report(network, without=["certificate"]).latex().lower()


def test_a_layer_that_breaks_at_small_sizes_is_named() -> None:
    network = parse_network("Input(6) >> Dense(8) >> Halves() >> Dense(3) >> MeanSquaredError()")
    with pytest.raises(SpecError, match=r"'Halves\(\)' cannot be built .* shape \(5,\)(.|\n)*needs"):
        reduced(network)
    wide = symprop.check("Input(60) >> Dense(80) >> Halves() >> Dense(30) >> MeanSquaredError()")
    assert not wide.ok and len(wide.rows) == 1 and "Halves()" in wide.rows[0].note  # too large for its own sizes


def test_a_small_network_that_has_no_smaller_one_is_checked_at_its_own_sizes() -> None:
    found = symprop.check("Input(4) >> Dense(8) >> Halves() >> Dense(3) >> MeanSquaredError()", float32=False)
    assert found.ok and any("'Halves()'" in remark for remark in found.remarks)
