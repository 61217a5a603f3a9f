# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(3) >> Dense(4) >> GELU() >> Dense(4) >> GELU(approximate="tanh") >> Dense(4)
    >> SiLU() >> Dense(4) >> ELU() >> Dense(4) >> LeakyReLU() >> Dense(2) >> Softplus()
    >> MeanSquaredError()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64", fast=True)

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss with respect to W1, delta1 that with respect
to z1. Above each statement stands the equation that it computes, with its number in the
derivation.

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
    _check_whole("seed", seed)
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


class Workspace:
    """The memory in which a step works, made by `make_workspace`; for one step at a time."""


KEPT = {}  # the workspace of the last call without `work`, by the number of its rows
MOST_KEPT = 8388608  # numbers in the memory of a workspace that is kept


def make_workspace(batch):
    """Return the memory in which `loss_and_grads` works on batches of `batch` rows.

    An array has the name of the first value that it holds; when that is no longer read,
    others take its place. Less memory is more of it in the cache; what is the same in
    all steps is made here. The gradients lie in one vector, which an optimiser goes
    over once.
    """
    _check_whole("batch", batch, 1)
    work = Workspace()
    work.m = m = int(batch)
    _renew(work)
    memory = np.empty(38 * m + 49152, DTYPE)
    work.z1 = memory[8 * m + 49152 : 12 * m + 49152].reshape(m, 4)
    work.erf1 = memory[49152 : 4 * m + 49152].reshape(m, 4)
    work.scratch_erf1 = memory[:49152].reshape(49152)
    work.slope1 = memory[4 * m + 49152 : 8 * m + 49152].reshape(m, 4)
    work.z2 = memory[16 * m + 49152 : 20 * m + 49152].reshape(m, 4)
    work.near2 = memory[20 * m + 49152 : 24 * m + 49152].reshape(m, 4)
    work.tanh2 = memory[12 * m + 49152 : 16 * m + 49152].reshape(m, 4)
    work.sum2 = memory[8 * m + 49152 : 12 * m + 49152].reshape(m, 4)
    work.z3 = memory[28 * m + 49152 : 32 * m + 49152].reshape(m, 4)
    work.sigmoid3 = memory[24 * m + 49152 : 28 * m + 49152].reshape(m, 4)
    work.sum3 = memory[16 * m + 49152 : 20 * m + 49152].reshape(m, 4)
    work.z4 = memory[20 * m + 49152 : 24 * m + 49152].reshape(m, 4)
    work.a4 = memory[16 * m + 49152 : 20 * m + 49152].reshape(m, 4)
    work.z5 = memory[20 * m + 49152 : 24 * m + 49152].reshape(m, 4)
    work.product5 = memory[32 * m + 49152 : 36 * m + 49152].reshape(m, 4)
    work.z6 = memory[34 * m + 49152 : 36 * m + 49152].reshape(m, 2)
    work.a6 = memory[32 * m + 49152 : 34 * m + 49152].reshape(m, 2)
    work.maximum6 = memory[36 * m + 49152 : 38 * m + 49152].reshape(m, 2)
    work.slope6 = memory[36 * m + 49152 : 38 * m + 49152].reshape(m, 2)
    work.delta5 = memory[32 * m + 49152 : 36 * m + 49152].reshape(m, 4)
    work.slope5 = memory[20 * m + 49152 : 24 * m + 49152].reshape(m, 4)
    work.delta4 = memory[20 * m + 49152 : 24 * m + 49152].reshape(m, 4)
    work.delta3 = memory[16 * m + 49152 : 20 * m + 49152].reshape(m, 4)
    work.slope3 = memory[20 * m + 49152 : 24 * m + 49152].reshape(m, 4)
    work.delta2 = memory[8 * m + 49152 : 12 * m + 49152].reshape(m, 4)
    work.delta1 = memory[49152 : 4 * m + 49152].reshape(m, 4)
    flags = np.empty(4 * m, bool)
    work.mask4 = flags[: 4 * m].reshape(m, 4)
    work.mask5 = flags[: 4 * m].reshape(m, 4)
    work.mask4_2 = flags[: 4 * m].reshape(m, 4)
    work.ones = np.ones((m,), DTYPE)
    return work


