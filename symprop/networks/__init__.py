"""Networks: layers, losses and blocks, each a few lines of algebra."""

from symprop.networks.activations import ELU, GELU, Identity, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from symprop.networks.blocks import Chain, Residual
from symprop.networks.builder import Parameter
from symprop.networks.layers import Dense, Embedding, Input, Layer, Softmax
from symprop.networks.losses import BinaryCrossEntropy, MeanSquaredError, SoftmaxCrossEntropy
from symprop.networks.network import Network

__all__ = [
    "BinaryCrossEntropy",
    "Chain",
    "Dense",
    "ELU",
    "Embedding",
    "GELU",
    "Identity",
    "Input",
    "Layer",
    "LeakyReLU",
    "MeanSquaredError",
    "Network",
    "Parameter",
    "ReLU",
    "Residual",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "Tanh",
]
