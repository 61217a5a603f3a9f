"""Convolutions and pools of random geometry are certified, and are related to other layers as they must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import symprop
from symprop.algebra.equations import Equation, equations_in
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace
from symprop.codegen.case import case_of
from symprop.networks.parts import Built
from symprop.verify import recurrence, relation_checks
from symprop.verify.arithmetic import Array
from tests.rounding import UNIT

ORDINARY, MANY = (1, 3, 174), 40
"""The seeds of the ordinary suite: plain, causal, and with groups, a dilation, a stride and a tied pool."""
CLOSE = 1000 * UNIT["float64"]
"""Sums of at most a hundred products of numbers of size 1 to 10, in another order."""


def _pick(random: np.random.Generator, *choices: str) -> str:
    return choices[random.integers(len(choices))]


def _convolution(random: np.random.Generator) -> str:
    """One convolution, or two that share a kernel, on an image of 4 by 3 with 2 channels.

    What windows wholly in the padding give, the bias, ties with its neighbours in a pool.
    """
    kernel = _pick(random, "2", "3", "(3, 2)", "(1, 3)")
    padding = _pick(random, "0", "1", "(1, 0)", '"same"', "(1, 2)")
    dilation = _pick(random, "1", "2") if padding in ("1", '"same"') else "1"
    stride = _pick(random, "1", "2", "(2, 1)") if padding != '"same"' else "1"
    groups = _pick(random, "", ", groups=2", ", depthwise=True", ", bias=False")
    match random.integers(4):
        case 0:
            return 'Conv2D(2, 3, padding=1, bias=False) >> Tanh() >> Conv2D(2, 3, padding=1, tied="W1")'
        case 1:
            return 'Conv2D(3, 2, bias=False) >> Tanh() >> ConvTranspose2D(2, 2, tied="W1.T")'
        case 2:
            extra = _pick(random, "0", "1", "(1, 0)")
            return f"ConvTranspose2D(4, 3, stride=2, padding=1, output_padding={extra}{groups})"
        case _:
            return f"Conv2D(4, {kernel}, stride={stride}, padding={padding}, dilation={dilation}{groups})"


def _network(random: np.random.Generator) -> str:
    if random.random() < 0.25:
        padding = _pick(random, '"causal"', '"same"', "(1, 2)", "2")
        depth = _pick(random, "", ", depthwise=True", ", groups=2")
        layers = f"Conv1D(4, 3, padding={padding}, dilation={_pick(random, '1', '2')}{depth}) >> Tanh()"
        pool = _pick(random, "MaxPool1D(3, stride=2, padding=1)", "AveragePool1D(2, stride=1)")
        return f"Input(5, 2) >> {layers} >> {pool} >> MeanSquaredError()"
    pool = _pick(
        random, "MaxPool2D(2, stride=1, padding=1)", "AveragePool2D(2, stride=1, padding=1)", "UpSample2D((1, 2))"
    )
    return f"Input(4, 3, 2) >> {_convolution(random)} >> Tanh() >> {pool} >> MeanSquaredError()"


@pytest.mark.parametrize(
    "seed",
    [*ORDINARY, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(MANY) if seed not in ORDINARY)],
)
def test_a_random_geometry_is_certified(seed: int) -> None:
    text = _network(np.random.default_rng(seed))
    certificate = symprop.check(text, float32=False)
    assert certificate.ok, certificate.table()


def test_the_printed_recurrence_of_convolutions_is_certified() -> None:
    text = 'Input(3, 3, 2) >> Repeat(Residual(Conv2D(2, 3, padding="same") >> ReLU()), L) >> MeanSquaredError()'
    rows = list(recurrence.rows(case_of(text, dtype="float64", optimizer=None, threads=1), {}, 0))
    assert len(rows) == 3 and all(row.ok for row in rows), rows


def test_a_check_asks_for_the_name_inside_of_a_size() -> None:
    text = "Input(2*h, h, 1) >> Conv2D(2, 1) >> MeanSquaredError()"
    with pytest.raises(symprop.SpecError, match=r"2\*h holds a name\ngive its number: --sizes h=8"):
        symprop.check(text)


# ---------------------------------------------------------------- relations


class _Layer:
    """The module of one network, with parameters of a seed, unless they are given."""

    def __init__(self, text: str, seed: int = 0, **parameters: Array) -> None:
        self.module: Any = symprop.compile(symprop.parse_network(f"{text} >> MeanSquaredError()"), dtype="float64")
        start = self.module.init_params(seed)
        random = np.random.default_rng(seed)
        self.parameters: dict[str, Array] = {
            name: parameters.get(name, random.standard_normal(np.shape(value))) for name, value in start.items()
        }

    def __call__(self, x: Array) -> Array:
        return np.asarray(self.module.predict(self.parameters, x))

    def gradients(self, x: Array, y: Array) -> Mapping[str, Array]:
        found: Mapping[str, Array] = self.module.loss_and_grads(self.parameters, x, y)[1]
        return found


@pytest.fixture
def x(random: np.random.Generator) -> Array:
    return random.standard_normal((3, 6, 5, 4))


def test_a_convolution_of_a_moved_image_is_the_moved_output(x: Array) -> None:
    layer = _Layer("Input(6, 5, 4) >> Conv2D(3, 3)")
    moved = np.roll(x, (1, 1), axis=(1, 2))
    np.testing.assert_allclose(layer(moved)[:, 1:, 1:], layer(x)[:, :-1, :-1], rtol=0, atol=CLOSE)


def _behind(text: str, **parameters: Array) -> _Layer:
    """A layer behind a convolution by one pixel, since a module needs a parameter."""
    return _Layer(f"Input(6, 5, 4) >> Conv2D(4, 1, bias=False) >> {text}", **parameters)


def test_an_average_pool_is_a_depthwise_convolution_with_a_constant_kernel(x: Array) -> None:
    W1, W2 = np.random.default_rng(1).standard_normal((4, 1, 1, 4)), np.full((4, 3, 3, 1), 1 / 9)
    pool = _behind("AveragePool2D(3, stride=2, padding=1)", W1=W1)
    layer = _behind("Conv2D(4, 3, stride=2, padding=1, depthwise=True, bias=False)", W1=W1, W2=W2)
    np.testing.assert_allclose(pool(x), layer(x), rtol=0, atol=CLOSE)
    y = np.zeros((3, 3, 3, 4))
    np.testing.assert_allclose(pool.gradients(x, y)["W1"], layer.gradients(x, y)["W1"], rtol=0, atol=CLOSE)


def test_a_convolution_by_one_pixel_is_a_dense_layer(x: Array, random: np.random.Generator) -> None:
    layer, y = _Layer("Input(6, 5, 4) >> Conv2D(3, 1)"), random.standard_normal((3, 6, 5, 3))
    W, b = layer.parameters["W1"], layer.parameters["b1"]
    dense = _Layer("Input(6, 5, 4) >> Dense(3)", W1=W.reshape(3, 4), b1=b)
    np.testing.assert_allclose(layer(x), dense(x), rtol=0, atol=CLOSE)
    ours, theirs = layer.gradients(x, y), dense.gradients(x, y)
    np.testing.assert_allclose(ours["W1"].reshape(3, 4), theirs["W1"], rtol=0, atol=CLOSE)
    np.testing.assert_allclose(ours["b1"], theirs["b1"], rtol=0, atol=CLOSE)


def test_depthwise_is_a_group_for_each_channel(x: Array, random: np.random.Generator) -> None:
    y = random.standard_normal((3, 4, 3, 4))
    one, other = (_Layer(f"Input(6, 5, 4) >> Conv2D(4, 3, {how})") for how in ("depthwise=True", "groups=4"))
    np.testing.assert_allclose(one(x), other(x), rtol=0, atol=CLOSE)
    np.testing.assert_allclose(one.gradients(x, y)["W1"], other.gradients(x, y)["W1"], rtol=0, atol=CLOSE)


@pytest.mark.parametrize("how", ["stride=2, padding=1", "dilation=2", "groups=2"])
def test_a_transposed_convolution_of_the_same_kernel_is_the_adjoint(
    x: Array, how: str, random: np.random.Generator
) -> None:
    forward = _Layer(f"Input(6, 5, 4) >> Conv2D(2, 3, {how}, bias=False)")
    seen = forward(x)
    u = random.standard_normal(seen.shape)
    W, rows, columns = forward.parameters["W1"], *seen.shape[1:3]
    extra = ", output_padding=(1, 0)" if "stride" in how else ""
    groups = 2 if "groups" in how else 1
    turned = W.reshape(groups, 2 // groups, 3, 3, -1).transpose(0, 4, 2, 3, 1).reshape(4, 3, 3, -1)
    text = f"Input({rows}, {columns}, 2) >> ConvTranspose2D(4, 3, {how}, bias=False{extra})"
    back = _Layer(text, W1=turned)(u)
    assert abs(np.sum(seen * u) - np.sum(x * back)) <= x.size * CLOSE


def test_upsampling_is_a_depthwise_transposed_convolution_with_ones(x: Array) -> None:
    W1, W2 = np.random.default_rng(1).standard_normal((4, 1, 1, 4)), np.ones((4, 2, 2, 1))
    upsampled = _behind("UpSample2D(2)", W1=W1)
    layer = _behind("ConvTranspose2D(4, 2, stride=2, depthwise=True, bias=False)", W1=W1, W2=W2)
    np.testing.assert_allclose(upsampled(x), layer(x), rtol=0, atol=CLOSE)
    y = np.zeros((3, 12, 10, 4))
    np.testing.assert_allclose(upsampled.gradients(x, y)["W1"], layer.gradients(x, y)["W1"], rtol=0, atol=CLOSE)


def test_relations_are_rows_of_the_certificate_and_see_wrong_layers(random: np.random.Generator) -> None:
    conv = "Conv2D(4, 3, stride=(2, 1), dilation=(1, 2), padding=((2, 0), 1), groups=2)"
    text = f"Input(7, 6, 4) >> {conv} >> AveragePool2D((3, 2), stride=2, padding=(1, (0, 1))) >> Conv2D(2, 1)"
    layers = symprop.parse_network(f"{text} >> MeanSquaredError()").built
    first, pool, last = (each for each in layers if each.layer.reads_windows)
    moved, pooled, dense = relation_checks.MOVED, relation_checks.POOLED, relation_checks.DENSE

    def off(built: Built, changed: Callable[[Node], Node] = lambda node: node) -> dict[str, bool]:
        (equation,) = equations_in(built.items)
        found = relation_checks.relations(built, Equation(equation.target, changed(equation.expression)), random)
        return {what: error > relation_checks.LIMIT for what, error in found}

    assert [off(each) for each in (first, pool, last)] == [
        {moved: False},
        {pooled: False},
        dict.fromkeys((moved, dense), False),
    ]
    bias, kernel = last.parameters[1].variable, last.parameters[0].variable
    ramp = Variable("ramp", (), last.output.shape)
    assert off(last, lambda node: replace(node, {bias: ramp})) == {moved: True, dense: False}
    assert off(last, lambda node: replace(node, {kernel: kernel * kernel})) == {moved: False, dense: True}
    assert off(pool, lambda node: node * 2) == {pooled: True}