def _renew(work):
    """Give a workspace new memory for what a step returns: what it returned before stays."""
    work.gradient = np.empty(106, DTYPE)
    work.dW1 = work.gradient[:12].reshape(4, 3)
    work.db1 = work.gradient[12:16]
    work.dW2 = work.gradient[16:32].reshape(4, 4)
    work.db2 = work.gradient[32:36]
    work.dW3 = work.gradient[36:52].reshape(4, 4)
    work.db3 = work.gradient[52:56]
    work.dW4 = work.gradient[56:72].reshape(4, 4)
    work.db4 = work.gradient[72:76]
    work.dW5 = work.gradient[76:92].reshape(4, 4)
    work.db5 = work.gradient[92:96]
    work.dW6 = work.gradient[96:104].reshape(2, 4)
    work.db6 = work.gradient[104:106]


def _keep(work):
    """Keep the workspace of a call for the next one of as many rows, but for a large one.

    New memory takes longer to get than a small step to compute.
    """
    KEPT.clear()
    if work.m * 38 <= MOST_KEPT:
        _renew(work)
        KEPT[work.m] = work


def loss_and_grads(params, x, y, work=None):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 3)
    y: (m, 2)
    work: from make_workspace(m), so that a step allocates nothing; the gradients are
        views into it, and the next step in it writes over them
    """
    params = _check_params(params)
    x = _check_x(x)
    own = _check_work(work, len(x))
    y = _check_y(y, len(x))
    found = _step(params, x, y, own)
    if work is None:
        _keep(own)
    return found


def make_step(params, batch):
    """Return a function `step(x, y)`: what `loss_and_grads` gives, in less time.

    What stays the same from step to step is checked here, once: `params`, and the
    number of rows. A step reads the arrays in `params` themselves, so change them in
    place; an array put in their place later is not seen. The gradients are views of
    `step.work`, a workspace that the next step writes over.

    A step still checks kind and shape of `x`, and all of `y`. It does not ask whether
    `x` is finite: a NaN in it goes on to the loss and the gradients, as arithmetic has
    it.
    """
    _check_params(params)
    _check_own("params", params, PARAMETERS)
    work = make_workspace(batch)
    m = work.m

    def step(x, y):
        """Return the mean loss over the batch, and its gradients."""
        if type(x) is not np.ndarray or x.dtype != DTYPE or x.shape != (m, 3):
            x = _check_x(x)  # what can be taken as such an array is
            _check_work(work, len(x))
        y = _check_y(y, m)
        return _step(params, x, y, work)

    step.work = work
    return step


def _step(params, x, y, work):
    """Return loss and gradients, each step of the way written into `work`."""
    m = work.m
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    W3, b3 = params["W3"], params["b3"]
    W4, b4 = params["W4"], params["b4"]
    W5, b5 = params["W5"], params["b5"]
    W6, b6 = params["W6"], params["b6"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    # written into the workspace: to allocate may cost more than to compute
    # the method dot, as these are small: its call costs least
    z1 = x.dot(W1.T, out=work.z1)
    z1 += b1
    # (2) a₁ = GELU(z₁)   (m, 4)
    erf1 = np.multiply(z1, 0.7071067811865476, out=work.erf1)
    erf(erf1, out=erf1, scratch=work.scratch_erf1)
    # over what is read here for the last time, which is still in the cache
    sum1 = np.add(erf1, 1, out=erf1)
    sum1 /= 2
    slope1 = np.square(z1, out=work.slope1)
    slope1 /= -2
    np.exp(slope1, out=slope1)
    slope1 *= z1
    slope1 *= 0.3989422804014327
    # the slope, while what it is made of is there: alone it is kept for the way back
    slope1 += sum1
    a1 = np.multiply(sum1, z1, out=sum1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 4)
    z2 = a1.dot(W2.T, out=work.z2)
    z2 += b2
    # (4) a₂ = GELUₜₐₙₕ(z₂)   (m, 4)
    near2 = np.maximum(z2, -8, out=work.near2)
    # beyond 8 the tanh is 1 or -1 in every digit, and powers could overflow
    np.minimum(near2, 8, out=near2)
    tanh2 = np.square(near2, out=work.tanh2)
    tanh2 *= near2
    tanh2 *= 0.044715
    tanh2 += near2
    tanh2 *= 0.7978845608028654
    np.tanh(tanh2, out=tanh2)
    sum2 = np.add(tanh2, 1, out=work.sum2)
    sum2 /= 2
    slope2 = np.square(tanh2, out=tanh2)
    np.subtract(1, slope2, out=slope2)
    sum2_2 = np.square(near2, out=near2)
    sum2_2 *= 0.134145
    sum2_2 += 1
    slope2 *= sum2_2
    slope2 *= z2
    slope2 *= 0.3989422804014327
    # the slope, while what it is made of is there: alone it is kept for the way back
    slope2 += sum2
    a2 = np.multiply(sum2, z2, out=sum2)
    # (5) z₃ = a₂ W₃ᵀ + b₃   (m, 4)
    z3 = a2.dot(W3.T, out=work.z3)
    z3 += b3
    # (6) a₃ = SiLU(z₃)   (m, 4)
    sigmoid3 = np.minimum(z3, 0, out=work.sigmoid3)
    np.exp(sigmoid3, out=sigmoid3)
    sum3 = np.abs(z3, out=work.sum3)
    np.negative(sum3, out=sum3)
    np.exp(sum3, out=sum3)
    sum3 += 1
    sigmoid3 /= sum3
    a3 = np.multiply(z3, sigmoid3, out=z3)
    # (7) z₄ = a₃ W₄ᵀ + b₄   (m, 4)
    z4 = a3.dot(W4.T, out=work.z4)
    z4 += b4
    # (8) a₄ = ELU(z₄)   (m, 4)
    mask4 = np.greater(z4, 0, out=work.mask4)
    a4 = np.minimum(z4, 0, out=work.a4)
    np.expm1(a4, out=a4)
    np.copyto(a4, z4, where=mask4)
    # (9) z₅ = a₄ W₅ᵀ + b₅   (m, 4)
    z5 = a4.dot(W5.T, out=work.z5)
    z5 += b5
    # (10) a₅ = LeakyReLU(z₅)   (m, 4)
    product5 = np.divide(z5, 100, out=work.product5)
    a5 = np.maximum(z5, product5, out=z5)
    # (11) z₆ = a₅ W₆ᵀ + b₆   (m, 2)
    z6 = a5.dot(W6.T, out=work.z6)
    z6 += b6
    # (12) a₆ = softplus(z₆)   (m, 2)
    a6 = np.abs(z6, out=work.a6)
    np.negative(a6, out=a6)
    np.exp(a6, out=a6)
    np.log1p(a6, out=a6)
    maximum6 = np.maximum(z6, 0, out=work.maximum6)
    a6 += maximum6
    # (13) L = (1 / (2 m)) ‖a₆ − y‖²   ()
    error6 = np.subtract(a6, y, out=a6)
    # an inner product: no array for the terms of the sum
    L = np.vdot(error6, error6) / (2 * m)

    # (14) δ₆ = (1/m) (a₆ − y) ⊙ σ(z₆)   (m, 2)
    slope6 = np.minimum(z6, 0, out=work.slope6)
    np.exp(slope6, out=slope6)
    sum6 = np.abs(z6, out=z6)
    np.negative(sum6, out=sum6)
    np.exp(sum6, out=sum6)
    sum6 += 1
    slope6 /= sum6
    delta6 = np.multiply(slope6, error6, out=slope6)
    delta6 /= m
    # (20) ∂L/∂W₆ = δ₆ᵀ a₅   (2, 4)
    dW6 = delta6.T.dot(a5, out=work.dW6)
    # (21) ∂L/∂b₆ = δ₆ᵀ 𝟏   (2,)
    # a sum, as a product with ones: BLAS takes half as long as a reduction
    ones = work.ones
    db6 = ones.dot(delta6, out=work.db6)
    # (15) δ₅ = (δ₆ W₆) ⊙ (1 if z₅ > 0, else 0.01)   (m, 4)
    delta5 = delta6.dot(W6, out=work.delta5)
    mask5 = np.greater(a5, 0, out=work.mask5)
    slope5 = work.slope5
    slope5[...] = mask5
    slope5 *= 0.99
    slope5 += 0.01
    delta5 *= slope5
    # (22) ∂L/∂W₅ = δ₅ᵀ a₄   (4, 4)
    dW5 = delta5.T.dot(a4, out=work.dW5)
    # (23) ∂L/∂b₅ = δ₅ᵀ 𝟏   (4,)
    db5 = ones.dot(delta5, out=work.db5)
    # (16) δ₄ = (δ₅ W₅) ⊙ (1 if z₄ > 0, else a₄ + 1)   (m, 4)
    delta4 = delta5.dot(W5, out=work.delta4)
    mask4_2 = np.greater(a4, 0, out=work.mask4_2)
    slope4 = np.add(a4, 1, out=a4)
    np.copyto(slope4, 1, where=mask4_2)
    delta4 *= slope4
    # (24) ∂L/∂W₄ = δ₄ᵀ a₃   (4, 4)
    dW4 = delta4.T.dot(a3, out=work.dW4)
    # (25) ∂L/∂b₄ = δ₄ᵀ 𝟏   (4,)
    db4 = ones.dot(delta4, out=work.db4)
    # (17) δ₃ = (δ₄ W₄) ⊙ (a₃ ⊙ (1 − σ(z₃)) + σ(z₃))   (m, 4)
    delta3 = delta4.dot(W4, out=work.delta3)
    slope3 = np.subtract(1, sigmoid3, out=work.slope3)
    slope3 *= a3
    slope3 += sigmoid3
    delta3 *= slope3
    # (26) ∂L/∂W₃ = δ₃ᵀ a₂   (4, 4)
    dW3 = delta3.T.dot(a2, out=work.dW3)
    # (27) ∂L/∂b₃ = δ₃ᵀ 𝟏   (4,)
    db3 = ones.dot(delta3, out=work.db3)
    # (18) δ₂ = (δ₃ W₃) ⊙ ((1 / √(2 π)) z₂ ⊙ (1 − tanh(√(2/π) (0.044715 z₂⊙³ + z₂))⊙²) ⊙
    #     (0.134145 z₂ ⊙ z₂ + 1) + ½ tanh(√(2/π) (0.044715 z₂⊙³ + z₂)) + ½)   (m, 4)
    delta2 = delta3.dot(W3, out=work.delta2)
    delta2 *= slope2
    # (28) ∂L/∂W₂ = δ₂ᵀ a₁   (4, 4)
    dW2 = delta2.T.dot(a1, out=work.dW2)
    # (29) ∂L/∂b₂ = δ₂ᵀ 𝟏   (4,)
    db2 = ones.dot(delta2, out=work.db2)
    # (19) δ₁ = (δ₂ W₂) ⊙ ((1 / √(2 π)) z₁ ⊙ exp(−½ z₁ ⊙ z₁) + ½ erf((1/√2) z₁) + ½)
    #     (m, 4)
    delta1 = delta2.dot(W2, out=work.delta1)
    delta1 *= slope1
    # (30) ∂L/∂W₁ = δ₁ᵀ x   (4, 3)
    dW1 = delta1.T.dot(x, out=work.dW1)
    # (31) ∂L/∂b₁ = δ₁ᵀ 𝟏   (4,)
    db1 = ones.dot(delta1, out=work.db1)

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
    _check_dict("grads", grads, more=True)
    shapes = {name: getattr(grad, "shape", ()) for name, grad in grads.items()}
    _check_own("grads", grads, shapes)
    _check_numbers(max_norm=max_norm)
    if max_norm == 0:
        raise ValueError("max_norm is 0; it must be above 0")
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


def erf(t, out=None, scratch=None):
    """Return the error function of each element, some elements at a time.

    By the rational approximations of W. J. Cody: Rational Chebyshev approximations for
    the error function, Mathematics of Computation 23 (1969), 631-637; relative error
    below 1e-15 in float64.

    Some elements at a time, so that what is between stays in the cache: in `scratch`,
    which is made where none is given.
    """
    out = np.empty(np.shape(t), DTYPE) if out is None else out
    flat, result = np.reshape(t, -1), out.reshape(-1)
    if scratch is None:
        scratch = np.empty(6 * min(flat.size, ERF_BLOCK), DTYPE)
    rows = scratch.reshape(6, -1)
    for start in range(0, flat.size, rows.shape[1]):
        part = slice(start, start + rows.shape[1])
        _erf(flat[part], result[part], rows[:, : len(flat[part])])
    return out[()]


def _erf(t, out, rows):
    """Write the error function of a part into `out`."""
    size, x, value, inverse, top, bottom = rows
    np.abs(t, out=size)
    # |t| <= 0.46875: t times a rational function of t squared
    np.minimum(size, 0.46875, out=value)
    np.square(value, out=x)
    value *= _ratio(x, ERF_NEAR, top, bottom)
    # up to 4: 1 minus the complement, exp(-t squared) times a rational function
    np.minimum(np.maximum(size, 0.46875, out=x), 4, out=x)
    _ratio(x, ERF_MIDDLE, top, bottom)
    np.exp(np.negative(np.square(x, out=bottom), out=bottom), out=bottom)
    top *= bottom
    _beyond(0.46875, size, value, np.subtract(1, top, out=top), bottom)
    # beyond, to the end at exp(-36) for |t| = 6: likewise in 1 / t squared
    np.minimum(np.maximum(size, 4, out=x), 6, out=x)
    np.reciprocal(np.square(x, out=inverse), out=inverse)
    _ratio(inverse, ERF_FAR, top, bottom)
    top *= inverse
    np.subtract(0.5641895835477563, top, out=top)
    top /= x
    np.exp(np.negative(np.square(x, out=bottom), out=bottom), out=bottom)
    top *= bottom
    _beyond(4, size, value, np.subtract(1, top, out=top), bottom)
    np.copysign(value, t, out=out)


def _beyond(limit, size, value, other, mask):
    """Put `other` into `value` where `size` is above a limit; both differ little there."""
    np.greater(size, limit, out=mask)
    other -= value
    other *= mask
    value += other


def _ratio(t, coefficients, top, bottom):
    """Return in `top` the ratio of two polynomials, by Horner's scheme."""
    above, below = coefficients
    top.fill(above[0])
    bottom.fill(below[0])
    for a, b in zip(above[1:], below[1:]):
        top *= t
        top += a
        bottom *= t
        bottom += b
    top /= bottom
    return top


