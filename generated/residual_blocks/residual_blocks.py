"""A neural network and its gradients in NumPy, to be read.

    Input(4) >> Dense(6) >> Tanh() >> Repeat(Residual(Dense(6) >> Tanh() >> Dense(6)),
    3) >> Dense(3) >> SoftmaxCrossEntropy()

Derived and written by symprop. A batch holds one example in each row; m is the number
of rows. The loss is the mean over the batch. dW1 is the derivative of the loss with
respect to W1, delta1 that with respect to z1. Above each statement stands the equation
that it computes, with its number in the derivation.
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
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {
        "W1": rng.uniform(-1, 1, (6, 4)) * np.sqrt(6 / (4 + 6)),  # xavier_uniform
        "b1": np.zeros((6,)),
        "W2": rng.uniform(-1, 1, (6, 6)) * np.sqrt(6 / (6 + 6)),  # xavier_uniform
        "b2": np.zeros((6,)),
        "W3": rng.uniform(-1, 1, (6, 6)) * np.sqrt(6 / (6 + 6)),  # xavier_uniform
        "b3": np.zeros((6,)),
        "W4": rng.uniform(-1, 1, (6, 6)) * np.sqrt(6 / (6 + 6)),  # xavier_uniform
        "b4": np.zeros((6,)),
        "W5": rng.uniform(-1, 1, (6, 6)) * np.sqrt(6 / (6 + 6)),  # xavier_uniform
        "b5": np.zeros((6,)),
        "W6": rng.uniform(-1, 1, (6, 6)) * np.sqrt(6 / (6 + 6)),  # xavier_uniform
        "b6": np.zeros((6,)),
        "W7": rng.uniform(-1, 1, (6, 6)) * np.sqrt(6 / (6 + 6)),  # xavier_uniform
        "b7": np.zeros((6,)),
        "W8": rng.uniform(-1, 1, (3, 6)) * np.sqrt(6 / (6 + 3)),  # xavier_uniform
        "b8": np.zeros((3,)),
    }
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x, values=None):
    """Return the output of the last layer, z8: (m, 3).

    x: (m, 4)
    values: a dict that gets what `backward` will read
    """
    params, x = _given(params, x)
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

    if values is not None:
        _check_dict("values", values)
        values.update(a1=a1, a2=a2, a3=a3, a4=a4, a5=a5, a6=a6, a7=a7)
    return z8


def predict(params, x):
    """Return the probabilities, p: (m, 3)."""
    z8 = forward(params, x)

    # (16) p = softmax(z₈)   (m, 3)
    p = softmax(z8)
    return p


def loss(params, x, y, values=None):
    """Return the mean loss over the batch.

    y: (m,) class ids, or (m, 3) rows that sum to 1
    """
    z8 = forward(params, x, values=values)
    y = _targets(y, len(z8))
    m = len(z8)

    # (16) p = softmax(z₈)   (m, 3)
    p = softmax(z8)
    # (17) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    L = -np.sum(y * log_softmax(z8)) / m

    if values is not None:
        values.update(p=p)
    return float(L)


def backward(params, x, y, values):
    """Return the gradients of the loss, from the values of the forward pass."""
    _check_dict("values", values, ("p",))
    params, x = _given(params, x)
    y = _targets(y, len(x))
    W2, W3, W4, W5 = (params[name] for name in ("W2", "W3", "W4", "W5"))
    W6, W7, W8 = params["W6"], params["W7"], params["W8"]
    a1, a2, a3, a4 = (values[name] for name in ("a1", "a2", "a3", "a4"))
    a5, a6, a7, p = (values[name] for name in ("a5", "a6", "a7", "p"))
    m = len(x)

    # (18) δ₈ = (1/m) (p − y)   (m, 3)
    delta8 = (p - y) / m
    # (19) ∂L/∂a₇ = δ₈ W₈   (m, 6)
    da7 = delta8 @ W8
    # (20) δ₇ = ∂L/∂a₇   (m, 6)
    delta7 = da7
    # (21) δ₆ = (δ₇ W₇) ⊙ (1 − a₆ ⊙ a₆)   (m, 6)
    delta6 = (delta7 @ W7) * (1 - a6**2)
    # (22) ∂L/∂a₅ = δ₆ W₆ + ∂L/∂a₇   (m, 6)
    da5 = delta6 @ W6 + da7
    # (23) δ₅ = ∂L/∂a₅   (m, 6)
    delta5 = da5
    # (24) δ₄ = (δ₅ W₅) ⊙ (1 − a₄ ⊙ a₄)   (m, 6)
    delta4 = (delta5 @ W5) * (1 - a4**2)
    # (25) ∂L/∂a₃ = δ₄ W₄ + ∂L/∂a₅   (m, 6)
    da3 = delta4 @ W4 + da5
    # (26) δ₃ = ∂L/∂a₃   (m, 6)
    delta3 = da3
    # (27) δ₂ = (δ₃ W₃) ⊙ (1 − a₂ ⊙ a₂)   (m, 6)
    delta2 = (delta3 @ W3) * (1 - a2**2)
    # (28) δ₁ = (δ₂ W₂ + ∂L/∂a₃) ⊙ (1 − a₁ ⊙ a₁)   (m, 6)
    delta1 = (delta2 @ W2 + da3) * (1 - a1**2)
    # (29) ∂L/∂W₈ = δ₈ᵀ a₇   (3, 6)
    dW8 = delta8.T @ a7
    # (30) ∂L/∂b₈ = δ₈ᵀ 𝟏   (3,)
    db8 = delta8.sum(axis=0)
    # (31) ∂L/∂W₇ = δ₇ᵀ a₆   (6, 6)
    dW7 = delta7.T @ a6
    # (32) ∂L/∂b₇ = δ₇ᵀ 𝟏   (6,)
    db7 = delta7.sum(axis=0)
    # (33) ∂L/∂W₆ = δ₆ᵀ a₅   (6, 6)
    dW6 = delta6.T @ a5
    # (34) ∂L/∂b₆ = δ₆ᵀ 𝟏   (6,)
    db6 = delta6.sum(axis=0)
    # (35) ∂L/∂W₅ = δ₅ᵀ a₄   (6, 6)
    dW5 = delta5.T @ a4
    # (36) ∂L/∂b₅ = δ₅ᵀ 𝟏   (6,)
    db5 = delta5.sum(axis=0)
    # (37) ∂L/∂W₄ = δ₄ᵀ a₃   (6, 6)
    dW4 = delta4.T @ a3
    # (38) ∂L/∂b₄ = δ₄ᵀ 𝟏   (6,)
    db4 = delta4.sum(axis=0)
    # (39) ∂L/∂W₃ = δ₃ᵀ a₂   (6, 6)
    dW3 = delta3.T @ a2
    # (40) ∂L/∂b₃ = δ₃ᵀ 𝟏   (6,)
    db3 = delta3.sum(axis=0)
    # (41) ∂L/∂W₂ = δ₂ᵀ a₁   (6, 6)
    dW2 = delta2.T @ a1
    # (42) ∂L/∂b₂ = δ₂ᵀ 𝟏   (6,)
    db2 = delta2.sum(axis=0)
    # (43) ∂L/∂W₁ = δ₁ᵀ x   (6, 4)
    dW1 = delta1.T @ x
    # (44) ∂L/∂b₁ = δ₁ᵀ 𝟏   (6,)
    db1 = delta1.sum(axis=0)

    return {
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


def loss_and_grads(params, x, y):
    """Return the mean loss over the batch, and its gradients: a dict like `params`."""
    values = {}
    L = loss(params, x, y, values=values)
    return L, backward(params, x, y, values)


def softmax(z, axis=-1):
    """Return exp(z) / sum(exp(z)), shifted by the largest z, so that exp cannot overflow."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(z, axis=-1):
    """Return log(softmax(z)), from the shifted z: finite where softmax rounds to 0."""
    shifted = z - z.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _check_dict(name, given, needed=()):
    """Raise unless a dict is given that has all that is needed."""
    if not isinstance(given, dict) or not {*needed} <= {*given}:
        allowed = ", ".join(needed) or "arrays"
        raise ValueError(f"{name} must be a dict of {allowed:.300}")


