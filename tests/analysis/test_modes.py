"""Forward and reverse mode against the complex step, orders against the brute force, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import symprop
from symprop.algebra.equations import Equation
from symprop.analysis.modes import modes
from symprop.analysis.orders import Factor, all_trees, cheaper, cost_of_tree, orders
from symprop.errors import LimitError, ShapeError, SpecError
from symprop.verify.evaluate import complex_value

NETWORKS = [
    "Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> MeanSquaredError()",
    "Input(3) >> Dense(4) >> Tanh() >> Residual(Dense(4) >> SiLU()) >> Dense(2) >> SoftmaxCrossEntropy()",
    "Input(4) >> Residual(Residual(Dense(4) >> Sigmoid()) >> Dense(4)) >> Softmax() >> MeanSquaredError()",
    "Input(4) >> Dense(3) >> Softmax() >> Dense(3) >> BinaryCrossEntropy()",
]


def run(equations: list[Equation], given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    values = dict(given)
    for equation in equations:
        values[equation.name] = complex_value(equation.expression, values)
    return values


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
    values = run(forward, given)
    truth = np.stack(
        [
            np.imag(run(forward, {**given, by.name: given[by.name] + 1e-100j * unit})[of.name]) / 1e-100
            for unit in np.eye(int(by.shape[0]))
        ],
        axis=-1,
    )
    direction, weights = random.normal(size=by.shape[0]), random.normal(size=tuple(map(int, of.shape)))
    pushed = run(list(found.tangents), {**values, f"dot_{by.name}": direction})[f"dot_{of.name}"]
    pulled = run(list(found.cotangents), {**values, f"bar_{of.name}": weights})[f"bar_{by.name}"]
    assert np.allclose(pushed, truth @ direction, rtol=1e-12, atol=1e-14)
    assert np.allclose(pulled, weights @ truth if of.rank else weights * truth, rtol=1e-12, atol=1e-14)
    product = np.eye(int(by.shape[0]))
    for link in found.links:
        product = complex_value(link.jacobian, values) @ product
    assert np.allclose(product, truth, rtol=1e-12, atol=1e-14)


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
