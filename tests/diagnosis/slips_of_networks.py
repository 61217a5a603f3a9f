"""Backward passes of networks, written by hand in NumPy, each of which can be made with one slip.

A way back takes the values of all variables by name and a `slip`: "" for none. Nothing here is made from the table of
mistakes, from derivations or from nodes: `SLIPS` says of each slip what a person would call it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Values = dict[str, Any]


class Slip(NamedTuple):
    """A slip of a way back: the kinds by which it may be called, and of which names one must be said."""

    name: str
    kinds: str
    names: str


class Subject(NamedTuple):
    """A network or a formula, the way back by hand, and its slips."""

    text: str
    backward: Callable[[Values, str], Values]
    slips: tuple[Slip, ...]
    where: str = ""
    sizes: dict[str, int] = {}


def softmax(s: Any) -> Any:
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def dense(p: Values, slip: str) -> Values:
    x, y, m = p["x"], p["y"], len(p["x"])
    z1 = x @ p["W1"].T + p["b1"]
    a1 = np.tanh(z1)
    prob = softmax(a1 @ p["W2"].T + p["b2"])
    delta2 = (prob - y) / m
    if slip == "not averaged":
        delta2 = prob - y
    elif slip == "target minus prediction":
        delta2 = (y - prob) / m
    elif slip == "no target":
        delta2 = prob / m
    elif slip == "diagonal softmax":
        delta2 = -y / prob * prob * (1 - prob) / m
    elif slip == "averaged over classes":
        delta2 = (prob - y) / y.shape[1]
    slope = 1 - a1**2
    if slip == "slope in z":
        slope = 1 - z1**2
    elif slip == "slope of a sigmoid":
        slope = a1 * (1 - a1)
    elif slip == "slope not squared":
        slope = 1 - a1
    elif slip == "slope plus":
        slope = 1 + a1**2
    elif slip == "the value for its slope":
        slope = a1
    elif slip == "no slope":
        slope = np.ones_like(a1)
    delta1 = (delta2 @ p["W2"]) * slope
    dW2, db2 = delta2.T @ a1, delta2.sum(axis=0)
    dW1, db1 = delta1.T @ x, delta1.sum(axis=0)
    if slip == "dW2 transposed":
        dW2 = dW2.T
    elif slip == "dW2 reads z1":
        dW2 = delta2.T @ z1
    elif slip == "db1 a mean":
        db1 = delta1.mean(axis=0)
    elif slip == "db1 not summed":
        db1 = delta1
    elif slip == "db2 over classes":
        db2 = delta2.sum(axis=1)
    elif slip == "dW1 averaged again":
        dW1 = dW1 / m
    elif slip == "weights averaged again":
        dW1, dW2 = dW1 / m, dW2 / m
    elif slip == "two slips":
        dW2, db1 = -dW2, db1 / m
    elif slip == "db1 of the first example":
        db1 = delta1[0]
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


DENSE = Subject(
    "Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()",
    dense,
    (
        Slip("not averaged", "factor", "delta2"),
        Slip("target minus prediction", "sign", "delta2"),
        Slip("no target", "term", "delta2"),
        Slip("diagonal softmax", "term sum", "delta2"),
        Slip("averaged over classes", "factor", "delta2"),
        Slip("slope in z", "variable", "delta1"),
        Slip("slope of a sigmoid", "function variable term", "delta1"),
        Slip("slope not squared", "power factor", "delta1"),
        Slip("slope plus", "sign", "delta1"),
        Slip("the value for its slope", "function", "delta1"),
        Slip("no slope", "factor", "delta1"),
        Slip("dW2 transposed", "transposed", "dW2"),
        Slip("dW2 reads z1", "variable", "dW2"),
        Slip("db1 a mean", "factor sum", "db1"),
        Slip("db1 not summed", "sum", "db1"),
        Slip("db2 over classes", "sum", "db2"),
        Slip("dW1 averaged again", "factor", "dW1"),
        Slip("weights averaged again", "factor", "dW1 dW2"),
        Slip("two slips", "sign factor", "dW2 db1"),
        Slip("db1 of the first example", "sum", "db1"),
    ),
)


def skip(p: Values, slip: str) -> Values:
    x, y, m = p["x"], p["y"], len(p["x"])
    z1 = x @ p["W1"].T + p["b1"]
    r1 = 1 / np.sqrt((z1**2).mean(axis=1, keepdims=True) + 1e-5)
    n1 = z1 * r1
    u1 = p["gamma1"] * n1
    s1 = 1 / (1 + np.exp(-u1))
    a1 = u1 * s1 + x
    z2 = a1 @ p["W2"].T + p["b2"]
    f2 = np.tanh(z2)
    a2 = f2 + a1
    dz3 = (a2 @ p["W3"].T + p["b3"] - y) / m
    da2 = dz3 @ p["W3"]
    delta2 = da2 * (1 - f2**2)
    if slip == "slope of the sum":
        delta2 = da2 * (1 - a2**2)
    da1 = delta2 @ p["W2"] + da2
    if slip == "no skip":
        da1 = delta2 @ p["W2"]
    elif slip == "skip alone":
        da1 = da2
    elif slip == "square not transposed":
        da1 = delta2 @ p["W2"].T + da2
    elif slip == "skip twice":
        da1 = delta2 @ p["W2"] + 2 * da2
    elif slip == "skip after the slope":
        da1 = delta2 @ p["W2"] + delta2
    silu = s1 + u1 * s1 * (1 - s1)
    if slip == "half of a silu":
        silu = s1
    elif slip == "a silu without u":
        silu = s1 + s1 * (1 - s1)
    du1 = da1 * silu
    G = du1 * p["gamma1"]
    if slip == "no gamma":
        G = du1
    width = z1.shape[1]
    delta1 = r1 * (G - n1 * (G * n1).sum(axis=1, keepdims=True) / width)
    if slip == "norm as a scale":
        delta1 = r1 * G
    elif slip == "norm not averaged":
        delta1 = r1 * (G - n1 * (G * n1).sum(axis=1, keepdims=True))
    elif slip == "norm over the batch":
        delta1 = r1 * (G - n1 * (G * n1).sum(axis=0, keepdims=True) / width)
    elif slip == "norm plus":
        delta1 = r1 * (G + n1 * (G * n1).sum(axis=1, keepdims=True) / width)
    elif slip == "root squared":
        delta1 = r1**2 * (G - n1 * (G * n1).sum(axis=1, keepdims=True) / width)
    elif slip == "z for x hat":
        delta1 = r1 * (G - z1 * (G * z1).sum(axis=1, keepdims=True) / width)
    elif slip == "gamma after":
        delta1 = p["gamma1"] * r1 * (du1 - n1 * (du1 * n1).sum(axis=1, keepdims=True) / width)
    dgamma = (du1 * n1).sum(axis=0)
    if slip == "dgamma reads z":
        dgamma = (du1 * z1).sum(axis=0)
    elif slip == "dgamma reads G":
        dgamma = (G * n1).sum(axis=0)
    return {
        **{"W1": delta1.T @ x, "b1": delta1.sum(axis=0), "gamma1": dgamma, "W2": delta2.T @ a1},
        **{"b2": delta2.sum(axis=0), "W3": dz3.T @ a2, "b3": dz3.sum(axis=0)},
    }


SKIP = Subject(
    "Input(4) >> Residual(Dense(4) >> RMSNorm() >> Swish()) >> Residual(Dense(4) >> Tanh()) >> Dense(3)"
    " >> MeanSquaredError()",
    skip,
    (
        Slip("slope of the sum", "variable", "delta2"),
        Slip("no skip", "term", "da1 du1"),
        Slip("skip alone", "term", "da1 du1"),
        Slip("square not transposed", "transposed", "da1 du1"),
        Slip("skip twice", "factor", "da1 du1"),
        Slip("skip after the slope", "variable", "da1 du1"),
        Slip("half of a silu", "term factor", "du1"),
        Slip("a silu without u", "factor function", "du1"),
        Slip("no gamma", "factor", "dx_hat1 delta1"),
        Slip("norm as a scale", "term", "delta1"),
        Slip("norm not averaged", "factor", "delta1"),
        Slip("norm over the batch", "sum", "delta1"),
        Slip("norm plus", "sign", "delta1"),
        Slip("root squared", "power", "delta1"),
        Slip("z for x hat", "variable", "delta1"),
        Slip("gamma after", "order", "delta1"),
        Slip("dgamma reads z", "variable", "dgamma1"),
        Slip("dgamma reads G", "variable", "dgamma1"),
    ),
)


def layer_norm(p: Values, slip: str) -> Values:
    x, y, m = p["x"], p["y"], len(p["x"])
    z1 = x @ p["W1"].T + p["b1"]
    mu = z1.mean(axis=1, keepdims=True)
    r = 1 / np.sqrt(z1.var(axis=1, keepdims=True) + 1e-5)
    hat = (z1 - mu) * r
    u = p["gamma1"] * hat + p["beta1"]
    a1 = np.maximum(u, 0)
    delta2 = (a1 @ p["W2"].T + p["b2"] - y) / m
    alive = u > 0
    if slip == "relu of z":
        alive = z1 > 0
    elif slip == "relu forgotten":
        alive = np.ones_like(u)
    elif slip == "relu the wrong way":
        alive = u < 0
    du = (delta2 @ p["W2"]) * alive
    G = du * p["gamma1"]
    mean = G.mean(axis=1, keepdims=True)
    along = hat * (G * hat).mean(axis=1, keepdims=True)
    if slip == "mean over the batch":
        mean = G.mean(axis=0, keepdims=True)
    elif slip == "one fewer":
        along = hat * (G * hat).sum(axis=1, keepdims=True) / (z1.shape[1] - 1)
    delta1 = r * (G - mean - along)
    if slip == "no mean":
        delta1 = r * (G - along)
    elif slip == "no variance":
        delta1 = r * (G - mean)
    elif slip == "statistics constant":
        delta1 = r * G
    elif slip == "not divided":
        delta1 = G - mean - along
    elif slip == "centred only":
        delta1 = r * (G - mean - (z1 - mu) * (G * (z1 - mu)).mean(axis=1, keepdims=True))
    elif slip == "divided by the root":
        delta1 = (G - mean - along) / r
    dgamma, dbeta = (du * hat).sum(axis=0), du.sum(axis=0)
    if slip == "dbeta of G":
        dbeta = G.sum(axis=0)
    elif slip == "dgamma without x hat":
        dgamma = du.sum(axis=0)
    return {
        **{"W1": delta1.T @ x, "b1": delta1.sum(axis=0), "gamma1": dgamma, "beta1": dbeta},
        **{"W2": delta2.T @ a1, "b2": delta2.sum(axis=0)},
    }


LAYER_NORM = Subject(
    "Input(3) >> Dense(5) >> LayerNorm() >> ReLU() >> Dense(2) >> MeanSquaredError()",
    layer_norm,
    (
        Slip("relu of z", "variable mask", "du1"),
        Slip("relu forgotten", "mask factor", "du1"),
        Slip("relu the wrong way", "mask sign", "du1"),
        Slip("mean over the batch", "sum", "delta1"),
        Slip("one fewer", "factor", "delta1"),
        Slip("no mean", "term", "delta1"),
        Slip("no variance", "term", "delta1"),
        Slip("statistics constant", "term", "delta1"),
        Slip("not divided", "factor", "delta1"),
        Slip("centred only", "variable factor power", "delta1"),
        Slip("divided by the root", "power factor", "delta1"),
        Slip("dbeta of G", "variable", "dbeta1"),
        Slip("dgamma without x hat", "factor", "dgamma1"),
    ),
)


def batch_norm(p: Values, slip: str) -> Values:
    x, y, m = p["x"], p["y"], len(p["x"])
    z1 = x @ p["W1"].T
    r = 1 / np.sqrt(z1.var(axis=0) + 1e-5)
    hat = (z1 - z1.mean(axis=0)) * r
    u = p["gamma1"] * hat + p["beta1"]
    a1 = 1 / (1 + np.exp(-u))
    delta2 = (a1 @ p["W2"].T + p["b2"] - y) / m
    du = (delta2 @ p["W2"]) * a1 * (1 - a1)
    if slip == "slope of tanh":
        du = (delta2 @ p["W2"]) * (1 - a1**2)
    G = du * p["gamma1"]
    delta1 = r * (G - G.sum(axis=0) / m - hat * (G * hat).sum(axis=0) / m)
    if slip == "as in evaluation":
        delta1 = r * G
    elif slip == "over the features":
        delta1 = r * (G - G.mean(axis=1, keepdims=True) - hat * (G * hat).sum(axis=0) / m)
    elif slip == "sums for means":
        delta1 = r * (G - G.sum(axis=0) - hat * (G * hat).sum(axis=0))
    elif slip == "divided by one fewer":
        delta1 = r * (G - G.sum(axis=0) / m - hat * (G * hat).sum(axis=0) / (m - 1))
    dgamma = (du * hat).sum(axis=0)
    if slip == "dgamma averaged":
        dgamma = dgamma / m
    return {
        **{"W1": delta1.T @ x, "gamma1": dgamma, "beta1": du.sum(axis=0)},
        **{"W2": delta2.T @ a1, "b2": delta2.sum(axis=0)},
    }


BATCH_NORM = Subject(
    "Input(3) >> Dense(4, bias=False) >> BatchNorm() >> Sigmoid() >> Dense(2) >> MeanSquaredError()",
    batch_norm,
    (
        Slip("slope of tanh", "function variable term", "du1"),
        Slip("as in evaluation", "term", "delta1"),
        Slip("over the features", "sum", "delta1"),
        Slip("sums for means", "factor", "delta1"),
        Slip("divided by one fewer", "factor", "delta1"),
        Slip("dgamma averaged", "factor", "dgamma1"),
    ),
)


def convolution(p: Values, slip: str) -> Values:
    x, y, m = p["x"], p["y"], len(p["x"])
    W = p["W1"]  # (out, length, in)
    windows = np.stack([x[:, 2 * i : 2 * i + 2] for i in range(3)], axis=1)  # (m, 3, length, in)
    a1 = np.tanh(np.einsum("mikc,okc->mio", windows, W) + p["b1"])
    h = a1.reshape(m, -1)
    delta2 = (h @ p["W2"].T + p["b2"] - y) / m
    dh = delta2 @ p["W2"]
    delta1 = dh.reshape(a1.shape) * (1 - a1**2)
    if slip == "no slope":
        delta1 = dh.reshape(a1.shape)
    used = windows
    if slip == "windows one apart":
        used = np.stack([x[:, i : i + 2] for i in range(3)], axis=1)
    elif slip == "kernel flipped":
        used = windows[:, :, ::-1]
    dW1 = np.einsum("mio,mikc->okc", delta1, used)
    db1 = delta1.sum(axis=(0, 1))
    if slip == "bias at one place":
        db1 = delta1.sum(axis=0)[0]
    elif slip == "bias averaged over places":
        db1 = delta1.sum(axis=0).mean(axis=0)
    elif slip == "kernel averaged over places":
        dW1 = dW1 / 3
    return {"W1": dW1, "b1": db1, "W2": delta2.T @ h, "b2": delta2.sum(axis=0)}


CONVOLUTION = Subject(
    "Input(6, 2) >> Conv1D(4, 2, stride=2) >> Tanh() >> Flatten() >> Dense(2) >> MeanSquaredError()",
    convolution,
    (
        Slip("no slope", "factor", "delta1"),
        Slip("windows one apart", "place", "dW1"),
        Slip("kernel flipped", "place", "dW1"),
        Slip("bias at one place", "sum", "db1"),
        Slip("bias averaged over places", "factor sum", "db1"),
        Slip("kernel averaged over places", "factor", "dW1"),
    ),
)


def heads(X: Any, W: Any, b: Any, count: int) -> Any:
    z = X @ W.T + b
    return z.reshape(*z.shape[:2], count, -1).transpose(0, 2, 1, 3)


def together(H: Any) -> Any:
    return H.transpose(0, 2, 1, 3).reshape(H.shape[0], H.shape[2], -1)


def attention(p: Values, slip: str) -> Values:
    x, y = p["x"], p["y"]
    m, t, _ = x.shape
    q = heads(x, p["Wq1"], p["bq1"], 4)
    k = np.repeat(heads(x, p["Wk1"], p["bk1"], 2), 2, axis=1)
    v = np.repeat(heads(x, p["Wv1"], p["bv1"], 2), 2, axis=1)
    if slip == "heads by turns":
        k = np.tile(heads(x, p["Wk1"], p["bk1"], 2), (1, 2, 1, 1))
    root = np.sqrt(2)
    seen = np.tril(np.ones((t, t), dtype=bool))
    if slip == "mask forgotten":
        seen = np.ones((t, t), dtype=bool)
    scores = q @ k.swapaxes(2, 3) / root
    if slip == "scores not scaled":
        scores = q @ k.swapaxes(2, 3)
    P = softmax(np.where(seen, scores, -np.inf))
    o = (
        softmax(
            np.where(
                np.tril(np.ones((t, t), dtype=bool)),
                q @ np.repeat(heads(x, p["Wk1"], p["bk1"], 2), 2, axis=1).swapaxes(2, 3) / root,
                -np.inf,
            )
        )
        @ v
    )
    c = together(o) @ p["Wo1"].T + p["bo1"]
    dc = (c - y) / (m * t)
    do = heads(dc, p["Wo1"].T, 0, 4)
    if slip == "Wo not transposed":
        do = heads(dc, p["Wo1"], 0, 4)
    dP, dv = do @ v.swapaxes(2, 3), P.swapaxes(2, 3) @ do
    if slip == "P not transposed":
        dv = P @ do
    dS = P * (dP - (dP * P).sum(axis=3, keepdims=True))
    if slip == "diagonal softmax":
        dS = P * (1 - P) * dP
    elif slip == "softmax down":
        dS = P * (dP - (dP * P).sum(axis=2, keepdims=True))
    elif slip == "no row sums":
        dS = P * dP
    dq, dk = dS @ k / root, dS.swapaxes(2, 3) @ q / root
    if slip == "keys not scaled":
        dk = dS.swapaxes(2, 3) @ q
    elif slip == "nothing scaled":
        dq, dk = dS @ k, dS.swapaxes(2, 3) @ q
    elif slip == "dS not transposed":
        dk = dS @ q / root
    elif slip == "queries read queries":
        dq = dS @ q / root

    def grouped(H: Any) -> Any:
        pairs = H.reshape(m, 2, 2, *H.shape[2:])
        if slip == "last head of a group":
            return pairs[:, :, -1]
        return pairs.mean(axis=2) if slip == "mean over a group" else pairs.sum(axis=2)

    made = {}
    for letter, H in (("q", dq), ("k", grouped(dk)), ("v", grouped(dv))):
        flat = together(H)
        made |= {f"W{letter}1": np.einsum("mti,mtj->ij", flat, x), f"b{letter}1": flat.sum(axis=(0, 1))}
    made["Wo1"] = np.einsum("mti,mtj->ij", dc, together(o))
    made["bo1"] = dc.sum(axis=(0, 1))
    if slip == "bias of one position":
        made["bo1"] = dc[:, 0].sum(axis=0)
    elif slip == "Wo reads x":
        made["Wo1"] = np.einsum("mti,mtj->ij", dc, x)
    return made


ATTENTION = Subject(
    "Input(5, 8) >> Attention(4, kv_heads=2, causal=True) >> MeanSquaredError()",
    attention,
    (
        Slip("heads by turns", "place order variable sum", "k1"),
        Slip("mask forgotten", "mask", "s1"),
        Slip("scores not scaled", "factor", "s1"),
        Slip("Wo not transposed", "transposed", "do1"),
        Slip("P not transposed", "transposed", "dv1"),
        Slip("diagonal softmax", "term sum", "ds1"),
        Slip("softmax down", "sum", "ds1"),
        Slip("no row sums", "term", "ds1"),
        Slip("keys not scaled", "factor", "dk1"),
        Slip("nothing scaled", "factor", "dk1 ds1 dq1"),
        Slip("dS not transposed", "transposed", "dk1"),
        Slip("queries read queries", "variable", "dq1"),
        Slip("last head of a group", "sum", "dk1 dv1 dWk1"),
        Slip("mean over a group", "factor sum", "dk1 dv1 dWk1"),
        Slip("bias of one position", "sum", "dbo1"),
        Slip("Wo reads x", "variable", "dWo1"),
    ),
)


def rotary(p: Values, slip: str) -> Values:
    x, y = p["x"], p["y"]
    m, t, _ = x.shape
    angle = np.arange(t)[:, None] * np.ones(2)
    C, S = np.cos(angle), np.sin(angle)

    def turn(H: Any, sign: float = 1.0) -> Any:
        a, b = H[..., :1], H[..., 1:]
        return np.concatenate((a * C[:, :1] - sign * b * S[:, :1], b * C[:, 1:] + sign * a * S[:, 1:]), axis=3)

    q, k = (heads(x, p[f"W{each}1"], 0, 2) for each in "qk")
    v = heads(x, p["Wv1"], 0, 2)
    Q, K = turn(q), turn(k)
    P = softmax(Q @ K.swapaxes(2, 3) / np.sqrt(2))
    c = together(P @ v) @ p["Wo1"].T
    dc = (c - y) / (m * t)
    do = heads(dc, p["Wo1"].T, 0, 2)
    dP = do @ v.swapaxes(2, 3)
    dS = P * (dP - (dP * P).sum(axis=3, keepdims=True)) / np.sqrt(2)
    dQ, dK = dS @ K, dS.swapaxes(2, 3) @ Q
    if slip == "keys as they were":
        dQ = dS @ k
    back = 1.0 if slip == "turned the same way" else -1.0
    dq, dk = turn(dQ, back), turn(dK, back)
    if slip == "not turned back":
        dq, dk = dQ, dK
    elif slip == "keys not turned back":
        dk = dK
    made = {f"W{name}1": np.einsum("mti,mtj->ij", together(H), x) for name, H in (("q", dq), ("k", dk))}
    made["Wv1"] = np.einsum("mti,mtj->ij", together(P.swapaxes(2, 3) @ do), x)
    return made | {"Wo1": np.einsum("mti,mtj->ij", dc, together(P @ v))}


ROTARY = Subject(
    "Input(5, 4) >> Attention(2, rope=True, bias=False) >> MeanSquaredError()",
    rotary,
    (
        Slip("keys as they were", "variable", "dq1 dq_rot1"),
        Slip("turned the same way", "sign transposed", "dq1 dk1"),
        Slip("not turned back", "term variable factor", "dq1 dk1"),
        Slip("keys not turned back", "term variable factor", "dk1"),
    ),
)


def embedding(p: Values, slip: str) -> Values:
    x, y, m = p["x"], p["y"], len(p["x"])
    e = p["E1"][x]  # (m, 3, 2)
    h = e.reshape(m, -1)
    prob = softmax(h @ p["W1"].T + p["b1"])
    delta = (prob - y) / m
    de = (delta @ p["W1"]).reshape(e.shape)
    dE = np.zeros_like(p["E1"])
    if slip == "written over":
        for place in np.ndindex(x.shape):
            dE[x[place]] = de[place]
    elif slip == "first position alone":
        np.add.at(dE, x[:, 0], de[:, 0])
    else:
        np.add.at(dE, x, de)
    if slip == "averaged":
        dE = dE / m
    return {"E1": dE, "W1": delta.T @ h, "b1": delta.sum(axis=0)}


EMBEDDING = Subject(
    "Input(3) >> Embedding(4, 2) >> Dense(3) >> SoftmaxCrossEntropy()",
    embedding,
    (
        Slip("written over", "sum", "dE1"),
        Slip("first position alone", "sum", "dE1"),
        Slip("averaged", "factor", "dE1"),
    ),
)


def tied(p: Values, slip: str) -> Values:
    x, y, m = p["x"], p["y"], len(p["x"])
    W, b = p["W1"], p["b1"]
    a = [x]
    for _ in range(3):
        a.append(np.tanh(a[-1] @ W.T + b))
    delta = (a[3] - y) * (1 - a[3] ** 2) / m
    dW, db = np.zeros_like(W), np.zeros_like(b)
    for step in (3, 2, 1):
        before = a[step] if slip == "this state for the last one" else a[step - 1]
        dW += delta.T @ before
        db += delta.sum(axis=0)
        if slip == "the last step alone":
            break
        slope = 1 - a[step - 1] ** 2
        if slip == "slope of the next state":
            slope = 1 - a[step] ** 2
        through = W.T if slip == "weights not transposed" else W
        delta = delta @ through * (1 if slip == "slopes forgotten" else slope)
    if slip == "averaged over steps":
        dW /= 3
    return {"W1": dW, "b1": db}


TIED = Subject(
    "Input(4) >> Repeat(Dense(4) >> Tanh(), 3, tied=True) >> MeanSquaredError()",
    tied,
    (
        Slip("this state for the last one", "variable", "dW1"),
        Slip("the last step alone", "term", "dW1 db1"),
        Slip("slope of the next state", "variable", "delta1 delta2"),
        Slip("weights not transposed", "transposed", "delta1 delta2"),
        Slip("slopes forgotten", "factor", "delta1 delta2"),
        Slip("averaged over steps", "factor", "dW1"),
    ),
)


def penalty(p: Values, slip: str) -> Values:
    x, y, m = p["x"], p["y"], len(p["x"])
    delta = (x @ p["W1"].T + p["b1"] - y) / m
    extra = 0.01 * p["W1"]
    if slip == "twice":
        extra = 2 * extra
    elif slip == "forgotten":
        extra = 0 * extra
    elif slip == "subtracted":
        extra = -extra
    elif slip == "divided by the batch":
        extra = extra / m
    elif slip == "of the signs":
        extra = 0.01 * np.sign(p["W1"])
    return {"W1": delta.T @ x + extra, "b1": delta.sum(axis=0)}


PENALTY = Subject(
    "Input(4) >> Dense(3) >> MeanSquaredError() + L2(0.01)",
    penalty,
    (
        Slip("twice", "factor", "dW1"),
        Slip("forgotten", "term", "dW1"),
        Slip("subtracted", "sign", "dW1"),
        Slip("divided by the batch", "factor", "dW1"),
        Slip("of the signs", "function", "dW1"),
    ),
)

NETWORKS = (*(DENSE, SKIP, LAYER_NORM, BATCH_NORM, CONVOLUTION, ATTENTION, ROTARY, EMBEDDING, TIED, PENALTY),)
