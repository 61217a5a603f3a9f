# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(4) >> Dense(5, bias=False) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy() +
    L2(0.001)

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64", optimizer="sgd")

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss by W1, delta1 that by z1. Above each
statement stands the equation that it computes, with its number in the derivation.

Parameters:

    W1  (5, 4)  weight
    W2  (3, 5)  weight
    b2  (3,)    bias
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (5, 4),
    "W2": (3, 5),
    "b2": (3,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    rng = np.random.default_rng(seed)
    params = {}
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 4, fan_out = 5
    params["W1"] = rng.uniform(-0.816496580927726, 0.816496580927726, (5, 4))
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 5, fan_out = 3
    params["W2"] = rng.uniform(-0.8660254037844386, 0.8660254037844386, (3, 5))
    params["b2"] = np.zeros(3)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, z2: (m, 3).

    x: (m, 4)
    """
    params = _check_params(params)
    x = _check_x(x)
    W1 = params["W1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) z₁ = x W₁ᵀ   (m, 5)
    z1 = x @ W1.T
    # (2) a₁ = tanh(z₁)   (m, 5)
    a1 = np.tanh(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 3)
    z2 = a1 @ W2.T + b2

    return z2


def predict(params, x):
    """Return the probabilities, p: (m, 3)."""
    z2 = forward(params, x)
    # (4) p = softmax(z₂)   (m, 3)
    top2 = z2.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = z2 - top2
    exps2 = np.exp(shifted2)
    total2 = exps2.sum(axis=1, keepdims=True)
    p = exps2 / total2

    return p


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    z2 = forward(params, x)
    y = _check_y(y, len(z2))
    m = len(z2)
    params = _check_params(params)
    W1 = params["W1"]
    W2 = params["W2"]
    # (5) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ) + 0.0005 (‖W₁‖² + ‖W₂‖²)   ()
    top2 = z2.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = z2 - top2
    exps2 = np.exp(shifted2)
    total2 = exps2.sum(axis=1, keepdims=True)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    data_loss = -np.sum(y * (shifted2 - np.log(total2))) / m
    L = 0.0005 * (np.sum(W1**2) + np.sum(W2**2)) + data_loss

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
    W1 = params["W1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) z₁ = x W₁ᵀ   (m, 5)
    z1 = x @ W1.T
    # (2) a₁ = tanh(z₁)   (m, 5)
    a1 = np.tanh(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 3)
    z2 = a1 @ W2.T + b2
    # (4) p = softmax(z₂)   (m, 3)
    top2 = z2.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = z2 - top2
    exps2 = np.exp(shifted2)
    total2 = exps2.sum(axis=1, keepdims=True)
    p = exps2 / total2
    # (5) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ) + 0.0005 (‖W₁‖² + ‖W₂‖²)   ()
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    data_loss = -np.sum(y * (shifted2 - np.log(total2))) / m
    L = 0.0005 * (np.sum(W1**2) + np.sum(W2**2)) + data_loss

    # (6) δ₂ = (1/m) (p − y)   (m, 3)
    delta2 = (p - y) / m
    # (8) ∂L/∂W₂ = δ₂ᵀ a₁ + 0.001 W₂   (3, 5)
    dW2 = delta2.T @ a1 + 0.001 * W2
    # (9) ∂L/∂b₂ = 𝟏ᵀ δ₂   (3,)
    db2 = delta2.sum(axis=0)
    # (7) δ₁ = (δ₂ W₂) ⊙ (1 − a₁ ⊙ a₁)   (m, 5)
    delta1 = (delta2 @ W2) * (1 - a1**2)
    # (10) ∂L/∂W₁ = δ₁ᵀ x + 0.001 W₁   (5, 4)
    dW1 = delta1.T @ x + 0.001 * W1

    grads = {
        "W1": dW1,
        "W2": dW2,
        "b2": db2,
    }
    return float(L), grads


def init_state(params):
    """Return the state of SGD before the first update."""
    return {}


def update(params, grads, state, lr=0.01):
    """Change `params` and `state` in place by one step of SGD.

    lr: learning rate
    """
    for name, w in params.items():
        g = grads[name]
        # update: w = w − lr g
        w[...] = w - lr * g


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
