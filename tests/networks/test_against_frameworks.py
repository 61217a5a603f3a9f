"""Modules of other targets against the gradients of JAX and PyTorch; NumPy's are asked in `trust/networks.py`."""

from __future__ import annotations

import pytest
from against_frameworks import problems
from random_ways import Way

WITHOUT = "{0} is not installed: pip install 'symprop[{0}]'"


@pytest.mark.parametrize("target", ["jax", "torch"])
def test_the_other_targets_are_compared_too(target: str) -> None:
    pytest.importorskip(target, reason=WITHOUT.format(target))
    text = (
        'Input(3) >> Concatenate(Dense(4) >> GELU(), Input(2, name="ids") >> Embedding(4, 2), Input(3, name="side"))'
        " >> Repeat(Residual(Dense(11) >> Tanh()), 2, tied=True) >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.1)"
    )
    assert problems(text, [target], [Way(target)]) == []
