"""`remat=k`: every k-th state is kept, the others are computed again, and all gradients are those without it."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest
import sympy
from network_reference import Network as Reference

import symprop
from symprop.algebra.batching import BATCH_SIZE
from symprop.codegen.case import case_of
from symprop.codegen.targets.fast.step import planned
from symprop.codegen.targets.fast.taken import made_into_rows

DEEP = 'Input(7, 2) >> Dense(2) >> LSTM(3, initial="learned"{}) >> GRU(2{}) >> MeanSquaredError()'
OWN = 'Input(5, 2) >> Scan("h = tanh(W @ x + R @ h_prev + b); s = s_prev + g * h", h=3, s=3, learned={"g": 3}REMAT)'
NETWORKS = (
    DEEP.format(", remat=3", ", remat=2"),
    "Input(5, 2) >> Bidirectional(RNN(2, remat=2)) >> LSTM(2, sequence=False, remat=1) >> Dense(2) >> Huber()",
    'Input(6, 2) >> Residual(GRU(2, reset="before", remat=2)) >> MeanSquaredError()',
    "Input(4, 3) >> Repeat(GRU(3, remat=2), 2, tied=True) >> LSTM(2, remat=9) >> MeanSquaredError()",
)
"""Windows that fill the moments or leave a rest, of one moment, of more than all; stacked, reversed, shared."""
TARGETS: tuple[dict[str, Any], ...] = ({}, {"fast": True}, {"target": "jax"}, {"target": "torch"})
ROUNDING = 1e-12
"""Of the largest number: some hundred sums and products of float64 numbers of size one."""


def drawn(text: str, count: int = 3) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Random parameters, inputs and targets of a network."""
    system, random = symprop.parse_network(text).system(), np.random.default_rng(0)
    shapes = {
        each.name: tuple(map(int, each.shape)) for each in (*system.parameters, system.inputs[0], system.targets[0])
    }
    params = {each.name: random.normal(size=shapes[each.name]) for each in system.parameters}
    return params, *(random.normal(size=(count, *shapes[each.name])) for each in (system.inputs[0], system.targets[0]))


def grads_of(text: str, params: Any, x: Any, y: Any, **options: Any) -> tuple[float, dict[str, np.ndarray]]:
    """The loss and the gradients by the module of a network."""
    if options.get("target") == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    if options.get("target") == "torch":
        torch = pytest.importorskip("torch")
        params, x, y = {name: torch.tensor(value) for name, value in params.items()}, torch.tensor(x), torch.tensor(y)
    loss, grads = symprop.compile(text, **{"fast": False, **options}).loss_and_grads(params, x, y)
    return float(loss), {name: np.array(value) for name, value in grads.items()}


@pytest.mark.parametrize("options", TARGETS, ids=str)
@pytest.mark.parametrize("text", NETWORKS)
def test_gradients_are_those_of_a_second_reading(text: str, options: dict[str, Any]) -> None:
    params, x, y = drawn(text)
    reference = Reference(text)
    loss, grads = grads_of(text, params, x, y, **options)
    true_loss = np.real(reference.loss(params, {"x": x}, y))
    assert abs(loss - true_loss) < ROUNDING * max(1, abs(true_loss))
    random = np.random.default_rng(1)
    for name, value in params.items():
        way = random.normal(size=value.shape)
        moved = {**params, name: value + 1e-200j * way}
        true = reference.loss(moved, {"x": x}, y).imag / 1e-200
        assert abs(np.sum(way * grads[name]) - true) < ROUNDING * max(1, np.abs(grads[name]).sum())


@pytest.mark.slow
def test_numba_has_the_same_loops() -> None:
    pytest.importorskip("numba")
    text = "Input(5, 2) >> RNN(2, remat=2, sequence=False) >> MeanSquaredError()"
    params, x, y = drawn(text)
    (loss, grads), (plain_loss, plain) = (grads_of(text, params, x, y, **each) for each in ({"target": "numba"}, {}))
    assert abs(loss - plain_loss) < ROUNDING
    for name, value in plain.items():
        np.testing.assert_allclose(grads[name], value, rtol=0, atol=ROUNDING * max(1, np.abs(value).max()))


def test_what_the_same_operations_make_is_the_same_to_the_last_bit() -> None:
    """All but the gradients that are sums over time, which are taken window by window."""
    params, x, y = drawn(DEEP.format("", ""))
    (loss, grads), (plain_loss, plain) = (
        grads_of(text, params, x, y) for text in (DEEP.format(", remat=3", ", remat=2"), DEEP.format("", ""))
    )
    assert loss == plain_loss
    assert all(np.array_equal(grads[name], plain[name]) for name in ("W1", "b1", "hs2", "cs2"))
    assert not all(np.array_equal(grads[name], plain[name]) for name in plain)


def test_own_cells_keep_all_their_states_and_truncated_ones_drop_the_same() -> None:
    cut = "Input(7, 2) >> GRU(2, truncate=3REMAT) >> MeanSquaredError()"
    for text, option in ((f"{OWN} >> MeanSquaredError()", ", remat=2"), (cut, ", remat=2"), (cut, ", remat=3")):
        plain, with_remat = text.replace("REMAT", ""), text.replace("REMAT", option)
        params, x, y = drawn(plain)
        for options in TARGETS[:2]:
            (_, grads), (_, true) = (grads_of(each, params, x, y, **options) for each in (with_remat, plain))
            for name, value in true.items():
                np.testing.assert_allclose(grads[name], value, rtol=0, atol=ROUNDING * max(1, np.abs(value).max()))


