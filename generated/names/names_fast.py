# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(3) >> Embedding(27, 10) >> Dense(200) >> Tanh() >> Dense(27) >>
    SoftmaxCrossEntropy()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64", fast=True)

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss with respect to W1, delta1 that with respect
to z1. Above each statement stands the equation that it computes, with its number in the
derivation.

Parameters:

    E1  (27, 10)   table
    W1  (200, 30)  weight
    b1  (200,)     bias
    W2  (27, 200)  weight
    b2  (27,)      bias
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "E1": (27, 10),
    "W1": (200, 30),
    "b1": (200,),
    "W2": (27, 200),
    "b2": (27,),
}

ONE_HOT = np.eye(27, dtype=DTYPE)  # rows to take: faster than to clear and set them


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {}
    # normal: standard deviation 1
    params["E1"] = rng.normal(0.0, 1.0, (27, 10))
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 30, fan_out = 200
    params["W1"] = rng.uniform(-0.16151457061744964, 0.16151457061744964, (200, 30))
    params["b1"] = np.zeros(200)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 200, fan_out = 27
    params["W2"] = rng.uniform(-0.16257834438102145, 0.16257834438102145, (27, 200))
    params["b2"] = np.zeros(27)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def forward(params, x):
    """Return the output of the last layer, z2: (m, 27).

    x: (m, 3), ids from 0 to 26
    """
    params = _check_params(params)
    x = _check_x(x)
    m = len(x)
    E1, W1, b1 = params["E1"], params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) e₁[:, (i)] = E₁[x[:, i]]   (m, 30)
    e1 = E1[x].reshape(m, 30)
    # (2) z₁ = e₁ W₁ᵀ + b₁   (m, 200)
    z1 = e1 @ W1.T + b1
    # (3) a₁ = tanh(z₁)   (m, 200)
    a1 = np.tanh(z1)
    # (4) z₂ = a₁ W₂ᵀ + b₂   (m, 27)
    z2 = a1 @ W2.T + b2

    return z2


def predict(params, x):
    """Return the probabilities, p: (m, 27)."""
    z2 = forward(params, x)
    # (5) p = softmax(z₂)   (m, 27)
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
    # (6) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    top2 = z2.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = z2 - top2
    exps2 = np.exp(shifted2)
    total2 = exps2.sum(axis=1, keepdims=True)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    L = -np.sum(y * (shifted2 - np.log(total2))) / m

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
    memory = np.empty(457 * m, DTYPE)
    work.rows1 = memory[400 * m : 430 * m].reshape(m, 3, 10)
    work.z1 = memory[200 * m : 400 * m].reshape(m, 200)
    work.z2 = memory[27 * m : 54 * m].reshape(m, 27)
    work.columns2 = memory[54 * m : 81 * m].reshape(27, m)
    work.largest2 = memory[81 * m : 82 * m]
    work.exps2 = memory[430 * m : 457 * m].reshape(m, 27)
    work.total2 = memory[54 * m : 55 * m].reshape(m, 1)
    work.delta1 = memory[: 200 * m].reshape(m, 200)
    work.rows1_2 = memory[200 * m : 281 * m].reshape(3 * m, 27)
    work.product1 = memory[281 * m : 311 * m].reshape(m, 30)
    work.y = memory[: 27 * m].reshape(m, 27)
    work.ones = np.ones((27, 1), DTYPE)
    work.ones_2 = np.ones((m,), DTYPE)
    work.identity = np.eye(27, dtype=DTYPE)
    return work


def _renew(work):
    """Give a workspace new memory for what a step returns: what it returned before stays."""
    work.gradient = np.empty(11897, DTYPE)
    work.dE1 = work.gradient[:270].reshape(27, 10)
    work.dW1 = work.gradient[270:6270].reshape(200, 30)
    work.db1 = work.gradient[6270:6470]
    work.dW2 = work.gradient[6470:11870].reshape(27, 200)
    work.db2 = work.gradient[11870:11897]


def _keep(work):
    """Keep the workspace of a call for the next one of as many rows, but for a large one.

    New memory takes longer to get than a small step to compute.
    """
    KEPT.clear()
    if work.m * 457 <= MOST_KEPT:
        _renew(work)
        KEPT[work.m] = work


