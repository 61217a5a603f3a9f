"""A neural network and its gradients in NumPy, to be read.

    Input(64) >> Dense(32) >> Tanh() >> Residual(Dense(32) >> ReLU()) >> Dense(10) >>
    SoftmaxCrossEntropy()

Derived and written by symprop. A batch holds one example in each row; m is the number
of rows. The loss is the mean over the batch. dW1 is the derivative of the loss with
respect to W1, delta1 that with respect to z1. Above each statement stands the equation
that it computes, with its number in the derivation.
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
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {
        "W1": rng.uniform(-1, 1, (32, 64)) * np.sqrt(6 / (64 + 32)),  # xavier_uniform
        "b1": np.zeros((32,)),
        "W2": rng.standard_normal((32, 32)) * np.sqrt(2 / 32),  # he_normal
        "b2": np.zeros((32,)),
        "W3": rng.uniform(-1, 1, (10, 32)) * np.sqrt(6 / (32 + 10)),  # xavier_uniform
        "b3": np.zeros((10,)),
    }
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x, values=None):
    """Return the output of the last layer, z3: (m, 10).

    x: (m, 64)
    values: a dict that gets what `backward` will read
    """
    params, x = _given(params, x)
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

    if values is not None:
        _check_dict("values", values)
        values.update(a1=a1, z2=z2, a2=a2)
    return z3


def predict(params, x):
    """Return the probabilities, p: (m, 10)."""
    z3 = forward(params, x)

    # (7) p = softmax(z₃)   (m, 10)
    p = softmax(z3)
    return p


def loss(params, x, y, values=None):
    """Return the mean loss over the batch.

    y: (m,) class ids, or (m, 10) rows that sum to 1
    """
    z3 = forward(params, x, values=values)
    y = _targets(y, len(z3))
    m = len(z3)

    # (7) p = softmax(z₃)   (m, 10)
    p = softmax(z3)
    # (8) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    L = -np.sum(y * log_softmax(z3)) / m

    if values is not None:
        values.update(p=p)
    return float(L)


def backward(params, x, y, values):
    """Return the gradients of the loss, from the values of the forward pass."""
    _check_dict("values", values, ("p",))
    params, x = _given(params, x)
    y = _targets(y, len(x))
    W2, W3 = params["W2"], params["W3"]
    a1, z2, a2, p = (values[name] for name in ("a1", "z2", "a2", "p"))
    m = len(x)

    # (9) δ₃ = (1/m) (p − y)   (m, 10)
    delta3 = (p - y) / m
    # (10) ∂L/∂a₂ = δ₃ W₃   (m, 32)
    da2 = delta3 @ W3
    # (11) δ₂ = ∂L/∂a₂ ⊙ 1[z₂ > 0]   (m, 32)
    delta2 = da2 * (z2 > 0)
    # (12) δ₁ = (δ₂ W₂ + ∂L/∂a₂) ⊙ (1 − a₁ ⊙ a₁)   (m, 32)
    delta1 = (delta2 @ W2 + da2) * (1 - a1**2)
    # (13) ∂L/∂W₃ = δ₃ᵀ a₂   (10, 32)
    dW3 = delta3.T @ a2
    # (14) ∂L/∂b₃ = δ₃ᵀ 𝟏   (10,)
    db3 = delta3.sum(axis=0)
    # (15) ∂L/∂W₂ = δ₂ᵀ a₁   (32, 32)
    dW2 = delta2.T @ a1
    # (16) ∂L/∂b₂ = δ₂ᵀ 𝟏   (32,)
    db2 = delta2.sum(axis=0)
    # (17) ∂L/∂W₁ = δ₁ᵀ x   (32, 64)
    dW1 = delta1.T @ x
    # (18) ∂L/∂b₁ = δ₁ᵀ 𝟏   (32,)
    db1 = delta1.sum(axis=0)

    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "W3": dW3, "b3": db3}


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
    if x.shape[1:] != (64,) or not len(x):
        raise ValueError(f"x has shape {x.shape}; it must be (m, 64)")
    if not np.isfinite(x).all():
        raise ValueError("x must hold finite numbers")
    return params, x


def _targets(y, m):
    """Return the targets as rows that sum to 1; class ids become one-hot rows."""
    y = _array("y", y)
    if y.shape == (m,):
        y = y[..., None] == np.arange(10)
    if y.shape != (m, 10) or y.min() < 0 or not np.allclose(y.sum(axis=-1), 1):
        allowed = f"class ids from 0 to 9, or {(m, 10)} rows that sum to 1"
        raise ValueError(f"y must hold {allowed}")
    return y.astype(DTYPE)