ERF_BLOCK = 8192
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


def _check_params(params, what="params"):
    """Return the parameters, or what is like them, as arrays of DTYPE in their shapes."""
    if type(params) is not dict or params.keys() != PARAMETERS.keys():
        _check_dict(what, params, PARAMETERS)
    arrays = {}
    for name, shape in PARAMETERS.items():
        array = params[name]
        if type(array) is not np.ndarray or array.dtype != DTYPE:
            array = _real(name, array)
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}; it must be {shape}")
        arrays[name] = array
    return arrays


def _check_own(what, arrays, shapes):
    """Raise unless a dict has arrays of DTYPE in these shapes, to be used in place."""
    _check_dict(what, arrays, shapes, more=True)
    for name, shape in shapes.items():
        array = arrays[name]
        is_own = type(array) is np.ndarray and array.dtype == DTYPE
        if not is_own or array.shape != shape:
            needed = f"an array of {DTYPE.__name__} in shape {shape}"
            raise ValueError(f"{name!r:.30} in {what} must be {needed}")


def _check_work(work, m):
    """Return the workspace for `m` rows: where none is given, the one kept or a new one."""
    if work is None:
        return KEPT.pop(m, None) or make_workspace(m)
    if type(work) is not Workspace:
        raise ValueError(f"work is a {type(work).__name__}, not from make_workspace")
    if work.m != m:
        raise ValueError(f"work is for batches of {work.m} rows, but x has {m}")
    return work


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
    _finite("y", y)
    return y


