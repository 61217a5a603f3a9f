# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(4) >> Dense(6) >> Tanh() >> Repeat(Residual(Dense(6) >> Tanh() >> Dense(6)),
    3) >> Dense(3) >> SoftmaxCrossEntropy()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64", fast=True)

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss with respect to W1, delta1 that with respect
to z1. Above each statement stands the equation that it computes, with its number in the
derivation.

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

ONE_HOT = np.eye(3, dtype=DTYPE)  # rows to take: faster than to clear and set them


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    _check_whole("seed", seed)
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
    memory = np.empty(52 * m, DTYPE)
    work.z1 = memory[6 * m : 12 * m].reshape(m, 6)
    work.z2 = memory[: 6 * m].reshape(m, 6)
    work.z3 = memory[12 * m : 18 * m].reshape(m, 6)
    work.z4 = memory[30 * m : 36 * m].reshape(m, 6)
    work.z5 = memory[18 * m : 24 * m].reshape(m, 6)
    work.z6 = memory[42 * m : 48 * m].reshape(m, 6)
    work.z7 = memory[24 * m : 30 * m].reshape(m, 6)
    work.z8 = memory[48 * m : 51 * m].reshape(m, 3)
    work.columns8 = memory[36 * m : 39 * m].reshape(3, m)
    work.largest8 = memory[51 * m : 52 * m]
    work.exps8 = memory[36 * m : 39 * m].reshape(m, 3)
    work.total8 = memory[51 * m : 52 * m].reshape(m, 1)
    work.da7 = memory[24 * m : 30 * m].reshape(m, 6)
    work.delta6 = memory[36 * m : 42 * m].reshape(m, 6)
    work.da5 = memory[18 * m : 24 * m].reshape(m, 6)
    work.delta4 = memory[24 * m : 30 * m].reshape(m, 6)
    work.da3 = memory[12 * m : 18 * m].reshape(m, 6)
    work.delta2 = memory[18 * m : 24 * m].reshape(m, 6)
    work.delta1 = memory[: 6 * m].reshape(m, 6)
    work.y = memory[39 * m : 42 * m].reshape(m, 3)
    work.ones = np.ones((3, 1), DTYPE)
    work.ones_2 = np.ones((m,), DTYPE)
    return work


def _renew(work):
    """Give a workspace new memory for what a step returns: what it returned before stays."""
    work.gradient = np.empty(303, DTYPE)
    work.dW1 = work.gradient[:24].reshape(6, 4)
    work.db1 = work.gradient[24:30]
    work.dW2 = work.gradient[30:66].reshape(6, 6)
    work.db2 = work.gradient[66:72]
    work.dW3 = work.gradient[72:108].reshape(6, 6)
    work.db3 = work.gradient[108:114]
    work.dW4 = work.gradient[114:150].reshape(6, 6)
    work.db4 = work.gradient[150:156]
    work.dW5 = work.gradient[156:192].reshape(6, 6)
    work.db5 = work.gradient[192:198]
    work.dW6 = work.gradient[198:234].reshape(6, 6)
    work.db6 = work.gradient[234:240]
    work.dW7 = work.gradient[240:276].reshape(6, 6)
    work.db7 = work.gradient[276:282]
    work.dW8 = work.gradient[282:300].reshape(3, 6)
    work.db8 = work.gradient[300:303]


def _keep(work):
    """Keep the workspace of a call for the next one of as many rows, but for a large one.

    New memory takes longer to get than a small step to compute.
    """
    KEPT.clear()
    if work.m * 52 <= MOST_KEPT:
        _renew(work)
        KEPT[work.m] = work


