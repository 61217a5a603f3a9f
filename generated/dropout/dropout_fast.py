# -*- coding: utf-8 -*-  # noqa: UP009
"""Forward and backward pass of a neural network, derived and written by symprop.

    Input(4) >> Dropout(0.2) >> Dense(6) >> Tanh() >> Dropout(0.5) >> Dense(3) >>
    SoftmaxCrossEntropy()

To write this file again, with the text above as `network`:

    import symprop
    symprop.generate(network, dtype="float64", optimizer="sgd", fast=True)

Conventions: a batch holds one example in each row; m is the number of rows. The loss
is the mean over the batch. A gradient has the shape of its parameter, and is named
after it: dW1 is the derivative of the loss with respect to W1, delta1 that with respect
to z1. Above each statement stands the equation that it computes, with its number in the
derivation.

Parameters:

    W1  (6, 4)  weight
    b1  (6,)    bias
    W2  (3, 6)  weight
    b2  (3,)    bias
"""

import numpy as np

DTYPE = np.float64

PARAMETERS = {
    "W1": (6, 4),
    "b1": (6,),
    "W2": (3, 6),
    "b2": (3,),
}

MASKS = {  # of dropout: the shape for one example, and the probability of 0
    "m1": ((4,), 0.2),
    "m2": ((6,), 0.5),
}

BLOCK = 16384  # elements that an optimiser changes at a time, so that they stay cached

ONE_HOT = np.eye(3, dtype=DTYPE)  # rows to take: faster than to clear and set them


def init_params(seed=0):
    """Return random parameters, the same for the same seed."""
    _check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    params = {}
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 4, fan_out = 6
    params["W1"] = rng.uniform(-0.7745966692414834, 0.7745966692414834, (6, 4))
    params["b1"] = np.zeros(6)
    # xavier_uniform: bound sqrt(6)/sqrt(fan_in + fan_out), fan_in = 6, fan_out = 3
    params["W2"] = rng.uniform(-0.816496580927726, 0.816496580927726, (3, 6))
    params["b2"] = np.zeros(3)
    return {name: value.astype(DTYPE) for name, value in params.items()}


def draw_masks(m, seed=0, out=None):
    """Return masks of dropout for `m` rows, of zeros and ones, the same for the same seed.

    out: a dict of arrays that they are drawn into, such as `work.masks`
    """
    _check_whole("m", m, 1)
    _check_whole("seed", seed)
    shapes = {name: (m, *shape) for name, (shape, _) in MASKS.items()}
    if out is not None:
        _check_own("out", out, shapes)
    rng = np.random.default_rng(seed)
    masks = {}
    for name, (_, p) in MASKS.items():
        mask = np.empty(shapes[name], DTYPE) if out is None else out[name]
        rng.random(dtype=DTYPE, out=mask)
        masks[name] = np.greater_equal(mask, p, out=mask)
    return masks


def forward(params, x, training=True, seed=0, masks=None):
    """Return the output of the last layer, z2: (m, 3).

    x: (m, 4)
    training: with dropout; else without
    seed: of the masks of dropout; the same seed is the same step, each step needs another
    masks: a dict of arrays by the names of MASKS, in place of those that a seed draws
    """
    if training is not True and training is not False:
        raise ValueError(f"training is {training!r:.30}; it must be True or False")
    if not training:
        return _evaluated(params, x)
    params = _check_params(params)
    x = _check_x(x)
    masks = _masks(masks, seed, len(x))
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    m1 = masks["m1"]
    m2 = masks["m2"]

    # (1) a₀ = (5/4) x ⊙ m₁   (m, 4)
    a0 = 1.25 * x * m1
    # (2) z₁ = a₀ W₁ᵀ + b₁   (m, 6)
    z1 = a0 @ W1.T + b1
    # (3) a₁ = tanh(z₁)   (m, 6)
    a1 = np.tanh(z1)
    # (4) a₁′ = 2 a₁ ⊙ m₂   (m, 6)
    a1_2 = 2 * a1 * m2
    # (5) z₂ = a₁′ W₂ᵀ + b₂   (m, 3)
    z2 = a1_2 @ W2.T + b2

    return z2


def _evaluated(params, x):
    """Return z2 without dropout."""
    params = _check_params(params)
    x = _check_x(x)
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]

    # a₀ = x   (m, 4)
    a0 = x
    # (2) z₁ = a₀ W₁ᵀ + b₁   (m, 6)
    z1 = a0 @ W1.T + b1
    # (3) a₁ = tanh(z₁)   (m, 6)
    a1 = np.tanh(z1)
    # a₁′ = a₁   (m, 6)
    a1_2 = a1
    # (5) z₂ = a₁′ W₂ᵀ + b₂   (m, 3)
    z2 = a1_2 @ W2.T + b2

    return z2


def predict(params, x):
    """Return the probabilities, p: (m, 3)."""
    z2 = _evaluated(params, x)
    # (6) p = softmax(z₂)   (m, 3)
    top2 = z2.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = z2 - top2
    exps2 = np.exp(shifted2)
    total2 = exps2.sum(axis=1, keepdims=True)
    p = exps2 / total2

    return p


