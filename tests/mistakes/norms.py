"""Mistakes in the way back through norms: RMS norm, layer norm, batch norm, a cosine."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right

EPS = 0.01

# ---------------------------------------------------------------- RMS norm

RMS = "w * x / sqrt(mean(x**2, axis=1, keepdims=True) + 1/100)"
RMS_WHERE = "x: t n, w: n"
ROWS = {"t": 3, "n": 5}


def rms(x, w):
    return w * x / np.sqrt((x * x).mean(axis=1, keepdims=True) + EPS)


def rms_dx(x, G):
    """The way back of x / rms(x), for each row, by its Jacobian."""
    out = np.empty_like(x)
    for row, (a, b) in enumerate(zip(x, G, strict=True)):
        u = np.sqrt(a @ a / len(a) + EPS)
        out[row] = (np.eye(len(a)) / u - np.outer(a, a) / (len(a) * u**3)) @ b
    return out


def rms_backward(x, w, g):
    u = np.sqrt((x * x).mean(axis=1, keepdims=True) + EPS)
    return rms_dx(x, g * w), np.einsum("tn,tn->n", g, x / u)


def rms_weight_outside(x, w, g):
    n, u = x.shape[-1], np.sqrt((x**2).mean(axis=-1, keepdims=True) + EPS)
    dot = (g * x).sum(axis=-1, keepdims=True)
    return g * w / u - w * x / (n * u**3) * dot, (g * x / u).sum(axis=0)


def rms_weight_forgotten(x, w, g):
    return rms_dx(x, g), (g * x / np.sqrt((x**2).mean(axis=1, keepdims=True) + EPS)).sum(axis=0)


PRE = "h = x + r; stack((w * h / sqrt(mean(h**2, axis=1, keepdims=True) + 1/100), h), axis=0)"
PRE_WHERE = "x: t n, r: t n, w: n"


def pre(x, r, w):
    return np.stack((rms(x + r, w), x + r))


def pre_backward(x, r, w, g):
    dh = rms_dx(x + r, g[0] * w) + g[1]
    return dh, dh.copy(), rms_backward(x + r, w, g[0])[1]


def pre_added_before(x, r, w, g):
    dh = rms_dx(x + r, (g[0] + g[1]) * w)
    return dh, dh.copy(), rms_backward(x + r, w, g[0])[1]


# ---------------------------------------------------------------- layer norm

LAYER = (
    "m = mean(x, axis=1, keepdims=True); v = mean((x - m)**2, axis=1, keepdims=True); w * (x - m) / sqrt(v + 1/100) + b"
)
LAYER_WHERE = "x: t n, w: n, b: n"


def layer(x, w, b):
    c = x - x.mean(axis=1, keepdims=True)
    return w * c / np.sqrt((c * c).mean(axis=1, keepdims=True) + EPS) + b


def layer_backward(x, w, b, g, mean=1.0, variance=1.0):
    c = x - x.mean(axis=1, keepdims=True)
    s = np.sqrt((c * c).mean(axis=1, keepdims=True) + EPS)
    hat, D = c / s, g * w
    dx = D - mean * D.mean(axis=1, keepdims=True) - variance * hat * (D * hat).mean(axis=1, keepdims=True)
    return dx / s, np.einsum("tn,tn->n", g, hat), np.einsum("tn->n", g)


def layer_mean_twice(x, w, b, g):
    return layer_backward(x, w, b, g, mean=2.0)


# ---------------------------------------------------------------- batch norm: its own statistics, and given ones

BATCH = "m = mean(x, axis=0); v = mean((x - m)**2, axis=0); w * (x - m) / sqrt(v + 1/100) + b"


def batch(x, w, b):
    c = x - x.mean(axis=0)
    return w * c / np.sqrt((c * c).mean(axis=0) + EPS) + b


def batch_backward(x, w, b, g):
    dx, _, _ = layer_backward(x.T, np.ones(len(x)), 0.0, (g * w).T)
    c = x - x.mean(axis=0)
    return dx.T, (g * c / np.sqrt((c * c).mean(axis=0) + EPS)).sum(axis=0), g.sum(axis=0)


def batch_statistics_constant(x, w, b, g):
    s = np.sqrt(x.var(axis=0) + EPS)
    return g * w / s, (g * (x - x.mean(axis=0)) / s).sum(axis=0), g.sum(axis=0)


GIVEN = "w * (x - m) / sqrt(v + 1/100) + b"
GIVEN_WHERE = "x: t n, m: n, v: n positive, w: n, b: n"


def given(x, m, v, w, b):
    return w * (x - m) / np.sqrt(v + EPS) + b


def given_backward(x, m, v, w, b, g):
    s = np.sqrt(v + EPS)
    return g * (w / s), np.einsum("tn,tn->n", g, (x - m) / s), np.einsum("tn->n", g)


def given_as_in_training(x, m, v, w, b, g):
    s, hat = np.sqrt(v + EPS), (x - m) / np.sqrt(v + EPS)
    D = g * w
    dx = (D - D.mean(axis=0) - hat * (D * hat).mean(axis=0)) / s
    return dx, (g * hat).sum(axis=0), g.sum(axis=0)


# ---------------------------------------------------------------- a cosine, scaled

COSINE = "s * (x @ w) / (norm(x) * norm(w))"
COSINE_WHERE = "x: n, w: n, s:"


def cosine(x, w, s):
    return s * np.sum(x * w) / np.sqrt(np.sum(x * x) * np.sum(w * w))


def cosine_backward(x, w, s, g):
    a, b = x / np.sqrt(x @ x), w / np.sqrt(w @ w)
    return g * s * (b - (a @ b) * a) / np.sqrt(x @ x), g * s * (a - (a @ b) * b) / np.sqrt(w @ w)


def cosine_scale_of_one_term(x, w, s, g):
    a, b = np.linalg.norm(x), np.linalg.norm(w)
    y = x @ w / (a * b)
    return cosine_backward(x, w, s, g)[0], g * (s * x / (a * b) - y * w / b**2)


PRE_RIGHT = Right("pre", PRE, PRE_WHERE, "x r w", ROWS, pre, pre_backward)
RMS_RIGHT = Right("rms", RMS, RMS_WHERE, "x w", ROWS, rms, rms_backward)
LAYER_RIGHT = Right("layer", LAYER, LAYER_WHERE, "x w b", ROWS, layer, layer_backward)
GIVEN_RIGHT = Right("given", GIVEN, GIVEN_WHERE, "x w b", ROWS, given, given_backward)
BATCH_RIGHT = Right("batch", BATCH, LAYER_WHERE, "x w b", {"t": 4, "n": 3}, batch, batch_backward)
COSINE_RIGHT = Right("cosine", COSINE, COSINE_WHERE, "x w", {"n": 4}, cosine, cosine_backward)
CASES = (
    Mistake(
        PRE_RIGHT,
        pre_added_before,
        "the residual's gradient before the norm",
        of="x r",
        kinds="order",
        source="Dao-AILab/quack#53",
        read="the pull request",
        what="the gradient of the residual is added before the norm's way back, not after it",
    ),
    Mistake(
        RMS_RIGHT,
        rms_weight_outside,
        "the weight outside of the sum",
        of="x",
        kinds="order",
        about="w",
        source="chrisjob1021/transformer-examples, norm/rmsnorm.ipynb at cc9da9a",
        read="the notebook",
        what="w multiplies after the mean over the row is taken",
    ),
    Mistake(
        RMS_RIGHT,
        rms_weight_forgotten,
        "no weight in the way back",
        of="x",
        kinds="factor",
        about="w",
        source="karpathy/llm.c#763 (a comment on one's own code)",
        read="the review",
        what="the weight is missing",
    ),
    Mistake(
        LAYER_RIGHT,
        layer_mean_twice,
        "a mean taken off twice",
        of="x",
        kinds="factor term",
        about="2",
        source="tenstorrent/tt-metal#53215",
        read="the pull request",
        what="mean(dy * w) is subtracted twice",
    ),
    Mistake(
        GIVEN_RIGHT,
        given_as_in_training,
        "evaluation as in training",
        of="x",
        kinds="term",
        source="torch/nn#768; pytorch/pytorch#586; apache/mxnet#9580",
        read="the three threads",
        what="statistics that were given are differentiated as if the batch had made them",
    ),
    Mistake(
        BATCH_RIGHT,
        batch_statistics_constant,
        "training as in evaluation",
        of="x",
        kinds="term",
        source="apache/mxnet#1630",
        read="the review (which asks for one formula for both)",
        what="the statistics of the batch are taken for constants",
    ),
    Mistake(
        COSINE_RIGHT,
        cosine_scale_of_one_term,
        "a scale of one term",
        of="w",
        kinds="factor",
        about="s",
        source="torch/nn#1238",
        read="the issue",
        what="the scale multiplies the first of two terms alone",
    ),
)
