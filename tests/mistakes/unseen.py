"""Mistakes that were rebuilt after the diagnosis had been written, and measured it as they came."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right
from tests.mistakes.dense import TWO, TWO_SIZES, TWO_WHERE, sigmoid, two, two_backward

EPS = 0.01


def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


# ---------------------------------------------------------------- an error carried back without a slope


def two_error_of_outputs(X, Y, W1, b1, W2, b2, g):
    A1 = sigmoid(X @ W1 + b1)
    A2 = sigmoid(A1 @ W2 + b2)
    error = 2 * g / len(X) * (A2 - Y)
    D2 = error * A2 * (1 - A2)
    D1 = (error @ W2.T) * A1 * (1 - A1)
    return X.T @ D1, D1.sum(axis=0), A1.T @ D2, D2.sum(axis=0)


TWO_AGAIN = Right("two again", TWO, TWO_WHERE, "W1 b1 W2 b2", TWO_SIZES, two, two_backward)

# ---------------------------------------------------------------- an inverse

INVERSE = "inv(A)"


def inverse(A):
    return np.linalg.inv(A)


def inverse_backward(A, g):
    R = np.linalg.inv(A)
    return (-np.einsum("ji,jk,lk->il", R, g, R),)


def inverse_not_transposed(A, g):
    R = np.linalg.inv(A)
    return (-(R @ (g @ R)),)


# ---------------------------------------------------------------- a norm of groups

GROUPS = "s = sqrt(mean(x**2, axis=2, keepdims=True) + 1/100); w * x / s"
GROUPS_WHERE = "x: t c d, w: c d"


def groups(x, w):
    return w * x / np.sqrt((x * x).mean(axis=2, keepdims=True) + EPS)


def groups_backward(x, w, g):
    s = np.sqrt((x * x).mean(axis=2, keepdims=True) + EPS)
    D = g * w
    return D / s - x * (D * x).mean(axis=2, keepdims=True) / s**3, np.einsum("tcd,tcd->cd", g, x / s)


def groups_of_all(x, w, g):
    """The statistics are those of a group, the mean on the way back is over the whole row."""
    s = np.sqrt((x * x).mean(axis=2, keepdims=True) + EPS)
    D = g * w
    return D / s - x * (D * x).mean(axis=(1, 2), keepdims=True) / s**3, (g * x / s).sum(axis=0)


def groups_first(x, w, g):
    """The scale's gradient reads the statistics of the first group for every channel."""
    s = np.sqrt((x * x).mean(axis=2, keepdims=True) + EPS)
    return groups_backward(x, w, g)[0], (g * x / s[:, :1]).sum(axis=0)


# ---------------------------------------------------------------- a norm with a gate, and a layer behind it

GATED = "y = w * x / sqrt(mean(x**2, axis=1, keepdims=True) + 1/100); s = y * silu(z); s @ V.T"
GATED_WHERE = "x: t n, w: n, z: t n, V: k n"


def silu(z):
    return z / (1 + np.exp(-z))


def gated(x, w, z, V):
    return (w * x / np.sqrt((x * x).mean(axis=1, keepdims=True) + EPS) * silu(z)) @ V.T


def gated_backward(x, w, z, V, g):
    y = w * x / np.sqrt((x * x).mean(axis=1, keepdims=True) + EPS)
    p = 1 / (1 + np.exp(-z))
    return (g @ V) * y * p * (1 + z * (1 - p)), np.einsum("tk,tn->kn", g, y * z * p)


def gated_before(x, w, z, V, g):
    y = w * x / np.sqrt((x * x).mean(axis=1, keepdims=True) + EPS)
    return gated_backward(x, w, z, V, g)[0], g.T @ y


# ---------------------------------------------------------------- linear attention that forgets

LINEAR = "S = (Q @ K.T) * D; S @ V"
LINEAR_WHERE = "Q: t d, K: t d, V: t k, D: t t"


def linear(Q, K, V, D):
    return ((Q @ K.T) * D) @ V


def linear_backward(Q, K, V, D, g):
    dS = np.einsum("tk,sk->ts", g, V) * D
    return dS @ K, np.einsum("ts,td->sd", dS, Q), np.einsum("td,sd,ts,tk->sk", Q, K, D, g)


def linear_without_decay(Q, K, V, D, g):
    dS = (g @ V.T) * D
    return dS @ K, dS.T @ Q, (Q @ K.T).T @ g


# ---------------------------------------------------------------- query heads, and the heads that they share

SHARED = "S = Q @ transpose(K[:, None], (0, 1, 3, 2)); softmax(S) @ V[:, None]"
SHARED_WHERE = "Q: 2 3 t d, K: 2 s d, V: 2 s d"