def loss_and_grads(params, x, y, work=None):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 3), ids from 0 to 26
    y: (m,) class ids, or (m, 27) rows that sum to 1
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

    A step still checks all of `x` and `y`: a wrong one would make wrong numbers silently.
    """
    _check_params(params)
    _check_own("params", params, PARAMETERS)
    work = make_workspace(batch)
    m = work.m

    def step(x, y):
        """Return the mean loss over the batch, and its gradients."""
        x = _check_x(x)
        _check_work(work, len(x))
        y = _check_y(y, m, work.y)
        return _run(params, x, y, work)

    step.work = work
    return step


def _run(params, x, y, work):
    """Return what `_step` returns, with small buffers where a batch is large."""
    if work.m <= 5:  # where setting the buffers costs more than it saves
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
    E1, W1, b1 = params["E1"], params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # (1) e₁[:, (i)] = E₁[x[:, i]]   (m, 30)
    # ids were checked before; to check them again, NumPy would copy the result
    rows1 = E1.take(x, axis=0, mode="clip", out=work.rows1)
    e1 = rows1.reshape(m, 30)
    # (2) z₁ = e₁ W₁ᵀ + b₁   (m, 200)
    # written into the workspace: to allocate may cost more than to compute
    # np.matmul, as these are large: np.dot would first clear its result
    z1 = np.matmul(e1, W1.T, out=work.z1)
    z1 += b1
    # (3) a₁ = tanh(z₁)   (m, 200)
    # over what is read here for the last time, which is still in the cache
    a1 = np.tanh(z1, out=z1)
    # (4) z₂ = a₁ W₂ᵀ + b₂   (m, 27)
    z2 = np.matmul(a1, W2.T, out=work.z2)
    z2 += b2
    # (5) p = softmax(z₂)   (m, 27)
    # rows are short: the largest of each, over the columns of a copy, is many at a time
    columns2 = work.columns2
    columns2[...] = z2.T
    largest2 = columns2.max(axis=0, out=work.largest2)
    top2 = largest2.reshape(m, 1)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = np.subtract(z2, top2, out=z2)
    exps2 = np.exp(shifted2, out=work.exps2)
    # a sum, as a product with ones: BLAS takes half as long as a reduction
    ones = work.ones
    total2 = exps2.dot(ones, out=work.total2)
    p = np.divide(exps2, total2, out=exps2)
    # (6) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    log2 = np.log(total2, out=total2)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    difference2 = np.subtract(shifted2, log2, out=shifted2)
    # an inner product: no array for the terms of the sum
    L = -np.vdot(y, difference2) / m

    # (7) δ₂ = (1/m) (p − y)   (m, 27)
    delta2 = np.subtract(p, y, out=p)
    delta2 /= m
    # (9) ∂L/∂W₂ = δ₂ᵀ a₁   (27, 200)
    dW2 = np.matmul(delta2.T, a1, out=work.dW2)
    # (10) ∂L/∂b₂ = δ₂ᵀ 𝟏   (27,)
    ones_2 = work.ones_2
    db2 = ones_2.dot(delta2, out=work.db2)
    # (8) δ₁ = (δ₂ W₂) ⊙ (1 − a₁ ⊙ a₁)   (m, 200)
    delta1 = np.matmul(delta2, W2, out=work.delta1)
    slope1 = np.square(a1, out=a1)
    np.subtract(1, slope1, out=slope1)
    delta1 *= slope1
    # (11) ∂L/∂W₁ = δ₁ᵀ e₁   (200, 30)
    dW1 = np.matmul(delta1.T, e1, out=work.dW1)
    # (12) ∂L/∂b₁ = δ₁ᵀ 𝟏   (200,)
    db1 = ones_2.dot(delta1, out=work.db1)
    # (13) ∂L/∂E₁ = Σᵢ onehot(xᵢ)ᵀ mat[3 × 10](W₁ᵀ δ₁,ᵢ)   (27, 10)
    identity = work.identity
    rows1_2 = identity.take(x.reshape(3 * m), axis=0, mode="clip", out=work.rows1_2)
    product1 = np.matmul(delta1, W1, out=work.product1)
    dE1 = np.matmul(rows1_2.T, product1.reshape(3 * m, 10), out=work.dE1)

    grads = {
        "E1": dE1,
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
    """Return the input as an array of ids."""
    ids = _integers("x", x, 27)
    _check_rows("x", ids, (3,))
    return ids


def _check_y(y, m, rows=None):
    """Return the targets as rows that sum to 1: as given, or made from class ids in `rows`."""
    if type(y) is not np.ndarray:
        y = _numbers("y", y)
    shape = y.shape
    if shape not in ((m,), (m, 27)):
        allowed = f"({m},) class ids, or ({m}, 27) rows that sum to 1"
        raise ValueError(f"y has shape {shape}; it must be {allowed}")
    if len(shape) == 1:
        ids = _integers("y", y, 27)
        rows = np.empty((m, 27), DTYPE) if rows is None else rows
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
