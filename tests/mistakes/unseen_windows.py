"""Mistakes that were rebuilt after the diagnosis had been written: ids, windows, channels, kinks."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right

# ---------------------------------------------------------------- rows that are read by ids

GATHER = "E[i]"


def gather(E, i):
    return E[i]


def gather_backward(E, i, g):
    dE = np.zeros_like(E)
    np.add.at(dE, i, g)
    return (dE,)


def gather_gathered(E, i, g):
    return (g[i[np.arange(len(E)) % len(i)] % len(g)],)


# ---------------------------------------------------------------- pools whose last window hangs over, channels

HANGS = "stack((mean(x[0:3]), mean(x[3:6]), mean(x[6:8])))"


def hangs(x):
    return np.stack((x[0:3].mean(), x[3:6].mean(), x[6:8].mean()))


def hangs_backward(x, g):
    return (np.concatenate((np.repeat(g[:2] / 3, 3), np.repeat(g[2] / 2, 2))),)


def hangs_full_kernel(x, g):
    return (np.repeat(g, 3)[:8] / 3,)


CHANNELS = "sum(sliding_window_view(X, 2, 1)[None] * W[:, :, None], axis=(1, 3))"
CHANNELS_WHERE = "X: 3 5, W: 3 3 2"


def channels(X, W):
    return sum(W[:, :, j] @ X[:, j : j + 4] for j in range(2))


def channels_backward(X, W, g):
    dX = np.zeros_like(X)
    for j in range(2):
        dX[:, j : j + 4] += W[:, :, j].T @ g
    return dX, np.stack([g @ X[:, j : j + 4].T for j in range(2)], axis=2)


def channels_of_output(X, W, g):
    """What goes back through output m lies in input channel m."""
    dX = np.zeros_like(X)
    for j in range(2):
        dX[:, j : j + 4] += W[:, :, j].sum(axis=1)[:, None] * g
    return dX, channels_backward(X, W, g)[1]


# ---------------------------------------------------------------- kinks

RECTIFIED = "relu(X @ W)"


def rectified(X, W):
    Z = X @ W
    return np.where(np.real(Z) > 0, Z, 0)


def rectified_backward(X, W, g):
    D = g * (X @ W > 0)
    return D @ W.T, X.T @ D


def rectified_everywhere(X, W, g):
    return g @ W.T, X.T @ g


CLIPPED = "u = clip(P[:, 0] / P[:, 2], -1/2, 1/2); stack((f * u, f * P[:, 1] / P[:, 2]))"
CLIPPED_WHERE = "P: n 3, f: positive"


def clipped(P, f):
    u = P[:, 0] / P[:, 2]
    return np.stack((f * np.where(abs(np.real(u)) < 0.5, u, np.sign(np.real(u)) / 2), f * P[:, 1] / P[:, 2]))


def clipped_backward(P, f, g):
    x, y, z = P.T
    a, b = g[0] * f * (abs(x / z) < 0.5) / z, g[1] * f / z
    return (np.stack((a, b, -(a * x + b * y) / z), axis=1),)


def clipped_not_at_all(P, f, g):
    x, y, z = P.T
    a, b = g[0] * f / z, g[1] * f / z
    return (np.stack((a, b, -(a * x + b * y) / z), axis=1),)


GATHER_RIGHT = Right("gather", GATHER, "E: k d, i: m index k", "E", {"k": 4, "d": 3, "m": 6}, gather, gather_backward)
HANGS_RIGHT = Right("hangs", HANGS, "x: 8", "x", {}, hangs, hangs_backward)
CHANNELS_RIGHT = Right("channels of images", CHANNELS, CHANNELS_WHERE, "X W", {}, channels, channels_backward)
RECTIFIED_RIGHT = Right(
    "rectified", RECTIFIED, "X: m n, W: n k", "X W", {"m": 4, "n": 3, "k": 5}, rectified, rectified_backward
)
CLIPPED_RIGHT = Right("clipped", CLIPPED, CLIPPED_WHERE, "P", {"n": 6}, clipped, clipped_backward)
CASES = (
    Mistake(
        GATHER_RIGHT,
        gather_gathered,
        "a gather for a scatter",
        of="E",
        kinds="place sum function order",
        source="ooples/AiDotNet.Tensors#894",
        read="the pull request",
        what="the way back of a gather gathers, where it adds up",
    ),
    Mistake(
        HANGS_RIGHT,
        hangs_full_kernel,
        "a window that hangs over",
        of="x",
        kinds="factor",
        source="pytorch/pytorch#198119; tracel-ai/burn#5604",
        read="both issues",
        what="the last window is smaller, and is divided by the size of a whole one",
    ),
    Mistake(
        CHANNELS_RIGHT,
        channels_of_output,
        "the channel of the output",
        of="X",
        kinds="place sum variable transposed",
        source="NervanaSystems/neon#111",
        read="the issue",
        what="what goes back is added to the channel of the output, not of the input",
    ),
    Mistake(
        RECTIFIED_RIGHT,
        rectified_everywhere,
        "a slope of 0 taken for 1",
        of="X W",
        kinds="mask factor",
        source="chainer/chainer#5898",
        read="the pull request",
        what="with a slope of 0 all gradients pass",
    ),
    Mistake(
        CLIPPED_RIGHT,
        clipped_not_at_all,
        "a clip that has no way back",
        of="P",
        kinds="mask factor",
        source="nerfstudio-project/gsplat#172",
        read="the pull request",
        what="the forward clips, the way back does not",
    ),
)
