"""Mistakes in LSTM cells, in backpropagation through time and in scans."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


LSTM_SIZES = {"b": 2, "n": 3, "k": 4}

# ---------------------------------------------------------------- an LSTM

LSTM = "i = sigmoid(x @ Wi + h @ Ri + bi); f = sigmoid(x @ Wf + h @ Rf + bf); o = sigmoid(x @ Wo + h @ Ro + bo); "
LSTM += "a = tanh(x @ Wa + h @ Ra + ba); e = f * c + i * a; stack((o * tanh(e), e), axis=0)"
LSTM_WHERE = (
    "x: b n, h: b k, c: b k, Wi: n k, Wf: n k, Wo: n k, Wa: n k, "
    "Ri: k k, Rf: k k, Ro: k k, Ra: k k, bi: k, bf: k, bo: k, ba: k"
)
LSTM_NAMES = "c Wi Wf Wo Wa bi bf bo ba"


def lstm_gates(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba):
    i, f = sigmoid(x @ Wi + h @ Ri + bi), sigmoid(x @ Wf + h @ Rf + bf)
    o, a = sigmoid(x @ Wo + h @ Ro + bo), np.tanh(x @ Wa + h @ Ra + ba)
    return i, f, o, a, f * c + i * a


def lstm(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba):
    *_, o, _, e = lstm_gates(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba)
    return np.stack((o * np.tanh(e), e))


def lstm_deltas(c, g, gates):
    """What goes to each gate, behind its activation; its slope; and what goes to the cell's state."""
    i, f, o, a, e = gates
    de = g[0] * o * (1 - np.tanh(e) ** 2) + g[1]
    return [de * a, de * c, g[0] * np.tanh(e), de * i], [i * (1 - i), f * (1 - f), o * (1 - o), 1 - a**2], de


def lstm_right(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba, g):
    gates = lstm_gates(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba)
    behind, slopes, de = lstm_deltas(c, g, gates)
    given = [delta * slope for delta, slope in zip(behind, slopes, strict=True)]
    return de * gates[1], *(np.einsum("bn,bk->nk", x, each) for each in given), *(each.sum(axis=0) for each in given)


def lstm_without_slopes(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba, g):
    gates = lstm_gates(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba)
    behind, _, de = lstm_deltas(c, g, gates)
    return de * gates[1], *(x.T @ each for each in behind), *(each.sum(axis=0) for each in behind)


def lstm_gate_for_its_slope(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba, g):
    gates = lstm_gates(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba)
    behind, slopes, de = lstm_deltas(c, g, gates)
    slopes[1] = sigmoid(gates[1])
    given = [delta * slope for delta, slope in zip(behind, slopes, strict=True)]
    return de * gates[1], *(x.T @ each for each in given), *(each.sum(axis=0) for each in given)


def lstm_forget_for_all(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba, g):
    dc, *weights, _, bf, _, ba = lstm_right(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba, g)
    return dc, *weights, bf, bf, bf, ba


def lstm_without_last_cell(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba, g):
    return lstm_right(x, h, c, Wi, Wf, Wo, Wa, Ri, Rf, Ro, Ra, bi, bf, bo, ba, np.stack((g[0], 0 * g[1])))


# ---------------------------------------------------------------- a recurrence over three steps

STEPS = (
    "h1 = tanh(W @ h0 + U @ X[0]); h2 = tanh(W @ h1 + U @ X[1]); h3 = tanh(W @ h2 + U @ X[2]); "
    "stack((h1, h2, h3), axis=0)"
)
STEPS_WHERE = "W: k k, U: k n, h0: k, X: 3 n"


def steps(W, U, h0, X):
    found = [h0]
    for x in X:
        found.append(np.tanh(W @ found[-1] + U @ x))
    return np.stack(found[1:])


def steps_backward(W, U, h0, X, g, shift=0):
    h, dW, dU, back = [h0, *steps(W, U, h0, X)], np.zeros_like(W), np.zeros_like(U), np.zeros(len(h0))
    for t in (3, 2, 1):
        d = (g[t - 1] + back) * (1 - h[t] ** 2)
        dW += np.outer(d, h[t - 1 + shift])
        dU += np.outer(d, X[t - 1])
        back = W.T @ d
    return dW, dU


