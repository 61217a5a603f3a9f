# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(64) >> Dense(32) >> Tanh() >> Residual(Dense(32) >> ReLU()) >> Dense(10) >>
    SoftmaxCrossEntropy()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64", optimizer="adam", fast=True)

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss with respect to W1, delta1 that with respect
to z1. Above each statement stands the equation that it computes, with its number in the
derivation.

Parameters:

    W1  (32, 64)  weight
    b1  (32,)     bias
    W2  (32, 32)  weight
    b2  (32,)     bias
    W3  (10, 32)  weight
    b3  (10,)     bias
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

BLOCK = 16384  # elements that an optimiser changes at a time, so that they stay cached

ONE_HOT = np.eye(10, dtype=DTYPE)  # rows to take: faster than to clear and set them


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {}
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 64, fan_out = 32
    params["W1"] = rng.uniform(-0.25, 0.25, (32, 64))
    params["b1"] = np.zeros(32)
    # he_normal: standard deviation sqrt(2)/sqrt(fan_in), fan_in = 32, fan_out = 32
    params["W2"] = rng.normal(0.0, 0.25, (32, 32))
    params["b2"] = np.zeros(32)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 32, fan_out = 10
    params["W3"] = rng.uniform(-0.37796447300922725, 0.37796447300922725, (10, 32))
    params["b3"] = np.zeros(10)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, z3: (m, 10).

    x: (m, 64)
    """
    params = _check_params(params)
    x = _check_x(x)
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

    return z3


def predict(params, x):
    """Return the probabilities, p: (m, 10)."""
    z3 = forward(params, x)
    # (7) p = softmax(z₃)   (m, 10)
    top3 = z3.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted3 = z3 - top3
    exps3 = np.exp(shifted3)
    total3 = exps3.sum(axis=1, keepdims=True)
    p = exps3 / total3

    return p


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    z3 = forward(params, x)
    y = _check_y(y, len(z3))
    m = len(z3)
    # (8) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    top3 = z3.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted3 = z3 - top3
    exps3 = np.exp(shifted3)
    total3 = exps3.sum(axis=1, keepdims=True)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    L = -np.sum(y * (shifted3 - np.log(total3))) / m

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
    memory = np.empty(128 * m, DTYPE)
    work.z1 = memory[32 * m : 64 * m].reshape(m, 32)
    work.z2 = memory[: 32 * m].reshape(m, 32)
    work.a2 = memory[64 * m : 96 * m].reshape(m, 32)
    work.z3 = memory[116 * m : 126 * m].reshape(m, 10)
    work.columns3 = memory[96 * m : 106 * m].reshape(10, m)
    work.largest3 = memory[126 * m : 127 * m]
    work.exps3 = memory[96 * m : 106 * m].reshape(m, 10)
    work.total3 = memory[126 * m : 127 * m].reshape(m, 1)
    work.da2 = memory[64 * m : 96 * m].reshape(m, 32)
    work.delta2 = memory[96 * m : 128 * m].reshape(m, 32)
    work.delta1 = memory[: 32 * m].reshape(m, 32)
    work.y = memory[106 * m : 116 * m].reshape(m, 10)
    flags = np.empty(32 * m, bool)
    work.slope2 = flags[: 32 * m].reshape(m, 32)
    work.ones = np.ones((10, 1), DTYPE)
    work.ones_2 = np.ones((m,), DTYPE)
    return work


def _renew(work):
    """Give a workspace new memory for what a step returns: what it returned before stays."""
    work.gradient = np.empty(3466, DTYPE)
    work.dW1 = work.gradient[:2048].reshape(32, 64)
    work.db1 = work.gradient[2048:2080]
    work.dW2 = work.gradient[2080:3104].reshape(32, 32)
    work.db2 = work.gradient[3104:3136]
    work.dW3 = work.gradient[3136:3456].reshape(10, 32)
    work.db3 = work.gradient[3456:3466]


def _keep(work):
    """Keep the workspace of a call for the next one of as many rows, but for a large one.

    New memory takes longer to get than a small step to compute.
    """
    KEPT.clear()
    if work.m * 128 <= MOST_KEPT:
        _renew(work)
        KEPT[work.m] = work


def loss_and_grads(params, x, y, work=None):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 64)
    y: (m,) class ids, or (m, 10) rows that sum to 1
    work: from make_workspace(m), so that a step allocates nothing; the gradients are
        views into it, and the next step in it writes over them
    """
    params = _check_params(params)
    x = _check_x(x)
    own = _check_work(work, len(x))
    y = _check_y(y, len(x), own.y)
    found = _run(params, x, y, own)
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
        if type(x) is not np.ndarray or x.dtype != DTYPE or x.shape != (m, 64):
            x = _check_x(x)  # what can be taken as such an array is
            _check_work(work, len(x))
        y = _check_y(y, m, work.y)
        return _run(params, x, y, work)

    step.work = work
    return step


