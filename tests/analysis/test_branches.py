"""Jacobians of blocks with branches, by the complex step; and the paths through sums of branches."""

from __future__ import annotations

import numpy as np
import pytest

import symprop
from symprop.algebra.equations import System
from symprop.analysis.paths import paths
from symprop.errors import LimitError, SpecError
from symprop.verify.evaluate import complex_value

BRANCHES = {
    "Sum(Dense(3) >> Tanh(), Dense(3), ())": "diag(1 - f1 * f1) @ W1 + W2 + eye(3)",
    "GLU(2)": "diag(f2) @ W1 + diag(z1 * f2 * (1 - f2)) @ W2",
    "Concatenate((), Dense(2) >> Tanh())": "concatenate((eye(3), diag(1 - f1 * f1) @ W1), axis=0)",
    "Concatenate(Dense(2), Highway(Dense(3) >> Tanh()), Sum((), Dense(3)))": "",
    "Multiply(Concatenate(Tanh(), ()), Dense(6) >> Sigmoid(), Dense(6))": "",
}
STEP = 1e-30


def values_of(system: System, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the values of all variables of a network but its loss."""
    found = dict(values)
    for equation in system.equations:
        if equation.target != system.loss:
            found[equation.name] = complex_value(equation.expression, found)
    return found


@pytest.mark.parametrize("layers", BRANCHES)
def test_the_jacobian_of_a_block_is_that_of_the_complex_step(layers: str, random: np.random.Generator) -> None:
    derivation = symprop.derive(f"Input(3) >> {layers} >> MeanSquaredError()")
    system = derivation.system
    node = derivation.jacobian(system.output.name, "x")
    if BRANCHES[layers]:
        assert node.text() == BRANCHES[layers]
    given = {p.name: random.normal(size=tuple(map(int, p.shape))) for p in (*system.parameters, *system.inputs)}
    columns = []
    for unit in np.eye(3):
        moved = values_of(system, {**given, "x": given["x"] + STEP * 1j * unit})
        columns.append(moved[system.output.name].imag / STEP)
    found = complex_value(node, values_of(system, given)).real
    # entries are sums of at most 20 products of numbers below 10, each rounded to 2**-53 of itself
    np.testing.assert_allclose(found, np.stack(columns, axis=1), rtol=1e-12, atol=1e-12)


def test_a_sum_of_branches_has_a_path_for_each_branch(random: np.random.Generator) -> None:
    block = "Sum(Dense(3) >> Tanh(), Dense(3), ())"
    system = symprop.parse_network(f"Input(3) >> {block} >> {block} >> Residual(Dense(3) >> Tanh())").system()
    found = paths(system)
    assert found.text() == "I + df3/df1 + dz4/df1 + (df5/df1 + df5/df3 df3/df1 + df5/dz4 dz4/df1)"
    assert [len(each) for each in found.stack] == [2, 2, 1]
    given = {p.name: random.normal(size=tuple(map(int, p.shape))) for p in (*system.parameters, *system.inputs)}
    values = values_of(system, given)
    product, total = (complex_value(node, values).real for node in (found.factored(), found.expanded()))
    # sums of at most 6 products of matrices of 3 rows, whose entries are below 100
    np.testing.assert_allclose(total, product, rtol=1e-12, atol=1e-11)


def test_products_and_concatenations_have_no_paths() -> None:
    for layers in ("Highway(Dense(3) >> Tanh())", "Multiply((), Dense(3))", "Concatenate((), Dense(3))"):
        with pytest.raises(SpecError, match="no residual block"):
            paths(symprop.parse_network(f"Input(3) >> {layers}").system())


def test_too_many_paths_are_refused() -> None:
    network = symprop.parse_network("Input(3) >> Repeat(Sum(Dense(3) >> Tanh(), Dense(3), ()), 9)")
    with pytest.raises(LimitError, match="9 residual blocks have 6,561 paths"):
        paths(network.system())
