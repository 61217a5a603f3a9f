"""A neural network and its gradients in NumPy, to be read.

    Input(3) >> Embedding(27, 10) >> Dense(200) >> Tanh() >> Dense(27) >>
    SoftmaxCrossEntropy()

Derived and written by symprop. A batch holds one example in each row; m is the number
of rows. The loss is the mean over the batch. dW1 is the derivative of the loss with
respect to W1, delta1 that with respect to z1. Above each statement stands the equation
that it computes, with its number in the derivation.
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
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {
        "E1": rng.standard_normal((27, 10)),
        "W1": rng.uniform(-1, 1, (200, 30)) * np.sqrt(6 / (30 + 200)),  # xavier_uniform
        "b1": np.zeros((200,)),
        "W2": rng.uniform(-1, 1, (27, 200)) * np.sqrt(6 / (200 + 27)),  # xavier_uniform
        "b2": np.zeros((27,)),
    }
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x, values=None):
    """Return the output of the last layer, z2: (m, 27).

    x: (m, 3), ids from 0 to 26
    values: a dict that gets what `backward` will read
    """
    params, x = _given(params, x)
    E1, W1, b1 = params["E1"], params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    m = len(x)

    # (1) e₁[:, (i)] = E₁[x[:, i]]   (m, 30)
    e1 = E1[x].reshape(m, 30)
    # (2) z₁ = e₁ W₁ᵀ + b₁   (m, 200)
    z1 = e1 @ W1.T + b1
    # (3) a₁ = tanh(z₁)   (m, 200)
    a1 = np.tanh(z1)
    # (4) z₂ = a₁ W₂ᵀ + b₂   (m, 27)
    z2 = a1 @ W2.T + b2

    if values is not None:
        _check_dict("values", values)
        values.update(e1=e1, a1=a1)
    return z2


def predict(params, x):
    """Return the probabilities, p: (m, 27)."""
    z2 = forward(params, x)

    # (5) p = softmax(z₂)   (m, 27)
    p = softmax(z2)
    return p


def loss(params, x, y, values=None):
    """Return the mean loss over the batch.

    y: (m,) class ids, or (m, 27) rows that sum to 1
    """
    z2 = forward(params, x, values=values)
    y = _targets(y, len(z2))
    m = len(z2)

    # (5) p = softmax(z₂)   (m, 27)
    p = softmax(z2)
    # (6) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    L = -np.sum(y * log_softmax(z2)) / m

    if values is not None:
        values.update(p=p)
    return float(L)


def backward(params, x, y, values):
    """Return the gradients of the loss, from the values of the forward pass."""
    _check_dict("values", values, ("p",))
    params, x = _given(params, x)
    y = _targets(y, len(x))
    W1, W2 = params["W1"], params["W2"]
    e1, a1, p = values["e1"], values["a1"], values["p"]
    m = len(x)

    # (7) δ₂ = (1/m) (p − y)   (m, 27)
    delta2 = (p - y) / m
    # (8) δ₁ = (δ₂ W₂) ⊙ (1 − a₁ ⊙ a₁)   (m, 200)
    delta1 = (delta2 @ W2) * (1 - a1**2)
    # (9) ∂L/∂W₂ = δ₂ᵀ a₁   (27, 200)
    dW2 = delta2.T @ a1
    # (10) ∂L/∂b₂ = δ₂ᵀ 𝟏   (27,)
    db2 = delta2.sum(axis=0)
    # (11) ∂L/∂W₁ = δ₁ᵀ e₁   (200, 30)
    dW1 = delta1.T @ e1
    # (12) ∂L/∂b₁ = δ₁ᵀ 𝟏   (200,)
    db1 = delta1.sum(axis=0)
    # (13) ∂L/∂E₁ = Σᵢ onehot(xᵢ)ᵀ mat[3 × 10](W₁ᵀ δ₁,ᵢ)   (27, 10)
    dE1 = scatter_add((delta1 @ W1).reshape(m, 3, 10), x, 27)

    return {"E1": dE1, "W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


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


def scatter_add(values, ids, size):
    """Return a table of `size` rows; row k is the sum of all `values` whose id is k."""
    table = np.zeros((size, *values.shape[ids.ndim :]), DTYPE)
    np.add.at(table, ids, values)
    return table


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
    x = _array("x", x)
    if x.shape[1:] != (3,) or not len(x):
        raise ValueError(f"x has shape {x.shape}; it must be (m, 3)")
    if x.dtype.kind not in "iu" or x.min() < 0 or x.max() >= 27:
        raise ValueError("x must hold integers from 0 to 26")
    return params, x


def _targets(y, m):
    """Return the targets as rows that sum to 1; class ids become one-hot rows."""
    y = _array("y", y)
    if y.shape == (m,):
        y = y[..., None] == np.arange(27)
    if y.shape != (m, 27) or y.min() < 0 or not np.allclose(y.sum(axis=-1), 1):
        allowed = f"class ids from 0 to 26, or {(m, 27)} rows that sum to 1"
        raise ValueError(f"y must hold {allowed}")
    return y.astype(DTYPE)
