"""The Gauss-Newton product against J' H J v: J by the complex step of the outputs, H as the books have it."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import symprop
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.unrolling import unrolled, written_out
from symprop.codegen.case import Case
from symprop.networks.recurrent import written_out_in_time
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.points import Point, points_of

STEP = 2.0**-560
BATCH = 3

NETWORKS = {
    "classes": "Input(2) >> Dense(3) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy()",
    "squares": "Input(3) >> Residual(LayerNorm() >> Dense(3) >> GELU()) >> Dense(2) >> Tanh() >> MeanSquaredError()",
    "sequence": "Input(3, 2) >> Attention(1) >> Dense(2) >> SoftmaxCrossEntropy()",
    "convolution": "Input(4, 4, 1) >> Conv2D(2, 3) >> BatchNorm() >> ReLU() >> Flatten() >> Dense(2)"
    " >> MeanSquaredError()",
    "recurrent": "Input(3, 2) >> GRU(2) >> RNN(2) >> MeanSquaredError()",
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_product_is_that_of_jacobians_and_the_loss(name: str) -> None:
    text = NETWORKS[name]
    network = symprop.parse_network(text)
    (point,) = points_of(Case(written_out_in_time(network)), 0, BATCH)[:1]
    random = np.random.default_rng(1)
    along = {key: random.standard_normal(value.shape) for key, value in point.parameters.items()}
    jacobian, output = jacobian_of(network, point)
    turned = output_hessian(text, output, jacobian @ flat(along))
    wanted = (turned.ravel() @ jacobian) / (BATCH * max(1, output.ndim > 2 and output.shape[1]))
    for target in ("fast", "numpy"):
        found = flat(Case(network, target=target).module.gnvp(point.parameters, x_of(point), v=along, **point.given))
        assert np.abs(found - wanted).max() <= 1e-11 * (1 + np.abs(wanted).max())


def test_it_is_the_hessian_where_network_and_loss_are_simple_and_penalties_count() -> None:
    """`J' H J` is the Hessian where the output is linear in the parameters; a penalty adds its own."""
    module = symprop.compile("Input(3) >> Dense(2) >> MeanSquaredError() + L2(0.3)")
    random, params = np.random.default_rng(2), module.init_params(seed=0)
    v = {name: random.standard_normal(value.shape) for name, value in params.items()}
    x, y = random.standard_normal((4, 3)), random.standard_normal((4, 2))
    hessian, found = module.hvp(params, x, y, v), module.gnvp(params, x, y, v)
    assert np.allclose(flat(hessian), flat(found), rtol=1e-12, atol=1e-13)
    assert np.abs(found["W1"] - 0.3 * v["W1"]).max() > 0.01


def test_a_loss_that_reads_inside_the_network_is_refused() -> None:
    with pytest.raises(symprop.SpecError, match="truncate"):
        symprop.derive("Input(4, 2) >> RNN(2, truncate=2) >> MeanSquaredError()").gauss_newton()


def flat(values: dict[str, Array]) -> Array:
    return np.concatenate([np.ravel(value) for value in values.values()])


def x_of(point: Point) -> Array:
    return next(iter(point.inputs.values()))


def jacobian_of(network: symprop.Network, point: Point) -> tuple[Array, Array]:
    """Return the Jacobian of all outputs with respect to all parameters, and the outputs."""
    system = unrolled(network.system("rows"), {})
    values, columns = point.of(system), []
    output = np.empty(0)
    for name, value in point.parameters.items():
        for place in np.ndindex(value.shape):
            moved = value.astype(complex)
            moved[place] += 1j * STEP
            run = Evaluator(Complex(), stacked({**values, name: moved}, Complex()), {BATCH_SIZE: BATCH})
            run.run(list(written_out(system.items, {})))
            found = unstacked(run.values[system.output.name])
            columns.append(found.imag.ravel() / STEP)
            output = found.real
    return np.stack(columns, axis=1), output


def output_hessian(text: str, output: Array, u: Array) -> Array:
    """Return what the loss's Hessian makes of `u` in each row: of half the squares `u`, else `(diag(p) - p p') u`."""
    u = u.reshape(output.shape)
    if "MeanSquared" in text:
        return u
    p = np.exp(output - output.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p * (u - np.sum(p * u, axis=-1, keepdims=True))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("loss", ["MeanAbsoluteError()", "Hinge()"])
def test_a_loss_that_does_not_curve_has_products_of_zeros(loss: str, fast: bool) -> None:
    module = symprop.compile(f"Input(3) >> Dense(2) >> {loss}", fast=fast)
    random = np.random.default_rng(0)
    params = module.init_params(seed=0)
    v = {name: random.normal(size=value.shape) for name, value in params.items()}
    x, y = random.normal(size=(5, 3)), np.sign(random.normal(size=(5, 2)))
    for product in (module.gnvp, module.hvp):
        found = product(params, x, y, v)
        assert {name: value.shape for name, value in found.items()} == {"W1": (2, 3), "b1": (2,)}
        assert all(np.array_equal(value, np.zeros(value.shape)) for value in found.values())


@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-14), ("float32", 1e-6)])
@pytest.mark.parametrize("loss", ["Sigmoid() >> BinaryCrossEntropy()", "Softmax() >> Loss('-sum(y * log(a))')"])
def test_a_product_is_right_where_the_output_saturates(loss: str, dtype: str, bound: float) -> None:
    """The matrix of one output's slopes and the loss's Hessian, in so many digits that no probability is 0 or 1."""
    x = np.array([[800.0], [-800.0], [0.5]])
    y = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    network = f"Input(1) >> Dense(2, bias=False) >> {loss}"
    weights, v = np.array([[1.0], [-1.0]]), np.array([[0.25], [2.0]])
    wanted = np.zeros((2, 1))
    with mpmath.workdps(800):
        for row, target in zip(x, y, strict=True):
            powers = [mpmath.exp(mpmath.mpf(float(row[0])) * w) for w in weights[:, 0]]
            p = [each / sum(powers) for each in powers] if "Softmax" in loss else [each / (1 + each) for each in powers]
            slopes = mpmath.matrix(2, 2)
            for i, j in np.ndindex(2, 2):
                slopes[i, j] = p[i] * ((i == j) - p[j if "Softmax" in loss else i] * ("Softmax" in loss or i == j))
            hessian = [
                t / q**2 + (0 if "Softmax" in loss else (1 - t) / (1 - q) ** 2) for t, q in zip(target, p, strict=True)
            ]
            product = slopes.T * mpmath.diag(hessian) * slopes * mpmath.matrix(v * row[0])
            wanted += np.array([[float(each)] for each in product]) * row[0] / len(x)
    for fast in (True, False):
        module = symprop.compile(network, dtype=dtype, fast=fast)
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            found = module.gnvp({"W1": weights}, x, y, {"W1": v})
        assert np.abs(found["W1"] - wanted).max() <= bound * np.abs(wanted).max()
