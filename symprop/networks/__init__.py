"""Networks: layers, losses and blocks, each a few lines of algebra."""

from symprop.networks.activations import ELU, GELU, Identity, LeakyReLU, PReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from symprop.networks.blocks import Chain, Repeat, Residual
from symprop.networks.dropout import Dropout
from symprop.networks.layers import Dense, Embedding, Input, Layer, Softmax
from symprop.networks.losses import BinaryCrossEntropy, MeanSquaredError, SoftmaxCrossEntropy
from symprop.networks.network import Network
from symprop.networks.own_activations import Activation
from symprop.networks.own_losses import Loss
from symprop.networks.parts import Parameter
from symprop.networks.penalties import L2
from symprop.networks.spec import LAYERS, parse_network

__all__ = [
    "ELU",
    "GELU",
    "L2",
    "LAYERS",
    "Activation",
    "BinaryCrossEntropy",
    "Chain",
    "Dense",
    "Dropout",
    "Embedding",
    "Identity",
    "Input",
    "Layer",
    "LeakyReLU",
    "Loss",
    "MeanSquaredError",
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
    "Tanh",
    "parse_network",
]
