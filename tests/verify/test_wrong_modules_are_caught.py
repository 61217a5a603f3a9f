"""Generated modules with something wrong in them: each wrong piece of source must fail its row."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType

import numpy as np
import pytest
from toy_layers import toys

from symprop.analysis.derivation import derive
from symprop.codegen import case
from symprop.networks import parse_network
from symprop.verify import check, noise
from symprop.verify.measure import judged
from symprop.verify.points import random_points

__all__ = ["toys"]
pytestmark = pytest.mark.usefixtures("toys")

HIDDEN = "Input(3) >> Dense(3) >> ReLU() >> Dense(3) >> SoftmaxCrossEntropy()"
FAR = 'Input(3) >> Dense(2) >> Activation("where(x > 20, x*x, x)") >> MeanSquaredError()'
LEAKY = "Input(3) >> Dense(3) >> LeakyReLU(1e-10) >> Dense(2) >> MeanSquaredError()"
SLOPE = "np.greater(a1, 0, out=work.slope1)"
NORMED = "Input(3) >> Dense(3) >> Norm() >> Tanh() >> Dense(3) >> MeanSquaredError()"
HINGE = "Input(3) >> Dense(2) >> Hinge()"
ABSOLUTE = 'Input(3) >> Dense(2) >> Loss("sum(abs(a - y))")'


@pytest.mark.parametrize(
    ("network", "old", "new", "row"),
    [
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
        (NORMED, "0.9 * R1", "0.901 * R1", "R1"),
        (NORMED, '"nu1": nu1', '"nu1": mu1', "V1"),
        (NORMED, "m * nu1 / (10 * m - 10)", "0.1 * nu1", "V1"),
    ],
)
def test_wrong_source_is_caught(network: str, old: str, new: str, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case, "loaded", changed(old, new))
    result = check(network)
    assert row in {failure.name for failure in result.failures}, result.table()


def changed(old: str, new: str) -> Callable[..., ModuleType]:
    def compiled(source: str) -> ModuleType:
        assert old in source, source
        module = ModuleType("changed")
        exec(compile(source.replace(old, new), "<changed>", "exec"), module.__dict__)
        return module

    return compiled


def test_the_bound_on_rounding_hides_no_factor() -> None:
    for network in (HIDDEN, LEAKY, ABSOLUTE, FAR):
        system, derivation = parse_network(network).system(), derive(network, layout="rows")
        for point in random_points(system, 0, 3):
            bound = noise.bounds(derivation, system, point)
            for name, value in noise.equations_gradients(derivation, point).items():
                for element in np.argwhere(value):
                    wrong = value.copy()
                    wrong[tuple(element)] *= 1.001
                    assert not judged(wrong, value, 1e-12, partial(bound, name)).ok