def _check_whole(name, value, least=0):
    """Raise unless a value is an integer of at least `least`."""
    if type(value) is bool or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} is {value!r:.30}; it must be an integer from {least}")


def _arrays(name, given, shapes):
    """Return a dict of arrays of DTYPE; raise unless they have these names and shapes."""
    _check_dict(name, given)
    arrays = {k: _array(k, v, DTYPE) for k, v in given.items()}
    found = {each: value.shape for each, value in arrays.items()}
    if found != shapes:
        raise ValueError(f"{name} has shapes {found}; they must be {shapes}")
    return arrays


def _array(name, value, dtype=None):
    """Return `value` as an array; raise unless it holds real numbers."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} has rows of several lengths") from None
    if array.dtype.kind not in "biuf" or type(value).__name__ == "MaskedArray":
        raise ValueError(f"{name} must hold real numbers")
    return np.asarray(array, dtype)


def _given(params, x):
    """Return parameters and input as arrays of DTYPE; raise where a shape is wrong."""
    params = _arrays("params", params, PARAMETERS)
    x = _array("x", x, DTYPE)
    if x.shape[1:] != (4,) or not len(x):
        raise ValueError(f"x has shape {x.shape}; it must be (m, 4)")
    if not np.isfinite(x).all():
        raise ValueError("x must hold finite numbers")
    return params, x


def _targets(y, m):
    """Return the targets as rows that sum to 1; class ids become one-hot rows."""
    y = _array("y", y)
    if y.shape == (m,):
        y = y[..., None] == np.arange(3)
    if y.shape != (m, 3) or y.min() < 0 or not np.allclose(y.sum(axis=-1), 1):
        allowed = f"class ids from 0 to 2, or {(m, 3)} rows that sum to 1"
        raise ValueError(f"y must hold {allowed}")
    return y.astype(DTYPE)