def held(count: int, option: str, batch: int) -> int:
    """The bytes of a workspace, which are those that the plan says."""
    text = f"Input({count}, 3) >> LSTM(4, sequence=False{option}) >> MeanSquaredError()"
    case = case_of(text, target="fast")
    work = case.module.make_workspace(batch)
    arrays = [each for each in vars(work).values() if isinstance(each, np.ndarray)]
    owners = {id(owner): owner for owner in (each if each.base is None else each.base for each in arrays)}
    found = sum(each.nbytes for each in owners.values())
    assert planned(case.program, made_into_rows(case.program.targets)).bytes(8).subs(BATCH_SIZE, batch) == found
    return found


def test_the_memory_of_the_plan_has_the_slope_of_the_trade() -> None:
    (trade,) = symprop.derive("Input(T, 3) >> LSTM(4, sequence=False) >> MeanSquaredError()").cost().trades
    (count,) = trade.count.free_symbols
    at = {T: held(T, ", remat=5", batch=2) for T in (20, 30, 40)}
    slope = sympy.diff(trade.kept(5), count)
    assert at[40] - at[30] == at[30] - at[20] == 10 * slope * 2 * 8
    assert held(40, "", batch=2) > 3 * at[40]
    assert held(43, ", remat=5", batch=2) > at[40]  # with a rest


def test_the_best_k_keeps_least() -> None:
    (trade,) = symprop.derive("Input(T, n) >> LSTM(h, sequence=False, remat=5) >> MeanSquaredError()").cost().trades
    T, h = sympy.symbols("T h", integer=True, positive=True)
    assert trade.stored == 6 * T * h and trade.kept(5) == sympy.Rational(2, 5) * T * h + 30 * h
    numbers = {T: 300, h: 1}
    by_k = {k: trade.kept(k).subs(numbers) for k in range(1, 301)}
    assert min(by_k, key=by_k.__getitem__) == trade.best.subs(numbers) == 10
    assert trade.least.subs(numbers) == by_k[10] == 120
    assert trade.extra(5).total == trade.extra().total  # T moments once more, whatever k is
    assert str(trade.best) == "sqrt(3)*sqrt(T)/3"


def test_costs_count_what_is_computed_again() -> None:
    plain, cost = (
        symprop.derive(f"Input(40, 3) >> LSTM(4, sequence=False{each}) >> MeanSquaredError()").cost()
        for each in ("", ", remat=9")
    )
    (trade,) = cost.trades
    assert cost.total - plain.total == trade.again.total == 36 * trade.ahead.total
    assert plain.activations - cost.activations == 40 * 24 - (4 * 8 + 9 * 24)
    assert "kept, k = 9" in cost.text() and "remat" not in plain.text()
    assert r"\text{best k}" in trade.latex()
    of_all = symprop.derive("Input(4, 3) >> LSTM(4, remat=4) >> MeanSquaredError()").cost()
    assert of_all.trades[0].every is None  # no window is less than all


def test_a_step_in_a_workspace_allocates_no_array() -> None:
    text = "Input(40, 8) >> LSTM(16, sequence=False, remat=6) >> Dense(2) >> MeanSquaredError()"
    params, x, y = drawn(text, count=16)
    step = symprop.compile(text).make_step(params, 16)
    first = {name: value.copy() for name, value in step(x, y)[1].items()}
    tracemalloc.start()
    _, grads = step(x, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 16 * 6 * 16 * 2  # less than the states of a window
    assert all(np.array_equal(first[name], value) for name, value in grads.items())


def test_no_two_arrays_that_are_live_share_memory() -> None:
    text = NETWORKS[0]
    case = case_of(text, target="fast")
    plan = planned(case.program, made_into_rows(case.program.targets))
    names = [block.first.name for block in plan.blocks if block not in plan.extra.values()]
    assert len(names) == len(set(names))
    for one, other in itertools.combinations(plan.blocks, 2):
        if one.kind == other.kind and one.start <= other.stop and other.start <= one.stop:
            low, high = sorted((one, other), key=lambda block: block.offset.subs(BATCH_SIZE, 3))
            assert (low.offset + low.size).subs(BATCH_SIZE, 3) <= high.offset.subs(BATCH_SIZE, 3)
    params, x, y = drawn(text)
    work = case.module.make_workspace(3)
    first = {name: value.copy() for name, value in case.module.loss_and_grads(params, x, y, work)[1].items()}
    memory = work.h2_starts.base
    memory[...] = np.nan  # what a step before left is read by none
    again = case.module.loss_and_grads(params, x, y, work)[1]
    assert all(np.array_equal(again[name], value) for name, value in first.items())


def test_what_is_certified_and_what_is_refused() -> None:
    assert symprop.check("Input(3, 1) >> RNN(1, remat=2, sequence=False) >> MeanSquaredError()").ok
    with pytest.raises(
        symprop.SpecError, match="allowed: a number of moments from 1, at each of which the states are kept"
    ):
        symprop.RNN(3, remat=0)
    with pytest.raises(symprop.SpecError, match="allowed: threads=1, or no remat"):
        symprop.generate("Input(9, 2) >> LSTM(2, remat=2) >> MeanSquaredError()", fast=True, threads=2)
