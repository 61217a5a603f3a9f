"""Backward passes of formulas, written by hand in NumPy, each of which can be made with one slip."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.diagnosis.slips_of_networks import Slip, Subject, Values, softmax


def product(p: Values, slip: str) -> Values:
    A, B, g = p["A"], p["B"], p["g"]
    dA, dB = g @ B.T, A.T @ g
    if slip == "factors swapped":
        dB = g.T @ A
    elif slip == "minus":
        dA = -dA
    return {"A": dA, "B": dB}


PRODUCT = Subject(
    "A @ B", product, (Slip("factors swapped", "transposed", "dB"), Slip("minus", "sign", "dA")), "A: m k, B: k n"
)


def ridge(p: Values, slip: str) -> Values:
    X, w, y, lam, g = (p[name] for name in ("X", "w", "y", "lam", "g"))
    r, m = X @ w - y, len(y)
    dw = 2 * X.T @ r / m + 2 * lam * w
    if slip == "square without its two":
        dw = X.T @ r / m + 2 * lam * w
    elif slip == "not averaged":
        dw = 2 * X.T @ r + 2 * lam * w
    elif slip == "penalty divided too":
        dw = 2 * X.T @ r / m + 2 * lam * w / m
    elif slip == "y for r":
        dw = 2 * X.T @ y / m + 2 * lam * w
    return {"w": g * dw, "X": g * 2 * np.outer(r, w) / m}


RIDGE = Subject(
    "sum((X @ w - y)**2) / m + lam * w @ w",
    ridge,
    (
        Slip("square without its two", "factor", "dw"),
        Slip("not averaged", "factor", "dw"),
        Slip("penalty divided too", "factor", "dw"),
        Slip("y for r", "variable", "dw"),
    ),
    "X: m n, w: n, y: m, lam:",
)


def scores(p: Values, slip: str) -> Values:
    Q, K, V, g = (p[name] for name in "QKVg")
    root = np.sqrt(Q.shape[1])
    P = softmax(Q @ K.T / root)
    if slip == "scores not scaled":
        P = softmax(Q @ K.T)
    dP = g @ V.T
    dS = P * (dP - (P * dP).sum(axis=1, keepdims=True))
    if slip == "diagonal softmax":
        dS = P * (1 - P) * dP
    elif slip == "sums of the wrong axis":
        dS = P * (dP - (P * dP).sum(axis=0, keepdims=True))
    dQ, dK, dV = dS @ K / root, dS.T @ Q / root, P.T @ g
    if slip == "keys not scaled":
        dK = dS.T @ Q
    elif slip == "neither scaled":
        dQ, dK = dS @ K, dS.T @ Q
    elif slip == "scaled by the width":
        dQ = dQ / root
    return {"Q": dQ, "K": dK, "V": dV}


SCORES = Subject(
    "softmax(Q @ K.T / sqrt(d)) @ V",
    scores,
    (
        Slip("scores not scaled", "factor", "S dQ"),
        Slip("diagonal softmax", "term sum", "dS"),
        Slip("sums of the wrong axis", "sum", "dS"),
        Slip("keys not scaled", "factor", "dK"),
        Slip("neither scaled", "factor", "dK dQ dS"),
        Slip("scaled by the width", "factor power", "dQ"),
    ),
    "Q: n d, K: m d, V: m p",
)


def scaled_norm(p: Values, slip: str) -> Values:
    x, w, g = p["x"], p["w"], p["g"]
    size = x.shape[1]
    r = 1 / np.sqrt((x**2).mean(axis=1, keepdims=True) + 0.01)
    G = g * w
    dx = r * G - r**3 * x * (G * x).sum(axis=1, keepdims=True) / size
    if slip == "weight outside":
        dx = w * (r * g - r**3 * x * (g * x).sum(axis=1, keepdims=True) / size)
    elif slip == "root for its cube":
        dx = r * G - r * x * (G * x).sum(axis=1, keepdims=True) / size
    dw = (g * x * r).sum(axis=0)
    if slip == "root forgotten":
        dw = (g * x).sum(axis=0)
    elif slip == "not summed":
        dw = g * x * r
    return {"x": dx, "w": dw}


SCALED_NORM = Subject(
    "w * x / sqrt(mean(x**2, axis=1, keepdims=True) + 1/100)",
    scaled_norm,
    (
        Slip("weight outside", "order", "dx"),
        Slip("root for its cube", "power", "dx"),
        Slip("root forgotten", "factor", "dw"),
        Slip("not summed", "sum", "dw"),
    ),
    "x: m n, w: n",
)


def likelihood(p: Values, slip: str) -> Values:
    S, y, g = p["S"], p["y"], p["g"]
    inverse: Any = np.linalg.inv(S)
    a = inverse @ y
    dS, dy = inverse.T - np.outer(inverse.T @ y, a), 2 * a
    if slip == "plus":
        dS = inverse.T + np.outer(inverse.T @ y, a)
    elif slip == "no determinant":
        dS = -np.outer(inverse.T @ y, a)
    dy = inverse @ y + inverse.T @ y
    if slip == "half":
        dy = a
    return {"S": g * dS, "y": g * dy}


LIKELIHOOD = Subject(
    "logdet(S) + y @ inv(S) @ y",
    likelihood,
    (
        Slip("plus", "sign", "dS"),
        Slip("no determinant", "term", "dS"),
        Slip("half", "term factor", "dy"),
    ),
    "S: n n positive-definite, y: n",
)

FORMULAS = (PRODUCT, RIDGE, SCORES, SCALED_NORM, LIKELIHOOD)
