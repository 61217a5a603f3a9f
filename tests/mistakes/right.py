"""Backward passes that are right, written by hand: none of them may be called wrong.

A row is a formula, the shapes of its variables, by what it is differentiated, and the way back, whose parameters are
the variables that it reads and the cotangent `g`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

inv, T = np.linalg.inv, np.transpose


def sig(x):
    return 1 / (1 + np.exp(-x))


def soft(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def normal(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def cdf(x):
    return np.array([(1 + math.erf(each / math.sqrt(2))) / 2 for each in x])


def hot(i, k):
    return np.eye(k)[i]


def ends(g):
    """The way back through differences of neighbours."""
    zero = np.zeros(1)
    return np.concatenate((zero, g)) - np.concatenate((g, zero))


Row = tuple[str, str, str, Callable[..., Any]]

PRODUCTS: tuple[Row, ...] = (
    ("x @ A @ x", "A: n n, x: n", "A x", lambda A, x, g: (g * np.outer(x, x), g * (A @ x + x @ A))),
    (
        "trace(A @ X @ B)",
        "A: n m, X: m k, B: k n",
        "A X B",
        lambda A, X, B, g: (g * T(X @ B), g * A.T @ B.T, g * T(A @ X)),
    ),
    ("A @ X @ B", "A: n m, X: m k, B: k p", "A X B", lambda A, X, B, g: (g @ T(X @ B), A.T @ g @ B.T, T(A @ X) @ g)),
    ("X @ X.T", "X: m n", "X", lambda X, g: ((g + g.T) @ X,)),
    ("X.T @ X", "X: m n", "X", lambda X, g: (X @ (g + g.T),)),
    ("X @ A @ X.T", "X: m n, A: n n", "X A", lambda X, A, g: (g @ X @ A.T + g.T @ X @ A, X.T @ g @ X)),
    ("A @ A", "A: n n", "A", lambda A, g: (g @ A.T + A.T @ g,)),
    ("A @ A @ A", "A: n n", "A", lambda A, g: (g @ T(A @ A) + A.T @ g @ A.T + T(A @ A) @ g,)),
    ("outer(x, y)", "x: m, y: n", "x y", lambda x, y, g: (g @ y, x @ g)),
    (
        "kron(A, B)",
        "A: 2 3, B: 3 2",
        "A B",
        lambda A, B, g: (
            np.einsum("iajb,ab->ij", g.reshape(2, 3, 3, 2), B),
            np.einsum("iajb,ij->ab", g.reshape(2, 3, 3, 2), A),
        ),
    ),
    ("A * B + A / B", "A: m n, B: m n positive", "A B", lambda A, B, g: (g * B + g / B, g * A - g * A / B**2)),
    (
        "diag(a) @ B @ diag(c)",
        "a: m, B: m n, c: n",
        "a B c",
        lambda a, B, c, g: ((g * B) @ c, np.outer(a, c) * g, a @ (g * B)),
    ),
    ("X @ w + b", "X: m n, w: n, b:", "X w b", lambda X, w, b, g: (np.outer(g, w), X.T @ g, g.sum())),
    ("X @ W + b", "X: m n, W: n k, b: k", "X W b", lambda X, W, b, g: (g @ W.T, X.T @ g, g.sum(axis=0))),
    ("W @ X + b[:, None]", "X: n m, W: k n, b: k", "X W b", lambda X, W, b, g: (W.T @ g, g @ X.T, g.sum(axis=1))),
    (
        "P @ Q",
        "P: b m n, Q: b n k",
        "P Q",
        lambda P, Q, g: (np.einsum("bmk,bnk->bmn", g, Q), np.einsum("bmn,bmk->bnk", P, g)),
    ),
    ("P @ W", "P: b m n, W: n k", "P W", lambda P, W, g: (g @ W.T, np.einsum("bmn,bmk->nk", P, g))),
    ("einsum('ij,jk,kl->il', A, B, C)", "A: m n, B: n k, C: k p", "B", lambda A, B, C, g: (A.T @ g @ C.T,)),
    (
        "einsum('bi,ij,bj->b', X, A, Y)",
        "X: b m, A: m n, Y: b n",
        "X A Y",
        lambda X, A, Y, g: (g[:, None] * (Y @ A.T), np.einsum("b,bi,bj->ij", g, X, Y), g[:, None] * (X @ A)),
    ),
    (
        "norm(A @ x - b)**2",
        "A: m n, x: n, b: m",
        "A x b",
        lambda A, x, b, g: (2 * g * np.outer(A @ x - b, x), 2 * g * A.T @ (A @ x - b), 2 * g * (b - A @ x)),
    ),
    (
        "norm(A @ x)",
        "A: m n, x: n",
        "A x",
        lambda A, x, g: (g * np.outer(A @ x, x) / np.sqrt(x @ A.T @ A @ x), g * A.T @ A @ x / np.sqrt(x @ A.T @ A @ x)),
    ),
    ("norm(X)", "X: m n", "X", lambda X, g: (g * X / np.sqrt(np.sum(X**2)),)),
)

DECOMPOSED: tuple[Row, ...] = (
    ("inv(A)", "A: n n positive-definite", "A", lambda A, g: (-inv(A).T @ g @ inv(A).T,)),
    ("logdet(A)", "A: n n positive-definite", "A", lambda A, g: (g * inv(A).T,)),
    ("det(A)", "A: n n positive-definite", "A", lambda A, g: (g * np.linalg.det(A) * inv(A),)),
    (
        "solve(A, b)",
        "A: n n positive-definite, b: n",
        "A b",
        lambda A, b, g: (-np.outer(inv(A).T @ g, inv(A) @ b), inv(A).T @ g),
    ),
    (
        "x @ inv(A) @ x",
        "A: n n positive-definite, x: n",
        "A x",
        lambda A, x, g: (-g * np.outer(inv(A) @ x, inv(A) @ x), 2 * g * inv(A) @ x),
    ),
    (
        "trace(inv(A) @ B)",
        "A: n n positive-definite, B: n n",
        "A B",
        lambda A, B, g: (-g * inv(A) @ B.T @ inv(A), g * inv(A)),
    ),
    ("logdet(X @ X.T)", "X: 3 5", "X", lambda X, g: (2 * g * inv(X @ X.T) @ X,)),
    (
        "y @ inv(s * eye(n) + A) @ y",
        "y: n, s: positive, A: n n positive-definite",
        "s y",
        lambda y, s, A, g: (
            -g * np.sum((inv(s * np.eye(len(y)) + A) @ y) ** 2),
            2 * g * inv(s * np.eye(len(y)) + A) @ y,
        ),
    ),
)

MOVES: tuple[Row, ...] = (
    ("x[::-1] * a", "x: n, a: n", "x", lambda x, a, g: ((g * a)[::-1],)),
    ("cumsum(x)", "x: n", "x", lambda x, g: (np.cumsum(g[::-1])[::-1],)),
    ("diff(x)", "x: n", "x", lambda x, g: (ends(g),)),
    ("pad(x, (2, 1))", "x: n", "x", lambda x, g: (g[2:-1],)),
    ("reshape(A, n*m)", "A: m n", "A", lambda A, g: (g.reshape(A.shape),)),
    ("ravel(A.T)", "A: m n", "A", lambda A, g: (g.reshape(A.T.shape).T,)),
    ("transpose(P, (2, 0, 1))", "P: a b c", "P", lambda P, g: (np.transpose(g, (1, 2, 0)),)),
    ("concatenate((x, 2 * y))", "x: m, y: n", "x y", lambda x, y, g: (g[: len(x)], 2 * g[len(x) :])),
    ("stack((x, x * y))", "x: n, y: n", "x y", lambda x, y, g: (g[0] + y * g[1], x * g[1])),
    ("tril(A) @ A", "A: n n", "A", lambda A, g: (np.tril(g @ A.T) + np.tril(A).T @ g,)),
    ("diagonal(A @ B)", "A: m n, B: n m", "A B", lambda A, B, g: (g[:, None] * B.T, A.T * g)),
    ("x[:, None] - y", "x: m, y: n", "x y", lambda x, y, g: (g.sum(axis=1), -g.sum(axis=0))),
    ("A[1:3, :2]", "A: 4 3", "A", lambda A, g: (np.pad(g, ((1, 1), (0, 1))),)),
    (
        "E[i] @ w",
        "E: k d, i: m index k, w: d",
        "E w",
        lambda E, i, w, g: (hot(i, len(E)).T @ np.outer(g, w), E[i].T @ g),
    ),
    ("sum(P[arange(m), y])", "P: m k, y: m index k", "P", lambda P, y, g: (g * hot(y, P.shape[1]),)),
    ("max(X, axis=1)", "X: m n", "X", lambda X, g: (hot(X.argmax(axis=1), X.shape[1]) * g[:, None],)),
    ("min(X)", "X: m n", "X", lambda X, g: (g * hot(X.argmin(), X.size).reshape(X.shape),)),
    (
        "sliding_window_view(x, 3) @ w",
        "x: 7, w: 3",
        "x w",
        lambda x, w, g: (np.convolve(g, w), np.array([g @ x[k : k + 5] for k in range(3)])),
    ),
)

SCALARS: tuple[Row, ...] = (
    ("tanh(x)", "x: n", "x", lambda x, g: (g / np.cosh(x) ** 2,)),
    ("sigmoid(x)", "x: n", "x", lambda x, g: (g * sig(x) * sig(-x),)),
    ("softplus(x)", "x: n", "x", lambda x, g: (g * sig(x),)),
    ("silu(x)", "x: n", "x", lambda x, g: (g * sig(x) * (1 + x * sig(-x)),)),
    ("gelu(x)", "x: n", "x", lambda x, g: (g * (x * normal(x) + cdf(x)),)),
    ("erf(x)", "x: n", "x", lambda x, g: (g * 2 / np.sqrt(np.pi) * np.exp(-x * x),)),
    ("relu(x)", "x: n", "x", lambda x, g: (g * (x > 0),)),
    ("abs(x)", "x: n", "x", lambda x, g: (g * np.sign(x),)),
    ("elu(x)", "x: n", "x", lambda x, g: (g * np.exp(np.minimum(x, 0)),)),
    ("clip(x, -1, 1)", "x: n", "x", lambda x, g: (g * (abs(x) < 1),)),
    ("maximum(x, y)", "x: n, y: n", "x y", lambda x, y, g: (g * (x > y), g * (y > x))),
    (
        "where(x > y, x * y, x + y)",
        "x: n, y: n",
        "x y",
        lambda x, y, g: (g * np.where(x > y, y, 1), g * np.where(x > y, x, 1)),
    ),
    ("exp(x) * log(y)", "x: n, y: n positive", "x y", lambda x, y, g: (g * np.exp(x) * np.log(y), g * np.exp(x) / y)),
    ("sqrt(x) + x**(3/2)", "x: n positive", "x", lambda x, g: (g * (0.5 * x**-0.5 + 1.5 * x**0.5),)),
    ("x**y", "x: n positive, y: n", "x y", lambda x, y, g: (g * y * x ** (y - 1), g * x**y * np.log(x))),
    ("sin(x) * cos(y)", "x: n, y: n", "x y", lambda x, y, g: (g * np.cos(x) * np.cos(y), -g * np.sin(x) * np.sin(y))),
    ("arctan(x)", "x: n", "x", lambda x, g: (g / (1 + x * x),)),
    ("logaddexp(x, y)", "x: n, y: n", "x y", lambda x, y, g: (g * sig(x - y), g * sig(y - x))),
    ("prod(x)", "x: 4 positive", "x", lambda x, g: (g * np.prod(x) / x,)),
    ("mean(X, axis=0)", "X: m n", "X", lambda X, g: (np.tile(g / len(X), (len(X), 1)),)),
    ("var(x)", "x: n", "x", lambda x, g: (2 * g * (x - x.mean()) / len(x),)),
    (
        "std(X, axis=1)",
        "X: m 4",
        "X",
        lambda X, g: (g[:, None] * (X - X.mean(axis=1, keepdims=True)) / (4 * X.std(axis=1, keepdims=True)),),
    ),
    ("logsumexp(x)", "x: n", "x", lambda x, g: (g * soft(x),)),
    ("softmax(X, axis=1)", "X: m n", "X", lambda X, g: (soft(X) * (g - (g * soft(X)).sum(axis=1, keepdims=True)),)),
    ("log_softmax(X)", "X: m n", "X", lambda X, g: (g - soft(X) * g.sum(axis=1, keepdims=True),)),
    (
        "softmax(z / t)",
        "z: n, t: positive",
        "z t",
        lambda z, t, g: (soft(z / t) * (g - g @ soft(z / t)) / t, -(soft(z / t) * (g - g @ soft(z / t))) @ z / t**2),
    ),
)

LOSSES: tuple[Row, ...] = (
    ("sum((X @ w - y)**2) / (2 * m)", "X: m n, w: n, y: m", "w", lambda X, w, y, g: (g * X.T @ (X @ w - y) / len(y),)),
    ("sum(abs(x - y))", "x: n, y: n", "x y", lambda x, y, g: (g * np.sign(x - y), -g * np.sign(x - y))),
    ("sum(where(abs(x) < 1, x**2 / 2, abs(x) - 1/2))", "x: n", "x", lambda x, g: (g * np.clip(x, -1, 1),)),
    (
        "sum(maximum(0, 1 - y * (X @ w)))",
        "X: m n, w: n, y: m signs",
        "w",
        lambda X, w, y, g: (-g * X.T @ (y * (y * (X @ w) < 1)),),
    ),
    (
        "sum(log(1 + exp(-y * (X @ w))))",
        "X: m n, w: n, y: m signs",
        "X w",
        lambda X, w, y, g: (-g * np.outer(y * sig(-y * (X @ w)), w), -g * X.T @ (y * sig(-y * (X @ w)))),
    ),
    ("mean(softplus(z) - y * z)", "z: n, y: n bits", "z", lambda z, y, g: (g * (sig(z) - y) / len(z),)),
    (
        "-sum(y * log(sigmoid(z)) + (1 - y) * log(1 - sigmoid(z)))",
        "z: n, y: n bits",
        "z",
        lambda z, y, g: (g * (sig(z) - y),),
    ),
    (
        "-sum(T * log_softmax(X @ W)) / m",
        "X: m n, W: n k, T: m k one-hot",
        "W",
        lambda X, W, T, g: (g * X.T @ (soft(X @ W) - T) / len(X),),
    ),
    (
        "sum(p * log(p / q))",
        "p: n positive, q: n positive",
        "p q",
        lambda p, q, g: (g * (np.log(p / q) + 1), -g * p / q),
    ),
    ("sum(exp(z) - y * z)", "z: n, y: n positive", "z", lambda z, y, g: (g * (np.exp(z) - y),)),
    (
        "(log(s) + sum((x - m)**2) / s) / 2",
        "x: n, m: n, s: positive",
        "m s",
        lambda x, m, s, g: (g * (m - x) / s, g * (1 / s - np.sum((x - m) ** 2) / s**2) / 2),
    ),
    ("-sum(1 + v - u**2 - exp(v)) / 2", "u: n, v: n", "u v", lambda u, v, g: (g * u, g * (np.exp(v) - 1) / 2)),
    (
        "sum(x * y) / (norm(x) * norm(y))",
        "x: n, y: n",
        "x",
        lambda x, y, g: (g * (y - x * (x @ y) / (x @ x)) / np.sqrt((x @ x) * (y @ y)),),
    ),
    (
        "maximum(0, norm(a - p)**2 - norm(a - n)**2 + 1)",
        "a: k, p: k, n: k",
        "a p n",
        lambda a, p, n, g: tuple(
            g * (np.sum((a - p) ** 2) - np.sum((a - n) ** 2) + 1 > 0) * each
            for each in (2 * (n - p), 2 * (p - a), 2 * (a - n))
        ),
    ),
    (
        "sum((T - U @ V.T)**2)",
        "T: m n, U: m r, V: n r",
        "U V",
        lambda T, U, V, g: (-2 * g * (T - U @ V.T) @ V, -2 * g * (T - U @ V.T).T @ U),
    ),
    ("sum(abs(w)) + sum(w**2) / 2", "w: n", "w", lambda w, g: (g * (np.sign(w) + w),)),
    (
        "x @ w / sqrt(sum(w**2) + 1)",
        "x: n, w: n",
        "w",
        lambda x, w, g: (g * (x / np.sqrt(w @ w + 1) - (x @ w) * w / (w @ w + 1) ** 1.5),),
    ),
)


ROWS = (*PRODUCTS, *DECOMPOSED, *MOVES, *SCALARS, *LOSSES)
