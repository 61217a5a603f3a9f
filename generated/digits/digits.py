# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(64) >> Dense(32) >> Tanh() >> Residual(Dense(32) >> ReLU()) >> Dense(10) >>
    SoftmaxCrossEntropy()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64", optimizer="adam")

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss by W1, delta1 that by z1. Above each
statement stands the equation that it computes, with its number in the derivation.

Parameters:

    W1  (32, 64)  weight
    b1  (32,)     bias
    W2  (32, 32)  weight
    b2  (32,)     bias
    W3  (10, 32)  weight
    b3  (10,)     bias
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (32, 64),
    "b1": (32,),
    "W2": (32, 32),
    "b2": (32,),
    "W3": (10, 32),
    "b3": (10,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    rng = np.random.default_rng(seed)
    params = {}
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 64, fan_out = 32
    params["W1"] = rng.uniform(-0.25, 0.25, (32, 64))
    params["b1"] = np.zeros(32)
    # he_normal: standard deviation sqrt(2)/sqrt(fan_in), fan_in = 32, fan_out = 32
    params["W2"] = rng.normal(0.0, 0.25, (32, 32))
    params["b2"] = np.zeros(32)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 32, fan_out = 10
    params["W3"] = rng.uniform(-0.37796447300922725, 0.37796447300922725, (10, 32))
    params["b3"] = np.zeros(10)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, z3: (m, 10).

    x: (m, 64)
    """
    params = _check_params(params)
    x = _check_x(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    W3, b3 = params["W3"], params["b3"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 32)
    z1 = x @ W1.T + b1
    # (2) a₁ = tanh(z₁)   (m, 32)
    a1 = np.tanh(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 32)
    z2 = a1 @ W2.T + b2
    # (4) f₂ = ReLU(z₂)   (m, 32)
    f2 = np.maximum(z2, 0)
    # (5) a₂ = f₂ + a₁   (m, 32)
    a2 = f2 + a1
    # (6) z₃ = a₂ W₃ᵀ + b₃   (m, 10)
    z3 = a2 @ W3.T + b3

    return z3


def predict(params, x):
    """Return the probabilities, p: (m, 10)."""
    z3 = forward(params, x)
    # (7) p = softmax(z₃)   (m, 10)
    top3 = z3.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted3 = z3 - top3
    exps3 = np.exp(shifted3)
    total3 = exps3.sum(axis=1, keepdims=True)
    p = exps3 / total3

    return p


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    z3 = forward(params, x)
    y = _check_y(y, len(z3))
    m = len(z3)
    # (8) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    top3 = z3.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted3 = z3 - top3
    exps3 = np.exp(shifted3)
    total3 = exps3.sum(axis=1, keepdims=True)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    L = -np.sum(y * (shifted3 - np.log(total3))) / m

    return float(L)


def loss_and_grads(params, x, y):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 64)
    y: (m,) class ids, or (m, 10) rows that sum to 1
    """
    params = _check_params(params)
    x = _check_x(x)
    y = _check_y(y, len(x))
    m = len(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    W3, b3 = params["W3"], params["b3"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 32)
    z1 = x @ W1.T + b1
    # (2) a₁ = tanh(z₁)   (m, 32)
    a1 = np.tanh(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 32)
    z2 = a1 @ W2.T + b2
    # (4) f₂ = ReLU(z₂)   (m, 32)
    f2 = np.maximum(z2, 0)
    # (5) a₂ = f₂ + a₁   (m, 32)
    a2 = f2 + a1
    # (6) z₃ = a₂ W₃ᵀ + b₃   (m, 10)
    z3 = a2 @ W3.T + b3
    # (7) p = softmax(z₃)   (m, 10)
    top3 = z3.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted3 = z3 - top3
    exps3 = np.exp(shifted3)
    total3 = exps3.sum(axis=1, keepdims=True)
    p = exps3 / total3
    # (8) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    L = -np.sum(y * (shifted3 - np.log(total3))) / m

    # (9) δ₃ = (1/m) (p − y)   (m, 10)
    delta3 = (p - y) / m
    # (13) ∂L/∂W₃ = δ₃ᵀ a₂   (10, 32)
    dW3 = delta3.T @ a2
    # (14) ∂L/∂b₃ = 𝟏ᵀ δ₃   (10,)
    db3 = delta3.sum(axis=0)
    # (10) ∂L/∂a₂ = δ₃ W₃   (m, 32)
    da2 = delta3 @ W3
    # (11) δ₂ = ∂L/∂a₂ ⊙ 1[z₂ > 0]   (m, 32)
    delta2 = da2 * (z2 > 0)
    # (15) ∂L/∂W₂ = δ₂ᵀ a₁   (32, 32)
    dW2 = delta2.T @ a1
    # (16) ∂L/∂b₂ = 𝟏ᵀ δ₂   (32,)
    db2 = delta2.sum(axis=0)
    # (12) δ₁ = (δ₂ W₂ + ∂L/∂a₂) ⊙ (1 − a₁ ⊙ a₁)   (m, 32)
    delta1 = (delta2 @ W2 + da2) * (1 - a1**2)
    # (17) ∂L/∂W₁ = δ₁ᵀ x   (32, 64)
    dW1 = delta1.T @ x
    # (18) ∂L/∂b₁ = 𝟏ᵀ δ₁   (32,)
    db1 = delta1.sum(axis=0)

    grads = {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
        "W3": dW3,
        "b3": db3,
    }
    return float(L), grads


def init_state(params):
    """Return the state of Adam before the first update."""
    return {
        "step": 0,
        "v": {name: np.zeros_like(value) for name, value in params.items()},
        "s": {name: np.zeros_like(value) for name, value in params.items()},
    }


def update(params, grads, state, lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08):
    """Change `params` and `state` in place by one step of Adam.

    lr: learning rate
    beta1: decay of the mean of gradients
    beta2: decay of the mean of squared gradients
    epsilon: added to the root, so that it is never 0
    """
    state["step"] += 1
    step = state["step"]
    for name, w in params.items():
        g = grads[name]
        v = state["v"][name]
        s = state["s"][name]
        # mean of gradients: v = β₁ v + (1 − β₁) g
        v[...] = beta1 * v + (1 - beta1) * g
        # mean of squared gradients: s = β₂ s + (1 − β₂) g ⊙ g
        s[...] = beta2 * s + (1 - beta2) * g**2
        # corrected for the start at 0: v̂ = (1 / (1 − β₁ˢᵗᵉᵖ)) v
        v_hat = v / (1 - beta1**step)
        # corrected for the start at 0: ŝ = (1 / (1 − β₂ˢᵗᵉᵖ)) s
        s_hat = s / (1 - beta2**step)
        # update: w = w − lr (v̂ ⊘ (√(ŝ) + ε))
        w[...] = w - lr * (v_hat / (np.sqrt(s_hat) + epsilon))


def clip_gradients(grads, max_norm):
    """Scale all gradients in place to a common norm of at most `max_norm`.

    Returns the norm before.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm is {max_norm}; it must be above 0")
    norm = float(np.sqrt(sum(np.vdot(grad, grad) for grad in grads.values())))
    scale = max_norm / np.maximum(norm, max_norm)
    for grad in grads.values():
        grad *= scale
    return norm


def _check_params(params):
    """Return the parameters as arrays of DTYPE in the shapes of PARAMETERS."""
    for name in params:
        if name not in PARAMETERS:
            raise ValueError(f"{name!r} is no parameter of this network")
    arrays = {}
    for name, shape in PARAMETERS.items():
        if name not in params:
            raise ValueError(f"the parameter {name} is missing; it has shape {shape}")
        arrays[name] = array = _real(name, params[name])
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}; it must be {shape}")
    return arrays


def _check_x(x):
    """Return the input as an array of DTYPE."""
    x = _real("x", x)
    _check_rows("x", x, (64,))
    return _finite("x", x)


def _check_y(y, m):
    """Return the targets as rows that sum to 1, made from class ids or given as such."""
    if np.shape(y) not in ((m,), (m, 10)):
        allowed = f"({m},) class ids, or ({m}, 10) rows that sum to 1"
        raise ValueError(f"y has shape {np.shape(y)}; it must be {allowed}")
    if np.ndim(y) == 1:
        rows = np.zeros((m, 10), DTYPE)
        rows[np.arange(m), _integers("y", y, 10)] = 1
        return rows
    y = _finite("y", _real("y", y))
    _between("y", y)
    wrong = np.abs(y.sum(axis=1) - 1) > 1e-5
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"y[{row}] sums to {y[row].sum()}; it must sum to 1")
    return y


def _real(name, value):
    """Return `value` as an array of DTYPE; any real numbers will do."""
    if type(value) is np.ndarray and value.dtype == DTYPE:
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or isinstance(value, np.ma.MaskedArray):
        kind = "masked" if isinstance(value, np.ma.MaskedArray) else array.dtype
        raise ValueError(f"{name} must hold real numbers, not {kind} values")
    with np.errstate(over="ignore"):
        return array.astype(DTYPE)


def _check_rows(name, array, row):
    """Raise unless `array` holds at least one row of shape `row`."""
    if array.ndim != len(row) + 1 or array.shape[1:] != row or len(array) == 0:
        allowed = f"(m, {', '.join(map(str, row))}) with m at least 1"
        raise ValueError(f"{name} has shape {array.shape}; it must be {allowed}")


def _finite(name, array):
    """Return `array`; raise where it holds a NaN or an infinity."""
    if not np.isfinite(array).all():
        _refuse(name, array, ~np.isfinite(array), "a finite number")
    return array


def _between(name, array):
    """Raise unless all values lie between 0 and 1."""
    if not ((array >= 0) & (array <= 1)).all():
        _refuse(name, array, ~((array >= 0) & (array <= 1)), "between 0 and 1")


def _integers(name, value, count):
    """Return `value` as integers from 0 to `count` - 1; raise where it holds others."""
    array = np.asarray(value)
    allowed = f"an integer from 0 to {count - 1}"
    if isinstance(value, np.ma.MaskedArray) or array.dtype.kind not in "biuf":
        kind = "masked" if isinstance(value, np.ma.MaskedArray) else array.dtype
        raise ValueError(f"{name} holds {kind} values; each must be {allowed}")
    if array.dtype.kind == "f":
        wrong = ~np.isfinite(array) | (array != np.floor(array))
        wrong = wrong if wrong.any() else ~wrong
        _refuse(name, array, wrong, f"{allowed}, not a float")
    if array.size and not (0 <= array.min() and array.max() < count):
        _refuse(name, array, (array < 0) | (array >= count), allowed)
    return array.astype(np.intp, copy=False)


def _refuse(name, array, wrong, allowed):
    """Raise for the first of the `wrong` values, with its index."""
    index = tuple(map(int, np.argwhere(wrong)[0]))
    place = ", ".join(map(str, index))
    raise ValueError(f"{name}[{place}] is {array[index]}; it must be {allowed}")
