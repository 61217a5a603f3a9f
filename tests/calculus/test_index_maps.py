"""Index maps: a kind that moves elements is one declaration, and everything else follows from that.

`Crop` is the exercise: a kind that exists only here, with one row of its own, its map.
"""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import sympy
from sympy import Integer

import symprop
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.batching import batched
from symprop.algebra.elements import elements
from symprop.algebra.index_maps import AXES, IndexMap
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.analysis.flops import operations
from symprop.analysis.vanishing import BOUND
from symprop.calculus.adjoints import adjoint
from symprop.calculus.linear_maps import matrix_of
from symprop.calculus.tidy import tidy
from symprop.codegen import compile_network
from symprop.codegen.kinds import KINDS
from symprop.networks import Dense, Input, MeanSquaredError, Tanh
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.notation import latex, pretty, text
from symprop.verify.evaluate import complex_value
from tests.calculus import test_rules_are_theorems as theorems
from tests.samples import SAMPLES


class Crop(n.Structural):
    """The elements along `axis` but for `width` at each end."""

    def __new__(cls, operand: Node, axis: Any, width: Any) -> Any:
        return super().__new__(cls, operand, Integer(axis), Integer(width))

    @property
    def index_map(self) -> IndexMap:
        source, axis, width = self.operands[0].shape, int(self.args[1]), self.args[2]
        shape = [size - 2 * width * (k == axis) for k, size in enumerate(source)]
        return IndexMap(source, tuple(shape), tuple(AXES[k] + width * (k == axis) for k in range(len(source))))


@dataclass(frozen=True)
class Cropped(Layer):
    """A layer of it."""

    width: int = 1

    def build(self, builder: Builder, value: Variable) -> Variable:
        return builder.activation(Crop(value, 0, self.width))


A, P, v = variable("A", (3, 5)), variable("P", (5, 2, 4)), variable("v", (6,))
CROPS = (Crop(v, 0, 2), Crop(A, 1, 1), Crop(P, 0, 2), Crop(P, 2, 1), Crop(A.T, 0, 2))


@pytest.fixture(autouse=True, scope="module")
def forgotten() -> Iterator[None]:
    """Let the other tests see no kind but those of the package."""
    yield
    Crop.__module__ = "tests"


@pytest.mark.parametrize("node", CROPS, ids=text)
def test_the_rows_of_an_exercise_are_theorems(node: Node) -> None:
    theorems.test_pullback(node, 0)
    theorems.test_pushforward(node, 0)
    value = np.random.default_rng(1).normal(size=[int(size) for size in walk_leaf(node).shape])
    given = {walk_leaf(node).name: value}
    found = complex_value(node, given).real
    written = eval(text(node), {}, given)  # a text that this test has printed
    np.testing.assert_array_equal(found, written)
    assert "None" not in pretty(node) + latex(node)
    assert operations(node).total == 0
    assert BOUND(node, 0) == 1
    for layout in ("rows", "columns"):
        leaf = walk_leaf(node)
        shape = (3, *leaf.shape) if layout == "rows" else (*leaf.shape, 3)
        together = batched(node, {leaf: leaf.change(shape=sympy.Tuple(*shape))}, Integer(3), layout)
        many = np.random.default_rng(2).normal(size=[int(size) for size in shape])
        axis = 0 if layout == "rows" else -1
        whole = complex_value(together, {leaf.name: many}).real
        for k in range(3):
            alone = complex_value(node, {leaf.name: np.take(many, k, axis)}).real
            np.testing.assert_array_equal(np.take(whole, k, axis), alone)


def walk_leaf(node: Node) -> Variable:
    return next(part for part in walk(node) if isinstance(part, Variable))


def test_a_network_of_an_exercise_is_certified() -> None:
    network = Input(2) >> Dense(3) >> Tanh() >> Cropped() >> Dense(3) >> Cropped() >> MeanSquaredError()
    certificate = symprop.check(network)
    assert certificate.ok, str(certificate)