def _check_dict(name, given, needed=(), more=False):
    """Raise unless a dict is given, of all that is needed; `more` may stand in it."""
    if not isinstance(given, dict):
        of = f" of {', '.join(needed):.300}" if needed else ""
        kind = f"a {type(given).__name__}; it must be a dict{of}"
        raise ValueError(f"{name} is {kind}")  # noqa: TRY004
    odd = {*needed} - {*given} if more else {*needed} ^ {*given}
    if odd:
        odd = [each for each in (*needed, *given) if each in odd]
        allowed = f"it must be a dict of {', '.join(needed):.300}"
        raise ValueError(f"{name} differs in {odd!s:.99}; {allowed}")


def _check_whole(name, value, least=0):
    """Raise unless a value is an integer of at least `least`."""
    if type(value) is bool or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} is {value!r:.30}; it must be an integer from {least}")


def _check_numbers(below=np.inf, **numbers):
    """Raise unless each is a number from 0 to under a limit."""
    for name, value in numbers.items():
        is_number = isinstance(value, (int, float, np.integer, np.floating))
        if not is_number or not 0 <= value < below:
            needed = f"a number from 0 to under {below}"
            raise ValueError(f"{name} is {value!r:.30}; it must be {needed}")


def _numbers(name, value, allowed="real numbers"):
    """Return `value` as an array of numbers; raise where it holds others."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} has rows of several lengths") from None
    if array.dtype.kind not in "biuf" or isinstance(value, np.ma.MaskedArray):
        kind = "masked" if isinstance(value, np.ma.MaskedArray) else array.dtype
        raise ValueError(f"{name} must hold {allowed}, not {kind} values")
    return array


def _real(name, value):
    """Return `value` as an array of DTYPE; any real numbers will do."""
    if type(value) is np.ndarray and value.dtype == DTYPE:
        return value
    array = _numbers(name, value)
    with np.errstate(over="ignore"):
        return array.astype(DTYPE)


def _check_rows(name, array, row):
    """Raise unless `array` holds at least one row of shape `row`."""
    if array.ndim != len(row) + 1 or array.shape[1:] != row or len(array) == 0:
        allowed = f"(m, {', '.join(map(str, row))}) with m at least 1"
        raise ValueError(f"{name} has shape {array.shape}; it must be {allowed}")


def _finite(name, array):
    """Return `array`; raise where it holds a NaN or an infinity."""
    flat = array.ravel(order="K")
    # a sum of squares is finite only where each of them is, and needs no array
    if not np.vdot(flat, flat) < np.inf and not np.isfinite(array).all():
        _refuse(name, array, ~np.isfinite(array), "a finite number")
    return array


def _refuse(name, array, wrong, allowed):
    """Raise for the first of the `wrong` values, with its index."""
    index = tuple(map(int, np.argwhere(wrong)[0]))
    place = ", ".join(map(str, index))
    raise ValueError(f"{name}[{place}] is {array[index]}; it must be {allowed}")