def loss_and_grads(params, x, y, work=None):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 4)
    y: (m,) class ids, or (m, 3) rows that sum to 1
    work: from make_workspace(m), so that a step allocates nothing; the gradients are
        views into it, and the next step in it writes over them
    """
    params = _check_params(params)
    x = _check_x(x)
    own = _check_work(work, len(x))
    y = _check_y(y, len(x), own.y)
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
        if type(x) is not np.ndarray or x.dtype != DTYPE or x.shape != (m, 4):
            x = _check_x(x)  # what can be taken as such an array is
            _check_work(work, len(x))
        y = _check_y(y, m, work.y)
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
    W7, b7 = params["W7"], params["b7"]
    W8, b8 = params["W8"], params["b8"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 6)
    # written into the workspace: to allocate may cost more than to compute
    # the method dot, as these are small: its call costs least
    z1 = x.dot(W1.T, out=work.z1)
    z1 += b1
    # (2) a₁ = tanh(z₁)   (m, 6)
    # over what is read here for the last time, which is still in the cache
    a1 = np.tanh(z1, out=z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 6)
    z2 = a1.dot(W2.T, out=work.z2)
    z2 += b2
    # (4) a₂ = tanh(z₂)   (m, 6)
    a2 = np.tanh(z2, out=z2)
    # (5) z₃ = a₂ W₃ᵀ + b₃   (m, 6)
    z3 = a2.dot(W3.T, out=work.z3)
    z3 += b3
    # (6) a₃ = z₃ + a₁   (m, 6)
    a3 = np.add(z3, a1, out=z3)
    # (7) z₄ = a₃ W₄ᵀ + b₄   (m, 6)
    z4 = a3.dot(W4.T, out=work.z4)
    z4 += b4
    # (8) a₄ = tanh(z₄)   (m, 6)
    a4 = np.tanh(z4, out=z4)
    # (9) z₅ = a₄ W₅ᵀ + b₅   (m, 6)
    z5 = a4.dot(W5.T, out=work.z5)
    z5 += b5
    # (10) a₅ = z₅ + a₃   (m, 6)
    a5 = np.add(z5, a3, out=z5)
    # (11) z₆ = a₅ W₆ᵀ + b₆   (m, 6)
    z6 = a5.dot(W6.T, out=work.z6)
    z6 += b6
    # (12) a₆ = tanh(z₆)   (m, 6)
    a6 = np.tanh(z6, out=z6)
    # (13) z₇ = a₆ W₇ᵀ + b₇   (m, 6)
    z7 = a6.dot(W7.T, out=work.z7)
    z7 += b7
    # (14) a₇ = z₇ + a₅   (m, 6)
    a7 = np.add(z7, a5, out=z7)
    # (15) z₈ = a₇ W₈ᵀ + b₈   (m, 3)
    z8 = a7.dot(W8.T, out=work.z8)
    z8 += b8
    # (16) p = softmax(z₈)   (m, 3)
    # rows are short: the largest of each, over the columns of a copy, is many at a time
    columns8 = work.columns8
    columns8[...] = z8.T
    largest8 = columns8.max(axis=0, out=work.largest8)
    top8 = largest8.reshape(m, 1)
    # shifted by the largest logit, so that exp cannot overflow
    shifted8 = np.subtract(z8, top8, out=z8)
    exps8 = np.exp(shifted8, out=work.exps8)
    # a sum, as a product with ones: BLAS takes half as long as a reduction
    ones = work.ones
    total8 = exps8.dot(ones, out=work.total8)
    p = np.divide(exps8, total8, out=exps8)
    # (17) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    log8 = np.log(total8, out=total8)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    difference8 = np.subtract(shifted8, log8, out=shifted8)
    # an inner product: no array for the terms of the sum
    L = -np.vdot(y, difference8) / m

    # (18) δ₈ = (1/m) (p − y)   (m, 3)
    delta8 = np.subtract(p, y, out=p)
    delta8 /= m
    # (29) ∂L/∂W₈ = δ₈ᵀ a₇   (3, 6)
    dW8 = delta8.T.dot(a7, out=work.dW8)
    # (30) ∂L/∂b₈ = δ₈ᵀ 𝟏   (3,)
    ones_2 = work.ones_2
    db8 = ones_2.dot(delta8, out=work.db8)
    # (19) ∂L/∂a₇ = δ₈ W₈   (m, 6)
    da7 = delta8.dot(W8, out=work.da7)
    # (20) δ₇ = ∂L/∂a₇   (m, 6)
    delta7 = da7
    # (31) ∂L/∂W₇ = δ₇ᵀ a₆   (6, 6)
    dW7 = delta7.T.dot(a6, out=work.dW7)
    # (32) ∂L/∂b₇ = δ₇ᵀ 𝟏   (6,)
    db7 = ones_2.dot(delta7, out=work.db7)
    # (21) δ₆ = (δ₇ W₇) ⊙ (1 − a₆ ⊙ a₆)   (m, 6)
    delta6 = delta7.dot(W7, out=work.delta6)
    slope6 = np.square(a6, out=a6)
    np.subtract(1, slope6, out=slope6)
    delta6 *= slope6
    # (33) ∂L/∂W₆ = δ₆ᵀ a₅   (6, 6)
    dW6 = delta6.T.dot(a5, out=work.dW6)
    # (34) ∂L/∂b₆ = δ₆ᵀ 𝟏   (6,)
    db6 = ones_2.dot(delta6, out=work.db6)
    # (22) ∂L/∂a₅ = δ₆ W₆ + ∂L/∂a₇   (m, 6)
    da5 = delta6.dot(W6, out=work.da5)
    da5 += delta7
    # (23) δ₅ = ∂L/∂a₅   (m, 6)
    delta5 = da5
    # (35) ∂L/∂W₅ = δ₅ᵀ a₄   (6, 6)
    dW5 = delta5.T.dot(a4, out=work.dW5)
    # (36) ∂L/∂b₅ = δ₅ᵀ 𝟏   (6,)
    db5 = ones_2.dot(delta5, out=work.db5)
    # (24) δ₄ = (δ₅ W₅) ⊙ (1 − a₄ ⊙ a₄)   (m, 6)
    delta4 = delta5.dot(W5, out=work.delta4)
    slope4 = np.square(a4, out=a4)
    np.subtract(1, slope4, out=slope4)
    delta4 *= slope4
    # (37) ∂L/∂W₄ = δ₄ᵀ a₃   (6, 6)
    dW4 = delta4.T.dot(a3, out=work.dW4)
    # (38) ∂L/∂b₄ = δ₄ᵀ 𝟏   (6,)
    db4 = ones_2.dot(delta4, out=work.db4)
    # (25) ∂L/∂a₃ = δ₄ W₄ + ∂L/∂a₅   (m, 6)
    da3 = delta4.dot(W4, out=work.da3)
    da3 += delta5
    # (26) δ₃ = ∂L/∂a₃   (m, 6)
    delta3 = da3
    # (39) ∂L/∂W₃ = δ₃ᵀ a₂   (6, 6)
    dW3 = delta3.T.dot(a2, out=work.dW3)
    # (40) ∂L/∂b₃ = δ₃ᵀ 𝟏   (6,)
    db3 = ones_2.dot(delta3, out=work.db3)
    # (27) δ₂ = (δ₃ W₃) ⊙ (1 − a₂ ⊙ a₂)   (m, 6)
    delta2 = delta3.dot(W3, out=work.delta2)
    slope2 = np.square(a2, out=a2)
    np.subtract(1, slope2, out=slope2)
    delta2 *= slope2
    # (41) ∂L/∂W₂ = δ₂ᵀ a₁   (6, 6)
    dW2 = delta2.T.dot(a1, out=work.dW2)
    # (42) ∂L/∂b₂ = δ₂ᵀ 𝟏   (6,)
    db2 = ones_2.dot(delta2, out=work.db2)
    # (28) δ₁ = (δ₂ W₂ + ∂L/∂a₃) ⊙ (1 − a₁ ⊙ a₁)   (m, 6)
    delta1 = delta2.dot(W2, out=work.delta1)
    delta1 += delta3
    slope1 = np.square(a1, out=a1)
    np.subtract(1, slope1, out=slope1)
    delta1 *= slope1
    # (43) ∂L/∂W₁ = δ₁ᵀ x   (6, 4)
    dW1 = delta1.T.dot(x, out=work.dW1)
    # (44) ∂L/∂b₁ = δ₁ᵀ 𝟏   (6,)
    db1 = ones_2.dot(delta1, out=work.db1)

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
    _check_rows("x", x, (4,))
    return _finite("x", x)


def _check_y(y, m, rows=None):
    """Return the targets as rows that sum to 1: as given, or made from class ids in `rows`."""
    if type(y) is not np.ndarray:
        y = _numbers("y", y)
    shape = y.shape
    if shape not in ((m,), (m, 3)):
        allowed = f"({m},) class ids, or ({m}, 3) rows that sum to 1"
        raise ValueError(f"y has shape {shape}; it must be {allowed}")
    if len(shape) == 1:
        ids = _integers("y", y, 3)
        rows = np.empty((m, 3), DTYPE) if rows is None else rows
        # "clip" only keeps NumPy from a copy: the ids have been checked
        return ONE_HOT.take(ids, axis=0, out=rows, mode="clip")
    eps = _eps(y)
    y = _finite("y", _real("y", y))
    _nonnegative("y", y)
    _rows_sum_to_1("y", y, eps, rows)
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


def _eps(value):
    """Return the rounding unit of the numbers given: that of DTYPE, or float32's."""
    dtype = np.asarray(value).dtype
    single = dtype.kind == "f" and dtype.itemsize <= 4
    return float(np.finfo(np.float32 if single else DTYPE).eps)


