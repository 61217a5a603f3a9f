"""Mistakes in convolutions and pools: a stride, a flip, windows that overlap, a factor of places."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right

# ---------------------------------------------------------------- a strided convolution of images

CONV = "sum(sliding_window_view(sliding_window_view(X, 3, 1)[:, ::2], 3, 2)[:, :, ::2] * W, axis=(3, 4)) + b"
CONV_WHERE = "X: n 7 7, W: 3 3, b:"


def conv(X, W, b):
    out = 0
    for i, j in np.ndindex(W.shape):
        out = out + W[i, j] * X[:, i : i + 5 : 2, j : j + 5 : 2]
    return out + b


def conv_backward(X, W, b, g, stride=2, per_place=1.0):
    dX, dW = np.zeros_like(X), np.zeros_like(W)
    for n, i, j in np.ndindex(g.shape):
        dX[n, stride * i : stride * i + 3, stride * j : stride * j + 3] += W * g[n, i, j]
        dW += X[n, stride * i : stride * i + 3, stride * j : stride * j + 3] * g[n, i, j]
    return dX, dW * per_place, g.sum()


def conv_without_stride(X, W, b, g):
    return conv_backward(X, W, b, g, stride=1)


def conv_mean_over_places(X, W, b, g):
    return conv_backward(X, W, b, g, per_place=1 / g.size)


def conv_right(X, W, b, g):
    return conv_backward(X, W, b, g)


# ---------------------------------------------------------------- a causal convolution along a sequence

CAUSAL = "sum(sliding_window_view(pad(x, (2, 0)), 3, 0) * w, axis=1)"
CAUSAL_WHERE = "x: 6, w: 3"


def causal(x, w):
    padded = np.concatenate((np.zeros(2), x))
    return sum(w[i] * padded[i : i + 6] for i in range(3))


def causal_backward(x, w, g):
    padded, dx = np.concatenate((np.zeros(2), x)), np.zeros(8)
    for i in range(3):
        dx[i : i + 6] += w[i] * g
    return dx[2:], np.array([padded[i : i + 6] @ g for i in range(3)])


def causal_unshifted(x, w, g):
    return causal_backward(x, w, g)[0], np.full(3, x @ g)


# ---------------------------------------------------------------- a pool whose windows overlap

POOL = "max(sliding_window_view(tanh(x), 3, 0), axis=1)"


def pool(x):
    y = np.tanh(x)
    return np.stack([y[i + int(np.argmax(np.real(y[i : i + 3])))] for i in range(len(x) - 2)])


def pool_backward(x, g, add=True):
    y, dy = np.tanh(x), np.zeros_like(x)
    for i in range(len(g)):
        place = i + int(np.argmax(y[i : i + 3]))
        dy[place] = dy[place] * add + g[i]
    return (dy * (1 - y * y),)


def pool_right(x, g):
    return pool_backward(x, g)


def pool_overwritten(x, g):
    return pool_backward(x, g, add=False)


CONV_RIGHT = Right("conv", CONV, CONV_WHERE, "X W b", {"n": 2}, conv, conv_right)
CAUSAL_RIGHT = Right("causal", CAUSAL, CAUSAL_WHERE, "x w", {}, causal, causal_backward)
POOL_RIGHT = Right("pool", POOL, "x: n", "x", {"n": 9}, pool, pool_right)
CASES = (
    Mistake(
        CONV_RIGHT,
        conv_without_stride,
        "a stride forgotten",
        of="X W",
        kinds="place factor",
        source="deeplearning.ai, course 4: Kulbear/deep-learning-coursera#34",
        read="the pull request",
        what="the windows of the way back lie one apart, not a stride apart",
    ),
    Mistake(
        CONV_RIGHT,
        conv_mean_over_places,
        "a mean over places",
        of="W",
        kinds="factor sum",
        source="sebgao/cTensor#3",
        read="the thread",
        what="the kernel's gradient is divided by batch times places",
    ),
    Mistake(
        CAUSAL_RIGHT,
        causal_unshifted,
        "a window that does not move",
        of="w",
        kinds="variable place",
        about="x",
        source="fla-org/flash-linear-attention#388",
        read="the review",
        what="the kernel's gradient takes x at t for all its places, not at t - i",
    ),
    Mistake(
        POOL_RIGHT,
        pool_overwritten,
        "windows that overlap",
        of="x",
        kinds="sum",
        source="CS231n, assignment 2: 0809zheng/CS231n-assignment2019#19",
        read="the issue",
        what="an element that is the largest of several windows keeps the gradient of one",
    ),
)
