"""Wrong pieces of source to put into generated modules, each with the row that `check` must then fail.

`trust/wrong_networks.py` puts them in.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

HIDDEN = "Input(3) >> Dense(3) >> ReLU() >> Dense(3) >> SoftmaxCrossEntropy()"
FAR = 'Input(3) >> Dense(2) >> Activation("where(x > 20, x*x, x)") >> MeanSquaredError()'
LEAKY = "Input(3) >> Dense(3) >> LeakyReLU(1e-10) >> Dense(2) >> MeanSquaredError()"
SLOPE = "np.greater(a1, 0, out=work.slope1)"
NORMED = "Input(3) >> Dense(3) >> Norm() >> Tanh() >> Dense(3) >> MeanSquaredError()"
HINGE = "Input(3) >> Dense(2) >> Hinge()"

SOURCES = (
    (HIDDEN, SLOPE, "np.greater_equal(x @ W1.T + b1, 0)", "dW1"),
    (HIDDEN, SLOPE, "np.greater(a1, 0) + 0.5 * (x @ W1.T + b1 == 0)", "dW1"),
    (HIDDEN, "rng.uniform(-1", "1.5 * rng.uniform(-1", "start of W2"),
    (HIDDEN, "rng.normal(0.0, ", "rng.normal(0.1, ", "start of W1"),
    (HIDDEN, "rng.normal(0.0, ", "1.1 * rng.normal(0.0, ", "start of W1"),
    (HIDDEN, "default_rng(seed)", "default_rng(0)", "init_params"),
    (HIDDEN, "default_rng(seed)", "default_rng()", "init_params"),
    (HIDDEN, '["b1"] = np.zeros(3)', '["b1"] = np.full(3, 0.01)', "start of b1"),
    (HIDDEN, "    return p\n", "    return 1.001 * p\n", "predict"),
    (HIDDEN, "    return p\n", "    return z2\n", "predict"),
    (HIDDEN, "scale = max_norm /", "scale = 1.001 * max_norm /", "clip_gradients"),
    (HIDDEN, "    return norm\n", "    return norm**2\n", "clip_gradients"),
    (HIDDEN, "exp(shifted2)", "exp(z2 - 0)", "L"),
    (FAR, "np.multiply(z1, 2, ", "np.multiply(z1, 2.002, ", "dW1"),
    (LEAKY, "slope1 += 1e-10", "slope1 += 1.001e-10", "dW1"),
    (HINGE, "np.greater(", "np.greater_equal(", "all gradients"),
    (NORMED, "    mu1 = R1\n", "    mu1 = z1.sum(axis=0) / len(z1)\n", "predict"),
    (NORMED, "    nu1 = V1\n", "    nu1 = 1.001 * V1\n", "forward"),
    (NORMED, "(1 - momentum) * R1", "(1.001 - momentum) * R1", "R1"),
    (NORMED, '"nu1": nu1', '"nu1": mu1', "V1"),
    (NORMED, "(m * momentum) * nu1 / (m - 1)", "momentum * nu1", "V1"),
)
"""A network, a piece of the module that is made for it, what is wrong in its place, and the row that must fail."""


def changed(old: str, new: str) -> Callable[..., ModuleType]:
    def compiled(source: str, packages: object = ()) -> ModuleType:
        assert old in source, source
        module = ModuleType("changed")
        exec(compile(source.replace(old, new), "<changed>", "exec"), module.__dict__)
        return module

    return compiled
