"""Statistics across the batch, by a toy layer of twenty lines: against a batch normalisation of NumPy's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_layers import Norm, toys

import symprop
from symprop.algebra.batching import BATCH_SIZE, batched
from symprop.algebra.elements import element
from symprop.algebra.nodes import BatchMean
from symprop.algebra.trees import walk
from symprop.algebra.unrolling import unrolled
from symprop.errors import ShapeError, SpecError
from symprop.saved import load_weights
from symprop.training import accuracy, mean_loss, predicted, train
from symprop.verify import noise
from symprop.verify.points import Point
from symprop.weights import save_weights

__all__ = ["toys"]
pytestmark = pytest.mark.usefixtures("toys")

Array = np.ndarray[Any, Any]
Values = Mapping[str, Array]

PLAIN = "Input(4) >> Dense(3) >> Norm() >> Tanh() >> Dense(2) >> MeanSquaredError()"
TWICE = "Input(3) >> Norm() >> Dense(3) >> Tanh() >> Norm() >> MeanSquaredError()"
RANK_3 = "Input(4, 3) >> Norm() >> Dense(2) >> Norm() >> MeanSquaredError()"
IDS = "Input(4) >> Embedding(7, 3, flatten=False) >> Norm() >> MeanSquaredError()"
BLOCKS = "Input(3) >> Repeat(Residual(Norm() >> Dense(3) >> Tanh()), 2) >> MeanSquaredError()"
TIED = BLOCKS.replace(", 2)", ", 2, tied=True)")
SYMBOLIC = "Input(n) >> Repeat(Residual(Norm() >> Dense(n) >> Tanh()), N) >> MeanSquaredError()"
CLASSES = "Input(4) >> Dense(5) >> Norm() >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy()"
NETWORKS = (PLAIN, TWICE, RANK_3, IDS, BLOCKS, TIED)

BOUND = 2e-9
"""Relative to the largest gradient: where a whole batch lies in one point, a deviation is sqrt(eps) = 1/316, and its
square divides sums of up to a hundred products, each off by 2**-53; 316**2 * 100 * 2**-53 = 1.1e-9."""


class Reference:
    """The toy layer in NumPy: statistics of the batch, or those that are given; `seen` are those it has met."""

    def __init__(self, params: Values, running: Values | None = None) -> None:
        self.params, self.running = params, running
        self.seen: list[tuple[Array, Array]] = []

    def norm(self, z: Array, number: int, own: int) -> Array:
        mu = z.mean(axis=0)
        nu = ((z - mu) ** 2).mean(axis=0)
        self.seen.append((mu, nu))
        if self.running is not None:
            mu, nu = self.running[f"R{number}"], self.running[f"V{number}"]
        return self.params[f"gamma{own}"] * (z - mu) / np.sqrt(nu + 1e-5) + self.params[f"beta{own}"]

    def dense(self, a: Array, number: int) -> Array:
        return a @ self.params[f"W{number}"].T + self.params[f"b{number}"]

    def blocks(self, a: Array, tied: bool) -> Array:
        for number in (1, 2):
            own = 1 if tied else number
            a = np.tanh(self.dense(self.norm(a, number, own), own)) + a
        return a


FORWARD: dict[str, Callable[[Reference, Array], Array]] = {
    PLAIN: lambda net, x: net.dense(np.tanh(net.norm(net.dense(x, 1), 1, 1)), 2),
    TWICE: lambda net, x: net.norm(np.tanh(net.dense(net.norm(x, 1, 1), 1)), 2, 2),
    RANK_3: lambda net, x: net.norm(net.dense(net.norm(x, 1, 1), 1), 2, 2),
    IDS: lambda net, x: net.norm(net.params["E1"][x], 1, 1),
    BLOCKS: lambda net, x: net.blocks(x, tied=False),
    TIED: lambda net, x: net.blocks(x, tied=True),
}


def loss_of(text: str, params: Values, x: Array, y: Array, running: Values | None = None) -> Any:
    """Return the mean loss of the reference: half the squared distance, over examples and positions."""
    return 0.5 * np.sum((FORWARD[text](Reference(params, running), x) - y) ** 2) / np.prod(y.shape[:-1])


def example(text: str, m: int, seed: int) -> tuple[Any, dict[str, Array], Array, Array]:
    """Return the module of a network, random parameters, and a batch."""
    random, module = np.random.default_rng(seed), symprop.compile(text)
    params = {name: random.standard_normal(shape) for name, shape in module.PARAMETERS.items()}
    system = symprop.parse_network(text).system()
    shape = tuple(map(int, system.inputs[0].shape))
    x = random.integers(0, 7, (m, *shape)) if text == IDS else 2 * random.standard_normal((m, *shape)) + 1
    return module, params, x, random.standard_normal((m, *map(int, system.output.shape)))


def slopes(text: str, params: dict[str, Array], x: Array, y: Array) -> dict[str, Array]:
    """Return the gradients of the reference by the complex step, coordinate by coordinate."""
    found = {name: np.zeros(value.shape) for name, value in params.items()}
    for name, value in params.items():
        for place in np.ndindex(value.shape):
            moved = value.astype(complex)
            moved[place] += 1e-30j
            found[name][place] = loss_of(text, {**params, name: moved}, x, y).imag / 1e-30
    return found


def assert_near(found: Values, true: Values) -> None:
    largest = max(1.0, *(float(np.abs(value).max()) for value in true.values()))
    assert list(found) == list(true)
    for name, value in true.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=BOUND * largest, err_msg=name)


def test_the_layer_is_at_most_twenty_lines() -> None:
    assert len([line for line in inspect.getsource(Norm).splitlines() if line.strip()]) <= 20


def test_the_kind_is_a_sum_in_a_batch_and_nothing_for_one_example() -> None:
    z = symprop.variable("z", (3,))
    rows, columns = symprop.variable("Z", ("m", 3)), symprop.variable("Z", (3, "m"))
    assert BatchMean(z).shape == (3,)
    with pytest.raises(ShapeError, match="no meaning for one example"):
        element(BatchMean(z), (0,))
    assert batched(BatchMean(z), {z: rows}, BATCH_SIZE, "rows").text() == "sum(Z, axis=0) / m"
    assert batched(BatchMean(z), {z: columns}, BATCH_SIZE, "columns").text() == "sum(Z, axis=1) / m"
    assert batched(z - BatchMean(z), {z: rows}, BATCH_SIZE, "rows").text() == "Z - sum(Z, axis=0) / m"
    assert batched(2 * BatchMean(z) + 1, {z: rows}, BATCH_SIZE, "rows").shape == (3,)  # the same for all examples
    assert batched(BatchMean(z), {}, BATCH_SIZE, "rows") == z


@pytest.mark.parametrize("text", [PLAIN, SYMBOLIC])
def test_a_network_with_statistics_is_derived_as_a_batch(text: str) -> None:
    found = symprop.derive(text)
    assert found.system.layout == "rows"
    assert not any(isinstance(part, BatchMean) for equation in found.equations for part in walk(equation.expression))
    assert symprop.derive(text, layout="columns").system.layout == "columns"
    with pytest.raises(SpecError, match="no form for one example"):
        symprop.derive(text, layout="example")
    with pytest.raises(ShapeError, match="one example"):
        found.jacobian("z1", "x")
    page = " ".join(found.text().replace("#", "").split())
    assert "there is no form for one" in page and "running statistic" in page


@pytest.mark.parametrize("m", range(1, 6))
@pytest.mark.parametrize("text", NETWORKS)
def test_gradients_are_those_of_a_normalisation_in_numpy(text: str, m: int) -> None:
    module, params, x, y = example(text, m, m)
    true = slopes(text, params, x, y)
    loss, grads = module.loss_and_grads(params, x, y)
    np.testing.assert_allclose([loss, module.loss(params, x, y)], loss_of(text, params, x, y), rtol=BOUND)
    assert_near(grads, true)
    point = Point(params, {"x": x}, {"y": y}, {"y": y}, "numbers", m)
    assert_near(noise.equations_gradients(symprop.derive(text, layout="columns"), point), true)


@pytest.mark.parametrize("text", [TWICE, RANK_3, TIED])
@pytest.mark.parametrize("unbiased", [True, False])
def test_a_step_updates_running_statistics_and_evaluation_reads_them(text: str, unbiased: bool) -> None:
    written = text if unbiased else text.replace("Norm()", "Norm(False)")
    module = symprop.compile(written, optimizer="sgd")
    _, params, x, y = example(text, 5, 1)
    state = module.init_state(params)
    running = {name: value.copy() for name, value in module.init_running().items()}
    assert not set(running) & set(module.init_params()) and set(running) == set(module.STATISTICS)
    for m in (5, 3, 1):
        net = Reference({name: value.copy() for name, value in state["params"].items()})
        FORWARD[text](net, x[:m])
        module.train_step(state, x[:m], y[:m], lr=0.01)
        for number, (mu, nu) in enumerate(net.seen, start=1):
            running[f"R{number}"] = 0.9 * running[f"R{number}"] + 0.1 * mu
            if m > 1 or not unbiased:  # one example has no unbiased variance
                factor = m / (m - 1) if unbiased else 1
                running[f"V{number}"] = 0.9 * running[f"V{number}"] + 0.1 * factor * nu
        for name, value in running.items():
            np.testing.assert_allclose(state[name], value, rtol=0, atol=BOUND * max(1.0, np.abs(value).max()))
    now = state["params"]
    true = FORWARD[text](Reference(now, running), x)
    for found in (module.predict(now, x, state), module.forward(now, x, training=False, state=state)):
        np.testing.assert_allclose(found, true, rtol=0, atol=BOUND * np.abs(true).max())
    np.testing.assert_allclose(module.predict(now, x[:1], state), true[:1], rtol=0, atol=BOUND * np.abs(true).max())
    loss = module.loss(now, x, y, training=False, state=running)
    np.testing.assert_allclose(loss, loss_of(text, now, x, y, running), rtol=BOUND)


def test_evaluation_asks_for_running_statistics() -> None:
    module, params, x, _ = example(PLAIN, 2, 0)
    running = module.init_running()
    for state, said in (
        (None, "give `state`"),
        ({"R1": running["R1"]}, r"state differs in \['V1'\]"),
        ({**running, "V1": np.ones(2)}, "V1 has shape"),
        ({**running, "V1": np.full(3, np.nan)}, "V1"),
    ):
        with pytest.raises(ValueError, match=said):
            module.predict(params, x, state)


def test_a_network_without_statistics_has_none_of_it() -> None:
    for fast in (False, True):
        source = symprop.generate("Input(4) >> Dense(3) >> MeanSquaredError()", optimizer="sgd", fast=fast)
        assert not any(word in source for word in ("STATISTICS", "running", "training=", "statistics"))


def test_memory_of_statistics_is_not_taken_by_others() -> None:
    module, params, x, y = example(TWICE, 4, 2)
    work = module.make_workspace(4)
    first = module.loss_and_grads(params, x, y, work)[1]["W1"].copy()
    net = Reference(params)
    FORWARD[TWICE](net, x)
    for number, (mu, nu) in enumerate(net.seen, start=1):
        np.testing.assert_allclose(work.statistics[f"mu{number}"], mu, rtol=0, atol=BOUND)
        np.testing.assert_allclose(work.statistics[f"nu{number}"], nu, rtol=0, atol=BOUND)
    np.testing.assert_array_equal(module.loss_and_grads(params, x, y, work)[1]["W1"], first)


@pytest.mark.parametrize("options", [{"target": "numba"}, {"threads": 2}, {"dtype": "float32"}])
def test_every_target_trains_alike(options: dict[str, Any]) -> None:
    if "target" in options:
        pytest.importorskip("numba")  # the compiler is optional
    random = np.random.default_rng(3)
    x, y = random.standard_normal((20, 4)), random.integers(0, 3, 20)
    plain, other = (symprop.compile(CLASSES, optimizer="sgd", **given) for given in ({}, options))
    start = plain.init_params(seed=1)
    each = []
    for module in (plain, other):
        params = {name: value.astype(module.DTYPE) for name, value in start.items()}
        each.append(train(module, x.astype(module.DTYPE), y, epochs=2, batch=8, params=params))
    # three steps of an epoch in float32: some hundreds of roundings of 6e-8, times a condition of up to ten
    bound = 1e-3 if "dtype" in options else BOUND
    assert set(each[0].running) == {"R1", "V1"}
    for name, value in {**each[0].params, **each[0].running}.items():
        np.testing.assert_allclose({**each[1].params, **each[1].running}[name], value, rtol=bound, atol=bound)


def test_saved_weights_keep_running_statistics(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    x, y = 3 * random.standard_normal((30, 4)) + 1, random.integers(0, 3, 30)
    module = symprop.compile(CLASSES, optimizer="sgd")
    trained = train(module, x, y, epochs=3, batch=10)
    path = tmp_path / "weights.npz"
    save_weights(path, {**trained.params, **trained.running}, {"network": CLASSES})
    model = load_weights(path)
    assert list(model.params) == list(module.PARAMETERS) and list(model.running) == list(module.STATISTICS)
    by_hand = predicted(module, trained.params, x, trained.running)
    np.testing.assert_array_equal(model.predict(x[:7]), by_hand[:7])  # a row's class does not hang on its batch
    assert 0 <= accuracy(module, trained.params, x, y, trained.running) <= 1
    assert mean_loss(module, trained.params, x, y, trained.running) == module.loss(
        trained.params, x, y, training=False, state=trained.running
    )


@pytest.mark.parametrize("text", [CLASSES, RANK_3, IDS, TIED, SYMBOLIC, SYMBOLIC.replace(", N)", ", N, tied=True)")])
def test_it_is_certified_as_a_batch(text: str) -> None:
    certificate = symprop.check(text, sizes={"n": 3} if "(n)" in text else None)
    assert certificate.ok, certificate.table()
    assert not any("mean of its examples" in row.oracle for row in certificate.rows)
    assert any("join its examples" in remark for remark in certificate.remarks)
    assert {"R1", "V1"} <= {row.name for row in certificate.rows}


def test_a_report_leaves_out_what_is_of_one_example() -> None:
    report = symprop.report(symprop.parse_network(BLOCKS))
    titles = [section.title for section in report.sections]
    assert "Residual blocks" not in titles and "Certificate" in titles
    assert "no form for one alone" in report.html()
    with pytest.raises(SpecError, match="no form for one example"):
        symprop.report(symprop.parse_network(BLOCKS), layout="example").latex()


def test_two_networks_are_compared_as_batches() -> None:
    found = symprop.diff(BLOCKS, BLOCKS.replace("Tanh", "ReLU"))
    assert found.layout == "rows" and not found.jacobians
    plain = "Input(3) >> Dense(3) >> MeanSquaredError()"
    assert symprop.diff(plain, plain.replace("Dense", "Norm() >> Dense")).layout == "rows"


def test_loops_written_out_have_the_states_of_each_step() -> None:
    written = symprop.parse_network(SYMBOLIC).system()
    found = unrolled(written, {written.loops[0].count: 2})
    numbered = symprop.parse_network(SYMBOLIC).with_sizes({"N": 2}).system()
    assert [state.variable.name for state in found.states] == ["R1", "R2", "V1", "V2"]
    assert set(found.states) == set(numbered.states)
    assert {each.name: each.text() for each in found.evaluated.equations}.items() >= {"mu2": "mu2 = R2"}.items()