def loss(params, x, y, training=True, seed=0, masks=None):
    """Return the mean loss over the batch, a float.

    training: with dropout; else without
    seed: of the masks of dropout; the same seed is the same step, each step needs another
    masks: a dict of arrays by the names of MASKS, in place of those that a seed draws
    """
    if training is not True and training is not False:
        raise ValueError(f"training is {training!r:.30}; it must be True or False")
    if not training:
        return _evaluated_loss(params, x, y)
    z2 = forward(params, x, seed=seed, masks=masks)
    y = _check_y(y, len(z2))
    m = len(z2)
    # (7) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    top2 = z2.max(axis=1, keepdims=True)
    # shifted by the largest logit, so that exp cannot overflow
    shifted2 = z2 - top2
    exps2 = np.exp(shifted2)
    total2 = exps2.sum(axis=1, keepdims=True)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    L = -np.sum(y * (shifted2 - np.log(total2))) / m

    return float(L)


def _evaluated_loss(params, x, y):
    """Return the mean loss over the batch without dropout."""
    z2 = _evaluated(params, x)
    y = _check_y(y, len(z2))
    m = len(z2)
    # (7) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
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
    shapes = {name: (m, *shape) for name, (shape, _) in MASKS.items()}
    work.masks = {name: np.empty(shape, DTYPE) for name, shape in shapes.items()}
    memory = np.empty(26 * m, DTYPE)
    work.a0 = memory[12 * m : 16 * m].reshape(m, 4)
    work.z1 = memory[6 * m : 12 * m].reshape(m, 6)
    work.a1_2 = memory[: 6 * m].reshape(m, 6)
    work.z2 = memory[22 * m : 25 * m].reshape(m, 3)
    work.columns2 = memory[16 * m : 19 * m].reshape(3, m)
    work.largest2 = memory[25 * m : 26 * m]
    work.exps2 = memory[16 * m : 19 * m].reshape(m, 3)
    work.total2 = memory[25 * m : 26 * m].reshape(m, 1)
    work.delta1 = memory[: 6 * m].reshape(m, 6)
    work.y = memory[19 * m : 22 * m].reshape(m, 3)
    work.ones = np.ones((3, 1), DTYPE)
    work.ones_2 = np.ones((m,), DTYPE)
    return work


def _renew(work):
    """Give a workspace new memory for what a step returns: what it returned before stays."""
    work.gradient = np.empty(51, DTYPE)
    work.dW1 = work.gradient[:24].reshape(6, 4)
    work.db1 = work.gradient[24:30]
    work.dW2 = work.gradient[30:48].reshape(3, 6)
    work.db2 = work.gradient[48:51]


def _keep(work):
    """Keep the workspace of a call for the next one of as many rows, but for a large one.

    New memory takes longer to get than a small step to compute.
    """
    KEPT.clear()
    if work.m * 26 <= MOST_KEPT:
        _renew(work)
        KEPT[work.m] = work


def loss_and_grads(params, x, y, work=None, seed=0, masks=None):
    """Return the mean loss over the batch, and its gradients: a dict like `params`.

    x: (m, 4)
    y: (m,) class ids, or (m, 3) rows that sum to 1
    work: from make_workspace(m), so that a step allocates nothing; the gradients are
        views into it, and the next step in it writes over them
    seed: of the masks of dropout; the same seed is the same step, each step needs another
    masks: a dict of arrays by the names of MASKS, in place of those that a seed draws
    """
    params = _check_params(params)
    x = _check_x(x)
    own = _check_work(work, len(x))
    y = _check_y(y, len(x), own.y)
    _take_masks(own, seed, masks)
    found = _step(params, x, y, own)
    if work is None:
        _keep(own)
    return found


