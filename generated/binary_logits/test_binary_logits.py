# -*- coding: utf-8 -*-  # noqa: UP009
"""Tests of binary_logits.py and binary_logits_fast.py, written with them.

Both have the same values; shapes; gradients against differences of the loss.
"""

import importlib.util
from pathlib import Path

import numpy as np


def loaded(name):
    """Return a module of this folder."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


module = loaded("binary_logits")
fast = loaded("binary_logits_fast")


def example(m=4):
    """Return random parameters near their start, and a batch of `m` examples."""
    rng = np.random.default_rng(1)
    params = module.init_params(seed=2)
    for value in params.values():
        value += 0.1 * rng.standard_normal(value.shape).astype(value.dtype)
    x = rng.standard_normal((m, 5))
    y = rng.uniform(size=(m, 2))
    return params, x, y


def test_both_modules_have_the_same_values():
    params, x, y = example()
    loss, grads = module.loss_and_grads(params, x, y)
    other, others = fast.loss_and_grads(params, x, y)
    assert abs(loss - other) <= 1e-6 * abs(loss)
    for name, grad in grads.items():
        off = np.abs(grad - others[name]).max()
        assert off <= 1e-5 * np.abs(grad).max()


def test_shapes_and_dtypes():
    params, x, y = example()
    assert module.forward(params, x).shape == (4, 2)
    loss, grads = module.loss_and_grads(params, x, y)
    assert isinstance(loss, float)
    assert list(grads) == list(module.PARAMETERS)
    for name, shape in module.PARAMETERS.items():
        assert params[name].shape == grads[name].shape == shape
        assert params[name].dtype == grads[name].dtype == module.DTYPE


def test_loss_is_the_same_both_ways():
    params, x, y = example()
    loss, _ = module.loss_and_grads(params, x, y)
    assert abs(loss - module.loss(params, x, y)) <= 1e-6 * abs(loss)


def test_gradients_are_slopes_of_the_loss():
    # along the gradient, where rounding to float32 matters least
    params, x, y = example()
    _, grads = module.loss_and_grads(params, x, y)
    norm = np.sqrt(sum(float(np.vdot(grad, grad)) for grad in grads.values()))
    step = 1e-2
    ahead = {name: value + step / norm * grads[name] for name, value in params.items()}
    back = {name: value - step / norm * grads[name] for name, value in params.items()}
    slope = (module.loss(ahead, x, y) - module.loss(back, x, y)) / (2 * step)
    assert abs(slope - norm) <= 1e-3 * norm


def test_step_against_the_gradient_lowers_the_loss():
    params, x, y = example()
    loss, grads = module.loss_and_grads(params, x, y)
    stepped = {name: value - 1e-4 * grads[name] for name, value in params.items()}
    assert module.loss(stepped, x, y) < loss
