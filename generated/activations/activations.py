# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(3) >> Dense(4) >> GELU() >> Dense(4) >> GELU(approximate="tanh") >> Dense(4)
    >> SiLU() >> Dense(4) >> ELU() >> Dense(4) >> LeakyReLU() >> Dense(2) >> Softplus()
    >> MeanSquaredError()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64")

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss by W1, delta1 that by z1. Above each
statement stands the equation that it computes, with its number in the derivation.

Parameters:

    W1  (4, 3)  weight
    b1  (4,)    bias
    W2  (4, 4)  weight
    b2  (4,)    bias
    W3  (4, 4)  weight
    b3  (4,)    bias
    W4  (4, 4)  weight
    b4  (4,)    bias
    W5  (4, 4)  weight
    b5  (4,)    bias
    W6  (2, 4)  weight
    b6  (2,)    bias
"""

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
    rng = np.random.default_rng(seed)
    params = {}
    # he_normal: standard deviation sqrt(2)/sqrt(fan_in), fan_in = 3, fan_out = 4
    params["W1"] = rng.normal(0.0, 0.816496580927726, (4, 3))
    params["b1"] = np.zeros(4)
    # he_normal: standard deviation sqrt(2)/sqrt(fan_in), fan_in = 4, fan_out = 4
    params["W2"] = rng.normal(0.0, 0.7071067811865476, (4, 4))
    params["b2"] = np.zeros(4)
    # he_normal: standard deviation sqrt(2)/sqrt(fan_in), fan_in = 4, fan_out = 4
    params["W3"] = rng.normal(0.0, 0.7071067811865476, (4, 4))
    params["b3"] = np.zeros(4)
    # he_normal: standard deviation sqrt(2)/sqrt(fan_in), fan_in = 4, fan_out = 4
    params["W4"] = rng.normal(0.0, 0.7071067811865476, (4, 4))
    params["b4"] = np.zeros(4)
    # he_normal: standard deviation sqrt(2)/sqrt(fan_in), fan_in = 4, fan_out = 4
    params["W5"] = rng.normal(0.0, 0.7071067811865476, (4, 4))
    params["b5"] = np.zeros(4)
    # he_normal: standard deviation sqrt(2)/sqrt(fan_in), fan_in = 4, fan_out = 2
    params["W6"] = rng.normal(0.0, 0.7071067811865476, (2, 4))
    params["b6"] = np.zeros(2)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, a6: (m, 2).

    x: (m, 3)
    """
    params = _check_params(params)
    x = _check_x(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    W3, b3 = params["W3"], params["b3"]
    W4, b4 = params["W4"], params["b4"]
    W5, b5 = params["W5"], params["b5"]
    W6, b6 = params["W6"], params["b6"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    z1 = x @ W1.T + b1
    # (2) a₁ = GELU(z₁)   (m, 4)
    a1 = 0.5 * z1 * (erf(0.7071067811865476 * z1) + 1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 4)
    z2 = a1 @ W2.T + b2
    # (4) a₂ = GELUₜₐₙₕ(z₂)   (m, 4)
    # beyond 8 the tanh is 1 or -1 in every digit, and powers could overflow
    near2 = np.minimum(np.maximum(z2, -8), 8)
    a2 = 0.5 * z2 * (np.tanh(0.7978845608028654 * (0.044715 * near2**3 + near2)) + 1)
    # (5) z₃ = a₂ W₃ᵀ + b₃   (m, 4)
    z3 = a2 @ W3.T + b3
    # (6) a₃ = SiLU(z₃)   (m, 4)
    a3 = z3 * sigmoid(z3)
    # (7) z₄ = a₃ W₄ᵀ + b₄   (m, 4)
    z4 = a3 @ W4.T + b4
    # (8) a₄ = ELU(z₄)   (m, 4)
    a4 = np.where(z4 > 0, z4, np.expm1(np.minimum(z4, 0)))
    # (9) z₅ = a₄ W₅ᵀ + b₅   (m, 4)
    z5 = a4 @ W5.T + b5
    # (10) a₅ = LeakyReLU(z₅)   (m, 4)
    a5 = np.where(z5 > 0, z5, 0.01 * z5)
    # (11) z₆ = a₅ W₆ᵀ + b₆   (m, 2)
    z6 = a5 @ W6.T + b6
    # (12) a₆ = softplus(z₆)   (m, 2)
    a6 = softplus(z6)

    return a6


def predict(params, x):
    """Return the output of the last layer, a6: (m, 2)."""
    return forward(params, x)


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    a6 = forward(params, x)
    y = _check_y(y, len(a6))
    m = len(a6)
    # (13) L = (1 / (2 m)) ‖a₆ − y‖²   ()
    L = np.sum((a6 - y) ** 2) / (2 * m)

    return float(L)


def loss_and_grads(params, x, y):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 3)
    y: (m, 2)
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

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    z1 = x @ W1.T + b1
    # (2) a₁ = GELU(z₁)   (m, 4)
    erf1 = erf(0.7071067811865476 * z1)
    a1 = 0.5 * z1 * (erf1 + 1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 4)
    z2 = a1 @ W2.T + b2
    # (4) a₂ = GELUₜₐₙₕ(z₂)   (m, 4)
    # beyond 8 the tanh is 1 or -1 in every digit, and powers could overflow
    near2 = np.minimum(np.maximum(z2, -8), 8)
    tanh2 = np.tanh(0.7978845608028654 * (0.044715 * near2**3 + near2))
    a2 = 0.5 * z2 * (tanh2 + 1)
    # (5) z₃ = a₂ W₃ᵀ + b₃   (m, 4)
    z3 = a2 @ W3.T + b3
    # (6) a₃ = SiLU(z₃)   (m, 4)
    sigmoid3 = sigmoid(z3)
    a3 = z3 * sigmoid3
    # (7) z₄ = a₃ W₄ᵀ + b₄   (m, 4)
    z4 = a3 @ W4.T + b4
    # (8) a₄ = ELU(z₄)   (m, 4)
    a4 = np.where(z4 > 0, z4, np.expm1(np.minimum(z4, 0)))
    # (9) z₅ = a₄ W₅ᵀ + b₅   (m, 4)
    z5 = a4 @ W5.T + b5
    # (10) a₅ = LeakyReLU(z₅)   (m, 4)
    a5 = np.where(z5 > 0, z5, 0.01 * z5)
    # (11) z₆ = a₅ W₆ᵀ + b₆   (m, 2)
    z6 = a5 @ W6.T + b6
    # (12) a₆ = softplus(z₆)   (m, 2)
    a6 = softplus(z6)
    # (13) L = (1 / (2 m)) ‖a₆ − y‖²   ()
    error6 = a6 - y
    L = np.sum(error6**2) / (2 * m)

    # (14) δ₆ = (1/m) (a₆ − y) ⊙ σ(z₆)   (m, 2)
    delta6 = error6 * sigmoid(z6) / m
    # (20) ∂L/∂W₆ = δ₆ᵀ a₅   (2, 4)
    dW6 = delta6.T @ a5
    # (21) ∂L/∂b₆ = 𝟏ᵀ δ₆   (2,)
    db6 = delta6.sum(axis=0)
    # (15) δ₅ = (δ₆ W₆) ⊙ (1 if z₅ > 0, else 0.01)   (m, 4)
    delta5 = (delta6 @ W6) * np.where(z5 > 0, DTYPE(1), DTYPE(0.01))
    # (22) ∂L/∂W₅ = δ₅ᵀ a₄   (4, 4)
    dW5 = delta5.T @ a4
    # (23) ∂L/∂b₅ = 𝟏ᵀ δ₅   (4,)
    db5 = delta5.sum(axis=0)
    # (16) δ₄ = (δ₅ W₅) ⊙ (1 if z₄ > 0, else a₄ + 1)   (m, 4)
    delta4 = (delta5 @ W5) * np.where(z4 > 0, 1, a4 + 1)
    # (24) ∂L/∂W₄ = δ₄ᵀ a₃   (4, 4)
    dW4 = delta4.T @ a3
    # (25) ∂L/∂b₄ = 𝟏ᵀ δ₄   (4,)
    db4 = delta4.sum(axis=0)
    # (17) δ₃ = (δ₄ W₄) ⊙ (a₃ ⊙ (1 − σ(z₃)) + σ(z₃))   (m, 4)
    delta3 = (delta4 @ W4) * (a3 * (1 - sigmoid3) + sigmoid3)
    # (26) ∂L/∂W₃ = δ₃ᵀ a₂   (4, 4)
    dW3 = delta3.T @ a2
    # (27) ∂L/∂b₃ = 𝟏ᵀ δ₃   (4,)
    db3 = delta3.sum(axis=0)
    # (18) δ₂ = (δ₃ W₃) ⊙ ((√2 / (2 √π)) z₂ ⊙ (1 − tanh((√2/√π) (0.044715 z₂⊙³ + z₂))⊙²)
    #     ⊙ (0.134145 z₂ ⊙ z₂ + 1) + ½ tanh((√2/√π) (0.044715 z₂⊙³ + z₂)) + ½)   (m, 4)
    product2 = 0.3989422804014327 * z2 * (1 - tanh2**2) * (0.134145 * near2**2 + 1)
    slope2 = product2 + 0.5 * tanh2 + 0.5
    delta2 = (delta3 @ W3) * slope2
    # (28) ∂L/∂W₂ = δ₂ᵀ a₁   (4, 4)
    dW2 = delta2.T @ a1
    # (29) ∂L/∂b₂ = 𝟏ᵀ δ₂   (4,)
    db2 = delta2.sum(axis=0)
    # (19) δ₁ = (δ₂ W₂) ⊙ ((√2 / (2 √π)) z₁ ⊙ exp(−½ z₁ ⊙ z₁) + ½ erf((√2/2) z₁) + ½)
    #     (m, 4)
    slope1 = 0.3989422804014327 * z1 * np.exp(-0.5 * z1**2) + 0.5 * erf1 + 0.5
    delta1 = (delta2 @ W2) * slope1
    # (30) ∂L/∂W₁ = δ₁ᵀ x   (4, 3)
    dW1 = delta1.T @ x
    # (31) ∂L/∂b₁ = 𝟏ᵀ δ₁   (4,)
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


def sigmoid(t):
    """Return 1 / (1 + exp(-t)); the exponential is of -|t|, so it cannot overflow."""
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1, e) / (1 + e)


