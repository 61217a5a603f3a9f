"""A line of one's own derivation against the network's: shapes and names are known, and what is wrong is named."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symprop import compare, derive, gradient
from symprop.cli import main
from symprop.errors import FormulaError, ShapeError, SpecError, SympropError

NETWORK = "Input(4) >> Dense(3) >> Tanh() >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
RELU = "Input(8, 16) >> LayerNorm() >> Flatten() >> Dense(20) >> ReLU() >> Dense(5) >> MeanSquaredError()"
RECURRENT = "Input(3, 2) >> RNN(2) >> Dense(2) >> MeanSquaredError()"
WIDTHS = "Input(n_0) >> Repeat(Dense(n_l) >> Tanh(), N) >> Dense(k) >> SoftmaxCrossEntropy()"
GENERAL = "Input(n) >> Repeat(Dense(n) >> Tanh(), N) >> Dense(k) >> SoftmaxCrossEntropy()"

BATCH = "Input(5) >> Dense(4) >> BatchNorm() >> ReLU() >> Dense(3) >> SoftmaxCrossEntropy()"
DEEP = "Input(4) >> Repeat(Residual(Dense(4) >> Tanh()), 12) >> Dense(2) >> MeanSquaredError()"

EQUAL = [
    (NETWORK, "example", "delta1", "(W2.T @ delta2) * (1 - a1**2)"),
    (NETWORK, "example", "delta1", "delta1 = diag(1 - tanh(z1)**2) @ W2.T @ delta2"),
    (NETWORK, "example", "delta2", "(W3.T @ (p - y)) * (1 - tanh(W2 @ a1 + b2)**2)"),
    (NETWORK, "example", r"\delta_2", r"\left(W_3^\top \delta_3\right) \odot (1 - a_2^2)"),
    (NETWORK, "example", "dL/dW1", "outer(dL/dz1, x)"),
    (NETWORK, "example", "∂L/∂W₁", r"\frac{\partial L}{\partial z_1} x^\top"),
    (NETWORK, "example", "dp/dz3", "diag(p) - outer(p, p)"),
    (NETWORK, "example", "da2", "W3.T @ delta3"),
    (NETWORK, "rows", "dW2", "delta2.T @ a1"),
    (NETWORK, "rows", "db2", "ones(m) @ delta2"),
    (NETWORK, "columns", "delta3", "(softmax(z3, axis=0) - y) / m"),
    (RELU, "example", "delta1", "(W2.T @ delta2) * (a1 > 0)"),
    (RELU, "example", "r1", "1 / sqrt(var(x, axis=1, keepdims=True) + eps)"),
    (BATCH, "rows", "delta1", "r1 * (du1*gamma1 - mean(du1*gamma1, axis=0) - x_hat1*mean(du1*gamma1*x_hat1, axis=0))"),
    (DEEP, "example", "da3", "W4.T @ delta4 + da4"),
    (RELU, "rows", "x_hat1", "(x - mean(x, axis=2, keepdims=True)) * r1"),
    (GENERAL, "example", "delta[l]", "(W[l+1].T @ delta[l+1]) * (1 - a[l]**2)"),
    ("x @ A @ x", "example", "dx", "(A + A.T) @ x"),
    (RELU, "example", "delta2", r"\frac{\partial \left(\frac12 \|z_2 - y\|^2\right)}{\partial z_2}"),
    (NETWORK, "example", "delta1", r"\left(\frac{\partial z_2}{\partial z_1}\right)^\top \delta_2"),
    (NETWORK, "example", "delta1", r"\left(\frac{\partial \tanh(z_1)}{\partial z_1}\right)^\top W_2^\top \delta_2"),
    (GENERAL, "example", "delta[l]", r"\left(\frac{\partial a_l}{\partial z_l}\right)^\top W_{l+1}^\top \delta_{l+1}"),
]


@pytest.mark.parametrize(("network", "layout", "of", "line"), EQUAL)
def test_a_right_line_is_proved(network: str, layout: str, of: str, line: str) -> None:
    found = derive(network, layout).compare(of, line)
    assert found.equal is True, found
    assert found.message.startswith("equal")


DIFFERENT = [
    (NETWORK, "example", "delta1", "W2.T @ delta2", "the line lacks the factor '1 - a1 * a1'"),
    (NETWORK, "example", "delta1", "(W2.T @ delta2) * (1 - a1)", "the factor '1 - a1' where delta1 has '1 - a1 * a1'"),
    (NETWORK, "example", "delta1", "(W2 @ delta2) * (1 - a1**2)", "'W2' where delta1 has 'W2.T', its transpose"),
    (NETWORK, "example", "delta1", "2 * (W2.T @ delta2) * (1 - a1**2)", "the line is 2 times delta1"),
    (NETWORK, "example", "delta3", "y - p", "the line is minus delta3"),
    (NETWORK, "example", "delta1", r"2 \left(\frac{\partial z_2}{\partial z_1}\right)^\top \delta_2", "2 times delta1"),
    (NETWORK, "example", "delta1", r"\left(\frac{\partial z_2}{\partial a_1}\right)^\top \delta_2", "lacks the factor"),
    (NETWORK, "example", "delta3", "p + y", "a term has the opposite sign: '-y' in delta3"),
    (NETWORK, "example", "delta3", "p", "the line lacks the term '-y'"),
    (NETWORK, "example", "dW1", "outer(x, delta1)", "the line is the transpose of dW1"),
    (NETWORK, "example", "dW2", "outer(delta2, x)", "the line has the factor 'x' where dW2 has 'a1'"),
    (NETWORK, "example", "dW2", "outer(delta2, a2)", "the line has the factor 'a2' where dW2 has 'a1'"),
    (NETWORK, "example", "z2", "W2 @ a1 + 2 * b2", "a term differs by a factor: 'b2' in z2"),
    (NETWORK, "example", "dp/dz3", "diag(p * (1 - p))", "the line is the diagonal of dp/dz3, without the other"),
    (NETWORK, "rows", "delta3", "p - y", "the line is m times delta3"),
    (NETWORK, "rows", "db1", "delta1", "db1 is the sum of the line over axis 0"),
    (RELU, "example", "delta1", "(W2.T @ delta2) * a1", "'a1' where delta1 has 'z1 > 0'"),
    (RELU, "example", "r1", "1 / sqrt(mean((x - mu1)**2, axis=1, keepdims=True))", "the line lacks the term 'eps'"),
    (DEEP, "example", "delta3", "(W4.T @ delta4) * (1 - f3**2)", "the line lacks the term 'da4', in what da3 is"),
    (GENERAL, "example", "delta[l]", "(W[l].T @ delta[l + 1]) * (1 - a[l]**2)", "'W[l]' where delta[l] has 'W[l + 1]'"),
]


def test_one_recurrent_layer_needs_no_number() -> None:
    derivation = derive("Input(3, 2) >> LSTM(2) >> Dense(2) >> MeanSquaredError()")
    lines = [
        ("c[t]", "f[t] * c[t-1] + i[t] * g[t]"),
        ("c_t", r"c_t = f_t \odot c_{t-1} + i_t \odot g_t"),
        (r"\delta_t", r"\delta^{(1)}_t"),
        ("delta_t", "delta_t"),
        (r"\frac{\partial L}{\partial c_t^{(1)}}", "dh_t * o_t * (1 - tanh(c_t)**2) + dc[t+1] * f1[t+1]"),
        ("dR", r"\sum_{t=1}^{3} \delta_t h_{t-1}^\top"),
    ]
    assert all(derivation.compare(of, line) for of, line in lines)
    with pytest.raises(FormulaError, match="no 'W'"):  # there is W2 too
        derivation.compare("W", "W1")
    two = derive("Input(3, 2) >> RNN(2) >> RNN(2) >> MeanSquaredError()")
    with pytest.raises(FormulaError, match=r"no 'h\[t\]'"):
        two.compare("h[t]", "h1[t]")


@pytest.mark.parametrize(("network", "layout", "of", "line", "words"), DIFFERENT)
def test_what_is_wrong_with_a_line_is_named(network: str, layout: str, of: str, line: str, words: str) -> None:
    found = derive(network, layout).compare(of, line)
    assert found.equal is False
    assert words in found.message
    assert "they are equal if" not in found.message
    assert found.counterexample is not None and found.counterexample.first != found.counterexample.second
    assert len(found.message.splitlines()) == 2 + bool(found.counterexample.behind)


def _numbers(given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.vectorize(lambda text: float(Fraction(text)))(value) for name, value in given.items()}


def test_a_counterexample_is_one_that_the_network_reaches() -> None:
    found = derive(NETWORK).compare("delta2", "(W3.T @ (p * p - y)) * (1 - a2**2)").counterexample
    assert found is not None and found.behind
    v = _numbers({**found.values, **found.behind})
    a2 = np.tanh(v["W2"] @ np.tanh(v["W1"] @ v["x"] + v["b1"]) + v["b2"])
    p = np.exp(v["W3"] @ a2 + v["b3"])
    p /= p.sum()
    assert np.allclose(v["a2"], a2) and np.allclose(v["p"], p) and np.allclose(v["delta3"], p - v["y"])
    assert np.allclose(_numbers({"": found.first})[""], v["W3"].T @ (p - v["y"]) * (1 - a2**2))


def test_what_a_line_names_in_a_loop_is_reached_too() -> None:
    found = derive(RECURRENT).compare("delta1[t]", "(dh1[t] + R1.T @ delta1[t+1]) * (1 - h1[t])")
    assert "'1 - h1[t]' where delta1[t] has '1 - h1[t] * h1[t]'" in found.message
    assert found.counterexample is not None and found.counterexample.sizes == {"t": 2}
    v = _numbers({**found.counterexample.values, **found.counterexample.behind})
    h, before = np.zeros(2), []
    for x in v["x"]:
        h = np.tanh(v["W1"] @ x + v["R1"] @ h + v["b1"])
        before.append(h)
    delta = ((np.array(before) @ v["W2"].T + v["b2"] - v["y"]) @ v["W2"] * 2 / 6)[2] * (1 - before[2] ** 2)
    assert np.allclose(v["h1[t]"], before[1]) and np.allclose(v["delta1[t + 1]"], delta)


def test_lines_that_are_equal_only_where_the_network_is_say_where() -> None:
    derivation = derive(NETWORK)
    found = derivation.compare("delta3", "(p - y) * sum(p)")
    assert found and found.message.startswith("equal wherever p = softmax(z3), as sums of products")
    assert found.used == ("p = softmax(z3)",)
    written_out = derivation.compare("delta3", "softmax(z3) - y")
    assert written_out.message == "equal: identical after simplification" and not written_out.used


@pytest.mark.parametrize(
    ("network", "of", "line", "words"),
    [
        (RECURRENT, "dW1", "sum([outer(delta1[t], x[t]) for t in range(1, 4)], axis=0)", "equal: identical"),
        (RECURRENT, "db1", "sum([2 * delta1[t] for t in range(1, 4)], axis=0)", "not equal: the line is 2 times db1"),
        (WIDTHS, "delta[l]", "(W[l+1].T @ delta[l+1]) * (1 - a[l]**2)", "equal: identical"),
        (WIDTHS, "delta[N]", "W[N+1].T @ delta[N+1]", "not equal: the line lacks the factor"),
    ],
)
def test_sums_over_steps_and_widths_that_vary_have_values(network: str, of: str, line: str, words: str) -> None:
    assert derive(network).compare(of, line).message.startswith(words)


@pytest.mark.parametrize(
    ("of", "line", "error", "words"),
    [
        ("delta4", "p - y", FormulaError, "no 'delta4' .did you mean 'delta"),
        ("delta1", "W2.T @ delta2 * q", FormulaError, "no 'q'"),
        ("delta2", "(W3 @ delta3) * (1 - a2**2)", ShapeError, "do not fit; W3.T would"),
        ("dz1/dp", "p", FormulaError, "z1 does not depend on p"),
        ("delta1", 3, FormulaError, "the line is of type int"),
        (1, "x", SpecError, "takes a text as of, not 1"),
    ],
)
def test_what_is_no_line_of_a_derivation_is_told(
    of: object, line: object, error: type[SympropError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        derive(NETWORK).compare(of, line)  # type: ignore[arg-type]
    assert len(str(caught.value).splitlines()) <= 3


def test_a_jacobian_the_wrong_way_round_is_told() -> None:
    derivation = derive(NETWORK)
    with pytest.raises(SpecError, match="x does not depend on p\np depends on x: ask in the order 'p', 'x'"):
        derivation.jacobian("x", "p")
    with pytest.raises(FormulaError, match="no variable is called 'q9'"):
        derivation.jacobian("q9", "x")


def test_a_derivative_over_blocks_whose_number_has_a_name_is_refused() -> None:
    derivation = derive(GENERAL)
    with pytest.raises(
        FormulaError, match=r"no equation leads from z\[l\] to z\[N \+ 1\]\nallowed: a derivative within"
    ):
        derivation.compare("delta[l]", r"\left(\frac{\partial z_{N+1}}{\partial z_l}\right)^\top \delta_{N+1}")


def test_nodes_equations_answers_and_latex_are_compared() -> None:
    derivation = derive(NETWORK)
    right = "(W2.T @ delta2) * (1 - a1**2)"
    assert compare(derivation.delta(1), right)
    assert compare(derivation.equation("delta1"), right)
    assert compare(right, derivation.equation("delta1"))
    assert compare(gradient("x @ A @ x", "x"), r"\left(A + A^\top\right) x")
    assert compare(r"\|A x - b\|^2", "(A @ x - b) @ (A @ x - b)", "A: m n, x: n, b: m")
    with pytest.raises(FormulaError, match="the second is of type int, which cannot be compared\nallowed: a text"):
        compare("x", 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--network", NETWORK, "--of", "delta1", "(W2.T @ delta2) * (1 - a1**2)"], 0, "equal"),
        (["--network", NETWORK, "--of", "delta1", r"W_2^\top \delta_2"], 1, "not equal: the line lacks the factor"),
        (["--network", NETWORK, "--of", "delta1", "--layout", "rows", "(delta2 @ W2) * (1 - a1**2)"], 0, "equal"),
        (["arctan(x) + arctan(1/x)", "pi/2 + 0*x", "--where", "x: n positive"], 5, "no difference found at"),
        (["x"], 2, "compare takes two formulas"),
        (["--network", NETWORK, "x", "x"], 2, "one quantity of a network"),
    ],
)
def test_only_a_proof_has_exit_code_0(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *arguments]) == code
    captured = capsys.readouterr()
    assert (captured.err if code == 2 else captured.out).startswith(words if code != 2 else "symprop: ")
    assert words in captured.out + captured.err