def _run(params, x, y, work):
    """Return what `_step` returns, with small buffers where a batch is large."""
    if work.m <= 32:  # where setting the buffers costs more than it saves
        return _step(params, x, y, work)
    # a ufunc sends what it converts or repeats, as a bias for each row, through a buffer:
    # one of 512 elements stays in the cache, NumPy's own of 8192 does not
    buffers = np.setbufsize(512)
    try:
        return _step(params, x, y, work)
    finally:
        np.setbufsize(buffers)


def _step(params, x, y, work):
    """Return loss and gradients, each step of the way written into `work`."""
    m = work.m
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    W3, b3 = params["W3"], params["b3"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 32)
    # written into the workspace: to allocate may cost more than to compute
    # np.matmul, as these are large: np.dot would first clear its result
    z1 = np.matmul(x, W1.T, out=work.z1)
    z1 += b1
    # (2) a₁ = tanh(z₁)   (m, 32)
    # over what is read here for the last time, which is still in the cache
    a1 = np.tanh(z1, out=z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 32)
    z2 = np.matmul(a1, W2.T, out=work.z2)
    z2 += b2
    # (4) f₂ = ReLU(z₂)   (m, 32)
    f2 = np.maximum(z2, 0, out=z2)
    # (5) a₂ = f₂ + a₁   (m, 32)
    a2 = np.add(f2, a1, out=work.a2)
    # (6) z₃ = a₂ W₃ᵀ + b₃   (m, 10)
    z3 = np.matmul(a2, W3.T, out=work.z3)
    z3 += b3
    # (7) p = softmax(z₃)   (m, 10)
    # rows are short: the largest of each, over the columns of a copy, is many at a time
    columns3 = work.columns3
    columns3[...] = z3.T
    largest3 = columns3.max(axis=0, out=work.largest3)
    top3 = largest3.reshape(m, 1)
    # shifted by the largest logit, so that exp cannot overflow
    shifted3 = np.subtract(z3, top3, out=z3)
    exps3 = np.exp(shifted3, out=work.exps3)
    # a sum, as a product with ones: BLAS takes half as long as a reduction
    ones = work.ones
    total3 = exps3.dot(ones, out=work.total3)
    p = np.divide(exps3, total3, out=exps3)
    # (8) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    log3 = np.log(total3, out=total3)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    difference3 = np.subtract(shifted3, log3, out=shifted3)
    # an inner product: no array for the terms of the sum
    L = -np.vdot(y, difference3) / m

    # (9) δ₃ = (1/m) (p − y)   (m, 10)
    delta3 = np.subtract(p, y, out=p)
    delta3 /= m
    # (13) ∂L/∂W₃ = δ₃ᵀ a₂   (10, 32)
    dW3 = np.matmul(delta3.T, a2, out=work.dW3)
    # (14) ∂L/∂b₃ = δ₃ᵀ 𝟏   (10,)
    ones_2 = work.ones_2
    db3 = ones_2.dot(delta3, out=work.db3)
    # (10) ∂L/∂a₂ = δ₃ W₃   (m, 32)
    da2 = np.matmul(delta3, W3, out=work.da2)
    # (11) δ₂ = ∂L/∂a₂ ⊙ 1[z₂ > 0]   (m, 32)
    # the sign of an output is that of its input, whose memory it took
    slope2 = np.greater(f2, 0, out=work.slope2)
    delta2 = np.multiply(da2, slope2, out=work.delta2)
    # (15) ∂L/∂W₂ = δ₂ᵀ a₁   (32, 32)
    dW2 = np.matmul(delta2.T, a1, out=work.dW2)
    # (16) ∂L/∂b₂ = δ₂ᵀ 𝟏   (32,)
    db2 = ones_2.dot(delta2, out=work.db2)
    # (12) δ₁ = (δ₂ W₂ + ∂L/∂a₂) ⊙ (1 − a₁ ⊙ a₁)   (m, 32)
    delta1 = np.matmul(delta2, W2, out=work.delta1)
    delta1 += da2
    slope1 = np.square(a1, out=a1)
    np.subtract(1, slope1, out=slope1)
    delta1 *= slope1
    # (17) ∂L/∂W₁ = δ₁ᵀ x   (32, 64)
    dW1 = np.matmul(delta1.T, x, out=work.dW1)
    # (18) ∂L/∂b₁ = δ₁ᵀ 𝟏   (32,)
    db1 = ones_2.dot(delta1, out=work.db1)

    grads = {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
        "W3": dW3,
        "b3": db3,
    }
    return float(L), grads


