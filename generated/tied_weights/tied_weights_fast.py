# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(6) >> Dense(4) >> Tanh() >> Repeat(Dense(4) >> Tanh(), 2, tied=True) >>
    Dense(6, tied="W1.T") >> MeanSquaredError() + L2(0.001)

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64", optimizer="adam", fast=True)

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss with respect to W1, delta1 that with respect
to z1. Above each statement stands the equation that it computes, with its number in the
derivation.

Parameters:

    W1  (4, 6)  weight
    b1  (4,)    bias
    W2  (4, 4)  weight
    b2  (4,)    bias
    b4  (6,)    bias
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

BLOCK = 16384  # elements that an optimiser changes at a time, so that they stay cached


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {}
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 4
    params["W1"] = rng.uniform(-0.7745966692414834, 0.7745966692414834, (4, 6))
    params["b1"] = np.zeros(4)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 4, fan_out = 4
    params["W2"] = rng.uniform(-0.8660254037844386, 0.8660254037844386, (4, 4))
    params["b2"] = np.zeros(4)
    params["b4"] = np.zeros(6)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, z4: (m, 6).

    x: (m, 6)
    """
    params = _check_params(params)
    x = _check_x(x)
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

    return z4


def predict(params, x):
    """Return the output of the last layer, z4: (m, 6)."""
    return forward(params, x)


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    z4 = forward(params, x)
    y = _check_y(y, len(z4))
    m = len(z4)
    params = _check_params(params)
    W1 = params["W1"]
    W2 = params["W2"]
    # (8) L = (1 / (2 m)) ‖z₄ − y‖² + 0.0005 (‖W₁‖² + ‖W₂‖²)   ()
    L = np.sum((z4 - y) ** 2) / (2 * m) + 0.0005 * (np.sum(W1**2) + np.sum(W2**2))

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
    memory = np.empty(30 * m + 24, DTYPE)
    work.z1 = memory[14 * m + 24 : 18 * m + 24].reshape(m, 4)
    work.z2 = memory[22 * m + 24 : 26 * m + 24].reshape(m, 4)
    work.z3 = memory[10 * m + 24 : 14 * m + 24].reshape(m, 4)
    work.z4 = memory[24 : 6 * m + 24].reshape(m, 6)
    work.delta3 = memory[6 * m + 24 : 10 * m + 24].reshape(m, 4)
    work.slope3 = memory[18 * m + 24 : 22 * m + 24].reshape(m, 4)
    work.delta2 = memory[18 * m + 24 : 22 * m + 24].reshape(m, 4)
    work.slope2 = memory[26 * m + 24 : 30 * m + 24].reshape(m, 4)
    work.product2 = memory[:16].reshape(4, 4)
    work.product2_2 = memory[:16].reshape(4, 4)
    work.product2_3 = memory[:4]
    work.delta1 = memory[6 * m + 24 : 10 * m + 24].reshape(m, 4)
    work.product1 = memory[:24].reshape(4, 6)
    work.product1_2 = memory[:24].reshape(4, 6)
    work.ones = np.ones((m,), DTYPE)
    return work


def _renew(work):
    """Give a workspace new memory for what a step returns: what it returned before stays."""
    work.gradient = np.empty(54, DTYPE)
    work.dW1 = work.gradient[:24].reshape(4, 6)
    work.db1 = work.gradient[24:28]
    work.dW2 = work.gradient[28:44].reshape(4, 4)
    work.db2 = work.gradient[44:48]
    work.db4 = work.gradient[48:54]


def _keep(work):
    """Keep the workspace of a call for the next one of as many rows, but for a large one.

    New memory takes longer to get than a small step to compute.
    """
    KEPT.clear()
    if work.m * 30 <= MOST_KEPT:
        _renew(work)
        KEPT[work.m] = work


def loss_and_grads(params, x, y, work=None):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 6)
    y: (m, 6)
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
        if type(x) is not np.ndarray or x.dtype != DTYPE or x.shape != (m, 6):
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
    b4 = params["b4"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    # written into the workspace: to allocate may cost more than to compute
    # the method dot, as these are small: its call costs least
    z1 = x.dot(W1.T, out=work.z1)
    z1 += b1
    # (2) a₁ = tanh(z₁)   (m, 4)
    # over what is read here for the last time, which is still in the cache
    a1 = np.tanh(z1, out=z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 4)
    z2 = a1.dot(W2.T, out=work.z2)
    z2 += b2
    # (4) a₂ = tanh(z₂)   (m, 4)
    a2 = np.tanh(z2, out=z2)
    # (5) z₃ = a₂ W₂ᵀ + b₂   (m, 4)
    z3 = a2.dot(W2.T, out=work.z3)
    z3 += b2
    # (6) a₃ = tanh(z₃)   (m, 4)
    a3 = np.tanh(z3, out=z3)
    # (7) z₄ = a₃ W₁ + b₄   (m, 6)
    z4 = a3.dot(W1, out=work.z4)
    z4 += b4
    # (8) L = (1 / (2 m)) ‖z₄ − y‖² + 0.0005 (‖W₁‖² + ‖W₂‖²)   ()
    error4 = np.subtract(z4, y, out=z4)
    # an inner product: no array for the terms of the sum
    L = np.vdot(error4, error4) / (2 * m) + 0.0005 * (np.vdot(W1, W1) + np.vdot(W2, W2))

    # (9) δ₄ = (1/m) (z₄ − y)   (m, 6)
    delta4 = np.divide(error4, m, out=error4)
    # (13) ∂L/∂b₄ = δ₄ᵀ 𝟏   (6,)
    # a sum, as a product with ones: BLAS takes half as long as a reduction
    ones = work.ones
    db4 = ones.dot(delta4, out=work.db4)
    # (10) δ₃ = (δ₄ W₁ᵀ) ⊙ (1 − a₃ ⊙ a₃)   (m, 4)
    delta3 = delta4.dot(W1.T, out=work.delta3)
    slope3 = np.square(a3, out=work.slope3)
    np.subtract(1, slope3, out=slope3)
    delta3 *= slope3
    # (11) δ₂ = (δ₃ W₂) ⊙ (1 − a₂ ⊙ a₂)   (m, 4)
    delta2 = delta3.dot(W2, out=work.delta2)
    slope2 = np.square(a2, out=work.slope2)
    np.subtract(1, slope2, out=slope2)
    delta2 *= slope2
    # (14) ∂L/∂W₂ = δ₂ᵀ a₁ + δ₃ᵀ a₂ + 0.001 W₂   (4, 4)
    dW2 = delta2.T.dot(a1, out=work.dW2)
    product2 = delta3.T.dot(a2, out=work.product2)
    dW2 += product2
    product2_2 = np.divide(W2, 1000, out=work.product2_2)
    dW2 += product2_2
    # (15) ∂L/∂b₂ = δ₂ᵀ 𝟏 + δ₃ᵀ 𝟏   (4,)
    db2 = ones.dot(delta2, out=work.db2)
    product2_3 = ones.dot(delta3, out=work.product2_3)
    db2 += product2_3
    # (12) δ₁ = (δ₂ W₂) ⊙ (1 − a₁ ⊙ a₁)   (m, 4)
    delta1 = delta2.dot(W2, out=work.delta1)
    slope1 = np.square(a1, out=a1)
    np.subtract(1, slope1, out=slope1)
    delta1 *= slope1
    # (16) ∂L/∂W₁ = δ₁ᵀ x + a₃ᵀ δ₄ + 0.001 W₁   (4, 6)
    dW1 = delta1.T.dot(x, out=work.dW1)
    product1 = a3.T.dot(delta4, out=work.product1)
    dW1 += product1
    product1_2 = np.divide(W1, 1000, out=work.product1_2)
    dW1 += product1_2
    # (17) ∂L/∂b₁ = δ₁ᵀ 𝟏   (4,)
    db1 = ones.dot(delta1, out=work.db1)

    grads = {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
        "b4": db4,
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
    y = _check_y(y, work.m)
    # the parameters need no check: they are views of a vector that was checked
    value, _ = _step(state["params"], x, y, work)
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
    _check_rows("x", x, (6,))
    return _finite("x", x)


def _check_y(y, m):
    """Return the targets as an array of DTYPE."""
    y = _real("y", y)
    _check_rows("y", y, (6,))
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
