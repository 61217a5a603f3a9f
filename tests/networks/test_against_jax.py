"""Random networks against JAX's own gradients; more of them by `python tests/against_jax.py --count 2000`."""

from __future__ import annotations

import numpy as np
import pytest
from against_jax import problems
from random_networks import network

pytest.importorskip("jax", reason="JAX is not installed: pip install 'symprop[jax]'")


@pytest.mark.parametrize("number", range(24))
def test_loss_and_gradients_are_those_of_jax(number: int) -> None:
    text = network(np.random.default_rng([2, number]))
    assert problems(text) == [], text


@pytest.mark.parametrize("target", ["jax", "torch"])
def test_the_other_targets_are_compared_too(target: str) -> None:
    pytest.importorskip(target, reason=f"{target} is not installed")
    text = (
        'Input(3) >> Concatenate(Dense(4) >> GELU(), Input(2, name="ids") >> Embedding(4, 2), Input(3, name="side"))'
        " >> Repeat(Residual(Dense(11) >> Tanh()), 2, tied=True) >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.1)"
    )
    assert problems(text, target) == []
