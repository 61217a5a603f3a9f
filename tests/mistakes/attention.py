"""Mistakes in attention: heads of a group, the Jacobian of a softmax, rotations, adapters, losses of a vocabulary."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right


def softmax(S):
    E = np.exp(S - np.max(np.real(S), axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


# ---------------------------------------------------------------- heads that share keys and values

GROUPED = "S = Q @ transpose(K[:, None], (0, 1, 3, 2)) / sqrt(d); softmax(S) @ V[:, None]"
GROUPED_WHERE = "Q: h r t d, K: h s d, V: h s d"
GROUPED_SIZES = {"h": 2, "r": 3, "t": 2, "s": 4, "d": 3}


def grouped(Q, K, V):
    return softmax(Q @ np.swapaxes(K[:, None], -1, -2) / np.sqrt(Q.shape[-1])) @ V[:, None]


def grouped_heads(Q, K, V, g):
    """The gradients of each query head by itself: dQ, and dK and dV with an axis of heads."""
    root = np.sqrt(Q.shape[-1])
    P = softmax(np.einsum("hrtd,hsd->hrts", Q, K) / root)
    dP = np.einsum("hrtd,hsd->hrts", g, V)
    dS = P * (dP - np.einsum("hrts,hrts->hrt", P, dP)[..., None]) / root
    return np.einsum("hrts,hsd->hrtd", dS, K), np.einsum("hrts,hrtd->hrsd", dS, Q), np.einsum("hrts,hrtd->hrsd", P, g)


def grouped_backward(Q, K, V, g):
    dQ, dK, dV = grouped_heads(Q, K, V, g)
    return dQ, dK.sum(axis=1), dV.sum(axis=1)


def grouped_last_head(Q, K, V, g):
    dQ, dK, dV = grouped_heads(Q, K, V, g)
    return dQ, dK[:, -1], dV[:, -1]


# ---------------------------------------------------------------- rotations

ROPE = "(x * c + concatenate((-x[:, 2:4], x[:, 0:2]), axis=1) * s) @ K.T"
ROPE_WHERE = "x: t 4, c: t 4, s: t 4, K: k 4"


def turned(x):
    return np.concatenate((-x[:, 2:], x[:, :2]), axis=1)


def rope(x, c, s, K):
    return (x * c + turned(x) * s) @ K.T


def rope_backward(x, c, s, K, g):
    G = g @ K
    back = np.concatenate((G[:, 2:] * s[:, 2:], -G[:, :2] * s[:, :2]), axis=1)
    return (G * c + back,)


def rope_turned_first(x, c, s, K, g):
    G = g @ K
    return (G * c - turned(G) * s,)


# ---------------------------------------------------------------- an adapter of low rank with a magnitude

DORA = "m * (X @ W + s * X @ A @ B)"
DORA_WHERE = "m: n, X: b k, W: k n, A: k r, B: r n, s:"


def dora(m, X, W, A, B, s):
    return m * (X @ W + s * X @ A @ B)


def dora_backward(m, X, W, A, B, s, g):
    D = g * m
    dm = np.einsum("bn,bn->n", g, X @ (W + s * (A @ B)))
    return dm, s * np.einsum("bk,bn,rn->kr", X, D, B), s * np.einsum("bk,kr,bn->rn", X, A, D)


def dora_scaled_activation(m, X, W, A, B, s, g):
    result = m * (X @ W + s * (X @ A @ B))
    D = g * m
    return (g * result).sum(axis=0), s * X.T @ D @ B.T, s * (X @ A).T @ D


# ---------------------------------------------------------------- the loss of a vocabulary, without a reduction

FUSED = "Z = X @ W.T; logsumexp(Z, axis=1) - Z[arange(n), y]"
FUSED_WHERE = "X: n d, W: k d, y: n index k"
FUSED_SIZES = {"n": 5, "d": 3, "k": 4}


def fused(X, W, y):
    Z = X @ W.T
    return np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(len(y)), y]


def fused_backward(X, W, y, g):
    D = (softmax(X @ W.T) - np.eye(len(W))[y]) * g[:, None]
    return np.einsum("nk,kd->nd", D, W), np.einsum("nk,nd->kd", D, X)


def fused_first_cotangent(X, W, y, g):
    D = softmax(X @ W.T) - np.eye(len(W))[y]
    return (D @ W) * g[:, None], D.T @ X * g[0]


# ---------------------------------------------------------------- a softmax by itself

ALONE = "softmax(x)"


def alone(x):
    return softmax(x)


def alone_backward(x, g):
    p = softmax(x)
    return ((np.diag(p) - np.outer(p, p)) @ g,)


def alone_diagonal(x, g):
    p = softmax(x)
    return (g * p * (1 - p),)


def alone_input_for_output(x, g):
    p, J = softmax(x), np.empty((len(x), len(x)))
    for i in range(len(x)):
        for j in range(len(x)):
            J[i, j] = p[i] * (1 - x[i]) if i == j else -p[i] * x[j]
    return (J.T @ g,)


LOGS = "log_softmax(x)"


def logs(x):
    return x - np.log(np.exp(x).sum())


def logs_backward(x, g):
    return (g - softmax(x) * g.sum(),)


def logs_plus(x, g):
    return (g + np.exp(x - np.log(np.exp(x).sum())),)


# ---------------------------------------------------------------- a gated unit

GATED = "A * sigmoid(A) * B"
GATED_WHERE = "A: t n, B: t n"


def gated(A, B):
    return A / (1 + np.exp(-A)) * B


def gated_backward(A, B, g):
    s = 1 / (1 + np.exp(-A))
    return g * B * (s + A * s * (1 - s)), g * A * s


def gated_row_zero(A, B, g):
    found = []
    for right in gated_backward(A, B, g):
        wrong = np.zeros_like(right)
        for row in right:
            wrong[0] = row
        found.append(wrong)
    return tuple(found)


GROUPED_RIGHT = Right("grouped", GROUPED, GROUPED_WHERE, "Q K V", GROUPED_SIZES, grouped, grouped_backward)
ROPE_RIGHT = Right("rope", ROPE, ROPE_WHERE, "x", {"t": 3, "k": 2}, rope, rope_backward)
DORA_RIGHT = Right("dora", DORA, DORA_WHERE, "m A B", {"n": 4, "b": 5, "k": 3, "r": 2}, dora, dora_backward)
FUSED_RIGHT = Right("fused", FUSED, FUSED_WHERE, "X W", FUSED_SIZES, fused, fused_backward)
ALONE_RIGHT = Right("alone", ALONE, "x: n", "x", {"n": 5}, alone, alone_backward)
LOGS_RIGHT = Right("logs", LOGS, "x: n", "x", {"n": 4}, logs, logs_backward)
GATED_RIGHT = Right("gated", GATED, GATED_WHERE, "A B", {"t": 4, "n": 3}, gated, gated_backward)
CASES = (
    Mistake(
        GROUPED_RIGHT,
        grouped_last_head,
        "the heads of a group",
        of="K V",
        kinds="sum",
        source="marin-community/levanter#449",
        read="the pull request",
        what="dK and dV are not summed over the query heads of a group (here one head is kept)",
    ),
    Mistake(
        ROPE_RIGHT,
        rope_turned_first,
        "the rotation before the sine",
        of="x",
        kinds="order",
        about="s",
        source="PaddlePaddle/Paddle#74716",
        read="the pull request",
        what="rotate_half(g) * sin stands for rotate_half(g * sin)",
    ),
    Mistake(
        DORA_RIGHT,
        dora_scaled_activation,
        "a magnitude applied twice",
        of="m",
        kinds="factor variable",
        about="m",
        source="axolotl-ai-cloud/axolotl#3528",
        read="the review",
        what="the saved activation is scaled already, so dm has a factor m too many",
    ),
    Mistake(
        FUSED_RIGHT,
        fused_first_cotangent,
        "one cotangent for all tokens",
        of="W",
        kinds="order variable factor",
        about="g",
        source="linkedin/Liger-Kernel#968, #1298",
        read="both threads",
        what="dW is summed over the tokens before their cotangents, and multiplied by the first",
    ),
    Mistake(
        ALONE_RIGHT,
        alone_input_for_output,
        "the input of a softmax for its output",
        of="x",
        kinds="variable",
        about="x",
        source="stackoverflow.com/questions/40575841 (question)",
        read="the question, in two stored copies",
        what="the derivative is written in the input, where it takes the output",
    ),
    Mistake(
        ALONE_RIGHT,
        alone_diagonal,
        "the diagonal of a softmax",
        of="x",
        kinds="term",
        source="deeplearning4j/libnd4j#440; HomericIntelligence/Odyssey#2134",
        read="both issues",
        what="the derivative is p (1 - p), without what goes from one element to another",
    ),
    Mistake(
        LOGS_RIGHT,
        logs_plus,
        "the sign in a log-softmax",
        of="x",
        kinds="sign factor",
        source="mlpack/mlpack#2360, #2364",
        read="both threads",
        what="g + p stands for g - p sum(g): another sign, and no sum",
    ),
    Mistake(
        GATED_RIGHT,
        gated_row_zero,
        "every row into the first",
        of="A B",
        kinds="place",
        source="ByteDance-Seed/Triton-distributed#180, #185",
        read="both threads",
        what="each row's gradient is written to row 0",
    ),
)