def make_step(params, batch):
    """Return a function `step(x, y, seed=0, masks=None)`: what `loss_and_grads` gives, in less time.

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

    def step(x, y, seed=0, masks=None):
        """Return the mean loss over the batch, and its gradients."""
        if type(x) is not np.ndarray or x.dtype != DTYPE or x.shape != (m, 4):
            x = _check_x(x)  # what can be taken as such an array is
            _check_work(work, len(x))
        y = _check_y(y, m, work.y)
        _take_masks(work, seed, masks)
        return _step(params, x, y, work)

    step.work = work
    return step


def _step(params, x, y, work):
    """Return loss and gradients, each step of the way written into `work`."""
    m = work.m
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    m1 = work.masks["m1"]
    m2 = work.masks["m2"]

    # (1) a₀ = (5/4) x ⊙ m₁   (m, 4)
    a0 = np.multiply(x, m1, out=work.a0)
    a0 *= 1.25
    # (2) z₁ = a₀ W₁ᵀ + b₁   (m, 6)
    # written into the workspace: to allocate may cost more than to compute
    # the method dot, as these are small: its call costs least
    z1 = a0.dot(W1.T, out=work.z1)
    z1 += b1
    # (3) a₁ = tanh(z₁)   (m, 6)
    # over what is read here for the last time, which is still in the cache
    a1 = np.tanh(z1, out=z1)
    # (4) a₁′ = 2 a₁ ⊙ m₂   (m, 6)
    a1_2 = np.multiply(a1, m2, out=work.a1_2)
    a1_2 *= 2
    # (5) z₂ = a₁′ W₂ᵀ + b₂   (m, 3)
    z2 = a1_2.dot(W2.T, out=work.z2)
    z2 += b2
    # (6) p = softmax(z₂)   (m, 3)
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
    # (7) L = −(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)   ()
    log2 = np.log(total2, out=total2)
    # log(softmax) from the shifted logits: finite where softmax itself rounds to 0
    difference2 = np.subtract(shifted2, log2, out=shifted2)
    # an inner product: no array for the terms of the sum
    L = -np.vdot(y, difference2) / m

    # (8) δ₂ = (1/m) (p − y)   (m, 3)
    delta2 = np.subtract(p, y, out=p)
    delta2 /= m
    # (10) ∂L/∂W₂ = δ₂ᵀ a₁′   (3, 6)
    dW2 = delta2.T.dot(a1_2, out=work.dW2)
    # (11) ∂L/∂b₂ = δ₂ᵀ 𝟏   (3,)
    ones_2 = work.ones_2
    db2 = ones_2.dot(delta2, out=work.db2)
    # (9) δ₁ = 2 (δ₂ W₂) ⊙ m₂ ⊙ (1 − a₁ ⊙ a₁)   (m, 6)
    delta1 = delta2.dot(W2, out=work.delta1)
    slope1 = np.square(a1, out=a1)
    np.subtract(1, slope1, out=slope1)
    delta1 *= slope1
    delta1 *= m2
    delta1 *= 2
    # (12) ∂L/∂W₁ = δ₁ᵀ a₀   (6, 4)
    dW1 = delta1.T.dot(a0, out=work.dW1)
    # (13) ∂L/∂b₁ = δ₁ᵀ 𝟏   (6,)
    db1 = ones_2.dot(delta1, out=work.db1)

    grads = {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
    }
    return float(L), grads


def init_state(params, seed=0):
    """Return the state of training with SGD, which starts from a copy of `params`.

    state["params"] are the parameters that `train_step` changes: views of one vector,
    as are the gradients, so that a step of SGD is one pass over memory.

    seed: that of the masks of the first step; each step counts it up
    """
    params = _check_params(params)
    _check_whole("seed", seed)
    w = np.concatenate([np.ravel(value) for value in params.values()])
    return {
        "w": w,
        "params": _views(w),
        "work": None,
        "seed": seed,
        "spare": np.empty((1, min(w.size, BLOCK)), DTYPE),
    }


def train_step(state, x, y, lr=0.01, max_norm=None, seed=None, masks=None):
    """Change `state` by one step of SGD on a batch; return the loss before the step.

    lr: learning rate
    max_norm: the largest norm of all gradients together, above which they are scaled
    seed: of the masks of dropout; by default the next one of `state`
    masks: a dict of arrays by the names of MASKS, in place of those that a seed draws
    """
    _check_numbers(lr=lr)
    x = _check_x(x)
    work = _work_of(state, len(x))
    y = _check_y(y, work.m, work.y)
    if seed is None and masks is None:
        seed = state["seed"]
        state["seed"] = seed + 1
    _take_masks(work, seed, masks)
    # the parameters need no check: they are views of a vector that was checked
    value, _ = _step(state["params"], x, y, work)
    gradient = work.gradient
    if max_norm is not None:
        clip_gradients({"all": gradient}, max_norm)
    _descend(state["w"], gradient, state, lr)
    return value


def update(params, grads, state, lr=0.01):
    """Change `params` and `state` in place by one step of SGD, for any gradients.

    lr: learning rate
    """
    _check_numbers(lr=lr)
    _check_params(params)
    _check_own("params", params, PARAMETERS)
    grads = _check_params(grads, "grads")
    _check_training(state)
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
    others = ("params", "work", "spare", "seed")
    _check_dict("state", state, others, more=True)
    views = _check_params(state["params"], "params in state")
    size = sum(view.size for view in views.values())
    vectors = ("w",)
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


def _check_masks(masks, m):
    """Return the masks as arrays of DTYPE for `m` rows, of zeros and ones."""
    _check_dict("masks", masks, MASKS)
    arrays = {}
    for name, (shape, _) in MASKS.items():
        arrays[name] = array = _real(name, masks[name])
        if array.shape != (m, *shape):
            needed = f"it must be {(m, *shape)}"
            raise ValueError(f"{name} has shape {array.shape}; {needed}")
        wrong = (array != 0) & (array != 1)
        if wrong.any():
            _refuse(name, array, wrong, "0 or 1")
    return arrays


def _masks(masks, seed, m):
    """Return the masks for `m` rows: those given, or else those that the seed draws."""
    return draw_masks(m, seed) if masks is None else _check_masks(masks, m)


def _take_masks(work, seed, masks):
    """Put the masks of a step into `work`: those given, or else those that the seed draws."""
    if masks is None:
        draw_masks(work.m, seed, out=work.masks)
        return
    for name, mask in _check_masks(masks, work.m).items():
        np.copyto(work.masks[name], mask)


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
