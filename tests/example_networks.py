"""Networks for tests that go through many: those of the gallery, and others that differ from them in one thing."""

from __future__ import annotations

import pytest

from symprop.codegen.gallery import GALLERY, Example

EXAMPLES = (
    *GALLERY,
    Example(
        "three_layers",
        "Input(4) >> Dense(5) >> Tanh() >> Dense(4) >> Tanh() >> Dense(2) >> Tanh() >> MeanSquaredError()",
    ),
    Example(
        "projection",
        "Input(4) >> Residual(Dense(6) >> ReLU() >> Dense(6), projection=True) >> Dense(3) >> SoftmaxCrossEntropy()",
    ),
    Example(
        "digits_float32",
        "Input(64) >> Dense(32) >> Tanh() >> Residual(Dense(32) >> ReLU()) >> Dense(10) >> SoftmaxCrossEntropy()",
        dtype="float32",
        optimizer="momentum",
    ),
    Example("softmax_layer", "Input(3) >> Dense(4) >> Softmax() >> MeanSquaredError()"),
    Example("binary_probabilities", "Input(5) >> Dense(4) >> Tanh() >> Dense(2) >> Sigmoid() >> BinaryCrossEntropy()"),
    Example(
        "penalty",
        "Input(4) >> Dense(5, bias=False) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy() + L2(0.001)",
        optimizer="sgd",
    ),
    Example(
        "branches",
        "Input(4) >> Sum(Dense(3) >> Tanh(), Dense(3)) >> Concatenate((), Dense(2) >> ReLU()) >> Dense(2)"
        " >> MeanSquaredError()",
    ),
    Example("gates", "Input(4) >> Highway(GLU(4)) >> Dense(3) >> SoftmaxCrossEntropy()", optimizer="sgd"),
    Example("adamw", "Input(4) >> Dense(6) >> SiLU() >> Dense(2) >> MeanSquaredError()", optimizer="adamw"),
)

EACH = [pytest.param(each, id=each.name, marks=[] if each in GALLERY else [pytest.mark.slow]) for each in EXAMPLES]
"""For `parametrize`: those beside the gallery differ from one in it in one thing, and stand in the long form."""

CONVOLUTIONS = (
    'Input(7, 8, 2) >> Conv2D(4, 3, padding="same", stride=2, groups=2) >> BatchNorm() >> ReLU() >> MaxPool2D(2, 1, 1)'
    " >> Residual(Conv2D(4, (1, 3), dilation=(1, 3), padding=(0, 3), depthwise=True)) >> GlobalAveragePool()"
    " >> Dense(3) >> SoftmaxCrossEntropy()",
    'Input(9, 2) >> Conv1D(4, 3, padding="causal", dilation=2) >> MaxPool1D(3, 2, 1) >> Conv1D(2, 2, stride=2)'
    " >> AveragePool1D(2) >> Flatten() >> Dense(3) >> SoftmaxCrossEntropy()",
    "Input(3, 2, 2) >> ConvTranspose2D(4, 3, stride=2, padding=1, groups=2) >> UpSample2D(2)"
    " >> GlobalAveragePool() >> Dense(3) >> SoftmaxCrossEntropy()",
)
"""Convolutions and pools with every option, for the targets of other libraries."""
