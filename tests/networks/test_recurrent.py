"""Recurrent layers: what a textbook writes for a general moment, the same numbers in every form, and errors."""

from __future__ import annotations

import re

import numpy as np
import pytest
from network_reference import Network as Reference
from sympy import Symbol

import symprop
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.unrolling import unrolled
from symprop.analysis.truncation import dropped
from symprop.codegen.case import Case, case_of
from symprop.codegen.targets.fast.step import planned
from symprop.codegen.targets.fast.taken import made_into_rows
from symprop.networks.recurrent import written_out_in_time
from symprop.verify import moment_checks, recurrence

NETWORKS = (
    "Input(4, 3) >> LSTM(2) >> GRU(3) >> Dense(2) >> MeanSquaredError()",
    'Input(4, 3) >> RNN(2, activation="relu", initial="learned") >> LSTM(2, bias=False, sequence=False) >> Huber()',
    'Input(4, 3) >> GRU(2, reset="before", initial="learned") >> RNN(3, activation="sigmoid") >> MeanSquaredError()',
    'Input(3, 2) >> Residual(GRU(2, bias=False)) >> LSTM(2, initial="learned", sequence=False) >> MeanSquaredError()',
    "Input(3, 2) >> Bidirectional(LSTM(2)) >> Bidirectional(GRU(2, sequence=False)) >> MeanSquaredError()",
    "Input(3, 2) >> Dense(2) >> Residual(RNN(2)) >> LSTM(2) >> Residual(GRU(2)) >> Dense(2) >> RNN(2) >> Huber()",
    "Input(3, 2) >> Dense(2) >> Sum(RNN(2), LSTM(2)) >> Dense(2) >> Bidirectional(RNN(2)) >> MeanSquaredError()",
    "Input(3, 2) >> GRU(2) >> Sum(RNN(2), Tanh(), LSTM(2)) >> MeanSquaredError()",
)
"""All cells and options, stacked, in a block, behind one another, and what is read by several of them."""

ROUNDING = 1e-12
"""Of the largest number: some hundred sums and products of float64 numbers of size one."""


