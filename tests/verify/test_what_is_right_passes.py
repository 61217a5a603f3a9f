"""No false alarms: kinks, gradients that are 0, sizes that a loss names, domains, and branches that are not taken."""

from __future__ import annotations

import pytest

from symprop.networks import parse_network
from symprop.verify import Certificate, check
from symprop.verify.points import random_points
from symprop.verify.watching import seen

OFF = (
    "Input(3) >> Dense(2, bias=False) >> ReLU() >> Dense(1, bias=False) >> ReLU() >> MeanSquaredError()",
    "Input(4) >> Dense(3, bias=False) >> ReLU() >> Dense(3, bias=False) >> ReLU() >> Dense(2) >> SoftmaxCrossEntropy()",
)
RIGHT = (
    'Input(4) >> Dense(6) >> Loss("sum((a - ones(6))**2)")',
    'Input(4) >> Dense(6) >> Loss("sum(reshape(a, (2, 3))**4)")',
    'Input(4) >> Dense(3) >> Loss("sum((eye(3) @ a - y)**2)")',
    'Input(4) >> Dense(3) >> Activation("arcsin(x)") >> MeanSquaredError()',
    'Input(4) >> Dense(3) >> Activation("sqrt(x - 3)") >> MeanSquaredError()',
    "Input(4) >> Dense(2) >> BinaryCrossEntropy(from_logits=False)",
    'Input(4) >> Dense(2) >> Loss("sum(where(a > 0, log(a), 0))")',
    'Input(4) >> Dense(2) >> Activation("where(x > 0, sqrt(x), 0)") >> MeanSquaredError()',
    'Input(4) >> Dense(2) >> Loss("sum(abs(a - y))")',
    'Input(4) >> Dense(2) >> Loss("sum(maximum(a, y))")',
    'Input(3) >> Dense(2) >> Activation("where(x > 20, x*x, x)") >> MeanSquaredError()',
    "Input(3) >> Repeat(Dense(3) >> Sigmoid(), 12) >> Dense(2) >> MeanSquaredError()",
    "Input(4) >> Dense(2) >> Hinge() + L2(0.1)",
    "Input(4) >> Dense(2) >> SquaredHinge() + L1(0.1)",
    "Input(4) >> Dense(2) >> Huber(0.3)",
    "Input(2, 1) >> GRU(1) >> Dense(1) >> MeanAbsoluteError()",
    "Input(4) >> Dense(3) >> KLDivergence()",
    'Input(1, 1) >> Multiply(Conv1D(5, 1), Input(5, 1, name="steps")) >> MeanSquaredError() + L1(0.1)',
    "Input(3, 2) >> Attention(2) >> RNN(2) >> MeanSquaredError()",
    'Input(5, 6) >> Conv1D(6, 3, groups=3) >> Conv1D(2, 3, tied="W1.T") >> MeanSquaredError()',
    'Input(2, 3) >> Bidirectional(Scan("h = (1 - r)*h_prev + r*tanh(W @ x)", h=2, r=0.25)) >> MeanSquaredError()',
    "Input(3, 4) >> Dense(5) >> SoftmaxCrossEntropy(ignore=0, smoothing=0.1, weights=(1, 2, 0.5, 1, 3))",
)
ZERO = (
    'Input(4) >> Dense(3) >> Loss("sum(softmax(a))")',
    'Input(4) >> Dense(2) >> Softmax() >> Loss("sum(a)")',
    'Input(4) >> Dense(3) >> Activation("sin(x)**2 + cos(x)**2") >> MeanSquaredError()',
    'Input(4) >> Dense(3) >> Activation("sigmoid(x) + sigmoid(-x)") >> MeanSquaredError()',
    'Input(4) >> Dense(3) >> Loss("sum((a - y)*(a + y) - a**2 + y**2)")',
)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("network", OFF)
def test_no_point_lies_on_a_kink(network: str, seed: int) -> None:
    system = parse_network(network).system()
    assert all(seen(system, point.groups(system)).regular for point in points_of(network, seed))
    result = check(network, seed=seed, float32=False)
    assert result.ok, result.table()


def points_of(network: str, seed: int) -> list:  # type: ignore[type-arg]
    return random_points(parse_network(network).system(), seed, 3)


@pytest.mark.parametrize("network", RIGHT)
def test_what_is_right_passes(network: str) -> None:
    result = check(network)
    assert result.ok, result.table()


@pytest.mark.parametrize("network", ZERO)
def test_a_zero_is_told_from_noise_and_is_not_silent(network: str) -> None:
    result = check(network)
    assert result.ok, result.table()
    assert any("zero" in remark or "is 0 at all points" in remark for remark in result.remarks)


def test_sizes_that_a_loss_names_are_told() -> None:
    assert any("names the sizes 6" in remark for remark in check(RIGHT[0], float32=False).remarks)


def test_what_has_no_point_is_one_row() -> None:
    result = check('Input(4) >> Dense(2) >> Activation("sqrt(-1 - x*x)") >> MeanSquaredError()')
    assert isinstance(result, Certificate)
    assert not result.ok
    assert [row.note for row in result.rows] == ["not checked: no point with a finite loss"]


def test_points_see_both_sides_of_a_switch() -> None:
    network = 'Input(3) >> Dense(2) >> Activation("where(x > 20, x*x, x)") >> MeanSquaredError()'
    assert not any("only one side" in remark for remark in check(network, float32=False).remarks)
    network = 'Input(3) >> Dense(2) >> Activation("where(x**3 > 10**12, x*x, x)") >> MeanSquaredError()'
    assert any("only one side of a switch was seen in a1" in remark for remark in check(network, float32=False).remarks)
