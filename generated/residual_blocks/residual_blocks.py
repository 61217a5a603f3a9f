# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(4) >> Dense(6) >> Tanh() >> Repeat(Residual(Dense(6) >> Tanh() >> Dense(6)),
    3) >> Dense(3) >> SoftmaxCrossEntropy()

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
    W3  (6, 6)  weight
    b3  (6,)    bias
    W4  (6, 6)  weight
    b4  (6,)    bias
    W5  (6, 6)  weight
    b5  (6,)    bias
    W6  (6, 6)  weight
    b6  (6,)    bias
    W7  (6, 6)  weight
    b7  (6,)    bias
    W8  (3, 6)  weight
    b8  (3,)    bias
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (6, 4),
    "b1": (6,),
    "W2": (6, 6),
    "b2": (6,),
    "W3": (6, 6),
    "b3": (6,),
    "W4": (6, 6),
    "b4": (6,),
    "W5": (6, 6),
    "b5": (6,),
    "W6": (6, 6),
    "b6": (6,),
    "W7": (6, 6),
    "b7": (6,),
    "W8": (3, 6),
    "b8": (3,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    rng = np.random.default_rng(seed)
    params = {}
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 4, fan_out = 6
    params["W1"] = rng.uniform(-0.7745966692414834, 0.7745966692414834, (6, 4))
    params["b1"] = np.zeros(6)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 6
    params["W2"] = rng.uniform(-0.7071067811865476, 0.7071067811865476, (6, 6))
    params["b2"] = np.zeros(6)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 6
    params["W3"] = rng.uniform(-0.7071067811865476, 0.7071067811865476, (6, 6))
    params["b3"] = np.zeros(6)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 6
    params["W4"] = rng.uniform(-0.7071067811865476, 0.7071067811865476, (6, 6))
    params["b4"] = np.zeros(6)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 6
    params["W5"] = rng.uniform(-0.7071067811865476, 0.7071067811865476, (6, 6))
    params["b5"] = np.zeros(6)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 6
    params["W6"] = rng.uniform(-0.7071067811865476, 0.7071067811865476, (6, 6))
    params["b6"] = np.zeros(6)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 6
    params["W7"] = rng.uniform(-0.7071067811865476, 0.7071067811865476, (6, 6))
    params["b7"] = np.zeros(6)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 3
    params["W8"] = rng.uniform(-0.816496580927726, 0.816496580927726, (3, 6))
    params["b8"] = np.zeros(3)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, z8: (m, 3).

    x: (m, 4)
    """
    params = _check_params(params)
    x = _check_x(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    W3, b3 = params["W3"], params["b3"]
    W4, b4 = params["W4"], params["b4"]
    W5, b5 = params["W5"], params["b5"]
    W6, b6 = params["W6"], params["b6"]
    W7, b7 = params["W7"], params["b7"]
    W8, b8 = params["W8"], params["b8"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 6)
    z1 = x @ W1.T + b1
    # (2) a₁ = tanh(z₁)   (m, 6)
    a1 = np.tanh(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 6)
    z2 = a1 @ W2.T + b2
    # (4) a₂ = tanh(z₂)   (m, 6)
    a2 = np.tanh(z2)
    # (5) z₃ = a₂ W₃ᵀ + b₃   (m, 6)
    z3 = a2 @ W3.T + b3
    # (6) a₃ = z₃ + a₁   (m, 6)
    a3 = z3 + a1
    # (7) z₄ = a₃ W₄ᵀ + b₄   (m, 6)
    z4 = a3 @ W4.T + b4
    # (8) a₄ = tanh(z₄)   (m, 6)
    a4 = np.tanh(z4)
    # (9) z₅ = a₄ W₅ᵀ + b₅   (m, 6)
    z5 = a4 @ W5.T + b5
    # (10) a₅ = z₅ + a₃   (m, 6)
    a5 = z5 + a3
    # (11) z₆ = a₅ W₆ᵀ + b₆   (m, 6)
    z6 = a5 @ W6.T + b6
    # (12) a₆ = tanh(z₆)   (m, 6)
    a6 = np.tanh(z6)
    # (13) z₇ = a₆ W₇ᵀ + b₇   (m, 6)
    z7 = a6 @ W7.T + b7
    # (14) a₇ = z₇ + a₅   (m, 6)
    a7 = z7 + a5
    # (15) z₈ = a₇ W₈ᵀ + b₈   (m, 3)
    z8 = a7 @ W8.T + b8

    return z8


def predict(params, x):
    """Return the probabilities, p: (m, 3)."""
    z8 = forward(params, x)
    # (16) p = softmax(z₈)   (m, 3)
    top8 = z8.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted8 = z8 - top8
    exps8 = np.exp(shifted8)
    total8 = exps8.sum(axis=1, keepdims=True)
    p = exps8 / total8

    return p


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    z8 = forward(params, x)
    y = _check_y(y, len(z8))
    m = len(z8)
    # (17) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    top8 = z8.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted8 = z8 - top8
    exps8 = np.exp(shifted8)
    total8 = exps8.sum(axis=1, keepdims=True)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    L = -np.sum(y * (shifted8 - np.log(total8))) / m

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
    W3, b3 = params["W3"], params["b3"]
    W4, b4 = params["W4"], params["b4"]
    W5, b5 = params["W5"], params["b5"]
    W6, b6 = params["W6"], params["b6"]
    W7, b7 = params["W7"], params["b7"]
    W8, b8 = params["W8"], params["b8"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 6)
    z1 = x @ W1.T + b1
    # (2) a₁ = tanh(z₁)   (m, 6)
    a1 = np.tanh(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 6)
    z2 = a1 @ W2.T + b2
    # (4) a₂ = tanh(z₂)   (m, 6)
    a2 = np.tanh(z2)
    # (5) z₃ = a₂ W₃ᵀ + b₃   (m, 6)
    z3 = a2 @ W3.T + b3
    # (6) a₃ = z₃ + a₁   (m, 6)
    a3 = z3 + a1
    # (7) z₄ = a₃ W₄ᵀ + b₄   (m, 6)
    z4 = a3 @ W4.T + b4
    # (8) a₄ = tanh(z₄)   (m, 6)
    a4 = np.tanh(z4)
    # (9) z₅ = a₄ W₅ᵀ + b₅   (m, 6)
    z5 = a4 @ W5.T + b5
    # (10) a₅ = z₅ + a₃   (m, 6)
    a5 = z5 + a3
    # (11) z₆ = a₅ W₆ᵀ + b₆   (m, 6)
    z6 = a5 @ W6.T + b6
    # (12) a₆ = tanh(z₆)   (m, 6)
    a6 = np.tanh(z6)
    # (13) z₇ = a₆ W₇ᵀ + b₇   (m, 6)
    z7 = a6 @ W7.T + b7
    # (14) a₇ = z₇ + a₅   (m, 6)
    a7 = z7 + a5
    # (15) z₈ = a₇ W₈ᵀ + b₈   (m, 3)
    z8 = a7 @ W8.T + b8
    # (16) p = softmax(z₈)   (m, 3)
    top8 = z8.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted8 = z8 - top8
    exps8 = np.exp(shifted8)
    total8 = exps8.sum(axis=1, keepdims=True)
    p = exps8 / total8
    # (17) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    L = -np.sum(y * (shifted8 - np.log(total8))) / m

    # (18) δ₈ = (1/m) (p − y)   (m, 3)
    delta8 = (p - y) / m
    # (29) ∂L/∂W₈ = δ₈ᵀ a₇   (3, 6)
    dW8 = delta8.T @ a7
    # (30) ∂L/∂b₈ = 𝟏ᵀ δ₈   (3,)
    db8 = delta8.sum(axis=0)
    # (19) ∂L/∂a₇ = δ₈ W₈   (m, 6)
    da7 = delta8 @ W8
    # (20) δ₇ = ∂L/∂a₇   (m, 6)
    delta7 = da7
    # (31) ∂L/∂W₇ = δ₇ᵀ a₆   (6, 6)
    dW7 = delta7.T @ a6
    # (32) ∂L/∂b₇ = 𝟏ᵀ δ₇   (6,)
    db7 = delta7.sum(axis=0)
    # (21) δ₆ = (δ₇ W₇) ⊙ (1 − a₆ ⊙ a₆)   (m, 6)
    delta6 = (delta7 @ W7) * (1 - a6**2)
    # (33) ∂L/∂W₆ = δ₆ᵀ a₅   (6, 6)
    dW6 = delta6.T @ a5
    # (34) ∂L/∂b₆ = 𝟏ᵀ δ₆   (6,)
    db6 = delta6.sum(axis=0)
    # (22) ∂L/∂a₅ = δ₆ W₆ + ∂L/∂a₇   (m, 6)
    da5 = delta6 @ W6 + delta7
    # (23) δ₅ = ∂L/∂a₅   (m, 6)
    delta5 = da5
    # (35) ∂L/∂W₅ = δ₅ᵀ a₄   (6, 6)
    dW5 = delta5.T @ a4
    # (36) ∂L/∂b₅ = 𝟏ᵀ δ₅   (6,)
    db5 = delta5.sum(axis=0)
    # (24) δ₄ = (δ₅ W₅) ⊙ (1 − a₄ ⊙ a₄)   (m, 6)
    delta4 = (delta5 @ W5) * (1 - a4**2)
    # (37) ∂L/∂W₄ = δ₄ᵀ a₃   (6, 6)
    dW4 = delta4.T @ a3
    # (38) ∂L/∂b₄ = 𝟏ᵀ δ₄   (6,)
    db4 = delta4.sum(axis=0)
    # (25) ∂L/∂a₃ = δ₄ W₄ + ∂L/∂a₅   (m, 6)
    da3 = delta4 @ W4 + delta5
    # (26) δ₃ = ∂L/∂a₃   (m, 6)
    delta3 = da3
    # (39) ∂L/∂W₃ = δ₃ᵀ a₂   (6, 6)
    dW3 = delta3.T @ a2
    # (40) ∂L/∂b₃ = 𝟏ᵀ δ₃   (6,)
    db3 = delta3.sum(axis=0)
    # (27) δ₂ = (δ₃ W₃) ⊙ (1 − a₂ ⊙ a₂)   (m, 6)
    delta2 = (delta3 @ W3) * (1 - a2**2)
    # (41) ∂L/∂W₂ = δ₂ᵀ a₁   (6, 6)
    dW2 = delta2.T @ a1
    # (42) ∂L/∂b₂ = 𝟏ᵀ δ₂   (6,)
    db2 = delta2.sum(axis=0)
    # (28) δ₁ = (δ₂ W₂ + ∂L/∂a₃) ⊙ (1 − a₁ ⊙ a₁)   (m, 6)
    delta1 = (delta2 @ W2 + delta3) * (1 - a1**2)
    # (43) ∂L/∂W₁ = δ₁ᵀ x   (6, 4)
    dW1 = delta1.T @ x
    # (44) ∂L/∂b₁ = 𝟏ᵀ δ₁   (6,)
    db1 = delta1.sum(axis=0)

    grads = {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
        "W3": dW3,
        "b3": db3,
        "W4": dW4,
        "b4": db4,
        "W5": dW5,
        "b5": db5,
        "W6": dW6,
        "b6": db6,
        "W7": dW7,
        "b7": db7,
        "W8": dW8,
        "b8": db8,
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