def drawn(text: str, seed: int = 0, count: int = 3) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Random parameters, inputs and targets of a network."""
    system, random = symprop.parse_network(text).system(), np.random.default_rng(seed)

    def normal(*shape: object) -> np.ndarray:
        return random.normal(size=tuple(map(int, shape)))  # type: ignore[call-overload]

    params = {each.name: normal(*each.shape) for each in system.parameters}
    return params, normal(count, *system.inputs[0].shape), normal(count, *system.targets[0].shape)


@pytest.mark.parametrize("text", NETWORKS)
def test_the_second_reading_has_the_same_parameters_and_gradients(text: str) -> None:
    params, x, y = drawn(text)
    reference = Reference(text)
    assert reference.parameters == {
        each.name: tuple(each.shape) for each in symprop.parse_network(text).system().parameters
    }
    true_loss = np.real(reference.loss(params, {"x": x}, y))
    for fast in (False, True):
        loss, grads = symprop.compile(text, fast=fast).loss_and_grads(params, x, y)
        assert abs(loss - true_loss) < ROUNDING * max(1, abs(true_loss))
        for name, value in params.items():
            for place in list(np.ndindex(value.shape))[:: max(1, value.size // 5)]:
                moved = {**params, name: value.astype(complex)}
                moved[name][place] += 1e-200j
                slope = np.imag(reference.loss(moved, {"x": x}, y)) / 1e-200
                assert abs(grads[name][place] - slope) < ROUNDING * max(1, np.abs(grads[name]).max()), (name, place)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_loop_is_what_it_is_written_out(steps: int) -> None:
    text = f"Input({steps}, 2) >> LSTM(2) >> GRU(2, sequence=False) >> MeanSquaredError()"
    network = symprop.parse_network(text)
    plain = written_out_in_time(network)
    assert len(list(plain.system().equations)) == len(list(unrolled(network.system(), {}).equations)) - steps
    params, x, y = drawn(text)
    (loss, grads), (other, others) = (symprop.compile(each).loss_and_grads(params, x, y) for each in (network, plain))
    assert loss == other and all(np.array_equal(grads[name], others[name]) for name in grads)


@pytest.mark.parametrize(
    "text",
    [
        "Input(T, 2) >> Repeat(LSTM(2), N) >> MeanSquaredError()",
        "Input(T, 2) >> Repeat(Residual(Dense(2) >> RNN(2)), N) >> MeanSquaredError()",
    ],
)
def test_layers_and_moments_may_both_have_a_name(text: str) -> None:
    assert all(row.ok for row in recurrence.rows(Case(text), {}, 0))


def test_two_layers_have_a_name_for_each_of_their_equations() -> None:
    d = symprop.derive("Input(T, n) >> LSTM(k) >> GRU(k) >> RNN(k) >> RNN(k) >> LSTM(k) >> MeanSquaredError()")
    names = [equation.name for equation in d.equations]
    assert len(names) == len(set(names))


def test_the_page_says_what_a_textbook_does() -> None:
    d = symprop.derive("Input(T, n) >> LSTM(k) >> Dense(q) >> SoftmaxCrossEntropy()")
    assert d.equation("dc1[t]").pretty() == (
        "∂L/∂c⁽¹⁾ₜ = ∂L/∂h⁽¹⁾ₜ ⊙ o⁽¹⁾ₜ ⊙ (1 − tanh(c⁽¹⁾ₜ)⊙²) + ∂L/∂c⁽¹⁾ₜ₊₁ ⊙ f⁽¹⁾ₜ₊₁"
    )
    gates = d.equation("delta1[t]").expression
    assert [each.text() for each in gates.operands] == [
        "dc1[t] * g1[t] * i1[t] * (1 - i1[t])",
        "dc1[t] * c1[t - 1] * f1[t] * (1 - f1[t])",
        "dc1[t] * i1[t] * (1 - g1[t] * g1[t])",
        "dh1[t] * tanh(c1[t]) * o1[t] * (1 - o1[t])",
    ]
    assert d.gradient("R1").text() == "sum([outer(delta1[t], h1[t - 1]) for t in range(1, T + 1)], axis=0)"


WINDOW = "Input(5, 2) >> LSTM(2, truncate=2) >> MeanSquaredError()"


def by_windows(params: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, held: list[np.ndarray]) -> complex:
    """The loss of `WINDOW` for one example by hand; `held` are the states that the second and third window start from,
    and gets them where it is empty."""
    found, total, h, c = list(held), 0, np.zeros(2), np.zeros(2)
    for t in range(5):
        if t in (2, 4):
            if len(held) < t // 2:
                held.append(np.stack([h, c]))
            h, c = found[t // 2 - 1] if found else (h, c)
        i, f, g, o = np.split(params["W1"] @ x[t] + params["R1"] @ h + params["b1"], 4)
        i, f, o = (1 / (1 + np.exp(-each)) for each in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        total = total + np.sum((h - y[t]) ** 2) / 10
    return total


@pytest.mark.parametrize("target", ["numpy", "fast", "jax", "torch"])
def test_truncated_gradients_are_those_of_windows_that_start_from_constants(target: str) -> None:
    params, x, y = drawn(WINDOW, count=1)
    held: list[np.ndarray] = []
    by_windows(params, x[0], y[0], held)
    if target in ("jax", "torch"):
        pytest.importorskip(target)
    if target == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    options = {"target": target} if target in ("jax", "torch") else {"fast": target == "fast"}
    given = (
        {name: pytest.importorskip("torch").tensor(value) for name, value in params.items()}
        if target == "torch"
        else params
    )
    _, grads = symprop.compile(WINDOW, **options).loss_and_grads(given, x, y)
    for name, value in params.items():
        true = np.zeros(value.shape)
        for place in np.ndindex(value.shape):
            moved = {**params, name: value.astype(complex)}
            moved[name][place] += 1e-200j
            true[place] = by_windows(moved, x[0], y[0], held).imag / 1e-200
        np.testing.assert_allclose(np.asarray(grads[name]), true, rtol=0, atol=ROUNDING * max(1, np.abs(true).max()))


def test_what_is_truncated_is_certified_and_says_what_it_drops() -> None:
    text = 'Input(T, 2) >> GRU(2, truncate=2, initial="learned") >> MeanSquaredError()'
    assert all(row.ok for row in recurrence.rows(Case(text), {}, 0))
    d = symprop.derive(text)
    assert "h1[t] is held constant for moment t + 1 where t is a multiple of 2" in d.remarks[0]
    assert [each.term.text() for each in dropped(d.backward)] == ["R1.T @ dq1[t + 1] + dh1[t + 1] * z1[t + 1]"]
    assert symprop.check("Input(5, 1) >> RNN(1, truncate=2, sequence=False) >> MeanSquaredError()").ok


def test_what_is_held_constant_has_a_name_of_its_own() -> None:
    """An equation of the cell may be called as the held state would be: the pages differ in names alone."""
    cell = 'Scan("{0} = tanh(W @ x + R @ h_prev); h = 2*{0} + h_prev", h=2, truncate=2, unroll=True)'
    texts = (f"Input(3, 1) >> {cell.format(name)} >> MeanSquaredError()" for name in ("h_bar", "u"))
    taken, free = (symprop.derive(text).text().partition("# Forward pass")[2] for text in texts)
    assert "h_bar_bar[1, 2] = h[1, 2]" in taken and "h_bar[1, 2] = h[1, 2]" in free
    assert re.sub(r"\bh_bar\b", "u", taken).replace("h_bar_bar", "h_bar") == free


def test_a_module_does_not_grow_with_time() -> None:
    short, long = (symprop.generate(f"Input({T}, 3) >> LSTM(4) >> MeanSquaredError()", fast=True) for T in (10, 1000))
    assert abs(len(short.splitlines()) - len(long.splitlines())) < 10  # longer numbers may break a line
    code = symprop.generate("Input(40, 3) >> LSTM(4) >> MeanSquaredError()", fast=False)
    loops = re.findall(r"^    for t in .*\n((?:        .*\n)+)", code, re.MULTILINE)
    assert len(loops) == 2
    inside = re.findall(r"\ndef (?:forward|backward)\(.*?\"\"\".*?\"\"\"(.*?)(?=\n\ndef )", code, re.DOTALL)
    lines = [line for part in inside for line in part.splitlines() if line.strip() and not line.strip().startswith("#")]
    assert len(inside) == 2 and len(lines) <= 60


def test_memory_is_linear_in_time_and_what_the_plan_says() -> None:
    found = {}
    for T in (20, 30, 40):
        case = case_of(f"Input({T}, 3) >> LSTM(4) >> MeanSquaredError()", target="fast")
        plan = planned(case.program, made_into_rows(case.program.targets))
        work = case.module.make_workspace(5)
        arrays = [each for each in vars(work).values() if isinstance(each, np.ndarray)]
        owners = {id(owner): owner for owner in (each if each.base is None else each.base for each in arrays)}
        found[T] = sum(each.nbytes for each in owners.values())
        assert plan.bytes(8).subs(BATCH_SIZE, 5) == found[T]
    assert found[40] - found[30] == found[30] - found[20] > 0


@pytest.mark.parametrize("target", ["jax", "torch"])
def test_other_libraries(target: str) -> None:
    pytest.importorskip(target)
    if target == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    for text in NETWORKS[::2]:
        params, x, y = drawn(text)
        loss, grads = symprop.compile(text, fast=False).loss_and_grads(params, x, y)
        module = symprop.compile(text, target=target)
        given = params
        if target == "torch":
            import torch

            given = {name: torch.tensor(value) for name, value in params.items()}
        other, others = module.loss_and_grads(given, x, y)
        assert abs(float(other) - loss) < ROUNDING * max(1, abs(loss))
        for name, value in grads.items():
            np.testing.assert_allclose(
                np.asarray(others[name]), value, rtol=0, atol=ROUNDING * max(1, np.abs(value).max())
            )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Input(4) >> LSTM(2) >> MeanSquaredError()", "which is no sequence"),
        ("Input(T, 4) >> LSTM(2, unroll=True) >> MeanSquaredError()", "unroll needs a number of positions"),
        (
            "Input(1001, 4) >> LSTM(2, unroll=True) >> MeanSquaredError()",
            "unroll is of at most 1,000",
        ),
        ('Input(5, 4) >> GRU(2, reset="later") >> MeanSquaredError()', "allowed: after, before"),
        ('Input(5, 4) >> RNN(2, activation="sinus") >> MeanSquaredError()', "allowed: tanh, relu, sigmoid"),
        ('Input(5, 4) >> LSTM(2, initial=Input(2, name="h0")) >> MeanSquaredError()', "the cell carries 2: h, c"),
        ("Input(5, 4) >> Bidirectional(Dense(2)) >> MeanSquaredError()", "one recurrent layer each"),
        ("Input(t, 4) >> LSTM(2) >> MeanSquaredError()", "has the name of a moment"),
        ("Input(T, n) >> Dense(t) >> GRU(2) >> MeanSquaredError()", "allowed: another name, such as T"),
        ("Input(5, 4) >> LSTM(2, truncate=0) >> MeanSquaredError()", "allowed: a number of moments from 1"),
        ("Input(5, 4) >> LSTM(0) >> MeanSquaredError()", "whole number from 1"),
    ],
)
def test_errors_name_what_and_what_is_allowed(text: str, told: str) -> None:
    with pytest.raises((symprop.SpecError, symprop.LimitError), match=re.escape(told)):
        symprop.parse_network(text)


def test_the_last_state_and_all_states() -> None:
    network = symprop.parse_network("Input(T, 3) >> RNN(2, sequence=False) >> MeanSquaredError()")
    assert network.system().output.shape == (2,)
    assert network.system().loops[0].count == Symbol("T", integer=True, positive=True)


def test_the_certificate_has_rows_for_few_moments_and_for_many() -> None:
    case = symprop.Case("Input(40, 2) >> RNN(2) >> MeanSquaredError()")
    few = [*moment_checks.rows(case, seed=0)]
    assert [row.name for row in few] == [f"{what}, T = {k}" for k in (1, 2, 3) for what in ("recurrence", "loop")]
    many = [*recurrence.rows(case, {}, seed=0)]
    assert [row.name for row in many] == [f"recurrence, T = {k}" for k in (1, 2, 3, 40)]
    assert all(row.ok for row in (*few, *many))
