"""Mistakes in what dense networks are made of: decay, weights used twice, a penalty, dropout, ids, slopes, biases."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right
from tests.mistakes.dense import relu, sigmoid

# ---------------------------------------------------------------- decay

HINGE = "S = X @ W; sum(maximum(0, S - S[arange(m), y][:, None] + 1)) / m - 1 + reg * sum(W**2)"
HINGE_WHERE = "X: m n, W: n k, y: m index k, reg:"


def hinge(X, W, y, reg):
    S = X @ W
    right = S[np.arange(len(y)), y][:, None]
    return np.sum(relu(S - right + 1)) / len(y) - 1 + reg * np.sum(W * W)


def hinge_backward(X, W, y, reg, g, decay=2.0):
    m = len(y)
    S = X @ W
    over = (S - S[np.arange(m), y][:, None] + 1 > 0).astype(float)
    over[np.arange(m), y] -= over.sum(axis=1)
    return (g * (X.T @ over / m + decay * reg * W),)


def hinge_half_decay(X, W, y, reg, g):
    return hinge_backward(X, W, y, reg, g, decay=1.0)


DECAY = "sum((X @ W - Y)**2) / (2 * m) + wd / 2 * sum(W**2)"
DECAY_WHERE = "X: m n, W: n k, Y: m k, wd:"


def decay(X, W, Y, wd):
    return np.sum((X @ W - Y) ** 2) / (2 * len(X)) + wd / 2 * np.sum(W * W)


def decay_backward(X, W, Y, wd, g):
    E = X @ W - Y
    return (g * (np.einsum("mi,mj->ij", X, E) / len(X) + wd * W),)


def decay_with_minus(X, W, Y, wd, g):
    E = X @ W - Y
    return (g * (np.dot(X.T, E) / len(X) - wd * W),)


# ---------------------------------------------------------------- one weight, used twice; a sparse code

TIED = "tanh(X @ W.T) @ W"


def tied(X, W):
    return np.tanh(X @ W.T) @ W


def tied_backward(X, W, g):
    H = np.tanh(X @ W.T)
    return (((g @ W.T) * (1 - H**2)).T @ X + H.T @ g,)


def tied_last_use(X, W, g):
    return (np.tanh(X @ W.T).T @ g,)


SPARSE = "H = sigmoid(X @ W.T); r = mean(H, axis=0); sum((H @ V - X)**2) / (2 * m)"
SPARSE += " + b * sum(p * log(p / r) + (1 - p) * log((1 - p) / (1 - r)))"
SPARSE_WHERE = "X: m n, W: h n, V: h n, b: positive, p: between-0-and-1"


def sparse(X, W, V, b, p):
    H = sigmoid(X @ W.T)
    r = H.mean(axis=0)
    penalty = np.sum(p * np.log(p / r) + (1 - p) * np.log((1 - p) / (1 - r)))
    return np.sum((H @ V - X) ** 2) / (2 * len(X)) + b * penalty


def sparse_backward(X, W, V, b, p, g, penalty=1.0):
    H, m = sigmoid(X @ W.T), len(X)
    r = H.mean(axis=0)
    E = (H @ V - X) / m
    D = (E @ V.T + penalty * b * ((1 - p) / (1 - r) - p / r) / m) * H * (1 - H)
    return g * (D.T @ X), g * (H.T @ E)


def sparse_without_penalty(X, W, V, b, p, g):
    return sparse_backward(X, W, V, b, p, g, penalty=0.0)


# ---------------------------------------------------------------- dropout, ids

DROPOUT = "tanh(X * M / (1 - p)) @ W"
DROPOUT_WHERE = "X: m n, M: m n bits, W: n k, p: between-0-and-1"


def dropout(X, M, W, p):
    return np.tanh(X * M / (1 - p)) @ W


def dropout_backward(X, M, W, p, g, mask=True):
    A = np.tanh(X * M / (1 - p))
    D = (g @ W.T) * (1 - A**2) / (1 - p)
    return D * M if mask else D, A.T @ g


def dropout_without_mask(X, M, W, p, g):
    return dropout_backward(X, M, W, p, g, mask=False)


def dropout_forgotten(X, M, W, p, g):
    A = np.tanh(X * M / (1 - p))
    return (g @ W.T) * (1 - A**2), A.T @ g


def rows(E, i):
    return E[i]


def rows_backward(E, i, g):
    return (np.eye(len(E))[i].T @ g,)


def rows_last_wins(E, i, g):
    dE = np.zeros_like(E)
    dE[i] = g
    return (dE,)


# ---------------------------------------------------------------- an activation with a slope, a bias of channels

LEAKY = "where(X @ W > 0, X @ W, a * (X @ W))"


def leaky(X, W, a):
    Z = X @ W
    return np.where(np.real(Z) > 0, Z, a * Z)


def leaky_backward(X, W, a, g):
    Z = X @ W
    D = g * np.where(Z > 0, 1, a)
    return D @ W.T, X.T @ D


def leaky_without_slope(X, W, a, g):
    D = g * (X @ W > 0)
    return D @ W.T, X.T @ D


FALLING = "where(x > 0, x, -a * x)"


def falling(x, a):
    return np.where(np.real(x) > 0, x, -a * x)


def falling_backward(x, a, g):
    return (np.where(x > 0, g, -a * g),)


def falling_by_output(x, a, g):
    out = np.where(x > 0, x, -a * x)
    return (np.where(out > 0, g, -a * g),)


CHANNELS = "tanh(X + b)"


def channels(X, b):
    return np.tanh(X + b)


def channels_backward(X, b, g):
    D = g / np.cosh(X + b) ** 2
    return D, np.einsum("mtc->c", D)


def channels_other_layout(X, b, g):
    D = g / np.cosh(X + b) ** 2
    return D, D.sum(axis=(0, 2))


HINGE_RIGHT = Right("hinge", HINGE, HINGE_WHERE, "W", {"m": 5, "n": 4, "k": 3}, hinge, hinge_backward)
DECAY_RIGHT = Right("decay", DECAY, DECAY_WHERE, "W", {"m": 5, "n": 4, "k": 3}, decay, decay_backward)
TIED_RIGHT = Right("tied", TIED, "X: m n, W: k n", "W", {"m": 4, "n": 5, "k": 3}, tied, tied_backward)
SPARSE_RIGHT = Right("sparse", SPARSE, SPARSE_WHERE, "W V", {"m": 4, "n": 3, "h": 5}, sparse, sparse_backward)
DROPOUT_RIGHT = Right("dropout", DROPOUT, DROPOUT_WHERE, "X W", {"m": 6, "n": 5, "k": 2}, dropout, dropout_backward)
ROWS_RIGHT = Right("rows", "E[i]", "E: k d, i: m index k", "E", {"k": 4, "d": 3, "m": 9}, rows, rows_backward)
LEAKY_RIGHT = Right(
    "leaky", LEAKY, "X: m n, W: n k, a: positive", "X W", {"m": 4, "n": 3, "k": 5}, leaky, leaky_backward
)
FALLING_RIGHT = Right("falling", FALLING, "x: n, a: positive", "x", {"n": 7}, falling, falling_backward)
CHANNELS_RIGHT = Right(
    "channels", CHANNELS, "X: m t c, b: c", "X b", {"m": 2, "t": 3, "c": 3}, channels, channels_backward
)
CASES = (
    Mistake(
        HINGE_RIGHT,
        hinge_half_decay,
        "half the decay",
        of="W",
        kinds="factor",
        about="2",
        source="CS231n, assignment 1: jingtinghuang/CS231n-Spring-2017#3",
        read="the issue",
        what="reg * sum(W**2) has the gradient 2 * reg * W",
    ),
    Mistake(
        DECAY_RIGHT,
        decay_with_minus,
        "decay with a minus",
        of="W",
        kinds="sign",
        source="andersbll/nnet#4",
        read="the thread",
        what="the term of the decay has the wrong sign",
    ),
    Mistake(
        TIED_RIGHT,
        tied_last_use,
        "one of two uses",
        of="W",
        kinds="term",
        source="NVIDIA/TransformerEngine#3437",
        read="the issue",
        what="a weight that is used twice keeps the gradient of one use",
    ),
    Mistake(
        SPARSE_RIGHT,
        sparse_without_penalty,
        "a penalty left out",
        of="W",
        kinds="term",
        source="jatinshah/ufldl_tutorial#9",
        read="the issue",
        what="the sparsity of the hidden units has no part in their gradient",
    ),
    Mistake(
        DROPOUT_RIGHT,
        dropout_without_mask,
        "dropout without its mask",
        of="X",
        kinds="mask factor",
        about="M",
        source="ddbourgin/numpy-ml#94",
        read="the issue",
        what="what was dropped gets a gradient",
    ),
    Mistake(
        DROPOUT_RIGHT,
        dropout_forgotten,
        "dropout forgotten",
        of="X",
        kinds="mask factor",
        about="M",
        source="rohitg00/ai-engineering-from-scratch#17",
        read="the review",
        what="neither the mask nor 1 / (1 - p) goes back",
    ),
    Mistake(
        ROWS_RIGHT,
        rows_last_wins,
        "an id that comes twice",
        of="E",
        kinds="sum",
        about="i",
        source="pytorch/pytorch#1528; tenstorrent/tt-metal#6232",
        read="both threads",
        what="of the rows of one id the last is kept, where they add up",
    ),
    Mistake(
        LEAKY_RIGHT,
        leaky_without_slope,
        "a leaky unit that does not leak",
        of="X W",
        kinds="mask function factor term",
        about="a",
        source="deeplearning4j/deeplearning4j#8178",
        read="the issue",
        what="the way back has no slope below 0",
    ),
    Mistake(
        FALLING_RIGHT,
        falling_by_output,
        "the sign of the output",
        of="x",
        kinds="mask function sign",
        source="pytorch/pytorch#31938, #33639",
        read="both threads",
        what="in place, the sign of the output stands for that of the input",
    ),
    Mistake(
        CHANNELS_RIGHT,
        channels_other_layout,
        "channels first for channels last",
        of="b",
        kinds="sum",
        source="deeplearning4j/deeplearning4j#8280",
        read="the issue",
        what="the bias is summed over the axes of another layout",
    ),
)
