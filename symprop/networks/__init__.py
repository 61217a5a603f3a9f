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
from symprop.networks.attention import Attention
from symprop.networks.blocks import Chain, Repeat
from symprop.networks.branches import Concatenate, Multiply, Residual, Sum
from symprop.networks.cells import GRU, LSTM, RNN, Bidirectional
from symprop.networks.classification import BinaryCrossEntropy, KLDivergence, SoftmaxCrossEntropy
from symprop.networks.convolution import Conv1D, Conv2D, ConvTranspose2D, UpSample2D
from symprop.networks.dropout import Dropout
from symprop.networks.embedding import Embedding
from symprop.networks.gated import GLU, Highway, SwiGLU
from symprop.networks.layers import Dense, Input, Layer
from symprop.networks.margins import Hinge, SquaredHinge
from symprop.networks.network import Network
from symprop.networks.norms import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from symprop.networks.optimisers import SGD, Adam, AdamW, Momentum
from symprop.networks.own_activations import Activation
from symprop.networks.own_cells import Scan
from symprop.networks.own_losses import Loss
from symprop.networks.parts import Parameter
from symprop.networks.penalties import L1, L2
from symprop.networks.pooling import AveragePool1D, AveragePool2D, Flatten, GlobalAveragePool, MaxPool1D, MaxPool2D
from symprop.networks.positions import At, ClassToken, Positions, SinusoidalPositions
from symprop.networks.regression import Huber, MeanAbsoluteError, MeanSquaredError
from symprop.networks.schedules import Constant, Cosine, Warmup
from symprop.networks.spec import LAYERS, parse_network

__all__ = [
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "L1",
    "L2",
    "LAYERS",
    "LSTM",
    "RNN",
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "At",
    "Attention",
    "AveragePool1D",
    "AveragePool2D",
    "BatchNorm",
    "Bidirectional",
    "BinaryCrossEntropy",
    "Chain",
    "ClassToken",
    "Concatenate",
    "Constant",
    "Conv1D",
    "Conv2D",
    "ConvTranspose2D",
    "Cosine",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePool",
    "GroupNorm",
    "Highway",
    "Hinge",
    "Huber",
    "Identity",
    "Input",
    "KLDivergence",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Loss",
    "MaxPool1D",
    "MaxPool2D",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Momentum",
    "Multiply",
    "Network",
    "PReLU",
    "Parameter",
    "Positions",
    "RMSNorm",
    "ReLU",
    "Repeat",
    "Residual",
    "Scan",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositions",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "SquaredHinge",
    "Sum",
    "SwiGLU",
    "Tanh",
    "UpSample2D",
    "Warmup",
    "parse_network",
]