def init_state(params):
    """Return the state of training with Adam, which starts from a copy of `params`.

    state["params"] are the parameters that `train_step` changes: views of one vector,
    as are the gradients, so that a step of Adam is one pass over memory.
    """
    params = _check_params(params)
    w = np.concatenate([np.ravel(value) for value in params.values()])
    return {
        "w": w,
        "params": _views(w),
        "work": None,
        "step": 0,
        "v": np.zeros_like(w),
        "s": np.zeros_like(w),
        "spare": np.empty((2, min(w.size, BLOCK)), DTYPE),
    }


def train_step(
    state,
    x,
    y,
    lr=0.001,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-08,
    max_norm=None,
):
    """Change `state` by one step of Adam on a batch; return the loss before the step.

    lr: learning rate
    beta1: decay of the mean of gradients
    beta2: decay of the mean of squared gradients
    epsilon: added to the root, so that it is never 0
    max_norm: the largest norm of all gradients together, above which they are scaled
    """
    _check_numbers(1, beta1=beta1, beta2=beta2)
    _check_numbers(lr=lr, epsilon=epsilon)
    x = _check_x(x)
    work = _work_of(state, len(x))
    y = _check_y(y, work.m, work.y)
    # the parameters need no check: they are views of a vector that was checked
    value, _ = _run(state["params"], x, y, work)
    gradient = work.gradient
    if max_norm is not None:
        clip_gradients({"all": gradient}, max_norm)
    _descend(state["w"], gradient, state, lr, beta1, beta2, epsilon)
    return value


def update(params, grads, state, lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08):
    """Change `params` and `state` in place by one step of Adam, for any gradients.

    lr: learning rate
    beta1: decay of the mean of gradients
    beta2: decay of the mean of squared gradients
    epsilon: added to the root, so that it is never 0
    """
    _check_numbers(1, beta1=beta1, beta2=beta2)
    _check_numbers(lr=lr, epsilon=epsilon)
    _check_params(params)
    _check_own("params", params, PARAMETERS)
    grads = _check_params(grads, "grads")
    _check_training(state)
    w = np.concatenate([np.ravel(params[name]) for name in PARAMETERS])
    g = np.concatenate([np.ravel(grads[name]) for name in PARAMETERS])
    _descend(w, g, state, lr, beta1, beta2, epsilon)
    for name, value in _views(w).items():
        params[name][...] = value


