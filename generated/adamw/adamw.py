# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(4) >> Dense(6) >> SiLU() >> Dense(2) >> MeanSquaredError()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64", optimizer="adamw")

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss by W1, delta1 that by z1. Above each
statement stands the equation that it computes, with its number in the derivation.

Parameters:

    W1  (6, 4)  weight
    b1  (6,)    bias
    W2  (2, 6)  weight
    b2  (2,)    bias
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (6, 4),
    "b1": (6,),
    "W2": (2, 6),
    "b2": (2,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    rng = np.random.default_rng(seed)
    params = {}
    # he_normal: standard deviation sqrt(2)/sqrt(fan_in), fan_in = 4, fan_out = 6
    params["W1"] = rng.normal(0.0, 0.7071067811865476, (6, 4))
    params["b1"] = np.zeros(6)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 2
    params["W2"] = rng.uniform(-0.8660254037844386, 0.8660254037844386, (2, 6))
    params["b2"] = np.zeros(2)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, z2: (m, 2).

    x: (m, 4)
    """
    params = _check_params(params)
    x = _check_x(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 6)
    z1 = x @ W1.T + b1
    # (2) a₁ = SiLU(z₁)   (m, 6)
    a1 = z1 * sigmoid(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 2)
    z2 = a1 @ W2.T + b2

    return z2


def predict(params, x):
    """Return the output of the last layer, z2: (m, 2)."""
    return forward(params, x)


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    z2 = forward(params, x)
    y = _check_y(y, len(z2))
    m = len(z2)
    # (4) L = (1 / (2 m)) ‖z₂ − y‖²   ()
    L = np.sum((z2 - y) ** 2) / (2 * m)

    return float(L)


def loss_and_grads(params, x, y):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 4)
    y: (m, 2)
    """
    params = _check_params(params)
    x = _check_x(x)
    y = _check_y(y, len(x))
    m = len(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 6)
    z1 = x @ W1.T + b1
    # (2) a₁ = SiLU(z₁)   (m, 6)
    sigmoid1 = sigmoid(z1)
    a1 = z1 * sigmoid1
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 2)
    z2 = a1 @ W2.T + b2
    # (4) L = (1 / (2 m)) ‖z₂ − y‖²   ()
    error2 = z2 - y
    L = np.sum(error2**2) / (2 * m)

    # (5) δ₂ = (1/m) (z₂ − y)   (m, 2)
    delta2 = error2 / m
    # (7) ∂L/∂W₂ = δ₂ᵀ a₁   (2, 6)
    dW2 = delta2.T @ a1
    # (8) ∂L/∂b₂ = 𝟏ᵀ δ₂   (2,)
    db2 = delta2.sum(axis=0)
    # (6) δ₁ = (δ₂ W₂) ⊙ (a₁ ⊙ (1 − σ(z₁)) + σ(z₁))   (m, 6)
    delta1 = (delta2 @ W2) * (a1 * (1 - sigmoid1) + sigmoid1)
    # (9) ∂L/∂W₁ = δ₁ᵀ x   (6, 4)
    dW1 = delta1.T @ x
    # (10) ∂L/∂b₁ = 𝟏ᵀ δ₁   (6,)
    db1 = delta1.sum(axis=0)

    grads = {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
    }
    return float(L), grads


def init_state(params):
    """Return the state of AdamW before the first update."""
    return {
        "step": 0,
        "v": {name: np.zeros_like(value) for name, value in params.items()},
        "s": {name: np.zeros_like(value) for name, value in params.items()},
    }


def update(
    params,
    grads,
    state,
    lr=0.001,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-08,
    weight_decay=0.01,
):
    """Change `params` and `state` in place by one step of AdamW.

    lr: learning rate
    beta1: decay of the mean of gradients
    beta2: decay of the mean of squared gradients
    epsilon: added to the root, so that it is never 0
    weight_decay: how fast weights shrink
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
        # update: w = w − lr (v̂ ⊘ (√(ŝ) + ε) + weight_decay w)
        w[...] = w - lr * (v_hat / (np.sqrt(s_hat) + epsilon) + weight_decay * w)


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


def sigmoid(t):
    """Return 1 / (1 + exp(-t)); the exponential is of -|t|, so it cannot overflow."""
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1, e) / (1 + e)


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
    _check_rows("x", x, (4,))
    return _finite("x", x)


def _check_y(y, m):
    """Return the targets as an array of DTYPE."""
    y = _real("y", y)
    _check_rows("y", y, (2,))
    if len(y) != m:
        raise ValueError(f"y has {len(y)} rows, but x has {m}")
    return _finite("y", y)


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


def _refuse(name, array, wrong, allowed):
    """Raise for the first of the `wrong` values, with its index."""
    index = tuple(map(int, np.argwhere(wrong)[0]))
    place = ", ".join(map(str, index))
    raise ValueError(f"{name}[{place}] is {array[index]}; it must be {allowed}")