def steps_this_state(W, U, h0, X, g):
    return steps_backward(W, U, h0, X, g, shift=1)


# ---------------------------------------------------------------- scans

SCAN = "h0 = x[0]; h1 = f[1] * h0 + x[1]; h2 = f[2] * h1 + x[2]; h3 = f[3] * h2 + x[3]; stack((h0, h1, h2, h3), axis=0)"
SCAN_WHERE = "f: 4 n, x: 4 n"


def scan(f, x):
    found = [x[0]]
    for t in (1, 2, 3):
        found.append(f[t] * found[-1] + x[t])
    return np.stack(found)


def scan_backward(f, x, g):
    h, dx, df = scan(f, x), np.empty_like(x), np.zeros_like(f)
    dx[3] = g[3]
    for t in (2, 1, 0):
        dx[t] = g[t] + f[t + 1] * dx[t + 1]
    df[1:] = dx[1:] * h[:-1]
    return df, dx


def scan_carry_scaled(f, x, g):
    """Blocks of two: what comes from the later block multiplies the sums inside the block, and is added unscaled."""
    h, local = scan(f, x), np.empty_like(x)
    for t in (3, 1):
        local[t] = g[t]
        local[t - 1] = g[t - 1] + f[t] * local[t]
    dx, df = local.copy(), np.zeros_like(f)
    dx[:2] = local[:2] * f[2] + local[2]
    df[1:] = dx[1:] * h[:-1]
    return df, dx


LSTM_RIGHT = Right("lstm", LSTM, LSTM_WHERE, LSTM_NAMES, LSTM_SIZES, lstm, lstm_right)
STEPS_RIGHT = Right("steps", STEPS, STEPS_WHERE, "W U", {"k": 3, "n": 2}, steps, steps_backward)
SCAN_RIGHT = Right("scan", SCAN, SCAN_WHERE, "f x", {"n": 3}, scan, scan_backward)
CASES = (
    Mistake(
        LSTM_RIGHT,
        lstm_without_slopes,
        "weights before the activation",
        of="Wi Wf Wo Wa bi bf bo ba",
        kinds="factor",
        source="CRAN package rnn (bquast/rnn, R/backprop_r.R at 89e7810), backprop_lstm",
        read="the file",
        what="weights and biases take the deltas behind the activations: their slopes are missing",
    ),
    Mistake(
        LSTM_RIGHT,
        lstm_gate_for_its_slope,
        "a sigmoid for its slope",
        of="Wf bf",
        kinds="function factor",
        about="f",
        source="CaptainE/RNN-LSTM-in-numpy#1, #2",
        read="both threads",
        what="the forget gate has sigmoid(f) for f (1 - f)",
    ),
    Mistake(
        LSTM_RIGHT,
        lstm_forget_for_all,
        "one gate's bias for three",
        of="bi bo",
        kinds="variable",
        source="hanbt/learn_dl#53",
        read="the issue",
        what="the biases of the gates i and o get the gradient of f's",
    ),
    Mistake(
        LSTM_RIGHT,
        lstm_without_last_cell,
        "the last cell's gradient",
        of="c Wi Wf Wa bi bf ba",
        kinds="term",
        source="deeplearning4j/deeplearning4j#8838; apache/mxnet#4057",
        read="both threads",
        what="what arrives at the cell's state is not added",
    ),
    Mistake(
        STEPS_RIGHT,
        steps_this_state,
        "this state for the last one",
        of="W",
        kinds="variable",
        about="h1",
        source="math.stackexchange.com/questions/4637392",
        read="the question, in a stored copy",
        what="the outer product has h at t, where h at t - 1 belongs",
    ),
    Mistake(
        SCAN_RIGHT,
        scan_carry_scaled,
        "the carry between blocks",
        of="f x",
        kinds="order factor variable",
        source="proger/accelerated-scan#15",
        read="the pull request",
        what="the forget gates multiply the sums inside the block, where they multiply what comes from the next",
    ),
)
