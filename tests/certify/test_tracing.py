"""Functions are read as formulas by calling them with names; what brings its own derivative is run by its library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symprop
from symprop.certify.tracing import traced
from symprop.errors import SpecError


@pytest.mark.parametrize(
    ("function", "declarations", "told"),
    [
        (lambda A, x: A @ x / 2 + 1, "", "A @ x / 2 + 1"),
        (lambda W, x, b: np.tanh(W @ x + b) * 2 - (1 - b), "", "2 * tanh(W @ x + b) - (1 - b)"),
        (lambda X: np.exp(X).sum(axis=0, keepdims=True).T, "X: m n", "sum(exp(X), axis=0, keepdims=True).T"),
        (
            lambda X, w: np.where(X @ w > 0, abs(X @ w), -((X @ w) ** 2)),
            "",
            "where(X @ w > 0, abs(X @ w), -(X @ w)**2)",
        ),
        (lambda X: np.concatenate([X[:, 1:], X[:, :1]], axis=1), "X: m n", "concatenate((X[:, 1:], X[:, :1]), axis=1)"),
        (lambda X: X.reshape(-1) / X.shape[0] ** 0.5, "X: 3 4", "reshape(X, (12,)) / sqrt(3)"),
        (lambda X: 2**X + 3 - X, "X: m n", "(2**X + 3) - X"),
        (lambda x: np.maximum(x, 0) + np.clip(x, -1, 1), "x: n", "maximum(x, 0) + minimum(maximum(x, -1), 1)"),
    ],
)
def test_what_a_function_does_is_its_formula(function: Callable[..., Any], declarations: str, told: str) -> None:
    assert traced(function, declarations).text() == told


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda x: x if x.sum() > 0 else -x, "a branch that depends on values"),
        (lambda x: sum(x), "a loop over an array"),
        (lambda x: np.linalg.qr(x)[0], "qr, which no formula has"),
        (lambda x: np.array([1.0, 2.0]) * x, "an array that is no parameter of the function"),
        (lambda x: x.frobnicate(), "'frobnicate' is no operation that a formula has"),
        (lambda x: [x], "it returns 'list', not one array"),
        (lambda x: 3, "it returns 'int', not one array"),
        (lambda x: x.shape[0] * x + len(x.shape), "how many axes an array has, which is not known"),
        (lambda x: 1 / 0, "ZeroDivisionError: division by zero (test_tracing.py"),
    ],
)
def test_what_no_formula_says_is_refused(function: Callable[..., Any], told: str) -> None:
    with pytest.raises(SpecError, match="cannot be traced") as caught:
        traced(function)
    assert told in str(caught.value) and len(str(caught.value).splitlines()) == 2


def test_a_function_of_torch_is_judged_with_its_own_backward_pass() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    def function(factor: float, apart: bool = False) -> Any:
        class Attention(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, Q: Any, K: Any, V: Any) -> Any:
                P = torch.softmax(Q @ K.transpose(0, 1) / Q.shape[-1] ** 0.5, dim=-1)
                ctx.save_for_backward(Q, K, V, P)
                return P @ V

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                Q, K, V, P = ctx.saved_tensors
                dP = g @ V.T
                dS = P * (dP - (dP * P).sum(1, keepdim=True)) * Q.shape[-1] ** -0.5
                return dS @ K, factor * dS.T @ Q, P.T @ g

        return Attention

    assert symprop.certify(function(1.0)).ok
    found = symprop.certify(function(2.0), declarations="Q: m d, K: n d, V: n k")
    assert [line.name for line in found.lines if not line.ok] == ["K"], found.table
    assert symprop.certify("softmax(Q @ K.T / sqrt(d)) @ V", function(1.0)).ok

    def tensors(Q: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        return g.unsqueeze(-1) * torch.ones_like(Q[:1]) if g.dim() else Q * 0

    assert symprop.certify("sum(Q, axis=1)", tensors, declarations="Q: m n").ok


def test_a_function_of_jax_is_judged_with_its_own_backward_pass() -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed")

    def function(sign: float) -> Any:
        f = jax.custom_vjp(lambda x, A: jax.numpy.tanh(A @ x))

        def forward(x: Any, A: Any) -> Any:
            value = jax.numpy.tanh(A @ x)
            return value, (x, A, value)

        def backward(saved: Any, g: Any) -> Any:
            x, A, value = saved
            d = g * (1 - value**2)
            return sign * A.T @ d, jax.numpy.outer(d, x)

        f.defvjp(forward, backward)
        return f

    assert symprop.certify("tanh(A @ x)", function(1.0)).ok
    found = symprop.certify("tanh(A @ x)", function(-1.0))
    assert [line.name for line in found.lines if not line.ok] == ["x"], found.table
    jitted = jax.jit(lambda A, x, g: jax.numpy.outer(g, x))
    assert symprop.certify("A @ x", jitted, "A").remarks[-1] == "called with arrays of jax"
