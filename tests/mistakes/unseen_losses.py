"""More mistakes that were rebuilt after the diagnosis had been written: losses, and masks of attention."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right


def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


# ---------------------------------------------------------------- losses with two pieces

HUBER = "r = x - t; sum(where(abs(r) < d, r**2 / 2, d * (abs(r) - d / 2)), axis=1)"
HUBER_WHERE = "x: m n, t: m n, d: positive"


def huber(x, t, d):
    r = x - t
    size = np.where(np.real(r) > 0, r, -r)
    return np.where(np.real(size) < d, r * r / 2, d * (size - d / 2)).sum(axis=1)


def huber_backward(x, t, d, g):
    slope = np.clip(x - t, -d, d)
    return g[:, None] * slope, -g[:, None] * slope


def huber_without_cotangent(x, t, d, g):
    r = x - t
    slope = np.where(abs(r) < d, r, d * np.sign(r))
    return slope, -slope


SMOOTH = "a**2 * sum(sqrt(1 + ((x - t) / a)**2) - 1)"
SMOOTH_WHERE = "x: n, t: n, a: positive"


def smooth(x, t, a):
    return a**2 * np.sum(np.sqrt(1 + ((x - t) / a) ** 2) - 1)


def smooth_backward(x, t, a, g):
    return (g * (x - t) / np.sqrt(1 + ((x - t) / a) ** 2),)


def smooth_without_scale(x, t, a, g):
    e = x - t
    return (g * e / np.sqrt(e**2 + a**2),)


MODIFIED = "d = y * (X @ w); sum(where(d < -1, -4 * d, where(d < 1, (1 - d)**2, 0)))"
MODIFIED_WHERE = "X: m n, w: n, y: m signs"


def modified(X, w, y):
    d = y * (X @ w)
    return np.sum(np.where(np.real(d) < -1, -4 * d, np.where(np.real(d) < 1, (1 - d) ** 2, 0)))


def modified_backward(X, w, y, g):
    d = y * (X @ w)
    slope = np.where(d < -1, -4.0, np.where(d < 1, 2 * d - 2, 0))
    return (g * np.einsum("m,m,mn->n", slope, y, X),)


def modified_without_two(X, w, y, g):
    d = y * (X @ w)
    slope = np.where(d < -1, -4.0, np.where(d < 1, d - 1, 0))
    return (g * X.T @ (slope * y),)


def modified_without_end(X, w, y, g):
    d = y * (X @ w)
    return (g * X.T @ (np.where(d < -1, -4.0, 2 * (d - 1)) * y),)


RANKING = "sum(maximum(0, c - y * (a - b)))"
RANKING_WHERE = "a: n, b: n, y: n signs, c: positive"


def ranking(a, b, y, c):
    z = c - y * (a - b)
    return np.sum(np.where(np.real(z) > 0, z, 0))


def ranking_backward(a, b, y, c, g):
    on = (c - y * (a - b) > 0) * g
    return -on * y, on * y


def ranking_by_target(a, b, y, c, g):
    on = (c - y * (a - b) > 0) * g
    return on * (b - a), on * y


TRIPLET = "sum(maximum(0, norm(a - p, axis=1)**2 - norm(a - n, axis=1)**2 + c))"
TRIPLET_WHERE = "a: m k, p: m k, n: m k, c: positive"


def triplet(a, p, n, c):
    z = ((a - p) ** 2).sum(axis=1) - ((a - n) ** 2).sum(axis=1) + c
    return np.sum(np.where(np.real(z) > 0, z, 0))


def triplet_backward(a, p, n, c, g):
    z = ((a - p) ** 2).sum(axis=1) - ((a - n) ** 2).sum(axis=1) + c
    on = 2 * g * (z > 0)[:, None]
    return on * (n - p), on * (p - a), on * (a - n)


def triplet_inner_products(a, p, n, c, g):
    z = ((a - p) ** 2).sum(axis=1) - ((a - n) ** 2).sum(axis=1) + c
    on = 2 * g * (z > 0)[:, None]
    return on * (n - p), on * -a, on * a


CENTRED = "x - mean(x)"


def centred(x):
    return x - x.mean()


def centred_backward(x, g):
    return (g - g.mean(),)


def centred_one_by_one(x, g):
    return (g * (1 - 1 / len(x)),)


# ---------------------------------------------------------------- masks of attention

FULL = "S = Q @ K.T / sqrt(d); softmax(S) @ V"
FULL_WHERE = "Q: t d, K: t d, V: t d"


def full(Q, K, V):
    return softmax(Q @ K.T / np.sqrt(Q.shape[1])) @ V


def attention_backward(Q, K, V, g, P):
    root = np.sqrt(Q.shape[1])
    dP = np.einsum("td,sd->ts", g, V)
    dS = P * (dP - np.einsum("td,td->t", g, full_of(P, V))[:, None]) / root
    return dS @ K, dS.T @ Q, P.T @ g


def full_of(P, V):
    return np.einsum("ts,sd->td", P, V)


def full_backward(Q, K, V, g):
    P = softmax(Q @ K.T / np.sqrt(Q.shape[1]))
    return attention_backward(Q, K, V, g, P)


def full_masked_on_the_way_back(Q, K, V, g):
    root = np.sqrt(Q.shape[1])
    P = softmax(Q @ K.T / root)
    D = (g * (P @ V)).sum(axis=1, keepdims=True)
    P = np.tril(P)
    dS = P * (g @ V.T - D) / root
    return dS @ K, dS.T @ Q, P.T @ g


CROSS = "S = Q @ K.T - 1000 * (1 - M); softmax(S) @ V"
CROSS_WHERE = "Q: t d, K: s d, V: s d, M: t s bits"


def cross(Q, K, V, M):
    S = Q @ K.T - 1000 * (1 - M)
    return softmax(S - np.max(np.real(S), axis=1, keepdims=True)) @ V


def cross_backward(Q, K, V, M, g):
    S = Q @ K.T - 1000 * (1 - M)
    P = softmax(S - S.max(axis=1, keepdims=True))
    dS = P * (g @ V.T - np.einsum("td,td->t", g, full_of(P, V))[:, None])
    return dS @ K, dS.T @ Q, P.T @ g


def cross_without_mask(Q, K, V, M, g):
    P = softmax(Q @ K.T)
    dS = P * (g @ V.T - (g * (P @ V)).sum(axis=1, keepdims=True))
    return dS @ K, dS.T @ Q, P.T @ g


HUBER_RIGHT = Right("huber", HUBER, HUBER_WHERE, "x t", {"m": 4, "n": 3}, huber, huber_backward)
SMOOTH_RIGHT = Right("smooth", SMOOTH, SMOOTH_WHERE, "x", {"n": 5}, smooth, smooth_backward)
MODIFIED_RIGHT = Right("modified", MODIFIED, MODIFIED_WHERE, "w", {"m": 25, "n": 3}, modified, modified_backward)
RANKING_RIGHT = Right("ranking", RANKING, RANKING_WHERE, "a b", {"n": 6}, ranking, ranking_backward)
TRIPLET_RIGHT = Right("triplet", TRIPLET, TRIPLET_WHERE, "a p n", {"m": 5, "k": 3}, triplet, triplet_backward)
CENTRED_RIGHT = Right("centred", CENTRED, "x: n", "x", {"n": 4}, centred, centred_backward)
FULL_RIGHT = Right("full", FULL, FULL_WHERE, "Q K V", {"t": 4, "d": 3}, full, full_backward)
CROSS_RIGHT = Right("cross", CROSS, CROSS_WHERE, "Q K V", {"t": 3, "s": 5, "d": 2}, cross, cross_backward)
CASES = (
    Mistake(
        HUBER_RIGHT,
        huber_without_cotangent,
        "a loss that takes its cotangent for 1",
        of="x t",
        kinds="factor",
        about="g",
        source="chainer/chainer#1178",
        read="the pull request",
        what="the gradients are right where the cotangent is 1, and are not multiplied by it",
    ),
    Mistake(
        SMOOTH_RIGHT,
        smooth_without_scale,
        "a scale of the loss",
        of="x",
        kinds="factor",
        about="a",
        source="RubixML/ML#420",
        read="the pull request",
        what="e / sqrt(e**2 + a**2) lacks the factor a",
    ),
    Mistake(
        MODIFIED_RIGHT,
        modified_without_two,
        "a square without its 2",
        of="w",
        kinds="factor",
        about="2",
        source="stdlib-js/stdlib#13111",
        read="the issue",
        what="the piece that is a square has half its slope",
    ),
    Mistake(
        MODIFIED_RIGHT,
        modified_without_end,
        "a piece without an end",
        of="w",
        kinds="mask",
        source="stdlib-js/stdlib#15317",
        read="the pull request",
        what="the square goes on where the loss is 0",
    ),
    Mistake(
        RANKING_RIGHT,
        ranking_by_target,
        "the derivative by the target",
        of="a",
        kinds="variable",
        source="mlpack/mlpack#3167, #3144",
        read="the issue",
        what="the derivative by y is returned for that by the first input",
    ),
    Mistake(
        TRIPLET_RIGHT,
        triplet_inner_products,
        "distances differentiated as inner products",
        of="p n",
        kinds="term",
        source="luhaofang/tripletloss#41 (claimed there)",
        read="the issue",
        what="the gradients by the positive and the negative lack these themselves",
    ),
    Mistake(
        CENTRED_RIGHT,
        centred_one_by_one,
        "a mean that goes to itself alone",
        of="x",
        kinds="sum term",
        source="pytorch/pytorch#107007 (claimed there)",
        read="the issue",
        what="what goes back through the mean is one element's, not the sum of all",
    ),
    Mistake(
        FULL_RIGHT,
        full_masked_on_the_way_back,
        "causal on the way back alone",
        of="Q K V",
        kinds="mask",
        source="triton-lang/triton#4541, #5660",
        read="both issues",
        what="the way back hides what comes later, the forward does not",
    ),
    Mistake(
        CROSS_RIGHT,
        cross_without_mask,
        "a mask in the forward alone",
        of="Q K V",
        kinds="mask term",
        source="triton-lang/triton#7216 (by a comment); XPU-Forces/mojo_opset#386",
        read="the threads",
        what="the way back applies no mask",
    ),
)
