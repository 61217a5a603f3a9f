"""A neural network and its gradients in NumPy, to be read.

    Input(3) >> Dense(4) >> GELU() >> Dense(4) >> GELU(approximate="tanh") >> Dense(4)
    >> SiLU() >> Dense(4) >> ELU() >> Dense(4) >> LeakyReLU() >> Dense(2) >> Softplus()
    >> MeanSquaredError()

Derived and written by symprop. A batch holds one example in each row; m is the number
of rows. The loss is the mean over the batch. dW1 is the derivative of the loss with
respect to W1, delta1 that with respect to z1. Above each statement stands the equation
that it computes, with its number in the derivation.
"""

import math

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (4, 3),
    "b1": (4,),
    "W2": (4, 4),
    "b2": (4,),
    "W3": (4, 4),
    "b3": (4,),
    "W4": (4, 4),
    "b4": (4,),
    "W5": (4, 4),
    "b5": (4,),
    "W6": (2, 4),
    "b6": (2,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {
        "W1": rng.standard_normal((4, 3)) * np.sqrt(2 / 3),  # he_normal
        "b1": np.zeros((4,)),
        "W2": rng.standard_normal((4, 4)) * np.sqrt(2 / 4),  # he_normal
        "b2": np.zeros((4,)),
        "W3": rng.standard_normal((4, 4)) * np.sqrt(2 / 4),  # he_normal
        "b3": np.zeros((4,)),
        "W4": rng.standard_normal((4, 4)) * np.sqrt(2 / 4),  # he_normal
        "b4": np.zeros((4,)),
        "W5": rng.standard_normal((4, 4)) * np.sqrt(2 / 4),  # he_normal
        "b5": np.zeros((4,)),
        "W6": rng.standard_normal((2, 4)) * np.sqrt(2 / 4),  # he_normal
        "b6": np.zeros((2,)),
    }
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x, values=None):
    """Return the output of the last layer, a6: (m, 2).

    x: (m, 3)
    values: a dict that gets what `backward` will read
    """
    params, x = _given(params, x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    W3, b3 = params["W3"], params["b3"]
    W4, b4 = params["W4"], params["b4"]
    W5, b5 = params["W5"], params["b5"]
    W6, b6 = params["W6"], params["b6"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    z1 = x @ W1.T + b1
    # (2) a₁ = GELU(z₁)   (m, 4)
    a1 = gelu(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 4)
    z2 = a1 @ W2.T + b2
    # (4) a₂ = GELUₜₐₙₕ(z₂)   (m, 4)
    a2 = gelu_tanh(z2)
    # (5) z₃ = a₂ W₃ᵀ + b₃   (m, 4)
    z3 = a2 @ W3.T + b3
    # (6) a₃ = SiLU(z₃)   (m, 4)
    a3 = silu(z3)
    # (7) z₄ = a₃ W₄ᵀ + b₄   (m, 4)
    z4 = a3 @ W4.T + b4
    # (8) a₄ = ELU(z₄)   (m, 4)
    a4 = elu(z4)
    # (9) z₅ = a₄ W₅ᵀ + b₅   (m, 4)
    z5 = a4 @ W5.T + b5
    # (10) a₅ = LeakyReLU(z₅)   (m, 4)
    a5 = leaky_relu(z5)
    # (11) z₆ = a₅ W₆ᵀ + b₆   (m, 2)
    z6 = a5 @ W6.T + b6
    # (12) a₆ = softplus(z₆)   (m, 2)
    a6 = softplus(z6)

    if values is not None:
        _check_dict("values", values)
        values.update(z1=z1, a1=a1, z2=z2, a2=a2, z3=z3, a3=a3, z4=z4, a4=a4, z5=z5)
        values.update(a5=a5, z6=z6, a6=a6)
    return a6


def predict(params, x):
    """Return the output of the last layer, a6: (m, 2)."""
    return forward(params, x)


def loss(params, x, y, values=None):
    """Return the mean loss over the batch.

    y: (m, 2)
    """
    a6 = forward(params, x, values=values)
    y = _targets(y, len(a6))
    m = len(a6)

    # (13) L = (1 / (2 m)) ‖a₆ − y‖²   ()
    L = np.sum((a6 - y) ** 2) / (2 * m)

    return float(L)


def backward(params, x, y, values):
    """Return the gradients of the loss, from the values of the forward pass."""
    _check_dict("values", values, ("a6",))
    params, x = _given(params, x)
    y = _targets(y, len(x))
    W2, W3, W4, W5, W6 = (params[name] for name in ("W2", "W3", "W4", "W5", "W6"))
    z1, a1, z2 = values["z1"], values["a1"], values["z2"]
    a2, z3, a3 = values["a2"], values["z3"], values["a3"]
    z4, a4, z5 = values["z4"], values["a4"], values["z5"]
    a5, z6, a6 = values["a5"], values["z6"], values["a6"]
    m = len(x)

    # (14) δ₆ = (1/m) (a₆ − y) ⊙ σ(z₆)   (m, 2)
    delta6 = (a6 - y) * sigmoid(z6) / m
    # (15) δ₅ = (δ₆ W₆) ⊙ (1 if z₅ > 0, else 0.01)   (m, 4)
    delta5 = (delta6 @ W6) * np.where(z5 > 0, DTYPE(1), DTYPE(0.01))
    # (16) δ₄ = (δ₅ W₅) ⊙ (1 if z₄ > 0, else a₄ + 1)   (m, 4)
    delta4 = (delta5 @ W5) * np.where(z4 > 0, 1, a4 + 1)
    # (17) δ₃ = (δ₄ W₄) ⊙ (a₃ ⊙ (1 − σ(z₃)) + σ(z₃))   (m, 4)
    delta3 = (delta4 @ W4) * (a3 * (1 - sigmoid(z3)) + sigmoid(z3))
    # (18) δ₂ = (δ₃ W₃) ⊙ ((1 / √(2 π)) z₂ ⊙ (1 − tanh(√(2/π) (0.044715 z₂⊙³ + z₂))⊙²) ⊙
    #     (0.134145 z₂ ⊙ z₂ + 1) + ½ tanh(√(2/π) (0.044715 z₂⊙³ + z₂)) + ½)   (m, 4)
    # beyond 8 the tanh is 1 or -1 in every digit, and powers could overflow
    near2 = np.minimum(np.maximum(z2, -8), 8)
    delta2 = (delta3 @ W3) * (
        (math.sqrt(2) / (2 * math.sqrt(math.pi)))
        * z2
        * (
            1
            - np.tanh(
                (math.sqrt(2) / math.sqrt(math.pi)) * (0.044715 * near2**3 + near2)
            )
            ** 2
        )
        * (0.134145 * near2**2 + 1)
        + 0.5
        * np.tanh((math.sqrt(2) / math.sqrt(math.pi)) * (0.044715 * near2**3 + near2))
        + 0.5
    )
    # (19) δ₁ = (δ₂ W₂) ⊙ ((1 / √(2 π)) z₁ ⊙ exp(−½ z₁ ⊙ z₁) + ½ erf((1/√2) z₁) + ½)
    #     (m, 4)
    delta1 = (delta2 @ W2) * (
        (math.sqrt(2) / (2 * math.sqrt(math.pi))) * z1 * np.exp(-0.5 * z1**2)
        + 0.5 * erf((math.sqrt(2) / 2) * z1)
        + 0.5
    )
    # (20) ∂L/∂W₆ = δ₆ᵀ a₅   (2, 4)
    dW6 = delta6.T @ a5
    # (21) ∂L/∂b₆ = δ₆ᵀ 𝟏   (2,)
    db6 = delta6.sum(axis=0)
    # (22) ∂L/∂W₅ = δ₅ᵀ a₄   (4, 4)
    dW5 = delta5.T @ a4
    # (23) ∂L/∂b₅ = δ₅ᵀ 𝟏   (4,)
    db5 = delta5.sum(axis=0)
    # (24) ∂L/∂W₄ = δ₄ᵀ a₃   (4, 4)
    dW4 = delta4.T @ a3
    # (25) ∂L/∂b₄ = δ₄ᵀ 𝟏   (4,)
    db4 = delta4.sum(axis=0)
    # (26) ∂L/∂W₃ = δ₃ᵀ a₂   (4, 4)
    dW3 = delta3.T @ a2
    # (27) ∂L/∂b₃ = δ₃ᵀ 𝟏   (4,)
    db3 = delta3.sum(axis=0)
    # (28) ∂L/∂W₂ = δ₂ᵀ a₁   (4, 4)
    dW2 = delta2.T @ a1
    # (29) ∂L/∂b₂ = δ₂ᵀ 𝟏   (4,)
    db2 = delta2.sum(axis=0)
    # (30) ∂L/∂W₁ = δ₁ᵀ x   (4, 3)
    dW1 = delta1.T @ x
    # (31) ∂L/∂b₁ = δ₁ᵀ 𝟏   (4,)
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
    }


def loss_and_grads(params, x, y):
    """Return the mean loss over the batch, and its gradients: a dict like `params`."""
    values = {}
    L = loss(params, x, y, values=values)
    return L, backward(params, x, y, values)


def gelu(t):
    """Return ½ t (erf((1/√2) t) + 1), of each element."""
    return 0.5 * t * (erf((math.sqrt(2) / 2) * t) + 1)


def gelu_tanh(t):
    """Return ½ t (tanh(√(2/π) (0.044715 t³ + t)) + 1), of each element."""
    # beyond 8 the tanh is 1 or -1 in every digit, and powers could overflow
    near = np.minimum(np.maximum(t, -8), 8)
    return (
        0.5
        * t
        * (
            np.tanh((math.sqrt(2) / math.sqrt(math.pi)) * (0.044715 * near**3 + near))
            + 1
        )
    )


def silu(t):
    """Return t σ(t), of each element."""
    return t * sigmoid(t)


def elu(t):
    """Return t if t > 0, else exp(t) − 1, of each element."""
    return np.where(t > 0, t, np.expm1(np.minimum(t, 0)))


def leaky_relu(t):
    """Return t if t > 0, else 0.01 t, of each element."""
    return np.where(t > 0, t, 0.01 * t)


def sigmoid(t):
    """Return 1 / (1 + exp(-t)); the exponential is of -|t|, so it cannot overflow."""
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1, e) / (1 + e)


def softplus(t):
    """Return log(1 + exp(t)), without overflow."""
    return np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t)))


def erf(t):
    """Return the error function of each element."""
    return np.vectorize(math.erf, otypes=[DTYPE])(t)


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
    if x.shape[1:] != (3,) or not len(x):
        raise ValueError(f"x has shape {x.shape}; it must be (m, 3)")
    if not np.isfinite(x).all():
        raise ValueError("x must hold finite numbers")
    return params, x


def _targets(y, m):
    """Return the targets as an array of DTYPE; raise where the shape is wrong."""
    y = _array("y", y, DTYPE)
    if y.shape != (m, 2):
        raise ValueError(f"y has shape {y.shape}; it must be {(m, 2)}")
    if not np.isfinite(y).all():
        raise ValueError("y must hold finite numbers")
    return y
