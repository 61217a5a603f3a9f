"""Other names of layers: what other libraries call them, and what to type in place of layers that have no name here."""

from __future__ import annotations

from collections.abc import Collection

from symprop.errors import shown
from symprop.hints import closest

ALIASES: dict[str, str] = {
    **dict.fromkeys(("linear", "fullyconnected", "fc", "affine"), "Dense"),
    **dict.fromkeys(("mse", "mseloss", "squarederror", "l2loss"), "MeanSquaredError"),
    **dict.fromkeys(("mae", "maeloss", "l1loss", "absoluteerror"), "MeanAbsoluteError"),
    **dict.fromkeys(("crossentropy", "crossentropyloss", "softmaxcrossentropyloss"), "SoftmaxCrossEntropy"),
    **dict.fromkeys(("categoricalcrossentropy", "sparsecategoricalcrossentropy"), "SoftmaxCrossEntropy"),
    **dict.fromkeys(("bce", "bceloss", "bcewithlogitsloss", "binarycrossentropyloss"), "BinaryCrossEntropy"),
    **dict.fromkeys(("kldiv", "kldivloss", "kl", "kldivergenceloss"), "KLDivergence"),
    **dict.fromkeys(("hingeloss",), "Hinge"),
    **dict.fromkeys(("squaredhingeloss",), "SquaredHinge"),
    **dict.fromkeys(("huberloss", "smoothl1", "smoothl1loss"), "Huber"),
    **dict.fromkeys(("swish",), "SiLU"),
    **dict.fromkeys(("logistic",), "Sigmoid"),
    **dict.fromkeys(("multiheadattention", "selfattention", "mha"), "Attention"),
    **dict.fromkeys(("batchnormalization", "batchnorm1d", "batchnorm2d"), "BatchNorm"),
    **dict.fromkeys(("layernormalization",), "LayerNorm"),
    **dict.fromkeys(("groupnormalization",), "GroupNorm"),
    **dict.fromkeys(("convolution1d",), "Conv1D"),
    **dict.fromkeys(("convolution2d",), "Conv2D"),
    **dict.fromkeys(("conv2dtranspose", "deconvolution2d"), "ConvTranspose2D"),
    **dict.fromkeys(("averagepooling1d", "avgpool1d"), "AveragePool1D"),
    **dict.fromkeys(("averagepooling2d", "avgpool2d"), "AveragePool2D"),
    **dict.fromkeys(("maxpooling1d",), "MaxPool1D"),
    **dict.fromkeys(("maxpooling2d",), "MaxPool2D"),
    **dict.fromkeys(("upsampling2d", "upsample"), "UpSample2D"),
    **dict.fromkeys(("globalaveragepooling2d", "globalavgpool", "globalaveragepooling1d"), "GlobalAveragePool"),
    **dict.fromkeys(("positionalembedding", "positionembedding"), "Positions"),
    **dict.fromkeys(("positionalencoding", "sinusoidalpositionalencoding"), "SinusoidalPositions"),
}
"""Names in small letters; arguments are those of the layer, so that what another library has elsewhere is refused."""

TAKES: dict[str, str] = {
    "Dense": "the number of outputs alone, Dense(10): that of the inputs is known",
    "Conv1D": "channels that come out and a kernel, Conv1D(16, 3): those that come in are known",
    "Conv2D": "channels that come out and a kernel, Conv2D(16, 3): those that come in are known",
    "BatchNorm": "no number of features: it is known",
    "LayerNorm": "no number of features: it is known",
    "RNN": "the number of units alone, RNN(32): the width of the input is known",
    "Attention": "the number of heads, Attention(8): the width is known",
}
"""What an alias of a layer takes, where other libraries give it more."""

INSTEAD: dict[str, str] = {
    **dict.fromkeys(("sequential", "chain", "model"), "layers are joined by >>: Input(4) >> Dense(3) >> Tanh()"),
    **dict.fromkeys(("logsoftmax", "nllloss", "nll"), "SoftmaxCrossEntropy() takes logits and is both"),
    **dict.fromkeys(("add", "shortcut", "skip"), "Residual(...), or Sum(..., ...) of two rows of layers"),
    **dict.fromkeys(("concat", "cat"), "Concatenate(..., ...) of two rows of layers"),
    **dict.fromkeys(("mul", "gate"), "Multiply(..., ...) of two rows of layers"),
    **dict.fromkeys(("reshape", "view"), "Flatten() makes a vector"),
    **dict.fromkeys(("transformer", "transformerencoderlayer", "transformerblock"),
                    "Residual(LayerNorm() >> Attention(8)) >> Residual(LayerNorm() >> Dense(4*n) >> GELU() >> Dense(n))"
                    ),
    **dict.fromkeys(("residualblock", "resblock"), "Residual(Dense(n) >> Tanh())"),
    "zeropadding2d": "the padding of a convolution: Conv2D(16, 3, padding=1)",
    "softsign": 'Activation("x / (1 + abs(x))")',
    "mish": 'Activation("x * tanh(softplus(x))")',
    "hardtanh": 'Activation("minimum(1, maximum(-1, x))")',
    "relu6": 'Activation("minimum(6, maximum(0, x))")',
    "lambda": 'Activation("x * tanh(x)"), a formula in x',
    "weightdecay": "L2(0.001), added to the loss",
    "regularizer": "L2(0.001), added to the loss",
}  # fmt: skip
"""What to type in place of names, in small letters, that stand for no layer here."""


def known_as(name: str, known: Collection[str]) -> str:
    """Return the name under which a layer is known here: other libraries' names, and any case, are taken.

    >>> known_as("Linear", ["Dense"]), known_as("relu", ["ReLU"]), known_as("Tannh", ["Tanh"])
    ('Dense', 'ReLU', 'Tannh')
    """
    if name in known:
        return name
    small = name.lower()
    by_case = {each.lower(): each for each in known}
    return by_case.get(small) or ALIASES.get(small.replace("_", ""), name)


def unknown(name: str, known: Collection[str]) -> str:
    """Return what is said of a name that stands for no layer: what to type instead, by its meaning, then by letters.

    >>> unknown("Sequential", ["Dense"])
    "unknown layer 'Sequential': layers are joined by >>: Input(4) >> Dense(3) >> Tanh()"
    >>> unknown("Tannh", ["Dense", "Tanh"])
    "unknown layer 'Tannh' (did you mean 'Tanh'?)"
    """
    said = f"unknown layer {shown(name)}"
    instead = INSTEAD.get(name.lower().replace("_", ""))
    if instead is not None:
        return f"{said}: {instead}"
    by_case = {each.lower(): each for each in known}
    hint = closest(name.lower(), by_case)
    if not hint:
        return f"{said}; known: {', '.join(known)}"
    nearest = hint.split("'")[1]
    return f"{said} (did you mean {shown(by_case[nearest])}?)"