def _rounding(count, eps):
    """Return how far rounding takes a sum of `count` terms, relative to their size.

    Each term and each addition is off by eps / 2, when the numbers were made and here
    again; 100 eps are for what they went through before, such as an exponential.
    """
    return (count + 100) * eps


def _nonnegative(name, array, eps=None, room=None):
    """Raise unless no value is below 0."""
    # min() takes twice as long as argmin(), which finds a NaN too
    if not array.item(array.argmin()) >= 0:
        _refuse(name, array, ~(array >= 0), "nonnegative")


def _rows_sum_to_1(name, array, eps, room=None):
    """Raise unless all sums along the last axis are 1, within rounding."""
    bound = _rounding(array.shape[-1], eps)
    with np.errstate(over="ignore", invalid="ignore"):
        out = None if room is None else room[..., :1]
        off = np.sum(array, axis=-1, keepdims=True, out=out)
        np.abs(np.subtract(off, 1, out=off), out=off)
        if off.max() <= bound:
            return
        # terms above 1 that cancel out have the rounding of their size, up to a limit
        terms = np.abs(array).sum(axis=-1, keepdims=True)
        wrong = ~(off <= np.minimum(bound * np.maximum(terms, 1), 0.001))[..., 0]
        if wrong.any():
            index = tuple(map(int, np.argwhere(wrong)[0]))
            total = array[index].sum()
            place = ", ".join(map(str, index))
            where = f"{name}[{place}]" if place else name
            raise ValueError(f"{where} sums to {total}; it must sum to 1")


def _integers(name, value, count):
    """Return `value` as integers from 0 to `count` - 1; raise where it holds others."""
    ids, allowed = value, f"an integer from 0 to {count - 1}"
    if type(value) is not np.ndarray or value.dtype != np.intp:
        array = _numbers(name, value, f"integers from 0 to {count - 1}")
        if array.dtype.kind == "f" and array.size:
            wrong = ~np.isfinite(array) | (array != np.floor(array))
            wrong = wrong if wrong.any() else ~wrong
            _refuse(name, array, wrong, f"{allowed}, not a float")
        ids = array.astype(np.intp)
    # as an unsigned number, -1 is the largest of all; max() takes twice as long as argmax()
    unsigned = ids.view(np.uintp)
    if ids.size and not unsigned.item(unsigned.argmax()) < count:
        _refuse(name, np.asarray(value), (ids < 0) | (ids >= count), allowed)
    return ids


def _refuse(name, array, wrong, allowed):
    """Raise for the first of the `wrong` values, with its index."""
    index = tuple(map(int, np.argwhere(wrong)[0]))
    place = ", ".join(map(str, index))
    raise ValueError(f"{name}[{place}] is {array[index]}; it must be {allowed}")
