"""Mistakes in gated recurrent units, of a documentation page and of a package."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# ---------------------------------------------------------------- a GRU, as TensorFlow's GRUBlockCell has it

GRU = "r = sigmoid(x @ Wrx + h @ Wrh + br); u = sigmoid(x @ Wux + h @ Wuh + bu); "
GRU += "c = tanh(x @ Wcx + (r * h) @ Wch + bc); u * h + (1 - u) * c"
GRU_WHERE = "x: b n, h: b k, Wrx: n k, Wux: n k, Wcx: n k, Wrh: k k, Wuh: k k, Wch: k k, br: k, bu: k, bc: k"
GRU_NAMES = "x h Wrx Wux Wcx Wrh Wuh Wch br bu bc"
GRU_SIZES = {"b": 2, "n": 3, "k": 4}


def gru_gates(x, h, Wrx, Wux, Wcx, Wrh, Wuh, Wch, br, bu, bc):
    r, u = sigmoid(x @ Wrx + h @ Wrh + br), sigmoid(x @ Wux + h @ Wuh + bu)
    return r, u, np.tanh(x @ Wcx + (r * h) @ Wch + bc)


def gru(x, h, Wrx, Wux, Wcx, Wrh, Wuh, Wch, br, bu, bc):
    _, u, c = gru_gates(x, h, Wrx, Wux, Wcx, Wrh, Wuh, Wch, br, bu, bc)
    return u * h + (1 - u) * c


def gru_backward(x, h, Wrx, Wux, Wcx, Wrh, Wuh, Wch, br, bu, bc, g):
    r, u, c = gru_gates(x, h, Wrx, Wux, Wcx, Wrh, Wuh, Wch, br, bu, bc)
    dc = g * (1 - u) / np.cosh(np.arctanh(c)) ** 2
    du = g * u * (h - c) * (1 - u)
    back = np.einsum("bk,jk->bj", dc, Wch)
    dr = r * (1 - r) * h * back
    dx = np.einsum("bk,nk->bn", np.hstack((dr, du, dc)), np.hstack((Wrx, Wux, Wcx)))
    dh = g * u + back * r + np.einsum("bk,jk->bj", np.hstack((dr, du)), np.hstack((Wrh, Wuh)))
    return dx, dh, *gru_weights(x, h, r, dr, du, dc)


def gru_weights(x, h, r, dr, du, dc):
    by_x = [x.T @ each for each in (dr, du, dc)]
    by_h = [h.T @ dr, h.T @ du, (r * h).T @ dc]
    return *by_x, *by_h, dr.sum(axis=0), du.sum(axis=0), dc.sum(axis=0)


def gru_one_weight_twice(x, h, Wrx, Wux, Wcx, Wrh, Wuh, Wch, br, bu, bc, g):
    r, u, c = gru_gates(x, h, Wrx, Wux, Wcx, Wrh, Wuh, Wch, br, bu, bc)
    dc = g * (1 - u) * (1 - c * c)
    du = g * (h - c) * u * (1 - u)
    back = dc @ Wch.T
    dr = back * h * r * (1 - r)
    dx = (dr @ Wrx.T + du @ Wrx.T) + dc @ Wcx.T
    dh = (dr @ Wrh.T + du @ Wrh.T) + back * r + g * u
    return dx, dh, *gru_weights(x, h, r, dr, du, dc)


def gru_new_state(x, h, Wrx, Wux, Wcx, Wrh, Wuh, Wch, br, bu, bc, g):
    r, u, c = gru_gates(x, h, Wrx, Wux, Wcx, Wrh, Wuh, Wch, br, bu, bc)
    new = u * h + (1 - u) * c
    dc = g * (1 - u) * (1 - c * c)
    du = g * (new - c) * u * (1 - u)
    back = dc @ Wch.T
    dr = back * h * r * (1 - r)
    dx = dr @ Wrx.T + du @ Wux.T + dc @ Wcx.T
    dh = dr @ Wrh.T + du @ Wuh.T + back * r + g * u
    return dx, dh, *gru_weights(x, h, r, dr, du, dc)


def gru_lost_cotangent(x, h, Wrx, Wux, Wcx, Wrh, Wuh, Wch, br, bu, bc, g):
    r, u, c = gru_gates(x, h, Wrx, Wux, Wcx, Wrh, Wuh, Wch, br, bu, bc)
    dc = g * (1 - u) * (1 - c * c)
    du = g * (h - c) * u * (1 - u)
    back = dc @ Wch.T
    dr = back * h * r * (1 - r)
    dx = dr @ Wrx.T + du @ Wux.T + dc @ Wcx.T
    dh = dr @ Wrh.T + du @ Wuh.T + back * r + u
    return dx, dh, *gru_weights(x, h, r, dr, du, dc)


# ---------------------------------------------------------------- a GRU, as the package rnn has it

CELL = (
    "r = sigmoid(h @ Wr + x @ Ur); z = sigmoid(h @ Wz + x @ Uz); c = tanh((h * r) @ Wg + x @ Ug); h * (1 - z) + z * c"
)
CELL_WHERE = "x: b n, h: b k, Wr: k k, Wz: k k, Wg: k k, Ur: n k, Uz: n k, Ug: n k"
CELL_NAMES = "Wr Wz Wg Ur Uz Ug"


def cell_gates(x, h, Wr, Wz, Wg, Ur, Uz, Ug):
    r, z = sigmoid(h @ Wr + x @ Ur), sigmoid(h @ Wz + x @ Uz)
    return r, z, np.tanh((h * r) @ Wg + x @ Ug)


def cell(x, h, Wr, Wz, Wg, Ur, Uz, Ug):
    _, z, c = cell_gates(x, h, Wr, Wz, Wg, Ur, Uz, Ug)
    return h * (1 - z) + z * c


def cell_weights(x, h, r, dr, dz, dc):
    return h.T @ dr, h.T @ dz, (h * r).T @ dc, x.T @ dr, x.T @ dz, x.T @ dc


def cell_backward(x, h, Wr, Wz, Wg, Ur, Uz, Ug, g):
    r, z, c = cell_gates(x, h, Wr, Wz, Wg, Ur, Uz, Ug)
    dc = g * z / np.cosh(np.arctanh(c)) ** 2
    dz = g * (c - h) * z * (1 - z)
    dr = np.einsum("bk,jk->bj", dc, Wg) * h * r * (1 - r)
    return cell_weights(x, h, r, dr, dz, dc)


def cell_one_minus(x, h, Wr, Wz, Wg, Ur, Uz, Ug, g):
    """With (1 - delta) for what goes back through 1 - z."""
    r, z, c = cell_gates(x, h, Wr, Wz, Wg, Ur, Uz, Ug)
    dc = g * z * (1 - c**2)
    dz = (g * c + (1 - g * h)) * z * (1 - z)
    dr = (dc @ Wg.T) * h * r * (1 - r)
    return cell_weights(x, h, r, dr, dz, dc)


def cell_wrong_delta(x, h, Wr, Wz, Wg, Ur, Uz, Ug, g):
    """With delta 9 = delta 7 + delta 8, where delta 8 goes to the candidate."""
    r, z, c = cell_gates(x, h, Wr, Wz, Wg, Ur, Uz, Ug)
    delta7, delta8 = g * c, g * z
    dc = delta8 * (1 - c**2)
    dz = (delta7 + delta8) * z * (1 - z)
    dr = (dc @ Wg.T) * h * r * (1 - r)
    return cell_weights(x, h, r, dr, dz, dc)


def cell_reset_for_state(x, h, Wr, Wz, Wg, Ur, Uz, Ug, g):
    """With delta 18 made of delta 17 = delta 13 r, not of delta 16 = delta 13 h."""
    r, z, c = cell_gates(x, h, Wr, Wz, Wg, Ur, Uz, Ug)
    dc = g * z * (1 - c**2)
    dz = g * (c - h) * z * (1 - z)
    delta17 = (dc @ Wg.T) * r
    return cell_weights(x, h, r, delta17 * r * (1 - r), dz, dc)


TF = "TensorFlow, documentation of GRUBlockCellGrad (api_def_GRUBlockCellGrad.pbtxt at 43fa8c4)"
VIGNETTE = "CRAN package rnn, vignette on GRU units (bquast/rnn, vignettes/GRU_units.Rmd at 6b76118)"

GRU_RIGHT = Right("gru", GRU, GRU_WHERE, GRU_NAMES, GRU_SIZES, gru, gru_backward)
CELL_RIGHT = Right("cell", CELL, CELL_WHERE, CELL_NAMES, GRU_SIZES, cell, cell_backward)
CASES = (
    Mistake(
        GRU_RIGHT,
        gru_one_weight_twice,
        "one weight twice",
        of="x h",
        kinds="variable",
        about="Wux",
        source=TF,
        read="the page's source",
        what="d_x and d_h_prev use the weights of the reset gate for the update gate too",
    ),
    Mistake(
        GRU_RIGHT,
        gru_new_state,
        "the new state for the old one",
        of="x h Wux Wuh bu",
        kinds="variable",
        about="h",
        source=TF,
        read="the page's source",
        what="d_u_bar has h, where the previous h belongs",
    ),
    Mistake(
        GRU_RIGHT,
        gru_lost_cotangent,
        "a cotangent lost",
        of="h",
        kinds="factor",
        about="g",
        source=TF,
        read="the page's source",
        what="the last line of d_h_prev has u for d_h * u",
    ),
    Mistake(
        CELL_RIGHT,
        cell_one_minus,
        "one minus delta",
        of="Wz Uz",
        kinds="sign term",
        source="CRAN package rnn (bquast/rnn, R/backprop_r.R at 89e7810; and its vignette on GRU units)",
        read="the file and the vignette",
        what="1 - delta stands for -delta",
    ),
    Mistake(
        CELL_RIGHT,
        cell_wrong_delta,
        "another gate's delta",
        of="Wz Uz",
        kinds="variable term",
        about="z",
        source=VIGNETTE,
        read="the vignette",
        what="delta 9 adds delta 8, what goes to the candidate, and not delta 6",
    ),
    Mistake(
        CELL_RIGHT,
        cell_reset_for_state,
        "the gate for the state",
        of="Wr Ur",
        kinds="variable",
        about="h",
        source=VIGNETTE,
        read="the vignette",
        what="the reset gate gets delta 13 r, where it takes delta 13 h",
    ),
)
