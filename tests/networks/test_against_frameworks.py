"""Random networks against the gradients of JAX and PyTorch; more of them by `python tests/against_frameworks.py`."""

from __future__ import annotations

import numpy as np
import pytest
from against_frameworks import FORMS, problems
from random_networks import network
from random_transformers import transformer

WITHOUT = "{0} is not installed: pip install 'symprop[{0}]'"


@pytest.mark.parametrize("number", range(16))
def test_loss_and_gradients_are_those_of_jax(number: int) -> None:
    pytest.importorskip("jax", reason=WITHOUT.format("jax"))
    text = network(np.random.default_rng([2, number]), places=number % 2 == 0)
    assert problems(text, ["jax"]) == [], text


@pytest.mark.parametrize("number", range(12))
def test_loss_and_gradients_are_those_of_torch(number: int) -> None:
    pytest.importorskip("torch", reason=WITHOUT.format("torch"))
    text = network(np.random.default_rng([3, number]), places=number % 4 != 0)
    assert problems(text, ["torch"], FORMS) == [], text


@pytest.mark.parametrize("engine", ["jax", "torch"])
@pytest.mark.parametrize("number", range(4))
def test_transformers_are_those_of_a_framework(engine: str, number: int) -> None:
    pytest.importorskip(engine, reason=WITHOUT.format(engine))
    text = transformer(np.random.default_rng([4, number]))
    assert problems(text, [engine]) == [], text


@pytest.mark.parametrize("target", ["jax", "torch"])
def test_the_other_targets_are_compared_too(target: str) -> None:
    pytest.importorskip(target, reason=WITHOUT.format(target))
    text = (
        'Input(3) >> Concatenate(Dense(4) >> GELU(), Input(2, name="ids") >> Embedding(4, 2), Input(3, name="side"))'
        " >> Repeat(Residual(Dense(11) >> Tanh()), 2, tied=True) >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.1)"
    )
    assert problems(text, [target], target=target) == []
