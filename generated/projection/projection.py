# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(4) >> Residual(Dense(6) >> ReLU() >> Dense(6), projection=True) >> Dense(3) >>
    SoftmaxCrossEntropy()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64")

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss by W1, delta1 that by z1. Above each
statement stands the equation that it computes, with its number in the derivation.

Parameters:

    W1  (6, 4)  weight
    b1  (6,)    bias
    W2  (6, 6)  weight
    b2  (6,)    bias
    W3  (6, 4)  weight
    W4  (3, 6)  weight
    b4  (3,)    bias
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (6, 4),
    "b1": (6,),
    "W2": (6, 6),
    "b2": (6,),
    "W3": (6, 4),
    "W4": (3, 6),
    "b4": (3,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    rng = np.random.default_rng(seed)
    params = {}
    # he_normal: standard deviation sqrt(2)/sqrt(fan_in), fan_in = 4, fan_out = 6
    params["W1"] = rng.normal(0.0, 0.7071067811865476, (6, 4))
    params["b1"] = np.zeros(6)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 6
    params["W2"] = rng.uniform(-0.7071067811865476, 0.7071067811865476, (6, 6))
    params["b2"] = np.zeros(6)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 4, fan_out = 6
    params["W3"] = rng.uniform(-0.7745966692414834, 0.7745966692414834, (6, 4))
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 3
    params["W4"] = rng.uniform(-0.816496580927726, 0.816496580927726, (3, 6))
    params["b4"] = np.zeros(3)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, z4: (m, 3).

    x: (m, 4)
    """
    params = _check_params(params)
    x = _check_x(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    W3 = params["W3"]
    W4, b4 = params["W4"], params["b4"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 6)
    z1 = x @ W1.T + b1
    # (2) a₁ = ReLU(z₁)   (m, 6)
    a1 = np.maximum(z1, 0)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 6)
    z2 = a1 @ W2.T + b2
    # (4) z₃ = x W₃ᵀ   (m, 6)
    z3 = x @ W3.T
    # (5) a₃ = z₂ + z₃   (m, 6)
    a3 = z2 + z3
    # (6) z₄ = a₃ W₄ᵀ + b₄   (m, 3)
    z4 = a3 @ W4.T + b4

    return z4


def predict(params, x):
    """Return the probabilities, p: (m, 3)."""
    z4 = forward(params, x)
    # (7) p = softmax(z₄)   (m, 3)
    top4 = z4.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted4 = z4 - top4
    exps4 = np.exp(shifted4)
    total4 = exps4.sum(axis=1, keepdims=True)
    p = exps4 / total4

    return p


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    z4 = forward(params, x)
    y = _check_y(y, len(z4))
    m = len(z4)
    # (8) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    top4 = z4.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted4 = z4 - top4
    exps4 = np.exp(shifted4)
    total4 = exps4.sum(axis=1, keepdims=True)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    L = -np.sum(y * (shifted4 - np.log(total4))) / m

    return float(L)


def loss_and_grads(params, x, y):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 4)
    y: (m,) class ids, or (m, 3) rows that sum to 1
    """
    params = _check_params(params)
    x = _check_x(x)
    y = _check_y(y, len(x))
    m = len(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    W3 = params["W3"]
    W4, b4 = params["W4"], params["b4"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 6)
    z1 = x @ W1.T + b1
    # (2) a₁ = ReLU(z₁)   (m, 6)
    a1 = np.maximum(z1, 0)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 6)
    z2 = a1 @ W2.T + b2
    # (4) z₃ = x W₃ᵀ   (m, 6)
    z3 = x @ W3.T
    # (5) a₃ = z₂ + z₃   (m, 6)
    a3 = z2 + z3
    # (6) z₄ = a₃ W₄ᵀ + b₄   (m, 3)
    z4 = a3 @ W4.T + b4
    # (7) p = softmax(z₄)   (m, 3)
    top4 = z4.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted4 = z4 - top4
    exps4 = np.exp(shifted4)
    total4 = exps4.sum(axis=1, keepdims=True)
    p = exps4 / total4
    # (8) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    L = -np.sum(y * (shifted4 - np.log(total4))) / m

    # (9) δ₄ = (1/m) (p − y)   (m, 3)
    delta4 = (p - y) / m
    # (14) ∂L/∂W₄ = δ₄ᵀ a₃   (3, 6)
    dW4 = delta4.T @ a3
    # (15) ∂L/∂b₄ = 𝟏ᵀ δ₄   (3,)
    db4 = delta4.sum(axis=0)
    # (10) ∂L/∂a₃ = δ₄ W₄   (m, 6)
    da3 = delta4 @ W4
    # (11) δ₃ = ∂L/∂a₃   (m, 6)
    delta3 = da3
    # (16) ∂L/∂W₃ = δ₃ᵀ x   (6, 4)
    dW3 = delta3.T @ x
    # (12) δ₂ = ∂L/∂a₃   (m, 6)
    delta2 = delta3
    # (17) ∂L/∂W₂ = δ₂ᵀ a₁   (6, 6)
    dW2 = delta2.T @ a1
    # (18) ∂L/∂b₂ = 𝟏ᵀ δ₂   (6,)
    db2 = delta2.sum(axis=0)
    # (13) δ₁ = (δ₂ W₂) ⊙ 1[z₁ > 0]   (m, 6)
    delta1 = (delta2 @ W2) * (z1 > 0)
    # (19) ∂L/∂W₁ = δ₁ᵀ x   (6, 4)
    dW1 = delta1.T @ x
    # (20) ∂L/∂b₁ = 𝟏ᵀ δ₁   (6,)
    db1 = delta1.sum(axis=0)

    grads = {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
        "W3": dW3,
        "W4": dW4,
        "b4": db4,
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
    """Return the targets as rows that sum to 1, made from class ids or given as such."""
    if np.shape(y) not in ((m,), (m, 3)):
        allowed = f"({m},) class ids, or ({m}, 3) rows that sum to 1"
        raise ValueError(f"y has shape {np.shape(y)}; it must be {allowed}")
    if np.ndim(y) == 1:
        rows = np.zeros((m, 3), DTYPE)
        rows[np.arange(m), _integers("y", y, 3)] = 1
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
