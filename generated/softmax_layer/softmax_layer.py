# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(3) >> Dense(4) >> Softmax() >> MeanSquaredError()

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
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (4, 3),
    "b1": (4,),
}


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    rng = np.random.default_rng(seed)
    params = {}
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 3, fan_out = 4
    params["W1"] = rng.uniform(-0.9258200997725514, 0.9258200997725514, (4, 3))
    params["b1"] = np.zeros(4)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, a1: (m, 4).

    x: (m, 3)
    """
    params = _check_params(params)
    x = _check_x(x)
    W1, b1 = params["W1"], params["b1"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    z1 = x @ W1.T + b1
    # (2) a₁ = softmax(z₁)   (m, 4)
    top1 = z1.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted1 = z1 - top1
    exps1 = np.exp(shifted1)
    total1 = exps1.sum(axis=1, keepdims=True)
    a1 = exps1 / total1

    return a1


def predict(params, x):
    """Return the output of the last layer, a1: (m, 4)."""
    return forward(params, x)


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    a1 = forward(params, x)
    y = _check_y(y, len(a1))
    m = len(a1)
    # (3) L = (1 / (2 m)) ‖a₁ − y‖²   ()
    L = np.sum((a1 - y) ** 2) / (2 * m)

    return float(L)


class Workspace:
    """The memory in which a step works, made by `make_workspace`; for one step at a time."""


def make_workspace(batch):
    """Return the memory in which `loss_and_grads` works on batches of `batch` rows.

    An array has the name of the first value that it holds; when that is no longer read,
    others take its place.
    """
    m = _check_batch(batch)
    work = Workspace()
    work.m = m
    work.gradient = np.empty(16, DTYPE)
    work.dW1 = work.gradient[:12].reshape(4, 3)
    work.db1 = work.gradient[12:16]
    memory = np.empty(16 * m, DTYPE)
    work.z1 = memory[: 4 * m].reshape(m, 4)
    work.columns1 = memory[4 * m : 8 * m].reshape(4, m)
    work.largest1 = memory[8 * m : 9 * m]
    work.total1 = memory[4 * m : 5 * m].reshape(m, 1)
    work.error1 = memory[4 * m : 8 * m].reshape(m, 4)
    work.delta1 = memory[8 * m : 12 * m].reshape(m, 4)
    work.product1_2 = memory[12 * m : 13 * m].reshape(m, 1)
    work.y = memory[12 * m : 16 * m].reshape(m, 4)
    work.ones = np.ones((4, 1), DTYPE)
    work.ones_2 = np.ones((m,), DTYPE)
    return work


def loss_and_grads(params, x, y, work=None):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 3)
    y: (m, 4)
    work: from make_workspace(m), so that a step allocates nothing; the gradients are
        views into it, and the next step in it writes over them
    """
    params = _check_params(params)
    x = _check_x(x)
    work = _check_work(work, len(x))
    y = _check_y(y, len(x))
    return _step(params, x, y, work)


def _step(params, x, y, work):
    """Return loss and gradients, each step of the way written into `work`."""
    m = work.m
    W1, b1 = params["W1"], params["b1"]

    # (1) z₁ = x W₁ᵀ + b₁   (m, 4)
    z1 = np.dot(x, W1.T, out=work.z1)
    z1 += b1
    # (2) a₁ = softmax(z₁)   (m, 4)
    columns1 = work.columns1
    columns1[...] = z1.T
    largest1 = columns1.max(axis=0, out=work.largest1)
    top1 = largest1.reshape(m, 1)
    # shifted by the largest logit, so that exp cannot overflow
    shifted1 = np.subtract(z1, top1, out=z1)
    exps1 = np.exp(shifted1, out=shifted1)
    ones = work.ones
    total1 = np.dot(exps1, ones, out=work.total1)
    a1 = np.divide(exps1, total1, out=exps1)
    # (3) L = (1 / (2 m)) ‖a₁ − y‖²   ()
    error1 = np.subtract(a1, y, out=work.error1)
    L = np.vdot(error1, error1) / (2 * m)

    # (4) δ₁ = (1/m) a₁ ⊙ (a₁ − y − (a₁ ⊙ (a₁ − y)) 𝟏 𝟏ᵀ)   (m, 4)
    delta1 = np.subtract(a1, y, out=work.delta1)
    product1 = np.multiply(a1, error1, out=error1)
    product1_2 = np.dot(product1, ones, out=work.product1_2)
    delta1 -= product1_2
    delta1 *= a1
    delta1 /= m
    # (5) ∂L/∂W₁ = δ₁ᵀ x   (4, 3)
    dW1 = np.dot(delta1.T, x, out=work.dW1)
    # (6) ∂L/∂b₁ = δ₁ᵀ 𝟏   (4,)
    ones_2 = work.ones_2
    db1 = np.dot(ones_2, delta1, out=work.db1)

    grads = {
        "W1": dW1,
        "b1": db1,
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


def _check_params(params):
    """Return the parameters as arrays of DTYPE in the shapes of PARAMETERS."""
    arrays = {}
    for name, shape in PARAMETERS.items():
        array = params.get(name)
        if type(array) is not np.ndarray or array.dtype != DTYPE:
            if name not in params:
                missing = f"the parameter {name} is missing; it has shape {shape}"
                raise ValueError(missing)
            array = _real(name, array)
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}; it must be {shape}")
        arrays[name] = array
    if len(params) > len(arrays):
        name = next(name for name in params if name not in PARAMETERS)
        raise ValueError(f"{name!r} is no parameter of this network")
    return arrays


def _check_batch(batch):
    """Return the number of rows of a batch, an integer of at least 1."""
    if not isinstance(batch, (int, np.integer)) or isinstance(batch, bool) or batch < 1:
        raise ValueError(f"batch is {batch!r}; it must be an integer of at least 1")
    return int(batch)


def _check_work(work, m):
    """Return the workspace for `m` rows: a new one where none is given."""
    if work is None:
        return make_workspace(m)
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
    _check_rows("y", y, (4,))
    if len(y) != m:
        raise ValueError(f"y has {len(y)} rows, but x has {m}")
    _finite("y", y)
    return y


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
    flat = array.ravel(order="K")
    if not np.vdot(flat, flat) < np.inf and not np.isfinite(array).all():
        _refuse(name, array, ~np.isfinite(array), "a finite number")
    return array


def _refuse(name, array, wrong, allowed):
    """Raise for the first of the `wrong` values, with its index."""
    index = tuple(map(int, np.argwhere(wrong)[0]))
    place = ", ".join(map(str, index))
    raise ValueError(f"{name}[{place}] is {array[index]}; it must be {allowed}")
