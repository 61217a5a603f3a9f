# -*- coding: utf-8 -*-  # noqa: UP009
"""Tests of dropout.py and dropout_fast.py, written with them.

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


module = loaded("dropout")
fast = loaded("dropout_fast")


def example(m=4):
    """Return random parameters near their start, and a batch of `m` examples."""
    rng = np.random.default_rng(1)
    params = module.init_params(seed=2)
    for value in params.values():
        value += 0.1 * rng.standard_normal(value.shape).astype(value.dtype)
    x = rng.standard_normal((m, 4))
    y = rng.integers(3, size=(m,))
    return params, x, y


def test_both_modules_have_the_same_values():
    params, x, y = example()
    loss, grads = module.loss_and_grads(params, x, y)
    other, others = fast.loss_and_grads(params, x, y)
    assert abs(loss - other) <= 1e-14 * abs(loss)
    for name, grad in grads.items():
        off = np.abs(grad - others[name]).max()
        assert off <= 1e-13 * np.abs(grad).max()


def test_shapes_and_dtypes():
    params, x, y = example()
    assert module.forward(params, x).shape == (4, 3)
    loss, grads = module.loss_and_grads(params, x, y)
    assert isinstance(loss, float)
    assert list(grads) == list(module.PARAMETERS)
    for name, shape in module.PARAMETERS.items():
        assert params[name].shape == grads[name].shape == shape
        assert params[name].dtype == grads[name].dtype == module.DTYPE


def test_loss_is_the_same_both_ways():
    params, x, y = example()
    loss, _ = module.loss_and_grads(params, x, y)
    assert abs(loss - module.loss(params, x, y)) <= 1e-14 * abs(loss)


def test_gradients_are_slopes_of_the_loss():
    # a difference of fourth order: its error falls with the fourth power of the step
    params, x, y = example()
    _, grads = module.loss_and_grads(params, x, y)
    rng = np.random.default_rng(3)
    step = 1e-3
    for name, value in params.items():
        scale = np.abs(grads[name]).max()
        for index in rng.integers(value.shape, size=(12, value.ndim)):
            place = tuple(index)
            start = value[place]
            losses = []
            for k in (-2, -1, 1, 2):
                value[place] = start + k * step
                losses.append(module.loss(params, x, y))
            value[place] = start
            slope = (losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / 12 / step
            assert abs(slope - grads[name][place]) <= 1e-8 * max(scale, 1e-3), name


def test_step_against_the_gradient_lowers_the_loss():
    params, x, y = example()
    loss, grads = module.loss_and_grads(params, x, y)
    stepped = {name: value - 1e-4 * grads[name] for name, value in params.items()}
    assert module.loss(stepped, x, y) < loss
