# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(3) >> Embedding(27, 10) >> Dense(200) >> Tanh() >> Dense(27) >>
    SoftmaxCrossEntropy()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64")

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss by W1, delta1 that by z1. Above each
statement stands the equation that it computes, with its number in the derivation.

Parameters:

    E1  (27, 10)   table
    W1  (200, 30)  weight
    b1  (200,)     bias
    W2  (27, 200)  weight
    b2  (27,)      bias
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "E1": (27, 10),
    "W1": (200, 30),
    "b1": (200,),
    "W2": (27, 200),
    "b2": (27,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    rng = np.random.default_rng(seed)
    params = {}
    # normal: standard deviation 1
    params["E1"] = rng.normal(0.0, 1.0, (27, 10))
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 30, fan_out = 200
    params["W1"] = rng.uniform(-0.16151457061744964, 0.16151457061744964, (200, 30))
    params["b1"] = np.zeros(200)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 200, fan_out = 27
    params["W2"] = rng.uniform(-0.16257834438102145, 0.16257834438102145, (27, 200))
    params["b2"] = np.zeros(27)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, z2: (m, 27).

    x: (m, 3), ids from 0 to 26
    """
    params = _check_params(params)
    x = _check_x(x)
    m = len(x)
    E1, W1, b1 = params["E1"], params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) e₁ = reshape(E₁[x], m, 30)   (m, 30)
    e1 = E1[x].reshape(m, 30)
    # (2) z₁ = e₁ W₁ᵀ + b₁   (m, 200)
    z1 = e1 @ W1.T + b1
    # (3) a₁ = tanh(z₁)   (m, 200)
    a1 = np.tanh(z1)
    # (4) z₂ = a₁ W₂ᵀ + b₂   (m, 27)
    z2 = a1 @ W2.T + b2

    return z2


def predict(params, x):
    """Return the probabilities, p: (m, 27)."""
    z2 = forward(params, x)
    # (5) p = softmax(z₂)   (m, 27)
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
    # (6) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    top2 = z2.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = z2 - top2
    exps2 = np.exp(shifted2)
    total2 = exps2.sum(axis=1, keepdims=True)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    L = -np.sum(y * (shifted2 - np.log(total2))) / m

    return float(L)


def loss_and_grads(params, x, y):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 3), ids from 0 to 26
    y: (m,) class ids, or (m, 27) rows that sum to 1
    """
    params = _check_params(params)
    x = _check_x(x)
    y = _check_y(y, len(x))
    m = len(x)
    E1, W1, b1 = params["E1"], params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) e₁ = reshape(E₁[x], m, 30)   (m, 30)
    e1 = E1[x].reshape(m, 30)
    # (2) z₁ = e₁ W₁ᵀ + b₁   (m, 200)
    z1 = e1 @ W1.T + b1
    # (3) a₁ = tanh(z₁)   (m, 200)
    a1 = np.tanh(z1)
    # (4) z₂ = a₁ W₂ᵀ + b₂   (m, 27)
    z2 = a1 @ W2.T + b2
    # (5) p = softmax(z₂)   (m, 27)
    top2 = z2.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = z2 - top2
    exps2 = np.exp(shifted2)
    total2 = exps2.sum(axis=1, keepdims=True)
    p = exps2 / total2
    # (6) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    L = -np.sum(y * (shifted2 - np.log(total2))) / m

    # (7) δ₂ = (1/m) (p − y)   (m, 27)
    delta2 = (p - y) / m
    # (9) ∂L/∂W₂ = δ₂ᵀ a₁   (27, 200)
    dW2 = delta2.T @ a1
    # (10) ∂L/∂b₂ = 𝟏ᵀ δ₂   (27,)
    db2 = delta2.sum(axis=0)
    # (8) δ₁ = (δ₂ W₂) ⊙ (1 − a₁ ⊙ a₁)   (m, 200)
    delta1 = (delta2 @ W2) * (1 - a1**2)
    # (11) ∂L/∂W₁ = δ₁ᵀ e₁   (200, 30)
    dW1 = delta1.T @ e1
    # (12) ∂L/∂b₁ = 𝟏ᵀ δ₁   (200,)
    db1 = delta1.sum(axis=0)
    # (13) ∂L/∂E₁ = scatter_add(reshape(δ₁ W₁, m, 3, 10), x)   (27, 10)
    dE1 = scatter_add((delta1 @ W1).reshape(m, 3, 10), x, 27)

    grads = {
        "E1": dE1,
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


def scatter_add(values, ids, size):
    """Return a table of `size` rows; row k is the sum of all `values` whose id is k."""
    table = np.zeros((size, *np.shape(values)[np.ndim(ids) :]), DTYPE)
    np.add.at(table, ids, values)
    return table


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
    """Return the input as an array of ids."""
    ids = _integers("x", x, 27)
    _check_rows("x", ids, (3,))
    return ids


def _check_y(y, m):
    """Return the targets as rows that sum to 1, made from class ids or given as such."""
    if np.shape(y) not in ((m,), (m, 27)):
        allowed = f"({m},) class ids, or ({m}, 27) rows that sum to 1"
        raise ValueError(f"y has shape {np.shape(y)}; it must be {allowed}")
    if np.ndim(y) == 1:
        rows = np.zeros((m, 27), DTYPE)
        rows[np.arange(m), _integers("y", y, 27)] = 1
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
