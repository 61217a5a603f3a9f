"""A neural network and its gradients in NumPy, to be read.

    Input(5) >> Dense(4) >> ReLU() >> Dense(2) >> BinaryCrossEntropy()

Derived and written by symprop. A batch holds one example in each row; m is the number
of rows. The loss is the mean over the batch. dW1 is the derivative of the loss with
respect to W1, delta1 that with respect to z1. Above each statement stands the equation
that it computes, with its number in the derivation.
"""

import numpy as np

DTYPE = np.float32

PARAMETERS = {
    "W1": (4, 5),
    "b1": (4,),
    "W2": (2, 4),
    "b2": (2,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {
        "W1": rng.standard_normal((4, 5)) * np.sqrt(2 / 5),  # he_normal
        "b1": np.zeros((4,)),
        "W2": rng.uniform(-1, 1, (2, 4)) * np.sqrt(6 / (4 + 2)),  # xavier_uniform
        "b2": np.zeros((2,)),
    }
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x, values=None):
    """Return the output of the last layer, z2: (m, 2).

    x: (m, 5)
    values: a dict that gets what `backward` will read
    """
    params, x = _given(params, x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    z1 = x @ W1.T + b1
    # (2) a₁ = ReLU(z₁)   (m, 4)
    a1 = np.maximum(z1, 0)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 2)
    z2 = a1 @ W2.T + b2

    if values is not None:
        _check_dict("values", values)
        values.update(z1=z1, a1=a1)
    return z2


def predict(params, x):
    """Return the probabilities, p: (m, 2)."""
    z2 = forward(params, x)

    # (4) p = σ(z₂)   (m, 2)
    p = sigmoid(z2)
    return p


def loss(params, x, y, values=None):
    """Return the mean loss over the batch.

    y: (m, 2), from 0 to 1
    """
    z2 = forward(params, x, values=values)
    y = _targets(y, len(z2))
    m = len(z2)

    # (4) p = σ(z₂)   (m, 2)
    p = sigmoid(z2)
    # (5) L = (1/m) Σᵢⱼ (softplus(z₂,ᵢⱼ) − yᵢⱼ z₂,ᵢⱼ)   ()
    L = np.sum(softplus(z2) - y * z2) / m

    if values is not None:
        values.update(p=p)
    return float(L)


def backward(params, x, y, values):
    """Return the gradients of the loss, from the values of the forward pass."""
    _check_dict("values", values, ("p",))
    params, x = _given(params, x)
    y = _targets(y, len(x))
    W2 = params["W2"]
    z1, a1, p = values["z1"], values["a1"], values["p"]
    m = len(x)

    # (6) δ₂ = (1/m) (p − y)   (m, 2)
    delta2 = (p - y) / m
    # (7) δ₁ = (δ₂ W₂) ⊙ 1[z₁ > 0]   (m, 4)
    delta1 = (delta2 @ W2) * (z1 > 0)
    # (8) ∂L/∂W₂ = δ₂ᵀ a₁   (2, 4)
    dW2 = delta2.T @ a1
    # (9) ∂L/∂b₂ = δ₂ᵀ 𝟏   (2,)
    db2 = delta2.sum(axis=0)
    # (10) ∂L/∂W₁ = δ₁ᵀ x   (4, 5)
    dW1 = delta1.T @ x
    # (11) ∂L/∂b₁ = δ₁ᵀ 𝟏   (4,)
    db1 = delta1.sum(axis=0)

    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def loss_and_grads(params, x, y):
    """Return the mean loss over the batch, and its gradients: a dict like `params`."""
    values = {}
    L = loss(params, x, y, values=values)
    return L, backward(params, x, y, values)


def sigmoid(t):
    """Return 1 / (1 + exp(-t)); the exponential is of -|t|, so it cannot overflow."""
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1, e) / (1 + e)


def softplus(t):
    """Return log(1 + exp(t)), without overflow."""
    return np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t)))


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
    if x.shape[1:] != (5,) or not len(x):
        raise ValueError(f"x has shape {x.shape}; it must be (m, 5)")
    if not np.isfinite(x).all():
        raise ValueError("x must hold finite numbers")
    return params, x


def _targets(y, m):
    """Return the targets as an array of DTYPE; raise where the shape is wrong."""
    y = _array("y", y, DTYPE)
    if y.shape != (m, 2):
        raise ValueError(f"y has shape {y.shape}; it must be {(m, 2)}")
    if not np.all((0 <= y) & (y <= 1)):
        raise ValueError("y must be from 0 to 1")
    return y
