"""A maximum whose derivative goes to the first of several largest elements, as max pools of frameworks have it."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import sympy

import symprop
from symprop import Dense, Input, MeanSquaredError, ReLU
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.calculus import pullbacks, pushforwards
from symprop.calculus.context import Context
from symprop.calculus.pullbacks import PULLBACK
from symprop.calculus.pushforwards import PUSHFORWARD
from symprop.calculus.rewriting import simplified
from symprop.codegen import compile_network
from symprop.codegen.program import Statement
from symprop.codegen.targets.numba.loops import loop_lines
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.verify.evaluate import complex_value
from tests.samples import SAMPLES


def pooled(x: Node, size: int, stride: int, padding: int, which: str = "max") -> n.Extreme:
    """The largest (or smallest) of each window of an image of several channels."""
    edge = -sympy.oo if which == "max" else sympy.oo
    inside = n.Pad(x, (0, 1), [(padding, padding)] * 2, edge) if padding else x
    return n.Extreme(n.Window(inside, (0, 1), (size, size), stride), (3, 4), False, which, "first")


@dataclass(frozen=True)
class Pool(Layer):
    """As `pooled`, in a row."""

    size: int
    stride: int
    padding: int = 0
    which: str = "max"

    def build(self, builder: Builder, value: Variable) -> Variable:
        found = builder.activation(pooled(value, self.size, self.stride, self.padding, self.which), "pool")
        return builder.activation(n.Reshape(found, (sympy.prod(found.shape),)), "row")


def by_hand(x: Any, g: Any, size: int, stride: int, padding: int) -> Any:
    """The cotangent of an image, window by window: all of `g` to the first of the largest pixels."""
    d = np.zeros_like(x)
    for i, j, c in np.ndindex(*g.shape):
        rows, columns = (
            [at for k in range(size) if 0 <= (at := stride * first + k - padding) < length]
            for first, length in zip((i, j), x.shape, strict=False)
        )
        best = (rows[0], columns[0])
        for at in ((row, column) for row in rows for column in columns):
            best = at if x[(*at, c)] > x[(*best, c)] else best
        d[(*best, c)] += g[i, j, c]
    return d


GEOMETRIES = [(2, 2, 0), (2, 1, 1), (3, 2, 1), (3, 1, 0), (4, 3, 2)]


def pulled(node: n.Extreme, x: Variable, g: Variable) -> Node:
    return simplified(n.Pullback(g, node, x), Context())[0]


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("which", ["max", "min"])
def test_ties_give_all_to_the_first(geometry: tuple[int, int, int], which: str) -> None:
    """In whole numbers, of which many are equal, everything is exact."""
    random = np.random.default_rng(sum(geometry))
    x = variable("x", (5, 6, 2))
    node = pooled(x, *geometry, which)
    g = variable("g", node.shape)
    given: dict[str, Any] = {"x": random.integers(-1, 2, (5, 6, 2)).astype(float)}
    given["g"] = random.integers(-9, 10, [int(length) for length in node.shape]).astype(float)
    assert np.unique(given["x"]).size == 3
    sign = 1 if which == "max" else -1
    expected = by_hand(sign * given["x"], given["g"], *geometry)
    np.testing.assert_array_equal(complex_value(pulled(node, x, g), given).real, expected)
    u = random.integers(-9, 10, expected.shape)  # the complex step of the value goes the same way
    forward = complex_value(node, {"x": given["x"] + 1j * 2.0**-500 * u}).imag * 2.0**500
    assert np.sum(forward * given["g"]) == np.sum(expected * u)


def test_a_pool_is_certified_on_its_ties(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly where several are the largest too; a rule that shares there is found."""
    network = Input(3, 2, 1) >> Dense(1) >> Pool(2, 1) >> Dense(1) >> MeanSquaredError()
    certificate = symprop.check(network)
    assert certificate.ok, str(certificate)
    assert any("the first of a tied max has all" in row.note for row in certificate.rows)
    shared = pullbacks.tied

    def wrong(node: n.Extreme) -> Node:
        return shared(n.Extreme(*node.args[:4]))

    monkeypatch.setattr(pullbacks, "tied", wrong)
    monkeypatch.setattr(pushforwards, "tied", wrong)
    caught = symprop.check(Input(3, 2, 1) >> Dense(1) >> Pool(2, 1) >> Dense(1) >> MeanSquaredError())
    assert [row.oracle for row in caught.failures] and not caught.ok
    assert all("exactly on the switches" in row.oracle for row in caught.failures)


NETWORK = Input(5, 5, 2) >> Dense(2) >> ReLU() >> Pool(3, 2, 1) >> Dense(2) >> MeanSquaredError()


def drawn(m: int) -> tuple[dict[str, Any], Any, Any]:
    """Parameters and data in whole numbers, with zeros and ties in most windows."""
    random = np.random.default_rng(4)
    shapes = {"W1": (2, 2), "b1": (2,), "W2": (2, 18), "b2": (2,)}
    params = {name: random.integers(-1, 2, shape).astype(float) for name, shape in shapes.items()}
    return params, random.integers(-1, 2, (m, 5, 5, 2)).astype(float), random.integers(-3, 4, (m, 2)).astype(float)


