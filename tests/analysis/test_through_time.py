"""Jacobians through time: their product is that of the network written out, and what bounds it bounds it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sympy import Integer

import symprop
import symprop.verify.points
from symprop.algebra.nodes import Variable
from symprop.algebra.unrolling import unrolled
from symprop.analysis.state_sizes import Sizes
from symprop.analysis.vanishing import norm
from symprop.verify.arithmetic import Complex
from symprop.verify.evaluate import Evaluator, complex_value, stacked, unstacked

STEP = 1e-200
ROUNDING = 1e-13
CELLS = (
    'RNN(3, activation="sigmoid")',
    "LSTM(3)",
    "GRU(3)",
    'GRU(3, reset="before", bias=False)',
)


@pytest.mark.parametrize("cell", CELLS)
def test_the_jacobians_of_a_moment_are_those_of_the_equations_written_out(cell: str) -> None:
    d = symprop.derive(f"Input(3, 2) >> {cell} >> MeanSquaredError()")
    (memory,) = d.through_time()
    plain = unrolled(d.system, {})
    random = np.random.default_rng(0)
    given = (*plain.parameters, *plain.inputs, *plain.targets)
    values = {each.name: random.normal(size=tuple(map(int, each.shape))) for each in given}
    run = Evaluator(Complex(), stacked(values, Complex()))
    run.run(plain.equations)
    known = {name: unstacked(value) for name, value in run.values.items()}
    names = [each.name for each in plain.equations]

    def at(variable: Variable, moment: int) -> str:
        return memory.at(variable, Integer(moment)).name

    behind = 1 + max(names.index(at(state, 1)) for state in memory.states)  # where moment 1 is over

    expected = {(of, by): np.zeros((3, 3)) for of in memory.states for by in memory.states}
    for by in memory.states:
        for place in range(3):
            moved = {**known, at(by, 1): known[at(by, 1)].astype(complex)}
            moved[at(by, 1)][place] += 1j * STEP
            later = Evaluator(Complex(), stacked(moved, Complex()))
            later.run(list(plain.equations)[behind:])
            for of in memory.states:
                expected[of, by][:, place] = unstacked(later.values[at(of, 2)]).imag / STEP
    found = {(each.of, memory.at(each.by, memory.moment + 1)): each.jacobian for each in memory.transitions}
    for (of, by), true in expected.items():
        if (of, by) in found:
            node = found[of, by].xreplace({memory.moment: Integer(2)})
            np.testing.assert_allclose(complex_value(node, known).real, true, rtol=0, atol=ROUNDING)  # type: ignore[arg-type]
        else:
            assert not true.any()
    assert memory.factor is not None  # at moment 2, in the norms of these parameters
    norms = {norm(each): np.linalg.norm(values[each.name], 2) for each in memory.normed}
    whole = np.block([[expected[of, by] for by in memory.states] for of in memory.states])
    bound = float(memory.factor.subs({memory.moment: 2, **norms}))
    assert 0.02 * bound < np.linalg.norm(whole, 2) <= bound


def test_bounds_and_the_paths_of_gates() -> None:
    found = {cell: symprop.derive(f"Input(T, n) >> {cell} >> MeanSquaredError()").through_time()[0] for cell in CELLS}
    plain, lstm, gru, before = found.values()
    assert str(plain.bound) == "(||R1||/4)**(T - t)" and str(plain.threshold) == "(||R1||, 4)"
    assert plain.own == () and str(lstm.bound).startswith("Product(sqrt(")
    assert [str(size) for _, size in (*lstm.sizes, *gru.sizes, *before.sizes)] == ["s - 1", "1", "1"]
    leaky = 'Input(T, n) >> Scan("h = (1 - r)*h_prev + r*tanh(W @ x + R @ h_prev)", h=k, r=0.25) >> MeanSquaredError()'
    (memory,) = symprop.derive(leaky).through_time()
    assert str(memory.factor) == "||R1||/4 + 3/4" and str(memory.threshold) == "(||R1||, 1)"
    assert [each.jacobian.text() for each in (*lstm.own, *gru.own, *before.own)] == ["diag(f1[s])"] + [
        "diag(z1[s])"
    ] * 2
    assert lstm.kept == gru.kept == (1,)


def test_norms_over_time_are_those_of_a_recurrent_layer_by_hand() -> None:
    text, moments = "Input(5, 2) >> RNN(3, sequence=False) >> MeanSquaredError()", 5
    params = {name: value * 2 for name, value in symprop.compile(text).init_params(seed=3).items()}
    norms = symprop.norms_over_time(text, params, examples=1, seed=7)["h1"]
    network = symprop.parse_network(text).system()
    point = symprop.verify.points.random_point(network, np.random.default_rng(7), "numbers", 1)
    x, y = point.inputs["x"][0], point.targets["y"][0]

    def loss(added: np.ndarray) -> complex:
        h = np.zeros(3)
        for t in range(moments):
            h = np.tanh(params["W1"] @ x[t] + params["R1"] @ h + params["b1"]) + added[t]
        return complex(np.sum((h - y) ** 2) / 2)

    true = np.zeros((moments, 3))
    for place in np.ndindex(true.shape):
        added = np.zeros((moments, 3), complex)
        added[place] = 1j * STEP
        true[place] = loss(added).imag / STEP
    np.testing.assert_allclose(norms, np.linalg.norm(true, axis=1), rtol=1e-12)
    own = symprop.norms_over_time(text, params, np.stack([x, x]), [y, y])
    np.testing.assert_allclose(own["h1"], norms, rtol=1e-12)


def test_norms_of_a_batch_of_ones_own_are_of_what_counts_in_it() -> None:
    text = (
        "Input(6) >> Embedding(5, 3, flatten=False) >> LSTM(2) >> Dense(5) "
        '>> SoftmaxCrossEntropy(mask=Input(6, name="counted"))'
    )
    ids = np.arange(12).reshape(2, 6) % 5
    norms = symprop.norms_over_time(text, x={"x": ids, "counted": [2, 3]}, y=ids)
    assert (norms["c1"][:3] > 0).all() and not norms["c1"][3:].any()
    with pytest.raises(ValueError, match=r"y has shape \(2, 5\)"):
        symprop.norms_over_time(text, x={"x": ids, "counted": [2, 3]}, y=ids[:, 1:])
    with pytest.raises(symprop.SpecError, match="there is no y"):
        symprop.norms_over_time(text, x={"x": ids, "counted": [2, 3]})


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ("Input(4) >> Dense(3) >> MeanSquaredError()", "allowed: a recurrent layer such as LSTM(8)"),
        ("Input(T, 2) >> RNN(3) >> MeanSquaredError()", "needs numbers for the sizes"),
    ],
)
def test_what_is_refused(network: str, told: str) -> None:
    with pytest.raises(symprop.SpecError, match=re.escape(told)):
        symprop.norms_over_time(network)
    if "T" not in network:
        with pytest.raises(symprop.SpecError, match=re.escape(told)):
            symprop.derive(network).through_time()


def test_a_cell_grows_as_fast_as_is_said_and_not_faster() -> None:
    """With all gates open, c is nearly t; its bound is t, and larger where it starts with something."""
    system = symprop.parse_network('Input(9, 2) >> LSTM(3, initial="learned") >> MeanSquaredError()').system()
    sizes = Sizes(system, system.loops[0])
    _, cell = sizes.states.items()
    assert str(cell[1]) == "t + ||cs1||"
    given = (*system.parameters, *system.inputs, *system.targets)
    values = {each.name: np.zeros(tuple(map(int, each.shape))) for each in given}
    values |= {"b1": np.full(12, 9.0), "cs1": np.array([0, 3.0, 0])}
    run = Evaluator(Complex(), stacked(values, Complex()))
    run.run(unrolled(system, {}).equations)
    assert 11.9 < np.abs(unstacked(run.values["c1[9]"])).max() <= 9 + 3


def test_a_state_without_a_known_bound_is_not_called_unbounded() -> None:
    """What is multiplied by itself may grow in any way."""
    text = 'Input(T, 2) >> Scan("h = h_prev*h_prev*tanh(W @ x)", h=2) >> MeanSquaredError()'
    told = str(symprop.derive(text).through_time())
    assert "no bound of its norm: none is known of h⁽¹⁾ₛ₋₁" in told
