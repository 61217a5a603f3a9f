"""Networks: layers, losses and blocks, each a few lines of algebra."""

from symprop.networks.activations import (
    ELU,
    GELU,
    Identity,
    LeakyReLU,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from symprop.networks.blocks import Chain, Repeat
from symprop.networks.branches import Concatenate, Multiply, Residual, Sum
from symprop.networks.classification import BinaryCrossEntropy, KLDivergence, SoftmaxCrossEntropy
from symprop.networks.embedding import Embedding
from symprop.networks.gated import GLU, Highway, SwiGLU
from symprop.networks.layers import Dense, Input, Layer
from symprop.networks.margins import Hinge, SquaredHinge
from symprop.networks.network import Network
from symprop.networks.own_activations import Activation
from symprop.networks.own_losses import Loss
from symprop.networks.parts import Parameter
from symprop.networks.penalties import L1, L2
from symprop.networks.regression import Huber, MeanAbsoluteError, MeanSquaredError
from symprop.networks.spec import LAYERS, parse_network

__all__ = [
    "ELU",
    "GELU",
    "GLU",
    "L1",
    "L2",
    "LAYERS",
    "Activation",
    "BinaryCrossEntropy",
    "Chain",
    "Concatenate",
    "Dense",
    "Embedding",
    "Highway",
    "Hinge",
    "Huber",
    "Identity",
    "Input",
    "KLDivergence",
    "Layer",
    "LeakyReLU",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Multiply",
    "Network",
    "PReLU",
    "Parameter",
    "ReLU",
    "Repeat",
    "Residual",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "SquaredHinge",
    "Sum",
    "SwiGLU",
    "Tanh",
    "parse_network",
]