@pytest.mark.parametrize("target", ["fast", "numpy", "jax", "torch"])
def test_every_target_gives_all_to_the_first(target: str) -> None:
    if target in ("jax", "torch"):
        pytest.importorskip(target, reason=f"{target} is not installed: pip install 'symprop[{target}]'")
    module = compile_network(NETWORK) if target == "fast" else symprop.compile(NETWORK, target=target)
    params, x, y = drawn(4)
    grads = module.loss_and_grads(params, x, y)[1]
    z = x @ params["W1"].T + params["b1"]
    a = np.maximum(z, 0)
    outside = np.pad(a, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    largest = np.lib.stride_tricks.sliding_window_view(outside, (3, 3), axis=(1, 2))[:, ::2, ::2].max(axis=(4, 5))
    error = (largest.reshape(4, -1) @ params["W2"].T + params["b2"] - y) / 4
    back = (error @ params["W2"]).reshape(largest.shape)
    delta = np.stack([by_hand(each, g, 3, 2, 1) for each, g in zip(a, back, strict=True)]) * (z > 0)
    true = np.einsum("bijk,bijl->kl", delta, x)
    # quarters of whole numbers are exact in float64, and sums of them too
    np.testing.assert_array_equal(np.asarray(grads["W1"], float), true)


@pytest.mark.parametrize("node", SAMPLES[n.First], ids=lambda node: node.text())
def test_loops_look_for_the_first(node: n.First) -> None:
    """The lines that numba compiles, run by Python, at whole numbers with ties."""
    random = np.random.default_rng(3)
    given = {v.name: random.integers(-1, 2, [int(size) for size in v.shape]).astype(float) for v in variables(node)}
    out = np.full([int(size) for size in node.shape], np.nan)
    scope = {"out": out, "DTYPE": np.float64, "np": np, **given}
    exec("\n".join(loop_lines(Statement(variable("out", node.shape), node))), scope)
    np.testing.assert_array_equal(out, complex_value(node, given).real)


def test_a_step_of_a_pool_makes_no_array() -> None:
    module, m = compile_network(NETWORK), 2000
    params, x, y = drawn(m)
    work = module.make_workspace(m)
    module.loss_and_grads(params, x, y, work)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        module.loss_and_grads(params, x, y, work)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < m * 18  # the smallest array of a pool has so many booleans: views and buffers are less


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_what_is_not_a_number_is_not_hidden() -> None:
    """A pool of something that is not a number is none, and so are the gradients before it."""
    params, x, y = drawn(1)
    params["W1"], x = np.array([[1e200, -1e200], [1.0, 1.0]]), np.full_like(x, 1e200)  # inf - inf
    network = Input(5, 5, 2) >> Dense(2) >> Pool(3, 2, 1) >> Dense(2) >> MeanSquaredError()
    for module in (compile_network(network), symprop.compile(network, target="numpy")):
        loss, grads = module.loss_and_grads(params, x, y)
        assert np.isnan(loss) and np.isnan(grads["b1"][0])


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_frameworks_give_all_to_the_same_pixels(library: str, geometry: tuple[int, int, int]) -> None:
    size, stride, padding = geometry
    found = pytest.importorskip(library, reason=f"{library} is not installed: pip install 'symprop[{library}]'")
    random = np.random.default_rng(5)
    x = variable("x", (6, 6, 2))
    node = pooled(x, *geometry)
    g = variable("g", node.shape)
    image = random.integers(-1, 2, (6, 6, 2)).astype(np.float32)
    back = random.integers(-9, 10, [int(length) for length in node.shape]).astype(np.float32)
    if library == "torch":
        pixels = found.tensor(image.transpose(2, 0, 1)[None], requires_grad=True)
        largest = found.nn.functional.max_pool2d(pixels, size, stride, padding)
        (largest * found.tensor(back.transpose(2, 0, 1)[None])).sum().backward()
        theirs = pixels.grad.numpy()[0].transpose(1, 2, 0)
    else:
        pads, window, steps = ((padding, padding),) * 2 + ((0, 0),), (size, size, 1), (stride, stride, 1)

        def value(pixels: Any) -> Any:
            lax = found.lax
            return (lax.reduce_window(pixels, -np.inf, lax.max, window, steps, pads) * back).sum()

        theirs = np.asarray(found.grad(value)(image))
    ours = complex_value(pulled(node, x, g), {"x": image, "g": back}).real
    np.testing.assert_array_equal(ours, theirs)  # whole numbers


def test_a_vector_of_one_element_is_its_first() -> None:
    x = variable("x", (3, 1))
    assert symprop.formula("first_max(x, axis=1)", x="3 1").node.shape == (3, 1)
    node = n.Extreme(x, 1, False, "max", "first")
    assert pulled(node, x, variable("g", (3,))).text() == "g[:, None]"
    assert PULLBACK(node, 0, variable("g", (3,))) and PUSHFORWARD(node, 0, x)
