"""Backward passes as people write them, each beside its forward pass, and mistakes that people make in them.

A mistake is a piece of the source, what stands in its place, and the gradients that it makes wrong. They are those that
weak tests hide: with the sum as a loss a norm's gradient is 0 however wrong it is, a scale of 1 hides where it belongs,
one head in a group hides the sum over the group, a batch of 1 the sum over the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Mistake = tuple[str, str, str]


@dataclass(frozen=True)
class Case:
    """A forward pass, the source of a right backward pass called `f`, and mistakes in it."""

    name: str
    forward: str
    where: str
    source: str
    mistakes: tuple[Mistake, ...] = ()
    wrt: str | None = None

    def backward(self, mistake: Mistake | None = None) -> Callable[..., Any]:
        source = self.source
        if mistake is not None:
            assert source.count(mistake[0]) >= 1, mistake
            source = source.replace(mistake[0], mistake[1])
        names: dict[str, Any] = {"np": np, "softmax": softmax, "sigmoid": sigmoid}
        exec(source, names)
        return names["f"]


def softmax(s: Any, axis: int = -1) -> Any:
    e = np.exp(s - s.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


CASES = (
    Case(
        "attention",
        "softmax(Q @ K.T / sqrt(d)) @ V",
        "",
        """def f(Q, K, V, d, g):
            P = softmax(Q @ K.T / np.sqrt(d))
            dP = g @ V.T
            dS = P * (dP - np.sum(dP * P, 1, keepdims=True)) / np.sqrt(d)
            return dS @ K, dS.T @ Q, P.T @ g""",
        (
            ("keepdims=True)) / np.sqrt(d)", "keepdims=True))", "Q K"),
            (" - np.sum(dP * P, 1, keepdims=True)", "", "Q K"),
            ("dP * P, 1", "dP * P, 0", "Q K"),
            ("dP * P, 1", "dP, 1", "Q K"),
            ("dS = P * ", "dS = ", "Q K"),
            ("dS @ K, dS.T @ Q", "dS @ K, -dS.T @ Q", "K"),
        ),
    ),
    Case(
        "attention, names of its parts, the output called O",
        "S = Q @ K.T / sqrt(d); P = softmax(S); O = P @ V",
        "Q: m d, K: n d, V: n k",
        """def f(dO, Q, K, V, P, d, O):
            D = np.sum(dO * O, 1, keepdims=True)
            dS = P * (dO @ V.T - D) / np.sqrt(d)
            return {"dQ": dS @ K, "dK": dS.T @ Q, "dV": P.T @ dO}""",
        (("D = np.sum(dO * O", "D = np.sum(dO * 1", "Q K"), ("P.T @ dO", "P.T @ O", "V")),
    ),
    Case(
        "two heads that share keys and values",
        "P = softmax(Q @ K.T / 2); R = softmax(T @ K.T / 2); concatenate([P @ V, R @ V], axis=1)",
        "Q: m d, T: m d, K: n d, V: n k",
        """def f(Q, T, K, V, P, R, g):
            k = V.shape[1]
            def back(P, g):
                dP = g @ V.T
                return P * (dP - np.sum(dP * P, 1, keepdims=True)) / 2
            one, other = back(P, g[:, :k]), back(R, g[:, k:])
            dK = one.T @ Q + other.T @ T
            dV = P.T @ g[:, :k] + R.T @ g[:, k:]
            return one @ K, other @ K, dK, dV""",
        (
            (" + other.T @ T", "", "K"),
            (" + R.T @ g[:, k:]", "", "V"),
            ("back(R, g[:, k:])", "back(R, g[:, :k])", "T K"),
        ),
        "Q T K V",
    ),
    Case(
        "layer normalisation of a batch",
        "C = X - mean(X, axis=1, keepdims=True); r = 1 / sqrt(mean(C**2, axis=1, keepdims=True) + 1e-5);"
        "N = C * r; N * gamma + beta",
        "X: m n, gamma: n, beta: n",
        """def f(X, gamma, N, r, g):
            G = g * gamma
            dX = r * (G - G.mean(1, keepdims=True) - N * (G * N).mean(1, keepdims=True))
            return dX, (g * N).sum(0), g.sum(0)""",
        (
            ("G = g * gamma", "G = g", "X"),
            ("dX = r * (G", "dX = gamma * r * (G", "X"),
            (" - G.mean(1, keepdims=True)", "", "X"),
            (" - N * (G * N).mean(1, keepdims=True)", "", "X"),
            ("(G * N).mean(1", "(G * N).sum(1", "X"),
            ("dX = r * ", "dX = ", "X"),
            ("(g * N).sum(0)", "(g * N).mean(0)", "gamma"),
            ("g.sum(0)", "g.sum(0) / len(g)", "beta"),
        ),
    ),
    Case(
        "RMS norm of a sum that goes on",
        "h = x + y; r = 1 / sqrt(mean(h**2) + 1e-6); w * (h * r) + h",
        "x: n, y: n, w: n",
        """def f(h, r, w, g):
            G = g * w
            dh = r * (G - h * r * r * np.mean(G * h)) + g
            return {"x": dh, "y": dh, "w": g * h * r}""",
        (
            ("np.mean(G * h)) + g", "np.mean(G * h))", "x y"),
            ("G = g * w", "G = (g + g / w) * w; g = g * 0 + g", "x y"),
            ("r * r * np.mean", "r * np.mean", "x y"),
            ("r * (G - h", "w * r * (g - h", "x y"),
        ),
    ),
    Case(
        "a linear layer of a batch",
        "X @ W.T + b",
        "X: m n, W: k n, b: k",
        """def f(grad_output, X, W):
            dX = grad_output @ W
            dW = grad_output.T @ X
            db = grad_output.sum(0)
            return dX, dW, db""",
        (
            ("sum(0)", "mean(0)", "b"),
            ("sum(0)", "sum()", "b"),
            ("grad_output.T @ X", "X.T @ grad_output", "W"),
            ("grad_output.T @ X", "grad_output[:1].T @ X[:1]", "W"),
            ("dX = grad_output @ W", "dX = -grad_output @ W", "X"),
        ),
    ),
    Case(
        "softmax cross-entropy of a batch",
        "-sum(Y * log_softmax(X @ W.T)) / m",
        "X: m n, W: k n, Y: m k one-hot",
        """def f(X, W, Y):
            return {"dW": (softmax(X @ W.T) - Y).T @ X / len(X)}""",
        ((" / len(X)", "", "W"), ("(softmax(X @ W.T) - Y)", "(1 - softmax(X @ W.T) * Y)", "W")),
    ),
    Case(
        "SwiGLU",
        "a = X @ W; u = X @ U; a * sigmoid(a) * u",
        "X: m n, W: n k, U: n k",
        """def f(X, W, U, a, u, g):
            s = sigmoid(a)
            da = g * u * (s + a * s * (1 - s))
            du = g * a * s
            return da @ W.T + du @ U.T, X.T @ da, X.T @ du""",
        (
            (" + du @ U.T", "", "X"),
            ("s + a * s * (1 - s)", "s * (1 - s)", "X W"),
            ("du = g * a * s", "du = g * s", "X U"),
        ),
    ),
    Case(
        "a recurrent step of a GRU",
        "z = sigmoid(Wz @ h + x); c = tanh(Wc @ h); (1 - z) * h + z * c",
        "Wz: n n, Wc: n n, h: n, x: n",
        """def f(Wz, Wc, h, z, c, g):
            dz = g * (c - h) * z * (1 - z)
            dc = g * z * (1 - c * c)
            return np.outer(dz, h), np.outer(dc, h), g * (1 - z) + Wz.T @ dz + Wc.T @ dc, dz""",
        (
            ("g * (1 - z) + ", "", "h"),
            ("(1 - c * c)", "(1 - c)", "Wc h"),
            ("c - h", "h - c", "Wz h x"),
            ("Wz.T @ dz", "Wz @ dz", "h"),
        ),
        "Wz Wc h x",
    ),
    Case(
        "the temperature of a softmax, which is a scalar",
        "-log(softmax(z / tau) @ y)",
        "z: n, y: n one-hot, tau: positive",
        """def f(z, y, tau, g):
            e = g * (softmax(z / tau) - y)
            return e / tau, -e @ z / tau**2""",
        (("e / tau, ", "e, ", "z"), ("-e @ z / tau**2", "-e @ z / tau", "tau"), ("g * (", "(", "z tau")),
        "z tau",
    ),
    Case(
        "the log-determinant of a covariance",
        "logdet(S) + x @ inv(S) @ x",
        "S: n n positive-definite, x: n",
        """def f(S, x):
            P = np.linalg.inv(S)
            v = P @ x
            return P - np.outer(v, v), 2 * v""",
        ((" - np.outer(v, v)", "", "S"), ("2 * v", "v", "x"), ("P - np", "P + np", "S")),
    ),
)
"""By formulas and systems of named equations."""

NETWORKS = (
    Case(
        "two dense layers under cross-entropy, targets as ids",
        "Input(4) >> Dense(3) >> Tanh() >> Dense(5) >> SoftmaxCrossEntropy()",
        "",
        """def f(W1, b1, W2, b2, x, y):
            a = np.tanh(x @ W1.T + b1)
            d2 = softmax(a @ W2.T + b2)
            d2[np.arange(len(x)), y] -= 1
            d2 /= len(x)
            d1 = d2 @ W2 * (1 - a * a)
            return d1.T @ x, d1.sum(0), d2.T @ a, d2.sum(0)""",
        (
            ("d2 /= len(x)", "pass", "W1 b1 W2 b2"),
            (" * (1 - a * a)", "", "W1 b1"),
            (" * (1 - a * a)", " * (1 - a)", "W1 b1"),
            ("d1.sum(0)", "d1.mean(0)", "b1"),
        ),
    ),
    Case(
        "layer normalisation without a loss",
        "Input(n) >> LayerNorm()",
        "",
        """def f(x_hat1, r1, gamma1, dout):
            G = dout * gamma1
            dx = r1[:, None] * (G - G.mean(1, keepdims=True) - x_hat1 * (G * x_hat1).mean(1, keepdims=True))
            return dx, (dout * x_hat1).sum(0), dout.sum(0)""",
        (("G = dout * gamma1", "G = dout", "x"), ("dout.sum(0)", "dout[0]", "beta1")),
    ),
    Case(
        "batch normalisation in training",
        "Input(3) >> BatchNorm()",
        "",
        """def f(x_hat1, r1, gamma1, g):
            G = g * gamma1
            dx = r1 * (G - G.mean(0) - x_hat1 * (G * x_hat1).mean(0))
            return {"dx": dx, "dgamma1": (g * x_hat1).sum(0), "dbeta1": g.sum(0)}""",
        ((" - G.mean(0) - x_hat1 * (G * x_hat1).mean(0)", "", "x"), ("G.mean(0)", "G.mean(1, keepdims=True)", "x")),
    ),
    Case(
        "a residual block",
        "Input(3) >> Residual(Dense(3) >> ReLU()) >> MeanSquaredError()",
        "",
        """def f(params, x, y, z1, a1):
            d = (a1 - y) / len(x)
            d1 = d * (z1 > 0)
            return {"dW1": d1.T @ x, "db1": d1.sum(0), "dx": d + d1 @ params["W1"]}""",
        ((" * (z1 > 0)", "", "W1 b1 x"), ("d + d1 @", "d1 @", "x"), ("/ len(x)", "", "W1 b1 x")),
    ),
)
