# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(2) >> Dense(2) >> Sigmoid() >> Dense(1) >> Sigmoid() >> MeanSquaredError()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64", fast=True)

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss with respect to W1, delta1 that with respect
to z1. Above each statement stands the equation that it computes, with its number in the
derivation.

Parameters:

    W1  (2, 2)  weight
    b1  (2,)    bias
    W2  (1, 2)  weight
    b2  (1,)    bias
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (2, 2),
    "b1": (2,),
    "W2": (1, 2),
    "b2": (1,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {}
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 2, fan_out = 2
    params["W1"] = rng.uniform(-1.224744871391589, 1.224744871391589, (2, 2))
    params["b1"] = np.zeros(2)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 2, fan_out = 1
    params["W2"] = rng.uniform(-1.4142135623730951, 1.4142135623730951, (1, 2))
    params["b2"] = np.zeros(1)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, a2: (m, 1).

    x: (m, 2)
    """
    params = _check_params(params)
    x = _check_x(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 2)
    z1 = x @ W1.T + b1
    # (2) a₁ = σ(z₁)   (m, 2)
    a1 = sigmoid(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 1)
    z2 = a1 @ W2.T + b2
    # (4) a₂ = σ(z₂)   (m, 1)
    a2 = sigmoid(z2)

    return a2


def predict(params, x):
    """Return the output of the last layer, a2: (m, 1)."""
    return forward(params, x)


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    a2 = forward(params, x)
    y = _check_y(y, len(a2))
    m = len(a2)
    # (5) L = (1 / (2 m)) ‖a₂ − y‖²   ()
    L = np.sum((a2 - y) ** 2) / (2 * m)

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
    memory = np.empty(6 * m, DTYPE)
    work.z1 = memory[: 2 * m].reshape(m, 2)
    work.a1 = memory[2 * m : 4 * m].reshape(m, 2)
    work.z2 = memory[m : 2 * m].reshape(m, 1)
    work.a2 = memory[:m].reshape(m, 1)
    work.error2 = memory[m : 2 * m].reshape(m, 1)
    work.slope2 = memory[4 * m : 5 * m].reshape(m, 1)
    work.delta1 = memory[: 2 * m].reshape(m, 2)
    work.slope1 = memory[4 * m : 6 * m].reshape(m, 2)
    work.ones = np.ones((m,), DTYPE)
    return work


def _renew(work):
    """Give a workspace new memory for what a step returns: what it returned before stays."""
    work.gradient = np.empty(9, DTYPE)
    work.dW1 = work.gradient[:4].reshape(2, 2)
    work.db1 = work.gradient[4:6]
    work.dW2 = work.gradient[6:8].reshape(1, 2)
    work.db2 = work.gradient[8:9]


def _keep(work):
    """Keep the workspace of a call for the next one of as many rows, but for a large one.

    New memory takes longer to get than a small step to compute.
    """
    KEPT.clear()
    if work.m * 6 <= MOST_KEPT:
        _renew(work)
        KEPT[work.m] = work


def loss_and_grads(params, x, y, work=None):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 2)
    y: (m, 1) or (m,)
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
        if type(x) is not np.ndarray or x.dtype != DTYPE or x.shape != (m, 2):
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

    # (1) z₁ = x W₁ᵀ + b₁   (m, 2)
    # written into the workspace: to allocate may cost more than to compute
    # the method dot, as these are small: its call costs least
    z1 = x.dot(W1.T, out=work.z1)
    z1 += b1
    # (2) a₁ = σ(z₁)   (m, 2)
    a1 = np.minimum(z1, 0, out=work.a1)
    np.exp(a1, out=a1)
    # over what is read here for the last time, which is still in the cache
    sum1 = np.abs(z1, out=z1)
    np.negative(sum1, out=sum1)
    np.exp(sum1, out=sum1)
    sum1 += 1
    a1 /= sum1
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 1)
    z2 = a1.dot(W2.T, out=work.z2)
    z2 += b2
    # (4) a₂ = σ(z₂)   (m, 1)
    a2 = np.minimum(z2, 0, out=work.a2)
    np.exp(a2, out=a2)
    sum2 = np.abs(z2, out=z2)
    np.negative(sum2, out=sum2)
    np.exp(sum2, out=sum2)
    sum2 += 1
    a2 /= sum2
    # (5) L = (1 / (2 m)) ‖a₂ − y‖²   ()
    error2 = np.subtract(a2, y, out=work.error2)
    # an inner product: no array for the terms of the sum
    L = np.vdot(error2, error2) / (2 * m)

    # (6) δ₂ = (1/m) (a₂ − y) ⊙ a₂ ⊙ (1 − a₂)   (m, 1)
    slope2 = np.subtract(1, a2, out=work.slope2)
    delta2 = np.multiply(slope2, error2, out=slope2)
    delta2 *= a2
    delta2 /= m
    # (8) ∂L/∂W₂ = δ₂ᵀ a₁   (1, 2)
    dW2 = delta2.T.dot(a1, out=work.dW2)
    # (9) ∂L/∂b₂ = δ₂ᵀ 𝟏   (1,)
    # a sum, as a product with ones: BLAS takes half as long as a reduction
    ones = work.ones
    db2 = ones.dot(delta2, out=work.db2)
    # (7) δ₁ = (δ₂ W₂) ⊙ a₁ ⊙ (1 − a₁)   (m, 2)
    delta1 = delta2.dot(W2, out=work.delta1)
    slope1 = np.subtract(1, a1, out=work.slope1)
    delta1 *= slope1
    delta1 *= a1
    # (10) ∂L/∂W₁ = δ₁ᵀ x   (2, 2)
    dW1 = delta1.T.dot(x, out=work.dW1)
    # (11) ∂L/∂b₁ = δ₁ᵀ 𝟏   (2,)
    db1 = ones.dot(delta1, out=work.db1)

    grads = {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
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
    _check_rows("x", x, (2,))
    return _finite("x", x)


def _check_y(y, m):
    """Return the targets as an array of DTYPE."""
    y = _real("y", y)
    if y.shape == (m,):
        y = y[..., None]
    _check_rows("y", y, (1,))
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
