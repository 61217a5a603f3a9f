"""A neural network and its gradients in NumPy, to be read.

    Input(6) >> Dense(4) >> Tanh() >> Repeat(Dense(4) >> Tanh(), 2, tied=True) >>
    Dense(6, tied="W1.T") >> MeanSquaredError() + L2(0.001)

Derived and written by symprop. A batch holds one example in each row; m is the number
of rows. The loss is the mean over the batch. dW1 is the derivative of the loss with
respect to W1, delta1 that with respect to z1. Above each statement stands the equation
that it computes, with its number in the derivation.
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (4, 6),
    "b1": (4,),
    "W2": (4, 4),
    "b2": (4,),
    "b4": (6,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {
        "W1": rng.uniform(-1, 1, (4, 6)) * np.sqrt(6 / (6 + 4)),  # xavier_uniform
        "b1": np.zeros((4,)),
        "W2": rng.uniform(-1, 1, (4, 4)) * np.sqrt(6 / (4 + 4)),  # xavier_uniform
        "b2": np.zeros((4,)),
        "b4": np.zeros((6,)),
    }
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x, values=None):
    """Return the output of the last layer, z4: (m, 6).

    x: (m, 6)
    values: a dict that gets what `backward` will read
    """
    params, x = _given(params, x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    b4 = params["b4"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    z1 = x @ W1.T + b1
    # (2) a₁ = tanh(z₁)   (m, 4)
    a1 = np.tanh(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 4)
    z2 = a1 @ W2.T + b2
    # (4) a₂ = tanh(z₂)   (m, 4)
    a2 = np.tanh(z2)
    # (5) z₃ = a₂ W₂ᵀ + b₂   (m, 4)
    z3 = a2 @ W2.T + b2
    # (6) a₃ = tanh(z₃)   (m, 4)
    a3 = np.tanh(z3)
    # (7) z₄ = a₃ W₁ + b₄   (m, 6)
    z4 = a3 @ W1 + b4

    if values is not None:
        _check_dict("values", values)
        values.update(a1=a1, a2=a2, a3=a3, z4=z4)
    return z4


def predict(params, x):
    """Return the output of the last layer, z4: (m, 6)."""
    return forward(params, x)


def loss(params, x, y, values=None):
    """Return the mean loss over the batch.

    y: (m, 6)
    """
    z4 = forward(params, x, values=values)
    y = _targets(y, len(z4))
    params, x = _given(params, x)
    W1, W2 = params["W1"], params["W2"]
    m = len(z4)

    # (8) L = (1 / (2 m)) ‖z₄ − y‖² + 0.0005 (‖W₁‖² + ‖W₂‖²)   ()
    L = np.sum((z4 - y) ** 2) / (2 * m) + 0.0005 * (np.sum(W1**2) + np.sum(W2**2))

    return float(L)


def backward(params, x, y, values):
    """Return the gradients of the loss, from the values of the forward pass."""
    _check_dict("values", values, ("z4",))
    params, x = _given(params, x)
    y = _targets(y, len(x))
    W1, W2 = params["W1"], params["W2"]
    a1, a2, a3, z4 = (values[name] for name in ("a1", "a2", "a3", "z4"))
    m = len(x)

    # (9) δ₄ = (1/m) (z₄ − y)   (m, 6)
    delta4 = (z4 - y) / m
    # (10) δ₃ = (δ₄ W₁ᵀ) ⊙ (1 − a₃ ⊙ a₃)   (m, 4)
    delta3 = (delta4 @ W1.T) * (1 - a3**2)
    # (11) δ₂ = (δ₃ W₂) ⊙ (1 − a₂ ⊙ a₂)   (m, 4)
    delta2 = (delta3 @ W2) * (1 - a2**2)
    # (12) δ₁ = (δ₂ W₂) ⊙ (1 − a₁ ⊙ a₁)   (m, 4)
    delta1 = (delta2 @ W2) * (1 - a1**2)
    # (13) ∂L/∂b₄ = δ₄ᵀ 𝟏   (6,)
    db4 = delta4.sum(axis=0)
    # (14) ∂L/∂W₂ = δ₂ᵀ a₁ + δ₃ᵀ a₂ + 0.001 W₂   (4, 4)
    dW2 = delta2.T @ a1 + delta3.T @ a2 + 0.001 * W2
    # (15) ∂L/∂b₂ = δ₂ᵀ 𝟏 + δ₃ᵀ 𝟏   (4,)
    db2 = delta2.sum(axis=0) + delta3.sum(axis=0)
    # (16) ∂L/∂W₁ = δ₁ᵀ x + a₃ᵀ δ₄ + 0.001 W₁   (4, 6)
    dW1 = delta1.T @ x + a3.T @ delta4 + 0.001 * W1
    # (17) ∂L/∂b₁ = δ₁ᵀ 𝟏   (4,)
    db1 = delta1.sum(axis=0)

    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "b4": db4}


def loss_and_grads(params, x, y):
    """Return the mean loss over the batch, and its gradients: a dict like `params`."""
    values = {}
    L = loss(params, x, y, values=values)
    return L, backward(params, x, y, values)


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
    if x.shape[1:] != (6,) or not len(x):
        raise ValueError(f"x has shape {x.shape}; it must be (m, 6)")
    if not np.isfinite(x).all():
        raise ValueError("x must hold finite numbers")
    return params, x


def _targets(y, m):
    """Return the targets as an array of DTYPE; raise where the shape is wrong."""
    y = _array("y", y, DTYPE)
    if y.shape != (m, 6):
        raise ValueError(f"y has shape {y.shape}; it must be {(m, 6)}")
    if not np.isfinite(y).all():
        raise ValueError("y must hold finite numbers")
    return y
