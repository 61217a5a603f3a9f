"""Networks: layers, losses and blocks, each a few lines of algebra."""

from symprop.networks.activations import (
    ELU,
    GELU,
    Activation,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from symprop.networks.blocks import Chain, Repeat
from symprop.networks.branches import Concatenate, Multiply, Residual, Sum
from symprop.networks.embedding import Embedding
from symprop.networks.gated import GLU, Highway, SwiGLU
from symprop.networks.layers import Dense, Input, Layer
from symprop.networks.losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy
from symprop.networks.network import Network
from symprop.networks.parts import Parameter
from symprop.networks.penalties import L2
from symprop.networks.spec import LAYERS, parse_network

__all__ = [
    "ELU",
    "GELU",
    "GLU",
    "L2",
    "LAYERS",
    "Activation",
    "BinaryCrossEntropy",
    "Chain",
    "Concatenate",
    "Dense",
    "Embedding",
    "Highway",
    "Identity",
    "Input",
    "Layer",
    "LeakyReLU",
    "Loss",
    "MeanSquaredError",
    "Multiply",
    "Network",
    "Parameter",
    "ReLU",
    "Repeat",
    "Residual",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "Sum",
    "SwiGLU",
    "Tanh",
    "parse_network",
]
