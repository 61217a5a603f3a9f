# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(5) >> Dense(4) >> Tanh() >> Dense(2) >> Sigmoid() >> BinaryCrossEntropy()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64")

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss by W1, delta1 that by z1. Above each
statement stands the equation that it computes, with its number in the derivation.

Parameters:

    W1  (4, 5)  weight
    b1  (4,)    bias
    W2  (2, 4)  weight
    b2  (2,)    bias
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (4, 5),
    "b1": (4,),
    "W2": (2, 4),
    "b2": (2,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    rng = np.random.default_rng(seed)
    params = {}
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 5, fan_out = 4
    params["W1"] = rng.uniform(-0.816496580927726, 0.816496580927726, (4, 5))
    params["b1"] = np.zeros(4)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 4, fan_out = 2
    params["W2"] = rng.uniform(-1.0, 1.0, (2, 4))
    params["b2"] = np.zeros(2)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, a2: (m, 2).

    x: (m, 5)
    """
    params = _check_params(params)
    x = _check_x(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    z1 = x @ W1.T + b1
    # (2) a₁ = tanh(z₁)   (m, 4)
    a1 = np.tanh(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 2)
    z2 = a1 @ W2.T + b2
    # (4) a₂ = σ(z₂)   (m, 2)
    a2 = sigmoid(z2)

    return a2


def predict(params, x):
    """Return the output of the last layer, a2: (m, 2)."""
    return forward(params, x)


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    params = _check_params(params)
    x = _check_x(x)
    y = _check_y(y, len(x))
    m = len(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    z1 = x @ W1.T + b1
    # (2) a₁ = tanh(z₁)   (m, 4)
    a1 = np.tanh(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 2)
    z2 = a1 @ W2.T + b2
    # (5) L = −(1/m) Σᵢⱼ (yᵢⱼ log(a₂,ᵢⱼ) + (1 − yᵢⱼ) log(1 − a₂,ᵢⱼ))   ()
    # stays finite: log(sigmoid(t)) = -softplus(-t), log(1 - sigmoid(t)) = -softplus(t)
    L = np.sum(y * softplus(-z2) + (1 - y) * softplus(z2)) / m

    return float(L)


def loss_and_grads(params, x, y):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 5)
    y: (m, 2), from 0 to 1
    """
    params = _check_params(params)
    x = _check_x(x)
    y = _check_y(y, len(x))
    m = len(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    z1 = x @ W1.T + b1
    # (2) a₁ = tanh(z₁)   (m, 4)
    a1 = np.tanh(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 2)
    z2 = a1 @ W2.T + b2
    # (4) a₂ = σ(z₂)   (m, 2)
    a2 = sigmoid(z2)
    # (5) L = −(1/m) Σᵢⱼ (yᵢⱼ log(a₂,ᵢⱼ) + (1 − yᵢⱼ) log(1 − a₂,ᵢⱼ))   ()
    # stays finite: log(sigmoid(t)) = -softplus(-t), log(1 - sigmoid(t)) = -softplus(t)
    L = np.sum(y * softplus(-z2) + (1 - y) * softplus(z2)) / m

    # (6) δ₂ = (1/m) (a₂ − y)   (m, 2)
    delta2 = (a2 - y) / m
    # (8) ∂L/∂W₂ = δ₂ᵀ a₁   (2, 4)
    dW2 = delta2.T @ a1
    # (9) ∂L/∂b₂ = 𝟏ᵀ δ₂   (2,)
    db2 = delta2.sum(axis=0)
    # (7) δ₁ = (δ₂ W₂) ⊙ (1 − a₁ ⊙ a₁)   (m, 4)
    delta1 = (delta2 @ W2) * (1 - a1**2)
    # (10) ∂L/∂W₁ = δ₁ᵀ x   (4, 5)
    dW1 = delta1.T @ x
    # (11) ∂L/∂b₁ = 𝟏ᵀ δ₁   (4,)
    db1 = delta1.sum(axis=0)

    grads = {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
    }
    return float(L), grads


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


def softplus(t):
    """Return log(1 + exp(t)), without overflow."""
    return np.logaddexp(t, 0)


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
    _check_rows("x", x, (5,))
    return _finite("x", x)


def _check_y(y, m):
    """Return the targets as an array of DTYPE."""
    y = _real("y", y)
    _check_rows("y", y, (2,))
    if len(y) != m:
        raise ValueError(f"y has {len(y)} rows, but x has {m}")
    _between("y", y)
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


def _between(name, array):
    """Raise unless all values lie between 0 and 1."""
    if not ((array >= 0) & (array <= 1)).all():
        _refuse(name, array, ~((array >= 0) & (array <= 1)), "between 0 and 1")


def _refuse(name, array, wrong, allowed):
    """Raise for the first of the `wrong` values, with its index."""
    index = tuple(map(int, np.argwhere(wrong)[0]))
    place = ", ".join(map(str, index))
    raise ValueError(f"{name}[{place}] is {array[index]}; it must be {allowed}")
