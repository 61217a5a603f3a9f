"""Network texts: `Input(64) >> Dense(32) >> ...` read into layers. What this reader accepts, Python accepts.

The grammar is in `symprop.algebra.calls`; here calls become layers. `LAYERS` is all that a text can name.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from symprop.algebra.calls import Call, CallSum, Name, read_calls
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.operators import OPERATORS
from symprop.collection import kept_whole
from symprop.errors import SpecError, SympropError, located, pointed, shown, warned
from symprop.hints import closest
from symprop.networks import (
    activations,
    aliases,
    attention,
    blocks,
    branches,
    cells,
    classification,
    convolution,
    dropout,
    embedding,
    gated,
    layers,
    margins,
    norms,
    own_activations,
    own_cells,
    own_losses,
    pooling,
    positions,
    regression,
)
from symprop.networks.blocks import Chain
from symprop.networks.layers import Layer
from symprop.networks.losses import LossLayer, penalised
from symprop.networks.network import Network
from symprop.networks.penalties import L1, L2, Penalty

LAYERS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        layers.Input,
        layers.Dense,
        embedding.Embedding,
        branches.Sum,
        branches.Multiply,
        branches.Concatenate,
        branches.Residual,
        gated.Highway,
        gated.GLU,
        gated.SwiGLU,
        blocks.Repeat,
        convolution.Conv1D,
        convolution.Conv2D,
        convolution.ConvTranspose2D,
        convolution.UpSample2D,
        pooling.MaxPool1D,
        pooling.MaxPool2D,
        pooling.AveragePool1D,
        pooling.AveragePool2D,
        pooling.GlobalAveragePool,
        pooling.Flatten,
        attention.Attention,
        positions.Positions,
        positions.SinusoidalPositions,
        positions.ClassToken,
        positions.At,
        cells.RNN,
        cells.LSTM,
        cells.GRU,
        cells.Bidirectional,
        own_cells.Scan,
        norms.LayerNorm,
        norms.RMSNorm,
        norms.GroupNorm,
        norms.BatchNorm,
        activations.Sigmoid,
        activations.Tanh,
        activations.ReLU,
        activations.LeakyReLU,
        activations.PReLU,
        activations.ELU,
        activations.GELU,
        activations.SiLU,
        activations.Softplus,
        activations.Identity,
        activations.Softmax,
        dropout.Dropout,
        own_activations.Activation,
        regression.MeanSquaredError,
        regression.MeanAbsoluteError,
        regression.Huber,
        classification.SoftmaxCrossEntropy,
        classification.BinaryCrossEntropy,
        classification.KLDivergence,
        margins.Hinge,
        margins.SquaredHinge,
        own_losses.Loss,
        L1,
        L2,
    )
}
"""Layers, losses and penalties by the name under which a text knows them."""


def is_network_text(text: str) -> bool:
    """Whether a text is meant as a network: it has `>>`, which no formula has, or begins with a layer.

    >>> is_network_text("Input(3) >> Tanh()"), is_network_text("x @ A @ x"), is_network_text("Dense(3)")
    (True, False, True)
    """
    return ">>" in text or re.match(r"[\s(]*[A-Z][A-Za-z0-9]*\s*\(", text) is not None


def is_formula_text(text: str) -> bool:
    """Whether a text is meant as a formula: it has signs, or calls a function of formulas.

    >>> is_formula_text("x @ A @ x"), is_formula_text("np.sum(x)"), is_formula_text("Input(3) >> Tanh()")
    (True, True, False)
    """
    called = re.findall(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(", text)
    signs = re.search(r"[@*+/;]|\.T\b|\w\s*-\s*\w", text) if not called else None
    return not is_network_text(text) and (bool(signs) or any(name in {**FUNCTIONS, **OPERATORS} for name in called))


@kept_whole()
def parse_network(text: str) -> Network:
    """Read a network from its text.

    >>> parse_network("Input(3) >> Dense(2) >> Tanh() >> MeanSquaredError()").text
    'Input(3) >> Dense(2) >> Tanh() >> MeanSquaredError()'

    Raises:
        SpecError: a syntax error, an unknown layer, a wrong argument, or layers that do not fit; a caret shows where.
        LimitError: a network larger than symprop takes.
    """
    if not isinstance(text, str):
        raise SpecError(f'a network is text such as "Input(64) >> Dense(10)", not {shown(type(text).__name__)}')
    if is_formula_text(text):
        told = (
            "symprop gradient for its derivatives, symprop derive for its graph; in Python symprop.gradient and derive"
        )
        raise SpecError(f"{shown(text)} is a formula, not a network\nallowed: {told}")
    network = _Reading(text).network()
    warned(network.doubts)
    return network


def as_network(value: Any) -> Network:
    """Return what stands for a network as one: a network, its text, or an `Input` alone.

    >>> as_network("Input(3) >> Tanh()").text
    'Input(3) >> Tanh()'

    Raises:
        SpecError: layers without an `Input`, or no network at all; or as `parse_network`.
    """
    if isinstance(value, str):
        return parse_network(value)
    if isinstance(value, layers.Input):
        return Network((value,))
    if isinstance(value, Network):
        return value
    if isinstance(value, (Layer, Chain)):
        example = f"Input(64) >> {value.text}" if len(value.text) <= 100 else "Input(64) >> Dense(32)"
        raise SpecError(f"{shown(value.text)} is no network: it has no Input\nallowed: {example}")
    raise SpecError(
        f"{shown(type(value).__name__)} is no network\n"
        "allowed: layers such as Input(64) >> Dense(10) >> SoftmaxCrossEntropy(), or their text in quotes"
    )


class _Reading:
    """One reading of one text, which stands in the messages."""

    def __init__(self, text: str) -> None:
        self.text = text

    def network(self) -> Network:
        calls = read_calls(self.text)
        read = tuple(self.layer(call) for call in calls)
        try:
            return Network(read)
        except SympropError as error:
            raise self.placed(error, calls[_first_misfit(read)]) from None

    def layer(self, call: Call | CallSum) -> Layer:
        """Return the layer that a call (or a sum of calls: a loss and penalties) describes."""
        if isinstance(call, CallSum):
            first, *rest = (self.built(part) for part in call.parts)
            for part, penalty in zip(call.parts[1:], rest, strict=True):
                if not isinstance(first, LossLayer) or not isinstance(penalty, Penalty):
                    raise self.placed(
                        SpecError("'+' adds a penalty to a loss: SoftmaxCrossEntropy() + L2(0.001)"), part
                    )
                first = penalised(first, penalty)
            return first
        built = self.built(call)
        if isinstance(built, Penalty):
            raise self.placed(SpecError(f"{call.name} is added to a loss: SoftmaxCrossEntropy() + {built.text}"), call)
        return built

    def built(self, call: Call) -> Any:
        known = aliases.known_as(call.name, LAYERS)
        kind = LAYERS.get(known)
        if kind is None:
            raise self.placed(SpecError(aliases.unknown(call.name, LAYERS)), call)
        told = f"; {call.name} takes {aliases.TAKES[known]}" if known in aliases.TAKES and known != call.name else ""
        signature = inspect.signature(kind)
        positional = [self.argument(value) for value in call.positional]
        keywords = {key: self.argument(value) for key, value in call.keywords.items()}
        named = all(each.kind != each.VAR_KEYWORD for each in signature.parameters.values())
        for key in keywords:
            if named and key not in signature.parameters:
                raise self.placed(
                    SpecError(
                        f"{call.name} has no argument {shown(key)}{closest(key, signature.parameters)}; {_usage(kind)}"
                    ),
                    call,
                )
        try:
            signature.bind(*positional, **keywords)
        except TypeError as error:
            raise self.placed(SpecError(f"{call.name}: {error}; {_usage(kind)}{told}"), call) from None
        try:
            return kind(*positional, **keywords)
        except SympropError as error:
            if told:
                error = type(error)(f"{str(error).splitlines()[0]}{told}")
            raise self.placed(error, call) from None

    def argument(self, value: Any) -> Any:
        if isinstance(value, Name):
            return value.text
        if isinstance(value, list):
            read = tuple(self.layer(call) for call in value)
            return read[0] if len(read) == 1 and isinstance(read[0], layers.Input) else Chain(read)
        return tuple(map(self.argument, value)) if isinstance(value, tuple) else value

    def placed(self, error: SympropError, call: Call | CallSum) -> SympropError:
        """The error with a caret under the call; one that shows a formula in quotes gets its place in this text."""
        message, width = str(error), len(_name(call))
        if error.column is not None:
            body = next(_texts(call), "")
            start = self.text.find(body, call.column)
            error.column = call.column if start < 0 else start + error.column
            return error
        placed = type(error)(pointed(message.replace("\n", "; "), self.text, call.column, width))
        return located(placed, call.column, width)


def _first_misfit(read: tuple[Layer, ...]) -> int:
    """The position of the first layer that does not fit the ones before it."""
    network: Network | None = None
    for position, layer in enumerate(read):
        try:
            network = Network((layer,)) if network is None else network >> layer
        except SympropError:
            return position
    return len(read) - 1


def _name(call: Call | CallSum) -> str:
    return call.name if isinstance(call, Call) else call.parts[0].name


def _texts(call: Call | CallSum) -> Iterator[str]:
    """Yield what stands in quotes in a call: the formula of an `Activation` or a `Loss` is the first."""
    first = call if isinstance(call, Call) else call.parts[0]
    return (value for value in (*first.positional, *first.keywords.values()) if isinstance(value, str))


def _usage(kind: type) -> str:
    """How a layer is written, as Python has it: `Conv2D(channels, kernel, *, stride=1)`."""
    parts = [part.replace(annotation=part.empty) for part in inspect.signature(kind).parameters.values()]
    return f"allowed: {kind.__name__}{inspect.Signature(parts)}"