def softplus(t):
    """Return log(1 + exp(t)), without overflow."""
    return np.logaddexp(t, 0)


def erf(t):
    """Return the error function, by the rational approximations of W. J. Cody.

    Rational Chebyshev approximations for the error function, Mathematics of
    Computation 23 (1969), 631-637; relative error below 1e-15 in float64.
    """
    size = np.abs(t)
    # |t| <= 0.46875: t times a rational function of t squared
    near = np.minimum(size, 0.46875)
    inner = near * _ratio(near * near, ERF_NEAR)
    # up to 4, then beyond: 1 minus the complement, which ends at exp(-36) for |t| = 6
    middle = np.clip(size, 0.46875, 4)
    outer = 1 - np.exp(-middle * middle) * _ratio(middle, ERF_MIDDLE)
    far = np.clip(size, 4, 6)
    inverse = 1 / (far * far)
    tail = (0.5641895835477563 - inverse * _ratio(inverse, ERF_FAR)) / far
    outer = np.where(size <= 4, outer, 1 - np.exp(-far * far) * tail)
    return np.sign(t) * np.where(size <= 0.46875, inner, outer)


def _ratio(t, coefficients):
    """Return the ratio of two polynomials, by Horner's scheme; highest powers first."""
    above, below = coefficients
    top, bottom = above[0], below[0]
    for a, b in zip(above[1:], below[1:]):
        top, bottom = top * t + a, bottom * t + b
    return top / bottom


ERF_NEAR = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (
        1.0,
        2.36012909523441209e1,
        2.44024637934444173e2,
        1.28261652607737228e3,
        2.84423683343917062e3,
    ),
)
ERF_MIDDLE = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594e0,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)
ERF_FAR = (
    (
        1.63153871373020978e-2,
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    (
        1.0,
        2.56852019228982242e0,
        1.87295284992346725e0,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)


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
    _check_rows("x", x, (3,))
    return _finite("x", x)


def _check_y(y, m):
    """Return the targets as an array of DTYPE."""
    y = _real("y", y)
    _check_rows("y", y, (2,))
    if len(y) != m:
        raise ValueError(f"y has {len(y)} rows, but x has {m}")
    return _finite("y", y)


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


def _refuse(name, array, wrong, allowed):
    """Raise for the first of the `wrong` values, with its index."""
    index = tuple(map(int, np.argwhere(wrong)[0]))
    place = ", ".join(map(str, index))
    raise ValueError(f"{name}[{place}] is {array[index]}; it must be {allowed}")
