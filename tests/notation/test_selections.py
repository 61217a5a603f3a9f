"""Convolutions and pools are written by the matrices of pixels, and mean what the page says that they mean."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from latex_meaning import Meaning
from latex_reader import at_places, name_of

import symprop
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import STATISTIC
from symprop.analysis.derivation import Derivation
from symprop.notation.latex import latex
from symprop.verify.evaluate import complex_value

LIMIT = 1e-12
"""Relative to the largest element: both sides round to 1e-16, a few dozen operations each."""
BATCH = 3
DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")

NETWORKS = {
    "strides and pads": "Input(5, 6, 2) >> Conv2D(3, 3, stride=2, padding=1) >> Softplus() >> "
    "MaxPool2D(2, stride=1, padding=1) >> Conv2D(2, 1) >> Flatten() >> Dense(2) >> SoftmaxCrossEntropy()",
    "groups": "Input(6, 5, 4) >> Conv2D(4, 3, padding=(1, 0), groups=2) >> Tanh() >> Conv2D(4, 2, depthwise=True) >> "
    "AveragePool2D(2) >> GlobalAveragePool() >> MeanSquaredError()",
    "sequence": 'Input(9, 2) >> Conv1D(3, 3, dilation=2, padding="causal") >> Tanh() >> MaxPool1D(2) >> '
    "MeanSquaredError()",
    "transposed": "Input(3, 2, 1) >> ConvTranspose2D(2, 3, stride=2, padding=1) >> Tanh() >> UpSample2D(2) >> "
    "Conv2D(1, 3) >> MeanSquaredError()",
    "norm of pixels": "Input(5, 6, 2) >> Conv2D(3, 2) >> MaxPool2D(2) >> LayerNorm() >> Tanh() >> MeanSquaredError()",
}


def page_of(network: str, layout: str) -> dict[str, str]:
    return {each.name: each.pretty() for each in symprop.derive(network, layout=layout).equations}


@pytest.mark.parametrize("layout", ["example", "rows"])
def test_a_convolution_reads_as_matrix_calculus(layout: str) -> None:
    page = page_of(NETWORKS["strides and pads"], layout)
    assert page["z1"] == "z₁ = Σₖ S₁,ₖ x W₁,ₖᵀ + b₁"
    assert page["s1"] == "s₁ = maxₖ S₂,ₖ a₁"
    assert page["z2"] == "z₂ = s₁ W₂ᵀ + b₂"
    assert page["dW1"] == "∂L/∂W₁,ₖ = δ₁ᵀ S₁,ₖ x"
    assert page["db1"] == "∂L/∂b₁ = δ₁ᵀ 𝟏"
    assert page["dW2"] == "∂L/∂W₂ = δ₂ᵀ s₁"
    assert page["delta1"] == "δ₁ = (Σₖ S₂,ₖᵀ ((δ₂ W₂) ⊙ 1[k = argmaxₗ S₂,ₗ a₁])) ⊙ σ(z₁)"
    page = page_of(NETWORKS["groups"], layout)
    assert page["z1"] == "z₁[:, (i)] = Σₖ S₁,ₖ x[:, (i)] W₁,₍ᵢ₎ₖᵀ + b₁,₍ᵢ₎"
    assert page["z2"] == "z₂ = Σₖ (S₂,ₖ a₁) ⊙ W₂,ₖ + b₂"
    assert page["s1"] == "s₁ = ¼ Σₖ S₃,ₖ z₂"
    assert page["delta1"] == "δ₁ = (Σₖ S₂,ₖᵀ (δ₂ ⊙ W₂,ₖ)) ⊙ (1 − a₁ ⊙ a₁)"
    assert page["dW1"] == "∂L/∂W₁,₍ᵢ₎ₖ = δ₁[:, (i)]ᵀ S₁,ₖ x[:, (i)]"
    page = page_of(NETWORKS["transposed"], layout)
    assert page["z1"] == "z₁ = Σₖ S₁,ₖᵀ x W₁,ₖᵀ + b₁"
    assert page["delta1"] == "δ₁ = (Σₖ S₂,ₖ (Σₗ S₃,ₗᵀ δ₂ W₂,ₗ)) ⊙ (1 − a₁ ⊙ a₁)"
    assert page["dW1"] == "∂L/∂W₁,ₖ = (S₁,ₖ δ₁)ᵀ x"


def test_the_page_works_out_what_each_layer_selects() -> None:
    page = " ".join(symprop.derive(NETWORKS["strides and pads"]).pretty().split())
    assert "An image is the matrix of its pixels, a row of features for each: x is of shape (30, 2)." in page
    selects = "S₁,ₖ selects a pixel for each window (i, j), the one at offset k = (u, v): row (i, j) of S₁,ₖ A is "
    assert f"{selects}A[2 i + u − 3, 2 j + v − 3], 0 outside (windows of 3 × 3; 5 × 6 → 3 × 3)." in page
    assert "Row (i, j) of S₂,ₖ A is A[i + u − 2, j + v − 2], −∞ outside (windows of 2 × 2; 3 × 3 → 4 × 4)." in page
    assert "W₁,ₖ is W₁[:, u, v]." in page and "S₃" not in page  # a kernel of one element selects nothing


def test_blocks_with_a_convolution_have_its_matrices_by_their_index() -> None:
    block = "Residual(Conv2D(n, 3, padding=1) >> Tanh())"
    page = page_of(f"Input(h, w, n) >> Repeat({block}, N) >> GlobalAveragePool() >> MeanSquaredError()", "rows")
    assert page["z[l]"] == "z⁽ˡ⁾ = Σₖ S⁽ˡ⁾,ₖ a⁽ˡ⁻¹⁾ W⁽ˡ⁾,ₖᵀ + b⁽ˡ⁾"
    assert page["dW[l]"] == "∂L/∂W⁽ˡ⁾,ₖ = δ⁽ˡ⁾ᵀ S⁽ˡ⁾,ₖ a⁽ˡ⁻¹⁾"


def said_of_selections(page: str, batch: int) -> dict[str, Any]:
    """Return the matrices that a page speaks of, each with an axis of offsets before it, made as the page says."""
    found = {}
    for sentence in " ".join(page.split()).split("•"):
        match = re.search(r"A is A\[(.*?)\](?:, \S+ outside)? \(windows of (.*?); (.*?) → (.*?)\)", sentence)
        if match is None:
            continue
        sizes, lengths, counts = ([int(size) for size in each.split(" × ")] for each in match.groups()[1:])
        at, offset = ("ij", "uv") if len(sizes) == 2 else ("i", "k")
        chosen = np.zeros((*sizes, *counts, *lengths))
        for place in np.ndindex(*sizes, *counts):
            values = dict(zip((*offset, *at), (each + 1 for each in place), strict=True))
            reads = tuple(_place(each, values) - 1 for each in match[1].split(", "))
            if all(0 <= each < length for each, length in zip(reads, lengths, strict=True)):
                chosen[(*place, *reads)] = 1
        chosen = chosen.reshape(int(np.prod(sizes)), int(np.prod(counts)), int(np.prod(lengths)))
        for name in re.findall("S[₀-₉]+", sentence):
            found[f"S_{name[1:].translate(DIGITS)}"] = np.array([np.kron(np.eye(batch), each) for each in chosen])
    return found


def _place(text: str, values: dict[str, int]) -> int:
    """The value of `2 i + u − 3`."""
    terms = re.findall(r"(−?) ?(\d*) ?([a-z]?)", text.replace("+ ", ""))
    return sum((-1) ** bool(minus) * int(digits or 1) * values.get(letter, 1) for minus, digits, letter in terms
               if digits or letter)  # fmt: skip


def is_of_one(written: str) -> bool:
    """Whether an equation is of one example of a batch, `z_{1,i}`; at `t` it is of one pixel."""
    return bool(re.search(r"(?<![a-z])(?:x|delta|[azsu])_\{(?:\d,)?[a-su-z]\}", written))


def as_read(variable: Variable, value: Any, written: str) -> Any:
    """Return an array as an equation means it: an image by its pixels, a kernel by its offsets."""
    if variable.rows >= 0:
        if variable.rank - variable.rows != 2 or variable.rank == 2:
            return value
        return value.reshape(*value.shape[:1] * is_of_one(written), -1, value.shape[-1])
    if variable.rank < 3:
        return value
    kernel = value.reshape(len(value), -1, value.shape[-1])  # channels, offsets, channels
    kernel = kernel if "(" in written.partition("W_")[2][:4] else np.moveaxis(kernel, 1, 0)
    kernel = kernel[..., 0] if kernel.shape[-1] == 1 and r"\odot" in written else kernel  # of each channel by itself
    return kernel[0] if len(kernel) == 1 else kernel


@pytest.mark.parametrize("layout", ["example", "rows"])
def test_a_norm_of_pixels_has_one_index_for_a_pixel(layout: str) -> None:
    page = page_of(NETWORKS["norm of pixels"], layout)
    assert page["mu1"] == "μ₁,ₜ = mean(s₁,ₜ)"
    norm = "r₁,ₜ (∂L/∂x̂₁,ₜ − mean(∂L/∂x̂₁,ₜ) − mean(∂L/∂x̂₁,ₜ ⊙ x̂₁,ₜ) x̂₁,ₜ)"
    assert page["ds1"] == f"∂L/∂s₁,ₜ = {norm}"
    assert page["delta1"] == "δ₁ = Σₖ S₂,ₖᵀ (∂L/∂s₁ ⊙ 1[k = argmaxₗ S₂,ₗ z₁])"
    said = symprop.derive(NETWORKS["norm of pixels"], layout=layout).pretty()
    assert "Aₜ is row t of A, that of one pixel" in said


@pytest.mark.parametrize("layout", ["example", "rows"])
@pytest.mark.parametrize("which", NETWORKS)
def test_pages_of_images_are_read_back(which: str, layout: str) -> None:
    derivation = symprop.derive(NETWORKS[which], layout=layout)
    page = derivation.pretty()
    selections = [said_of_selections(page, count) for count in (BATCH if layout == "rows" else 1, 1)]
    known, sizes = _start(derivation), {derivation.system.batch: BATCH} if derivation.system.batch is not None else {}
    variables = {each.name: each for each in (*derivation.system.inputs, *derivation.system.targets)}
    variables |= {each.name: each for each in derivation.system.parameters}
    for equation in derivation.equations:
        true = np.real(complex_value(equation.expression, known, sizes))
        written = equation.latex()
        assert not re.search("windows|fold|pad|firstmax|sum", written.replace(r"\sum", ""))
        arrays = {name_of(latex(variables[name])): as_read(variables[name], known[name], written) for name in variables}
        left, right = written.split(" = ", 1)
        numbers = {"varepsilon": 1e-5} | ({"m": BATCH} if sizes else {})
        meaning = Meaning(arrays | selections[is_of_one(written)] | numbers)
        expected = as_read(equation.target, true, written)
        expected = expected[..., 0] if equation.target.role == STATISTIC else expected  # a number for each pixel
        found = meaning.evaluate(at_places(left, right, name_of(latex(equation.target))), expected.shape)
        assert np.max(np.abs(found - expected)) <= LIMIT * np.max(np.abs(expected)), written
        known[equation.name], variables[equation.name] = true, equation.target


def _start(derivation: Derivation) -> dict[str, Any]:
    random, system = np.random.default_rng(0), derivation.system
    given = (*system.inputs, *system.targets, *system.parameters)
    sizes = {system.batch: BATCH} if system.batch is not None else {}
    found = {each.name: random.uniform(0.1, 1, [int(size.subs(sizes)) for size in each.shape]) for each in given}
    for target in system.targets:
        found[target.name] /= found[target.name].sum(axis=-1, keepdims=True)
    return found


def test_the_kernel_at_an_offset_has_the_axis_of_output_channels_where_there_is_one_input_channel() -> None:
    page = str(symprop.derive("Input(6, 6, 1) >> Conv2D(2, 3) >> MeanSquaredError()"))
    assert "W₁,ₖ is W₁[:, u, v]." in page


def test_a_channel_of_images_that_are_no_matrices_of_pixels_names_all_its_axes() -> None:
    d = symprop.derive("Input(4, 4, 2) >> Conv2D(3, 2) >> BatchNorm() >> MeanSquaredError()", layout="columns")
    assert d.equation("mu1").pretty() == "μ₁,ᵢ = mean(z₁[:, :, i, :])"
    assert d.equation("u1").pretty() == "u₁[:, i] = γ₁,ᵢ x̂₁[:, i] + β₁,ᵢ"


@pytest.mark.parametrize(
    ("layer", "delta"),
    [
        ("Conv2D(8, 3, stride=2, depthwise=True)", "Σₖ S₁,ₖᵀ δ₂[:, (i)] W₂,₍ᵢ₎ₖ"),
        ("ConvTranspose2D(4, 3, depthwise=True)", "Σₖ W₂,ᵢₖ S₁,ₖ δ₂[:, i]"),
    ],
)
def test_a_channel_of_a_depthwise_convolution_is_a_column_of_the_matrix_of_pixels(layer: str, delta: str) -> None:
    d = symprop.derive(f"Input(7, 7, 4) >> Dense(4) >> Tanh() >> {layer} >> MeanSquaredError()")
    assert d.equation("delta1").pretty() == f"δ₁[:, i] = ({delta}) ⊙ (1 − a₁[:, i] ⊙ a₁[:, i])"
    patches = symprop.derive("Input(6, 6, 1) >> Conv2D(2, 3) >> MeanSquaredError()").readings("z1")
    assert patches.equation("X_bar1").pretty() == "X̄₁[:, (i)j] = S₁,ᵢⱼ x"
