"""What convolutions and pools say where they do not fit: what, where, the arithmetic, and what is allowed."""

from __future__ import annotations

import pytest

import symprop

SAID = {
    "Conv2D(2, 9)": "Conv2D(2, 9): no window fits into an axis of length 8: (8 + 2·0 − 9)/1 + 1 = 0;"
    " allowed: a length of 9 or more, a smaller kernel, or more padding",
    "Conv2D(2, (3, 5), padding=(0, (1, 0)), dilation=3)": "Conv2D(2, (3, 5), padding=(0, (1, 0)), dilation=3):"
    " no window fits into an axis of length 8: (8 + 1 + 0 − 3·(5 − 1) − 1)/1 + 1 = −3;"
    " allowed: a length of 12 or more, a smaller kernel, or more padding",
    "Conv2D(2, 3, stride=0)": "Conv2D: stride is a whole number from 1, or a pair of them, (rows, columns), not '0'",
    'Conv2D(2, 3, padding="causal")': 'Conv2D: padding is a whole number from 0, "same", or a pair (rows, columns),'
    " each one number or a pair of them, not 'causal'",
    "Conv2D(3, 3, groups=2)": "Conv2D(3, 3, groups=2): 3 channels are no multiple of 2 groups;"
    " allowed: multiples of 2, of the input's channels and of its own",
    "Conv2D(6, 3, depthwise=True)": "Conv2D(6, 3, depthwise=True): 6 channels are no multiple of 4 groups;"
    " allowed: multiples of 4, such as 4*n",
    "Conv1D(2, 3)": "Conv1D(2, 3) reads an input of shape (8, 8, 4); allowed: a sequence, Input(T, n)",
    "ConvTranspose2D(2, 3, padding=6)": "ConvTranspose2D(2, 3, padding=6): the padding leaves nothing of an axis of"
    " length 8: (8 − 1)·1 + 3 − 2·6 = −2;"
    " allowed: a length of 11 or more, a larger kernel or stride, or less padding",
    "ConvTranspose2D(2, 3, stride=2, output_padding=(1, 2))": "ConvTranspose2D(2, 3, stride=2, output_padding=(1, 2)):"
    " output_padding is 2 at stride 2; allowed: a whole number from 0 to 1, less than the stride",
    "MaxPool2D(3, 2, 3)": "MaxPool2D(3, stride=2, padding=3): with a padding of 3 a window of 3 lies wholly outside;"
    " allowed: a padding from 0 to 2, less than the size",
    "Residual(Conv2D(4, 3))": "'Residual(Conv2D(4, 3))' has an input of shape (8, 8, 4) and an output of shape"
    " (6, 6, 4), which cannot be added; allowed: blocks that keep the shape, such as convolutions of stride 1 with"
    ' padding="same", or a shortcut of its own, such as Sum(..., Conv2D(8, 1, stride=2))',
}


@pytest.mark.parametrize("layer", SAID)
def test_what_does_not_fit_is_said_with_a_caret(layer: str) -> None:
    text = f"Input(8, 8, 4) >> {layer}"
    with pytest.raises(symprop.SpecError) as raised:
        symprop.parse_network(text)
    said, shown, caret = str(raised.value).split("\n")
    assert said == SAID[layer]
    name = layer.split("(")[0]
    assert shown[caret.index("^") :].startswith(name) and caret.count("^") == len(name)


def test_a_dense_at_each_pixel_before_a_loss_is_doubted() -> None:
    with pytest.warns(symprop.SympropWarning, match=r"Dense\(3\) works at each pixel .* \(6, 6, 3\)"):
        symprop.parse_network("Input(8, 8, 1) >> Conv2D(2, 3) >> Dense(3) >> SoftmaxCrossEntropy()")
    for text in (
        "Input(8, 8, 1) >> Conv2D(2, 3) >> Flatten() >> Dense(3) >> SoftmaxCrossEntropy()",
        "Input(8, 8, 1) >> Conv2D(2, 3) >> Conv2D(3, 1) >> SoftmaxCrossEntropy()",
        "Input(8, 8, 1) >> Dense(3) >> SoftmaxCrossEntropy()",
    ):
        assert symprop.parse_network(text).doubts == ()


def test_probabilities_that_are_flattened_are_doubted_before_a_loss_of_logits() -> None:
    with pytest.warns(symprop.SympropWarning, match="BinaryCrossEntropy after Sigmoid: the loss takes logits"):
        symprop.parse_network("Input(2, 3) >> Dense(3) >> Sigmoid() >> Flatten() >> BinaryCrossEntropy()")
    assert (
        symprop.parse_network("Input(2, 3) >> Dense(3) >> Flatten() >> Sigmoid() >> BinaryCrossEntropy()").doubts == ()
    )