def shared_heads(Q, K, V, g):
    P = softmax(np.einsum("hrtd,hsd->hrts", Q, K))
    dP = np.einsum("hrtd,hsd->hrts", g, V)
    dS = P * (dP - np.einsum("hrts,hrts->hrt", P, dP)[..., None])
    return np.einsum("hrts,hsd->hrtd", dS, K), np.einsum("hrts,hrtd->hrsd", dS, Q), np.einsum("hrts,hrtd->hrsd", P, g)


def shared(Q, K, V):
    S = np.einsum("hrtd,hsd->hrts", Q, K)
    e = np.exp(S)
    return np.einsum("hrts,hsd->hrtd", e / e.sum(axis=-1, keepdims=True), V)


def shared_backward(Q, K, V, g):
    dQ, dK, dV = shared_heads(Q, K, V, g)
    return dQ, dK.sum(axis=1), dV.sum(axis=1)


def shared_interleaved(Q, K, V, g):
    """Query head h is added to head h % 2, where it reads head h // 3."""
    dQ, *heads = shared_heads(Q, K, V, g)
    flat = [each.reshape(6, *each.shape[2:]) for each in heads]
    return dQ, *(np.stack([each[h::2].sum(axis=0) for h in range(2)]) for each in flat)


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


LOGISTIC = "-softplus(-x)"


def logistic(x):
    return -np.log(1 + np.exp(-x))


def logistic_backward(x, g):
    return (g / (1 + np.exp(x)),)


def logistic_of_output(x, g):
    return (g / (1 + np.exp(-np.log(1 + np.exp(-x)))),)


# ---------------------------------------------------------------- densities and divergences

GAUSS = "sum(-(log(2 * pi) + v) / 2 - (x - m)**2 / (2 * exp(v)))"
GAUSS_WHERE = "x: n, m: n, v: n"


def gauss(x, m, v):
    return np.sum(-0.5 * (np.log(2 * np.pi) + v) - (x - m) ** 2 / (2 * np.exp(v)))


def gauss_backward(x, m, v, g):
    r = (x - m) * np.exp(-v)
    return g * r, g * ((x - m) * r - 1) / 2


def gauss_quarter(x, m, v, g):
    return g * (x - m) * np.exp(-v), g * ((x - m) ** 2 * np.exp(-v) / 2 - 0.25)


PRIOR = "p = softmax(z); sum(p * (log(p) + log(k)))"


def prior(z):
    p = softmax(z)
    return np.sum(p * (np.log(p) + np.log(len(z))))


def prior_backward(z, g):
    p = softmax(z)
    d = np.log(p)
    return (g * p * (d - p @ d),)


def prior_reversed(z, g):
    p = softmax(z)
    d = np.log(1 / len(z)) - np.log(p) - 1
    return (g * p * (d - p @ d),)


FOCAL = "p = softmax(Z, axis=1); q = p[arange(m), y]; -sum((1 - q)**2 * log(q))"
FOCAL_WHERE = "Z: m k, y: m index k"


def focal(Z, y):
    q = softmax(Z)[np.arange(len(y)), y]
    return -np.sum((1 - q) ** 2 * np.log(q))


def focal_backward(Z, y, g, sign=1.0):
    p = softmax(Z)
    q = p[np.arange(len(y)), y]
    slope = sign * 2 * (1 - q) * np.log(q) - (1 - q) ** 2 / q
    return (g * (slope * q)[:, None] * (np.eye(Z.shape[1])[y] - p),)


def focal_right(Z, y, g):
    return focal_backward(Z, y, g)


def focal_first_sign(Z, y, g):
    return focal_backward(Z, y, g, sign=-1.0)


