"""The certificate: what it covers, what it says, and how it answers when something is not as it should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toy_layers import toys

from symprop.codegen import case
from symprop.codegen.case import case_of
from symprop.errors import SpecError
from symprop.networks import parse_network
from symprop.verify import Certificate, Row, check
from symprop.verify.measure import FLOAT64_LIMIT, difference
from symprop.verify.module_checks import layout_rows
from symprop.verify.points import random_point, random_points, target_kinds
from symprop.verify.reduced import reduced, tiny
from tests.rounding import UNIT, assert_off

__all__ = ["toys"]

EXAMPLE = "Input(64) >> Dense(32) >> Tanh() >> Residual(Dense(32) >> ReLU()) >> Dense(10) >> SoftmaxCrossEntropy()"
NETWORKS = (
    "Input(5) >> Dense(4) >> GELU() >> Dense(3) >> SiLU() >> Dense(2) >> MeanSquaredError()",
    "Input(3) >> Embedding(7, 2) >> Dense(5) >> Softplus() >> Dense(4) >> SoftmaxCrossEntropy()",
    "Input(4) >> Dense(3) >> ELU() >> Dense(2) >> Sigmoid() >> BinaryCrossEntropy()",
    "Input(4) >> Dense(3, bias=False) >> Residual(Dense(5) >> LeakyReLU(), projection=True) >> Dense(2) >> "
    "BinaryCrossEntropy() + L2(0.001)",
    'Input(3) >> Dense(2) >> Activation("x * sigmoid(x)", name="swish") >> Loss("sum((a - y)**4) / 4")',
    "Input(2) >> Repeat(Dense(2) >> Tanh(), 3) >> Dense(1) >> Sigmoid() >> BinaryCrossEntropy()",
)


@pytest.fixture(scope="module")
def example() -> Certificate:
    return check(EXAMPLE)


def test_the_example_passes(example: Certificate) -> None:
    assert example.ok, example.table()
    assert example.failures == ()


def test_every_oracle_looks_at_every_gradient(example: Certificate) -> None:
    gradients = {f"d{letter}{number}" for number in (1, 2, 3) for letter in "Wb"}
    oracles = ("complex step, full", "50 digits, each step", "sympy.diff", "complex step, float32")
    for oracle in oracles:
        assert gradients <= {row.name for row in example.rows if row.oracle.startswith(oracle)}


def test_every_equation_has_a_row(example: Certificate) -> None:
    names = {row.name for row in example.rows if row.oracle.startswith("50 digits")}
    assert {"z1", "a1", "z2", "f2", "a2", "z3", "p", "L", "delta3", "delta2", "delta1"} <= names


def test_limits_hide_no_factor(example: Certificate) -> None:
    assert all(row.limit < 1e-3 for row in example.rows if not row.oracle.startswith("moments"))
    assert all(row.limit <= FLOAT64_LIMIT for row in example.rows if row.oracle == "complex step, full Jacobian")


def test_it_is_the_same_every_time() -> None:
    network = "Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> MeanSquaredError()"
    assert check(network).table() == check(network).table()


def test_notations(example: Certificate) -> None:
    table = example.table()
    assert table.startswith(EXAMPLE)
    assert f"{len(example.rows)} checks, all agree" in table
    assert all(line == line.rstrip() for line in table.splitlines())
    assert example.latex().count(r"\\") >= len(example.rows)
    assert example._repr_html_().count("<tr") == len(example.rows) + 1


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_pass(network: str) -> None:
    result = check(network)
    assert result.ok, result.table()


def test_many_parameters_are_checked_at_reduced_sizes_and_by_coordinates() -> None:
    result = check("Input(400) >> Dense(60) >> Tanh() >> Dense(5) >> SoftmaxCrossEntropy()", float32=False)
    assert result.ok, result.table()
    points = {row.points for row in result.rows if row.name == "dW1" and row.oracle.startswith("complex step")}
    assert any("reduced sizes" in point for point in points)
    assert any("real sizes, 100 coordinates" in point for point in points)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("Input(4) >> Dense(n) >> MeanSquaredError()", "n is a name"),
        ("Input(n) >> Repeat(Dense(n) >> Tanh(), L) >> MeanSquaredError()", "n is a name"),
        ("Input(4) >> Dense(3)", "without a loss"),
    ],
)
def test_what_cannot_be_checked_is_refused(network: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        check(network)


class Broken:
    """A module whose functions do something wrong."""

    def __init__(self, module: Any, grads: Any) -> None:
        self.module, self.grads = module, grads

    def forward(self, params: Any, **given: Any) -> Any:
        return self.module.forward(params, **given)

    def loss_and_grads(self, params: Any, **given: Any) -> Any:
        loss, grads = self.module.loss_and_grads(params, **given)
        return loss, self.grads(grads)


def raising(grads: Any) -> Any:
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    ("name", "wrong", "note"),
    [
        ("dW1", lambda grads: {**grads, "W1": grads["W1"] * np.nan}, "not finite"),
        ("dW1", lambda grads: {**grads, "W1": grads["W1"].T}, "another shape"),
        ("dW1", lambda grads: {**grads, "W1": grads["W1"] * 1.001}, ""),
        ("dW1", lambda grads: {**grads, "W1": grads["W1"] * 0}, ""),
        ("gradients", lambda grads: {"W1": grads["W1"]}, "keys W1"),
        ("gradients", raising, "ZeroDivisionError"),
    ],
)
def test_a_broken_module_is_a_failed_row(name: str, wrong: Any, note: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = case.loaded
    monkeypatch.setattr(case, "loaded", lambda source, packages: Broken(right(source, packages), wrong))
    result = check("Input(2) >> Dense(3) >> MeanSquaredError()")
    row = next(row for row in result.failures if row.oracle == "complex step, full Jacobian")
    assert row.name == name
    assert note in row.note
    assert not result.ok


def test_one_small_wrong_element_is_seen() -> None:
    true = np.array([1.0, 1e-4, 1e-3])
    assert difference(true, true).within(1e-12)
    assert not difference(true * [1, 1 + 1e-6, 1], true).within(1e-12)
    small = np.array([1.0, 1e-5, 1e-3])
    assert not difference(small + np.array([0, 9e-13, 0]), small).within(1e-12)


def test_a_zero_must_be_a_zero() -> None:
    zero = np.zeros(3)
    assert difference(zero, zero).within(1e-12)
    assert not difference(zero + 1e-30, zero).within(1e-12)


def test_points_are_what_the_facts_say() -> None:
    system = parse_network("Input(3) >> Embedding(7, 2) >> Dense(5) >> SoftmaxCrossEntropy()").system()
    assert target_kinds(system) == ("class ids", "distribution", "one-hot")
    for point in random_points(system, 0, 4):
        assert point.inputs["x"].shape == (4, 3)
        assert 0 <= point.inputs["x"].min() <= point.inputs["x"].max() < 7
        y = point.targets["y"]
        assert_off(y.sum(axis=1), 1, 2 * y.shape[1] * UNIT["float64"])  # quotients by their sum, added again
        assert point.given["y"].shape == ((4,) if point.kind == "class ids" else (4, 5))


def test_sizes_are_reduced_without_becoming_equal() -> None:
    net = parse_network("Input(64) >> Dense(32) >> Dense(2) >> Dense(1) >> MeanSquaredError()")
    assert reduced(net).text == "Input(4) >> Dense(3) >> Dense(2) >> Dense(1) >> MeanSquaredError()"
    assert tiny(net).text == "Input(2) >> Dense(3) >> Dense(2) >> Dense(1) >> MeanSquaredError()"


def test_an_empty_certificate_is_not_ok() -> None:
    assert not Certificate("nothing", ()).ok
    assert Row("dW1", "", "", 0.0, 0.0, True).verdict == "ok"


@pytest.mark.parametrize("target", ["numpy", "numba", "jax", "torch"])
@pytest.mark.usefixtures("toys")
def test_each_target_is_certified_with_its_running_statistics(target: str) -> None:
    pytest.importorskip(target, reason=f"{target} is not installed")
    text = "Input(3) >> Dense(3) >> Norm() >> Tanh() >> Dense(3) >> MeanSquaredError()"
    certificate = check(text, target=target)
    assert certificate.ok, certificate.table()
    assert any(row.oracle == "its update by the batch" for row in certificate.rows)


def test_a_target_that_is_unknown_is_refused() -> None:
    with pytest.raises(SpecError, match="unknown target 'abacus'\nallowed: jax, numba, numpy, torch, all"):
        check("Input(2) >> Dense(1) >> MeanSquaredError()", target="abacus")


def test_layouts_agree_where_one_derives_a_zero_and_the_other_rounds_to_it() -> None:
    """The bias before a batch's mean has no gradient: a rule says so in rows, in columns numbers add up to nearly 0."""
    network = parse_network('Input(6, 6, 1) >> Conv2D(4, 3, padding="same") >> BatchNorm() >> MeanSquaredError()')
    point = random_point(network.system(), np.random.default_rng(0), "numbers", 3)
    (row,) = layout_rows(case_of(network), point)
    assert row.ok and row.error < 1e-12
