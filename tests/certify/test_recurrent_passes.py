"""Backward passes of recurrent cells, written by hand as a loop over moments."""

from __future__ import annotations

from typing import Any

import numpy as np

import symprop

LEAKY = 'Input(T, n) >> Scan("h = (1 - r)*h_prev + r*tanh(W @ x + R @ h_prev + b)", h=k, r=0.2) >> MeanSquaredError()'


def leaky(W1: Any, R1: Any, b1: Any, x: Any, y: Any, keeps: float = 0.8) -> dict[str, Any]:
    """The gradients of a leaky unit, of which the state keeps 0.8 and moves by 0.2; `keeps` is what flows back."""
    m, moments, _ = x.shape
    h = np.zeros((moments + 1, m, len(b1)))
    u = np.zeros((moments, m, len(b1)))
    for t in range(moments):
        u[t] = np.tanh(x[:, t] @ W1.T + h[t] @ R1.T + b1)
        h[t + 1] = 0.8 * h[t] + 0.2 * u[t]
    dW, dR, db, dh = np.zeros_like(W1), np.zeros_like(R1), np.zeros_like(b1), np.zeros_like(h[0])
    for t in reversed(range(moments)):
        dh = dh + (h[t + 1] - y[:, t]) / (m * moments)
        delta = 0.2 * dh * (1 - u[t] ** 2)
        dW, dR, db = dW + delta.T @ x[:, t], dR + delta.T @ h[t], db + delta.sum(0)
        dh = keeps * dh + delta @ R1
    return {"dW1": dW, "dR1": dR, "db1": db}


def forgetful(W1: Any, R1: Any, b1: Any, x: Any, y: Any) -> dict[str, Any]:
    """The same without the path on which the state keeps what it was."""
    return leaky(W1, R1, b1, x, y, keeps=0.0)


def test_a_cell_of_ones_own_is_certified_and_the_path_that_lacks_is_named() -> None:
    assert symprop.certify(LEAKY, leaky, seed=1).ok
    found = symprop.certify(LEAKY, forgetful)
    assert not found.ok and "lacks the term" in found.message and "dh1[2]" in found.message