INVERSE_RIGHT = Right("inverse", INVERSE, "A: n n", "A", {"n": 3}, inverse, inverse_backward)
GROUPS_RIGHT = Right("groups", GROUPS, GROUPS_WHERE, "x w", {"t": 2, "c": 3, "d": 4}, groups, groups_backward)
GATED_RIGHT = Right("gate behind a norm", GATED, GATED_WHERE, "z V", {"t": 3, "n": 4, "k": 2}, gated, gated_backward)
LINEAR_RIGHT = Right("linear", LINEAR, LINEAR_WHERE, "Q K V", {"t": 4, "d": 3, "k": 2}, linear, linear_backward)
SHARED_RIGHT = Right("shared", SHARED, SHARED_WHERE, "Q K V", {"t": 2, "s": 4, "d": 3}, shared, shared_backward)
GATHER_RIGHT = Right("gather", GATHER, "E: k d, i: m index k", "E", {"k": 4, "d": 3, "m": 6}, gather, gather_backward)
HANGS_RIGHT = Right("hangs", HANGS, "x: 8", "x", {}, hangs, hangs_backward)
CHANNELS_RIGHT = Right("channels of images", CHANNELS, CHANNELS_WHERE, "X W", {}, channels, channels_backward)
RECTIFIED_RIGHT = Right(
    "rectified", RECTIFIED, "X: m n, W: n k", "X W", {"m": 4, "n": 3, "k": 5}, rectified, rectified_backward
)
CLIPPED_RIGHT = Right("clipped", CLIPPED, CLIPPED_WHERE, "P", {"n": 6}, clipped, clipped_backward)
LOGISTIC_RIGHT = Right("logistic", LOGISTIC, "x: n", "x", {"n": 5}, logistic, logistic_backward)
GAUSS_RIGHT = Right("gauss", GAUSS, GAUSS_WHERE, "m v", {"n": 4}, gauss, gauss_backward)
PRIOR_RIGHT = Right("prior", PRIOR, "z: k", "z", {"k": 5}, prior, prior_backward)
FOCAL_RIGHT = Right("focal of classes", FOCAL, FOCAL_WHERE, "Z", {"m": 3, "k": 4}, focal, focal_right)
CASES = (
    Mistake(
        TWO_AGAIN,
        two_error_of_outputs,
        "the error carried back without a slope",
        of="W1 b1",
        kinds="factor variable",
        about="A2",
        source="Make Your Own Neural Network, page 82: makeyourownneuralnetwork/makeyourownneuralnetwork#88",
        read="the issue",
        what="the hidden layer takes the error, not what passed the outer activation",
    ),
    Mistake(
        INVERSE_RIGHT,
        inverse_not_transposed,
        "an inverse that is not transposed",
        of="A",
        kinds="transposed",
        source="pytorch.org/blog/torch-linalg-autograd: pytorch/pytorch.github.io#2135",
        read="the issue, which has the code",
        what="in NumPy transpose(-2, -1) of a matrix is the matrix",
    ),
    Mistake(
        GROUPS_RIGHT,
        groups_of_all,
        "a mean over the row for one over the group",
        of="x",
        kinds="sum factor",
        source="state-spaces/mamba#547",
        read="the pull request",
        what="on the way back the group is the whole dimension",
    ),
    Mistake(
        GROUPS_RIGHT,
        groups_first,
        "another group's statistics",
        of="w",
        kinds="variable place",
        source="tenstorrent/tt-metal#56202",
        read="the pull request",
        what="every channel reads the statistics of the first group",
    ),
    Mistake(
        GATED_RIGHT,
        gated_before,
        "a weight before the gate",
        of="V",
        kinds="variable factor",
        source="fla-org/flash-linear-attention#1071",
        read="the pull request",
        what="the layer's weights take what was before the gate",
    ),
    Mistake(
        LINEAR_RIGHT,
        linear_without_decay,
        "values without their decay",
        of="V",
        kinds="factor variable",
        about="D",
        source="fla-org/flash-linear-attention#6",
        read="the pull request (one line)",
        what="the gradient of the values has no gates",
    ),
    Mistake(
        SHARED_RIGHT,
        shared_interleaved,
        "heads by remainder for heads by quotient",
        of="K V",
        kinds="place sum",
        source="XunhaoLai/native-sparse-attention-triton#27",
        read="the issue",
        what="a query head is added to another head than the one that it reads",
    ),
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
    Mistake(
        LOGISTIC_RIGHT,
        logistic_of_output,
        "the output for the input",
        of="x",
        kinds="variable",
        source="apache/mxnet#20372",
        read="the pull request",
        what="the derivative of log_sigmoid is called with its output",
    ),
    Mistake(
        GAUSS_RIGHT,
        gauss_quarter,
        "a quarter for a half",
        of="v",
        kinds="factor",
        source="y0ast/VAE-Torch#5",
        read="the pull request",
        what="the constant of the derivative by the log-variance is -1/4",
    ),
    Mistake(
        PRIOR_RIGHT,
        prior_reversed,
        "a divergence with its sign reversed",
        of="z",
        kinds="sign",
        source="Kaixhin/Autoencoders#9",
        read="the issue",
        what="the gradient of the divergence has the other sign",
    ),
    Mistake(
        FOCAL_RIGHT,
        focal_first_sign,
        "a sign of the first of two terms",
        of="Z",
        kinds="sign",
        source="zimenglan-sysu-512/Focal-Loss#2",
        read="the thread",
        what="the term with the logarithm has the other sign",
    ),
)