def test_a_step_of_an_exercise_writes_over_nothing_that_is_read_again() -> None:
    """A slice is a view: what it views must live as long as it does."""
    module = compile_network(Input(2) >> Dense(6) >> Cropped(1) >> Tanh() >> Cropped(1) >> MeanSquaredError())
    random = np.random.default_rng(5)
    params = {"W1": random.normal(size=(6, 2)), "b1": random.normal(size=6)}
    x, y = random.normal(size=(3, 2)), random.normal(size=(3, 2))
    inside = np.tanh(x @ params["W1"].T + params["b1"])[:, 2:4]
    slopes = np.zeros((3, 6))
    slopes[:, 2:4] = (inside - y) / 3 * (1 - inside**2)
    loss, grads = module.loss_and_grads(params, x, y)
    assert loss == pytest.approx(((inside - y) ** 2).sum() / 6, rel=1e-14)
    # a sum of 3 products of numbers near 1, in another order
    np.testing.assert_allclose(grads["W1"], slopes.T @ x, rtol=1e-14, atol=1e-15)


# ---------------------------------------------------------------- the kinds of the package

STRUCTURAL = [node for kind, nodes in SAMPLES.items() if issubclass(kind, n.Windowed | n.Structural) for node in nodes]


@pytest.mark.parametrize("node", STRUCTURAL, ids=lambda node: f"{type(node).__name__} {text(node)}")
def test_the_bound_is_the_norm_of_the_map(node: Node) -> None:
    """The largest singular value of the matrix of the map; where reads are counted, it is a bound of that."""
    place = Variable("operand", (), node.operands[0].shape)
    inner = node.along(place, lambda axis: axis)
    if isinstance(inner, n.Pad):
        inner = n.Pad(place, *inner.args[1:3])
    slopes = matrix_of(inner, place)
    matrix = complex_value(slopes, {}).real
    values = elements(inner).ravel()
    symbols = elements(place).ravel()
    true = np.array([[float(sympy.diff(f, x)) for x in symbols] for f in values]).reshape(len(values), len(symbols))
    np.testing.assert_array_equal(matrix.reshape(true.shape), true)
    largest = np.linalg.norm(true, 2)
    assert largest <= float(BOUND(node, 0)) * (1 + 1e-12)  # the singular value is rounded
    if not isinstance(node, n.Windowed):
        assert float(BOUND(node, 0)) ** 2 == (true != 0).sum(axis=0).max()


@pytest.mark.parametrize(
    ("map_of", "kinds"),
    [
        (n.Slice(v, 0, 1, 4), [n.Pad]),
        (n.Pad(v, 0, [(1, 2)]), [n.Slice]),
        (n.Flip(v), [n.Flip]),
        (n.Transpose(P, (2, 0, 1)), [n.Transpose]),
        (n.Expand(A, 1), [n.Sum]),
    ],
)
def test_the_adjoint_of_a_map_is_a_kind(map_of: n.Structural, kinds: list[type[Node]]) -> None:
    found = adjoint(map_of.index_map, variable("g", map_of.shape))
    assert [type(part) for part in walk(found) if part.operands] == kinds


def test_a_map_along_two_axes_needs_a_row_of_its_own() -> None:
    with pytest.raises(LookupError, match="a row of its own"):
        adjoint(n.Window(v, 0, 2).index_map, variable("g", (5, 2)))


def test_windows_have_symbolic_sizes() -> None:
    size, k = sympy.symbols("n k", integer=True, positive=True)
    x = variable("x", (size,))
    assert n.Window(x, 0, k).shape == (size - k + 1, k)
    assert n.Window(variable("x", (2 * size,)), 0, 2, 2).shape == (size, 2)
    assert n.Pad(x, 0, [(k - 1, 0)]).shape == (size + k - 1,)
    f = symprop.formula("sum(pad(x, (1, 0))[:n]**2)", x="n")
    assert symprop.gradient(f, "x").text() == "2 * pad(pad(x, (1, 0))[:n], (0, 1))[1:]"
    assert symprop.gradient(f, "x").check().ok


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pad(x, 1)[1:n + 1]", "x"),
        ("pad(x, 2)[1:n + 3]", "pad(x, (1, 1))"),
        ("pad(x, 1)[2:n + 1]", "x[1:]"),
        ("pad(x, (2, 1))[:2]", "zeros((2,))"),
        ("pad(x, (2, 3), constant_values=7)[n + 2:n + 4]", "full((2,), 7)"),
        ("pad(A, 1)[:, 1:k + 1]", "pad(A, ((1, 1), (0, 0)))"),
        ("pad(x, (1, 0))[:n]", "pad(x, (1, 0))[:n]"),  # x[:n - 1] is no array where n is 1
        ("x[1:n][:n - 2]", "x[1:n - 1]"),
    ],
)
def test_a_slice_of_what_is_padded_or_sliced_is_one_map(text: str, expected: str) -> None:
    assert tidy(symprop.formula(text, x="n", A="n k").node).text() == expected


