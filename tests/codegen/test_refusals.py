"""What the functions of a module refuse in words: `trust/module_calls.py` asks every argument of every function."""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symprop

TEXT = "Input(3) >> Dense(2) >> BatchNorm() >> Dropout(0.2) >> Dense(2) >> SoftmaxCrossEntropy()"
X, Y = np.arange(12.0).reshape(4, 3), [0, 1, 1, 0]


@pytest.fixture(scope="module", params=[True, False], ids=["fast", "to read"])
def module(request: pytest.FixtureRequest) -> ModuleType:
    return symprop.compile(TEXT, optimizer="adamw", fast=request.param)


@pytest.mark.parametrize(
    ("function", "given", "words"),
    [
        ("init_params", {"seed": "zz"}, "seed is 'zz'; it must be an integer from 0"),
        ("loss", {"params": 3}, "params .*must be a dict"),
        ("loss", {"params": {}}, "params .*they must be|params differs in"),
        ("loss", {"x": X + 0j}, "x must hold real numbers"),
        ("loss", {"x": np.ma.masked_array(X)}, "x must hold real numbers"),
        ("loss", {"x": [[1.0], [1.0, 2.0]]}, "x has rows of several lengths"),
        ("loss", {"x": np.full((4, 3), np.nan)}, "x.* finite number"),
        ("loss", {"training": "no"}, "training is 'no'; it must be True or False"),
        ("train_step", {"state": {}}, "state .*must be a dict of"),
        ("train_step", {"lr": "zz"}, "lr is 'zz'; it must be a number from 0"),
        ("train_step", {"beta1": 1.5}, "beta1 is 1.5; it must be a number from 0 to under 1"),
        ("train_step", {"max_norm": np.inf}, "max_norm is inf; it must be a number"),
        ("update", {"grads": {}}, "grads .*must be"),
        ("clip_gradients", {"grads": None}, "grads .*must be a dict"),
        ("clip_gradients", {"grads": {"W1": ["a"]}}, "W1.* must "),
        ("draw_masks", {"m": 2.5}, "m is 2.5; it must be an integer from 1"),
    ],
)
def test_wrong_arguments_are_told(module: ModuleType, function: str, given: dict[str, Any], words: str) -> None:
    params = module.init_params()
    good = {
        "loss": {"params": params, "x": X, "y": Y},
        "train_step": {"state": module.init_state(params), "x": X, "y": Y},
        "update": {"params": params, "grads": params, "state": module.init_state(params)},
        "clip_gradients": {"grads": params, "max_norm": 1.0},
    }.get(function, {})
    with pytest.raises(ValueError, match=words):
        vars(module)[function](**good | given)


def test_a_state_whose_parameters_are_copies_is_no_state_of_a_fast_module() -> None:
    module = symprop.compile(TEXT, optimizer="sgd")
    state = module.init_state(module.init_params())
    module.train_step(state, X, Y)
    module.train_step(copy.copy(state), X, Y)
    with pytest.raises(ValueError, match="must be views of its vector"):  # steps would change none of them
        module.train_step(copy.deepcopy(state), X, Y)
