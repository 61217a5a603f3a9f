"""The readings of convolutions: each rule is a theorem, proved from the index meaning; all readings are right numbers.

The second oracle is a convolution in plain loops, which shares nothing with windows, folds and their rules. All numbers
are whole and small, so that every sum is exact and nothing is off by rounding.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sympy
from sympy import Expr

import symprop
from symprop import Conv1D, Conv2D, Input
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.elements import elements
from symprop.algebra.nodes import Node
from symprop.algebra.window_sizes import WindowSizes
from symprop.analysis.readings import convolutions, distinct
from symprop.calculus import readings as rules
from symprop.calculus.context import Context
from symprop.calculus.readings import READINGS, backwards, correlation, unfolded
from symprop.calculus.tidy import tidy
from symprop.cli import main
from symprop.codegen.case import Case
from symprop.networks.convolution import Convolution
from symprop.networks.network import Network
from symprop.networks.patches import convolved
from symprop.notation.blocks import Chain
from symprop.reports.content import convolution
from symprop.reports.subject import Subject
from symprop.verify.arithmetic import Array
from symprop.verify.evaluate import complex_value
from symprop.verify.reading_checks import differences

x, X, image = variable("x", (7, 2)), variable("X", (6, 1)), variable("image", (4, 3, 2))
W, V, grid = variable("W", (2, 3, 2)), variable("V", (2, 2, 1)), variable("grid", (1, 2, 2, 2))


def folded(array: Node, kernel: Node, stride: int, dilation: int, cut: int = 0) -> Node:
    """What flows back to an array from its convolution."""
    axes = tuple(range(kernel.rank - 2))
    window = n.Window(array, axes, kernel.shape[1:-1], stride, dilation)
    flow = variable("flow", (*window.shape[: len(axes)], kernel.shape[0]))
    found: Node = rules.simplified(n.Pullback(flow, convolved(window, kernel), array), Context())[0]
    return tidy(n.Slice(found, 0, cut, array.shape[0] - cut)) if cut else found


SAMPLES: dict[str, list[Node]] = {
    "flipped kernel": [
        folded(x, W, 1, 1),
        folded(x, W, 2, 1),
        folded(x, W, 3, 2),
        folded(X, V, 2, 3),
        folded(image, grid, 1, 1),
        folded(image, grid, 2, 2),
        folded(x, variable("G", (4, 2, 1)), 2, 1),  # two groups
        folded(x, variable("H", (2, 2, 1)), 2, 1),  # a kernel for each channel
    ],
    "slice of windows": [
        tidy(n.Slice(convolved(n.Window(x, 0, 3, stride, dilation), W), 0, 1, 2))
        for stride, dilation in ((1, 1), (2, 1), (1, 2))
    ]
    + [n.Slice(convolved(n.Window(image, (0, 1), 2, 1), grid), axis, 0, 1) for axis in (0, 1)],
    "windows change roles": [
        n.Window(x, 0, size, stride, dilation)
        for size, stride, dilation in itertools.product((1, 2, 3), (1, 2, 3), (1, 2))
    ]
    + [n.Window(image, (0, 1), (2, 1), (1, 2), (2, 1)), n.Window(image, (1, 0), 2, (1, 2))],
}


CASES = [(name, node) for name, nodes in SAMPLES.items() for node in nodes]


def test_every_rule_has_samples() -> None:
    assert list(SAMPLES) == [rule.name for rule in READINGS]


@pytest.mark.parametrize(("name", "node"), CASES)
def test_rules_are_theorems(name: str, node: Node) -> None:
    (rule,) = (rule for rule in READINGS if rule.name == name)
    applied = rule.apply(node, Context())
    assert applied is not None
    for after in (applied.result, tidy(applied.result)):
        assert after != node
        found, true = elements(after), elements(node)
        assert found.shape == true.shape
        assert all(sympy.expand(a - b) == 0 for a, b in zip(found.flat, true.flat, strict=True))


def test_what_is_no_correlation_is_none() -> None:
    window = n.Window(x, 0, 3)
    assert correlation(window * 2) is None
    assert correlation(convolved(window, W) + 1) is None
    assert unfolded(n.Fold(variable("g", (5, 2, 3)), 0, 3, 1, 1, 7)) is None
    other = n.Fold(n.Flip(folded(x, W, 1, 1).operands[0], 2), 0, 3, 1, 1, 7)  # the kernel is flipped in it already
    assert unfolded(other) is None
    along_the_last = n.Fold(n.Window(X.permuted((1, 0)), 1, 3), 1, 3, 1, 1, 6)
    assert unfolded(along_the_last) is None
    assert rules.read(along_the_last, "flipped kernel") == (along_the_last, ())


# ---------------------------------------------------------------- random geometries, in plain loops


def geometries(count: int) -> Iterator[Network]:
    source = random.Random(7)
    for number in range(count):
        axes = 1 + number % 2
        kernel, stride, dilation = (tuple(source.randint(1, 3) for _ in range(axes)) for _ in range(3))
        pads = tuple((source.randint(0, 3), source.randint(0, 3)) for _ in range(axes))
        least = [d * (k - 1) + 1 - sum(pad) for k, d, pad in zip(kernel, dilation, pads, strict=True)]
        sizes = [max(1, low) + source.randint(0, 3) for low in least]
        groups = source.choice((1, 1, 2, 4))
        inputs, outputs = groups * source.choice((1, 2) if groups < 4 else (1,)), groups * source.choice((1, 2))
        padding: Any = pads if axes == 2 else pads[0]
        options: dict[str, Any] = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups}
        yield Input(*sizes, inputs) >> (Conv1D, Conv2D)[axes - 1](outputs, kernel, **options)


def by_loops(network: Network, X: Array, W: Array, b: Array, D: Array) -> dict[str, Array]:
    """The convolution and both derivatives: `Z[i, c]` is `b[c]` and the sum of `X[s i + d k - p, c'] W[c, k, c']`."""
    layer = network.layers[1]
    assert isinstance(layer, Convolution)
    Z, dX, dW = np.zeros_like(D) + b, np.zeros_like(X), np.zeros_like(W)
    group, each = W.shape[-1], W.shape[0] // (X.shape[-1] // W.shape[-1])
    for i in np.ndindex(D.shape[:-1]):
        for k in np.ndindex(W.shape[1:-1]):
            lies = zip(layer.lies, i, k, strict=True)
            at = tuple(lie.stride * a + lie.dilation * c - lie.padding[0] for lie, a, c in lies)
            if not all(0 <= place < size for place, size in zip(at, X.shape, strict=False)):
                continue
            for c, read in itertools.product(range(W.shape[0]), range(group)):
                source = (*at, c // each * group + read)
                Z[(*i, c)] += X[source] * W[(c, *k, read)]
                dX[source] += D[(*i, c)] * W[(c, *k, read)]
                dW[(c, *k, read)] += D[(*i, c)] * X[source]
    return {"z1": Z, "dx": dX, "dW1": dW}


@pytest.mark.parametrize("network", list(geometries(24)), ids=lambda network: network.text)
def test_all_readings_are_the_convolution_in_loops(network: Network) -> None:
    (reading,) = convolutions(network.system()).values()
    draw = np.random.default_rng(3)
    given = {
        each.name: draw.integers(-3, 4, [int(size) for size in each.shape]).astype(float)
        for each in (reading.array, reading.kernel, variable("b1", reading.kernel.shape[:1]), reading.flow)
    }
    true = by_loops(network, *given.values())
    seen = []
    for part in reading.readings:
        values = dict(given)
        for equation in (*part.named, *part.equations):
            values[equation.name] = complex_value(equation.expression, values).real
            if equation.name in true:
                seen.append(equation.name)
                np.testing.assert_array_equal(values[equation.name], true[equation.name])
    assert sorted(seen) == ["dW1"] * 3 + ["dx"] * 3 + ["z1"] * 2
    assert [each.count for each in reading.sizes] == list(given["delta1"].shape[:-1])
    assert [each.count for each in reading.sizes_back[0]] == list(given["x"].shape[:-1])
    back = zip(reading.sizes_back[1], reading.sizes, strict=True)
    assert all(again.count == each.kernel + each.unread // each.dilation for again, each in back)
    assert max(off for _, off in differences(reading, 0)) == 0


NETWORK = symprop.derive(
    "Input(9, 8, 2) >> Conv2D(4, 3, stride=2, padding=1) >> BatchNorm() >> ReLU()"
    ' >> Residual(Conv2D(4, 3, padding="same") >> ReLU() >> Conv2D(4, 3, padding="same"))'
    " >> Flatten() >> Dense(2) >> MeanSquaredError()"
)


def test_each_step_begins_where_the_one_before_ends() -> None:
    for reading in NETWORK.convolutions.values():
        for equation in reading.equations:
            steps = reading.steps(equation.name)
            assert all(first.after == second.before for first, second in itertools.pairwise(steps))
            assert not steps or steps[-1].after == reading.equation(equation.name).expression


def test_identical_geometries_stand_once() -> None:
    groups = distinct(NETWORK.convolutions.values())
    assert [[each.layer.name for each in group] for group in groups] == [["z1"], ["z2", "z3"]]


def test_sizes_may_be_names() -> None:
    found = symprop.derive('Input(n, 2) >> Conv1D(3, 5, padding="same") >> MeanSquaredError()').readings("z1")
    assert found.equation("dx").pretty() == "∂L/∂xᵢ = Σ[j=1…5] W₁[:, 6 − j]ᵀ δ̃₁[i + j − 1]"
    assert found.steps("dx")[-2].rule == "slice of windows"


def test_a_kernel_that_is_not_flipped_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def unflipped(kernel: Node, channels: Expr) -> Node:
        return tidy(n.Flip(backwards(kernel, channels), range(1, kernel.rank - 1)))

    monkeypatch.setattr(rules, "backwards", unflipped)
    text = "Input(5, 4, 1) >> Conv2D(2, 3) >> Tanh() >> Flatten() >> Dense(2) >> MeanSquaredError()"
    (row,) = (row for row in symprop.check(text).rows if row.name == "readings")
    assert not row.ok
    assert row.note == "z1: dx, as correlations"


def test_sizes_that_do_not_fit_show_the_arithmetic() -> None:
    with pytest.raises(symprop.SpecError) as raised:
        symprop.parse_network("Input(5, 5, 1) >> Conv2D(2, 7)")
    assert "no window fits into an axis of length 5: (5 + 2·0 − 7)/1 + 1 = −1" in str(raised.value)
    sizes = WindowSizes(sympy.Integer(12), sympy.Integer(3), 4, sympy.Integer(1), sympy.Integer(0), 2)
    assert sizes.left.text == "(12 + 1 + 0 − 2·(3 − 1) − 1) mod 4 = 0"
    assert sizes.counted.text == "⌊(12 + 1 + 0 − 2·(3 − 1) − 1)/4⌋ + 1 = 3"


@pytest.mark.parametrize(
    ("layers", "remarks"),
    [
        ("Input(28, 28, 1) >> Conv2D(2, 3, stride=2)", ["z1: (28 + 2·0 − 3) mod 2 = 1: one row and one column are"]),
        ("Input(28, 29, 1) >> Conv2D(2, 3, stride=2)", ["z1: (28 + 2·0 − 3) mod 2 = 1: one row is"]),
        ("Input(28, 28, 1) >> Conv2D(2, 3, stride=2, padding=1)", []),  # what is left over is padding
        ("Input(31, 1) >> MaxPool1D(8, padding=1)", []),
        (
            "Input(13, 1) >> MaxPool1D(8, padding=1)",
            ["s1: (13 + 2·1 − 8) mod 8 = 7, 1 of them padding: 6 positions are"],
        ),
    ],
)
def test_what_is_never_read_is_remarked(layers: str, remarks: list[str]) -> None:
    derivation = symprop.derive(f"{layers} >> MeanSquaredError()")
    assert list(derivation.remarks) == [f"{remark} never read" for remark in remarks]


# ---------------------------------------------------------------- how they are printed


PRINTED = {
    "pretty": (
        "z₁, columns      x, K = 3, s = 2, d = 1, p = 1        ⌊(8 + 2·1 − 1·(3 − 1) − 1)/2⌋ + 1 = 4",
        "a = (8 + 2·1 − 3) mod 2 = 1",
        "2·(4 − 1) + 1 + 1 = 8",
        "⌊(8 + 2·1 − 2·(4 − 1) − 1)/1⌋ + 1 = 4, the first 3 count",
        "z₁ = Σₖ S₁,ₖ x W₁,ₖᵀ + b₁",
        "∂L/∂x = Σₖ S₁,ₖᵀ δ₁ W₁,ₖ",
        "z₁ = X̄₁ W̄₁ᵀ + b₁",
        "∂L/∂W̄₁ = δ₁ᵀ X̄₁",
        "∂L/∂xᵢⱼ = Σ[k=1…3] Σ[l=1…3] W₁[:, 4 − k, 4 − l]ᵀ δ̃₁[i + k − 1, j + l − 1]",
        "by flipped kernel, slice of windows, known value",
    ),
    "text": ("z1 = X_bar1 @ W_bar1.T + b1", "floor((8 + 2*1 - 1*(3 - 1) - 1)/2) + 1 = 4", "(9, 7), axis=(0, 1))["),
    "latex": (
        r"z_1 &= \bar{X}_1 \bar{W}_1^{\top} + b_1",
        r"\tilde{\delta}",
        r"\lfloor (8 + 2 \cdot 1",
        "flipped kernel",
    ),
    "html": ("<math", "As correlations:", "flipped kernel"),
}


@pytest.mark.parametrize("format", PRINTED)
def test_readings_are_printed_in_every_notation(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", NETWORK.source, "--readings", "z1", "--format", format]) == 0
    printed = capsys.readouterr().out
    missing = [part for part in PRINTED[format] if part not in printed]
    assert not missing, printed


def test_steps_lead_from_the_layer_to_the_flipped_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", NETWORK.source, "--readings", "z1", "--steps", "dx"]) == 0
    printed = capsys.readouterr().out
    for rule in ("1. sum", "6. padding", "7. flipped kernel", "8. known value   because δ̃₁"):
        assert rule in printed
    assert main(["derive", NETWORK.source, "--readings", "z7"]) == 2
    assert "no convolution gives 'z7'" in capsys.readouterr().err


def test_what_differs_by_lengths_alone_is_read_once() -> None:
    page = symprop.derive("Input(9, 2) >> Conv1D(2, 3) >> Conv1D(2, 3) >> MeanSquaredError()").pretty()
    assert "\n\n  z₂ is a convolution of z₁ with W₂. It reads as z₁ does.\n" in page
    assert "⌊(7 + 2·0 − 1·(3 − 1) − 1)/1⌋ + 1 = 5" in page
    assert page.count("By patches:") == 1


def test_pages_and_reports_have_each_geometry_once() -> None:
    page = NETWORK.pretty()
    assert page.count("is a convolution of") == 2
    assert "z₂ is a convolution of a₁ with W₂; likewise z₃. What flows to a₁ is here what flows" in page
    blocks = list(convolution(Subject(Case(NETWORK.network))))
    names = [block.left for block in blocks if isinstance(block, Chain)]
    assert len(names) == len(set(names)) == 5  # z2 takes the steps of z1
    assert "As correlations" in NETWORK._repr_html_()  # what a notebook shows
