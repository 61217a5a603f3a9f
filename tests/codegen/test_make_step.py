"""A step whose parameters are checked once: the numbers of `loss_and_grads`, bit by bit, and what it refuses."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symprop
from symprop.networks.spec import as_network

TEXTS = (
    "Input(2) >> Dense(2) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()",
    "Input(20) >> Dense(40) >> ReLU() >> Residual(Dense(40) >> GELU()) >> Dense(3) >> MeanSquaredError()",
    "Input(3) >> Embedding(5, 4) >> Dense(3) >> SoftmaxCrossEntropy()",
    "Input(4) >> Dense(1) >> BinaryCrossEntropy(from_logits=True)",
    'Input(4, name="u") >> Dense(3) >> MeanSquaredError()',
)


def made(text: str, m: int, dtype: str = "float64", **options: Any) -> tuple[ModuleType, dict[str, Any], Any, Any]:
    """Return a module, and random parameters, inputs and targets in its precision."""
    module = symprop.compile(text, dtype=dtype, **options)
    random = np.random.default_rng(m)
    system = as_network(text).system()
    x, y = system.inputs[0], system.targets[0]
    sizes = [(m, *map(int, each.shape)) for each in (x, y)]
    ids = x.facts_by_kind.get("index")
    given = random.normal(size=sizes[0]) if ids is None else random.integers(0, int(ids), sizes[0])
    targets = random.uniform(0.1, 0.9, sizes[1])
    rows = targets / targets.sum(axis=-1, keepdims=True) if sizes[1][-1] > 1 else targets
    params = {name: random.normal(size=shape).astype(module.DTYPE) for name, shape in module.PARAMETERS.items()}
    return module, params, given if ids is not None else given.astype(module.DTYPE), rows.astype(module.DTYPE)


def assert_same(found: tuple[float, dict[str, Any]], expected: tuple[float, dict[str, Any]]) -> None:
    """The same operations on the same numbers: no bit differs."""
    assert found[0] == expected[0] and list(found[1]) == list(expected[1])
    assert all(np.array_equal(found[1][name], value) for name, value in expected[1].items())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("m", [1, 70])
@pytest.mark.parametrize("text", TEXTS)
def test_a_step_gives_what_loss_and_grads_gives_and_sees_changes_in_place(text: str, m: int, dtype: str) -> None:
    module, params, x, y = made(text, m, dtype)
    step = module.make_step(params, m)
    for _ in range(2):
        assert_same(step(x, y), module.loss_and_grads(params, x, y))
        for value in params.values():
            value *= 0.5
    _, grads = step(x, y)
    assert all(value.base is step.work.gradient for value in grads.values())


def test_a_step_takes_class_ids_and_what_can_be_made_an_array() -> None:
    module, params, x, _ = made(TEXTS[0], 3)
    step = module.make_step(params, 3)
    expected = module.loss_and_grads(params, x, [0, 1, 1])
    assert_same(step(x, np.array([0, 1, 1])), expected)
    assert_same(step(x.tolist(), [0, 1, 1]), expected)


def test_what_no_step_can_take_is_refused_when_it_is_made() -> None:
    module, params, _, _ = made(TEXTS[0], 3)
    with pytest.raises(ValueError, match=r"W1 has shape \(3, 2\); it must be \(2, 2\)"):
        module.make_step(params | {"W1": np.ones((3, 2))}, 3)
    with pytest.raises(ValueError, match=r"'W1' in params must be an array of float64 in shape \(2, 2\)"):
        module.make_step(params | {"W1": params["W1"].tolist()}, 3)
    with pytest.raises(ValueError, match="'b1' in params must be an array of float64"):
        module.make_step(params | {"b1": params["b1"].astype(np.float32)}, 3)
    with pytest.raises(ValueError, match=r"params differs in \['W1', 'b1', .*\]; it must be a dict of W1, b1"):
        module.make_step({}, 3)
    with pytest.raises(ValueError, match="batch is 0; it must be an integer from 1"):
        module.make_step(params, 0)


def test_what_would_be_wrong_silently_is_refused_in_each_step() -> None:
    module, params, x, y = made(TEXTS[0], 3)
    step = module.make_step(params, 3)
    with pytest.raises(ValueError, match="work is for batches of 3 rows, but x has 2"):
        step(x[:2], y[:2])
    with pytest.raises(ValueError, match=r"x has shape \(3, 3\)"):
        step(np.ones((3, 3)), y)
    with pytest.raises(ValueError, match="y has shape"):
        step(x, y[:2])
    for wrong in (-1, 2):
        with pytest.raises(ValueError, match=rf"y\[1\] is {wrong}; it must be an integer from 0 to 1"):
            step(x, np.array([0, wrong, 1]))
    with pytest.raises(ValueError, match="it must sum to 1"):
        step(x, 2 * y)
    lookup, params, x, y = made(TEXTS[2], 3)
    with pytest.raises(ValueError, match="it must be an integer from 0 to 4"):
        lookup.make_step(params, 3)(x + 5, y)


def test_a_number_that_is_not_finite_comes_out_again() -> None:
    module, params, x, y = made(TEXTS[0], 3)
    x[1, 0] = np.nan
    loss, grads = module.make_step(params, 3)(x, y)
    assert np.isnan(loss) and all(np.isnan(value).any() for value in grads.values())


def test_training_checks_what_is_given_and_not_its_own_parameters() -> None:
    module, params, x, y = made(TEXTS[1], 70, optimizer="sgd")
    state = module.init_state(params)
    expected = module.loss_and_grads(params, x, y)
    assert module.train_step(state, x, y) == expected[0]
    for wrong in (None, 3, [], np.ones((70, 2)), np.full((70, 20), np.nan)):
        with pytest.raises(ValueError, match=r"^x\b"):
            module.train_step(state, wrong, y)
    with pytest.raises(ValueError, match="y has"):
        module.train_step(state, x, y[:3])


def test_each_trick_of_a_step_is_explained_once() -> None:
    source = symprop.generate(TEXTS[0].replace("Dense(2)", "Dense(20)").replace("Tanh", "ReLU"), fast=True)
    for why in ("np.dot would first clear", "written into the workspace", "BLAS takes half as long", "many at a time"):
        assert source.count(why) == 1, why
    for why in ("the sign of an output", "no array for the terms", "read here for the last time", "small buffers"):
        assert source.count(why) == 1, why
