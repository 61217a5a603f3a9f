"""Hundreds of layers derive, print, generate and run, and the work grows linearly with depth: counted, not timed."""

from __future__ import annotations

import numpy as np
import pytest

import symprop
from symprop.algebra.trees import walk


def network(depth: int) -> symprop.Network:
    """A network of 2 * depth + 1 Dense layers, half of them in residual blocks."""
    return symprop.parse_network(
        f"Input(4) >> Repeat(Dense(4) >> Tanh() >> Residual(Dense(4) >> ReLU()), {depth})"
        " >> Dense(3) >> SoftmaxCrossEntropy()"
    )


def size(depth: int) -> tuple[int, int, int, int]:
    """Return how many equations, nodes, steps and characters a derivation has."""
    derivation = symprop.derive(network(depth))
    equations = list(derivation.equations)
    nodes = sum(1 for equation in equations for _ in walk(equation.expression))
    return len(equations), nodes, sum(len(equation.steps) for equation in equations), len(derivation.text())


def test_the_work_is_linear_in_depth() -> None:
    ten, twenty, forty = size(10), size(20), size(40)
    for name, small, middle, large in zip(("equations", "nodes", "steps"), ten, twenty, forty, strict=False):
        assert large - middle == 2 * (middle - small), name
    assert forty[3] - twenty[3] == pytest.approx(2 * (twenty[3] - ten[3]), rel=0.05)  # numbers grow a digit


# Python's limit is 1,000 calls inside each other: in 400 layers, whoever calls itself thrice for a layer is stopped.
DEPTHS = (200, pytest.param(500, marks=pytest.mark.slow))


@pytest.mark.parametrize("depth", DEPTHS)
def test_deep_networks_derive_and_print_without_recursion(depth: int) -> None:
    derivation = symprop.derive(network(depth))
    assert f"delta{2 * depth} = " in derivation.text()
    assert rf"\delta_{{{2 * depth}}}" in derivation.latex()
    assert derivation.pretty().count(" = ") > 5 * depth


@pytest.mark.parametrize("depth", DEPTHS)
def test_deep_networks_generate_and_run(depth: int) -> None:
    module = symprop.compile(network(depth), dtype="float64")
    params = {name: array * 0.1 for name, array in module.init_params(seed=0).items()}  # blocks near the identity
    loss, grads = module.loss_and_grads(params, np.ones((2, 4)), np.array([0, 2]))
    assert np.isfinite(loss)
    assert list(grads) == list(params)
    assert all(np.isfinite(gradient).all() for gradient in grads.values())


def test_a_deep_stream_of_norms_derives_without_recursion() -> None:
    derivation = symprop.derive("Input(4) >> Dense(3) >> Repeat(Residual(LayerNorm() >> Dense(3)), 150) >> Hinge()")
    assert derivation.equation("da150").text().endswith("+ da151")
