# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(4) >> Dense(5, bias=False) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy() +
    L2(0.001)

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64", optimizer="sgd")

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss by W1, delta1 that by z1. Above each
statement stands the equation that it computes, with its number in the derivation.

Parameters:

    W1  (5, 4)  weight
    W2  (3, 5)  weight
    b2  (3,)    bias
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (5, 4),
    "W2": (3, 5),
    "b2": (3,),
}

BLOCK = 16384

ONE_HOT = np.eye(3, dtype=DTYPE)


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    rng = np.random.default_rng(seed)
    params = {}
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 4, fan_out = 5
    params["W1"] = rng.uniform(-0.816496580927726, 0.816496580927726, (5, 4))
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 5, fan_out = 3
    params["W2"] = rng.uniform(-0.8660254037844386, 0.8660254037844386, (3, 5))
    params["b2"] = np.zeros(3)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, z2: (m, 3).

    x: (m, 4)
    """
    params = _check_params(params)
    x = _check_x(x)
    W1 = params["W1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) z₁ = x W₁ᵀ   (m, 5)
    z1 = x @ W1.T
    # (2) a₁ = tanh(z₁)   (m, 5)
    a1 = np.tanh(z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 3)
    z2 = a1 @ W2.T + b2

    return z2


def predict(params, x):
    """Return the probabilities, p: (m, 3)."""
    z2 = forward(params, x)
    # (4) p = softmax(z₂)   (m, 3)
    top2 = z2.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = z2 - top2
    exps2 = np.exp(shifted2)
    total2 = exps2.sum(axis=1, keepdims=True)
    p = exps2 / total2

    return p


def loss(params, x, y):
    """Return the mean loss over the batch, a float."""
    z2 = forward(params, x)
    y = _check_y(y, len(z2))
    m = len(z2)
    params = _check_params(params)
    W1 = params["W1"]
    W2 = params["W2"]
    # (5) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ) + 0.0005 (‖W₁‖² + ‖W₂‖²)   ()
    top2 = z2.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = z2 - top2
    exps2 = np.exp(shifted2)
    total2 = exps2.sum(axis=1, keepdims=True)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    data_loss = -np.sum(y * (shifted2 - np.log(total2))) / m
    L = 0.0005 * (np.sum(W1**2) + np.sum(W2**2)) + data_loss

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
    work.gradient = np.empty(38, DTYPE)
    work.dW1 = work.gradient[:20].reshape(5, 4)
    work.dW2 = work.gradient[20:35].reshape(3, 5)
    work.db2 = work.gradient[35:38]
    memory = np.empty(16 * m + 20, DTYPE)
    work.z1 = memory[20 : 5 * m + 20].reshape(m, 5)
    work.z2 = memory[5 * m + 20 : 8 * m + 20].reshape(m, 3)
    work.columns2 = memory[8 * m + 20 : 11 * m + 20].reshape(3, m)
    work.largest2 = memory[11 * m + 20 : 12 * m + 20]
    work.exps2 = memory[10 * m + 20 : 13 * m + 20].reshape(m, 3)
    work.total2 = memory[8 * m + 20 : 9 * m + 20].reshape(m, 1)
    work.product2 = memory[:15].reshape(3, 5)
    work.delta1 = memory[5 * m + 20 : 10 * m + 20].reshape(m, 5)
    work.product1 = memory[:20].reshape(5, 4)
    work.y = memory[13 * m + 20 : 16 * m + 20].reshape(m, 3)
    work.ones = np.ones((3, 1), DTYPE)
    work.ones_2 = np.ones((m,), DTYPE)
    return work


def loss_and_grads(params, x, y, work=None):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 4)
    y: (m,) class ids, or (m, 3) rows that sum to 1
    work: from make_workspace(m), so that a step allocates nothing; the gradients are
        views into it, and the next step in it writes over them
    """
    params = _check_params(params)
    x = _check_x(x)
    work = _check_work(work, len(x))
    y = _check_y(y, len(x), work.y)
    return _step(params, x, y, work)


