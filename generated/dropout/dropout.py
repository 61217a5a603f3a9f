"""A neural network and its gradients in NumPy, to be read.

    Input(4) >> Dropout(0.2) >> Dense(6) >> Tanh() >> Dropout(0.5) >> Dense(3) >>
    SoftmaxCrossEntropy()

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
    "W2": (3, 6),
    "b2": (3,),
}
MASKS = {  # of dropout: the shape for one example, and the probability of 0
    "m1": ((4,), 0.2),
    "m2": ((6,), 0.5),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {
        "W1": rng.uniform(-1, 1, (6, 4)) * np.sqrt(6 / (4 + 6)),  # xavier_uniform
        "b1": np.zeros((6,)),
        "W2": rng.uniform(-1, 1, (3, 6)) * np.sqrt(6 / (6 + 3)),  # xavier_uniform
        "b2": np.zeros((3,)),
    }
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x, training=True, seed=0, masks=None, values=None):
    """Return the output of the last layer, z2: (m, 3).

    x: (m, 4)
    training: with dropout; else without
    seed: of the masks of dropout; the same seed is the same step, each step needs another
    masks: a dict of arrays by the names of MASKS, in place of those that a seed draws
    values: a dict that gets what `backward` will read
    """
    if training is not True and training is not False:
        raise ValueError(f"training is {training!r:.30}; it must be True or False")
    params, x = _given(params, x)
    masks = _masks(masks, seed, len(x), training)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    m1, m2 = masks["m1"], masks["m2"]

    # (1) a₀ = (5/4) x ⊙ m₁   (m, 4)
    a0 = 1.25 * x * m1 if training else x
    # (2) z₁ = a₀ W₁ᵀ + b₁   (m, 6)
    z1 = a0 @ W1.T + b1
    # (3) a₁ = tanh(z₁)   (m, 6)
    a1 = np.tanh(z1)
    # (4) a₁′ = 2 a₁ ⊙ m₂   (m, 6)
    a1_2 = 2 * a1 * m2 if training else a1
    # (5) z₂ = a₁′ W₂ᵀ + b₂   (m, 3)
    z2 = a1_2 @ W2.T + b2

    if values is not None:
        _check_dict("values", values)
        values.update(m2=m2, a0=a0, a1=a1, a1_2=a1_2)
    return z2


def predict(params, x):
    """Return the probabilities, p: (m, 3)."""
    z2 = forward(params, x, training=False)

    # (6) p = softmax(z₂)   (m, 3)
    p = softmax(z2)
    return p


def loss(params, x, y, training=True, seed=0, masks=None, values=None):
    """Return the mean loss over the batch.

    y: (m,) class ids, or (m, 3) rows that sum to 1
    training: with dropout; else without
    seed: of the masks of dropout; the same seed is the same step, each step needs another
    masks: a dict of arrays by the names of MASKS, in place of those that a seed draws
    """
    z2 = forward(params, x, training, seed, masks, values=values)
    y = _targets(y, len(z2))
    m = len(z2)

    # (6) p = softmax(z₂)   (m, 3)
    p = softmax(z2)
    # (7) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    L = -np.sum(y * log_softmax(z2)) / m

    if values is not None:
        values.update(p=p)
    return float(L)


def backward(params, x, y, values):
    """Return the gradients of the loss, from the values of the forward pass."""
    _check_dict("values", values, ("p",))
    params, x = _given(params, x)
    y = _targets(y, len(x))
    W2 = params["W2"]
    m2, a0, a1, a1_2, p = (values[name] for name in ("m2", "a0", "a1", "a1_2", "p"))
    m = len(x)

    # (8) δ₂ = (1/m) (p − y)   (m, 3)
    delta2 = (p - y) / m
    # (9) δ₁ = 2 (δ₂ W₂) ⊙ m₂ ⊙ (1 − a₁ ⊙ a₁)   (m, 6)
    delta1 = 2 * (delta2 @ W2) * m2 * (1 - a1**2)
    # (10) ∂L/∂W₂ = δ₂ᵀ a₁′   (3, 6)
    dW2 = delta2.T @ a1_2
    # (11) ∂L/∂b₂ = δ₂ᵀ 𝟏   (3,)
    db2 = delta2.sum(axis=0)
    # (12) ∂L/∂W₁ = δ₁ᵀ a₀   (6, 4)
    dW1 = delta1.T @ a0
    # (13) ∂L/∂b₁ = δ₁ᵀ 𝟏   (6,)
    db1 = delta1.sum(axis=0)

    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def loss_and_grads(params, x, y, seed=0, masks=None):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    seed: of the masks of dropout; the same seed is the same step, each step needs another
    masks: a dict of arrays by the names of MASKS, in place of those that a seed draws
    """
    values = {}
    L = loss(params, x, y, seed=seed, masks=masks, values=values)
    return L, backward(params, x, y, values)


def draw_masks(m, seed=0):
    """Return masks of dropout for `m` examples, of zeros and ones, the same for the same seed."""
    _check_whole("m", m, 1)
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    masks = {}
    for name, (shape, p) in MASKS.items():
        masks[name] = (rng.random((m, *shape), DTYPE) >= p).astype(DTYPE)
    return masks


def _masks(masks, seed, m, training):
    """Return the masks for `m` examples: those given, or those of a seed; in evaluation none."""
    if not training:
        return dict.fromkeys(MASKS)
    if masks is None:
        return draw_masks(m, seed)
    needed = {name: (m, *shape) for name, (shape, _) in MASKS.items()}
    masks = _arrays("masks", masks, needed)
    if any(((mask != 0) & (mask != 1)).any() for mask in masks.values()):
        raise ValueError("masks must be 0 or 1")
    return masks


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