@pytest.mark.parametrize("widths", list(itertools.product(range(4), range(3))))
def test_a_slice_of_what_is_padded_has_the_elements_that_numpy_gives(widths: tuple[int, int]) -> None:
    array, x = np.array([3, 4, 5]), variable("x", (3,))
    padded = np.pad(array, widths, constant_values=7)
    for start, stop in itertools.combinations(range(len(padded) + 1), 2):
        found = tidy(n.Slice(n.Pad(x, 0, [widths], 7), 0, start, stop))
        assert complex_value(found, {"x": array}).real.tolist() == padded[start:stop].tolist()


@pytest.mark.parametrize(
    "make",
    [
        lambda: n.Window(v, 0, 7),
        lambda: n.Window(v, 0, 2, 0),
        lambda: n.Window(A, (0, 1), (2, 2, 2)),
        lambda: n.Window(A, (0, 0), 2),
        lambda: n.Fold(A, 0, 5, 1, 1, 8),
        lambda: n.Pad(v, 0, [(-1, 0)]),
        lambda: n.Pad(v, 1, [(1, 0)]),
        lambda: n.Flip(v, 1),
    ],
)
def test_what_does_not_fit_is_refused(make: Any) -> None:
    with pytest.raises(symprop.SympropError):
        make()


def test_programs_have_no_structural_kind_of_their_own() -> None:
    assert not any(issubclass(kind, n.Structural) for kind in KINDS)


# ---------------------------------------------------------------- what they are for: convolution and pooling, composed

COMPOSED = {
    "convolution": "sum((reshape(sliding_window_view(pad(reshape(a, (3, 3)), 1), (2, 2))[::2], (8, 4)) @ a[:4])**2)",
    "causal": "sum(tanh(sliding_window_view(pad(a, (2, 0)), 3) @ a[:3]))",
    "dilated": "sum(tanh(sliding_window_view(a, 5, axis=0)[:, ::2] @ a[:3]))",
    "largest": "sum(a * max(sliding_window_view(pad(a, 1, constant_values=-inf), 3), axis=1))",
    "mean": "sum(a[:4] * mean(sliding_window_view(pad(a, (0, 1)), 4, axis=0)[::2], axis=1)**2)",
    "transposed": "sum(tanh(fold(outer(a, a[:2]), 2, 0, 18, 2)))",
    "correlation": "sum((sliding_window_view(a, 3) @ flip(a)[:3])**2)",
}


@pytest.mark.parametrize("name", COMPOSED)
def test_what_is_composed_of_windows_is_certified(name: str) -> None:
    # a size that the formula names stays as it is where the others are reduced
    certificate = symprop.check(f'Input(2) >> Dense(9) >> Loss("{COMPOSED[name]} + sum(y[:9])")')
    assert certificate.ok, str(certificate)


@pytest.mark.parametrize("name", COMPOSED)
def test_a_step_of_windows_makes_no_array(name: str) -> None:
    module = compile_network(f'Input(2) >> Dense(9) >> Loss("{COMPOSED[name]} + sum(y)")')
    random, m = np.random.default_rng(3), 20_000
    params = {"W1": random.normal(size=(9, 2)), "b1": random.normal(size=9)}
    x, y, work = random.normal(size=(m, 2)), random.normal(size=(m, 9)), module.make_workspace(m)
    expected = module.loss_and_grads(params, x, y)[0]
    assert module.loss_and_grads(params, x, y, work)[0] == expected
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        module.loss_and_grads(params, x, y, work)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 9 * m * 8 / 2  # half of one of its arrays: the buffers of a ufunc are 8,192 numbers each