def _step(params, x, y, work):
    """Return loss and gradients, each step of the way written into `work`."""
    m = work.m
    W1 = params["W1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) z₁ = x W₁ᵀ   (m, 5)
    z1 = np.dot(x, W1.T, out=work.z1)
    # (2) a₁ = tanh(z₁)   (m, 5)
    a1 = np.tanh(z1, out=z1)
    # (3) z₂ = a₁ W₂ᵀ + b₂   (m, 3)
    z2 = np.dot(a1, W2.T, out=work.z2)
    z2 += b2
    # (4) p = softmax(z₂)   (m, 3)
    columns2 = work.columns2
    columns2[...] = z2.T
    largest2 = columns2.max(axis=0, out=work.largest2)
    top2 = largest2.reshape(m, 1)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = np.subtract(z2, top2, out=z2)
    exps2 = np.exp(shifted2, out=work.exps2)
    ones = work.ones
    total2 = np.dot(exps2, ones, out=work.total2)
    p = np.divide(exps2, total2, out=exps2)
    # (5) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ) + 0.0005 (‖W₁‖² + ‖W₂‖²)   ()
    penalty = 0.0005 * (np.vdot(W1, W1) + np.vdot(W2, W2))
    log2 = np.log(total2, out=total2)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    difference2 = np.subtract(shifted2, log2, out=shifted2)
    L = penalty - np.vdot(y, difference2) / m

    # (6) δ₂ = (1/m) (p − y)   (m, 3)
    delta2 = np.subtract(p, y, out=p)
    delta2 /= m
    # (8) ∂L/∂W₂ = δ₂ᵀ a₁ + 0.001 W₂   (3, 5)
    dW2 = np.dot(delta2.T, a1, out=work.dW2)
    product2 = np.divide(W2, 1000, out=work.product2)
    dW2 += product2
    # (9) ∂L/∂b₂ = δ₂ᵀ 𝟏   (3,)
    ones_2 = work.ones_2
    db2 = np.dot(ones_2, delta2, out=work.db2)
    # (7) δ₁ = (δ₂ W₂) ⊙ (1 − a₁ ⊙ a₁)   (m, 5)
    delta1 = np.dot(delta2, W2, out=work.delta1)
    slope1 = np.square(a1, out=a1)
    np.subtract(1, slope1, out=slope1)
    delta1 *= slope1
    # (10) ∂L/∂W₁ = δ₁ᵀ x + 0.001 W₁   (5, 4)
    dW1 = np.dot(delta1.T, x, out=work.dW1)
    product1 = np.divide(W1, 1000, out=work.product1)
    dW1 += product1

    grads = {
        "W1": dW1,
        "W2": dW2,
        "b2": db2,
    }
    return float(L), grads


def init_state(params):
    """Return the state of training with SGD, which starts from a copy of `params`.

    state["params"] are the parameters that `train_step` changes: views of one vector,
    as are the gradients, so that a step of SGD is one pass over memory.
    """
    params = _check_params(params)
    w = np.concatenate([np.ravel(value) for value in params.values()])
    return {
        "w": w,
        "params": _views(w),
        "work": None,
        "spare": np.empty((1, min(w.size, BLOCK)), DTYPE),
    }


def train_step(state, x, y, lr=0.01, max_norm=None):
    """Change `state` by one step of SGD on a batch; return the loss before the step.

    lr: learning rate
    max_norm: the largest norm of all gradients together, above which they are scaled
    """
    m = len(x) if np.ndim(x) else 0
    if m and (state["work"] is None or state["work"].m != m):
        state["work"] = make_workspace(m)
    value, _ = loss_and_grads(state["params"], x, y, state["work"])
    gradient = state["work"].gradient
    if max_norm is not None:
        clip_gradients({"all": gradient}, max_norm)
    _descend(state["w"], gradient, state, lr)
    return value


def update(params, grads, state, lr=0.01):
    """Change `params` and `state` in place by one step of SGD, for any gradients.

    lr: learning rate
    """
    w = np.concatenate([np.ravel(params[name]) for name in PARAMETERS])
    g = np.concatenate([np.ravel(grads[name]) for name in PARAMETERS])
    _descend(w, g, state, lr)
    for name, value in _views(w).items():
        params[name][...] = value


def _descend(w, g, state, lr):
    """Change the vector `w` of all parameters and `state` by one step of SGD."""
    given = (w, g, state, lr)
    _update_blocks(0, w.size, state["spare"], *given)


def _update_blocks(first, last, room, parameters, gradients, state, lr):
    """Change the elements from `first` to before `last`, by blocks that stay in the cache."""
    for start in range(first, last, BLOCK):
        block = slice(start, min(start + BLOCK, last))
        w, g = parameters[block], gradients[block]
        spare = room[:, : w.size]
        # update: w = w − lr g
        product = np.multiply(g, lr, out=spare[0])
        w -= product


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
    _check_rows("x", x, (4,))
    return _finite("x", x)


def _check_y(y, m, rows=None):
    """Return the targets as rows that sum to 1: as given, or made from class ids in `rows`."""
    shape = y.shape if type(y) is np.ndarray else np.shape(y)
    if shape not in ((m,), (m, 3)):
        allowed = f"({m},) class ids, or ({m}, 3) rows that sum to 1"
        raise ValueError(f"y has shape {shape}; it must be {allowed}")
    if len(shape) == 1:
        ids = _integers("y", y, 3)
        rows = np.empty((m, 3), DTYPE) if rows is None else rows
        return ONE_HOT.take(ids, axis=0, out=rows, mode="clip")
    eps = _eps(y)
    y = _finite("y", _real("y", y))
    _nonnegative("y", y)
    _rows_sum_to_1("y", y, eps, rows)
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
    if not array.min() >= 0:
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
        array = np.asarray(value)
        if isinstance(value, np.ma.MaskedArray) or array.dtype.kind not in "biuf":
            kind = "masked" if isinstance(value, np.ma.MaskedArray) else array.dtype
            raise ValueError(f"{name} holds {kind} values; each must be {allowed}")
        if array.dtype.kind == "f":
            wrong = ~np.isfinite(array) | (array != np.floor(array))
            wrong = wrong if wrong.any() else ~wrong
            _refuse(name, array, wrong, f"{allowed}, not a float")
        ids = array.astype(np.intp)
    # as an unsigned number, -1 is the largest of all
    if ids.size and not ids.view(np.uintp).max() < count:
        _refuse(name, np.asarray(value), (ids < 0) | (ids >= count), allowed)
    return ids


def _refuse(name, array, wrong, allowed):
    """Raise for the first of the `wrong` values, with its index."""
    index = tuple(map(int, np.argwhere(wrong)[0]))
    place = ", ".join(map(str, index))
    raise ValueError(f"{name}[{place}] is {array[index]}; it must be {allowed}")
