"""Forward and reverse mode against the complex step, orders against the brute force, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import symprop
from symprop.analysis.modes import modes
from symprop.analysis.orders import Factor, all_trees, cheaper, cost_of_tree, orders
from symprop.errors import LimitError, ShapeError, SpecError
from tests.rounding import assert_rounded, exact
from tests.rounding_of_formulas import counted, counted_values, slopes_of

NETWORKS = [
    "Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> MeanSquaredError()",
    "Input(3) >> Dense(4) >> Tanh() >> Residual(Dense(4) >> SiLU()) >> Dense(2) >> SoftmaxCrossEntropy()",
    "Input(4) >> Residual(Residual(Dense(4) >> Sigmoid()) >> Dense(4)) >> Softmax() >> MeanSquaredError()",
    "Input(4) >> Dense(3) >> Softmax() >> Dense(3) >> BinaryCrossEntropy()",
]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("to_loss", [False, True])
def test_both_modes_and_the_chain_give_the_jacobian(network: str, to_loss: bool, random: np.random.Generator) -> None:
    system = symprop.parse_network(network).system()
    of, by = (system.loss if to_loss else system.output), system.inputs[0]
    assert of is not None
    found = modes(system, of, by)
    given = {
        v.name: random.uniform(0.1, 0.9, size=tuple(map(int, v.shape)))
        for v in (*system.parameters, *system.inputs, *system.targets)
    }
    forward = list(system.equations)
    values = counted_values(forward, given)
    truth, off = slopes_of(forward, of.name, by.name, given)
    direction, weights = random.normal(size=by.shape[0]), random.normal(size=tuple(map(int, of.shape)))
    jacobian = exact(truth)
    pushed = counted_values([*forward, *found.tangents], {**given, f"dot_{by.name}": direction})[f"dot_{of.name}"]
    pulled = counted_values([*forward, *found.cotangents], {**given, f"bar_{of.name}": weights})[f"bar_{by.name}"]
    assert_rounded(pushed, jacobian @ exact(direction), off=off @ np.abs(direction))
    if of.rank:
        assert_rounded(pulled, exact(weights) @ jacobian, off=np.abs(weights) @ off)
    else:
        assert_rounded(pulled, float(weights) * jacobian, off=abs(float(weights)) * off)
    product = exact(np.eye(int(by.shape[0])))
    for link in found.links:
        product = counted(link.jacobian, values) @ product
    assert_rounded(product, jacobian, off=off)


def test_the_stations_of_a_residual_network_are_where_all_ways_meet() -> None:
    system = symprop.parse_network(NETWORKS[1]).system()
    found = modes(system, system.output, system.inputs[0])
    assert [link.target.name for link in found.links] == ["z1", "a1", "a2", "z3"]
    with pytest.raises(SpecError, match="not all ways"):
        modes(system, system.output, system.inputs[0], through=[symprop.variable("z2", (4,))])


def test_what_is_not_a_chain_of_vectors_is_refused() -> None:
    loop = symprop.parse_network("Input(n) >> Repeat(Dense(n) >> Tanh(), L) >> MeanSquaredError()").system()
    with pytest.raises(SpecError, match="is a symbol"):
        modes(loop, loop.output, loop.inputs[0])
    rows = symprop.parse_network(NETWORKS[0]).system("rows")
    with pytest.raises((SpecError, ShapeError), match="between vectors"):
        modes(rows, rows.output, rows.inputs[0])


def test_the_programme_finds_the_cheapest_of_all_orders(random: np.random.Generator) -> None:
    for _ in range(30):
        count = int(random.integers(1, 7))
        sizes, factors = [int(random.integers(1, 9))], []
        for _ in range(count):
            diagonal = bool(random.integers(0, 2))
            sizes.append(sizes[-1] if diagonal else int(random.integers(1, 9)))
            factors.append(Factor(sympy.Integer(sizes[-2]), sympy.Integer(sizes[-1]), diagonal))
        listed = orders(factors)
        best = next(order for order in listed if "best" in order.names)
        assert best.cost == min(cost_of_tree(factors, tree) for tree in all_trees(count))


def test_a_long_chain_has_its_named_orders_only() -> None:
    factors = [Factor(sympy.Integer(2 + k % 5), sympy.Integer(2 + (k + 1) % 5)) for k in range(100)]
    assert [order.names for order in orders(factors)] == [("forward",), ("reverse",), ("best",)]
    with pytest.raises(LimitError, match="allowed: 200"):
        orders(factors * 3)


def test_the_cheaper_mode_with_its_condition() -> None:
    n, k = sympy.symbols("n k", integer=True, positive=True)
    assert cheaper(n + k, n) == ("reverse", sympy.false)
    assert cheaper(n, n * k) == ("forward", sympy.true)
    assert cheaper(n * k, n * k) == ("equal", sympy.false)
    assert cheaper(k * n**2, n * k**2) == ("depends", sympy.Lt(n, k))