def _descend(w, g, state, lr, beta1, beta2, epsilon):
    """Change the vector `w` of all parameters and `state` by one step of Adam."""
    state["step"] += 1
    step = state["step"]
    given = (w, g, state, step, lr, beta1, beta2, epsilon)
    _update_blocks(0, w.size, state["spare"], *given)


def _update_blocks(
    first,
    last,
    room,
    parameters,
    gradients,
    state,
    step,
    lr,
    beta1,
    beta2,
    epsilon,
):
    """Change the elements from `first` to before `last`, by blocks that stay in the cache."""
    for start in range(first, last, BLOCK):
        block = slice(start, min(start + BLOCK, last))
        w, g = parameters[block], gradients[block]
        v = state["v"][block]
        s = state["s"][block]
        spare = room[:, : w.size]
        # mean of gradients: v = β₁ v + (1 − β₁) g
        v *= beta1
        product = np.multiply(g, 1 - beta1, out=spare[0])
        v += product
        # mean of squared gradients: s = β₂ s + (1 − β₂) g ⊙ g
        s *= beta2
        product_2 = np.square(g, out=spare[0])
        product_2 *= 1 - beta2
        s += product_2
        # corrected for the start at 0: v̂ = (1 / (1 − β₁ˢᵗᵉᵖ)) v
        v_hat = np.divide(v, 1 - beta1**step, out=spare[0])
        # corrected for the start at 0: ŝ = (1 / (1 − β₂ˢᵗᵉᵖ)) s
        s_hat = np.divide(s, 1 - beta2**step, out=spare[1])
        # update: w = w − lr (v̂ ⊘ (√(ŝ) + ε))
        sums = np.sqrt(s_hat, out=s_hat)
        sums += epsilon
        product_3 = np.divide(v_hat, sums, out=v_hat)
        product_3 *= lr
        w -= product_3


def _work_of(state, m):
    """Return the workspace of `state` for `m` rows; a state that has none is checked."""
    work = state.get("work") if isinstance(state, dict) else None
    known = type(work) is Workspace and work.m == m
    # a deep copy of a state has parameters of its own, which steps would not change
    views = state["params"].values() if known else ()
    if not known or any(getattr(v, "base", None) is not state["w"] for v in views):
        _check_training(state)
        state["work"] = work = make_workspace(m)
    return work


def _check_training(state):
    """Raise unless `state` is one of training, as `init_state` makes it."""
    others = ("params", "work", "spare", "step")
    _check_dict("state", state, others, more=True)
    views = _check_params(state["params"], "params in state")
    size = sum(view.size for view in views.values())
    vectors = ("w", "v", "s")
    _check_own("state", state, dict.fromkeys(vectors, (size,)))
    if not all(np.may_share_memory(view, state["w"]) for view in views.values()):
        raise ValueError('params in state must be views of its vector "w"')


def _views(vector):
    """Return the part of a vector that belongs to each parameter, in its shape."""
    views, start = {}, 0
    for name, shape in PARAMETERS.items():
        stop = start + int(np.prod(shape))
        views[name] = vector[start:stop].reshape(shape)
        start = stop
    return views


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
    _check_rows("x", x, (64,))
    return _finite("x", x)


def _check_y(y, m, rows=None):
    """Return the targets as rows that sum to 1: as given, or made from class ids in `rows`."""
    if type(y) is not np.ndarray:
        y = _numbers("y", y)
    shape = y.shape
    if shape not in ((m,), (m, 10)):
        allowed = f"({m},) class ids, or ({m}, 10) rows that sum to 1"
        raise ValueError(f"y has shape {shape}; it must be {allowed}")
    if len(shape) == 1:
        ids = _integers("y", y, 10)
        rows = np.empty((m, 10), DTYPE) if rows is None else rows
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
