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
from symprop.networks.gated import GLU, Highway, SwiGLU
from symprop.networks.layers import Dense, Embedding, Input, Layer
from symprop.networks.losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy
from symprop.networks.network import Network
from symprop.networks.norms import BatchNorm, GroupNorm, LayerNorm, RMSNorm
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
    "BatchNorm",
    "BinaryCrossEntropy",
    "Chain",
    "Concatenate",
    "Dense",
    "Embedding",
    "GroupNorm",
    "Highway",
    "Identity",
    "Input",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Loss",
    "MeanSquaredError",
    "Multiply",
    "Network",
    "Parameter",
    "RMSNorm",
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
