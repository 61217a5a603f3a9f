"""Convolutions and pools as one operation: found wherever a layer wrote one, and nowhere else."""

from __future__ import annotations

import pytest

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.trees import walk
from symprop.codegen.convolution_passes import pooling
from symprop.codegen.convolutions import Convolution, MaxPool
from symprop.codegen.program import Program
from symprop.codegen.readable_passes import readable

END = " >> Flatten() >> Dense(3) >> MeanSquaredError()"
NETWORKS = (
    'Input(6, 7, 2) >> Conv2D(4, 3, padding="same") >> MaxPool2D(2) >> Conv2D(2, (1, 2), dilation=(1, 2)) >> ReLU()',
    'Input(9, 8, 4) >> Conv2D(4, 3, stride=2, padding="same", groups=2) >> MaxPool2D(3, 1, 1) >> Conv2D(2, 2)',
    'Input(9, 2) >> Conv1D(4, 3, padding="causal", dilation=2) >> BatchNorm() >> MaxPool1D(3, 2) >> '
    'Residual(Conv1D(4, 3, padding="same", depthwise=True) >> ReLU())',
)
"""Each with two convolutions and a pool between them."""

OTHERS = (
    "Input(6, 6, 2) >> AveragePool2D(2) >> ConvTranspose2D(2, 2, stride=2)",
    'Input(9, 2) >> Activation("a - max(sliding_window_view(a, 2))")',
)


def derived(text: str) -> symprop.Derivation:
    return symprop.derive(text + END, layout="rows")


def kinds_of(program: Program) -> list[str]:
    parts = (part for each in program.statements for part in walk(each.expression))
    return sorted(type(part).__name__ for part in parts if isinstance(part, (Convolution, MaxPool, n.Windowed)))


@pytest.mark.parametrize("text", NETWORKS)
def test_each_pass_of_a_layer_is_one_operation(text: str) -> None:
    kinds = ["Convolution"] * 2 + ["ConvolutionByInput"] + ["ConvolutionByKernel"] * 2
    assert kinds_of(pooling(derived(text))) == [*kinds, "MaxPool", "MaxPoolByInput"]


@pytest.mark.parametrize("text", OTHERS)
def test_other_windows_stay_windows(text: str) -> None:
    found = derived(text)
    assert kinds_of(pooling(found)) == kinds_of(readable(found)) != []
