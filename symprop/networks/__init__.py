"""Networks: layers, losses and blocks, each a few lines of algebra."""

from symprop.networks.activations import ELU, GELU, Activation, Identity, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from symprop.networks.blocks import Chain, Repeat, Residual
from symprop.networks.layers import Dense, Embedding, Input, Layer, Softmax
from symprop.networks.losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy
from symprop.networks.network import Network
from symprop.networks.optimisers import SGD, Adam, AdamW, Momentum
from symprop.networks.parts import Parameter
from symprop.networks.penalties import L2
from symprop.networks.schedules import Constant, Cosine, Warmup
from symprop.networks.spec import LAYERS, parse_network

__all__ = [
    "ELU",
    "GELU",
    "L2",
    "LAYERS",
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "BinaryCrossEntropy",
    "Chain",
    "Constant",
    "Cosine",
    "Dense",
    "Embedding",
    "Identity",
    "Input",
    "Layer",
    "LeakyReLU",
    "Loss",
    "MeanSquaredError",
    "Momentum",
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
    "Tanh",
    "Warmup",
    "parse_network",
]
